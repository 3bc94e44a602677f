"""Forty paused leads of three owners in three zones: each list comes at its hour and is worked off by clicks to "all done"."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from sqlmodel import func, select

from core.models import Card, Hold
from fermata import serving, tryout
from tests.stories.stage import Direct, Someone

DUE = [f"due{number}@ana.test" for number in range(8)]
ANSWERED = [f"asks{number}@ana.test" for number in range(4)]
ENDLESS = [f"open{number:02}@ben.test" for number in range(16)]
FORGOTTEN = [f"long{number:02}@mira.test" for number in range(12)]
TITLE = "Paused leads, Wednesday 16 June"


@pytest.fixture
def url(database_url: str) -> str:
    """On both databases."""
    return database_url


@contextmanager
def second_worker(world) -> Iterator[None]:
    """Another bot and another worker on the same database, in step with the first."""
    made, first = world.made, world.made.clock.work
    other = tryout._engine(made.settings, made.desk.db, made.clock)
    second = made.clock.work

    async def both() -> None:
        await asyncio.gather(first(), second())

    made.clock.work = both
    parts = AsyncExitStack()
    world.backstage.do(parts.enter_async_context(tryout.talking(made)))
    world.backstage.do(parts.enter_async_context(serving.sending(other)))
    try:
        yield
    finally:
        world.backstage.do(parts.aclose())
        made.clock.work = made.engine.settle


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def workers(request, world) -> Iterator[int]:
    if request.param == 1:
        yield 1
        return
    with second_worker(world):
        yield 2


class Reader(Direct):
    """Somebody who works their list off."""

    def __init__(self, world, name: str) -> None:
        super().__init__(world, Someone(world, name))
        self.owner = self._someone._at.id

    def lists(self) -> list[str]:
        """What came as a list, and when, in Berlin."""
        return [m.text.splitlines()[0] for m in self.messages() if "Paused leads" in m.text]


@pytest.fixture
def readers(world) -> tuple[Reader, Reader, Reader]:
    """Ana in Berlin, Ben in New York, Mira in Tokyo."""
    world.made.workspace.state.users["U0MIRA"].tz = "Asia/Tokyo"
    return Reader(world, "ana"), Reader(world, "ben"), Reader(world, "mira")


@pytest.fixture
def forty(world, workers, clock, readers):
    """Tuesday 15 June, four in the afternoon: forty are paused, twelve of them for more than two weeks."""
    ana, ben, mira = readers
    world.enrols(*FORGOTTEN, owner=mira.owner)
    clock.settle()
    for some in (FORGOTTEN[:6], FORGOTTEN[6:]):
        assert "Paused" in world.says(f"pause {' '.join(some)} until 2027-08-30")
    clock.until("2027-06-15", at="14:45")  # past 8:30 in New York too: nobody's first list is today's
    world.enrols(*DUE, *ANSWERED, owner=ana.owner)
    world.enrols(*ENDLESS, owner=ben.owner)
    clock.settle()
    world.says(f"pause {' '.join(DUE)} until 2027-06-16 17:00")
    for some in (ENDLESS[:8], ENDLESS[8:]):
        world.says(f"pause {' '.join(some)}")
    for email in ANSWERED:
        world.lead(email).answers("What would it cost?")
    clock.until("2027-06-15", at="16:00")
    with world.made.desk.db.read() as session:
        held = select(func.count(Hold.enrollment_id.distinct())).where(Hold.released_at == None)  # noqa: E711
        assert session.exec(held).one() == 40
    return world


def restart(world) -> None:
    """Stop the bot and the worker, and start new ones on the same database."""
    for part in ("bot", "sender"):
        getattr(world, f"stop_{part}")()
        getattr(world, f"start_{part}")()


def number_of_lists(world) -> int:
    with world.made.desk.db.read() as session:
        return session.exec(select(func.count()).where(Card.kind == "digest")).one()


def test_forty_are_worked_off_to_all_done(forty, workers, clock, readers, team):
    ana, ben, mira = readers
    clock.until("2027-06-16", at="01:29")
    assert [len(reader.lists()) for reader in readers] == [0, 0, 0]
    clock.until("2027-06-16", at="01:31")  # half past eight in Tokyo
    assert "Paused for more than 14 days: stop them? (12)" in mira.sees(TITLE)
    clock.until("2027-06-16", at="08:29")
    assert [len(reader.lists()) for reader in readers] == [0, 0, 1]
    clock.until("2027-06-16", at="08:31")
    assert "8 due back today · 4 waiting for our answer" in ana.sees(TITLE)
    team.sees(
        TITLE,
        "Ben Okafor: 16 (16 without an end date)",
        "Ana Ruiz: 12 (8 due back today and 4 waiting for our answer)",
        "Mira Lind: 12 (12 paused for more than 14 days)",
    )
    assert ben.lists() == []

    # A whole group of Mira's at once: it asks first.
    mira.clicks("Stop all of these")
    mira.clicks("Stop for good 12 leads")
    mira.sees(TITLE, "All done: 12 of 12.")

    # Ana: one by one, and everything starts anew in the middle.
    ana.clicks("Resume", line=DUE[0])
    ana.sees(TITLE, "1 of 12 done")
    before = number_of_lists(forty)
    restart(forty)
    clock.settle()
    ana.sees(TITLE, "1 of 12 done")
    assert number_of_lists(forty) == before
    ana.clicks("Resume all due")
    ana.sees("Resume 7 leads (7 enrollments)?")
    ana.clicks("Resume 7 leads")
    ana.sees(TITLE, "Due back today (done)", "8 of 12 done")
    for email in ANSWERED[:2]:
        ana.clicks("+1 week", line=email)
    for email in ANSWERED[2:]:
        ana.clicks("Stop", line=email)
    done = ana.sees(TITLE, "All done: 12 of 12.")
    assert "[Resume]" not in done
    team.sees(TITLE, "Ana Ruiz: all done", "Mira Lind: all done", "24 of 40 done")

    # Ben: six hours later, on two pages.
    clock.until("2027-06-16", at="14:29")
    assert ben.lists() == []
    clock.until("2027-06-16", at="14:31")
    assert ben.sees(TITLE).count("[Resume]") == 12
    ben.clicks("4 more…")
    ben.sees("Lines 13 to 16 of 16")
    shown = [email for email in ENDLESS if email not in ben.sees(TITLE)]
    assert len(shown) == 4
    for email in shown:
        ben.clicks("Resume", line=email)
    for email in ENDLESS:
        if email not in shown:
            ben.clicks("Resume", line=email)
    ben.sees(TITLE, "All done: 16 of 16.")
    team.sees(TITLE, "All done: 40 of 40.")

    # Nobody's list came twice, no lead was acted on twice, and the evening brings none anew.
    assert [len(reader.lists()) for reader in readers] == [1, 1, 1]
    assert {forty.status(email) for email in (*DUE, *ENDLESS)} == {"pending"}
    assert {forty.status(email) for email in (*FORGOTTEN, *ANSWERED[2:])} == {"stopped"}
    assert {forty.status(email) for email in ANSWERED[:2]} == {"paused"}
    clock.until("2027-06-16", at="23:00")
    assert [len(reader.lists()) for reader in readers] == [1, 1, 1]
