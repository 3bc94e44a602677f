"""The heads-up before a hold ends: who goes on when, with which mail exactly; later, what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import announcements, owners
from core.announcements import KIND, Returning
from core.answers import Choice, NoticeCard
from core.dates import say
from core.lifecycle import StepKind
from core.models import WORKSPACE_ID, Card, Hold, Lead, Seen, Workspace
from core.names import name_of
from core.people import SYSTEM
from core.views.forecast import next_at
from core.views.titles import title_of
from core.views.why import hold_words
from core.words import listed

ICON = "⏰"


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give the question, or, once it is answered or something else has changed, only what became of it."""
    hold = session.get(Hold, card.about_id) if card.about_id else None
    lead = session.get(Lead, card.lead_id) if card.lead_id else None
    if hold is None or lead is None or lead.id is None:
        return NoticeCard("This card's lead is no longer here.")
    zone = lead.zone or session.get_one(Workspace, WORKSPACE_ID).zone
    name = lead.name or lead.email
    if told := verdict(session, hold, lead.id, zone=zone):
        return NoticeCard(
            f"The pause of {name} was to end {_day(hold, zone)}", icon=ICON, facts=(lead.email,), verdict=told
        )
    ends = announcements.group_of(session, hold, lead.id)
    return NoticeCard(
        f"The pause of {name} ends {_day(hold, zone)}",
        lines=tuple(_next(one, lead, now) for one in ends),
        icon=ICON,
        owner=owners.stands_for(session, lead.owner, now=now),
        owner_name=name_of(session, lead.owner) if lead.owner else "",
        facts=(lead.email, *dict.fromkeys(_held(session, one, zone) for one in ends)),
        choices=_choices(hold, lead, ends),
    )


def verdict(session: Session, hold: Hold, lead_id: int, *, zone: str) -> str:
    """Give what was answered, or what else has become of it; "" while it still asks."""
    if answered := session.get(Seen, f"{KIND}:{hold.id}"):
        return answered.answer or ""
    if announcements.group_of(session, hold, lead_id):
        return ""
    if hold.released_at is None:
        return "Another hold keeps it paused now."
    if hold.released_by == SYSTEM.id and hold.until and hold.released_at >= hold.until:
        return f"The hold ended on {say(hold.released_at, zone)}, as planned."
    return f"{name_of(session, hold.released_by or SYSTEM.id)} changed that on {say(hold.released_at, zone)}."


def _day(hold: Hold, zone: str) -> str:
    return f"on {say(hold.until, zone)}" if hold.until else ""


def _next(one: Returning, lead: Lead, now: datetime) -> str:
    """Give what exactly comes next: the step, its subject as the lead will see it, and when, in the lead's zone."""
    row, state = one.row, one.row.state
    plan = row.sequence.plan(row.zone)
    step = row.sequence.steps[state.position]
    name = title_of(row, state.position, lead)
    what = f"{row.sequence.name}: step {state.position + 1} “{name}”"
    is_task = step.kind == StepKind.TASK
    moment = next_at(state, plan, now=now)
    if moment is None:
        assert one.hold.until is not None
        return f"{what} comes back on {say(one.hold.until, plan.calendar.zone)}."
    return f"{what} {'opens as a task' if is_task else 'leaves'} on {say(moment, lead.zone or plan.calendar.zone)}."


def _held(session: Session, one: Returning, zone: str) -> str:
    return hold_words(one.hold, name_of(session, one.hold.author), one.row.state.position, zone)


def _choices(hold: Hold, lead: Lead, ends: list[Returning]) -> tuple[Choice, ...]:
    where = listed(sorted({one.row.sequence.name for one in ends}))
    command = f"card {KIND} {hold.id}"
    return (
        Choice("As planned", f"{command} as planned", "primary"),
        Choice("+1 week", f"{command} one week later"),
        Choice("Stop", f"{command} stop", "danger", confirm=f"Stop {lead.email} in {where} for good?"),
    )
