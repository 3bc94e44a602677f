"""Whose lead it is: given, journalled from → to, shown to both owners, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core import cards, commands, owners
from core.models import Absence, Card, Digest, Lead, Member
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


class TestTheCommand:
    def test_gives_one_lead_and_says_whose_it_was(self, world: World) -> None:
        answer = world.say(f"owner {ADA} <@{BEN.id}|ben>")

        assert (answer.title, answer.lines) == (f"{ADA} is Ben's now.", ("Before: Ana.",))
        assert answer.card_leads == (world.lead_id(ADA),)
        assert owner(world, ADA) == BEN.id

    def test_knows_me_nobody_and_names(self, world: World) -> None:
        assert world.say(f"owner {BOB} me", BEN).title == f"{BOB} is Ben's now."
        assert world.say(f"owner {BOB} @ana", BEN).title == f"{BOB} is Ana's now."
        assert world.say(f"owner {BOB} nobody").title == f"{BOB} is nobody's now."
        assert world.say("owner mine @ben").title == "1 lead is Ben's now."

    def test_says_that_nothing_changes(self, world: World) -> None:
        answer = world.say(f"owner {ADA} me")

        assert (answer.is_refusal, answer.title) == (True, f"{ADA} is Ana's already; nothing was changed.")
        assert world.journal("owner") == []

    @pytest.mark.parametrize(
        ("who", "fields", "sentence"),
        [
            ("@zoe", {}, "“zoe” is nobody that Fermata knows; type @ and pick them from Slack's list of names."),
            ("@U0GHOST", {}, "“U0GHOST” is nobody that Fermata knows; type @ and pick them from Slack's list of names."),
            ("@gus", {"is_guest": True}, "Gus Guest is a guest, a bot or gone; name a full member of this workspace."),
            ("@U0GUS", {"is_bot": True}, "Gus Guest is a guest, a bot or gone; name a full member of this workspace."),
            ("@gus", {"is_deleted": True}, "Gus Guest is a guest, a bot or gone; name a full member of this workspace."),
        ],
    )  # fmt: skip
    def test_refuses_whom_nobody_could_write_to(
        self, world: World, who: str, fields: dict[str, bool], sentence: str
    ) -> None:
        with world.db.write() as session:
            session.add(Member(id="U0GUS", name="Gus Guest", seen_at=world.now, **fields))

        answer = world.say(f"owner {ADA} {who}")

        assert (answer.is_refusal, answer.title) == (True, sentence)
        assert owner(world, ADA) == ANA.id

    def test_asks_who_is_meant_where_two_are_called_so(self, world: World) -> None:
        with world.db.write() as session:
            session.add(Member(id="U0BEN2", name="Ben Otto", seen_at=world.now))

        answer = world.say(f"owner {ADA} @ben")

        assert answer.title == "Ben and Ben Otto are both called so; pick one from Slack's list of names."
        assert world.say(f"owner {ADA} @ben.otto").title == f"{ADA} is Ben Otto's now."

    def test_shows_many_first_and_then_gives_exactly_those(self, world: World) -> None:
        many = [f"l{number}@many.test" for number in range(12)]
        world.enrol(*many, owner=ANA.id)

        answer = world.say("owner @many.test me", BEN)

        assert answer.title == "Make 12 leads at many.test Ben's?"
        assert answer.lines[0] == "Owners now: Ana"
        assert {owner(world, email) for email in many} == {ANA.id}
        world.enrol("late@many.test", owner=ANA.id)
        confirm = answer.choices[0].proposal
        assert confirm
        done = commands.confirm(world.desk, confirm, actor=BEN, now=world.now)
        assert done.title == "12 leads are Ben's now."
        assert {owner(world, email) for email in many} == {BEN.id}
        assert owner(world, "late@many.test") == ANA.id

    def test_undo_gives_them_back_but_not_what_has_changed_hands_since(self, world: World) -> None:
        answer = world.say(f"owner {ADA} {BOB} @ben")
        world.say(f"owner {BOB} me")

        undone = world.say(f"undo {answer.batch_id}")

        assert undone.lines == ("1 lead went back to who had them before.",)
        assert (owner(world, ADA), owner(world, BOB)) == (ANA.id, ANA.id)
        assert world.say(f"undo {answer.batch_id}").is_refusal

    def test_stands_in_the_history_with_names(self, world: World) -> None:
        world.say(f"owner {ADA} @ben")
        world.say(f"owner {ADA} nobody")

        lines = world.say(f"history {ADA}").lines
        assert lines[0].endswith("Ana changed the owner (Ben → nobody).")
        assert lines[1].endswith("Ana changed the owner (Ana → Ben).")
