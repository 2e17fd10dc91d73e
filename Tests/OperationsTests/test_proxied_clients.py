"""Unmodified clients through nginx with Deploy/nginx.conf: by path and by virtual host, with and without TLS, with and without buffering."""

import random
import shutil
import socket
import subprocess
import sys
import types

import pytest

from clients import Clients
from martlet_server import ROOT
from test_command import until

DOMAIN = "s3.proxied.test"
BUCKETS = ("aws", "boto3", "rclone", "s5cmd", "restic", "minio-py")

# What boto3 and minio-py do, in a process of their own: names are resolved by the hosts file of its mount namespace.
PYTHON = """
import io, os, sys
import boto3, urllib3
from botocore.config import Config
from minio import Minio
endpoint, style, path = sys.argv[1:]
data = open(path, "rb").read()
s3 = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": style}))
s3.create_bucket(Bucket="boto3")
s3.upload_file(path, "boto3", "dir/a b+c")
s3.put_object(Bucket="boto3", Key="dir//x%2Fy", Body=data[:70000], Metadata={"under_score": "v"})
assert s3.get_object(Bucket="boto3", Key="dir/a b+c")["Body"].read() == data
assert s3.get_object(Bucket="boto3", Key="dir//x%2Fy", Range="bytes=5-65000")["Body"].read() == data[5:65001]
assert [o["Key"] for o in s3.list_objects_v2(Bucket="boto3")["Contents"]] == ["dir//x%2Fy", "dir/a b+c"]
http = urllib3.PoolManager()
url = s3.generate_presigned_url("get_object", Params={"Bucket": "boto3", "Key": "dir/a b+c"})
assert http.request("GET", url).data == data
scheme, host = endpoint.split("://")
minio = Minio(host, access_key=os.environ["AWS_ACCESS_KEY_ID"], secret_key=os.environ["AWS_SECRET_ACCESS_KEY"], secure=scheme == "https")
if style == "virtual":
    minio.enable_virtual_style_endpoint()
minio.make_bucket("minio-py")
minio.put_object("minio-py", "k", io.BytesIO(data), len(data), part_size=5 << 20)
assert minio.get_object("minio-py", "k").read() == data
assert [o.object_name for o in minio.list_objects("minio-py")] == ["k"]
"""


@pytest.fixture
def front(new_server, tmp_path):
    """Starts nginx before a server; gives clients the front as if it were the server."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost " + " ".join([DOMAIN, *(f"{bucket}.{DOMAIN}" for bucket in BUCKETS)]) + "\n")
    in_namespace = ["unshare", "-m", "sh", "-c", f"mount --bind {hosts} /etc/hosts && exec \"$@\"", "sh"]
    if subprocess.run([*in_namespace, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace: names can't be given addresses")
    started = []

    def start(tls, buffering):
        server = new_server(drives=2, tls=tls, environment={"MARTLET_DOMAIN": DOMAIN}).start()
        if tls:
            server.make_certificate(DOMAIN, f"*.{DOMAIN}", "127.0.0.1")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        text = (ROOT / "Deploy/nginx.conf").read_text().replace("127.0.0.1:9000", f"127.0.0.1:{server.port}")
        pairs = f"ssl_certificate {server.certs}/public.crt; ssl_certificate_key {server.certs}/private.key;" if tls else ""
        text = text.replace("listen 80;", f"listen 127.0.0.1:{port}{' ssl' if tls else ''}; {pairs}")
        if tls:
            text = text.replace("proxy_pass http://", "proxy_pass https://")
        if buffering:
            text = text.replace("buffering off", "buffering on")
        own = "\n".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off;\n{own}\n{text}}}\n")
        nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(tmp_path / "nginx.conf")])
        started.append(nginx)

        def listens():
            assert nginx.poll() is None, (tmp_path / "error.log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until(listens, "nginx does not listen")
        clients = Clients(types.SimpleNamespace(endpoint=f"{server.scheme}://{DOMAIN}:{port}", authority=server.authority, certs=server.certs, port=port),
                          tmp_path)
        clients.launcher = in_namespace
        return clients

    yield start
    for nginx in started:
        nginx.terminate()
        nginx.wait(20)


@pytest.mark.parametrize("style, tls, buffering", [
    ("path", False, False), ("path", True, True), ("virtual", False, True), ("virtual", True, False),
])
def test_clients_through_nginx(front, tmp_path, style, tls, buffering):
    clients = front(tls, buffering)
    source = tmp_path / "source"
    source.mkdir()
    chance = random.Random(9)
    (source / "large").write_bytes(chance.randbytes(9_000_000))
    (source / "sp ace+plus").write_bytes(chance.randbytes(3_000))
    config = tmp_path / "aws-config"
    config.write_text(f"[default]\ns3 =\n  addressing_style = {style}\n")
    clients.environment["AWS_CONFIG_FILE"] = str(config)
    clients.environment["RCLONE_CONFIG_M_FORCE_PATH_STYLE"] = str(style == "path").lower()

    clients.aws("s3", "mb", "s3://aws")
    clients.aws("s3", "sync", source, "s3://aws/dir", "--only-show-errors")
    clients.aws("s3", "sync", "s3://aws/dir", tmp_path / "aws", "--only-show-errors")
    clients.rclone("mkdir", "m:rclone")
    clients.rclone("sync", source, "m:rclone/dir")
    clients.rclone("check", "--download", source, "m:rclone/dir")
    clients.s5cmd("mb", "s3://s5cmd")
    clients.s5cmd("cp", f"{source}/", "s3://s5cmd/dir/")
    clients.s5cmd("cp", "s3://s5cmd/dir/*", f"{tmp_path}/s5cmd/")
    clients.aws("s3", "mb", "s3://restic")
    options = ["-o", f"s3.bucket-lookup={'path' if style == 'path' else 'dns'}"]
    clients.restic("restic", *options, "init")
    clients.restic("restic", *options, "backup", source)
    clients.restic("restic", *options, "check", "--read-data")
    for name in ("aws", "s5cmd"):
        for path in source.iterdir():
            assert (tmp_path / name / path.name).read_bytes() == path.read_bytes(), (name, path)
    script = tmp_path / "script.py"
    script.write_text(PYTHON)
    clients._run(sys.executable, [script, clients.server.endpoint, style, source / "large"], 0, 120)
