"""Spans of time in words: "3 days", "two weeks", "1 week and 2 days", "3 business days", "90 min".

Pure; part of `core.dates`, which alone is meant to be called from outside. Texts come in lower case, with
single spaces and ASCII digits.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from core.errors import Refused

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
LONGEST_DAYS = 731
MINUTES_A_DAY = 1440
DAYS_A_MONTH = 31
NUMBERS: Final = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
} | {"a": 1, "an": 1, "a couple of": 2, "a couple": 2}
_NUMBER = r"\d{1,4}(?:\.\d{1,2})?|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_UNIT = (
    r"(?P<business>(?:business|working|work)[ -]?days?|weekdays?)|(?P<minutes>minutes?|mins?)"
    r"|(?P<hours>hours?|hrs?|h)|(?P<days>days?|d)|(?P<weeks>weeks?|wks?|w)|(?P<fortnights>fortnights?)"
    r"|(?P<months>months?)|(?P<quarters>quarters?)|(?P<years>years?|yrs?)"
)
SPAN_PART = re.compile(rf"(?P<number>{_NUMBER})\s*(?:{_UNIT})(?![a-z])(?:,? and |,\s*|\s+)?")
SPAN_FRAME = re.compile(
    r"(?:(?:in|for|the next|next|another)\s)*(?P<span>.*?)(?:\s(?:time|from now|from today))?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time. Months and days keep the local clock time, minutes are absolute."""

    months: int = 0
    days: int = 0
    business_days: int = 0
    minutes: int = 0

    @property
    def is_whole_days(self) -> bool:
        return self.minutes == 0

    @property
    def note(self) -> str | None:
        """Give what an answer has to add: the calendar of public holidays is not known here."""
        return "Business days are counted from Monday to Friday." if self.business_days else None

    @property
    def rough_days(self) -> int:
        """Give about how many days this is, never fewer than it is."""
        months_and_days = self.months * DAYS_A_MONTH + self.days + self.business_days
        return months_and_days + self.minutes // MINUTES_A_DAY

    def days_after(self, day: date) -> date:
        """Give the day this span later; a month keeps the day of the month where it exists, else the last."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        day = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
        day += self.days * DAY
        for _ in range(self.business_days):
            day += DAY
            while day.weekday() > 4:
                day += DAY
        return day


def read_span(text: str) -> Span | None:
    """Give the span of "3 days", "in two weeks", "1 week and 2 days", "1.5 hours"; None for other words.

    Raises Refused for a length of nothing or beyond counting.
    """
    framed = SPAN_FRAME.fullmatch(text)
    words = framed["span"].replace("half an hour", "30 minutes") if framed else text
    months = days = business_days = minutes = position = 0
    while position < len(words):
        part = SPAN_PART.match(words, position)
        if not part:
            return None
        number = float(NUMBERS.get(part["number"], 0) or part["number"])
        if part["hours"] or part["minutes"]:
            minutes += round(number * (60 if part["hours"] else 1))
        elif number != int(number):
            raise Refused("Count days, weeks and months in whole numbers, such as 3 days.")
        elif part["business"]:
            business_days += int(number)
        elif part["months"] or part["quarters"] or part["years"]:
            months += int(number) * (1 if part["months"] else 3 if part["quarters"] else 12)
        else:
            days += int(number) * (7 if part["weeks"] else 14 if part["fortnights"] else 1)
        position = part.end()
    span = Span(months, days, business_days, minutes)
    if not words:
        return None
    if span == Span():
        raise Refused("That is no time at all; give a length such as 3 days.")
    if span.rough_days > LONGEST_DAYS + DAYS_A_MONTH:
        raise Refused("That is more than two years; give a shorter length.")
    return span
