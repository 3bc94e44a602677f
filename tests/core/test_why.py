"""Every reason why nothing leaves, at once, the strongest first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import leads
from core.handover import Fate
from core.models import Mailbox
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA = "ada@acme.test"
OFFICE = PLAIN.replace(
    "lead_zone: false", 'lead_zone: false\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}\nholidays: DE'
)


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has had the first step."""
    world = make(database_url, OFFICE, ADA)
    world.tick()
    return world


def why(world: World) -> list[str]:
    return list(world.say(f"why {ADA}").lines)


def test_nothing_due(world: World) -> None:
    assert why(world) == [
        "Step 2 is planned: nothing is due before Monday 7 June 2027, 09:00 (Europe/Berlin)."
    ]


def test_nothing_in_the_way(world: World) -> None:
    world.now = datetime(2027, 6, 7, 8, tzinfo=UTC)

    assert why(world) == [
        "Nothing holds it back: Next: step 2 “Did it reach you, Ada?” on Monday 7 June 2027, 10:00 (Europe/Berlin)."
    ]


def test_all_at_once_strongest_first(world: World) -> None:
    world.say(f"pause {ADA} until June 15 because travelling")
    world.say(f"pause {ADA}", actor=BEN)
    world.say("halt because wrong prices")
    world.say("pause sequence Spring")
    with world.db.write() as session:
        from core.models import Suppression

        session.add(Suppression(email=ADA, reason="complaint", author="system", at=START))
    world.change(Mailbox, down_at=START, down_because="password refused", cap_per_day=1)
    world.now = datetime(2027, 6, 1, 18, tzinfo=UTC)

    assert why(world) == [
        "Paused by Ben since Tuesday 1 June 2027, 10:00 (Europe/Berlin).",
        (
            "Paused by Ana since Tuesday 1 June 2027, 10:00 (Europe/Berlin) until Wednesday 16 June 2027, 09:00 "
            "(Europe/Berlin): travelling."
        ),
        "One of these holds has no end, so it goes on only after somebody resumes.",
        "All sending was halted by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin): wrong prices; `unhalt` ends that.",
        (
            "The sequence Spring was paused by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin); "
            "`resume sequence Spring` brings it back."
        ),
        (
            "ada@acme.test is suppressed (complaint) by Fermata since Tuesday 1 June 2027, 10:00 (Europe/Berlin): "
            "it gets no mail at all."
        ),
        "The mailbox ana@sales.example is disconnected since Tuesday 1 June 2027, 10:00 (Europe/Berlin): password refused.",
        "It is outside the sending window in Europe/Berlin; it opens on Wednesday 2 June 2027, 09:00 (Europe/Berlin).",
        "The mailbox ana@sales.example has reached its cap of 1 a day; it is free on Wednesday 2 June 2027, 02:00 (Europe/Berlin).",
    ]


def test_a_weekend_and_a_holiday_are_named(world: World) -> None:
    world.now = datetime(2027, 6, 5, 10, tzinfo=UTC)
    assert why(world)[0].startswith(
        "It is outside the sending window (Saturday) in Europe/Berlin; it opens on Monday 7 June"
    )
    world.now = datetime(2027, 10, 3, 10, tzinfo=UTC)
    assert why(world)[0].startswith(
        "Today is a public holiday (German Unity Day) in Europe/Berlin; the window opens on Monday 4"
    )


def test_a_gap(world: World) -> None:
    world.change(Mailbox, min_gap_seconds=90, last_handed_at=world.now)

    assert any("keeps a gap of 90 seconds" in line for line in why(world))


def test_what_failed_is_uncertain_or_under_way(world: World) -> None:
    world.now = datetime(2027, 6, 7, 8, tzinfo=UTC)
    [claim] = world.claims()
    world.begin([claim])
    assert (
        why(world)[0]
        == "Step 2 is being handed over right now, since Monday 7 June 2027, 10:00 (Europe/Berlin)."
    )
    world.report(claim, Fate.RETRY, "greylisted")
    assert "could not be handed over" in why(world)[0]
    world.later(minutes=5)
    [claim] = world.claims()
    world.begin([claim])
    world.report(claim, Fate.REFUSED, "no such user")
    assert why(world)[0] == (
        "Step 2 failed on Monday 7 June 2027, 10:05 (Europe/Berlin): refused: 550 no such user; "
        "`resume` tries it again, `cancel step` leaves it out."
    )


def test_an_uncertain_delivery(world: World) -> None:
    world.now = datetime(2027, 6, 7, 8, tzinfo=UTC)
    [claim] = world.claims()
    world.begin([claim])
    world.report(claim, Fate.UNKNOWN, "connection lost")

    assert why(world) == [
        (
            "Step 2 may or may not have left on Monday 7 June 2027, 10:00 (Europe/Berlin): connection lost; "
            "say on its card what became of it."
        )
    ]
    world.say(f"stop {ADA}")
    assert any("may or may not have left" in line for line in why(world))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"stop {ADA} because not interested", "It was stopped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin): not interested; `start` would begin a new run."),
        (f"stop {ADA}", "It was stopped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin); `start` would begin a new run."),
    ],
)  # fmt: skip
def test_stopped_with_who_and_when(world: World, text: str, sentence: str) -> None:
    world.say(text)

    assert why(world) == [sentence]


def test_completed_and_skipped(database_url: str) -> None:
    world = make(database_url, PLAIN, ADA)
    world.say(f"skip {ADA} in Spring")
    assert why(world) == [
        "It was skipped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin); `unskip` lets it start."
    ]
    world.say(f"unskip {ADA} in Spring")
    for days in (0, 4, 3):
        world.later(days=days).tick()
    assert why(world) == ["It has completed Spring on Tuesday 8 June 2027, 10:00 (Europe/Berlin)."]


def test_a_suppressed_lead_is_stopped_and_says_so(world: World) -> None:
    with world.db.write() as session:
        leads.suppress(session, ADA, reason="unsubscribed", actor=ANA, now=world.now)

    assert why(world)[0] == (
        "It was stopped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin): unsubscribed."
    )
    assert "is suppressed (unsubscribed) by Ana" in why(world)[1]
    assert world.say(f"start {ADA} in Spring").is_refusal


def test_in_several_sequences_each_is_named(world: World) -> None:
    world.add(PLAIN.replace("sequence: Spring", "sequence: Autumn"))
    world.enrol(ADA, sequence="Autumn")
    world.say(f"skip {ADA} in Autumn")

    lines = why(world)

    assert [line.partition(":")[0] for line in lines] == ["Autumn", "Spring"]


def test_of_several_leads_a_line_names_the_sequence_where_a_lead_is_in_more_than_one(world: World) -> None:
    world.add(OFFICE.replace("sequence: Spring", "sequence: Autumn"))
    world.enrol(ADA, sequence="Autumn")
    world.enrol("bob@acme.test")
    world.tick()

    ada, bob = (row.detail for row in world.say("why @acme.test").rows)

    planned = "Step 2 is planned: nothing is due before Monday 7 June 2027, 09:00 (Europe/Berlin)."
    assert ada == f"Autumn: {planned} Spring: {planned}"
    assert bob == planned


def test_of_one_sequence_nothing_of_another_is_told(world: World) -> None:
    world.add(OFFICE.replace("sequence: Spring", "sequence: Autumn"))
    world.enrol(ADA, sequence="Autumn")
    world.enrol("bob@acme.test")
    world.say(f"pause {ADA} in Spring")

    told = {what: world.say(f"{what} {ADA} in spring") for what in ("status", "why", "history")}

    assert told["status"].title == f"{ADA} is paused in Spring."
    assert told["why"].title == f"Why nothing is sent to {ADA} in Spring right now:"
    assert told["history"].title == f"What happened to {ADA} in Spring, the latest first:"
    assert not [answer for answer in told.values() if "Autumn" in answer.as_text()]
    assert world.say("why bob@acme.test in Autumn").title == (
        "bob@acme.test is not in Autumn, so nothing is sent."
    )
    assert world.say("status bob@acme.test in Autumn").title == "bob@acme.test is not in Autumn."
    assert [row.detail for row in world.say("status @acme.test in Autumn").rows] == [
        "Autumn: pending, step 1 of 3.",
        "not in Autumn",
    ]
    assert world.say(f"why {ADA} in Nowhere").is_refusal


def test_of_a_lead_in_no_sequence(world: World) -> None:
    world.enrol("bob@acme.test")
    world.say("pause everyone")

    answer = world.say(f"why {ADA} bob@acme.test")

    assert [row.title for row in answer.rows] == [ADA, "bob@acme.test"]
