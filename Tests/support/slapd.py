"""OpenLDAP's slapd as the user who runs the tests, on loopback, with TLS."""

import pathlib
import shutil
import socket
import subprocess
import time

BINARY = pathlib.Path("/usr/sbin/slapd")
BASE = "dc=example,dc=com"

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
# No password travels in the clear.
security simple_bind=128
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
rootpw admin-secret
directory {directory}/database
maxsize 10485760
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Directory:
    def __init__(self, directory, authority, certificate, key, entries):
        self.directory = directory
        (directory / "database").mkdir(parents=True)
        self.configuration = directory / "slapd.conf"
        self.configuration.write_text(CONFIGURATION.format(directory=directory, authority=authority, certificate=certificate, key=key, base=BASE))
        # A copy, because a profile of the system may bind the original to the system's own directories.
        self.binary = directory / "slapd"
        shutil.copy(BINARY, self.binary)
        self.plain, self.secure = free_port(), free_port()
        subprocess.run(["slapadd", "-f", self.configuration], executable=self.binary, input=entries.encode(), check=True, capture_output=True)

    def start(self, plain=True, secure=True):
        urls = [f"ldap://127.0.0.1:{self.plain}"] * plain + [f"ldaps://127.0.0.1:{self.secure}"] * secure
        with open(self.directory / "slapd.log", "ab") as log:
            self.process = subprocess.Popen([self.binary, "-f", self.configuration, "-h", " ".join(urls), "-d", "0"], stdout=log, stderr=log)
        for port in [self.plain] * plain + [self.secure] * secure:
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert self.process.poll() is None and time.monotonic() < deadline, (self.directory / "slapd.log").read_text()
                    time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()
