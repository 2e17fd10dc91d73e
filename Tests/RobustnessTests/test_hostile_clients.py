"""Clients that are slow, greedy, rude or too many. What each costs is bounded, and the others never notice."""

import os
import pathlib
import resource
import select
import socket
import threading
import time

import pytest

from martlet_server import Server
from wire import Client, Connection, NoAnswer, Signer, UNSIGNED, target
from martlet_server import ACCESS_KEY, SECRET_KEY

PATIENCE = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Patience of one second, so that the tests need not be patient either."""
    environment = {"MARTLET_HEAD_TIMEOUT_SECONDS": "1", "MARTLET_BODY_TIMEOUT_SECONDS": "1", "MARTLET_IDLE_TIMEOUT_SECONDS": "1",
                   "MARTLET_CONNECTIONS_MAX": "200"}
    server = Server(tmp_path_factory.mktemp("hostile"), environment=environment).start()
    client = Client(server.port)
    client.good(b"PUT", b"/open")
    client.good(b"PUT", b"/open/big", body=bytes(24 << 20))
    client.close()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(autouse=True)
def goes_on(server):
    """Whatever the test did, an ordinary client is served afterwards."""
    yield
    client = Client(server.port, PATIENCE)
    client.good(b"PUT", b"/open/ordinary", body=b"ordinary")
    assert client.good(b"GET", b"/open/ordinary")[1] == b"ordinary"
    client.close()


def request(server, method, path, headers=(), query=()):
    """The bytes of a signed head without a length."""
    signed, _, _ = Signer(ACCESS_KEY, SECRET_KEY).headers(method, path, list(query), [(b"Host", b"127.0.0.1:%d" % server.port)], UNSIGNED)
    return method + b" " + target(path, query) + b" HTTP/1.1\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in [*signed, *headers])


def until_closed(connection):
    """All that comes until the server ends the connection, which it has to do by itself."""
    data = b""
    try:
        while piece := connection.socket.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


def drip(connection, data, step=1, pause=0.05):
    """Sends byte by byte until the server has had enough; what it said."""
    for at in range(0, len(data), step):
        try:
            connection.send(data[at:at + step])
        except ConnectionError:
            break
        if select.select([connection.socket], [], [], pause)[0]:
            break
    return until_closed(connection)


def test_a_head_that_drips_in_meets_its_deadline(server):
    connections = [Connection(server.port, PATIENCE) for _ in range(20)]
    began = time.monotonic()
    answers = []
    threads = [threading.Thread(target=lambda c=c: answers.append(drip(c, request(server, b"GET", b"/open/big") + b"X-A: " + b"a" * 4000)))
               for c in connections]
    for thread in threads:
        thread.start()
    # Meanwhile the others are served.
    client = Client(server.port, PATIENCE)
    for _ in range(20):
        client.good(b"HEAD", b"/open/big")
    for thread in threads:
        thread.join()
    # A byte now and then does not put the deadline off: all of the head would have taken minutes.
    assert time.monotonic() - began < PATIENCE
    # As AWS says it.
    assert all(answer.startswith(b"HTTP/1.1 400 ") and b"<Code>RequestTimeout<" in answer for answer in answers), answers[:2]


def test_an_idle_connection_is_closed_without_a_word(server):
    connection = Connection(server.port, PATIENCE)
    assert until_closed(connection) == b""
    connection = Connection(server.port, PATIENCE)
    connection.send(request(server, b"HEAD", b"/open/big") + b"\r\n")
    assert connection.answer(b"HEAD")[0] == 200
    assert until_closed(connection) == b""


def test_a_body_that_stops_coming_is_given_up(server):
    connection = Connection(server.port, PATIENCE)
    connection.send(request(server, b"PUT", b"/open/slow", [(b"Content-Length", b"1000000")]) + b"\r\n" + b"a" * 1000)
    status, _, body, goes_on = connection.answer()
    assert status == 400 and b"<Code>RequestTimeout</Code>" in body and not goes_on, (status, body)
    assert Client(server.port).ask(b"HEAD", b"/open/slow")[0] == 404


def test_a_reader_that_takes_nothing_is_cut_off(server):
    connection = Connection(server.port, PATIENCE)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.send(request(server, b"GET", b"/open/big") + b"\r\n")
    ends = time.monotonic() + PATIENCE
    while f":{server.port} " in established(connection) and time.monotonic() < ends:
        time.sleep(0.05)
    assert time.monotonic() < ends, "the server still waits for a reader that takes nothing"
    data = until_closed(connection)
    assert len(data) < 24 << 20


def established(connection):
    """The server's side of the connection, as the kernel has it; empty when the server has closed it."""
    port = connection.socket.getsockname()[1]
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return "".join(f":{int(f[1].split(':')[1], 16)} " for f in map(str.split, lines)
                   if int(f[2].split(":")[1], 16) == port and f[3] == "01")


def test_too_many_connections_are_refused_and_room_is_made_again(server):
    held, refused = [], 0
    try:
        for _ in range(400):
            connection = Connection(server.port, PATIENCE)
            connection.send(request(server, b"HEAD", b"/open/big") + b"\r\n")
            try:
                status, headers, _, goes_on = connection.answer(b"HEAD")
            except (NoAnswer, ConnectionError):
                # A few are told, the rest are closed at once.
                refused += 1
                continue
            if status == 503:
                assert headers[b"retry-after"].isdigit() and not goes_on
                refused += 1
            else:
                held.append(connection)
    finally:
        for connection in held:
            connection.close()
    # Idle ones are closed after a second, so that more than the limit may get in one after another.
    assert refused > 0 and held, (refused, len(held))
    ends = time.monotonic() + PATIENCE
    while True:
        connection = Connection(server.port, PATIENCE)
        connection.send(request(server, b"HEAD", b"/open/big") + b"\r\n")
        try:
            if connection.answer(b"HEAD")[0] == 200:
                break
        except (NoAnswer, ConnectionError):
            pass
        assert time.monotonic() < ends, "closed connections do not make room"


@pytest.mark.parametrize("line", [b"X-A: " + b"a" * 70_000, b"\r\n".join(b"X-%d: a" % n for n in range(300)), b"X" * 70_000],
                         ids=["value", "fields", "name"])
def test_huge_heads_are_refused(server, line):
    connection = Connection(server.port, PATIENCE)
    connection.send(b"GET /open/big HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")
    status, _, body, goes_on = connection.answer()
    assert status == 400 and b"<Code>RequestHeaderSectionTooLarge<" in body and not goes_on, (status, body)


def test_an_endless_target_is_refused(server):
    connection = Connection(server.port, PATIENCE)
    try:
        for _ in range(1000):
            connection.send(b"GET /" + b"a" * 4096)
    except ConnectionError:
        pass
    assert until_closed(connection)[:13] in (b"HTTP/1.1 400 ", b"")


def test_pipelined_requests_are_answered_in_order(server):
    client = Client(server.port)
    for number in range(20):
        client.good(b"PUT", b"/open/p%d" % number, body=b"%d" % number * (number * 1000 + 1))
    connection = Connection(server.port, PATIENCE)
    chance = list(range(20)) * 5
    connection.send(b"".join(request(server, b"GET", b"/open/p%d" % n) + b"\r\n" for n in chance))
    for number in chance:
        status, _, body, _ = connection.answer()
        assert status == 200 and body == b"%d" % number * (number * 1000 + 1)
    # Writes among them, their bodies in the same breath; a refused one in the middle ends only itself.
    connection.send(request(server, b"PUT", b"/open/q", [(b"Content-Length", b"5")]) + b"\r\nfirst"
                    + request(server, b"PUT", b"/no-such-bucket/q", [(b"Content-Length", b"6")]) + b"\r\nsecond"
                    + request(server, b"GET", b"/open/q") + b"\r\n")
    assert [connection.answer()[0], connection.answer()[0]] == [200, 404]
    assert connection.answer()[2] == b"first"


def test_a_half_closed_connection_still_gets_its_answers(server):
    connection = Connection(server.port, PATIENCE)
    connection.send((request(server, b"GET", b"/open/big") + b"\r\n") * 2)
    connection.half_close()
    for _ in range(2):
        status, _, body, _ = connection.answer()
        assert status == 200 and len(body) == 24 << 20
    assert until_closed(connection) == b""


def test_what_is_sent_after_a_close_is_not_read(server):
    connection = Connection(server.port, PATIENCE)
    connection.send(request(server, b"HEAD", b"/open/big", [(b"Connection", b"close")]) + b"\r\n"
                    + request(server, b"PUT", b"/open/after", [(b"Content-Length", b"1")]) + b"\r\nx")
    assert connection.answer(b"HEAD")[0] == 200
    assert until_closed(connection) == b""
    assert Client(server.port).ask(b"HEAD", b"/open/after")[0] == 404


def test_an_upload_that_ends_in_its_middle_leaves_nothing(server):
    for count in (0, 1, 5000, 3 << 20):
        connection = Connection(server.port, PATIENCE)
        connection.send(request(server, b"PUT", b"/open/cut", [(b"Content-Length", b"%d" % (4 << 20))]) + b"\r\n" + b"a" * count)
        connection.half_close() if count % 2 else connection.close()
        if count % 2:
            assert until_closed(connection)[:13] in (b"HTTP/1.1 400 ", b"")
    assert Client(server.port).ask(b"HEAD", b"/open/cut")[0] == 404


def test_readers_that_vanish_cost_nothing(server):
    before = open_files(server)
    for _ in range(60):
        connection = Connection(server.port, PATIENCE)
        connection.send(request(server, b"GET", b"/open/big") + b"\r\n")
        connection.socket.recv(100)
        # A reset instead of an orderly end.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    ends = time.monotonic() + PATIENCE
    while open_files(server) > before + 5:
        assert time.monotonic() < ends, (before, open_files(server))
        time.sleep(0.05)


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_without_descriptors_the_server_waits_and_comes_back(new_server):
    count = 160
    launcher = ["prlimit", f"--nofile={count}:{count}"]
    server = new_server("few", launcher=launcher).start()
    client = Client(server.port, PATIENCE)
    client.good(b"PUT", b"/few")
    bodies = {b"/few/k%d" % n: os.urandom(n * 40_000) for n in range(8)}
    for path, body in bodies.items():
        client.good(b"PUT", path, body=body)
    flood = []
    for _ in range(count + 100):
        flood.append(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
    # The one connection that was there before goes on being served.
    for path, body in bodies.items():
        status, _, found = client.ask(b"GET", path)
        assert status == 200 and found == body, (status, found[:200])
    for connection in flood:
        connection.close()
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            fresh = Client(server.port, PATIENCE)
            fresh.good(b"PUT", b"/few/after", body=b"after" * 1000)
            break
        except (NoAnswer, OSError):
            assert time.monotonic() < ends, "the server does not come back"
    for path, body in bodies.items():
        assert fresh.good(b"GET", path)[1] == body
    assert server.stop() == 0, server.log()


def test_ipv6(tmp_path):
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    server = Server(tmp_path / "six", drives=1, arguments=["--address", "[::1]:0"])
    try:
        server.start()
        connection = Connection(server.port, PATIENCE, host="::1")
        host = b"[::1]:%d" % server.port
        headers, _, _ = Signer(ACCESS_KEY, SECRET_KEY).headers(b"PUT", b"/six", [], [(b"Host", host)], UNSIGNED)
        connection.send(b"PUT /six HTTP/1.1\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in headers) + b"Content-Length: 0\r\n\r\n")
        assert connection.answer()[0] == 200
        assert server.stop() == 0
    finally:
        if server.running:
            server.kill()
