"""The races bite: a sender without the point of no return lets mail out after the answer, and they notice."""

import asyncio

import pytest

from tests.races.harness import Arena
from tests.races.naive import NaivePost

pytestmark = pytest.mark.slow


def test_a_sender_without_the_gate_is_caught(database_url):
    arena = Arena(database_url, 600, races=100)
    try:
        outcome = asyncio.run(arena.run(NaivePost))
    finally:
        arena.close()
    print(outcome)
    assert len(outcome.late) >= 3
