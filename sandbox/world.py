"""The worked sample: one sequence and a dozen leads, brought into different states by six days of real running."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import select

from core import cards, commands, goal_file, lead_file, sequence_file, sequences
from core import leads as core_leads
from core.commands import Desk
from core.goals import library
from core.models import Lead, Mailbox, Sequence
from core.people import Actor
from core.schedule import Calendar, first_working_moment, local
from core.sequence_file.spec import SequenceSpec
from sandbox.clock import SandboxClock
from sandbox.leads import Leads

SAMPLES = Path(__file__).parent / "samples"
ZONE = "Europe/Berlin"
MAILBOX = "ana@northwind.example"
ANA = Actor("U0ANA", "Ana Ruiz", ZONE)
BEN = Actor("U0BEN", "Ben Okafor", "America/New_York")
HISTORY = timedelta(days=6)
AWAY_DAYS = 8
ANSWER = "Thanks, that sounds useful. We plan the season in January, so could we talk next week? Tuesday after three suits me."
BEFORE_TODAY = 9  # leads that have a history; the others start today


def opening(real_now: datetime) -> datetime:
    """Give the moment at which the sandbox opens: half past nine in Berlin, today or on the next working day."""
    today = local(real_now, ZONE).date()
    calendar = Calendar(_sample("spring").calendar.window, ZONE, "DE")
    return first_working_moment(today, calendar) + timedelta(minutes=30)


async def furnish(
    desk: Desk, clock: SandboxClock, leads: Leads, *, smtp_port: int, imap_port: int, until: datetime
) -> None:
    """Make the sample and live through its six days, mail by mail, until the opening."""
    name, ids = _make(desk, clock.now(), smtp_port, imap_port)
    early, late = ids[:BEFORE_TODAY], ids[BEFORE_TODAY:]
    _enrol(desk, early, name, clock.now())
    await clock.advance(timedelta(days=2))
    _say(desk, BEN, "stop frank@prairieopera.example because signed with somebody else", clock)
    _say(desk, BEN, "pause dai@harbourhall.example because asked for a call in person", clock)
    _show(desk, "dai@harbourhall.example", clock.now())
    _come_back(leads, until)
    await clock.advance(timedelta(days=2, hours=12))
    _say(desk, ANA, "pause chloe@petittheatre.example for 20 days because on tour", clock)
    _say(desk, ANA, "pause ben@lindenhof.example", clock)
    await clock.advance(until - clock.now())
    _enrol(desk, late, name, clock.now())
    _say(desk, ANA, f"skip jonas@nordlys.example in {name}", clock)
    await clock.settle()


def _come_back(leads: Leads, until: datetime) -> None:
    """Let one lead answer, one be away, and one address not exist."""
    leads.bounce(leads.last_mail("grace@prairieopera.example"), is_hard=True)
    back_on = (until + timedelta(days=AWAY_DAYS)).date()
    leads.away(leads.last_mail("hiro@kitamusic.example"), back_on=back_on, system="gmail")
    leads.answer(leads.last_mail("ines@casadosom.example"), ANSWER)


def _make(desk: Desk, now: datetime, smtp_port: int, imap_port: int) -> tuple[str, list[int]]:
    spec = _sample("spring")
    rows = [row.lead for row in lead_file.read((SAMPLES / "leads.csv").read_bytes()) if row.lead]
    with desk.db.write() as session:
        session.add(
            Mailbox(
                address=MAILBOX,
                name=ANA.name,
                smtp_host="127.0.0.1",
                smtp_port=smtp_port,
                smtp_security="none",
                imap_host="127.0.0.1",
                imap_port=imap_port,
                zone=ZONE,
                created_at=now,
            )
        )
        session.flush()
        for one in (spec, _sample("onboarding")):
            saved = sequences.save(session, one, actor=ANA, now=now)
            session.flush()
            sequences.turn(session, saved.sequence_id, "publish", actor=ANA, now=now)
        customer = goal_file.load((SAMPLES / "customer.yaml").read_text("utf-8"))
        library.save(session, customer, actor=ANA, now=now)
        known = core_leads.save(session, rows, actor=ANA, now=now)
    return spec.name, [lead_id for lead_id, _ in known.values()]


def _sample(name: str) -> SequenceSpec:
    return sequence_file.load((SAMPLES / f"{name}.yaml").read_text("utf-8"))


def _show(desk: Desk, email: str, now: datetime) -> None:
    with desk.db.write() as session:
        lead = session.exec(select(Lead).where(Lead.email == email)).one()
        cards.show_lead(session, lead_id=lead.id or 0, channel=cards.channel_of(session, None), now=now)


def _enrol(desk: Desk, lead_ids: list[int], name: str, now: datetime) -> None:
    with desk.db.write() as session:
        sequence: Sequence = sequences.find(session, name)
        core_leads.enrol(session, lead_ids, sequence.id or 0, actor=ANA, now=now)


def _say(desk: Desk, actor: Actor, text: str, clock: SandboxClock) -> None:
    answer = commands.run(desk, text, actor=actor, now=clock.now())
    if answer.is_refusal:
        raise RuntimeError(f"{text}: {answer.as_text()}")
