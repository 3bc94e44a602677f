"""What people answer to leads from a card: written once, sent by the mailbox's sender like every other mail.

`write` makes the answer and its delivery in one transaction; core/handover/replies.py says what lets it leave. The lead's
own run is not touched: it stays as the rule, or a person, left it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlmodel import Session, col, select

from core import cards, letters, permissions
from core.answers import Answer
from core.conversations import Seen, answering, card_key, find, recipient_of, seen, way
from core.errors import Refused
from core.handover.replies import KIND, hand_of, told
from core.letters import Office
from core.lifecycle import LIVE, Verdict
from core.mime import Sender
from core.models import (
    WORKSPACE_ID,
    Card,
    Delivery,
    DeliveryState,
    Enrollment,
    Journal,
    Lead,
    Message,
    Reply,
    Workspace,
)
from core.names import name_of
from core.people import Actor
from core.plain import is_forbidden
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome
from core.views import why

MOST_CHARS = 3_000  # as much as Slack lets anybody type into a field


def is_written(session: Session, key: str) -> bool:
    """Say whether what was typed into this form is on its way already."""
    return session.exec(select(Reply.id).where(Reply.key == key)).first() is not None


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
    permissions.check(session, [message.lead_id], actor=actor, now=now)
    session.refresh(message)
    made = session.exec(select(Reply).where(Reply.key == key)).first()
    if made is None:
        if saw is not None and saw != seen(session, message):
            raise Refused(
                "Somebody wrote, answered or stopped the lead in the same moment, so yours was not sent; press *Reply* again."
            )
        made = _make(session, message, lead, checked(text), key, actor=actor, now=now)
    mailbox = way(session, message, lead).mailbox.address
    halted = why.halt(session, actor.zone)
    leaves = "waits until the halt ends, and then leaves" if halted else "leaves"
    return Answer(
        f"Your answer to {recipient_of(message, lead)} {leaves} from {mailbox}.",
        (
            *((f"{halted} An answer that could not leave for 24 hours is not sent.",) if halted else ()),
            f"The card says when it has left. {_stays(session, lead)}",
        ),
    )


def _stays(session: Session, lead: Lead) -> str:
    """Give what an answer leaves as it was."""
    live = Enrollment.lead_id == lead.id, col(Enrollment.status).in_(LIVE)
    if session.exec(select(Enrollment.id).where(*live).limit(1)).first() is None:
        return "Nothing else is sent to them: no sequence of theirs is running."
    return "The sequence stays as it is: resume or stop it there."


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
    cards.touch_digests(session, lead_ids=[message.lead_id])


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
