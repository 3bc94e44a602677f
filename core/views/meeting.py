"""The cards of a meeting: the notice that it is booked, and, once it is over or off, the question how to go on."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core import owners
from core.acts import Loaded, load
from core.answers import Choice, NoticeCard
from core.dates import say
from core.lifecycle import Status
from core.meetings import ANSWERED, State, is_over, live_runs, same
from core.models import WORKSPACE_ID, Card, Journal, Lead, Meeting, Workspace
from core.names import name_of
from core.reactions import holding
from core.views.forecast import hold_ends_at
from core.views.titles import title_of
from core.words import clock, listed, short

GONE = "That meeting is no longer here."
WORDS = {
    State.HAPPENED: "it took place",
    State.NO_SHOW: "nobody came",
    State.RESUMED: "go on",
    State.KEPT: "stay paused",
}
STEPS_OFFERED = 2
STEP_CHARS = 30
CALLED = {
    "calendar": "Calendar mail",
    "calendly": "Calendly",
    "cal": "Cal.com",
    "event": "An event of your own",
}


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give what is known of the meeting; the question's card also asks, until somebody has answered."""
    meeting = session.get(Meeting, card.about_id) if card.about_id else None
    lead = session.get(Lead, meeting.lead_id) if meeting else None
    if meeting is None or lead is None:
        return NoticeCard(GONE)
    zone = lead.zone or session.get_one(Workspace, WORKSPACE_ID).zone
    is_question = card.key == f"meeting:{meeting.id}" and asks(meeting, now)
    held = _held(session, meeting)
    return NoticeCard(
        _heading(meeting, lead.name or lead.email, now),
        lines=tuple(filter(None, (_when(meeting, zone, now), _held_words(held, zone)))),
        icon="📅",
        quote=meeting.title,
        owner=owners.stands_for(session, lead.owner, now=now) if is_question else None,
        owner_name=name_of(session, lead.owner) if lead.owner else "",
        facts=(lead.email, CALLED.get(meeting.source, meeting.source)),
        choices=_choices(session, meeting, lead, held) if is_question else (),
        verdict=f"{verdict(session, meeting, zone=zone, now=now)}." if meeting.settled_by else None,
    )


def asks(meeting: Meeting, now: datetime) -> bool:
    """Say whether a person should answer: it is over, off, missed, or nobody knows when it is."""
    if meeting.settled_by is not None or meeting.state in {State.MOVED, State.HAPPENED}:
        return False
    return meeting.state != State.BOOKED or meeting.ends_at is None or is_over(meeting, now)


def verdict(session: Session, meeting: Meeting, *, zone: str, now: datetime) -> str:
    """Give who answered for a settled meeting, when, and what; without its full stop."""
    line = session.exec(
        select(Journal)
        .where(
            Journal.lead_id == meeting.lead_id, Journal.verb == ANSWERED, Journal.batch_id == meeting.batch_id
        )
        .order_by(col(Journal.id).desc())
    ).first()
    who = name_of(session, meeting.settled_by or "")
    at = f" at {clock(line.at, zone, now)}" if line else ""
    return f"{who} said{at}: {WORDS.get(State(meeting.state), meeting.state)}"


def _heading(meeting: Meeting, name: str, now: datetime) -> str:
    match State(meeting.state):
        case State.CANCELLED:
            return f"The meeting with {name} was cancelled: go on, or stay paused?"
        case State.DECLINED:
            return f"{name} declined the meeting: go on, or stay paused?"
        case State.NO_SHOW:
            return f"{name} did not come to the meeting"
        case State.MOVED:
            return f"The meeting with {name} was moved"
        case State.BOOKED if is_over(meeting, now):
            return f"The meeting with {name}: how did it go?"
        case State.BOOKED if meeting.ends_at is None:
            return f"{name} booked a meeting, but nobody can say when: has it been?"
        case State.BOOKED:
            return f"{name} booked a meeting"
        case _:
            return f"The meeting with {name}"


def _when(meeting: Meeting, zone: str, now: datetime) -> str:
    if meeting.starts_at is None:
        return "Its time is not known."
    is_ahead = meeting.state == State.BOOKED and meeting.starts_at > now
    return f"It {'is' if is_ahead else 'was'} set for {say(meeting.starts_at, zone)}."


def _held(session: Session, meeting: Meeting) -> list[Loaded]:
    batches = [row.batch_id for row in same(session, meeting) if row.batch_id is not None]
    return list(load(session, sorted({i for batch_id in batches for i in holding(session, batch_id)})))


def _held_words(held: list[Loaded], zone: str) -> str:
    if not held:
        return "Nothing is paused because of it."
    ends = [hold_ends_at(row.state) for row in held]
    last = max((end for end in ends if end is not None), default=None)
    until = say(last, zone) if last is not None and None not in ends else "somebody resumes"
    return f"Paused in {listed(sorted({row.sequence.name for row in held}))} until {until}."


def _choices(session: Session, meeting: Meeting, lead: Lead, held: list[Loaded]) -> tuple[Choice, ...]:
    say_ = f"card meeting {meeting.id}"
    is_running = bool(live_runs(session, lead.id or 0))
    happened = Choice("It took place: stop", f"{say_} happened", "primary")
    keep = Choice("Stay paused", f"{say_} keep")
    if meeting.state in {State.CANCELLED, State.DECLINED}:
        resume = Choice("Resume", f"{say_} resume", "primary")
        return (*((resume,) if held else ()), *((keep,) if is_running else ()))
    missed = Choice("No-show: resume" if held else "No-show", f"{say_} no show")
    return (happened, missed, *_from_steps(meeting, lead, held, say_), *((keep,) if is_running else ()))


def _from_steps(meeting: Meeting, lead: Lead, held: list[Loaded], say_: str) -> list[Choice]:
    """Give buttons for the steps after the next one, where it is clear which sequence is meant."""
    rows = [row for row in held if row.id == meeting.enrollment_id] or held
    if len(rows) != 1 or rows[0].state.status is not Status.PAUSED:
        return []
    row, steps = rows[0], rows[0].sequence.steps
    choices = []
    for position in range(row.state.position + 1, min(len(steps), row.state.position + 1 + STEPS_OFFERED)):
        name = short(title_of(row, position, lead), STEP_CHARS)
        choices.append(
            Choice(f"No-show: step {position + 1} {name}".strip(), f"{say_} no show from step {position + 1}")
        )
    return choices
