"""What comes back and the rules of the sequences: which act, how far, until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.lifecycle import Source
from core.models import Batch, Suppression
from core.reactions import Happened, Reacted, react
from tests.world import PLAIN, START, World, make

ADA, BOB, EVE = "ada@acme.test", "bob@acme.test", "eve@elsewhere.test"
AUTUMN = PLAIN.replace("sequence: Spring", "sequence: Autumn")
OFFICE = PLAIN.replace(
    "lead_zone: false", 'lead_zone: true\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}\nholidays: DE'
)


def ruled(rule: str, text: str = PLAIN) -> str:
    return text.replace("steps:", f"on: {{{rule}}}\nsteps:", 1)


def world_of(url: str, rule: str = "", text: str = PLAIN, *emails: str, **fields: Any) -> World:
    world = make(url, ruled(rule, text) if rule else text, *(emails or (ADA,)), **fields)
    world.tick()
    return world


def happen(
    world: World, event: str, email: str = ADA, *, of: str | None = "Spring", **fields: Any
) -> Reacted:
    fields.setdefault("source", Source.REPLY)
    run = world.enrollment(email, of).id if of else None
    with world.db.write() as session:
        return react(
            session,
            Happened(event, world.lead_id(email), run, reason="“Thanks”", **fields),
            now=world.now,
        )


class TestScope:
    def test_reply_pauses_every_sequence_of_the_lead_and_nobody_else(self, database_url: str) -> None:
        world = world_of(database_url, "", PLAIN, ADA, BOB)
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")

        done = happen(world, "reply")

        assert done.sentence == "Paused in Autumn and Spring until somebody resumes."
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "paused")
        assert world.status(BOB) == "pending"

    def test_scope_sequence_leaves_the_others_alone(self, database_url: str) -> None:
        world = world_of(database_url, "reply: {do: pause, scope: sequence}")
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")

        happen(world, "reply")

        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "pending")

    def test_scope_company_reaches_colleagues_but_no_strangers(self, database_url: str) -> None:
        world = world_of(database_url, "reply: {do: stop, scope: company}", PLAIN, ADA, BOB, EVE)

        done = happen(world, "reply")

        assert done.sentence == "Stopped in Spring, for 2 people of the company."
        assert [world.status(one) for one in (ADA, BOB, EVE)] == ["stopped", "stopped", "pending"]

    def test_scope_company_means_nobody_else_at_a_free_mail_domain(self, database_url: str) -> None:
        world = world_of(
            database_url, "reply: {do: stop, scope: company}", PLAIN, "ada@gmail.com", "bob@gmail.com"
        )

        happen(world, "reply", "ada@gmail.com")

        assert world.status("bob@gmail.com") == "pending"

    def test_without_a_mail_each_sequence_asks_its_own_rule_and_the_strongest_wins(
        self, database_url: str
    ) -> None:
        world = world_of(database_url, "reply: {do: continue, scope: sequence}")
        world.add(ruled("reply: {do: stop, scope: sequence}", AUTUMN))
        world.enrol(ADA, sequence="Autumn")

        happen(world, "reply", of=None)

        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("pending", "stopped")

    def test_rule_of_an_ended_run_still_holds_the_others(self, database_url: str) -> None:
        world = world_of(database_url)
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")
        world.say(f"stop {ADA} in Spring")

        happen(world, "reply")

        assert world.status(ADA, "Autumn") == "paused"


class TestUntil:
    def test_out_until_june_15_is_back_the_working_day_after_and_a_day_of_grace(
        self, database_url: str
    ) -> None:
        world = world_of(
            database_url, "", OFFICE, zone="America/New_York", now=datetime(2027, 6, 1, 15, tzinfo=UTC)
        )

        happen(world, "out_of_office", source=Source.OUT_OF_OFFICE, back_on=date(2027, 6, 15))

        # Tuesday 15 June is the day of return; the 16th is the first working day after it, the 17th its grace.
        assert [hold.until for hold in world.holds(ADA)] == [datetime(2027, 6, 17, 13, tzinfo=UTC)]

    @pytest.mark.parametrize(
        ("grace", "until"),
        [("0 days", datetime(2027, 6, 16, 7, tzinfo=UTC)), ("3 days", datetime(2027, 6, 21, 7, tzinfo=UTC))],
    )
    def test_grace_of_the_sequence_is_added(self, database_url: str, grace: str, until: datetime) -> None:
        world = world_of(database_url, "", OFFICE.replace("steps:", f"grace: {grace}\nsteps:", 1))

        happen(world, "out_of_office", source=Source.OUT_OF_OFFICE, back_on=date(2027, 6, 15))

        assert [hold.until for hold in world.holds(ADA)] == [until]

    def test_absence_without_a_date_lasts_seven_days(self, database_url: str) -> None:
        world = world_of(database_url)

        happen(world, "out_of_office", source=Source.OUT_OF_OFFICE)

        assert [hold.until for hold in world.holds(ADA)] == [START + timedelta(days=7)]

    def test_absence_with_a_doubtful_date_waits_for_a_person(self, database_url: str) -> None:
        world = world_of(database_url)

        happen(world, "out_of_office", source=Source.OUT_OF_OFFICE, is_open_ended=True)

        assert [hold.until for hold in world.holds(ADA)] == [None]

    def test_meeting_holds_until_two_hours_after_its_end(self, database_url: str) -> None:
        world = world_of(database_url)
        ends_at = START + timedelta(days=2)

        happen(world, "meeting", source=Source.MEETING, ends_at=ends_at)

        assert [hold.until for hold in world.holds(ADA)] == [ends_at + timedelta(hours=2)]

    def test_moved_meeting_moves_its_hold(self, database_url: str) -> None:
        world = world_of(database_url)
        first = happen(world, "meeting", source=Source.MEETING, ends_at=START + timedelta(days=2))
        with world.db.write() as session:
            run = world.enrollment(ADA).id
            happened = Happened("meeting", world.lead_id(ADA), run, Source.MEETING, "moved",
                                ends_at=START + timedelta(days=1))  # fmt: skip
            react(session, happened, now=world.now, replaces=first.batch_id)

        assert [hold.until for hold in world.holds(ADA)] == [START + timedelta(days=1, hours=2)]
        assert world.status(ADA) == "paused"

    def test_second_absence_prolongs_and_never_shortens(self, database_url: str) -> None:
        world = world_of(database_url)
        for day in (15, 22, 18):
            happen(world, "out_of_office", source=Source.OUT_OF_OFFICE, back_on=date(2027, 6, day))

        [hold] = world.holds(ADA)
        assert hold.until is not None
        assert hold.until.date() > date(2027, 6, 22)

    def test_a_persons_hold_outlives_the_absence(self, database_url: str) -> None:
        world = world_of(database_url)
        world.say(f"pause {ADA}")
        happen(world, "out_of_office", source=Source.OUT_OF_OFFICE, back_on=date(2027, 6, 3))

        world.later(days=30).tick()

        assert world.status(ADA) == "paused"
        assert [hold.source for hold in world.holds(ADA)] == ["person"]


class TestStop:
    def test_unsubscribe_stops_everywhere_and_suppresses(self, database_url: str) -> None:
        world = world_of(database_url)

        done = happen(world, "unsubscribe", suppress="asked by mail")

        assert world.status(ADA) == "stopped"
        assert "suppressed" in done.sentence
        with world.read() as session:
            assert session.get_one(Suppression, ADA).reason == "asked by mail"

    def test_address_is_suppressed_even_when_no_sequence_runs(self, database_url: str) -> None:
        world = world_of(database_url)
        world.say(f"stop {ADA}")

        happen(world, "unsubscribe", of=None, suppress="asked by mail")

        with world.read() as session:
            assert session.get(Suppression, ADA) is not None

    def test_rule_that_only_pauses_a_bounce_suppresses_nothing(self, database_url: str) -> None:
        world = world_of(database_url, "bounce: pause")

        happen(world, "bounce", source=Source.BOUNCE, suppress="bounced")

        assert world.status(ADA) == "paused"
        with world.read() as session:
            assert session.get(Suppression, ADA) is None

    def test_the_whole_reaction_is_one_batch_that_can_be_undone(self, database_url: str) -> None:
        world = world_of(database_url)
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")
        done = happen(world, "unsubscribe", suppress="asked by mail")

        answer = world.say(f"undo {done.batch_id}")

        assert not answer.is_refusal
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("pending", "pending")
        with world.read() as session:
            assert session.get_one(Batch, done.batch_id).verb == "unsubscribe"


def test_what_continues_says_so(database_url: str) -> None:
    world = world_of(database_url, "reply: continue")
    assert happen(world, "reply").sentence == "The sequence's rule says to continue, so nothing was changed."
    assert world.status(ADA) == "pending"


def test_skipped_lead_stays_skipped(database_url: str) -> None:
    world = make(database_url, PLAIN, ADA)
    world.say(f"skip {ADA} in Spring")
    happen(world, "reply")
    assert world.status(ADA) == "skipped"
