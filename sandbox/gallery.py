"""Every card, answer and form in every state, drawn by the bot's own code: the page /gallery shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from bot import answers, cards, charts
from sandbox.slack.blocks import check_message, check_view
from sandbox.specimens import (
    collisions,
    digests,
    enrol,
    fallen,
    flow,
    forms,
    goals,
    guard,
    homes,
    hooks,
    leads,
    life,
    notices,
    people,
    preview,
    replies,
    reviews,
    settings,
    stats,
    weekly,
)

JSON = dict[str, Any]
ZONE = "Europe/Berlin"
USERS = {"U0ANA": {"name": "Ana Ruiz", "title": "Sales", "tz": ZONE, "bot": False}}


@dataclass(frozen=True)
class Piece:
    """One thing on the wall: `payload` is what Slack would be given."""

    group: str
    name: str
    surface: Literal["message", "modal", "home"]
    payload: JSON
    errors: dict[str, str] = field(default_factory=dict)  # at a form's fields, by block

    def faults(self) -> list[str]:
        """Give what Slack would refuse; empty is good."""
        return check_message(self.payload) if self.surface == "message" else check_view(self.payload)


@cache
def pieces() -> tuple[Piece, ...]:
    """Give everything that people can see in Slack."""
    return tuple(_pieces())


def _pieces() -> Iterator[Piece]:
    groups = {
        "Lead card": leads.leads(),
        "Review card": reviews.reviews(),
        "Answers to leads": replies.cards(),
        "Notices and questions": notices.notices(),
        "A colleague's leads": collisions.collisions(),
        "Held by the guard": guard.guards(),
        "Absences and reminders": people.cards(),
        "Goals": goals.cards(),
        "Daily digest": digests.digests(),
        "Weekly report": weekly.reports(),
        "Figures": stats.cards(),
        "The days to come": preview.forecasts(),
        "A lead's path": preview.paths(),
        "Deliveries and tasks": leads.questions(),
        "Telling other systems": hooks.hooks(),
        "A sequence's life": life.cards(),
        "Tasks and conditions": flow.cards(),
    }
    for group, views in groups.items():
        for name, view in views:
            yield Piece(group, name, "message", cards.card(view))
    for name, payload in fallen.fallen():
        yield Piece("Without its channel", name, "message", payload)
    for name, view in homes.homes():
        yield Piece("App Home", name, "home", cards.card(view))
    for name, shown in (
        *leads.answers(),
        *hooks.answers(),
        *life.answers(),
        *guard.mailboxes(),
        *collisions.previews(),
        *people.answers(),
        *stats.answers(),
        *preview.answers(),
        *goals.answers(),
        *flow.answers(),
    ):
        yield Piece("Answers", name, "message", answers.answer(shown))
    for name, payload, errors in (
        *forms.forms(),
        *replies.forms(),
        *enrol.enrolments(),
        *settings.all_settings(),
        *life.forms(),
        *preview.forms(),
    ):
        yield Piece("Forms", name, "modal", payload, errors)


def picture(file_id: str) -> Response:
    """Give the picture of a specimen."""
    chart = (weekly.PICTURES | stats.PICTURES | preview.PICTURES).get(file_id)
    return Response(charts.drawn(chart), media_type="image/png") if chart else Response(status_code=404)


def gallery_routes(page: Path) -> APIRouter:
    """Give the page and what it shows."""
    router = APIRouter()

    @router.get("/gallery")
    def gallery() -> FileResponse:
        return FileResponse(page / "gallery.html")

    @router.get("/sandbox/gallery")
    def shown() -> JSON:
        found = [
            {
                "group": one.group,
                "name": one.name,
                "surface": one.surface,
                "text": one.payload.get("text", ""),
                "title": one.payload.get("title", {}).get("text", ""),
                "submit": one.payload.get("submit", {}).get("text", ""),
                "blocks": one.payload.get("blocks", []),
                "errors": one.errors,
                "faults": one.faults(),
            }
            for one in pieces()
        ]
        return {"pieces": found, "users": USERS, "zone": ZONE}

    return router
