"""Mutated blocks of a stopped server's drives: never a wrong byte, and nothing lost that parity can bring back. The large runs: drive_fuzzer.py."""

import collections
import os

import pytest

from drive_fuzzer import Store, run_round

ROUNDS = int(os.environ.get("MARTLET_FUZZ_ROUNDS", "8"))
SEED = int(os.environ.get("MARTLET_FUZZ_SEED", "1"))
# Seeds that once found something.
PAST = []


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("mutated"), cycles=3, sizes=[0, 100, 5_000, 60_000, 300_000, 1_100_000])


def test_mutated_blocks_are_never_served(store):
    counts, blocks = collections.Counter(), 0
    for number in range(ROUNDS):
        blocks += run_round(store, SEED * 1000 + number, counts)
    assert blocks > ROUNDS and counts[200] > ROUNDS * 20, counts


@pytest.mark.parametrize("seed", PAST)
def test_damage_that_once_was_too_much(store, seed):
    run_round(store, seed, collections.Counter())
