"""The clock jumps while a worker sends: nothing early, nothing twice, nothing in the night, no burst (G9)."""

import os
import random
from collections import Counter, defaultdict
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from core.commands import Desk, run
from core.db import Database
from core.handover import backlog
from core.models import Card, Enrollment, Lead
from core.releases import next_event
from fermata import wiring
from tests import mailroom
from tests.faults.harness import FORKS, sink_process, taken, wait_for, worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

THOROUGH = bool(os.environ.get("FERMATA_THOROUGH"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2027, 6, 15, 10, 0, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Honolulu", "Australia/Lord_Howe")
EACH, STEPS, DELAY = (100, 12, 2 * DAY) if THOROUGH else (8, 6, 3 * DAY)
WINDOW = 'zone: Europe/Berlin\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}'


class Clock:
    """The clock of workers in other processes, moved from here."""

    def __init__(self, begins):
        self.shift = FORKS.Value("d", (begins - mailroom.real_now()).total_seconds())

    def now(self):
        return mailroom.real_now() + timedelta(seconds=self.shift.value)

    def jump(self, span):
        self.shift.value += span.total_seconds()

    def worker(self, *args, **more):
        """A worker that goes by this clock."""
        return worker(*args, sabotage=partial(go_by, self.shift), FERMATA_TICK_SECONDS="0.05", **more)


def go_by(shift):
    """Let this process's clock be off by `shift` seconds, which may change at any moment."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=shift.value)

    wiring.datetime = Shifted


def is_quiet(db, clock):
    """Whether all that is due by now has happened; a hand-over may still be under way."""
    with db.read() as session:
        found = next_event(session, now=clock.now())
        return found is None or found[0] > clock.now()


def add_leads(room, zone, count, *, prefix=None, now):
    prefix = prefix or zone.rpartition("/")[2].lower()
    ids = mailroom.add_leads(room.db, count, prefix=prefix, now=now, zone=zone)
    mailroom.enrol(room.db, ids, room.sequence_id, now=now)


def sent(db):
    """Give when each lead's steps left by the worker's clock: {(email, zone): [step 1, step 2, …]}."""
    with db.read() as session:
        of = {row.id: (lead.email, lead.zone) for row, lead in session.exec(
            select(Enrollment, Lead).join(Lead, col(Lead.id) == Enrollment.lead_id))}  # fmt: skip
    left = defaultdict(list)
    for row in mailroom.deliveries(db):
        if row.state == "sent":
            left[of[row.enrollment_id]].append((row.step_id, row.sending_at))
    return {lead: [at for _, at in sorted(steps)] for lead, steps in left.items()}


def same_time(at, zone, later):
    """The same time of a later day by the lead's own clock; two moments where that shows it twice, or never."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + later
    both = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    return sorted(both)


def check_days(db, delay):
    """Nobody got a step before its day; gives how many steps that was looked at for."""
    looked = 0
    for (email, zone), moments in sent(db).items():
        for before, after in pairwise(moments):
            assert after >= same_time(before, zone, delay)[0], (email, before, after)
            looked += 1
    return looked


def check_hours(db):
    """Nobody got mail in the night or at the weekend."""
    for (email, zone), moments in sent(db).items():
        for at in moments:
            local = at.astimezone(ZoneInfo(zone))
            assert local.weekday() < 5, (email, local)
            assert time(9) <= local.time() < time(17), (email, local)


def check_once(db, log):
    """No step left twice: by the sink's word, and by the ledger."""
    accepted = taken(log)
    mailroom.check_books(db, accepted)
    step_of = {row.message_id: (row.enrollment_id, row.step_id) for row in mailroom.deliveries(db)}
    copies = Counter(step_of[message.message_id] for message in accepted)
    assert set(copies.values()) <= {1}
    return len(accepted)


def statuses(room):
    return Counter(row.status for row in room.rows())


def test_jumps_back_and_forth_while_it_sends(database_url, tmp_path, record_property):
    log, clock, dice = tmp_path / "mail.jsonl", Clock(TUESDAY), random.Random(6)
    jumps = [HOUR] * 5 + [-HOUR] * 3 + [DAY, -2 * DAY, DAY, DAY]
    jumps = jumps * 4 if THOROUGH else jumps
    dice.shuffle(jumps)
    with (
        sink_process(log, "dot:delay=0.005") as sink,
        closing(Database(database_url)) as db,
        clock.worker(database_url, tmp_path) as process,
    ):
        room = mailroom.make(db, 0, text=mailroom.spec_text(steps=STEPS, delay=f"{DELAY.days} days", more=WINDOW), now=clock.now(), port=sink.port)  # fmt: skip
        for zone in ZONES:
            add_leads(room, zone, EACH, now=clock.now())

        def say(text):
            said = run(Desk(db), text, actor=mailroom.ADA, now=clock.now())
            assert not said.is_refusal, said.as_text()

        def go(span, is_awaited=True):
            clock.jump(span)
            if is_awaited:
                wait_until_quiet()

        def wait_until_quiet():
            wait_for(lambda: is_quiet(db, clock) or not process.is_alive(), 60)
            assert process.is_alive(), (tmp_path / "worker.log").read_text()[-2000:]

        wait_until_quiet()
        wait_for(lambda: len(taken(log)) >= EACH)
        paused = ["berlin0@b.test", "berlin1@b.test"]
        for email in paused:
            say(f"pause {email}")
        at_pause = len_of(db, paused)
        for number, jump in enumerate(jumps):
            go(jump, is_awaited=number % 3 > 0)  # some right while mail is on the wire
        wait_until_quiet()
        # A month passes in a moment: what is overdue then is no mail but a question.
        before = len(taken(log))
        go(30 * DAY)
        left = len(taken(log)) - before
        held = statuses(room)["paused"] - len(paused)
        assert left < backlog.MANY <= held, "a burst"
        assert statuses(room)["pending"] < backlog.MANY
        go(HOUR)
        assert statuses(room)["paused"] - len(paused) >= held
        with db.read() as session:
            [card] = session.exec(select(Card).where(Card.kind == "backlog"))
        say(f"card backlog {card.about_id} shift all")
        while statuses(room)["pending"]:
            with db.read() as session:
                at, _ = next_event(session, now=clock.now())
            go(max(at - clock.now(), HOUR))
        wait_for(lambda: not statuses(room)["in_progress"])
        assert statuses(room) == {"completed": len(room.rows()) - len(paused), "paused": len(paused)}
        assert len_of(db, paused) == at_pause, "mail for somebody whom a person had paused"
        looked = check_days(db, DELAY)
        check_hours(db)
        count = check_once(db, log)
    record_property(
        "proof",
        f"G9: {len(jumps)} jumps of the clock (±1 h, ±1 d, −2 d) and +30 d under a worker that sends: {count} mails, "
        f"0 twice, 0 of {looked} follow-ups before their day, 0 in the night, {held} held and asked about after +30 d",
    )


def len_of(db, emails):
    return {email: len(moments) for (email, _), moments in sent(db).items() if email in emails}


@pytest.mark.parametrize(
    "begins",
    [datetime(2027, 3, 25, 12, tzinfo=UTC), datetime(2027, 10, 28, 12, tzinfo=UTC)],
    ids=["begins", "ends"],
)
def test_summer_time_begins_or_ends_under_a_worker(sqlite_url, tmp_path, record_property, begins):
    """A window around the hour that is missing, or comes twice, in Berlin; in the other zones it is another weekend."""
    log, clock, steps, zones = tmp_path / "mail.jsonl", Clock(begins), 5, ZONES[:3]
    window = 'window: {days: Mon-Sun, from: "01:30", to: "03:30"}'
    with (
        sink_process(log) as sink,
        closing(Database(sqlite_url)) as db,
        clock.worker(sqlite_url, tmp_path) as process,
    ):
        text = mailroom.spec_text(steps=steps, delay="1 day", more=window)
        room = mailroom.make(db, 0, text=text, now=clock.now(), port=sink.port)
        for zone in zones:
            add_leads(room, zone, 2, now=clock.now())
        while set(statuses(room)) != {"completed"}:
            wait_for(lambda: is_quiet(db, clock) or not process.is_alive(), 60)
            with db.read() as session:
                found = next_event(session, now=clock.now())
            if found is not None:
                clock.jump(max(found[0] - clock.now(), timedelta(0)))
        count, looked = check_once(db, log), check_days(db, DAY)
        assert count == len(zones) * 2 * steps
        for (email, zone), moments in sent(db).items():
            local = [at.astimezone(ZoneInfo(zone)) for at in moments]
            assert len({at.date() for at in local}) == steps, (email, local)
            assert all(time(1, 30) <= at.time() < time(3, 30) for at in local), (email, local)
    record_property(
        "proof",
        f"G9: the night in which summer time changes, window 01:30 to 03:30: {count} mails, 0 twice, "
        f"0 of {looked} follow-ups before their hour, one a day and lead",
    )
