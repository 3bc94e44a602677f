"""What waits in a backlog (core/handover/backlog.py puts it there), and how it would be spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import ColumnElement, and_, text
from sqlmodel import Session, col, func, select

from core.dates import say
from core.handover.backlog import VERB
from core.lifecycle import Source
from core.mailboxes import cap_on, day_of
from core.models import Batch, Enrollment, Hold, Journal, Mailbox
from core.names import name_of
from core.schedule import Calendar, after_open_time, open_time_a_day, send_at

SHARE_OF_CAP = (
    2  # a spread backlog takes one in so many of a mailbox's cap, the steps planned for the day the rest
)
_IS_OPEN = text("hold.released_at IS NULL")


@dataclass(frozen=True)
class Share:
    """What waits in one mailbox; spread, it takes so many working days."""

    mailbox_id: int
    address: str
    count: int
    days: int


@dataclass(frozen=True)
class Backlog:
    """What waits for an answer. `since`: from when on nothing left."""

    batch_id: int
    since: datetime
    shares: tuple[Share, ...]

    @property
    def count(self) -> int:
        """Give how many steps wait."""
        return sum(share.count for share in self.shares)

    @property
    def days(self) -> int:
        """Give over how many working days they would be spread."""
        return max((share.days for share in self.shares), default=0)


@dataclass(frozen=True)
class Waiting:
    """One enrollment that waits, the longest overdue of its mailbox first."""

    enrollment_id: int
    lead_id: int
    mailbox_id: int


def get(session: Session, batch: Batch, *, now: datetime) -> Backlog:
    """Give what of a backlog still waits; no share at all where nobody has to answer any more."""
    query = (
        select(Mailbox, func.count(col(Enrollment.id)))
        .select_from(Hold)
        .join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
        .join(Mailbox, col(Mailbox.id) == Enrollment.mailbox_id)
        .where(_of(batch))
        .group_by(col(Mailbox.id))
        .order_by(col(Mailbox.id))
    )
    shares = [
        Share(mailbox.id or 0, mailbox.address, count, _days(mailbox, count, now))
        for mailbox, count in session.exec(query)
    ]
    return Backlog(batch.id or 0, batch.at, tuple(shares))


def open_ones(session: Session, *, now: datetime) -> list[Backlog]:
    """Give every backlog of which something still waits, the oldest first."""
    holds = select(Hold.id).where(_IS_OPEN, Hold.batch_id == Batch.id, Hold.source == Source.BACKLOG.value)
    batches = select(Batch).where(Batch.verb == VERB, holds.exists()).order_by(col(Batch.id))
    found = [get(session, batch, now=now) for batch in session.exec(batches)]
    return [one for one in found if one.shares]


def waiting(session: Session, batch: Batch) -> list[Waiting]:
    """Give every enrollment that waits in it."""
    query = (
        select(Enrollment.id, Enrollment.lead_id, Enrollment.mailbox_id)
        .select_from(Hold)
        .join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
        .where(_of(batch))
        .order_by(col(Enrollment.mailbox_id), col(Enrollment.due_at), col(Enrollment.id))
    )
    return [
        Waiting(found, lead_id, mailbox_id or 0)
        for found, lead_id, mailbox_id in session.exec(query)
        if found is not None
    ]


def _of(batch: Batch) -> ColumnElement[bool]:
    return and_(col(Hold.batch_id) == batch.id, col(Hold.source) == Source.BACKLOG.value, _IS_OPEN)


def _days(mailbox: Mailbox, count: int, now: datetime) -> int:
    a_day = max(cap_on(mailbox, day_of(mailbox, now)) // SHARE_OF_CAP, 1)
    return ceil(count / a_day)


class Spreading:
    """Where each step goes when a backlog is spread: evenly over the open hours of its mailbox's working days."""

    def __init__(self, backlog: Backlog, rows: Iterable[Waiting], *, now: datetime) -> None:
        """Number the rows of each mailbox."""
        self._now = now
        self._shares = {share.mailbox_id: share for share in backlog.shares}
        self._places: dict[int, tuple[int, int]] = {}
        counts = dict.fromkeys(self._shares, 0)
        for row in rows:
            self._places[row.enrollment_id] = (row.mailbox_id, counts[row.mailbox_id])
            counts[row.mailbox_id] += 1
        self._mornings: dict[Calendar, list[datetime]] = {}

    def moment(self, enrollment_id: int, calendar: Calendar) -> datetime:
        """Give when this one's step is due, on its lead's own calendar."""
        mailbox_id, number = self._places[enrollment_id]
        share = self._shares[mailbox_id]
        days, rest = divmod(number * share.days, share.count)
        begins = self._after_days(days, calendar)
        return after_open_time(begins, open_time_a_day(calendar) * rest / share.count, calendar)

    def _after_days(self, days: int, calendar: Calendar) -> datetime:
        known = self._mornings.setdefault(calendar, [self._now])
        while len(known) <= days:
            known.append(after_open_time(known[-1], open_time_a_day(calendar), calendar))
        return known[days]


def later(due: datetime, calendar: Calendar, backlog: Backlog, *, now: datetime) -> datetime:
    """Give the date that a step gets when all are shifted by the time that has passed since nothing left.

    Counted from when it would have left: countdowns that end at a weekend are days apart, and their mails leave together.
    """
    return now + max(send_at(due, calendar) - backlog.since, timedelta(0))


def answered(session: Session, batch_id: int, verb: str, did: str, *, zone: str) -> str:
    """Give who `did` what about a batch that waited for a person, and when; "" where nobody did."""
    line = session.exec(
        select(Journal)
        .where(Journal.batch_id == batch_id, col(Journal.verb).startswith(f"{verb} "))
        .order_by(col(Journal.id).desc())
    ).first()
    return f"{name_of(session, line.actor)} {did} on {say(line.at, zone)}: {line.reason}." if line else ""


def settled_words(session: Session, batch_id: int, *, zone: str) -> str:
    """Give who answered and what, once nothing waits any more."""
    words = answered(session, batch_id, VERB, "answered", zone=zone)
    return words or "Nothing of it waits any more: all have gone on or were stopped."
