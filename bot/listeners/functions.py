"""Steps for Slack's Workflow Builder: enrol, pause or stop a lead, as the person who runs the workflow.

A step that names nobody may keep mail from leaving; it never starts any (DESIGN §4).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from sqlmodel import col, select

from bot import rights
from bot.front import Front, broken
from bot.members import UNREACHABLE
from bot.request import Request, of_function
from bot.rights import Need
from bot.text import JSON
from core import commands, leads, sequences
from core.address import domain_of, normalise
from core.answers import Answer
from core.current import current_run
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import parse, to_text
from core.grammar.commands import EVERYWHERE, Who
from core.lead_file import LeadRow
from core.lifecycle import LIVE, PAUSED_LIKE_THIS, Status
from core.models import Enrollment, Lead, Seen, Sequence, Suppression
from core.people import Actor
from core.seen import answered, once
from core.views import why

log = logging.getLogger("fermata.bot")

ANY = re.compile(".*")
RETRIES = 3
TIMEOUT_SECONDS = 10
WORKFLOW = "workflow"  # who acts where a step names nobody
ERROR_CHARS = 1_000
NOT_OURS = "This step is from another version of Fermata. Take it out of the workflow and add it again."
WHO = "Give the step the address of one lead, such as lead@example.com."
WHERE = "Give the step the name of the sequence; `/sequence sequences` lists them."
UNREAD = "Fermata cannot read what the step was given. Look at its sequence, until and reason."
WHOSE = "Give the step the person who runs the workflow: only a member of this workspace may enrol a lead."
SUPPRESSED = "{lead} is suppressed, so it is never written to."
CUT_OFF = "Fermata was stopped during this step. Look at the lead's status before you run it again."

Given = dict[str, str]


def register(app: App, front: Front) -> None:
    """Listen to every step; Bolt acknowledges it, and what became of it is said when it is done."""

    @app.function(ANY)
    def executed(event: JSON) -> None:
        front.pool.submit(_handle, front, event)


def _handle(front: Front, event: JSON) -> None:
    asked = of_function(event)
    try:
        told = _once(front, asked, event)
        if told is not None:
            _tell(front, event, told)
    except Exception:
        log.exception("step_broken")


def _once(front: Front, asked: Request, event: JSON) -> JSON | None:
    """Give what Slack is told, the same however often the step comes; None: it is being done right now."""
    now = front.clock()
    with front.desk.db.write() as session:
        seen = once(session, asked.key, now=now)
    if seen is not None:
        return _again(front, seen, now=now)
    told = _told(front, asked, event, now=now)
    with front.desk.db.write() as session:
        answered(session, asked.key, json.dumps(told))
    front.nudge()
    return told


def _again(front: Front, seen: Seen, *, now: datetime) -> JSON | None:
    if seen.answer:
        told: JSON = json.loads(seen.answer)
        return told
    is_at_work = abs(now - seen.at) < timedelta(seconds=front.desk.wait_seconds + TIMEOUT_SECONDS)
    return None if is_at_work else {"error": CUT_OFF}


def _told(front: Front, asked: Request, event: JSON, *, now: datetime) -> JSON:
    """Do it, and give the outputs of the step, or why it failed."""
    try:
        order = _order(event)
        actor = _actor(front, asked, order, now=now)
        said = _act(front, order, actor=actor, now=now)
    except Refused as refused:
        return {"error": str(refused)[:ERROR_CHARS]}
    except Exception as error:  # noqa: BLE001 - the unexpected is an answer too
        return {"error": broken(asked, error).as_text()}
    is_question = bool(said.choices)  # for a person who can press its buttons
    if is_question or (said.is_refusal and not _is_so_already(front, order, said)):
        return {"error": said.as_text()[:ERROR_CHARS]}
    with front.desk.db.read() as session:
        halted = why.halt(session, actor.zone)
    sentence = f"{said.title} {halted}" if halted else said.title
    return {"outputs": {"sentence": sentence, "state": _state(front, order.who.addresses[0])}}


def _is_so_already(front: Front, order: orders.Start | orders.Pause | orders.Stop, said: Answer) -> bool:
    """Say whether nothing was changed since the lead is stopped, or paused, just as the step wants it."""
    if isinstance(order, orders.Start):
        return False
    runs = select(Enrollment.status).join(Lead, col(Lead.id) == col(Enrollment.lead_id))
    runs = runs.where(col(Lead.email).in_(order.who.addresses), current_run())
    with front.desk.db.read() as session:
        if order.sequence is not None and order.sequence != EVERYWHERE:
            try:
                runs = runs.where(Enrollment.sequence_id == sequences.find(session, order.sequence).id)
            except Refused:
                return False
        statuses = session.exec(runs).all()
    live = {status for status in statuses if status in LIVE}
    if isinstance(order, orders.Stop):
        return bool(statuses) and not live
    return PAUSED_LIKE_THIS in said.title and live == {Status.PAUSED.value}


def _order(event: JSON) -> orders.Start | orders.Pause | orders.Stop:
    """Give the command that a step means; raises Refused."""
    inputs = event.get("inputs")
    given = {key: str(value).strip() for key, value in inputs.items()} if isinstance(inputs, dict) else {}
    function = event.get("function")
    build = STEPS.get(str(function.get("callback_id"))) if isinstance(function, dict) else None
    if build is None:
        raise Refused(NOT_OURS)
    order = build(_who(given.get("lead", "")), given)
    # What a step was given is words, never further parts of the command.
    if parse(to_text(order)) != order:
        raise Refused(UNREAD)
    return order


def _who(lead: str) -> Who:
    try:
        read = parse(f"status {lead}")
    except Refused:
        raise Refused(WHO) from None
    if not isinstance(read, orders.Show) or len(read.who.addresses) != 1:
        raise Refused(WHO)
    return read.who


def _enrol(who: Who, given: Given) -> orders.Start:
    if not given.get("sequence"):
        raise Refused(WHERE)
    return orders.Start(who, given["sequence"])


def _pause(who: Who, given: Given) -> orders.Pause:
    until, because = given.get("until") or None, given.get("reason") or None
    return orders.Pause(who, _sequence(given), until=until, because=because)


def _stop(who: Who, given: Given) -> orders.Stop:
    return orders.Stop(who, _sequence(given), because=given.get("reason") or None)


def _sequence(given: Given) -> str | None:
    named = given.get("sequence") or None
    return EVERYWHERE if named and named.casefold() == "everywhere" else named


STEPS: dict[str, Callable[[Who, Given], orders.Start | orders.Pause | orders.Stop]] = {
    "enrol_lead": _enrol,
    "pause_lead": _pause,
    "stop_lead": _stop,
}


def _actor(front: Front, asked: Request, order: orders.Command, *, now: datetime) -> Actor:
    need = rights.of_command(to_text(order))
    if asked.user_id:
        return front.members.admit(asked.user_id, need, now=now)
    if need is not Need.STOPS_MAIL:
        raise Refused(WHOSE)
    return Actor(WORKFLOW, "a workflow", front.members.zone(WORKFLOW))


def _act(
    front: Front, order: orders.Start | orders.Pause | orders.Stop, *, actor: Actor, now: datetime
) -> Answer:
    if isinstance(order, orders.Start):
        _know(front, order, actor=actor, now=now)
    return commands.run(front.desk, to_text(order), actor=actor, now=now)


def _know(front: Front, order: orders.Start, *, actor: Actor, now: datetime) -> None:
    """Save whom we do not know as a lead of the person who enrols them; raises Refused for a suppressed address."""
    [email] = order.who.addresses
    with front.desk.db.write() as session:
        sequences.find(session, order.sequence)
        if session.exec(select(Suppression.email).where(Suppression.email == email)).first():
            raise Refused(SUPPRESSED.format(lead=email))
        if session.exec(select(Lead.id).where(Lead.email == email)).first() is None:
            row = LeadRow(email=normalise(email), domain=domain_of(email), owner=actor.id)
            leads.save(session, [row], actor=actor, now=now)


def _state(front: Front, email: str) -> str:
    """Give how the lead stands now: "paused in Spring"."""
    query = (
        select(Enrollment.status, Sequence.name)
        .join(Lead, col(Lead.id) == col(Enrollment.lead_id))
        .join(Sequence, col(Sequence.id) == col(Enrollment.sequence_id))
        .where(Lead.email == email, current_run())
        .order_by(col(Sequence.name))
    )
    with front.desk.db.read() as session:
        states = [f"{status.replace('_', ' ')} in {name}" for status, name in session.exec(query)]
    return ", ".join(states) or "in no sequence"


def _tell(front: Front, event: JSON, told: JSON) -> None:
    """Complete the step or let it fail, with the token that Slack gave for it."""
    client = WebClient(
        str(event.get("bot_access_token") or front.client.token),
        front.client.base_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[
            ConnectionErrorRetryHandler(RETRIES),
            RateLimitErrorRetryHandler(RETRIES),
            ServerErrorRetryHandler(RETRIES),
        ],
    )
    execution = str(event.get("function_execution_id"))
    try:
        if "error" in told:
            client.functions_completeError(function_execution_id=execution, error=told["error"])
        else:
            client.functions_completeSuccess(function_execution_id=execution, outputs=told["outputs"])
    except UNREACHABLE as fault:
        log.warning("step_not_told execution=%s fault=%s", execution, type(fault).__name__)
