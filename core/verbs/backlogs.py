"""What people say of a backlog: spread it over the next days, shift all of it by the length of the outage, or drop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, select

from core import backlogs, cards
from core.acts import Loaded, apply
from core.answers import Answer
from core.backlogs import Backlog, Spreading, Waiting
from core.errors import Refused
from core.grammar import commands as orders
from core.handover.backlog import VERB
from core.journal import note
from core.lifecycle import CancelStep, Event, Policy, Resume
from core.models import Batch
from core.people import Actor
from core.verbs.acting import Performed, answered, perform, says_next
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.words import counted, span

LONGEST_NUMBER = 9  # digits; what is longer is no id of any table


def press(session: Session, order: orders.Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do it for all that still wait; whoever presses when nothing waits any more is told who was first."""
    answer = order.answer.removesuffix(" all")
    if answer not in _SAID:
        raise Refused("Say what becomes of the backlog: “Spread”, “Shift all” or “Drop”.")
    batch = _batch(session, order.number)
    rows = backlogs.waiting(session, batch)
    lock_leads(session, {row.lead_id for row in rows})
    rows = backlogs.waiting(session, batch)  # a person may have resumed or stopped some meanwhile
    found = backlogs.get(session, batch, now=now)
    zone, _ = zone_of(session, actor)
    cards.touch_about(session, VERB, [found.batch_id])
    if not rows:
        words = backlogs.settled_words(session, found.batch_id, zone=zone)
        return Outcome(Answer(f"{words} Nothing was changed.", is_refusal=True))
    done = _perform(session, answer, found, rows, actor=actor, now=now)
    said, how = _SAID[answer], _how(answer, found, now)
    words = f"{said.lower()} {how}".strip()
    note(session, f"{VERB} {answer}", actor=actor, now=now, batch_id=batch.id, reason=words)
    outcome = answered(
        session,
        done,
        f"{said} of" if answer == "drop" else said,
        lambda change, lead: [says_next(change, lead, zone=zone, now=now)],
        suffix=how,
        notes=_NOTES.get(answer, ()),
    )
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))


_SAID = {"spread": "Spread", "shift": "Shifted", "drop": "Dropped the overdue step"}
_NOTES = {"drop": ("The next step follows at its usual delay, counted from now.",)}


def _how(answer: str, found: Backlog, now: datetime) -> str:
    match answer:
        case "spread":
            return f"evenly over {counted(found.days, 'working day')}"
        case "shift":
            return f"by {span(now - found.since)}"
        case _:
            return ""


def _batch(session: Session, number: str) -> Batch:
    """Give the backlog, locked: whoever presses second waits here, and so does a worker that would add to it."""
    batch_id = int(number) if len(number) <= LONGEST_NUMBER else 0
    query = select(Batch).where(Batch.id == batch_id, Batch.verb == VERB)
    batch = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if batch is None:
        raise Refused("That backlog is no longer here.")
    return batch


def _perform(
    session: Session, answer: str, found: Backlog, rows: Sequence[Waiting], *, actor: Actor, now: datetime
) -> Performed:
    ids, verb = [row.enrollment_id for row in rows], f"{VERB} {answer}"
    spreading = Spreading(found, rows, now=now)

    def event(row: Loaded) -> Event:
        calendar = row.sequence.plan(row.zone).calendar
        match answer:
            case "spread":
                at = spreading.moment(row.id, calendar)
            case "shift":
                at = backlogs.later(row.state.due_at or now, calendar, found, now=now)
            case _:
                at = now
        return Resume(Policy.AT, at, found.batch_id)

    done = perform(session, ids, event, verb=verb, actor=actor, now=now)
    if answer != "drop":
        return done
    # Awake as of now first: the next step counts its delay from today, not from the day that was missed.
    cancelled = apply(
        session, ids, lambda _: CancelStep(), verb=verb, actor=actor, now=now,
        reason=f"left out of a backlog by {actor.name}", batch_id=done.batch_id,
    )  # fmt: skip
    return replace(done, changes=cancelled.changes, refusals=(*done.refusals, *cancelled.refusals))
