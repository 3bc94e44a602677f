"""The guard: who bounces too much is held, once, with a card that says why; a person lets it go on."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import col, func, select

from bot.rights import Need, of_command
from core import guarding, handover, releases
from core.answers import NoticeCard
from core.guard import Limits, Rates, in_words, verdict
from core.guarding import Guarded
from core.handover import Fate
from core.inbox import Raw, receive
from core.models import Card, Mailbox, Message, Sequence, Workspace
from core.views import view
from core.views.mailbox_words import state
from sandbox import letters
from sandbox.letters import Got
from tests.world import ANA, BEN, PLAIN, START, World, make

BOX = "ana@sales.example"
EMAILS = [f"lead{number}@x.test" for number in range(60)]


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (Rates(), ""),
        (Rates(82, 6), "6 of 82 mails of the last 7 days bounced (7.3 %; the limit is 5 %)"),
        (Rates(100, 5), ""),  # at the limit is not past it
        (Rates(100, 6), "6 of 100 mails of the last 7 days bounced (6 %; the limit is 5 %)"),
        (Rates(49, 49, 49), ""),
        (Rates(50, 3), "3 of 50 mails of the last 7 days bounced (6 %; the limit is 5 %)"),
        (Rates(1000, 0, 1), ""),
        (
            Rates(999, 0, 1),
            "1 of 999 mails of the last 7 days were reported as spam (0.1 %; the limit is 0.1 %)",
        ),
        (
            Rates(200, 20, 2),
            (
                "20 of 200 mails of the last 7 days bounced (10 %; the limit is 5 %), and "
                "2 of 200 mails of the last 7 days were reported as spam (1 %; the limit is 0.1 %)"
            ),
        ),
    ],
)
def test_the_rule(rates: Rates, said: str) -> None:
    assert verdict(rates, Limits()) == said


def test_the_limits_are_settings() -> None:
    assert verdict(Rates(10, 1), Limits(bounces=9, mails=10)).startswith("1 of 10 mails")
    assert in_words(Rates(82, 6)) == "of 82 in 7 days 7.3 % bounced, 0 % complained"


@pytest.mark.parametrize(
    ("fields", "days", "said"),
    [
        ({"ramp_from": 20, "ramp_step": 20}, 3, "37 of 60 today (ramp-up day 4, 200 from June 10)"),
        ({"ramp_from": 20, "ramp_step": 20}, 9, "37 of 60 today"),
        ({"ramp_from": 20, "ramp_step": 0}, 9, "37 of 60 today (held to 20 of 200 for warming up)"),
        ({"min_gap_seconds": 90}, 0, "37 of 60 today · a gap of 90 seconds"),
        ({}, 0, "37 of 60 today"),
    ],
)
def test_a_mailbox_in_words(fields: dict[str, int], days: int, said: str) -> None:
    box = Mailbox(
        address=BOX, smtp_host="", smtp_port=1, smtp_security="none", first_day="2027-06-01", created_at=START, **fields
    )  # fmt: skip
    found = state(box, 37, 60, zone="UTC", now=START + timedelta(days=days))
    assert found == f"works · {said} · answers are not read"


@pytest.fixture
def world(database_url: str) -> World:
    """Sixty leads whose first mail is due."""
    return make(database_url, PLAIN, *EMAILS)


def send(world: World, refused: int = 0, of: int = 60, answer: str = "5.1.1 No such user") -> list[int]:
    """Hand the first mails over; the servers refuse so many of the addresses. Gives the deliveries refused."""
    claims = world.claims()[:of]
    world.begin(claims[refused:])
    world.report_all(claims[:refused], Fate.REFUSED, answer)
    world.report_all(claims[refused:])
    return [claim.delivery_id for claim in claims[:refused]]


def bounce(world: World, count: int, *, is_hard: bool = True, complain: bool = False) -> None:
    """So many of the mails sent come back, as real reports."""
    for email in EMAILS[-count:]:
        [delivery] = world.deliveries(email)
        sent = (
            f"From: Ana <{BOX}>\r\nTo: {email}\r\nMessage-ID: {delivery.message_id}\r\nSubject: Hello\r\n"
            f"Date: Tue, 01 Jun 2027 10:00:00 +0200\r\n\r\nHi\r\n"
        ).encode()
        made = (
            letters.complaint(Got(sent, email), at=world.now)
            if complain
            else letters.bounce(Got(sent, email), at=world.now, is_hard=is_hard)
        )
        receive(world.db, [Raw(made, world.now)], mailbox_id=1, now=world.now)


def box(world: World) -> Mailbox:
    with world.db.read() as session:
        return session.exec(select(Mailbox)).one()


def sequence_status(world: World) -> str:
    with world.db.read() as session:
        return session.exec(select(Sequence.status)).one()


def guard_cards(world: World, kind: str = "guard") -> list[Card]:
    return [card for card in world.cards() if card.kind == kind]


def shown(world: World, card: Card) -> NoticeCard:
    with world.db.read() as session:
        found = view(session, card, now=world.now)
    assert isinstance(found, NoticeCard)
    return found


def test_refused_addresses_past_the_limit_hold_the_mailbox(world: World) -> None:
    refused = send(world, refused=4, of=59)
    guarding.judge(world.db, now=world.now, deliveries=refused)
    because = "4 of 59 mails of the last 7 days bounced (6.8 %; the limit is 5 %)"
    assert (box(world).guarded_at, box(world).guarded_because) == (world.now, because)
    [card] = guard_cards(world)
    notice = shown(world, card)
    assert notice.title == f"{BOX} is held: {because}"
    assert notice.lines[0].endswith("550 5.1.1 No such user")
    assert {line.partition(":")[0] for line in notice.lines} == set(EMAILS[:4])
    assert [choice.command for choice in notice.choices] == [f"card guard {card.id} release"]
    assert notice.is_for_admins
    assert [line.reason for line in world.journal("guard mailbox")] == [f"{BOX}: {because}"]


def test_at_the_limit_nothing_is_held(world: World) -> None:
    refused = send(world, refused=3)  # 3 of 60
    guarding.judge(world.db, now=world.now, deliveries=refused)
    guarding.judge(world.db, now=world.now)
    assert box(world).guarded_at is None
    assert guard_cards(world) == []


def test_another_refusal_is_no_bounce(world: World) -> None:
    refused = send(world, refused=10, answer="5.7.1 Rejected as spam")
    guarding.judge(world.db, now=world.now, deliveries=refused)
    assert box(world).guarded_at is None


def test_what_comes_back_by_mail_is_counted_as_it_comes(world: World) -> None:
    send(world)
    bounce(world, 3)
    assert box(world).guarded_at is None
    bounce(world, 4)  # three of them again: each mail counts once
    assert str(box(world).guarded_because).startswith("4 of 60 mails")
    [card] = guard_cards(world)
    assert len(shown(world, card).lines) == 4
    assert "5.1.1" in shown(world, card).lines[0]
    bounce(world, 6)  # of what had left before
    assert shown(world, card).title.startswith(f"{BOX} is held: 6 of 60 mails")
    assert len(shown(world, card).lines) == 6


def test_a_soft_bounce_counts_not(world: World) -> None:
    send(world)
    bounce(world, 20, is_hard=False)
    assert box(world).guarded_at is None


def test_one_complaint_of_sixty_is_too_much(world: World) -> None:
    send(world)
    bounce(world, 1, complain=True)
    assert "1 of 60 mails of the last 7 days were reported as spam" in str(box(world).guarded_because)
    [card] = guard_cards(world)
    assert shown(world, card).lines == ("lead59@x.test: reported it as spam",)


def complaint(*fields: str, copy: str = "Subject: Hello", number: int = 1) -> bytes:
    """A feedback report without the Message-ID of the mail that it is about, as many providers send it."""
    return (
        f"From: reports@isp.test\r\nTo: {BOX}\r\nMessage-ID: <r{number}@isp.test>\r\nSubject: FW: Hello\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
        "--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
        + "".join(f"{field}\r\n" for field in fields)
        + f"\r\n--x\r\nContent-Type: text/rfc822-headers\r\n\r\n{copy}\r\n\r\n--x--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("fields", "copy", "mailbox_id", "counts"),
    [
        ((), "Subject: Hello", 1, 1),
        ((), "Subject: Hello", None, 0),
        ((f"Original-Mail-From: <{BOX}>",), "Subject: Hello", None, 1),
        (("Original-Mail-From: <bounces+77@mail.example>",), f"From: Ana <{BOX}>", None, 1),
        (("Original-Mail-From: <other@elsewhere.test>",), "Subject: Hello", 1, 0),
        (("Original-Rcpt-To: <stranger@isp.test>",), f"From: {BOX}\r\nMessage-ID: <not-ours@x.test>", 1, 1),
    ],
)
def test_a_complaint_that_names_no_mail_counts_once(
    world: World, fields: tuple[str, ...], copy: str, mailbox_id: int | None, counts: int
) -> None:
    send(world)
    for _ in range(2):
        receive(
            world.db, [Raw(complaint(*fields, copy=copy), world.now)], mailbox_id=mailbox_id, now=world.now
        )
    with world.db.read() as session:
        found = guarding.rates(session, Guarded.MAILBOX, now=world.now)[1]
        by_sequence = guarding.rates(session, Guarded.SEQUENCE, now=world.now)[1]
    assert (found.mails, found.complained, by_sequence.complained) == (60, counts, 0)
    guarding.judge(world.db, now=world.now)
    assert bool(box(world).guarded_at) is bool(counts)


def test_the_card_names_who_complained_and_what_is_released_counts_anew(world: World) -> None:
    send(world)
    made = [complaint(number=1), complaint("Original-Rcpt-To: <stranger@isp.test>", number=2)]
    receive(world.db, [Raw(one, world.now) for one in made], mailbox_id=1, now=world.now)
    guarding.judge(world.db, now=world.now)
    [card] = guard_cards(world)
    assert shown(world, card).lines == (
        "Somebody who is not named: reported it as spam", "stranger@isp.test: reported it as spam",
    )  # fmt: skip
    world.later(hours=1)
    world.say(f"card guard {card.about_id} release")
    guarding.judge(world.db, now=world.now)
    assert box(world).guarded_at is None
    world.later(days=8)
    with world.db.read() as session:
        assert guarding.rates(session, Guarded.MAILBOX, now=world.now).get(1, Rates()).complained == 0


def test_a_complaint_by_address_alone_holds_the_lead_and_asks(world: World) -> None:
    send(world)
    lead = EMAILS[0]
    receive(world.db, [Raw(complaint(f"Original-Rcpt-To: <{lead}>"), world.now)], mailbox_id=1, now=world.now)
    assert world.status(lead) == "paused"
    with world.db.read() as session:
        assert guarding.rates(session, Guarded.MAILBOX, now=world.now)[1].complained == 1


def test_what_a_person_calls_no_bounce_counts_no_more(world: World) -> None:
    send(world)
    bounce(world, 3)
    world.change(Message, kind="reply", corrected_by=ANA.id)
    with world.db.read() as session:
        assert guarding.rates(session, Guarded.MAILBOX, now=world.now)[1].bounced == 0


def test_a_week_later_it_is_forgotten(world: World) -> None:
    send(world, refused=20)
    world.later(days=7, minutes=1)
    guarding.judge(world.db, now=world.now)
    assert box(world).guarded_at is None


# Held


def held(world: World) -> Card:
    """Thirty leads have their mail or their refusal, thirty wait; the mailbox is held."""
    world.change(Workspace, guard_sends=10)
    refused = send(world, refused=4, of=30)
    world.later(minutes=10)
    guarding.judge(world.db, now=world.now, deliveries=refused)
    return guard_cards(world)[0]


def test_nothing_leaves_a_held_mailbox_and_nothing_spins(world: World) -> None:
    held(world)
    world.later(days=1)
    handover.reap(world.db, now=world.now)  # what nobody reported on in this test
    assert world.claims() == []
    with world.db.read() as session:
        assert releases.next_event(session, now=world.now) is None
    assert "is held since" in world.say(f"why {EMAILS[50]}").as_text()
    [row] = world.say("mailboxes").rows
    assert "held since" in row.detail
    assert "of 30 in 7 days 13 % bounced, 0 % complained" in row.detail
    assert [choice.label for choice in row.choices] == ["Release"]


def test_what_was_claimed_before_does_not_pass_the_gate(world: World) -> None:
    world.change(Workspace, guard_sends=10)
    claims = world.claims()
    world.begin(claims[4:20])
    for claim in claims[:4]:
        world.report(claim, Fate.REFUSED, "5.1.1 No such user")
    for claim in claims[4:20]:
        world.report(claim)
    guarding.judge(world.db, now=world.now)
    assert box(world).guarded_at is not None
    assert world.begin(claims[20:]) == set()


def test_a_person_releases_it_and_it_counts_anew(world: World) -> None:
    card = held(world)
    world.later(hours=1)
    said = world.say(f"card guard {card.id} release")
    assert said.title == f"{BOX} is released."
    row = box(world)
    assert (row.guarded_at, row.released_at, row.released_by) == (None, world.now, ANA.id)
    notice = shown(world, guard_cards(world)[0])
    assert notice.choices == ()
    assert notice.verdict is not None
    assert notice.verdict.startswith("Ana released it on Tuesday 1 June 2027, 11:10")
    assert guard_cards(world)[0].wanted > card.wanted
    guarding.judge(world.db, now=world.now)
    assert box(world).guarded_at is None
    detail = world.say("mailboxes").rows[0].detail
    assert "last sent at 10:00:00" in detail
    assert "bounced" not in detail
    world.say("resume sequence Spring")
    assert len(world.tick()) == 30


def test_the_second_click_is_told_who_was_first(world: World) -> None:
    card = held(world)
    world.say(f"card guard {card.id} release")
    again = world.later(minutes=1).say(f"card guard {card.id} release", BEN)
    assert again.is_refusal
    assert "Ana released it" in again.title
    assert box(world).released_by == ANA.id


def test_a_stale_card_releases_no_later_holding(world: World) -> None:
    first = held(world)
    world.say(f"card guard {first.id} release")
    world.say("resume sequence Spring")
    world.later(minutes=5)
    refused = send(world, refused=10, of=30)
    world.later(minutes=5)
    guarding.judge(world.db, now=world.now, deliveries=refused)
    assert str(box(world).guarded_because).startswith("10 of 30 mails")
    assert len(guard_cards(world)) == 2
    assert world.say(f"card guard {first.id} release").is_refusal
    assert box(world).guarded_at == world.now
    assert shown(world, guard_cards(world)[0]).verdict == "It was released, and has been held again since."
    assert not world.say(f"card guard {guard_cards(world)[1].id} release").is_refusal


@pytest.mark.parametrize(
    "text", ["card guard 99 release", "card guard 1 burn", "card guard 99999999999 release"]
)
def test_an_answer_to_no_card_changes_nothing(world: World, text: str) -> None:
    assert world.say(text).is_refusal


def test_two_workers_that_see_it_at_once_make_one_card(world: World) -> None:
    world.change(Workspace, guard_sends=10)
    refused = send(world, refused=4, of=30)
    ready = threading.Barrier(4)

    def judge() -> None:
        ready.wait()
        guarding.judge(world.db, now=world.now, deliveries=refused)

    workers = [threading.Thread(target=judge) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert (len(guard_cards(world)), len(guard_cards(world, "guard_sequence"))) == (1, 1)
    assert len(world.journal("guard mailbox")) == len(world.journal("guard sequence")) == 1


# Sequences


def test_a_sequence_past_the_limit_is_paused_and_resumed_from_its_card(world: World) -> None:
    held(world)
    assert sequence_status(world) == "paused"
    [card] = guard_cards(world, "guard_sequence")
    notice = shown(world, card)
    assert notice.title.startswith("Spring is paused: 4 of 30 mails of the last 7 days bounced (13 %")
    assert len(notice.lines) == 4
    assert "was paused by Fermata" in world.say(f"why {EMAILS[50]}").as_text()
    world.say(f"card guard {guard_cards(world)[0].id} release")
    assert not world.later(minutes=1).say(f"card guard {card.id} release").is_refusal
    assert sequence_status(world) == "published"
    assert "by Ana" in str(shown(world, card).verdict)
    guarding.judge(world.db, now=world.now)
    assert sequence_status(world) == "published"
    assert world.say(f"card guard {card.id} release", BEN).is_refusal


def test_a_sequence_that_a_person_paused_since_is_not_resumed_by_an_old_card(world: World) -> None:
    held(world)
    [card] = guard_cards(world, "guard_sequence")
    world.say(f"card guard {guard_cards(world)[0].id} release")
    world.later(minutes=1).say("resume sequence Spring")
    world.later(minutes=1).say("pause sequence Spring", BEN)
    assert world.say(f"card guard {card.id} release").is_refusal
    assert sequence_status(world) == "paused"


def test_only_an_admin_releases() -> None:
    assert of_command("card guard 12 release") is Need.IS_FOR_ADMINS


def test_what_was_sent_equals_a_recount(world: World) -> None:
    send(world, refused=2)
    bounce(world, 1)
    with world.db.read() as session:
        found = guarding.rates(session, Guarded.MAILBOX, now=world.now)[1]
        by_sequence = guarding.rates(session, Guarded.SEQUENCE, now=world.now)
        messages = session.exec(select(func.count(col(Message.id)))).one()
    assert (found.mails, found.bounced, found.complained, messages) == (60, 3, 0, 1)
    assert list(by_sequence.values()) == [found]
