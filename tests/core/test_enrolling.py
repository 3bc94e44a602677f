"""Enrolling: who would be, who not and why, shown before anybody is, and then done for exactly those."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlmodel import col, func, select

from core import commands, enrolling, lifecycle, sequences
from core.acts import apply
from core.answers import Answer
from core.enrolling import Preview, Why
from core.errors import Refused
from core.lead_file import LeadRow, Row
from core.leads import import_batch, suppress
from core.models import Collision, Enrollment, Lead, Member, Sequence, Suppression
from core.people import SYSTEM, Actor
from tests.measure import cpu
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA, BOB, CAT, DAN, EVE = (f"{name}@{name}.test" for name in ("ada", "bob", "cat", "dan", "eve"))
AUTUMN = PLAIN.replace("Spring", "Autumn")


@pytest.fixture
def world(database_url: str) -> World:
    """Spring has Ada; Bob was stopped in it, Cat is suppressed, Dan is Ben's."""
    world = make(database_url, PLAIN, ADA, BOB)
    with world.db.write() as session:
        for person in (ANA, BEN):
            session.merge(Member(id=person.id, name=person.name, zone=person.zone or "UTC", seen_at=START))
        for email in (CAT, DAN, EVE):
            session.add(Lead(email=email, name=email[:3].title(), stage="demo", created_at=START))
        session.flush()
        suppress(session, CAT, reason="asked to", actor=BEN, now=START)
        dan = session.exec(select(Lead).where(Lead.email == DAN)).one()
        dan.owner = BEN.id
    world.say(f"stop {BOB}")
    return world


def shown(world: World, *emails: str, sequence: str = "Spring", actor=ANA) -> Preview:
    with world.read() as session:
        ids = session.exec(select(Lead.id).where(col(Lead.email).in_(emails))).all() if emails else ()
        number = sequences.find(session, sequence).id or 0
        return enrolling.preview(session, [i for i in ids if i], number, actor=actor, now=world.now)


def confirm(world: World, answer: Answer) -> Answer:
    proposal = next(choice.proposal for choice in answer.choices if choice.proposal)
    return commands.confirm(world.desk, proposal, actor=ANA, now=world.now)


def many(world: World, count: int, **fields: object) -> None:
    rows = [
        {"email": f"lead{n:05}@many.test", "first_name": "", "last_name": "", "name": "", "company": "",
         "domain": "", "stage": "cold", "custom": {}, "created_at": START} | fields
        for n in range(count)
    ]  # fmt: skip
    with world.db.write() as session:
        session.execute(insert(Lead), rows)


def test_preview_names_everybody_with_the_reason(world: World) -> None:
    seen = shown(world, ADA, BOB, CAT, DAN, EVE)

    assert [one.email for one in seen.enrolled] == [EVE]
    assert {why: [one.email for one in those] for why, those in seen.skipped.items()} == {
        Why.SUPPRESSED: [CAT],
        Why.THERE: [ADA],
        Why.BEFORE: [BOB],
    }
    assert [(name, those[0].email, those[0].why) for name, those in seen.asked.items()] == [
        ("Ben", DAN, "is Ben's lead")
    ]
    assert seen.skipped[Why.BEFORE][0].why == "stopped"


def test_preview_of_ones_own_lead_asks_nobody(world: World) -> None:
    assert [one.email for one in shown(world, DAN, actor=BEN).enrolled] == [DAN]


def test_preview_changes_nothing(world: World) -> None:
    before = len(world.journal())
    shown(world, ADA, EVE)
    assert len(world.journal()) == before


@pytest.mark.parametrize(("verb", "way"), [("pause", "Resume it first"), ("archive", "Bring it back first")])
def test_sequence_that_takes_no_leads_is_said(world: World, verb: str, way: str) -> None:
    (world.sure if verb == "archive" else world.say)(f"{verb} sequence Spring")
    with pytest.raises(Refused, match=way):
        shown(world, EVE)


def test_rows_of_a_file_are_judged_by_what_is_known(world: World) -> None:
    rows = list(enumerate([LeadRow(email=email) for email in (ADA, CAT, EVE, "new@new.test")], start=2))
    with world.read() as session:
        number = sequences.find(session, "Spring").id or 0
        seen = enrolling.preview_rows(session, rows, number, actor=ANA, now=world.now)

    assert [(one.email, one.line, one.lead_id is None) for one in seen.enrolled] == [
        (EVE, 4, False),
        ("new@new.test", 5, True),
    ]
    assert [one.line for one in seen.skipped[Why.THERE]] == [2]


def test_enrol_of_a_few_acts_at_once_and_says_who_not(world: World) -> None:
    answer = world.say(f"enrol {EVE} in Spring")

    assert answer.title == f"Enrolled {EVE} in Spring."
    assert world.status(EVE) == "pending"
    again = world.say(f"enrol {EVE} in Spring")
    assert again.is_refusal
    assert again.lines == (f"In Spring already (1): {EVE} (pending).",)


LEFT_OUT = (
    f"Suppressed, they get no mail (1): {CAT}.",
    f"In Spring already (1): {ADA} (pending).",
    f"In Spring before, where only `start` begins a new run (1): {BOB} (stopped).",
)


def test_whoever_is_left_out_of_a_few_is_named_with_the_reason(world: World) -> None:
    answer = world.say(f"enrol {ADA} {BOB} {CAT} {EVE} in Spring")
    assert answer.title == f"Enrolled {EVE} in Spring."
    assert set(LEFT_OUT) <= set(answer.lines)


def test_whoever_was_shown_as_left_out_of_many_is_named_when_it_is_done_and_stays_out(world: World) -> None:
    asked = world.say("enrol everyone in Spring")
    assert set(LEFT_OUT) <= set(asked.lines)
    with world.db.write() as session:
        session.delete(session.get_one(Suppression, CAT))
    done = confirm(world, asked)
    assert world.enrollment(CAT) is None
    assert set(LEFT_OUT[1:]) <= set(done.lines)


def test_whoever_is_paused_elsewhere_is_named_and_starts_all_the_same(world: World) -> None:
    world.add(AUTUMN)
    world.enrol(EVE)
    world.say(f"start {BOB} in Spring")
    world.tick()
    world.say(f"pause {EVE} until June 15")
    world.say(f"pause {BOB}")
    told = (
        f"Paused elsewhere, but start here all the same (2): {BOB} (paused in Spring until somebody resumes) and "
        f"{EVE} (paused in Spring until Wednesday 16 June 2027, 00:00 (Europe/Berlin))."
    )
    answer = world.say(f"enrol {BOB} {EVE} in Autumn")
    assert told in answer.lines
    assert world.status(EVE, "Autumn") == "pending"


def test_a_qualified_lead_is_shown_first_and_named_when_it_starts(world: World) -> None:
    world.add(AUTUMN)
    world.tick()
    world.say(f"qualify {ADA}")
    world.later(days=1)
    told = f"Marked qualified, but starts here all the same (1): {ADA} (on Tuesday 1 June 2027)."

    asked = world.say(f"enrol {ADA} in Autumn")

    assert asked.title == "Enrol 1 lead in Autumn?"
    assert told in asked.lines
    assert world.enrollment(ADA, "Autumn") is None
    done = confirm(world, asked)
    assert told in done.lines
    assert world.status(ADA, "Autumn") == "pending"
    assert told in world.say(f"start {ADA} in Spring").lines


def test_a_lead_that_is_qualified_no_longer_starts_without_a_question(world: World) -> None:
    world.add(AUTUMN)
    world.say(f"qualify {ADA}")
    world.say("undo")
    answer = world.say(f"enrol {ADA} in Autumn")
    assert not answer.choices
    assert not [line for line in answer.lines if "qualified" in line]
    world.say(f"unqualify {BOB}")
    assert not shown(world, BOB, sequence="Autumn").qualified


def test_several_of_a_company_are_shown_first(world: World) -> None:
    many(world, 3, domain="many.test")
    assert world.say("enrol @many.test in Spring").title == "Enrol 3 leads in Spring?"


def test_enrol_never_begins_a_second_run(world: World) -> None:
    answer = world.say(f"enrol {BOB} in Spring")

    assert answer.is_refusal
    assert answer.lines == (f"In Spring before, where only `start` begins a new run (1): {BOB} (stopped).",)
    assert world.status(BOB) == "stopped"


def test_enrol_by_a_filter_shows_many_first_and_acts_on_exactly_those(world: World) -> None:
    many(world, 12)
    asked = world.say("enrol stage:cold in Spring")

    assert asked.title == "Enrol 12 leads in Spring?"
    many_more = {"email": "late@many.test", "stage": "cold", "created_at": START}
    with world.db.write() as session:
        session.add(Lead(**many_more))
        suppress(session, "lead00003@many.test", reason="asked to", actor=BEN, now=world.now)
    done = confirm(world, asked)

    assert done.title == "Enrolled 11 leads (11 enrollments)."
    assert "lead00003@many.test is suppressed and gets no mail." in done.lines
    assert world.say("list in Spring pending").title.startswith("12 leads pending")  # with Ada


def test_colleague_is_asked_and_nobody_is_enrolled_before(world: World) -> None:
    answer = world.say(f"enrol {DAN} {EVE} in Spring")

    assert world.status(EVE) == "pending"
    assert any("Ben" in line for line in answer.lines)
    with world.read() as session:
        dan = session.exec(select(Lead.id).where(Lead.email == DAN)).one()
        assert session.exec(select(func.count()).where(Enrollment.lead_id == dan)).one() == 0
        assert session.exec(select(Collision.colleague)).all() == [BEN.id]


def test_where_colleagues_are_asked_about_all_nothing_offers_to_enrol(world: World) -> None:
    many(world, 12)
    with world.db.write() as session:
        for lead in session.exec(select(Lead).where(Lead.stage == "cold")):
            lead.owner = BEN.id
            session.add(lead)
    asked = world.say("enrol stage:cold in Spring")

    assert asked.title == "Nobody would be enrolled in Spring at once. Ask about 12 leads first?"
    assert [choice.label for choice in asked.choices] == ["Ask about 12 leads first", "Cancel"]
    confirm(world, asked)
    with world.read() as session:
        assert set(session.exec(select(Collision.colleague)).all()) == {BEN.id}


def test_enrol_alone_opens_the_form_and_says_what_else(world: World) -> None:
    assert world.say("enrol").opens == ("enrol", 0, 0)
    with world.read() as session:
        number = sequences.find(session, "Spring").id
    assert world.say("enrol in Spring").opens == ("enrol", number, 0)
    world.add(AUTUMN)
    which = world.say(f"enrol {EVE}")
    assert [choice.command for choice in which.choices] == [
        f'enrol {EVE} in "{name}"' for name in ("Autumn", "Spring")
    ]


def test_enrol_is_undone_as_one_batch(world: World) -> None:
    done = world.say(f"enrol {EVE} in Spring")
    undone = commands.undo(world.desk, done.batch_id, actor=ANA, now=world.now + timedelta(minutes=1))

    assert undone.title.startswith("Undid `enrol`")
    assert world.status(EVE) == "stopped"


@pytest.mark.slow
def test_preview_of_ten_thousand_takes_well_under_a_second(world: World) -> None:
    many(world, 10_000)
    with world.db.write() as session:
        session.add(Suppression(email="lead00007@many.test", reason="x", author="x", at=START))
        number = session.exec(select(Sequence.id).where(Sequence.name == "Spring")).one() or 0
    with world.read() as session:
        ids = [i for i in session.exec(select(Lead.id)) if i is not None]
        with cpu() as spent:
            seen = enrolling.preview(session, ids, number, actor=ANA, now=world.now)
            assert spent() < 1

    assert len(seen.enrolled) == 10_000  # with Eve, without lead 7


def test_who_asks_nobody_is_told_whose_leads_they_enrol(world: World) -> None:
    told = f"Ben works these or their company and is not asked (1): {DAN} (is Ben's lead)."
    done = world.say(f"enrol {DAN} in Spring", Actor("cli:kit", "kit"))
    assert done.title == f"Enrolled {DAN} in Spring."
    assert told in done.lines


BACK = START + timedelta(days=14)
AWAY = f"Enrolled, but out of office and held until back (1): {ADA} (until Tuesday 15 June 2027, 10:00 (Europe/Berlin))."


@pytest.fixture
def absent(world: World) -> World:
    """Ada has had her first mail of Spring, and is out of office until the morning of 15 June."""
    world.add(AUTUMN)
    world.tick()
    assert take_in(world, until=BACK)
    return world


def take_in(world: World, *, until: datetime | None) -> bool:
    """Hold Ada as the reader does."""
    hold = lifecycle.Hold(lifecycle.Source.OUT_OF_OFFICE, "“I am away”", SYSTEM.id, world.now, until)
    pause = lifecycle.Pause(hold, is_wide=True)
    with world.db.write() as session:
        number = world.enrollment(ADA).id or 0
        done = apply(session, [number], lambda _: pause, verb="pause", actor=SYSTEM, now=world.now)
    return bool(done.changes)


def test_whoever_is_out_of_office_begins_held_until_they_are_back(absent: World) -> None:
    assert [one.email for one in shown(absent, ADA, sequence="Autumn").away] == [ADA]
    assert shown(absent, ADA, sequence="Autumn").elsewhere == ()
    said = absent.say(f"preview sequence Autumn for {ADA}")
    assert said.rows[0].detail.startswith("Tuesday 15 June 2027, 10:00 (Europe/Berlin)")

    done = absent.say(f"enrol {ADA} in Autumn")

    assert done.lines[1:] == (
        "Next: step 1 “Ada, a question” on Tuesday 15 June 2027, 10:00 (Europe/Berlin).",
        AWAY,
    )
    [hold] = absent.holds(ADA, "Autumn")
    assert (hold.source, hold.author, hold.until) == ("out_of_office", "system", BACK)
    absent.later(days=13)
    assert absent.tick() == []
    absent.later(days=1)
    assert (ADA, "intro") in absent.tick()


def test_many_of_whom_one_is_out_of_office_are_shown_with_that(absent: World) -> None:
    asked = absent.say("enrol everyone in Autumn")
    assert AWAY in asked.lines
    assert AWAY in confirm(absent, asked).lines
    assert absent.status(ADA, "Autumn") == "paused"
    assert absent.status(EVE, "Autumn") == "pending"


def test_an_absence_without_a_date_holds_until_somebody_says(absent: World) -> None:
    absent.say(f"resume {ADA} in Spring")
    take_in(absent, until=None)
    assert "(until somebody resumes)" in absent.say(f"start {ADA} in Autumn").lines[-1]
    assert [one.until for one in absent.holds(ADA, "Autumn")] == [None]


def test_an_absence_that_a_person_has_ended_holds_nobody(absent: World) -> None:
    absent.say(f"resume {ADA} in Spring")
    absent.say(f"enrol {ADA} in Autumn")
    assert absent.status(ADA, "Autumn") == "pending"


@pytest.mark.parametrize("policy", ["freeze", "keep", "now"])
def test_who_began_held_is_resumed_as_others_are(absent: World, policy: str) -> None:
    absent.say(f"enrol {ADA} in Autumn")
    absent.later(days=1)
    assert not absent.say(f"resume {ADA} in Autumn {policy}").is_refusal
    assert (ADA, "intro") in absent.tick()


def test_who_began_held_is_taken_back_by_an_undo_and_can_be_enrolled_again(absent: World) -> None:
    done = absent.say(f"enrol {ADA} in Autumn")
    commands.undo(absent.desk, done.batch_id, actor=ANA, now=absent.now + timedelta(minutes=1))
    assert (absent.status(ADA, "Autumn"), absent.holds(ADA, "Autumn")) == ("stopped", [])
    assert absent.status(ADA) == "paused"
    assert not absent.say(f"enrol {ADA} in Autumn").is_refusal
    assert absent.status(ADA, "Autumn") == "paused"


def test_an_import_tells_of_each_lead_that_is_not_enrolled_or_a_colleagues_or_away(absent: World) -> None:
    lines = [Row(n, LeadRow(email=email), None) for n, email in enumerate((ADA, BOB, DAN, EVE), 2)]
    absent.say(f"start {BOB} in Autumn")
    done = import_batch(absent.db, lines, into="Autumn", actor=Actor("cli:kit", "kit"), now=absent.now)
    assert done.told == [
        f"{BOB} is in Autumn already (pending); nothing was changed.",
        f"{ADA} is enrolled, though it was put into Spring by Ana.",
        f"{DAN} is enrolled, though it is Ben's lead.",
        f"{ADA} is enrolled, but out of office and held until Tuesday 15 June 2027, 10:00 (Europe/Berlin).",
    ]
    assert (done.counts["enrolled"], done.counts["enrolled, but out of office and held until back"]) == (3, 1)
