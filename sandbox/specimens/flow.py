"""Tasks in every state, and a lead that waits for a condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.answers import Answer, CardView, Choice, EnrollmentView, LeadCard, Row, TaskCard
from core.lifecycle import Status

WAITS = (
    "Step 2 waits for a click until Tuesday 15 June 2027, 10:00 (Europe/Berlin); "
    "with it step 5 (offer) comes next, without it step 3 (nudge)."
)
BUTTONS = (Choice("Done", "card task 9 done", "primary"), Choice("Skip", "card task 9 skip"))


def cards() -> Iterator[tuple[str, CardView]]:
    """Give tasks as they go on, and a lead whose sequence waits for a click."""
    task: dict[str, Any] = {
        "delivery_id": 9,
        "enrollment_id": 12,
        "lead": "ada@lindenhof.example",
        "sequence": "Spring outreach",
        "title": "Call Ada at Lindenhof",
        "body": "Ask who plans the season.",
        "owner": "Ana Ruiz",
    }
    snoozed = "until Wednesday 16 June 2027, 09:00 (Europe/Berlin)"
    yield "a task, put off", TaskCard(**task, state="snoozed", said=snoozed)
    yield (
        "a task, done with a note",
        TaskCard(**task, state="done", said="by Ana Ruiz: She wants a demo in May"),
    )
    yield "a task, left out", TaskCard(**task, state="skipped", said="by Ana Ruiz")
    yield "a task, its lead stopped", TaskCard(**task, state="stopped", said="by Ana Ruiz")
    run = EnrollmentView(
        id=12,
        version=7,
        sequence="Spring outreach",
        run=1,
        status=Status.IN_PROGRESS.value,
        position=1,
        steps=5,
        next_step="Wait 3 days for a click",
        next_at=None,
        has_started=True,
        reasons=(WAITS,),
    )
    yield (
        "a lead that waits for a click",
        LeadCard(
            lead_id=1,
            email="ada@lindenhof.example",
            name="Ada Winter",
            company="Lindenhof",
            enrollments=(run,),
        ),
    )


def answers() -> Iterator[tuple[str, Answer]]:
    """Give the list of a person's tasks."""
    rows = (
        Row(
            "Call Ada at Lindenhof",
            "ada@lindenhof.example, Spring outreach, since Tuesday 15 June 2027, 10:00",
            choices=BUTTONS,
        ),
        Row(
            "Send the plan",
            "ben@ulmenhof.example, Spring outreach, put off until Friday 18 June 2027, 09:00",
            choices=BUTTONS,
        ),
    )
    yield "my tasks", Answer("2 tasks for you, the oldest first.", rows=rows)
