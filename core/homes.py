"""Whose App Home is kept up to date: whoever opened theirs within a day.

A Home is a card whose channel is the person, whose `created_at` is when they opened it or pressed something on it last, and
whose `ts` is the hash of the view that was published last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event, exists, or_, text, update
from sqlalchemy import select as sql
from sqlalchemy.orm import Session as AnySession
from sqlmodel import Session, col, delete

from core.db import upsert
from core.many import IsOne
from core.models import Absence, Card, Lead

KIND = "home"
KEPT = timedelta(days=1)  # opening it anew brings it back
PACE = timedelta(seconds=10)  # between redraws that its person did not ask for: mails leave by the second
IDS_AT_ONCE = 5000
_TOUCHED, _ALL = "homes", 0
_CARDS = Card.__table__  # type: ignore[attr-defined]
_LEADS = Lead.__table__  # type: ignore[attr-defined]
_ABSENCES = Absence.__table__  # type: ignore[attr-defined]


def opened(session: Session, user_id: str, *, now: datetime) -> None:
    """Want a person's Home drawn at once, and kept up to date from now on; those that are old no longer are."""
    key_ = col(Card.key)
    session.execute(
        delete(Card).where(key_ >= f"{KIND}:U", key_ < f"{KIND}:X", col(Card.created_at) < now - KEPT)
    )
    values = {
        "key": key(user_id),
        "kind": KIND,
        "channel": user_id,
        "created_at": now,
        "wanted": 1,
        "drawn": 0,
        "tries": 0,
    }
    again = {"created_at": now, "wanted": _CARDS.c.wanted + 1}
    place = upsert(session, _CARDS).values(values)
    session.execute(place.on_conflict_do_update(index_elements=["key"], set_=again))


def forget(session: Session, user_id: str) -> None:
    """Keep a person's Home up to date no longer."""
    session.execute(delete(Card).where(col(Card.key) == key(user_id)))


def key(user_id: str) -> str:
    """Give the key of the one card of a person's Home."""
    return f"{KIND}:{user_id}"


def touch_person(session: Session, user_id: str, *, now: datetime) -> None:
    """Want a person's own Home redrawn at once, where there is one."""
    again = {"created_at": now, "wanted": _CARDS.c.wanted + 1}
    session.execute(update(_CARDS).where(_CARDS.c.key == key(user_id)).values(again))


def touch(session: Session, *, lead_ids: Iterable[int]) -> None:
    """Want a redraw of the Homes on which these leads may stand: of owners, of whoever covers, of people who own none."""
    session.info.setdefault(_TOUCHED, set()).update(lead_ids)


def touch_all(session: Session) -> None:
    """Want a redraw of every Home: a sequence, a mailbox or the workspace changed."""
    touch(session, lead_ids=[_ALL])


# By the unique key: no other index knows which cards are Homes. Their ids begin with U or W.
_HOME = _CARDS.alias("home")
_IS_HOME = (_HOME.c.key >= f"{KIND}:U", _HOME.c.key < f"{KIND}:X")
_IS_CONCERNED = or_(
    _HOME.c.channel.in_(sql(_LEADS.c.owner).where(IsOne(_LEADS.c.id))),
    _HOME.c.channel.in_(sql(_ABSENCES.c.cover).where(text("absence.ended_at IS NULL"))),
    ~exists().where(_LEADS.c.owner == _HOME.c.channel),
)


def _redraw(*conditions: Any) -> Any:
    # Locked in one order, so that two acts on the same leads never wait for each other.
    homes = sql(_HOME.c.id).where(*conditions).order_by(_HOME.c.id).with_for_update()
    return update(_CARDS).where(_CARDS.c.id.in_(homes)).values(wanted=_CARDS.c.wanted + 1)


_TOUCH, _TOUCH_ALL = _redraw(*_IS_HOME, _IS_CONCERNED), _redraw(*_IS_HOME)


@event.listens_for(AnySession, "before_commit")
def _touched(session: AnySession) -> None:
    """Write the wishes of a transaction as its very last statement: these rows are shared by many, and held briefly so."""
    lead_ids = session.info.pop(_TOUCHED, None)
    if not lead_ids:
        return
    if _ALL in lead_ids or len(lead_ids) > IDS_AT_ONCE:  # of so many leads nearly everybody owns some
        session.connection().execute(_TOUCH_ALL)
    else:
        session.connection().execute(_TOUCH, {"ids": list(lead_ids)})
