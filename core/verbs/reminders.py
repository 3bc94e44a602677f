"""What people ask to be reminded of (`remind lead@x.com on June 15`), and what they answer to the card that comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from core import cards, owners, undoing
from core import reminders as store
from core.acts import open_batch
from core.answers import Answer, Choice, Row
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.models import LARGEST_ID, Lead, Reminder
from core.names import SLACK_ID, name_of
from core.people import Actor
from core.schedule import DAY, at_local, local
from core.undoing import Kept
from core.verbs import proposals
from core.verbs.choosing import LEADS_WITHOUT_ASKING, describe, lead_ids, lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import exact, read, zone_of
from core.views.reminder import GONE, settled_words
from core.words import counted, ended

LATER = {"tomorrow": DAY, "one week later": 7 * DAY}
ROWS_SHOWN = 15
ASK_WHEN = "When should I remind you? For example: `remind lead@x.com on June 15`."
NOT_IN_SLACK = "A reminder comes as a direct message, so ask for it in Slack."


def remind(
    session: Session, order: orders.Remind, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Promise the person a card about each of these leads; more than ten are shown first."""
    if not SLACK_ID.fullmatch(actor.id):
        raise Refused(NOT_IN_SLACK)
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    if order.on is None:
        raise Refused(ASK_WHEN)
    again = lambda phrase: replace(order, on=phrase)  # noqa: E731
    on = read(session, order.on, "on", again, actor=actor, now=now)
    at = store.moment(session, on.when, actor.id)
    zone, _ = zone_of(session, actor)
    if at <= now:
        raise Refused(f"{say(at, zone)} has passed; name a time, for example: `remind lead@x.com at 15:00`.")
    if only is None and (order.who.everyone or len(ids) > LEADS_WITHOUT_ASKING):
        title = " ".join(f"Remind you of {counted(len(ids), 'lead')} {describe(order.who)}".split())
        lines = (f"A card for each of them comes on {say(at, zone)}.",)
        known = replace(order, on=exact(on.when))
        return proposals.ask(session, known, f"{title}?", lines, ids, actor=actor, now=now)
    fresh = _fresh(session, lock_leads(session, ids), at, order.because or "", actor)
    if not fresh:
        raise Refused(f"You are reminded of that on {say(at, zone)} already; nothing was changed.")
    batch_id = open_batch(session, "remind", actor=actor, now=now)
    made = [
        _promise(session, lead, at, order.because or "", actor=actor, now=now, batch_id=batch_id) for lead in fresh
    ]  # fmt: skip
    whom = fresh[0].email if len(fresh) == 1 else counted(len(fresh), "lead")
    choices = (Choice("Cancel", f"card {store.KIND} {made[0].id} cancel"),) if len(made) == 1 else ()
    title = f"You will be reminded of {whom} on {say(at, zone)}."
    undo = None if choices else batch_id  # one is cancelled by its own button
    return Outcome(Answer(title, (*on.notes, "`reminders` lists them all."), choices, batch_id=undo))


def _fresh(session: Session, leads: Sequence[Lead], at: datetime, because: str, actor: Actor) -> list[Lead]:
    """Give those of whom the person is not reminded at that moment already."""
    same = {(row.lead_id, row.note) for row, _ in store.waiting(session, actor.id) if row.at == at}
    return [lead for lead in leads if (lead.id, because) not in same]


def _promise(
    session: Session,
    lead: Lead,
    at: datetime,
    because: str,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
    person: str = "",
) -> Reminder:
    row = Reminder(
        lead_id=lead.id or 0, person=person or actor.id, at=at, note=because, created_at=now, created_by=actor.id
    )  # fmt: skip
    session.add(row)
    session.flush()
    zone, _ = zone_of(session, actor)
    reason = "; ".join(part for part in (f"on {say(at, zone)}", because) if part)
    never = {"cancelled_at": now.isoformat(), "fired_at": None}
    made = Kept("remind", store.KIND, row.id or 0, row.lead_id, never, undoing.values(row, never))
    undoing.keep(session, made, actor=actor, now=now, batch_id=batch_id, reason=reason)
    cards.touch(session, lead_ids=[lead.id or 0])
    return row


def reminders(session: Session, order: orders.Reminders, *, actor: Actor, now: datetime) -> Answer:
    """Give what the person is still to be reminded of."""
    del order, now
    zone, _ = zone_of(session, actor)
    found = store.waiting(session, actor.id)
    if not found:
        return Answer("You will be reminded of nothing. For example: `remind lead@x.com on June 15`.")
    rows = tuple(
        Row(
            lead.email,
            f"on {say(row.at, zone)}{f': {row.note}' if row.note else ''}",
            choices=(Choice("Cancel", f"card {store.KIND} {row.id} cancel"),),
        )
        for row, lead in found[:ROWS_SHOWN]
    )
    more = f" The first {ROWS_SHOWN} are shown." if len(found) > ROWS_SHOWN else ""
    return Answer(f"{counted(len(found), 'reminder')}, the next first.{more}", rows=rows)


def press(session: Session, order: orders.Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do what the card's button says: it is done with, or it comes again; before it came it can be cancelled."""
    row, lead = _locked(session, order.number)
    _check(session, row, actor=actor, now=now)
    zone, _ = zone_of(session, actor)
    cards.touch(session, lead_ids=[row.lead_id])
    if order.answer == "cancel":
        return _cancel(session, row, lead, zone, actor=actor, now=now)
    if order.answer not in {"done", *LATER} or order.until is not None:
        raise Refused("Say what becomes of the reminder: done, tomorrow or one week later.")
    if row.fired_at is None:
        raise Refused(f"That reminder comes only on {say(row.at, zone)}; nothing was changed.")
    if told := settled_words(session, row, zone=zone, now=now):
        return Outcome(Answer(f"{ended(told)} Nothing was changed.", is_refusal=True))
    batch_id = open_batch(session, "reminder", actor=actor, now=now)
    said = f"Done: the reminder of {lead.email}."
    if order.answer in LATER:
        at = _again(row, LATER[order.answer], zone, now)
        _promise(session, lead, at, row.note, actor=actor, now=now, batch_id=batch_id, person=row.person)
        said = f"The reminder of {lead.email} comes again on {say(at, zone)}."
    _change(
        session, "reminder done", row, actor=actor, now=now, batch_id=batch_id, done_at=now, done_by=actor.id
    )
    return Outcome(Answer(said, batch_id=batch_id))


def _change(
    session: Session,
    verb: str,
    row: Reminder,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
    reason: str = "",
    **to: object,
) -> None:
    """Set values of a reminder so that an undo finds them."""
    was = undoing.values(row, to)
    for name, value in to.items():
        setattr(row, name, value)
    session.add(row)
    kept = Kept(verb, store.KIND, row.id or 0, row.lead_id, was, undoing.values(row, to))
    undoing.keep(session, kept, actor=actor, now=now, batch_id=batch_id, reason=reason)


def put_back(session: Session, kept: Kept, *, actor: Actor, now: datetime, batch_id: int) -> list[str]:
    """Take back what was done to a reminder, and say so; raises Refused where it has come or was answered since."""
    row, lead = session.get_one(Reminder, kept.number), session.get_one(Lead, kept.lead_id)
    _check(session, row, actor=actor, now=now)
    if not undoing.put_back(session, row, kept, actor=actor, now=now, batch_id=batch_id):
        raise Refused(f"The reminder of {lead.email} has come or was changed since; nothing was changed.")
    cards.touch(session, lead_ids=[kept.lead_id])
    zone, _ = zone_of(session, actor)
    if row.cancelled_at is not None:
        return [f"The reminder of {lead.email} on {say(row.at, zone)} does not come."]
    if row.fired_at is not None:
        return [f"The reminder of {lead.email} asks again."]
    return [f"The reminder of {lead.email} comes on {say(row.at, zone)} after all."]


def _check(session: Session, row: Reminder, *, actor: Actor, now: datetime) -> None:
    """Raise Refused where it is neither this person's, nor asked for or covered by them."""
    cover = owners.stands_for(session, row.person, now=now)
    if actor.id not in {row.person, row.created_by, cover}:
        raise Refused(f"That is a reminder of {name_of(session, row.person)}'s; nothing was changed.")


def _again(row: Reminder, days: timedelta, zone: str, now: datetime) -> datetime:
    """Give the same time of day so many days from today."""
    return at_local(local(now, zone).date() + days, local(row.at, zone).time(), zone)


def _cancel(
    session: Session, row: Reminder, lead: Lead, zone: str, *, actor: Actor, now: datetime
) -> Outcome:
    if row.cancelled_at is not None:
        raise Refused("That reminder was cancelled already; nothing was changed.")
    if row.fired_at is not None:
        raise Refused(f"That reminder came on {say(row.fired_at, zone)}; nothing was changed.")
    batch_id = open_batch(session, "reminder", actor=actor, now=now)
    _change(
        session, "remind", row, actor=actor, now=now, batch_id=batch_id, reason="cancelled", cancelled_at=now
    )
    return Outcome(Answer(f"You will not be reminded of {lead.email}.", batch_id=batch_id))


def _locked(session: Session, number: str) -> tuple[Reminder, Lead]:
    """Give the reminder and its lead, who is locked: two who answer at once come one after the other."""
    reminder_id = int(number) if number.isdecimal() else 0
    lead_id = None
    if 0 < reminder_id <= LARGEST_ID:
        lead_id = session.exec(select(Reminder.lead_id).where(col(Reminder.id) == reminder_id)).first()
    if lead_id is None:
        raise Refused(GONE)
    (lead,) = lock_leads(session, [lead_id])
    return session.get_one(Reminder, reminder_id, populate_existing=True), lead
