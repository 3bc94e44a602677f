"""What people answer about a meeting: it took place, nobody came, go on, or stay paused (`card meeting …`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, select

from core import cards, permissions, undoing
from core.acts import Change, Loaded, apply, load, open_batch
from core.answers import Answer
from core.errors import Refused
from core.grammar.commands import Press
from core.journal import note
from core.lifecycle import CancelStep, Event, Hold, Pause, Policy, Resume, Source, Status, Stop
from core.meetings import ANSWERED, State, live_runs, same, tell_goals, tell_systems
from core.models import LARGEST_ID, Lead, Meeting
from core.people import Actor
from core.plain import shown
from core.reactions import holding
from core.undoing import Kept
from core.verbs.acting import Performed, answered, perform, says_next
from core.verbs.choosing import lock_leads
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.views.meeting import GONE, WORDS, verdict

STEP = re.compile(r"(?:no show|resume) from step (\d{1,3})")
ANSWERS = {
    "happened": State.HAPPENED,
    "no show": State.NO_SHOW,
    "resume": State.RESUMED,
    "keep": State.KEPT,
}
# These only keep mail from leaving, so that even an old card may say them (DESIGN §4).
STOPPING = frozenset({State.HAPPENED, State.KEPT})


def press(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do what a person says of a meeting; the second to say it is told who was first."""
    from_step = STEP.fullmatch(order.answer)
    words = order.answer.partition(" from ")[0] if from_step else order.answer
    if words not in ANSWERS or order.until is not None:
        raise Refused(
            f"“{shown(order.answer)}” is no answer to a meeting's card; say happened, no show, "
            "no show from step 3, resume or keep."
        )
    meeting = _locked(session, order.number)
    state = ANSWERS[words]
    if told := _overtaken(session, meeting, state, actor=actor, now=now):
        cards.touch(session, lead_ids=[meeting.lead_id])
        return Outcome(Answer(told, is_refusal=True))
    if state not in STOPPING:
        permissions.check(session, [meeting.lead_id], actor=actor, now=now)
    batch_id = open_batch(session, "meeting", actor=actor, now=now)
    match state:
        case State.HAPPENED:
            outcome = _stop(session, meeting, batch_id, actor=actor, now=now)
        case State.KEPT:
            outcome = _keep(session, meeting, batch_id, actor=actor, now=now)
        case _:
            step = int(from_step[1]) if from_step else None
            outcome = _go_on(session, meeting, step, batch_id, actor=actor, now=now)
    _settle(session, meeting, state, actor=actor, now=now, batch_id=batch_id)
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))


def _locked(session: Session, number: str) -> Meeting:
    """Give the meeting, its lead locked first, as everything else does."""
    meeting_id = int(number) if number.isdecimal() else 0
    lead_id = None
    if 0 < meeting_id <= LARGEST_ID:
        lead_id = session.exec(select(Meeting.lead_id).where(Meeting.id == meeting_id)).first()
    if lead_id is None or not lock_leads(session, [lead_id]):
        raise Refused(GONE)
    return session.get_one(Meeting, meeting_id, populate_existing=True)


def _overtaken(session: Session, meeting: Meeting, state: State, *, actor: Actor, now: datetime) -> str:
    """Give who was first, or what became of the meeting meanwhile; "" where the answer may act."""
    if meeting.state == State.MOVED:
        return "The meeting was moved; its other card asks in time. Nothing was changed."
    if meeting.settled_by is None or (state in STOPPING and meeting.state != state):
        return ""
    zone, _ = zone_of(session, actor)
    return f"{verdict(session, meeting, zone=zone, now=now)}; nothing was changed."


def _settle(
    session: Session, meeting: Meeting, state: State, *, actor: Actor, now: datetime, batch_id: int
) -> None:
    for row in same(session, meeting):
        was = undoing.values(row, ("state", "settled_by", "asked_at"))
        row.state, row.settled_by, row.asked_at = state.value, actor.id, row.asked_at or now
        session.add(row)
        note(
            session, ANSWERED, actor=actor, now=now, lead_id=row.lead_id, batch_id=row.batch_id, reason=WORDS[state]
        )  # fmt: skip
        kept = Kept("meeting", "meeting", row.id or 0, row.lead_id, was, undoing.values(row, was))
        undoing.keep(session, kept, actor=actor, now=now, batch_id=batch_id)
    tell_goals(session, meeting, is_certain=True, now=now)
    tell_systems(session, meeting, actor=actor, now=now)
    _redraw(session, meeting.lead_id)


def put_back(session: Session, kept: Kept, *, actor: Actor, now: datetime, batch_id: int) -> list[str]:
    """Let a meeting ask again as it did, and say so; raises Refused where somebody has answered for it since."""
    permissions.check(session, [kept.lead_id], actor=actor, now=now)
    meeting = session.get_one(Meeting, kept.number)
    if not undoing.put_back(session, meeting, kept, actor=actor, now=now, batch_id=batch_id):
        raise Refused(f"The meeting “{meeting.title}” was answered or moved since; nothing was changed.")
    _redraw(session, kept.lead_id)
    return [f"The meeting “{meeting.title}” stands as it did before."]


def _redraw(session: Session, lead_id: int) -> None:
    cards.touch(session, lead_ids=[lead_id])
    cards.touch_digests(session, lead_ids=[lead_id])


def _stop(session: Session, meeting: Meeting, batch_id: int, *, actor: Actor, now: datetime) -> Outcome:
    ids = live_runs(session, meeting.lead_id)
    if not ids:
        return Outcome(
            Answer("Noted: it took place. No sequence of this lead is running.", batch_id=batch_id)
        )
    reason = "the meeting took place"
    done = perform(
        session, ids, lambda _: Stop(), verb="stop", actor=actor, now=now, reason=reason, batch_id=batch_id
    )
    ending = "Nothing more is sent. `start` would begin a new run from step 1."
    return answered(session, done, "Noted: it took place. Stopped", lambda _change, _lead: [ending])


def _keep(session: Session, meeting: Meeting, batch_id: int, *, actor: Actor, now: datetime) -> Outcome:
    """Put a person's hold without an end in the place of the meeting's."""
    ended = _batches(session, meeting)
    mine = [
        row.id
        for row in load(session, live_runs(session, meeting.lead_id))
        if row.state.status is not Status.SKIPPED
    ]
    hold = Hold(Source.PERSON, "after the meeting", actor.id, now, None, batch_id)

    def event(row: Loaded) -> Event:
        replaced = (other.id for other in row.state.holds if other.batch_id in ended)
        return Pause(hold, is_wide=True, replaces=frozenset(i for i in replaced if i is not None))

    ids = {*mine, *_held(session, meeting)}
    done = perform(session, ids, event, verb="pause", actor=actor, now=now, batch_id=batch_id)
    return answered(session, done, "Paused", lambda _change, _lead: (), suffix="until somebody resumes")


def _go_on(
    session: Session, meeting: Meeting, step: int | None, batch_id: int, *, actor: Actor, now: datetime
) -> Outcome:
    """End what the meeting holds; the run it came from goes on at `step`, None: where it stands."""
    ids = _held(session, meeting)
    left_out = _leave_out(session, meeting, ids, step, batch_id, actor=actor, now=now) if step else None
    last: dict[int, Change] = {}
    refusals: list[str] = []
    for held_by in _batches(session, meeting):

        def event(row: Loaded, held_by: int = held_by) -> Event:
            policy, at = (Policy.AT, now) if row.id == left_out else (None, None)
            return Resume(policy, at, batch_id=held_by)

        changed = apply(
            session, holding(session, held_by), event, verb="resume", actor=actor, now=now, batch_id=batch_id
        )
        last |= {change.row.id: change for change in changed.changes}
        refusals += changed.refusals
    if not last:
        noted = "Noted. Nothing was held by this meeting any more, so nothing was changed."
        return Outcome(Answer(noted, batch_id=batch_id))
    zone, _ = zone_of(session, actor)
    done = Performed(tuple(last.values()), tuple(refusals), batch_id, begun(session, last))
    return answered(session, done, "Resumed", _says(zone, now))


def _says(zone: str, now: datetime) -> Callable[[Change, Lead], Sequence[str]]:
    def says(change: Change, lead: Lead) -> list[str]:
        if change.after.status is Status.PAUSED:
            return ["The meeting's hold is over, but another one is left."]
        return [says_next(change, lead, zone=zone, now=now)]

    return says


def _leave_out(
    session: Session,
    meeting: Meeting,
    ids: Sequence[int],
    step: int,
    batch_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> int:
    """Leave out what stands before the chosen step, and give the run."""
    chosen = [i for i in ids if i == meeting.enrollment_id] or list(ids)
    if len(chosen) != 1:
        raise Refused(
            "The meeting holds no single sequence; resume, then choose the step on the lead's card."
        )
    row = next(load(session, chosen, lock=True))
    if not row.state.position < step <= len(row.sequence.steps):
        raise Refused(
            f"{row.state.label} stands at step {row.state.position + 1} of {len(row.sequence.steps)}; "
            "choose that step or a later one."
        )
    for _ in range(step - 1 - row.state.position):
        skipped = apply(
            session, chosen, lambda _: CancelStep(), verb="cancel step", actor=actor, now=now,
            reason="left out after the meeting", batch_id=batch_id,
        )  # fmt: skip
        if skipped.refusals:
            raise Refused(" ".join(skipped.refusals))
    return chosen[0]


def _batches(session: Session, meeting: Meeting) -> list[int]:
    """Give the batches that hold for this meeting, by whatever source it was told."""
    return [row.batch_id for row in same(session, meeting) if row.batch_id is not None]


def _held(session: Session, meeting: Meeting) -> list[int]:
    return sorted({i for batch_id in _batches(session, meeting) for i in holding(session, batch_id)})
