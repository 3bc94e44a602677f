"""Commands on many leads: shown first, done on exactly what was shown, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import commands
from core.answers import Answer
from tests.world import ANA, BEN, PLAIN, World, make

LEADS = [f"lead{number:02}@acme.test" for number in range(12)]


@pytest.fixture
def world(database_url: str) -> World:
    """Twelve leads of one company, half of them Ana's."""
    world = make(database_url, PLAIN, *LEADS[:6], owner="U0ANA")
    world.enrol(*LEADS[6:])
    world.tick()
    return world


def proposal(answer: Answer) -> str:
    assert answer.choices[0].proposal
    return answer.choices[0].proposal


def confirm(world: World, answer: Answer, actor: object = ANA) -> Answer:
    return commands.confirm(world.desk, proposal(answer), actor=actor, now=world.now)  # type: ignore[arg-type]


def statuses(world: World) -> set[str]:
    return {world.status(email) for email in LEADS}


def test_more_than_ten_leads_are_shown_before_anything_happens(world: World) -> None:
    answer = world.say("pause @acme.test until June 15")

    assert answer.title == "Pause until Tuesday 15 June 2027 (Europe/Berlin), 12 leads (12 enrollments)?"
    assert answer.lines == (
        "Sequences: Spring (12)",
        "Owners: Ana (6) and nobody (6)",
        *[f"{email} (Ana): Spring" for email in LEADS[:6]],
        *[f"{email} (nobody): Spring" for email in LEADS[6:10]],
        "and 2 leads more",
        "Nothing has been changed yet; the question stands for 15 minutes.",
    )
    assert [choice.label for choice in answer.choices] == ["Pause until Tuesday 15 June 2027", "Cancel"]
    assert statuses(world) == {"pending"}


def test_a_confirmed_pause_holds_them_all_in_one_batch(world: World) -> None:
    answer = confirm(world, world.say("pause @acme.test until June 15"))

    assert answer.title == "Paused 12 leads (12 enrollments) until Tuesday 15 June 2027 (Europe/Berlin)."
    assert {hold.batch_id for email in LEADS for hold in world.holds(email)} == {answer.batch_id}


def test_the_second_to_confirm_is_told_who_did(world: World) -> None:
    answer = world.say("pause @acme.test")
    confirm(world, answer, BEN)

    second = confirm(world, answer)

    assert second.is_refusal
    assert second.title == "Ben confirmed this at 10:00:00; it acts only once."


def test_a_question_expires(world: World) -> None:
    answer = world.say("pause @acme.test")
    world.later(minutes=16)

    assert "too old" in confirm(world, answer).title
    assert statuses(world) == {"pending"}


def test_cancel_uses_the_question_up(world: World) -> None:
    answer = world.say("pause @acme.test")

    assert world.say(answer.choices[1].command).title == "Cancelled; nothing was changed."
    assert confirm(world, answer).title == "Ana cancelled this at 10:00:00; it acts only once."
    assert statuses(world) == {"pending"}


def test_an_unknown_question_is_refused(world: World) -> None:
    assert commands.confirm(world.desk, "p_3f", actor=ANA, now=world.now).is_refusal


def test_resume_never_acts_on_more_than_was_shown(world: World) -> None:
    confirm(world, world.say("pause @acme.test"))
    answer = world.say("resume @acme.test")
    world.enrol("late@acme.test")
    world.now += timedelta(minutes=1)
    world.say("pause late@acme.test everywhere")
    world.tick()
    world.say("pause late@acme.test")

    confirm(world, answer)

    assert statuses(world) == {"pending"}
    assert world.status("late@acme.test") == "paused"


def test_a_date_is_the_same_whoever_confirms(world: World) -> None:
    confirm(world, world.say("pause @acme.test until tomorrow 9am"), BEN)

    assert {hold.until.isoformat() for hold in world.holds(LEADS[0]) if hold.until} == {
        "2027-06-02T07:00:00+00:00"
    }


def test_what_changed_in_between_is_named(world: World) -> None:
    answer = world.say("pause @acme.test")
    world.say(f"stop {LEADS[0]}")

    done = confirm(world, answer)

    assert done.title == "Paused 11 leads (11 enrollments)."
    assert done.lines == (f"{LEADS[0]} in Spring is stopped and sends nothing. Use `start` for a new run.",)


@pytest.mark.parametrize("words", ["everyone", "all leads"])
def test_everyone_always_asks(database_url: str, words: str) -> None:
    world = make(database_url, PLAIN, LEADS[0])
    world.tick()

    answer = world.say(f"pause {words}")

    assert answer.title == "Pause 1 lead (1 enrollment)?"
    assert world.status(LEADS[0]) == "pending"


def test_ten_leads_or_fewer_are_done_at_once(world: World) -> None:
    answer = world.say("pause mine")

    assert answer.title == "Paused 6 leads (6 enrollments)."
    assert len(answer.lines) == 6
    assert {world.status(email) for email in LEADS[6:]} == {"pending"}


def test_a_tag_names_a_group(world: World) -> None:
    world.say(f"tag {LEADS[0]} {LEADS[7]} hot")

    assert world.say("stop tag:hot").title == "Stopped 2 leads (2 enrollments)."
    assert (
        world.say("stop tag:hot").title
        == "No lead tagged “hot” is in progress, paused, pending or skipped; nothing was changed."
    )


def test_a_bulk_hold_also_holds_what_has_not_started(world: World) -> None:
    world.enrol("fresh@acme.test")

    confirm(world, world.say("pause everyone"))

    assert world.status("fresh@acme.test") == "paused"


def test_undo_of_a_bulk_pause_wakes_exactly_what_it_put_to_sleep(world: World) -> None:
    world.say(f"pause {LEADS[0]}", actor=BEN)
    batch = confirm(world, world.say("pause everyone")).batch_id

    confirm(world, commands.undo(world.desk, batch, actor=ANA, now=world.now))

    assert world.status(LEADS[0]) == "paused"
    assert {world.status(email) for email in LEADS[1:]} == {"pending"}


@pytest.mark.parametrize(
    ("text", "verb"),
    [("stop everyone", "stopped"), ("cancel step everyone", "pending"), ("restart everyone in Spring", "pending"),
     ("start everyone in Spring", "pending"), ("tag everyone hot", "pending")],
)  # fmt: skip
def test_every_verb_can_be_confirmed(world: World, text: str, verb: str) -> None:
    if text.startswith("start"):
        confirm(world, world.say("stop everyone"))

    assert not confirm(world, world.say(text)).is_refusal
    assert statuses(world) == {verb}


@pytest.fixture
def batch(world: World) -> int:
    """All twelve are paused, in one batch."""
    batch_id = confirm(world, world.say("pause @acme.test")).batch_id
    assert batch_id is not None
    return batch_id


@pytest.mark.parametrize("typed", [True, False])
def test_undo_of_more_than_ten_is_shown_before_anything_happens(
    world: World, batch: int, typed: bool
) -> None:
    answer = world.say("undo") if typed else commands.undo(world.desk, batch, actor=ANA, now=world.now)

    assert answer.title == "Undo `pause` of 12 leads (12 enrollments)?"
    assert answer.lines[0] == "Sequences: Spring (12)"
    assert [choice.label for choice in answer.choices] == ["Undo pause of 12 leads", "Cancel"]
    assert statuses(world) == {"paused"}


def test_confirmed_undo_takes_the_batch_back_that_was_shown(world: World, batch: int) -> None:
    question = world.say("undo")
    world.say(f"tag {LEADS[0]} later")  # a later act does not become the one that is undone

    answer = confirm(world, question)

    assert answer.title == "Undid `pause`: 12 leads (12 enrollments)."
    assert statuses(world) == {"pending"}


def test_confirmed_undo_leaves_what_somebody_changed_meanwhile(world: World, batch: int) -> None:
    question = world.say("undo")
    world.later(minutes=1)
    world.say(f"stop {LEADS[0]}", actor=BEN)

    answer = confirm(world, question)

    assert answer.title == "Undid `pause`: 11 leads (11 enrollments)."
    assert f"{LEADS[0]} was left as it is: Ben stopped it at 10:01:00, after that." in answer.lines
    assert world.status(LEADS[0]) == "stopped"


def test_confirmed_undo_of_what_was_undone_meanwhile_is_refused(world: World, batch: int) -> None:
    first, second = world.say("undo"), world.say(f"undo {batch}", actor=BEN)
    confirm(world, second, BEN)

    assert confirm(world, first).title == "Ben undid this at 10:00:00 already; nothing was changed."


def test_undo_of_ten_does_not_ask(world: World) -> None:
    world.say(f"pause {' '.join(LEADS[:10])}")

    assert world.say("undo").title == "Undid `pause`: 10 leads (10 enrollments)."


def test_a_restart_of_many_is_undone_whole(world: World) -> None:
    confirm(world, world.say("restart @acme.test in Spring"))

    answer = confirm(world, world.say("undo"))

    assert answer.title == "Undid `restart`: 12 leads (12 enrollments)."  # the runs before


def test_undo_of_a_number_that_is_none_is_refused(world: World) -> None:
    assert world.say("undo 99999999999999999999").is_refusal
    assert world.say("undo 404").title == "There is no such batch."
