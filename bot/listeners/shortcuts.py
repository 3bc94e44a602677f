"""Shortcuts: a lead is paused from Slack's own menus, without a command and without a card."""

from __future__ import annotations

from datetime import datetime

from slack_bolt import Ack, App
from sqlmodel import col, select

from bot import codec, request
from bot.addresses import addresses_in
from bot.codec import Form
from bot.front import Front
from bot.listeners.actions import open_form
from bot.request import Request
from bot.rights import Need
from bot.text import JSON
from core.answers import Answer
from core.models import Lead
from core.people import Actor

NOBODY = "There is no e-mail address in this message. Type /sequence pause and the lead's address instead."
MOST_REMEMBERED = 2_000  # characters of addresses


def register(app: App, front: Front) -> None:
    """Open the form in which a lead is paused."""

    @app.shortcut({"type": "shortcut", "callback_id": codec.PAUSE_A_LEAD})
    def anywhere(ack: Ack, body: JSON) -> None:
        ack()
        asked = request.of_shortcut(body)
        front.later(
            asked,
            lambda actor, now: _open(front, [], asked, actor=actor, now=now),
            need=lambda: Need.STOPS_MAIL,
        )

    @app.shortcut({"type": "message_action", "callback_id": codec.PAUSE_IN_MESSAGE})
    def on_a_message(ack: Ack, body: JSON) -> None:
        ack()
        asked, addresses = request.of_shortcut(body), addresses_in(body.get("message"))
        front.later(
            asked,
            lambda actor, now: (
                _open(front, addresses, asked, actor=actor, now=now)
                if addresses
                else Answer(NOBODY, is_refusal=True)
            ),
            need=lambda: Need.STOPS_MAIL,
        )


def _open(
    front: Front, addresses: list[str], asked: Request, *, actor: Actor, now: datetime
) -> Answer | None:
    """Open the form; of the addresses found those of leads are offered; if none is one, all, so that the form can say so."""
    with front.desk.db.read() as session:
        leads = set(session.exec(select(Lead.email).where(col(Lead.email).in_(addresses))))
    addresses = [address for address in addresses if address in leads] or addresses
    while len(" ".join(addresses)) > MOST_REMEMBERED:
        addresses.pop()
    form = Form(codec.PAUSE_LEAD, 0, 0, asked.channel, asked.response_url, " ".join(addresses))
    return open_form(front, form, asked, actor=actor, now=now)
