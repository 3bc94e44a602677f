"""The picture of one lead's path through a sequence: what comes when, on a calendar, as it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from core import erasing, preview
from core.answers import PathChart, PathDot, StatsCard
from core.errors import Refused
from core.models import Card, Lead, Sequence
from core.schedule import Calendar, at_local, closed_because, local, send_at

KIND = "path"
GONE = "What this was about is no longer here."
DAYS_SHADED = 400
DAY = timedelta(days=1)
NOON = time(12)
NO_END = "Held until somebody resumes it; shown as if that were now"
NOTHING = "Nothing will be sent; shown as if it were"
HELD = "Held until {} {}"


def key_of(sequence_id: int, lead_id: int, person: str, unique: str) -> str:
    """Give the key of a new card: who asked for whose path. It names nobody, since an erased lead must not stay in it."""
    return f"{KIND}:{unique}:{person}:{sequence_id}:{lead_id}"


def card(session: Session, card: Card) -> StatsCard:
    """Give the path as of when it was asked for."""
    sequence_id, lead_id = map(int, card.key.split(":")[-2:])
    row, lead = session.get(Sequence, sequence_id), session.get(Lead, lead_id)
    if row is None or lead is None or erasing.is_erased(lead):
        return StatsCard(GONE)
    try:
        found = preview.path(session, row, lead, now=card.created_at)
    except Refused:
        return StatsCard(GONE)
    begins = f"{found.begins[0].upper()}{found.begins[1:]}; times of {found.zone}."
    lines = (f"Nothing will be sent. {found.nothing}", begins) if found.nothing else (begins,)
    return StatsCard(
        f"{row.name} for {lead.email}", lines, chart=chart(found, now=card.created_at), file_id=card.file_id
    )


def chart(found: preview.Path, *, now: datetime) -> PathChart | None:
    """Give what the picture shows; None where nothing is left to show."""
    dots = (*_dots(found, found.done, was=True), *_dots(found, found.steps))
    if not dots:
        return None
    here = local(now, found.zone)
    until = local(found.held_until, found.zone) if found.held_until else None
    held = HELD.format(f"{until:%a} {until.day}", f"{until:%b}") if until else NO_END
    first = min(dot.at for dot in dots if not dot.was or dot is dots[0])
    ends = [here, *(dot.until or dot.at for dot in dots), *([until] if until else [])]
    days = _closed(min(first, here).date(), max(ends).date(), found.calendar)
    said = NOTHING if found.nothing else held if found.is_held else ""
    return PathChart(here, dots, tuple(days), said, None if found.nothing else until)


def _dots(found: preview.Path, steps: tuple[preview.Shown, ...], *, was: bool = False) -> Iterator[PathDot]:
    for one in steps:
        until = local(one.until, found.zone) if one.until else None
        yield PathDot(
            one.number, one.subject, local(one.at, found.zone), was, until, one.branches, one.only_if
        )


def _closed(first: date, last: date, calendar: Calendar) -> Iterator[tuple[date, str]]:
    """Give the days on which nothing leaves at all, a holiday with its name."""
    for number in range(min((last - first).days + 1, DAYS_SHADED)):
        day = first + number * DAY
        starts, ends = (at_local(one, time.min, calendar.zone) for one in (day, day + DAY))
        if send_at(starts, calendar) >= ends:
            kind, _, what = (closed_because(at_local(day, NOON, calendar.zone), calendar) or "").partition(
                ": "
            )
            yield day, what if kind == "holiday" else ""
