"""Whose leads they are already, found before somebody enrolls them.

A lead is a colleague's where they own it, where they put it into a sequence that has not ended, or where somebody of its
company is theirs and in one; in this order, so that one colleague is asked about a lead. Only active members count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlmodel import Session, col, select

from core import owners
from core.address import is_free_mail
from core.chunks import chunks
from core.lifecycle import LIVE
from core.models import Enrollment, Journal, Lead, Member, Sequence, Suppression
from core.people import Actor
from core.sql import spelling

LIVE_WORDS = sorted(LIVE)


class Why(StrEnum):
    """What makes a lead a colleague's."""

    OWNER = "owner"
    STARTED = "started"
    COMPANY = "company"


@dataclass(frozen=True)
class Clash:
    """A lead that a colleague works. `asked`: who answers for them, mostly themselves. `of`: the sequence, or the address."""

    lead_id: int
    colleague: str
    name: str
    asked: str
    reason: Why
    of: str = ""

    @property
    def why(self) -> str:
        """Give it as the rest of a sentence that begins with the lead."""
        return self.says(self.name, f"{self.name}'s")

    def may_answer(self, person: str) -> bool:
        """Say whether this person's yes is enough."""
        return person in {self.colleague, self.asked}

    def says(self, who: str, whose: str) -> str:
        """Give the same with other words for the colleague, such as "you" and "your"."""
        match self.reason:
            case Why.OWNER:
                return f"is {whose} lead"
            case Why.STARTED:
                return f"was put into {self.of} by {who}"
            case Why.COMPANY:
                return f"is of the same company as {self.of}, {whose} lead"


def find(
    session: Session,
    lead_ids: Iterable[int],
    *,
    actor: Actor,
    now: datetime,
    unsaved: Mapping[int, tuple[str | None, str]] = MappingProxyType({}),
) -> dict[int, Clash]:
    """Give by lead the colleague who works it or its company.

    Nothing of what the actor owns or covers for now, and nothing that is suppressed, which is not enrolled anyway.
    unsaved: owner and domain that a file gives, by lead; one that is not known yet has a number below 0.
    """
    members = select(Member.id, Member.name).where(
        col(Member.is_guest).is_(False), col(Member.is_bot).is_(False), col(Member.is_deleted).is_(False)
    )
    covers = owners.standing_in(session, now=now)
    active = dict(session.exec(members).all())
    others = {i: name for i, name in active.items() if actor.id not in {i, covers.get(i, i)}}
    these = spelling(session).these(set(lead_ids))
    query = select(Lead.id, Lead.owner, Lead.domain).where(col(Lead.id).in_(these))
    rows = session.exec(query.where(col(Lead.email).not_in(select(Suppression.email))))
    leads = {i: (owner, domain) for i, owner, domain in rows if i is not None}
    for i, (owner, domain) in unsaved.items():
        before = leads.get(i, (None, ""))
        leads[i] = owner or before[0], domain or before[1]
    strange = {i: domain for i, (owner, domain) in leads.items() if owner != actor.id}
    found: dict[int, tuple[str, Why, str]] = {}
    if others and strange:
        companies = _companies(session, strange.values(), others)
        found = {i: companies[domain] for i, domain in strange.items() if domain in companies}
        found |= _started(session, (i for i in strange if i > 0), others)
        found |= {i: (owner, Why.OWNER, "") for i, (owner, _) in leads.items() if owner in others}
    return {
        i: Clash(
            i,
            colleague,
            others[colleague],
            _asked(covers.get(colleague, colleague), colleague, active),
            why,
            of,
        )
        for i, (colleague, why, of) in sorted(found.items())
    }


def _asked(cover: str, colleague: str, active: Mapping[str, str]) -> str:
    return cover if cover in active else colleague


def _started(
    session: Session, leads: Iterable[int], others: Mapping[str, str]
) -> dict[int, tuple[str, Why, str]]:
    """Give by lead who put it into a sequence that has not ended, and into which; the latest of several."""
    live = _live(session, leads)
    lines = session.exec(
        select(Journal.enrollment_id, Journal.lead_id, Journal.sequence_id, Journal.actor)
        .where(spelling(session).among(Journal.lead_id, live), Journal.verb == "start", Journal.version == 0)
        .order_by(col(Journal.id))
    )
    sequences = dict(session.exec(select(Sequence.id, Sequence.name)).all())
    return {
        lead_id: (who, Why.STARTED, sequences[sequence_id])
        for enrollment_id, lead_id, sequence_id, who in lines
        if lead_id and who in others and enrollment_id in live[lead_id]
    }


def _companies(
    session: Session, domains: Iterable[str], others: Mapping[str, str]
) -> dict[str, tuple[str, Why, str]]:
    """Give by domain a colleague whose leads of it are in a sequence, with the one of them that came first."""
    companies = sorted({domain for domain in domains if domain and not is_free_mail(domain)})
    theirs = [
        lead
        for chunk in chunks(companies)
        for lead in session.exec(
            select(Lead.id, Lead.domain, Lead.owner, Lead.email).where(
                col(Lead.domain).in_(chunk), col(Lead.owner).in_(sorted(others))
            )
        )
    ]
    live = _live(session, [lead_id for lead_id, *_ in theirs if lead_id])
    return {
        domain: (owner, Why.COMPANY, email)
        for lead_id, domain, owner, email in sorted(theirs, key=lambda lead: lead[0] or 0, reverse=True)
        if owner and lead_id in live
    }


def _live(session: Session, leads: Iterable[int]) -> dict[int, set[int | None]]:
    """Give by lead the runs that have not ended."""
    found: dict[int, set[int | None]] = {}
    mine = spelling(session).among(Enrollment.lead_id, leads)
    query = select(Enrollment.id, Enrollment.lead_id).where(mine, col(Enrollment.status).in_(LIVE_WORDS))
    for run_id, lead_id in session.exec(query):
        found.setdefault(lead_id, set()).add(run_id)
    return found
