"""Answers that AWS documents and that are easily got wrong: what an error names, what a success echoes, which condition counts."""

import datetime
import email.utils
import hashlib
import hmac
import json
import base64
import re

import pytest

from helpers import code_of, raw, refused
from martlet_server import ACCESS_KEY, SECRET_KEY


def element(body, name):
    found = re.search(rf"<{name}>(.*?)</{name}>", body.decode(), re.S)
    return found and found.group(1)


def test_times_of_listings_are_those_of_the_objects(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")["CopyObjectResult"]["LastModified"]
    assert copied == s3.head_object(Bucket=bucket, Key="c")["LastModified"]
    wanted = {key: s3.head_object(Bucket=bucket, Key=key)["LastModified"] for key in ("c", "k")}
    assert {o["Key"]: o["LastModified"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]} == wanted
    assert {o["Key"]: o["LastModified"] for o in s3.list_objects(Bucket=bucket)["Contents"]} == wanted
    assert {o["Key"]: o["LastModified"] for o in s3.list_object_versions(Bucket=bucket)["Versions"]} == wanted
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
    assert s3.list_parts(Bucket=bucket, Key="m", UploadId=upload)["Parts"][0]["LastModified"].microsecond == 0
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"].microsecond == 0
    assert all(b["CreationDate"].microsecond == 0 for b in s3.list_buckets()["Buckets"])
    assert s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag"])["LastModified"] == wanted["k"]


def test_errors_of_a_copy_name_its_source(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    for path in (f"/{bucket}/target", f"/{bucket}/m?partNumber=1&uploadId={upload}"):
        status, _, body = raw(server, "PUT", path, {"x-amz-copy-source": f"{bucket}/none"})
        assert (status, code_of(body), element(body, "Key")) == (404, "NoSuchKey", "none")
        version = "0" * 32
        status, _, body = raw(server, "PUT", path, {"x-amz-copy-source": f"{bucket}/k?versionId={version}"})
        assert (status, code_of(body), element(body, "Key"), element(body, "VersionId")) == (404, "NoSuchVersion", "k", version)
        for name, value in (("if-match", '"wrong"'), ("if-none-match", "*"), ("if-modified-since", "Sun, 01 Jan 2040 00:00:00 GMT"),
                            ("if-unmodified-since", "Fri, 01 Jan 2010 00:00:00 GMT")):
            status, _, body = raw(server, "PUT", path, {"x-amz-copy-source": f"{bucket}/k", f"x-amz-copy-source-{name}": value})
            assert (status, code_of(body)) == (412, "PreconditionFailed")
            assert element(body, "Condition").lower() == f"x-amz-copy-source-{name}"
    # A condition of the target is told as the target's, in the same request.
    status, _, body = raw(server, "PUT", f"/{bucket}/k", {"x-amz-copy-source": f"{bucket}/k", "If-None-Match": "*"})
    assert (status, element(body, "Condition")) == (412, "If-None-Match")
    status, _, body = raw(server, "PUT", f"/{bucket}/target", {"x-amz-copy-source": f"{bucket}/k", "If-Match": '"wrong"'})
    assert (status, code_of(body), element(body, "Key")) == (404, "NoSuchKey", "target")


def test_an_unknown_expectation_is_passed_over(server, s3, bucket):
    status, _, _ = raw(server, "PUT", f"/{bucket}/k", {"Expect": "200"}, body=b"x")
    assert status == 200 and s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_signed_digest_of_the_body_is_a_digest(server, s3, new_name):
    """minio-py over plain HTTP sends no other with what is to be retained."""
    name = new_name()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    lock = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2040-01-01T00:00:00Z"}
    assert raw(server, "PUT", f"/{name}/k", lock, body=b"x", payload=hashlib.sha256(b"x").hexdigest())[0] == 200
    status, _, body = raw(server, "PUT", f"/{name}/k", lock, body=b"x")
    assert (status, code_of(body)) == (400, "InvalidRequest")
    status, _, body = raw(server, "PUT", f"/{name}/k", lock, body=b"x", payload=hashlib.sha256(b"y").hexdigest())
    assert (status, code_of(body)) == (400, "XAmzContentSHA256Mismatch")


def policy_form(bucket, *conditions, key="up/${filename}", **fields):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = now.strftime("%Y%m%d")
    signing = {"x-amz-credential": f"{ACCESS_KEY}/{day}/us-east-1/s3/aws4_request", "x-amz-algorithm": "AWS4-HMAC-SHA256",
               "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")}
    policy = base64.b64encode(json.dumps({
        "expiration": (now + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "conditions": [{"bucket": bucket}, ["starts-with", "$key", ""], *({k: v} for k, v in signing.items()), *conditions]}).encode()).decode()
    secret = ("AWS4" + SECRET_KEY).encode()
    for word in (day, "us-east-1", "s3", "aws4_request", policy):
        secret = hmac.new(secret, word.encode(), hashlib.sha256).digest()
    return {"key": key, **fields, **signing, "policy": policy, "x-amz-signature": secret.hex()}


def post(server, path, fields, data=b"hello", filename="name.txt", headers=None):
    body = b"".join(f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items())
    body += f'--B\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode() + data + b"\r\n--B--\r\n"
    return raw(server, "POST", path, {"Content-Type": "multipart/form-data; boundary=B", **(headers or {})}, body, sign=False)


def test_places_of_what_was_made(server, s3, bucket):
    """Location is where the client finds the object by the name that it used for the server, under the scheme that it used."""
    status, headers, body = post(server, f"/{bucket}", policy_form(bucket, ["starts-with", "$success_action_status", ""], success_action_status="201"))
    assert (status, headers["location"]) == (201, f"{server.endpoint}/{bucket}/up/name.txt")
    assert element(body, "Location") == headers["location"] and element(body, "Key") == "up/name.txt" and element(body, "Bucket") == bucket
    host = f"{bucket}.s3.localhost:{server.port}"
    status, headers, _ = post(server, "/", policy_form(bucket), headers={"Host": host})
    assert (status, headers["location"]) == (204, f"{server.scheme}://{host}/up/name.txt")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a b/c")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="a b/c", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    done = s3.complete_multipart_upload(Bucket=bucket, Key="a b/c", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    assert done["Location"] == f"{server.endpoint}/{bucket}/a%20b/c"


def test_a_simple_condition_has_one_property(server, bucket):
    status, _, body = post(server, f"/{bucket}", policy_form(bucket, {"acl": "private", "x-amz-meta-a": "b"}))
    assert (status, code_of(body)) == (400, "InvalidPolicyDocument")


# If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since → what comes; same, other: entity tags; past, later: dates.
COMBINATIONS = [
    (("same", None, None, "past"), 200), (("other", None, None, "later"), 412), (("same", None, "later", None), 304),
    (("same", "same", None, None), 304), (("same", "other", "later", None), 200), (("other", "same", None, None), 412),
    ((None, "same", "past", None), 304), ((None, "other", "later", None), 200), ((None, None, "later", None), 304),
    ((None, None, "past", None), 200), ((None, None, None, "past"), 412), ((None, None, None, "later"), 200),
    ((None, None, "past", "past"), 412), ((None, None, "later", "later"), 304), (("any", None, None, None), 200),
    ((None, "any", None, None), 304), (("list", None, None, None), 200), ((None, "list", None, None), 304), (("weak", None, None, None), 412),
    ((None, "weak", None, None), 304), (("bare", None, None, None), 200), (("same", None, None, "nonsense"), 200), ((None, None, "nonsense", None), 200),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_together(server, s3, bucket, method):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"].astimezone(datetime.timezone.utc)
    values = {"same": etag, "other": '"other"', "any": "*", "list": f'"other", {etag}', "weak": f"W/{etag}", "bare": etag.strip('"'),
              "past": email.utils.format_datetime(modified - datetime.timedelta(hours=1), usegmt=True),
              "later": email.utils.format_datetime(modified, usegmt=True), "nonsense": "yesterday"}
    names = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
    for given, wanted in COMBINATIONS:
        headers = {name: values[value] for name, value in zip(names, given) if value}
        for more in ({}, {"Range": "bytes=2-3"}):
            status, fields, body = raw(server, method, f"/{bucket}/k", {**headers, **more})
            assert status == (206 if more and wanted == 200 else wanted), headers
            if status == 304:
                assert fields["etag"] == etag and "last-modified" in fields and body == b"" and "content-type" not in fields
            if status == 412 and method == "GET":
                assert code_of(body) == "PreconditionFailed" and element(body, "Condition") in headers


def test_not_modified_names_the_version(server, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", CacheControl="max-age=5", Expires=datetime.datetime(2040, 1, 1))
    status, fields, _ = raw(server, "GET", f"/{bucket}/k", {"If-None-Match": put["ETag"]})
    assert (status, fields["x-amz-version-id"]) == (304, put["VersionId"])
    # RFC 9110, 15.4.5: what a cache keeps up to date comes with it.
    assert fields["cache-control"] == "max-age=5" and fields["expires"] == "Sun, 01 Jan 2040 00:00:00 GMT"


def test_fields_come_back_as_they_were_sent(server, s3, bucket):
    sent = {"Content-Type": "text/html; charset=ISO-8859-4", "Content-Encoding": "gzip, deflate", "Content-Disposition": 'attachment; filename="a b.txt"',
            "Content-Language": "mi, en", "Cache-Control": "public, max-age=14400", "Expires": "not a date", "x-amz-meta-Mixed-CASE": "Value  with   spaces",
            "x-amz-meta-empty": "", "x-amz-meta-comma": "a,b", "x-amz-website-redirect-location": "/elsewhere", "x-amz-storage-class": "REDUCED_REDUNDANCY"}
    assert raw(server, "PUT", f"/{bucket}/k", sent, body=b"x")[0] == 200
    for method in ("GET", "HEAD"):
        status, fields, _ = raw(server, method, f"/{bucket}/k")
        assert status == 200
        for name, value in sent.items():
            wanted = "gzip,deflate" if name == "Content-Encoding" else value
            found = fields[name.lower()]
            assert (found.replace(", ", ",") if name == "Content-Encoding" else found) == wanted, name
    # A copy takes them along, but the redirect and the storage class, which are the request's.
    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    _, fields, _ = raw(server, "HEAD", f"/{bucket}/c")
    assert fields["content-language"] == "mi, en" and fields["x-amz-meta-mixed-case"] == "Value  with   spaces"
    assert "x-amz-website-redirect-location" not in fields and "x-amz-storage-class" not in fields
    # With REPLACE nothing stays.
    s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k", MetadataDirective="REPLACE", Metadata={"new": "1"})
    _, fields, _ = raw(server, "HEAD", f"/{bucket}/c")
    assert fields["content-type"] == "binary/octet-stream" and fields["x-amz-meta-new"] == "1"
    assert not {"content-language", "cache-control", "x-amz-meta-comma", "expires", "content-encoding"} & set(fields)


def test_every_answer_is_numbered(server, s3, bucket):
    seen = set()
    for method, path, body in (("GET", f"/{bucket}", None), ("PUT", f"/{bucket}/k", b"x"), ("GET", f"/{bucket}/none", None), ("DELETE", f"/{bucket}/k", None),
                               ("HEAD", f"/{bucket}", None), ("GET", "/", None), ("PATCH", f"/{bucket}/k", None)):
        _, fields, answer = raw(server, method, path, body=body)
        assert re.fullmatch("[0-9A-F]{16}", fields["x-amz-request-id"]) and fields["x-amz-id-2"] and "date" in fields and "server" in fields
        seen.add(fields["x-amz-request-id"])
        if b"<Error>" in answer:
            assert element(answer, "RequestId") == fields["x-amz-request-id"] and element(answer, "HostId") == fields["x-amz-id-2"]
    assert len(seen) == 7


def keys(page):
    return [o["Key"] for o in page.get("Contents", [])], [p["Prefix"] for p in page.get("CommonPrefixes", [])]


DELIMITERS = [
    (["bar", "baz", "cab", "foo"], {"Delimiter": "a"}, (["foo"], ["ba", "ca"])),
    (["b%ar", "b%az", "c%ab", "foo"], {"Delimiter": "%"}, (["foo"], ["b%", "c%"])),
    (["b ar", "b az", "c ab", "foo"], {"Delimiter": " "}, (["foo"], ["b ", "c "])),
    (["b.ar", "b.az", "c.ab", "foo"], {"Delimiter": "."}, (["foo"], ["b.", "c."])),
    (["bar", "baz", "cab", "foo"], {"Delimiter": "\n"}, (["bar", "baz", "cab", "foo"], [])),
    (["bar", "baz", "cab", "foo"], {"Delimiter": "/"}, (["bar", "baz", "cab", "foo"], [])),
    (["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/bar", "cquux/thud"], {"Delimiter": "/", "Prefix": "boo/"}, (["boo/bar"], ["boo/baz/"])),
    (["_obj1_", "_under1/bar", "_under1/baz/xyzzy", "_under2/bar"], {"Delimiter": "/"}, (["_obj1_"], ["_under1/", "_under2/"])),
    (["foo/bar", "foo/baz", "quux"], {"Prefix": "foo/"}, (["foo/bar", "foo/baz"], [])),
    (["bar", "baz", "foo"], {"Prefix": "ba"}, (["bar", "baz"], [])),
    (["foo/bar", "foo/baz", "quux"], {"Prefix": "d"}, ([], [])),
    (["b/a/c", "b/a/g", "b/a/r", "g"], {"Prefix": "b", "Delimiter": "d"}, (["b/a/c", "b/a/g", "b/a/r"], [])),
    (["b/a/c", "b/a/g", "b/a/r", "golffie"], {"Prefix": "y", "Delimiter": "z"}, ([], [])),
    (["bar", "bazar", "cab", "foo"], {"Prefix": "ba", "Delimiter": "a"}, (["bar"], ["baza"])),
    (["a//b", "a//c", "a/d", "/x", "//y"], {"Delimiter": "/"}, ([], ["/", "a/"])),
    (["a//b", "a//c", "a/d", "/x", "//y"], {"Prefix": "a/", "Delimiter": "/"}, (["a/d"], ["a//"])),
    (["a::b::c", "a::d", "a:e"], {"Delimiter": "::"}, (["a:e"], ["a::"])),
    (["dir/", "dir/x"], {"Prefix": "dir/", "Delimiter": "/"}, (["dir/", "dir/x"], [])),
]


@pytest.mark.parametrize("listed, arguments, wanted", DELIMITERS)
def test_prefixes_and_delimiters(s3, bucket, listed, arguments, wanted):
    for key in listed:
        s3.put_object(Bucket=bucket, Key=key)
    for call in (s3.list_objects, s3.list_objects_v2, s3.list_object_versions):
        whole = call(Bucket=bucket, **arguments)
        whole["Contents"] = whole.get("Contents", whole.get("Versions", []))
        assert keys(whole) == wanted and not whole["IsTruncated"]
        assert whole["Prefix"] == arguments.get("Prefix", "") and whole["MaxKeys"] == 1000
        assert whole.get("Delimiter") == arguments.get("Delimiter")
    # One entry a page, by each kind of listing: the same entries, each once, in one order.
    entries = sorted([*wanted[0], *wanted[1]], key=str.encode)
    for name in ("list_objects", "list_objects_v2", "list_object_versions"):
        found, more, pages = [], {}, 0
        while True:
            page = getattr(s3, name)(Bucket=bucket, MaxKeys=1, **arguments, **more)
            page["Contents"] = page.get("Contents", page.get("Versions", []))
            plain, prefixes = keys(page)
            assert len(plain) + len(prefixes) <= 1
            found += plain + prefixes
            pages += 1
            if not page["IsTruncated"]:
                break
            assert pages <= len(entries)
            if name == "list_objects":
                more = {"Marker": page["NextMarker"] if "Delimiter" in arguments else plain[0]}
                assert ("NextMarker" in page) or "Delimiter" not in arguments
            elif name == "list_objects_v2":
                assert page["KeyCount"] == 1
                more = {"ContinuationToken": page["NextContinuationToken"]}
            else:
                more = {"KeyMarker": page["NextKeyMarker"]}
                if "NextVersionIdMarker" in page:
                    more["VersionIdMarker"] = page["NextVersionIdMarker"]
        assert found == entries, name


def test_a_bucket_of_others_tells_nothing(alt, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    for call, more in (("list_objects_v2", {}), ("get_bucket_acl", {}), ("get_bucket_policy", {}), ("get_bucket_versioning", {}), ("head_bucket", {}),
                       ("get_object", {"Key": "k"}), ("get_object", {"Key": "none"}), ("head_object", {"Key": "none"}), ("delete_object", {"Key": "k"}),
                       ("put_object", {"Key": "k"}), ("delete_bucket", {}), ("list_multipart_uploads", {}), ("create_multipart_upload", {"Key": "k"}),
                       ("get_object_tagging", {"Key": "k"}), ("get_bucket_location", {}), ("get_bucket_tagging", {}), ("get_public_access_block", {})):
        head = call.startswith("head")
        with refused("403" if head else "AccessDenied", 403):
            getattr(alt, call)(Bucket=bucket, **more)
    answer = alt.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("k", "AccessDenied"), ("none", "AccessDenied")]
    with refused("AccessDenied", 403):
        alt.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")


def test_suspended_versioning_in_every_order(s3, bucket):
    def versioning(status):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    def versions():
        page = s3.list_object_versions(Bucket=bucket)
        marked = [(v["LastModified"], v["VersionId"], v["IsLatest"], "v") for v in page.get("Versions", [])]
        marked += [(m["LastModified"], m["VersionId"], m["IsLatest"], "m") for m in page.get("DeleteMarkers", [])]
        return sorted((id, kind) for _, id, _, kind in marked), [id for _, id, latest, _ in marked if latest]

    s3.put_object(Bucket=bucket, Key="k", Body=b"null 1")
    versioning("Enabled")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["VersionId"]
    assert versions() == (sorted([("null", "v"), (first, "v")]), [first])
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"null 1"
    versioning("Suspended")
    answer = s3.put_object(Bucket=bucket, Key="k", Body=b"null 2")
    assert answer["VersionId"] == "null"
    assert versions() == (sorted([("null", "v"), (first, "v")]), ["null"])
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True and marker["VersionId"] == "null"
    assert versions() == (sorted([("null", "m"), (first, "v")]), ["null"])
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=bucket, Key="k", VersionId="null")
    again = s3.delete_object(Bucket=bucket, Key="k")
    assert (again["DeleteMarker"], again["VersionId"]) == (True, "null") and len(versions()[0]) == 2
    versioning("Enabled")
    second = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert versions() == (sorted([("null", "m"), (first, "v"), (second, "m")]), [second])
    gone = s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId=second)["DeleteMarker"] is True
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
    last = s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    assert last["VersionId"] == first and "DeleteMarker" not in last and versions() == ([], [])
    # Removing what is not there is a success that names what was asked for.
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId=first)["VersionId"] == first
    s3.delete_bucket(Bucket=bucket)
