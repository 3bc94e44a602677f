"""What the doors for other systems have in common: what each is, and how the JSON behind it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import HTTPException, Request

from web import strict_json

LARGEST_JSON_BYTES = 256 * 2**10

Check = Callable[[Request, bytes, datetime], bool]


@dataclass(frozen=True)
class Secrets:
    """What each sender signs with; None: its door does not exist. `own` is for raw mail and own events.

    `sendgrid` is its public key; `sns` are the topics, for which Amazon signs with a key of its own.
    """

    own: str | None = None
    calendly: str | None = None
    cal: str | None = None
    sendgrid: str | None = None
    mailgun: str | None = None
    sns: frozenset[str] | None = None


@dataclass(frozen=True)
class Door:
    """One way in: its path, the variable of its secret, and how a body is checked."""

    path: str
    variable: str
    is_open: bool
    check: Check
    largest_bytes: int = LARGEST_JSON_BYTES


def json_of(body: bytes) -> Any:
    """Give what a body says; raises HTTPException 400 for one that is no plain JSON."""
    try:
        return strict_json.loads(body)
    except ValueError:
        raise HTTPException(400, "The body is no plain JSON.") from None


def object_of(found: Any) -> Mapping[str, Any]:
    """Give an object; raises HTTPException 400 for anything else."""
    if not isinstance(found, dict):
        raise HTTPException(400, "The body must be a JSON object.")
    return found
