"""What happened to a lead, from the journal and the deliveries, as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from core import tagging
from core.answers import TimelineEntry
from core.dates import say
from core.goals import ACTOR
from core.models import Delivery, DeliveryState, Enrollment, Journal, Lead, Sequence, Step
from core.names import names
from core.tasks import SNOOZED
from core.words import ended

# What the sender reports stands in the deliveries, with the subject; its journal lines say the same again.
# A meeting, and a task that was put off, have a line of their own beside the one that is kept for an undo.
SENDER_VERBS = (
    "send",
    "meeting",
    SNOOZED,
    tagging.PUT,
)  # a tag that comes with the start goes without saying

_DONE = {
    "pause": "paused it",
    "resume": "resumed it",
    "stop": "stopped it",
    "skip": "skipped it",
    "unskip": "unskipped it",
    "start": "started it",
    "restart": "stopped it to restart it",
    "resend step": "had the last step sent again",
    "cancel step": "cancelled the next step",
    "task done": "did the task",
    "open task": "opened a task",
    "snooze": "put the task off",
    SNOOZED: "put the task off",
    "await": "let it wait for a condition",
    "branch": "decided the condition",
    "finish": "ended it",
    "hold": "held it",
    "release": "let it go on, as a hold ended",
    "owner": "changed the owner",
    "edit lead": "changed the lead's data",
    "remind": "asked to be reminded",
    "reminded": "sent the reminder",
    "reminder done": "ticked off the reminder",
    "meeting": "answered for the meeting",
    "away": "noted an absence",
    "back": "noted the return",
    "send": "sent a step",
    "erase": "erased somebody",
    "settings": "changed the settings",
    "guard mailbox": "held a mailbox",
    "guard sequence": "paused the sequence",
    "mailbox down": "found a mailbox that cannot send",
    "mailbox up": "found a mailbox able to send again",
    "mailbox unread": "could not read a mailbox",
    "mailbox read": "could read a mailbox again",
    "lift suppression": "lifted the suppression",
    "release mailbox": "released a mailbox",
    "test mail": "had a test mail sent",
    "add token": "made a key for the API",
    "revoke token": "revoked a key of the API",
    "add hook": "added a hook",
    "hook off": "turned off a hook",
    "refused": "was refused",
    "tag": "tagged the lead",
    "untag": "took a tag off the lead",
    "note": "noted",
    "apply goal": "wrote the goal",
    "goal on": "turned on the goal",
    "goal off": "turned off the goal",
    "qualify": "marked the lead as qualified",
    "unqualify": "marked the lead as not qualified",
    "suppress": "suppressed the address",
    "lead new": "saved the lead",
    "lead changed": "changed the lead's data",
    "undo": "took an act back",
    "apply": "saved the sequence",
    "publish sequence": "published",
    "pause sequence": "paused",
    "resume sequence": "resumed",
    "archive sequence": "archived",
    "delete sequence": "deleted the draft",
    "halt": "halted all sending",
    "unhalt": "ended the halt",
    "reply": "answered it",
    "settle left": "said that it left",
    "settle again": "had it sent again",
    "settle drop": "dropped it",
    "steps changed": "moved it, as the sequence was edited",
    "new_step send": "sent the step that was added",
    "new_step leave": "left it finished, without the step that was added",
    "as planned": "confirmed that it goes on as planned",
    "collision open": "asked a colleague to let it into",
    "collision accepted": "let it into",
    "collision declined": "declined to let it into",
    "collision handed_over": "handed it over for",
    "collision expired": "closed, unanswered, the question to let it into",
    "collision withdrawn": "withdrew the question to let it into",
    "backlog spread": "spread its overdue mail",
    "backlog shift": "shifted it by how long it was overdue",
    "backlog drop": "dropped its overdue step",
}
_VISITED = {"click": "clicked", "open": "opened"}  # core/visits
_LEFT = {
    DeliveryState.SENT: "was sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.UNCERTAIN: "may or may not have left",
    DeliveryState.SENDING: "is being handed over",
    DeliveryState.SKIPPED: "was left out",
    DeliveryState.OPEN: "is open",
}


def timeline(
    session: Session, *, lead_id: int, limit: int, sequence_id: int | None = None
) -> tuple[TimelineEntry, ...]:
    """Give what happened to one lead, in one sequence or at all, the latest first."""
    entries = [
        *journal_lines(session, limit=limit, lead_id=lead_id, sequence_id=sequence_id),
        *_sent(session, lead_id, limit, sequence_id),
    ]
    return tuple(sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit])


def dated(entries: Iterable[TimelineEntry], zone: str) -> tuple[str, ...]:
    """Give the entries as lines that begin with their instant in `zone`."""
    return tuple(f"{say(entry.at, zone)}: {entry.text}" for entry in entries)


def journal_lines(
    session: Session, *, limit: int, lead_id: int | None = None, sequence_id: int | None = None
) -> list[TimelineEntry]:
    """Give the last lines of the journal, of one lead, or of all with their addresses."""
    query = (
        select(Journal, Sequence.name, Lead.email)
        .outerjoin(Sequence, col(Sequence.id) == Journal.sequence_id)
        .outerjoin(Lead, col(Lead.id) == Journal.lead_id)
        .where(col(Journal.verb).not_in(SENDER_VERBS))
        .order_by(col(Journal.id).desc())
        .limit(limit)
    )
    if lead_id is not None:
        query = query.where(Journal.lead_id == lead_id)
    if sequence_id is not None:
        query = query.where(Journal.sequence_id == sequence_id)
    lines = session.exec(query).all()
    owners = [owner for line, _, _ in lines if line.verb == "owner" for owner in (line.was, line.became)]
    called = names(session, [*owners, *(line.actor for line, _, _ in lines)])
    return [
        TimelineEntry(
            line.at,
            (f"{email}: " if email and lead_id is None else "") + _sentence(line, name, called),
        )
        for line, name, email in lines
    ]


def act_words(line: Journal, who: str) -> str:
    """Give who did what, as in "Ana paused it"."""
    return f"{who} {_DONE.get(line.verb, line.verb)}"


def _sentence(line: Journal, sequence: str | None, called: dict[str, str]) -> str:
    who, is_goal = called[line.actor], line.actor.startswith(ACTOR)
    who = f"T{who[1:]}" if is_goal else who
    if line.verb == "owner":
        was, became = (called.get(owner or "", "nobody") for owner in (line.was, line.became))
        return f"{who} changed the owner ({was} → {became})."
    if line.verb in _VISITED:
        return f"The lead {_VISITED[line.verb]} {line.reason or 'a mail'} of {sequence}."
    if line.verb == tagging.TAKEN:
        start = f" at the start of {sequence}" if sequence else ""
        return f"{who} took off the tag “{line.reason}”{start}."
    if line.verb == "edit lead":
        return f"{who} changed the {line.reason} (“{line.was}” → “{line.became}”)."
    where = f" in {sequence}" if sequence and line.enrollment_id else f" {sequence}" if sequence else ""
    change = f" ({line.was} → {line.became})" if line.was and line.became and line.was != line.became else ""
    change = change.replace("_", " ")
    is_known = is_goal and line.verb == "stop"  # its reason is its own name
    because = f": {line.reason}" if line.reason and not is_known else ""
    if line.verb == "reply":
        because = f" {line.reason}"  # to whom
    if line.verb == "away" and line.enrollment_id:
        return f"{line.reason or act_words(line, who)}; paused{where}{change}."
    return ended(f"{act_words(line, who)}{where}{change}{because}")


def _sent(session: Session, lead_id: int, limit: int, sequence_id: int | None) -> list[TimelineEntry]:
    query = (
        select(Delivery, Step.position, Step.key, Sequence.name)
        .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
        .outerjoin(Step, col(Step.id) == Delivery.step_id)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .where(Enrollment.lead_id == lead_id, col(Delivery.state).in_([state.value for state in _LEFT]))
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    if sequence_id is not None:
        query = query.where(Enrollment.sequence_id == sequence_id)
    return [_delivery(delivery, position, key, name) for delivery, position, key, name in session.exec(query)]


def _delivery(delivery: Delivery, position: int | None, key: str | None, sequence: str) -> TimelineEntry:
    at: datetime = delivery.settled_at or delivery.sending_at or delivery.created_at
    where = f"step {position + 1} of " if position is not None else f"step {key} of " if key else ""
    what = {"task": "Task", "reply": "The answer"}.get(delivery.kind, "Mail")
    subject = f" “{delivery.subject}”" if delivery.subject else ""
    state = DeliveryState(delivery.state)
    said = "was done" if delivery.kind == "task" and state is DeliveryState.SENT else _LEFT[state]
    because = f": {delivery.reason}" if delivery.reason else ""
    return TimelineEntry(at, ended(f"{what}{subject} ({where}{sequence}) {said}{because}"))
