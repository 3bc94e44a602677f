"""Links that only we can make: a lead's id with a signature, for unsubscribing."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256

SIGNATURE_BYTES = 16
LONGEST_TOKEN_CHARS = 64


def sign(key: bytes, purpose: str, number: int) -> str:
    """Give the token of a number for one purpose; it holds for ever and says nothing about the lead."""
    body = number.to_bytes(8, "big")
    return urlsafe_b64encode(body + _signature(key, purpose, body)).decode().rstrip("=")


def unsign(key: bytes, purpose: str, token: str) -> int | None:
    """Give the number a token was made for; None for anything we did not make."""
    if len(token) > LONGEST_TOKEN_CHARS or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        return None
    body, signature = raw[:8], raw[8:]
    if not hmac.compare_digest(signature, _signature(key, purpose, body)):
        return None
    # Only the one spelling we gave out: base64 lets a last character differ and mean the same.
    number = int.from_bytes(body, "big")
    return number if sign(key, purpose, number) == token else None


def _signature(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + body, sha256)[:SIGNATURE_BYTES]
