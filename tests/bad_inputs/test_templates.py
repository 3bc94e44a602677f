"""Templates that are wrong or hostile (rows 183 to 198): seen when a sequence is published, in Slack."""

from __future__ import annotations

import pytest

from core import commands, preview, sequences
from core.errors import Refused
from core.letters import Office
from core.models import Lead
from core.sequence_file import load
from tests.bad_inputs.rows import assert_refusal, state, typed, untouched
from tests.bot.samples import NOW
from tests.bot.world import SOMEBODY
from tests.measure import cpu
from tests.world import PLAIN, make

OFFICE = Office("https://f.test", b"x" * 32, ())
DRAFT = "sequence: Draft\nsteps:\n  - id: one\n    subject: {subject}\n    body: {body}\n"


def draft(subject: str = '"Hi"', body: str = '"Hi, reply STOP to opt out"') -> str:
    return DRAFT.format(subject=subject, body=body)


@pytest.mark.row(183, 186, 187, 188, 190)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (draft(body='"Hi {{ lead.frist_name }}, STOP"'), "{{ lead.frist_name }} is not known; did you mean lead.first_name?"),
        (draft(subject='"{{ seats }}"'), "{{ seats }} is not known"),
        (draft(body='"{{ \'a\'*900000000 }} STOP"'), "Line 1 of the body"),
        (draft(body='"{% for i in (1..9999) %}{% for j in (1..9999) %}x{% endfor %}{% endfor %}"'), "Line 1 of the body"),
        (draft(body='"{{ name | format: \'%999999999d\' }}"'), "Line 1 of the body"),
        (draft(body='"One\\n\\nTwo {{ first_name"'), "Line 3 of the body"),
        (draft(subject='"{{ first_name"'), "Subject: "),
        *((draft(subject=f'"Hi{char}Bcc: x@y.test"'), "Subject: ") for char in (r"\r\n", r"\n", r"\x85", r"\u2028")),
        (draft(subject='"' + "x" * 2_000 + '"'), "Subject: "),
    ],
)  # fmt: skip
def test_what_could_never_be_sent_is_not_published(office, caplog, text, words):
    with office.database.write() as session:
        made = sequences.save(session, load(text), actor=SOMEBODY, now=office.clock.now)
    with untouched(office.database, caplog), cpu() as spent:
        said = typed(office, "publish sequence Draft")
        assert spent() < 2
        assert_refusal(said)
        assert "Draft cannot be published yet: Step one: " in said
        assert words in said
    with office.database.write() as session:
        sequences.delete_draft(session, made.sequence_id, actor=SOMEBODY, now=office.clock.now)


@pytest.mark.row(188)
@pytest.mark.parametrize("char", [r"\x0b", r"\x0c", r"\0", r"\ud800"])
def test_subject_that_cannot_even_be_kept_is_refused(char):
    with pytest.raises(Refused, match="Line 4: This holds a control or broken character; take it out"):
        load(draft(subject=f'"Hi{char}Bcc: x@y.test"'))


@pytest.mark.row(184, 192)
@pytest.mark.parametrize(
    ("body", "first", "text"),
    [
        ("Hi {{ first_name }},", "", ""),
        ("Hi {{ first_name }},", " \u200b", ""),
        ('Hi {{ first_name | default: "there" }},', "", "Hi there,"),
        ("Hi {{ first_name }},", "<b>Ada</b>", "Hi <b>Ada</b>,"),
    ],
)
def test_nobody_is_greeted_with_nothing(sqlite_url, body, first, text):
    spec = PLAIN.replace("{{ first_name }}, a question", "A question")
    spec = spec.replace("Hi {{ first_name }}, reply STOP", f"|\n      {body} reply STOP")
    world = make(sqlite_url, spec, "ada@acme.test", now=NOW)
    with world.db.write() as session:
        lead = session.get_one(Lead, world.lead_id("ada@acme.test"))
        lead.first_name, lead.name = first, first
        session.add(lead)
    with world.read() as session:
        _, _, way = preview.preview(session, "Spring", "ada@acme.test", office=OFFICE, now=NOW)
    assert way.steps[0].text.startswith(text)
    assert bool(way.steps[0].fault) is not bool(text)
    assert "Hi ," not in way.steps[0].text


@pytest.mark.row(191)
@pytest.mark.parametrize(
    "raw",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<iframe src='https://evil.test'></iframe>",
        "<!-- secret -->",
    ],
)
def test_html_of_the_author_is_taken_out_and_said(sqlite_url, raw):
    world = make(sqlite_url, PLAIN, "ada@acme.test", now=NOW)
    world.add(
        PLAIN.replace("sequence: Spring", "sequence: Html").replace("Bye.", f"Bye. {raw}"), publish=False
    )
    answer = world.say("publish sequence Html")
    assert not answer.is_refusal
    assert answer.lines[0].startswith(f"Step close: HTML is not sent, so this was taken out: {raw[:6]}")
    with world.read() as session:
        _, _, way = preview.preview(session, "Html", "ada@acme.test", office=OFFICE, now=NOW)
    assert raw[:6] not in way.steps[-1].text


@pytest.mark.row(196)
def test_text_that_is_edited_while_leads_wait_is_theirs_only_once_published_and_that_is_said(sqlite_url):
    world = make(sqlite_url, PLAIN, "ada@acme.test", now=NOW)
    world.tick()
    world.say("pause sequence Spring")
    written = state(world.db)["step"]
    world.add(PLAIN.replace("Bye.", "So long."), publish=False)
    assert state(world.db)["step"] == written
    asked = world.say("publish sequence Spring")
    assert asked.lines[0] == "Step 3 (close) is rewritten: 1 lead gets the new one; nobody is past it."
    assert state(world.db)["step"] == written
    commands.confirm(world.desk, asked.choices[0].proposal, actor=SOMEBODY, now=NOW)
    assert ["So long." in row for row in state(world.db)["step"]] == [False, False, True]
