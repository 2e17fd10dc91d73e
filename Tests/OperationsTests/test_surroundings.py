"""The server where something is forbidden: io_uring by a seccomp profile, or the whole root file system to be written to."""

import errno
import json
import pathlib
import subprocess

import pytest

from exercise import check, exercise
from martlet_server import BINARY

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    """The launcher that refuses io_uring, compiled; called with an error, gives the command's prefix."""
    program = tmp_path_factory.mktemp("launcher") / "without_io_uring"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", program, HERE / "without_io_uring.c", "-lseccomp"], check=True)
    return lambda code: [str(program), str(code)]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS], ids=["EPERM", "ENOSYS"])
def test_without_io_uring_the_server_serves_through_threads(new_server, filtered, code):
    server = new_server(launcher=filtered(code)).start()
    said = [line for line in server.log().splitlines() if "io_uring is not in use" in line]
    assert len(said) == 1 and "io_uring_setup" in said[0] and "file calls run on threads" in said[0], server.log()
    objects = exercise(server.client())
    server.kill()
    # What the threads stored is what the ring reads, and the other way round.
    server.launcher = []
    server.start()
    check(server.client(), objects)
    server.client().put_object(Bucket="exercise", Key="by-ring", Body=b"r" * 300_000)
    assert server.stop() == 0, server.log()
    server.launcher = filtered(code)
    server.start()
    assert server.client().get_object(Bucket="exercise", Key="by-ring")["Body"].read() == b"r" * 300_000
    assert server.stop() == 0, server.log()


def test_io_uring_can_be_switched_off(new_server):
    server = new_server(drives=2, environment={"MARTLET_IO_URING": "off"}).start()
    assert server.log().count("io_uring is not in use") == 1, server.log()
    exercise(server.client())
    assert server.stop() == 0, server.log()


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS], ids=["EPERM", "ENOSYS"])
def test_the_doctor_says_why_there_is_no_io_uring(filtered, tmp_path, code):
    done = subprocess.run([*filtered(code), BINARY, "doctor", "--address", "127.0.0.1:0", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    line = next(line for line in done.stdout.splitlines() if "io_uring" in line)
    assert line.startswith("advice") and "thread pool" in line, done.stdout
    assert "→" in done.stdout.splitlines()[done.stdout.splitlines().index(line) + 1]


# The directory is mounted onto itself first: a mount of its own stays writable when the root is not.
READ_ONLY_ROOT = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
shift
if (: > /martlet-read-only-test) 2>/dev/null; then echo "the root is writable" >&2; exit 3; fi
exec "$@"
"""


def test_a_read_only_root_is_enough(new_server, tmp_path):
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make mount namespaces (unshare --mount)")
    launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY_ROOT, "sh"]
    server = new_server(drives=2)
    server.launcher = [*launcher, str(server.directory)]
    # Without credentials from outside the server makes its own, in the state directory.
    server.environment = {"MARTLET_ROOT_USER": "", "MARTLET_ROOT_PASSWORD": "", "HOME": "/nonexistent", "TMPDIR": "/nonexistent"}
    server.start()
    stored = json.loads((server.directory / "state" / "credentials.json").read_text())
    exercise(server.client(access_key=stored["accessKey"], secret_key=stored["secretKey"]))
    assert server.stop() == 0, server.log()
    assert sorted(path.name for path in server.directory.iterdir()) == ["drive1", "drive2", "server.log", "state"]
