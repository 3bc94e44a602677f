"""What people do to a task: done (with what came of it), left out, put off; and the list of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import cards, permissions, reminders, undoing
from core import tasks as store
from core.acts import DELIVERIES, Loaded, apply, load, open_batch
from core.answers import Answer
from core.dates import When, say
from core.errors import Refused
from core.grammar import commands as orders
from core.lifecycle import Done, Snoozed, Status, StepKind
from core.models import LARGEST_ID, Delivery, DeliveryState, Enrollment, Lead
from core.people import Actor
from core.schedule import DAY, at_local, local
from core.undoing import Kept
from core.verbs import steps
from core.verbs.acting import answered, perform, says_next
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import read, zone_of
from core.views import tasks as view
from core.words import counted

LATER = {"tomorrow": DAY, "one week later": 7 * DAY}
ROWS_SHOWN = 15
LONGEST_NOTE_CHARS = 1_000
_UNTIL = "snoozed_until"
_IS_OPEN = (DELIVERIES.c.state == DeliveryState.OPEN.value, DELIVERIES.c.kind == StepKind.TASK.value)
GONE = "That task is no longer here."


def done(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime, note: str = "") -> Outcome:
    """The task was done; the next countdown starts now. `note`: what came of it, kept in the journal."""
    _open(session, ids)
    zone, _ = zone_of(session, actor)
    note = " ".join(note.split())[:LONGEST_NOTE_CHARS]
    performed = perform(
        session, ids, lambda _: Done(now), verb="task done", actor=actor, now=now, reason=note
    )
    said = f"done by {actor.name}{f': {note}' if note else ''}"
    _change(session, ids, state=DeliveryState.SENT.value, settled_at=now, reason=said, snoozed_until=None)
    return answered(
        session, performed, "Task done:", lambda c, lead: [says_next(c, lead, zone=zone, now=now)]
    )


def skip(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """The task is left out; the sequence goes on."""
    _open(session, ids, is_hidden_too=True)
    return steps.cancel(session, ids, actor=actor, now=now)


def tomorrow(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """The task comes back tomorrow."""
    return snooze(session, ids, _after(session, DAY, actor, now), actor=actor, now=now)


def next_week(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """The task comes back one week from today."""
    return snooze(session, ids, _after(session, 7 * DAY, actor, now), actor=actor, now=now)


def snooze(session: Session, ids: Sequence[int], on: When, *, actor: Actor, now: datetime) -> Outcome:
    """Put the task off: its card comes again on that day, at the hour of the person's digest, or at the time named."""
    row = _open(session, ids)
    zone, _ = zone_of(session, actor)
    at = reminders.moment(session, on, actor.id)
    if at <= now:
        raise Refused(f"{say(at, zone)} has passed; name a later day.")
    permissions.check(session, [row.lead_id], actor=actor, now=now)
    apply(
        session, ids, lambda _: Snoozed(), verb="snooze", actor=actor, now=now, reason=f"until {say(at, zone)}",
        is_undoable=False,
    )  # fmt: skip
    task = session.exec(select(Delivery).where(col(Delivery.enrollment_id).in_(ids), *_IS_OPEN)).one()
    batch_id = open_batch(session, "snooze", actor=actor, now=now)
    was = undoing.values(task, [_UNTIL])
    task.snoozed_until = at
    session.add(task)
    kept = Kept(store.SNOOZED, store.KIND, task.id or 0, row.lead_id, was, undoing.values(task, [_UNTIL]))
    undoing.keep(session, kept, actor=actor, now=now, batch_id=batch_id, reason=f"until {say(at, zone)}")
    return Outcome(Answer(f"The task of {row.state.label} comes back on {say(at, zone)}.", batch_id=batch_id))


def put_back(session: Session, kept: Kept, *, actor: Actor, now: datetime, batch_id: int) -> list[str]:
    """Take back that a task was put off, and say so; raises Refused where it is not as that left it."""
    task, lead = session.get_one(Delivery, kept.number), session.get_one(Lead, kept.lead_id)
    row = next(load(session, [task.enrollment_id], lock=True))
    session.refresh(task)
    is_open = task.state == DeliveryState.OPEN
    if not is_open or not undoing.put_back(session, task, kept, actor=actor, now=now, batch_id=batch_id):
        raise Refused(f"The task of {lead.email} has come back or was changed since; nothing was changed.")
    reason = "the task is put off no more"
    apply(
        session,
        [row.id],
        lambda _: Snoozed(),
        verb="undo",
        actor=actor,
        now=now,
        reason=reason,
        is_undoable=False,
    )
    zone, _ = zone_of(session, actor)
    if task.snoozed_until:
        return [f"The task of {row.state.label} comes back on {say(task.snoozed_until, zone)} after all."]
    return [f"The task of {row.state.label} is to do now."]


def _after(session: Session, days: timedelta, actor: Actor, now: datetime) -> When:
    zone, _ = zone_of(session, actor)
    day = (local(now, zone) + days).date()
    return When(at_local(day, datetime.min.time(), zone), day, zone, has_time=False)


def _open(session: Session, ids: Sequence[int], *, is_hidden_too: bool = False) -> Loaded:
    row = next(load(session, ids, lock=True))
    if not row.state.has_open_task:
        raise Refused(f"{row.state.label} has no open task any more; the card is up to date now.")
    if row.state.status is not Status.IN_PROGRESS and not is_hidden_too:
        raise Refused(f"{row.state.label} is {row.state.status}. Resume it first; its task comes back then.")
    return row


def _change(session: Session, ids: Sequence[int], **values: object) -> None:
    session.execute(update(DELIVERIES).where(DELIVERIES.c.enrollment_id.in_(ids), *_IS_OPEN).values(**values))


def tasks(session: Session, order: orders.Tasks, *, actor: Actor, now: datetime) -> Answer:
    """Give what waits for the person to do."""
    del order
    zone, _ = zone_of(session, actor)
    found = store.of_person(session, actor.id, now=now, limit=ROWS_SHOWN)
    count = store.waiting(session, actor.id, now=now)
    away = store.hidden(session, actor.id, now=now)
    lines = (
        (f"{counted(away, 'task')} hidden while the lead is paused: resumed, it comes back.",) if away else ()
    )
    if not found:
        return Answer("No task waits for you.", lines)
    rows = view.rows(session, found, zone=zone)
    more = f" The first {ROWS_SHOWN} are shown." if count > len(rows) else ""
    return Answer(f"{counted(count, 'task')} for you, the oldest first.{more}", lines, rows=rows)


def press(session: Session, order: orders.Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do what the button in the list says, as long as the task is open."""
    number = int(order.number) if order.number.isdecimal() else 0
    query = select(Delivery.enrollment_id, Enrollment.lead_id).join(
        Enrollment, col(Enrollment.id) == Delivery.enrollment_id
    )
    found = None
    if 0 < number <= LARGEST_ID:
        found = session.exec(query.where(Delivery.id == number, Delivery.kind == StepKind.TASK.value)).first()
    if found is None or not lock_leads(session, [found[1]]):
        raise Refused(GONE)
    delivery = session.get_one(Delivery, number, populate_existing=True)
    if delivery.state != DeliveryState.OPEN:
        cards.touch(session, lead_ids=[found[1]])
        said = delivery.reason or delivery.state
        return Outcome(Answer(f"That task is not open any more: {said}.", is_refusal=True))
    ids = [found[0]]
    if order.answer == "snooze" and order.until:
        on = read(session, order.until, "on", lambda _: order, actor=actor, now=now)
        return snooze(session, ids, on.when, actor=actor, now=now)
    if order.answer in LATER and order.until is None:
        return snooze(session, ids, _after(session, LATER[order.answer], actor, now), actor=actor, now=now)
    if order.answer == "done" and order.until is None:
        return done(session, ids, actor=actor, now=now)
    if order.answer == "skip" and order.until is None:
        return skip(session, ids, actor=actor, now=now)
    raise Refused(
        "Say what becomes of the task: done, skip, tomorrow, one week later, or snooze until a day."
    )
