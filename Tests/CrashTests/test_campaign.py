"""A short campaign for every run of the suite; the long one is campaign.py as a program."""

import os

from campaign import Campaign
from martlet_server import Server

CYCLES = int(os.environ.get("MARTLET_CRASH_CYCLES", "8"))
SEED = int(os.environ.get("CRASH_SEED", "1"))


def test_mixed_writers_lose_nothing_and_leak_nothing(tmp_path):
    campaign = Campaign(Server(tmp_path), SEED, writers=32, large=0.002)
    campaign.begin()
    try:
        for number in range(CYCLES):
            campaign.cycle(longest=1.0)
        campaign.leak_check()
        assert campaign.counts["put"] > CYCLES and campaign.counts["audited"] > CYCLES, campaign.counts
        assert campaign.server.stop() == 0, campaign.server.log()
    finally:
        if campaign.server.running:
            campaign.server.kill()
