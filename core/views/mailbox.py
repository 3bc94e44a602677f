"""What the card of a mailbox shows: that it cannot be read or cannot send, what waits for it, and when that is over."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core.answers import NoticeCard
from core.dates import say
from core.models import WORKSPACE_ID, Card, Mailbox, Workspace
from core.reading import waiting
from core.words import counted, ended

UNREAD, DOWN, WELL = "📭", "🔌", "✅"


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give a mailbox's trouble as it is now, or that it has passed."""
    mailbox = session.get(Mailbox, card.about_id) if card.about_id else None
    if mailbox is None or mailbox.id is None:
        return NoticeCard("This card's mailbox is no longer here.")
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    is_unread, is_down = mailbox.unread_because is not None, mailbox.down_at is not None
    if not (is_unread or is_down):
        since = f" It was last read on {say(mailbox.read_at, zone)}." if mailbox.read_at else ""
        return NoticeCard(
            f"{mailbox.address} works again.",
            icon=WELL,
            verdict=f"What had waited goes on by itself.{since}",
        )
    lines = []
    if is_down:
        lines.append(f"It cannot send{_since(mailbox.down_at, zone)}: {_sentence(mailbox.down_because)}")
    if is_unread:
        lines.append(f"It is unread{_since(mailbox.read_at, zone)}: {_sentence(mailbox.unread_because)}")
    return NoticeCard(
        _title(mailbox, is_down=is_down),
        lines=(*lines, _waits(session, mailbox.id, now, is_down=is_down)),
        icon=DOWN if is_down else UNREAD,
        facts=(f"See what is wrong with: fermata mailbox test {mailbox.address}",),
    )


def _title(mailbox: Mailbox, *, is_down: bool) -> str:
    if is_down:
        return f"{mailbox.address} cannot send, so its mail waits."
    return f"{mailbox.address} cannot be read, so its follow-ups wait."


def _waits(session: Session, mailbox_id: int, now: datetime, *, is_down: bool) -> str:
    count = waiting(session, mailbox_id, now=now, is_follow_up=not is_down)
    what = counted(count, "mail" if is_down else "follow-up")
    why = "" if is_down else " Somebody may have answered, and nobody would know."
    return (
        f"{what} {'is' if count == 1 else 'are'} due and will leave by themselves when it works again.{why}"
    )


def _since(moment: datetime | None, zone: str) -> str:
    return f" since {say(moment, zone)}" if moment else ""


def _sentence(words: str | None) -> str:
    return ended((words or "nobody knows why").strip())
