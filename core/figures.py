"""The figures of whole weeks, counted in the tables: what was paused, resumed, stopped, answered, sent and the rest.

One statement for each table, whatever the number of leads. A lead that is paused in two sequences is paused twice;
who answered, or whose mail bounced, counts once a week.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, Table, and_, case, func, literal
from sqlalchemy import select as sql
from sqlmodel import Session

from core.acts import DELIVERIES, JOURNAL, LEADS
from core.facts import HAS_LEFT, IS_ANSWER, IS_BOUNCE, MESSAGES, meetings
from core.lifecycle import Status
from core.models import Batch, Suppression
from core.people import SYSTEM
from core.schedule import DAY, at_local
from core.worklist import Group, Item, Scope, Worklist

BATCHES: Table = Batch.__table__  # type: ignore[attr-defined]
SUPPRESSIONS: Table = Suppression.__table__  # type: ignore[attr-defined]
WEEKS = 8
RUNNING = (Status.PENDING.value, Status.IN_PROGRESS.value)
AGES = ("up to 7 days", "8–14 days", "15–30 days", "over 30 days")
_OLDER_THAN_DAYS = (7, 14, 30)  # whole days: what is 7 days and 23 hours old is still 7 days old


class Figure(StrEnum):
    """What is counted in a week."""

    PAUSED = "paused"
    BY_PEOPLE = "resumed by people"
    BY_DATE = "resumed by date"
    BY_RULE = "resumed by a rule"
    STOPPED = "stopped"
    ANSWERED = "answered"
    MEETINGS = "meetings booked"
    SENT = "sent"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"


RESUMED = (Figure.BY_PEOPLE, Figure.BY_DATE, Figure.BY_RULE)
Counts = dict[Figure, list[int]]


@dataclass(frozen=True)
class Weeks:
    """Weeks of seven whole days on the clock of `zone`; the last ends with the day before `end`."""

    end: date
    zone: str
    number: int = WEEKS

    def first_day(self, week: int) -> date:
        """Give the day on which one of them begins; the first is 0."""
        return self.end - (self.number - week) * 7 * DAY

    @property
    def edges(self) -> list[datetime]:
        """Give the midnights between them, and those around them."""
        return [at_local(self.first_day(week), time.min, self.zone) for week in range(self.number + 1)]

    @property
    def last(self) -> Weeks:
        """Give the last one alone."""
        return Weeks(self.end, self.zone, 1)

    def holds(self, moment: ColumnElement[Any]) -> ColumnElement[bool]:
        """Give the condition that a moment is in any of them."""
        edges = self.edges
        return and_(moment >= edges[0], moment < edges[-1])

    def week_of(self, moment: ColumnElement[Any]) -> Label[int]:
        """Give in which of them it is."""
        return case(*((moment < edge, week) for week, edge in enumerate(self.edges[1:]))).label("week")


@dataclass(frozen=True)
class OwnersFigures:
    """One owner's: how many are paused at the moment, how many of them for long, and what happened in the week."""

    paused: int = 0
    long: int = 0
    week: tuple[tuple[Figure, int], ...] = ()


def count(session: Session, weeks: Weeks) -> Counts:
    """Give every figure of every week."""
    found: Counts = {figure: [0] * weeks.number for figure in Figure}
    for query in (_acts(weeks), _messages(weeks), _sent(weeks), _meetings(weeks), _unsubscribed(weeks)):
        for week, figure, number in session.execute(query):
            found[Figure(figure)][week] = number
    return found


def ages(session: Session, *, at: datetime) -> list[int]:
    """Give how many were paused at that moment for how long, as AGES names it."""
    held = Worklist(at, "UTC").held()
    aged = sql(_age(held.c.since, at), func.count().label("number")).group_by("age")
    found = {row.age: row.number for row in session.execute(aged)}
    return [found.get(age, 0) for age in range(len(AGES))]


def by_owner(session: Session, weeks: Weeks, *, at: datetime) -> dict[str | None, OwnersFigures]:
    """Give each owner's figures of the last week; None: of leads that have no owner."""
    held = Worklist(at, weeks.zone).held()
    is_long = case((held.c.since <= at - timedelta(days=_OLDER_THAN_DAYS[1] + 1), 1), else_=0)
    paused = sql(held.c.owner, func.count(), func.sum(is_long)).group_by(held.c.owner)
    happened: defaultdict[str | None, list[tuple[Figure, int]]] = defaultdict(list)
    for query, lead_id in (
        (_acts(weeks.last), JOURNAL.c.lead_id),
        (_messages(weeks.last), MESSAGES.c.lead_id),
    ):
        of_owner = query.join(LEADS, LEADS.c.id == lead_id).add_columns(LEADS.c.owner).group_by(LEADS.c.owner)
        for _, figure, number, owner in session.execute(of_owner):
            happened[owner].append((Figure(figure), number))
    found = {owner: (now, long) for owner, now, long in session.execute(paused)}
    return {
        owner: OwnersFigures(*found.get(owner, (0, 0)), tuple(happened[owner]))
        for owner in {*found, *happened}
    }


def oldest(session: Session, *, at: datetime, limit: int) -> list[Item]:
    """Give what was paused at that moment for longest, as lines of the list of paused leads."""
    held = Worklist(at, "UTC", Scope()).held()
    rows = session.execute(sql(held).order_by(held.c.since, held.c.id).limit(limit))
    return [
        Item(
            Group.LONG if row.rank is None else Group(row.rank),
            row.id,
            0,
            row.lead_id,
            row.since,
            bool(row.is_open),
        )
        for row in rows
    ]


def is_anything(session: Session, weeks: Weeks, *, at: datetime) -> bool:
    """Say whether there is anything to report: somebody is paused, or something happened in these weeks."""
    return any(ages(session, at=at)) or any(map(any, count(session, weeks).values()))


def _age(since: ColumnElement[Any], at: datetime) -> Label[int]:
    """Give which of AGES it is."""
    bounds = [(since > at - timedelta(days=days + 1), age) for age, days in enumerate(_OLDER_THAN_DAYS)]
    return case(*bounds, else_=len(bounds)).label("age")


def _acts(weeks: Weeks) -> Select[Any]:
    """What became of enrollments; lines about sequences have states of the same names."""
    was, became = JOURNAL.c.was, JOURNAL.c.became
    resumed = and_(was == Status.PAUSED.value, became.in_(RUNNING))
    figure = case(
        (and_(became == Status.PAUSED.value, was != Status.PAUSED.value), Figure.PAUSED.value),
        (and_(became == Status.STOPPED.value, was != Status.STOPPED.value), Figure.STOPPED.value),
        (and_(resumed, JOURNAL.c.verb == "release"), Figure.BY_DATE.value),
        (and_(resumed, JOURNAL.c.actor == SYSTEM.id), Figure.BY_RULE.value),
        (resumed, Figure.BY_PEOPLE.value),
    ).label("figure")
    happened = sql(weeks.week_of(JOURNAL.c.at), figure, func.count()).select_from(JOURNAL)
    is_counted = and_(JOURNAL.c.enrollment_id.is_not(None), weeks.holds(JOURNAL.c.at), figure.is_not(None))
    # An act that was taken back counts as little as taking it back.
    is_undone = sql(BATCHES.c.id).where(BATCHES.c.id == JOURNAL.c.batch_id, BATCHES.c.undone_at.is_not(None))
    stands = and_(JOURNAL.c.verb != "undo", ~is_undone.exists())
    return happened.where(is_counted, stands).group_by("week", "figure")


def _messages(weeks: Weeks) -> Select[Any]:
    """Who answered, and whose mail came back; a server that goes on trying has not refused yet."""
    figure = case((IS_ANSWER, Figure.ANSWERED.value), (IS_BOUNCE, Figure.BOUNCED.value)).label("figure")
    leads = func.count(MESSAGES.c.lead_id.distinct())
    came = sql(weeks.week_of(MESSAGES.c.came_at), figure, leads).select_from(MESSAGES)
    return came.where(weeks.holds(MESSAGES.c.came_at), figure.is_not(None)).group_by("week", "figure")


def _sent(weeks: Weeks) -> Select[Any]:
    return _plain(weeks, DELIVERIES.c.settled_at, Figure.SENT, [HAS_LEFT])


def _meetings(weeks: Weeks) -> Select[Any]:
    return _plain(weeks, meetings().subquery().c.at, Figure.MEETINGS)


def _unsubscribed(weeks: Weeks) -> Select[Any]:
    """Whoever wants no more mail, or complained; an address that does not exist has bounced instead."""
    is_wish = SUPPRESSIONS.c.reason.not_like("bounced%")
    return _plain(weeks, SUPPRESSIONS.c.at, Figure.UNSUBSCRIBED, [is_wish])


def _plain(
    weeks: Weeks, moment: ColumnElement[Any], figure: Figure, conditions: Iterable[ColumnElement[bool]] = ()
) -> Select[Any]:
    """Count the rows of one figure."""
    counted: list[Any] = [weeks.week_of(moment), literal(figure.value), func.count()]
    return sql(*counted).where(weeks.holds(moment), *conditions).group_by("week")
