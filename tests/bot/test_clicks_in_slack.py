"""Cards in the channel: clicked, redrawn everywhere, stale ones that never start mail, and forms."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select, update

from bot import codec, modals
from bot.forms import FORMS
from core.lifecycle import Status
from core.models import Card, Hold
from tests.bot.samples import NOW
from tests.bot.world import furnish

STATUS = "/sequence status ada@engines.example"


@pytest.fixture
def card(world):
    """Ada's card, posted in the channel."""
    return posted(world)


def posted(world, channel="#outbound"):
    world.ana.type(channel, STATUS)
    world.ana.wait_for_text("ada@engines.example is", channel=channel)
    world.until(world.draw)
    return shown(world, channel)


def shown(world, channel="#outbound"):
    """Give the card as it stands now."""
    found = [m for m in world.slack.messages(channel) if m.text.startswith("Ada Lovelace")]
    return found[-1] if found else None


def redrawn(world, words, channel="#outbound"):
    """Draw until the card says these words."""

    def look():
        world.draw()
        card = shown(world, channel)
        return card if words in card.all_text() else None

    return world.until(look)


def holds(world):
    with world.database.read() as session:
        return list(session.exec(select(Hold).where(col(Hold.released_at).is_(None))))


def test_status_posts_a_card_for_everybody(world, card):
    assert card.ephemeral_to is None
    text = card.all_text()
    for words in ("Ada Lovelace · Analytical Engines", "⏳ Pending", "step 2 of 3", "Re: Ada, a question"):
        assert words in text


def test_pause_click_freezes_and_redraws_in_place(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ana.wait_for_text("Paused ada@engines.example")
    after = redrawn(world, "⏸️ Paused")
    assert after.ts == card.ts
    assert world.enrollment().remaining == timedelta(days=2)
    assert "▶️ Resume" in after.all_text()
    assert len([m for m in world.slack.messages("#outbound") if m.text.startswith("Ada")]) == 1


def test_resume_click_goes_on(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ben.click(redrawn(world, "⏸️ Paused"), "▶️ Resume")
    world.ben.wait_for_text("Resumed")
    redrawn(world, "⏳ Pending")
    assert world.enrollment().status == Status.PENDING


def test_stop_click_asks_and_stops(world, card):
    world.ana.click(card, "Stop", confirm=False)
    world.ana.click(card, "Stop")
    world.ana.wait_for_text("Stopped ada@engines.example")
    assert "Start again" in redrawn(world, "⏹️ Stopped").all_text()


def test_card_redraws_after_a_command_by_anybody_anywhere(world, card):
    world.ben.type("#general", "/sequence pause ada@engines.example because holiday")
    world.ben.wait_for_text("Paused", channel="#general")
    assert "holiday" in redrawn(world, "⏸️ Paused").all_text()


def test_second_clicker_is_told_who_was_first(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ana.wait_for_text("Paused ada@engines.example")
    paused = redrawn(world, "⏸️ Paused")
    world.ana.click(paused, "▶️ Resume")
    world.ana.wait_for_text("Resumed")
    before = world.enrollment().version
    world.ben.click(paused, "▶️ Resume")
    assert "Ana" in world.ben.wait_for_text("up to date now").all_text()
    assert world.enrollment().version == before


def test_stale_card_still_pauses(world, card):
    with world.database.write() as session:
        row = session.merge(world.enrollment())
        row.version += 1
    world.ana.click(card, "⏸️ Pause")
    world.ana.wait_for_text("Paused ada@engines.example")
    assert world.enrollment().status == Status.PAUSED


def test_click_replayed_acts_once(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ana.wait_for_text("Paused ada@engines.example")
    before = world.enrollment().version
    world.slack.replay()
    world.until(lambda: len(world.ana.ephemerals()) == 3)
    assert world.enrollment().version == before


def test_guest_who_clicks_is_refused(world, card):
    world.gus.click(card, "⏸️ Pause")
    world.gus.wait_for_text("Only full members")
    assert world.enrollment().status == Status.PENDING


@pytest.mark.row(50)
@pytest.mark.parametrize(
    "value", ["", "click pause 1", "click pause 99999999 1", "click erase 1 1", "x" * 2_000]
)
def test_forged_or_foreign_button_is_refused(world, card, value):
    forged = next(e for b in card.blocks for e in b.get("elements", ()) if e.get("type") == "button")
    forged["value"] = value
    world.ana.click(card, forged["text"]["text"])
    world.ana.wait_for_text("⚠️")
    assert world.enrollment().status == Status.PENDING


def test_unknown_action_is_acknowledged_and_ignored(world, card):
    forged = next(e for b in card.blocks for e in b.get("elements", ()) if e.get("type") == "button")
    forged["action_id"] = "somebody_elses"
    assert world.ana.click(card, "somebody_elses").ok
    assert world.enrollment().status == Status.PENDING


def test_resume_on_a_date(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ana.click(redrawn(world, "⏸️ Paused"), "Resume on a date…")
    world.until(lambda: world.ana.modal)
    assert "Ada Lovelace in Spring" in world.ana.modal.all_text()
    world.ana.submit({"Day": "2027-06-15", "Time": "14:30"})
    assert "14:30 (Europe/Berlin)" in world.ana.wait_for_text("Resumed").all_text()
    assert world.ana.modal is None
    assert world.enrollment().due_at == datetime(2027, 6, 15, 12, 30, tzinfo=UTC)


def test_past_date_is_said_at_its_field(world, card):
    world.ana.click(card, "⏸️ Pause")
    world.ana.click(redrawn(world, "⏸️ Paused"), "Resume on a date…")
    world.until(lambda: world.ana.modal)
    world.ana.submit({"Day": "2027-05-01"})
    assert "when" in world.ana.modal.errors
    assert world.enrollment().status == Status.PAUSED


def test_pause_form_reads_words_and_keeps_the_reason(world, card):
    world.ana.click(card, "Pause until a date…")
    world.until(lambda: world.ana.modal)
    world.ana.submit({"Until": "June 15", "Why? (shown on the card)": "on *holiday*"})
    world.ana.wait_for_text("Paused ada@engines.example")
    assert [hold.reason for hold in holds(world)] == ["on *holiday*"]
    # The day is covered whole: it goes on when the window opens on the working day after.
    assert holds(world)[0].until == datetime(2027, 6, 16, 7, tzinfo=UTC)
    assert "on *holiday*" in redrawn(world, "⏸️ Paused").all_text()


def test_stop_form_keeps_the_reason(world, card):
    world.ana.click(card, "Stop, with a reason…")
    world.until(lambda: world.ana.modal)
    world.ana.submit({"Why? (shown on the card)": "bought elsewhere"})
    world.ana.wait_for_text("Stopped ada@engines.example")
    assert world.enrollment().status == Status.STOPPED
    assert world.journal("stop")[0].reason == "bought elsewhere"


def test_keep_the_original_date(world, card):
    world.ana.click(card, "⏸️ Pause")
    paused = redrawn(world, "⏸️ Paused")
    world.clock.now = NOW + timedelta(days=1)
    world.ana.click(paused, "Resume, keep the original date")
    world.ana.wait_for_text("Resumed")
    assert world.enrollment().due_at == NOW + timedelta(days=2)


def test_form_without_memory_is_refused_in_the_form(world, card):
    world.ana.click(card, "Pause until a date…")
    world.until(lambda: world.ana.modal)
    world.slack.state.modals["U0ANA"][-1].payload["private_metadata"] = "not ours"
    world.ana.submit({"Until": "June 15"})
    assert codec.OLD_FORM in world.ana.modal.all_text()
    assert world.enrollment().status == Status.PENDING


@pytest.mark.row(60)
def test_form_that_comes_too_late_is_a_message_instead(world, card):
    world.slack.trigger_seconds = -1
    world.ana.click(card, "Pause until a date…")
    answer = world.ana.wait_for_text("took too long")
    assert '/sequence pause ada@engines.example in "Spring" until June 15' in answer.all_text()


def test_history_from_the_menu(world, card):
    world.ana.click(card, "History")
    world.ana.wait_for_text("What happened to ada@engines.example")


@pytest.mark.row(59)
def test_erased_lead_is_no_longer_here(world, card):
    with world.database.write() as session:
        session.execute(update(Card).values(lead_id=None, wanted=Card.wanted + 1))
    world.until(world.draw)
    after = next(m for m in world.slack.messages("#outbound") if m.ts == card.ts)
    assert "no longer here" in after.all_text()
    assert "Ada" not in after.all_text() + after.text


def test_choice_between_sequences_replaces_its_question(database, slack, clock, client):
    from tests.bot.world import World, connected

    furnish(database, copies=2)
    with connected(World(database, slack, clock, client)) as world:
        world.ana.type("#outbound", "/sequence pause ada@engines.example")
        question = world.ana.wait_for_text("Spring 2")
        assert world.enrollment().status == Status.PENDING
        labels = [
            e["text"]["text"] for b in question.blocks for e in b.get("elements", ()) if e["type"] == "button"
        ]
        world.ana.click(question, next(label for label in labels if "Spring 2" in label))
        world.until(lambda: world.enrollment(sequence="Spring 2").status == Status.PAUSED)
        assert world.enrollment().status == Status.PENDING
        world.until(lambda: "Paused" in world.ana.ephemerals()[-1].all_text())
        assert len(world.ana.ephemerals()) == 1


def test_modal_of_every_form_is_known():
    assert set(FORMS) <= codec.FORMS | {codec.PAUSE_LEAD}
    assert modals.refusal("No.")


def test_first_card_asked_for_by_two_at_once(world):
    world.ana.type("#outbound", STATUS)
    world.ben.type("#outbound", STATUS)
    world.until(lambda: len(world.ana.ephemerals()) + len(world.ben.ephemerals()) == 2)
    world.until(world.draw)
    assert "ada@engines.example is pending" in world.ana.ephemerals()[0].text
    with world.database.read() as session:
        assert len(session.exec(select(Card)).all()) == 2
