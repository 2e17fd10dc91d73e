"""Quotas of buckets, and their configuration as a document: `martlet admin bucket`."""

import concurrent.futures
import json

from accounts import ALT
from admin import admin
from helpers import refused


def quota(server, bucket, *arguments):
    return admin(server, "bucket", "quota", bucket, *arguments)


def test_bytes(s3, server, bucket):
    assert quota(server, bucket) == {"Bucket": bucket, "UsedBytes": "0", "UsedObjects": "0"}
    assert quota(server, bucket, "--bytes", "1K")["Bytes"] == "1024"
    s3.put_object(Bucket=bucket, Key="a", Body=b"x" * 1000)
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket=bucket, Key="b", Body=b"x" * 25)
    s3.put_object(Bucket=bucket, Key="b", Body=b"x" * 24)
    # As large as before is not larger, and smaller is always right.
    s3.put_object(Bucket=bucket, Key="a", Body=b"y" * 1000)
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    with refused("QuotaExceeded", 403):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "b"})
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket=bucket, Key="b", Body=b"more", WriteOffsetBytes=24)
    with refused("QuotaExceeded", 403):
        upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
        s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    s3.delete_object(Bucket=bucket, Key="a")
    s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x" * 1000)
    part = s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"][0]
    s3.put_object(Bucket=bucket, Key="first", Body=b"1")
    with refused("QuotaExceeded", 403):
        s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload,
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.delete_object(Bucket=bucket, Key="first")
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert quota(server, bucket)["UsedBytes"] == "1024"
    quota(server, bucket, "--clear")
    s3.put_object(Bucket=bucket, Key="big", Body=b"x" * 5000)


def test_objects_and_versions(s3, server, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    quota(server, bucket, "--objects", "2")
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"2")
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket=bucket, Key="a", Body=b"3")
    s3.delete_object(Bucket=bucket, Key="a")
    with refused("QuotaExceeded", 403):
        s3.put_object(Bucket=bucket, Key="a", Body=b"3")
    s3.delete_object(Bucket=bucket, Key="a", VersionId=version)
    s3.put_object(Bucket=bucket, Key="a", Body=b"3")
    assert quota(server, bucket)["UsedObjects"] == "2"


def test_racing_writers_stay_within_it(s3, server, bucket):
    quota(server, bucket, "--objects", "5")

    def put(i):
        try:
            s3.put_object(Bucket=bucket, Key=str(i), Body=b"x")
            return 1
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "QuotaExceeded"
            return 0

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        stored = sum(pool.map(put, range(40)))
    assert 1 <= stored <= 5 and s3.list_objects_v2(Bucket=bucket)["KeyCount"] == stored


def test_only_the_operator_sets_quotas(server, bucket, alt):
    other = {"MARTLET_ROOT_USER": ALT["accessKey"], "MARTLET_ROOT_PASSWORD": ALT["secretKey"]}
    for arguments in (("quota", bucket, "--bytes", "1"), ("quota", bucket), ("export", bucket)):
        assert "AccessDenied" in admin(server, "bucket", *arguments, status=1, environment=other)
    assert "Bytes" not in quota(server, bucket)


def test_export_and_import(s3, server, new_name):
    name, other, log = new_name(), new_name(), new_name()
    s3.create_bucket(Bucket=log)
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, ObjectOwnership="ObjectWriter")
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}})
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "k", "Value": "\u00fc"}]})
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": log, "TargetPrefix": "p"}})
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    s3.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "Requester"})
    s3.put_bucket_inventory_configuration(Bucket=name, Id="i", InventoryConfiguration=inventory(log))
    quota(server, name, "--bytes", "1M")
    document = admin(server, "bucket", "export", name)
    assert document["versioning"] == "Enabled" and document["quota"] == "bytes=1048576"
    admin(server, "bucket", "import", other, "-", stdin=json.dumps(document))
    for call in ("get_bucket_versioning", "get_object_lock_configuration", "get_bucket_cors", "get_bucket_tagging", "get_bucket_website",
                 "get_bucket_logging", "get_bucket_acl", "get_public_access_block", "get_bucket_request_payment",
                 "get_bucket_ownership_controls", "list_bucket_inventory_configurations"):
        answers = [{k: v for k, v in getattr(s3, call)(Bucket=b).items() if k != "ResponseMetadata"} for b in (name, other)]
        assert answers[0] == answers[1], call
    assert quota(server, other)["Bytes"] == "1048576"
    for wrong in ("{}", "[", json.dumps(dict(document, cors="<no/>")), json.dumps(dict(document, extra=1))):
        assert "InvalidInput" in admin(server, "bucket", "import", other, "-", stdin=wrong, status=1)


def inventory(target, **more):
    return dict(Id="i", IsEnabled=True, IncludedObjectVersions="Current", Schedule={"Frequency": "Daily"},
                Destination={"S3BucketDestination": {"Bucket": "arn:aws:s3:::" + target, "Format": "CSV"}}, **more)
