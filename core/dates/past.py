"""The past: "since June 1", "until last month", "2 weeks ago". Seen from today, a day is the latest one of that name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from core.dates.spans import DAY, WEEK, Span, read_span
from core.dates.words import MONTH_ONLY, MONTHS, WEEKDAYS, read_days
from core.errors import Refused
from core.plain import plain, shown
from core.schedule import at_local, local

LONGEST_PHRASE_CHARS: Final = 64
EXAMPLES: Final = "June 1, Monday, last month, 4 weeks ago or 2027-06-01"
_PERIOD = re.compile(r"(?P<which>this|last|the last|the past|past) (?P<period>week|month|quarter|year)")
_MONTHS_OF: Final = {"month": 1, "quarter": 3, "year": 12}
_LEAD_WORDS = re.compile(
    r"^(?:(?:since|until|till|from|up to|on|the (?=last|past)|last (?=\d|an? |couple|few|two|three|four|five|six)|past)\s*)+"
)


def read_past(phrase: str, *, now: datetime, zone: str, is_end: bool = False) -> datetime:
    """Give the moment at which a range begins, or, with `is_end`, ends: whole days on the clock of `zone`.

    A length of hours is exact. Raises Refused for what is no date, is ambiguous, or is still to come.
    """
    if len(phrase) > LONGEST_PHRASE_CHARS:
        raise Refused(f"That is too long for a date; write one such as {EXAMPLES}.")
    text = _LEAD_WORDS.sub("", plain(phrase).lower().rstrip(".,")).strip()
    today = local(now, zone).date()
    span = read_span(text.removesuffix(" ago"))
    if span and not span.is_whole_days:
        return now - timedelta(minutes=span.minutes)
    days = _back(span, today) if span else _days(text, phrase, today)
    if days[0] > today:
        raise Refused(
            f"“{shown(phrase)}” is still to come; figures are of the past, such as since {EXAMPLES}."
        )
    return at_local(days[1] + DAY if is_end else days[0], time.min, zone)


def ago(phrase: str, *, now: datetime, zone: str) -> datetime:
    """Give the moment a length of time before now: days keep the local clock time, hours are exact.

    Raises Refused for what is no length of time.
    """
    text = plain(phrase).lower().strip()
    span = read_span(text) if len(phrase) <= LONGEST_PHRASE_CHARS else None
    if span is None:
        raise Refused(f"“{shown(phrase)}” is no length of time; give one such as 3 days or 2 weeks.")
    here = local(now, zone)
    day, _ = _back(span, here.date())
    return at_local(day, here.time(), zone) - timedelta(minutes=span.minutes)


def _back(span: Span, today: date) -> tuple[date, date]:
    day = replace(
        span, months=-span.months, days=-span.days - span.business_days, business_days=0
    ).days_after(today)
    return day, day


def _days(text: str, phrase: str, today: date) -> tuple[date, date]:
    """Give the first and the last day that is meant."""
    if found := _PERIOD.fullmatch(text):
        return _period(found["period"], today, is_last=found["which"] != "this")
    if found := MONTH_ONLY.fullmatch(text):
        month = MONTHS[found["month"]]
        first = date(int(found["year"] or today.year - (month > today.month)), month, 1)
        return first, _months_later(first, 1) - DAY
    if text.removeprefix("last ") in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS[text.removeprefix("last ")]) % 7
        day = today - back * DAY
        return (day - WEEK,) * 2 if text.startswith("last ") and not back else (day, day)
    read = read_days(text, today=today, kind="on")
    if read is None:
        raise Refused(f"“{shown(phrase)}” cannot be read as a date; write one such as {EXAMPLES}.")
    if len(read.days) > 1:
        raise Refused(f"“{shown(phrase)}” may be one of several days; write it like 2027-06-15.")
    day = read.days[0]
    if day > today and re.search(r"\d", text) and not re.search(r"\d{4}", text):
        day = _year_before(day)
    return day, day


def _period(period: str, today: date, *, is_last: bool) -> tuple[date, date]:
    if period == "week":
        first = today - today.weekday() * DAY - (WEEK if is_last else timedelta())
        return first, first + 6 * DAY
    months = _MONTHS_OF[period]
    first = date(today.year, (today.month - 1) // months * months + 1, 1)
    first = _months_later(first, -months) if is_last else first
    return first, _months_later(first, months) - DAY


def _months_later(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)
