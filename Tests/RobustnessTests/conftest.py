import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from martlet_server import Server  # noqa: E402


@pytest.fixture
def new_server(tmp_path):
    """Makes servers in the test's own directory; what still runs at its end is killed."""
    made = []

    def make(name="store", **options):
        server = Server(tmp_path / name, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        if server.running:
            server.kill()
