"""`fermata doctor`: what is wrong with this installation, in words, and what was looked at and is fine."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

from dns.exception import DNSException
from dns.rdatatype import TXT
from dns.resolver import NXDOMAIN, NoAnswer, Resolver
from redis import Redis
from redis.exceptions import RedisError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy import text
from sqlmodel import col, select

from core.db import Database
from core.models import Mailbox
from core.settings import Settings
from fermata import manifest, wiring
from fermata.mailboxes import faults_of

SLACK_SECONDS = 10
DNS_SECONDS = 5
LATE = timedelta(seconds=60)
# Slack refuses what is signed five minutes apart; a minute is worth mending before.
SELECTORS = (
    "google",
    "selector1",
    "selector2",
    "default",
    "dkim",
    "mail",
    "k1",
    "k2",
    "s1",
    "s2",
    "fm1",
    "protonmail",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `is_fault`: it keeps something from working, or mail out of inboxes."""

    what: str
    words: str
    is_fault: bool = False


def findings(
    db: Database, settings: Settings, *, has_dns: bool = True, resolver: Resolver | None = None
) -> Iterator[Finding]:
    """Give everything there is to say, part by part; nothing is changed and no mail is sent.

    resolver: asks the DNS; None: the one this machine uses.
    """
    yield Finding(
        "versions", f"Fermata {version('fermata')}, Python {platform.python_version()}, {_database(db)}"
    )
    yield from _settings(settings)
    yield from _slack(settings)
    yield from _redis(settings)
    with db.read() as session:
        mailboxes = session.exec(select(Mailbox).order_by(col(Mailbox.address))).all()
    if not mailboxes:
        yield _fault("mailboxes", "There is no mailbox yet; add one with `fermata mailbox add`.")
    for mailbox in mailboxes:
        faults = [_fault(mailbox.address, fault) for fault in faults_of(db, mailbox, settings)]
        yield from faults or [Finding(mailbox.address, "connected and logged in")]
    if has_dns:
        yield from _domains(sorted({mailbox.address.rpartition("@")[2] for mailbox in mailboxes}), resolver)


def _fault(what: str, words: str) -> Finding:
    return Finding(what, words, is_fault=True)


def _database(db: Database) -> str:
    with db.read() as session:
        dialect = db.engine.dialect.name
        asked = "SELECT sqlite_version()" if dialect == "sqlite" else "SHOW server_version"
        return f"{dialect} {session.connection().execute(text(asked)).scalar_one()}, schema up to date"


def _settings(settings: Settings) -> Iterator[Finding]:
    wiring.make_office(settings)  # refuses a key that is too short, or that others can read
    if not settings.base_url:
        yield _fault("settings", "FERMATA_BASE_URL is not set, so mail carries no unsubscribe link.")
    if not settings.channel:
        yield _fault("settings", "FERMATA_CHANNEL is not set, so cards have no channel to go to.")


# Slack


def _slack(settings: Settings) -> Iterator[Finding]:
    token = settings.bot_token.get_secret_value()
    app_token = settings.app_token.get_secret_value()
    if not token:
        yield _fault("Slack", "SLACK_BOT_TOKEN is not set, so there is no bot.")
        return
    if not (app_token or settings.signing_secret.get_secret_value()):
        yield _fault("Slack", "Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP).")
    client = WebClient(token, settings.slack_api_url, timeout=SLACK_SECONDS)
    try:
        asked_at = wiring.now()
        said = client.auth_test()
        headers = {name.lower(): value for name, value in said.headers.items()}
        yield Finding("Slack", f"{said['user']} in {said['team']}")
        yield from _scopes(headers.get("x-oauth-scopes"))
        yield from _clock(headers.get("date"), asked_at)
        if app_token:
            client.apps_connections_open(app_token=app_token)
            yield Finding("Slack", "Socket Mode connects")
    except SlackApiError as refused:
        yield _fault("Slack", f"{refused.response.get('error')}: check SLACK_BOT_TOKEN and SLACK_APP_TOKEN.")
    except (SlackClientError, OSError) as fault:
        yield _fault("Slack", f"It cannot be reached ({type(fault).__name__}).")


def _scopes(said: Any) -> Iterator[Finding]:
    """Give what the app may not do although its manifest asks for it: it was installed from an older one."""
    if not isinstance(said, str):
        return
    granted = {scope.strip() for scope in said.split(",")}
    if lacking := sorted(set(manifest.read()["oauth_config"]["scopes"]["bot"]) - granted):
        yield _fault(
            "Slack", f"The app lacks {', '.join(lacking)}: paste manifest.yml again, then reinstall the app."
        )
    else:
        yield Finding("Slack", "every scope of the manifest is granted")


def _clock(date: Any, asked_at: Any) -> Iterator[Finding]:
    try:
        apart = abs(parsedate_to_datetime(str(date)) - asked_at)
    except (TypeError, ValueError):
        return
    if apart > LATE:
        yield _fault(
            "clock", f"This machine's clock is {apart.total_seconds():.0f} seconds off; set it by NTP."
        )
    else:
        yield Finding("clock", "agrees with Slack's")


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        yield Finding("Redis", "embedded: enough for one process")
        return
    try:
        with Redis.from_url(
            settings.redis_url, socket_timeout=DNS_SECONDS, socket_connect_timeout=DNS_SECONDS
        ) as redis:
            redis.ping()
        yield Finding("Redis", "answers")
    except (RedisError, OSError, ValueError) as fault:
        # It costs a minute of lateness at most (DESIGN G4), but somebody set it and believes that it is there.
        yield _fault("Redis", f"FERMATA_REDIS_URL does not answer ({type(fault).__name__}).")


# What receivers ask the DNS about a sender


def _domains(domains: Sequence[str], resolver: Resolver | None) -> Iterator[Finding]:
    try:
        ask = resolver or Resolver()
        ask.lifetime = DNS_SECONDS
        for domain in domains:
            yield from _domain(ask, domain)
    except DNSException as fault:
        yield Finding("DNS", f"it could not be asked for SPF, DKIM and DMARC ({type(fault).__name__})")


def _domain(ask: Resolver, domain: str) -> Iterator[Finding]:
    spf = [record for record in _texts(ask, domain) if record.lower().startswith("v=spf1")]
    if len(spf) != 1:  # RFC 7208 §3.2: with two, receivers believe neither
        have = f"{len(spf)} SPF records" if spf else "no SPF record"
        yield _fault(domain, f"It has {have}; publish one TXT record “v=spf1 …” as your mail provider says.")
    else:
        yield Finding(domain, "SPF is published")
    if not any(record.startswith("v=DMARC1") for record in _texts(ask, f"_dmarc.{domain}")):
        yield _fault(
            domain, f"It has no DMARC record; publish a TXT record “v=DMARC1; p=none; …” at _dmarc.{domain}."
        )
    else:
        yield Finding(domain, "DMARC is published")
    found = [name for name in SELECTORS if _texts(ask, f"{name}._domainkey.{domain}")]
    words = f"DKIM is published ({', '.join(found)})" if found else (
        "no DKIM key under the usual names; send yourself a mail and look for “dkim=pass” in its source"
    )  # fmt: skip
    yield Finding(domain, words)


def _texts(ask: Resolver, name: str) -> list[str]:
    try:
        return [b"".join(record.strings).decode(errors="replace") for record in ask.resolve(name, TXT)]
    except (NXDOMAIN, NoAnswer):
        return []
