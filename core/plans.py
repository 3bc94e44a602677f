"""A sequence as the rules need it: its settings parsed once, its steps from their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from core.lifecycle import Plan, PlannedStep, Policy, StepKind
from core.models import Sequence, Step
from core.schedule import lead_calendar
from core.sequence_file import load as parse
from core.sequence_file.spec import AT_ONCE, SequenceSpec


@dataclass(frozen=True)
class PlannedSequence:
    """One sequence: its row's facts, its settings, and its steps in order."""

    id: int
    name: str
    status: str
    spec: SequenceSpec
    steps: tuple[Step, ...]
    _plans: dict[str | None, Plan] = field(default_factory=dict, compare=False, repr=False)

    def plan(self, lead_zone: str | None) -> Plan:
        """Give the plan for a lead: in the lead's own zone where the sequence says so and it is known."""
        zone = lead_zone if self.spec.lead_zone else None
        if zone not in self._plans:
            steps = tuple(
                PlannedStep(StepKind(step.kind), step.delay, getattr(step, "within", AT_ONCE))
                for step in self.spec.steps
            )
            self._plans[zone] = Plan(steps, lead_calendar(self.spec.calendar, zone), Policy(self.spec.resume))
        return self._plans[zone]


@lru_cache(maxsize=256)
def parsed(spec: str) -> SequenceSpec:
    """Give the settings written in canonical YAML; each text is read once a process."""
    return parse(spec)


# Written once: they are read for every group of mails.
_STEPS = (
    select(Step)
    .where(col(Step.sequence_id).in_(bindparam("ids", expanding=True)), col(Step.position).is_not(None))
    .order_by(col(Step.sequence_id), col(Step.position))
)
_SEQUENCES = select(Sequence).where(col(Sequence.id).in_(bindparam("ids", expanding=True)))


def planned(session: Session, sequence_ids: Iterable[int]) -> dict[int, PlannedSequence]:
    """Give sequences by id as they run, read fresh; an id that does not exist is left out.

    Edits of a sequence that was published count only once it is published again.
    """
    ids = set(sequence_ids)
    steps: dict[int, list[Step]] = {sequence_id: [] for sequence_id in ids}
    for step in session.exec(_STEPS, params={"ids": list(ids)}):
        steps[step.sequence_id].append(step)
    return {
        row.id: PlannedSequence(
            row.id, row.name, row.status, parsed(row.published_spec or row.spec), tuple(steps[row.id])
        )
        for row in session.exec(_SEQUENCES, params={"ids": list(ids)})
        if row.id is not None
    }
