"""What the messages of one conversation have in common: its card, the subject of an answer, and the thread."""

from __future__ import annotations

import re

from sqlmodel import Session, col, select

from core.inbound.words import Kind
from core.mime import is_message_id
from core.models import Delivery, DeliveryState, Message
from core.plain import is_forbidden

SUBJECT_CHARS = 300
MOST_REFERENCES = 20  # RFC 5322 lets a long thread lose its middle
# How every mail program that matters marks an answer, in the languages that translate it.
ANSWER = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|r|rif|res|ynt|atb|回复|答复|回覆)\s*(?:\[\d+\])?\s*[:：]\s*)+(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
ANSWERABLE = (Kind.REPLY, Kind.CALENDAR)  # somebody wrote it who waits for an answer
_LEFT = (DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value)


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
    ours = session.exec(
        select(Delivery.sending_at, Delivery.message_id).where(
            Delivery.enrollment_id == enrollment_id,
            col(Delivery.state).in_(_LEFT),
            col(Delivery.sending_at) <= message.came_at,
        )
    )
    theirs = session.exec(
        select(Message.came_at, Message.message_id).where(
            Message.lead_id == message.lead_id,
            col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
            col(Message.id) < (message.id or 0),
            Message.came_at <= message.came_at,
        )
    )
    before = sorted((at, one) for at, one in (*ours, *theirs) if at and one and is_message_id(one))
    last = [message.message_id] if message.message_id and is_message_id(message.message_id) else []
    thread = [*dict.fromkeys(one for _, one in before if one not in last), *last]
    return tuple(thread if len(thread) <= MOST_REFERENCES else [thread[0], *thread[1 - MOST_REFERENCES :]])
