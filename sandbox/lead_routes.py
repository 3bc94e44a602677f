"""What the page does on behalf of leads, and the reps' inbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sandbox.leads import Leads

Language = Literal["en", "de", "fr"]
System = Literal["exchange", "gmail", "plain"]


class About(BaseModel):
    mail: str


class Words(About):
    text: str = Field(min_length=1, max_length=8_000)
    colleague: bool = False


class Away(About):
    back_on: date | None = None
    language: Language = "en"
    system: System = "exchange"
    words: str = Field(default="", max_length=4_000)


class Bounced(About):
    hard: bool


class Meeting(About):
    """`at` is a local time in the sandbox's zone; to call off needs none."""

    act: Literal["book", "accept", "move", "call_off"]
    at: datetime | None = None


def lead_routes(leads: Leads, *, zone: str, acted: Callable[[], None]) -> APIRouter:
    """Give the routes; `acted` is told after every act."""
    router = APIRouter(prefix="/sandbox")

    def done(about: About) -> dict[str, Any]:
        acted()
        return {"ok": True, "to": leads.rep_of(about.mail)}

    @router.get("/inbox")
    def inbox() -> dict[str, Any]:
        return {"messages": leads.inbox(), "appointments": leads.appointments()}

    @router.post("/lead/answer")
    def answer(act: Words) -> dict[str, Any]:
        leads.answer(act.mail, act.text, is_colleague=act.colleague)
        return done(act)

    @router.post("/lead/away")
    def away(act: Away) -> dict[str, Any]:
        leads.away(act.mail, back_on=act.back_on, language=act.language, system=act.system, words=act.words)
        return done(act)

    @router.post("/lead/bounce")
    def bounce(act: Bounced) -> dict[str, Any]:
        leads.bounce(act.mail, is_hard=act.hard)
        return done(act)

    @router.post("/lead/complain")
    def complain(act: About) -> dict[str, Any]:
        leads.complain(act.mail)
        return done(act)

    @router.post("/lead/unsubscribe")
    def unsubscribe(act: About) -> dict[str, Any]:
        leads.unsubscribe(act.mail)
        return done(act)

    @router.post("/lead/meeting")
    def meeting(act: Meeting) -> dict[str, Any]:
        at = act.at.replace(tzinfo=ZoneInfo(zone)) if act.at else None
        if act.act == "call_off":
            leads.call_off(act.mail)
        elif at is None:
            raise LookupError("Say when the meeting is.")
        else:
            {"book": leads.book, "accept": leads.accept, "move": leads.move}[act.act](act.mail, at)
        return done(act)

    return router
