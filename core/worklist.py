"""The list of paused leads as it stood at a moment, in its groups, and what of it is still to do.

Nothing is stored for it: holds keep when they were placed and released, so whatever was paused at that moment is known
for ever after, and so is what has been done about it since. A few statements, whatever the number of leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, Label, Subquery, Table, case, false, func, literal, or_, text, union_all
from sqlalchemy import select as sql
from sqlmodel import Session

from core.acts import DELIVERIES, ENROLLMENTS, HOLDS, JOURNAL, LEADS
from core.conversations import ANSWERABLE
from core.lifecycle import Source
from core.meetings import ANSWERED, State
from core.models import Batch, DeliveryState, Meeting, Message, Reply
from core.schedule import DAY, MONDAY_TO_FRIDAY, at_local, local

BATCHES: Table = Batch.__table__  # type: ignore[attr-defined]
MEETINGS: Table = Meeting.__table__  # type: ignore[attr-defined]
MESSAGES: Table = Message.__table__  # type: ignore[attr-defined]
REPLIES: Table = Reply.__table__  # type: ignore[attr-defined]
LONG = timedelta(days=14)
MEETINGS_KEPT = timedelta(days=60)  # an answered meeting is not looked for beyond this
_FAILED = (Source.FAILED.value, Source.MISSING_VALUE.value)


class Group(IntEnum):
    """Why something is on the list, in the order in which it is shown: first what cannot go on by itself.

    BACKLOG is no work line by line: all of it waits for one answer.
    """

    MEETING = 0
    UNCERTAIN = 1
    FAILED = 2
    TODAY = 3
    NEXT = 4
    REPLY = 5
    ENDLESS = 6
    LONG = 7
    BACKLOG = 8


@dataclass(frozen=True)
class Scope:
    """Whose leads: one owner's, with those of whom they cover for; those of nobody but these; or, with neither, everybody's."""

    owner: str | None = None
    covering: tuple[str, ...] = ()
    nobody_but: tuple[str, ...] | None = None

    def condition(self) -> list[ColumnElement[bool]]:
        """Give it for a query that has the leads."""
        owner = LEADS.c.owner
        if self.owner is not None:
            return [owner.in_((self.owner, *self.covering))]
        if self.nobody_but is not None:
            return [or_(owner.is_(None), owner.not_in(self.nobody_but) if self.nobody_but else ~false())]
        return []


@dataclass(frozen=True)
class Item:
    """One line: an enrollment, or a meeting (`enrollment_id` 0). `since`: when it was paused, or the meeting's end."""

    group: Group
    enrollment_id: int
    meeting_id: int
    lead_id: int
    since: datetime
    is_open: bool


@dataclass(frozen=True)
class Count:
    """How many lines a group had at that moment, and how many are still to do."""

    owner: str | None
    group: Group
    total: int
    open: int


@dataclass(frozen=True)
class Worklist:
    """What was paused `at` this moment, for readers in `zone`."""

    at: datetime
    zone: str
    scope: Scope = Scope()

    @property
    def day(self) -> date:
        """Give the reader's day."""
        return local(self.at, self.zone).date()

    @property
    def next_day(self) -> date:
        """Give the reader's next working day."""
        return working_day_after(self.day)

    def counts(self, session: Session) -> list[Count]:
        """Give the size of every group, by owner."""
        held, over = self.held(), self.over()
        found = []
        for rows in (over, held):
            query = sql(
                rows.c.owner, rows.c.rank, func.count(), func.coalesce(func.sum(rows.c.is_open), 0)
            ).where(rows.c.rank.is_not(None))
            for owner, rank, whole, still in session.execute(query.group_by(rows.c.owner, rows.c.rank)):
                found.append(Count(owner, Group(rank), whole, still))
        return found

    def page(self, session: Session, *, offset: int, limit: int, meetings: int) -> list[Item]:
        """Give some lines in order; `meetings` is how many stand before all others."""
        found: list[Item] = []
        if offset < meetings:
            rows = self.over()
            query = sql(rows).order_by(rows.c.since, rows.c.id).offset(offset).limit(limit)
            found += [
                Item(Group.MEETING, 0, row.id, row.lead_id, row.since, bool(row.is_open))
                for row in session.execute(query)
            ]
        if len(found) < limit:
            rows = self.held()
            query = sql(rows).where(rows.c.rank < Group.BACKLOG.value)
            query = query.order_by(rows.c.rank, rows.c.since, rows.c.id)
            query = query.offset(max(offset - meetings, 0)).limit(limit - len(found))
            found += [
                Item(Group(row.rank), row.id, 0, row.lead_id, row.since, bool(row.is_open))
                for row in session.execute(query)
            ]
        return found

    def first_open(self, session: Session, counts: Sequence[Count]) -> int:
        """Give how many lines stand before the first that is still to do."""
        group = next((group for group in Group if left(counts, group)), Group.MEETING)
        before = sum(total(counts, earlier) for earlier in Group if earlier < group)
        if left(counts, group) == total(counts, group):
            return before
        rows = self.over() if group is Group.MEETING else self.held()
        number = func.row_number().over(order_by=(rows.c.since, rows.c.id)).label("number")
        numbered = sql(rows.c.is_open, number).where(rows.c.rank == group.value).subquery()
        first = sql(func.min(numbered.c.number)).where(numbered.c.is_open == 1)
        return before + (session.execute(first).scalar() or 1) - 1

    def open_in(self, session: Session, group: Group) -> list[int]:
        """Give the enrollments of a group that are still to do."""
        rows = self.held()
        query = sql(rows.c.id).where(rows.c.rank == group.value, rows.c.is_open == 1)
        return list(session.execute(query.order_by(rows.c.id)).scalars())

    def held(self) -> Subquery:
        """Give id, lead, owner, since, rank (None: not on the list) and is_open of what was paused at the moment."""
        holds, answers = self._holds(), self._answers()
        each = (
            sql(
                holds.c.enrollment_id.label("id"),
                LEADS.c.id.label("lead_id"),
                LEADS.c.owner,
                func.min(holds.c.placed_at).label("since"),
                func.max(holds.c.until).label("ends"),
                func.max(holds.c.decided).label("decided"),
                func.max(holds.c.is_open).label("is_open"),
                _any(holds.c.until.is_(None), "is_endless"),
                _any(holds.c.source == Source.UNCERTAIN.value, "is_uncertain"),
                _any(holds.c.source.in_(_FAILED), "has_failed"),
                _any(
                    (holds.c.source == Source.REPLY.value)
                    & (answers.c.before.is_(None) | (answers.c.before < holds.c.placed_at)),
                    "has_replied",
                ),
                _any(answers.c.since.is_not(None), "is_answered"),
                _any(holds.c.source == Source.BACKLOG.value, "is_backlog"),
                _any((holds.c.source == Source.BACKLOG.value) & (holds.c.is_open == 1), "waits"),
            )
            .join(ENROLLMENTS, ENROLLMENTS.c.id == holds.c.enrollment_id)
            .join(LEADS, LEADS.c.id == ENROLLMENTS.c.lead_id)
            .outerjoin(answers, answers.c.lead_id == LEADS.c.id)
            .where(*self.scope.condition())
            .group_by(holds.c.enrollment_id, LEADS.c.id, LEADS.c.owner)
        )
        one = each.subquery()
        ranked = sql(one, self._rank(one).label("rank")).subquery()
        is_answered = (ranked.c.rank == Group.REPLY.value) & (ranked.c.is_answered == 1)
        is_open = case(
            (is_answered, 0), (ranked.c.rank == Group.BACKLOG.value, ranked.c.waits), else_=ranked.c.is_open
        )
        others = [column for column in ranked.c if column.name != "is_open"]
        return sql(*others, is_open.label("is_open")).subquery()

    def _answers(self) -> Subquery:
        """Give by lead when somebody last answered all that they had written at the moment (before), and after it (since).

        What certainly did not leave is no answer.
        """
        lost = (DeliveryState.FAILED.value, DeliveryState.SKIPPED.value)
        answered, later = MESSAGES.alias(), MESSAGES.alias()
        at, is_before = REPLIES.c.created_at, REPLIES.c.created_at <= self.at
        has_written_again = (
            sql(later.c.id)
            .where(
                later.c.lead_id == answered.c.lead_id,
                later.c.id > answered.c.id,
                later.c.came_at <= self.at,
                later.c.kind.in_([kind.value for kind in ANSWERABLE]),
            )
            .exists()
        )
        return (
            sql(
                answered.c.lead_id,
                func.max(case((is_before & ~has_written_again, at))).label("before"),
                func.max(case((~is_before, at))).label("since"),
            )
            .join(REPLIES, REPLIES.c.message_id == answered.c.id)
            .join(DELIVERIES, DELIVERIES.c.reply_id == REPLIES.c.id)
            .where(DELIVERIES.c.state.not_in(lost))
            .group_by(answered.c.lead_id)
            .subquery()
        )

    def _holds(self) -> Subquery:
        """Give the holds that were open at the moment, in two parts that each have their index.

        One that took the place of another lasts since that one was placed; it was there from its own batch on.
        """
        decided = func.coalesce(BATCHES.c.at, HOLDS.c.placed_at).label("decided")
        shown = [*(HOLDS.c[name] for name in ("enrollment_id", "source", "placed_at", "until")), decided]
        was_there = (HOLDS.c.placed_at <= self.at, or_(BATCHES.c.at.is_(None), BATCHES.c.at <= self.at))
        placed = HOLDS.outerjoin(BATCHES, BATCHES.c.id == HOLDS.c.batch_id)
        still = sql(*shown, literal(1).label("is_open")).select_from(placed)
        still = still.where(text("hold.released_at IS NULL"), *was_there)
        since = sql(*shown, literal(0)).select_from(placed)
        since = since.where(text("hold.released_at IS NOT NULL"), HOLDS.c.released_at >= self.at, *was_there)
        return union_all(still, since).subquery()

    def _rank(self, one: Subquery) -> ColumnElement[int]:
        ends = (one.c.is_endless == 0) & (one.c.ends < self._midnight_after(self.day))
        # With a date that somebody gave it lately, it has been looked at.
        is_fresh = (one.c.is_endless == 0) & (one.c.decided > self.at - LONG)
        next_ends = (one.c.is_endless == 0) & (one.c.ends < self._midnight_after(self.next_day))
        return case(
            (one.c.is_uncertain == 1, Group.UNCERTAIN.value),
            (one.c.has_failed == 1, Group.FAILED.value),
            # Whatever else holds it, it goes on only once the backlog is answered; what the lead wrote does not wait.
            ((one.c.is_backlog == 1) & (one.c.has_replied == 0), Group.BACKLOG.value),
            (ends, Group.TODAY.value),
            (next_ends, Group.NEXT.value),
            (one.c.has_replied == 1, Group.REPLY.value),
            ((one.c.since <= self.at - LONG) & ~is_fresh, Group.LONG.value),
            (one.c.is_endless == 1, Group.ENDLESS.value),
        )

    def _midnight_after(self, day: date) -> datetime:
        return at_local(day + DAY, time.min, self.zone)

    def over(self) -> Subquery:
        """Give the same of meetings that were over and of which nobody had said how they went."""
        asks = (MEETINGS.c.settled_by.is_(None)) & (MEETINGS.c.state == State.BOOKED.value)
        said = (
            sql(JOURNAL.c.id)
            .where(
                JOURNAL.c.lead_id == MEETINGS.c.lead_id,
                JOURNAL.c.verb == ANSWERED,
                JOURNAL.c.batch_id.is_not_distinct_from(MEETINGS.c.batch_id),
                JOURNAL.c.at >= self.at,
            )
            .exists()
        )
        was_answered = (
            (MEETINGS.c.settled_by.is_not(None)) & (MEETINGS.c.ends_at > self.at - MEETINGS_KEPT) & said
        )
        other = MEETINGS.alias()
        is_told_twice = (
            sql(other.c.id)
            .where(
                other.c.lead_id == MEETINGS.c.lead_id,
                other.c.starts_at == MEETINGS.c.starts_at,
                other.c.state != State.MOVED.value,
                other.c.id < MEETINGS.c.id,
            )
            .exists()
        )
        return (
            sql(
                MEETINGS.c.id,
                MEETINGS.c.lead_id,
                LEADS.c.owner,
                MEETINGS.c.ends_at.label("since"),
                case((asks, 1), else_=0).label("is_open"),
                literal(Group.MEETING.value).label("rank"),
            )
            .join(LEADS, LEADS.c.id == MEETINGS.c.lead_id)
            .where(
                MEETINGS.c.ends_at <= self.at,
                or_(asks, was_answered),
                ~is_told_twice,
                *self.scope.condition(),
            )
            .subquery()
        )


def _any(condition: ColumnElement[bool], name: str) -> Label[int]:
    return func.max(case((condition, 1), else_=0)).label(name)


def working_day_after(day: date) -> date:
    """Give the next day from Monday to Friday."""
    day += DAY
    while day.weekday() not in MONDAY_TO_FRIDAY:
        day += DAY
    return day


def total(counts: Sequence[Count], group: Group | None = None) -> int:
    """Give how many lines there are, of one group or of all that are worked off line by line."""
    return sum(count.total for count in counts if _is_of(count, group))


def left(counts: Sequence[Count], group: Group | None = None) -> int:
    """Give how many of them are still to do."""
    return sum(count.open for count in counts if _is_of(count, group))


def _is_of(count: Count, group: Group | None) -> bool:
    return count.group is not Group.BACKLOG if group is None else count.group is group
