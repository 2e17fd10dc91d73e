"""The files in Deploy do what their pages say."""

import re
import shutil
import socket
import subprocess

import boto3
import pytest
from botocore.config import Config

from exercise import exercise
from martlet_server import ACCESS_KEY, ROOT, SECRET_KEY
from test_command import until


@pytest.fixture
def proxied(new_server, tmp_path):
    """A boto3 client that talks to nginx with Deploy/nginx.conf, and nginx to a server."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    server = new_server(drives=2).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (ROOT / "Deploy/nginx.conf").read_text()
    text = text.replace("127.0.0.1:9000", f"127.0.0.1:{server.port}").replace("listen 80;", f"listen 127.0.0.1:{port};")
    assert str(port) in text and str(server.port) in text
    own = "\n".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{own}\n{text}}}\n")
    nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(tmp_path / "nginx.conf")])

    def listens():
        assert nginx.poll() is None, (tmp_path / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, "nginx does not listen")
    yield boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                       aws_secret_access_key=SECRET_KEY, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))
    nginx.terminate()
    nginx.wait(20)
    assert server.stop() == 0


def test_s3_works_behind_nginx(proxied):
    exercise(proxied)
    # Keys that a proxy likes to tidy up.
    for key in ("a//b", "a%2Fb", "sp ace+plus", "ümlaut/日本", "trailing/", "semi;colon&and=is"):
        proxied.put_object(Bucket="exercise", Key=key, Body=key.encode(), Metadata={"under_score": "x" * 1500})
        answer = proxied.get_object(Bucket="exercise", Key=key)
        assert answer["Body"].read() == key.encode() and answer["Metadata"] == {"under_score": "x" * 1500}, key
    url = proxied.generate_presigned_url("get_object", Params={"Bucket": "exercise", "Key": "a//b"})
    assert subprocess.run(["curl", "-fsS", url], capture_output=True, check=True).stdout == b"a//b"


def test_the_unit_starts_the_command_that_exists():
    unit = (ROOT / "Deploy/martlet.service").read_text()
    assert re.search(r"^ExecStart=/usr/local/bin/martlet server ", unit, re.M)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(ROOT / "Deploy/martlet.service")], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "martlet.service" in line and "not executable" not in line]
    assert not complaints, done.stderr
