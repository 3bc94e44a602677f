"""What a process writes to stderr: lines for people, or one JSON object a line (`FERMATA_LOG=json`)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from pydantic import SecretStr
from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from core.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
HIDDEN = "[secret]"
AWAY = (
    OperationalError,
    RedisError,
    OSError,
)  # the database, Redis or the network: nothing of ours is broken
SAID_AGAIN_SECONDS = 60
SHORTEST_CHARS = 8  # a shorter "secret" would blacken ordinary words


def begin(settings: Settings, *, role: str) -> None:
    """Log to stderr from now on; whatever a library writes, no secret of the settings stands in it."""
    form: type[logging.Formatter] = _Json if settings.log == "json" else _Plain
    handler = logging.StreamHandler()
    handler.setFormatter(_Hiding(form(role), secrets_of(settings)))
    handler.addFilter(_Outages())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def secrets_of(settings: Settings) -> list[str]:
    """Give what must not be seen, the longest first: secrets may stand in one another."""
    given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    given += [word for text in given for word in text.replace(",", " ").split()]
    for url in filter(None, (settings.database_url, settings.redis_url)):
        try:
            password = make_url(url).password
        except ArgumentError:
            continue
        given.append(str(password or ""))
    return sorted({word for word in given if len(word) >= SHORTEST_CHARS}, key=len, reverse=True)


class _Outages(logging.Filter):
    """Says an outage in one line without its trace, and not again for a minute: every part meets it at every turn."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record is to be written; shortens it where it tells of an outage."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, AWAY):
            return True
        cause = getattr(error, "orig", None) or error  # what the driver said, without the statement
        record.msg = f"{record.getMessage()}: {type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
        record.args, record.exc_info = (), None
        is_new = record.created - self._said.get(record.msg, 0) >= SAID_AGAIN_SECONDS
        if is_new:
            self._said[record.msg] = record.created
        return is_new


class _Plain(logging.Formatter):
    def __init__(self, _role: str) -> None:
        super().__init__(TEXT)


class _Json(logging.Formatter):
    """`at`, `level`, `role`, `logger`, `message`, and `trace` where something broke."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Hiding(logging.Formatter):
    def __init__(self, inner: logging.Formatter, secrets: list[str]) -> None:
        super().__init__()
        self._inner, self._secrets = inner, secrets

    def format(self, record: logging.LogRecord) -> str:
        """Give the inner line without the secrets."""
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line
