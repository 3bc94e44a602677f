"""What a goal is, as a person writes it: the event that meets it, and what it then starts and stops. Pure.

docs/goals.md is its reference. Every validator raises ValueError with a whole sentence, which the writer of a file reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_serializer,
    model_validator,
)

from core.filters import ME
from core.grammar import who
from core.grammar.commands import Who
from core.sequence_file.words import Line, listed, or_value_error
from core.words import listed as in_words


class Kind(StrEnum):
    """What can meet a goal."""

    TAG = "tag"
    STAGE = "stage"
    NOTE = "note"
    FORM = "form"
    MEETING = "meeting"
    CLICK = "click"
    EVENT = "event"
    REPLY = "reply"
    NEW_LEAD = "new_lead"


class Met(StrEnum):
    """What of a meeting can meet a goal; the words of core.meetings.State."""

    BOOKED = "booked"
    HAPPENED = "happened"
    NO_SHOW = "no_show"


class Widely(StrEnum):
    """What is stopped where no sequence is named: every other one than is started, or every one."""

    OTHERS = "others"
    ALL = "all"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Part):
    """The one event that meets a goal."""

    kind: Kind
    value: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or len(data) != 1:
            raise ValueError(f"Name one event, such as {{tag: customer}}; there are {in_words(Kind)}.")
        [(kind, value)] = data.items()
        if kind not in set(Kind):
            raise ValueError(f'There is no event "{str(kind)[:40]}"; there are {in_words(Kind)}.')
        if kind == Kind.REPLY:
            if value is not True:
                raise ValueError("Write `reply: true`; every answer of the lead meets the goal then.")
            return {"kind": kind}
        # What is no text is said to be missing, which names the event.
        return {"kind": kind, "value": value if isinstance(value, str) else ""}

    @field_validator("value")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        return " ".join(value.split())

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind is not Kind.REPLY and not self.value:
            raise ValueError(f"Say which {self.kind.value.replace('_', ' ')}, as text.")
        if self.kind is Kind.MEETING and self.value not in set(Met):
            raise ValueError(f'"{self.value[:40]}" is not possible here; use {in_words(Met, "or")}.')
        if self.kind is Kind.NEW_LEAD:
            meant = self.who
            if meant.mine or any(term.key == "owner" and term.value == ME for term in meant.filter):
                raise ValueError("Nobody asks here, so nothing is “mine”; name the owner.")
            if meant.addresses:
                raise ValueError("Name a kind of leads, such as stage:demo or everyone, not addresses.")
        return self

    @model_serializer
    def _short(self) -> dict[str, Any]:
        return {self.kind.value: True if self.kind is Kind.REPLY else self.value}

    @property
    def who(self) -> Who:
        """Give the leads that an enrol rule is about."""
        return or_value_error(who, self.value)


def _names(value: object) -> object:
    return listed([value] if isinstance(value, str) else value)


def _stops(value: object) -> object:
    return Widely(value) if isinstance(value, str) and value in set(Widely) else _names(value)


Names = Annotated[tuple[Line, ...], BeforeValidator(_names)]
Stops = Annotated[
    Widely | tuple[Line, ...],
    BeforeValidator(_stops),
    PlainSerializer(lambda stops: stops.value if isinstance(stops, Widely) else list(stops)),
]


class GoalSpec(_Part):
    """A whole goal. `within` None: every lead can meet it. `again`: who was in the sequence before starts anew."""

    goal: Line
    when: When
    within: Names | None = Field(default=None, alias="in")
    start: Line | None = None
    stop: Stops | None = None
    again: bool = True

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.start is None and self.stop is None:
            raise ValueError("The goal does nothing yet; say what it starts, or what it stops.")
        if self.start is not None and self.stop is Widely.ALL:
            raise ValueError("It would stop what it starts; write `stop: others`.")
        started = (self.start or "").casefold()
        if isinstance(self.stop, tuple) and started in {name.casefold() for name in self.stop}:
            raise ValueError(f"{self.start} cannot be both started and stopped; take one of them out.")
        return self

    @property
    def name(self) -> str:
        """The goal's name."""
        return self.goal
