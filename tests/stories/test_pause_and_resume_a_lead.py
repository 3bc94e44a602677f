"""The third article: pausing and resuming one lead, step by step, and everything it tells about it."""

import pytest

from core import goal_file
from core.goals import library
from core.models import Mailbox
from sandbox.faults import Faults
from tests.stories.conftest import SPRING
from tests.stories.stage import SETTLING

LEAD = "lead@x.test"


@pytest.fixture
def lead(world, clock):
    """A lead who has had the first mail, with the card in the channel."""
    world.enrols(LEAD)
    clock.advance(hours=1)
    return LEAD


# Pausing by hand


def test_paused_from_the_card_the_status_changes_and_nothing_is_sent(lead, world, ana, team, clock, mail_to):
    ana.types(f"/sequence status {lead}")
    ana.clicks("Pause")
    team.sees("⏸️ Paused · Spring")
    clock.advance(days=30)
    assert (world.status(lead), mail_to(lead)) == ("paused", ["Lead, a question"])


def test_the_place_is_kept_and_the_countdown_frozen(lead, world, ana, team, clock):
    said = ana.types(f"/sequence pause {lead}")
    assert "1 day 23 hours remain of the delay before step 2, frozen." in said
    clock.advance(days=30)
    assert "step 2 of 3" in team.sees("⏸️ Paused · Spring")


def test_it_goes_on_from_the_same_place(lead, world, ana, team, clock, mail_to):
    ana.types(f"/sequence pause {lead}")
    clock.advance(days=13)  # Monday
    ana.clicks("Resume")
    team.sees("⏳ Pending · Spring · step 2 of 3")
    clock.advance(days=2)
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?"]


def test_a_sequence_no_longer_of_use_is_stopped_instead_of_resumed(lead, ana, team, clock, mail_to):
    ana.types(f"/sequence pause {lead}")
    assert "Stopped lead@x.test in Spring." in ana.clicks("Stop")
    team.sees("⏹️ Stopped · Spring")
    clock.advance(days=30)
    assert mail_to(lead) == ["Lead, a question"]


# Finding who is paused


def test_paused_leads_are_found_and_resumed_from_the_list(lead, world, ana, clock):
    world.enrols("other@x.test")
    clock.advance(hours=1)
    ana.types(f"/sequence pause {lead} because said thanks")
    found = ana.types("/sequence paused in Spring")
    assert "1 lead paused in Spring" in found
    assert "lead@x.test in Spring Paused by Ana Ruiz since Tuesday 1 June 2027" in found
    assert "said thanks" in found
    assert "other@x.test" not in found
    ana.clicks("Resume", on="1 lead paused in Spring")
    assert world.status(lead) == "pending"
    assert "No lead is paused" in ana.types("/sequence paused")


def test_the_weekly_look_at_who_has_been_paused_too_long(lead, world, ana, clock):
    ana.types(f"/sequence pause {lead}")
    clock.advance(days=8)
    world.enrols("late@x.test")
    clock.advance(hours=1)
    ana.types("/sequence pause late@x.test")
    found = ana.types("/sequence paused older than 7 days")
    assert "1 lead paused for longer than 7 days" in found
    ana.clicks("Stop", on="1 lead paused for longer")
    assert (world.status(lead), world.status("late@x.test")) == ("stopped", "paused")


# Common use cases


def test_thanks_is_paused_reviewed_and_resumed(lead, world, ana, ben, team, clock, mail_to):
    ana.types(f'/sequence pause {lead} because "answered: Thanks"')
    assert "answered: Thanks" in team.sees("⏸️ Paused")
    history = ben.types(f"/sequence history {lead}")
    assert "answered: Thanks" in history
    assert "“Lead, a question” (step 1 of Spring) was sent" in history
    ben.clicks("Resume", on="✉️")
    clock.advance(days=2)
    assert len(mail_to(lead)) == 2


def test_out_until_june_15_comes_back_by_itself(lead, world, ana, team, clock, mail_to):
    said = ana.types(f"/sequence pause {lead} until June 15 because out of office")
    assert "until Tuesday 15 June 2027" in said
    clock.until("2027-06-15")
    assert mail_to(lead) == ["Lead, a question"]
    clock.until("2027-06-16")
    assert "a hold ended" in team.sees("⏳ Pending · Spring · step 2 of 3")
    clock.until("2027-06-19")
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?"]


def test_a_call_is_handled_by_hand_and_the_sequence_then_stopped(lead, world, ben, clock, mail_to):
    ben.types(f"/sequence pause {lead} because asked for a call")
    clock.advance(days=3)
    ben.types(f"/sequence stop {lead} because bought on the phone")
    clock.advance(days=30)
    assert mail_to(lead) == ["Lead, a question"]
    assert "bought on the phone" in ben.types(f"/sequence why {lead}")


def test_a_meeting_booked_on_the_phone_pauses_until_it_is_over(lead, ana, clock, dates_of_mail_to):
    ana.types(f"/sequence pause {lead} until 9 June 16:00 because meeting")
    clock.advance(days=30)
    assert dates_of_mail_to(lead)[1:] == ["Fri 11 Jun 15:00", "Tue 15 Jun 15:00"]


# Pause, stop, skip


def test_who_has_not_started_cannot_be_paused_but_skipped(world, ana, clock, mail_to):
    clock.until("2027-06-01", at="20:00")  # outside the window: nothing has left yet
    world.enrols(LEAD)
    said = ana.types(f"/sequence pause {LEAD}")
    assert "has not started in Spring yet, so there is nothing to pause" in said
    assert "[Skip instead]" in said
    assert "Skipped lead@x.test in Spring." in ana.clicks("Skip instead")
    clock.advance(days=30)
    assert (world.status(LEAD), mail_to(LEAD)) == ("skipped", [])
    assert "1 skipped" in ana.types("/sequence sequences")  # it stays in the sequence


def test_skipped_before_launch_and_let_in_after_all(world, ana, team, clock, mail_to):
    clock.until("2027-06-01", at="20:00")
    world.enrols(LEAD)
    ana.types(f"/sequence skip {LEAD} in Spring")
    ana.types(f"/sequence status {LEAD}")
    ana.clicks("Let it start")
    clock.until("2027-06-02")
    assert mail_to(LEAD) == ["Lead, a question"]
    assert "has already started. Use `pause` or `stop` instead." in ana.types(
        f"/sequence skip {LEAD} in Spring"
    )


def test_a_stop_is_for_good(lead, world, ana, clock, mail_to):
    ana.types(f"/sequence stop {lead}")
    assert "was stopped for good and cannot be resumed. Use `start`" in ana.types(f"/sequence resume {lead}")
    assert world.status(lead) == "stopped"


# Troubleshooting


def test_a_mail_that_was_on_its_way_is_waited_for_and_named(world, ana, clock, mail_to):
    world.made.sink.script = Faults("dot:delay=1.5")
    world.enrols(LEAD)
    world.made.workspace.wait_for(lambda: world.status(LEAD) == "in_progress", 10)
    said = ana.types(f"/sequence pause {LEAD}")
    assert mail_to(LEAD) == ["Lead, a question"], "the answer came before the mail it speaks of"
    assert "“Lead, a question”" in said
    assert "10:00:0" in said  # with its time
    clock.advance(days=30)
    assert mail_to(LEAD) == ["Lead, a question"]


def test_resumed_and_still_no_mail_the_campaign_is_paused(lead, ana):
    ana.types("/sequence pause sequence Spring")
    ana.types(f"/sequence pause {lead}")
    ana.types(f"/sequence resume {lead}")
    assert "The sequence Spring was paused by Ana" in ana.types(f"/sequence why {lead}")


def test_resumed_and_still_no_mail_the_sender_is_disconnected(lead, world, ana, clock):
    with world.made.desk.db.write() as session:
        mailbox = session.get_one(Mailbox, 1)
        mailbox.down_at, mailbox.down_because = clock.now, "it refuses the password"
    said = ana.types(f"/sequence why {lead}")
    assert "ana@northwind.example is disconnected since Tuesday 1 June 2027" in said
    assert "it refuses the password" in said


def test_resumed_and_still_no_mail_it_is_outside_the_window(lead, ana, clock):
    ana.types(f"/sequence pause {lead}")
    clock.until("2027-06-05")
    ana.types(f"/sequence resume {lead} now")
    said = ana.types(f"/sequence why {lead}")
    assert (
        "outside the sending window (Saturday) in Europe/Berlin; it opens on Monday 7 June 2027, 09:00"
        in said
    )


def test_resumed_and_still_no_mail_another_rule_stopped_it_after_a_different_act(lead, world, ana):
    with world.made.desk.db.write() as session:
        goal = goal_file.load("goal: Customer\nwhen: {tag: customer}\nstop: [Spring]\n")
        library.save(session, goal, actor=SETTLING, now=world.made.clock.now())
    ana.types(f"/sequence pause {lead}")
    ana.types(f"/sequence resume {lead}")
    ana.types(f"/sequence tag {lead} customer")
    said = ana.types(f"/sequence why {lead}")
    assert "It was stopped by the goal Customer on Tuesday 1 June 2027" in said


def test_the_original_sender_is_kept_though_the_sequence_gets_another_one(lead, world, ana, clock, mail_to):
    with world.made.desk.db.write() as session:
        first = session.get_one(Mailbox, 1)
        session.add(Mailbox(**first.model_dump(exclude={"id", "address"}), address="ben@northwind.example"))
    ana.types(f"/sequence pause {lead}")
    ana.types("/sequence pause sequence Spring")
    world.publishes(SPRING.replace("zone:", "mailboxes: [ben@northwind.example]\nzone:"))
    ana.types(f"/sequence resume {lead}")
    clock.advance(days=3)
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?"]
    assert {mail["from"] for mail in world.made.mail.messages()} == {"Ana Ruiz <ana@northwind.example>"}


def test_every_reason_at_once_the_strongest_first(lead, world, ana, ben):
    ben.types("/sequence halt because of the merger")
    ana.types("/sequence pause sequence Spring")
    ana.types(f"/sequence pause {lead} because asked for it")
    said = ana.types(f"/sequence why {lead}")
    places = [
        said.index(words)
        for words in ("Paused by Ana", "All sending was halted by Ben", "The sequence Spring")
    ]
    assert places == sorted(places)
