"""One event of SendGrid's event webhook. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.hooks.reports import Fate, Reported, email, message_id, status, words
from core.hooks.words import identity, word

FATES = {
    "bounce": Fate.BOUNCE,
    "dropped": Fate.BOUNCE,
    "spamreport": Fate.COMPLAINT,
    "unsubscribe": Fate.UNSUBSCRIBE,
    "group_unsubscribe": Fate.UNSUBSCRIBE,
    "processed": Fate.LEFT,
    "deferred": Fate.LEFT,
    "delivered": Fate.LEFT,
    "click": Fate.CLICK,
    "open": Fate.OPEN,
}
# Why SendGrid hands nothing over: what it remembers of the address. Other reasons are about the mail.
DROPPED = {
    "unsubscribed address": Fate.UNSUBSCRIBE,
    "spam reporting address": Fate.COMPLAINT,
}
GONE = frozenset({"bounced address", "invalid"})


def read(body: Mapping[str, Any]) -> list[Reported]:
    """Give what it says; nothing for kinds that we do not act on. Raises Refused for one without its id."""
    event, reason = word(body, "event"), word(body, "reason").lower()
    fate = FATES.get(event)
    if fate is None:
        return []
    is_dropped = event == "dropped"
    return [
        Reported(
            f"sendgrid:{identity(body, 'sg_event_id')}",
            DROPPED.get(reason, fate) if is_dropped else fate,
            message_id(body.get("smtp-id")),
            email(body.get("email")),
            words(body.get("reason"), body.get("response")),
            status(body, "status"),
            is_final=reason in GONE if is_dropped else word(body, "type") != "blocked",
            agent=words(body.get("useragent")),
            is_program=body.get("sg_machine_open") is True,
            url=word(body, "url"),
        )
    ]
