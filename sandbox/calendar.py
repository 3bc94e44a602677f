"""A lead's calendar: appointments and the iTIP objects (RFC 5546) that tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Itip(StrEnum):
    """What a calendar object is for."""

    REQUEST = "REQUEST"
    REPLY = "REPLY"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class Appointment:
    """One state of an appointment. `number` is its SEQUENCE; `answer` a PARTSTAT, "moved", or "" where there is none."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    title: str
    method: Itip = Itip.REQUEST
    number: int = 0
    answer: str = ""

    def when_in_words(self) -> str:
        """Give its time as the text beside the calendar part says it."""
        start = self.starts_at.astimezone(UTC)
        return f"{self.title}\n{start:%A}, {start.day} {start:%B %Y, %H:%M} UTC"

    def as_ics(self, *, organizer: tuple[str, str], guest: tuple[str, str], stamped_at: datetime) -> str:
        """Give the calendar part; in a reply it is the guest who had invited."""
        host, other = (guest, organizer) if self.method is Itip.REPLY else (organizer, guest)
        state = self.answer if self.method is Itip.REPLY else "NEEDS-ACTION"
        lines = [
            "BEGIN:VCALENDAR",
            "PRODID:-//Lead//Calendar 1.0//EN",
            "VERSION:2.0",
            f"METHOD:{self.method.value}",
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            f"SEQUENCE:{self.number}",
            f"DTSTAMP:{_instant(stamped_at)}",
            f"DTSTART:{_instant(self.starts_at)}",
            f"DTEND:{_instant(self.ends_at)}",
            f"SUMMARY:{_text(self.title)}",
            f'ORGANIZER;CN="{_quoted(host[0])}":mailto:{host[1]}',
            f'ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT={state};CN="{_quoted(other[0])}":mailto:{other[1]}',
            f"STATUS:{'CANCELLED' if self.method is Itip.CANCEL else 'CONFIRMED'}",
            "END:VEVENT",
            "END:VCALENDAR",
        ]
        return "".join(f"{_folded(line)}\r\n" for line in lines)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    for sign in "\\;,":
        value = value.replace(sign, f"\\{sign}")
    return value.replace("\n", "\\n")


def _quoted(value: str) -> str:
    return value.replace('"', "'")


def _folded(line: str) -> str:
    """Give a content line in pieces of at most 75 octets (RFC 5545 §3.1), never cutting a character."""
    pieces, piece = [], b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > 74:
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]).decode()
