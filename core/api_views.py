"""What the API shows: leads, sequences, the journal and the ledger, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core import grammar
from core.address import spelled
from core.chunks import chunks
from core.collisions import Why, find
from core.enrolling import Person
from core.erasing import ERASED
from core.errors import Refused
from core.ledger import iso
from core.models import Enrollment, Lead, LeadTag, Sequence, Step
from core.people import Actor
from core.plain import is_forbidden
from core.sql import spelling
from core.verbs.choosing import condition_of
from core.views.lead import lead_card

LeftOut = dict[str, str]
UNKNOWN = "unknown"  # why no lead is enrolled of an address that none has
FIELDS = ("email", "first_name", "last_name", "name", "company", "domain", "zone", "stage", "owner", "custom")


class NotFound(Refused):
    """There is no such thing here."""


def find_lead(session: Session, email: str) -> Lead:
    """Give the lead of an address; raises NotFound."""
    try:
        address = spelled(email)
    except Refused as refused:
        raise NotFound(str(refused)) from None
    lead = session.exec(select(Lead).where(Lead.email == address, Lead.domain != ERASED)).first()
    if lead is None:
        raise NotFound(f"There is no lead {address}.")
    return lead


def find_sequence(session: Session, name: str) -> Sequence:
    """Give the sequence of a name; raises NotFound."""
    if is_forbidden(name):
        raise NotFound("There is no sequence of such a name.")
    found = session.exec(select(Sequence).where(Sequence.key == name.strip().casefold())).first()
    if found is None:
        raise NotFound(f"There is no sequence “{name:.60}”.")
    return found


def lead_ids(session: Session, emails: Iterable[str]) -> tuple[list[int], list[LeftOut]]:
    """Give the leads of these addresses, each once, and the addresses that no lead has; raises NotFound for no lead at all."""
    wanted: dict[str, str] = {}  # as it is written here, by how it was asked for
    unknown: list[LeftOut] = []
    for email in dict.fromkeys(emails):
        try:
            wanted[spelled(email)] = email
        except Refused as refused:
            unknown.append(left_out(email, UNKNOWN, str(refused)))
    found: dict[str, int] = {}
    for chunk in chunks(wanted):
        rows = session.exec(
            select(Lead.email, Lead.id).where(col(Lead.email).in_(chunk), Lead.domain != ERASED)
        )
        found |= {email: lead_id for email, lead_id in rows if lead_id is not None}
    strangers = [(email, asked) for email, asked in wanted.items() if email not in found]
    unknown += [left_out(asked, UNKNOWN, f"There is no lead {email}.") for email, asked in strangers]
    if not found:
        raise NotFound(f"{unknown[0]['because']} Nothing was changed.")
    return [found[email] for email in wanted if email in found], unknown


def left_out(email: str, why: str, because: str) -> LeftOut:
    """Give one address that is not enrolled, why in a word, and in a sentence."""
    return {"email": email, "why": why, "because": because}


def collisions(
    session: Session, people: Iterable[Person], *, actor: Actor, now: datetime
) -> list[dict[str, str | None]]:
    """Give those of the leads that a colleague works, and whose they are."""
    emails = {one.lead_id or 0: one.email for one in people}
    return [
        {
            "email": emails[clash.lead_id],
            "owner": clash.colleague,
            "sequence": clash.of if clash.reason is Why.STARTED else None,
            "why": clash.why,
        }
        for clash in find(session, emails, actor=actor, now=now).values()
    ]


def leads(session: Session, conditions: str, *, after: int, limit: int, actor: Actor) -> dict[str, Any]:
    """Give a page of leads, by their ids, and the cursor of the next; `conditions` as people type them, "" for all."""
    query = select(Lead).where(Lead.domain != ERASED, col(Lead.id) > after)
    if conditions:
        query = query.where(condition_of(session, grammar.who(conditions), actor=actor))
    rows = list(session.exec(query.order_by(col(Lead.id)).limit(limit + 1)))
    page = rows[:limit]
    tags = tags_of(session, [row.id or 0 for row in page])
    return {
        "leads": [lead_words(row, tags.get(row.id or 0, [])) for row in page],
        "next": str(page[-1].id) if len(rows) > limit else None,
    }


def lead(session: Session, row: Lead, *, now: datetime) -> dict[str, Any]:
    """Give one lead with where it stands in each sequence."""
    card = lead_card(session, row.id, now=now)
    runs = [
        {
            "sequence": run.sequence,
            "run": run.run,
            "status": run.status,
            "step": min(run.position + 1, run.steps),
            "steps": run.steps,
            "next_step": run.next_step,
            "next_at": iso(run.next_at),
            "mailbox": run.mailbox,
            "reasons": list(run.reasons),
            "end_reason": run.end_reason,
        }
        for run in card.enrollments
    ]
    return {**lead_words(row, list(card.tags)), "suppressed": card.suppressed, "enrollments": runs}


def lead_words(row: Lead, tags: list[str]) -> dict[str, Any]:
    """Give what is known about a lead."""
    return {**{name: getattr(row, name) for name in FIELDS}, "tags": tags, "created_at": iso(row.created_at)}


def tags_of(session: Session, ids: list[int]) -> dict[int, list[str]]:
    """Give the tags by lead."""
    found: dict[int, list[str]] = {}
    these = col(LeadTag.lead_id).in_(spelling(session).these(ids))
    for lead_id, tag in session.exec(select(LeadTag.lead_id, LeadTag.tag).where(these).order_by(LeadTag.tag)):
        found.setdefault(lead_id, []).append(tag)
    return found


def sequences(session: Session, name: str | None = None) -> list[dict[str, Any]]:
    """Give every sequence by name, or the one of this name, with how many leads are in which state."""
    query = select(Sequence).order_by(Sequence.name)
    rows = [find_sequence(session, name)] if name else list(session.exec(query))
    ids = [row.id for row in rows]
    counts: dict[int, dict[str, int]] = {}
    counting = (
        select(Enrollment.sequence_id, Enrollment.status, func.count())
        .where(col(Enrollment.sequence_id).in_(ids))
        .group_by(col(Enrollment.sequence_id), col(Enrollment.status))
    )
    for sequence_id, status, count in session.exec(counting):
        counts.setdefault(sequence_id, {})[status] = count
    steps = select(Step.sequence_id, func.count()).where(col(Step.position).is_not(None))
    numbers = dict(session.exec(steps.group_by(col(Step.sequence_id))).all())
    return [
        {
            "name": row.name,
            "status": row.status,
            "steps": numbers.get(row.id or 0, 0),
            "changed_at": iso(row.changed_at),
            "enrollments": counts.get(row.id or 0, {}),
        }
        for row in rows
    ]
