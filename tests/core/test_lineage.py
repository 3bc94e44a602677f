"""A restored copy of the database sends nothing until a person confirms; a restart, a new worker and a long night do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import lineage
from core.models import WORKSPACE_ID, Workspace
from tests.world import ANA, PLAIN, World, make

ADA = "ada@acme.test"
HOUR = timedelta(hours=1)


@pytest.fixture
def world(database_url: str) -> World:
    return make(database_url, PLAIN, ADA)


def is_halted(world: World) -> bool:
    with world.read() as session:
        return session.get_one(Workspace, WORKSPACE_ID).halted_at is not None


def test_the_first_start_of_all_sends(world: World) -> None:
    assert lineage.check(world.db, "", now=world.now) == ""
    assert world.tick()


def test_a_restart_and_a_long_outage_send(world: World) -> None:
    seen = lineage.beat(world.db, now=world.now)
    assert lineage.check(world.db, seen, now=world.now) == ""
    assert lineage.check(world.db, seen, now=world.now + 100 * HOUR) == ""
    assert not is_halted(world)


def test_a_worker_that_joins_others_at_work_sends(world: World) -> None:
    lineage.beat(world.db, now=world.now)
    assert lineage.check(world.db, "", now=world.now + timedelta(minutes=1)) == ""


def test_a_copy_behind_what_left_from_here_sends_nothing_until_somebody_confirms(world: World) -> None:
    old = lineage.beat(world.db, now=world.now - HOUR)
    name, _, moment = old.partition(" ")
    because = lineage.check(world.db, f"{name} {int(moment) + 60}", now=world.now)
    assert because.startswith("This database is a copy from 2027-06-01 07:00 UTC")
    assert (is_halted(world), world.tick()) == (True, [])
    assert because in " ".join(world.say(f"why {ADA}").as_text().split())
    world.say("unhalt")
    assert world.tick()


def test_a_copy_on_another_machine_sends_nothing(world: World) -> None:
    lineage.beat(world.db, now=world.now - HOUR)
    assert "may be a restored copy" in lineage.check(world.db, "", now=world.now)
    assert "may be a restored copy" in lineage.check(world.db, "another 17", now=world.now)
    assert is_halted(world)


@pytest.mark.parametrize("kept", ["rubbish", "x y z", "   ", "é 1"])
def test_a_witness_that_cannot_be_read_counts_as_none(world: World, kept: str) -> None:
    lineage.beat(world.db, now=world.now - HOUR)
    assert lineage.check(world.db, kept, now=world.now)


def test_a_halt_that_somebody_placed_stays_and_says_both(world: World) -> None:
    world.say("halt because wrong prices")
    lineage.beat(world.db, now=world.now - HOUR)
    because = lineage.check(world.db, "", now=world.now)
    with world.read() as session:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        assert (workspace.halted_by, workspace.halted_because) == (ANA.id, f"wrong prices; {because}")


def test_a_clock_that_goes_back_never_takes_the_mark_back(world: World) -> None:
    seen = lineage.beat(world.db, now=world.now)
    assert lineage.beat(world.db, now=world.now - HOUR) == seen
