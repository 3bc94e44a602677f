"""Messages taken in: matched, judged, kept, acted upon, shown; once, however often they come."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlmodel import select

from core import figures, inbox
from core.db import Database
from core.errors import Refused
from core.figures import Figure, Weeks
from core.handover import Fate
from core.inbound import Kind
from core.inbox import FolderMark, Raw, Received
from core.models import Folder, Lead, Mailbox, Message, Suppression
from tests.world import ANA, PLAIN, START, World, make

ADA, BOB, EVE = "ada@acme.test", "bob@acme.test", "eve@elsewhere.test"
MAILBOX = "ana@sales.example"
AUTUMN = PLAIN.replace("sequence: Spring", "sequence: Autumn")


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob of Acme have had the first mail."""
    world = make(database_url, PLAIN, ADA, BOB, name="Ada Lovelace")
    world.tick()
    return world


def letter(text: str, sender: str = ADA, *, answers: str | None = None, subject: str = "Re: hello",
           message_id: str | None = "<one@acme.test>", **headers: str) -> bytes:  # fmt: skip
    message = EmailMessage()
    message["From"] = f"Somebody <{sender}>"
    message["To"] = MAILBOX
    message["Subject"] = subject
    message["Date"] = "Tue, 01 Jun 2027 10:00:00 +0200"
    if message_id:
        message["Message-ID"] = message_id
    if answers:
        message["In-Reply-To"] = answers
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def bounce(about: str | None, recipient: str = ADA, status: str = "5.1.1", action: str = "failed") -> bytes:
    returned = f"Message-ID: {about}\n" if about else ""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.acme.test>
To: {MAILBOX}
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-{status}-{action}@mx.acme.test>
Date: Tue, 01 Jun 2027 10:00:00 +0200
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.test

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
Content-Type: text/rfc822-headers

{returned}To: {recipient}
Subject: hello

--b--
""".replace("\n", "\r\n").encode()


def arrive(
    world: World, *contents: bytes, mailbox: int | None = 1, at: datetime | None = None
) -> list[Received]:
    raws = [Raw(content, at or world.now) for content in contents]
    return inbox.receive(world.db, raws, mailbox_id=mailbox, now=world.now)


def mail_of(world: World, email: str = ADA) -> str:
    return world.deliveries(email)[-1].message_id or ""


def messages(world: World) -> list[Message]:
    with world.read() as session:
        return list(session.exec(select(Message).order_by(Message.id)))


class TestMatching:
    def test_answer_to_our_mail_pauses_its_lead_and_waits_for_review(self, world: World) -> None:
        [received] = arrive(world, letter("Thanks, let me think.", answers=mail_of(world)))

        assert (received.kind, received.lead) == ("reply", ADA)
        assert received.outcome == "Paused in Spring until somebody resumes."
        assert (world.status(ADA), world.status(BOB)) == ("paused", "pending")
        [message] = messages(world)
        assert (message.matched_by, message.text) == ("thread", "Thanks, let me think.")
        assert [card.key for card in world.cards()] == [
            f"review:{world.lead_id(ADA)}:{world.enrollment(ADA).id}"
        ]

    def test_sender_is_enough_where_no_mail_is_named(self, world: World) -> None:
        arrive(world, letter("Call me.", subject="A call"))
        assert messages(world)[0].matched_by == "address"
        assert world.status(ADA) == "paused"

    def test_answer_from_another_address_counts_as_the_leads(self, world: World) -> None:
        arrive(world, letter("I take over from Ada.", "carol@acme.test", answers=mail_of(world)))
        [message] = messages(world)
        assert (message.sender, message.lead_id) == ("carol@acme.test", world.lead_id(ADA))
        assert world.status(ADA) == "paused"

    @pytest.mark.row(90)
    def test_answer_of_one_lead_to_anothers_mail_concerns_that_mail_only(self, world: World) -> None:
        arrive(world, letter("She asked me to answer.", BOB, answers=mail_of(world, ADA)))
        assert [(one.lead_id, one.sender) for one in messages(world)] == [(world.lead_id(ADA), BOB)]
        assert (world.status(ADA), world.status(BOB)) == ("paused", "pending")

    def test_colleague_out_of_the_blue_holds_the_lead_mailed_last_and_asks(self, world: World) -> None:
        arrive(world, letter("Please tell me more.", "carol@acme.test", subject="Your offer"))
        assert messages(world)[0].matched_by == "company"
        assert sorted([world.status(ADA), world.status(BOB)]) == ["paused", "pending"]

    def test_colleague_who_wants_no_mail_suppresses_nobody_without_proof(self, world: World) -> None:
        arrive(world, letter("unsubscribe", "carol@acme.test", subject="unsubscribe"))
        with world.read() as session:
            assert session.exec(select(Suppression)).all() == []
        assert sorted([world.status(ADA), world.status(BOB)]) == ["paused", "pending"]

    @pytest.mark.row(91)
    def test_subject_alone_holds_and_asks(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)
        world.tick()
        subject = world.deliveries(ADA)[0].subject
        arrive(world, letter("Yes please.", "ada@private.test", subject=f"AW: {subject}"))
        assert messages(world)[0].matched_by == "subject"
        assert world.status(ADA) == "paused"

    @pytest.mark.row(91)
    def test_subject_that_two_leads_got_means_neither(self, world: World) -> None:
        subject = world.deliveries(ADA)[0].subject
        [received] = arrive(world, letter("Yes please.", "ada@private.test", subject=f"AW: {subject}"))
        assert received.kind is None

    def test_stranger_leaves_no_trace(self, world: World) -> None:
        [received] = arrive(world, letter("Buy now", EVE, subject="Offer"))
        assert received.kind is None
        assert messages(world) == []

    @pytest.mark.row(96)
    def test_own_mail_in_the_mailbox_is_no_answer(self, world: World) -> None:
        own = letter("Hi Ada", MAILBOX, message_id=mail_of(world))
        written_by_hand = letter("As we said on the phone", MAILBOX, message_id="<hand@sales.example>")
        received = arrive(world, own, written_by_hand)
        assert [one.kind for one in received] == ["own", None]
        assert world.status(ADA) == "pending"
        assert messages(world) == []


class TestOnce:
    def test_same_message_five_times_acts_once(self, world: World) -> None:
        same = letter("Thanks", answers=mail_of(world))
        received = [one for _ in range(5) for one in arrive(world, same)]
        assert [one.is_new for one in received] == [True, False, False, False, False]
        assert len(messages(world)) == len(world.holds(ADA)) == 1

    def test_same_message_to_two_processes_acts_once(self, world: World) -> None:
        same = Raw(letter("Thanks", answers=mail_of(world)), world.now)
        done: list[Received] = []

        def read() -> None:
            db = Database(world.db.url)
            try:
                done.extend(inbox.receive(db, [same], mailbox_id=1, now=world.now))
            finally:
                db.close()

        threads = [threading.Thread(target=read) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one.is_new for one in done) == [False] * 4 + [True]
        assert len(world.holds(ADA)) == 1

    @pytest.mark.row(88)
    def test_same_id_with_another_text_is_another_message(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)), letter("No thanks", answers=mail_of(world)))
        assert len(messages(world)) == 2

    @pytest.mark.row(87)
    def test_without_an_id_the_content_tells_it_from_others(self, world: World) -> None:
        same = letter("Thanks", message_id=None)
        arrive(world, same, same, letter("Really, thanks", message_id=None))
        assert [one.text for one in messages(world)] == ["Thanks", "Really, thanks"]

    def test_cut_message_is_known_again_when_it_comes_whole(self, world: World) -> None:
        whole = letter("Thanks\n" + "word " * 20_000, answers=mail_of(world))
        arrive(world, whole[:60_000])
        assert [one.is_new for one in arrive(world, whole)] == [False]

    def test_folders_mark_moves_with_the_messages_and_never_back(self, world: World) -> None:
        for uid in (7, 5):
            mark = FolderMark("INBOX", 4_000_000_000, uid)
            inbox.receive(world.db, [], mailbox_id=1, now=world.now, folder=mark)
        with world.read() as session:
            assert session.get_one(Folder, (1, "INBOX")).last_uid == 7
        inbox.receive(world.db, [], mailbox_id=1, now=world.now, folder=FolderMark("INBOX", 12, 1))
        with world.read() as session:
            assert session.get_one(Folder, (1, "INBOX")).last_uid == 1


class TestBounce:
    @pytest.mark.row(98)
    def test_hard_bounce_stops_and_suppresses(self, world: World) -> None:
        arrive(world, bounce(mail_of(world)))
        assert world.status(ADA) == "stopped"
        with world.read() as session:
            assert session.get_one(Suppression, ADA).reason.startswith("bounced")

    def test_soft_bounce_waits_two_days_and_the_second_for_a_person(self, world: World) -> None:
        arrive(world, bounce(mail_of(world), status="4.2.2"))
        assert [hold.until for hold in world.holds(ADA)] == [START + timedelta(days=2)]
        arrive(world, bounce(mail_of(world), status="4.2.1"))
        assert None in [hold.until for hold in world.holds(ADA)]

    @pytest.mark.row(99)
    def test_delay_changes_nothing(self, world: World) -> None:
        arrive(world, bounce(mail_of(world), status="4.4.1", action="delayed"))
        assert world.status(ADA) == "pending"
        assert world.cards() == []

    def test_delay_is_no_bounce_in_the_figures_until_the_server_gives_up(self, world: World) -> None:
        arrive(world, bounce(mail_of(world), status="4.4.1", action="delayed"))
        week = Weeks(end=world.now.date() + timedelta(days=1), zone="UTC", number=1)
        with world.read() as session:
            assert figures.count(session, week)[Figure.BOUNCED] == [0]
        arrive(world, bounce(mail_of(world)))
        with world.read() as session:
            assert figures.count(session, week)[Figure.BOUNCED] == [1]

    @pytest.mark.row(100, 148)
    def test_forged_bounce_of_a_mail_never_sent_is_nobodys(self, world: World) -> None:
        [received] = arrive(world, bounce("<never@sales.example>"))
        assert received.kind is None
        assert world.status(ADA) == "pending"

    def test_bounce_that_names_only_the_address_holds_and_asks(self, world: World) -> None:
        arrive(world, bounce(None))
        assert world.status(ADA) == "paused"
        with world.read() as session:
            assert session.exec(select(Suppression)).all() == []


class TestWishes:
    @pytest.mark.row(102)
    def test_unsubscribe_by_mail_stops_everywhere(self, world: World) -> None:
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")
        arrive(world, letter("Please unsubscribe me.", answers=mail_of(world)))
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("stopped", "stopped")
        with world.read() as session:
            assert session.get(Suppression, ADA) is not None

    def test_out_of_office_pauses_until_after_the_return(self, world: World) -> None:
        arrive(
            world,
            letter("I am out of the office until June 15.", answers=mail_of(world), subject="Automatic reply: hello",
                   Auto_Submitted="auto-replied"),
        )  # fmt: skip
        [message] = messages(world)
        assert (message.kind, message.findings["back_on"]) == ("out_of_office", "2027-06-15")
        [hold] = world.holds(ADA)
        assert hold.until is not None
        assert date(2027, 6, 16) <= hold.until.date() <= date(2027, 6, 17)

    def test_receipt_changes_nothing_and_shows_no_card(self, world: World) -> None:
        arrive(
            world,
            letter("We have received your message. Ticket #4711 has been created.", answers=mail_of(world),
                   subject="[Ticket 4711] received", Auto_Submitted="auto-generated"),
        )  # fmt: skip
        assert messages(world)[0].kind == "automatic"
        assert world.status(ADA) == "pending"
        assert world.cards() == []

    def test_whoever_has_left_is_held_and_their_successor_offered(self, world: World) -> None:
        arrive(
            world,
            letter("Ada Lovelace no longer works at Acme. Please contact carol@acme.test instead.",
                   answers=mail_of(world), subject="Automatic reply: hello", Auto_Submitted="auto-replied"),
        )  # fmt: skip
        [message] = messages(world)
        assert (message.kind, message.findings["contacts"]) == ("automatic", ["carol@acme.test"])
        assert message.findings["cause"]
        assert world.status(ADA) == "paused"
        assert [card.kind for card in world.cards()] == ["review"]
        with world.read() as session:
            assert session.exec(select(Lead).where(Lead.email == "carol@acme.test")).first() is None


class TestEvidence:
    @pytest.mark.parametrize("how", ["answer", "copy", "bounce"])
    def test_uncertain_mail_is_settled_by_what_bears_its_id(self, world: World, how: str) -> None:
        world.later(days=4)
        [claim, *_] = [one for one in world.claims() if one.lead.email == ADA]
        world.begin([claim])
        world.report(claim, Fate.UNKNOWN)
        about = mail_of(world)
        came = {
            "answer": letter("Thanks", answers=about),
            "copy": letter("Hi Ada", MAILBOX, message_id=about),
            "bounce": bounce(about),
        }[how]

        arrive(world, came)

        delivery = world.deliveries(ADA)[-1]
        assert (delivery.state, delivery.is_open_question) == ("sent", False)


class TestCards:
    def test_one_card_for_a_conversation_and_a_line_for_each_further_answer(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)))
        arrive(world, letter("One more thing", answers=mail_of(world), message_id="<two@acme.test>"))
        review, note = world.cards()
        assert (review.kind, note.kind, note.parent_id) == ("review", "note", review.id)
        assert review.about_id == note.about_id == messages(world)[-1].id

    def test_hundred_automatic_answers_are_one_card(self, world: World) -> None:
        for number in range(20):
            away = letter("I am out of the office.", subject="Out of office", message_id=f"<{number}@acme.test>",
                          Auto_Submitted="auto-replied")  # fmt: skip
            arrive(world, away)
        assert len(world.cards()) == 1


class TestCorrecting:
    def correct(self, world: World, kind: Kind | None, **fields: date) -> None:
        with world.db.write() as session:
            inbox.correct(session, messages(world)[0].id or 0, kind, actor=ANA, now=world.now, **fields)

    def test_reply_that_was_an_absence_gets_its_date(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)))
        self.correct(world, Kind.OUT_OF_OFFICE, back_on=date(2027, 6, 15))
        [hold] = world.holds(ADA)
        assert hold.source == "out_of_office"
        assert hold.until is not None
        assert world.status(ADA) == "paused"

    def test_absence_that_was_an_answer_waits_for_a_person(self, world: World) -> None:
        arrive(
            world,
            letter(
                "I am out of the office until June 15.",
                subject="Out of office",
                Auto_Submitted="auto-replied",
            ),
        )
        self.correct(world, Kind.REPLY)
        [hold] = world.holds(ADA)
        assert (hold.source, hold.until) == ("reply", None)

    def test_what_changes_nothing_lets_the_lead_go_on(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)))
        self.correct(world, Kind.AUTOMATIC)
        assert world.status(ADA) == "pending"
        assert messages(world)[0].corrected_by == ANA.id

    def test_wrong_bounce_is_taken_back_with_its_suppression(self, world: World) -> None:
        before = world.enrollment(ADA).due_at
        arrive(world, bounce(mail_of(world)))
        self.correct(world, Kind.REPLY)
        assert world.status(ADA) == "paused"
        assert world.enrollment(ADA).due_at == before
        with world.read() as session:
            assert session.exec(select(Suppression)).all() == []

    def test_a_persons_own_hold_is_not_released(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)))
        world.say(f"pause {ADA}")
        self.correct(world, None)
        assert [hold.source for hold in world.holds(ADA)] == ["person"]

    def test_same_verdict_again_is_refused(self, world: World) -> None:
        arrive(world, letter("Thanks", answers=mail_of(world)))
        with pytest.raises(Refused):
            self.correct(world, Kind.REPLY)


class TestBarrier:
    def read_at(self, world: World, at: datetime | None) -> None:
        world.change(Mailbox, imap_host="127.0.0.1", read_at=at)

    def test_no_follow_up_leaves_a_mailbox_that_was_not_read(self, world: World) -> None:
        world.later(days=4)
        self.read_at(world, world.now - timedelta(minutes=11))
        assert world.tick() == []
        assert "was not read since" in world.say(f"why {ADA}").as_text()
        self.read_at(world, world.now - timedelta(minutes=9))
        assert world.tick() == [(ADA, "nudge"), (BOB, "nudge")]

    def test_first_step_answers_nobody_and_leaves(self, world: World) -> None:
        self.read_at(world, None)
        world.enrol(EVE)
        assert world.tick() == [(EVE, "intro")]

    def test_mailbox_that_falls_behind_after_the_claim_is_caught_at_the_point_of_no_return(
        self, world: World
    ) -> None:
        world.later(days=4)
        self.read_at(world, world.now)
        claims = world.claims()
        world.later(minutes=1)
        self.read_at(world, world.now - timedelta(minutes=20))
        assert world.begin(claims) == set()

    def test_answer_that_comes_a_second_before_the_step_stops_it(self, world: World) -> None:
        world.later(days=4, seconds=-1)
        arrive(world, letter("Thanks", answers=mail_of(world)))
        world.later(seconds=1)
        assert world.tick() == [(BOB, "nudge")]

    def test_answer_that_comes_after_the_claim_stops_it(self, world: World) -> None:
        world.later(days=4)
        claims = world.claims()
        arrive(world, letter("Thanks", answers=mail_of(world)))
        assert [email for email, _ in world.hand_over(claims)] == [BOB]


def test_message_that_was_cut_asks_for_a_look(world: World) -> None:
    raw = Raw(letter("Thanks", answers=mail_of(world)), world.now, is_cut=True)
    inbox.receive(world.db, [raw], mailbox_id=1, now=world.now)
    assert "very large" in messages(world)[0].findings["cause"]
    assert world.status(ADA) == "paused"


def test_hostile_headers_are_kept_as_text(world: World) -> None:
    raw = letter("Thanks", answers=mail_of(world)).replace(b"<one@acme.test>", b"<\"a\x00b' OR 1=1 --@x>")
    arrive(world, raw)
    assert world.status(ADA) == "paused"


def test_file_on_disk_is_taken_in_like_mail(world: World, tmp_path: Path) -> None:
    from fermata.inbound import said, take_in

    file = tmp_path / "answer.eml"
    file.write_bytes(letter("Thanks", answers=mail_of(world)))
    assert said(take_in(world.db, file, "")) == f"reply of {ADA}: Paused in Spring until somebody resumes."
    assert "taken in before" in said(take_in(world.db, file, ""))
    with pytest.raises(Refused, match="no mailbox here"):
        take_in(world.db, file, "nobody@sales.example")
