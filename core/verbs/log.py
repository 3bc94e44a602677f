"""`log`: what was carried out, the newest first, each line with its state in words and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, text, tuple_, union_all
from sqlalchemy import select as sql
from sqlmodel import Session

from core import sequences as library
from core.acts import DELIVERIES, ENROLLMENTS, HOLDS, LEADS
from core.answers import Answer, Choice
from core.answers import Row as Line
from core.dates.past import read_past
from core.dates.words import MONTH_NAMES
from core.errors import Refused
from core.facts import IS_ANSWER, IS_GENUINE, MESSAGES, VISITS
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import Who
from core.lifecycle import Source, Status, StepKind
from core.models import DeliveryState, Mailbox, Sequence, Step
from core.names import name_of
from core.people import Actor
from core.schedule import local
from core.smtp_words import explained
from core.sql import spelling
from core.stamps import place, placed
from core.verbs.choosing import lead_ids
from core.verbs.figures import as_file
from core.verbs.whens import zone_of
from core.views.timeline import dated, journal_lines
from core.words import clock, counted, ended

LINES_SHOWN = 12
ACTS_FILE = "Who did what is written where Fermata runs: `fermata audit --json`."
UNDER_WAY_SHOWN = 3
ROWS_AT_ONCE = 1000
STEPS: Table = Step.__table__  # type: ignore[attr-defined]
SEQUENCES: Table = Sequence.__table__  # type: ignore[attr-defined]
MAILBOXES: Table = Mailbox.__table__  # type: ignore[attr-defined]
D_, E_ = DELIVERIES.c, ENROLLMENTS.c
WHAT = {
    "sent": "What was sent", "failed": "What failed", "uncertain": "What may or may not have left",
    "skipped": "What was left out", "held": "Who is held", "opened": "What was opened or clicked",
    "answers": "What leads answered", "acts": "What happened",
}  # fmt: skip
NONE = {
    "sent": "Nothing was sent", "failed": "Nothing failed", "uncertain": "Nothing is uncertain",
    "skipped": "Nothing was left out", "held": "Nobody is held", "opened": "Nothing was opened or clicked",
    "answers": "No lead has answered",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the log. `at` and `number` are what the next page begins below; `server`: what a server said."""

    number: int
    at: datetime
    lead: str
    sequence: str
    step: str
    mailbox: str
    state: str
    server: str = ""
    choices: tuple[Choice, ...] = ()


def log(session: Session, order: orders.Log, *, actor: Actor, now: datetime) -> Answer:
    """Give a page of it, with what is under way on top of the first."""
    zone, _ = zone_of(session, actor)
    where = _where(order)
    if order.csv and order.what == "acts":
        raise Refused(ACTS_FILE)
    if order.csv:
        return as_file(f"The log{where}.", order, actor=actor)
    if order.what == "acts":
        lines = dated(journal_lines(session, limit=20), zone) or ("Nothing yet.",)
        return Answer("What happened last:", lines)
    found = list(entries(session, order, actor=actor, now=now))
    top = () if order.before or order.what else _under_way(session, zone=zone, now=now)
    if not found:
        none = NONE.get(order.what or "", "Nothing has been carried out")
        return Answer(f"Nothing more: that was all{where}." if order.before else f"{none}{where}.", top)
    what = WHAT.get(order.what or "", "What was carried out")
    rows = tuple(_row(one, zone=zone, now=now) for one in found[:LINES_SHOWN])
    last = found[:LINES_SHOWN][-1]
    following = to_text(replace(order, before=place(last.at, last.number)))
    more = Choice("More", following) if len(found) > LINES_SHOWN else None
    file = () if order.before else (Choice("CSV", to_text(replace(order, csv=True))),)
    return Answer(f"{what}{where}, the newest first:", top, rows=rows, more=more, choices=file)


def _where(order: orders.Log) -> str:
    whose = (
        to_text(orders.Log(order.who)).removeprefix("log").replace('"', "").replace("&amp;", "&")
        if order.who
        else ""
    )
    return f"{' of' + whose if whose else ''}{f' in {order.sequence}' if order.sequence else ''}{f' since {order.since}' if order.since else ''}"


def entries(session: Session, order: orders.Log, *, actor: Actor, now: datetime) -> Iterator[Entry]:
    """Give the lines that were asked for, the newest first; without `before` from the newest on."""
    zone, _ = zone_of(session, actor)
    source = _SOURCES.get(order.what or "", _OF_DELIVERIES)
    newest_first = (source.at.desc(), source.number.desc())
    keys = source.keys
    if order.what == "failed":
        keys = keys.where(D_.id.in_(_FAILED))
    elif order.what in _STATES:
        # As a literal: bound as a parameter, PostgreSQL's generic plan would miss the partial index.
        keys = keys.where(text(f"delivery.state = '{order.what}'"))
    if order.sequence:
        within = E_.sequence_id == library.find(session, order.sequence).id
        keys = keys.where(source.run.in_(sql(E_.id).where(within)))
    if order.who and not order.who.everyone:
        ids = lead_ids(session, order.who, actor=actor)
        keys = keys.where(source.run.in_(sql(E_.id).where(E_.lead_id.in_(spelling(session).these(ids)))))
    if order.since:
        keys = keys.where(source.at >= read_past(order.since, now=now, zone=zone))
    if order.before:
        keys = keys.where(tuple_(source.at, source.number) < placed(order.before))
    if not order.csv:  # the lines are found by their time alone, and only these are told
        page = keys.order_by(*newest_first).limit(LINES_SHOWN + 1)
        keys = source.keys.where(source.number.in_(page))
    query = source.told(keys).order_by(*newest_first)
    for row in session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield source.entry(session, row)


_STEP = (
    LEADS.c.email,
    SEQUENCES.c.name.label("sequence"),
    STEPS.c.position,
    STEPS.c.key,
    MAILBOXES.c.address,
)


def _with_step(query: Select[Any], run: ColumnElement[Any] = D_.enrollment_id) -> Select[Any]:
    return (
        query.join(ENROLLMENTS, E_.id == run)
        .join(LEADS, LEADS.c.id == E_.lead_id)
        .join(SEQUENCES, SEQUENCES.c.id == E_.sequence_id)
        .outerjoin(STEPS, STEPS.c.id == D_.step_id)
        .outerjoin(MAILBOXES, MAILBOXES.c.id == D_.mailbox_id)
    )


def _step(row: Row[Any]) -> str:
    if row.position is not None:
        return f"step {row.position + 1}"
    return f"step {row.key} (removed)" if row.key else "an answer" if row.kind == "reply" else ""


def _delivery(session: Session, row: Row[Any]) -> Entry:
    del session
    return Entry(
        row.id, row.at, row.email, row.sequence, _step(row), row.address or "",
        _state(row), row.answer or row.reason or "", tuple(_choices(row)),
    )  # fmt: skip


def _state(row: Row[Any]) -> str:
    """Give what became of a delivery; of a failure the server's words, what they mean and what to do."""
    because = f": {row.reason}" if row.reason else ""
    match row.state:
        case DeliveryState.SENT:
            if row.reason and row.reason.startswith("done "):  # as it says itself, with its person
                return str(row.reason)
            done = {StepKind.TASK.value: "done", "reply": "our answer was sent"}.get(row.kind, "sent")
            return done + (f" (version {row.variant})" if row.variant else "") + because
        case DeliveryState.FAILED:
            meaning, todo = explained(f"{row.code or ''} {row.answer or ''} {row.reason or ''}")
            return f"failed{because}" + (f". That is: {meaning}; {todo}" if meaning else "")
        case DeliveryState.UNCERTAIN:
            return (
                "nobody knows whether it left"
                if row.settled_at is None
                else "it was not certain whether it left"
            ) + because
        case DeliveryState.SKIPPED:
            return f"left out{because}"
        case DeliveryState.OPEN:
            return "a task to do"
        case DeliveryState.SENDING:
            return "is being handed over"
        case DeliveryState.CLAIMED:
            return "is about to be handed over"
        case DeliveryState.READY if row.fault and _is_held_at(row):
            fault = row.fault.partition(";")[0].rstrip(".")  # what to do about it follows here
            return f"cannot be written: {fault}; `edit {row.email}` completes the lead"
        case _:
            return f"waits{because}"


def _choices(row: Row[Any]) -> Iterator[Choice]:
    """Give what can be done about a failed or an uncertain one; pressed late, they act on nothing else."""
    if row.state == DeliveryState.UNCERTAIN and row.settled_at is None:
        yield Choice("It left", f"settle {row.id} left", "primary")
        yield Choice("Send again", f"settle {row.id} again", None, "If it had left, the lead gets it twice.")
        yield Choice("Drop it", f"settle {row.id} drop", "danger", "It is not sent again.")
    is_failed = row.state == DeliveryState.FAILED or (row.state == DeliveryState.READY and row.fault)
    if is_failed and _is_held_at(row):
        press = f"card paused {row.run_id} {{}} seen {row.version}"
        yield Choice("Try again", press.format("resume"), "primary")
        yield Choice(
            "Leave out",
            press.format("cancel"),
            None,
            f"{row.email} goes on with the next step of {row.sequence}.",
        )
        yield Choice("Stop", press.format("stop"), "danger", f"Stop {row.email} in {row.sequence} for good?")


def _is_held_at(row: Row[Any]) -> bool:
    """Say whether the lead is held before the very step that a delivery was for."""
    is_current = row.run_position == row.position and row.run_attempt == row.attempt
    return bool(row.status == Status.PAUSED and is_current)


def _held(session: Session, row: Row[Any]) -> Entry:
    until = f" until {row.until:%Y-%m-%d %H:%M} UTC" if row.until else ""
    why = f"{row.source.replace('_', ' ')}{f': {row.reason}' if row.reason else ''}"
    state = f"held by {name_of(session, row.author)}{until} ({why})"
    resume = Choice("Resume", to_text(orders.Resume(Who(addresses=(row.email,)), row.sequence)))
    return Entry(
        row.id,
        row.at,
        row.email,
        row.sequence,
        f"step {row.run_position + 1}",
        "",
        state,
        "",
        (resume,),
    )


def _visited(session: Session, row: Row[Any]) -> Entry:
    del session
    state = "opened" if row.what == "open" else "clicked a link"
    return Entry(row.id, row.at, row.email, row.sequence, _step(row), row.address or "", state)


def _answered(session: Session, row: Row[Any]) -> Entry:
    del session
    quote = " ".join(row.text.split())
    return Entry(row.id, row.at, row.email, row.sequence, _step(row), row.address or "",
                 f"answered: “{quote[:160]}{'…' if len(quote) > 160 else ''}”")  # fmt: skip


@dataclass(frozen=True)
class _Source:
    """Where lines come from. `keys`: their numbers; `run`: whose; `at`: the time each shows; `told`: adds what a line says."""

    keys: Select[Any]
    number: ColumnElement[int]
    run: ColumnElement[Any]
    at: ColumnElement[Any]
    told: Callable[[Select[Any]], Select[Any]]
    entry: Callable[[Session, Row[Any]], Entry]


_RUN = (
    E_.id.label("run_id"), E_.status, E_.version, E_.position.label("run_position"), E_.attempt.label("run_attempt"),
)  # fmt: skip
_UNWRITTEN = (
    HOLDS.c.enrollment_id == E_.id, HOLDS.c.source == Source.MISSING_VALUE.value, HOLDS.c.released_at.is_(None),
)  # fmt: skip
# Why the step cannot be written at which a lead is held for that.
_FAULT = sql(func.max(HOLDS.c.reason)).where(*_UNWRITTEN).correlate(ENROLLMENTS).scalar_subquery()
# What was refused, and what waits since it cannot be written.
_FAILED = union_all(
    sql(D_.id).where(text("delivery.state = 'failed'")),
    sql(D_.id)
    .join_from(HOLDS, ENROLLMENTS, and_(*_UNWRITTEN))
    .join(DELIVERIES, (D_.enrollment_id == E_.id) & (D_.attempt == E_.attempt))
    .join(STEPS, (STEPS.c.id == D_.step_id) & (STEPS.c.position == E_.position))
    .where(text("delivery.state = 'ready'"), E_.status == Status.PAUSED.value),
)
# When it was settled; while it is not, when its hand-over began; before that, when it was planned.
_AT = func.coalesce(D_.settled_at, D_.sending_at, D_.created_at)
_OF_DELIVERIES = _Source(
    sql(D_.id), D_.id, D_.enrollment_id, _AT,
    lambda keys: _with_step(keys.add_columns(
        _AT.label("at"), D_.kind, D_.state, D_.reason, D_.code, D_.answer, D_.variant, D_.attempt, D_.settled_at,
        _FAULT.label("fault"), *_RUN, *_STEP)),
    _delivery,
)  # fmt: skip
_STATES = frozenset({"sent", "failed", "uncertain", "skipped"})
_SOURCES = {
    "held": _Source(
        sql(HOLDS.c.id).where(HOLDS.c.released_at.is_(None)),
        HOLDS.c.id, HOLDS.c.enrollment_id, HOLDS.c.placed_at,
        lambda keys: keys.add_columns(
            HOLDS.c.placed_at.label("at"), HOLDS.c.source, HOLDS.c.reason, HOLDS.c.author, HOLDS.c.until, *_RUN,
            LEADS.c.email, SEQUENCES.c.name.label("sequence"))
        .join(ENROLLMENTS, E_.id == HOLDS.c.enrollment_id)
        .join(LEADS, LEADS.c.id == E_.lead_id).join(SEQUENCES, SEQUENCES.c.id == E_.sequence_id),
        _held,
    ),
    "opened": _Source(
        sql(VISITS.c.id).join_from(VISITS, DELIVERIES, D_.id == VISITS.c.delivery_id).where(IS_GENUINE),
        VISITS.c.id, D_.enrollment_id, VISITS.c.at,
        lambda keys: _with_step(keys.add_columns(VISITS.c.at, VISITS.c.kind.label("what"), D_.kind, *_STEP)),
        _visited,
    ),
    "answers": _Source(
        sql(MESSAGES.c.id).where(MESSAGES.c.enrollment_id.is_not(None), IS_ANSWER),
        MESSAGES.c.id, MESSAGES.c.enrollment_id, MESSAGES.c.came_at,
        lambda keys: _with_step(
            keys.add_columns(MESSAGES.c.came_at.label("at"), MESSAGES.c.text, D_.kind, *_STEP)
            .outerjoin(DELIVERIES, D_.id == MESSAGES.c.delivery_id), MESSAGES.c.enrollment_id),
        _answered,
    ),
}  # fmt: skip


def _row(one: Entry, *, zone: str, now: datetime) -> Line:
    place = " of ".join(filter(None, (one.step, one.sequence)))
    by = f", from {one.mailbox}" if one.mailbox else ""
    return Line(
        f"{_when(one.at, zone, now)} · {one.lead}",
        f"{place}{by}: {ended(one.state)}",
        None,
        one.choices,
    )


def _when(moment: datetime, zone: str, now: datetime) -> str:
    """Give the time of day; with its date, and its year, where these are others than now's."""
    here, today = local(moment, zone), local(now, zone)
    day = f"{here.day} {MONTH_NAMES[here.month - 1][:3]} " if here.date() != today.date() else ""
    return f"{day}{f'{here.year} ' if here.year != today.year else ''}{here:%H:%M}"


def _under_way(session: Session, *, zone: str, now: datetime) -> tuple[str, ...]:
    """Give how much is being handed over at this moment, and since when."""
    is_so = text("delivery.state IN ('claimed','sending')")
    query = sql(LEADS.c.email, D_.sending_at, D_.claimed_at).join_from(
        DELIVERIES, ENROLLMENTS, E_.id == D_.enrollment_id
    )
    rows = session.execute(query.join(LEADS, LEADS.c.id == E_.lead_id).where(is_so).order_by(D_.id)).all()
    if not rows:
        return ()
    first = [
        f"{row.email} since {clock(row.sending_at or row.claimed_at or now, zone, now)}"
        for row in rows[:UNDER_WAY_SHOWN]
    ]
    more = f" and {len(rows) - len(first):,} more" if len(rows) > len(first) else ""
    return (f"Now under way: {counted(len(rows), 'hand-over')}: {', '.join(first)}{more}.",)


HEADS = ["number", "at", "lead", "sequence", "step", "mailbox", "state", "server"]


def file_rows(session: Session, order: orders.Log, *, actor: Actor, now: datetime) -> Iterator[list[str]]:
    """Give the lines of the file, its heads first; instants in ISO 8601, UTC."""
    yield HEADS
    for one in entries(session, replace(order, csv=True), actor=actor, now=now):
        yield [
            str(one.number),
            one.at.isoformat(timespec="seconds"),
            one.lead,
            one.sequence,
            one.step,
            one.mailbox,
            one.state,
            one.server,
        ]
