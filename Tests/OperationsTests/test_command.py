"""The command itself: starting, stopping, credentials, settings, and what it refuses and says."""

import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.parse

import boto3
import pytest
from botocore.exceptions import ClientError

from martlet_server import ACCESS_KEY, BINARY, ROOT, SECRET_KEY


def martlet(*arguments, environment=None, timeout=60):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MARTLET_")}
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, env={**clean, **(environment or {})})


def refused(server, *drives, says, arguments=()):
    """The server does not start on these drives, and its message has all of `says`."""
    done = martlet("server", "--address", "127.0.0.1:0", "--ops-address", "127.0.0.1:0", "--state-dir", server.directory / "state",
                   *arguments, *drives)
    assert done.returncode == 1, done.stdout + done.stderr
    for text in says:
        assert text in done.stderr, done.stderr
    return done.stderr


def presigned(client, operation, **parameters):
    url = urllib.parse.urlsplit(client.generate_presigned_url(operation, Params=parameters))
    return f"{url.path}?{url.query}"


def until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.02)


def is_refused(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# MARK: Stopping

def test_sigterm_lets_requests_in_flight_finish(new_server):
    server = new_server(drives=2).start()
    client = server.client()
    client.create_bucket(Bucket="drain")
    body = os.urandom(3 << 20)
    client.put_object(Bucket="drain", Key="down", Body=body)
    upload = server.connect()
    upload.putrequest("PUT", presigned(client, "put_object", Bucket="drain", Key="up"))
    upload.putheader("Content-Length", str(len(body)))
    upload.endheaders()
    upload.send(body[: 1 << 20])
    download = server.connect()
    download.request("GET", presigned(client, "get_object", Bucket="drain", Key="down"))
    answer = download.getresponse()
    first = answer.read(1000)
    server.process.terminate()
    until(lambda: is_refused(server.port), "the listener stays open")
    upload.send(body[1 << 20:])
    response = upload.getresponse()
    assert response.status == 200, response.read()
    assert first + answer.read() == body
    assert server.process.wait(30) == 0, server.log()
    server.process.stdout.close()
    server.start()
    assert server.client().get_object(Bucket="drain", Key="up")["Body"].read() == body
    assert server.stop() == 0


def test_a_request_that_never_ends_does_not_hold_the_server(new_server):
    server = new_server(drives=2, environment={"MARTLET_DRAIN_SECONDS": "1"}).start()
    client = server.client()
    client.create_bucket(Bucket="drain")
    upload = server.connect()
    upload.putrequest("PUT", presigned(client, "put_object", Bucket="drain", Key="half"))
    upload.putheader("Content-Length", "1000000")
    upload.endheaders()
    upload.send(b"x" * 1000)
    assert server.stop() == 0, server.log()
    server.start()
    with pytest.raises(ClientError) as caught:
        server.client().head_object(Bucket="drain", Key="half")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert server.stop() == 0


# MARK: Drives

@pytest.fixture
def stopped(new_server):
    """Makes a store of so many drives with one object in it, stopped."""
    def make(name, drives, arguments=()):
        server = new_server(name, drives=drives, arguments=arguments).start()
        server.client().create_bucket(Bucket="kept")
        server.client().put_object(Bucket="kept", Key="object", Body=b"kept")
        assert server.stop() == 0
        return server

    return make


def test_a_foreign_drive_is_refused(stopped):
    mine, other = stopped("mine", 2), stopped("other", 2)
    refused(mine, mine.drives[0], other.drives[0], says=["belongs to deployment", str(other.drives[0]), "name only drives of one deployment"])
    # Neither was touched.
    for server in (mine, other):
        server.start()
        assert server.client().get_object(Bucket="kept", Key="object")["Body"].read() == b"kept"
        assert server.stop() == 0


def test_drives_may_be_named_in_any_order(stopped):
    server = stopped("store", 4)
    server.drives.reverse()
    server.start()
    assert server.client().get_object(Bucket="kept", Key="object")["Body"].read() == b"kept"
    assert server.stop() == 0


def test_a_drive_named_twice_is_refused(stopped):
    server = stopped("store", 2)
    refused(server, server.drives[0], server.drives[0], says=["named twice"])
    link = server.directory / "link"
    link.symlink_to(server.drives[0])
    refused(server, server.drives[0], link, says=["hold the same drive", "leave it out"])


def test_a_drive_and_the_one_it_was_replaced_by_are_refused_together(stopped):
    server = stopped("store", 2)
    old = server.directory / "old"
    shutil.copytree(server.drives[0], old, ignore=shutil.ignore_patterns("reserve", "free-*"))
    text = json.loads((old / "drive.json").read_text())
    text["drive"] = "0123456789abcdef0123456789abcdef"
    (old / "drive.json").write_text(json.dumps(text))
    refused(server, *server.drives, old, arguments=["--set-size", "3"], says=["both claim set 1, slot 1", "leave out"])


def test_too_few_drives_are_refused(stopped):
    server = stopped("store", 4)
    refused(server, *server.drives[2:], says=["were named", "name all drives of the deployment"])


def test_a_directory_with_something_in_it_is_refused(new_server, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(b"cat")
    server = new_server(drives=1)
    refused(server, server.drives[0], photos, says=["photos", "not empty", "cat.jpg", "nothing is overwritten"])
    assert [path.name for path in photos.iterdir()] == ["cat.jpg"]
    assert not list(server.drives[0].iterdir()), "the other drive was formatted all the same"


def test_a_damaged_drive_json_is_refused(stopped):
    server = stopped("store", 2)
    path = server.drives[1] / "drive.json"
    path.write_text(path.read_text()[:40])
    refused(server, *server.drives, says=["drive.json that can't be used", "restore it, or empty the directory"])


def test_a_number_of_drives_that_makes_no_sets_is_refused(new_server, tmp_path):
    server = new_server(drives=1)
    refused(server, *(tmp_path / f"d{n}" for n in range(17)), says=["17 drives have no divisor"])
    refused(server, tmp_path / "d{1...4}", arguments=["--set-size", "3"], says=["can't be cut into sets of 3", "choose a divisor"])
    refused(server, tmp_path / "d{1...x}", says=["is not a range such as {1...4}"])


def test_a_drive_that_is_in_use_is_refused_or_left_out(new_server):
    server = new_server(drives=1).start()
    done = martlet("server", "--address", "127.0.0.1:0", "--ops-address", f"127.0.0.1:{server.ops_port}", "--state-dir",
                   server.directory / "state2", *server.drives)
    # The port is taken as well: the second server ends, and the first goes on.
    assert done.returncode == 1 and done.stderr, done.stdout
    server.client().create_bucket(Bucket="goes-on")
    assert server.stop() == 0


# MARK: Credentials

NONE = {"MARTLET_ROOT_USER": "", "MARTLET_ROOT_PASSWORD": ""}


def test_generated_credentials_are_private_and_stay(new_server):
    server = new_server(drives=1, environment=NONE).start()
    state = server.directory / "state"
    file = state / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    stored = json.loads(file.read_text())
    assert len(stored["accessKey"]) == 20 and len(stored["secretKey"]) == 40
    keys = dict(access_key=stored["accessKey"], secret_key=stored["secretKey"])
    server.client(**keys).create_bucket(Bucket="mine")
    with pytest.raises(ClientError):
        server.client().list_buckets()
    # The secret is on no drive and in no log.
    assert stored["secretKey"] not in server.log()
    assert server.stop() == 0
    assert server.start() and [b["Name"] for b in server.client(**keys).list_buckets()["Buckets"]] == ["mine"]
    assert json.loads(file.read_text()) == stored
    assert server.stop() == 0


def test_two_stores_get_different_credentials(new_server):
    secrets = set()
    for name in ("a", "b"):
        server = new_server(name, drives=1, environment=NONE).start()
        secrets.add((server.directory / "state" / "credentials.json").read_text())
        assert server.stop() == 0
    assert len(secrets) == 2


def test_credentials_from_files(new_server, tmp_path):
    (tmp_path / "user").write_text("file-user\n")
    (tmp_path / "password").write_text("file-password\r\n")
    server = new_server(drives=1, environment={
        **NONE, "MARTLET_ROOT_USER_FILE": str(tmp_path / "user"), "MARTLET_ROOT_PASSWORD_FILE": str(tmp_path / "password")}).start()
    server.client(access_key="file-user", secret_key="file-password").list_buckets()
    assert not (server.directory / "state" / "credentials.json").exists()
    assert server.stop() == 0


@pytest.mark.parametrize("environment, says", [
    ({"MARTLET_ROOT_USER": "only-user"}, "set both or neither"),
    ({"MARTLET_ROOT_PASSWORD": "only-password"}, "set both or neither"),
    ({"MARTLET_ROOT_USER": "user", "MARTLET_ROOT_PASSWORD": "short"}, "at least 8 characters"),
    ({"MARTLET_ROOT_USER": "us", "MARTLET_ROOT_PASSWORD": "password1"}, "3 to 128 characters"),
    ({"MARTLET_ROOT_USER": "a/b", "MARTLET_ROOT_PASSWORD": "password1"}, "must not contain"),
    ({"MARTLET_ROOT_USER": "user", "MARTLET_ROOT_PASSWORD_FILE": "/nonexistent/secret"}, "can't be read"),
])
def test_bad_credentials_are_refused(tmp_path, environment, says):
    done = martlet("server", "--address", "127.0.0.1:0", "--ops-address", "127.0.0.1:0", "--state-dir", tmp_path / "state", tmp_path / "d",
                   environment=environment)
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert not any(value in done.stderr for name, value in environment.items() if name == "MARTLET_ROOT_PASSWORD")


# MARK: Settings

def in_region(server, region):
    return boto3.client("s3", endpoint_url=server.endpoint, region_name=region, aws_access_key_id=ACCESS_KEY,
                        aws_secret_access_key=SECRET_KEY)


def test_settings_from_file_environment_and_flags(new_server, tmp_path):
    config = tmp_path / "martlet.json"
    config.write_text(json.dumps({"region": "eu-file-1", "drainSeconds": 3, "accessLog": str(tmp_path / "access.log"), "ioUring": True}))
    server = new_server(drives=1, arguments=["--config", str(config)]).start()
    in_region(server, "eu-file-1").list_buckets()
    assert server.stop() == 0
    assert "requests in flight have 3 s" in server.log()
    assert "ListBuckets" in (tmp_path / "access.log").read_text()
    # The environment wins over the file, which it may name too.
    other = new_server("other", drives=1, environment={"MARTLET_CONFIG": str(config), "MARTLET_REGION": "eu-env-1"}).start()
    in_region(other, "eu-env-1").list_buckets()
    with pytest.raises(ClientError):
        in_region(other, "eu-file-1").list_buckets()
    assert other.stop() == 0
    # A flag wins over both.
    done = martlet("server", "--set-size", "3", "--config", config, tmp_path / "d{1...4}", environment={"MARTLET_SET_SIZE": "2"})
    assert done.returncode == 1 and "sets of 3" in done.stderr, done.stderr


@pytest.mark.parametrize("environment, says", [
    ({"MARTLET_LOOPS": "many"}, "not a whole number"),
    ({"MARTLET_LOOPS": "0"}, "must lie between"),
    ({"MARTLET_IO_URING": "perhaps"}, "must be on or off"),
    ({"MARTLET_CONFIG": "/nonexistent/martlet.json"}, "can't be read"),
    ({"MARTLET_ADDRESS": "9000"}, "HOST:PORT"),
])
def test_bad_settings_are_refused(tmp_path, environment, says):
    done = martlet("server", "--ops-address", "127.0.0.1:0", "--state-dir", tmp_path / "state", tmp_path / "d", environment=environment)
    assert done.returncode == 1 and says in done.stderr, done.stderr


def test_a_taken_port_is_named(new_server, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = martlet("server", "--address", f"127.0.0.1:{port}", "--ops-address", "127.0.0.1:0", "--state-dir", tmp_path / "state",
                       tmp_path / "d")
    assert done.returncode == 1 and f"can't listen on 127.0.0.1:{port}" in done.stderr, done.stderr


# MARK: Help

def test_help_names_every_command_and_flag():
    top = martlet("--help")
    assert top.returncode == 0
    for word in ("server", "doctor", "version", "MARTLET_"):
        assert word in top.stdout
    for command, words in {
        "server": ["--address", "--ops-address", "--state-dir", "--set-size", "--config", "{1...4}", "MARTLET_"],
        "doctor": ["--verify", "--address", "--config", "{1...4}"],
    }.items():
        done = martlet(command, "--help")
        assert done.returncode == 0
        for word in words:
            assert word in done.stdout, f"{command} --help does not say {word}"
    assert re.fullmatch(r"martlet \d+\.\d+\.\d+\n", martlet("version").stdout)
    assert martlet("--version").stdout == martlet("version").stdout


def test_the_configuration_page_lists_every_setting():
    source = (ROOT / "Sources/Server/Settings.swift").read_text()
    page = (ROOT / "Docs/operations/configuration.md").read_text()
    names = re.findall(r'Self\.(?:text|number|flag)\(reader, "(\w+)"', source)
    assert len(names) > 10
    for name in names:
        variable = "MARTLET_" + re.sub(r"([A-Z])", r"_\1", name).upper()
        assert f"`{variable}`" in page and f"`{name}`" in page, f"{name} ({variable}) is not in configuration.md"


def test_no_command_and_wrong_flags_are_refused():
    assert martlet("serve").returncode != 0
    done = martlet("server", "--adress", "x", "d")
    assert done.returncode != 0 and "adress" in done.stderr


# MARK: The doctor

def test_the_doctor_looks_at_everything_and_says_what_to_do(tmp_path):
    drives = [tmp_path / "d1", tmp_path / "d2"]
    for drive in drives:
        drive.mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = martlet("doctor", "--address", f"127.0.0.1:{port}", "--ops-address", "127.0.0.1:0", *drives)
    for subject in ("kernel", "io_uring", "clock", "congestion control", "open files", "S3 port", "ops port"):
        assert re.search(rf"^(ok|advice|bad) +{subject} ", done.stdout, re.M), done.stdout
    for drive in drives:
        for words in ("file system", "direct I/O", "a sync takes", "GiB free", "empty: it becomes a drive"):
            assert re.search(rf"^(ok|advice|bad) +{drive} .*{words}", done.stdout, re.M), f"{words}\n{done.stdout}"
        assert not list(drive.iterdir()), "the probe file is left"
    assert f"{port}: Address already in use" in done.stdout and "choose another with --address" in done.stdout
    assert "are on one device" in done.stdout
    # Whatever is not ok comes with what to do.
    lines = done.stdout.splitlines()
    for index, line in enumerate(lines):
        if line.startswith(("advice", "bad")):
            assert lines[index + 1].lstrip().startswith("→"), line


def test_the_doctor_fails_on_what_the_server_would_refuse(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    done = martlet("doctor", "--address", "127.0.0.1:0", tmp_path / "full", tmp_path / "missing")
    assert done.returncode == 1
    assert "not a Martlet drive (found file)" in done.stdout and "does not exist" in done.stdout, done.stdout


@pytest.mark.parametrize("tls", [False, True])
def test_the_lines_of_the_greeting_work_as_they_are_pasted(tmp_path, tls):
    """A new user's first minute: the server makes its credentials, and what it prints is pasted into a shell."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("MARTLET_", "AWS_", "RCLONE_"))}
    variables.update(HOME=str(tmp_path), PATH=f"{pathlib.Path(sys.executable).parent}:{variables['PATH']}")
    (tmp_path / "README.md").write_text("read me")
    arguments = [BINARY, "server", "--address", "127.0.0.1:0", "--ops-address", "127.0.0.1:0", "drive{1...4}"]
    if tls:
        subprocess.run([BINARY, "certs", "certs"], cwd=tmp_path, check=True, capture_output=True)
        arguments += ["--certs-dir", "certs"]
    with subprocess.Popen(arguments, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            lines = []
            while not lines or not lines[-1].startswith("Ops on"):
                line = process.stdout.readline()
                assert line, lines
                lines.append(line.rstrip("\n"))
            pasted = [line for line in lines if line.startswith("  ")]
            assert len([line for line in pasted if line.startswith("  export")]) == 3 + tls and len(pasted) == 7 + tls, lines
            done = subprocess.run(["bash", "-e", "-c", "\n".join(pasted)], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            assert "README.md" in done.stdout and "'Name': 'demo'" in done.stdout, done.stdout
            assert "<Bucket><Name>demo</Name>" in done.stdout, done.stdout
            assert done.stdout.count("README.md") >= 3, done.stdout
        finally:
            process.terminate()
