"""A layer below the server that ends it at named points, or fails its file calls: faults.c, preloaded, with file calls on threads."""

import errno
import os
import pathlib
import random
import subprocess

import pytest

from campaign import Campaign, Lost
from martlet_server import BINARY, Server

SEED = int(os.environ.get("CRASH_SEED", "1"))
# How often the round of points is gone through; the campaign for a release goes through it many times.
ROUNDS = int(os.environ.get("MARTLET_CRASH_ROUNDS", "1"))

# Where the process ends: what every rule of the commit protocol orders before something else.
POINTS = ["pwrite:/log/", "fdatasync:/log/", "pwrite:/data/", "fdatasync:/data/", "fallocate:/log/", "fallocate:/data/", "rename:/log/",
          "pwrite:/index/", "fdatasync:/index/", "pwrite:MANIFEST", "fdatasync:MANIFEST", "pwrite:CURRENT", "rename:CURRENT", "fsync:drive",
          "unlink:MANIFEST", "ftruncate:MANIFEST"]


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    """The environment that puts the layer under a server."""
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = pathlib.Path(__file__).parent / "faults.c"
    subprocess.run(["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return lambda faults: {"MARTLET_IO_URING": "off", "LD_PRELOAD": str(library), "FAULTS": faults}


@pytest.fixture
def campaign(tmp_path):
    campaign = Campaign(Server(tmp_path / "store"), SEED, large=0)
    yield campaign
    if campaign.server.running:
        campaign.server.kill()


def whole(campaign):
    return campaign.metrics()['martlet_set_drives_whole{set="0"}'] == len(campaign.server.drives)


def mended(campaign):
    """Without faults: everything is there, and redundancy comes back."""
    campaign.server.environment = {}
    campaign.server.start(timeout=120)
    campaign.audit(list(campaign.state))
    campaign.until(lambda: whole(campaign), "redundancy does not come back", 60)


def test_the_process_ends_at_named_points(campaign, layer):
    chance, died = random.Random(SEED), 0
    campaign.begin()
    for number in range(ROUNDS * len(POINTS)):
        point = POINTS[number % len(POINTS)]
        call, path = point.split(":")
        action = chance.choice(("kill", "die", "torn") if call == "pwrite" else ("kill", "die"))
        often = path in ("/log/", "/data/") and call in ("pwrite", "fdatasync")
        drive = chance.choice(("", "drive2"))
        first = chance.randint(1, 60) if often else chance.randint(1, 4)
        campaign.server.stop() if campaign.server.running else None
        campaign.server.environment = layer(f"{call}:{drive and drive + '/'}{path.strip('/')}:{first}:1:{action}")
        try:
            campaign.server.start(timeout=60)
            if not campaign.strain(0.5, tolerates=False):
                campaign.server.stop()
        except RuntimeError:
            assert campaign.server.process.wait(20) == -9, campaign.server.log()
        died += campaign.server.process.returncode == -9
        campaign.server.environment = {}
        try:
            campaign.server.start(timeout=60)
            campaign.audit(list(campaign.state))
        except Lost as lost:
            raise AssertionError(f"{point}, {action} at {first} ({drive}): {lost}\n{campaign.server.log()}")
    assert died > number / 3, f"only {died} of {number + 1} points were met"
    campaign.leak_check()
    assert campaign.server.stop() == 0


# Faults of one drive that nobody may notice, and of two whose data reads right all the same.
@pytest.mark.parametrize("faults", [
    f"pwrite:drive1/log:30:1:{errno.EIO}", f"fdatasync:drive3/log:20:1:{errno.EIO}", f"pwrite:drive2/data:5:1:{errno.EIO}",
    f"fdatasync:drive4/data:4:1:{errno.EIO}", f"pread:drive1/data:1:0:{errno.EIO};pread:drive2/data:3:0:{errno.EIO}",
    "pread:drive1/data:1:0:garble;pread:drive2/data:1:0:garble", "pread:drive1/log:1:0:garble;pread:drive3/data:2:0:garble",
    "pread:drive:1:0:short", "pwrite:data:1:0:short", "pread:drive4/index:1:0:garble",
    f"fallocate:drive2/data:1:0:{errno.EIO}", f"pread:drive3/:40:0:{errno.EIO}",
], ids=lambda text: text.replace(":", "-").replace("/", "-"))
def test_failing_calls_of_a_drive_go_unnoticed(campaign, layer, faults):
    campaign.begin()
    campaign.strain(0.3, tolerates=False)
    campaign.server.stop()
    campaign.server.environment = layer(faults)
    campaign.server.start(timeout=60)
    campaign.audit(list(campaign.state))
    assert not campaign.strain(0.6, tolerates=False), "the server died"
    campaign.audit(list(campaign.state))
    campaign.server.kill()
    mended(campaign)
    assert campaign.server.stop() == 0


@pytest.mark.parametrize("faults", [
    f"pwrite:/log/:60:0:{errno.EIO}", f"fdatasync:/log/:40:0:{errno.EIO}", f"fdatasync:/data/:9:0:{errno.EIO}", f"pwrite:/log/:60:40:{errno.ENOSPC}",
    f"fallocate:/data/:1:0:{errno.ENOSPC}", "pwrite:/log/:50:0:short",
], ids=lambda text: text.replace(":", "-").replace("/", "-"))
def test_failing_calls_of_all_drives_lose_nothing(campaign, layer, faults):
    """Writes may be refused now. What was acknowledged is there, at the latest when the fault is over."""
    campaign.begin()
    campaign.strain(0.3, tolerates=False)
    campaign.server.stop()
    campaign.server.environment = layer(faults)
    campaign.server.start(timeout=60)
    assert not campaign.strain(0.6, tolerates=True), "the server died"
    campaign.server.kill()
    mended(campaign)
    campaign.strain(0.2, tolerates=False)
    assert campaign.server.stop() == 0


@pytest.fixture
def small_drives(tmp_path):
    """Four file systems of 1 GiB, each in a file."""
    drives = []
    for number in range(1, 5):
        drive, image = tmp_path / "store" / f"drive{number}", tmp_path / f"image{number}"
        drive.mkdir(parents=True)
        with open(image, "wb") as file:
            file.truncate(1 << 30)
        done = subprocess.run(f"mkfs.ext4 -q -m 0 {image} && mount -o loop {image} {drive}", shell=True, capture_output=True, text=True)
        if done.returncode:
            for mounted in drives:
                subprocess.run(["umount", mounted])
            pytest.skip(f"file systems can't be mounted here: {done.stderr}")
        drives.append(drive)
    yield drives
    for drive in drives:
        subprocess.run(["umount", "-l", drive])


def test_kills_on_full_drives_lose_nothing(small_drives, tmp_path):
    server = Server(tmp_path / "store")
    campaign = Campaign(server, SEED, large=0.5)
    campaign.begin()

    def full():
        return any(value for name, value in campaign.metrics().items() if name.startswith("martlet_drive_full"))

    try:
        campaign.strain(60, tolerates=True, ends=full)
        for _ in range(3):
            campaign.strain(0.8, tolerates=True)
            server.kill()
            server.start(timeout=120)
            campaign.audit(list(campaign.state))
        assert campaign.counts["refused"] > 0, campaign.counts
        campaign.leak_check()
        # The space is given back in the background.
        campaign.until(lambda: not full(), "deletes free no space", 60)
        campaign.large = 0
        campaign.strain(0.5, tolerates=True)
        campaign.audit(list(campaign.state))
        assert server.stop() == 0
    finally:
        if server.running:
            server.kill()
