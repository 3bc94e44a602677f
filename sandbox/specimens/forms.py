"""The forms about a lead in all their states, drawn by the bot's own code over a small database made for the purpose."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from slack_sdk import WebClient
from sqlmodel import col, select

from bot import codec, modals
from bot.codec import Form
from bot.forms import FORMS
from bot.forms.fields import field_id
from bot.front import Front
from bot.members import Members
from core import commands, leads, sequence_file, sequences
from core.db import Database
from core.lead_file import LeadRow
from core.migrate import migrate
from core.models import Enrollment, Lead, Mailbox, Member, Sequence, Workspace
from core.people import Actor
from sandbox.specimens.leads import HOSTILE, NOW

JSON = dict[str, Any]
ZONE = "Europe/Berlin"
ANA = Actor("U0ANA", "Ana Ruiz", ZONE)
ADA, BEN, CY = "ada@lindenhof.example", "ben@lindenhof.example", "cy@lindenhof.example"
SEQUENCES = ("Spring outreach", "Opera")
SPEC = """
sequence: {name}
zone: Europe/Berlin
lead_zone: true
window: {{days: Mon-Fri, from: "09:00", to: "17:00"}}
steps:
  - id: intro
    subject: "{{{{ first_name }}}}, a question about {{{{ company }}}}"
    body: "Hi {{{{ first_name }}}}"
  - id: nudge
    delay: 4 days
    thread: true
    body: "Did it arrive? Your budget was {{{{ lead.custom.budget | default: 'open' }}}}."
  - id: close
    delay: 1 week
    thread: true
    body: "Goodbye"
"""


@cache
def _front() -> Front:
    """Give the front desk of a team with three leads: one in two sequences and another zone, one paused, one not yet begun."""
    folder = tempfile.mkdtemp(prefix="fermata-gallery-")
    db = Database(f"sqlite:///{Path(folder) / 'gallery.db'}")
    migrate(db)
    with db.write() as session:
        session.merge(Workspace(id=1, zone=ZONE))
        session.add(Member(id=ANA.id, name=ANA.name, zone=ZONE, seen_at=NOW))
        mailbox: JSON = {"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"}
        session.add(Mailbox(address="ana@northwind.example", created_at=NOW, **mailbox))
        saved = leads.save(
            session, [_ada(), _row(BEN, "Ben", "Amsel"), _row(CY, "Cy", "Falke")], actor=ANA, now=NOW
        )
        ids = [number for number, _ in saved.values()]
        for name in SEQUENCES:
            made = sequences.save(session, sequence_file.load(SPEC.format(name=name)), actor=ANA, now=NOW)
            sequences.turn(session, made.sequence_id, "publish", actor=ANA, now=NOW)
            leads.enrol(
                session, ids if name == SEQUENCES[0] else ids[:1], made.sequence_id, actor=ANA, now=NOW
            )
    with db.write() as session:
        for row in session.exec(select(Enrollment).where(Enrollment.lead_id != ids[2])):
            row.has_started, row.position = True, 1
            row.due_at = row.send_at = row.wake_at = NOW + timedelta(days=2)
            session.add(row)
    desk = commands.Desk(db)
    commands.run(desk, f"pause {BEN} because on tour", actor=ANA, now=NOW)
    client = WebClient()
    return Front(desk, client, Members(db, client), lambda: NOW, ThreadPoolExecutor(1))


def _row(email: str, first: str, last: str, **more: Any) -> LeadRow:
    names: JSON = {"first_name": first, "last_name": last, "name": f"{first} {last}"}
    return LeadRow(email=email, company="Lindenhof", domain="lindenhof.example", **names, **more)


def _ada() -> LeadRow:
    custom = {"budget": "12,000", "venue": HOSTILE, "notes": "Two halls.\nA garden."}
    return _row(
        ADA, "Ada", "Winter", zone="America/New_York", stage="contacted", tags=("spring", "venue"), owner=ANA.id,
        custom=custom,
    )  # fmt: skip


def _form(kind: str, email: str = "", *, about: str = "") -> Form:
    """Give the form about a lead's run in the first sequence, or about the lead itself."""
    with _front().desk.db.read() as session:
        lead = session.exec(select(Lead).where(Lead.email == email)).first()
        row = session.exec(
            select(Enrollment)
            .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
            .where(Enrollment.lead_id == (lead.id if lead else 0), Sequence.name == SEQUENCES[0])
        ).first()
    if kind == "edit_lead":
        return Form(kind, (lead.id if lead else 0) or 0, 0)
    return Form(kind, (row.id if row else 0) or 0, row.version if row else 0, about=about)


def opened(form: Form) -> JSON:
    """Give a form as it is opened."""
    return FORMS[form.form].opened(_front(), form, ANA, NOW).view


def changed(form: Form, **chosen: JSON) -> JSON:
    """Give a form as it is drawn anew after these fields were filled in."""
    kind = FORMS[form.form]
    assert kind.changed is not None
    drawn = kind.changed(_front(), form, {"state": state(**chosen)}, ANA, NOW)
    assert drawn is not None
    return drawn


def state(**chosen: JSON) -> JSON:
    """Give the state of a form in which these fields are filled in."""
    return {"values": {name: {field_id(name): value} for name, value in chosen.items()}}


def forms() -> Iterator[tuple[str, JSON, dict[str, str]]]:
    """Give each form by name, with the errors at its fields."""
    june_15: JSON = {"value": "June 15"}
    pause, shortcut = _form("pause", ADA), _form(codec.PAUSE_LEAD)
    yield "pause: as opened", opened(pause), {}
    yield "pause: with the three dates", changed(pause, when=june_15), {}
    everywhere = {f"place_{_form('edit_lead', ADA).enrollment_id}": {"selected_option": {"value": "*"}}}
    yield "pause: everywhere", changed(pause, when=june_15, **everywhere), {}
    yield "pause: a date that can be two", changed(pause, when={"value": "9/8"}), {}
    yield "pause: somebody who is paused already", changed(_form("pause", BEN), when=june_15), {}
    yield "pause: somebody who has not begun", changed(_form("pause", CY), when=june_15), {}
    yield "pause a lead: from the menu", opened(shortcut), {}
    named = _form(codec.PAUSE_LEAD, about=ADA)
    yield "pause a lead: named in a message", opened(named), {}
    yield "pause a lead: one of several", opened(_form(codec.PAUSE_LEAD, about=f"{ADA} {BEN}")), {}
    yield "pause a lead: found by name", changed(shortcut, lead={"value": "winter"}, when=june_15), {}
    yield (
        "pause a lead: not understood",
        opened(shortcut),
        _errors(shortcut, lead={"value": "ada@"}, when={"value": "9/8"}),
    )
    yield "resume: with the dates", opened(_form("resume", BEN)), {}
    yield "resume: on a holiday", changed(_form("resume", BEN), when={"selected_date": "2027-12-25"}), {}
    yield (
        "resume: a day that is past",
        changed(_form("resume", BEN), when={"selected_date": "2027-05-01"}),
        {},
    )
    yield "stop: in one of two sequences", opened(_form("stop", ADA)), {}
    yield "stop: in the only one", opened(_form("stop", BEN)), {}
    edit = opened(_form("edit_lead", ADA))
    yield "edit lead", edit, {}
    memory = codec.read_metadata(edit["private_metadata"])
    yield (
        "edit lead: not understood",
        edit,
        _errors(memory, zone={"value": "Berlin"}, stage={"value": "x" * 300}),
    )
    yield "a form that cannot be used", modals.refusal(codec.OLD_FORM), {}


def _errors(form: Form, **chosen: JSON) -> dict[str, str]:
    try:
        FORMS[form.form].read(_front(), form, state(**chosen), ANA.id, NOW, ZONE)
    except modals.Wrong as wrong:
        return wrong.errors
    return {}
