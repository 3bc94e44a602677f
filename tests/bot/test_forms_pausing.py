"""The dates that the forms show side by side are the dates on which it then really goes on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from sqlmodel import Session, col, select

from bot import codec
from bot.codec import Form
from bot.forms import FORMS
from bot.forms.dates import POLICIES
from bot.forms.fields import Wrong, field_id
from bot.front import Front
from bot.members import Members
from core import leads
from core.lifecycle import Policy, Status
from core.models import Enrollment, Hold, Lead
from core.people import Actor
from core.releases import release_due
from core.schedule import local
from core.verbs.whens import exact, meant
from core.views.outlook import pausing, resuming, standing
from tests.measure import cpu
from tests.world import ANA, World, make

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Berlin
CALENDARS = {
    "always": "",
    "working hours": 'window: {days: Mon-Fri, from: "09:00", to: "17:00"}\nlead_zone: true',
    "mornings, with holidays": 'window: {days: Mon-Sat, from: "08:30", to: "11:00"}\nholidays: DE',
    "Thursdays": 'window: {days: Thu, from: "14:00", to: "15:00"}\nresume: keep\nlead_zone: true',
}
SPEC = """
sequence: {name}
zone: Europe/Berlin
{rest}
steps:
  - id: intro
    subject: "{{{{ first_name }}}}, a question"
    body: Hi
  - id: nudge
    delay: 4 days
    subject: Did it arrive?
    body: Hi
"""
ADA = "ada@engines.example"


@pytest.fixture
def world(database_url) -> World:
    """One lead in a sequence of each calendar, one mail in."""
    first, *others = [SPEC.format(name=name, rest=rest) for name, rest in CALENDARS.items()]
    world = make(database_url, first, now=NOW)
    for text in others:
        world.add(text)
    for name in CALENDARS:
        world.enrol(ADA, sequence=name, zone="America/New_York")
    return world


def put(session: Session, row: Enrollment, *, due: timedelta) -> None:
    """Put a run back to where it waits for its second step, without holds."""
    for hold in session.exec(
        select(Hold).where(Hold.enrollment_id == row.id, col(Hold.released_at).is_(None))
    ):
        hold.released_at = NOW
    row.status, row.position, row.has_started, row.remaining = Status.PENDING, 1, True, None
    row.due_at = row.send_at = row.wake_at = NOW + due
    row.version += 1
    session.add(row)


def runs(world: World, *, due: timedelta) -> dict[str, Enrollment]:
    found = {name: world.enrollment(ADA, name) for name in CALENDARS}
    with world.db.write() as session:
        for row in found.values():
            put(session, session.merge(row), due=due)
    return found


def phrase(days: int, clock: str) -> str:
    day = (local(NOW, "Europe/Berlin") + timedelta(days=days)).date()
    return f"{day.isoformat()} {clock}".strip()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(CALENDARS)),
    word=st.sampled_from(sorted(POLICIES)),
    due=st.integers(1, 60 * 24 * 20).map(lambda minutes: timedelta(minutes=minutes)),
    days=st.integers(1, 60),
    clock=st.sampled_from(["", "07:15", "16:59", "23:30"]),
    late=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(days=2)]),
)
def test_the_previewed_date_of_a_pause_is_the_date_of_its_end(world, name, word, due, days, clock, late):
    """Whatever the calendar, the way it goes on, the date, and how late the end of the hold is noticed."""
    row = runs(world, due=due)[name]
    with world.db.read() as session:
        known = standing(session, enrollment_id=row.id)
        until = meant(session, _read(phrase(days, clock)), actor=ANA)
        look = pausing(known.row(row.id), known.lead, until, actor=ANA, now=NOW)
    world.now = NOW
    answer = world.say(f'pause {ADA} in "{name}" until {exact(until.when)} then {word}')
    assert not answer.is_refusal
    assert look.ends_at is not None
    release_due(world.db, now=look.ends_at + late)
    after = world.enrollment(ADA, name)
    assert after.status == Status.PENDING
    assert after.send_at == look.dates[POLICIES[word]]
    assert world.holds(ADA, name) == []


def _read(text: str):
    from bot.forms.fields import read_when

    return read_when(text, "until", now=NOW, zone="Europe/Berlin")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(CALENDARS)),
    due=st.integers(1, 60 * 24 * 20).map(lambda minutes: timedelta(minutes=minutes)),
    waited=st.integers(0, 60 * 24 * 30).map(lambda minutes: timedelta(minutes=minutes)),
    days=st.integers(1, 40),
)
def test_the_previewed_dates_of_a_resume_are_what_it_gives(world, name, due, waited, days):
    """Now in each of the three ways, and on a day that is named."""
    for word in (*POLICIES, "on"):
        row = runs(world, due=due)[name]
        world.now = NOW
        world.say(f'pause {ADA} in "{name}"')
        world.now = NOW + waited
        from bot.forms.fields import read_when

        day = (local(world.now, "Europe/Berlin") + timedelta(days=days)).date().isoformat()
        when = read_when(day, "on", now=world.now, zone="Europe/Berlin")
        with world.db.read() as session:
            known = standing(session, enrollment_id=row.id)
            look = resuming(known.row(row.id), known.lead, meant(session, when, actor=ANA), now=world.now)
        world.say(f'resume {ADA} in "{name}" {f"on {day}" if word == "on" else word}')
        expected = look.on if word == "on" else look.dates[POLICIES[word]]
        sent = world.enrollment(ADA, name).send_at
        assert max(sent, world.now) == expected


def test_of_two_holds_the_one_that_ends_last_decides(world):
    runs(world, due=timedelta(days=2))
    ben = Actor("U0BEN", "Ben", "Europe/Berlin")
    world.say(f"pause {ADA} in always until 2027-06-10 12:00 then freeze")
    world.say(f"pause {ADA} in always until 2027-06-20 12:00 then now", actor=ben)
    release_due(world.db, now=NOW + timedelta(days=30))
    assert world.enrollment(ADA, "always").due_at == datetime(2027, 6, 20, 10, tzinfo=UTC)


def test_of_two_holds_that_end_together_the_later_date_counts(world):
    runs(world, due=timedelta(days=2))
    ben = Actor("U0BEN", "Ben", "Europe/Berlin")
    world.say(f"pause {ADA} in always until 2027-06-20 12:00 then now")
    world.say(f"pause {ADA} in always until 2027-06-20 12:00 then freeze", actor=ben)
    release_due(world.db, now=NOW + timedelta(days=30))
    assert world.enrollment(ADA, "always").due_at == datetime(2027, 6, 22, 10, tzinfo=UTC)


def test_pausing_again_with_another_end_replaces_the_way(world):
    runs(world, due=timedelta(days=2))
    world.say(f"pause {ADA} in always until 2027-06-20 then keep")
    again = world.say(f"pause {ADA} in always until 2027-06-20 then keep")
    assert "already paused like this" in again.title
    world.say(f"pause {ADA} in always until 2027-06-20 then now")
    assert [hold.policy for hold in world.holds(ADA, "always")] == [Policy.AT]
    why = world.say(f"why {ADA}").as_text()
    assert "then the next step leaves as soon as the window allows" in why


def test_undo_brings_the_way_back(world):
    runs(world, due=timedelta(days=2))
    world.say(f"pause {ADA} in always until 2027-06-20 then keep")
    world.say(f"resume {ADA} in always")
    world.say("undo")
    assert [hold.policy for hold in world.holds(ADA, "always")] == [Policy.KEEP]


# In Slack's own form ---------------------------------------------------------------------------------------------


@pytest.fixture
def front(world):
    client = WebClient()
    pool = ThreadPoolExecutor(1)
    yield Front(world.desk, client, Members(world.db, client), lambda: NOW, pool)
    pool.shutdown()


def drawn(front, form, **chosen):
    return FORMS[form.form].changed(front, form, {"state": state(**chosen)}, ANA, NOW)


def state(**chosen):
    return {"values": {name: {field_id(name, is_live=True): value} for name, value in chosen.items()}}


def fields(view):
    """Give the lines of the tables of dates."""
    return [
        line
        for block in view["blocks"]
        for group in block.get("elements", ())
        if group["type"] == "rich_text_preformatted"
        for line in group["elements"][0]["text"].split("\n")
    ]


def test_the_dates_stand_side_by_side_in_both_zones(world, front):
    row = runs(world, due=timedelta(days=2))["working hours"]
    with world.db.read() as session:
        lead = session.get_one(Lead, row.lead_id)
        assert lead.zone == "America/New_York"
    form = Form("pause", row.id, row.version)
    view = drawn(front, form, when={"value": "June 15"})
    assert fields(view) == [
        "                      Your time  Lead's time",
        "Freeze   Fri 18 Jun 2027, 15:00    Fri 09:00",
        "Keep     Wed 16 Jun 2027, 15:00    Wed 09:00",
        "At once  Wed 16 Jun 2027, 15:00    Wed 09:00",
    ]
    own = "Freeze is this sequence's own way. Your time is Europe/Berlin, the lead's America/New_York."
    assert own in str(view["blocks"])
    assert "As things stand: Thursday 3 June 2027, 15:00 (Europe/Berlin)" in str(view["blocks"])
    assert "The pause ends Wednesday 16 June 2027, 15:00 (Europe/Berlin)" in str(view["blocks"])


def test_drawing_changes_nothing(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    before = world.enrollment(ADA, "always")
    drawn(front, Form("pause", row.id, row.version), when={"value": "June 15"})
    after = world.enrollment(ADA, "always")
    assert (after.version, after.status, world.holds(ADA, "always")) == (before.version, before.status, [])


def test_a_hold_of_somebody_else_is_named_where_it_has_no_end(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    world.say(f"pause {ADA} in always", actor=Actor("U0BEN", "Ben", "Europe/Berlin"))
    view = drawn(front, Form("pause", row.id, row.version), when={"value": "June 15"})
    assert fields(view) == []
    assert "Another hold has no end" in str(view["blocks"])


def test_everywhere_shows_each_sequence(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    place = {f"place_{row.lead_id}": {"selected_option": {"value": "*"}}}
    view = drawn(front, Form("pause", row.id, row.version), when={"value": "June 15"}, **place)
    assert len(fields(view)) == 3 * 4  # three sequences are shown, each with a line of zones and three dates


@pytest.mark.parametrize("chosen", [{}, {"when": {"value": "9/8"}}])
def test_without_a_readable_date_there_are_none(world, front, chosen):
    row = runs(world, due=timedelta(days=2))["always"]
    assert fields(drawn(front, Form("pause", row.id, row.version), **chosen)) == []


def test_a_lead_that_is_named_is_found_and_its_sequences_are_offered(world, front):
    runs(world, due=timedelta(days=2))
    form = Form(codec.PAUSE_LEAD)
    view = drawn(front, form, lead={"value": f" {ADA.upper()} "}, when={"value": "June 15"})
    places = next(block for block in view["blocks"] if block.get("block_id", "").startswith("place_"))
    offered = [option["text"]["text"] for option in places["element"]["options"]]
    assert offered == [*sorted(CALENDARS), "Everywhere"]


def test_a_form_is_drawn_in_a_fraction_of_a_second(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    form = replace(Form("pause", row.id, row.version), about="")
    drawn(front, form, when={"value": "June 15"})
    with cpu() as spent:
        drawn(front, form, when={"value": "June 16"})
        assert spent() < 0.3


def test_the_reader_sees_their_own_zone(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    kathmandu = Actor("U0ANA", "Ana", "Asia/Kathmandu")
    view = FORMS["pause"].changed(
        front,
        Form("pause", row.id, row.version),
        {"state": state(when={"value": "June 15 09:00"})},
        kathmandu,
        NOW,
    )
    (_, freeze, *_) = fields(view)
    assert freeze.startswith("Freeze   Thu 17 Jun 2027, 09:00")
    assert "Your time is Asia/Kathmandu" in str(view["blocks"])


def blocks_of(view):
    return {block.get("block_id"): block for block in view["blocks"]}


def test_a_sequence_that_cannot_be_read_keeps_its_field(world, front):
    world.add(SPEC.format(name="Solo", rest=""))
    world.enrol("bo@engines.example", sequence="Solo")
    form = Form(codec.PAUSE_LEAD)
    view = drawn(front, form, lead={"value": "bo@engines.example"}, sequence={"value": "Nope"})
    assert "There is no sequence" in str(view["blocks"])
    assert "sequence" in blocks_of(view)


def test_a_date_below_is_what_the_quick_choice_says(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    view = drawn(front, Form("pause", row.id, row.version), when={"value": "June 15"})
    assert blocks_of(view)["quick"]["element"]["placeholder"]["text"] == "On the date below"


def test_a_lead_that_cannot_be_paused_is_refused_at_its_field(world, front):
    world.say(f"stop {ADA}")
    form = Form(codec.PAUSE_LEAD)
    with pytest.raises(Wrong, match="is stopped and sends nothing. Use `start` for a new run."):
        FORMS[form.form].read(front, form, state(lead={"value": ADA}), ANA.id, NOW, "UTC")
    with world.db.write() as session:
        leads.suppress(session, ADA, reason="bounced", actor=ANA, now=NOW)
    with pytest.raises(Wrong, match="is suppressed and gets no mail, so there is nothing to pause.") as wrong:
        FORMS[form.form].read(front, form, state(lead={"value": ADA}), ANA.id, NOW, "UTC")
    assert list(wrong.value.errors) == ["lead"]
    assert (
        world.say(f"pause {ADA}").title
        == f"{ADA} is suppressed and gets no mail, so there is nothing to pause."
    )


def test_an_ambiguous_date_names_its_two_days_once(world, front):
    form = Form(codec.PAUSE_LEAD)
    with pytest.raises(Wrong) as wrong:
        FORMS[form.form].read(
            front, form, state(lead={"value": ADA}, when={"value": "9/8"}), ANA.id, NOW, "UTC"
        )
    assert wrong.value.errors["when"] == (
        "What does “9/8” mean: Monday 9 August 2027 or Wednesday 8 September 2027? Write 2027-08-09 or 2027-09-08."
    )


def test_forms_with_dates_say_who_halted_all_sending(world, front):
    row = runs(world, due=timedelta(days=2))["always"]
    world.say("halt because audit")
    for form in ("pause", "resume"):
        assert "All sending was halted by" in str(drawn(front, Form(form, row.id, row.version))["blocks"][0])
