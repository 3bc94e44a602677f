"""The day inside a WHEN phrase: "June 15", "15.06.", "next Monday", "end of month", "in 3 days".

Pure; part of `core.dates`, which alone is meant to be called from outside. Texts come in lower case, with
single spaces and ASCII digits. `read_days` gives None for what it does not know, and raises Refused for
what it knows to be no day at all. It never guesses: what can be read in two ways gives both.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from core.dates.spans import DAY, WEEK, read_span
from core.errors import Refused

Kind = Literal["until", "for", "on"]

WEEKDAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = (
    {name.lower(): number for number, name in enumerate(WEEKDAY_NAMES)}
    | {name[:3].lower(): number for number, name in enumerate(WEEKDAY_NAMES)}
    | {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
)
MONTHS: Final = (
    {name.lower(): number for number, name in enumerate(MONTH_NAMES, 1)}
    | {name[:3].lower(): number for number, name in enumerate(MONTH_NAMES, 1)}
    | {"sept": 9}
)
PERIOD_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
SHORT_ENDS: Final = {"eod": "day", "eow": "week", "eom": "month", "eoq": "quarter", "eoy": "year"}

_WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:,\s*|\s+)(?P<year>\d{4}))?"
ISO = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})")
DOTTED = re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})(?:\.\s?(?P<year>\d{4}|\d{2})?)?")
SLASHED = re.compile(r"(?P<one>\d{1,2})(?P<mark>[/-])(?P<two>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2}))?")
MONTH_FIRST = re.compile(rf"(?P<month>{_MONTH})\.?\s*-?(?:the )?{_NTH}{_YEAR}")
DAY_FIRST = re.compile(
    rf"(?:the )?{_NTH}(?: of |\s|-|\.\s?)?(?P<month>{_MONTH})\.?(?:(?:,\s*|\s+|-)(?P<year>\d{{4}}))?"
)
MONTH_ONLY = re.compile(rf"(?P<month>{_MONTH})\.?{_YEAR}")
NTH_ONLY = re.compile(r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)")
NAMED_DAY = re.compile(rf"(?P<weekday>{_WEEKDAY})\.?(?:,\s*|\s+)(?:the )?(?P<rest>.*\d.*)")
WEEKDAY = re.compile(
    rf"(?:(?P<which>next|this|this coming|coming|last) )?(?P<weekday>{_WEEKDAY})\.?"
    r"(?P<next_week>(?: of)? next week)?|next week (?:on )?(?P<next_weekday>" + _WEEKDAY + ")"
)
END = re.compile(
    rf"(?:the )?(?:end|rest) of (?:(?P<this>the |this )?|(?P<next>next ))(?P<period>day|week|month|quarter|year)"
    rf"|(?:the )?end of (?P<month>{_MONTH}){_YEAR}"
)
NEXT_PERIOD = re.compile(
    r"(?:(?:the )?(?:start|beginning) of (?:the )?)?next (?P<period>week|month|quarter|year)"
)
SPAN_FROM = re.compile(r"(?P<span>.*\S) (?:from|after) (?P<base>.+)")


@dataclass(frozen=True, slots=True)
class Days:
    """The days a phrase may mean; with more than one a person must choose.

    must_ask: even a single one is a guess, as for a bare month. is_exact: written with its year, digit by digit. begins_period: "next week" stands for its first day,
    and what is held "until next week" is held up to that day, not through it.
    """

    days: tuple[date, ...]
    note: str | None = None
    must_ask: bool = False
    is_exact: bool = False
    begins_period: bool = False


def read_days(text: str, *, today: date, kind: Kind) -> Days | None:
    """Give the days that the words may mean, seen from `today`; None where they are not known here."""
    for reader in _READERS:
        if days := reader(text, today, kind):
            return days
    return None


def _iso(text: str, _today: date, _kind: Kind) -> Days | None:
    found = ISO.fullmatch(text)
    if not found:
        return None
    return Days((_date(found["year"], found["month"], found["day"]),), is_exact=True)


def _dotted(text: str, today: date, _kind: Kind) -> Days | None:
    """Dots are written day first wherever they are written."""
    found = DOTTED.fullmatch(text)
    return Days((_day(found["year"], found["month"], found["day"], today),)) if found else None


def _slashed(text: str, today: date, _kind: Kind) -> Days | None:
    """6/7 is 6 July to most of the world and 7 June to the rest: only a day above 12 tells."""
    found = SLASHED.fullmatch(text)
    if not found:
        return None
    one, two = int(found["one"]), int(found["two"])
    orders = {(two, one), (one, two)}
    possible = [(month, day) for month, day in orders if 1 <= month <= 12]
    if not possible:
        raise Refused(f"There is no day {one}/{two}; write it like 2027-06-15.")
    return Days(tuple(sorted(_day(found["year"], month, day, today) for month, day in possible)))


def _month_and_day(text: str, today: date, _kind: Kind) -> Days | None:
    found = MONTH_FIRST.fullmatch(text) or DAY_FIRST.fullmatch(text)
    return Days((_day(found["year"], MONTHS[found["month"]], found["day"], today),)) if found else None


def _month_only(text: str, today: date, kind: Kind) -> Days | None:
    """A bare month can be its start or its end; "until June" held before it, or through it."""
    found = MONTH_ONLY.fullmatch(text)
    if not found:
        return None
    first = _month_start(found, today)
    last = _last_of_month(first)
    start = first - DAY if kind == "until" else first
    return Days((last,) if start < today else (start, last), must_ask=True)


def _nth_only(text: str, today: date, _kind: Kind) -> Days | None:
    """The 15th is the next one to come."""
    found = NTH_ONLY.fullmatch(text)
    if not found:
        return None
    month = today if int(found["day"]) >= today.day else _last_of_month(today) + DAY
    return Days((_date(month.year, month.month, found["day"]),))


def _named_day(text: str, today: date, kind: Kind) -> Days | None:
    """Read "Tuesday 15 June", and refuse it when that day is no Tuesday."""
    found = NAMED_DAY.fullmatch(text)
    days = found and read_days(found["rest"], today=today, kind=kind)
    if not found or not days:
        return None
    meant = WEEKDAYS[found["weekday"]]
    fitting = tuple(day for day in days.days if day.weekday() == meant)
    if not fitting:
        day = days.days[0]
        raise Refused(
            f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year} is a {WEEKDAY_NAMES[day.weekday()]}, "
            f"not a {WEEKDAY_NAMES[meant]}; leave one of them out."
        )
    return Days(fitting, is_exact=days.is_exact)


def _weekday(text: str, today: date, _kind: Kind) -> Days | None:
    """Monday is the next one to come, and next Monday the one in next week; where they differ, both.

    On a Monday, "Monday" may be today or in a week.
    """
    found = WEEKDAY.fullmatch(text)
    if not found:
        return None
    wanted = WEEKDAYS[found["weekday"] or found["next_weekday"]]
    in_this_week = today + (wanted - today.weekday()) * DAY
    if found["next_week"] or found["next_weekday"]:
        return Days((in_this_week + WEEK,))
    if found["which"] == "last":
        return Days((in_this_week if in_this_week < today else in_this_week - WEEK,))
    if found["which"] == "this":
        return Days((in_this_week,))
    if found["which"] == "next":
        return Days((in_this_week, in_this_week + WEEK) if in_this_week > today else (in_this_week + WEEK,))
    if in_this_week == today:
        return Days((today, today + WEEK))
    return Days((in_this_week if in_this_week > today else in_this_week + WEEK,))


def _relative(text: str, today: date, _kind: Kind) -> Days | None:
    """Read today, tomorrow, the day after it, and the past, which the caller refuses by name."""
    offsets = {
        "today": 0,
        "tomorrow": 1,
        "tmrw": 1,
        "day after tomorrow": 2,
        "the day after tomorrow": 2,
        "yesterday": -1,
    }
    return Days((today + offsets[text] * DAY,)) if text in offsets else None


def _end_of(text: str, today: date, kind: Kind) -> Days | None:
    """The end of a period is its last day; a week's is Sunday when held until then, else asked."""
    found = END.fullmatch(f"end of {SHORT_ENDS[text]}" if text in SHORT_ENDS else text)
    if not found:
        return None
    if found["month"]:
        return Days((_last_of_month(_month_start(found, today)),))
    period = found["period"]
    if period == "day":
        if kind == "on":
            raise Refused("The end of a day has no set hour; give a clock time such as today at 17:00.")
        return Days((today + DAY if found["next"] else today,))
    start = _next_start(period, today) if found["next"] else today
    last = _next_start(period, start) - DAY
    if period != "week":
        return Days((last,))
    if kind == "on":
        return Days(tuple(day for day in (last - 2 * DAY, last) if day >= today))
    return Days((last,), note="The week ends on Sunday.")


def _next_period(text: str, today: date, _kind: Kind) -> Days | None:
    """Next week is its Monday, next month its first day, and so on."""
    found = NEXT_PERIOD.fullmatch(text)
    if not found:
        return None
    start = _next_start(found["period"], today)
    name = f"{WEEKDAY_NAMES[start.weekday()]} {start.day} {MONTH_NAMES[start.month - 1]} {start.year}"
    return Days((start,), note=f"Next {found['period']} begins on {name}.", begins_period=True)


def _span_day(text: str, today: date, kind: Kind) -> Days | None:
    """In 3 days, 2 weeks from Monday."""
    if (span := read_span(text)) and span.is_whole_days:
        return Days((span.days_after(today),), note=span.note)
    found = SPAN_FROM.fullmatch(text)
    span = read_span(found["span"]) if found else None
    base = read_days(found["base"], today=today, kind=kind) if found and span else None
    if not (span and span.is_whole_days and base and len(base.days) == 1):
        return None
    return Days((span.days_after(base.days[0]),), note=span.note)


_READERS = (
    _iso, _dotted, _slashed, _month_and_day, _month_only, _nth_only, _weekday, _named_day, _relative, _end_of,
    _next_period, _span_day,
)  # fmt: skip


def _day(year: str | None, month: int | str, day: int | str, today: date) -> date:
    """Give a day whose year may be left out: then this year's, or next year's once it has passed."""
    if year:
        return _date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    this_year = _date(today.year, month, day)
    return this_year if this_year >= today else _date(today.year + 1, month, day)


def _date(year: int | str, month: int | str, day: int | str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        pass
    if not 1 <= int(month) <= 12:
        raise Refused(f"There is no month {month}; write the day like 2027-06-15.")
    raise Refused(f"There is no {day} {MONTH_NAMES[int(month) - 1]} in {year}; give another day.")


def _month_start(found: re.Match[str], today: date) -> date:
    """Give the first day of the month that was named: the running one, or the next to come."""
    month = MONTHS[found["month"]]
    if found["year"]:
        return _date(found["year"], month, 1)
    return date(today.year + (month < today.month), month, 1)


def _last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _next_start(period: str, day: date) -> date:
    """Give the first day of the week, month, quarter or year after the one that `day` lies in."""
    if period == "week":
        return day + (7 - day.weekday()) * DAY
    length = PERIOD_MONTHS[period]
    months = day.year * 12 + (day.month - 1) // length * length + length
    return date(months // 12, months % 12 + 1, 1)
