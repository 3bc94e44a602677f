"""Erasing a person: everything that says who they were goes for good, what happened stays countable, and nobody mails them again.

The lead's row stays under a made-up address, since deliveries and the journal must still add up (DESIGN G3). Of the true
address only a hash is kept, as the key of its suppression: who imports it again is told that it is suppressed.
What stands in Slack is redrawn; what was quoted to somebody privately, in a mailbox or in a backup is out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, Update, delete, null, select, update
from sqlmodel import Session, SQLModel, col

from core import cards, leads
from core.address import key_of
from core.db import upsert
from core.errors import Refused
from core.journal import note
from core.models import (
    ApiCall,
    Delivery,
    DeliveryState,
    Enrollment,
    GoalMet,
    Hold,
    HookEvent,
    Journal,
    Lead,
    LeadTag,
    Link,
    Meeting,
    Message,
    Proposal,
    Reminder,
    Reply,
    Seen,
    Suppression,
    Trial,
)
from core.people import Actor

ERASED = "erased.invalid"  # RFC 6761 §6.4: a domain that never exists
REASON = "erased"


def is_erased(lead: Lead) -> bool:
    """Say whether this person was erased."""
    return lead.domain == ERASED


def erase(session: Session, lead_id: int, *, actor: Actor, now: datetime) -> None:
    """Stop a lead everywhere and forget who it was; nothing undoes it.

    Raises Refused while a mail to it is being handed over, whose record would come after.
    """
    lead = session.get_one(Lead, lead_id, with_for_update={"key_share": True})
    runs = select(col(Enrollment.id)).where(col(Enrollment.lead_id) == lead_id)
    under_way = select(col(Delivery.id)).where(
        col(Delivery.enrollment_id).in_(runs), col(Delivery.state) == DeliveryState.SENDING.value
    )
    if session.execute(under_way).first():
        raise Refused(f"A mail to {lead.email} is being handed over right now; try again in a minute.")
    email = lead.email
    leads.suppress(session, email, reason=REASON, actor=actor, now=now)
    _keep_the_key(session, email, actor=actor, now=now)
    session.flush()
    for statement in _forgetting(lead_id, runs, email):
        session.execute(statement)
    for field, empty in _BLANK.items():
        setattr(lead, field, empty)
    lead.email, lead.domain, lead.custom = f"erased-{lead_id}@{ERASED}", ERASED, {}
    session.add(lead)
    note(session, "erase", actor=actor, now=now, lead_id=lead_id)
    cards.touch(session, lead_ids=[lead_id])


_EDITS = frozenset({"edit lead", "qualify", "unqualify", "owner"})
_BLANK: dict[str, Any] = {
    "first_name": "", "last_name": "", "name": "", "company": "", "zone": None, "stage": "", "owner": None,
}  # fmt: skip


def _keep_the_key(session: Session, email: str, *, actor: Actor, now: datetime) -> None:
    session.execute(delete(Suppression).where(col(Suppression.email) == email))
    values = {"email": key_of(email), "reason": REASON, "author": actor.id, "at": now}
    session.connection().execute(upsert(session, leads.SUPPRESSIONS).values(values).on_conflict_do_nothing())


def _forgetting(lead_id: int, runs: Any, email: str) -> Iterable[Any]:
    """Give the statements that forget, table by table."""
    deliveries = col(Delivery.enrollment_id).in_(runs)
    journal = col(Journal.lead_id) == lead_id
    yield delete(LeadTag).where(col(LeadTag.lead_id) == lead_id)
    yield delete(Trial).where(col(Trial.lead_id) == lead_id)
    yield delete(HookEvent).where(col(HookEvent.lead_id) == lead_id)
    said: dict[str, Any] = {"sender": "", "sender_name": "", "subject": "", "text": "", "outcome": ""}
    yield _blank(Message, col(Message.lead_id) == lead_id, **said, message_id=None, findings={})
    yield _blank(Reply, col(Reply.enrollment_id).in_(runs), subject="", text="")
    yield _blank(Meeting, col(Meeting.lead_id) == lead_id, title="")
    yield _blank(Reminder, col(Reminder.lead_id) == lead_id, note="")
    yield _blank(GoalMet, col(GoalMet.lead_id) == lead_id, outcome="")
    yield _blank(Hold, col(Hold.enrollment_id).in_(runs), reason="")
    yield _blank(Enrollment, col(Enrollment.lead_id) == lead_id, end_reason=REASON)
    yield _blank(Link, col(Link.delivery_id).in_(select(col(Delivery.id)).where(deliveries)), url="")
    # Without its Message-ID nothing that still comes back is kept: it concerns nobody any more.
    yield _blank(Delivery, deliveries, subject="", answer=None, message_id=None)
    yield _blank(Delivery, deliveries & col(Delivery.reason).is_not(None), reason=REASON)
    yield _blank(Journal, journal, reason="", before=null())
    # What was edited is told from value to value; what became of runs in words of ours.
    yield _blank(Journal, journal & col(Journal.verb).in_(_EDITS), was=None, became=None)
    yield _blank(Seen, col(Seen.answer).contains(email, autoescape=True), answer=None)
    yield _blank(ApiCall, col(ApiCall.answer).contains(email, autoescape=True), answer=None)
    # A picture of their path stands in a direct message under the lead's number.
    yield (
        update(cards.CARDS)
        .where(cards.CARDS.c.kind == "path", cards.CARDS.c.key.endswith(f":{lead_id}"))
        .values(wanted=cards.CARDS.c.wanted + 1, file_id=None)
    )
    yield delete(Proposal).where(col(Proposal.command).contains(email, autoescape=True))


def _blank(model: type[SQLModel], where: ColumnElement[bool], **values: Any) -> Update:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return update(table).where(where).values({table.c[name]: value for name, value in values.items()})
