"""What a sequence is, as a person writes it: settings, reactions, steps. Checked, frozen, and nothing else.

core/sequence_file reads and writes it as YAML; docs/sequences.md is its reference. Every validator raises
ValueError with a whole sentence, since these sentences are what the writer of a file gets to read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from core.lifecycle import Policy
from core.schedule import MONDAY_TO_FRIDAY, Calendar, Delay, Unit, Window, valid_window
from core.sequence_file.facts import Weight, When
from core.sequence_file.words import (
    Address,
    Channel,
    Clock,
    Country,
    Days,
    DelayField,
    Key,
    Line,
    Zone,
    listed,
    one_of,
    or_value_error,
    read_delay,
    say_delay,
)

AT_ONCE = Delay(0, Unit.DAYS)
A_WORKING_DAY = Delay(1, Unit.BUSINESS_DAYS)
TWO_HOURS = Delay(2, Unit.HOURS)


def _hash(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Act(StrEnum):
    """What an event does to the lead."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


class Scope(StrEnum):
    """How far it reaches: this sequence, every sequence of the lead, every lead of the company."""

    SEQUENCE = "sequence"
    LEAD = "lead"
    COMPANY = "company"


RETURN: Literal["return"] = "return"


def _until(value: object) -> object:
    return value if value is None or value == RETURN else read_delay(value)


class Reaction(_Part):
    """What one kind of event does. `until`: None waits for a person, "return" for the date the lead named.

    A delay counts from the event, of a meeting from its end.
    """

    do: Annotated[Act, one_of(*Act)]
    scope: Annotated[Scope, one_of(*Scope)] = Scope.LEAD
    until: Annotated[
        Delay | Literal["return"] | None,
        PlainValidator(_until),
        PlainSerializer(lambda until: say_delay(until) if isinstance(until, Delay) else until),
    ] = None

    @model_validator(mode="after")
    def _until_needs_a_pause(self) -> Self:
        if self.until is not None and self.do is not Act.PAUSE:
            raise ValueError("Only a pause can have an until; leave it out.")
        return self


class Reactions(_Part):
    """What each kind of event does; a bare word takes the scope and end that suit the event."""

    reply: Reaction = Reaction(do=Act.PAUSE)
    out_of_office: Reaction = Reaction(do=Act.PAUSE, until=RETURN)
    bounce: Reaction = Reaction(do=Act.STOP)
    meeting: Reaction = Reaction(do=Act.PAUSE, until=TWO_HOURS)
    click: Reaction = Reaction(do=Act.CONTINUE, scope=Scope.SEQUENCE)
    unsubscribe: Reaction = Reaction(do=Act.STOP)
    complaint: Reaction = Reaction(do=Act.STOP)

    @field_validator("*", mode="before")
    @classmethod
    def _filled_in(cls, value: object, info: ValidationInfo) -> object:
        usual: Reaction = cls.model_fields[str(info.field_name)].default
        if isinstance(value, Mapping):
            given = dict(value)
        elif isinstance(value, str):
            given = {"do": value}
        else:
            return value
        given.setdefault("scope", usual.scope)
        if given.get("do") == usual.do:
            given.setdefault("until", usual.until)
        return given

    @field_validator("*")
    @classmethod
    def _safe(cls, reaction: Reaction, info: ValidationInfo) -> Reaction:
        event = str(info.field_name).replace("_", " ")
        if event in {"unsubscribe", "complaint"} and (reaction.do, reaction.scope) != (Act.STOP, Scope.LEAD):
            raise ValueError(f"The {event} of a lead always stops that lead; leave the key out.")
        if event == "bounce" and reaction.do is Act.CONTINUE:
            raise ValueError("A bounce cannot continue; use pause or stop.")
        if event != "out of office" and reaction.until == RETURN:
            raise ValueError("Only an out-of-office names a return; write a delay such as 14 days.")
        return reaction

    @model_serializer
    def _short(self) -> dict[str, Any]:
        short = {}
        for event in type(self).model_fields:
            reaction: Reaction = getattr(self, event)
            is_usual = getattr(self.model_validate({event: reaction.do.value}), event) == reaction
            short[event] = reaction.do.value if is_usual else reaction.model_dump(mode="json")
        return short


class Hours(_Part):
    """The window as it is written; `Window` is what the schedule reckons with."""

    days: Days = MONDAY_TO_FRIDAY
    opens: Clock = Field(alias="from")
    closes: Clock = Field(alias="to")

    @model_validator(mode="after")
    def _opens_at_all(self) -> Self:
        or_value_error(valid_window, self.opens, self.closes, self.days)
        return self

    @property
    def window(self) -> Window:
        """The window, to reckon with."""
        return Window(self.opens, self.closes, self.days)


class Track(_Part):
    """What is counted of a mail's readers; links and pictures then lead by way of this installation."""

    clicks: bool = False
    opens: bool = False


class _Step(_Part):
    id: Key
    delay: DelayField

    @property
    def body_hash(self) -> str:
        """A hash of what the lead or the person gets to see: not of the id or the delay."""
        return _hash(self.model_dump(mode="json", exclude={"id", "delay"}))


class Variant(_Part):
    """One version of an email; one of weight 2 is chosen twice as often as one of weight 1."""

    name: Line
    weight: Weight = 1
    subject: str = ""
    body: str = ""


class EmailStep(_Step):
    """An email; `thread` continues the conversation of the email before, and then needs no subject.

    `variants`: versions of it, instead of the one subject and body; each lead gets one of them.
    """

    kind: Literal["email"] = "email"
    thread: bool = False
    subject: str = ""
    body: str = ""
    variants: Annotated[tuple[Variant, ...] | None, BeforeValidator(listed)] = None

    @model_validator(mode="after")
    def _in_versions(self) -> Self:
        if self.variants is None:
            return self
        if self.subject or self.body:
            raise ValueError(
                "It has variants, so subject and body belong into each of them; move them there."
            )
        if len(self.variants) < 2:
            raise ValueError("One variant is no choice; add a second, or write subject and body without it.")
        if twice := repeated(variant.name.casefold() for variant in self.variants):
            raise ValueError(f'Two variants have the name "{twice[0]}"; give each its own.')
        return self


class TaskStep(_Step):
    """Something a person does."""

    kind: Literal["task"] = "task"
    title: Line
    note: str = ""


class ConditionStep(_Step):
    """A fork, awaited for `within` at most. `then`, `otherwise`: a later step's id, `next` or `stop`."""

    kind: Literal["condition"] = "condition"
    delay: DelayField = AT_ONCE
    when: When
    within: DelayField = AT_ONCE
    then: Key = "next"
    otherwise: Key = "next"

    @property
    def title(self) -> str:
        """Give what it is called: "Wait 3 days for a click"."""
        return (
            f"Wait {say_delay(self.within)} for {self.when.words}"
            if self.within.amount
            else f"Look for {self.when.words}"
        )


class StopStep(_Step):
    """The end of the sequence; `because` is the reason that the lead's run then shows."""

    kind: Literal["stop"] = "stop"
    delay: DelayField = AT_ONCE
    because: Line | None = None

    @property
    def title(self) -> str:
        """Give what it is called."""
        return f"End: {self.because}" if self.because else "End of the sequence"


class JumpStep(_Step):
    """The end of this sequence, and the beginning of another."""

    kind: Literal["jump"] = "jump"
    delay: DelayField = AT_ONCE
    to: Line

    @property
    def title(self) -> str:
        """Give what it is called."""
        return f"On to {self.to}"


Step = Annotated[
    Annotated[EmailStep, Tag("email")]
    | Annotated[TaskStep, Tag("task")]
    | Annotated[ConditionStep, Tag("condition")]
    | Annotated[StopStep, Tag("stop")]
    | Annotated[JumpStep, Tag("jump")],
    Discriminator(
        lambda step: str(step.get("kind", "email") if isinstance(step, dict) else getattr(step, "kind", ""))
    ),
]


class SequenceSpec(_Part):
    """A whole sequence. `mailboxes` None: all of them; `window` None: always open; `holidays` None: none kept."""

    sequence: Line
    zone: Zone = "UTC"
    window: Hours | None = None
    holidays: Country = None
    lead_zone: bool = True
    mailboxes: Annotated[tuple[Address, ...] | None, BeforeValidator(listed)] = None
    resume: Annotated[Policy, one_of(Policy.FREEZE, Policy.KEEP)] = Policy.FREEZE
    grace: DelayField = A_WORKING_DAY
    channel: Channel | None = None
    on: Reactions = Reactions()
    track: Track = Track()
    tag: Line | None = None
    path: Line | None = None
    steps: Annotated[tuple[Step, ...], BeforeValidator(listed)]

    @model_validator(mode="before")
    @classmethod
    def _numbered(cls, data: Any) -> Any:
        """Give every step its key, `step-1`, `step-2` …, and the first one its delay of 0."""
        if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list):
            return data
        steps = [
            {"id": usual_id(number), **({} if number else {"delay": AT_ONCE}), **step}
            if isinstance(step, Mapping)
            else step
            for number, step in enumerate(data["steps"])
        ]
        return {**data, "steps": steps}

    @field_validator("mailboxes")
    @classmethod
    def _each_once(cls, addresses: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if twice := repeated(addresses or ()):
            raise ValueError(f"{twice[0]} stands here twice; keep one.")
        return addresses

    @field_validator("steps")
    @classmethod
    def _linked(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if faults := [*id_faults(step.id for step in steps), *_fork_faults(steps)]:
            raise ValueError(" ".join(faults))
        return steps

    @property
    def name(self) -> str:
        """The sequence's name."""
        return self.sequence

    @property
    def calendar(self) -> Calendar:
        """When mail may leave, in the sequence's own zone."""
        return Calendar(self.window.window if self.window else None, self.zone, self.holidays)

    @property
    def checksum(self) -> str:
        """A hash of everything: the same for two files that mean the same."""
        return _hash(self.model_dump(mode="json", by_alias=True))


def usual_id(number: int) -> str:
    """Give the id of a step that names none; `number` counts from 0."""
    return f"step-{number + 1}"


def id_faults(ids: Iterable[str]) -> list[str]:
    """Say which step ids stand more than once."""
    return [f'Two steps have the id "{word}"; give each its own.' for word in repeated(ids)]


def repeated(words: Iterable[str]) -> list[str]:
    """Give what stands more than once, each once, in order."""
    return [word for word, count in Counter(words).items() if count > 1]


def _fork_faults(steps: tuple[Step, ...]) -> list[str]:
    """Say which conditions lead nowhere, or back, which could go round for ever."""
    faults = []
    for position, step in enumerate(steps):
        if isinstance(step, ConditionStep):
            later = {"next", "stop", *(after.id for after in steps[position + 1 :])}
            faults += [
                f'The condition {step.id} leads to "{target}", which is no later step; use a later id, next or stop.'
                for target in dict.fromkeys((step.then, step.otherwise))
                if target not in later
            ]
    return faults
