"""What people answer to leads from a card: written once, sent by the mailbox's sender like every other mail.

`write` makes the answer and its delivery in one transaction; core/handover/replies.py says what lets it leave. The lead's
own run is not touched: it stays as the rule, or a person, left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, col, select

from core import cards, letters
from core.answers import Answer
from core.conversations import ANSWERABLE, answering, card_key, newest, stamp
from core.errors import Refused
from core.handover.replies import KIND, hand_of, recipient_of, suppressed_of, told
from core.inbound.words import Kind
from core.letters import Office
from core.lifecycle import Verdict
from core.mime import Sender
from core.models import (
    LARGEST_ID,
    WORKSPACE_ID,
    Card,
    Delivery,
    DeliveryState,
    Enrollment,
    Journal,
    Lead,
    Mailbox,
    Message,
    Reply,
    Workspace,
)
from core.names import name_of
from core.people import Actor
from core.plain import is_forbidden
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome

MOST_CHARS = 3_000  # as much as Slack lets anybody type into a field
GONE = "That message is no longer here."


@dataclass(frozen=True)
class Seen:
    """What somebody had in front of them: the last message, as it was judged, and the last answer to it (0: none)."""

    message_id: int
    stamp: int
    reply_id: int


@dataclass(frozen=True)
class Way:
    """How an answer to a message goes."""

    enrollment_id: int
    mailbox: Mailbox
    recipient: str


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
    return Seen(last.id or 0, stamp(last), reply or 0)


def is_written(session: Session, key: str) -> bool:
    """Say whether what was typed into this form is on its way already."""
    return session.exec(select(Reply.id).where(Reply.key == key)).first() is not None


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


def checked(text: str) -> str:
    """Give what was typed, fit to be sent; raises Refused with a sentence for its field."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused("Write the answer first.")
    if len(text) > MOST_CHARS:
        raise Refused(f"That is {len(text):,} characters long; an answer may have {MOST_CHARS:,}.")
    if is_forbidden(text.replace("\n", " ").replace("\t", " ")):
        raise Refused("There are control characters in that text; type it anew.")
    return text


def write(
    session: Session,
    message_id: int,
    text: str,
    *,
    key: str,
    actor: Actor,
    now: datetime,
    saw: Seen | None = None,
) -> Answer:
    """Have an answer sent and say so; the same `key` again finds it and sends nothing.

    Raises Refused where it cannot be sent, or where more was said since (`saw`).
    """
    message, lead = find(session, message_id)
    lock_leads(session, [message.lead_id])
    session.refresh(message)
    made = session.exec(select(Reply).where(Reply.key == key)).first()
    if made is None:
        if saw is not None and saw != seen(session, message):
            raise Refused(
                "Somebody wrote or answered in the same moment, so yours was not sent; press *Reply* again."
            )
        made = _make(session, message, lead, checked(text), key, actor=actor, now=now)
    mailbox = way(session, message, lead).mailbox.address
    return Answer(
        f"Your answer to {recipient_of(message, lead)} leaves from {mailbox}.",
        ("The card says when it has left. The sequence stays as it is: resume or stop it there.",),
    )


def _make(
    session: Session,
    message: Message,
    lead: Lead,
    text: str,
    key: str,
    *,
    actor: Actor,
    now: datetime,
    attempt: int = 0,
) -> Reply:
    going = way(session, message, lead)
    sequence_id = session.get_one(Enrollment, going.enrollment_id).sequence_id
    reply = Reply(
        key=key, message_id=message.id or 0, enrollment_id=going.enrollment_id, author=actor.id,
        subject=answering(message.subject or _subject_answered(session, message)), text=text, created_at=now,
    )  # fmt: skip
    session.add(reply)
    session.flush()
    delivery = Delivery(
        enrollment_id=going.enrollment_id, reply_id=reply.id, kind=KIND, attempt=attempt, subject=reply.subject,
        mailbox_id=going.mailbox.id, created_at=now,
        message_id=f"<{uuid4().hex}@{going.mailbox.address.rpartition('@')[2]}>",
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    hand = hand_of(session, delivery, reply, message, lead, zone=zone)
    # Written once beforehand, so that what no header can hold is refused to its author, not found out at the server.
    letters.write(hand, Sender(going.mailbox.address, going.mailbox.name), Office("", b""), now=now)
    session.add(
        Journal(
            at=now, actor=actor.id, verb="reply", lead_id=lead.id, sequence_id=sequence_id,
            enrollment_id=going.enrollment_id, delivery_id=delivery.id, reason=f"to {going.recipient}",
        )
    )  # fmt: skip
    _show(session, message, reply, now=now)
    return reply


def _subject_answered(session: Session, message: Message) -> str:
    delivery = session.get(Delivery, message.delivery_id) if message.delivery_id else None
    return delivery.subject if delivery else ""


def _show(session: Session, message: Message, reply: Reply, *, now: datetime) -> None:
    """Want a note in the thread of the conversation's card, and the lead's cards drawn anew."""
    key = card_key(message.lead_id, message.enrollment_id)
    parent = session.exec(select(Card).where(Card.key == key)).first()
    if parent is not None:
        cards.show(
            session, f"answer:{reply.id}", channel=parent.channel, lead_id=message.lead_id, about_id=reply.id,
            parent_id=parent.id, now=now,
        )  # fmt: skip
    cards.touch(session, lead_ids=[message.lead_id])


def settle(
    session: Session,
    delivery: Delivery,
    verdict: Verdict,
    state: DeliveryState,
    because: str,
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Write down what became of an answer of which nobody knew whether it left; *again* makes a new one of it."""
    reply = session.get_one(Reply, delivery.reply_id)
    message, lead = find(session, reply.message_id)
    delivery.state, delivery.settled_at, delivery.reason = state.value, now, because
    session.add(delivery)
    if verdict is Verdict.AGAIN:
        key = f"again:{delivery.id}"
        _make(session, message, lead, reply.text, key, actor=actor, now=now, attempt=delivery.attempt + 1)
    run = session.get_one(Enrollment, delivery.enrollment_id)
    session.add(
        Journal(
            at=now, actor=actor.id, verb=f"settle {verdict}", lead_id=lead.id, sequence_id=run.sequence_id,
            enrollment_id=run.id, delivery_id=delivery.id,
        )
    )  # fmt: skip
    told(session, [(delivery.id or 0, delivery.enrollment_id, because)], now=now)
    said = {Verdict.LEFT: "It left", Verdict.AGAIN: "Sending again", Verdict.DROP: "Dropped"}[verdict]
    author = name_of(session, reply.author)
    return Outcome(Answer(f"{said}: the answer of {author} to {recipient_of(message, lead)}."))
