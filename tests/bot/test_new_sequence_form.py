"""Sequences made and edited in Slack: what the form says is saved as a file would be, and nothing else is touched."""

from __future__ import annotations

import json

import pytest

from bot import codec
from bot.codec import Form
from bot.forms import sequence as form
from core import sequence_file, sequences
from core.models import Sequence
from core.plans import parsed
from core.sequence_file.revising import built
from core.verbs.building import numbered
from sandbox.slack.blocks import check_view
from sandbox.slack.forms import full_state
from tests.bot.samples import HOSTILE, NOW
from tests.bot.world import SOMEBODY, SPRING, World, connected, furnish

RICH = """
sequence: Rich
zone: Europe/Berlin
tag: rich
steps:
  - id: hello
    delay: 30 minutes
    subject: "Hi {{ first_name }}"
    body: |
      Hi, reply STOP to opt out.

      Bye
  - id: asked
    kind: condition
    delay: 1 day
    when: replied
    then: stop
  - id: call
    kind: task
    delay: 2 business days
    title: Call {{ first_name }}
  - id: again
    delay: 1 week
    thread: true
    body: "Again, STOP"
"""


def row_of(text, status="paused"):
    spec = sequence_file.load(text)
    return Sequence(
        id=3, name=spec.name, key="x", status=status, spec=sequence_file.dump(spec), version=7, created_at=NOW,
        changed_at=NOW,
    )  # fmt: skip


def said(view, row, **typed):
    """What the form says once this was typed, as steps of a file."""
    inputs = [one for one in view["blocks"] if one["type"] == "input"]
    state = {"values": full_state(inputs, {})}
    for name, value in typed.items():
        state["values"][name] = {codec.action_id(name): {"type": "plain_text_input", "value": value}}
    slots = form._typed(codec.read_metadata(view["private_metadata"]), row, state)
    spec = parsed(row.spec)
    return [form._said(slot, place, spec) for place, slot in enumerate(slots)], slots


@pytest.mark.parametrize("text", [SPRING, RICH])
def test_form_that_nobody_touched_says_what_the_file_says(text):
    row = row_of(text)
    view = form.edit_view(Form("new_sequence", 3), row)
    assert check_view(view) == []
    steps, _ = said(view, row)
    data = parsed(row.spec).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert sequence_file.dump(built(data | {"steps": numbered(steps)})) == row.spec


def test_what_the_form_does_not_know_is_shown_and_kept():
    row = row_of(RICH)
    view = form.edit_view(Form("new_sequence", 3), row)
    assert "Step 2, asked: condition" in json.dumps(view, ensure_ascii=False)
    steps, _ = said(view, row, subject_1="Hello")
    assert steps[0]["subject"] == "Hello"
    assert steps[0]["body"] == parsed(row.spec).steps[0].body
    assert steps[1] == parsed(row.spec).steps[1].model_dump(mode="json", by_alias=True, exclude_none=True)


def test_steps_are_added_moved_and_removed():
    slots = form.slots_of(sequence_file.load(SPRING))
    assert [slot.number for slot in form.moved(slots, "remove 2")] == [1, 3]
    more = form.moved(slots, "task 2")
    assert [(slot.number, slot.kind) for slot in more][:2] == [(1, "email"), (4, "task")]
    assert [slot.number for slot in form.moved(more, "email 0")][-1] == 5
    for nonsense in ("", "explode 1", "remove x", "email"):
        assert form.moved(slots, nonsense) == slots


def test_new_steps_get_ids_that_no_step_ever_had():
    steps = numbered([{"id": "a"}, {}, {"id": "step-3"}, {}], taken=["a", "step-2", "step-4"])
    assert [step["id"] for step in steps] == ["a", "step-5", "step-3", "step-6"]


@pytest.mark.parametrize("count", [1, 8, 9, 40, 99])
def test_views_keep_slacks_rules(count):
    step = "  - {id: s%d, delay: 1 day, subject: S, body: '%s'}\n"
    text = "sequence: Long\nsteps:\n" + "".join(
        step % (n, "x" * (2_990 if count < 50 else 1_000)) for n in range(count)
    )
    row = row_of(text)
    assert check_view(form.edit_view(Form("new_sequence", 3), row)) == []
    row.name = HOSTILE[:100]
    assert check_view(form.edit_view(Form("new_sequence", 3), row)) == []


def test_hundred_steps_are_edited_as_a_file():
    text = "sequence: Long\nsteps:\n" + "  - {delay: 1 day, subject: S, body: STOP}\n" * 100
    with pytest.raises(form.Refused, match="edit it as a file"):
        form.edit_view(Form("new_sequence", 3), row_of(text))


# In Slack


def opened(world, text):
    world.ana.type("#outbound", f"/sequence {text}")
    return world.until(lambda: world.ana.modal)


def spec_of(world, name="Spring"):
    with world.database.read() as session:
        return parsed(sequences.find(session, name).spec)


def press(world, label, option=None):
    before = world.ana.modal.payload
    world.ana.click("modal", label, option)
    return world.until(lambda: (v := world.ana.modal) and v.payload != before and v)


def test_sequence_is_built_saved_previewed_and_published(world):
    view = opened(world, "new Tour")
    assert check_view(view.payload) == []
    shown = press(world, "Add an email")
    shown = press(world, "Add a task")
    assert check_view(shown.payload) == []
    assert "Step 3: a task" in shown.all_text()
    assert world.ana.submit({
        "subject_1": "{{ first_name }}, a question", "body_1": "Hi, reply STOP to opt out.",
        "thread_2": ["yes"], "delay_2": "2 business days", "body_2": "Did it arrive? STOP",
        "delay_3": "1 day", "subject_3": "Call {{ first_name }}",
    }).ok  # fmt: skip
    answer = world.ana.wait_for_text("Tour is saved as a draft with 3 steps.")
    spec = spec_of(world, "Tour")
    assert [step.id for step in spec.steps] == ["step-1", "step-2", "step-3"]
    assert (spec.zone, spec.window.opens.hour, spec.steps[1].thread) == ("Europe/Berlin", 9, True)
    world.ana.click(answer, "Publish")
    world.ana.wait_for_text("Tour is published")


def test_what_was_typed_stays_when_a_step_is_added(world):
    opened(world, "new Tour")
    world.ana.click("modal", codec.action_id("subject_1"), "Typed before")
    world.ana.click("modal", codec.action_id("body_1"), "Hi, STOP")
    shown = press(world, "Add an email")
    assert "Typed before" in json.dumps(shown.payload)
    world.ana.click("modal", codec.action_id("body_2"), "Gone")
    press(world, codec.FIELD + "step_2", "remove 2")
    assert world.ana.submit({"name": "Tour"}).ok
    world.ana.wait_for_text("Tour is saved as a draft with 1 step.")
    assert spec_of(world, "Tour").steps[0].subject == "Typed before"


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"name": "Spring"}, "name", "There is a sequence called Spring already"),
        ({"zone": "Mars/Olympus"}, "zone", "Mars/Olympus"),
        ({"hours": "17:00-09:00"}, "hours", ""),
        ({"hours": ""}, "hours", "Say the hours too"),
        ({"delay_1": "soon"}, "delay_1", "is no delay"),
        ({"subject_1": "{{ frist_name }}"}, "subject_1", "frist_name"),
        ({"body_1": "[page](ftp://x)"}, "body_1", ""),
        ({"body_1": "{{ first_name"}, "body_1", ""),
    ],
)
def test_error_stands_at_the_field(world, values, field, sentence):
    opened(world, "new Tour")
    assert not world.ana.submit({"subject_1": "Hi", "body_1": "Hi, STOP", **values}).ok
    assert sentence in world.ana.modal.errors[field]
    assert list(world.ana.modal.errors) == [field]


def test_draft_with_gaps_is_saved_and_says_what_is_missing(world):
    opened(world, "new Tour")
    assert world.ana.submit({}).ok
    said = world.ana.wait_for_text("Tour is saved as a draft").all_text()
    assert "Before it is published: Step 1: Subject: it is empty" in said
    assert "Publish" not in [label for label in said.split("\n") if label == "Publish"]


def test_name_that_is_taken_is_refused_at_once(world):
    world.ana.type("#outbound", "/sequence new Spring")
    world.ana.wait_for_text("There is a sequence called Spring already, published")
    assert world.ana.modal is None


def test_published_sequence_is_paused_edited_and_asked_about(world):
    assert "published and protected from edits" in opened(world, "edit sequence Spring").all_text()
    press(world, "Pause Spring and edit it")
    assert "Spring (paused)" in world.ana.modal.all_text()
    assert world.ana.submit({"subject_1": "Another question"}).ok
    answer = world.ana.wait_for_text("The steps of Spring are saved; it is paused until it is published.")
    assert "Step 1 (intro) is rewritten" in answer.all_text()
    world.ana.click(answer, "Publish")
    asked = world.ana.wait_for_text("Publish Spring as it was edited?")
    world.ana.click(asked, "Publish")
    world.ana.wait_for_text("Spring is published: it sends")
    assert spec_of(world).steps[0].subject == "Another question"


def test_settings_are_reached_from_it(world):
    world.ana.type("#outbound", "/sequence pause sequence Spring")
    world.ana.wait_for_text("Spring is paused")
    opened(world, "edit sequence Spring")
    press(world, "Settings and rules")
    assert world.ana.submit({"tag": "warm"}).ok
    world.ana.wait_for_text("Changed 1 setting of Spring")


def test_stale_form_overwrites_nothing(world):
    world.ana.type("#outbound", "/sequence pause sequence Spring")
    world.ana.wait_for_text("Spring is paused")
    opened(world, "edit sequence Spring")
    with world.database.write() as session:
        spec = sequence_file.load(SPRING.replace("Goodbye", "So long"))
        sequences.save(session, spec, actor=SOMEBODY, now=NOW)
    world.ana.submit({"subject_1": "Second"})
    world.ana.wait_for_text("Somebody has changed Spring since")
    assert spec_of(world) == spec


def test_list_offers_what_each_status_allows(world):
    world.ana.type("#outbound", "/sequence sequences")
    shown = world.ana.wait_for_text("1 sequence.")
    for label in ("Pause", "Edit", "Settings", "Preview", "Archive", "New sequence"):
        assert label in shown.all_text(), label
    world.ana.click(shown, "New sequence")
    world.until(lambda: world.ana.modal)


def test_building_is_for_admins(database, slack, clock, client):
    furnish(database)
    with connected(World(database, slack, clock, client, admins=["U0BEN"])) as world:
        for text in (
            "new Tour",
            "edit sequence Spring",
            "delete sequence Spring",
            'card publish 1 "go seen 1"',
        ):
            world.ana.type("#outbound", f"/sequence {text}")
        world.until(lambda: sum("needs an admin" in one.all_text() for one in world.ana.ephemerals()) == 4)
        assert world.ana.modal is None
