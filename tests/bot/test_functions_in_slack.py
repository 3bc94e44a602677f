"""Steps of Slack's Workflow Builder: done once, as the person who runs the workflow, and told how it went."""

import pytest
import yaml
from sqlmodel import col, select

from core.lifecycle import Status
from core.models import Hold, Lead, Suppression
from tests.bot.samples import NOW
from tests.bot.world import World, connected, furnish
from tests.services import ROOT

ADA = "ada@engines.example"
FUNCTIONS = yaml.safe_load((ROOT / "manifest.yml").read_text())["functions"]


@pytest.fixture
def steps(world):
    """The world, whose workspace knows the manifest's steps."""
    world.slack.functions = FUNCTIONS
    return world


def run(world, step, **inputs):
    """Let a workflow come to a step, and give its run once it has ended."""
    execution = world.slack.run_step(step, inputs)
    world.until(lambda: not execution.is_running)
    return execution


def holds(world):
    with world.database.read() as session:
        return list(session.exec(select(Hold).where(col(Hold.released_at).is_(None))))


def test_pause_holds_the_lead_and_gives_the_sentence_and_the_state(steps):
    done = run(steps, "pause_lead", lead=ADA, until="June 15", reason="on holiday", user="U0ANA")
    assert done.error is None
    assert done.outputs["sentence"].startswith(
        "Paused ada@engines.example in Spring until Tuesday 15 June 2027"
    )
    assert done.outputs["state"] == "paused in Spring"
    assert [hold.reason for hold in holds(steps)] == ["on holiday"]
    assert [line.actor for line in steps.journal("pause")] == ["U0ANA"]


def test_stop_ends_every_sequence(steps):
    done = run(steps, "stop_lead", lead=f"<mailto:{ADA}|{ADA}>", user="U0ANA", reason="moved away")
    assert done.outputs["state"] == "stopped in Spring"


def test_enrol_starts_whom_we_know_and_saves_whom_we_do_not(steps):
    done = run(steps, "enrol_lead", lead="Eve@New.example", sequence="Spring", user="U0ANA")
    assert (done.error, done.outputs["state"]) == (None, "pending in Spring")
    with steps.database.read() as session:
        eve = session.exec(select(Lead).where(Lead.email == "eve@new.example")).one()
        assert (eve.owner, eve.domain) == ("U0ANA", "new.example")


def test_without_a_person_mail_is_only_kept_from_leaving(steps):
    assert run(steps, "pause_lead", lead=ADA).outputs["state"] == "paused in Spring"
    assert [line.actor for line in steps.journal("pause")] == ["workflow"]
    refused = run(steps, "enrol_lead", lead="eve@new.example", sequence="Spring")
    assert "only a member of this workspace may enrol" in refused.error
    assert run(steps, "stop_lead", lead=ADA).outputs["state"] == "stopped in Spring"


@pytest.mark.parametrize(
    ("step", "word"), [("stop_lead", "stopped"), ("pause_lead", "paused"), ("stop_lead", "unknown")]
)
def test_what_is_so_already_completes_the_step(steps, step, word):
    assert run(steps, step, lead=ADA).error is None
    if word == "unknown":
        assert "Sprong" in run(steps, step, lead=ADA, sequence="Sprong").error
        return
    again = run(steps, step, lead=ADA, sequence="Spring")
    assert (again.error, again.outputs["state"]) == (None, f"{word} in Spring")
    assert f"already {word}" in again.outputs["sentence"]
    assert len(steps.journal(step.removesuffix("_lead"))) == 1


def test_pause_of_a_stopped_lead_fails(steps):
    run(steps, "stop_lead", lead=ADA)
    assert "is stopped" in run(steps, "pause_lead", lead=ADA).error


def test_enrol_says_that_all_sending_is_halted(steps):
    steps.ana.type("#general", "/sequence halt because wrong prices")
    steps.ana.wait_for_text("All sending is halted.", "#general")
    done = run(steps, "enrol_lead", lead="eve@new.example", sequence="Spring", user="U0ANA")
    assert done.outputs["sentence"].startswith("Started eve@new.example")
    assert "All sending was halted by Ana" in done.outputs["sentence"]


@pytest.mark.parametrize("step", ["enrol_lead", "pause_lead", "stop_lead"])
@pytest.mark.parametrize("user", ["U0GUS", "U0BOT", "U0NOBODY"])
def test_who_is_not_admitted_fails_the_step(steps, step, user):
    failed = run(steps, step, lead=ADA, sequence="Spring", user=user)
    assert "members" in failed.error or "Bots" in failed.error
    assert steps.enrollment().status == Status.PENDING


@pytest.mark.parametrize(
    ("step", "inputs", "words"),
    [
        ("pause_lead", {"lead": "eve@new.example"}, "There is no lead eve@new.example"),
        ("enrol_lead", {"lead": "nobody@new.example", "sequence": "Spring"}, "belongs to a machine"),
        ("pause_lead", {"lead": "everyone"}, "the address of one lead"),
        ("pause_lead", {"lead": f"{ADA} grace@engines.example"}, "the address of one lead"),
        ("pause_lead", {"lead": "@engines.example"}, "the address of one lead"),
        ("pause_lead", {"lead": ""}, "the address of one lead"),
        ("pause_lead", {}, "the address of one lead"),
        ("pause_lead", {"lead": ADA, "until": "yesterday"}, "has passed"),
        ("pause_lead", {"lead": ADA, "until": "June 15 because everyone"}, "cannot be read as a date"),
        ("pause_lead", {"lead": ADA, "sequence": "Sprong"}, "Did you mean Spring?"),
        ("enrol_lead", {"lead": ADA, "sequence": "Spring"}, "is already running"),
        ("enrol_lead", {"lead": "eve@new.example", "sequence": "Sprong"}, "Did you mean Spring?"),
        ("enrol_lead", {"lead": "eve@new.example"}, "the name of the sequence"),
        ("resume_lead", {"lead": ADA}, "another version of Fermata"),
    ],
)
def test_what_cannot_be_done_fails_with_the_sentence(steps, step, inputs, words):
    failed = run(steps, step, user="U0ANA", **inputs)
    assert words in failed.error
    assert failed.outputs is None
    assert holds(steps) == []
    with steps.database.read() as session:
        assert session.exec(select(Lead).where(Lead.email == "eve@new.example")).first() is None


def test_suppressed_address_is_not_enrolled(steps):
    with steps.database.write() as session:
        session.add(Suppression(email="eve@new.example", reason="asked", author="U0ANA", at=NOW))
    assert (
        "is suppressed"
        in run(steps, "enrol_lead", lead="eve@new.example", sequence="Spring", user="U0ANA").error
    )


def test_one_of_several_sequences_has_to_be_named(database, slack, clock, client):
    furnish(database, copies=2)
    slack.functions = FUNCTIONS
    with connected(World(database, slack, clock, client)) as world:
        assert "Which do you want to pause?" in run(world, "pause_lead", lead=ADA, user="U0ANA").error
        assert world.enrollment().status == Status.PENDING
        one = run(world, "pause_lead", lead=ADA, user="U0ANA", sequence="Spring 2")
        assert one.outputs["state"] == "pending in Spring, paused in Spring 2"
        every = run(world, "pause_lead", lead=ADA, user="U0ANA", sequence="Everywhere")
        assert every.outputs["state"] == "paused in Spring, paused in Spring 2"


def test_step_that_comes_again_acts_once_and_tells_the_same(steps):
    first = run(steps, "pause_lead", lead=ADA, user="U0ANA")
    told = steps.slack.calls_of("functions.completeSuccess")[-1].args
    assert steps.ana.type("#outbound", f"/sequence resume {ADA}").ok
    steps.until(lambda: steps.enrollment().status == Status.PENDING)
    first.outputs, before = None, len(steps.slack.calls_of("functions.completeSuccess"))
    index = next(n for n, sent in enumerate(steps.slack.sent) if sent.kind == "events_api")
    steps.slack.replay(index)
    steps.until(lambda: len(steps.slack.calls_of("functions.completeSuccess")) > before)
    assert steps.slack.calls_of("functions.completeSuccess")[-1].args == told
    assert steps.enrollment().status == Status.PENDING, "what somebody did meanwhile stands"


def test_two_bots_do_a_step_once(steps):
    other = World(steps.database, steps.slack, steps.clock, steps.client)
    with connected(other):
        execution = steps.slack.run_step("pause_lead", {"lead": ADA, "user": "U0ANA"})
        for _ in range(3):
            steps.slack.replay()
        steps.until(lambda: not execution.is_running)
    assert len(holds(steps)) == 1


def test_slack_that_fails_at_the_end_is_told_again(steps):
    steps.slack.fail_next("functions.completeSuccess", status=503)
    assert run(steps, "pause_lead", lead=ADA, user="U0ANA").outputs["state"] == "paused in Spring"
