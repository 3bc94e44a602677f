"""How much a mailbox may send, and which mailbox a lead gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from heapq import heapify, heapreplace
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, or_, update
from sqlmodel import Session, col, select

from core.db import insert_of
from core.lifecycle import LIVE
from core.models import Enrollment, Mailbox, MailboxDay
from core.schedule import at_local, local


def day_of(mailbox: Mailbox, now: datetime) -> date:
    """Give the mailbox's own calendar day at this instant; its cap begins anew at its midnight."""
    return local(now, mailbox.zone).date()


def cap_on(mailbox: Mailbox, day: date) -> int:
    """Give how many hand-overs the mailbox may begin on a day, ramp-up included."""
    if mailbox.ramp_from is None:
        return mailbox.cap_per_day
    first = date.fromisoformat(mailbox.first_day) if mailbox.first_day else day
    ramped = mailbox.ramp_from + mailbox.ramp_step * max((day - first).days, 0)
    return min(mailbox.cap_per_day, ramped)


def handed_on(session: Session, mailbox: Mailbox, day: date) -> int:
    """Give how many hand-overs the mailbox has begun on a day."""
    found = session.connection().execute(_HANDED, {"mailbox": mailbox.id, "on": day.isoformat()})
    return found.scalar() or 0


def spend(session: Session, mailbox: Mailbox, answers: int, steps: int, now: datetime) -> int:
    """Count hand-overs that begin now against the cap and the gap; give how many of the steps there was room for.

    Answers wait for neither, and come first. Nobody else counts meanwhile: the mailbox's row is locked.
    """
    if mailbox.min_gap_seconds:
        steps = min(steps, max(1 - answers, 0)) if _gap_ends_at(mailbox, now) <= now else 0
    if not answers + steps:
        return 0
    day = day_of(mailbox, now)
    handed = _count(session, mailbox, day, answers + steps)
    over = min(max(handed - cap_on(mailbox, day), 0), steps)
    if over:
        _count(session, mailbox, day, -over)
    if answers + steps > over and (mailbox.min_gap_seconds or mailbox.first_day is None):
        values = {"last_handed_at": now, "first_day": mailbox.first_day or day.isoformat()}
        session.connection().execute(update(BOXES).where(BOXES.c.id == mailbox.id).values(values))
    return steps - over


def _count(session: Session, mailbox: Mailbox, day: date, more: int) -> int:
    """Add to the count of a day, and give what it is now."""
    statement = _upsert(session.get_bind().dialect.name)
    counted = {"mailbox_id": mailbox.id, "day": day.isoformat(), "handed": more}
    handed: int = session.connection().execute(statement, counted).scalar_one()
    return handed


def _gap_ends_at(mailbox: Mailbox, now: datetime) -> datetime:
    """Give when the minimum gap after the last hand-over is over; `now` when it is."""
    if mailbox.last_handed_at is None or not mailbox.min_gap_seconds:
        return now
    return max(now, mailbox.last_handed_at + timedelta(seconds=mailbox.min_gap_seconds))


BOXES: Table = Mailbox.__table__  # type: ignore[attr-defined]
DAYS: Table = MailboxDay.__table__  # type: ignore[attr-defined]
# Written once: they run at every point of no return.
_HANDED = select(DAYS.c.handed).where(
    DAYS.c.mailbox_id == bindparam("mailbox"), DAYS.c.day == bindparam("on")
)


@cache
def _upsert(dialect: str) -> Any:
    """Give the statement that adds to the count of a day."""
    statement = insert_of(dialect, DAYS)
    more = {"handed": DAYS.c.handed + statement.excluded.handed}
    counting = statement.on_conflict_do_update(index_elements=["mailbox_id", "day"], set_=more)
    return counting.returning(DAYS.c.handed)


def free_at(session: Session, mailbox: Mailbox, now: datetime) -> datetime:
    """Give the first instant at which cap and minimum gap allow another hand-over; `now` when they do already."""
    moment = _gap_ends_at(mailbox, now)
    day = day_of(mailbox, moment)
    if handed_on(session, mailbox, day) >= cap_on(mailbox, day):
        midnight = at_local(day + timedelta(days=1), datetime.min.time(), mailbox.zone)
        moment = max(moment, midnight.astimezone(UTC))
    return moment


def is_free(mailbox: Mailbox, now: datetime) -> bool:
    """Say whether anything may leave it: it is not held by the guard, nor waiting for its next try to connect."""
    return mailbox.guarded_at is None and (mailbox.retry_at is None or mailbox.retry_at <= now)


def may_send(now: datetime) -> ColumnElement[bool]:
    """Give the same as a condition on a mailbox."""
    return and_(
        col(Mailbox.guarded_at).is_(None), or_(col(Mailbox.retry_at).is_(None), col(Mailbox.retry_at) <= now)
    )


def unread_before(read_within_seconds: int, now: datetime) -> datetime:
    """Give the instant since which a mailbox must have been read for follow-ups to leave it (a workspace's setting)."""
    return now - timedelta(seconds=read_within_seconds)


def is_read(mailbox: Mailbox, since: datetime) -> bool:
    """Say whether no answer can lie unread in it; where nothing is ever read, nobody can wait for it (DESIGN G7)."""
    return mailbox.imap_host is None or (mailbox.read_at is not None and mailbox.read_at >= since)


def may_leave(since: datetime) -> ColumnElement[bool]:
    """Give the same as a condition on a mailbox and an enrollment: a first step answers nobody, so it need not wait."""
    return or_(
        col(Enrollment.has_started).is_(False),
        col(Mailbox.imap_host).is_(None),
        col(Mailbox.read_at) >= since,
    )


def allowance(session: Session, mailbox: Mailbox, now: datetime) -> int:
    """Give how many hand-overs may begin right now: 0, 1 where a minimum gap is kept, else the rest of the cap."""
    day = day_of(mailbox, now)
    left = max(cap_on(mailbox, day) - handed_on(session, mailbox, day), 0)
    if not mailbox.min_gap_seconds:
        return left
    return min(left, 1) if free_at(session, mailbox, now) <= now else 0


def rotation(session: Session, addresses: Iterable[str] | None) -> Iterator[int]:
    """Give mailboxes without end, always the one with the fewest live leads; ends at once where there is none.

    `addresses` None: every mailbox. A lead keeps its mailbox for the whole run: every step comes from one sender.
    """
    live = (col(Enrollment.mailbox_id) == Mailbox.id) & col(Enrollment.status).in_(LIVE)
    query = (
        select(func.count(col(Enrollment.id)), col(Mailbox.id))
        .select_from(Mailbox)
        .outerjoin(Enrollment, live)
    )
    if addresses is not None:
        query = query.where(col(Mailbox.address).in_(list(addresses)))
    loads = session.exec(query.group_by(col(Mailbox.id)))
    heap = [(load, mailbox_id) for load, mailbox_id in loads if mailbox_id is not None]
    heapify(heap)
    while heap:
        load, mailbox_id = heap[0]
        heapreplace(heap, (load + 1, mailbox_id))
        yield mailbox_id
