"""docs/features.md names stories that are there, and what does each: commands that parse, labels that are on a button."""

import re

from core.grammar import parse
from tests.services import ROOT

PAGE = (ROOT / "docs/features.md").read_text("utf-8")
ROWS = [
    line.strip("|").split("|")
    for line in PAGE.splitlines()
    if re.match(r"\| (?!example|what happens \|)", line)
]
DOINGS = [row[2].strip() for row in ROWS if len(row) == 3]


def test_every_story_that_is_named_is_there():
    texts = [path.read_text("utf-8") for path in (ROOT / "tests/stories").glob("test_*.py")]
    told = set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= told


def test_every_row_names_what_does_it():
    assert ROWS
    assert len(DOINGS) == len(ROWS)
    assert all(DOINGS)


def test_every_command_that_is_named_parses():
    commands = re.findall(r"`(/sequence [^`]+)`", PAGE)
    assert commands
    for command in commands:
        parse(command)


def test_every_label_that_is_named_is_on_a_button_or_a_form():
    code = "\n".join(
        path.read_text("utf-8") for name in ("core", "bot") for path in (ROOT / name).rglob("*.py")
    )
    labels = {label for doing in DOINGS for label in re.findall(r"\*\*(.+?)\*\*", doing)}
    assert labels
    assert {label for label in labels if not re.search(rf'[" ]{re.escape(label)}"', code)} == set()
