"""What people do to one step: send it again, leave it out, settle an uncertain one, do or skip a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core import permissions, replies
from core.acts import DELIVERIES, JOURNAL, Change, Loaded, apply, load
from core.answers import Choice
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import EVERYWHERE
from core.lifecycle import CancelStep, Event, ResendStep, Settle, Status, StepKind, Verdict
from core.models import Delivery, DeliveryState, Enrollment, Journal, Lead, Step
from core.names import name_of
from core.people import Actor
from core.verbs import proposals
from core.verbs.acting import Performed, answered, perform, says_next
from core.verbs.choosing import choose, lock_leads
from core.verbs.outcome import Instead, Outcome
from core.verbs.whens import zone_of
from core.views.titles import title_of
from core.words import clock, listed

Ids = Sequence[int] | None
RESENDABLE = frozenset({Status.PENDING, Status.COMPLETED})
CANCELLABLE = frozenset({Status.PENDING, Status.IN_PROGRESS, Status.PAUSED})


def change_step(
    session: Session, order: orders.StepVerb, *, actor: Actor, now: datetime, only: Ids = None
) -> Outcome:
    """Send the last step again, or leave the next one out."""
    statuses = RESENDABLE if order.verb == "resend" else CANCELLABLE
    chosen = choose(session, order.who, order.sequence, statuses, actor=actor, only=only)
    if chosen.is_many:
        what = "Send the last step again to" if order.verb == "resend" else "Cancel the next step of"
        return proposals.propose(session, order, what, chosen.places, actor=actor, now=now)
    fitting = chosen.within(statuses)
    if chosen.single and order.sequence is None and len(fitting) > 1:
        each = [Choice(place.sequence, to_text(replace(order, sequence=place.sequence))) for place in fitting]
        whole = Choice("All of them", to_text(replace(order, sequence=EVERYWHERE)))
        names = listed((place.sequence for place in fitting), "or")
        raise Instead(f"{chosen.single}: {order.verb} the step in {names}?", *each, whole).as_question()
    ids = [place.id for place in chosen.fitting(statuses)]
    verb: Callable[..., Outcome] = resend if order.verb == "resend" else cancel
    return verb(session, ids, actor=actor, now=now)


def resend(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """Hand the last step over once more, as a named person's act; the next one then waits its full delay."""
    zone, _ = zone_of(session, actor)

    def event(row: Loaded) -> Event:
        position = _last_handed(session, row)
        step = row.sequence.steps[max(position, 0)]
        query = select(func.max(Delivery.attempt)).where(
            Delivery.enrollment_id == row.id, Delivery.step_id == step.id
        )
        return ResendStep((session.exec(query).one() or 0) + 1, position)

    done = perform(session, ids, event, verb="resend step", actor=actor, now=now)
    return answered(
        session,
        done,
        "Sending the last step again to",
        lambda c, lead: [says_next(c, lead, zone=zone, now=now)],
    )


def _last_handed(session: Session, row: Loaded) -> int:
    """Give the position of the step that was handed over last; a condition may have led past the one before the next."""
    before = row.state.position - 1
    if all(step.kind in {StepKind.EMAIL, StepKind.TASK} for step in row.sequence.steps[: before + 1]):
        return before
    query = (
        select(Step.position)
        .join(Delivery, col(Delivery.step_id) == col(Step.id))
        .where(Delivery.enrollment_id == row.id, Delivery.state == DeliveryState.SENT.value)
        .where(col(Step.position).is_not(None))
    )
    last = session.exec(query.order_by(col(Delivery.settled_at).desc(), col(Delivery.id).desc())).first()
    if last is None:
        raise Refused(f"No step of {row.state.label} has been sent yet, so there is none to resend.")
    return last


def cancel(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """Leave the next step out."""
    zone, _ = zone_of(session, actor)
    done = perform(session, ids, lambda _: CancelStep(), verb="cancel step", actor=actor, now=now)

    def says(change: Change, lead: Lead) -> list[str]:
        position = change.before.position
        name = title_of(change.row, position, lead)
        return [f"Step {position + 1} “{name}” is left out.", says_next(change, lead, zone=zone, now=now)]

    return answered(session, done, "Cancelled the next step of", says)


_SETTLED = {
    Verdict.LEFT: (DeliveryState.SENT, "it left, says {name}", "It left: step {step} of"),
    # What may have left stays `uncertain` for the record: no row may deny a mail that a lead has got.
    Verdict.AGAIN: (
        DeliveryState.UNCERTAIN,
        "sent again by {name}, not knowing whether it had left",
        "Sending again: step {step} of",
    ),
    Verdict.DROP: (
        DeliveryState.UNCERTAIN,
        "dropped by {name}, not knowing whether it had left",
        "Dropped: step {step} of",
    ),
}


def settle(session: Session, delivery_id: int, verdict: Verdict, *, actor: Actor, now: datetime) -> Outcome:
    """Write down what a named person says of an uncertain delivery; the second one is told who said it first."""
    delivery, lead_id = _delivery(session, delivery_id)
    lock_leads(session, [lead_id])
    permissions.check(session, [lead_id], actor=actor, now=now)
    list(
        load(session, [delivery.enrollment_id], lock=True)
    )  # the sender's proof takes this lock, and not the lead's
    session.refresh(delivery)
    zone, _ = zone_of(session, actor)
    if not delivery.is_open_question:
        raise Refused(_settled_before(session, delivery, zone=zone, now=now))
    state, reason, said = _SETTLED[verdict]
    if delivery.reply_id is not None:
        because = reason.format(name=actor.name)
        return replies.settle(session, delivery, verdict, state, because, actor=actor, now=now)
    event = Settle(verdict, delivery.sending_at or delivery.created_at)
    changed = apply(
        session, [delivery.enrollment_id], lambda _: event, verb=f"settle {verdict}", actor=actor, now=now,
        is_undoable=False,
    )  # fmt: skip
    if not changed.changes:
        raise Refused(" ".join(changed.refusals))
    session.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.id == delivery_id)
        .values(state=state.value, settled_at=now, reason=reason.format(name=actor.name))
    )
    newest = (
        select(func.max(Journal.id)).where(Journal.enrollment_id == delivery.enrollment_id).scalar_subquery()
    )
    session.execute(update(JOURNAL).where(JOURNAL.c.id == newest).values(delivery_id=delivery_id))
    change = changed.changes[0]
    position = next((n for n, s in enumerate(change.row.sequence.steps) if s.id == delivery.step_id), 0)
    done = Performed(changed.changes, (), 0, ())
    outcome = answered(
        session,
        done,
        said.format(step=position + 1),
        lambda c, lead: [says_next(c, lead, zone=zone, now=now)],
    )
    return replace(outcome, answer=replace(outcome.answer, batch_id=None, card_leads=()))


def _delivery(session: Session, delivery_id: int) -> tuple[Delivery, int]:
    found = session.exec(
        select(Delivery, Enrollment.lead_id)
        .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
        .where(Delivery.id == delivery_id)
    ).first()
    if found is None:
        raise Refused("That delivery is no longer here.")
    return found


def _settled_before(session: Session, delivery: Delivery, *, zone: str, now: datetime) -> str:
    line = session.exec(
        select(Journal)
        .where(Journal.delivery_id == delivery.id, col(Journal.verb).startswith("settle "))
        .order_by(col(Journal.id).desc())
    ).first()
    if line is None:
        return f"This needs no answer any more: the mail is {delivery.state}."
    words = {"left": "it left", "again": "send again", "drop": "drop it"}[line.verb.removeprefix("settle ")]
    return f"{name_of(session, line.actor)} settled this at {clock(line.at, zone, now)}: {words}; nothing was changed."
