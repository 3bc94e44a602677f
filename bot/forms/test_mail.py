"""Sending oneself one step as a lead would get it. Its numbers are the sequence and the lead."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from bot import codec
from bot.blocks import rich
from bot.codec import Form
from bot.forms.fields import Wrong, chosen_in, input_, modal, option, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, words
from core import trials
from core.answers import Answer
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.people import Actor
from core.trials import Shown

MAIL, ADDRESS = "mail", "address"
MOST_MAILS = 100  # options of a select
ERROR_CHARS = 300
HINT = "Only addresses of our own house. “[Test]” stands before the subject, and it counts for nothing."


def view(form: Form, shown: Shown) -> JSON:
    """Give the form."""
    options = [option(label, str(at)) for at, (_, _, label) in enumerate(shown.mails[:MOST_MAILS])]
    select: JSON = {"type": "static_select", "options": options, "initial_option": options[0]}
    address: JSON = {"type": "plain_text_input", "max_length": 254, "initial_value": shown.sender}
    who = words(f"{shown.sequence} for {shown.lead}", 300, bold=True)
    blocks = [
        rich([who, words(f"  ·  from {shown.sender}", 300)]),
        input_(MAIL, "Which mail", select),
        input_(ADDRESS, "To which address", address, hint=HINT),
    ]
    return modal(form, "Send me a test", "Send", blocks)


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    with front.desk.db.read() as session:
        found = trials.draft(session, form.enrollment_id, form.version)
    instead = SequenceVerb("preview", f"{found.sequence.name} for {found.lead.email}")
    return Opened(view(replace(form, about=secrets.token_hex(8)), trials.shown(found)), to_text(instead))


def _read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need]:
    chosen = chosen_in(state, MAIL)
    with front.desk.db.read() as session:
        found = trials.draft(session, form.enrollment_id, form.version)
        try:
            to = trials.recipient(session, value_of(state, ADDRESS))
        except Refused as refused:
            raise Wrong({ADDRESS: clean(str(refused), ERROR_CHARS)}) from refused
    if not form.about or not chosen.isdecimal() or int(chosen) >= len(found.mails):
        raise Refused(codec.OLD_FORM)
    number, name, _ = found.mails[int(chosen)]

    def act(actor: Actor, now: datetime) -> Answer:
        with front.desk.db.write() as session:
            return trials.write(
                session, form.enrollment_id, form.version, (number, name), to, key=f"form:{form.about}", actor=actor,
                now=now,
            )  # fmt: skip

    return act, Need.ACTS


KIND = Kind(_opened, _read)
