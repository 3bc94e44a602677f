"""The preview of a lead's way: what comes, when and from whom, as the real engine then does it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from core import releases, sequences
from core.announcements import announce_due
from core.conditions import conditions_due
from core.digests import digest_due
from core.leads import suppress
from core.models import Lead
from core.preview import path
from core.schedule import local
from core.sequence_file import load
from core.views.path import chart
from tests.world import ANA, BEN, PLAIN, START, World, make

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


def test_a_preview_is_asked_for_as_anything_else_of_a_lead(world: World) -> None:
    assert world.say(f"preview {ADA} in Spring").rows == world.say(f"preview sequence Spring for {ADA}").rows
    assert world.say(f"preview {ADA} in spring step 2").title == "Step 2: Did it reach you, Ada?"
    assert "`preview lead@x.com in Spring`" in world.say(f"preview {ADA}").title
    assert "“preview lead@x.com in SEQ” shows what that lead would get" in world.say("help preview").as_text()


def moment(at: datetime) -> str:
    here = local(at, "Europe/Berlin")
    return f"{here:%A} {here.day} {here:%B %Y, %H:%M}"


def played(world: World, end: datetime) -> list[tuple[str, str]]:
    """What leaves by the real engine until then, with its date: the clock goes from event to event."""
    left: list[tuple[str, str]] = []
    while True:
        left += [(moment(world.now), subject) for _, subject in world.tick()]
        for happens in (announce_due, conditions_due, digest_due):
            happens(world.db, now=world.now)
        with world.read() as session:
            event = releases.next_event(session, now=world.now)
        if event is None or event[0] >= end:
            world.now = end
            return left
        world.now = max(event[0], world.now + timedelta(seconds=1))


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


def test_a_step_in_full_leads_back_to_the_preview_without_another_picture(world: World) -> None:
    whole = world.say(f"preview sequence Spring for {ADA}")
    [full] = whole.rows[1].choices
    [back] = world.say(full.command).choices
    assert back.label == "Back to the preview"
    again = world.say(back.command)
    assert (again.title, again.rows, again.choices) == (whole.title, whole.rows, whole.choices)
    assert (len(whole.cards), again.cards) == (1, ())


def test_step_that_keeps_a_draft_from_being_published_says_so(database_url: str) -> None:
    world = make(database_url, WINDOW, ADA)
    draft = (
        PLAIN.replace("Spring", "Tail").replace("    subject: Did it reach you, {{ first_name }}?\n", "")
        .replace("Bye. Reply STOP to opt out.", "Bye {{ frist_name }}. Reply STOP to opt out.")
    )  # fmt: skip
    with world.db.write() as session:
        sequences.save(session, load(draft), actor=ANA, now=START)
    intro, nudge, close = world.say(f"preview sequence Tail for {ADA}").rows
    assert "publish" not in intro.detail
    assert nudge.title == "2. (no subject)"
    assert "cannot be published: Subject: it is empty; write one. · Hi Ada, reply STOP" in nudge.detail
    assert close.detail.count("frist_name") == 1
    assert "cannot be published: Line 1 of the body" in close.detail
    full = world.say(f"preview sequence Tail for {ADA} step 2").lines
    assert full[1:] == (
        "It cannot be published: Subject: it is empty; write one.",
        "Hi Ada, reply STOP to opt out.",
    )
    written = world.say("preview sequence Tail").rows
    assert (written[1].title, written[1].detail) == (
        "2. (no subject)", "email, after 4 days · cannot be published: Subject: it is empty; write one.",
    )  # fmt: skip


def test_who_is_not_in_it_is_shown_as_if_it_started_now(world: World) -> None:
    world.add(WINDOW.replace("sequence: Spring", "sequence: Opera"))
    assert "as if it started now" in world.say(f"preview sequence Opera for {ADA}").title
    assert world.say(f"preview sequence Spring for {EVE}").is_refusal
    assert len(world.say("preview sequence Spring").rows) == 3


def test_a_condition_says_where_both_ways_lead(database_url: str) -> None:
    world = make(database_url, FORKED, ADA)
    [fork] = [one for one in details(world) if "if so" in one]
    assert "if so the end, else step 4 (close)" in fork


@pytest.mark.parametrize(
    "delay", ["1 day", "4 days"]
)  # on a Saturday, which the window moves, and on a Tuesday
@pytest.mark.parametrize("hours", [1, 143.5, 173])  # on Monday 09:30, on Tuesday 15:00
@pytest.mark.parametrize("hold", ["", "pause {} until June 14", "pause {}"])
def test_after_a_condition_the_dates_are_those_of_the_engine_wherever_the_lead_stands(
    database_url: str, delay: str, hours: float, hold: str
) -> None:
    text = FORKED.replace("delay: 4 days", "delay: 3 days").replace("delay: 1 day\n", f"delay: {delay}\n", 1)
    world = make(database_url, text, ADA)
    played(world, START + timedelta(hours=hours))
    if hold:
        world.say(hold.format(ADA))
    said = [detail.partition(" (")[0] for detail in details(world) if "if so" not in detail]
    if hold == "pause {}":
        world.say(f"resume {ADA}")
    assert said == [when for when, _ in played(world, START + timedelta(days=40))]


ENDS = PLAIN.replace(
    "  - id: close\n",
    "  - id: fork\n    kind: condition\n    delay: 1 day\n    when: replied\n    within: 2 days\n    then: close\n"
    "    otherwise: next\n  - id: over\n    kind: {kind}\n  - id: close\n",
)


def test_nothing_comes_after_the_end_but_what_only_a_condition_leads_to(database_url: str) -> None:
    world = make(database_url, ENDS.format(kind="stop"), ADA)
    said = world.say(f"preview sequence Spring for {ADA}")
    assert [row.title[:2] for row in said.rows] == ["1.", "2.", "3.", "4.", "5."]
    assert [row.detail.startswith("only if step 3 comes true, then by ") for row in said.rows] == [
        False
    ] * 4 + [True]
    assert "waits until Tuesday 8 June 2027, 10:00" in said.rows[2].detail
    assert said.rows[3].title == "4. End of the sequence"
    with world.read() as session:
        row, lead = sequences.find(session, "Spring"), session.exec(select(Lead)).one()
        picture = chart(path(session, row, lead, now=world.now), now=world.now)
    assert "5. Last word: only if step 3 comes true, by " in picture.as_text


def test_a_jump_says_where_it_leads_and_shows_that_way_on_a_click(database_url: str) -> None:
    world = make(database_url, PLAIN.replace("sequence: Spring", "sequence: Summer"))
    world.add(ENDS.format(kind="jump\n    to: Summer"))
    world.enrol(ADA)
    row = world.say(f"preview sequence Spring for {ADA}").rows[3]
    assert row.detail.endswith("this sequence ends, and Summer begins at its first step")
    [button] = row.choices
    assert world.say(button.command).title.startswith(f"Summer (published) for {ADA}, as if it started now")


@pytest.mark.parametrize(
    ("act", "reason"),
    [(f"stop {ADA} because they asked", "It was stopped by Ana"), (f"skip {ADA} in Spring", "It was skipped by Ana"), ("", "")],
)  # fmt: skip
def test_whoever_gets_nothing_is_said_first(world: World, act: str, reason: str) -> None:
    if act:
        world.say(act)
    else:
        with world.db.write() as session:
            suppress(session, ADA, reason="unsubscribed", actor=ANA, now=world.now)
        reason = f"It was stopped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin): unsubscribed. {ADA} is suppressed (unsubscribed)"
    said = world.say(f"preview sequence Spring for {ADA}")
    assert said.title.startswith(f"Nothing will be sent. {reason}")
    assert said.lines[0].startswith(f"What would be: Spring (published) for {ADA}")
    assert len(said.rows) == 3


def test_whoever_is_suppressed_and_in_no_sequence_gets_nothing(world: World) -> None:
    world.add(WINDOW.replace("sequence: Spring", "sequence: Opera"))
    with world.db.write() as session:
        suppress(session, ADA, reason="unsubscribed", actor=ANA, now=world.now)
    assert world.say(f"preview sequence Opera for {ADA}").title.startswith(
        f"Nothing will be sent. {ADA} is suppressed (unsubscribed) by Ana"
    )


def test_a_version_that_is_still_to_be_drawn_is_said_as_such(database_url: str) -> None:
    world = make(database_url, IN_VERSIONS)
    world.add(PLAIN.replace("sequence: Spring", "sequence: Other"))
    world.enrol(ADA, sequence="Other")
    said = world.say(f"preview sequence Spring for {ADA}").rows[0]
    assert said.title == "1. Short or Long"
    assert "one of 2 versions, by lot: this is short" in said.detail


def test_a_step_that_has_left_is_called_as_it_was(database_url: str) -> None:
    world = make(database_url, IN_VERSIONS, *(f"lead{number}@x.test" for number in range(8)))
    world.tick()
    for number in range(8):
        email = f"lead{number}@x.test"
        with world.read() as session:
            lead, row = session.get_one(Lead, world.lead_id(email)), sequences.find(session, "Spring")
            [done] = path(session, row, lead, now=world.now).done
        [delivery] = world.deliveries(email)
        assert done.subject == delivery.subject
        assert done.subject == {"short": "Short", "long": "Long"}[delivery.variant]
    assert {
        delivery.variant for number in range(8) for delivery in world.deliveries(f"lead{number}@x.test")
    } == {"short", "long"}


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
