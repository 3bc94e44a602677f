"""JSON that means one thing to everybody who reads it: no double keys, no NaN, no half of a letter."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def loads(body: bytes) -> Any:
    """Give the value; raises ValueError for what is no such JSON, however deep or odd."""
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
        # Half a surrogate pair, and nothing else, cannot be written down again.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
