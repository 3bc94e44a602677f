"""Answers from a card, as people see them: what has become of those that were written, and what the form shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core import variants
from core.acts import Loaded, load
from core.answers import Choice, NoticeCard
from core.conversations import Seen, find, newest, recipient_of, seen, stamp, way
from core.current import current_run
from core.dates import say
from core.lifecycle import LIVE, Status
from core.merging import ANYBODY, body_of
from core.mime import Sender
from core.models import (
    WORKSPACE_ID,
    Card,
    Delivery,
    DeliveryState,
    Enrollment,
    Journal,
    Lead,
    Mailbox,
    Member,
    Message,
    Reply,
    Sequence,
    Step,
    Workspace,
)
from core.names import name_of, names
from core.views import why
from core.views.forecast import hold_ends_at, next_at
from core.words import ended

SHOWN = 3
FIRST_LINE_CHARS = 100
GONE = "This answer is no longer here."
EDITED = "The sequence was edited since, so this mail may have said something else."


@dataclass(frozen=True)
class Earlier:
    """A mail of the conversation. `text` "": what it said cannot be told; `note`: what to know of the text."""

    at: datetime
    who: str
    text: str
    subject: str = ""
    note: str = ""


@dataclass(frozen=True)
class Draft:
    """What somebody needs to answer a message. `lead`: their address. `unsent`: what was written before and did not leave, to begin with.

    stops: who stopped the lead where, and when. halted: who halted all sending, and since when; None: nobody.
    """

    seen: Seen
    lead: str
    heading: str
    subject: str
    came_at: datetime
    quote: str
    route: str
    notes: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    afterwards: tuple[str, ...] = ()
    unsent: str = ""
    stops: tuple[str, ...] = ()
    halted: str | None = None


def answers(session: Session, message: Message) -> tuple[str, ...]:
    """Give who answered a message, when, how it began, and what became of it; the latest last."""
    query = (
        select(Reply, Delivery)
        .join(Delivery, col(Delivery.reply_id) == col(Reply.id))
        .where(Reply.message_id == message.id)
        .order_by(col(Reply.id).desc())
        .limit(SHOWN)
    )
    found = session.exec(query).all()
    called = names(session, [reply.author for reply, _ in found])
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    return tuple(
        f"Answered by {called[reply.author]} on {say(reply.created_at, zone)}: “{short(reply.text)}” – "
        f"{ended(state_words(session, delivery))}"
        for reply, delivery in reversed(found)
    )


def short(text: str) -> str:
    """Give the first line of a text, cut where it is long."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) > FIRST_LINE_CHARS:
        return f"{line[:FIRST_LINE_CHARS].rstrip()}…"
    return line if line == text.strip() else f"{line} …"


def state_words(session: Session, delivery: Delivery) -> str:
    """Give what has become of an answer, in a few words."""
    state, because = DeliveryState(delivery.state), (delivery.reason or "").rstrip(".")
    match state:
        case DeliveryState.READY | DeliveryState.CLAIMED:
            return _waits(session, delivery, because)
        case DeliveryState.SENDING:
            return "being handed over"
        case DeliveryState.SENT:
            return "sent"
        case DeliveryState.UNCERTAIN if delivery.is_open_question:
            return "it may or may not have left: say so on its card"
        case DeliveryState.UNCERTAIN:
            return because
        case _:
            return f"not sent: {because}"


def _waits(session: Session, delivery: Delivery, because: str) -> str:
    if session.get_one(Workspace, WORKSPACE_ID).halted_at:
        return "waiting, as all sending is halted"
    mailbox = session.get(Mailbox, delivery.mailbox_id)
    if mailbox is not None and mailbox.down_at:
        return f"waiting, as {mailbox.address} is disconnected"
    return because or "on its way"


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - every view is told the time
    """Give the note of one answer, in the thread of its conversation."""
    reply = session.get(Reply, card.about_id) if card.about_id else None
    delivery = session.exec(select(Delivery).where(Delivery.reply_id == reply.id)).first() if reply else None
    if reply is None or delivery is None:
        return NoticeCard(GONE)
    message, lead = find(session, reply.message_id)
    mailbox = session.get(Mailbox, delivery.mailbox_id)
    words = state_words(session, delivery)
    return NoticeCard(
        f"{name_of(session, reply.author)} answered {lead.name or lead.email}",
        lines=(f"{words[:1].upper()}{ended(words[1:])}",),
        icon="✉️",
        quote=reply.text,
        facts=(f"from {mailbox.address if mailbox else '?'} to {recipient_of(message, lead)}",),
    )


def unsent(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - as above
    """Give what its author is told of an answer that was not sent."""
    reply = session.get(Reply, card.about_id) if card.about_id else None
    delivery = session.exec(select(Delivery).where(Delivery.reply_id == reply.id)).first() if reply else None
    if reply is None or delivery is None:
        return NoticeCard(GONE)
    message, lead = find(session, reply.message_id)
    return NoticeCard(
        f"Your answer to {lead.name or lead.email} was not sent",
        lines=(ended(f"It did not leave: {(delivery.reason or '').rstrip('.')}"),),
        icon="✉️",
        quote=reply.text,
        choices=(Choice("Reply…", form=("reply", reply.message_id, stamp(message))),),
        facts=(f"written on {say(reply.created_at, _zone(session, reply.author))}",),
    )


def _zone(session: Session, person: str) -> str:
    member = session.get(Member, person)
    return (member and member.zone) or session.get_one(Workspace, WORKSPACE_ID).zone


def draft(session: Session, message_id: int, *, now: datetime, zone: str) -> Draft:
    """Give what the form shows of the conversation that a message is part of; raises Refused where none can be answered."""
    asked, lead = find(session, message_id)
    message = newest(session, asked)
    going = way(session, message, lead)
    notes = []
    if going.recipient != lead.email:
        notes.append(f"It goes to {going.recipient}, who wrote, not to {lead.email}.")
    rows = list(load(session, _runs(session, lead)))
    stopped = [row for row in rows if row.state.status is Status.STOPPED]
    return Draft(
        seen(session, message),
        lead=lead.email,
        heading=message.sender_name or lead.name or lead.email,
        subject=message.subject,
        came_at=message.came_at,
        quote=message.text,
        route=f"From {going.mailbox.address} to {going.recipient}",
        notes=tuple(notes + list(answers(session, message))),
        earlier=tuple(_earlier(session, message, lead, going.enrollment_id)),
        afterwards=tuple(_stays(row, now=now, zone=zone) for row in rows),
        unsent=_unsent(session, message),
        stops=tuple(_stops(session, stopped, zone)),
        halted=why.halt(session, zone),
    )


def _stops(session: Session, rows: list[Loaded], zone: str) -> Iterator[str]:
    """Give of each stopped run who stopped it and when."""
    for row in rows:
        query = select(Journal).where(Journal.enrollment_id == row.id, Journal.became == Status.STOPPED.value)
        if line := session.exec(query.order_by(col(Journal.id).desc()).limit(1)).first():
            yield f"{name_of(session, line.actor)} stopped {row.sequence.name} on {say(line.at, zone)}."


def _runs(session: Session, lead: Lead) -> list[int]:
    query = select(Enrollment.id).where(
        Enrollment.lead_id == lead.id,
        current_run(),
        col(Enrollment.status).in_([*LIVE, Status.STOPPED.value]),
    )
    return [run_id for run_id in session.exec(query) if run_id is not None]


def _stays(row: Loaded, *, now: datetime, zone: str) -> str:
    """Give what becomes of a run, which no answer changes."""
    name, state = row.sequence.name, row.state
    if state.status is Status.STOPPED:
        return f"{name} stays stopped."
    if state.status is Status.PAUSED:
        ends = hold_ends_at(state)
        return f"{name} stays paused until {say(ends, zone) if ends else 'somebody resumes or stops it'}."
    leaves = next_at(state, row.sequence.plan(row.zone), now=now)
    when = f": its next step is due on {say(leaves, zone)}" if leaves else ""
    return f"{name} goes on{when}." if state.status is not Status.SKIPPED else f"{name} stays skipped."


def _earlier(session: Session, message: Message, lead: Lead, enrollment_id: int) -> list[Earlier]:
    """Give the last mails before a message, oldest first, theirs and ours."""
    theirs = session.exec(
        select(Message)
        .where(
            Message.lead_id == message.lead_id,
            col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
            col(Message.id) < (message.id or 0),
        )
        .order_by(col(Message.id).desc())
        .limit(SHOWN)
    )
    ours = session.exec(
        select(Delivery, Mailbox)
        .outerjoin(Mailbox, col(Mailbox.id) == col(Delivery.mailbox_id))
        .where(
            Delivery.enrollment_id == enrollment_id,
            Delivery.state == DeliveryState.SENT.value,
            Delivery.kind != "task",
        )
        .order_by(col(Delivery.id).desc())
        .limit(SHOWN)
    )
    found = [Earlier(one.came_at, one.sender_name or one.sender, one.text, one.subject) for one in theirs]
    found += [_our_own(session, delivery, mailbox, lead) for delivery, mailbox in ours]
    return sorted(found, key=lambda one: one.at)[-SHOWN:]


def _our_own(session: Session, delivery: Delivery, mailbox: Mailbox | None, lead: Lead) -> Earlier:
    """Give a mail of ours: what a person wrote, or the text of its step, filled in for the lead."""
    at = delivery.sending_at or delivery.created_at
    reply = session.get(Reply, delivery.reply_id) if delivery.reply_id else None
    if reply is not None:
        return Earlier(at, name_of(session, reply.author), reply.text, delivery.subject)
    step = session.get(Step, delivery.step_id) if delivery.step_id else None
    sender = Sender(mailbox.address, mailbox.name) if mailbox else ANYBODY
    who = sender.address or "we"
    if step is None:
        return Earlier(at, who, "", delivery.subject)
    sequence = session.get_one(Sequence, step.sequence_id)
    text = body_of(variants.version(step, delivery.variant), lead, sender, sequence.name)
    note = EDITED if text and sequence.version and sequence.changed_at > at else ""
    return Earlier(at, who, text, delivery.subject, note)


def _unsent(session: Session, message: Message) -> str:
    """Give the last answer to a message where it certainly did not leave."""
    query = (
        select(Reply, Delivery.state)
        .join(Delivery, col(Delivery.reply_id) == col(Reply.id))
        .where(Reply.message_id == message.id)
        .order_by(col(Reply.id).desc())
        .limit(1)
    )
    for reply, state in session.exec(query):
        if state in {DeliveryState.FAILED.value, DeliveryState.SKIPPED.value}:
            return reply.text
    return ""
