"""Corrections: a named person says what a message was; the first verdict's act ends, the right one's takes its place."""

from __future__ import annotations

import contextlib
from datetime import date, datetime

from sqlalchemy import delete
from sqlmodel import Session, select

from core import cards
from core.errors import Refused
from core.inbound import Bounce, Findings, Kind, Return
from core.inbox.acting import happening, tell_goals
from core.inbox.matching import PROVEN
from core.journal import note
from core.leads import SUPPRESSIONS
from core.models import Batch, Lead, Message
from core.people import Actor
from core.reactions import Reacted, react, release
from core.verbs import undoing
from core.verbs.choosing import lock_leads

FINAL = frozenset({Kind.BOUNCE, Kind.UNSUBSCRIBE, Kind.COMPLAINT})


def correct(
    session: Session,
    row_id: int,
    kind: Kind | None,
    *,
    back_on: date | None = None,
    actor: Actor,
    now: datetime,
) -> Reacted:
    """Judge a message anew and give what was done; `kind` None: it is not about this lead at all.

    `back_on`: the first day back of an absence. Raises Refused where it is judged like that already. The lead stays
    held all the while: the new hold takes the place of the old one in the same moment.
    """
    message = session.exec(select(Message).where(Message.id == row_id).with_for_update()).first()
    if message is None:
        raise Refused("That message is no longer here.")
    is_settled = message.matched_by in PROVEN or message.corrected_at is not None
    if kind == message.kind and back_on is None and is_settled:
        raise Refused("It is judged like that already; nothing was changed.")
    lock_leads(session, [message.lead_id])
    before, was_final = message.batch_id, Kind(message.kind) in FINAL
    happened = None
    message.kind = (kind or Kind.AUTOMATIC).value
    if kind is not None:
        findings = Findings(kind, text=message.text, back=Return(back_on), bounce=Bounce(is_hard=True))
        happened = happening(session, message, findings, now=now, is_certain=True)
    if was_final and before is not None:
        _take_back(session, message, before, actor=actor, now=now)
        before = None
    if happened is not None:
        reacted = react(session, happened, now=now, replaces=before, actor=actor)
    else:
        reacted = _let_go(session, before, actor=actor, now=now)
    message.batch_id, message.outcome = reacted.batch_id, reacted.sentence
    message.corrected_by, message.corrected_at = actor.id, now
    session.add(message)
    if kind is Kind.REPLY:
        tell_goals(session, message, is_certain=True, now=now)
    cards.touch(session, lead_ids=[message.lead_id])
    return reacted


def _take_back(session: Session, message: Message, batch_id: int, *, actor: Actor, now: datetime) -> None:
    """Lift the suppression that a batch placed, and put back what it stopped, as far as nobody has acted since."""
    batch = session.get_one(Batch, batch_id)
    lead = session.get_one(Lead, message.lead_id)
    lifted = session.connection().execute(
        delete(SUPPRESSIONS).where(
            SUPPRESSIONS.c.email == lead.email,
            SUPPRESSIONS.c.at == batch.at,
            SUPPRESSIONS.c.author == batch.actor,
        )
    )
    if lifted.rowcount:
        note(session, "lift suppression", actor=actor, now=now, lead_id=lead.id, reason="corrected")
    with contextlib.suppress(Refused):  # it had stopped nothing, or somebody has acted since: that stands
        undoing.undo(session, batch_id, actor=actor, now=now, is_confirmed=True)


def _let_go(session: Session, batch_id: int | None, *, actor: Actor, now: datetime) -> Reacted:
    changes = release(session, batch_id, actor=actor, now=now, reason="corrected") if batch_id else ()
    if not changes:
        return Reacted(None, "It changes nothing for the sequences.")
    lead_ids = tuple(dict.fromkeys(change.row.lead_id for change in changes))
    return Reacted(None, "Its hold ended; the countdown goes on where it stood.", lead_ids)
