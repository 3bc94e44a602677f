"""Commands that touch many leads: shown first, stored with the exact rows they showed, and good for one click."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, col, select

from core.answers import Answer, Choice
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Command
from core.models import Proposal
from core.names import name_of, names
from core.people import Actor
from core.verbs.choosing import Place
from core.verbs.outcome import Outcome
from core.words import clock, counted, some

EXPIRY = timedelta(minutes=15)


def propose(
    session: Session, order: Command, what: str, places: Sequence[Place], *, actor: Actor, now: datetime
) -> Outcome:
    """Store the command with the enrollments it would touch, and give the question that shows them."""
    leads = {place.lead_id for place in places}
    title = f"{what} {counted(len(leads), 'lead')} ({counted(len(places), 'enrollment')})?"
    lines = overview(session, places)
    return ask(session, order, title, lines, [place.id for place in places], actor=actor, now=now)


def overview(session: Session, places: Sequence[Place]) -> tuple[str, ...]:
    """Give what a person has to know before they confirm: which sequences, whose leads, and who."""
    emails = list(dict.fromkeys(place.email for place in places))
    sequences = Counter(place.sequence for place in places).most_common()
    owned = Counter({place.lead_id: place.owner for place in places}.values()).most_common()
    called = names(session, [owner for owner, _ in owned])
    owners = [f"{called[owner] if owner else 'nobody'} ({count:,})" for owner, count in owned]
    return (
        f"Sequences: {some([f'{name} ({count:,})' for name, count in sequences])}",
        f"Owners: {some(owners)}",
        f"Leads: {some(emails)}",
    )


def ask(
    session: Session,
    order: Command,
    title: str,
    lines: tuple[str, ...],
    ids: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Store the command with exact ids and give the question with its two buttons."""
    proposal = Proposal(
        id=uuid4().hex, command=to_text(order), actor=actor.id, enrollments=list(ids), created_at=now
    )
    session.add(proposal)
    minutes = EXPIRY // timedelta(minutes=1)
    confirm = Choice("Confirm", proposal=proposal.id, style="primary")
    cancel = Choice("Cancel", command=f"cancel proposal {proposal.id}")
    return Outcome(
        Answer(title, lines=(*lines, f"Nothing has been changed yet; the question stands for {minutes} minutes."),
               choices=(confirm, cancel))
    )  # fmt: skip


def use(session: Session, proposal_id: str, *, actor: Actor, now: datetime) -> Proposal:
    """Give the proposal, used up by this; raises Refused for one that is unknown, old or used already."""
    query = select(Proposal).where(col(Proposal.id) == proposal_id).with_for_update()
    proposal = session.exec(query.execution_options(populate_existing=True)).first()
    if proposal is None:
        raise Refused("That question is gone; type the command again.")
    if proposal.used_at is not None:
        who = name_of(session, proposal.used_by or "")
        verb = "cancelled" if not proposal.enrollments else "confirmed"
        raise Refused(
            f"{who} {verb} this at {clock(proposal.used_at, actor.zone or 'UTC', now)}; it acts only once."
        )
    if now > proposal.created_at + EXPIRY:
        raise Refused("That question is too old; type the command again to see who it would touch now.")
    proposal.used_at, proposal.used_by = now, actor.id
    session.add(proposal)
    return proposal


def cancel(session: Session, proposal_id: str, *, actor: Actor, now: datetime) -> None:
    """Let a proposal never act."""
    proposal = use(session, proposal_id, actor=actor, now=now)
    proposal.enrollments = []
