"""Where and how a mailbox sends and is read, with its secret from the environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from core.models import Mailbox
from jobs.oauth import Tokens
from jobs.smtp_login import MailboxDown, Security, Server

Secret = Callable[[str], str | None]  # by the name of its variable
PASSWORD = "password"  # noqa: S105 - the word that a mailbox's `auth` holds


def smtp_server(mailbox: Mailbox, secret: Secret, tokens: Tokens | None, timeout_seconds: float) -> Server:
    """Give where a mailbox hands over its mail; raises Refused for security `none` off this machine."""
    return _server(
        mailbox,
        mailbox.username,
        mailbox.smtp_host,
        mailbox.smtp_port,
        mailbox.smtp_security,
        secret=secret,
        tokens=tokens,
        timeout_seconds=timeout_seconds,
    )


def imap_server(mailbox: Mailbox, secret: Secret, tokens: Tokens | None, timeout_seconds: float) -> Server:
    """Give where a mailbox is read; raises Refused as above, and MailboxDown where its secret is missing.

    Nobody reads without logging in, so a mailbox that sends without a user name reads with its address.
    """
    if mailbox.password_env and not secret(mailbox.password_env):
        raise MailboxDown(
            f"The variable {mailbox.password_env} is not set, so there is no password.", lasting=True
        )
    return _server(
        mailbox,
        mailbox.username or mailbox.address,
        mailbox.imap_host or "",
        mailbox.imap_port or 0,
        mailbox.imap_security or mailbox.smtp_security,
        secret=secret,
        tokens=tokens,
        timeout_seconds=timeout_seconds,
    )


def _server(
    mailbox: Mailbox,
    user: str | None,
    host: str,
    port: int,
    security: str,
    *,
    secret: Secret,
    tokens: Tokens | None,
    timeout_seconds: float,
) -> Server:
    found = secret(mailbox.password_env) if mailbox.password_env else None
    where = (host, port, cast("Security", security))
    if mailbox.auth == PASSWORD or tokens is None:
        return Server(*where, user, found, timeout_seconds)
    return Server(
        *where, user or mailbox.address, None, timeout_seconds, token=tokens.of(mailbox.auth, found)
    )
