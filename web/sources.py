"""How fast one source may ask: a bucket of requests for each address, refilled all the time."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock

MOST_SOURCES = 10_000


class Sources:
    """Says whether a source may ask once more; knows the last MOST_SOURCES of them."""

    def __init__(self, *, per_second: float, at_once: int) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def may_ask(self, source: str) -> bool:
        """Take one request from the source's bucket, if one is left."""
        at = time.monotonic()
        with self._lock:
            left, before = self._left.pop(source, (float(self._at_once), at))
            left = min(self._at_once, left + (at - before) * self._per_second)
            is_left = left >= 1
            self._left[source] = (left - is_left, at)
            if len(self._left) > MOST_SOURCES:
                self._left.popitem(last=False)
        return is_left
