"""How many cards wait for a channel that takes none; which channel that is stands under it, as on every such card."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core.answers import NoticeCard
from core.fallen import waiting
from core.models import Card
from core.words import counted


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - every view is told the time
    """Give the count, and once there is none left, that the channel works again."""
    left = waiting(session, card.meant_for or "")
    if not left:
        return NoticeCard("Cards that waited for a channel", icon="📭", verdict="They have been posted.")
    return NoticeCard(
        f"{counted(left, 'more card')} {'waits' if left == 1 else 'wait'} for a channel that takes none",
        ("They are tried again every hour, and at most 20 an hour are sent to you instead.",),
        icon="📭",
    )
