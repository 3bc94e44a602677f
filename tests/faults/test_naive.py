"""The fault runs bite: a worker that marks what it sent only afterwards fails the same check, after one kill -9."""

from contextlib import closing

import pytest
from sqlalchemy import update

from core.models import Delivery
from tests.faults.harness import check, child, hurry, room_of, sink_process, taken, wait_for
from tests.faults.sabotage import be_naive
from tests.mailroom import DAY, real_now

pytestmark = pytest.mark.slow
LEADS = 30


def test_a_worker_without_the_point_of_no_return_is_caught(database_url, tmp_path, record_property):
    log = tmp_path / "mail.jsonl"
    with sink_process(log, "dot:delay=0.01") as sink:
        room = room_of(database_url, sink.port, LEADS)
        with closing(room.db):
            with child(be_naive, database_url, room.mailbox_id):
                wait_for(lambda: len(taken(log)) >= 5)
            left = len(taken(log))
            assert left < LEADS
            with room.db.write() as session:  # its lease ends
                session.execute(update(Delivery).values(state="ready", lease_until=real_now() - DAY))
            hurry(room)
            with child(be_naive, database_url, room.mailbox_id):
                wait_for(lambda: len(taken(log)) >= left + LEADS)
            with pytest.raises(AssertionError, match="twice|no row knows"):
                check(room, log)
    record_property(
        "proof", f"It bites: a naive worker killed once sent {left} of {LEADS} mails twice, and was caught"
    )
