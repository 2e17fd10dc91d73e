"""Uploads by an HTML form."""

import base64
import datetime
import hashlib
import hmac
import json

import pytest

from helpers import code_of
from martlet_server import ACCESS_KEY, SECRET_KEY

BOUNDARY = "----form-boundary"
OWN = "bucket-owner-full-control"


def send(server, bucket, fields, file=b"content", filename="file.txt", headers=None, tail=b"", length=True, file_type=None):
    """(status, headers, body) of a form, its fields in order."""
    body = b""
    for name, value in fields:
        value = value if isinstance(value, bytes) else value.encode()
        body += f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n".encode() + value + b"\r\n"
    if file is not None:
        body += f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n".encode()
        body += (f"Content-Type: {file_type}\r\n" if file_type else "").encode() + b"\r\n" + file + b"\r\n"
    body += tail + f"--{BOUNDARY}--\r\n".encode()
    connection = server.connect()
    connection.request("POST", f"/{bucket}", body=body,
                       headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, data


def policy_text(wanted, expires=6000, **changes):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
    document = {"expiration": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": wanted}
    document.update(changes)
    document = {k: v for k, v in document.items() if v is not None}
    return base64.b64encode(json.dumps(document).encode()).decode()


def signed_v2(policy, secret=SECRET_KEY, access=ACCESS_KEY):
    signature = base64.b64encode(hmac.new(secret.encode(), policy.encode(), hashlib.sha1).digest()).decode()
    return [("AWSAccessKeyId", access), ("signature", signature), ("policy", policy)]


def form_v2(bucket, conditions=None, extra=(), key="foo.txt", **options):
    conditions = [{"bucket": bucket}, ["starts-with", "$key", "foo"], ["starts-with", "$Content-Type", ""], {"acl": OWN},
                  ["content-length-range", 0, 1024], *(conditions or [])]
    return [("key", key), ("acl", OWN), ("Content-Type", "text/plain"), *extra,
            *signed_v2(policy_text(conditions, **options))]


def test_a_presigned_post_of_boto3(server, s3, bucket):
    post = s3.generate_presigned_post(bucket, "dir/${filename}", Fields={"x-amz-meta-a": "b", "Content-Type": "text/x"},
                                      Conditions=[{"x-amz-meta-a": "b"}, {"Content-Type": "text/x"}, ["content-length-range", 1, 100]])
    fields = list(post["fields"].items())
    assert any(name == "x-amz-signature" for name, _ in fields)
    status, headers, body = send(server, bucket, fields, b"hello", "n.txt")
    assert (status, body) == (204, b"")
    assert headers["etag"] == '"' + hashlib.md5(b"hello").hexdigest() + '"'
    assert headers["location"].endswith(f"/{bucket}/dir/n.txt")
    got = s3.get_object(Bucket=bucket, Key="dir/n.txt")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"hello", {"a": "b"}, "text/x")
    changed = [(n, v[:-1] + ("0" if v[-1] != "0" else "1")) if n == "x-amz-signature" else (n, v) for n, v in fields]
    status, _, body = send(server, bucket, changed, b"hello")
    assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")


def test_a_version_two_form(server, s3, bucket):
    status, _, body = send(server, bucket, form_v2(bucket))
    assert status == 204, body
    assert s3.get_object(Bucket=bucket, Key="foo.txt")["Body"].read() == b"content"


def test_names_are_read_in_any_case(server, s3, bucket):
    policy = policy_text([{"bUcKeT": bucket}, ["StArTs-WiTh", "$KeY", "foo"], {"AcL": OWN}])
    (_, access), (_, signature), _ = signed_v2(policy)
    fields = [("kEy", "foo"), ("aCl", OWN), ("aWsAcCeSsKeYiD", access), ("SiGnAtUrE", signature), ("pOLICy", policy)]
    assert send(server, bucket, fields)[0] == 204


def test_large_files_stream_through(server, s3, bucket):
    data = bytes(range(256)) * 40_000 + b"\r\n------form-boundar"
    fields = form_v2(bucket)[:3] + signed_v2(policy_text(
        [{"bucket": bucket}, ["starts-with", "$key", "foo"], ["starts-with", "$Content-Type", ""], {"acl": OWN}]))
    assert send(server, bucket, fields, data)[0] == 204
    assert s3.get_object(Bucket=bucket, Key="foo.txt")["Body"].read() == data


def test_what_success_looks_like(server, s3, bucket):
    def attempt(value):
        return send(server, bucket, form_v2(bucket, [["starts-with", "$success_action_status", ""]], [("success_action_status", value)]))

    assert attempt("200")[0] == 200
    status, headers, body = attempt("201")
    assert status == 201 and f"<Key>foo.txt</Key>".encode() in body and f"<Bucket>{bucket}</Bucket>".encode() in body
    assert headers["content-type"] == "application/xml"
    assert attempt("404")[0] == 204
    status, headers, _ = send(server, bucket, form_v2(
        bucket, [["eq", "$success_action_redirect", "http://example.com/done?x=1"]],
        [("success_action_redirect", "http://example.com/done?x=1")]))
    etag = hashlib.md5(b"content").hexdigest()
    assert (status, headers["location"]) == (303, f"http://example.com/done?x=1&bucket={bucket}&key=foo.txt&etag=%22{etag}%22")


def test_ignored_fields_and_fields_behind_the_file(server, s3, bucket):
    tail = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nother\r\n".encode()
    assert send(server, bucket, form_v2(bucket, extra=[("x-ignore-foo", "bar")]), tail=tail)[0] == 204
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["foo.txt"]


def test_tags_and_checksums(server, s3, bucket):
    tags = "<Tagging><TagSet><Tag><Key>a b</Key><Value>c=d</Value></Tag></TagSet></Tagging>"
    digest = base64.b64encode(hashlib.sha256(b"content").digest()).decode()
    conditions = [["starts-with", "$tagging", ""], ["starts-with", "$x-amz-checksum-sha256", ""]]
    status, _, body = send(server, bucket, form_v2(bucket, conditions, [("tagging", tags), ("x-amz-checksum-sha256", digest)]))
    assert status == 204, body
    assert s3.get_object_tagging(Bucket=bucket, Key="foo.txt")["TagSet"] == [{"Key": "a b", "Value": "c=d"}]
    assert s3.head_object(Bucket=bucket, Key="foo.txt", ChecksumMode="ENABLED")["ChecksumSHA256"] == digest
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    status, _, body = send(server, bucket, form_v2(bucket, conditions[1:], [("x-amz-checksum-sha256", wrong)], key="foo2"))
    assert (status, code_of(body)) == (400, "BadDigest")


@pytest.mark.parametrize("low, high, status, code", [
    (0, 0, 400, "EntityTooLarge"), (512, 1000, 400, "EntityTooSmall"), (-1, 0, 400, "InvalidPolicyDocument"), (5, 4, 400, "InvalidPolicyDocument"),
])
def test_lengths(server, s3, bucket, low, high, status, code):
    fields = form_v2(bucket)[:3] + signed_v2(policy_text(
        [{"bucket": bucket}, ["starts-with", "$key", "foo"], ["starts-with", "$Content-Type", ""], {"acl": OWN},
         ["content-length-range", low, high]]))
    answer = send(server, bucket, fields)
    assert (answer[0], code_of(answer[2])) == (status, code)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_forms_that_break_their_policy(server, bucket):
    def attempt(fields):
        status, _, body = send(server, bucket, fields)
        return status, code_of(body), body.decode()

    status, code, text = attempt(form_v2(bucket, expires=-10))
    assert (status, code) == (403, "AccessDenied") and "Invalid according to Policy: Policy expired." in text
    status, code, text = attempt(form_v2(bucket, key="bar.txt"))
    assert (status, code) == (403, "AccessDenied") and "Policy Condition failed" in text
    status, code, text = attempt(form_v2(bucket, extra=[("x-amz-meta-foo", "x")]))
    assert (status, code) == (403, "AccessDenied") and "Extra input fields: x-amz-meta-foo" in text
    assert attempt(form_v2(bucket, [["starts-with", "$x-amz-meta-foo", "bar"]]))[:2] == (403, "AccessDenied")
    assert attempt(form_v2(bucket, [["eq", "$x-amz-meta-foo", ""]], [("x-amz-meta-foo", "b")]))[:2] == (403, "AccessDenied")
    assert attempt(form_v2("another-bucket"))[:2] == (403, "AccessDenied")
    no_bucket = form_v2(bucket)[:3] + signed_v2(policy_text(
        [["starts-with", "$key", "foo"], ["starts-with", "$Content-Type", ""], {"acl": OWN}]))
    assert attempt(no_bucket)[:2] == (403, "AccessDenied")


def test_policies_that_are_none(server, bucket):
    base = form_v2(bucket)[:3]
    good = [{"bucket": bucket}, ["starts-with", "$key", "foo"], ["starts-with", "$Content-Type", ""], {"acl": OWN}]
    for policy in (policy_text(good, expiration=None), policy_text(good, expiration="tomorrow"), policy_text(good, conditions=None),
                   policy_text(good, conditions=None, CONDITIONS=good), policy_text([{}]), policy_text([["content-length-range", 0]]),
                   policy_text([["like", "$key", "a"]]), base64.b64encode(b"{").decode(), "!"):
        status, _, body = send(server, bucket, base + signed_v2(policy))
        assert (status, code_of(body)) == (400, "InvalidPolicyDocument"), policy


def test_credentials_of_forms(server, bucket):
    policy = policy_text([{"bucket": bucket}, ["starts-with", "$key", "foo"]])

    def attempt(fields):
        status, _, body = send(server, bucket, [("key", "foo"), *fields])
        return status, code_of(body)

    assert attempt(signed_v2(policy, secret="wrong")) == (403, "SignatureDoesNotMatch")
    assert attempt(signed_v2(policy, access="nobody")) == (403, "InvalidAccessKeyId")
    assert attempt([f for f in signed_v2(policy) if f[0] != "signature"]) == (400, "InvalidArgument")
    assert attempt([f for f in signed_v2(policy) if f[0] != "policy"]) == (400, "InvalidArgument")
    assert attempt([]) == (403, "AccessDenied")


def test_forms_that_are_not_well_formed(server, bucket):
    fields = form_v2(bucket)
    status, _, body = send(server, bucket, fields[1:])
    assert (status, code_of(body)) == (400, "InvalidArgument")
    status, _, body = send(server, bucket, fields, file=None)
    assert (status, code_of(body)) == (400, "InvalidArgument") and b"exactly one file" in body
    status, _, body = send(server, bucket, fields, headers={"Content-Type": "multipart/form-data; boundary=other"})
    assert (status, code_of(body)) == (400, "MalformedPOSTRequest")
    status, _, body = send(server, bucket, [*fields, ("x-ignore-a", "x" * 30_000)])
    assert (status, code_of(body)) == (400, "MaxPostPreDataLengthExceededError")
    status, _, body = send(server, bucket, fields, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, code_of(body)) == (412, "PreconditionFailed")


def test_a_form_for_a_missing_bucket(server, new_name):
    name = new_name()
    status, _, body = send(server, name, form_v2(name))
    assert (status, code_of(body)) == (404, "NoSuchBucket")


def test_a_form_that_nobody_signed(server, s3, bucket):
    """Anonymous uploads go where a policy lets everybody write, and nowhere else."""
    fields = [("key", "by-nobody.txt"), ("Content-Type", "text/plain")]
    status, _, body = send(server, bucket, fields)
    assert (status, code_of(body)) == (403, "AccessDenied")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/by-*"}}))
    status, headers, body = send(server, bucket, fields)
    assert (status, body) == (204, b"") and headers["etag"] == '"' + hashlib.md5(b"content").hexdigest() + '"'
    assert s3.get_object(Bucket=bucket, Key="by-nobody.txt")["Body"].read() == b"content"
    status, _, body = send(server, bucket, [("key", "elsewhere.txt"), ("Content-Type", "text/plain")])
    assert (status, code_of(body)) == (403, "AccessDenied")
