"""Tags of objects: documents, fields, directives, limits."""

import pytest

from helpers import code_of, raw, refused


def tags(s3, bucket, key, **options):
    return [(tag["Key"], tag["Value"]) for tag in s3.get_object_tagging(Bucket=bucket, Key=key, **options)["TagSet"]]


def tagging(*pairs):
    return {"TagSet": [{"Key": key, "Value": value} for key, value in pairs]}


@pytest.mark.parametrize("size", [0, 10, 100_000, 1_000_000])
def test_tags_come_and_go_and_leave_the_object_alone(s3, bucket, size):
    body = bytes(i % 251 for i in range(size))
    s3.put_object(Bucket=bucket, Key="k", Body=body, Metadata={"a": "b"})
    before = s3.head_object(Bucket=bucket, Key="k")
    assert tags(s3, bucket, "k") == [] and "TagCount" not in before
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(("b", "2"), ("a", "1"), ("empty", "")))
    assert tags(s3, bucket, "k") == [("a", "1"), ("b", "2"), ("empty", "")]
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["TagCount"] == 3 and got["Body"].read() == body
    for name in ("ETag", "LastModified", "Metadata", "ContentLength"):
        assert got[name] == before[name]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(("c", "3")))
    assert tags(s3, bucket, "k") == [("c", "3")]
    assert s3.delete_object_tagging(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags(s3, bucket, "k") == []
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_tags_of_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="n=1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", Tagging="n=2")["VersionId"]
    answer = s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=first, Tagging=tagging(("n", "one")))
    assert answer["VersionId"] == first
    assert tags(s3, bucket, "k", VersionId=first) == [("n", "one")]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["VersionId"] == second
    assert tags(s3, bucket, "k") == [("n", "2")]
    assert s3.delete_object_tagging(Bucket=bucket, Key="k")["VersionId"] == second
    assert tags(s3, bucket, "k") == [] and tags(s3, bucket, "k", VersionId=first) == [("n", "one")]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    with refused("MethodNotAllowed", 405):
        s3.get_object_tagging(Bucket=bucket, Key="k")
    with refused("MethodNotAllowed", 405):
        s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=marker, Tagging=tagging(("n", "1")))
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_tags_of_objects_that_are_not_there(s3, bucket):
    for call, options in ((s3.get_object_tagging, {}), (s3.delete_object_tagging, {}),
                          (s3.put_object_tagging, {"Tagging": tagging(("a", "b"))})):
        with refused("NoSuchKey", 404):
            call(Bucket=bucket, Key="missing", **options)


def test_tags_with_the_write(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=two%20words&c=&d")
    assert tags(s3, bucket, "k") == [("a", "1"), ("b", "two words"), ("c", ""), ("d", "")]
    assert s3.head_object(Bucket=bucket, Key="k")["TagCount"] == 4
    s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert tags(s3, bucket, "k") == []
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", Tagging="m=1")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert tags(s3, bucket, "m") == [("m", "1")]
    s3.put_object_tagging(Bucket=bucket, Key="m", Tagging=tagging(("m", "2")))
    assert tags(s3, bucket, "m") == [("m", "2")] and s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"x"


def test_copies_and_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert tags(s3, bucket, "copy") == [("a", "1")]
    # Without the directive the tags of the request count for nothing.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Tagging="b=2")
    assert tags(s3, bucket, "copy") == [("a", "1")]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Tagging="b=2", TaggingDirective="REPLACE")
    assert tags(s3, bucket, "copy") == [("b", "2")]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, TaggingDirective="REPLACE")
    assert tags(s3, bucket, "copy") == []
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, TaggingDirective="OTHER")


def test_limits(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    ten = [(f"key{i}", f"value{i}") for i in range(10)]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(*ten))
    long = [("k" * 128, "v" * 256)]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(*long))
    assert tags(s3, bucket, "k") == long
    for pairs, code in (
        (ten + [("one", "more")], "BadRequest"),
        ([("k" * 129, "v")], "InvalidTag"),
        ([("k", "v" * 257)], "InvalidTag"),
        ([("k", "1"), ("k", "2")], "InvalidTag"),
        ([("k!", "v")], "InvalidTag"),
        ([("k", "v\x7f")], "InvalidTag"),
        ([("aws:k", "v")], "InvalidTag"),
    ):
        with refused(code, 400):
            s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(*pairs))
    assert tags(s3, bucket, "k") == long
    allowed = [("Zürich 東京", "+-=._:/@ 09")]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tagging(*allowed))
    assert tags(s3, bucket, "k") == allowed


def test_fields_and_documents_that_are_wrong(s3, server, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for text in ("a=1&a=2", "a=%zz", "=1"):
        with refused("InvalidArgument", 400):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=text)
    with refused("BadRequest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="&".join(f"k{i}=v" for i in range(11)))
    with refused("InvalidTag", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="k=" + "v" * 257)
    for body in (b"<Tagging/>", b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>", b"<TagSet/>",
                 b"<Tagging><TagSet><X/></TagSet></Tagging>"):
        status, _, answer = raw(server, "PUT", f"/{bucket}/k?tagging", body=body)
        assert (status, code_of(answer)) == (400, "MalformedXML"), body
