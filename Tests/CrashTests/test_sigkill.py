"""SIGKILL under load: what was acknowledged is there afterwards, byte for byte."""

import hashlib
import http.client
import io
import os
import random
import threading
import urllib.parse

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from martlet_server import Server

ROUNDS = 20
WRITERS = 16
SEED = int(os.environ.get("CRASH_SEED", "1"))


class Writer(threading.Thread):
    """Overwrites and deletes its own keys one at a time and keeps what each key may hold: the acknowledged state, or, for the
    one request that was under way when the server died, either outcome."""

    def __init__(self, server, number, state, seed):
        super().__init__()
        self.client = server.client(config={"max_pool_connections": 1})
        # Half of the writers send presigned requests over a plain connection, the others are botocore's own with `Expect: 100-continue`.
        self.connection = server.connect(20) if number % 2 else None
        self.number, self.state, self.random = number, state, random.Random(seed)
        self.acknowledged = 0

    def run(self):
        while True:
            key = f"w{self.number}/k{self.random.randrange(6)}"
            size = self.random.choice([0, 10, 4096, 20_000, 200_000, 2 << 20])
            delete = self.random.random() < 0.2
            data = b"" if delete else self.random.randbytes(size)
            outcome = None if delete else hashlib.sha256(data).hexdigest()
            before = self.state.get(key, {None})
            self.state[key] = before | {outcome}
            try:
                self.send("DELETE" if delete else "PUT", key, None if delete else data)
            except (OSError, http.client.HTTPException, BotoCoreError, ClientError):
                self.close()
                return
            self.state[key] = {outcome}
            self.acknowledged += 1

    def close(self):
        if self.connection:
            self.connection.close()
        self.client.close()

    def send(self, method, key, data):
        if not self.connection:
            if method == "DELETE":
                self.client.delete_object(Bucket="crash", Key=key)
            else:
                self.client.put_object(Bucket="crash", Key=key, Body=io.BytesIO(data))
            return
        operation = "delete_object" if method == "DELETE" else "put_object"
        url = urllib.parse.urlsplit(self.client.generate_presigned_url(operation, Params={"Bucket": "crash", "Key": key}))
        self.connection.request(method, f"{url.path}?{url.query}", body=data)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 204):
            raise OSError(f"{answer.status}: {text}")


def check(client, state):
    listed = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="crash"):
        listed.update({o["Key"]: o["Size"] for o in page.get("Contents", [])})
    for key, allowed in sorted(state.items()):
        try:
            data = client.get_object(Bucket="crash", Key=key)["Body"].read()
            found = hashlib.sha256(data).hexdigest()
            assert listed.get(key) == len(data), f"{key}: listed {listed.get(key)}, read {len(data)}"
        except client.exceptions.NoSuchKey:
            found = None
            assert key not in listed, f"{key} is listed and not there"
        assert found in allowed, f"{key}: found {found}, acknowledged {allowed} (seed {SEED})"
        state[key] = {found}


def test_nothing_acknowledged_is_lost(tmp_path):
    server = Server(tmp_path).start()
    server.client().create_bucket(Bucket="crash")
    state, chance, total = {}, random.Random(SEED), 0
    for round_number in range(ROUNDS):
        writers = [Writer(server, n, state, SEED * 1000 + round_number * 100 + n) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        # The moment of the kill is drawn, so that it falls anywhere in the work.
        threading.Event().wait(chance.uniform(0.1, 1.0))
        server.kill()
        for writer in writers:
            writer.join()
        total += sum(writer.acknowledged for writer in writers)
        server.start()
        check(server.client(), state)
    assert total > ROUNDS, "the writers hardly wrote"
    assert server.stop() == 0, server.log()
