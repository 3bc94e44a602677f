"""A lead as cards show it: what becomes of them in each sequence, why, and what happened last."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as sql
from sqlmodel import Session, col, select

from core.acts import DELIVERIES, Loaded, load
from core.answers import EnrollmentView, LeadCard
from core.current import current_run
from core.erasing import is_erased
from core.facts import HAS_LEFT, IS_ANSWER, IS_CLICK, IS_OPEN, MESSAGES, VISITS
from core.lifecycle import LIVE, Status
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    LeadTag,
    Mailbox,
    Workspace,
)
from core.names import names
from core.views import why
from core.views.forecast import next_at
from core.views.timeline import timeline
from core.views.titles import title_of
from core.words import counted

TIMELINE_SHOWN = 8


def lead_card(session: Session, lead_id: int | None, *, now: datetime) -> LeadCard:
    """Give everything about one lead."""
    lead = session.get(Lead, lead_id) if lead_id else None
    if lead is None or lead.id is None or is_erased(lead):
        return LeadCard(lead_id or 0, "", "", is_erased=True)
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    zone = workspace.zone
    tags = session.exec(select(LeadTag.tag).where(LeadTag.lead_id == lead.id).order_by(LeadTag.tag)).all()
    owner = names(session, [lead.owner]).get(lead.owner) if lead.owner else None
    return LeadCard(
        lead_id=lead.id,
        email=lead.email,
        name=lead.name,
        company=lead.company,
        stage=lead.stage,
        owner=owner,
        zone=lead.zone,
        tags=tuple(tags),
        enrollments=tuple(
            _enrollment(session, row, lead, now=now, zone=zone) for row in _rows(session, lead.id)
        ),
        timeline=timeline(session, lead_id=lead.id, limit=TIMELINE_SHOWN),
        suppressed=why.suppressed_words(session, lead, zone),
        halted=why.halted_words(session, workspace, zone),
    )


def _rows(session: Session, lead_id: int) -> list[Loaded]:
    ids = session.exec(select(Enrollment.id).where(Enrollment.lead_id == lead_id, current_run()))
    rows = load(session, [enrollment_id for enrollment_id in ids if enrollment_id is not None])
    return sorted(rows, key=lambda row: (row.state.status not in LIVE, row.sequence.name))


def _enrollment(session: Session, row: Loaded, lead: Lead, *, now: datetime, zone: str) -> EnrollmentView:
    state, steps = row.state, row.sequence.steps
    stored = session.get_one(Enrollment, row.id)
    mailbox = session.get(Mailbox, row.mailbox_id) if row.mailbox_id else None
    sending = select(Delivery.id).where(
        Delivery.enrollment_id == row.id,
        Delivery.state == DeliveryState.SENDING.value,
        col(Delivery.reply_id).is_(None),
    )
    has_next = state.status in LIVE and state.position < len(steps)
    found = why.reasons(session, row, now=now, zone=zone)
    # These stand on the card as a whole.
    whole = {why.Kind.HALTED, why.Kind.SUPPRESSED, why.Kind.UNDER_WAY}
    return EnrollmentView(
        id=row.id,
        version=row.version,
        sequence=row.sequence.name,
        run=row.run,
        status=state.status.value,
        position=state.position,
        steps=len(steps),
        next_step=title_of(row, state.position, lead) if has_next else None,
        next_at=next_at(state, row.sequence.plan(row.zone), now=now),
        is_under_way=session.exec(sending).first() is not None,
        reasons=why.pressing([reason for reason in found if reason.kind not in whole], row, now=now),
        has_started=state.has_started or state.status is Status.IN_PROGRESS,
        mailbox=mailbox.address if mailbox else None,
        end_reason=stored.end_reason,
        engagement=_engagement(session, row.id),
    )


def _engagement(session: Session, enrollment_id: int) -> str:
    """Give what came of the mails of a run, "" before the first; opens and clicks where they are tracked."""
    of_run = DELIVERIES.c.enrollment_id == enrollment_id
    seen = sql(func.count(VISITS.c.delivery_id.distinct()))
    seen = seen.join(DELIVERIES, DELIVERIES.c.id == VISITS.c.delivery_id).where(of_run)
    counts = (
        sql(func.count()).where(of_run, HAS_LEFT),
        seen.where(IS_OPEN),
        seen.where(IS_CLICK),
        sql(func.count()).where(MESSAGES.c.enrollment_id == enrollment_id, IS_ANSWER),
    )
    one_row = sql(*(count.scalar_subquery() for count in counts))
    mails, opened, clicked, answers = session.execute(one_row).one()
    parts = (f"{opened:,} opened" if opened else "", f"{clicked:,} clicked" if clicked else "")
    said = (f"{counted(mails, 'mail')} sent", *parts, counted(answers, "answer") if answers else "")
    return " · ".join(filter(None, said)) if mails else ""
