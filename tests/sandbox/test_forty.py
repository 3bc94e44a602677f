"""The button that fills the sandbox: forty paused leads of three owners, once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import digests, figures
from core.errors import Refused
from core.models import Enrollment, Lead, Member, Message
from core.views.answering import draft
from core.worklist import Group, Worklist
from sandbox import forty
from sandbox.world import SAMPLES
from tests.world import DAY, make


@pytest.fixture
def world(database_url):
    made = make(database_url, (SAMPLES / "spring.yaml").read_text("utf-8"))
    with made.db.write() as session:  # the bot has met her
        session.add(Member(id="U0MIRA", name="Mira Lind", zone="Europe/Stockholm", seen_at=made.now))
    assert "40 paused leads" in forty.fill(made.desk, now=made.now)
    return made


def test_forty_are_paused_for_four_reasons_and_nothing_leaves(world):
    assert world.tick() == []
    with world.read() as session:
        assert [row.status for row in session.exec(select(Enrollment))] == ["paused"] * 40
        owners = [lead.owner for lead in session.exec(select(Lead))]
        counts = Worklist(world.now + DAY, "Europe/Berlin").counts(session)
        by_group = {group: sum(c.total for c in counts if c.group is group) for group in Group}
        assert figures.ages(session, at=world.now) == [21, 9, 3, 7]
    assert {owner: owners.count(owner) for owner in owners} == {"U0ANA": 14, "U0BEN": 13, "U0MIRA": 13}
    assert {group.name: number for group, number in by_group.items() if number} == {
        "TODAY": 10, "REPLY": 10, "ENDLESS": 10, "LONG": 10,
    }  # fmt: skip


def test_those_who_answered_can_be_answered(world):
    """Each answer is there as the reader keeps one: the form shows it below the mail that it answers."""
    with world.read() as session:
        messages = session.exec(select(Message)).all()
        assert {one.kind for one in messages} == {"reply"}
        assert len(messages) == 10
        forms = [draft(session, one.id or 0, now=world.now, zone="Europe/Berlin") for one in messages]
    assert all(form.earlier[0].text.strip() for form in forms)
    assert {form.quote for form in forms} == set(forty._ASKS)


def test_their_lists_come_the_next_morning(world):
    assert digests.digest_due(world.db, now=world.now) == 0
    assert digests.digest_due(world.db, now=world.now + DAY) == 3  # two owners in Europe, and the channel
    assert digests.digest_due(world.db, now=world.now + DAY + timedelta(hours=5)) == 1  # Ben in New York


def test_a_second_time_says_so(world):
    with pytest.raises(Refused, match="are here already"):
        forty.fill(world.desk, now=world.now)
