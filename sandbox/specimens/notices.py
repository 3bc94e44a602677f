"""Notices and questions: notes, meetings, heads-ups, backlogs, mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.answers import CardView, Choice, NoticeCard


def notices() -> Iterator[tuple[str, CardView]]:
    """Give every kind of notice."""
    yield (
        "note in a conversation's thread",
        NoticeCard(
            "Ada Winter replied",
            ("Nothing was changed: it is paused already.",),
            "💬",
            "One more thing: we are four people.",
        ),
    )
    yield from _meetings()
    yield from _returns()
    yield from _halts()
    backlog = NoticeCard(
        "A backlog of overdue mail: 240 steps wait for an answer",
        (
            "None of them has left since Friday 28 May 2027, 17:02; sent now, they would leave in a burst.",
            "Spread: evenly over 3 working days, with half the cap of each mailbox.",
            "Shift all: every date moves by 4 days, so the distances stay.",
            "Drop: this step is left out for all, and the next one follows at its usual delay.",
        ),
        "⏳",
        facts=("Spring outreach: 200, Opera: 40", "ana@northwind.example: 240"),
        choices=(
            Choice("Spread", "card backlog 8 spread", "primary", "Spread 240 steps over 3 working days?"),
            Choice("Shift all", "card backlog 8 shift all", confirm="Move the dates of all 240 steps?"),
            Choice("Drop", "card backlog 8 drop", "danger", "Leave 240 steps out for good?"),
        ),
    )
    yield "backlog: it asks", backlog
    yield (
        "backlog: answered",
        NoticeCard(
            "A backlog of overdue mail",
            icon="⏳",
            verdict="Ana Ruiz spread 240 steps over 3 working days, at 11:41.",
        ),
    )
    yield (
        "mailbox: unread",
        NoticeCard(
            "ana@northwind.example cannot be read, so its follow-ups wait.",
            (
                "It is unread since Tuesday 1 June 2027, 11:02: Nothing answers at imap.northwind.example:993.",
                "14 follow-ups are due and will leave by themselves when it works again. Somebody may have answered, and nobody would know.",
            ),
            "📭",
            facts=("See what is wrong with: fermata mailbox test ana@northwind.example",),
        ),
    )
    yield (
        "mailbox: cannot send",
        NoticeCard(
            "ana@northwind.example cannot send, so its mail waits.",
            ("It cannot send since 11:02: smtp.northwind.example:587 refuses user name or password.",),
            "🔌",
        ),
    )
    yield (
        "mailbox: works again",
        NoticeCard(
            "ana@northwind.example works again.", icon="✅", verdict="What had waited goes on by itself."
        ),
    )


def _halts() -> Iterator[tuple[str, CardView]]:
    did = "Ben Okafor halted it on Tuesday 15 June 2027, 09:12 (Europe/Berlin): the wrong list went in."
    end = "Ana Ruiz ended {} on Tuesday 15 June 2027, 10:40 (Europe/Berlin)."
    lasts = "Every countdown runs on, but no mail leaves before `unhalt`."
    yield "halt: it lasts", NoticeCard("All sending is halted", (did, lasts), "⛔")
    yield "halt: it is over", NoticeCard("All sending was halted", (did,), "⛔", verdict=end.format("it"))
    on = (end.format("the halt"), "What is due leaves again, within its windows and caps.")
    yield "halt: sending goes on", NoticeCard("Sending goes on", (*on, "Due then: 13 steps."), "▶️")
    waits = "Due then: 60 steps; 55 of them do not leave yet: so long overdue, they wait for an answer on a card of their own."
    yield "halt: sending goes on, much is overdue", NoticeCard("Sending goes on", (*on, waits), "▶️")


def _meetings() -> Iterator[tuple[str, CardView]]:
    when = "It was set for Friday 11 June 2027, 15:00 (Europe/Berlin)."
    held = "Paused in Spring outreach until Friday 11 June 2027, 17:30."
    common: dict[str, Any] = {
        "icon": "📅", "quote": "Ada Winter and Ana Ruiz", "owner_name": "Ana Ruiz",
        "facts": ("ada@lindenhof.example", "Calendar mail"),
    }  # fmt: skip
    yield "meeting: booked", NoticeCard("Ada Winter booked a meeting", (when, held), **common)
    yield "meeting: moved", NoticeCard("The meeting with Ada Winter was moved", (when, held), **common)
    yield (
        "meeting: how did it go?",
        NoticeCard(
            "The meeting with Ada Winter: how did it go?",
            (when, held),
            owner="U0ANA",
            choices=(
                Choice("It took place: stop", "card meeting 5 happened", "primary"),
                Choice("No-show: resume", "card meeting 5 no show"),
                Choice("No-show: step 3 How the Lindenhof planned", "card meeting 5 no show from step 3"),
                Choice("Stay paused", "card meeting 5 keep"),
            ),
            **common,
        ),
    )
    yield (
        "meeting: cancelled",
        NoticeCard(
            "The meeting with Ada Winter was cancelled: go on, or stay paused?",
            (when, held),
            owner="U0ANA",
            choices=(
                Choice("Resume", "card meeting 5 resume", "primary"),
                Choice("Stay paused", "card meeting 5 keep"),
            ),
            **common,
        ),
    )
    yield (
        "meeting: answered",
        NoticeCard(
            "The meeting with Ada Winter",
            (when, "Nothing is paused because of it."),
            verdict="Ana Ruiz said at 17:40: nobody came.",
            **common,
        ),
    )


def _returns() -> Iterator[tuple[str, CardView]]:
    day = "on Thursday 17 June 2027, 09:00 (Europe/Berlin)"
    step = "Spring outreach: step 2 “Re: Ada, a question about Lindenhof”"
    absence = "Paused because the lead is out of office, since Tuesday 1 June 2027, 11:30 (Europe/Berlin)"
    yield (
        "heads-up: a hold ends",
        NoticeCard(
            f"The pause of Ada Winter ends {day}",
            (f"{step} leaves on Friday 18 June 2027, 11:30 (Europe/Berlin).",),
            "⏰",
            owner="U0ANA",
            owner_name="Ana Ruiz",
            facts=("ada@lindenhof.example", absence),
            choices=(
                Choice("As planned", "card return 7 as planned", "primary"),
                Choice("+1 week", "card return 7 one week later"),
                Choice(
                    "Stop",
                    "card return 7 stop",
                    "danger",
                    "Stop ada@lindenhof.example in Spring outreach for good?",
                ),
            ),
        ),
    )
    yield (
        "heads-up: answered",
        NoticeCard(
            f"The pause of Ada Winter was to end {day}",
            icon="⏰",
            facts=("ada@lindenhof.example",),
            verdict="Ana Ruiz said at 11:41: one week later.",
        ),
    )
