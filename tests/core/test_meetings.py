"""Meetings: booked, moved, cancelled, missed, over; in any order, however often, and what people answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlmodel import select

from core import meetings, views
from core.answers import NoticeCard
from core.meetings import OLD_NEWS, MeetingNews, State
from core.models import Hold, Meeting
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA, BOB = "ada@acme.test", "bob@acme.test"
DEMO = datetime(2027, 6, 10, 12, 0, tzinfo=UTC)  # a Thursday, 14:00 in Berlin
HOUR = timedelta(hours=1)
TWO_HOURS = timedelta(hours=2)
AUTUMN = PLAIN.replace("sequence: Spring", "sequence: Autumn")


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has had the first mail of Spring, an hour ago."""
    world = make(database_url, PLAIN, ADA, name="Ada Lovelace")
    world.tick()
    return world.later(hours=1)


def news(state: str = "booked", number: int = 0, said: int = 0, **fields: object) -> MeetingNews:
    """News of the demo; `said` orders it, in minutes."""
    told = {
        "key": "calendar:demo",
        "source": "calendar",
        "starts_at": DEMO,
        "ends_at": DEMO + HOUR,
        "title": "Demo",
        "changed_at": START + timedelta(minutes=said),
    } | fields
    return MeetingNews(state=state, number=number, **told)


def moved(to: datetime, **fields: object) -> MeetingNews:
    return news(**{"starts_at": to, "ends_at": to + HOUR, **fields})


def tell(world: World, *told: MeetingNews, email: str = ADA) -> str:
    """Tell the news one after the other, each in its own transaction; the sentence is the last one's."""
    said = ""
    lead_id = world.lead_id(email)
    for one in told:
        with world.db.write() as session:
            said = meetings.note(session, lead_id, None, one, now=world.now)
    return said


def held_until(world: World, sequence: str = "Spring") -> list[datetime | None]:
    return [hold.until for hold in world.holds(ADA, sequence)]


def rows(world: World) -> list[Meeting]:
    with world.read() as session:
        return list(session.exec(select(Meeting).order_by(Meeting.id)))


def ask(world: World) -> int:
    return meetings.ask_about_ended(world.db, now=world.now)


def question(world: World, number: int = 0) -> NoticeCard:
    """The view of the card that asks."""
    key = f"meeting:{rows(world)[number].id}"
    [card] = [card for card in world.cards() if card.key == key]
    with world.read() as session:
        return views.view(session, card, now=world.now)


def press(world: World, answer: str, actor=ANA, number: int = 0):
    return world.say(f"card meeting {rows(world)[number].id} {answer}", actor)


def commands(card: NoticeCard) -> list[str]:
    return [choice.command.split(" ", 3)[3] for choice in card.choices]


class TestNews:
    def test_booked_pauses_every_sequence_until_two_hours_after_the_end(self, world: World) -> None:
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")
        said = tell(world, news())
        assert said == (
            "“Demo” is booked for Thursday 10 June 2027, 14:00 (Europe/Berlin). "
            "Paused in Autumn and Spring until Thursday 10 June 2027, 17:00 (Europe/Berlin)."
        )
        assert held_until(world) == held_until(world, "Autumn") == [DEMO + HOUR + TWO_HOURS]
        assert world.run_until(DEMO + HOUR + TWO_HOURS - timedelta(minutes=1)) == []

    def test_nobody_answers_so_the_hold_ends_by_itself(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR + TWO_HOURS
        world.tick()
        assert world.status(ADA) == "pending"

    def test_booked_is_shown_without_a_question(self, world: World) -> None:
        tell(world, news())
        [card] = world.cards()
        assert (card.key, card.kind, card.channel) == (
            f"meeting:{rows(world)[0].id}:news",
            "meeting",
            "C0SALES",
        )
        with world.read() as session:
            shown = views.view(session, card, now=world.now)
        assert (shown.title, shown.quote, shown.choices) == ("Ada Lovelace booked a meeting", "Demo", ())
        assert shown.lines[1] == "Paused in Spring until Thursday 10 June 2027, 17:00 (Europe/Berlin)."

    def test_rule_of_the_sequence_says_how_long(self, database_url: str) -> None:
        rule = "on:\n  meeting:\n    do: pause\n    until: 1 day\nsteps:"
        world = make(database_url, PLAIN.replace("steps:", rule), ADA)
        tell(world, news())
        assert held_until(world) == [DEMO + HOUR + timedelta(days=1)]

    def test_moved_moves_the_pause(self, world: World) -> None:
        later = DEMO + timedelta(days=2)
        said = tell(world, news(), moved(later, number=1, said=5))
        assert said.startswith("“Demo” was moved to Saturday 12 June 2027, 14:00 (Europe/Berlin).")
        assert held_until(world) == [later + HOUR + TWO_HOURS]
        assert len(rows(world)) == 1

    def test_moved_forward_shortens_the_pause(self, world: World) -> None:
        sooner = DEMO - timedelta(days=3)
        tell(world, news(), moved(sooner, number=1, said=5))
        assert held_until(world) == [sooner + HOUR + TWO_HOURS]

    @pytest.mark.row(122)
    def test_lower_sequence_after_a_higher_one_is_ignored(self, world: World) -> None:
        later = DEMO + timedelta(days=2)
        assert tell(world, moved(later, number=2), news(number=1, said=30)) == OLD_NEWS
        assert held_until(world) == [later + HOUR + TWO_HOURS]

    def test_same_news_again_does_nothing(self, world: World) -> None:
        tell(world, news())
        holds = [hold.id for hold in world.holds(ADA)]
        assert tell(world, news(), news()) == OLD_NEWS
        assert [hold.id for hold in world.holds(ADA)] == holds
        assert len(world.journal("pause")) == 1

    def test_same_time_told_anew_does_nothing(self, world: World) -> None:
        tell(world, news())
        assert tell(world, news(number=1, said=9)) == OLD_NEWS
        assert len(world.journal("pause")) == 1

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_any_order_ends_alike(self, sqlite_url: str, order: tuple[int, ...]) -> None:
        world = make(sqlite_url, PLAIN, ADA, name="Ada Lovelace")
        later = DEMO + timedelta(days=2)
        story = [news(), moved(later, number=1, said=5), moved(later, state="cancelled", number=2, said=8)]
        tell(world.later(hours=1), *(story[n] for n in order), *story)
        assert held_until(world) == [later + HOUR + TWO_HOURS]
        assert [row.state for row in rows(world)] == ["cancelled"]
        assert question(world).title == "The meeting with Ada Lovelace was cancelled: go on, or stay paused?"

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_meeting_that_gets_a_new_id_when_moved_is_still_one(
        self, sqlite_url: str, order: tuple[int, ...]
    ) -> None:
        world = make(sqlite_url, PLAIN, ADA)
        times = [DEMO, DEMO + timedelta(days=1), DEMO - timedelta(days=2)]
        story = [
            moved(at, key=f"calendly:{n}", instead_of=f"calendly:{n - 1}" if n else "", said=n)
            for n, at in enumerate(times)
        ]
        tell(world.later(hours=1), *(story[n] for n in order), *story)
        assert held_until(world) == [times[2] + HOUR + TWO_HOURS]
        assert {row.key.split()[1]: row.state for row in rows(world)} == {
            "calendly:0": "moved",
            "calendly:1": "moved",
            "calendly:2": "booked",
        }

    def test_news_that_may_be_a_replay_shortens_no_pause(self, world: World) -> None:
        sooner = DEMO - timedelta(days=3)
        tell(world, news(), moved(sooner, said=5, may_release=False))
        assert sorted(held_until(world)) == [sooner + HOUR + TWO_HOURS, DEMO + HOUR + TWO_HOURS]

    def test_cancelled_keeps_the_pause_and_asks(self, world: World) -> None:
        tell(world, news(), news("cancelled", number=1, said=5))
        assert held_until(world) == [DEMO + HOUR + TWO_HOURS]
        assert commands(question(world)) == ["resume", "keep"]

    def test_declined_books_nothing_and_waits_for_review(self, world: World) -> None:
        tell(world, news("declined"))
        assert [row.state for row in rows(world)] == ["declined"]
        assert [(hold.source, hold.until) for hold in world.holds(ADA)] == [("reply", None)]
        assert question(world).title == "Ada Lovelace declined the meeting: go on, or stay paused?"

    def test_accepted_after_declined_is_booked(self, world: World) -> None:
        tell(world, news("declined"), news(said=5))
        assert [(hold.source, hold.until) for hold in world.holds(ADA)] == [
            ("meeting", DEMO + HOUR + TWO_HOURS)
        ]

    def test_time_unknown_holds_without_an_end_and_asks_at_once(self, world: World) -> None:
        said = tell(world, news(starts_at=None, ends_at=None))
        assert "a time that is not known" in said
        assert held_until(world) == [None]
        assert "nobody can say when" in question(world).title

    def test_end_unknown_counts_from_the_start(self, world: World) -> None:
        tell(world, news(ends_at=None))
        assert held_until(world) == [DEMO + TWO_HOURS]

    def test_news_of_a_meeting_long_over_holds_from_now_and_asks(self, world: World) -> None:
        world.now = DEMO + timedelta(days=30)
        tell(world, news())
        assert held_until(world) == [world.now + TWO_HOURS]
        assert question(world).title.endswith("how did it go?")

    def test_date_of_the_future_does_not_make_it_deaf(self, world: World) -> None:
        tell(world, news(changed_at=START + timedelta(days=30_000)))
        tell(world.later(hours=1), news("cancelled", changed_at=world.now))
        assert rows(world)[0].state == "cancelled"

    def test_happened_stops_every_sequence(self, world: World) -> None:
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")
        assert (
            tell(world, news(), news("happened", said=5)) == "“Demo” took place. Stopped in every sequence."
        )
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("stopped", "stopped")

    def test_no_show_changes_no_hold_and_asks(self, world: World) -> None:
        tell(world, news(), news("no_show", said=5))
        assert held_until(world) == [DEMO + HOUR + TWO_HOURS]
        assert question(world).title == "Ada Lovelace did not come to the meeting"

    def test_persons_hold_outlives_the_meeting(self, world: World) -> None:
        world.say(f"pause {ADA}")
        tell(world, news())
        world.now = DEMO + timedelta(days=1)
        world.tick()
        assert [hold.source for hold in world.holds(ADA)] == ["person"]

    def test_two_leads_in_one_meeting_are_held_each(self, world: World) -> None:
        world.enrol(BOB)
        tell(world, news())
        tell(world, news(), email=BOB)
        tell(world, news("cancelled", number=1), email=BOB)
        assert [row.state for row in rows(world)] == ["booked", "cancelled"]

    def test_second_source_of_the_same_hour_asks_no_second_time(self, world: World) -> None:
        tell(world, news(), news(key="calendly:x", source="calendly", said=1))
        world.now = DEMO + HOUR
        assert ask(world) == 1
        assert len(world.cards()) == 2  # the notice and the question
        press(world, "no show")
        assert held_until(world) == []
        assert {row.state for row in rows(world)} == {"no_show"}

    def test_same_news_by_two_processes_acts_once(self, world: World) -> None:
        with ThreadPoolExecutor(5) as pool:
            said = list(pool.map(lambda _: tell(world, news()), range(5)))
        assert said.count(OLD_NEWS) == 4
        with world.read() as session:
            assert len(session.exec(select(Hold)).all()) == 1


class TestAfterTheEnd:
    def test_card_asks_once_it_is_over_and_only_once(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR - timedelta(seconds=1)
        assert ask(world) == 0
        world.now = DEMO + HOUR
        assert (ask(world), ask(world)) == (1, 0)
        card = question(world)
        assert card.title == "The meeting with Ada Lovelace: how did it go?"
        assert commands(card) == ["happened", "no show", "no show from step 3", "keep"]

    def test_cancelled_one_is_not_asked_about(self, world: World) -> None:
        tell(world, news(), news("cancelled", said=5))
        world.now = DEMO + HOUR
        assert ask(world) == 0

    def test_it_took_place_stops_and_says_by_whom(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        ask(world)
        answer = press(world, "happened")
        assert answer.title == f"Noted: it took place. Stopped {ADA} in Spring."
        assert world.status(ADA) == "stopped"
        assert question(world).verdict == "Ana said at 15:00:00: it took place."
        assert question(world).choices == ()

    def test_no_show_resumes_where_it_stood(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        answer = press(world, "no show")
        assert answer.title == f"Resumed {ADA} in Spring."
        assert "step 2" in answer.lines[0]
        assert (world.status(ADA), held_until(world)) == ("pending", [])

    def test_no_show_from_a_later_step_leaves_out_what_is_before(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        assert press(world, "no show from step 3").title == f"Resumed {ADA} in Spring."
        assert world.tick() == [(ADA, "close")]
        assert [d.state for d in world.deliveries(ADA)] == ["sent", "skipped", "sent"]

    @pytest.mark.parametrize("step", [0, 1, 4, 999])
    def test_step_that_is_done_or_not_there_is_refused(self, world: World, step: int) -> None:
        tell(world, news())
        answer = press(world, f"no show from step {step}")
        if step:
            assert answer.is_refusal
            assert held_until(world) == [DEMO + HOUR + TWO_HOURS]
            assert rows(world)[0].settled_by is None

    def test_resume_leaves_a_persons_hold(self, world: World) -> None:
        world.say(f"pause {ADA}")
        tell(world, news(), news("cancelled", said=5))
        answer = press(world, "resume")
        assert answer.lines == ("The meeting's hold is over, but another one is left.",)
        assert [hold.source for hold in world.holds(ADA)] == ["person"]

    def test_keep_holds_until_somebody_resumes(self, world: World) -> None:
        tell(world, news(), news("cancelled", said=5))
        assert press(world, "keep").title == f"Paused {ADA} in Spring until somebody resumes."
        assert [(hold.source, hold.until) for hold in world.holds(ADA)] == [("person", None)]

    def test_second_answer_is_told_who_was_first(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        press(world, "no show")
        answer = press(world.later(minutes=5), "no show", BEN)
        assert answer.is_refusal
        assert answer.title == "Ana said at 09:00:00: nobody came; nothing was changed."
        assert press(world, "resume", BEN).is_refusal

    def test_stop_still_acts_after_another_answer(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        press(world, "no show")
        assert not press(world, "happened", BEN).is_refusal
        assert world.status(ADA) == "stopped"
        assert press(world, "no show").title.startswith("Ben said at")
        assert world.status(ADA) == "stopped"

    def test_answer_of_an_old_card_after_the_move_is_refused(self, world: World) -> None:
        later = DEMO + timedelta(days=2)
        tell(world, news(key="cal:a"), moved(later, key="cal:b", instead_of="cal:a", said=5))
        assert press(world, "no show").is_refusal
        assert held_until(world) == [later + HOUR + TWO_HOURS]

    def test_booked_anew_after_a_no_show_pauses_and_asks_again(self, world: World) -> None:
        later = DEMO + timedelta(days=2)
        tell(world, news())
        world.now = DEMO + HOUR
        ask(world)
        press(world, "no show")
        tell(world, moved(later, number=1, changed_at=world.now))
        assert held_until(world) == [later + HOUR + TWO_HOURS]
        world.now = later + HOUR
        assert ask(world) == 1

    def test_late_news_never_overrules_a_person(self, world: World) -> None:
        tell(world, news())
        press(world, "happened")
        for state in ("no_show", "cancelled", "booked"):
            tell(world, news(state, number=5, said=50))
        assert rows(world)[0].state == "happened"
        assert world.status(ADA) == "stopped"

    @pytest.mark.parametrize("text", ["maybe", "happened until tomorrow", "no show from step x"])
    def test_other_words_are_refused_with_an_example(self, world: World, text: str) -> None:
        tell(world, news())
        answer = press(world, text)
        assert answer.is_refusal
        assert "no show from step 3" in answer.title

    @pytest.mark.parametrize("number", ["0", "99", "9" * 30])
    def test_unknown_meeting_is_said_so(self, world: World, number: str) -> None:
        assert world.say(f"card meeting {number} happened").is_refusal

    @pytest.mark.parametrize("answer", ["happened", "no show", "keep"])
    def test_undo_lets_the_card_ask_again(self, world: World, answer: str) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        ask(world)
        asks, holds = question(world), held_until(world)
        said = press(world, answer)
        assert question(world).verdict

        undone = world.say(f"undo {said.batch_id}")

        assert "The meeting “Demo” stands as it did before." in undone.lines
        assert (question(world), held_until(world), world.status(ADA)) == (asks, holds, "paused")
        assert world.say(f"undo {said.batch_id}").is_refusal
        assert not press(world, "happened", BEN).is_refusal
        assert "Ben said" in question(world).verdict

    def test_an_answer_without_a_running_sequence_is_taken_back_too(self, world: World) -> None:
        tell(world, news())
        world.say(f"stop {ADA}")
        world.now = DEMO + HOUR
        ask(world)
        said = press(world, "happened")
        world.say(f"undo {said.batch_id}")
        assert question(world).verdict is None

    def test_what_somebody_else_has_answered_since_is_not_taken_back(self, world: World) -> None:
        tell(world, news())
        world.now = DEMO + HOUR
        ask(world)
        said = press(world, "keep")
        press(world, "happened", BEN)
        assert "was answered or moved since" in world.say(f"undo {said.batch_id}").title
        assert rows(world)[0].settled_by == BEN.id

    def test_undo_puts_the_pause_back(self, world: World) -> None:
        tell(world, news())
        answer = press(world, "no show")
        world.say(f"undo {answer.batch_id}")
        assert held_until(world) == [DEMO + HOUR + TWO_HOURS]


def test_titles_of_outsiders_stay_plain_text(world: World) -> None:
    tell(world, news(title="<!channel> *free* <https://evil.test|click>"))
    with world.read() as session:
        card = views.view(session, world.cards()[0], now=world.now)
    assert card.quote == "<!channel> *free* <https://evil.test|click>"


def test_every_state_has_a_card(world: World) -> None:
    tell(world, news())
    for state in State:
        world.change(Meeting, state=state.value)
        for card in world.cards():
            with world.read() as session:
                assert views.view(session, card, now=world.now).title
