"""What fault runs are made of: a sink and workers in processes of their own, and the ledger against what the sink took."""

import json
import multiprocessing
import os
import select
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

from sqlalchemy import func
from sqlmodel import col
from sqlmodel import select as sql

from core.db import Database
from core.models import Enrollment
from fermata.cli import main
from tests import mailroom
from tests.services import ROOT, free_port

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
def worker(url, home, **more):
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
    process = FORKS.Process(target=be_a_worker, args=(environment, str(home / "worker.log")))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def be_a_worker(environment, log):
    """Be `fermata worker`, in a process of its own that has its libraries loaded already."""
    os.environ.clear()
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    sys.argv = ["fermata", "worker"]
    main()


def taken(log):
    """What the sink accepted, as its log has it."""
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


def room_of(url, port, count=LEADS, **mailbox):
    now = mailroom.real_now()
    return mailroom.make(
        Database(url), count, text=mailroom.spec_text(steps=1), now=now, port=port, **mailbox
    )


def check(room, log):
    accepted = taken(log)
    mailroom.check_books(room.db, accepted)
    copies = Counter(message.recipients[0] for message in accepted)
    assert not [lead for lead, count in copies.items() if count > 1], "a step left twice"
    uncertain = [row for row in room.deliveries() if row.state == "uncertain"]
    assert {card.delivery_id for card in room.cards("uncertain")} == {row.id for row in uncertain}
    with room.db.read() as session:
        held = set(session.exec(sql(Enrollment.id).where(Enrollment.status == "paused")))
    assert held == {row.enrollment_id for row in uncertain}
    return uncertain
