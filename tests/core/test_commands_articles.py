"""What the five articles that describe the job say, one test per statement, at the level of commands.

What they call contact or prospect is our lead; campaign is our sequence.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import commands, sequences
from core.sequence_file import load as read_sequence
from tests.world import ANA, BEN, PLAIN, START, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
AUTUMN = PLAIN.replace("sequence: Spring", "sequence: Autumn")
FIVE_DAYS = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
resume: keep
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
steps:
  - id: one
    subject: One
    body: Hi, reply STOP to opt out.
  - id: two
    delay: 5 days
    subject: Two
    body: Hi, reply STOP to opt out.
"""


@pytest.fixture
def world(database_url: str) -> World:
    """Ada is in two sequences and has had the first step of both."""
    world = make(database_url, PLAIN, ADA)
    world.add(AUTUMN)
    world.enrol(ADA, sequence="Autumn")
    world.tick()
    return world


class TestStartingAndStopping:
    """Starting and stopping campaign sequences by hand."""

    def test_a_stopped_contact_still_gets_the_other_sequences(self, world: World) -> None:
        world.say(f"stop {ADA} in Spring")

        sent = world.run_until(START + timedelta(days=4), timedelta(days=1))

        assert world.status(ADA) == "stopped"
        assert len(sent) == 1
        assert world.enrollment(ADA, "Autumn").position == 2

    def test_stopping_each_sequence_removes_from_all(self, world: World) -> None:
        world.say(f"stop {ADA} in Spring")
        world.say(f"stop {ADA} in Autumn")

        assert world.run_until(START + timedelta(days=9), timedelta(days=1)) == []

    def test_starting_begins_at_the_very_beginning_even_after_earlier_mail(self, world: World) -> None:
        world.say(f"stop {ADA} in Spring")
        world.say(f"start {ADA} in Spring")

        assert world.tick() == [(ADA, "intro")]

    def test_starting_who_is_in_it_does_not_reset(self, world: World) -> None:
        world.say(f"start {ADA} in Spring")

        assert (world.enrollment(ADA).position, world.enrollment(ADA).run) == (1, 1)

    def test_to_restart_stop_and_start_again(self, world: World) -> None:
        world.say(f"restart {ADA} in Spring")

        assert (world.enrollment(ADA).position, world.enrollment(ADA).run) == (0, 2)

    def test_a_tag_finds_contacts_by_their_active_sequence(self, database_url: str) -> None:
        world = make(database_url, PLAIN + "tag: in-spring\n", ADA, BOB)
        world.tick()

        assert world.say("stop tag:in-spring").title == "Stopped 2 leads (2 enrollments)."

    def test_an_individual_step_is_resent_or_cancelled(self, world: World) -> None:
        world.say(f"resend step {ADA} in Spring")
        assert world.tick() == [(ADA, "intro")]
        world.say(f"cancel step {ADA} in Spring")
        assert world.enrollment(ADA).position == 2


class TestPausingCampaigns:
    """Pausing a campaign for one prospect, a whole campaign, or all of them."""

    def test_one_prospect_in_a_campaign(self, world: World) -> None:
        world.say(f"pause {ADA} in Spring")

        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "pending")

    def test_a_whole_campaign(self, world: World) -> None:
        world.say("pause sequence Spring")
        assert ", if Spring is resumed by then." in world.say(f"status {ADA}").as_text()
        world.later(days=4)

        assert world.tick() == [(ADA, "nudge")]  # of Autumn
        assert "The sequence Spring was paused by Ana" in world.say(f"why {ADA}").as_text()

    def test_all_campaigns_at_once(self, world: World) -> None:
        world.say("halt")
        world.later(days=4)

        assert world.tick() == []

    def test_an_archived_campaign_pauses_its_scheduled_messages(self, world: World) -> None:
        world.sure("archive sequence Spring")
        world.sure("archive sequence Autumn")
        assert ", if Autumn is restored and resumed by then." in world.say(f"status {ADA}").as_text()
        world.later(days=4)

        assert world.tick() == []
        assert world.say("resume sequence Spring").title.startswith("Spring is paused")
        world.say("resume sequence Spring")
        assert world.tick() == [(ADA, "nudge")]

    def test_resuming_many_on_a_date(self, world: World) -> None:
        world.say(f"pause {ADA} everywhere")

        world.say(f"resume {ADA} everywhere on June 21")

        assert {world.enrollment(ADA, name).due_at for name in ("Spring", "Autumn")} == {
            datetime(2027, 6, 20, 22, tzinfo=UTC)
        }

    def test_a_message_added_to_a_running_campaign_waits_until_it_is_scheduled(
        self, database_url: str
    ) -> None:
        world = make(database_url, PLAIN, ADA)
        for days in (0, 4, 3):
            world.later(days=days).tick()
        assert world.status(ADA) == "completed"
        more = PLAIN + "  - id: more\n    delay: 1 day\n    subject: More\n    body: Reply STOP to opt out.\n"
        world.say("pause sequence Spring")
        with world.db.write() as session:
            sequences.save(session, read_sequence(more), actor=ANA, now=world.now)
        asked = world.say("publish sequence Spring")
        commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)

        world.later(days=30)
        assert (world.status(ADA), world.tick()) == ("paused", [])
        assert "not scheduled" in world.say(f"why {ADA}").as_text()
        world.say(f"resume {ADA} on August 2")
        sent = world.run_until(datetime(2027, 8, 3, tzinfo=UTC), timedelta(hours=12))
        assert [key for _, _, key in sent] == ["more"]


class TestPauseAndResumeALead:
    """How to pause and resume a lead in a campaign."""

    def test_the_example_with_the_four_day_delay(self, database_url: str) -> None:
        """In a 4-day delay, paused on day 2: when resumed, 2 days remain."""
        world = make(database_url, PLAIN, ADA)
        world.tick()
        world.later(days=2).say(f"pause {ADA}")
        assert world.run_until(START + timedelta(days=40), timedelta(days=1)) == []

        world.say(f"resume {ADA}")

        sent = world.run_until(world.now + timedelta(days=3), timedelta(hours=6))
        assert sent[0] == (START + timedelta(days=42), ADA, "nudge")

    def test_the_position_is_preserved_and_the_status_says_paused(self, world: World) -> None:
        before = world.enrollment(ADA).position
        world.say(f"pause {ADA} in Spring")

        assert (world.status(ADA), world.enrollment(ADA).position) == ("paused", before)
        assert [row.title for row in world.say("paused").rows] == [f"{ADA} in Spring"]

    def test_stop_ends_it_for_good(self, world: World) -> None:
        world.say(f"stop {ADA}")

        assert world.say(f"resume {ADA}").is_refusal

    def test_before_the_launch_skip_instead(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)

        assert "Use `skip`" in world.say(f"pause {ADA}").title
        world.say(f"skip {ADA} in Spring")
        assert world.tick() == []
        assert [row.title for row in world.say("list skipped").rows] == [f"{ADA} in Spring"]

    def test_a_step_queued_within_minutes_does_not_go_out_after_the_pause(self, world: World) -> None:
        """Better than the article: what is claimed but not begun stays here."""
        world.later(days=4)
        claims = world.claims()
        world.say(f"pause {ADA} everywhere")

        assert world.begin(claims) == set()

    def test_out_until_june_15(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)
        world.tick()
        world.later(days=3)
        world.say(f"pause {ADA} until June 15 because out of office")

        sent = world.run_until(datetime(2027, 6, 18, tzinfo=UTC), timedelta(hours=2))

        assert [(at.day, key) for at, _, key in sent] == [(16, "nudge")]

    def test_which_leads_are_paused_too_long(self, world: World) -> None:
        world.say(f"pause {ADA} in Spring")
        world.later(days=20)

        assert len(world.say("paused older than 2 weeks").rows) == 1


class TestPublishing:
    """Publishing and managing sequences."""

    def test_a_draft_sends_nothing_and_takes_nobody(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)
        world.add(AUTUMN, publish=False)

        assert world.say(f"start {ADA} in Autumn").is_refusal
        assert (
            world.say("publish sequence Autumn").title
            == "Autumn is published: it sends, and it accepts leads."
        )
        assert not world.say(f"start {ADA} in Autumn").is_refusal

    def test_disabled_edited_and_published_again_contacts_go_on_where_they_were(self, world: World) -> None:
        world.say("disable sequence Spring")
        assert world.say("sequences").rows[1].detail.startswith("paused")
        world.say("publish sequence Spring")
        world.later(days=4)

        assert (ADA, "nudge") in world.tick()

    def test_remove_stops_immediately(self, world: World) -> None:
        world.say(f"remove {ADA} in Spring")

        assert world.status(ADA) == "stopped"

    def test_bulk_actions(self, world: World) -> None:
        world.enrol(BOB)
        world.tick()

        for text, status in (("pause", "paused"), ("resume", "pending"), ("stop", "stopped")):
            world.say(f"{text} {ADA} {BOB} in Spring")
            assert {world.status(ADA), world.status(BOB)} == {status}

    def test_the_five_statuses(self, world: World) -> None:
        for status in ("pending", "in_progress", "completed", "paused", "stopped"):
            assert not world.say(f"list {status}").is_refusal


class TestPauseInSequence:
    """Pausing a contact in a sequence, and rescheduling on unpause."""

    @pytest.fixture
    def five(self, database_url: str) -> World:
        """The second step comes 5 days after the first."""
        world = make(database_url, FIVE_DAYS, ADA)
        world.tick()
        return world

    def test_unpaused_two_days_after_the_first_step_goes_three_days_later(self, five: World) -> None:
        five.later(days=1).say(f"pause {ADA}")
        five.later(days=1).say(f"resume {ADA}")

        # 6 June is a Sunday: the slot first planned is the next opening.
        assert five.enrollment(ADA).due_at == START + timedelta(days=5)
        assert five.enrollment(ADA).send_at == datetime(2027, 6, 7, 7, tzinfo=UTC)

    def test_unpaused_after_more_than_five_days_goes_as_soon_as_possible(self, five: World) -> None:
        five.later(days=1).say(f"pause {ADA}")
        five.later(days=8).say(f"unpause {ADA}")

        assert five.tick() == [(ADA, "two")]

    def test_only_the_sequence_selected_is_paused(self, world: World) -> None:
        world.enrol(BOB)
        world.tick()

        world.say(f"pause {ADA} {BOB} in Autumn")

        assert (world.status(ADA), world.status(ADA, "Autumn"), world.status(BOB)) == (
            "pending",
            "paused",
            "pending",
        )

    def test_tasks_do_not_appear_until_unpaused(self, database_url: str) -> None:
        text = PLAIN.replace(
            "  - id: nudge\n",
            "  - id: call\n    kind: task\n    delay: 1 day\n    title: Call\n  - id: nudge\n",
        )
        world = make(database_url, text, ADA)
        world.tick()
        world.say(f"pause {ADA}")
        world.later(days=5).tick()
        assert world.cards() == []

        world.say(f"resume {ADA} now", actor=BEN)
        world.tick()

        assert [card.kind for card in world.cards()] == ["task"]
