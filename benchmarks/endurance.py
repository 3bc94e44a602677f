"""Whether the sender's memory stays flat: as many steps as the time allows, in one process, its size looked at."""

from __future__ import annotations

import argparse
import json

from benchmarks.ground import contend_raw, sink, stores
from benchmarks.machine import table

LEADS = 2000  # each gets its first step over and over, as a new attempt


def main(options: argparse.Namespace) -> None:
    """Print the size of the process by the number of steps that it has sent."""
    with sink() as server, stores(options.databases) as made:
        for store in made:
            store.template(options.count or LEADS, connections=options.connections)
            with store.copy(server) as url:
                sizes = json.loads(contend_raw("endurance", url, options.seconds))["sizes"]
            shown = sizes[:: max(len(sizes) // 8, 1)]
            print(
                table([(store.kind, "RSS MB"), *((f"{steps:,} steps", f"{mb:.1f}") for steps, mb in shown)])
            )
            (half, before), (steps, after) = sizes[len(sizes) // 2], sizes[-1]
            print(f"From {half:,} to {steps:,} steps: {after - before:+.1f} MB.\n", flush=True)
