"""The words of a sequence file, each with the typed value it means: delays, weekdays, clocks, addresses.

The functions raise ValueError with a whole sentence, which pydantic collects and the writer of the file reads.
The annotated types at the end are the fields of core/sequence_file/spec.py; each also knows how to say itself again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Annotated, Any, ParamSpec, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, PlainValidator

from core.address import spelled
from core.errors import Refused
from core.plain import is_forbidden, shown
from core.schedule import Calendar, Delay, Unit, is_open, lead_calendar

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_NAME_CHARS = 120
MOST_IN_A_LIST = 100
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_SOME_DAY = datetime(2027, 1, 1, tzinfo=UTC)
_DELAY = re.compile(r"(\d{1,6}) *(minute|min|hour|day|week|business +day)s?", re.IGNORECASE | re.ASCII)
_UNITS = {
    "minute": (Unit.MINUTES, 1),
    "min": (Unit.MINUTES, 1),
    "hour": (Unit.HOURS, 1),
    "day": (Unit.DAYS, 1),
    "week": (Unit.DAYS, 7),
    "business day": (Unit.BUSINESS_DAYS, 1),
}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CHANNEL = re.compile(r"#[^\s#@,<>]{1,80}|[CG][A-Z0-9]{2,20}")


def read_delay(value: object) -> Delay:
    """Give the delay that a phrase such as "2 business days" names; raises ValueError."""
    if isinstance(value, Delay):
        return value
    found = _DELAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"{_shown(value)} is no delay; write a number and a unit, "
            "such as 3 days, 2 business days, 4 hours or 30 minutes."
        )
    unit, times = _UNITS[" ".join(found[2].lower().split())]
    return or_value_error(Delay, int(found[1]) * times, unit)


def say_delay(delay: Delay) -> str:
    """Give the phrase that `read_delay` reads: "1 day", "2 business days"."""
    words = delay.unit.value.replace("_", " ")
    return f"{delay.amount} {words.removesuffix('s') if delay.amount == 1 else words}"


def read_days(value: object) -> frozenset[int]:
    """Give the weekdays that "Mon-Fri" or "Mon,Wed,Fri" names (Monday = 0); raises ValueError."""
    if isinstance(value, frozenset):
        return value
    parts = value if isinstance(value, list) else str(value or "").split(",")
    days: set[int] = set()
    for part in parts:
        ends = [_weekday(end) for end in str(part).replace("–", "-").split("-")]
        if len(ends) > 2:
            raise ValueError(f"{_shown(value)} names no weekdays; write Mon-Fri or Mon,Wed,Fri.")
        days.update((ends[0] + n) % 7 for n in range((ends[-1] - ends[0]) % 7 + 1))
    return frozenset(days)


def say_days(days: Iterable[int]) -> str:
    """Give the shortest phrase that `read_days` reads: "Mon-Fri", "Mon,Wed,Fri", "Mon-Wed,Sat"."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" if len(run) > 2 else ",".join(WEEKDAYS[day] for day in run)
        for run in runs
    )


def _weekday(word: str) -> int:
    start = word.strip().lower()
    for day, name in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ):
        if len(start) >= 2 and name.startswith(start):
            return day
    raise ValueError(f"{_shown(word)} is no weekday; use {', '.join(WEEKDAYS)}.")


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{_shown(value)} is no time of day; write it as "09:00", from 00:00 to 23:59.')
    return time(int(found[1]), int(found[2]))


def _line(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("This is empty; write something or leave the key out.")
    if len(text) > LONGEST_NAME_CHARS:
        raise ValueError(f"This has {len(text)} characters; {LONGEST_NAME_CHARS} is the most.")
    if is_forbidden(text):
        raise ValueError("This has a line break or control character; write it on one line.")
    return text


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(f"{_shown(text)} is no step id; use small letters, digits, - and _ (at most 64).")
    return text


def _zone(name: str) -> str:
    or_value_error(lead_calendar, Calendar(None, "UTC", None), name)
    return name


def _country(code: str) -> str | None:
    if code.lower() == "none":
        return None
    or_value_error(is_open, _SOME_DAY, Calendar(None, "UTC", code.upper()))
    return code.upper()


def _channel(text: str) -> str:
    if not _CHANNEL.fullmatch(text):
        raise ValueError(
            f"{_shown(text)} is no Slack channel; write #name in quotes, or its id such as C0123ABCD."
        )
    return text


def _address(text: str) -> str:
    return or_value_error(spelled, text)


def or_value_error(act: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    """Call `act`; its Refused becomes the ValueError that pydantic collects."""
    try:
        return act(*given, **named)
    except Refused as refusal:
        raise ValueError(str(refusal)) from None


def _shown(value: object) -> str:
    return f'"{shown(value)}"' if isinstance(value, str) else "This"


def listed(value: object) -> object:
    """Give the value; a list of it must hold something, and not too much. Raises ValueError."""
    if isinstance(value, list) and not 0 < len(value) <= MOST_IN_A_LIST:
        raise ValueError(f"This list has {len(value) or 'no'} entries; give it 1 to {MOST_IN_A_LIST}.")
    return value


def one_of(*words: StrEnum) -> Any:
    """Give a validator that takes exactly these words."""

    def choose(value: object) -> StrEnum:
        for word in words:
            if value == word:
                return word
        raise ValueError(f"{_shown(value)} is not possible here; use {' or '.join(words)}.")

    return BeforeValidator(choose)


Phrase = PlainSerializer(say_delay, return_type=str)
DelayField = Annotated[Delay, PlainValidator(read_delay), Phrase]
Clock = Annotated[time, PlainValidator(_clock), PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str)]
Days = Annotated[frozenset[int], PlainValidator(read_days), PlainSerializer(say_days, return_type=str)]
Line = Annotated[str, AfterValidator(_line)]
Key = Annotated[str, AfterValidator(_key)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str | None, AfterValidator(lambda code: None if code is None else _country(code))]
Channel = Annotated[str, AfterValidator(_channel)]
Address = Annotated[str, AfterValidator(_address)]
