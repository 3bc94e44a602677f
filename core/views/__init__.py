"""What cards show, read fresh from the database: frozen views, nothing of Slack."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import halts
from core.acts import Loaded, load
from core.answers import CardView, NoticeCard, TaskCard, UncertainCard
from core.dates import say
from core.lifecycle import Status
from core.models import WORKSPACE_ID, Card, Delivery, DeliveryState, Enrollment, Lead, Member, Workspace
from core.names import names
from core.views import (
    absence,
    answering,
    backlog,
    collision,
    digest,
    fallen,
    goal,
    guard,
    halt,
    home,
    hook,
    mailbox,
    meeting,
    new_step,
    note,
    outlooks,
    path,
    reminder,
    returning,
    review,
    stats,
    trial,
    weekly,
)
from core.views.lead import lead_card
from core.views.titles import title_of

NOBODY = "no longer here"


def view(session: Session, card: Card, *, now: datetime) -> CardView:
    """Give what a card shows now; of a person that is no longer here, only that."""
    match card.kind:
        case "lead":
            return lead_card(session, card.lead_id, now=now)
        case "review":
            return review.card(session, card, now=now)
        case "note":
            return note.card(session, card, now=now)
        case "answer":
            return answering.card(session, card, now=now)
        case "unsent":
            return answering.unsent(session, card, now=now)
        case "mailbox":
            return mailbox.card(session, card, now=now)
        case "meeting":
            return meeting.card(session, card, now=now)
        case "backlog":
            return backlog.card(session, card, now=now)
        case "return":
            return returning.card(session, card, now=now)
        case "collision":
            return collision.card(session, card, now=now)
        case "reminder":
            return reminder.card(session, card, now=now)
        case "absence":
            return absence.card(session, card, now=now)
        case "guard" | "guard_sequence":
            return guard.card(session, card, now=now)
        case "goal":
            return goal.card(session, card, now=now)
        case halts.KIND:
            return halt.card(session, card, now=now)
        case "home":
            return home.card(session, card, now=now)
        case "digest":
            return digest.card(session, card, now=now)
        case outlooks.KIND:
            return outlooks.card(session, card, now=now)
        case path.KIND:
            return path.card(session, card)
        case stats.KIND:
            return stats.card(session, card, now=now)
        case "trial":
            return trial.card(session, card)
        case "weekly":
            return weekly.card(session, card, now=now)
        case "new_step":
            return new_step.card(session, card, now=now)
        case "hook":
            return hook.card(session, card)
        case "fallen":
            return fallen.card(session, card, now=now)
    delivery = session.get(Delivery, card.delivery_id) if card.delivery_id else None
    row = next(load(session, [delivery.enrollment_id]), None) if delivery else None
    if delivery is None or row is None:
        return NoticeCard(f"This card's lead is {NOBODY}.")
    lead = session.get_one(Lead, row.lead_id)
    if card.kind == "task":
        return _task(session, delivery, row, lead)
    return _uncertain(delivery, row, lead)


def _uncertain(delivery: Delivery, row: Loaded, lead: Lead) -> UncertainCard:
    position = next((n for n, step in enumerate(row.sequence.steps) if step.id == delivery.step_id), 0)
    number = position + 1 if delivery.step_id else 0
    state = DeliveryState(delivery.state)
    verdict = None
    if not delivery.is_open_question:
        verdict = delivery.reason or f"settled: {state}"
    return UncertainCard(
        delivery_id=delivery.id or 0,
        lead=lead.email,
        sequence=row.sequence.name,
        step=number,
        subject=delivery.subject or title_of(row, position, lead),
        began_at=delivery.sending_at or delivery.created_at,
        reason=delivery.reason or "",
        verdict=verdict,
    )


def _task(session: Session, delivery: Delivery, row: Loaded, lead: Lead) -> TaskCard:
    position = next((n for n, step in enumerate(row.sequence.steps) if step.id == delivery.step_id), None)
    step = row.sequence.steps[position] if position is not None else None
    states = {DeliveryState.OPEN: "open", DeliveryState.SENT: "done"}
    state = states.get(DeliveryState(delivery.state), "skipped")
    if state == "skipped" and row.state.status is Status.STOPPED:
        ended_at = session.get_one(Enrollment, row.id).ended_at
        state = "stopped" if delivery.settled_at == ended_at else state
    said = "" if state == "open" else (delivery.reason or "").removeprefix("done ")
    if state == "open" and row.state.status is Status.PAUSED:
        state = "hidden"
    elif state == "open" and delivery.snoozed_until:
        member = session.get(Member, lead.owner) if lead.owner else None
        zone = member.zone if member else session.get_one(Workspace, WORKSPACE_ID).zone
        state, said = "snoozed", f"until {say(delivery.snoozed_until, zone)}"
    owner = names(session, [lead.owner]).get(lead.owner) if lead.owner else None
    return TaskCard(
        delivery_id=delivery.id or 0,
        enrollment_id=row.id,
        lead=lead.email,
        sequence=row.sequence.name,
        title=title_of(row, position, lead) if position is not None else delivery.subject,
        body=step.body if step else "",
        state=state,
        owner=owner,
        version=row.version,
        said=said,
    )
