"""Access control lists, object ownership, and what lists open."""

import pytest

import accounts
from helpers import code_of, raw, refused

ALT_ID = accounts.ALT["id"]


def grants(answer):
    return {(g["Grantee"].get("ID") or g["Grantee"].get("URI"), g["Permission"]) for g in answer["Grants"]}


def test_a_new_bucket_belongs_to_its_owner_alone(s3, open_bucket, main_id):
    answer = s3.get_bucket_acl(Bucket=open_bucket)
    assert answer["Owner"] == {"ID": main_id, "DisplayName": "root"}
    assert answer["Grants"] == [{"Grantee": {"ID": main_id, "DisplayName": "root", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]


@pytest.mark.parametrize("canned, extra", [
    ("private", set()), ("public-read", {(accounts.ALL_USERS, "READ")}),
    ("public-read-write", {(accounts.ALL_USERS, "READ"), (accounts.ALL_USERS, "WRITE")}),
    ("authenticated-read", {(accounts.AUTHENTICATED_USERS, "READ")}),
    ("log-delivery-write", {("http://acs.amazonaws.com/groups/s3/LogDelivery", "WRITE"), ("http://acs.amazonaws.com/groups/s3/LogDelivery", "READ_ACP")}),
])
def test_canned_lists_of_buckets(s3, open_bucket, main_id, canned, extra):
    s3.put_bucket_acl(Bucket=open_bucket, ACL=canned)
    assert grants(s3.get_bucket_acl(Bucket=open_bucket)) == {(main_id, "FULL_CONTROL")} | extra


@pytest.mark.parametrize("canned, extra", [
    ("private", set()), ("public-read", {(accounts.ALL_USERS, "READ")}), ("authenticated-read", {(accounts.AUTHENTICATED_USERS, "READ")}),
    ("public-read-write", {(accounts.ALL_USERS, "READ"), (accounts.ALL_USERS, "WRITE")}), ("bucket-owner-read", set()), ("bucket-owner-full-control", set()),
])
def test_canned_lists_of_objects(s3, open_bucket, main_id, canned, extra):
    s3.put_object(Bucket=open_bucket, Key="put", Body=b"x", ACL=canned)
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="put")) == {(main_id, "FULL_CONTROL")} | extra
    s3.put_object(Bucket=open_bucket, Key="later", Body=b"x")
    s3.put_object_acl(Bucket=open_bucket, Key="later", ACL=canned)
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="later")) == {(main_id, "FULL_CONTROL")} | extra
    upload = s3.create_multipart_upload(Bucket=open_bucket, Key="parts", ACL=canned)["UploadId"]
    part = s3.upload_part(Bucket=open_bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(Bucket=open_bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="parts")) == {(main_id, "FULL_CONTROL")} | extra
    s3.copy_object(Bucket=open_bucket, Key="copy", CopySource=f"{open_bucket}/put", ACL=canned)
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="copy")) == {(main_id, "FULL_CONTROL")} | extra


def test_a_copy_does_not_take_the_list_along(s3, open_bucket, main_id):
    s3.put_object(Bucket=open_bucket, Key="a", Body=b"x", ACL="public-read")
    s3.copy_object(Bucket=open_bucket, Key="b", CopySource=f"{open_bucket}/a")
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="b")) == {(main_id, "FULL_CONTROL")}


def test_objects_keep_their_bytes_when_their_list_changes(s3, open_bucket):
    for size in (0, 100, 300_000):
        s3.put_object(Bucket=open_bucket, Key="k", Body=b"q" * size, Metadata={"m": "1"})
        before = s3.head_object(Bucket=open_bucket, Key="k")
        s3.put_object_acl(Bucket=open_bucket, Key="k", ACL="public-read")
        after = s3.get_object(Bucket=open_bucket, Key="k")
        assert after["Body"].read() == b"q" * size
        assert (after["ETag"], after["LastModified"], after["Metadata"]) == (before["ETag"], before["LastModified"], before["Metadata"])


def test_public_read_opens_objects_and_listings(s3, alt, nobody, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="closed", Body=b"x")
    for client in (alt, nobody):
        assert client.list_objects_v2(Bucket=open_bucket)["KeyCount"] == 2
        assert client.get_object(Bucket=open_bucket, Key="open")["Body"].read() == b"x"
        with refused("AccessDenied", 403):
            client.get_object(Bucket=open_bucket, Key="closed")
        with refused("AccessDenied", 403):
            client.put_object(Bucket=open_bucket, Key="new", Body=b"y")
        with refused("NoSuchKey", 404):
            client.get_object(Bucket=open_bucket, Key="none")


def test_public_read_write_opens_writing(s3, alt, nobody, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    s3.put_object(Bucket=open_bucket, Key="mine", Body=b"x")
    alt.put_object(Bucket=open_bucket, Key="alts", Body=b"alt")
    nobody.put_object(Bucket=open_bucket, Key="nobodys", Body=b"n")
    with refused("AccessDenied", 403):
        alt.get_object(Bucket=open_bucket, Key="mine")
    assert alt.get_object(Bucket=open_bucket, Key="alts")["Body"].read() == b"alt"
    owners = {e["Key"]: e["Owner"]["ID"] for e in s3.list_objects(Bucket=open_bucket)["Contents"]}
    assert owners["alts"] == ALT_ID
    # The writer owns it: the bucket's owner can't read it without a grant.
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=open_bucket, Key="alts")
    alt.delete_object(Bucket=open_bucket, Key="alts")


def test_authenticated_read_is_for_who_signs(s3, alt, nobody, open_bucket):
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="authenticated-read")
    assert alt.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        nobody.get_object(Bucket=open_bucket, Key="k")


def test_the_bucket_owner_reads_what_is_granted_to_him(s3, alt, open_bucket, main_id):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    alt.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    assert s3.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"x"
    assert grants(alt.get_object_acl(Bucket=open_bucket, Key="k")) == {(ALT_ID, "FULL_CONTROL"), (main_id, "FULL_CONTROL")}
    alt.put_object(Bucket=open_bucket, Key="r", Body=b"x", ACL="bucket-owner-read")
    assert grants(alt.get_object_acl(Bucket=open_bucket, Key="r")) == {(ALT_ID, "FULL_CONTROL"), (main_id, "READ")}
    with refused("AccessDenied", 403):
        s3.get_object_acl(Bucket=open_bucket, Key="r")


@pytest.mark.parametrize("permission, can", [
    ("READ", {"list"}), ("WRITE", {"put"}), ("READ_ACP", {"get_acl"}), ("WRITE_ACP", {"put_acl"}), ("FULL_CONTROL", {"list", "put", "get_acl", "put_acl"}),
])
def test_grants_on_a_bucket(s3, alt, open_bucket, main_id, permission, can):
    policy = s3.get_bucket_acl(Bucket=open_bucket)
    mine = {"Grantee": {"ID": main_id, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    s3.put_bucket_acl(Bucket=open_bucket, AccessControlPolicy={"Owner": policy["Owner"], "Grants": [
        mine, {"Grantee": {"ID": ALT_ID, "Type": "CanonicalUser"}, "Permission": permission}]})
    calls = {"list": lambda: alt.list_objects(Bucket=open_bucket), "put": lambda: alt.put_object(Bucket=open_bucket, Key="k", Body=b"x"),
             "get_acl": lambda: alt.get_bucket_acl(Bucket=open_bucket), "put_acl": lambda: alt.put_bucket_acl(Bucket=open_bucket, ACL="private")}
    for name in ("list", "put", "get_acl", "put_acl"):
        if name in can:
            calls[name]()
        else:
            with refused("AccessDenied", 403):
                calls[name]()


@pytest.mark.parametrize("permission, can", [("READ", {"get"}), ("READ_ACP", {"get_acl"}), ("WRITE_ACP", {"put_acl"}), ("FULL_CONTROL", {"get", "get_acl", "put_acl"})])
def test_grants_on_an_object_by_header(s3, alt, open_bucket, permission, can):
    name = {"READ": "GrantRead", "READ_ACP": "GrantReadACP", "WRITE_ACP": "GrantWriteACP", "FULL_CONTROL": "GrantFullControl"}[permission]
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", **{name: f'id="{ALT_ID}"'})
    assert grants(s3.get_object_acl(Bucket=open_bucket, Key="k")) == {(ALT_ID, permission)}
    calls = {"get": lambda: alt.get_object(Bucket=open_bucket, Key="k"), "get_acl": lambda: alt.get_object_acl(Bucket=open_bucket, Key="k"),
             "put_acl": lambda: alt.put_object_acl(Bucket=open_bucket, Key="k", ACL="private")}
    for name in ("get", "get_acl", "put_acl"):
        if name in can:
            calls[name]()
        else:
            with refused("AccessDenied", 403):
                calls[name]()


def test_a_mail_address_names_an_account(s3, open_bucket, main_id):
    s3.put_bucket_acl(Bucket=open_bucket, GrantRead='emailAddress="alt@example.com"', GrantFullControl=f'id="{main_id}"')
    found = s3.get_bucket_acl(Bucket=open_bucket)["Grants"]
    assert {"Grantee": {"ID": ALT_ID, "DisplayName": "Alt Account", "Type": "CanonicalUser"}, "Permission": "READ"} in found
    with refused("UnresolvableGrantByEmailAddress", 400):
        s3.put_bucket_acl(Bucket=open_bucket, GrantRead='emailAddress="no@example.com"')


def test_several_grantees_in_one_header(s3, open_bucket, main_id):
    s3.put_bucket_acl(Bucket=open_bucket, GrantRead=f'id="{ALT_ID}", uri="{accounts.ALL_USERS}", emailAddress="third@example.com"', GrantFullControl=f"id={main_id}")
    assert grants(s3.get_bucket_acl(Bucket=open_bucket)) == {(ALT_ID, "READ"), (accounts.ALL_USERS, "READ"), ("third", "READ"), (main_id, "FULL_CONTROL")}


def test_grantees_that_do_not_exist(s3, open_bucket):
    with refused("InvalidArgument", 400) as caught:
        s3.put_bucket_acl(Bucket=open_bucket, GrantRead='id="unknown"')
    assert caught.value.response["Error"]["Message"] == "Invalid id"
    with refused("InvalidArgument", 400):
        s3.put_bucket_acl(Bucket=open_bucket, GrantRead='uri="http://example.com/group"')
    with refused("InvalidArgument", 400):
        s3.put_bucket_acl(Bucket=open_bucket, ACL="public-writ")


def test_canned_and_explicit_together(server, open_bucket):
    status, _, body = raw(server, "PUT", f"/{open_bucket}?acl", {"x-amz-acl": "private", "x-amz-grant-read": 'id="third"'}, b"")
    assert (status, code_of(body)) == (400, "InvalidRequest")


def test_an_acl_request_without_a_list(server, open_bucket):
    status, _, body = raw(server, "PUT", f"/{open_bucket}?acl", {}, b"")
    assert (status, code_of(body)) == (400, "MissingSecurityHeader")


@pytest.mark.parametrize("document", ["<AccessControlPolicy/>", "<Foo/>", "<AccessControlPolicy><Owner><ID>x</ID></Owner></AccessControlPolicy>", "no"])
def test_documents_that_are_no_lists(server, open_bucket, document):
    status, _, body = raw(server, "PUT", f"/{open_bucket}?acl", {}, document.encode())
    assert (status, code_of(body)) == (400, "MalformedACLError")


def test_a_list_can_not_change_the_owner(s3, open_bucket):
    with refused("AccessDenied", 403):
        s3.put_bucket_acl(Bucket=open_bucket, AccessControlPolicy={"Owner": {"ID": ALT_ID}, "Grants": []})


def test_lists_of_versions(s3, open_bucket, main_id):
    s3.put_bucket_versioning(Bucket=open_bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=open_bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"2", ACL="public-read")
    s3.put_object_acl(Bucket=open_bucket, Key="k", VersionId=old, ACL="authenticated-read")
    assert (accounts.ALL_USERS, "READ") in grants(s3.get_object_acl(Bucket=open_bucket, Key="k"))
    assert (accounts.AUTHENTICATED_USERS, "READ") in grants(s3.get_object_acl(Bucket=open_bucket, Key="k", VersionId=old))


# Ownership

def test_new_buckets_have_no_lists(s3, bucket):
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for call in (lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"), lambda: s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read"),
                 lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read"),
                 lambda: s3.create_multipart_upload(Bucket=bucket, Key="k", ACL="public-read"),
                 lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{ALT_ID}"')):
        with refused("AccessControlListNotSupported", 400):
            call()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.get_bucket_acl(Bucket=bucket)
    s3.get_object_acl(Bucket=bucket, Key="k")


def test_a_bucket_without_lists_is_not_made_with_one(s3, new_name):
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket=new_name(), ACL="public-read")
    name = new_name()
    s3.create_bucket(Bucket=name, ACL="public-read", ObjectOwnership="BucketOwnerPreferred")
    assert (accounts.ALL_USERS, "READ") in grants(s3.get_bucket_acl(Bucket=name))
    with refused("InvalidArgument", 400):
        s3.create_bucket(Bucket=new_name(), ObjectOwnership="Nobody")


def test_ownership_controls_change_who_owns(s3, alt, open_bucket, main_id):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read-write")
    alt.put_object(Bucket=open_bucket, Key="k", Body=b"x")
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.put_bucket_ownership_controls(Bucket=open_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3.put_bucket_ownership_controls(Bucket=open_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    alt.put_object(Bucket=open_bucket, Key="p", Body=b"x", ACL="bucket-owner-full-control")
    assert s3.get_object_acl(Bucket=open_bucket, Key="p")["Owner"]["ID"] == main_id
    s3.put_bucket_acl(Bucket=open_bucket, ACL="private")
    s3.put_bucket_ownership_controls(Bucket=open_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert s3.get_object(Bucket=open_bucket, Key="k")["Body"].read() == b"x"
    assert {e["Owner"]["ID"] for e in s3.list_objects(Bucket=open_bucket)["Contents"]} == {main_id}


def test_ownership_controls_can_be_deleted(s3, bucket):
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError", 404):
        s3.get_bucket_ownership_controls(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")


# Public access block and lists

def test_public_lists_are_blocked(s3, open_bucket):
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    for call in (lambda: s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read"), lambda: s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="public-read"),
                 lambda: s3.put_bucket_acl(Bucket=open_bucket, ACL="authenticated-read")):
        with refused("AccessDenied", 403):
            call()
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="private")


def test_public_lists_are_ignored(s3, nobody, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, ACL="public-read")
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x", ACL="public-read")
    nobody.list_objects_v2(Bucket=open_bucket)
    s3.put_public_access_block(Bucket=open_bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    for call in (lambda: nobody.list_objects_v2(Bucket=open_bucket), lambda: nobody.get_object(Bucket=open_bucket, Key="k")):
        with refused("AccessDenied", 403):
            call()


def test_lists_survive_a_restart(tmp_path):
    from martlet_server import Server

    server = Server(tmp_path, environment={"MARTLET_ACCOUNTS_FILE": accounts.write(tmp_path)}).start()
    s3 = server.client()
    s3.create_bucket(Bucket="kept", ObjectOwnership="ObjectWriter", ACL="public-read")
    s3.put_object(Bucket="kept", Key="k", Body=b"x", ACL="authenticated-read")
    server.kill()
    server.start()
    s3 = server.client()
    assert (accounts.ALL_USERS, "READ") in grants(s3.get_bucket_acl(Bucket="kept"))
    assert (accounts.AUTHENTICATED_USERS, "READ") in grants(s3.get_object_acl(Bucket="kept", Key="k"))
    assert server.stop() == 0


@pytest.mark.parametrize("grantee", [
    "<Grantee><ID>{id}</ID></Grantee>",
    "<Grantee type='CanonicalUser'><ID>{id}</ID></Grantee>",
    "<Grantee xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='Group'><ID>{id}</ID></Grantee>",
    "<Grantee xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='CanonicalUser'><URI>" + accounts.ALL_USERS + "</URI></Grantee>",
    "<Grantee xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='CanonicalUser'></Grantee>",
    "<Grantee xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='Somebody'><ID>{id}</ID></Grantee>",
    "<Grantee xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='AmazonCustomerByEmail'><ID>{id}</ID></Grantee>"])
def test_a_grantee_is_of_the_kind_that_it_says(server, s3, open_bucket, main_id, grantee):
    body = (f"<AccessControlPolicy><Owner><ID>{main_id}</ID></Owner><AccessControlList><Grant>{grantee.format(id=main_id)}"
            "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>").encode()
    s3.put_object(Bucket=open_bucket, Key="k", Body=b"x")
    for path in (f"/{open_bucket}?acl", f"/{open_bucket}/k?acl"):
        status, _, answer = raw(server, "PUT", path, body=body)
        assert (status, code_of(answer)) == (400, "MalformedACLError")


def test_who_may_list_a_bucket_is_not_told_where_it_is(s3, alt, open_bucket):
    s3.put_bucket_acl(Bucket=open_bucket, GrantRead=f"id={ALT_ID}")
    alt.list_objects_v2(Bucket=open_bucket)
    with refused("AccessDenied", 403):
        alt.get_bucket_location(Bucket=open_bucket)
