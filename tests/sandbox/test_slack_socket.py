"""A real Bolt app in Socket Mode: commands, clicks, modals, Home, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler

from sandbox.slack import Person, Workspace, running
from tests.sandbox import bolt_app
from tests.sandbox.bolt_app import Heard

NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)


class Stage:
    def __init__(self, workspace: Workspace, handler: SocketModeHandler, heard: Heard) -> None:
        self.workspace, self.handler, self.heard = workspace, handler, heard
        self.ana: Person = workspace.person("Ana")
        self.ben: Person = workspace.person("Ben")


@pytest.fixture
def stage() -> Iterator[Stage]:
    workspace = Workspace(
        now=lambda: NOW, ack_seconds=0.8, trigger_seconds=0.4, event_retry_delays=(0.0, 0.1)
    )
    with running(workspace) as url:
        app, heard = bolt_app.build(workspace, url)
        handler = bolt_app.connect(app, workspace)
        yield Stage(workspace, handler, heard)
        bolt_app.hang_up(handler, workspace)


def test_command_click_redraw_response_url(stage: Stage) -> None:
    assert stage.ana.type("#outbound", "/sequence pause lead@x.com").ok
    body = stage.heard.bodies[0]
    assert body["text"] == "pause <mailto:lead@x.com|lead@x.com>"
    assert body["channel_name"] == "outbound"
    shown = stage.ana.wait_for_text("runs")

    assert stage.ben.click(shown.ts, "Pause").ok
    redrawn = stage.ana.wait_for_text("is paused")
    assert (redrawn.ts, redrawn.revision) == (shown.ts, 1)
    note = stage.ben.wait_for_text("Paused by <@U0BEN>")
    assert note.ephemeral_to == "U0BEN"
    assert stage.ana.ephemerals() == []
    assert stage.heard.bodies[1]["actions"][0]["value"] == "lead-1"


def test_overflow_and_datepicker_send_what_was_chosen(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence card")
    shown = stage.ana.wait_for_text("runs")
    stage.ana.click(shown, "History")
    stage.ana.click(shown, "until", "2027-07-01")
    overflow, date = (body["actions"][0] for body in stage.heard.bodies[1:])
    assert overflow["selected_option"]["value"] == "history"
    assert date["selected_date"] == "2027-07-01"
    assert date["block_id"] == shown.blocks[1]["block_id"]


def test_modal_with_errors_then_submitted(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence card")
    stage.ana.click(stage.ana.wait_for_text("runs"), "Form")
    stage.workspace.wait_for(lambda: stage.ana.modal)
    stage.workspace.wait_for(lambda: stage.heard.errors == ["exchanged_trigger_id"])

    assert stage.ana.submit({}).error == "missing_input"
    assert stage.ana.submit({"Because": "no"}).error == "Say a little more."
    assert stage.ana.modal is not None
    assert stage.ana.modal.errors == {"why": "Say a little more."}
    assert stage.ana.submit({"Because": "out of office", "Until": "2027-06-15"}).ok
    assert stage.ana.modal is None
    stage.ana.wait_for_text("Held: out of office")
    values = stage.heard.bodies[-1]["view"]["state"]["values"]
    assert values["when"]["date"] == {"type": "datepicker", "selected_date": "2027-06-15"}


def test_closing_a_modal_tells_the_app(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence card")
    stage.ana.click(stage.ana.wait_for_text("runs"), "Form")
    stage.workspace.wait_for(lambda: stage.ana.modal)
    assert stage.ana.close().ok
    stage.workspace.wait_for(lambda: stage.heard.bodies[-1]["type"] == "view_closed")


def test_home_opens(stage: Stage) -> None:
    assert stage.ana.open_home().ok
    home = stage.workspace.wait_for(lambda: stage.ana.home)
    assert home is not None
    assert home.all_text() == "Your leads"


def test_answer_in_the_acknowledgement_is_seen_by_one(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence say a < b & c")
    assert stage.ana.ephemerals()[0].text == "You said a &lt; b &amp; c"
    assert stage.ben.messages() == []


def test_slow_command_times_out_for_the_person(stage: Stage) -> None:
    outcome = stage.ana.type("#outbound", "/sequence slow")
    assert outcome.error == "operation_timeout"
    assert stage.ana.ephemerals()[0].text == '/sequence failed with the error "operation_timeout"'


def test_expired_trigger_is_refused(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence late form")
    stage.workspace.wait_for(lambda: stage.heard.errors)
    assert stage.heard.errors == ["expired_trigger_id"]


def test_response_url_works_five_times(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence respond")
    stage.workspace.wait_for(lambda: len(stage.heard.errors) == 2)
    assert len(stage.ana.ephemerals()) == 5
    assert '"used_url"' in stage.heard.errors[0]


def test_without_an_app_the_command_fails_at_once(stage: Stage) -> None:
    bolt_app.hang_up(stage.handler, stage.workspace)
    stage.workspace.wait_for(lambda: not stage.workspace.hub.connections)
    assert stage.ana.type("#outbound", "/sequence card").error == "dispatch_failed"
    assert stage.ana.type("#outbound", "/nonsense").error == "not_a_command"


def test_reconnects_when_told_and_goes_on(stage: Stage) -> None:
    first = stage.workspace.hub.connections[0].number
    stage.workspace.hub.disconnect(close=True)
    stage.workspace.wait_for(lambda: any(c.number > first for c in stage.workspace.hub.connections))
    time.sleep(0.2)
    assert stage.ana.type("#outbound", "/sequence card").ok
    stage.ana.wait_for_text("runs")


def test_an_envelope_lost_with_its_connection_is_sent_again(stage: Stage) -> None:
    sent: list[dict[str, object]] = []
    hub = stage.workspace.hub
    bolt_app.hang_up(stage.handler, stage.workspace)
    stage.workspace.wait_for(lambda: not hub.connections)

    def drop(message: dict[str, object]) -> None:
        sent.append(message)
        if message["type"] == "slash_commands" and len(hub.connections) == 1:
            lost = hub.connections[0]
            hub.attach(hub.new_ticket(), answer, lambda: None)
            hub.detach(lost)

    def answer(message: dict[str, object]) -> None:
        sent.append(message)
        if "envelope_id" in message:
            hub.receive({"envelope_id": message["envelope_id"]})

    hub.attach(hub.new_ticket(), drop, lambda: None)
    assert stage.ana.type("#outbound", "/sequence card").ok
    frames = [m for m in sent if "envelope_id" in m]
    assert [f.get("retry_attempt") for f in frames] == [None, 1]
    assert frames[0]["envelope_id"] == frames[1]["envelope_id"]


def test_several_connections_share_the_envelopes(stage: Stage) -> None:
    second = bolt_app.connect(stage.handler.app, stage.workspace)
    stage.workspace.wait_for(lambda: len(stage.workspace.hub.connections) == 2)
    for _ in range(4):
        assert stage.ana.type("#outbound", "/sequence say hello").ok
    assert [len(c.received) for c in stage.workspace.hub.connections] == [2, 2]
    bolt_app.hang_up(second, stage.workspace)


def test_event_without_acknowledgement_comes_again(stage: Stage) -> None:
    bolt_app.hang_up(stage.handler, stage.workspace)
    stage.workspace.wait_for(lambda: not stage.workspace.hub.connections)
    assert not stage.ana.open_home().ok
    again = bolt_app.connect(stage.handler.app, stage.workspace)
    stage.workspace.wait_for(lambda: stage.ana.home)
    assert stage.heard.retries == [["1"]]
    bolt_app.hang_up(again, stage.workspace)
