"""What had begun to leave when somebody stopped mail: waited for, and named with its time (DESIGN G1)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from core.handover import Claimed, Fate
from tests.world import PLAIN, World, make

ADA = "ada@acme.test"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada's first step is due."""
    return make(database_url, PLAIN, ADA)


def under_way(world: World) -> Claimed:
    """Ada's step has passed the point of no return."""
    [claim] = world.claims()
    assert world.begin([claim]) == {claim.delivery_id}
    return claim


@pytest.mark.parametrize(
    "text",
    [f"pause {ADA} everywhere", f"stop {ADA}", "halt", "pause sequence Spring", "archive sequence Spring"],
)
def test_a_hand_over_that_ends_meanwhile_is_named_as_left(world: World, text: str) -> None:
    world.tick()
    world.later(days=4)
    claim = under_way(world)
    world.later(seconds=3)
    ending = threading.Timer(0.3, world.report, [claim])
    ending.start()
    began = time.monotonic()

    answer = world.sure(text) if text.startswith("archive") else world.say(text)

    ending.join()
    assert time.monotonic() - began >= 0.25
    assert (
        answer.lines[0]
        == f"Step 2 “Did it reach you, Ada?” to {ADA} in Spring had begun leaving at 10:00:00 and has left."
    )
    assert not answer.is_refusal


def test_a_hand_over_without_an_end_is_named_as_unknown(world: World) -> None:
    world.tick()
    world.later(days=4)
    under_way(world)
    world.wait_seconds = 0.1

    answer = world.say(f"pause {ADA}")

    assert answer.lines == (
        (
            f"Step 2 “Did it reach you, Ada?” to {ADA} in Spring had begun leaving at 10:00:00; "
            "its outcome is still unknown; it may arrive."
        ),
        "Nothing after it leaves until somebody resumes.",
    )


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        (Fate.RETRY, "did not leave, and is held now"),
        (Fate.REFUSED, "was refused, so it did not arrive"),
        (Fate.UNKNOWN, "its outcome is still unknown; it may arrive"),
    ],
)
def test_each_other_end_is_named_as_what_it_is(world: World, fate: Fate, words: str) -> None:
    world.tick()
    world.later(days=4)
    claim = under_way(world)
    ending = threading.Timer(0.1, world.report, [claim, fate, "odd"])
    ending.start()

    answer = world.say(f"pause {ADA}")

    ending.join()
    assert words in answer.lines[0]
    assert world.status(ADA) == "paused"


def test_a_first_step_under_way_can_be_paused(world: World) -> None:
    under_way(world)
    world.wait_seconds = 0.05

    assert "Step 1 “Ada, a question”" in world.say(f"pause {ADA}").lines[0]
    assert world.status(ADA) == "paused"


def test_a_claimed_step_is_taken_back_and_not_waited_for(world: World) -> None:
    world.tick()
    world.later(days=4)
    claims = world.claims()

    answer = world.say(f"pause {ADA}")

    assert "begun" not in answer.as_text()
    assert world.begin(claims) == set()
    assert [delivery.state for delivery in world.deliveries(ADA)] == ["sent", "ready"]


def test_a_stop_drops_the_claim_for_good(world: World) -> None:
    claims = world.claims()

    world.say(f"stop {ADA}")

    assert world.begin(claims) == set()
    [delivery] = world.deliveries(ADA)
    assert (delivery.state, delivery.reason) == ("skipped", "by Ana")


def test_while_all_is_halted_nothing_begins(world: World) -> None:
    claims = world.claims()
    world.say("halt because wrong prices")

    assert world.begin(claims) == set()
    world.later(minutes=5)
    assert world.tick() == []
    assert world.say("halt").is_refusal
    world.say("unhalt")
    world.later(minutes=5)
    assert world.tick() == [(ADA, "intro")]


def test_a_paused_sequence_sends_nothing_and_touches_no_lead(world: World) -> None:
    before = world.enrollment(ADA)
    world.say("pause sequence Spring")

    assert world.tick() == []
    assert world.enrollment(ADA) == before
    world.say("resume sequence Spring")
    assert world.tick() == [(ADA, "intro")]


def test_pauses_and_sends_at_once_never_let_a_mail_slip(database_url: str) -> None:
    """A small race; the thousands are in tests/stories."""
    leads = [f"lead{number}@acme.test" for number in range(12)]
    world = make(database_url, PLAIN, *leads)
    world.tick()
    world.later(days=4)
    claims = world.claims()
    begun: set[int] = set()
    barrier = threading.Barrier(2)

    def send() -> None:
        barrier.wait()
        for claim in claims:
            if world.begin([claim]):
                begun.add(claim.enrollment_id)
                time.sleep(0.005)
                world.report(claim)

    sender = threading.Thread(target=send)
    sender.start()
    barrier.wait()
    named = {}
    for email in leads:
        answer = world.say(f"pause {email}")
        named[email] = "had begun leaving" in answer.as_text()
        row = world.enrollment(email)
        had_gone = row.position == 2
        assert row.status == "paused"
        assert had_gone == (row.id in begun)
        assert not named[email] or had_gone
    sender.join()
    for email in leads:
        assert (world.enrollment(email).position == 2) == (world.enrollment(email).id in begun)
    world.later(days=9)
    assert world.tick() == []


def test_waiting_is_bounded(world: World) -> None:
    world.tick()
    world.later(days=4)
    under_way(world)
    world.wait_seconds = 0.2
    began = time.monotonic()

    world.say(f"stop {ADA}")

    assert timedelta(seconds=time.monotonic() - began) < timedelta(seconds=3)
