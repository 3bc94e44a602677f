"""Tokens of the API and hooks, as admins handle them in Slack: made and revoked, and listed."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core import api_tokens
from core.answers import Answer, Row
from core.dates import say
from core.grammar import commands as orders
from core.outgoing import book
from core.people import Actor
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.words import counted, listed

NONE_YET = "There is no token. Make one with `token add NAME read act`."
NO_HOOKS = "No hook is on. Add one on the server with `fermata hook add URL`."


def token(session: Session, order: orders.Token, *, actor: Actor, now: datetime) -> Outcome:
    """Make a token, which this one answer shows; revoke one; or list them."""
    name = order.name or ""
    match order.verb:
        case "add":
            made = api_tokens.add(session, name, order.scopes, actor=actor, now=now)
            line = "Keep it now: it is shown this once, and only its hash is stored."
            return Outcome(Answer(f"The token {name.lower()} may {listed(order.scopes)}: {made}", (line,)))
        case "revoke":
            api_tokens.revoke(session, name, actor=actor, now=now)
            return Outcome(Answer(f"The token {name.lower()} opens nothing any more."))
        case "list":
            return Outcome(_tokens(session, actor))


def _tokens(session: Session, actor: Actor) -> Answer:
    zone, _ = zone_of(session, actor)
    rows = [
        Row(
            one.name,
            f"{listed(one.scopes)}; {f'last used {say(one.used_at, zone)}' if one.used_at else 'never used'}",
        )
        for one in api_tokens.living(session)
    ]
    return Answer(counted(len(rows), "token") + "." if rows else NONE_YET, rows=tuple(rows))


def hooks(session: Session, order: orders.Hooks, *, actor: Actor, now: datetime) -> Answer:
    """Give the addresses that are told what happens."""
    del order, actor, now
    rows = [
        Row(
            f"{hook.id}. {hook.url}",
            f"{counted(len(hook.events), 'kind')} of event; {waits:,} waiting, {lost:,} given up",
        )
        for hook, waits, lost in book.standing(session)
    ]
    return Answer(counted(len(rows), "hook") + "." if rows else NO_HOOKS, rows=tuple(rows))
