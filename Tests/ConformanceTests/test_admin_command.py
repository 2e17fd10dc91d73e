"""`martlet admin`: accounts with given names, ids and keys, and that S3 shows and obeys exactly them."""

import json

import pytest

from admin import admin
from helpers import refused
from martlet_server import ACCESS_KEY, SECRET_KEY, Server
from test_iam import allow, document, service

ONE = {"id": "1" * 64, "name": "one", "display": "Account One", "email": "one@example.com", "access": "ONEACCESSKEY0000", "secret": "one-secret-of-forty-characters-1234567890"}
TWO = {"id": "two$tenant-id", "name": "two", "display": "Zwei & Söhne", "email": "two@example.com", "access": "two-access", "secret": "two-secret/+="}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server without an accounts file: all accounts come from the command."""
    server = Server(tmp_path_factory.mktemp("admin")).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def made(own):
    for account in (ONE, TWO):
        answer = admin(own, "account", "create", "--name", account["name"], "--email", account["email"], "--id", account["id"],
                       "--display-name", account["display"], "--access-key", account["access"], "--secret-key", "-", stdin=account["secret"] + "\n")
        assert answer["Id"] == account["id"] and answer["AccessKeys"] == [account["access"]] and answer["SecretKey"] == account["secret"]
        account["number"] = answer["Number"]
    return own


def client(server, account, **options):
    return server.client(access_key=account["access"], secret_key=account["secret"], **options)


@pytest.fixture(scope="module")
def one(made):
    return client(made, ONE)


@pytest.fixture(scope="module")
def two(made):
    return client(made, TWO)


def who(account):
    return {"ID": account["id"], "DisplayName": account["display"]}


@pytest.fixture(scope="module")
def opened(one):
    """A bucket of the first account in which lists count."""
    one.create_bucket(Bucket="one-open", ObjectOwnership="ObjectWriter")
    return "one-open"


def test_accounts_see_their_own_buckets_only(one, two, made):
    one.create_bucket(Bucket="one-own")
    two.create_bucket(Bucket="two-own")
    answer = two.list_buckets()
    assert [b["Name"] for b in answer["Buckets"]] == ["two-own"] and answer["Owner"] == who(TWO)
    assert "two-own" not in [b["Name"] for b in one.list_buckets()["Buckets"]]
    assert [b["Name"] for b in made.client().list_buckets()["Buckets"]] == []
    with refused("AccessDenied", 403):
        two.list_objects_v2(Bucket="one-own")
    with refused("AccessDenied", 403):
        two.delete_bucket(Bucket="one-own")
    with refused("BucketAlreadyExists", 409):
        two.create_bucket(Bucket="one-own")
    assert two.create_bucket(Bucket="two-own")["Location"] == "/two-own"


def test_owners_and_initiators_are_shown_as_given(one, two, opened):
    one.put_bucket_acl(Bucket=opened, ACL="public-read-write")
    assert one.get_bucket_acl(Bucket=opened)["Owner"] == who(ONE)
    one.put_object(Bucket=opened, Key="by-one", Body=b"1")
    two.put_object(Bucket=opened, Key="by-two", Body=b"2")
    expected = {"by-one": who(ONE), "by-two": who(TWO)}
    assert {o["Key"]: o["Owner"] for o in one.list_objects(Bucket=opened)["Contents"]} == expected
    assert {o["Key"]: o["Owner"] for o in one.list_objects_v2(Bucket=opened, FetchOwner=True)["Contents"]} == expected
    assert {o["Key"]: o["Owner"] for o in one.list_object_versions(Bucket=opened)["Versions"]} == expected
    assert two.get_object_acl(Bucket=opened, Key="by-two")["Owner"] == who(TWO)
    upload = two.create_multipart_upload(Bucket=opened, Key="parts")["UploadId"]
    two.upload_part(Bucket=opened, Key="parts", UploadId=upload, PartNumber=1, Body=b"p")
    parts = two.list_parts(Bucket=opened, Key="parts", UploadId=upload)
    assert (parts["Owner"], parts["Initiator"]) == (who(TWO), who(TWO))
    found = one.list_multipart_uploads(Bucket=opened)["Uploads"]
    assert [(u["Owner"], u["Initiator"]) for u in found] == [(who(TWO), who(TWO))]
    two.abort_multipart_upload(Bucket=opened, Key="parts", UploadId=upload)


def test_the_initiator_is_who_began_the_upload(made, one):
    """With enforced ownership the bucket's owner owns uploads that others begin; a user is named by its ARN."""
    admin(made, "user", "create", "writer", "--account", "one", "--policy", "readwrite", "--access-key", "writerkey", "--secret-key", "writer-secret")
    writer = made.client(access_key="writerkey", secret_key="writer-secret")
    one.create_bucket(Bucket="one-uploads")
    one.put_bucket_policy(Bucket="one-uploads", Policy=document(
        {**allow(["s3:PutObject", "s3:ListMultipartUploadParts"], "arn:aws:s3:::one-uploads/*"), "Principal": {"AWS": TWO["number"]}}))
    two = client(made, TWO)
    arn = f"arn:aws:iam::{ONE['number']}:user/writer"
    for caller, initiator in ((writer, {"ID": arn, "DisplayName": "writer"}), (two, who(TWO))):
        upload = caller.create_multipart_upload(Bucket="one-uploads", Key="k")["UploadId"]
        parts = one.list_parts(Bucket="one-uploads", Key="k", UploadId=upload)
        assert (parts["Owner"], parts["Initiator"]) == (who(ONE), initiator)
        found = one.list_multipart_uploads(Bucket="one-uploads")["Uploads"]
        assert [(u["Owner"], u["Initiator"]) for u in found] == [(who(ONE), initiator)]
        one.abort_multipart_upload(Bucket="one-uploads", Key="k", UploadId=upload)


def test_grants_by_id_and_by_mail(one, two, opened):
    one.put_object(Bucket=opened, Key="granted", Body=b"g")
    with refused("AccessDenied", 403):
        two.get_object(Bucket=opened, Key="granted")
    for field, value in (("GrantRead", f"id={TWO['id']}"), ("GrantRead", f'emailAddress="{TWO["email"]}"')):
        one.put_object_acl(Bucket=opened, Key="granted", **{field: value})
        grant = one.get_object_acl(Bucket=opened, Key="granted")["Grants"]
        assert {"Grantee": {**who(TWO), "Type": "CanonicalUser"}, "Permission": "READ"} in grant
        assert two.get_object(Bucket=opened, Key="granted")["Body"].read() == b"g"
        one.put_object_acl(Bucket=opened, Key="granted", ACL="private")
        with refused("AccessDenied", 403):
            two.get_object(Bucket=opened, Key="granted")
    with refused("UnresolvableGrantByEmailAddress", 400):
        one.put_object_acl(Bucket=opened, Key="granted", GrantRead="emailAddress=nobody@example.com")


def test_a_bucket_policy_across_accounts(one, two):
    one.create_bucket(Bucket="one-policy")
    one.put_object(Bucket="one-policy", Key="k", Body=b"x")
    for principal in (f"arn:aws:iam::{TWO['number']}:root", TWO["number"]):
        one.put_bucket_policy(Bucket="one-policy", Policy=document({**allow("s3:GetObject", "arn:aws:s3:::one-policy/*"), "Principal": {"AWS": principal}}))
        assert two.get_object(Bucket="one-policy", Key="k")["Body"].read() == b"x"
        with refused("AccessDenied", 403):
            two.put_object(Bucket="one-policy", Key="k", Body=b"y")
        one.delete_bucket_policy(Bucket="one-policy")
        with refused("AccessDenied", 403):
            two.get_object(Bucket="one-policy", Key="k")


def test_keys_of_accounts_and_users_stop_at_once(made, two):
    key = admin(made, "key", "create", "--account", "two", "--access-key", "two-second", "--secret-key", "second-secret")
    assert (key["AccessKeyId"], key["SecretAccessKey"], key["UserName"]) == ("two-second", "second-secret", TWO["display"])
    second = made.client(access_key="two-second", secret_key="second-secret")
    assert second.list_buckets()["Owner"] == who(TWO)
    assert [k["AccessKeyId"] for k in admin(made, "key", "list", "--account", "two")["AccessKeyMetadata"]] == [TWO["access"], "two-second"]
    admin(made, "key", "disable", "two-second", "--account", "two")
    with refused("InvalidAccessKeyId", 403):
        second.list_buckets()
    admin(made, "key", "enable", "two-second", "--account", "two")
    second.list_buckets()
    admin(made, "key", "delete", "two-second", "--account", "two")
    with refused("InvalidAccessKeyId", 403):
        second.list_buckets()
    two.list_buckets()


def test_users_groups_roles_and_policies_of_any_account(made, tmp_path):
    made_user = admin(made, "user", "create", "--name", "ann", "--account", TWO["id"], "--path", "/team/", "--key", "--tag", "team=blue")
    assert made_user["Arn"] == f"arn:aws:iam::{TWO['number']}:user/team/ann" and len(made_user["SecretAccessKey"]) == 40
    ann = made.client(access_key=made_user["AccessKeyId"], secret_key=made_user["SecretAccessKey"])
    with refused("AccessDenied", 403):
        ann.list_buckets()
    text = document(allow("s3:ListAllMyBuckets", "*", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    admin(made, "policy", "create", "lister", "--account", "two", "--document", "-", stdin=text)
    admin(made, "group", "create", "readers", "--account", "two")
    admin(made, "group", "add", "readers", "ann", "--account", "two")
    admin(made, "policy", "attach", "lister", "--group", "readers", "--account", "two")
    ann.list_buckets()
    info = admin(made, "user", "info", "ann", "--account", "two")
    assert [g["GroupName"] for g in info["Groups"]] == ["readers"] and info["AccessKeyMetadata"][0]["Status"] == "Active"
    assert info["Tags"] == [{"Key": "team", "Value": "blue"}] and info["PolicyNames"] == []
    admin(made, "user", "tag", "ann", "team=red", "--account", "two")
    with refused("AccessDenied", 403):
        ann.list_buckets()
    assert admin(made, "group", "info", "readers", "--account", "two")["AttachedPolicies"][0]["PolicyName"] == "lister"
    assert [u["UserName"] for u in admin(made, "user", "list", "--account", "two")["Users"]] == ["ann"]
    shown = admin(made, "policy", "info", "lister", "--account", "two")
    assert json.loads(shown["Document"]) == json.loads(text) and shown["PolicyGroups"][0]["GroupName"] == "readers"
    path = tmp_path / "trust.json"
    path.write_text(json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": ONE["number"]}, "Action": "sts:AssumeRole"}}))
    role = admin(made, "role", "create", "visitor", "--account", "two", "--trust", path)
    admin(made, "policy", "put", "own", "--role", "visitor", "--account", "two", "--document", "-", stdin=document(allow("s3:ListAllMyBuckets")))
    credentials = service(made, "sts", ONE["access"], ONE["secret"]).assume_role(RoleArn=role["Arn"], RoleSessionName="visit")["Credentials"]
    session = made.client(access_key=credentials["AccessKeyId"], secret_key=credentials["SecretAccessKey"], aws_session_token=credentials["SessionToken"])
    assert session.list_buckets()["Owner"] == who(TWO)
    assert admin(made, "role", "info", "visitor", "--account", "two")["PolicyNames"] == ["own"]
    assert [r["RoleName"] for r in admin(made, "role", "list", "--account", "two")["Roles"]] == ["visitor"]
    admin(made, "role", "delete", "visitor", "--account", "two")
    with refused("InvalidAccessKeyId", 403):
        session.list_buckets()
    assert "DeleteConflict" in admin(made, "policy", "delete", "lister", "--account", "two", status=1)
    admin(made, "user", "delete", "ann", "--account", "two")
    with refused("InvalidAccessKeyId", 403):
        ann.list_buckets()
    admin(made, "group", "delete", "readers", "--account", "two")
    admin(made, "policy", "delete", "lister", "--account", "two")
    assert admin(made, "policy", "list", "--account", "two", "--scope", "Local")["Policies"] == []


def test_suspended_and_deleted_accounts(made):
    account = admin(made, "account", "create", "fleeting")
    assert len(account["Id"]) == 64 and account["DisplayName"] == "fleeting" and len(account["SecretKey"]) == 40
    own = made.client(access_key=account["AccessKeys"][0], secret_key=account["SecretKey"])
    sts = service(made, "sts", account["AccessKeys"][0], account["SecretKey"])
    token = sts.get_session_token()["Credentials"]
    session = made.client(access_key=token["AccessKeyId"], secret_key=token["SecretAccessKey"], aws_session_token=token["SessionToken"])
    own.create_bucket(Bucket="fleeting-bucket")
    session.list_buckets()
    admin(made, "account", "suspend", "fleeting")
    for stopped in (own, session):
        with refused("InvalidAccessKeyId", 403):
            stopped.list_buckets()
    assert admin(made, "account", "info", account["Id"])["Status"] == "Suspended"
    admin(made, "account", "resume", "fleeting")
    own.list_buckets()
    admin(made, "user", "create", "somebody", "--account", "fleeting", "--key")
    iam = service(made, "iam", account["AccessKeys"][0], account["SecretKey"])
    provider = iam.create_open_id_connect_provider(Url="https://idp.example.com", ClientIDList=["app"])["OpenIDConnectProviderArn"]
    assert [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [provider]
    assert "fleeting-bucket" in admin(made, "account", "delete", "fleeting", status=1)
    own.delete_bucket(Bucket="fleeting-bucket")
    admin(made, "account", "delete", "fleeting")
    for stopped in (own, session):
        with refused("InvalidAccessKeyId", 403):
            stopped.list_buckets()
    assert "NoSuchEntity" in admin(made, "account", "info", "fleeting", status=1)
    again = admin(made, "account", "create", "fleeting", "--id", account["Id"], "--number", account["Number"])
    assert again["Users"] == "0"
    iam = service(made, "iam", again["AccessKeys"][0], again["SecretKey"])
    assert iam.list_users()["Users"] == [] and iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    admin(made, "account", "delete", account["Number"])
    assert sorted(a["Name"] for a in admin(made, "account", "list")["Accounts"]) == ["one", "root", "two"]


def test_accounts_can_not_be_made_twice(made):
    for arguments, text in ((["--id", ONE["id"]], "id"), (["--access-key", ONE["access"]], "Access key"), (["--access-key", ACCESS_KEY], "Access key"),
                            (["--number", ONE["number"]], "number"), (["--access-key", "writerkey"], "Access key")):
        assert text in admin(made, "account", "create", "three", *arguments, status=1)
    assert "EntityAlreadyExists" in admin(made, "account", "create", "one", status=1)
    odd = admin(made, "account", "create", "odd", "--access-key", "-odd-key", "--secret-key", "--odd-secret", "--display-name", "- <odd> \"&\" -")
    assert made.client(access_key="-odd-key", secret_key="--odd-secret").list_buckets()["Owner"]["DisplayName"] == "- <odd> \"&\" -"
    admin(made, "account", "delete", odd["Id"])
    assert "UnmodifiableEntity" in admin(made, "account", "delete", "root", status=1)
    for wrong in (["--number", "12"], ["--secret-key", "short"], ["--access-key", "a/b"], ["--email", "no"], ["--id", "a b"]):
        assert "ValidationError" in admin(made, "account", "create", "four", *wrong, status=1)


def test_accounts_change_and_outlive_a_restart(tmp_path):
    server = Server(tmp_path).start()
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-1\n")
    account = admin(server, "account", "create", "first", "--secret-key-file", secret, "--access-key", "first-key")
    changed = admin(server, "account", "update", "first", "--display-name", "New", "--email", "new@example.com", "--new-name", "renamed")
    assert (changed["Name"], changed["DisplayName"], changed["Email"], changed["Id"]) == ("renamed", "New", "new@example.com", account["Id"])
    server.kill()
    server.start()
    assert server.client(access_key="first-key", secret_key="from-a-file-1").list_buckets()["Owner"] == {"ID": account["Id"], "DisplayName": "New"}
    assert server.stop() == 0


def test_what_is_added_to_the_operators_account_is_kept(tmp_path):
    server = Server(tmp_path).start()
    key = admin(server, "key", "create", "--access-key", "second-root", "--secret-key", "second-root-secret")
    assert "UnmodifiableEntity" in admin(server, "key", "delete", ACCESS_KEY, status=1)
    admin(server, "user", "create", "Renamed", "--access-key", "renamed-key", "--secret-key", "renamed-secret", "--policy", "readonly")
    service(server, "iam").update_user(UserName="renamed", NewUserName="RENAMED")
    server.kill()
    # The password of the settings is not stored: the old one is worth nothing after a change.
    server.environment = {"MARTLET_ROOT_PASSWORD": "another-password"}
    server.start()
    with refused("SignatureDoesNotMatch", 403):
        server.client().list_buckets()
    server.client(secret_key="another-password").list_buckets()
    server.client(access_key=key["AccessKeyId"], secret_key="second-root-secret").list_buckets()
    server.client(access_key="renamed-key", secret_key="renamed-secret").list_buckets()
    assert server.stop() == 0


def test_only_the_operator_makes_accounts_and_acts_for_them(made):
    as_one = {"MARTLET_ROOT_USER": ONE["access"], "MARTLET_ROOT_PASSWORD": ONE["secret"]}
    assert "AccessDenied" in admin(made, "account", "create", "mine", status=1, environment=as_one)
    assert "AccessDenied" in admin(made, "account", "list", status=1, environment=as_one)
    assert "AccessDenied" in admin(made, "user", "list", "--account", "two", status=1, environment=as_one)
    assert "AccessDenied" in admin(made, "key", "create", "--access-key", "chosen", status=1, environment=as_one)
    assert "AccessDenied" in admin(made, "root-key", "rotate", status=1, environment=as_one)
    # Its own identities are its own to manage.
    assert [u["UserName"] for u in admin(made, "user", "list", environment=as_one)["Users"]] == ["writer"]


def test_what_the_command_says_when_it_can_not(made, tmp_path):
    said = admin(made, "account", "list", status=2, environment={"MARTLET_ENDPOINT": "http://127.0.0.1:1"})
    assert "127.0.0.1:1" in said and "MARTLET_ENDPOINT" in said
    said = admin(made, "account", "list", status=64, environment={"MARTLET_ROOT_USER": ""})
    assert "MARTLET_ROOT_USER" in said
    assert "SignatureDoesNotMatch" in admin(made, "account", "list", status=1, environment={"MARTLET_ROOT_PASSWORD": "wrong-password"})
    assert "https" in admin(made, "account", "list", "--endpoint", "https://127.0.0.1:1/path", status=64)
    assert "127.0.0.1:1" in admin(made, "account", "list", "--endpoint", "https://127.0.0.1:1", status=2)
    assert "one name" in admin(made, "account", "create", status=64)
    user, password = tmp_path / "user", tmp_path / "password"
    user.write_text(ACCESS_KEY + "\n")
    password.write_text(SECRET_KEY + "\n")
    found = admin(made, "account", "list", as_json=False, environment={
        "MARTLET_ROOT_USER": "", "MARTLET_ROOT_PASSWORD": "", "MARTLET_ROOT_USER_FILE": str(user), "MARTLET_ROOT_PASSWORD_FILE": str(password)})
    assert found.splitlines()[0].split() == ["Name", "Number", "Id", "DisplayName", "Email", "Status", "AccessKeys"]
    assert any(line.startswith("two ") and TWO["display"] in line for line in found.splitlines())


def test_a_request_is_simulated_and_explained(made, one):
    one.create_bucket(Bucket="one-explained")
    deny = {"Sid": "NotFromThere", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one-explained/*",
            "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    one.put_bucket_policy(Bucket="one-explained", Policy=document(deny))
    admin(made, "user", "create", "asker", "--account", "one")
    ask = ["policy", "simulate", "--account", "one", "--user", "asker", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::one-explained/k"]
    answer = admin(made, *ask, status=3)
    assert answer["Decision"] == "denied" and "no policy of the principal" in answer["Reason"]
    assert answer["Policies"] == [{"Policy": "bucket policy", "Type": "Resource Policy", "Answer": "says nothing", "Statements": [
        {"Statement": "NotFromThere", "Effect": "Deny", "Outcome": "condition IpAddress of aws:SourceIp does not hold"}]}]
    admin(made, "policy", "attach", "readonly", "--user", "asker", "--account", "one")
    answer = admin(made, *ask)
    assert answer["Decision"] == "allowed" and "readonly" in answer["Reason"]
    answer = admin(made, *ask, "--context", "aws:SourceIp=10.1.2.3", status=3)
    assert "NotFromThere" in answer["Reason"] and "bucket policy" in answer["Reason"]
    answer = admin(made, "policy", "simulate", "--account", "one", "--principal", "anonymous", "--action", "s3:GetObject",
                   "--resource", "arn:aws:s3:::one-explained/k", status=3)
    assert answer["Decision"] == "denied"
    assert admin(made, "policy", "simulate", "--account", "one", "--action", "s3:DeleteBucket", "--resource", "arn:aws:s3:::one-explained")["Decision"] == "allowed"


def state_key(server):
    return server.directory / "state" / "root.key"


def test_the_root_key_is_rotated_and_a_lost_one_is_refused(tmp_path):
    server = Server(tmp_path).start()
    account = admin(server, "account", "create", "kept", "--access-key", "kept-key", "--secret-key", "kept-secret")
    token = service(server, "sts", "kept-key", "kept-secret").get_session_token()["Credentials"]
    before = state_key(server).read_text()
    assert admin(server, "root-key", "rotate")["Place"] == str(state_key(server))
    after = state_key(server).read_text()
    assert before != after and not state_key(server).with_name("root.key.new").exists() and state_key(server).stat().st_mode & 0o777 == 0o600
    server.kill()
    server.start()
    session = server.client(access_key=token["AccessKeyId"], secret_key=token["SecretAccessKey"], aws_session_token=token["SessionToken"])
    assert session.list_buckets()["Owner"]["ID"] == account["Id"]
    server.client(access_key="kept-key", secret_key="kept-secret").create_bucket(Bucket="kept-bucket")
    assert server.stop() == 0
    # The old key opens nothing any more.
    state_key(server).write_text(before)
    with pytest.raises(RuntimeError, match="not the one"):
        server.start()
    # No key at all: nothing is made in its place, whatever is tried.
    state_key(server).unlink()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="root key is lost.*MARTLET_ROOT_KEY_FILE.*--forget-identities"):
            server.start()
        assert not state_key(server).exists()
    # A crash between wrapping and renaming leaves the new key beside the old one.
    state_key(server).write_text(before)
    state_key(server).with_name("root.key.new").write_text(after)
    server.start()
    assert state_key(server).read_text() == after and not state_key(server).with_name("root.key.new").exists()
    assert server.stop() == 0
    # A key from a variable is exchanged by a start.
    server.environment = {"MARTLET_ROOT_KEY": "ab" * 32, "MARTLET_ROOT_KEY_PREVIOUS_FILE": str(state_key(server))}
    server.start()
    assert "MARTLET_ROOT_KEY_PREVIOUS" in admin(server, "root-key", "rotate", status=1)
    assert server.stop() == 0
    server.environment = {"MARTLET_ROOT_KEY": "ab" * 32}
    server.start()
    server.client(access_key="kept-key", secret_key="kept-secret").list_buckets()
    assert server.stop() == 0
    # Gone for good: identities are given up, buckets are not.
    server.environment = {}
    state_key(server).unlink()
    server.arguments = ["--forget-identities"]
    server.start()
    server.arguments = []
    with refused("InvalidAccessKeyId", 403):
        server.client(access_key="kept-key", secret_key="kept-secret").list_buckets()
    admin(server, "account", "create", "kept", "--id", account["Id"], "--access-key", "kept-key", "--secret-key", "kept-secret")
    assert [b["Name"] for b in server.client(access_key="kept-key", secret_key="kept-secret").list_buckets()["Buckets"]] == ["kept-bucket"]
    assert server.stop() == 0
