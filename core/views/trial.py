"""What became of a test mail, told to whoever asked for it."""

from __future__ import annotations

from sqlmodel import Session

from core.answers import NoticeCard
from core.models import Card, Trial

ICON = "✉️"
GONE = "The test that this was about is no longer here."


def card(session: Session, card: Card) -> NoticeCard:
    """Give it in one sentence, with the server's words where it did not leave."""
    row = session.get(Trial, card.about_id) if card.about_id else None
    if row is None:
        return NoticeCard(GONE, icon=ICON)
    what = f"The test of step {row.step} of {row.sequence}"
    if row.sent_at:
        return NoticeCard(f"{what} has left for {row.recipient}.", icon=ICON)
    again = "Nothing tries it again; ask for another from the preview."
    return NoticeCard(f"{what} has not left for {row.recipient}.", (row.fault or "", again), icon=ICON)
