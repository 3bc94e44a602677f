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
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


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
        [first] = claim_due(session, now=START)
        cards.drawn(session, first.id, wanted=first.wanted, ts="1.1")
    show(database, lead_id)

    assert len(claim(database, now=START + MINUTE)) == 2


def claim(database, *, now, limit=20):
    with database.write() as session:
        return [card.id for card in claim_due(session, now=now, limit=limit)]


def claim_due(session, *, now, limit=20, pace=timedelta(0)):
    due = cards.due(session, now=now, limit=limit, pace=pace)
    return cards.claim(session, due, now=now, lease=MINUTE)


def test_claimed_card_is_given_to_nobody_else_until_its_lease_is_over(database, lead_id):
    show(database, lead_id)
    assert len(claim(database, now=START)) == 1
    assert claim(database, now=START + MINUTE - SECOND) == []
    assert len(claim(database, now=START + MINUTE)) == 1


def test_drawn_card_is_due_only_once_something_changes(database, lead_id):
    show(database, lead_id)
    [card_id] = claim(database, now=START)
    with database.write() as session:
        cards.drawn(session, card_id, wanted=session.get(Card, card_id).wanted, ts="1.1")
    assert claim(database, now=START + MINUTE) == []
    with database.write() as session:
        cards.touch(session, lead_ids=[lead_id])
    assert claim(database, now=START + MINUTE) == [card_id]


def test_oldest_cards_are_claimed_first(database, lead_id):
    for _ in range(3):
        show(database, lead_id)
    assert claim(database, now=START, limit=2) == [1, 2]
    assert claim(database, now=START, limit=2) == [3]


def test_cards_claimed_by_many_at_once_are_shared_out(database, lead_id):
    for _ in range(8):
        show(database, lead_id)
    together = Barrier(ASKERS)

    def take(_):
        together.wait()
        return claim(database, now=START)

    with ThreadPoolExecutor(ASKERS) as pool:
        taken = [card_id for ids in pool.map(take, range(ASKERS)) for card_id in ids]
    assert sorted(taken) == list(range(1, 9))
