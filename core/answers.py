"""What Fermata says back, before it is drawn: the same for Slack, the command line and the tests.

Everything is plain text. Whoever draws it must keep it plain: lead data can say anything (DESIGN G10).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Choice:
    """A button under an answer; clicking it runs `command` (slash grammar) as the person who clicks.

    `proposal` names the stored proposal it confirms; `confirm` is asked before, None: at once.
    """

    label: str
    command: str = ""
    style: str | None = None  # "primary", "danger" or None
    confirm: str | None = None
    proposal: str | None = None


@dataclass(frozen=True)
class Row:
    """One line of a list about an enrollment, with its buttons."""

    title: str
    detail: str
    enrollment_id: int | None = None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Answer:
    """`title` is one sentence; `lines` say more, one fact each.

    `card_leads`: leads whose card should stand in the channel. `batch_id`: what Undo would undo. `is_public`: shown to
    everybody in the channel rather than to the asker alone. `is_refusal`: nothing was changed.
    """

    title: str
    lines: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    rows: tuple[Row, ...] = ()
    more: Choice | None = None  # the next page
    card_leads: tuple[int, ...] = ()
    batch_id: int | None = None
    is_public: bool = False
    is_refusal: bool = False

    def as_text(self) -> str:
        """Give the whole answer as plain text, for a terminal and for Slack's fallback text."""
        rows = [f"{row.title}: {row.detail}" for row in self.rows]
        return "\n".join([self.title, *self.lines, *rows])


@dataclass(frozen=True)
class EnrollmentView:
    """One enrollment as a card shows it. `next_at` None: nothing is due. `reasons`: why nothing leaves, strongest first."""

    id: int
    version: int
    sequence: str
    run: int
    status: str  # words of core.lifecycle.Status
    position: int
    steps: int
    next_step: str | None  # the subject, or the task's title
    next_at: datetime | None
    is_under_way: bool = False  # a hand-over has begun and is not yet settled
    reasons: tuple[str, ...] = ()
    has_started: bool = False
    mailbox: str | None = None
    end_reason: str | None = None


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened."""

    at: datetime
    text: str


@dataclass(frozen=True)
class LeadCard:
    """Everything the lead card shows; `zone` is the lead's, else None. `is_erased`: the person is no longer here."""

    lead_id: int
    email: str
    name: str
    company: str = ""
    stage: str = ""
    owner: str | None = None
    zone: str | None = None
    tags: tuple[str, ...] = ()
    enrollments: tuple[EnrollmentView, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    suppressed: str | None = None
    halted: str | None = None
    is_erased: bool = False


@dataclass(frozen=True)
class UncertainCard:
    """A delivery of which nobody knows whether it left. `verdict` None: still waiting for a person."""

    delivery_id: int
    lead: str
    sequence: str
    step: int
    subject: str
    began_at: datetime
    reason: str
    verdict: str | None = None


@dataclass(frozen=True)
class TaskCard:
    """A task waiting for its person. `state`: open, hidden (the lead is paused), done or skipped."""

    delivery_id: int
    enrollment_id: int
    lead: str
    sequence: str
    title: str
    body: str
    state: str
    owner: str | None = None
    version: int = 0  # the enrollment's, which its buttons carry


@dataclass(frozen=True)
class NoticeCard:
    """A plain notice that stays: a mailbox is down, sending is halted."""

    title: str
    lines: tuple[str, ...] = field(default=())


CardView = LeadCard | UncertainCard | TaskCard | NoticeCard
