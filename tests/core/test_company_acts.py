"""An act on a whole company: shown first with owners and sequences, refused where strangers share it, one batch."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core import commands, leads
from core.address import is_free_mail
from core.answers import Answer
from core.lead_file import LeadRow
from core.models import Batch, Enrollment, Journal, Lead
from tests.world import ANA, BEN, PLAIN, World, make

ADA, BOB, CAT = "ada@acme.test", "bob@acme.test", "cat@acme.test"
BELOW, OTHER = "dan@mail.acme.test", "eve@notacme.test"
SUMMER = PLAIN.replace("Spring", "Summer")


@pytest.fixture
def world(database_url: str) -> World:
    """Three leads of a company, two of them Ana's, one in two sequences; one of a subdomain, one of another company."""
    world = make(database_url, PLAIN, ADA, owner=ANA.id)
    world.enrol(BOB, owner=BEN.id)
    world.enrol(CAT, BELOW, OTHER)
    world.add(SUMMER)
    world.enrol(ADA, sequence="Summer")
    world.tick()
    return world


def confirm(world: World, question: Answer) -> Answer:
    assert question.choices[0].proposal, question.title
    return commands.confirm(world.desk, question.choices[0].proposal, actor=ANA, now=world.now)


def states(world: World) -> list[tuple[object, ...]]:
    """Everything an undo must put back."""
    with world.read() as session:
        rows = session.exec(select(Enrollment).order_by(Enrollment.id))  # type: ignore[arg-type]
        return [(r.status, r.position, r.due_at, r.send_at, r.wake_at, r.remaining) for r in rows]


WHOM = (
    "ada@acme.test (Ana): Spring and Summer",
    "bob@acme.test (Ben): Spring",
    "cat@acme.test (nobody): Spring",
    "Not touched: @mail.acme.test (1); name them too if they are meant.",
)


def test_a_pause_says_whom_it_would_touch_before_it_touches_anybody(world: World) -> None:
    answer = world.say("pause @acme.test")
    assert answer.title == "Pause 3 leads (4 enrollments)?"
    assert answer.lines[:-1] == (
        "Sequences: Spring (3) and Summer (1)",
        "Owners: Ana (1), Ben (1) and nobody (1)",
        *WHOM,
    )
    assert [choice.label for choice in answer.choices] == ["Pause 3 leads", "Cancel"]
    assert {world.status(email) for email in (ADA, BOB, CAT)} == {"pending"}


def test_in_one_sequence_only_that_is_shown(world: World) -> None:
    answer = world.say("pause @acme.test in Summer")
    assert answer.title == "Paused ada@acme.test in Summer."  # one lead alone needs no question
    answer = world.say("stop @acme.test in Spring")
    assert answer.lines[2] == "ada@acme.test (Ana): Spring"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("stop @acme.test", "Stop for good 3 leads (4 enrollments)?"),
        ("qualify @acme.test", "Mark 3 leads as qualified and stop 4 enrollments?"),
        ("qualify ada@acme.test company", "Mark 3 leads as qualified and stop 4 enrollments?"),
        ("start @acme.test in Summer", "Start 3 leads at acme.test in Summer, at the first step?"),
        ("restart @acme.test in Spring", "Restart 3 leads at acme.test in Spring, at the first step?"),
        ("tag @acme.test hot", "Tag 3 leads at acme.test as “hot”?"),
        ("pause @ACME.test", "Pause 3 leads (4 enrollments)?"),
    ],
)
def test_every_act_on_a_company_asks_first(world: World, said: str, title: str) -> None:
    before = states(world)
    answer = world.say(said)
    assert answer.title == title
    assert [line for line in answer.lines if line in WHOM] == list(WHOM)
    assert states(world) == before


def test_a_long_list_is_cut(world: World) -> None:
    world.enrol(*[f"p{n:02}@many.test" for n in range(25)])
    lines = world.say("pause @many.test").lines
    assert lines[2] == "p00@many.test (nobody): Spring"
    assert lines[-2] == "and 15 leads more"
    assert len(lines) == 2 + 10 + 1 + 1


@pytest.mark.parametrize("act", ["pause", "stop"])
def test_it_is_one_batch_and_an_undo_takes_exactly_it_back(world: World, act: str) -> None:
    before = states(world)
    done = confirm(world, world.say(f"{act} @acme.test"))
    with world.read() as session:
        batches = session.exec(select(Batch).where(Batch.verb == act)).all()
        touched = session.exec(select(Journal.enrollment_id).where(Journal.batch_id == done.batch_id)).all()
    assert [batch.id for batch in batches] == [done.batch_id]
    assert len(set(touched)) == 4
    assert {world.status(email) for email in (BELOW, OTHER)} == {"pending"}

    assert world.say("undo").title == f"Undid `{act}`: 3 leads (4 enrollments)."
    assert states(world) == before


def test_a_resumed_company_wakes_what_it_put_to_sleep(world: World) -> None:
    confirm(world, world.say("pause @acme.test"))
    assert confirm(world, world.say("resume @acme.test")).title == "Resumed 3 leads (4 enrollments)."


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "outlook.com",
        "gmx.de",
        "GMAIL.com",
        "ｇｍａｉｌ.com",
        "vip.163.com",
        "eu.yahoo.com",
    ],
)
@pytest.mark.parametrize("act", ["pause", "stop", "resume", "qualify"])
def test_what_strangers_share_is_refused(world: World, act: str, domain: str) -> None:
    world.enrol("max@gmail.com")
    answer = world.say(f"{act} @{domain}")
    assert answer.is_refusal
    assert answer.title.endswith("is shared by strangers, not a company; name the addresses instead.")
    assert world.status("max@gmail.com") == "pending"


def test_an_international_domain_is_one_company_however_it_is_spelled(world: World) -> None:
    world.enrol("ann@xn--bcher-kva.test", "tom@xn--bcher-kva.test")
    for spelling in ("bücher.test", "BÜCHER.test", "xn--bcher-kva.test"):
        assert world.say(f"pause @{spelling}").title == "Pause 2 leads (2 enrollments)?"


@pytest.mark.parametrize(
    ("domain", "is_free"),
    [
        ("mail.gmail.com", True),
        ("gmail.com.acme.test", False),
        ("notgmail.com", False),
        ("com", False),
        ("proton.me", True),
    ],
)
def test_a_subdomain_of_a_mail_provider_is_no_company(domain: str, is_free: bool) -> None:
    assert is_free_mail(domain) is is_free


def test_a_lead_without_a_sequence_is_shown_when_it_is_marked(world: World) -> None:
    with world.db.write() as session:
        leads.save(session, [LeadRow(email="new@acme.test", domain="acme.test")], actor=ANA, now=world.now)
    answer = world.say("qualify @acme.test")
    assert "new@acme.test (nobody): in no sequence" in answer.lines
    confirm(world, answer)
    with world.read() as session:
        assert {lead.stage for lead in session.exec(select(Lead).where(Lead.domain == "acme.test"))} == {
            "qualified"
        }
