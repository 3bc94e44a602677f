"""Calendar parts: what they say, what they leave open, and what hostile ones cost."""

import time
from datetime import UTC, datetime

import pytest

from core.inbound.calendars import MOST_ATTENDEES, read

LONGEST_SECONDS = 0.25  # generous: two machines' worth of load


def part(*lines, method="REQUEST", more=()):
    """Give a calendar part with one event of these lines."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", *([f"METHOD:{method}"] if method else []), *more]
    return "\r\n".join([*head, "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def times(*lines, zone="UTC"):
    found = read(part("UID:1@acme.test", *lines), zone=zone)
    return found.starts_at, found.ends_at


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_reply_says_who_answered_what_to_which_event():
    found = read(
        part(
            "UID:demo-7@acme.test",
            "SEQUENCE:2",
            "DTSTAMP:20270301T090000Z",
            "DTSTART:20270310T140000Z",
            "DTEND:20270310T143000Z",
            "SUMMARY:Demo\\, with Ada\\; the second\\none",
            'ORGANIZER;CN="Ben, Sales":MAILTO:Ben@Acme.Test',
            "ATTENDEE;PARTSTAT=ACCEPTED;CN=Ada:mailto:ada@lovelace.test",
            method="REPLY",
        ),
        zone="UTC",
    )
    assert (found.method, found.uid, found.number, found.answer) == (
        "reply",
        "demo-7@acme.test",
        2,
        "accepted",
    )
    assert (found.organizer, found.attendees) == ("ben@acme.test", ("ada@lovelace.test",))
    assert (found.starts_at, found.ends_at) == (at(2027, 3, 10, 14), at(2027, 3, 10, 14, 30))
    assert found.stamped_at == at(2027, 3, 1, 9)
    assert found.title == "Demo, with Ada; the second one"
    assert not found.is_recurring


@pytest.mark.parametrize(
    ("lines", "starts_at", "ends_at"),
    [
        (["DTSTART:20270310T140000Z", "DTEND:20270310T150000Z"], at(2027, 3, 10, 14), at(2027, 3, 10, 15)),
        (["DTSTART:20270310T140000Z", "DURATION:PT1H30M"], at(2027, 3, 10, 14), at(2027, 3, 10, 15, 30)),
        (["DTSTART:20270310T140000Z", "DURATION:P1W"], at(2027, 3, 10, 14), at(2027, 3, 17, 14)),
        (["DTSTART:20270310T140000Z"], at(2027, 3, 10, 14), at(2027, 3, 10, 14)),
        (["DTSTART:20270310T140000Z", "DTEND:20270309T140000Z"], at(2027, 3, 10, 14), None),
        (["DTSTART:20270310T140000Z", "DURATION:-PT1H"], at(2027, 3, 10, 14), at(2027, 3, 10, 14)),
        (["DTSTART;TZID=Europe/Berlin:20270310T150000"], at(2027, 3, 10, 14), at(2027, 3, 10, 14)),
        (
            ['DTSTART;TZID="W. Europe Standard Time":20270710T160000'],
            at(2027, 7, 10, 14),
            at(2027, 7, 10, 14),
        ),
        (
            ["DTSTART;TZID=/citadel.org/20250101_1/America/Argentina/Salta:20270310T110000"],
            at(2027, 3, 10, 14),
            at(2027, 3, 10, 14),
        ),
        (["DTSTART;TZID=tzone://Microsoft/Utc:20270310T140000"], at(2027, 3, 10, 14), at(2027, 3, 10, 14)),
        (["DTSTART;TZID=Customized Time Zone:20270310T140000"], None, None),
        (["DTSTART;TZID=Mars/Olympus:20270310T140000"], None, None),
        (["DTSTART;TZID=../../etc/passwd:20270310T140000"], None, None),
        (["DTSTART:20270310T140000"], None, None),
        (["DTEND:20270310T150000Z"], None, at(2027, 3, 10, 15)),
        (["DTSTART:100000310T140000Z"], None, None),
        (["DTSTART:99991231T235959Z"], None, None),
        (["DTSTART:20270230T140000Z"], None, None),
        (["DTSTART:2027031٠T140000Z"], None, None),
        (["DTSTART:20270310T140000Z", "DURATION:P99999D"], at(2027, 3, 10, 14), None),
    ],
)  # fmt: skip
def test_times_are_instants_or_not_known(lines, starts_at, ends_at):
    assert times(*lines) == (starts_at, ends_at)


def test_whole_day_is_a_day_of_the_zone():
    assert times("DTSTART;VALUE=DATE:20270310", zone="Asia/Tokyo") == (
        at(2027, 3, 9, 15),
        at(2027, 3, 10, 15),
    )


@pytest.mark.row(123)
@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY;COUNT=1000000000",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=DAILY\r\nEXRULE:FREQ=DAILY",
    ],
)
def test_repetition_is_named_and_never_expanded(rule):
    began = time.process_time()
    found = read(part("UID:1", "DTSTART:20270310T140000Z", rule), zone="UTC")
    assert found.is_recurring
    assert found.starts_at == at(2027, 3, 10, 14)
    assert time.process_time() - began < LONGEST_SECONDS


def test_alarm_inside_says_nothing_about_the_event():
    alarm = [
        "BEGIN:VALARM",
        "SUMMARY:Wake up",
        "ATTENDEE:mailto:bot@acme.test",
        "DURATION:PT9H",
        "END:VALARM",
    ]
    found = read(part("UID:1", *alarm, "SUMMARY:Demo", "DTSTART:20270310T140000Z"), zone="UTC")
    assert (found.title, found.attendees, found.ends_at) == ("Demo", (), at(2027, 3, 10, 14))


def test_series_wins_over_its_exceptions_wherever_they_stand():
    moved = (
        "UID:1\r\nRECURRENCE-ID:20270317T140000Z\r\nDTSTART:20270318T140000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT"
    )
    found = read(part(moved, "UID:1", "DTSTART:20270310T140000Z", "RRULE:FREQ=WEEKLY"), zone="UTC")
    assert (found.starts_at, found.is_recurring) == (at(2027, 3, 10, 14), True)
    alone = read(part("UID:1", "RECURRENCE-ID:20270317T140000Z", "DTSTART:20270318T140000Z"), zone="UTC")
    assert alone.starts_at == at(2027, 3, 18, 14)


def test_request_marked_cancelled_is_a_cancel():
    assert read(part("UID:1", "STATUS:CANCELLED"), zone="UTC").method == "cancel"


@pytest.mark.parametrize("method", [None, "EAT", ""])
def test_part_without_a_method_of_the_standard_has_none(method):
    assert read(part("UID:1", method=method), zone="UTC").method == ""


def test_event_without_a_uid_gets_one_of_its_bytes():
    one, again, other = (read(part(f"SUMMARY:{n}"), zone="UTC").uid for n in (1, 1, 2))
    assert one == again != other


def test_folded_lines_and_letters_are_whole():
    content = part("UID:1", "SUMMARY:Gespräch").replace("ä".encode(), b"\xc3\r\n \xa4")
    assert read(content, zone="UTC").title == "Gespräch"


def test_title_is_one_line_without_anything_unseen():
    found = read(part("UID:1", "SUMMARY:Demo\\n\u202ereversed\x00\x1b[31m"), zone="UTC")
    assert found.title == "Demo reversed [31m"


def test_event_cut_off_in_the_middle_is_still_read():
    found = read(part("UID:1", "DTSTART:20270310T140000Z").split(b"END:")[0], zone="UTC")
    assert found.starts_at == at(2027, 3, 10, 14)


@pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"\xff\xfe" * 9000, b"Hello", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"])  # fmt: skip
def test_what_holds_no_event_is_none(content):
    assert read(content, zone="UTC") is None


HEAD = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:x\r\n"


@pytest.mark.row(126)
@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"ATTACH;ENCODING=BASE64:" + b"A" * 10_000_000,
        HEAD + b"ATTACH:http://127.0.0.1:9/secret\r\n",
        HEAD + b"SUMMARY:a" + b"\r\n x" * 2_500_000,
        HEAD + b"X:1\n" * 2_500_000,
        HEAD + b"BEGIN:VALARM\n" * 700_000,
        HEAD + b"X" + b";A=1" * 2_500_000,
        HEAD + (b'X;A="' + b'a"' * 4000 + b"\n") * 1000,
        HEAD + b"DTSTART;TZID=" + b"a/" * 5_000_000 + b":20270101T100000",
        HEAD + b"ATTENDEE:mailto:ada@lead.test\n" * 300_000,
        HEAD + ("ATTENDEE:mailto:a@" + "ü" * 3000 + ".de\n").encode() * 100,
        HEAD + b"SEQUENCE:" + b"9" * 5000 + b"\n",
    ],
    ids=lambda content: content[len(HEAD) : len(HEAD) + 14].decode(errors="replace"),
)
def test_hostile_part_is_read_in_bounded_time(content):
    began = time.process_time()
    found = read(content, zone="UTC")
    assert time.process_time() - began < LONGEST_SECONDS
    assert found.uid == "x"
    assert len(found.attendees) <= MOST_ATTENDEES
    assert found.number == 0
