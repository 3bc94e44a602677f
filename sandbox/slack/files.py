"""Uploaded files, as Slack takes them: ask for an address, send the bytes there, say that it is complete.

https://docs.slack.dev/messaging/working-with-files: a file that was shared with no channel is its uploader's alone
until a message of theirs shows it, and for a moment after the upload no message can.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.errors import SlackError

JSON = dict[str, Any]
PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"
KINDS = {PNG: "image/png", JPEG: "image/jpeg", GIF: "image/gif"}


@dataclass
class File:
    """One file; `key` is the secret part of the address that takes its bytes."""

    id: str
    name: str
    length: int
    alt_text: str = ""
    title: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    content: bytes = b""
    is_complete: bool = False

    @property
    def kind(self) -> str:
        """Its media type, "" for anything but a picture that messages can show."""
        return next((kind for sign, kind in KINDS.items() if self.content.startswith(sign)), "")


class Files:
    """The workspace's files. `slow_shows`: so many messages that show a new file still come too early."""

    def __init__(self) -> None:
        self.by_id: dict[str, File] = {}
        self.slow_shows = 0

    def begin(self, file_id: str, name: str, length: int, alt_text: str) -> File:
        """Promise a file."""
        if not name or length <= 0:
            raise SlackError("invalid_arguments")
        made = self.by_id[file_id] = File(file_id, name, length, alt_text)
        return made

    def take(self, key: str, content: bytes) -> bool:
        """Keep the bytes that came to an address; they must be as long as promised."""
        found = next((one for one in self.by_id.values() if one.key == key and not one.is_complete), None)
        if found is None or len(content) != found.length:
            return False
        found.content = content
        return True

    def complete(self, entries: list[Any]) -> list[JSON]:
        """End uploads."""
        ended = []
        for entry in entries:
            one = self.by_id.get(str(entry.get("id"))) if isinstance(entry, dict) else None
            if one is None or not one.content:
                raise SlackError("file_not_found")
            one.is_complete, one.title = True, str(entry.get("title") or one.name)
            ended.append({"id": one.id, "title": one.title})
        return ended

    def refuse_unknown(self, blocks: list[JSON]) -> None:
        """Refuse a message that shows a file which is not there, is no picture, or is not ready."""
        for at, shown in _shown(blocks, "/blocks"):
            file = self.by_id.get(str(shown.get("id")))
            is_slow = self.slow_shows > 0
            if file is None or not file.is_complete or not file.kind or is_slow:
                self.slow_shows -= is_slow
                raise SlackError(
                    "invalid_blocks", messages=[f"[ERROR] invalid slack file [json-pointer:{at}]"]
                )


def _shown(node: Any, at: str) -> Iterator[tuple[str, JSON]]:
    """Every `slack_file` below a node of Block Kit, with where it stands."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _shown(item, f"{at}/{number}")
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "slack_file" and isinstance(value, dict):
                yield f"{at}/slack_file", value
            else:
                yield from _shown(value, f"{at}/{name}")
