"""What a condition asks of its lead: how a file says it, and how a sentence does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from core.plain import is_forbidden, shown

LONGEST_VALUE_CHARS = 200


class Fact(StrEnum):
    """What is asked: the first four happen, the others are true of the lead."""

    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    BOOKED = "booked"
    TAG = "tag"
    STAGE = "stage"
    FIELD = "field"


_HAPPEN = (Fact.OPENED, Fact.CLICKED, Fact.REPLIED, Fact.BOOKED)
_SYNONYMS = {"meeting": Fact.BOOKED}
_KNOWN = "opened, clicked, replied, booked, {tag: NAME}, {stage: NAME} or {field: {NAME: VALUE}}"


@dataclass(frozen=True)
class Asked:
    """One question. `value` is the tag, the stage, or what the field `name` must hold."""

    fact: Fact
    value: str = ""
    name: str = ""

    @property
    def words(self) -> str:
        """Give what is waited for: "a click", "the tag “hot”"."""
        match self.fact:
            case Fact.TAG | Fact.STAGE:
                return f"the {self.fact} “{self.value}”"
            case Fact.FIELD:
                return f"“{self.name}” to be “{self.value}”"
        return {"opened": "an open", "clicked": "a click", "replied": "a reply", "booked": "a meeting"}[
            self.fact
        ]


def read_when(value: object) -> Asked:
    """Give the question that a file asks; raises ValueError."""
    if isinstance(value, Asked):
        return value
    if isinstance(value, str):
        if fact := _SYNONYMS.get(value) or next((fact for fact in _HAPPEN if fact == value), None):
            return Asked(fact)
        raise ValueError(f'"{shown(value)}" is not possible here; use {_KNOWN}.')
    if isinstance(value, Mapping) and len(value) == 1:
        [(key, what)] = value.items()
        if key in (Fact.TAG, Fact.STAGE):
            return Asked(Fact(key), _text(what))
        if key == Fact.FIELD and isinstance(what, Mapping) and len(what) == 1:
            [(name, wanted)] = what.items()
            return Asked(Fact.FIELD, _text(wanted), _text(name))
    raise ValueError(f"This is not possible here; use {_KNOWN}.")


def _text(value: object) -> str:
    text = str(value).strip().lower() if isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or is_forbidden(text):
        raise ValueError("A condition compares with a word or a few, on one line; write them.")
    if len(text) > LONGEST_VALUE_CHARS:
        raise ValueError(f"This has {len(text)} characters; {LONGEST_VALUE_CHARS} is the most.")
    return text.strip()


def say_when(asked: Asked) -> str | dict[str, str] | dict[str, dict[str, str]]:
    """Give what `read_when` reads."""
    match asked.fact:
        case Fact.TAG | Fact.STAGE:
            return {asked.fact.value: asked.value}
        case Fact.FIELD:
            return {asked.fact.value: {asked.name: asked.value}}
    return asked.fact.value


def read_weight(value: object) -> int:
    """Give how often a version is chosen beside the others; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 5 else 0
    if not 0 < number <= 1000:
        raise ValueError("A weight is a whole number from 1 to 1000; 2 is chosen twice as often as 1.")
    return number


When = Annotated[Asked, PlainValidator(read_when), PlainSerializer(say_when)]
Weight = Annotated[int, PlainValidator(read_weight)]
