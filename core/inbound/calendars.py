"""Calendar parts of mail (RFC 5545, RFC 5546), read in bounded time: one event, its times, who is asked, what is answered.

A reader of its own rather than a library: what comes is hostile as often as not, and of the format only the first
event's few facts matter. Repetition is never expanded, an attachment never fetched, a zone's own rules never run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import available_timezones

from tzlocal.windows_tz import win_tz

from core.address import LONGEST_ADDRESS_CHARS, normalise
from core.errors import Refused
from core.inbound.words import Invitation
from core.plain import FORBIDDEN, plain
from core.schedule import at_local

MOST_BYTES = 256 * 1024
MOST_LINES = 5000
LONGEST_LINE_CHARS = 4096
LONGEST_TITLE_CHARS = 200
LONGEST_UID_CHARS = 255
MOST_ATTENDEES = 100
MOST_DEPTH = 20
# Beyond it a date is a mistake or an attack, and a day later may not be a date at all.
LAST_YEAR = 2199

_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE = re.compile(r'([A-Za-z0-9-]{1,60})((?:;[A-Za-z0-9-]{1,60}=(?:"[^"]*"|[^";:])*)*):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,60})=((?:"[^"]*"|[^";:])*)')
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_LENGTH = re.compile(
    r"\+?P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?)", re.ASCII
)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_ESCAPE = re.compile(r"\\([\\;,nN])")
_METHODS = frozenset({"publish", "request", "reply", "add", "cancel", "refresh", "counter", "declinecounter"})
_UTC_NAMES = frozenset({"utc", "gmt", "z"})
# Exchange writes TZID=tzone://Microsoft/Utc without the quotes that its colon asks for.
_EXCHANGE_ZONE = "tzone://Microsoft/"


@dataclass(frozen=True)
class _Property:
    name: str
    parameters: dict[str, str]
    value: str


@dataclass
class _Event:
    """The lines of one event: single ones by name, the first of each; the attendees in order."""

    single: dict[str, _Property] = field(default_factory=dict)
    attendees: list[_Property] = field(default_factory=list)


def read(part: bytes, *, zone: str) -> Invitation | None:
    """Give what a text/calendar part says; None where it holds no event. Never raises.

    `zone` is where a whole day begins and ends. A time without a zone, or of an unknown one, is not known: no guess.
    `method` is "" where the part names none: then it is a file, and asks nobody anything.
    """
    method, event = _first_event(part)
    if event is None:
        return None
    starts_at, ends_at = _times(event, zone)
    if _value(event, "STATUS").upper() == "CANCELLED" and method in {"request", "publish"}:
        method = "cancel"
    attendees = tuple(address for line in event.attendees if (address := _address(line.value)))
    answers = [line.parameters.get("PARTSTAT", "").lower() for line in event.attendees]
    number = _NUMBER.fullmatch(_value(event, "SEQUENCE"))
    return Invitation(
        method=method,
        uid=_clean(_value(event, "UID"), LONGEST_UID_CHARS) or f"none-{sha256(part).hexdigest()[:32]}",
        number=int(number[0]) if number else 0,
        stamped_at=_moment(event.single.get("DTSTAMP"), zone),
        starts_at=starts_at,
        ends_at=ends_at,
        title=_clean(_text(_value(event, "SUMMARY")), LONGEST_TITLE_CHARS),
        organizer=_address(_value(event, "ORGANIZER")),
        attendees=attendees,
        answer=answers[0] or None if method == "reply" and answers else None,
        is_recurring="RRULE" in event.single or "RDATE" in event.single,
    )


def _first_event(part: bytes) -> tuple[str, _Event | None]:
    """Give the method, and the first event that is not an exception of a series; such an exception where all are."""
    method, path = "", list[str]()
    exception: _Event | None = None
    event = _Event()
    for line in _properties(part):
        if line.name == "BEGIN":
            if len(path) >= MOST_DEPTH:
                break
            path.append(line.value.strip().upper())
            if path == ["VCALENDAR", "VEVENT"]:
                event = _Event()
        elif line.name == "END":
            is_event = path == ["VCALENDAR", "VEVENT"] and line.value.strip().upper() == "VEVENT"
            if is_event and event.single:
                if "RECURRENCE-ID" not in event.single:
                    return method, event
                exception = exception or event
            path = _closed(path, line.value.strip().upper())
        elif path == ["VCALENDAR"] and line.name == "METHOD":
            word = line.value.strip().lower()
            method = word if word in _METHODS else ""
        elif path == ["VCALENDAR", "VEVENT"]:
            _add(event, line)
    if path[:2] == ["VCALENDAR", "VEVENT"] and event.single:  # cut off in the middle
        return method, exception or event
    return method, exception


def _closed(path: list[str], component: str) -> list[str]:
    """Give the path without this component and what was left open in it."""
    return path[: len(path) - 1 - path[::-1].index(component)] if component in path else path


def _add(event: _Event, line: _Property) -> None:
    if line.name != "ATTENDEE":
        event.single.setdefault(line.name, line)
    elif len(event.attendees) < MOST_ATTENDEES:
        event.attendees.append(line)


def _properties(part: bytes) -> Iterator[_Property]:
    """Give the content lines of the part's beginning; what is none is left out."""
    # Folds may cut a letter in two, so they are undone on bytes.
    text = _FOLD.sub(b"", part[:MOST_BYTES].removeprefix(b"\xef\xbb\xbf")).decode("utf-8", "replace")
    for number, line in enumerate(re.finditer(r"[^\r\n]+", text)):
        if number >= MOST_LINES:
            return
        if found := _LINE.fullmatch(line[0][:LONGEST_LINE_CHARS].replace(_EXCHANGE_ZONE, "", 1)):
            parameters = {
                name.upper(): value.replace('"', "") for name, value in _PARAMETER.findall(found[2])
            }
            yield _Property(found[1].upper(), parameters, found[3])


def _value(event: _Event, name: str) -> str:
    line = event.single.get(name)
    return line.value.strip() if line else ""


def _times(event: _Event, zone: str) -> tuple[datetime | None, datetime | None]:
    """Give start and end; the end may be known where the start is not, but never lies before it."""
    start, end = event.single.get("DTSTART"), event.single.get("DTEND")
    starts_at, ends_at = _moment(start, zone), _moment(end, zone)
    if start is not None and starts_at is not None and end is None:
        usual = timedelta(days=1) if "T" not in start.value.upper() else timedelta(0)
        length = _length(_value(event, "DURATION"))
        ends_at = _in_bounds(starts_at, usual if length is None else length)
    if starts_at is not None and ends_at is not None and ends_at < starts_at:
        ends_at = None
    return starts_at, ends_at


def _in_bounds(moment: datetime, length: timedelta) -> datetime | None:
    if (ends_at := moment + length).year <= LAST_YEAR:
        return ends_at
    return None


def _length(text: str) -> timedelta | None:
    """Give a DURATION; None for what is none, or goes backwards."""
    found = _LENGTH.fullmatch(text.upper())
    if not found or not any(found.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _moment(line: _Property | None, zone: str) -> datetime | None:
    """Give a DATE-TIME or DATE as an instant in UTC; None where it is none, or its zone is unknown or missing."""
    found = _MOMENT.fullmatch(line.value.strip().upper()) if line else None
    if line is None or found is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in found.groups()[:6])
    if not 1900 <= year <= LAST_YEAR:
        return None
    try:
        at = time(hour, minute, min(second, 59))  # RFC 5545 §3.3.12 allows the leap second 60
        if found[7]:
            return datetime.combine(date(year, month, day), at, UTC)
        place = zone if found[4] is None else _zone(line.parameters.get("TZID", ""))
        return at_local(date(year, month, day), at, place).astimezone(UTC) if place else None
    except (ValueError, OverflowError, Refused):
        return None


def _zone(name: str) -> str | None:
    """Give the IANA name of a TZID: one itself, one behind a vendor's path, or one of Windows; None for others."""
    name = name.strip()
    if name.lower() in _UTC_NAMES:
        return "UTC"
    if windows := win_tz.get(name):
        return windows
    # Such as /freeassociation.sourceforge.net/Europe/Berlin or /citadel.org/20250101_1/America/Argentina/Salta.
    parts = name.split("/")[-6:]
    return next((tail for n in range(len(parts)) if (tail := "/".join(parts[n:])) in _zones()), None)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _address(text: str) -> str:
    """Give the address of a CAL-ADDRESS in its one spelling; "" where it is none."""
    text = re.sub(r"\Amailto:", "", text.strip(), flags=re.IGNORECASE)
    try:
        return normalise(text) if len(text) <= LONGEST_ADDRESS_CHARS else ""
    except Refused:
        return ""


def _text(value: str) -> str:
    """Give a TEXT value without its escapes (RFC 5545 §3.3.11)."""
    return _ESCAPE.sub(lambda found: " " if found[1] in "nN" else found[1], value)


def _clean(text: str, longest: int) -> str:
    """Give the text fit to be stored and shown: one line, nothing invisible."""
    kept = "".join(" " if unicodedata.category(char) in FORBIDDEN else char for char in text)
    return plain(kept)[:longest]
