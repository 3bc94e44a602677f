"""The numbers of an App Home, each by one statement whatever the number of leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Select, case, func, text
from sqlalchemy import select as sql
from sqlmodel import Session, col, select

from core import funnel
from core.acts import DELIVERIES, ENROLLMENTS, LEADS
from core.facts import HAS_LEFT
from core.funnel import Asked, By, Counts, Figure
from core.mailboxes import cap_on, day_of
from core.models import Mailbox, MailboxDay, SequenceStatus
from core.models import Sequence as SequenceRow
from core.schedule import DAY, at_local, local
from core.worklist import Group, Item, Scope, Worklist

LATER = len(Group)  # the place of what is paused and on no list: its end is far off
_LONGEST_HANDOVER = timedelta(days=2)  # from the claim of a mail to its last try
SEQUENCES = SequenceRow.__table__  # type: ignore[attr-defined]
E_, D_ = ENROLLMENTS.c, DELIVERIES.c


@dataclass(frozen=True)
class Funnel:
    """A sequence, and what has become of leads in it (core.funnel): a lead that ran twice counts twice."""

    id: int
    name: str
    status: str
    changed_at: datetime
    contacted: int = 0
    answered: int = 0
    interrupted: int = 0
    completed: int = 0
    active: int = 0
    paused: int = 0


@dataclass(frozen=True)
class Today:
    """What leaves on the reader's day: by sequence how many have left and how many are still due, and the next few."""

    sent: dict[str, int]
    due: dict[str, int]
    next: tuple[int, ...]  # enrollments


@dataclass(frozen=True)
class Sender:
    """A mailbox, and how many hand-overs of its cap it has begun on its own day."""

    mailbox: Mailbox
    handed: int
    cap: int


def paused(session: Session, shown: Worklist, *, each: int) -> tuple[dict[int, int], list[tuple[int, Item]]]:
    """Give the size of every group, and the first lines of each with their group; LATER is one more."""
    rows = shown.held()
    rank = func.coalesce(rows.c.rank, LATER)
    ranked = sql(
        rows.c.id, rows.c.lead_id, rows.c.since, rank.label("place"),
        func.row_number().over(partition_by=rank, order_by=(rows.c.since, rows.c.id)).label("number"),
        func.count().over(partition_by=rank).label("size"),
    ).where(rows.c.is_open == 1).subquery()  # fmt: skip
    over = shown.over()
    meetings = (
        sql(over.c.id, over.c.lead_id, over.c.since, func.count().over().label("size"))
        .where(over.c.is_open == 1)
        .order_by(over.c.since, over.c.id)
        .limit(each)
    )
    sizes: dict[int, int] = {}
    items = []
    for row in session.execute(meetings):
        sizes[Group.MEETING] = row.size
        items.append(
            (int(Group.MEETING), Item(Group.MEETING, 0, row.id, row.lead_id, row.since, is_open=True))
        )
    query = sql(ranked).where(ranked.c.number <= each).order_by(ranked.c.place, ranked.c.number)
    for row in session.execute(query):
        sizes[row.place] = row.size
        if row.place == Group.BACKLOG:  # all of it waits for one answer
            continue
        group = Group.TODAY if row.place == LATER else Group(row.place)
        items.append((row.place, Item(group, row.id, 0, row.lead_id, row.since, is_open=True)))
    return sizes, items


def funnels(session: Session, scope: Scope) -> list[Funnel]:
    """Give the sequences in which these leads are; where they are everybody's, all. Those that send come first."""
    found = funnel.count(session, Asked(leads=scope), By.SEQUENCE, only=_SHOWN)
    columns = select(SequenceRow.id, SequenceRow.name, SequenceRow.status, SequenceRow.changed_at)
    if scope.condition():
        columns = columns.where(col(SequenceRow.id).in_([sequence_id for sequence_id, _ in found]))
    order = [SequenceStatus.PUBLISHED, SequenceStatus.PAUSED, SequenceStatus.DRAFT, SequenceStatus.ARCHIVED]
    all_ = [
        Funnel(
            row_id or 0,
            name,
            status,
            changed_at,
            *(found.get((row_id, None), Counts())[one] for one in _SHOWN),
        )
        for row_id, name, status, changed_at in session.exec(columns)
    ]
    return sorted(all_, key=lambda one: (order.index(SequenceStatus(one.status)), -one.active, one.name))


_SHOWN = (
    Figure.CONTACTED, Figure.ANSWERED, Figure.INTERRUPTED, Figure.COMPLETED, Figure.ACTIVE, Figure.PAUSED,
)  # fmt: skip


def today(session: Session, scope: Scope, *, zone: str, now: datetime, few: int) -> Today:
    """Give what has left and what is due on the day that it is in `zone`; tasks are no mail."""
    day = local(now, zone).date()
    begins, ends = at_local(day, time.min, zone), at_local(day + DAY, time.min, zone)
    # Deliveries are numbered as they are made, so their end is looked through instead of all of them.
    before = sql(D_.id).where(D_.created_at < begins - _LONGEST_HANDOVER).order_by(D_.id.desc()).limit(1)
    last = session.execute(before).scalar() or 0
    left = (
        sql(SEQUENCES.c.name, func.count())
        .join_from(DELIVERIES, ENROLLMENTS, E_.id == D_.enrollment_id)
        .join(SEQUENCES, SEQUENCES.c.id == E_.sequence_id)
        .where(
            D_.id > last,
            HAS_LEFT,
            D_.settled_at >= begins,
        )
    )
    # 'pending' as a literal, for the partial index.
    is_due = (
        text("enrollment.status = 'pending'"),
        E_.mailbox_id.in_(sql(col(Mailbox.id))),
        E_.wake_at < ends,
        SEQUENCES.c.status == SequenceStatus.PUBLISHED.value,
    )
    due = sql(SEQUENCES.c.name, func.count()).join_from(ENROLLMENTS, SEQUENCES).where(*is_due)
    first = sql(E_.id).join_from(ENROLLMENTS, SEQUENCES).where(*is_due).order_by(E_.wake_at, E_.id).limit(few)
    by_name = [
        {row[0]: row[1] for row in session.execute(_of(scope, query).group_by(SEQUENCES.c.name))}
        for query in (left, due)
    ]
    return Today(by_name[0], by_name[1], tuple(session.execute(_of(scope, first)).scalars()))


def _of(scope: Scope, query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """Give a query about enrollments for these leads only; of everybody's the leads need not be looked at."""
    conditions = scope.condition()
    return query.join(LEADS, LEADS.c.id == E_.lead_id).where(*conditions) if conditions else query


def senders(session: Session, *, now: datetime, most: int) -> tuple[int, list[Sender]]:
    """Give how many mailboxes there are, and the first with what they have sent; those in trouble come first."""
    well = case(
        (col(Mailbox.guarded_at).is_not(None), 0),
        (col(Mailbox.down_at).is_not(None), 0),
        (col(Mailbox.unread_because).is_not(None), 1),
        else_=2,
    )
    found: Sequence[Mailbox] = session.exec(
        select(Mailbox).order_by(well, col(Mailbox.address)).limit(most)
    ).all()
    days = {box.id or 0: day_of(box, now) for box in found}
    of_days = col(MailboxDay.day).in_({day.isoformat() for day in days.values()})
    handed = {
        (row.mailbox_id, row.day): row.handed
        for row in session.exec(select(MailboxDay).where(col(MailboxDay.mailbox_id).in_(days), of_days))
    }
    boxes = [
        Sender(
            box, handed.get((box.id or 0, days[box.id or 0].isoformat()), 0), cap_on(box, days[box.id or 0])
        )
        for box in found
    ]
    return session.exec(select(func.count()).select_from(Mailbox)).one(), boxes
