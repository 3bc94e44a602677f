"""A modal that says no, and the error that says no at the fields. The forms themselves stand in bot/forms."""

from __future__ import annotations

from bot.blocks import VIEW_TITLE_CHARS, section
from bot.text import JSON, plain, unmarked
from core.errors import Refused

DATES = "dates"  # the block of a form with which the dates begin that a day would lead to


class Wrong(Refused):
    """Some fields cannot be read; `errors` has a sentence for each, by block id.

    `anew`: the form with the sentence in the place of its dates, where it shows some: of another day than it says now.
    """

    def __init__(self, errors: dict[str, str], *, anew: JSON | None = None) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = {name: unmarked(sentence) for name, sentence in errors.items()}
        self.anew = anew

    def said_in(self, view: JSON) -> JSON:
        """Give what Slack is told for a form that was submitted as this view."""
        if self.anew and any(block.get("block_id") == DATES for block in view.get("blocks", ())):
            return {"response_action": "update", "view": self.anew}
        return {"response_action": "errors", "errors": self.errors}


def refusal(sentence: str) -> JSON:
    """Give a modal that says why a form cannot be used."""
    return {
        "type": "modal",
        "title": plain("Fermata", VIEW_TITLE_CHARS),
        "close": plain("Close", VIEW_TITLE_CHARS),
        "blocks": [section(unmarked(sentence))],
    }
