"""The one way in for people: text or click → verb → Answer. Slack, the command line and the tests all call this.

A refusal is an answer too; nothing a person can type or click raises. Each verb is one transaction, and what had
begun to leave is waited for after its commit, outside of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DataError
from sqlmodel import Session

from core import grammar
from core.acts import tried
from core.answers import Answer
from core.dates import When
from core.db import Database
from core.errors import Refused
from core.grammar import commands as grammar_commands
from core.journal import note
from core.lifecycle import Verdict
from core.models import LARGEST_ID, WORKSPACE_ID, Workspace
from core.people import Actor
from core.permissions import NotYours
from core.verbs import (
    absences,
    backlogs,
    building,
    clicks,
    collisions,
    digests,
    editing,
    enrols,
    erasing,
    figures,
    forecasts,
    goals,
    guards,
    homes,
    leads,
    lists,
    log,
    meetings,
    owners,
    proposals,
    publishing,
    qualify,
    reminders,
    returns,
    reviews,
    runs,
    sequences,
    shows,
    steps,
    tags,
    tasks,
    tokens,
    undoing,
    weekly,
)
from core.verbs.handovers import await_handovers
from core.verbs.outcome import Instead, Outcome
from core.verbs.whens import zone_of
from core.views import guard, home
from core.views.why import halted_words

CANCEL_PROPOSAL = re.compile(r"cancel proposal ([0-9a-f]{32})")


@dataclass(frozen=True)
class Desk:
    """What commands need; `wait_seconds` is how long an answer waits for hand-overs that had begun."""

    db: Database
    wait_seconds: float = 60


# Verbs that change something and may act on the exact rows of a proposal.
_VERBS: dict[type, Callable[..., Outcome]] = {
    grammar_commands.Pause: leads.pause,
    grammar_commands.Resume: leads.resume,
    grammar_commands.Stop: leads.stop,
    grammar_commands.Skip: runs.skip,
    grammar_commands.Unskip: runs.unskip,
    grammar_commands.Enrol: enrols.enrol,
    grammar_commands.Start: runs.start,
    grammar_commands.Restart: runs.restart,
    grammar_commands.StepVerb: steps.change_step,
    grammar_commands.Tag: tags.tag,
    grammar_commands.Note: goals.note,
    grammar_commands.Owner: owners.owner,
    grammar_commands.Erase: erasing.erase,
    grammar_commands.Remind: reminders.remind,
    grammar_commands.Away: absences.away,
    grammar_commands.Back: absences.back,
    grammar_commands.Qualify: qualify.qualify,
}
# The cards that ask, by the word that their buttons use.
_PRESSED: dict[str, Callable[..., Outcome]] = {
    "review": reviews.press,
    "backlog": backlogs.press,
    "collision": collisions.press,
    "return": returns.press,
    "meeting": meetings.press,
    "digest": digests.press,
    "paused": digests.press_row,
    home.PRESSED: homes.press_sequence,
    "reminder": reminders.press,
    "task": tasks.press,
    guard.PRESSED: guards.press,
    publishing.PRESSED: publishing.press,
    "new_step": publishing.press_new_step,
}
_WHOLE: dict[type, Callable[..., Outcome]] = {
    grammar_commands.SequenceVerb: sequences.change_sequence,
    grammar_commands.New: building.new,
    grammar_commands.GoalVerb: goals.turn,
    grammar_commands.Halt: sequences.halt,
    grammar_commands.Token: tokens.token,
    grammar_commands.Unhalt: sequences.unhalt,
    grammar_commands.Digest: weekly.any_digest,
}
_READING: dict[type, Callable[..., Answer]] = {
    grammar_commands.Show: shows.show,
    grammar_commands.Paused: lists.paused,
    grammar_commands.List: lists.leads,
    grammar_commands.Sequences: lists.sequences,
    grammar_commands.Goals: goals.listing,
    grammar_commands.Log: log.log,
    grammar_commands.Stats: figures.stats,
    grammar_commands.Forecast: forecasts.forecast,
    grammar_commands.Mailboxes: lists.mailboxes,
    grammar_commands.Hooks: tokens.hooks,
    grammar_commands.Reminders: reminders.reminders,
    grammar_commands.Tasks: tasks.tasks,
    grammar_commands.Edit: editing.opens,
}
# What has nothing to do with whether mail leaves now, or says itself that all sending is halted.
NOT_ABOUT_MAIL = frozenset({
    grammar_commands.Halt, grammar_commands.Unhalt, grammar_commands.Tag, grammar_commands.Owner,
    grammar_commands.Goals, grammar_commands.Edit, grammar_commands.Erase, grammar_commands.Remind, grammar_commands.Reminders,
})  # fmt: skip
NO_SUCH_NUMBER = "There is nothing of that number here."


def run(desk: Desk, text: str, *, actor: Actor, now: datetime) -> Answer:
    """Give the answer to a slash text."""
    if found := CANCEL_PROPOSAL.fullmatch(text.strip()):
        return _write(desk, lambda session: _cancel(session, found[1], actor, now), actor=actor, now=now)
    try:
        order: Any = grammar.parse(text)
        match order:
            case grammar_commands.Help(topic):
                return _help(topic)
            case grammar_commands.Settle(verdict, delivery):
                return settle(
                    desk, delivery_id=_number(delivery, "delivery"), verdict=verdict, actor=actor, now=now
                )
    except Refused as refused:
        return Answer(str(refused), is_refusal=True)
    if verb := _READING.get(type(order)):
        said = _read(desk, lambda session: verb(session, order, actor=actor, now=now))
    else:
        said = _write(desk, lambda session: _act(session, order, actor=actor, now=now), actor=actor, now=now)
    return said if type(order) in NOT_ABOUT_MAIL else _with_halt(desk, said, actor)


def _with_halt(desk: Desk, said: Answer, actor: Actor) -> Answer:
    """Give an answer that also says, once, that nothing leaves at all because somebody halted it."""
    with desk.db.read() as session:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        words = halted_words(session, workspace, zone_of(session, actor)[0]) if workspace.halted_at else None
    if words is None or any(words in line for line in (said.title, *said.lines)):
        return said
    return replace(said, lines=(*said.lines, words))


def _act(
    session: Session, order: Any, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    if verb := _VERBS.get(type(order)):
        return verb(session, order, actor=actor, now=now, only=only)
    if isinstance(order, grammar_commands.Undo):
        batch_id = _number(order.batch, "batch") if order.batch else None
        return undoing.undo(session, batch_id, actor=actor, now=now, is_confirmed=only is not None)
    verb = _PRESSED[order.card] if isinstance(order, grammar_commands.Press) else _WHOLE[type(order)]
    return verb(session, order, actor=actor, now=now)


def click(
    desk: Desk,
    verb: str,
    *,
    enrollment_id: int,
    version: int,
    actor: Actor,
    now: datetime,
    when: When | None = None,
    policy: str | None = None,
    reason: str = "",
) -> Answer:
    """Give the answer to a button of a card or its form; `version` is what the card showed, `when` a date given in it."""
    said = _write(
        desk,
        lambda session: clicks.click(
            session, verb, enrollment_id=enrollment_id, version=version, actor=actor, now=now, when=when, policy=policy,
            reason=reason,
        ),
        actor=actor,
        now=now,
    )  # fmt: skip
    return _with_halt(desk, said, actor)


def edit_lead(
    desk: Desk,
    lead_id: int,
    typed: Mapping[str, str],
    seen: Mapping[str, str],
    *,
    actor: Actor,
    now: datetime,
) -> Answer:
    """Give the answer to a lead's form: its fields as typed, and the marks of what it had shown."""
    return _write(
        desk, lambda session: editing.edit(session, lead_id, typed, seen, actor=actor, now=now), actor=actor, now=now
    )  # fmt: skip


def settle(desk: Desk, *, delivery_id: int, verdict: str, actor: Actor, now: datetime) -> Answer:
    """Give the answer to what a person says of an uncertain delivery: left, again or drop."""
    said = _write(
        desk,
        lambda session: steps.settle(session, delivery_id, Verdict(verdict), actor=actor, now=now),
        actor=actor,
        now=now,
    )
    return _with_halt(desk, said, actor)


def confirm(desk: Desk, proposal: str, *, actor: Actor, now: datetime) -> Answer:
    """Do what a proposal showed, on exactly what it showed; the second one to press is told who was first."""

    def act(session: Session) -> Outcome:
        stored = proposals.use(session, proposal, actor=actor, now=now)
        return _act(session, grammar.parse(stored.command), actor=actor, now=now, only=stored.enrollments)

    return _with_halt(desk, _write(desk, act, actor=actor, now=now), actor)


def carry_out(
    desk: Desk, order: Any, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Answer:
    """Give the answer to another system, which names exactly whom it means; what people are asked is refused to it."""

    def act(session: Session) -> Outcome:
        try:
            return _act(session, order, actor=actor, now=now, only=only)
        except Instead as asks:
            raise Refused(" ".join((str(asks), *asks.answer.lines))) from None

    return _with_halt(desk, _write(desk, act, actor=actor, now=now), actor)


def undo(desk: Desk, batch_id: int | None, *, actor: Actor, now: datetime) -> Answer:
    """Take one batch back; None: the actor's latest within a day."""
    said = _write(
        desk, lambda session: undoing.undo(session, batch_id, actor=actor, now=now), actor=actor, now=now
    )
    return _with_halt(desk, said, actor)


def _write(desk: Desk, act: Callable[[Session], Outcome], *, actor: Actor, now: datetime) -> Answer:
    """Run one verb in one transaction, then wait for what had begun to leave and name it."""
    try:
        outcome = tried(desk.db, act)
    except Instead as instead:
        return instead.answer
    except DataError:  # a number beyond what PostgreSQL can look for: no card of ours bears one
        return Answer(NO_SUCH_NUMBER, is_refusal=True)
    except NotYours as refused:
        with desk.db.write() as session:
            note(session, "refused", actor=actor, now=now, reason=str(refused))
        return Answer(str(refused), is_refusal=True)
    except Refused as refused:
        return Answer(str(refused), is_refusal=True)
    if not outcome.begun:
        return outcome.answer
    with desk.db.read() as session:
        zone, _ = zone_of(session, actor)
    named = await_handovers(desk.db, outcome.begun, zone=zone, now=now, wait_seconds=desk.wait_seconds)
    return replace(outcome.answer, lines=(*named, *outcome.answer.lines), has_begun=bool(named))


def _read(desk: Desk, show: Callable[[Session], Answer]) -> Answer:
    try:
        with desk.db.read() as session:
            return show(session)
    except Instead as instead:
        return instead.answer
    except Refused as refused:
        return Answer(str(refused), is_refusal=True)


def _cancel(session: Session, proposal: str, actor: Actor, now: datetime) -> Outcome:
    proposals.cancel(session, proposal, actor=actor, now=now)
    return Outcome(Answer("Cancelled; nothing was changed."))


def _help(topic: str | None) -> Answer:
    return Answer("What you can say:", tuple(grammar.help(topic).splitlines()))


def _number(text: str, what: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_ID:
        raise Refused(f"“{text}” is no number of a {what}.")
    return int(text)
