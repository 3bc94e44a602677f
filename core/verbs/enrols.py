"""Enrolling leads: looked at first, done for exactly those that were shown, and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import collisions, enrolling, leads, owners, sequences, unwritten
from core.acts import open_batch
from core.answers import Answer, Choice
from core.chunks import chunks
from core.db import Database
from core.enrolling import Person, Preview, Why
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.lead_file import LeadFile, LeadRow, Row
from core.models import Enrollment, Lead, SequenceStatus
from core.models import Sequence as SequenceRow
from core.people import Actor
from core.sql import spelling
from core.verbs import proposals
from core.verbs.acting import LINES_FOR_MANY
from core.verbs.choosing import asks_first, lead_ids, lock_leads
from core.verbs.groups import (
    away_groups,
    groups,
    held_groups,
    lines_of,
    paused_groups,
    qualified_groups,
    skipped_groups,
    startling_groups,
)
from core.verbs.outcome import Instead, Outcome
from core.verbs.runs import BATCHES, began, only_asked
from core.words import counted

VERB = "enrol"
FORM = "enrol"
ROWS_AT_ONCE = 500
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
    """Enrol leads that were never in the sequence; many, or one that is qualified, are shown first.

    What is not said a form asks for.
    """
    row = sequences.find(session, order.sequence) if order.sequence else None
    if order.who is None and only is None:
        return Outcome(Answer(ASK, opens=(FORM, row.id or 0 if row else 0, 0)))
    if row is None or row.id is None:
        raise _which(session, order)
    if only is not None or order.who is None:
        ids = only or ()
        left_out = enrolling.preview(session, [-i for i in ids if i < 0], row.id, actor=actor, now=now)
        wanted = [i for i in ids if i > 0]
        return enrol_these(
            session, wanted, row.id, actor=actor, now=now, notes=lines_of(skipped_groups(left_out))
        )
    shown = enrolling.preview(
        session, lead_ids(session, order.who, actor=actor), row.id, actor=actor, now=now
    )
    shown = unwritten.foreseen(session, shown, now=now)
    if not shown.lead_ids:
        raise Instead(
            f"Nobody would be enrolled in {shown.sequence}; nothing was changed.", lines=overview(shown)
        )
    if shown.qualified or asks_first(order.who, len(shown.lead_ids)):
        return propose(session, shown, actor=actor, now=now)
    notes = lines_of((*skipped_groups(shown), *held_groups(shown)))
    return enrol_these(session, shown.lead_ids, row.id, actor=actor, now=now, notes=notes)


def propose(session: Session, shown: Preview, *, actor: Actor, now: datetime) -> Outcome:
    """Store exactly what was shown, good for one click, and give the question."""
    title, lead_in = f"Enrol {counted(len(shown.enrolled), 'lead')} in {shown.sequence}?", ""
    if not shown.enrolled:
        title = f"Ask about {counted(len(shown.wanted), 'lead')} first?"
        lead_in = f"Nobody would be enrolled in {shown.sequence} at once."
    order = orders.Enrol(sequence=shown.sequence)
    return proposals.ask(
        session, order, title, overview(shown), shown.remembered, actor=actor, now=now, lead_in=lead_in
    )


def enrol_these(
    session: Session,
    ids: Sequence[int],
    sequence_id: int,
    *,
    actor: Actor,
    now: datetime,
    notes: Sequence[str] = (),
) -> Outcome:
    """Enrol these leads in one batch: whoever cannot be is named, and a colleague whose leads they are is asked first."""
    batch_id = open_batch(session, VERB, actor=actor, now=now)
    lock_leads(session, ids)
    done = place(session, ids, sequence_id, actor=actor, now=now, batch_id=batch_id)
    if done.held.lead_ids and not done.enrollment_ids:
        return only_asked(session, done.held, (*done.faults[:LINES_FOR_MANY], *notes), batch_id=batch_id)
    return began(
        session,
        done.enrollment_ids,
        done.faults,
        "Enrolled",
        batch_id=batch_id,
        actor=actor,
        now=now,
        notes=(*done.startling, *notes, *done.held.lines),
    )


@dataclass(frozen=True)
class Placed:
    """The enrollments made, a sentence for each lead that got none, and about which others colleagues are asked.

    `startling`: who of them is out of office, paused in another sequence or qualified, in sentences.
    """

    enrollment_ids: tuple[int, ...]
    faults: tuple[str, ...]
    held: collisions.HeldBack
    startling: tuple[str, ...]


def place(
    session: Session, ids: Sequence[int], sequence_id: int, *, actor: Actor, now: datetime, batch_id: int
) -> Placed:
    """Enrol leads that are locked, as part of a batch."""
    shown = enrolling.preview(session, ids, sequence_id, actor=actor, now=now)
    theirs = [one.lead_id or 0 for people in shown.asked.values() for one in people]
    held = collisions.hold_back(session, theirs, sequence_id, actor=actor, now=now, batch_id=batch_id)
    wanted = [lead_id for lead_id in ids if lead_id not in held.lead_ids]
    placed = leads.enrol(session, wanted, sequence_id, actor=actor, now=now, batch_id=batch_id)
    return Placed(placed.enrollment_ids, placed.refusals, held, lines_of(startling_groups(shown)))


def keep(session: Session, shown: Preview, *, of_file: str = "", actor: Actor, now: datetime) -> str:
    """Store exactly what was shown, good for one click, and give its id; `of_file`: the file's hash, by whose lines."""
    command = _of_file(of_file) if of_file else to_text(orders.Enrol(sequence=shown.sequence))
    ids = [one.line for one in shown.wanted] if of_file else shown.remembered
    return proposals.keep(session, command, ids, actor=actor, now=now)


def _of_file(digest: str) -> str:
    """Give what stands for the command of a file: nothing that the grammar reads, so that no button can run it."""
    return f"file {digest}"


def enrol_file(
    db: Database, file: LeadFile, digest: str, proposal: str, sequence_id: int, *, actor: Actor, now: datetime
) -> Answer:
    """Save and enrol the rows of a file that were shown, a few hundred at a time, and give the answer.

    Whatever is cut short is finished by the same file once more: who is there already is left as is.
    """
    with db.write() as session:
        stored = proposals.use(session, proposal, actor=actor, now=now)
        lines = set(stored.enrollments)
        if stored.command != _of_file(digest):
            raise Refused("That is another file than the one that was shown; look at it again first.")
        name = enrolling.accepting(session, sequence_id).name
        batch_id = open_batch(session, VERB, actor=actor, now=now)
        others = [(row.line, row.lead) for row in file if row.lead is not None and row.line not in lines]
        left_out = enrolling.preview_rows(session, others, sequence_id, actor=actor, now=now)
    done = Filed()
    for chunk in chunks(file, ROWS_AT_ONCE):
        done.refused += [row for row in chunk if row.fault is not None]
        wanted = [row.lead for row in chunk if row.lead is not None and row.line in lines]
        with db.write() as session:
            _enrol_rows(session, wanted, sequence_id, done, actor=actor, now=now, batch_id=batch_id)
    with db.write() as session:
        lock_leads(session, done.theirs)
        held = collisions.hold_back(
            session, done.theirs, sequence_id, actor=actor, now=now, batch_id=batch_id
        )
        if not done.enrolled:
            size = BATCHES.c.size + held.asked
            session.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(size=size))
    return _filed(
        name,
        done,
        (
            *lines_of(away_groups(done.away)),
            *lines_of(paused_groups(done.paused)),
            *lines_of(qualified_groups(done.qualified)),
            *held.lines,
            *lines_of(skipped_groups(left_out)),
        ),
        batch_id if done.enrolled or held.asked else None,
    )


@dataclass
class Filed:
    """What became of a file so far."""

    enrolled: int = 0
    new: int = 0
    faults: list[str] = field(default_factory=list)
    theirs: list[int] = field(default_factory=list)
    away: list[Person] = field(default_factory=list)
    paused: list[Person] = field(default_factory=list)
    qualified: list[Person] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)


def _enrol_rows(
    session: Session,
    rows: Sequence[LeadRow],
    sequence_id: int,
    done: Filed,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> None:
    barred = enrolling.suppressed(session, (row.email for row in rows))
    done.faults += [enrolling.sentence(Why.SUPPRESSED, email, "", None) for email in sorted(barred)]
    saved = leads.save(session, [row for row in rows if row.email not in barred], actor=actor, now=now)
    ids = [lead_id for lead_id, _ in saved.values()]
    lock_leads(session, ids)
    shown = enrolling.preview(session, ids, sequence_id, actor=actor, now=now)
    theirs = [one.lead_id or 0 for people in shown.asked.values() for one in people]
    mine = set(ids) - set(theirs)
    placed = leads.enrol(session, mine, sequence_id, actor=actor, now=now, batch_id=batch_id)
    size = BATCHES.c.size + len(placed.enrollment_ids)
    session.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(size=size))
    if collisions.is_asking(actor):
        _own(session, placed.enrollment_ids, actor=actor, now=now, batch_id=batch_id)
    done.enrolled += len(placed.enrollment_ids)
    done.new += sum(saving is leads.Saving.NEW for _, saving in saved.values())
    done.faults += placed.refusals
    done.theirs += theirs
    done.away += shown.away
    done.paused += shown.elsewhere
    done.qualified += shown.qualified


def _own(
    session: Session, enrollment_ids: Sequence[int], *, actor: Actor, now: datetime, batch_id: int
) -> None:
    """Give those that belong to nobody to whoever brought them, so that what is held for them reaches somebody."""
    mine = spelling(session).among(Enrollment.id, enrollment_ids)
    query = select(Lead.id).join(Enrollment, col(Enrollment.lead_id) == Lead.id)
    of_nobody = session.exec(query.where(mine, col(Lead.owner).is_(None)))
    owners.give(session, [i for i in of_nobody if i], actor.id, actor=actor, now=now, batch_id=batch_id)


def _filed(name: str, done: Filed, notes: Sequence[str], batch_id: int | None) -> Answer:
    more = len(done.faults) - LINES_FOR_MANY
    rest = len(done.refused) - LINES_FOR_MANY
    lines = [
        f"{counted(done.new, 'new lead')} saved.",
        *notes,
        *done.faults[:LINES_FOR_MANY],
        *([f"{more:,} more were left out."] if more > 0 else []),
        *([f"{counted(len(done.refused), 'row')} of the file made no lead:"] if done.refused else []),
        *(f"Line {row.line}: {row.fault}" for row in done.refused[:LINES_FOR_MANY]),
        *([f"{counted(rest, 'more row')}."] if rest > 0 else []),
    ]
    title = f"Enrolled {counted(done.enrolled, 'lead')} of the file in {name}."
    return Answer(title, tuple(lines), batch_id=batch_id)


def overview(shown: Preview) -> tuple[str, ...]:
    """Give who would be enrolled, and who not and why, a line for each group."""
    enrolled = [("Enrolled", shown.enrolled)] if shown.enrolled else []
    return lines_of((*enrolled, *groups(shown)))


def _which(session: Session, order: orders.Enrol) -> Refused:
    """Ask in which sequence, with a button for each that takes leads."""
    published = SequenceRow.status == SequenceStatus.PUBLISHED.value
    query = select(SequenceRow.name).where(published).order_by(SequenceRow.name).limit(SEQUENCES_OFFERED)
    choices = [Choice(name, to_text(orders.Enrol(order.who, name))) for name in session.exec(query)]
    if not choices:
        return Refused("No sequence is published yet, so nobody can be enrolled; publish one first.")
    return Instead("In which sequence?", *choices).as_question()
