"""A mailbox's connection as the database knows it: up, or down with the reason and the next try."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import cards, homes
from core.db import Database
from core.journal import note
from core.models import Card, Enrollment, Mailbox
from core.people import SYSTEM

TRY_AGAIN = timedelta(minutes=1)
TRY_AGAIN_LASTING = timedelta(minutes=15)  # a wrong password tried every minute locks accounts


def get(db: Database, mailbox_id: int) -> Mailbox | None:
    """Give a mailbox, None if there is none of this id."""
    with db.read() as session:
        return session.get(Mailbox, mailbox_id)


def went_down(db: Database, mailbox_id: int, because: str, *, is_lasting: bool, now: datetime) -> datetime:
    """Record that a mailbox cannot send and give when it is tried again."""
    retry_at = now + (TRY_AGAIN_LASTING if is_lasting else TRY_AGAIN)
    with db.write() as session:
        mailbox = session.exec(select(Mailbox).where(Mailbox.id == mailbox_id).with_for_update()).one()
        if mailbox.down_at is None:
            mailbox.down_at = now
            note(session, "mailbox down", actor=SYSTEM, now=now, reason=f"{mailbox.address}: {because}")
            touch(session, mailbox_id)
        mailbox.down_because, mailbox.retry_at = because, retry_at
        session.add(mailbox)
    return retry_at


def came_up(db: Database, mailbox_id: int, *, now: datetime) -> None:
    """Record that a mailbox sends again; changes nothing where it was up."""
    with db.write() as session:
        mailbox = session.exec(select(Mailbox).where(Mailbox.id == mailbox_id).with_for_update()).one()
        if mailbox.down_at is None:
            return
        mailbox.down_at = mailbox.down_because = mailbox.retry_at = None
        session.add(mailbox)
        note(session, "mailbox up", actor=SYSTEM, now=now, reason=mailbox.address)
        touch(session, mailbox_id)


def touch(session: Session, mailbox_id: int) -> None:
    """Want a redraw of the mailbox's own card and of those of every lead that waits for it."""
    redraw(session, mailbox_id)
    lead_ids = session.exec(
        select(Enrollment.lead_id).where(
            Enrollment.mailbox_id == mailbox_id, col(Enrollment.status) == "pending"
        )
    )
    cards.touch(session, lead_ids=lead_ids)


def redraw(session: Session, mailbox_id: int) -> None:
    """Want a redraw of the mailbox's own card, where there is one, and of every Home, where mailboxes stand."""
    homes.touch_all(session)
    own = update(Card).where(col(Card.key) == card_key(mailbox_id))
    session.execute(own.values(wanted=Card.wanted + 1))


def card_key(mailbox_id: int) -> str:
    """Give the key of the one card of a mailbox."""
    return f"mailbox:{mailbox_id}"
