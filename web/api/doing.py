"""The part of the API that acts: each call is one command, as the command line would give it, and one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import IntegrityError

from core import api_views, enrolling, grammar, leads, sequences
from core.answers import Answer
from core.api_tokens import Scope
from core.commands import carry_out
from core.enrolling import Preview
from core.errors import Refused
from core.grammar import Who
from core.grammar import commands as orders
from core.lead_file.row import LeadRow, lead_of
from core.models import Batch
from core.verbs.choosing import lead_ids
from web.api import shapes
from web.api.guard import SCOPE, Guard, Unclear, idempotency_key

ACT, ENROL, ADMIN = ({SCOPE: scope.value} for scope in (Scope.ACT, Scope.ENROL, Scope.ADMIN))


def routes(guard: Guard) -> APIRouter:
    """Give the routes."""
    router = guard.router()
    router.dependencies.append(Depends(idempotency_key))
    _of_leads(router, guard)
    _of_sequences(router, guard)
    return router


def _of_leads(router: APIRouter, guard: Guard) -> None:
    db = guard.desk.db

    def on_lead(request: Request, email: str, order: Callable[[Who], Any]) -> dict[str, Any]:
        with db.read() as session:
            who = Who(addresses=(api_views.find_lead(session, email).email,))
        return _did(guard, request, order(who))

    def save(row: LeadRow, request: Request) -> leads.Saving:
        with db.write() as session:
            if enrolling.suppressed(session, [row.email]):
                raise Refused(f"{row.email} is suppressed and gets no mail; nothing was changed.")
            return leads.save(session, [row], actor=request.state.actor, now=guard.clock())[row.email][1]

    @router.put("/leads/{email}", response_model=shapes.WholeLead, openapi_extra=ENROL,
                responses={201: {"model": shapes.WholeLead, "description": "It is new."}})  # fmt: skip
    def put(email: str, asked: shapes.PutLead, request: Request, response: Response) -> Any:
        row = _row(email, asked)
        try:
            saved = save(row, request)
        except IntegrityError:  # somebody made the same lead at the same moment: now it is there
            saved = save(row, request)
        response.status_code = 201 if saved is leads.Saving.NEW else 200
        with db.read() as session:
            return api_views.lead(session, api_views.find_lead(session, row.email), now=guard.clock())

    @router.post("/leads/{email}/pause", response_model=shapes.Done, openapi_extra=ACT)
    def pause(email: str, request: Request, asked: shapes.Pause | None = None) -> Any:
        asked = asked or shapes.Pause()
        where = asked.sequence or orders.EVERYWHERE
        return on_lead(
            request, email, lambda who: orders.Pause(who, where, asked.until, None, asked.reason, asked.then)
        )

    @router.post("/leads/{email}/resume", response_model=shapes.Done, openapi_extra=ACT)
    def resume(email: str, request: Request, asked: shapes.Resume | None = None) -> Any:
        asked = asked or shapes.Resume()
        if asked.policy and asked.on:
            raise Unclear("Say either `policy` or `on`, not both.")
        where = asked.sequence or orders.EVERYWHERE
        return on_lead(request, email, lambda who: orders.Resume(who, where, asked.policy, asked.on))

    @router.post("/leads/{email}/stop", response_model=shapes.Done, openapi_extra=ACT)
    def stop(email: str, request: Request, asked: shapes.Stop | None = None) -> Any:
        asked = asked or shapes.Stop()
        return on_lead(request, email, lambda who: orders.Stop(who, asked.sequence, asked.reason))

    @router.post("/leads/{email}/skip", response_model=shapes.Done, openapi_extra=ACT)
    def skip(email: str, asked: shapes.Skip, request: Request) -> Any:
        return on_lead(request, email, lambda who: orders.Skip(who, asked.sequence))

    @router.post("/leads/{email}/unskip", response_model=shapes.Done, openapi_extra=ACT)
    def unskip(email: str, asked: shapes.Skip, request: Request) -> Any:
        return on_lead(request, email, lambda who: orders.Unskip(who, asked.sequence))

    @router.post("/leads/{email}/tags", response_model=shapes.Lead, openapi_extra=ACT)
    def tags(email: str, asked: shapes.Tags, request: Request) -> Any:
        with db.read() as session:
            row = api_views.find_lead(session, email)
            known = api_views.tags_of(session, [row.id or 0]).get(row.id or 0, [])
        who = Who(addresses=(row.email,))
        wanted = [orders.Tag("tag", who, tag) for tag in dict.fromkeys(asked.add) if tag not in known]
        unwanted = [orders.Tag("untag", who, tag) for tag in dict.fromkeys(asked.remove) if tag in known]
        for order in (*wanted, *unwanted):
            _did(guard, request, order)
        with db.read() as session:
            return api_views.lead_words(row, api_views.tags_of(session, [row.id or 0]).get(row.id or 0, []))

    @router.post("/enrol", response_model=shapes.Enrolled, openapi_extra=ENROL)
    def enrol(asked: shapes.Enrol, request: Request) -> Any:
        if bool(asked.leads) == bool(asked.filter):
            raise Unclear("Name either `leads` or a `filter`.")
        shown, name, told = _shown(guard, request, asked)
        if asked.preview:
            title = f"{len(shown.enrolled):,} would be enrolled in {name}."
            return {"done": title, "lines": [], "batch": None, "enrolled": len(shown.enrolled), **told}
        ids = [one.lead_id or 0 for people in (shown.enrolled, *shown.skipped.values()) for one in people]
        order = orders.Start(Who(), name) if asked.again else orders.Enrol(sequence=name)
        try:
            did = _did(guard, request, order, only=ids)
        except Refused:
            shown, name, told = _shown(guard, request, asked)
            if told["left_out"].keys() != {enrolling.Why.THERE} or shown.enrolled:
                raise
            title = f"All are in {name} already; nothing was changed."
            return {"done": title, "lines": [], "batch": None, "enrolled": 0, **told}
        with db.read() as session:
            enrolled = session.get_one(Batch, did["batch"]).size if did["batch"] else 0
        return {**did, "enrolled": enrolled, **told}


def _of_sequences(router: APIRouter, guard: Guard) -> None:
    @router.post("/sequences/{name}/pause", response_model=shapes.Done, openapi_extra=ACT)
    def pause(name: str, request: Request) -> Any:
        return turn(request, "pause", name)

    @router.post("/sequences/{name}/resume", response_model=shapes.Done, openapi_extra=ACT)
    def resume(name: str, request: Request) -> Any:
        return turn(request, "resume", name)

    def turn(request: Request, verb: Any, name: str) -> dict[str, Any]:
        with guard.desk.db.read() as session:
            found = api_views.find_sequence(session, name).name
        return _did(guard, request, orders.SequenceVerb(verb, found))

    @router.post("/halt", response_model=shapes.Done, openapi_extra=ACT)
    def halt(request: Request, asked: shapes.Halt | None = None) -> Any:
        return _did(guard, request, orders.Halt(asked.reason if asked else None))

    @router.post("/unhalt", response_model=shapes.Done, openapi_extra=ADMIN)
    def unhalt(request: Request) -> Any:
        return _did(guard, request, orders.Unhalt())


def _did(guard: Guard, request: Request, order: Any, *, only: list[int] | None = None) -> dict[str, Any]:
    """Carry an order out and give what was done; raises Refused."""
    said: Answer = carry_out(guard.desk, order, actor=request.state.actor, now=guard.clock(), only=only)
    if said.is_refusal:
        raise Refused(" ".join((said.title, *said.lines)))
    return {"done": said.title, "lines": list(said.lines), "batch": said.batch_id}


def _shown(guard: Guard, request: Request, asked: shapes.Enrol) -> tuple[Preview, str, dict[str, Any]]:
    """Give who would be enrolled, the sequence, and what the answer tells of single leads; raises Refused for too many."""
    actor, now = request.state.actor, guard.clock()
    unknown: list[api_views.LeftOut] = []
    with guard.desk.db.read() as session:
        row = sequences.find(session, asked.sequence)
        if asked.leads:
            ids, unknown = api_views.lead_ids(session, asked.leads)
        else:
            ids = lead_ids(session, grammar.who(asked.filter or ""), actor=actor)
        if len(ids) > shapes.MOST_LEADS:
            raise Refused(f"Those are {len(ids):,} leads; {shapes.MOST_LEADS:,} are the most of one call.")
        shown = enrolling.preview(session, ids, row.id or 0, actor=actor, now=now)
        anew = (*shown.enrolled, *(shown.skipped.get(enrolling.Why.BEFORE, ()) if asked.again else ()))
        clashes = api_views.collisions(session, anew, actor=actor, now=now)
    people = [
        api_views.left_out(one.email, why.value, enrolling.sentence(why, one.email, row.name, one.why))
        for why, those in shown.skipped.items()
        if not (asked.again and why is enrolling.Why.BEFORE)
        for one in those
    ] + unknown
    counts = dict(Counter(one["why"] for one in people))
    return shown, row.name, {"left_out": counts, "left_out_leads": people, "collisions": clashes}


def _row(email: str, asked: shapes.PutLead) -> LeadRow:
    """Give the lead as a file would: by the same rules."""
    custom = {name: text for name, text in asked.custom.items() if text}
    fields = {name: value for name, value in asked.model_dump(exclude={"tags", "custom"}).items() if value}
    if twice := sorted(custom.keys() & {*shapes.PutLead.model_fields, "email"}):
        raise Unclear(f"“{twice[0]}” is a field of every lead, not a custom one.")
    cells = {"email": email, **fields, "tags": ";".join(asked.tags), **custom}
    try:
        return lead_of(tuple(cells), tuple(cells.values()))
    except Refused as refused:
        raise Unclear(str(refused)) from None
