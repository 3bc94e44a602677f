"""The second article: pausing one prospect, a campaign, all campaigns; what else pauses; rescheduling."""

import pytest

from tests.stories.conftest import SPRING
from tests.stories.test_start_and_stop import SUMMER

LEADS = ("ann@x.test", "bob@x.test", "cat@y.test")
LONGER = (
    SPRING
    + """
  - id: news
    delay: 1 day
    subject: "{{ first_name }}, news"
    body: "News for {{ first_name }}."
"""
)


@pytest.fixture
def leads(world, clock):
    """Three leads in Spring, one of them in Summer as well; each has had the first mail."""
    world.publishes(SUMMER)
    world.enrols(*LEADS)
    world.enrols(LEADS[0], into="Summer")
    clock.advance(hours=1)
    return LEADS


def statuses(world, leads, into="Spring"):
    return [world.status(lead, into) for lead in leads]


def test_one_prospect_is_paused(leads, world, ana, clock, mail_to):
    ana.types("/sequence pause bob@x.test")
    assert statuses(world, leads) == ["pending", "paused", "pending"]
    clock.advance(days=10)
    assert mail_to("bob@x.test") == ["Bob, a question"]
    assert len(mail_to("cat@y.test")) == 3


def test_one_prospect_is_paused_from_the_card(leads, world, ben, team):
    ben.types("/sequence status bob@x.test")
    ben.clicks("Pause", on="✉️ bob@x.test")
    assert "Paused by Ben" in team.sees("✉️ bob@x.test", "⏸️ Paused")


def test_a_whole_campaign_is_paused_and_its_leads_keep_their_places(leads, world, ana, team, clock, mail_to):
    ana.types("/sequence status bob@x.test")
    assert "Spring is paused" in ana.types("/sequence pause sequence Spring")
    assert "was paused by Ana" in team.sees("✉️ bob@x.test", "The sequence Spring")
    clock.advance(days=10)
    assert [len(mail_to(lead)) for lead in leads] == [1 + 2, 1, 1]  # Ann goes on in Summer
    assert statuses(world, leads) == ["pending"] * 3

    ana.types("/sequence resume sequence Spring")
    clock.advance(days=1)
    assert mail_to("bob@x.test") == ["Bob, a question", "Bob, did it reach you?"]


def test_all_leads_of_a_campaign_are_paused_after_a_look(leads, world, ana, team, clock, mail_to):
    question = ana.types("/sequence pause everyone in Spring")
    assert "Pause 3 leads (3 enrollments)?" in question
    assert "ann@x.test" in question
    assert statuses(world, leads) == ["pending"] * 3, "nothing before the answer"
    assert "Paused 3 leads" in ana.clicks("Pause 3 leads")
    clock.advance(days=10)
    assert [mail for mail in mail_to("ann@x.test") if "Summer" not in mail] == ["Ann, a question"]
    assert "Summer is here" in mail_to("ann@x.test")


def test_all_campaigns_are_paused_at_once(leads, world, ana, clock):
    assert "Pause 3 leads (4 enrollments)?" in ana.types("/sequence pause everyone")
    ana.clicks("Pause 3 leads")
    before = len(world.made.mail.messages())
    clock.advance(days=30)
    assert len(world.made.mail.messages()) == before


def test_pausing_everyone_leaves_alone_who_is_not_in_progress(leads, world, ana):
    ana.types("/sequence stop bob@x.test")
    assert "Pause 2 leads (3 enrollments)?" in ana.types("/sequence pause everyone")
    ana.clicks("Pause 2 leads")
    assert statuses(world, leads) == ["paused", "stopped", "paused"]


def test_interest_on_the_phone_stops_the_prospect_or_the_whole_company(leads, world, ana, clock, mail_to):
    ana.types("/sequence stop cat@y.test because qualified")
    assert statuses(world, leads) == ["pending", "pending", "stopped"]
    assert "Stop for good 2 leads" in ana.types("/sequence stop @x.test because the company is qualified")
    assert "Stopped 2 leads" in ana.clicks("Stop for good 2 leads")
    assert statuses(world, leads) == ["stopped"] * 3
    assert world.status("ann@x.test", "Summer") == "stopped"


def test_archiving_pauses_all_that_is_scheduled(leads, world, ana, clock, mail_to):
    assert "3 leads are in it" in ana.types("/sequence archive sequence Spring")
    said = ana.clicks("Archive Spring")
    assert "everything scheduled in it is paused" in said
    clock.advance(days=30)
    assert mail_to("bob@x.test") == ["Bob, a question"]
    assert "The sequence Spring was archived by Ana" in ana.types("/sequence why bob@x.test")

    assert "Spring is paused" in ana.types("/sequence resume sequence Spring")
    ana.types("/sequence resume sequence Spring")
    clock.advance(days=3)
    assert mail_to("bob@x.test")[1:] == ["Bob, did it reach you?"]


def test_a_message_added_to_a_running_campaign_holds_who_had_finished_until_rescheduled(
    world, ana, team, clock, mail_to, dates_of_mail_to
):
    world.enrols("done@x.test")
    clock.advance(days=7)
    world.enrols("underway@x.test")
    clock.advance(hours=1)
    ana.types("/sequence pause sequence Spring")
    assert world.writes(LONGER) == ("step news added",)
    ana.types("/sequence publish sequence Spring")
    ana.clicks("Publish", on="Publish Spring as it was edited?")
    team.sees(
        "1 lead had finished Spring before step 4 was added", "[Send it to them]", "[Leave them finished]"
    )

    assert world.status("done@x.test") == "paused"
    assert "new step, not scheduled" in ana.types("/sequence why done@x.test")
    clock.advance(days=10)
    assert len(mail_to("done@x.test")) == 3
    assert (
        mail_to("underway@x.test")[-1] == "Underway, news"
    )  # for who had not finished it is just the next step

    ana.types("/sequence resume done@x.test on June 30")
    clock.until("2027-07-02")
    assert dates_of_mail_to("done@x.test")[3:] == ["Wed 30 Jun 09:00"]


def test_one_paused_prospect_is_resumed_on_a_chosen_date(leads, ana, clock, dates_of_mail_to):
    ana.types("/sequence pause bob@x.test")
    said = ana.types("/sequence resume bob@x.test on June 21")
    assert "Monday 21 June 2027" in said
    clock.advance(days=40)
    assert dates_of_mail_to("bob@x.test") == ["Tue 1 Jun 10:00", "Mon 21 Jun 09:00", "Fri 25 Jun 09:00"]


def test_a_date_is_chosen_in_a_form(leads, ana, team, clock, dates_of_mail_to):
    ana.types("/sequence pause bob@x.test")
    assert "bob@x.test in Spring" in ana.opens("Resume on a date…", on="✉️ bob@x.test")
    assert "14:30" in ana.fills_in(day="2027-06-21", time="14:30")
    clock.advance(days=21)
    assert dates_of_mail_to("bob@x.test")[1:] == ["Mon 21 Jun 14:30"]


def test_the_whole_campaign_is_resumed_on_a_chosen_date(leads, world, ana, clock, dates_of_mail_to):
    ana.types("/sequence pause everyone in Spring")
    ana.clicks("Pause 3 leads")
    clock.advance(days=10)
    assert "Resume 3 leads" in ana.types("/sequence resume everyone in Spring on June 21")
    assert "Resumed 3 leads" in ana.clicks("Resume 3 leads")
    clock.until("2027-06-22")
    assert [dates_of_mail_to(lead)[-1] for lead in leads] == ["Mon 21 Jun 09:00"] * 3


def test_undoing_a_bulk_pause_wakes_exactly_whom_it_put_to_sleep(leads, world, ana):
    ana.types("/sequence pause bob@x.test because his own request")
    ana.types("/sequence pause everyone in Spring")
    ana.clicks("Pause 3 leads")
    ana.clicks("Undo")
    assert statuses(world, leads) == ["pending", "paused", "pending"]
