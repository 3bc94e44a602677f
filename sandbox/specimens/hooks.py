"""The card of a hook that other systems are told through, and what admins see of tokens and hooks."""

from __future__ import annotations

from collections.abc import Iterator

from core.answers import Answer, CardView, NoticeCard, Row
from core.views.hook import ICON

FACTS = ("`fermata hook list` shows it; it is number 3.",)


def hooks() -> Iterator[tuple[str, CardView]]:
    """Give the states of a hook's card."""
    lost = "2 events were given up; the last one because: it answered 503."
    title = "crm.northwind.example has not taken what Fermata told it."
    yield (
        "hook: events given up",
        NoticeCard(title, (lost, "Later events are still told."), ICON, facts=FACTS),
    )
    gone = "crm.northwind.example is told nothing any more: it answered 410 Gone."
    yield "hook: turned off", NoticeCard(gone, icon=ICON, facts=FACTS)


def answers() -> Iterator[tuple[str, Answer]]:
    """Give what admins are answered."""
    kept = "Keep it now: it is shown this once, and only its hash is stored."
    yield "token: made", Answer("The token crm may read and act: fmt_an-example-of-a-token", (kept,))
    yield "token: listed", Answer("1 token.", rows=(Row("crm", "read and act; never used"),))
    listed = Row("3. https://crm.northwind.example/fermata", "4 kinds of event; 0 waiting, 2 given up")
    yield "hooks: listed", Answer("1 hook.", rows=(listed,))
