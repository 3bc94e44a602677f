"""The form that enrols leads, in all its states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import modals
from bot.codec import Form
from bot.forms import enrol
from bot.forms.fields import LEADS, SEQUENCES
from core import lead_file
from core.enrolling import Person, Preview, Why
from core.models import Sequence
from sandbox.specimens.leads import HOSTILE, NOW

JSON = dict[str, Any]
Specimen = tuple[str, JSON, dict[str, str]]
NAMES = (
    "Ada Winter", "Ben Sommer", "Cy Falk", "Dora Lenz", "Emil Brandt", "Frida Noor", "Gero Stein", "Hana Vogt", "Ivo Kern",
    "Jule Maier", "Kai Ritter", "Lea Sand", "Mio Thal", "Nora Weiss", "Ole Zorn",
)  # fmt: skip
FILE = (
    "E-Mail;Vorname;Firma\nada@lindenhof.example;Ada;Lindenhof\nben@lindenhof.example;Ben;Lindenhof\n;Cy;Opera\n"
    "postmaster@opera.example;;Opera\nADA@lindenhof.example;Ada;Lindenhof\n"
)


def _people(*names: str, why: str = "", line: int = 0) -> tuple[Person, ...]:
    return tuple(
        Person(f"{name.split()[0].lower()}@lindenhof.example", name, number, line and line + number, why)
        for number, name in enumerate(names)
    )


def enrolments() -> Iterator[Specimen]:
    """Give the views in the order in which people meet them."""
    form = Form("enrol", 3)
    spring = Sequence(
        id=3, name="Spring outreach", key="x", status="published", created_at=NOW, changed_at=NOW
    )
    yield "enrol: who, and where", enrol.first_view(Form("enrol")), {}
    yield "enrol: opened for a sequence", enrol.first_view(form, spring), {}
    errors = {
        enrol.FILTER: "“blue” is not understood here; write for example `stage:demo tag:eu -in:Spring owner:me`.",
        enrol.FILE: "Line 2: A quote opens here and never closes; close it, or double it.",
        SEQUENCES: "Spring outreach is paused, so nobody can be enrolled. Resume it first: `resume sequence Spring outreach`.",
        LEADS: enrol.ONE_WAY,
    }
    yield "enrol: not understood", enrol.first_view(form), modals.Wrong(errors).errors
    many = Preview(
        3,
        "Spring outreach",
        _people(*NAMES),
        {
            Why.SUPPRESSED: _people("Pia Frost"),
            Why.THERE: _people("Quinn Adler", "Rosa Busch", why="in progress"),
            Why.BEFORE: _people("Sven Dahl", why="completed"),
        },
        {"Ben Okafor": _people("Tom Engel", why="is Ben Okafor's lead")},
        elsewhere=_people("Uma Holt", why="paused in Opera until somebody resumes"),
        away=_people("Will Kant", why="until Tuesday 15 June 2027, 10:00 (Europe/Berlin)"),
        qualified=_people("Vera Lind", why="on Tuesday 1 June 2027"),
    )
    yield "enrol: who is enrolled, who not and why", enrol.second_view(form, many), {}
    file = lead_file.read(FILE.encode("cp1252"))
    refused = [row for row in file if row.fault is not None]
    rows = Preview(3, "Spring outreach", _people("Ada Winter", "Ben Sommer", line=2))
    view = enrol.second_view(form, rows, name="leads.csv", file=file, refused=refused)
    yield "enrol: from a file", view, {}
    theirs = Preview(
        3, "Spring outreach", (), {}, {"Ben Okafor": _people("Tom Engel", why="is Ben Okafor's lead")}
    )
    yield "enrol: only a colleague's leads", enrol.second_view(form, theirs), {}
    nobody = Preview(3, "Spring outreach", (), {Why.THERE: _people("Quinn Adler", why="paused")})
    yield "enrol: nobody", enrol.second_view(form, nobody), {}
    hostile = _people(*[HOSTILE] * 3, why=HOSTILE)
    yield (
        "enrol: whatever leads are called",
        enrol.second_view(form, Preview(3, HOSTILE, hostile, {Why.THERE: hostile})),
        {},
    )
    yield "enrol: reading a large file", modals.refusal(enrol.WAITING), {}
