#!/usr/bin/env python3
"""What TLS costs: large and small reads with and without it, and handshakes, beside nginx with the same certificate in the same run.

    Perf/tls.py [--binary PATH] [--directory DIR] [--seconds N]

CPU of the server first. Needs root for a network namespace, openssl and nginx. Ends by itself.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from harness import PASSWORD, ROOT, USER, Load, Martlet, await_port, cpu_seconds, enter_namespace, free_port

LARGE = "get --size 16MiB --prefix l/ --objects 16 --count 200"
SMALL = "get --size 4KiB --prefix s/ --objects 1000 --count 40000"


class Secure(Load):
    def __init__(self, binary, port, pids, authority=None):
        super().__init__(binary, port, None)
        self.pids, self.authority = pids, authority

    def measure(self, name, arguments):
        """(result, CPU seconds of the server)"""
        before = cpu_seconds(self.pids)
        found = self.run(name, arguments)
        return found, cpu_seconds(self.pids) - before

    def run(self, name, arguments, bucket="perf"):
        if self.authority:
            os.environ["MARTLET_CA_FILE"] = str(self.authority)
            arguments += f" --endpoint https://127.0.0.1:{self.port}"
        else:
            arguments += f" --endpoint 127.0.0.1:{self.port}"
        command = [self.binary, "perf", *arguments.split(), "--bucket", bucket, "--name", name, "--ndjson", "-"]
        environment = dict(os.environ, MARTLET_ROOT_USER=USER, MARTLET_ROOT_PASSWORD=PASSWORD)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout)


def handshakes(port, pids, seconds, version, resumed):
    """(handshakes, CPU seconds of the server)"""
    before = cpu_seconds(pids)
    done = subprocess.run(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", version, "-reuse" if resumed else "-new", "-time", str(seconds)],
                          capture_output=True, text=True, timeout=seconds + 60)
    count = int(re.search(r"(\d+) connections in \d+ real seconds", done.stdout)[1])
    return count, cpu_seconds(pids) - before


def nginx(directory, certs):
    web = directory / "www" / "perf"
    for folder, size, count in (("s", 4096, 1000), ("l", 16 << 20, 16)):
        (web / folder).mkdir(parents=True)
        for number in range(count):
            (web / folder / f"{number:010d}").write_bytes(os.urandom(size))
    plain, secure = free_port(), free_port()
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = directory / "nginx.conf"
    place = f"root {directory}/www; location / {{ if ($request_method = PUT) {{ return 409; }} }}"
    configuration.write_text(
        f"user root; worker_processes 2; daemon off; pid {directory}/pid; error_log {directory}/errors; events {{ }}"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {temporary} ssl_session_cache shared:s:10m; ssl_protocols TLSv1.2 TLSv1.3;"
        f"ssl_certificate {certs}/public.crt; ssl_certificate_key {certs}/private.key;"
        f"server {{ listen 127.0.0.1:{plain} reuseport; {place} }} server {{ listen 127.0.0.1:{secure} ssl reuseport; {place} }} }}")
    process = subprocess.Popen(["nginx", "-c", str(configuration)])
    await_port(secure, process)
    time.sleep(0.5)
    workers = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return process, plain, secure, [int(pid) for pid in workers]


def measure(binary, directory, seconds):
    certs = directory / "certs"
    subprocess.run([binary, "certs", str(certs)], check=True, capture_output=True)
    authority = certs / "ca.crt"
    plain = Martlet(binary, directory / "plain")
    secure = Martlet(binary, directory / "secure", {"MARTLET_CERTS_DIR": str(certs)})
    web, web_plain, web_secure, workers = nginx(directory / "nginx", certs)
    systems = [("martlet", plain.port, [plain.process.pid], secure.port, [secure.process.pid]), ("nginx", web_plain, workers, web_secure, workers)]
    try:
        for port, pid, trusted in ((plain.port, plain.process.pid, None), (secure.port, secure.process.pid, authority)):
            load = Secure(binary, port, [pid], trusted)
            load.run("fill", "put --size 16MiB --prefix l/ --objects 16 --count 16")
            load.run("fill", "put --size 4KiB --prefix s/ --objects 1000 --count 1000")
        for name, port, pids, secure_port, secure_pids in systems:
            rows = {}
            for kind, load in (("plain", Secure(binary, port, pids)), ("tls", Secure(binary, secure_port, secure_pids, authority))):
                load.run("warm", SMALL)
                found, used = load.measure("large", LARGE)
                large = used / (found["operations"] / 64)
                found_small, used_small = load.measure("small", SMALL)
                rows[kind] = large, used_small * 1e6 / found_small["operations"]
                print(f"{name:8} {kind:6} 16 MiB GET {large:6.3f} CPU-s/GiB {found['mib_per_second']:7,.0f} MiB/s, "
                      f"4 KiB GET {rows[kind][1]:6.1f} us CPU {found_small['operations_per_second']:7,.0f}/s", flush=True)
            print(f"{name:8} TLS adds {rows['tls'][0] - rows['plain'][0]:.3f} CPU-s/GiB and {rows['tls'][1] - rows['plain'][1]:.1f} us a request", flush=True)
            # This client takes no ticket of TLS 1.3 in time to resume.
            for version, resumed in (("-tls1_3", False), ("-tls1_2", False), ("-tls1_2", True)):
                count, used = handshakes(secure_port, secure_pids, seconds, version, resumed)
                print(f"{name:8} {version[1:]} {'resumed' if resumed else 'full':7} handshakes {count / used:7,.0f} per CPU-second ({count} in {seconds} s)", flush=True)
    finally:
        web.terminate()
        web.wait(30)
        plain.stop()
        secure.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "martlet"))
    parser.add_argument("--directory", help="where drives and files go; a temporary directory by default")
    parser.add_argument("--seconds", type=int, default=5, help="of handshakes")
    arguments = parser.parse_args()
    enter_namespace()
    print(subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip())
    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="martlet-tls-") as directory:
        measure(arguments.binary, pathlib.Path(directory), arguments.seconds)


if __name__ == "__main__":
    main()
