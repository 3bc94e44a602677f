"""A further message of a conversation, as one short note in the thread of its review card."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core.answers import NoticeCard
from core.inbound.words import Kind
from core.models import Card, Lead, Message
from core.views.review import GONE, heading, verdict
from core.views.review_words import ICONS


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - every view is told the time
    """Give what was written and what it did; the buttons stand on the conversation's card above."""
    message = session.get(Message, card.about_id) if card.about_id else None
    lead = session.get(Lead, message.lead_id) if message else None
    if message is None or lead is None:
        return NoticeCard(GONE)
    return NoticeCard(
        heading(message, lead),
        lines=(message.outcome,) if message.outcome else (),
        icon=ICONS[Kind(message.kind)],
        quote=message.text,
        verdict=verdict(session, message),
    )
