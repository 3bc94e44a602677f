"""`stats` and `log` as people read them: the funnel, its parts, its file, and each line's state with what can be done."""

import csv
import io
from datetime import timedelta

import pytest
from sqlmodel import select

from core import exports, smtp_words, views
from core.dates.past import read_past
from core.errors import Refused
from core.grammar import parse
from core.handover import Fate, hold_back
from core.models import Card, Delivery, Link, Message, Visit
from core.people import Actor
from core.schedule import local
from core.views.lead import lead_card
from tests.world import ANA, DAY, PLAIN, START, World, make

ADA, EVE, IDA = "ada@x.test", "eve@x.test", "ida@x.test"
KIT = Actor("cli:kit", "kit", "Europe/Berlin")
TRACKED = PLAIN.replace("steps:", "track: {opens: true, clicks: true}\nsteps:")


def world_with(url, text=PLAIN) -> World:
    """Three had the first mail on Tuesday 1 June 2027 at 10:00 in Berlin; Eve's was refused."""
    world = make(url, text, ADA, EVE, IDA)
    for claim in (claims := world.claims()):
        assert world.begin([claim])
        is_eve = claim.recipient == EVE
        world.report(claim, Fate.REFUSED if is_eve else Fate.SENT, "5.1.1 No such user" if is_eve else "OK")
    assert len(claims) == 3
    return world


def answers(world: World, email: str) -> None:
    row = world.enrollment(email)
    with world.db.write() as session:
        session.add(Message(key=f"{email}{world.now}", lead_id=row.lead_id, enrollment_id=row.id, came_at=world.now,
                            matched_by="thread", sender=email, text="Yes,\nplease", kind="reply", judged_kind="reply"))  # fmt: skip


def opens(world: World, email: str, kind: str = "open") -> None:
    delivery = world.deliveries(email)[0]
    with world.db.write() as session:
        link = Link(token=f"{email}{kind}", delivery_id=delivery.id or 0, made_at=world.now)
        session.add(link)
        session.flush()
        session.add(
            Visit(
                link_id=link.id or 0,
                delivery_id=delivery.id or 0,
                kind=kind,
                at=world.now,
                settled_at=world.now,
            )
        )


def test_stats_tell_the_funnel_and_each_step(database_url):
    world = world_with(database_url)
    answers(world, ADA)
    world.say(f"stop {ADA}")
    said = world.say("stats Spring", KIT)
    assert said.title == "Figures of Spring:"
    assert said.lines == (
        "Contacted: 2. Opened: not tracked. Clicked: not tracked. Interactions: 1 (50 %). Answered: 1 (50 %).",
        "Interrupted: 1 (1 by a person). Completed: 0. Now: 1 active, 1 paused.",
        "Mails: 2 sent, 1 failed.",
    )
    assert said.table == (("step", "sent", "answered", "failed"), ("1. intro", "2", "1", "1"))
    assert [one.label for one in said.choices] == ["By step", "By sender", "By week", "By channel", "CSV"]
    assert said.cards == ()


def test_stats_count_opens_where_they_are_tracked(database_url):
    world = world_with(database_url, TRACKED)
    opens(world, ADA)
    opens(world, IDA, "click")
    said = world.say("stats", KIT)
    assert "Opened: 2 (100 %). Clicked: 1 (50 %). Interactions: 1 (50 %)." in said.lines[0]
    assert said.table[1] == ("Spring", "2", "2", "1", "0", "2", "1")


def test_stats_by_sender_week_channel_and_within_a_range(database_url):
    world = world_with(database_url)
    assert world.say("stats by sender", KIT).table[1][:2] == ("ana@sales.example", "2")
    assert world.say("stats by channel", KIT).table == (
        ("channel", "planned", "sent", "failed"), ("mails of steps", "3", "2", "1"),
    )  # fmt: skip
    world.later(days=10)
    answers(world, IDA)
    weeks = world.say("stats by week", KIT).table
    assert [row[0] for row in weeks[1:]] == ["31 May 2027", "7 Jun 2027"]
    assert [row[weeks[0].index("answered")] for row in weeks[1:]] == ["0", "1"]
    lately = world.say("stats last 3 days", KIT)
    assert lately.title == "Figures of all sequences since Tuesday 8 June 2027:"
    assert lately.lines[0].startswith("Contacted: 0. ")
    assert "Answered: 1" in lately.lines[0]
    assert "until Tuesday 1 June 2027:" in world.say("stats Spring until June 1", KIT).title
    assert world.say("stats since June 5 until June 2", KIT).is_refusal
    assert "still to come" in world.say("stats since tomorrow", KIT).title


def test_a_leads_card_tells_what_came_of_the_mails(database_url):
    world = world_with(database_url, TRACKED)

    def engagement(email):
        with world.read() as session:
            return lead_card(session, world.lead_id(email), now=world.now).enrollments[0].engagement

    assert engagement(IDA) == "1 mail sent"
    opens(world, IDA)
    assert engagement(IDA) == "1 mail sent · 1 opened"
    opens(world, IDA, "click")
    answers(world, IDA)
    assert engagement(IDA) == "1 mail sent · 1 opened · 1 clicked · 1 answer"
    world.enrol("new@x.test")
    assert engagement("new@x.test") == ""


def test_stats_of_one_sender(database_url):
    world = world_with(database_url)
    said = world.say("stats Spring by step from Ana@sales.example", KIT)
    assert said.title == "Figures of Spring by step from Ana@sales.example:"
    assert said.table == (("step", "sent", "answered", "failed"), ("1. intro", "2", "0", "1"))
    assert [one.label for one in said.choices] == ["By week", "By channel", "CSV"]
    assert said.choices[0].command == 'stats in "Spring" by week from Ana@sales.example'
    assert world.say("stats from nobody@sales.example", KIT).title == (
        "There is no sender “nobody@sales.example”; `mailboxes` lists them."
    )


def test_stats_of_nobody_say_so(database_url):
    world = make(database_url)
    assert world.say("stats Spring").title == "Nobody has been in Spring yet, so there are no figures."
    assert "`enrol stage:demo in Spring` begins" in world.say("stats").title


def test_stats_in_slack_bring_a_card_with_the_picture(database_url):
    world = world_with(database_url)
    (key,) = world.say("stats Spring since June 1", ANA).cards
    with world.read() as session:
        shown = views.view(
            session, Card(key=key, kind="stats", channel="D1", created_at=world.now), now=world.now + DAY
        )
        gone = Card(key=key.replace("Spring", "Autumn"), kind="stats", channel="D1", created_at=world.now)
        assert "no longer here" in views.view(session, gone, now=world.now).title
    assert shown.title == "Figures of Spring since Tuesday 1 June 2027"
    assert shown.chart.funnel[0] == ("contacted", 2)
    assert shown.chart.funnel[1] == ("opened", None)
    assert "opened not tracked" in shown.chart.as_text
    assert world.say("stats Spring by step", ANA).cards == ()


# The log


def lines(said) -> list[tuple[str, str]]:
    return [(row.title, row.detail) for row in said.rows]


def test_log_tells_each_delivery_with_the_servers_words_and_what_to_do(database_url):
    world = world_with(database_url)
    said = world.say("log")
    assert said.title == "What was carried out, the newest first:"
    assert len(said.rows) == 3
    (row,) = world.say(f"log {EVE}").rows
    assert (row.title, row.detail) == (
        f"10:00 · {EVE}",
        "step 1 of Spring, from ana@sales.example: failed: 550 5.1.1 No such user. That is: the address does not exist; stop the lead, or correct the address and try again.",
    )
    assert [one.label for one in row.choices] == ["Try again", "Leave out", "Stop"]
    assert lines(world.say("log failed")) == [(row.title, row.detail)]
    world.say(row.choices[2].command)
    assert world.status(EVE) == "stopped"
    assert world.say("log failed").rows[0].choices == ()
    assert world.say(row.choices[0].command).is_refusal, "a line that is out of date starts nothing"


def test_log_of_failures_names_what_cannot_be_written(database_url):
    world = make(database_url, PLAIN, ADA)
    hold_back(world.db, [(claim, "first_name is missing") for claim in world.claims()], now=world.now)

    (row,) = world.say("log failed").rows

    assert row.detail == (
        "step 1 of Spring, from ana@sales.example: cannot be written: first_name is missing; "
        f"`edit {ADA}` completes the lead."
    )
    assert world.say("log").rows == (row,)
    assert [choice.label for choice in row.choices] == ["Try again", "Leave out", "Stop"]
    assert not world.say(row.choices[1].command).is_refusal
    assert world.say("log failed").rows == ()
    assert "left out" in world.say("log skipped").rows[0].detail


@pytest.mark.parametrize(("label", "left"), [("Try again", [(EVE, "intro")]), ("Leave out", [])])
def test_buttons_of_a_failed_line_act(database_url, label, left):
    world = world_with(database_url)
    choice = next(one for one in world.say("log failed").rows[0].choices if one.label == label)
    assert not world.say(choice.command).is_refusal
    assert world.enrollment(EVE).position == (1 if label == "Leave out" else 0)
    assert world.tick() == left


def test_log_settles_what_is_uncertain(database_url):
    world = make(database_url, PLAIN, ADA)
    (claim,) = world.claims()
    assert "Now under way: 1 hand-over: ada@x.test since 10:00:00." in world.say("log").lines
    world.begin([claim])
    world.report(claim, Fate.UNKNOWN, "the line broke")
    (row,) = world.say("log uncertain").rows
    assert "nobody knows whether it left: the line broke" in row.detail
    assert [one.label for one in row.choices] == ["It left", "Send again", "Drop it"]
    assert not world.say(row.choices[0].command).is_refusal
    assert world.say("log uncertain").rows == ()
    assert "it left, says Ana" in world.say("log sent").rows[0].detail


def test_log_of_what_is_held_opened_answered_and_left_out(database_url):
    world = world_with(database_url, TRACKED)
    opens(world, ADA)
    answers(world, IDA)
    world.say(f"pause {ADA} because holidays")
    world.say(f"cancel step {IDA}")
    assert "held by Ana (person: holidays)." in world.say("log held").rows[0].detail
    assert world.say("log opened").rows[0].detail == "step 1 of Spring, from ana@sales.example: opened."
    assert world.say("log answers in Spring").rows[0].detail == "Spring: answered: “Yes, please”."
    assert "left out" in world.say("log skipped").rows[0].detail
    assert world.say("log acts").title == "What happened last:"
    world.later(days=2)
    assert world.say("log sent").rows[0].title.startswith("1 Jun 10:00")
    assert world.say("log since yesterday").title == "Nothing has been carried out since yesterday."
    assert world.say("log failed since yesterday").title == "Nothing failed since yesterday."
    assert len(world.say("log since June 1").rows) == 4


def test_log_has_pages_that_leave_nothing_out_and_show_nothing_twice(database_url):
    emails = [f"p{number}@x.test" for number in range(30)]
    world = make(database_url, PLAIN, *emails)
    world.tick()
    said, seen = world.say("log sent"), []
    while said.rows:
        seen += [row.title.split(" · ")[1] for row in said.rows]
        if said.more is None:
            break
        said = world.say(said.more.command)
    assert sorted(seen) == sorted(emails)


def test_log_goes_by_the_time_that_it_shows(database_url):
    world = make(database_url, PLAIN, ADA)
    hold_back(world.db, [(claim, "first_name is missing") for claim in world.claims()], now=world.now)
    world.later(hours=1)
    world.enrol(EVE)
    world.tick()
    world.later(hours=1)
    world.say(f"resume {ADA}")
    world.tick()  # the very delivery that was planned first
    world.enrol(IDA)
    said = world.say("log")
    assert [row.title for row in said.rows] == [f"12:00 · {ADA}", f"11:00 · {EVE}"]
    assert world.say("log since 1 June 2027").rows == said.rows


def test_log_of_holds_and_answers_goes_by_the_time_that_it_shows(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.later(hours=1)
    world.say(f"pause {IDA}")
    world.later(hours=1)
    world.say(f"pause {ADA} until June 15")  # a hold in place of the first, which lasts since then
    assert [row.title for row in world.say("log held").rows] == [
        f"11:00 · {IDA}", f"10:00 · {ADA}", f"10:00 · {EVE}",
    ]  # fmt: skip
    answers(world, IDA)
    world.later(hours=-1)
    answers(world, ADA)  # read late
    assert [row.title for row in world.say("log answers").rows] == [f"12:00 · {IDA}", f"11:00 · {ADA}"]


def test_pages_of_the_log_neither_repeat_nor_leave_out_what_moves_meanwhile(database_url):
    emails = [f"p{number:02}@x.test" for number in range(30)]
    world = make(database_url, PLAIN, *emails)
    hold_back(world.db, [(claim, "first_name is missing") for claim in world.claims()], now=world.now)
    first = world.say("log")
    world.later(hours=1)
    world.say(f"resume {first.rows[0].title.split(' · ')[1]}")
    world.say(f"resume {emails[0]}")
    world.tick()  # the first page's last, and one of the last page, are on top now
    seen, said = [row.title for row in first.rows], first
    while said.more is not None:
        said = world.say(said.more.command)
        seen += [row.title for row in said.rows]
    assert sorted(seen) == sorted(f"10:00 · {email}" for email in emails[1:])


# Files


def file_of(world: World, command: str) -> list[list[str]]:
    out = io.StringIO()
    count = exports.write(world.db, parse(command), out, actor=KIT, now=world.now)
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert count == len(rows) - 1
    return rows


def test_files_have_every_line_and_no_formula(database_url):
    world = world_with(database_url)
    with world.db.write() as session:
        for row in session.exec(select(Delivery).where(Delivery.state == "failed")):
            row.answer = "=HYPERLINK(1)"
            session.add(row)
    head, *rows = file_of(world, "log csv")
    assert head == ["number", "at", "lead", "sequence", "step", "mailbox", "state", "server"]
    assert len(rows) == 3
    assert "'=HYPERLINK(1)" in [row[-1] for row in rows]
    head, row = file_of(world, "stats Spring csv")
    figures = dict(zip(head, row, strict=True))
    assert (figures["of"], figures["contacted"], figures["opened"], figures["failed"]) == (
        "Spring",
        "2",
        "",
        "1",
    )
    assert [row[0] for row in file_of(world, "stats by step csv")] == ["step", "Spring 1. intro"]


def test_file_without_slack_names_the_command(database_url):
    world = world_with(database_url)
    assert "`fermata stats --csv FILE`" in world.say("stats csv", KIT).title
    assert world.say("log failed csv", ANA).file == "log failed csv"


# Words


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ("550 5.1.1 No such user", "the address does not exist"),
        ("5.1.10 null MX", "takes no mail at all"),
        ("452 4.2.2 over quota", "is full"),
        ("550 5.7.1 blocked", "refuses mail from us"),
        ("550 5.7.26 DMARC", "neither SPF nor DKIM"),
        ("535 5.7.8 bad", "password is wrong"),
        ("553 5.1.99 odd", "something is wrong with an address"),
        ("421 too busy, 10.5.1.1 says so", "closed"),
        ("554 no", "refuses the mail"),
    ],
)
def test_servers_answers_are_put_into_words(answer, meaning):
    said, todo = smtp_words.explained(answer)
    assert meaning in said
    assert todo


def test_an_answer_without_codes_is_not_explained():
    assert smtp_words.explained("Connection reset") == ("", "")


@pytest.mark.parametrize(
    ("phrase", "day"),
    [
        ("June 1", "2027-06-01"), ("July 4", "2026-07-04"), ("15.06.2026", "2026-06-15"), ("Monday", "2027-06-14"),
        ("last Wednesday", "2027-06-09"), ("last week", "2027-06-07"), ("last month", "2027-05-01"),
        ("this quarter", "2027-04-01"), ("4 weeks ago", "2027-05-19"), ("last 2 months", "2027-04-16"),
        ("December", "2026-12-01"), ("yesterday", "2027-06-15"), ("today", "2027-06-16"),
    ],
)  # fmt: skip
def test_past_is_read_from_the_beginning_of_the_day(phrase, day):
    now = START + timedelta(days=15)  # a Wednesday
    at = local(read_past(phrase, now=now, zone="Europe/Berlin"), "Europe/Berlin")
    assert f"{at:%Y-%m-%d %H:%M}" == f"{day} 00:00"


@pytest.mark.parametrize("phrase", ["9/8", "tomorrow", "2028-01-01", "soonish", "x" * 65])
def test_what_is_no_day_of_the_past_is_refused(phrase):
    with pytest.raises(Refused):
        read_past(phrase, now=START, zone="UTC")
