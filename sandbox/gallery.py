"""Every card, answer and form in every state, drawn by the bot's own code: the page /gallery shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse

from bot import answers, cards, codec, modals
from bot.codec import Form
from sandbox.slack.blocks import check_message, check_view
from sandbox.specimens import digests, leads, notices, reviews
from sandbox.specimens.leads import NOW

JSON = dict[str, Any]
ZONE = "Europe/Berlin"
FORMS = {"pause": "pause", "resume": "resume on a date", "stop": "stop", codec.AWAY: "out of office until"}
USERS = {"U0ANA": {"name": "Ana Ruiz", "title": "Sales", "tz": ZONE, "bot": False}}


@dataclass(frozen=True)
class Piece:
    """One thing on the wall: `payload` is what Slack would be given."""

    group: str
    name: str
    surface: Literal["message", "modal"]
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
        "Notices and questions": notices.notices(),
        "Daily digest": digests.digests(),
        "Deliveries and tasks": leads.questions(),
    }
    for group, views in groups.items():
        for name, view in views:
            yield Piece(group, name, "message", cards.card(view))
    for name, shown in leads.answers():
        yield Piece("Answers", name, "message", answers.answer(shown))
    for name, payload in _modals():
        yield Piece("Forms", name, "modal", payload)
    wrong = modals.pause_view(Form(codec.PAUSE_LEAD), (), now=NOW, zone=ZONE)
    yield Piece("Forms", "pause a lead: not understood", "modal", wrong, _errors())


def _modals() -> Iterator[tuple[str, JSON]]:
    about = "Ada Winter in Spring outreach"
    for form in sorted(codec.FORMS):
        yield FORMS[form], modals.view(Form(form, 12, 7), about=about, now=NOW, zone=ZONE)
    for name, addresses in (
        ("pause a lead: from the menu", ()),
        ("pause a lead: named in a message", ("ada@lindenhof.example",)),
        ("pause a lead: one of several", ("ada@lindenhof.example", "ben@lindenhof.example")),
    ):
        yield name, modals.pause_view(Form(codec.PAUSE_LEAD), addresses, now=NOW, zone=ZONE)
    yield "a form that cannot be used", modals.refusal(codec.OLD_FORM)


def _errors() -> dict[str, str]:
    """Give the sentences at the fields of a form that was filled in wrongly."""
    filled = {modals.LEAD: "ada@", modals.WHEN: "9/8"}
    values = {block: {codec.action_id(block): {"value": value}} for block, value in filled.items()}
    try:
        modals.order({"values": values}, known=lambda _: {}, now=NOW, zone=ZONE)
    except modals.Wrong as wrong:
        return wrong.errors
    return {}


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
