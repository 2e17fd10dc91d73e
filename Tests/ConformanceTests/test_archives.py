"""Archives: tar files that become objects as they arrive, and files read out of zip archives."""

import gzip
import io
import random
import struct
import subprocess
import tarfile
import zipfile
import zlib

import pytest

from helpers import code_of, md5_etag, raw, refused

SPREAD = {"snowball-auto-extract": "true"}


def archive(files, **options):
    """A tar archive of (name, bytes); None makes a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for name, body in files:
            entry = tarfile.TarInfo(name)
            if body is None:
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def contents(s3, bucket):
    keys = [entry["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for entry in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


FILES = [("a", b"1"), ("dir", None), ("dir/empty", b""), ("dir/b", bytes(range(256)) * 300), ("./c", b"c" * 512), ("/d\u00e9", b"d" * 513)]
STORED = {"a": b"1", "dir/": b"", "dir/empty": b"", "dir/b": bytes(range(256)) * 300, "c": b"c" * 512, "d\u00e9": b"d" * 513}


def zstd(data):
    """By the command, if it is there; else as one raw block after another, which is zstd too."""
    out = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x58])
    blocks = [data[i:i + 100_000] for i in range(0, len(data), 100_000)] or [b""]
    for i, block in enumerate(blocks):
        out += struct.pack("<I", len(block) << 3 | (i == len(blocks) - 1))[:3] + block
    return out


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd, lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:])])
def test_a_tar_archive_becomes_objects(s3, bucket, form, compress):
    body = compress(archive(FILES, format=form))
    answer = s3.put_object(Bucket=bucket, Key="archive.tar", Body=body, Metadata=SPREAD)
    assert answer["ETag"] == md5_etag(body)
    assert contents(s3, bucket) == STORED


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(s3, bucket, form):
    name = "/".join(["x" * 90] * 9) + "/\u00fc" * 20
    s3.put_object(Bucket=bucket, Key="t", Body=archive([(name, b"1"), ("b", b"2")], format=form), Metadata=SPREAD)
    assert contents(s3, bucket) == {name: b"1", "b": b"2"}


def test_prefix_and_directories(s3, bucket):
    body = archive(FILES)
    s3.put_object(Bucket=bucket, Key="t", Body=body, Metadata=dict(SPREAD, **{"snowball-prefix": "/in/here", "snowball-ignore-dirs": "true"}))
    assert contents(s3, bucket) == {"in/here/" + key: body for key, body in STORED.items() if key != "dir/"}
    s3.put_object(Bucket=bucket, Key="t", Body=archive([("x", b"1")]), Metadata=dict(SPREAD, **{"minio-snowball-prefix": "m"}))
    assert s3.get_object(Bucket=bucket, Key="m/x")["Body"].read() == b"1"


def test_what_the_request_says_of_its_object_counts_for_each(s3, bucket):
    s3.put_object(Bucket=bucket, Key="t", Body=archive([("x", b"1")]), Metadata=dict(SPREAD, other="y"), Tagging="a=b",
                  StorageClass="REDUCED_REDUNDANCY")
    found = s3.head_object(Bucket=bucket, Key="x")
    assert found["StorageClass"] == "REDUCED_REDUNDANCY" and found["Metadata"] == {}
    assert s3.get_object_tagging(Bucket=bucket, Key="x")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_files_that_can_not_be_stored(s3, bucket):
    body = archive([("a", b"1"), ("x" * 1025, b"no" * 1000), ("b", b"2")])
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="t", Body=body, Metadata=SPREAD)
    assert contents(s3, bucket) == {"a": b"1"}
    s3.put_object(Bucket=bucket, Key="t", Body=body, Metadata=dict(SPREAD, **{"snowball-ignore-errors": "true"}))
    assert contents(s3, bucket) == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("damage", [lambda b: b[:700], lambda b: b"x" + b[1:], lambda b: b[:1100] + b"\xff" * 400 + b[1500:],
                                    lambda b: gzip.compress(b)[:-20], lambda b: b"\x28\xb5\x2f\xfd" + b])
def test_damaged_archives(s3, bucket, damage):
    body = damage(archive([("a", b"1" * 400), ("b", b"2" * 3000)]))
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="t", Body=body, Metadata=SPREAD)


def test_links_are_passed_over_and_each_version_counts(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo("link")
            entry.type, entry.linkname = kind, "a"
            tar.addfile(entry)
        for body in (b"1", b"22"):
            entry = tarfile.TarInfo("a")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    s3.put_object(Bucket=bucket, Key="t", Body=buffer.getvalue(), Metadata=SPREAD)
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(v["Key"], v["Size"]) for v in versions] == [("a", 2), ("a", 1)]


def test_a_digest_of_the_archive_is_compared(server, bucket):
    body = archive([("a", b"1")])
    status, _, answer = raw(server, "PUT", f"/{bucket}/t", {"x-amz-meta-snowball-auto-extract": "true", "Content-MD5": "A" * 22 + "=="}, body)
    assert status == 400 and code_of(answer) == "BadDigest"


def test_only_keys_that_the_writer_may_write(s3, alt, bucket, main_id):
    import json

    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": [f"arn:aws:s3:::{bucket}/t", f"arn:aws:s3:::{bucket}/open/*"]}]}))
    with refused("AccessDenied", 403):
        alt.put_object(Bucket=bucket, Key="t", Body=archive([("open/a", b"1"), ("closed", b"2")]), Metadata=SPREAD)
    assert contents(s3, bucket) == {"open/a": b"1"}


# Zip

def zipped(files, method=zipfile.ZIP_DEFLATED, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, **options) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


NOISE = random.Random(1).randbytes(300_000)
MEMBERS = {"a.txt": b"hello", "dir/\u00e9": b"x" * 1_000_000, "dir/noise": NOISE, "empty": b""}


def member(server, bucket, key, headers=None, method="GET"):
    import urllib.parse

    headers = dict(headers or {}, **{"x-minio-extract": "true"})
    return raw(server, method, f"/{bucket}/{urllib.parse.quote(key)}", headers)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_inside_a_zip_archive(server, s3, bucket, method):
    etag = s3.put_object(Bucket=bucket, Key="in/a.zip", Body=zipped(MEMBERS, method))["ETag"]
    for name, body in MEMBERS.items():
        status, headers, found = member(server, bucket, "in/a.zip/" + name)
        assert (status, found) == (200, body) and headers["content-length"] == str(len(body)) and headers["etag"] == etag
        status, headers, found = member(server, bucket, "in/a.zip/" + name, method="HEAD")
        assert (status, found, headers["content-length"]) == (200, b"", str(len(body)))
    status, headers, found = member(server, bucket, "in/a.zip/dir/noise", {"Range": "bytes=200000-200009"})
    assert (status, found, headers["content-range"]) == (206, NOISE[200_000:200_010], "bytes 200000-200009/300000")
    assert member(server, bucket, "in/a.zip/dir/noise", {"Range": "bytes=-3"})[2] == NOISE[-3:]
    assert member(server, bucket, "in/a.zip/empty", {"Range": "bytes=0-1"})[0] == 416
    status, _, found = member(server, bucket, "in/a.zip/none")
    assert (status, code_of(found)) == (404, "NoSuchKey")
    # Without the header it is a key like any other.
    assert raw(server, "GET", f"/{bucket}/in/a.zip/a.txt")[0] == 404
    assert member(server, bucket, "in/b.zip/a.txt")[0] == 404


def test_what_is_no_zip_archive(server, s3, bucket):
    good = zipped({"a": b"x" * 1000})
    for body in (b"", b"no zip", good[:-30], good[:20] + good[40:], b"PK\5\6" + b"\xff" * 18):
        s3.put_object(Bucket=bucket, Key="a.zip", Body=body)
        status, _, found = member(server, bucket, "a.zip/a")
        assert (status, code_of(found)) == (400, "InvalidRequest")


def test_zip_archives_of_older_versions_and_of_others(server, s3, alt, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="a.zip", Body=zipped({"a": b"old"}))["VersionId"]
    s3.put_object(Bucket=bucket, Key="a.zip", Body=zipped({"a": b"new"}))
    assert member(server, bucket, "a.zip/a")[2] == b"new"
    assert raw(server, "GET", f"/{bucket}/a.zip/a?versionId={old}", {"x-minio-extract": "true"})[2] == b"old"
    assert raw(server, "GET", f"/{bucket}/a.zip/a", {"x-minio-extract": "true"}, sign=False)[0] == 403
