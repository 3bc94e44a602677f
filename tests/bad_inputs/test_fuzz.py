"""Bytes and texts that nobody foresaw, for each parser of what is foreign: an answer or a refusal, soon, and nothing else.

Those of mail, dates, CSV, the grammar, YAML, buttons and Slack's requests are tried beside their own tests as well, with
what must come out; here each gets pieces of its own language, put together wrongly. None of them is given a database, so
none can change anything; what stands in front of one (webhooks, links, unsubscribe) is tried over HTTP in tests/web.
"""

from __future__ import annotations

import contextlib
import gc
import json
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from Crypto.PublicKey import ECC, RSA
from fastapi import HTTPException
from hypothesis import given
from hypothesis import strategies as st

from bot import codec
from core import dates, lead_file, sequence_file
from core.dates import Ambiguous
from core.errors import Refused
from core.grammar import parse, to_text
from core.hooks import cal, calendly, events, mailgun, sendgrid, ses
from core.inbound import calendars, envelope, judge
from core.template import compile_step, render
from core.tokens import sign, unsign
from web import strict_json
from web.signatures import is_mailguns, is_sendgrids, is_signed, is_stamped
from web.slack import payload_of
from web.sns import Sns

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
LONGEST_SECONDS = 0.5  # on a busy machine; most take far less than a millisecond
ODD = [
    "\0",
    "\u202e",
    "\ufeff",
    "é",
    "١",
    "\ud7ff",
    "\U0001f600",
    "\r",
    "\n",
    "\x85",
    "\u2028",
    "%",
    "\\",
    '"',
    "'",
    "9" * 400,
    " " * 50,
]


def some(*pieces: str, most: int = 30) -> st.SearchStrategy[str]:
    """Texts of these pieces and of odd ones, in any order."""
    return st.lists(st.sampled_from([*pieces, *ODD]) | st.text(max_size=6), max_size=most).map("".join)


def as_bytes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return texts.map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=200)


def soon(act: Callable[[], object]) -> None:
    """Do it: an answer or a refusal, in bounded time."""
    gc.disable()  # as in tests/measure.py, which also collects first: too dear for each of thousands
    began = time.process_time()
    try:
        with contextlib.suppress(Refused, Ambiguous):
            act()
        spent = time.process_time() - began
    finally:
        gc.enable()
    assert spent < LONGEST_SECONDS, spent


HEADERS = (
    "From: a@x.test\r\n", "To: ana@sales.example\r\n", "Subject: =?utf-8?b?", "Re: ", "?=", "Message-ID: <a@b>\r\n",
    "References: ", "Auto-Submitted: auto-replied\r\n", "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: ",
    "text/html", "; charset=", "utf-7", "Content-Transfer-Encoding: base64\r\n", "\r\n\r\n", "\r\n--b\r\n", "--b--", "<div>",
    "message/rfc822", "> ", "On Monday Ana wrote:\r\n", "I am out of the office until ", "15 June", "unsubscribe",
)  # fmt: skip
REPORT = (
    "From: MAILER-DAEMON@x.test\r\nSubject: Undelivered Mail\r\n",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n", "\r\n--b\r\n",
    "Content-Type: message/delivery-status\r\n\r\n", "Final-Recipient: rfc822; ", "lea@x.test", "\r\n", "Action: failed\r\n",
    "Action: ", "Status: 5.1.1\r\n", "Status: ", "4.2.2", "Diagnostic-Code: smtp; 550 ", "user unknown", "mailbox full",
    "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <a@b>\r\n", "Content-Type: message/feedback-report\r\n\r\n",
    "Feedback-Type: abuse\r\n", "X-Failed-Recipients: ", "--b--",
)  # fmt: skip
CALENDAR = (
    "BEGIN:VCALENDAR\r\n", "METHOD:REPLY\r\n", "BEGIN:VEVENT\r\n", "END:VEVENT\r\n", "UID:", "SEQUENCE:", "DTSTART", ";TZID=",
    "Europe/Berlin", ":", "20270610T120000", "Z", "DURATION:", "P1W", "-PT99999999H", "RRULE:FREQ=SECONDLY", ";VALUE=DATE:",
    "ATTENDEE;PARTSTAT=", "ACCEPTED", "mailto:a@x.test", "ORGANIZER:", "\r\n ", "BEGIN:VALARM\r\n", "DTSTAMP:99991231T235959Z",
)  # fmt: skip
LIQUID = (
    "{{", "}}", "{%", "%}", " first_name ", "| default: ", "| truncate: ", "| date: ", "if ", "else", "endif", "for x in ", "(1..9)",
    "endfor", "custom.city", "raw", "endraw", "[a](", ")", "**", "<b>", "{{ unsubscribe_url }}", "'a'", "-%}", "comment", "assign x = ",
)  # fmt: skip
YAML = ("sequence: A\n", "steps:\n", "  - ", "id: x\n", "    body: |\n", "      Hi\n", "on: ", "{", "}", "[", "]", "&a ", "*a",
        "!!python/object:os.system ", "delay: 3 days\n", ": ", "- ", "<<: ", "window: ", "---\n")  # fmt: skip
CSV = (
    "email,name\n",
    "a@x.test",
    ",",
    ";",
    "\t",
    "=HYPERLINK(",
    "+1",
    "@SUM",
    "tags",
    "\n",
    '""',
    "Ünï",
    "PK\x03\x04",
)
COMMANDS = ("pause ", "resume ", "stop ", "a@x.test", "<mailto:a@x.test|a@x.test>", " in ", "Spring", " until ", " for ", "3 days",
            "because ", "everyone", "tag:", "@x.test", "on 5 June", " card review 1 ", "<@U1>", "“", "then keep")  # fmt: skip
DATES = (
    "until ",
    "june ",
    "15",
    "/",
    "2027",
    "-",
    "06",
    "T",
    "10:30",
    " pm",
    "next ",
    "monday",
    "in ",
    "3 ",
    "weeks",
    "eod",
    "IST",
    "tomorrow",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | some("a@x.test", "<a@b>", "2027-06-10T12:00:00Z", most=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(sorted({
        "email", "event", "payload", "uri", "scheduled_event", "start_time", "created_at", "invitee", "triggerEvent", "uid", "attendees",
        "responses", "createdAt", "rescheduleUid", "id", "type", "at", "meeting", "state", "starts_at", "number", "name", "create",
        "eventType", "notificationType", "mail", "headers", "value", "commonHeaders", "messageId", "bounce", "bouncedRecipients",
        "emailAddress", "complaint", "complainedRecipients", "open", "click", "sg_event_id", "smtp-id", "reason", "status",
        "event-data", "message", "message-id", "delivery-status", "severity", "recipient", "signature", "token", "timestamp",
        "TopicArn", "SigningCertURL", "Type", "Signature", "SignatureVersion", "Timestamp", "Message", "SubscribeURL",
    })), inner, max_size=8),
    max_leaves=25,
)  # fmt: skip
KINDS = st.sampled_from([
    "invitee.created", "invitee.canceled", "invitee_no_show.created", "BOOKING_CREATED", "BOOKING_RESCHEDULED", "MEETING_ENDED",
    "BOOKING_NO_SHOW_UPDATED", "meeting", "reply", "goal", "form", "Bounce", "Complaint", "Subscription", "Open", "bounce", "dropped",
    "open", "failed", "complained",
])  # fmt: skip
TEXTS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], object]]] = {
    "mail": (as_bytes(some(*HEADERS)), lambda raw: (envelope(raw), judge(raw, received=NOW))),
    "reports": (as_bytes(some(*REPORT)), lambda raw: (envelope(raw), judge(raw, received=NOW))),
    "calendars": (as_bytes(some(*CALENDAR)), lambda raw: calendars.read(raw, zone="Europe/Berlin")),
    "CSV": (as_bytes(some(*CSV)), lead_file.read),
    "commands": (some(*COMMANDS), lambda text: parse(to_text(parse(text)))),
    "dates": (some(*DATES, most=8), lambda text: dates.read(text, kind="until", now=NOW, zone="Europe/Berlin")),
    "sequences": (some(*YAML), sequence_file.load),
    "buttons": (some('{"v":1', "}", ",", "pause", ":", "null"), codec.read_value),
    "forms": (some('{"f":"reply"', "}", ",", "1", ":", "null"), codec.read_metadata),
    "unsubscribe links": (some(sign(KEY, "unsubscribe", 1), ".", "-", "="), lambda text: unsign(KEY, "unsubscribe", text)),
}  # fmt: skip


def test_a_report_of_one_odd_byte_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    judge(b"\x00", received=NOW)  # a reader of flufl.bounce stumbles over it
    assert not caplog.records


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused_soon(
    name: str, data: st.DataObject, caplog: pytest.LogCaptureFixture
) -> None:
    texts, read = TEXTS[name]
    found = data.draw(texts)
    soon(lambda: read(found))
    assert not caplog.records, "the last line of defence was needed"


@given(subject=some(*LIQUID, most=6), body=some(*LIQUID), city=some("{{ x }}", "<b>", most=4))
def test_whatever_a_template_says_it_is_written_or_refused_soon(subject: str, body: str, city: str) -> None:
    def write() -> None:
        template = compile_step(subject, body, fields=frozenset({"city"}))
        render(
            template, {"first_name": city, "custom": {"city": city}, "unsubscribe_url": "https://x.test/u/1"}
        )

    soon(write)


@given(body=VALUES, kind=KINDS)
def test_whatever_a_webhook_says_it_is_read_or_refused_soon(body: Any, kind: str) -> None:
    raw = {
        "event": kind, "triggerEvent": kind, "type": kind, "eventType": kind, "id": "1", "sg_event_id": "1", "email": "a@x.test",
        "payload": body, "meeting": body, "mail": body, kind.lower(): body, "event-data": body,
    } | (body if isinstance(body, dict) else {})  # fmt: skip
    for read in (
        lambda: cal.read(raw, now=NOW),
        lambda: calendly.read(raw, now=NOW),
        lambda: events.read(raw, now=NOW),
        lambda: ses.read(raw, "1"),
        lambda: sendgrid.read(raw),
        lambda: mailgun.read({"event-data": raw}, "1"),
    ):
        soon(read)


@given(
    text=as_bytes(
        some(
            "{",
            "}",
            "[",
            "]",
            '"a"',
            ":",
            ",",
            "NaN",
            "1e999",
            "\\ud800",
            "null",
            "payload=",
            "&",
            "%7B",
            "+",
        )
    )
)
def test_no_bytes_are_odd_json(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        json.dumps(strict_json.loads(text), allow_nan=False).encode()
    for kind in ("application/json", "application/x-www-form-urlencoded", "\u202e"):
        with contextlib.suppress(HTTPException):
            assert isinstance(payload_of(text, kind), dict)


SENDGRID = b64encode(ECC.generate(curve="P-256").public_key().export_key(format="DER")).decode()
ROUND = RSA.generate(1024).public_key().export_key()
STAMP = str(int(NOW.timestamp()))


@given(
    signature=some("t=" + STAMP, ",v1=", "0" * 64, "sha256=", "MEUCIQ==", most=6),
    stamp=st.sampled_from([STAMP, "1" * 20]) | some(most=3),
    body=st.binary(max_size=20),
)
def test_no_signature_is_right_by_chance(signature: str, stamp: str, body: bytes) -> None:
    window = {"now": NOW, "window": NOW - datetime(2027, 1, 1, tzinfo=UTC)}
    told = {"TopicArn": "arn:aws:sns:eu-west-1:1:a", "Type": "Notification", "SignatureVersion": "2", "Timestamp": NOW.isoformat(),
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789.pem",
            "Signature": signature, "Message": stamp}  # fmt: skip
    sns = Sns(frozenset({told["TopicArn"]}), lambda _: ROUND)
    assert not is_stamped([signature], body, "secret", **window)
    assert not is_signed([signature], body, "secret")
    assert not is_sendgrids([signature], [stamp], body, SENDGRID, now=NOW)
    assert not is_mailguns(signature, stamp, "token", "secret", now=NOW)
    assert not sns.is_signed(told, NOW)


@pytest.mark.row(166)
def test_no_bit_of_an_unsubscribe_link_can_be_another() -> None:
    token = sign(KEY, "unsubscribe", 7)
    assert unsign(KEY, "unsubscribe", token) == 7
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for bit in range(8 * len(raw)):
        spoilt = bytearray(raw)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert unsign(KEY, "unsubscribe", urlsafe_b64encode(spoilt).decode().rstrip("=")) is None
