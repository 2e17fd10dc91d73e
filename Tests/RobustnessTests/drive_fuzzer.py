"""Mutated blocks in the files of a stopped server's drives. With as many drives damaged as parity allows every object must read back
right; with more, right or with an error, and never wrong. As a program: `python3 drive_fuzzer.py --blocks 1000000 --seed 1`.
"""

import argparse
import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.parse

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from martlet_server import Server
from wire import BadAnswer, Client, NoAnswer

BLOCK = 4096
SIZES = [0, 1, 100, 900, 5_000, 20_000, 60_000, 131_073, 300_000, 1_100_000, 2_500_000]


class Image:
    """The contents of a directory, holes left out, so that it can be put back in a moment."""

    def __init__(self, directory):
        self.files, self.folders = {}, []
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory)
            if path.is_dir():
                self.folders.append((name, path.stat().st_mode))
            else:
                self.files[name] = (path.stat().st_mode, path.stat().st_size, self._extents(path))

    @staticmethod
    def _extents(path):
        extents = []
        with open(path, "rb") as file:
            size, at = path.stat().st_size, 0
            while at < size:
                try:
                    at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                while at < end:
                    data = os.pread(file.fileno(), min(1 << 20, end - at), at)
                    if data.strip(b"\0"):
                        extents.append((at, data))
                    at += len(data)
        return extents

    def restore(self, directory):
        for path in sorted(directory.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for name, mode in self.folders:
            (directory / name).mkdir(mode=mode & 0o777)
        for name, (mode, size, extents) in self.files.items():
            descriptor = os.open(directory / name, os.O_CREAT | os.O_WRONLY, mode & 0o777)
            os.ftruncate(descriptor, size)
            for offset, data in extents:
                os.pwrite(descriptor, data, offset)
            os.close(descriptor)

    def blocks(self):
        """(file, offset) of every block that holds something."""
        found = []
        for name, (_, size, extents) in self.files.items():
            for offset, data in extents:
                for at in range(0, len(data), BLOCK):
                    if data[at:at + BLOCK].strip(b"\0"):
                        found.append((name, offset + at))
        return found


class Store:
    """A store with some of everything, the state of its drives at two moments, and what it holds."""

    def __init__(self, directory, seed=1, drives=4, cycles=4, sizes=SIZES):
        self.server = Server(directory, drives=drives)
        self.objects, self.gone, self.sizes = {}, set(), sizes
        chance = random.Random(seed)
        for cycle in range(cycles):
            self.server.start()
            self.fill(Client(self.server.port), chance, cycle)
            if cycle == cycles - 2:
                self.server.stop()
                self.older = [Image(drive) for drive in self.server.drives]
                self.older_objects = dict(self.objects)
            elif cycle < cycles - 1:
                self.server.stop()
        # The last cycle's writes are in the log only. An idle drive stores how far they are decided: without that, the last one could
        # not be told from one that was never acknowledged once two drives are unreadable.
        before = self.manifests()
        ends = time.monotonic() + 60
        while any(now <= then for now, then in zip(self.manifests(), before)):
            if time.monotonic() > ends:
                raise RuntimeError("an idle drive does not store what is decided")
            time.sleep(0.05)
        self.server.kill()
        self.images = [Image(drive) for drive in self.server.drives]

    def manifests(self):
        return [sum(path.stat().st_size for path in drive.glob("MANIFEST-*")) for drive in self.server.drives]

    def fill(self, client, chance, cycle):
        if cycle == 0:
            client.good(b"PUT", b"/kept")
        for number, size in enumerate(self.sizes):
            for key in (b"c%d/o%d" % (cycle, number), b"same/o%d" % number):
                body = chance.randbytes(size)
                client.good(b"PUT", b"/kept/" + key, headers=[(b"x-amz-meta-size", b"%d" % size)], body=body)
                self.objects[key] = body
        for number in range(40):
            key, body = b"many/%d" % chance.randrange(100), chance.randbytes(chance.randrange(3000))
            client.good(b"PUT", b"/kept/" + key, body=body)
            self.objects[key] = body
        for key in chance.sample(sorted(self.objects), 12):
            client.good(b"DELETE", b"/kept/" + key)
            del self.objects[key]
            self.gone.add(key)
        self.gone -= set(self.objects)
        key, parts, tags = b"parts/%d" % cycle, [chance.randbytes(5 << 20), chance.randbytes(70_000)], b""
        _, body = client.good(b"POST", b"/kept/" + key, [(b"uploads", b"")])
        upload = body.split(b"<UploadId>")[1].split(b"<")[0]
        for number, part in enumerate(parts, 1):
            headers, _ = client.good(b"PUT", b"/kept/" + key, [(b"partNumber", b"%d" % number), (b"uploadId", upload)], body=part)
            tags += b"<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (number, headers[b"etag"])
        client.good(b"POST", b"/kept/" + key, [(b"uploadId", upload)], body=b"<CompleteMultipartUpload>" + tags + b"</CompleteMultipartUpload>")
        self.objects[key] = b"".join(parts)
        client.close()


class Damage:
    def __init__(self, store, seed):
        self.store, self.random = store, random.Random(seed)
        # A manifest was damaged: its drive stays out until the operator empties it. A table or data: nobody knows until they are read.
        self.headless = False
        self.blocks = [image.blocks() for image in store.images]
        self.by_kind = [collections.defaultdict(list) for _ in self.blocks]
        for kinds, blocks in zip(self.by_kind, self.blocks):
            for block in blocks:
                kinds[block[0].parts[0]].append(block)

    def mutate(self, slot, count):
        """Damages `count` blocks of a drive; returns how many."""
        chance, drive, kinds = self.random, self.store.server.drives[slot], self.by_kind[slot]
        # drive.json is for the operator when it can't be read: it says which drive this is. Without its manifest a drive is empty,
        # so that most rounds leave that one, and what names it, alone.
        spared = {"drive.json"}
        if chance.random() < 0.85:
            spared.add("CURRENT")
        if chance.random() < 0.85:
            spared |= {name for name in kinds if name.startswith("MANIFEST")}
        names, done = [name for name in sorted(kinds) if name not in spared], 0
        for _ in range(count):
            name, offset = chance.choice(kinds[chance.choice(names)] if chance.random() < 0.5 else self.blocks[slot])
            if name.parts[0] in spared:
                continue
            self.headless |= name.parts[0].startswith(("MANIFEST", "index", "data"))
            path = drive / name
            size = path.stat().st_size
            with open(path, "r+b") as file:
                old = os.pread(file.fileno(), min(BLOCK, max(0, size - offset)), offset)
                if old:
                    self.damage(slot, file.fileno(), name, offset, bytearray(old), count)
                    done += 1
        return done

    def damage(self, slot, descriptor, name, offset, block, count):
        chance, what = self.random, self.random.randrange(10)
        if what <= 3:
            for _ in range(chance.choice((1, 1, 2, 16))):
                block[chance.randrange(len(block))] ^= 1 << chance.randrange(8)
        elif what == 4:
            start = chance.randrange(len(block))
            block[start:start + 64] = chance.randbytes(len(block[start:start + 64]))
        elif what == 5:
            block[:] = bytes(len(block))
        elif what == 6:
            block[:] = chance.randbytes(len(block))
        elif what == 7:
            # Another block of this drive or of another, misdirected.
            other = chance.randrange(len(self.blocks)) if chance.random() < 0.5 else slot
            found = chance.choice(self.blocks[other])
            for at, data in self.store.images[other].files[found[0]][2]:
                if at <= found[1] < at + len(data):
                    block[:] = data[found[1] - at:][:len(block)].ljust(len(block), b"\0")
        elif what == 8:
            # A sector of it was lost: what the file held there at an earlier time.
            older = self.store.older[slot].files.get(name)
            start = chance.randrange(0, len(block), 512)
            new = bytes(512)
            for at, data in older[2] if older else ():
                if at <= offset + start < at + len(data):
                    new = data[offset + start - at:][:512]
            block[start:start + 512] = new.ljust(512, b"\0")[:len(block[start:start + 512])]
        elif count < 20 and chance.random() < 0.3:
            os.ftruncate(descriptor, offset + chance.randrange(len(block)))
            return
        else:
            block[-chance.randrange(1, len(block) + 1):] = b""
            block.extend(b"\xff" * (BLOCK - len(block)))
            block = block[:BLOCK]
        os.pwrite(descriptor, bytes(block), offset)


class Wrong(Exception):
    pass


def check(store, must_be_whole, counts):
    """Reads everything. With `must_be_whole` each object must come; otherwise it may fail, but not be wrong or be said not to exist."""
    client, server = Client(store.server.port), store.server
    for key, body in sorted(store.objects.items()):
        try:
            status, headers, found = client.ask(b"GET", b"/kept/" + key)
        except (BadAnswer, NoAnswer, ConnectionError):
            if not server.running:
                raise Wrong(f"the server ended: {server.process.poll()}")
            status, found = 0, b""
        counts[status] += 1
        if status == 200:
            if found != body:
                raise Wrong(f"WRONG BYTES: {key}: {len(found)} bytes for {len(body)}")
        elif must_be_whole or status not in (0, 500, 503):
            raise Wrong(f"{key}: {status} {found[:300]}")
    # Some ranges and heads, which take other ways.
    for key in sorted(store.objects)[::7]:
        body = store.objects[key]
        if len(body) < 10:
            continue
        try:
            status, headers, found = client.ask(b"GET", b"/kept/" + key, headers=[(b"Range", b"bytes=%d-%d" % (len(body) // 3, len(body) // 2))])
        except (BadAnswer, NoAnswer, ConnectionError):
            continue
        if status == 206 and found != body[len(body) // 3:len(body) // 2 + 1]:
            raise Wrong(f"WRONG BYTES in a range of {key}")
        if must_be_whole and status != 206:
            raise Wrong(f"a range of {key}: {status}")
    for key in sorted(store.gone)[::3]:
        try:
            status, _, found = client.ask(b"GET", b"/kept/" + key)
        except (BadAnswer, NoAnswer, ConnectionError):
            continue
        if status == 200 and must_be_whole:
            raise Wrong(f"{key} was deleted and is back")
        counts["back"] += status == 200
    try:
        listed, token = {}, None
        while True:
            query = [(b"list-type", b"2"), (b"encoding-type", b"url")] + ([(b"continuation-token", token)] if token else [])
            status, _, page = client.ask(b"GET", b"/kept", query)
            if status != 200:
                break
            for piece in page.split(b"<Contents>")[1:]:
                listed[urllib.parse.unquote_to_bytes(piece.split(b"<Key>")[1].split(b"<")[0])] = int(piece.split(b"<Size>")[1].split(b"<")[0])
            if b"<NextContinuationToken>" not in page:
                break
            token = page.split(b"<NextContinuationToken>")[1].split(b"<")[0]
    except (BadAnswer, NoAnswer, ConnectionError):
        status = 0
    counts[f"list {status}"] += 1
    right = {key: len(body) for key, body in store.objects.items()}
    if status == 200 and listed != right and must_be_whole or must_be_whole and status != 200:
        odd = sorted(set(listed.items()) ^ set(right.items()))[:6]
        raise Wrong(f"the listing is {status} and differs: {odd}")
    client.close()
    if not server.running:
        raise Wrong(f"the server ended: {server.process.poll()}")


def whole(server):
    text = server.ops("/metrics")[1].decode()
    return any(line == f'martlet_set_drives_whole{{set="0"}} {len(server.drives)}' for line in text.splitlines())


def run_round(store, seed, counts, blocks_max=3000):
    """One damaged start. Returns the number of blocks that were mutated; raises Wrong."""
    chance, damage, server = random.Random(seed), Damage(store, seed), store.server
    slots = len(server.drives)
    parity = slots // 2
    for drive, image in zip(server.drives, store.images):
        image.restore(drive)
    beyond = chance.random() < 0.25
    victims = chance.sample(range(slots), chance.randint(parity + 1, slots) if beyond else chance.randint(1, parity))
    each = int(2 ** chance.uniform(0, blocks_max.bit_length()))
    if not beyond and chance.random() < 0.1:
        # An outdated drive instead of a damaged one.
        store.older[victims[0]].restore(server.drives[victims[0]])
        victims = victims[1:]
    done = sum(damage.mutate(slot, each) for slot in victims)
    counts["beyond parity" if beyond else "within parity"] += 1
    size = server.log_path.stat().st_size if server.log_path.exists() else 0
    try:
        try:
            server.start(timeout=120)
        except RuntimeError:
            try:
                status = server.process.wait(20)
            except subprocess.TimeoutExpired:
                raise Wrong("the server neither starts nor ends")
            if status < 0:
                raise Wrong(f"the server died of signal {-status}")
            if not beyond:
                raise Wrong(f"the server does not start: status {status}")
            counts["refused to start"] += 1
            return done
        check(store, not beyond, counts)
        if not beyond and not damage.headless and chance.random() < 0.15:
            ends = time.monotonic() + 120
            while not whole(server):
                if time.monotonic() > ends:
                    raise Wrong("redundancy does not come back")
                time.sleep(0.1)
            counts["mended"] += 1
            server.kill()
            # The drives that were damaged, and as many others as it takes, have to be enough.
            for slot in chance.sample([n for n in range(slots) if n not in victims], max(0, parity - max(0, len(victims) - parity)))[:parity]:
                server.drives[slot].rename(f"{server.drives[slot]}.away")
            try:
                server.start(timeout=120)
                check(store, True, counts)
            finally:
                server.kill()
                for drive in server.drives:
                    away = pathlib.Path(f"{drive}.away")
                    if away.exists():
                        Image.restore(Nothing, drive) if drive.exists() else None
                        if drive.exists():
                            drive.rmdir()
                        away.rename(drive)
        elif chance.random() < 0.2:
            if server.stop() != 0:
                raise Wrong("the server does not end in order")
            server.start(timeout=120)
            check(store, not beyond, counts)
    except Wrong as wrong:
        with open(server.log_path, errors="replace") as file:
            file.seek(size)
            raise Wrong(f"{wrong} (seed {seed}, drives {victims}, {each} blocks each, beyond parity: {beyond})\n{file.read()[-3000:]}") from wrong
    finally:
        if server.running:
            server.kill()
    return done


class Nothing:
    folders, files = [], {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one round with this seed")
    parser.add_argument("--directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        store, counts, done, rounds, failures = Store(directory), collections.Counter(), 0, 0, 0
        print(f"{len(store.objects)} objects, {sum(len(image.blocks()) for image in store.images)} blocks", flush=True)
        began = time.monotonic()
        while done < arguments.blocks and time.monotonic() - began < arguments.seconds:
            seed = arguments.only if arguments.only is not None else arguments.seed * 1_000_000 + rounds
            rounds += 1
            try:
                done += run_round(store, seed, counts)
            except Wrong as wrong:
                failures += 1
                print(f"FAILURE {wrong}", flush=True)
            if arguments.only is not None or failures > 30:
                break
            if rounds % 20 == 0:
                print(f"{time.strftime('%H:%M:%S')} {rounds} rounds, {done} blocks, {failures} failures, {dict(counts)}", flush=True)
        print(f"{rounds} rounds, {done} blocks, {failures} failures in {time.monotonic() - began:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main()
