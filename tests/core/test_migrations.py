"""The schema that migrations make is the schema of the models, the same on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel, select

from core.db import Database
from core.errors import Refused
from core.migrate import migrate
from core.models import WORKSPACE_ID, Workspace


@pytest.fixture
def empty(empty_database_url):
    db = Database(empty_database_url)
    yield db
    db.close()


def described(db):
    """Everything of a schema that both databases can tell: columns, nullability, keys, uniques, indexes."""
    looking = inspect(db.engine)
    return {
        table: {
            "columns": {one["name"]: one["nullable"] for one in looking.get_columns(table)},
            "key": looking.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (tuple(one["constrained_columns"]), one["referred_table"])
                for one in looking.get_foreign_keys(table)
            ),
            "unique": sorted(tuple(one["column_names"]) for one in looking.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"], tuple(one["column_names"]), bool(one["unique"]))
                for one in looking.get_indexes(table)
                if not one.get("duplicates_constraint")
            ),
        }
        for table in looking.get_table_names()
        if table != "alembic_version"
    }


def test_migrated_schema_has_no_difference_to_the_models(empty):
    migrate(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrated_schema_is_the_one_made_fresh(empty, tmp_path):
    migrate(empty)
    fresh = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    SQLModel.metadata.create_all(fresh.engine)
    assert described(empty) == described(fresh)
    fresh.close()


def test_partial_indexes_keep_their_condition(empty):
    migrate(empty)
    catalogue = "sqlite_master" if empty.is_sqlite else "pg_indexes"
    column, name = ("sql", "name") if empty.is_sqlite else ("indexdef", "indexname")
    with empty.engine.connect() as connection:
        for index, condition in (("due", "status"), ("one_live_run", "status"), ("open_holds", "released_at"),
                                 ("ending_holds", "released_at"), ("announced_holds", "announce_at"),
                                 ("released_holds", "released_at"), ("to_draw", "wanted"), ("under_way", "state")):  # fmt: skip
            made = connection.execute(
                text(f"SELECT {column} FROM {catalogue} WHERE {name} = '{index}'")
            ).scalar_one()
            assert " WHERE " in made
            assert condition in made.split(" WHERE ")[1]


def test_migrating_twice_changes_nothing(empty):
    migrate(empty)
    before = described(empty)
    migrate(empty)
    assert described(empty) == before
    with empty.read() as session:
        assert [row.id for row in session.exec(select(Workspace))] == [WORKSPACE_ID]


@pytest.mark.row(211)
def test_database_of_a_newer_fermata_is_refused(empty):
    migrate(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer Fermata"):
        migrate(empty)
