"""Absences: a person is away, and what is theirs goes to their cover, or their leads wait for them.

Without a cover every running lead of theirs gets one hold, under one batch; what was paused before keeps its own holds
and so stays paused at their return. The holds do not all end in the same minute: they are spread over the working hours
after the return, each mailbox with half its cap, as a backlog is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import Table, text, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from core import cards, homes
from core.acts import ENROLLMENTS, LEADS
from core.backlogs import SHARE_OF_CAP, Backlog, Share, Spreading, Waiting
from core.chunks import chunks
from core.dates import When
from core.db import Database
from core.journal import note
from core.mailboxes import cap_on, day_of
from core.models import Absence, Batch, Journal, Mailbox
from core.people import SYSTEM, Actor
from core.plans import planned
from core.schedule import MORNING, at_local
from core.worklist import working_day_after

KIND = "absence"
AWAY, BACK = "away", "back"  # the words of the journal
ABSENCES: Table = Absence.__table__  # type: ignore[attr-defined]
_LASTS = text("absence.ended_at IS NULL")


def returns_at(when: When) -> datetime:
    """Give when a person is back who is away until then: a day is covered whole, up to nine on the next working day."""
    return when.at if when.has_time else at_local(working_day_after(when.day), MORNING, when.zone)


def current(session: Session, person: str) -> Absence | None:
    """Give a person's absence that has not ended."""
    return session.exec(select(Absence).where(_LASTS, Absence.person == person)).first()


@dataclass(frozen=True)
class Spread:
    """When the hold of each enrollment ends, and over how many working days that is."""

    ends: Mapping[int, datetime]
    days: int

    @property
    def first(self) -> datetime:
        """Give when the first of them goes on."""
        return min(self.ends.values())


def spread(session: Session, enrollment_ids: Iterable[int], *, begins: datetime) -> Spread:
    """Give when each goes on, from this moment on: the same for the same rows, whoever asks."""
    rows = [
        row
        for chunk in chunks(sorted(enrollment_ids))
        for row in session.execute(_WITH_ZONE.where(ENROLLMENTS.c.id.in_(chunk)))
    ]
    rows.sort(key=lambda row: (row.due_at or begins, row.id))
    waiting = [Waiting(row.id, row.lead_id, row.mailbox_id or 0) for row in rows]
    counts = Counter(row.mailbox_id for row in waiting)
    backlog = Backlog(0, begins, tuple(_share(session, i, count, begins) for i, count in counts.items()))
    spreading = Spreading(backlog, waiting, now=begins)
    plans = planned(session, {row.sequence_id for row in rows})
    ends = {row.id: spreading.moment(row.id, plans[row.sequence_id].plan(row.zone).calendar) for row in rows}
    return Spread(ends, backlog.days)


_WITH_ZONE = select_columns(
    *(ENROLLMENTS.c[name] for name in ("id", "lead_id", "sequence_id", "mailbox_id", "due_at")), LEADS.c.zone
).join(LEADS, LEADS.c.id == ENROLLMENTS.c.lead_id)  # fmt: skip


def _share(session: Session, mailbox_id: int, count: int, begins: datetime) -> Share:
    mailbox = session.get(Mailbox, mailbox_id)
    a_day = max(cap_on(mailbox, day_of(mailbox, begins)) // SHARE_OF_CAP, 1) if mailbox else count
    return Share(mailbox_id, mailbox.address if mailbox else "", count, ceil(count / a_day))


def begin(
    session: Session,
    person: str,
    cover: str | None,
    until: datetime,
    before: Absence | None,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> Absence:
    """Give the absence that begins; one before it ends with that."""
    if before is not None:
        before.ended_at, before.ended_by = now, actor.id
        session.add(before)
        session.flush()  # a person has one at a time
    row = Absence(
        person=person, cover=cover, until=until, batch_id=batch_id, created_at=now, created_by=actor.id
    )
    session.add(row)
    session.flush()
    _record(session, AWAY, before, row, actor=actor, now=now, batch_id=batch_id)
    _tell_cover(session, row, now=now)
    _tell_cover(session, before, now=now)
    return row


def end(session: Session, row: Absence, *, actor: Actor, now: datetime, batch_id: int | None = None) -> None:
    """Let an absence be over."""
    row.ended_at, row.ended_by = now, actor.id
    session.add(row)
    session.flush()
    _record(session, BACK, row, None, actor=actor, now=now, batch_id=batch_id)
    _tell_cover(session, row, now=now)


def _record(
    session: Session,
    verb: str,
    before: Absence | None,
    after: Absence | None,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None,
) -> None:
    """Journal which absence ended and which began; an undo reads it."""
    was, became = (str(row.id) if row else None for row in (before, after))
    note(session, verb, actor=actor, now=now, batch_id=batch_id, was=was, became=became)
    homes.touch_all(session)
    if batch_id is not None:
        session.execute(update(Batch).where(col(Batch.id) == batch_id).values(size=Batch.size + 1))


def _tell_cover(session: Session, row: Absence | None, *, now: datetime) -> None:
    if row is not None and row.cover is not None:
        cards.show(session, f"{KIND}:{row.id}:cover", channel=row.cover, about_id=row.id, now=now)


def changed_by(session: Session, lines: Iterable[Journal]) -> tuple[Absence | None, Absence | None] | None:
    """Give the absence that a batch, whose lines these are, ended and the one that it began; None where it is about none."""
    line = next((line for line in lines if line.verb in (AWAY, BACK) and line.lead_id is None), None)
    if line is None:
        return None
    was, became = (
        session.get(Absence, int(number)) if number else None for number in (line.was, line.became)
    )
    return was, became


def put_back(
    session: Session,
    changed: tuple[Absence | None, Absence | None],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> list[str]:
    """Let the absence that began be over and the one that ended go on, where its time has not come; say so."""
    was, became = changed
    if became is not None and became.ended_at is None:
        became.ended_at, became.ended_by = now, actor.id
        session.add(became)
        session.flush()
        _tell_cover(session, became, now=now)
    if was is None or was.until <= now or current(session, was.person) is not None:
        _record(session, BACK, became, None, actor=actor, now=now, batch_id=batch_id)
        return ["The absence is taken back."]
    was.ended_at = was.ended_by = None
    session.add(was)
    session.flush()
    _record(session, AWAY, became, was, actor=actor, now=now, batch_id=batch_id)
    _tell_cover(session, was, now=now)
    return ["The absence is as it was before."]


def return_due(db: Database, *, now: datetime, limit: int = 100) -> int:
    """Give how many people came back: their absence ends, once, with a card that says what happened meanwhile."""
    with db.read() as session:
        due = select(Absence.id).where(_LASTS, col(Absence.until) <= now)
        ids = session.exec(due.order_by(col(Absence.until), col(Absence.id)).limit(limit)).all()
    back = 0
    for absence_id in ids:
        with db.write() as session:
            claim = update(ABSENCES).where(ABSENCES.c.id == absence_id, ABSENCES.c.ended_at.is_(None))
            if not session.connection().execute(claim.values(ended_at=now, ended_by=SYSTEM.id)).rowcount:
                continue
            row = session.get_one(Absence, absence_id)
            end(session, row, actor=SYSTEM, now=now)
            cards.show(session, f"{KIND}:{row.id}", channel=row.person, about_id=row.id, now=now)
            back += 1
    return back


def next_return(session: Session) -> datetime | None:
    """Give when the next person comes back; None: nobody is away."""
    return session.exec(select(func.min(Absence.until)).where(_LASTS)).one()
