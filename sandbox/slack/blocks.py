"""Checks of messages and views against Block Kit. The result is a list of sentences; empty is good.

The emulator refuses what these refuse, and every card of the project is tested with them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from sandbox.slack import limits
from sandbox.slack.elements import (
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    JSON,
    Faults,
    fault,
    interactive,
    items,
    plain,
    strangers,
    string,
    text,
)

Surface = Literal["message", "modal", "home"]


def check_message(payload: JSON) -> list[str]:
    """Faults of a message as given to chat.postMessage; the fallback `text` is required with blocks."""
    faults = []
    fallback, blocks = payload.get("text"), payload.get("blocks")
    if not fallback:
        faults.append(fault("no_text: a message needs `text`, with blocks as the fallback", "/text"))
    elif len(fallback) > limits.UPDATE_TEXT_CHARS:
        faults.append(
            fault(f"must be less than {limits.UPDATE_TEXT_CHARS + 1} characters to be redrawn", "/text")
        )
    if blocks is not None:
        faults += check_blocks(blocks, "message")
    return faults


def check_blocks(blocks: Any, surface: Surface = "message", *, at: str = "/blocks") -> list[str]:
    """Faults of a list of blocks on a surface."""
    most = limits.MESSAGE_BLOCKS_MAX if surface == "message" else limits.VIEW_BLOCKS_MAX
    faults = list(items(blocks, at, most, least=0))
    if not isinstance(blocks, list):
        return faults
    for index, block in enumerate(blocks):
        faults += _block(block, f"{at}/{index}")
    named = Counter(b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id"))
    faults += [fault(f"`block_id` already exists: {name}", at) for name, n in named.items() if n > 1]
    if surface == "message" and (length := _characters(blocks)) > limits.MESSAGE_BLOCKS_CHARS:
        faults.append(f"msg_blocks_too_long: {length} characters, at most {limits.MESSAGE_BLOCKS_CHARS}")
    return faults


def check_view(view: JSON) -> list[str]:
    """Faults of a modal or Home view."""
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [fault("must be one of modal, home", "/view/type")]
    faults = check_blocks(view.get("blocks"), "modal" if kind == "modal" else "home", at="/view/blocks")
    faults += string(
        view.get("private_metadata"),
        "/view/private_metadata",
        limits.PRIVATE_METADATA_CHARS,
        optional=True,
        empty=True,
    )
    faults += string(
        view.get("callback_id"), "/view/callback_id", limits.CALLBACK_ID_CHARS, optional=True, empty=True
    )
    faults += string(
        view.get("external_id"), "/view/external_id", limits.EXTERNAL_ID_CHARS, optional=True, empty=True
    )
    common = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    if kind == "modal":
        faults += _modal_frame(view)
        common |= {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
    faults += strangers(view, common, "/view")
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES_MAX:
        faults.append(f"view_too_large: more than {limits.VIEW_BYTES_MAX} bytes")
    return faults


def _modal_frame(view: JSON) -> Faults:
    yield from plain(view.get("title"), "/view/title", limits.VIEW_TITLE_CHARS)
    yield from plain(view.get("submit"), "/view/submit", limits.VIEW_BUTTON_CHARS, optional=True)
    yield from plain(view.get("close"), "/view/close", limits.VIEW_BUTTON_CHARS, optional=True)
    blocks = view.get("blocks")
    kinds = [b.get("type") for b in blocks if isinstance(b, dict)] if isinstance(blocks, list) else []
    has_input = "input" in kinds
    if has_input and view.get("submit") is None:
        yield fault("required when there is an input block", "/view/submit")


def _characters(node: Any) -> int:
    """All the text a message's blocks carry."""
    if isinstance(node, list):
        return sum(map(_characters, node))
    if isinstance(node, dict):
        own = node.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(map(_characters, node.values()))
    return 0


def _block(block: Any, at: str) -> Faults:
    if not isinstance(block, dict):
        yield fault("must be a block object", at)
        return
    kind = str(block.get("type"))
    if kind not in BLOCKS:
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    checks, properties = BLOCKS[kind]
    yield from string(block.get("block_id"), f"{at}/block_id", limits.BLOCK_ID_CHARS, optional=True)
    yield from checks(block, at)
    yield from strangers(block, properties | {"type", "block_id"}, at)
    yield from _unique_action_ids(block, at)


def _unique_action_ids(block: JSON, at: str) -> Faults:
    elements = block.get("elements")
    ids = [e.get("action_id") for e in elements if isinstance(e, dict)] if isinstance(elements, list) else []
    for name, uses in Counter(i for i in ids if i).items():
        if uses > 1:
            yield fault(f"`action_id` already exists in this block: {name}", f"{at}/elements")


def _section(block: JSON, at: str) -> Faults:
    fields = block.get("fields")
    if block.get("text") is None and fields is None:
        yield fault("a section needs text or fields", at)
    yield from text(block.get("text"), f"{at}/text", limits.TEXT_CHARS, optional=True)
    if fields is not None:
        yield from items(fields, f"{at}/fields", limits.FIELDS_MAX)
        for index, entry in enumerate(fields if isinstance(fields, list) else []):
            yield from text(entry, f"{at}/fields/{index}", limits.FIELD_CHARS)
    accessory = block.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "image":
        yield from _image_element(accessory, f"{at}/accessory")
    elif accessory is not None:
        yield from interactive(accessory, f"{at}/accessory", IN_SECTION)


def _actions(block: JSON, at: str) -> Faults:
    elements = block.get("elements")
    yield from items(elements, f"{at}/elements", limits.ACTIONS_ELEMENTS_MAX)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        yield from interactive(element, f"{at}/elements/{index}", IN_ACTIONS)


def _context(block: JSON, at: str) -> Faults:
    elements = block.get("elements")
    yield from items(elements, f"{at}/elements", limits.CONTEXT_ELEMENTS_MAX)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        here = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image_element(element, here)
        else:
            yield from text(element, here, limits.TEXT_CHARS)


def _header(block: JSON, at: str) -> Faults:
    yield from plain(block.get("text"), f"{at}/text", limits.HEADER_CHARS)


def _nothing(_block: JSON, _at: str) -> Faults:
    return iter(())


def _image(block: JSON, at: str) -> Faults:
    yield from _image_source(block, at)
    yield from plain(block.get("title"), f"{at}/title", limits.IMAGE_TITLE_CHARS, optional=True)


def _image_element(element: JSON, at: str) -> Faults:
    yield from _image_source(element, at)
    yield from strangers(element, {"type", "image_url", "alt_text", "slack_file"}, at)


def _image_source(node: JSON, at: str) -> Faults:
    file = node.get("slack_file")
    yield from string(
        node.get("image_url"), f"{at}/image_url", limits.IMAGE_URL_CHARS, optional=file is not None
    )
    if file is not None and "image_url" in node:
        yield fault("must provide either image_url or slack_file, not both", at)
    if file is not None and not (isinstance(file, dict) and len(file) == 1 and {*file} <= {"id", "url"}):
        yield fault("must have either id or url", f"{at}/slack_file")
    elif file is not None and "id" in file and not re.fullmatch(r"F[A-Z0-9]{8,}", str(file["id"])):
        yield fault("input must match regex pattern: ^[F][A-Z0-9]{8,}$", f"{at}/slack_file/id")
    yield from string(node.get("alt_text"), f"{at}/alt_text", limits.ALT_TEXT_CHARS)


def _input(block: JSON, at: str) -> Faults:
    yield from plain(block.get("label"), f"{at}/label", limits.INPUT_LABEL_CHARS)
    yield from plain(block.get("hint"), f"{at}/hint", limits.INPUT_HINT_CHARS, optional=True)
    yield from interactive(block.get("element"), f"{at}/element", IN_INPUT)


_RICH_GROUPS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
_RICH_PIECES = {
    "text", "link", "emoji", "user", "channel", "usergroup", "broadcast", "date", "color", "team",
}  # fmt: skip


def _rich_text(block: JSON, at: str) -> Faults:
    elements = block.get("elements")
    yield from items(elements, f"{at}/elements", 10_000)
    for index, group in enumerate(elements if isinstance(elements, list) else []):
        yield from _rich_group(group, f"{at}/elements/{index}", _RICH_GROUPS)


def _rich_group(group: Any, at: str, allowed: set[str]) -> Faults:
    if not isinstance(group, dict) or group.get("type") not in allowed:
        kind = group.get("type") if isinstance(group, dict) else group
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    if group["type"] == "rich_text_list" and group.get("style") not in ("bullet", "ordered"):
        yield fault("must be one of bullet, ordered", f"{at}/style")
    pieces = group.get("elements")
    yield from items(pieces, f"{at}/elements", 10_000, least=0)
    for index, piece in enumerate(pieces if isinstance(pieces, list) else []):
        here = f"{at}/elements/{index}"
        if group["type"] == "rich_text_list":
            yield from _rich_group(piece, here, {"rich_text_section"})
        elif not isinstance(piece, dict) or piece.get("type") not in _RICH_PIECES:
            yield fault("unsupported rich text element", here)
        elif piece["type"] == "text":
            yield from string(piece.get("text"), f"{here}/text", limits.MESSAGE_TEXT_CHARS)


BLOCKS: dict[str, tuple[Callable[[JSON, str], Faults], set[str]]] = {
    "section": (_section, {"text", "fields", "accessory", "expand"}),
    "actions": (_actions, {"elements"}),
    "context": (_context, {"elements"}),
    "header": (_header, {"text"}),
    "divider": (_nothing, set()),
    "image": (_image, {"image_url", "slack_file", "alt_text", "title"}),
    "input": (_input, {"label", "element", "hint", "optional", "dispatch_action"}),
    "rich_text": (_rich_text, {"elements"}),
}
