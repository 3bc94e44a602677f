"""Commands that touch many leads: shown first, stored with the exact rows they showed, and good for one click."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session, col, func, select

from core.answers import Answer, Choice
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Command, Who
from core.models import Lead, Proposal
from core.names import name_of, names
from core.people import Actor
from core.sql import spelling
from core.verbs.choosing import Place, domains_of, live_places
from core.verbs.outcome import Outcome
from core.words import clock, counted, listed, some

LABEL_CHARS = 60
EXPIRY = timedelta(minutes=15)
COMPANY_LEADS_SHOWN = 10


def propose(
    session: Session,
    order: Command,
    what: str,
    places: Sequence[Place],
    *,
    actor: Actor,
    now: datetime,
    lead_in: str = "",
) -> Outcome:
    """Store the command with the enrollments it would touch, and give the question that shows them.

    what: the verb, which the button says too; `lead_in`: a sentence before the question.
    """
    leads = {place.lead_id for place in places}
    question = f"{what} {counted(len(leads), 'lead')} ({counted(len(places), 'enrollment')})?"
    who: Who | None = getattr(order, "who", None)
    lines = overview(session, places, domains_of(who) if who else ())
    ids = [place.id for place in places]
    return ask(session, order, question, lines, ids, actor=actor, now=now, lead_in=lead_in)


def overview(
    session: Session, places: Sequence[Place], domains: Sequence[str] = (), lead_ids: Collection[int] = ()
) -> tuple[str, ...]:
    """Give what a person has to know before they confirm: which sequences, whose leads, and who.

    `domains`: of the companies that were named, whose leads are shown with owner and sequences; `lead_ids`: all of them.
    """
    emails = list(dict.fromkeys(place.email for place in places))
    sequences = Counter(place.sequence for place in places).most_common()
    owned = Counter({place.lead_id: place.owner for place in places}.values()).most_common()
    called = names(session, [owner for owner, _ in owned])
    owners = [f"{called[owner] if owner else 'nobody'} ({count:,})" for owner, count in owned]
    who = company(session, domains, lead_ids or {place.lead_id for place in places}, places)
    if not places:
        return who
    return (
        f"Sequences: {some([f'{name} ({count:,})' for name, count in sequences])}",
        f"Owners: {some(owners)}",
        *(who or [f"Leads: {some(emails)}"]),
    )


def company(
    session: Session, domains: Sequence[str], lead_ids: Collection[int], places: Sequence[Place] | None = None
) -> tuple[str, ...]:
    """Give the leads of whole companies, each with its owner and sequences, and whom the company's name leaves out.

    Ordered by owner; the first few are named. `places`: what the act would touch; None: wherever they are.
    """
    if not domains:
        return ()
    query = select(Lead.id, Lead.email, Lead.owner).where(col(Lead.id).in_(spelling(session).these(lead_ids)))
    rows = session.exec(
        query.order_by(col(Lead.owner).is_(None), col(Lead.owner), col(Lead.email)).limit(COMPANY_LEADS_SHOWN)
    ).all()
    where: dict[int, list[str]] = {}
    for place in live_places(session, [i for i, _, _ in rows if i]) if places is None else places:
        where.setdefault(place.lead_id, []).append(place.sequence)
    called = names(session, [owner for _, _, owner in rows])
    more = len(lead_ids) - len(rows)
    return (
        *(
            f"{email} ({called[owner] if owner else 'nobody'}): {listed(where.get(lead_id or 0, ['in no sequence']))}"
            for lead_id, email, owner in rows
        ),
        *((f"and {counted(more, 'lead')} more",) if more > 0 else ()),
        *_beyond(session, domains),
    )


def _beyond(session: Session, domains: Sequence[str]) -> Iterator[str]:
    """Say which subdomains have leads: a company is exactly the domain that was named."""
    for domain in domains:
        is_below = col(Lead.domain).endswith(f".{domain}", autoescape=True)
        below = select(Lead.domain, func.count()).where(is_below).group_by(Lead.domain).order_by(Lead.domain)
        found = [f"@{name} ({count:,})" for name, count in session.exec(below) if name not in domains]
        if found:
            yield f"Not touched: {some(found)}; name them too if they are meant."


def ask(
    session: Session,
    order: Command,
    question: str,
    lines: tuple[str, ...],
    ids: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
    lead_in: str = "",
) -> Outcome:
    """Store the command with exact ids and give the question with its two buttons."""
    proposal_id = keep(session, to_text(order), ids, actor=actor, now=now)
    minutes = EXPIRY // timedelta(minutes=1)
    confirm = Choice(_label(question), proposal=proposal_id, style="primary")
    cancel = Choice("Cancel", command=f"cancel proposal {proposal_id}")
    return Outcome(
        Answer(f"{lead_in} {question}".strip(), lines=(*lines, f"Nothing has been changed yet; the question stands for {minutes} minutes."),
               choices=(confirm, cancel))
    )  # fmt: skip


def _label(question: str) -> str:
    """Give what the button says: what the question asks, where that is short."""
    asked = question.partition("?")[0].partition(" (")[0].replace("`", "")
    return asked if len(asked) <= LABEL_CHARS else "Confirm"


def keep(session: Session, command: str, ids: Sequence[int], *, actor: Actor, now: datetime) -> str:
    """Store what was shown and give the id that is good for one click."""
    proposal = Proposal(
        id=uuid4().hex, command=command, actor=actor.id, enrollments=list(ids), created_at=now
    )
    session.add(proposal)
    return proposal.id


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
