"""One event of Mailgun's webhooks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.hooks.reports import Fate, Reported, email, message_id, status, words
from core.hooks.words import part, word

FATES = {
    "failed": Fate.BOUNCE,
    "rejected": Fate.BOUNCE,
    "complained": Fate.COMPLAINT,
    "unsubscribed": Fate.UNSUBSCRIBE,
    "accepted": Fate.LEFT,
    "delivered": Fate.LEFT,
    "clicked": Fate.CLICK,
    "opened": Fate.OPEN,
}
# Why Mailgun hands nothing over: what it remembers of the address.
SUPPRESSED = {"suppress-unsubscribe": Fate.UNSUBSCRIBE, "suppress-complaint": Fate.COMPLAINT}


def read(body: Mapping[str, Any], key: str) -> list[Reported]:
    """Give what it says; nothing for kinds that we do not act on. `key`: the token that was signed."""
    found = part(body, "event-data")
    event, fate = word(found, "event"), FATES.get(word(found, "event"))
    if fate is None:
        return []
    if event == "failed" and word(found, "severity") != "permanent":
        fate = Fate.LEFT  # Mailgun goes on trying
    told, client = part(found, "delivery-status"), part(found, "client-info")
    return [
        Reported(
            f"mailgun:{key}",
            SUPPRESSED.get(word(found, "reason"), fate) if fate is Fate.BOUNCE else fate,
            message_id(part(part(found, "message"), "headers").get("message-id")),
            email(found.get("recipient")),
            words(told.get("message"), told.get("description"), part(found, "reject").get("reason")),
            status(told, "enhanced-code"),
            is_final=event == "failed",
            agent=words(client.get("user-agent")),
            is_program=word(client, "bot") != "",
            url=word(found, "url"),
        )
    ]
