"""Slack over HTTP in front of the real bot (bad input 159); the rows about the door alone are in tests/web/test_slack.py."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.lifecycle import Status
from sandbox.slack import payloads, serving
from sandbox.slack.delivery import Envelope, SignedHttp
from tests.bad_inputs.rows import assert_no_fault
from tests.bot.test_reactions_in_slack import PAUSE, holds, posted
from tests.web.conftest import OFFICE, SECRET
from web.app import create_app
from web.slack import PATH, SlackGate, bolt_handler


@pytest.mark.row(159)
def test_event_that_is_sent_again_gets_200_and_has_no_effect(world, caplog) -> None:
    card = posted(world)
    gate = SlackGate(bolt_handler(world.app), SECRET)
    app = create_app(db=world.database, office=OFFICE, clock=world.clock, slack=gate, ready=list)
    event = payloads.reaction(
        kind="reaction_added", user=world.ana.user, message=card, name=PAUSE, ts="1811836800.000100"
    )
    sent = payloads.event(event=event, now=world.clock())
    with serving(app) as address:
        slack = SignedHttp(f"{address}{PATH}", SECRET, now=world.clock)
        assert slack.deliver(Envelope("events_api", sent)).error is None
        world.until(lambda: world.enrollment().status == Status.PAUSED)
        for number, reason in enumerate(("http_timeout", "http_error", "connection_failed"), 1):
            world.clock.now += timedelta(minutes=number)  # another second, so that it is signed anew
            again = Envelope("events_api", sent, retry_attempt=number, retry_reason=reason)
            assert slack.deliver(again).error is None
        world.until(lambda: len([m for m in world.ana.ephemerals() if m.text.startswith("Paused")]) == 4)
    assert (len(holds(world)), len(world.journal("pause"))) == (1, 1)
    assert_no_fault(caplog)
