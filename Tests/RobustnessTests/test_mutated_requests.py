"""Mutated requests: no crash, no hang, no error of the server's own for a client's fault. The large runs: request_fuzzer.py."""

import os
import pathlib

import pytest

from request_fuzzer import Never, Request, Sender, is_sound, run
from wire import Connection

REQUESTS = int(os.environ.get("MARTLET_FUZZ_REQUESTS", "4000"))
SECONDS = float(os.environ.get("MARTLET_FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("MARTLET_FUZZ_SEED", "1"))
PAST = sorted((pathlib.Path(__file__).parent / "past").glob("*.json"))


def test_mutated_requests_are_the_clients_fault(new_server):
    server = new_server().start()
    sent, failures, statuses, _ = run(server.port, 2, SEED, REQUESTS, SECONDS)
    assert not failures, "\n".join(failures[:3])
    assert server.running, server.log()
    # The mutants must reach what lies behind the parser and behind the signature.
    assert statuses[200] > sent / 20 and statuses[400] > sent / 20, statuses
    is_sound(server.port)
    assert server.stop() == 0, server.log()


@pytest.mark.skipif(not PAST, reason="no request has been found yet")
def test_requests_that_once_were_too_much(new_server):
    """Each file holds requests, one a line, that are sent in order; the last one's answer may not be the server's fault."""
    server = new_server().start()
    sender = Sender(server.port)
    for path in PAST:
        for line in path.read_text().splitlines():
            request = Request.from_json(line)
            connection = Connection(server.port, 30)
            connection.send(sender.bytes(request, Never))
            status, _, body, _ = connection.answer(request.method)
            connection.close()
            assert status < 500 or status == 501, (path.name, status, body)
    assert server.stop() == 0, server.log()
