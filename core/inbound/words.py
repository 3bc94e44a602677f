"""What can be read from a message that came back: its kind, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a message is, as far as mail to its lead goes."""

    REPLY = "reply"
    OUT_OF_OFFICE = "out_of_office"
    AUTOMATIC = "automatic"  # a receipt, no longer here, a new address
    BOUNCE = "bounce"
    CALENDAR = "calendar"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"


@dataclass(frozen=True)
class Evidence:
    """Why: `where` is a header's name, "subject", "text" or "part"; `text` is quoted from the message, at most 200 characters."""

    where: str
    text: str


@dataclass(frozen=True)
class Return:
    """When somebody is back. `on` None: not said, or not certain; `question` then says what is not certain, "" where nothing is.

    `options` are the days it could be, for a person to choose from. `evidence` is the sentence it was read from.
    """

    on: date | None = None
    question: str = ""
    options: tuple[date, ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Bounce:
    """What a delivery report says. `message_id`: the mail it is about, None where it does not quote it.

    `is_delay`: the server goes on trying, so nothing has bounced yet. `status` is RFC 3463's, such as 5.1.1.
    """

    is_hard: bool
    is_delay: bool = False
    status: str | None = None
    diagnostic: str = ""
    recipient: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class Complaint:
    """Whose mail a spam complaint is about, and who got it, as addresses; complaints often leave both out."""

    senders: tuple[str, ...] = ()
    recipient: str | None = None


@dataclass(frozen=True)
class Invitation:
    """What an iTIP object says (RFC 5546). `answer`: the attendee's PARTSTAT of a reply, in lower case.

    `starts_at`, `ends_at`: aware UTC; None where they cannot be known (no DTSTART, an unknown TZID, a floating time).
    """

    method: str  # "request", "reply", "cancel", "publish", "counter", "declinecounter", "add", "refresh"
    uid: str
    number: int = 0  # SEQUENCE
    stamped_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    title: str = ""
    organizer: str = ""
    attendees: tuple[str, ...] = ()
    answer: str | None = None
    is_recurring: bool = False


@dataclass(frozen=True)
class Envelope:
    """The headers that tell whom a message concerns; ids stand without their angle brackets' surroundings: `<a@b>`.

    `senders`: normalised addresses of every From header, first the one that is shown. `cause`: "" or why it is doubtful.
    """

    message_id: str | None
    answers: tuple[str, ...]  # In-Reply-To, then References, newest first, each once
    senders: tuple[str, ...]
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    may_be_report: bool  # a bounce or complaint, whose body names the mail it is about
    cause: str = ""
    is_bulk: bool = False  # it came by a mailing list, or to many


@dataclass(frozen=True)
class Findings:
    """What a message is and why. `text`: the sender's own words, without quotes and signature, at most 4,000 characters.

    `contacts`: addresses named by an away or a no-longer-here message. `cause`: "" or why a person should look at it.
    `language`: ISO code or None. `about`: Message-IDs found inside (returned copies), for matching.
    """

    kind: Kind
    evidence: tuple[Evidence, ...] = ()
    text: str = ""
    language: str | None = None
    back: Return = field(default_factory=Return)
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    invitation: Invitation | None = None
    contacts: tuple[str, ...] = ()
    cause: str = ""
    about: tuple[str, ...] = ()
