"""Configurations of a bucket: tags, website, logging, request payment, acceleration, and those that are only ever empty."""

import pytest

from helpers import code_of, raw, refused


def tag_set(count):
    return {"TagSet": [{"Key": f"key-{i}", "Value": f"value {i}"} for i in range(count)]}


def test_bucket_tags(s3, bucket):
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
    assert s3.put_bucket_tagging(Bucket=bucket, Tagging=tag_set(50))["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tag_set(50)["TagSet"]
    s3.put_bucket_tagging(Bucket=bucket, Tagging=tag_set(1))
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tag_set(1)["TagSet"]
    assert s3.delete_bucket_tagging(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)


@pytest.mark.parametrize("tags, code", [
    (tag_set(51)["TagSet"], "BadRequest"),
    ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
    ([{"Key": "aws:x", "Value": "1"}], "InvalidTag"),
    ([{"Key": "k" * 129, "Value": "1"}], "InvalidTag"),
    ([{"Key": "k", "Value": "v" * 257}], "InvalidTag"),
    ([{"Key": "k?", "Value": "v"}], "InvalidTag"),
])
def test_bad_bucket_tags_are_refused(s3, bucket, tags, code):
    with refused(code, 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def test_a_bucket_is_created_with_tags(server, s3, new_name):
    name = new_name()
    body = b"<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"
    assert raw(server, "PUT", f"/{name}", body=body)[0] == 200
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("body", [
    b"<Tagging/>", b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", b"<Tags/>", b"not xml",
    b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><Extra/></Tag></TagSet></Tagging>",
])
def test_documents_that_break_the_schema_are_malformed(server, bucket, body):
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    status, _, answer = raw(server, "PUT", f"/{bucket}?tagging", {"Content-MD5": digest}, body=body)
    assert (status, code_of(answer)) == (400, "MalformedXML")


def test_digests_of_documents(server, bucket):
    body = b"<Tagging><TagSet/></Tagging>"
    for digest, code in (("AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"), ("nonsense", "InvalidDigest")):
        status, _, answer = raw(server, "PUT", f"/{bucket}?tagging", {"Content-MD5": digest}, body=body)
        assert (status, code_of(answer)) == (400, code)
    status, _, answer = raw(server, "PUT", f"/{bucket}?tagging", body=body)
    assert (status, code_of(answer)) == (400, "InvalidRequest")


def test_website_configuration(s3, bucket):
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)
    site = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "errors/404.html"},
            "RoutingRules": [
                {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
                {"Condition": {"HttpErrorCodeReturnedEquals": "404"},
                 "Redirect": {"HostName": "other.example", "Protocol": "https", "ReplaceKeyWith": "gone", "HttpRedirectCode": "302"}}]}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)
    answer = s3.get_bucket_website(Bucket=bucket)
    assert {k: answer[k] for k in site} == site
    everything = {"RedirectAllRequestsTo": {"HostName": "other.example", "Protocol": "http"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=everything)
    assert s3.get_bucket_website(Bucket=bucket)["RedirectAllRequestsTo"] == everything["RedirectAllRequestsTo"]
    assert s3.delete_bucket_website(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket=bucket)


@pytest.mark.parametrize("site, code", [
    ({}, "InvalidArgument"),
    ({"ErrorDocument": {"Key": "e"}}, "InvalidArgument"),
    ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument"),
    ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
    ({"IndexDocument": {"Suffix": "i"}, "RedirectAllRequestsTo": {"HostName": "h"}}, "InvalidArgument"),
    ({"RedirectAllRequestsTo": {"HostName": "h", "Protocol": "ftp"}}, "InvalidRequest"),
    ({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}]},
     "InvalidRequest"),
    ({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]}, "InvalidRequest"),
    ({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Condition": {"HttpErrorCodeReturnedEquals": "200"}, "Redirect": {"HostName": "h"}}]},
     "InvalidRequest"),
    ({"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"HostName": "h"}}] * 51}, "InvalidRequest"),
])
def test_bad_website_configurations_are_refused(s3, bucket, site, code):
    with refused(code, 400):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)


def test_logging_configuration(s3, bucket, new_name):
    target = new_name()
    s3.create_bucket(Bucket=target)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    wanted = {"TargetBucket": target, "TargetPrefix": "logs/",
              "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": wanted})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == wanted
    with refused("InvalidTargetBucketForLogging", 400):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": new_name(), "TargetPrefix": ""}})
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_request_payment(server, s3, bucket):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", RequestPayer="requester")
    with refused("MalformedXML", 400):
        s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Nobody"})


def test_acceleration_can_be_off_and_nothing_else(s3, bucket):
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    with refused("NotImplemented", 501):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Suspended"
    with refused("MalformedXML", 400):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "enabled"})


def test_what_can_not_be_stored_is_never_found(s3, bucket):
    for kind in ("analytics", "metrics", "intelligent_tiering", "inventory"):
        plural = {"analytics": "analytics", "metrics": "metrics"}.get(kind, kind)
        page = getattr(s3, f"list_bucket_{plural}_configurations")(Bucket=bucket)
        assert page["IsTruncated"] is False
        with refused("NoSuchConfiguration", 404):
            getattr(s3, f"get_bucket_{kind}_configuration")(Bucket=bucket, Id="x")
        with refused("NoSuchConfiguration", 404):
            getattr(s3, f"delete_bucket_{kind}_configuration")(Bucket=bucket, Id="x")
    with refused("NotImplemented", 501):
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id="x", MetricsConfiguration={"Id": "x"})


def test_configurations_of_a_missing_bucket(s3, new_name):
    name = new_name()
    for call in ("cors", "tagging", "website", "logging", "request_payment", "accelerate_configuration", "lifecycle_configuration",
                 "encryption", "replication", "notification_configuration", "location"):
        with refused("NoSuchBucket", 404):
            getattr(s3, f"get_bucket_{call}")(Bucket=name)


def test_configurations_live_through_a_kill(tmp_path):
    from martlet_server import Server

    server = Server(tmp_path).start()
    try:
        s3 = server.client()
        s3.create_bucket(Bucket="kept")
        s3.put_bucket_tagging(Bucket="kept", Tagging=tag_set(3))
        s3.put_bucket_request_payment(Bucket="kept", RequestPaymentConfiguration={"Payer": "Requester"})
        server.kill()
        server.start()
        s3 = server.client()
        assert s3.get_bucket_tagging(Bucket="kept")["TagSet"] == tag_set(3)["TagSet"]
        assert s3.get_bucket_request_payment(Bucket="kept")["Payer"] == "Requester"
        s3.delete_bucket(Bucket="kept")
        s3.create_bucket(Bucket="kept")
        with refused("NoSuchTagSet", 404):
            s3.get_bucket_tagging(Bucket="kept")
    finally:
        if server.running:
            server.stop()
