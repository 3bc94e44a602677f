"""What a step is called for one lead: its subject filled in, as the lead will see it."""

from __future__ import annotations

from core import variants
from core.acts import Loaded
from core.merging import ANYBODY, first_subject, subject_of
from core.models import Lead, Step


def title_of(row: Loaded, position: int, lead: Lead) -> str:
    """Give what a step of a run is called: of an email in several versions the one that the run gets."""
    steps = row.sequence.steps[: position + 1]
    gets = tuple(variants.version(step, variants.chosen(step, row.id)) for step in steps)
    return title(gets, position, lead, row.sequence.name)


def title(steps: tuple[Step, ...], position: int, lead: Lead, sequence: str) -> str:
    """Give the subject, or the task's title; a threaded step has the first mail's subject with "Re: "."""
    step = steps[position]
    first = "" if step.subject else first_subject(steps[:position], lead, sequence)
    return subject_of(step, lead, ANYBODY, sequence, first)
