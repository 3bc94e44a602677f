"""core.mime beside EmailMessage: both parsed by the standard library must give the same message."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, compat32, default

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.mime import Sender, Skeleton, fill, header_value, prepare
from core.template import Rendered

NOW = datetime(2027, 6, 15, 7, 5, 9, tzinfo=UTC)
SENDER = Sender("eva@us.com", "Eva Muster")
ID = "<abc.1@us.com>"
URL = "https://us.com/u/t0k?a=1&b=2"


def build(
    *,
    text="Hello\n",
    html="<p>Hello</p>\n",
    subject="Hello",
    sender=SENDER,
    skeleton: Skeleton | None = None,
    to_address="lead@acme.com",
    to_name="Anna",
    message_id=ID,
    date=NOW,
    multipart=True,
    **more,
) -> bytes:
    return fill(
        skeleton or prepare(sender, multipart=multipart),
        rendered=Rendered(subject, text, html),
        to_address=to_address,
        to_name=to_name,
        message_id=message_id,
        date=date,
        **more,
    )


def parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def well_formed(raw: bytes) -> None:
    """The rules of the wire: CRLF only, no line over 998 octets, 7 bits, headers within 78 where they fold."""
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def content(part: EmailMessage) -> str:
    return part.get_content().replace("\r\n", "\n")


def facts(raw: bytes) -> dict[str, object]:
    """What a reader's mail program sees."""
    message = parse(raw)
    seen: dict[str, object] = {
        "From": [(a.display_name, a.addr_spec) for a in message["From"].addresses],
        "To": [(a.display_name, a.addr_spec) for a in message["To"].addresses],
        "Subject": str(message["Subject"]),
        "Date": message["Date"].datetime,
        "Message-ID": str(message["Message-ID"]),
        "MIME-Version": str(message["MIME-Version"]),
        "names": sorted(key.lower() for key in message),
        "type": message.get_content_type(),
    }
    for name in ("In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post", "Reply-To"):
        seen[name] = message[name] and " ".join(str(message[name]).split())
    parts = list(message.iter_parts()) if message.is_multipart() else [message]
    seen["parts"] = [(p.get_content_type(), p.get_content_charset(), content(p)) for p in parts]
    return seen


def by_email_message(*, sender, name, address, subject, text, html, date=NOW) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = ID
    message["Date"] = date
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(name, addr_spec=address)
    message["Subject"] = subject
    message["List-Unsubscribe"] = f"<{URL}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


# --- equality with EmailMessage

_PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ")
_ASCII = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def _header(longest: int):
    letters = st.sampled_from("abc ,.;:\"'()<>@\\[]=?_-é漢😀")
    return (
        st.one_of(
            st.text(_ASCII, max_size=longest),
            st.text(_PRINTABLE, max_size=longest),
            st.text(letters, max_size=longest),
            st.lists(st.text(_ASCII, max_size=12), max_size=longest // 12).map(" ".join),
        )
        .map(lambda text: " ".join(text.split()))
        .filter(lambda text: "=?" not in text)
    )


# Names of one encoded word: Python 3.11 reads a space between two of them, against RFC 2047 §6.2.
_NAME = _header(60).filter(lambda name: name.isascii() or len(name.encode()) <= 42)
_LINE = st.one_of(
    st.sampled_from(
        ["", ".", "..", ".x", "From here", "--", "=20", "a ", "\t", "x" * 78, "x" * 79, "é" * 40, "x " * 700]
    ),
    st.text(_ASCII, max_size=90),
    st.text(_PRINTABLE, max_size=30),
)
_BODY = st.lists(_LINE, max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join(lines))
)


def _lines(text: str) -> str:
    """A body as both sides give it back: LF, one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


@settings(max_examples=200, deadline=None)
@given(name=_NAME, sender_name=_NAME, subject=_header(300).filter(bool), text=_BODY, html=_BODY)
@example(name='"', sender_name="a, b", subject="x" * 998, text=".\r.\r", html="\n")
@example(name="Zoë Müller", sender_name="漢" * 14, subject="漢" * 300, text="é", html="é" * 2000)
def test_message_equals_email_message(name, sender_name, subject, text, html):
    sender = Sender("eva@us.com", sender_name)
    ours = build(sender=sender, to_name=name, subject=subject, text=text, html=html, unsubscribe_url=URL)
    well_formed(ours)
    seen = facts(ours)
    # What was put in comes out…
    assert seen["From"] == [(sender_name, "eva@us.com")]
    assert seen["To"] == [(name, "lead@acme.com")]
    assert seen["Subject"] == subject
    assert [content for _, _, content in seen["parts"]] == [_lines(text), _lines(html)]
    # …and EmailMessage gives the same, but for a space it puts in front of some folded subjects.
    theirs = facts(
        by_email_message(
            sender=sender, name=name, address="lead@acme.com", subject=subject, text=text, html=html
        )
    )
    theirs["Subject"] = str(theirs["Subject"]).lstrip()
    assert seen == theirs


@settings(max_examples=100, deadline=None)
@given(subject=st.lists(st.text(_ASCII, min_size=1, max_size=60), max_size=16).map(" ".join))
def test_long_subjects_fold_within_78(subject):
    subject = subject.strip()
    assume(subject and "=?" not in subject)
    raw = build(subject=subject)
    well_formed(raw)
    assert str(parse(raw)["Subject"]) == subject
    head = raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert all(len(line) <= 78 for line in head if not line.startswith(b"Content-Type"))
    assert all(line.strip() for line in head)


def test_ascii_message_reads_as_written():
    assert build(unsubscribe_url=URL).decode().split("\r\n") == [
        "Message-ID: <abc.1@us.com>",
        "Date: Tue, 15 Jun 2027 07:05:09 +0000",
        "To: Anna <lead@acme.com>",
        "Subject: Hello",
        "From: Eva Muster <eva@us.com>",
        "MIME-Version: 1.0",
        f"List-Unsubscribe: <{URL}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        'Content-Type: multipart/alternative; boundary="=_fermata_2750f99d41604c128b1a3892"',
        "",
        "--=_fermata_2750f99d41604c128b1a3892",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "",
        "Hello",
        "",
        "--=_fermata_2750f99d41604c128b1a3892",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "",
        "<p>Hello</p>",
        "",
        "--=_fermata_2750f99d41604c128b1a3892--",
        "",
    ]


def test_text_alone():
    raw = build(multipart=False, text="Grüße\n")
    well_formed(raw)
    assert facts(raw)["parts"] == [("text/plain", "utf-8", "Grüße\n")]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("x" * 78, "7bit"),
        ("x" * 79, "quoted-printable"),
        ("é", "quoted-printable"),
        ("one\n.\n..\n\ntwo", "7bit"),
    ],
)
def test_encoding_is_the_plainest_that_is_safe(text, encoding):
    part = next(parse(build(text=text)).iter_parts())
    assert part["Content-Transfer-Encoding"] == encoding
    assert content(part) == text + "\n"


@pytest.mark.parametrize("name", ["Zoë " * 30 + "x", "漢" * 60, "😀" * 50, "x" * 200, '"a, b" ' * 20 + "c"])
def test_long_name_is_folded_and_comes_back(name):
    raw = build(to_name=name)
    well_formed(raw)
    lines = raw.split(b"\r\nSubject:")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 78
    written = message_from_bytes(raw, policy=compat32)["To"].removesuffix(" <lead@acme.com>")
    assert str(make_header(decode_header(written))).rstrip() == name


# --- row 194: bare CR, NUL and dots in a body


@pytest.mark.row(194)
def test_body_is_normalised_and_dots_are_left_to_smtp():
    raw = build(text="a\rb\r\nc\nd\x00e\x07\n.\n.f\n", html="\x00<p>\r.\r</p>")
    well_formed(raw)
    assert b"\r\n.\r\n.f\r\n" in raw
    assert [part[2] for part in facts(raw)["parts"]] == ["a\nb\nc\nde\n.\n.f\n", "<p>\n.\n</p>\n"]


def test_lone_surrogate_in_a_body_does_not_stop_the_message():
    well_formed(build(text="a\ud800b"))


def test_boundary_never_occurs_in_the_content():
    skeleton = prepare(SENDER)
    hostile = f"--{skeleton.boundary}--\n--{skeleton.boundary}_\n"
    raw = build(skeleton=skeleton, text=hostile, html=hostile)
    assert [part[2] for part in facts(raw)["parts"]] == [hostile, hostile]


# --- hostile headers, rows 188 and 198

HOSTILE = [
    *(f"a{char}Bcc: x@y.z" for char in ("\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")),
    "a\x00b",
    "a\x1bb",
    "a\x7fb",
    "a\tb",
    "a\ud800b",
    "=?utf-8?q?a=0D=0ABcc:_x=40y.z?=",
    "é =?utf-8?b?DQpCY2M6IHhAeS56?=",
]


@pytest.mark.row(188, 198)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_value_is_refused_in_every_header(value):
    with pytest.raises(Refused):
        header_value(value)
    for refused in (
        lambda: build(subject=value),
        lambda: build(to_name=value),
        lambda: build(to_address=f"{value}@acme.com"),
        lambda: build(to_address=f"lead@{value}"),
        lambda: build(message_id=f"<{value}@us.com>"),
        lambda: build(references=(f"<{value}@us.com>",)),
        lambda: build(unsubscribe_url=f"https://us.com/{value}"),
        lambda: build(unsubscribe_mailto=f"{value}@us.com"),
        lambda: prepare(Sender("eva@us.com", value)),
        lambda: prepare(Sender(f"{value}@us.com", "Eva")),
        lambda: prepare(SENDER, reply_to=f"{value}@us.com"),
    ):
        with pytest.raises(Refused):
            refused()


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=40))
def test_whatever_passes_the_guard_adds_no_header(value):
    plain = facts(build())
    try:
        raw = build(subject=value, to_name=value, sender=Sender("eva@us.com", value))
    except Refused:
        return
    well_formed(raw)
    assert facts(raw)["names"] == plain["names"]
    assert len(facts(raw)["To"]) == 1


@pytest.mark.row(198)
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Eva Muster", "Eva Muster"),
        ("Muster, Eva", '"Muster, Eva"'),
        ('Eva "the" Muster', '"Eva \\"the\\" Muster"'),
        ("a\\b", '"a\\\\b"'),
        ("eva@us.com", '"eva@us.com"'),
        ("J. Doe", '"J. Doe"'),
        ("<x@y.z>", '"<x@y.z>"'),
    ],
)
def test_display_name_is_quoted_as_needed(name, written):
    raw = build(sender=Sender("eva@us.com", name), to_name=name)
    assert f"From: {written} <eva@us.com>\r\n".encode() in raw
    assert facts(raw)["To"] == [(name, "lead@acme.com")]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@b.c",
        "a b@c.d",
        "a@b c",
        "a,b@c.d",
        "<a@b.c>",
        "a@b@c",
        "é@b.c",
        "a@é.c",
        "a@b.c>",
        "a" * 251 + "@b.c",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(Refused):
        build(to_address=address)
    with pytest.raises(Refused):
        prepare(Sender(address, "Eva"))


@pytest.mark.parametrize(
    "message_id", ["", "abc", "<a@b", "a@b", "<a b@c>", "<a@b><c@d>", "<" + "a" * 999 + "@b>"]
)
def test_what_is_no_message_id_is_refused(message_id):
    with pytest.raises(Refused):
        build(message_id=message_id)
    with pytest.raises(Refused):
        build(references=(ID, message_id))


# --- further headers


def test_thread_headers_name_the_last_message():
    thread = tuple(f"<{'x' * 60}.{n}@us.com>" for n in range(12))
    raw = build(references=thread)
    well_formed(raw)
    seen = facts(raw)
    assert seen["In-Reply-To"] == thread[-1]
    assert seen["References"] == " ".join(thread)


def test_unsubscribing_by_mail_and_by_one_click():
    seen = facts(build(unsubscribe_url=URL, unsubscribe_mailto="out+t0k@us.com?subject=out"))
    assert seen["List-Unsubscribe"] == f"<mailto:out+t0k@us.com?subject=out>, <{URL}>"
    assert seen["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    seen = facts(build(unsubscribe_mailto="mailto:out@us.com"))
    assert seen["List-Unsubscribe"] == "<mailto:out@us.com>"
    assert seen["List-Unsubscribe-Post"] is None
    assert facts(build())["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "url", ["ftp://x", "javascript:x", "us.com/u", "https://u s", "https://u>", "https://" + "x" * 900]
)
def test_what_is_no_unsubscribe_address_is_refused(url):
    with pytest.raises(Refused):
        build(unsubscribe_url=url)
    with pytest.raises(Refused):
        build(unsubscribe_mailto=url)


def test_reply_to_stands_where_given():
    raw = build(skeleton=prepare(SENDER, reply_to="desk@us.com"))
    assert facts(raw)["Reply-To"] == "desk@us.com"


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))]
)
def test_date_is_the_instant_given(zone):
    assert facts(build(date=NOW.astimezone(zone)))["Date"] == NOW


def test_naive_date_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="aware"):
        build(date=NOW.replace(tzinfo=None))
