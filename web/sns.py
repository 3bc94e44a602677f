"""Amazon SNS at the door: is a message what Amazon signed, and for a topic of ours? Confirms subscriptions to these alone.

What names the certificate is in the message itself, so only one address is ever asked: SNS's own, in the topic's region.
Anything else is refused before anything is fetched, and no redirect is followed.
"""

from __future__ import annotations

import binascii
import logging
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from fastapi import HTTPException

from web.signatures import is_recent

LOG = logging.getLogger("fermata.web.sns")

LARGEST_FETCHED_BYTES = 64 * 2**10
FETCH_SECONDS = 5
MOST_KEYS = 20
NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
_ORIGIN = r"https://sns\.([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})\.amazonaws\.com/"
_CERTIFICATE = re.compile(_ORIGIN + r"SimpleNotificationService-[0-9a-f]{8,64}\.pem", re.ASCII)
_CONFIRM = re.compile(_ORIGIN + r"\?Action=ConfirmSubscription&[A-Za-z0-9=&%:._~-]{1,2000}", re.ASCII)
# What is signed, in this order; a subject only where there is one.
_CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: _CONFIRMED,
    "UnsubscribeConfirmation": _CONFIRMED,
}
_HASHES = {"1": SHA1, "2": SHA256}

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Give what stands there; raises HTTPError for anything but a plain, small answer. Follows no redirect."""
    with httpx.stream("GET", url, timeout=FETCH_SECONDS, follow_redirects=False) as answer:
        if answer.status_code != 200:
            raise httpx.HTTPError(f"answered {answer.status_code}")
        found = b""
        for part in answer.iter_bytes():
            found += part
            if len(found) > LARGEST_FETCHED_BYTES:
                raise httpx.HTTPError("too large")
        return found


class Sns:
    """The topics that are ours, and the keys that Amazon has signed with so far."""

    def __init__(self, topics: frozenset[str], fetch_: Fetch = fetch) -> None:
        self._topics = topics
        self._fetch = fetch_
        self._keys: dict[str, RSA.RsaKey] = {}

    def is_signed(self, told: Mapping[str, Any], now: datetime) -> bool:
        """Check a message; raises HTTPException 403 for another topic or certificate, 503 where that cannot be had."""
        topic, url = told.get("TopicArn"), told.get("SigningCertURL")
        if not isinstance(topic, str) or topic not in self._topics:
            raise HTTPException(403, "The topic is none of FERMATA_SNS_TOPICS.")
        if not _is_of(_CERTIFICATE, url, topic):
            raise HTTPException(403, "The certificate is not at SNS in the topic's region.")
        names = _SIGNED.get(str(told.get("Type")))
        hashed = _HASHES.get(str(told.get("SignatureVersion")))
        if names is None or hashed is None or not is_recent(_moment(told.get("Timestamp")), now):
            return False
        signed = "".join(f"{name}\n{told[name]}\n" for name in names if told.get(name) is not None).encode()
        try:
            signature = b64decode(str(told.get("Signature")), validate=True)
            pkcs1_15.new(self._key(str(url))).verify(hashed.new(signed), signature)
        except (binascii.Error, ValueError):
            return False
        return True

    def confirm(self, told: Mapping[str, Any]) -> None:
        """Say yes to a subscription of a topic of ours; raises HTTPException where it is asked elsewhere."""
        url = told.get("SubscribeURL")
        if not _is_of(_CONFIRM, url, str(told.get("TopicArn"))):
            raise HTTPException(403, "The subscription is not at SNS in the topic's region.")
        self._fetched(str(url))

    def _key(self, url: str) -> RSA.RsaKey:
        if url not in self._keys:
            if len(self._keys) >= MOST_KEYS:
                self._keys.clear()
            self._keys[url] = RSA.import_key(self._fetched(url))
        return self._keys[url]

    def _fetched(self, url: str) -> bytes:
        try:
            return self._fetch(url)
        except httpx.HTTPError as error:
            LOG.warning("sns_unreachable error=%s", type(error).__name__)
            raise HTTPException(
                503, "SNS could not be reached; send it again.", {"retry-after": "60"}
            ) from None


def _is_of(pattern: re.Pattern[str], url: object, topic: str) -> bool:
    """Say whether it is an address of SNS in the region of the topic: `arn:aws:sns:REGION:ACCOUNT:NAME`."""
    found = pattern.fullmatch(url) if isinstance(url, str) else None
    return found is not None and topic.split(":")[3:4] == [found[1]]


def _moment(stamp: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(stamp))
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None
