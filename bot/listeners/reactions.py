"""⏸ put on a card as a reaction pauses whom the card is about. Taking it away resumes nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from slack_bolt import App
from sqlmodel import Session, col, select

from bot import rights
from bot.front import Front
from bot.request import of_reaction
from bot.text import JSON
from core import commands
from core.answers import Answer
from core.grammar import to_text
from core.grammar.commands import EVERYWHERE, Pause, Who
from core.models import Card, Delivery, Enrollment, Lead, Sequence
from core.people import Actor

# Slack's own name of ⏸, and how other emoji sets call it.
PAUSES = frozenset({"double_vertical_bar", "pause_button"})
NO_WAY_BACK = (
    "Taking the reaction away resumes nobody; the button on the card does, or /sequence resume {lead}."
)


def register(app: App, front: Front) -> None:
    """Listen to reactions; those of other kinds, and on messages that are no lead's card, mean nothing to us."""

    @app.event("reaction_added")
    def reacted(body: JSON, event: JSON) -> None:
        item = event.get("item")
        if event.get("reaction") not in PAUSES or not isinstance(item, dict):
            return
        with front.desk.db.read() as session:
            order = pause_of(session, str(item.get("channel")), str(item.get("ts")))
        if order is None:
            return
        text = to_text(order)
        front.later(
            of_reaction(body),
            lambda actor, now: _pause(front, order, text, actor=actor, now=now),
            need=lambda: rights.of_command(text),
        )


def pause_of(session: Session, channel: str, ts: str) -> Pause | None:
    """Give the command that pauses whom a card is about, in the one sequence of which it speaks or in all.

    None: the message is no card, or about no lead.
    """
    card = session.exec(select(Card).where(Card.channel == channel, Card.ts == ts)).first()
    lead = session.get(Lead, card.lead_id) if card and card.lead_id else None
    if card is None or lead is None:
        return None
    of_run = (
        select(Sequence.name)
        .join(Enrollment, col(Enrollment.sequence_id) == col(Sequence.id))
        .join(Delivery, col(Delivery.enrollment_id) == col(Enrollment.id))
        .where(Delivery.id == card.delivery_id)
    )
    sequence = session.exec(of_run).first() if card.delivery_id else None
    return Pause(Who(addresses=(lead.email,)), sequence or EVERYWHERE)


def _pause(front: Front, order: Pause, text: str, *, actor: Actor, now: datetime) -> Answer:
    said = commands.run(front.desk, text, actor=actor, now=now)
    if said.is_refusal:
        return said
    return replace(said, lines=(*said.lines, NO_WAY_BACK.format(lead=order.who.addresses[0])))
