"""What calendars, scheduling tools and systems of your own tell over HTTP: who it concerns, and what it does, once.

The readers (calendly, cal, events) turn a body whose signature was checked into `Told`, purely; `take_in` acts on it in
one transaction. Nobody whom we do not know becomes a lead by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from core import cards, meetings
from core.acts import tried
from core.db import Database
from core.hooks.words import Told, What
from core.lifecycle import Source
from core.models import Lead, Meeting
from core.reactions import Happened, react
from core.seen import once
from core.sequence_file.spec import Act, Reaction, Scope
from core.verbs.choosing import lock_leads

__all__ = ["DONE", "IGNORED", "SEEN", "UNKNOWN", "Told", "What", "take_in"]

DONE, SEEN, IGNORED, UNKNOWN = "done", "seen before", "ignored", "unknown address"
GOAL = Reaction(do=Act.STOP, scope=Scope.LEAD)
UNSUBSCRIBED = "unsubscribed, says an event of your own"
COMPLAINED = "complained, says an event of your own"


def take_in(db: Database, key: str, told: Sequence[Told], *, now: datetime) -> str:
    """Act on what was told and give DONE, SEEN, IGNORED or UNKNOWN; `key` is what makes it the same when it comes again."""
    if not told:
        return IGNORED

    def act(session: Session) -> str:
        concerned = [(one, lead_id) for one in told for lead_id in _leads(session, one)]
        if not concerned:
            return UNKNOWN
        lock_leads(session, {lead_id for _, lead_id in concerned})
        if once(session, key, now=now) is not None:
            return SEEN
        for one, lead_id in concerned:
            _act(session, one, lead_id, now)
        return DONE

    return tried(db, act)


def _leads(session: Session, told: Told) -> list[int]:
    """Give whom it concerns: by address, else (a no-show that names only its booking) by the meeting's key."""
    if told.emails:
        query = select(Lead.id).where(col(Lead.email).in_(told.emails)).order_by(col(Lead.id))
        return [lead_id for lead_id in session.exec(query) if lead_id is not None]
    if told.news is None:
        return []
    ends = col(Meeting.key).endswith(f" {told.news.key}", autoescape=True)
    return list(session.exec(select(Meeting.lead_id).where(ends).order_by(col(Meeting.lead_id))))


def _act(session: Session, told: Told, lead_id: int, now: datetime) -> None:
    if told.news is not None:
        meetings.note(session, lead_id, None, told.news, now=now)
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
