"""The end of a sequence, and a jump to another."""

from __future__ import annotations

import pytest

from core import commands
from core.models import Mailbox, Suppression
from core.sequence_file import check, load
from tests.world import ANA, START, World, make

ADA = "ada@acme.test"
FIRST = """
sequence: First
steps:
  - id: intro
    subject: A question
    body: Hi, reply STOP to opt out.
  - id: on
    kind: jump
    delay: 1 day
    to: Second
"""
SECOND = """
sequence: Second
steps:
  - id: welcome
    subject: Welcome
    body: Hi, reply STOP to opt out.
  - id: back
    kind: jump
    delay: DELAY
    to: first
"""


def two(url: str, delay: str = "2 days", *emails: str) -> World:
    world = in_first(url, delay, *emails)
    world.say("publish sequence Second")
    world.tick()
    return world


def in_first(url: str, delay: str, *emails: str, first: str = FIRST) -> World:
    """Second is a draft."""
    world = make(url)
    world.add(SECOND.replace("DELAY", delay), publish=False)
    world.add(first)
    world.enrol(*(emails or (ADA,)), sequence="First")
    return world


def place(world: World, sequence: str) -> tuple[str, int, int]:
    row = world.enrollment(ADA, sequence)
    return row.status, row.position, row.run


def test_a_jump_ends_this_run_and_begins_the_other(database_url: str) -> None:
    world = two(database_url)
    assert world.later(days=1).tick() == [(ADA, "welcome")]
    first, second = world.enrollment(ADA, "First"), world.enrollment(ADA, "Second")
    assert (first.status, first.position, first.end_reason) == ("completed", 2, "went on to Second")
    assert (second.status, second.mailbox_id) == ("pending", first.mailbox_id)
    assert [line.reason for line in world.journal("finish")] == ["went on to Second"]


def test_it_keeps_the_mailbox_where_that_may_send_there(database_url: str) -> None:
    world = two(database_url)
    with world.db.write() as session:
        session.add(
            Mailbox(
                address="ben@sales.example",
                smtp_host="127.0.0.1",
                smtp_port=25,
                smtp_security="none",
                created_at=START,
            )
        )
    world.later(days=1).tick()
    assert world.enrollment(ADA, "Second").mailbox_id == world.enrollment(ADA, "First").mailbox_id


def test_a_circle_goes_round_once_a_day_at_most(database_url: str) -> None:
    world = two(database_url, "1 hour")
    world.later(days=1).tick()
    world.later(hours=1).tick()  # First began a day and an hour ago
    assert place(world, "First") == ("pending", 1, 2)
    world.later(days=1).tick()  # Second began a day and an hour ago
    assert place(world, "Second")[2] == 2
    world.change(Mailbox, cap_per_day=10_000)
    world.later(hours=1).tick()
    assert place(world, "First")[2] == 3


def test_a_circle_that_is_too_short_waits_for_a_person(database_url: str) -> None:
    world = in_first(database_url, "1 hour", first=FIRST.replace("delay: 1 day", "delay: 1 hour"))
    world.say("publish sequence Second")
    world.tick()
    world.later(hours=1).tick()
    world.later(hours=1).tick()
    assert place(world, "Second") == ("paused", 1, 1)
    [hold] = world.holds(ADA, "Second")
    assert hold.reason == "It leads to First, where this lead began less than a day ago"
    assert place(world, "First") == ("completed", 2, 1)
    world.later(days=1)
    world.say(f"resume {ADA} in Second")
    world.tick()
    assert place(world, "First")[2] == 2


@pytest.mark.parametrize("why", ["draft", "missing", "there", "stopped"])
def test_who_cannot_go_there_is_held_with_the_reason(database_url: str, why: str) -> None:
    world = in_first(database_url, "2 days")
    if why == "missing":
        asked = world.say("delete sequence Second")
        assert not commands.confirm(
            world.desk, asked.choices[0].proposal or "", actor=ANA, now=world.now
        ).is_refusal
    elif why != "draft":
        world.say("publish sequence Second")
    if why in {"there", "stopped"}:
        world.enrol(ADA, sequence="Second")
    if why == "stopped":
        world.say(f"stop {ADA} in Second")
    world.tick()
    world.later(days=1).tick()
    assert place(world, "First") == ("paused", 1, 1)
    [hold] = world.holds(ADA, "First")
    assert {"draft": "Second is draft", "missing": "there is no such sequence", "there": "is in Second already",
            "stopped": "was stopped"}[why] in hold.reason  # fmt: skip
    assert world.say(f"cancel step {ADA} in First").is_refusal is False
    assert world.status(ADA, "First") == "completed"


def test_whoever_is_suppressed_gets_nothing(database_url: str) -> None:
    world = two(database_url)
    with world.db.write() as session:
        session.add(Suppression(email=ADA, reason="asked", author=ANA.id, at=world.now))
    assert world.later(days=1).tick() == []
    assert place(world, "First")[0] == "paused"
    assert world.enrollment(ADA, "Second") is None


def test_many_go_at_once(database_url: str) -> None:
    emails = [f"lead{number}@acme.test" for number in range(250)]
    world = two(database_url, "2 days", *emails)
    assert len(world.later(days=1).tick()) == 250
    assert {world.status(email, "First") for email in emails[::50]} == {"completed"}


def test_a_jump_to_nowhere_keeps_from_publishing(database_url: str) -> None:
    world = make(database_url)
    world.add(FIRST, publish=False)
    answer = world.say("publish sequence First")
    assert "Step on: There is no sequence called “Second”; write it first" in answer.as_text()


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("  - {id: a, kind: stop}\n  - {id: b, kind: stop}\n", "Step b: Nobody can reach it"),
        ("  - {id: a, kind: jump, to: spring}\n", "Step a: It jumps to its own sequence"),
        ("  - {id: a, kind: condition, when: {tag: hot}, then: c, otherwise: c}\n  - {id: b, kind: stop}\n  - {id: c, kind: stop}\n",
         "Step b: Nobody can reach it"),
        ("  - {id: a, kind: condition, when: opened}\n", "Step a: It needs opens to be tracked; add `track: {opens: true}`."),
    ],
)  # fmt: skip
def test_ways_that_lead_nowhere_keep_from_publishing(steps: str, sentence: str) -> None:
    faults = check(load(f"sequence: Spring\nsteps:\n{steps}"), mailboxes=None, fields=frozenset())
    assert [fault[: len(sentence)] for fault in faults] == [sentence]
