"""The fifth article: a contact paused in a sequence gets neither emails nor tasks; unpausing and rescheduling."""

import pytest

from tests.stories.stage import Direct
from tests.stories.test_start_and_stop import SUMMER

TWO_STEPS = """
sequence: Two steps
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
resume: keep
steps:
  - subject: First
    body: "First: answer STOP to opt out."
  - delay: 5 days
    subject: Second
    body: "Second: answer STOP to opt out."
"""
WITH_A_CALL = """
sequence: Calls
zone: Europe/Berlin
steps:
  - subject: Shall I call?
    body: "May I? Answer STOP to opt out."
  - kind: task
    delay: 1 day
    title: Call {{ first_name }}
  - subject: After the call
    delay: 1 day
    body: "Thanks. Answer STOP to opt out."
"""
CONTACTS = ("ann@x.test", "bob@x.test", "cat@y.test")


@pytest.fixture
def contacts(world, clock):
    """Ann and Bob are in Spring, Ann and Cat in Summer; each has had the first mail."""
    world.publishes(SUMMER)
    world.enrols("ann@x.test", "bob@x.test")
    world.enrols("ann@x.test", "cat@y.test", into="Summer")
    clock.advance(hours=1)
    return CONTACTS


def test_task_goes_to_its_person_who_has_never_spoken(world, ben, clock):
    world.publishes(WITH_A_CALL)
    world.enrols("ann@x.test", into="Calls", owner="U0BEN")
    clock.advance(days=1, hours=1)
    assert "for Ben Okafor" in Direct(world, ben).sees("📋 Call Ann", "To do")


def test_owner_who_has_never_spoken_is_named_on_card_and_in_answers(world, ana, team):
    world.enrols("ann@x.test", owner="U0BEN")
    ana.types("/sequence status ann@x.test")
    assert "owner Ben Okafor" in team.sees("✉️ ann@x.test")


def test_owner_who_is_in_no_slack_stays_an_id(world, ana, team):
    world.enrols("ann@x.test", owner="U0GONE")
    ana.types("/sequence status ann@x.test")
    assert "owner U0GONE" in team.sees("✉️ ann@x.test")


def test_preview_of_a_bulk_act_names_owners_who_have_never_spoken(world, ana, clock):
    world.enrols(*(f"x{n}@x.test" for n in range(12)), owner="U0BEN")
    clock.settle()
    assert "Owners: Ben Okafor (12)" in ana.types("/sequence pause @x.test")


def test_tasks_of_a_paused_contact_do_not_appear(world, ana, team, clock, mail_to):
    world.publishes(WITH_A_CALL)
    world.enrols("ann@x.test", into="Calls")
    clock.advance(days=1, hours=1)
    assert "[Done] [Skip]" in team.sees("📋 Call Ann", "To do")

    said = ana.types("/sequence pause ann@x.test until Friday")
    assert "The task of step 2 is hidden until then." in said
    assert "Next: step 2 “Call Ann”, back on Monday 7 June 2027, 00:00 (Europe/Berlin)." in said
    assert "only after somebody resumes" in ana.types("/sequence pause ann@x.test")
    task = team.sees("📋 Call Ann", "Waiting: the lead is paused")
    assert "[Done]" not in task
    clock.advance(days=5)
    assert mail_to("ann@x.test") == ["Shall I call?"]

    ana.types("/sequence resume ann@x.test")
    team.sees("📋 Call Ann", "To do")
    ana.clicks("Done", on="📋 Call Ann")
    clock.advance(days=2)
    assert mail_to("ann@x.test") == ["Shall I call?", "After the call"]


def test_a_task_goes_to_the_sequences_own_channel_and_is_redrawn_there(world, ana, clock):
    world.publishes(WITH_A_CALL.replace("zone:", 'channel: "#general"\nzone:'))
    world.enrols("ann@x.test", into="Calls")
    clock.advance(days=1, hours=1)
    ana.sees("📋 Call Ann", "To do", channel="#general")
    ana.types("/sequence pause ann@x.test")
    ana.sees("📋 Call Ann", "Waiting: the lead is paused", channel="#general")


def test_of_several_contacts_only_those_in_the_chosen_sequence_are_paused(
    contacts, world, ana, clock, mail_to
):
    said = ana.types("/sequence pause ann@x.test bob@x.test cat@y.test in Spring")
    assert "Paused 2 leads (2 enrollments)" in said
    assert [world.status("ann@x.test"), world.status("bob@x.test")] == ["paused", "paused"]
    assert [world.status("ann@x.test", "Summer"), world.status("cat@y.test", "Summer")] == [
        "pending",
        "pending",
    ]
    clock.advance(days=10)
    assert mail_to("ann@x.test") == ["Ann, a question", "Summer is near", "Summer is here"]


def test_of_several_contacts_only_those_in_the_chosen_sequence_are_unpaused(contacts, world, ana):
    ana.types("/sequence pause everyone")
    ana.clicks("Pause 3 leads")
    ana.types("/sequence resume ann@x.test bob@x.test cat@y.test in Summer")
    assert [world.status("ann@x.test"), world.status("bob@x.test")] == ["paused", "paused"]
    assert [world.status("ann@x.test", "Summer"), world.status("cat@y.test", "Summer")] == [
        "pending",
        "pending",
    ]


def test_a_contact_in_two_sequences_is_asked_about(contacts, world, ana, clock):
    question = ana.types("/sequence pause ann@x.test")
    assert "ann@x.test is running in Spring and Summer. Which do you want to pause?" in question
    assert "[Spring] [Summer] [All of them]" in question
    assert "Paused ann@x.test in Summer." in ana.clicks("Summer")
    assert [world.status("ann@x.test"), world.status("ann@x.test", "Summer")] == ["pending", "paused"]
    assert "Resumed ann@x.test in Summer." in ana.types("/sequence resume ann@x.test")


def test_paused_contacts_are_filtered(contacts, ana):
    ana.types("/sequence pause bob@x.test")
    found = ana.types("/sequence list paused")
    assert "1 lead paused." in found
    assert "bob@x.test in Spring" in found
    assert "cat@y.test" not in found


def test_unpaused_two_days_after_the_first_of_two_steps_the_second_keeps_its_slot(
    world, ana, clock, dates_of_mail_to
):
    world.publishes(TWO_STEPS)
    clock.until("2027-06-02")
    world.enrols("ann@x.test", into="Two steps")
    clock.until("2027-06-03")
    ana.types("/sequence pause ann@x.test")
    clock.until("2027-06-04")  # two days after the first step: three remain
    ana.types("/sequence resume ann@x.test")
    clock.advance(days=30)
    assert dates_of_mail_to("ann@x.test") == ["Wed 2 Jun 10:00", "Mon 7 Jun 10:00"]


def test_unpaused_after_the_five_days_the_second_leaves_as_soon_as_possible(
    world, ana, clock, dates_of_mail_to
):
    world.publishes(TWO_STEPS)
    clock.until("2027-06-02")
    world.enrols("ann@x.test", into="Two steps")
    clock.until("2027-06-03")
    ana.types("/sequence pause ann@x.test")
    clock.until("2027-06-09", at="11:00")
    ana.types("/sequence resume ann@x.test")
    clock.advance(days=30)
    assert dates_of_mail_to("ann@x.test") == ["Wed 2 Jun 10:00", "Wed 9 Jun 11:00"]


def test_the_same_two_ways_are_there_for_each_resume(world, ana, clock, dates_of_mail_to):
    world.publishes(TWO_STEPS)
    clock.until("2027-06-02")
    world.enrols("ann@x.test", "bob@x.test", into="Two steps")
    clock.until("2027-06-03")
    ana.types("/sequence pause ann@x.test bob@x.test")
    clock.until("2027-06-04")
    ana.types("/sequence resume ann@x.test freeze")
    ana.types("/sequence resume bob@x.test keep")
    clock.advance(days=30)
    assert dates_of_mail_to("ann@x.test")[1:] == ["Tue 8 Jun 10:00"]
    assert dates_of_mail_to("bob@x.test")[1:] == ["Mon 7 Jun 10:00"]
