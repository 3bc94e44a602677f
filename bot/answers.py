"""An answer to a command or a click as a Slack message. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import codec
from bot.blocks import (
    BUTTONS_IN_ROW,
    actions,
    button,
    columns,
    confirmation,
    context,
    fitting,
    message,
    rich,
    section,
)
from bot.text import JSON, sentence, words
from core.answers import Answer, Choice, Row

LINES_SHOWN = 60  # the whole of `help`
CHOICES_SHOWN = 20
ROWS_SHOWN = 15
TITLE_CHARS = 1_000
LINE_CHARS = 500


def answer(shown: Answer) -> JSON:
    """Give the message; what is too long for Slack is cut, and the cut is said."""
    sizes = ((LINES_SHOWN, ROWS_SHOWN), (20, 10), (8, 5), (3, 2))
    return message(shown.as_text(), fitting(_blocks(shown, lines, rows) for lines, rows in sizes))


def _blocks(shown: Answer, lines: int, rows: int) -> list[JSON]:
    sign = [words("⚠️ ")] if shown.is_refusal else []
    blocks = [rich([*sign, *sentence(shown.title, TITLE_CHARS, channel=shown.channel, bold=True)])]
    if shown.lines:
        blocks.append(
            rich(*(sentence(line, LINE_CHARS, channel=shown.channel) for line in shown.lines[:lines]))
        )
    blocks += [*columns(shown.table, rows * 3), *_rows(shown.rows[:rows])]
    unseen = max(len(shown.lines) - lines, 0) + max(len(shown.rows) - rows, 0)
    if unseen:
        blocks.append(
            context(f"{unseen} more lines are not shown; ask for less, for example with `in SEQUENCE`.")
        )
    pressed = [*shown.choices[:CHOICES_SHOWN], *([shown.more] if shown.more else [])]
    return blocks + actions(*choice_buttons(pressed, "choice"), *_undo(shown))


def _undo(shown: Answer) -> Iterator[JSON | None]:
    if shown.batch_id is not None and not shown.is_refusal:
        yield button("↩️ Undo", codec.Undo(shown.batch_id), "undo")


def _rows(rows: Sequence[Row]) -> Iterator[JSON]:
    """Give rows: one list where nothing can be pressed, else each with its buttons."""
    if rows and not any(row.choices or row.verdict for row in rows):
        yield rich(bullets=[_row(row) for row in rows])
        return
    for number, row in enumerate(rows):
        if row.verdict:
            yield rich(
                [words("✅ "), words(row.title, 200, strike=True), *sentence(f"  {row.verdict}", LINE_CHARS)]
            )
            continue
        pressed = list(choice_buttons(row.choices[:BUTTONS_IN_ROW], f"row:{number}"))
        if len(pressed) == 1 and pressed[0]:
            yield section(f"{row.title}  ·  {row.detail}") | {"accessory": pressed[0]}
        else:
            yield rich(_row(row))
            yield from actions(*pressed)


def _row(row: Row) -> list[JSON]:
    return [words(row.title, 200, bold=True), *sentence(f"  {row.detail}", LINE_CHARS)]


def choice_buttons(choices: Sequence[Choice], name: str) -> Iterator[JSON | None]:
    """Give a button for each choice; `name` tells them apart from others of the same row."""
    for number, choice in enumerate(choices):
        yield button(
            choice.label,
            choice_intent(choice),
            f"{name}:{number}",
            style=choice.style,
            confirm=_asked(choice),
        )


def _asked(choice: Choice) -> JSON | None:
    """Give the dialog before a choice acts: its title and its button say by a verb what will be done."""
    if not choice.confirm:
        return None
    verb = choice.verb or choice.label
    return confirmation(f"{verb}?", choice.confirm, verb, is_danger=choice.style == "danger")


def choice_intent(choice: Choice) -> codec.Intent:
    """Give what pressing a choice means."""
    if choice.form:
        return codec.OpenForm(*choice.form)
    return codec.Confirm(choice.proposal) if choice.proposal else codec.Say(choice.command)
