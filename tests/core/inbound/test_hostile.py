"""Mail that is meant to break its reader: a verdict in bounded time and memory, and nothing thrown outwards."""

from __future__ import annotations

import logging
import tracemalloc
from time import process_time

import pytest

from core.inbound import Kind, judge
from tests.core.inbound.mail import RECEIVED, letter

LONGEST_SECONDS = 3.0  # on a busy machine; most take a few milliseconds
MOST_BYTES = 60_000_000
TOP = "From: a@x.example\r\nTo: sam@fermata.example\r\nSubject: hi\r\n"


def nested(count: int) -> bytes:
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(count)
    )
    return (TOP + opened + "Content-Type: text/plain\r\n\r\nhello\r\n").encode()


def inside(count: int) -> bytes:
    return (TOP + "Content-Type: message/rfc822\r\n\r\n" * count + "hello").encode()


def many_parts(count: int) -> bytes:
    return (TOP + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + "--b\r\n\r\nx\r\n" * count).encode()


def of_type(kind: str, body: bytes, more: str = "") -> bytes:
    return (TOP + f"Content-Type: {kind}\r\n{more}\r\n").encode() + body


ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n"
MAIL = {
    "empty": b"",
    "no body": TOP.encode(),
    "only a body": b"\r\n\r\nhello",
    "100 MB": (TOP + "\r\n").encode() + b"hello there\r\n" * 8_000_000,
    "2 MB line": (TOP + "\r\n").encode() + b"a" * 2_000_000,
    "blanks": (TOP + "\r\n").encode() + b" " * 1_900_000 + b"x",
    "dashes": (TOP + "\r\n").encode() + b"-" * 200_000,
    "1,000 nested parts": nested(1_000),
    "50,000 parts": many_parts(50_000),
    "message/rfc822 x 200": inside(200),
    "1 MB header": (TOP + "X: " + "y" * 1_000_000 + "\r\n\r\nhello").encode(),
    "10,000 headers": (TOP + "X: y\r\n" * 10_000 + "\r\nhello").encode(),
    "boundary of itself": of_type('multipart/mixed; boundary="b"', b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000),
    "no boundary": of_type("multipart/mixed", b"hello"),
    "strange boundary": of_type('multipart/mixed; boundary="(.*)+\\"', b"--(.*)+\r\n\r\nhello"),
    "unknown charset": of_type('text/plain; charset="martian"', "grüß".encode()),
    "charset of another kind": of_type('text/plain; charset="zlib_codec"', b"hello"),
    "punycode": of_type('text/plain; charset="punycode"', b"a-" * 90_000),
    "broken base64": of_type("text/plain", b"=====!!!!", "Content-Transfer-Encoding: base64\r\n"),
    "broken quoted-printable": of_type("text/plain", b"=ZZ=" * 50_000, "Content-Transfer-Encoding: quoted-printable\r\n"),
    "uuencode": of_type("text/plain", b"begin 644 x\r\n#\xff\r\n", "Content-Transfer-Encoding: x-uuencode\r\n"),
    "8-bit headers": b"From: \xff\xfe <a@x.example>\r\nSubject: \xff\r\nContent-Type: text/\xff\r\n\r\nhello",
    "open tags": of_type("text/html", b"<" * 200_000),
    "open comments": of_type("text/html", b"<!--" * 50_000),
    "deep tags": of_type("text/html", b"<div style='x'>" * 100_000),
    "deep hidden tags": of_type("text/html", b"<div style='display:none'>" * 60_000),
    "long character reference": of_type("text/html", b"&#" + b"9" * 100_000 + b";hello"),
    "parameters": of_type("text/plain" + ';"' * 30_000, b"hello"),
    "long filename": of_type("text/plain; name*0*=utf-8''%ff" + "".join(f"; name*{n}*=%ff" for n in range(900)), b"x"),
    "quotes": (TOP + "\r\n" + "> a\r\n" * 300_000).encode(),
    "attributions": (TOP + "\r\n" + "On 1.1.2026 10:10 a@b.example wrote\r\n" * 40_000).encode(),
    "header blocks": (TOP + "\r\n" + "From: a\r\n" * 100_000).encode(),
    "addresses": (TOP + "\r\n" + "a@" * 500_000).encode(),
    "digits": (TOP + "\r\n" + "1 " * 500_000).encode(),
    "report of 2 MB": (TOP.replace("a@x", "mailer-daemon@x") + "\r\n" + "550 5.1.1 user unknown\r\n" * 80_000).encode(),
    "delivery status of 2 MB": of_type("message/delivery-status", b"Final-Recipient: rfc822; a@b.example\r\n\r\n" * 40_000),
    "ICS of 10 MB": of_type("text/calendar; method=REQUEST", ICS.format("X-A:b\r\n" * 1_400_000).encode()),
    "ICS without end": of_type("text/calendar; method=REQUEST", ICS.format("RRULE:FREQ=SECONDLY;INTERVAL=0;COUNT=1000000000\r\n").encode()),
    "ICS of the year 10000": of_type("text/calendar; method=REQUEST", ICS.format("DTSTART;TZID=Moon/Base:100000101T000000Z\r\n").encode()),
    "zip": of_type("application/zip", b"PK\x03\x04" + b"\0" * 100_000, "Content-Disposition: attachment; filename=a.zip\r\n"),
    "program": of_type("application/x-msdownload", b"MZ" * 50_000, "Content-Disposition: attachment; filename=a.exe\r\n"),
}  # fmt: skip


@pytest.mark.row(108, 110, 126)
@pytest.mark.parametrize("name", MAIL)
def test_hostile_mail_gets_a_verdict_in_bounded_time_and_memory(name, caplog):
    judge(letter("warm"), received=RECEIVED)
    raw = MAIL[name]
    tracemalloc.start()
    before = process_time()
    with caplog.at_level(logging.ERROR):
        found = judge(raw, received=RECEIVED)
    spent, (_, peak) = process_time() - before, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.kind in set(Kind)
    assert not caplog.records, "the last line of defence was needed"
    assert spent < LONGEST_SECONDS * 3  # tracing memory slows everything down
    assert peak < MOST_BYTES
    assert len(found.text) <= 4_000


@pytest.mark.parametrize("name", ["1,000 nested parts", "message/rfc822 x 200", "2 MB line", "100 MB"])
def test_mail_that_is_not_read_whole_says_so(name):
    assert "look at it in the mailbox" in judge(MAIL[name], received=RECEIVED).cause


@pytest.mark.row(114)
@pytest.mark.parametrize(
    "kind",
    [
        "application/pkcs7-mime; smime-type=enveloped-data",
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
    ],
)
def test_encrypted_mail_is_an_answer_nobody_read(kind):
    found = judge(
        of_type(kind, b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n"),
        received=RECEIVED,
    )

    assert found.kind is Kind.REPLY
    assert "encrypted" in found.cause


def test_signed_mail_is_read():
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nPlease remove me from your list.\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nxx\r\n--b--\r\n"

    assert judge(of_type("multipart/signed; boundary=b", body), received=RECEIVED).kind is Kind.UNSUBSCRIBE


def test_large_attachment_below_a_whole_text_is_no_cause():
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nHere is our plan.\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename=a.pdf\r\n\r\n" + b"x" * 3_000_000 + b"\r\n--b--\r\n"
    )
    found = judge(of_type("multipart/mixed; boundary=b", body), received=RECEIVED)

    assert (found.kind, found.cause, found.text) == (Kind.REPLY, "", "Here is our plan.")


@pytest.mark.row(111)
@pytest.mark.parametrize(
    "date", ["Thu, 1 Jan 1970 00:00:00 +0000", "Fri, 1 Jan 2099 00:00:00 +0000", "never"]
)
def test_date_header_is_not_believed(date):
    raw = letter(
        "I am out of the office, back on Monday.",
        headers={"Auto-Submitted": "auto-replied", "Resent-Date": date},
    )
    raw = raw.replace(b"Tue, 08 Sep 2026 09:00:00 +0000", date.encode())

    assert judge(raw, received=RECEIVED).back.on.isoformat() == "2026-09-14"


def test_file_that_is_attached_to_a_letter_is_no_invitation():
    calendar = ICS.format("").replace("REQUEST", "PUBLISH")
    body = f"--b\r\n\r\nThe dates are attached.\r\n--b\r\nContent-Type: text/calendar\r\nContent-Disposition: attachment; filename=a.ics\r\n\r\n{calendar}--b--\r\n"

    assert judge(of_type("multipart/mixed; boundary=b", body.encode()), received=RECEIVED).kind is Kind.REPLY


def test_invitation_in_a_part_of_its_own_is_one():
    body = f"--b\r\n\r\nJoin us\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n{ICS.format('')}--b--\r\n"

    assert (
        judge(of_type("multipart/alternative; boundary=b", body.encode()), received=RECEIVED).kind
        is Kind.CALENDAR
    )
