"""Unmodified clients other than boto3: the AWS CLI and minio-py."""

import hashlib
import os
import pathlib
import subprocess
import sys

import pytest

from martlet_server import ACCESS_KEY, SECRET_KEY


@pytest.fixture
def aws(server, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="us-east-1",
                       AWS_ENDPOINT_URL=server.endpoint, AWS_CONFIG_FILE=str(tmp_path / "none"), HOME=str(tmp_path))
    program = pathlib.Path(sys.executable).parent / "aws"

    def run(*arguments, status=0):
        done = subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def tree(root):
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


def test_aws_cli_moves_a_tree_in_and_out(aws, bucket, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    for index, size in enumerate([0, 1, 5000, 200_000, 9 << 20]):
        path = source / f"dir {index % 2}" / f"file-ü-{index}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    aws("s3", "sync", str(source), f"s3://{bucket}/tree")
    assert "file-ü-4" in aws("s3", "ls", "--recursive", f"s3://{bucket}/tree/")
    aws("s3", "sync", f"s3://{bucket}/tree", str(target))
    assert tree(source) == tree(target)
    aws("s3", "mv", f"s3://{bucket}/tree/dir 0/file-ü-0", f"s3://{bucket}/moved")
    aws("s3", "cp", f"s3://{bucket}/tree/dir 0/file-ü-4", f"s3://{bucket}/copied")
    aws("s3", "rm", "--recursive", f"s3://{bucket}/")
    assert aws("s3", "ls", "--recursive", f"s3://{bucket}/") == ""
    aws("s3", "rb", f"s3://{bucket}")


def test_minio_py(server, new_name, tmp_path):
    from minio import Minio

    client = Minio(f"127.0.0.1:{server.port}", access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False)
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
