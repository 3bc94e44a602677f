"""Mail as anybody may send it, posted to /hooks/mime (bad inputs 87 to 115): what it may do to its lead, and no more.

One server and one database for all rows, with a lead for each.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from core.models import Card, Message, Suppression
from tests.bad_inputs.rows import assert_no_fault
from tests.measure import cpu
from tests.web.test_hooks import Doors, opened
from tests.world import World

OURS = "ana@sales.example"


@dataclass
class Room:
    """The doors, and a lead for whoever asks."""

    doors: Doors
    count: int = 0

    @property
    def world(self) -> World:
        return self.doors.world

    def lead(self) -> str:
        """A lead of a company of their own, who got the first mail."""
        self.count += 1
        email = f"lead{self.count}@firm{self.count}.test"
        self.world.enrol(email)
        self.world.tick()
        return email

    def mail_to(self, email: str) -> str:
        return self.world.deliveries(email)[-1].message_id

    def post(self, content: bytes) -> httpx.Response:
        return self.doors.own(content, "/hooks/mime")

    def messages(self, email: str) -> list[Message]:
        with self.world.read() as session:
            lead_id = self.world.lead_id(email)
            return list(session.exec(select(Message).where(Message.lead_id == lead_id).order_by(Message.id)))

    def cards(self, email: str) -> list[str]:
        with self.world.read() as session:
            return [
                one.kind
                for one in session.exec(select(Card).where(Card.lead_id == self.world.lead_id(email)))
            ]

    def is_suppressed(self, email: str) -> bool:
        with self.world.read() as session:
            return session.get(Suppression, email) is not None


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Iterator[Room]:
    """One for all rows: what one row does to its lead is nothing to another."""
    path = tmp_path_factory.mktemp("mime") / "fermata.db"
    shutil.copy(_sqlite_template, path)
    for doors in opened(f"sqlite:///{path}"):
        yield Room(doors)


def letter(
    text: str = "Thanks, let us talk.",
    *,
    sender: str,
    about: str | None = None,
    subject: str = "Your question",
    **headers: str,
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, OURS, subject
    message["Message-ID"], message["Date"] = f"<of-{sender}>", "Tue, 01 Jun 2027 10:30:00 +0200"
    if about:
        message["In-Reply-To"] = about
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def nested(lead: str, about: str) -> bytes:
    opened_ = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(1000)
    )
    return f"From: {lead}\r\nTo: {OURS}\r\nIn-Reply-To: {about}\r\n{opened_}\r\nhello\r\n".encode()


def forwarded(lead: str, about: str) -> bytes:
    inside = "Content-Type: message/rfc822\r\n\r\n" * 200
    return f"From: {lead}\r\nTo: {OURS}\r\nIn-Reply-To: {about}\r\n{inside}\r\nhello\r\n".encode()


def two_senders(lead: str, about: str) -> bytes:
    return b"From: eve@elsewhere.test\r\n" + letter(sender=lead, about=about)


def sealed(lead: str, about: str) -> bytes:
    return letter("MIAGCSqGSIb3", sender=lead, about=about).replace(
        b"Content-Type: text/plain",
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; x=text/plain",
    )


Write = Callable[[str, str], bytes]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(lambda lead, about: letter(sender="eve@other.test", about=about), "", marks=pytest.mark.row(90)),
        pytest.param(lambda lead, _: letter(sender=lead.replace("lead", "boss")), "", marks=pytest.mark.row(92)),
        pytest.param(lambda lead, about: letter(sender=lead.replace("lead", "alias"), about=about), "", marks=pytest.mark.row(92)),
        pytest.param(lambda lead, about: letter(" \n", sender=lead, about=about), "no text of its own", marks=pytest.mark.row(104)),
        pytest.param(lambda lead, about: letter(sender=lead, about=about) + b"more and more\r\n" * 2_200_000, "", marks=pytest.mark.row(106)),
        pytest.param(nested, "too large or too deeply nested", marks=pytest.mark.row(107)),
        pytest.param(forwarded, "too large or too deeply nested", marks=pytest.mark.row(107)),
        pytest.param(two_senders, "two From lines", marks=pytest.mark.row(112)),
        pytest.param(sealed, "encrypted", marks=pytest.mark.row(114)),
        pytest.param(
            lambda lead, about: letter("> Hi\n\nI took over, tell me more.", sender="colleague@private.test", about=about, subject="Fwd: Hi"),
            "", marks=pytest.mark.row(115)),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_kept_and_shown_and_mail_is_held(
    room: Room, caplog: pytest.LogCaptureFixture, write: Write, words: str
) -> None:
    lead = room.lead()
    content = write(lead, room.mail_to(lead))
    with cpu() as spent:
        answer = room.post(content)
        assert spent() < 3
    assert (answer.status_code, answer.json()) == (200, {"result": "done", "kind": "reply"})
    assert room.world.status(lead) == "paused"
    [message] = room.messages(lead)
    assert "review" in room.cards(lead)
    assert words in message.findings.get("cause", "")
    assert not room.is_suppressed(lead)
    assert_no_fault(caplog)


@pytest.mark.parametrize(
    ("headers", "text", "kind"),
    [
        pytest.param({"Auto_Submitted": "auto-generated"}, "Your ticket 4711 was created.", "automatic", marks=pytest.mark.row(94)),
        pytest.param({"Precedence": "bulk"}, "We have received your message.", "automatic", marks=pytest.mark.row(94)),
        pytest.param({"X_Auto_Response_Suppress": "All"}, "We have received your message.", "automatic", marks=pytest.mark.row(94)),
        pytest.param({"subject": "Automatic reply: Hi"}, "I am out of the office until 15 June.", "out_of_office", marks=pytest.mark.row(95)),
        pytest.param({}, "STOP", "unsubscribe", marks=pytest.mark.row(102)),
        pytest.param({}, "Please unsubscribe me.\n\nOn Tue, 1 Jun 2027, Ana wrote:\n> Hi", "unsubscribe", marks=pytest.mark.row(102)),
        pytest.param(
            {}, "Sounds good.\n\nOn Tue, 1 Jun 2027 at 10:00, Ana <ana@sales.example> wrote:\n> Hi\n> To unsubscribe, answer STOP.\n",
            "reply", marks=pytest.mark.row(103)),
    ],
)  # fmt: skip
def test_what_a_message_is_shows_in_headers_and_own_words(
    room: Room, headers: dict[str, str], text: str, kind: str
) -> None:
    lead = room.lead()
    answer = room.post(letter(text, sender=lead, about=room.mail_to(lead), **headers))
    assert answer.json() == {"result": "done", "kind": kind}
    assert room.is_suppressed(lead) == (kind == "unsubscribe")
    assert room.world.status(lead) == {"automatic": "pending", "unsubscribe": "stopped"}.get(kind, "paused")


@pytest.mark.row(94)
@pytest.mark.parametrize(
    "headers", [{"List_Id": "<news.firm.test>", "Precedence": "list"}, {"Precedence": "bulk"}]
)
def test_what_came_by_a_list_is_an_answer_only_where_it_names_our_mail(
    room: Room, headers: dict[str, str]
) -> None:
    lead = room.lead()
    assert room.post(letter("Our depots move in June.", sender=lead, **headers)).json()["kind"] == "automatic"
    assert (room.world.status(lead), room.cards(lead)) == ("pending", [])
    answer = room.post(letter("I answer by our list.", sender=lead, about=room.mail_to(lead), **headers))
    assert answer.json()["kind"] == "reply"
    assert room.world.status(lead) == "paused"


@pytest.mark.row(96)
def test_our_own_mail_that_comes_back_is_ignored_and_counted(room: Room) -> None:
    lead = room.lead()
    before = room.doors.counts().get(("mime", "done"), 0)
    loop = letter("Hi", sender=OURS).replace(f"<of-{OURS}>".encode(), room.mail_to(lead).encode())
    assert room.post(loop).json()["kind"] == "own"
    assert room.doors.counts()["mime", "done"] == before + 1
    assert (room.world.status(lead), room.messages(lead), room.cards(lead)) == ("pending", [], [])


@pytest.mark.row(110)
def test_no_attachment_is_opened(room: Room) -> None:
    lead = room.lead()
    message = EmailMessage()
    message["From"], message["To"], message["In-Reply-To"] = lead, OURS, room.mail_to(lead)
    message.set_content("See the files.")
    message.add_attachment(b"PK\x03\x04" + b"\0" * 1_000_000, "application", "zip", filename="bomb.zip")
    message.add_attachment(b"MZ unsubscribe me", "application", "x-msdownload", filename="a.exe")
    message.add_attachment(b"Please unsubscribe me.", "text", "plain", filename="words.txt")
    assert room.post(message.as_bytes()).json()["kind"] == "reply"
    assert [one.text for one in room.messages(lead)] == ["See the files."]


@pytest.mark.row(108)
def test_what_cannot_be_decoded_is_read_with_replacements(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    lead = room.lead()
    start = f"From: {lead}\r\nTo: {OURS}\r\nIn-Reply-To: {room.mail_to(lead)}\r\n".encode()
    for body in (
        b"Subject: \xff\xfe\r\nContent-Type: text/plain; charset=martian\r\n\r\nGr\xfc\xdfe, yes",
        b"Subject: =?utf-8?b?/////?=\r\nContent-Transfer-Encoding: base64\r\n\r\n=====!!!!SGVsbG8",
        b"Content-Type: text/plain; charset=utf-16\r\n\r\n\xd8\x00x",
        b"X: " + b"\0" * 99 + b"\r\n\r\nyes\0no",
    ):
        assert room.post(start + body).status_code == 200
    assert len(room.messages(lead)) == 4
    assert not any("\0" in one.text + one.subject for one in room.messages(lead))
    assert_no_fault(caplog)
