"""G1: after the answer says paused, stopped or suppressed, nothing leaves that the answer does not name."""

import asyncio

import pytest

from tests import mailroom
from tests.races.harness import RACES, Arena

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_nothing_leaves_after_the_answer(database_url, record_property):
    arena = Arena(database_url, 5 * RACES)  # a busy machine sends more of them between two commands
    try:
        outcome = asyncio.run(arena.run())
        print(outcome)
        record_property("races", str(outcome))
        assert outcome.late == []
        assert len(outcome.races) == RACES
        assert not [race for race in outcome.races if race.is_refusal and "completed" not in race.answer]
        assert outcome.waited > RACES / 50  # some were caught on the wire, or these were no races
        mailroom.check_books(arena.db, outcome.accepted)
        states = {row.state for row in mailroom.deliveries(arena.db)}
        assert states <= {"sent", "ready", "skipped"}, states
    finally:
        arena.close()


@pytest.mark.parametrize(
    ("stop", "go"),
    [("halt", "unhalt"), ("pause sequence Spring", "resume sequence Spring")],
    ids=["halt", "sequence"],
)
def test_nothing_leaves_after_everything_was_stopped(database_url, stop, go):
    arena = Arena(database_url, 1_500 if RACES < 10_000 else 10_000)
    try:
        outcome = asyncio.run(arena.run_stops(stop, go, RACES // 100))
        print(outcome)
        assert outcome.late == []
        assert not [race for race in outcome.races if race.is_refusal]
        assert outcome.waited > 0
        mailroom.check_books(arena.db, outcome.accepted)
        assert {row.state for row in mailroom.deliveries(arena.db)} <= {"sent", "ready"}
    finally:
        arena.close()
