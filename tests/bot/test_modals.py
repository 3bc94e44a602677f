"""The forms keep Slack's rules, remember what they act on, and say at the field what they cannot read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk import WebClient
from sqlmodel import col, delete, select

from bot import codec, modals
from bot.codec import Form
from bot.forms import FORMS
from bot.forms.fields import field_id
from bot.front import Front
from bot.members import Members
from bot.modals import Wrong
from core.commands import Desk
from core.errors import Refused
from core.lifecycle import Status
from core.models import Delivery, Enrollment, Hold, Journal, Lead, Member
from core.people import Actor
from sandbox.slack.blocks import check_view
from tests.bot.samples import HOSTILE, NOW
from tests.bot.world import furnish

BERLIN = "Europe/Berlin"
ANA = Actor("U0ANA", "Ana", BERLIN)
ADA = "ada@engines.example"
KEYS = {"when": "value", "day": "selected_date", "clock": "selected_time", "reason": "value", "lead": "value"}
ABOUT_A_RUN = ("pause", "resume", "stop")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Write `stage:demo`, or `mine`.", "Write “stage:demo”, or “mine”."),
        ("Resume it first: `resume sequence Spri…", "Resume it first: “resume sequence Spri…”"),
        ("There is no lead o`brien@x.com.", "There is no lead o`brien@x.com."),
    ],
)
def test_an_error_at_a_field_has_plain_quotes(said, shown):
    assert Wrong({"when": said}).errors == {"when": shown}


@pytest.fixture
def front(database):
    furnish(database)
    client = WebClient()
    pool = ThreadPoolExecutor(1)
    yield Front(Desk(database, wait_seconds=1), client, Members(database, client), lambda: NOW, pool)
    pool.shutdown()


@pytest.fixture
def run(front):
    """Ada's enrollment."""
    with front.desk.db.read() as session:
        query = select(Enrollment).join(Lead, col(Lead.id) == Enrollment.lead_id).where(Lead.email == ADA)
        return session.exec(query).one()


def form(kind, row):
    return Form(kind, row.id, row.version, "C1", "https://hooks.slack.com/x")


def state(**fields):
    values = {}
    for name, text in fields.items():
        block = "when" if name == "day" else name
        known = {KEYS[name]: text} if name in KEYS else {"selected_option": {"value": text}}
        values[block] = {field_id(block): known}
    return {"values": values}


def act(front, asked, **fields):
    """Give the answer to a submitted form."""
    do, _ = FORMS[asked.form].read(front, asked, state(**fields), ANA.id, NOW, BERLIN)
    return do(ANA, NOW)


def said(front, asked, **fields):
    """Give what the person reads, in the form or as an answer."""
    try:
        return act(front, asked, **fields).title
    except Refused as refused:
        return str(refused)


def wrong(front, asked, **fields):
    with pytest.raises(Wrong) as refused:
        act(front, asked, **fields)
    return refused.value.errors


def row_now(front, row):
    with front.desk.db.read() as session:
        return session.get_one(Enrollment, row.id)


def holds(front):
    with front.desk.db.read() as session:
        return list(session.exec(select(Hold).where(col(Hold.released_at).is_(None))))


@pytest.mark.parametrize("kind", ABOUT_A_RUN)
@pytest.mark.parametrize("name", ["Ada Lovelace", HOSTILE * 20, ""])
def test_modal_keeps_slacks_rules_and_remembers_its_run(front, run, kind, name):
    with front.desk.db.write() as session:
        lead = session.get_one(Lead, run.lead_id)
        lead.name = lead.first_name = name
        session.add(lead)
    asked = form(kind, run)
    view = FORMS[kind].opened(front, asked, ANA, NOW).view
    assert check_view(view) == []
    assert codec.read_metadata(view["private_metadata"]) == asked
    assert view["callback_id"] == codec.callback_id(kind)


@pytest.mark.parametrize("sentence", [codec.OLD_FORM, HOSTILE * 20])
def test_refusal_modal_keeps_slacks_rules(sentence):
    assert check_view(modals.refusal(sentence)) == []


@pytest.mark.parametrize("kind", [*ABOUT_A_RUN, codec.AWAY, "edit_lead"])
@pytest.mark.parametrize("number", [0, 4_711, 2**31, 2**63 - 1])
def test_form_about_what_there_is_not_is_refused(front, kind, number):
    with pytest.raises(Refused, match="no longer here"):
        FORMS[kind].opened(front, Form(kind, number, 1, about="{}"), ANA, NOW)


@pytest.mark.parametrize("kind", ABOUT_A_RUN)
def test_form_of_a_lead_that_was_erased_meanwhile_changes_nothing(front, run, kind):
    asked = form(kind, run)
    with front.desk.db.write() as session:
        for table in (Hold, Delivery, Journal, Enrollment):
            session.execute(delete(table))
        session.execute(delete(Lead).where(col(Lead.id) == run.lead_id))
    fields = {"day": "2027-06-15"} if kind == "resume" else {"when": "June 15"} if kind == "pause" else {}
    assert "no longer here" in said(front, asked, **fields)


def test_pause_reads_a_phrase_and_a_reason(front, run):
    answer = act(front, form("pause", run), when="June 15", reason="  on   holiday ")
    assert answer.title == f"Paused {ADA} in Spring until Tuesday 15 June 2027 (Europe/Berlin)."
    (hold,) = holds(front)
    assert hold.until == datetime(2027, 6, 16, 7, tzinfo=UTC)  # the first open moment after that day
    assert (hold.reason, hold.policy) == ("on holiday", None)


@pytest.mark.parametrize("fields", [{}, {"when": "  "}, {"policy": "keep"}])
def test_pause_without_a_date_waits_for_somebody(front, run, fields):
    act(front, form("pause", run), **fields)
    assert [(hold.until, hold.policy) for hold in holds(front)] == [(None, None)]


@pytest.mark.parametrize(("word", "policy"), [("freeze", "freeze"), ("keep", "keep"), ("now", "at")])
def test_pause_keeps_the_way_it_ends(front, run, word, policy):
    answer = act(front, form("pause", run), when="June 15", policy=word)
    assert [hold.policy for hold in holds(front)] == [policy]
    assert any(line.startswith("Then ") for line in answer.lines)


def test_quick_choice_covers_its_last_day(front, run):
    act(front, form("pause", run), quick="2027-06-08")
    assert [hold.until for hold in holds(front)] == [datetime(2027, 6, 9, 7, tzinfo=UTC)]


def test_quick_choice_and_another_date_are_not_guessed_between(front, run):
    assert (
        "clear one of the two" in wrong(front, form("pause", run), quick="2027-06-08", when="June 15")["when"]
    )
    act(front, form("pause", run), quick="2027-06-15", when="June 15")


def test_resume_reads_the_pickers(front, run):
    act(front, form("pause", run))
    asked = form("resume", row_now(front, run))
    act(front, asked, day="2027-06-15", clock="14:30")
    assert row_now(front, run).due_at == datetime(2027, 6, 15, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(("how", "days"), [("freeze", 2), ("keep", 2), ("now", 0)])
def test_resume_now_in_each_way(front, run, how, days):
    act(front, form("pause", run))
    act(front, form("resume", row_now(front, run)), how=how)
    after = row_now(front, run)
    assert (after.status, after.due_at) == (Status.PENDING, NOW + timedelta(days=days))


def test_resume_from_an_old_form_starts_nothing(front, run):
    act(front, form("pause", run))
    asked = form("resume", row_now(front, run))
    act(front, form("pause", run), when="June 15")
    answer = act(front, asked, how="now")
    assert answer.is_refusal
    assert "up to date now" in answer.title
    assert row_now(front, run).status == Status.PAUSED


def test_day_written_in_full_may_be_far_off(front, run):
    act(front, form("pause", run), when="2027-12-24")
    assert holds(front)[0].until == datetime(2027, 12, 27, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "when",
    [
        "yesterday",
        "2026",
        "9/8",
        "never",
        "tomorrow\x00",
        "1 " * 3_000,
        "December 24",
        "3 days ago",
        "29 Feb",
    ],
)
def test_unreadable_date_is_said_at_its_field(front, run, when):
    errors = wrong(front, form("pause", run), when=when, reason="why")
    assert list(errors) == ["when"]
    assert len(errors["when"]) <= 300
    assert row_now(front, run).status == Status.PENDING


def test_ambiguous_date_names_the_choices(front, run):
    said = wrong(front, form("pause", run), when="9/8")["when"]
    assert "9 August 2027" in said
    assert "8 September 2027" in said


@pytest.mark.parametrize("fields", [{"clock": "14:30"}, {"day": "2027-05-01"}, {"day": "not a day"}])
def test_resume_needs_a_day_that_is_not_past(front, run, fields):
    assert list(wrong(front, form("resume", run), **fields)) == ["when"]


@pytest.mark.parametrize("day", [None, "", "2027-05-01", "soon"])
def test_away_needs_a_day_that_is_not_past(front, day):
    assert list(wrong(front, Form(codec.AWAY, 1, 1), day=day)) == ["when"]


@pytest.mark.parametrize("kind", ["pause", "stop"])
@pytest.mark.parametrize(("reason", "words"), [("x" * 3_001, "3,001"), ("a\x00b", "control characters")])
def test_reason_that_cannot_be_is_said_at_its_field(front, run, kind, reason, words):
    errors = wrong(front, form(kind, run), reason=reason)
    assert list(errors) == ["reason"]
    assert words in errors["reason"]


def test_every_fault_is_said_at_once(front, run):
    assert set(wrong(front, form("pause", run), when="never", reason="x" * 3_001)) == {"when", "reason"}


@pytest.mark.parametrize(
    "broken", [None, [], {}, {"values": None}, {"values": {"when": None}}, {"values": {"when": {"x": 1}}}]
)
def test_state_of_another_shape_is_an_empty_form(front, run, broken):
    do, _ = FORMS["pause"].read(front, form("pause", run), broken, ANA.id, NOW, BERLIN)
    do(ANA, NOW)
    assert [hold.until for hold in holds(front)] == [None]


@pytest.mark.parametrize("kind", ["pause", codec.PAUSE_LEAD, "resume"])
def test_form_drawn_anew_from_anything_keeps_slacks_rules(front, run, kind):
    asked = replace(form(kind, run), about=ADA)
    for fields in (
        {"when": HOSTILE},
        {"lead": HOSTILE, "when": "June 15"},
        {"quick": "soon"},
        {"day": "2027-13-45"},
    ):
        view = FORMS[kind].changed(front, asked, {"state": state(**fields)}, ANA, NOW)
        assert check_view(view) == []


def test_stop_says_what_is_cancelled_and_stops_here_or_everywhere(front, run):
    view = FORMS["stop"].opened(front, form("stop", run), ANA, NOW).view
    assert "Spring: 2 steps, from step 2 on" in str(view["blocks"])
    act(front, form("stop", run), scope="everywhere", reason="bought elsewhere")
    after = row_now(front, run)
    assert (after.status, after.end_reason) == (Status.STOPPED, "bought elsewhere")


# Through Slack ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pausing(world):
    """The pause form that Ana opened from Ada's card."""
    world.ana.type("#outbound", f"/sequence status {ADA}")
    world.ana.wait_for_text(f"{ADA} is")
    world.until(lambda: world.draw() or card(world))
    world.ana.click(card(world), "Pause until a date…")
    return world.until(lambda: world.ana.modal)


def card(world):
    return next((m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")), None)


@pytest.mark.row(52)
@pytest.mark.parametrize("metadata", ["", "not ours", "{}", "[1]", "x" * 3_001, '{"form":"pause"}'])
def test_form_without_its_memory_is_refused_in_the_form(world, pausing, metadata):
    world.slack.state.modals["U0ANA"][-1].payload["private_metadata"] = metadata
    world.ana.submit({"Until": "June 15"})
    assert codec.OLD_FORM in world.ana.modal.all_text()
    assert world.enrollment().status == Status.PENDING


@pytest.mark.row(58)
def test_person_who_lost_the_right_meanwhile_is_refused(world, pausing):
    world.slack.state.users["U0ANA"].is_guest = True
    with world.database.write() as session:
        session.merge(Member(id="U0ANA", name="Ana", is_guest=True, seen_at=world.clock.now))
    world.ana.submit({"Until": "June 15"})
    world.ana.wait_for_text("Only full members")
    assert world.enrollment().status == Status.PENDING


@pytest.mark.row(54)
def test_form_that_was_redrawn_by_a_faster_change_stays_usable(world, pausing):
    """Two changes at once: the slower view has an old hash, and is dropped."""
    view = world.slack.state.modals["U0ANA"][-1]
    view.hash = (
        "1.old"  # what the bot gets with the click is older than what stands there by the time it answers
    )
    sent = world.ana.click("modal", "Show the dates")
    view.hash = "2.new"
    assert sent.ok
    assert world.ana.submit({"Until": "June 15"}).ok
    world.ana.wait_for_text("Paused")


def test_a_date_that_cannot_be_read_any_more_takes_the_place_of_the_dates(world):
    world.ana.use_shortcut(codec.PAUSE_A_LEAD)
    world.until(lambda: world.ana.modal)
    world.ana.submit({"Lead": ADA, "Until": "9/8"})
    assert list(world.ana.modal.errors) == ["when"], "without any dates it is said at the field"
    world.ana.click("modal", "Until", "June 15")
    world.until(lambda: "The pause ends" in world.ana.modal.all_text())
    assert world.ana.submit({"Until": "someday"}).ok
    text = world.ana.modal.all_text()
    assert "“someday” cannot be read as a date" in text
    assert "The pause ends" not in text
    assert world.ana.submit({"Until": "June 15"}).ok
    world.until(lambda: world.enrollment().status == Status.PAUSED)


@pytest.mark.row(55)
def test_required_field_left_empty_is_said_at_the_field(world):
    world.ana.use_shortcut(codec.PAUSE_A_LEAD)
    world.until(lambda: world.ana.modal)
    assert not world.ana.submit({"Until": "June 15"}).ok
    assert list(world.ana.modal.errors) == ["lead"]


@pytest.mark.row(56)
@pytest.mark.parametrize("name", ["x" * 3_001, "nobody of this name", "ada@engines", "ada@engine.example"])
def test_name_that_is_nobodys_is_said_at_the_field(world, name):
    world.ana.use_shortcut(codec.PAUSE_A_LEAD)
    world.until(lambda: world.ana.modal)
    assert not world.ana.submit({"Lead": name, "Until": "June 15"}).ok
    assert list(world.ana.modal.errors) == ["lead"]
    if name == "ada@engine.example":
        assert f"Did you mean {ADA}?" in world.ana.modal.errors["lead"]
