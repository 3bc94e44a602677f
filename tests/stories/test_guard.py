"""Too much of what a mailbox sends comes back: it is held by itself, and an admin lets it go on from the card."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.models import Mailbox, Workspace
from sandbox.faults import Faults
from tests.stories.stage import MAILBOX, OUTBOUND, reading

GOOD = [f"good{number}@x.test" for number in range(12)]
BAD = [f"nobody{number}@x.test" for number in range(3)]


@pytest.fixture
def url(database_url: str) -> str:
    """Both databases."""
    return database_url


@pytest.fixture(autouse=True)
def _small(world):
    """From ten mails on it is judged."""
    with world.made.desk.db.write() as session:
        workspace = session.exec(select(Workspace)).one()
        workspace.guard_sends = 10
        session.add(workspace)


@pytest.fixture
def refused(world, clock, team):
    """Twelve mails leave; the server of three leads says that nobody is there."""
    world.made.sink.script = Faults(*(f"rcpt@{email.split('@')[0]}:550 5.1.1 No such user" for email in BAD))
    world.enrols(*GOOD, *BAD)
    clock.settle()
    team.sees("Spring is paused: 3 of 15 mails", "[Resume sequence]")
    return team.sees(f"{MAILBOX} is held: 3 of 15 mails of the last 7 days bounced (20 %; the limit is 5 %)")


def cards_about(world, words: str) -> list[str]:
    return [text for m in world.made.workspace.messages(OUTBOUND) if words in (text := reading(m))]


def is_held(world) -> bool:
    with world.made.desk.db.read() as session:
        return session.exec(select(Mailbox.guarded_at)).one() is not None


def test_refused_addresses_hold_the_mailbox_and_its_sequence(refused, world, clock, team, ana, mail_to):
    assert "nobody0@x.test: 550 5.1.1 No such user" in refused
    assert "held since" in ana.types("/sequence mailboxes")
    clock.advance(days=5)
    assert {len(mail_to(email)) for email in GOOD} == {1}
    assert f"The mailbox {MAILBOX} is held since" in ana.types(f"/sequence why {GOOD[0]}")


def test_it_is_released_from_the_card_and_mail_leaves_again(refused, world, clock, team, ana, ben, mail_to):
    card = ben._offering("Release", ("is held",))
    ana.declines("Release", on="is held")
    assert is_held(world)
    assert f"{MAILBOX} is released." in ana.clicks("Release", on="is held")
    team.sees(f"{MAILBOX} was held", "Ana Ruiz released it on")
    assert "Ana Ruiz released it" in ben.clicks("Release", card=card)
    ana.clicks("Resume sequence", on="Spring is paused")
    team.sees("Spring was paused", "published", "Ana Ruiz")
    clock.advance(days=8)
    assert {len(mail_to(email)) for email in GOOD} == {3}
    assert len(cards_about(world, "was held")) == 1
    assert not is_held(world)


def test_bounces_that_come_by_mail_hold_it_too(world, clock, team, mail_to):
    world.enrols(*GOOD)
    clock.settle()
    world.lead(GOOD[0]).bounces(is_hard=True)
    card = team.sees(f"{MAILBOX} is held: 1 of 12 mails", "the limit is 5 %")
    assert f"{GOOD[0]}: " in card
    assert "5.1.1" in card
    clock.advance(days=5)
    assert {len(mail_to(email)) for email in GOOD} == {1}
    assert len(cards_about(world, "is held")) == 1


def test_one_spam_report_holds_it_and_names_who(world, clock, team):
    world.enrols(*GOOD)
    clock.settle()
    world.lead(GOOD[3]).complains()
    team.sees("were reported as spam (8.3 %; the limit is 0.1 %)", f"{GOOD[3]}: reported it as spam")
