"""What fault runs are made of: a sink and workers in processes of their own, and the ledger against what the sink took."""

import asyncio
import json
import multiprocessing
import os
import select
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col
from sqlmodel import select as sql

from core.db import Database
from core.models import Delivery, Enrollment, Mailbox
from fermata.cli import main
from sandbox.sink import Sink
from tests import mailroom
from tests.services import ROOT, free_port

THOROUGH = bool(os.environ.get("FERMATA_THOROUGH"))
LEADS = 120
LEASE_SECONDS = 1.5
# Loading what a worker is made of takes longer than all it does here, so that is done once for all of them.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


@contextmanager
def sink_process(log, *faults):
    port = free_port()
    options = [part for fault in faults for part in ("--fault", fault)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.sink", "--port", str(port), "--log", log, *options],
        cwd=ROOT, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    try:
        process.stdout.readline()
        yield SimpleNamespace(port=port, stdout=process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def sink_thread(script=None):
    """Give a sink in a thread of this process, whose script may do as it likes at each moment of each dialogue."""
    loop, sink = asyncio.new_event_loop(), Sink(script=script)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(sink.__aenter__(), loop).result()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def worker(url, home, *, sabotage=None, role="worker", **more):
    """Give `fermata worker` in a process of its own, killed at the end; `sabotage` is called in it before it starts."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("FERMATA", "SLACK"))},
        "FERMATA_HOME": str(home),
        "FERMATA_DATABASE_URL": url,
        "FERMATA_SECRET_KEY": "k" * 40,
        "FERMATA_TICK_SECONDS": "0.1",
        "FERMATA_LEASE_SECONDS": str(LEASE_SECONDS),
        "FERMATA_SMTP_TIMEOUT_SECONDS": str(LEASE_SECONDS),
        **more,
    }
    with child(be, role, environment, str(home / f"{role}.log"), sabotage) as process:
        yield process


@contextmanager
def child(target, *args):
    """Give a process that has its libraries loaded already; its end is a kill -9."""
    process = FORKS.Process(target=target, args=args)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def be(role, environment, log, sabotage=None):
    """Be `fermata worker`, or another part."""
    os.environ.clear()
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    sys.argv = ["fermata", role]
    if sabotage:
        sabotage()
    main()


def taken(log):
    """What the sink accepted: as its log has it, or the sink itself, or a list of it."""
    if not isinstance(log, Path):
        return list(getattr(log, "accepted", log))
    if not log.exists():
        return []
    lines = log.read_bytes().split(b"\n")[:-1]
    return [SimpleNamespace(**json.loads(line)) for line in lines]


def wait_for(condition, seconds=120.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.02)


def wait_until_it_hangs(sink, seconds=120.0):
    """Wait for the sink to stop answering, as its script says; by its own word, so that no slow machine can feign it."""
    assert select.select([sink.stdout], [], [], seconds)[0], "it never hung"
    assert sink.stdout.readline() == b"hangs\n"


def is_settled(room):
    with room.db.read() as session:
        open_ones = session.exec(
            sql(func.count())
            .select_from(Enrollment)
            .where(col(Enrollment.status).in_(["pending", "in_progress"]))
        ).one()
    return open_ones == 0


def settle(room, or_else=lambda: False):
    """Wait until it is settled, or something else is; five minutes until the next try are made to pass at once."""

    def is_over():
        with suppress(OperationalError):  # the database may be away just now
            if is_settled(room):
                return True
            hurry(room)
        return or_else()

    try:
        wait_for(is_over, 600 if THOROUGH else 120)
    except AssertionError as late:
        raise AssertionError(f"it never settled: {standstill(room)}") from late


def standstill(room):
    """Give what is neither sent nor settled, for whoever must find out why."""
    state = {row.enrollment_id: row for row in room.deliveries()}
    rows = [row for row in room.rows() if row.status in {"pending", "in_progress"}]
    with room.db.read() as session:
        mailbox = session.get_one(Mailbox, room.mailbox_id)
    return mailbox, [(row.status, row.wake_at, state.get(row.id)) for row in rows[:3]], len(rows)


def hurry(room):
    """Make the time come that what was not handed over waits for, and a mailbox that is down."""
    now = mailroom.real_now()
    again = sql(Delivery.enrollment_id).where(Delivery.state == "ready")
    with room.db.write() as session:
        waits = (col(Enrollment.id).in_(again), Enrollment.status == "pending", col(Enrollment.wake_at) > now)
        session.execute(update(Enrollment).where(*waits).values(wake_at=now))
    with room.db.write() as session:  # by itself: workers lock the two the other way round
        session.execute(update(Mailbox).where(col(Mailbox.retry_at) > now).values(retry_at=now))


def room_of(url, port, count=LEADS, **mailbox):
    now = mailroom.real_now()
    return mailroom.make(
        Database(url), count, text=mailroom.spec_text(steps=1), now=now, port=port, **mailbox
    )


def check(room, log):
    """Compare the ledger with what the sink took, and give what is uncertain: nothing lost, nothing twice, all with reasons."""
    accepted = taken(log)
    mailroom.check_books(room.db, accepted)
    copies = Counter(message.recipients[0] for message in accepted)
    assert not [lead for lead, count in copies.items() if count > 1], "a step left twice"
    rows = room.deliveries()
    assert {row.enrollment_id for row in rows} <= set(room.ids)
    uncertain = [row for row in rows if row.state == "uncertain"]
    failed = [row for row in rows if row.state == "failed"]
    assert all(row.reason for row in uncertain + failed), "without its reason"
    shown = {card.delivery_id for card in room.cards("uncertain")}
    assert shown >= {row.id for row in uncertain}, "without its card"
    # A worker that was only late has proved meanwhile that it left.
    assert {row.state for row in rows if row.id in shown} <= {"uncertain", "sent"}
    by_enrollment = {row.enrollment_id: row.state for row in rows}
    lost = [row for row in room.rows() if by_enrollment.get(row.id) not in STATES[row.status]]
    assert lost == [], "a lead whose status and delivery tell two stories"
    return uncertain


# What the delivery of a lead in this status may be, in a sequence of one step.
STATES = {
    "pending": {None, "ready", "claimed"},
    "in_progress": {"sending"},
    "completed": {"sent"},
    "paused": {"uncertain", "failed"},
}


def proof(promise, what, room, log):
    """Give the line that docs/proof.md quotes, after the same check."""
    uncertain, accepted = check(room, log), taken(log)
    states, arrived = room.states(), {message.message_id for message in accepted}
    came = sum(row.message_id in arrived for row in uncertain)
    assert sum(states.values()) == len(room.ids), "a lead without a delivery"
    words = [what, f"{len(room.ids)} leads", f"{len(accepted)} accepted", "0 lost", "0 twice"]
    if uncertain:
        words.append(f"{len(uncertain)} uncertain each with its card ({came} of them had arrived)")
    if states["failed"]:
        words.append(f"{states['failed']} failed each with its reason")
    return f"{promise} [{room.db.engine.dialect.name}]: {', '.join(words)}"
