"""The main job and the worked examples of DESIGN §2, on both databases."""

import pytest

LEAD = "lead@x.test"
FIVE_DAYS = """
sequence: Five days
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
resume: keep
steps:
  - id: one
    subject: One
    body: "One: answer STOP to opt out."
  - id: two
    delay: 5 days
    subject: Two
    body: "Two: answer STOP to opt out."
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request):
    """The core handful plays on both databases."""
    return request.getfixturevalue(f"{request.param}_url")


def test_the_main_job(world, ana, team, clock, mail_to):
    world.enrols(LEAD, "other@x.test")
    clock.advance(hours=1)
    assert mail_to(LEAD) == ["Lead, a question"]

    said = ana.types(f"/sequence pause {LEAD} until June 15")
    assert f"Paused {LEAD} in Spring until Tuesday 15 June 2027 (Europe/Berlin)." in said
    assert "It wakes on Wednesday 16 June 2027, 09:00 (Europe/Berlin)." in said
    assert "1 day 23 hours remain of the delay before step 2, frozen." in said
    team.sees("⏸️ Paused · Spring", LEAD)

    clock.advance(days=10)
    assert mail_to(LEAD) == ["Lead, a question"]
    assert mail_to("other@x.test") == ["Other, a question", "Other, did it reach you?", "Other, a last word"]

    said = ana.clicks("Resume", on=LEAD)
    assert f"Resumed {LEAD} in Spring." in said
    assert "the countdown goes on where it stood. 1 day 23 hours remain." in said
    team.sees("⏳ Pending · Spring", LEAD)
    clock.advance(days=3)
    assert mail_to(LEAD) == ["Lead, a question", "Lead, did it reach you?"]


def test_four_day_delay_paused_on_day_2_has_two_days_left_whenever_it_resumes(
    world, ana, clock, dates_of_mail_to
):
    world.enrols(LEAD)
    clock.until("2027-06-05")  # Saturday: day 2 of the four days before step 3
    assert dates_of_mail_to(LEAD) == ["Tue 1 Jun 10:00", "Thu 3 Jun 10:00"]
    assert "2 days remain of the delay before step 3, frozen." in ana.types(f"/sequence pause {LEAD}")

    clock.until("2027-06-30")
    assert "2 days remain." in ana.types(f"/sequence resume {LEAD}")
    clock.until("2027-07-20")
    assert dates_of_mail_to(LEAD)[2:] == ["Fri 2 Jul 10:00"]


def test_five_day_delay_resumed_on_day_2_leaves_on_the_day_first_planned(world, ana, clock, dates_of_mail_to):
    world.publishes(FIVE_DAYS)
    clock.until("2027-06-02")
    world.enrols(LEAD, into="Five days")
    clock.until("2027-06-04", at="09:30")
    ana.types(f"/sequence pause {LEAD}")
    clock.until("2027-06-04", at="15:00")
    assert "Policy keep, the sequence's own way: the date first planned stands." in ana.clicks("Resume")
    clock.advance(days=20)
    assert dates_of_mail_to(LEAD) == ["Wed 2 Jun 10:00", "Mon 7 Jun 10:00"]


def test_five_day_delay_resumed_on_day_7_leaves_as_soon_as_the_window_allows(
    world, ana, clock, dates_of_mail_to
):
    world.publishes(FIVE_DAYS)
    clock.until("2027-06-02")
    world.enrols(LEAD, into="Five days")
    clock.until("2027-06-04")
    ana.types(f"/sequence pause {LEAD}")
    clock.until("2027-06-09", at="21:15")
    assert "Thursday 10 June 2027, 09:00 (Europe/Berlin)" in ana.types(f"/sequence resume {LEAD}")
    clock.advance(days=20)
    assert dates_of_mail_to(LEAD) == ["Wed 2 Jun 10:00", "Thu 10 Jun 09:00"]


def test_out_until_june_15_resumes_on_the_first_working_moment_after_it_in_the_leads_zone(
    world, ana, team, clock, dates_of_mail_to
):
    world.enrols(LEAD, zone="America/New_York")
    clock.until("2027-06-02", at="15:00")
    assert dates_of_mail_to(LEAD) == ["Tue 1 Jun 15:00"]  # nine o'clock in New York

    said = ana.types(f'/sequence pause {LEAD} until June 15 because "out until June 15"')
    assert "It wakes on Wednesday 16 June 2027, 15:00 (Europe/Berlin)." in said
    clock.until("2027-06-16", at="14:45")
    assert world.status(LEAD) == "paused"
    clock.until("2027-06-16", at="15:05")
    team.sees("⏳ Pending · Spring", LEAD)
    clock.advance(days=4)
    assert dates_of_mail_to(LEAD)[1:] == ["Thu 17 Jun 15:00"]
