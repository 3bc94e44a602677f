"""Away and back: leads wait or go to a cover, what was paused before stays paused, and nothing returns in a burst."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from core import commands, homes, owners, releases, views
from core.absences import return_due
from core.announcements import announce_due
from core.answers import Answer, HomeView, NoticeCard
from core.dates import say
from core.digests import digest_due
from core.models import Absence, Card, Mailbox, Member
from core.people import Actor
from core.reminders import remind_due
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
EVE = "eve@acme.test"
OFFICE = PLAIN.replace(
    "lead_zone: false", 'lead_zone: false\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}'
)
# Tuesday 1 June 2027, 10:00 in Berlin; away until Friday 4 June, back on Monday.
MONDAY = datetime(2027, 6, 7, 7, tzinfo=UTC)
BACK_AT = "Monday 7 June 2027, 09:00 (Europe/Berlin)"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob are Ana's, Eve is Ben's; all have had the first step, Bob is paused."""
    world = make(database_url, OFFICE, cap_per_day=20)
    world.enrol(ADA, BOB, owner=ANA.id)
    world.enrol(EVE, owner=BEN.id)
    world.tick()
    world.say(f"pause {BOB}")
    return world


def confirmed(world: World, answer: Answer, actor: Actor = ANA) -> Answer:
    proposal = answer.choices[0].proposal
    assert proposal
    return commands.confirm(world.desk, proposal, actor=actor, now=world.now)


def absences(world: World) -> list[Absence]:
    with world.read() as session:
        return list(session.exec(select(Absence).order_by(col(Absence.id))))


def card_of(world: World, key: str) -> Card:
    [card] = [card for card in world.cards() if card.key == key]
    return card


def shown(world: World, key: str) -> NoticeCard:
    with world.read() as session:
        view = views.view(session, card_of(world, key), now=world.now)
    assert isinstance(view, NoticeCard)
    return view


def return_(world: World) -> int:
    return return_due(world.db, now=world.now)


class TestWithoutACover:
    def test_ones_own_running_leads_wait_until_the_working_morning_after(self, world: World) -> None:
        answer = world.say("away until Friday")

        assert answer.title == (
            "You are away until Friday 4 June 2027 (Europe/Berlin), and back on Monday 7 June 2027, 09:00 (Europe/Berlin)."
        )
        assert answer.lines == (
            (f"Paused 1 lead (1 enrollment). It goes on on {BACK_AT}."),
            "What was paused before stays paused.",
        )
        assert (world.status(ADA), world.status(EVE)) == ("paused", "pending")
        [hold] = world.holds(ADA)
        assert (hold.source, hold.author, hold.reason) == (
            "away",
            ANA.id,
            f"Ana is away until {say(MONDAY, 'Europe/Berlin')}",
        )

    def test_why_and_the_card_say_so(self, world: World) -> None:
        world.say("away until Friday")

        [line] = world.say(f"why {ADA}").lines
        assert line == (
            "Paused since Tuesday 1 June 2027, 10:00 (Europe/Berlin) until Monday 7 June 2027, 09:00 (Europe/Berlin): "
            "Ana is away until Monday 7 June 2027, 09:00 (Europe/Berlin)."
        )

    def test_what_was_paused_before_stays_paused_and_nothing_leaves_meanwhile(self, world: World) -> None:
        world.say("away until Friday")

        left = world.run_until(START + timedelta(days=20), timedelta(hours=3))

        assert {email for _, email, _ in left} == {ADA, EVE}
        assert min(at for at, email, _ in left if email == ADA) > MONDAY
        assert world.status(BOB) == "paused"

    def test_a_pause_that_would_have_ended_meanwhile_ends_with_the_absence(self, world: World) -> None:
        world.say(f"pause {ADA} until June 2")
        world.say("away until Friday")

        world.run_until(MONDAY - timedelta(minutes=1))

        assert world.status(ADA) == "paused"
        assert [hold.source for hold in world.holds(ADA)] == ["away"]

    def test_what_is_paused_beyond_the_absence_neither_counts_nor_takes_a_turn_at_the_return(
        self, world: World
    ) -> None:
        paused = [f"l{number:02}@many.test" for number in range(20)]
        world.enrol(*paused, owner=ANA.id)
        world.change(Mailbox, cap_per_day=100)
        world.tick()
        world.change(Mailbox, cap_per_day=20)
        for email in paused:
            world.say(f"pause {email} until June 30")

        answer = world.say("away until Friday")

        assert answer.lines == (
            f"Paused 1 lead (1 enrollment). It goes on on {BACK_AT}.",
            "What was paused before stays paused.",
        )
        assert {hold.source for email in paused for hold in world.holds(email)} == {"person"}

    def test_an_absence_in_place_of_another_takes_all_that_the_other_held(self, world: World) -> None:
        world.say("away until Friday")
        world.say(f"pause {ADA} because on holiday", BEN)

        world.say("away until June 2")

        assert [hold.source for hold in world.holds(ADA)] == ["person", "away"]
        world.run_until(START + timedelta(days=3), timedelta(hours=6))
        assert [hold.source for hold in world.holds(ADA)] == ["person"]

    def test_nobody_to_pause_is_no_refusal(self, world: World) -> None:
        zoe = Actor("U0ZOE", "Zoe", "Europe/Berlin")

        answer = world.say("away for 3 days", zoe)

        assert answer.lines == ("None of your leads is running, so nothing had to be paused.",)
        assert [row.person for row in absences(world)] == ["U0ZOE"]

    def test_the_command_line_and_the_past_are_refused(self, world: World) -> None:
        assert world.say("away until Friday", Actor("cli:ana", "ana")).is_refusal
        assert world.say("away until May 3 2027").is_refusal
        assert absences(world) == []


class TestMany:
    @pytest.fixture
    def world(self, world: World) -> World:
        """Ana has forty more, and the mailbox sends twenty a day."""
        world.enrol(*(f"l{number:02}@many.test" for number in range(40)), owner=ANA.id)
        world.change(Mailbox, cap_per_day=10_000)
        world.tick()
        world.change(Mailbox, cap_per_day=20)
        return world

    def test_more_than_ten_are_shown_first(self, world: World) -> None:
        answer = world.say("away until Friday")

        assert answer.title == (
            "You would be away until Friday 4 June 2027 (Europe/Berlin), back on Monday 7 June 2027, 09:00 (Europe/Berlin). "
            "Pause 41 leads (41 enrollments)?"
        )
        assert answer.choices[0].label == "Pause 41 leads"
        assert absences(world) == []
        assert confirmed(world, answer).lines[0].startswith("Paused 41 leads (41 enrollments).")
        assert len(absences(world)) == 1

    def test_the_return_is_spread_over_working_hours_and_days(self, world: World) -> None:
        answer = confirmed(world, world.say("away until Friday"))

        assert answer.lines[0].endswith("the last on Friday 11 June 2027, 16:01 (Europe/Berlin).")
        ends = sorted(
            hold.until
            for number in range(40)
            for hold in world.holds(f"l{number:02}@many.test")
            if hold.until
        )
        assert ends[0] >= MONDAY
        assert max(sum(end.date() == day for end in ends) for day in {end.date() for end in ends}) <= 10
        assert {end.weekday() for end in ends} == set(range(5))
        assert all(7 <= end.hour < 15 for end in ends)  # 9 to 17 in Berlin

    def test_the_same_leads_go_on_at_the_same_times_whoever_asks(self, world: World) -> None:
        first = confirmed(world, world.say("away until Friday"))
        before = {
            world.lead_id(f"l{n:02}@many.test"): world.holds(f"l{n:02}@many.test")[0].until for n in range(40)
        }
        confirmed(world, world.say(f"undo {first.batch_id}"))

        confirmed(world, world.say("away until Friday"))

        after = {
            world.lead_id(f"l{n:02}@many.test"): world.holds(f"l{n:02}@many.test")[0].until for n in range(40)
        }
        assert after == before

    def test_back_early_lets_them_go_on_one_after_the_other(self, world: World) -> None:
        confirmed(world, world.say("away until Friday"))
        world.later(days=1)

        asked = world.say("back")
        assert asked.title == "You are back. Resume 41 leads (41 enrollments)?"
        assert asked.choices[0].label == "Resume 41 leads"
        answer = confirmed(world, asked)

        assert answer.title == "Welcome back."
        assert "so that they do not leave in a burst" in answer.lines[0]
        held = [hold for n in range(40) for hold in world.holds(f"l{n:02}@many.test")]
        assert len(held) == 40  # Ada, who had waited longest, goes first
        assert all(hold.until and hold.until < world.now + timedelta(days=7) for hold in held)
        assert {hold.reason for hold in held} == {"Ana is back; who waited goes on one after the other"}
        left = world.run_until(world.now + timedelta(days=20), timedelta(hours=2))
        days = [at.date() for at, email, step in left if email.endswith("many.test") and step == "nudge"]
        assert len(days) == 40
        assert max(days.count(day) for day in days) <= 20
        assert world.status(BOB) == "paused"


class TestBack:
    def test_ends_the_absence_and_only_its_own_holds(self, world: World) -> None:
        world.say("away until Friday")
        world.later(days=1)

        answer = world.say("back")

        assert (answer.title, answer.lines) == (
            "Welcome back.",
            ("1 lead goes on now.",),
        )
        assert (world.status(ADA), world.status(BOB)) == ("pending", "paused")
        assert [hold.source for hold in world.holds(BOB)] == ["person"]
        assert absences(world)[0].ended_by == ANA.id

    def test_goes_on_where_it_stood(self, world: World) -> None:
        before = world.enrollment(ADA).due_at
        world.say("away until Friday")
        world.later(days=1).say("away off")

        assert before
        assert world.enrollment(ADA).due_at == before + timedelta(days=1)

    def test_whoever_is_not_away_is_told(self, world: World) -> None:
        world.say("away until Friday")

        assert world.say("back", BEN).title == (
            "You are not away; nothing was changed. For example: `away until Friday cover @kim`."
        )

    def test_undo_brings_the_absence_back_and_undo_of_away_ends_it(self, world: World) -> None:
        away = world.say("away until Friday")
        back = world.say("back")

        undone = world.say(f"undo {back.batch_id}")
        assert not undone.is_refusal
        assert "The absence is as it was before." in undone.lines
        assert absences(world)[0].ended_at is None
        assert [hold.source for hold in world.holds(ADA)] == ["away"]

        again = world.say("back")
        world.say(f"undo {again.batch_id}")
        assert world.status(ADA) == "paused"
        torn = world.say(f"undo {away.batch_id}")  # Ada has changed since, so she is left alone, and named
        assert any(line.startswith(f"{ADA} was left as it is") for line in torn.lines)

    def test_undo_of_away_lets_everything_be_as_before(self, world: World) -> None:
        before = world.enrollment(ADA).due_at
        away = world.say("away until Friday")

        undone = world.say("undo")

        assert "The absence is taken back." in undone.lines
        assert (world.status(ADA), world.enrollment(ADA).due_at) == ("pending", before)
        assert absences(world)[0].ended_at is not None
        assert world.say(f"undo {away.batch_id}").is_refusal

    def test_a_second_away_changes_the_date_and_an_undo_restores_the_first(self, world: World) -> None:
        world.say("away until Friday")
        second = world.say("away until June 11")

        [hold] = world.holds(ADA)
        assert hold.until == MONDAY + timedelta(days=7)
        assert [row.ended_at is None for row in absences(world)] == [False, True]

        world.say(f"undo {second.batch_id}")
        [hold] = world.holds(ADA)
        assert hold.until == MONDAY
        assert [row.ended_at is None for row in absences(world)] == [True, False]


class TestWithACover:
    def test_many_are_confirmed_by_a_button_that_says_what_happens(self, world: World) -> None:
        world.enrol(*(f"l{number:02}@many.test" for number in range(10)), owner=ANA.id)

        asked = world.say("away until Friday cover @ben")

        assert asked.title.endswith(". Let Ben look after 12 leads (12 enrollments)?")
        assert asked.choices[0].label == "Let Ben look after 12 leads"

    def test_nothing_is_paused_and_the_cover_is_told(self, world: World) -> None:
        answer = world.say("away until Friday cover @ben")

        assert answer.lines == (
            "Ben gets the cards, questions and reminders of your 2 leads; they stay yours.",
        )
        assert world.status(ADA) == "pending"
        assert card_of(world, "absence:1:cover").channel == BEN.id
        assert shown(world, "absence:1:cover").title == (
            "You cover for Ana until Monday 7 June 2027, 03:00 (America/New_York)"
        )

    def test_cards_reminders_and_lists_go_to_the_cover_and_name_the_owner(self, world: World) -> None:
        world.say(f"pause {ADA} until June 4")
        world.say(f"remind {ADA} on June 3")
        digest_due(world.db, now=world.now)  # whoever is new gets the first list the next day
        world.say("away until June 10 cover @ben")
        world.now = datetime(2027, 6, 4, 13, tzinfo=UTC)
        remind_due(world.db, now=world.now)
        announce_due(world.db, now=world.now)
        digest_due(world.db, now=world.now)

        places = {card.kind: card.channel for card in world.cards() if card.kind in {"reminder", "return"}}
        assert places == {"reminder": BEN.id, "return": BEN.id}
        lists = [card for card in world.cards() if card.kind == "digest" and not card.channel.startswith("C")]
        assert [card.channel for card in lists] == [BEN.id]
        with world.read() as session:
            view = views.view(session, lists[0], now=world.now)
        titles = [row.title for group in view.groups for row in group.rows]  # type: ignore[union-attr]
        assert any(BOB in title and title.endswith(" · for Ana") for title in titles)

    def test_a_click_on_the_covers_list_redraws_it(self, world: World) -> None:
        world.say("away until June 10 cover @ben")
        world.say("digest now", BEN)
        [before] = [card for card in world.cards() if card.kind == "digest"]

        world.say(f"resume {BOB}", BEN)

        [after] = [card for card in world.cards() if card.kind == "digest"]
        assert after.wanted > before.wanted

    def test_a_cover_after_a_pause_lets_the_leads_go_on(self, world: World) -> None:
        world.say("away until Friday")

        world.say("away until Friday cover @ben")

        assert (world.status(ADA), world.status(BOB)) == ("pending", "paused")
        assert world.say("away until Friday").lines[0].startswith("Paused 1 lead ")
        assert world.status(ADA) == "paused"
        assert shown(world, "absence:2:cover").verdict

    @pytest.mark.parametrize(
        ("cover", "sentence"),
        [
            ("@ana", "You cannot cover for yourself; name a colleague, or nobody."),
            ("@zoe", "“zoe” is nobody that Fermata knows; type @ and pick them from Slack's list of names."),
        ],
    )
    def test_a_cover_must_be_a_colleague(self, world: World, cover: str, sentence: str) -> None:
        assert world.say(f"away until Friday cover {cover}").title == sentence
        assert absences(world) == []

    def test_a_cover_who_is_away_is_named(self, world: World) -> None:
        world.say("away until Friday", BEN)

        assert "Ben is away until" in world.say("away until Friday cover @ben").lines[-1]


class TestTheReturn:
    def test_one_card_on_the_morning_of_the_return_says_what_happened(self, world: World) -> None:
        world.say("away until Friday")
        with world.read() as session:
            assert releases.next_event(session, now=MONDAY - timedelta(seconds=1))
        world.now = MONDAY - timedelta(seconds=1)
        assert return_(world) == 0
        world.now = MONDAY
        assert [return_(world), return_(world)] == [1, 0]

        assert card_of(world, "absence:1").channel == ANA.id
        view = shown(world, "absence:1")
        assert view.title == "Welcome back, Ana"
        assert view.lines[0] == "None of your leads answered while you were away."
        assert view.lines[1] == "1 lead of yours is paused until somebody resumes."
        assert view.lines[2] == f"1 enrollment paused for your absence: it goes on on {BACK_AT}."
        assert owners_away(world) == set()

    def test_two_workers_at_once_welcome_once(self, world: World) -> None:
        world.say("away until Friday")
        world.say("away until Friday", BEN)
        world.now = MONDAY + timedelta(hours=8)

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(lambda _: return_(world), range(4))) == 2
        assert len([card for card in world.cards() if card.kind == "absence"]) == 2

    def test_two_at_once_for_one_person_make_one_absence(self, world: World) -> None:
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: world.say("away until Friday"), range(2)))

        assert [row.ended_at is None for row in absences(world)].count(True) == 1
        assert all(answer.title for answer in answers)
        assert len(world.holds(ADA)) == 1


def owners_away(world: World) -> set[str]:
    with world.read() as session:
        assert isinstance(session, Session)
        return owners.away(session, now=world.now)


class TestOnHomes:
    def test_the_cover_sees_for_whom_until_when_and_reaches_those_leads(self, world: World) -> None:
        world.say("away until Friday cover <@U0BEN|ben>")

        home = home_of(world, BEN)

        [covers] = [part for part in home.sections if "cover" in part.title]
        assert covers.title == "🧢 You cover for Ana"
        assert covers.note == (
            f"Until {say(MONDAY, 'America/New_York')}: 2 leads of Ana's are with you, 1 of them paused; "
            "on your lists they bear “for Ana”."
        )
        [show] = covers.choices
        assert [row.title for row in world.say(show.command, BEN).rows] == [f"{BOB} in Spring"]
        [paused] = [part for part in home.sections if "paused leads" in part.title]
        assert [row.title for group in paused.groups for row in group.rows] == [f"{BOB} · Spring · for Ana"]

    def test_who_owns_no_lead_sees_those_they_cover_for(self, world: World) -> None:
        cay = Actor("U0CAY", "Cay", "Europe/Berlin")
        with world.db.write() as session:
            session.add(Member(id=cay.id, name=cay.name, zone=cay.zone, seen_at=world.now))
        world.say("away until Friday cover <@U0CAY|cay>")
        home = home_of(world, cay)
        assert home.summary[0] == "0 leads of yours"
        assert BOB in str(home)
        assert EVE not in str(home)

    @pytest.mark.parametrize(
        ("words", "note"),
        [
            ("away until Friday", "your leads wait for you."),
            (
                "away until Friday cover <@U0BEN|ben>",
                "Ben gets the cards, questions and reminders of your leads; they stay yours.",
            ),
        ],
    )
    def test_who_is_away_reads_until_when_and_comes_back_by_a_button(
        self, world: World, words: str, note: str
    ) -> None:
        world.say(words)
        away = home_of(world, ANA).sections[0]
        assert (away.title, away.note) == ("🏖️ You are away", f"Until {BACK_AT}: {note}")
        [back] = away.choices
        assert world.say(back.command).title == "Welcome back."
        assert all("away" not in part.title for part in home_of(world, ANA).sections)
        assert all("cover" not in part.title for part in home_of(world, BEN).sections)

    def test_an_absence_and_what_happens_to_its_leads_redraw_the_covers_home(self, world: World) -> None:
        with world.db.write() as session:
            homes.opened(session, BEN.id, now=world.now)
        wanted = [card_of(world, homes.key(BEN.id)).wanted]
        for words in ("away until Friday cover <@U0BEN|ben>", f"resume {BOB}", "back"):
            world.say(words)
            wanted.append(card_of(world, homes.key(BEN.id)).wanted)
        assert wanted == sorted(set(wanted))


def home_of(world: World, who: Actor) -> HomeView:
    with world.read() as session:
        view = views.view(session, Card(kind="home", channel=who.id), now=world.now)
    assert isinstance(view, HomeView)
    return view
