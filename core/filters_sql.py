"""What a condition on leads means in SQL, the same on both databases."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from core import filters, sequences
from core.current import never_was
from core.filters import Term
from core.models import Enrollment, Lead, LeadTag, Member
from core.people import Actor


def condition(session: Session, term: Term, *, actor: Actor) -> ColumnElement[bool]:
    """Give the condition on Lead; raises Refused for a sequence that there is not."""
    found = _kept(session, term, actor)
    return ~found if term.is_not else found


def _kept(session: Session, term: Term, actor: Actor) -> ColumnElement[bool]:
    value = term.value
    match term.key:
        case "tag":
            return col(Lead.id).in_(select(LeadTag.lead_id).where(LeadTag.tag == value))
        case "stage":
            return func.lower(Lead.stage) == value.lower()
        case "in":
            wanted = sequences.find(session, value).id
            of_sequence = select(Enrollment.lead_id).where(Enrollment.sequence_id == wanted, ~never_was())
            return col(Lead.id).in_(of_sequence)
        case "company":
            return or_(col(Lead.domain) == value.lower(), func.lower(Lead.company) == value.lower())
        case "owner":
            return _owned(session, value, actor)


def _owned(session: Session, value: str, actor: Actor) -> ColumnElement[bool]:
    """Give the condition with NULL taken for nobody, so that it can be turned round."""
    if value == filters.NOBODY:
        return func.coalesce(Lead.owner, "") == ""
    named = session.exec(select(Member.id).where(func.lower(Member.name) == value.lower())).all()
    ids = [actor.id] if value == filters.ME else [*named, value.upper(), value]
    return func.coalesce(Lead.owner, "").in_(ids)
