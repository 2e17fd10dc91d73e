"""GetObjectAttributes."""

import pytest

from helpers import code_of, raw, refused

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_attributes_of_an_object_in_one_piece(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert found["ETag"] == put["ETag"].strip('"')
    assert found["Checksum"] == {"ChecksumSHA256": put["ChecksumSHA256"], "ChecksumType": "FULL_OBJECT"}
    assert found["ObjectSize"] == 5 and found["StorageClass"] == "STANDARD" and "ObjectParts" not in found
    assert found["LastModified"] == s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert "VersionId" not in found
    only = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert only["ObjectSize"] == 5 and not {"ETag", "Checksum", "StorageClass"} & set(only)


def test_attributes_of_an_object_of_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    sizes, parts = [5 << 20, 5 << 20, 7], []
    for number, size in zip((2, 5, 9), sizes):
        part = s3.upload_part(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=b"x" * size, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert found["ETag"] == done["ETag"].strip('"') and found["ObjectSize"] == sum(sizes)
    assert found["Checksum"]["ChecksumType"] == "COMPOSITE"
    assert done["ChecksumSHA256"].split("-")[0] == found["Checksum"]["ChecksumSHA256"]
    listed = found["ObjectParts"]
    assert listed["TotalPartsCount"] == 3 and listed["IsTruncated"] is False and listed["MaxParts"] == 1000
    assert [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in listed["Parts"]] == [
        (p["PartNumber"], size, p["ChecksumSHA256"]) for p, size in zip(parts, sizes)]
    seen, marker = [], 0
    while True:
        page = s3.get_object_attributes(
            Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1, PartNumberMarker=marker)["ObjectParts"]
        assert page["TotalPartsCount"] == 3 and page["PartNumberMarker"] == marker and page["MaxParts"] == 1
        seen += [part["PartNumber"] for part in page["Parts"]]
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert seen == [2, 5, 9]


def test_attributes_by_version(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"22")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", VersionId=first, ObjectAttributes=ALL)
    assert (found["VersionId"], found["ObjectSize"]) == (first, 1)
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    with refused("NoSuchKey", 404) as caught:
        s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("MethodNotAllowed", 405):
        s3.get_object_attributes(Bucket=bucket, Key="k", VersionId=marker, ObjectAttributes=ALL)


@pytest.mark.parametrize("headers", [{}, {"x-amz-object-attributes": ""}, {"x-amz-object-attributes": "Etag"},
                                     {"x-amz-object-attributes": "ETag", "x-amz-max-parts": "-1"},
                                     {"x-amz-object-attributes": "ETag", "x-amz-max-parts": "x"}])
def test_fields_that_are_wrong(s3, server, bucket, headers):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, _, body = raw(server, "GET", f"/{bucket}/k?attributes", headers=headers)
    assert (status, code_of(body)) == (400, "InvalidArgument")
