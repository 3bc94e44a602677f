"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person or part of Fermata: a Slack user id, `cli:<user>` or `system`; `zone` is where their words are read."""

    id: str
    name: str
    zone: str = "UTC"


SYSTEM = Actor("system", "Fermata")
