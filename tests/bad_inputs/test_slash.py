"""What people type after the slash (rows 2 to 22), in Slack: what they get, and that nothing changed."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core import leads
from core.lifecycle import Status
from core.models import Enrollment, Lead, Proposal
from sandbox.slack.state import User
from tests.bad_inputs.rows import assert_refusal, typed, untouched
from tests.bot.world import SOMEBODY, lead_row
from tests.measure import cpu

ADA = "ada@engines.example"


@pytest.mark.row(2)
@pytest.mark.parametrize("text", ["", "   ", "\u00a0\u200b", " \u200b "])
def test_nothing_typed_gets_help(office, caplog, text):
    with untouched(office.database, caplog):
        assert "What you can say" in typed(office, text)


@pytest.mark.row(3, 4, 8, 22)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pause", "Which lead is pause about?"),
        ("pause until June 15", "Which lead is pause about?"),
        ("pause adam@engines.example", "There is no lead adam@engines.example; nothing was changed."),
        ("pause adaa@engines.example", "There is no lead adaa@engines.example; nothing was changed."),
        ("status adam@engines.example", "There is no lead adam@engines.example"),
        ("x" * 4_000, "4,000 characters long; a command may have 3,000"),
        ("pause " + "x" * 3_994, "a command may have 3,000"),
        (f"puase {ADA}", "“puase” is no command; the nearest is pause."),
        (f"unpuase {ADA}", "the nearest is resume"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(office, caplog, text, words):
    with untouched(office.database, caplog):
        said = typed(office, text)
        assert_refusal(said)
        assert words in said
        assert ADA not in said.replace(text, "")


@pytest.mark.row(8)
def test_long_text_is_answered_at_once(office):
    with cpu() as spent:
        typed(office, "pause " + "a@x.test " * 440)
        assert spent() < 1


@pytest.mark.row(6, 7)
@pytest.mark.parametrize(
    "written", [ADA, "ADA@Engines.Example", "ada@ENGINES.example.", "\u200bada@engines.example"]
)
def test_address_is_unwrapped_and_normalised(office, caplog, written):
    with untouched(office.database, caplog):
        assert f"{ADA} is pending in Spring" in typed(office, f"status {written.rstrip('.')}")
    assert "<mailto:" in office.slack.sent[-1].payload["text"]


@pytest.mark.row(7)
def test_plus_address_is_a_lead_of_its_own_in_any_case(sqlite_world):
    with sqlite_world.database.write() as session:
        leads.save(session, [lead_row("ada+demo", "Ada Demo")], actor=SOMEBODY, now=sqlite_world.clock.now)
    sqlite_world.ana.type("#outbound", "/sequence tag ADA+Demo@Engines.Example hot")
    sqlite_world.ana.wait_for_text("Tagged ada+demo@engines.example")
    with sqlite_world.database.read() as session:
        assert len(session.exec(select(Lead)).all()) == 3


@pytest.mark.row(10)
@pytest.mark.parametrize("quotes", ["“%s”", "„%s“", "«%s»", "″%s″"])
def test_smart_quotes_are_quotes(office, caplog, quotes):
    with untouched(office.database, caplog):
        assert typed(office, f"list in {quotes % 'Spring'}") == typed(office, 'list in "Spring"')
        assert "opened but not closed" in typed(office, f"list in {(quotes % 'Spring')[:-1]}")


@pytest.mark.row(11)
def test_what_turns_letters_round_is_shown_as_its_number(sqlite_world, caplog):
    with sqlite_world.database.write() as session:
        lead = session.exec(select(Lead).where(Lead.email == ADA)).one()
        lead.name, lead.company = "Ada\u202egpj.exe", "\u2066Engines"
        session.add(lead)
    sqlite_world.ana.type("#outbound", f"/sequence status {ADA}")
    sqlite_world.ana.wait_for_text(f"{ADA} is")
    sqlite_world.until(sqlite_world.draw)
    [card] = [m for m in sqlite_world.slack.messages("#outbound") if m.ephemeral_to is None]
    shown = card.text + card.all_text()
    assert "Ada\\u202egpj.exe" in shown
    assert not set(shown) & {"\u202e", "\u2066"}
    assert "\u202e" not in typed(sqlite_world, "tag:\u202evip")


@pytest.mark.row(12, 14)
@pytest.mark.parametrize(
    ("verb", "status", "words"),
    [
        ("resume", Status.STOPPED, "was stopped for good and cannot be resumed"),
        ("pause", Status.STOPPED, "is stopped and sends nothing"),
        ("pause", Status.COMPLETED, "has completed the sequence"),
        ("resume", Status.COMPLETED, "has completed the sequence"),
    ],
)
def test_what_is_over_is_neither_paused_nor_resumed(world, caplog, verb, status, words):
    with world.database.write() as session:
        row = session.merge(world.enrollment())
        row.status, row.due_at, row.send_at, row.wake_at = status, None, None, None
        row.ended_at = world.clock.now
    with untouched(world.database, caplog):
        said = typed(world, f"{verb} {ADA}")
        assert_refusal(said)
        assert words in said


@pytest.mark.row(16)
@pytest.mark.parametrize(
    "user",
    [
        User("U0FAR", "far", "Far Away", team_id="T0OTHER"),
        User("U0MULTI", "multi", "Multi", is_restricted=True),
        User("U0GONE", "gone", "Gone", deleted=True),
    ],
    ids=["another workspace", "guest", "deactivated"],
)
@pytest.mark.parametrize("text", [f"pause {ADA}", f"status {ADA}", "halt", "help"])
def test_outsiders_get_a_sentence_and_nothing_else(office, caplog, user, text):
    office.slack.add_user(user)
    with untouched(office.database, caplog):
        said = typed(office, text, who=office.slack.person(user.name))
        assert_refusal(said)
        assert "Only full members of this workspace can use Fermata" in said
        assert "Spring" not in said
    assert office.journal("refused")[-1].actor == user.id


@pytest.mark.row(18)
def test_bot_is_ignored_and_logged(office, caplog):
    caplog.set_level("INFO", "fermata.bot")
    office.slack.add_user(User("U0ROBOT", "robot", "Robot", is_bot=True))
    robot = office.slack.person("robot")
    with untouched(office.database, caplog):
        robot.type("#outbound", f"/sequence pause {ADA}")
        office.until(lambda: "bot_ignored user=U0ROBOT" in caplog.text)
    assert robot.ephemerals() == []


@pytest.mark.row(19)
@pytest.mark.parametrize("text", ["<!channel> @ben *bold*", "pause <!here>", "tag:<!channel>", "pause @ben"])
def test_echo_calls_nobody_and_formats_nothing(office, caplog, text):
    with untouched(office.database, caplog):
        typed(office, text)
    answer = office.ana.ephemerals()[-1]
    for mention in ("<!", "<@"):
        assert mention not in answer.text
    assert not [
        e for b in answer.blocks for e in _elements(b) if e.get("type") in {"broadcast", "user", "usergroup"}
    ]
    assert not [
        e for b in answer.blocks for e in _elements(b) if e.get("type") == "mrkdwn" and "<!" in e["text"]
    ]


def _elements(block: object):
    if isinstance(block, dict):
        yield block
        for value in block.values():
            yield from _elements(value)
    elif isinstance(block, list):
        for value in block:
            yield from _elements(value)


@pytest.mark.row(20)
@pytest.mark.parametrize("verb", ["pause", "stop", "resume"])
def test_all_needs_the_right(office, caplog, verb):
    with untouched(office.database, caplog):
        said = typed(office, f"{verb} all", who=office.ben)
        assert_refusal(said)
        assert "That needs an admin of Fermata" in said


@pytest.mark.row(20)
def test_all_is_asked_about_with_the_count(office, caplog):
    with untouched(office.database, caplog, but={"proposal"}):
        said = typed(office, "pause all")
        assert "2 leads (2 enrollments)?" in said
        assert "Nothing has been changed yet" in said
    with office.database.read() as session:
        assert len(session.exec(select(Proposal)).all()) == 1
        assert {row.status for row in session.exec(select(Enrollment))} == {Status.PENDING}
