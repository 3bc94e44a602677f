"""The card of a halt, and of its end: who, since when and why. It has no button: an old one must not end a newer halt."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import halts
from core.answers import NoticeCard
from core.dates import say
from core.models import WORKSPACE_ID, Card, Journal, Workspace
from core.names import name_of

GONE = "That halt is no longer here."


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - every view is told the time
    """Give what was done; of a halt that is over, who ended it."""
    line = session.get(Journal, card.about_id) if card.about_id else None
    if line is None:
        return NoticeCard(GONE)
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    did = f"{name_of(session, line.actor)} {{}} on {say(line.at, zone)}"
    if line.verb == halts.UNHALT:
        lines = (
            f"{did.format('ended the halt')}.",
            "What is due leaves again, within its windows and caps.",
            *([f"{line.reason.capitalize()}."] if line.reason else []),
        )
        return NoticeCard("Sending goes on", lines, icon="▶️")
    end = halts.end_of(session, line)
    because = f": {line.reason.rstrip('.')}." if line.reason else "."
    lasts = "Every countdown runs on, but no mail leaves before `unhalt`."
    return NoticeCard(
        "All sending was halted" if end else "All sending is halted",
        (f"{did.format('halted it')}{because}", *(() if end else (lasts,))),
        icon="⛔",
        verdict=f"{name_of(session, end.actor)} ended it on {say(end.at, zone)}." if end else None,
    )
