"""The forecast says what the real sender then does: both are run for fourteen days and compared day by day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlmodel import select

from core import handover, releases
from core.announcements import announce_due
from core.conditions import conditions_due
from core.digests import digest_due
from core.forecast import Outlook, Standing, Way, outlook, sentences
from core.forecasting import forecast
from core.lifecycle import Plan, PlannedStep, Policy, StepKind
from core.models import Mailbox
from core.schedule import Calendar, Delay, Unit
from tests.measure import cpu
from tests.world import PLAIN, START, World, make

WINDOW = PLAIN.replace(
    "lead_zone: false",
    'holidays: DE\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}',
)
MINUTELY = PLAIN.replace("delay: 4 days", "delay: 30 minutes")
FORKED = WINDOW.replace(
    "  - id: close\n",
    "  - id: fork\n    kind: condition\n    delay: 1 day\n    when: replied\n    within: 2 days\n    then: stop\n"
    "    otherwise: close\n  - id: close\n",
)
# The condition is reached on a Saturday, which the window moves; its wait counts from that Saturday.
WEEKEND = FORKED.replace("delay: 4 days", "delay: 1 day").replace(
    "delay: 1 day\n    when", "delay: 3 days\n    when"
)
JUMP = "  - id: on\n    kind: jump\n    delay: 1 day\n    to: {}\n"
QUICK = """
sequence: Autumn
zone: Europe/Berlin
steps:
  - id: hello
    subject: Hello
    body: Reply STOP to opt out.
  - id: again
    delay: 2 days
    subject: Again
    body: Reply STOP to opt out.
"""
TASKED = WINDOW.replace(
    "  - id: close\n", "  - id: call\n    kind: task\n    delay: 1 day\n    title: Call\n  - id: close\n"
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")


def really(world: World, days: int) -> Counter[date]:
    """What leaves by the real engine, by day: the clock goes from event to event, as the sandbox's does."""
    left: Counter[date] = Counter()
    end = START.replace(hour=0) + timedelta(days=days)
    while True:
        count = len(world.tick())
        left[world.now.date()] += count
        handover.reap(world.db, now=world.now)
        for happens in (announce_due, conditions_due, digest_due):
            happens(world.db, now=world.now)
        with world.db.read() as session:
            event = releases.next_event(session, now=world.now)
        if event is None or event[0] >= end:
            return +left
        world.now = max(event[0], world.now + timedelta(seconds=1))


def foreseen(world: World, days: int) -> Counter[date]:
    with world.db.read() as session:
        boxes = forecast(session, now=world.now, days=days).boxes
    said: Counter[date] = Counter()
    for found in boxes:
        said.update(dict(zip(found.days, found.sent, strict=True)))
    return +said


@pytest.mark.parametrize(
    ("text", "box"),
    [
        (PLAIN, {}),
        (WINDOW, {}),
        (WINDOW, {"cap_per_day": 7}),
        (MINUTELY, {"cap_per_day": 13}),
        (WINDOW, {"cap_per_day": 9, "min_gap_seconds": 600}),
        (WINDOW, {"cap_per_day": 20, "ramp_from": 2, "ramp_step": 3}),
        (WINDOW, {"cap_per_day": 5, "min_gap_seconds": 7200}),
        (FORKED, {"cap_per_day": 8}),
        (WEEKEND, {}),
        (TASKED, {"cap_per_day": 8}),
    ],
)
def test_it_says_what_the_real_engine_does(database_url: str, text: str, box: dict[str, float]) -> None:
    world = make(database_url, text)
    world.change(Mailbox, **box)
    for number in range(24):
        world.enrol(f"lead{number}@x.test", zone=ZONES[number % 3])
    said = foreseen(world, 14)
    assert said == really(world, 14)
    assert said.total() > 20


def test_it_goes_on_from_where_everybody_stands(database_url: str) -> None:
    world = make(database_url, WINDOW)
    world.change(Mailbox, cap_per_day=6, min_gap_seconds=300)
    for number in range(18):
        world.enrol(f"lead{number}@x.test", zone=ZONES[number % 3])
    world.run_until(START + timedelta(days=2, hours=3), timedelta(minutes=5))
    world.say("pause lead3@x.test until June 9")
    world.say("pause lead4@x.test")
    world.say("stop lead5@x.test")
    said = foreseen(world, 12)
    before = world.now.date()
    assert {day: count for day, count in said.items() if day > before} == {
        day: count for day, count in really(world, 14).items() if day > before
    }


def test_whoever_was_paused_at_a_condition_goes_on_with_the_rest_of_the_wait(database_url: str) -> None:
    world = make(database_url, WEEKEND, "a@x.test", "b@x.test")
    really(world, 6.3)  # type: ignore[arg-type]
    world.now = START.replace(hour=7, minute=30) + timedelta(days=6)
    assert world.status("a@x.test") == "in_progress"
    world.say("pause a@x.test until June 8")
    said = foreseen(world, 9)
    assert said.total() == 2
    assert said == really(world, 15)


SECOND = "ben@sales.example"


@pytest.mark.parametrize("sender", ["", f"mailboxes: [{SECOND}]\n"], ids=["same mailbox", "another mailbox"])
@pytest.mark.parametrize("box", [{}, {"cap_per_day": 6}])
def test_a_jump_leads_on_to_the_other_sequence(database_url: str, sender: str, box: dict[str, int]) -> None:
    world = make(database_url, QUICK)
    with world.db.write() as session:
        ana = session.exec(select(Mailbox)).one()
        session.add(Mailbox(**ana.model_dump(exclude={"id", "address"}), address=SECOND))
    world.change(Mailbox, **box)
    world.add(WINDOW.replace("steps:", "mailboxes: [ana@sales.example]\nsteps:") + JUMP.format("Autumn"))
    world.say("pause sequence Autumn")
    # Autumn leads back, which nobody may follow within a day.
    world.add(QUICK.replace("steps:", f"{sender}steps:") + JUMP.format("Spring"))
    for number in range(20):
        world.enrol(f"lead{number}@x.test", zone=ZONES[number % 3])
    world.enrol("lead1@x.test", sequence="Autumn")
    world.say("stop lead1@x.test in Autumn")
    world.enrol("lead2@x.test", sequence="Autumn")
    world.say("pause lead2@x.test in Autumn")
    assert foreseen(world, 14) == really(world, 14)


def test_a_jump_to_what_takes_no_leads_leads_nowhere(database_url: str) -> None:
    world = make(database_url, QUICK)
    world.add(MINUTELY.replace("delay: 3 days", "delay: 1 day") + JUMP.format("Autumn"))
    world.enrol("a@x.test")
    assert foreseen(world, 14).total() == 5
    world.say("pause sequence Autumn")
    assert foreseen(world, 14).total() == 3
    world.say("resume sequence Autumn")
    with world.db.read() as session:
        alone = forecast(session, now=world.now, sequence_id=world.enrollment("a@x.test").sequence_id)
    assert sum(sum(one.sent) for one in alone.boxes) == 3


def test_another_sequences_paused_and_held_mailboxes_send_nothing(database_url: str) -> None:
    world = make(database_url, PLAIN, "a@x.test", "b@x.test")
    world.say("pause sequence Spring")
    assert foreseen(world, 14) == Counter()
    world.say("resume sequence Spring")
    world.change(Mailbox, guarded_at=world.now, guarded_because="too much came back")
    with world.db.read() as session:
        found = forecast(session, now=world.now)
    assert (found.held, sum(found.boxes[0].sent)) == (("ana@sales.example",), 0)


def test_nothing_is_written(database_url: str) -> None:
    world = make(database_url, WINDOW, "a@x.test")
    before = world.enrollment("a@x.test").model_dump()
    foreseen(world, 14)
    assert world.enrollment("a@x.test").model_dump() == before
    assert world.deliveries("a@x.test") == []


def test_too_many_are_cut_and_said(database_url: str) -> None:
    world = make(database_url, PLAIN, *(f"lead{number}@x.test" for number in range(9)))
    with world.db.read() as session:
        found = forecast(session, now=world.now, most=4)
    assert (found.left_out, found.boxes[0].sent[0]) == (5, 4)


def test_the_sentence_names_the_day_and_how_many_wait() -> None:
    days = tuple(date(2027, 6, 3) + timedelta(days=number) for number in range(3))
    found = Outlook("ana@sales.example", days, (200, 40, 0), (200, 200, 200), (40, 0, 0))
    assert sentences([found]) == [
        "Thursday 3 June is over the cap or gap of ana@sales.example: 40 mails wait until Friday."
    ]
    assert sentences([Outlook("b@x.test", days, (1, 1, 1), (9, 9, 9), (0, 0, 0))]) == []


def test_fifty_thousand_leads_take_seconds_of_work() -> None:
    plan = Plan(
        (PlannedStep(StepKind.EMAIL, Delay(0, Unit.DAYS)), PlannedStep(StepKind.EMAIL, Delay(3, Unit.DAYS))),
        Calendar(None, "Europe/Berlin", None), Policy.FREEZE,
    )  # fmt: skip
    box = Mailbox(
        address="a@x.test", smtp_host="", smtp_port=1, smtp_security="none", cap_per_day=3000, created_at=START,
        min_gap_seconds=5,
    )  # fmt: skip
    way = Way(plan)
    leads = [Standing(number, 0, START, way) for number in range(50_000)]
    with cpu() as spent:
        found = outlook(box, leads, handed=0, now=START)
        assert spent() < 20
    assert sum(found.sent) == 14 * 3000
    assert found.waiting[0] == 47_000
