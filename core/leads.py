"""Leads in the database: saved from files, suppressed, tagged, and enrolled into sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Table, insert
from sqlmodel import Session, col, func, select

from core import cards, collisions, goals, journal, tagging
from core.acts import CHUNK, ENROLLMENTS, Loaded, apply
from core.awaited import news
from core.chunks import chunks
from core.db import Database, upsert
from core.enrolling import (
    Why,
    accepting,
    away,
    away_people,
    history,
    judge,
    no_mailbox,
    pause_away,
    sentence,
    suppressed,
)
from core.goals import Kind
from core.lead_file import LeadRow, Row
from core.lead_file.row import full_name, renamed
from core.lifecycle import LIVE, Pause, Stop, begin
from core.mailboxes import rotation
from core.models import Enrollment, Lead, Suppression
from core.people import SYSTEM, Actor
from core.plans import PlannedSequence
from core.schedule import send_at
from core.sequences import find
from core.sql import spelling

SUPPRESSIONS: Table = Suppression.__table__  # type: ignore[attr-defined]
FIELDS = ("first_name", "last_name", "name", "company", "domain", "zone", "stage", "owner")


class Saving(StrEnum):
    """What saving a lead did."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class Enrolled:
    """The new enrollments, and a sentence for each lead that was not enrolled; `left_out`: why, by lead."""

    enrollment_ids: tuple[int, ...]
    refusals: tuple[str, ...]
    left_out: Mapping[int, Why] = field(default_factory=dict)


def save(
    session: Session, rows: Iterable[LeadRow], *, actor: Actor, now: datetime
) -> dict[str, tuple[int, Saving]]:
    """Write leads and give, by address, the id and what changed; an empty field never empties a known one."""
    done: dict[str, tuple[int, Saving]] = {}
    for chunk in chunks(rows, CHUNK):
        addresses = [row.email for row in chunk]
        known = {
            lead.email: lead for lead in session.exec(select(Lead).where(col(Lead.email).in_(addresses)))
        }
        saving: dict[str, Saving] = {}
        stages = {email: lead.stage for email, lead in known.items()}
        for row in chunk:
            if row.email not in known:
                known[row.email] = Lead(email=row.email, created_at=now)
                saving[row.email] = Saving.NEW
            has_changed = fill(known[row.email], row)
            session.add(known[row.email])
            saving.setdefault(row.email, Saving.CHANGED if has_changed else Saving.SAME)
        session.flush()
        _journal_saves(session, {known[email].id or 0: what for email, what in saving.items()}, actor, now)
        add_tags(session, [(known[row.email].id or 0, tag) for row in chunk for tag in row.tags], now=now)
        moved = [lead for lead in known.values() if lead.stage and lead.stage != stages.get(lead.email, "")]
        goals.meet_values(session, Kind.STAGE, ((lead.id or 0, lead.stage) for lead in moved), now=now)
        new = [(known[email].id or 0, "") for email, what in saving.items() if what is Saving.NEW]
        goals.meet_values(session, Kind.NEW_LEAD, new, now=now)
        news(session, [known[email].id or 0 for email, what in saving.items() if what is Saving.CHANGED])
        done |= {email: (known[email].id or 0, what) for email, what in saving.items()}
    return done


@dataclass(frozen=True)
class Imported:
    """What became of some rows of a file: how many of each kind, and the rows that were refused with their reason.

    `told`: of single leads that were not enrolled, or that somebody should know of, a sentence each.
    """

    counts: dict[str, int]
    refused: list[Row]
    told: list[str] = field(default_factory=list)


def import_batch(db: Database, rows: list[Row], *, into: str | None, actor: Actor, now: datetime) -> Imported:
    """Save the good rows in one transaction and enrol them in the sequence named `into`; None: only save.

    A suppressed address is saved as nothing and refused. The same file twice changes nothing.
    """
    refused = [row for row in rows if row.lead is None]
    with db.write() as session:
        by_email = {row.lead.email: row for row in rows if row.lead is not None}
        barred = suppressed(session, list(by_email))
        refused += [by_email.pop(email).refused("The address is suppressed.") for email in sorted(barred)]
        saved = save(session, [row.lead for row in by_email.values() if row.lead], actor=actor, now=now)
        counts = Counter(f"{saving} leads" for _, saving in saved.values())
        told: list[str] = []
        if into is not None:
            sequence_id = find(session, into).id or 0
            worked = collisions.find(session, [i for i, _ in saved.values()], actor=actor, now=now)
            enrolled = enrol(
                session, [lead_id for lead_id, _ in saved.values()], sequence_id, actor=actor, now=now
            )
            counts["enrolled"] = len(enrolled.enrollment_ids)
            counts["in the sequence already, or before"] = len(enrolled.refusals)
            given = {saved[email][0]: row.lead.owner for email, row in by_email.items() if row.lead}
            clashes = {i: clash for i, clash in worked.items() if clash.colleague != given[i]}
            new = _new(session, enrolled)
            counts += Counter(
                f"enrolled, though {clashes[i].name} works them or their company" for i in new if i in clashes
            )
            told += enrolled.refusals
            told += [
                f"{new[i]} is enrolled, though it {clash.why}." for i, clash in clashes.items() if i in new
            ]
            absent = away_people(session, new, collisions.zone_of(session, actor.id), now=now)
            counts["enrolled, but out of office and held until back"] = len(absent)
            told += [f"{one.email} is enrolled, but out of office and held {one.why}." for one in absent]
        counts.update(goals.settle(session, now=now).counts)
    return Imported(dict(counts), refused, told)


def _new(session: Session, enrolled: Enrolled) -> dict[int, str]:
    """Give the addresses of those who were enrolled, by lead."""
    these = spelling(session).these(enrolled.enrollment_ids)
    rows = select(Lead.id, Lead.email).join(Enrollment, col(Enrollment.lead_id) == Lead.id)
    return {i or 0: email for i, email in session.exec(rows.where(col(Enrollment.id).in_(these)))}


def fill(lead: Lead, row: LeadRow) -> bool:
    """Write what a file says of a lead and say whether anything changed; an empty field never empties a known one."""
    values = {name: getattr(row, name) for name in FIELDS if getattr(row, name)}
    if row.custom:
        values["custom"] = {**lead.custom, **{key: value for key, value in row.custom.items() if value}}
    # The name of a row that is made of its halves may be one half of what we know.
    if row.name and row.name == full_name(row.first_name, row.last_name):
        halves = values.get("first_name", lead.first_name), values.get("last_name", lead.last_name)
        values["name"] = renamed(lead.name, (lead.first_name, lead.last_name), halves)
    changed = {name: value for name, value in values.items() if value != getattr(lead, name)}
    for name, value in changed.items():
        setattr(lead, name, value)
    return bool(changed)


def _journal_saves(session: Session, saves: dict[int, Saving], actor: Actor, now: datetime) -> None:
    lines = [
        {"at": now, "actor": actor.id, "verb": f"lead {what}", "lead_id": lead_id, "reason": ""}
        for lead_id, what in saves.items()
        if what is not Saving.SAME
    ]
    if lines:
        journal.write(session, lines)


def add_tags(session: Session, tags: Iterable[tuple[int, str]], *, now: datetime) -> tagging.Pairs:
    """Put tags on leads and give those that are new, which may meet goals; a tag that is there already stays."""
    new = tagging.put(session, tags)
    news(session, [lead_id for lead_id, _ in new])
    goals.meet_values(session, Kind.TAG, new, now=now)
    return new


def suppress(
    session: Session, email: str, *, reason: str, actor: Actor, now: datetime, batch_id: int | None = None
) -> bool:
    """Let an address never get mail again and stop its lead everywhere; False: it was suppressed already.

    `batch_id`: the act it is part of; None: an act that nobody can undo.
    """
    # Two at the same moment: the second waits at the lead or at the insert, and then finds it done.
    lead = session.exec(select(Lead).where(Lead.email == email).with_for_update(key_share=True)).first()
    values = {"email": email, "reason": reason, "author": actor.id, "at": now}
    place = (
        upsert(session, SUPPRESSIONS).values(values).on_conflict_do_nothing().returning(SUPPRESSIONS.c.email)
    )
    if session.connection().execute(place).first() is None:
        return False
    journal.note(session, "suppress", actor=actor, now=now, lead_id=lead.id if lead else None, reason=reason)
    if lead is not None:
        live = session.exec(
            select(Enrollment.id).where(Enrollment.lead_id == lead.id, col(Enrollment.status).in_(LIVE))
        )
        ids = [enrollment_id for enrollment_id in live if enrollment_id is not None]
        apply(
            session,
            ids,
            lambda _: Stop(),
            verb="stop",
            actor=actor,
            now=now,
            reason=reason,
            batch_id=batch_id,
            is_undoable=batch_id is not None,
        )
        cards.touch(session, lead_ids=[lead.id or 0])
    return True


def enrol(
    session: Session,
    lead_ids: Iterable[int],
    sequence_id: int,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None = None,
    is_again: bool = False,
    leaving: Collection[int] = (),
) -> Enrolled:
    """Enrol leads into a published sequence; who is in it, was in it or is suppressed is named and left out.

    `is_again`: a lead that was stopped or has completed begins a new run at the very first step. `leaving`: sequences
    that the leads leave for this one, whose tags go, as do those of the other sequences of its path. Who is out of office
    begins held until they are back.
    """
    sequence = accepting(session, sequence_id)
    mailboxes = rotation(session, sequence.spec.mailboxes)
    outdated = tagging.outdated(session, sequence, leaving)
    left_out: dict[int, Why] = {}
    ids: list[int] = []
    refusals: list[str] = []
    for chunk in chunks(sorted(set(lead_ids)), CHUNK):
        leads = session.exec(
            select(Lead).where(col(Lead.id).in_(chunk)).order_by(col(Lead.id)).with_for_update(key_share=True)
        ).all()
        runs, barred = history(session, chunk, sequence_id), suppressed(session, (one.email for one in leads))
        rows = []
        for lead in leads:
            run, status = runs.get(lead.id or 0, (0, None))
            if why := judge(status, is_barred=lead.email in barred, is_again=is_again):
                refusals.append(sentence(why, lead.email, sequence.name, status))
                left_out[lead.id or 0] = why
                continue
            mailbox_id = next(mailboxes, None)
            if mailbox_id is None:
                raise no_mailbox(sequence.name)
            rows.append(_first_state(lead, sequence, run + 1, mailbox_id, now))
        placed = _insert(session, rows, sequence, outdated, actor=actor, now=now, batch_id=batch_id)
        _hold_absent(session, placed, now=now, batch_id=batch_id)
        ids += placed
    return Enrolled(tuple(ids), tuple(refusals), left_out)


def _first_state(
    lead: Lead, sequence: PlannedSequence, run: int, mailbox_id: int, now: datetime
) -> dict[str, object]:
    plan = sequence.plan(lead.zone)
    state = begin(f"{lead.email} in {sequence.name}", now=now, plan=plan)
    moment = send_at(state.due_at, plan.calendar) if state.due_at else None
    return {
        "lead_id": lead.id,
        "sequence_id": sequence.id,
        "run": run,
        "status": state.status.value,
        "position": 0,
        "attempt": 0,
        "due_at": state.due_at,
        "send_at": moment,
        "wake_at": moment,
        "mailbox_id": mailbox_id,
        "has_started": False,
        "version": 0,
        "enrolled_at": now,
    }


def _insert(
    session: Session,
    rows: list[dict[str, object]],
    sequence: PlannedSequence,
    outdated: Collection[str],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None,
) -> list[int]:
    if not rows:
        return []
    statement = insert(ENROLLMENTS).returning(ENROLLMENTS.c.id, ENROLLMENTS.c.lead_id)
    placed = session.execute(statement, rows).all()
    journal.write(
        session,
        [
            {
                "at": now,
                "actor": actor.id,
                "verb": "start",
                "lead_id": lead_id,
                "sequence_id": sequence.id,
                "enrollment_id": enrollment_id,
                "batch_id": batch_id,
                "became": "pending",
                "reason": "",
                "version": 0,
            }
            for enrollment_id, lead_id in placed
        ],
    )
    lead_ids = [lead_id for _, lead_id in placed]
    tag = sequence.spec.tag
    put = add_tags(session, [(lead_id, tag) for lead_id in lead_ids], now=now) if tag else []
    taken = tagging.take(session, lead_ids, outdated)
    for verb, pairs in ((tagging.PUT, put), (tagging.TAKEN, taken)):
        tagging.record(session, verb, pairs, actor=actor, now=now, batch_id=batch_id, sequence_id=sequence.id)
    cards.touch(session, lead_ids=lead_ids)
    return [enrollment_id for enrollment_id, _ in placed]


def _hold_absent(session: Session, enrollment_ids: list[int], *, now: datetime, batch_id: int | None) -> None:
    """Hold those who are out of office as their note would have, had it come now: a first mail would drown as well."""
    mine = spelling(session).among(Enrollment.id, enrollment_ids)
    run_of = {
        lead_id: i for i, lead_id in session.exec(select(Enrollment.id, Enrollment.lead_id).where(mine))
    }
    absent = {run_of[lead_id] or 0: hold for lead_id, hold in away(session, run_of, now=now).items()}

    def event(row: Loaded) -> Pause:
        return pause_away(absent[row.id], now=now, batch_id=batch_id)

    apply(session, absent, event, verb="pause", actor=SYSTEM, now=now, reason="out of office")


def count(session: Session) -> int:
    """Give how many leads there are."""
    return session.exec(select(func.count()).select_from(Lead)).one()
