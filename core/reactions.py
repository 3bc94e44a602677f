"""What a sequence's rule (`on:`) does when something comes back: one act, one batch, the strongest rule wins.

A reply, an absence, a bounce or a meeting is a fact about a person. The sequence whose mail it answers says what to do
and how far that reaches; where no mail is named, every running sequence of the lead is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from core import cards, leads
from core.acts import Change, Loaded, apply, load, open_batch
from core.address import is_free_mail
from core.dates import say
from core.errors import Refused
from core.lifecycle import LIVE, RUNNING, Event, Hold, Pause, Resume, Source, Status, Stop
from core.models import Enrollment, Lead
from core.models import Hold as HoldRow
from core.people import SYSTEM, Actor
from core.schedule import Calendar, Delay, Unit, due_after, first_working_moment, send_at
from core.sequence_file.spec import RETURN, Act, Reaction, Scope
from core.verbs.choosing import lock_leads
from core.words import listed

DAY = timedelta(days=1)
AWAY_WITHOUT_A_DATE = Delay(7, Unit.DAYS)


@dataclass(frozen=True)
class Happened:
    """What came back, as far as a rule is concerned; `event` is a field of `Reactions`.

    `enrollment_id`: the run whose mail it answers; None: every live run of the lead asks its own sequence. `back_on`: the
    first day back; `is_open_ended`: they said when, but nobody can say for certain which day. `ends_at`: of a meeting, None
    where not known. `suppress` not "": where the rule stops, the address is suppressed for this reason. `instead`: a
    milder rule than the sequence's, for what is not proven.
    """

    event: str
    lead_id: int
    enrollment_id: int | None
    source: Source
    reason: str
    back_on: date | None = None
    is_open_ended: bool = False
    ends_at: datetime | None = None
    suppress: str = ""
    instead: Reaction | None = None


@dataclass(frozen=True)
class Reacted:
    """What was done: `sentence` says it, with the date until when. `batch_id` None: nothing was changed."""

    batch_id: int | None
    sentence: str
    lead_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Rule:
    """One sequence's rule, and the runs that it reaches."""

    reaction: Reaction
    grace: Delay
    enrollment_ids: frozenset[int]


def react(
    session: Session, happened: Happened, *, now: datetime, replaces: int | None = None, actor: Actor = SYSTEM
) -> Reacted:
    """Do what the rules say and give what that was; `replaces`: a batch whose open holds end in the same moment."""
    rules = _rules(session, happened)
    reached = frozenset[int]().union(*(rule.enrollment_ids for rule in rules))
    of_leads = select(Enrollment.lead_id).where(col(Enrollment.id).in_(reached))
    lock_leads(session, {happened.lead_id, *session.exec(of_leads)})
    batch_id = open_batch(session, happened.event.replace("_", " "), actor=actor, now=now)
    stopped = _stop(session, happened, rules, batch_id, actor=actor, now=now)
    paused = _pause(session, happened, rules, batch_id, replaces, actor=actor, now=now)
    if replaces is not None:
        # What the new rule holds nothing in place of.
        release(session, replaces, actor=actor, now=now, into=batch_id)
    cards.touch(session, lead_ids=[happened.lead_id])
    changes = (*stopped, *paused)
    lead_ids = tuple(dict.fromkeys(change.row.lead_id for change in changes))
    return Reacted(batch_id, _sentence(happened, rules, stopped, paused), lead_ids)


def _rules(session: Session, happened: Happened) -> list[_Rule]:
    """Give the rules that are asked, with the live runs that each reaches."""
    lead = session.get_one(Lead, happened.lead_id)
    mine = list(load(session, _live(session, col(Enrollment.lead_id) == lead.id)))
    origin = happened.enrollment_id
    asking = list(load(session, [origin])) if origin is not None else mine
    rules = []
    for row in asking:
        spec = row.sequence.spec
        reaction: Reaction = happened.instead or getattr(spec.on, happened.event)
        rules.append(_Rule(reaction, spec.grace, _reach(session, reaction.scope, row, mine, lead)))
    return rules


def _reach(session: Session, scope: Scope, row: Loaded, mine: list[Loaded], lead: Lead) -> frozenset[int]:
    if scope is Scope.SEQUENCE:
        return frozenset([row.id])
    ids = {other.id for other in mine}
    if scope is Scope.COMPANY and lead.domain and not is_free_mail(lead.domain):
        colleagues = col(Enrollment.lead_id).in_(select(Lead.id).where(Lead.domain == lead.domain))
        ids |= set(_live(session, colleagues))
    return frozenset(ids)


def _live(session: Session, which: ColumnElement[bool]) -> list[int]:
    return _enrollments(session, which, LIVE)


def _enrollments(session: Session, which: ColumnElement[bool], statuses: Collection[Status]) -> list[int]:
    query = select(Enrollment.id).where(which, col(Enrollment.status).in_(statuses))
    return [enrollment_id for enrollment_id in session.exec(query) if enrollment_id is not None]


def _stop(
    session: Session, happened: Happened, rules: list[_Rule], batch_id: int, *, actor: Actor, now: datetime
) -> tuple[Change, ...]:
    stopping = [rule for rule in rules if rule.reaction.do is Act.STOP]
    ids = frozenset[int]().union(*(rule.enrollment_ids for rule in stopping))
    reason = happened.reason
    changed = apply(
        session, ids, lambda _: Stop(), verb="stop", actor=actor, now=now, reason=reason, batch_id=batch_id
    )
    # An address that nobody may mail is barred even where no sequence of its lead runs any more.
    if happened.suppress and (stopping or not rules):
        lead = session.get_one(Lead, happened.lead_id)
        leads.suppress(session, lead.email, reason=happened.suppress, actor=actor, now=now, batch_id=batch_id)
    return changed.changes


def _pause(
    session: Session,
    happened: Happened,
    rules: list[_Rule],
    batch_id: int,
    replaces: int | None,
    *,
    actor: Actor,
    now: datetime,
) -> tuple[Change, ...]:
    stopping = {i for rule in rules if rule.reaction.do is Act.STOP for i in rule.enrollment_ids}
    pausing = [rule for rule in rules if rule.reaction.do is Act.PAUSE]
    ids = {i for rule in pausing for i in rule.enrollment_ids} - stopping
    # Without what was skipped: it sends nothing, and a refusal would only be noise.
    held = _enrollments(session, col(Enrollment.id).in_(ids), {*RUNNING, Status.PAUSED})

    def event(row: Loaded) -> Event:
        calendar = row.sequence.plan(row.zone).calendar
        ends = [_until(rule, happened, calendar, now) for rule in pausing if row.id in rule.enrollment_ids]
        until = None if None in ends else max(end for end in ends if end is not None)
        hold = Hold(happened.source, happened.reason, actor.id, now, until, batch_id)
        return Pause(hold, is_wide=True, replaces=_outdated(row, hold, replaces))

    return apply(
        session, held, event, verb="pause", actor=actor, now=now, reason=happened.reason, batch_id=batch_id
    ).changes


def _outdated(row: Loaded, hold: Hold, replaces: int | None) -> frozenset[int]:
    """Give the open holds that a new one takes the place of: those of `replaces`, and older news of the same absence.

    Raises Refused where an absence was said to last longer already: news can arrive in any order.
    """
    absences = [other for other in row.state.holds if other.source is hold.source is Source.OUT_OF_OFFICE]
    old = [other for other in row.state.holds if replaces is not None and other.batch_id == replaces]
    if replaces is None and any(_is_later(other.until, hold.until) for other in absences):
        raise Refused(f"{row.state.label} is held longer than that already.")
    return frozenset(other.id for other in (*old, *absences) if other.id is not None)


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one > other)


def _until(rule: _Rule, happened: Happened, calendar: Calendar, now: datetime) -> datetime | None:
    """Give when a hold ends; None: when a person says so."""
    until = rule.reaction.until
    if until is None or happened.is_open_ended:
        return None
    if until == RETURN:
        if happened.back_on is None:
            return send_at(due_after(now, AWAY_WITHOUT_A_DATE, calendar), calendar)
        # The first working moment after the day of return, and the grace to find their feet.
        back = first_working_moment(happened.back_on + DAY, calendar)
        return send_at(due_after(back, rule.grace, calendar), calendar)
    if happened.event == "meeting":
        return None if happened.ends_at is None else due_after(happened.ends_at, until, calendar)
    return due_after(now, until, calendar)


def release(
    session: Session, batch_id: int, *, actor: Actor, now: datetime, into: int | None = None, reason: str = ""
) -> tuple[Change, ...]:
    """End the open holds of a batch and give whom that changed; the countdowns go on where they stood."""
    ids = holding(session, batch_id)
    resume = Resume(batch_id=batch_id)
    return apply(
        session, ids, lambda _: resume, verb="resume", actor=actor, now=now, reason=reason, batch_id=into
    ).changes


def holding(session: Session, batch_id: int) -> list[int]:
    """Give the enrollments that a batch still holds."""
    query = select(HoldRow.enrollment_id).where(
        HoldRow.batch_id == batch_id, col(HoldRow.released_at).is_(None)
    )
    return sorted(set(session.exec(query)))


def _sentence(
    happened: Happened,
    rules: list[_Rule],
    stopped: tuple[Change, ...],
    paused: tuple[Change, ...],
) -> str:
    said = []
    if stopped:
        said.append(f"Stopped in {_places(stopped)}.")
    if happened.suppress and (stopped or any(rule.reaction.do is Act.STOP for rule in rules) or not rules):
        said.append("The address is suppressed: it gets no more mail from anybody here.")
    for ends_at, group in _by_end(paused).items():
        zone = group[0].row.sequence.plan(group[0].row.zone).calendar.zone
        until = say(ends_at, zone) if ends_at else "somebody resumes"
        said.append(f"Paused in {_places(group)} until {until}.")
    if said:
        return " ".join(said)
    if not rules or not any(rule.enrollment_ids for rule in rules):
        return "No sequence of this lead is running, so nothing was changed."
    if all(rule.reaction.do is Act.CONTINUE for rule in rules):
        return "The sequence's rule says to continue, so nothing was changed."
    return "It was paused like this already; nothing was changed."


def _by_end(paused: tuple[Change, ...]) -> dict[datetime | None, list[Change]]:
    groups: dict[datetime | None, list[Change]] = {}
    for change in paused:
        groups.setdefault(change.after.holds[-1].until, []).append(change)
    return groups


def _places(changes: tuple[Change, ...] | list[Change]) -> str:
    leads_ = {change.row.lead_id for change in changes}
    places = listed(sorted({change.row.sequence.name for change in changes}))
    return places if len(leads_) == 1 else f"{places}, for {len(leads_)} people of the company"
