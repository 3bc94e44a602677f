"""Claiming: what is due of a mailbox is leased to one worker, in batches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Boolean, bindparam, or_, text, update
from sqlmodel import Session, col, select

from core import forks, tasks, variants
from core.acts import DELIVERIES, ENROLLMENTS, LEADS, Loaded, apply, load
from core.db import Database, insert_of
from core.handover import backlog, replies
from core.handover.words import BATCH, LEASE, Claimed, Hand
from core.lifecycle import Began, Event, Failed, Hold, Source, StepKind, StepsChanged, Stop, Uncertain
from core.mailboxes import allowance, free_at, is_free, is_read, may_leave, may_send, unread_before
from core.many import IsOne, inserting, packed
from core.merging import first_subject
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    Mailbox,
    Sequence,
    SequenceStatus,
    Step,
    Suppression,
    Workspace,
)
from core.people import SYSTEM
from core.schedule import backlog as is_overdue
from core.schedule import is_open, open_until, send_at
from core.types import UtcDateTime


def mailboxes_due(session: Session, *, now: datetime) -> list[int]:
    """Give the mailboxes that have at least one step, or one answer of a person, to look at now."""
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    if workspace.halted_at:
        return []
    # 'pending' stands as a literal: as a bound parameter PostgreSQL's generic plan would miss the partial index.
    wanted = session.exec(
        select(Mailbox.id).where(
            may_send(now),
            or_(
                select(Enrollment.id)
                .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
                .where(
                    col(Enrollment.mailbox_id) == col(Mailbox.id),
                    text("enrollment.status = 'pending'"),
                    col(Enrollment.wake_at) <= now,
                    Sequence.status == SequenceStatus.PUBLISHED.value,
                    may_leave(unread_before(workspace.read_within_seconds, now)),
                )
                .exists(),
                replies.is_due(col(Mailbox.id), now),
            ),
        )
    )
    return [mailbox_id for mailbox_id in wanted if mailbox_id is not None]


def claim(
    db: Database, mailbox_id: int, *, now: datetime, limit: int = BATCH, lease: timedelta = LEASE
) -> list[Hand]:
    """Give up to `limit` steps of a mailbox leased until now + `lease`; empty: nothing may leave now.

    Where people have written answers, those alone are given; the steps come with the next call.
    What is due but may not leave yet (window, cap) gets its next date; a suppressed lead is stopped; a task is opened.
    Of a mailbox that was not read lately only first steps are given: somebody may have answered the mails before.
    """
    while not isinstance(claimed := _claimed(db, mailbox_id, now, limit, lease), list):
        # In transactions of their own, which take their locks in DESIGN's order; nothing was leased before them.
        if not (
            forks.go_on(db, claimed, now=now) if claimed else backlog.hold_overdue(db, mailbox_id, now=now)
        ):
            return []
    return claimed


def _claimed(
    db: Database, mailbox_id: int, now: datetime, limit: int, lease: timedelta
) -> list[Hand] | tuple[int, ...]:
    """Give what was leased; a tuple: these have come to a fork first, empty: a backlog must be held first."""
    with db.write() as session:
        workspace = session.get(Workspace, WORKSPACE_ID)
        mailbox = session.get(Mailbox, mailbox_id)
        if workspace is None or workspace.halted_at or mailbox is None or not is_free(mailbox, now):
            return []
        if answers := replies.claim(session, mailbox_id, now, lease, limit):
            return answers
        is_first_only = not is_read(mailbox, unread_before(workspace.read_within_seconds, now))
        woke = _due(session, mailbox_id, now, limit, is_first_only=is_first_only)
        oldest = min(woke.values(), default=now)
        if is_overdue(oldest, now, backlog.LONG_OVERDUE) and backlog.is_backlog(session, mailbox_id, now=now):
            return ()
        rows = list(load(session, woke, lock=True))
        rows = _with_a_step(session, rows, now)
        if at_forks := tuple(row.id for row in rows if _step(row).kind in forks.KINDS):
            return at_forks
        rows = _without_suppressed(session, rows, now)
        rows = _inside_window(session, rows, now)
        rows = _emails(session, rows, now)
        free = max(allowance(session, mailbox, now), 0)
        if len(rows) > free:
            _sleep_until(
                session, rows[free:], max(free_at(session, mailbox, now), now + timedelta(seconds=1))
            )
            rows = rows[:free]
        return _lease(session, rows, mailbox, now, lease, woke)


def _due(
    session: Session, mailbox_id: int, now: datetime, limit: int, *, is_first_only: bool
) -> dict[int, datetime]:
    """Give when the sender was to look at each step that is due, the oldest first."""
    which = {"mailbox": mailbox_id, "now": now, "most": limit, "started": not is_first_only}
    found = session.connection().execute(_DUE, which)
    return {row.id: row.wake_at for row in found}


# Written once: building these statements anew for each batch cost more than running them.
_DUE = (
    select(Enrollment.id, Enrollment.wake_at)
    .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    .where(
        text("enrollment.status = 'pending'"),
        col(Enrollment.mailbox_id) == bindparam("mailbox"),
        col(Enrollment.wake_at) <= bindparam("now", type_=UtcDateTime()),
        Sequence.status == SequenceStatus.PUBLISHED.value,
        or_(col(Enrollment.has_started).is_(False), bindparam("started", type_=Boolean())),
    )
    .order_by(col(Enrollment.wake_at), col(Enrollment.id))
    .limit(bindparam("most"))
    .with_for_update(of=Enrollment, skip_locked=True)
)
_SUPPRESSED = (
    select(Lead.id).join(Suppression, col(Suppression.email) == Lead.email).where(IsOne(col(Lead.id)))
)
_SLEEP = (
    update(ENROLLMENTS)
    .where(IsOne(ENROLLMENTS.c.id))
    .values(wake_at=bindparam("moment", type_=UtcDateTime()))
)
_LEADS = LEADS.select().where(IsOne(LEADS.c.id))


def _with_a_step(session: Session, rows: list[Loaded], now: datetime) -> list[Loaded]:
    """Give the rows that wait for a step; a lead behind the last one has completed, and must not stop its mailbox."""
    ended = [row.id for row in rows if row.state.position >= len(row.sequence.steps)]
    if ended:
        hold = Hold(Source.NEW_STEP, "", SYSTEM.id, now)
        apply(
            session,
            ended,
            lambda row: StepsChanged(row.state.position, hold),
            verb="steps changed",
            actor=SYSTEM,
            now=now,
        )
    return [row for row in rows if row.id not in ended]


def _without_suppressed(session: Session, rows: list[Loaded], now: datetime) -> list[Loaded]:
    lead_ids = {row.lead_id for row in rows}
    found = set(session.connection().execute(_SUPPRESSED, {"ids": list(lead_ids)}).scalars())
    stopped = [row.id for row in rows if row.lead_id in found]
    if stopped:
        apply(session, stopped, lambda _: Stop(), verb="stop", actor=SYSTEM, now=now, reason="suppressed")
    return [row for row in rows if row.lead_id not in found]


def _inside_window(session: Session, rows: list[Loaded], now: datetime) -> list[Loaded]:
    late: list[dict[str, Any]] = []
    kept: list[Loaded] = []
    for row in rows:
        calendar = row.sequence.plan(row.zone).calendar
        if is_open(now, calendar):
            kept.append(row)
        else:
            late.append({"at_id": row.id, "moment": send_at(now, calendar)})
    if late:
        statement = (
            update(ENROLLMENTS)
            .where(ENROLLMENTS.c.id == bindparam("at_id"))
            .values(send_at=bindparam("moment"), wake_at=bindparam("moment"))
        )
        session.connection().execute(statement, late)
    return kept


def _emails(session: Session, rows: list[Loaded], now: datetime) -> list[Loaded]:
    """Give the rows whose step is an email; the tasks among them are opened for their person."""
    to_open = [row for row in rows if _step(row).kind == StepKind.TASK]
    if to_open:
        apply(
            session,
            [row.id for row in to_open],
            lambda _: Began(is_task=True),
            verb="open task",
            actor=SYSTEM,
            now=now,
        )
        for row in to_open:
            tasks.open_one(session, row, now=now)
    return [row for row in rows if _step(row).kind == StepKind.EMAIL]


def _step(row: Loaded) -> Step:
    return row.sequence.steps[row.state.position]


def _sleep_until(session: Session, rows: list[Loaded], moment: datetime) -> None:
    session.connection().execute(_SLEEP, {"ids": [row.id for row in rows], "moment": moment})


def _lease(
    session: Session,
    rows: list[Loaded],
    mailbox: Mailbox,
    now: datetime,
    lease: timedelta,
    woke: dict[int, datetime],
) -> list[Hand]:
    if not rows:
        return []
    until = now + lease
    names = variants.choices(session, [(row.id, _step(row)) for row in rows])
    by_enrollment = _claim_rows(session, rows, mailbox, now, until, names)
    _sleep_until(session, rows, until)
    found = session.connection().execute(_LEADS, {"ids": list({row.lead_id for row in rows})})
    leads = {
        lead.id: cast("Lead", lead) for lead in found
    }  # bare rows: an ORM object costs ten times as much
    if stuck := [row for row in rows if row.id not in by_enrollment]:
        _hold_stuck(session, stuck, now)
    threads = _threads(session, [row.id for row in rows if _step(row).is_threaded])
    claimed: list[Hand] = []
    versions: dict[tuple[int | None, str], Step] = {}
    for row in rows:
        if (
            row.id not in by_enrollment
        ):  # an earlier hand-over of this step is not settled: never a second one
            continue
        delivery_id, fence, message_id = by_enrollment[row.id]
        references, subject = threads.get(row.id, ((), ""))
        if _step(row).is_threaded and not subject:  # the mail that it continues was left out
            before = (
                variants.version(step, variants.chosen(step, row.id))
                for step in row.sequence.steps[: row.state.position]
            )
            subject = first_subject(before, leads[row.lead_id], row.sequence.name)
        claimed.append(
            Claimed(delivery_id, fence, row.id, message_id, _version(row, names, versions), row.sequence.name, leads[row.lead_id],
                    references, subject, woke[row.id], row.sequence.spec.track)
        )  # fmt: skip
    return claimed


def _claim_rows(
    session: Session,
    rows: list[Loaded],
    mailbox: Mailbox,
    now: datetime,
    until: datetime,
    names: Mapping[variants.Key, str],
) -> dict[int, tuple[int, int, str]]:
    """Give delivery id, fence and Message-ID by enrollment; rows that may have left already are not given."""
    domain = mailbox.address.rpartition("@")[2]
    new: list[dict[str, Any]] = [
        {
            "enrollment_id": row.id,
            "step_id": _step(row).id,
            "attempt": row.state.attempt,
            "kind": StepKind.EMAIL.value,
            "variant": names.get((row.id, _step(row).id)),
            "state": DeliveryState.CLAIMED.value,
            "message_id": f"<{uuid4().hex}@{domain}>",
            "mailbox_id": mailbox.id,
            "subject": "",
            "fence": 1,
            "tries": 0,
            "lease_until": _lease_end(row, now, until),
            "created_at": now,
            "claimed_at": now,
        }
        for row in rows
    ]
    dialect = session.get_bind().dialect.name
    found = session.connection().execute(
        _upsert(dialect, tuple(new[0])), new if dialect == "sqlite" else {"rows": packed(new)}
    )
    return {
        enrollment_id: (delivery_id, fence, message_id)
        for enrollment_id, delivery_id, fence, message_id in found
    }


def _version(
    row: Loaded, names: Mapping[variants.Key, str], known: dict[tuple[int | None, str], Step]
) -> Step:
    """Give the step as this lead gets it; each version is made once a batch."""
    step = _step(row)
    name = names.get((row.id, step.id))
    if name is None:
        return step
    if (step.id, name) not in known:
        known[step.id, name] = variants.version(step, name)
    return known[step.id, name]


def _lease_end(row: Loaded, now: datetime, until: datetime) -> datetime:
    """Give the end of a lease: with the window at the latest, so that no gate opens after it has closed."""
    closes = open_until(now, row.sequence.plan(row.zone).calendar)
    return until if closes is None else min(until, closes)


def _hold_stuck(session: Session, rows: list[Loaded], now: datetime) -> None:
    """Hold leads whose step bears the number of a settled hand-over: never a second one, and never a silent wait."""
    numbers = {row.id: (_step(row).id, row.state.attempt) for row in rows}
    query = select(Delivery).where(col(Delivery.enrollment_id).in_(list(numbers)))
    states = {
        delivery.enrollment_id: DOUBTED if delivery.is_open_question else delivery.state
        for delivery in session.exec(query)
        if numbers[delivery.enrollment_id] == (delivery.step_id, delivery.attempt)
        and delivery.state in _SETTLED
    }
    apply(session, states, lambda row: _SETTLED[states[row.id]], verb="hold", actor=SYSTEM, now=now)


DOUBTED = "doubted"
_SETTLED: dict[str, Event] = {
    DeliveryState.SENT: Failed("This step has been sent before. Resume to send it again, or cancel it."),
    DeliveryState.FAILED: Failed("This step has been refused before. Resume to try it again, or cancel it."),
    DeliveryState.UNCERTAIN: Failed("This step may have left before. Resume to send it again, or cancel it."),
    DOUBTED: Uncertain("This step may have left before, and nobody has said yet what became of it."),
}


@cache
def _upsert(dialect: str, names: tuple[str, ...]) -> Any:
    """Give the statement that claims: a new row, or one that is known not to have left."""
    statement = insert_of(dialect, DELIVERIES) if dialect == "sqlite" else inserting(DELIVERIES, names)
    given = statement.excluded
    # Nothing here may be a bound parameter: SQLAlchemy would then send row by row instead of all rows at once.
    # A claim whose lease ended before this one began has lost its worker.
    free = text(
        "delivery.state IN ('ready', 'skipped') "
        "OR delivery.state = 'claimed' AND delivery.lease_until < excluded.claimed_at"
    )
    return statement.on_conflict_do_update(
        index_elements=["enrollment_id", "step_id", "attempt"],
        set_={
            "state": given.state,
            "fence": DELIVERIES.c.fence + given.fence,  # each claim is given with fence 1
            "message_id": given.message_id,
            "lease_until": given.lease_until,
            "claimed_at": given.claimed_at,
            "mailbox_id": given.mailbox_id,
            "variant": given.variant,
            "settled_at": given.settled_at,  # none is given
            "reason": given.reason,
        },
        where=free,
    ).returning(DELIVERIES.c.enrollment_id, DELIVERIES.c.id, DELIVERIES.c.fence, DELIVERIES.c.message_id)


def _threads(session: Session, enrollment_ids: list[int]) -> dict[int, tuple[tuple[str, ...], str]]:
    """Give by enrollment the Message-IDs sent so far, oldest first, and the subject of the first; a task is no mail."""
    if not enrollment_ids:
        return {}
    rows = session.exec(
        select(Delivery.enrollment_id, Delivery.message_id, Delivery.subject)
        .where(
            col(Delivery.enrollment_id).in_(enrollment_ids),
            Delivery.state == DeliveryState.SENT.value,
            col(Delivery.message_id).is_not(None),
        )
        .order_by(col(Delivery.sending_at), col(Delivery.id))
    )
    threads: dict[int, tuple[tuple[str, ...], str]] = {}
    for enrollment_id, message_id, subject in rows:
        references, first = threads.get(enrollment_id, ((), subject))
        threads[enrollment_id] = ((*references, message_id or ""), first)
    return threads
