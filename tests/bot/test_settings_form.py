"""The settings of a sequence in Slack: what the file says, changed by its rules, saved as a file would be."""

from __future__ import annotations

import pytest

from bot import codec
from bot.codec import Form
from bot.forms import settings
from bot.forms.fields import Wrong, field_id
from core import sequence_file, sequences
from core.models import Sequence
from core.plans import parsed
from core.sequence_file.revising import differences, revised, settings_of
from sandbox.slack.blocks import check_view
from sandbox.slack.forms import full_state
from tests.bot.samples import HOSTILE, NOW
from tests.bot.world import SOMEBODY, SPRING, World, connected, furnish

PLAIN = "sequence: Plain\nsteps:\n  - subject: Hi\n    body: Hi, reply STOP to opt out\n"
RICH = """
sequence: Rich
zone: America/New_York
window: {days: "Mon-Wed,Sat", from: "08:30", to: "18:15"}
holidays: US
lead_zone: false
mailboxes: [ana@northwind.example, gone@northwind.example]
resume: keep
grace: 4 hours
channel: "#outbound"
tag: rich
on:
  reply: {do: pause, scope: sequence, until: 14 days}
  out_of_office: {do: pause, scope: company}
  bounce: pause
  meeting: stop
  click: {do: pause, scope: lead, until: 30 minutes}
steps:
  - subject: Hi
    body: Hi, reply STOP to opt out
  - kind: task
    delay: 2 business days
    title: Call
"""
FILES = (
    PLAIN,
    RICH,
    SPRING,
    RICH.replace(
        "click: {do: pause, scope: lead, until: 30 minutes}", "click: {do: continue, scope: company}"
    ),
)


def view_of(text):
    spec = sequence_file.load(text)
    row = Sequence(
        id=3,
        name=spec.name,
        key="x",
        status="paused",
        spec=sequence_file.dump(spec),
        version=7,
        created_at=NOW,
        changed_at=NOW,
    )
    return spec, settings.open_view(
        Form("settings", 3), row, ["ana@northwind.example", "ben@northwind.example"]
    )


def state_of(view, **given):
    known = {}
    for name, value in given.items():
        block = next(one for one in view["blocks"] if one.get("block_id") == name)
        element = block["element"]
        key = {
            "checkboxes": "selected_options",
            "multi_static_select": "selected_options",
            "plain_text_input": "value",
        }
        chosen = [{"value": one} for one in value] if isinstance(value, list) else value
        kind = key.get(element["type"], "selected_option")
        known[name] = {
            field_id(name): {
                "type": element["type"],
                kind: {"value": chosen} if kind == "selected_option" else chosen,
            }
        }
    blocks = [one for one in view["blocks"] if one["type"] == "input"]
    return {"values": full_state(blocks, known)}


@pytest.mark.parametrize("text", FILES)
def test_form_that_nobody_touched_says_what_the_file_says(text):
    spec, view = view_of(text)
    assert check_view(view) == []
    assert codec.read_metadata(view["private_metadata"]).version == 7
    changes = settings.changes_in(spec, state_of(view), has_senders=True)
    assert sequence_file.dump(revised(spec, changes)) == sequence_file.dump(spec)


def test_every_field_reaches_the_file():
    spec, view = view_of(PLAIN)
    state = state_of(
        view, days=["Mon", "Tue", "Wed", "Sat"], hours="8:30 to 18:15", zone="America/New_York", holidays="us", lead_zone="no",
        mailboxes=["ana@northwind.example"], resume="keep", grace="4 hours", channel="#outbound", tag="rich",
        on_reply="pause sequence", until_reply="14 days", on_out_of_office="pause company",
        on_bounce="pause lead", on_meeting="stop lead", on_click="pause lead", until_click="30 minutes",
    )  # fmt: skip
    after = revised(spec, settings.changes_in(spec, state, has_senders=True))
    wanted = sequence_file.load(RICH.replace(", gone@northwind.example", ""))
    assert settings_of(after) | {"sequence": "Rich"} == settings_of(wanted)
    assert "zone: UTC → America/New_York" in differences(spec, after)
    assert "on reply until: none → 14 days" in differences(spec, after)


def test_emptied_fields_leave_the_file():
    spec, view = view_of(RICH)
    state = state_of(view, days=[], hours="", holidays="", mailboxes=[], channel="", tag="", until_reply="")
    after = revised(spec, settings.changes_in(spec, state, has_senders=True))
    assert (after.window, after.holidays, after.mailboxes, after.channel, after.tag) == (None,) * 5
    assert after.on.reply.until is None


def test_pause_that_becomes_a_stop_leaves_its_end_behind():
    spec, view = view_of(RICH)
    after = revised(spec, settings.changes_in(spec, state_of(view, on_reply="stop lead"), has_senders=True))
    assert (after.on.reply.do, after.on.reply.until) == ("stop", None)


@pytest.fixture
def paused(world):
    """Spring, paused, so that it can be edited."""
    world.ana.type("#outbound", "/sequence pause sequence Spring")
    world.ana.wait_for_text("Spring is paused")
    return world


def opened(world):
    world.ana.type("#outbound", "/sequence sequences")
    world.ana.click(world.ana.wait_for_text("1 sequence."), "Settings")
    return world.until(lambda: world.ana.modal)


def spec_of(world):
    with world.database.read() as session:
        return parsed(sequences.find(session, "Spring").spec)


def test_saved_settings_are_said_and_published_again(paused):
    assert check_view(opened(paused).payload) == []
    assert paused.ana.submit({settings.ZONE: "Europe/Lisbon", "until_reply": "10 days"}).ok
    said = paused.ana.wait_for_text("Changed 2 settings of Spring")
    assert "zone: Europe/Berlin → Europe/Lisbon" in said.all_text()
    assert (spec_of(paused).zone, spec_of(paused).on.reply.until.amount) == ("Europe/Lisbon", 10)
    assert "zone: Europe/Berlin → Europe/Lisbon" in paused.journal("settings")[0].reason

    paused.ana.click(said, "Publish")
    paused.ana.click(paused.ana.wait_for_text("Publish Spring as it was edited?"), "Publish")
    paused.ana.wait_for_text("Spring is published")


def test_nothing_touched_changes_nothing(paused):
    before = spec_of(paused)
    opened(paused)
    paused.ana.submit()
    paused.ana.wait_for_text("stay as they are")
    assert spec_of(paused) == before


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({settings.HOURS: ""}, settings.HOURS, "Say the hours too"),
        ({settings.DAYS: []}, settings.DAYS, "Choose the days too"),
        ({settings.HOURS: "nine to five"}, settings.HOURS, "no time of day"),
        ({settings.HOURS: "09:00"}, settings.HOURS, "Write both ends"),
        ({settings.HOURS: "17:00-09:00"}, settings.HOURS, ""),
        ({settings.ZONE: "Mars/Olympus"}, settings.ZONE, "Mars/Olympus"),
        ({settings.HOLIDAYS: "XX"}, settings.HOLIDAYS, "XX"),
        ({settings.GRACE: "soon"}, settings.GRACE, "is no delay"),
        ({settings.CHANNEL: "sales team"}, settings.CHANNEL, "no Slack channel"),
        ({settings.TAG: "a\x07b"}, settings.TAG, "control character"),
        ({"until_reply": "soon"}, "until_reply", "is no delay"),
        ({"until_reply": "return"}, "until_reply", "Only an out-of-office"),
        ({"until_bounce": "3 days"}, "until_bounce", "Only a pause can have an until"),
        ({"on_bounce": "continue lead"}, "on_bounce", "A bounce cannot continue"),
    ],
)
def test_error_stands_at_the_field(paused, values, field, sentence):
    opened(paused)
    assert not paused.ana.submit(values).ok
    assert sentence in paused.ana.modal.errors[field]
    assert list(paused.ana.modal.errors) == [field]


def test_all_faults_are_said_at_once(paused):
    opened(paused)
    paused.ana.submit({settings.ZONE: "Mars/Olympus", settings.GRACE: "soon", "until_meeting": "x"})
    assert set(paused.ana.modal.errors) == {settings.ZONE, settings.GRACE, "until_meeting"}


def test_published_sequence_is_paused_by_its_own_form(world):
    view = opened(world)
    assert "published and protected from edits" in view.all_text()
    assert check_view(view.payload) == []
    world.ana.click("modal", "Pause Spring and edit it")
    shown = world.until(lambda: (v := world.ana.modal) and v.payload.get("submit") and v)
    assert "Spring (paused)" in shown.all_text()
    assert world.ana.submit({settings.TAG: "spring"}).ok
    world.ana.wait_for_text("Changed 1 setting of Spring")


def test_stale_form_overwrites_nothing(paused):
    opened(paused)
    with paused.database.write() as session:
        spec = revised(spec_of(paused), {"tag": "first"})
        sequences.save(session, spec, actor=SOMEBODY, now=NOW)
    paused.ana.submit({settings.TAG: "second"})
    paused.ana.wait_for_text("Somebody has changed Spring since")
    assert spec_of(paused).tag == "first"


def test_settings_are_for_admins(database, slack, clock, client):
    furnish(database)
    with connected(World(database, slack, clock, client, admins=["U0BEN"])) as world:
        world.ana.type("#outbound", "/sequence edit sequence Spring")
        world.ana.wait_for_text("needs an admin")
        world.ana.type("#outbound", "/sequence sequences")
        world.ana.click(world.ana.wait_for_text("1 sequence."), "Settings")
        world.until(lambda: sum("needs an admin" in one.all_text() for one in world.ana.ephemerals()) == 2)
        assert world.ana.modal is None


@pytest.mark.parametrize("name", ["Spring", HOSTILE[:100]])
def test_views_keep_slacks_rules(name):
    spec = sequence_file.load(RICH)
    for status in ("draft", "paused", "published", "archived"):
        row = Sequence(
            id=3,
            name=name,
            key="x",
            status=status,
            spec=sequence_file.dump(spec),
            created_at=NOW,
            changed_at=NOW,
        )
        assert check_view(settings.locked_view(Form("settings", 3), row)) == []
        many = [f"m{n}@northwind.example" for n in range(300)]
        assert check_view(settings.open_view(Form("settings", 3), row, many)) == []


def test_hours_without_days_are_asked_for():
    spec, view = view_of(PLAIN)
    with pytest.raises(Wrong) as wrong:
        settings.changes_in(spec, state_of(view, hours="09:00-17:00"), has_senders=False)
    assert list(wrong.value.errors) == [settings.DAYS]
