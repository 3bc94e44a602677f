"""Review cards: one per conversation, and what a person answers to one judges the message anew, once."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage

import pytest
from sqlmodel import select

from core import leads, views
from core.answers import Answer, NoticeCard, ReviewCard
from core.inbox import Raw, Received, receive
from core.models import Card, Hold, Journal, Lead, Member, Message, Suppression
from core.people import SYSTEM
from core.views.review import offered
from tests.world import ANA, BEN, PLAIN, World, make

ADA, GRACE = "ada@acme.test", "grace@acme.test"
AWAY = "I am out of office until 15 June. In urgent cases write to bob@acme.test.\n"
SLASH = "I am out of office, back on 6/7.\n"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Grace of one company have got their first mail; Ana owns them."""
    world = make(database_url, PLAIN, ADA, GRACE, name="Ada Lovelace", company="Acme", owner="U0ANA")
    world.tick()
    return world.later(hours=2)


def came(world: World, text: str, *, sender: str = ADA, to: str | None = ADA, **headers: str) -> Received:
    """Let a message come back; `to`: the lead whose last mail it answers."""
    mail = EmailMessage()
    world.later(seconds=1)
    mail["From"], mail["To"], mail["Date"] = sender, "ana@sales.example", world.now
    mail["Message-ID"] = f"<{world.now.timestamp()}@mail.test>"
    mail["Subject"] = headers.pop("subject", "Re: a question")
    if to:
        mail["In-Reply-To"] = world.deliveries(to)[-1].message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    [received] = receive(world.db, [Raw(mail.as_bytes(), world.now)], mailbox_id=1, now=world.now)
    return received


def away(world: World, text: str = AWAY) -> int:
    received = came(world, text, subject="Automatic reply: a question", Auto_Submitted="auto-replied")
    assert received.kind == "out_of_office"
    return received.message_id or 0


def shown(world: World, kind: str = "review") -> list[ReviewCard | NoticeCard]:
    with world.read() as session:
        found = session.exec(select(Card).where(Card.kind == kind).order_by(Card.id)).all()  # type: ignore[arg-type]
        return [views.view(session, card, now=world.now) for card in found]  # type: ignore[misc]


def review(world: World) -> ReviewCard:
    [card] = shown(world)
    assert isinstance(card, ReviewCard)
    return card


def press(world: World, label: str, actor: object = ANA) -> Answer:
    """Press a button of the card as it is now."""
    card = review(world)
    offers = (*card.choices, *card.corrections, *card.more)
    [command] = [choice.command for choice in offers if choice.label == label]
    return world.say(command, actor)  # type: ignore[arg-type]


def message(world: World, message_id: int) -> Message:
    with world.read() as session:
        return session.get_one(Message, message_id)


def held_until(world: World, email: str = ADA) -> list[str | None]:
    return [hold.until.date().isoformat() if hold.until else None for hold in world.holds(email)]


# What the card shows


def test_an_absence_is_shown_with_what_was_done_and_its_evidence(world: World) -> None:
    away(world)
    card = review(world)

    assert card.heading == "Ada Lovelace is out of office"
    assert card.quote.startswith("I am out of office until 15 June.")
    assert card.outcome == message(world, card.message_id).outcome
    assert card.evidence == ("Auto-Submitted: auto-replied", "“I am out of office until 15 June.”")
    assert card.owner == "U0ANA"
    assert (card.question, card.verdict, card.more_messages) == ("", None, 0)
    assert [run.status for run in card.lead.enrollments] == ["paused"]


def test_a_further_message_updates_the_card_and_answers_in_its_thread(world: World) -> None:
    away(world)
    came(world, "Thanks, let us talk.\n")

    card = review(world)
    assert (card.heading, card.quote, card.more_messages) == (
        "Ada Lovelace replied",
        "Thanks, let us talk.",
        1,
    )
    [note] = shown(world, "note")
    assert isinstance(note, NoticeCard)
    assert (note.title, note.quote, note.owner) == ("Ada Lovelace replied", "Thanks, let us talk.", None)
    by_kind = {row.kind: row for row in world.cards()}
    assert by_kind["note"].parent_id == by_kind["review"].id


def test_each_lead_has_a_conversation_of_its_own(world: World) -> None:
    away(world)
    came(world, "No thanks.\n", sender=GRACE, to=GRACE)

    assert len(shown(world)) == 2


def test_a_colleagues_answer_says_who_wrote(world: World) -> None:
    came(world, "Ada has left us, talk to me.\n", sender="Carol Danvers <carol@acme.test>")

    card = review(world)
    assert card.heading == "Carol Danvers answered a mail to Ada Lovelace"
    assert "It came from Carol Danvers (carol@acme.test), not from ada@acme.test." in card.notes
    assert "Add carol@acme.test as a lead" in [choice.label for choice in card.choices]


def test_what_is_matched_by_the_company_alone_is_asked_about(world: World) -> None:
    came(world, "Could you call me?\n", sender="Carol <carol@acme.test>", to=None, subject="Your offer")

    card = review(world)
    assert card.heading.startswith("Carol wrote, perhaps about ")
    assert card.question.startswith("carol@acme.test is not known: is this about ")
    assert [choice.label for choice in card.choices] == ["Yes, it is", "No", "Add carol@acme.test as a lead"]
    email = card.lead.email
    press(world, "No")
    assert (world.status(email), review(world).question) == ("pending", "")


def test_the_dialog_of_an_answer_says_what_it_does(world: World) -> None:
    came(
        world,
        "Please remove me from your list.\n",
        sender="Carol <carol@acme.test>",
        to=None,
        subject="Your offer",
    )

    yes = review(world).choices[0]

    assert (yes.label, yes.verb) == ("Yes, it is", "Unsubscribe")
    assert yes.confirm
    assert yes.confirm.endswith("is stopped in every sequence and gets no more mail from anybody here.")


def test_a_date_that_could_be_two_days_is_asked_about(world: World) -> None:
    away(world, SLASH)

    card = review(world)
    assert card.question
    days = [choice.label for choice in card.choices if choice.label.startswith("Back on")]
    assert len(days) == 2
    assert world.holds(ADA)[0].until is None


def test_an_owner_who_has_left_is_not_called(world: World) -> None:
    away(world)
    world.change(Member, is_deleted=True)
    assert review(world).owner is None
    world.change(Lead, owner="ana")
    assert review(world).owner is None


def test_a_card_without_its_message_says_so(world: World) -> None:
    away(world)
    world.change(Card, about_id=None)

    [card] = shown(world)
    assert isinstance(card, NoticeCard)
    assert "no longer here" in card.title


# Corrections


def test_not_an_out_of_office_waits_for_a_person_instead(world: World) -> None:
    message_id = away(world)
    answer = press(world, "Not an out-of-office: an answer")

    assert answer.title == "Noted: the message from ada@acme.test is an answer."
    assert not answer.is_refusal
    assert held_until(world) == [None]
    assert message(world, message_id).kind == "reply"
    card = review(world)
    assert card.heading == "Ada Lovelace replied"
    assert card.verdict == (
        "Ana said that it is an answer, on Tuesday 1 June 2027, 12:00 (Europe/Berlin); "
        "at first it was judged an out-of-office."
    )


def test_automatic_lets_the_lead_go_on(world: World) -> None:
    away(world)
    press(world, "Automatic, ignore")

    assert world.status(ADA) == "pending"
    assert held_until(world) == []


def test_this_was_an_answer_holds_what_an_automatic_message_did_not(world: World) -> None:
    received = came(world, "Your request has been received, ticket 4711.\n", Auto_Submitted="auto-replied",
                    subject="[Ticket 4711] received")  # fmt: skip
    assert world.status(ADA) == "pending"

    world.say(f"card review {received.message_id} answer")

    assert world.status(ADA) == "paused"


def test_out_until_holds_past_the_last_day_away(world: World) -> None:
    message_id = came(world, "Thanks!\n").message_id
    answer = world.say(f"card review {message_id} away until June 30")

    assert "is an out-of-office until Wednesday 30 June 2027" in answer.title
    [until] = held_until(world)
    assert date(2027, 7, 1) <= date.fromisoformat(until or "") <= date(2027, 7, 5)
    assert [hold.source for hold in world.holds(ADA)] == ["out_of_office"]


def test_a_chosen_day_of_return_answers_the_question(world: World) -> None:
    away(world, SLASH)
    day = next(choice.label for choice in review(world).choices if choice.label.startswith("Back on"))
    press(world, day)

    assert None not in held_until(world)
    card = review(world)
    assert (card.question, [choice.label for choice in card.choices]) == ("", [])


def test_a_correction_can_be_corrected_from_the_card_as_it_then_stands(world: World) -> None:
    away(world)
    press(world, "Not an out-of-office: an answer")
    world.later(minutes=1)
    answer = press(world, "Automatic, ignore", BEN)

    assert not answer.is_refusal
    assert world.status(ADA) == "pending"
    assert (review(world).verdict or "").startswith("Ben said that it is nothing to act upon")


def test_not_about_them_lets_go(world: World) -> None:
    message_id = away(world)

    assert "not about them" in world.say(f'card review {message_id} "not about them"').title
    assert world.status(ADA) == "pending"


def test_unsubscribe_stops_everywhere_and_suppresses(world: World) -> None:
    came(world, "Not for me.\n")
    press(world, "Unsubscribe")

    assert world.status(ADA) == "stopped"
    with world.read() as session:
        assert session.get(Suppression, ADA) is not None


def test_not_an_unsubscribe_lifts_the_suppression_and_waits_for_a_person(world: World) -> None:
    came(world, "Please unsubscribe me from this list.\n")
    assert (world.status(ADA), review(world).heading) == ("stopped", "Ada Lovelace wants no more mail")

    press(world, "Not an unsubscribe: an answer")

    assert (world.status(ADA), held_until(world)) == ("paused", [None])
    with world.read() as session:
        assert session.get(Suppression, ADA) is None


def test_a_correction_names_the_mail_that_was_leaving(world: World) -> None:
    came(world, "Thanks!\n")
    world.say(f"resume {ADA} now")
    claims = world.claims()
    assert len(world.begin(claims)) == 1
    world.wait_seconds = 0.1
    answer = press(world, "Unsubscribe")

    assert "had begun leaving" in answer.lines[0]
    world.report(claims[0])


def test_a_persons_hold_outlives_a_correction(world: World) -> None:
    world.say(f"pause {ADA} because holiday")
    away(world)
    press(world, "Automatic, ignore")

    assert world.status(ADA) == "paused"
    assert [hold.source for hold in world.holds(ADA)] == ["person"]


# Twice, late, wrong


def test_the_second_to_correct_is_told_who_was_first(world: World) -> None:
    message_id = away(world)
    world.say(f"card review {message_id} reply seen 0")
    world.later(minutes=1)
    before = world.enrollment(ADA).version
    for said in ("reply seen 0", "automatic seen 0", "automatic"):
        answer = world.say(f"card review {message_id} {said}", BEN)
        assert answer.is_refusal
        assert answer.title.startswith("Ana said that it is an answer at ")
    assert world.enrollment(ADA).version == before


def test_an_old_card_may_still_stop_mail(world: World) -> None:
    message_id = away(world)
    world.say(f"card review {message_id} reply seen 0")
    world.later(minutes=1)

    assert not world.say(f"card review {message_id} unsubscribe seen 0", BEN).is_refusal
    assert world.status(ADA) == "stopped"
    assert world.say(f"card review {message_id} unsubscribe seen 0").title.startswith(
        "Ben said that it is an unsub"
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("1 maybe", "no answer to a review card"),
        ("1 reply until June 15", "Only `away` takes a date"),
        ("1 away until yesterday", "has passed"),
        ("1 away until 2026", "2026"),
        ("9 reply", "no longer here"),
        ("99999999999999999999 reply", "no longer here"),
        ("1 contact 0", "no such contact"),
        ("1 contact 7", "no such contact"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(world: World, said: str, sentence: str) -> None:
    away(world)
    answer = world.say(f"card review {said}")

    assert sentence in answer.title
    assert answer.is_refusal


def test_an_ambiguous_date_is_asked_about_with_the_stamp_kept(world: World) -> None:
    message_id = away(world)
    answer = world.say(f"card review {message_id} away seen 0 until 9/8")

    assert len(answer.choices) == 2
    assert not world.say(answer.choices[0].command).is_refusal
    assert message(world, message_id).corrected_by == ANA.id


# The contact it names


def test_a_contact_becomes_a_lead_and_is_enrolled_nowhere(world: World) -> None:
    away(world)
    answer = press(world, "Add bob@acme.test as a lead")

    assert answer.title == "Added bob@acme.test as a lead of Acme with owner Ana."
    assert [choice.command for choice in answer.choices] == ['start bob@acme.test in "Spring"']
    with world.read() as session:
        bob = session.exec(select(Lead).where(Lead.email == "bob@acme.test")).one()
    assert (bob.company, bob.owner, bob.domain) == ("Acme", "U0ANA", "acme.test")
    assert world.enrollment("bob@acme.test") is None
    assert "bob@acme.test is a lead already." in review(world).notes
    assert "Add bob@acme.test as a lead" not in [choice.label for choice in review(world).choices]


def test_the_second_to_add_a_contact_is_told_who_was_first(world: World) -> None:
    message_id = away(world)
    world.say(f"card review {message_id} contact 1", BEN)

    answer = world.say(f"card review {message_id} contact 1")
    assert answer.is_refusal
    assert answer.title.startswith("Ben added bob@acme.test at ")


def test_a_suppressed_contact_is_neither_offered_nor_added(world: World) -> None:
    message_id = away(world)
    with world.db.write() as session:
        leads.suppress(session, "bob@acme.test", reason="asked", actor=SYSTEM, now=world.now)

    assert review(world).choices == ()
    assert "suppressed" in world.say(f"card review {message_id} contact 1").title


def test_numbers_of_contacts_never_change(world: World) -> None:
    lead = Lead(email=ADA, created_at=world.now)
    sent = Message(key="k", lead_id=1, came_at=world.now, matched_by="thread", sender="carol@acme.test",
                   kind="reply", judged_kind="reply", findings={"contacts": ["bob@acme.test", "carol@acme.test"]})  # fmt: skip
    assert offered(sent, lead) == ("bob@acme.test", "carol@acme.test")
    sent.kind = "bounce"
    assert offered(sent, lead) == ("bob@acme.test", "carol@acme.test")


def test_every_correction_is_in_the_journal(world: World) -> None:
    away(world)
    press(world, "Not an out-of-office: an answer")

    with world.read() as session:
        actors = {line.actor for line in session.exec(select(Journal).where(Journal.became == "paused"))}
        assert len(session.exec(select(Hold)).all()) == 2
    assert ANA.id in actors


def test_the_card_is_wanted_again_by_a_correction(world: World) -> None:
    away(world)
    before = world.cards()[0].wanted
    world.later(minutes=1)
    press(world, "Automatic, ignore")

    assert world.cards()[0].wanted > before
