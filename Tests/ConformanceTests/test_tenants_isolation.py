"""What lies in another tenant answers as what nobody has: every operation of the model, and every place where a request names something."""

import json
import re

import botocore.session
import pytest
import test_post
from admin import admin
from botocore.exceptions import ClientError
from helpers import code_of, refused
from operations_table import snake
from tenants import Tenant, at
from test_operations_table import minimal

MODEL = botocore.session.get_session().get_service_model("s3")
# Operations about no bucket; that on a host of its own.
ELSEWHERE = {"ListBuckets", "ListDirectoryBuckets", "WriteGetObjectResponse", "CreateBucket"}
OPERATIONS = sorted(set(MODEL.operation_names) - ELSEWHERE)

SECRET = "secret-of-theirs"
MISSING = "missing-of-nobody"


class World:
    """Two tenants: one has a bucket with everything in it, the other looks for it."""

    def __init__(self, server):
        self.server = server
        self.mine = Tenant(server, "mine", hosts=["mine.example"])
        self.theirs = Tenant(server, "theirs", hosts=["theirs.example"])
        self.client = self.mine.s3()
        self.client.create_bucket(Bucket="own")
        self.client.put_object(Bucket="own", Key="key", Body=b"own")
        victim = self.theirs.s3()
        victim.create_bucket(Bucket=SECRET, ObjectOwnership="ObjectWriter")
        victim.put_object(Bucket=SECRET, Key="key", Body=b"x" * 100)
        self.upload = victim.create_multipart_upload(Bucket=SECRET, Key="key")["UploadId"]
        self.part = victim.upload_part(Bucket=SECRET, Key="key", UploadId=self.upload, PartNumber=1, Body=b"part")["ETag"]
        # Open to everybody: even so another tenant's callers don't get there.
        policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": [
            f"arn:aws:s3:::{SECRET}", f"arn:aws:s3:::{SECRET}/*"]}}
        victim.put_bucket_policy(Bucket=SECRET, Policy=json.dumps(policy))
        victim.put_bucket_cors(Bucket=SECRET, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}]})
        victim.put_bucket_website(Bucket=SECRET, WebsiteConfiguration={"IndexDocument": {"Suffix": "key"}})
        self.victim = victim


@pytest.fixture(scope="module")
def world(server):
    return World(server)


def answer(client, operation, parameters):
    """Everything that the answer says, but for what is different in every answer."""
    try:
        found = getattr(client, snake(operation))(**parameters)
        if "Body" in found:
            found["Body"] = found["Body"].read()
    except ClientError as error:
        found = error.response
    metadata = found.pop("ResponseMetadata")
    headers = {k: v for k, v in metadata["HTTPHeaders"].items() if k not in ("date", "x-amz-request-id", "content-length")}
    return metadata["HTTPStatusCode"], found, headers


def neutral(found):
    return re.sub(f"{SECRET}|{MISSING}|" + r"'RequestId': '\w+'|'HostId': '\w+'", "*", repr(found))


@pytest.mark.parametrize("name", OPERATIONS)
def test_another_tenants_bucket_is_as_one_that_nobody_has(world, name):
    operation = MODEL.operation_model(name)
    found = []
    for bucket in (SECRET, MISSING):
        parameters = minimal(operation.input_shape, bucket)
        if "UploadId" in parameters:
            parameters["UploadId"] = world.upload
        found.append(answer(world.client, name, parameters))
    assert neutral(found[0]) == neutral(found[1])
    assert found[0][0] >= 400, found[0]


@pytest.mark.parametrize("name", ["CopyObject", "UploadPartCopy"])
def test_another_tenants_object_is_no_source(world, name):
    upload = world.client.create_multipart_upload(Bucket="own", Key="copy")["UploadId"]
    found = []
    for bucket in (SECRET, MISSING):
        parameters = {"Bucket": "own", "Key": "copy", "CopySource": {"Bucket": bucket, "Key": "key"}}
        if name == "UploadPartCopy":
            parameters.update(UploadId=upload, PartNumber=1)
        found.append(answer(world.client, name, parameters))
    assert neutral(found[0]) == neutral(found[1])
    assert found[0][1]["Error"]["Code"] == "NoSuchBucket"


def test_a_name_of_another_tenant_is_free(world):
    world.client.create_bucket(Bucket=SECRET)
    assert {b["Name"] for b in world.client.list_buckets()["Buckets"]} == {"own", SECRET}
    with refused("NoSuchUpload"):
        world.client.list_parts(Bucket=SECRET, Key="key", UploadId=world.upload)
    with refused("NoSuchUpload"):
        world.client.complete_multipart_upload(Bucket=SECRET, Key="key", UploadId=world.upload, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": world.part}]})
    assert world.client.list_multipart_uploads(Bucket=SECRET).get("Uploads") is None
    world.client.delete_bucket(Bucket=SECRET)
    assert world.victim.get_object(Bucket=SECRET, Key="key")["Body"].read() == b"x" * 100


def test_targets_of_logs_and_reports(world):
    found = []
    for bucket in (SECRET, MISSING):
        found.append(answer(world.client, "PutBucketLogging", {"Bucket": "own", "BucketLoggingStatus": {
            "LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": ""}}}))
        found.append(answer(world.client, "PutBucketInventoryConfiguration", {"Bucket": "own", "Id": "all", "InventoryConfiguration": {
            "Id": "all", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
            "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV"}}}}))
    assert neutral(found[:2]) == neutral(found[2:]) and all(status == 400 for status, _, _ in found), found


def test_grantees_and_principals_of_another_tenant(world):
    """What is known of an account that exists elsewhere is what is known of one that does not."""
    world.client.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter")
    admin(world.server, "account", "create", "mail", "--tenant", "theirs", "--email", "theirs@example.com")
    world.theirs.call("iam").create_user(UserName="ann")
    for id in (world.theirs.id, "0" * 64):
        status, found, _ = answer(world.client, "PutBucketAcl", {"Bucket": "lists", "GrantRead": f"id={id}"})
        assert (status, found["Error"]["Code"], found["Error"]["Message"]) == (400, "InvalidArgument", "Invalid id")
    for mail in ("theirs@example.com", "nobody@example.com"):
        status, found, _ = answer(world.client, "PutBucketAcl", {"Bucket": "lists", "GrantRead": f"emailAddress={mail}"})
        assert (status, found["Error"]["Code"]) == (400, "UnresolvableGrantByEmailAddress")
    mine, iam = world.mine, world.mine.call("iam")
    for number in (world.theirs.number, "999999999999"):
        for user in ("ann", "nobody"):
            principal = f"arn:aws:iam::{number}:user/{user}"
            policy = {"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:GetObject",
                                    "Resource": "arn:aws:s3:::lists/*"}}
            world.client.put_bucket_policy(Bucket="lists", Policy=json.dumps(policy))
            trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}}
            iam.create_role(RoleName="tried", AssumeRolePolicyDocument=json.dumps(trust))
            iam.delete_role(RoleName="tried")
        assert answer(world.client, "HeadBucket", {"Bucket": "lists", "ExpectedBucketOwner": number})[0] == 403
    with refused("MalformedPolicy"):
        world.client.put_bucket_policy(Bucket="lists", Policy=json.dumps({"Statement": {
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{mine.number}:user/nobody"}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::lists/*"}}))


def test_roles_of_another_tenant(world):
    """Not even one that trusts everybody."""
    trust = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}})
    role = world.theirs.call("iam").create_role(RoleName="open", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    own = world.mine.call("iam").create_role(RoleName="open", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sts, said = world.mine.call("sts"), []
    for arn in (role, role.replace("open", "none"), "arn:aws:iam::999999999999:role/open"):
        with refused("AccessDenied", 403) as caught:
            sts.assume_role(RoleArn=arn, RoleSessionName="session")
        said.append(caught.value.response["Error"]["Message"].replace(arn, "*"))
    assert len(set(said)) == 1
    given = sts.assume_role(RoleArn=own, RoleSessionName="session")["Credentials"]
    assert given["AccessKeyId"].startswith("ASIA")
    with refused("ValidationError"):
        sts.get_access_key_info(AccessKeyId=world.theirs.access_key)
    # A session of one tenant is none on another's host.
    world.mine.call("iam").put_role_policy(RoleName="open", PolicyName="all", PolicyDocument=json.dumps(
        {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}))
    for host, status in (("mine.example", 200), ("theirs.example", 403)):
        found = at(world.server, host, "/", (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
        assert found[0] == status, found
        assert status == 200 or code_of(found[2]) == "InvalidAccessKeyId"
    operators = world.mine.call("iam")
    # The operator's own parameter, which lets him act for any account.
    operators.meta.events.register("before-call.iam.*", lambda params, **_: params["body"].update(MartletTenant="theirs"))
    with refused("AccessDenied", 403):
        operators.list_users()
    for name in ("GetUser", "DeleteUser", "ListAccessKeys"):
        with refused("NoSuchEntity", 404):
            getattr(world.mine.call("iam"), snake(name))(UserName="ann")


IAM = botocore.session.get_session().get_service_model("iam")


def names_things(operation):
    """Not the caller's own account, and nothing new."""
    shape = IAM.operation_model(operation).input_shape
    return bool(shape and shape.required_members) and not operation.startswith(("Create", "Upload"))


NAMING = sorted(filter(names_things, IAM.operation_names))


def named(shape, name, number, member=""):
    """The least that the model takes for a shape, about things of that name in the account of that number."""
    if shape.type_name == "structure":
        return {m: named(s, name, number, m) for m, s in shape.members.items() if m in shape.required_members}
    if shape.type_name == "list":
        return [named(shape.member, name, number, member)]
    if shape.type_name in ("integer", "long"):
        return shape.metadata.get("min", 1)
    if shape.type_name == "boolean":
        return True
    if member.endswith("Arn") or member == "PermissionsBoundary":
        kind = {"OpenIDConnectProviderArn": "oidc-provider", "RoleArn": "role", "PolicySourceArn": "user"}.get(member, "policy")
        return f"arn:aws:iam::{number}:{kind}/{name}"
    if member.endswith(("Document", "PolicyInputList")):
        return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    if member == "AccessKeyId":
        return name.upper().ljust(16, "X")
    return (shape.enum or [name.ljust(shape.metadata.get("min", 0), "x")])[0]


@pytest.fixture(scope="module")
def callers(world):
    """A client of mine; the other tenant has one of everything."""
    iam = world.theirs.call("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    trust = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}})
    iam.create_group(GroupName="theirs")
    iam.create_user(UserName="theirs")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=trust)
    iam.create_policy(PolicyName="theirs", PolicyDocument=document)
    admin(world.server, "key", "create", "--tenant", "theirs", "--user", "theirs", "--access-key", "THEIRSXXXXXXXXXX",
          "--secret-key", "-", stdin="secret-of-theirs")
    iam.create_open_id_connect_provider(Url="https://theirs", ClientIDList=["app"])
    return world.mine.call("iam")


@pytest.mark.parametrize("name", NAMING)
def test_identities_of_another_tenant_are_as_those_that_nobody_has(world, callers, name):
    shape = IAM.operation_model(name).input_shape
    found = []
    for thing, number in (("theirs", world.theirs.number), ("nobody", "999999999999")):
        status, said, _ = answer(callers, name, named(shape, thing, number))
        said = re.sub("theirs|nobody|THEIRS|NOBODY", "*", neutral((status, said))).replace(number, "*")
        found.append(said)
    assert found[0] == found[1]


def test_forms_and_presigned_requests_stay_in_the_tenant(world):
    answers = []
    for bucket in (SECRET, MISSING):
        form = world.client.generate_presigned_post(bucket, "form-key")
        status, _, body = test_post.send(world.server, bucket, list(form["fields"].items()))
        url = world.client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"})
        answers.append((status, code_of(body), at(world.server, "127.0.0.1", url.split(str(world.server.port), 1)[1])[0]))
    assert answers[0] == answers[1] == (404, "NoSuchBucket", 404)


def test_nobody_sees_another_tenants_sites_and_origins(world):
    for host, open_ in (("theirs.example", True), ("mine.example", False), ("127.0.0.1", False)):
        status, headers, body = at(world.server, host, f"/{SECRET}/key")
        assert (status == 200) == open_, (host, status)
        if host != "127.0.0.1":
            assert (at(world.server, f"{SECRET}.s3-website.{host}", "/")[0] == 200) == open_
        origin = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
        assert (at(world.server, host, f"/{SECRET}/key", method="OPTIONS", headers=origin)[0] == 200) == open_
        assert ("access-control-allow-origin" in at(world.server, host, f"/{SECRET}/key", headers=origin)[1]) == open_
