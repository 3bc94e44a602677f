"""Review cards, per kind of message and state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.answers import CardView, Choice, EnrollmentView, ReviewCard
from core.conversations import ANSWERABLE
from core.inbound.words import Kind
from core.lifecycle import Status
from core.views.review_words import HEADINGS, ICONS, INSTEAD
from sandbox.specimens.leads import HOSTILE, NOW, STOPPED, lead, run

ANSWERED = run(
    Status.PAUSED,
    next_at=None,
    reasons=("Paused by a reply since Tuesday 1 June 2027, 11:30 (Europe/Berlin)",),
)
AWAY = run(
    Status.PAUSED,
    next_at=NOW.replace(day=17, hour=7, minute=0),
    reasons=("Paused because the lead is out of office, until Thursday 17 June 2027, 09:00 (Europe/Berlin)",),
)
MEETING = run(
    Status.PAUSED,
    next_at=NOW.replace(day=11, hour=15),
    reasons=("Paused by a booked meeting until Friday 11 June 2027, 17:30 (Europe/Berlin)",),
)
_RUN = {
    Kind.REPLY: ANSWERED,
    Kind.OUT_OF_OFFICE: AWAY,
    Kind.AUTOMATIC: run(),
    Kind.CALENDAR: MEETING,
}

_CAME = {
    Kind.REPLY: (
        "Re: Ada, a question about Lindenhof",
        "Thanks, that sounds interesting. Would Tuesday at three suit you?\n\nAda",
        "Paused in Spring outreach until somebody resumes.",
        ("“Would Tuesday at three suit you?”", "In-Reply-To: our step 1"),
    ),
    Kind.OUT_OF_OFFICE: (
        "Automatic reply: Ada, a question about Lindenhof",
        "I am out of the office and will be back on Wednesday, June 16, 2027.",
        "Paused in Spring outreach and Opera until Thursday 17 June 2027, 09:00 (Europe/Berlin).",
        ("Auto-Submitted: auto-generated", "the date from “will be back on Wednesday, June 16, 2027”"),
    ),
    Kind.AUTOMATIC: (
        "Ticket 4711 received",
        "We have received your message. Its number is 4711.",
        "Nothing was changed; the sequence goes on.",
        ("Auto-Submitted: auto-replied", "“We have received your message”"),
    ),
    Kind.BOUNCE: (
        "Undelivered Mail Returned to Sender",
        "550 5.1.1 The address does not exist here",
        "Stopped in Spring outreach; ada@lindenhof.example gets no more mail.",
        ("Content-Type: multipart/report; report-type=delivery-status",),
    ),
    Kind.CALENDAR: (
        "Accepted: Ada Winter and Ana Ruiz",
        "Ada Winter has accepted your invitation.",
        "Paused in Spring outreach until Friday 11 June 2027, 17:30.",
        ("part: METHOD:REPLY, ACCEPTED",),
    ),
    Kind.UNSUBSCRIBE: (
        "Re: Ada, a question about Lindenhof",
        "Please take me off your list.",
        "Stopped everywhere; ada@lindenhof.example gets no more mail.",
        ("“Please take me off your list.”",),
    ),
    Kind.COMPLAINT: (
        "FW: Ada, a question about Lindenhof",
        "",
        "Stopped everywhere; ada@lindenhof.example gets no more mail.",
        ("Feedback-Type: abuse",),
    ),
}  # fmt: skip


def review(kind: Kind, *runs: EnrollmentView, **changes: Any) -> ReviewCard:
    """Give the review card of a kind of message."""
    subject, quoted, outcome, evidence = _CAME[kind]
    buttons, menu = INSTEAD[kind]
    qualifying = [
        ("Mark qualified", "qualify ada@lindenhof.example"),
        ("Not qualified", "unqualify ada@lindenhof.example"),
    ]
    values: dict[str, Any] = {
        "message_id": 31,
        "lead": lead(*(runs or (_RUN.get(kind, STOPPED),)), timeline=()),
        "heading": HEADINGS[kind].format(name="Ada Winter"),
        "icon": ICONS[kind],
        "subject": subject,
        "quote": quoted,
        "came_at": NOW,
        "outcome": outcome,
        "evidence": evidence,
        "corrections": tuple(_press(label, words) for label, words in buttons),
        "away_label": "Out until…" if kind is Kind.OUT_OF_OFFICE else "Out of office until…",
        "more": (*(Choice(*one) for one in qualifying), *(_press(label, words) for label, words in menu)),
        "owner": "U0ANA",
        "choices": (Choice("Reply…", style="primary", form=("reply", 31, 0)),) if kind in ANSWERABLE else (),
    }
    return ReviewCard(**(values | changes))


def _press(label: str, words: str) -> Choice:
    return Choice(label, f"card review 31 {words} seen 0")


def reviews() -> Iterator[tuple[str, CardView]]:
    """Give review cards, per kind and state."""
    for kind in Kind:
        yield kind.value.replace("_", " "), review(kind)
    yield (
        "bounce: soft",
        review(
            Kind.BOUNCE, run(), outcome="Tried again on Wednesday 2 June 2027, 09:00.",
            facts=("For the time being", "4.2.2", "452 4.2.2 The mailbox is full"),
        ),
    )  # fmt: skip
    yield (
        "out of office: two dates, so it asks",
        review(
            Kind.OUT_OF_OFFICE,
            quote="I am away until 6/7.",
            outcome="Paused in Spring outreach until Tuesday 8 June 2027, 09:00, since no date is certain.",
            question="6/7 could be 7 June or 6 July.",
            choices=(
                Choice("Back on Monday 7 June 2027", "card review 31 away until 2027-06-06 seen 0"),
                Choice("Back on Tuesday 6 July 2027", "card review 31 away until 2027-07-05 seen 0"),
            ),
        ),
    )
    yield (
        "reply: a colleague answers",
        review(
            Kind.REPLY,
            heading="Robin Vale answered a mail to Ada Winter",
            notes=(
                "It came from Robin Vale (robin.vale@lindenhof.example), not from ada@lindenhof.example.",
            ),
            choices=(Choice("Add robin.vale@lindenhof.example as a lead", "card review 31 contact 1"),),
        ),
    )
    yield (
        "reply: perhaps about somebody else",
        review(
            Kind.REPLY,
            question="info@lindenhof.example is not known: is this about Ada Winter?",
            choices=(_press("Yes, it is", "reply"), _press("No", "not about them")),
        ),
    )
    yield (
        "reply: in two sequences, a long conversation",
        review(Kind.REPLY, ANSWERED, run(id=13, sequence="Opera"), more_messages=4),
    )
    yield (
        "reply: corrected by a person",
        review(
            Kind.REPLY,
            outcome="Nothing was changed; the sequence goes on.",
            verdict="Ana Ruiz said that it is nothing to act upon, on Tuesday 1 June 2027, 11:41; at first it was judged an answer.",
            stamp=1,
        ),
    )
    words = HOSTILE * 3
    yield (
        "reply: words that try to break out",
        review(
            Kind.REPLY,
            heading=words,
            subject=words,
            quote=f"{words}\n" * 9,
            outcome=words,
            evidence=(words,) * 4,
        ),
    )
