"""What an infrastructure tool reads of a bucket that nobody has configured: every sub-resource, its code and its root element."""

import xml.etree.ElementTree as ElementTree

import pytest

from helpers import code_of, raw, refused

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"

# Sub-resource → root element and what is in it.
EMPTY = {
    "versioning": ("VersioningConfiguration", {}),
    "accelerate": ("AccelerateConfiguration", {}),
    "logging": ("BucketLoggingStatus", {}),
    "notification": ("NotificationConfiguration", {}),
    "location": ("LocationConstraint", {}),
    "requestPayment": ("RequestPaymentConfiguration", {"Payer": "BucketOwner"}),
    "ownershipControls": ("OwnershipControls", {"Rule/ObjectOwnership": "BucketOwnerEnforced"}),
    "analytics": ("ListBucketAnalyticsConfigurationResult", {"IsTruncated": "false"}),
    "intelligent-tiering": ("ListBucketIntelligentTieringConfigurationsOutput", {"IsTruncated": "false"}),
    "inventory": ("ListInventoryConfigurationsResult", {"IsTruncated": "false"}),
    "metrics": ("ListMetricsConfigurationsResult", {"IsTruncated": "false"}),
    "abac": ("AbacStatus", {"Status": "Disabled"}),
}

# Sub-resource → the code by which a tool knows that there is nothing.
MISSING = {
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "cors": "NoSuchCORSConfiguration",
    "website": "NoSuchWebsiteConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "tagging": "NoSuchTagSet",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "analytics&id=EntireBucket": "NoSuchConfiguration",
    "intelligent-tiering&id=EntireBucket": "NoSuchConfiguration",
    "inventory&id=EntireBucket": "NoSuchConfiguration",
    "metrics&id=EntireBucket": "NoSuchConfiguration",
}


@pytest.mark.parametrize("subresource", EMPTY)
def test_what_is_there_but_empty(server, bucket, subresource):
    status, headers, body = raw(server, "GET", f"/{bucket}?{subresource}")
    assert status == 200 and headers["content-type"] == "application/xml" and body.startswith(b"<?xml")
    document = ElementTree.fromstring(body)
    root, values = EMPTY[subresource]
    assert document.tag == NAMESPACE + root
    leaves = {}

    def walk(element, path):
        for child in element:
            name = child.tag.removeprefix(NAMESPACE)
            if len(child):
                walk(child, path + name + "/")
            else:
                leaves[path + name] = child.text
    walk(document, "")
    assert leaves == values and not (document.text or "").strip()


@pytest.mark.parametrize("subresource", MISSING)
def test_what_is_not_there(server, bucket, subresource):
    status, headers, body = raw(server, "GET", f"/{bucket}?{subresource}")
    assert status == 404 and headers["content-type"] == "application/xml"
    document = ElementTree.fromstring(body)
    assert document.tag == "Error" and document.findtext("Code") == MISSING[subresource]
    assert document.findtext("BucketName") == bucket
    assert document.findtext("RequestId") == headers["x-amz-request-id"] and document.findtext("HostId") == headers["x-amz-id-2"]


@pytest.mark.parametrize("subresource", sorted({*EMPTY, *MISSING, "acl", "versions", "uploads"}))
def test_nothing_can_be_read_of_a_missing_bucket(server, new_name, subresource):
    status, _, body = raw(server, "GET", f"/{new_name()}?{subresource}")
    assert (status, code_of(body)) == (404, "NoSuchBucket")


def test_the_list_of_a_new_bucket(s3, bucket, main_id):
    answer = s3.get_bucket_acl(Bucket=bucket)
    assert answer["Owner"]["ID"] == main_id
    [grant] = answer["Grants"]
    assert grant["Permission"] == "FULL_CONTROL" and (grant["Grantee"]["ID"], grant["Grantee"]["Type"]) == (main_id, "CanonicalUser")


def test_what_can_be_deleted_that_is_not_there(server, s3, bucket):
    for subresource in ("policy", "cors", "website", "lifecycle", "replication", "encryption", "tagging", "publicAccessBlock", "ownershipControls"):
        status, _, body = raw(server, "DELETE", f"/{bucket}?{subresource}")
        assert (status, body) == (204, b""), subresource
    with refused("OwnershipControlsNotFoundError", 404):
        s3.get_bucket_ownership_controls(Bucket=bucket)


def test_a_tool_finds_what_it_has_put(server, s3, bucket):
    """Put, read back, put again the same, delete, read back: what a plan that shows no changes needs."""
    kinds = [
        ("tagging", {"Tagging": {"TagSet": [{"Key": "Name", "Value": "x"}, {"Key": "aa", "Value": ""}]}}, "TagSet"),
        ("cors", {"CORSConfiguration": {"CORSRules": [
            {"ID": "one", "AllowedHeaders": ["*"], "AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://a.example"],
             "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3000}, {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}}, "CORSRules"),
        ("website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}}, "IndexDocument"),
        ("policy", {"Policy": '{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Deny","Principal":"*","Action":"s3:*",'
                              f'"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"],'
                              '"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.7/32"}}}]}'}, "Policy"),
    ]
    for kind, parameters, field in kinds:
        (wrapper, document), = parameters.items()
        wanted = document if isinstance(document, str) else document[field]
        for _ in range(2):
            getattr(s3, f"put_bucket_{kind}")(Bucket=bucket, **parameters)
            assert getattr(s3, f"get_bucket_{kind}")(Bucket=bucket)[field] == wanted
        getattr(s3, f"delete_bucket_{kind}")(Bucket=bucket)
        with refused(MISSING[kind], 404):
            getattr(s3, f"get_bucket_{kind}")(Bucket=bucket)
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "MFADelete" not in s3.get_bucket_versioning(Bucket=bucket)
