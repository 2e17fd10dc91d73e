import datetime
import hashlib
import hmac
import time
import urllib.request
import urllib.error

import pytest

from helpers import code_of, raw, refused, signed
from martlet_server import ACCESS_KEY, SECRET_KEY


def test_anonymous_requests_are_denied(server, bucket):
    for method, path in (("GET", "/"), ("GET", f"/{bucket}"), ("GET", f"/{bucket}/k"), ("PUT", f"/{bucket}/k")):
        status, _, body = raw(server, method, path, sign=False, body=b"" if method == "PUT" else None)
        assert (status, code_of(body)) == (403, "AccessDenied"), (method, path)


def test_a_wrong_secret_and_an_unknown_key(server):
    with refused("SignatureDoesNotMatch", 403):
        server.client(secret_key="wrong-secret").list_buckets()
    with refused("InvalidAccessKeyId", 403):
        server.client(access_key="unknown").list_buckets()


def test_a_wrong_region_names_the_right_one(server, bucket):
    status, _, body = raw(server, "GET", f"/{bucket}", region="eu-west-9")
    assert (status, code_of(body)) == (400, "AuthorizationHeaderMalformed")
    assert b"<Region>us-east-1</Region>" in body


def test_a_changed_header_or_path_breaks_the_signature(server, bucket):
    headers = signed(server, "PUT", f"/{bucket}/k", {"x-amz-meta-a": "1"})
    headers["x-amz-meta-a"] = "2"
    status, _, body = raw(server, "PUT", f"/{bucket}/k", headers, body=b"", sign=False)
    assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")
    headers = signed(server, "PUT", f"/{bucket}/k")
    status, _, body = raw(server, "PUT", f"/{bucket}/other", headers, body=b"", sign=False)
    assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")


def test_an_old_request_is_refused(server, bucket, monkeypatch):
    import botocore.auth

    class Past(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - datetime.timedelta(minutes=20)

        @classmethod
        def utcnow(cls):
            return super().utcnow() - datetime.timedelta(minutes=20)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: datetime.datetime.utcnow() - datetime.timedelta(minutes=20))
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Past)
    headers = signed(server, "GET", f"/{bucket}")
    status, _, body = raw(server, "GET", f"/{bucket}", headers, sign=False)
    assert (status, code_of(body)) == (403, "RequestTimeTooSkewed")


def test_presigned_urls(server, s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a key"}, ExpiresIn=60)
    assert urllib.request.urlopen(urllib.request.Request(url, data=b"presigned", method="PUT")).status == 200
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a key", "ResponseContentType": "x/y"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"presigned" and answer.headers["Content-Type"] == "x/y"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("a%20key", "other"))
    assert caught.value.code == 403 and code_of(caught.value.read()) == "SignatureDoesNotMatch"


def test_an_expired_presigned_url(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    deadline = time.monotonic() + 20
    while True:
        # Until the URL's own second has passed the answer is 200.
        try:
            urllib.request.urlopen(url).read()
        except urllib.error.HTTPError as error:
            text = error.read()
            assert error.code == 403 and code_of(text) == "AccessDenied" and b"Request has expired" in text
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_presigned_expiry_is_at_most_a_week(server, s3, bucket):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=604801)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url)
    assert code_of(caught.value.read()) == "AuthorizationQueryParametersError"


def test_a_wrong_payload_hash_stores_nothing(server, s3, bucket):
    status, _, body = raw(server, "PUT", f"/{bucket}/k", body=b"data", payload=hashlib.sha256(b"other").hexdigest())
    assert (status, code_of(body)) == (400, "XAmzContentSHA256Mismatch")
    status, _, _ = raw(server, "PUT", f"/{bucket}/k", body=b"data", payload=hashlib.sha256(b"data").hexdigest())
    assert status == 200


def _key(date, region="us-east-1"):
    key = ("AWS4" + SECRET_KEY).encode()
    for piece in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, piece.encode(), hashlib.sha256).digest()
    return key


def _chunked(headers, chunks, trailer=None, spoil=False):
    """The body of a STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER) upload, by the documented algorithm."""
    stamp = headers["X-Amz-Date"]
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    previous = headers["Authorization"].split("Signature=")[1]
    empty = hashlib.sha256(b"").hexdigest()
    body = b""
    for chunk in [*chunks, b""]:
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, empty, hashlib.sha256(chunk).hexdigest()])
        previous = hmac.new(_key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        shown = previous if not spoil else "0" * 64
        body += f"{len(chunk):x};chunk-signature={shown}\r\n".encode() + chunk + (b"\r\n" if chunk or trailer is None else b"")
    if trailer is not None:
        text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", stamp, scope, previous, hashlib.sha256((trailer + "\n").encode()).hexdigest()])
        signature = hmac.new(_key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        body += f"{trailer}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()
    return body


@pytest.mark.parametrize("spoil", [False, True])
def test_signed_chunks(server, s3, bucket, spoil):
    chunks = [b"a" * 65536, b"b" * 65536, b"c" * 1000]
    size = sum(map(len, chunks))
    headers = signed(server, "PUT", f"/{bucket}/k", {"x-amz-decoded-content-length": str(size), "Content-Encoding": "aws-chunked"},
                     payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    status, _, body = raw(server, "PUT", f"/{bucket}/k", headers, body=_chunked(headers, chunks, spoil=spoil), sign=False)
    if spoil:
        assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")
        return
    assert status == 200, body
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(chunks) and "ContentEncoding" not in got


@pytest.mark.parametrize("right", [True, False])
def test_signed_chunks_with_a_trailer(server, s3, bucket, right):
    import base64
    import zlib

    chunks = [b"a" * 65536, b"c" * 1000]
    data = b"".join(chunks)
    checksum = base64.b64encode(zlib.crc32(data if right else b"other").to_bytes(4, "big")).decode()
    headers = signed(server, "PUT", f"/{bucket}/k", {"x-amz-decoded-content-length": str(len(data)), "Content-Encoding": "aws-chunked",
                                                     "x-amz-trailer": "x-amz-checksum-crc32"},
                     payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
    body = _chunked(headers, chunks, trailer=f"x-amz-checksum-crc32:{checksum}")
    status, _, answer = raw(server, "PUT", f"/{bucket}/k", headers, body=body, sign=False)
    if right:
        assert status == 200, answer
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data
    else:
        assert (status, code_of(answer)) == (400, "BadDigest")


def test_unsigned_chunks_with_a_trailer(server, s3, bucket):
    import base64
    import zlib

    data = b"z" * 10_000
    checksum = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    headers = signed(server, "PUT", f"/{bucket}/k", {"x-amz-decoded-content-length": str(len(data)), "Content-Encoding": "aws-chunked,gzip",
                                                     "x-amz-trailer": "x-amz-checksum-crc32"}, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    body = f"{len(data):x}\r\n".encode() + data + f"\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
    status, _, answer = raw(server, "PUT", f"/{bucket}/k", headers, body=body, sign=False)
    assert status == 200, answer
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data and got["ContentEncoding"] == "gzip"


def test_continue_is_sent_only_after_authorisation(server, bucket):
    def expect(headers):
        with server.socket(10) as connection:
            lines = [f"PUT /{bucket}/k HTTP/1.1", "Content-Length: 5", "Expect: 100-continue"] + [f"{k}: {v}" for k, v in headers.items()]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            first = connection.recv(65536)
            if first.startswith(b"HTTP/1.1 100"):
                connection.sendall(b"hello")
                return first, connection.recv(65536)
            return first, b""

    first, second = expect(signed(server, "PUT", f"/{bucket}/k"))
    assert first.startswith(b"HTTP/1.1 100") and second.startswith(b"HTTP/1.1 200")
    first, _ = expect(signed(server, "PUT", f"/{bucket}/k", secret="wrong"))
    assert first.startswith(b"HTTP/1.1 403")


def test_version_two(server, bucket):
    client = server.client(config={"signature_version": "s3"})
    client.put_object(Bucket=bucket, Key="a +ü/ b", Body=b"old", Metadata={"x": "y"}, ContentType="text/plain")
    got = client.get_object(Bucket=bucket, Key="a +ü/ b", ResponseContentType="text/html; a=b")
    assert got["Body"].read() == b"old" and got["ContentType"] == "text/html; a=b" and got["Metadata"] == {"x": "y"}
    assert client.list_objects_v2(Bucket=bucket, Prefix="a ")["KeyCount"] == 1
    upload = client.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    part = client.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"z")
    client.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    with refused("SignatureDoesNotMatch", 403):
        server.client(config={"signature_version": "s3"}, secret_key="wrong").list_objects_v2(Bucket=bucket)
    with refused("InvalidAccessKeyId", 403):
        server.client(config={"signature_version": "s3"}, access_key="unknown").list_objects_v2(Bucket=bucket)


def test_version_two_presigned(server, bucket):
    client = server.client(config={"signature_version": "s3"})
    put = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k e+y"}, ExpiresIn=60)
    assert "AWSAccessKeyId" in put
    path = put[len(server.endpoint):]
    assert raw(server, "PUT", path, body=b"data", sign=False)[0] == 200
    get = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k e+y", "ResponseContentType": "a/b"}, ExpiresIn=60)
    status, headers, body = raw(server, "GET", get[len(server.endpoint):], sign=False)
    assert (status, body, headers["content-type"]) == (200, b"data", "a/b")
    assert raw(server, "DELETE", get[len(server.endpoint):], sign=False)[0] == 403
    expired = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k e+y"}, ExpiresIn=-5)
    status, _, body = raw(server, "GET", expired[len(server.endpoint):], sign=False)
    assert status == 403 and b"Request has expired" in body
