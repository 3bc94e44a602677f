"""`fermata inbound`: a message in a file takes the same way as one that was read from a mailbox."""

from __future__ import annotations

from pathlib import Path

from core.db import Database
from core.errors import Refused
from core.inbox import MOST_BYTES, Received, receive_content
from fermata import wiring


def take_in(db: Database, file: Path, mailbox: str) -> Received:
    """Give what became of the message in a file; `mailbox` "": the one it is addressed to. Raises Refused."""
    if not file.is_file():
        raise Refused(f"There is no file {file}.")
    with file.open("rb") as source:
        content = source.read(MOST_BYTES + 1)
    return receive_content(db, content, mailbox=mailbox.strip().lower(), now=wiring.now())


def said(received: Received) -> str:
    """Give it as one line."""
    if received.kind is None:
        return "It concerns no lead here; nothing was kept."
    what = received.kind.replace("_", " ")
    if not received.is_new:
        return f"{what} of {received.lead}: it was taken in before; nothing was changed."
    return f"{what} of {received.lead}: {received.outcome}".rstrip(" :")
