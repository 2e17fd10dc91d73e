"""CORS: the configuration, preflight, and the headers of actual answers."""

import pytest

from helpers import code_of, raw, refused

RULES = {"CORSRules": [
    {"ID": "one", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*.example.com"], "AllowedHeaders": ["x-amz-*"],
     "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 30},
    {"AllowedMethods": ["DELETE"], "AllowedOrigins": ["https://only.example"]},
    {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]},
]}


@pytest.fixture
def cors(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    return bucket


def test_the_configuration_is_stored_returned_and_deleted(s3, bucket):
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=RULES)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == RULES["CORSRules"]
    assert s3.delete_bucket_cors(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)


@pytest.mark.parametrize("rules, code", [
    ([{"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}], "InvalidRequest"),
    ([{"AllowedMethods": ["GET"], "AllowedOrigins": ["*.a.*"]}], "InvalidRequest"),
    ([{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["**"]}], "InvalidRequest"),
    ([{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]}], "InvalidRequest"),
    ([{"AllowedMethods": [], "AllowedOrigins": ["*"]}], "MalformedXML"),
    ([], "MalformedXML"),
    ([{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}] * 101, "InvalidRequest"),
    ([{"ID": "x", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}] * 2, "InvalidRequest"),
])
def test_bad_configurations_are_refused(s3, bucket, rules, code):
    with refused(code, 400):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


def test_a_configuration_needs_a_digest(server, bucket):
    body = b"<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>"
    status, _, answer = raw(server, "PUT", f"/{bucket}?cors", body=body)
    assert (status, code_of(answer)) == (400, "InvalidRequest")


def preflight(server, path, **headers):
    names = {"origin": "Origin", "method": "Access-Control-Request-Method", "headers": "Access-Control-Request-Headers"}
    return raw(server, "OPTIONS", path, {names[k]: v for k, v in headers.items()}, sign=False)


def test_a_preflight_that_a_rule_allows(server, cors):
    status, fields, body = preflight(server, f"/{cors}/k", origin="https://a.example.com", method="PUT",
                                     headers="X-Amz-Date, x-amz-meta-b")
    assert (status, body) == (200, b"")
    assert fields["access-control-allow-origin"] == "https://a.example.com"
    assert fields["access-control-allow-methods"] == "GET, PUT"
    assert fields["access-control-allow-headers"] == "x-amz-date, x-amz-meta-b"
    assert fields["access-control-expose-headers"] == "ETag"
    assert fields["access-control-max-age"] == "30"
    assert fields["access-control-allow-credentials"] == "true"
    assert fields["vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def test_a_preflight_for_any_origin_names_none(server, cors):
    status, fields, _ = preflight(server, f"/{cors}/k", origin="https://x", method="HEAD")
    assert (status, fields["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in fields


@pytest.mark.parametrize("headers", [
    dict(origin="https://evil", method="PUT"), dict(origin="https://a.example.com", method="DELETE"),
    dict(origin="https://a.example.com", method="GET", headers="x-other"),
])
def test_a_preflight_that_no_rule_allows(server, cors, headers):
    status, fields, body = preflight(server, f"/{cors}/k", **headers)
    assert (status, code_of(body)) == (403, "AccessForbidden")
    assert b"CORSResponse: This CORS request is not allowed" in body and b"<ResourceType>OBJECT</ResourceType>" in body
    assert f"<Method>{headers['method']}</Method>".encode() in body
    assert "access-control-allow-origin" not in fields


def test_preflights_without_rules_or_sense(server, bucket, new_name):
    status, _, body = preflight(server, f"/{bucket}", origin="https://a", method="GET")
    assert (status, code_of(body)) == (403, "AccessForbidden") and b"CORS is not enabled for this bucket" in body
    status, _, body = preflight(server, f"/{bucket}", method="GET")
    assert (status, code_of(body)) == (400, "BadRequest")
    status, _, body = preflight(server, f"/{new_name()}", origin="https://a", method="GET")
    assert (status, code_of(body)) == (403, "AccessForbidden")


def test_actual_answers_carry_the_fields_and_errors_too(server, s3, cors):
    s3.put_object(Bucket=cors, Key="k", Body=b"x")
    status, fields, _ = raw(server, "GET", f"/{cors}/k", {"Origin": "https://a.example.com"})
    assert (status, fields["access-control-allow-origin"]) == (200, "https://a.example.com")
    assert fields["access-control-expose-headers"] == "ETag" and "Origin" in fields["vary"]
    status, fields, _ = raw(server, "GET", f"/{cors}/missing", {"Origin": "https://a.example.com"})
    assert (status, fields["access-control-allow-origin"]) == (404, "https://a.example.com")
    status, fields, _ = raw(server, "GET", f"/{cors}/k", {"Origin": "https://a.example.com"}, sign=False)
    assert (status, fields.get("access-control-allow-origin")) == (403, "https://a.example.com")
    status, fields, _ = raw(server, "GET", f"/{cors}/k", {"Origin": "https://other"})
    assert status == 200 and "access-control-allow-origin" not in fields
    status, fields, _ = raw(server, "DELETE", f"/{cors}/k", {"Origin": "https://only.example"})
    assert (status, fields["access-control-allow-methods"]) == (204, "DELETE")
