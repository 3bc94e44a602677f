"""The sender was away for two days. What should have left meanwhile waits for a person, and leaves as that person says."""

from collections import Counter

import pytest

EARLY = [f"early{number}@x.test" for number in range(30)]
LATE = [f"late{number}@x.test" for number in range(30)]
EVERYBODY = (*EARLY, *LATE)


@pytest.fixture
def outage(world, clock, team):
    """Sixty first steps are due on Tuesday, at 10:00 and at 14:00; on Thursday at 10:00 the sender is back."""
    world.stop_sender()
    world.enrols(*EARLY)
    clock.jump(hours=4)
    world.enrols(*LATE)
    clock.jump(hours=44)
    world.start_sender()
    clock.settle()
    team.sees("A backlog of overdue mail: 60 steps wait", "[Spread]", "[Shift all]", "[Drop]")
    assert not any(world.mail_to(email) for email in EVERYBODY)


def when(dates_of_mail_to):
    return Counter(date for email in EVERYBODY for date in dates_of_mail_to(email))


def test_nothing_leaves_before_somebody_answers(outage, world, clock, ana, mail_to):
    clock.advance(days=1)
    assert not any(mail_to(email) for email in EVERYBODY)
    assert world.status("late7@x.test") == "paused"
    assert "backlog of overdue mail, waiting for an answer" in ana.types("/sequence why late7@x.test")


def test_the_backlog_is_spread(outage, clock, ana, team, dates_of_mail_to):
    assert "Spread 60 leads (60 enrollments) evenly over 1 working day." in ana.clicks("Spread")
    team.sees("A backlog of overdue mail", "Ana Ruiz answered on")
    clock.advance(days=1)
    left = when(dates_of_mail_to)
    assert left.total() == 60
    assert {date[:9] for date in left} == {"Thu 3 Jun", "Fri 4 Jun"}
    assert max(left.values()) == 1


def test_the_backlog_is_shifted(outage, clock, ana, dates_of_mail_to):
    assert "Shifted 60 leads (60 enrollments) by 2 days." in ana.clicks("Shift all")
    clock.advance(hours=6)
    assert when(dates_of_mail_to) == {"Thu 3 Jun 10:00": 30, "Thu 3 Jun 14:00": 30}


def test_the_overdue_step_is_dropped(outage, clock, ana, mail_to):
    assert "Dropped the overdue step of 60 leads" in ana.clicks("Drop")
    clock.until("2027-06-07")
    assert {tuple(mail_to(email)) for email in EARLY} == {
        (f"Early{number}, did it reach you?",) for number in range(30)
    }


def test_the_second_to_answer_is_told_who_was_first(outage, ana, ben, clock, mail_to):
    card = ben._offering("Spread", ())
    ana.clicks("Drop")
    assert "Ana Ruiz answered on" in ben.clicks("Spread", card=card)
    clock.advance(hours=8)
    assert not any(mail_to(email) for email in EVERYBODY)
