import concurrent.futures
import datetime

from helpers import refused

PAST = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    for call in (s3.get_object, s3.head_object):
        call(Bucket=bucket, Key="k", IfMatch=etag)
        call(Bucket=bucket, Key="k", IfNoneMatch='"other"')
        call(Bucket=bucket, Key="k", IfModifiedSince=PAST)
        call(Bucket=bucket, Key="k", IfUnmodifiedSince=FUTURE)
        # If-Match decides over If-Unmodified-Since, If-None-Match over If-Modified-Since (RFC 9110).
        call(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=PAST)
        call(Bucket=bucket, Key="k", IfNoneMatch='"other"', IfModifiedSince=PAST)
        for failing in (dict(IfMatch='"other"'), dict(IfUnmodifiedSince=PAST)):
            with refused("PreconditionFailed" if call == s3.get_object else "412", 412):
                call(Bucket=bucket, Key="k", **failing)
        for unchanged in (dict(IfNoneMatch=etag), dict(IfNoneMatch="*"), dict(IfNoneMatch=etag, IfModifiedSince=PAST)):
            with refused("304", 304):
                call(Bucket=bucket, Key="k", **unchanged)


def test_conditional_puts(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"00000000000000000000000000000000"')
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="missing", Body=b"2", IfMatch=etag)
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_conditional_deletes(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"00000000000000000000000000000000"')
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_conditional_deletes_of_nothing(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"00000000000000000000000000000000"')
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    s3.delete_object(Bucket=bucket, Key="k", IfMatchSize=5)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": "k", "ETag": "*"}, {"Key": "none", "ETag": "*"}, {"Key": "none", "ETag": '"0"'}, {"Key": "none"}]})
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("k", "NoSuchKey"), ("none", "NoSuchKey"), ("none", "NoSuchKey")]
    assert [e["Key"] for e in answer["Deleted"]] == ["none"]
    assert [m["VersionId"] for m in s3.list_object_versions(Bucket=bucket, Prefix="k")["DeleteMarkers"]] == [marker]


def test_conditional_completion(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*")


def test_of_racing_creators_one_wins(s3, bucket):
    def create(i):
        try:
            s3.put_object(Bucket=bucket, Key="race", Body=str(i).encode(), IfNoneMatch="*")
            return i
        except s3.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412), error
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        winners = [i for i in pool.map(create, range(32)) if i is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="race")["Body"].read() == str(winners[0]).encode()


def test_a_counter_by_compare_and_swap_loses_nothing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")

    def add(_):
        while True:
            got = s3.get_object(Bucket=bucket, Key="counter")
            value = int(got["Body"].read())
            try:
                s3.put_object(Bucket=bucket, Key="counter", Body=str(value + 1).encode(), IfMatch=got["ETag"])
                return
            except s3.exceptions.ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert s3.get_object(Bucket=bucket, Key="counter")["Body"].read() == b"40"
