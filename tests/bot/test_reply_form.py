"""The form in which a lead is answered: what it shows, what it refuses, and that it sends once whatever is pressed how often."""

from email.message import EmailMessage

import pytest
from sqlmodel import col, select

from core import leads
from core.inbox import Raw, receive
from core.models import Delivery, Message, Reply
from sandbox.slack.blocks import check_view
from sandbox.slack.forms import controls
from tests.bot.samples import HOSTILE
from tests.bot.world import SOMEBODY

ADA = "ada@engines.example"
ANSWER = "Your answer"
TEXT = "Tuesday at *three* suits me.\n\n{{ first_name }}"


def came(world, text):
    """Let a message of Ada's come back."""
    mail = EmailMessage()
    with world.database.read() as session:
        number = len(session.exec(select(Message)).all())
    mail["From"], mail["To"], mail["Date"] = ADA, "ana@northwind.example", world.clock()
    mail["Message-ID"], mail["Subject"] = f"<{number}@engines.example>", "Re: Ada, a question"
    mail.set_content(text)
    [received] = receive(
        world.database, [Raw(mail.as_bytes(), world.clock())], mailbox_id=1, now=world.clock()
    )
    return received.message_id


@pytest.fixture
def card(world):
    """The review card after Ada has answered."""
    came(world, "Would Tuesday suit you?\n")
    return shown(world)


def shown(world):
    while world.draw():
        pass
    [found] = [
        m
        for m in world.slack.messages("#outbound")
        if m.thread_ts is None and "Ada Lovelace replied" in m.text
    ]
    return found


def labels(card):
    return {label for one in controls(card.blocks) for label in one.labels()}


def opened(world, card, label="Reply…", person=None):
    person = person or world.ana
    assert person.click(card, label).ok
    view = world.until(lambda: person.modal)
    assert check_view(view.payload) == []
    return view


def replies(world):
    with world.database.read() as session:
        return session.exec(select(Reply).order_by(col(Reply.id))).all()


def deliveries(world):
    with world.database.read() as session:
        return session.exec(select(Delivery).where(Delivery.kind == "reply").order_by(col(Delivery.id))).all()


def test_form_shows_what_they_wrote_the_thread_and_what_stays(world, card):
    said = opened(world, card).all_text()
    for words in ("Would Tuesday suit you?", "“Re: Ada, a question”", "From ana@northwind.example to ada@engines.example",
                  "Spring stays paused until somebody resumes or stops it."):  # fmt: skip
        assert words in said
    assert replies(world) == []


def test_form_says_that_all_sending_is_halted(world, card):
    world.ana.type("#general", "/sequence halt because wrong prices")
    world.ana.wait_for_text("All sending is halted.", "#general")
    assert "All sending was halted by Ana" in opened(world, card).all_text()


def test_submit_sends_once_and_the_card_says_who_answered(world, card):
    opened(world, card)
    assert world.ana.submit({ANSWER: TEXT}).ok
    world.ana.wait_for_text("Your answer to ada@engines.example leaves from ana@northwind.example.")
    assert world.ana.modal is None
    [reply] = replies(world)
    assert (reply.author, reply.text) == ("U0ANA", TEXT)
    [delivery] = deliveries(world)
    assert (delivery.state, delivery.attempt, delivery.enrollment_id) == ("ready", 0, world.enrollment().id)
    card = shown(world)
    assert (
        "Answered by Ana Ruiz on Tuesday 1 June 2027, 11:30 (Europe/Berlin): “Tuesday at *three* suits me. …”"
        in card.all_text()
    )
    [note] = [m for m in world.slack.messages("#outbound") if m.thread_ts == card.ts]
    assert "Ana Ruiz answered Ada Lovelace" in note.all_text()
    assert {"▶️ Resume", "Stop", "Reply again…"} <= labels(card)


def test_same_submission_delivered_twice_sends_once(world, card):
    view = opened(world, card)
    world.ana.submit({ANSWER: TEXT})
    world.until(lambda: replies(world))
    world.slack.state.modals[world.ana.id] = [view]  # it did not close, so it is pressed again
    world.ana.submit({ANSWER: TEXT})
    world.until(lambda: len(world.journal("reply")) == 1 and not world.ana.modal)
    world.pool.submit(lambda: None).result()
    assert len(replies(world)) == len(deliveries(world)) == 1


def test_closing_the_form_sends_nothing(world, card):
    opened(world, card)
    world.ana.close()
    assert replies(world) == []


@pytest.mark.parametrize(
    ("text", "why"), [("   ", "Write the answer first."), ("bell \x07", "control characters")]
)
def test_errors_stand_at_the_field(world, card, text, why):
    opened(world, card)
    assert why in world.ana.submit({ANSWER: text}).error
    assert world.ana.modal is not None
    assert replies(world) == []


def test_newer_message_is_shown_before_anything_is_sent(world, card):
    opened(world, card)
    came(world, "Or rather on Wednesday?\n")
    world.ana.submit({ANSWER: TEXT})
    view = world.until(lambda: world.ana.modal)
    assert "More was said since you opened this form." in view.all_text()
    assert "Or rather on Wednesday?" in view.all_text()
    assert replies(world) == []
    assert check_view(view.payload) == []
    world.ana.submit()  # what was typed is still there
    world.until(lambda: replies(world))
    [reply] = replies(world)
    assert reply.text == TEXT
    with world.database.read() as session:
        assert session.get_one(Message, reply.message_id).text == "Or rather on Wednesday?"


def test_colleagues_answer_is_shown_before_another_is_sent(world, card):
    opened(world, card)
    opened(world, card, person=world.ben)
    world.ben.submit({ANSWER: "I take this one."})
    world.until(lambda: replies(world))
    world.ana.submit({ANSWER: TEXT})
    assert "Answered by Ben" in world.until(lambda: world.ana.modal).all_text()
    assert [reply.author for reply in replies(world)] == ["U0BEN"]


def test_suppressed_address_is_refused_at_the_field_and_the_text_stays(world, card):
    opened(world, card)
    with world.database.write() as session:
        leads.suppress(session, ADA, reason="asked", actor=SOMEBODY, now=world.clock())
    assert "is suppressed" in world.ana.submit({ANSWER: TEXT}).error
    assert world.ana.modal is not None
    assert replies(world) == []


def test_old_card_opens_the_newest_message(world, card):
    came(world, "Or rather on Wednesday?\n")
    assert "Or rather on Wednesday?" in opened(world, card).all_text()


def test_guest_cannot_answer(world, card):
    world.gus.click(card, "Reply…")
    world.gus.wait_for_text("guest")
    assert world.gus.modal is None


def test_hostile_message_stays_plain(world):
    came(world, HOSTILE)
    view = opened(world, shown(world))
    assert "mrkdwn" not in str(view.payload)


def test_answer_that_did_not_leave_is_where_the_next_begins(world, card):
    opened(world, card)
    world.ana.submit({ANSWER: TEXT})
    world.until(lambda: replies(world))
    world.ana.type("#outbound", "/sequence stop ada@engines.example")
    world.until(lambda: deliveries(world)[0].state == "skipped")
    world.until(lambda: "Reply again…" in labels(shown(world)))  # the bot itself may be drawing it
    view = opened(world, shown(world), "Reply again…")
    assert "the answer that was not sent" in view.all_text()
    [field] = [block for block in view.payload["blocks"] if block["type"] == "input"]
    assert field["element"]["initial_value"] == TEXT


def test_stop_meanwhile_is_shown_before_anything_is_sent(world, card):
    opened(world, card)
    world.ben.type("#outbound", f"/sequence stop {ADA}")
    world.ben.wait_for_text("Stopped ada@engines.example")
    world.ana.submit({ANSWER: TEXT})
    view = world.until(lambda: world.ana.modal)
    said = view.all_text()
    assert "The lead was stopped since you opened this form." in said
    assert "Ben Okafor stopped Spring on Tuesday 1 June 2027, 11:30" in said
    assert "Spring stays stopped." in said
    assert "stays paused" not in said
    assert replies(world) == []
    assert check_view(view.payload) == []

    world.ana.submit()  # seen, and meant
    answer = world.ana.wait_for_text("Your answer to ada@engines.example leaves").all_text()
    assert "no sequence of theirs is running" in answer
    assert "resume" not in answer
    assert [reply.text for reply in replies(world)] == [TEXT]
    assert "At first: paused" in shown(world).all_text()
