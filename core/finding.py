"""Leads and sequences found by a few letters of them, as a search in a form needs it."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session, case, col, func, or_, select

from core.models import Lead, Sequence, SequenceStatus
from core.plain import plain

LONGEST_SEARCH_CHARS = 100


class Found(NamedTuple):
    """One lead."""

    id: int
    email: str
    name: str
    company: str


def leads(session: Session, text: str, *, limit: int) -> list[Found]:
    """Give leads of which every word stands in the name, the address or the company; who begins with it comes first."""
    words = plain(text[:LONGEST_SEARCH_CHARS]).lower().split()
    fields = (func.lower(Lead.name), col(Lead.email), func.lower(Lead.company))
    query = select(Lead.id, Lead.email, Lead.name, Lead.company)
    for word in words:
        query = query.where(or_(*(one.contains(word, autoescape=True) for one in fields)))
    if words:
        begins = or_(*(one.startswith(words[0], autoescape=True) for one in fields))
        query = query.order_by(case((begins, 0), else_=1))
    rows = session.exec(query.order_by(Lead.email).limit(limit))
    return [
        Found(number, email, name, company) for number, email, name, company in rows if number is not None
    ]


def sequences(session: Session, text: str, *, limit: int) -> list[tuple[int, str, str]]:
    """Give the id, name and status of sequences whose name holds the text; those that take leads come first."""
    wanted = plain(text[:LONGEST_SEARCH_CHARS]).casefold()
    takes = case((col(Sequence.status) == SequenceStatus.PUBLISHED.value, 0), else_=1)
    query = select(Sequence.id, Sequence.name, Sequence.status).where(
        col(Sequence.key).contains(wanted, autoescape=True)
    )
    rows = session.exec(query.order_by(takes, Sequence.name).limit(limit))
    return [(number, name, status) for number, name, status in rows if number is not None]
