"""HTTPS: certificates, versions, names, renewal under traffic, and what is no TLS at all."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import boto3
import botocore.exceptions
import pytest
from admin import admin
from clients import Clients
from helpers import raw, signed
from martlet_server import ACCESS_KEY, BINARY, SECRET_KEY, Server

REQUESTS = int(os.environ.get("MARTLET_TLS_REQUESTS", 1_000))
SWAPS = int(os.environ.get("MARTLET_TLS_SWAPS", 5))


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tls"), drives=2, tls=True,
                    environment={"MARTLET_HEAD_TIMEOUT_SECONDS": "2", "MARTLET_OPS_TLS": "off"})
    server.make_certificate("other.example", "*.wild.example", directory=_own(server.certs, "other"))
    yield server.start()
    assert server.stop() == 0, server.log()


@pytest.fixture
def new_secure(tmp_path):
    made = []

    def make(environment=None, **options):
        server = Server(tmp_path / f"server{len(made)}", drives=1, tls=options.pop("tls", True), environment=environment, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        if server.running:
            server.kill()


def _own(certs, name):
    """A sub-directory whose certificate is made by the same authority."""
    directory = certs / name
    directory.mkdir()
    for part in ("ca.crt", "ca.key"):
        shutil.copy(certs / part, directory / part)
    return directory


def handshake(server, name="127.0.0.1", configure=lambda context: None, session=None):
    """A connected TLS socket; the caller closes it."""
    context = server.trust()
    configure(context)
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    try:
        return context.wrap_socket(plain, server_hostname=name, session=session)
    except BaseException:
        plain.close()
        raise


def get_root(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def openssl(directory, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=directory)


def expired(certs):
    """Replaces the certificate by one that has just expired."""
    openssl(certs, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "new.key", "-out", "new.csr",
            "-subj", "/CN=localhost")
    (certs / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(certs, "x509", "-req", "-in", "new.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "0", "-extfile", "names",
            "-out", "new.crt")
    os.replace(certs / "new.key", certs / "private.key")
    os.replace(certs / "new.crt", certs / "public.crt")


# Data


def test_objects_of_every_size_come_back_whole(secure):
    s3 = secure.client()
    s3.create_bucket(Bucket="sizes")
    chance = random.Random(7)
    for size in (0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_003, 24_000_001):
        body = chance.randbytes(size)
        s3.put_object(Bucket="sizes", Key=str(size), Body=body)
        assert s3.get_object(Bucket="sizes", Key=str(size))["Body"].read() == body
        if size > 20_000:
            part = s3.get_object(Bucket="sizes", Key=str(size), Range="bytes=16000-20000")["Body"].read()
            assert part == body[16000:20001]
    # A stream in signed chunks with a checksum behind it, which plain HTTP clients do not send.
    s3.put_object(Bucket="sizes", Key="trailer", Body=body, ChecksumAlgorithm="CRC64NVME")
    upload = s3.create_multipart_upload(Bucket="sizes", Key="parts")["UploadId"]
    parts = [chance.randbytes(5 << 20), b"end"]
    done = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="sizes", Key="parts", UploadId=upload, PartNumber=n, Body=part)["ETag"]}
            for n, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(Bucket="sizes", Key="parts", UploadId=upload, MultipartUpload={"Parts": done})
    assert s3.get_object(Bucket="sizes", Key="parts")["Body"].read() == b"".join(parts)


def test_slow_readers_and_early_hang_ups(secure):
    s3 = secure.client()
    s3.create_bucket(Bucket="slow")
    body = random.Random(1).randbytes(8_000_000)
    s3.put_object(Bucket="slow", Key="k", Body=body)
    for taken in (0, 100, 1_000_000):
        connection = secure.socket()
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed(secure, "GET", "/slow/k").items())
        connection.sendall(f"GET /slow/k HTTP/1.1\r\n{lines}\r\n".encode())
        while taken > 0:
            taken -= len(connection.recv(min(taken, 4096)))
        connection.close()
    assert s3.get_object(Bucket="slow", Key="k")["Body"].read() == body


def test_pipelined_requests_in_one_record(secure):
    with secure.socket() as connection:
        one = b"GET /pipelined HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(one * 20 + b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.count(b"HTTP/1.1 404") == 21
    # The end is TLS's own, not a cut: Python raises for the latter.


def test_command_line_clients(secure, tmp_path):
    clients = Clients(secure, tmp_path)
    source = tmp_path / "file"
    source.write_bytes(random.Random(3).randbytes(9_000_000))
    clients.aws("s3", "mb", "s3://cli")
    clients.aws("s3", "cp", source, "s3://cli/aws", "--only-show-errors")
    clients.aws("s3", "cp", "s3://cli/aws", tmp_path / "aws", "--only-show-errors")
    clients.rclone("copyto", source, "m:cli/rclone")
    clients.rclone("check", "--download", tmp_path, "m:cli", "--include", "nothing")
    clients.s5cmd("cp", "s3://cli/rclone", tmp_path / "s5cmd")
    url = secure.client().generate_presigned_url("get_object", Params={"Bucket": "cli", "Key": "aws"})
    assert url.startswith("https://")
    clients.curl("-o", tmp_path / "curl", url)
    for name in ("aws", "s5cmd", "curl"):
        assert (tmp_path / name).read_bytes() == source.read_bytes(), name


def test_own_commands_speak_tls(secure):
    assert admin(secure, "account", "list", environment={"MARTLET_CA_FILE": secure.authority}).keys()
    said = admin(secure, "account", "list", status=2, environment={"MARTLET_CA_FILE": "", "AWS_CA_BUNDLE": "", "SSL_CERT_FILE": "/dev/null"})
    assert re.search("no trust in 127.0.0.1.*certificate", said), said
    said = admin(secure, "account", "list", status=2, environment={
        "MARTLET_CA_FILE": secure.authority, "MARTLET_ENDPOINT": f"https://localhost.invalid-name.test:{secure.port}"})
    environment = dict(os.environ, AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, MARTLET_CA_FILE=secure.authority)
    for operation in ("put", "get", "list", "multipart"):
        done = subprocess.run([BINARY, "perf", operation, "--endpoint", secure.endpoint, "--size", "300KiB", "--objects", "20", "--part-size",
                               "5MiB", "--ndjson", "-"], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["failures"] == 0, done.stdout


# Handshakes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_and_protocol(secure, new_secure):
    def at_most(version):
        def configure(context):
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.maximum_version = version
            context.set_alpn_protocols(["h2", "http/1.1"])
        return configure

    for version, name in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        with handshake(secure, configure=at_most(version)) as connection:
            assert (connection.version(), connection.selected_alpn_protocol()) == (name, "http/1.1")
            assert "ECDHE" in connection.cipher()[0] or connection.cipher()[0].startswith("TLS_")
            assert get_root(connection).startswith(b"HTTP/1.1 403")
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
        with pytest.raises(ssl.SSLError):
            handshake(secure, configure=at_most(version))
    with pytest.raises(ssl.SSLError):
        handshake(secure, configure=lambda context: context.set_alpn_protocols(["h2"]))
    strict = new_secure({"MARTLET_TLS_MINIMUM_VERSION": "1.3"}).start()
    handshake(strict).close()
    with pytest.raises(ssl.SSLError):
        handshake(strict, configure=at_most(ssl.TLSVersion.TLSv1_2))


def test_ciphers_are_a_setting(new_secure):
    server = new_secure({"MARTLET_TLS_CIPHERS": "ECDHE-ECDSA-CHACHA20-POLY1305"}).start()

    def offer(ciphers):
        def configure(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        return configure

    with handshake(server, configure=offer("ECDHE+CHACHA20:ECDHE+AESGCM")) as connection:
        assert connection.cipher()[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    with pytest.raises(ssl.SSLError):
        handshake(server, configure=offer("ECDHE+AESGCM"))


@pytest.mark.parametrize("environment, said", [
    ({"MARTLET_CERTS_DIR": "/nowhere"}, "/nowhere can't be read"),
    ({"MARTLET_TLS_MINIMUM_VERSION": "1.1"}, "tlsMinimumVersion is 1.1; it must be 1.2 or 1.3"),
    ({"MARTLET_TLS_CIPHERS": "NONSENSE"}, "none of the ciphers is known"),
    ({"MARTLET_TLS_CLIENT_CA": "/nowhere"}, "/nowhere can't be read"),
    ({"MARTLET_TLS_CLIENT_CA": "/etc/hostname"}, "the authorities of clients are not PEM"),
    ({"MARTLET_TLS_CLIENT_CA": "/etc/hostname", "MARTLET_TLS_CLIENT_AUTH": "perhaps"}, "it must be required or optional"),
    ({"MARTLET_PROXY_PROTOCOL": "on"}, "proxyProtocol needs trustedProxies"),
    ({"MARTLET_TRUSTED_PROXIES": "10.0.0.0/33"}, "10.0.0.0/33 is neither an address nor a block"),
])
def test_wrong_settings_stop_the_start(new_secure, environment, said):
    server = new_secure(environment)
    with pytest.raises(RuntimeError, match=re.escape(said)):
        server.start()


def test_settings_of_tls_without_certificates_stop_the_start(new_secure):
    for environment, said in (({"MARTLET_OPS_TLS": "on"}, "opsTls needs certsDir"), ({"MARTLET_TLS_CLIENT_CA": "x"}, "tlsClientCA needs certsDir")):
        with pytest.raises(RuntimeError, match=said):
            new_secure(environment, tls=False).start()


def test_names_choose_the_certificate(secure):
    def names(asked):
        with handshake(secure, asked, lambda context: setattr(context, "check_hostname", False)) as connection:
            return {value for kind, value in connection.getpeercert()["subjectAltName"]}

    assert "localhost" in names("localhost") and "localhost" in names("unknown.example")
    assert names("other.example") == names("OTHER.example") == names("deep.wild.example") == {"other.example", "*.wild.example"}
    assert "localhost" in names("two.deep.wild.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="[Hh]ostname mismatch"):
        handshake(secure, "unknown.example")


def test_nobody_is_trusted_by_accident(secure, monkeypatch):
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer|self-signed"):
        ssl.create_default_context().wrap_socket(socket.create_connection(("127.0.0.1", secure.port)), server_hostname="localhost")
    stranger = boto3.client("s3", endpoint_url=secure.endpoint, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY)
    with pytest.raises(botocore.exceptions.SSLError):
        stranger.list_buckets()


def test_an_expired_certificate_is_refused_by_clients_and_told(new_secure):
    server = new_secure()
    expired(server.certs)
    server.start()
    until(lambda: "certificate of localhost has expired" in server.log() or "certificate of localhost expires in 0 days" in server.log(), server.log)
    text = server.ops("/metrics")[1].decode()
    when = int(re.search(r'martlet_tls_certificate_expiry_timestamp_seconds\{name="localhost"\} (\d+)', text)[1])
    until(lambda: time.time() > when + 1, "the certificate does not expire")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(secure, version):
    def resumed():
        return int(re.search(r'martlet_tls_handshakes_total\{result="resumed"\} (\d+)', secure.ops("/metrics")[1].decode())[1])

    before = resumed()
    context = secure.trust()
    context.maximum_version = version
    session = None
    for expected in (False, True, True):
        plain = socket.create_connection(("127.0.0.1", secure.port))
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            assert connection.session_reused == expected
            get_root(connection)
            session = connection.session
    assert resumed() == before + 2


def test_client_certificates(new_secure, tmp_path):
    staff = tmp_path / "staff"
    subprocess.run([BINARY, "certs", staff, "worker"], check=True, capture_output=True)

    def shows(connection_context):
        connection_context.load_cert_chain(staff / "public.crt", staff / "private.key")

    def wrong(context):
        context.load_cert_chain(server.certs / "public.crt", server.certs / "private.key")

    server = new_secure({"MARTLET_TLS_CLIENT_CA": str(staff / "ca.crt")}).start()
    with handshake(server, configure=shows) as connection:
        assert get_root(connection).startswith(b"HTTP/1.1 403")
    for configure in (lambda context: None, wrong):
        # TLS 1.3 tells a client of the refusal with its first read.
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with handshake(server, configure=configure) as connection:
                assert get_root(connection), "closed without an answer"
                raise AssertionError("let in")
    server = new_secure({"MARTLET_TLS_CLIENT_CA": str(staff / "ca.crt"), "MARTLET_TLS_CLIENT_AUTH": "optional"}).start()
    for configure in (shows, lambda context: None):
        with handshake(server, configure=configure) as connection:
            assert get_root(connection).startswith(b"HTTP/1.1 403")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with handshake(server, configure=wrong) as connection:
            assert get_root(connection), "closed without an answer"
            raise AssertionError("let in")


# What is no TLS


def test_plain_http_is_told_what_is_spoken(secure):
    with socket.create_connection(("127.0.0.1", secure.port)) as connection:
        answer = get_root(connection)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400") and b"https://" in body
    assert int(re.search(rb"Content-Length: (\d+)", head)[1]) == len(body)


def test_silence_and_nonsense_end(secure):
    chance = random.Random(11)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(100)
    for sent in (b"", b"\x16", hello, b"\x16\x03\x01\xff\xff", chance.randbytes(3000), b"\x80" * 500, b"\x15\x03\x01\x00\x02\x02\x28"):
        with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as connection:
            if sent:
                connection.sendall(sent)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    # Records that are damaged after the handshake.
    plain = socket.create_connection(("127.0.0.1", secure.port), timeout=20)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = secure.trust().wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
    plain.sendall(outgoing.read())
    session.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    record = bytearray(outgoing.read())
    record[-3] ^= 1
    plain.sendall(record)
    try:
        answer = b""
        while chunk := plain.recv(4096):
            answer += chunk
    except ConnectionResetError:
        pass
    plain.close()
    incoming.write(answer)
    with pytest.raises(ssl.SSLError):
        assert b"HTTP/1.1" not in session.read(4096)
    with secure.socket() as connection:
        assert get_root(connection).startswith(b"HTTP/1.1 403")


# Renewal


def test_certificates_are_renewed_under_traffic(new_secure):
    server = new_secure({"MARTLET_IDLE_TIMEOUT_SECONDS": "60"}).start()
    s3 = server.client()
    s3.create_bucket(Bucket="traffic")
    s3.put_object(Bucket="traffic", Key="k", Body=b"x" * 5000)
    seen, failures, numbers = set(), [], itertools.count()
    done = threading.Event()

    def serial():
        with handshake(server) as connection:
            return connection.getpeercert()["serialNumber"]

    def worker(index):
        kept = server.connect()
        while (number := next(numbers)) < REQUESTS or not done.is_set():
            try:
                # Kept connections and new ones.
                connection = kept if number % 4 else server.connect()
                connection.request("GET", "/traffic/k", headers=signed(server, "GET", "/traffic/k"))
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or body != b"x" * 5000:
                    failures.append((number, answer.status))
                if connection is not kept:
                    connection.close()
            except Exception as error:
                failures.append((number, error))
                kept = server.connect()
        kept.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(worker, index) for index in range(4)]
        try:
            seen.add(serial())
            for _ in range(SWAPS):
                server.make_certificate()
                known = len(seen)
                until(lambda: seen.add(serial()) or len(seen) > known, "the new certificate is not served")
        finally:
            done.set()
        for future in running:
            future.result()
    assert not failures, failures[:5]
    assert len(seen) == SWAPS + 1
    assert server.log().count("new certificates are served") >= min(SWAPS, 1)


def test_a_secret_that_flips_its_link_is_followed(new_secure, tmp_path):
    """As Kubernetes mounts a secret: tls.crt is a link to ..data/tls.crt, and ..data is pointed elsewhere at once."""
    mount, made = tmp_path / "mount", {}
    mount.mkdir()
    authority = tmp_path / "authority"
    for version in ("one", "two"):
        subprocess.run([BINARY, "certs", authority], check=True, capture_output=True)
        made[version] = mount / f"..{version}"
        made[version].mkdir()
        shutil.copy(authority / "public.crt", made[version] / "tls.crt")
        shutil.copy(authority / "private.key", made[version] / "tls.key")
    (mount / "..data").symlink_to("..one")
    for name in ("tls.crt", "tls.key"):
        (mount / name).symlink_to(f"..data/{name}")
    server = new_secure({"MARTLET_CERTS_DIR": str(mount)})
    shutil.copy(authority / "ca.crt", server.certs / "ca.crt")
    server.start()

    def serial():
        with handshake(server) as connection:
            return connection.getpeercert()["serialNumber"]

    first = serial()
    (mount / "..new").symlink_to("..two")
    os.replace(mount / "..new", mount / "..data")
    until(lambda: serial() != first, "the new certificate is not served")


def test_a_broken_pair_changes_nothing_but_the_log(new_secure):
    server = new_secure().start()
    certificate = (server.certs / "public.crt").read_bytes()
    for damage, said in ((b"nonsense", "the certificate is not PEM"), (None, "can't be read"), ((server.certs / "ca.crt").read_bytes(), "does not belong")):
        if damage is None:
            (server.certs / "private.key").rename(server.certs / "away")
        else:
            (server.certs / "public.crt").write_bytes(damage)
        until(lambda: said in server.log(), server.log)
        handshake(server).close()
        if damage is None:
            (server.certs / "away").rename(server.certs / "private.key")
        (server.certs / "public.crt").write_bytes(certificate)
    assert "the certificates in use stay" in server.log()
    handshake(server).close()


# What policies see


def test_secure_transport_is_seen_by_policies(secure):
    s3 = secure.client()
    s3.create_bucket(Bucket="transport")
    s3.put_object(Bucket="transport", Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket="transport")
    for wanted, status in (("true", 200), ("false", 403)):
        s3.put_bucket_policy(Bucket="transport", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::transport/*",
            "Condition": {"Bool": {"aws:SecureTransport": wanted}}}]}))
        assert raw(secure, "GET", "/transport/k", sign=False)[0] == status


def test_the_ops_address_can_speak_tls(new_secure):
    server = new_secure({"MARTLET_OPS_TLS": "on"}).start()
    context = server.trust()
    with context.wrap_socket(socket.create_connection(("127.0.0.1", server.ops_port)), server_hostname="localhost") as connection:
        connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200")


def test_certs_makes_what_openssl_accepts(tmp_path):
    subprocess.run([BINARY, "certs", tmp_path / "made", "s3.example.org", "*.s3.example.org", "10.1.2.3", "::1", "--days", "30"], check=True,
                   capture_output=True)
    made = tmp_path / "made"
    assert oct((made / "private.key").stat().st_mode & 0o777) == oct((made / "ca.key").stat().st_mode & 0o777) == "0o600"
    openssl(made, "verify", "-x509_strict", "-CAfile", "ca.crt", "-purpose", "sslserver", "public.crt")
    authority = hashlib.sha256((made / "ca.crt").read_bytes()).digest()
    text = subprocess.run(["openssl", "x509", "-in", made / "public.crt", "-noout", "-ext", "subjectAltName"], capture_output=True, text=True).stdout
    assert all(name in text for name in ("DNS:s3.example.org", "DNS:*.s3.example.org", "IP Address:10.1.2.3", "IP Address:0:0:0:0:0:0:0:1"))
    subprocess.run([BINARY, "certs", made], check=True, capture_output=True)
    assert hashlib.sha256((made / "ca.crt").read_bytes()).digest() == authority
    refused = subprocess.run([BINARY, "certs", made, "bad name"], capture_output=True, text=True)
    assert refused.returncode != 0 and "bad name is no host name" in refused.stderr
