import random

import pytest

KEYS = sorted(
    ["a", "a/", "a/b", "a/b/c", "a/c", "a//", "a//b", "aa", "b", "b/1", "b/2", "b/3/4", "c", "c%", "c d", "c+d", "é", "é/1", "漢/字", "😀", "z", "zz", "zz/y", "\x7f", "a\x01b"],
    key=lambda k: k.encode())


@pytest.fixture(scope="module")
def listed(s3):
    s3.create_bucket(Bucket="listing")
    for key in random.Random(1).sample(KEYS, len(KEYS)):
        s3.put_object(Bucket="listing", Key=key, Body=key.encode())
    return "listing"


def expected(prefix, delimiter, after):
    """A naive listing: (kind, name) in byte order, each common prefix once, after `after`."""
    items = []
    for key in KEYS:
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix):]
        if delimiter and delimiter in rest:
            item = ("prefix", prefix + rest[: rest.index(delimiter) + len(delimiter)])
        else:
            item = ("key", key)
        if item[1].encode() <= after.encode() and after:
            continue
        if item[0] == "prefix" and after and after.startswith(item[1]):
            continue
        if item not in items:
            items.append(item)
    return items


@pytest.mark.parametrize("prefix", ["", "a", "a/", "b/", "é", "nothing", "a//"])
@pytest.mark.parametrize("delimiter", ["", "/", "b", "//", "/b"])
@pytest.mark.parametrize("page", [1, 2, 1000])
def test_list_v2_pages_agree_with_a_naive_listing(s3, listed, prefix, delimiter, page):
    seen, token = [], None
    while True:
        options = {"ContinuationToken": token} if token else {}
        answer = s3.list_objects_v2(Bucket=listed, Prefix=prefix, Delimiter=delimiter, MaxKeys=page, **options)
        found = [("key", o["Key"]) for o in answer.get("Contents", [])] + [("prefix", p["Prefix"]) for p in answer.get("CommonPrefixes", [])]
        assert answer["KeyCount"] == len(found) <= page
        seen += sorted(found, key=lambda item: item[1].encode())
        token = answer.get("NextContinuationToken")
        assert answer["IsTruncated"] == (token is not None)
        if not token:
            break
    assert seen == expected(prefix, delimiter, "")


@pytest.mark.parametrize("after", ["a", "a/", "a/b", "b/zzz", "zz/y", "~", "0"])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_start_after_and_marker(s3, listed, after, delimiter):
    two = s3.list_objects_v2(Bucket=listed, StartAfter=after, Delimiter=delimiter)
    one = s3.list_objects(Bucket=listed, Marker=after, Delimiter=delimiter)
    for answer in (one, two):
        keys = [o["Key"] for o in answer.get("Contents", [])]
        assert keys == [name for kind, name in expected("", delimiter, after) if kind == "key"]
    assert two["StartAfter"] == after and one["Marker"] == after


def test_list_v1_pages(s3, listed):
    seen, marker = [], ""
    while True:
        answer = s3.list_objects(Bucket=listed, Delimiter="/", MaxKeys=2, Marker=marker)
        found = [o["Key"] for o in answer.get("Contents", [])] + [p["Prefix"] for p in answer.get("CommonPrefixes", [])]
        seen += sorted(found, key=lambda name: name.encode())
        if not answer["IsTruncated"]:
            break
        marker = answer["NextMarker"]
    assert seen == [name for _, name in expected("", "/", "")]


def test_max_keys_zero(s3, listed):
    answer = s3.list_objects_v2(Bucket=listed, MaxKeys=0)
    assert answer["KeyCount"] == 0 and not answer["IsTruncated"] and "Contents" not in answer


def test_contents_have_etag_size_and_owner_when_asked(s3, listed):
    answer = s3.list_objects_v2(Bucket=listed, FetchOwner=True)
    assert all(o["ETag"].startswith('"') and o["StorageClass"] == "STANDARD" and o["Owner"]["ID"] for o in answer["Contents"])
    assert all("Owner" not in o for o in s3.list_objects_v2(Bucket=listed)["Contents"])
    assert all("Owner" in o for o in s3.list_objects(Bucket=listed)["Contents"])


def test_versions_of_an_unversioned_bucket(s3, listed):
    answer = s3.list_object_versions(Bucket=listed)
    assert [v["Key"] for v in answer["Versions"]] == KEYS
    assert all(v["VersionId"] == "null" and v["IsLatest"] for v in answer["Versions"])


def test_wrong_arguments(server, listed):
    from helpers import code_of, raw

    for query in ("list-type=2&max-keys=-1", "list-type=2&max-keys=x", "list-type=2&encoding-type=base64", "max-keys=99999999999"):
        status, _, body = raw(server, "GET", f"/{listed}?{query}")
        assert (status, code_of(body)) == (400, "InvalidArgument"), query
    status, _, body = raw(server, "GET", f"/{listed}?continuation-token=&list-type=2")
    assert (status, code_of(body)) == (400, "InvalidArgument")
