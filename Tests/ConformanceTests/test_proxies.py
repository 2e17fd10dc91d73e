"""Whose request it is when a proxy or a load balancer stands in front."""

import json
import socket
import struct

import pytest
from helpers import raw
from martlet_server import Server

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """Trusts proxies on 127.0.0.1 and in 10.0.0.0/8, and lets 203.0.113.7 read."""
    server = Server(tmp_path_factory.mktemp("behind"), drives=1, tls=False, environment={"MARTLET_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8, fd00::/8"})
    yield prepare(server.start())
    assert server.stop() == 0, server.log()


def prepare(server):
    s3 = server.client()
    s3.create_bucket(Bucket="seen")
    s3.delete_public_access_block(Bucket="seen")
    s3.put_object(Bucket="seen", Key="k", Body=b"x")
    allow(s3, {"IpAddress": {"aws:SourceIp": ["203.0.113.7/32", "2001:db8::7/128"]}})
    return server


def allow(s3, condition):
    s3.put_bucket_policy(Bucket="seen", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::seen/*", "Condition": condition}]}))


@pytest.mark.parametrize("forwarded, status", [
    ("203.0.113.7", 200), ("203.0.113.7:4711", 200), (" 203.0.113.7 ", 200), ("2001:db8::7", 200), ("[2001:db8::7]:4711", 200),
    # Through more proxies that are trusted.
    ("203.0.113.7, 10.1.2.3", 200), ("203.0.113.7, 10.1.2.3, fd00::1,127.0.0.1", 200),
    # The client wrote the first address itself: its own is the last one.
    ("203.0.113.7, 198.51.100.9", 403), ("203.0.113.7, 198.51.100.9, 10.1.2.3", 403),
    ("198.51.100.9, 203.0.113.7", 200),
    # Behind what can't be read nothing is believed.
    ("203.0.113.7, nonsense", 403), ("203.0.113.7, unknown", 403), ("203.0.113.7/32", 403), ("", 403), (None, 403),
    ("203.0.113.7, " + ", ".join(["10.0.0.1"] * 70), 403),
])
def test_the_last_address_that_is_not_trusted_is_the_client(behind, forwarded, status):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert raw(behind, "GET", "/seen/k", headers, sign=False)[0] == status


def test_fields_that_come_twice_are_one_list(behind):
    for first, second, status in (("203.0.113.7", "10.0.0.1", 200), ("203.0.113.7", "198.51.100.9", 403)):
        with behind.socket() as connection:
            connection.sendall(f"GET /seen/k HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {first}\r\nX-Forwarded-For: {second}\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(12) == f"HTTP/1.1 {status}".encode()


def test_tls_that_ended_at_the_proxy_counts(behind):
    s3 = behind.client()
    try:
        allow(s3, {"Bool": {"aws:SecureTransport": "true"}})
        for said, status in (("https", 200), ("HTTPS", 200), ("http", 403), ("http, https", 200), ("https, http", 403), (None, 403)):
            headers = {} if said is None else {"X-Forwarded-Proto": said}
            assert raw(behind, "GET", "/seen/k", headers, sign=False)[0] == status, said
    finally:
        allow(s3, {"IpAddress": {"aws:SourceIp": ["203.0.113.7/32", "2001:db8::7/128"]}})


def test_nobody_is_believed_who_is_not_trusted(tmp_path):
    server = Server(tmp_path, drives=1, tls=False, environment={"MARTLET_TRUSTED_PROXIES": "192.0.2.1"}).start()
    try:
        prepare(server)
        assert raw(server, "GET", "/seen/k", {"X-Forwarded-For": "203.0.113.7"}, sign=False)[0] == 403
    finally:
        server.kill()


def preamble(source, target="192.0.2.1", command=1, records=b"", family=None):
    if ":" in source:
        addresses, kind = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "::1"), 0x21
    else:
        addresses, kind = socket.inet_aton(source) + socket.inet_aton(target), 0x11
    rest = addresses + struct.pack("!HH", 4711, 443) + records
    return SIGNATURE + bytes([0x20 | command, kind if family is None else family]) + struct.pack("!H", len(rest)) + rest


def test_the_proxy_protocol(tmp_path):
    server = Server(tmp_path, drives=1, tls=False, environment={"MARTLET_TRUSTED_PROXIES": "127.0.0.1", "MARTLET_PROXY_PROTOCOL": "on"}).start()

    def ask(sent, request=b"GET /seen/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", split=False):
        """The status, or None for a connection that was closed without an answer."""
        with server.socket() as connection:
            try:
                for piece in ([sent + request] if not split else [bytes([byte]) for byte in sent] + [request]):
                    connection.sendall(piece)
                answer = connection.recv(12)
            except ConnectionError:
                return None
            return int(answer[9:12]) if answer else None

    try:
        # Prepared through the protocol as well: a client that speaks for the balancer.
        plain = Server.connect(server)
        plain.connect()
        plain.sock.sendall(preamble("203.0.113.7", command=0))
        from helpers import signed

        def send(method, path, body=b"", headers=None):
            plain.request(method, path, body=body, headers={**signed(server, method, path, headers), "Content-Length": str(len(body))})
            answer = plain.getresponse()
            assert answer.status in (200, 204), answer.read()
            answer.read()

        send("PUT", "/seen")
        send("DELETE", "/seen?publicAccessBlock=")
        send("PUT", "/seen/k", b"x")
        send("PUT", "/seen?policy=", json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::seen/*",
            "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.7/32", "2001:db8::7/128"]}}}]}).encode())
        plain.close()

        assert ask(preamble("203.0.113.7")) == 200
        assert ask(preamble("203.0.113.7"), split=True) == 200
        assert ask(preamble("2001:db8::7")) == 200
        assert ask(preamble("198.51.100.9")) == 403
        # Records behind the addresses are passed over; the balancer's own checks and other families have its address.
        assert ask(preamble("203.0.113.7", records=b"\x04\x00\x03abc")) == 200
        assert ask(preamble("203.0.113.7", command=0)) == 403
        assert ask(preamble("203.0.113.7", family=0)) == 403
        for wrong in (b"", SIGNATURE[:5], b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n", preamble("203.0.113.7")[:-1] + b"",
                      SIGNATURE + b"\x31\x11\x00\x0c" + b"\0" * 12, SIGNATURE + b"\x22\x11\x00\x0c" + b"\0" * 12,
                      SIGNATURE + b"\x21\x11\xff\xff" + b"\0" * 12, SIGNATURE + b"\x21\x11\x00\x04" + b"\0" * 4,
                      preamble("203.0.113.7", records=b"\x20\xff\xff\x01")):
            assert ask(wrong) != 200, wrong
        assert ask(preamble("203.0.113.7")) == 200
    finally:
        server.kill()
