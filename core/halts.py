"""The team hears of it when all sending is halted, and when it goes on: one card for each such act in the workspace's channel."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core import cards
from core.models import Card, Journal

KIND = "halt"
HALT, UNHALT = "halt", "unhalt"  # the words of the journal


def tell(session: Session, *, now: datetime) -> None:
    """Want a card about the halt, or the end of one, that was journaled just now; the one before it is redrawn."""
    session.flush()
    acts = select(Journal.id).where(col(Journal.verb).in_([HALT, UNHALT]))
    line = session.exec(acts.order_by(col(Journal.id).desc()).limit(1)).one()
    before = session.exec(
        select(Card.about_id).where(Card.kind == KIND).order_by(col(Card.id).desc()).limit(1)
    ).first()
    cards.show(session, f"{KIND}:{line}", channel=cards.channel_of(session, None), about_id=line, now=now)
    cards.touch_about(session, KIND, [before])


def end_of(session: Session, halt: Journal) -> Journal | None:
    """Give the line of the end of a halt; None: it lasts."""
    ends = select(Journal).where(Journal.verb == UNHALT, col(Journal.id) > halt.id)
    return session.exec(ends.order_by(col(Journal.id)).limit(1)).first()
