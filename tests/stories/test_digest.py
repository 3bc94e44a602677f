"""The morning: the list of paused leads comes, is worked off by clicks, and says in the end that all is done."""

from datetime import UTC, datetime

import pytest

from core.schedule import local
from tests.stories.stage import BERLIN, Direct

ADA, EVE, IDA, KIM = "ada@x.test", "eve@x.test", "ida@x.test", "kim@x.test"


@pytest.fixture
def direct(world, ana):
    return Direct(world, ana)


@pytest.fixture
def morning(world, clock, ana, direct):
    """Wednesday, 8:31: of Ana's leads two have answered, one is back today and one is nobody's."""
    world.enrols(ADA, EVE, IDA, owner=ana._at.id)
    world.enrols(KIM)
    clock.settle()
    for lead in (ADA, EVE):
        world.lead(lead).answers("What would it cost?")
    ana.types(f"/sequence pause {IDA} until 2027-06-02 17:00")
    ana.types(f"/sequence pause {KIM}")
    clock.until("2027-06-02", at="08:29")
    assert not [m for m in direct.messages() if "Paused leads" in m.text]
    clock.until("2027-06-02", at="08:31")
    return direct.sees("Paused leads, Wednesday 2 June")


def test_the_list_is_worked_off_by_clicks(morning, world, direct, ana, team, clock):
    assert "1 due back today · 2 waiting for our answer" in morning
    assert morning.count("[Resume]") == 3
    team.sees(
        "Paused leads", f"{KIM} · Spring", "Ana Ruiz: 3 (1 due back today and 2 waiting for our answer)"
    )
    direct.clicks("Resume", line=IDA)
    direct.sees("Paused leads", "Due back today (done)", "Ana Ruiz resumed it", "1 of 3 done")
    direct.clicks("+1 week", line=ADA)
    direct.sees("Paused leads", "2 of 3 done")
    assert "All done" not in direct.sees("Paused leads", "2 of 3 done")
    direct.clicks("Stop", line=EVE)
    done = direct.sees("Paused leads", "All done: 3 of 3.")
    assert "[Resume]" not in done
    assert [world.status(lead) for lead in (IDA, ADA, EVE)] == ["pending", "paused", "stopped"]
    team.sees("Paused leads", "Ana Ruiz: all done", "3 of 4 done")
    ana.clicks("Resume", on="Paused leads")
    team.sees("Paused leads", "All done: 4 of 4.")
    clock.until("2027-06-03", at="12:00")
    assert len([m for m in direct.messages() if "Paused leads" in m.text]) == 1


def test_a_lead_is_answered_from_its_line(morning, direct):
    direct.opens("Reply…", line=ADA)
    direct.fills_in(**{"Your answer": "Nothing, for a year."})
    done = direct.sees(
        "Paused leads", "Ana Ruiz answered it", "1 of 3 done", "Waiting for an answer from us (1)"
    )
    assert done.count("[Reply…]") == 1


def test_a_restart_in_the_middle_changes_nothing(morning, world, direct, clock):
    direct.clicks("Resume", line=ADA)
    direct.sees("Paused leads", "1 of 3 done")
    for part in ("bot", "sender"):
        getattr(world, f"stop_{part}")()
        getattr(world, f"start_{part}")()
    clock.advance(hours=1)
    direct.clicks("Stop", line=EVE)
    direct.sees("Paused leads", "2 of 3 done")
    assert len([m for m in direct.messages() if "Paused leads" in m.text]) == 1


def test_a_worker_that_was_away_in_the_morning_sends_it_late(world, clock, ana, direct):
    world.enrols(ADA, owner=ana._at.id)
    clock.settle()
    ana.types(f"/sequence pause {ADA}")
    clock.settle()
    world.stop_sender()
    clock.jump(hours=26)
    assert not [m for m in direct.messages() if "Paused leads" in m.text]
    world.start_sender()
    clock.settle()
    direct.sees("Paused leads, Wednesday 2 June", "Paused without an end date (1)")


def test_a_date_is_chosen_in_a_form(morning, world, direct, ana):
    direct.opens("Resume on a date…", line=ADA)
    direct.fills_in(day="2027-06-21", time="14:30")
    direct.sees("Paused leads", "1 of 3 done")
    assert world.status(ADA) == "pending"


def test_resume_all_due_asks_first(world, clock, ana, direct):
    world.enrols(ADA, EVE, owner=ana._at.id)
    clock.settle()
    for lead in (ADA, EVE):
        ana.types(f"/sequence pause {lead} until 2027-06-02 17:00")
    clock.until("2027-06-02", at="08:31")
    direct.sees("Due back today (2)")
    direct.clicks("Resume all due")
    direct.sees("Resume 2 leads (2 enrollments)?")
    assert world.status(ADA) == "paused"
    direct.clicks("Resume 2 leads")
    direct.sees("Paused leads", "All done: 2 of 2.")


def test_digest_now_at_another_time_and_off(morning, ana, direct, clock):
    assert "comes in our direct messages" in ana.types("/sequence digest now")
    direct.sees("what is left stands on the newer list below")
    assert "at 10:00 from Monday to Friday" in ana.types("/sequence digest at 10:00")
    clock.until("2027-06-03", at="09:59")
    lists = [m for m in direct.messages() if "Paused leads" in m.text]
    assert len(lists) == 2
    clock.until("2027-06-03", at="10:01")
    direct.sees("Paused leads, Thursday 3 June")
    assert "is off" in ana.types("/sequence digest off")
    clock.until("2027-06-04", at="12:00")
    assert len([m for m in direct.messages() if "Paused leads" in m.text]) == 3


def test_a_clock_that_is_moved_by_days_posts_each_list_at_its_hour(world, clock, ana, ben, direct):
    world.enrols(ADA, owner=ana._at.id)
    clock.settle()
    ana.types(f"/sequence pause {ADA}")
    clock.until("2027-06-04", at="12:00")
    posted = [
        local(datetime.fromtimestamp(float(m.ts), UTC), BERLIN)
        for m in direct.messages()
        if "Paused leads" in m.text
    ]
    assert [(at.day, f"{at:%H:%M}") for at in posted] == [(2, "08:30"), (3, "08:30"), (4, "08:30")]
