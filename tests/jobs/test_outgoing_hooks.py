"""Hooks told over real HTTP: in order for each lead, signed, tried again, given up."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from sqlmodel import col, select

from core import commands, erasing, meetings, visits
from core.meetings import MeetingNews
from core.models import HookEvent
from core.outgoing import book, delivering
from core.secrets import Vault
from core.settings import Settings
from core.views import view
from fermata import wiring
from jobs.telling import Teller, is_public
from tests import tracked
from tests.world import ANA, PLAIN, make
from web.signatures import is_stamped

VAULT = Vault(b"a-key-of-thirty-two-letters-here")


class Receiver(ThreadingHTTPServer):
    """Keeps what it is told; `answers` are given in turn, then 200."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers, self.lock = [], [], threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hooks?x=1"

    def told(self):
        """(event, lead) in the order in which they came."""
        return [(body["event"], body["lead"]["email"]) for body, _ in self.got]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.got.append((json.loads(raw), {**self.headers, "raw": raw}))
            status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("location", self.server.url)
        self.send_header("content-length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


@contextmanager
def receiving():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def world(database_url):
    return make(database_url, PLAIN, "lea@x.test", "max@x.test")


def add(world, url, *events):
    with world.db.write() as session:
        hook, secret = book.add(session, VAULT, url, events, actor=ANA, now=world.now)
    return hook.id, secret


def tell(world, **kwargs):
    async def once():
        teller = Teller(world.db, VAULT, clock=lambda: world.now, **kwargs)
        await teller.look()
        await teller.settle()

    asyncio.run(once())


def rows(world):
    with world.read() as session:
        return list(session.exec(select(HookEvent).order_by(col(HookEvent.id))))


def test_visits_meetings_and_new_owners_are_told(database_url):
    world = make(database_url, tracked.with_rule(), tracked.ADA)
    add(
        world,
        "https://crm.example/x",
        "clicked",
        "opened",
        "meeting_booked",
        "meeting_missed",
        "owner_changed",
    )
    tracked.send(world)
    world.later(hours=1)
    tracked.visit(world, 0)
    tracked.visit(world)
    visits.settle_due(world.db, now=world.later(seconds=6).now)
    at = world.now + timedelta(days=1)
    booked = MeetingNews(
        state="booked", number=0, key="calendar:call", source="calendar", starts_at=at, ends_at=at + timedelta(hours=1),
        title="A call", changed_at=world.now,
    )  # fmt: skip
    with world.db.write() as session:
        meetings.note(session, 1, None, booked, now=world.now)
    meetings.ask_about_ended(world.db, now=world.later(days=2).now)
    world.say("card meeting 1 no show")
    world.say(f"owner {tracked.ADA} <@U0BEN>")
    told = [(row.event, row.payload["reason"]) for row in rows(world)]
    assert told == [
        ("opened", "step 1"),
        ("clicked", tracked.PAGE),
        ("meeting_booked", f"“A call” on {at:%Y-%m-%dT%H:%MZ}"),
        ("meeting_missed", f"“A call” on {at:%Y-%m-%dT%H:%MZ}"),
        ("owner_changed", ""),
    ]
    assert (rows(world)[-1].payload["was"], rows(world)[-1].payload["became"]) == ("", "U0BEN")


def test_with_no_hook_nothing_is_kept(world):
    world.tick()
    world.say("pause lea@x.test")
    assert rows(world) == []


def test_events_come_in_order_for_each_lead_with_what_happened(world, receiver):
    _, secret = add(world, receiver.url)
    world.tick()
    world.say("pause lea@x.test because on holiday")
    world.say("resume lea@x.test")
    world.say("stop max@x.test")
    world.say("tag max@x.test hot")
    tell(world)
    of_lead = {
        email: [event for event, lead in receiver.told() if lead == email]
        for email in ("lea@x.test", "max@x.test")
    }
    assert of_lead == {
        "lea@x.test": ["sent", "paused", "resumed"],
        "max@x.test": ["sent", "stopped", "tagged"],
    }
    body, headers = next(one for one in receiver.got if one[0]["event"] == "paused")
    assert body == {
        "id": headers["fermata-event-id"], "event": "paused", "at": "2027-06-01T08:00:00Z",
        "lead": {"email": "lea@x.test", "name": "", "first_name": "Lea", "last_name": "", "company": "", "stage": "", "owner": None},
        "sequence": "Spring", "actor": "U0ANA", "reason": "on holiday", "was": "pending", "became": "paused",
    }  # fmt: skip
    assert is_stamped(
        [headers["fermata-signature"]], headers["raw"], secret, now=world.now, window=timedelta(seconds=5)
    )
    assert not is_stamped(
        [headers["fermata-signature"]],
        headers["raw"] + b" ",
        secret,
        now=world.now,
        window=timedelta(seconds=5),
    )
    tell(world)
    assert len(receiver.got) == 6


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["stop lea@x.test", "undo"], [("stopped", "stopped"), ("resumed", "pending")]),
        (["stop lea@x.test", "undo", "undo {}"], [("stopped", "stopped"), ("resumed", "pending"), ("stopped", "stopped")]),
        (
            ["qualify lea@x.test", "undo", "undo {}"],
            [("stopped", "stopped"), ("qualified", "qualified"), ("resumed", "pending"), ("unqualified", ""),
             ("stopped", "stopped"), ("qualified", "qualified")],
        ),
        (
            ["unqualify lea@x.test", "undo"],
            [("stopped", "stopped"), ("unqualified", "not qualified"), ("resumed", "pending"), ("lead_changed", "")],
        ),
        (["skip lea@x.test in Spring", "unskip lea@x.test in Spring"], [("skipped", "skipped"), ("resumed", "pending")]),
    ],
)  # fmt: skip
def test_what_an_undo_puts_back_is_told(world, said, told):
    add(world, "https://crm.example/x")
    batch = None
    for text in said:
        batch = world.say(text.format(batch)).batch_id
    assert [(row.event, row.payload["became"]) for row in rows(world)] == told


def test_bulk_act_tells_of_each_lead_once(world, receiver):
    world.enrol(*[f"p{n}@x.test" for n in range(600)])
    add(world, receiver.url, "paused", "resumed", "stopped")
    for verb in ("pause", "pause", "resume", "stop"):
        said = world.say(f"{verb} everyone in Spring")
        for choice in said.choices:
            if choice.proposal:
                commands.confirm(world.desk, choice.proposal, actor=ANA, now=world.now)
                break
    found = rows(world)
    assert {event: sum(row.event == event for row in found) for event in ("paused", "resumed", "stopped")} == {
        "paused": 602, "resumed": 602, "stopped": 602,
    }  # fmt: skip
    assert {tuple(sorted(row.payload)) for row in found} == {
        ("actor", "batch_id", "became", "enrollment_id", "reason", "sequence_id", "was")
    }
    assert {(row.payload["was"], row.payload["became"]) for row in found if row.event == "paused"} == {
        ("pending", "paused")
    }


def test_later_event_of_a_lead_waits_for_the_earlier_and_other_leads_do_not(world, receiver):
    add(world, receiver.url, "paused", "resumed")
    world.tick()
    world.say("pause lea@x.test")
    world.say("resume lea@x.test")
    receiver.answers = [500]
    tell(world)
    assert receiver.told() == [("paused", "lea@x.test")]
    world.say("pause max@x.test")
    tell(world)
    assert receiver.told()[1:] == [("paused", "max@x.test")]
    world.later(minutes=1)
    tell(world)
    assert receiver.told()[2:] == [("paused", "lea@x.test"), ("resumed", "lea@x.test")]
    assert receiver.got[0][1]["fermata-event-id"] == receiver.got[2][1]["fermata-event-id"]


def test_after_ten_tries_it_is_given_up_a_card_says_so_and_the_next_is_told(world, receiver):
    add(world, receiver.url, "paused", "resumed")
    world.tick()
    world.say("pause lea@x.test")
    world.say("resume lea@x.test")
    receiver.answers = [503] * 10
    start = world.now
    for after in (None, *delivering.RETRY_AFTER):
        world.now += after or timedelta(0)
        tell(world)
    assert world.now - start > timedelta(hours=36)
    first = rows(world)[0]
    assert (first.tries, first.fault, first.told_at) == (10, "it answered 503", None)
    assert first.given_up_at
    [card] = [one for one in world.cards() if one.kind == "hook"]
    with world.read() as session:
        assert "1 event was given up" in view(session, card, now=world.now).lines[0]
    tell(world)
    assert rows(world)[1].told_at
    assert receiver.told()[-1] == ("resumed", "lea@x.test")


def test_killed_between_telling_and_writing_it_down_tells_again_with_the_same_id(world, receiver):
    hook_id, _ = add(world, receiver.url, "paused")
    world.tick()
    world.say("pause lea@x.test")
    [claimed] = delivering.claim(world.db, hook_id, now=world.now)  # and then nothing is recorded
    assert delivering.claim(world.db, hook_id, now=world.now) == []
    tell(world)
    assert receiver.got == []
    world.now += delivering.LEASE
    tell(world)
    assert [one["id"] for one, _ in receiver.got] == [str(claimed.id)]


def test_gone_turns_the_hook_off_with_what_waits(world, receiver):
    add(world, receiver.url, "paused", "resumed")
    world.tick()
    world.say("pause lea@x.test")
    world.say("resume lea@x.test")
    receiver.answers = [410]
    tell(world)
    tell(world)
    assert len(receiver.got) == 1
    assert all(row.given_up_at for row in rows(world))
    assert "410" in world.journal("hook off")[0].reason
    world.say("pause lea@x.test")
    assert len(rows(world)) == 2


def test_redirect_is_not_followed(world, receiver):
    add(world, receiver.url, "paused")
    world.tick()
    world.say("pause lea@x.test")
    receiver.answers = [302]
    tell(world)
    assert (len(receiver.got), rows(world)[0].fault) == (1, "it answered 302")


def test_private_address_and_silence_are_faults_of_that_hook_alone(world, receiver):
    add(world, "https://10.1.2.3/", "paused")
    add(world, "http://127.0.0.1:9/", "paused")
    add(world, receiver.url, "paused")
    world.tick()
    world.say("pause lea@x.test")
    tell(world)
    private, silent, told = rows(world)
    assert "private network" in private.fault
    assert silent.fault.startswith("ConnectError")
    assert told.told_at


@pytest.mark.parametrize("address", [
    "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
    "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
])  # fmt: skip
def test_address_inside_is_not_public(address):
    assert not is_public(ip_address(address))
    assert is_public(ip_address("93.184.216.34"))
    assert is_public(ip_address("2606:2800:220:1:248:1893:25c8:1946"))


def test_erased_person_is_told_of_no_more(world, receiver):
    add(world, receiver.url, "paused")
    world.tick()
    world.say("pause lea@x.test")
    with world.db.write() as session:
        erasing.erase(session, world.lead_id("lea@x.test"), actor=ANA, now=world.now)
    tell(world)
    assert receiver.got == []


def test_a_worker_tells_in_its_rounds(world, receiver, tmp_path):
    settings = Settings(home=tmp_path, secret_key="a-key-of-thirty-two-letters-here")
    add(world, receiver.url, "paused")
    world.tick()
    world.say("pause lea@x.test")

    async def work():
        engine = wiring.make_engine(settings, world.db, clock=lambda: world.now)
        await engine.tick()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(work())
    assert receiver.told() == [("paused", "lea@x.test")]
