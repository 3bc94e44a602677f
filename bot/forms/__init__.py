"""The larger forms, a module each: what it shows, how it changes while it is filled in, and what it does.

bot/modals.py keeps the small ones behind a card's menu. A form here is one line of `FORMS` and one `Kind` in its own module;
opening, errors at their fields, redrawing and acting once are the same for all (`bot/listeners`).
"""

from __future__ import annotations

from bot.forms.kinds import Kind, Opened

FORMS: dict[str, Kind] = {}

__all__ = ["FORMS", "Kind", "Opened"]
