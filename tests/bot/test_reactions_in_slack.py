"""⏸ as a reaction on a card pauses whom it is about, once, as a typed pause does."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.listeners.reactions import PAUSES
from core import cards
from core.lifecycle import Status
from core.models import Delivery, Hold, Lead, Step
from tests.bot.samples import NOW
from tests.bot.world import World, connected, furnish

ADA = "ada@engines.example"
PAUSE = "double_vertical_bar"


@pytest.fixture
def card(world):
    return posted(world)


def posted(world):
    """Ada's card, posted in the channel."""
    world.ana.type("#outbound", f"/sequence status {ADA}")
    world.ana.wait_for_text(f"{ADA} is")
    world.until(world.draw)
    return shown(world)


def shown(world):
    return [m for m in world.slack.messages("#outbound") if m.text.startswith("Ada Lovelace")][-1]


def holds(world):
    with world.database.read() as session:
        return list(session.exec(select(Hold).where(col(Hold.released_at).is_(None))))


@pytest.mark.parametrize("name", sorted(PAUSES))
def test_reaction_pauses_the_lead_and_says_so_to_the_person(world, card, name):
    assert world.ben.react(card, name).ok
    said = world.ben.wait_for_text(f"Paused {ADA} in Spring")
    assert said.ephemeral_to == "U0BEN"
    assert "Taking the reaction away resumes nobody" in said.all_text()
    assert [line.actor for line in world.journal("pause")] == ["U0BEN"]
    world.until(lambda: world.draw() and "⏸️ Paused" in shown(world).all_text())

    assert world.ben.click(said, "↩️ Undo").ok
    world.until(lambda: world.enrollment().status == Status.PENDING)


def test_reaction_taken_away_changes_nothing(world, card):
    world.ana.react(card, PAUSE)
    world.until(lambda: world.enrollment().status == Status.PAUSED)
    assert world.ana.unreact(card, PAUSE).ok
    world.ana.type("#outbound", "/sequence paused")
    world.ana.wait_for_text("1 lead paused")
    assert world.enrollment().status == Status.PAUSED


def test_event_that_comes_again_acts_once(world, card):
    world.ana.react(card, PAUSE)
    world.until(lambda: world.enrollment().status == Status.PAUSED)
    world.ana.wait_for_text("Paused")
    world.slack.replay()
    world.until(lambda: len([m for m in world.ana.ephemerals() if m.text.startswith("Paused")]) == 2)
    assert len(holds(world)) == 1
    assert len(world.journal("pause")) == 1


def test_two_bots_pause_once(world, card):
    other = World(world.database, world.slack, world.clock, world.client)
    with connected(other):
        world.ana.react(card, PAUSE)
        for _ in range(3):
            world.slack.replay()
        world.until(lambda: world.enrollment().status == Status.PAUSED)
    assert len(holds(world)) == 1


def test_lead_in_several_sequences_is_paused_in_all(database, slack, clock, client):
    furnish(database, copies=2)
    with connected(World(database, slack, clock, client)) as world:
        world.ana.react(posted(world), PAUSE)
        world.until(lambda: world.enrollment(sequence="Spring 2").status == Status.PAUSED)
        world.until(lambda: world.enrollment().status == Status.PAUSED)


def test_card_about_one_run_pauses_that_run(database, slack, clock, client):
    furnish(database, copies=2)
    with connected(World(database, slack, clock, client)) as world:
        run = world.enrollment(sequence="Spring 2")
        with database.write() as session:
            step = session.exec(select(Step.id).where(Step.sequence_id == run.sequence_id)).first()
            task = Delivery(
                enrollment_id=run.id, step_id=step, state="open", created_at=NOW, subject="Call Ada"
            )
            session.add(task)
            session.flush()
            cards.show_delivery(
                session, "task", delivery_id=task.id, lead_id=run.lead_id, channel="C0OUTBOUND", now=NOW
            )
        world.until(world.draw)
        world.ana.react(slack.messages("#outbound")[-1], PAUSE)
        world.until(lambda: world.enrollment(sequence="Spring 2").status == Status.PAUSED)
        world.ana.wait_for_text("Paused")
        assert world.enrollment().status == Status.PENDING


def test_guest_is_refused(world, card):
    world.gus.react(card, PAUSE)
    world.gus.wait_for_text("Only full members")
    assert world.enrollment().status == Status.PENDING


def test_second_person_holds_it_too(world, card):
    world.ana.react(card, PAUSE)
    world.ana.wait_for_text("Paused")
    world.ben.react(card, PAUSE)
    world.ben.wait_for_text("Paused")
    assert [hold.author for hold in holds(world)] == ["U0ANA", "U0BEN"], "as two typed pauses would"


@pytest.mark.parametrize(
    "how", ["other emoji", "other message", "by the bot", "card about no lead", "guest elsewhere"]
)
def test_anything_else_is_ignored_in_silence(world, card, how):
    before = len(world.slack.calls_of("chat.postEphemeral"))
    match how:
        case "other emoji":
            world.ana.react(card, "black_right_pointing_triangle_with_double_vertical_bar")
        case "other message":
            world.ana.react(world.ben.type("#outbound", f"{ADA} is away").message, PAUSE)
        case "by the bot":
            world.slack.person("fermata").react(card, PAUSE)
        case "card about no lead":
            with world.database.write() as session:
                cards.show(
                    session, "mailbox:1", channel="C0OUTBOUND", about_id=1, now=NOW + timedelta(seconds=1)
                )
            world.until(world.draw)
            world.ana.react(world.slack.messages("#outbound")[-1], PAUSE)
        case "guest elsewhere":
            world.gus.react(world.ben.type("#outbound", f"{ADA} is away").message, PAUSE)
    world.ana.type(
        "#outbound", "/sequence paused"
    )  # whatever the event began has ended before this is answered
    world.ana.wait_for_text("No lead is paused.")
    assert len(world.slack.calls_of("chat.postEphemeral")) == before
    with world.database.read() as session:
        assert session.exec(select(Lead).where(Lead.email == ADA)).one()
    assert world.enrollment().status == Status.PENDING
