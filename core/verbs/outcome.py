"""What a verb gives back: an answer, the hand-overs to wait for, or a question instead of an act."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.answers import Answer, Choice
from core.errors import Refused
from core.verbs.handovers import Begun


@dataclass(frozen=True)
class Outcome:
    """The answer, and the hand-overs that had begun before the act; they are named once they are settled."""

    answer: Answer
    begun: tuple[Begun, ...] = ()


class Instead(Refused):
    """Nothing was done: the answer asks, or offers something else, with buttons."""

    def __init__(self, title: str, *choices: Choice, lines: tuple[str, ...] = (), channel: str = "") -> None:
        """Say it in one sentence; the buttons say what could be done instead. `channel`: the one that it names, as in Answer."""
        super().__init__(title)
        self.answer = Answer(title, lines=lines, choices=choices, is_refusal=True, channel=channel)

    def as_question(self) -> Instead:
        """Give the same as a question, which refuses nothing."""
        self.answer = replace(self.answer, is_refusal=False)
        return self
