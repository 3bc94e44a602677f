"""Ben wants to write to people whom Ana works: she is asked in person, and what she says, or does not say, counts."""

from threading import Thread

import pytest

from core import collisions
from core.db import Database
from tests.stories.conftest import SPRING
from tests.stories.stage import Direct, Someone

ADA, BOB, NEW = "ada@x.test", "bob@y.test", "new@x.test"
AUTUMN = SPRING.replace("Spring", "Autumn").replace("a question", "an invitation")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def mira(world):
    return Someone(world, "mira")


@pytest.fixture
def anas(world, ana):
    return Direct(world, ana)


@pytest.fixture
def bens(world, ben):
    return Direct(world, ben)


@pytest.fixture
def asked(world, clock, ana, ben):
    """Ada is Ana's and in Spring, Bob is nobody's; Ben starts both in Autumn. Gives what he is told."""
    world.publishes(AUTUMN)
    world.enrols(ADA, owner=ana._at.id)
    world.enrols(BOB)
    clock.settle()
    return ben.types(f"/sequence start {ADA}, {BOB} in Autumn")


def in_autumn(world, email):
    row = world.enrollment(email, "Autumn")
    return row and row.status


def test_the_free_ones_start_and_the_colleague_is_asked(asked, world, anas, bens):
    assert f"Started {BOB} in Autumn." in asked
    assert "1 lead waits for Ana Ruiz's yes until Friday 4 June 2027" in asked
    assert (in_autumn(world, ADA), in_autumn(world, BOB)) == (None, "pending")
    shown = anas.sees(f"Ben Okafor wants to put {ADA} into Autumn", "[Accept]", "[Decline]", "[Hand over]")
    assert f"{ADA} is your lead, in Spring, last mail on Tuesday 1 June 2027." in shown
    bens.sees(f"You asked Ana Ruiz whether {ADA} may go into Autumn", "[Withdraw]")


def test_accepted(asked, world, clock, anas, bens, mail_to):
    anas.clicks("Accept")
    anas.sees(f"Accepted; started {ADA} in Autumn.")
    anas.sees("You accepted on Tuesday 1 June 2027")
    bens.sees(f"{ADA} for Autumn: Ana Ruiz accepted on", "1 lead enrolled")
    bens.sees("You asked Ana Ruiz", "Ana Ruiz accepted on")
    clock.settle()
    assert mail_to(ADA) == ["Ada, a question", "Ada, an invitation"]


def test_declined_after_a_restart(asked, world, clock, anas, bens, mail_to):
    world.stop_bot()
    world.stop_sender()
    clock.jump(hours=3)
    world.start_bot()
    world.start_sender()
    anas.clicks("Decline")
    anas.sees("Declined: nobody was enrolled.")
    bens.sees("Ana Ruiz declined on", "nobody was enrolled")
    clock.advance(days=5)
    assert "Ada, an invitation" not in mail_to(ADA)


def test_handed_over(asked, world, ben, anas, bens):
    anas.clicks("Hand over")
    bens.sees("Ana Ruiz handed them over on", "1 lead enrolled")
    assert in_autumn(world, ADA) in {"pending", "in_progress"}  # its first mail is due at once
    ben.types(f"/sequence status {ADA}")
    ben.sees(ADA, "Ben Okafor")
    ben.types("/sequence undo")
    ben.types(f"/sequence status {ADA}")
    ben.sees(ADA, "Ana Ruiz")
    assert in_autumn(world, ADA) == "stopped"


def test_withdrawn_and_a_click_that_comes_too_late(asked, world, anas, bens):
    anas.sees("wants to put", "[Accept]")
    late = next(m for m in anas.messages() if "wants to put" in m.text)
    bens.clicks("Withdraw")
    bens.sees("Withdrawn: nobody was enrolled.")
    anas.sees("Ben Okafor took it back on")
    anas._someone._at.click(late, "Accept")
    anas.sees("Ben Okafor took it back on", "Nothing was changed.")
    assert in_autumn(world, ADA) is None


def test_only_who_was_asked_answers(asked, world, ben, mira):
    for someone in (ben, mira):
        assert "Ana Ruiz was asked, so only they can answer" in someone.types(
            "/sequence card collision 1 accept"
        )
    assert in_autumn(world, ADA) is None


def test_a_second_question_is_not_asked(asked, ben, anas):
    again = ben.types(f"/sequence start {ADA} in Autumn")
    assert "Ana Ruiz was asked before and is not asked again." in again
    anas.sees("wants to put")
    assert len([m for m in anas.messages() if "wants to put" in m.text]) == 1


def test_a_new_contact_of_her_company_asks_her_too(asked, world, mira, anas):
    world.says(f"stop {BOB} in Autumn")
    world.enrols(NEW)
    world.says(f"stop {NEW} in Spring")
    assert "for Ana Ruiz's yes" in mira.types(f"/sequence start {NEW} in Autumn")
    anas.sees(f"{NEW} is of the same company as {ADA}, your lead, in no sequence")


def test_nobody_answers_and_two_workers_notice_at_once(asked, world, clock, anas, bens, mail_to):
    world.stop_sender()
    clock.jump(days=3, hours=1)
    others = [Database(world.made.desk.db.url) for _ in range(2)]
    closed: list[int] = []
    workers = [
        Thread(target=lambda db=db: closed.append(collisions.expire_due(db, now=clock.now))) for db in others
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for db in others:
        db.close()
    assert sorted(closed) == [0, 1]
    world.start_sender()
    clock.settle()
    anas.sees("wanted to put", "Nobody answered until Friday 4 June 2027")
    bens.sees(f"{ADA} for Autumn: Nobody answered until Friday 4 June 2027")
    assert len([m for m in bens.messages() if f"{ADA} for Autumn" in m.text]) == 1
    assert "Ada, an invitation" not in mail_to(ADA)


def test_the_clock_of_the_sandbox_finds_the_end(asked, clock, bens):
    clock.advance(days=3, minutes=1)
    bens.sees(f"{ADA} for Autumn: Nobody answered until")
