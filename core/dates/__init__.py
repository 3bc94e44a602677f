"""Read when a person means: "until June 15", "for 3 business days", "next Monday at 9am", "10:00 CET".

`read` is the one place where words become an instant, and the one place that knows dateparser. The forms
people use in English are our own patterns (`core.dates.words`, `date_spans`, `date_clock`), because dateparser
1.5 reads `9am` as a time already past, `15.06.` as a time of day, `9/8` the American way and `2026` as today.
What is left, mostly other languages, goes to dateparser with every setting fixed, and is believed only where
it is sure of a day and a month.

Nothing is ever guessed: a phrase is read, refused, or asked about (`Ambiguous`).

    Refused
    └── Ambiguous    a person must choose one of its options
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import product
from typing import Any, Final

from dateparser.date import DateDataParser

from core.dates.clock import Clock, Place, instant, split_clock, wall, winter_note
from core.dates.spans import DAY, LONGEST_DAYS, Span, read_span
from core.dates.words import MONTH_NAMES, WEEKDAY_NAMES, Days, Kind, read_days
from core.errors import Refused
from core.plain import ascii_digits, is_forbidden, plain, shown
from core.schedule import at_local, local

LONGEST_PHRASE_CHARS = 64
ASK_BEYOND_DAYS = 90
EXAMPLES: Final = "June 15, next Monday, in 3 days or 2027-06-15 14:30"
LEAD_WORDS: Final = re.compile(r"^(?:(?:until|till|'?til|through|up to|on|for)\s+)+")
# Words that dateparser reads past, although they change what is meant.
CHANGES_MEANING: Final = re.compile(r"\b(?:after|before|since|ago|about|around|or|and|to|in .* in|not)\b|-")
FIXED_SETTINGS: Final[dict[str, Any]] = {
    "PARSERS": ["relative-time", "absolute-time"],
    "PREFER_DATES_FROM": "future",
    "REQUIRE_PARTS": ["day", "month"],
    "PREFER_LOCALE_DATE_ORDER": False,
    "RETURN_TIME_AS_PERIOD": True,
    "TIMEZONE": "UTC",
}


@dataclass(frozen=True, slots=True)
class When:
    """The moment a phrase means, for a person in `zone`.

    at: UTC. Without a clock time (has_time False) it is a local midnight: for "on" the one that begins `day`
    (or now, when that is today), for "until" the one that ends it, since a hold covers the named day whole.
    day: the named day; for "until next week" the last day before it. note: what the answer has to add.
    """

    at: datetime
    day: date
    zone: str
    has_time: bool
    note: str | None = None


class NoDate(Refused):
    """A phrase that cannot be read; what is a date but past, or otherwise unfit, is only Refused."""


class Ambiguous(Refused):
    """A phrase that a person must settle: the message is the question, `options` what it may mean."""

    def __init__(self, question: str, options: tuple[When, ...]) -> None:
        super().__init__(question)
        self.question = question
        self.options = options


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asked what, and when: all that the reading of one phrase needs."""

    phrase: str
    now: datetime
    zone: str
    kind: Kind
    confirmed: bool

    @property
    def today(self) -> date:
        return local(self.now, self.zone).date()


def read(
    phrase: str,
    *,
    now: datetime,
    zone: str,
    kind: Kind,
    languages: tuple[str, ...] = ("en",),
    confirmed: bool = False,
) -> When:
    """Give the moment that a phrase means, seen from `now` by a person in `zone`.

    kind: "until" ends a hold, "for" is its length, "on" names the moment itself. confirmed: a day more than 90
    days off has been agreed to. Raises NoDate for what is none, Refused for what is past, Ambiguous where a person must
    choose.
    """
    text = _prepared(phrase)
    asked = _Asked(shown(text), now.astimezone(UTC), zone, kind, confirmed)
    if text == "now" and kind == "on":
        return When(asked.now, asked.today, zone, has_time=True)
    span = read_span(text)
    if span and (kind != "on" or not span.is_whole_days):
        return _settled(asked, [partial(_after, asked, span)], Days((asked.today,)))
    if kind == "for" and not re.match(r"(?:the )?rest of ", text):
        raise NoDate(
            f"“{asked.phrase}” is no length of time; give one such as 3 days, or a day with “until”."
        )
    return _on_a_day(asked, text, languages)


def read_clock(phrase: str) -> tuple[time, ...]:
    """Give the times of day that a phrase such as "at 8:30" may mean, each on the clock of whoever says it.

    Raises Refused for what is no time of day, or names a zone.
    """
    text = _prepared(phrase)
    clock, words = split_clock(text)
    if clock is None or words or clock.places:
        raise Refused(f"“{shown(text)}” is no time of day; write one such as 8:30.")
    return clock.times


def say(moment: datetime, zone: str) -> str:
    """Give the moment as people read it: "Tuesday 15 June 2027, 09:00 (Europe/Berlin)"."""
    here = local(moment, zone)
    return f"{say_day(here.date())}, {here:%H:%M} ({zone})"


def say_day(day: date) -> str:
    """Give the day as people read it: "Tuesday 15 June 2027"."""
    return f"{WEEKDAY_NAMES[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]} {day.year}"


def _prepared(phrase: str) -> str:
    """Give the words of a phrase without its leading "until"; raises Refused for what nobody types."""
    if len(phrase) > LONGEST_PHRASE_CHARS:
        raise NoDate(f"That is too long for a date; write one such as {EXAMPLES}.")
    if is_forbidden(phrase):
        raise Refused(f"There are control characters in that date; type it anew, such as {EXAMPLES}.")
    text = plain(ascii_digits(unicodedata.normalize("NFKC", phrase))).lower().replace("’", "'")
    text = re.sub(r"(?<=[a-z])\.$|[,;!]+$", "", text)
    text = re.sub(r"^(\d{4}-\d{1,2}-\d{1,2})t(?=\d)", r"\1 ", text)
    text = LEAD_WORDS.sub("", text)
    if not text:
        raise Refused(f"Say when, such as {EXAMPLES}.")
    return text


def _on_a_day(asked: _Asked, text: str, languages: tuple[str, ...]) -> When:
    """Read a day, a clock time, or both."""
    clock, words = split_clock(text)
    if clock and words and "midnight" in text:
        raise Refused("Midnight may begin or end that day; write 00:00 or 23:59 instead.")
    if clock and not words:
        days = Days((asked.today,))
        times = _times_and_places(clock, asked.zone)
        choices = [partial(_next_time, asked, *which, alone=len(times) == 1) for which in times]
        return _settled(asked, choices, days)
    days, found_time = _days(asked, words, languages)
    clock = clock or (Clock((found_time,)) if found_time else None)
    if clock is None:
        return _settled(asked, [partial(_whole_day, asked, day, days) for day in days.days], days)
    times = _times_and_places(clock, asked.zone)
    choices = [partial(_at_time, asked, day, days.note, *which) for day in days.days for which in times]
    return _settled(asked, choices, days)


def _days(asked: _Asked, words: str, languages: tuple[str, ...]) -> tuple[Days, time | None]:
    """Give the days the words mean, by our own patterns or else by dateparser; raises Refused for neither."""
    words = words.removeprefix("on ")
    if days := read_days(words, today=asked.today, kind=asked.kind):
        return days, None
    if found := _by_dateparser(words, local(asked.now, asked.zone), languages):
        day, clock = found
        return Days((day,)), clock
    raise NoDate(f"“{asked.phrase}” cannot be read as a date; write one such as {EXAMPLES}.")


def _by_dateparser(words: str, here: datetime, languages: tuple[str, ...]) -> tuple[date, time | None] | None:
    """Give the day, and the time if one was named, of words in other languages; None unless it is sure.

    dateparser must find a day and a month, the same ones in both orders, with no number left to be read as a
    two-digit year.
    """
    numbers = re.findall(r"\d+", words)
    short = [number for number in numbers if len(number) < 4]
    if not re.search(r"[^\W\d_]{3}", words) or CHANGES_MEANING.search(words):
        return None
    if (":" not in words and len(short) > 1) or any(len(number) > 4 for number in numbers):
        return None
    base = here.replace(tzinfo=None)
    found = [
        DateDataParser(
            languages=list(languages),
            settings=FIXED_SETTINGS | {"RELATIVE_BASE": base, "DATE_ORDER": order},
        ).get_date_data(words)
        for order in ("DMY", "MDY")
    ]
    first, second = (data.date_obj for data in found)
    if first is None or first != second or first.tzinfo is not None:  # it would drop a zone without a word
        return None
    return first.date(), first.time() if found[0].period == "time" else None


def _settled(asked: _Asked, choices: Sequence[Callable[[], When]], days: Days) -> When:
    """Give the one moment that is meant; raises Ambiguous for several, or for one that is far off."""
    options: list[When] = []
    refusal = Refused(f"“{asked.phrase}” names no day to come.")
    for choice in choices:
        try:
            options.append(_checked(asked, choice()))
        except Refused as refused:
            refusal = refused
    if not options:
        raise refusal
    options = list(dict.fromkeys(options))
    when = options[0]
    if len(choices) > 1 or days.must_ask:
        labels = " or ".join(_label(option) for option in options)
        start = "Do you mean" if len(options) == 1 else f"What does “{asked.phrase}” mean:"
        raise Ambiguous(f"{start} {labels}?", tuple(options))
    far = (when.day - asked.today).days
    if far > ASK_BEYOND_DAYS and not (asked.confirmed or days.is_exact):
        raise Ambiguous(f"Do you mean {_label(when)}? That is {far} days from today.", (when,))
    return when


def _checked(asked: _Asked, when: When) -> When:
    """Give the moment back; raises Refused when it has passed or is more than two years off."""
    past = when.at < asked.now or (when.at == asked.now and asked.kind != "on")
    if past or when.day < asked.today:
        raise Refused(f"{_label(when)} has passed; today is {say_day(asked.today)}.")
    return when


def _label(when: When) -> str:
    """Give the moment for a question."""
    if not when.has_time:
        return say_day(when.day)
    return say(when.at, when.zone) + (f" [{when.note}]" if when.note else "")


def _after(asked: _Asked, span: Span) -> When:
    """Give the moment one span from now: days keep the local clock time, minutes are absolute."""
    here = local(asked.now, asked.zone)
    note = span.note
    moment = asked.now
    if (day := span.days_after(here.date())) != here.date():
        moment, gap = instant(day, here.time(), asked.zone)
        note = _notes(note, gap)
    moment += timedelta(minutes=span.minutes)
    return When(moment, local(moment, asked.zone).date(), asked.zone, has_time=True, note=note)


def _whole_day(asked: _Asked, day: date, days: Days) -> When:
    """Give a day without a clock time."""
    _near_enough(asked, day)
    if asked.kind == "on":
        begins = at_local(day, time.min, asked.zone)
        moment = asked.now if day == asked.today else begins
        return When(moment, day, asked.zone, has_time=False, note=days.note)
    last = day - DAY if days.begins_period else day
    return When(at_local(last + DAY, time.min, asked.zone), last, asked.zone, has_time=False, note=days.note)


def _at_time(
    asked: _Asked, day: date, note: str | None, clock: time, label: str, place: Place, name: str
) -> When:
    """Give a clock time on a day."""
    _near_enough(asked, day)
    moment, gap = instant(day, clock, place)
    notes = _notes(_in_place(label, clock), note, gap, winter_note(moment, name))
    return When(moment, local(moment, asked.zone).date(), asked.zone, has_time=True, note=notes)


def _next_time(asked: _Asked, clock: time, label: str, place: Place, name: str, *, alone: bool) -> When:
    """Give the next time that the clock shows: today, or tomorrow when that has passed.

    alone: the only reading, so that the answer says why it is tomorrow; a question shows the days anyway.
    """
    today = wall(asked.now, place).date()
    when = _at_time(asked, today, None, clock, label, place, name)
    if when.at > asked.now or (when.at == asked.now and asked.kind == "on"):
        return when
    passed = f"{clock:%H:%M} has passed today, so it is tomorrow." if alone else None
    return _at_time(asked, today + DAY, passed, clock, label, place, name)


def _times_and_places(clock: Clock, zone: str) -> list[tuple[time, str, Place, str]]:
    """Give every reading of a clock time, as the last arguments of `_at_time`."""
    places = clock.places or (("", zone),)
    return [(each, label, place, clock.zone_name) for each, (label, place) in product(clock.times, places)]


def _near_enough(asked: _Asked, day: date) -> None:
    """Raise Refused for a day gone by, or more than two years off: a slip more often than a plan."""
    if day < asked.today - DAY:  # yesterday here may be today where the named zone is
        raise Refused(f"{say_day(day)} has passed; today is {say_day(asked.today)}.")
    if (day - asked.today).days > LONGEST_DAYS:
        raise Refused(f"{say_day(day)} is more than two years away; name a day before that.")


def _in_place(label: str, clock: time) -> str | None:
    return f"{clock:%H:%M} in {label}" if label else None


def _notes(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None
