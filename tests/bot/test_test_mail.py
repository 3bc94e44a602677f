"""Sending oneself a test from the preview, in Slack: asked once, refused at its field, and told when it left."""

import asyncio

import pytest
from sqlmodel import select

from bot.codec import OpenForm
from bot.forms import test_mail
from bot.rights import Need, of_intent
from core.letters import Office
from core.models import Mailbox, Trial
from jobs.sender import Desk
from jobs.trials import Trials
from sandbox.sink import Sink
from sandbox.slack.blocks import check_view


def rows(world):
    with world.database.read() as session:
        return list(session.exec(select(Trial)))


@pytest.fixture
def opened(world):
    world.ana.type("#outbound", "/sequence preview sequence Spring for ada@engines.example")
    world.ana.click(world.ana.wait_for_text("The picture comes in our direct messages."), "Send me a test…")
    world.until(lambda: world.ana.modal)
    return world


def test_form_offers_every_mail_and_follows_slacks_rules(opened):
    assert check_view(opened.ana.modal.payload) == []
    for text in ("1. Ada, a question", "2. Re: Ada, a question", "3. Re: Ada, a question", "Ada Lovelace"):
        assert text in str(opened.ana.modal.payload)


def test_test_is_asked_for_leaves_and_is_told(opened):
    assert opened.ana.submit({test_mail.MAIL: "1", test_mail.ADDRESS: "Ana.Ruiz@northwind.example"}).ok
    opened.ana.wait_for_text("The test of step 2 of Spring is on its way to ana.ruiz@northwind.example.")

    async def leave():
        async with Sink() as sink:
            with opened.database.write() as session:
                session.exec(select(Mailbox)).one().smtp_port = sink.port
            desk = Desk(
                opened.database, Office("", b"k"), opened.clock, lambda _name: None, timeout_seconds=5
            )
            tests = Trials(desk)
            await tests.look()
            await tests.settle()
            return [one.message.decode() for one in sink.accepted]

    [mail] = asyncio.run(leave())
    assert "Subject: [Test] Re: Ada, a question\r\n" in mail
    assert "Did it arrive?" in mail
    opened.draw()
    direct = opened.slack.state.direct(opened.ana.id).id
    opened.ana.wait_for_text("The test of step 2 of Spring has left for ana.ruiz@northwind.example.", direct)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ana@gmail.com", "write an address at northwind.example"),
        ("ada@engines.example", "write an address at northwind.example"),
        ("ana", "@"),
    ],
)
def test_other_address_is_refused_at_its_field(opened, address, sentence):
    assert not opened.ana.submit({test_mail.ADDRESS: address}).ok
    assert sentence in opened.ana.modal.errors[test_mail.ADDRESS]
    assert rows(opened) == []


def test_guest_gets_no_form(world):
    world.gus.type("#outbound", "/sequence preview sequence Spring for ada@engines.example")
    world.until(world.gus.ephemerals)
    assert "Send me a test…" not in str([one.blocks for one in world.gus.ephemerals()])
    assert of_intent(OpenForm("test_mail", 1, 1)) is Need.ACTS


def test_halted_nothing_is_asked_for(opened):
    opened.ben.type("#outbound", "/sequence halt")
    opened.ben.wait_for_text("halted")
    opened.ana.submit({})
    opened.ana.wait_for_text("a test waits for nobody")
    assert rows(opened) == []
