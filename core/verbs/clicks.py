"""Buttons on a card: one verb on one enrollment, as the card showed it (DESIGN G5).

A card that is out of date never acts, but for pause and stop, which are the safe direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from core import cards
from core.answers import Answer
from core.dates import When
from core.erasing import is_erased
from core.errors import Refused
from core.lifecycle import RUNNING
from core.models import Enrollment, Journal
from core.names import name_of
from core.people import Actor
from core.verbs import leads, runs, steps, tasks
from core.verbs.choosing import by_ids, lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import Read, meant, zone_of
from core.views.timeline import act_words
from core.words import clock

ACT_WHEN_STALE = frozenset({"pause", "stop"})
GONE = "This lead is no longer here."

_SIMPLE: dict[str, Callable[..., Outcome]] = {
    "skip": runs.skip_these,
    "unskip": runs.unskip_these,
    "cancel": steps.cancel,
    "resend": steps.resend,
    "task_skip": tasks.skip,
    "task_tomorrow": tasks.tomorrow,
    "task_week": tasks.next_week,
}


def click(
    session: Session,
    verb: str,
    *,
    enrollment_id: int,
    version: int,
    actor: Actor,
    now: datetime,
    when: When | None = None,
    policy: str | None = None,
    reason: str = "",
) -> Outcome:
    """Do what a button says, or say who was faster. Its card is redrawn in place, so no other is asked for."""
    lead_id = session.exec(select(Enrollment.lead_id).where(Enrollment.id == enrollment_id)).first()
    if lead_id is None or not (held := lock_leads(session, [lead_id])) or is_erased(held[0]):
        raise Refused(GONE)
    query = select(Enrollment.version).where(Enrollment.id == enrollment_id)
    if session.exec(query).one() != version and verb not in ACT_WHEN_STALE:
        cards.touch(session, lead_ids=[lead_id])
        sentence = overtaken(session, enrollment_id, version, actor=actor, now=now)
        return Outcome(Answer(sentence, is_refusal=True))
    on = meant(session, when, actor=actor) if when and verb != "task_snooze" else None
    if verb == "task_snooze" and when:
        outcome = tasks.snooze(session, [enrollment_id], when, actor=actor, now=now)
        return replace(outcome, answer=replace(outcome.answer, card_leads=()))
    outcome = _act(session, verb, enrollment_id, actor=actor, now=now, on=on, policy=policy, reason=reason)
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))


def _act(
    session: Session,
    verb: str,
    enrollment_id: int,
    *,
    actor: Actor,
    now: datetime,
    on: Read | None,
    policy: str | None,
    reason: str,
) -> Outcome:
    ids = [enrollment_id]
    named = policy if policy in {"keep", "freeze", "now"} else None
    match verb:
        case "pause":
            fresh = [p for p in by_ids(session, ids) if p.status in RUNNING and not p.is_running]
            if fresh:
                raise leads.skip_instead(fresh)
            return leads.pause_these(session, ids, actor=actor, now=now, until=on, because=reason, then=named)
        case "resume":
            return leads.resume_these(session, ids, actor=actor, now=now, policy=named, on=on)
        case "stop":
            return leads.stop_these(session, ids, actor=actor, now=now, because=reason)
        case "start" | "restart":
            row = session.get_one(Enrollment, enrollment_id)
            is_restart = verb == "restart"
            return runs.start_these(
                session, [row.lead_id], row.sequence_id, actor=actor, now=now, is_restart=is_restart
            )
        case "task_done":
            return tasks.done(session, ids, actor=actor, now=now, note=reason)
        case _ if verb in _SIMPLE:
            return _SIMPLE[verb](session, ids, actor=actor, now=now)
    raise Refused(
        "This button is from another version of Fermata. Type `/sequence status` and the lead for a fresh card."
    )


def overtaken(session: Session, enrollment_id: int, version: int, *, actor: Actor, now: datetime) -> str:
    """Give who changed it since the version that was shown."""
    line = session.exec(
        select(Journal)
        .where(Journal.enrollment_id == enrollment_id, col(Journal.version) > version)
        .order_by(col(Journal.id).desc())
    ).first()
    if line is None:
        return "This changed in the meantime; the card is up to date now."
    zone, _ = zone_of(session, actor)
    act = "handed a step over" if line.verb == "send" else None
    who = name_of(session, line.actor)
    done = f"{who} {act}" if act else act_words(line, who)
    return f"{done} at {clock(line.at, zone, now)}; the card is up to date now."
