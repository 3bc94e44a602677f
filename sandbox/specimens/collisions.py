"""Whose leads they are already: the question to a colleague, what became of it, and an act on a whole company."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import Answer, CardView, Choice, NoticeCard

UNTIL = "Friday 4 June 2027, 11:20 (Europe/Berlin)"
AT = "Tuesday 1 June 2027, 11:20 (Europe/Berlin)"
LEADS = ("ada@northwind.example", "max@northwind.example", "eve@lucky.example")


def collisions() -> Iterator[tuple[str, CardView]]:
    """Give the colleague's side and the asker's, in every state."""
    question = NoticeCard(
        "Ben Okafor wants to put 3 leads you work into Autumn",
        (
            f"{LEADS[0]} is your lead, in Spring outreach, last mail on Tuesday 1 June 2027.",
            f"{LEADS[1]} is of the same company as {LEADS[0]}, your lead, in no sequence, no mail yet.",
            f"{LEADS[2]} was put into Opera by you, last mail on Friday 28 May 2027.",
        ),
        "🤝",
        facts=(f"Nobody is enrolled before you say yes; without an answer until {UNTIL} it is declined.",),
        choices=(
            Choice("Accept", "card collision 12 accept", "primary"),
            Choice("Decline", "card collision 12 decline"),
            Choice("Hand over", "card collision 12 hand over",
                   confirm="Give 3 leads to Ben Okafor? Ben Okafor owns them from then on, and they are enrolled."),
        ),
    )  # fmt: skip
    settled = replace(
        question,
        title="Ben Okafor wanted to put 3 leads you work into Autumn",
        lines=LEADS,
        facts=(),
        choices=(),
    )
    yield "colleague: asked", question
    yield "colleague: accepted", replace(settled, verdict=f"You accepted on {AT}: 3 leads enrolled.")
    yield "colleague: declined", replace(settled, verdict=f"You declined on {AT}; nobody was enrolled.")
    yield (
        "colleague: handed over",
        replace(settled, verdict=f"You handed them over on {AT}: 3 leads enrolled."),
    )
    expired = f"Nobody answered until {UNTIL}, so nobody was enrolled."
    yield "colleague: expired", replace(settled, verdict=expired)
    yield (
        "colleague: withdrawn",
        replace(settled, verdict=f"Ben Okafor took it back on {AT}; nobody was enrolled."),
    )
    waiting = NoticeCard(
        f"You asked Ana Ruiz whether {LEADS[0]} may go into Autumn",
        (f"{LEADS[0]} is Ana Ruiz's lead, in Spring outreach, last mail on Tuesday 1 June 2027.",),
        "🤝",
        facts=(f"Nobody is enrolled before they say yes; without an answer until {UNTIL} it is declined.",),
        choices=(Choice("Withdraw", "card collision 12 withdraw"),),
    )
    yield "asker: waiting", waiting
    yield (
        "asker: accepted",
        replace(
            waiting, lines=(), facts=(), choices=(), verdict=f"Ana Ruiz accepted on {AT}: 1 lead enrolled."
        ),
    )
    yield (
        "asker: the news",
        NoticeCard(f"{LEADS[0]} for Autumn: Ana Ruiz accepted on {AT}: 1 lead enrolled.", (), "🤝"),
    )


def previews() -> Iterator[tuple[str, Answer]]:
    """Give what is said before anything happens."""
    yield (
        "company: it asks",
        Answer(
            "Pause 3 leads (4 enrollments)?",
            (
                "Sequences: Spring outreach (3) and Opera (1)",
                "Owners: Ana Ruiz (1), Ben Okafor (1) and nobody (1)",
                "ada@northwind.example (Ana Ruiz): Opera and Spring outreach",
                "bob@northwind.example (Ben Okafor): Spring outreach",
                "cat@northwind.example (nobody): Spring outreach",
                "Not touched: @mail.northwind.example (2); name them too if they are meant.",
                "Nothing has been changed yet; the question stands for 15 minutes.",
            ),
            choices=(
                Choice("Pause 3 leads", proposal="p", style="primary"),
                Choice("Cancel", command="cancel proposal 0123456789abcdef0123456789abcdef"),
            ),
        ),
    )
    yield (
        "start: some wait for a colleague",
        Answer(
            "Started 37 leads (37 enrollments).",
            (f"3 leads wait for Ana Ruiz's yes until {UNTIL}: {', '.join(LEADS[:2])} and {LEADS[2]}.",),
            batch_id=41,
        ),
    )
