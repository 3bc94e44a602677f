"""What the readers of webhooks share: what was told, and how a field is read out of a body that anything may stand in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from core.address import normalise
from core.errors import Refused
from core.lead_file import LeadRow
from core.meetings import TITLE_CHARS, MeetingNews
from core.plain import FORBIDDEN, is_forbidden, plain

LONGEST_ID_CHARS = 300
LONGEST_TITLE_READ = 2000
MOST_PEOPLE = 50
LAST_YEAR = 2199


class What(StrEnum):
    """What can be told of a lead."""

    MEETING = "meeting"
    REPLY = "reply"
    CLICK = "click"
    GOAL = "goal"
    FORM = "form"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"


@dataclass(frozen=True)
class Told:
    """One thing that was told. `emails`: whom it may concern, normalised; none: whoever has the meeting of this key.

    name: of a goal's event or a form; of a click, its URL. `new`: who becomes a lead by it where nobody has the address
    and a goal starts something; None: nobody.
    """

    what: What
    emails: tuple[str, ...]
    news: MeetingNews | None = None
    name: str = ""
    new: LeadRow | None = None


def part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give an object inside the body; an empty one where there is none."""
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def identity(body: Mapping[str, Any], name: str) -> str:
    """Give an id; raises Refused where it is missing, or no plain text."""
    found = body.get(name)
    if not isinstance(found, str) or not found or len(found) > LONGEST_ID_CHARS or is_forbidden(found):
        raise Refused(
            f"The body has no usable `{name}`; it must be a text of at most {LONGEST_ID_CHARS} characters."
        )
    return found


def word(body: Mapping[str, Any], name: str) -> str:
    """Give a word; "" where there is none."""
    found = body.get(name)
    return (
        found if isinstance(found, str) and len(found) <= LONGEST_ID_CHARS and not is_forbidden(found) else ""
    )


def title(body: Mapping[str, Any], name: str) -> str:
    """Give a text by an outsider as one line that can be stored and shown; "" where there is none."""
    found = body.get(name)
    return one_line(found)[:TITLE_CHARS] if isinstance(found, str) else ""


def one_line(text: str) -> str:
    """Give what can be stored and shown of a text by an outsider, without line breaks."""
    cut = text[:LONGEST_TITLE_READ]
    return plain("".join(" " if unicodedata.category(char) in FORBIDDEN else char for char in cut))


def moment(body: Mapping[str, Any], name: str) -> datetime | None:
    """Give an instant in UTC; None where there is none, or none that is certain."""
    found = body.get(name)
    if not isinstance(found, str) or len(found) > 40:
        return None
    try:
        read = datetime.fromisoformat(found)
        return read.astimezone(UTC) if read.tzinfo and 1970 < read.year <= LAST_YEAR else None
    except (ValueError, OverflowError):
        return None


def addresses(found: Iterable[object]) -> tuple[str, ...]:
    """Give the addresses in their one spelling, each once; what is none is left out."""
    normal: dict[str, None] = {}
    for text in [one for one in found if isinstance(one, str)][:MOST_PEOPLE]:
        try:
            normal[normalise(text)] = None
        except Refused:
            continue
    return tuple(normal)


def people(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Give the objects of a list."""
    found = body.get(name)
    return [one for one in found[:MOST_PEOPLE] if isinstance(one, Mapping)] if isinstance(found, list) else []
