"""Enrolling in Slack: the form, its search, its file, and the view between them and the act."""

from __future__ import annotations

import json
import threading

import pytest
from sqlmodel import func, select

from bot import codec, downloads
from bot.codec import Form
from bot.forms import enrol
from bot.forms.fields import LEADS, SEQUENCES
from bot.listeners import options, views
from core import sequences
from core.enrolling import Person, Preview, Why
from core.lead_file import Row, read
from core.leads import suppress
from core.models import Collision, Enrollment, Lead, Member
from sandbox.slack.blocks import check_view
from tests.bot.samples import HOSTILE, NOW
from tests.bot.world import SOMEBODY

FILE = b"email,first name,stage\nann@new.example,Ann,demo\nbo@new.example,Bo,demo\nada@engines.example,Ada,\nnobody,,\n"


@pytest.fixture
def crowd(world):
    """Spring with Ada and Grace in it, two leads that are not, one of them Ben's."""
    with world.database.write() as session:
        session.merge(Member(id="U0BEN", name="Ben Okafor", zone="UTC", seen_at=NOW))
        session.add(Lead(email="cat@opera.example", name="Cat Opera", stage="demo", created_at=NOW))
        session.add(
            Lead(email="dan@opera.example", name="Dan Opera", stage="demo", owner="U0BEN", created_at=NOW)
        )
    return world


def spring(world) -> str:
    with world.database.read() as session:
        return str(sequences.find(session, "Spring").id)


def opened(world, text="/sequence enrol in Spring"):
    world.ana.type("#outbound", text)
    return world.until(lambda: world.ana.modal)


def titled(world, words):
    def look():
        view = world.ana.modal
        return view if view is not None and words in view.all_text() else None

    return world.until(look)


def leads_in_spring(world) -> int:
    with world.database.read() as session:
        return session.exec(select(func.count()).select_from(Enrollment)).one()


def found(world, name):
    return {
        one["text"]["text"]: one["value"]
        for one in world.ana.suggestions("modal", codec.action_id(LEADS), name)
    }


def test_form_opens_on_a_command_with_its_sequence_chosen(crowd):
    view = opened(crowd)
    assert check_view(view.payload) == []
    assert view.payload["blocks"][0]["element"]["initial_option"]["text"]["text"] == "Spring"


def test_search_offers_leads_and_sequences_to_members_alone(crowd):
    opened(crowd)
    assert list(found(crowd, "opera dan")) == ["Dan Opera"]
    assert list(found(crowd, "ANALYTICAL")) == [
        "Ada Lovelace · Analytical Engines",
        "Grace Hopper · Analytical Engines",
    ]
    assert found(crowd, "100%") == {}
    assert [
        one["text"]["text"] for one in crowd.ana.suggestions("modal", codec.action_id(SEQUENCES), "spr")
    ] == ["Spring"]
    crowd.slack.state.modals[crowd.gus.id] = crowd.slack.state.modals[crowd.ana.id]
    assert crowd.gus.suggestions("modal", codec.action_id(LEADS), "") == []


def test_search_offers_no_more_than_slack_takes(crowd):
    with crowd.database.write() as session:
        session.add_all(Lead(email=f"l{n:04}@many.example", created_at=NOW) for n in range(150))
    opened(crowd)
    assert len(crowd.ana.suggestions("modal", codec.action_id(LEADS), "many")) == options.OPTIONS


def test_chosen_leads_are_shown_then_enrolled(crowd):
    opened(crowd)
    cat = found(crowd, "cat")["Cat Opera"]
    assert crowd.ana.submit({LEADS: [cat]}).ok

    shown = titled(crowd, "1 lead will be enrolled in Spring")
    assert check_view(shown.payload) == []
    assert shown.payload["submit"]["text"] == "Enrol 1 lead"
    assert leads_in_spring(crowd) == 2

    assert crowd.ana.submit().ok
    crowd.ana.wait_for_text("Enrolled cat@opera.example in Spring.")
    assert crowd.ana.modal is None
    assert crowd.enrollment("cat@opera.example").status == "pending"


def test_condition_shows_who_is_left_out_and_why(crowd):
    opened(crowd)
    assert crowd.ana.submit({enrol.FILTER: "stage:demo"}).ok

    text = titled(crowd, "1 lead will be enrolled in Spring").all_text()
    assert "Ben Okafor works these or their company and is asked first (1)" in text
    assert "dan@opera.example" in text
    crowd.ana.submit()
    crowd.until(lambda: leads_in_spring(crowd) == 3)
    with crowd.database.read() as session:
        assert session.exec(select(Collision.colleague)).all() == ["U0BEN"]


def test_back_leads_to_what_was_filled_in(crowd):
    opened(crowd)
    crowd.ana.submit({enrol.FILTER: "stage:demo"})
    titled(crowd, "will be enrolled")
    crowd.ana.close()
    assert crowd.ana.modal.state[enrol.FILTER][codec.action_id(enrol.FILTER)]["value"] == "stage:demo"


def test_lead_suppressed_meanwhile_is_left_out(crowd):
    with crowd.database.write() as session:
        session.add(Lead(email="eve@opera.example", stage="demo", created_at=NOW))
    opened(crowd)
    crowd.ana.submit({enrol.FILTER: "cat@opera.example eve@opera.example ada@engines.example"})
    titled(crowd, "2 leads will be enrolled")
    with crowd.database.write() as session:
        suppress(session, "eve@opera.example", reason="asked to", actor=SOMEBODY, now=NOW)

    crowd.ana.submit()
    said = crowd.ana.wait_for_text("eve@opera.example is suppressed and gets no mail.").all_text()
    assert "In Spring already (1): ada@engines.example (pending)." in said
    assert leads_in_spring(crowd) == 3


def test_pressing_twice_enrols_once(crowd):
    opened(crowd)
    crowd.ana.submit({enrol.FILTER: "cat@opera.example"})
    titled(crowd, "1 lead will be enrolled")
    crowd.ana.submit()
    crowd.ana.wait_for_text("Enrolled cat@opera.example")
    crowd.slack.replay()
    again = json.loads(json.dumps(crowd.slack.sent[-1].payload)) | {"trigger_id": "another"}
    crowd.slack.send(type(crowd.slack.sent[-1])("interactive", again))
    crowd.ana.wait_for_text("it acts only once")
    assert leads_in_spring(crowd) == 3


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({}, LEADS, "in one way"),
        ({enrol.FILTER: "stage:demo", LEADS: ["1"]}, enrol.FILTER, "in one way"),
        ({enrol.FILTER: "stage:demo blue"}, enrol.FILTER, "“blue” is not understood"),
        ({enrol.FILTER: "stage:nowhere"}, enrol.FILTER, "There is no lead in stage “nowhere”"),
        ({enrol.FILTER: "-tag:x"}, enrol.FILTER, "Say also who is meant"),
        ({LEADS: ["999999"]}, LEADS, "no longer here"),
        ({LEADS: ["9" * 30]}, LEADS, "no longer here"),
    ],
)
def test_error_stands_at_the_field(crowd, values, field, sentence):
    opened(crowd)
    assert not crowd.ana.submit(values).ok
    assert sentence in crowd.ana.modal.errors[field]


def test_sequence_that_takes_no_leads_is_said_at_its_field(crowd):
    crowd.ana.type("#outbound", "/sequence pause sequence Spring")
    crowd.ana.wait_for_text("Spring is paused")
    opened(crowd)
    assert not crowd.ana.submit({enrol.FILTER: "stage:demo"}).ok
    assert "Resume it first" in crowd.ana.modal.errors[SEQUENCES]


def test_file_is_shown_row_by_row_and_saved_only_when_confirmed(crowd):
    opened(crowd)
    assert crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", FILE)]}).ok

    shown = titled(crowd, "2 leads will be enrolled in Spring")
    text = shown.all_text()
    assert "In Spring already (1)" in text
    assert "Rows that make no lead (1)" in text
    assert "leads.csv: 4 rows" in text
    assert check_view(shown.payload) == []
    with crowd.database.read() as session:
        assert session.exec(select(Lead).where(Lead.email == "ann@new.example")).first() is None

    crowd.ana.submit()
    said = crowd.ana.wait_for_text("Enrolled 2 leads of the file in Spring.").all_text()
    assert "2 new leads saved." in said
    assert "Line 5:" in said
    assert "In Spring already (1): ada@engines.example (pending)." in said
    with crowd.database.read() as session:
        assert session.exec(select(Lead.stage).where(Lead.email == "ann@new.example")).one() == "demo"
    assert leads_in_spring(crowd) == 4


@pytest.mark.row(86)
def test_same_file_twice_finds_nothing_new(crowd):
    for _ in range(2):
        opened(crowd)
        crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", FILE)]})
        shown = titled(crowd, "enrolled in Spring")
        if shown.payload.get("submit"):
            crowd.ana.submit()
            crowd.ana.wait_for_text("Enrolled 2 leads")
    assert "Nobody will be enrolled" in shown.all_text()
    assert shown.payload.get("submit") is None
    assert leads_in_spring(crowd) == 4


def test_file_exchanged_after_it_was_shown_enrols_nobody(crowd):
    opened(crowd)
    file_id = crowd.ana.upload("leads.csv", FILE)
    crowd.ana.submit({enrol.FILE: [file_id]})
    titled(crowd, "2 leads will be enrolled")
    kept = crowd.slack.uploads.by_id[file_id]
    crowd.slack.uploads.by_id[file_id] = type(kept)(
        **(vars(kept) | {"content": FILE.replace(b"bo@", b"zo@")})
    )
    crowd.ana.submit()
    crowd.ana.wait_for_text("has changed since it was shown")
    assert leads_in_spring(crowd) == 2


# The tables of bad input, by upload.
GOOD = "email;name\nann@new.example;Änne\n"


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.encode("utf-16"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.encode("latin-1"),
        GOOD.replace(";", "\t").encode(),
        GOOD.replace(";", ",").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        (GOOD + "ANN@new.example ;twice\n").encode(),
        (GOOD + "eve@new.example;Eve;more;cells\n").encode(),
        (GOOD + '"x@new.example";"A\r\nBcc: v@x.example"\n').encode(),
    ],
)
def test_file_is_read_however_it_was_saved(crowd, data):
    opened(crowd)
    assert crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", data)]}).ok
    assert "Änne" in titled(crowd, "1 lead will be enrolled").all_text()


@pytest.mark.row(63, 64, 68, 70, 83)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no rows"),
        (b"email,name\n", "no rows"),
        (b"\n\n\n", "no rows"),
        (b"name,company\nAnn,Opera\n", "No column holds the address"),
        (b'email,name\nann@new.example,"Ann\n', "Line 2: A quote opens here"),
        (b"PK\x03\x04rest", "zip or Excel file"),
        (b"\xd0\xcf\x11\xe0rest", "an Excel file"),
        (b"%PDF-1.7", "a PDF file"),
        (bytes(range(256)) * 40, "."),
        (b"email\n" + b"x" * 200_000 + b"\n", "too long"),
        (b"email\n" + b"\n".join(b"a%d@new.example" % n for n in range(200_001)), "more than 200,000 rows"),
        (b"email," + b",".join(b"c%d" % n for n in range(250)) + b"\na@new.example\n", "columns"),
    ],
)
def test_file_that_cannot_be_trusted_is_refused_at_its_field(crowd, data, sentence):
    opened(crowd)
    assert not crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", data)]}).ok
    assert sentence in crowd.ana.modal.errors[enrol.FILE]
    assert leads_in_spring(crowd) == 2


def test_long_file_is_acknowledged_at_once_and_shown_when_it_is_read(crowd, monkeypatch):
    monkeypatch.setattr(views, "PATIENCE_SECONDS", 0.01)
    opened(crowd)
    data = b"email,first name\n" + b"".join(b"l%05d@many.example,L\n" % n for n in range(10_000))
    assert crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", data)]}).ok
    assert "Reading, one moment" in crowd.ana.modal.all_text()
    shown = crowd.until(
        lambda: (v := crowd.ana.modal) and "10,000 leads will be enrolled" in v.all_text() and v, 30
    )
    assert check_view(shown.payload) == []
    assert shown.payload["submit"]["text"] == "Enrol 10,000 leads"
    assert "and 9,988 more" in shown.all_text()


def test_view_closed_while_a_file_is_read_stays_closed(crowd, monkeypatch):
    monkeypatch.setattr(views, "PATIENCE_SECONDS", 0.0)
    gate = threading.Event()
    reading = enrol.download
    monkeypatch.setattr(enrol, "download", lambda client, url: gate.wait(5) and reading(client, url))
    opened(crowd)
    crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", FILE)]})
    crowd.ana.close(clear=True)
    gate.set()
    crowd.until(lambda: crowd.slack.calls_of("views.update"))
    assert crowd.slack.calls_of("views.update")[-1].answer["error"] == "not_found"
    assert crowd.ana.modal is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/files-pri/T1-F1/leads.csv",
        "http://files.slack.com/files-pri/T1-F1/leads.csv",
        "https://files.slack.com.evil.example/x",
        "https://evil.example/?files.slack.com",
        "https://files.slack.com:8443/x",
        "https://[files.slack.com/x",
        "file:///etc/passwd",
        "ftp://slack.com/x",
        "",
    ],
)
def test_token_is_shown_to_slack_alone(client, url):
    assert not downloads.is_slacks(client, url)


def test_files_host_of_slack_and_the_set_endpoint_are_slacks(client, slack):
    assert downloads.is_slacks(client, "https://files.slack.com/files-pri/T1-F1/download/leads.csv")
    assert downloads.is_slacks(client, f"{slack.base_url}/files-pri/T1-F1/leads.csv")


def test_redirect_to_the_sign_in_page_is_not_followed(crowd):
    opened(crowd)
    file_id = crowd.ana.upload("leads.csv", FILE)
    right, crowd.slack.bot_token = crowd.slack.bot_token, "xoxb-another"
    try:
        crowd.ana.submit({enrol.FILE: [file_id]})
    finally:
        crowd.slack.bot_token = right
    assert "files:read" in crowd.ana.modal.errors[enrol.FILE]


def test_file_larger_than_slack_takes_is_refused(crowd, monkeypatch):
    monkeypatch.setattr(downloads, "LARGEST_BYTES", 1_000)
    opened(crowd)
    crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", FILE * 100)]})
    assert "split it" in crowd.ana.modal.errors[enrol.FILE]


@pytest.mark.parametrize("name", ["Ada", HOSTILE * 5])
def test_views_keep_slacks_rules_whatever_leads_are_called(name):
    people = tuple(Person(f"a{n}@x.example", name, n, n, name) for n in range(300))
    shown = Preview(3, name, people, dict.fromkeys(Why, people), {name: people, "Ben": people[:1]})
    refused = [Row(n, None, name, (name,)) for n in range(50)]
    form = Form("enrol", 3, 1, "C1", "https://hooks.slack.com/" + "x" * 100, "[]")
    view = enrol.second_view(form, shown, name=name, file=read(FILE), refused=refused)
    assert check_view(view) == []
    assert check_view(enrol.first_view(Form("enrol"))) == []


def test_new_addresses_of_a_colleagues_company_are_shown_as_asked_first(crowd):
    with crowd.database.write() as session:
        session.merge(Member(id=crowd.ana.id, name="Ana Ruiz", zone="UTC", seen_at=NOW))
        ada = session.exec(select(Lead).where(Lead.email == "ada@engines.example")).one()
        ada.owner, ada.domain = crowd.ben.id, "engines.example"
    data = b"email,first name\nzoe@engines.example,Zoe\nben@free.example,Ben\nmei@free.example,Mei\n"
    opened(crowd)
    crowd.ana.submit({enrol.FILE: [crowd.ana.upload("leads.csv", data)]})
    text = titled(crowd, "2 leads will be enrolled in Spring").all_text()
    assert "Ben Okafor works these or their company and is asked first (1)" in text
    assert "zoe@engines.example" in text

    crowd.ana.submit()
    crowd.ana.wait_for_text("Enrolled 2 leads of the file in Spring.")
    assert leads_in_spring(crowd) == 4


def test_rows_whose_first_mail_cannot_be_written_are_named_beforehand_and_become_the_uploaders(crowd):
    opened(crowd)
    crowd.ana.submit(
        {
            enrol.FILE: [
                crowd.ana.upload("leads.csv", b"email,first name\nann@new.example,\nbo@new.example,Bo\n")
            ]
        }
    )
    shown = titled(crowd, "2 leads will be enrolled in Spring")
    text = shown.all_text()
    assert "cannot be written yet and wait: first name is missing (1)" in text
    assert check_view(shown.payload) == []

    crowd.ana.submit()
    crowd.ana.wait_for_text("Enrolled 2 leads of the file in Spring.")
    with crowd.database.read() as session:
        assert session.exec(select(Lead.owner).where(Lead.email == "ann@new.example")).one() == crowd.ana.id


def test_preview_says_who_halted_all_sending(crowd):
    crowd.ana.type("#outbound", "/sequence halt because audit")
    crowd.ana.wait_for_text("All sending is halted")
    opened(crowd)
    crowd.ana.submit({enrol.FILTER: "cat@opera.example"})
    assert "All sending was halted by" in titled(crowd, "will be enrolled").all_text()


def test_error_at_a_field_has_no_backticks(crowd):
    crowd.ana.type("#outbound", "/sequence pause sequence Spring")
    crowd.ana.wait_for_text("Spring is paused")
    opened(crowd)
    crowd.ana.submit({enrol.FILTER: "stage:demo"})
    assert "“resume sequence Spring”" in crowd.ana.modal.errors[SEQUENCES]
