"""A mail sink that notes when it took each mail and syncs nothing: `python -m benchmarks.sink PORT FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sandbox.sink import Sink


async def main(port: str, path: str) -> None:
    """Serve until the process is told to end; a line (monotonic seconds, recipient) is written before each 250."""
    with Path(path).open("a", buffering=1) as log:  # noqa: ASYNC230 - a line is written before the answer to its mail
        async with Sink(port=int(port), deliver=lambda mail: _note(log, mail.monotonic, mail.recipients[0])):
            print("listening", flush=True)
            await asyncio.Event().wait()


def _note(log, at: float, recipient: str) -> None:
    log.write(f"{at} {recipient}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
