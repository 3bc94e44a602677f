"""Webhooks of mail services (bad inputs 142 to 151), signed with real keys; those of others are in tests/web/test_hooks.py."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

import httpx
import pytest
from Crypto.Hash import SHA1, SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import DSS, pkcs1_15
from sqlmodel import select

from core.errors import Refused
from core.handover import Fate
from core.models import Delivery, Message, Seen, Suppression, Visit
from core.settings import read_settings
from sandbox.slack import serving
from tests.tracked import send, with_rule
from tests.web.conftest import LEADS, OFFICE
from tests.web.test_hooks import as_bytes, digest
from tests.world import PLAIN, START, World, make
from web.app import create_app
from web.doors import Secrets
from web.signatures import is_sendgrids
from web.sns import fetch

LEA, MAX = LEADS
MAILGUN = "mailgun-secret-of-this-test"
ELLIPTIC, ROUND = ECC.generate(curve="P-256"), RSA.generate(2048)
SENDGRID = b64encode(ELLIPTIC.public_key().export_key(format="DER")).decode()
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ses"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc"
DOORS = ("/hooks/sendgrid", "/hooks/mailgun", "/hooks/sns")


@dataclass
class Services:
    """The served application, each service's way of signing, and what was fetched."""

    world: World
    http: httpx.Client = field(default_factory=httpx.Client)
    fetched: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return ROUND.public_key().export_key()

    def sendgrid(self, *events: object, age: float = 0, **headers: str) -> httpx.Response:
        body, stamp = as_bytes(list(events)), str(int(self.world.now.timestamp() - age))
        signed = DSS.new(ELLIPTIC, "fips-186-3", encoding="der").sign(SHA256.new(stamp.encode() + body))
        sent = {"signature": b64encode(signed).decode(), "timestamp": stamp} | headers
        named = {f"x-twilio-email-event-webhook-{name}": value for name, value in sent.items()}
        return self.http.post("/hooks/sendgrid", content=body, headers=named)

    def mailgun(
        self, data: object, *, age: float = 0, spoil: dict[str, object] | None = None
    ) -> httpx.Response:
        stamp, token = str(int(self.world.now.timestamp() - age)), "0" * 50
        signature = {
            "timestamp": stamp,
            "token": token,
            "signature": digest(MAILGUN, (stamp + token).encode()),
        }
        body = {"signature": signature | (spoil or {}), "event-data": data}
        return self.http.post("/hooks/mailgun", content=as_bytes(body))

    def sns(self, message: object, number: int = 1, version: str = "1", **more: object) -> httpx.Response:
        told = {
            "Type": "Notification",
            "MessageId": f"sns-{number}",
            "TopicArn": TOPIC,
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": self.world.now.isoformat().replace("+00:00", ".000Z"),
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE,
        } | more
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        text = "".join(f"{name}\n{told[name]}\n" for name in names if told.get(name) is not None).encode()
        hashed = (SHA256 if version == "2" else SHA1).new(text)
        told.setdefault("Signature", b64encode(pkcs1_15.new(ROUND).sign(hashed)).decode())
        return self.http.post("/hooks/sns", content=as_bytes(told), headers={"content-type": "text/plain"})

    def mail_of(self, email: str = LEA) -> str:
        return self.world.deliveries(email)[-1].message_id

    def rows(self, table: type) -> list:
        with self.world.read() as session:
            return list(session.exec(select(table)))

    def counted(self, door: str) -> dict[str, int]:
        lines = [line for line in self.http.get("/metrics").text.splitlines() if f'hook="{door}"' in line]
        return {line.split('"')[3]: int(line.split()[-1]) for line in lines}


def opened(url: str, secrets: Secrets, text: str = PLAIN) -> Iterator[Services]:
    services = Services(make(url, text, *LEADS, now=START))
    app = create_app(
        db=services.world.db,
        office=OFFICE,
        clock=lambda: services.world.now,
        slack=None,
        ready=list,
        secrets=secrets,
        fetch=services.fetch,
    )
    with serving(app) as address, httpx.Client(base_url=address, timeout=20) as services.http:
        yield services
    services.world.db.close()


ALL = Secrets(sendgrid=SENDGRID, mailgun=MAILGUN, sns=frozenset({TOPIC}))


@pytest.fixture
def services(sqlite_url: str) -> Iterator[Services]:
    """Lea and Max got the first mail an hour ago; on SQLite, where the database does not matter."""
    for one in opened(sqlite_url, ALL):
        one.world.tick()
        one.world.later(hours=1)
        yield one


@pytest.fixture
def both(database_url: str) -> Iterator[Services]:
    """The same on each kind of database."""
    for one in opened(database_url, ALL):
        one.world.tick()
        one.world.later(hours=1)
        yield one


@pytest.fixture
def tracked(sqlite_url: str) -> Iterator[Services]:
    """The same with links and openings counted."""
    for one in opened(sqlite_url, ALL, with_rule()):
        send(one.world)
        one.world.later(hours=1)
        yield one


def of_ses(kind: str, message_id: str | None, **about: object) -> dict[str, object]:
    """What SES tells, as its documentation shows it."""
    headers = [{"name": "Subject", "value": "Hello"}, {"name": "Message-ID", "value": message_id}]
    mail = {"messageId": "0100-ses", "destination": [LEA], "headers": headers[: 2 if message_id else 1]}
    return {"notificationType": kind, "mail": mail, kind.lower(): about}


def bounced(message_id: str | None, email: str = LEA, kind: str = "Permanent") -> dict[str, object]:
    said = {"emailAddress": email, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    return of_ses(
        "Bounce",
        message_id,
        bounceType=kind,
        bounceSubType="General",
        bouncedRecipients=[said if kind == "Permanent" else {"emailAddress": email}],
    )


def of_sendgrid(event: str, message_id: str | None, number: int = 1, **more: object) -> dict[str, object]:
    found = {"event": event, "email": LEA, "sg_event_id": f"sg-{number}", "timestamp": 1811836800}
    return found | ({"smtp-id": message_id} if message_id else {}) | more


def of_mailgun(event: str, message_id: str, **more: object) -> dict[str, object]:
    headers = {"message-id": message_id.strip("<>"), "to": LEA}
    return {"event": event, "id": "x", "recipient": LEA, "message": {"headers": headers}} | more


def tell(services: Services, service: str, what: str, message_id: str) -> httpx.Response:
    """Tell the same thing as each service says it."""
    gone = "550 5.1.1 The email account does not exist"
    match service, what:
        case "sns", "bounce":
            return services.sns(bounced(message_id))
        case "sns", "complaint":
            return services.sns(of_ses("Complaint", message_id, complainedRecipients=[{"emailAddress": LEA}]))
        case "sns", _:
            return services.sns(
                of_ses("Subscription", message_id, newTopicPreferences={"unsubscribeAll": True})
            )
        case "sendgrid", "bounce":
            return services.sendgrid(
                of_sendgrid("bounce", message_id, type="bounce", status="5.1.1", reason=gone)
            )
        case "sendgrid", "complaint":
            return services.sendgrid(of_sendgrid("spamreport", None))
        case "sendgrid", _:
            return services.sendgrid(of_sendgrid("unsubscribe", None))
        case _, "bounce":
            status = {"code": 550, "message": gone}
            return services.mailgun(
                of_mailgun("failed", message_id, severity="permanent", **{"delivery-status": status})
            )
        case _:
            event = "complained" if what == "complaint" else "unsubscribed"
            return services.mailgun(of_mailgun(event, message_id))


@pytest.mark.parametrize("what", ["bounce", "complaint", "unsubscribe"])
@pytest.mark.parametrize("service", ["sns", "sendgrid", "mailgun"])
def test_what_a_service_tells_stops_and_suppresses_like_the_same_by_mail(
    both: Services, service: str, what: str
) -> None:
    answer = tell(both, service, what, both.mail_of())
    assert (answer.status_code, answer.json()) == (200, {"results": {"done": 1}})
    assert (both.world.status(LEA), both.world.status(MAX)) == ("stopped", "pending")
    assert [row.email for row in both.rows(Suppression)] == [LEA]
    assert [(row.kind, row.lead_id) for row in both.rows(Message)] == [(what, both.world.lead_id(LEA))]
    assert [card.kind for card in both.world.cards()] == ["review"]
    assert both.counted(service) == {"done": 1}


@pytest.mark.row(148)
@pytest.mark.parametrize("service", ["sns", "sendgrid", "mailgun"])
def test_bounce_of_a_mail_never_sent_is_ignored(both: Services, service: str) -> None:
    for strange in ("<never@sales.example>", "<\u0000>", "x" * 5000):
        answer = tell(both, service, "bounce", strange)
        if answer.status_code != 406:  # a token of Mailgun's is good once
            assert (answer.status_code, answer.json()) == (200, {"results": {"unknown mail": 1}})
    assert both.world.status(LEA) == "pending"
    assert both.rows(Message) == both.rows(Suppression) == both.world.cards() == []


def test_bounce_that_names_only_the_address_holds_and_asks(services: Services) -> None:
    services.sns(bounced(None))
    assert services.world.status(LEA) == "paused"
    assert services.rows(Suppression) == []


def test_what_asks_for_nothing_changes_nothing(services: Services) -> None:
    ours = services.mail_of()
    for event in (
        of_ses("Delivery", ours),
        of_ses(
            "Complaint", ours, complaintFeedbackType="not-spam", complainedRecipients=[{"emailAddress": LEA}]
        ),
        of_ses("Rendering Failure", ours),
        {"eventType": ["Bounce"]},
        {},
        {"notificationType": "Bounce", "mail": 5, "bounce": "x"},
        "Successfully validated SNS topic for Amazon SES event publishing.",
        '{"a": 1, "a": 2}',
        "[" * 100_000,
    ):
        assert services.sns(event).status_code == 200
    assert services.world.status(LEA) == "pending"
    assert services.rows(Message) == []


@pytest.mark.parametrize(
    ("tell_", "status"),
    [
        (lambda s, i: s.sns(bounced(i, kind="Transient")), "paused"),
        (lambda s, i: s.sendgrid(of_sendgrid("bounce", i, type="blocked", status="5.7.1")), "paused"),
        (lambda s, i: s.sendgrid(of_sendgrid("dropped", i, reason="Spam Content")), "paused"),
        (lambda s, i: s.sendgrid(of_sendgrid("dropped", i, reason="Bounced Address")), "stopped"),
        (lambda s, i: s.sendgrid(of_sendgrid("dropped", i, reason="Unsubscribed Address")), "stopped"),
        (lambda s, i: s.sendgrid(of_sendgrid("deferred", i, reason="450 later")), "pending"),
        (lambda s, i: s.mailgun(of_mailgun("failed", i, severity="temporary")), "pending"),
        (lambda s, i: s.mailgun(of_mailgun("failed", i, severity="permanent", reason="suppress-complaint")), "stopped"),
        (lambda s, i: s.mailgun(of_mailgun("rejected", i, reject={"reason": "virus"})), "paused"),
    ],
)  # fmt: skip
def test_only_where_nobody_is_there_it_stops(services: Services, tell_, status: str) -> None:
    assert tell_(services, services.mail_of()).status_code == 200
    assert services.world.status(LEA) == status


class TestSns:
    @pytest.mark.parametrize("version", ["1", "2"])
    def test_both_versions_of_the_signature_are_known(self, services: Services, version: str) -> None:
        assert services.sns(bounced(services.mail_of()), version=version, Subject="S").status_code == 200
        assert services.sns(bounced(services.mail_of(MAX)), 2, version).status_code == 200
        assert services.fetched == [CERTIFICATE]  # once

    @pytest.mark.row(144)
    def test_certificate_elsewhere_is_403_and_nothing_is_fetched(self, services: Services) -> None:
        for url in (
            CERTIFICATE.replace("https", "http"),
            CERTIFICATE.replace("sns.eu-central-1.amazonaws.com", "sns.eu-central-1.amazonaws.com.evil.test"),
            CERTIFICATE.replace("sns.eu-central-1.amazonaws.com", "evil.test"),
            CERTIFICATE.replace("sns.eu", "evil.test/sns.eu"),
            CERTIFICATE.replace("//sns", "//sns.eu-central-1.amazonaws.com@evil"),
            CERTIFICATE.replace("//", "//user@"),
            CERTIFICATE.replace(".com/", ".com:444/"),
            CERTIFICATE.replace("sns.", "s3."),
            CERTIFICATE.replace("eu-central-1", "us-east-1"),
            CERTIFICATE + "?x=1",
            CERTIFICATE + "\n",
            CERTIFICATE.replace("/Simple", "/../Simple"),
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "",
            None,
            [CERTIFICATE],
            "ａ" * 5000,
        ):
            assert services.sns(bounced(services.mail_of()), SigningCertURL=url).status_code == 403, url
        assert services.fetched == []
        assert services.world.status(LEA) == "pending"

    def test_another_topic_is_403_and_nothing_is_fetched(self, services: Services) -> None:
        for topic in (TOPIC.replace("ses", "other"), TOPIC.upper(), "", None, [TOPIC]):
            assert services.sns(bounced(services.mail_of()), TopicArn=topic).status_code == 403
        assert services.fetched == []

    def test_wrong_or_old_signature_is_401(self, services: Services) -> None:
        for more in (
            {"Signature": "AAAA"},
            {"Signature": "no base64"},
            {"Signature": None},
            {"SignatureVersion": "3"},
            {"Type": "Nothing"},
            {"Timestamp": "2027-05-30T00:00:00.000Z"},
            {"Timestamp": "9999-12-31T23:59:59-12:00"},
            {"Timestamp": "yesterday"},
        ):
            assert services.sns(bounced(services.mail_of()), **more).status_code == 401, more
        assert services.world.status(LEA) == "pending"

    def test_signature_of_another_text_is_401(self, services: Services) -> None:
        right = services.sns("test")
        told = json.loads(right.request.content) | {"Message": json.dumps(bounced(services.mail_of()))}
        assert services.http.post("/hooks/sns", content=as_bytes(told)).status_code == 401
        assert services.world.status(LEA) == "pending"

    def test_same_message_again_acts_once(self, both: Services) -> None:
        for result in ("done", "seen before"):
            assert both.sns(bounced(both.mail_of())).json() == {"results": {result: 1}}
        assert len(both.rows(Message)) == 1

    def test_subscription_of_our_topic_is_confirmed_at_sns_alone(self, services: Services) -> None:
        asked = {"Type": "SubscriptionConfirmation", "Token": "abc"}
        for url in (
            "https://evil.test/?Action=ConfirmSubscription&Token=abc",
            CONFIRM.replace("Confirm", "Un"),
            None,
        ):
            assert services.sns("Confirm?", SubscribeURL=url, **asked).status_code == 403
        assert services.fetched == [CERTIFICATE]
        answer = services.sns("Confirm?", SubscribeURL=CONFIRM, **asked)
        assert (answer.status_code, answer.json()) == (200, {"results": {"confirmed": 1}})
        assert services.fetched == [CERTIFICATE, CONFIRM]

    @pytest.mark.row(144)
    def test_no_redirect_is_followed_and_nothing_large_is_read(self, services: Services) -> None:
        from starlette.applications import Starlette
        from starlette.responses import RedirectResponse, Response
        from starlette.routing import Route

        asked: list[str] = []

        def answer(request) -> Response:
            asked.append(name := request.url.path)
            return (
                RedirectResponse("/key")
                if name == "/moved"
                else Response(b"x" * (99_999 if name == "/large" else 9))
            )

        with serving(Starlette(routes=[Route("/{name}", answer)])) as address:
            assert fetch(f"{address}/key") == b"x" * 9
            for name in ("moved", "large"):
                with pytest.raises(httpx.HTTPError):
                    fetch(f"{address}/{name}")
        assert asked == ["/key", "/moved", "/large"]


class TestSendgrid:
    def test_a_signature_that_sendgrid_publishes_is_right(self) -> None:
        """The example in the tests of SendGrid's own library."""
        key = (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNN"
            "RaINXvVpiglSI8eNEc6wEA3F+g=="
        )
        signature = (
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
        )
        event = {
            "email": "hello@world.com", "event": "dropped", "reason": "Bounced Address",
            "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
            "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
            "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>", "timestamp": 1600112492,
        }  # fmt: skip
        body = json.dumps([event], sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
        now = datetime.fromtimestamp(1600112502, START.tzinfo)
        assert is_sendgrids([signature], ["1600112502"], body, key, now=now)
        assert not is_sendgrids([signature], ["1600112503"], body, key, now=now)
        assert not is_sendgrids([signature], ["1600112502"], body.strip(), key, now=now)

    @pytest.mark.row(146)
    def test_wrong_signature_or_old_timestamp_is_401(self, services: Services) -> None:
        told = of_sendgrid("spamreport", None)
        for age in (86_401, -60, 10**9):
            assert services.sendgrid(told, age=age).status_code == 401
        for signature in ("", "AAAA", "no-base64", "MEUCIQ==", SENDGRID, "A" * 9000):
            assert services.sendgrid(told, signature=signature).status_code == 401
        for stamp in ("abc", "", "-1", "1e9", "9" * 5000, "99999999999"):
            assert services.sendgrid(told, timestamp=stamp).status_code == 401
        assert services.http.post("/hooks/sendgrid", content=as_bytes([told])).status_code == 401
        assert services.world.status(LEA) == "pending"
        assert services.sendgrid(told, age=3600).status_code == 200

    @pytest.mark.row(146)
    def test_same_event_again_acts_once(self, both: Services) -> None:
        told = of_sendgrid("bounce", both.mail_of(), type="bounce", status="5.1.1")
        both.sendgrid(told, told)
        assert both.sendgrid(told, age=30).json() == {"results": {"seen before": 1}}
        assert len(both.rows(Message)) == len(both.world.journal("stop")) == 1

    @pytest.mark.row(151)
    def test_bad_event_of_a_batch_keeps_none_of_the_others_out(self, both: Services) -> None:
        odd = "550 \0\u202e\r\n" + "é" * 5000
        right = of_sendgrid("bounce", both.mail_of(), 1, type="bounce", status="5.1.1", reason=odd)
        other = of_sendgrid("bounce", both.mail_of(MAX), 2, type="bounce", status="5.1.1")
        strange = {"event": "bounce", "sg_event_id": 7}, 5, None, [right], {"event": "cake"}, {}
        answer = both.sendgrid(right, *strange, of_sendgrid("bounce", "<x\0y>", 3, reason="\0" * 99), other)
        assert answer.json() == {"results": {"refused": 4, "ignored": 2, "done": 2, "unknown mail": 1}}
        assert (both.world.status(LEA), both.world.status(MAX)) == ("stopped", "stopped")


class TestMailgun:
    @pytest.mark.row(147)
    def test_token_that_was_used_is_406(self, both: Services) -> None:
        told = of_mailgun("complained", both.mail_of())
        assert both.mailgun(told).status_code == 200
        assert both.mailgun(told).status_code == 406
        assert both.mailgun(of_mailgun("complained", both.mail_of(MAX)), age=-1).status_code == 406
        assert (both.world.status(MAX), len(both.rows(Message)), len(both.rows(Seen))) == ("pending", 1, 1)

    def test_wrong_or_old_signature_is_401(self, services: Services) -> None:
        told = of_mailgun("complained", services.mail_of())
        for more in ({"signature": "0" * 64}, {"signature": None}, {"signature": "é"}, {"token": "1" * 50}, {"token": ""},
                     {"token": ["x"]}, {"timestamp": "abc"}, {"timestamp": "1"}, {"timestamp": None}):  # fmt: skip
            assert services.mailgun(told, spoil=more).status_code == 401, more
        assert services.mailgun(told, age=86_401).status_code == 401
        for body in ({"event-data": told}, {"signature": 5, "event-data": told}):
            assert services.http.post("/hooks/mailgun", content=as_bytes(body)).status_code == 401
        assert services.world.status(LEA) == "pending"


class TestVisits:
    def told(self, services: Services, fate: str, number: int = 1, **more: object) -> httpx.Response:
        return services.sendgrid(
            of_sendgrid(fate, services.mail_of(), number, useragent="Mozilla/5.0 Firefox/130.0", **more)
        )

    @pytest.mark.row(150)
    @pytest.mark.parametrize("fate", ["open", "click", "delivered"])
    def test_visit_before_the_hand_over_has_ended_settles_it(self, both: Services, fate: str) -> None:
        both.world.later(days=4)
        claims = [one for one in both.world.claims() if one.lead.email == LEA]
        both.world.begin(claims)
        answer = self.told(both, fate)  # the mail is out, and its worker has not written that down yet
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert both.world.deliveries(LEA)[-1].state == "sending"
        both.world.report(claims[0], Fate.UNKNOWN)  # nor will it
        assert both.world.deliveries(LEA)[-1].is_open_question
        assert self.told(both, fate).status_code == 200
        delivery = both.world.deliveries(LEA)[-1]
        assert (delivery.state, delivery.is_open_question) == ("sent", False)

    def test_bounce_before_the_hand_over_has_ended_stops_at_once(self, services: Services) -> None:
        services.world.later(days=4)
        claims = [one for one in services.world.claims() if one.lead.email == LEA]
        services.world.begin(claims)
        told = of_sendgrid("bounce", services.mail_of(), type="bounce", status="5.1.1")
        assert services.sendgrid(told).status_code == 503
        assert services.rows(Suppression)
        services.world.report(claims[0], Fate.UNKNOWN)
        assert services.sendgrid(told).json() == {"results": {"seen before": 1}}
        assert not services.world.deliveries(LEA)[-1].is_open_question

    @pytest.mark.row(150)
    def test_visits_are_kept_where_the_sequence_asks_for_them(self, tracked: Services) -> None:
        assert self.told(tracked, "open").json() == {"results": {"done": 1}}
        assert self.told(tracked, "open").json() == {"results": {"seen before": 1}}
        assert self.told(tracked, "open", 2, sg_machine_open=True).json() == {"results": {"done": 1}}
        assert self.told(tracked, "click", 3, url="https://elsewhere.test").json() == {
            "results": {"ignored": 1}
        }
        assert [(row.kind, row.suspect) for row in tracked.rows(Visit)] == [("open", ""), ("open", "proxy")]

    @pytest.mark.row(150)
    def test_visits_are_ignored_and_counted_elsewhere(self, services: Services) -> None:
        self.told(services, "open")
        self.told(services, "click", 2, url="https://northwind.example")
        assert services.rows(Visit) == services.rows(Seen) == []
        assert services.counted("sendgrid") == {"ignored": 2}
        assert {row.state for row in services.rows(Delivery)} == {"sent"}


class TestDoors:
    def test_door_without_its_setting_does_not_exist(self, sqlite_url: str) -> None:
        for services in opened(sqlite_url, Secrets()):
            for method, path in product(("POST", "GET"), DOORS):
                answer = services.http.request(method, path, content=b"{}")
                assert (answer.status_code, answer.text.startswith("This hook is off; set FERMATA_")) == (
                    404,
                    True,
                )

    @pytest.mark.row(142, 143)
    def test_notices_of_calendars_have_no_door_and_no_effect(self, services: Services) -> None:
        headers = {"x-goog-channel-id": "x", "x-goog-resource-state": "sync"}
        body = as_bytes({"value": [{"clientState": "x", "lifecycleEvent": "missed"}]})
        for name in ("google", "microsoft", "microsoft?validationToken=<b>x</b>", "ses"):
            answer = services.http.post(f"/hooks/{name}", content=body, headers=headers)
            assert answer.status_code == 404
            assert "<b>" not in answer.text
        assert services.fetched == services.rows(Seen) == []

    def test_hostile_bodies_are_4xx(self, services: Services) -> None:
        bodies = b"", b"null", b"[" * 100_000, b'{"a": NaN}', b"\xff", b'{"a": 1, "a": 2}', b" " * 2_000_000
        for path in DOORS:
            for content in bodies:
                assert services.http.post(path, content=content).status_code in {400, 401, 403}
            assert services.http.get(path).status_code == 405
        assert services.fetched == services.rows(Seen) == []

    @pytest.mark.row(135)
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("FERMATA_SENDGRID_KEY", ["", " ", "abc", MAILGUN, b64encode(ROUND.public_key().export_key("DER")).decode()]),
            ("FERMATA_SNS_TOPICS", ["", " , ", "ses", "arn:aws:sqs:eu-central-1:123456789012:ses", f"{TOPIC},x"]),
        ],
    )  # fmt: skip
    def test_wrong_setting_is_an_error_at_the_start(
        self, monkeypatch: pytest.MonkeyPatch, name: str, values: list[str]
    ) -> None:
        for value in values:
            monkeypatch.setenv(name, value)
            with pytest.raises(Refused) as refused:
                read_settings()
            assert str(refused.value).startswith(f"{name}: must "), value

    def test_right_settings_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FERMATA_SENDGRID_KEY", SENDGRID)
        monkeypatch.setenv("FERMATA_SNS_TOPICS", f"{TOPIC}, {TOPIC}-2")
        settings = read_settings()
        assert (settings.sendgrid_key, settings.sns_topics) == (SENDGRID, {TOPIC, f"{TOPIC}-2"})

    def test_nothing_told_stands_in_the_log(
        self, services: Services, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", "fermata")
        services.sendgrid(of_sendgrid("spamreport", None))
        services.sns(bounced(services.mail_of()))
        assert "x.test" not in caplog.text
        assert "amazonaws" not in caplog.text
