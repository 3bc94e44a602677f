"""Which ways lead through a sequence: where a step goes on, and what nobody can ever reach."""

from __future__ import annotations

from collections.abc import Iterator

from core.plain import shown
from core.sequence_file.facts import Fact
from core.sequence_file.spec import ConditionStep, JumpStep, SequenceSpec, Step, StopStep

NEXT, STOP = "next", "stop"


def target(steps: tuple[Step, ...], position: int, word: str) -> int | None:
    """Give the position that a condition's `then` or `otherwise` names; None: the sequence ends."""
    if word == STOP:
        return None
    if word == NEXT:
        return position + 1
    return next(number for number, step in enumerate(steps) if step.id == word)


def ways(steps: tuple[Step, ...], position: int) -> set[int | None]:
    """Give the positions where a lead may go on after this step; None: nowhere."""
    match steps[position]:
        case ConditionStep() as step:
            return {target(steps, position, word) for word in (step.then, step.otherwise)}
        case StopStep() | JumpStep():
            return {None}
        case _:
            return {position + 1}


def reachable(steps: tuple[Step, ...]) -> set[int]:
    """Give the positions that some lead can come to."""
    found: set[int] = set()
    new = {0}
    while new:
        found |= new
        after = {way for position in new for way in ways(steps, position) if way is not None}
        new = {way for way in after if way < len(steps)} - found
    return found


def faults(spec: SequenceSpec) -> Iterator[tuple[str, str]]:
    """Give what is wrong with the ways, as the step's id and a sentence."""
    found = reachable(spec.steps)
    for position, step in enumerate(spec.steps):
        if position not in found:
            yield step.id, "Nobody can reach it; let a condition before it lead here, or take it out."
        match step:
            case ConditionStep(when=when) if when.fact is Fact.CLICKED and not spec.track.clicks:
                yield step.id, "It needs clicks to be tracked; add `track: {clicks: true}`."
            case ConditionStep(when=when) if when.fact is Fact.OPENED and not spec.track.opens:
                yield step.id, "It needs opens to be tracked; add `track: {opens: true}`."
            case JumpStep(to=to) if to.casefold() == spec.name.casefold():
                yield step.id, "It jumps to its own sequence; name another one, or take it out."


def say_way(steps: tuple[Step, ...], position: int, word: str) -> str:
    """Give where a way leads: "step 4 (offer)", "the end"."""
    to = target(steps, position, word)
    if to is None or to >= len(steps):
        return "the end"
    return f"step {to + 1} ({shown(steps[to].id)})"
