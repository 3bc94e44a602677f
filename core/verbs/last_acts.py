"""What somebody did last: the batch that a bare `undo` takes back, or what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, func, select

from core import halts
from core.current import REDO, UNDO
from core.errors import Refused
from core.models import WORKSPACE_ID, Batch, Journal, Sequence, SequenceStatus, Workspace
from core.people import Actor
from core.verbs.whens import zone_of
from core.views.digest_rows import LATER
from core.views.timeline import act_words
from core.words import clock

LATEST_WITHIN = timedelta(hours=24)
TRIED = 10  # older acts, before none is named
REFUSED = "refused"  # the journal's word for what somebody tried in vain
# What was done by a button, in the words of the field; what was typed is named as the command it is.
BUTTONS = {
    REDO: "the redo",
    "new_step send": "sending the new step",
    "new_step leave": "leaving them finished",
    LATER: "the move by a week",
    "task done": "a task's “done”",
    "snooze": "the putting off of a task",
    "edit lead": "the change of the lead's data",
    "reminder": "the answer to a reminder",
    "meeting": "the word on a meeting",
    "backlog spread": "spreading the backlog",
    "backlog shift": "shifting the backlog",
    "backlog drop": "dropping the backlog",
    "settle left": "the word that it left",
    "settle again": "sending it again",
    "settle drop": "the word that it is dropped",
}
# What is no batch has a command of its own that takes it back, as long as it stands so.
_WAYS_BACK = {
    ("pause sequence", SequenceStatus.PAUSED): "`resume sequence {}` lets it go on",
    ("resume sequence", SequenceStatus.PUBLISHED): "`pause sequence {}` pauses it again",
    ("publish sequence", SequenceStatus.PUBLISHED): "`pause sequence {}` pauses it",
    ("archive sequence", SequenceStatus.ARCHIVED): "`restore sequence {}` brings it back",
    (halts.HALT, True): "`unhalt` ends that",
    (halts.UNHALT, False): "`halt` stops all sending again",
}


def named(batch: Batch) -> str:
    """Give what a batch was, in words."""
    return BUTTONS.get(batch.verb, f"`{batch.verb}`")


def latest(session: Session, is_open: Callable[[Batch], bool], *, actor: Actor, now: datetime) -> Batch:
    """Give the batch of what this person did last, locked; raises Refused where that was none.

    The refusal names what takes the last act back, and the older act that `is_open` says can be undone.
    """
    query = (
        select(Batch)
        .where(
            Batch.actor == actor.id,
            col(Batch.at) >= now - LATEST_WITHIN,
            col(Batch.undone_at).is_(None),
            Batch.size > 0,
            Batch.verb != UNDO,  # which its number alone takes back: it may start mail
        )
        .order_by(col(Batch.id).desc())
        .limit(TRIED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    batches = session.exec(query).all()
    last = _last(session, batches[0] if batches else None, actor=actor, now=now)
    if batches and last is None:
        return batches[0]
    undo = _undo(session, actor=actor, now=now)
    way_back = _way_back(session, last) if last else ""
    is_before_the_undo = undo is None or (last is not None and last.at <= undo.at)
    if last is None or (not batches and not way_back and is_before_the_undo):
        raise Refused(_nothing(undo))
    zone, _ = zone_of(session, actor)
    older = next((one for one in batches if is_open(one)), None)
    ways = [way_back] if way_back else []
    if older:
        ways.append(
            f"`undo {older.id}` takes back {named(older)} of {clock(older.at, zone, now)}, which came earlier"
        )
    did = f"{act_words(last, 'you')}{_sequence(session, last)} at {clock(last.at, zone, now)}"
    raise Refused(f"{'; '.join([f'What you did last ({did}) {_fate(session, last)}', *ways])}.")


def _fate(session: Session, last: Journal) -> str:
    batch = session.get(Batch, last.batch_id) if last.batch_id else None
    return "is undone already" if batch and batch.undone_at else "cannot be undone"


def _sequence(session: Session, last: Journal) -> str:
    """Give the name of the sequence that was paused, published and the like."""
    is_whole = last.sequence_id and last.verb.endswith(" sequence")
    return f" {session.get_one(Sequence, last.sequence_id).name}" if is_whole else ""


def _way_back(session: Session, last: Journal) -> str:
    """Give the command that takes back what is no batch; "" where there is none, or none any more."""
    row = session.get(Sequence, last.sequence_id) if last.sequence_id else None
    if row is not None:
        return _WAYS_BACK.get((last.verb, SequenceStatus(row.status)), "").format(row.name)
    is_halted = session.get_one(Workspace, WORKSPACE_ID).halted_at is not None
    return _WAYS_BACK.get((last.verb, is_halted), "")


def _undo(session: Session, *, actor: Actor, now: datetime) -> Batch | None:
    """Give the last undo that still stands."""
    mine = (Batch.actor == actor.id, col(Batch.at) >= now - LATEST_WITHIN, Batch.verb == UNDO)
    query = select(Batch).where(*mine, col(Batch.undone_at).is_(None)).order_by(col(Batch.id).desc())
    return session.exec(query.limit(1)).first()


def _nothing(undo: Batch | None) -> str:
    """Say why a bare `undo` finds nothing."""
    if undo is not None:
        return f"Everything you did in the last day is undone; `undo {undo.id}` takes the last undo back."
    return "You have done nothing in the last day that could be undone."


def _last(session: Session, batch: Batch | None, *, actor: Actor, now: datetime) -> Journal | None:
    """Give what a person did last since their latest batch, or in the last day, but what they took back themselves.

    An act that can be undone would be the batch itself.
    """
    since = select(Journal).where(Journal.actor == actor.id, Journal.verb != REFUSED)
    if batch is None:
        since = since.where(Journal.at >= now - LATEST_WITHIN)
    else:
        begins = select(func.min(Journal.id)).where(Journal.batch_id == batch.id).scalar_subquery()
        since = since.where(col(Journal.id) > begins, Journal.at > batch.at)
    theirs = Batch.actor == actor.id
    gone = select(Batch.id).where(theirs, or_(col(Batch.verb) == UNDO, col(Batch.undone_by) == actor.id))
    since = since.where(or_(col(Journal.batch_id).is_(None), col(Journal.batch_id).not_in(gone)))
    return session.exec(since.order_by(col(Journal.id).desc()).limit(1)).first()
