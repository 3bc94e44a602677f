"""Everything around the sender fails in turn: its queue, and the database that somebody put a backup in place of."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from sqlite3 import connect as connect_sqlite

import pytest
from redis import Redis
from slack_sdk import WebClient
from sqlalchemy import make_url
from sqlmodel import col, select

from bot.delivery import deliver
from core import cards, hooks
from core.commands import Desk, run
from core.db import Database
from core.hooks import Told, What
from core.lifecycle import Pause
from core.models import WORKSPACE_ID, Card, Enrollment, Lead, Suppression, Workspace
from sandbox.slack import Workspace as Slack
from sandbox.slack import running as running_slack
from tests import mailroom
from tests.core.test_inbox import arrive, bounce, letter
from tests.faults.harness import check, is_settled, room_of, sink_process, taken, wait_for, worker
from tests.faults.test_clock import HOUR, Clock
from tests.services import RealRedis, postgres_bin
from tests.stories.stage import reading
from tests.world import PLAIN
from tests.world import make as make_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

THOROUGH = bool(os.environ.get("FERMATA_THOROUGH"))

# Redis


class Queue(RealRedis):
    """A Redis that is there or not, forgets, freezes and dies."""

    @contextmanager
    def absent(self):
        yield

    @contextmanager
    def back(self):
        self.start()
        yield

    @contextmanager
    def flushed(self):
        """Wiped every half second."""
        over = threading.Event()

        def wipe():
            while not over.wait(0.5):
                self.wipe()

        wiping = threading.Thread(target=wipe)
        wiping.start()
        yield
        over.set()
        wiping.join()

    @contextmanager
    def frozen(self):
        """It takes connections and answers none, then goes on where it stood."""
        with self._client() as client:
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def killed(self):
        """Kill -9, and started again empty while mail is due."""
        with self._client() as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)
        self.stop()
        yield
        self.start()

    @contextmanager
    def full_of_rubbish(self):
        """Somebody else writes into the queue: jobs that are none, and jobs for mailboxes that are not there."""
        with self._client() as client:
            client.zadd("fermata", {f"rubbish{number}": 0 for number in range(50)})
            client.mset({f"arq:job:rubbish{number}": b"\x80\x04]." for number in range(50)})
        yield

    def _client(self):
        return Redis.from_url(self.url)


WAYS = ("absent", "back", "flushed", "killed", "frozen", "full_of_rubbish")
ROUNDS, BATCHES, AT_ONCE = (6, 6, 10) if THOROUGH else (1, 1, 10)


def test_redis_is_absent_comes_forgets_dies_and_freezes(database_url, tmp_path, record_property):
    """Leads come due in batches all the while, each of which has to wake the sender anew; nothing waits for Redis."""
    log = tmp_path / "mail.jsonl"
    queue = Queue(tmp_path / "redis")
    late = {}
    with sink_process(log) as sink, ExitStack() as running:
        running.callback(queue.stop)
        room = room_of(database_url, sink.port, 0)
        running.enter_context(closing(room.db))
        for _ in range(2):
            running.enter_context(worker(database_url, tmp_path, FERMATA_REDIS_URL=queue.url))
        for way in (*WAYS, *WAYS[2:] * (ROUNDS - 1)):
            with getattr(queue, way)():
                for _ in range(BATCHES):
                    took = send_batch(room, log, AT_ONCE)
                    late[way] = max(late.get(way, 0), took)
        uncertain = check(room, log)
    sent = room.states()["sent"]
    assert uncertain == []
    assert room.states() == {"sent": BATCHES * AT_ONCE * (len(WAYS) + (ROUNDS - 1) * len(WAYS[2:]))}
    assert max(late.values()) < 60, late  # G4
    words = ", ".join(f"{way} {seconds:.1f} s" for way, seconds in late.items())
    record_property(
        "proof", f"G4: Redis {words} at the latest: {sent} sent once by 2 workers, 0 lost, 0 twice"
    )


def send_batch(room, log, count):
    """Enrol some leads that are due at once, and give how long it took until the last had left."""
    before, begun = len(taken(log)), time.monotonic()
    lead_ids = mailroom.add_leads(room.db, count, prefix=f"at{before}n")
    room.ids += mailroom.enrol(room.db, lead_ids, room.sequence_id, now=mailroom.real_now())
    wait_for(lambda: len(taken(log)) >= before + count and is_settled(room))
    return time.monotonic() - begun


# A restored backup

COPIED = 2000 if THOROUGH else 120


def copy_of(url, folder):
    """Give the address of a copy, made as docs/operations.md says, while a worker may be sending from the original."""
    if url.startswith("sqlite"):
        path = folder / "copy.db"
        with (
            closing(connect_sqlite(make_url(url).database)) as from_,
            closing(connect_sqlite(path)) as to,
        ):
            from_.backup(to)
        return f"sqlite:///{path}"
    programs, dump = postgres_bin(), folder / "copy.dump"
    plain = make_url(url).set(drivername="postgresql")
    name = f"{plain.database}_copy"
    new = plain.set(database=name)
    for words in (
        [programs / "pg_dump", "--format=custom", f"--file={dump}", "-d", str(plain)],
        [programs / "createdb", "--maintenance-db", str(plain.set(database="postgres")), name],
        [programs / "pg_restore", "-d", str(new), dump],
    ):
        subprocess.run(words, check=True, capture_output=True)
    return str(make_url(url).set(database=name))


def say(db, text, now):
    said = run(Desk(db), text, actor=mailroom.ADA, now=now)
    assert not said.is_refusal, said.as_text()


def is_sweeping(room, clock):
    """Whether the worker has swept: a hold whose date has come is released, whether anything may leave or not."""
    row = room.rows()[-1]  # the last to leave, so it has not
    hold = mailroom.hold(until=clock.now() + timedelta(seconds=0.5))
    mailroom.act(room, Pause(hold, is_wide=True), ids=[row.id], now=clock.now())
    wait_for(lambda: room.row(room.ids.index(row.id)).status == "pending")
    return True


def state_of(room, status):
    with room.db.read() as session:
        query = select(Lead.email).join(Enrollment, col(Enrollment.lead_id) == Lead.id)
        return set(session.exec(query.where(Enrollment.status == status)))


@pytest.mark.parametrize("is_next_day", [False, True], ids=["at-once", "next-day"])
def test_a_restored_backup_waits_for_a_person(database_url, tmp_path, record_property, is_next_day):
    """The backup was made while mail left; the worker was then stopped in order, and the database was lost."""
    log, clock = tmp_path / "mail.jsonl", Clock(mailroom.real_now())
    with sink_process(log, "dot:delay=0.02") as sink:
        room = room_of(database_url, sink.port, COPIED, connections=1)
        with closing(room.db), clock.worker(database_url, tmp_path) as process:
            wait_for(lambda: len(taken(log)) >= COPIED // 4)
            copy_url = copy_of(database_url, tmp_path)
            copied, at = len(taken(log)), int(time.time())
            wait_for(lambda: len(taken(log)) >= copied + COPIED // 4 and time.time() > at + 1)
            process.terminate()
            process.join()
            left = {message.recipients[0] for message in taken(log)}
            assert COPIED // 2 <= len(left) < COPIED
        if is_next_day:
            clock.jump(13 * HOUR)
        with closing(Database(copy_url)) as db, clock.worker(copy_url, tmp_path) as process:
            copy = replace(room, db=db)
            assert is_sweeping(copy, clock)
            wait_for(lambda: not state_of(copy, "in_progress"))
            assert len(taken(log)) == len(left), "it sent before anybody confirmed"
            with db.read() as session:
                assert "is a copy" in session.get_one(Workspace, WORKSPACE_ID).halted_because
            again = left & state_of(copy, "pending")
            assert again, "the run must have mail that the copy does not know of"
            if not is_next_day:  # the person has looked at what left, as docs/operations.md says
                for email in again:
                    say(db, f"skip {email} in Spring", clock.now())
            say(db, "unhalt", clock.now())
            wait_for(lambda: is_settled(copy))
            if is_next_day:  # what is overdue asks; dropped, it never leaves
                with db.read() as session:
                    [card] = session.exec(select(Card).where(Card.kind == "backlog"))
                say(db, f"card backlog {card.about_id} drop", clock.now())
                wait_for(lambda: is_settled(copy))
            process.terminate()
            process.join()
            copies = Counter(message.recipients[0] for message in taken(log))
            assert set(copies.values()) == {1}, "what had left left again"
            assert copies.total() == (len(left) + 1 if is_next_day else COPIED)
    record_property(
        "proof",
        f"G9: a backup {len(again)} mails behind what had left halted at its first start; after `unhalt` {len(copies)} leads "
        f"had one mail, 0 twice ({'the backlog was asked about' if is_next_day else 'as the person said who had theirs'})",
    )


# Slack

TEAM = [f"lead{number}@x.test" for number in range(60 if THOROUGH else 12)]
FAULTS = (
    {"status": 429, "retry_after": 30},
    {"status": 503},
    {"status": 500},
    {"status": 200, "delay_seconds": 0.4},  # beyond the client's patience
)
SIGNS = {"paused": "paused", "stopped": "stopped", "pending": "next", "completed": "completed"}
SEED = int(os.environ.get("FERMATA_SEED", "20271123"))


def an_hour_of(world, draw, dice):
    """Every minute somebody falls due, somebody pauses or resumes somebody, and the bot tries to draw."""
    with world.db.write() as session:
        for email in TEAM:
            cards.show_lead(session, lead_id=world.lead_id(email), channel="C0SALES", now=world.now)
    for minute in range(60):
        world.tick()
        email = dice.choice(TEAM)
        if dice.random() < 0.7:
            world.say(f"{dice.choice(['pause', 'pause', 'resume', 'stop'])} {email} in Spring")
        if minute % 5 == 0:
            world.enrol(f"late{minute}@x.test")
        draw(minute)
        world.later(minutes=1)


def test_an_hour_without_slack(sqlite_url, request, tmp_path, record_property):
    """Mail leaves exactly as with it, and in the end each card stands there once, as things are."""
    for url in (sqlite_url, request.getfixturevalue("postgresql_url")) if THOROUGH else (sqlite_url,):
        plain = make_world(f"sqlite:///{tmp_path / f'plain{len(url)}.db'}", PLAIN, *TEAM)
        an_hour_of(plain, lambda _: None, random.Random(SEED))
        world, dice = make_world(url, PLAIN, *TEAM), random.Random(SEED + 1)
        slack = Slack(now=lambda: world.now)  # noqa: B023 - within the round
        slack.add_channel("sales", channel_id="C0SALES")
        with running_slack(slack):
            address = f"{slack.base_url}/api/"
            good = WebClient(slack.bot_token, address, timeout=5, retry_handlers=[])
            revoked = WebClient("xoxb-revoked", address, timeout=5, retry_handlers=[])
            hasty = WebClient(slack.bot_token, address, timeout=0.2, retry_handlers=[])

            def draw(minute, slack=slack, world=world, dice=dice, good=good, revoked=revoked, hasty=hasty):
                if minute < 5:  # some cards stand there before it begins
                    return draw_all(world, good)
                if minute > 40:
                    return deliver(world.desk, revoked, now=world.now)
                for method in ("chat.postMessage", "chat.update"):
                    slack.fail_next(method, **dice.choice(FAULTS))
                return deliver(world.desk, hasty, now=world.now)

            an_hour_of(world, draw, random.Random(SEED))
            slack._faults.clear()
            waiting = sum(card.wanted != card.drawn for card in world.cards())
            assert waiting > len(TEAM) // 3
            world.later(minutes=10)
            while any(card.wanted != card.drawn for card in world.cards()):
                assert draw_all(world, good), "a card is never drawn"
                world.later(minutes=10)
            shown = {message.ts: reading(message) for message in slack.messages("#sales")}
        assert world.sent == plain.sent
        found = world.cards()
        assert all(card.drawn == card.wanted and card.ts in shown for card in found)
        assert len(shown) == len(found), "a card stands there twice"
        of_leads = [card for card in found if card.kind == "lead"]
        assert len(of_leads) >= len(TEAM)
        for card in of_leads:
            with world.read() as session:
                email = session.get_one(Lead, card.lead_id).email
            assert SIGNS[world.status(email)] in shown[card.ts].casefold(), (email, shown[card.ts])
        record_property(
            "proof",
            f"G6: an hour of 429, 5xx, time-outs and a revoked token: {len(found)} cards, {waiting} of them waiting at its end, all "
            f"there once and as things are; {len(world.sent)} mails left as with Slack (seed {SEED})",
        )


def draw_all(world, client):
    """Draw whatever may be drawn, second by second."""
    seconds = (timedelta(seconds=second) for second in range(5))
    return sum(deliver(world.desk, client, now=world.now + at, pace=timedelta(0)) for at in seconds)


# What comes back, in any order

KINDS = ("reply", "bounce", "away", "unsubscribe", "told of a reply", "told to stop", "nothing")
MANY_LEADS = [
    f"{kind.replace(' ', '-')}{n}@x{n}.test" for kind in KINDS for n in range(30 if THOROUGH else 4)
]


def comes_of(world, email):
    """What comes back from a lead, as something that can be taken in again and again."""
    about = world.deliveries(email)[0].message_id
    key = f"<{email.replace('@', '.')}>"
    names = [name for name in KINDS if email.startswith(name.replace(" ", "-"))]
    kind = max(names, key=len)
    if kind == "nothing":
        return None
    if kind.startswith("told"):
        what = What.REPLY if kind.endswith("reply") else What.UNSUBSCRIBE
        return lambda: hooks.take_in(world.db, key, [Told(what, (email,))], now=world.now)
    content = {
        "reply": lambda: letter("Thanks, let me think.", email, answers=about, message_id=key),
        "bounce": lambda: bounce(about, email).replace(b"<dsn-", f"<{email}-".encode().replace(b"@", b".")),
        "away": lambda: letter("I am out of the office until June 15, 2027.", email, subject="Out of office",
                               message_id=key, Auto_Submitted="auto-replied"),
        "unsubscribe": lambda: letter("Please unsubscribe me.", email, answers=about, message_id=key),
    }[kind]()  # fmt: skip
    return lambda: arrive(world, content)


def ends(world):
    """How each lead stands: status, what holds it, and whether it gets no mail at all any more."""
    with world.read() as session:
        barred = set(session.exec(select(Suppression.email)))
    return {email: (world.status(email), sorted(hold.source for hold in world.holds(email)), email in barred)
            for email in MANY_LEADS}  # fmt: skip


def test_what_comes_back_doubled_and_in_any_order(database_url, tmp_path, record_property):
    orderly = make_world(f"sqlite:///{tmp_path / 'orderly.db'}", PLAIN, *MANY_LEADS)
    world, dice = make_world(database_url, PLAIN, *MANY_LEADS), random.Random(SEED)
    for one in (orderly, world):
        assert len(one.tick()) == len(MANY_LEADS)
        one.later(hours=2)
    for email in MANY_LEADS:
        if act := comes_of(orderly, email):
            act()
    acts = [act for email in MANY_LEADS if (act := comes_of(world, email)) for _ in range(dice.randint(2, 4))]
    dice.shuffle(acts)
    with ThreadPoolExecutor(3) as readers:
        for begin in range(0, len(acts), 10):
            list(readers.map(lambda act: act(), acts[begin : begin + 10]))
            world.tick()
    assert ends(world) == ends(orderly)
    assert {status for status, *_ in ends(world).values()} == {"pending", "paused", "stopped"}
    for (
        card
    ) in world.cards():  # at full size so much bounces that the guard holds the mailbox and the sequence
        if card.kind == "guard":
            assert not world.say(f"card guard {card.id} release").is_refusal
            assert not world.say("resume sequence Spring").is_refusal
    before = len(world.sent)
    world.run_until(world.now + timedelta(days=10), timedelta(hours=12))
    assert {email for email, _ in world.sent[before:]} == {
        email for email in MANY_LEADS if email.startswith("nothing")
    }
    record_property(
        "proof",
        f"G5: {len(acts)} answers, bounces, absences and webhooks, each 2 to 4 times and in any order by 3 readers: "
        f"{len(MANY_LEADS)} leads stand as in the orderly run, 0 who answered or stopped got mail (seed {SEED})",
    )
