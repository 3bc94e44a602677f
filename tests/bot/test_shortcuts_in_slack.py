"""The shortcuts: a lead is paused from Slack's menus, from whatever message names it."""

import pytest
from sqlmodel import col, select

from bot.codec import PAUSE_A_LEAD, PAUSE_IN_MESSAGE
from bot.listeners.shortcuts import NOBODY
from core.lifecycle import Status
from core.models import Hold
from tests.bot.world import World, connected, furnish

ADA, GRACE = "ada@engines.example", "grace@engines.example"
JUNE_15 = "Paused ada@engines.example in Spring until Tuesday 15 June 2027 (Europe/Berlin)."


@pytest.fixture
def form(world):
    """The form that Ana opened from the global shortcut."""
    return opened(world, lambda: world.ana.use_shortcut(PAUSE_A_LEAD))


def opened(world, act):
    assert act().ok
    return world.until(lambda: world.ana.modal)


def dm(world, user):
    return world.slack.state.direct(user).id


def said(world, text, channel="#outbound"):
    return world.ben.type(channel, text).message


def on_message(world, text):
    return opened(world, lambda: world.ana.use_message_shortcut(said(world, text), PAUSE_IN_MESSAGE))


def holds(world):
    with world.database.read() as session:
        return list(session.exec(select(Hold).where(col(Hold.released_at).is_(None))))


def test_pause_a_lead_from_anywhere_is_answered_directly(world, form):
    assert world.ana.submit({"Lead": ADA, "Until": "June 15", "Why? (shown on the card)": "on holiday"}).ok
    assert JUNE_15 in world.ana.wait_for_text("Paused", channel=dm(world, "U0ANA")).all_text()
    assert world.enrollment().status == Status.PAUSED
    assert [hold.reason for hold in holds(world)] == ["on holiday"]
    assert world.ana.modal is None


def test_pause_of_one_sequence_until_somebody_resumes(world, form):
    assert world.ana.submit({"Lead": f" {ADA.upper()} ", "Sequence": "spring"}).ok
    world.until(lambda: world.enrollment().status == Status.PAUSED)
    assert [hold.until for hold in holds(world)] == [None]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"Lead": "ada@engines"}, "lead", "no domain"),
        ({"Lead": "eve@engines.example"}, "lead", "There is no lead eve@engines.example."),
        ({"Lead": ADA, "Sequence": "Sprong"}, "sequence", "Did you mean Spring?"),
        ({"Lead": ADA, "Sequence": "Spr\x00ing"}, "sequence", "control characters"),
        ({"Lead": ADA, "Until": "yesterday"}, "when", "has passed"),
        ({"Lead": ADA, "Until": "9/8"}, "when", "Write 2027-"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(world, form, values, field, words):
    assert not world.ana.submit(values).ok
    assert words in world.ana.modal.errors[field]
    assert list(world.ana.modal.errors) == [field]
    assert world.enrollment().status == Status.PENDING


def test_every_wrong_field_is_said_at_once(world, form):
    world.ana.submit({"Lead": "ada@engines", "Sequence": "Sprong", "Until": "never"})
    assert set(world.ana.modal.errors) == {"lead", "sequence", "when"}


def test_lead_in_several_sequences_is_asked_about(database, slack, clock, client):
    furnish(database, copies=2)
    with connected(World(database, slack, clock, client)) as world:
        on_message(world, f"{ADA} is away")
        world.ana.submit()
        question = world.ana.wait_for_text("Which do you want to pause?")
        world.ana.click(question, "Spring 2")
        world.until(lambda: world.enrollment(sequence="Spring 2").status == Status.PAUSED)
        assert world.enrollment().status == Status.PENDING


def test_message_with_one_address_fills_it_in(world):
    form = on_message(world, f"{ADA} says she is out until June 15")
    assert form.payload["blocks"][0]["element"]["initial_value"] == ADA
    world.ana.submit({"Until": "June 15"})
    answer = world.ana.wait_for_text(JUNE_15)
    assert answer.ephemeral_to == "U0ANA"
    world.until(world.draw)
    assert [m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]


def test_message_with_several_addresses_asks_which(world):
    on_message(world, f"{ADA} and {GRACE} are away")
    world.ana.submit({"Lead": GRACE})
    world.until(lambda: world.enrollment(GRACE).status == Status.PAUSED)
    assert world.enrollment(ADA).status == Status.PENDING


def test_message_with_several_addresses_pauses_nobody_unasked(world):
    on_message(world, f"{ADA} and {GRACE} are away")
    assert not world.ana.submit().ok
    assert holds(world) == []


def test_of_several_addresses_the_leads_are_offered(world):
    form = on_message(world, f"From: ana@northwind.example To: {ADA}")
    assert form.payload["blocks"][0]["element"]["initial_value"] == ADA


def test_message_that_names_no_lead_says_so_at_the_field(world):
    on_message(world, "eve@engines.example is away")
    world.ana.submit()
    assert world.ana.modal.errors == {"lead": "There is no lead eve@engines.example."}


def test_message_without_an_address_is_answered_in_a_sentence(world):
    assert world.ana.use_message_shortcut(said(world, "she is away"), PAUSE_IN_MESSAGE).ok
    answer = world.ana.wait_for_text(NOBODY)
    assert answer.ephemeral_to == "U0ANA"
    assert world.ana.modal is None


def test_card_is_a_message_too(world):
    world.ana.type("#outbound", f"/sequence status {ADA}")
    world.ana.wait_for_text(f"{ADA} is")
    world.until(world.draw)
    card = next(m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace"))
    form = opened(world, lambda: world.ana.use_message_shortcut(card, PAUSE_IN_MESSAGE))
    assert form.payload["blocks"][0]["element"]["initial_value"] == ADA


@pytest.mark.parametrize("way", ["message", "global"])
def test_guest_is_refused_before_a_form_opens(world, way):
    if way == "global":
        world.gus.use_shortcut(PAUSE_A_LEAD)
        world.gus.wait_for_text("Only full members", channel=dm(world, "U0GUS"))
    else:
        world.gus.use_message_shortcut(said(world, ADA), PAUSE_IN_MESSAGE)
        world.gus.wait_for_text("Only full members")
    assert world.gus.modal is None


def test_form_that_comes_too_late_is_a_sentence_instead(world):
    world.slack.trigger_seconds = -1
    world.ana.use_message_shortcut(said(world, ADA), PAUSE_IN_MESSAGE)
    assert f"/sequence pause {ADA} until June 15" in world.ana.wait_for_text("took too long").all_text()
