"""The replay table: one signed request acts once and is always given the same reply."""

from __future__ import annotations

import json
import logging
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from core.db import Database
from core.models import Seen
from core.seen import answered, once

LOG = logging.getLogger("fermata.web.slack")
LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Reply:
    """What Slack is told."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


BUSY = Reply(
    503, {"content-type": "text/plain; charset=utf-8"}, b"Fermata could not handle this request now."
)


def key(stamp: str, body: bytes) -> str:
    """Give the id of a request: its bytes and its second, as its signature covers them."""
    return f"slack:{sha256(stamp.encode() + b':' + body).hexdigest()}"


def is_first(db: Database, request_key: str, *, now: datetime) -> bool:
    """Mark a request as come, and tell whether it was the first time."""
    with db.write(is_urgent=True) as session:
        return once(session, request_key, now=now) is None


def earlier(db: Database, request_key: str, *, deadline: float) -> Reply:
    """Give the reply that the first one got, waiting for it while it is being made; BUSY when there is none."""
    while True:
        with db.read() as session:
            seen = session.get(Seen, request_key)
        if seen is not None and seen.answer is not None:
            return _read(seen.answer)
        if time.monotonic() > deadline:
            return BUSY
        time.sleep(LOOK_AGAIN_SECONDS)


def keep(db: Database, request_key: str, reply: Reply) -> None:
    """Store the reply for those that come again; they get BUSY where that fails."""
    try:
        with db.write() as session:
            answered(session, request_key, _written(reply))
    except SQLAlchemyError as error:
        LOG.warning("slack_reply_not_kept error=%s", type(error).__name__)


def _written(reply: Reply) -> str:
    # base64, since PostgreSQL's text takes no NUL.
    return json.dumps([reply.status, reply.headers, b64encode(reply.body).decode()])


def _read(answer: str) -> Reply:
    status, headers, body = json.loads(answer)
    return Reply(status, headers, b64decode(body))
