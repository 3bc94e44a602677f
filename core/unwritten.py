"""Who would be enrolled though their first mail cannot be written yet: they are held for it, which is said beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session, col, select

from core import letters, merging, variants
from core.chunks import chunks
from core.enrolling import Person, Preview, accepting
from core.errors import Refused
from core.lead_file import LeadRow
from core.leads import fill
from core.lifecycle import StepKind
from core.mime import Sender
from core.models import Lead, Step
from core.template import MissingValue, render

# Neither is known before the claim, and neither is the lead's fault.
_SENDER, _LINK = Sender("somebody@example.com", "Somebody"), "https://example.com/"
NO_ROWS: Mapping[int, LeadRow] = MappingProxyType({})


def foreseen(
    session: Session, shown: Preview, rows: Mapping[int, LeadRow] = NO_ROWS, *, now: datetime
) -> Preview:
    """Give a preview with those named who will be held for what is missing; `rows`: of a file, by line."""
    first = accepting(session, shown.sequence_id).steps[0]
    if first.kind != StepKind.EMAIL:
        return shown
    held: dict[str, list[Person]] = {}
    for chunk in chunks(shown.enrolled):
        known = _known(session, chunk)
        for one in chunk:
            lead = known.get(one.lead_id)
            if lead is None or one.line in rows:  # a copy: nothing of the file is saved yet
                lead = Lead(**lead.model_dump()) if lead else Lead(email=one.email, created_at=now)
            if one.line in rows:
                fill(lead, rows[one.line])
            if fault := _fault(first, lead, shown.sequence):
                held.setdefault(fault, []).append(one)
    return replace(shown, held={fault: tuple(people) for fault, people in held.items()})


def _known(session: Session, people: Sequence[Person]) -> dict[int | None, Lead]:
    ids = [one.lead_id for one in people if one.lead_id is not None]
    return {lead.id: lead for lead in session.exec(select(Lead).where(col(Lead.id).in_(ids)))}


def _fault(step: Step, lead: Lead, sequence: str) -> str:
    """Give why one version of the step at least cannot be written to a lead, "" where each can."""
    values = merging.values_of(lead, _SENDER, sequence, _LINK)
    for version in step.variants or [{"name": None}]:
        one = variants.version(step, version["name"])
        try:
            render(merging.compiled(one.subject or letters.FOLLOWING, one.body), values)
        except MissingValue as missing:
            return f"{missing.name} is missing"
        except Refused as refused:
            return str(refused).rstrip(".")
    return ""
