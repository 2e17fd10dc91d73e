"""Requests that are not quite right: the code that AWS returns."""

import base64
import contextlib
import hashlib
import urllib.parse
import xml.etree.ElementTree

import pytest

from helpers import code_of, raw, refused


def md5(body):
    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


@pytest.mark.parametrize("name, possible", [
    ("abc", True), ("a.b", True), ("a-b", True), ("1a2", True), ("a" * 63, True), ("a1.2.3.4", True), ("1.2.3", True),
    ("a.-b", False), ("a-.b", False), (".ab", False), ("ab.", False), ("a..b", False), ("1.2.3.4", False), ("999.999.999.999", False),
    ("xn--abc", False), ("sthree-abc", False), ("amzn-s3-demo-abc", False), ("abc-s3alias", False), ("abc--ol-s3", False), ("abc.mrap", False),
    ("abc--x-s3", False), ("abc--table-s3", False), ("aBc", False), ("a_b", False), ("ab", False), ("a" * 64, False), ("a%20b", False),
])
def test_bucket_names(server, name, possible):
    status, _, body = raw(server, "PUT", f"/{name}")
    assert (status == 200) == possible, body
    if not possible:
        assert code_of(body) == "InvalidBucketName"


@pytest.mark.parametrize("path", ["/{}/%zz", "/{}/%2", "/{}/%ff%fe", "/{}/k?prefix=%ff", "/{}?prefix=%c3%28"])
def test_what_can_not_be_decoded(server, bucket, path):
    status, _, body = raw(server, "GET", path.format(bucket))
    assert (status, code_of(body)) == (400, "InvalidURI")


def test_keys_up_to_their_limit(s3, bucket):
    longest = "é" * 512
    s3.put_object(Bucket=bucket, Key=longest, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=longest)["Body"].read() == b"x"
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key=longest + "a", Body=b"x")
    # Equivalent spellings are different keys, and nothing is normalised.
    for key in ("\u00e9", "e\u0301"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key="\u00e9")["Body"].read() == "\u00e9".encode()


def test_metadata_has_two_kibibytes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "v" * 2047})
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "v" * 2048})


@pytest.mark.parametrize("query", [
    "max-keys=-1", "max-keys=x", "max-keys=99999999999", "encoding-type=base64", "uploads&max-uploads=-1", "uploads&max-uploads=x",
    "list-type=2&continuation-token=nonsense", "versions&version-id-marker=x", "list-type=2&max-keys=1.5",
])
def test_listing_arguments(server, bucket, query):
    status, _, body = raw(server, "GET", f"/{bucket}?{query}")
    assert (status, code_of(body)) == (400, "InvalidArgument")


@pytest.mark.parametrize("number", ["0", "-1", "10001", "x", ""])
def test_part_numbers(server, s3, bucket, number):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    status, _, body = raw(server, "PUT", f"/{bucket}/k?partNumber={number}&uploadId={upload}", body=b"x")
    assert (status, code_of(body)) == (400, "InvalidArgument")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, _, body = raw(server, "GET", f"/{bucket}/k?partNumber={number}")
    assert (status, code_of(body)) == (400, "InvalidArgument")


def test_a_range_and_a_part_are_one_too_many(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    status, _, body = raw(server, "GET", f"/{bucket}/k?partNumber=1", {"Range": "bytes=0-0"})
    assert (status, code_of(body)) == (400, "InvalidRequest")


def test_two_sub_resources_are_one_too_many(server, bucket):
    status, _, body = raw(server, "GET", f"/{bucket}?acl&policy")
    assert (status, code_of(body)) == (400, "InvalidArgument")
    # An unknown one is no sub-resource.
    assert raw(server, "GET", f"/{bucket}?nonsense")[0] == 200


@pytest.mark.parametrize("method, path", [("DELETE", "/{}/k?policy"), ("POST", "/{}?acl"), ("PUT", "/{}?location"), ("DELETE", "/{}?logging"),
                                          ("PUT", "/{}/k?website"), ("PATCH", "/{}/k")])
def test_sub_resources_without_the_method(server, bucket, method, path):
    status, _, body = raw(server, method, path.format(bucket))
    assert (status, code_of(body)) == (405, "MethodNotAllowed")


def test_a_body_needs_a_length(server, bucket):
    import socket

    from helpers import signed

    headers = signed(server, "PUT", f"/{bucket}/k")
    text = f"PUT /{bucket}/k HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    with server.socket() as connection:
        connection.sendall(text.encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 411") and b"MissingContentLength" in answer


def test_digests_of_objects(server, bucket):
    for digest, code in (("AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"), ("AAAA", "InvalidDigest"), ("", "InvalidDigest")):
        status, _, body = raw(server, "PUT", f"/{bucket}/k", {"Content-MD5": digest}, body=b"x")
        assert (status, code_of(body)) == (400, code)


def delete_body(count, extra=b""):
    return b"<Delete>" + extra + b"".join(b"<Object><Key>k%d</Key></Object>" % i for i in range(count)) + b"</Delete>"


@pytest.mark.parametrize("body", [delete_body(0), delete_body(1001), delete_body(1, b"<Nonsense/>"), b"<Delete><Object/></Delete>", b"x"])
def test_bad_lists_of_deletions(server, bucket, body):
    status, _, answer = raw(server, "POST", f"/{bucket}?delete", md5(body), body=body)
    assert (status, code_of(answer)) == (400, "MalformedXML")


def test_a_thousand_deletions_with_a_digest(server, bucket):
    body = delete_body(1000)
    status, _, answer = raw(server, "POST", f"/{bucket}?delete", md5(body), body=body)
    assert status == 200 and answer.count(b"<Deleted>") == 1000
    status, _, answer = raw(server, "POST", f"/{bucket}?delete", body=body)
    assert (status, code_of(answer)) == (400, "InvalidRequest")


def test_lists_of_parts(server, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]

    def complete(parts):
        body = b"<CompleteMultipartUpload>" + parts + b"</CompleteMultipartUpload>"
        status, _, answer = raw(server, "POST", f"/{bucket}/k?uploadId={upload}", body=body)
        return status, code_of(answer)

    def part(number):
        return b"<Part><PartNumber>%d</PartNumber><ETag>x</ETag></Part>" % number

    assert complete(b"") == (400, "MalformedXML")
    assert complete(part(2) + part(1)) == (400, "InvalidPartOrder")
    assert complete(part(1)) == (400, "InvalidPart")
    assert complete(b"<Part><PartNumber>1</PartNumber></Part>") == (400, "MalformedXML")
    assert complete(part(10001)) == (400, "InvalidArgument")


def test_headers_that_make_no_sense(server, bucket):
    for headers, code in (({"x-amz-storage-class": "NONSENSE"}, "InvalidStorageClass"), ({"x-amz-checksum-crc32": "!"}, "InvalidRequest"),
                          ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "AAAA"}, "InvalidRequest"),
                          ({"x-amz-checksum-nonsense": "AAAA"}, "InvalidRequest"), ({"x-amz-acl": "nonsense"}, "InvalidArgument")):
        status, _, body = raw(server, "PUT", f"/{bucket}/k", headers, body=b"x")
        assert (status, code_of(body)) == (400, code), headers


@pytest.mark.parametrize("head, status, code", [
    (b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "BadRequest"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "BadRequest"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n", 400, "RequestHeaderSectionTooLarge"),
    (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "NotImplemented"),
])
def test_what_is_no_request_gets_the_error_document(server, head, status, code):
    import socket
    with server.socket(10) as connection:
        # What comes behind the limit may meet a closed connection.
        with contextlib.suppress(ConnectionError):
            connection.sendall(head)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    fields, _, body = answer.partition(b"\r\n\r\n")
    assert fields.startswith(b"HTTP/1.1 %d " % status), fields
    assert b"application/xml" in fields and b"x-amz-request-id" in fields and b"Connection: close" in fields
    assert code_of(body) == code and b"<RequestId>" in body


@pytest.mark.parametrize("key", ["\uffff", "\ufffe", "\x01", "a\x1fb", "\x7f", "tab\tand\r\n"])
def test_errors_are_readable_whatever_the_key(server, bucket, key):
    """XML 1.0 can't have some characters, and an error document shows the key."""
    status, _, body = raw(server, "GET", f"/{bucket}/{urllib.parse.quote(key)}")
    assert status == 404
    found = xml.etree.ElementTree.fromstring(body).findtext("Key")
    assert found == "".join("\ufffd" if c in "\uffff\ufffe\x01\x1f" else c for c in key)


def test_listings_of_such_keys_are_readable_when_encoded(s3, server, bucket):
    keys = ["\x01", "\ufffe", "\uffff", "\ufffd", "\uff5e"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    status, _, body = raw(server, "GET", f"/{bucket}?list-type=2&encoding-type=url")
    assert status == 200
    found = [e.text for e in xml.etree.ElementTree.fromstring(body).iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key")]
    assert [urllib.parse.unquote(key) for key in found] == sorted(keys, key=lambda key: key.encode())
    assert b"&#xffff;" in raw(server, "GET", f"/{bucket}?list-type=2")[2]
