"""The tables. They hold what is true; Redis and Slack only show it or speed it up.

SQLModel tables do not validate: values are checked at the edges (grammar, sequence_file, lead_file, settings).
Status words are plain strings of the enums in core/lifecycle and of DeliveryState below.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint, text, true
from sqlmodel import Field, SQLModel

from core.types import Microseconds, UtcDateTime

WORKSPACE_ID = 1
LARGEST_ID = 2**31 - 1  # of a row: PostgreSQL refuses a larger number instead of finding nothing
# Named constraints can be altered later on every database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class DeliveryState(StrEnum):
    """`ready → claimed → sending → sent | failed | uncertain`; `claimed → skipped`; a task waits as `open`."""

    READY = "ready"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    OPEN = "open"


class SequenceStatus(StrEnum):
    """`draft → published ⇄ paused → archived`."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    ARCHIVED = "archived"


def _instant(*, index: bool = False, required: bool = False) -> Any:
    return Field(default=None, sa_type=UtcDateTime, index=index, nullable=not required)


def _json(default: Any) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


def _long(default: str | None = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=default is None))


def _id() -> Any:
    return Field(default=None, primary_key=True)


class Workspace(SQLModel, table=True):
    """The one row that every hand-over locks first: halted or not, and the defaults."""

    id: int = Field(default=WORKSPACE_ID, primary_key=True)
    zone: str = "UTC"
    channel: str = ""
    # The reply barrier: no follow-up leaves a mailbox that was not read for so long (DESIGN G7).
    read_within_seconds: int = Field(default=600, sa_column_kwargs={"server_default": "600"})
    # Past these shares of what a mailbox or a sequence sent it is held, in per cent; with fewer sends nobody can tell.
    bounce_limit: float = Field(default=5, sa_column_kwargs={"server_default": "5"})
    complaint_limit: float = Field(default=0.1, sa_column_kwargs={"server_default": "0.1"})
    guard_sends: int = Field(default=50, sa_column_kwargs={"server_default": "50"})
    # Whether links of ours can stand in mail (FERMATA_BASE_URL): to unsubscribe, and those that are counted.
    has_links: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    halted_at: datetime | None = _instant()
    halted_by: str | None = None
    halted_because: str | None = None
    # Whether this is the database that was sent from last, or a copy of it that was restored (DESIGN G9).
    lineage: str | None = None
    beat: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Member(SQLModel, table=True):
    """A Slack user as last seen: who may act, and in which zone their words are read."""

    id: str = Field(primary_key=True)
    name: str
    zone: str = "UTC"
    is_guest: bool = False
    is_bot: bool = False
    is_deleted: bool = False
    seen_at: datetime = _instant(required=True)


class Lead(SQLModel, table=True):
    """A person: one email address."""

    id: int | None = _id()
    email: str = Field(unique=True)
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    domain: str = Field(default="", index=True)
    zone: str | None = None
    stage: str = Field(default="", index=True)
    owner: str | None = Field(default=None, index=True)
    custom: dict[str, Any] = _json(dict)
    created_at: datetime = _instant(required=True)


class LeadTag(SQLModel, table=True):
    """A tag on a lead."""

    __tablename__ = "lead_tag"
    lead_id: int = Field(primary_key=True, foreign_key="lead.id")
    tag: str = Field(primary_key=True, index=True)


class Sequence(SQLModel, table=True):
    """Ordered steps with settings; `spec` is the canonical YAML of core/sequence_file."""

    id: int | None = _id()
    name: str
    key: str = Field(unique=True)  # the name, case-folded
    status: str = SequenceStatus.DRAFT.value
    spec: str = _long()
    version: int = 0
    created_at: datetime = _instant(required=True)
    changed_at: datetime = _instant(required=True)
    changed_by: str = ""
    published_spec: str | None = _long(None)  # as it was when it was published last


class Step(SQLModel, table=True):
    """One unit of a sequence. `position` None: removed, kept for the record."""

    __table_args__ = (UniqueConstraint("sequence_id", "key"),)
    id: int | None = _id()
    sequence_id: int = Field(foreign_key="sequence.id")
    key: str
    position: int | None = None
    kind: str
    subject: str = _long()
    body: str = _long()
    is_threaded: bool = False
    # of an email that is tried in several versions: name, weight, subject and body of each; None: one version
    variants: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


class Mailbox(SQLModel, table=True):
    """A sender. Passwords stay in the environment; `password_env` names the variable."""

    id: int | None = _id()
    address: str = Field(unique=True)
    name: str = ""
    smtp_host: str
    smtp_port: int
    smtp_security: str
    username: str | None = None
    password_env: str | None = None
    # or "google", "microsoft": then `password_env` names the variable of the refresh token
    auth: str = Field(default="password", sa_column_kwargs={"server_default": "password"})
    imap_host: str | None = None  # None: nothing is read, and nobody waits for it
    imap_port: int | None = None
    imap_security: str | None = None
    read_at: datetime | None = _instant()  # when everything in it was last read
    unread_because: str | None = None
    reader: str | None = None  # the one process that reads it, until `reader_until`
    reader_until: datetime | None = _instant()
    connections: int = 4
    cap_per_day: int = 200
    min_gap_seconds: float = 0
    ramp_from: int | None = None  # the cap of the first day; None: no ramp-up
    ramp_step: int = 0  # how much the cap grows a day
    zone: str = "UTC"  # whose midnight begins a new day of the cap
    first_day: str | None = None  # ISO date of its first hand-over, where the ramp begins
    last_handed_at: datetime | None = _instant()
    down_at: datetime | None = _instant()
    down_because: str | None = None
    retry_at: datetime | None = _instant()
    # Too many bounces or complaints: nothing leaves until a person releases it; judged anew from then on.
    guarded_at: datetime | None = _instant()
    guarded_because: str | None = None
    released_at: datetime | None = _instant()
    released_by: str | None = None
    created_at: datetime = _instant(required=True)


class Folder(SQLModel, table=True):
    """How far a folder of a mailbox has been read (RFC 3501 §2.3.1.1); written with the messages it counts."""

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    name: str = Field(primary_key=True)
    uidvalidity: int = Field(sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)


class MailboxDay(SQLModel, table=True):
    """How many hand-overs a mailbox began on one of its days."""

    __tablename__ = "mailbox_day"
    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    day: str = Field(primary_key=True)
    handed: int = 0


class Enrollment(SQLModel, table=True):
    """One lead in one sequence, one run of it.

    `due_at`: the countdown's end. `send_at`: the first moment at or after it that is inside the window.
    `wake_at`: when the sender looks next; later than `send_at` while a lease or a cap holds it back.
    """

    __table_args__ = (
        UniqueConstraint("lead_id", "sequence_id", "run"),
        Index(
            "one_live_run",
            "lead_id",
            "sequence_id",
            unique=True,
            sqlite_where=text("status IN ('pending','in_progress','paused','skipped')"),
            postgresql_where=text("status IN ('pending','in_progress','paused','skipped')"),
        ),
        Index(
            "due",
            "mailbox_id",
            "wake_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index("of_sequence", "sequence_id", "status"),
        Index(
            "awaited",
            "wake_at",
            sqlite_where=text("awaits_since IS NOT NULL"),
            postgresql_where=text("awaits_since IS NOT NULL"),
        ),
    )
    id: int | None = _id()
    lead_id: int = Field(foreign_key="lead.id")
    sequence_id: int = Field(foreign_key="sequence.id")
    run: int = 1
    status: str
    position: int = 0
    attempt: int = 0
    due_at: datetime | None = _instant()
    send_at: datetime | None = _instant()
    wake_at: datetime | None = _instant()
    remaining: timedelta | None = Field(default=None, sa_type=Microseconds)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    has_started: bool = False
    version: int = 0
    # While a condition is awaited: from when on facts count. `wake_at` is then when it is looked at next.
    awaits_since: datetime | None = _instant()
    enrolled_at: datetime = _instant(required=True)
    ended_at: datetime | None = _instant()
    end_reason: str | None = None


class Hold(SQLModel, table=True):
    """One reason why an enrollment is paused. `until` None: no end date; `released_at` None: still open."""

    __table_args__ = (
        Index("open_holds", "enrollment_id", sqlite_where=text("released_at IS NULL"),
              postgresql_where=text("released_at IS NULL")),
        Index("ending_holds", "until", sqlite_where=text("released_at IS NULL"),
              postgresql_where=text("released_at IS NULL")),
        Index("announced_holds", "announce_at", sqlite_where=text("announce_at IS NOT NULL"),
              postgresql_where=text("announce_at IS NOT NULL")),
        Index("released_holds", "released_at", sqlite_where=text("released_at IS NOT NULL"),
              postgresql_where=text("released_at IS NOT NULL")),
    )  # fmt: skip
    id: int | None = _id()
    enrollment_id: int = Field(foreign_key="enrollment.id")
    source: str
    reason: str = _long()
    author: str
    placed_at: datetime = _instant(required=True)
    until: datetime | None = _instant()
    policy: str | None = None  # how the countdown goes on once `until` comes; None: the sequence's own way
    announce_at: datetime | None = (
        _instant()
    )  # when the owner is told that it will end; None: told, or not at all
    batch_id: int | None = Field(default=None, foreign_key="batch.id", index=True)
    released_at: datetime | None = _instant()
    released_by: str | None = None


class Delivery(SQLModel, table=True):
    """One attempt to hand one step of one enrollment to SMTP, one task to a person, or one person's answer to a lead.

    The unique keys are what keeps a step, and an answer, from leaving twice; `attempt` rises only by a named person's act.
    """

    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_id", "attempt"),
        Index("under_way", "state", "lease_until", sqlite_where=text("state IN ('claimed','sending')"),
              postgresql_where=text("state IN ('claimed','sending')")),
        Index("snoozed", "snoozed_until", sqlite_where=text("snoozed_until IS NOT NULL"),
              postgresql_where=text("snoozed_until IS NOT NULL")),
        Index("gone_wrong", "state", "id", sqlite_where=text("state IN ('failed','uncertain','skipped')"),
              postgresql_where=text("state IN ('failed','uncertain','skipped')")),
        Index("ready_replies", "mailbox_id", sqlite_where=text("kind = 'reply' AND state = 'ready'"),
              postgresql_where=text("kind = 'reply' AND state = 'ready'")),
    )  # fmt: skip
    id: int | None = _id()
    enrollment_id: int = Field(foreign_key="enrollment.id")
    step_id: int | None = Field(default=None, foreign_key="step.id")  # None: a person's answer, no step
    # of a table that comes later and refers to this one: a foreign key would close a circle
    reply_id: int | None = Field(default=None, unique=True)
    attempt: int = 0
    kind: str = "email"  # or "task", "reply"
    variant: str | None = None  # the version of the email that left
    snoozed_until: datetime | None = _instant()  # a task that its person put off
    state: str = DeliveryState.READY.value
    reason: str | None = _long(None)
    message_id: str | None = Field(default=None, unique=True)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    subject: str = _long()
    fence: int = 0
    tries: int = 0
    lease_until: datetime | None = _instant()  # of a ready answer: when it is tried again
    created_at: datetime = _instant(required=True)
    claimed_at: datetime | None = _instant()
    sending_at: datetime | None = _instant()
    settled_at: datetime | None = _instant()
    code: int | None = None
    answer: str | None = _long(None)

    @property
    def is_open_question(self) -> bool:
        """Say whether a person must still say what became of it."""
        return self.state == DeliveryState.UNCERTAIN and self.settled_at is None


class Message(SQLModel, table=True):
    """A message that came back, however often it was delivered: what it is, whom it concerns, what the rule did.

    Only messages that concern a lead are kept, and of those only the sender's own words (`text`, 4,000 characters).
    """

    __table_args__ = (Index("conversation", "lead_id", "enrollment_id"),)
    id: int | None = _id()
    key: str = Field(unique=True)  # of Message-ID and content
    message_id: str | None = Field(default=None, index=True)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    lead_id: int = Field(foreign_key="lead.id")
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id")
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", index=True)
    came_at: datetime = _instant(required=True)
    matched_by: str  # "thread", "address" or "company"
    sender: str
    sender_name: str = ""
    subject: str = _long()
    text: str = _long()
    kind: str  # core.inbound.Kind, as judged last
    judged_kind: str  # as judged first
    findings: dict[str, Any] = _json(dict)
    outcome: str = _long()  # what was done, one sentence
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
    corrected_by: str | None = None
    corrected_at: datetime | None = _instant()


class Reply(SQLModel, table=True):
    """What a person wrote to a lead from a card: it leaves the lead's own mailbox, once, as a delivery of its own."""

    id: int | None = _id()
    key: str = Field(unique=True)  # of the form it was written in: pressing twice sends once
    message_id: int = Field(foreign_key="message.id", index=True)  # what it answers
    enrollment_id: int = Field(foreign_key="enrollment.id", index=True)
    author: str
    subject: str = _long()
    text: str = _long()
    created_at: datetime = _instant(required=True)


class Meeting(SQLModel, table=True):
    """A meeting with a lead. `state`: a word of core.meetings.State; `number` and `changed_at` order its news."""

    id: int | None = _id()
    key: str = Field(unique=True)  # of the lead, the source and its id there: one meeting may have two leads
    lead_id: int = Field(foreign_key="lead.id", index=True)
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id")
    source: str
    title: str = _long()
    state: str = "booked"
    number: int = 0
    changed_at: datetime = _instant(required=True)
    starts_at: datetime | None = _instant()
    ends_at: datetime | None = _instant(index=True)
    asked_at: datetime | None = _instant()  # when its card began to ask how it went
    settled_by: str | None = None
    batch_id: int | None = Field(default=None, foreign_key="batch.id")


class Suppression(SQLModel, table=True):
    """An address that gets no mail, whatever anybody does."""

    email: str = Field(primary_key=True)
    reason: str
    author: str
    at: datetime = _instant(required=True)


class Batch(SQLModel, table=True):
    """One act of one person or rule, on one or many enrollments; what `undo` undoes."""

    id: int | None = _id()
    verb: str
    actor: str = Field(index=True)
    at: datetime = _instant(required=True)
    size: int = 0
    undone_at: datetime | None = _instant()
    undone_by: str | None = None


class Journal(SQLModel, table=True):
    """Append-only: who or what did what, when, to whom, from what to what, in which batch.

    `before` holds the enrollment as it was, `version` the version it then got: what an undo needs to be exact.
    """

    id: int | None = _id()
    at: datetime = _instant(required=True)
    actor: str
    verb: str
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    sequence_id: int | None = Field(default=None, foreign_key="sequence.id")
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id")
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id")
    batch_id: int | None = Field(default=None, foreign_key="batch.id", index=True)
    was: str | None = None
    became: str | None = None
    reason: str = _long()
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    version: int | None = None


class Card(SQLModel, table=True):
    """A Slack message that is redrawn for ever: wanted when `wanted` > `drawn`. `ts` None: not yet posted.

    `about_id`: what it shows beside the lead, by `kind` (a message, a meeting, a hold, a mailbox, a batch, a reminder, a
    collision). `parent_id`: the card in whose thread it stands.
    """

    __table_args__ = (
        Index(
            "to_draw",
            "retry_at",
            sqlite_where=text("wanted > drawn"),
            postgresql_where=text("wanted > drawn"),
        ),
        Index("posted", "channel", "ts"),
        Index("drawn_lately", "drawn_at"),
    )
    id: int | None = _id()
    key: str = Field(unique=True)
    kind: str
    channel: str
    ts: str | None = None  # of an App Home the hash of the view that was published last
    meant_for: str | None = None  # the channel it could not be posted to, where `channel` is a person instead
    file_id: str | None = None  # of the picture on it, as Slack names it
    drawn_at: datetime | None = _instant()
    drawn_hash: str | None = None  # of what was drawn last: the same is not drawn again
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", index=True)
    about_id: int | None = None
    parent_id: int | None = Field(default=None, foreign_key="card.id")
    wanted: int = 1
    drawn: int = 0
    tries: int = 0
    retry_at: datetime | None = _instant()
    fault: str | None = None
    created_at: datetime = _instant(required=True)


class Digest(SQLModel, table=True):
    """When a person, or a channel, gets the list of paused leads. `at` None: nobody asked, so at the usual time.

    `day` is the reader's own day on which it was last due, ISO; `card_id` the newest list, the only one that is redrawn.
    """

    id: int | None = _id()
    place: str = Field(unique=True)  # a Slack id, or a channel
    is_channel: bool = False
    asked_by: str | None = None  # who named this channel, and is told where it takes no messages
    at: str | None = None  # "08:30", on the reader's clock
    is_off: bool = False
    day: str | None = None
    card_id: int | None = Field(default=None, foreign_key="card.id")
    weekly_at: str | None = None  # "monday 09:00", on the reader's clock; None: no weekly report
    week: str | None = None  # the ISO week, "2026-W47", of the report that was last due


class Reminder(SQLModel, table=True):
    """What a person asked to be told about a lead, once, at a moment of their own day."""

    __table_args__ = (
        Index("waiting_reminders", "at", sqlite_where=text("fired_at IS NULL AND cancelled_at IS NULL"),
              postgresql_where=text("fired_at IS NULL AND cancelled_at IS NULL")),
    )  # fmt: skip
    id: int | None = _id()
    lead_id: int = Field(foreign_key="lead.id", index=True)
    person: str = Field(index=True)  # who is told
    at: datetime = _instant(required=True)
    note: str = _long()
    created_at: datetime = _instant(required=True)
    created_by: str
    fired_at: datetime | None = _instant()
    cancelled_at: datetime | None = _instant()
    done_at: datetime | None = _instant()  # when somebody pressed Done on its card
    done_by: str | None = None


class Absence(SQLModel, table=True):
    """A person is away: their leads' cards go to `cover`, or, with none, their leads are held in one batch."""

    __table_args__ = (
        Index("one_absence", "person", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip
    id: int | None = _id()
    person: str
    cover: str | None = None
    until: datetime = _instant(required=True)
    batch_id: int | None = Field(default=None, foreign_key="batch.id")  # of the holds it placed
    created_at: datetime = _instant(required=True)
    created_by: str
    ended_at: datetime | None = _instant()
    ended_by: str | None = None


class Collision(SQLModel, table=True):
    """Somebody wants to enroll leads that a colleague works: the colleague is asked, and until then nobody is enrolled.

    `state`: "open", "accepted", "declined", "handed_over" (enrolled, and owned by the asker from then on), "expired" or
    "withdrawn". `batch_id`: of what an acceptance enrolled.
    """

    __table_args__ = (
        Index("open_collisions", "expires_at", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )  # fmt: skip
    id: int | None = _id()
    asker: str
    colleague: str = Field(index=True)
    sequence_id: int = Field(foreign_key="sequence.id")
    lead_ids: list[int] = _json(list)
    why: str = _long()
    state: str = "open"
    created_at: datetime = _instant(required=True)
    expires_at: datetime = _instant(required=True)
    settled_at: datetime | None = _instant()
    settled_by: str | None = None
    batch_id: int | None = Field(default=None, foreign_key="batch.id")


class Seen(SQLModel, table=True):
    """An outside event that has acted; when it comes again it gets the same answer and acts no more."""

    key: str = Field(primary_key=True)
    at: datetime = _instant(index=True, required=True)
    answer: str | None = _long(None)


class Proposal(SQLModel, table=True):
    """A command that asked before acting: the exact enrollments it showed, good for one click."""

    id: str = Field(primary_key=True)
    command: str = _long()
    actor: str
    enrollments: list[int] = _json(list)
    created_at: datetime = _instant(required=True)
    used_at: datetime | None = _instant()
    used_by: str | None = None


class Link(SQLModel, table=True):
    """A link of one mail, or (`url` "") its picture or its hidden link: found by its random token, never made up."""

    id: int | None = _id()
    token: str = Field(unique=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    url: str = _long()
    place: int = 0  # which link of the mail it is, from 1; 0: the picture, -1: the link that nobody can see
    made_at: datetime = _instant(required=True)


class Visit(SQLModel, table=True):
    """Somebody, or some scanner, fetched a link. A suspected scanner never changes a lead.

    `settled_at` None: what else the same visitor does is waited for, and nothing has come of it yet.
    """

    __table_args__ = (
        Index("unsettled", "at", sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL")),
    )  # fmt: skip
    id: int | None = _id()
    link_id: int = Field(foreign_key="link.id", index=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    kind: str  # "click" or "open"
    at: datetime = _instant(required=True)
    agent: str = _long()
    suspect: str = ""  # why it is taken for a scanner; "": a person
    settled_at: datetime | None = _instant()


class Goal(SQLModel, table=True):
    """What shall start and stop sequences by itself, such as a tag or a booked meeting; `spec` is its canonical YAML."""

    id: int | None = _id()
    name: str
    key: str = Field(unique=True)  # the name, case-folded
    spec: str = _long()
    is_off: bool = False
    changed_at: datetime = _instant(required=True)
    changed_by: str = ""


class GoalMet(SQLModel, table=True):
    """A lead met a goal, once for each event: `key` is the event's own."""

    __tablename__ = "goal_met"
    id: int | None = _id()
    goal_id: int = Field(foreign_key="goal.id", index=True)
    lead_id: int = Field(foreign_key="lead.id", index=True)
    key: str = Field(unique=True)
    at: datetime = _instant(required=True)
    outcome: str = _long()
    batch_id: int | None = Field(default=None, foreign_key="batch.id")


class Trial(SQLModel, table=True):
    """A mail that somebody sends to themselves to see it: written, begun once, never tried again, counted nowhere."""

    id: int | None = _id()
    key: str = Field(unique=True)  # of the form: pressing twice sends once
    mailbox_id: int = Field(foreign_key="mailbox.id")
    lead_id: int = Field(foreign_key="lead.id", index=True)  # as whom it is written
    sequence: str
    step: int  # its number
    recipient: str
    content: str = _long()  # the whole message; "" from when it has begun
    asked_by: str
    created_at: datetime = _instant(required=True)
    begun_at: datetime | None = _instant(index=True)
    sent_at: datetime | None = _instant()
    fault: str | None = _long(None)


class ApiToken(SQLModel, table=True):
    """A key to the API; only its hash is kept. `scopes`: what it may do."""

    __tablename__ = "api_token"
    id: int | None = _id()
    name: str
    hash: str = Field(unique=True)
    scopes: list[str] = _json(list)
    created_at: datetime = _instant(required=True)
    created_by: str
    used_at: datetime | None = _instant()
    revoked_at: datetime | None = _instant()
    revoked_by: str | None = None


class ApiCall(SQLModel, table=True):
    """A call of the API that bore an idempotency key, with its answer: the same call again gets it and acts no more."""

    __tablename__ = "api_call"
    key: str = Field(primary_key=True)  # of the token and the key it gave
    request: str  # a hash of what was asked
    status: int | None = None  # None: it is being done
    answer: str | None = _long(None)
    at: datetime = _instant(index=True, required=True)


class Hook(SQLModel, table=True):
    """An address of somebody's that is told what happens: signed with its own secret, which is kept encrypted."""

    id: int | None = _id()
    url: str = _long()
    secret: str = _long()
    events: list[str] = _json(list)
    created_at: datetime = _instant(required=True)
    created_by: str
    off_at: datetime | None = _instant()
    off_because: str | None = None


class HookEvent(SQLModel, table=True):
    """One thing to tell one hook: tried until it is taken, in order for each lead."""

    __tablename__ = "hook_event"
    __table_args__ = (
        Index("untold", "hook_id", "lead_id", "id", sqlite_where=text("told_at IS NULL AND given_up_at IS NULL"),
              postgresql_where=text("told_at IS NULL AND given_up_at IS NULL")),
    )  # fmt: skip
    id: int | None = _id()
    hook_id: int = Field(foreign_key="hook.id")
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    event: str
    payload: dict[str, Any] = _json(dict)
    created_at: datetime = _instant(required=True)
    tries: int = 0
    retry_at: datetime | None = _instant()
    told_at: datetime | None = _instant()
    given_up_at: datetime | None = _instant()
    fault: str | None = None
