"""`martlet doctor --verify`: a sound drive verifies, and one flipped bit is found and named, whatever file it is in."""

import os
import pathlib
import random
import re
import shutil
import struct
import subprocess

import pytest
from awscrt.checksums import crc64nvme

from martlet_server import BINARY, Server

SMALL = random.Random(7).randbytes(6_000)
LARGE = random.Random(8).randbytes(3_000_000)


def verify(*drives):
    """(exit status, text)"""
    done = subprocess.run([BINARY, "doctor", "--verify", *map(str, drives)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


def fill(server):
    client = server.client()
    client.create_bucket(Bucket="verify")
    for number in range(40):
        client.put_object(Bucket="verify", Key=f"small/{number}", Body=bytes([number]) * (number * 400))
    client.put_object(Bucket="verify", Key="small/copied", Body=SMALL)
    for number in range(3):
        client.put_object(Bucket="verify", Key=f"large/{number}", Body=LARGE)
    client.delete_object(Bucket="verify", Key="large/1")
    for number in range(0, 40, 3):
        client.delete_object(Bucket="verify", Key=f"small/{number}")
    return client


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A store whose server was stopped: everything is in tables."""
    server = Server(tmp_path_factory.mktemp("verify"), drives=2)
    server.start()
    fill(server)
    assert server.stop() == 0, server.log()
    return server


@pytest.fixture(scope="module")
def drive(stopped):
    return stopped.drives[0]


class Flip:
    """One bit of a file, flipped for as long as the block lasts."""

    def __init__(self, path, offset, bit=0):
        self.path, self.offset, self.mask = path, offset, 1 << bit

    def _turn(self):
        with open(self.path, "r+b") as file:
            file.seek(self.offset)
            old = file.read(1)[0]
            file.seek(self.offset)
            file.write(bytes([old ^ self.mask]))
            os.fsync(file.fileno())

    __enter__ = lambda self: self._turn()
    __exit__ = lambda self, *_: self._turn()


def one(drive, pattern):
    found = sorted(drive.glob(pattern))
    assert found, f"no {pattern} on {drive}"
    return found[0]


def test_a_stopped_store_verifies(stopped):
    status, text = verify(*stopped.drives)
    assert status == 0, text
    assert text.count("verified:") == len(stopped.drives), text
    # It has looked at something of each kind.
    for kind in ("log batches", "rows", "tables", "packed pieces", "data blocks"):
        assert re.search(rf"[1-9]\d* {kind}", text), text


def test_verifying_changes_nothing(drive):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in drive.rglob("*")}
    assert verify(drive)[0] == 0
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in drive.rglob("*")} == before


def test_a_store_whose_server_was_killed_verifies(new_server):
    server = new_server(drives=2).start()
    client = fill(server)
    # Tables exist, and the log goes on behind them: overwritten rows and reused space belong to the log.
    assert server.stop() == 0
    server.start()
    client = server.client()
    for number in range(3):
        client.put_object(Bucket="verify", Key=f"large/{number}", Body=LARGE[number:])
        client.put_object(Bucket="verify", Key=f"small/{number}", Body=SMALL)
    client.delete_object(Bucket="verify", Key="large/0")
    client.put_object(Bucket="verify", Key="large/new", Body=LARGE)
    server.kill()
    status, text = verify(*server.drives)
    assert status == 0, text


def test_a_drive_in_use_is_left_alone(new_server):
    server = new_server(drives=1).start()
    status, text = verify(server.drives[0])
    assert status == 1 and "a server is using this drive" in text, text
    assert server.stop() == 0


@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("kind, pattern, offset", [
    ("segment header", "log/00000001.seg", 60),
    ("segment header, reserved bytes", "log/00000001.seg", 3000),
    ("batch header", "log/00000001.seg", 4096 + 17),
    ("batch", "log/00000001.seg", 4096 + 80),
    ("manifest header", "MANIFEST-*", 33),
    ("manifest edit header", "MANIFEST-*", 64 + 9),
    ("manifest edit", "MANIFEST-*", 64 + 32 + 5),
    ("CURRENT", "CURRENT", 5),
    ("drive.json", "drive.json", 6),
])
def test_a_flipped_bit_in_log_or_manifest_is_found(drive, kind, pattern, offset, bit):
    path = one(drive, pattern)
    with Flip(path, offset, bit):
        status, text = verify(drive)
    assert status == 1, f"{kind}: {text}"
    assert str(path.relative_to(drive)) in text or path.name in text, f"{kind}: {text}"


def test_a_flipped_bit_in_the_last_edit_of_the_manifest_is_found(drive):
    path = one(drive, "MANIFEST-*")
    with Flip(path, len(path.read_bytes().rstrip(b"\0")) - 1):
        status, text = verify(drive)
    assert status == 1 and path.name in text, text


def test_a_flipped_bit_in_any_page_of_a_table_is_found(drive):
    table = one(drive, "index/*.tbl")
    pages = table.stat().st_size // 4096
    for page in range(pages):
        with Flip(table, page * 4096 + 8 + page * 37 % 4000):
            status, text = verify(drive)
        assert status == 1 and f"index/{table.name}" in text, f"page {page} of {pages}: {text}"


def test_a_flipped_bit_in_packed_data_is_found_with_its_object(drive):
    log = one(drive, "log/00000001.seg")
    offset = log.read_bytes().find(SMALL)
    assert offset > 0
    with Flip(log, offset + 2_500, 3):
        status, text = verify(drive)
    assert status == 1 and "log/00000001.seg" in text and '"small/copied"' in text, text


def test_a_flipped_bit_in_an_extent_is_found(drive):
    data = one(drive, "data/*.dat")
    with open(data, "rb") as file:
        offset = file.read(32 << 20).find(LARGE[:4096])
    assert offset >= 0
    with Flip(data, offset + 4_000, 5):
        status, text = verify(drive)
    assert status == 1 and f"data/{data.name}, byte {offset // 4096 * 4096}" in text, text


@pytest.mark.parametrize("pattern", ["index/*.tbl", "data/*.dat", "log/00000001.seg"])
def test_a_lost_file_is_named(drive, pattern):
    path = one(drive, pattern)
    away = path.with_suffix(".away")
    path.rename(away)
    try:
        status, text = verify(drive)
    finally:
        away.rename(path)
    assert status == 1 and f"{path.parent.name}/{path.name}" in text, text


def test_drives_with_the_same_place_are_told_apart(stopped, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(stopped.drives[0] / "drive.json", copy)
    status, text = verify(*stopped.drives, copy)
    assert status == 1 and "claims the place of" in text, text


# MARK: The allocator. Docs/formats/manifest.md and record.md say how an edit is written.

def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


class ExtraEdit:
    """An edit behind the manifest's last one, for as long as the block lasts."""

    def __init__(self, drive, body):
        self.path, self.body = one(drive, "MANIFEST-*"), body

    def __enter__(self):
        self.before = self.path.read_bytes()
        number, offset, sequence = int(self.path.name.split("-")[1]), 64, 0
        while offset < len(self.before):
            length, sequence = struct.unpack_from("<QQ", self.before, offset)
            offset += 32 + (length + 7) // 8 * 8
        head = struct.pack("<QQQ", len(self.body), sequence + 1, crc64nvme(self.body, number))
        edit = head + struct.pack("<Q", crc64nvme(head, number)) + self.body
        self.path.write_bytes(self.before + edit + bytes(-len(self.body) % 8))

    def __exit__(self, *_):
        self.path.write_bytes(self.before)


def allocation(segment, runs):
    body, last = bytes([13]) + varint(segment) + varint(len(runs)), 0
    for start, count in runs:
        body += varint(start - last) + varint(count)
        last = start + count
    return body


@pytest.mark.parametrize("body, says", [
    (allocation(1, [(0, 60_000)]), "used space that no row names"),
    (allocation(1, []), "the allocator has it as free"),
    (bytes([14]) + varint(1) + varint(1) + varint(5), "live bytes are counted"),
    (bytes([14]) + varint(1) + varint(77) + varint(5), "log/00000077.seg"),
])
def test_an_allocator_that_differs_from_the_index_is_found(drive, body, says):
    assert verify(drive)[0] == 0
    with ExtraEdit(drive, body):
        status, text = verify(drive)
    assert status == 1 and says in text, text
