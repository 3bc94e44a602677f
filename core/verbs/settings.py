"""The settings and rules of a sequence, changed by a form as a file would change them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from core import sequences
from core.answers import Answer, Choice
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.journal import note
from core.models import Sequence
from core.people import Actor
from core.plans import parsed
from core.sequence_file.revising import differences, revised
from core.words import counted

FORM = "settings"
GONE = "That sequence is no longer here."
OVERTAKEN = "Somebody has changed {name} since this form was opened, so nothing was saved; open it again."


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
    query = select(Sequence).where(Sequence.id == sequence_id).with_for_update(key_share=True)
    row = session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise Refused(GONE)
    if row.version != version:
        raise Refused(OVERTAKEN.format(name=row.name))
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
