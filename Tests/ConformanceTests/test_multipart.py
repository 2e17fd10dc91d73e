import datetime
import hashlib
import os

import pytest

from helpers import refused

MIB = 1 << 20


def upload(s3, bucket, key, parts, **options):
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    done = []
    for number, data in parts:
        answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    return upload_id, done


def test_parts_become_one_object(s3, bucket):
    parts = [(1, os.urandom(5 * MIB)), (2, os.urandom(6 * MIB)), (7, os.urandom(100))]
    upload_id, done = upload(s3, bucket, "big", parts, ContentType="x/y", Metadata={"m": "1"})
    listed = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload_id)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(n, len(d)) for n, d in parts]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["big"]
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="big")
    answer = s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload_id, MultipartUpload={"Parts": done})
    digest = hashlib.md5(b"".join(hashlib.md5(d).digest() for _, d in parts)).hexdigest()
    assert answer["ETag"] == f'"{digest}-3"'
    whole = b"".join(d for _, d in parts)
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == whole and got["ContentType"] == "x/y" and got["Metadata"] == {"m": "1"}
    for first, last in [(5 * MIB - 2, 5 * MIB + 2), (11 * MIB - 1, 11 * MIB + 50), (0, 0)]:
        piece = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={first}-{last}")["Body"].read()
        assert piece == whole[first:last + 1]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    # The same completion again answers the same.
    again = s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload_id, MultipartUpload={"Parts": done})
    assert again["ETag"] == answer["ETag"]
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert second["PartsCount"] == 3 and second["Body"].read() == parts[1][1]
    assert s3.head_object(Bucket=bucket, Key="big", PartNumber=1)["ContentLength"] == 5 * MIB
    with refused("416", 416):
        s3.head_object(Bucket=bucket, Key="big", PartNumber=4)


def test_a_part_uploaded_again_replaces(s3, bucket):
    upload_id, _ = upload(s3, bucket, "k", [(1, b"old")])
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=b"new")["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_wrong_completions(s3, bucket):
    upload_id, done = upload(s3, bucket, "k", [(1, b"small"), (2, b"small too")])
    complete = lambda parts: s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": parts})
    with refused("EntityTooSmall", 400):
        complete(done)
    with refused("InvalidPartOrder", 400):
        complete(done[::-1])
    with refused("InvalidPart", 400):
        complete([{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}])
    with refused("InvalidPart", 400):
        complete(done + [{"PartNumber": 3, "ETag": done[0]["ETag"]}])
    with refused("MalformedXML", 400):
        complete([])
    assert complete(done[1:])["ETag"]


def test_abort(s3, bucket):
    upload_id, done = upload(s3, bucket, "k", [(1, b"x")])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    for call in (lambda: s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id),
                 lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id),
                 lambda: s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=b"x"),
                 lambda: s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": done})):
        with refused("NoSuchUpload", 404):
            call()


def test_copied_parts(s3, bucket):
    data = os.urandom(12 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    done = []
    for number, (first, last) in enumerate([(0, 6 * MIB - 1), (6 * MIB, 12 * MIB - 1)], 1):
        answer = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number,
                                     CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=f"bytes={first}-{last}")
        done.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    with refused("InvalidRequest", 400):
        s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, CopySource={"Bucket": bucket, "Key": "source"},
                            CopySourceRange=f"bytes={12 * MIB}-{12 * MIB}")
    for text in (f"bytes=0-{12 * MIB}", "bytes=0-99999999999999999999"):
        with refused("InvalidArgument", 400) as caught:
            s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, CopySource={"Bucket": bucket, "Key": "source"},
                                CopySourceRange=text)
        assert caught.value.response["Error"]["Message"] == f"Range specified is not valid for source object of size: {12 * MIB}"
    for text in ("0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5", "bytes=5-2", "bytes=-2", "bytes=2-"):
        with refused("InvalidArgument", 400):
            s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, CopySource={"Bucket": bucket, "Key": "source"},
                                CopySourceRange=text)
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": done})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


@pytest.mark.parametrize("number", [0, 10001])
def test_part_numbers_run_from_1_to_10000(s3, bucket, number):
    upload_id, _ = upload(s3, bucket, "k", [])
    with refused("InvalidArgument", 400):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=b"x")


def test_uploads_are_listed_in_pages(s3, bucket):
    made = sorted((key, upload(s3, bucket, key, [])[0]) for key in ["a", "a", "b/1", "b/2", "c"])
    seen, markers = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=2, **markers)
        seen += [(u["Key"], u["UploadId"]) for u in page.get("Uploads", [])]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert sorted(seen) == made and [k for k, _ in seen] == [k for k, _ in made]
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in grouped["CommonPrefixes"]] == ["b/"] and [u["Key"] for u in grouped["Uploads"]] == ["a", "a", "c"]


def test_parts_are_listed_in_pages(s3, bucket):
    upload_id, _ = upload(s3, bucket, "k", [(n, b"x") for n in (1, 3, 5, 9)])
    seen, marker = [], 0
    while True:
        page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id, MaxParts=3, PartNumberMarker=marker)
        seen += [p["PartNumber"] for p in page["Parts"]]
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert seen == [1, 3, 5, 9]


def test_an_abort_can_name_the_time_of_the_beginning(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    begun = s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"]
    options = dict(Bucket=bucket, Key="k", UploadId=upload)
    with refused("PreconditionFailed", 412):
        s3.abort_multipart_upload(IfMatchInitiatedTime=begun - datetime.timedelta(seconds=5), **options)
    s3.abort_multipart_upload(IfMatchInitiatedTime=begun, **options)
    s3.abort_multipart_upload(IfMatchInitiatedTime=begun, **options)
    with refused("NoSuchUpload", 404):
        s3.abort_multipart_upload(**options)
