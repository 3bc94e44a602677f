"""The Block Kit checks: what Slack takes passes, every limit has its refusal."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.slack import check_blocks, check_message, check_view

JSON = dict[str, Any]


def plain(words: str = "x") -> JSON:
    return {"type": "plain_text", "text": words}


def option(value: str = "a", words: str = "A") -> JSON:
    return {"text": plain(words), "value": value}


def actions(*elements: JSON) -> JSON:
    return {"type": "actions", "elements": list(elements)}


def section(words: str = "x", **more: Any) -> JSON:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}, **more}


def button(action_id: str = "b", **more: Any) -> JSON:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **more}


def field(element: JSON) -> JSON:
    return {"type": "input", "label": plain("Name"), "element": element}


CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("It stops."),
    "confirm": plain("Stop"),
    "deny": plain("Back"),
}
MODAL = {"type": "modal", "title": plain("Hold"), "submit": plain("Go"), "blocks": []}
LIST = {
    "type": "rich_text_list",
    "style": "bullet",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}],
}

GOOD = [
    section(),
    {"type": "divider"},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "fields": [plain()] * 10},
    section(accessory=button(value="v" * 2000, style="danger", confirm=CONFIRM)),
    {
        "type": "context",
        "elements": [plain(), {"type": "image", "image_url": "https://x/y.png", "alt_text": "y"}],
    },
    {"type": "image", "image_url": "https://x/y.png", "alt_text": "y", "title": plain()},
    actions({"type": "overflow", "action_id": "o", "options": [option(str(i)) for i in range(5)]}),
    actions(
        {"type": "static_select", "options": [option()], "initial_option": option(), "placeholder": plain()}
    ),
    actions(
        {"type": "users_select", "initial_user": "U0ANA"},
        {"type": "datepicker", "initial_date": "2027-06-15"},
    ),
    actions(
        {"type": "timepicker", "initial_time": "09:00"}, {"type": "radio_buttons", "options": [option()]}
    ),
    actions({"type": "multi_users_select", "max_selected_items": 3}, {"type": "external_select"}),
    field({"type": "plain_text_input", "multiline": True, "max_length": 200}),
    field({"type": "checkboxes", "options": [option()], "initial_options": [option()]}),
    {"type": "rich_text", "elements": [LIST]},
]

# what is wrong → the place the sentence names
BAD = [
    (section("x" * 3001), "/blocks/0/text/text"),
    (section(""), "/blocks/0/text/text"),
    ({"type": "section"}, "/blocks/0]"),
    ({"type": "section", "fields": [plain()] * 11}, "/blocks/0/fields]"),
    ({"type": "section", "fields": [plain("x" * 2001)]}, "/fields/0/text"),
    ({"type": "header", "text": plain("x" * 151)}, "/text/text"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "*x*"}}, "/text/type"),
    (actions(), "/elements]"),
    (actions(*[button(str(i)) for i in range(26)]), "/elements]"),
    (actions(button("same"), button("same")), "already exists"),
    (actions(button("x" * 256)), "/action_id"),
    (actions(button(value="v" * 2001)), "/value"),
    (actions(button(style="green")), "/style"),
    (actions({**button(), "text": plain("x" * 76)}), "/text/text"),
    (actions({**button(), "text": {"type": "mrkdwn", "text": "x"}}), "/text/type"),
    (actions(button(confirm={**CONFIRM, "text": plain("x" * 301)})), "/confirm/text"),
    (actions(button(confirm={**CONFIRM, "deny": None})), "/confirm/deny"),
    (actions(button(colour="red")), "additional property: colour"),
    (actions({"type": "overflow", "options": [option(str(i)) for i in range(6)]}), "/options]"),
    (actions({"type": "overflow", "options": []}), "/options]"),
    (actions({"type": "static_select", "options": [option(words="x" * 76)]}), "/options/0/text/text"),
    (actions({"type": "static_select", "options": [option("v" * 151)]}), "/options/0/value"),
    (actions({"type": "static_select", "options": [option(), option()]}), "unique"),
    (
        actions({"type": "static_select", "options": [option()], "initial_option": option("z")}),
        "one of the options",
    ),
    (
        actions({"type": "static_select", "options": [option()], "placeholder": plain("x" * 151)}),
        "/placeholder",
    ),
    (actions({"type": "datepicker", "initial_date": "15.06.2027"}), "/initial_date"),
    (actions({"type": "timepicker", "initial_time": "9am"}), "/initial_time"),
    (actions({"type": "plain_text_input"}), "unsupported type"),
    (actions({"type": "radio_buttons", "options": [option(str(i)) for i in range(11)]}), "/options]"),
    (field(button()), "unsupported type"),
    (field({"type": "plain_text_input", "max_length": 4000}), "/max_length"),
    ({"type": "input", "element": {"type": "plain_text_input"}}, "/label"),
    ({"type": "context", "elements": [plain()] * 11}, "/elements]"),
    ({"type": "image", "image_url": "https://x/y.png"}, "/alt_text"),
    ({"type": "rich_text", "elements": [{"type": "section"}]}, "unsupported type"),
    ({"type": "markdown", "text": "x"}, "unsupported type"),
    ({**section(), "block_id": "x" * 256}, "/block_id"),
    ("text", "must be a block"),
]


@pytest.mark.parametrize("block", GOOD, ids=lambda b: b["type"])
def test_good_blocks_pass(block: JSON) -> None:
    surface = "modal" if block["type"] == "input" else "message"
    assert check_blocks([block], surface) == []


@pytest.mark.parametrize(("block", "place"), BAD)
def test_bad_blocks_are_named(block: Any, place: str) -> None:
    faults = check_blocks([block])
    assert any(place in sentence for sentence in faults), faults


def test_number_of_blocks() -> None:
    assert check_blocks([section()] * 50) == []
    assert check_blocks([section()] * 51)
    assert check_blocks([section()] * 100, "home") == []
    assert check_blocks([section()] * 101, "modal")


def test_block_ids_are_unique() -> None:
    assert "same" in check_blocks([{**section(), "block_id": "same"}] * 2)[0]


def test_message_needs_its_fallback_text() -> None:
    assert check_message({"text": "Paused", "blocks": [section()]}) == []
    assert check_message({"blocks": [section()]})
    assert check_message({"text": "x", "blocks": [section("x" * 2900)] * 4})[0].startswith(
        "msg_blocks_too_long"
    )


VIEWS = [
    ({**MODAL, "title": plain("x" * 25)}, "/view/title"),
    ({**MODAL, "submit": plain("x" * 25)}, "/view/submit"),
    ({**MODAL, "close": {"type": "mrkdwn", "text": "x"}}, "/view/close"),
    ({**MODAL, "private_metadata": "x" * 3001}, "/view/private_metadata"),
    ({**MODAL, "callback_id": "x" * 256}, "/view/callback_id"),
    ({**MODAL, "colour": "red"}, "additional property"),
    ({"type": "modal", "blocks": []}, "/view/title"),
    ({"type": "modal", "title": plain(), "blocks": [field({"type": "plain_text_input"})]}, "/view/submit"),
    ({"type": "page", "blocks": []}, "/view/type"),
    ({"type": "home"}, "/view/blocks"),
]


@pytest.mark.parametrize(("view", "place"), VIEWS)
def test_bad_views_are_named(view: JSON, place: str) -> None:
    faults = check_view(view)
    assert any(place in sentence for sentence in faults), faults


def test_good_views_pass() -> None:
    assert check_view({**MODAL, "blocks": [field({"type": "plain_text_input"})]}) == []
    assert check_view({"type": "home", "blocks": [section()]}) == []
