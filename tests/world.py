"""A small world for tests: a database with a mailbox, sequences and leads, a clock that is passed in, and a sender.

Only the SMTP server is missing: mail "leaves" through the real hand-over protocol, with the answer made up here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from weakref import finalize

from sqlmodel import Session, col, select

from core import commands, handover, leads, releases, sequences
from core.answers import Answer
from core.db import Database
from core.handover import Claimed, Fate, Hand, Report
from core.lead_file.row import LeadRow
from core.migrate import migrate
from core.models import (
    WORKSPACE_ID,
    Card,
    Delivery,
    Enrollment,
    Hold,
    Journal,
    Lead,
    Mailbox,
    Member,
    Workspace,
)
from core.people import Actor
from core.sequence_file import load as read_sequence

ANA = Actor("U0ANA", "Ana", "Europe/Berlin")
BEN = Actor("U0BEN", "Ben", "America/New_York")
# A Tuesday, 10:00 in Berlin.
START = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)

PLAIN = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: Hi {{ first_name }}, reply STOP to opt out.
  - id: nudge
    delay: 4 days
    subject: Did it reach you, {{ first_name }}?
    body: Hi {{ first_name }}, reply STOP to opt out.
  - id: close
    delay: 3 days
    subject: Last word
    body: Bye. Reply STOP to opt out.
"""


@dataclass
class World:
    """One database and what tests do with it; `now` is what every act is told."""

    db: Database
    now: datetime = START
    wait_seconds: float = 5
    sent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def desk(self) -> commands.Desk:
        """What commands need."""
        return commands.Desk(self.db, wait_seconds=self.wait_seconds)

    def say(self, text: str, actor: Actor = ANA) -> Answer:
        """What typing this gives."""
        return commands.run(self.desk, text, actor=actor, now=self.now)

    def sure(self, text: str, actor: Actor = ANA) -> Answer:
        """What typing this gives once its question is answered with yes."""
        asked = self.say(text, actor)
        return commands.confirm(self.desk, asked.choices[0].proposal or "", actor=actor, now=self.now)

    def click(
        self, verb: str, email: str, sequence: str = "Spring", actor: Actor = ANA, **kwargs: object
    ) -> Answer:
        """What a button of a card that is up to date gives; `version` makes it an old one."""
        row = self.enrollment(email, sequence)
        kwargs.setdefault("version", row.version)
        return commands.click(
            self.desk,
            verb,
            enrollment_id=row.id or 0,
            actor=actor,
            now=self.now,
            **kwargs,  # type: ignore[arg-type]
        )

    def later(self, **kwargs: float) -> World:
        """Let time pass, nothing else."""
        self.now += timedelta(**kwargs)
        return self

    def tick(self) -> list[tuple[str, str]]:
        """What leaves now: holds whose date has come are released, everything due is handed over."""
        while releases.release_due(self.db, now=self.now):
            pass
        left = []
        while claims := self.claims():
            left += self.hand_over(claims)
        return left

    def run_until(
        self, until: datetime, step: timedelta = timedelta(hours=1)
    ) -> list[tuple[datetime, str, str]]:
        """What leaves until then, with its time; the clock moves in steps."""
        left = []
        while self.now < until:
            left += [(self.now, email, subject) for email, subject in self.tick()]
            self.now = min(self.now + step, until)
        return left + [(self.now, email, subject) for email, subject in self.tick()]

    def claims(self) -> list[Hand]:
        """Claim what is due, of every mailbox."""
        with self.db.read() as session:
            due = handover.mailboxes_due(session, now=self.now)
        return [claim for mailbox_id in due for claim in handover.claim(self.db, mailbox_id, now=self.now)]

    def begin(self, claims: Iterable[Hand]) -> set[int]:
        """Pass the point of no return, as far as allowed."""
        return handover.begin(self.db, [(claim.delivery_id, claim.fence) for claim in claims], now=self.now)

    def report(self, claim: Hand, fate: Fate = Fate.SENT, answer: str = "OK") -> None:
        """Say how a hand-over ended."""
        self.report_all([claim], fate, answer)

    def report_all(self, claims: Iterable[Hand], fate: Fate = Fate.SENT, answer: str = "OK") -> None:
        """Say that these hand-overs ended alike."""
        code = {Fate.SENT: 250, Fate.REFUSED: 550}.get(fate)
        subjects = (
            (claim, claim.step.subject if isinstance(claim, Claimed) else claim.subject) for claim in claims
        )
        reports = [
            Report(claim.delivery_id, claim.fence, fate, self.now, subject, code, answer)
            for claim, subject in subjects
        ]
        handover.record(self.db, reports, now=self.now)

    def hand_over(self, claims: Iterable[Hand]) -> list[tuple[str, str]]:
        """Hand all of these over with success and give (address, step key) of what left."""
        claims = list(claims)
        begun = self.begin(claims)
        gone = [claim for claim in claims if claim.delivery_id in begun]
        self.report_all(gone)
        left = [
            (claim.recipient, claim.step.key if isinstance(claim, Claimed) else "reply") for claim in gone
        ]
        self.sent += left
        return left

    def enrollment(self, email: str, sequence: str = "Spring") -> Enrollment:
        """The latest run of a lead."""
        with self.db.read() as session:
            query = (
                select(Enrollment)
                .join(Lead, col(Lead.id) == Enrollment.lead_id)
                .where(Lead.email == email, Enrollment.sequence_id == sequences.find(session, sequence).id)
                .order_by(col(Enrollment.run).desc())
            )
            return session.exec(query).first()  # type: ignore[return-value]

    def status(self, email: str, sequence: str = "Spring") -> str:
        """The status of its latest run."""
        return self.enrollment(email, sequence).status

    def holds(self, email: str, sequence: str = "Spring") -> list[Hold]:
        """Its open holds."""
        row = self.enrollment(email, sequence)
        with self.db.read() as session:
            query = select(Hold).where(Hold.enrollment_id == row.id, col(Hold.released_at).is_(None))
            return list(session.exec(query.order_by(col(Hold.id))))

    def deliveries(self, email: str, sequence: str = "Spring") -> list[Delivery]:
        """Its deliveries of the latest run."""
        row = self.enrollment(email, sequence)
        with self.db.read() as session:
            return list(
                session.exec(
                    select(Delivery).where(Delivery.enrollment_id == row.id).order_by(col(Delivery.id))
                )
            )

    def journal(self, *verbs: str) -> list[Journal]:
        """The lines of these verbs."""
        with self.db.read() as session:
            return list(
                session.exec(select(Journal).where(col(Journal.verb).in_(verbs)).order_by(col(Journal.id)))
            )

    def cards(self) -> list[Card]:
        """Every card."""
        with self.db.read() as session:
            return list(session.exec(select(Card).order_by(col(Card.id))))

    def lead_id(self, email: str) -> int:
        """The id of a lead."""
        with self.db.read() as session:
            return session.exec(select(Lead.id).where(Lead.email == email)).one() or 0

    def add(self, text: str = PLAIN, *, publish: bool = True) -> int:
        """Save a sequence and publish it."""
        with self.db.write() as session:
            saved = sequences.save(session, read_sequence(text), actor=ANA, now=self.now)
            if publish:
                sequences.turn(session, saved.sequence_id, "publish", actor=ANA, now=self.now)
            return saved.sequence_id

    def enrol(self, *emails: str, sequence: str = "Spring", **fields: object) -> None:
        """Save leads (the local part is the first name) and enrol them."""
        with self.db.write() as session:
            rows = [LeadRow(**{"email": email, "first_name": email.partition("@")[0].capitalize(),
                               "domain": email.partition("@")[2], **fields}) for email in emails]  # type: ignore[arg-type]  # fmt: skip
            saved = leads.save(session, rows, actor=ANA, now=self.now)
            found = sequences.find(session, sequence)
            ids = [lead_id for lead_id, _ in saved.values()]
            leads.enrol(session, ids, found.id or 0, actor=ANA, now=self.now)

    def change(self, table: type, **values: object) -> None:
        """Set columns of every row of a table."""
        with self.db.write() as session:
            for row in session.exec(select(table)):
                for name, value in values.items():
                    setattr(row, name, value)
                session.add(row)

    def read(self) -> Session:
        """A reading session, to be used with `with`."""
        return self.db.read()  # type: ignore[return-value]


def make(
    url: str,
    text: str = PLAIN,
    *emails: str,
    now: datetime = START,
    cap_per_day: int = 10_000,
    **fields: object,
) -> World:
    """A world on this database: Ana and Ben, one mailbox, one published sequence, these leads enrolled."""
    db = Database(url)
    migrate(db)
    world = World(db, now)
    finalize(world, db.close)  # with the test that made it
    with db.write() as session:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        workspace.channel, workspace.zone = "C0SALES", "Europe/Berlin"
        session.add(workspace)
        for actor in (ANA, BEN):
            session.add(Member(id=actor.id, name=actor.name, zone=actor.zone, seen_at=now))
        session.add(
            Mailbox(address="ana@sales.example", name="Ana", smtp_host="127.0.0.1", smtp_port=25, smtp_security="none",
                    cap_per_day=cap_per_day, created_at=now)
        )  # fmt: skip
    world.add(text)
    if emails:
        name = read_sequence(text).name
        world.enrol(*emails, sequence=name, **fields)
    return world
