"""Buttons and forms that are old, forged or somebody else's (rows 50 to 62); most have their test in tests/bot."""

from __future__ import annotations

import copy
from itertools import cycle

import pytest
from sqlmodel import select

from core import commands
from core.models import LARGEST_ID, Lead
from tests.bad_inputs.rows import assert_refusal, typed, untouched
from tests.bot.world import SOMEBODY

ADA = "ada@engines.example"
NOT_OURS = 987_654
NUMBERS = (NOT_OURS, LARGEST_ID, LARGEST_ID + 1, 10**19 - 1)


@pytest.fixture
def card(world):
    """Ada's card in the channel."""
    typed(world, f"status {ADA}")
    world.until(world.draw)
    [card] = [m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]
    return card


def pressed(world, card, value: str, *, who=None) -> str:
    """Give what a person is told who presses a button of the card that has been given this value."""
    who, forged = who or world.ana, copy.deepcopy(card)
    button = next(e for b in forged.blocks for e in b.get("elements", ()) if e.get("type") == "button")
    button["value"] = value
    button.pop("confirm", None)
    before = len(who.ephemerals())
    assert who.click(forged, button["text"]["text"]).ok
    world.until(lambda: len(who.ephemerals()) > before)
    return who.ephemerals()[-1].all_text().replace("\n", "")


@pytest.mark.row(50)
def test_number_of_what_is_not_here_is_refused(world, card, caplog):
    forged = [
        *(
            "click pause {} 1",
            "click resume {} 1",
            "click stop {} 7",
            "keep {} 1",
            "undo {}",
            "settle again {}",
        ),
        *(
            "form pause {} 1",
            "form edit_lead {} 0",
            "form away {} 0",
            "form reply {} 0",
            "form task_done {} 1",
        ),
        *(
            "say card review {} reply seen 0",
            "say card publish {} go",
            "say card home {} pause",
            "say undo {}",
        ),
        *("say card reminder {} done", "say card collision {} decline", "say settle {} left"),
        *(
            "say card guard {} release",
            "say card meeting {} keep",
            "say card task {} done",
            "say card return {} keep",
        ),
    ]
    with untouched(world.database, caplog):
        for value, number in zip(forged * 2, cycle(NUMBERS), strict=False):
            said = pressed(world, card, value.format(number))
            assert_refusal(said)
            assert "ada@" not in said, value
        assert_refusal(pressed(world, card, f"confirm {'0' * 32}"))
    assert world.ana.modal is None


@pytest.mark.row(51)
@pytest.mark.parametrize("name", ["somebody_elses", "", "fermata", "\u202efermata:", "x" * 255])
def test_action_that_is_not_ours_is_acknowledged_and_logged(sqlite_world, caplog, name):
    caplog.set_level("INFO", "fermata.bot")
    world = sqlite_world
    typed(world, f"status {ADA}")
    world.until(world.draw)
    [card] = [m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]
    with untouched(world.database, caplog):
        button = next(e for b in card.blocks for e in b.get("elements", ()) if e.get("type") == "button")
        button["action_id"] = name
        assert world.ana.click(card, button["text"]["text"]).ok
        world.until(lambda: "click_unknown action=" in caplog.text)
        assert "\u202e" not in caplog.text


@pytest.mark.row(58)
def test_right_that_was_lost_since_the_card_was_drawn_is_lost(world, card, caplog):
    world.slack.state.users["U0ANA"].is_restricted = True
    changed = world.slack.state.users["U0ANA"].as_json(world.clock.now)
    world.slack.send_event({"type": "user_change", "user": changed})
    world.until(lambda: "Only full members" in typed(world, "help"))
    with untouched(world.database, caplog):
        for value in ("click pause 1 1", "click stop 1 1", "say pause everyone", "form pause 1 1"):
            assert "Only full members" in pressed(world, card, value)
    assert world.ana.modal is None


@pytest.mark.row(59)
def test_card_of_an_erased_lead_does_nothing(world, card, caplog):
    row = world.enrollment()
    asked = commands.run(world.desk, f"erase {ADA}", actor=SOMEBODY, now=world.clock.now)
    erased = commands.confirm(world.desk, asked.choices[0].proposal, actor=SOMEBODY, now=world.clock.now)
    assert not erased.is_refusal
    with untouched(world.database, caplog):
        for value in ("click pause {} {}", "click resume {} {}", "click stop {} {}", "click start {} {}"):
            assert "This lead is no longer here." in pressed(world, card, value.format(row.id, row.version))
        for value in ("form pause {} 1", "form resume {} 1", "form stop {} 1", "form edit_lead {} 0"):
            assert "That lead is no longer here." in pressed(
                world, card, value.format(row.lead_id if "lead" in value else row.id)
            )
    assert world.ana.modal is None
    world.until(lambda: world.draw() or "no longer here" in _shown(world, card))
    assert "Ada" not in _shown(world, card)
    with world.database.read() as session:
        assert session.exec(select(Lead).where(Lead.email == ADA)).first() is None


def _shown(world, card) -> str:
    [shown] = [m for m in world.slack.messages("#outbound") if m.ts == card.ts]
    return shown.text + shown.all_text()
