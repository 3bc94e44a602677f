"""A hold ends by itself; the working day before, the owner sees in person what would be sent, and has a say."""

import pytest

from tests.stories.stage import Direct

LEAD = "lead@x.test"


@pytest.fixture
def direct(world, ana):
    return Direct(world, ana)


@pytest.fixture
def told(world, clock, ana, direct):
    """Ana's lead is paused until Tuesday 15 June; on that morning she is told."""
    world.enrols(LEAD, owner=ana._at.id, zone="Europe/Berlin")
    clock.settle()
    ana.types("/sequence digest off")
    ana.types(f"/sequence pause {LEAD} until June 15")
    clock.until("2027-06-15", at="08:59")
    assert direct.messages() == []
    clock.until("2027-06-15", at="09:01")
    return direct.sees(f"The pause of {LEAD} ends on Wednesday 16 June 2027, 09:00")


def test_the_owner_sees_the_exact_next_mail(told):
    assert (
        "Spring: step 2 “Lead, did it reach you?” leaves on Friday 18 June 2027, 09:00 (Europe/Berlin)."
        in told
    )
    for button in ("[As planned]", "[+1 week]", "[Stop]"):
        assert button in told


def test_as_planned(told, direct, clock, dates_of_mail_to):
    direct.clicks("As planned")
    direct.sees(f"As planned: the pause of {LEAD} ends on Wednesday 16 June")
    direct.sees("was to end on", "Ana Ruiz answered on Tuesday 15 June 2027", "as planned")
    clock.until("2027-06-18", at="12:00")
    assert dates_of_mail_to(LEAD) == ["Tue 1 Jun 10:00", "Fri 18 Jun 09:00"]


def test_one_week_later(told, direct, clock, mail_to):
    direct.clicks("+1 week")
    direct.sees(f"Paused {LEAD} in Spring for one week more.")
    clock.until("2027-06-22", at="12:00")
    assert len(mail_to(LEAD)) == 1
    direct.sees(f"The pause of {LEAD} ends on Wednesday 23 June 2027, 09:00")
    clock.until("2027-06-25", at="12:00")
    assert len(mail_to(LEAD)) == 2


def test_stop(told, world, direct, clock, mail_to):
    direct.clicks("Stop")
    direct.sees(f"Stopped {LEAD} in Spring.")
    clock.until("2027-07-01")
    assert len(mail_to(LEAD)) == 1
    assert world.status(LEAD) == "stopped"


def test_somebody_was_faster(told, direct, ben):
    ben.types(f"/sequence resume {LEAD}")
    direct.sees("The pause of", "Ben", "changed that on")
