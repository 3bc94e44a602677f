"""What one sweep of the engine costs, and a sweep with its 500 due mails, among few and among many enrollments."""

from __future__ import annotations

import argparse
import json

from benchmarks.ground import contend_raw, sink, stores
from benchmarks.machine import table
from benchmarks.poll import BIG, SIZES, grow

DUE = 500
GOAL = 1.5


def main(options: argparse.Namespace) -> None:
    """Print the milliseconds of a sweep and of sending what is due at each size, and the ratios to the smallest."""
    rows = [("", "enrollments", "sweep ms", f"sweep and {DUE} mails ms", "sweep ratio", "with mails")]
    sizes = (*SIZES, BIG) if options.big else SIZES
    with sink() as server, stores(options.databases) as made:
        for store in made:
            first: dict[str, float] = {}
            for size in sizes:
                store.template(DUE, connections=options.connections)
                store.grow(lambda db, more=size - DUE: grow(db, more))
                with store.copy(server) as url:
                    found = json.loads(contend_raw("tick", url))
                first = first or found
                cells = (f"{found['sweep']:.1f}", f"{found['mails']:,.0f}")
                ratios = (f"{found[name] / first[name]:.2f} ×" for name in ("sweep", "mails"))
                rows.append((store.kind, f"{size:,}", *cells, *ratios))
    print(table(rows))
    print(f"Goal: ≤ {GOAL} × the smallest. The other enrollments wait, are paused or have completed.")
