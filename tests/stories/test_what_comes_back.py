"""What a lead does with our mail comes back as real messages, over IMAP, to the real reader: and mail waits, or ends."""

import multiprocessing
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from core.db import Database
from core.inbox import Raw, receive
from core.models import Message
from tests import mailroom
from tests.stories.conftest import SPRING
from tests.stories.stage import OUTBOUND, reading

ADA, BEA = "ada@x.test", "bea@x.test"
OPERA = SPRING.replace("sequence: Spring", "sequence: Opera").replace("a question", "the opera")


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of June 2027, given in Berlin."""
    return datetime(2027, 6, day, hour - 2, minute, tzinfo=UTC)


@pytest.fixture
def ada(world, clock):
    """A lead who has got step 1, on Tuesday 1 June at 10:00; step 2 would leave on Thursday."""
    world.enrols(ADA, name="Ada", owner="U0ANA")
    clock.settle()
    assert world.mail_to(ADA) == ["Ada, a question"]
    return world.lead(ADA)


def cards_about(world, words: str) -> list[str]:
    return [text for m in world.made.workspace.messages(OUTBOUND) if words in (text := reading(m))]


def test_thanks_pauses_and_waits_for_review(ada, world, clock, team, ana, mail_to):
    ada.answers("Thanks")
    card = team.sees("💬 Ada replied", "Thanks")
    assert "Paused in Spring until somebody resumes." in card
    assert world.status(ADA) == "paused"
    clock.advance(days=10)
    assert mail_to(ADA) == ["Ada, a question"]
    assert "Resumed ada@x.test" in ana.clicks("Resume", on="Ada replied")
    clock.advance(days=10)
    assert mail_to(ADA)[1:] == ["Ada, did it reach you?", "Ada, a last word"]


@pytest.mark.parametrize(("rule", "becomes"), [("continue", "pending"), ("stop", "stopped")])
def test_the_sequence_says_what_a_reply_does(world, clock, team, rule, becomes):
    world.publishes(OPERA.replace("steps:", f"on: {{reply: {rule}, meeting: {rule}}}\nsteps:", 1))
    for email in (ADA, BEA):
        world.enrols(email, name=email[:3].capitalize(), into="Opera")
    clock.settle()
    world.lead(ADA).answers("Thanks")
    world.lead(BEA).books(berlin(8, 15))
    team.sees("Ada replied")
    team.sees("Bea booked a meeting")
    assert [world.status(email, "Opera") for email in (ADA, BEA)] == [becomes, becomes]


def test_qualified_from_the_card_stops_the_rest(ada, world, clock, team, ana, mail_to):
    ada.answers("We are in. Send the contract.")
    team.sees("Ada replied")
    assert "ada@x.test" in world.says("qualify ada@x.test")
    clock.advance(days=10)
    assert (world.status(ADA), mail_to(ADA)) == ("stopped", ["Ada, a question"])


def test_a_second_answer_is_a_note_in_the_thread_of_one_card(ada, world, team):
    ada.answers("Thanks")
    team.sees("Ada replied", "Thanks")
    ada.answers("One more thing: we are four people.")
    team.sees("Ada replied", "1 earlier message in this conversation", "four people")
    look = world.made.workspace.messages
    note = world.made.workspace.wait_for(lambda: next((m for m in look(OUTBOUND) if m.thread_ts), None))
    (card,) = [m for m in look(OUTBOUND) if "Resume" in reading(m)]
    assert "four people" in reading(note)
    assert note.thread_ts == card.ts


def test_a_colleagues_answer_is_the_leads(ada, world, team, clock, mail_to):
    ada.answers("Ada passed this on to me.", is_colleague=True)
    team.sees("Robin Vale answered a mail to Ada", "not from ada@x.test", "Add robin.vale@x.test as a lead")
    clock.advance(days=10)
    assert (world.status(ADA), mail_to(ADA)) == ("paused", ["Ada, a question"])


def test_out_until_june_15_pauses_all_sequences_until_after_it(world, clock, team, mail_to, dates_of_mail_to):
    """In the lead's zone: step 2 has two days of its countdown left when the hold ends."""
    world.publishes(OPERA)
    world.enrols(ADA, name="Ada", zone="America/New_York")
    world.enrols(ADA, into="Opera", zone="America/New_York")
    clock.advance(hours=8)
    assert len(mail_to(ADA)) == 2
    world.lead(ADA).is_away("Out until June 15")
    card = team.sees("🌴 Ada is out of office", "Out until June 15")
    assert "Paused in Opera and Spring until Thursday 17 June 2027, 09:00 (America/New_York)." in card
    assert {world.status(ADA), world.status(ADA, "Opera")} == {"paused"}
    clock.until("2027-06-17", "14:59")
    assert {world.status(ADA), world.status(ADA, "Opera")} == {"paused"}
    assert len(mail_to(ADA)) == 2
    clock.until("2027-06-17", "15:01")
    assert {world.status(ADA), world.status(ADA, "Opera")} == {"pending"}
    clock.advance(days=6)
    assert len(mail_to(ADA)) == 4
    assert all("Sat" not in date and "Sun" not in date for date in dates_of_mail_to(ADA))


def test_a_persons_hold_outlives_the_absence(ada, world, clock, ana, mail_to):
    ana.types("/sequence pause ada@x.test because asked for a call")
    ada.is_away("Out until June 15")
    clock.until("2027-06-30")
    assert world.status(ADA) == "paused"
    assert mail_to(ADA) == ["Ada, a question"]
    assert "asked for a call" in world.says("why ada@x.test")


def test_not_an_out_of_office_but_an_answer(ada, world, clock, team, ana):
    ada.is_away(back_on=datetime(2027, 6, 9).date(), language="de", system="gmail")
    team.sees("Ada is out of office", "Mittwoch, dem 9. Juni 2027", "until Friday 11 June 2027")
    ana.clicks("Not an out-of-office: an answer", on="out of office")
    team.sees("Ada replied", "Ana Ruiz said that it is an answer")
    clock.until("2027-06-20")
    assert world.status(ADA) == "paused"


def test_a_meeting_is_booked_moved_and_nobody_comes(ada, world, clock, team, ana, mail_to):
    ada.books(berlin(8, 15))
    team.sees("Ada booked a meeting", "until Tuesday 8 June 2027, 17:30")
    ada.moves_it(berlin(10, 11))
    team.sees("until Thursday 10 June 2027, 13:30")
    clock.until("2027-06-09", "12:00")
    assert (world.status(ADA), mail_to(ADA)) == ("paused", ["Ada, a question"])
    clock.until("2027-06-10", "12:00")
    team.sees("The meeting with Ada: how did it go?", "[No-show: resume]")
    ana.clicks("No-show: resume", on="how did it go")
    clock.advance(days=12)
    assert mail_to(ADA)[1:] == ["Ada, did it reach you?", "Ada, a last word"]


def test_a_meeting_that_took_place_ends_the_sequence(ada, world, clock, team, ana, mail_to):
    ada.books(berlin(2, 15))
    clock.until("2027-06-02", "15:40")
    team.sees("how did it go?")
    ana.clicks("It took place: stop", on="how did it go")
    clock.advance(days=12)
    assert (world.status(ADA), mail_to(ADA)) == ("stopped", ["Ada, a question"])


def test_a_meeting_called_off_asks(ada, world, team, ana):
    ada.books(berlin(8, 15))
    ada.calls_it_off()
    team.sees("The meeting with Ada was cancelled", "[Resume]")
    ana.clicks("Resume", on="was cancelled")
    assert world.status(ADA) == "pending"


def test_a_hard_bounce_stops_and_suppresses(ada, world, clock, team, mail_to):
    ada.bounces(is_hard=True)
    team.sees("📭 Mail to Ada bounced", "5.1.1")
    assert world.status(ADA) == "stopped"
    world.publishes(OPERA)
    world.enrols(ADA, into="Opera")
    clock.advance(days=10)
    assert mail_to(ADA) == ["Ada, a question"]


def test_a_soft_bounce_suppresses_nobody(ada, world, clock, team):
    ada.bounces(is_hard=False)
    team.sees("Mail to Ada bounced", "For the time being")
    assert world.status(ADA) != "stopped"


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_unsubscribed_by_mail_stops_everywhere(ada, world, clock, team, mail_to, language):
    world.publishes(OPERA)
    world.enrols(ADA, into="Opera")
    clock.settle()
    got = mail_to(ADA)
    ada.wants_no_more(language)
    team.sees("🚫 Ada wants no more mail")
    assert {world.status(ADA), world.status(ADA, "Opera")} == {"stopped"}
    clock.advance(days=10)
    assert mail_to(ADA) == got


def test_a_complaint_stops_everywhere(ada, world, clock, team, mail_to):
    ada.complains()
    team.sees("🚨 Ada reported our mail as spam")
    clock.advance(days=10)
    assert (world.status(ADA), mail_to(ADA)) == ("stopped", ["Ada, a question"])


def test_our_own_mail_is_no_answer(ada, world, clock, mail_to):
    """A copy in Sent, and one that somebody sent to themselves."""
    leads, inboxes = world.made.leads, world.made.imap.inboxes
    raw = world.made.mail.got(leads.last_mail(ADA)).raw
    inboxes.put_sent("ana@northwind.example", raw, world.made.clock.now())
    inboxes.deliver("ana@northwind.example", raw, world.made.clock.now())
    clock.settle()
    assert world.status(ADA) == "pending"
    clock.advance(days=10)
    assert len(mail_to(ADA)) == 3
    assert cards_about(world, "Ada replied") == []


def test_one_message_delivered_five_times_acts_once(ada, world, clock, team):
    ada.answers("Thanks")
    inboxes = world.made.imap.inboxes
    (kept,) = inboxes.messages("ana@northwind.example")
    for _ in range(4):
        inboxes.deliver("ana@northwind.example", kept.content, kept.at)
    inboxes.renumber("ana@northwind.example")
    clock.settle()
    team.sees("Ada replied")
    assert len(cards_about(world, "Ada replied")) == 1
    assert world.says("history ada@x.test").count("pending → paused") == 1


def test_one_message_read_five_times_by_two_processes_acts_once(database_url, database):
    """Both databases; the processes begin at the same moment."""
    room = mailroom.make(database)
    (claimed,) = mailroom.hand_over(room)
    raw = (
        f"From: N0 <lead0@b.test>\r\nTo: us@a.test\r\nSubject: Re: Hello N0 0\r\nMessage-ID: <one@b.test>\r\n"
        f"In-Reply-To: {claimed.message_id}\r\nDate: Tue, 15 Jun 2027 10:00:00 +0000\r\n\r\nThanks\r\n"
    ).encode()
    context = multiprocessing.get_context("spawn")
    both = [
        context.Process(target=take_in_five_times, args=(database_url, room.mailbox_id, raw))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert (len(room.holds()), len(room.cards("review")), len(room.cards("note"))) == (1, 1, 0)
    with database.read() as session:
        assert len(session.exec(select(Message)).all()) == 1


def take_in_five_times(url: str, mailbox_id: int, raw: bytes) -> None:
    with closing(Database(url)) as database:
        for _ in range(5):
            receive(database, [Raw(raw, mailroom.NOW)], mailbox_id=mailbox_id, now=mailroom.NOW)


def test_an_answer_right_before_a_step_is_due_stops_it(ada, world, clock, mail_to):
    clock.until("2027-06-03", "09:59")
    clock.advance(seconds=40)  # the rest runs by itself; tests/jobs/test_reader.py has the last second
    world.made.leads.answer(world.made.leads.last_mail(ADA), "Stop, I have questions first.")
    clock.advance(days=3)
    assert (world.status(ADA), mail_to(ADA)) == ("paused", ["Ada, a question"])
