"""While all sending is halted, every answer about mail says once who did it, since when and why."""

from __future__ import annotations

import pytest

from core import commands, views
from core.answers import Answer, DigestCard, NoticeCard
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
EVE = "eve@acme.test"
HALTED = "All sending was halted by Ben on Tuesday 1 June 2027, 10:00 (Europe/Berlin): wrong prices; `unhalt` ends that."


@pytest.fixture
def world(database_url: str) -> World:
    """Ada is paused, Bob goes on, Eve has not begun; Ben has halted everything."""
    world = make(database_url, PLAIN, ADA, BOB, owner=ANA.id)
    world.tick()
    world.enrol(EVE)
    world.say(f"pause {ADA}")
    world.say("halt because wrong prices", BEN)
    return world


def times_said(answer: Answer) -> int:
    return sum(HALTED in line for line in (answer.title, *answer.lines))


@pytest.mark.parametrize(
    "text",
    [
        f"pause {BOB}",
        f"pause {BOB} until June 15",
        f"resume {ADA}",
        f"resume {BOB}",  # refused, since it is not paused: why does nothing leave, then?
        f"stop {BOB}",
        f"skip {EVE} in Spring",
        f"start {ADA} in Spring",
        f"restart {ADA} in Spring",
        f"cancel step {BOB}",
        f"status {BOB}",
        f"why {BOB}",
        f"history {BOB}",
        f"why {ADA} {BOB}",
        "paused",
        "list",
        "sequences",
        "stats",
        "mailboxes",
        "log",
        "pause sequence Spring",
        "publish sequence Spring",
        "preview sequence Spring",
        "digest",
        "away until Friday",
        "back",
        "undo",
        "settle 4711 left",
        "resume mine",
        "card paused 1 resume seen 99",
    ],
)
def test_answers_about_mail_say_it_once(world: World, text: str) -> None:
    assert times_said(world.say(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"tag {BOB} hot",
        f"owner {BOB} nobody",
        f"remind {BOB} on June 15",
        "reminders",
        "help",
        "nonsense",
        "unhalt",
    ],
)
def test_others_do_not(world: World, text: str) -> None:
    assert times_said(world.say(text)) == 0


def test_a_second_halt_names_the_first(world: World) -> None:
    answer = world.say("halt")

    assert answer.is_refusal
    assert times_said(answer) == 1


def test_buttons_say_it_too(world: World) -> None:
    assert times_said(world.click("pause", BOB)) == 1
    assert times_said(world.click("resume", ADA, version=0)) == 1
    undone = commands.undo(world.desk, None, actor=ANA, now=START)
    assert times_said(undone) == 1


def test_a_confirmed_proposal_says_it(world: World) -> None:
    world.enrol(*(f"l{number}@many.test" for number in range(12)))
    proposal = world.say("stop @many.test").choices[0].proposal
    assert proposal

    assert times_said(commands.confirm(world.desk, proposal, actor=ANA, now=world.now)) == 1


def test_the_list_of_paused_leads_says_it(world: World) -> None:
    world.say("digest now")
    [card] = [card for card in world.cards() if card.kind == "digest"]

    with world.read() as session:
        view = views.view(session, card, now=world.now)
    assert isinstance(view, DigestCard)
    assert view.summary[0] == HALTED


def test_after_the_halt_nothing_says_it(world: World) -> None:
    world.say("unhalt")

    assert times_said(world.say(f"why {BOB}")) == 0


# The team's channel


def cards(world: World) -> list[tuple[str, NoticeCard]]:
    with world.read() as session:
        found = [(card.channel, views.view(session, card, now=world.now))
                 for card in world.cards() if card.kind == "halt"]  # fmt: skip
    return [(channel, view) for channel, view in found if isinstance(view, NoticeCard)]


def test_the_team_reads_who_halted_and_who_ended_it(world: World) -> None:
    [(channel, halt)] = cards(world)
    assert (channel, halt.title, halt.choices) == ("C0SALES", "All sending is halted", ())
    assert halt.lines == (
        "Ben halted it on Tuesday 1 June 2027, 10:00 (Europe/Berlin): wrong prices.",
        "Every countdown runs on, but no mail leaves before `unhalt`.",
    )
    assert world.say("halt").is_refusal
    assert len(cards(world)) == 1
    world.later(hours=1).say("unhalt")
    [(_, over), (_, end)] = cards(world)
    assert (over.title, over.verdict) == (
        "All sending was halted",
        "Ana ended it on Tuesday 1 June 2027, 11:00 (Europe/Berlin).",
    )
    assert (end.title, end.lines[0]) == (
        "Sending goes on",
        "Ana ended the halt on Tuesday 1 June 2027, 11:00 (Europe/Berlin).",
    )
    assert world.say("unhalt").is_refusal
    world.later(hours=1).say("halt")
    assert [view.title for _, view in cards(world)] == [
        "All sending was halted",
        "Sending goes on",
        "All sending is halted",
    ]


def test_its_end_says_how_much_is_due_and_what_will_be_asked(database_url: str) -> None:
    world = make(database_url, PLAIN, *(f"lead{number}@many.test" for number in range(13)))
    world.say("halt")
    world.later(days=2)
    assert world.say("unhalt").lines == ("Due now: 13 steps.",)
    assert cards(world)[-1][1].lines[-1] == "Due then: 13 steps."
    assert len(world.tick()) == 13
    assert world.say("halt").title == "All sending is halted."
    assert world.later(minutes=1).say("unhalt").lines == ("Due now: nothing.",)
    world.say("halt")
    world.enrol(*(f"old{number}@many.test" for number in range(30)))
    world.later(days=2).enrol("new@many.test")
    due = "31 steps; 30 of them do not leave yet: so long overdue, they wait for an answer on a card of their own"
    assert world.say("unhalt").lines == (f"Due now: {due}.",)
    assert cards(world)[-1][1].lines[-1] == f"Due then: {due}."
    assert world.tick() == [("new@many.test", "intro")]
    assert world.status("old0@many.test") == "paused"


def test_the_card_of_a_halt_is_drawn_anew_when_it_ends(world: World) -> None:
    [before] = [card for card in world.cards() if card.kind == "halt"]
    world.say("unhalt")
    [after, _] = [card for card in world.cards() if card.kind == "halt"]
    assert after.wanted > before.wanted
