"""What is different for an answer that a person wrote: it goes before any step, and changes no enrollment.

It waits for neither pause, window, cap nor gap: somebody decided, having read what they answer. From a mailbox that is held
nothing leaves, no answer either. What ends it is a stop, a suppression, and age: what could not leave for a day is a surprise when it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, text
from sqlmodel import Session, col, func, select

from core import cards
from core.conversations import recipient_of, references, suppressed_of
from core.handover.locks import lock_enrollments
from core.handover.words import ClaimedReply, Hand
from core.lifecycle import Status
from core.many import IsOne
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Journal,
    Lead,
    Mailbox,
    Message,
    Reply,
    Suppression,
    Workspace,
)
from core.names import SLACK_ID
from core.people import SYSTEM
from core.types import UtcDateTime

KIND, UNSENT = "reply", "unsent"  # of deliveries, and of cards
MOST_AGE = timedelta(hours=24)
TOO_OLD = "it could not leave for 24 hours, and was not sent so late without asking"
SUPPRESSED = "{email} is suppressed and gets no mail"
STOPPED = "the lead was stopped: {reason}"
# Literals, for the partial index: a drain looks here before every batch.
_IS_READY = text("delivery.kind = 'reply' AND delivery.state = 'ready'")
_DUE = text(
    "SELECT id FROM delivery WHERE kind = 'reply' AND state = 'ready' AND mailbox_id = :mailbox "
    "AND (lease_until IS NULL OR lease_until <= :now) ORDER BY id LIMIT :most"
).bindparams(bindparam("now", type_=UtcDateTime()))
# A stop after it was written ends it; somebody whom a rule had stopped before can be answered.
IS_WANTED: ColumnElement[bool] = or_(
    col(Enrollment.status) != Status.STOPPED.value, col(Enrollment.ended_at) < col(Delivery.created_at)
)


def is_due(mailbox_id: Any, now: datetime) -> ColumnElement[bool]:
    """Give the condition that an answer waits to leave this mailbox."""
    may = or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now)
    return select(Delivery.id).where(_IS_READY, col(Delivery.mailbox_id) == mailbox_id, may).exists()


def next_due(session: Session) -> datetime | None:
    """Give when the next answer may leave, None where none waits, or none can."""
    if session.get_one(Workspace, WORKSPACE_ID).halted_at:
        return None
    query = (
        select(func.coalesce(Delivery.lease_until, Delivery.created_at), Mailbox.retry_at)
        .join(Mailbox, col(Mailbox.id) == col(Delivery.mailbox_id))
        .where(_IS_READY, col(Mailbox.down_at).is_(None), col(Mailbox.guarded_at).is_(None))
    )
    return min((max(at, retry_at or at) for at, retry_at in session.exec(query)), default=None)


def claim(session: Session, mailbox_id: int, now: datetime, lease: timedelta, limit: int) -> list[Hand]:
    """Give the answers that wait to leave a mailbox, leased; what must not leave any more is skipped, with its reason."""
    which = {"mailbox": mailbox_id, "now": now, "most": limit}
    ids = list(session.connection().execute(_DUE, which).scalars())
    if not ids:
        return []
    lock_enrollments(session, ids)
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    claimed: list[Hand] = []
    skipped: list[tuple[int, int, str]] = []
    for delivery, reply, message, lead in session.exec(_waiting(ids)).all():
        if reason := _barred(session, delivery, message, lead, now):
            _skip(session, delivery, reason, now=now)
            _tell_author(session, reply, message, now=now)
            skipped.append((delivery.id or 0, delivery.enrollment_id, f"skipped: {reason}"))
            continue
        delivery.state, delivery.lease_until, delivery.claimed_at = (
            DeliveryState.CLAIMED.value,
            now + lease,
            now,
        )
        delivery.fence += 1
        session.add(delivery)
        claimed.append(hand_of(session, delivery, reply, message, lead, zone=zone))
    if skipped:
        told(session, skipped, now=now)
    return claimed


def _waiting(ids: Sequence[int]) -> Any:
    """Give the query for these, as they stand now that their enrollments are locked."""
    return (
        select(Delivery, Reply, Message, Lead)
        .join(Reply, col(Reply.id) == col(Delivery.reply_id))
        .join(Message, col(Message.id) == col(Reply.message_id))
        .join(Lead, col(Lead.id) == col(Message.lead_id))
        .where(col(Delivery.id).in_(ids), _IS_READY)
        .order_by(col(Delivery.id))
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    )


def hand_of(
    session: Session, delivery: Delivery, reply: Reply, message: Message, lead: Lead, *, zone: str
) -> ClaimedReply:
    """Give what has to be known to write it; `zone` is the workspace's, for a lead without one."""
    recipient = recipient_of(message, lead)
    return ClaimedReply(
        delivery.id or 0,
        delivery.fence,
        delivery.enrollment_id,
        delivery.message_id or "",
        recipient,
        lead.name if recipient == lead.email and lead.name else message.sender_name,
        reply.subject,
        reply.text,
        message,
        lead.zone or zone,
        references(session, message, delivery.enrollment_id),
    )


def _barred(session: Session, delivery: Delivery, message: Message, lead: Lead, now: datetime) -> str:
    """Give why an answer must not leave any more, "" where it may."""
    if email := suppressed_of(session, [lead.email, recipient_of(message, lead)]):
        return SUPPRESSED.format(email=email)
    run = session.get_one(Enrollment, delivery.enrollment_id, populate_existing=True)
    if run.status == Status.STOPPED and run.ended_at is not None and run.ended_at >= delivery.created_at:
        return STOPPED.format(reason=run.end_reason or "by a person")
    return TOO_OLD if now - delivery.created_at > MOST_AGE else ""


def _skip(session: Session, delivery: Delivery, reason: str, *, now: datetime) -> None:
    """Never send it; its card says why."""
    delivery.state, delivery.reason = DeliveryState.SKIPPED.value, reason
    delivery.settled_at, delivery.lease_until = now, None
    delivery.fence += 1
    session.add(delivery)


def _tell_author(session: Session, reply: Reply, message: Message, *, now: datetime) -> None:
    """Want a direct message to who wrote an answer that is not sent: nobody else is waiting for it."""
    if SLACK_ID.fullmatch(reply.author):
        key = f"{UNSENT}:{reply.id}"
        cards.show(session, key, channel=reply.author, lead_id=message.lead_id, about_id=reply.id, now=now)


def told(session: Session, ends: Sequence[tuple[int, int, str]], *, now: datetime) -> None:
    """Write down how (delivery, enrollment) ended, and have the lead's cards, and the lists they stand on, drawn anew."""
    runs = session.exec(
        select(Enrollment.id, Enrollment.lead_id, Enrollment.sequence_id).where(
            col(Enrollment.id).in_({enrollment_id for _, enrollment_id, _ in ends})
        )
    )
    known = {run_id: (lead_id, sequence_id) for run_id, lead_id, sequence_id in runs}
    for delivery_id, enrollment_id, reason in ends:
        lead_id, sequence_id = known[enrollment_id]
        session.add(
            Journal(
                at=now, actor=SYSTEM.id, verb="send", lead_id=lead_id, sequence_id=sequence_id,
                enrollment_id=enrollment_id, delivery_id=delivery_id, reason=f"the answer: {reason}",
            )
        )  # fmt: skip
    lead_ids = {lead_id for lead_id, _ in known.values()}
    cards.touch(session, lead_ids=lead_ids)
    cards.touch_digests(session, lead_ids=lead_ids)


# The point of no return

_RECIPIENTS = (
    select(Delivery.id, Message.sender)
    .join(Reply, col(Reply.id) == col(Delivery.reply_id))
    .join(Message, col(Message.id) == col(Reply.message_id))
    .where(IsOne(col(Delivery.id)))
)


def may_go(since: Any) -> ColumnElement[bool]:
    """Give what lets a claimed answer pass, beside what holds for every mail: nobody ended it, and it is young enough."""
    return and_(col(Delivery.reply_id).is_not(None), IS_WANTED, col(Delivery.created_at) >= since)


def barred(session: Session, delivery_ids: Sequence[int]) -> set[int]:
    """Give those that go to a suppressed address which is not the lead's own."""
    if not delivery_ids:
        return set()
    found = session.connection().execute(_RECIPIENTS, {"ids": list(delivery_ids)}).all()
    query = select(Suppression.email).where(col(Suppression.email).in_({sender for _, sender in found}))
    suppressed = set(session.exec(query))
    return {delivery_id for delivery_id, sender in found if sender in suppressed}
