"""Files of a modal in the emulated Slack: handed to the app's token alone, and told of as Slack does."""

import urllib.request
from datetime import UTC, datetime
from urllib.error import HTTPError

import pytest

from sandbox.slack import Workspace, check_view, running
from sandbox.slack.errors import SlackError
from sandbox.slack.state import View

NOW = datetime(2027, 6, 1, tzinfo=UTC)
TEXT = {"type": "plain_text", "text": "A file"}


@pytest.fixture
def slack():
    workspace = Workspace(now=lambda: NOW)
    with running(workspace):
        yield workspace


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given, **_named):
        return None


def fetch(url, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    asked = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.build_opener(Stay).open(asked, timeout=5) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        with refused:
            return refused.code, b""


def test_file_is_handed_to_the_apps_token_alone(slack):
    file_id = slack.person("ana").upload("über leads.csv", b"email\n")
    told = slack.uploads.by_id[file_id].as_json()
    assert (told["name"], told["size"], told["filetype"], told["user"]) == (
        "über leads.csv",
        6,
        "csv",
        "U0ANA",
    )
    assert fetch(told["url_private"], slack.bot_token) == (200, b"email\n")
    assert fetch(told["url_private"])[0] == 302
    assert fetch(told["url_private"], "xoxb-another")[0] == 302
    assert fetch(f"{told['url_private']}x", slack.bot_token)[0] == 404


def test_file_of_more_than_ten_megabytes_is_not_taken(slack):
    with pytest.raises(SlackError):
        slack.person("ana").upload("leads.csv", b"x" * (10 * 1024 * 1024 + 1))


def test_submission_carries_the_files_as_slack_tells_of_them(slack):
    ana = slack.person("ana")
    element = {"type": "file_input", "action_id": "give", "filetypes": ["csv"], "max_files": 1}
    blocks = [{"type": "input", "block_id": "file", "label": TEXT, "element": element}]
    view = {"type": "modal", "title": TEXT, "submit": TEXT, "blocks": blocks}
    assert check_view(view) == []
    slack.state.modals[ana.id] = [View("V1", ana.id, view, "1.a", "V1")]
    assert ana.submit({}).error == "missing_input"
    file_id = ana.upload("leads.csv", b"email\n")
    ana.submit({"file": [file_id]})
    state = slack.sent[-1].payload["view"]["state"]["values"]
    assert state == {
        "file": {"give": {"type": "file_input", "files": [slack.uploads.by_id[file_id].as_json()]}}
    }


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"max_files": 0}, "between 1 and 10"),
        ({"max_files": 11}, "between 1 and 10"),
        ({"filetypes": "csv"}, "array"),
    ],
)
def test_file_input_keeps_slacks_rules(more, fault):
    element = {"type": "file_input", "action_id": "give"} | more
    blocks = [{"type": "input", "block_id": "file", "label": TEXT, "element": element}]
    assert fault in check_view({"type": "modal", "title": TEXT, "submit": TEXT, "blocks": blocks})[0]


def test_file_input_stands_in_an_input_block_alone():
    blocks = [{"type": "actions", "elements": [{"type": "file_input", "action_id": "give"}]}]
    assert "unsupported type: file_input" in check_view({"type": "modal", "title": TEXT, "blocks": blocks})[0]
