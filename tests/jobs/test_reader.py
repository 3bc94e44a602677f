"""Reading mailboxes of a real Dovecot into a real database, through everything that happens to servers and readers."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlmodel import select

from core import handover
from core.models import Enrollment, Folder, Journal, Mailbox, Message
from jobs.engine import Engine
from jobs.reader import Desk, Reader
from jobs.sender import Post
from jobs.servers import imap_server
from jobs.smtp_login import Server
from sandbox.sink import Sink
from tests import mailroom
from tests.mailroom import real_now, until
from tests.services import ROOT, running_dovecot

NO_IDLE = "imap_capability = IMAP4rev1 LITERAL+ SPECIAL-USE NAMESPACE UNSELECT\n"
BACKLOG = int(os.environ.get("FERMATA_TEST_BACKLOG", "2000"))


def answer(number=0, text="Thanks!", *, key="", prefix="lead", about=None, **headers):
    """A mail of one of the leads; `about` is the mail it answers."""
    message = EmailMessage()
    message["From"] = f"{prefix}{number}@b.test"
    message["To"] = "us@a.test"
    message["Subject"] = "Re: Hello"
    message["Message-ID"] = f"<{key or uuid.uuid4().hex}@b.test>"
    if about:
        message["In-Reply-To"] = about
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    return message.as_bytes()


@dataclass
class Place:
    """A mailbox on a Dovecot, its leads in a database, and readers of it."""

    room: mailroom.Mailroom
    server: object
    address: str
    password: str

    @property
    def db(self):
        return self.room.db

    def desk(self, **more) -> Desk:
        def server_of(mailbox: Mailbox) -> Server:
            return imap_server(mailbox, lambda _: self.password, None, patience)

        values = {"poll_seconds": 30, "look_seconds": 0.1, **more}
        patience = values.pop("patience", 10)
        return Desk(self.db, values.pop("clock", real_now), server_of, **values)

    def deliver(self, *messages, **more):
        self.server.deliver(self.address, *messages, **more)

    @asynccontextmanager
    async def reader(self, **more):
        """A reader that runs."""
        made = Reader(self.desk(**more))
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            made.stop()
            await asyncio.wait_for(task, 10)

    def read(self, **more) -> None:
        """Read everything once."""

        async def once():
            made = Reader(self.desk(**more))
            try:
                await made.read_all()
            finally:
                made.stop()

        asyncio.run(once())

    def all(self, table, order="id"):
        with self.db.read() as session:
            return list(session.exec(select(table).order_by(getattr(table, order))))

    def box(self) -> Mailbox:
        return self.all(Mailbox)[0]

    def mark(self, name="INBOX") -> Folder | None:
        with self.db.read() as session:
            return session.get(Folder, (self.room.mailbox_id, name))

    def verbs(self, *verbs):
        return [line.verb for line in self.all(Journal) if line.verb in verbs]

    async def taken(self, count, seconds=10.0):
        await until(lambda: len(self.all(Message)) >= count, seconds)


def place_on(server, db, leads=3, **more):
    address = f"{uuid.uuid4().hex}@a.test"
    values = {"imap_host": "127.0.0.1", "imap_port": more.pop("port", server.port), "imap_security": "none",
              "password_env": "PASSWORD"}  # fmt: skip
    now = more.pop("now", real_now() - timedelta(hours=2))
    room = mailroom.make(db, leads, now=now, address=address, **values, **more)
    return Place(room, server, address, server.PASSWORD)


@pytest.fixture
def place(dovecot, database):
    """A mailbox of its own with three leads, on each kind of database."""
    return place_on(dovecot, database)


# Reading


def test_an_answer_pauses_its_lead_and_only_that(place):
    place.deliver(answer(1))
    place.read()
    [message] = place.all(Message)
    assert (message.kind, message.sender, message.text) == ("reply", "lead1@b.test", "Thanks!")
    assert [bool(place.room.holds(n)) for n in range(3)] == [False, True, False]
    assert place.mark().last_uid == 1
    assert place.box().read_at


def test_reading_again_changes_nothing(place):
    place.deliver(answer(0), answer(1))
    place.read()
    before = (place.all(Message), place.all(Enrollment), place.mark())
    place.read()
    assert (place.all(Message), place.all(Enrollment), place.mark()) == before


def test_what_the_filter_took_for_junk_is_read_too(place):
    place.deliver(answer(0), folder="Junk")
    place.read()
    assert len(place.all(Message)) == 1


def test_the_first_read_begins_a_day_before_the_mailbox_was_added(place):
    old = real_now() - timedelta(days=4)
    place.deliver(answer(0), at=old.timestamp())
    place.deliver(answer(1))
    place.read()
    assert [message.sender for message in place.all(Message)] == ["lead1@b.test"]
    assert place.mark().last_uid == 2


def test_mail_that_concerns_nobody_leaves_no_trace(place):
    place.deliver(answer(7, prefix="stranger"), b"\r\n", b"\r\n\r\n", b"not a mail at all \xff\x00")
    place.read()
    assert place.all(Message) == []
    assert place.mark().last_uid == 4


def test_a_copy_among_the_sent_mail_settles_what_was_uncertain(place):
    place.read()  # only what comes into Sent from now on counts
    [claim, *_] = mailroom.sending(place.room, now=real_now())
    report = mailroom.report(claim, handover.Fate.UNKNOWN, real_now())
    handover.record(place.db, [report], now=real_now())
    assert place.room.states()["uncertain"] == 1
    copy = EmailMessage()
    copy["From"], copy["To"], copy["Subject"] = place.address, "lead0@b.test", "Hello"
    copy["Message-ID"] = claim.message_id
    copy.set_content("Hi, reply to opt out.")
    place.deliver(copy.as_bytes(), folder="Sent")
    place.read()
    assert place.room.states()["uncertain"] == 0
    assert place.all(Message) == []


def test_sent_mail_from_before_is_not_read(place):
    place.deliver(answer(0), folder="Sent")
    place.read()
    assert place.all(Message) == []
    assert place.mark("Sent").last_uid == 1


def test_of_an_answer_of_50_mb_the_beginning_is_judged(place):
    big = (
        answer(0, "Thanks, here are the plans.") + b"\r\n" + (b"y" * 76 + b"\r\n") * (50 * 1024 * 1024 // 78)
    )
    place.deliver(big)
    place.read()
    [message] = place.all(Message)
    assert message.text.startswith("Thanks, here are the plans.")
    assert place.room.holds(0)


def test_hostile_message_ids_harm_nothing(place):
    hostile = answer(0).replace(b"Message-ID: <", b'Message-ID: <"x\\ )\r\n {7}\r\n A1 LOGOUT" ')
    place.deliver(hostile, answer(1))
    place.read()
    assert len(place.all(Message)) == 2
    assert place.box().unread_because is None


# The real path, and how fast it is


def test_idle_hears_of_an_answer_within_a_second(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db, 10)

    async def story():
        waits = []
        async with place.reader():
            await until(lambda: place.box().read_at)
            for number in range(5):
                await asyncio.sleep(0.1)
                started = time.monotonic()
                place.deliver(answer(number))
                await place.taken(number + 1)
                waits.append(time.monotonic() - started)
        return waits

    waits = asyncio.run(story())
    print(
        f"from delivery to the hold: {', '.join(f'{wait:.2f}' for wait in waits)} s (Dovecot waits 0.5 s itself)"
    )
    assert sorted(waits)[2] < 1


def test_a_server_without_idle_is_polled(sqlite_db):
    with running_dovecot(more=NO_IDLE) as server:
        place = place_on(server, sqlite_db)

        async def story():
            async with place.reader(poll_seconds=1):
                await until(lambda: place.box().read_at)
                started = time.monotonic()
                place.deliver(answer(0))
                await place.taken(1)
                return time.monotonic() - started

        assert asyncio.run(story()) < 2


def test_an_answer_one_second_before_a_step_is_due_stops_it(dovecot, sqlite_db):
    """The sender and the reader of a worker, a real SMTP server, and a follow-up that is due for two leads."""
    began = time.monotonic()

    def clock():
        return mailroom.NOW + timedelta(seconds=time.monotonic() - began)  # a Tuesday morning

    place = place_on(dovecot, sqlite_db, 2, now=mailroom.NOW)

    async def story():
        async with Sink() as sink, place.reader(clock=clock) as reader:
            place.room.change(Mailbox, place.room.mailbox_id, smtp_port=sink.port)
            sender = Post(replace(mailroom.desk(place.db, clock=clock), look=reader.look))
            engine = Engine(place.db, sender, clock=clock, tick_seconds=0.1)
            running = asyncio.create_task(engine.run())
            await until(lambda: place.room.states() == {"sent": 2} and place.box().read_at)
            due = clock() + timedelta(seconds=1)
            for enrollment_id in place.room.ids:
                place.room.change(Enrollment, enrollment_id, due_at=due, send_at=due, wake_at=due)
            place.deliver(answer(0), at=clock().timestamp())
            await until(lambda: len(sink.accepted) == 3)  # the other lead's, whom nobody holds back
            await asyncio.sleep(0.5)
            engine.stop()
            await running
            return [message.recipients for message in sink.accepted]

    assert asyncio.run(story())[2:] == [("lead1@b.test",)]
    assert place.room.row(0).status == "paused"


# Servers that go and come


def test_a_server_that_was_killed_is_read_again(sqlite_db):
    with running_dovecot() as server:
        place = place_on(server, sqlite_db)

        async def story():
            async with place.reader():
                await until(lambda: place.box().read_at)
                server.kill()
                await until(lambda: place.box().unread_because)
                said = place.box().unread_because
                place.deliver(answer(0))
                await asyncio.to_thread(server.start)
                await place.taken(1, 20)
                await until(lambda: place.box().unread_because is None)
                return said

        assert asyncio.run(story()) == f"Nothing answers at 127.0.0.1:{server.port}."
    assert place.verbs("mailbox unread", "mailbox read") == ["mailbox unread", "mailbox read"]


def test_a_connection_that_is_closed_now_and_then_is_no_fault(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)

    async def story():
        async with place.reader() as reader:
            for number in range(3):
                await until(lambda: place.box().read_at)
                await asyncio.sleep(0.2)
                [rounds] = reader._rounds.values()
                rounds._connection.break_off()
                place.deliver(answer(number))
                await place.taken(number + 1)

    asyncio.run(story())
    assert place.verbs("mailbox unread", "mailbox read") == []


@pytest.mark.row(116)
def test_another_uidvalidity_is_read_anew_without_double_effect(database):
    with running_dovecot() as server:
        place = place_on(server, database)
        place.deliver(answer(0, key="one"), answer(1, key="two"))
        place.read()
        before = (place.all(Message), place.room.rows(), place.all(Journal))
        uidvalidity = place.mark().uidvalidity
        server.stop()
        server.renumber(place.address)
        server.start()
        place.deliver(answer(2, key="three"))
        place.read()
        assert place.mark().uidvalidity != uidvalidity
        assert place.all(Message)[:2] == before[0]
        assert place.room.rows()[:2] == before[1][:2]
        assert place.all(Journal)[: len(before[2])] == before[2]
        assert [message.sender for message in place.all(Message)] == [
            "lead0@b.test",
            "lead1@b.test",
            "lead2@b.test",
        ]


def test_a_long_backlog_is_read_in_batches(dovecot, database):
    """2,000 messages of which ten concern leads; 10,000 with FERMATA_TEST_BACKLOG=10000."""
    place = place_on(dovecot, database, 10)
    noise = [answer(number, prefix="stranger", key=f"noise-{number}") for number in range(BACKLOG - 10)]
    place.deliver(*noise[: BACKLOG // 2], *(answer(number) for number in range(10)), *noise[BACKLOG // 2 :])
    started = time.monotonic()
    place.read()
    seconds = time.monotonic() - started
    print(f"{BACKLOG:,} messages in {seconds:.1f} s, {BACKLOG / seconds:,.0f} a second")
    assert len(place.all(Message)) == 10
    assert place.mark().last_uid == BACKLOG
    assert seconds < BACKLOG / 50


# What keeps mail back


def test_a_wrong_password_is_said_and_not_tried_again(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)
    place.password = "wrong"

    async def story():
        async with place.reader() as reader:
            await until(lambda: place.box().unread_because)
            tried = _logins(dovecot, place.address)
            await asyncio.sleep(1.5)
            await reader.read_all()
            return tried, _logins(dovecot, place.address)

    tried, later = asyncio.run(story())
    assert "refused the user name or the password" in place.box().unread_because
    assert tried == later == 1


def _logins(dovecot, address) -> int:
    """How often a login failed, as the server tells."""
    lines = (dovecot.folder / "log").read_text(errors="replace").splitlines()
    return sum("auth failed" in line and address in line for line in lines)


@pytest.mark.row(118)
@pytest.mark.parametrize("remove", ["inbox", "junk"])
def test_a_folder_that_is_gone_is_said_and_holds_follow_ups(sqlite_db, remove):
    with running_dovecot() as server:
        place = place_on(server, sqlite_db)
        place.read()
        long_ago = real_now() - timedelta(hours=1)
        place.room.change(Mailbox, place.room.mailbox_id, read_at=long_ago)
        settings = (server.folder / "dovecot.conf").read_text()
        if remove == "inbox":
            place.server.maildir(place.address).joinpath("cur").chmod(0)
        else:
            _restart(server, settings.replace("special_use = \\Junk", ""))
        place.read()
        words = "The folder INBOX cannot be opened" if remove == "inbox" else "The folder Junk of"
        assert place.box().unread_because.startswith(words)
        assert place.box().read_at == long_ago  # so that the barrier holds
        place.server.maildir(place.address).joinpath("cur").chmod(0o700)
        _restart(server, settings)
        place.read()
        assert place.box().unread_because is None
        assert place.box().read_at > long_ago


def _restart(server, settings):
    server.stop()
    (server.folder / "dovecot.conf").write_text(settings)
    server.start()


def test_a_missing_password_is_said(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)
    place.password = None
    place.read()
    assert place.box().unread_because == "The variable PASSWORD is not set, so there is no password."


def test_a_database_that_is_away_at_the_start_is_asked_again(dovecot, sqlite_db, caplog):
    place = place_on(dovecot, sqlite_db)
    place.deliver(answer(0))

    def rename(old, new):
        with place.db.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    async def read():
        async with place.reader():
            await until(lambda: "mailboxes could not be looked up" in caplog.text)
            rename("away", "mailbox")
            await place.taken(1)

    rename("mailbox", "away")
    asyncio.run(read())


# One reader of a mailbox


def test_a_mailbox_has_one_reader_and_gets_another_when_that_dies(dovecot, database):
    place = place_on(dovecot, database)
    processes = [_process(place, "5") for _ in range(2)]
    try:
        place.deliver(answer(0))
        _wait(lambda: place.all(Message))
        holder = place.box().reader
        dead = next(one for one in processes if f"{one.pid}" == holder.rpartition(" ")[2])
        time.sleep(0.5)
        assert place.box().reader == holder
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        place.deliver(answer(1))
        _wait(lambda: len(place.all(Message)) == 2)
        assert place.box().reader != holder
    finally:
        for one in processes:
            with suppress(ProcessLookupError):
                one.kill()
            one.wait()
    assert place.verbs("pause") == ["pause", "pause"]


def test_two_that_read_the_same_act_once(dovecot, database):
    """Both read without asking who has the lease, in two processes at the same moment."""
    place = place_on(dovecot, database, 10)
    place.deliver(*[answer(number, key=f"same-{number}") for number in range(10) for _ in range(3)])
    processes = [_process(place, "once") for _ in range(2)]
    assert [one.wait(60) for one in processes] == [0, 0]
    assert len(place.all(Message)) == 10
    assert place.verbs("pause") == ["pause"] * 10
    assert place.mark().last_uid == 30


PROCESS = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from core.db import Database
from jobs.reader import Desk, Reader
from jobs.sender import Post
from jobs.servers import imap_server
import os
url, password, lease = sys.argv[1:]
desk = Desk(Database(url), lambda: datetime.now(UTC), lambda box: imap_server(box, lambda _: password, None, 10),
            lease=timedelta(seconds=1 if lease == "once" else float(lease)), look_seconds=0.2)
reader = Reader(desk)
reader._name = f"{os.uname().nodename} {os.getpid()}"
asyncio.run(reader.read_all() if lease == "once" else reader.run())
os._exit(0)
"""


def _process(place, lease) -> subprocess.Popen:
    command = [sys.executable, "-c", PROCESS, place.db.url, place.password, lease]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})


def _wait(condition, seconds=30.0):
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.02)
    return found


# Coming and going


def test_a_reader_that_is_stopped_gives_its_mailboxes_back_at_once(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)

    async def story():
        async with place.reader():
            await until(lambda: place.box().read_at)
            assert place.box().reader
            started = time.monotonic()
        return time.monotonic() - started

    assert asyncio.run(story()) < 1
    assert place.box().reader is None


def test_a_mailbox_that_is_added_or_changed_meanwhile_is_read_as_it_is_now(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)
    place.room.change(Mailbox, place.room.mailbox_id, imap_host=None)
    place.deliver(answer(0))

    async def story():
        async with place.reader():
            await asyncio.sleep(0.3)
            assert place.box().read_at is None
            place.room.change(Mailbox, place.room.mailbox_id, imap_host="127.0.0.1", imap_port=1)
            await until(lambda: place.box().unread_because)
            place.room.change(Mailbox, place.room.mailbox_id, imap_port=dovecot.port)
            await place.taken(1)
            await until(lambda: place.box().unread_because is None)

    asyncio.run(story())


def test_read_all_waits_for_everything_while_the_reader_idles(dovecot, sqlite_db):
    place = place_on(dovecot, sqlite_db)

    async def story():
        async with place.reader(poll_seconds=60) as reader:
            await until(lambda: place.box().read_at)
            place.deliver(answer(0))
            await reader.read_all()
            return len(place.all(Message))

    assert asyncio.run(story()) == 1


@pytest.fixture
def sqlite_db(sqlite_url):
    """A migrated SQLite database."""
    from contextlib import closing

    from core.db import Database

    with closing(Database(sqlite_url)) as opened:
        yield opened
