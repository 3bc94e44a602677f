"""The weekly report: to whom it comes, and when. Never twice a week, never empty, within its week late rather than lost.

It comes to whoever asked for it (`digest weekly`). A row of `digest` keeps the week in which it was last due, so that
two workers agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from core import cards
from core.dates.words import WEEKDAYS
from core.db import Database
from core.digests import DIGESTS, asked_key, reader_of
from core.figures import Weeks, is_anything
from core.models import Digest, Member
from core.schedule import DAY, at_local, local

KIND = "weekly"
USUAL = "monday 09:00"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Subscriber:
    """Somebody, or a channel, that asked for the report; `zone` is where their week and their clock are."""

    row: Digest
    zone: str

    @property
    def weekday(self) -> int:
        """Give the day on which it comes; Monday is 0."""
        return WEEKDAYS[(self.row.weekly_at or USUAL).split()[0]]

    @property
    def clock(self) -> time:
        """Give the time of day at which it comes."""
        return time.fromisoformat((self.row.weekly_at or USUAL).split()[1])

    def day(self, of_week: date) -> date:
        """Give the day on which it comes in the week of a day, from Monday to Sunday."""
        return of_week + (self.weekday - of_week.weekday()) * DAY

    def moment(self, of_week: date) -> datetime:
        """Give when it comes in the week of a day."""
        return at_local(self.day(of_week), self.clock, self.zone)

    def next_moment(self, now: datetime) -> datetime:
        """Give when it comes next; in the past where this week's is late."""
        today = local(now, self.zone).date()
        had_it = self.row.week is not None and self.row.week >= name_of(today)
        return self.moment(today + WEEK if had_it else today)


def name_of(day: date) -> str:
    """Give the ISO week of a day, such as "2027-W23"; these names sort as time does."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def weekly_due(db: Database, *, now: datetime) -> int:
    """Give how many reports were wanted, for subscribers whose moment has come and where there is something to tell."""
    with db.read() as session:
        due = [one for one in subscribers(session) if one.next_moment(now) <= now]
    made = 0
    for one in due:
        with db.write() as session:
            made += _come(session, one, now=now)
    return made


def subscribers(session: Session) -> list[Subscriber]:
    """Give everybody who asked for it and is still here."""
    gone = select(Member.id).where(or_(col(Member.is_deleted), col(Member.is_bot)))
    asked = select(Digest).where(col(Digest.weekly_at).is_not(None), col(Digest.place).not_in(gone))
    return [
        Subscriber(row, reader_of(session, row).zone) for row in session.exec(asked.order_by(col(Digest.id)))
    ]


def _come(session: Session, one: Subscriber, *, now: datetime) -> bool:
    """Want this week's report, unless it has come, was called off meanwhile, or there is nothing to tell."""
    today = local(now, one.zone).date()
    week, row = DIGESTS.c.week, one.row
    claim = update(DIGESTS).where(
        DIGESTS.c.id == row.id,
        DIGESTS.c.weekly_at == row.weekly_at,
        or_(week.is_(None), week < name_of(today)),
    )
    if not session.connection().execute(claim.values(week=name_of(today))).rowcount:
        return False
    end = one.day(today)
    if not is_anything(session, Weeks(end, one.zone), at=now):
        return False
    cards.show(session, f"{KIND}:{row.place}:{end.isoformat()}", channel=row.place, about_id=row.id, now=now)
    return True


def show_now(session: Session, row: Digest, *, now: datetime) -> Weeks | None:
    """Want the report of the seven days up to last midnight; None where there is nothing to tell."""
    zone = reader_of(session, row).zone
    today = local(now, zone).date()
    weeks = Weeks(today, zone)
    if not is_anything(session, weeks, at=now):
        return None
    cards.show(session, asked_key(row, today, kind=KIND), channel=row.place, about_id=row.id, now=now)
    return weeks


def last_day(key: str) -> date:
    """Give the day before which the week of a report ends, from its card's key."""
    return date.fromisoformat(key.split(":")[2])


def next_weekly(session: Session, *, now: datetime) -> datetime | None:
    """Give when the next report is due; None: nobody asked for one."""
    return min((one.next_moment(now) for one in subscribers(session)), default=None)
