"""Names behind ids, and whose name nobody has asked for yet."""

import pytest

from core.models import Batch, Lead, Member, Sequence, Workspace
from core.names import names, strangers
from tests.world import START


@pytest.fixture
def owned(database):
    """Save leads with these owners."""

    def save(*owners):
        with database.write() as session:
            session.add_all(
                Lead(email=f"{number}@acme.test", owner=owner, created_at=START)
                for number, owner in enumerate(owners)
            )

    return save


def found(database):
    with database.read() as session:
        return strangers(session)


def test_name_is_the_members_else_what_the_id_says(database):
    with database.write() as session:
        session.add(Member(id="U0BEN", name="Ben Okafor", seen_at=START))
    with database.read() as session:
        called = names(session, ["U0BEN", "U0NEW", "cli:ana", "system", None])
    assert called == {"U0BEN": "Ben Okafor", "U0NEW": "U0NEW", "cli:ana": "ana", "system": "Fermata"}


def test_nobody_named_means_no_stranger(database):
    assert found(database) == []


def test_owner_who_has_never_spoken_is_a_stranger(database, owned):
    owned("U0BEN", "U0BEN", None, "U0ANA", "W12345678")
    with database.write() as session:
        session.add(Member(id="U0ANA", name="Ana", seen_at=START))
    assert found(database) == ["U0BEN", "W12345678"]


@pytest.mark.parametrize("owner", ["", "Ben", "ben@acme.test", "USA <b>", "u0ben", "Uwe", "U0", "X0BEN"])
def test_owner_that_is_no_slack_id_is_none(database, owned, owner):
    owned(owner)
    assert found(database) == []


def test_whoever_acted_or_halted_or_changed_a_sequence_is_named_too(database):
    with database.write() as session:
        session.add(Batch(verb="pause", actor="U0BATCH", at=START))
        session.add(Batch(verb="pause", actor="cli:ana", at=START))
        session.add(Sequence(name="S", key="s", created_at=START, changed_at=START, changed_by="U0EDIT"))
        session.merge(Workspace(id=1, halted_by="U0HALT"))
    assert found(database) == ["U0BATCH", "U0EDIT", "U0HALT"]


def test_many_leads_of_few_owners_are_looked_through_quickly(database, owned):
    owned(*["U0ANA", "U0BEN", "zoe@acme.test", "Anton"] * 2_000)
    assert found(database) == ["U0ANA", "U0BEN"]
