"""How a rewritten step reads before and after: a short excerpt of what differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from core.sequence_file.revising import flat
from core.sequence_file.spec import Step
from core.words import capital, counted, short

LINES_SHOWN = 8  # of one text
LINE_CHARS = 240
SHORT_CHARS = 40  # of texts that stand side by side
CHARS_BEFORE = 60  # of what is alike, before the first difference
HIDDEN = {"id", "delay"}  # said by themselves


def excerpt(was: Step, becomes: Step) -> Iterator[str]:
    """Give the texts and settings that differ, each old and new: one line for a short one, marked lines for a long one."""
    before, after = _texts(was), _texts(becomes)
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, ""), after.get(name, "")
        if old == new:
            continue
        title = capital(name)
        if max(len(old), len(new)) <= SHORT_CHARS and "\n" not in f"{old.strip()}{new.strip()}":
            yield f"{title}: {_quoted(old.strip())} → {_quoted(new.strip())}"
            continue
        lines = list(_changed(old.splitlines(), new.splitlines()))
        yield f"{title}:"
        yield from lines[:LINES_SHOWN]
        if (more := len(lines) - LINES_SHOWN) > 0:
            yield f"… and {counted(more, 'more changed line')}."


def _texts(step: Step) -> dict[str, str]:
    data: dict[str, Any] = step.model_dump(mode="json", exclude=HIDDEN, exclude_none=True)
    for version in data.pop("variants", ()):
        data[f"version {version.pop('name')}"] = version
    return flat(data)


def _changed(old: list[str], new: list[str]) -> Iterator[str]:
    """Give the lines that were taken out and put in, in their order."""
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        taken, put = old[a:b], new[c:d]
        for number in range(min(len(taken), len(put))):
            taken[number], put[number] = _around(taken[number], put[number])
        yield from (f"− {short(line, LINE_CHARS)}" for line in taken if line.strip())
        yield from (f"+ {short(line, LINE_CHARS)}" for line in put if line.strip())


def _around(old: str, new: str) -> tuple[str, str]:
    """Give two long lines from shortly before the first difference on."""
    alike = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    start = max(alike - CHARS_BEFORE, 0)
    if max(len(old), len(new)) <= LINE_CHARS or not start:
        return old, new
    start = old.find(" ", start) + 1 or start
    return f"…{old[start:]}", f"…{new[start:]}"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "nothing"
