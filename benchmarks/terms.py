"""What the benchmarks and their contenders agree on; it imports little, so that a contender's size is its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

from core.letters import Office

NOW = datetime(2027, 6, 15, 9, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Berlin: inside the window
OFFICE = Office("https://fermata.example", b"k" * 32)
WARM, MEASURED = 1, 2  # the ids of the two mailboxes
WARM_LEADS = 300
SIGNING_SECRET = "benchmark"


class Clock:
    """Real time, moved to NOW, so that the window is open whenever this runs."""

    def __init__(self) -> None:
        self._started = monotonic()

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=monotonic() - self._started)
