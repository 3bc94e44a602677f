"""What every benchmark stands on: filled databases that can be copied, a mail sink, contenders as processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import col

from benchmarks.bench_mime import BODY
from benchmarks.terms import NOW, WARM_LEADS
from core import leads, sequence_file, sequences
from core.db import Database
from core.migrate import migrate
from core.models import Enrollment, Lead, Mailbox
from core.people import SYSTEM
from tests.services import Postgres, Server, free_port, running_postgres

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SECONDS = 1_800  # of one contender; a fault in one must not hang the run
DATABASES = ("sqlite", "postgresql")
SEQUENCE = """
sequence: {name}
zone: Europe/Berlin
window: {{days: Mon-Fri, from: "09:00", to: "17:00"}}
mailboxes: [{mailbox}]
steps:
  - id: intro
    subject: A question about {{{{ lead.company }}}}
    body: {body}
  - id: nudge
    delay: 4 days
    subject: Did my question reach you?
    body: Hi {{{{ first_name }}}}, one word is enough. Reply STOP to opt out.
"""


def fill(db: Database, count: int, *, connections: int) -> None:
    """Two mailboxes with a sequence each: some leads to warm up with, and `count` leads to measure; all are due."""
    migrate(db)
    for name, address, size in (
        ("Warm", "warm@sales.example", WARM_LEADS),
        ("Measured", "ana@sales.example", count),
    ):
        rows = [
            {"email": f"{name.lower()}{n}@company{n % 977}.example", "first_name": f"Ada{n}", "company": f"Acme {n}",
             "domain": f"company{n % 977}.example", "created_at": NOW, "custom": {}}
            for n in range(size)
        ]  # fmt: skip
        spec = SEQUENCE.format(name=name, mailbox=address, body=json.dumps(BODY))
        with db.write() as session:
            session.add(
                Mailbox(address=address, name="Ana", smtp_host="127.0.0.1", smtp_port=25, smtp_security="none",
                        cap_per_day=10**7, connections=connections, created_at=NOW)
            )  # fmt: skip
            session.flush()
            saved = sequences.save(session, sequence_file.load(spec), actor=SYSTEM, now=NOW)
            sequences.turn(session, saved.sequence_id, "publish", actor=SYSTEM, now=NOW)
            ids = list(session.execute(insert(Lead).returning(col(Lead.id)), rows).scalars())
            leads.enrol(session, ids, saved.sequence_id, actor=SYSTEM, now=NOW)
            # Started, as if a step had left before: only then can a lead be paused.
            session.execute(update(Enrollment).values(send_at=NOW, wake_at=NOW, has_started=True))


class Store:
    """One kind of database: filled once, copied for each round."""

    def __init__(self, kind: str, folder: Path, server: Postgres | None) -> None:
        self.kind = kind
        self._folder, self._server = folder, server
        self._copies = 0
        self._template = ""

    def template(self, count: int, *, connections: int = 10) -> None:
        """Make the database that `copy` copies."""
        if self._server is not None:
            self._server.drop("template")
            url = self._server.create("template")
        else:
            (self._folder / "template.db").unlink(missing_ok=True)
            url = f"sqlite:///{self._folder / 'template.db'}"
        self._template = url
        self.grow(lambda db: fill(db, count, connections=connections))

    def grow(self, work: Callable[[Database], None]) -> None:
        """Do something to the template, then tell the database's planner about it, as autovacuum would."""
        with closing(Database(self._template)) as db:
            work(db)
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")

    @contextmanager
    def copy(self, sink: Sink) -> Iterator[str]:
        """The address of a fresh copy, its mailboxes pointed at the sink."""
        with self.empty(template="template") as url:
            with closing(Database(url)) as db, db.write() as session:
                session.execute(update(Mailbox).values(smtp_port=sink.port))
            yield url

    @contextmanager
    def empty(self, *, template: str = "template0") -> Iterator[str]:
        """The address of a database without anything in it, or with what the template has."""
        self._copies += 1
        name = f"round_{self._copies}"
        path = self._folder / f"{name}.db"
        if self._server is not None:
            url = self._server.create(name, template=template)
        else:
            if template != "template0":
                shutil.copy(self._folder / f"{template}.db", path)
            url = f"sqlite:///{path}"
        try:
            yield url
        finally:
            if self._server is not None:
                self._server.drop(name)
            for leftover in self._folder.glob(f"{name}.db*"):
                leftover.unlink()


@contextmanager
def stores(kinds: tuple[str, ...] = DATABASES) -> Iterator[list[Store]]:
    """A store of each kind, with its server."""
    with TemporaryDirectory(prefix="fermata-bench-") as folder, ExitStack() as stack:
        made = []
        for kind in kinds:
            server = None
            if kind == "postgresql":
                server = stack.enter_context(running_postgres(Path(folder) / "postgres"))
            made.append(Store(kind, Path(folder), server))
        yield made


@dataclass(frozen=True)
class Sink:
    """A mail sink in its own process."""

    port: int


@contextmanager
def sink(*, log: Path | None = None) -> Iterator[Sink]:
    """A sink that keeps and syncs nothing, so that only its client is measured; `log` notes when each mail came."""
    with TemporaryDirectory(prefix="fermata-sink-") as folder:
        port = free_port()
        program = (
            ["sandbox.sink", "--port", str(port)] if log is None else ["benchmarks.sink", str(port), str(log)]
        )
        command = [sys.executable, "-m", *program]
        server = _RootedServer(command, port=port, log=Path(folder) / "log", stop_with="TERM")
        server.start(lambda: b"listening" in server.log.read_bytes())
        try:
            yield Sink(port)
        finally:
            server.stop()


class _RootedServer(Server):
    """A server that runs our own modules."""

    def start(self, is_up: Any) -> None:
        self.command = ["/usr/bin/env", f"PYTHONPATH={ROOT}", *self.command]
        super().start(is_up)


@dataclass(frozen=True)
class Run:
    """What one contender did: wall time, CPU of its own process, and its size at the end."""

    messages: int
    seconds: float
    cpu_seconds: float
    rss_mb: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a message."""
        return self.cpu_seconds / self.messages * 1000


def contend(name: str, *arguments: object, program: str = "benchmarks.contenders") -> Run:
    """Let one contender run in a process of its own."""
    return Run(**json.loads(contend_raw(name, *arguments, program=program)))


def contend_raw(name: str, *arguments: object, program: str = "benchmarks.contenders") -> str:
    """What one contender prints, one line of JSON."""
    command = [sys.executable, "-m", program, name, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-3000:]}")
    return done.stdout.splitlines()[-1]
