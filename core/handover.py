"""The hand-over protocol (DESIGN §4): claim a batch, pass the point of no return, record what became of it.

    ready ─claim→ claimed ─begin→ sending ─record→ sent | failed | uncertain
                     │               └── never left → ready
                     └── paused → ready; stopped → skipped

`claim` leases rows to one worker. `begin` is the point of no return: it locks workspace, lead, sequence, mailbox and
enrollment, in this order, and lets a message go only where fence, state, suppression, cap and gap all allow it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam, or_, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from core import cards
from core.acts import DELIVERIES, ENROLLMENTS, Loaded, apply, load
from core.db import Database
from core.lifecycle import (
    Began,
    Done,
    Event,
    Failed,
    Hold,
    NeverLeft,
    Pause,
    Settle,
    Source,
    Status,
    StepKind,
    Stop,
    Uncertain,
    Verdict,
)
from core.mailboxes import allowance, day_of, free_at
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    Mailbox,
    MailboxDay,
    Sequence,
    SequenceStatus,
    Step,
    Suppression,
    Workspace,
)
from core.people import SYSTEM
from core.schedule import is_open, send_at

BATCH = 100
LEASE = timedelta(seconds=120)
RETRY_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))


@dataclass(frozen=True)
class Claimed:
    """One step leased to this worker. `references`: the Message-IDs it follows, oldest first."""

    delivery_id: int
    fence: int
    enrollment_id: int
    message_id: str
    step: Step
    sequence_name: str
    lead: Lead
    references: tuple[str, ...] = ()
    thread_subject: str = ""


class Fate(StrEnum):
    """What became of a hand-over, as far as it is certain."""

    SENT = "sent"
    REFUSED = "refused"
    RETRY = "retry"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Report:
    """The end of one hand-over: `at` is when the answer came, `answer` the server's words."""

    delivery_id: int
    fence: int
    fate: Fate
    at: datetime
    subject: str = ""
    code: int | None = None
    answer: str = ""


def mailboxes_due(session: Session, *, now: datetime) -> list[int]:
    """Give the mailboxes that have at least one step to look at now."""
    # 'pending' stands as a literal: as a bound parameter PostgreSQL's generic plan would miss the partial index.
    wanted = session.exec(
        select(Mailbox.id).where(
            or_(col(Mailbox.retry_at).is_(None), col(Mailbox.retry_at) <= now),
            select(Enrollment.id)
            .where(
                col(Enrollment.mailbox_id) == col(Mailbox.id),
                text("enrollment.status = 'pending'"),
                col(Enrollment.wake_at) <= now,
            )
            .exists(),
        )
    )
    return [mailbox_id for mailbox_id in wanted if mailbox_id is not None]


def claim(
    db: Database, mailbox_id: int, *, now: datetime, limit: int = BATCH, lease: timedelta = LEASE
) -> list[Claimed]:
    """Give up to `limit` steps of a mailbox leased until now + `lease`; empty: nothing may leave now.

    What is due but may not leave yet (window, cap) gets its next date; a suppressed lead is stopped; a task is opened.
    """
    with db.write() as session:
        workspace = session.get(Workspace, WORKSPACE_ID)
        mailbox = session.get(Mailbox, mailbox_id)
        if (
            workspace is None
            or workspace.halted_at
            or mailbox is None
            or (mailbox.retry_at and mailbox.retry_at > now)
        ):
            return []
        rows = list(load(session, _due(session, mailbox_id, now, limit), lock=True))
        rows = _without_suppressed(session, rows, now)
        rows = _inside_window(session, rows, now)
        rows = _emails(session, rows, now)
        free = max(allowance(session, mailbox, now), 0)
        if len(rows) > free:
            _sleep_until(
                session, rows[free:], max(free_at(session, mailbox, now), now + timedelta(seconds=1))
            )
            rows = rows[:free]
        return _lease(session, rows, mailbox, now, lease)


def _due(session: Session, mailbox_id: int, now: datetime, limit: int) -> list[int]:
    query = (
        select(Enrollment.id)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .where(
            text("enrollment.status = 'pending'"),
            Enrollment.mailbox_id == mailbox_id,
            col(Enrollment.wake_at) <= now,
            Sequence.status == SequenceStatus.PUBLISHED.value,
        )
        .order_by(col(Enrollment.wake_at), col(Enrollment.id))
        .limit(limit)
        .with_for_update(of=Enrollment, skip_locked=True)  # type: ignore[arg-type]
    )
    return [enrollment_id for enrollment_id in session.exec(query) if enrollment_id is not None]


def _without_suppressed(session: Session, rows: list[Loaded], now: datetime) -> list[Loaded]:
    lead_ids = {row.lead_id for row in rows}
    found = set(
        session.exec(
            select(Lead.id)
            .join(Suppression, col(Suppression.email) == Lead.email)
            .where(col(Lead.id).in_(lead_ids))
        )
    )
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
    tasks = [row for row in rows if _step(row).kind == StepKind.TASK]
    if tasks:
        apply(
            session,
            [row.id for row in tasks],
            lambda _: Began(is_task=True),
            verb="open task",
            actor=SYSTEM,
            now=now,
        )
        for row in tasks:
            _open_task(session, row, now)
    return [row for row in rows if _step(row).kind == StepKind.EMAIL]


def _open_task(session: Session, row: Loaded, now: datetime) -> None:
    step = _step(row)
    delivery = Delivery(
        enrollment_id=row.id,
        step_id=step.id or 0,
        attempt=row.state.attempt,
        kind=StepKind.TASK.value,
        state=DeliveryState.OPEN.value,
        subject=step.subject,
        created_at=now,
    )
    session.add(delivery)
    session.flush()
    assert delivery.id is not None
    channel = channel_of(session, row.sequence.spec.channel)
    cards.show_delivery(
        session, "task", delivery_id=delivery.id, lead_id=row.lead_id, channel=channel, now=now
    )


def channel_of(session: Session, channel: str | None) -> str:
    """Give the channel for a sequence's cards: its own, else the workspace's."""
    workspace = session.get(Workspace, WORKSPACE_ID)
    return channel or (workspace.channel if workspace else "")


def _step(row: Loaded) -> Step:
    return row.sequence.steps[row.state.position]


def _sleep_until(session: Session, rows: list[Loaded], moment: datetime) -> None:
    ids = [row.id for row in rows]
    session.execute(update(ENROLLMENTS).where(ENROLLMENTS.c.id.in_(ids)).values(wake_at=moment))


def _lease(
    session: Session, rows: list[Loaded], mailbox: Mailbox, now: datetime, lease: timedelta
) -> list[Claimed]:
    if not rows:
        return []
    until = now + lease
    by_enrollment = _claim_rows(session, rows, mailbox, now, until)
    _sleep_until(session, rows, until)
    leads = {
        lead.id: lead
        for lead in session.exec(select(Lead).where(col(Lead.id).in_({r.lead_id for r in rows})))
    }
    threads = _threads(session, [row.id for row in rows if _step(row).is_threaded])
    claimed = []
    for row in rows:
        if (
            row.id not in by_enrollment
        ):  # an earlier hand-over of this step is not settled: never a second one
            continue
        delivery_id, fence, message_id = by_enrollment[row.id]
        references, subject = threads.get(row.id, ((), ""))
        claimed.append(
            Claimed(delivery_id, fence, row.id, message_id, _step(row), row.sequence.name, leads[row.lead_id],
                    references, subject)
        )  # fmt: skip
    return claimed


def _claim_rows(
    session: Session, rows: list[Loaded], mailbox: Mailbox, now: datetime, until: datetime
) -> dict[int, tuple[int, int, str]]:
    """Give delivery id, fence and Message-ID by enrollment; rows that may have left already are not given."""
    domain = mailbox.address.rpartition("@")[2]
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(DELIVERIES).values(
        [
            {
                "enrollment_id": row.id,
                "step_id": _step(row).id,
                "attempt": row.state.attempt,
                "kind": StepKind.EMAIL.value,
                "state": DeliveryState.CLAIMED.value,
                "message_id": f"<{uuid4().hex}@{domain}>",
                "mailbox_id": mailbox.id,
                "subject": "",
                "fence": 1,
                "tries": 0,
                "lease_until": until,
                "created_at": now,
                "claimed_at": now,
            }
            for row in rows
        ]
    )
    free = or_(
        DELIVERIES.c.state.in_([DeliveryState.READY.value, DeliveryState.SKIPPED.value]),
        (DELIVERIES.c.state == DeliveryState.CLAIMED.value) & (DELIVERIES.c.lease_until < now),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["enrollment_id", "step_id", "attempt"],
        set_={
            "state": DeliveryState.CLAIMED.value,
            "fence": DELIVERIES.c.fence + 1,
            "message_id": statement.excluded.message_id,
            "lease_until": until,
            "claimed_at": now,
            "mailbox_id": mailbox.id,
            "settled_at": None,
            "reason": None,
        },
        where=free,
    ).returning(DELIVERIES.c.enrollment_id, DELIVERIES.c.id, DELIVERIES.c.fence, DELIVERIES.c.message_id)
    found = session.connection().execute(statement)
    return {
        enrollment_id: (delivery_id, fence, message_id)
        for enrollment_id, delivery_id, fence, message_id in found
    }


def _threads(session: Session, enrollment_ids: list[int]) -> dict[int, tuple[tuple[str, ...], str]]:
    """Give by enrollment the Message-IDs sent so far, oldest first, and the subject of the first."""
    if not enrollment_ids:
        return {}
    rows = session.exec(
        select(Delivery.enrollment_id, Delivery.message_id, Delivery.subject)
        .where(col(Delivery.enrollment_id).in_(enrollment_ids), Delivery.state == DeliveryState.SENT.value)
        .order_by(col(Delivery.sending_at), col(Delivery.id))
    )
    threads: dict[int, tuple[tuple[str, ...], str]] = {}
    for enrollment_id, message_id, subject in rows:
        references, first = threads.get(enrollment_id, ((), subject))
        threads[enrollment_id] = ((*references, message_id or ""), first)
    return threads


def begin(
    db: Database, hands: Iterable[tuple[int, int]], *, now: datetime, lease: timedelta = LEASE
) -> set[int]:
    """Give the deliveries, of (delivery id, fence), that may go over now; they are `sending` from here on.

    The point of no return for all messages that reach it together: one transaction, one commit. Every rule that can
    hold a mail back is looked at here, under the locks that those who change it take.
    """
    fences = dict(hands)
    with db.write() as session:
        ready = [row for row in _locked(session, list(fences), now) if fences[row.delivery_id] == row.fence]
        allowed = _spend(session, ready, now)
        if not allowed:
            return set()
        session.execute(
            update(DELIVERIES)
            .where(DELIVERIES.c.id.in_([row.delivery_id for row in allowed]))
            .values(
                state=DeliveryState.SENDING.value,
                sending_at=now,
                lease_until=now + lease,
                tries=DELIVERIES.c.tries + 1,
            )
        )
        # What lifecycle.decide does for Began, as one statement; a property test holds the two against each other.
        session.execute(
            update(ENROLLMENTS)
            .where(ENROLLMENTS.c.id.in_([row.enrollment_id for row in allowed]))
            .values(status=Status.IN_PROGRESS.value, version=ENROLLMENTS.c.version + 1)
        )
        return {row.delivery_id for row in allowed}


@dataclass(frozen=True)
class _Ready:
    delivery_id: int
    fence: int
    enrollment_id: int
    mailbox: Mailbox


def _locked(session: Session, delivery_ids: list[int], now: datetime) -> list[_Ready]:
    """Lock in DESIGN's order and give the deliveries that no rule holds back."""
    workspace = session.exec(
        select(Workspace).where(Workspace.id == WORKSPACE_ID).with_for_update(read=True)
    ).one()
    if workspace.halted_at:
        return []
    ids = session.exec(
        select(
            Delivery.id,
            Delivery.enrollment_id,
            Delivery.mailbox_id,
            Enrollment.lead_id,
            Enrollment.sequence_id,
        )
        .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
        .where(col(Delivery.id).in_(delivery_ids))
    ).all()
    leads = {row.lead_id for row in ids}
    suppressed = set(
        session.exec(
            select(Lead.id, Suppression.email)
            .outerjoin(Suppression, col(Suppression.email) == Lead.email)
            .where(col(Lead.id).in_(leads))
            .order_by(col(Lead.id))
            .with_for_update(of=Lead, read=True)  # type: ignore[arg-type]
        )
    )
    barred = {lead_id for lead_id, email in suppressed if email is not None}
    published = set(
        session.exec(
            select(Sequence.id)
            .where(
                col(Sequence.id).in_({row.sequence_id for row in ids}),
                Sequence.status == SequenceStatus.PUBLISHED.value,
            )
            .order_by(col(Sequence.id))
            .with_for_update(read=True)
        )
    )
    mailboxes = {
        mailbox.id: mailbox
        for mailbox in session.exec(
            select(Mailbox)
            .where(col(Mailbox.id).in_({row.mailbox_id for row in ids}))
            .order_by(col(Mailbox.id))
            .with_for_update()
        )
    }
    going = [
        row
        for row in ids
        if row.lead_id not in barred and row.sequence_id in published and row.mailbox_id in mailboxes
    ]
    pending = set(
        session.exec(
            select(Enrollment.id)
            .where(
                col(Enrollment.id).in_([row.enrollment_id for row in going]),
                Enrollment.status == Status.PENDING.value,
            )
            .order_by(col(Enrollment.id))
            .with_for_update()
        )
    )
    claimed = session.exec(
        select(Delivery.id, Delivery.fence, Delivery.enrollment_id, Delivery.mailbox_id)
        .where(
            col(Delivery.id).in_([row.id for row in going]),
            Delivery.state == DeliveryState.CLAIMED.value,
            col(Delivery.lease_until) > now,
        )
        .order_by(col(Delivery.id))
    )
    return [
        _Ready(row.id, row.fence, row.enrollment_id, mailboxes[row.mailbox_id])
        for row in claimed
        if row.enrollment_id in pending
    ]


def _spend(session: Session, ready: list[_Ready], now: datetime) -> list[_Ready]:
    """Take one hand-over each from the caps and gaps of their mailboxes; give those for which there was one."""
    allowed: list[_Ready] = []
    for mailbox in {id(row.mailbox): row.mailbox for row in ready}.values():
        mine = [row for row in ready if row.mailbox is mailbox][: max(allowance(session, mailbox, now), 0)]
        if not mine:
            continue
        day = day_of(mailbox, now).isoformat()
        counted = session.get(MailboxDay, (mailbox.id, day)) or MailboxDay(
            mailbox_id=mailbox.id or 0, day=day
        )
        counted.handed += len(mine)
        mailbox.last_handed_at = now
        mailbox.first_day = mailbox.first_day or day
        session.add_all([counted, mailbox])
        allowed += mine
    return allowed


def record(db: Database, reports: Iterable[Report], *, now: datetime) -> None:
    """Write what became of a group of hand-overs, in one transaction.

    A report counts only under its own fence, except that proof of a mail that left settles an `uncertain` one.
    """
    by_id = {report.delivery_id: report for report in reports}
    with db.write() as session:
        rows = session.exec(
            select(
                Delivery.id,
                Delivery.enrollment_id,
                Delivery.state,
                Delivery.fence,
                Delivery.tries,
                Delivery.sending_at,
            )
            .where(col(Delivery.id).in_(list(by_id)))
            .order_by(col(Delivery.id))
        ).all()
        events: dict[int, Event] = {}
        values: list[dict[str, Any]] = []
        for row in rows:
            report = by_id[row.id]
            if row.fence != report.fence or not _counts(report, row.state):
                continue
            tries = row.tries + (row.state == DeliveryState.CLAIMED)  # `begin` counted the others
            event, outcome = _outcome(
                report, was=row.state, tries=tries, began=row.sending_at or now, now=now
            )
            events[row.enrollment_id] = event
            values.append(
                {
                    "at_id": row.id,
                    "subject": report.subject,
                    "code": report.code,
                    "answer": report.answer,
                    "tries": tries,
                    **outcome,
                }
            )
        if not values:
            return
        apply(
            session,
            events,
            lambda loaded: events[loaded.id],
            verb="send",
            actor=SYSTEM,
            now=now,
            is_undoable=False,
        )
        _write_outcomes(session, values)
        _show_uncertain(
            session, [value["at_id"] for value in values if value["state"] == DeliveryState.UNCERTAIN], now
        )


def _counts(report: Report, state: str) -> bool:
    """Say whether a report may change a delivery in this state: turned away before the gate, or ended after it."""
    match state:
        case DeliveryState.SENDING:
            return True
        case DeliveryState.CLAIMED:
            return report.fate in {Fate.REFUSED, Fate.RETRY}
        case DeliveryState.UNCERTAIN:
            return report.fate is Fate.SENT
        case _:
            return False


def _outcome(
    report: Report, *, was: str, tries: int, began: datetime, now: datetime
) -> tuple[Event, dict[str, Any]]:
    words = " ".join(part for part in (str(report.code or ""), report.answer) if part)
    match report.fate:
        case Fate.SENT:
            event: Event = Settle(Verdict.LEFT, began) if was == DeliveryState.UNCERTAIN else Done(began)
            return event, {"state": DeliveryState.SENT, "settled_at": report.at, "reason": None}
        case Fate.REFUSED:
            return Failed(f"refused: {words}"), {
                "state": DeliveryState.FAILED,
                "settled_at": report.at,
                "reason": words,
            }
        case Fate.UNKNOWN:
            return Uncertain(words), {"state": DeliveryState.UNCERTAIN, "settled_at": None, "reason": words}
        case Fate.RETRY if tries > len(RETRY_AFTER):
            reason = f"given up after {tries} tries: {words}"
            return Failed(reason), {"state": DeliveryState.FAILED, "settled_at": report.at, "reason": reason}
        case Fate.RETRY:
            retry = NeverLeft(now + RETRY_AFTER[max(tries - 1, 0)])
            return retry, {
                "state": DeliveryState.READY,
                "settled_at": None,
                "reason": f"will be tried again: {words}",
            }


def _write_outcomes(session: Session, values: list[dict[str, Any]]) -> None:
    names = ("state", "settled_at", "reason", "subject", "code", "answer", "tries")
    statement = (
        update(DELIVERIES)
        .where(DELIVERIES.c.id == bindparam("at_id"))
        .values({name: bindparam(name) for name in names} | {"lease_until": None})
    )
    session.connection().execute(statement, [value | {"state": str(value["state"])} for value in values])


def _show_uncertain(session: Session, delivery_ids: list[int], now: datetime) -> None:
    rows = session.exec(
        select(Delivery.id, Enrollment.lead_id, Enrollment.sequence_id)
        .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
        .where(col(Delivery.id).in_(delivery_ids))
    ).all()
    for delivery_id, lead_id, _ in rows:
        channel = channel_of(session, None)
        cards.show_delivery(
            session, "uncertain", delivery_id=delivery_id or 0, lead_id=lead_id, channel=channel, now=now
        )


def hold_back(db: Database, claims: Iterable[tuple[Claimed, str]], *, now: datetime) -> None:
    """Hold the leads of claims that cannot be rendered, each with its reason, rather than send a gap."""
    reasons = {claimed.enrollment_id: reason for claimed, reason in claims}
    with db.write() as session:
        apply(
            session,
            reasons,
            lambda row: Pause(Hold(Source.MISSING_VALUE, reasons[row.id], SYSTEM.id, now), is_wide=True),
            verb="hold",
            actor=SYSTEM,
            now=now,
        )


def release(
    db: Database, claims: Iterable[Claimed], *, now: datetime, retry_at: datetime | None = None
) -> None:
    """Give claims back that never reached the point of no return."""
    fences = {claimed.delivery_id: claimed for claimed in claims}
    with db.write() as session:
        for claimed in fences.values():
            given = session.connection().execute(
                update(DELIVERIES)
                .where(
                    DELIVERIES.c.id == claimed.delivery_id,
                    DELIVERIES.c.fence == claimed.fence,
                    DELIVERIES.c.state == DeliveryState.CLAIMED.value,
                )
                .values(state=DeliveryState.READY.value, lease_until=None)
            )
            if given.rowcount:
                session.execute(
                    update(ENROLLMENTS)
                    .where(
                        ENROLLMENTS.c.id == claimed.enrollment_id,
                        ENROLLMENTS.c.status == Status.PENDING.value,
                    )
                    .values(wake_at=retry_at or now)
                )


def reap(db: Database, *, now: datetime) -> int:
    """Give how many hand-overs were settled whose worker is gone: claims go back, begun ones become `uncertain`."""
    with db.write() as session:
        expired = col(Delivery.lease_until) < now
        session.execute(
            update(DELIVERIES)
            .where(DELIVERIES.c.state == DeliveryState.CLAIMED.value, DELIVERIES.c.lease_until < now)
            .values(state=DeliveryState.READY.value, fence=DELIVERIES.c.fence + 1, lease_until=None)
        )
        lost = session.exec(
            select(Delivery)
            .where(text("delivery.state = 'sending'"), expired)
            .order_by(col(Delivery.id))
            .limit(BATCH)
        ).all()
        if not lost:
            return 0
        reason = "The worker stopped in the middle of the hand-over, so nobody knows whether the mail left."
        ids = [delivery.enrollment_id for delivery in lost]
        apply(
            session, ids, lambda _: Uncertain(reason), verb="send", actor=SYSTEM, now=now, is_undoable=False
        )
        for delivery in lost:
            delivery.state, delivery.reason, delivery.lease_until = (
                DeliveryState.UNCERTAIN.value,
                reason,
                None,
            )
            session.add(delivery)
        session.flush()
        _show_uncertain(session, [delivery.id or 0 for delivery in lost], now)
        return len(lost)
