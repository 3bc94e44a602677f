"""Review cards in the channel: posted once, redrawn in place, further messages in the thread, corrected by a click."""

from email.message import EmailMessage

import pytest
from sqlmodel import col, select

from core import cards
from core.inbox import Raw, receive
from core.lifecycle import Status
from core.models import Card, Delivery, Hold, Lead, Member, Message
from tests.bot.samples import NOW

ADA = "ada@engines.example"
AWAY = "I am out of office until 15 June. In urgent cases write to bob@engines.example.\n"
CORRECT = "Not an out-of-office: an answer"


@pytest.fixture
def owned(world):
    """The world, with Ana as Ada's owner."""
    with world.database.write() as session:
        ada = session.exec(select(Lead).where(Lead.email == ADA)).one()
        ada.owner = "U0ANA"
    return world


@pytest.fixture
def card(owned):
    """Ada's card after she was out of office."""
    came(owned, AWAY, Auto_Submitted="auto-replied")
    return shown(owned)


def came(world, text, **headers):
    """Let a message of Ada's come back."""
    mail = EmailMessage()
    number = sum(len(one.text) + 1 for one in messages(world))
    mail["From"], mail["To"], mail["Date"] = ADA, "ana@northwind.example", world.clock()
    mail["Message-ID"], mail["Subject"] = f"<{number}@engines.example>", "Re: a question"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    [received] = receive(world.database, [Raw(mail.as_bytes(), NOW)], mailbox_id=1, now=world.clock())
    assert received.is_new
    return received.message_id


def messages(world):
    with world.database.read() as session:
        return session.exec(select(Message).order_by(Message.id)).all()


def shown(world):
    """Draw what wants drawing and give the conversation's card."""
    while world.draw():
        pass
    [found] = [m for m in world.slack.messages("#outbound") if m.from_app and m.thread_ts is None]
    return found


def thread(world):
    return [m for m in world.slack.messages("#outbound") if m.thread_ts is not None]


def called(message):
    return [
        piece["user_id"]
        for block in message.blocks
        for group in block.get("elements", ())
        for piece in group.get("elements", ())
        if piece.get("type") == "user"
    ]


def redrawn(world, words):
    def look():
        found = shown(world)
        return found if words in found.all_text() else None

    return world.until(look)


def holds(world):
    with world.database.read() as session:
        return [h.source for h in session.exec(select(Hold).where(col(Hold.released_at).is_(None)))]


def test_card_is_posted_once_and_calls_its_owner(owned, card):
    assert "🌴 Ada Lovelace is out of office" in card.all_text()
    assert "I am out of office until 15 June." in card.all_text()
    assert called(card) == ["U0ANA"]


def test_redraw_calls_nobody(owned, card):
    came(owned, "Thanks, let us talk.\n")
    after = redrawn(owned, "Ada Lovelace replied")
    assert after.ts == card.ts
    assert after.revision >= 1
    assert called(after) == []
    assert "For Ana Ruiz" in after.all_text()


def test_further_message_stands_in_the_thread_and_calls_nobody(owned, card):
    came(owned, "Thanks, let us talk.\n")
    parent = shown(owned)
    [note] = thread(owned)
    assert note.thread_ts == parent.ts
    assert "Thanks, let us talk." in note.all_text()
    assert called(note) == []
    came(owned, "And on Friday?\n")
    shown(owned)
    assert [m.thread_ts for m in thread(owned)] == [parent.ts] * 2
    assert "2 earlier messages in this conversation" in shown(owned).all_text()


def test_thread_waits_for_its_card_without_counting_as_a_failure(owned):
    came(owned, AWAY, Auto_Submitted="auto-replied")
    came(owned, "Thanks, let us talk.\n")
    owned.slack.fail_next("chat.postMessage", status=429, retry_after=30)
    assert owned.draw() == 0
    assert thread(owned) == []
    with owned.database.read() as session:
        note = session.exec(select(Card).where(Card.kind == "note")).one()
    assert (note.tries, note.fault, note.retry_at) == (0, None, None)
    owned.clock.now = owned.clock.now.replace(minute=31)
    parent = shown(owned)
    assert [m.thread_ts for m in thread(owned)] == [parent.ts]


def test_lost_card_is_posted_anew_and_calls_again(owned, card):
    owned.slack.state.delete(owned.slack.state.message("C0OUTBOUND", card.ts))
    with owned.database.write() as session:
        cards.touch(session, lead_ids=[messages(owned)[0].lead_id])
    again = shown(owned)
    assert again.ts != card.ts
    assert called(again) == ["U0ANA"]


def test_correction_redraws_the_card_for_everybody(owned, card):
    owned.ben.click(card, CORRECT)
    owned.ben.wait_for_text("Noted: the message from ada@engines.example is an answer.")
    after = redrawn(owned, "Ben")
    assert "said that it is an answer" in after.all_text()
    assert holds(owned) == ["reply"]


def test_second_to_correct_is_told_who_was_first(owned, card):
    owned.ana.click(card, CORRECT)
    owned.ana.wait_for_text("Noted")
    owned.ben.click(card, "Automatic, ignore")
    answer = owned.ben.wait_for_text("said that it is an answer at")
    assert answer.all_text().count("Ana") == 1
    assert owned.enrollment().status == Status.PAUSED


def test_click_replayed_acts_once(owned, card):
    owned.ana.click(card, CORRECT)
    owned.ana.wait_for_text("Noted")
    before = owned.enrollment().version
    owned.slack.replay()
    owned.until(lambda: len(owned.ana.ephemerals()) == 2)
    assert owned.enrollment().version == before


def test_resume_from_the_card(owned, card):
    owned.ana.click(card, "▶️ Resume")
    owned.ana.wait_for_text("Resumed")
    assert owned.enrollment().status == Status.PENDING
    assert "⏳ Pending" in redrawn(owned, "Pending").all_text()


def test_resume_on_a_date_from_the_card(owned, card):
    owned.ana.click(card, "Resume on a date…")
    owned.until(lambda: owned.ana.modal)
    owned.ana.submit({"Day": "2027-06-20"})
    owned.ana.wait_for_text("Resumed")


def test_out_until_asks_for_a_day_and_holds_past_it(owned, card):
    owned.ana.click(card, "Out until…")
    owned.until(lambda: owned.ana.modal)
    assert "Ada Lovelace is out of office" in owned.ana.modal.all_text()
    owned.ana.submit({"Last day away": "2027-06-30"})
    owned.ana.wait_for_text("is an out-of-office until Wednesday 30 June 2027")
    assert owned.ana.modal is None
    with owned.database.read() as session:
        [hold] = session.exec(select(Hold).where(col(Hold.released_at).is_(None))).all()
    assert (hold.until.month, hold.source) == (7, "out_of_office")


def test_out_until_a_past_day_is_said_at_its_field(owned, card):
    owned.ana.click(card, "Out until…")
    owned.until(lambda: owned.ana.modal)
    owned.ana.submit({"Last day away": "2027-05-01"})
    assert "when" in owned.ana.modal.errors
    assert messages(owned)[0].corrected_by is None


def test_form_of_a_card_that_was_corrected_meanwhile_never_acts(owned, card):
    owned.ana.click(card, "Out until…")
    owned.until(lambda: owned.ana.modal)
    owned.ben.click(card, CORRECT)
    owned.ben.wait_for_text("Noted")
    owned.ana.submit({"Last day away": "2027-06-30"})
    assert "Ben" in owned.ana.wait_for_text("said that it is an answer at").all_text()
    assert holds(owned) == ["reply"]


def test_form_that_comes_too_late_is_a_message_instead(owned, card):
    owned.slack.trigger_seconds = -1
    owned.ana.click(card, "Out until…")
    answer = owned.ana.wait_for_text("took too long")
    assert f"/sequence card review {messages(owned)[0].id} away until June 15" in answer.all_text()


def test_contact_is_added_and_offered_no_more(owned, card):
    owned.ana.click(card, "Add bob@engines.example as a lead")
    owned.ana.wait_for_text("Added bob@engines.example as a lead of Analytical Engines with owner Ana")
    assert "bob@engines.example is a lead already." in redrawn(owned, "a lead already").all_text()
    assert "Add bob" not in shown(owned).all_text()


def test_qualified_from_the_menu_with_undo(owned, card):
    owned.ana.click(card, "Mark qualified")
    answer = owned.ana.wait_for_text("Marked ada@engines.example as qualified")
    assert owned.enrollment().status == Status.STOPPED
    owned.ana.click(answer, "↩️ Undo")
    owned.ana.wait_for_text("Undid")
    assert owned.enrollment().status == Status.PAUSED


def test_guest_corrects_nothing(owned, card):
    owned.gus.click(card, CORRECT)
    owned.gus.wait_for_text("Only full members")
    assert messages(owned)[0].corrected_by is None


def test_text_in_the_thread_sends_no_mail_and_changes_nothing(owned, card):
    state = owned.slack.state
    before = owned.enrollment()
    words = ["resume", f"/sequence resume {ADA}", f"<@U0BOT> resume {ADA}", "Dear Ada, see you on Monday"]
    for text in words:
        posted = state.post("C0OUTBOUND", "U0ANA", text, thread_ts=card.ts)
        event = {
            "user": "U0ANA",
            "text": text,
            "ts": posted.ts,
            "thread_ts": card.ts,
            "channel": "C0OUTBOUND",
        }
        for kind in ("message", "app_mention"):
            owned.slack.send_event(event | {"type": kind, "channel_type": "channel"})
    owned.pool.shutdown(wait=True)  # whatever the bot had begun is over
    assert owned.enrollment() == before
    with owned.database.read() as session:
        assert session.exec(select(Delivery)).all() == []
    assert owned.ana.ephemerals() == []


def test_hostile_answer_calls_and_formats_nothing(owned):
    came(owned, "<!channel> <@U0BEN> *now* <https://evil.test|bank> @here :bomb:\n")
    message = shown(owned)
    kinds = {
        piece.get("type")
        for block in message.blocks
        for group in block.get("elements", ())
        for piece in group.get("elements", ())
        if block["type"] == "rich_text"
    }
    assert kinds <= {"text", "user", "date", "rich_text_section"}
    assert called(message) == ["U0ANA"]
    assert "<!channel>" not in message.text


def test_owner_who_left_is_not_called(owned):
    with owned.database.write() as session:
        session.merge(Member(id="U0ANA", name="Ana Ruiz", is_deleted=True, seen_at=NOW))
    came(owned, AWAY, Auto_Submitted="auto-replied")
    assert called(shown(owned)) == []
