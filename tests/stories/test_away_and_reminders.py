"""A person goes away, a colleague covers, a lead is remembered: told in Slack, with the days that pass."""

import pytest

from tests.stories.stage import Direct

ADA, EVE, IDA = "ada@x.test", "eve@x.test", "ida@x.test"


@pytest.fixture
def direct(world, ana):
    return Direct(world, ana)


@pytest.fixture
def begun(world, clock, ana):
    """Ada, Eve and Ida are Ana's; all have had the first step, Ida is paused."""
    world.enrols(ADA, EVE, IDA, owner=ana._at.id)
    clock.settle()
    ana.types(f"/sequence pause {IDA}")


@pytest.mark.usefixtures("begun")
def test_leads_wait_for_their_owner_and_go_on_after_the_return(world, clock, ana, direct):
    said = ana.types("/sequence away until Friday")
    assert "back on Monday 7 June 2027, 09:00" in said
    assert "What was paused before stays paused." in said
    clock.until("2027-06-07", at="08:59")
    assert [world.status(lead) for lead in (ADA, EVE, IDA)] == ["paused"] * 3
    clock.until("2027-06-07", at="09:01")
    direct.sees(
        "Welcome back, Ana", "1 lead of yours is paused until somebody resumes", "2 enrollments paused"
    )
    clock.until("2027-06-08", at="18:00")
    assert [world.status(lead) for lead in (ADA, EVE, IDA)] == ["pending", "pending", "paused"]


@pytest.mark.usefixtures("begun")
def test_a_cover_gets_the_owners_cards(world, clock, ana, ben):
    said = ana.types("/sequence away until June 10 cover @ben")
    assert "gets the cards, questions and reminders of your 3 leads" in said
    Direct(world, ben).sees("You cover for Ana Ruiz until")
    assert world.status(ADA) == "pending"
    ana.types("/sequence back")
    Direct(world, ben).sees("Ana Ruiz's leads are no longer with you")


@pytest.mark.usefixtures("begun")
def test_a_reminder_comes_on_its_day_and_its_buttons_act(world, clock, ana, direct):
    said = ana.types(f"/sequence remind {IDA} on June 2 because ask for the logo")
    assert "Wednesday 2 June 2027, 09:00 (Europe/Berlin)" in said
    clock.until("2027-06-02", at="08:59")
    assert not [m for m in direct.messages() if "Reminder" in m.text]
    clock.until("2027-06-02", at="09:01")
    shown = direct.sees("Reminder", IDA, "ask for the logo")
    assert "[Resume]" in shown
    direct.clicks("Resume")
    direct.sees("Reminder", "step 2 of 3: pending, next")
    assert world.status(IDA) == "pending"
    direct.clicks("+1 week")
    direct.sees("Reminder", "to be reminded again on Wednesday 9 June 2027, 09:00")
    direct.sees("comes again on Wednesday 9 June", "[↩️ Undo]")
    direct.clicks("↩️ Undo")
    direct.sees(f"The reminder of {IDA} asks again.")
    direct.clicks("Tomorrow")
    direct.sees("Reminder", "to be reminded again on Thursday 3 June 2027, 09:00")
    clock.until("2027-06-03", at="09:01")
    again = direct.sees("Reminder", "ask for the logo", "[Done]")
    assert "who is away" not in again


@pytest.mark.usefixtures("begun")
def test_a_lead_is_given_to_somebody_who_has_never_spoken(ana, team):
    said = ana.types(f"/sequence owner {ADA} @ben")
    assert "is Ben Okafor's now." in said
    assert "Ana Ruiz" in said
    team.sees(ADA, "owner Ben Okafor")
