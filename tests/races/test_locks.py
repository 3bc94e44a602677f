"""Everything at once on the same leads: no deadlock reaches anybody, and every row tells the same story afterwards."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select, update

from core import commands, handover, leads
from core.db import Database
from core.handover import Fate, Report
from core.models import Delivery, Enrollment, Hold
from core.people import SYSTEM
from tests import mailroom
from tests.mailroom import ADA, BOB, real_now
from tests.races.harness import RACES

pytestmark = pytest.mark.slow
SECONDS = 5 if RACES < 10_000 else 60
LEASE = timedelta(seconds=0.15)  # so short that reaping meets living workers
VERBS = ("pause {} in Spring", "pause {}", "resume {} in Spring", "stop {} in Spring", "start {} in Spring",
         "cancel step {} in Spring", "resend step {} in Spring", "restart {} in Spring", "undo")  # fmt: skip


class Crowd:
    def __init__(self, url: str) -> None:
        self.url, self.errors, self.left, self.lock = url, [], [], threading.Lock()
        self.ends = time.monotonic() + SECONDS

    def keep(self, act, seed: int) -> None:
        db, chance = Database(self.url), random.Random(seed)
        try:
            # On a busy machine it goes on until something has happened at all.
            while (now := time.monotonic()) < self.ends or (len(self.left) <= 20 and now < self.ends + 60):
                act(db, chance)
        except OperationalError as error:
            self.errors.append(f"{act.__name__}: {error.orig}")
        finally:
            db.close()

    def send(self, db, chance) -> None:
        claims = handover.claim(db, 1, now=real_now(), limit=chance.choice((1, 3, 8)), lease=LEASE)
        chance.shuffle(claims)
        if chance.random() < 0.3:
            handover.release(db, claims, now=real_now())
            return
        allowed = handover.begin(db, [(c.delivery_id, c.fence) for c in claims], now=real_now(), lease=LEASE)
        going = [one for one in claims if one.delivery_id in allowed]
        reports = []
        for one in going:
            fate = chance.choices((Fate.SENT, Fate.RETRY, Fate.REFUSED, Fate.UNKNOWN), (8, 1, 1, 1))[0]
            reports.append(Report(one.delivery_id, one.fence, fate, real_now(), "s"))
            if fate is Fate.SENT:
                with self.lock:
                    self.left.append(one.message_id)
        if chance.random() < 0.2:
            time.sleep(0.2)  # beyond the lease
        handover.record(db, reports, now=real_now())
        if chance.random() < 0.3:
            handover.record(db, reports, now=real_now())
        handover.release(db, [one for one in claims if one.delivery_id not in allowed], now=real_now())

    def reap(self, db, chance) -> None:
        handover.reap(db, now=real_now())
        with db.write() as session:  # what was put off is due at once, as time passes quickly here
            session.execute(
                update(Enrollment).where(col(Enrollment.status) == "pending", col(Enrollment.wake_at) > real_now() + LEASE)
                .values(wake_at=real_now())
            )  # fmt: skip
        time.sleep(0.02)

    def command(self, db, chance) -> None:
        text = chance.choice(VERBS).format(f"lead{chance.randrange(20)}@b.test")
        actor = chance.choice((ADA, BOB))
        commands.run(commands.Desk(db, wait_seconds=0.1), text, actor=actor, now=real_now())

    def settle(self, db, chance) -> None:
        with db.read() as session:
            found = session.exec(select(Delivery.id).where(Delivery.state == "uncertain")).all()
        for delivery_id in found[:3]:
            verdict = chance.choice(("left", "drop"))
            commands.settle(
                commands.Desk(db), delivery_id=delivery_id, verdict=verdict, actor=ADA, now=real_now()
            )
        with db.write() as session:
            if chance.random() < 0.1:
                email = f"lead{chance.randrange(20, 24)}@b.test"
                leads.suppress(session, email, reason="asked", actor=SYSTEM, now=real_now())
        time.sleep(0.02)


def test_everything_at_once(database_url):
    room = mailroom.make(
        Database(database_url), 24, text=mailroom.spec_text(steps=4, delay="0 days"), now=real_now()
    )
    crowd = Crowd(database_url)
    acts = [crowd.send, crowd.send, crowd.send, crowd.reap, crowd.command, crowd.command, crowd.settle]
    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(crowd.keep, act, seed) for seed, act in enumerate(acts)]:
            future.result()
    assert crowd.errors == []
    check(room, set(crowd.left))
    room.db.close()


def check(room, left) -> None:
    rows, by_message = room.rows(), {row.message_id: row for row in room.deliveries() if row.message_id}
    assert len(left) > 20
    assert left <= set(by_message), "a mail left whose row has forgotten it"
    states = {by_message[one].state for one in left}
    assert states <= {"sent", "uncertain", "skipped", "sending"}  # skipped: a person dropped it, not knowing
    dropped = [row for one in left if (row := by_message[one]).state == "skipped"]
    assert all("dropped by" in row.reason for row in dropped)
    with room.db.read() as session:
        held = set(session.exec(select(Hold.enrollment_id).where(col(Hold.released_at).is_(None))))
    for row in rows:
        assert (row.id in held) == (row.status == "paused"), f"{row.status} and holds disagree"
    sending = {d.enrollment_id for d in room.deliveries() if d.state == "sending"}
    for row in rows:
        if row.status == "in_progress":
            assert row.id in sending
        if row.status in {"pending", "skipped", "completed"}:
            assert row.id not in sending
