"""What goes in and comes out, as OpenAPI shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.plain import is_forbidden

MOST_LEADS = 1_000
MOST_TAGS = 50
MOST_FIELDS = 100


def _plain(text: str) -> str:
    if is_forbidden(text):
        msg = "holds a control character or a line break"
        raise ValueError(msg)
    return text


Line = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
Reason = Annotated[str, Field(max_length=500), AfterValidator(_plain)]
Address = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_plain)]
Text = Annotated[str, Field(max_length=10_000)]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
When = Annotated[str, Field(min_length=1, max_length=100, examples=["2027-06-15", "2027-06-15T09:00:00Z", "2 weeks"]),
                 AfterValidator(_plain)]  # fmt: skip


class Asked(BaseModel):
    """What comes in: nothing that we do not know, and nothing turned into what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PutLead(Asked):
    """What is known about a lead; what is left out or empty stays as it is. Tags are added, never taken off."""

    first_name: Line = ""
    last_name: Line = ""
    name: Line = ""
    company: Line = ""
    domain: Line = ""
    zone: Line = ""
    stage: Line = ""
    owner: Line = Field(default="", description="A Slack user id.")
    tags: list[Name] = Field(default_factory=list, max_length=MOST_TAGS)
    custom: dict[FieldName, Text] = Field(default_factory=dict, max_length=MOST_FIELDS)


class Pause(Asked):
    """Hold a lead. Without a sequence: everywhere. Without an end: until somebody resumes it."""

    until: When | None = None
    sequence: Name | None = None
    reason: Reason | None = None
    then: Literal["freeze", "keep", "now"] | None = Field(
        default=None, description="How the countdown goes on at the end of the pause."
    )


class Resume(Asked):
    """Let a lead go on, by a policy or on a day; with neither by each sequence's own way."""

    policy: Literal["freeze", "keep", "now"] | None = None
    on: When | None = None
    sequence: Name | None = None


class Stop(Asked):
    """End it for good. Without a sequence: everywhere."""

    sequence: Name | None = None
    reason: Reason | None = None


class Skip(Asked):
    """In which sequence a lead never starts, or starts after all: only before its first step."""

    sequence: Name


class Tags(Asked):
    """Tags to put on and to take off; what is so already stays so."""

    add: list[Name] = Field(default_factory=list, max_length=MOST_TAGS)
    remove: list[Name] = Field(default_factory=list, max_length=MOST_TAGS)


class Enrol(Asked):
    """Whom to enrol in what: leads by address, or those that a filter finds."""

    sequence: Name
    leads: list[Address] = Field(default_factory=list, max_length=MOST_LEADS)
    filter: Reason | None = Field(default=None, examples=["stage:demo tag:eu -in:Spring"])
    again: bool = Field(
        default=False, description="Begin a new run for those that were stopped or have completed."
    )
    preview: bool = Field(default=False, description="Only count; nothing is changed.")


class Halt(Asked):
    """Stop all sending."""

    reason: Reason | None = None


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    problem: str


class Fault(BaseModel):
    """Why nothing was changed."""

    refused: str
    fields: list[FieldFault] = Field(default_factory=list)


class Done(BaseModel):
    """What was done, in words; `batch` is what an undo would undo."""

    done: str
    lines: list[str]
    batch: int | None


class CollidingLead(BaseModel):
    """A lead that a colleague works: `owner` is who, `sequence` the one they put it into, `why` says it in words."""

    email: str
    owner: str
    sequence: str | None
    why: str


class LeftOutLead(BaseModel):
    """A lead, or an address that no lead has, which is not enrolled: why in a word, and in a sentence."""

    email: str
    why: Literal["suppressed", "there", "before", "unknown"]
    because: str


class Enrolled(Done):
    """How many are enrolled, or would be, how many are left out, which and why, and which of the enrolled a colleague works."""

    enrolled: int
    left_out: dict[str, int]
    left_out_leads: list[LeftOutLead]
    collisions: list[CollidingLead]


class Run(BaseModel):
    """A lead in one sequence. `reasons`: why nothing leaves now."""

    sequence: str
    run: int
    status: str
    step: int
    steps: int
    next_step: str | None
    next_at: str | None
    mailbox: str | None
    reasons: list[str]
    end_reason: str | None


class Lead(BaseModel):
    """A person."""

    email: str
    first_name: str
    last_name: str
    name: str
    company: str
    domain: str
    zone: str | None
    stage: str
    owner: str | None
    tags: list[str]
    custom: dict[str, Any]
    created_at: str


class WholeLead(Lead):
    """A person, and where they stand."""

    suppressed: str | None
    enrollments: list[Run]


class Leads(BaseModel):
    """A page; `next` is the cursor of the next one, None on the last."""

    leads: list[Lead]
    next: str | None


class Sequence(BaseModel):
    """A sequence; `enrollments`: how many leads by status."""

    name: str
    status: str
    steps: int
    changed_at: str
    enrollments: dict[str, int]


class Sequences(BaseModel):
    """Every sequence."""

    sequences: list[Sequence]


class Event(BaseModel):
    """A line of the journal."""

    id: int
    at: str
    actor: str
    verb: str
    lead: str | None
    sequence: str | None
    run: int | None
    enrollment: int | None
    delivery: int | None
    batch: int | None
    was: str | None
    became: str | None
    reason: str
    version: int | None


class Events(BaseModel):
    """Lines after a cursor; `next` is the cursor to ask with then, the same where there was nothing new."""

    events: list[Event]
    next: int


class Delivery(BaseModel):
    """One attempt to hand a step over, as it stands now."""

    id: int
    kind: str
    message_id: str | None
    state: str
    reason: str | None
    lead: str
    sequence: str
    step: str | None
    position: int | None
    run: int
    attempt: int
    mailbox: str | None
    subject: str
    code: int | None
    answer: str | None
    created_at: str
    claimed_at: str | None
    sending_at: str | None
    settled_at: str | None


class Deliveries(BaseModel):
    """Deliveries after a cursor, in the order in which they were made."""

    deliveries: list[Delivery]
    next: int
