"""The card that a person asked for: the lead, where they stand now, and what can be done at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, select

from core import owners
from core.answers import Choice, EnrollmentView, NoticeCard
from core.dates import say
from core.grammar import to_text
from core.grammar.commands import Stop, Who
from core.lifecycle import LIVE, Status
from core.models import WORKSPACE_ID, Card, Lead, Member, Reminder, Workspace
from core.names import name_of
from core.reminders import KIND, LATE
from core.views.digest_rows import row_command
from core.views.lead import lead_card
from core.words import clock

ICON = "🔔"
GONE = "That reminder is no longer here."


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give the reminder with the lead as it is now; once somebody answered, only what became of it."""
    row = session.get(Reminder, card.about_id) if card.about_id else None
    lead = session.get(Lead, row.lead_id) if row else None
    if row is None or lead is None or lead.id is None:
        return NoticeCard(GONE, icon=ICON)
    zone = _zone(session, row.person)
    told = settled_words(session, row, zone=zone, now=now)
    runs = [run for run in lead_card(session, lead.id, now=now).enrollments if run.status in LIVE]
    return NoticeCard(
        f"Reminder: {lead.name or lead.email}",
        lines=tuple(_where(run, zone) for run in runs) or ("No sequence of this lead is running.",),
        icon=ICON,
        quote=row.note,
        facts=(lead.email, *_about(session, row, zone)),
        choices=() if told else tuple(_choices(row, lead, runs)),
        verdict=f"{told}." if told else None,
    )  # fmt: skip


def settled_words(session: Session, row: Reminder, *, zone: str, now: datetime) -> str:
    """Give who answered and what, without its full stop; "" while it waits."""
    if row.done_at is None:
        return ""
    who, at = name_of(session, row.done_by or ""), clock(row.done_at, zone, now)
    again = select(Reminder).where(
        Reminder.lead_id == row.lead_id,
        Reminder.person == row.person,
        Reminder.created_at == row.done_at,
        Reminder.created_by == row.done_by,
    )
    if following := session.exec(again).first():
        return f"{who} asked at {at} to be reminded again on {say(following.at, zone)}"
    return f"{who} was done with it at {at}"


def _zone(session: Session, person: str) -> str:
    member = session.get(Member, person)
    return (member.zone if member else "") or session.get_one(Workspace, WORKSPACE_ID).zone


def _where(run: EnrollmentView, zone: str) -> str:
    step = f"step {min(run.position + 1, run.steps)} of {run.steps}"
    if run.reasons and run.status == Status.PAUSED:
        return f"{run.sequence}, {step}: {run.reasons[0]}"
    what = f"“{run.next_step}”" if run.next_step else "nothing more"
    when = f"{what} on {say(run.next_at, zone)}" if run.next_at else what
    return f"{run.sequence}, {step}: {run.status.replace('_', ' ')}, next {when}."


def _about(session: Session, row: Reminder, zone: str) -> Iterator[str]:
    who = name_of(session, row.created_by)
    yield f"{who} asked for it on {say(row.created_at, zone)}"
    if row.fired_at and owners.stands_for(session, row.person, now=row.fired_at) != row.person:
        yield f"for {name_of(session, row.person)}, who is away"
    if row.fired_at and row.fired_at - row.at > LATE:
        yield f"It was due on {say(row.at, zone)} and comes late: Fermata was not running then"


def _choices(row: Reminder, lead: Lead, runs: list[EnrollmentView]) -> Iterator[Choice]:
    press = f"card {KIND} {row.id}"
    paused = [run for run in runs if run.status == Status.PAUSED]
    if len(paused) == 1:
        [run] = paused
        yield Choice("Resume", row_command(run.id, "resume", run.version), "primary")
        yield Choice("Resume on a date…", form=("resume", run.id, run.version))
    yield Choice("Done", f"{press} done", None if paused else "primary")
    yield Choice("Tomorrow", f"{press} tomorrow")
    yield Choice("+1 week", f"{press} one week later")
    if runs:
        stop = to_text(Stop(Who(addresses=(lead.email,))))
        yield Choice("Stop", stop, "danger", confirm=f"Stop {lead.email} everywhere for good?")
