"""What people ask to be reminded of (`remind lead@x.com on June 15`), and what they answer to the card that comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from core import cards, owners
from core import reminders as store
from core.answers import Answer, Choice, Row
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.journal import note
from core.models import LARGEST_ID, Lead, Reminder
from core.names import SLACK_ID, name_of
from core.people import Actor
from core.schedule import DAY, at_local, local
from core.verbs import proposals
from core.verbs.choosing import LEADS_WITHOUT_ASKING, describe, lead_ids, lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import exact, read, zone_of
from core.views.reminder import GONE, settled_words
from core.words import counted, ended

LATER = {"tomorrow": DAY, "one week later": 7 * DAY}
ROWS_SHOWN = 15
NOT_IN_SLACK = "A reminder comes as a direct message, so ask for it in Slack."


def remind(
    session: Session, order: orders.Remind, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Promise the person a card about each of these leads; more than ten are shown first."""
    if not SLACK_ID.fullmatch(actor.id):
        raise Refused(NOT_IN_SLACK)
    again = lambda phrase: replace(order, on=phrase)  # noqa: E731
    on = read(session, order.on, "on", again, actor=actor, now=now)
    at = store.moment(session, on.when, actor.id)
    zone, _ = zone_of(session, actor)
    if at <= now:
        raise Refused(f"{say(at, zone)} has passed; name a time, for example: `remind lead@x.com at 15:00`.")
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    if only is None and (order.who.everyone or len(ids) > LEADS_WITHOUT_ASKING):
        title = " ".join(f"Remind you of {counted(len(ids), 'lead')} {describe(order.who)}".split())
        lines = (f"A card for each of them comes on {say(at, zone)}.",)
        known = replace(order, on=exact(on.when))
        return proposals.ask(session, known, f"{title}?", lines, ids, actor=actor, now=now)
    fresh = _fresh(session, lock_leads(session, ids), at, order.because or "", actor)
    if not fresh:
        raise Refused(f"You are reminded of that on {say(at, zone)} already; nothing was changed.")
    made = [_promise(session, lead, at, order.because or "", actor=actor, now=now) for lead in fresh]
    whom = fresh[0].email if len(fresh) == 1 else counted(len(fresh), "lead")
    choices = (Choice("Cancel", f"card {store.KIND} {made[0].id} cancel"),) if len(made) == 1 else ()
    title = f"You will be reminded of {whom} on {say(at, zone)}."
    return Outcome(Answer(title, (*on.notes, "`reminders` lists them all."), choices))


def _fresh(session: Session, leads: Sequence[Lead], at: datetime, because: str, actor: Actor) -> list[Lead]:
    """Give those of whom the person is not reminded at that moment already."""
    same = {(row.lead_id, row.note) for row, _ in store.waiting(session, actor.id) if row.at == at}
    return [lead for lead in leads if (lead.id, because) not in same]


def _promise(
    session: Session, lead: Lead, at: datetime, because: str, *, actor: Actor, now: datetime, person: str = ""
) -> Reminder:
    row = Reminder(
        lead_id=lead.id or 0, person=person or actor.id, at=at, note=because, created_at=now, created_by=actor.id
    )  # fmt: skip
    session.add(row)
    session.flush()
    zone, _ = zone_of(session, actor)
    reason = "; ".join(part for part in (f"on {say(at, zone)}", because) if part)
    note(session, "remind", actor=actor, now=now, lead_id=lead.id, reason=reason)
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
    cover = owners.stands_for(session, row.person, now=now)
    if actor.id not in {row.person, row.created_by, cover}:
        raise Refused(f"That is a reminder of {name_of(session, row.person)}'s; nothing was changed.")
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
    row.done_at, row.done_by = now, actor.id
    session.add(row)
    if order.answer == "done":
        return Outcome(Answer(f"Done: the reminder of {lead.email}."))
    at = _again(row, LATER[order.answer], zone, now)
    _promise(session, lead, at, row.note, actor=actor, now=now, person=row.person)
    return Outcome(Answer(f"The reminder of {lead.email} comes again on {say(at, zone)}."))


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
    row.cancelled_at = now
    session.add(row)
    note(session, "remind", actor=actor, now=now, lead_id=lead.id, reason="cancelled")
    return Outcome(Answer(f"You will not be reminded of {lead.email}."))


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
