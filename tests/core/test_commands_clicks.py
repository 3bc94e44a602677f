"""Buttons of cards: stale ones, forms, uncertain deliveries and tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core import commands, dates
from core.answers import Answer
from core.dates import When
from core.handover import Fate
from core.people import Actor
from tests.world import ANA, BEN, PLAIN, World, make

ADA = "ada@acme.test"
TASK = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
steps:
  - id: call
    kind: task
    title: Call {{ first_name }}
    note: Ask who plans the season.
  - id: nudge
    delay: 1 day
    subject: Good to talk
    body: Hi, reply STOP to opt out.
"""


def picked(moment: datetime) -> When:
    """A moment chosen in a form by somebody in Berlin."""
    return When(moment, moment.date(), "Europe/Berlin", has_time=True)


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has had the first step and has a card."""
    world = make(database_url, PLAIN, ADA)
    world.tick()
    return world


class TestStale:
    def test_a_button_of_an_old_card_does_nothing_and_says_who_acted(self, world: World) -> None:
        world.say(f"pause {ADA}")
        old = world.enrollment(ADA).version
        world.later(minutes=2)
        world.say(f"resume {ADA}", actor=BEN)
        world.say(f"pause {ADA}", actor=BEN)

        answer = world.click("resume", ADA, version=old)

        assert (answer.title, answer.is_refusal) == (
            "Ben paused it at 10:02:00; the card is up to date now.",
            True,
        )
        assert world.status(ADA) == "paused"

    def test_it_asks_for_a_redraw(self, world: World) -> None:
        with world.db.write() as session:
            from core.cards import show_lead

            show_lead(session, lead_id=world.lead_id(ADA), channel="C0SALES", now=world.now)
        world.say(f"pause {ADA}")
        [before] = world.cards()

        world.click("resume", ADA, version=1)

        [after] = world.cards()
        assert after.wanted > before.wanted

    @pytest.mark.parametrize(("verb", "status"), [("pause", "paused"), ("stop", "stopped")])
    def test_pause_and_stop_still_act(self, world: World, verb: str, status: str) -> None:
        answer = world.click(verb, ADA, version=0)

        assert not answer.is_refusal
        assert world.status(ADA) == status

    def test_the_sender_counts_as_somebody(self, world: World) -> None:
        world.later(days=4)
        old = world.enrollment(ADA).version
        world.tick()

        assert world.click("cancel", ADA, version=old).title.startswith(
            "Fermata handed a step over at 10:00:00"
        )

    def test_a_card_of_a_lead_that_is_gone(self, world: World) -> None:
        answer = commands.click(world.desk, "pause", enrollment_id=404, version=1, actor=ANA, now=world.now)

        assert (answer.title, answer.is_refusal) == ("This lead is no longer here.", True)


class TestForms:
    def test_pause_until_a_picked_moment_with_a_reason(self, world: World) -> None:
        until = datetime(2027, 6, 15, 7, tzinfo=UTC)

        answer = world.click("pause", ADA, when=picked(until), reason="travelling")

        assert answer.title == f"Paused {ADA} in Spring until Tuesday 15 June 2027, 09:00 (Europe/Berlin)."
        assert answer.card_leads == ()  # the card that was clicked is redrawn
        assert [(hold.until, hold.reason) for hold in world.holds(ADA)] == [(until, "travelling")]

    def test_resume_on_a_picked_moment(self, world: World) -> None:
        world.say(f"pause {ADA}")

        world.click("resume", ADA, when=picked(datetime(2027, 6, 15, 7, tzinfo=UTC)), policy="at")

        assert world.enrollment(ADA).due_at == datetime(2027, 6, 15, 7, tzinfo=UTC)

    def test_pause_until_a_day_holds_as_long_as_the_typed_command(self, world: World) -> None:
        eve = Actor("U0EVE", "Eve", "America/New_York")
        world.say(f"pause {ADA} until June 15", actor=eve)
        [typed] = [hold.until for hold in world.holds(ADA)]
        world.say(f"resume {ADA}")

        day = dates.read("June 15", now=world.now, zone=eve.zone, kind="until")
        answer = world.click("pause", ADA, when=day, actor=eve)

        assert [hold.until for hold in world.holds(ADA)] == [typed]
        assert typed == datetime(2027, 6, 15, 22, tzinfo=UTC)  # the end of the day where Ada is
        assert answer.title == f"Paused {ADA} in Spring until Tuesday 15 June 2027 (America/New_York)."

    def test_resume_on_a_day_means_its_first_moment_for_the_lead(self, world: World) -> None:
        world.say(f"pause {ADA}")

        day = dates.read("June 15", now=world.now, zone="America/New_York", kind="on")
        answer = world.click("resume", ADA, when=day, policy="at")

        assert world.enrollment(ADA).due_at == datetime(2027, 6, 14, 22, tzinfo=UTC)
        assert answer.lines[0] == "The date you named counts: Tuesday 15 June 2027 (America/New_York)."

    def test_what_the_date_needs_said_is_said(self, world: World) -> None:
        nobody_knows_where = Actor("U0CAI", "Cai", zone="")
        day = dates.read("June 15", now=world.now, zone="Europe/Berlin", kind="until")

        answer = world.click("pause", ADA, when=replace(day, note="A note."), actor=nobody_knows_where)

        assert answer.lines[-2] == "A note."
        assert answer.lines[-1].startswith("Your profile has no time zone")

    def test_resume_keeping_the_date(self, world: World) -> None:
        world.later(days=1)
        world.say(f"pause {ADA}")
        world.later(days=1)

        answer = world.click("resume", ADA, policy="keep")

        assert "Policy keep" in answer.lines[0]

    @pytest.mark.parametrize(
        "verb", ["skip", "unskip", "start", "restart", "cancel", "resend", "task_done", "task_skip", "odd"]
    )
    def test_every_button_answers(self, world: World, verb: str) -> None:
        assert world.click(verb, ADA).title

    def test_pause_before_the_start_offers_to_skip(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)

        assert [choice.label for choice in world.click("pause", ADA).choices] == ["Skip instead"]
        assert world.click("skip", ADA).title == f"Skipped {ADA} in Spring."
        assert world.click("unskip", ADA).title == f"Unskipped {ADA} in Spring."


class TestUncertain:
    @pytest.fixture
    def delivery_id(self, world: World) -> int:
        """The second step was under way when the connection broke."""
        world.later(days=4)
        [claim] = world.claims()
        world.begin([claim])
        world.report(claim, Fate.UNKNOWN, "connection lost after DATA")
        return claim.delivery_id

    def settle(self, world: World, delivery_id: int, verdict: str, actor: Actor = ANA) -> Answer:
        return commands.settle(
            world.desk, delivery_id=delivery_id, verdict=verdict, actor=actor, now=world.now
        )

    def test_it_waits_and_is_not_sent_again_by_itself(self, world: World, delivery_id: int) -> None:
        world.later(days=30)

        assert world.tick() == []
        assert "First say on its card" in world.say(f"resume {ADA}").title

    def test_it_left(self, world: World, delivery_id: int) -> None:
        answer = self.settle(world, delivery_id, "left")

        assert answer.title == f"It left: step 2 of {ADA} in Spring."
        assert (world.status(ADA), world.enrollment(ADA).position) == ("pending", 2)
        assert [delivery.state for delivery in world.deliveries(ADA)] == ["sent", "sent"]

    def test_drop(self, world: World, delivery_id: int) -> None:
        self.settle(world, delivery_id, "drop")

        assert world.enrollment(ADA).position == 2
        assert world.deliveries(ADA)[-1].state == "uncertain"  # it may have left, and no row may deny that
        assert self.settle(world, delivery_id, "left").is_refusal

    @pytest.mark.row(62)
    def test_two_people_press_send_again_and_one_is_told(self, world: World, delivery_id: int) -> None:
        first = self.settle(world, delivery_id, "again", BEN)
        second = self.settle(world, delivery_id, "again")

        assert not first.is_refusal
        assert second.title == "Ben settled this at 10:00:00: send again; nothing was changed."
        assert world.tick() == [(ADA, "nudge")]
        world.later(minutes=10)
        assert world.tick() == []

    def test_by_typing(self, world: World, delivery_id: int) -> None:
        assert world.say(f"settle {delivery_id} left").title.startswith("It left")

    def test_an_unknown_delivery(self, world: World) -> None:
        assert self.settle(world, 404, "left").title == "That delivery is no longer here."


class TestTask:
    @pytest.fixture
    def tasked(self, database_url: str) -> World:
        """Ada's first step is a task, and it is open."""
        world = make(database_url, TASK, ADA)
        world.tick()
        return world

    def test_done_starts_the_next_countdown(self, tasked: World) -> None:
        tasked.later(hours=5)

        answer = tasked.click("task_done", ADA)

        assert answer.title == f"Task done: {ADA} in Spring."
        assert tasked.deliveries(ADA)[0].state == "sent"
        tasked.later(days=1)
        assert tasked.tick() == [(ADA, "nudge")]

    def test_skipped_goes_on(self, tasked: World) -> None:
        tasked.click("task_skip", ADA)

        assert tasked.deliveries(ADA)[0].state == "skipped"
        assert tasked.enrollment(ADA).position == 1

    def test_is_hidden_while_paused(self, tasked: World) -> None:
        assert tasked.say(f"pause {ADA}").lines[0] == "The task of step 1 is hidden until somebody resumes."

        assert tasked.click("task_done", ADA).title == (
            f"{ADA} in Spring is paused. Resume it first; its task comes back then."
        )
        tasked.say(f"resume {ADA}")
        assert not tasked.click("task_done", ADA).is_refusal

    def test_twice_is_refused(self, tasked: World) -> None:
        tasked.click("task_done", ADA)

        assert "no open task any more" in tasked.click("task_done", ADA).title


@pytest.mark.parametrize("number", [2**31, 2**40, 2**63 - 1])
def test_number_beyond_every_row_is_refused(world: World, number: int) -> None:
    pressed = commands.click(world.desk, "pause", enrollment_id=number, version=1, actor=ANA, now=world.now)
    settled = commands.settle(world.desk, delivery_id=number, verdict="left", actor=ANA, now=world.now)
    assert pressed.is_refusal
    assert settled.is_refusal
    for text in (f"undo {number}", f"card meeting {number} happened", f"card review {number} reply",
                 f"card return {number} stop", f"card backlog {number} drop", f"settle {number} left"):  # fmt: skip
        assert world.say(text).is_refusal, text
