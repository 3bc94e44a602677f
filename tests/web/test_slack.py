"""What passes the door for Slack, and what does not (bad inputs 154 to 164)."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core.errors import Refused
from core.models import Seen
from tests.web.conftest import SECRET, open_site, signed
from web import replays
from web.slack import SlackGate

COMMAND = urlencode({"command": "/sequence", "text": "help", "team_id": "T1", "api_app_id": "A1"}).encode()


def test_signed_command_reaches_the_bot_in_a_thread(site):
    answer = site.slack(COMMAND)
    assert (answer.status_code, answer.text) == (200, "heard")
    assert site.bot.heard == [COMMAND]
    assert not {"MainThread"} & site.bot.threads


@pytest.mark.row(154)
@pytest.mark.parametrize(
    "stamp",
    ["abc", "", "12 34", "١٢٣٤٥٦٧٨٩٠", "9" * 5000, "1" * 13, "-1", "+1811836800", "1811836800.0", "1_811_836_800",
     "0x6bfe5e00", "1e9", "0", "999999999999"],
)  # fmt: skip
def test_odd_timestamp_is_refused(site, stamp):
    # Signed with the right secret over exactly this text: only the timestamp itself is at fault.
    assert site.slack(COMMAND, at=stamp).status_code == 401
    assert site.bot.heard == []


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (0, 200), (300, 200), (301, 401)])
def test_timestamp_counts_for_five_minutes(site, seconds, status):
    assert site.slack(COMMAND, at=int(site.world.now.timestamp()) + seconds).status_code == status


@pytest.mark.row(155)
@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v0=",
        "v0=ab",
        "é" * 67,
        "v0=" + "٣" * 64,
        "v0=" + "0" * 64,
        "v1=" + "0" * 64,
        "\udcff\udcfe",
        None,
    ],
)
def test_wrong_signature_is_refused(site, signature):
    assert site.slack(COMMAND, x_slack_signature=signature).status_code == 401
    assert site.bot.heard == []


def test_signature_of_another_secret_body_or_second_is_refused(site):
    good = signed(COMMAND, str(int(site.world.now.timestamp())))["x-slack-signature"]
    assert site.slack(COMMAND, secret="another").status_code == 401
    assert site.slack(COMMAND + b"&text=stop", x_slack_signature=good).status_code == 401
    assert (
        site.slack(COMMAND, at=int(site.world.now.timestamp()) - 1, x_slack_signature=good).status_code == 401
    )
    assert site.slack(COMMAND, x_slack_signature=good.upper()).status_code == 401
    assert site.bot.heard == []


@pytest.mark.row(155)
def test_missing_or_doubled_timestamp_is_refused(site):
    assert site.slack(COMMAND, x_slack_request_timestamp=None).status_code == 401
    headers = [*signed(COMMAND, str(int(site.world.now.timestamp()))).items(), ("x-slack-signature", "v0=")]
    assert site.http.post("/slack/events", content=COMMAND, headers=headers).status_code == 401


def test_empty_secret_opens_no_door(bot):
    with pytest.raises(Refused, match="SLACK_SIGNING_SECRET"):
        SlackGate(bot, "")


@pytest.mark.row(156)
@pytest.mark.parametrize("body", [b"\xff\xfe", b"command=/sequence&text=\xe9", b'{"type":"\xc3"}'])
def test_body_that_is_no_utf8_is_refused(site, body):
    assert site.slack(body).status_code == 400
    assert site.slack(body, x_slack_signature=None).status_code == 401
    assert site.bot.heard == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"payload=7", b"payload=", b"payload=%7B", b"x=1&" * 2000, b'{"a":1}}', b'{"a":' * 50_000, b"payload=[]"],
)  # fmt: skip
def test_body_that_slack_never_sends_is_refused(site, body):
    assert site.slack(body).status_code == 400
    assert site.bot.heard == []


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b"[" * 100_000, b"command=/sequence", b"\x00"])
def test_json_that_slack_never_sends_is_refused(site, body):
    assert site.slack(body, content_type="application/json").status_code == 400
    assert site.bot.heard == []


@pytest.mark.row(163)
def test_body_above_one_mebibyte_is_refused(site):
    fits = b"text=" + b"x" * (2**20 - 5)
    assert site.slack(fits).status_code == 200
    assert site.slack(fits + b"x").status_code == 413
    assert site.slack(b"text=" + b"x" * 1_153_434).status_code == 413
    assert len(site.bot.heard) == 1


def test_body_without_a_length_is_counted_as_it_comes(site):
    chunks = (b"x" * 65_536 for _ in range(40))
    answer = site.http.post("/slack/events", content=chunks)
    assert answer.status_code == 413


def test_endless_body_is_cut_off(site):
    with socket.create_connection(site.http.base_url.netloc.decode().split(":")) as wire:
        wire.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nte")
        began = time.monotonic()
        assert b"408" in wire.recv(4096).split(b"\r\n")[0]
        assert time.monotonic() - began < 3


@pytest.mark.row(164)
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "identity, gzip", "br", "x"])
def test_encoded_body_is_refused(site, encoding):
    assert site.slack(gzip.compress(COMMAND), content_encoding=encoding).status_code == 415
    assert site.slack(COMMAND, content_encoding="identity").status_code == 200


@pytest.mark.row(160)
def test_ssl_check_is_answered_unsigned_and_does_nothing(site):
    answer = site.http.post("/slack/events", data={"ssl_check": "1", "token": "x"})
    assert (answer.status_code, answer.content) == (200, b"")
    json_body = b'{"text":"a&ssl_check=1&b"}'
    assert site.slack(json_body, content_type="application/json", x_slack_signature=None).status_code == 401
    assert site.bot.heard == []


@pytest.mark.row(162)
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"team_id": "T1", "api_app_id": "A1"}, 200),
        ({"team_id": "T2", "api_app_id": "A1"}, 401),
        ({"team_id": "T1", "api_app_id": "A2"}, 401),
        ({"api_app_id": "A1"}, 401),
        ({"team_id": "T1"}, 401),
        ({"team": {"id": "T1"}, "api_app_id": "A1"}, 200),
        ({"team": {"id": "T2"}, "api_app_id": "A1"}, 401),
        ({"team": None, "api_app_id": "A1"}, 401),
        ({"team": ["T1"], "api_app_id": "A1"}, 401),
        ({"type": "url_verification", "challenge": "c"}, 200),
    ],
)
def test_other_workspace_or_app_is_refused(sqlite_url, bot, payload, status):
    for site in open_site(sqlite_url, bot, team_id="T1", app_id="A1"):
        events = site.slack(json.dumps(payload).encode(), content_type="application/json")
        click = site.slack(urlencode({"payload": json.dumps(payload)}).encode())
        assert (events.status_code, click.status_code) == (status, status)
        assert len(bot.heard) == (2 if status == 200 else 0)


@pytest.mark.row(158)
def test_replay_is_given_the_same_answer_and_does_nothing(both):
    both.bot.reply = lambda: (200, {"content-type": "application/json"}, b'{"n":%d}' % len(both.bot.heard))
    first, again = both.slack(COMMAND), both.slack(COMMAND)
    assert (first.status_code, first.content) == (again.status_code, again.content) == (200, b'{"n":1}')
    assert again.headers["content-type"] == "application/json"
    assert len(both.bot.heard) == 1
    # A second later it is another request, as when the person types the same words again.
    assert both.slack(COMMAND, at=int(both.world.now.timestamp()) + 1).content == b'{"n":2}'


def test_the_same_request_many_times_at_once_acts_once(both):
    def slowly():
        time.sleep(0.3)
        return 200, {}, b"\x00one"

    both.bot.reply = slowly
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: both.slack(COMMAND), range(8)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"\x00one")}
    assert len(both.bot.heard) == 1


def test_bot_that_breaks_is_asked_to_be_called_later(site):
    def broken():
        raise RuntimeError("secret words")

    site.bot.reply = broken
    answer = site.slack(COMMAND)
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert site.slack(COMMAND).status_code == 503
    assert len(site.bot.heard) == 1
    site.bot.reply = (500, {}, b"traceback")
    assert site.slack(COMMAND + b"&x=1").text == replays.BUSY.body.decode()


def test_request_that_waited_too_long_for_the_database_does_not_act(site):
    release = threading.Event()

    def hog():
        with site.world.db.write():
            release.wait(10)

    thread = threading.Thread(target=hog)
    thread.start()
    began = time.monotonic()
    assert site.slack(COMMAND).status_code == 503
    assert time.monotonic() - began < 3
    release.set()
    thread.join()
    while not rows(site):
        time.sleep(0.02)
    time.sleep(0.1)
    assert site.bot.heard == []


def rows(site):
    with site.world.db.read() as session:
        return list(session.exec(select(Seen)))


def test_slow_bot_does_not_hold_slack_up(site):
    site.bot.reply = lambda: time.sleep(2.8) or (200, {}, b"")
    began = time.monotonic()
    assert site.slack(COMMAND).status_code == 503
    assert time.monotonic() - began < 2.9
    assert site.http.get("/healthz").status_code == 200


def test_only_post_is_taken(site):
    assert site.http.get("/slack/events").status_code == 405
    assert site.http.post("/slack/events/").status_code == 404


odd = st.binary(max_size=300) | st.builds(bytes.__add__, st.sampled_from([b"payload=", b"{", b'{"type":']), st.binary(max_size=80))  # fmt: skip
header = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=80).map(
    lambda text: text.strip()
)


@settings(max_examples=60)
@given(body=odd, stamp=header, signature=header, encoding=st.none() | header, is_signed=st.booleans())
def test_no_bytes_make_it_fail(site, body, stamp, signature, encoding, is_signed):
    extra = {} if is_signed else {"x_slack_request_timestamp": stamp, "x_slack_signature": signature}
    if encoding is not None:
        extra["content_encoding"] = encoding
    assert site.slack(body, secret=SECRET, **extra).status_code < 500
