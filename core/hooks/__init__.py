"""What calendars, scheduling tools and systems of your own tell over HTTP: who it concerns, and what it does, once.

The readers (calendly, cal, events) turn a body whose signature was checked into `Told`, purely; `take_in` acts on it in
one transaction. Nobody whom we do not know becomes a lead by it, but for a form or a goal's event that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from core import cards, goals, leads, meetings
from core.acts import tried
from core.db import Database
from core.enrolling import suppressed
from core.goals import GoalEvent, Kind, library
from core.hooks.words import Told, What
from core.lifecycle import Source
from core.models import Lead, Meeting
from core.people import SYSTEM
from core.reactions import Happened, react
from core.seen import once
from core.sequence_file.spec import Act, Reaction, Scope
from core.verbs.choosing import lock_leads

__all__ = ["DONE", "IGNORED", "SEEN", "UNKNOWN", "Told", "What", "take_in"]

DONE, SEEN, IGNORED, UNKNOWN = "done", "seen before", "ignored", "unknown address"
GOAL = Reaction(do=Act.STOP, scope=Scope.LEAD)
UNSUBSCRIBED = "unsubscribed, says an event of your own"
COMPLAINED = "complained, says an event of your own"
_KINDS = {What.GOAL: Kind.EVENT, What.FORM: Kind.FORM, What.CLICK: Kind.CLICK, What.REPLY: Kind.REPLY}


def take_in(db: Database, key: str, told: Sequence[Told], *, now: datetime) -> str:
    """Act on what was told and give DONE, SEEN, IGNORED or UNKNOWN; `key` is what makes it the same when it comes again."""
    if not told:
        return IGNORED

    def act(session: Session) -> str:
        awaited = [one for one in told if not one.name or _is_awaited(session, one)]
        if not awaited:  # not written down, so that it can come again once its goal is there
            return IGNORED
        concerned = [(one, lead_id) for one in awaited for lead_id in _leads(session, one)]
        new = [
            one.new for one in awaited if one.new is not None and not concerned and _is_welcome(session, one)
        ]
        if not concerned and not new:
            return UNKNOWN
        lock_leads(session, {lead_id for _, lead_id in concerned})
        if once(session, key, now=now) is not None:
            return SEEN
        made = leads.save(session, new, actor=SYSTEM, now=now)
        concerned += [(one, made[email][0]) for one in awaited for email in one.emails if email in made]
        for one, lead_id in concerned:
            _act(session, one, lead_id, key, now)
        _show_goals(session, now)
        return DONE

    return tried(db, act)


def _is_awaited(session: Session, told: Told) -> bool:
    """Say whether a goal waits for this form or event; a click needs none."""
    return told.what is What.CLICK or bool(library.awaited(session, _KINDS[told.what], told.name))


def _is_welcome(session: Session, told: Told) -> bool:
    """Say whether a stranger becomes a lead: a goal starts something, and the address may get mail."""
    starts = any(goal.spec.start for goal in library.awaited(session, _KINDS[told.what], told.name))
    return starts and not suppressed(session, told.emails)


def _show_goals(session: Session, now: datetime) -> None:
    """Show the leads that goals have started or stopped: nobody was there who saw it happen."""
    for lead_id in sorted(goals.settle(session, now=now).lead_ids):
        cards.show_lead(
            session, lead_id=lead_id, channel=meetings.channel_of(session, lead_id, None), now=now
        )


def _leads(session: Session, told: Told) -> list[int]:
    """Give whom it concerns: by address, else (a no-show that names only its booking) by the meeting's key."""
    if told.emails:
        query = select(Lead.id).where(col(Lead.email).in_(told.emails)).order_by(col(Lead.id))
        return [lead_id for lead_id in session.exec(query) if lead_id is not None]
    if told.news is None:
        return []
    ends = col(Meeting.key).endswith(f" {told.news.key}", autoescape=True)
    return list(session.exec(select(Meeting.lead_id).where(ends).order_by(col(Meeting.lead_id))))


def _act(session: Session, told: Told, lead_id: int, key: str, now: datetime) -> None:
    if told.news is not None:
        meetings.note(session, lead_id, None, told.news, now=now)
        return
    if told.name or told.what is What.REPLY:
        kind = _KINDS[told.what]
        goals.meet(session, GoalEvent(kind, told.name, (lead_id,), key), now=now)
    if told.name and told.what is not What.CLICK:
        return
    reacted = react(session, _happened(told.what, lead_id), now=now)
    if reacted.lead_ids and told.what is not What.CLICK:
        channel = meetings.channel_of(session, lead_id, None)
        cards.show_lead(session, lead_id=lead_id, channel=channel, now=now)


def _happened(what: What, lead_id: int) -> Happened:
    match what:
        case What.GOAL:
            reason = "reached a goal, says an event of your own"
            return Happened("goal", lead_id, None, Source.REPLY, reason, instead=GOAL)
        case What.UNSUBSCRIBE:
            return Happened("unsubscribe", lead_id, None, Source.REPLY, UNSUBSCRIBED, suppress=UNSUBSCRIBED)
        case What.COMPLAINT:
            return Happened("complaint", lead_id, None, Source.REPLY, COMPLAINED, suppress=COMPLAINED)
        case What.CLICK:
            return Happened("click", lead_id, None, Source.CLICK, "clicked, says an event of your own")
        case _:
            return Happened("reply", lead_id, None, Source.REPLY, "answered, says an event of your own")
