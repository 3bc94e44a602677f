"""Whom a message concerns, and what is doubtful about its headers."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.inbound import Kind, envelope, judge
from tests.core.inbound.mail import RECEIVED, letter

LONGEST_SECONDS = 0.005  # generous: 0.2 ms are usual


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", "Hello"]).encode("utf-8", "surrogateescape")


def test_envelope_gives_ids_newest_first_and_addresses():
    found = envelope(
        head(
            "From: =?utf-8?q?Mira_H=C3=B6lt?= <Mira@LUMEN.example>",
            'To: sam@fermata.example, "Rivers, Jo" <jo@fermata.example>',
            "Subject: =?utf-8?b?TMOkZ2Vy?=",
            "Message-ID: <a@lumen.example>",
            "References: <1@fermata.example> <2@fermata.example>",
            "In-Reply-To: <2@fermata.example>",
        )
    )

    assert found.message_id == "<a@lumen.example>"
    assert found.answers == ("<2@fermata.example>", "<1@fermata.example>")
    assert (found.senders, found.sender_name) == (("mira@lumen.example",), "Mira Hölt")
    assert found.recipients == ("sam@fermata.example", "jo@fermata.example")
    assert (found.subject, found.may_be_report, found.cause) == ("Läger", False, "")


@pytest.mark.parametrize(
    "value", ['<a"b@x.example>', "<a b@x.example>", "<a\\b@x.example>", "none", "<a@x.example\r\n evil>"]
)
def test_message_id_that_is_not_plain_is_none(value):
    assert envelope(head("From: a@x.example", f"Message-ID: {value}")).message_id is None


def test_two_from_headers_ask_for_a_look_and_show_both():
    raw = head("From: a@x.example", "From: b@y.example", "Subject: hi")

    assert envelope(raw).senders == ("a@x.example", "b@y.example")
    assert "two From lines" in envelope(raw).cause
    assert judge(raw, received=RECEIVED).cause == envelope(raw).cause


@pytest.mark.parametrize(
    "lines",
    [
        ["From: Mail Delivery Subsystem <mailer-daemon@x.example>"],
        ["From: a@x.example", "Subject: Undeliverable: Depots"],
        ["From: a@x.example", "Return-Path: <>"],
        ["From: a@x.example", 'Content-Type: multipart/report; boundary="x"'],
    ],
)
def test_what_may_be_a_report_is_said(lines):
    assert envelope(head(*lines)).may_be_report


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"\0" * 1000,
        head("From: " + "(" * 5000 + "a@x.example"),
        head("From: " + "a@x.example, " * 5000),
        head("From: a@x.example", *[f"X-{number}: y" for number in range(10_000)]),
        head("From: a@x.example", "X-Long: " + "y" * 1_000_000),
        head("From: a@x.example", "References: " + "<a@b.example> " * 20_000),
        head("From: a@x.example", "Subject: " + "=?utf-8?q?=C3?=" * 20_000),
        head("From: a@x.example", "Content-Type: text/plain" + ';"' * 30_000),
        "From: J\xf6rg <j@x.example>\r\nSubject: \xfcber\r\n\r\n".encode("latin-1"),
        head("From: =?martian?b?////?= <a@x.example>", "Subject: =?utf-8?b?!!!?="),
    ],
)
def test_envelope_of_hostile_headers_is_quick_and_never_raises(raw):
    envelope(raw)
    before = process_time()
    envelope(raw)

    assert process_time() - before < LONGEST_SECONDS * 20


def test_envelope_of_a_usual_message_is_cheap():
    raw = letter("Hello")
    envelope(raw)
    before = process_time()
    for _ in range(20):
        envelope(raw)

    assert (process_time() - before) / 20 < LONGEST_SECONDS


@pytest.mark.parametrize("raw", [b"", b"not a mail at all \xff\x00", b"\xff\xfe" * 9_000, b"\r\n" * 1_000])
def test_what_is_no_mail_has_an_empty_envelope(raw: bytes) -> None:
    assert envelope(raw).senders == ()
    assert judge(raw, received=RECEIVED).kind is Kind.REPLY


PIECES = st.sampled_from(
    [b"From: a@b.test", b"Message-ID: <", b">", b"\r\n", b"\n", b"\xff", b"\xed\xa0\x80", b"\x00", b"=?utf-8?B?", b"?=",
     b"Content-Type: multipart/mixed; boundary=b", b"--b", b"--b--", b"Content-Transfer-Encoding: base64", b" ", b"x"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map(b"".join) | st.binary(max_size=300))
def test_whatever_comes_is_judged(raw: bytes) -> None:
    envelope(raw)
    assert "could not be read" not in judge(raw, received=RECEIVED).cause
