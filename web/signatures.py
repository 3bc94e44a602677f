"""Is a body what its sender signed? Over the raw bytes, in constant time; a header counts if it came exactly once."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

MOST_PARTS = 10
# Clocks differ; a time of the future beyond this was not stamped by an honest sender.
SKEW = timedelta(seconds=10)
_STAMP = re.compile("[0-9]{1,12}")


def is_stamped(header: Sequence[str], body: bytes, secret: str, *, now: datetime, window: timedelta) -> bool:
    """Check `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t." and the body>`; one right `v1` of several is enough."""
    if len(header) != 1:
        return False
    parts = [part.strip().partition("=") for part in header[0].split(",", MOST_PARTS)]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        return False
    age = now.timestamp() - int(stamps[0])
    if not -SKEW.total_seconds() <= age <= window.total_seconds():
        return False
    signed = _digest(secret, stamps[0].encode() + b"." + body)
    return any([_same(signed, value) for name, _, value in parts if name == "v1"])  # noqa: C419 - all, for their time


def is_signed(header: Sequence[str], body: bytes, secret: str) -> bool:
    """Check a plain `<hex HMAC-SHA256 of the body>`."""
    return len(header) == 1 and _same(_digest(secret, body), header[0].removeprefix("sha256="))


def _digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def _same(expected: str, given: str) -> bool:
    # As bytes: compare_digest raises on text that is not ASCII.
    return hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace"))
