"""What comes of a visit: nothing until it is settled, nothing of a scanner's, the rule's act of a person's, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select as sql

from core import visits
from core.acts import DELIVERIES
from core.facts import IS_CLICK, IS_OPEN, VISITS
from core.releases import next_event
from core.views.timeline import timeline
from tests.tracked import ADA, BEA, PAGE, judged, send, visit, with_rule
from tests.world import DAY, START, World, make

D = DELIVERIES.c


def mailed(url: str, rule: str = "continue", *emails: str) -> World:
    """Ada got step 1 an hour ago."""
    world = make(url, with_rule(rule), *(emails or (ADA,)))
    send(world)
    return world.later(hours=1)


def settle(world: World, seconds: float = 6) -> int:
    return visits.settle_due(world.db, now=world.later(seconds=seconds).now)


def heard(world: World) -> tuple[set[int], set[int]]:
    """Give the enrollments with an open and those with a click, as figures and conditions count them."""
    with world.read() as session:
        return tuple(
            set(
                session.execute(
                    sql(D.enrollment_id).join(VISITS, VISITS.c.delivery_id == D.id).where(fact)
                ).scalars()
            )
            for fact in (IS_OPEN, IS_CLICK)
        )


@pytest.mark.parametrize(
    ("rule", "becomes"),
    [("continue", "pending"), ("pause", "paused"), ("stop", "stopped"),
     ("{do: pause, until: 2 days}", "paused"), ("{do: pause, scope: lead}", "paused")],
)  # fmt: skip
def test_a_click_does_what_the_rule_says(database_url, rule, becomes):
    world = mailed(database_url, rule)
    visit(world)
    assert world.status(ADA) == "pending"
    assert settle(world, 4) == 0
    assert world.status(ADA) == "pending"
    assert settle(world, 1) == 1
    assert world.status(ADA) == becomes
    assert judged(world) == [(1, "")]
    (line,) = world.journal("click")
    assert (line.reason, line.at) == (f"{PAGE} in step 1", START + timedelta(hours=1))


def test_a_click_reaches_as_far_as_its_rule(sqlite_url):
    world = make(sqlite_url, with_rule("{do: pause, scope: sequence, until: 2 days}"), ADA)
    other = with_rule().replace("sequence: Spring", "sequence: Autumn")
    world.add(other)
    world.enrol(ADA, sequence="Autumn")
    send(world)
    visit(world.later(hours=1))
    settle(world)
    assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "pending")
    (hold,) = world.holds(ADA)
    assert (hold.source, hold.reason) == ("click", f"clicked {PAGE}")
    assert hold.until == world.now + 2 * DAY


def test_a_link_acts_once_and_another_link_again(sqlite_url):
    world = mailed(sqlite_url, "pause")
    visit(world)
    settle(world)
    world.say(f"resume {ADA}")
    for _ in range(3):
        visit(world.later(minutes=1))
        settle(world)
    assert world.status(ADA) == "pending"
    assert len(world.journal("click")) == 1
    visit(world.later(minutes=1), 2)
    settle(world)
    assert world.status(ADA) == "paused"
    assert len(world.journal("click")) == 2


@pytest.mark.parametrize(
    "scan",
    [
        lambda world: visit(world, suspect="head"),
        lambda world: visit(world, suspect="agent"),
        lambda world: visit(world, -1),
        lambda world: [visit(world), visit(world, 2, after=1.5)],
        lambda world: [visit(world), visit(world, -1, after=4)],
        lambda world: [visit(world, 0), visit(world), visit(world, 2), visit(world, -1)],
    ],
)
def test_a_suspected_scanner_changes_nothing(database_url, scan):
    world = mailed(database_url, "stop")
    before = world.enrollment(ADA)
    scan(world)
    settle(world, 20)
    after = world.enrollment(ADA)
    assert (after.status, after.version, after.due_at) == ("pending", before.version, before.due_at)
    assert all(suspect for place, suspect in judged(world) if place)
    assert world.journal("click", "open") == []
    assert heard(world) == (set(), set())


def test_a_click_seconds_after_the_send_is_a_scanners(sqlite_url):
    world = make(sqlite_url, with_rule("stop"), ADA)
    send(world)
    visit(world.later(seconds=9))
    settle(world)
    assert judged(world) == [(1, "too soon")]
    visit(world.later(minutes=5))
    settle(world)
    assert judged(world) == [(1, "too soon"), (1, "")]
    assert world.status(ADA) == "stopped"


def test_what_a_scanner_does_later_still_clears_the_figures(sqlite_url):
    world = mailed(sqlite_url)
    visit(world)
    settle(world)
    assert judged(world) == [(1, "")]
    visit(world, -1, after=20)
    settle(world, 30)
    assert judged(world) == [(1, "hidden link"), (-1, "hidden link")]


def test_an_opening_is_told_once(sqlite_url):
    world = mailed(sqlite_url, "stop")
    for minutes in (0, 1, 2):
        visit(world.later(minutes=minutes), 0)
        settle(world)
    visit(world, 0, suspect="proxy")
    settle(world)
    assert world.status(ADA) == "pending"
    assert [line.reason for line in world.journal("open")] == ["step 1"]


def test_only_people_open_and_click(database_url):
    world = mailed(database_url, "continue", ADA, BEA)
    ada = world.enrollment(ADA).id
    visit(world, 0)
    visit(world, 0, email=BEA, suspect="proxy")
    visit(world, 1, email=BEA, suspect="agent")
    assert heard(world) == (set(), set())
    settle(world)
    assert heard(world) == ({ada}, set())
    visit(world.later(hours=1), 1)
    settle(world)
    assert heard(world) == ({ada}, {ada})


def test_a_click_stands_on_the_leads_timeline(sqlite_url):
    world = mailed(sqlite_url)
    visit(world, 0)
    visit(world, after=60)
    settle(world, 70)
    with world.read() as session:
        told = [entry.text for entry in timeline(session, lead_id=world.lead_id(ADA), limit=10)]
    assert f"The lead clicked {PAGE} in step 1 of Spring." in told
    assert "The lead opened step 1 of Spring." in told


def test_the_clock_of_the_try_out_knows_of_it(sqlite_url):
    world = mailed(sqlite_url)
    visit(world)
    with world.read() as session:
        assert next_event(session, now=world.now) == (world.now + timedelta(seconds=5), "a click is judged")
    settle(world)
    with world.read() as session:
        assert next_event(session, now=world.now)[1] == "a step is due"


def test_nobody_fills_the_database_with_one_link(sqlite_url):
    world = mailed(sqlite_url)
    for _ in range(visits.MOST_KEPT + 5):
        visit(world)
    assert len(judged(world)) == visits.MOST_KEPT
    settle(world)
    assert len(world.journal("click")) == 1
