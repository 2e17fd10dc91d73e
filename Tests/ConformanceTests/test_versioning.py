"""Versioning: ids, null versions, delete markers, and what reads, copies, deletes and conditions make of them."""

import botocore
import pytest

from helpers import code_of, raw, refused


def enable(s3, bucket, status="Enabled"):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3, bucket, key, body):
    return s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]


def versions(s3, bucket, **options):
    """(key, id, latest, is marker) in the order of the listing, page by page."""
    found = []
    markers = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, **options, **markers)
        entries = [(v["Key"], v["VersionId"], v["IsLatest"], False) for v in page.get("Versions", [])]
        entries += [(m["Key"], m["VersionId"], m["IsLatest"], True) for m in page.get("DeleteMarkers", [])]
        found += entries
        if not page["IsTruncated"]:
            return found
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]


@pytest.fixture
def versioned(s3, bucket):
    enable(s3, bucket)
    return bucket


def test_the_state_of_a_bucket(s3, server, bucket):
    answer = s3.get_bucket_versioning(Bucket=bucket)
    assert "Status" not in answer and "MFADelete" not in answer
    for status in ("Enabled", "Suspended", "Enabled"):
        enable(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    for body, code in (
        (b"<VersioningConfiguration><Status>enabled</Status></VersioningConfiguration>", "MalformedXML"),
        (b"<VersioningConfiguration><Status>Enabled</Status><X/></VersioningConfiguration>", "MalformedXML"),
        (b"<VersioningConfiguration/>", "IllegalVersioningConfigurationException"),
        (b"not xml", "MalformedXML"),
    ):
        status, _, answer = raw(server, "PUT", f"/{bucket}?versioning", body=body)
        assert (status, code_of(answer)) == (400, code)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Disabled"})
    with refused("AccessDenied", 403):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"})
    with refused("NoSuchBucket", 404):
        enable(s3, "no-such-bucket")


def test_versions_are_kept_and_read_by_id(s3, versioned):
    ids = [put(s3, versioned, "k", str(i).encode()) for i in range(3)]
    assert len(set(ids)) == 3
    current = s3.get_object(Bucket=versioned, Key="k")
    assert (current["VersionId"], current["Body"].read()) == (ids[2], b"2")
    for i, version in enumerate(ids):
        got = s3.get_object(Bucket=versioned, Key="k", VersionId=version)
        assert (got["VersionId"], got["Body"].read()) == (version, str(i).encode())
        assert s3.head_object(Bucket=versioned, Key="k", VersionId=version)["VersionId"] == version
    assert versions(s3, versioned) == [("k", v, v == ids[2], False) for v in reversed(ids)]
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 1


def test_a_bucket_without_versioning_names_none(s3, bucket):
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"x"
    answer = s3.delete_object(Bucket=bucket, Key="k")
    assert "DeleteMarker" not in answer and "VersionId" not in answer


def test_ids_that_are_none_and_ids_that_are_not_there(s3, versioned):
    version = put(s3, versioned, "k", b"x")
    for call in (s3.get_object, s3.delete_object, s3.get_object_tagging):
        with refused("InvalidArgument", 400):
            call(Bucket=versioned, Key="k", VersionId="no-version")
    absent = ("0" if version[-1] != "0" else "1").join([version[:-1], ""])
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=versioned, Key="k", VersionId=absent)
    with refused("404", 404):
        s3.head_object(Bucket=versioned, Key="k", VersionId=absent)
    # Deleting what is not there succeeds.
    answer = s3.delete_object(Bucket=versioned, Key="k", VersionId=absent)
    assert answer["VersionId"] == absent and "DeleteMarker" not in answer
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"x"


def test_a_delete_marker_hides_and_its_removal_restores(s3, server, versioned):
    version = put(s3, versioned, "k", b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True and marker["VersionId"] != version
    with refused("NoSuchKey", 404) as caught:
        s3.get_object(Bucket=versioned, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == marker["VersionId"]
    with refused("404", 404) as caught:
        s3.head_object(Bucket=versioned, Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("MethodNotAllowed", 405) as caught:
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["allow"] == "DELETE" and "last-modified" in headers
    with refused("405", 405):
        s3.head_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    assert "Contents" not in s3.list_objects(Bucket=versioned)
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=version)["Body"].read() == b"x"
    assert versions(s3, versioned) == [("k", version, False, False), ("k", marker["VersionId"], True, True)]

    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert removed["DeleteMarker"] is True and removed["VersionId"] == marker["VersionId"]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"x"


def test_deleting_what_was_never_there_leaves_a_marker(s3, versioned):
    first = s3.delete_object(Bucket=versioned, Key="k")
    second = s3.delete_object(Bucket=versioned, Key="k")
    assert first["DeleteMarker"] and second["DeleteMarker"] and first["VersionId"] != second["VersionId"]
    assert [entry[1] for entry in versions(s3, versioned)] == [second["VersionId"], first["VersionId"]]


def test_removing_the_newest_version_brings_back_the_one_before(s3, versioned):
    ids = [put(s3, versioned, "k", str(i).encode()) for i in range(3)]
    answer = s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    assert answer["VersionId"] == ids[2] and "DeleteMarker" not in answer
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[0])
    assert [entry[1] for entry in versions(s3, versioned)] == [ids[1]]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[1])
    assert versions(s3, versioned) == []
    with refused("NoSuchKey", 404) as caught:
        s3.get_object(Bucket=versioned, Key="k")
    assert "x-amz-delete-marker" not in caught.value.response["ResponseMetadata"]["HTTPHeaders"]


def test_the_null_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    enable(s3, bucket)
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    version = put(s3, bucket, "k", b"1")
    assert versions(s3, bucket) == [("k", version, True, False), ("k", "null", False, False)]
    enable(s3, bucket, "Suspended")
    # A write replaces the null version, wherever it stands, and is the newest.
    assert put(s3, bucket, "k", b"after") == "null"
    assert versions(s3, bucket) == [("k", "null", True, False), ("k", version, False, False)]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"after"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() == b"1"
    # A delete puts a null marker in its place.
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    assert sorted(versions(s3, bucket)) == sorted([("k", "null", True, True), ("k", version, False, False)])
    s3.delete_object(Bucket=bucket, Key="k")
    assert len(versions(s3, bucket)) == 2
    removed = s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, "null")
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == version


def test_deleting_many(s3, versioned):
    ids = {key: put(s3, versioned, key, key.encode()) for key in ("a", "b", "c")}
    answer = s3.delete_objects(
        Bucket=versioned,
        Delete={"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": ids["b"]}, {"Key": "nothing"},
                            {"Key": "c", "VersionId": "bad"}]},
    )
    deleted = {entry["Key"]: entry for entry in answer["Deleted"]}
    assert deleted["a"]["DeleteMarker"] is True and "VersionId" not in deleted["a"]
    assert deleted["b"] == {"Key": "b", "VersionId": ids["b"]}
    assert deleted["nothing"]["DeleteMarker"] is True
    assert [entry["Key"] for entry in answer["Errors"]] == ["c"]
    marker = deleted["a"]["DeleteMarkerVersionId"]
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "a", "VersionId": marker}]})
    assert answer["Deleted"] == [
        {"Key": "a", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker}]
    assert s3.get_object(Bucket=versioned, Key="a")["Body"].read() == b"a"
    # Two versions of one key in one request.
    second = put(s3, versioned, "a", b"2")
    s3.delete_objects(Bucket=versioned, Delete={
        "Objects": [{"Key": "a", "VersionId": second}, {"Key": "a", "VersionId": ids["a"]}], "Quiet": True})
    assert [entry for entry in versions(s3, versioned) if entry[0] == "a"] == []


def test_a_bucket_with_versions_is_not_empty(s3, versioned):
    version = put(s3, versioned, "k", b"x")
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=versioned)
    s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=versioned)
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    s3.delete_bucket(Bucket=versioned)


def test_conditions_judge_the_current_version(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1", IfNoneMatch="*")
    s3.put_object(Bucket=versioned, Key="k", Body=b"2", IfMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfMatch=first["ETag"])
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=versioned, Key="k", IfMatch=first["ETag"])
    s3.delete_object(Bucket=versioned, Key="k")
    # A delete marker is no object.
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfMatch=first["ETag"])
    s3.put_object(Bucket=versioned, Key="k", Body=b"3", IfNoneMatch="*")
    # By version.
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=versioned, Key="k", VersionId=first["VersionId"], IfMatch='"other"')
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=versioned, Key="k", VersionId=first["VersionId"], IfMatch='"other"')
    s3.delete_object(Bucket=versioned, Key="k", VersionId=first["VersionId"], IfMatch=first["ETag"])
    assert len(versions(s3, versioned)) == 3


def test_copies_from_versions(s3, versioned, new_name):
    first, second = put(s3, versioned, "k", b"1"), put(s3, versioned, "k", b"2")
    plain = new_name()
    s3.create_bucket(Bucket=plain)
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    copied = s3.copy_object(Bucket=plain, Key="copy", CopySource=source)
    assert copied["CopySourceVersionId"] == first and "VersionId" not in copied
    assert s3.get_object(Bucket=plain, Key="copy")["Body"].read() == b"1"
    # Restoring an old version is copying it over the new one.
    restored = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert restored["VersionId"] not in (first, second)
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"
    assert s3.copy_object(Bucket=plain, Key="copy", CopySource={"Bucket": versioned, "Key": "k"})[
        "CopySourceVersionId"] == restored["VersionId"]
    upload = s3.create_multipart_upload(Bucket=plain, Key="m")["UploadId"]
    part = s3.upload_part_copy(Bucket=plain, Key="m", UploadId=upload, PartNumber=1, CopySource={**source, "VersionId": second})
    assert part["CopySourceVersionId"] == second
    s3.complete_multipart_upload(
        Bucket=plain, Key="m", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket=plain, Key="m")["Body"].read() == b"2"
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=plain, Key="copy", CopySource={"Bucket": versioned, "Key": "k"})
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=plain, Key="copy", CopySource={**source, "VersionId": marker})


def test_a_completed_upload_is_a_version(s3, versioned):
    first = put(s3, versioned, "k", b"1")
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k")["UploadId"]
    etag = s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    done = s3.complete_multipart_upload(Bucket=versioned, Key="k", UploadId=upload, MultipartUpload=parts)
    again = s3.complete_multipart_upload(Bucket=versioned, Key="k", UploadId=upload, MultipartUpload=parts)
    assert done["VersionId"] == again["VersionId"] != first
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == done["VersionId"]
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=first)["Body"].read() == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=done["VersionId"])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_listing_in_pages(s3, versioned, size):
    expected = []
    for key in ("a", "a/b", "a/c", "b", "b\u00e9"):
        ids = [put(s3, versioned, key, b"x") for _ in range(3)]
        expected += [(key, version) for version in reversed(ids)]
    assert [entry[:2] for entry in versions(s3, versioned, MaxKeys=size)] == expected
    assert [entry[:2] for entry in versions(s3, versioned, MaxKeys=size, Prefix="a/")] == expected[3:9]
    found = []
    markers = {}
    while True:
        page = s3.list_object_versions(Bucket=versioned, Delimiter="/", MaxKeys=size, **markers)
        found += [v["Key"] for v in page.get("Versions", [])] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert len(page.get("Versions", [])) + len(page.get("CommonPrefixes", [])) <= size
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]
    assert sorted(found) == sorted(["a"] * 3 + ["a/"] + ["b"] * 3 + ["b\u00e9"] * 3)


def test_listing_by_markers(s3, versioned):
    ids = [put(s3, versioned, "k", b"x") for _ in range(3)]
    other = put(s3, versioned, "l", b"x")
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="k", VersionIdMarker=ids[2])
    assert [v["VersionId"] for v in page["Versions"]] == [ids[1], ids[0], other]
    assert [v["IsLatest"] for v in page["Versions"]] == [False, False, True]
    assert (page["KeyMarker"], page["VersionIdMarker"]) == ("k", ids[2])
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="k")
    assert [v["VersionId"] for v in page["Versions"]] == [other]
    # After a version that is gone meanwhile.
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[1])
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="k", VersionIdMarker=ids[1])
    assert [v["VersionId"] for v in page["Versions"]] == [ids[0], other]
    with refused("InvalidArgument", 400):
        s3.list_object_versions(Bucket=versioned, VersionIdMarker=ids[0])


def test_listings_pass_over_deleted_keys(s3, versioned):
    for i in range(12):
        put(s3, versioned, f"k{i:02}", b"1")
        put(s3, versioned, f"k{i:02}", b"2")
        if i % 3:
            s3.delete_object(Bucket=versioned, Key=f"k{i:02}")
    expected = [f"k{i:02}" for i in range(0, 12, 3)]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=versioned, PaginationConfig={"PageSize": 2})
    found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    assert found == expected
    assert s3.list_objects_v2(Bucket=versioned, Delimiter="1").get("CommonPrefixes", []) == []


def test_versions_survive_a_restart(s3, server, versioned):
    ids = [put(s3, versioned, "k", str(i).encode()) for i in range(2)]
    marker = s3.delete_object(Bucket=versioned, Key="k")["VersionId"]
    before = versions(s3, versioned)
    server.stop()
    server.start()
    assert versions(s3, versioned) == before
    assert s3.get_bucket_versioning(Bucket=versioned)["Status"] == "Enabled"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == ids[1]


def test_a_null_version_is_found_under_any_number_of_others(s3, bucket):
    """What was put before versioning, then in turns with versioning suspended and enabled."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    made = []

    def null():
        return s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read()

    for round in range(3):
        enable(s3, bucket)
        made += [s3.put_object(Bucket=bucket, Key="k", Body=b"v")["VersionId"] for _ in range(5)]
        assert null() == (b"first" if round == 0 else b"null %d" % (round - 1))
        enable(s3, bucket, "Suspended")
        s3.put_object(Bucket=bucket, Key="k", Body=b"null %d" % round)
        assert null() == b"null %d" % round
    assert [id for _, id, _, _ in versions(s3, bucket)] == ["null", *reversed(made)]
    # On top again after all above it has gone, and under a marker.
    enable(s3, bucket)
    above = [s3.put_object(Bucket=bucket, Key="k", Body=b"v")["VersionId"] for _ in range(2)]
    for version in above:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == null() == b"null 2"
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert null() == b"null 2"
    # Pages of one version, from any of them and from the null version.
    found = [(id, latest) for _, id, latest, _ in versions(s3, bucket, MaxKeys=1)]
    assert found == [(marker, True), ("null", False), *((v, False) for v in reversed(made))]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    with refused("NoSuchVersion", 404):
        null()
    enable(s3, bucket, "Suspended")
    s3.delete_object(Bucket=bucket, Key="k")
    assert [m["VersionId"] for m in s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]] == ["null", marker]
