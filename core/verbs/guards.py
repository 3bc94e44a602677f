"""The button of a guard's card: `card guard 12 release`."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import guarding
from core.answers import Answer
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar.commands import SequenceVerb
from core.guarding import Guarded
from core.models import LARGEST_ID, Card, Mailbox, Sequence
from core.people import Actor
from core.verbs.outcome import Outcome
from core.verbs.sequences import change_sequence
from core.views import guard

ANSWER = "release"
NO_ANSWER = "That is no answer to this card; press its button."
SINCE = "Nothing was changed"


def press(session: Session, order: orders.Press, *, actor: Actor, now: datetime) -> Outcome:
    """Let it go on, if it is still held as the card says; else say who was first (DESIGN G5)."""
    card = session.get(Card, int(order.number)) if int(order.number) <= LARGEST_ID else None
    if order.answer != ANSWER or card is None or card.kind not in set(Guarded):
        raise Refused(NO_ANSWER)
    return _PRESSED[Guarded(card.kind)](session, card, actor, now)


def _mailbox(session: Session, card: Card, actor: Actor, now: datetime) -> Outcome:
    mailbox = session.get(Mailbox, card.about_id, with_for_update={"key_share": True})
    if mailbox is None:
        raise Refused(guard.GONE)
    if not guard.is_held(mailbox, card):
        return _late(session, card, now)
    guarding.release(session, mailbox, actor=actor, now=now)
    lines = ("What is due leaves within its windows and caps; what has long been overdue asks first.",)
    return Outcome(Answer(f"{mailbox.address} is released.", lines))


def _sequence(session: Session, card: Card, actor: Actor, now: datetime) -> Outcome:
    row = session.get(Sequence, card.about_id, with_for_update={"key_share": True})
    if row is None:
        raise Refused(guard.GONE)
    if not guard.is_stopped(row, card):
        return _late(session, card, now)
    done = change_sequence(session, SequenceVerb("resume", row.name), actor=actor, now=now)
    guarding.redraw(session, Guarded.SEQUENCE, row.id or 0)
    return done


_PRESSED = {Guarded.MAILBOX: _mailbox, Guarded.SEQUENCE: _sequence}


def _late(session: Session, card: Card, now: datetime) -> Outcome:
    """Redraw a stale card, and say what it will."""
    guarding.redraw(session, Guarded(card.kind), card.about_id or 0)
    shown = guard.card(session, card, now=now)
    return Outcome(Answer(f"{shown.title}: {shown.verdict} {SINCE}.", is_refusal=True))
