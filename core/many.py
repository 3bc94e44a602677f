"""Writing many rows that differ: row by row on SQLite, where that is cheapest; on PostgreSQL in one statement.

There the rows go as one parameter, JSON, so that the statement is the same text for any number of them, and is prepared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    Insert,
    Integer,
    String,
    Table,
    TableValuedAlias,
    TypeDecorator,
    any_,
    bindparam,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlmodel import Session

from core.db import insert_of

KEY = "at_"  # before the name of a column: the row is found by it, and it stays
Row = Mapping[str, Any]


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Add rows, all with the same columns."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().execute(_insert(table), [dict(row) for row in rows])
    else:
        session.connection().execute(inserting(table, tuple(rows[0])), {"rows": packed(rows)})


def update_rows(session: Session, table: Table, rows: Sequence[Row]) -> int:
    """Change rows, all in the same columns, each found by what `KEY` marks; gives how many there were."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    given: Any = [dict(row) for row in rows] if is_sqlite else {"rows": packed(rows)}
    return session.connection().execute(_update(table, tuple(rows[0]), is_sqlite=is_sqlite), given).rowcount


def packed(rows: Sequence[Row]) -> str:
    """Give rows as the parameter `rows`."""
    return json.dumps([dict(row) for row in rows], default=_plain)


def _plain(value: datetime | timedelta) -> str | int:
    return value.isoformat() if isinstance(value, datetime) else value // timedelta(microseconds=1)


class _AsJson(TypeDecorator[list[int]]):
    """SQLite's way to bind a list; a placeholder for each id would have to be written into the statement every time."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the list as text."""
        return json.dumps(value)


class IsOne(ColumnElement[bool]):
    """The condition that a column is one of the parameter `ids`: one text, prepared once, for any number of them."""

    inherit_cache = True
    _is_implicitly_boolean = True  # else SQLite would be asked whether it is 1
    type = Boolean()
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - as its parents have it

    def __init__(self, column: Any) -> None:
        self.column = column


@compiles(IsOne)
def _by_json(condition: IsOne, compiler: Any, **how: Any) -> str:
    ids = func.json_each(bindparam("ids", type_=_AsJson())).table_valued("value")
    return str(compiler.process(condition.column.in_(select(ids.c.value)), **how))


@compiles(IsOne, "postgresql")
def _by_array(condition: IsOne, compiler: Any, **how: Any) -> str:
    return str(compiler.process(condition.column == any_(bindparam("ids", type_=ARRAY(Integer))), **how))


# Each written once: building a statement anew costs several times what running it does.
@cache
def inserting(table: Table, names: tuple[str, ...]) -> Any:
    """Give PostgreSQL's statement that adds rows of these columns."""
    given = _given(table, names)
    rows = select(*(given.c[name] for name in names))
    return insert_of("postgresql", table).from_select(list(names), rows)


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _update(table: Table, names: tuple[str, ...], *, is_sqlite: bool) -> Any:
    new: dict[str, ColumnElement[Any]]
    if is_sqlite:
        new = {name: bindparam(name) for name in names}
    else:
        given = _given(table, names)
        new = {name: given.c[name] for name in names}
    found = [table.c[name.removeprefix(KEY)] == new.pop(name) for name in names if name.startswith(KEY)]
    return update(table).where(*found).values(new)


def _given(table: Table, names: tuple[str, ...]) -> TableValuedAlias:
    columns = [column(name, table.c[name.removeprefix(KEY)].type) for name in names]
    rows = func.json_to_recordset(bindparam("rows")).table_valued(*columns, name="given")
    return rows.render_derived(name="given", with_types=True)
