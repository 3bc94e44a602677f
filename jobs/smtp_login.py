"""Getting to a mailbox's SMTP server: connect, encrypt, log in, or say in plain words why not.

`Server` and `MailboxDown` serve IMAP as well (jobs/imap.py), which is as strict.

There is no insecure fallback: a server that does not offer STARTTLS, or whose certificate is not valid for
its name, gets neither password nor mail. `none` is for a server on this machine only.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast, get_args

import aiosmtplib

from core.errors import FermataError, Refused
from jobs.cancelling import end
from jobs.smtp_wire import Wire, printable

Security = Literal["tls", "starttls", "none"]
# One method is tried, not each in turn: three refusals for one wrong password lock accounts.
LOGIN_METHODS = ("plain", "login", "cram-md5")


class MailboxDown(FermataError):
    """The mailbox cannot send or be read; the message is one sentence. `lasting`: only a person can mend it."""

    def __init__(self, sentence: str, *, lasting: bool = False) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class Token(Protocol):
    """Gives an access token at each login, good for a while; raises `MailboxDown`."""

    def __call__(self) -> str: ...

    def forget(self) -> None:
        """Take note that a server refused it, so that the next one is fetched anew."""


@dataclass(frozen=True)
class Server:
    """Where and how a mailbox hands over or reads its mail; `hello` is the name given in EHLO, `timeout` is in seconds.

    `token`, for XOAUTH2, takes the place of a password.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 60
    hello: str = "[127.0.0.1]"  # what desktop clients say too: it tells nothing about this machine
    token: Token | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.host or not self.host.isprintable() or " " in self.host:
            raise Refused(f"{ascii(self.host)[:100]} is no host name; write for example smtp.example.com.")
        if self.security not in get_args(Security):
            raise Refused(
                f"Security is tls, starttls or none, not {printable(str(self.security).encode('utf-8', 'replace'))!r}."
            )
        if self.security == "none" and not _is_loopback(self.host):
            raise Refused(
                f"Security none is for a server on this machine only, and {self} is not; use tls or starttls."
            )

    def __str__(self) -> str:
        return f"{printable(self.host.encode('utf-8', 'replace'))}:{self.port}"


@dataclass(frozen=True)
class Welcome:
    """A connection on which mail may be handed over, and what its server offers (names in lower case)."""

    wire: Wire
    extensions: frozenset[str]
    size_limit: int | None  # bytes of one message


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Give the one context of the process: system authorities (or SSL_CERT_FILE), names checked, TLS ≥ 1.2."""
    return ssl.create_default_context()


async def log_in(server: Server) -> Welcome:
    """Connect and log in within the server's timeout; raises `MailboxDown`."""
    attempt = asyncio.ensure_future(_log_in(server))
    try:
        await asyncio.wait({attempt}, timeout=server.timeout)
        if not attempt.done():
            raise _explained(TimeoutError(), server)
    except BaseException:
        try:
            await end(attempt)
        finally:
            if not attempt.cancelled() and attempt.exception() is None:
                attempt.result().wire.break_off("Nobody waits for the connection any more")
        raise
    return attempt.result()


async def _log_in(server: Server) -> Welcome:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=server.timeout,
        local_hostname=server.hello,
        use_tls=server.security == "tls",
        start_tls=False,  # done below, where each failure gets its own sentence
        tls_context=None if server.security == "none" else tls_context(),
    )
    try:
        await _greet(client, server)
        if server.username is not None:
            await _authenticate(client, server)
        return _take_over(client, server)
    except BaseException as error:
        client.close()
        if isinstance(error, (OSError, aiosmtplib.SMTPException, ValueError)):
            raise _explained(error, server) from error
        raise


async def _greet(client: aiosmtplib.SMTP, server: Server) -> None:
    await client.connect()
    await _hello(client)
    if server.security == "starttls":
        if not client.supports_extension("starttls"):
            raise MailboxDown(
                f"{server} does not offer STARTTLS, or something on the way removed it; nothing was sent to it.",
                lasting=True,
            )
        await client.starttls()
        await _hello(client)


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


async def _authenticate(client: aiosmtplib.SMTP, server: Server) -> None:
    username, password = server.username or "", server.password or ""
    if server.token is not None:
        if "xoauth2" not in client.server_auth_methods:
            raise MailboxDown(f"{server} offers no login with an access token (XOAUTH2).", lasting=True)
        try:
            await client.auth_xoauth2(username, await asyncio.to_thread(server.token))
        except aiosmtplib.SMTPAuthenticationError:
            server.token.forget()
            raise
        return
    method = next((name for name in LOGIN_METHODS if name in client.server_auth_methods), None)
    match method:
        case "plain":
            await client.auth_plain(username, password)
        case "login":
            await client.auth_login(username, password)
        case "cram-md5":
            await client.auth_crammd5(username, password)
        case _:
            raise MailboxDown(f"{server} offers no login with user name and password.", lasting=True)


def _take_over(client: aiosmtplib.SMTP, server: Server) -> Welcome:
    if client.transport is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    extensions = frozenset(client.esmtp_extensions)
    size = client.esmtp_extensions.get("size", "").split(" ")[0]
    wire = Wire(
        cast("asyncio.Transport", client.transport),
        pipelining="pipelining" in extensions,
        timeout_seconds=server.timeout,
    )
    return Welcome(wire, extensions, int(size) or None if size.isdecimal() else None)


def _explained(error: Exception, server: Server) -> MailboxDown:
    """Say in one sentence what is wrong, most particular first."""
    cause = error.__cause__ if isinstance(error, aiosmtplib.SMTPConnectError) and error.__cause__ else error
    match cause:
        case ssl.SSLCertVerificationError():
            why = printable(cause.verify_message.encode()).rstrip(".")
            return MailboxDown(f"The certificate of {server} is not valid: {why}.", lasting=True)
        case ssl.SSLError():
            return MailboxDown(
                f"{server} does not speak TLS as it should; check port and security.", lasting=True
            )
        case socket.gaierror():
            return MailboxDown(f"The host name of {server} is not known.")
        case ConnectionRefusedError():
            return MailboxDown(f"Nothing answers at {server}.")
        case TimeoutError():
            return MailboxDown(f"{server} did not answer within {server.timeout:g} seconds.")
        case aiosmtplib.SMTPAuthenticationError() if cause.code >= 500:
            return MailboxDown(refusal(server, _said(cause)), lasting=True)
        case aiosmtplib.SMTPResponseException():
            return MailboxDown(
                f"{server} turned the connection away{_said(cause)}.", lasting=cause.code >= 500
            )
        case ValueError():
            return MailboxDown(f"{server} is no host to connect to.", lasting=True)
    return MailboxDown(f"The connection to {server} was lost before the login was done.")


def refusal(server: Server, said: str) -> str:
    """Give the sentence for a refused login, with what helps where the server's words tell."""
    what = "the access token" if server.token is not None else "the user name or the password"
    hint = ""
    if re.search(r"app(?:lication)?[- ]?(?:specific )?password", said, re.IGNORECASE):
        hint = " It wants an app password: make one in the account's security settings."
    elif re.search(r"authentication is disabled|basic auth", said, re.IGNORECASE):
        hint = " It takes no passwords any more: use OAuth2 (docs/mailboxes.md)."
    return f"{server} refused {what}{said}.{hint}"


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    words = printable(str(error.message).encode("utf-8", "replace"))[:200].rstrip(".")
    return f": {error.code} {words}".rstrip() if error.code > 0 else ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
