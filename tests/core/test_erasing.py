"""A person is erased: nothing that says who they were is left in any table, the numbers add up, and no mail ever comes again."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text
from sqlmodel import select

from core import commands, inbox, lead_file, leads
from core.models import Delivery, Enrollment, Lead
from tests.world import ANA, PLAIN, World, make

ADA, GRACE = "ada.lovelace@acme.test", "grace@acme.test"
SECRETS = ("lovelace", "Charles is ill", "Analytical", "hot potato")


@pytest.fixture
def world(database_url: str) -> World:
    world = make(database_url, PLAIN, GRACE)
    world.enrol(ADA, first_name="Ada", last_name="Lovelace", name="Ada Lovelace", company="Analytical")
    world.tick()
    return world


def everything(world: World) -> str:
    with world.read() as session:
        names = inspect(session.connection()).get_table_names()
        return "\n".join(
            str(row) for name in names for row in session.execute(text(f'SELECT * FROM "{name}"'))
        )


def written_to(world: World) -> None:
    """Let Ada's life leave its traces in as many tables as can be."""
    message_id = world.deliveries(ADA)[0].message_id
    mail = (
        f"From: Ada Lovelace <{ADA}>\r\nTo: ana@northwind.example\r\nSubject: Re: hot potato\r\n"
        f"In-Reply-To: {message_id}\r\nMessage-ID: <1@acme.test>\r\n\r\nCharles is ill, write later.\r\n"
    )
    inbox.receive_content(world.db, mail.encode(), now=world.now)
    for line in (
        f"pause {ADA} because Charles is ill",
        f"tag {ADA} hot",
        f"remind {ADA} on tomorrow because Charles is ill",
        f"resume {ADA}",
    ):
        assert not world.say(line).is_refusal, line


def erase(world: World):
    asked = world.say(f"erase {ADA}")
    assert asked.title == f"Erase {ADA} for good? Nobody can undo it."
    return commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)


def test_nothing_of_them_is_left_in_any_table(world: World) -> None:
    written_to(world)
    assert all(secret.lower() in everything(world).lower() for secret in SECRETS)
    counts = ledger(world)
    assert not erase(world).is_refusal
    left = everything(world).lower()
    assert [secret for secret in SECRETS if secret.lower() in left] == []
    assert ledger(world) == counts


def ledger(world: World) -> int:
    with world.read() as session:
        return len(session.exec(select(Delivery.id)).all())


def test_they_are_stopped_and_never_mailed_again(world: World) -> None:
    erase(world)
    source = lead_file.read(f"email\n{ADA}\n".encode())
    done = leads.import_batch(world.db, list(source), into="Spring", actor=ANA, now=world.now)
    assert [row.fault for row in done.refused] == ["The address is suppressed."]
    with world.read() as session:
        assert session.exec(select(Lead).where(Lead.email == ADA)).first() is None
        assert session.exec(select(Enrollment.status).order_by(Enrollment.id)).all() == ["pending", "stopped"]


def test_nothing_is_erased_before_it_is_confirmed(world: World) -> None:
    world.say(f"erase {ADA}")
    with world.read() as session:
        assert session.exec(select(Lead.name).where(Lead.email == ADA)).one() == "Ada Lovelace"


def test_undo_brings_nobody_back(world: World) -> None:
    world.say(f"pause {ADA}")
    erase(world)
    assert world.say("undo").is_refusal
    assert "lovelace" not in everything(world).lower()


def test_who_is_not_known_cannot_be_erased(world: World) -> None:
    assert world.say("erase nobody@acme.test").is_refusal
