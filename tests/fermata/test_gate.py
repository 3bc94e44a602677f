"""Whom the door for Slack lets in, as the environment says."""

import pytest
from fastapi import HTTPException
from pydantic import SecretStr
from slack_bolt import App

from core.errors import Refused
from core.settings import Settings, read_settings
from fermata.serving import make_gate

OURS = {"team_id": "T0OURS", "api_app_id": "A0OURS"}


def gate(**settings):
    app = App(token="xoxb-1", signing_secret="s" * 32, token_verification_enabled=False)
    return make_gate(Settings(signing_secret=SecretStr("s" * 32), **settings), app)


def test_any_signed_workspace_and_app_passes_when_none_is_named():
    gate().check_origin(OURS)
    gate().check_origin({"team_id": "T0OTHER", "api_app_id": "A0OTHER"})


@pytest.mark.parametrize("stranger", [{"team_id": "T0OTHER"}, {"api_app_id": "A0OTHER"}])
def test_only_the_named_workspace_and_app_pass(stranger):
    named = gate(team_id="T0OURS", app_id="A0OURS")
    named.check_origin(OURS)
    with pytest.raises(HTTPException):
        named.check_origin(OURS | stranger)


def test_ids_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SLACK_TEAM_ID", "T0OURS")
    monkeypatch.setenv("SLACK_APP_ID", "")
    settings = read_settings()
    assert (settings.team_id, settings.app_id) == ("T0OURS", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SLACK_TEAM_ID", "northwind"), ("SLACK_TEAM_ID", "A0OURS"), ("SLACK_APP_ID", "T0OURS")],
)
def test_what_is_no_id_is_refused_at_start(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match=name):
        read_settings()
