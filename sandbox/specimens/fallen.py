"""Cards whose channel takes none: what a person gets instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import cards
from bot.delivery import misplaced
from core.answers import NoticeCard
from sandbox.specimens.notices import notices

CHANNEL = "C0OUTBOUND"


def fallen() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give a card that fell to a person, and the notice that counts those that wait."""
    asking = dict(notices())["meeting: how did it go?"]
    yield "in a direct message instead of its channel", misplaced(cards.card(asking), CHANNEL)
    waits = NoticeCard(
        "14 more cards wait for a channel that takes none",
        ("They are tried again every hour, and at most 20 an hour are sent to you instead.",),
        icon="📭",
    )
    yield "more than twenty within an hour", misplaced(cards.card(waits), CHANNEL)
    done = NoticeCard("Cards that waited for a channel", icon="📭", verdict="They have been posted.")
    yield "the channel works again", misplaced(cards.card(done), CHANNEL)
