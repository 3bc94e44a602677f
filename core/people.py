"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person or part of Fermata: a Slack user id, `cli:<user>` or `system`; `zone` is where their words are read.

    `is_bound`: mail may go on only to leads of their own (core/permissions.py).
    """

    id: str
    name: str
    zone: str = "UTC"
    is_bound: bool = False


SYSTEM = Actor("system", "Fermata")
