"""The first article: starting and stopping sequences by hand, and managing a single step."""

import pytest

LEAD = "lead@x.test"
SUMMER = """
sequence: Summer
zone: Europe/Berlin
tag: in-summer
steps:
  - id: hello
    subject: Summer is near
    body: "Summer: answer STOP to opt out."
  - id: again
    delay: 3 days
    subject: Summer is here
    body: "Summer: answer STOP to opt out."
"""


@pytest.fixture
def lead(world, clock):
    """A lead who has had the first mail."""
    world.enrols(LEAD)
    clock.advance(hours=1)
    return LEAD


@pytest.fixture
def in_two(world, clock):
    """A lead in two sequences."""
    world.publishes(SUMMER)
    world.enrols(LEAD)
    world.enrols(LEAD, into="Summer")
    clock.advance(hours=1)
    return LEAD


def test_asked_on_the_phone_the_sequence_is_stopped(lead, ana, team, clock, mail_to):
    said = ana.types(f"/sequence stop {lead} because asked on the phone")
    assert "Stopped lead@x.test in Spring." in said
    assert "asked on the phone" in team.sees("⏹️ Stopped · Spring · after 1 of 3 steps")
    clock.advance(days=60)
    assert mail_to(lead) == ["Lead, a question"]


def test_stopped_in_one_sequence_the_others_go_on(in_two, world, ana, clock, mail_to):
    ana.types(f"/sequence stop {in_two} in Spring")
    assert (world.status(in_two), world.status(in_two, "Summer")) == ("stopped", "pending")
    clock.advance(days=10)
    assert mail_to(in_two) == ["Lead, a question", "Summer is near", "Summer is here"]


def test_each_sequence_is_stopped_at_once_unless_one_is_named(in_two, world, ana):
    ana.types(f"/sequence stop {in_two}")
    assert (world.status(in_two), world.status(in_two, "Summer")) == ("stopped", "stopped")


def test_started_again_it_begins_at_the_very_first_step(lead, world, ana, clock, mail_to):
    ana.types(f"/sequence stop {lead}")
    said = ana.types(f"/sequence start {lead} in Spring")
    assert "Run 2, from step 1." in said
    clock.advance(days=10)
    assert mail_to(lead) == [
        "Lead, a question", "Lead, a question", "Lead, did it reach you?", "Lead, a last word",
    ]  # fmt: skip


def test_started_while_it_runs_nothing_changes(lead, world, ana, clock, mail_to):
    said = ana.types(f"/sequence start {lead} in Spring")
    assert "already running, at step 2; nothing was changed" in said
    clock.advance(days=10)
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?", "Lead, a last word"]


def test_to_restart_is_to_stop_and_start(lead, world, ana, clock, mail_to):
    assert "Restarted lead@x.test in Spring." in ana.types(f"/sequence restart {lead} in Spring")
    history = ana.types(f"/sequence history {lead}")
    assert history.index("started it") < history.index("stopped it")  # the newest first
    clock.advance(hours=1)
    assert mail_to(lead) == ["Lead, a question"] * 2


def test_the_active_sequence_is_found_by_its_tag(in_two, world, ana):
    world.enrols("other@x.test")
    assert "2 leads" in ana.types("/sequence status tag:in-spring")
    assert "lead@x.test" in ana.types("/sequence status tag:in-summer")
    ana.types(f"/sequence untag {in_two} in-spring")
    assert "other@x.test" in ana.types("/sequence status tag:in-spring")


def test_a_single_step_is_sent_again(lead, ana, clock, mail_to, dates_of_mail_to):
    ana.types(f"/sequence resend step {lead}")
    clock.advance(days=1)
    assert mail_to(lead) == ["Lead, a question", "Lead, a question"]
    clock.advance(days=2)
    assert mail_to(lead)[2:] == ["Lead, did it reach you?"]


def test_a_single_step_is_cancelled(lead, ana, clock, mail_to):
    said = ana.types(f"/sequence cancel step {lead}")
    assert "Step 2 “Lead, did it reach you?” is left out." in said
    clock.advance(days=20)
    assert mail_to(lead) == ["Lead, a question", "Lead, a last word"]
