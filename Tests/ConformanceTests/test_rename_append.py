"""RenameObject, and PutObject at a write offset."""

import concurrent.futures

import pytest

from helpers import refused


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
def test_rename(s3, bucket, size):
    body = bytes(i % 251 for i in range(size))
    s3.put_object(Bucket=bucket, Key="old", Body=body, Metadata={"a": "b"}, Tagging="t=1")
    before = s3.head_object(Bucket=bucket, Key="old")
    s3.put_object(Bucket=bucket, Key="new name", Body=b"replaced")
    s3.rename_object(Bucket=bucket, Key="new name", RenameSource="old")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="old")
    got = s3.get_object(Bucket=bucket, Key="new name")
    assert got["Body"].read() == body and got["TagCount"] == 1
    for name in ("ETag", "LastModified", "Metadata", "ContentLength"):
        assert got[name] == before[name]
    s3.rename_object(Bucket=bucket, Key="k", RenameSource=f"/{bucket}/new%20name")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_rename_of_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="old")["UploadId"]
    bodies = [b"a" * (5 << 20), b"b"]
    parts = [{"PartNumber": i + 1, "ETag": s3.upload_part(
        Bucket=bucket, Key="old", UploadId=upload, PartNumber=i + 1, Body=body)["ETag"]} for i, body in enumerate(bodies)]
    etag = s3.complete_multipart_upload(Bucket=bucket, Key="old", UploadId=upload, MultipartUpload={"Parts": parts})["ETag"]
    s3.rename_object(Bucket=bucket, Key="new", RenameSource="old")
    got = s3.get_object(Bucket=bucket, Key="new")
    assert got["ETag"] == etag and got["Body"].read() == b"".join(bodies)
    assert s3.head_object(Bucket=bucket, Key="new", PartNumber=2)["ContentLength"] == 1


def test_conditions_of_a_rename(s3, bucket):
    source = s3.put_object(Bucket=bucket, Key="old", Body=b"1")["ETag"]
    target = s3.put_object(Bucket=bucket, Key="new", Body=b"2")["ETag"]
    for conditions in (dict(DestinationIfNoneMatch="*"), dict(DestinationIfMatch=source), dict(SourceIfMatch=target),
                       dict(SourceIfNoneMatch="*"), dict(SourceIfNoneMatch=source)):
        with refused("PreconditionFailed", 412):
            s3.rename_object(Bucket=bucket, Key="new", RenameSource="old", **conditions)
    with refused("PreconditionFailed", 412):
        s3.rename_object(Bucket=bucket, Key="other", RenameSource="old", DestinationIfMatch=target)
    with refused("NoSuchKey", 404):
        s3.rename_object(Bucket=bucket, Key="new", RenameSource="missing")
    s3.rename_object(Bucket=bucket, Key="new", RenameSource="old", SourceIfMatch=source, DestinationIfMatch=target)
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"1"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with refused("NotImplemented", 501):
        s3.rename_object(Bucket=bucket, Key="other", RenameSource="new")
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="new", Body=b"x", WriteOffsetBytes=1)


@pytest.mark.parametrize("pieces", [[b"", b"a"], [b"a", b"b", b"c"], [b"x" * 2_000_000, b"y", b"z" * 300_000, b"", b"end"]])
def test_append(s3, bucket, pieces):
    whole, etags = b"", set()
    for piece in pieces:
        answer = s3.put_object(Bucket=bucket, Key="k", Body=piece, WriteOffsetBytes=len(whole), Metadata={"a": "b"})
        whole += piece
        etags.add(answer["ETag"])
        assert answer["Size"] == len(whole)
        got = s3.get_object(Bucket=bucket, Key="k")
        assert got["Body"].read() == whole and got["ETag"] == answer["ETag"]
    assert got["Metadata"] == {"a": "b"}
    assert len(etags) == len(pieces)
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-2")["Body"].read() == whole[-2:]
    for offset in (len(whole) - 1, len(whole) + 1):
        with refused("InvalidWriteOffset", 400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", WriteOffsetBytes=offset)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == whole
    s3.delete_object(Bucket=bucket, Key="k")
    with refused("InvalidWriteOffset", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", WriteOffsetBytes=len(whole))


def test_appending_to_an_object_of_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=3, Body=b"part")["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": etag}]})
    for i in range(140):
        s3.put_object(Bucket=bucket, Key="k", Body=b"%04d" % i, WriteOffsetBytes=4 + 4 * i)
    expected = b"part" + b"".join(b"%04d" % i for i in range(140))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == expected
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=514-525")["Body"].read() == expected[514:526]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert found["TotalPartsCount"] == 141 and found["Parts"][0]["PartNumber"] == 3


def test_of_racing_appends_to_one_offset_one_wins(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"start")

    def append(i):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=b"%02d" % i, WriteOffsetBytes=5)
            return i
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("InvalidWriteOffset", "ConditionalRequestConflict"), error
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        winners = [i for i in pool.map(append, range(16)) if i is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"start%02d" % winners[0]
