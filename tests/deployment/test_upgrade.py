"""Old and new version together: a migration adds, so what the version before reads and writes still works (docs/operations.md)."""

import ast
from contextlib import closing

import pytest
from alembic import command
from sqlalchemy import MetaData, inspect

from core import migrate as migrating
from core.db import Database
from core.migrate import migrate
from core.models import WORKSPACE_ID

BEFORE, CHECKED_FROM = "0004", "0005"
# What an old process trips over; `contracts` in a migration says why none can be running any more.
DESTRUCTIVE = {
    "drop_column",
    "drop_table",
    "drop_constraint",
    "rename_table",
    "execute",
    "drop_table_comment",
}
NARROWING = {"create_unique_constraint", "create_check_constraint", "create_foreign_key"}


def faults(text):
    """What a migration does to those who do not know it yet; nothing where it says that it `contracts`."""
    tree = ast.parse(text)
    if any(isinstance(node, ast.Assign) and node.targets[0].id == "contracts" for node in tree.body):
        return []
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = [
        node
        for node in ast.walk(upgrade)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return [fault for call in calls if (fault := _fault(call))]


def _fault(call):
    name, words = call.func.attr, {word.arg: ast.unparse(word.value) for word in call.keywords}
    if name == "drop_constraint" and words.get("type_") == "'foreignkey'":
        return None  # refuses nothing more
    if name in DESTRUCTIVE | NARROWING:
        return name
    if name == "alter_column" and (
        words.get("nullable") == "False" or words.keys() & {"new_column_name", "type_"}
    ):
        return "alter_column that narrows or renames"
    if name == "create_index" and words.get("unique") == "True":
        return "create_index, unique"
    if name == "add_column":
        column = next(one for one in call.args if isinstance(one, ast.Call))
        given = {word.arg: ast.unparse(word.value) for word in column.keywords}
        if given.get("nullable") == "False" and "server_default" not in given:
            return "add_column that must be filled"
    return None


def migrations():
    return sorted(
        path for path in (migrating.FOLDER / "versions").glob("0*.py") if path.stem[:4] >= CHECKED_FROM
    )


@pytest.mark.parametrize("path", migrations(), ids=lambda path: path.stem)
def test_a_migration_only_adds(path):
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_table('lead')",
        "op.drop_column('lead', 'zone')",
        "op.rename_table('lead', 'person')",
        "op.alter_column('lead', 'zone', nullable=False)",
        "op.alter_column('lead', 'zone', new_column_name='tz')",
        "op.add_column('lead', sa.Column('a', sa.String(), nullable=False))",
        "op.create_index('one', 'lead', ['zone'], unique=True)",
        "op.create_unique_constraint('one', 'lead', ['zone'])",
        "op.execute('DELETE FROM lead')",
    ],
)
def test_what_takes_away_is_found_unless_it_says_so(line):
    text = f"def upgrade():\n    with op.batch_alter_table('lead') as op:\n        {line}\n"
    assert len(faults(text)) == 1
    assert faults(f"contracts = 'nobody reads it since 0.2'\n{text}") == []


def test_statements_of_the_version_before_work_after_the_upgrade(empty_database_url):
    """Each table of 0004: what it held stays, and reading, adding, changing and taking away as before still work."""
    with closing(Database(empty_database_url)) as db:
        config = migrating._config()
        with db.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, BEFORE)
            connection.commit()
        old = MetaData()
        old.reflect(db.engine)
        tables = [table for table in old.sorted_tables if table.name != "alembic_version"]
        with db.engine.begin() as connection:
            for table in tables:
                connection.execute(table.insert().values(row(table, 1)))
        held = everything(db, tables)
        migrate(db)
        assert everything(db, tables) == held
        with db.engine.begin() as connection:
            for table in tables:
                if table.name != "workspace":
                    connection.execute(table.insert().values(row(table, 2)))
            for table in tables:
                name = list(table.columns)[-1]
                connection.execute(
                    table.update().values({name.name: row(table, 1)[name.name]}).where(first(table))
                )
            for table in reversed(tables):
                connection.execute(table.delete().where(first(table, 2)))
        assert everything(db, tables) == held
        new = set(inspect(db.engine).get_table_names()) - {table.name for table in tables}
        assert "link" in new


def first(table, number=1):
    key = next(iter(table.primary_key.columns))
    return key == value(key, number)


def row(table, number):
    """Something for each column of the version before; keys point at row `number` of the other table."""
    return {column.name: value(column, number) for column in table.columns}


def value(column, number):
    if column.foreign_keys:
        return value(next(iter(column.foreign_keys)).column, number)
    kind = column.type.python_type if column.type.__class__.__name__ != "JSON" else dict
    if kind is int:
        return WORKSPACE_ID + number - 1
    if kind is bool:
        return False
    if kind is float:
        return 1.5
    if kind is dict:
        return {"n": number}
    if kind is str:
        return f"2027-06-0{number} 00:00:00.000000"  # SQLite keeps instants as text
    return kind(2027, 6, number)


def everything(db, tables):
    with db.engine.connect() as connection:
        return {table.name: [tuple(one) for one in connection.execute(table.select())] for table in tables}
