"""Where and when figures were taken, and whether another program disturbed them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime

import psutil

BUSY_PERCENT = 15  # of one core, by programs that are not ours
LOOK_SECONDS = 1.0


def header() -> str:
    """Date, Python, system, cores and load, in one line."""
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · Python {platform.python_version()} · {platform.system()} "
        f"{platform.machine()} · {os.cpu_count()} cores · load {load} · loopback, no TLS"
    )


def busy() -> str | None:
    """A warning that names the programs that keep the machine busy right now, None where it is quiet."""
    others = [process for process in psutil.process_iter(["name"]) if process.pid != os.getpid()]
    for process in others:
        _percent(process, None)
    psutil.cpu_percent(LOOK_SECONDS)
    found = [(_percent(process, None), process.info["name"]) for process in others]
    loud = sorted(((used, name) for used, name in found if used > BUSY_PERCENT), reverse=True)
    if not loud:
        return None
    names = ", ".join(f"{name} {used:.0f} %" for used, name in loud[:4])
    return f"WARNING: the machine is busy ({names}); only the ratios mean something, and those roughly."


def _percent(process: psutil.Process, interval: float | None) -> float:
    try:
        return float(process.cpu_percent(interval))
    except psutil.Error:
        return 0.0


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def middle(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(list(values))


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as a Markdown table; the first is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
