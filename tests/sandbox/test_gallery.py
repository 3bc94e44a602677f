"""The gallery holds every kind of card, and Slack would take each piece."""

import json

import pytest

from core.answers import DigestCard, HomeView, LeadCard, NoticeCard, ReviewCard, TaskCard, UncertainCard
from core.inbound.words import Kind
from core.lifecycle import Status
from sandbox.gallery import pieces
from sandbox.specimens import digests, homes, leads, notices, reviews

VIEWS = [
    *leads.leads(),
    *leads.questions(),
    *notices.notices(),
    *reviews.reviews(),
    *digests.digests(),
    *homes.homes(),
]


@pytest.mark.parametrize("piece", pieces(), ids=lambda piece: f"{piece.group}: {piece.name}")
def test_slack_takes_each_piece(piece):
    assert piece.faults() == []


def test_names_are_told_apart():
    names = [(piece.group, piece.name) for piece in pieces()]
    assert len(set(names)) == len(names)


def test_every_kind_and_state_hangs_there():
    kinds = {DigestCard, HomeView, LeadCard, NoticeCard, ReviewCard, TaskCard, UncertainCard}
    assert {type(view) for _, view in VIEWS} == kinds
    shown = {run.status for _, view in VIEWS if isinstance(view, LeadCard) for run in view.enrollments}
    assert shown == set(Status)
    assert {name.replace(" ", "_") for name, _ in reviews.reviews()} >= {kind.value for kind in Kind}


@pytest.mark.parametrize(
    "piece", [one for one in pieces() if "break out" in one.name], ids=lambda piece: piece.group
)
def test_what_outsiders_wrote_stays_text(piece):
    drawn = json.dumps(piece.payload["blocks"])
    assert '"type": "link"' not in drawn
    assert '"type": "broadcast"' not in drawn
    for block in piece.payload["blocks"]:
        for text in [block.get("text"), *block.get("elements", [])]:
            if isinstance(text, dict) and text.get("type") == "mrkdwn":
                assert "<!channel>" not in text["text"]
                assert "<https://evil.test" not in text["text"]


def test_every_dialog_says_by_a_verb_what_it_does():
    dialogs = [one["confirm"] for piece in pieces() for one in _buttons(piece.payload) if "confirm" in one]
    asked = {(dialog["title"]["text"], dialog["confirm"]["text"]) for dialog in dialogs}
    assert {title for title, _ in asked} >= {"Stop for good?", "Count as sent?", "Spread?"}
    verbs = {
        "Archive", "Count", "Delete", "Discard", "Drop", "Hand", "Leave", "Open", "Pause", "Release", "Resume", "Send", "Shift", "Spread",
        "Start", "Stop", "Unsubscribe",
    }  # fmt: skip
    assert {word for _, yes in asked if (word := yes.split()[0]) not in verbs} == set()
    assert all(title.endswith("?") and title.split()[0].rstrip("?") in verbs for title, _ in asked)


def test_no_field_shows_a_backtick():
    errors = [sentence for piece in pieces() for sentence in piece.errors.values()]
    assert any("“resume sequence Spring outreach”" in sentence for sentence in errors)
    assert [sentence for sentence in errors if "`" in sentence] == []


def test_no_line_of_a_table_breaks_in_a_form():
    tables = [
        group["elements"][0]["text"]
        for piece in pieces()
        if piece.payload.get("type") == "modal"
        for block in piece.payload["blocks"]
        for group in block.get("elements", ())
        if group.get("type") == "rich_text_preformatted"
    ]
    assert any("Lead's time" in table for table in tables)
    assert max(len(line) for table in tables for line in table.split("\n")) <= 56


def _buttons(node):
    if isinstance(node, list):
        return [found for one in node for found in _buttons(one)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "button" else []
    return own + [found for one in node.values() for found in _buttons(one)]


def test_a_form_filled_in_wrongly_says_so_at_its_fields():
    wrong = {one.name: set(one.errors) for one in pieces() if one.errors}
    assert (
        wrong.items()
        >= {
            "pause a lead: not understood": {"lead", "when"},
            "edit lead: not understood": {"zone", "stage"},
        }.items()
    )
