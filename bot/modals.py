"""A modal that says no, and the error that says no at the fields. The forms themselves stand in bot/forms."""

from __future__ import annotations

from bot.blocks import VIEW_TITLE_CHARS, section
from bot.text import JSON, plain, unmarked
from core.errors import Refused


class Wrong(Refused):
    """Some fields cannot be read; `errors` has a sentence for each, by block id."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = {name: unmarked(sentence) for name, sentence in errors.items()}


def refusal(sentence: str) -> JSON:
    """Give a modal that says why a form cannot be used."""
    return {
        "type": "modal",
        "title": plain("Fermata", VIEW_TITLE_CHARS),
        "close": plain("Close", VIEW_TITLE_CHARS),
        "blocks": [section(unmarked(sentence))],
    }
