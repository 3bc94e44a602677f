"""The clock time and the zone inside a WHEN phrase: "9am", "at 14:30", "10:00 CET", "noon Europe/Paris".

Pure; part of `core.dates`, which alone is meant to be called from outside. Texts come in lower case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from core.errors import Refused
from core.schedule import at_local, local

MINUTE = timedelta(minutes=1)
# A place of the tz database, or a fixed offset from UTC.
Place = str | timezone

# Abbreviations that mean one offset, in minutes east of UTC, whatever the season.
OFFSETS: Final = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180,
    "msk": 180, "sgt": 480, "hkt": 480, "awst": 480, "jst": 540, "kst": 540, "acst": 570, "aest": 600,
    "aedt": 660, "nzst": 720, "nzdt": 780, "est": -300, "edt": -240, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
}  # fmt: skip
# Names people use for the time of a place, summer and winter.
PLACES: Final = {
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}
# Abbreviations that several countries use for different times: a person must choose.
SHARED: Final = {
    "ist": (("India", "Asia/Kolkata"), ("Israel", "Asia/Jerusalem"), ("Ireland", "Europe/Dublin")),
    "cst": (("Chicago", "America/Chicago"), ("China", "Asia/Shanghai"), ("Cuba", "America/Havana")),
    "bst": (("Britain", "Europe/London"), ("Bangladesh", "Asia/Dhaka")),
    "ast": (("Halifax", "America/Halifax"), ("Arabia", "Asia/Riyadh")),
}
# Winter names and a place that leaves them in summer, so that the answer can say it.
WINTER: Final = {
    "cet": "Europe/Berlin",
    "eet": "Europe/Helsinki",
    "est": "America/New_York",
    "pst": "America/Los_Angeles",
}

CLOCK = re.compile(
    r"""(?<![\w:/.+-])(?P<at>\bat\s+|@\s*)?(?:
        (?P<half>\d{1,2})(?:[:.](?P<half_minute>\d{2}))?\s*(?P<noon>[ap])\.?m\b\.?
      | (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,6})?)?(?![\d:])
      | (?P<word>noon|midday|midnight)\b
      | (?P<oclock>\d{1,2})\s*o'?clock\b
      | (?(at)(?P<bare>\d{1,2})(?=[\s,]|$)|(?!))
    )""",
    re.VERBOSE,
)
ZONE = re.compile(r"(?P<name>(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|[a-z][a-z0-9_+/-]*)(?=[\s,)]|$)")
OFFSET = re.compile(r"(?:utc|gmt)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?")


@dataclass(frozen=True, slots=True)
class Clock:
    """The times and places a phrase may mean; more than one of either: a person must choose.

    places: (label for the question or "", place); empty = the zone of the person who asks.
    """

    times: tuple[time, ...]
    places: tuple[tuple[str, Place], ...] = ()
    zone_name: str = ""


def split_clock(text: str) -> tuple[Clock | None, str]:
    """Give the clock time of a phrase, or None, and the phrase without it."""
    found = CLOCK.search(text)
    if not found:
        return None, text
    times = _times(found)
    before = text[: found.start()].strip(" ,")
    after = text[found.end() :]
    # An offset may touch the time (14:30z, 14:30+02:00); a name stands apart.
    zone = ZONE.match(after.lstrip(" ("))
    places = _places(zone["name"]) if zone else ()
    if zone and places:
        rest = after.lstrip(" (")[zone.end() :].lstrip(") ")
        return Clock(times, places, zone["name"]), _join(before, rest)
    return Clock(times), _join(before, after)


def instant(day: date, clock: time, place: Place) -> tuple[datetime, str | None]:
    """Give the instant a wall shows this time, and what to say where that time is missing or comes twice.

    A missing time becomes the first one that exists after it; of two the first is taken.
    """
    if isinstance(place, timezone):
        return datetime.combine(day, clock, tzinfo=place).astimezone(UTC), None
    wanted = datetime.combine(day, clock)
    moment = at_local(day, clock, place)
    if wall(moment, place) == wanted:
        twice = local(moment, place).replace(fold=1).utcoffset() != local(moment, place).utcoffset()
        said = f"{clock:%H:%M} comes twice that day in {_city(place)}; the first is used."
        return moment, said if twice else None
    shown = wanted.replace(second=0, microsecond=0)
    while wall(moment, place) != shown:
        shown += MINUTE
        moment = at_local(shown.date(), shown.time(), place)
    return moment, f"{clock:%H:%M} does not exist that day in {_city(place)}; {shown:%H:%M} is used."


def wall(moment: datetime, place: Place) -> datetime:
    """Give what the clock on the wall shows, without its zone."""
    here = moment.astimezone(place) if isinstance(place, timezone) else local(moment, place)
    return here.replace(tzinfo=None, fold=0)


def winter_note(moment: datetime, zone_name: str) -> str | None:
    """Say that CET is an hour off while Berlin keeps summer time."""
    place = WINTER.get(zone_name)
    if not place or not local(moment, place).dst():
        return None
    return f"{zone_name.upper()} is winter time; in {_city(place)} it will be {local(moment, place):%H:%M}."


def _join(before: str, after: str) -> str:
    """Give the date words of a phrase whose clock time has been taken out."""
    after = re.sub(r"^[\s,]+", "", after)
    if not before:
        after = re.sub(r"^on\s+", "", after)
    return f"{before} {after}".strip(" ,")


def _times(found: re.Match[str]) -> tuple[time, ...]:
    """Give the times the words stand for: two where neither "am" nor the number tells morning or evening."""
    if found["word"]:
        return (time(0),) if found["word"] == "midnight" else (time(12),)
    if found["half"]:
        hour = int(found["half"])
        if not 1 <= hour <= 12:
            raise Refused(f"There is no {hour} {found['noon']}m; write 14:30 or 2:30pm.")
        return (_time(hour % 12 + (12 if found["noon"] == "p" else 0), found["half_minute"]),)
    if bare := found["bare"] or found["oclock"]:
        hour = int(bare)
        return (_time(hour), _time(hour % 12 + 12)) if 1 <= hour <= 12 else (_time(hour),)
    return (_time(int(found["hour"]), found["minute"], found["second"]),)


def _time(hour: int, minute: str | None = None, second: str | None = None) -> time:
    try:
        return time(hour, int(minute or 0), int(second or 0))
    except ValueError:
        raise Refused(
            f"There is no {hour}:{minute or '00'} on a clock; write a time such as 14:30."
        ) from None


def _places(name: str) -> tuple[tuple[str, Place], ...]:
    """Give the places a zone name may mean; none when it is no zone."""
    if name in SHARED:
        return SHARED[name]
    if name in PLACES:
        return (("", PLACES[name]),)
    if name in OFFSETS:
        return (("", timezone(timedelta(minutes=OFFSETS[name]))),)
    if offset := OFFSET.fullmatch(name):
        return (("", _fixed(offset)),)
    known = _zones().get(name)
    return (("", known),) if known else ()


def _fixed(offset: re.Match[str]) -> timezone:
    minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
    if minutes > 14 * 60:
        raise Refused("A zone is at most 14 hours from UTC; write an offset such as +02:00.")
    return timezone(timedelta(minutes=minutes if offset["sign"] == "+" else -minutes))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Give the names of the tz database that name a place, by their lower-case spelling."""
    return {name.lower(): name for name in available_timezones() if "/" in name}


def _city(place: str) -> str:
    return place.rpartition("/")[2].replace("_", " ")
