"""Leads that a colleague works: found (`rule`), and asked about before somebody else enrolls them (`questions`)."""

from core.collisions.questions import (
    KIND,
    HeldBack,
    State,
    draw,
    expire_due,
    foreseen,
    hold_back,
    is_asking,
    next_expiry,
    settle,
    zone_of,
)
from core.collisions.rule import LIVE_WORDS, Clash, Why, find

__all__ = [
    "KIND",
    "LIVE_WORDS",
    "Clash",
    "HeldBack",
    "State",
    "Why",
    "draw",
    "expire_due",
    "find",
    "foreseen",
    "hold_back",
    "is_asking",
    "next_expiry",
    "settle",
    "zone_of",
]
