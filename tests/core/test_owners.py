"""Whose lead it is: given, journalled from → to, shown to both owners, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core import cards, owners
from core.models import Absence, Card, Digest, Lead
from core.people import Actor
from tests.world import ANA, BEN, PLAIN, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
CLEO = "U0CLEO"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada is Ana's, Bob nobody's."""
    world = make(database_url, PLAIN)
    world.enrol(ADA, owner=ANA.id)
    world.enrol(BOB)
    world.tick()
    return world


def owner(world: World, email: str) -> str | None:
    with world.read() as session:
        return session.exec(select(Lead.owner).where(Lead.email == email)).one()


def give(world: World, to: str | None, *emails: str, actor: Actor = ANA) -> list[int]:
    ids = [world.lead_id(email) for email in emails]
    with world.db.write() as session:
        return owners.give(session, ids, to, actor=actor, now=world.now)


def test_giving_journals_from_and_to_and_leaves_alone_who_has_them(world: World) -> None:
    assert give(world, BEN.id, ADA, BOB) == [world.lead_id(ADA), world.lead_id(BOB)]
    assert give(world, BEN.id, ADA, BOB) == []
    assert give(world, None, ADA) == [world.lead_id(ADA)]

    lines = [(line.lead_id, line.actor, line.was, line.became) for line in world.journal("owner")]
    ada, bob = world.lead_id(ADA), world.lead_id(BOB)
    assert lines == [(ada, ANA.id, ANA.id, BEN.id), (bob, ANA.id, "", BEN.id), (ada, ANA.id, BEN.id, "")]
    assert (owner(world, ADA), owner(world, BOB)) == (None, BEN.id)


def test_giving_redraws_the_cards_and_the_lists_of_both_owners(world: World) -> None:
    with world.db.write() as session:
        cards.show_lead(session, lead_id=world.lead_id(ADA), channel="C0SALES", now=world.now)
        for person in (ANA.id, BEN.id, CLEO):
            card = cards.show(session, f"digest:{person}:2027-06-01", channel=person, now=world.now)
            session.add(Digest(place=person, card_id=card.id))
    before = {card.key: card.wanted for card in world.cards()}

    give(world, BEN.id, ADA)

    redrawn = {card.key.split(":")[1] for card in world.cards() if card.wanted > before[card.key]}
    assert redrawn == {str(world.lead_id(ADA)), ANA.id, BEN.id}


def away(world: World, person: str, cover: str | None, days: int = 3) -> None:
    with world.db.write() as session:
        session.add(Absence(person=person, cover=cover, until=world.now + timedelta(days=days),
                            created_at=world.now, created_by=person))  # fmt: skip


class TestWhoStandsForThem:
    def stands_for(self, world: World, person: str) -> str | None:
        with world.read() as session:
            return owners.stands_for(session, person, now=world.now)

    def test_the_cover_does_until_the_day_comes(self, world: World) -> None:
        away(world, ANA.id, BEN.id)
        away(world, CLEO, None)

        assert self.stands_for(world, ANA.id) == BEN.id
        assert self.stands_for(world, CLEO) == CLEO
        assert self.stands_for(world.later(days=3), ANA.id) == ANA.id

    def test_a_cover_who_is_away_hands_on_and_a_circle_ends_where_it_began(self, world: World) -> None:
        away(world, ANA.id, BEN.id)
        away(world, BEN.id, CLEO)
        assert self.stands_for(world, ANA.id) == CLEO

        away(world, CLEO, ANA.id)
        assert [self.stands_for(world, person) for person in (ANA.id, BEN.id, CLEO)] == [ANA.id, BEN.id, CLEO]


def test_a_lead_that_is_read_shows_its_new_owner_at_once(world: World) -> None:
    with world.db.write() as session:
        lead = session.get_one(Lead, world.lead_id(ADA))
        owners.give(session, [world.lead_id(ADA)], BEN.id, actor=ANA, now=world.now)
        assert lead.owner == BEN.id
        assert session.exec(select(Card)).first() is None
