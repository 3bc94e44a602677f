"""The manifest is one Slack takes, and asks for exactly what the bot uses."""

import ast
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from slack_sdk import WebClient

from bot import codec
from fermata import tryout
from tests.services import ROOT

SCHEMA = json.loads((Path(__file__).parent / "manifest_schema.json").read_text())
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())

# Web API method, as slack_sdk names it → the bot scope it takes (docs.slack.dev); None: any token will do.
SCOPES = {
    "auth_test": None,
    "chat_postMessage": "chat:write",
    "chat_postEphemeral": "chat:write",
    "chat_update": "chat:write",
    "conversations_open": "im:write",
    "files_upload_v2": "files:write",
    "usergroups_users_list": "usergroups:read",
    "users_info": "users:read",
    "views_open": None,
    "views_publish": None,
    "views_update": None,
}
EVENTS = {"app_home_opened": None, "user_change": "users:read"}


def methods_called():
    """Give the Web API methods that bot code calls on a client."""
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
                continue
            if callable(getattr(WebClient, node.attr, None)):
                yield node.attr


def test_manifest_keeps_slacks_schema():
    jsonschema.Draft7Validator(SCHEMA).validate(MANIFEST)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("display_information", "name"), "x" * 36),
        (("display_information", "long_description"), "too short"),
        (("features", "slash_commands"), []),
        (("features", "bot_user", "display_name"), "no/slash"),
        (("settings", "interactivity"), {}),
        (("settings", "unheard_of"), True),
    ],
)
def test_schema_finds_faults(path, value):
    broken = json.loads(json.dumps(MANIFEST))
    at = broken
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(broken)


def test_scopes_are_those_of_the_methods_called():
    called = set(methods_called())
    assert called <= set(SCOPES), "say in SCOPES what these need"
    needed = {SCOPES[method] for method in called} | {EVENTS[event] for event in events()} | {"commands"}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed - {None}


def events():
    return MANIFEST["settings"]["event_subscriptions"]["bot_events"]


def test_events_are_those_listened_to():
    listeners = (ROOT / "bot" / "listeners" / "events.py").read_text()
    assert set(events()) == set(re.findall(r'@app\.event\("(\w+)"\)', listeners))


def test_shortcuts_are_those_listened_to():
    declared = {(one["type"], one["callback_id"]) for one in MANIFEST["features"]["shortcuts"]}
    assert declared == {("global", codec.PAUSE_A_LEAD), ("message", codec.PAUSE_IN_MESSAGE)}


def test_sandbox_offers_the_same_shortcuts():
    declared = {(one["callback_id"], one["name"]) for one in MANIFEST["features"]["shortcuts"]}
    assert {*tryout.shortcuts("global"), *tryout.shortcuts("message")} == declared


def test_sandbox_offers_the_same_command():
    from sandbox.slack.workspace import Command

    declared = MANIFEST["features"]["slash_commands"][0]
    offered = Command()
    assert (declared["command"], declared["should_escape"]) == (offered.command, offered.should_escape)
