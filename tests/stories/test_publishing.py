"""The fourth article: drafts and published sequences, enrolling, the leads' statuses, removing, following what runs."""

import httpx
import pytest

from core.errors import Refused
from sandbox.faults import Faults
from tests.stories.conftest import SPRING
from tests.stories.test_pause_a_campaign import LONGER

DRAFT = SPRING.replace("sequence: Spring", "sequence: Autumn")
LEADS = ("ann@x.test", "bob@x.test", "cat@y.test", "dan@y.test")


@pytest.fixture
def leads(world, clock):
    """Four leads who have had the first mail."""
    world.enrols(*LEADS)
    clock.advance(hours=1)
    return LEADS


# Draft and published


def test_a_draft_takes_no_leads_and_sends_nothing(world, ana, clock, mail_to):
    world.writes(DRAFT)
    assert "Autumn draft" in ana.types("/sequence sequences").replace(":", "")
    with pytest.raises(Refused, match="Autumn is draft, so nobody can be enrolled. Publish it first"):
        world.enrols("ann@x.test", into="Autumn")
    world.enrols("ann@x.test")
    assert "Publish it first" in ana.types("/sequence start ann@x.test in Autumn")
    clock.advance(hours=1)
    assert mail_to("ann@x.test") == ["Ann, a question"]


def test_a_draft_is_freely_edited_then_published(world, ana, clock, mail_to):
    world.writes(DRAFT)
    world.writes(DRAFT.replace("a question", "an autumn question"))
    assert "Autumn is published: it sends, and it accepts leads." in ana.types(
        "/sequence publish sequence Autumn"
    )
    world.enrols("ann@x.test", into="Autumn")
    clock.advance(hours=1)
    assert mail_to("ann@x.test") == ["Ann, an autumn question"]


def test_settings_are_reviewed_before_it_is_published(world, ana):
    world.writes(DRAFT)
    ana.types("/sequence sequences")
    form = ana.opens("Settings", on="Autumn")
    for setting in (
        "Sending hours\n09:00-17:00",
        "Time zone\nEurope/Berlin",
        "The lead's own zone",
        "A reply\n",
    ):
        assert setting in form
    assert "0 of 200 today" in ana.types("/sequence mailboxes")


def test_a_broken_merge_tag_is_found_before_it_is_published(world, ana):
    world.writes(DRAFT.replace("{{ first_name }}, a last word", "{{ frist_name }}, a last word"))
    said = ana.types("/sequence publish sequence Autumn")
    assert "Autumn cannot be published yet" in said
    assert "frist_name" in said
    assert "close" in said


def test_the_flow_is_previewed_for_one_lead(world, ana):
    world.enrols("ann@x.test")
    said = ana.types("/sequence preview sequence Spring for ann@x.test")
    assert "1. Ann, a question" in said
    assert "Tuesday 1 June 2027, 10:0" in said
    assert "3. Ann, a last word" in said
    assert "Monday 7 June 2027, 10:0" in said


def test_a_published_sequence_is_protected_from_edits(world):
    with pytest.raises(Refused, match="Spring is published and protected from edits. Pause it first"):
        world.writes(LONGER)


def test_disabled_edited_and_published_again_leads_go_on_from_where_they_were(
    leads, world, ana, clock, mail_to
):
    clock.advance(days=3)
    ana.types("/sequence pause sequence Spring")
    clock.advance(days=10)
    world.writes(SPRING.replace("a last word", "the very last word"))
    ana.types("/sequence publish sequence Spring")
    ana.clicks("Publish", on="Publish Spring as it was edited?")
    clock.advance(days=7)
    assert mail_to("ann@x.test") == ["Ann, a question", "Ann, did it reach you?", "Ann, the very last word"]


# Leads


def test_every_status_of_the_leads_tab(leads, world, ana, clock):
    ana.types("/sequence pause bob@x.test")
    ana.types("/sequence stop cat@y.test")
    clock.advance(days=10)
    world.enrols("new@x.test")
    clock.advance(hours=1)
    said = ana.types("/sequence list in Spring").replace(":", "")
    for words in (
        "ann@x.test in Spring completed.",
        "bob@x.test in Spring paused.",
        "cat@y.test in Spring stopped.",
        "new@x.test in Spring pending.",
    ):
        assert words in said
    assert "1 lead paused in Spring." in ana.types("/sequence list in Spring paused")


def test_in_progress_is_a_task_that_waits_for_its_person(world, ana, clock):
    world.publishes("sequence: Calls\nsteps:\n  - kind: task\n    title: Call {{ first_name }}\n")
    world.enrols("ann@x.test", into="Calls")
    clock.advance(hours=1)
    assert "ann@x.test in Calls in progress." in ana.types("/sequence list in Calls").replace(":", "")


def test_a_row_tells_the_step_the_mail_what_came_of_it_and_the_last_act(leads, world, ana, team):
    ana.types("/sequence status bob@x.test")
    card = team.sees("✉️ bob@x.test")
    assert "⏳ Pending · Spring · step 2 of 3" in card
    assert "Next: “Bob, did it reach you?”" in card
    assert "Mail “Bob, a question” (step 1 of Spring) was sent" in card
    assert "1 mail sent" in card
    world.lead("bob@x.test").answers("Thanks, let me think.")
    assert "1 mail sent · 1 answer" in team.sees("✉️ bob@x.test", "⏸️ Paused · Spring")


def test_leads_are_added_in_bulk(leads, world, ana, clock, mail_to):
    world.publishes(DRAFT)
    assert "Started 2 leads" in ana.types("/sequence start ann@x.test bob@x.test in Autumn")
    clock.advance(hours=1)
    assert len(mail_to("ann@x.test")) == len(mail_to("bob@x.test")) == 2


def test_removed_leads_stop_at_once(leads, ana, clock, mail_to):
    ana.types("/sequence stop bob@x.test")
    clock.advance(days=30)
    assert mail_to("bob@x.test") == ["Bob, a question"]


def test_several_are_paused_resumed_and_removed_together(leads, world, ana):
    assert "Paused 2 leads" in ana.types("/sequence pause ann@x.test bob@x.test")
    assert [world.status(lead) for lead in leads] == ["paused", "paused", "pending", "pending"]
    assert "Resumed 2 leads" in ana.types("/sequence resume ann@x.test bob@x.test")
    assert "Stopped 2 leads" in ana.types("/sequence stop ann@x.test bob@x.test")
    assert [world.status(lead) for lead in leads] == ["stopped", "stopped", "pending", "pending"]


def test_an_unsubscribe_is_honoured_at_once(leads, world, ana, team, clock, mail_to):
    ana.types("/sequence status bob@x.test")
    link = world.link_in_mail_to("bob@x.test")
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, trust_env=False)
    assert answer.status_code == 200
    team.sees("✉️ bob@x.test", "⏹️ Stopped", "is suppressed")
    clock.advance(days=30)
    assert mail_to("bob@x.test") == ["Bob, a question"]
    assert "gets no mail" in ana.types("/sequence start bob@x.test in Spring")


# What runs


def test_a_failed_send_is_told_with_the_servers_words(world, ana, team, clock):
    world.made.sink.script = Faults("rcpt@gone:550 5.1.1 No such user here")
    world.enrols("gone@x.test")
    ana.types("/sequence status gone@x.test")
    clock.advance(hours=1)
    assert "No such user here" in team.sees("✉️ gone@x.test", "⏸️ Paused", "Step 1 failed")
    assert "`resume` tries it again, `cancel step` leaves it out" in ana.types("/sequence why gone@x.test")


def test_the_figures_of_a_sequence(leads, ana):
    said = ana.types("/sequence stats Spring")
    assert "Mails: 4 sent." in said
    assert "Contacted: 4." in said


def test_a_completed_sequence_is_archived(leads, world, ana, clock):
    clock.advance(days=10)
    ana.types("/sequence archive sequence Spring")
    assert "Spring archived" in ana.types("/sequence sequences").replace(":", "")
    said = ana.types("/sequence start ann@x.test in Spring")
    assert (
        "Spring is archived, so nobody can be enrolled. Bring it back first: `restore sequence Spring`."
        in said
    )
