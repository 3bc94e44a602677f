"""Every row of the table of bad inputs is claimed by a test: `@pytest.mark.row(4, 12)` on a test, a class or a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# The numbers of the table. They have gaps.
SLASH = {2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20, 22}
DATES = {23, 24, 26, 27, 28, 30, 31, 32, 34, 35, 36, 38, 39, 40, 42, 43, 44, 46, 47, 48}
CARDS = {50, 51, 52, 54, 55, 56, 58, 59, 60, 62}
CSV = {63, 64, 66, 67, 68, 70, 71, 72, 74, 75, 76, 78, 79, 80, 82, 83, 84, 86}
MIME = {
    87,
    88,
    90,
    91,
    92,
    94,
    95,
    96,
    98,
    99,
    100,
    102,
    103,
    104,
    106,
    107,
    108,
    110,
    111,
    112,
    114,
    115,
    116,
    118,
}
ICS = {119, 120, 122, 123, 124, 126, 127, 128}
WEBHOOKS = {130, 131, 132, 134, 135, 136, 138, 139, 140, 142, 143, 144, 146, 147, 148, 150, 151, 152}
SLACK_HTTP = {154, 155, 156, 158, 159, 160, 162, 163, 164}
LINKS = {166, 167, 168, 170, 171, 172, 174, 175, 176, 178, 179, 180, 182}
TEMPLATES = {183, 184, 186, 187, 188, 190, 191, 192, 194, 195, 196, 198}
CONFIG = {199, 200, 202, 203, 204, 206, 207, 208, 210, 211, 212}


def rows_of(tree: ast.AST) -> Iterator[int]:
    """Give the rows named by `pytest.mark.row(…)` on functions and classes of tests, and on parameters of theirs."""
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", ()):
            yield from _numbers(mark)


def _numbers(mark: ast.AST) -> Iterator[int]:
    for node in ast.walk(mark):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
            for word in node.args:
                assert isinstance(word, ast.Constant), f"name rows as numbers: {ast.unparse(node)}"
                assert isinstance(word.value, int), f"name rows as numbers: {ast.unparse(node)}"
                yield word.value


@pytest.fixture(scope="module")
def claimed() -> set[int]:
    """The rows that some test claims to prove."""
    return {
        row
        for path in TESTS.rglob("test_*.py")
        for row in rows_of(ast.parse(path.read_text(encoding="utf-8")))
    }


@pytest.mark.parametrize(
    "rows",
    [SLASH, DATES, CARDS, CSV, TEMPLATES, CONFIG],
    ids=["slash", "dates", "cards", "csv", "templates", "config"],
)
def test_what_people_type_and_upload_is_proven(rows: set[int], claimed: set[int]) -> None:
    assert sorted(rows - claimed) == []


@pytest.mark.parametrize(
    "rows", [MIME, ICS, WEBHOOKS, SLACK_HTTP, LINKS], ids=["mime", "ics", "webhooks", "slack http", "links"]
)
def test_what_arrives_from_outside_is_proven(rows: set[int], claimed: set[int]) -> None:
    assert sorted(rows - claimed) == []


def test_no_test_claims_a_row_that_there_is_not(claimed: set[int]) -> None:
    every = SLASH | DATES | CARDS | CSV | MIME | ICS | WEBHOOKS | SLACK_HTTP | LINKS | TEMPLATES | CONFIG
    assert (len(every), min(every), max(every)) == (159, 2, 212)
    assert claimed <= every


def test_a_claim_is_found_and_its_lack_is_too() -> None:
    text = "@pytest.mark.row(4, 5)\n@other(1)\ndef test_x(): pytest.mark.row(9)\n@pytest.mark.row(6)\nclass T: pass"
    assert set(rows_of(ast.parse(text))) == {4, 5, 6}
