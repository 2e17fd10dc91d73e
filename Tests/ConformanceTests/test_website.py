"""Buckets served as web sites, and redirects of objects."""

import json

import pytest

from helpers import raw, refused

DOMAIN = "s3-website.s3.localhost"


def get(server, bucket, path, method="GET", headers=None):
    connection = server.connect()
    connection.request(method, path, headers={"Host": f"{bucket}.{DOMAIN}:{server.port}", **(headers or {})})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, body


@pytest.fixture
def site(s3, bucket):
    """Public but for what begins with private/."""
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "NotResource": f"arn:aws:s3:::{bucket}/private/*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}]}))
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [
            {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
            {"Condition": {"KeyPrefixEquals": "gone/", "HttpErrorCodeReturnedEquals": "404"},
             "Redirect": {"HostName": "other.example", "Protocol": "https", "ReplaceKeyWith": "lost page", "HttpRedirectCode": "302"}}]})
    for key, text in {"index.html": "home", "docs/index.html": "docs", "a b.html": "page", "private/x": "secret"}.items():
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/html")
    return bucket


def test_pages_and_indexes(server, site):
    status, headers, body = get(server, site, "/")
    assert (status, body, headers["content-type"]) == (200, b"home", "text/html")
    assert get(server, site, "/docs/")[2] == b"docs"
    assert get(server, site, "/a%20b.html")[2] == b"page"
    status, headers, body = get(server, site, "/docs")
    assert (status, headers["location"]) == (302, "/docs/")
    status, headers, body = get(server, site, "/", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "4", b"")
    status, headers, body = get(server, site, "/a%20b.html", headers={"Range": "bytes=0-1"})
    assert (status, body) == (206, b"pa")


def test_errors_are_pages(server, s3, site):
    status, headers, body = get(server, site, "/missing")
    assert status == 404 and headers["content-type"].startswith("text/html")
    assert b"<li>Code: NoSuchKey</li>" in body and b"Custom Error Document" in body
    status, _, body = get(server, site, "/private/x")
    assert status == 403 and b"<li>Code: AccessDenied</li>" in body
    s3.put_object(Bucket=site, Key="error.html", Body=b"sorry", ContentType="text/html")
    status, headers, body = get(server, site, "/missing")
    assert (status, body, headers["content-type"]) == (404, b"sorry", "text/html")
    status, _, body = get(server, site, "/missing", method="POST")
    assert status == 405 and b"MethodNotAllowed" in body
    assert get(server, "no-such-bucket", "/")[0] == 404


def test_routing_rules(server, site):
    status, headers, _ = get(server, site, "/old/a?x=1")
    assert (status, headers["location"]) == (301, f"{server.scheme}://{site}.{DOMAIN}:{server.port}/new/a")
    status, headers, _ = get(server, site, "/gone/a")
    assert (status, headers["location"]) == (302, "https://other.example/lost%20page")


def test_everything_is_redirected(server, s3, bucket):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "other.example"}})
    status, headers, _ = get(server, bucket, "/a/b?c=d")
    assert (status, headers["location"]) == (301, f"{server.scheme}://other.example/a/b?c=d")


def test_a_bucket_without_a_site(server, bucket):
    status, _, body = get(server, bucket, "/")
    assert status == 404 and b"NoSuchWebsiteConfiguration" in body


def test_redirects_of_objects(server, s3, site):
    s3.put_object(Bucket=site, Key="moved", Body=b"x", WebsiteRedirectLocation="/docs/")
    status, headers, _ = get(server, site, "/moved")
    assert (status, headers["location"]) == (301, "/docs/")
    assert s3.head_object(Bucket=site, Key="moved")["WebsiteRedirectLocation"] == "/docs/"
    s3.copy_object(Bucket=site, Key="copied", CopySource=f"{site}/moved")
    assert "WebsiteRedirectLocation" not in s3.head_object(Bucket=site, Key="copied")
    with refused("InvalidRedirectLocation", 400):
        s3.put_object(Bucket=site, Key="bad", Body=b"x", WebsiteRedirectLocation="ftp://x")
