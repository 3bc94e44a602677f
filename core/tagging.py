"""Tags on leads, as rows: put, taken off, and put back when the act that moved them is undone.

What a sequence puts at its start is taken off again by the next one of the path (docs/sequences.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Table, delete
from sqlmodel import Session, select

from core import journal
from core.chunks import chunks
from core.db import upsert
from core.models import Journal, LeadTag, Sequence
from core.people import Actor
from core.plans import PlannedSequence, parsed

TAGS: Table = LeadTag.__table__  # type: ignore[attr-defined]
# The journal's verbs for what a start does to tags, as told apart from what people do.
PUT, TAKEN = "tag at start", "untag at start"

Pairs = list[tuple[int, str]]  # lead, tag


def put(session: Session, pairs: Iterable[tuple[int, str]]) -> Pairs:
    """Put tags on leads and give those that are new; a tag that is there already stays."""
    rows = [{"lead_id": lead_id, "tag": tag} for lead_id, tag in pairs]
    place = upsert(session, TAGS).on_conflict_do_nothing().returning(TAGS.c.lead_id, TAGS.c.tag)
    return [
        (lead_id, tag)
        for chunk in chunks(rows)
        for lead_id, tag in session.connection().execute(place, chunk)
    ]


def take(session: Session, lead_ids: Iterable[int], tags: Collection[str]) -> Pairs:
    """Take tags off leads and give those that were there."""
    gone: Pairs = []
    for chunk in chunks(lead_ids if tags else ()):
        which = delete(TAGS).where(TAGS.c.lead_id.in_(chunk), TAGS.c.tag.in_(sorted(tags)))
        found = session.connection().execute(which.returning(TAGS.c.lead_id, TAGS.c.tag))
        gone += [(lead_id, tag) for lead_id, tag in found]
    return gone


def outdated(session: Session, sequence: PlannedSequence, leaving: Collection[int]) -> set[str]:
    """Give the tags that a start in this sequence takes off: of the others of its path, and of those that are left."""
    path = (sequence.spec.path or "").casefold()
    if not path and not leaving:
        return set()
    gone = set()
    for sequence_id, text in session.exec(select(Sequence.id, Sequence.spec)):
        spec = parsed(text)
        is_before = sequence_id in leaving or (path != "" and (spec.path or "").casefold() == path)
        if spec.tag and is_before and sequence_id != sequence.id:
            gone.add(spec.tag)
    return gone - {sequence.spec.tag or ""}


def record(
    session: Session,
    verb: str,
    pairs: Pairs,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None,
    sequence_id: int | None = None,
) -> None:
    """Write a line for each tag that was put or taken."""
    lines = [
        {"at": now, "actor": actor.id, "verb": verb, "lead_id": lead_id, "reason": tag, "batch_id": batch_id,
         "sequence_id": sequence_id}
        for lead_id, tag in pairs
    ]  # fmt: skip
    if lines:
        journal.write(session, lines)


def moved_by(lines: Iterable[Journal]) -> dict[tuple[int, str], bool]:
    """Give by lead and tag what a batch, whose lines these are, did: True where it put the tag, False where it took it off."""
    return {
        (line.lead_id, line.reason): line.verb == PUT
        for line in lines
        if line.lead_id is not None and line.verb in (PUT, TAKEN)
    }


def put_back(
    session: Session,
    moved: Mapping[tuple[int, str], bool],
    lead_ids: Collection[int],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> None:
    """Undo for these leads what a batch did to their tags; nothing is told to any goal."""
    mine = {pair: is_put for pair, is_put in moved.items() if pair[0] in lead_ids}
    back = put(session, (pair for pair, is_put in mine.items() if not is_put))
    off = [
        one for (lead_id, tag), is_put in mine.items() if is_put for one in take(session, [lead_id], [tag])
    ]
    record(session, PUT, back, actor=actor, now=now, batch_id=batch_id)
    record(session, TAKEN, off, actor=actor, now=now, batch_id=batch_id)
