"""Is a body what its sender signed? Over the raw bytes, in constant time; a header counts if it came exactly once."""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS

MOST_PARTS = 10
# Mail services try again for up to a day. What they tell acts once, and stops mail or shows that it left; so late is well.
SERVICE_WINDOW = timedelta(hours=24)
# Clocks differ; a time of the future beyond this was not stamped by an honest sender.
SKEW = timedelta(seconds=10)
_STAMP = re.compile("[0-9]{1,12}")
_SECONDS = re.compile("[0-9]{1,11}")  # as many as datetime can count
LONGEST_TOKEN_CHARS = 200


def is_stamped(header: Sequence[str], body: bytes, secret: str, *, now: datetime, window: timedelta) -> bool:
    """Check `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t." and the body>`; one right `v1` of several is enough."""
    if len(header) != 1:
        return False
    parts = [part.strip().partition("=") for part in header[0].split(",", MOST_PARTS)]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not _STAMP.fullmatch(stamps[0]):
        return False
    age = now.timestamp() - int(stamps[0])
    if not -SKEW.total_seconds() <= age <= window.total_seconds():
        return False
    signed = _digest(secret, stamps[0].encode() + b"." + body)
    return any([_same(signed, value) for name, _, value in parts if name == "v1"])  # noqa: C419 - all, for their time


def is_signed(header: Sequence[str], body: bytes, secret: str) -> bool:
    """Check a plain `<hex HMAC-SHA256 of the body>`."""
    return len(header) == 1 and _same(_digest(secret, body), header[0].removeprefix("sha256="))


def is_sendgrids(
    signature: Sequence[str], stamp: Sequence[str], body: bytes, key: str, *, now: datetime
) -> bool:
    """Check a base64 ECDSA signature over the Unix seconds and the body; `key`: the public key as SendGrid shows it."""
    if len(signature) != 1 or len(stamp) != 1 or not is_recent(_unix(stamp[0]), now):
        return False
    try:
        verifier = DSS.new(ECC.import_key(b64decode(key)), "fips-186-3", encoding="der")
        verifier.verify(SHA256.new(stamp[0].encode() + body), b64decode(signature[0], validate=True))
    except (binascii.Error, ValueError):
        return False
    return True


def is_mailguns(signature: object, stamp: object, token: object, secret: str, *, now: datetime) -> bool:
    """Check Mailgun's `<hex HMAC-SHA256 of the Unix seconds and the token>`, which stands in the body."""
    if not (isinstance(signature, str) and isinstance(token, str) and 1 <= len(token) <= LONGEST_TOKEN_CHARS):
        return False
    seconds = str(stamp)
    is_now = is_recent(_unix(seconds), now)
    return is_now and _same(_digest(secret, f"{seconds}{token}".encode()), signature)


def is_recent(at: datetime | None, now: datetime) -> bool:
    """Say whether a mail service's time is near enough; None never is."""
    return at is not None and -SKEW <= now - at <= SERVICE_WINDOW


def _unix(stamp: str) -> datetime | None:
    return datetime.fromtimestamp(int(stamp), UTC) if _SECONDS.fullmatch(stamp) else None


def _digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def _same(expected: str, given: str) -> bool:
    # As bytes: compare_digest raises on text that is not ASCII.
    return hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace"))
