"""What is to be told now, and what became of it: in order for each lead, tried until it is taken or given up."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from core import cards
from core.db import Database
from core.journal import note
from core.ledger import iso
from core.models import Hook, HookEvent, Lead, Sequence
from core.outgoing import HOOK_EVENTS
from core.people import SYSTEM

AT_ONCE = 40
LEASE = timedelta(minutes=2)  # longer than AT_ONCE of them can take
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RETRY_AFTER = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 24 * HOUR)
MOST_TRIES = len(RETRY_AFTER) + 1
LONGEST_FAULT_CHARS = 200
GONE = 410


@dataclass(frozen=True)
class Telling:
    """One event on its way to one hook; `secret` is locked."""

    id: int
    url: str
    secret: str
    body: bytes
    tries: int


@dataclass(frozen=True)
class Told:
    """How it went. `fault` None: taken. `status`: what was answered, None where nobody did."""

    telling: Telling
    fault: str | None = None
    status: int | None = None


def sign(secret: str, body: bytes, *, now: datetime) -> str:
    """Give the header that proves who tells, as those who tell us send it."""
    stamp = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def hooks_due(session: Session, *, now: datetime) -> list[int]:
    """Give the hooks that are on and have something to be told now."""
    event = select(HOOK_EVENTS.c.id).where(HOOK_EVENTS.c.hook_id == col(Hook.id), *_due(HookEvent, now))
    on = select(col(Hook.id)).where(col(Hook.off_at).is_(None), event.exists()).order_by(col(Hook.id))
    return list(session.scalars(on))


def claim(db: Database, hook_id: int, *, now: datetime) -> list[Telling]:
    """Give what this hook is told next, of each lead the oldest; nobody else tells it within the lease."""
    with db.read() as session:
        if not (heads := _heads(session, hook_id, now)):
            return []
    with db.write() as session:
        taken = (
            update(HOOK_EVENTS)
            .where(HOOK_EVENTS.c.id.in_(heads), *_due(HookEvent, now))
            .values(retry_at=now + LEASE, tries=HOOK_EVENTS.c.tries + 1)
            .returning(HOOK_EVENTS.c.id)
        )
        ids = list(session.connection().execute(taken).scalars())
        query = (
            select(HookEvent, Hook, Lead, col(Sequence.name))
            .join(Hook, col(Hook.id) == col(HookEvent.hook_id))
            .outerjoin(Lead, col(Lead.id) == col(HookEvent.lead_id))
            .outerjoin(Sequence, col(Sequence.id) == HOOK_EVENTS.c.payload["sequence_id"].as_integer())
            .where(col(HookEvent.id).in_(ids), col(Hook.off_at).is_(None))
            .order_by(col(HookEvent.id))
        )
        return [_telling(*row) for row in session.execute(query)]


def _due(event: type[HookEvent], now: datetime) -> list[ColumnElement[bool]]:
    waits = col(event.retry_at).is_(None) | (col(event.retry_at) <= now)
    return [*_untold(event), waits]


def _untold(event: type[HookEvent]) -> list[ColumnElement[bool]]:
    return [col(event.told_at).is_(None), col(event.given_up_at).is_(None)]


def _heads(session: Session, hook_id: int, now: datetime) -> list[int]:
    earlier = aliased(HookEvent)
    of_hook = (col(HookEvent.hook_id) == hook_id, *_untold(HookEvent))
    waits_for = (
        select(col(earlier.id))
        .where(col(earlier.hook_id) == hook_id, col(earlier.lead_id) == col(HookEvent.lead_id),
               col(earlier.id) < col(HookEvent.id), *_untold(earlier))
        .exists()
    )  # fmt: skip
    of_leads = select(col(HookEvent.id)).where(
        *of_hook, *_due(HookEvent, now), col(HookEvent.lead_id).is_not(None), ~waits_for
    )
    heads = list(session.scalars(of_leads.order_by(col(HookEvent.lead_id), col(HookEvent.id)).limit(AT_ONCE)))
    # What is about no lead, such as a halt, is told in order too.
    first = select(HookEvent).where(*of_hook, col(HookEvent.lead_id).is_(None)).order_by(col(HookEvent.id))
    whole = session.scalars(first.limit(1)).first()
    if whole is not None and (whole.retry_at is None or whole.retry_at <= now):
        heads.append(whole.id)
    return [i for i in heads if i is not None]


def _telling(row: HookEvent, hook: Hook, lead: Lead | None, sequence: str | None) -> Telling:
    kept = row.payload
    body = {
        "id": f"{row.id}",
        "event": row.event,
        "at": iso(row.created_at),
        "lead": _of(lead) if lead else None,
        "sequence": sequence,
        **{name: kept.get(name) for name in ("actor", "reason", "was", "became")},
    }
    return Telling(row.id or 0, hook.url, hook.secret, json.dumps(body).encode(), row.tries)


def _of(lead: Lead) -> dict[str, Any]:
    names = ("email", "name", "first_name", "last_name", "company", "stage", "owner")
    return {name: getattr(lead, name) for name in names}


def record(db: Database, results: Iterable[Told], *, now: datetime) -> None:
    """Write down how it went: told, to be tried again, or given up; a hook that is gone is turned off."""
    with db.write() as session:
        for result in results:
            row = session.get(HookEvent, result.telling.id)
            if row is None or row.told_at or row.given_up_at:  # erased meanwhile, or turned off
                continue
            if result.fault is None:
                row.told_at, row.fault = now, None
            else:
                row.fault = result.fault[:LONGEST_FAULT_CHARS]
                if row.tries >= MOST_TRIES:
                    row.given_up_at = now
                    _show(session, row.hook_id, now)
                else:
                    row.retry_at = now + RETRY_AFTER[row.tries - 1]
            session.add(row)
            session.flush()
            if result.status == GONE:
                turn_off(session, row.hook_id, "it answered 410 Gone", now=now)


def turn_off(session: Session, hook_id: int, because: str, *, now: datetime) -> None:
    """Tell a hook nothing any more, nor what it had not been told."""
    hook = session.get_one(Hook, hook_id)
    if hook.off_at is not None:
        return
    hook.off_at, hook.off_because = now, because
    session.add(hook)
    untold = (col(HookEvent.hook_id) == hook_id, *_untold(HookEvent))
    session.execute(update(HookEvent).where(*untold).values(given_up_at=now, fault=because))
    note(session, "hook off", actor=SYSTEM, now=now, reason=f"{hook.url}: {because}")
    _show(session, hook_id, now)


def _show(session: Session, hook_id: int, now: datetime) -> None:
    cards.show(session, f"hook:{hook_id}", channel=cards.channel_of(session, None), about_id=hook_id, now=now)
