"""Answers as AWS was seen to give them, in tables: which code, which status, which sentence, which order."""

import base64
import datetime
import hashlib
import json
import zlib

import pytest

import accounts
from helpers import code_of, raw, refused
from martlet_server import ACCESS_KEY

FAR = datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
MIB = 1 << 20


def said(caught):
    return caught.value.response["Error"]["Message"]


def crc(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def begin(s3, bucket, key="y", parts=1, **options):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    tags = [s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=n + 1, Body=b"abc")["ETag"] for n in range(parts)]
    return upload, tags


def test_completions_that_do_not_fit(server, s3, bucket):
    upload, (first, second) = begin(s3, bucket, parts=2)
    for parts, code in [
            ([(1, first), (2, second)], "EntityTooSmall"), ([(2, second), (1, first)], "InvalidPartOrder"), ([(1, first), (1, first)], "InvalidPartOrder"),
            ([(99, first)], "InvalidPart"), ([(1, "ffff")], "InvalidPart"), ([(1, None)], "MalformedXML"), ([(None, first)], "MalformedXML"),
            ([(0, first)], "InvalidArgument"), ([(-1, first)], "InvalidArgument"), ([], "MalformedXML")]:
        listed = [{k: v for k, v in (("PartNumber", n), ("ETag", t)) if v is not None} for n, t in parts]
        with refused(code, 400):
            s3.complete_multipart_upload(Bucket=bucket, Key="y", UploadId=upload, MultipartUpload={"Parts": listed})
    status, _, body = raw(server, "POST", f"/{bucket}/y?uploadId={upload}", body=b"")
    assert (status, code_of(body)) == (400, "MalformedXML")
    for size in ("-5", "abc"):
        status, _, body = raw(server, "POST", f"/{bucket}/y?uploadId={upload}", {"x-amz-mp-object-size": size},
                              f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{first}</ETag></Part></CompleteMultipartUpload>".encode())
        assert (status, code_of(body)) == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(Bucket=bucket, Key="y", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 2, "ETag": second.strip('"')}]})
    assert (done["Bucket"], done["Key"]) == (bucket, "y") and done["ETag"].endswith('-1"')


@pytest.mark.parametrize("algorithm, kind", [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")])
def test_checksums_of_parts_and_of_the_whole(server, s3, bucket, algorithm, kind):
    field = "Checksum" + algorithm
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, kind)
    upload = dict(Bucket=bucket, Key="k", UploadId=made["UploadId"])
    bodies = [b"A" * (5 * MIB), b"B" * 10]
    done = [s3.upload_part(PartNumber=n, Body=body, ChecksumAlgorithm=algorithm, **upload) for n, body in enumerate(bodies, 1)]
    listed = s3.list_parts(**upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"], listed["Parts"][0][field]) == (algorithm, kind, done[0][field])
    # Parts come with a checksum where the object's is composed of theirs, and so do claims to them.
    status, _, body = raw(server, "PUT", f"/{bucket}/k?partNumber=3&uploadId={made['UploadId']}", body=b"x")
    assert (status, code_of(body) if body else None) == ((400, "InvalidRequest") if kind == "COMPOSITE" else (200, None))
    with refused("InvalidRequest", 400):
        s3.upload_part(PartNumber=3, Body=b"x", ChecksumAlgorithm="CRC32C" if algorithm == "CRC64NVME" else "CRC64NVME", ChecksumCRC64NVME="AAAAAAAAAAA=", **upload)
    parts = [{"PartNumber": n, "ETag": part["ETag"], field: part[field]} for n, part in enumerate(done, 1)]
    if kind == "COMPOSITE":
        with refused("InvalidRequest", 400) as caught:
            s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": done[0]["ETag"]}]}, **upload)
        assert "It was missing for part 1" in said(caught)
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(MultipartUpload={"Parts": [parts[0], {**parts[1], field: parts[0][field]}]}, **upload)
    with refused("InvalidRequest", 400):
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT" if kind == "COMPOSITE" else "COMPOSITE", **upload)
    with refused("BadDigest", 400):
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **{field: parts[0][field] + ("-2" if kind == "COMPOSITE" else "")}, **upload)
    with refused("InvalidRequest", 400):
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, MpuObjectSize=7, **upload)
    whole = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, MpuObjectSize=5 * MIB + 10, **upload)
    digest = {"CRC32": lambda b: zlib.crc32(b).to_bytes(4, "big"), "SHA1": lambda b: hashlib.sha1(b).digest(), "SHA256": lambda b: hashlib.sha256(b).digest()}[algorithm]
    expected = digest(b"".join(bodies)) if kind == "FULL_OBJECT" else digest(b"".join(map(digest, bodies)))
    assert whole[field] == base64.b64encode(expected).decode() + ("" if kind == "FULL_OBJECT" else "-2") and whole["ChecksumType"] == kind
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (second[field], second["PartsCount"], second["ContentLength"], second["ChecksumType"]) == (done[1][field], 2, 10, kind)
    page = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert (page["TotalPartsCount"], page["NextPartNumberMarker"], page["IsTruncated"], page["Parts"][0][field]) == (2, 1, True, done[0][field])
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})["CopyObjectResult"]
    assert copied["ChecksumType"] == "FULL_OBJECT" and field in copied and "-" not in copied["ETag"]


def test_a_copy_onto_itself_may_bring_another_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumAlgorithm="SHA1")
    source = {"Bucket": bucket, "Key": "k"}
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="k", CopySource=source, ChecksumAlgorithm="SHA1")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, StorageClass="STANDARD")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, ChecksumAlgorithm="SHA256")
    assert "ChecksumSHA256" in s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")


def test_a_range_of_everything_has_the_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for text, whole in (("bytes=0-100", True), ("bytes=-15", True), ("bytes=0-9", True), ("bytes=0-8", False), ("bytes=1-", False)):
        answer = s3.get_object(Bucket=bucket, Key="k", Range=text, ChecksumMode="ENABLED")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206 and ("ChecksumCRC32" in answer) == whole, text


@pytest.mark.parametrize("text, status, shown", [
    ("bytes=0-8", 206, "bytes 0-8/10"), ("bytes=1-1", 206, "bytes 1-1/10"), ("bytes=1-0", 200, None), ("bytes=1-", 206, "bytes 1-9/10"),
    ("bytes=-1-", 200, None), ("bytes=-2", 206, "bytes 8-9/10"), ("bytes=-15", 206, "bytes 0-9/10"), ("bytes=0-100", 206, "bytes 0-9/10"),
    ("bytes=0--1", 200, None), ("bytes=0-1,3-4,7-9", 200, None), ("0-9", 200, None), ("bytes=-", 200, None), ("bytes=-0", 416, None),
    ("bytes=100-200", 416, None), ("bytes=10-", 416, None), ("octets=0-1", 200, None)])
def test_ranges(server, s3, bucket, text, status, shown):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for method in ("GET", "HEAD"):
        found, headers, body = raw(server, method, f"/{bucket}/k", {"Range": text})
        assert found == status and (status == 416 or headers.get("content-range") == shown)
        if method == "GET" and status == 416:
            assert code_of(body) == "InvalidRange" and b"<ActualObjectSize>10<" in body


def test_conditions_of_a_write(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with refused("NotImplemented", 501) as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=tag, IfNoneMatch="*")
    assert caught.value.response["Error"]["Header"] == "If-Match,If-None-Match"
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch='"x"')
    # What was replaced while the upload went on is not what it was to replace, though the entity tag be right.
    upload, (part,) = begin(s3, bucket, "k")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    with refused("ConditionalRequestConflict", 409):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfMatch=tag)
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfMatch='"other"')
    upload, (part,) = begin(s3, bucket, "k")
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}, IfMatch=tag)


def test_an_entity_tag_is_told_only_to_who_may_read(s3, alt, bucket):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{accounts.ALT['number']}:root"},
              "Action": ["s3:PutObject", "s3:DeleteObject", "s3:ListBucket"], "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    for call in (lambda: alt.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=tag), lambda: alt.delete_object(Bucket=bucket, Key="k", IfMatch=tag)):
        with refused("AccessDenied", 403):
            call()
    answer = alt.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": tag}]})
    assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"]
    alt.put_object(Bucket=bucket, Key="new", Body=b"1", IfNoneMatch="*")
    policy["Statement"][0]["Action"].append("s3:GetObject")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    alt.delete_object(Bucket=bucket, Key="k", IfMatch=tag)


def test_bypassing_what_no_lock_holds(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for call in (lambda v: s3.delete_object(Bucket=bucket, Key="k", BypassGovernanceRetention=v),
                 lambda v: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]}, BypassGovernanceRetention=v)):
        for value in (True, False):
            with refused("InvalidArgument", 400) as caught:
                call(value)
            assert said(caught) == "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."


def test_a_delete_marker_has_no_parts(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for version in ({}, {"VersionId": marker}):
        which = dict(Bucket=bucket, Key="k", **version)
        for call in (lambda: s3.get_object_tagging(**which), lambda: s3.put_object_tagging(Tagging={"TagSet": []}, **which), lambda: s3.delete_object_tagging(**which),
                     lambda: s3.put_object_acl(ACL="bucket-owner-full-control", **which)):
            with refused("MethodNotAllowed", 405) as caught:
                call()
            answer = caught.value.response
            assert answer["Error"]["ResourceType"] == "DeleteMarker" and answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with refused("NoSuchKey", 404):
        s3.get_object_acl(Bucket=bucket, Key="k")
    with refused("MethodNotAllowed", 405):
        s3.get_object_acl(Bucket=bucket, Key="k", VersionId=marker)
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"})
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k", "VersionId": marker})


def test_tags_in_a_header(s3, bucket):
    for text in ("key1=val1&key1=val2", "key1=val1,key2=val2", "=x"):
        with refused("InvalidArgument", 400):
            s3.put_object(Bucket=bucket, Key="k", Tagging=text)
    for text, wanted in (("wrongquery&wrongagain", [("wrongagain", ""), ("wrongquery", "")]), ("b=2&a%20b=c+d&a=", [("a", ""), ("a b", "c d"), ("b", "2")])):
        s3.put_object(Bucket=bucket, Key="k", Tagging=text)
        assert [(t["Key"], t["Value"]) for t in s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]] == wanted
    for tags, sentence in (([("Key1", "a"), ("Key1", "b")], "Cannot provide multiple Tags with the same key"), ([("Key1,Key2", "")], "The TagKey you have provided is invalid"),
                           ([("Key1", "a,b")], "The TagValue you have provided is invalid"), ([("aws:x", "")], "Your TagKey cannot be prefixed with aws:")):
        with refused("InvalidTag", 400) as caught:
            s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags]})
        assert said(caught) == sentence
    with refused("InvalidTag", 400) as caught:
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "aws:x", "Value": ""}]})
    assert said(caught) == "System tags cannot be added/updated by requester"


@pytest.mark.parametrize("query, code", [
    ("list-type=3", "InvalidArgument"), ("list-type=2&continuation-token=bogus", "InvalidArgument"), ("list-type=2&continuation-token=", "InvalidArgument"),
    ("uploads&key-marker=n&upload-id-marker=bogus", "InvalidArgument"), ("uploads&max-uploads=-1", "InvalidArgument"), ("versions&version-id-marker=null", "InvalidArgument"),
    ("versions&key-marker=a&version-id-marker=xyz", "InvalidArgument"), ("versions&key-marker=a&version-id-marker=", "InvalidArgument"),
    ("encoding-type=foo", "InvalidArgument"), ("encoding-type=", "InvalidArgument"), ("max-keys=2147483648", "InvalidArgument"), ("uploads&upload-id-marker=bogus", None), ("max-keys=", None)])
def test_arguments_of_listings(server, bucket, query, code):
    status, _, body = raw(server, "GET", f"/{bucket}?{query}")
    assert (status, code_of(body) if status != 200 else None) == (400 if code else 200, code)


def test_authorization_fields(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    now = datetime.datetime.now(datetime.timezone.utc)
    day, rest = now.strftime("%Y%m%d"), f", SignedHeaders=host, Signature={'a' * 64}"
    scope = f"{ACCESS_KEY}/{day}/us-east-1/s3/aws4_request"
    for value, status, code in [
            ("", 403, "AccessDenied"), ("foo", 400, "InvalidArgument"), ("Bearer abc", 400, "InvalidArgument"), ("AWS4-HMAC-SHA256", 400, "AuthorizationHeaderMalformed"),
            (f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host", 400, "AuthorizationHeaderMalformed"),
            (f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=abc", 403, "SignatureDoesNotMatch"),
            (f"AWS4-HMAC-SHA256 Credential=none/{day}/us-east-1/s3/aws4_request{rest}", 403, "InvalidAccessKeyId"),
            (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{day}/eu-west-1/s3/aws4_request{rest}", 400, "AuthorizationHeaderMalformed"),
            (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{day}/us-east-1/ec2/aws4_request{rest}", 400, "AuthorizationHeaderMalformed"),
            (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20200101/us-east-1/s3/aws4_request{rest}", 400, "AuthorizationHeaderMalformed"),
            (f"AWS4-ECDSA-P256-SHA256 Credential={ACCESS_KEY}/{day}/s3/aws4_request{rest}", 501, "NotImplemented"),
            ("AWS none:abc", 403, "InvalidAccessKeyId"), (f"AWS {ACCESS_KEY}:abc", 403, "SignatureDoesNotMatch"), ("AWS abc", 400, "InvalidArgument")]:
        headers = {"Authorization": value, "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"), "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
        found, _, body = raw(server, "GET", f"/{bucket}/k", headers, sign=False)
        assert (found, code_of(body)) == (status, code), value


def test_the_hash_of_the_body_may_go_unsigned(server, s3, bucket):
    """Its value is a line of what is signed. Every other x-amz- field has to be signed."""
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=100)
    path = url[len(server.endpoint):]
    assert raw(server, "PUT", path, {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, b"x", sign=False)[0] == 200
    status, _, body = raw(server, "PUT", path, {"x-amz-meta-a": "b"}, b"x", sign=False)
    assert (status, code_of(body)) == (403, "AccessDenied")


@pytest.mark.parametrize("body, headers, code", [
    (b"5\r\nhello\r\n0\r\n\r\n", {}, None), (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:CRC\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}, None),
    (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:CRC\n\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}, None), (b"5\r\nhello\r\n0\r\n\r\n", {"x-amz-checksum-crc32": "CRC"}, None),
    (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:CRC\r\n\r\n", {}, "MalformedTrailerError"), (b"5\r\nhello\r\n0\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}, "MalformedTrailerError"),
    (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}, "BadDigest"),
    (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:zz\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32"}, "InvalidRequest"),
    (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:CRC\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm": "SHA1"}, "InvalidRequest"),
    (b"0\r\n\r\n", {"x-amz-trailer": "x-amz-checksum-foo"}, "InvalidRequest"), (b"3\r\nhel\r\n0\r\n\r\n", {}, "IncompleteBody"), (b"zz\r\nhello\r\n0\r\n\r\n", {}, "IncompleteBody"),
    (b"5\r\nhello\r\n", {}, "IncompleteBody")])
def test_unsigned_chunks(server, s3, bucket, body, headers, code):
    value = crc(b"hello")
    headers = {"x-amz-decoded-content-length": "5", "Content-Encoding": "aws-chunked", **{k: v.replace("CRC", value) for k, v in headers.items()}}
    status, _, answer = raw(server, "PUT", f"/{bucket}/k", headers, body.replace(b"CRC", value.encode()), payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert (status, code_of(answer) if answer else None) == (400 if code else 200, code)
    if not code:
        found = s3.get_object(Bucket=bucket, Key="k")
        assert found["Body"].read() == b"hello" and "ContentEncoding" not in found


def test_configurations_of_locks_that_break_the_rules(s3, new_name):
    name = new_name()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    for retention, code in [({}, "MalformedXML"), ({"Mode": "GOVERNANCE"}, "MalformedXML"), ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, "MalformedXML"),
                            ({"Mode": "GOVERNANCE", "Days": 0}, "InvalidArgument"), ({"Mode": "GOVERNANCE", "Years": 101}, "InvalidArgument"), ({"Mode": "governance", "Days": 1}, "MalformedXML")]:
        with refused(code, 400):
            s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}})
    for options, sentence in [({"ObjectLockMode": "abc", "ObjectLockRetainUntilDate": FAR}, "Unknown wormMode directive."),
                              ({"ObjectLockLegalHoldStatus": "abc"}, "Legal Hold must be either of 'ON' or 'OFF'"),
                              ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": PAST}, "The retain until date must be in the future!")]:
        with refused("InvalidArgument", 400) as caught:
            s3.put_object(Bucket=name, Key="q", **options)
        assert said(caught) == sentence
    for options in ({"ObjectLockMode": "GOVERNANCE"}, {"ObjectLockRetainUntilDate": FAR}):
        with refused("InvalidArgument", 400):
            s3.put_object(Bucket=name, Key="q", **options)
    with refused("InvalidArgument", 400):
        s3.put_object_retention(Bucket=name, Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": PAST})
    with refused("MalformedXML", 400):
        s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "abc"})


def test_what_listings_say_beside_their_entries(server, s3, bucket):
    for path in (f"/{bucket}", f"/{bucket}?list-type=2"):
        assert raw(server, "GET", path)[1]["x-amz-bucket-region"] == "us-east-1"
    assert raw(server, "HEAD", f"/{bucket}")[1]["content-type"] == "application/xml"
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert (page["NextKeyMarker"], page["NextUploadIdMarker"]) == ("", "")
    upload, _ = begin(s3, bucket)
    page = s3.list_multipart_uploads(Bucket=bucket)
    assert (page["IsTruncated"], page["NextKeyMarker"], page["NextUploadIdMarker"]) == (False, "y", upload)


def test_grants_that_name_nobody(s3, open_bucket):
    for text, name, sentence in [("id=nobody", "id", "Invalid id"), ("uri=http://nowhere", "uri", "Invalid group uri"), ("foo=bar", "x-amz-grant-read", "Argument format not recognized")]:
        with refused("InvalidArgument", 400) as caught:
            s3.put_bucket_acl(Bucket=open_bucket, GrantRead=text)
        assert said(caught) == sentence and caught.value.response["Error"]["ArgumentName"] == name


def test_preflights_of_a_bucket_without_rules(server, bucket):
    """Whatever they ask, or don't."""
    for headers in ({"Access-Control-Request-Method": "GET"}, {}, {"Access-Control-Request-Method": "FOO"}):
        status, _, body = raw(server, "OPTIONS", f"/{bucket}/k", {"Origin": "http://a.b", **headers}, sign=False)
        assert (status, code_of(body)) == (403, "AccessForbidden")
