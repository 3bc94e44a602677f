"""The card of leads that had finished a sequence before a step was added behind its end."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import newsteps
from core.answers import Choice, NoticeCard
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import WORKSPACE_ID, Batch, Card, Workspace
from core.plans import planned
from core.sequence_file.words import say_delay
from core.words import counted

ICON = "🆕"


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give the question, or who answered it."""
    del now
    batch = session.get(Batch, card.about_id) if card.about_id else None
    found = newsteps.get(session, batch) if batch else None
    if found is None:
        return NoticeCard("These leads are no longer here.")
    if not found.ids:
        zone = session.get_one(Workspace, WORKSPACE_ID).zone
        words = newsteps.settled_words(session, found.batch_id, zone=zone)
        return NoticeCard(f"A step was added to {found.sequence}", icon=ICON, verdict=words)
    step = planned(session, [found.sequence_id])[found.sequence_id].spec.steps[found.step - 1]
    delay = f"after {say_delay(step.delay)}" if step.delay.amount else "as soon as the window allows"
    return NoticeCard(
        headline(found),
        icon=ICON,
        lines=(
            "Nothing is sent to them until somebody chooses.",
            f"Send it to them: step {found.step} leaves {delay}, counted from the answer.",
            "Leave them finished: they stay as they were, and the step is not for them.",
        ),
        choices=(
            *choices(found),
            Choice("List", to_text(orders.List(found.sequence, "paused"))),
        ),
    )


def headline(found: newsteps.Waiting) -> str:
    """Give how many wait, and for what."""
    leads = counted(len(found.ids), "lead")
    return f"{leads} had finished {found.sequence} before step {found.step} was added"


def choices(found: newsteps.Waiting) -> tuple[Choice, Choice]:
    """Give the two answers, each about all of them."""
    command, leads = f"card {newsteps.VERB} {found.batch_id}", counted(len(found.ids), "lead")
    return (
        Choice("Send it to them", f"{command} send", "primary", f"Send step {found.step} to {leads}?"),
        Choice("Leave them finished", f"{command} leave"),
    )


def asked(found: list[newsteps.Waiting]) -> tuple[tuple[str, ...], tuple[Choice, ...]]:
    """Give what a list says of them above its rows, and of a single question its answers."""
    lines = tuple(f"{headline(one)}: not scheduled until somebody chooses." for one in found)
    return lines, choices(found[0]) if len(found) == 1 else ()
