"""The statements that write what a rule says, for every row on the list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Integer,
    String,
    Table,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlmodel import Session

from core import outgoing
from core.acts import ENROLLMENTS, HOLDS, JOURNAL, Overtaken, drop, withdraw
from core.bulk.rule import ACTING, Act, E, H, Rule
from core.lifecycle import Hold
from core.outgoing import HOOK_EVENTS
from core.snapshots import snapshot_sql
from core.sql import Spelling, array

Countdown = tuple[int, datetime | None, datetime | None]  # enrollment, due_at, send_at
LISTED = select(ACTING.c.id)
COUNTDOWNS = select(E.id, E.due_at, E.remaining).join(ACTING, ACTING.c.id == E.id)


@contextmanager
def listing(connection: Connection) -> Iterator[Connection]:
    """Have the table of the rows; an error takes it away with the transaction."""
    ACTING.create(connection, checkfirst=False)
    yield connection
    ACTING.drop(connection, checkfirst=False)


def fill(connection: Connection, ids: Iterable[int], rule: Rule, sql: Spelling) -> None:
    """List those of these rows about which the rule says all, and no others."""
    connection.execute(delete(ACTING))
    these = sql.listed(ids)
    found = select(E.id).join(these, these.c.value == E.id).where(rule.says_all)
    connection.execute(insert(ACTING).from_select(["id"], found))
    if not sql.is_sqlite:
        # Nobody else counts the rows of a temporary table, and joins are planned by that number.
        connection.exec_driver_sql("ANALYZE acting")


def fill_countdowns(connection: Connection, rows: list[Countdown], sql: Spelling) -> None:
    """List these rows and no others, with their new countdowns."""
    connection.execute(delete(ACTING))
    if not rows:
        return
    if sql.is_sqlite:
        connection.execute(insert(ACTING), [dict(zip(ACTING.c.keys(), row, strict=True)) for row in rows])
        return
    # One array for each column: row by row it would take longer than all else.
    arrays = [
        func.unnest(array(values, column.type))
        for column, values in zip(ACTING.c, zip(*rows, strict=True), strict=True)
    ]
    connection.execute(insert(ACTING).from_select(ACTING.c.keys(), select(*arrays)))


def write(session: Session, rule: Rule, act: Act, sql: Spelling, *, count: int) -> None:
    """Write what `core.acts._write` would, for every row on the list."""
    connection = session.connection()
    connection.execute(_into(JOURNAL, _line(rule, act, sql)))
    event = "paused" if rule.begins else "stopped" if rule.is_last else "resumed"
    for hook_id in outgoing.hooks_for(session, event):
        connection.execute(_into(HOOK_EVENTS, _told(hook_id, event, act, sql), E.status != event))
    connection.execute(
        update(HOLDS)
        .where(H.enrollment_id.in_(LISTED), H.released_at.is_(None), rule.ends)
        .values(released_at=act.now, released_by=act.actor.id, announce_at=None)
    )
    if rule.begins:
        connection.execute(_holding(rule, rule.begins, act))
    saved = (
        update(ENROLLMENTS)
        .where(E.id == ACTING.c.id)
        .values({"ended_at": None, "end_reason": None, **rule.becomes, "wake_at": rule.becomes["send_at"],
                 "version": E.version + 1})
    )  # fmt: skip
    if connection.execute(saved).rowcount != count:
        msg = "An enrollment changed in the middle of an act; nothing was written."
        raise Overtaken(msg)
    if rule.begins:
        withdraw(session, LISTED)
    if rule.is_last:
        drop(session, LISTED, actor=act.actor, now=act.now, reason=act.reason)


def _into(
    table: Table,
    values: dict[str, Any],
    which: ColumnElement[bool] | None = None,
    beside: tuple[FromClause, ColumnElement[bool]] | None = None,
) -> Insert:
    """Give the statement that adds one row for each enrollment on the list, or for those `which` names.

    `beside`: where further values come from, as far as there are any.
    """
    typed = [
        value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
        for name, value in values.items()
    ]
    rows = select(*typed).join_from(ACTING, ENROLLMENTS, E.id == ACTING.c.id).order_by(ACTING.c.id)
    if which is not None:
        rows = rows.where(which)
    if beside is not None:
        rows = rows.outerjoin(*beside)
    return insert(table).from_select(list(values), rows, include_defaults=False)


def _told(hook_id: int, event: str, act: Act, sql: Spelling) -> dict[str, Any]:
    said = {"actor": act.actor.id, "reason": act.reason, "became": event}
    payload = sql.json_object(
        **{name: cast(literal(value), String) for name, value in said.items()},
        was=E.status,
        sequence_id=E.sequence_id,
        enrollment_id=E.id,
        batch_id=cast(literal(act.batch_id), Integer),
    )
    common = {"hook_id": hook_id, "event": event, "created_at": act.now, "tries": 0}
    return {**common, "lead_id": E.lead_id, "payload": payload}


def _line(rule: Rule, act: Act, sql: Spelling) -> dict[str, Any]:
    return {
        "at": act.now,
        "actor": act.actor.id,
        "verb": act.verb,
        "lead_id": E.lead_id,
        "sequence_id": E.sequence_id,
        "enrollment_id": E.id,
        "batch_id": act.batch_id,
        "was": E.status,
        "became": rule.becomes["status"],
        "reason": act.reason,
        "before": snapshot_sql(sql),
        "version": E.version + 1,
    }


def _holding(rule: Rule, hold: Hold, act: Act) -> Insert:
    """Give the statement that adds the hold; as in core.lifecycle it goes on with those in whose place it is."""
    # They ended a moment ago. Grouped once: looked up row by row, they were looked for among all that is being added.
    replaced = (
        select(H.enrollment_id, func.min(H.placed_at).label("since"), func.max(H.reason).label("reason"))
        .where(H.released_at == act.now, H.released_by == act.actor.id, rule.ends)
        .group_by(H.enrollment_id)
        .subquery()
    )
    # No `announce_at`: of what holds many, the end is not announced lead by lead.
    values = {
        "enrollment_id": E.id,
        "source": hold.source.value,
        "reason": hold.reason or func.coalesce(replaced.c.reason, ""),
        "author": hold.author,
        "placed_at": func.coalesce(replaced.c.since, literal(hold.placed_at, H.placed_at.type)),
        "until": hold.until,
        "policy": hold.policy,
        "batch_id": hold.batch_id,
    }
    return _into(HOLDS, values, beside=(replaced, replaced.c.enrollment_id == E.id))
