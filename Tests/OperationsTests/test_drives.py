"""What Docs/operations/drives.md promises: drives are lost, replaced and damaged, and the server makes them whole again."""

import os
import re
import shutil

import pytest
from botocore.exceptions import ClientError

from test_command import martlet, until
from test_verify import Flip


def metrics(server):
    text = server.ops("/metrics")[1].decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}


def is_whole(server):
    return metrics(server)['martlet_set_drives_whole{set="0"}'] == len(server.drives)


def filled(server, sizes=(0, 700, 5_000, 60_000, 300_000, 1_100_000, 3_000_000)):
    client = server.client()
    client.create_bucket(Bucket="kept")
    bodies = {f"object-{size}": os.urandom(size) for size in sizes}
    for key, body in bodies.items():
        client.put_object(Bucket="kept", Key=key, Body=body)
    return bodies


def check(server, bodies):
    client = server.client()
    for key, body in bodies.items():
        assert client.get_object(Bucket="kept", Key=key)["Body"].read() == body, key


def empty(drive):
    shutil.rmtree(drive)
    drive.mkdir()


def test_a_replaced_drive_is_rebuilt_and_the_others_may_go(new_server):
    server = new_server(drives=4).start()
    bodies = filled(server)
    assert server.stop() == 0
    empty(server.drives[1])
    server.start()
    check(server, bodies)
    until(lambda: is_whole(server), "the drive is not rebuilt")
    until(lambda: f"{server.drives[1]} (set 1, drive 2) is rebuilt" in server.log(), "the log does not say that it is rebuilt")
    assert server.stop() == 0
    verified = martlet("doctor", "--verify", *server.drives)
    assert verified.returncode == 0, verified.stdout
    # With two others away, every object needs what was rebuilt.
    for number in (0, 2):
        server.drives[number].rename(server.directory / f"away{number}")
    server.start()
    check(server, bodies)
    assert "takes no part" in server.log()
    assert server.stop() == 0


def test_a_pair_wants_the_operators_word(new_server):
    server = new_server(drives=2).start()
    bodies = filled(server)
    assert server.stop() == 0
    empty(server.drives[0])
    server.start()
    check(server, bodies)
    with pytest.raises(ClientError) as caught:
        server.client().put_object(Bucket="kept", Key="new", Body=b"")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    until(lambda: "say so with --replaced" in server.log(), "the log does not say what to do")
    assert server.stop() == 0
    server.arguments = ["--replaced", str(server.drives[0])]
    server.start()
    until(lambda: is_whole(server), "the drive is not rebuilt")
    server.client().put_object(Bucket="kept", Key="new", Body=b"new")
    assert server.stop() == 0
    server.arguments = []
    server.drives[1].rename(server.directory / "away")
    server.start()
    check(server, {**bodies, "new": b"new"})
    assert server.stop() == 0


def test_a_replaced_drive_must_be_one_of_the_drives(tmp_path):
    done = martlet("server", "--address", "127.0.0.1:0", "--ops-address", "127.0.0.1:0", "--state-dir", tmp_path / "state",
                   "--replaced", tmp_path / "other", tmp_path / "d{1...2}")
    assert done.returncode == 1 and "is not one of the drives" in done.stderr, done.stderr


def test_damaged_data_is_served_from_the_others_and_mended(new_server):
    server = new_server(drives=4).start()
    bodies = filled(server)
    assert server.stop() == 0
    body = bodies["object-3000000"]
    for drive in server.drives:
        data = next(iter(drive.glob("data/*.dat")))
        with open(data, "rb") as file:
            offset = file.read(16 << 20).find(body[:4096])
        if offset >= 0:
            break
    Flip(data, offset + 100).__enter__()
    found = martlet("doctor", "--verify", *server.drives)
    assert found.returncode == 1 and str(data) in found.stdout, found.stdout
    server.start()
    check(server, bodies)
    until(lambda: metrics(server)['martlet_set_rows_repaired_total{set="0"}'] >= 1, "nothing was mended")
    assert metrics(server)['martlet_set_damaged_reads_total{set="0"}'] >= 1
    check(server, bodies)
    assert server.stop() == 0
    mended = martlet("doctor", "--verify", *server.drives)
    assert mended.returncode == 0, mended.stdout
