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
from bot.listeners.functions import STEPS
from fermata import tryout
from tests.services import ROOT

SCHEMA = json.loads((Path(__file__).parent / "manifest_schema.json").read_text())
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())

# Web API method, as slack_sdk names it → the bot scope it takes (docs.slack.dev); None: any token will do.
SCOPES = {
    "apps_connections_open": None,  # with the app-level token, whose own scope is connections:write
    "auth_test": None,
    "chat_postMessage": "chat:write",
    "chat_postEphemeral": "chat:write",
    "chat_update": "chat:write",
    "conversations_open": "im:write",
    "files_completeUploadExternal": "files:write",
    "files_getUploadURLExternal": "files:write",
    "files_upload_v2": "files:write",
    "functions_completeError": None,
    "functions_completeSuccess": None,
    "usergroups_users_list": "usergroups:read",
    "users_info": "users:read",
    "views_open": None,
    "views_publish": None,
    "views_update": None,
}
INOUT = ("input_parameters", "output_parameters")
EVENTS = {
    "app_home_opened": None,
    "function_executed": None,
    "reaction_added": "reactions:read",
    "subteam_members_changed": "usergroups:read",
    "user_change": "users:read",
}
# What needs a scope without being a method of the client: a word of the code → the scope.
BESIDE = {"url_private_download": "files:read"}
PACKAGES = ("bot", "core", "fermata", "jobs", "web")


def sources(*packages):
    for package in packages or PACKAGES:
        yield from ((path, path.read_text()) for path in (ROOT / package).rglob("*.py"))


def methods_called():
    """Give the Web API methods that our code calls on a client."""
    for _, text in sources():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
                continue
            if callable(getattr(WebClient, node.attr, None)):
                yield node.attr


def scopes_needed():
    methods, words = set(methods_called()), {word for word in BESIDE for _, text in sources() if word in text}
    found = {SCOPES[method] for method in methods} | {EVENTS[event] for event in events()}
    return (found | {BESIDE[word] for word in words} | {"commands"}) - {None}


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


def test_methods_are_those_called():
    assert set(SCOPES) == set(methods_called()), "say in SCOPES what these need, and nothing of others"


def test_scopes_are_those_needed():
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == scopes_needed()


def test_docs_name_the_same_scopes():
    table = re.findall(
        r"^ +\| `([a-z:]+)` \| (.+) \|$", (ROOT / "docs" / "slack.md").read_text(), re.MULTILINE
    )
    assert {scope for scope, _ in table} == set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert len(table) == len(dict(table))


def test_every_scope_says_in_the_manifest_what_for():
    lines = (ROOT / "manifest.yml").read_text().splitlines()
    for name in (*MANIFEST["oauth_config"]["scopes"]["bot"], *events()):
        assert any(re.fullmatch(rf" +- {name} # .+", line) for line in lines), name


def events():
    return MANIFEST["settings"]["event_subscriptions"]["bot_events"]


def test_events_are_those_listened_to():
    listeners = "".join(text for _, text in sources("bot"))
    heard = set(re.findall(r'@app\.event\("(\w+)"\)', listeners))
    steps = {"function_executed"} if "@app.function(" in listeners else set()
    assert set(events()) == set(EVENTS) == heard | steps


def test_steps_are_those_that_are_done():
    assert set(MANIFEST["functions"]) == set(STEPS)
    assert MANIFEST["settings"]["org_deploy_enabled"], "Slack offers the steps of such apps alone"


@pytest.mark.parametrize("name", sorted(STEPS))
def test_step_has_the_inputs_that_are_read(name):
    step = MANIFEST["functions"][name]
    assert all(one["name"] == key for side in INOUT for key, one in step[side].items())
    read = {
        "enrol_lead": {"sequence"},
        "pause_lead": {"sequence", "until", "reason"},
        "stop_lead": {"sequence", "reason"},
    }
    assert set(step["input_parameters"]) == {"lead", "user"} | read[name]
    assert set(step["output_parameters"]) == {"sentence", "state"}


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
