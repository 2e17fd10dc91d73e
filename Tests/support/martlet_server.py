"""Starts and stops the real server for tests: four local drives, loopback, free ports, credentials from the environment."""

import atexit
import functools
import http.client
import os
import pathlib
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MARTLET_BINARY", ROOT / ".build" / "release" / "martlet"))
ACCESS_KEY = "conformance-key"
SECRET_KEY = "conformance-secret"
# With it every server speaks TLS, and every suite its tests.
TLS = os.environ.get("MARTLET_TEST_TLS") == "1"


@functools.cache
def _authority():
    """The authority of all servers of a run, which clients made by the tests themselves trust too."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="martlet-authority-"))
    atexit.register(shutil.rmtree, directory, True)
    subprocess.run([str(BINARY), "certs", str(directory)], check=True, capture_output=True)
    if TLS:
        os.environ["AWS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = str(directory / "ca.crt")
    return directory


class Server:
    """One server process. `drives` are directories; the same object can be stopped, killed and started again."""

    def __init__(self, directory, drives=4, environment=None, arguments=(), launcher=(), tls=TLS):
        self.directory = pathlib.Path(directory)
        self.drives = [self.directory / f"drive{i + 1}" for i in range(drives)]
        for drive in self.drives:
            drive.mkdir(parents=True, exist_ok=True)
        self.environment = environment or {}
        self.arguments = list(arguments)
        # A program that starts the server in surroundings of its own, and becomes it.
        self.launcher = list(launcher)
        self.process = None
        self.port = None
        self.ops_port = None
        self.log_path = self.directory / "server.log"
        self.certs = None
        if tls:
            self.certs = self.directory / "certs"
            self.certs.mkdir()
            for part in ("ca.crt", "ca.key"):
                shutil.copy(_authority() / part, self.certs / part)
            self.make_certificate()

    def make_certificate(self, *names, directory=None):
        """By the local authority, for localhost unless names are given."""
        subprocess.run([str(BINARY), "certs", str(directory or self.certs), *names], check=True, capture_output=True)

    @property
    def authority(self):
        return str(self.certs / "ca.crt") if self.certs else None

    @property
    def scheme(self):
        return "https" if self.certs else "http"

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self, timeout=60):
        environment = dict(os.environ)
        for name in list(environment):
            if name.startswith(("MARTLET_", "AWS_")):
                del environment[name]
        environment.update(MARTLET_ROOT_USER=ACCESS_KEY, MARTLET_ROOT_PASSWORD=SECRET_KEY)
        environment.update(self.environment)
        if self.certs:
            environment.setdefault("MARTLET_CERTS_DIR", str(self.certs))
        command = [*self.launcher, str(BINARY), "server", "--address", f"127.0.0.1:{self.port or 0}", "--ops-address", "127.0.0.1:0",
                   "--state-dir", str(self.directory / "state"), *self.arguments, *map(str, self.drives)]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        log.close()
        self._await_ports(time.monotonic() + timeout)
        return self

    def _await_ports(self, deadline):
        """The server prints "S3 on http://…" (or https) and "Ops on http://…" once it listens."""
        text = b""
        found = {}
        while len(found) < 2:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise RuntimeError(f"the server did not start: {text.decode()}\n{self.log()}")
            text += chunk
            for line in text.decode().splitlines():
                for name in ("S3 on http", "Ops on http"):
                    if line.startswith((name + "://", name + "s://")) and text.endswith(b"\n"):
                        found[name] = int(line.rsplit(":", 1)[1].strip("/ "))
        self.port, self.ops_port = found["S3 on http"], found["Ops on http"]

    def log(self):
        return self.log_path.read_text(errors="replace")[-8000:]

    def stop(self, timeout=60):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.process.stdout.close()
        return status

    def kill(self):
        """SIGKILL, as a power cut of the process."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def ops(self, path):
        """(status, body) of a GET on the ops address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ops_port, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    def connect(self, timeout=30):
        """An http.client connection to the S3 port."""
        if self.certs:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.trust())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def socket(self, timeout=30):
        """A socket to the S3 port, under TLS where the server speaks it."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return self.trust().wrap_socket(plain, server_hostname="127.0.0.1") if self.certs else plain

    def trust(self):
        return ssl.create_default_context(cafile=self.authority)

    def client(self, **options):
        import boto3
        from botocore.config import Config

        config = dict(signature_version="s3v4", retries={"max_attempts": 0, "mode": "standard"}, s3={"addressing_style": "path"},
                      connect_timeout=10, read_timeout=60, max_pool_connections=64)
        config.update(options.pop("config", {}))
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", verify=self.authority,
                            aws_access_key_id=options.pop("access_key", ACCESS_KEY),
                            aws_secret_access_key=options.pop("secret_key", SECRET_KEY),
                            config=Config(**config), **options)
