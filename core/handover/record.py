"""Recording: what became of hand-overs, told by the worker or found out when its lease ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text, update
from sqlmodel import Session, col, select

from core import cards, outgoing
from core.acts import DELIVERIES, ENROLLMENTS, Loaded, apply
from core.db import Database
from core.errors import Refused
from core.handover import replies
from core.handover.locks import lock_enrollments
from core.handover.words import BATCH, RETRY_AFTER, Claimed, ClaimedReply, Fate, Hand, Report
from core.lifecycle import (
    Done,
    Event,
    Failed,
    Hold,
    NeverLeft,
    Pause,
    Settle,
    Source,
    Status,
    Uncertain,
    Verdict,
)
from core.many import IsOne, update_rows
from core.models import Delivery, DeliveryState, Enrollment
from core.people import SYSTEM
from core.plans import planned


def record(db: Database, reports: Iterable[Report], *, now: datetime) -> None:
    """Write what became of a group of hand-overs, in one transaction.

    A report counts only under its own fence, except that proof of a mail that left settles an `uncertain` one.
    """
    by_hand = {(report.delivery_id, report.fence): report for report in reports}
    ids = [delivery_id for delivery_id, _ in by_hand]
    with db.write() as session:
        lock_enrollments(session, ids)
        rows = session.connection().execute(_REPORTED, {"ids": ids}).all()
        events: dict[int, _Told] = {}
        values: list[dict[str, Any]] = []
        answers: list[tuple[int, int, str]] = []
        for row in rows:
            report = by_hand.get((row.id, row.fence))
            if report is None or not _counts(report, row.state):
                continue
            tries = row.tries + (row.state == DeliveryState.CLAIMED)  # `begin` counted the others
            event, outcome = _outcome(
                report, was=row.state, tries=tries, began=row.sending_at or now, now=now
            )
            again_at = None
            if row.reply_id is None:
                events[row.enrollment_id] = _Told(event, row.step_id, row.attempt)
            else:
                again_at = event.retry_at if isinstance(event, NeverLeft) else None
                answers.append((row.id, row.enrollment_id, _words(outcome)))
            values.append(
                {
                    "at_id": row.id,
                    "subject": report.subject,
                    "code": report.code,
                    "answer": report.answer,
                    "tries": tries,
                    "lease_until": again_at,
                    **outcome,
                }
            )
        if not values:
            return
        outgoing.tell_handed(
            session, {value["at_id"]: (value["state"], value["reason"]) for value in values}, now=now
        )
        apply(
            session,
            events,
            lambda loaded: events[loaded.id].about(loaded),
            verb="send",
            actor=SYSTEM,
            now=now,
            is_undoable=False,
        )
        update_rows(session, DELIVERIES, values)
        _show_uncertain(
            session, [value["at_id"] for value in values if value["state"] == DeliveryState.UNCERTAIN], now
        )
        if answers:
            replies.told(session, answers, now=now)


@dataclass(frozen=True)
class _Told:
    """An event and the step it is about."""

    event: Event
    step_id: int | None
    attempt: int

    def about(self, row: Loaded) -> Event:
        """Give the event; raises Refused where an edit of the sequence has moved the lead past that step.

        Its delivery is settled all the same, but the lead must not lose the step it stands at now.
        """
        steps, state = row.sequence.steps, row.state
        current = steps[state.position].id if state.position < len(steps) else None
        if state.status is Status.STOPPED or (current, state.attempt) == (self.step_id, self.attempt):
            return self.event
        if isinstance(self.event, Settle):
            return replace(self.event, is_current=False)
        raise Refused(f"{state.label} has moved on from that step.")


# Written once: they run for every group of mails.
_REPORTED = (
    select(
        *(DELIVERIES.c[name] for name in (
            "id", "fence", "state", "tries", "sending_at", "reply_id", "enrollment_id", "step_id", "attempt",
        ))
    )
    .where(IsOne(DELIVERIES.c.id))
    .order_by(DELIVERIES.c.id)
)  # fmt: skip


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


def _words(outcome: dict[str, Any]) -> str:
    return ": ".join(filter(None, (str(outcome["state"]), outcome["reason"])))


def _show_uncertain(session: Session, delivery_ids: list[int], now: datetime) -> None:
    if not delivery_ids:
        return
    rows = session.exec(
        select(Delivery.id, Enrollment.lead_id, Enrollment.sequence_id)
        .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
        .where(col(Delivery.id).in_(delivery_ids))
    ).all()
    sequences = planned(session, {sequence_id for _, _, sequence_id in rows})
    for delivery_id, lead_id, sequence_id in rows:
        channel = cards.channel_of(session, sequences[sequence_id].spec.channel)
        cards.show_delivery(
            session, "uncertain", delivery_id=delivery_id or 0, lead_id=lead_id, channel=channel, now=now
        )


def hold_back(db: Database, claims: Iterable[tuple[Hand, str]], *, now: datetime) -> None:
    """Hold the leads of claims that cannot be rendered, each with its reason, rather than send a gap.

    An answer that cannot be has failed: its author is told on the card.
    """
    found = list(claims)
    failed = [
        Report(hand.delivery_id, hand.fence, Fate.REFUSED, now, hand.subject, answer=reason)
        for hand, reason in found
        if isinstance(hand, ClaimedReply)
    ]
    if failed:
        record(db, failed, now=now)
    reasons = {hand.enrollment_id: reason for hand, reason in found if isinstance(hand, Claimed)}
    if not reasons:
        return
    with db.write() as session:
        apply(
            session,
            reasons,
            lambda row: Pause(Hold(Source.MISSING_VALUE, reasons[row.id], SYSTEM.id, now), is_wide=True),
            verb="hold",
            actor=SYSTEM,
            now=now,
        )


def release(db: Database, claims: Iterable[Hand], *, now: datetime, retry_at: datetime | None = None) -> None:
    """Give claims back that never reached the point of no return.

    They are due since when they were, so that a mailbox that is down for long has a backlog in the end (its own
    `retry_at` keeps the sender away until then).
    """
    by_id = {claimed.delivery_id: claimed for claimed in claims}
    with db.write() as session:
        lock_enrollments(session, list(by_id))
        rows = session.exec(
            select(Delivery.id, Delivery.fence).where(
                col(Delivery.id).in_(list(by_id)), Delivery.state == DeliveryState.CLAIMED.value
            )
        )
        given = [by_id[found] for found, fence in rows if found and by_id[found].fence == fence]
        if not given:
            return
        session.execute(
            update(DELIVERIES)
            .where(DELIVERIES.c.id.in_([claimed.delivery_id for claimed in given]))
            .values(state=DeliveryState.READY.value, lease_until=None)
        )
        moments = [
            {"at_id": claimed.enrollment_id, "moment": claimed.woke_at or retry_at or now}
            for claimed in given
            if isinstance(claimed, Claimed)
        ]
        if moments:
            session.connection().execute(_AWAKE, moments)


_AWAKE = (
    update(ENROLLMENTS)
    .where(ENROLLMENTS.c.id == bindparam("at_id"), ENROLLMENTS.c.status == Status.PENDING.value)
    .values(wake_at=bindparam("moment"))
)


def reap(db: Database, *, now: datetime) -> int:
    """Give how many hand-overs were settled whose worker is gone: claims go back, begun ones become `uncertain`."""
    _give_back(db, now=now)
    with db.write() as session:
        gone = (text("delivery.state = 'sending'"), col(Delivery.lease_until) < now)
        found = session.exec(select(Delivery.id).where(*gone).order_by(col(Delivery.id)).limit(BATCH)).all()
        if not found:
            return 0
        lock_enrollments(session, found)
        lost = session.exec(select(Delivery).where(col(Delivery.id).in_(found), *gone)).all()
        reason = "The worker stopped in the middle of the hand-over, so nobody knows whether the mail left."
        steps = [row for row in lost if row.reply_id is None]
        told = {row.enrollment_id: _Told(Uncertain(reason), row.step_id, row.attempt) for row in steps}
        lost_states = {row.id or 0: (DeliveryState.UNCERTAIN.value, reason) for row in lost}
        outgoing.tell_handed(session, lost_states, now=now)
        apply(
            session,
            told,
            lambda row: told[row.id].about(row),
            verb="send",
            actor=SYSTEM,
            now=now,
            is_undoable=False,
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
        if answers := [
            (row.id or 0, row.enrollment_id, f"uncertain: {reason}") for row in lost if row.reply_id
        ]:
            replies.told(session, answers, now=now)
        return len(lost)


def _give_back(db: Database, *, now: datetime) -> None:
    expired = (Delivery.state == DeliveryState.CLAIMED.value, col(Delivery.lease_until) < now)
    with db.read() as session:
        found = session.exec(select(Delivery.id).where(*expired)).all()
    if not found:
        return
    with db.write() as session:
        lock_enrollments(session, found)
        session.execute(
            update(DELIVERIES)
            .where(
                DELIVERIES.c.id.in_(found),
                DELIVERIES.c.state == DeliveryState.CLAIMED.value,
                DELIVERIES.c.lease_until < now,
            )
            .values(state=DeliveryState.READY.value, fence=DELIVERIES.c.fence + 1, lease_until=None)
        )
