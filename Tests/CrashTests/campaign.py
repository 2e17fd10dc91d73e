"""SIGKILL at random moments under mixed writers, again and again. After each restart what was acknowledged is read back by a client
that knows nothing of the server; from time to time everything is deleted and no space may be left behind.

As a program: `python3 campaign.py --cycles 500 --writers 32 --seed 1`.
"""

import argparse
import collections
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from martlet_server import BINARY, Server
from wire import BadAnswer, Client, NoAnswer

MEBI = 1 << 20
SIZES = [0, 1, 100, 3_000, 4_096, 20_000, 130_000, 262_145, 1 * MEBI, 2_500_000]
LARGE = [8 * MEBI, 16 * MEBI + 1, 64 * MEBI]
BUCKET = b"/crash"


class Bytes:
    """The contents of objects: a stamp of their own and a piece of one long run of random bytes, so that nothing has to be kept."""

    def __init__(self, seed):
        self.run = random.Random(seed).randbytes(65 * MEBI)
        self.stamps = 0
        self.lock = threading.Lock()

    def new(self, size, chance):
        """What an object of that size will hold, as (stamp, start, size)."""
        with self.lock:
            self.stamps += 1
            return (self.stamps, chance.randrange(len(self.run) - size + 1), size)

    def of(self, piece):
        stamp, start, size = piece
        return (struct.pack(">QQ", stamp, stamp ^ 0x5555) + self.run[start:start + size])[:size]

    def whole(self, pieces):
        return b"".join(map(self.of, pieces))


class Writer(threading.Thread):
    """One request at a time, on keys of its own: what each key may hold is known exactly. A set of outcomes for each key: the
    acknowledged one alone, or, for the request that was under way when the server died, either."""

    def __init__(self, server, number, contents, state, seed, large, keys=5, tolerates=False):
        super().__init__()
        # Goes on when the server refuses a write with 500 or 503, which may then have happened or not.
        self.tolerates, self.stops = tolerates, threading.Event()
        self.client, self.number, self.contents, self.state = Client(server.port, timeout=120), number, contents, state
        self.random, self.large, self.keys = random.Random(seed), large, keys
        self.counts, self.refused = collections.Counter(), None

    def run(self):
        while not self.stops.is_set():
            try:
                self.one()
            except (NoAnswer, BadAnswer, OSError):
                break
            except AssertionError as error:
                self.counts["refused"] += 1
                if not self.tolerates or not str(error).startswith(("(500,", "(503,", "(507,")):
                    self.refused = str(error)
                    break
        self.client.close()

    def key(self):
        return b"w%d/k%d" % (self.number, self.random.randrange(self.keys))

    def one(self):
        what, key = self.random.random(), self.key()
        if what < 0.18:
            self.change(key, None, lambda path: self.client.good(b"DELETE", path))
            self.counts["delete"] += 1
        elif what < 0.30:
            source = self.key()
            held = self.state.get(source, {None})
            if source == key or len(held) != 1 or None in held:
                return
            self.change(key, next(iter(held)), lambda path: self.copy(path, source))
            self.counts["copy"] += 1
        elif what < 0.36:
            self.multipart(key)
        else:
            size = self.random.choice(LARGE if self.random.random() < self.large else SIZES)
            piece = self.contents.new(size, self.random)
            self.change(key, (piece,), lambda path: self.client.good(b"PUT", path, body=self.contents.of(piece)))
            self.counts["put"] += 1

    def change(self, key, outcome, send):
        self.state[key] = self.state.get(key, {None}) | {outcome}
        send(BUCKET + b"/" + key)
        self.state[key] = {outcome}

    def copy(self, path, source):
        _, body = self.client.good(b"PUT", path, headers=[(b"x-amz-copy-source", BUCKET + b"/" + source)])
        assert b"<ETag>" in body, body

    def multipart(self, key):
        path = BUCKET + b"/" + key
        _, body = self.client.good(b"POST", path, [(b"uploads", b"")])
        upload = body.split(b"<UploadId>")[1].split(b"<")[0]
        pieces, tags = [], b""
        for number in range(1, self.random.choice((1, 2, 3)) + 1):
            piece = self.contents.new(5 * MEBI if number == 1 else self.random.choice((1, 70_000, 5 * MEBI)), self.random)
            if pieces and pieces[-1][2] < 5 * MEBI:
                break
            headers, _ = self.client.good(b"PUT", path, [(b"partNumber", b"%d" % number), (b"uploadId", upload)], body=self.contents.of(piece))
            pieces.append(piece)
            tags += b"<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (number, headers[b"etag"])
        if self.random.random() < 0.2:
            self.client.good(b"DELETE", path, [(b"uploadId", upload)])
            self.counts["aborted upload"] += 1
            return

        def complete(path):
            _, body = self.client.good(b"POST", path, [(b"uploadId", upload)],
                                       body=b"<CompleteMultipartUpload>" + tags + b"</CompleteMultipartUpload>")
            assert b"<ETag>" in body, body

        self.change(key, tuple(pieces), complete)
        self.counts["multipart"] += 1


class Lost(Exception):
    pass


class Campaign:
    def __init__(self, server, seed, writers=32, large=0.004, tell=lambda text: None):
        self.server, self.seed, self.writers, self.large, self.tell = server, seed, writers, large, tell
        self.contents, self.state, self.chance = Bytes(seed), {}, random.Random(seed)
        self.counts, self.cycles, self.leaks = collections.Counter(), 0, 0

    def begin(self):
        self.server.start()
        Client(self.server.port).good(b"PUT", BUCKET)

    def cycle(self, longest=1.5):
        self.cycles += 1
        writers = [Writer(self.server, n, self.contents, self.state, (self.seed << 24) + self.cycles * 1000 + n, self.large)
                   for n in range(self.writers)]
        touched = dict(self.state)
        for writer in writers:
            writer.start()
        # The moment is drawn, so that it falls anywhere in the work.
        threading.Event().wait(self.chance.uniform(0.02, longest))
        running = self.server.running
        self.server.kill()
        for writer in writers:
            writer.join()
            self.counts.update(writer.counts)
        if not running:
            raise Lost(f"the server had died by itself: {self.server.process.returncode}\n{self.server.log()}")
        refused = [writer.refused for writer in writers if writer.refused]
        if refused:
            raise Lost(f"a good request was refused: {refused[0]}")
        self.server.start(timeout=120)
        changed = [key for key, held in self.state.items() if touched.get(key) is not held]
        others = [key for key in self.state if key not in set(changed)]
        every = self.cycles % 10 == 0
        self.audit(changed + (others if every else self.chance.sample(others, min(len(others), 10))))

    def strain(self, seconds, tolerates, writers=8, ends=lambda: False):
        """Writers for a while on a server that may die by itself meanwhile; True when it did. What they were refused is counted."""
        self.cycles += 1
        threads = [Writer(self.server, n, self.contents, self.state, (self.seed << 24) + self.cycles * 1000 + n, self.large, tolerates=tolerates)
                   for n in range(writers)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.server.running and not ends():
            time.sleep(0.02)
        for thread in threads:
            thread.stops.set()
        for thread in threads:
            thread.join()
            self.counts.update(thread.counts)
        refused = [thread.refused for thread in threads if thread.refused]
        if refused:
            raise Lost(f"a good request was refused: {refused[0]}")
        return not self.server.running

    def audit(self, keys):
        client, listed = Client(self.server.port, timeout=120), self.listing()
        for key in sorted(keys):
            held = self.state[key]
            status, _, body = client.ask(b"GET", BUCKET + b"/" + key)
            if status not in (200, 404):
                raise Lost(f"{key}: {status} {body[:400]}")
            size = listed.get(key)
            if (size is None) != (status == 404) or size is not None and size != len(body):
                raise Lost(f"{key}: listed as {size}, read as {status} with {len(body)} bytes")
            found = [outcome for outcome in held
                     if (outcome is None) == (status == 404) and (outcome is None or self.contents.whole(outcome) == body)]
            if not found:
                raise Lost(f"{key}: read {status} with {len(body)} bytes, acknowledged {held}")
            self.state[key] = {found[0]}
            self.counts["audited"] += 1
        unknown = set(listed) - {key for key, held in self.state.items() if held != {None}}
        if unknown:
            raise Lost(f"listed and never acknowledged: {sorted(unknown)[:5]}")
        client.close()

    def listing(self):
        client, listed, token = Client(self.server.port, timeout=120), {}, None
        while True:
            query = [(b"list-type", b"2")] + ([(b"continuation-token", token)] if token else [])
            _, page = client.good(b"GET", BUCKET, query)
            for piece in page.split(b"<Contents>")[1:]:
                listed[urllib.parse.unquote_to_bytes(piece.split(b"<Key>")[1].split(b"<")[0])] = int(piece.split(b"<Size>")[1].split(b"<")[0])
            if b"<NextContinuationToken>" not in page:
                client.close()
                return listed
            token = page.split(b"<NextContinuationToken>")[1].split(b"<")[0]

    def metrics(self):
        text = self.server.ops("/metrics")[1].decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}

    def live(self):
        found = self.metrics()
        return [int(found[f'martlet_drive_live_data_bytes{{set="0",slot="{slot}"}}']) for slot in range(len(self.server.drives))]

    def leak_check(self, seconds=120):
        """The drives verify; and when everything is deleted, nothing stays behind."""
        self.until(lambda: self.metrics()['martlet_set_drives_whole{set="0"}'] == len(self.server.drives), "redundancy does not come back", seconds)
        self.audit(list(self.state))
        if self.server.stop() != 0:
            raise Lost("the server does not end in order")
        done = subprocess.run([BINARY, "doctor", "--verify", *map(str, self.server.drives)], capture_output=True, text=True)
        if done.returncode != 0:
            raise Lost(f"the drives do not verify:\n{done.stdout[-3000:]}")
        self.server.start(timeout=120)
        client = Client(self.server.port, timeout=120)
        for key in self.listing():
            client.good(b"DELETE", BUCKET + b"/" + key)
            self.state[key] = {None}
        while True:
            _, body = client.good(b"GET", BUCKET, [(b"uploads", b"")])
            uploads = body.split(b"<Upload>")[1:]
            for piece in uploads:
                key, upload = piece.split(b"<Key>")[1].split(b"<")[0], piece.split(b"<UploadId>")[1].split(b"<")[0]
                client.good(b"DELETE", BUCKET + b"/" + key, [(b"uploadId", upload)])
            if not uploads:
                break
        client.close()
        self.until(lambda: not any(self.live()), lambda: f"space is leaked: {self.live()} bytes stay on the drives", seconds)
        self.leaks += 1

    @staticmethod
    def until(condition, otherwise, seconds):
        ends = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > ends:
                raise Lost(otherwise() if callable(otherwise) else otherwise)
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=50, help="cycles between two checks for leaked space")
    parser.add_argument("--directory")
    parser.add_argument("--set", action="append", default=[], help="a variable of the server's environment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        server = Server(directory, drives=4, environment=dict(text.split("=", 1) for text in arguments.set))
        campaign, began = Campaign(server, arguments.seed, arguments.writers), time.monotonic()
        campaign.begin()
        try:
            while campaign.cycles < arguments.cycles:
                campaign.cycle()
                if campaign.cycles % arguments.every == 0:
                    campaign.leak_check()
                if campaign.cycles % 10 == 0:
                    print(f"{time.strftime('%H:%M:%S')} {campaign.cycles} cycles, {dict(campaign.counts)}", flush=True)
            print(f"{campaign.cycles} cycles in {time.monotonic() - began:.0f} s: 0 lost, 0 wrong; {campaign.leaks} checks for leaked space, 0 leaked; "
                  f"{dict(campaign.counts)}")
        except Lost as lost:
            print(f"FAILURE in cycle {campaign.cycles} (seed {arguments.seed}): {lost}\n{server.log()[-3000:]}", flush=True)
            # Left for whoever looks into it.
            server.kill() if server.running else None
            os.rename(directory, directory + ".failed")
            os.mkdir(directory)
        finally:
            if server.running:
                server.kill()


if __name__ == "__main__":
    main()
