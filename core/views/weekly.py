"""The weekly report: the week's figures beside the week before, who has what, and who has been paused for longest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from sqlmodel import Session

from core import figures, weekly
from core.answers import Chart, Compared, Row, WeeklyCard
from core.dates.words import MONTH_NAMES, WEEKDAY_NAMES
from core.digests import reader_of
from core.figures import AGES, RESUMED, Counts, Figure, OwnersFigures, Weeks
from core.models import Card, Digest
from core.names import names
from core.schedule import DAY
from core.views.digest_rows import rows
from core.words import counted, listed
from core.worklist import Worklist

OLDEST_SHOWN = 5
OWNERS_SHOWN = 10
NOBODY = "Without an owner"
GONE = "This report is no longer here."


def card(session: Session, card: Card, *, now: datetime) -> WeeklyCard:
    """Give the report of a week; only what has become of the oldest leads changes when it is drawn anew."""
    row = session.get(Digest, card.about_id) if card.about_id else None
    if row is None:
        return WeeklyCard(GONE)
    weeks = Weeks(weekly.last_day(card.key), reader_of(session, row).zone)
    shown = report(session, weeks, at=card.created_at, now=now, page=f"{card.id} 0")
    return replace(shown, note=_note(row), file_id=card.file_id)


def report(session: Session, weeks: Weeks, *, at: datetime, now: datetime, page: str = "") -> WeeklyCard:
    """Give the report of the last of these weeks, with who was paused `at` this moment."""
    counts, ages = figures.count(session, weeks), figures.ages(session, at=at)
    first, last = weeks.first_day(weeks.number - 1), weeks.end - DAY
    return WeeklyCard(
        f"The week from {_day(first)} to {_day(last)} {last.year}",
        figures=tuple(_compared(counts)),
        paused=_paused(ages),
        owners=_owners(session, weeks, at=at),
        oldest=_oldest(session, Worklist(at, weeks.zone), page, now=now),
        chart=_chart(counts, ages, weeks),
    )


def _compared(counts: Counts) -> list[Compared]:
    resumed = _resumed(counts)
    people, by_date, by_rule = (counts[figure][-1] for figure in RESUMED)
    ways = [(people, "by people"), (by_date, "by their date"), (by_rule, "by a rule")]
    detail = listed(f"{number:,} {way}" for number, way in ways if number)
    found = [
        Compared(figure.value, counts[figure][-1], counts[figure][-2])
        for figure in Figure
        if figure not in RESUMED
    ]
    return [found[0], Compared("resumed", resumed[-1], resumed[-2], detail), *found[1:]]


def _resumed(counts: Counts) -> list[int]:
    return [sum(week) for week in zip(*(counts[figure] for figure in RESUMED), strict=True)]


def _paused(ages: list[int]) -> str:
    if not sum(ages):
        return "Nobody is paused now."
    each = listed(f"{number:,} for {age}" for age, number in zip(AGES, ages, strict=True) if number)
    return f"{counted(sum(ages), 'lead')} paused now: {each}."


def _owners(session: Session, weeks: Weeks, *, at: datetime) -> tuple[str, ...]:
    """Give who has how many paused leads and what happened with theirs, the most paused first."""
    found = figures.by_owner(session, weeks, at=at)
    called = names(session, found)
    ordered = sorted(found, key=lambda owner: (-found[owner].paused, called.get(owner or "", NOBODY)))
    lines = [
        f"{called.get(owner or '', NOBODY)}: {_of_owner(found[owner])}" for owner in ordered[:OWNERS_SHOWN]
    ]
    unseen = len(ordered) - OWNERS_SHOWN
    return (*lines, *([f"and {unseen:,} more"] if unseen > 0 else []))


def _of_owner(one: OwnersFigures) -> str:
    long = f" ({one.long:,} for more than 14 days)" if one.long else ""
    happened = dict(one.week)
    resumed = sum(happened.get(figure, 0) for figure in RESUMED)
    told = [
        (happened.get(Figure.PAUSED, 0), "paused"),
        (resumed, "resumed"),
        (happened.get(Figure.STOPPED, 0), "stopped"),
        (happened.get(Figure.ANSWERED, 0), "answered"),
    ]
    week = listed(f"{number:,} {what}" for number, what in told if number)
    return f"{one.paused:,} paused now{long}" + (f"; in the week {week}" if week else "")


def _oldest(session: Session, shown: Worklist, page: str, *, now: datetime) -> tuple[Row, ...]:
    """Give their lines; a form leads back to no card, so what asks for a date is left to the daily list."""
    items = figures.oldest(session, at=shown.at, limit=OLDEST_SHOWN)
    lines = rows(session, items, shown, now=now, page=page)
    return tuple(replace(row, choices=tuple(one for one in row.choices if not one.form)) for row in lines)


def _chart(counts: Counts, ages: list[int], weeks: Weeks) -> Chart:
    bars = {
        "Paused": counts[Figure.PAUSED],
        "Resumed": _resumed(counts),
        "Stopped": counts[Figure.STOPPED],
        "Answered": counts[Figure.ANSWERED],
    }
    first_days = (weeks.first_day(week) for week in range(weeks.number))
    return Chart(
        weeks=tuple(f"{day.day} {MONTH_NAMES[day.month - 1][:3]}" for day in first_days),
        bars=tuple((name, tuple(numbers)) for name, numbers in bars.items()),
        ages=tuple(zip(AGES, ages, strict=True)),
    )


def _day(day: date) -> str:
    return f"{WEEKDAY_NAMES[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]}"


def _note(row: Digest) -> str:
    if row.weekly_at is None:
        return "`digest weekly on Monday` brings this report every week."
    day, clock = row.weekly_at.split()
    return f"Comes every {day.capitalize()} at {clock}. `digest weekly off` ends it."
