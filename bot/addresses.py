"""The e-mail addresses in a Slack message, wherever they stand in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.address import normalise
from core.errors import Refused

MOST_ADDRESSES = 20
MOST_CHARS = 40_000  # the longest message Slack takes
SHOWN = frozenset({"text", "url", "fallback", "title", "pretext", "footer", "author_name"})
# Only where one may stand; whether it is one, `normalise` says.
CANDIDATE = re.compile(r"[\w.!$%&'+^{}-]{1,64}@[^\W_](?:[^\W_]|[.-]){0,252}")
_ESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def addresses_in(message: object) -> list[str]:
    """Give each address of a person that a message shows, once, in the order in which they stand."""
    found: dict[str, None] = {}
    for text in _texts(message):
        for candidate in CANDIDATE.findall(
            re.sub("&(?:lt|gt|amp);", lambda m: _ESCAPED[m[0]], text[:MOST_CHARS])
        ):
            try:
                found[normalise(candidate.strip("_'.-"))] = None
            except Refused:
                continue
    return list(found)[:MOST_ADDRESSES]


def _texts(node: object, key: str = "") -> Iterator[str]:
    if isinstance(node, str) and key in SHOWN:
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item, key)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, str(name))
