"""Pause, resume, stop, skip, start and restart as people say them, with every worked example of DESIGN §2."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.models import Mailbox
from tests.world import BEN, PLAIN, START, World, make

ADA = "ada@acme.test"
BOB = "bob@acme.test"
BERLINER = replace(BEN, zone="Europe/Berlin")
OFFICE = PLAIN.replace(
    "lead_zone: false", 'lead_zone: true\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}\nholidays: DE'
)
AUTUMN = PLAIN.replace("sequence: Spring", "sequence: Autumn")


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob have had the first step; the second comes 4 days after it."""
    world = make(database_url, PLAIN, ADA, BOB)
    assert world.tick() == [(ADA, "intro"), (BOB, "intro")]
    return world


def two_running(url: str) -> World:
    world = make(url, PLAIN, ADA)
    world.add(AUTUMN)
    world.enrol(ADA, sequence="Autumn")
    world.tick()
    return world


class TestPause:
    def test_reads_back_what_was_frozen_and_what_comes_next(self, world: World) -> None:
        world.later(days=1, hours=21)

        answer = world.say(f"pause {ADA} until June 15 because she is travelling")

        assert answer.title == f"Paused {ADA} in Spring until Tuesday 15 June 2027 (Europe/Berlin)."
        assert answer.lines == (
            "It wakes on Wednesday 16 June 2027, 00:00 (Europe/Berlin).",
            "2 days 3 hours remain of the delay before step 2, frozen.",
            "Next: step 2 “Did it reach you, Ada?” on Friday 18 June 2027, 03:00 (Europe/Berlin).",
        )
        assert answer.card_leads == (world.lead_id(ADA),)
        assert answer.batch_id is not None
        [hold] = world.holds(ADA)
        assert (hold.author, hold.reason) == ("U0ANA", "she is travelling")

    def test_of_one_that_a_colleague_holds_names_their_hold(self, world: World) -> None:
        world.say(f"pause {ADA} because she asked", actor=BEN)
        world.later(days=1)

        assert world.say(f"pause {ADA}").lines[:2] == (
            "Held before as well: paused by Ben since Tuesday 1 June 2027, 10:00 (Europe/Berlin): she asked.",
            "It goes on only once both holds have ended.",
        )
        again = world.say(f"pause {ADA} until June 15").lines  # in place of one's own
        assert [line[:31] for line in again[:2]] == [
            "Held before as well: paused by ",
            "It does not wake then, since an",
        ]
        assert [hold.author for hold in world.holds(ADA)] == ["U0BEN", "U0ANA"]

    def test_sends_nothing_until_somebody_resumes(self, world: World) -> None:
        world.say(f"pause {ADA}")

        assert world.run_until(START + timedelta(days=30), timedelta(hours=12)) == [
            (START + timedelta(days=4), BOB, "nudge"),
            (START + timedelta(days=7), BOB, "close"),
        ]

    def test_with_a_date_wakes_at_exactly_the_announced_moment(self, world: World) -> None:
        world.later(days=1, hours=21)
        world.say(f"pause {ADA} until June 15")

        sent = [line for line in world.run_until(datetime(2027, 6, 30, tzinfo=UTC)) if line[1] == ADA]

        assert sent[0] == (datetime(2027, 6, 18, 1, tzinfo=UTC), ADA, "nudge")
        [line] = [line for line in world.journal("release") if line.became == "pending"]
        assert line.actor == "system"

    @pytest.mark.parametrize(
        ("other", "says", "leaves"),
        [
            (
                "",
                "It does not wake then, since another hold has no end.",
                "Next: step 2 “Did it reach you, Ada?”, sent only after somebody resumes.",
            ),
            (
                " until July 1",
                "It wakes on Friday 2 July 2027, 00:00 (Europe/Berlin), when the last of its holds ends.",
                "Next: step 2 “Did it reach you, Ada?” on Tuesday 6 July 2027, 00:00 (Europe/Berlin).",
            ),
        ],
    )
    def test_beside_a_hold_that_ends_later_says_when_it_really_goes_on(
        self, world: World, other: str, says: str, leaves: str
    ) -> None:
        world.say(f"pause {ADA}{other}", actor=BERLINER)

        answer = world.say(f"pause {ADA} until June 15 then keep")

        assert answer.lines[0].startswith(
            "Held before as well: paused by Ben since Tuesday 1 June 2027, 10:00"
        )
        assert answer.lines[1:] == (says, "4 days remain of the delay before step 2, frozen.", leaves)
        held = [
            line
            for line in world.say(f"why {ADA}").lines
            if "ends, on Friday 2 July" in line or "no end" in line
        ]
        assert len(held) == 1

    def test_before_the_start_offers_to_skip_instead(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)

        answer = world.say(f"pause {ADA}")

        assert answer.is_refusal
        assert "has not started" in answer.title
        assert [(c.label, c.command) for c in answer.choices] == [("Skip instead", f'skip {ADA} in "Spring"')]
        assert world.say(answer.choices[0].command).title == f"Skipped {ADA} in Spring."
        assert world.status(ADA) == "skipped"

    def test_with_two_running_sequences_asks_which(self, database_url: str) -> None:
        world = two_running(database_url)

        answer = world.say(f"pause {ADA} until June 15")

        assert not answer.is_refusal
        assert [choice.label for choice in answer.choices] == ["Autumn", "Spring", "All of them"]
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("pending", "pending")
        world.say(answer.choices[1].command)
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "pending")
        [hold] = world.holds(ADA)
        assert hold.until == datetime(2027, 6, 15, 22, tzinfo=UTC)

    def test_of_all_of_them_is_one_batch(self, database_url: str) -> None:
        world = two_running(database_url)

        answer = world.say(world.say(f"pause {ADA}").choices[2].command)

        assert answer.title == f"Paused {ADA} in Autumn and Spring."
        assert {hold.batch_id for s in ("Spring", "Autumn") for hold in world.holds(ADA, s)} == {
            answer.batch_id
        }

    def test_also_holds_what_has_not_started_when_something_runs(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)
        world.tick()
        world.add(AUTUMN)
        world.enrol(ADA, sequence="Autumn")

        world.say(f"pause {ADA}")

        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("paused", "paused")
        assert world.run_until(START + timedelta(days=9), timedelta(days=1)) == []

    @pytest.mark.row(4)
    def test_of_an_unknown_lead_changes_nothing_and_hints_nothing(self, world: World) -> None:
        answer = world.say("pause adam@acme.test")

        assert (answer.title, answer.is_refusal) == (
            "There is no lead adam@acme.test; nothing was changed.",
            True,
        )
        assert ADA not in answer.as_text()

    @pytest.mark.parametrize("verb", ["pause", "log", "history"])
    def test_of_an_address_that_no_lead_may_have_says_the_same(self, world: World, verb: str) -> None:
        assert world.say(f"{verb} nobody@acme.test").title.startswith("There is no lead nobody@acme.test")

    @pytest.mark.row(14)
    def test_of_a_finished_lead_is_refused(self, world: World) -> None:
        world.run_until(START + timedelta(days=8))

        answer = world.say(f"pause {ADA}")

        assert answer.is_refusal
        assert "has completed the sequence" in answer.title

    def test_again_by_the_same_person_moves_the_date(self, world: World) -> None:
        world.say(f"pause {ADA} until June 15")
        world.say(f"pause {ADA} until June 20")

        assert [hold.until for hold in world.holds(ADA)] == [datetime(2027, 6, 20, 22, tzinfo=UTC)]

    def test_of_a_company_refuses_free_mail(self, database_url: str) -> None:
        world = make(database_url, PLAIN, "ada@gmail.com")

        assert "shared by strangers" in world.say("pause @gmail.com").title

    @pytest.mark.parametrize(
        ("phrase", "labels"),
        [
            ("6/7", ["Monday 7 June 2027", "Tuesday 6 July 2027"]),
            ("September 20", ["Monday 20 September 2027"]),
        ],
    )
    def test_until_a_date_that_must_be_confirmed_asks(
        self, world: World, phrase: str, labels: list[str]
    ) -> None:
        answer = world.say(f"pause {ADA} until {phrase}")

        assert [choice.label for choice in answer.choices] == labels
        assert world.status(ADA) == "pending"
        assert (
            world.say(answer.choices[0].command).title
            == f"Paused {ADA} in Spring until {labels[0]} (Europe/Berlin)."
        )

    def test_a_reason_without_its_word_is_asked_about(self, world: World) -> None:
        answer = world.say(f"pause {ADA} until June 15 she is on tour")

        assert "Is “she is on tour” the reason?" in answer.title
        assert not answer.is_refusal
        assert world.status(ADA) == "pending"
        paused = world.say(answer.choices[0].command)
        assert "until Tuesday 15 June 2027" in paused.title
        assert "she is on tour" in str(world.say(f"why {ADA}"))

    @pytest.mark.parametrize(
        "phrase",
        ["June 15 or monday", "June 15 maybe 16", "sometime soon", "June 31 please", "June 15 because x"],
    )
    def test_what_may_be_a_part_of_the_date_is_no_reason(self, world: World, phrase: str) -> None:
        assert "the reason?" not in world.say(f"pause {ADA} until {phrase}").title

    @pytest.mark.parametrize("phrase", ["yesterday", "3 days ago", "2026", "never", "de"])
    def test_until_no_day_to_come_is_refused(self, world: World, phrase: str) -> None:
        assert world.say(f"pause {ADA} until {phrase}").is_refusal
        assert world.status(ADA) == "pending"

    def test_for_a_span_by_a_person_in_another_zone(self, world: World) -> None:
        answer = world.say(f"pause {ADA} for 3 days", actor=BEN)

        assert "until Friday 4 June 2027, 04:00 (America/New_York)" in answer.title

    def test_by_a_person_without_a_zone_uses_and_names_the_workspace(self, world: World) -> None:
        from core.people import Actor

        answer = world.say(f"pause {ADA} until June 15", actor=Actor("U0CYD", "Cyd", ""))

        assert "Europe/Berlin" in answer.title
        assert "Your profile has no time zone" in answer.lines[-1]


class TestOutUntil:
    """“Out until June 15” → held; resumes on the first working moment after it, in the lead's zone (DESIGN §2)."""

    def test_wakes_on_the_first_working_moment_in_the_lead_zone(self, database_url: str) -> None:
        world = make(database_url, OFFICE, ADA, zone="America/New_York")
        world.later(hours=5).tick()  # 09:00 in New York
        world.later(days=4)
        world.say(f"pause {ADA} until Friday June 18 because out of office")

        # The Monday after, 09:00 in New York; the delay was nearly over when the pause came.
        sent = world.run_until(datetime(2027, 6, 30, tzinfo=UTC))

        assert sent[0] == (datetime(2027, 6, 21, 13, tzinfo=UTC), ADA, "nudge")


class TestResume:
    def test_by_freeze_goes_on_where_the_countdown_stood(self, world: World) -> None:
        """4-day delay, paused on day 2, resumed later → 2 days remain."""
        world.later(days=2).say(f"pause {ADA}")
        world.later(days=20)

        answer = world.say(f"resume {ADA}")

        assert answer.title == f"Resumed {ADA} in Spring."
        assert answer.lines == (
            "Policy freeze, the sequence's own way: the countdown goes on where it stood. 2 days remain.",
            "Next: step 2 “Did it reach you, Ada?” on Friday 25 June 2027, 10:00 (Europe/Berlin).",
        )
        assert world.enrollment(ADA).due_at == world.now + timedelta(days=2)

    def test_by_keep_in_time_stands_by_the_planned_day(self, world: World) -> None:
        """Paused then resumed on day 2 → sent on the day first planned."""
        world.later(days=1).say(f"pause {ADA}")
        world.later(days=1)

        answer = world.say(f"resume {ADA} keep")

        assert "Policy keep: the date first planned stands." in answer.lines
        assert world.enrollment(ADA).due_at == START + timedelta(days=4)

    def test_by_keep_after_the_day_goes_as_soon_as_the_window_allows(self, database_url: str) -> None:
        """The same, resumed on day 7 → next open moment of the window."""
        world = make(database_url, OFFICE, ADA, zone="Europe/Berlin")
        world.tick()
        world.later(days=1).say(f"pause {ADA}")
        world.now = datetime(2027, 6, 12, 12, tzinfo=UTC)  # a Saturday

        world.say(f"resume {ADA} keep")

        assert world.enrollment(ADA).send_at == datetime(2027, 6, 14, 7, tzinfo=UTC)

    @pytest.mark.row(42)
    def test_on_a_date_says_which_day_counts(self, database_url: str) -> None:
        world = make(database_url, OFFICE, ADA, zone="Europe/Berlin")
        world.tick()
        world.say(f"pause {ADA}")

        answer = world.say(f"resume {ADA} on June 6")

        assert answer.lines == (
            (
                "The date you named counts: Sunday 6 June 2027 (Europe/Berlin). That is a Sunday, outside the window, "
                "so it is Monday 7 June 2027, 09:00 (Europe/Berlin)."
            ),
            "Next: step 2 “Did it reach you, Ada?” on Monday 7 June 2027, 09:00 (Europe/Berlin).",
        )

    @pytest.mark.row(43)
    def test_on_a_holiday_says_which_day_counts(self, database_url: str) -> None:
        world = make(
            database_url,
            OFFICE.replace("Mon-Fri", "Mon-Sun"),
            ADA,
            zone="Europe/Berlin",
            now=datetime(2027, 5, 3, 9, tzinfo=UTC),
        )
        world.tick()
        world.say(f"pause {ADA}")

        answer = world.say(f"resume {ADA} on May 6")

        assert "a public holiday (Ascension Day)" in answer.lines[0]
        assert "Friday 7 May 2027, 09:00" in answer.lines[1]

    def test_on_a_day_means_the_day_where_the_lead_is(self, database_url: str) -> None:
        world = make(database_url, OFFICE, ADA, zone="America/New_York")
        world.later(hours=5).tick()
        world.say(f"pause {ADA}")

        world.say(f"resume {ADA} on June 15")

        assert world.enrollment(ADA).send_at == datetime(2027, 6, 15, 13, tzinfo=UTC)

    def test_now_leaves_at_once(self, world: World) -> None:
        world.later(days=1).say(f"pause {ADA}")

        assert "As soon as the window allows." in world.say(f"resume {ADA} now").lines
        assert world.tick() == [(ADA, "nudge")]

    @pytest.mark.row(12)
    def test_of_a_stopped_lead_is_refused(self, world: World) -> None:
        world.say(f"stop {ADA}")

        answer = world.say(f"resume {ADA}")

        assert answer.is_refusal
        assert "was stopped for good and cannot be resumed" in answer.title
        assert world.status(ADA) == "stopped"

    def test_with_two_paused_sequences_asks_which(self, database_url: str) -> None:
        world = two_running(database_url)
        world.say(f"pause {ADA} everywhere")

        answer = world.say(f"resume {ADA}")

        assert [choice.label for choice in answer.choices] == ["Autumn", "Spring", "All of them"]
        world.say(answer.choices[2].command)
        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("pending", "pending")

    def test_releases_every_hold_and_names_them(self, world: World) -> None:
        world.say(f"pause {ADA} until June 15")
        world.say(f"pause {ADA} because she asked", actor=BEN)

        answer = world.say(f"resume {ADA}")

        assert answer.lines[-1] == (
            "Released: the hold by Ana until Wednesday 16 June 2027, 00:00 (Europe/Berlin) "
            "and the hold by Ben (she asked)."
        )
        assert world.holds(ADA) == []

    def test_a_hold_that_ends_by_its_date_releases_only_itself(self, world: World) -> None:
        world.say(f"pause {ADA} until June 15")
        world.say(f"pause {ADA}", actor=BEN)

        world.run_until(datetime(2027, 6, 20, tzinfo=UTC), timedelta(days=1))

        assert world.status(ADA) == "paused"
        assert [hold.author for hold in world.holds(ADA)] == ["U0BEN"]


class TestStop:
    def test_acts_everywhere_unless_a_sequence_is_named(self, database_url: str) -> None:
        world = two_running(database_url)

        assert world.say(f"stop {ADA} in Spring").title == f"Stopped {ADA} in Spring."
        assert world.status(ADA, "Autumn") == "pending"
        world.say(f"restart {ADA} in Spring")
        assert world.say(f"stop {ADA} because not interested").title == f"Stopped {ADA} in Autumn and Spring."
        assert world.enrollment(ADA).end_reason == "not interested"

    def test_twice_says_so(self, world: World) -> None:
        world.say(f"stop {ADA}")

        assert "is already stopped" in world.say(f"stop {ADA}").title

    def test_of_two_leads_names_both(self, world: World) -> None:
        answer = world.say(f"stop {ADA} {BOB}")

        assert answer.title == "Stopped 2 leads (2 enrollments)."
        assert [line.partition(":")[0] for line in answer.lines] == [f"{ADA} in Spring", f"{BOB} in Spring"]


class TestRuns:
    def test_skip_means_never_and_unskip_undoes_it(self, database_url: str) -> None:
        world = make(database_url, PLAIN, ADA)

        world.say(f"skip {ADA} in Spring")
        assert world.run_until(START + timedelta(days=9), timedelta(days=1)) == []
        world.say(f"unskip {ADA} in spring")

        assert world.tick() == [(ADA, "intro")]

    @pytest.mark.parametrize("verb", ["pause", "resume"])
    def test_one_that_is_skipped_is_offered_to_start(self, database_url: str, verb: str) -> None:
        world = make(database_url, PLAIN, ADA)
        world.say(f"skip {ADA} in Spring")

        answer = world.say(f"{verb} {ADA}")

        assert answer.is_refusal
        assert answer.title == (
            f"{ADA} in Spring is skipped and sends nothing. Use `unskip` to let it start."
        )
        assert [choice.label for choice in answer.choices] == ["Let it start"]
        assert world.say(answer.choices[0].command).title.startswith("Unskipped")
        assert world.status(ADA) == "pending"

    def test_skip_after_the_first_step_is_refused(self, world: World) -> None:
        assert "has already started" in world.say(f"skip {ADA} in Spring").title

    def test_start_on_a_running_lead_changes_nothing_and_says_so(self, world: World) -> None:
        before = world.enrollment(ADA)

        answer = world.say(f"start {ADA} in Spring")

        assert answer.is_refusal
        assert "is already running, at step 2; nothing was changed" in answer.title
        assert world.enrollment(ADA) == before

    def test_start_after_a_stop_begins_at_the_very_first_step(self, world: World) -> None:
        world.say(f"stop {ADA}")

        answer = world.say(f"start {ADA} in Spring")

        assert answer.lines[0] == "Run 2, from step 1."
        assert world.tick() == [(ADA, "intro")]

    def test_start_of_a_lead_that_was_never_in_it(self, world: World) -> None:
        world.add(AUTUMN)

        assert world.say(f"start {ADA} in Autumn").title == f"Started {ADA} in Autumn."

    def test_start_in_a_draft_is_refused(self, world: World) -> None:
        world.add(AUTUMN, publish=False)

        assert "is draft, so nobody can be enrolled" in world.say(f"start {ADA} in Autumn").title

    def test_restart_is_stop_and_start_in_one_batch(self, world: World) -> None:
        answer = world.say(f"restart {ADA} in Spring")

        assert answer.title == f"Restarted {ADA} in Spring."
        assert {line.batch_id for line in world.journal("restart", "start") if line.batch_id} == {
            answer.batch_id
        }
        assert (world.enrollment(ADA).run, world.enrollment(ADA).position) == (2, 0)

    def test_an_unknown_sequence_names_the_nearest(self, world: World) -> None:
        assert "Did you mean Spring?" in world.say(f"start {ADA} in Sprng").title
        for name in ("Spring outreach", "Offspring"):
            world.add(AUTUMN.replace("Autumn", name))
        assert "Did you mean Spring outreach?" in world.say(f"start {ADA} in spring out").title


class TestSteps:
    def test_resend_sends_the_last_step_once_more(self, world: World) -> None:
        answer = world.say(f"resend step {ADA}")

        assert answer.title == f"Sending the last step again to {ADA} in Spring."
        assert world.tick() == [(ADA, "intro")]
        assert world.enrollment(ADA).position == 1
        assert [delivery.attempt for delivery in world.deliveries(ADA)] == [0, 1]

    def test_resend_before_the_first_step_is_refused(self, database_url: str) -> None:
        assert "none to resend" in make(database_url, PLAIN, ADA).say(f"resend step {ADA}").title

    def test_cancel_leaves_the_next_step_out(self, world: World) -> None:
        answer = world.say(f"cancel step {ADA}")

        assert answer.lines[0] == "Step 2 “Did it reach you, Ada?” is left out."
        sent = [key for _, email, key in world.run_until(START + timedelta(days=9)) if email == ADA]
        assert sent == ["close"]
        assert [delivery.state for delivery in world.deliveries(ADA)] == ["sent", "skipped", "sent"]

    def test_cancel_with_two_running_sequences_asks(self, database_url: str) -> None:
        world = two_running(database_url)

        answer = world.say(f"cancel step {ADA}")

        assert [choice.label for choice in answer.choices] == ["Autumn", "Spring", "All of them"]
        world.say(answer.choices[0].command)
        assert (world.enrollment(ADA).position, world.enrollment(ADA, "Autumn").position) == (1, 2)


def test_nothing_that_can_be_typed_raises(world: World) -> None:
    for text in ["", "\u200b", "puase x@y.z", "pause", "x" * 5000, "undo 99", "undo abc", "settle 12 left", "settle 7 x",
                 "remind ada@acme.test on friday", "digest", "confirm", "pause everyone in Nowhere", "away until Friday",
                 "pause <!channel>", "resume 'ada@acme.test", "list in Nowhere", "paused older than x"]:  # fmt: skip
        assert world.say(text).title


def test_the_mailbox_plays_no_part_in_a_pause(world: World) -> None:
    world.change(Mailbox, down_at=world.now, down_because="password refused")

    assert world.say(f"pause {ADA}").title == f"Paused {ADA} in Spring."
