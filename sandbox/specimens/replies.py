"""Answers from a card: the form in its states, the card that says who answered, the note, and the question after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.codec import Form
from bot.forms import reply
from core.answers import CardView, Choice, NoticeCard, UncertainCard
from core.conversations import Seen
from core.inbound.words import Kind
from core.views.answering import EDITED, Draft, Earlier
from sandbox.specimens.leads import HOSTILE, NOW
from sandbox.specimens.reviews import review

JSON = dict[str, Any]
ZONE = "Europe/Berlin"
TEXT = "Tuesday at three is fine. I send you an invitation.\n\nAna"
SUBJECT = "Ada, a question about Lindenhof"
FIRST = (
    "Hello Ada,\n\nhow does Lindenhof plan its season today? Houses like yours tell us that the calendar of the stage "
    "and that of the office never agree.\n\nWould fifteen minutes next week suit you?\n\nAna Ruiz\nNorthwind\nBerlin"
)
BEGAN = "Answered by Ana Ruiz on Tuesday 1 June 2027, 11:35 (Europe/Berlin): “Tuesday at three is fine. …” – "
AGAIN = Choice("Reply again…", form=("reply", 31, 0))
STATES = {
    "on its way": "on its way.",
    "sent": "sent.",
    "all sending is halted": "waiting, as all sending is halted.",
    "uncertain": "it may or may not have left: say so on its card.",
    "refused": "not sent: 550 5.1.1 The address does not exist here.",
    "stopped meanwhile": "not sent: stopped by Ben Okafor because they bought.",
}
DRAFT = Draft(
    Seen(31, 0, 0),
    lead="ada@lindenhof.example",
    heading="Ada Winter",
    subject="Re: Ada, a question about Lindenhof",
    came_at=NOW,
    quote="Thanks, that sounds interesting. Would Tuesday at three suit you?\n\nAda",
    route="From ana@northwind.example to ada@lindenhof.example",
    earlier=(
        Earlier(NOW - timedelta(days=4), "ana@northwind.example", FIRST, SUBJECT, EDITED),
        Earlier(NOW - timedelta(days=3), "Ada Winter", "Who else uses it?", f"Re: {SUBJECT}"),
        Earlier(NOW - timedelta(days=3), "Ana Ruiz", "Casa do Som and the Opera.", f"Re: {SUBJECT}"),
    ),
    afterwards=("Spring outreach stays paused until somebody resumes or stops it.",),
)


def cards() -> Iterator[tuple[str, CardView]]:
    """Give what people see of an answer once it is written."""
    for name, state in STATES.items():
        yield f"reply: answered, {name}", review(Kind.REPLY, answered=(BEGAN + state,), choices=(AGAIN,))
    yield (
        "note of an answer, in the conversation's thread",
        NoticeCard("Ana Ruiz answered Ada Winter", ("Sent.",), "✉️", TEXT,
                   facts=("from ana@northwind.example to ada@lindenhof.example",)),
    )  # fmt: skip
    dropped = ("It did not leave: it could not leave for 24 hours, and was not sent so late without asking.",)
    yield (
        "note to the author: the answer was not sent",
        NoticeCard("Your answer to Ada Winter was not sent", dropped, "✉️", TEXT,
                   choices=(Choice("Reply…", form=("reply", 31, 0)),),
                   facts=("written on Tuesday 1 June 2027, 11:35 (Europe/Berlin)",)),
    )  # fmt: skip
    asked = UncertainCard(9, "ada@lindenhof.example", "Spring outreach", 0, "Re: Ada, a question about Lindenhof", NOW,
                          "The worker stopped in the middle of the hand-over, so nobody knows whether the mail left.")  # fmt: skip
    yield "uncertain: did an answer leave?", asked


def forms() -> Iterator[tuple[str, JSON, dict[str, str]]]:
    """Give the form in which somebody answers: name, view, and the sentences at its fields."""
    form = Form("reply", 31, 0, about="5f2c 0 0")
    yield "reply", reply.view(form, DRAFT, zone=ZONE), {}
    yield (
        "reply: nothing written",
        reply.view(form, DRAFT, zone=ZONE),
        {reply.TEXT: "Write the answer first."},
    )
    halted = "All sending was halted by Ben Okafor on Tuesday 1 June 2027, 09:12 (Europe/Berlin); `unhalt` ends that."
    yield "reply: all sending is halted", reply.view(form, replace(DRAFT, halted=halted), zone=ZONE), {}
    newer = replace(
        DRAFT, quote="Or rather on Wednesday?", notes=(BEGAN.replace("Ana Ruiz", "Ben Okafor") + "sent.",)
    )
    yield (
        "reply: more was said meanwhile",
        reply.view(form, newer, zone=ZONE, typed=TEXT, changed=reply.CHANGED),
        {},
    )
    stopped = replace(
        DRAFT,
        stops=("Ben Okafor stopped Spring outreach on Tuesday 1 June 2027, 11:30 (Europe/Berlin).",),
        afterwards=("Spring outreach stays stopped.",),
    )
    yield (
        "reply: the lead was stopped meanwhile",
        reply.view(form, stopped, zone=ZONE, typed=TEXT, changed=reply.STOPPED),
        {},
    )
    colleague = replace(
        DRAFT,
        heading="Robin Vale",
        route="From ana@northwind.example to robin.vale@lindenhof.example",
        notes=("It goes to robin.vale@lindenhof.example, who wrote, not to ada@lindenhof.example.",),
        earlier=(),
        unsent=TEXT,
    )
    yield "reply: to a colleague, after one that was not sent", reply.view(form, colleague, zone=ZONE), {}
    hostile = replace(
        DRAFT, heading=HOSTILE, subject=HOSTILE, quote=HOSTILE * 30, notes=(HOSTILE,), afterwards=(HOSTILE,) * 6,
        earlier=(Earlier(NOW, HOSTILE, HOSTILE * 30, HOSTILE, HOSTILE),) * 3, unsent="x" * 3000,
    )  # fmt: skip
    yield "reply: hostile and long", reply.view(form, hostile, zone=ZONE), {}
