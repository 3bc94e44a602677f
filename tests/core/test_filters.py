"""Conditions on leads: what may be typed, what it means in words, and whom the database then finds."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from core import grammar
from core.errors import Refused
from core.filters import Term, describe, term, together
from core.filters_sql import condition
from core.models import Lead, LeadTag, Member
from tests.world import ANA, PLAIN, START, World, make

PEOPLE = {
    "ada@acme.test": {"stage": "Demo", "owner": "U0ANA", "company": "Acme Inc", "domain": "acme.test"},
    "bob@acme.test": {"stage": "demo", "owner": "U0BEN", "company": "Acme Inc", "domain": "acme.test"},
    "cat@opera.test": {"stage": "won", "owner": None, "company": "Opera", "domain": "opera.test"},
    "dan@solo.test": {"stage": "", "owner": "U0ANA", "company": "", "domain": ""},
}
TAGS = {"ada@acme.test": ["eu", "big deal"], "bob@acme.test": ["us"], "cat@opera.test": ["eu"]}


@pytest.fixture
def world(database_url: str) -> World:
    """Four leads; Ada runs in Spring, Cat was stopped there."""
    world = make(database_url, PLAIN, *PEOPLE)
    world.add(PLAIN.replace("Spring", "Autumn"))
    with world.db.write() as session:
        for lead in session.exec(select(Lead)):
            for name, value in PEOPLE[lead.email].items():
                setattr(lead, name, value)
            session.add(lead)
            session.add_all(LeadTag(lead_id=lead.id, tag=tag) for tag in TAGS.get(lead.email, []))
        session.merge(Member(id="U0BEN", name="Ben", seen_at=START))
    world.enrol("ada@acme.test", "cat@opera.test", sequence="Autumn")
    world.say("stop cat@opera.test in Autumn")
    return world


def found(session: Session, text: str) -> list[str]:
    who = grammar.who(text)
    terms = who.filter or ((Term("tag", who.tag),) if who.tag else (Term("stage", who.stage or ""),))
    query = select(Lead.email).where(*(condition(session, one, actor=ANA) for one in terms))
    return [email.partition("@")[0] for email in session.exec(query.order_by(col(Lead.email)))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("stage:demo", ["ada", "bob"]),
        ("stage:DEMO tag:eu", ["ada"]),
        ('tag:"big deal"', ["ada"]),
        ("stage:demo -tag:eu", ["bob"]),
        ("tag:eu -in:Autumn", []),
        ("stage:demo -in:Autumn", ["bob"]),
        ("in:autumn", ["ada", "cat"]),
        ("in:Autumn -owner:me", ["cat"]),
        ("owner:me", ["ada", "dan"]),
        ("owner:none", ["cat"]),
        ("owner:@ben", ["bob"]),
        ("owner:<@U0BEN|ben>", ["bob"]),
        ("owner:U0ANA -stage:demo", ["dan"]),
        ("company:acme.test", ["ada", "bob"]),
        ('company:"acme inc" tag:us', ["bob"]),
        ("tag:eu -company:acme.test", ["cat"]),
        ("owner:nemo", []),
    ],
)
def test_conditions_find_leads(world: World, text: str, names: list[str]) -> None:
    with world.read() as session:
        assert found(session, text) == names


def test_condition_on_an_unknown_sequence_names_the_nearest(world: World) -> None:
    assert "Did you mean" in world.say("pause in:Automn").title


def test_filter_is_a_who_of_every_command(world: World) -> None:
    answer = world.say("pause in:Autumn tag:eu stage:demo")

    assert answer.title.startswith("Paused ada@acme.test")
    nobody = world.say("pause stage:won -in:Autumn")
    assert nobody.title.startswith("No lead in stage “won”, never in Autumn is ")


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("tag:", "", "name of the tag is missing"),
        ("-in:", "  ", "name of the sequence is missing"),
        ("colour:", "red", "“colour:” is no condition"),
        ("company:", "gmail.com", "shared by strangers"),
        ("stage:", "x" * 201, "200 characters are the most"),
    ],
)
def test_condition_that_cannot_be_meant_is_refused(key: str, value: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        term(key, value)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ([Term("tag", "a", is_not=True)], "Say also who is meant"),
        ([Term("stage", "a"), Term("stage", "b")], "is in one stage"),
        ([Term("tag", "a"), Term("tag", "a", is_not=True)], "both is and is not"),
        ([Term("tag", str(n)) for n in range(21)], "21 conditions"),
    ],
)
def test_conditions_that_nobody_can_keep_are_refused(terms: list[Term], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        together(terms)


def test_conditions_in_words() -> None:
    who = grammar.who("stage:demo tag:eu -tag:vip in:Spring -in:Autumn owner:me owner:me company:acme.com")
    assert describe(who.filter) == (
        "in stage “demo”, tagged “eu”, not tagged “vip”, now or once in Spring, never in Autumn, of yours, at acme.com"
    )


@pytest.mark.parametrize("text", ["", "tag:a because b", "stage:demo blue", "blue", "tag:a until Friday"])
def test_text_that_names_nobody_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused):
        grammar.who(text)
