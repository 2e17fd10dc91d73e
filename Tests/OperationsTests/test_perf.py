"""martlet perf against a real server: what it prints, writes and refuses, and that it ends."""

import json
import os
import pty
import subprocess
import xml.etree.ElementTree as tree

from martlet_server import ACCESS_KEY, BINARY, SECRET_KEY

SVG = "{http://www.w3.org/2000/svg}"


def environment():
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MARTLET_", "AWS_"))}
    return {**clean, "MARTLET_ROOT_USER": ACCESS_KEY, "MARTLET_ROOT_PASSWORD": SECRET_KEY}


def perf(server, *arguments, **options):
    command = [BINARY, "perf", *map(str, arguments), "--endpoint", f"127.0.0.1:{server.port}"]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, **options)


def test_loads_are_measured_and_reported(new_server, tmp_path):
    server = new_server(tls=False).start()
    page, lines = tmp_path / "report.html", tmp_path / "lines"
    # In this order: what is put is listed and read.
    loads = ["put", "get=70,head=30", "list", "multipart", "delete"]
    done = perf(server, *loads, "--size", "1KiB:60,log:2KiB..200KiB:40", "--objects", 60, "--count", 120, "--concurrency", 4,
                "--server-pid", server.process.pid, "--html", page, "--ndjson", lines, "--name", "trial <&>")
    assert done.returncode == 0, done.stdout + done.stderr
    # No bar where nobody watches.
    assert done.stderr == ""
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row["load"] for row in rows] == loads
    for row in rows:
        assert row["failures"] == 0 and row["operations"] == 120 and not row["cut_short"], row
        assert row["server_cpu_us_per_operation"] > 0 and row["server_resident_mib"] > 1
    assert 60 <= rows[1]["get_count"] <= 105 and rows[1]["get_count"] + rows[1]["head_count"] == 120
    assert rows[1]["get_p50_ms"] <= rows[1]["get_p99_ms"]
    for load in loads:
        assert f"trial <&> {load}" in done.stdout
    html = tree.fromstring(page.read_text())
    sections = html.findall(".//section")
    assert [section.find("h2").text for section in sections] == [f"trial <&> {load}" for load in loads]
    for section in sections:
        captions = [figure.find("figcaption").text for figure in section.iter("figure")]
        assert {"Operations per second", "Latency percentiles", "Latency histogram", "CPU of the server",
                "Resident memory of the server"} <= set(captions)
        assert section.findall(f".//{SVG}polyline") or section.findall(f".//{SVG}circle")
    # What was counted is what the page says.
    cells = [cell.text for cell in sections[0].iter("td")]
    assert "120" in cells and "1KiB:60,log:2KiB..200KiB:40" in cells
    assert "script" not in page.read_text()
    assert server.stop() == 0, server.log()


def test_a_bar_is_drawn_on_a_terminal_only(new_server):
    server = new_server(tls=False).start()
    leader, follower = pty.openpty()
    command = [BINARY, "perf", "put", "--duration", "1", "--size", "1KiB", "--objects", "50", "--concurrency", "2", "--endpoint",
               f"127.0.0.1:{server.port}", "--ndjson", "-"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=follower, text=True)
    os.close(follower)
    drawn = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:
            break
        if not piece:
            break
        drawn += piece
    os.close(leader)
    result = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 0 and result["put_count"] > 0
    assert b"put [" in drawn and b"%" in drawn
    # The line is wiped at the end.
    assert drawn.endswith(b"\r\x1b[K")


def test_it_ends_when_the_server_does_not_answer_and_says_so(new_server, tmp_path):
    server = new_server(tls=False).start()
    done = perf(server, "get", "--objects", 5, "--count", 100000, "--concurrency", 2)
    assert done.returncode == 1
    # Clients give up after so many failures.
    assert "failures: 200, the first: get: malformed(\"status 404" in done.stdout, done.stdout
    assert "ended early: 0 of 100000 operations" in done.stdout
    assert perf(server, "put", "--time-limit", 1, "--count", 100000000, "--size", "1KiB").returncode == 1
    for wrong in (["fly"], ["put", "--size", "8KiB..4KiB"], ["put=0"], ["put", "--count", "0"], ["put", "--html", tmp_path / "no" / "where"]):
        done = perf(server, *wrong)
        assert done.returncode not in (0, 1) or "can't write" in done.stderr, (wrong, done)
        assert done.stderr
    server.stop()
