"""`fermata stats` and `fermata log`: what the commands of the same name say in Slack, or all their lines as a CSV file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from core import exports, grammar
from core.grammar import commands as orders
from core.grammar import to_text
from core.people import Actor
from core.words import counted
from fermata import wiring
from fermata.mailboxes import line

File = Annotated[
    Path | None, typer.Option("--csv", help="Write every line to this file; - is standard output.")
]
Since = Annotated[str, typer.Option(help='From when on, such as "June 1" or "4 weeks ago".')]
Sequence = Annotated[str, typer.Option("--in", help="Of one sequence.")]


def register(app: typer.Typer, *, actor: Callable[[], Actor], say: Callable[[str], None]) -> None:
    """Add both commands; `say` answers as `fermata say` does."""

    def run(order: Any, csv: Path | None) -> None:
        asked: Any = grammar.parse(to_text(order))  # refuses what is no part, no date and no state
        if csv is None:
            say(to_text(asked))
            return
        with wiring.opened() as db, _opened(csv) as out:
            count = exports.write(db, replace(asked, csv=True), out, actor=actor(), now=wiring.now())
        if csv != Path("-"):
            line(str(csv), counted(count, "line"))

    @app.command()
    def stats(
        sequence: Annotated[str, typer.Argument(help="Its name; none: all of them.")] = "",
        by: Annotated[str, typer.Option(help="step, sender, channel, week, variant or sequence.")] = "",
        since: Since = "",
        until: Annotated[str, typer.Option(help="Up to which day.")] = "",
        sender: Annotated[str, typer.Option(help="Of one mailbox alone.")] = "",
        csv: File = None,
    ) -> None:
        """Show the funnel of a sequence, or of all."""
        part: Any = by or None
        run(orders.Stats(sequence or None, part, since or None, until or None, sender=sender or None), csv)

    @app.command("log")
    def show_log(
        what: Annotated[
            str, typer.Argument(help="sent, failed, uncertain, skipped, held, opened or answers.")
        ] = "",
        sequence: Sequence = "",
        since: Since = "",
        csv: File = None,
    ) -> None:
        """Show what was carried out, the newest first."""
        state: Any = what or None
        run(orders.Log(None, sequence or None, state, since or None), csv)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path == Path("-"):
        yield sys.stdout
        return
    with path.open("w", newline="", encoding="utf-8") as out:
        yield out
