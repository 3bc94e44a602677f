"""A person says that they are away, and that they are back: `away until Friday cover @kim`, `back`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from core import absences, cards
from core.absences import Spread
from core.acts import Loaded, open_batch
from core.answers import Answer, Choice
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar.commands import EVERYWHERE, Who
from core.lifecycle import RUNNING, Event, Hold, Pause, Policy, Resume, Source, Status
from core.models import Absence, Lead, Member
from core.models import Hold as HoldRow
from core.names import SLACK_ID, name_of
from core.people import Actor
from core.reactions import holding
from core.sql import spelling
from core.verbs import proposals
from core.verbs.acting import Performed, perform
from core.verbs.choosing import LEADS_WITHOUT_ASKING, Place, by_ids, choose, lock_leads
from core.verbs.outcome import Outcome
from core.verbs.owners import person
from core.verbs.whens import exact, read, zone_of
from core.words import counted

HELD = RUNNING | {Status.PAUSED}
MINE = Who(mine=True)
NOT_IN_SLACK = "Whose leads are meant? Say it in Slack, as the person who is away."
NOT_AWAY = "You are not away; nothing was changed. For example: `away until Friday cover @kim`."


def away(
    session: Session, order: orders.Away, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Let the person's leads wait for them, or their cards go to the cover; a second time changes date or cover."""
    _lock(session, actor)
    again = lambda phrase: replace(order, until=phrase)  # noqa: E731
    until = read(session, order.until, "until", again, actor=actor, now=now)
    zone, _ = zone_of(session, actor)
    back_at = absences.returns_at(until.when)
    cover = person(session, order.cover, actor=actor) if order.cover else None
    if cover == actor.id:
        raise Refused("You cannot cover for yourself; name a colleague, or nobody.")
    known = replace(order, until=exact(until.when), cover=cover)
    words = f"until {until.words}, back on {say(back_at, zone)}"
    before = absences.current(session, actor.id)
    places = waiting = _mine(session, actor, only)
    if not cover:
        waiting = _to_hold(session, places, before, back_at)
    if only is None and _is_many(waiting):
        what = f"Let {name_of(session, cover)} look after" if cover else "Pause"
        lead_in = f"You would be away {words}."
        return proposals.propose(session, known, what, waiting, actor=actor, now=now, lead_in=lead_in)
    if only is None:
        lock_leads(session, [place.lead_id for place in waiting])
    batch_id = open_batch(session, absences.AWAY, actor=actor, now=now)
    reason = f"{actor.name} is away until {say(back_at, zone)}"
    lines: list[str] = []
    done = None
    if cover:
        done = _release(session, before, actor=actor, now=now, batch_id=batch_id)
        count = _leads(places)
        lines.append(
            f"{name_of(session, cover)} gets the cards, questions and reminders of your {counted(count, 'lead')}; "
            "they stay yours."
        )
        lines += _cover_is_away(session, cover, zone)
    elif waiting:
        spread = absences.spread(session, [place.id for place in waiting], begins=back_at)
        done = _hold(session, spread, before, reason, actor=actor, now=now, batch_id=batch_id)
        lines.append(f"Paused {_counted(done)}. {_go_on(spread, zone)}")
    else:
        lines.append("None of your leads is running, so nothing had to be paused.")
    if not cover and len(places) > len(waiting):
        lines.append("What was paused before stays paused.")
    absences.begin(session, actor.id, cover, back_at, before, actor=actor, now=now, batch_id=batch_id)
    _redraw(session, actor)
    lines = [*until.notes, *lines, *(done.refusals if done else ())]
    title = f"You are away until {until.words}, and back on {say(back_at, zone)}."
    choices = (Choice("I am back", "back"),)
    return Outcome(Answer(title, tuple(lines), choices, batch_id=batch_id), done.begun if done else ())


def _lock(session: Session, actor: Actor) -> None:
    """Lock the person: two who say it at once for one person come one after the other."""
    if not SLACK_ID.fullmatch(actor.id):
        raise Refused(NOT_IN_SLACK)
    session.exec(select(Member.id).where(Member.id == actor.id).with_for_update()).first()


def _mine(session: Session, actor: Actor, only: Sequence[int] | None) -> tuple[Place, ...]:
    """Give where the person's leads run or are paused."""
    try:
        return choose(session, MINE, EVERYWHERE, HELD, actor=actor, only=only).places
    except Refused:
        return ()


def _to_hold(
    session: Session, places: Sequence[Place], before: Absence | None, back_at: datetime
) -> tuple[Place, ...]:
    """Give those that would go on before the person is back; what is paused beyond that is left alone.

    What an earlier absence holds is among them, since this one takes its place.
    """
    of_these = col(HoldRow.enrollment_id).in_(spelling(session).these([place.id for place in places]))
    open_ = select(HoldRow.enrollment_id, HoldRow.until, HoldRow.batch_id)
    rows = session.exec(open_.where(of_these, col(HoldRow.released_at).is_(None))).all()
    earlier = before.batch_id if before else None
    replaced = {number for number, _, batch_id in rows if earlier is not None and batch_id == earlier}
    longer = {number for number, until, _ in rows if until is None or until >= back_at} - replaced
    return tuple(place for place in places if place.id not in longer)


def _leads(places: Sequence[Place]) -> int:
    return len({place.lead_id for place in places})


def _is_many(places: Sequence[Place]) -> bool:
    return _leads(places) > LEADS_WITHOUT_ASKING


def _cover_is_away(session: Session, cover: str, zone: str) -> list[str]:
    theirs = absences.current(session, cover)
    if theirs is None:
        return []
    name = name_of(session, cover)
    return [f"{name} is away until {say(theirs.until, zone)}; whoever covers for {name} gets them meanwhile."]


def _hold(
    session: Session,
    spread: Spread,
    before: Absence | None,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> Performed:
    """Put a hold on each, in the place of an earlier absence's."""
    earlier = before.batch_id if before else None

    def event(row: Loaded) -> Event:
        hold = Hold(Source.AWAY, reason, actor.id, now, spread.ends[row.id], batch_id)
        return Pause(hold, is_wide=True, replaces=_of_batch(row, earlier))

    return perform(
        session, spread.ends, event, verb=absences.AWAY, actor=actor, now=now, reason=reason, batch_id=batch_id
    )  # fmt: skip


def _of_batch(row: Loaded, batch_id: int | None) -> frozenset[int]:
    mine = (hold for hold in row.state.holds if batch_id is not None and hold.batch_id == batch_id)
    return frozenset(hold.id for hold in mine if hold.id is not None)


def _go_on(spread: Spread, zone: str) -> str:
    if len(spread.ends) == 1:
        return f"It goes on on {say(spread.first, zone)}."
    last = max(spread.ends.values())
    return f"They go on one after the other, in each lead's own open hours: the first on {say(spread.first, zone)}, the last on {say(last, zone)}."


def back(
    session: Session, order: orders.Back, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """End the person's absence; their leads go on from now, not all in the same minute."""
    _lock(session, actor)
    row = absences.current(session, actor.id)
    if row is None:
        raise Refused(NOT_AWAY)
    ids = _held_by(session, row)
    places = by_ids(session, ids)
    if only is None and _is_many(places):
        lead_in = "You are back."
        return proposals.propose(session, order, "Resume", places, actor=actor, now=now, lead_in=lead_in)
    batch_id = open_batch(session, absences.BACK, actor=actor, now=now)
    done = _release(session, row, actor=actor, now=now, batch_id=batch_id)
    absences.end(session, row, actor=actor, now=now, batch_id=batch_id)
    _redraw(session, actor)
    zone, _ = zone_of(session, actor)
    lines: list[str] = []
    if row.cover:
        lines.append(
            f"The cards of your leads come to you again, no longer to {name_of(session, row.cover)}."
        )
    if done is not None:
        lines += [_goes_on(done, zone), *done.refusals]
    return Outcome(Answer("Welcome back.", tuple(lines), batch_id=batch_id), done.begun if done else ())


def _goes_on(done: Performed, zone: str) -> str:
    awake = [change for change in done.changes if change.after.status is not Status.PAUSED]
    mine = [
        hold.until for change in done.changes for hold in change.after.holds
        if hold.source is Source.AWAY and hold.until
    ]  # fmt: skip
    parts = [f"{counted(len(awake), 'lead')} {'goes' if len(awake) == 1 else 'go'} on now"]
    if mine:
        parts.append(
            f"{len(mine):,} follow until {say(max(mine), zone)}, so that they do not leave in a burst"
        )
    if rest := len(done.changes) - len(awake) - len(mine):
        parts.append(f"{rest:,} stay paused for another reason")
    return f"{'; '.join(parts)}."


def _release(
    session: Session, row: Absence | None, *, actor: Actor, now: datetime, batch_id: int
) -> Performed | None:
    """End what an absence holds: a few at once, many from now on one after the other; None where it holds nothing."""
    if row is None or not (ids := _held_by(session, row)):
        return None
    held_by = row.batch_id
    lock_leads(session, {place.lead_id for place in by_ids(session, ids)})
    ends = absences.spread(session, ids, begins=now).ends if len(ids) > LEADS_WITHOUT_ASKING else {}
    reason = f"{name_of(session, row.person)} is back; who waited goes on one after the other"

    def event(loaded: Loaded) -> Event:
        until = ends.get(loaded.id, now)
        if until <= now:
            return Resume(Policy.FREEZE, batch_id=held_by)
        hold = Hold(Source.AWAY, reason, actor.id, now, until, batch_id, policy=Policy.FREEZE)
        return Pause(hold, is_wide=True, replaces=_of_batch(loaded, held_by))

    return perform(session, ids, event, verb=absences.BACK, actor=actor, now=now, batch_id=batch_id)


def _held_by(session: Session, row: Absence) -> list[int]:
    return holding(session, row.batch_id) if row.batch_id is not None else []


def _counted(done: Performed) -> str:
    leads = len({change.row.lead_id for change in done.changes})
    return f"{counted(leads, 'lead')} ({counted(len(done.changes), 'enrollment')})"


def _redraw(session: Session, actor: Actor) -> None:
    """Redraw the lists of the person and of whoever stands for them."""
    mine = session.exec(select(Lead.id).where(Lead.owner == actor.id).limit(1)).all()
    cards.touch_digests(session, lead_ids=[lead_id for lead_id in mine if lead_id is not None])
