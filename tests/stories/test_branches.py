"""A sequence of five steps with versions, a condition, a task and a jump, as its leads and its owner live through it."""

from __future__ import annotations

import pytest

from tests.stories.stage import Direct
from tests.stories.test_links import Reader

ADA, BEA = "ada@x.test", "bea@x.test"
PAGE = "https://northwind.example/season"
CUSTOMERS = """
sequence: Customers
zone: Europe/Berlin
steps:
  - id: welcome
    subject: Welcome, {{ first_name }}
    body: Good that we talked. Reply STOP to opt out.
"""
BRANCHES = f"""
sequence: Branches
zone: Europe/Berlin
track: {{clicks: true}}
on: {{click: continue}}
steps:
  - id: intro
    variants:
      - name: question
        subject: A question, {{{{ first_name }}}}
        body: "Look at [the season]({PAGE}). Reply STOP to opt out."
      - name: offer
        weight: 2
        subject: An offer, {{{{ first_name }}}}
        body: "See [the season]({PAGE}). Reply STOP to opt out."
  - id: fork
    kind: condition
    delay: 1 day
    when: clicked
    within: 3 days
    then: call
    otherwise: nudge
  - id: nudge
    delay: 1 day
    thread: true
    body: Did it reach you? Reply STOP to opt out.
  - id: call
    kind: task
    delay: 2 hours
    title: Call {{{{ first_name }}}}
    note: Ask who plans the season.
  - id: on
    kind: jump
    to: Customers
"""


@pytest.fixture
def url(database_url: str) -> str:
    """These stories are told on both databases."""
    return database_url


@pytest.fixture
def dm(world, clock, ana) -> Direct:
    """Ana's direct messages; Ada and Bea are hers and have got the first mail, whichever version."""
    world.publishes(CUSTOMERS)
    world.publishes(BRANCHES)
    world.enrols(ADA, BEA, into="Branches", owner=ana._at.id)
    clock.settle()
    return Direct(world, ana)


def chooses(ana, dm, label: str) -> None:
    """Choose what opens a form from the menu of the newest task."""
    card = next(message for message in reversed(dm.messages()) if message.text.startswith("Task for"))
    assert ana._at.click(card, label).ok
    dm._stage.made.workspace.wait_for(lambda: ana._at.modal, 8)


def place(world, email: str) -> tuple[str, int]:
    row = world.enrollment(email, "Branches")
    return row.status, row.position


def test_a_click_leads_past_the_nudge_to_the_call(world, clock, ana, dm):
    assert world.mail_to(ADA)[0] in {"A question, Ada", "An offer, Ada"}
    clock.advance(days=1, minutes=5)
    assert place(world, ADA) == place(world, BEA) == ("in_progress", 1)
    assert "Step 2 waits for a click until Saturday 5 June 2027, 10:00" in ana.types(f"/sequence why {ADA}")

    reader = Reader(world, ADA)
    reader.fetches(reader.links()[0])
    clock.advance(seconds=10)
    assert place(world, ADA) == ("pending", 3)
    assert place(world, BEA) == ("in_progress", 1)
    assert "there is a click, so on to step 4 (call)" in ana.types(f"/sequence history {ADA}")

    clock.advance(hours=2)
    dm.sees("Call Ada", "To do", "Ask who plans the season.")
    chooses(ana, dm, "Done, with a note…")
    ana._at.submit({"What came of it?": "Wants a demo"})
    dm.sees("Call Ada", "Done by", "Wants a demo")
    clock.settle()
    assert world.mail_to(ADA)[1:] == ["Welcome, Ada"]
    assert place(world, ADA) == ("completed", 5)
    assert world.status(ADA, "Customers") == "completed"


def test_without_a_click_the_nudge_follows_in_the_same_thread(world, clock, dm):
    clock.advance(days=4, minutes=5)
    assert place(world, BEA) == ("pending", 2)
    clock.advance(days=1)
    first, nudge = world.mail_to(BEA)
    assert nudge == f"Re: {first}"
    clock.advance(hours=2)
    dm.sees("Call Bea", "To do")


def test_a_task_that_is_put_off_comes_back_and_hides_while_its_lead_is_paused(world, clock, ana, dm):
    clock.advance(days=5, hours=3)
    dm.sees("Call Ada", "To do")
    ana.types(f"/sequence pause {BEA}")
    dm.sees("Call Bea", "the lead is paused")
    listed = ana.types("/sequence tasks")
    assert "Call Ada" in listed
    assert "Call Bea" not in listed

    dm.clicks("Tomorrow")
    dm.sees("Call Ada", "Put off until Monday 7 June 2027, 09:00")
    before = len(dm.messages())
    clock.until("2027-06-07", "09:01")
    world.made.workspace.wait_for(lambda: len(dm.messages()) > before, 8)
    assert "To do" in dm.sees("Call Ada", "To do")
    assert place(world, ADA) == ("in_progress", 3)


def test_a_pause_freezes_the_wait_for_a_click(world, clock, ana, dm):
    clock.advance(days=2)
    ana.types(f"/sequence pause {ADA}")
    clock.advance(days=9)
    assert place(world, ADA) == ("paused", 1)
    ana.types(f"/sequence resume {ADA}")
    assert place(world, ADA) == ("in_progress", 1)
    clock.advance(days=2, minutes=1)
    assert place(world, ADA) == ("pending", 2)
