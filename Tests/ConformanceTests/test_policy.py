"""Bucket policies, their status, the public access block, and who is told what."""

import json

import pytest

import accounts
from helpers import code_of, raw, refused

ALT_ROOT = {"AWS": f"arn:aws:iam::{accounts.ALT['number']}:root"}


def statement(bucket, action="s3:GetObject", effect="Allow", principal="*", resource=None, **fields):
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"] if resource is None else resource
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resources, **fields}


def put(s3, bucket, *statements, **options):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), **options)


def test_a_policy_is_returned_as_it_was_put(s3, bucket):
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement(bucket)]}, indent=1)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=bucket)
    assert s3.put_bucket_policy(Bucket=bucket, Policy=text)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.delete_bucket_policy(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=bucket)


@pytest.mark.parametrize("change, message", [
    ({"Effect": None}, "Missing required field Effect"), ({"Principal": None}, "Missing required field Principal"),
    ({"Action": None}, "Missing required field Action"), ({"Resource": None}, "Missing required field Resource"),
    ({"Principal": "alice"}, "Invalid principal in policy"), ({"Action": "s3:Fly"}, "Policy has invalid action"),
    ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"), ({"Effect": "Maybe"}, "Invalid effect: Maybe"),
    ({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::{bucket}/*"}, "Action does not apply to any resource(s) in statement"),
    ({"Principal": {"AWS": f"arn:aws:iam::{accounts.ALT['number']}:user/nobody"}}, "Invalid principal in policy"),
])
def test_a_policy_that_is_none_says_why(s3, bucket, change, message):
    broken = {**statement(bucket), **change}
    broken = {name: value for name, value in broken.items() if value is not None}
    text = json.dumps({"Statement": [broken]}).replace("{bucket}", bucket)
    with refused("MalformedPolicy", 400) as caught:
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert caught.value.response["Error"]["Message"] == message


@pytest.mark.parametrize("text", ["", "no", "[]", " {}"])
def test_a_policy_that_is_not_json_says_so(server, bucket, text):
    status, _, body = raw(server, "PUT", f"/{bucket}?policy", body=text.encode())
    assert (status, code_of(body)) == (400, "MalformedPolicy")
    assert b"Policies must be valid JSON and the first byte must be &apos;{&apos;" in body or b"must be '{'" in body


def test_nobody_reads_what_a_policy_opens_and_nothing_else(s3, nobody, bucket):
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"a")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"c")
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=bucket, Key="open/a")
    put(s3, bucket, statement(bucket, resource=f"arn:aws:s3:::{bucket}/open/*"))
    assert nobody.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=bucket, Key="closed")
    with refused("AccessDenied", 403):
        nobody.put_object(Bucket=bucket, Key="open/a", Body=b"x")
    with refused("AccessDenied", 403):
        nobody.list_objects_v2(Bucket=bucket)
    with refused("AccessDenied", 403):
        nobody.list_buckets()
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=bucket, Key="open/a")


def test_a_missing_key_is_told_only_to_who_may_list(s3, alt, bucket):
    put(s3, bucket, statement(bucket, "s3:GetObject", principal=ALT_ROOT))
    with refused("AccessDenied", 403):
        alt.get_object(Bucket=bucket, Key="none")
    with refused("403", 403):
        alt.head_object(Bucket=bucket, Key="none")
    put(s3, bucket, statement(bucket, ["s3:GetObject", "s3:ListBucket"], principal=ALT_ROOT))
    with refused("NoSuchKey", 404):
        alt.get_object(Bucket=bucket, Key="none")


def test_another_account_gets_in_by_policy_only(s3, alt, third, bucket):
    for call in (lambda c: c.list_objects_v2(Bucket=bucket), lambda c: c.put_object(Bucket=bucket, Key="k", Body=b"x"),
                 lambda c: c.delete_bucket(Bucket=bucket), lambda c: c.get_bucket_policy(Bucket=bucket),
                 lambda c: c.get_bucket_location(Bucket=bucket), lambda c: c.get_bucket_acl(Bucket=bucket)):
        with refused("AccessDenied", 403):
            call(alt)
    put(s3, bucket, statement(bucket, "s3:*", principal=ALT_ROOT))
    alt.put_object(Bucket=bucket, Key="k", Body=b"alt")
    assert [e["Key"] for e in alt.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    with refused("AccessDenied", 403):
        third.list_objects_v2(Bucket=bucket)
    # The bucket owns what is written to it.
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"alt"


def test_deny_outweighs_allow_and_ownership(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    put(s3, bucket, statement(bucket, "s3:GetObject"), statement(bucket, "s3:GetObject", effect="Deny"))
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=bucket, Key="k")
    put(s3, bucket, statement(bucket, "s3:*", effect="Deny"))
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket)
    s3.get_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_conditions_on_the_request(s3, nobody, bucket):
    for key in ("a/1", "b/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    put(s3, bucket, statement(bucket, "s3:ListBucket", Condition={"StringEquals": {"s3:prefix": "a/"}}),
        statement(bucket, "s3:GetObject", Condition={"StringLike": {"aws:Referer": "http://example.com/*"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))
    assert nobody.list_objects_v2(Bucket=bucket, Prefix="a/")["KeyCount"] == 1
    with refused("AccessDenied", 403):
        nobody.list_objects_v2(Bucket=bucket, Prefix="b/")
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=bucket, Key="a/1")


def test_conditions_on_headers(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    put(s3, bucket, statement(bucket, "s3:GetObject", Condition={"StringLike": {"aws:Referer": "http://example.com/*"}, "Bool": {"aws:SecureTransport": str(server.certs is not None).lower()}}))
    assert raw(server, "GET", f"/{bucket}/k", {"Referer": "http://example.com/x"}, sign=False)[0] == 200
    assert raw(server, "GET", f"/{bucket}/k", {"Referer": "http://example.org/x"}, sign=False)[0] == 403
    assert raw(server, "GET", f"/{bucket}/k?response-content-type=a", {"Referer": "http://example.com/x"}, sign=False)[0] == 400


def test_conditions_on_existing_tags(s3, alt, bucket):
    put(s3, bucket, statement(bucket, "s3:GetObject", principal=ALT_ROOT, Condition={"StringEquals": {"s3:ExistingObjectTag/Secret": "no"}}))
    s3.put_object(Bucket=bucket, Key="open", Body=b"x", Tagging="Secret=no")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"x", Tagging="Secret=yes")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert alt.get_object(Bucket=bucket, Key="open")["Body"].read() == b"x"
    for key in ("closed", "plain"):
        with refused("AccessDenied", 403):
            alt.get_object(Bucket=bucket, Key=key)


def test_conditions_on_tags_and_acl_of_the_request(s3, alt, bucket):
    put(s3, bucket, statement(bucket, ["s3:PutObject", "s3:PutObjectTagging"], principal=ALT_ROOT, Condition={"StringEquals": {"s3:RequestObjectTag/team": "a"}}))
    alt.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="team=a")
    for tagging in ({"Tagging": "team=b"}, {}):
        with refused("AccessDenied", 403):
            alt.put_object(Bucket=bucket, Key="k", Body=b"x", **tagging)


def test_a_copy_needs_both_ends(s3, alt, bucket, new_name):
    target = new_name()
    alt.create_bucket(Bucket=target)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    source = {"Bucket": bucket, "Key": "k"}
    with refused("AccessDenied", 403):
        alt.copy_object(Bucket=target, Key="k", CopySource=source)
    put(s3, bucket, statement(bucket, "s3:GetObject", principal=ALT_ROOT))
    alt.copy_object(Bucket=target, Key="k", CopySource=source)
    with refused("AccessDenied", 403):
        alt.copy_object(Bucket=bucket, Key="k2", CopySource=source)


def test_each_key_of_a_delete_is_judged(s3, alt, bucket):
    for key in ("a/1", "b/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    put(s3, bucket, statement(bucket, "s3:DeleteObject", principal=ALT_ROOT, resource=f"arn:aws:s3:::{bucket}/a/*"))
    answer = alt.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/1"}, {"Key": "b/1"}]})
    assert [e["Key"] for e in answer["Deleted"]] == ["a/1"]
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("b/1", "AccessDenied")]


@pytest.mark.parametrize("fields, public", [
    ({}, True), ({"principal": ALT_ROOT}, False), ({"effect": "Deny"}, False),
    ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False), ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}, True),
])
def test_policy_status(s3, bucket, fields, public):
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy_status(Bucket=bucket)
    put(s3, bucket, statement(bucket, **fields))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is public


def block(s3, bucket, **flags):
    every = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**every, **flags})


def test_the_public_access_block_is_returned_as_it_was_put(s3, bucket):
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket=bucket)
    block(s3, bucket, BlockPublicAcls=True, RestrictPublicBuckets=True)
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert found == {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
    s3.delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket=bucket)


def test_public_policies_are_blocked(s3, bucket):
    block(s3, bucket, BlockPublicPolicy=True)
    with refused("AccessDenied", 403):
        put(s3, bucket, statement(bucket))
    put(s3, bucket, statement(bucket, principal=ALT_ROOT))


def test_public_buckets_are_restricted_to_their_account(s3, alt, nobody, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    put(s3, bucket, statement(bucket))
    nobody.get_object(Bucket=bucket, Key="k")
    block(s3, bucket, RestrictPublicBuckets=True)
    for client in (nobody, alt):
        with refused("AccessDenied", 403):
            client.get_object(Bucket=bucket, Key="k")
    s3.get_object(Bucket=bucket, Key="k")


def test_bucket_names_are_taken_for_everybody(s3, alt, bucket):
    with refused("BucketAlreadyExists", 409):
        alt.create_bucket(Bucket=bucket)
    assert bucket not in [b["Name"] for b in alt.list_buckets()["Buckets"]]


def test_the_expected_owner_is_compared(s3, bucket, main_id):
    s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner=main_id)
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner=accounts.ALT["number"])
    with refused("InvalidBucketOwnerAWSAccountID", 400):
        s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="someone")


def test_a_refused_put_is_answered_before_its_body_is_asked_for(server, s3, bucket):
    import socket

    connection = server.socket()
    connection.sendall(f"PUT /{bucket}/k HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 1048576\r\nExpect: 100-continue\r\n\r\n".encode())
    assert connection.recv(65536).startswith(b"HTTP/1.1 403")
    connection.close()
