"""A small sales team with one running sequence, and the real bot connected to an emulated Slack."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from slack_sdk import WebClient
from sqlmodel import select

from bot import socket
from bot.app import create
from bot.delivery import deliver
from bot.members import Members
from core import leads, sequence_file, sequences
from core.commands import Desk
from core.lead_file import LeadRow
from core.models import Enrollment, Journal, Lead, Mailbox, Workspace
from core.people import Actor
from tests.bot.samples import NOW

SOMEBODY = Actor("cli:test", "test", "Europe/Berlin")
SPRING = """
sequence: Spring
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: "Hi {{ first_name }}"
  - id: nudge
    delay: 4 days
    thread: true
    body: "Did it arrive?"
  - id: close
    delay: 1 week
    thread: true
    body: "Goodbye"
"""


class World:
    """What a test needs to look at and to act with."""

    def __init__(self, database, slack, clock, client: WebClient, **settings) -> None:
        self.database, self.slack, self.clock, self.client = database, slack, clock, client
        self.desk = Desk(database, wait_seconds=1)
        self.pool = ThreadPoolExecutor(8)
        self.members = Members(database, client)
        self.app = create(
            self.desk,
            clock=clock,
            token=slack.bot_token,
            is_guarded=True,
            api_url=f"{slack.base_url}/api/",
            pool=self.pool,
            **settings,
        )
        self.ana, self.ben, self.gus = (slack.person(name) for name in ("ana", "ben", "gus"))

    def until(self, look, timeout: float = 20.0):
        """Give the first truthy result; unlike the emulator's own waiting it lets the bot talk to it meanwhile."""
        deadline = time.monotonic() + timeout
        while not (found := look()):
            assert time.monotonic() < deadline, "It did not come about in time."
            time.sleep(0.01)
        return found

    def draw(self) -> int:
        """Draw what wants drawing."""
        still = timedelta(0)  # the clock of a test does not run by itself
        return deliver(self.desk, self.client, now=self.clock(), members=self.members, pace=still)

    def enrollment(self, email: str = "ada@engines.example", sequence: str = "Spring") -> Enrollment:
        """Give a lead's latest run as the database has it."""
        with self.database.read() as session:
            lead = session.exec(select(Lead).where(Lead.email == email)).one()
            wanted = sequences.find(session, sequence).id
            rows = session.exec(
                select(Enrollment).where(Enrollment.lead_id == lead.id, Enrollment.sequence_id == wanted)
            ).all()
            return max(rows, key=lambda row: row.run)

    def journal(self, verb: str) -> list[Journal]:
        """Give the journal's lines of a verb."""
        with self.database.read() as session:
            return list(session.exec(select(Journal).where(Journal.verb == verb).order_by(Journal.id)))


@contextmanager
def connected(world: World) -> Iterator[World]:
    """Connect the bot over Socket Mode until the block ends."""
    handler = socket.start(world.app, world.slack.app_token)
    world.slack.delivery.wait_until_reachable(20.0)
    try:
        yield world
    finally:
        socket.stop(handler)
        world.pool.shutdown(wait=True)


def furnish(database, *, copies: int = 1) -> None:
    """Put leads into one or more sequences, each one mail in, the next due in two days."""
    with database.write() as session:
        session.merge(Workspace(id=1, zone="Europe/Berlin", channel="C0OUTBOUND"))
        session.add(
            Mailbox(
                address="ana@northwind.example",
                smtp_host="127.0.0.1",
                smtp_port=1,
                smtp_security="none",
                created_at=NOW,
            )
        )
        rows = [lead_row("ada", "Ada Lovelace"), lead_row("grace", "Grace Hopper")]
        saved = leads.save(session, rows, actor=SOMEBODY, now=NOW)
        ids = [lead_id for lead_id, _ in saved.values()]
        for number in range(copies):
            text = SPRING.replace("Spring", "Spring" if number == 0 else f"Spring {number + 1}")
            made = sequences.save(session, sequence_file.load(text), actor=SOMEBODY, now=NOW)
            sequences.turn(session, made.sequence_id, "publish", actor=SOMEBODY, now=NOW)
            leads.enrol(session, ids, made.sequence_id, actor=SOMEBODY, now=NOW)
    with database.write() as session:
        for row in session.exec(select(Enrollment)):
            row.has_started, row.position = True, 1
            row.due_at = row.send_at = row.wake_at = NOW + timedelta(days=2)
            session.add(row)


def lead_row(first: str, name: str) -> LeadRow:
    """Give one line of a file of leads."""
    return LeadRow(
        email=f"{first}@engines.example", first_name=first.title(), name=name, company="Analytical Engines"
    )
