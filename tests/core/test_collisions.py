"""Leads that a colleague works: asked about before somebody else enrolls them, answered once and in time."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlmodel import col, select

from core import collisions, leads, owners, releases, sequences, views
from core.answers import Answer, HomeView, NoticeCard
from core.collisions import State, Why
from core.db import Database
from core.lead_file import LeadRow, Row
from core.models import Absence, Batch, Card, Collision, Enrollment, Journal, Lead, Member
from core.people import Actor
from tests.measure import cpu
from tests.world import ANA, BEN, DAY, PLAIN, World, make

CLEO = Actor("U0CLEO", "Cleo", "Europe/Berlin")
CLI = Actor("cli:mira", "mira")
AUTUMN = PLAIN.replace("Spring", "Autumn")
UNTIL = "Friday 4 June 2027, 10:00 (Europe/Berlin)"  # three working days after a Tuesday


@pytest.fixture
def world(database_url: str) -> World:
    """Ada is Ana's and in Spring; Bob is nobody's and nowhere; Ben and Cleo want to enroll people into Autumn."""
    world = make(database_url, PLAIN, "ada@acme.test", owner=ANA.id)
    world.add(AUTUMN)
    with world.db.write() as session:
        session.add(Member(id=CLEO.id, name="Cleo", zone=CLEO.zone, seen_at=world.now))
    saved(world, "bob@bolt.test")
    return world


def saved(world: World, *emails: str, **fields: object) -> list[int]:
    with world.db.write() as session:
        rows = [LeadRow(email=e, domain=e.partition("@")[2], **fields) for e in emails]  # type: ignore[arg-type]
        return [i for i, _ in leads.save(session, rows, actor=CLI, now=world.now).values()]


def clashes(world: World, *emails: str, actor: Actor = BEN) -> dict[str, str]:
    with world.read() as session:
        ids = {world.lead_id(email): email for email in emails}
        found = collisions.find(session, ids, actor=actor, now=world.now)
        return {ids[i]: f"{clash.colleague} {clash.why}" for i, clash in found.items()}


def rows(world: World) -> list[Collision]:
    with world.read() as session:
        return list(session.exec(select(Collision).order_by(col(Collision.id))))


def in_autumn(world: World) -> list[str]:
    with world.read() as session:
        query = (
            select(Lead.email)
            .join(Enrollment, col(Enrollment.lead_id) == col(Lead.id))
            .where(Enrollment.sequence_id == sequences.find(session, "Autumn").id)
        )
        return sorted(session.exec(query))


def shown(world: World, reader: str, number: int = 1) -> NoticeCard:
    with world.read() as session:
        card = session.exec(select(Card).where(Card.key == f"collision:{number}:{reader}")).one()
        view = views.view(session, card, now=world.now)
        assert isinstance(view, NoticeCard)
        return view


def press(world: World, answer: str, actor: Actor = ANA, number: int = 1) -> Answer:
    return world.say(f"card collision {number} {answer}", actor)


# Whose lead it is


def test_a_lead_is_its_owners(world: World) -> None:
    assert clashes(world, "ada@acme.test", "bob@bolt.test") == {"ada@acme.test": "U0ANA is Ana's lead"}
    assert clashes(world, "ada@acme.test", actor=ANA) == {}


def test_a_lead_is_of_whoever_put_it_into_a_running_sequence(world: World) -> None:
    world.say("start bob@bolt.test in Spring", CLEO)
    assert clashes(world, "bob@bolt.test") == {"bob@bolt.test": "U0CLEO was put into Spring by Cleo"}
    assert clashes(world, "bob@bolt.test", actor=CLEO) == {}

    world.say("stop bob@bolt.test", CLEO)
    assert clashes(world, "bob@bolt.test") == {}


def test_a_company_is_of_whoever_has_a_lead_of_it_in_a_sequence(world: World) -> None:
    saved(world, "new@acme.test", "new@mail.acme.test", "new@gmail.com")
    world.enrol("max@gmail.com", owner=ANA.id)
    found = clashes(world, "new@acme.test", "new@mail.acme.test", "new@gmail.com")
    assert found == {"new@acme.test": "U0ANA is of the same company as ada@acme.test, Ana's lead"}

    world.say("stop ada@acme.test", ANA)
    assert clashes(world, "new@acme.test") == {}


@pytest.mark.parametrize("flaw", ["is_guest", "is_bot", "is_deleted"])
def test_somebody_who_is_not_active_is_asked_nothing(world: World, flaw: str) -> None:
    with world.db.write() as session:
        member = session.get_one(Member, ANA.id)
        setattr(member, flaw, True)
        session.add(member)
    assert clashes(world, "ada@acme.test") == {}


def test_an_owner_whom_slack_does_not_know_is_asked_nothing(world: World) -> None:
    saved(world, "eve@eve.test", owner="U0NOBODY")
    saved(world, "joe@joe.test", owner="joe@sales.example")
    assert clashes(world, "eve@eve.test", "joe@joe.test") == {}


def test_a_suppressed_lead_is_reported_as_before_and_nobody_is_asked(world: World) -> None:
    with world.db.write() as session:
        leads.suppress(session, "ada@acme.test", reason="asked", actor=ANA, now=world.now)
    assert clashes(world, "ada@acme.test") == {}
    answer = world.say("start ada@acme.test in Autumn", BEN)
    assert (answer.title, rows(world)) == ("ada@acme.test is suppressed and gets no mail.", [])


def test_ten_thousand_leads_are_looked_at_in_half_a_second(world: World) -> None:
    with world.db.write() as session:
        people = [LeadRow(email=f"p{n}@c{n // 3}.test", domain=f"c{n // 3}.test", owner=ANA.id if n % 3 == 0 else "")
                  for n in range(10_000)]  # fmt: skip
        ids = [i for i, _ in leads.save(session, people, actor=CLI, now=world.now).values()]
        sequence_id = sequences.find(session, "Spring").id or 0
        leads.enrol(session, ids[::2], sequence_id, actor=CLEO, now=world.now)
    with world.read() as session, cpu() as spent:
        found = collisions.find(session, ids, actor=BEN, now=world.now)
        assert spent() < 0.5
    assert {clash.reason for clash in found.values()} == set(Why)


# Asking


def test_starting_a_colleagues_lead_asks_them_and_enrolls_the_others(world: World) -> None:
    answer = world.say("start ada@acme.test, bob@bolt.test in Autumn", BEN)

    assert answer.title == "Started bob@bolt.test in Autumn."
    until = "Friday 4 June 2027, 04:00 (America/New_York)"
    assert answer.lines[-1] == f"1 lead waits for Ana's yes until {until}: ada@acme.test."
    assert in_autumn(world) == ["bob@bolt.test"]
    question = shown(world, ANA.id)
    assert question.title == "Ben wants to put ada@acme.test into Autumn"
    assert question.lines == ("ada@acme.test is your lead, in Spring, no mail yet.",)
    assert question.facts == (
        f"Nobody is enrolled before you say yes; without an answer until {UNTIL} it is declined.",
    )
    assert [choice.label for choice in question.choices] == ["Accept", "Decline", "Hand over"]
    mine = shown(world, BEN.id)
    assert mine.title == "You asked Ana whether ada@acme.test may go into Autumn"
    assert mine.lines == ("ada@acme.test is Ana's lead, in Spring, no mail yet.",)
    assert [choice.label for choice in mine.choices] == ["Withdraw"]
    assert {(card.channel, card.kind) for card in world.cards() if card.kind == "collision"} == {
        (ANA.id, "collision"), (BEN.id, "collision"),
    }  # fmt: skip


def test_a_lead_that_only_waits_is_no_refusal(world: World) -> None:
    answer = world.say("start ada@acme.test in Autumn", BEN)
    assert answer.title.startswith("1 lead waits for Ana's yes until")
    assert answer.lines == ("Nobody is enrolled before that; you get the answer in a message.",)
    assert not answer.is_refusal


def test_one_question_for_each_colleague_and_act(world: World) -> None:
    saved(world, "abe@acme.test", owner=ANA.id)
    saved(world, "cat@cat.test", owner=CLEO.id)
    world.say("start ada@acme.test, abe@acme.test, cat@cat.test in Autumn", BEN)
    assert sorted((row.colleague, len(row.lead_ids)) for row in rows(world)) == [(ANA.id, 2), (CLEO.id, 1)]
    assert shown(world, ANA.id).title == "Ben wants to put 2 leads you work into Autumn"


def test_asking_again_says_who_was_asked_and_asks_nobody(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    answer = world.later(hours=1).say("start ada@acme.test in Autumn", BEN)
    assert answer.title.endswith("ada@acme.test. Ana was asked before and is not asked again.")
    assert len(rows(world)) == 1


def test_a_preview_of_many_says_who_is_asked(world: World) -> None:
    emails = [f"p{n:02}@many.test" for n in range(11)]
    saved(world, *emails, owner=ANA.id)
    answer = world.say(f"start {', '.join(emails)}, bob@bolt.test in Autumn", BEN)
    assert answer.lines[0] == "Ana works 11 leads of these or their company and is asked first."
    world.say("cancel proposal " + (answer.choices[0].proposal or ""), BEN)
    assert rows(world) == []


def test_a_restart_asks_only_about_who_is_not_in_the_sequence(world: World) -> None:
    assert world.say("restart ada@acme.test in Spring", BEN).title == "Restarted ada@acme.test in Spring."
    assert world.say("restart ada@acme.test in Autumn", BEN).title.startswith("1 lead waits for Ana's yes")


def test_a_terminal_is_told_and_goes_ahead(world: World) -> None:
    answer = world.say("start ada@acme.test in Autumn", CLI)
    assert answer.lines[-1] == "Ana works 1 lead of these or their company; nobody was asked."
    assert (in_autumn(world), rows(world)) == (["ada@acme.test"], [])


def test_an_import_counts_what_colleagues_work_but_not_what_the_file_gives_them(world: World) -> None:
    given = [
        ("ada@acme.test", ANA.id),
        ("new@acme.test", ""),
        ("abe@acme.test", ANA.id),
        ("zoe@zoe.test", ""),
    ]
    read = [
        Row(n, LeadRow(email=email, domain=email.partition("@")[2], owner=owner), None)
        for n, (email, owner) in enumerate(given)
    ]
    done = leads.import_batch(world.db, read, into="Autumn", actor=CLI, now=world.now)
    assert done.counts["enrolled"] == 4
    assert done.counts["enrolled, though Ana works them or their company"] == 1
    assert rows(world) == []


# Answering


def test_accepting_enrolls_as_the_askers_act_and_tells_them(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    answer = press(world.later(hours=2), "accept")

    assert answer.title == "Accepted; started ada@acme.test in Autumn."
    assert in_autumn(world) == ["ada@acme.test"]
    [row] = rows(world)
    with world.read() as session:
        assert session.get_one(Batch, row.batch_id).actor == BEN.id
        lines = session.exec(select(Journal).where(Journal.batch_id == row.batch_id)).all()
    assert {(line.actor, line.verb) for line in lines} == {(BEN.id, "start"), (ANA.id, "collision accepted")}
    at = "Tuesday 1 June 2027, 12:00 (Europe/Berlin)"
    assert shown(world, ANA.id).verdict == f"You accepted on {at}: 1 lead enrolled."
    assert shown(world, ANA.id).choices == shown(world, BEN.id).choices == () or shown(world, BEN.id).verdict
    news = shown(world, "news").title
    assert news.startswith(
        "ada@acme.test for Autumn: Ana accepted on Tuesday 1 June 2027, 06:00 (America/New_York)"
    )
    with world.read() as session:
        assert session.get_one(Lead, world.lead_id("ada@acme.test")).owner == ANA.id


def test_the_asker_can_undo_what_was_accepted(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    press(world, "accept")
    assert world.say("undo", BEN).title.startswith("Undid `start`")
    assert world.status("ada@acme.test", "Autumn") == "stopped"
    assert world.status("ada@acme.test", "Spring") == "pending"


def test_an_undo_takes_back_what_the_enrolment_asked(world: World) -> None:
    done = world.say("enrol ada@acme.test, bob@bolt.test in Autumn", BEN)

    answer = world.later(minutes=1).say(f"undo {done.batch_id}", BEN)

    assert (
        "The question to Ana is taken back, and nobody of these is enrolled: ada@acme.test." in answer.lines
    )
    assert shown(world, ANA.id).choices == ()
    assert "Ben took it back on" in shown(world, ANA.id).verdict
    told = press(world, "accept")
    assert told.is_refusal
    assert in_autumn(world) == ["bob@bolt.test"]
    assert (world.status("bob@bolt.test", "Autumn"), rows(world)[0].state) == ("stopped", State.WITHDRAWN)
    # Taking that back starts Bob again and asks nobody: there is no news of a question.
    assert not world.later(minutes=1).say(f"undo {answer.batch_id}").is_refusal
    assert not [card for card in world.cards() if ":news" in card.key]


@pytest.mark.parametrize("verb", ["enrol", "start"])
def test_what_was_only_asked_can_be_undone(world: World, verb: str) -> None:
    world.say("note bob@bolt.test wants a quote", BEN)
    done = world.later(minutes=1).say(f"{verb} ada@acme.test in Autumn", BEN)
    assert done.batch_id
    with world.read() as session:
        home = views.view(session, Card(kind="home", channel=BEN.id), now=world.now)
    assert isinstance(home, HomeView)
    assert home.done.startswith("ada@acme.test in Autumn: you asked a colleague to let it into")

    answer = world.say("undo", BEN)

    assert answer.title == f"Undid `{verb}`."
    assert answer.lines == (
        "The question to Ana is taken back, and nobody of these is enrolled: ada@acme.test.",
    )
    assert press(world, "accept").is_refusal
    assert in_autumn(world) == []
    assert world.say(f"undo {done.batch_id}", BEN).title.startswith("Ben undid this at")


def test_an_undo_names_what_an_earlier_call_asked(world: World) -> None:
    world.say("enrol ada@acme.test in Autumn", BEN)
    done = world.later(hours=1).say("enrol ada@acme.test, bob@bolt.test in Autumn", BEN)
    assert done.lines[-1].endswith("is not asked again.")

    answer = world.say("undo", BEN)

    assert answer.lines[-1] == (
        "Ana was asked earlier and may still say yes about ada@acme.test: "
        "`card collision 1 withdraw` takes that back."
    )
    assert rows(world)[0].state == State.OPEN
    assert not press(world, "withdraw", BEN).is_refusal


def test_an_undo_names_what_was_let_in_meanwhile(world: World) -> None:
    done = world.say("enrol ada@acme.test in Autumn", BEN)
    let_in = press(world, "accept").batch_id
    answer = world.say(f"undo {done.batch_id}", BEN)
    assert answer.is_refusal
    assert answer.title.startswith("ada@acme.test: Ana accepted on")
    assert answer.title.endswith(f"1 lead enrolled. `undo {let_in}` takes that back.")
    assert world.status("ada@acme.test", "Autumn") == "pending"


@pytest.mark.parametrize("answer", ["accept", "hand over"])
def test_whoever_answered_by_mistake_takes_it_back(world: World, answer: str) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    given = press(world, answer)

    undone = world.say(f"undo {given.batch_id}")

    assert undone.title.startswith("Undid `start`")
    assert world.status("ada@acme.test", "Autumn") == "stopped"
    for reader in (ANA.id, BEN.id, f"news:{given.batch_id}"):  # the last is new to the asker
        view = shown(world, reader)
        assert "Ana took that back on Tuesday 1 June 2027" in (view.verdict or view.title)
    with world.read() as session:
        assert session.get_one(Lead, world.lead_id("ada@acme.test")).owner == ANA.id
    assert world.say(f"undo {given.batch_id}", BEN).title.startswith("Ana undid this at")


def test_declining_enrolls_nobody(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    assert press(world, "decline").title == "Declined: nobody was enrolled."
    assert (in_autumn(world), rows(world)[0].state) == ([], State.DECLINED)
    assert "Ana declined on" in shown(world, "news").title


def test_handing_over_makes_them_the_askers_and_an_undo_gives_them_back(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    assert press(world, "hand over").title == "Handed over; started ada@acme.test in Autumn."
    with world.read() as session:
        assert session.get_one(Lead, world.lead_id("ada@acme.test")).owner == BEN.id
    assert clashes(world, "ada@acme.test") == {}
    world.say("undo", BEN)
    with world.read() as session:
        assert session.get_one(Lead, world.lead_id("ada@acme.test")).owner == ANA.id


def test_withdrawing_ends_the_question(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    assert press(world, "withdraw", BEN).title == "Withdrawn: nobody was enrolled."
    told = press(world, "accept")
    assert told.is_refusal
    assert told.title.startswith(
        "Ben took it back on Tuesday 1 June 2027, 10:00 (Europe/Berlin); nobody was enrolled."
    )
    assert in_autumn(world) == []
    assert not [card for card in world.cards() if card.key.endswith(":news")]


@pytest.mark.parametrize("answer", ["accept", "hand over"])
def test_only_who_was_asked_can_say_yes(world: World, answer: str) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    for stranger in (BEN, CLEO, CLI):
        told = press(world, answer, stranger)
        assert (told.is_refusal, told.title) == (
            True,
            "Ana was asked, so only they can answer; nothing was changed.",
        )
    assert press(world, "decline", CLEO).is_refusal
    assert rows(world)[0].state == State.OPEN


@pytest.mark.parametrize("first", ["accept", "decline", "hand over"])
def test_the_second_answer_is_told_the_first(world: World, first: str) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    press(world, first)
    before = in_autumn(world)
    told = press(world.later(minutes=5), "accept")
    assert told.is_refusal
    assert told.title.startswith("Ana ")
    assert told.title.endswith("Nothing was changed.")
    assert in_autumn(world) == before


@pytest.mark.parametrize("words", ["perhaps", "accept until Friday"])
def test_an_answer_that_is_none_says_which_there_are(world: World, words: str) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    assert "accept, decline, hand over or withdraw" in press(world, words).title


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999"])
def test_a_question_that_is_none_is_refused(world: World, number: str) -> None:
    assert world.say(f"card collision {number} accept").title == "That question is no longer here."


def test_what_changed_meanwhile_is_looked_at_anew(world: World) -> None:
    saved(world, "abe@acme.test", "ann@acme.test", owner=ANA.id)
    world.say("start ada@acme.test, abe@acme.test, ann@acme.test in Autumn", BEN)
    world.say("start abe@acme.test in Autumn", ANA)
    with world.db.write() as session:
        leads.suppress(session, "ann@acme.test", reason="asked", actor=ANA, now=world.now)
    answer = press(world, "accept")
    assert answer.title == "Accepted; started ada@acme.test in Autumn."
    assert "ann@acme.test is suppressed and gets no mail." in answer.lines


def test_a_lead_that_is_another_colleagues_by_now_asks_them(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    with world.db.write() as session:
        owners.give(session, [world.lead_id("ada@acme.test")], CLEO.id, actor=ANA, now=world.now)
    press(world, "hand over")
    assert in_autumn(world) == []
    assert [(row.colleague, row.state) for row in rows(world)] == [(ANA.id, "handed_over"), (CLEO.id, "open")]
    press(world, "accept", CLEO, number=2)
    assert in_autumn(world) == ["ada@acme.test"]


def test_a_paused_sequence_leaves_the_question_open(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    world.say("pause sequence Autumn")
    assert press(world, "accept").is_refusal
    world.say("resume sequence Autumn")
    assert not press(world, "accept").is_refusal


def test_an_asker_who_has_left_enrolls_nobody(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    with world.db.write() as session:
        member = session.get_one(Member, BEN.id)
        member.is_deleted = True
        session.add(member)
    assert press(world, "accept").title == "Ben is no longer here, so nobody is enrolled; decline it."
    assert in_autumn(world) == []


# Somebody who stands in


def away(world: World, person: Actor, cover: Actor) -> None:
    with world.db.write() as session:
        session.add(
            Absence(person=person.id, cover=cover.id, until=world.now + 9 * DAY, created_at=world.now, created_by=person.id)
        )  # fmt: skip


def test_whoever_covers_is_asked_and_can_say_yes(world: World) -> None:
    away(world, ANA, CLEO)
    assert "for Cleo's yes" in world.say("start ada@acme.test in Autumn", BEN).title
    assert shown(world, CLEO.id).lines == ("ada@acme.test is Ana's lead, in Spring, no mail yet.",)
    press(world, "accept", CLEO)
    assert in_autumn(world) == ["ada@acme.test"]


def test_whoever_covers_for_the_owner_needs_not_ask_themselves(world: World) -> None:
    away(world, ANA, BEN)
    world.say("start ada@acme.test in Autumn", BEN)
    assert in_autumn(world) == ["ada@acme.test"]


# Expiry


def test_a_question_that_nobody_answers_ends_and_tells_both(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    with world.read() as session:
        assert collisions.next_expiry(session) == world.now + 3 * DAY
        assert releases.next_event(session, now=world.now) is not None
    world.later(days=2, hours=23)
    assert collisions.expire_due(world.db, now=world.now) == 0
    world.later(hours=1)
    assert collisions.expire_due(world.db, now=world.now) == 1
    assert collisions.expire_due(world.db, now=world.now) == 0
    for reader in (ANA.id, BEN.id):
        assert (shown(world, reader).verdict or "").startswith("Nobody answered until Friday 4 June 2027")
    assert "Nobody answered until" in shown(world, "news").title
    with world.read() as session:
        assert collisions.next_expiry(session) is None


def test_a_yes_after_the_end_enrolls_nobody_even_before_the_sweep(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    told = press(world.later(days=3), "accept")
    assert told.is_refusal
    assert told.title.startswith(f"Nobody answered until {UNTIL}")
    assert (in_autumn(world), rows(world)[0].state) == ([], State.EXPIRED)


def test_a_weekend_is_no_time_to_answer(world: World) -> None:
    world.later(days=3).say("start ada@acme.test in Autumn", BEN)
    assert rows(world)[0].expires_at == world.now + timedelta(days=5)


def test_after_the_end_one_can_ask_again(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    collisions.expire_due(world.db, now=world.later(days=3).now)
    world.say("start ada@acme.test in Autumn", BEN)
    assert [row.state for row in rows(world)] == ["expired", "open"]


def together(*acts: object) -> None:
    ready = Barrier(len(acts))

    def run(act: object) -> None:
        ready.wait()
        act()  # type: ignore[operator]

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_workers_end_a_question_once(world: World) -> None:
    world.say("start ada@acme.test in Autumn", BEN)
    later = world.later(days=3).now
    done: list[int] = []
    other = Database(world.db.url)
    together(*[lambda db=db: done.append(collisions.expire_due(db, now=later)) for db in (world.db, other)])
    other.close()
    assert sorted(done) == [0, 1]
    assert len(world.journal("collision expired")) == 1


def test_two_answers_at_once_enroll_once(world: World) -> None:
    away(world, ANA, CLEO)
    world.say("start ada@acme.test in Autumn", BEN)
    said: list[Answer] = []
    together(*[lambda: said.append(press(world, "accept", CLEO)) for _ in range(2)])
    assert sorted(answer.is_refusal for answer in said) == [False, True]
    assert in_autumn(world) == ["ada@acme.test"]


def test_two_questions_at_once_are_one(world: World) -> None:
    together(*[lambda: world.say("start ada@acme.test in Autumn", BEN) for _ in range(2)])
    assert len(rows(world)) == 1
