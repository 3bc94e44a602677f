"""What a search inside a form offers while somebody types: answered within Slack's three seconds, from the database alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from slack_bolt import Ack, App
from sqlmodel import Session

from bot import codec
from bot.forms.fields import LEADS, SEQUENCES, option
from bot.front import Front
from bot.rights import Need
from bot.text import JSON
from core import finding
from core.errors import Refused

log = logging.getLogger("fermata.bot")

OURS = re.compile(f"^{re.escape(codec.PREFIX)}")
OPTIONS = 100  # Slack takes no more


def register(app: App, front: Front) -> None:
    """Offer leads and sequences to whoever may see them."""

    @app.options(OURS)
    def typed(ack: Ack, body: JSON, payload: JSON) -> None:
        user = body.get("user")
        who = str(user.get("id")) if isinstance(user, dict) else ""
        name = str(payload.get("action_id")).rpartition(":")[2]
        ack(options=_offered(front, who, name, str(payload.get("value") or "")))


def _offered(front: Front, user_id: str, name: str, text: str) -> list[JSON]:
    look = _LOOKS.get(name)
    if look is None:
        return []
    try:
        front.members.admit(user_id, Need.STOPS_MAIL, now=front.clock())
    except Refused:
        return []
    with front.desk.db.read() as session:
        return look(session, text)


def lead_option(found: finding.Found) -> JSON:
    """Give a lead as an option: whom it is by name, the address below."""
    name = " · ".join(part for part in (found.name, found.company) if part)
    return option(name or found.email, str(found.id), found.email if name else "")


def _leads(session: Session, text: str) -> list[JSON]:
    return [lead_option(found) for found in finding.leads(session, text, limit=OPTIONS)]


def _sequences(session: Session, text: str) -> list[JSON]:
    found = finding.sequences(session, text, limit=OPTIONS)
    return [option(name, str(number), status) for number, name, status in found]


_LOOKS: dict[str, Callable[[Session, str], list[JSON]]] = {LEADS: _leads, SEQUENCES: _sequences}
