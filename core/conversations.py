"""What the messages of one conversation have in common: its card, and how an answer goes: to whom, from where, after what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from core.errors import Refused
from core.inbound.words import Kind
from core.lifecycle import Status
from core.mime import is_message_id
from core.models import (
    LARGEST_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    Mailbox,
    Message,
    Reply,
    Suppression,
)
from core.plain import is_forbidden

SUBJECT_CHARS = 300
MOST_REFERENCES = 20  # RFC 5322 lets a long thread lose its middle
# How every mail program that matters marks an answer, in the languages that translate it.
ANSWER = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|r|rif|res|ynt|atb|回复|答复|回覆)\s*(?:\[\d+\])?\s*[:：]\s*)+(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
ANSWERABLE = (Kind.REPLY, Kind.CALENDAR)  # somebody wrote it who waits for an answer
GONE = "That message is no longer here."
_LEFT = (DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value)


@dataclass(frozen=True)
class Seen:
    """What somebody had in front of them.

    The last message, as it was judged, the last answer to it (0: none), and how many of the lead's runs were stopped.
    """

    message_id: int
    stamp: int
    reply_id: int
    stopped: int = 0


@dataclass(frozen=True)
class Way:
    """How an answer to a message goes."""

    enrollment_id: int
    mailbox: Mailbox
    recipient: str


def card_key(lead_id: int, enrollment_id: int | None) -> str:
    """Give the key of the one live card of a conversation."""
    return f"review:{lead_id}:{enrollment_id or 0}"


def stamp(message: Message) -> int:
    """Give a number that changes with every correction: a button that knows an older one is out of date."""
    return int(message.corrected_at.timestamp() * 1000) if message.corrected_at else 0


def newest(session: Session, message: Message) -> Message:
    """Give the last message of a conversation that can be answered; the one that was asked for where none is newer."""
    query = select(Message).where(
        Message.lead_id == message.lead_id,
        col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
        col(Message.id) > (message.id or 0),
        col(Message.kind).in_([kind.value for kind in ANSWERABLE]),
    )
    return session.exec(query.order_by(col(Message.id).desc()).limit(1)).first() or message


def answered(subject: str) -> str:
    """Give the subject that this one answers, "" where it answers none."""
    answer = ANSWER.match(subject)
    return " ".join(answer["rest"].split()) if answer else ""


def answering(subject: str) -> str:
    """Give the subject of an answer to a mail with this one, fit for a header whatever it says."""
    rest = answered(subject) or " ".join(subject.split())
    safe = "".join(char for char in rest if not is_forbidden(char)).replace("=?", "= ?")
    return f"Re: {safe[:SUBJECT_CHARS]}".strip()


def references(session: Session, message: Message, enrollment_id: int) -> tuple[str, ...]:
    """Give the Message-IDs that an answer to this message follows, oldest first; the message's own is the last.

    What other systems wrote and no header can hold is left out.
    """
    # Servers date what comes in by whole seconds, so it may seem older than what it answers.
    mail = session.get(Delivery, message.delivery_id) if message.delivery_id else None
    until = max(message.came_at, mail.sending_at) if mail and mail.sending_at else message.came_at
    ours = session.exec(
        select(Delivery.sending_at, Delivery.message_id).where(
            Delivery.enrollment_id == enrollment_id,
            col(Delivery.state).in_(_LEFT),
            col(Delivery.sending_at) <= until,
        )
    )
    theirs = session.exec(
        select(Message.came_at, Message.message_id).where(
            Message.lead_id == message.lead_id,
            col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
            col(Message.id) < (message.id or 0),
        )
    )
    before = sorted((at, one) for at, one in (*ours, *theirs) if at and one and is_message_id(one))
    last = [message.message_id] if message.message_id and is_message_id(message.message_id) else []
    thread = [*dict.fromkeys(one for _, one in before if one not in last), *last]
    return tuple(thread if len(thread) <= MOST_REFERENCES else [thread[0], *thread[1 - MOST_REFERENCES :]])


def find(session: Session, message_id: int) -> tuple[Message, Lead]:
    """Give a message and its lead; raises Refused where they are no longer here."""
    message = session.get(Message, message_id) if 0 < message_id <= LARGEST_ID else None
    lead = session.get(Lead, message.lead_id) if message else None
    if message is None or lead is None:
        raise Refused(GONE)
    return message, lead


def seen(session: Session, message: Message) -> Seen:
    """Give what somebody would have in front of them now."""
    last = newest(session, message)
    reply = session.exec(
        select(Reply.id)
        .join(Message, col(Message.id) == col(Reply.message_id))
        .where(
            Message.lead_id == message.lead_id,
            col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
        )
        .order_by(col(Reply.id).desc())
        .limit(1)
    ).first()
    stopped = select(func.count()).where(
        Enrollment.lead_id == message.lead_id, Enrollment.status == Status.STOPPED.value
    )
    return Seen(last.id or 0, stamp(last), reply or 0, session.exec(stopped).one())


def way(session: Session, message: Message, lead: Lead) -> Way:
    """Give how an answer goes; raises Refused, with what to do, where none can."""
    recipient = recipient_of(message, lead)
    if email := suppressed_of(session, [lead.email, recipient]):
        raise Refused(f"{email} is suppressed and gets no mail from Fermata, whoever writes it.")
    if Kind(message.kind) not in ANSWERABLE:
        raise Refused(
            "This is no message that somebody waits to have answered; correct it on its card first."
        )
    run = (
        session.get(Enrollment, message.enrollment_id) if message.enrollment_id else _last_run(session, lead)
    )
    if run is None or run.id is None:
        raise Refused(
            f"{lead.email} is in no sequence, so no mailbox is theirs; answer from your own mail program."
        )
    for mailbox_id in (run.mailbox_id, message.mailbox_id):
        if mailbox_id is not None and (mailbox := session.get(Mailbox, mailbox_id)):
            return Way(run.id, mailbox, recipient)
    raise Refused("No mailbox is assigned to this lead; add one with `fermata mailbox add`.")


def _last_run(session: Session, lead: Lead) -> Enrollment | None:
    query = select(Enrollment).where(Enrollment.lead_id == lead.id).order_by(col(Enrollment.id).desc())
    return session.exec(query.limit(1)).first()


def recipient_of(message: Message, lead: Lead) -> str:
    """Give the address that an answer to a message goes to: whoever wrote it."""
    return message.sender or lead.email


def suppressed_of(session: Session, addresses: Iterable[str]) -> str | None:
    """Give the first of these addresses that gets no mail, None where all do."""
    query = select(Suppression.email).where(col(Suppression.email).in_(set(addresses)))
    return session.exec(query).first()
