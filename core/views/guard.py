"""The card of a mailbox or a sequence that the guard holds: what came back, and how it goes on."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import guarding
from core.answers import Choice, NoticeCard
from core.dates import say
from core.guarding import Guarded
from core.models import WORKSPACE_ID, Card, Mailbox, Sequence, SequenceStatus, Workspace
from core.names import name_of
from core.people import SYSTEM

PRESSED = "guard"  # the word of the buttons: `card guard 12 release`
SHOWN = 10
SAID_CHARS = 160
ICON = "🛡️"
WHAT_TO_DO = (
    "Whoever goes on like this is soon taken for spam by everybody. Stop what such addresses come from, then let it "
    "go on: only what leaves from then on counts."
)
GONE = "This card's mailbox or sequence is no longer here."


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give why it is held, or who let it go on."""
    del now
    if card.kind == Guarded.MAILBOX:
        return _mailbox(session, card)
    return _sequence(session, card)


def _mailbox(session: Session, card: Card) -> NoticeCard:
    mailbox = session.get(Mailbox, card.about_id) if card.about_id else None
    if mailbox is None:
        return NoticeCard(GONE)
    if not is_held(mailbox, card):
        return NoticeCard(f"{mailbox.address} was held", icon=ICON, verdict=_released(session, mailbox, card))
    why = guarding.because(
        session, Guarded.MAILBOX, mailbox.id or 0, now=card.created_at
    )  # more may have come back
    return _held(
        session,
        card,
        f"{mailbox.address} is held: {why or mailbox.guarded_because}",
        "Nothing leaves it, no answer of yours either.",
        Choice(
            "Release",
            f"card {PRESSED} {card.id} release",
            "primary",
            confirm=f"Mail of {mailbox.address} leaves again, within its windows and caps.",
        ),
    )


def _sequence(session: Session, card: Card) -> NoticeCard:
    row = session.get(Sequence, card.about_id) if card.about_id else None
    if row is None or row.id is None:
        return NoticeCard(GONE)
    if not is_stopped(row, card):
        who = name_of(session, row.changed_by)
        verdict = f"It is {row.status} since {say(row.changed_at, _zone(session))}, by {who}."
        return NoticeCard(f"{row.name} was paused", icon=ICON, verdict=verdict)
    why = guarding.because(session, Guarded.SEQUENCE, row.id, now=card.created_at)
    return _held(
        session,
        card,
        f"{row.name} is paused: {why or 'too much of it came back'}",
        "Nothing of it leaves, and every lead keeps its place.",
        Choice(
            "Resume sequence",
            f"card {PRESSED} {card.id} release",
            "primary",
            confirm=f"Mail of {row.name[:100]} leaves again, within its windows and caps.",
        ),
    )


def is_held(mailbox: Mailbox, card: Card) -> bool:
    """Say whether it is still held as this card says."""
    return mailbox.guarded_at == card.created_at


def is_stopped(row: Sequence, card: Card) -> bool:
    """Say whether it is still paused as this card says: nobody has touched it since."""
    is_untouched = row.changed_by == SYSTEM.id and row.changed_at == card.created_at
    return row.status == SequenceStatus.PAUSED and is_untouched


def _held(session: Session, card: Card, title: str, effect: str, choice: Choice) -> NoticeCard:
    what = Guarded(card.kind)
    found = guarding.offenders(session, what, card.about_id or 0, now=card.created_at)
    lines = [f"{one.email}: {' '.join(one.said.split())[:SAID_CHARS]}" for one in found[:SHOWN]]
    if (more := len(found) - SHOWN) > 0:
        lines.append(f"and {more:,} more")
    return NoticeCard(
        title, tuple(lines), ICON, facts=(effect, WHAT_TO_DO), choices=(choice,), is_for_admins=True
    )


def _released(session: Session, mailbox: Mailbox, card: Card) -> str:
    newest = guarding.newest_card(session, Guarded.MAILBOX, card.about_id or 0)
    if mailbox.released_at is None or newest is None or newest.id != card.id:
        return "It was released, and has been held again since."
    who = name_of(session, mailbox.released_by or SYSTEM.id)
    return f"{who} released it on {say(mailbox.released_at, _zone(session))}; what leaves from then on counts anew."


def _zone(session: Session) -> str:
    return session.get_one(Workspace, WORKSPACE_ID).zone
