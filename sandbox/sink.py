"""A real SMTP server on loopback: it keeps what it accepts, and misbehaves as a script says.

    async with Sink(script=Faults("dot:451 later")) as sink:
        ...  # talk to 127.0.0.1:sink.port
    sink.accepted  # what it answered for, or would have

As its own process: `python -m sandbox.sink --port 2525 --log mail.jsonl --fault "after#3:hang"`.
A line is in the log, flushed and synced, before the 250 is written: whoever survives a kill -9 can
compare what the client believes with what the server took.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from sandbox.faults import TROUBLED, Faults, Script
from sandbox.smtp_session import Accepted, Offer, Session

__all__ = ["Accepted", "Offer", "Sink"]


class Sink:
    """The server; `accepted` fills up unless `deliver` takes each message, `complaints` lists rude clients.

    `hangs` is called whenever it stops answering because its script says so.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        offer: Offer | None = None,
        script: Script | None = None,
        log: Path | None = None,
        clock: Callable[[], datetime] | None = None,
        deliver: Callable[[Accepted], None] | None = None,
        hangs: Callable[[], None] = lambda: None,
    ) -> None:
        self.host, self.port = host, port
        self.offer = offer or Offer()
        self.script = script
        self.accepted: list[Accepted] = []
        self.complaints: list[str] = []
        self.commands: deque[bytes] = deque(maxlen=1000)  # the last ones, as they came
        self.connections = 0
        self.clock = clock
        self.sessions: set[Session] = set()
        self._deliver = deliver or self.accepted.append
        self.hangs = hangs
        self._log_path = log
        self._log: BinaryIO | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        if self._log_path is not None:
            self._log = self._log_path.open("ab")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Session(self), self.host, self.port, ssl=self.offer.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for session in list(self.sessions):
                session.abort()
            await self._server.wait_closed()
        if self._log is not None:
            self._log.close()

    def keep(self, message: Accepted) -> None:
        """Write the message to the log so that it survives a power cut, then hand it on."""
        if self._log is not None:
            self._log.write(message.as_line())
            self._log.flush()
            os.fsync(self._log.fileno())
        self._deliver(message)


def main() -> None:
    """Run a sink as its own process until it is told to end; it prints its port first, and each time it hangs."""
    options = _options()
    specs = [*options.fault, *(TROUBLED if options.troubled else ())]
    sink = Sink(
        host=options.host,
        port=options.port,
        offer=Offer(pipelining=not options.no_pipelining, latency=options.latency, size=options.size),
        script=Faults(*specs) if specs else None,
        log=options.log,
        clock=lambda: datetime.now(UTC),
        deliver=lambda _: None,  # the log is what this process is for; a list would only grow
        hangs=lambda: print("hangs", flush=True),
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(sink))


async def _serve(sink: Sink) -> None:
    async with sink:
        print(f"listening on {sink.host}:{sink.port}", flush=True)
        await asyncio.Event().wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.sink", description="An SMTP server that keeps mail."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one and prints it")
    parser.add_argument("--log", type=Path, help="JSON lines, synced before each 250")
    parser.add_argument("--fault", action="append", default=[], metavar="PHASE[#N][@LOCAL]:ACTION")
    parser.add_argument(
        "--troubled", action="store_true", help="no-such-user@, temp-fail@, spam@ … get into trouble"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="emulated round trip in seconds")
    parser.add_argument("--size", type=int, help="largest message in bytes")
    parser.add_argument("--no-pipelining", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
