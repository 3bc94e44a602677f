"""The backlog guard: many steps overdue for long wait for a person, a few leave; and the three answers."""

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from core import commands, handover, postbox, views
from core.acts import apply
from core.db import Database
from core.handover import backlog
from core.lifecycle import Hold, Pause, Source
from core.models import Batch, Card, Enrollment, Mailbox
from core.people import SYSTEM
from tests.world import ANA, BEN, DAY, PLAIN, START, World, make

MANY, FEW = 60, backlog.MANY - 1
HOUR = timedelta(hours=1)
WEEKDAYS = PLAIN.replace(
    "lead_zone: false", 'lead_zone: false\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}'
)


def emails(count, prefix="lead"):
    return [f"{prefix}{number}@x.test" for number in range(count)]


def world_with(url, count, text=PLAIN, **more) -> World:
    """A world whose sender was away for two days since the first step of `count` leads was due."""
    return make(url, text, *emails(count), **more).later(days=2)


def rows(world: World) -> list[Enrollment]:
    with world.read() as session:
        return list(session.exec(select(Enrollment).order_by(col(Enrollment.id))))


def statuses(world: World) -> Counter:
    return Counter(row.status for row in rows(world))


def card(world: World) -> Card:
    """The one card of a backlog."""
    return next(iter(found)) if len(found := backlog_cards(world)) == 1 else pytest.fail(str(found))


def backlog_cards(world: World) -> list[Card]:
    return [card for card in world.cards() if card.kind == "backlog"]


def shown(world: World):
    with world.read() as session:
        return views.view(session, card(world), now=world.now)


def press(world: World, answer: str, actor=ANA):
    return world.say(f"card backlog {card(world).about_id} {answer}", actor)


# What is a backlog


def test_many_long_overdue_steps_are_held_under_one_card(database_url):
    world = world_with(database_url, MANY)
    assert world.tick() == []
    assert statuses(world) == {"paused": MANY}
    assert {(hold.source, hold.batch_id) for email in emails(MANY) for hold in world.holds(email)} == {
        ("backlog", card(world).about_id)
    }
    assert card(world).channel == "C0SALES"
    view = shown(world)
    assert "60 steps wait for an answer" in view.title
    assert [choice.label for choice in view.choices] == ["Spread", "Shift all", "Drop"]
    assert view.facts == ("Spring: 60", "ana@sales.example: 60")
    assert world.tick() == []
    assert len(backlog_cards(world)) == 1


def test_why_names_the_backlog_and_the_way_out(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    said = world.say("why lead0@x.test").as_text()
    assert "backlog of overdue mail, waiting for an answer" in said
    assert "Held since" in said
    assert "“Shift all”" in said


def test_a_few_long_overdue_steps_leave(database_url):
    world = world_with(database_url, FEW)
    assert len(world.tick()) == FEW
    assert backlog_cards(world) == []


def test_many_steps_overdue_by_less_than_the_threshold_leave(database_url):
    world = make(database_url, PLAIN, *emails(MANY))
    world.now += backlog.LONG_OVERDUE
    assert len(world.tick()) == MANY


def test_the_end_of_the_outage_waits_too_and_what_came_due_since_leaves(database_url):
    world = make(database_url, PLAIN, *emails(MANY))
    world.later(hours=45).enrol(*emails(5, "late"))
    world.later(hours=3).enrol(*emails(3, "new"))
    assert sorted(email for email, _ in world.tick()) == sorted(emails(3, "new"))
    assert statuses(world) == {"paused": MANY + 5, "pending": 3}


def test_a_few_more_of_the_same_mailbox_join_what_waits(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    world.enrol(*emails(5, "late"))
    assert world.later(hours=13).tick() == []
    assert statuses(world) == {"paused": MANY + 5}
    assert len(backlog_cards(world)) == 1


def _turn_in_time(world: World, stop: str, go: str) -> None:
    world.say(stop)
    world.later(days=3).say(go)


@pytest.mark.parametrize(
    ("stop", "go"),
    [("halt because wrong prices", "unhalt"), ("pause sequence Spring", "resume sequence Spring")],
)
def test_a_long_halt_or_pause_of_the_sequence_makes_a_backlog(database_url, stop, go):
    world = make(database_url, PLAIN, *emails(MANY))
    _turn_in_time(world, stop, go)
    assert world.tick() == []
    assert statuses(world) == {"paused": MANY}


def test_a_mailbox_that_was_down_for_long_makes_a_backlog_although_it_was_tried_all_the_time(database_url):
    world = make(database_url, PLAIN, *emails(MANY))
    for _ in range(11):
        claims = world.claims()
        assert len(claims) == MANY
        retry_at = postbox.went_down(world.db, 1, "refused", is_lasting=True, now=world.now)
        handover.release(world.db, claims, now=world.now, retry_at=retry_at)
        assert world.claims() == []
        world.later(hours=1)
    world.later(hours=2)
    assert world.claims() == []
    assert statuses(world) == {"paused": MANY}


def test_waiting_for_a_cap_is_no_backlog(database_url):
    world = make(database_url, PLAIN, *emails(MANY), cap_per_day=10)
    left = world.run_until(world.now + 3 * DAY)
    assert Counter(at.date() for at, _, _ in left).most_common(1)[0][1] <= 10
    assert len(left) == 40
    assert backlog_cards(world) == []


def test_waiting_for_a_window_is_no_backlog(database_url):
    world = make(database_url, WEEKDAYS, *emails(MANY), cap_per_day=25)  # a Tuesday
    left = world.run_until(world.now + 6 * DAY)
    assert len(left) >= MANY
    assert backlog_cards(world) == []


def test_waiting_for_a_gap_is_no_backlog(database_url):
    world = make(database_url, PLAIN, *emails(30))
    world.change(Mailbox, min_gap_seconds=3600)
    left = world.run_until(world.now + 29 * HOUR)
    assert len(left) == 30
    assert backlog_cards(world) == []


def test_a_clock_that_jumps_thirty_days_sends_nothing_in_a_burst(database_url):
    world = make(database_url, PLAIN, *emails(MANY))
    assert len(world.tick()) == MANY
    assert world.later(days=30).tick() == []
    assert statuses(world) == {"paused": MANY}
    assert {row.position for row in rows(world)} == {1}
    world.later(days=-30)
    assert world.tick() == []


def test_holds_that_ended_in_the_outage_are_part_of_the_backlog(database_url):
    world = make(database_url, PLAIN, *emails(MANY))
    world.tick()
    for email in emails(MANY):
        world.say(f"pause {email} until 2027-06-04 10:00")
    assert world.later(days=20).tick() == []
    assert statuses(world) == {"paused": MANY}
    assert {hold.source for email in emails(MANY) for hold in world.holds(email)} == {"backlog"}


def test_a_restored_copy_waits_for_a_person(sqlite_url, tmp_path):
    """A copy cannot know what left after it was taken; it asks before it sends that a second time."""
    world = make(sqlite_url, PLAIN, *emails(MANY))
    world.db.close()
    copy = tmp_path / "copy.db"
    shutil.copy(tmp_path / "fermata.db", copy)
    assert len(world.tick()) == MANY
    with closing(Database(f"sqlite:///{copy}")) as db:
        restored = World(db, world.now).later(hours=13)
        assert restored.tick() == []
        assert "60 steps wait" in shown(restored).title


def test_a_restored_copy_younger_than_the_threshold_is_not_noticed(sqlite_url, tmp_path):
    """The documented limit: nothing in it tells that it is one."""
    world = make(sqlite_url, PLAIN, *emails(MANY))
    world.db.close()
    shutil.copy(tmp_path / "fermata.db", copy := tmp_path / "copy.db")
    with closing(Database(f"sqlite:///{copy}")) as db:
        assert len(World(db, world.now).later(hours=11).tick()) == MANY


@pytest.mark.parametrize("limit", [7, 100])
def test_many_workers_let_nothing_leave_and_make_one_card(database_url, limit):
    world = world_with(database_url, 150)
    with ThreadPoolExecutor(6) as workers:
        claims = list(
            workers.map(lambda _: handover.claim(world.db, 1, now=world.now, limit=limit), range(12))
        )
    assert claims == [[]] * 12
    assert statuses(world) == {"paused": 150}
    assert len(backlog_cards(world)) == 1


def test_two_mailboxes_share_one_card_and_a_small_one_sends(database_url):
    world = make(database_url, PLAIN)
    with world.db.write() as session:
        for name in ("ben", "cleo"):
            session.add(
                Mailbox(address=f"{name}@sales.example", smtp_host="127.0.0.1", smtp_port=25,
                        smtp_security="none", created_at=world.now)
            )  # fmt: skip
    world.enrol(*emails(MANY))
    with world.db.write() as session:
        for row in session.exec(select(Enrollment)):
            row.mailbox_id = 3 if (row.id or 0) <= FEW else 1 + (row.id or 0) % 2
    assert len(world.later(days=2).tick()) == FEW
    assert statuses(world) == {"paused": MANY - FEW, "pending": FEW}
    assert len(backlog_cards(world)) == 1


# The answers


def test_spread_sends_evenly_at_half_the_cap(database_url):
    world = world_with(database_url, MANY, WEEKDAYS, cap_per_day=40)  # a Thursday, 10:00 in Berlin
    world.tick()
    said = press(world, "spread")
    assert said.title == "Spread 60 leads (60 enrollments) evenly over 3 working days."
    left = world.run_until(world.now + 6 * DAY, timedelta(minutes=30))
    first = [at for at, _, key in left if key == "intro"]
    assert len(first) == MANY
    assert max(Counter(first).values()) <= 2
    by_day = Counter(at.date() for at in first)  # the first began an hour after the window opened
    assert [by_day[day] for day in sorted(by_day)] == [17, 20, 20, 3]
    assert "Ana answered on" in shown(world).verdict
    assert shown(world).choices == ()


def test_shift_all_keeps_the_distances(database_url):
    world = make(database_url, PLAIN, *emails(30))
    began = world.now
    world.later(hours=10).enrol(*emails(30, "late"))
    world.later(days=2).tick()
    said = press(world, "shift all")
    assert said.title == "Shifted 60 leads (60 enrollments) by 2 days 10 hours."
    shifted = {email: world.enrollment(email).due_at for email in ("lead0@x.test", "late0@x.test")}
    assert shifted == {"lead0@x.test": world.now, "late0@x.test": world.now + 10 * HOUR}
    assert world.now == began + timedelta(days=2, hours=10)
    assert len(world.tick()) == 30


def test_shift_all_counts_from_when_a_step_would_have_left(database_url):
    """Countdowns that ended at the weekend would have ended in mails on Monday, hours after the first that did not leave."""
    saturday = START + timedelta(days=4)
    world = make(database_url, WEEKDAYS)
    world.add(PLAIN.replace("sequence: Spring", "sequence: Always"))
    world.now = saturday
    world.enrol(*emails(30))
    world.later(hours=30).enrol(*emails(30, "night"), sequence="Always")
    since = world.now
    world.later(days=3).tick()
    press(world, "shift all")
    monday = datetime(2027, 6, 7, 7, tzinfo=UTC)
    assert world.enrollment("lead0@x.test").due_at == world.now + (monday - since)
    assert world.enrollment("night0@x.test", "Always").due_at == world.now


def test_drop_leaves_the_step_out_and_counts_the_next_delay_from_now(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    said = press(world, "drop")
    assert said.title.startswith("Dropped the overdue step of 60 leads (60 enrollments)")
    assert world.tick() == []
    row = world.enrollment("lead0@x.test")
    assert (row.status, row.position, row.due_at) == ("pending", 1, world.now + 4 * DAY)
    assert [(one.state, one.reason) for one in world.deliveries("lead0@x.test")] == [
        ("skipped", "left out of a backlog by Ana")
    ]
    left = world.later(days=4).tick()
    assert {key for _, key in left} == {"nudge"}
    assert len(left) == MANY


@pytest.mark.parametrize("answer", ["spread", "shift all", "drop"])
def test_the_second_one_to_answer_is_told_who_was_first(database_url, answer):
    world = world_with(database_url, MANY)
    world.tick()
    wanted = card(world).wanted
    press(world, answer)
    before = rows(world)
    said = press(world, "drop", BEN)
    assert said.is_refusal
    assert said.title.startswith("Ana answered on")
    assert said.title.endswith("Nothing was changed.")
    assert rows(world) == before
    assert card(world).wanted > wanted


def test_two_who_answer_at_once_act_once(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda who: press(world, "drop", who), (ANA, BEN)))
    assert sorted(answer.is_refusal for answer in answers) == [False, True]
    assert {row.position for row in rows(world)} == {1}


@pytest.mark.parametrize("answer", ["spread", "shift all", "drop"])
def test_undo_brings_the_question_back(database_url, answer):
    world = world_with(database_url, MANY)
    world.tick()
    said = press(world, answer)
    asked = world.say(f"undo {said.batch_id}")
    assert asked.choices[0].proposal is not None
    commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    assert statuses(world) == {"paused": MANY}
    assert {row.position for row in rows(world)} == {0}
    assert "60 steps wait" in shown(world).title
    assert world.tick() == []
    assert not press(world, "spread", BEN).is_refusal


def test_who_was_resumed_or_stopped_meanwhile_is_left_alone(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    world.say("resume lead0@x.test")
    world.say("stop lead1@x.test")
    assert "58 steps wait" in shown(world).title
    press(world, "drop")
    assert (world.status("lead1@x.test"), world.enrollment("lead0@x.test").position) == ("stopped", 0)


def test_a_hold_beside_the_backlog_outlives_the_answer(database_url):
    world = world_with(database_url, MANY)
    world.tick()
    world.say("pause lead0@x.test")
    press(world, "shift all")
    assert world.status("lead0@x.test") == "paused"
    assert [hold.source for hold in world.holds("lead0@x.test")] == ["person"]


@pytest.mark.parametrize(
    "text", ["card backlog 999 spread", "card backlog 1 sideways", f"card backlog {'9' * 40} drop"]
)
def test_an_answer_that_means_nothing_is_refused_in_words(database_url, text):
    world = world_with(database_url, MANY)
    world.tick()
    said = world.say(text)
    assert said.is_refusal
    assert statuses(world) == {"paused": MANY}


def test_a_backlog_of_thousands_is_held_whole(database_url):
    world = world_with(database_url, 2300)
    assert world.tick() == []
    assert statuses(world) == {"paused": 2300}
    with world.read() as session:
        assert session.exec(select(Batch.size).where(Batch.verb == "backlog")).all() == [2300]


# Where it stands besides its card


def digest_of(world: World):
    with world.read() as session:
        (card,) = [card for card in world.cards() if card.kind == "digest"]
        return views.view(session, card, now=world.now)


def home_of(world: World):
    with world.read() as session:
        return views.view(session, Card(kind="home", channel=ANA.id), now=world.now).sections[0]


def test_on_lists_a_backlog_is_one_line_with_its_own_buttons(database_url):
    world = world_with(database_url, MANY, owner=ANA.id)
    world.tick()
    world.later(days=20)  # long enough for "stop them?"
    world.say("pause lead1@x.test")
    assert "1 line to work off" in world.say("digest now").title
    for view in (digest_of(world), home_of(world)):
        (group,) = view.groups
        assert group.title == "⏳ Held back in a backlog (60)"
        (line,) = group.rows
        assert line.title == "60 steps wait for one answer"
        assert [choice.label for choice in line.choices] == ["Spread", "Shift all", "Drop"]
    assert not world.say(line.choices[1].command).is_refusal
    assert (digest_of(world).groups, digest_of(world).verdict) == ((), "All done.")
    world.later(seconds=1)
    assert [group.title for group in home_of(world).groups] == ["⏸️ Paused without an end date (1)"]


def test_what_a_lead_in_a_backlog_wrote_is_answered_all_the_same(database_url):
    world = world_with(database_url, MANY, owner=ANA.id)
    world.tick()
    with world.db.write() as session:
        hold = Hold(Source.REPLY, "answered", SYSTEM.id, world.now)
        ids = [world.enrollment("lead1@x.test").id]
        apply(session, ids, lambda _: Pause(hold, is_wide=True), verb="hold", actor=SYSTEM, now=world.now)
    world.say("digest now")
    view = digest_of(world)
    assert [group.title for group in view.groups] == [
        "⏳ Held back in a backlog (59)",
        "💬 Waiting for an answer from us (1)",
    ]
    assert view.summary == ("1 waiting for our answer", "59 held back in a backlog")
