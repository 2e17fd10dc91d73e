"""Tenants of a test server, made by `martlet admin tenant`, and clients with their credentials."""

import itertools
import shutil

import boto3
from admin import admin
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

_names = itertools.count()


class Tenant:
    """One tenant and its root credentials."""

    def __init__(self, server, name=None, hosts=(), limits=()):
        self.server = server
        self.name = name or f"tenant-{next(_names)}"
        arguments = [*(word for host in hosts for word in ("--host", host)), *limits]
        self.made = admin(server, "tenant", "create", self.name, *arguments)
        account = self.made["Account"]
        self.number, self.id = account["Number"], account["Id"]
        self.access_key, self.secret_key = account["AccessKeys"][0], account["SecretKey"]

    def s3(self, **options):
        return self.server.client(access_key=self.access_key, secret_key=self.secret_key, **options)

    def call(self, service, region="us-east-1", access_key=None, secret_key=None, token=None):
        return boto3.client(service, endpoint_url=self.server.endpoint, region_name=region, verify=self.server.authority,
                            aws_access_key_id=access_key or self.access_key,
                            aws_secret_access_key=secret_key or self.secret_key, aws_session_token=token,
                            config=Config(retries={"max_attempts": 0}))

    def set(self, *arguments):
        return admin(self.server, "tenant", "set", self.name, *arguments)

    def show(self):
        return admin(self.server, "tenant", "show", self.name)

    def suspend(self):
        admin(self.server, "tenant", "suspend", self.name)

    def resume(self):
        admin(self.server, "tenant", "resume", self.name)


def own_certificate(server, name, *hosts):
    """A certificate for `hosts` in a sub-directory of the server's, made by the same authority. Before the start."""
    directory = server.certs / name
    directory.mkdir()
    for part in ("ca.crt", "ca.key"):
        shutil.copy(server.certs / part, directory / part)
    server.make_certificate(*hosts, directory=directory)


def pair(tenant):
    return tenant.access_key, tenant.secret_key


def at(server, host, path, access=None, method="GET", body=None, headers=None):
    """(status, headers, body) of a request to a host, signed with the pair `access`, or not signed."""
    headers = {"Host": f"{host}:{server.port}", **(headers or {})}
    if access:
        request = AWSRequest(method, f"{server.scheme}://{host}:{server.port}{path}", headers=dict(headers), data=body or b"")
        S3SigV4Auth(Credentials(*access), "s3", "us-east-1").add_auth(request)
        headers.update(request.headers.items())
    connection = server.connect()
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, data
