"""Unmodified command-line clients, run against a server: each gets the endpoint and the credentials the way its users give them."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from martlet_server import ACCESS_KEY, SECRET_KEY


def tree(root):
    """What is in a directory: relative path → SHA-256 of the bytes. Links are passed over, as the clients do."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as file:
                found[path.relative_to(root).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


class Clients:
    def __init__(self, server, home):
        self.server = server
        self.home = pathlib.Path(home)
        # A program that starts clients in surroundings of its own.
        self.launcher = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "RCLONE_", "RESTIC_"))}
        self.environment.update(
            HOME=str(home), AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1",
            AWS_ENDPOINT_URL=server.endpoint, AWS_CONFIG_FILE=str(self.home / "none"), S3_ENDPOINT_URL=server.endpoint,
            RCLONE_CONFIG=str(self.home / "none"), RCLONE_CONFIG_M_TYPE="s3", RCLONE_CONFIG_M_PROVIDER="Other",
            RCLONE_CONFIG_M_ENV_AUTH="true", RCLONE_CONFIG_M_ENDPOINT=server.endpoint, RCLONE_CONFIG_M_REGION="us-east-1",
            **self._trust(server.authority),
            RESTIC_PASSWORD="a password", RESTIC_CACHE_DIR=str(self.home / "cache"))

    @staticmethod
    def _trust(authority):
        names = ("AWS_CA_BUNDLE", "RCLONE_CA_CERT", "RESTIC_CACERT", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        return dict.fromkeys(names, authority) if authority else {}

    def _run(self, program, arguments, status, timeout, directory=None):
        found = pathlib.Path(sys.executable).parent / program
        command = [*self.launcher, str(found if found.exists() else shutil.which(program) or program), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=timeout, cwd=directory)
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def aws(self, *arguments, status=0, timeout=3600):
        return self._run("aws", arguments, status, timeout)

    def s5cmd(self, *arguments, status=0, timeout=3600):
        return self._run("s5cmd", arguments, status, timeout)

    def rclone(self, *arguments, status=0, timeout=3600):
        return self._run("rclone", arguments, status, timeout)

    def restic(self, bucket, *arguments, status=0, timeout=3600):
        return self._run("restic", ["-r", f"s3:{self.server.endpoint}/{bucket}/repository", *arguments], status, timeout)

    def s3cmd(self, *arguments, status=0, timeout=3600):
        options = [f"--host=127.0.0.1:{self.server.port}", f"--host-bucket=127.0.0.1:{self.server.port}",
                   f"--ca-certs={self.server.authority}" if self.server.certs else "--no-ssl",
                   f"--access_key={ACCESS_KEY}", f"--secret_key={SECRET_KEY}", "--config=" + os.devnull]
        return self._run("s3cmd", [*options, *arguments], status, timeout)

    def curl(self, *arguments, status=0, timeout=3600):
        return self._run("curl", ["-sS", "--fail-with-body", *arguments], status, timeout)
