"""What the steps of a hand-over pass to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.models import Lead, Message, Step
from core.sequence_file.spec import Track

BATCH = 100
LEASE = timedelta(seconds=120)
NOTHING = Track()
RETRY_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))


@dataclass(frozen=True)
class Claimed:
    """One step leased to this worker. `references`: the Message-IDs it follows, oldest first.

    `woke_at`: since when the step was due to be looked at, which it keeps when it is given back.
    """

    delivery_id: int
    fence: int
    enrollment_id: int
    message_id: str
    step: Step
    sequence_name: str
    lead: Lead
    references: tuple[str, ...] = ()
    thread_subject: str = ""
    woke_at: datetime | None = None
    track: Track = NOTHING

    @property
    def recipient(self) -> str:
        """Give the address it goes to."""
        return self.lead.email

    @property
    def is_tracked(self) -> bool:
        """Say whether anything is counted of its readers."""
        return self.track != NOTHING


@dataclass(frozen=True)
class ClaimedReply:
    """One answer of a person leased to this worker. `answers` is what it answers, read in `zone`."""

    delivery_id: int
    fence: int
    enrollment_id: int
    message_id: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    answers: Message
    zone: str
    references: tuple[str, ...] = ()


Hand = Claimed | ClaimedReply


class Fate(StrEnum):
    """What became of a hand-over, as far as it is certain."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Report:
    """The end of one hand-over: `at` is when the answer came, `answer` the server's words."""

    delivery_id: int
    fence: int
    fate: Fate
    at: datetime
    subject: str = ""
    code: int | None = None
    answer: str = ""
