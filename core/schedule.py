"""When a countdown ends, and when mail may leave: delays, windows, weekdays, public holidays, zones.

Pure. Every instant that comes in is aware, every instant that goes out is in UTC; only this module and
`core.dates` know local time. One rule stands behind all of it: the local clock decides. A moment is open
when the clock on the wall in `calendar.zone` shows a time inside the window on a working day; in the hour
that comes twice in autumn it is therefore open twice, in the hour that spring leaves out, never.

`_open_spans` is that rule, worked out once per (UTC day, calendar) and cached; `send_at` and `is_open`
only read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import holidays

from core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
MONDAY_TO_FRIDAY = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
MORNING = time(9)
LONGEST_DELAY = timedelta(days=3660)
# A window that stays shut for so long has no open moment at all, such as one without weekdays.
LONGEST_WAIT_DAYS = 400


class Unit(StrEnum):
    """What a delay counts. Minutes and hours are absolute; days keep the local clock time."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    BUSINESS_DAYS = "business_days"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a step waits; never negative, at most `LONGEST_DELAY` (a business day counts as a day)."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        """Raise Refused for a delay that cannot be meant."""
        if not 0 <= self.amount <= LONGEST_DELAY // _NOMINAL[self.unit]:
            raise Refused(f"A delay must be between 0 and {LONGEST_DELAY.days} days.")


_NOMINAL = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: HOUR,
    Unit.DAYS: DAY,
    Unit.BUSINESS_DAYS: DAY,
}


@dataclass(frozen=True, slots=True)
class Window:
    """The local hours in which mail may leave: from `opens` until just before `closes`. Monday is 0."""

    opens: time
    closes: time
    weekdays: frozenset[int]


@dataclass(frozen=True, slots=True)
class Calendar:
    """A window read in one zone, with the public holidays of one country.

    window: None is open at every hour of every day. country: two-letter ISO code, None has no holidays.
    """

    window: Window | None
    zone: str
    country: str | None


def valid_window(opens: time, closes: time, weekdays: Iterable[int]) -> Window:
    """Give the window, or raise Refused for one that could never open."""
    days = frozenset(weekdays)
    if closes <= opens:
        raise Refused(
            f"The window closes at {closes:%H:%M}, which is not after it opens at {opens:%H:%M}; "
            "give a later closing time on the same day."
        )
    if not days:
        raise Refused("The window has no weekdays; name at least one.")
    if not days <= EVERY_DAY:
        raise Refused("A weekday is a number from 0 (Monday) to 6 (Sunday).")
    return Window(opens, closes, days)


def lead_calendar(calendar: Calendar, zone: str | None) -> Calendar:
    """Give the same calendar read in a lead's zone; None keeps the calendar's own."""
    if zone is None or zone == calendar.zone:
        return calendar
    _zone(zone)
    return replace(calendar, zone=zone)


def local(moment: datetime, zone: str) -> datetime:
    """Give the moment as the clock on the wall shows it; raises ValueError for a naive one."""
    return _instant(moment).astimezone(_zone(zone))


def at_local(day: date, clock: time, zone: str) -> datetime:
    """Give the instant at which the wall shows `clock` on `day`.

    A time left out in spring moves forward by the gap (02:30 → 03:30); of a time that comes twice in
    autumn it is the first.
    """
    # PEP 495: fold=0 reads a missing time with the offset before the gap, which moves it forward.
    return datetime.combine(day, clock.replace(fold=0), tzinfo=_zone(zone)).astimezone(UTC)


def due_after(start: datetime, delay: Delay, calendar: Calendar) -> datetime:
    """Give the end of a countdown that begins at `start`.

    A day later is the same time on the wall; a business day later, the same on the next working day, so
    that one business day after a Saturday is Monday. A delay of 0 ends at once. The window plays no part
    but for its weekdays: that is `send_at`.
    """
    if delay.amount == 0 or delay.unit in {Unit.MINUTES, Unit.HOURS}:
        return _instant(start) + delay.amount * _NOMINAL[delay.unit]
    here = local(start, calendar.zone)
    day = here.date()
    if delay.unit is Unit.DAYS:
        day += delay.amount * DAY
    else:
        for _ in range(delay.amount):
            day = _working_day(day + DAY, calendar)
    return at_local(day, here.time(), calendar.zone)


def send_at(due: datetime, calendar: Calendar) -> datetime:
    """Give the first open moment at or after `due`; raises Refused where none comes within a year."""
    due = _instant(due)
    if calendar.window is None and calendar.country is None:
        return due
    day = due.date()
    for _ in range(LONGEST_WAIT_DAYS):
        for opens, closes in _open_spans(day, calendar):
            if due < closes:
                return max(due, opens)
        day += DAY
    raise Refused("This window never opens; give it other weekdays or hours.")


def is_open(moment: datetime, calendar: Calendar) -> bool:
    """Say whether mail may leave at this moment."""
    moment = _instant(moment)
    if calendar.window is None and calendar.country is None:
        return True
    return any(opens <= moment < closes for opens, closes in _open_spans(moment.date(), calendar))


def open_until(moment: datetime, calendar: Calendar) -> datetime | None:
    """Give an instant up to which it stays open from this open moment on; None: for good."""
    moment = _instant(moment)
    if calendar.window is None and calendar.country is None:
        return None
    spans = _open_spans(moment.date(), calendar)
    return next((closes for opens, closes in spans if opens <= moment < closes), moment)


def closed_because(moment: datetime, calendar: Calendar) -> str | None:
    """Say why nothing may leave: "holiday: Christmas Day", "window: Sunday", "window"; None when open.

    The word before the colon is the kind.
    """
    if is_open(moment, calendar):
        return None
    return _rest(local(moment, calendar.zone).date(), _sending_weekdays(calendar), calendar) or "window"


def first_working_moment(day: date, calendar: Calendar) -> datetime:
    """Give the opening of the first working day at or after `day`; midnight where there is no window."""
    return send_at(at_local(_working_day(day, calendar), time.min, calendar.zone), calendar)


def after_open_time(start: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """Give the instant at which it has been open for `length` since `start`; raises Refused where it never opens.

    With a window from 9 to 17, 10 hours after Tuesday 16:00 are Thursday 10:00.
    """
    moment = send_at(start, calendar)
    while (closes := open_until(moment, calendar)) is not None and closes - moment <= length:
        length -= closes - moment
        moment = send_at(closes, calendar)
    return moment + length


def open_time_a_day(calendar: Calendar) -> timedelta:
    """Give how long it is open on a working day, clock changes left aside."""
    if calendar.window is None:
        return DAY
    opens, closes = (
        timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
        for at in (calendar.window.opens, calendar.window.closes)
    )
    return closes - opens


def working_day_before(day: date, calendar: Calendar) -> date:
    """Give the last business day before `day`."""
    weekdays = calendar.window.weekdays if calendar.window else MONDAY_TO_FRIDAY
    for days in range(1, LONGEST_WAIT_DAYS):
        if _rest(day - days * DAY, weekdays, calendar) is None:
            return day - days * DAY
    raise Refused(_NO_WORKING_DAYS)


def morning_before(moment: datetime, calendar: Calendar) -> datetime:
    """Give nine o'clock of the last business day before the day of `moment`, when people look at what is coming."""
    day = local(moment, calendar.zone).date()
    return at_local(working_day_before(day, calendar), MORNING, calendar.zone)


def backlog(due: datetime, now: datetime, after: timedelta) -> bool:
    """Say whether a step is overdue by more than `after`, so that it must not simply be fired."""
    return now - due > after


def _instant(moment: datetime) -> datetime:
    """Give the moment in UTC; a naive one would be read in the machine's own zone, so it is a ValueError."""
    if moment.tzinfo is None:
        raise ValueError("an instant must carry its zone")
    return moment.astimezone(UTC)


def _sending_weekdays(calendar: Calendar) -> frozenset[int]:
    """Give the weekdays on which mail may leave."""
    return calendar.window.weekdays if calendar.window else EVERY_DAY


def _working_day(day: date, calendar: Calendar) -> date:
    """Give the first business day at or after `day`."""
    weekdays = calendar.window.weekdays if calendar.window else MONDAY_TO_FRIDAY
    for _ in range(LONGEST_WAIT_DAYS):
        if _rest(day, weekdays, calendar) is None:
            return day
        day += DAY
    raise Refused(_NO_WORKING_DAYS)


_NO_WORKING_DAYS = "This calendar has no working days; give its window other weekdays."


def _rest(day: date, weekdays: frozenset[int], calendar: Calendar) -> str | None:
    """Say why nobody works on a day: "holiday: …" or "window: Sunday"; None for a working day."""
    holiday = _holidays(calendar.country, day.year).get(day) if calendar.country else None
    if holiday:
        return f"holiday: {holiday}"
    return None if day.weekday() in weekdays else f"window: {day:%A}"


@lru_cache(maxsize=8192)
def _open_spans(day: date, calendar: Calendar) -> tuple[tuple[datetime, datetime], ...]:
    """Give all open stretches of one UTC day, in order, each up to but not including its second moment.

    Between two changes of offset local time is UTC plus a constant, so each such segment is cut with the
    local window exactly; gaps and folds need no rule of their own.
    """
    spans: list[tuple[datetime, datetime]] = []
    for start, end, offset in _segments(day, _zone(calendar.zone)):
        here = (start + offset).date()
        while _utc(here, time.min, offset) < end:
            if _rest(here, _sending_weekdays(calendar), calendar) is None:
                opens, closes = _opening(here, calendar.window, offset)
                if (begin := max(opens, start)) < (finish := min(closes, end)):
                    spans.append((begin, finish))
            here += DAY
    return tuple(spans)


def _opening(day: date, window: Window | None, offset: timedelta) -> tuple[datetime, datetime]:
    """Give the opening and closing of one local day, as if `offset` held all through it."""
    if window is None:
        return _utc(day, time.min, offset), _utc(day + DAY, time.min, offset)
    return _utc(day, window.opens, offset), _utc(day, window.closes, offset)


def _utc(day: date, clock: time, offset: timedelta) -> datetime:
    """Give the instant of a local time at a known offset."""
    return datetime.combine(day, clock, tzinfo=UTC) - offset


def _segments(day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut one UTC day where the zone's offset changes: (start, end, offset) in order."""
    midnight = datetime.combine(day, time.min, tzinfo=UTC)
    start, offset = midnight, _offset(midnight, zone)
    for before, after in pairwise(midnight + n * HOUR for n in range(25)):
        if _offset(after, zone) != offset and (change := _change(before, after, zone)) < midnight + DAY:
            yield start, change, offset
            start, offset = change, _offset(change, zone)
    yield start, midnight + DAY, offset


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Give the first second of the new offset, by halving; tzdata changes on whole seconds."""
    old = _offset(before, zone)
    while after - before > SECOND:
        middle = before + (after - before) // (2 * SECOND) * SECOND
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    """Give local time minus UTC at a moment."""
    return moment.astimezone(zone).utcoffset() or timedelta(0)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    """Give a zone of the tz database, or raise Refused."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, or a name too long for a file
        shown = name[:40]
        raise Refused(
            f'There is no time zone "{shown}"; use a name such as {_nearest_zone(shown)}.'
        ) from None


@lru_cache(maxsize=1024)
def _nearest_zone(name: str) -> str:
    """Give the zone spelled most like `name`; cached, since a file of leads repeats its mistakes."""
    return next(iter(get_close_matches(name, sorted(available_timezones()), n=1)), "Europe/Berlin")


@lru_cache(maxsize=512)
def _holidays(country: str, year: int) -> Mapping[date, str]:
    """Give the nation-wide public holidays of one year, in English where the library has it."""
    try:
        # Longer names reach other attributes of the library, so only codes are looked up.
        if len(country) != 2:
            raise NotImplementedError
        return MappingProxyType(dict(holidays.country_holidays(country, years=year, language="en_US")))
    except NotImplementedError:
        raise Refused(
            f'There are no public holidays for the country "{country[:40]}"; use a two-letter code such as DE.'
        ) from None
