"""Visits to a mail's links and picture: written down as they come, judged a few seconds later, and only then acted on.

Whether a click was a person's shows in what the same visitor does next. So nothing happens at the request but a row; the
tick settles it (core/scanners has the rules), and what is suspected never changes a lead.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func
from sqlmodel import Session, col, select

from core import cards, goals, outgoing
from core.acts import tried
from core.awaited import news
from core.db import Database
from core.goals import GoalEvent, Kind
from core.lifecycle import Source
from core.models import Delivery, Enrollment, Journal, Link, Step, Visit
from core.people import SYSTEM
from core.reactions import Happened, react
from core.scanners import PICTURE, Visited, suspect
from core.verbs.choosing import lock_leads

CLICK, OPEN = "click", "open"
SETTLED_AFTER = timedelta(seconds=5)  # longer than a burst (core/scanners), short enough that nobody waits
MOST_KEPT = 100  # visits of one link: whoever has its token cannot fill the database
AGENT_CHARS = 300
_WAITING = col(Visit.settled_at).is_(None)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


# As they come


def find(db: Database, token: str) -> Link | None:
    """Give the link of a token; None for any that we did not make."""
    if not _TOKEN.fullmatch(token):
        return None
    with db.read() as session:
        return session.exec(select(Link).where(Link.token == token)).first()


def record(db: Database, link: Link, *, suspect: str, agent: str, now: datetime) -> None:
    """Write a visit down. Neither an address nor a cookie of the visitor is kept."""
    with db.write() as session:
        keep(session, link, suspect=suspect, agent=agent, at=now)


def keep(session: Session, link: Link, *, suspect: str, agent: str, at: datetime) -> None:
    """Do the same in a transaction that does more."""
    assert link.id is not None
    kept = session.exec(select(func.count()).select_from(Visit).where(Visit.link_id == link.id)).one()
    if kept < MOST_KEPT:
        kind = OPEN if link.place == PICTURE else CLICK
        agent = agent[:AGENT_CHARS].replace("\0", "")
        session.add(
            Visit(
                link_id=link.id, delivery_id=link.delivery_id, kind=kind, at=at, agent=agent, suspect=suspect
            )
        )


# A few seconds later


def settle_due(db: Database, *, now: datetime) -> int:
    """Judge the visits that are old enough, act on those of people, and give how many were judged."""
    with db.read() as session:
        query = select(Visit.delivery_id).where(_WAITING, col(Visit.at) <= now - SETTLED_AFTER)
        delivery_ids = sorted(set(session.exec(query)))
    return sum(tried(db, partial(_settle, delivery_id=one, now=now)) for one in delivery_ids)


def next_settling(session: Session) -> datetime | None:
    """Give when the next visit is judged."""
    oldest: datetime | None = session.exec(select(func.min(Visit.at)).where(_WAITING)).one()
    return None if oldest is None else oldest + SETTLED_AFTER


def _settle(session: Session, *, delivery_id: int, now: datetime) -> int:
    delivery = session.get_one(Delivery, delivery_id)
    run = session.get_one(Enrollment, delivery.enrollment_id)
    lock_leads(
        session, [run.lead_id]
    )  # whoever settles the same mail waits here, and then finds nothing left
    rows = session.exec(
        select(Visit, Link)
        .join(Link, col(Link.id) == Visit.link_id)
        .where(Visit.delivery_id == delivery_id)
        .order_by(col(Visit.at), col(Visit.id))
    ).all()
    facts = {visit.id: Visited(link.place, visit.at, visit.suspect) for visit, link in rows}
    seen = {link.id for visit, link in rows if visit.settled_at and not visit.suspect}
    count = 0
    for visit, link in rows:
        # An earlier one too: what a scanner did since then shows what it was.
        visit.suspect = suspect(facts[visit.id], facts.values(), sent_at=delivery.sending_at)
        if visit.settled_at is None and visit.at <= now - SETTLED_AFTER:
            visit.settled_at, count = now, count + 1
            if not visit.suspect and link.id not in seen:
                seen.add(link.id)
                _happened(session, delivery, run, visit, link, now)
        session.add(visit)
    news(session, [run.lead_id])
    return count


def _happened(
    session: Session, delivery: Delivery, run: Enrollment, visit: Visit, link: Link, now: datetime
) -> None:
    """Write down what a person did, and do what the sequence's rule says of it."""
    step = _step(session, delivery)
    session.add(
        Journal(
            at=visit.at,
            actor=SYSTEM.id,
            verb=visit.kind,
            lead_id=run.lead_id,
            sequence_id=run.sequence_id,
            enrollment_id=run.id,
            delivery_id=delivery.id,
            reason=f"{link.url} in {step}" if link.url else step,
        )
    )
    outgoing.tell_one(
        session,
        outgoing.VISITS[visit.kind],
        lead_id=run.lead_id,
        now=visit.at,
        actor=SYSTEM.id,
        sequence_id=run.sequence_id,
        enrollment_id=run.id,
        reason=link.url or step,
    )
    if visit.kind == CLICK:
        react(session, Happened(CLICK, run.lead_id, run.id, Source.CLICK, f"clicked {link.url}"), now=now)
        goals.meet(session, GoalEvent(Kind.CLICK, link.url, (run.lead_id,), f"visit:{visit.id}"), now=now)
    else:
        cards.touch(session, lead_ids=[run.lead_id])


def _step(session: Session, delivery: Delivery) -> str:
    step = session.get(Step, delivery.step_id) if delivery.step_id else None
    if step is None:
        return "an answer"
    return f"step {step.key}" if step.position is None else f"step {step.position + 1}"
