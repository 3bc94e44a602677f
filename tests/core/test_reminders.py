"""Reminders: asked for in the person's own words and zone, once, late rather than lost, with the buttons."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from core import commands, releases, views
from core.answers import NoticeCard
from core.models import Absence, Digest, Reminder
from core.people import Actor
from core.reminders import remind_due
from tests.world import ANA, BEN, PLAIN, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
NINE_ON_15_JUNE = datetime(2027, 6, 15, 7, tzinfo=UTC)  # in Berlin


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob have had the first step; the second comes 4 days after it."""
    world = make(database_url, PLAIN, ADA, BOB)
    world.tick()
    return world


def rows(world: World) -> list[Reminder]:
    with world.read() as session:
        return list(session.exec(select(Reminder).order_by(col(Reminder.id))))


def due(world: World) -> int:
    return remind_due(world.db, now=world.now)


def shown(world: World, number: int = 1) -> NoticeCard:
    [card] = [card for card in world.cards() if card.key == f"reminder:{number}"]
    with world.read() as session:
        view = views.view(session, card, now=world.now)
    assert isinstance(view, NoticeCard)
    return view


class TestAsking:
    def test_a_day_alone_is_nine_o_clock_where_the_person_is(self, world: World) -> None:
        answer = world.say(f"remind {ADA} on June 15 because ask for the logo")

        assert (
            answer.title == f"You will be reminded of {ADA} on Tuesday 15 June 2027, 09:00 (Europe/Berlin)."
        )
        assert [(row.at, row.person, row.note) for row in rows(world)] == [
            (NINE_ON_15_JUNE, ANA.id, "ask for the logo")
        ]
        assert "09:00 (America/New_York)" in world.say(f"remind {ADA} on June 15", BEN).title

    def test_a_reason_without_its_word_is_asked_about(self, world: World) -> None:
        answer = world.say(f"remind {ADA} on June 15 10:00 call her first")

        assert "Is “call her first” the reason?" in answer.title
        assert [choice.label for choice in answer.choices] == ["Tuesday 15 June 2027, 10:00 (Europe/Berlin)"]
        assert not rows(world)
        world.say(answer.choices[0].command)
        assert [(row.at, row.note) for row in rows(world)] == [
            (NINE_ON_15_JUNE + timedelta(hours=1), "call her first")
        ]

    def test_whoever_moved_their_digest_is_reminded_at_that_hour(self, world: World) -> None:
        with world.db.write() as session:
            session.add(Digest(place=ANA.id, at="07:15"))

        assert ", 07:15 (" in world.say(f"remind {ADA} on June 15").title

    @pytest.mark.parametrize(
        "phrase", ["at 15:00", "today at 15:00", "tomorrow at 8", "in 3 days", "on Sunday"]
    )
    def test_times_and_spans_are_read_as_for_a_pause(self, world: World, phrase: str) -> None:
        assert not world.say(f"remind {ADA} {phrase}").is_refusal

    @pytest.mark.parametrize(
        ("phrase", "sentence"),
        [
            ("on May 3 2027", "has passed"),
            ("today", "has passed; name a time"),
            ("on someday", "date"),
        ],
    )
    def test_what_has_passed_or_is_no_date_is_refused(self, world: World, phrase: str, sentence: str) -> None:
        answer = world.say(f"remind {ADA} {phrase}")

        assert answer.is_refusal
        assert sentence in answer.title
        assert rows(world) == []

    def test_the_same_twice_is_told_and_not_stored(self, world: World) -> None:
        world.say(f"remind {ADA} on June 15")

        assert world.say(f"remind {ADA} on June 15").title.endswith("already; nothing was changed.")
        assert len(rows(world)) == 1

    def test_the_command_line_is_told_to_ask_in_slack(self, world: World) -> None:
        answer = world.say(f"remind {ADA} on June 15", Actor("cli:ana", "ana"))

        assert (answer.is_refusal, answer.title) == (
            True,
            "A reminder comes as a direct message, so ask for it in Slack.",
        )

    def test_more_than_ten_leads_are_shown_first(self, world: World) -> None:
        world.enrol(*(f"l{number}@many.test" for number in range(11)))

        answer = world.say("remind @many.test on June 15")

        assert answer.title == "Remind you of 11 leads at many.test?"
        assert rows(world) == []
        proposal = answer.choices[0].proposal
        assert proposal
        done = commands.confirm(world.desk, proposal, actor=ANA, now=world.now)
        assert done.title.startswith("You will be reminded of 11 leads on Tuesday 15 June 2027, 09:00")
        assert len(rows(world)) == 11

    def test_the_list_is_ones_own_and_cancels(self, world: World) -> None:
        world.say(f"remind {BOB} on June 16")
        world.say(f"remind {ADA} on June 15 because logo")
        world.say(f"remind {ADA} on June 17", BEN)

        answer = world.say("reminders")

        assert answer.title == "2 reminders, the next first."
        assert [(row.title, row.detail) for row in answer.rows] == [
            (ADA, "on Tuesday 15 June 2027, 09:00 (Europe/Berlin): logo"),
            (BOB, "on Wednesday 16 June 2027, 09:00 (Europe/Berlin)"),
        ]
        cancel = answer.rows[0].choices[0].command
        assert world.say(cancel, BEN).title == "That is a reminder of Ana's; nothing was changed."
        assert world.say(cancel).title == f"You will not be reminded of {ADA}."
        assert world.say(cancel).is_refusal
        assert world.say("reminders").title == "1 reminder, the next first."

    def test_who_is_unknown_is_said_before_the_day_is_asked_for(self, world: World) -> None:
        assert "nobody@x.test" in world.say("remind nobody@x.test").title
        assert "When should I remind you?" in world.say(f"remind {ADA}").title


class TestComing:
    def test_comes_once_at_its_moment_to_the_person(self, world: World) -> None:
        world.say(f"remind {ADA} on June 15")
        with world.read() as session:
            event = releases.next_event(session, now=NINE_ON_15_JUNE - timedelta(hours=1))
        assert event == (
            NINE_ON_15_JUNE - timedelta(hours=1),
            "a step is due",
        )  # nothing has been sent meanwhile

        world.now = NINE_ON_15_JUNE - timedelta(seconds=1)
        assert due(world) == 0
        world.now = NINE_ON_15_JUNE
        assert [due(world), due(world)] == [1, 0]
        [card] = [card for card in world.cards() if card.kind == "reminder"]
        assert (card.channel, card.lead_id) == (ANA.id, world.lead_id(ADA))
        [line] = world.journal("reminded")
        assert (line.lead_id, line.actor) == (world.lead_id(ADA), "system")

    def test_is_an_event_of_the_clock(self, world: World) -> None:
        world.say(f"stop {ADA}")
        world.say(f"stop {BOB}")
        world.say(f"remind {ADA} on June 15")

        with world.read() as session:
            assert releases.next_event(session, now=world.now) == (NINE_ON_15_JUNE, "a reminder is due")

    def test_a_cancelled_one_does_not_come(self, world: World) -> None:
        answer = world.say(f"remind {ADA} on June 15")
        world.say(answer.choices[0].command)

        assert due(world.later(days=30)) == 0

    def test_two_workers_at_once_show_it_once(self, world: World) -> None:
        for number in range(1, 9):
            world.say(f"remind {ADA} on June 15 because {number}")
        world.now = NINE_ON_15_JUNE

        with ThreadPoolExecutor(4) as pool:
            came = sum(pool.map(lambda _: due(world), range(4)))

        assert came == 8
        assert len([card for card in world.cards() if card.kind == "reminder"]) == 8
        assert len(world.journal("reminded")) == 8

    def test_late_rather_than_lost_and_says_so(self, world: World) -> None:
        world.say(f"remind {ADA} on June 15")
        world.now = NINE_ON_15_JUNE + timedelta(hours=5)

        assert due(world) == 1
        assert shown(world).facts[-1] == (
            "It was due on Tuesday 15 June 2027, 09:00 (Europe/Berlin) and comes late: Fermata was not running then"
        )

    def test_goes_to_whoever_covers_for_an_absent_person_and_says_for_whom(self, world: World) -> None:
        world.say(f"remind {ADA} on June 15")
        with world.db.write() as session:
            until = NINE_ON_15_JUNE + timedelta(days=1)
            session.add(
                Absence(person=ANA.id, cover=BEN.id, until=until, created_at=world.now, created_by=ANA.id)
            )
        world.now = NINE_ON_15_JUNE
        due(world)

        [card] = [card for card in world.cards() if card.kind == "reminder"]
        assert card.channel == BEN.id
        assert "for Ana, who is away" in shown(world).facts
        assert world.say("card reminder 1 done", BEN).title == f"Done: the reminder of {ADA}."


class TestTheCard:
    @pytest.fixture
    def world(self, world: World) -> World:
        """Ada is paused, and her reminder has come."""
        world.say(f"pause {ADA} because budget")
        world.say(f"remind {ADA} on June 15 because ask again")
        world.now = NINE_ON_15_JUNE
        due(world)
        return world

    def test_tells_where_the_lead_stands_and_offers_what_can_be_done(self, world: World) -> None:
        view = shown(world)

        assert (view.title, view.quote) == (f"Reminder: {ADA}", "ask again")
        assert view.lines == (
            "Spring, step 2 of 3: Paused by Ana since Tuesday 1 June 2027, 10:00 (Europe/Berlin): budget.",
        )
        assert [choice.label for choice in view.choices] == [
            "Resume", "Resume on a date…", "Done", "Tomorrow", "+1 week", "Stop",
        ]  # fmt: skip

    def test_resumes_once_and_never_from_an_old_card(self, world: World) -> None:
        resume = shown(world).choices[0].command

        assert world.say(resume).title == f"Resumed {ADA} in Spring."
        world.say(f"pause {ADA}")
        assert world.say(resume, BEN).is_refusal
        assert world.status(ADA) == "paused"

    def test_is_drawn_anew_when_the_lead_changes(self, world: World) -> None:
        [before] = [card.wanted for card in world.cards() if card.kind == "reminder"]

        world.say(f"stop {ADA}")

        [after] = [card.wanted for card in world.cards() if card.kind == "reminder"]
        assert after > before
        assert shown(world).lines == ("No sequence of this lead is running.",)
        assert [choice.label for choice in shown(world).choices] == ["Done", "Tomorrow", "+1 week"]

    def test_done_is_said_once_and_names_who_was_first(self, world: World) -> None:
        assert world.say("card reminder 1 done").title == f"Done: the reminder of {ADA}."

        again = world.say("card reminder 1 tomorrow")

        assert (again.is_refusal, again.title) == (
            True,
            "Ana was done with it at 09:00:00. Nothing was changed.",
        )
        assert shown(world).verdict == "Ana was done with it at 09:00:00."
        assert shown(world).choices == ()
        assert len(rows(world)) == 1

    @pytest.mark.parametrize("answer", ["done", "tomorrow", "one week later"])
    def test_an_answer_is_taken_back_and_the_card_asks_again(self, world: World, answer: str) -> None:
        asks = shown(world)
        said = world.say(f"card reminder 1 {answer}")
        assert "a reminder of Ana's" in world.say(f"undo {said.batch_id}", BEN).title

        undone = world.say(f"undo {said.batch_id}")

        assert f"The reminder of {ADA} asks again." in undone.lines
        assert shown(world) == asks
        assert not world.say("reminders").rows
        assert world.say(f"undo {said.batch_id}").is_refusal
        assert not world.say("card reminder 1 tomorrow").is_refusal

    def test_what_has_come_again_is_not_taken_back(self, world: World) -> None:
        said = world.say("card reminder 1 tomorrow")
        due(world.later(days=1))
        assert "has come or was changed since" in world.say(f"undo {said.batch_id}").title
        assert rows(world)[0].done_at is not None

    def test_asking_and_cancelling_are_taken_back(self, world: World) -> None:
        world.say(f"remind {BOB} on June 18")
        assert not world.later(minutes=1).say("undo").is_refusal
        assert not world.say("reminders").rows
        world.later(minutes=1).say(f"remind {BOB} on June 18")
        said = world.later(minutes=1).say("card reminder 3 cancel")
        assert "after all" in str(world.later(minutes=1).say(f"undo {said.batch_id}").lines)
        assert len(world.say("reminders").rows) == 1

    @pytest.mark.parametrize(("answer", "days"), [("tomorrow", 1), ("one week later", 7)])
    def test_comes_again_at_the_same_time_of_day(self, world: World, answer: str, days: int) -> None:
        world.later(hours=3)

        said = world.say(f"card reminder 1 {answer}")

        at = NINE_ON_15_JUNE + timedelta(days=days)
        assert said.title.startswith(f"The reminder of {ADA} comes again on ")
        assert [(row.at, row.person, row.note) for row in rows(world)][1:] == [(at, ANA.id, "ask again")]
        assert "asked at 12:00:00 to be reminded again on" in str(shown(world).verdict)
        world.now = at
        assert due(world) == 1
        assert shown(world, 2).quote == "ask again"

    @pytest.mark.parametrize(
        "press", ["card reminder 99 done", "card reminder 0 done", f"card reminder {10**12} done"]
    )
    def test_one_that_is_not_there_is_told(self, world: World, press: str) -> None:
        assert world.say(press).title == "That reminder is no longer here."
