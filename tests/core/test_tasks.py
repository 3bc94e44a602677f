"""Tasks: shown to the lead's owner, done with a note, put off and back again, hidden while the lead is paused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import dates
from core.answers import TaskCard
from core.models import Card, Lead
from core.releases import next_event
from core.tasks import tasks_due
from core.views import view
from tests.core.test_commands_clicks import TASK
from tests.world import ANA, BEN, DAY, World, make

ADA = "ada@acme.test"


@pytest.fixture
def world(database_url: str) -> World:
    """Ada's task is open, and Ada is Ana's lead."""
    world = make(database_url, TASK)
    world.enrol(ADA, owner=ANA.id)
    world.tick()
    return world


def cards(world: World) -> list[Card]:
    return [card for card in world.cards() if card.kind == "task"]


def shown(world: World) -> TaskCard:
    with world.read() as session:
        found = view(session, cards(world)[0], now=world.now)
    assert isinstance(found, TaskCard)
    return found


def comes_back(world: World) -> int:
    return tasks_due(world.db, now=world.now)


def test_it_goes_to_the_owner_and_of_nobodys_lead_to_the_channel(world: World) -> None:
    world.enrol("bob@acme.test")
    world.tick()
    assert [card.channel for card in cards(world)] == [ANA.id, "C0SALES"]


def test_whoever_covers_gets_it(database_url: str) -> None:
    world = make(database_url, TASK)
    world.say(f"away until June 15 cover <@{BEN.id}|ben>")
    world.enrol(ADA, owner=ANA.id)
    world.tick()
    assert [card.channel for card in cards(world)] == [BEN.id]


def test_done_with_a_note_goes_on_and_keeps_the_note(world: World) -> None:
    answer = world.click("task_done", ADA, reason="Wants a demo\n in May")
    assert not answer.is_refusal
    assert [line.reason for line in world.journal("task done")] == ["Wants a demo in May"]
    assert (shown(world).state, shown(world).said) == ("done", "by Ana: Wants a demo in May")
    assert world.later(days=1).tick() == [(ADA, "nudge")]


@pytest.mark.parametrize(("verb", "days"), [("task_tomorrow", 1), ("task_week", 7)])
def test_put_off_it_comes_back_once_in_the_morning(world: World, verb: str, days: int) -> None:
    answer = world.click(verb, ADA)
    back = world.now.replace(hour=7) + days * DAY  # nine in Berlin
    assert answer.title.startswith(f"The task of {ADA} in Spring comes back on ")
    assert (shown(world).state, shown(world).said[:6]) == ("snoozed", "until ")
    with world.read() as session:
        assert next_event(session, now=world.now) == (back, "a task comes back")
    world.now = back - timedelta(seconds=1)
    assert comes_back(world) == 0
    world.now = back
    assert (comes_back(world), comes_back(world)) == (1, 0)
    assert shown(world).state == "open"
    assert [card.channel for card in cards(world)] == [ANA.id, ANA.id]
    assert world.status(ADA) == "in_progress"


def test_until_when_it_is_put_off_is_said_wherever_it_is_told(world: World) -> None:
    world.click("task_tomorrow", ADA)
    until = "until Wednesday 2 June 2027, 09:00 (Europe/Berlin)"
    assert f"put off {until}: Call Ada." in world.say(f"why {ADA}").as_text()
    assert f"put off {until}" in world.say("tasks").rows[0].detail
    [line] = [one for one in world.say(f"history {ADA}").as_text().splitlines() if "put the task off" in one]
    assert until in line


@pytest.mark.parametrize("verb", ["task_tomorrow", "task_week"])
def test_putting_it_off_is_undone(world: World, verb: str) -> None:
    done = world.click(verb, ADA)
    undone = world.say("undo")
    assert undone.title == "Undid the putting off of a task."
    assert undone.lines == (f"The task of {ADA} in Spring is to do now.",)
    assert world.deliveries(ADA)[0].snoozed_until is None
    assert shown(world).state == "open"
    assert comes_back(world.later(days=9)) == 0
    assert (
        world.say(f"undo {undone.batch_id}")
        .lines[0]
        .startswith(f"The task of {ADA} in Spring comes back on ")
    )
    assert world.say(f"undo {done.batch_id}").is_refusal


def test_put_off_twice_an_undo_gives_the_first_day_back(world: World) -> None:
    world.click("task_tomorrow", ADA)
    was = world.deliveries(ADA)[0].snoozed_until
    world.click("task_week", ADA)
    world.say("undo")
    assert world.deliveries(ADA)[0].snoozed_until == was
    assert world.status(ADA) == "in_progress"


@pytest.mark.parametrize("change", ["it comes back", "it is done", "it is put off again"])
def test_what_has_changed_since_is_not_put_back(world: World, change: str) -> None:
    done = world.click("task_tomorrow", ADA)
    world.later(days=1)
    match change:
        case "it comes back":
            assert comes_back(world) == 1
        case "it is done":
            world.click("task_done", ADA)
        case _:
            world.click("task_week", ADA)
    before = world.deliveries(ADA)[0].model_dump()
    said = world.say(f"undo {done.batch_id}")
    assert said.title == f"The task of {ADA} has come back or was changed since; nothing was changed."
    assert world.deliveries(ADA)[0].model_dump() == before


def test_a_day_may_be_named(world: World) -> None:
    when = dates.read("June 20", kind="on", now=world.now, zone="Europe/Berlin")
    assert not world.click("task_snooze", ADA, when=when).is_refusal
    assert world.deliveries(ADA)[0].snoozed_until.isoformat() == "2027-06-20T07:00:00+00:00"  # type: ignore[union-attr]


def test_an_old_card_puts_nothing_off(world: World) -> None:
    version = world.enrollment(ADA).version
    world.click("task_tomorrow", ADA)
    was = world.deliveries(ADA)[0].snoozed_until
    answer = world.click("task_week", ADA, actor=BEN, version=version)
    assert (answer.is_refusal, answer.title.startswith("Ana put the task off at ")) == (True, True)
    assert world.deliveries(ADA)[0].snoozed_until == was


def test_while_the_lead_is_paused_it_neither_comes_back_nor_can_be_put_off(world: World) -> None:
    world.click("task_tomorrow", ADA)
    world.say(f"pause {ADA}")
    world.later(days=3)
    assert comes_back(world) == 0
    assert shown(world).state == "hidden"
    assert world.click("task_week", ADA).is_refusal
    world.say(f"resume {ADA}")
    assert comes_back(world) == 1
    assert shown(world).state == "open"


def test_what_is_done_or_stopped_does_not_come_back(world: World) -> None:
    world.click("task_tomorrow", ADA)
    world.click("task_done", ADA)
    world.later(days=3)
    assert comes_back(world) == 0


def test_a_task_of_a_lead_who_is_stopped_says_so_and_one_that_was_skipped_before_does_not(
    world: World,
) -> None:
    world.say(f"stop {ADA}")
    assert (shown(world).state, shown(world).said) == ("stopped", "by Ana")
    world.say("undo")
    assert shown(world).state == "open"
    world.click("task_skip", ADA)
    world.later(minutes=1).say(f"stop {ADA}")
    assert shown(world).state == "skipped"


class TestList:
    def test_mine_alone_and_no_hidden_ones(self, world: World) -> None:
        world.enrol("bob@acme.test", owner=BEN.id)
        world.enrol("cleo@acme.test", owner=ANA.id)
        world.tick()
        world.say("pause cleo@acme.test")
        answer = world.say("tasks")
        assert (answer.title, [row.title for row in answer.rows]) == (
            "1 task for you, the oldest first.",
            ["Call Ada"],
        )
        assert answer.rows[0].detail.startswith(f"{ADA}, Spring, since ")
        assert world.say("tasks", BEN).rows[0].detail.startswith("bob@acme.test")

    def test_many_are_counted_whole(self, world: World) -> None:
        world.enrol(*(f"p{number}@acme.test" for number in range(16)), owner=ANA.id)
        world.tick()
        answer = world.say("tasks")
        assert answer.title == "17 tasks for you, the oldest first. The first 15 are shown."
        assert len(answer.rows) == 15

    def test_of_nobody_nothing_waits(self, world: World) -> None:
        world.change(Lead, owner=BEN.id)
        assert world.say("tasks").title == "No task waits for you."

    @pytest.mark.parametrize(("number", "status"), [(0, "pending"), (1, "pending"), (2, "in_progress")])
    def test_its_buttons_act_once(self, world: World, number: int, status: str) -> None:
        command = world.say("tasks").rows[0].choices[number].command
        assert not world.say(command).is_refusal
        assert world.status(ADA) == status
        again = world.say(command)
        if status == "pending":
            assert (again.is_refusal, again.title[:31]) == (True, "That task is not open any more:")

    @pytest.mark.parametrize(
        "text", ["card task 999999 done", "card task 2147483648 done", "card task 1 burn"]
    )
    def test_what_is_not_there_is_refused(self, world: World, text: str) -> None:
        assert world.say(text).is_refusal


def test_its_title_is_filled_in_wherever_it_is_named(world: World) -> None:
    assert world.say(f"why {ADA}").lines[0].endswith(": Call Ada.")
    assert any(
        "Task “Call Ada” (step 1 of Spring) is open." in line for line in world.say(f"history {ADA}").lines
    )
    with world.db.write() as session:
        lead = session.get_one(Lead, world.lead_id(ADA))
        lead.name = lead.first_name = "Grace"
        session.add(lead)
    world.click("task_done", ADA)
    assert any("Task “Call Ada”" in line for line in world.say(f"history {ADA}").lines)


def test_those_hidden_by_a_pause_are_counted(world: World) -> None:
    assert world.say("tasks").lines == ()
    world.say(f"pause {ADA}")
    said = world.say("tasks")
    assert (said.title, said.rows) == ("No task waits for you.", ())
    assert said.lines == ("1 task hidden while the lead is paused: resumed, it comes back.",)
