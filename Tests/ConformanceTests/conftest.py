import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from martlet_server import Server  # noqa: E402

_names = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("martlet"), environment={"MARTLET_DOMAIN": "s3.localhost"}).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="session")
def s3(server):
    return server.client()


@pytest.fixture
def bucket(s3):
    """A bucket of its own for each test; what is left in it afterwards is harmless."""
    name = f"bucket-{next(_names)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def new_name():
    return lambda: f"name-{next(_names)}"
