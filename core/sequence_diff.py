"""What publishing a changed sequence does, and to whom: two specs and a head count in, sentences out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from core.plain import shown
from core.rewritten import excerpt
from core.sequence_file.revising import differences
from core.sequence_file.spec import SequenceSpec, Step
from core.sequence_file.words import say_delay
from core.words import capital, counted

TITLE_CHARS = 60
_NUMBERED = re.compile(r"step-\d+")  # an id that a form gave, or that a file left out
CALENDAR = ("zone", "window", "holidays", "lead_zone")


@dataclass(frozen=True)
class Crowd:
    """How many leads stand before each step (its number from 0) of what was published, and how many had all of it."""

    live: Mapping[int, int] = field(default_factory=dict)
    finished: int = 0

    def at(self, position: int) -> int:
        """Give how many wait for this step."""
        return self.live.get(position, 0)

    def before(self, position: int) -> int:
        """Give how many have not come to this step yet."""
        return sum(count for at, count in self.live.items() if at < position)

    @property
    def all(self) -> int:
        """Give how many there are."""
        return sum(self.live.values()) + self.finished


@dataclass(frozen=True)
class Diff:
    """One sequence as it was published, and as it would be."""

    was: SequenceSpec
    becomes: SequenceSpec

    @cached_property
    def before(self) -> list[str]:
        """Give the ids of the steps that were published."""
        return [step.id for step in self.was.steps]

    @cached_property
    def after(self) -> list[str]:
        """Give the ids of the steps that would be."""
        return [step.id for step in self.becomes.steps]

    @property
    def is_nothing(self) -> bool:
        """Say whether both say the same."""
        return self.was == self.becomes

    @property
    def moves_dates(self) -> bool:
        """Say whether mail may leave at other times."""
        return any(getattr(self.was, name) != getattr(self.becomes, name) for name in CALENDAR)

    def position(self, position: int) -> int:
        """Give where a lead then stands: before the step it waits for, else the next that is still there.

        The steps it has had count as done.
        """
        for key in self.before[position:]:
            if key in self.after:
                return self.after.index(key)
        done = [self.after.index(key) for key in self.before[:position] if key in self.after]
        return max(done, default=-1) + 1

    def keeps_step(self, position: int) -> bool:
        """Say whether a lead then still waits for the same step."""
        to = self.position(position)
        return self.before[position : position + 1] == self.after[to : to + 1]

    def kept(self) -> Iterator[tuple[int, Step, int, Step]]:
        """Give the steps that stay, with their places before and after."""
        for place, step in enumerate(self.was.steps):
            if step.id in self.after:
                to = self.after.index(step.id)
                yield place, step, to, self.becomes.steps[to]


def sentences(diff: Diff, crowd: Crowd) -> tuple[str, ...]:
    """Give what changes and whom it affects, a sentence for each step and each setting."""
    return (*_kept(diff, crowd), *_removed(diff, crowd), *_added(diff, crowd), *_settings(diff))


def _kept(diff: Diff, crowd: Crowd) -> Iterator[str]:
    for place, was, to, becomes in diff.kept():
        step = _named(to, becomes)
        to_come = crowd.before(place) + crowd.at(place)
        if was.body_hash != becomes.body_hash:
            yield (
                f"{step} is rewritten: {_leads(to_come, 'gets', 'get')} the new one; "
                f"{_leads(crowd.all - to_come, 'is', 'are')} past it."
            )
            yield from excerpt(was, becomes)
        if was.delay != becomes.delay:
            waiting = crowd.at(place)
            keeps = f" and {'keeps its date' if waiting == 1 else 'keep their dates'}" if waiting else ""
            yield (
                f"{step} comes {_after(becomes)} instead of {_after(was)}: {_leads(waiting, 'waits', 'wait')} for it "
                f"already{keeps}; {_leads(crowd.before(place), 'comes', 'come')} to it later."
            )
    stay = [key for key in diff.before if key in diff.after]
    if stay != sorted(stay, key=diff.after.index):
        yield "The steps stand in another order: every lead stays before the step that it waits for."


def _removed(diff: Diff, crowd: Crowd) -> Iterator[str]:
    for place, key in enumerate(diff.before):
        if key in diff.after:
            continue
        to, waited = diff.position(place), crowd.at(place)
        if not waited:
            where = ""
        elif to < len(diff.after):
            where = f", and {'goes' if waited == 1 else 'go'} on with {_named(to, diff.becomes.steps[to], 'step')}"
        else:
            where = f", and {'has' if waited == 1 else 'have'} finished with that"
        yield f"{_named(place, diff.was.steps[place])} is removed: {_leads(waited, 'was', 'were')} waiting for it{where}."


def _added(diff: Diff, crowd: Crowd) -> Iterator[str]:
    held_at = diff.position(len(diff.before))
    for to, key in enumerate(diff.after):
        if key in diff.before:
            continue
        gets = sum(count for place, count in crowd.live.items() if diff.position(place) <= to)
        past = crowd.all - gets - (crowd.finished if to >= held_at else 0)
        words = f"{_named(to, diff.becomes.steps[to])} is new: {_leads(gets, 'gets', 'get')} it"
        yield f"{words}; {_leads(past, 'is', 'are')} past its place." if past else f"{words}."
    if crowd.finished and held_at < len(diff.after):
        had = _leads(crowd.finished, "had", "had")
        yield (
            f"{had} finished before {_named(held_at, diff.becomes.steps[held_at], 'step')} was added: held as "
            "“new step, not scheduled” until somebody chooses to send it or to leave them finished."
        )


def _settings(diff: Diff) -> Iterator[str]:
    for line in differences(diff.was, diff.becomes):
        yield f"{capital(line)}."
    if diff.moves_dates:
        yield "The dates of all waiting leads are reckoned anew with these hours."


def _named(place: int, step: Step, word: str = "Step") -> str:
    """Give the step by its number and its id; where nobody chose that, by how it begins."""
    if not _NUMBERED.fullmatch(step.id):
        return f"{word} {place + 1} ({step.id})"
    texts = getattr(step, "variants", None) or [step]
    found = (getattr(texts[0], name, "") for name in ("subject", "title", "body"))
    begins = next((line for text in found for line in text.strip().splitlines()), "")
    return f"{word} {place + 1} “{shown(begins, longest=TITLE_CHARS)}”" if begins else f"{word} {place + 1}"


def _after(step: Step) -> str:
    return f"after {say_delay(step.delay)}" if step.delay.amount else "at once"


def _leads(count: int, one: str, many: str) -> str:
    return f"{counted(count, 'lead') if count else 'nobody'} {one if count < 2 else many}"
