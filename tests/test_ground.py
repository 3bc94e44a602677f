"""What every other test stands on: fresh databases, a real Redis, a closed network."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest
from redis import Redis
from sqlalchemy import create_engine, inspect, text

from scripts.check_locks import problems
from tests.network import NetworkBlockedError, is_local
from tests.services import CHROMIUM_FLAGS, ROOT, Postgres, RealRedis, Stock


def test_empty_database_holds_nothing_and_takes_rows(empty_database_url):
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (word VARCHAR(9))"))
        connection.execute(text("INSERT INTO note VALUES ('fermata')"))
    engine.dispose()


@pytest.mark.postgres
def test_postgres_keeps_commits_durable(postgres: Postgres):
    with postgres.connect() as connection:
        values = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert values == [("on",), ("on",)]


@pytest.mark.postgres
def test_dropped_database_is_gone_though_someone_is_connected(postgres: Postgres):
    postgres.create("doomed")
    guest = psycopg.connect(host="127.0.0.1", port=postgres.port, user="postgres", dbname="doomed")
    postgres.drop("doomed")
    with pytest.raises(psycopg.OperationalError):
        guest.execute("SELECT 1")
    guest.close()


@pytest.fixture
def stock(postgres: Postgres) -> Iterator[Stock]:
    """Databases with a table of notes, one of them written."""
    url = postgres.create("notes").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE note (id serial PRIMARY KEY, word text)")
        connection.execute("INSERT INTO note VALUES (1, 'fermata')")
    yield Stock(postgres, "notes")
    for name in ("notes", *(left for left in databases(postgres) if left.startswith("notes_"))):
        postgres.drop(name)


def databases(postgres: Postgres) -> set[str]:
    with postgres.connect() as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def used(url: str, statement: str) -> psycopg.Connection:
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    connection.execute(statement)
    return connection


@pytest.mark.postgres
def test_database_is_lent_again_as_the_template_was_and_not_to_who_had_it(stock: Stock):
    with stock.lent() as first:
        guest = used(first, "INSERT INTO note (id, word) VALUES (nextval('note_id_seq') + 1, 'mine')")
        used(first, "UPDATE note SET word = 'spoilt'").close()
    with pytest.raises(psycopg.OperationalError):
        guest.execute("SELECT 1")
    guest.close()
    with pytest.raises(psycopg.OperationalError):
        used(first, "SELECT 1")
    with stock.lent() as second, used(second, "SELECT 1") as connection:
        assert connection.execute("SELECT id, word, nextval('note_id_seq') FROM note").fetchall() == [
            (1, "fermata", 1)
        ]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "spoil",
    [
        "ALTER TABLE note ADD COLUMN more text",
        "CREATE INDEX words ON note (word)",
        "CREATE TABLE other (id int)",
        "DROP TABLE note",
        "INSERT INTO note SELECT n, repeat('x', 200) FROM generate_series(2, 2000) AS n",
    ],
)
def test_database_that_was_altered_or_filled_is_not_lent_again(stock: Stock, postgres: Postgres, spoil: str):
    before = databases(postgres)
    with stock.lent() as url:
        used(url, spoil).close()
        assert databases(postgres) > before
    assert databases(postgres) == before


@pytest.mark.redis
def test_redis_is_real_and_empty(redis_url):
    with Redis.from_url(redis_url, protocol=2) as client:
        assert client.dbsize() == 0
        assert client.info("server")["redis_version"]
        client.set("note", "fermata")


@pytest.mark.redis
def test_redis_stopped_and_started_answers_on_the_same_port(tmp_path):
    server = RealRedis(tmp_path)
    for _ in range(2):
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.ping()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 1)


@pytest.mark.browser
def test_browser_renders_a_page(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p id=p></p><script>p.textContent = 6 * 7</script>")
    command = [
        chromium,
        *CHROMIUM_FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        page.as_uri(),
    ]
    answer = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert b'<p id="p">42</p>' in answer.stdout


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "localhost", b"localhost", None]
)
def test_loopback_is_open(host):
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "example.test", "::ffff:192.0.2.1", "10.0.0.1", "localhost.example.test"]
)
def test_everything_else_is_closed(host):
    assert not is_local(host)


def test_connection_beyond_loopback_raises():
    with socket.socket() as out, pytest.raises(NetworkBlockedError):
        out.connect(("192.0.2.1", 25))
    with socket.socket() as out, pytest.raises(NetworkBlockedError):
        out.connect_ex(("192.0.2.1", 25))
    with socket.socket(type=socket.SOCK_DGRAM) as out, pytest.raises(NetworkBlockedError):
        out.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(NetworkBlockedError):
        urllib.request.urlopen("http://example.test/")


def test_lock_files_name_no_address_and_agree():
    answer = subprocess.run(
        [sys.executable, ROOT / "scripts/check_locks.py"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--index-url somewhere", "names an address or a path"),
        ("fermata @ file:wheels/x.whl", "names an address or a path"),
        ("# from https://registry.example.test/simple", "names an address"),
        ("-e ../other", "names an address or a path"),
        ("redis==5.3.1", "has no hash"),
    ],
)
def test_lock_file_check_bites(line, problem):
    assert any(problem in found for found in problems(f"# made by a tool\n{line}\n"))


def test_migrated_database_has_tables_and_is_fresh_each_time(database):
    assert "enrollment" in inspect(database.engine).get_table_names()
    with database.write() as session:
        session.execute(text("DELETE FROM workspace"))


def test_migrated_database_is_not_shared_between_tests(database):
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM workspace")).scalar() == 1
