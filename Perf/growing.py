#!/usr/bin/env python3
"""One store that grows: speed, CPU and memory of PUT, GET and LIST and the time of a restart at each size, side by side. Lines should be flat.

    sudo Perf/growing.py                                        # 0.5, 2.5 and 5 M objects of 1 KiB on 2 data + 2 parity drives
    sudo Perf/growing.py --drives 1 --steps 0.5M,5M,10M         # on one drive
    sudo Perf/growing.py --steps 20k,100k --requests 5000       # does it run at all?

Before each step free space must be twice what the step is estimated to take: at first by a guess on the safe side, then by what the objects so
far took. The objects of a step are put with the load that is measured, so that nothing but the number of objects differs; PUT is
measured on the last --requests of them. Server and clients run in a network namespace of their own (root). Ends by itself.
"""

import argparse
import pathlib
import shutil
import tempfile
import time

from harness import Martlet, add_common_options, enter_namespace, number, print_table, progress, recorder, resident_mib

# A guess for the first step: parity, rows on every drive, the log before it is cleaned.
BYTES_PER_OBJECT = {1: 5000, 4: 10_000}
LOAD = "--size 1KiB --prefix g/ --folder 1000"


def count(text):
    units = {"k": 1000, "M": 1_000_000}
    value = float(text[:-1]) * units[text[-1]] if text[-1] in units else float(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is no number of objects")
    return int(value)


def steps(text):
    found = [count(piece) for piece in text.split(",")]
    if found != sorted(set(found)):
        raise argparse.ArgumentTypeError("a store only grows: steps go up")
    return found


def used_bytes(directory):
    """What the files take on the disk."""
    return sum(path.lstat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


class Growth:
    def __init__(self, arguments, directory):
        self.arguments, self.directory = arguments, directory
        self.record = recorder(arguments.ndjson)
        self.server = Martlet(arguments.binary, directory, drives=arguments.drives)
        self.empty = used_bytes(directory)
        self.stored = 0
        self.columns = []

    def check_space(self, target):
        taken = (used_bytes(self.directory) - self.empty) / self.stored if self.stored else BYTES_PER_OBJECT[self.arguments.drives]
        estimate = taken * (target - self.stored)
        free = shutil.disk_usage(self.directory).free
        if free < 2 * estimate:
            raise SystemExit(f"{target:,} objects would take {estimate / 1e9:.1f} GB more ({taken:,.0f} bytes each); only {free / 1e9:.1f} GB are "
                             "free, and twice the estimate is asked for")
        print(f"{target:,} objects: {estimate / 1e9:.1f} GB more at {taken:,.0f} bytes each, {free / 1e9:.1f} GB free", flush=True)

    def put(self, name, upto):
        """New keys up to the number `upto`."""
        found = self.server.load().run(
            name, f"put {LOAD} --first {self.stored} --objects {upto - self.stored} --count {upto - self.stored} --concurrency 64 --time-limit 86400")
        if found["failures"] or found["cut_short"]:
            raise SystemExit(f"{found['failures']} failures while filling: {found}")
        self.stored = upto
        return found

    def step(self, target):
        self.check_space(target)
        requests = min(self.arguments.requests, target - self.stored)
        if target - requests > self.stored:
            progress(f"filling up to {target - requests:,} objects")
            self.put("fill", target - requests)
        progress(f"measuring at {target:,} objects")
        results = {"put": self.put("put", target)}
        rest = f"{LOAD} --objects {target}"
        pages = max(16, min(target, requests * 10) // 1000)
        loads = [("get", f"get {rest} --count {requests} --warm-up {requests // 10}"), ("list", f"list {rest} --count {pages} --concurrency 4"),
                 ("list-delimiter", f"list {rest} --delimiter / --count {max(16, target // 1_000_000)} --concurrency 4")]
        for name, words in loads:
            progress(f"{name} at {target:,} objects")
            results[name] = self.server.load().run(name, words)
        figures = {"resident MiB": resident_mib(self.server.process), "bytes an object": (used_bytes(self.directory) - self.empty) / target}
        figures["restart s"], figures["restart CPU s"] = self.restart(lambda: self.server.stop())
        figures["restart after SIGKILL s"], figures["restart after SIGKILL CPU s"] = self.restart(lambda: self.server.kill())
        figures["resident MiB after it"] = resident_mib(self.server.process)
        progress("")
        column = self.column(results, figures)
        self.columns.append((target, column))
        self.record({"scenario": "growing", "objects": target, "drives": self.arguments.drives, **column})
        for name, value in column.items():
            print(f"  {name}: {number(value)}", flush=True)

    def restart(self, end):
        """Seconds, and CPU seconds, from the start of the process until an object of the store was read."""
        end()
        started = time.monotonic()
        self.server.start()
        while True:
            found = self.server.load().run("first", f"get {LOAD} --objects {self.stored} --count 1 --concurrency 1")
            if not found["failures"]:
                break
            time.sleep(0.02)
            if time.monotonic() - started > 600:
                raise SystemExit("the server does not answer after its restart")
        took = time.monotonic() - started
        # The scheduler's account of the process, which began with it.
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return took, (int(fields[11]) + int(fields[12])) / 100

    def column(self, results, figures):
        column = {}
        for name in ("put", "get"):
            found = results[name]
            column[f"{name} CPU us"] = found["server_cpu_us_per_operation"]
            column[f"{name} /s"] = found["operations_per_second"]
            for share in ("p50", "p99", "p999"):
                column[f"{name} {share} ms"] = found[f"{name}_{share}_ms"]
            column[f"{name} failures"] = found["failures"]
        for name in ("list", "list-delimiter"):
            found = results[name]
            column[f"{name} keys/CPU-s"] = found.get("keys_per_server_cpu_second")
            column[f"{name} pages/s"] = found["operations_per_second"]
            column[f"{name} p99 ms"] = found["list_p99_ms"]
        return {**column, **figures}

    def show(self):
        print()
        head = ["objects", *(f"{target:,}" for target, _ in self.columns), "last ÷ first"]
        rows = []
        for name in self.columns[0][1]:
            values = [column[name] for _, column in self.columns]
            ratio = f"{values[-1] / values[0]:.2f}" if values[0] and values[-1] else "-"
            rows.append([name, *map(number, values), ratio])
        print_table(head, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_options(parser)
    parser.add_argument("--steps", type=steps, default=steps("0.5M,2.5M,5M"), help="numbers of objects to measure at: 20k,100k or 0.5M,5M")
    parser.add_argument("--drives", type=int, choices=sorted(BYTES_PER_OBJECT), default=4)
    parser.add_argument("--requests", type=count, default=50_000, help="of PUT and GET, at each step")
    arguments = parser.parse_args()
    enter_namespace()
    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="martlet-growing-") as directory:
        growth = Growth(arguments, pathlib.Path(directory))
        try:
            for target in arguments.steps:
                growth.step(target)
            growth.show()
        finally:
            growth.server.stop()


if __name__ == "__main__":
    main()
