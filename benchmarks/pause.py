"""What a pause from Slack costs, idle and beside a sender at full speed, and whether its answer ever lies."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ground import contend_raw, sink, stores
from benchmarks.machine import percentile, table

AIMED = 1000
LEADS = 4000
P99_GOAL_MS = 100


@dataclass
class Pauses:
    """The pauses of one kind of database, over several databases in turn."""

    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    named: int = 0
    broken: list[str] = field(default_factory=list)
    messages: int = 0
    seconds: float = 0


def main(options: argparse.Namespace) -> None:
    """Print latencies in milliseconds, and how many mails left after an answer that does not name them."""
    rows = [
        (
            "pause of one lead",
            "p50 ms",
            "p99 ms",
            "pauses",
            "beside mails/s",
            "named in the answer",
            "left after it",
        )
    ]
    with TemporaryDirectory(prefix="fermata-pause-") as folder, stores(options.databases) as made:
        log = Path(folder) / "accepted"
        with sink(log=log) as server:
            for store in made:
                store.template(LEADS, connections=options.connections)
                found = Pauses()
                while len(found.busy) < (options.count or AIMED):
                    with store.copy(server) as url:
                        _add(found, json.loads(contend_raw("pause", url)), log)
                idle = ("", "", "")
                rows.append((f"{store.kind}, idle", *_latency(found.idle), *idle))
                rate = f"{found.messages / found.seconds:,.0f}"
                rows.append(
                    (
                        f"{store.kind}, sending",
                        *_latency(found.busy),
                        rate,
                        str(found.named),
                        str(len(found.broken)),
                    )
                )
                for sentence in found.broken[:5]:
                    print(f"BROKEN PROMISE: {sentence}")
    print(table(rows))
    print(
        f"Goals: no mail after an answer that does not name it, p99 ≤ {P99_GOAL_MS} ms. Each pause is aimed at a"
    )
    print("claimed row; sender and pauses share one process, as in `fermata run`.")


def _latency(seconds: list[float]) -> tuple[str, str, str]:
    return (
        f"{percentile(seconds, 0.5) * 1000:.1f}",
        f"{percentile(seconds, 0.99) * 1000:.1f}",
        str(len(seconds)),
    )


def _add(found: Pauses, told: dict, log: Path) -> None:
    """Compare each answer with what the sink took."""
    taken: dict[str, float] = {}
    for line in log.read_text().splitlines():
        at, _, recipient = line.partition(" ")
        taken[recipient] = float(at)
    log.write_text("")  # the next database has the same leads
    found.idle += told["idle"]
    found.messages, found.seconds = found.messages + told["messages"], found.seconds + told["seconds"]
    for pause in told["busy"]:
        if pause["is_refusal"]:  # it had been paused, or had ended, a moment before
            continue
        found.busy.append(pause["seconds"])
        found.named += pause["named"]
        if not pause["named"] and taken.get(pause["email"], 0) > pause["answered"]:
            found.broken.append(f"{pause['email']} got mail after “{pause['answer']}”.")
