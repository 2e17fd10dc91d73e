"""Temporary credentials through boto3's sts client."""

import json
import time

import pytest

import accounts
from helpers import refused
from test_iam import allow, client_of, document, iam, service, user  # noqa: F401


@pytest.fixture(scope="session")
def sts(server):
    return service(server, "sts")


def session(server, credentials, name="s3"):
    if name == "s3":
        return server.client(access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"],
                             aws_session_token=credentials["SessionToken"])
    return service(server, name, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def test_who_am_i(server, sts, iam, user):  # noqa: F811
    root = sts.get_caller_identity()
    assert root["Arn"] == f"arn:aws:iam::{root['Account']}:root"
    _, key = client_of(server, iam, user)
    own = service(server, "sts", key["AccessKeyId"], key["SecretAccessKey"]).get_caller_identity()
    assert own["Arn"].endswith(f":user/{user}") and own["Account"] == root["Account"]


def test_a_session_of_a_user(server, iam, user, bucket):  # noqa: F811
    _, key = client_of(server, iam, user)
    credentials = service(server, "sts", key["AccessKeyId"], key["SecretAccessKey"]).get_session_token(DurationSeconds=900)["Credentials"]
    client = session(server, credentials)
    with refused("AccessDenied", 403):
        client.list_objects_v2(Bucket=bucket)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/readonly")
    client.list_objects_v2(Bucket=bucket)
    url = client.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    import urllib.request

    assert urllib.request.urlopen(url).status == 200
    with refused("AccessDenied", 403):
        session(server, credentials, "sts").get_session_token()


def test_tokens_that_are_not_right(server, sts):
    credentials = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session(server, credentials).list_buckets()
    other = sts.get_session_token(DurationSeconds=900)["Credentials"]
    token = credentials["SessionToken"]
    for broken in (other["SessionToken"], token[:20] + ("A" if token[20] != "A" else "B") + token[21:], "x"):
        with refused("InvalidToken", 400):
            session(server, {**credentials, "SessionToken": broken}).list_buckets()
    with refused("InvalidAccessKeyId", 403):
        server.client(access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"]).list_buckets()


def trust(principal):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}})


def test_a_role_is_assumed_by_whom_it_trusts(server, iam, user, new_name, s3, bucket):  # noqa: F811
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    _, key = client_of(server, iam, user)
    own = service(server, "sts", key["AccessKeyId"], key["SecretAccessKey"])
    name = new_name()
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(iam.get_user(UserName=user)["User"]["Arn"]))["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"]["Action"] == "sts:AssumeRole"
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document(allow(["s3:GetObject", "s3:ListBucket"])))
    answer = own.assume_role(RoleArn=role["Arn"], RoleSessionName="s1")
    assert answer["AssumedRoleUser"]["Arn"].endswith(f":assumed-role/{name}/s1")
    client = session(server, answer["Credentials"])
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        client.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert session(server, answer["Credentials"], "sts").get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    narrow = own.assume_role(RoleArn=role["Arn"], RoleSessionName="s2", Policy=document(allow("s3:ListBucket")))["Credentials"]
    session(server, narrow).list_objects_v2(Bucket=bucket)
    with refused("AccessDenied", 403):
        session(server, narrow).get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        service(server, "sts", accounts.ALT["accessKey"], accounts.ALT["secretKey"]).assume_role(RoleArn=role["Arn"], RoleSessionName="s3")
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    with refused("AccessDenied", 403):
        client.get_object(Bucket=bucket, Key="k")
    iam.delete_role(RoleName=name)
    with refused("InvalidAccessKeyId", 403):
        client.get_object(Bucket=bucket, Key="k")


def test_a_role_is_assumed_across_accounts(server, iam, new_name, bucket):  # noqa: F811
    name = new_name()
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(accounts.ALT["number"]))["Role"]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/readonly")
    alt = service(server, "sts", accounts.ALT["accessKey"], accounts.ALT["secretKey"])
    client = session(server, alt.assume_role(RoleArn=role["Arn"], RoleSessionName="visitor")["Credentials"])
    client.list_objects_v2(Bucket=bucket)


def test_a_federated_session_has_what_its_policy_leaves(server, sts, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = sts.get_federation_token(Name="visitor", Policy=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")))
    assert answer["FederatedUser"]["Arn"].endswith(":federated-user/visitor")
    client = session(server, answer["Credentials"])
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        client.list_objects_v2(Bucket=bucket)
    with refused("AccessDenied", 403):
        session(server, sts.get_federation_token(Name="nothing")["Credentials"]).list_buckets()


def test_durations_have_limits(sts):
    with refused("ValidationError", 400):
        sts.get_session_token(DurationSeconds=1_000_000)
    end = sts.get_session_token(DurationSeconds=900)["Credentials"]["Expiration"].timestamp()
    assert 800 < end - time.time() < 1000
