"""`aws s3api`: the commands of the AWS CLI itself, run within this process as those of `aws iam` are, each answer looked at."""

import email.utils
import json

import pytest

from test_aws_iam_commands import AWS


class S3API(AWS):
    def __call__(self, *arguments, status=0, key=None):
        options = {"status": status}
        if key:
            options["key"] = key
        return super().__call__("s3api", *arguments, **options)


@pytest.fixture(scope="module")
def s3api(server):
    return S3API(server)


@pytest.fixture
def made(s3api, new_name):
    name = new_name()
    s3api("create-bucket", "--bucket", name)
    return name


def test_buckets(s3api, new_name):
    name = new_name()
    assert s3api("create-bucket", "--bucket", name)["Location"] == f"/{name}"
    assert name in [b["Name"] for b in s3api("list-buckets")["Buckets"]]
    assert [b["Name"] for b in s3api("list-buckets", "--prefix", name, "--max-buckets", "1")["Buckets"]] == [name]
    assert s3api("head-bucket", "--bucket", name)["BucketRegion"] == "us-east-1"
    assert s3api("get-bucket-location", "--bucket", name) == {"LocationConstraint": None}
    s3api("wait", "bucket-exists", "--bucket", name)
    s3api("delete-bucket", "--bucket", name)
    assert "404" in s3api("head-bucket", "--bucket", name, status=255)
    assert "NoSuchBucket" in s3api("delete-bucket", "--bucket", name, status=255)
    s3api("wait", "bucket-not-exists", "--bucket", name)


def test_objects(s3api, made, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789")
    put = s3api("put-object", "--bucket", made, "--key", "a/b", "--body", str(source), "--content-type", "text/plain", "--metadata", "colour=blue",
                "--checksum-algorithm", "SHA256", "--tagging", "t=1", "--cache-control", "no-cache")
    assert put["ETag"] == '"781e5e245d69b566979b86e28d23f2c7"' and put["ChecksumType"] == "FULL_OBJECT"
    head = s3api("head-object", "--bucket", made, "--key", "a/b", "--checksum-mode", "ENABLED")
    assert (head["ContentLength"], head["ContentType"], head["Metadata"], head["CacheControl"]) == (10, "text/plain", {"colour": "blue"}, "no-cache")
    assert head["ChecksumSHA256"] == put["ChecksumSHA256"] and head["ETag"] == put["ETag"] and head["AcceptRanges"] == "bytes"
    got = s3api("get-object", "--bucket", made, "--key", "a/b", "--range", "bytes=2-4", str(target))
    assert target.read_bytes() == b"234" and got["ContentRange"] == "bytes 2-4/10" and got["TagCount"] == 1
    assert "304" in s3api("get-object", "--bucket", made, "--key", "a/b", "--if-none-match", put["ETag"], str(target), status=255)
    assert "PreconditionFailed" in s3api("put-object", "--bucket", made, "--key", "a/b", "--if-none-match", "*", status=255)
    assert "InvalidRange" in s3api("get-object", "--bucket", made, "--key", "a/b", "--range", "bytes=10-", str(target), status=255)
    attributes = s3api("get-object-attributes", "--bucket", made, "--key", "a/b", "--object-attributes", "ETag", "Checksum", "ObjectSize", "StorageClass")
    assert attributes["ObjectSize"] == 10 and attributes["ETag"] == put["ETag"].strip('"') and attributes["StorageClass"] == "STANDARD"
    copied = s3api("copy-object", "--bucket", made, "--key", "c d", "--copy-source", f"{made}/a/b")
    assert copied["CopyObjectResult"]["ETag"] == put["ETag"]
    assert s3api("head-object", "--bucket", made, "--key", "c d")["Metadata"] == {"colour": "blue"}
    listed = s3api("list-objects-v2", "--bucket", made)
    assert [o["Key"] for o in listed["Contents"]] == ["a/b", "c d"]
    # What a listing says of the time is what the object's own fields say.
    shown = email.utils.parsedate_to_datetime(head["LastModified"])
    assert listed["Contents"][0]["LastModified"] == shown.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    page = s3api("list-objects-v2", "--bucket", made, "--delimiter", "/", "--no-paginate", "--max-keys", "1")
    assert page["CommonPrefixes"] == [{"Prefix": "a/"}] and page["IsTruncated"] and page["KeyCount"] == 1
    page = s3api("list-objects-v2", "--bucket", made, "--delimiter", "/", "--no-paginate", "--continuation-token", page["NextContinuationToken"])
    assert [o["Key"] for o in page["Contents"]] == ["c d"] and not page["IsTruncated"]
    assert [o["Key"] for o in s3api("list-objects", "--bucket", made, "--prefix", "c")["Contents"]] == ["c d"]
    s3api("wait", "object-exists", "--bucket", made, "--key", "c d")
    assert s3api("delete-object", "--bucket", made, "--key", "c d") is None
    s3api("wait", "object-not-exists", "--bucket", made, "--key", "c d")
    deleted = s3api("delete-objects", "--bucket", made, "--delete", json.dumps({"Objects": [{"Key": "a/b"}, {"Key": "never"}]}))
    assert [d["Key"] for d in deleted["Deleted"]] == ["a/b", "never"]
    assert "Contents" not in (s3api("list-objects-v2", "--bucket", made) or {})
    assert "NoSuchKey" in s3api("get-object", "--bucket", made, "--key", "a/b", str(target), status=255)
    s3api("put-object", "--bucket", made, "--key", "old")
    s3api("rename-object", "--bucket", made, "--key", "new", "--rename-source", "old")
    assert [o["Key"] for o in s3api("list-objects-v2", "--bucket", made)["Contents"]] == ["new"]


def test_multipart_uploads(s3api, made, tmp_path):
    part = tmp_path / "part"
    part.write_bytes(b"p" * (5 << 20))
    upload = ["--bucket", made, "--key", "m", "--upload-id", s3api("create-multipart-upload", "--bucket", made, "--key", "m", "--metadata", "a=b")["UploadId"]]
    assert [u["UploadId"] for u in s3api("list-multipart-uploads", "--bucket", made)["Uploads"]] == [upload[-1]]
    first = s3api("upload-part", *upload, "--part-number", "1", "--body", str(part))["ETag"]
    s3api("put-object", "--bucket", made, "--key", "source", "--body", str(part))
    second = s3api("upload-part-copy", *upload, "--part-number", "2", "--copy-source", f"{made}/source", "--copy-source-range", "bytes=0-9")
    parts = s3api("list-parts", *upload)["Parts"]
    assert [(p["PartNumber"], p["Size"]) for p in parts] == [(1, 5 << 20), (2, 10)] and parts[0]["ETag"] == first
    wanted = {"Parts": [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]}
    done = s3api("complete-multipart-upload", *upload, "--multipart-upload", json.dumps(wanted))
    assert done["ETag"].endswith('-2"') and done["Location"] == f"{s3api.server.endpoint}/{made}/m" and done["Key"] == "m"
    head = s3api("head-object", "--bucket", made, "--key", "m", "--part-number", "2")
    assert (head["ContentLength"], head["PartsCount"], head["Metadata"]) == (10, 2, {"a": "b"})
    upload[-1] = s3api("create-multipart-upload", "--bucket", made, "--key", "m")["UploadId"]
    s3api("abort-multipart-upload", *upload)
    assert "NoSuchUpload" in s3api("list-parts", *upload, status=255)


def test_versions_and_locks(s3api, new_name, tmp_path):
    name, body = new_name(), tmp_path / "body"
    body.write_bytes(b"1")
    s3api("create-bucket", "--bucket", name, "--object-lock-enabled-for-bucket")
    assert s3api("get-bucket-versioning", "--bucket", name) == {"Status": "Enabled"}
    put = ["put-object", "--bucket", name, "--key", "k", "--body", str(body)]
    first, second = s3api(*put)["VersionId"], s3api(*put)["VersionId"]
    marker = s3api("delete-object", "--bucket", name, "--key", "k")
    assert marker["DeleteMarker"] is True
    listed = s3api("list-object-versions", "--bucket", name)
    assert [v["VersionId"] for v in listed["Versions"]] == [second, first] and [v["IsLatest"] for v in listed["Versions"]] == [False, False]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    assert "MethodNotAllowed" in s3api("get-object", "--bucket", name, "--key", "k", "--version-id", marker["VersionId"], str(body), status=255)
    removed = s3api("delete-object", "--bucket", name, "--key", "k", "--version-id", marker["VersionId"])
    assert removed == {"DeleteMarker": True, "VersionId": marker["VersionId"]}
    version = ["--bucket", name, "--key", "k", "--version-id", first]
    s3api("put-object-retention", *version, "--retention", "Mode=GOVERNANCE,RetainUntilDate=2040-01-01T00:00:00Z")
    assert s3api("get-object-retention", *version)["Retention"]["Mode"] == "GOVERNANCE"
    s3api("put-object-legal-hold", *version, "--legal-hold", "Status=ON")
    assert s3api("get-object-legal-hold", *version) == {"LegalHold": {"Status": "ON"}}
    assert "AccessDenied" in s3api("delete-object", *version, "--bypass-governance-retention", status=255)
    s3api("put-object-legal-hold", *version, "--legal-hold", "Status=OFF")
    assert "AccessDenied" in s3api("delete-object", *version, status=255)
    assert s3api("delete-object", *version, "--bypass-governance-retention") == {"VersionId": first}
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    s3api("put-object-lock-configuration", "--bucket", name, "--object-lock-configuration", json.dumps(rule))
    assert s3api("get-object-lock-configuration", "--bucket", name) == {"ObjectLockConfiguration": rule}
    assert "InvalidBucketState" in s3api("put-bucket-versioning", "--bucket", name, "--versioning-configuration", "Status=Suspended", status=255)


def test_tags_and_lists(s3api, new_name):
    name = new_name()
    s3api("create-bucket", "--bucket", name, "--object-ownership", "ObjectWriter")
    s3api("put-bucket-versioning", "--bucket", name, "--versioning-configuration", "Status=Enabled")
    version = s3api("put-object", "--bucket", name, "--key", "k")["VersionId"]
    s3api("put-object-tagging", "--bucket", name, "--key", "k", "--tagging", "TagSet=[{Key=a,Value=1}]")
    assert s3api("get-object-tagging", "--bucket", name, "--key", "k") == {"VersionId": version, "TagSet": [{"Key": "a", "Value": "1"}]}
    s3api("delete-object-tagging", "--bucket", name, "--key", "k")
    assert s3api("get-object-tagging", "--bucket", name, "--key", "k")["TagSet"] == []
    s3api("put-bucket-tagging", "--bucket", name, "--tagging", "TagSet=[{Key=a,Value=1}]")
    assert s3api("get-bucket-tagging", "--bucket", name)["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3api("delete-bucket-tagging", "--bucket", name)
    assert "NoSuchTagSet" in s3api("get-bucket-tagging", "--bucket", name, status=255)
    s3api("put-object-acl", "--bucket", name, "--key", "k", "--acl", "public-read")
    grants = s3api("get-object-acl", "--bucket", name, "--key", "k")["Grants"]
    assert [g["Permission"] for g in grants] == ["FULL_CONTROL", "READ"] and grants[1]["Grantee"]["URI"].endswith("AllUsers")
    s3api("put-bucket-acl", "--bucket", name, "--acl", "authenticated-read")
    assert s3api("get-bucket-acl", "--bucket", name)["Grants"][1]["Grantee"]["URI"].endswith("AuthenticatedUsers")
    s3api("put-bucket-acl", "--bucket", name, "--acl", "private")
    s3api("put-bucket-ownership-controls", "--bucket", name, "--ownership-controls", "Rules=[{ObjectOwnership=BucketOwnerEnforced}]")
    assert s3api("get-bucket-ownership-controls", "--bucket", name)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "AccessControlListNotSupported" in s3api("put-bucket-acl", "--bucket", name, "--acl", "public-read", status=255)
    s3api("delete-bucket-ownership-controls", "--bucket", name)


def test_configurations(s3api, made, new_name):
    bucket = ["--bucket", made]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{made}/*"}]}
    s3api("put-bucket-policy", *bucket, "--policy", json.dumps(policy))
    assert json.loads(s3api("get-bucket-policy", *bucket)["Policy"]) == policy
    assert s3api("get-bucket-policy-status", *bucket) == {"PolicyStatus": {"IsPublic": True}}
    s3api("delete-bucket-policy", *bucket)
    s3api("put-public-access-block", *bucket, "--public-access-block-configuration", "BlockPublicPolicy=true")
    assert s3api("get-public-access-block", *bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    assert "AccessDenied" in s3api("put-bucket-policy", *bucket, "--policy", json.dumps(policy), status=255)
    s3api("delete-public-access-block", *bucket)
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    s3api("put-bucket-cors", *bucket, "--cors-configuration", json.dumps(rules))
    assert s3api("get-bucket-cors", *bucket) == rules
    s3api("delete-bucket-cors", *bucket)
    s3api("put-bucket-website", *bucket, "--website-configuration", json.dumps({"IndexDocument": {"Suffix": "i.html"}}))
    assert s3api("get-bucket-website", *bucket) == {"IndexDocument": {"Suffix": "i.html"}}
    s3api("delete-bucket-website", *bucket)
    target = new_name()
    s3api("create-bucket", "--bucket", target)
    logging = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "l/"}}
    s3api("put-bucket-logging", *bucket, "--bucket-logging-status", json.dumps(logging))
    assert s3api("get-bucket-logging", *bucket) == logging
    s3api("put-bucket-request-payment", *bucket, "--request-payment-configuration", "Payer=Requester")
    assert s3api("get-bucket-request-payment", *bucket) == {"Payer": "Requester"}
    s3api("put-bucket-accelerate-configuration", *bucket, "--accelerate-configuration", "Status=Suspended")
    assert s3api("get-bucket-accelerate-configuration", *bucket) == {"Status": "Suspended"}
    report = {"Id": "r", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
              "Destination": {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV"}}}
    s3api("put-bucket-inventory-configuration", *bucket, "--id", "r", "--inventory-configuration", json.dumps(report))
    assert s3api("get-bucket-inventory-configuration", *bucket, "--id", "r")["InventoryConfiguration"] == report
    assert [c["Id"] for c in s3api("list-bucket-inventory-configurations", *bucket)["InventoryConfigurationList"]] == ["r"]
    s3api("delete-bucket-inventory-configuration", *bucket, "--id", "r")
    for kind in ("analytics", "metrics", "intelligent-tiering"):
        assert "NoSuchConfiguration" in s3api(f"get-bucket-{kind}-configuration", *bucket, "--id", "x", status=255)
        assert s3api(f"list-bucket-{kind}-configurations", *bucket)["IsTruncated"] is False
    for command, code in (("lifecycle-configuration", "NoSuchLifecycleConfiguration"), ("replication", "ReplicationConfigurationNotFoundError"),
                          ("encryption", "ServerSideEncryptionConfigurationNotFoundError")):
        assert code in s3api(f"get-bucket-{command}", *bucket, status=255)
    assert s3api("get-bucket-notification-configuration", *bucket) is None
    assert "NotImplemented" in s3api("put-bucket-encryption", *bucket, "--server-side-encryption-configuration",
                                     json.dumps({"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}), status=255)


def test_enough_commands_ran(s3api):
    commands = {c.split()[1] for c in s3api.ran} - {"wait"}
    assert len(commands) >= 70, sorted(commands)
