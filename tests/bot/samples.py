"""Views to draw: one as in life, and hostile ones in which every text tries to break out."""

from datetime import UTC, datetime, timedelta

from core.answers import (
    Answer,
    Choice,
    EnrollmentView,
    LeadCard,
    NoticeCard,
    ReviewCard,
    Row,
    TaskCard,
    TimelineEntry,
    UncertainCard,
)
from core.lifecycle import Status

NOW = datetime(2027, 6, 1, 9, 30, tzinfo=UTC)
HOSTILE = "<!channel> <@U1> <https://evil.test|bank> *b* _i_ ~s~ `c` &amp; @here :bomb: \u202eabc\u200b\nsecond line"


def enrollment(status=Status.PENDING, **changes):
    values = {
        "id": 12,
        "version": 7,
        "sequence": "Spring outreach",
        "run": 1,
        "status": status,
        "position": 1,
        "steps": 5,
        "next_step": "Re: pricing for Analytical Engines",
        "next_at": NOW + timedelta(days=2),
        "has_started": True,
        "mailbox": "ana@northwind.example",
    }
    return EnrollmentView(**(values | changes))


def lead(*enrollments, **changes):
    values = {
        "lead_id": 3,
        "email": "ada@engines.example",
        "name": "Ada Lovelace",
        "company": "Analytical Engines",
        "stage": "demo",
        "owner": "Ana Ruiz",
        "zone": "Europe/London",
        "tags": ("vip",),
        "enrollments": enrollments or (enrollment(),),
        "timeline": (
            TimelineEntry(NOW - timedelta(days=1), "Step 1 “A question” left"),
            TimelineEntry(NOW - timedelta(days=4), "Started by Ana Ruiz"),
        ),
    }
    return LeadCard(**(values | changes))


def hostile_lead(length=1):
    text = HOSTILE * length
    held = [
        enrollment(
            status,
            id=n,
            sequence=text,
            next_step=text,
            mailbox=text,
            end_reason=text,
            reasons=(text,) * 9,
            is_under_way=n % 2 == 0,
        )
        for n, status in enumerate(Status)
    ]
    return lead(
        *held,
        email=text,
        name=text,
        company=text,
        stage=text,
        owner=text,
        tags=(text,) * 9,
        timeline=(TimelineEntry(NOW, text),) * 30,
        suppressed=text,
        halted=text,
    )


def uncertain(**changes):
    values = {
        "delivery_id": 9,
        "lead": "Ada Lovelace",
        "sequence": "Spring outreach",
        "step": 2,
        "subject": "Re: pricing",
        "began_at": NOW,
        "reason": "The connection was lost after the mail was handed over.",
    }
    return UncertainCard(**(values | changes))


def task(**changes):
    values = {
        "delivery_id": 9,
        "enrollment_id": 12,
        "lead": "Ada Lovelace",
        "sequence": "Spring outreach",
        "title": "Call Ada",
        "body": "Ask about the engine.\n\nThen note what she says.",
        "state": "open",
        "owner": "Ana Ruiz",
    }
    return TaskCard(**(values | changes))


def notice(**changes):
    return NoticeCard(**({"title": "Sending is halted", "lines": ("by Ana Ruiz", "since 09:30")} | changes))


def review(**changes):
    """An out-of-office whose date is certain; what the rule did stands on it."""
    held = enrollment(
        Status.PAUSED,
        reasons=(
            "Paused because the lead is out of office, since Tuesday 1 June 2027, 11:30 (Europe/Berlin).",
        ),
        next_at=NOW + timedelta(days=16),
    )
    press = "card review 31 {} seen 0"
    values = {
        "message_id": 31,
        "lead": lead(held, timeline=()),
        "heading": "Ada Lovelace is out of office",
        "icon": "🌴",
        "subject": "Automatic reply: A question",
        "quote": "Thank you for your message.\n\nI am out of office until 15 June.\nIn urgent cases write to bob@engines.example.",
        "came_at": NOW,
        "outcome": "Paused in Spring outreach until Thursday 17 June 2027, 09:00 (Europe/London).",
        "evidence": ("Auto-Submitted: auto-replied", "“I am out of office until 15 June.”"),
        "choices": (Choice("Add bob@engines.example as a lead", "card review 31 contact 1"),),
        "corrections": (
            Choice("Not an out-of-office: an answer", press.format("reply")),
            Choice("Automatic, ignore", press.format("automatic")),
        ),
        "away_label": "Out until…",
        "more": (
            Choice("Mark qualified", "qualify ada@engines.example"),
            Choice("Qualified: whole company", "qualify ada@engines.example company"),
            Choice("Not about this lead", press.format('"not about them"')),
        ),
        "owner": "U0ANA",
    }
    return ReviewCard(**(values | changes))


def hostile_review(length=1):
    text = HOSTILE * length
    pressed = tuple(Choice(text, f"{n} {text}"[:140], confirm=text, style="primary") for n in range(30))
    return review(
        lead=hostile_lead(length),
        heading=text,
        subject=text,
        quote=f"{text}\n" * 40,
        outcome=text,
        notes=(text,) * 3,
        evidence=(text,) * 30,
        question=text,
        facts=(text,) * 3,
        choices=pressed,
        corrections=pressed,
        more=pressed,
        verdict=text,
        more_messages=7,
    )


def answers():
    yes = Choice("Pause all 12", proposal="p_1", style="primary", confirm="12 leads are paused.")
    row = Row("Ada Lovelace", "Spring outreach, step 2 of 5", 12, (Choice("Resume", "resume ada@x.com"),))
    yield Answer("Paused.")
    yield Answer(
        "Ada Lovelace is paused until Tuesday 15 June 2027.", ("Frozen: 2 days remain.",), batch_id=41
    )
    yield Answer("Pause 12 leads?", ("In Spring outreach.",), choices=(yes, Choice("Cancel", "help")))
    yield Answer("3 paused.", rows=(row,) * 3, more=Choice("More", "paused in Spring"))
    yield Answer("Everybody.", rows=(Row("Ada", "paused"),) * 40)
    yield Answer("No such lead.", is_refusal=True)
    yield Answer("")
    yield Answer(
        HOSTILE * 20,
        (HOSTILE * 20,) * 60,
        choices=(Choice(HOSTILE * 5, "x" * 3_000), Choice(HOSTILE, HOSTILE, confirm=HOSTILE * 9)) * 30,
        rows=(Row(HOSTILE * 20, HOSTILE * 20, 1, (Choice(HOSTILE, HOSTILE),) * 9),) * 60,
        batch_id=41,
    )
