"""Tenants of a test server, made by `martlet admin tenant`, and clients with their credentials."""

import itertools
import shutil

import boto3
from admin import admin
from botocore.config import Config

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
