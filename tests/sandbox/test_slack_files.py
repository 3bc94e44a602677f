"""Files in the emulated Slack: three calls to upload one, and only a finished picture can be shown."""

import urllib.error
import urllib.request

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import Workspace, running
from sandbox.slack.blocks import check_blocks
from tests.world import START

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def slack():
    workspace = Workspace(now=lambda: START)
    with running(workspace):
        yield workspace


@pytest.fixture
def client(slack):
    return WebClient(token=slack.bot_token, base_url=f"{slack.base_url}/api/", retry_handlers=[])


def image(file_id):
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": "numbers"}


def show(client, file_id):
    return client.chat_postMessage(channel="C0OUTBOUND", text="report", blocks=[image(file_id)])


def test_uploaded_picture_is_shown(slack, client):
    done = client.files_upload_v2(file=PNG, filename="week.png", title="The week", alt_txt="numbers")
    file = slack.state.files.by_id[done["files"][0]["id"]]
    assert (file.content, file.kind, file.title, file.alt_text) == (PNG, "image/png", "The week", "numbers")
    assert show(client, file.id)["ok"]


def test_unfinished_unknown_or_no_picture_is_refused(slack, client):
    begun = client.files_getUploadURLExternal(filename="week.png", length=len(PNG))
    text = client.files_upload_v2(content="words", filename="week.txt")["files"][0]["id"]
    for file_id in (begun["file_id"], "F0NOTHERE0", text):
        with pytest.raises(SlackApiError, match="invalid_blocks") as refused:
            show(client, file_id)
        assert "invalid slack file" in str(refused.value.response["response_metadata"])


def test_bytes_must_be_as_many_as_promised_and_come_before_the_end(slack, client):
    begun = client.files_getUploadURLExternal(filename="week.png", length=len(PNG) + 1)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(urllib.request.Request(begun["upload_url"], data=PNG, method="POST"))
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_completeUploadExternal(files=[{"id": begun["file_id"], "title": "x"}])


def test_new_file_takes_a_moment(slack, client):
    done = client.files_upload_v2(file=PNG, filename="week.png")
    slack.state.files.slow_shows = 1
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        show(client, done["files"][0]["id"])
    assert show(client, done["files"][0]["id"])["ok"]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ({"slack_file": {"id": "F0WEEKLY1"}}, ""),
        ({"slack_file": {"url": "https://files.example/x.png"}}, ""),
        ({"slack_file": {"id": "x"}}, "must match regex pattern"),
        ({"slack_file": {"id": "F0WEEKLY1", "url": "https://files.example/x.png"}}, "either id or url"),
        ({"slack_file": {"id": "F0WEEKLY1"}, "image_url": "https://files.example/x.png"}, "not both"),
        ({}, "/blocks/0/image_url"),
    ],
)
def test_image_has_one_source(source, fault):
    faults = " ".join(check_blocks([{"type": "image", "alt_text": "numbers", **source}]))
    assert fault in faults
    assert bool(faults) == bool(fault)
