"""Who would be enrolled, who not and why, as groups with a reason in words: for previews, forms and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.enrolling import Person, Preview, Why
from core.words import some

Group = tuple[str, tuple[Person, ...]]  # a reason in words, and whom it concerns


def lines_of(named: Iterable[Group]) -> tuple[str, ...]:
    """Give a line for each group."""
    return tuple(f"{title}: {some([_named(one) for one in people])}." for title, people in named)


def _named(one: Person) -> str:
    return f"{one.email} ({one.why})" if one.why else one.email


def groups(shown: Preview) -> Iterable[Group]:
    """Give the leads that would not be enrolled, or would be held at once, by the reason in words."""
    yield from skipped_groups(shown)
    yield from held_groups(shown)
    yield from startling_groups(shown)
    for name, people in shown.asked.items():
        yield f"{name} works these or their company and is asked first ({len(people):,})", people


def skipped_groups(shown: Preview) -> Iterable[Group]:
    """Give the leads that are left out, by the reason."""
    titles = {
        Why.SUPPRESSED: "Suppressed, they get no mail",
        Why.THERE: f"In {shown.sequence} already",
        Why.BEFORE: f"In {shown.sequence} before, where only `start` begins a new run",
    }
    for why, people in shown.skipped.items():
        yield f"{titles[why]} ({len(people):,})", people


def held_groups(shown: Preview) -> Iterable[Group]:
    """Give the leads that would be enrolled and held at once, by what is missing."""
    for fault, people in shown.held.items():
        yield f"Enrolled, but cannot be written yet and wait: {fault} ({len(people):,})", people


def startling_groups(shown: Preview) -> Iterable[Group]:
    """Give the leads that wait though one may think that they start, and the other way round."""
    yield from away_groups(shown.away)
    yield from paused_groups(shown.elsewhere)
    yield from qualified_groups(shown.qualified)
    for name, people in shown.unasked.items():
        yield f"{name} works these or their company and is not asked ({len(people):,})", people


def away_groups(people: Sequence[Person]) -> Iterable[Group]:
    """Give the leads that are out of office, which holds them in every sequence."""
    if people:
        yield f"Enrolled, but out of office and held until back ({len(people):,})", tuple(people)


def paused_groups(people: Sequence[Person]) -> Iterable[Group]:
    """Give the leads that are paused in another sequence: those holds are not this one's, so they start here."""
    if people:
        yield f"Paused elsewhere, but {_start(people)} here all the same ({len(people):,})", tuple(people)


def qualified_groups(people: Sequence[Person]) -> Iterable[Group]:
    """Give the leads that somebody has marked as qualified, which keeps them out of nothing that begins later."""
    if people:
        yield f"Marked qualified, but {_start(people)} here all the same ({len(people):,})", tuple(people)


def _start(people: Sequence[Person]) -> str:
    return "starts" if len(people) == 1 else "start"
