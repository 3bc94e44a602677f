"""Qualified or not: what runs stops, the stage says so, and one undo takes both back."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core import commands
from core.models import Lead
from tests.world import ANA, BEN, PLAIN, World, make

ADA, GRACE, ALAN = "ada@acme.test", "grace@acme.test", "alan@gmail.com"
SUMMER = PLAIN.replace("Spring", "Summer")


@pytest.fixture
def world(database_url: str) -> World:
    """Two leads of one company in two sequences, and one with an address that strangers share."""
    world = make(database_url, PLAIN, ADA, GRACE, stage="demo")
    world.add(SUMMER)
    world.enrol(ADA, sequence="Summer")
    world.enrol(ALAN, domain="")
    world.tick()
    return world


def stage(world: World, email: str) -> str:
    with world.read() as session:
        return session.exec(select(Lead.stage).where(Lead.email == email)).one()


def test_qualify_stops_every_sequence_and_sets_the_stage(world: World) -> None:
    answer = world.say(f"qualify {ADA}")

    assert answer.title == "Marked ada@acme.test as qualified and stopped it in Spring and Summer."
    assert (world.status(ADA), world.status(ADA, "Summer"), world.status(GRACE)) == (
        "stopped",
        "stopped",
        "pending",
    )
    assert world.enrollment(ADA).end_reason == "qualified"
    assert (stage(world, ADA), stage(world, GRACE)) == ("qualified", "demo")


def test_unqualify_says_the_opposite(world: World) -> None:
    world.say(f"unqualify {ADA}")

    assert (stage(world, ADA), world.enrollment(ADA).end_reason) == ("not qualified", "not qualified")


def test_undo_brings_back_runs_and_stage(world: World) -> None:
    world.say(f"qualify {ADA}")
    answer = world.say("undo")

    assert not answer.is_refusal
    assert "The stage of ada@acme.test is “demo” again." in answer.lines
    assert (world.status(ADA), world.status(ADA, "Summer"), stage(world, ADA)) == (
        "pending",
        "pending",
        "demo",
    )


def test_undo_of_the_undo_qualifies_again(world: World) -> None:
    world.say(f"qualify {ADA}")
    undone = world.say("undo")
    world.say(f"undo {undone.batch_id}")

    assert (world.status(ADA), stage(world, ADA)) == ("stopped", "qualified")


def test_undo_leaves_a_stage_that_was_changed_since(world: World) -> None:
    world.say(f"qualify {ADA}")
    world.change(Lead, stage="won")
    world.say("undo")

    assert (world.status(ADA), stage(world, ADA)) == ("pending", "won")


def test_a_lead_whose_sequences_are_over_still_gets_its_stage(world: World) -> None:
    world.say(f"stop {ADA}")
    answer = world.say(f"qualify {ADA}")

    assert answer.title == "Marked ada@acme.test as qualified."
    assert stage(world, ADA) == "qualified"
    assert world.say("undo").title == "Undid `qualify`."
    assert (stage(world, ADA), world.status(ADA)) == ("demo", "stopped")


def test_who_is_qualified_already_is_named(world: World) -> None:
    world.say(f"qualify {ADA}")
    answer = world.say(f"qualify {ADA}", BEN)

    assert answer.is_refusal
    assert (
        answer.title == "ada@acme.test is qualified already, and no sequence is running; nothing was changed."
    )


@pytest.mark.parametrize(
    "said", [f"qualify {ADA} company", "qualify @acme.test", "qualify @acme.test company"]
)
def test_the_whole_company_is_one_batch(world: World, said: str) -> None:
    question = world.say(said)
    assert question.title == "Mark 2 leads as qualified and stop 3 enrollments?"
    answer = commands.confirm(world.desk, question.choices[0].proposal or "", actor=ANA, now=world.now)

    assert answer.title == "Marked 2 leads as qualified and stopped them in Spring and Summer."
    assert (stage(world, ADA), stage(world, GRACE), stage(world, ALAN)) == ("qualified", "qualified", "")
    world.say("undo")
    assert (stage(world, ADA), stage(world, GRACE), world.status(GRACE)) == ("demo", "demo", "pending")


def test_strangers_who_share_a_domain_are_no_company(world: World) -> None:
    answer = world.say(f"qualify {ALAN} company")

    assert answer.is_refusal
    assert "an address that strangers share" in answer.title
    assert world.say("qualify @gmail.com").is_refusal
    assert world.status(ALAN) == "pending"


def test_more_than_ten_leads_are_shown_first(world: World) -> None:
    many = [f"lead{number}@acme.test" for number in range(10)]
    world.enrol(*many)
    answer = world.say(f"qualify {ADA} company")

    assert answer.title == "Mark 12 leads as qualified and stop 13 enrollments?"
    assert answer.lines[0] == "Sequences: Spring (12) and Summer (1)"
    assert world.status(ADA) == "pending"
    world.enrol("late@acme.test")

    done = commands.confirm(world.desk, answer.choices[0].proposal or "", actor=BEN, now=world.now)
    assert done.title == "Marked 12 leads as qualified and stopped them in Spring and Summer."
    assert {world.status(email) for email in many} == {"stopped"}
    assert (world.status("late@acme.test"), stage(world, "late@acme.test")) == ("pending", "")


def test_nothing_leaves_after_it(world: World) -> None:
    question = world.say("qualify @acme.test")
    commands.confirm(world.desk, question.choices[0].proposal or "", actor=ANA, now=world.now)
    world.later(days=30)

    assert {email for email, _ in world.tick()} == {ALAN}


def test_history_says_who_qualified(world: World) -> None:
    world.say(f"qualify {ADA}")

    lines = "\n".join(world.say(f"history {ADA}").lines)
    assert "Ana marked the lead as qualified (demo → qualified)." in lines


def test_help_names_it(world: World) -> None:
    assert any("`qualify WHO [company]`" in line for line in world.say("help").lines)
