"""Meetings: booked, moved, cancelled, over; whatever brings the news, in whatever order, however often.

A meeting is one row per lead. News is older or newer by (`number`, `changed_at`): calendar mail counts up a SEQUENCE,
webhooks bear the time of the change. Older news never acts, so that any order ends alike. News only ever holds mail or
stops it; what holds is let go by a date or by a person (core/verbs/meetings.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlmodel import Session, col, select

from core import cards, goals, outgoing
from core.acts import apply, load, open_batch, tried
from core.awaited import news as told
from core.dates import say
from core.db import Database
from core.goal_file.spec import Met
from core.goals import GoalEvent
from core.lifecycle import LIVE, Source, Stop
from core.models import WORKSPACE_ID, Enrollment, Meeting, Workspace
from core.people import SYSTEM, Actor
from core.reactions import Happened, react, release
from core.verbs.choosing import lock_leads

ASKED_AT_ONCE = 200
OLD_NEWS = "This was known already, or is older than what is known; nothing was changed."
TITLE_CHARS = 200
ANSWERED = "answered for the meeting"  # the verb of the journal's line


class State(StrEnum):
    """What is known of a meeting. `moved`: another row took its place. `resumed`, `kept`: what a person said to that."""

    BOOKED = "booked"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    MOVED = "moved"
    HAPPENED = "happened"
    NO_SHOW = "no_show"
    RESUMED = "resumed"
    KEPT = "kept"


# Of news of the same moment the later of these counts, in whatever order they arrive.
_RANK = {state: rank for rank, state in enumerate(State)}
MET = frozenset(Met)  # what can meet a goal
# To hear again that these are booked for the same time says nothing.
_LASTING = frozenset({State.BOOKED, State.HAPPENED, State.NO_SHOW})


@dataclass(frozen=True)
class MeetingNews:
    """What somebody says about a meeting. `state`: booked, cancelled, declined, happened or no_show.

    `key` is the source and its id there: "calendar:UID", "calendly:URI", "cal:UID", "event:ID". `number`, `changed_at`:
    when the news was true. Times None: not known. `instead_of`: the key that the meeting had before it was moved.
    `may_release` False: it may be a replay, so it adds holds and ends none.
    """

    key: str
    source: str
    state: str
    number: int
    changed_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    title: str = ""
    instead_of: str = ""
    may_release: bool = True


def note(
    session: Session, lead_id: int, enrollment_id: int | None, news: MeetingNews, *, now: datetime
) -> str:
    """Take in news about a lead's meeting and give one sentence on what it did; the caller owns the transaction."""
    lock_leads(session, [lead_id])
    # A date of the future must not make the meeting deaf to what is said tomorrow.
    news = replace(news, changed_at=min(news.changed_at, now), ends_at=news.ends_at or news.starts_at)
    before = _instead_of(session, lead_id, news, now) if news.instead_of else _Before()
    meeting = find(session, lead_id, news.key)
    if meeting is None:
        meeting = Meeting(
            key=_key(lead_id, news.key), lead_id=lead_id, source=news.source, state="", changed_at=now,
            enrollment_id=enrollment_id or before.enrollment_id, batch_id=before.batch_id,
        )  # fmt: skip
        return _taken_in(session, meeting, news, now)
    if before.batch_id is not None and news.may_release:
        # Later news came first, so nothing takes the place of what is still held for the time before the move.
        release(session, before.batch_id, actor=SYSTEM, now=now, reason="the meeting was moved")
    if meeting.state == State.MOVED or _order(news) <= (
        meeting.number,
        meeting.changed_at,
        _RANK[State(meeting.state)],
    ):
        return OLD_NEWS
    return _taken_in(session, meeting, news, now)


def ask_about_ended(db: Database, *, now: datetime) -> int:
    """Ask of meetings that are over how they went, each once; give of how many, at most ASKED_AT_ONCE a round."""
    with db.read() as session:
        over = list(
            session.exec(
                select(Meeting.id)
                .where(Meeting.state == State.BOOKED, col(Meeting.asked_at).is_(None), col(Meeting.ends_at) <= now)
                .order_by(col(Meeting.ends_at))
                .limit(ASKED_AT_ONCE)
            )
        )  # fmt: skip
    return sum(tried(db, partial(_ask_if_over, meeting_id=meeting_id or 0, now=now)) for meeting_id in over)


def live_runs(session: Session, lead_id: int) -> list[int]:
    """Give the lead's enrollments that have not ended."""
    query = select(Enrollment.id).where(Enrollment.lead_id == lead_id, col(Enrollment.status).in_(LIVE))
    return [enrollment_id for enrollment_id in session.exec(query) if enrollment_id is not None]


def channel_of(session: Session, lead_id: int, enrollment_id: int | None) -> str:
    """Give the channel of this run's sequence, of a running one of the lead where none is named, else the workspace's."""
    ids = [enrollment_id] if enrollment_id else live_runs(session, lead_id)
    own = (row.sequence.spec.channel for row in load(session, ids) if row.sequence.spec.channel)
    return cards.channel_of(session, next(own, None))


def find(session: Session, lead_id: int, key: str) -> Meeting | None:
    """Give the lead's meeting of this key."""
    query = select(Meeting).where(Meeting.key == _key(lead_id, key))
    return session.exec(query.execution_options(populate_existing=True)).first()


def same(session: Session, meeting: Meeting) -> list[Meeting]:
    """Give every row about the same hour with the same lead, oldest first: a booking is told by webhook and by mail."""
    if meeting.starts_at is None:
        return [meeting]
    query = select(Meeting).where(
        Meeting.lead_id == meeting.lead_id,
        Meeting.starts_at == meeting.starts_at,
        Meeting.state != State.MOVED,
    )
    return list(session.exec(query.order_by(col(Meeting.id))))


def is_over(meeting: Meeting, now: datetime) -> bool:
    """Say whether it has ended, as far as its end is known."""
    return meeting.ends_at is not None and meeting.ends_at <= now


@dataclass(frozen=True)
class _Before:
    """What a meeting that was moved leaves to the one that takes its place."""

    batch_id: int | None = None
    enrollment_id: int | None = None


def _key(lead_id: int, key: str) -> str:
    # Two leads who are asked to one meeting answer, come and stay away each for themselves.
    return f"{lead_id} {key}"


def _order(news: MeetingNews) -> tuple[int, datetime, int]:
    return news.number, news.changed_at, _RANK[State(news.state)]


def _instead_of(session: Session, lead_id: int, news: MeetingNews, now: datetime) -> _Before:
    """Mark the meeting that was moved, known or not, so that its own news comes too late; give what it leaves."""
    old = find(session, lead_id, news.instead_of)
    if old is None:
        old = Meeting(key=_key(lead_id, news.instead_of), lead_id=lead_id, source=news.source, changed_at=now)
    elif old.state == State.MOVED:
        return _Before()
    before = _Before(old.batch_id, old.enrollment_id)
    old.state, old.asked_at, old.batch_id = State.MOVED.value, old.asked_at or now, None
    session.add(old)
    session.flush()
    return before


def _taken_in(session: Session, meeting: Meeting, news: MeetingNews, now: datetime) -> str:
    was, state, was_held = (
        meeting.state,
        State(news.state),
        meeting.id is None and meeting.batch_id is not None,
    )
    is_elsewhere = (meeting.starts_at, meeting.ends_at) != (news.starts_at, news.ends_at)
    meeting.number, meeting.changed_at = news.number, news.changed_at
    session.add(meeting)
    if was and meeting.settled_by is not None and state is not State.BOOKED:
        return "Somebody has answered for this meeting already; nothing was changed."
    if was and state is State.BOOKED and not is_elsewhere and (was in _LASTING or is_over(meeting, now)):
        return OLD_NEWS
    meeting.state, meeting.title = state.value, (news.title or meeting.title)[:TITLE_CHARS]
    if news.ends_at is not None or state is State.BOOKED:
        meeting.starts_at, meeting.ends_at = news.starts_at, news.ends_at
    sentence = ""
    if state is State.HAPPENED:
        sentence = _stop(session, meeting, now)
    elif state is State.DECLINED and not was:
        sentence = _hold(session, meeting, news, "reply", now)
    elif state is State.BOOKED or not was or (is_elsewhere and news.ends_at is not None):
        # What was cancelled before it, or its move, was known here is held as well: any order must end alike.
        meeting.asked_at = meeting.settled_by = None
        sentence = _hold(session, meeting, news, "meeting", now)
    session.flush()
    if not (
        state is State.BOOKED and (was == State.BOOKED or was_held)
    ):  # a meeting that is moved is no new one
        tell_goals(session, meeting, is_certain=news.may_release, now=now)
    tell_systems(session, meeting, actor=SYSTEM, now=now)
    _show(session, meeting, now)
    told(session, [meeting.lead_id])
    cards.touch(session, lead_ids=[meeting.lead_id])
    return " ".join(filter(None, (_said(session, meeting, was), sentence)))


def tell_goals(session: Session, meeting: Meeting, *, is_certain: bool, now: datetime) -> None:
    """Let the goals see what became of a meeting; of one that two sources tell of, once."""
    if meeting.state not in MET:
        return
    which = meeting.starts_at.isoformat() if meeting.starts_at else meeting.key
    key = f"meeting:{meeting.state}:{which}"
    event = GoalEvent(goals.Kind.MEETING, meeting.state, (meeting.lead_id,), key, is_certain=is_certain)
    goals.meet(session, event, now=now)


def tell_systems(session: Session, meeting: Meeting, *, actor: Actor, now: datetime) -> None:
    """Have other systems told what became of a meeting."""
    begins = f" on {meeting.starts_at:%Y-%m-%dT%H:%MZ}" if meeting.starts_at else ""
    outgoing.tell_one(
        session,
        outgoing.MEETINGS.get(meeting.state),
        lead_id=meeting.lead_id,
        now=now,
        actor=actor.id,
        enrollment_id=meeting.enrollment_id,
        reason=f"“{meeting.title}”{begins}",
    )


def _hold(session: Session, meeting: Meeting, news: MeetingNews, event: str, now: datetime) -> str:
    """Hold the lead by its sequence's rule, until some time after the end; what is over already, for that time from now."""
    ends_at = max(meeting.ends_at, now) if meeting.ends_at else None
    verb = "declined" if event == "reply" else "booked"
    reason = f"{verb} “{meeting.title}”" if meeting.title else f"{verb} a meeting"
    source = Source.REPLY if event == "reply" else Source.MEETING
    happened = Happened(event, meeting.lead_id, meeting.enrollment_id, source, reason, ends_at=ends_at)
    reacted = react(session, happened, now=now, replaces=meeting.batch_id if news.may_release else None)
    meeting.batch_id = reacted.batch_id
    return reacted.sentence


def _stop(session: Session, meeting: Meeting, now: datetime) -> str:
    meeting.settled_by = SYSTEM.id
    batch_id = open_batch(session, "meeting", actor=SYSTEM, now=now)
    stopped = apply(
        session, live_runs(session, meeting.lead_id), lambda _: Stop(), verb="stop", actor=SYSTEM, now=now,
        reason="the meeting took place", batch_id=batch_id,
    )  # fmt: skip
    return "Stopped in every sequence." if stopped.changes else "No sequence of this lead was running."


def _show(session: Session, meeting: Meeting, now: datetime) -> None:
    """Want the meeting's notice, or its question; one that another source has told of already asks there."""
    if any(
        other.id != meeting.id and (other.id or 0) < (meeting.id or 0) for other in same(session, meeting)
    ):
        meeting.asked_at = now
        return
    is_booked = meeting.state == State.BOOKED
    if meeting.state == State.HAPPENED or (
        is_booked and meeting.ends_at is not None and not is_over(meeting, now)
    ):
        _want(session, meeting, f"meeting:{meeting.id}:news", now)
    else:
        _ask(session, meeting, now)


def _ask(session: Session, meeting: Meeting, now: datetime) -> None:
    meeting.asked_at = now
    session.add(meeting)
    _want(session, meeting, f"meeting:{meeting.id}", now)


def _ask_if_over(session: Session, *, meeting_id: int, now: datetime) -> bool:
    lead_id = session.exec(select(Meeting.lead_id).where(Meeting.id == meeting_id)).first()
    if lead_id is None or not lock_leads(session, [lead_id]):
        return False
    meeting = session.get_one(Meeting, meeting_id, populate_existing=True)
    if meeting.state != State.BOOKED or meeting.asked_at is not None or not is_over(meeting, now):
        return False
    _ask(session, meeting, now)
    cards.touch(session, lead_ids=[lead_id])
    return True


def _want(session: Session, meeting: Meeting, key: str, now: datetime) -> None:
    channel = channel_of(session, meeting.lead_id, meeting.enrollment_id)
    cards.show(session, key, channel=channel, lead_id=meeting.lead_id, about_id=meeting.id, now=now)


def _said(session: Session, meeting: Meeting, was: str) -> str:
    what = f"“{meeting.title}”" if meeting.title else "A meeting"
    match State(meeting.state):
        case State.BOOKED:
            verb = "was moved to" if was == State.BOOKED else "is booked for"
            zone = session.get_one(Workspace, WORKSPACE_ID).zone
            when = say(meeting.starts_at, zone) if meeting.starts_at else "a time that is not known"
            return f"{what} {verb} {when}."
        case State.NO_SHOW:
            return f"{what}: the lead did not come."
        case State.HAPPENED:
            return f"{what} took place."
        case state:
            return f"{what} was {state}."
