import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import accounts  # noqa: E402
from martlet_server import Server  # noqa: E402

_names = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("martlet")
    environment = {"MARTLET_DOMAIN": "s3.localhost", "MARTLET_ACCOUNTS_FILE": accounts.write(directory)}
    server = Server(directory, environment=environment).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="session")
def s3(server):
    return server.client()


@pytest.fixture(scope="session")
def alt(server):
    """A client of another account."""
    return server.client(access_key=accounts.ALT["accessKey"], secret_key=accounts.ALT["secretKey"])


@pytest.fixture(scope="session")
def third(server):
    return server.client(access_key=accounts.THIRD["accessKey"], secret_key=accounts.THIRD["secretKey"])


@pytest.fixture(scope="session")
def nobody(server):
    """A client that does not sign."""
    from botocore import UNSIGNED

    return server.client(config={"signature_version": UNSIGNED})


@pytest.fixture(scope="session")
def main_id(s3):
    return s3.list_buckets()["Owner"]["ID"]


@pytest.fixture
def open_bucket(s3, new_name):
    """A bucket in which access control lists count."""
    name = new_name()
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    return name


@pytest.fixture
def bucket(s3):
    """A bucket of its own for each test; what is left in it afterwards is harmless."""
    name = f"bucket-{next(_names)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def new_name():
    return lambda: f"name-{next(_names)}"
