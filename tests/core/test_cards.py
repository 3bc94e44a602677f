"""Cards as rows: anybody may ask for one at any moment, and each is drawn by one bot at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlmodel import select

from core import cards
from core.models import Card, Lead
from tests.world import START

ASKERS = 4


@pytest.fixture
def lead_id(database):
    with database.write() as session:
        lead = Lead(email="ada@acme.test", created_at=START)
        session.add(lead)
        session.flush()
        return lead.id


def show(database, lead_id):
    with database.write() as session:
        cards.show_lead(session, lead_id=lead_id, channel="C0SALES", now=START)


def test_card_of_one_lead_asked_for_by_many_at_once_is_given_to_each(database, lead_id):
    together = Barrier(ASKERS)

    def ask(_):
        together.wait()
        show(database, lead_id)

    with ThreadPoolExecutor(ASKERS) as pool:
        list(pool.map(ask, range(ASKERS)))

    with database.read() as session:
        shown = session.exec(select(Card)).all()
    assert len({card.key for card in shown}) == ASKERS


def test_older_cards_are_redrawn_beside_a_new_one(database, lead_id):
    show(database, lead_id)
    with database.write() as session:
        [first] = cards.due(session, now=START)
        cards.drawn(session, first.id, wanted=first.wanted, ts="1.1")
    show(database, lead_id)

    with database.read() as session:
        assert len(cards.due(session, now=START + timedelta(minutes=1))) == 2
