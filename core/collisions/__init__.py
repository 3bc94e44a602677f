"""Leads that a colleague works: found (`rule`), and asked about before somebody else enrolls them (`questions`)."""

from core.collisions.questions import (
    KIND,
    LET_IN,
    HeldBack,
    State,
    asked_by,
    draw,
    emails,
    expire_due,
    foreseen,
    hold_back,
    is_asking,
    next_expiry,
    retold,
    settle,
    zone_of,
)
from core.collisions.rule import LIVE_WORDS, Clash, Why, find

__all__ = [
    "KIND",
    "LET_IN",
    "LIVE_WORDS",
    "Clash",
    "HeldBack",
    "State",
    "Why",
    "asked_by",
    "draw",
    "emails",
    "expire_due",
    "find",
    "foreseen",
    "hold_back",
    "is_asking",
    "next_expiry",
    "retold",
    "settle",
    "zone_of",
]
