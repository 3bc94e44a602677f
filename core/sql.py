"""What SQLite and PostgreSQL spell differently in statements about very many rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    TableValuedAlias,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, col

NONE: ColumnElement[str] = literal_column("'[]'")


@dataclass(frozen=True)
class Spelling:
    """One database's way of saying it."""

    is_sqlite: bool

    def these(self, ids: Iterable[int]) -> Select[Any]:
        """Give the ids as a query, for `in_`: one parameter however many; a placeholder for each ends at 32,766."""
        return select(self.listed(ids).c.value)

    def listed(self, ids: Iterable[int]) -> TableValuedAlias:
        """Give the ids, each there once, as a table with the column `value`, to be joined.

        Of very many that takes PostgreSQL a third of `these`: it takes 200 of those to differ, and looks up each by itself.
        """
        if self.is_sqlite:
            return func.json_each(json.dumps(list(ids))).table_valued(column("value", Integer), name="listed")
        return (
            func.unnest(_array_of(ids, BigInteger()))
            .table_valued(column("value", BigInteger), name="listed")
            .render_derived()
        )

    def among(self, key: Any, ids: Iterable[int]) -> ColumnElement[bool]:
        """Give the condition that a key is one of these: for queries with further conditions about very many rows.

        A PostgreSQL that has not counted a table yet takes few rows to fit, and would look through `these` for each row.
        """
        if self.is_sqlite:
            return col(key).in_(self.these(ids))
        return col(key) == any_(_array_of(ids, Integer()))

    def microseconds(self, moment: ColumnElement[Any]) -> ColumnElement[int]:
        """Give an instant as whole microseconds since 1970."""
        if self.is_sqlite:
            # The fraction by itself: SQLite's own clock knows milliseconds, and rounds to them.
            whole = cast(func.strftime("%s", func.substr(moment, 1, 19)), BigInteger)
            return whole * 1_000_000 + cast(func.substr(moment, 21, 6), BigInteger)
        return cast(func.extract("epoch", moment) * 1_000_000, BigInteger)

    def iso(self, moment: ColumnElement[Any]) -> ColumnElement[str]:
        """Give an instant in ISO 8601 and UTC; NULL stays NULL."""
        if self.is_sqlite:
            return func.replace(moment, " ", "T", type_=String).concat("+00:00")
        return func.to_char(func.timezone("UTC", moment), 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"', type_=String)

    def truth(self, condition: ColumnElement[bool]) -> ColumnElement[Any]:
        """Give JSON's true or false."""
        if self.is_sqlite:
            return func.json(case((condition, "true"), else_="false"))
        return condition

    def json(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """Give as JSON what is text, or comes from a subquery, which SQLite takes for text."""
        return func.json(text) if self.is_sqlite else cast(text, JSON)

    def json_object(self, **values: Any) -> ColumnElement[Any]:
        """Give a JSON object."""
        made = func.json_object if self.is_sqlite else func.json_build_object
        pairs: list[Any] = []
        for name, value in values.items():
            pairs += [literal_column(f"'{name}'"), value]
        found: ColumnElement[Any] = made(*pairs)
        return found

    def json_list(self, item: ColumnElement[Any], *, order: ColumnElement[Any]) -> ColumnElement[Any]:
        """Give the items of a group as a JSON list; of none, an empty one."""
        if self.is_sqlite:  # its order is that of the index that finds the rows, which ends with their ids
            return func.json_group_array(item)
        return func.coalesce(func.json_agg(aggregate_order_by(item, order)), self.json(NONE))


def array(values: Iterable[Any], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give PostgreSQL's array of numbers, instants and None: the driver's own way of writing one takes ten times as long."""
    parts = ("NULL" if value is None else str(value) for value in values)
    return cast(bindparam(None, f"{{{','.join(parts)}}}", type_=String), ARRAY(type_))


def _array_of(ids: Iterable[int], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give the same of ids alone, which is written several times as fast."""
    return cast(bindparam(None, f"{{{json.dumps(list(ids))[1:-1]}}}", type_=String), ARRAY(type_))


def spelling(session: Session) -> Spelling:
    """Give the way of the session's database."""
    return Spelling(session.get_bind().dialect.name == "sqlite")
