"""What a step is called for one lead: its subject filled in, as the lead will see it."""

from __future__ import annotations

from core.lifecycle import StepKind
from core.merging import ANYBODY, subject_of
from core.models import Lead, Step


def title(steps: tuple[Step, ...], position: int, lead: Lead, sequence: str) -> str:
    """Give the subject, or the task's title; a threaded step has the first mail's subject with "Re: "."""
    step = steps[position]
    earlier = (s for s in steps[:position] if s.kind == StepKind.EMAIL and s.subject)
    first = next(earlier, None)
    first_subject = subject_of(first, lead, ANYBODY, sequence) if first and not step.subject else ""
    return subject_of(step, lead, ANYBODY, sequence, first_subject)
