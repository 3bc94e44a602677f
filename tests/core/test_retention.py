"""What leads wrote goes in time, and so do our own notes; what happened stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core import inbox, retention
from core.models import Message, Proposal, Seen
from core.seen import once
from tests.world import PLAIN, World, make

ADA = "ada@acme.test"
DAYS = timedelta(days=1)


@pytest.fixture
def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(retention, "AT_ONCE", 2)  # so that a few rows take several turns
    world = make(database_url, PLAIN, ADA)
    world.tick()
    for number in range(5):
        mail = (
            f"From: {ADA}\r\nTo: ana@sales.example\r\nSubject: Re: hello\r\nMessage-ID: <{number}@acme.test>\r\n"
            f"\r\nMy secret number {number}.\r\n"
        )
        inbox.receive_content(world.db, mail.encode(), now=world.now)
    return world


def texts(world: World) -> list[str]:
    with world.read() as session:
        return [text for text in session.exec(select(Message.text)) if text]


def test_texts_go_after_their_days_and_the_messages_stay(world: World) -> None:
    assert len(texts(world)) == 5
    assert retention.forget_due(world.db, now=world.now + 29 * DAYS, keep=30 * DAYS) == 0
    assert retention.forget_due(world.db, now=world.now + 31 * DAYS, keep=30 * DAYS) == 5
    with world.read() as session:
        assert [row.kind for row in session.exec(select(Message))] == ["reply"] * 5
    assert texts(world) == []


def test_texts_stay_where_nothing_else_is_said(world: World) -> None:
    retention.forget_due(world.db, now=world.now + 3000 * DAYS, keep=None)
    assert len(texts(world)) == 5


def test_questions_and_replay_notes_go(world: World) -> None:
    world.say("stop everyone")
    with world.db.write() as session:
        once(session, "an event", now=world.now)
    retention.forget_due(world.db, now=world.now + DAYS, keep=None)
    with world.read() as session:
        assert session.exec(select(Seen)).all()
        assert session.exec(select(Proposal)).all()
    assert retention.forget_due(world.db, now=world.now + 91 * DAYS, keep=None) >= 2
    with world.read() as session:
        assert not session.exec(select(Seen)).all()
        assert not session.exec(select(Proposal)).all()
