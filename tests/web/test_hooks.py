"""The doors for other systems, over HTTP (bad inputs 119-128 by mail, 130-140, 148, 151, 152).

Those of mail services are in tests/bad_inputs/test_webhooks.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import pytest
from sqlmodel import select

from core.errors import Refused
from core.models import Lead, Meeting, Message, Seen, Suppression
from core.settings import read_settings
from sandbox.slack import serving
from tests.measure import cpu
from tests.web.conftest import LEADS, OFFICE
from tests.world import PLAIN, START, World, make
from web.app import create_app
from web.doors import LARGEST_JSON_BYTES, Secrets

LEA, MAX = LEADS
OWN, CALENDLY, CAL = "own-secret-of-this-test", "calendly-secret-of-this-test", "cal-secret-of-this-test"
DEMO = datetime(2027, 6, 10, 12, 0, tzinfo=UTC)
HELD = DEMO + timedelta(hours=3)  # its end, and the rule's two hours
HOOKS = ("/hooks/event", "/hooks/mime", "/hooks/calendly", "/hooks/cal")


NO_JSON = (
    b" " * 5_000_000,
    b"[" * (LARGEST_JSON_BYTES - 10),
    b'{"a":' * 40_000,
    b'{"id": "1", "id": "2", "type": "reply", "email": "lea@x.test"}',
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": "\\ud800"}',
    b"\xff\xfe",
    b"",
    b"null",
    b'"text"',
    b"{'a': 1}",
)


@dataclass
class Doors:
    """The served application, and each sender's way of signing."""

    world: World
    http: httpx.Client

    def post(self, path: str, body: bytes, **headers: object) -> httpx.Response:
        sent = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
        return self.http.post(path, content=body, headers={"content-type": "application/json", **sent})

    def own(self, body: object, path: str = "/hooks/event", **signed: object) -> httpx.Response:
        content = as_bytes(body)
        return self.post(path, content, fermata_signature=stamped(content, OWN, self.world.now, **signed))

    def calendly(self, body: object, **signed: object) -> httpx.Response:
        content = as_bytes(body)
        header = stamped(content, CALENDLY, self.world.now, **signed)
        return self.post("/hooks/calendly", content, calendly_webhook_signature=header)

    def cal(self, body: object, secret: str = CAL) -> httpx.Response:
        content = as_bytes(body)
        return self.post("/hooks/cal", content, x_cal_signature_256=digest(secret, content))

    def sign(self, path: str, content: bytes) -> httpx.Response:
        """Post with the right signature, whatever it is there."""
        if path == "/hooks/cal":
            return self.cal(content)
        return self.calendly(content) if path == "/hooks/calendly" else self.own(content, path)

    def until(self, email: str = LEA) -> list[datetime | None]:
        return sorted(hold.until for hold in self.world.holds(email))

    def rows(self, table: type) -> list:
        with self.world.read() as session:
            return list(session.exec(select(table)))

    def counts(self) -> dict[tuple[str, str], int]:
        """The requests by hook and result, from /metrics."""
        lines = [
            line
            for line in self.http.get("/metrics").text.splitlines()
            if line.startswith("fermata_hooks_total")
        ]
        return {(line.split('"')[1], line.split('"')[3]): int(line.split()[-1]) for line in lines}


def as_bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def digest(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def stamped(content: bytes, secret: str, now: datetime, *, age: float = 0, stamp: str | None = None) -> str:
    stamp = str(int(now.timestamp() - age)) if stamp is None else stamp
    return f"t={stamp},v1={digest(secret, stamp.encode() + b'.' + content)}"


def opened(url: str, secrets: Secrets | None = None) -> Iterator[Doors]:
    world = make(url, PLAIN, *LEADS, now=START)
    world.tick()
    world.later(hours=1)
    app = create_app(
        db=world.db,
        office=OFFICE,
        clock=lambda: world.now,
        slack=None,
        ready=list,
        secrets=secrets or Secrets(OWN, CALENDLY, CAL),
    )
    with serving(app) as address, httpx.Client(base_url=address, timeout=20) as http:
        yield Doors(world, http)
    world.db.close()


@pytest.fixture
def doors(sqlite_url: str) -> Iterator[Doors]:
    """The doors on SQLite, where the database does not matter."""
    yield from opened(sqlite_url)


@pytest.fixture
def both(database_url: str) -> Iterator[Doors]:
    """The doors on each kind of database."""
    yield from opened(database_url)


def said(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", ".000000Z")


def invitee(
    event: str = "invitee.created", uri: str = "one", at: datetime = DEMO, minutes: float = 1, **more: object
):
    """A body of Calendly's, in the form of its documentation."""
    event_uri = f"https://api.calendly.com/scheduled_events/{uri}"
    payload = {
        "uri": f"{event_uri}/invitees/{uri}",
        "email": "Lea@X.test",
        "name": "Lea",
        "status": "canceled" if event == "invitee.canceled" else "active",
        "rescheduled": False,
        "old_invitee": None,
        "new_invitee": None,
        "no_show": None,
        "scheduled_event": {
            "uri": event_uri,
            "name": "Demo",
            "status": "active",
            "start_time": at.isoformat().replace("+00:00", "Z"),
            "end_time": (at + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        },
    }
    by = "https://api.calendly.com/users/us"
    return {"event": event, "created_at": said(minutes), "created_by": by, "payload": payload | more}


def invitee_uri(uri: str) -> str:
    return f"https://api.calendly.com/scheduled_events/{uri}/invitees/{uri}"


def booking(
    event: str = "BOOKING_CREATED", uid: str = "one", at: datetime = DEMO, minutes: float = 1, **more: object
):
    """A body of Cal.com's, in the form of its documentation."""
    payload = {
        "type": "60min",
        "title": "60min between Ana and Lea",
        "startTime": at.isoformat().replace("+00:00", "Z"),
        "endTime": (at + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "organizer": {"id": 5, "name": "Ana", "email": "ana@sales.example", "timeZone": "Europe/Berlin"},
        "responses": {"email": {"label": "email_address", "value": LEA}},
        "attendees": [{"email": LEA, "name": "Lea", "timeZone": "Europe/Berlin"}],
        "uid": uid,
        "bookingId": 91,
        "status": "ACCEPTED",
    }
    return {"triggerEvent": event, "createdAt": said(minutes), "payload": payload | more}


def event(kind: str = "meeting", number: int = 1, **more: object):
    body = {"id": f"event-{number}", "type": kind, "email": LEA, "at": said(number)}
    if kind == "meeting":
        end = (DEMO + timedelta(hours=1)).isoformat()
        body["meeting"] = {
            "id": "m",
            "state": "booked",
            "starts_at": DEMO.isoformat(),
            "ends_at": end,
            "title": "Demo",
        }
    return body | more


class TestSignatures:
    @pytest.mark.row(130)
    @pytest.mark.parametrize("path", HOOKS)
    def test_wrong_signature_is_401_and_changes_nothing(self, doors: Doors, path: str) -> None:
        content = as_bytes(invitee())
        now = doors.world.now
        for header in ("fermata-signature", "calendly-webhook-signature", "x-cal-signature-256"):
            for value in (
                stamped(content, "another-secret-of-somebody", now),
                digest("another-secret-of-somebody", content),
                "no-secret-provided",
                "",
                "t=,v1=",
                "é" * 20,
                "v1" * 5000,
            ):
                answer = doors.http.post(
                    path, content=content, headers=[(header.encode(), value.encode("latin-1"))]
                )
                assert answer.status_code == 401, (header, value)
                time.sleep(0.02)  # slower than what is too fast
        assert doors.http.post(path, content=content).status_code == 401
        assert doors.rows(Meeting) == doors.rows(Seen) == []

    @pytest.mark.row(131)
    @pytest.mark.parametrize("path", HOOKS)
    def test_right_signature_of_another_spelling_of_the_body_is_401(self, doors: Doors, path: str) -> None:
        body = invitee()
        content, spelled = as_bytes(body), json.dumps(body, indent=1).encode()
        headers = {
            "fermata_signature": stamped(content, OWN, doors.world.now),
            "calendly_webhook_signature": stamped(content, CALENDLY, doors.world.now),
            "x_cal_signature_256": digest(CAL, content),
        }
        assert doors.post(path, spelled, **headers).status_code == 401

    @pytest.mark.row(132)
    def test_calendlys_stamp_is_good_for_180_seconds(self, doors: Doors) -> None:
        for age, status in ((0, 200), (179, 200), (181, 401), (-60, 401), (86_400, 401)):
            assert doors.calendly(invitee(), age=age).status_code == status

    def test_our_own_stamp_is_good_for_300_seconds(self, doors: Doors) -> None:
        for age, status in ((0, 200), (299, 200), (301, 401), (-60, 401)):
            assert doors.own(event(), age=age).status_code == status

    @pytest.mark.row(132)
    def test_stamp_that_is_no_number_is_401(self, doors: Doors) -> None:
        content = as_bytes(invitee())
        for stamp in ("abc", "", " ", "١٨٠", "-1", "1e9", "9" * 5000, "0x10"):
            value = f"t={stamp},v1={digest(CALENDLY, stamp.encode() + b'.' + content)}".encode()
            headers = [(b"calendly-webhook-signature", value)]
            assert doors.http.post("/hooks/calendly", content=content, headers=headers).status_code == 401

    @pytest.mark.row(132)
    def test_stamp_that_is_missing_or_stands_twice_is_401(self, doors: Doors) -> None:
        content = as_bytes(invitee())
        right = stamped(content, CALENDLY, doors.world.now)
        for header in (right.partition(",")[2], f"{right},{right.partition(',')[0]}"):
            assert (
                doors.post("/hooks/calendly", content, calendly_webhook_signature=header).status_code == 401
            )

    def test_header_that_comes_twice_is_401(self, doors: Doors) -> None:
        content = as_bytes(invitee())
        right = ("calendly-webhook-signature", stamped(content, CALENDLY, doors.world.now))
        assert doors.http.post("/hooks/calendly", content=content, headers=[right, right]).status_code == 401

    @pytest.mark.row(132)
    def test_any_right_v1_of_several_is_enough(self, doors: Doors) -> None:
        content = as_bytes(invitee())
        stamp, right = stamped(content, CALENDLY, doors.world.now).split(",")
        wrong = f"v1={'0' * 64}"
        for parts in ([stamp, wrong, right], [stamp, right, wrong], [right, wrong, stamp]):
            header = ",".join(parts)
            assert (
                doors.post("/hooks/calendly", content, calendly_webhook_signature=header).status_code == 200
            )
        header = f"{stamp},{wrong},{wrong}"
        assert doors.post("/hooks/calendly", content, calendly_webhook_signature=header).status_code == 401


class TestDoors:
    @pytest.mark.row(135)
    @pytest.mark.parametrize("path", HOOKS)
    def test_door_without_a_secret_does_not_exist_and_says_so(self, sqlite_url: str, path: str) -> None:
        for doors in opened(sqlite_url, Secrets()):
            for method in ("POST", "GET"):
                answer = doors.http.request(method, path, content=b"{}")
                assert answer.status_code == 404
                assert answer.text.startswith("This hook is off; set FERMATA_")

    @pytest.mark.row(136)
    @pytest.mark.parametrize("path", HOOKS)
    def test_only_post_is_allowed(self, doors: Doors, path: str) -> None:
        for method in ("GET", "PUT", "DELETE"):
            assert doors.http.request(method, path).status_code == 405

    @pytest.mark.row(135)
    @pytest.mark.parametrize(
        "name",
        ["FERMATA_HOOKS_SECRET", "FERMATA_CALENDLY_SECRET", "FERMATA_CAL_SECRET", "FERMATA_MAILGUN_SECRET"],
    )
    @pytest.mark.parametrize("value", ["", " " * 20, "fifteen-letters"])
    def test_secret_that_is_empty_or_short_is_an_error_at_the_start(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(Refused) as refused:
            read_settings()
        assert str(refused.value).startswith(f"{name}: must have at least 16 characters")

    def test_secret_that_is_long_enough_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FERMATA_CAL_SECRET", CAL)
        settings = read_settings()
        assert settings.cal_secret is not None
        assert settings.cal_secret.get_secret_value() == CAL
        assert settings.hooks_secret is None
        assert CAL not in repr(settings)

    @pytest.mark.row(138)
    @pytest.mark.parametrize("path", ["/hooks/event", "/hooks/calendly", "/hooks/cal"])
    def test_body_that_is_no_plain_json_is_400_at_once(self, doors: Doors, path: str) -> None:
        doors.http.get("/healthz")  # connected already
        for content in NO_JSON:
            with cpu() as spent:
                answer = doors.sign(path, content)
                assert spent() < 0.5, content[:20]
            assert answer.status_code == 400, content[:20]
            assert len(answer.text) < 200

    def test_mail_beyond_the_limit_is_413(self, doors: Doors) -> None:
        assert doors.own(b"x" * (33 * 2**20), "/hooks/mime").status_code == 413

    def test_packed_body_is_415(self, doors: Doors) -> None:
        content = as_bytes(event())
        header = stamped(content, OWN, doors.world.now)
        assert (
            doors.post("/hooks/event", content, fermata_signature=header, content_encoding="gzip").status_code
            == 415
        )

    @pytest.mark.row(139)
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/hooks/event", {"id": "1", "type": "cake", "email": LEA}),
            ("/hooks/calendly", invitee("routing_form_submission.created")),
            ("/hooks/calendly", {"event": ["invitee.created"]}),
            ("/hooks/calendly", {}),
            ("/hooks/cal", booking("FORM_SUBMITTED")),
            ("/hooks/cal", {"triggerEvent": "PING", "createdAt": said(1)}),
            ("/hooks/cal", booking("BOOKING_PAID")),
        ],
    )
    def test_unknown_kind_is_200_ignored_and_counted(self, doors: Doors, path: str, body: object) -> None:
        answer = doors.sign(path, as_bytes(body))
        assert (answer.status_code, answer.json()) == (200, {"result": "ignored"})
        assert doors.counts() == {(path.rpartition("/")[2], "ignored"): 1}
        assert doors.rows(Seen) == []

    @pytest.mark.row(140)
    def test_unknown_address_is_200_and_makes_no_lead(self, both: Doors) -> None:
        stranger = "stranger@elsewhere.test"
        for answer in (
            both.own(event(email=stranger)),
            both.own(event("reply", 2, email=stranger)),
            both.calendly(invitee(email=stranger)),
            both.cal(booking(attendees=[{"email": stranger}], responses={})),
            both.own(letter("Hello", stranger), "/hooks/mime"),
        ):
            assert (answer.status_code, answer.json()["result"]) == (200, "unknown address")
        assert len(both.rows(Lead)) == 2
        assert both.rows(Seen) == both.rows(Meeting) == both.rows(Message) == []

    @pytest.mark.row(152)
    def test_source_that_asks_too_fast_gets_429_and_harms_nothing(self, doors: Doors) -> None:
        doors.own(event("reply"))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: doors.post("/hooks/event", b"{}"), range(400)))
        assert {answer.status_code for answer in found} == {401, 429}
        refused = next(answer for answer in found if answer.status_code == 429)
        assert refused.headers["retry-after"] == "1"
        assert (doors.world.status(LEA), doors.world.status(MAX)) == ("paused", "pending")
        time.sleep(0.2)
        assert doors.own(event("goal", 2)).json() == {"result": "done"}

    def test_nothing_told_stands_in_the_log(self, doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG", "fermata")
        doors.own(event())
        doors.own(event("meeting", 2, meeting={"state": "x"}))
        assert "x.test" not in caplog.text
        assert "Demo" not in caplog.text


class TestCalendly:
    def test_booked_pauses_until_two_hours_after_the_end(self, both: Doors) -> None:
        answer = both.calendly(invitee())
        assert (answer.status_code, answer.json()) == (200, {"result": "done"})
        assert both.until() == [HELD]
        assert both.world.status(MAX) == "pending"
        [row] = both.rows(Meeting)
        assert (row.source, row.title, row.state) == ("calendly", "Demo", "booked")

    def test_same_delivery_again_is_seen_before(self, both: Doors) -> None:
        both.calendly(invitee())
        assert both.calendly(invitee(), age=60).json() == {"result": "seen before"}
        assert len(both.world.journal("pause")) == 1

    def test_same_delivery_at_the_same_moment_acts_once(self, both: Doors) -> None:
        with ThreadPoolExecutor(5) as pool:
            results = list(pool.map(lambda _: both.calendly(invitee()).json()["result"], range(5)))
        assert sorted(results) == ["done", *["seen before"] * 4]
        assert len(both.rows(Meeting)) == 1

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
    def test_moved_is_one_meeting_in_any_order(self, doors: Doors, order: tuple[int, ...]) -> None:
        later = DEMO + timedelta(days=2)
        story = [
            invitee(),
            invitee("invitee.canceled", minutes=5, rescheduled=True, new_invitee=invitee_uri("two")),
            invitee("invitee.created", "two", later, 5, old_invitee=invitee_uri("one")),
        ]
        for number in order:
            assert doors.calendly(story[number]).status_code == 200
        assert doors.until() == [HELD + timedelta(days=2)]
        assert {row.state for row in doors.rows(Meeting)} == {"booked", "moved"}

    def test_cancelled_keeps_the_pause_and_asks(self, doors: Doors) -> None:
        doors.calendly(invitee())
        doors.calendly(invitee("invitee.canceled", minutes=5))
        assert doors.until() == [HELD]
        assert [row.state for row in doors.rows(Meeting)] == ["cancelled"]
        assert f"meeting:{doors.rows(Meeting)[0].id}" in {card.key for card in doors.world.cards()}

    def test_cancelled_before_booked_ends_alike(self, doors: Doors) -> None:
        doors.calendly(invitee("invitee.canceled", minutes=5))
        doors.calendly(invitee())
        assert doors.until() == [HELD]
        assert [row.state for row in doors.rows(Meeting)] == ["cancelled"]

    def test_no_show_asks_in_either_form(self, doors: Doors) -> None:
        doors.calendly(invitee())
        doors.world.now = DEMO + timedelta(hours=1)
        bare = {"event": "invitee_no_show.created", "created_at": DEMO.isoformat(),
                "payload": {"uri": "https://api.calendly.com/invitee_no_shows/n", "invitee": invitee_uri("one")}}  # fmt: skip
        assert doors.calendly(bare).json() == {"result": "done"}
        assert doors.calendly(invitee("invitee_no_show.created", minutes=5)).status_code == 200
        assert [row.state for row in doors.rows(Meeting)] == ["no_show"]

    def test_event_without_its_id_is_400(self, doors: Doors) -> None:
        for broken in (None, "", "x" * 301, "a\u0000b", ["x"]):
            body = invitee()
            body["payload"]["uri"] = broken
            answer = doors.calendly(body)
            assert answer.status_code == 400
            assert answer.text.startswith("The body has no usable `uri`")

    def test_times_that_are_unclear_hold_without_an_end(self, doors: Doors) -> None:
        unclear = ({}, None, "tomorrow", {"start_time": 5}, {"start_time": "2027-06-10T12:00:00"},
                   {"start_time": "9999-12-31T23:59:59Z"})  # fmt: skip
        for number, times in enumerate(unclear):
            assert doors.calendly(invitee(uri=str(number), scheduled_event=times)).json() == {
                "result": "done"
            }
            assert set(doors.until()) == {None}

    def test_title_of_an_outsider_is_one_line_without_control_characters(self, doors: Doors) -> None:
        body = invitee()
        body["payload"]["scheduled_event"]["name"] = "De\u0000mo\r\n\u202e<!channel>" + "x" * 5000
        doors.calendly(body)
        [row] = doors.rows(Meeting)
        assert row.title.startswith("De mo <!channel>xx")
        assert len(row.title) == 200


class TestCal:
    def test_booked_moved_and_cancelled(self, both: Doors) -> None:
        both.cal(booking())
        assert both.until() == [HELD]
        sooner = DEMO - timedelta(days=2)
        old = {"rescheduleUid": "one", "rescheduleStartTime": DEMO.isoformat()}
        both.cal(booking("BOOKING_RESCHEDULED", "two", sooner, 5, **old))
        assert both.until() == [HELD - timedelta(days=2)]
        both.cal(booking("BOOKING_CANCELLED", "two", sooner, 9))
        assert {row.key.split()[1]: row.state for row in both.rows(Meeting)} == {
            "cal:one": "moved",
            "cal:two": "cancelled",
        }
        assert both.until() == [HELD - timedelta(days=2)]

    @pytest.mark.row(134)
    def test_same_body_again_has_no_effect_for_90_days(self, doors: Doors) -> None:
        body = booking()
        doors.cal(body)
        doors.world.say(f"resume {LEA}")
        assert doors.cal(body).json() == {"result": "seen before"}
        doors.world.later(days=89)
        assert doors.cal(body).json() == {"result": "seen before"}
        assert doors.until() == []

    @pytest.mark.row(134)
    @pytest.mark.parametrize("created", [said(-25 * 60), said(25 * 60 * 24), None, "yesterday"])
    def test_old_body_may_hold_but_never_shorten(self, doors: Doors, created: str | None) -> None:
        doors.cal(booking(minutes=-26 * 60))
        sooner = DEMO - timedelta(days=2)
        body = booking("BOOKING_RESCHEDULED", "two", sooner, rescheduleUid="one") | {"createdAt": created}
        assert doors.cal(body).status_code == 200
        assert doors.until() == [HELD - timedelta(days=2), HELD]

    def test_request_that_waits_for_the_host_pauses_too(self, doors: Doors) -> None:
        doors.cal(booking("BOOKING_REQUESTED"))
        doors.cal(booking("BOOKING_REJECTED", minutes=5))
        assert [row.state for row in doors.rows(Meeting)] == ["cancelled"]
        assert doors.until() == [HELD]

    def test_ended_comes_without_an_envelope_and_asks(self, doors: Doors) -> None:
        doors.world.now = DEMO + timedelta(hours=1)
        bare = {"triggerEvent": "MEETING_ENDED", **booking()["payload"]}
        assert doors.cal(bare).json() == {"result": "done"}
        [row] = doors.rows(Meeting)
        assert row.asked_at is not None
        assert doors.until() == [doors.world.now + timedelta(hours=2)]

    def test_no_show_is_of_the_attendee_it_names(self, doors: Doors) -> None:
        doors.cal(booking())
        payload = {"message": "x_marked_as_no_show", "bookingUid": "one",
                   "attendees": [{"email": LEA, "noShow": True}, {"email": MAX, "noShow": False}]}  # fmt: skip
        body = {"triggerEvent": "BOOKING_NO_SHOW_UPDATED", "createdAt": said(9), "payload": payload}
        assert doors.cal(body).json() == {"result": "done"}
        assert [(row.lead_id, row.state) for row in doors.rows(Meeting)] == [
            (doors.world.lead_id(LEA), "no_show")
        ]

    def test_every_attendee_who_is_a_lead_is_paused(self, doors: Doors) -> None:
        doors.cal(booking(attendees=[{"email": LEA}, {"email": MAX}, {"email": 5}, "x"]))
        assert (doors.until(), doors.until(MAX)) == ([HELD], [HELD])


class TestEvents:
    def test_meeting_booked_moved_happened(self, both: Doors) -> None:
        both.own(event())
        assert both.until() == [HELD]
        later = DEMO + timedelta(days=1)
        moved = {"id": "m", "state": "moved", "starts_at": later.isoformat(), "ends_at": later.isoformat()}
        both.own(event("meeting", 2, meeting=moved))
        assert both.until() == [later + timedelta(hours=2)]
        both.own(event("meeting", 3, meeting={"id": "m", "state": "happened"}))
        assert both.world.status(LEA) == "stopped"

    def test_reply_pauses_and_shows_the_lead(self, both: Doors) -> None:
        assert both.own(event("reply")).json() == {"result": "done"}
        assert both.world.status(LEA) == "paused"
        assert [card.kind for card in both.world.cards()] == ["lead"]

    def test_goal_stops_every_sequence(self, doors: Doors) -> None:
        doors.own(event("goal"))
        assert doors.world.status(LEA) == "stopped"

    def test_click_continues_as_the_rule_says(self, doors: Doors) -> None:
        assert doors.own(event("click")).json() == {"result": "done"}
        assert doors.world.status(LEA) == "pending"

    @pytest.mark.parametrize("kind", ["unsubscribe", "complaint"])
    def test_unsubscribe_and_complaint_stop_and_suppress(self, doors: Doors, kind: str) -> None:
        doors.own(event(kind))
        assert doors.world.status(LEA) == "stopped"
        assert [row.email for row in doors.rows(Suppression)] == [LEA]

    def test_same_id_acts_once_whatever_else_it_says(self, doors: Doors) -> None:
        doors.own(event("reply"))
        doors.world.say(f"resume {LEA}")
        assert doors.own(event("goal")).json() == {"result": "seen before"}
        assert doors.world.status(LEA) == "pending"

    @pytest.mark.row(151)
    def test_bad_item_of_a_batch_keeps_none_of_the_others_out(self, doors: Doors) -> None:
        body = [event("reply"), {"id": "bad"}, 5, {"id": "x", "type": "reply"}, event("goal", 2, email=MAX)]
        answer = doors.own(body)
        assert answer.status_code == 200
        assert [one["result"] for one in answer.json()["results"]] == [
            "done",
            "ignored",
            "refused",
            "refused",
            "done",
        ]
        assert (doors.world.status(LEA), doors.world.status(MAX)) == ("paused", "stopped")

    def test_batch_of_too_many_is_400(self, doors: Doors) -> None:
        assert doors.own([event("click")] * 101).status_code == 400

    @pytest.mark.row(128)
    def test_incomplete_event_is_400_with_a_sentence(self, doors: Doors) -> None:
        for broken, sentence in (
            ({"id": ""}, "The body has no usable `id`"),
            ({"id": 5}, "The body has no usable `id`"),
            ({"email": "no address"}, "The event has no usable `email`"),
            ({"email": f"{LEA}, {MAX}"}, "The event has no usable `email`"),
            ({"meeting": {"state": "eaten"}}, "The meeting has no known `state`"),
            ({"meeting": 5}, "The meeting has no known `state`"),
            ({"meeting": {"state": "booked", "number": -1}}, "The meeting's `number`"),
            ({"meeting": {"state": "booked", "number": True}}, "The meeting's `number`"),
            (
                {"meeting": {"state": "booked", "starts_at": "2027-06-10T12:00:00"}},
                "`starts_at` must be an instant",
            ),
            ({"at": "10000-01-01T00:00:00Z"}, "`at` must be an instant"),
        ):
            answer = doors.own(event() | broken)
            assert answer.status_code == 400
            assert answer.text.startswith(sentence)
        assert doors.rows(Meeting) == []


def letter(text: str, sender: str = LEA, calendar: str = "") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "ana@sales.example", "Re: Hi"
    message["Message-ID"], message["Date"] = f"<{len(text)}@x.test>", "Tue, 01 Jun 2027 10:30:00 +0200"
    message.set_content(text)
    if calendar:
        lines = ["BEGIN:VCALENDAR", "METHOD:REPLY", "BEGIN:VEVENT", "UID:demo", "SEQUENCE:0",
                 "DTSTAMP:20270601T083000Z", "DTSTART:20270610T120000Z", "DTEND:20270610T130000Z", "SUMMARY:Demo",
                 "ORGANIZER:mailto:ana@sales.example", f"ATTENDEE;PARTSTAT={calendar}:mailto:{sender}",
                 "END:VEVENT", "END:VCALENDAR", ""]  # fmt: skip
        message.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": "REPLY"})
    return message.as_bytes()


class TestMail:
    def test_answer_pauses_its_lead_and_acts_once(self, both: Doors) -> None:
        content = letter("Thanks, that sounds good. Let us talk.")
        assert both.own(content, "/hooks/mime").json() == {"result": "done", "kind": "reply"}
        assert both.own(content, "/hooks/mime", age=9).json()["result"] == "seen before"
        assert both.world.status(LEA) == "paused"
        assert len(both.rows(Message)) == 1

    @pytest.mark.row(119)
    def test_accepted_invitation_is_booked(self, both: Doors) -> None:
        answer = both.own(letter("Lea has accepted.", calendar="ACCEPTED"), "/hooks/mime")
        assert answer.json() == {"result": "done", "kind": "calendar"}
        assert both.until() == [HELD]
        assert [row.state for row in both.rows(Meeting)] == ["booked"]

    @pytest.mark.row(120)
    def test_declined_invitation_is_not_booked(self, doors: Doors) -> None:
        doors.own(letter("Lea has declined.", calendar="DECLINED"), "/hooks/mime")
        assert [row.state for row in doors.rows(Meeting)] == ["declined"]

    def test_what_is_no_mail_concerns_nobody(self, doors: Doors) -> None:
        for content in (b"", b"\0" * 9000, b"\xff\xfe" * 9000, b"no headers", b"From: x\r\n" * 5000):
            answer = doors.own(content, "/hooks/mime")
            assert (answer.status_code, answer.json()["result"]) == (200, "unknown address")
