"""Held by the guard: a mailbox and a sequence of which too much came back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import Answer, CardView, Choice, NoticeCard, Row
from core.views.guard import ICON, WHAT_TO_DO

BOX = "ana@northwind.example"
AT = "Tuesday 1 June 2027, 11:20 (Europe/Berlin)"
BOUNCED = "6 of 82 mails of the last 7 days bounced (7.3 %; the limit is 5 %)"
REPORTED = "2 of 640 mails of the last 7 days were reported as spam (0.31 %; the limit is 0.1 %)"
NOBODY = "550 5.1.1 No such user here"
RELEASE = Choice(
    "Release",
    "card guard 12 release",
    "primary",
    confirm=f"Mail of {BOX} leaves again, within its windows and caps.",
)


def guards() -> Iterator[tuple[str, CardView]]:
    """Give both, held and let go."""
    held = NoticeCard(
        f"{BOX} is held: {BOUNCED}",
        tuple(f"{name}@old-list.example: {NOBODY}" for name in ("mira", "jon", "ada", "kurt", "lea", "tom")),
        ICON,
        owner="U0ANA",
        facts=("Nothing leaves it, no answer of yours either.", WHAT_TO_DO),
        choices=(RELEASE,),
    )
    yield "mailbox: held", held
    many = tuple(f"lead{number}@old-list.example: {NOBODY}" for number in range(10))
    yield "mailbox: bounces and complaints", replace(
        held, title=f"{BOX} is held: {BOUNCED}, and {REPORTED}",
        lines=(*many[:9], "eve@lucky.example: reported it as spam", "and 31 more"),
    )  # fmt: skip
    verdict = f"Ana Ruiz released it on {AT}; what leaves from then on counts anew."
    yield "mailbox: released", NoticeCard(f"{BOX} was held", icon=ICON, verdict=verdict)
    yield (
        "sequence: paused",
        NoticeCard(
            f"Spring outreach is paused: {REPORTED}",
            ("eve@lucky.example: reported it as spam", "max@lucky.example: reported it as spam"),
            ICON,
            facts=("Nothing of it leaves, and every lead keeps its place.", WHAT_TO_DO),
            choices=(
                Choice(
                    "Resume sequence",
                    "card guard 13 release",
                    "primary",
                    confirm="Mail of Spring outreach leaves again, within its windows and caps.",
                ),
            ),
        ),
    )
    yield (
        "sequence: resumed",
        NoticeCard(
            "Spring outreach was paused", icon=ICON, verdict=f"It is published since {AT}, by Ana Ruiz."
        ),
    )


def mailboxes() -> Iterator[tuple[str, Answer]]:
    """Give the list of senders in every state."""
    yield (
        "mailboxes",
        Answer(
            "4 senders.",
            rows=(
                Row(
                    BOX,
                    f"held since 11:20:04: {BOUNCED} · 37 of 60 today (ramp-up day 4, 200 from June 20) · last sent at "
                    "11:20:02 · last read at 11:41:10 · of 82 in 7 days 7.3 % bounced, 0 % complained · 41 live leads",
                    choices=(RELEASE,),
                ),
                Row(
                    "ben@northwind.example",
                    "works · 42 of 200 today · a gap of 90 seconds · last sent at 11:40:30 · last read at 11:41:12 · "
                    "of 812 in 7 days 0.74 % bounced, 0 % complained · 310 live leads",
                ),
                Row(
                    "cleo@northwind.example",
                    "cannot send since 09:14:02: connection refused · 3 of 200 today · last read at 09:13:58 · 12 live leads",
                ),
                Row(
                    "events@northwind.example",
                    "not used yet · 0 of 50 today · answers are not read · 0 live leads",
                ),
            ),
        ),
    )
