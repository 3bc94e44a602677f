"""Answers that people write from a card: made once, sent whatever the lead's run does, ended by a stop or a suppression."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core import digests, handover, leads, ledger, replies, views
from core.acts import HOLDS
from core.answers import Answer, DigestCard, NoticeCard, ReviewCard
from core.conversations import Seen, seen
from core.db import Database
from core.errors import Refused
from core.handover import ClaimedReply, Fate, Hand
from core.inbox import Raw, receive
from core.models import Card, Delivery, Enrollment, Lead, Mailbox, Message, Reply, Workspace
from core.releases import next_event
from core.views.answering import draft
from core.worklist import Group, Worklist
from tests.world import ANA, BEN, PLAIN, World, make

ADA, GRACE = "ada@acme.test", "grace@acme.test"
TEXT = "Tuesday at three suits me.\n\nAna"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has got the first mail and answered it."""
    world = make(database_url, PLAIN, ADA, GRACE, name="Ada Lovelace", company="Acme", owner="U0ANA")
    world.tick()
    came(world.later(hours=2), "Would Tuesday suit you?\n")
    world.wait_seconds = 0.1
    return world.later(minutes=5)


def came(world: World, text: str, *, sender: str = ADA, **headers: str) -> int:
    mail = EmailMessage()
    world.later(seconds=1)
    mail["From"], mail["To"], mail["Date"] = sender, "ana@sales.example", world.now
    mail["Message-ID"] = f"<{world.now.timestamp()}@acme.test>"
    mail["Subject"] = headers.pop("subject", "Re: Ada, a question")
    mail["In-Reply-To"] = world.deliveries(ADA)[0].message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    [received] = receive(world.db, [Raw(mail.as_bytes(), world.now)], mailbox_id=1, now=world.now)
    return received.message_id or 0


def last(world: World) -> Message:
    with world.read() as session:
        return session.exec(select(Message).order_by(col(Message.id).desc())).first()  # type: ignore[return-value]


def answer(
    world: World, text: str = TEXT, *, key: str = "form:1", actor: object = ANA, saw: Seen | None = None
) -> Answer:
    with world.db.write() as session:
        return replies.write(session, last(world).id or 0, text, key=key, actor=actor, now=world.now, saw=saw)  # type: ignore[arg-type]


def written(world: World) -> list[Delivery]:
    with world.read() as session:
        return list(session.exec(select(Delivery).where(Delivery.kind == "reply").order_by(col(Delivery.id))))


def the_one(world: World) -> Delivery:
    [delivery] = written(world)
    return delivery


def claimed(world: World) -> Hand:
    [hand] = world.claims()
    assert isinstance(hand, ClaimedReply)
    return hand


def shown(world: World, kind: str = "review") -> list[ReviewCard | NoticeCard]:
    with world.read() as session:
        found = session.exec(select(Card).where(Card.kind == kind).order_by(col(Card.id))).all()
        return [views.view(session, card, now=world.now) for card in found]  # type: ignore[misc]


def review(world: World) -> ReviewCard:
    [card] = shown(world)
    assert isinstance(card, ReviewCard)
    return card


def test_answer_leaves_though_its_lead_is_paused_and_changes_no_run(world: World) -> None:
    before = world.enrollment(ADA)
    said = answer(world)
    assert said.title == "Your answer to ada@acme.test leaves from ana@sales.example."
    assert world.tick() == [(ADA, "reply")]
    delivery = the_one(world)
    assert (delivery.state, delivery.step_id, delivery.subject) == ("sent", None, "Re: Ada, a question")
    assert world.enrollment(ADA) == before
    assert world.status(ADA) == "paused"
    assert world.tick() == []


def test_same_form_twice_is_one_answer(world: World) -> None:
    assert answer(world) == answer(world)
    assert len(written(world)) == 1
    answer(world, key="form:2")
    assert len(written(world)) == 2


def test_same_form_from_two_processes_at_once_is_one_answer(world: World) -> None:
    barrier = threading.Barrier(4)

    def press() -> None:
        barrier.wait()
        answer(world)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written(world)) == 1


def test_answer_follows_the_thread(world: World) -> None:
    [first] = world.deliveries(ADA)
    answer(world)
    hand = claimed(world)
    assert isinstance(hand, ClaimedReply)
    assert hand.references == (first.message_id, last(world).message_id)
    world.hand_over([hand])
    one = last(world)
    came(world.later(hours=1), "Fine, and bring the prices.\n")
    answer(world, key="form:2")
    hand = claimed(world)
    assert isinstance(hand, ClaimedReply)
    assert hand.references == (
        first.message_id,
        one.message_id,
        written(world)[0].message_id,
        last(world).message_id,
    )


def test_ids_that_no_header_can_hold_are_left_out(world: World) -> None:
    world.change(Message, message_id="<not an id\r\nBcc: eve@evil.test>")
    answer(world)
    hand = claimed(world)
    assert isinstance(hand, ClaimedReply)
    assert hand.references == (world.deliveries(ADA)[0].message_id,)


def test_answers_go_before_steps_and_do_not_wait_for_cap_or_gap(world: World) -> None:
    world.enrol("new@acme.test")
    world.change(Mailbox, cap_per_day=2, min_gap_seconds=3600.0, last_handed_at=world.now)
    answer(world)
    assert world.tick() == [(ADA, "reply")]
    with world.read() as session:
        assert (
            session.exec(select(Mailbox)).one().last_handed_at == world.now
        )  # it counts for those that follow


def test_pause_lets_an_answer_go(world: World) -> None:
    world.say(f"resume {ADA} now")
    answer(world)
    hand = claimed(world)
    world.say(f"pause {ADA}")
    assert world.hand_over([hand]) == [(ADA, "reply")]


@pytest.mark.parametrize("when", ["ready", "claimed"])
@pytest.mark.parametrize("end", ["stop", "suppress"])
def test_stop_and_suppression_end_an_answer_and_say_so(world: World, when: str, end: str) -> None:
    answer(world)
    hands = world.claims() if when == "claimed" else []
    if end == "stop":
        world.say(f"stop {ADA} because they bought", BEN)
    else:
        with world.db.write() as session:
            leads.suppress(session, ADA, reason="asked", actor=BEN, now=world.now)
    assert world.hand_over(hands) == []
    assert world.tick() == []
    assert the_one(world).state == "skipped"
    [line] = review(world).answered
    assert "not sent: " in line
    assert ("they bought" if end == "stop" else "asked") in line


def test_answer_to_a_lead_that_a_rule_stopped_before_leaves(world: World) -> None:
    world.say(f"stop {ADA}")
    world.later(minutes=1)
    answer(world)
    assert world.tick() == [(ADA, "reply")]
    assert world.status(ADA) == "stopped"


def test_answer_that_had_to_be_tried_again_does_not_outlive_a_stop(world: World) -> None:
    answer(world)
    hand = claimed(world)
    world.begin([hand])
    world.later(seconds=1).say(f"stop {ADA}")
    world.report(hand, Fate.RETRY, "451 later")
    assert the_one(world).state == "ready"
    world.later(minutes=30)
    assert world.tick() == []
    assert the_one(world).state == "skipped"


def test_suppression_of_the_address_itself_holds_at_the_gate(world: World) -> None:
    """A colleague wrote; the lead whose mail they answer is not suppressed, the colleague is."""
    came(world, "I answer for Ada.\n", sender="Robin Vale <robin@acme.test>")
    answer(world)
    hand = claimed(world)
    assert hand.recipient == "robin@acme.test"
    with world.db.write() as session:
        leads.suppress(session, "robin@acme.test", reason="asked", actor=BEN, now=world.now)
    assert world.begin([hand]) == set()
    handover.release(world.db, [hand], now=world.now)
    assert world.tick() == []
    assert "robin@acme.test is suppressed" in (the_one(world).reason or "")
    with pytest.raises(Refused, match="robin@acme.test is suppressed"):
        answer(world, key="form:2")


def test_halt_withholds_it_and_a_day_later_it_is_not_sent(world: World) -> None:
    answer(world)
    world.say("halt")
    assert world.tick() == []
    assert "waiting, as all sending is halted" in review(world).answered[0]
    world.later(hours=23).say("unhalt")
    assert world.tick() == [(ADA, "reply")]
    answer(world, key="form:2")
    hands = world.claims()
    world.say("halt")
    world.later(hours=25).say("unhalt")
    assert world.begin(hands) == set()
    handover.release(world.db, hands, now=world.now)
    assert world.tick() == []
    assert written(world)[1].state == "skipped"
    with world.read() as session:
        assert draft(session, last(world).id or 0, now=world.now, zone="UTC").unsent == TEXT


def test_who_writes_while_all_is_halted_reads_who_halted_it(world: World) -> None:
    world.say("halt because wrong prices", BEN)
    with world.read() as session:
        halted = draft(session, last(world).id or 0, now=world.now, zone=ANA.zone).halted
    assert halted is not None
    assert halted.startswith("All sending was halted by Ben on Tuesday 1 June 2027, 12:05")
    said = answer(world)
    assert said.title.endswith("waits until the halt ends, and then leaves from ana@sales.example.")
    assert said.lines[0].startswith(halted)


def test_author_of_a_dropped_answer_is_told_directly(world: World) -> None:
    answer(world)
    world.say("halt")
    world.later(hours=25).say("unhalt")
    assert world.tick() == []
    [card] = [card for card in world.cards() if card.kind == "unsent"]
    [note] = shown(world, "unsent")
    assert isinstance(note, NoticeCard)
    assert (card.channel, note.title, note.quote) == (
        ANA.id,
        "Your answer to Ada Lovelace was not sent",
        TEXT,
    )
    assert "could not leave for 24 hours" in note.lines[0]
    assert note.choices[0].form is not None
    assert note.choices[0].form[:2] == ("reply", last(world).id)


def test_temporary_refusal_waits_and_tries_again(world: World) -> None:
    answer(world)
    hand = claimed(world)
    world.begin([hand])
    world.report(hand, Fate.RETRY, "451 greylisted")
    assert world.tick() == []
    world.later(minutes=5)
    assert world.tick() == [(ADA, "reply")]
    assert the_one(world).tries == 2


def test_refused_answer_has_failed_and_holds_nobody(world: World) -> None:
    world.say(f"resume {ADA} now")
    answer(world)
    hand = claimed(world)
    world.begin([hand])
    world.report(hand, Fate.REFUSED, "no such user")
    assert (the_one(world).state, world.holds(ADA)) == ("failed", [])
    assert "not sent: 550 no such user" in review(world).answered[0]


def uncertain(world: World) -> Delivery:
    answer(world)
    assert world.begin(world.claims())
    assert handover.reap(world.db, now=world.now + timedelta(minutes=5)) == 1
    world.later(minutes=5)
    return the_one(world)


def test_lost_worker_leaves_it_uncertain_and_never_sends_it_again(world: World) -> None:
    delivery = uncertain(world)
    assert (delivery.state, world.status(ADA), world.tick()) == ("uncertain", "paused", [])
    assert "may or may not have left" in review(world).answered[0]
    [card] = shown(world, "uncertain")
    assert (card.step, card.verdict) == (0, None)  # type: ignore[union-attr]


@pytest.mark.parametrize(("verdict", "state", "leaves"), [("left", "sent", []), ("drop", "uncertain", []),
                                                          ("again", "uncertain", [(ADA, "reply")])])  # fmt: skip
def test_a_named_person_settles_it(
    world: World, verdict: str, state: str, leaves: list[tuple[str, str]]
) -> None:
    delivery = uncertain(world)
    said = world.say(f"settle {delivery.id} {verdict}", BEN)
    assert said.title.endswith("the answer of Ana to ada@acme.test.")
    assert world.tick() == leaves
    assert written(world)[0].state == state
    again = world.say(f"settle {delivery.id} {verdict}", ANA)
    assert again.is_refusal
    assert "Ben settled this" in again.title
    assert world.tick() == []
    with world.read() as session:
        assert [reply.author for reply in session.exec(select(Reply))] == ["U0ANA", "U0BEN"][
            : 1 + len(leaves)
        ]


def test_evidence_settles_it(world: World) -> None:
    delivery = uncertain(world)
    came(world, "Great, see you then.\n", References=delivery.message_id or "")
    with world.read() as session:
        again = session.get_one(Delivery, delivery.id)
        assert (again.state, again.reason) == (
            "uncertain",
            delivery.reason,
        )  # it answers the step, so nothing is proven
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = ADA, "ana@sales.example", "<x@acme.test>"
    mail["In-Reply-To"], mail["Subject"] = delivery.message_id, "Re: Ada, a question"
    mail.set_content("Great.")
    receive(world.db, [Raw(mail.as_bytes(), world.now)], mailbox_id=1, now=world.now)
    assert the_one(world).state == "sent"


def test_newer_message_or_answer_must_be_seen_first(world: World) -> None:
    with world.read() as session:
        saw = seen(session, last(world))
    answer(world, saw=saw)
    with pytest.raises(Refused, match="Somebody wrote, answered or stopped the lead in the same moment"):
        answer(world, key="form:2", actor=BEN, saw=saw)
    with world.read() as session:
        now = seen(session, last(world))
    assert now == replace(saw, reply_id=now.reply_id)
    first = last(world).id or 0
    came(world, "One more thing.\n")
    with world.read() as session:
        assert seen(session, session.get_one(Message, first)).message_id == last(world).id
    assert len(written(world)) == 1


@pytest.mark.parametrize(("text", "why"), [("  \n", "Write the answer first."), ("bell \x07", "control characters"),
                                           ("x" * 3001, "3,001 characters long")])  # fmt: skip
def test_text_that_cannot_be_sent_is_refused(world: World, text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        answer(world, text)
    assert written(world) == []


def test_lead_without_sequence_or_mailbox_says_what_to_do(world: World) -> None:
    world.change(Enrollment, mailbox_id=None)
    answer(world)  # from the mailbox that it came into
    world.change(Message, mailbox_id=None)
    with pytest.raises(Refused, match="fermata mailbox add"):
        answer(world, key="form:2")


def test_bounce_is_nothing_to_answer(world: World) -> None:
    world.change(Message, kind="bounce")
    with pytest.raises(Refused, match="correct it on its card"):
        answer(world)
    assert not [choice for choice in review(world).choices if choice.form]


def test_address_that_cannot_be_written_to_is_refused_at_once(world: World) -> None:
    world.change(Message, sender="ada@acme.test\r\nBcc: eve@evil.test")
    with pytest.raises(Refused):
        answer(world)
    assert written(world) == []


def test_card_offers_reply_first_and_says_who_answered(world: World) -> None:
    [first, *_] = review(world).choices
    assert (first.label, first.style, first.form) == ("Reply…", "primary", ("reply", last(world).id, 0))
    answer(world)
    assert review(world).answered == (
        "Answered by Ana on Tuesday 1 June 2027, 12:05 (Europe/Berlin): “Tuesday at three suits me. …” – on its way.",
    )
    world.tick()
    assert review(world).answered[0].endswith("– sent.")
    assert review(world).choices[0].label == "Reply again…"
    [note] = shown(world, "answer")
    assert isinstance(note, NoticeCard)
    assert (note.title, note.lines, note.quote) == ("Ana answered Ada Lovelace", ("Sent.",), TEXT)
    with world.read() as session:
        [card] = session.exec(select(Card).where(Card.kind == "answer")).all()
        assert session.get_one(Card, card.parent_id).kind == "review"


def test_every_record_names_the_answer(world: World) -> None:
    answer(world)
    world.tick()
    with world.read() as session:
        [row] = [row for row in ledger.ledger(session) if row["kind"] == "reply"]
        lines = [
            line for line in ledger.audit(session) if line["verb"] in {"reply", "send"} and line["delivery"]
        ]
    assert (row["lead"], row["step"], row["position"], row["state"]) == (ADA, None, None, "sent")
    assert [(line["actor"], line["reason"]) for line in lines] == [
        ("U0ANA", f"to {ADA}"),
        ("system", "the answer: sent"),
    ]
    assert TEXT not in str(lines)
    history = world.say(f"history {ADA}").as_text()
    assert "The answer “Re: Ada, a question” (Spring) was sent." in history
    assert "Ana answered it in Spring to ada@acme.test." in history


def test_undo_and_cancel_step_leave_an_answer_alone(world: World) -> None:
    world.say("halt")
    answer(world)
    world.say(f"resume {ADA} now")
    world.say(f"cancel step {ADA}")
    world.say("undo")
    world.say("unhalt")
    assert the_one(world).state == "ready"
    assert (ADA, "reply") in world.tick()


def test_step_after_an_answer_is_no_answers_business(world: World) -> None:
    """A reply under way neither keeps a lead from being resumed nor counts as its step."""
    answer(world)
    assert world.begin(world.claims())
    assert "Resumed" in world.say(f"resume {ADA} now").title
    assert world.status(ADA) == "pending"


def test_form_shows_the_thread_and_what_stays(world: World) -> None:
    with world.read() as session:
        shown_ = draft(session, last(world).id or 0, now=world.now, zone="Europe/Berlin")
    assert (shown_.route, shown_.quote) == (
        "From ana@sales.example to ada@acme.test",
        "Would Tuesday suit you?",
    )
    [earlier] = shown_.earlier
    assert (earlier.who, earlier.subject, earlier.note) == (
        "ana@sales.example",
        "{{ first_name }}, a question",
        "",
    )
    assert earlier.text.startswith("Hi Ada, reply STOP")
    assert shown_.afterwards == ("Spring stays paused until somebody resumes or stops it.",)


def test_ready_answer_is_found_by_its_index(database: Database) -> None:
    with database.read() as session:
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        if not database.is_sqlite:
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is empty
        query = "SELECT id FROM delivery WHERE kind = 'reply' AND state = 'ready' AND mailbox_id = 1"
        plan = str(session.connection().exec_driver_sql(f"{explain} {query}").all())
    assert "ready_replies" in plan


def test_unhalted_world_is_told_what_is_next(world: World) -> None:
    answer(world)
    with world.read() as session:
        assert next_event(session, now=world.now) == (world.now, "an answer leaves")
    world.change(Workspace, halted_at=world.now)
    with world.read() as session:
        assert next_event(session, now=world.now) != (world.now, "an answer leaves")


def test_colleague_of_the_lead_is_named_in_the_form(world: World) -> None:
    came(world, "I answer for Ada.\n", sender="Robin Vale <robin@acme.test>")
    with world.read() as session:
        shown_ = draft(session, last(world).id or 0, now=world.now, zone="UTC")
        assert session.exec(select(Lead).where(Lead.email == "robin@acme.test")).first() is None
    assert shown_.notes == ("It goes to robin@acme.test, who wrote, not to ada@acme.test.",)


def test_answered_lead_waits_no_longer_for_an_answer_on_the_next_list(world: World) -> None:
    def group() -> Group:
        with world.read() as session:
            [item] = Worklist(world.now, "Europe/Berlin").page(session, offset=0, limit=9, meetings=0)
            return item.group

    assert group() is Group.REPLY
    answer(world)
    assert group() is Group.ENDLESS
    world.say("halt")
    world.later(hours=25).say("unhalt")
    world.tick()  # it was too old to leave
    assert group() is Group.REPLY


@pytest.fixture
def morning(world: World) -> World:
    """Ana's list has come, and Ada waits on it for an answer."""
    digests.digest_due(world.db, now=world.now)  # it has seen the owners
    world.now = world.now.replace(hour=6, minute=30, second=0) + timedelta(days=1)
    assert digests.digest_due(world.db, now=world.now) == 2  # the channel's too
    return world.later(minutes=10)


def listed(world: World, *, place: str = ANA.id) -> tuple[Card, DigestCard]:
    """Give the newest list of a person or a channel."""
    with world.read() as session:
        query = select(Card).where(col(Card.key).startswith(f"digest:{place}:")).order_by(col(Card.id).desc())
        card = session.exec(query).first()
        assert card is not None
        return card, views.view(session, card, now=world.now)  # type: ignore[return-value]


def test_answered_line_is_crossed_out_at_once_and_says_who_answered(morning: World) -> None:
    before, view = listed(morning)
    assert view.groups[0].rows[0].choices[0].label == "Reply…"
    answer(morning, actor=BEN)
    after, view = listed(morning)
    assert after.wanted > before.wanted
    assert [row.verdict for row in view.groups[0].rows] == ["Ben answered it at 08:40."]
    assert view.groups[0].title == "💬 Waiting for an answer from us (done)"
    assert view.verdict == "All done: 1 of 1."
    assert listed(morning, place="C0SALES")[1].verdict == "All done: 1 of 1."


def test_line_answered_stays_crossed_out_whatever_holds_the_lead_then(morning: World) -> None:
    answer(morning)
    morning.tick()
    came(
        morning.later(hours=1), "I am out of the office until June 21.\n", subject="Automatic reply: Re: Ada"
    )
    assert [row.verdict for row in listed(morning)[1].groups[0].rows] == ["Ana answered it at 08:40."]


def test_every_line_of_the_lead_is_crossed_out_by_one_answer(world: World) -> None:
    world.add(PLAIN.replace("Spring", "Summer"))
    world.enrol(ADA, sequence="Summer", owner=ANA.id)
    world.tick()
    came(world.later(hours=1), "And what would it cost?\n")
    with world.db.write() as session:
        row = digests.row_of(session, ANA.id, is_channel=False)
        digests.show(session, row, digests.asked_key(row, world.now.date()), now=world.now)
    assert [row.verdict for row in listed(world)[1].groups[0].rows] == ["", ""]
    answer(world.later(minutes=1))
    assert [row.verdict for row in listed(world)[1].groups[0].rows] == ["Ana answered it at 13:06."] * 2


def test_answer_that_did_not_leave_brings_the_line_back(morning: World) -> None:
    answer(morning)
    before, _ = listed(morning)
    morning.say("halt")
    morning.later(hours=25).say("unhalt")
    morning.tick()  # it was too old to leave
    after, view = listed(morning)
    assert after.wanted > before.wanted
    assert [row.verdict for row in view.groups[0].rows] == [""]
    assert view.verdict == ""


def test_lead_that_writes_again_after_an_answer_is_on_the_next_list(morning: World) -> None:
    answer(morning)
    morning.tick()
    came(morning.later(hours=1), "And on Thursday?\n")
    assert listed(morning)[1].verdict == "All done: 1 of 1.", "this list is worked off"
    morning.later(days=1)
    assert digests.digest_due(morning.db, now=morning.now) == 2
    _, view = listed(morning)
    assert [group.title for group in view.groups] == ["💬 Waiting for an answer from us (1)"]
    answer(morning.later(minutes=1), key="form:2")
    assert listed(morning)[1].verdict == "All done: 1 of 1."


def test_answered_lead_that_is_due_back_today_still_waits_for_its_day(world: World) -> None:
    world.say(f"pause {ADA} until tomorrow 17:00")
    with world.db.write() as session:
        session.execute(
            update(HOLDS).where(HOLDS.c.source == "reply").values(until=world.now + timedelta(hours=20))
        )
        row = digests.row_of(session, ANA.id, is_channel=False)
        world.later(hours=14)
        digests.show(session, row, digests.asked_key(row, world.now.date()), now=world.now)
    answer(world.later(minutes=1))
    _, view = listed(world)
    assert [(group.title, group.rows[0].verdict) for group in view.groups] == [("⏰ Due back today (1)", "")]
