"""The doors for mail services: SendGrid, Mailgun, and Amazon SES by way of SNS.

What they tell of a mail of ours does what the same does that is read from a mailbox (core/hooks/reports).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import sha256

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse

from core import hooks
from core.db import Database
from core.errors import Refused
from core.hooks import mailgun, reports, sendgrid, ses
from core.seen import is_spent, spend
from web import strict_json
from web.doors import Door, Secrets, json_of, object_of
from web.signatures import is_mailguns, is_sendgrids
from web.sns import CONFIRMATION, NOTIFICATION, Fetch, Sns

LOG = logging.getLogger("fermata.web.hooks")

LARGEST_BYTES = 2**20  # services send many at once, and a message of SNS is text within text


class Services:
    """Their doors; `counts` is of requests by door and result."""

    def __init__(
        self, db: Database, secrets: Secrets, fetch: Fetch, counts: Counter[tuple[str, str]]
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._sns = Sns(secrets.sns or frozenset(), fetch)
        self._counts = counts

    def doors(self) -> tuple[tuple[Door, Callable[..., Response]], ...]:
        """Give each door and what acts behind it."""
        set_ = self._secrets
        return (
            (
                Door(
                    "/hooks/sendgrid",
                    "FERMATA_SENDGRID_KEY",
                    set_.sendgrid is not None,
                    partial(_sendgrid, set_.sendgrid or ""),
                    LARGEST_BYTES,
                ),
                self._sendgrid,
            ),
            (
                Door(
                    "/hooks/mailgun",
                    "FERMATA_MAILGUN_SECRET",
                    set_.mailgun is not None,
                    partial(_mailgun, set_.mailgun or ""),
                ),
                self._mailgun,
            ),
            (
                Door(
                    "/hooks/sns",
                    "FERMATA_SNS_TOPICS",
                    set_.sns is not None,
                    self._signed_sns,
                    LARGEST_BYTES,
                ),
                self._notice,
            ),
        )

    def _sendgrid(self, body: bytes, *, now: datetime) -> Response:
        """Take in a list of events; what is wrong with one keeps none of the others out."""
        found = json_of(body)
        told: list[reports.Reported] = []
        results: list[str] = []
        for one in found if isinstance(found, list) else [found]:
            try:
                read = sendgrid.read(one) if isinstance(one, dict) else None
            except Refused:
                read = None
            told += read or []
            results += [] if read else ["refused" if read is None else hooks.IGNORED]
        return self._reported("sendgrid", results + self._take_in(told, now))

    def _mailgun(self, body: bytes, *, now: datetime) -> Response:
        found = object_of(json_of(body))
        token = str(found["signature"]["token"])
        key = f"mailgun:{sha256(token.encode()).hexdigest()}"
        if is_spent(self._db, key):
            raise HTTPException(406, "This token has been used.")
        results = self._take_in(mailgun.read(found, token), now) or [hooks.IGNORED]
        if reports.EARLY not in results:  # after the act: what fails before may come again
            spend(self._db, key, now=now)
        return self._reported("mailgun", results)

    def _signed_sns(self, _request: Request, body: bytes, now: datetime) -> bool:
        return self._sns.is_signed(object_of(json_of(body)), now)

    def _notice(self, body: bytes, *, now: datetime) -> Response:
        """Take in a message of SNS: what SES tells, or the question whether we want it to."""
        told = object_of(json_of(body))
        if told["Type"] == CONFIRMATION:
            self._sns.confirm(told)
            return self._reported("sns", ["confirmed"])
        try:
            found = strict_json.loads(str(told.get("Message")).encode())
        except ValueError:  # SES's own test is plain text
            found = None
        is_ours = told["Type"] == NOTIFICATION and isinstance(found, dict)
        read = ses.read(found, str(told.get("MessageId"))) if is_ours else []
        return self._reported("sns", self._take_in(read, now) or [hooks.IGNORED])

    def _take_in(self, told: list[reports.Reported], now: datetime) -> list[str]:
        return reports.take_in(self._db, told, now=now) if told else []

    def _reported(self, name: str, results: list[str]) -> Response:
        """Count what became of each report; asks for all of them again where the mail of one is still being sent."""
        self._counts.update((name, result) for result in results)
        LOG.info("hook hook=%s results=%d", name, len(results))
        if reports.EARLY in results:
            raise HTTPException(503, "Its mail is just being sent; send it again.", {"retry-after": "60"})
        return JSONResponse({"results": dict(Counter(results))})


def _sendgrid(key: str, request: Request, body: bytes, now: datetime) -> bool:
    signature, stamp = (
        request.headers.getlist(f"x-twilio-email-event-webhook-{name}") for name in ("signature", "timestamp")
    )
    return is_sendgrids(signature, stamp, body, key, now=now)


def _mailgun(secret: str, _request: Request, body: bytes, now: datetime) -> bool:
    found = object_of(json_of(body)).get("signature")
    signed = found if isinstance(found, dict) else {}
    return is_mailguns(signed.get("signature"), signed.get("timestamp"), signed.get("token"), secret, now=now)
