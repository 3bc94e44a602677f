"""Files of leads (rows 63 to 86): each bad row is refused by itself with its reason, a bad file as a whole."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import pytest
from sqlmodel import select

from bot.forms import enrol
from core import exports, lead_file, leads, preview
from core.db import Database
from core.lead_file import Row
from core.letters import Office
from core.models import Lead
from tests.bad_inputs.rows import untouched
from tests.bot.samples import NOW
from tests.bot.world import SOMEBODY
from tests.world import PLAIN, make

OFFICE = Office("https://f.test", b"x" * 32, ())
FORMULAS = ('=HYPERLINK("http://x.test")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")
BAD = {
    "eve@new.example,Eve,New,more,cells": "The row has 5 cells, but there are 3 columns.",
    "ANN@new.example ,Ann,New": "The address ann@new.example stands in line 2 already.",
    "ann@NEW.example\u200b,Ann,New": "The address ann@new.example stands in line 2 already.",
    "bo@xn--bcher-kva.example,Bo,New": "The address bo@xn--bcher-kva.example stands in line 3 already.",
    'x@new.example,"A\r\nBcc: v@x.example",New': "The cell name holds a line break or control character.",
    "a@x,A,New": "is no domain",
    "a..b@x.test,A,New": "no plain address",
    ".a@x.test,A,New": "no plain address",
    "a@[127.0.0.1],A,New": "is no domain",
    '"""a b""@x.test",A,New': "has blanks or hidden characters inside",
    '"a@x.test, b@x.test",A,New': "not one address",
    "alice@ok.test)bob@evil.test,A,New": "not one address",
    "postmaster@new.example,A,New": "a machine or a role",
    "abuse@new.example,A,New": "a machine or a role",
    "sue@new.example,Sue,New": "The address is suppressed.",
}
FILE = "\n".join(["email,name,company", "ann@new.example,Ann,New", "bo@bücher.example,Bo,New", *BAD]).encode()


@pytest.fixture
def shop(sqlite_url):
    """A database with a sequence and somebody who never wants mail."""
    with closing(Database(sqlite_url)) as database, database.write() as session:
        leads.suppress(session, "sue@new.example", reason="asked", actor=SOMEBODY, now=NOW)
    return make(sqlite_url, PLAIN, "ada@acme.test", now=NOW)


def imported(shop, data: bytes, *, into: str | None = None) -> list[Row]:
    """Import a file and give the rows that were refused."""
    return leads.import_batch(shop.db, list(lead_file.read(data)), into=into, actor=SOMEBODY, now=NOW).refused


@pytest.mark.row(71, 72, 74, 76, 78, 79, 80, 82)
def test_each_bad_row_is_refused_by_itself_and_the_good_ones_are_saved(shop):
    refused = sorted(imported(shop, FILE, into="Spring"), key=lambda row: row.line)
    assert len(refused) == len(BAD)
    for row, (text, sentence) in zip(refused, BAD.items(), strict=True):
        assert row.fault, text
        assert sentence in row.fault, text
        assert row.fault.endswith((".", "?")), text
    with shop.db.read() as session:
        known = set(session.exec(select(Lead.email)))
    assert known == {"ada@acme.test", "ann@new.example", "bo@xn--bcher-kva.example"}


@pytest.mark.row(86)
def test_same_file_twice_changes_nothing(shop, caplog):
    imported(shop, FILE, into="Spring")
    with untouched(shop.db, caplog):
        assert len(imported(shop, FILE, into="Spring")) == len(BAD)


@pytest.mark.row(84)
@pytest.mark.parametrize("name", ["{{7*7}}", "{% if x %}", "{{ sender.address }}", "${7*7}", "<b>x</b>"])
def test_name_that_looks_like_a_template_stays_as_it_is(shop, name):
    imported(shop, f"email,first name\neve@new.example,{name}\n".encode())
    with shop.db.read() as session:
        _, _, way = preview.preview(session, "Spring", "eve@new.example", office=OFFICE, now=NOW)
    assert way.steps[0].subject == f"{name}, a question"
    assert way.steps[0].text.startswith(f"Hi {name}, reply STOP")


@pytest.mark.row(75)
def test_formulas_are_kept_as_text_and_never_exported_as_formulas(shop):
    out = io.StringIO(newline="")
    csv.writer(out).writerows(
        [
            ("email", "company", "note"),
            *((f"f{n}@new.example", text.strip(), text) for n, text in enumerate(FORMULAS)),
        ]
    )
    assert imported(shop, out.getvalue().encode(), into="Spring") == []
    with shop.db.read() as session:
        kept = [
            lead for lead in session.exec(select(Lead).order_by(Lead.email)) if lead.email.startswith("f")
        ]
    assert [lead.custom["note"] for lead in kept] == list(FORMULAS)
    assert [lead.company for lead in kept] == [text.strip() for text in FORMULAS]
    shop.add(PLAIN.replace("sequence: Spring", "sequence: '=HYPERLINK(1)'"))
    shop.enrol("eve@new.example", sequence="=HYPERLINK(1)")
    shop.tick()
    for command in ("log csv", "stats by sequence csv"):
        written = io.StringIO(newline="")
        exports.write(shop.db, exports.order_of(command), written, actor=SOMEBODY, now=shop.now)
        cells = [cell for line in csv.reader(io.StringIO(written.getvalue(), newline="")) for cell in line]
        assert "'=HYPERLINK(1)" in cells
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


@pytest.mark.row(63, 64, 66, 68, 83)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no rows"),
        (b"email,name\n", "no rows"),
        (b'email,name\nann@new.example,"Ann\n', "Line 2: A quote opens here"),
        ("email\na@x.test\n".encode("utf-16") + b"\0", "Line 3 is not UTF-16"),
        (b"\xef\xbb\xbfemail\na@x.test\n\xff@x.test\n", "Line 3 is not UTF-8"),
        (b"PK\x03\x04rest", "zip or Excel file"),
    ],
)
def test_bad_file_is_refused_at_its_field_and_nothing_is_saved(office, caplog, data, sentence):
    office.slack.state.modals.clear()
    with untouched(office.database, caplog):
        office.ana.type("#outbound", "/sequence enrol in Spring")
        office.until(lambda: office.ana.modal)
        assert not office.ana.submit({enrol.FILE: [office.ana.upload("leads.csv", data)]}).ok
        assert sentence in office.ana.modal.errors[enrol.FILE]


@pytest.mark.row(67)
@pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolon"), ("\t", "tab")])
def test_delimiter_that_was_found_is_shown(office, caplog, delimiter, name):
    office.slack.state.modals.clear()
    data = f"email{delimiter}name\nann@new.example{delimiter}Ann\n".encode()
    with untouched(office.database, caplog, but={"proposal"}):
        office.ana.type("#outbound", "/sequence enrol in Spring")
        office.until(lambda: office.ana.modal)
        assert office.ana.submit({enrol.FILE: [office.ana.upload("leads.csv", data)]}).ok
        look = lambda: (view := office.ana.modal) and "will be enrolled" in view.all_text() and view  # noqa: E731
        assert name in office.until(look).all_text()
