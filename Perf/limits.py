#!/usr/bin/env python3
"""Limits under 64 clients, and what one tenant's clients cost another's latency, all in one run of one server each.

    Perf/limits.py [--binary PATH] [--directory DIR] [--seconds N]

First a limit of requests and one of bytes are held against 64 clients that ask for as much as they can: what was served in the window beside what
may be. Meanwhile a client of a tenant of its own reads 4 KiB objects: half and 99 of a hundred of its answers come within the times shown. Then it
does so alone, and beside 64 and 1,000 clients of another tenant that nothing limits. The same once more with a ceiling that is no ceiling, for what turns are worth. Clients share the
machine's cores with the server, so the quiet tenant's time rises with them whatever the server does.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

import boto3
from botocore.config import Config

from harness import PASSWORD, ROOT, USER, Martlet, print_table

KIB, MIB = 1024, 1 << 20


def admin(server, *words):
    environment = dict(os.environ, MARTLET_ENDPOINT=f"http://127.0.0.1:{server.port}", MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
    done = subprocess.run([server.binary, "admin", *words, "--json"], env=environment, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise SystemExit(f"admin {' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


def s3(server, access, secret):
    return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.port}", region_name="us-east-1", aws_access_key_id=access,
                        aws_secret_access_key=secret, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))


def request(client, port, bucket, key):
    """The bytes of a presigned GET."""
    url = urllib.parse.urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=3600))
    return f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class Tally:
    """What was served between `start` and `end`."""

    def __init__(self, seconds, warm_up):
        self.start = time.monotonic() + warm_up
        self.end = self.start + seconds
        self.served = self.refused = self.bytes = 0


async def client(port, data, tally):
    """Asks again as soon as it is answered, whatever the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < tally.end:
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        is_served = head.startswith(b"HTTP/1.1 200")
        while left:
            piece = await reader.read(min(left, 65536))
            if not piece:
                raise SystemExit("an answer was cut")
            left -= len(piece)
            if is_served and tally.start <= time.monotonic() < tally.end:
                tally.bytes += len(piece)
        if tally.start <= time.monotonic() < tally.end:
            tally.served += is_served
            tally.refused += not is_served
        if not is_served:
            # Far more often than Retry-After says, and still not all of a core's time for refusals.
            await asyncio.sleep(0.05)
    writer.close()


async def hammer(port, data, clients, seconds, warm_up):
    tally = Tally(seconds, warm_up)
    await asyncio.gather(*(client(port, data, tally) for _ in range(clients)))
    return tally


def in_process(function, *arguments):
    """Runs it in a process of its own; returns what waits for its result."""
    here, there = multiprocessing.Pipe(False)
    process = multiprocessing.Process(target=lambda: there.send(function(*arguments)))
    process.start()
    there.close()

    def result():
        found = here.recv()
        process.join()
        return found

    return result


def hammered(port, data, clients, seconds, warm_up):
    return asyncio.run(hammer(port, data, clients, seconds, warm_up))


def shown(times):
    return f"{1000 * times[len(times) // 2]:.2f}", f"{1000 * times[len(times) * 99 // 100]:.2f}"


def held(server, quiet, seconds):
    operator = s3(server, USER, PASSWORD)
    operator.create_bucket(Bucket="held")
    operator.put_object(Bucket="held", Key="small", Body=b"x" * 4 * KIB)
    operator.put_object(Bucket="held", Key="large", Body=b"x" * MIB)
    rows = [("none: the quiet tenant alone", "", "", "", *shown(asyncio.run(latencies(server.port, quiet, seconds))))]
    for rate in (50, 200, 500):
        admin(server, "limit", "set", "--bucket", "held", "--requests-per-second", str(rate))
        waiting = in_process(hammered, server.port, request(operator, server.port, "held", "small"), 64, seconds, 1)
        times = asyncio.run(latencies(server.port, quiet, seconds + 1))
        tally = waiting()
        rows.append((f"{rate} requests/s", f"{tally.served / seconds:.1f}", f"{100 * (tally.served / seconds / rate - 1):+.2f} %", tally.refused,
                     *shown(times)))
    admin(server, "limit", "remove", "--bucket", "held")
    for rate in (8, 32):
        admin(server, "limit", "set", "--bucket", "held", "--bytes-out-per-second", f"{rate}M")
        waiting = in_process(hammered, server.port, request(operator, server.port, "held", "large"), 64, seconds, 2)
        times = asyncio.run(latencies(server.port, quiet, seconds + 2))
        tally = waiting()
        got = tally.bytes / seconds / MIB
        rows.append((f"{rate} MiB/s sent", f"{got:.2f}", f"{100 * (got / rate - 1):+.2f} %", tally.refused, *shown(times)))
    admin(server, "limit", "remove", "--bucket", "held")
    print_table(("limit, 64 clients", "served", "off by", "refused", "quiet tenant's p50 ms", "p99 ms"), rows)


async def latencies(port, data, seconds):
    """Of one client that asks one thing after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        found.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the quiet tenant was refused: {head[:100]}")
    writer.close()
    return sorted(found)


def quiet_tenant(server):
    """A tenant of its own with an object; the request for it."""
    made = admin(server, "tenant", "create", "quiet")["Account"]
    quiet = s3(server, made["AccessKeys"][0], made["SecretKey"])
    quiet.create_bucket(Bucket="quiet")
    quiet.put_object(Bucket="quiet", Key="k", Body=b"x" * 4 * KIB)
    return request(quiet, server.port, "quiet", "k")


def beside(server, data, label, seconds, rows):
    load = server.load()
    load.run("fill", "put --size 4KiB --objects 1000 --count 1000 --concurrency 16", bucket="greedy")
    for loads, clients in ((None, 0), ("get --size 4KiB", 64), ("get --size 4KiB", 1000), ("put --size 4KiB", 64), ("put --size 4KiB", 1000)):
        greedy = None
        if loads:
            command = [server.binary, "perf", *loads.split(), "--objects", "1000", "--concurrency", str(clients), "--duration", str(seconds + 3),
                       "--endpoint", f"127.0.0.1:{server.port}", "--bucket", "greedy", "--name", "greedy", "--ndjson", "-"]
            environment = dict(os.environ, MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
            greedy = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(1.5)
        times = asyncio.run(latencies(server.port, data, seconds))
        if greedy:
            greedy.communicate(timeout=120)
        rows.append((label, f"{clients} × {loads.split()[0]}" if loads else "alone", len(times), *shown(times)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "martlet"))
    parser.add_argument("--directory")
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        rows = []
        for name, settings in (("turns", {}), ("no ceiling", {"MARTLET_REQUESTS_SHARED": "100000", "MARTLET_REQUESTS_MAX": "100000"})):
            place = pathlib.Path(directory) / name.replace(" ", "-")
            place.mkdir()
            server = Martlet(options.binary, place, settings=settings)
            try:
                quiet = quiet_tenant(server)
                if not settings:
                    held(server, quiet, options.seconds)
                beside(server, quiet, name, options.seconds, rows)
            finally:
                server.stop()
        print()
        print_table(("quiet tenant, one client", "beside", "answers", "p50 ms", "p99 ms"), rows)


if __name__ == "__main__":
    main()
