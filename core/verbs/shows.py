"""What people ask to see about leads: status, why, history."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core import newsteps, sequences
from core.acts import Loaded, load
from core.answers import Answer, Row
from core.current import current_run
from core.grammar import commands as orders
from core.lifecycle import LIVE
from core.models import Enrollment, Lead, Sequence
from core.people import Actor
from core.verbs.acting import next_step
from core.verbs.choosing import lead_ids
from core.verbs.whens import zone_of
from core.views import new_step, why
from core.views.timeline import dated, timeline
from core.words import counted

LEADS_SHOWN = 10
LINES_OF_HISTORY = 30


def show(session: Session, order: orders.Show, *, actor: Actor, now: datetime) -> Answer:
    """Give what was asked about these leads."""
    ids = lead_ids(session, order.who, actor=actor)
    zone, _ = zone_of(session, actor)
    leads = list(session.exec(select(Lead).where(col(Lead.id).in_(ids[:LEADS_SHOWN])).order_by(col(Lead.id))))
    place = sequences.find(session, order.sequence) if order.sequence else None
    if len(ids) > 1:
        return _several(session, leads, len(ids), order.what, place, now=now, zone=zone)
    lead = leads[0]
    if order.what == "history":
        return history(session, lead, place, zone=zone)
    shown = status if order.what == "status" else why_not
    return shown(session, lead, place, now=now, zone=zone)


def runs_of(session: Session, lead: Lead, place: Sequence | None) -> list[Loaded]:
    """Give the latest run of a lead in each of its sequences, or in this one alone, live ones first."""
    query = select(Enrollment.id).where(Enrollment.lead_id == lead.id, current_run())
    if place is not None:
        query = query.where(Enrollment.sequence_id == place.id)
    ids = session.exec(query)
    rows = load(session, [enrollment_id for enrollment_id in ids if enrollment_id is not None])
    return sorted(rows, key=lambda row: (row.state.status not in LIVE, row.sequence.name))


def _nowhere(place: Sequence | None) -> str:
    return f"not in {place.name}" if place else "in no sequence"


def status(session: Session, lead: Lead, place: Sequence | None, *, now: datetime, zone: str) -> Answer:
    """Give where a lead stands in each sequence, or in this one alone, with its card."""
    rows = runs_of(session, lead, place)
    if not rows:
        return Answer(f"{lead.email} is {_nowhere(place)}.", card_leads=(lead.id or 0,))
    lines = [_where(row) + " " + next_step(row, row.state, lead, zone=zone, now=now) for row in rows]
    notes, choices = new_step.asked(
        newsteps.waiting(session, col(Enrollment.id).in_([row.id for row in rows]))
    )
    return Answer(_headline(lead, rows), (*lines, *notes), choices, card_leads=(lead.id or 0,))


def _headline(lead: Lead, rows: list[Loaded]) -> str:
    if len(rows) == 1:
        return f"{lead.email} is {_words(rows[0])} in {rows[0].sequence.name}."
    return f"{lead.email} is in {counted(len(rows), 'sequence')}."


def _words(row: Loaded) -> str:
    return row.state.status.value.replace("_", " ")


def _where(row: Loaded) -> str:
    step = min(row.state.position + 1, len(row.sequence.steps))
    run = f", run {row.run}" if row.run > 1 else ""
    return f"{row.sequence.name}: {_words(row)}, step {step} of {len(row.sequence.steps)}{run}."


def why_not(session: Session, lead: Lead, place: Sequence | None, *, now: datetime, zone: str) -> Answer:
    """Give every reason why nothing leaves for a lead, for each sequence, strongest first."""
    rows = runs_of(session, lead, place)
    if not rows:
        return Answer(f"{lead.email} is {_nowhere(place)}, so nothing is sent.")
    live = [row for row in rows if row.state.status in LIVE] or rows
    lines = []
    for row in live:
        found = why.reasons(session, row, now=now, zone=zone)
        prefix = f"{row.sequence.name}: " if len(live) > 1 else ""
        lines += [prefix + reason.text for reason in found]
        if not found:
            lines.append(
                f"{prefix}Nothing holds it back: {next_step(row, row.state, lead, zone=zone, now=now)}"
            )
    where = f" in {live[0].sequence.name}" if len(live) == 1 else ""
    return Answer(f"Why nothing is sent to {lead.email}{where} right now:", tuple(lines))


def history(session: Session, lead: Lead, place: Sequence | None, *, zone: str) -> Answer:
    """Give who and what did what to a lead, at all or in one sequence, the latest first."""
    sequence_id = place.id if place else None
    entries = timeline(session, lead_id=lead.id or 0, limit=LINES_OF_HISTORY, sequence_id=sequence_id)
    lines = dated(entries, zone) or ("Nothing yet.",)
    where = f" in {place.name}" if place else ""
    return Answer(f"What happened to {lead.email}{where}, the latest first:", lines)


def _several(
    session: Session,
    leads: list[Lead],
    count: int,
    what: str,
    place: Sequence | None,
    *,
    now: datetime,
    zone: str,
) -> Answer:
    rows = []
    for lead in leads:
        runs = runs_of(session, lead, place)
        details = []
        for run in runs:
            found = why.reasons(session, run, now=now, zone=zone) if what == "why" else []
            where = f"{run.sequence.name}: " if len(runs) > 1 else ""
            details.append(where + found[0].text if found else _where(run))
        rows.append(
            Row(lead.email, " ".join(details) or _nowhere(place), runs[0].id if len(runs) == 1 else None)
        )
    more = f" The first {len(leads)} are shown." if count > len(leads) else ""
    return Answer(f"{counted(count, 'lead')}.{more}", rows=tuple(rows))
