"""`fermata inbound`: a message in a file takes the same way as one that was read from a mailbox."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import select

from core import inbox
from core.db import Database
from core.errors import Refused
from core.inbound import envelope
from core.inbox import Raw, Received
from core.models import Mailbox
from fermata import wiring

# As much as is read of a message in a mailbox.
MOST_BYTES = 2_000_000


def take_in(db: Database, file: Path, mailbox: str) -> Received:
    """Give what became of the message in a file; `mailbox` "": the one it is addressed to. Raises Refused."""
    if not file.is_file():
        raise Refused(f"There is no file {file}.")
    with file.open("rb") as source:
        content = source.read(MOST_BYTES + 1)
    raw = Raw(content[:MOST_BYTES], wiring.now(), is_cut=len(content) > MOST_BYTES)
    mailbox_id = _mailbox(db, mailbox.strip().lower(), raw)
    [received] = inbox.receive(db, [raw], mailbox_id=mailbox_id, now=raw.came_at)
    return received


def _mailbox(db: Database, address: str, raw: Raw) -> int | None:
    with db.read() as session:
        known = dict(session.exec(select(Mailbox.address, Mailbox.id)).all())
    if address and address not in known:
        raise Refused(f"{address} is no mailbox here; `fermata mailbox list` shows them.")
    recipients = [address] if address else envelope(raw.content).recipients
    return next((known[one] for one in recipients if one in known), None)


def said(received: Received) -> str:
    """Give it as one line."""
    if received.kind is None:
        return "It concerns no lead here; nothing was kept."
    what = received.kind.replace("_", " ")
    if not received.is_new:
        return f"{what} of {received.lead}: it was taken in before; nothing was changed."
    return f"{what} of {received.lead}: {received.outcome}".rstrip(" :")
