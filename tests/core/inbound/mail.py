"""Messages written for the tests: invented people, invented texts, in the forms that mail programs give them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

RECEIVED = datetime(2026, 9, 8, 9, 0, tzinfo=UTC)  # a Tuesday
EXCHANGE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
SIEVE = {"Auto-Submitted": "auto-replied (vacation)", "Precedence": "bulk"}


def letter(
    body: str,
    *,
    subject: str = "Re: A question about your depots",
    headers: dict[str, str] | None = None,
    html: str | None = None,
    sender: str = "Mira Holt <mira.holt@lumen.example>",
) -> bytes:
    """Give a message to us as bytes; `headers` are added, `html` is an alternative to the plain body."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=900))
    message["From"] = sender
    message["To"] = "Sam Rivers <sam@fermata.example>"
    message["Subject"] = subject
    message["Date"] = "Tue, 08 Sep 2026 09:00:00 +0000"
    message["Message-ID"] = "<answer-1@lumen.example>"
    message["In-Reply-To"] = "<step-1@fermata.example>"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def quoted(
    body: str, attribution: str = "On Mon, 7 Sep 2026 at 10:12, Sam Rivers <sam@fermata.example> wrote:"
) -> str:
    """Give a body with our mail quoted below, its footer included."""
    return (
        f"{body}\n\n{attribution}\n"
        "> Hi Mira,\n> are you out of the office until 3 October? We can talk later.\n"
        "> To unsubscribe, answer with stop or click https://fermata.example/u/1\n"
    )
