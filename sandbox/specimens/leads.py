"""Leads, their deliveries and tasks, and what commands answer, one of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from core.answers import (
    Answer,
    CardView,
    Choice,
    EnrollmentView,
    LeadCard,
    Row,
    TaskCard,
    TimelineEntry,
    UncertainCard,
)
from core.lifecycle import Status

NOW = datetime(2027, 6, 1, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
STARTED = (TimelineEntry(NOW - 4 * DAY, "Ana Ruiz started it in Spring outreach."),)
# What an outsider would like Slack to take for its own marks.
HOSTILE = "<!channel> <@U0ANA> <https://evil.test|your bank> *bold* _i_ ~s~ `code` &amp; @here :bomb: \u202eabc\u200b"


def run(status: str = Status.PENDING, **changes: Any) -> EnrollmentView:
    """Give one run of a lead in a sequence."""
    values: dict[str, Any] = {
        "id": 12,
        "version": 7,
        "sequence": "Spring outreach",
        "run": 1,
        "status": status,
        "position": 1,
        "steps": 5,
        "next_step": "Re: Ada, a question about Lindenhof",
        "next_at": NOW + 2 * DAY,
        "has_started": True,
        "mailbox": "ana@northwind.example",
        "engagement": "2 mails sent · 2 opened · 1 clicked · 1 answer",
    }
    return EnrollmentView(**(values | changes))


def lead(*runs: EnrollmentView, **changes: Any) -> LeadCard:
    """Give a lead's card; without runs given, in one sequence."""
    values: dict[str, Any] = {
        "lead_id": 3,
        "email": "ada@lindenhof.example",
        "name": "Ada Winter",
        "company": "Lindenhof",
        "stage": "contacted",
        "owner": "Ana Ruiz",
        "zone": "Europe/Berlin",
        "tags": ("spring", "venue"),
        "enrollments": runs or (run(),),
        "timeline": (
            TimelineEntry(NOW - DAY, "Mail “Ada, a question about Lindenhof” (step 1) was sent."),
            *STARTED,
        ),
    }
    return LeadCard(**(values | changes))


PAUSED = run(
    Status.PAUSED, next_at=None, reasons=("Paused by Ana Ruiz since Tuesday 1 June 2027, 11:30: on tour",)
)
STOPPED = run(Status.STOPPED, next_step=None, next_at=None, end_reason="signed with somebody else")


def leads() -> Iterator[tuple[str, CardView]]:
    """Give the lead card in every state."""
    yield "waiting for its next step", lead()
    yield (
        "not yet begun",
        lead(run(position=0, has_started=False, next_step="Ada, a question"), timeline=STARTED),
    )
    yield "a hand-over is under way", lead(run(Status.IN_PROGRESS, is_under_way=True))
    yield "paused by a person", lead(PAUSED)
    yield (
        "paused for three reasons",
        lead(
            run(
                Status.PAUSED,
                next_at=NOW + 15 * DAY,
                reasons=(
                    "Paused by Ana Ruiz since Tuesday 1 June 2027, 11:30",
                    "Paused because the lead is out of office, until Wednesday 16 June 2027, 09:00",
                    "Paused by a booked meeting, until Friday 11 June 2027, 17:30",
                ),
            )
        ),
    )
    yield "skipped", lead(run(Status.SKIPPED, position=0, has_started=False, next_at=None))
    yield "stopped", lead(STOPPED)
    yield "completed", lead(run(Status.COMPLETED, position=5, next_step=None, next_at=None))
    yield (
        "in three sequences",
        lead(run(), *(run(PAUSED.status, id=13, sequence="Opera", next_at=None), STOPPED)),
    )
    yield "suppressed", lead(STOPPED, suppressed="This address gets no mail: unsubscribed on 1 June 2027.")
    yield "everything halted", lead(halted="Everything is halted by Mira Chen since 09:12: wrong price list.")
    yield (
        "its mailbox is unread",
        lead(
            run(
                reasons=(
                    "The mailbox ana@northwind.example was not read since 09:02; no follow-up leaves it.",
                )
            )
        ),
    )
    yield "in no sequence", lead(enrollments=(), timeline=())
    yield "erased", LeadCard(3, "", "", is_erased=True)
    yield "with words that try to break out", hostile_lead()


def hostile_lead() -> LeadCard:
    """Give a card of which every word tries to mention, link or format."""
    words = HOSTILE * 4
    held = run(Status.PAUSED, sequence=words, next_step=words, mailbox=words, reasons=(words,) * 6)
    told = (TimelineEntry(NOW, words),) * 3
    return lead(held, email=words, name=words, company=words, stage=words, tags=(words,), timeline=told)


def questions() -> Iterator[tuple[str, CardView]]:
    """Give uncertain deliveries and tasks."""
    asked = UncertainCard(
        9,
        "Ada Winter",
        "Spring outreach",
        2,
        "Re: Ada, a question",
        NOW,
        "The connection was lost after DATA.",
    )
    yield "uncertain: did it leave?", asked
    yield "uncertain: settled", UncertainCard(**(vars(asked) | {"verdict": "Ana Ruiz said that it left."}))
    task: dict[str, Any] = {
        "delivery_id": 9,
        "enrollment_id": 12,
        "lead": "ada@lindenhof.example",
        "sequence": "Spring outreach",
        "title": "Call Ada at Lindenhof",
        "body": "Ask who plans the season.\n\nNote when the next one is drawn up.",
        "owner": "Ana Ruiz",
    }
    for state in ("open", "hidden", "done", "skipped"):
        yield f"task: {state}", TaskCard(**task, state=state)


def answers() -> Iterator[tuple[str, Answer]]:
    """Give what commands answer."""
    yes = Choice("Pause all 12", proposal="p_1", style="primary", confirm="12 leads are paused.")
    row = Row(
        "Ada Winter", "Spring outreach, step 2 of 5", 12, (Choice("Resume", "resume ada@lindenhof.example"),)
    )
    yield (
        "done, with undo",
        Answer(
            "Paused ada@lindenhof.example until Wednesday 16 June 2027, 09:00.",
            ("2 days remain.",),
            batch_id=41,
        ),
    )
    yield (
        "asks first",
        Answer("Pause 12 leads?", ("In Spring outreach.",), choices=(yes, Choice("Cancel", "help"))),
    )
    yield "a list with buttons", Answer("3 are paused.", rows=(row,) * 3, more=Choice("More", "paused"))
    yield "a long list", Answer("Everybody.", rows=(Row("Ada Winter", "paused"),) * 40)
    yield (
        "a refusal",
        Answer("No lead has the address adda@lindenhof.example; the nearest is ada@.", is_refusal=True),
    )
    yield "words that try to break out", Answer(HOSTILE * 6, (HOSTILE,) * 12, batch_id=41)
