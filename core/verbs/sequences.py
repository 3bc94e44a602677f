"""What people do to whole sequences and to all sending: publish, pause, resume, archive; halt and unhalt."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core import cards, halts, homes, journal, sequences
from core.answers import Answer
from core.errors import Refused
from core.grammar import commands as orders
from core.handover import backlog
from core.models import (
    WORKSPACE_ID,
    Card,
    SequenceStatus,
    Workspace,
)
from core.people import Actor
from core.verbs import previews, publishing
from core.verbs.building import FORM as EDIT
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.views.why import halted_words


def change_sequence(session: Session, order: orders.SequenceVerb, *, actor: Actor, now: datetime) -> Outcome:
    """Publish, pause, resume, archive or delete a sequence; preview it, or open its form."""
    if order.verb == "preview":
        return Outcome(previews.preview(session, order.sequence, actor=actor, now=now))
    row = sequences.find(session, order.sequence)
    assert row.id is not None
    if order.verb == "edit":
        return Outcome(Answer(_how_to_edit(row.name, row.status), opens=(EDIT, row.id, row.version)))
    if order.verb == "delete":
        return publishing.ask_to_delete(session, row, actor=actor, now=now)
    return publishing.turn(session, row, order.verb, actor=actor, now=now)


def _how_to_edit(name: str, status: str) -> str:
    first = f"`pause sequence {name}`, then " if status == SequenceStatus.PUBLISHED else ""
    return (
        f"In Slack a form changes the steps and settings of {name}; everything can be edited as a file: "
        f"{first}`fermata export {name}` on the server, change the file, `fermata apply` it, and "
        f"`publish sequence {name}`. Leads go on from where they stand."
    )


def halt(session: Session, order: orders.Halt, *, actor: Actor, now: datetime) -> Outcome:
    """Stop all sending at once."""
    workspace = _workspace(session)
    zone, _ = zone_of(session, actor)
    if words := halted_words(session, workspace, zone):
        raise Refused(f"{words} Nothing was changed.")
    workspace.halted_at, workspace.halted_by, workspace.halted_because = now, actor.id, order.because
    session.add(workspace)
    journal.note(session, halts.HALT, actor=actor, now=now, reason=order.because or "")
    halts.tell(session, now=now)
    _touch_all(session)
    line = "Every countdown runs on, but no mail leaves before `unhalt`."
    return Outcome(Answer("All sending is halted.", (line,)), begun(session, None))


def unhalt(session: Session, order: orders.Unhalt, *, actor: Actor, now: datetime) -> Outcome:
    """Let sending go on after a halt."""
    del order
    workspace = _workspace(session)
    if workspace.halted_at is None:
        raise Refused("Sending is not halted; nothing was changed.")
    workspace.halted_at = workspace.halted_by = workspace.halted_because = None
    session.add(workspace)
    due = backlog.due_words(session, now=now)
    journal.note(session, halts.UNHALT, actor=actor, now=now, reason=f"due then: {due}")
    halts.tell(session, now=now)
    _touch_all(session)
    return Outcome(
        Answer("Sending goes on: what is due leaves within its windows and caps.", (f"Due now: {due}.",))
    )


def _workspace(session: Session) -> Workspace:
    query = select(Workspace).where(Workspace.id == WORKSPACE_ID).with_for_update(key_share=True)
    return session.exec(query.execution_options(populate_existing=True)).one()


def _touch_all(session: Session) -> None:
    homes.touch_all(session)
    shown = session.exec(select(Card.lead_id).where(col(Card.lead_id).is_not(None)))
    cards.touch(session, lead_ids=[lead_id for lead_id in shown if lead_id is not None])
    cards.touch_all_digests(session)
