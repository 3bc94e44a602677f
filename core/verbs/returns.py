"""What people answer to the heads-up before a hold ends: as planned, one week later, or stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from core import announcements, cards, seen
from core.acts import Loaded, open_batch
from core.announcements import KIND, Returning
from core.answers import Answer
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.journal import note
from core.lifecycle import LIVE, Event, Hold, Pause, Source
from core.models import WORKSPACE_ID, Enrollment, Lead, Workspace
from core.models import Hold as HoldRow
from core.people import Actor
from core.schedule import Delay, Unit, due_after, send_at
from core.verbs import leads
from core.verbs.acting import answered, perform, says_next, says_wake
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.views.digest_rows import LATER
from core.views.returning import verdict

LONGEST_NUMBER = 9  # digits; what is longer is no id of any table
WEEK = Delay(7, Unit.DAYS)
GONE = "That hold is no longer here."
ANSWERS = frozenset({"as planned", LATER, "stop"})


def press(session: Session, order: orders.Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do it for all that the card names; a card that asks no more says why, but stop still acts (DESIGN G5)."""
    if order.answer not in ANSWERS:
        raise Refused("Say how it goes on: *As planned*, *+1 week* or *Stop*.")
    hold, lead = _locked(session, order.number)
    cards.touch(session, lead_ids=[lead.id or 0])
    zone = lead.zone or session.get_one(Workspace, WORKSPACE_ID).zone
    told = verdict(session, hold, lead.id or 0, zone=zone)
    ends = announcements.group_of(session, hold, lead.id or 0)
    if order.answer == "stop" and (
        ids := _live(session, {hold.enrollment_id, *(one.row.id for one in ends)})
    ):
        outcome = leads.stop_these(session, ids, actor=actor, now=now)
    elif told:
        return Outcome(Answer(f"{told} Nothing was changed.", is_refusal=True))
    elif order.answer == LATER:
        outcome = _later(session, ends, actor=actor, now=now)
    else:
        note(session, "as planned", actor=actor, now=now, lead_id=lead.id)
        outcome = Outcome(Answer(f"As planned: the pause of {lead.email} ends on {say(_end(ends), zone)}."))
    seen.once(session, f"{KIND}:{hold.id}", now=now)
    words = f"{actor.name} answered on {say(now, zone)}: {order.answer}."
    seen.answered(session, f"{KIND}:{hold.id}", words)
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))


def _locked(session: Session, number: str) -> tuple[HoldRow, Lead]:
    """Give the hold and its lead, who is locked: two who answer at once come one after the other."""
    hold = session.get(HoldRow, int(number)) if len(number) <= LONGEST_NUMBER else None
    if hold is None:
        raise Refused(GONE)
    lead_id = session.exec(select(Enrollment.lead_id).where(Enrollment.id == hold.enrollment_id)).one()
    (lead,) = lock_leads(session, [lead_id])
    session.refresh(hold)
    return hold, lead


def _live(session: Session, ids: set[int]) -> list[int]:
    query = select(Enrollment.id).where(col(Enrollment.id).in_(ids), col(Enrollment.status).in_(LIVE))
    return [found for found in session.exec(query) if found is not None]


def _end(ends: list[Returning]) -> datetime:
    return min(one.hold.until for one in ends if one.hold.until)


def _later(session: Session, ends: list[Returning], *, actor: Actor, now: datetime) -> Outcome:
    return a_week_longer(session, {one.row.id: (one.hold,) for one in ends}, actor=actor, now=now)


def a_week_longer(
    session: Session, holds: dict[int, tuple[Hold, ...]], *, actor: Actor, now: datetime
) -> Outcome:
    """Hold these a week longer: one hold of this person's in place of theirs; what has no end waits a week from now."""
    batch_id = open_batch(session, LATER, actor=actor, now=now)

    def event(row: Loaded) -> Event:
        calendar, mine = row.sequence.plan(row.zone).calendar, holds[row.id]
        until = max((hold.until or now for hold in mine), default=now)
        ends_at = send_at(due_after(max(until, now), WEEK, calendar), calendar)
        reason = next((hold.reason for hold in mine if hold.reason), "")
        hold = Hold(Source.PERSON, reason, actor.id, now, ends_at, batch_id)
        return Pause(hold, is_wide=True, replaces=frozenset(hold.id or 0 for hold in mine))

    done = perform(
        session,
        list(holds),
        event,
        verb="pause",
        actor=actor,
        now=now,
        reason=LATER,
        batch_id=batch_id,
    )
    zone, _ = zone_of(session, actor)
    return answered(
        session,
        done,
        "Paused",
        lambda change, lead: [
            says_wake(change.after, zone=zone),
            says_next(change, lead, zone=zone, now=now),
        ],
        suffix="for one week more",
    )
