"""Enrolling leads: looked at first, done for exactly those that were shown, and said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from core import collisions, enrolling, leads, sequences
from core.acts import open_batch
from core.answers import Answer, Choice
from core.enrolling import Person, Preview, Why
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import Sequence as SequenceRow
from core.models import SequenceStatus
from core.people import Actor
from core.verbs import proposals
from core.verbs.acting import LINES_FOR_MANY
from core.verbs.choosing import LEADS_WITHOUT_ASKING, lead_ids, lock_leads
from core.verbs.outcome import Instead, Outcome
from core.verbs.runs import NOBODY_YET, began
from core.words import counted, some

VERB = "enrol"
FORM = "enrol"
ASK = "Say who, and where: `enrol stage:demo in Spring`. In Slack, `enrol` alone opens a form."
SEQUENCES_OFFERED = 10


def enrol(
    session: Session,
    order: orders.Enrol,
    *,
    actor: Actor,
    now: datetime,
    only: Sequence[int] | None = None,
) -> Outcome:
    """Enrol leads that were never in the sequence; many are shown first, and what is not said a form asks for."""
    row = sequences.find(session, order.sequence) if order.sequence else None
    if order.who is None and only is None:
        return Outcome(Answer(ASK, opens=(FORM, row.id or 0 if row else 0, 0)))
    if row is None or row.id is None:
        raise _which(session, order)
    if only is not None or order.who is None:
        return enrol_these(session, only or (), row.id, actor=actor, now=now)
    shown = enrolling.preview(
        session, lead_ids(session, order.who, actor=actor), row.id, actor=actor, now=now
    )
    if not shown.lead_ids:
        raise Instead(
            f"Nobody would be enrolled in {shown.sequence}; nothing was changed.", lines=overview(shown)
        )
    if order.who.everyone or len(shown.lead_ids) > LEADS_WITHOUT_ASKING:
        return propose(session, shown, actor=actor, now=now)
    return enrol_these(session, shown.lead_ids, row.id, actor=actor, now=now)


def propose(session: Session, shown: Preview, *, actor: Actor, now: datetime) -> Outcome:
    """Store exactly what was shown, good for one click, and give the question."""
    title = f"Enrol {counted(len(shown.enrolled), 'lead')} in {shown.sequence}?"
    order = orders.Enrol(sequence=shown.sequence)
    return proposals.ask(session, order, title, overview(shown), shown.lead_ids, actor=actor, now=now)


def enrol_these(
    session: Session, ids: Sequence[int], sequence_id: int, *, actor: Actor, now: datetime
) -> Outcome:
    """Enrol these leads in one batch: whoever cannot be is named, and a colleague whose leads they are is asked first."""
    batch_id = open_batch(session, VERB, actor=actor, now=now)
    lock_leads(session, ids)
    done = place(session, ids, sequence_id, actor=actor, now=now, batch_id=batch_id)
    if done.asked and not done.enrollment_ids:
        title, *lines = done.asked
        return Outcome(Answer(title, (*lines, *done.faults[:LINES_FOR_MANY], NOBODY_YET)))
    return began(
        session,
        done.enrollment_ids,
        done.faults,
        "Enrolled",
        batch_id=batch_id,
        actor=actor,
        now=now,
        notes=done.asked,
    )


@dataclass(frozen=True)
class Placed:
    """The enrollments made, a sentence for each lead that got none, and which colleagues were asked about others."""

    enrollment_ids: tuple[int, ...]
    faults: tuple[str, ...]
    asked: tuple[str, ...]


def place(
    session: Session, ids: Sequence[int], sequence_id: int, *, actor: Actor, now: datetime, batch_id: int
) -> Placed:
    """Enrol leads that are locked, as part of a batch."""
    shown = enrolling.preview(session, ids, sequence_id, actor=actor, now=now)
    theirs = [one.lead_id or 0 for people in shown.asked.values() for one in people]
    held = collisions.hold_back(session, theirs, sequence_id, actor=actor, now=now)
    wanted = [lead_id for lead_id in ids if lead_id not in held.lead_ids]
    placed = leads.enrol(session, wanted, sequence_id, actor=actor, now=now, batch_id=batch_id)
    return Placed(placed.enrollment_ids, placed.refusals, held.lines)


def overview(shown: Preview) -> tuple[str, ...]:
    """Give who would be enrolled, and who not and why, a line for each group."""
    lines = [f"Enrolled: {_named(shown.enrolled)}."] if shown.enrolled else []
    lines += [f"{title}: {_named(people)}." for title, people in groups(shown)]
    return tuple(lines)


def groups(shown: Preview) -> Iterable[tuple[str, tuple[Person, ...]]]:
    """Give the leads that would not be enrolled, by the reason in words."""
    titles = {
        Why.SUPPRESSED: "Suppressed, they get no mail",
        Why.THERE: f"In {shown.sequence} already",
        Why.BEFORE: f"In {shown.sequence} before, where only `start` begins a new run",
    }
    for why, people in shown.skipped.items():
        yield f"{titles[why]} ({len(people):,})", people
    for name, people in shown.asked.items():
        yield f"{name} works these or their company and is asked first ({len(people):,})", people


def _named(people: Sequence[Person]) -> str:
    return some([one.email for one in people])


def _which(session: Session, order: orders.Enrol) -> Refused:
    """Ask in which sequence, with a button for each that takes leads."""
    published = SequenceRow.status == SequenceStatus.PUBLISHED.value
    query = select(SequenceRow.name).where(published).order_by(SequenceRow.name).limit(SEQUENCES_OFFERED)
    choices = [Choice(name, to_text(orders.Enrol(order.who, name))) for name in session.exec(query)]
    if not choices:
        return Refused("No sequence is published yet, so nobody can be enrolled; publish one first.")
    return Instead("In which sequence?", *choices).as_question()
