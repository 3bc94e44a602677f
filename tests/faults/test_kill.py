"""kill -9 at every phase of the SMTP dialogue, then a restart: the ledger against what the sink really took (G2, G3, G8)."""

import time
from collections import Counter
from contextlib import closing

import pytest
from sqlmodel import select as sql

from core.models import Delivery
from tests.faults.harness import (
    LEADS,
    LEASE_SECONDS,
    check,
    is_settled,
    room_of,
    sink_process,
    taken,
    wait_for,
    wait_until_it_hangs,
    worker,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Where a worker is killed: the phase at which the sink stops answering, for the lead of this number.
PHASES = ["mail#8", "rcpt#1@lead20", "data#1@lead30", "body#1@lead40", "dot#1@lead50", "after#1@lead60"]


def test_killed_at_every_phase(database_url, tmp_path):
    log = tmp_path / "mail.jsonl"
    with sink_process(log, *(f"{phase}:hang" for phase in PHASES)) as sink:
        room = room_of(database_url, sink.port, connections=1)
        with closing(room.db):
            for _ in PHASES:
                with worker(database_url, tmp_path):  # its end is a kill -9
                    wait_until_it_hangs(sink)
            # Killed where it hurts most: the sink has answered, nothing is written down yet.
            with worker(database_url, tmp_path):
                before = len(taken(log))
                wait_for(lambda: len(taken(log)) > before)
            with worker(database_url, tmp_path):
                wait_for(lambda: is_settled(room))
            uncertain = check(room, log)
            assert 4 <= len(uncertain) <= len(PHASES) + 100
            assert room.states() == {"sent": LEADS - len(uncertain), "uncertain": len(uncertain)}
            arrived = {message.message_id for message in taken(log)}
            assert any(row.message_id in arrived for row in uncertain)  # after the dot, the answer was lost
            assert any(row.message_id not in arrived for row in uncertain)
            with worker(database_url, tmp_path):  # and they wait for a person, however long
                time.sleep(2 * LEASE_SECONDS)
            assert len(check(room, log)) == len(uncertain)
            assert Counter(row.state for row in room.deliveries())["uncertain"] == len(uncertain)


def test_sigterm_in_mid_dialogue_leaves_nothing_uncertain(database_url, tmp_path):
    log = tmp_path / "mail.jsonl"
    with sink_process(log, "dot:delay=0.2") as sink:
        room = room_of(database_url, sink.port, connections=3)
        with closing(room.db):
            with worker(database_url, tmp_path) as process:
                wait_for(lambda: len(taken(log)) >= 3)
                time.sleep(0.1)
                process.terminate()
                process.join(10)
                assert process.exitcode == 0
            sent = len(taken(log))
            assert sent < LEADS
            assert check(room, log) == []
            with room.db.read() as session:
                states = Counter(session.exec(sql(Delivery.state)))
            assert states["sent"] == sent
            assert set(states) <= {"sent", "ready"}
