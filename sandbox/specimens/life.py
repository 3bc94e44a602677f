"""The life of a sequence: its forms, its list, the question before an edited one is published, and a new last step."""

from __future__ import annotations

from collections.abc import Iterator

from bot.codec import Form
from bot.forms import sequence as form
from bot.text import JSON
from core import sequence_file
from core.answers import Answer, CardView, Choice, NoticeCard, Row
from core.models import Sequence
from core.newsteps import Waiting
from core.sequence_diff import Crowd, Diff, sentences
from core.verbs.building import choices_of
from core.verbs.publishing import WAY_BACK
from core.views.new_step import asked as asked_about
from sandbox.specimens.enrol import Specimen
from sandbox.specimens.leads import NOW

WAS = """
sequence: Spring outreach
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
steps:
  - id: intro
    subject: "{{ first_name }}, a question about {{ company | default: 'your venue' }}"
    body: |
      Hi {{ first_name }},

      who looks after the **stage plan** at {{ company | default: "your venue" }}?

      {{ sender.name }}
  - {id: nudge, delay: 4 days, thread: true, body: "Hi {{ first_name }}, did my question reach the right person?"}
  - {id: answered, kind: condition, delay: 1 day, when: replied, then: stop}
  - {id: call, kind: task, delay: 2 business days, title: "Call {{ first_name }}", note: Ask who plans the season.}
  - {id: close, delay: 1 week, subject: A last word, body: "Goodbye {{ first_name }}."}
"""
BECOMES = (
    WAS.replace("did my question reach the right person?", "is somebody else better to ask?")
    .replace("who looks after the **stage plan** at", "who draws the **stage plan** at")
    .replace("  - {id: call,", "  - {id: ring,")
    .replace('to: "17:00"', 'to: "18:00"')
) + "  - {id: more, delay: 2 weeks, subject: One more thing, body: Hello again.}\n"
CROWD = Crowd({0: 40, 1: 212, 2: 3, 3: 18, 4: 61}, 12)


def row(status: str, name: str = "Spring outreach", *, is_edited: bool = False) -> Sequence:
    """Give a sequence of this status."""
    text = sequence_file.dump(sequence_file.load(BECOMES if is_edited else WAS))
    was = sequence_file.dump(sequence_file.load(WAS)) if status != "draft" else None
    return Sequence(
        id=3, name=name, key="x", status=status, spec=text, published_spec=was, version=7, created_at=NOW,
        changed_at=NOW,
    )  # fmt: skip


def forms() -> Iterator[Specimen]:
    """Give the form of a new sequence, with more steps and with faults, and that of a known one."""
    frame = form.Frame("", "Europe/Berlin", senders=("ana@northwind.example", "ben@northwind.example"))
    first = form.Slot(1, -1, form.EMAIL, delay="0 days")
    yield "new sequence", form.new_view(Form("new_sequence"), frame, [first]), {}
    steps = form.moved(form.moved([first], "email 0"), "task 0")
    errors = {
        form.NAME: "There is a sequence called Spring outreach already, published. Choose another name, or change it.",
        "delay_2": '"soon" is no delay; write a number and a unit, such as 3 days, 2 business days or 4 hours.',
        "body_1": "Body, line 1: there is no merge tag frist_name; did you mean first_name?",
    }
    yield "new sequence: not understood", form.new_view(Form("new_sequence"), frame, steps), errors
    for status in ("paused", "draft", "published", "archived"):
        yield f"edit a sequence: {status}", _edit(status), {}


def _edit(status: str) -> JSON:
    return form.edit_view(Form("new_sequence", 3), row(status))


def answers() -> Iterator[tuple[str, Answer]]:
    """Give the list, what is said once something is saved, and the question before it is published."""
    listed = [
        Row(name, detail, choices=choices_of(row(detail.split(",")[0], name)))
        for name, detail in (
            ("Autumn", "draft, 3 steps, no leads"),
            ("Spring outreach", "published, 5 steps, 334 pending, 12 completed"),
            ("Winter", "paused, edited, 4 steps, 3 pending, 1 paused"),
            ("Summer 2026", "archived, 6 steps, 912 completed"),
        )
    ]
    new = (Choice("New sequence", "new"),)
    yield "the list of sequences", Answer("4 sequences.", rows=tuple(listed), choices=new)
    changes = sentences(Diff(sequence_file.load(WAS), sequence_file.load(BECOMES)), CROWD)
    asked = (
        Choice("Publish", proposal="0" * 32, style="primary"),
        Choice("Cancel", command=f"cancel proposal {'0' * 32}"),
        Choice(
            "Discard the edits",
            "card publish 3 discard",
            "danger",
            "Take back every edit of Spring outreach?",
        ),
    )
    lines = (*changes, f"It stays paused until somebody publishes it. {WAY_BACK}")
    yield "publish an edited sequence", Answer("Publish Spring outreach as it was edited?", lines, asked)
    waiting = Waiting(8, 3, "Spring outreach", 6, tuple(range(12)), tuple(range(12)))
    said, both = asked_about([waiting])
    where = "ada@lindenhof.example in Spring outreach"
    detail = "paused. Next: step 6 “One more thing”, new and not scheduled: sent only once somebody chooses."
    yield (
        "a list with leads at a new last step",
        Answer("12 leads paused in Spring outreach.", said, both, (Row(where, detail, 1),)),
    )
    yield (
        "delete a draft",
        Answer(
            "Delete the draft Autumn for good? Nobody can undo it.",
            (
                "Its 3 steps and settings are gone then; `fermata export` keeps them as a file.",
                "Nothing has been changed yet; the question stands for 15 minutes.",
            ),
            (
                Choice("Delete the draft Autumn for good", proposal="0" * 32, style="primary"),
                Choice("Cancel", command=f"cancel proposal {'0' * 32}"),
            ),
        ),
    )
    buttons = (
        Choice("Edit", form=("new_sequence", 3, 7)),
        Choice("Preview", "preview sequence Autumn"),
        Choice("Settings", form=("settings", 3, 7)),
    )
    faults = (
        (
            "Before it is published: The mailbox ana@northwind.example cannot send now (535 wrong password); mend it, "
            "`fermata mailbox test` tells more, or take it out."
        ),
        "Before it is published: Step 2: Subject: it is empty; write one.",
    )
    yield "a draft with faults", Answer("Autumn is saved as a draft with 3 steps.", faults, buttons)


def cards() -> Iterator[tuple[str, CardView]]:
    """Give the card of those who had finished, open and answered."""
    title = "12 leads had finished Spring outreach before step 6 was added"
    choices = (
        Choice("Send it to them", "card new_step 8 send", "primary", "Send step 6 to 12 leads?"),
        Choice("Leave them finished", "card new_step 8 leave"),
        Choice("List", 'list paused in "Spring outreach"'),
    )
    lines = (
        "Nothing is sent to them until somebody chooses.",
        "Send it to them: step 6 leaves after 14 days, counted from the answer.",
        "Leave them finished: they stay as they were, and the step is not for them.",
    )
    yield "a new last step", NoticeCard(title, lines, "🆕", choices=choices)
    verdict = "Ana Ruiz chose on Tuesday 1 June 2027, 11:20 (Europe/Berlin): step 6 sent to 12 leads."
    yield (
        "a new last step: answered",
        NoticeCard("A step was added to Spring outreach", icon="🆕", verdict=verdict),
    )
