"""Memory under many slow clients: bounded while they are there, given back when they have gone."""

import os
import resource
import socket
import time

import pytest

from wire import Client, Connection, Signer, target
from martlet_server import ACCESS_KEY, SECRET_KEY

MEBI = 1 << 20
UPLOADS = DOWNLOADS = 64
SIZE = int(os.environ.get("MARTLET_MEMORY_MEBIBYTES", "16")) * MEBI
IDLE = int(os.environ.get("MARTLET_MEMORY_IDLE", "2000"))
# DESIGN's budget: 120 MiB idle on an empty store, 8 MiB for each large request in flight, 8 KiB for each idle connection.
EMPTY, REQUEST, CONNECTION = 120 * MEBI, 8 * MEBI, 8 << 10
# What may stay when everybody has gone, beyond what an empty store takes: the cache of small objects and index blocks is not filled here.
LEFT = 96 * MEBI


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def test_memory_is_bounded_and_given_back(new_server):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < IDLE + 500:
        pytest.skip("too few descriptors for the idle connections")
    server = new_server().start()
    figures, client, signer = {"empty": resident(server)}, Client(server.port, 120), Signer(ACCESS_KEY, SECRET_KEY)
    client.good(b"PUT", b"/memory")
    body = os.urandom(SIZE)
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(IDLE)]
    # The last one has been accepted when a later connection is served.
    client.close()
    client.good(b"PUT", b"/memory/big", body=body)
    figures["idle connections"] = resident(server)
    assert figures["idle connections"] <= EMPTY + IDLE * CONNECTION + REQUEST, figures
    host, uploads, downloads = b"127.0.0.1:%d" % server.port, [], []
    for number in range(UPLOADS):
        query = signer.presigned(b"PUT", b"/memory/u%d" % number, [], host)
        uploads.append(Connection(server.port, 120))
        uploads[-1].send(b"PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (target(b"/memory/u%d" % number, query), host, SIZE))
    for number in range(DOWNLOADS):
        query = signer.presigned(b"GET", b"/memory/big", [], host)
        downloads.append(Connection(server.port, 120))
        downloads[-1].send(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target(b"/memory/big", query), host))
    peak, step = 0, 128 << 10
    for sent in range(0, SIZE, step):
        for upload in uploads:
            upload.send(body[sent:sent + step])
        for download in downloads:
            download.buffer = download.socket.recv(step)
        peak = max(peak, resident(server))
    figures["peak"] = peak
    for upload in uploads:
        assert upload.answer()[0] == 200
    for connection in uploads + downloads:
        connection.close()
    for connection in idle:
        connection.close()
    client.close()
    ends = time.monotonic() + 60
    while (now := resident(server)) > figures["empty"] + LEFT and time.monotonic() < ends:
        time.sleep(0.1)
    figures["afterwards"] = now
    print({name: f"{value / MEBI:.0f} MiB" for name, value in figures.items()})
    assert peak <= EMPTY + IDLE * CONNECTION + (UPLOADS + DOWNLOADS) * REQUEST, figures
    assert now <= figures["empty"] + LEFT, figures
    assert server.stop() == 0, server.log()
