"""The daily digest: when it comes, to whom, what it lists, and how it is worked off."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from core import cards, commands, digests, figures, releases, views
from core.acts import apply, open_batch
from core.handover import Fate
from core.lifecycle import Hold, Pause, Source
from core.meetings import MeetingNews, note
from core.models import Card, Digest, Enrollment, Lead, Member, Message, Workspace
from core.people import SYSTEM, Actor
from core.worklist import Group, Scope, Worklist, left
from tests.world import ANA, BEN, DAY, PLAIN, World, make

ADA, EVE, IDA = "ada@x.test", "eve@x.test", "ida@x.test"
MORNING = datetime(2027, 6, 2, 6, 30, tzinfo=UTC)  # Wednesday, 8:30 in Berlin
FRIDAY = MORNING + 2 * DAY
EVENING = timedelta(hours=12)


def world_with(url, *emails, text=PLAIN, **fields) -> World:
    """Everybody has had the first mail on Tuesday 1 June 2027 at 10:00 in Berlin; the first tick saw the owners."""
    world = make(url, text, *(emails or (ADA,)), **({"owner": ANA.id} | fields))
    world.tick()
    digests.digest_due(world.db, now=world.now)
    return world


def come(world: World, at: datetime | None = None) -> int:
    world.now = at or world.now
    return digests.digest_due(world.db, now=world.now)


def lists(world: World, place: str | None = None) -> list[Card]:
    return [
        card for card in world.cards() if card.kind == "digest" and place in (None, card.key.split(":")[1])
    ]


def shown(world: World, place: str = ANA.id, card: Card | None = None):
    with world.read() as session:
        return views.view(session, card or lists(world, place)[-1], now=world.now)


def held(world: World, email: str, source: Source, until: datetime | None = None, reason: str = "") -> None:
    with world.db.write() as session:
        batch_id = open_batch(session, "hold", actor=SYSTEM, now=world.now)
        hold = Hold(source, reason, SYSTEM.id, world.now, until, batch_id)
        apply(
            session, [world.enrollment(email).id], lambda _: Pause(hold, is_wide=True), verb="hold", actor=SYSTEM,
            now=world.now, batch_id=batch_id,
        )  # fmt: skip


def titles(view) -> list[str]:
    return [group.title for group in view.groups]


def rows(view):
    return [row for group in view.groups for row in group.rows]


def press(world: World, view, label: str, *, row: int = 0, actor: Actor = ANA):
    (choice,) = [choice for choice in rows(view)[row].choices if choice.label == label]
    return world.say(choice.command, actor)


# When, to whom


def test_every_owner_gets_theirs_at_half_past_eight_on_their_clock(database_url):
    world = world_with(database_url, ADA)
    world.enrol(EVE, owner=BEN.id)
    world.tick()
    come(world)
    world.say(f"pause {ADA}")
    world.say(f"pause {EVE}")
    assert come(world, MORNING - timedelta(seconds=1)) == 0
    assert come(world, MORNING) == 2  # Ana, and the channel, which is in Berlin too
    assert come(world, MORNING + timedelta(hours=6) - timedelta(seconds=1)) == 0
    assert come(world, MORNING + timedelta(hours=6)) == 1  # 8:30 in New York
    assert [card.channel for card in lists(world)] == [ANA.id, "C0SALES", BEN.id]
    assert lists(world)[0].key == "digest:U0ANA:2027-06-02"


def test_the_first_list_waits_until_its_readers_zone_is_known(database_url):
    world = world_with(database_url, ADA, owner="U0KIM")
    world.say(f"pause {ADA}")
    assert come(world, MORNING) == 1  # the channel's; where Kim is, it may be night
    assert come(world, MORNING + timedelta(hours=2)) == 0
    with world.db.write() as session:
        session.add(Member(id="U0KIM", name="Kim", zone="America/New_York", seen_at=world.now))
    assert come(world, MORNING + timedelta(hours=6) - timedelta(seconds=1)) == 0
    assert come(world, MORNING + timedelta(hours=6)) == 1
    assert [card.channel for card in lists(world)] == ["C0SALES", "U0KIM"]


def test_an_owner_of_the_afternoon_who_is_met_then_is_not_called_at_once(database_url):
    world = world_with(database_url, ADA, owner="U0KIM")
    world.say(f"pause {ADA}")
    with world.db.write() as session:
        session.add(Member(id="U0KIM", name="Kim", zone="Europe/Berlin", seen_at=world.now))
    assert come(world, world.now + timedelta(hours=1)) == 0
    assert come(world, MORNING) == 2


def test_the_first_list_of_somebody_slack_never_shows_comes_in_the_evening(database_url):
    world = world_with(database_url, ADA, owner="U0KIM")
    world.say(f"pause {ADA}")
    come(world, MORNING)
    assert come(world, MORNING + EVENING - timedelta(seconds=1)) == 0
    assert come(world, MORNING + EVENING) == 1


def test_a_reader_whose_profile_has_no_zone_reads_in_the_workspaces(database_url):
    world = world_with(database_url, ADA)
    with world.db.write() as session:
        session.merge(Member(id=ANA.id, name="Ana", zone="", seen_at=world.now))
    world.say(f"pause {ADA}")
    assert come(world, MORNING) == 2
    assert shown(world).title == "Paused leads, Wednesday 2 June"
    assert "09:00 (Europe/Berlin)" in world.say("digest at 9:00").title


def test_nothing_to_do_no_digest(database_url):
    world = world_with(database_url)
    assert come(world, MORNING) == 0
    world.say(f"pause {ADA} until June 30")  # far off, and not long ago
    assert come(world, MORNING + DAY) == 0
    assert lists(world) == []


def test_what_is_paused_in_the_afternoon_waits_for_the_next_morning(database_url):
    world = world_with(database_url)
    come(world, MORNING)
    world.say(f"pause {ADA}")
    assert come(world, MORNING + EVENING) == 0
    assert come(world, MORNING + DAY) == 2


def test_none_on_a_weekend_and_friday_looks_as_far_as_monday(database_url):
    world = world_with(database_url, ADA, EVE)
    world.say(f"pause {ADA} until June 6")
    world.say(f"pause {EVE} until June 7")
    assert come(world, FRIDAY) == 2
    view = shown(world)
    assert titles(view) == ["🌅 Due back by Monday (1)"]
    assert rows(view)[0].title.startswith(ADA)
    world.say(f"pause {EVE}")
    assert come(world, FRIDAY + DAY) == come(world, FRIDAY + 2 * DAY) == 0
    assert come(world, FRIDAY + 3 * DAY) == 2


def test_late_after_an_outage_of_hours_but_never_a_day_late(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    assert come(world, MORNING + timedelta(hours=9)) == 2
    assert come(world, MORNING + 2 * DAY) == 2
    assert [card.key for card in lists(world, ANA.id)] == [
        "digest:U0ANA:2027-06-02",
        "digest:U0ANA:2027-06-04",
    ]


def test_two_workers_and_a_restart_make_one_each(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.now = MORNING
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: come(world), range(8)))
    assert sum(made) == len(lists(world)) == 2
    assert come(world, MORNING + timedelta(minutes=1)) == 0


def test_clocks_that_change_neither_lose_nor_double_it(database_url):
    world = world_with(database_url, now=datetime(2027, 10, 26, 8, 0, tzinfo=UTC))
    world.say(f"pause {ADA}")
    assert come(world, datetime(2027, 10, 29, 6, 30, tzinfo=UTC)) == 2
    assert come(world, datetime(2027, 11, 1, 7, 29, tzinfo=UTC)) == 0
    assert come(world, datetime(2027, 11, 1, 7, 30, tzinfo=UTC)) == 2


def test_an_owner_who_is_gone_is_left_to_the_channel(database_url):
    world = world_with(database_url, ADA, owner=BEN.id)
    with world.db.write() as session:
        member = session.get_one(Member, BEN.id)
        member.is_deleted = True
        session.add(member)
    world.say(f"pause {ADA}")
    assert come(world, MORNING + timedelta(hours=7)) == 1
    assert rows(shown(world, "C0SALES"))[0].title == f"{ADA} · Spring"


def test_the_clock_of_the_sandbox_stops_for_it(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    with world.read() as session:
        assert releases.next_event(session, now=world.now) == (MORNING, "a digest is due")
    come(world, MORNING)
    with world.read() as session:
        assert releases.next_event(session, now=world.now) == (MORNING + DAY, "a digest is due")
    world.say(f"stop {ADA}")
    with world.read() as session:
        assert releases.next_event(session, now=world.now) is None


# The groups


def test_each_lead_stands_in_one_group_with_what_can_be_done(database_url):
    emails = [
        f"{name}@x.test" for name in ("today", "soon", "reply", "endless", "long", "lost", "failed", "far")
    ]
    world = world_with(database_url, *emails)
    world.now -= timedelta(days=15)
    held(world, "long@x.test", Source.PERSON, datetime(2027, 9, 1, tzinfo=UTC))
    world.now += timedelta(days=15)
    held(world, "today@x.test", Source.OUT_OF_OFFICE, MORNING + timedelta(hours=1))
    held(world, "soon@x.test", Source.OUT_OF_OFFICE, MORNING + DAY)
    held(world, "reply@x.test", Source.REPLY)
    held(world, "endless@x.test", Source.PERSON, reason="on holiday")
    held(world, "lost@x.test", Source.UNCERTAIN, reason="the connection was lost")
    held(world, "failed@x.test", Source.FAILED, reason="550 no such user")
    held(world, "far@x.test", Source.OUT_OF_OFFICE, MORNING + 9 * DAY)
    come(world, MORNING)
    view = shown(world)
    assert titles(view) == [
        "❓ Did it leave? Somebody has to say (1)", "⚠️ A step failed (1)", "⏰ Due back today (1)", "🌅 Due back tomorrow (1)",
        "💬 Waiting for an answer from us (1)", "⏸️ Paused without an end date (1)",
        "💤 Paused for more than 14 days: stop them? (1)",
    ]  # fmt: skip
    assert [row.title.split("@")[0] for row in rows(view)] == [
        "lost", "failed", "today", "soon", "reply", "endless", "long",
    ]  # fmt: skip
    assert [row.detail for row in rows(view)] == [
        "step 2 may or may not have left yesterday",
        "step 2 failed (550 no such user) yesterday",
        "out of office, paused yesterday, goes on today at 09:30 · step 2 of 3",
        "out of office, paused yesterday, goes on Thursday 3 June at 08:30 · step 2 of 3",
        "answered yesterday · step 2 of 3",
        "paused by Fermata (on holiday) yesterday · step 2 of 3",
        "paused by Fermata 16 days ago, goes on Wednesday 1 September at 02:00 · step 2 of 3",
    ]
    labels = [[choice.label for choice in row.choices] for row in rows(view)]
    assert labels[1] == ["Try again", "Leave the step out", "Stop"]
    assert labels[2:] == [["Resume", "Resume on a date…", "+1 week", "Stop"]] * 5
    assert view.summary[:3] == ("1 uncertain", "1 failed", "1 due back today")


def test_a_missing_value_is_filled_in_from_its_line_which_then_says_so(database_url):
    world = world_with(database_url)
    named(world, "")
    held(world, ADA, Source.MISSING_VALUE, reason="lead.first_name is empty for this lead")
    come(world, MORNING)
    (line,) = rows(shown(world))
    assert line.detail == "step 2 cannot be written (lead.first_name is empty for this lead) yesterday"
    edit, again, *others = line.choices
    assert (edit.label, edit.form, edit.style) == (
        "Edit lead…",
        ("edit_lead", world.lead_id(ADA), 0),
        "primary",
    )
    assert [choice.label for choice in (again, *others)] == ["Try again", "Leave the step out", "Stop"]
    assert "lead.first_name is empty" in world.say(f"why {ADA}").as_text()
    named(world, "Ada")
    (line,) = rows(shown(world))
    for words in (line.detail, world.say(f"why {ADA}").as_text(), world.say("paused").as_text()):
        assert "what was missing is filled in now; “Try again” or “Resume” sends it" in words
        assert "is empty" not in words
    assert [choice.style for choice in line.choices[:2]] == [None, "primary"]
    assert not press(world, shown(world), "Try again").is_refusal


def named(world: World, first_name: str) -> None:
    with world.db.write() as session:
        lead = session.get_one(Lead, world.lead_id(ADA))
        lead.first_name = first_name
        session.add(lead)


def test_those_who_wait_longest_for_an_answer_come_first(database_url):
    world = world_with(database_url, ADA, EVE, IDA)
    for email in (EVE, ADA, IDA):
        held(world, email, Source.REPLY)
        world.later(minutes=5)
    with world.db.write() as session:
        session.add(
            Message(key="1", lead_id=world.lead_id(EVE), enrollment_id=world.enrollment(EVE).id, came_at=world.now,
                    matched_by="thread", sender=EVE, kind="reply", judged_kind="reply")
        )  # fmt: skip
    come(world, MORNING)
    found = rows(shown(world))
    assert [row.title.split(" ")[0] for row in found] == [EVE, ADA, IDA]
    first = [[choice.label for choice in row.choices if choice.style == "primary"] for row in found]
    assert first == [["Reply…"], ["Resume"], ["Resume"]]
    assert found[0].choices[0].form == ("reply", 1, 0)


def test_an_uncertain_delivery_is_settled_from_its_line(database_url):
    world = world_with(database_url)
    world.now += 4 * DAY
    claims = world.claims()
    world.begin(claims)
    world.report(claims[0], Fate.UNKNOWN, "")
    come(world, datetime(2027, 6, 7, 6, 30, tzinfo=UTC))
    assert [choice.label for choice in rows(shown(world))[0].choices] == [
        "It left",
        "Send again",
        "Drop it",
        "Stop",
    ]
    assert press(world, shown(world), "It left").title
    assert shown(world).verdict == "All done: 1 of 1."


def test_a_meeting_that_is_over_asks_how_it_went(database_url):
    world = world_with(database_url)
    with world.db.write() as session:
        when = {"starts_at": world.now + timedelta(hours=1), "ends_at": world.now + timedelta(hours=2)}
        news = MeetingNews("calendar:1", "calendar", "booked", 0, world.now, title="Demo", **when)
        note(session, world.lead_id(ADA), None, news, now=world.now)
    come(world, MORNING)
    view = shown(world)
    assert titles(view)[0] == "📅 Meetings that are over: how did they go? (1)"
    assert rows(view)[0].detail == "the meeting “Demo” was over yesterday"
    wanted = lists(world, ANA.id)[0].wanted
    world.say(rows(view)[0].choices[0].command)
    assert lists(world, ANA.id)[0].wanted > wanted
    assert rows(shown(world))[0].verdict == "Ana said: it took place at 08:30."


# Working it off


@pytest.fixture
def world(database_url):
    """Two leads of Ana's wait for an answer, and her list has come."""
    made = world_with(database_url, ADA, EVE)
    for email in (ADA, EVE):
        held(made, email, Source.REPLY)
    come(made, MORNING)
    made.later(minutes=10)
    return made


def test_a_halt_and_its_end_show_on_lists_that_stand(world):
    for said in ("halt", "unhalt"):
        wanted = lists(world, ANA.id)[0].wanted
        world.say(said)
        assert lists(world, ANA.id)[0].wanted > wanted
        assert any("halted" in line for line in shown(world).summary) is (said == "halt")


def test_a_line_that_is_done_stays_and_says_by_whom(world):
    wanted = lists(world, ANA.id)[0].wanted
    said = press(world, shown(world), "Resume")
    assert said.title == f"Resumed {ADA} in Spring."
    assert lists(world, ANA.id)[0].wanted > wanted
    view = shown(world)
    assert [row.title for row in rows(view)] == [f"{ADA} · Spring", f"{EVE} · Spring"]
    assert [row.verdict for row in rows(view)] == ["Ana resumed it at 08:40.", ""]
    assert view.progress == "1 of 2 done"
    assert titles(view) == ["💬 Waiting for an answer from us (1)"]


def test_all_done_is_earned(world):
    assert shown(world).verdict == ""
    press(world, shown(world), "Resume")
    assert shown(world).verdict == ""
    press(world, shown(world), "Stop", row=1)
    view = shown(world)
    assert view.verdict == "All done: 2 of 2."
    assert [row.choices for row in rows(view)] == [(), ()]
    assert view.summary == ()


def test_undo_takes_the_line_back(world):
    said = press(world, shown(world), "Resume")
    commands.undo(world.desk, said.batch_id, actor=ANA, now=world.now)
    view = shown(world)
    assert [row.verdict for row in rows(view)] == ["", ""]
    assert view.progress == ""


def test_one_week_later_waits_a_week_and_is_done_for_today(world):
    said = press(world, shown(world), "+1 week")
    assert said.title == f"Paused {ADA} in Spring for one week more."
    (hold,) = world.holds(ADA)
    assert (hold.author, hold.until) == (ANA.id, world.now + 7 * DAY)
    assert rows(shown(world))[0].verdict == "Ana moved its end (now Wednesday 9 June) at 08:40."


def test_one_week_later_makes_no_pause_younger(database_url):
    world = world_with(database_url)
    world.now -= timedelta(days=15)
    held(world, ADA, Source.OUT_OF_OFFICE, MORNING + timedelta(hours=1))
    world.now += timedelta(days=15)

    def ages() -> list[int]:
        with world.read() as session:
            return figures.ages(session, at=world.now)

    before, (placed,) = ages(), world.holds(ADA)
    come(world, MORNING)
    world.later(minutes=1)
    said = press(world, shown(world), "+1 week")
    assert rows(shown(world))[0].verdict == "Ana moved its end (now Wednesday 9 June) at 08:31."
    assert ages() == before == [0, 0, 1, 0]
    assert "1 lead paused" in world.say("paused older than 14 days").title
    world.later(minutes=1)
    undone = commands.undo(world.desk, said.batch_id, actor=ANA, now=world.now)
    assert undone.title == f"Undid the move by a week: {ADA} in Spring."
    (again,) = world.holds(ADA)
    same = ("source", "reason", "author", "placed_at", "until", "batch_id")
    assert [getattr(again, name) for name in same] == [getattr(placed, name) for name in same]
    assert rows(shown(world))[0].verdict == ""
    press(world, shown(world), "+1 week")
    assert come(world, MORNING + DAY) == 0  # somebody has looked at it
    come(world, MORNING + 7 * DAY)
    (row,) = rows(shown(world))
    assert row.detail.startswith("paused by Ana 23 days ago, goes on today")


def test_another_date_for_ones_own_pause_makes_it_no_younger(database_url):
    world = world_with(database_url, ADA, EVE)
    world.say(f"pause {ADA}")
    come(world, datetime(2027, 6, 16, 6, 30, tzinfo=UTC))
    assert titles(shown(world)) == ["💤 Paused for more than 14 days: stop them? (1)"]
    world.later(minutes=1).say(f"pause {EVE}")
    world.say(f"pause {ADA} until June 30")
    assert [EVE in row.title for row in world.say("log held since yesterday").rows] == [True]
    assert shown(world).verdict == "All done: 1 of 1."
    assert "1 lead paused" in world.say("paused older than 14 days").title


def test_a_line_can_be_worked_by_anybody_and_nobody_acts_twice(world):
    old = shown(world)
    press(world, old, "Resume", actor=BEN)
    for label in ("Resume", "+1 week"):
        said = press(world, old, label)
        assert said.is_refusal
        assert said.title.startswith("Ben resumed it at")
    assert world.status(ADA) == "pending"
    assert world.holds(ADA) == []
    press(world, old, "Stop")
    assert world.status(ADA) == "stopped"


def test_two_who_press_at_once_act_once(world):
    old = shown(world)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda who: press(world, old, "+1 week", actor=who), (ANA, BEN)))
    assert sorted(answer.is_refusal for answer in answers) == [False, True]
    assert len(world.holds(ADA)) == 1


def test_a_lead_that_goes_on_by_itself_is_done(database_url):
    world = world_with(database_url)
    held(world, ADA, Source.OUT_OF_OFFICE, MORNING + timedelta(hours=1))
    come(world, MORNING)
    world.now = MORNING + timedelta(hours=1)
    world.tick()
    assert rows(shown(world))[0].verdict == "Fermata let it go on, as a hold ended at 09:30."
    assert shown(world).verdict == "All done: 1 of 1."


def test_a_line_that_something_else_holds_too_is_not_done(database_url):
    world = world_with(database_url)
    held(world, ADA, Source.OUT_OF_OFFICE, MORNING + timedelta(hours=1))
    held(world, ADA, Source.REPLY)
    come(world, MORNING)
    world.now = MORNING + timedelta(hours=1)
    world.tick()
    assert rows(shown(world))[0].verdict == ""


def test_resume_all_due_shows_them_first_and_spares_who_is_done(database_url):
    world = world_with(database_url, ADA, EVE, IDA)
    for email in (ADA, EVE, IDA):
        held(world, email, Source.OUT_OF_OFFICE, MORNING + timedelta(hours=8))
    come(world, MORNING)
    (choice,) = shown(world).groups[0].choices
    assert choice.label == "Resume all due"
    world.say(f"stop {IDA}", BEN)
    asked = world.say(choice.command)
    assert asked.title == "Resume 2 leads (2 enrollments)?"
    assert world.status(ADA) == "paused"
    commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    assert [world.status(email) for email in (ADA, EVE, IDA)] == ["pending", "pending", "stopped"]
    assert shown(world).verdict == "All done: 3 of 3."
    assert world.say(choice.command).title == "All of these are done already; nothing was changed."


def test_those_who_are_back_tomorrow_are_not_resumed_together(database_url):
    world = world_with(database_url, ADA, EVE)
    for email in (ADA, EVE):
        held(world, email, Source.OUT_OF_OFFICE, MORNING + DAY)
    come(world, MORNING)
    (group,) = shown(world).groups
    assert (group.title, group.choices) == ("🌅 Due back tomorrow (2)", ())


def test_what_is_paused_for_long_can_be_stopped_at_once(database_url):
    world = world_with(database_url, ADA, EVE)
    for email in (ADA, EVE):
        held(world, email, Source.PERSON)
    come(world, datetime(2027, 6, 15, 8, 30, tzinfo=UTC))
    (group,) = shown(world).groups
    assert group.title == "💤 Paused for more than 14 days: stop them? (2)"
    asked = world.say(group.choices[0].command)
    assert asked.title == "Stop for good 2 leads (2 enrollments)?"


def test_what_was_given_a_date_has_been_looked_at(database_url):
    """A week more from the list, and the lead is not offered again the next morning, but on the day on which it is due."""
    world = world_with(database_url, ADA, EVE)
    for email in (ADA, EVE):
        held(world, email, Source.PERSON)
    day = datetime(2027, 6, 15, 8, 30, tzinfo=UTC)
    come(world, day)
    press(world, shown(world), "+1 week")
    come(world, day + DAY)
    assert [row.title for row in rows(shown(world))] == [f"{EVE} · Spring"]
    come(world, day + 7 * DAY)
    assert titles(shown(world)) == [
        "⏰ Due back today (1)",
        "💤 Paused for more than 14 days: stop them? (1)",
    ]


def test_the_next_list_puts_the_one_before_away(world):
    press(world, shown(world), "Resume")
    before = lists(world, ANA.id)[0]
    come(world, MORNING + DAY)
    old, new = lists(world, ANA.id)
    assert old.wanted > before.wanted
    view = shown(world, card=old)
    assert (view.groups, view.more) == ((), None)
    assert view.verdict == "1 of 2 done; what is left stands on the newer list below."
    assert [row.title for row in rows(shown(world, card=new))] == [f"{EVE} · Spring"]


def test_a_list_all_done_shows_no_lines_once_a_newer_one_stands_below(database_url):
    emails = [f"l{n:02}@x.test" for n in range(15)]
    world = world_with(database_url, *emails, IDA)
    for email in emails:
        world.say(f"pause {email}")
    come(world, MORNING)
    world.sure("resume mine")
    card = lists(world, ANA.id)[0]
    assert shown(world, card=card).verdict == "All done: 15 of 15. The first 12 are shown."
    world.later(hours=1).say(f"pause {IDA}")
    assert not world.later(hours=1).say("digest now").is_refusal
    view = shown(world, card=card)
    assert (view.groups, view.verdict) == ((), "All done: 15 of 15.")


@pytest.mark.parametrize(
    "text",
    [
        "card digest 999 more 12", "card digest 1 perhaps", f"card digest {'9' * 30} more 0", "card digest 1 more 500",
        "card paused 1 resume", "card paused 999 resume seen 1", f"card paused {'9' * 30} stop seen 1",
        "card paused 999 one week later seen 1", "card paused 1 perhaps seen 1",
    ],
)  # fmt: skip
def test_an_answer_that_means_nothing_is_refused_in_words(world, text):
    assert world.say(text).is_refusal


def test_a_week_more_does_not_settle_what_is_uncertain(database_url):
    world = world_with(database_url)
    held(world, ADA, Source.UNCERTAIN)
    row = world.enrollment(ADA)
    said = world.say(f"card paused {row.id} one week later seen {row.version}")
    assert said.is_refusal
    assert [hold.source for hold in world.holds(ADA)] == ["uncertain"]


# The roll-up


def test_the_channel_gets_what_nobody_owns_and_how_much_everybody_has(database_url):
    world = world_with(database_url, ADA, EVE)
    world.enrol(IDA, "kim@x.test", owner=None)
    world.tick()
    for email in (ADA, EVE, IDA):
        held(world, email, Source.REPLY)
    come(world, MORNING)
    view = shown(world, "C0SALES")
    assert titles(view) == ["💬 Waiting for an answer from us · without an owner (1)"]
    assert [row.title for row in rows(view)] == [f"{IDA} · Spring"]
    assert view.summary == ("3 waiting for our answer",)
    assert view.owners == ("Ana: 2 (2 waiting for our answer)",)
    for email in (ADA, EVE):
        world.say(f"resume {email}")
    assert shown(world, "C0SALES").owners == ("Ana: all done",)
    assert shown(world, "C0SALES").verdict == ""
    world.say(f"resume {IDA}")
    assert shown(world, "C0SALES").verdict == "All done: 3 of 3."


# `digest …`


def test_digest_now_brings_the_list_at_once_and_as_often_as_asked(world):
    assert world.say("digest now").title == "2 lines to work off: the list comes in our direct messages."
    assert world.say("digest").title.startswith("2 lines")
    assert [card.channel for card in lists(world, ANA.id)] == [ANA.id] * 3
    assert shown(world).groups
    assert come(world, MORNING + DAY) == 2


def test_digest_now_without_anything_to_do_says_so(database_url):
    world = world_with(database_url)
    assert world.say("digest now").title.startswith("Nothing is to be done")
    assert lists(world) == []


def test_digest_at_another_time(world):
    said = world.say("digest at 9:15")
    assert said.title == (
        "The digest comes in our direct messages at 09:15 from Monday to Friday; "
        "the next one on Thursday 3 June 2027, 09:15 (Europe/Berlin)."
    )
    assert come(world, MORNING + DAY) == 1  # the channel's
    assert come(world, MORNING + DAY + timedelta(minutes=45)) == 1


def test_a_digest_that_is_off_keeps_its_time(world):
    world.say("digest at 7:15")
    assert world.say("digest off").title == (
        "The digest in our direct messages is off. `digest on` brings it back at 07:15."
    )
    assert "at 07:15 from Monday" in world.say("digest on").title


def test_digest_off_and_on_again(world):
    world.say("digest off")
    assert come(world, MORNING + DAY) == 1
    world.say("digest on")
    assert come(world, MORNING + DAY + EVENING) == 0
    assert come(world, MORNING + 2 * DAY) == 2


def test_a_time_set_in_the_afternoon_begins_the_next_day(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.now = MORNING + timedelta(hours=1)
    assert "Thursday 3 June 2027, 08:00" in world.say("digest at 8:00").title
    assert come(world) == 1  # the channel's, late


def test_another_channel_and_the_usual_one_off(world):
    said = world.say("digest for <#C0BOSSES|bosses>")
    assert said.title.startswith("The digest comes in #C0BOSSES at 08:30 from Monday to Friday;")
    assert said.channel == "C0BOSSES", "so Slack shows its name"
    off = world.say("digest off for <#C0SALES|sales>")
    assert off.title == "The digest in #C0SALES is off. `digest on` for #C0SALES brings it back at 08:30."
    assert off.channel == "C0SALES"
    none = world.say("digest off for <#C0GENERAL|general>")
    assert (none.is_refusal, none.channel) == (True, "C0GENERAL")
    assert none.title == "No digest comes in #C0GENERAL, so there is nothing to turn off."
    come(world, MORNING + DAY)
    assert [card.channel for card in lists(world)][-2:] == [ANA.id, "C0BOSSES"]
    assert world.say("digest now for <#C0BOSSES|bosses>").title.endswith("the list comes in #C0BOSSES.")
    assert lists(world)[-1].channel == "C0BOSSES"


@pytest.mark.parametrize("text", ["digest at 8:30 for #nosuch", "digest now for nosuch", "digest off for #nosuch",
                                  "digest weekly for #nosuch"])  # fmt: skip
@pytest.mark.parametrize("actor", [ANA, Actor("cli:mira", "mira")])
def test_a_channel_that_nobody_knows_is_refused(world, text, actor):
    said = world.say(text, actor)
    assert said.is_refusal
    assert said.title == (
        "Slack shows no channel #nosuch here: pick it from what Slack offers while you type its name."
    )
    with world.read() as session:
        assert session.exec(select(Digest).where(Digest.place == "nosuch")).all() == []


def test_a_channel_that_was_set_by_its_name_is_one_place(world):
    world.change(Workspace, channel="#north")
    assert "The digest comes in #north at 07:00" in world.say("digest at 7am for #North").title
    world.now = MORNING + DAY
    come(world)
    (card,) = lists(world, "#north")
    with world.db.write() as session:
        cards.drawn(session, card.id, wanted=card.wanted, ts="1.0", channel="C0NORTH")
    assert "The digest comes in #north at 09:00" in world.say("digest at 9:00 for <#C0NORTH|north>").title
    with world.read() as session:
        assert session.exec(select(Digest).where(Digest.place == "C0NORTH")).all() == []
    assert come(world, MORNING + 2 * DAY + timedelta(hours=1)) == 2, "Ana's and the channel's"


def test_from_the_shell_the_list_is_an_answer(world):
    mira = Actor("cli:mira", "mira")
    said = world.say("digest now", mira)
    assert said.title == "2 lines to work off, the first are:"
    assert [row.title for row in said.rows] == [f"{ADA} · Spring", f"{EVE} · Spring"]
    assert world.say("digest at 8:30", mira).is_refusal
    assert not world.say("digest at 8:30 for #C0SALES", mira).is_refusal


@pytest.mark.parametrize(
    "text", ["digest at 9", "digest at noon CET", "digest at 25:00", "digest at June 15"]
)
def test_a_time_that_is_none_is_refused(world, text):
    assert world.say(text).is_refusal


# Many


@pytest.fixture
def many(database_url):
    """10,000 leads of Ana's, paused for long, put there in bulk."""
    world = world_with(database_url)
    with world.db.write() as session:
        ada = world.enrollment(ADA)
        leads = [{"email": f"lead{n}@x.test", "owner": ANA.id, "custom": {}, "created_at": world.now, "domain": "x.test",
                  "first_name": "", "last_name": "", "name": "", "company": "", "stage": ""} for n in range(10_000)]  # fmt: skip
        session.bulk_insert_mappings(Lead, leads)
        ids = session.connection().exec_driver_sql("SELECT id FROM lead WHERE email LIKE 'lead%%'" if not world.db.is_sqlite
                                                   else "SELECT id FROM lead WHERE email LIKE 'lead%'").scalars().all()  # fmt: skip
        session.bulk_insert_mappings(
            Enrollment,
            [{"lead_id": i, "sequence_id": ada.sequence_id, "run": 1, "status": "pending", "position": 1, "attempt": 0,
              "mailbox_id": ada.mailbox_id, "has_started": True, "version": 1, "enrolled_at": world.now,
              "due_at": world.now + 4 * DAY} for i in ids],
        )  # fmt: skip
    world.say("pause everyone")
    asked = world.say("pause everyone")
    commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    return world


def test_ten_thousand_are_paged_with_a_handful_of_statements(many):
    counted = []
    event.listen(many.db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    assert come(many, MORNING) == 2
    assert len(counted) < 40
    counted.clear()
    view = shown(many)
    assert len(counted) < 20
    assert titles(view) == ["⏸️ Paused without an end date (10,001)"]
    assert (len(rows(view)), view.more.label) == (12, "9,989 more…")
    seen = [row.title for row in rows(view)]
    said = many.say(view.more.command)
    assert said.title == "Lines 13 to 24 of 10,001, 10,001 to do."
    seen += [row.title for row in said.rows]
    assert len(set(seen)) == 24
    card = re.search(r"digest (\d+) more", said.more.command)[1]
    assert said.more.command == f"card digest {card} more 24"
    done = many.say(said.rows[0].choices[0].command)
    assert done.title.startswith("Resumed")
    assert done.rows[0].verdict.startswith("Ana resumed it"), "the page stays, with what became of it"
    assert [row.title for row in done.rows] == [row.title for row in said.rows]
    assert shown(many).progress == "1 of 10,001 done"


def test_a_page_that_is_done_makes_room_for_the_next(database_url):
    emails = [f"l{n:02}@x.test" for n in range(15)]
    world = world_with(database_url, *emails)
    for email in emails:
        held(world, email, Source.REPLY)
    come(world, MORNING)
    assert shown(world).more.label == "3 more…"
    for row in range(11):
        press(world, shown(world), "Stop", row=row)
    assert (len(rows(shown(world))), shown(world).more.label) == (12, "3 more…")
    press(world, shown(world), "Stop", row=11)
    view = shown(world)
    assert [row.title.split()[0] for row in rows(view)] == emails[12:]
    assert (view.progress, view.more) == ("12 of 15 done", None)
    for row in range(3):
        press(world, shown(world), "Stop", row=row)
    view = shown(world)
    assert (view.verdict, view.more, len(rows(view))) == (
        "All done: 15 of 15. The first 12 are shown.",
        None,
        12,
    )


def test_a_worklist_is_scoped_by_owner(world):
    with world.read() as session:
        for scope, count in ((Scope(), 2), (Scope(ANA.id), 2), (Scope(BEN.id), 0), (Scope(nobody_but=(ANA.id,)), 0),
                             (Scope(nobody_but=()), 2)):  # fmt: skip
            assert left(Worklist(world.now, "UTC", scope).counts(session)) == count
        (count,) = Worklist(world.now, "UTC").counts(session)
        assert (count.owner, count.group) == (ANA.id, Group.REPLY)
        assert session.get(Digest, 1) is not None
