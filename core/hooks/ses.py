"""What Amazon SES tells over SNS, as notification or as event. Pure.

SES gives a mail another Message-ID; ours stands among the original headers, which notifications must be told to include
(events always do).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from core.hooks.reports import Fate, Reported, email, message_id, named, status, words
from core.hooks.words import part, people, word

MOST_HEADERS = 200
LEFT = frozenset({"Send", "Delivery", "DeliveryDelay"})


def read(body: Mapping[str, Any], key: str) -> list[Reported]:
    """Give what one of them says; nothing for kinds that we do not act on. `key`: SNS's id of it."""
    event = word(body, "eventType") or word(body, "notificationType")
    mail, about = part(body, "mail"), part(body, event.lower())
    ident = _message_id(mail)
    if event in LEFT:
        return [Reported(f"ses:{key}", Fate.LEFT, ident)]
    match event:
        case "Bounce":
            kind = f"{word(about, 'bounceType')}: {word(about, 'bounceSubType')}"
            is_final = word(about, "bounceType") == "Permanent"
            return [
                Reported(
                    f"ses:{key} {n}",
                    Fate.BOUNCE,
                    ident,
                    email(one.get("emailAddress")),
                    words(one.get("diagnosticCode"), kind),
                    status(one, "status"),
                    is_final,
                )
                for n, one in enumerate(people(about, "bouncedRecipients"))
            ]
        case "Complaint" if word(about, "complaintFeedbackType") != "not-spam":
            return [
                Reported(f"ses:{key} {n}", Fate.COMPLAINT, ident, email(one.get("emailAddress")))
                for n, one in enumerate(people(about, "complainedRecipients"))
            ]
        case "Reject":
            return [Reported(f"ses:{key}", Fate.BOUNCE, ident, words=words(about.get("reason")))]
        case "Subscription" if part(about, "newTopicPreferences").get("unsubscribeAll") is True:
            return [Reported(f"ses:{key}", Fate.UNSUBSCRIBE, ident)]
        case "Open" | "Click":
            fate = Fate.OPEN if event == "Open" else Fate.CLICK
            agent, url = words(about.get("userAgent")), word(about, "link")
            return [Reported(f"ses:{key}", fate, ident, agent=agent, url=url)]
    return []


def _message_id(mail: Mapping[str, Any]) -> str:
    headers = mail.get("headers")
    listed = islice(headers, MOST_HEADERS) if isinstance(headers, list) else ()
    return message_id(named(listed, "message-id") or part(mail, "commonHeaders").get("messageId"))
