"""The addresses that are told: added with their secret, listed, turned off, and their secrets encrypted anew."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, insert
from sqlmodel import Session, col, func, select

from core.errors import Refused
from core.journal import note
from core.models import LARGEST_ID, Hook, HookEvent
from core.outgoing import EVENTS, HOOK_EVENTS
from core.people import Actor
from core.plain import is_forbidden, shown
from core.secrets import Vault
from core.words import listed

PREFIX = "whs_"
LONGEST_URL_CHARS = 2_000
TEST = "test"


def add(
    session: Session, vault: Vault, url: str, events: Iterable[str], *, actor: Actor, now: datetime
) -> tuple[Hook, str]:
    """Give a new hook and its secret, which is shown once; raises Refused for what cannot be told."""
    check_url(url)
    wanted = list(dict.fromkeys(events)) or list(EVENTS)
    if unknown := [one for one in wanted if one not in EVENTS]:
        raise Refused(f"There is no event “{shown(unknown[0])}”; there are {listed(EVENTS)}.")
    if session.exec(select(Hook.id).where(Hook.url == url, col(Hook.off_at).is_(None))).first():
        raise Refused("That address is told already; turn its hook off first.")
    secret = PREFIX + secrets.token_urlsafe(32)
    hook = Hook(url=url, secret=vault.lock(secret), events=wanted, created_at=now, created_by=actor.id)
    session.add(hook)
    session.flush()
    note(session, "add hook", actor=actor, now=now, reason=f"{url}: {listed(wanted)}")
    return hook, secret


def check_url(url: str) -> None:
    """Raise Refused for an address to which nothing is sent: only https, and http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not host or is_forbidden(url) or not url.isascii() or " " in url or len(url) > LONGEST_URL_CHARS:
        raise Refused("That is no address; write it like https://crm.example.com/hooks/fermata.")
    if parts.username or parts.password or parts.fragment:
        raise Refused("Leave user, password and # out of the address; what is sent is signed instead.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host)):
        raise Refused("The address must begin with https://; http:// is for this machine only.")


def is_this_machine(host: str) -> bool:
    """Say whether a host names this machine by itself, whatever the DNS says."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def off(session: Session, hook_id: int, *, actor: Actor, now: datetime) -> Hook:
    """Turn a hook off; raises Refused where there is none of this number."""
    from core.outgoing.delivering import turn_off

    hook = find(session, hook_id)
    turn_off(session, hook_id, f"turned off by {actor.name}", now=now)
    return hook


def find(session: Session, hook_id: int) -> Hook:
    """Give a hook that is on; raises Refused where there is none of this number."""
    hook = session.get(Hook, hook_id) if 0 < hook_id <= LARGEST_ID else None
    if hook is None or hook.off_at is not None:
        raise Refused(f"No hook of number {hook_id} is on; `fermata hook list` shows them.")
    return hook


def test(session: Session, hook_id: int, *, actor: Actor, now: datetime) -> None:
    """Have a hook told of nothing but a test."""
    kept = {"actor": actor.id, "reason": "a test of this hook"}
    find(session, hook_id)
    session.execute(
        insert(HOOK_EVENTS).values(hook_id=hook_id, event=TEST, payload=kept, created_at=now, tries=0)
    )


def standing(session: Session) -> list[tuple[Hook, int, int]]:
    """Give the hooks that are on, oldest first, each with how many events wait and how many were given up."""
    hooks = session.exec(select(Hook).where(col(Hook.off_at).is_(None)).order_by(col(Hook.id))).all()
    waiting = _count(session, col(HookEvent.told_at).is_(None), col(HookEvent.given_up_at).is_(None))
    given_up = _count(session, col(HookEvent.given_up_at).is_not(None))
    return [(hook, waiting.get(hook.id or 0, 0), given_up.get(hook.id or 0, 0)) for hook in hooks]


def _count(session: Session, *which: ColumnElement[bool]) -> dict[int, int]:
    query = select(HookEvent.hook_id, func.count()).where(*which).group_by(col(HookEvent.hook_id))
    return dict(session.exec(query).all())


def check_key(session: Session, vault: Vault) -> None:
    """Raise Refused where the secret of a hook that is on cannot be read with any of the keys."""
    for locked in session.exec(select(Hook.secret).where(col(Hook.off_at).is_(None))):
        vault.unlock(locked)


def rotate(session: Session, vault: Vault) -> tuple[int, int]:
    """Encrypt every secret with the newest key; give how many were not, and how many there are.

    Raises Refused, and changes nothing, where one cannot be read with any of the keys.
    """
    hooks = session.exec(select(Hook).order_by(col(Hook.id)).with_for_update()).all()
    stale = [hook for hook in hooks if not vault.is_current(hook.secret)]
    for hook in stale:
        hook.secret = vault.lock(vault.unlock(hook.secret))
        session.add(hook)
    return len(stale), len(hooks)
