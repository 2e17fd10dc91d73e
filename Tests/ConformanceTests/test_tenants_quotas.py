"""Limits of tenants: bytes, objects and buckets, of all and of each account."""

import concurrent.futures

import pytest
from admin import admin
from helpers import raw, refused
from tenants import Tenant


@pytest.fixture
def tenant(server):
    return Tenant(server)


def account(server, tenant, name):
    made = admin(server, "account", "create", name, "--tenant", tenant.name)
    return server.client(access_key=made["AccessKeys"][0], secret_key=made["SecretKey"]), made["Id"]


def test_capacity_over_all_buckets(tenant):
    s3 = tenant.s3()
    tenant.set("--capacity", "1K")
    for name in ("a", "b"):
        s3.create_bucket(Bucket=f"bucket-{name}")
    s3.put_object(Bucket="bucket-a", Key="a", Body=b"x" * 1000)
    with refused("QuotaExceeded", 403) as caught:
        s3.put_object(Bucket="bucket-b", Key="b", Body=b"x" * 25)
    assert "tenant" in caught.value.response["Error"]["Message"]
    s3.put_object(Bucket="bucket-b", Key="b", Body=b"x" * 24)
    # As large as before is not larger.
    s3.put_object(Bucket="bucket-a", Key="a", Body=b"y" * 1000)
    with refused("QuotaExceeded", 403):
        s3.copy_object(Bucket="bucket-b", Key="copy", CopySource={"Bucket": "bucket-a", "Key": "a"})
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket="bucket-b", Key="b", Body=b"more", WriteOffsetBytes=24)
    upload = s3.create_multipart_upload(Bucket="bucket-b", Key="parts")["UploadId"]
    with refused("QuotaExceeded", 403):
        s3.upload_part(Bucket="bucket-b", Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    with refused("QuotaExceeded", 403):
        s3.upload_part_copy(Bucket="bucket-b", Key="parts", UploadId=upload, PartNumber=1, CopySource="bucket-a/a")
    s3.delete_object(Bucket="bucket-a", Key="a")
    part = s3.upload_part(Bucket="bucket-b", Key="parts", UploadId=upload, PartNumber=1, Body=b"x" * 1000)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.put_object(Bucket="bucket-a", Key="first", Body=b"1")
    with refused("QuotaExceeded", 403):
        s3.complete_multipart_upload(Bucket="bucket-b", Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.delete_object(Bucket="bucket-a", Key="first")
    s3.complete_multipart_upload(Bucket="bucket-b", Key="parts", UploadId=upload, MultipartUpload=parts)
    shown = tenant.show()
    assert (shown["Bytes"], shown["UsedBytes"], shown["UsedObjects"], shown["UsedBuckets"]) == ("1024", "1024", "2", "2")
    tenant.set("--capacity", "none")
    s3.put_object(Bucket="bucket-a", Key="big", Body=b"x" * 5000)
    assert "Bytes" not in tenant.show()


def test_a_body_without_room_is_not_asked_for(server, tenant):
    tenant.set("--capacity", "10")
    tenant.s3().create_bucket(Bucket="bucket")
    status, _, body = raw(server, "PUT", "/bucket/key", {"Content-Length": "11", "Expect": "100-continue"}, access=tenant.access_key,
                          secret=tenant.secret_key)
    assert status == 403 and b"QuotaExceeded" in body


def test_objects_and_versions(tenant):
    s3 = tenant.s3()
    tenant.set("--objects", "2")
    for name in ("one", "two"):
        s3.create_bucket(Bucket=f"bucket-{name}")
    s3.put_bucket_versioning(Bucket="bucket-one", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="bucket-one", Key="a", Body=b"1")["VersionId"]
    s3.put_object(Bucket="bucket-one", Key="a", Body=b"2")
    for name in ("one", "two"):
        with refused("QuotaExceeded", 403):
            s3.put_object(Bucket=f"bucket-{name}", Key="b", Body=b"")
    s3.delete_object(Bucket="bucket-one", Key="a")
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket="bucket-two", Key="b", Body=b"")
    s3.delete_object(Bucket="bucket-one", Key="a", VersionId=version)
    s3.put_object(Bucket="bucket-two", Key="b", Body=b"")


def test_buckets(tenant):
    s3 = tenant.s3()
    tenant.set("--buckets", "3")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        def make(index):
            try:
                s3.create_bucket(Bucket=f"racing-{index}")
                return True
            except s3.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "TooManyBuckets", error
                return False
        made = [index for index, ok in enumerate(pool.map(make, range(8))) if ok]
    assert len(made) == 3
    # One that is there already is no new one.
    s3.create_bucket(Bucket=f"racing-{made[0]}")
    s3.delete_bucket(Bucket=f"racing-{made[0]}")
    s3.create_bucket(Bucket="another")
    with refused("TooManyBuckets", 400):
        s3.create_bucket(Bucket="last")


def test_limits_of_each_account(server, tenant):
    s3, (alt, alt_id) = tenant.s3(), account(server, tenant, "alt")
    tenant.set("--user-capacity", "100", "--user-objects", "3", "--user-buckets", "2", "--capacity", "150")
    for client, name in ((s3, "one"), (s3, "two"), (alt, "three")):
        client.create_bucket(Bucket=f"bucket-{name}")
    with refused("TooManyBuckets", 400):
        s3.create_bucket(Bucket="bucket-more")
    alt.create_bucket(Bucket="bucket-four")
    s3.put_object(Bucket="bucket-one", Key="a", Body=b"x" * 90)
    with refused("QuotaExceeded", 403) as caught:
        s3.put_object(Bucket="bucket-two", Key="b", Body=b"x" * 11)
    assert "account" in caught.value.response["Error"]["Message"]
    alt.put_object(Bucket="bucket-three", Key="a", Body=b"x" * 60)
    # Within its own limit, and beyond the tenant's.
    with refused("QuotaExceeded", 403):
        alt.put_object(Bucket="bucket-four", Key="b", Body=b"x" * 1)
    alt.put_object(Bucket="bucket-four", Key="b", Body=b"")
    alt.put_object(Bucket="bucket-four", Key="c", Body=b"")
    with refused("QuotaExceeded", 403):
        alt.put_object(Bucket="bucket-four", Key="d", Body=b"")
    shown = {usage["Id"]: usage for usage in tenant.show()["Usage"]}
    assert shown[alt_id] == {"Account": "alt", "Id": alt_id, "UsedBytes": "60", "UsedObjects": "3", "UsedBuckets": "2"}
    assert shown[tenant.id]["UsedBytes"] == "90"


def test_racing_writers_stay_within_it(tenant):
    s3 = tenant.s3()
    tenant.set("--capacity", "1000")
    for index in range(4):
        s3.create_bucket(Bucket=f"bucket-{index}")

    def put(index):
        try:
            s3.put_object(Bucket=f"bucket-{index % 4}", Key=f"key-{index}", Body=b"x" * 100)
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "QuotaExceeded", error

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(40)))
    used = int(tenant.show()["UsedBytes"])
    assert 0 < used <= 1000, used


def test_limits_of_buckets_in_tenants_and_use_of_the_default_one(server, bucket, tenant):
    s3 = tenant.s3()
    s3.create_bucket(Bucket="limited")
    assert admin(server, "bucket", "quota", "limited", "--tenant", tenant.name, "--bytes", "5")["Bytes"] == "5"
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket="limited", Key="key", Body=b"123456")
    assert "NoSuchEntity" in admin(server, "bucket", "quota", "limited", status=1)
    document = admin(server, "bucket", "export", "limited", "--tenant", tenant.name, as_json=False)
    admin(server, "bucket", "import", "again", "-", "--tenant", tenant.name, stdin=document)
    assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {"again", "limited"}
    assert int(admin(server, "tenant", "show", "default")["UsedBuckets"]) > 0
