"""The dates in a sentence, whatever they are for: "Monday, 5 June", "12.-16.10.", "KW 38", "for two weeks".

A spot holds every day it may be. Nothing here decides what a date means; that is `roles`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from core.inbound.returns.table import Table

DAY: Final = timedelta(days=1)
MOST_SPOTS: Final = 24
# A day without a year belongs to the next year when it would otherwise be this long past.
ROLLS_AFTER_DAYS: Final = 165
# A reading of a slash date further from the receipt than this is not what the sender meant, if another is nearer.
PLAUSIBLE_DAYS: Final = 100
LONGEST_COUNT: Final = 365
MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Spot:
    """A date at `start`:`end` of the folded sentence. `kind`: "day", "weekday", "week", "span" or "bare".

    `days` may be empty where the words are a date of no use here, such as 31 June. `count`: a span's days.
    """

    start: int
    end: int
    kind: str
    days: tuple[date, ...]
    count: int = 0
    workdays: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads spots as seen from `today`. `order`: of digits, "dmy", "mdy", "ymd" or "ask"."""

    table: Table
    today: date
    order: str

    def spots(self, text: str) -> list[Spot]:
        """Give the spots of a folded sentence, from left to right, none overlapping another."""
        taken: list[Spot] = []
        for kind, pattern in self.table.spots:
            for found in pattern.finditer(text):
                if any(found.start() < spot.end and spot.start < found.end() for spot in taken):
                    continue
                if spot := self._spot(kind, found):
                    taken.append(spot)
                if len(taken) >= MOST_SPOTS:
                    break
        return sorted(taken, key=lambda spot: spot.start)

    def _spot(self, kind: str, found: re.Match[str]) -> Spot | None:
        start, end = found.span()
        whole = Spot(start, end, "day", ())
        if kind in ("signs", "iso"):
            return replace(whole, days=self._numbers(found["year"], int(found["month"]), int(found["day"])))
        if kind in ("day_first", "month_first", "year_first"):
            return replace(whole, days=self._named(found))
        if kind == "numeric":
            days = self._numeric(found)
            return replace(whole, days=days) if days else None
        if kind == "week":
            return self._weeks(whole, found)
        if kind == "span":
            return self._span(whole, found)
        if kind == "weekday":
            return replace(whole, kind="weekday", days=(self._weekday(found),))
        if kind == "bare":
            days = self.bare(int(found["day"] or found["ordinal"]))
            return replace(whole, kind="bare", days=days) if days else None
        offset = {"today": 0, "tomorrow": 1, "in_two_days": 2}[kind]
        return replace(whole, days=(self.today + offset * DAY,))

    def bare(self, day: int, after: date | None = None) -> tuple[date, ...]:
        """Give the next day with this number; on or after `after` where a range began there."""
        first = after or self.today
        for month in range(3):
            year, index = divmod(first.year * 12 + first.month - 1 + month, 12)
            found = _date(year, index + 1, day)
            if found and found >= first:
                return (found,)
        return ()

    def _named(self, found: re.Match[str]) -> tuple[date, ...]:
        groups = found.groupdict()
        month = _index(self.table.months, found["month"]) + 1
        days = self._numbers(found["year"], month, int(found["day"]))
        return self._fitting(days, groups.get("weekday") or groups.get("weekday_after"), found["year"])

    def _numeric(self, found: re.Match[str]) -> tuple[date, ...]:
        one, two, mark = int(found["one"]), int(found["two"]), found["mark"].strip()
        year = found["year"] or found["year_after"]
        if mark == "-" and not year and self.table.language not in ("nl", "da"):
            return ()
        if (found["one"], mark, found["two"]) == ("24", "/", "7") and not year:
            return ()  # around the clock
        order = self.order if mark != "." or (self.order == "mdy" and one <= 12 < two) else "dmy"
        readings = {"dmy": [(two, one)], "mdy": [(one, two)], "ymd": [(one, two)]}.get(
            order, [(two, one), (one, two)]
        )
        days = tuple(
            sorted({day for month, number in readings for day in self._numbers(year, month, number)})
        )
        if not days and order != "ask":
            days = self._numbers(year, one, two) or self._numbers(year, two, one) if mark == "/" else ()
        return self._plausible(self._fitting(days, found["weekday"], year))

    def _plausible(self, days: tuple[date, ...]) -> tuple[date, ...]:
        near = tuple(day for day in days if abs((day - self.today).days) <= PLAUSIBLE_DAYS)
        return near if len(near) == 1 else days

    def _fitting(self, days: tuple[date, ...], weekday: str | None, year: str | None) -> tuple[date, ...]:
        """Keep the days that fall on the weekday which stands beside them; all of them where none does.

        A day that had this weekday a year ago, but has another now, is of last year's message.
        """
        if not weekday:
            return days
        number = _index(self.table.weekdays, weekday)
        fitting = tuple(day for day in days if day.weekday() == number)
        if not fitting and not year and len(days) == 1:
            last_year = _date(days[0].year - 1, days[0].month, days[0].day)
            fitting = (last_year,) if last_year and last_year.weekday() == number else ()
        return fitting or days

    def _numbers(self, year: str | None, month: int, day: int) -> tuple[date, ...]:
        if year:
            digits = int(year.strip("'"))
            found = _date(digits + 2000 if digits < 100 else digits, month, day)
            return (found,) if found else ()
        this_year = _date(self.today.year, month, day)
        if this_year and (self.today - this_year).days <= ROLLS_AFTER_DAYS:
            last_year = _date(self.today.year - 1, month, day)
            if (
                last_year
                and (this_year - self.today).days > PLAUSIBLE_DAYS * 2
                and (self.today - last_year).days <= 60
            ):
                return (last_year,)
            return (this_year,)
        rolled = _date(self.today.year + 1, month, day)
        return (rolled,) if rolled else ()

    def _weeks(self, whole: Spot, found: re.Match[str]) -> Spot | None:
        """Give the Monday of the week, or the weekday named before it; of "weeks 24-25" the last one's Monday."""
        days = self._week(int(found["last"] or found["week"] or found["week_before"]))
        if not days:
            return None
        if found["weekday"]:
            return replace(whole, days=(days[0] + _index(self.table.weekdays, found["weekday"]) * DAY,))
        return replace(whole, kind="week", days=days, count=2 if found["last"] else 1)

    def _week(self, number: int) -> tuple[date, ...]:
        for year in (self.today.year, self.today.year + 1):
            try:
                monday = date.fromisocalendar(year, number, 1)
            except ValueError:
                continue
            if (self.today - monday).days < ROLLS_AFTER_DAYS:
                return (monday,)
        return ()

    def _weekday(self, found: re.Match[str]) -> date:
        """Give the next such day after the receipt; "Monday 15" where the 15th is one; or next week's."""
        number = _index(self.table.weekdays, found["weekday"])
        if found["next_week"] or found["next_week_after"]:
            return self.today + (7 - self.today.weekday() + number) * DAY
        numbered = self.bare(int(found["day"])) if found["day"] else ()
        if numbered and numbered[0].weekday() == number:
            return numbered[0]
        return self.today + ((number - self.today.weekday() - 1) % 7 + 1) * DAY

    def _span(self, whole: Spot, found: re.Match[str]) -> Spot | None:
        word = " ".join(found["count"].split())
        count = int(word) if word.isdigit() else self.table.numbers.get(word, 0)
        unit = next((unit for unit, names in self.table.units if names.fullmatch(found["unit"])), "days")
        count *= {"days": 1, "weeks": 7, "months_long": MONTH_DAYS}[unit]
        if not 0 < count <= LONGEST_COUNT:
            return None
        return replace(whole, kind="span", count=count, workdays=bool(found["workdays"]))


def days_later(day: date, spot: Spot) -> date:
    """Give the day a span after `day`; working days are Monday to Friday."""
    if not spot.workdays:
        return day + spot.count * DAY
    for _ in range(spot.count):
        day += DAY
        while day.weekday() > 4:
            day += DAY
    return day


def slashed(text: str) -> Iterator[tuple[int, int, int | None]]:
    """Give the two numbers, and the year, of all dates such as 13/06/2026, whose order is open."""
    for found in re.finditer(r"(?<![\d/.-])(\d{1,2})([/-])(\d{1,2})(?:\2(\d{4}|\d{2}))?(?![\d/-])", text):
        if found[2] == "/" or found[4]:
            year = int(found[4]) if found[4] else None
            yield int(found[1]), int(found[3]), year + 2000 if year is not None and year < 100 else year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _index(names: tuple[re.Pattern[str], ...], word: str) -> int:
    return next((index for index, pattern in enumerate(names) if pattern.fullmatch(word)), 0)
