"""A mail that continues a conversation: what it follows, and what it is called, whatever stands between."""

from __future__ import annotations

import pytest

from core.handover import Claimed
from core.models import DeliveryState
from tests.world import World, make

ADA = "ada@acme.test"
TASK_BETWEEN = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: Hi {{ first_name }}, reply STOP to opt out.
  - id: call
    delay: 1 day
    kind: task
    title: Call {{ first_name }}, who was grumpy
  - id: nudge
    delay: 1 day
    thread: true
    body: Hi {{ first_name }}, reply STOP to opt out.
"""


@pytest.fixture
def world(database_url: str) -> World:
    return make(database_url, TASK_BETWEEN)


def claimed(world: World) -> Claimed:
    """Give the follow-up, once its task is done."""
    world.later(days=1)
    world.tick()
    [task] = [one for one in world.deliveries(ADA) if one.state == DeliveryState.OPEN]
    assert world.say(f"card task {task.id} done").title.startswith("Task done")
    world.later(days=1)
    [hand] = world.claims()
    assert isinstance(hand, Claimed)
    return hand


def test_a_task_between_is_no_mail_of_the_conversation(world: World) -> None:
    world.enrol(ADA)
    world.tick()
    [intro] = world.deliveries(ADA)
    follow_up = claimed(world)
    assert follow_up.references == (intro.message_id,)
    assert follow_up.thread_subject == intro.subject


def test_a_follow_up_of_a_mail_that_was_left_out_bears_its_subject(world: World) -> None:
    world.enrol(ADA)
    world.say(f"cancel step {ADA}")
    follow_up = claimed(world)
    assert (follow_up.references, follow_up.thread_subject) == ((), "Ada, a question")
