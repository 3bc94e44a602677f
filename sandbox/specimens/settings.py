"""The form of a sequence's settings and rules, in all its states."""

from __future__ import annotations

from collections.abc import Iterator

from bot.codec import Form
from bot.forms import settings
from core import sequence_file
from core.models import Sequence
from sandbox.specimens.enrol import Specimen
from sandbox.specimens.leads import NOW

SPEC = """
sequence: Spring outreach
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
holidays: DE
mailboxes: [ana@northwind.example]
grace: 1 business day
channel: "#outbound"
on: {reply: {do: pause, until: 14 days}}
steps:
  - {subject: A question, body: "Hi, reply STOP to opt out."}
"""
SENDERS = ("ana@northwind.example", "ben@northwind.example")


def all_settings() -> Iterator[Specimen]:
    """Give the form as it is opened, with faults, and of sequences that are protected."""
    spec = sequence_file.dump(sequence_file.load(SPEC))

    def row(status: str) -> Sequence:
        return Sequence(
            id=3, name="Spring outreach", key="x", status=status, spec=spec, created_at=NOW, changed_at=NOW
        )

    form = Form("settings", 3)
    yield "settings of a sequence", settings.open_view(form, row("paused"), SENDERS), {}
    errors = {
        settings.HOURS: "Write both ends, such as 09:00-17:00.",
        settings.ZONE: "There is no time zone Mars/Olympus; write one such as Europe/Berlin.",
        "until_reply": "Only an out-of-office names a return; write a delay such as 14 days.",
    }
    yield "settings: not understood", settings.open_view(form, row("paused"), SENDERS), errors
    yield "settings of a published sequence", settings.locked_view(form, row("published")), {}
    yield "settings of an archived sequence", settings.locked_view(form, row("archived")), {}
