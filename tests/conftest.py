"""Fixtures for every test: real databases, a real Redis, a browser, and no network but loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from sqlite3 import connect as connect_sqlite
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from slack_sdk.socket_mode.builtin import internals as slack_connections
from sqlalchemy import Engine, create_engine, event

from core.db import Database
from core.migrate import migrate
from tests import network
from tests.services import (
    MISSING,
    Dovecot,
    Postgres,
    RealRedis,
    Stock,
    chromium_program,
    missing,
    running_dovecot,
    running_postgres,
    running_redis,
)

DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))

_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("quick", max_examples=25, **_CALM)
settings.register_profile("default", max_examples=100, **_CALM)
settings.register_profile("ci", max_examples=100, derandomize=True, print_blob=True, **_CALM)
settings.register_profile("thorough", max_examples=2_000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network.block(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Let engines of one kind share what SQLAlchemy has compiled: doing it anew is half the time of most tests."""
    first: dict[str, Engine] = {}

    def made(url: str, **settings: Any) -> Engine:
        engine = create_engine(url, **settings)
        if known := first.get(name := engine.dialect.name):
            engine.dialect, engine._compiled_cache = known.dialect, known._compiled_cache
        else:  # a dialect knows its server from its first connection on
            event.listen(engine, "first_connect", lambda *_: first.setdefault(name, engine))
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.db.create_engine", made)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_once() -> Iterator[None]:
    """Let connections to the emulated Slack share the system's certificates: reading them takes longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        read = cache(slack_connections._use_or_create_ssl_context)
        patch.setattr(slack_connections, "_use_or_create_ssl_context", read)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server shared by the tests of one process."""
    # Not in pytest's own folder: each pytest that starts closes that to others, also to the user PostgreSQL runs as.
    with (
        TemporaryDirectory(prefix="fermata-postgres-", ignore_cleanup_errors=True) as folder,
        running_postgres(Path(folder) / "server") as server,
    ):
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """The address of that server's maintenance database."""
    return postgres.url()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRedis]:
    """A real redis-server shared by the tests of one process; to stop one, start your own RealRedis."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RealRedis) -> str:
    """The address of a real, empty Redis."""
    redis_server.wipe()
    return redis_server.url


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A real IMAP server shared by the tests of one process; to stop one, start your own with `running_dovecot`."""
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of this machine."""
    program = chromium_program()
    if program is None:
        missing("Chromium", "Install it (Debian: apt-get install chromium) or name it in FERMATA_CHROMIUM.")
    assert program
    return program


def _migrate(url: str) -> None:
    with closing(Database(url)) as database:
        migrate(database)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    with closing(connect_sqlite(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def _postgres_stock(postgres: Postgres) -> Stock:
    _migrate(postgres.create("fermata_template"))
    return Stock(postgres, "fermata_template")


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """The address of a migrated SQLite database without rows."""
    shutil.copy(_sqlite_template, tmp_path / "fermata.db")
    return f"sqlite:///{tmp_path / 'fermata.db'}"


@pytest.fixture
def postgresql_url(_postgres_stock: Stock) -> Iterator[str]:
    """The address of a migrated PostgreSQL database without rows."""
    with _postgres_stock.lent() as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database without rows; the test runs once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, migrated database without rows; the test runs once for each kind."""
    with closing(Database(database_url)) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables; the test runs once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        yield server.create("empty")
        server.drop("empty")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker ends long after the others."""
    long = {
        item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")
    }
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every part that could not be had, so that no green run hides an untested one."""
    reports = [
        report
        for outcome in ("skipped", "error", "failed")
        for report in terminalreporter.stats.get(outcome, [])
    ]
    found: dict[str, int] = {}
    for report in reports:
        words = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if MISSING in words:
            sentence = words.split(MISSING, 1)[1].splitlines()[0].strip("')")
            found[sentence] = found.get(sentence, 0) + 1
    if os.environ.get("FERMATA_THOROUGH"):
        _say_proof(terminalreporter)
    if found:
        terminalreporter.section("NOT TESTED: parts are missing", sep="!", red=True, bold=True)
        for sentence, count in found.items():
            terminalreporter.write_line(f"{count} tests did not run for want of {sentence}", red=True)


def _say_proof(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the runs proved, with their counts: docs/proof.md quotes these lines."""
    reports = terminalreporter.stats.get("passed", [])
    lines = {words for report in reports for name, words in report.user_properties if name == "proof"}
    if lines:
        terminalreporter.section("proof")
        for line in sorted(lines):
            terminalreporter.write_line(line)
