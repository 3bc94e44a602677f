"""Conditions: awaited until the fact is true or the time is over, then the lead goes on at a step."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from core import leads, visits
from core.acts import ENROLLMENTS, LEADS
from core.conditions import conditions_due
from core.inbound import Kind
from core.meetings import MeetingNews, note
from core.models import Link, Mailbox, Message, Visit
from core.releases import next_event
from tests.world import DAY, START, World, make

ADA = "ada@acme.test"
BRANCHES = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
track: {clicks: true, opens: true}
on: {reply: continue, meeting: continue, click: continue}
steps:
  - id: intro
    subject: A question
    body: Hi, reply STOP to opt out.
  - id: fork
    kind: condition
    delay: 1 day
    when: WHEN
    within: 3 days
    then: offer
    otherwise: next
  - id: nudge
    delay: 1 day
    subject: Did it reach you?
    body: Hi, reply STOP to opt out.
  - id: enough
    kind: stop
    because: nobody clicked
  - id: offer
    delay: 2 hours
    subject: An offer
    body: Hi, reply STOP to opt out.
"""
CLICKED = BRANCHES.replace("WHEN", "clicked")
HOUR = timedelta(hours=1)


def asks(url: str, when: str, *emails: str) -> World:
    """A world in which the intro has left and its condition is awaited since a minute."""
    world = make(url, BRANCHES.replace("WHEN", when), *(emails or (ADA,)))
    world.tick()
    world.later(days=1, minutes=1).tick()
    return world


@pytest.fixture
def world(database_url: str) -> World:
    return asks(database_url, "clicked")


def visit(
    world: World, email: str = ADA, kind: str = visits.CLICK, *, suspect: str = "", settle: bool = True
) -> None:
    """The lead's first mail is visited, a minute ago, and that is judged."""
    [first, *_] = world.deliveries(email)
    with world.db.write() as session:
        link = Link(token=f"{kind}{first.id}{world.now.timestamp()}", delivery_id=first.id or 0, url="https://x.test",
                    place=1 if kind == visits.CLICK else 0, made_at=START)  # fmt: skip
        session.add(link)
        session.flush()
        session.add(Visit(link_id=link.id or 0, delivery_id=first.id or 0, kind=kind, at=world.now - timedelta(minutes=1),
                          agent="", suspect=suspect))  # fmt: skip
    if settle:
        visits.settle_due(world.db, now=world.now)


def look(world: World) -> int:
    return conditions_due(world.db, now=world.now)


def at(world: World, email: str = ADA) -> tuple[str, int]:
    row = world.enrollment(email)
    return row.status, row.position


def test_a_condition_is_awaited_from_its_date_on(world: World) -> None:
    row = world.enrollment(ADA)
    assert at(world) == ("in_progress", 1)
    assert (row.awaits_since, row.due_at) == (START, START + 4 * DAY)
    assert world.tick() == []
    with world.read() as session:
        assert next_event(session, now=world.now) == (START + 4 * DAY, "a wait for a condition ends")


def test_a_click_lets_the_lead_go_on_at_once(world: World) -> None:
    world.later(hours=5)
    visit(world)
    assert look(world) == 1
    assert at(world) == ("pending", 4)
    assert world.enrollment(ADA).due_at == world.now + 2 * HOUR
    assert [line.reason for line in world.journal("branch")] == ["there is a click, so on to step 5 (offer)"]
    assert world.later(hours=2).tick() == [(ADA, "offer")]
    assert at(world) == ("completed", 5)


def test_a_click_before_the_condition_came_counts(database_url: str) -> None:
    world = make(database_url, CLICKED, ADA)
    world.tick()
    world.later(hours=5)
    visit(world)
    world.now = START + DAY
    world.tick()
    assert at(world) == ("pending", 4)


def test_without_a_click_the_lead_goes_on_when_the_time_is_over(world: World) -> None:
    world.now = START + 4 * DAY - timedelta(seconds=1)
    assert look(world) == 0
    world.now = START + 4 * DAY + 5 * HOUR  # noticed late
    assert look(world) == 1
    assert (at(world), world.enrollment(ADA).due_at) == (("pending", 2), START + 5 * DAY)
    assert world.later(days=1).tick() == [(ADA, "nudge")]
    world.tick()
    row = world.enrollment(ADA)
    assert (row.status, row.position, row.end_reason) == ("completed", 5, "nobody clicked")


def test_a_scanner_is_nobody(world: World) -> None:
    visit(world, suspect="it fetched every link")
    look(world)
    assert at(world) == ("in_progress", 1)


def test_a_visit_that_is_not_judged_yet_is_waited_for(world: World) -> None:
    world.now = START + 4 * DAY
    visit(world, settle=False)
    assert look(world) == 0
    visits.settle_due(world.db, now=world.now)
    assert look(world) == 1
    assert at(world) == ("pending", 4)


def test_a_click_after_the_time_is_over_changes_nothing(world: World) -> None:
    world.now = START + 4 * DAY
    look(world)
    visit(world.later(hours=1))
    assert (look(world), at(world)) == (0, ("pending", 2))


@pytest.mark.parametrize("kind", [visits.OPEN, visits.CLICK])
def test_an_open_is_an_open_and_so_is_a_click(database_url: str, kind: str) -> None:
    world = asks(database_url, "opened")
    visit(world, kind=kind)
    assert look(world) == 1
    assert at(world) == ("pending", 4)


def test_an_open_is_no_click(world: World) -> None:
    visit(world, kind=visits.OPEN)
    assert look(world) == 0


def answers(world: World, kind: Kind, came_at: datetime) -> None:
    row = world.enrollment(ADA)
    with world.db.write() as session:
        session.add(
            Message(key=f"{kind}{came_at}", lead_id=row.lead_id, enrollment_id=row.id, came_at=came_at, matched_by="thread",
                    sender=ADA, kind=kind.value, judged_kind=kind.value)
        )  # fmt: skip
        conditions_news(session, row.lead_id)


def conditions_news(session, lead_id: int) -> None:  # type: ignore[no-untyped-def]
    from core.awaited import news

    news(session, [lead_id])


def test_a_reply_since_the_last_mail_counts_and_nothing_else(database_url: str) -> None:
    world = asks(database_url, "replied")
    answers(world, Kind.REPLY, START - DAY)
    answers(world, Kind.AUTOMATIC, world.now)
    assert look(world) == 0
    answers(world, Kind.REPLY, world.now)
    assert look(world) == 1
    assert at(world) == ("pending", 4)


def test_nobody_counts_as_silent_before_the_mailbox_was_read(database_url: str) -> None:
    world = asks(database_url, "replied")
    world.change(Mailbox, imap_host="imap.test", read_at=START + 3 * DAY)
    world.now = START + 4 * DAY
    assert look(world) == 0
    world.change(Mailbox, read_at=world.later(minutes=1).now)
    assert look(world) == 1
    assert at(world) == ("pending", 2)


def test_a_meeting_counts(database_url: str) -> None:
    world = asks(database_url, "booked")
    row = world.enrollment(ADA)
    with world.db.write() as session:
        news = MeetingNews("m1", "test", "booked", 0, world.now, world.now + DAY, world.now + DAY + HOUR)
        note(session, row.lead_id, row.id, news, now=world.now)
    assert (look(world), at(world)) == (1, ("pending", 4))


@pytest.mark.parametrize(
    ("when", "command"), [("{tag: hot}", f"tag {ADA} Hot"), ("{stage: qualified}", f"qualify {ADA}")]
)
def test_what_is_true_of_the_lead_counts(database_url: str, when: str, command: str) -> None:
    world = asks(database_url, when)
    assert at(world) == ("in_progress", 1)
    world.say(command)
    if world.status(ADA) == "in_progress":
        assert look(world) == 1
        assert at(world) == ("pending", 4)


def test_a_field_counts_whatever_its_case(database_url: str) -> None:
    world = asks(database_url, "{field: {Plan: PRO}}")
    with world.db.write() as session:
        from core.lead_file.row import LeadRow
        from tests.world import ANA

        leads.save(session, [LeadRow(email=ADA, custom={"plan": "pro"})], actor=ANA, now=world.now)
    assert (look(world), at(world)) == (1, ("pending", 4))


def test_at_once_asks_only_what_is_true_now(database_url: str) -> None:
    world = make(database_url, CLICKED.replace("    within: 3 days\n", ""), ADA)
    world.tick()
    world.later(days=1).tick()
    assert at(world) == ("pending", 2)


class TestPaused:
    def test_a_pause_freezes_the_rest_of_the_wait(self, world: World) -> None:
        world.now = START + 2 * DAY
        world.say(f"pause {ADA}")
        world.later(days=10)
        assert look(world) == 0
        world.say(f"resume {ADA}")
        assert at(world) == ("in_progress", 1)
        assert world.enrollment(ADA).due_at == world.now + 2 * DAY
        world.later(days=2)
        assert (look(world), at(world)) == (1, ("pending", 2))

    def test_keep_lets_the_first_end_stand(self, world: World) -> None:
        world.say(f"pause {ADA}")
        world.later(days=1)
        world.say(f"resume {ADA} keep")
        assert world.enrollment(ADA).due_at == START + 4 * DAY

    def test_a_click_during_the_pause_counts_on_resume(self, world: World) -> None:
        world.say(f"pause {ADA}")
        visit(world.later(hours=2))
        assert look(world) == 0
        assert at(world) == ("paused", 1)
        world.say(f"resume {ADA}")
        assert (look(world), at(world)) == (1, ("pending", 4))

    def test_undo_takes_the_pause_back(self, world: World) -> None:
        before = world.enrollment(ADA)
        world.say(f"pause {ADA}")
        world.say("undo")
        after = world.enrollment(ADA)
        assert (after.status, after.due_at, after.awaits_since) == (
            before.status,
            before.due_at,
            before.awaits_since,
        )


def test_cancel_step_goes_on_with_the_next_at_once(world: World) -> None:
    answer = world.say(f"cancel step {ADA}")
    assert not answer.is_refusal
    assert (at(world), world.enrollment(ADA).due_at) == (("pending", 2), world.now + DAY)


def test_stop_and_start_anew(world: World) -> None:
    world.say(f"stop {ADA}")
    assert world.enrollment(ADA).awaits_since is None
    assert look(world) == 0
    world.say(f"start {ADA} in Spring")
    assert at(world) == ("pending", 0)


def test_a_halt_and_a_paused_sequence_keep_everybody_where_they_are(world: World) -> None:
    world.now = START + 4 * DAY
    world.say("halt")
    assert look(world) == 0
    world.say("unhalt")
    world.say("pause sequence Spring")
    assert look(world) == 0
    world.say("resume sequence Spring")
    assert look(world) == 1


def test_an_edit_that_takes_the_condition_out_lets_the_lead_go_on(world: World) -> None:
    world.say("pause sequence Spring")
    cut = CLICKED.index("  - id: fork"), CLICKED.index("  - id: nudge")
    world.add(
        (CLICKED[: cut[0]] + CLICKED[cut[1] :]).replace(
            "  - id: enough\n    kind: stop\n    because: nobody clicked\n", ""
        )
    )
    assert world.enrollment(ADA).awaits_since is None
    assert at(world) == ("pending", 1)


def test_a_condition_that_becomes_a_mail_is_no_longer_awaited(world: World) -> None:
    world.say("pause sequence Spring")
    cut = CLICKED.index("    kind: condition"), CLICKED.index("  - id: nudge")
    mail = "    delay: 1 day\n    subject: Now a mail\n    body: Hi, reply STOP to opt out.\n"
    text = CLICKED[: cut[0]] + mail + CLICKED[cut[1] :]
    world.add(text.replace("  - id: enough\n    kind: stop\n    because: nobody clicked\n", ""))
    look(world)
    assert (at(world), world.enrollment(ADA).awaits_since) == (("pending", 1), None)


def test_resend_goes_back_to_the_last_mail_that_left(world: World) -> None:
    visit(world)
    look(world)
    world.say(f"resend step {ADA}")
    assert at(world) == ("pending", 0)


def test_why_says_until_when_and_what_then(world: World) -> None:
    [line] = [line for line in world.say(f"why {ADA}").lines if "click" in line]
    assert line.startswith("Step 2 waits for a click until ")
    assert line.endswith("; with it step 5 (offer) comes next, without it step 3 (nudge).")


def test_ten_thousand_that_wait_cost_next_to_nothing(database_url: str) -> None:
    """A tick looks at those of whom there is news, and at those whose time is over; the others cost nothing."""
    world = asks(database_url, "clicked")
    first = world.enrollment(ADA)
    with world.db.write() as session:
        session.execute(insert(LEADS), [{"id": i, "email": f"lead{i}@many.test", "first_name": "", "last_name": "", "name": "",
                                         "company": "", "domain": "", "stage": "", "custom": {}, "created_at": START}
                                        for i in range(100, 10_100)])  # fmt: skip
        session.execute(
            insert(ENROLLMENTS),
            [{**first.model_dump(exclude={"remaining"}), "id": i, "lead_id": i} for i in range(100, 10_100)],
        )
    before = time.process_time()
    assert look(world) == 0
    assert time.process_time() - before < 0.1
    visit(world)
    assert look(world) == 1
    world.now = START + 4 * DAY
    before = time.process_time()
    assert look(world) == 10_000
    assert time.process_time() - before < 30


def test_a_pause_says_when_its_wait_goes_on(database_url: str) -> None:
    world = asks(database_url, "clicked")
    assert world.say(f"pause {ADA} until June 15").lines[-1] == (
        "Next: step 2 “Wait 3 days for a click”, a wait that goes on again on Wednesday 16 June 2027, 00:00 (Europe/Berlin)."
    )
    world.say(f"resume {ADA}")
    said = world.say(f"pause {ADA}").lines[-1]
    assert (
        said
        == "Next: step 2 “Wait 3 days for a click”, a wait that goes on again only after somebody resumes."
    )
