"""Users, keys, groups and policies through boto3's iam client, and that they count at once."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

import accounts
from helpers import refused
from martlet_server import ACCESS_KEY, SECRET_KEY, Server


def service(server, name, access=ACCESS_KEY, secret=SECRET_KEY, token=None):
    return boto3.client(name, endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=access,
                        aws_secret_access_key=secret, aws_session_token=token)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **fields):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **fields}


@pytest.fixture(scope="session")
def iam(server):
    return service(server, "iam")


@pytest.fixture
def user(iam, new_name):
    name = new_name()
    iam.create_user(UserName=name)
    return name


def client_of(server, iam, user):
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return server.client(access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"]), key


def test_a_user_is_made_found_listed_and_deleted(iam, new_name):
    name = new_name()
    made = iam.create_user(UserName=name, Path="/team/")["User"]
    assert made["Arn"].endswith(f":user/team/{name}") and made["UserId"].startswith("AIDA")
    assert iam.get_user(UserName=name)["User"]["Arn"] == made["Arn"]
    assert name in [u["UserName"] for u in iam.list_users(PathPrefix="/team/")["Users"]]
    with refused("EntityAlreadyExists", 409):
        iam.create_user(UserName=name)
    iam.update_user(UserName=name, NewUserName=name + "x")
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName=name)
    iam.delete_user(UserName=name + "x")
    with refused("NoSuchEntity", 404):
        iam.delete_user(UserName=name + "x")


def test_a_new_user_may_do_nothing_and_an_inline_policy_counts_at_once(server, iam, user, s3, bucket):
    client, _ = client_of(server, iam, user)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("AccessDenied", 403):
        client.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        client.list_buckets()
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")))
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        client.put_object(Bucket=bucket, Key="k", Body=b"y")
    found = iam.get_user_policy(UserName=user, PolicyName="p")["PolicyDocument"]
    assert found["Statement"][0]["Action"] == "s3:GetObject"
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == ["p"]
    iam.delete_user_policy(UserName=user, PolicyName="p")
    with refused("AccessDenied", 403):
        client.get_object(Bucket=bucket, Key="k")


def test_keys_stop_at_once_when_they_are_switched_off(server, iam, user):
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/readwrite")
    client, key = client_of(server, iam, user)
    client.list_buckets()
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert iam.list_access_keys(UserName=user)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    with refused("InvalidAccessKeyId", 403):
        client.list_buckets()
    iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Active")
    client.list_buckets()
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    with refused("InvalidAccessKeyId", 403):
        client.list_buckets()


def test_a_user_has_two_keys_at_most(iam, user):
    for _ in range(2):
        iam.create_access_key(UserName=user)
    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName=user)
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName=user)


def test_groups_give_their_policies_to_their_members(server, iam, user, new_name):
    group = new_name()
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/readonly")
    client, _ = client_of(server, iam, user)
    with refused("AccessDenied", 403):
        client.list_buckets()
    iam.add_user_to_group(GroupName=group, UserName=user)
    client.list_buckets()
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=user)["Groups"]] == [group]
    with refused("DeleteConflict", 409):
        iam.delete_group(GroupName=group)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    with refused("AccessDenied", 403):
        client.list_buckets()
    iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/readonly")
    iam.delete_group(GroupName=group)


def test_managed_policies(server, iam, user, new_name, bucket):
    name = new_name()
    made = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")))["Policy"]
    client, _ = client_of(server, iam, user)
    iam.attach_user_policy(UserName=user, PolicyArn=made["Arn"])
    client.list_objects_v2(Bucket=bucket)
    assert iam.list_attached_user_policies(UserName=user)["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": made["Arn"]}]
    assert iam.get_policy(PolicyArn=made["Arn"])["Policy"]["AttachmentCount"] == 1
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=made["Arn"])
    iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=document(allow("s3:GetObject")), SetAsDefault=True)
    with refused("AccessDenied", 403):
        client.list_objects_v2(Bucket=bucket)
    assert iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v2")["PolicyVersion"]["Document"]["Statement"][0]["Action"] == "s3:GetObject"
    iam.detach_user_policy(UserName=user, PolicyArn=made["Arn"])
    iam.delete_policy_version(PolicyArn=made["Arn"], VersionId="v1")
    iam.delete_policy(PolicyArn=made["Arn"])
    with refused("NoSuchEntity", 404):
        iam.get_policy(PolicyArn=made["Arn"])
    assert "readonly" in [p["PolicyName"] for p in iam.list_policies(Scope="AWS")["Policies"]]


@pytest.mark.parametrize("text", ["{}", "no", document({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}), document({"Effect": "Allow", "Action": "Get", "Resource": "*"})])
def test_documents_that_are_no_policies(iam, user, text):
    with refused("MalformedPolicyDocument", 400):
        iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=text)


def test_a_boundary_bounds(server, iam, user):
    client, _ = client_of(server, iam, user)
    iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/readwrite")
    client.list_buckets()
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary="arn:aws:iam::aws:policy/writeonly")
    with refused("AccessDenied", 403):
        client.list_buckets()
    iam.delete_user_permissions_boundary(UserName=user)
    client.list_buckets()


def test_variables_give_each_user_a_home(server, iam, user, bucket):
    client, _ = client_of(server, iam, user)
    iam.put_user_policy(UserName=user, PolicyName="home", PolicyDocument=document(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/home/${{aws:username}}/*")))
    client.put_object(Bucket=bucket, Key=f"home/{user}/x", Body=b"x")
    with refused("AccessDenied", 403):
        client.put_object(Bucket=bucket, Key="home/other/x", Body=b"x")


def test_a_bucket_policy_names_a_user_of_the_account(server, iam, user, s3, bucket):
    client, _ = client_of(server, iam, user)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    arn = iam.get_user(UserName=user)["User"]["Arn"]
    s3.put_bucket_policy(Bucket=bucket, Policy=document({**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": arn}}))
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("MalformedPolicy", 400):
        s3.put_bucket_policy(Bucket=bucket, Policy=document({**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": {"AWS": arn + "no"}}))


def test_users_may_call_iam_as_far_as_they_are_allowed(server, iam, user):
    _, key = client_of(server, iam, user)
    own = service(server, "iam", key["AccessKeyId"], key["SecretAccessKey"])
    with refused("AccessDenied", 403):
        own.list_users()
    arn = iam.get_user(UserName=user)["User"]["Arn"]
    iam.put_user_policy(UserName=user, PolicyName="self", PolicyDocument=document(allow("iam:GetUser", arn)))
    assert own.get_user()["User"]["UserName"] == user
    with refused("AccessDenied", 403):
        own.create_user(UserName="escape")


def test_accounts_see_their_own_identities_only(server, iam, user):
    alt = service(server, "iam", accounts.ALT["accessKey"], accounts.ALT["secretKey"])
    assert user not in [u["UserName"] for u in alt.list_users()["Users"]]
    with refused("NoSuchEntity", 404):
        alt.create_access_key(UserName=user)
    assert accounts.ALT["number"] in alt.get_user()["User"]["Arn"]


def test_calls_that_are_not_trusted(server, iam):
    with refused("InvalidClientTokenId", 403):
        service(server, "iam", "unknown-key", "x" * 40).list_users()
    with refused("SignatureDoesNotMatch", 403):
        service(server, "iam", ACCESS_KEY, "wrong" * 8).list_users()
    with refused("InvalidAction", 400):
        iam.create_login_profile(UserName="nobody", Password="x")


def test_identities_survive_a_kill_and_need_their_root_key(tmp_path):
    server = Server(tmp_path).start()
    iam = service(server, "iam")
    iam.create_user(UserName="kept")
    iam.attach_user_policy(UserName="kept", PolicyArn="arn:aws:iam::aws:policy/readwrite")
    key = iam.create_access_key(UserName="kept")["AccessKey"]
    server.kill()
    server.start()
    client = server.client(access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    client.create_bucket(Bucket="made-by-user")
    assert server.stop() == 0
    for drive in server.drives:
        for path in drive.rglob("*"):
            if path.is_file():
                assert key["SecretAccessKey"].encode() not in path.read_bytes()
    (tmp_path / "state" / "root.key").unlink()
    with pytest.raises(RuntimeError, match="root key"):
        server.start()
