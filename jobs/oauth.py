"""Access tokens for mailboxes of Google and Microsoft: fetched with a refresh token, kept until shortly before they end.

Microsoft gives tokens without a refresh token too, to an application that an administrator let into the mailbox
(client credentials); Google gives none without. What the other side says is told in words, secrets never are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeGuard

import httpx

from jobs.smtp_login import MailboxDown, tls_context
from jobs.smtp_wire import printable

TIMEOUT_SECONDS = 20
SPARE = timedelta(minutes=5)  # a token that ends sooner is not used for a new connection
SHORTEST_LIFE = timedelta(minutes=1)
LONGEST_TOKEN_CHARS = 16_384

# Words of RFC 6749 §5.2 that only a person can mend, and what the person does.
REMEDIES = {
    "invalid_grant": "the permission has ended or was withdrawn; give it again and store the new refresh token",
    "invalid_client": "the client id or the client secret is wrong",
    "unauthorized_client": "the application may not do this; check its permissions",
    "invalid_scope": "the application lacks the permission for IMAP and SMTP",
    "unsupported_grant_type": "the application may not do this; check its permissions",
}


@dataclass(frozen=True)
class Provider:
    """Who gives the tokens. `variables` are the names of its settings, for sentences; `app_scope` None: no tokens without a refresh token."""

    title: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    variables: str = ""
    scope: str | None = None
    app_scope: str | None = None


def google(client_id: str, client_secret: str) -> Provider:
    """Give Google, where a refresh token carries its scope (https://mail.google.com/) with it."""
    return Provider(
        "Google",
        "https://oauth2.googleapis.com/token",
        client_id,
        client_secret,
        "FERMATA_GOOGLE_CLIENT_ID and FERMATA_GOOGLE_CLIENT_SECRET",
    )


def microsoft(client_id: str, client_secret: str, tenant: str) -> Provider:
    """Give Microsoft; `tenant` is the organisation's id, or "common"."""
    return Provider(
        "Microsoft",
        f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        client_id,
        client_secret,
        "FERMATA_MICROSOFT_CLIENT_ID and FERMATA_MICROSOFT_CLIENT_SECRET",
        scope="https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
        app_scope="https://outlook.office365.com/.default",
    )


@dataclass
class _Grant:
    refresh_token: str | None
    access_token: str = ""
    ends_at: datetime | None = None
    lock: Lock = field(default_factory=Lock)


class Tokens:
    """The access tokens of one process; may be called from any thread."""

    def __init__(self, providers: Mapping[str, Provider], *, clock: Callable[[], datetime]) -> None:
        """`providers` by the word that a mailbox's `auth` holds."""
        self._providers = providers
        self._clock = clock
        self._lock = Lock()
        self._grants: dict[str, _Grant] = {}

    def access(self, auth: str, refresh_token: str | None) -> str:
        """Give a token that is good for a while; raises MailboxDown with a sentence."""
        provider = self._provider(auth, refresh_token)
        grant = self._grant(auth, refresh_token)
        with grant.lock:  # the connections of a mailbox ask once, not each
            now = self._clock()
            if grant.ends_at is None or not now < grant.ends_at:
                self._renew(provider, grant, now)
            return grant.access_token

    def forget(self, auth: str, refresh_token: str | None) -> None:
        """Ask anew next time: a server has refused the token although it should be good."""
        self._grant(auth, refresh_token).ends_at = None

    def of(self, auth: str, refresh_token: str | None) -> Bearer:
        """Give the token of one mailbox, as logins want it."""
        return Bearer(self, auth, refresh_token)

    def _provider(self, auth: str, refresh_token: str | None) -> Provider:
        provider = self._providers[auth]
        if not (provider.client_id and provider.client_secret):
            raise MailboxDown(
                f"Set {provider.variables}: they are the application that {provider.title} knows.",
                lasting=True,
            )
        if refresh_token is None and provider.app_scope is None:
            raise MailboxDown(
                f"A mailbox of {provider.title} needs a refresh token; name its variable with --password-env.",
                lasting=True,
            )
        return provider

    def _grant(self, auth: str, refresh_token: str | None) -> _Grant:
        key = hashlib.sha256(f"{auth} {refresh_token or ''}".encode()).hexdigest()
        with self._lock:
            return self._grants.setdefault(key, _Grant(refresh_token))

    def _renew(self, provider: Provider, grant: _Grant, now: datetime) -> None:
        answer = _ask(provider, grant.refresh_token)
        token = answer.get("access_token")
        if not _is_token(token):
            raise MailboxDown(f"{provider.title} gave no usable access token.")
        grant.access_token = token
        grant.ends_at = now + max(_life(answer.get("expires_in")) - SPARE, SHORTEST_LIFE)
        if grant.refresh_token is not None and _is_token(newer := answer.get("refresh_token")):
            grant.refresh_token = (
                newer  # Microsoft gives a younger one each time; the old one stays good for its term
            )


@dataclass(frozen=True)
class Bearer:
    """The token of one mailbox (jobs.smtp_login.Token)."""

    tokens: Tokens = field(repr=False)
    auth: str
    refresh_token: str | None = field(repr=False)

    def __call__(self) -> str:
        return self.tokens.access(self.auth, self.refresh_token)

    def forget(self) -> None:
        """Ask anew next time."""
        self.tokens.forget(self.auth, self.refresh_token)


def _ask(provider: Provider, refresh_token: str | None) -> dict[str, Any]:
    form = {"client_id": provider.client_id, "client_secret": provider.client_secret}
    if refresh_token is None:
        form |= {"grant_type": "client_credentials", "scope": provider.app_scope or ""}
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
        form |= {"scope": provider.scope} if provider.scope else {}
    try:
        with httpx.Client(verify=tls_context(), timeout=TIMEOUT_SECONDS) as client:
            response = client.post(provider.token_url, data=form)
    except httpx.TimeoutException:
        raise MailboxDown(
            f"{provider.title} did not answer within {TIMEOUT_SECONDS} seconds when asked for a token."
        ) from None
    except httpx.HTTPError:
        raise MailboxDown(f"{provider.title} could not be reached for a token.") from None
    return _read(provider, response)


def _read(provider: Provider, response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    if response.is_success:
        return answer
    error = str(answer.get("error", ""))
    said = printable(str(answer.get("error_description", "")).encode("utf-8", "replace"))[:200].rstrip(".")
    remedy = REMEDIES.get(error)
    because = remedy or said or f"it answered {response.status_code}"
    detail = f" (it says: {said})" if remedy and said else ""
    raise MailboxDown(
        f"{provider.title} gives no access token: {because}{detail}.", lasting=remedy is not None
    )


def _is_token(value: object) -> TypeGuard[str]:
    """Say whether it can stand in a login: printable ASCII without spaces, of bounded length."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_TOKEN_CHARS
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _life(value: object) -> timedelta:
    try:
        return timedelta(seconds=min(max(float(value), 0), 86_400))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return timedelta(hours=1)
