"""Undo is the exact inverse of a batch, where nobody has changed it since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import commands
from core.acts import load
from core.answers import Answer
from core.models import Enrollment, Lead
from core.people import Actor
from tests.world import ANA, BEN, PLAIN, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
TASK = PLAIN.replace("  - id: nudge\n    delay: 4 days\n    subject: Did it reach you, {{ first_name }}?\n    body: Hi {{ first_name }}, reply STOP to opt out.\n",
                     "  - id: call\n    kind: task\n    delay: 1 day\n    title: Call {{ first_name }}\n")  # fmt: skip


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob have had the first step."""
    world = make(database_url, PLAIN, ADA, BOB)
    world.tick()
    return world


def undo(world: World, batch_id: int | None = None, actor: Actor = ANA) -> Answer:
    return commands.undo(world.desk, batch_id, actor=actor, now=world.now)


def state(world: World, email: str = ADA) -> dict[str, Any]:
    """Everything about an enrollment that matters, without versions and the ids of holds."""
    with world.db.read() as session:
        row = next(load(session, [world.enrollment(email).id or 0]))
    holds = [(hold.source, hold.author, hold.until, hold.reason) for hold in row.state.holds]
    return {**vars(row.state), "holds": holds, "send_at": row.send_at, "run": row.run}


@pytest.mark.parametrize(
    "text",
    [
        f"pause {ADA} until June 15",
        f"stop {ADA}",
        f"cancel step {ADA}",
        f"resend step {ADA}",
        f"restart {ADA} in Spring",
    ],
)
def test_an_act_and_its_undo_leave_everything_as_it_was(world: World, text: str) -> None:
    before = state(world)
    batch = world.say(text).batch_id
    world.later(hours=3)

    answer = undo(world, batch)

    assert not answer.is_refusal
    if not text.startswith("restart"):
        assert state(world) == before
    world.now -= timedelta(hours=3)
    sent = [(at, key) for at, email, key in world.run_until(world.now + timedelta(days=9)) if email == ADA]
    expected = [(4, "nudge"), (7, "close")]
    assert [((at - world.now + timedelta(days=9)).days, key) for at, key in sent] == expected


def test_undo_of_a_resume_places_the_holds_again(world: World) -> None:
    world.say(f"pause {ADA} until June 15")
    world.say(f"pause {ADA} because she asked", actor=BEN)
    before = state(world)
    world.say(f"resume {ADA}")

    undo(world)

    assert state(world) == before
    assert {hold.author for hold in world.holds(ADA)} == {"U0ANA", "U0BEN"}


def test_undo_of_a_skip(database_url: str) -> None:
    world = make(database_url, PLAIN, ADA)
    before = state(world)
    world.say(f"skip {ADA} in Spring")

    undo(world)

    assert state(world) == before


def test_undo_of_a_start_stops_the_new_run(world: World) -> None:
    world.say(f"stop {ADA}")
    world.say(f"start {ADA} in Spring")
    world.tick()  # even though its first step has left

    answer = undo(world)

    assert answer.title == f"Undid `start`: {ADA} in Spring."
    [left] = [line for line in answer.lines if line.startswith("Step 1 “")]
    assert left.endswith(f"” to {ADA} in Spring had left at 10:00:00.")
    assert (world.status(ADA), world.enrollment(ADA).run) == ("stopped", 2)


def test_undo_of_a_start_names_what_is_leaving(world: World) -> None:
    world.wait_seconds = 0
    batch = world.say(f"restart {ADA} in Spring").batch_id
    claims = world.claims()
    world.begin(claims)

    leaving = f"Step 1 “Ada, a question” to {ADA} in Spring had begun leaving at 10:00:00; "
    answer = undo(world, batch)
    assert answer.lines[0] == f"{leaving}its outcome is still unknown; it may arrive."
    assert not [line for line in answer.lines if "had left" in line]


@pytest.mark.parametrize(
    ("count", "left"), [(10, "had left at 10:00:00."), (11, "11 mails had left before.")]
)
def test_undo_of_many_counts_what_had_left(world: World, count: int, left: str) -> None:
    emails = [f"lead{number}@many.test" for number in range(count)]
    with world.db.write() as session:
        session.add_all(Lead(email=email, first_name="Lea", created_at=world.now) for email in emails)
    asked = world.say(f"enrol {' '.join(emails)} in Spring")
    proposals = [choice.proposal for choice in asked.choices if choice.proposal]
    done = commands.confirm(world.desk, proposals[0], actor=ANA, now=world.now) if proposals else asked
    world.tick()
    answer = commands.undo(world.desk, done.batch_id, actor=ANA, now=world.now)
    if proposals := [choice.proposal for choice in answer.choices if choice.proposal]:
        answer = commands.confirm(world.desk, proposals[0], actor=ANA, now=world.now)
    assert len([line for line in answer.lines if line.endswith(left)]) == (count if count == 10 else 1)


def test_undo_without_a_number_takes_the_latest_within_a_day(world: World) -> None:
    world.say(f"pause {ADA}")
    world.say(f"pause {BOB}", actor=BEN)

    undo(world)

    assert (world.status(ADA), world.status(BOB)) == ("pending", "paused")
    world.later(hours=25)
    assert undo(world, actor=BEN).title == "You have done nothing in the last day that could be undone."


@pytest.mark.parametrize(
    ("text", "did", "way"),
    [
        (f"note {ADA} wants a quote", "you noted at 10:01:00", ""),
        (
            "pause sequence Spring",
            "you paused Spring at 10:01:00",
            "`resume sequence Spring` lets it go on; ",
        ),
        ("halt", "you halted all sending at 10:01:00", "`unhalt` ends that; "),
    ],
)
def test_undo_never_takes_back_an_older_act_than_the_last(
    world: World, text: str, did: str, way: str
) -> None:
    batch = world.say(f"pause {ADA}").batch_id
    world.say(f"note {BOB} somebody else does something meanwhile", actor=BEN)
    world.later(minutes=1).say(text)

    answer = undo(world)

    assert answer.is_refusal
    assert answer.title == (
        f"What you did last ({did}) cannot be undone; {way}`undo {batch}` takes back `pause` of 10:00:00, which came "
        "earlier."
    )
    assert world.status(ADA) == "paused"
    assert undo(world, batch).title.startswith("Undid `pause`")


@pytest.mark.parametrize(
    ("said", "did", "way"),
    [
        (["pause sequence Spring"], "you paused Spring", "`resume sequence Spring` lets it go on"),
        (
            ["pause sequence Spring", "resume sequence Spring"],
            "you resumed Spring",
            "`pause sequence Spring` pauses it again",
        ),
        (["halt"], "you halted all sending", "`unhalt` ends that"),
        (["halt", "unhalt"], "you ended the halt", "`halt` stops all sending again"),
    ],
)
def test_undo_names_the_command_that_takes_back_what_is_no_batch(
    world: World, said: list[str], did: str, way: str
) -> None:
    for text in said:
        world.say(text)

    assert undo(world).title == f"What you did last ({did} at 10:00:00) cannot be undone; {way}."


def test_undo_names_no_command_for_what_somebody_else_took_back(world: World) -> None:
    world.say("halt")
    world.say("unhalt", actor=BEN)
    assert undo(world).title == "You have done nothing in the last day that could be undone."


def test_undo_names_no_older_act_that_it_would_refuse(world: World) -> None:
    first = world.say(f"pause {BOB}").batch_id
    resent = world.later(minutes=1).say(f"resend step {ADA}").batch_id
    world.tick()
    assert undo(world.later(minutes=1), resent).is_refusal
    world.say(f"tag {ADA} hot")

    answer = undo(world)
    assert answer.title == (
        "What you did last (you tagged the lead at 10:02:00) cannot be undone; "
        f"`undo {first}` takes back `pause` of 10:00:00, which came earlier."
    )
    assert world.status(BOB) == "paused"  # named, not tried
    assert [line.verb for line in world.journal("undo")] == []
    assert not undo(world, first).is_refusal

    assert undo(world).title == "What you did last (you tagged the lead at 10:02:00) cannot be undone."


def test_undo_never_takes_back_the_act_before_one_that_somebody_undid(world: World) -> None:
    first = world.say(f"pause {ADA}").batch_id
    second = world.later(minutes=1).say(f"pause {BOB}").batch_id
    undo(world, second, actor=BEN)

    answer = undo(world.later(minutes=1))

    assert answer.title == (
        f"What you did last (you paused it at 10:01:00) is undone already; `undo {first}` takes back `pause` of "
        "10:00:00, which came earlier."
    )
    assert world.status(ADA) == "paused"


def test_undo_after_an_undo_names_what_was_done_since(world: World) -> None:
    world.say(f"stop {BOB}")
    undo(world.later(minutes=1))
    world.later(minutes=1).say(f"tag {ADA} warm")
    assert undo(world).title == "What you did last (you tagged the lead at 10:02:00) cannot be undone."
    assert world.status(BOB) == "pending"


def test_undo_again_reaches_for_the_act_before_and_starts_no_mail(world: World) -> None:
    world.say(f"pause {ADA}")
    world.later(minutes=1).say(f"stop {BOB}")
    assert undo(world.later(minutes=1)).title == f"Undid `stop`: {BOB} in Spring."
    assert undo(world.later(minutes=1)).title == f"Undid `pause`: {ADA} in Spring."
    last = world.journal("undo")[-1].batch_id
    said = undo(world.later(minutes=1))
    assert said.is_refusal
    assert (
        said.title == f"Everything you did in the last day is undone; `undo {last}` takes the last undo back."
    )
    assert (world.status(ADA), world.status(BOB)) == ("pending", "pending")


def test_undo_again_reaches_past_no_act_that_cannot_be_undone(world: World) -> None:
    batch = world.say(f"pause {ADA}").batch_id
    world.later(minutes=1).say(f"note {ADA} wants a quote")
    world.later(minutes=1).say(f"pause {BOB}")
    undo(world.later(minutes=1))
    assert f"(you noted at 10:01:00) cannot be undone; `undo {batch}`" in undo(world.later(minutes=1)).title


def test_an_undo_is_taken_back_by_its_number_which_a_bare_undo_takes_back_again(world: World) -> None:
    world.say(f"resume {ADA}")
    world.say(f"pause {ADA}")
    undone = undo(world)
    again = undo(world, undone.batch_id)
    assert "Mail leaves again" not in again.as_text()
    assert world.status(ADA) == "paused"
    assert undo(world).title.startswith("Undid the redo")
    assert world.status(ADA) == "pending"


def test_redoing_what_starts_mail_says_so(world: World) -> None:
    world.say(f"pause {ADA}")
    world.say(f"resume {ADA}")
    undone = undo(world)
    assert world.status(ADA) == "paused"
    assert "Mail leaves again for 1 lead." in undo(world, undone.batch_id).lines
    assert world.status(ADA) == "pending"


def test_the_same_batch_is_undone_once(world: World) -> None:
    batch = world.say(f"pause {ADA}").batch_id
    undo(world, batch, BEN)

    assert undo(world, batch).title == "Ben undid this at 10:00:00 already; nothing was changed."
    assert undo(world, 999).title == "There is no such batch."


def test_what_a_later_person_changed_is_left_and_named(world: World) -> None:
    batch = world.say(f"pause {ADA} {BOB}").batch_id
    world.later(minutes=2)
    world.say(f"stop {ADA}", actor=BEN)

    answer = undo(world, batch)

    assert (world.status(ADA), world.status(BOB)) == ("stopped", "pending")
    assert f"{ADA} was left as it is: Ben stopped it at 10:02:00, after that." in answer.lines


def test_a_stop_is_not_undone_under_a_new_run(world: World) -> None:
    batch = world.say(f"stop {ADA}").batch_id
    world.say(f"start {ADA} in Spring", actor=BEN)

    answer = undo(world, batch)

    assert answer.is_refusal
    assert "a new run has begun since" in answer.title


def test_a_stop_after_which_the_step_had_left_is_not_undone(world: World) -> None:
    world.later(days=4)
    [claim, _] = sorted(world.claims(), key=lambda claim: claim.lead.email)
    world.begin([claim])
    world.wait_seconds = 0.05
    batch = world.say(f"pause {ADA}").batch_id
    world.report(claim)

    assert undo(world, batch).is_refusal
    assert world.status(ADA) == "paused"


def test_a_closed_task_is_opened_again(database_url: str) -> None:
    world = make(database_url, TASK, ADA)
    world.tick()
    world.later(days=1).tick()
    before = state(world)
    assert before["has_open_task"]

    for text in (f"stop {ADA}", f"cancel step {ADA}", f"pause {ADA}"):
        world.say(text)
        undo(world)
        assert state(world) == before, text
    world.click("task_done", ADA)
    undo(world)
    assert state(world) == before


def test_an_undone_resend_leaves_no_delivery_waiting(world: World) -> None:
    world.say(f"resend step {ADA}")
    world.claims()

    undo(world)

    assert [delivery.state for delivery in world.deliveries(ADA)] == ["sent", "skipped"]


def test_every_undo_is_in_the_journal(world: World) -> None:
    batch = world.say(f"pause {ADA}").batch_id
    undo(world, batch, BEN)

    [line] = world.journal("undo")
    assert (line.actor, line.was, line.became, line.reason) == ("U0BEN", "paused", "pending", "pause undone")
    assert isinstance(world.enrollment(ADA), Enrollment)


def test_an_enrolment_taken_back_before_anything_left_can_be_made_again(world: World) -> None:
    with world.db.write() as session:
        session.add(Lead(email="eve@acme.test", created_at=world.now))  # without a first name
    batch = world.say("enrol eve@acme.test in Spring").batch_id
    assert undo(world, batch).lines == ("As before, it is not in Spring.",)
    answer = world.say("enrol eve@acme.test in Spring")
    assert not answer.is_refusal
    assert "Run 2, from step 1." in answer.lines
    world.say("stop eve@acme.test")  # by a person: this one counts
    assert "“[first_name], a question”" in world.say("status eve@acme.test").as_text()
    assert world.say("enrol eve@acme.test in Spring").is_refusal


def test_an_enrolment_taken_back_after_its_first_mail_counts(world: World) -> None:
    with world.db.write() as session:
        session.add(Lead(email="eve@acme.test", first_name="Eve", created_at=world.now))
    batch = world.say("enrol eve@acme.test in Spring").batch_id
    world.tick()
    undo(world, batch)
    assert world.say("enrol eve@acme.test in Spring").is_refusal
