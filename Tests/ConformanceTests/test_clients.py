"""Unmodified clients other than boto3 move a tree in and out: AWS CLI, s5cmd, rclone, restic, s3cmd, curl, minio-py."""

import os

import pytest

from clients import Clients, tree
from martlet_server import ACCESS_KEY, SECRET_KEY


@pytest.fixture
def clients(server, tmp_path):
    return Clients(server, tmp_path)


@pytest.fixture
def aws(clients):
    return clients.aws


@pytest.fixture
def source(tmp_path):
    """A tree with the names and sizes that clients trip over."""
    root = tmp_path / "in"
    for index, size in enumerate([0, 1, 5000, 200_000, 9 << 20]):
        path = root / f"dir {index % 2}" / f"file-ü+&-{index}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


def test_aws_cli_moves_a_tree_in_and_out(aws, bucket, source, tmp_path):
    target = tmp_path / "out"
    aws("s3", "sync", str(source), f"s3://{bucket}/tree")
    assert "file-ü+&-4" in aws("s3", "ls", "--recursive", f"s3://{bucket}/tree/")
    aws("s3", "sync", f"s3://{bucket}/tree", str(target))
    assert tree(source) == tree(target)
    aws("s3", "mv", f"s3://{bucket}/tree/dir 0/file-ü+&-0", f"s3://{bucket}/moved")
    aws("s3", "cp", f"s3://{bucket}/tree/dir 0/file-ü+&-4", f"s3://{bucket}/copied")
    aws("s3", "rm", "--recursive", f"s3://{bucket}/")
    assert aws("s3", "ls", "--recursive", f"s3://{bucket}/") == ""
    aws("s3", "rb", f"s3://{bucket}")


def test_curl_with_presigned_urls(clients, bucket, source, tmp_path):
    file = source / "dir 0" / "file-ü+&-4"
    url = clients.aws("s3", "presign", f"s3://{bucket}/presigned", "--expires-in", "300").strip()
    put = clients.server.client().generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "presigned"})
    clients.curl("-T", file, put)
    clients.curl("-o", tmp_path / "back", url)
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    clients.curl("-o", tmp_path / "part", "-r", "100-199", url)
    assert (tmp_path / "part").read_bytes() == file.read_bytes()[100:200]
    assert "SignatureDoesNotMatch" in clients.curl(url + "0", status=22)


def test_s5cmd(clients, new_name, source, tmp_path):
    name, target = new_name(), tmp_path / "out"
    clients.s5cmd("mb", f"s3://{name}")
    clients.s5cmd("cp", f"{source}/", f"s3://{name}/tree/")
    assert "tree/" in clients.s5cmd("ls", f"s3://{name}")
    clients.s5cmd("cp", f"s3://{name}/tree/*", f"{target}/")
    assert tree(source) == tree(target)
    clients.s5cmd("mv", f"s3://{name}/tree/dir 0/file-ü+&-4", f"s3://{name}/moved")
    clients.s5cmd("rm", f"s3://{name}/*")
    clients.s5cmd("rb", f"s3://{name}")


def test_rclone_syncs_and_checks(clients, bucket, source, tmp_path):
    target = tmp_path / "out"
    clients.rclone("sync", source, f"m:{bucket}/tree")
    clients.rclone("check", "--download", source, f"m:{bucket}/tree")
    clients.rclone("check", source, f"m:{bucket}/tree")
    clients.rclone("sync", f"m:{bucket}/tree", target)
    assert tree(source) == tree(target)
    (source / "dir 0" / "new").write_bytes(b"new")
    (source / "dir 1" / "file-ü+&-1").unlink()
    clients.rclone("sync", source, f"m:{bucket}/tree")
    clients.rclone("check", source, f"m:{bucket}/tree")
    clients.rclone("check", f"m:{bucket}/tree", target, status=1)
    clients.rclone("moveto", f"m:{bucket}/tree/dir 0/new", f"m:{bucket}/elsewhere/new")
    clients.rclone("purge", f"m:{bucket}")


def test_restic_backs_up_and_restores(clients, bucket, source, tmp_path):
    clients.restic(bucket, "init")
    clients.restic(bucket, "backup", source)
    (source / "dir 0" / "later").write_bytes(os.urandom(100_000))
    clients.restic(bucket, "backup", source)
    clients.restic(bucket, "check", "--read-data")
    clients.restic(bucket, "restore", "latest", "--target", tmp_path / "out")
    assert tree(source) == tree(tmp_path / "out" / source.relative_to("/"))
    clients.restic(bucket, "forget", "--keep-last", "1", "--prune")
    clients.restic(bucket, "check", "--read-data")


def test_s3cmd(clients, new_name, source, tmp_path):
    name, target = new_name(), tmp_path / "out"
    clients.s3cmd("mb", f"s3://{name}")
    clients.s3cmd("sync", "--multipart-chunk-size-mb=5", f"{source}/", f"s3://{name}/tree/")
    assert "tree" in clients.s3cmd("ls", f"s3://{name}")
    clients.s3cmd("sync", f"s3://{name}/tree/", f"{target}/")
    assert tree(source) == tree(target)
    clients.s3cmd("cp", f"s3://{name}/tree/dir 0/file-ü+&-4", f"s3://{name}/copied")
    clients.s3cmd("del", "--recursive", "--force", f"s3://{name}/")
    clients.s3cmd("rb", f"s3://{name}")


def test_minio_py(server, new_name, tmp_path):
    from minio import Minio

    client = Minio(f"127.0.0.1:{server.port}", access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=server.certs is not None)
    name = new_name()
    client.make_bucket(name)
    assert client.bucket_exists(name)
    data = os.urandom(6 << 20)
    path = tmp_path / "file"
    path.write_bytes(data)
    client.fput_object(name, "a/b", str(path), part_size=5 << 20)
    assert client.get_object(name, "a/b").read() == data
    assert client.stat_object(name, "a/b").size == len(data)
    assert [o.object_name for o in client.list_objects(name, recursive=True)] == ["a/b"]
    client.remove_object(name, "a/b")
    client.remove_bucket(name)
