"""An email in several versions: each lead gets one, by weight, and keeps it."""

from __future__ import annotations

from collections import Counter

import pytest

from core import variants
from core.errors import Refused
from core.handover import Claimed
from core.ledger import ledger
from core.models import Step
from core.sequence_file import check, dump, load
from core.views.lead import lead_card
from tests.world import START, World, make

ADA = "ada@acme.test"
TWO = """
sequence: Spring
steps:
  - id: intro
    variants:
      - name: A
        weight: 3
        subject: A question
        body: Hi, reply STOP to opt out.
      - name: B
        subject: "{{ first_name }}, a word?"
        body: Hello, reply STOP to opt out.
  - id: nudge
    delay: 1 day
    thread: true
    body: Did it reach you? Reply STOP to opt out.
"""
LEADS = [f"lead{number}@acme.test" for number in range(200)]
WEIGHTED = Step(
    sequence_id=1,
    key="intro",
    kind="email",
    variants=[{"name": "A", "weight": 3}, {"name": "B", "weight": 1}],
)


def claims(world: World) -> list[Claimed]:
    return [claim for claim in world.claims() if isinstance(claim, Claimed)]


def test_each_as_often_as_its_weight_and_always_the_same() -> None:
    counted = Counter(variants.chosen(WEIGHTED, number) for number in range(10_000))
    assert 7_200 < counted["A"] < 7_800
    assert sum(counted.values()) == 10_000
    assert variants.chosen(WEIGHTED, 12) == variants.chosen(WEIGHTED, 12)


def test_what_leaves_is_the_version_that_is_written_down(database_url: str) -> None:
    world = make(database_url, TWO, *LEADS)
    subjects = {"A": "A question", "B": "{{ first_name }}, a word?"}
    found = []
    while batch := claims(world):
        found += batch
        world.hand_over(batch)
    with world.read() as session:
        told = {line["id"]: line["variant"] for line in ledger(session)}
    assert {claim.step.subject for claim in found} == set(subjects.values())
    assert all(claim.step.subject == subjects[told[claim.delivery_id]] for claim in found)
    assert len(found) == len(LEADS)


def test_the_thread_goes_on_with_its_subject(database_url: str) -> None:
    world = make(database_url, TWO, *LEADS[:20])
    while batch := claims(world):
        world.hand_over(batch)
    world.later(days=1)
    first = {email: world.deliveries(email)[0] for email in LEADS[:20]}
    assert {claim.recipient: claim.thread_subject for claim in claims(world)} == {
        email: delivery.subject for email, delivery in first.items()
    }
    assert len({delivery.subject for delivery in first.values()}) == 2


def test_a_resend_and_an_edit_of_the_weights_keep_it(database_url: str) -> None:
    world = make(database_url, TWO, *LEADS[:20])
    while batch := claims(world):
        world.hand_over(batch)
    had = {email: world.deliveries(email)[0].variant for email in LEADS[:20]}
    world.say("pause sequence Spring")
    world.add(
        TWO.replace("weight: 3", "weight: 1").replace("- name: B\n", "- name: B\n        weight: 1000\n")
    )
    for email in LEADS[:20]:
        world.say(f"resend step {email}")
    while batch := claims(world):
        world.hand_over(batch)
    assert {email: world.deliveries(email)[1].variant for email in LEADS[:20]} == had
    assert set(had.values()) == {"A", "B"}


def test_a_version_that_is_gone_gives_way_to_another(database_url: str) -> None:
    world = make(database_url, TWO, *LEADS[:20])
    while batch := claims(world):
        world.hand_over(batch)
    world.say("pause sequence Spring")
    world.add(TWO.replace("name: B", "name: C"))
    for email in LEADS[:20]:
        world.say(f"resend step {email}")
    assert {claim.step.subject for claim in claims(world)} == {"A question", "{{ first_name }}, a word?"}


def test_dump_and_load_give_the_same() -> None:
    spec = load(TWO)
    assert load(dump(spec)) == spec
    assert dump(load(dump(spec))) == dump(spec)
    assert check(spec, mailboxes=None, fields=frozenset(), unsubscribe_link=False) == []


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        (
            "weight: 3",
            "weight: 0",
            "Line 7, step intro, variants.weight: A weight is a whole number from 1 to 1000",
        ),
        ("weight: 3", "weight: many", "A weight is a whole number"),
        ("name: B", "name: a", 'Two variants have the name "a"; give each its own.'),
        ("    variants:", "    subject: Hi\n    variants:", "subject and body belong into each of them"),
        ("name: B", "nane: B", 'There is no key "nane" here; did you mean "name"?'),
    ],
)
def test_a_faulty_version_gets_a_sentence(was: str, becomes: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        load(TWO.replace(was, becomes))
    assert sentence in str(refused.value)


def test_each_version_is_checked_like_a_mail() -> None:
    spec = load(
        TWO.replace("Hello, reply STOP to opt out.", "Hello {{ nobody }}").replace("A question", '""')
    )
    faults = check(spec, mailboxes=None, fields=frozenset(), unsubscribe_link=False)
    assert [fault.partition(": ")[0] for fault in faults] == ["Step intro"] * 3
    assert [fault[12:21] for fault in faults] == ["Variant A", "Variant B", "Variant B"]


def test_one_version_is_no_choice() -> None:
    start, _, rest = TWO.partition("      - name: B")
    with pytest.raises(Refused, match="One variant is no choice"):
        load(start + rest[rest.index("  - id: nudge") :])


def test_without_versions_nothing_is_asked(database_url: str) -> None:
    world = make(database_url, now=START)
    with world.read() as session:
        assert variants.choices(session, [(1, Step(sequence_id=1, key="intro", kind="email"))]) == {}


def test_whoever_is_enrolled_is_told_the_version_that_leaves(database_url: str) -> None:
    world = make(database_url, TWO, *LEADS[:12])
    world.add(TWO.replace("Spring", "Summer"))
    for email in LEADS[:12]:
        told = world.say(f"enrol {email} in Summer")
        status = world.say(f"status {email}")
        version = variants.chosen(WEIGHTED, world.enrollment(email, "Summer").id or 0)
        subject = {"A": "A question", "B": f"{email.partition('@')[0].capitalize()}, a word?"}[version or ""]
        assert f"“{subject}”" in "\n".join(told.lines)
        assert f"“{subject}”" in next(line for line in status.lines if line.startswith("Summer"))
        with world.read() as session:
            card = lead_card(session, world.lead_id(email), now=world.now)
        assert subject in {one.next_step for one in card.enrollments if one.sequence == "Summer"}
