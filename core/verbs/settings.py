"""The settings and rules of a sequence, changed by a form as a file would change them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core import sequences
from core.answers import Answer, Choice
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.journal import note
from core.people import Actor
from core.plans import parsed
from core.sequence_file.revising import differences, revised
from core.words import counted

FORM = "settings"


def change(
    session: Session,
    sequence_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> Answer:
    """Save changed settings; `version` is what the form showed, and a later change is never overwritten."""
    row = sequences.lock(session, sequence_id, version)
    before = parsed(row.spec)
    after = revised(before, changes)
    changed = differences(before, after)
    if not changed:
        return Answer(f"The settings of {row.name} stay as they are.")
    sequences.save(session, after, actor=actor, now=now)
    note(session, "settings", actor=actor, now=now, sequence_id=row.id, reason="; ".join(changed))
    publish = Choice("Publish", to_text(SequenceVerb("publish", row.name)), "primary")
    title = (
        f"Changed {counted(len(changed), 'setting')} of {row.name}; it is {row.status} until it is published."
    )
    return Answer(title, tuple(changed), (publish,))
