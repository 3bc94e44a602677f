"""What cards show: frozen views, read fresh."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import ledger
from core.announcements import announce_due
from core.answers import LeadCard, NoticeCard, TaskCard, UncertainCard
from core.cards import show_lead
from core.handover import Fate
from core.models import Card, Mailbox
from core.releases import next_event
from core.views import view
from tests.core.test_commands_clicks import TASK
from tests.world import BEN, PLAIN, START, World, make

ADA = "ada@acme.test"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada has had the first step and has a card."""
    world = make(database_url, PLAIN, ADA, company="Acme", owner="U0BEN", tags=("hot",))
    world.tick()
    with world.db.write() as session:
        show_lead(session, lead_id=world.lead_id(ADA), channel="C0SALES", now=world.now)
    return world


def shown(world: World, number: int = 0) -> object:
    with world.db.read() as session:
        return view(session, world.cards()[number], now=world.now)


def lead_card(world: World) -> LeadCard:
    card = shown(world)
    assert isinstance(card, LeadCard)
    return card


def test_the_lead_card_of_a_running_lead(world: World) -> None:
    card = lead_card(world)

    assert (card.email, card.company, card.owner, card.tags) == (ADA, "Acme", "Ben", ("hot",))
    [run] = card.enrollments
    assert (run.sequence, run.status, run.position, run.steps) == ("Spring", "pending", 1, 3)
    assert (run.next_step, run.next_at) == ("Did it reach you, Ada?", datetime(2027, 6, 5, 8, tzinfo=UTC))
    assert (run.reasons, run.has_started, run.mailbox) == ((), True, "ana@sales.example")
    assert run.version == world.enrollment(ADA).version


def test_the_lead_card_of_a_paused_lead(world: World) -> None:
    world.say(f"pause {ADA} until June 15", actor=BEN)

    [run] = lead_card(world).enrollments

    assert run.status == "paused"
    assert run.reasons == (
        "Paused by Ben since Tuesday 1 June 2027, 10:00 (Europe/Berlin) until Wednesday 16 June 2027, 00:00 (Europe/Berlin).",
    )
    assert run.next_at == datetime(2027, 6, 19, 22, tzinfo=UTC)
    assert lead_card(world).timeline[0].text.startswith("Ben paused it in Spring (pending → paused)")


def test_a_hand_over_under_way_and_what_stands_above_all(world: World) -> None:
    world.later(days=4)
    world.begin(world.claims())
    world.wait_seconds = 0.01
    world.say("halt because fire")

    card = lead_card(world)

    assert card.enrollments[0].is_under_way
    assert "halted by Ana" in (card.halted or "")


def test_a_card_of_nobody() -> None:
    card = LeadCard(0, "", "", is_erased=True)

    assert card.is_erased


def test_cards_of_what_is_gone(world: World) -> None:
    with world.db.read() as session:
        gone = view(session, Card(key="x", kind="lead", channel="C", created_at=START), now=world.now)
        other = view(session, Card(key="y", kind="uncertain", channel="C", created_at=START), now=world.now)

    assert isinstance(gone, LeadCard)
    assert gone.is_erased
    assert isinstance(other, NoticeCard)


def test_the_uncertain_card_before_and_after(world: World) -> None:
    world.later(days=4)
    [claim] = world.claims()
    world.begin([claim])
    world.report(claim, Fate.UNKNOWN, "connection lost")

    before = shown(world, 1)
    assert isinstance(before, UncertainCard)
    assert (before.lead, before.step, before.verdict, before.began_at) == (ADA, 2, None, world.now)
    wanted = world.cards()[1].wanted
    world.say(f"settle {before.delivery_id} left")
    after = shown(world, 1)
    assert isinstance(after, UncertainCard)
    assert after.verdict == "it left, says Ana"
    assert world.cards()[1].wanted > wanted


def test_the_task_card_in_each_state(database_url: str) -> None:
    world = make(database_url, TASK, ADA)
    world.tick()
    card = shown(world)
    assert isinstance(card, TaskCard)
    assert (card.title, card.body, card.state) == ("Call Ada", "Ask who plans the season.", "open")
    assert card.version == world.enrollment(ADA).version
    world.click("task_done", ADA)
    done = shown(world)
    assert isinstance(done, TaskCard)
    assert done.state == "done"


def test_the_ledger_and_the_journal_tell_everything(world: World) -> None:
    world.later(days=1)
    world.say(f"pause {ADA} because travelling")
    with world.db.read() as session:
        [line] = list(ledger.ledger(session))
        audit = list(ledger.audit(session))

    assert (line["lead"], line["sequence"], line["step"], line["state"]) == (ADA, "Spring", "intro", "sent")
    assert (line["position"], line["run"], line["attempt"], line["mailbox"]) == (0, 1, 0, "ana@sales.example")
    assert line["sending_at"] == line["settled_at"] == "2027-06-01T08:00:00Z"
    last = audit[-1]
    assert (last["actor"], last["verb"], last["was"], last["became"]) == (
        "U0ANA",
        "pause",
        "pending",
        "paused",
    )
    assert (last["lead"], last["reason"], last["at"]) == (ADA, "travelling", "2027-06-02T08:00:00Z")


def test_the_next_event(world: World) -> None:
    def upcoming() -> object:
        with world.db.read() as session:
            return next_event(session, now=world.now)

    assert upcoming() == (datetime(2027, 6, 5, 8, tzinfo=UTC), "a step is due")
    world.say(f"pause {ADA} until June 15")
    assert upcoming() == (datetime(2027, 6, 15, 7, tzinfo=UTC), "a heads-up is due")
    announce_due(world.db, now=datetime(2027, 6, 15, 7, tzinfo=UTC))
    assert upcoming() == (datetime(2027, 6, 15, 22, tzinfo=UTC), "a hold ends")
    world.say(f"stop {ADA}")
    assert upcoming() is None


def test_the_list_of_ones_own_paused_leads_is_read_page_by_page(world: World) -> None:
    emails = [f"l{number:02}@many.test" for number in range(20)]
    world.enrol(*emails, owner="U0BEN")
    world.enrol("zoe@many.test", owner="U0ZOE")
    world.change(Mailbox, cap_per_day=1_000)
    world.tick()
    for email in (*emails, "zoe@many.test"):
        world.say(f"pause {email}")

    first = world.say("paused mine", actor=BEN)
    assert first.title == "20 leads of yours paused, the longest first. These are 1 to 15."
    world.say(f"resume {emails[0]}")  # what is resumed meanwhile moves nobody past the reader
    assert first.more is not None
    second = world.say(first.more.command, actor=BEN)

    assert second.title == "19 leads of yours paused, the longest first. These are 15 to 19."
    assert [row.title for row in (*first.rows, *second.rows)] == [f"{email} in Spring" for email in emails]
    assert second.more is None
    for email in emails:
        world.say(f"resume {email}")
    assert world.say(first.more.command, actor=BEN).title == "No more lead of yours is paused."


def test_the_list_of_leads_is_read_page_by_page_and_by_condition(world: World) -> None:
    emails = [f"l{number:02}@many.test" for number in range(20)]
    world.enrol(*emails)
    assert "Tagged" in world.say(f"tag {' '.join(emails[:4])} warm").title

    first = world.say("list @many.test")
    assert first.title == "20 leads at many.test. These are 1 to 15."
    assert first.more is not None
    assert "Stopped" in world.say(f"stop {emails[3]}").title  # whatever changes meanwhile moves nobody
    second = world.say(first.more.command)

    assert second.title == "20 leads at many.test. These are 16 to 20."
    assert [row.title for row in (*first.rows, *second.rows)] == [f"{email} in Spring" for email in emails]
    assert second.more is None
    assert world.say("list tag:warm").title == "4 leads tagged “warm”."
    assert [row.title for row in world.say("list tag:warm stopped").rows] == [f"{emails[3]} in Spring"]
    assert world.say("list mine", actor=BEN).title == "1 lead of yours."
    assert "no longer here" in world.say("list after 999999999999999999").title


def test_lists(world: World) -> None:
    world.say(f"pause {ADA} because travelling")

    [row] = world.say("paused in Spring").rows
    assert row.title == f"{ADA} in Spring"
    assert row.detail == "Paused by Ana since Tuesday 1 June 2027, 10:00 (Europe/Berlin): travelling."
    assert [choice.label for choice in row.choices] == ["Resume", "Stop"]
    assert world.say("paused older than 2 weeks").title == "No lead is paused for longer than 2 weeks."
    world.later(days=15)
    assert (
        world.say("paused older than 2 weeks").title
        == "1 lead paused for longer than 2 weeks, the longest first."
    )
    assert world.say("paused mine").title == "No lead of yours is paused."
    assert world.say(f"paused {ADA}").title == "1 lead paused, the longest first."
    assert world.say("paused mine", actor=BEN).title == "1 lead of yours paused, the longest first."
    assert world.say("list in Spring paused").rows[0].detail.startswith("paused. Next: step 2")
    assert world.say("list stopped").title == "0 leads stopped."
    [spring] = world.say("sequences").rows
    assert (spring.title, spring.detail) == ("Spring", "published, 3 steps, 1 paused")
    assert "Mails: 1 sent." in world.say("stats Spring").lines
    works = "works · 0 of 10,000 today · answers are not read · 1 live lead"
    assert world.say("mailboxes").rows[0].detail == works
    world.change(Mailbox, first_day=None)  # of one that nothing has left
    assert world.say("mailboxes").rows[0].detail == works.replace("works", "not used yet")
    world.change(Mailbox, read_at=world.now)
    assert world.say("mailboxes").rows[0].detail.startswith("works")
    assert world.say("log acts").lines[0].endswith("Ana paused it in Spring (pending → paused): travelling.")
    assert len(world.say(f"history {ADA}").lines) == 4
    assert world.say(f"status {ADA}").title == f"{ADA} is paused in Spring."
    assert [row.title for row in world.say("preview sequence Spring").rows][
        1
    ] == "2. Did it reach you, {{ first_name }}?"
    assert world.say("edit sequence Spring").opens == ("new_sequence", 1, 0)
    assert world.say("help pause").lines


@pytest.mark.parametrize("span", ["100 days", "3 months", "14 weeks", "2000 hours"])
def test_pauses_older_than_any_length(world: World, span: str) -> None:
    world.say(f"pause {ADA}")
    assert (
        world.later(days=80).say(f"paused older than {span}").title
        == f"No lead is paused for longer than {span}."
    )
    assert world.later(days=20).say(f"paused older than {span}").rows


def test_a_place_that_no_list_has_is_past_its_end(world: World) -> None:
    world.say(f"pause {ADA}")
    assert world.say(f"paused after {'9' * 16}:{'9' * 18}").title == "No more lead is paused."
