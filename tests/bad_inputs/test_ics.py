"""Calendar mail as anybody may send it (bad inputs 119 to 128), posted to /hooks/mime."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from core.models import Meeting
from tests.bad_inputs.rows import assert_no_fault
from tests.measure import cpu
from tests.web.test_hooks import HELD, LEA, MAX, Doors, event, opened

OURS = "ana@sales.example"
TIMES = ("DTSTART:20270610T120000Z", "DTEND:20270610T130000Z")


@pytest.fixture
def doors(sqlite_url: str) -> Iterator[Doors]:
    """Lea and Max got the first mail an hour ago."""
    yield from opened(sqlite_url)


def calendar(
    *lines: str, method: str = "REPLY", organizer: str = OURS, attendee: str = LEA, answer: str = "ACCEPTED",
    number: int = 0, sender: str = LEA,
) -> bytes:  # fmt: skip
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, OURS, "Accepted: Demo"
    message["Message-ID"] = f"<{abs(hash((lines, method, organizer, attendee, answer, number)))}@x.test>"
    message.set_content("See the calendar.")
    rows = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", "UID:demo", f"SEQUENCE:{number}", "DTSTAMP:20270601T083000Z",
            *lines, f"ORGANIZER:mailto:{organizer}", f"ATTENDEE;PARTSTAT={answer}:mailto:{attendee}", "END:VEVENT",
            "END:VCALENDAR", ""]  # fmt: skip
    message.add_alternative("\r\n".join(rows), subtype="calendar", params={"method": method})
    return message.as_bytes()


def post(doors: Doors, content: bytes) -> dict[str, str]:
    with cpu() as spent:
        answer = doors.own(content, "/hooks/mime")
        assert spent() < 2
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.row(119, 120, 122)
def test_answers_book_and_older_ones_do_not(doors: Doors) -> None:
    post(doors, calendar(*TIMES, answer="DECLINED"))
    assert [row.state for row in doors.rows(Meeting)] == ["declined"]
    post(doors, calendar(*TIMES, number=5))
    assert ([row.state for row in doors.rows(Meeting)], doors.until()) == (["booked"], [HELD])
    later = ("DTSTART:20270710T120000Z", "DTEND:20270710T130000Z")
    post(doors, calendar(*later, number=4))
    assert doors.until() == [HELD]


@pytest.mark.row(123)
def test_repetition_holds_for_the_first_time_alone(doors: Doors) -> None:
    for n, rule in enumerate(
        (
            "FREQ=SECONDLY;COUNT=1000000000",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=SECONDLY",
            "FREQ=DAILY\r\nEXRULE:FREQ=DAILY",
        )
    ):
        assert post(doors, calendar(*TIMES, f"RRULE:{rule}", number=n))["kind"] == "calendar"
    assert doors.until() == [HELD]


@pytest.mark.row(124, 128)
@pytest.mark.parametrize(
    "start",
    [
        "",
        "DTSTART;TZID=Mars/Olympus:20270610T120000",
        "DTSTART:20270610T120000",
        "DTSTART:100000610T120000Z",
        "DTSTART:never",
    ],
)
def test_time_that_is_no_time_is_taken_for_none_and_holds_until_somebody_says(
    doors: Doors, caplog: pytest.LogCaptureFixture, start: str
) -> None:
    post(doors, calendar(start))
    assert doors.until() == [None]
    [row] = doors.rows(Meeting)
    assert (row.starts_at, row.asked_at) == (None, doors.world.now)
    assert [card.kind for card in doors.world.cards()] == ["meeting"]
    assert_no_fault(caplog)


@pytest.mark.row(128)
def test_year_10000_told_by_a_system_of_our_own_is_refused(doors: Doors) -> None:
    for name in ("starts_at", "ends_at"):
        body = event()
        body["meeting"][name] = "10000-01-01T00:00:00Z"
        answer = doors.own(body)
        assert (answer.status_code, answer.text.startswith(f"`{name}` must be an instant")) == (400, True)
    assert doors.until() == doors.rows(Meeting) == []


@pytest.mark.row(126)
def test_of_10_mb_the_beginning_is_read_and_a_person_asked(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    filler = "X-FILLER:" + "y" * 60
    assert post(doors, calendar(*TIMES, *[filler] * 150_000))["kind"] == "calendar"
    assert doors.rows(Meeting) == []  # who meets stands at the end, so nobody knows what it is
    assert doors.until() == [None]
    assert [card.kind for card in doors.world.cards()] == ["review"]
    assert_no_fault(caplog)


@pytest.mark.row(127)
@pytest.mark.parametrize(
    "people",
    [
        {"organizer": "boss@elsewhere.test", "attendee": "somebody@elsewhere.test"},
        {"organizer": "boss@elsewhere.test"},
        {"organizer": "boss@elsewhere.test", "attendee": MAX},
    ],
)
def test_meeting_of_other_people_is_ignored(doors: Doors, people: dict[str, str]) -> None:
    post(doors, calendar(*TIMES, **people))
    assert doors.rows(Meeting) == []
    assert doors.until() == doors.until(MAX) == []
