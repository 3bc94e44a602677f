"""Building one lead's message: the prepared skeleton beside EmailMessage, in one run on the same content.

    python benchmarks/bench_mime.py

Prints microseconds per message (median of rounds taken in turn) and the ratio; the goal is 30.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.mime import Sender, fill, prepare
from core.template import Rendered, compile_step, render

ROUNDS = 15
GOAL = 30.0
NOW = datetime(2027, 6, 15, 7, 0, tzinfo=UTC)
SENDER = Sender(address="eva@fermata.example", name="Eva Muster")
PARAGRAPH = (
    "I read about the new plant of {{ lead.company }} last week\n"
    "and wondered who looks after the *logistics* there now.\n"
)
BODY = (
    'Hi {{ first_name | default: "there" }},\n\n'
    + "\n".join([PARAGRAPH] * 6)
    + "\n- one reason for a call\n- another **good** reason\n\n"
    + "[Pick a time](https://fermata.example/call?who={{ lead.company }})\n\nBest,\n{{ sender.name }}\n\n"
    + "[Unsubscribe]({{ unsubscribe_url }})\n"
)
CONDITION = '{% if lead.stage == "customer" %}\nThank you for being with us.\n{% endif %}\n'


def values(name: str, company: str) -> dict[str, object]:
    return {
        "lead": {"first_name": name, "company": company, "stage": "lead"},
        "sender": {"name": SENDER.name},
        "unsubscribe_url": "https://fermata.example/u/0123456789abcdef",
    }


def by_email_message(rendered: Rendered, name: str) -> bytes:
    """The plain way: a tree per lead."""
    message = EmailMessage()
    message["Message-ID"] = "<0123456789abcdef@fermata.example>"
    message["Date"] = NOW
    message["From"] = Address(SENDER.name, addr_spec=SENDER.address)
    message["To"] = Address(name, addr_spec="lead@acme.example")
    message["Subject"] = rendered.subject
    message["List-Unsubscribe"] = "<https://fermata.example/u/0123456789abcdef>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message.as_bytes(policy=SMTP)


def microseconds(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times * 1e6


def compare(label: str, name: str, company: str) -> float:
    """Print one content's figures and return the ratio."""
    template = compile_step("A question about {{ lead.company }}", BODY, fields=frozenset())
    branching = compile_step("A question about {{ lead.company }}", BODY + CONDITION, fields=frozenset())
    lead = values(name, company)
    rendered = render(template, lead)
    skeleton = prepare(SENDER)

    def filled(message: Rendered = rendered) -> bytes:
        return fill(
            skeleton,
            rendered=message,
            to_address="lead@acme.example",
            to_name=name,
            message_id="<0123456789abcdef@fermata.example>",
            date=NOW,
            unsubscribe_url="https://fermata.example/u/0123456789abcdef",
        )

    works: dict[str, tuple[Callable[[], object], int]] = {
        "EmailMessage": (lambda: by_email_message(rendered, name), 20),
        "fill": (filled, 500),
        "render": (lambda: render(template, lead), 500),
        "render + fill": (lambda: filled(render(template, lead)), 300),
        "render + fill, with {% if %}": (lambda: filled(render(branching, lead)), 100),
    }
    taken: dict[str, list[float]] = {key: [] for key in works}
    for _ in range(ROUNDS):
        for key, (work, times) in works.items():
            taken[key].append(microseconds(work, times))
    figures = {key: statistics.median(rounds) for key, rounds in taken.items()}
    ratio = statistics.median(
        plain / ours for plain, ours in zip(taken["EmailMessage"], taken["fill"], strict=True)
    )
    print(f"{label}: text {len(rendered.text)} + html {len(rendered.html)} characters")
    for key, figure in figures.items():
        print(f"  {key:<30} {figure:9.1f} µs")
    print(f"  {'EmailMessage / fill':<30} {ratio:9.1f} ×   (goal {GOAL:.0f})")
    return ratio


def main(_: object = None) -> int:
    ascii_ratio = compare("ASCII", "Anna Schmidt", "Acme")
    compare("not ASCII", "Zoë Müller", "Größe & Söhne")
    return 0 if ascii_ratio >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
