"""Drives that fail while the server runs, on four drives with two of parity: what goes on, what is refused, and what comes back."""

import contextlib
import os
import pathlib
import random
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError

from test_command import until
from test_drives import check, empty, filled, is_whole, metrics


def here(server):
    """1 for each slot whose drive takes part."""
    found = metrics(server)
    return [int(found[f'martlet_drive_online{{set="0",slot="{slot}"}}']) for slot in range(len(server.drives))]


@contextlib.contextmanager
def unavailable():
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503, caught.value.response


def put_some(server, bodies, name):
    s3 = server.client()
    for size in (10, 4096, 200_000, 3 << 20):
        body = os.urandom(size)
        s3.put_object(Bucket="kept", Key=f"{name}/{size}", Body=body)
        bodies[f"{name}/{size}"] = body


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_a_drive_that_vanishes_comes_back_whole(new_server, how):
    server = new_server(drives=4).start()
    bodies = filled(server)
    drive = server.drives[1]
    if how == "deleted":
        shutil.rmtree(drive)
    else:
        for path in drive.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    check(server, bodies)
    put_some(server, bodies, "while one is gone")
    until(lambda: how == "emptied" or here(server)[1] == 0, "nobody noticed")
    check(server, bodies)
    put_some(server, bodies, "when it is noticed")
    if how == "deleted":
        drive.mkdir()
    until(lambda: is_whole(server) and (drive / "drive.json").exists(), "the drive is not rebuilt")
    check(server, bodies)
    # Redundancy is full again: the two drives that never failed may go.
    for other in (server.drives[0], server.drives[2]):
        shutil.rmtree(other)
    until(lambda: here(server) == [0, 1, 0, 1], "nobody noticed")
    check(server, bodies)
    server.kill()


def test_random_corruption_of_a_running_drive_is_served_around_and_mended(new_server):
    server = new_server(drives=4).start()
    bodies = filled(server)
    chance = random.Random(3)
    for path in sorted(p for p in server.drives[2].rglob("*") if p.is_file() and p.stat().st_size > 0):
        with open(path, "r+b") as file:
            size = path.stat().st_size
            for _ in range(200):
                file.seek(chance.randrange(size))
                file.write(bytes([chance.randrange(256)]))
    check(server, bodies)
    put_some(server, bodies, "on a damaged drive")
    check(server, bodies)
    # The server finds the whole of the damage when it starts; what can't be used is rebuilt.
    server.kill()
    if not usable(server, 2):
        empty(server.drives[2])
    server.start()
    until(lambda: is_whole(server), "redundancy does not come back")
    for other in (server.drives[0], server.drives[1]):
        shutil.rmtree(other)
    until(lambda: here(server) == [0, 0, 1, 1], "nobody noticed")
    check(server, bodies)
    server.kill()


def usable(server, slot):
    """A drive.json that can't be read is for the operator: emptying the directory has the drive rebuilt."""
    other = (server.drives[0] / "drive.json").read_bytes()
    mine = (server.drives[slot] / "drive.json").read_bytes()
    return len(mine) == len(other) and sum(a != b for a, b in zip(mine, other)) <= 33


def test_two_lost_drives_leave_reads_and_three_leave_nothing(new_server):
    server = new_server(drives=4).start()
    bodies = filled(server)
    aside = [pathlib.Path(f"{d}.aside") for d in server.drives]
    s3 = server.client()
    for slot in (0, 1):
        server.drives[slot].rename(aside[slot])
    until(lambda: here(server)[:2] == [0, 0], "nobody noticed")
    check(server, bodies)
    assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == len(bodies)
    for key in ("new", next(iter(bodies))):
        with unavailable():
            s3.put_object(Bucket="kept", Key=key, Body=b"x")
    with unavailable():
        s3.delete_object(Bucket="kept", Key=next(iter(bodies)))
    check(server, bodies)
    server.drives[2].rename(aside[2])
    until(lambda: here(server)[:3] == [0, 0, 0], "nobody noticed")
    with unavailable():
        s3.get_object(Bucket="kept", Key=next(iter(bodies)))
    with unavailable():
        s3.list_objects_v2(Bucket="kept")
    with unavailable():
        s3.put_object(Bucket="kept", Key="new", Body=b"x")
    for slot in (0, 1, 2):
        aside[slot].rename(server.drives[slot])
    until(lambda: is_whole(server), "redundancy does not come back")
    check(server, bodies)
    # What was refused is there whole or not at all.
    listed = {o["Key"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]}
    assert listed - set(bodies) <= {"new"}
    if "new" in listed:
        assert s3.get_object(Bucket="kept", Key="new")["Body"].read() == b"x"
    put_some(server, bodies, "afterwards")
    check(server, bodies)
    assert server.stop() == 0


@pytest.fixture
def small_drives(tmp_path):
    """Four file systems of 1 GiB."""
    drives = [tmp_path / "store" / f"drive{i + 1}" for i in range(4)]
    for drive in drives:
        drive.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "none", drive], capture_output=True, text=True)
        if done.returncode:
            for mounted in drives:
                subprocess.run(["umount", mounted], capture_output=True)
            pytest.skip(f"file systems can't be mounted here: {done.stderr}")
    yield drives
    for drive in drives:
        subprocess.run(["umount", "-l", drive])


def test_full_drives_still_serve_and_delete(small_drives, new_server):
    server = new_server(drives=4)
    assert server.drives == small_drives
    server.start()
    s3 = server.client()
    s3.create_bucket(Bucket="kept")
    bodies, block = {}, os.urandom(8 << 20)
    for number in range(200):
        key, body = f"k{number}", number.to_bytes(4, "big") + block[4:]
        try:
            s3.put_object(Bucket="kept", Key=key, Body=body)
        except s3.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (503, 507), error.response
            break
        bodies[key] = body
    else:
        pytest.fail("the drives never filled up")
    assert len(bodies) > 10
    check(server, bodies)
    for key in list(bodies)[: len(bodies) // 2]:
        s3.delete_object(Bucket="kept", Key=key)
        del bodies[key]
    check(server, bodies)

    def takes_writes():
        try:
            s3.put_object(Bucket="kept", Key="again", Body=block)
            return True
        except s3.exceptions.ClientError:
            return False

    until(takes_writes, "deletes free no space")
    bodies["again"] = block
    check(server, bodies)
    assert server.stop() == 0
    server.start()
    check(server, bodies)
    assert server.stop() == 0
