"""The preview of a lead's way: what comes, when and from whom, as the real engine then does it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.schedule import local
from tests.world import BEN, PLAIN, START, World, make

ADA, EVE = "ada@x.test", "eve@x.test"
WINDOW = PLAIN.replace(
    "lead_zone: false", 'holidays: DE\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}'
)
FORKED = WINDOW.replace(
    "  - id: close\n",
    "  - id: fork\n    kind: condition\n    delay: 1 day\n    when: replied\n    within: 2 days\n    then: stop\n"
    "    otherwise: close\n  - id: close\n",
)
IN_VERSIONS = PLAIN.replace(
    '    subject: "{{ first_name }}, a question"\n    body: Hi {{ first_name }}, reply STOP to opt out.\n',
    "    variants:\n      - {name: short, subject: Short, body: Reply STOP to opt out.}\n"
    "      - {name: long, subject: Long, body: Please reply STOP to opt out.}\n",
)


@pytest.fixture
def world(database_url: str) -> World:
    return make(database_url, WINDOW, ADA)


def details(world: World, text: str = f"Spring for {ADA}", **who: object) -> list[str]:
    return [row.detail for row in world.say(f"preview sequence {text}", **who).rows]  # type: ignore[arg-type]


def test_every_step_has_its_date_its_words_and_what_the_window_did(world: World) -> None:
    said = world.say(f"preview sequence Spring for {ADA}")
    assert said.title == (
        f"Spring (published) for {ADA}, from step 1 on, where it stands, sent by ana@sales.example: 3 steps."
    )
    assert [row.title for row in said.rows] == [
        "1. Ada, a question", "2. Did it reach you, Ada?", "3. Last word",
    ]  # fmt: skip
    assert said.rows[1].detail == (
        "Monday 7 June 2027, 09:00 (Europe/Berlin) · moved from Saturday 5 June, 10:00 by the window (Saturday) · "
        "Hi Ada, reply STOP to opt out."
    )


def test_the_dates_are_those_of_the_engine(world: World) -> None:
    said = details(world)
    left = world.run_until(START + timedelta(days=14))
    dates = [
        f"{local(at, 'Europe/Berlin'):%A} {at.day} June 2027, {local(at, 'Europe/Berlin'):%H:%M}"
        for at, _, _ in left
    ]
    assert [detail.partition(" (")[0] for detail in said] == dates


def test_a_held_lead_is_shown_as_if_it_were_resumed_now(world: World) -> None:
    world.tick()
    world.later(days=1).say(f"pause {ADA}")
    said = world.say(f"preview sequence Spring for {ADA}")
    assert "from step 2 on, if it were resumed now" in said.title
    assert said.rows[0].detail.startswith("Monday 7 June 2027, 09:00")


def test_a_reader_elsewhere_gets_their_own_date_as_well(world: World) -> None:
    assert (
        "10:00 (Europe/Berlin), for you Tuesday 1 June 2027, 04:00 (America/New_York)"
        in details(world, actor=BEN)[0]
    )


def test_one_step_in_full(world: World) -> None:
    [button] = world.say(f"preview sequence Spring for {ADA}").rows[1].choices
    said = world.say(button.command)
    assert (said.title, said.lines[-1]) == (
        "Step 2: Did it reach you, Ada?",
        "Hi Ada, reply STOP to opt out.",
    )
    assert world.say(f"preview sequence Spring for {ADA} step 9").is_refusal


def test_who_is_not_in_it_is_shown_as_if_it_started_now(world: World) -> None:
    world.add(WINDOW.replace("sequence: Spring", "sequence: Opera"))
    assert "as if it started now" in world.say(f"preview sequence Opera for {ADA}").title
    assert world.say(f"preview sequence Spring for {EVE}").is_refusal
    assert len(world.say("preview sequence Spring").rows) == 3


def test_a_condition_says_where_both_ways_lead(database_url: str) -> None:
    world = make(database_url, FORKED, ADA)
    [fork] = [one for one in details(world) if "if so" in one]
    assert "if so the end, else step 4 (close)" in fork


def test_the_version_a_lead_gets_is_the_one_that_leaves(database_url: str) -> None:
    world = make(database_url, IN_VERSIONS, ADA)
    said = world.say(f"preview sequence Spring for {ADA}").rows[0]
    name = "short" if "Short" in said.title else "long"
    assert f"version {name} of 2" in said.detail
    world.tick()
    assert world.deliveries(ADA)[0].variant == name


def test_nothing_is_changed(world: World) -> None:
    before = world.enrollment(ADA).model_dump()
    details(world)
    assert world.enrollment(ADA).model_dump() == before
    assert world.deliveries(ADA) == []
