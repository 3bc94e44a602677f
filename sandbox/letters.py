"""What comes back from a lead, as bytes: the message that their mail system would send.

Each function takes the mail it is about (`Got`) and the moment, and gives a whole message with CRLF line ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from functools import cached_property
from html import escape
from uuid import uuid4

from sandbox.calendar import Appointment, Itip
from sandbox.phrases import AWAY, MONTHS, WISHES

MUCH = SMTP.clone(max_line_length=200)  # Message-IDs and addresses stay whole


@dataclass(frozen=True)
class Got:
    """A mail as the lead's mail system holds it: `raw` as it came over SMTP, and the address it was for."""

    raw: bytes
    recipient: str

    @cached_property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=SMTP)

    @cached_property
    def mailbox(self) -> tuple[str, str]:
        """Who wrote it: name and address."""
        return parseaddr(str(self.parsed["From"] or ""))

    @cached_property
    def lead(self) -> tuple[str, str]:
        """Whom it was for: name and address."""
        name, _ = parseaddr(str(self.parsed["To"] or ""))
        return name or self.recipient.partition("@")[0].title(), self.recipient

    @property
    def domain(self) -> str:
        return self.recipient.rpartition("@")[2]

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"] or "").strip()

    @property
    def subject(self) -> str:
        return str(self.parsed["Subject"] or "")

    @property
    def thread(self) -> str:
        """The References of an answer to it."""
        return " ".join(f"{self.parsed['References'] or ''} {self.message_id}".split())

    @cached_property
    def text(self) -> str:
        part = self.parsed.get_body(preferencelist=("plain",))
        return str(part.get_content()).replace("\r\n", "\n").rstrip() if part is not None else ""

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]


def answer(got: Got, text: str, *, at: datetime, sender: tuple[str, str] | None = None) -> bytes:
    """Give an answer with the original quoted below, as webmail writes it. `sender`: a colleague's name and address."""
    made = _from(sender or got.lead, got, at)
    made["Subject"] = got.subject if got.subject.lower().startswith("re:") else f"Re: {got.subject}"
    _continues(made, got)
    wrote = f"On {_date_of(got, at)}, {formataddr(got.mailbox)} wrote:"
    quoted = "\n".join(f"> {line}".rstrip() for line in got.text.splitlines())
    made.set_content(f"{text.strip()}\n\n{wrote}\n{quoted}\n", cte="quoted-printable")
    made.add_alternative(
        f'<div dir="ltr">{_lines(text.strip())}</div><br>\n<div class="gmail_quote">\n'
        f'<div dir="ltr" class="gmail_attr">{escape(wrote)}</div>\n<blockquote class="gmail_quote" '
        f'style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">{_lines(got.text)}</blockquote></div>\n',
        subtype="html",
        cte="quoted-printable",
    )
    return made.as_bytes(policy=MUCH)


def wish(got: Got, *, at: datetime, language: str = "en") -> bytes:
    """Give an answer that asks for no more mail."""
    return answer(got, WISHES[language], at=at)


def away(
    got: Got,
    *,
    at: datetime,
    back_on: date | None,
    language: str = "en",
    system: str = "exchange",
    words: str = "",
) -> bytes:
    """Give an away message. `system`: exchange, gmail, or plain (no header tells). `words`: the person's own text."""
    phrases = AWAY[language]
    made = _from(got.lead, got, at)
    usual = phrases.until.format(day=_day(back_on, language)) if back_on else phrases.open
    body = words.strip() or phrases.greeting + "\n\n" + usual + "\n\n" + phrases.closing
    made["Subject"] = f"{phrases.subject}: {got.subject}"
    _continues(made, got)
    if system == "exchange":
        made["Auto-Submitted"] = "auto-generated"
        made["X-Auto-Response-Suppress"] = "All"
        made["X-MS-Exchange-Generated-Message-Source"] = "Mailbox Rules Agent"
    if system == "gmail":
        made["Auto-Submitted"] = "auto-replied"
        made["Precedence"] = "bulk"
        made["X-Autoreply"] = "yes"
    signed = "" if words.strip() else f"\n\n{got.lead[0]}"
    made.set_content(f"{body}{signed}\n", cte="quoted-printable")
    return made.as_bytes(policy=MUCH)


def bounce(got: Got, *, at: datetime, is_hard: bool) -> bytes:
    """Give a delivery report (RFC 3464) with the headers of the mail that came back."""
    server = f"mx.{got.domain}"
    status, code, why = (
        ("5.1.1", 550, "The address does not exist here")
        if is_hard
        else ("4.2.2", 452, "The mailbox is full; tried for five days, given up")
    )
    notice = (
        f"This is the mail system at host {server}.\n\n"
        "I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n"
        f"<{got.recipient}>: {code} {status} {why}\n"
    )
    report = (
        f"Reporting-MTA: dns; {server}\nArrival-Date: {format_datetime(at)}\n\n"
        f"Final-Recipient: rfc822; {got.recipient}\nOriginal-Recipient: rfc822;{got.recipient}\n"
        f"Action: failed\nStatus: {status}\nRemote-MTA: dns; {server}\n"
        f"Diagnostic-Code: smtp; {code} {status} {why}\n"
    )
    head = {
        "Return-Path": "<>",
        "From": f"Mail Delivery System <MAILER-DAEMON@{server}>",
        "Subject": "Undelivered Mail Returned to Sender",
        "Auto-Submitted": "auto-replied",
        "X-Failed-Recipients": got.recipient,
    }
    parts = [("message/delivery-status", report.encode()), ("text/rfc822-headers", got.head + b"\r\n")]
    return _report("delivery-status", head, notice, parts, got, at, server)


def complaint(got: Got, *, at: datetime) -> bytes:
    """Give the report (RFC 5965) that a provider sends when somebody presses *this is spam*."""
    server = f"feedback.{got.domain}"
    notice = f"This is an email abuse report for a message that {got.recipient} received.\n"
    report = (
        "Feedback-Type: abuse\nUser-Agent: Loop/1.0\nVersion: 1\n"
        f"Original-Mail-From: <{got.mailbox[1]}>\nOriginal-Rcpt-To: <{got.recipient}>\n"
        f"Arrival-Date: {got.parsed['Date'] or format_datetime(at)}\nReported-Domain: {got.mailbox[1].rpartition('@')[2]}\n"
    )
    head = {
        "From": f"Feedback loop <reports@{server}>",
        "Subject": Header(f"FW: {got.subject}", "utf-8").encode(),
    }
    parts = [("message/feedback-report", report.encode()), ("message/rfc822", got.raw)]
    return _report("feedback-report", head, notice, parts, got, at, server)


def meeting(got: Got, appointment: Appointment, *, at: datetime) -> bytes:
    """Give the calendar mail (RFC 6047) that a lead's calendar sends with its news of an appointment."""
    made = _from(got.lead, got, at)
    verb, sentence = _MEETING[appointment.method, appointment.answer]
    made["Subject"] = f"{verb}: {appointment.title}"
    if appointment.method is Itip.REPLY:
        _continues(made, got)
    made.set_content(f"{got.lead[0]} {sentence}\n\n{appointment.when_in_words()}\n", cte="quoted-printable")
    made.add_alternative(
        appointment.as_ics(organizer=got.lead, guest=got.mailbox, stamped_at=at),
        subtype="calendar",
        params={"method": appointment.method.value},
        cte="base64",
    )
    return made.as_bytes(policy=MUCH)


_MEETING = {
    (Itip.REQUEST, ""): ("Invitation", "invites you to a meeting."),
    (Itip.REQUEST, "moved"): ("Updated invitation", "has moved the meeting."),
    (Itip.CANCEL, ""): ("Canceled", "has called the meeting off."),
    (Itip.REPLY, "ACCEPTED"): ("Accepted", "has accepted your invitation."),
    (Itip.REPLY, "DECLINED"): ("Declined", "has declined your invitation."),
}


def _from(sender: tuple[str, str], got: Got, at: datetime) -> EmailMessage:
    made = EmailMessage(policy=MUCH)
    made["From"] = formataddr(sender)
    made["To"] = formataddr(got.mailbox)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = _new_id(got.domain)
    return made


def _continues(made: EmailMessage, got: Got) -> None:
    """Put a message into the conversation of the mail it is about."""
    if got.message_id:
        made["In-Reply-To"] = got.message_id
        made["References"] = got.thread


def _report(
    kind: str,
    head: dict[str, str],
    notice: str,
    parts: list[tuple[str, bytes]],
    got: Got,
    at: datetime,
    server: str,
) -> bytes:
    """Give a multipart/report (RFC 6522); written as text, since `email` rewrites what it embeds."""
    edge = f"=_{uuid4().hex}"
    fields = {
        **head,
        "To": got.mailbox[1],
        "Date": format_datetime(at),
        "Message-ID": _new_id(server),
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/report; report-type={kind};\r\n boundary="{edge}"',
    }
    whole = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    for content_type, content in [("text/plain; charset=us-ascii", notice.encode()), *parts]:
        whole += f"\r\n--{edge}\r\nContent-Type: {content_type}\r\n\r\n".encode() + _crlf(content)
    return whole + f"\r\n--{edge}--\r\n".encode()


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _new_id(domain: str) -> str:
    return f"<{uuid4().hex}@{domain}>"


def _date_of(got: Got, at: datetime) -> str:
    header = got.parsed["Date"]
    moment: datetime = header.datetime if header is not None and header.datetime else at.astimezone(UTC)
    return f"{moment:%a, %b} {moment.day}, {moment.year} at {moment:%H:%M}"


def _day(day: date, language: str) -> str:
    phrases = AWAY[language]
    return phrases.date.format(
        weekday=phrases.weekdays[day.weekday()],
        day=day.day,
        month=MONTHS[language][day.month - 1],
        year=day.year,
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
