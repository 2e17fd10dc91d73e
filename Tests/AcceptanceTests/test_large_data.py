"""Large data through the clients that people have: it comes out byte for byte as it went in. `make acceptance`; not part of `make test`."""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import time

import pytest

from clients import Clients, tree
from martlet_server import Server

# The Swift toolchain's own folder: some thousand files from empty to hundreds of MiB.
TOOLCHAIN = pathlib.Path(os.environ.get("ACCEPTANCE_TREE") or pathlib.Path(shutil.which("swift") or "/").resolve().parents[1])
SMALL_FILES = int(os.environ.get("ACCEPTANCE_FILES", "100000"))
BIG_BYTES = int(os.environ.get("ACCEPTANCE_BYTES", str(6 << 30)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("acceptance")).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def clients(server, tmp_path):
    yield Clients(server, tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def timed(request):
    def run(what, call):
        start = time.monotonic()
        result = call()
        print(f"\n{request.node.name}: {what}: {time.monotonic() - start:.1f} s", end="", flush=True)
        return result

    return run


def fill(root, files):
    chance = random.Random(7)
    for index in range(files):
        directory = root / f"{index % 97:02}" / f"{index % 1009:04}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"file-{index}").write_bytes(chance.randbytes(chance.choice([0, 17, 300, 1000, 4096, 9000])))


def test_the_toolchain_through_rclone(clients, server, tmp_path, timed):
    server.client().create_bucket(Bucket="toolchain")
    timed("sync in", lambda: clients.rclone("sync", "--skip-links", TOOLCHAIN, "m:toolchain/tree", "--transfers", "8"))
    timed("check", lambda: clients.rclone("check", "--skip-links", TOOLCHAIN, "m:toolchain/tree"))
    timed("sync out", lambda: clients.rclone("sync", "m:toolchain/tree", tmp_path / "out", "--transfers", "8"))
    assert tree(TOOLCHAIN) == tree(tmp_path / "out")
    timed("purge", lambda: clients.rclone("purge", "m:toolchain/tree"))


def test_the_toolchain_through_aws(clients, server, tmp_path, timed):
    server.client().create_bucket(Bucket="toolchain-aws")
    timed("sync in", lambda: clients.aws("s3", "sync", "--no-follow-symlinks", "--only-show-errors", TOOLCHAIN, "s3://toolchain-aws/tree"))
    timed("sync out", lambda: clients.aws("s3", "sync", "--only-show-errors", "s3://toolchain-aws/tree", tmp_path / "out"))
    assert tree(TOOLCHAIN) == tree(tmp_path / "out")
    timed("rm", lambda: clients.aws("s3", "rm", "--recursive", "--only-show-errors", "s3://toolchain-aws/tree"))
    assert clients.aws("s3", "ls", "s3://toolchain-aws/") == ""


def test_small_files_through_s5cmd(clients, server, tmp_path, timed):
    server.client().create_bucket(Bucket="small")
    source, target = tmp_path / "in", tmp_path / "out"
    fill(source, SMALL_FILES)
    timed("cp in", lambda: clients.s5cmd("--log", "error", "cp", f"{source}/", "s3://small/tree/"))
    assert len(clients.s5cmd("ls", "s3://small/*").splitlines()) == SMALL_FILES
    timed("cp out", lambda: clients.s5cmd("--log", "error", "cp", "s3://small/tree/*", f"{target}/"))
    assert tree(source) == tree(target)
    timed("rm", lambda: clients.s5cmd("--log", "error", "rm", "s3://small/*"))
    assert "KeyCount" in server.client().list_objects_v2(Bucket="small")
    assert server.client().list_objects_v2(Bucket="small")["KeyCount"] == 0


def test_small_files_through_restic(clients, server, tmp_path, timed):
    server.client().create_bucket(Bucket="backup")
    source = tmp_path / "in"
    fill(source, SMALL_FILES // 10)
    timed("init", lambda: clients.restic("backup", "init"))
    timed("backup", lambda: clients.restic("backup", "backup", source))
    timed("backup of the toolchain", lambda: clients.restic("backup", "backup", TOOLCHAIN))
    timed("check", lambda: clients.restic("backup", "check", "--read-data"))
    timed("restore", lambda: clients.restic("backup", "restore", "latest", "--target", tmp_path / "out"))
    assert tree(TOOLCHAIN) == tree(tmp_path / "out" / TOOLCHAIN.relative_to("/"))


def test_one_big_file(clients, server, tmp_path, timed):
    server.client().create_bucket(Bucket="big")
    source = tmp_path / "big"
    # Random blocks, each at its own place, quicker than random bytes throughout.
    block = os.urandom(1 << 20)
    with open(source, "wb") as file:
        for number in range(BIG_BYTES >> 20):
            file.write(number.to_bytes(8, "little") + block[8:])
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for name, put, get in [
        ("aws", lambda: clients.aws("s3", "cp", "--only-show-errors", source, "s3://big/aws"),
         lambda: clients.aws("s3", "cp", "--only-show-errors", "s3://big/aws", tmp_path / "back")),
        ("rclone", lambda: clients.rclone("copyto", source, "m:big/rclone"), lambda: clients.rclone("copyto", "m:big/rclone", tmp_path / "back")),
        ("s5cmd", lambda: clients.s5cmd("cp", source, "s3://big/s5cmd"), lambda: clients.s5cmd("cp", "s3://big/s5cmd", tmp_path / "back")),
    ]:
        timed(f"{name} in", put)
        timed(f"{name} out", get)
        with open(tmp_path / "back", "rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == digest, name
        (tmp_path / "back").unlink()
        clients.s5cmd("rm", f"s3://big/{name}")
    url = clients.aws("s3", "presign", "s3://big/curl").strip()
    put = server.client().generate_presigned_url("put_object", Params={"Bucket": "big", "Key": "curl"})
    with open(source, "r+b") as file:
        file.truncate(min(BIG_BYTES, 5 << 30))  # the largest object of one PUT
    timed("curl in", lambda: clients.curl("-T", source, put))
    timed("curl out", lambda: clients.curl("-o", tmp_path / "back", url))
    assert subprocess.run(["cmp", source, tmp_path / "back"]).returncode == 0
