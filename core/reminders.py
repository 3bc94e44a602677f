"""Reminders: what a person asked to be told about a lead comes once, as a card in their direct messages.

Late rather than lost: whatever came due while nothing ran comes then, and says so. Whoever covers for an absent person
gets their reminders too; without a cover they wait in the person's own messages.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import Table, text, update
from sqlmodel import Session, col, func, select

from core import cards, owners
from core.dates import When
from core.db import Database
from core.journal import note
from core.models import Digest, Lead, Reminder
from core.people import SYSTEM
from core.schedule import MORNING, at_local

KIND = "reminder"
LATE = timedelta(hours=1)  # what comes later than this says so
REMINDERS: Table = Reminder.__table__  # type: ignore[attr-defined]
_WAITS = text("fired_at IS NULL AND cancelled_at IS NULL")


def moment(session: Session, when: When, person: str) -> datetime:
    """Give when a reminder comes; on a day without a time, at the hour of the person's digest, else at nine."""
    if when.has_time:
        return when.at
    chosen = session.exec(select(Digest.at).where(Digest.place == person)).first()
    return at_local(when.day, time.fromisoformat(chosen) if chosen else MORNING, when.zone)


def remind_due(db: Database, *, now: datetime, limit: int = 200) -> int:
    """Give how many reminders came; each comes once, whoever else looks at the same moment."""
    with db.read() as session:
        due = select(Reminder.id).where(_WAITS, col(Reminder.at) <= now)
        ids = session.exec(due.order_by(col(Reminder.at), col(Reminder.id)).limit(limit)).all()
    came = 0
    for reminder_id in ids:
        with db.write() as session:
            came += _come(session, reminder_id or 0, now=now)
    return came


def _come(session: Session, reminder_id: int, *, now: datetime) -> bool:
    reminder = session.get_one(Reminder, reminder_id)
    # Its lead first, in the order that verbs take them.
    session.exec(select(Lead.id).where(Lead.id == reminder.lead_id).with_for_update(key_share=True)).one()
    claim = update(REMINDERS).where(REMINDERS.c.id == reminder_id, _WAITS).values(fired_at=now)
    if not session.connection().execute(claim).rowcount:
        return False
    channel = owners.stands_for(session, reminder.person, now=now) or reminder.person
    cards.show(
        session,
        f"{KIND}:{reminder_id}",
        channel=channel,
        lead_id=reminder.lead_id,
        about_id=reminder_id,
        now=now,
    )
    note(session, "reminded", actor=SYSTEM, now=now, lead_id=reminder.lead_id, reason=reminder.note)
    return True


def next_reminder(session: Session) -> datetime | None:
    """Give when the next one comes; None: nobody has asked for any."""
    return session.exec(select(func.min(Reminder.at)).where(_WAITS)).one()


def waiting(session: Session, person: str) -> list[tuple[Reminder, Lead]]:
    """Give what a person is still to be reminded of, the next first."""
    query = (
        select(Reminder, Lead)
        .join(Lead, col(Lead.id) == Reminder.lead_id)
        .where(_WAITS, Reminder.person == person)
    )
    return list(session.exec(query.order_by(col(Reminder.at), col(Reminder.id))))
