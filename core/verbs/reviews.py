"""What people answer to a review card: what a message was, until when somebody is out, whom it names (`card review …`)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from core import cards, inbox, leads, permissions
from core.answers import Answer, Choice
from core.conversations import stamp
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Press, Start, Who
from core.inbound.words import Kind
from core.lead_file.row import lead_of
from core.models import LARGEST_ID, Enrollment, Journal, Lead, Message, Sequence, Suppression
from core.names import name_of
from core.people import Actor
from core.plain import shown
from core.verbs.choosing import lock_leads
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.verbs.whens import Read, read, zone_of
from core.views.review import offered
from core.views.review_words import KIND_OF, KIND_WORDS, STOPPING, Said, said
from core.words import clock

DAY = timedelta(days=1)
GONE = "That message is no longer here."
CONTACT = re.compile(r"contact (\d{1,2})")
EXAMPLES = "reply, away until June 15, automatic, bounce, unsubscribe or not about them"


def press(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Judge a message anew as a person says, or add the contact it names; the second to say it is told who was first."""
    answered = said(order.answer)
    contact = CONTACT.fullmatch(answered.words)
    if contact is None and answered.words not in KIND_OF:
        raise Refused(f"“{shown(answered.words)}” is no answer to a review card; say {EXAMPLES}.")
    kind = KIND_OF.get(answered.words)
    if order.until is not None and kind is not Kind.OUT_OF_OFFICE:
        raise Refused("Only `away` takes a date; for example: `card review 12 away until June 15`.")
    message, lead = _locked(session, order.number)
    if kind not in STOPPING:
        permissions.check(session, [message.lead_id], actor=actor, now=now)
    if contact is not None:
        return _add_contact(session, message, lead, int(contact[1]), actor=actor, now=now)
    if told := _overtaken(session, message, kind, answered, actor=actor, now=now):
        cards.touch(session, lead_ids=[message.lead_id])
        return Outcome(Answer(told, is_refusal=True))
    until = _until(session, order, actor=actor, now=now)
    return _correct(session, message, lead, kind, until, actor=actor, now=now)


def _locked(session: Session, number: str) -> tuple[Message, Lead]:
    """Give the message and its lead, the lead locked first, as everything else does."""
    message_id = int(number) if number.isdecimal() else -1
    lead_id = None
    if 0 < message_id <= LARGEST_ID:
        lead_id = session.exec(select(Message.lead_id).where(Message.id == message_id)).first()
    if lead_id is None:
        raise Refused(GONE)
    [lead] = lock_leads(session, [lead_id])
    query = select(Message).where(Message.id == message_id).execution_options(populate_existing=True)
    return session.exec(query).one(), lead


def _overtaken(
    session: Session, message: Message, kind: Kind | None, answered: Said, *, actor: Actor, now: datetime
) -> str:
    """Give who was first where the message was judged anew since the person looked at it; "" where it was not."""
    if message.corrected_by is None or message.corrected_at is None or answered.stamp == stamp(message):
        return ""
    is_same = message.kind == (kind or Kind.AUTOMATIC)
    if kind in STOPPING and not is_same:
        return ""
    zone, _ = zone_of(session, actor)
    who, at = name_of(session, message.corrected_by), clock(message.corrected_at, zone, now)
    what = KIND_WORDS[Kind(message.kind)]
    return f"{who} said that it is {what} at {at}; nothing was changed, and the card is up to date now."


def _until(session: Session, order: Press, *, actor: Actor, now: datetime) -> Read | None:
    if order.until is None:
        return None
    again = lambda phrase: replace(order, until=phrase)  # noqa: E731
    return read(session, order.until, "until", again, actor=actor, now=now)


def _correct(
    session: Session,
    message: Message,
    lead: Lead,
    kind: Kind | None,
    until: Read | None,
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    message_id = message.id or 0
    back_on = _back_on(until) if until else None
    reacted = inbox.correct(session, message_id, kind, back_on=back_on, actor=actor, now=now)
    is_what = KIND_WORDS[kind] if kind is not None else "not about them"
    suffix = f" until {until.words}" if until else ""
    answer = Answer(
        f"Noted: the message from {message.sender or lead.email} is {is_what}{suffix}.",
        (reacted.sentence, *(until.notes if until else ())),
    )
    query = select(Enrollment.id).where(col(Enrollment.lead_id).in_({message.lead_id, *reacted.lead_ids}))
    ids = [enrollment_id for enrollment_id in session.exec(query) if enrollment_id is not None]
    return Outcome(answer, begun(session, ids))


def _back_on(until: Read) -> date:
    """Give the first day back: the day after the last one away, or the day itself where a time on it was named."""
    return until.when.day if until.when.has_time else until.when.day + DAY


def _add_contact(
    session: Session, message: Message, lead: Lead, number: int, *, actor: Actor, now: datetime
) -> Outcome:
    """Save an address that the message offers as a lead of the same company and owner; it is enrolled nowhere."""
    addresses = offered(message, lead)
    if not 0 < number <= len(addresses):
        raise Refused("This message offers no such contact.")
    cells = (addresses[number - 1], lead.company, lead.owner or "")
    row = lead_of(("email", "company", "owner"), cells)
    if known := session.exec(select(Lead).where(Lead.email == row.email)).first():
        return Outcome(Answer(_known(session, known, actor=actor, now=now), is_refusal=True))
    if session.get(Suppression, row.email) is not None:
        raise Refused(f"{row.email} is suppressed and gets no mail; it was not added.")
    leads.save(session, [row], actor=actor, now=now)
    cards.touch(session, lead_ids=[message.lead_id])
    with_what = [part for part in (lead.company and f"of {lead.company}", _owned(session, lead)) if part]
    title = " ".join([f"Added {row.email} as a lead", *with_what]) + "."
    return Outcome(
        Answer(title, ("They are in no sequence: nothing is sent until somebody starts one.",),
               tuple(_starting(session, message, row.email)))
    )  # fmt: skip


def _owned(session: Session, lead: Lead) -> str:
    return f"with owner {name_of(session, lead.owner)}" if lead.owner else ""


def _known(session: Session, lead: Lead, *, actor: Actor, now: datetime) -> str:
    line = session.exec(
        select(Journal)
        .where(Journal.lead_id == lead.id, Journal.verb == "lead new")
        .order_by(col(Journal.id))
    ).first()
    if line is None:
        return f"{lead.email} is a lead already; nothing was changed."
    zone, _ = zone_of(session, actor)
    who = name_of(session, line.actor)
    return f"{who} added {lead.email} at {clock(line.at, zone, now)} already; nothing was changed."


def _starting(session: Session, message: Message, email: str) -> list[Choice]:
    """Give the offer to start the new lead in the conversation's own sequence."""
    names = session.exec(
        select(Sequence.name)
        .join(Enrollment, col(Enrollment.sequence_id) == col(Sequence.id))
        .where(Enrollment.id == message.enrollment_id)
    )
    return [Choice(f"Start in {name}", to_text(Start(Who(addresses=(email,)), name))) for name in names]
