"""A run whose beginning was undone before anything left never was: what stood before it counts again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from core import commands
from core.models import Lead
from core.views.lead import lead_card
from tests.world import ANA, BEN, PLAIN, World, make

ADA = "ada@acme.test"
EVE = "eve@acme.test"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has had the first step; Eve is in no sequence."""
    world = make(database_url, PLAIN, ADA)
    with world.db.write() as session:
        session.add(Lead(email=EVE, first_name="Eve", created_at=world.now))
    world.tick()
    return world


def shown(world: World, email: str) -> list[tuple[int, str]]:
    """The run and status on the lead's card."""
    with world.read() as session:
        card = lead_card(session, world.lead_id(email), now=world.now)
    return [(one.run, one.status) for one in card.enrollments]


@pytest.mark.parametrize("text", [f"start {EVE} in Spring", f"enrol {EVE} in Spring"])
def test_an_undone_first_run_leaves_the_lead_out_of_the_sequence(world: World, text: str) -> None:
    world.say(text)

    assert world.say("undo").lines == ("As before, it is not in Spring.",)

    assert world.say(f"status {EVE}").title == f"{EVE} is in no sequence."
    assert EVE not in world.say("list in Spring").as_text()
    assert "stopped" not in world.say("sequences").as_text()
    assert "not in any sequence" in world.say(f"pause {EVE}").title
    assert shown(world, EVE) == []
    assert world.say("status in:Spring").title == f"{ADA} is pending in Spring."
    verbs = [line.verb for line in world.journal("start", "undo") if line.lead_id == world.lead_id(EVE)]
    assert verbs == ["start", "undo"]
    assert "Run 2, from step 1." in world.say(text).lines


def test_an_undone_restart_of_a_completed_lead_lets_the_run_before_count(world: World) -> None:
    world.run_until(world.now.replace(month=7))
    world.say(f"restart {ADA} in Spring")

    assert world.say("undo").lines == ("As before, it is completed.",)

    assert world.say(f"status {ADA}").title == f"{ADA} is completed in Spring."
    assert [row.detail for row in world.say("list in Spring").rows] == ["completed. No step is left."]
    assert shown(world, ADA) == [(1, "completed")]


def test_the_redo_of_an_undone_start_lets_it_run_and_can_be_undone_again(world: World) -> None:
    world.say(f"start {EVE} in Spring")
    undone = world.say("undo").batch_id

    redone = commands.undo(world.desk, undone, actor=ANA, now=world.now)
    assert "Mail leaves again for 1 lead." in redone.lines
    assert shown(world, EVE) == [(1, "pending")]
    assert world.say("undo").lines == ("As before, it is not in Spring.",)
    assert shown(world, EVE) == []


def test_the_redo_of_an_undone_restart_stops_the_run_before_again(world: World) -> None:
    world.say(f"restart {ADA} in Spring")
    undone = world.say("undo").batch_id
    assert shown(world, ADA) == [(1, "pending")]

    assert not commands.undo(world.desk, undone, actor=ANA, now=world.now).is_refusal
    assert shown(world, ADA) == [(2, "pending")]
    world.say("undo")
    assert shown(world, ADA) == [(1, "pending")]


def test_the_redo_of_a_large_start_asks_first(world: World) -> None:
    emails = [f"lead{number}@many.test" for number in range(11)]
    with world.db.write() as session:
        session.add_all(Lead(email=email, first_name="Lea", created_at=world.now) for email in emails)
    world.sure(f"start {' '.join(emails)} in Spring")
    undone = world.sure("undo").batch_id

    asked = world.say(f"undo {undone}")

    assert [choice.label for choice in asked.choices if choice.proposal]
    assert world.enrollment(emails[0]).status == "stopped"


def test_a_run_that_had_begun_to_leave_or_that_a_person_stopped_counts(world: World) -> None:
    batch = world.say(f"start {EVE} in Spring").batch_id
    world.tick()
    commands.undo(world.desk, batch, actor=ANA, now=world.now)
    assert shown(world, EVE) == [(1, "stopped")]

    world.say(f"restart {ADA} in Spring")
    undone = world.say("undo").batch_id
    commands.undo(world.desk, undone, actor=ANA, now=world.now)
    world.say(f"stop {ADA} because undone", actor=BEN)
    assert shown(world, ADA) == [(2, "stopped")]


def test_figures_count_no_run_that_never_was(world: World) -> None:
    before = world.say("stats Spring").as_text()

    world.say(f"start {EVE} in Spring")
    world.say("undo")

    assert world.say("stats Spring").as_text() == before


def test_whether_a_run_was_undone_is_looked_up_by_an_index(world: World) -> None:
    said: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "journal" in statement and "max(" in statement:
            word = "EXPLAIN QUERY PLAN" if world.db.is_sqlite else "EXPLAIN"
            cursor.execute("SET enable_seqscan = off" if not world.db.is_sqlite else "SELECT 1")
            cursor.execute(f"{word} {statement}", parameters)
            said.extend(str(line) for line in cursor.fetchall())

    event.listen(world.db.engine, "before_cursor_execute", explain)
    world.say("list in Spring")
    event.remove(world.db.engine, "before_cursor_execute", explain)
    assert "ix_journal_lead_id" in " ".join(said)
