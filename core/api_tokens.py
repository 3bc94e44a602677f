"""Tokens of the API: made once, shown once, kept as a hash, good for their scopes until they are revoked."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.db import Database
from core.errors import Refused
from core.journal import note
from core.models import ApiToken
from core.people import Actor
from core.plain import shown
from core.words import listed

PREFIX = "fmt_"
TOKEN_BYTES = 32
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is known


class Scope(StrEnum):
    """What a token may do. Whatever changes one of them says so in its name."""

    READ = "read"
    ACT = "act"
    ENROL = "enrol"
    ADMIN = "admin"


@dataclass(frozen=True)
class Bearer:
    """Who calls, as a token tells."""

    token_id: int
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """Give who acts; the zone is the workspace's, and whose lead it is binds only people."""
        return Actor(f"api:{self.name}", f"api:{self.name}", zone="")


def add(session: Session, name: str, scopes: Iterable[str], *, actor: Actor, now: datetime) -> str:
    """Give a new token, which nobody can read again; raises Refused for a name or scope that cannot be."""
    name, wanted = name.lower(), list(dict.fromkeys(scopes))
    if not NAME.fullmatch(name):
        raise Refused(
            f"“{shown(name)}” is no name of a token; write up to 40 letters, digits, dots and dashes."
        )
    if unknown := [one for one in wanted if one not in set(Scope)]:
        raise Refused(f"There is no scope “{shown(unknown[0])}”; there are {listed(Scope)}.")
    if not wanted:
        raise Refused(f"Say what the token may do: {listed(Scope, 'or')}.")
    if _named(session, name):
        raise Refused(f"There is a token “{name}” already; revoke it, or take another name.")
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    session.add(ApiToken(name=name, hash=_hash(token), scopes=wanted, created_at=now, created_by=actor.id))
    note(session, "add token", actor=actor, now=now, reason=f"{name}: {listed(wanted)}")
    return token


def revoke(session: Session, name: str, *, actor: Actor, now: datetime) -> None:
    """Let a token open nothing any more; raises Refused where there is none of this name."""
    row = _named(session, name.lower())
    if row is None:
        raise Refused(f"There is no token “{shown(name)}”; `token list` shows them.")
    row.revoked_at, row.revoked_by = now, actor.id
    session.add(row)
    note(session, "revoke token", actor=actor, now=now, reason=row.name)


def living(session: Session) -> Sequence[ApiToken]:
    """Give the tokens that open something, by name."""
    return session.exec(
        select(ApiToken).where(col(ApiToken.revoked_at).is_(None)).order_by(ApiToken.name)
    ).all()


def bearer(db: Database, token: str, *, now: datetime) -> Bearer | None:
    """Give who bears a token, None for one that opens nothing; notes its use, once a minute at most."""
    if not token.startswith(PREFIX) or not token.isascii():
        return None
    digest = _hash(token)
    with db.read() as session:
        # A hash of 32 random bytes: how long the look-up takes says nothing about a token that is not known already.
        row = session.exec(select(ApiToken).where(ApiToken.hash == digest)).first()
    if row is None or row.id is None or row.revoked_at or not hmac.compare_digest(row.hash, digest):
        return None
    if row.used_at is None or now - row.used_at >= USED_EVERY:
        with db.write() as session:
            session.execute(update(ApiToken).where(col(ApiToken.id) == row.id).values(used_at=now))
    return Bearer(row.id, row.name, frozenset(row.scopes))


def _named(session: Session, name: str) -> ApiToken | None:
    return session.exec(
        select(ApiToken).where(ApiToken.name == name, col(ApiToken.revoked_at).is_(None)).with_for_update()
    ).first()


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
