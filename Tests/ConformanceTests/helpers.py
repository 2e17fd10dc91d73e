"""Small helpers: what an error says, and requests that no SDK would send."""

import contextlib
import datetime
import hashlib
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

from martlet_server import ACCESS_KEY, SECRET_KEY


@contextlib.contextmanager
def refused(code, status=None):
    """The block raises a ClientError with that code (and status)."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    if status is not None:
        assert error["ResponseMetadata"]["HTTPStatusCode"] == status, error


def signed(server, method, path, headers=None, body=b"", payload="UNSIGNED-PAYLOAD", access=ACCESS_KEY, secret=SECRET_KEY,
           region="us-east-1"):
    """Headers of a SigV4-signed request for a raw connection."""
    request = botocore.awsrequest.AWSRequest(method, server.endpoint + path, data=b"", headers=headers or {})
    request.headers["X-Amz-Content-SHA256"] = payload
    request.context["payload_signing_enabled"] = False
    credentials = botocore.credentials.Credentials(access, secret)
    auth = _Auth(credentials, "s3", region, payload)
    auth.add_auth(request)
    result = dict(request.headers.items())
    result["Host"] = f"127.0.0.1:{server.port}"
    return result


class _Auth(botocore.auth.S3SigV4Auth):
    def __init__(self, credentials, service, region, payload):
        super().__init__(credentials, service, region)
        self._payload = payload

    def payload(self, request):
        return self._payload


def raw(server, method, path, headers=None, body=None, sign=True, **options):
    """(status, headers, body) of one request sent as it is."""
    headers = dict(headers or {})
    if sign:
        headers = signed(server, method, path, headers, **options)
    connection = server.connect()
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    if body is not None and not any(name.lower() in ("content-length", "transfer-encoding") for name in headers):
        headers["Content-Length"] = str(len(body))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    if body:
        connection.send(body)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, data


def code_of(body):
    """The Code of an error document."""
    text = body.decode()
    return text.split("<Code>")[1].split("</Code>")[0]


def md5_etag(data):
    return '"' + hashlib.md5(data).hexdigest() + '"'
