"""The daily list of paused leads: as it comes, half worked off, done, replaced by a newer one, and in the channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import CardView, Choice, DigestCard, DigestGroup, Row

DAY = "Paused leads, Tuesday 15 June"
WHERE = "Spring outreach"


def digests() -> Iterator[tuple[str, CardView]]:
    """Give the list in every state."""
    yield "digest: in the morning", MORNING
    yield (
        "digest: half worked off",
        replace(
            MORNING,
            summary=("1 uncertain", "1 waiting for our answer", "1 paused for more than 14 days"),
            groups=tuple(_half_done(group) for group in MORNING.groups),
            progress="5 of 8 done",
        ),
    )
    yield (
        "digest: all done",
        replace(
            MORNING,
            summary=(),
            groups=tuple(_done(group) for group in MORNING.groups),
            verdict="All done: 8 of 8.",
            more=None,
            is_done=True,
        ),
    )
    yield (
        "digest: a newer one has come",
        DigestCard(DAY, verdict="5 of 8 done; what is left stands on the newer list below."),
    )
    yield "digest: the first page of many", MANY
    yield "digest: back tomorrow, an answer to write, no end", OTHERS
    yield "digest: in the channel", CHANNEL


def row(name: str, email: str, detail: str, number: int) -> Row:
    """Give a line about one lead, with its buttons."""
    command = f"card paused {number} {{}} seen 3"
    choices = (
        Choice("Resume", command.format("resume"), "primary"),
        Choice("Resume on a date…", form=("resume", number, 3)),
        Choice("+1 week", command.format("one week later")),
        Choice("Stop", command.format("stop"), "danger", f"Stop {email} in {WHERE} for good?"),
    )
    return Row(f"{name} ({email}) · {WHERE}", detail, number, choices)


def _done(group: DigestGroup) -> DigestGroup:
    title = group.title.rpartition("(")[0] + "(done)"
    rows = tuple(replace(one, choices=(), verdict="Ana Ruiz resumed it at 08:41.") for one in group.rows)
    return replace(group, title=title, rows=rows, choices=())


def _half_done(group: DigestGroup) -> DigestGroup:
    return _done(group) if group.title.startswith(("📅", "⚠️", "⏰")) else group


_UNCERTAIN = Row(
    "Max Stein (max@auenland.example) · Spring outreach",
    "step 2 may or may not have left yesterday ",
    21,
    (
        Choice("It left", "settle 4 left", "primary"),
        Choice("Send again", "settle 4 again", confirm="If it had left, the lead gets it twice."),
        Choice("Drop it", "settle 4 drop"),
        Choice("Stop", "card paused 21 stop seen 3", "danger", "Stop max@auenland.example for good?"),
    ),
)
_FAILED = Row(
    "Lea Sommer (lea@uferweg.example) · Spring outreach",
    "step 2 failed (550 5.1.1 no such user) yesterday",
    22,
    (
        Choice("Try again", "card paused 22 resume seen 3", "primary"),
        Choice("Leave the step out", "card paused 22 cancel seen 3"),
        Choice("Stop", "card paused 22 stop seen 3", "danger", "Stop lea@uferweg.example for good?"),
    ),
)
_UNWRITTEN = Row(
    "kai@uferweg.example · Spring outreach",
    "step 2 cannot be written (the first name is missing) yesterday",
    23,
    (
        Choice("Edit lead…", style="primary", form=("edit_lead", 23, 0)),
        Choice("Try again", "card paused 23 resume seen 3"),
        Choice("Leave the step out", "card paused 23 cancel seen 3"),
        Choice("Stop", "card paused 23 stop seen 3", "danger", "Stop kai@uferweg.example for good?"),
    ),
)
_MEETING = Row(
    "Nina Vogt (nina@hafen.example)",
    "the meeting “Nina Vogt and Ana Ruiz” was over yesterday",
    choices=(
        Choice("It took place: stop", "card meeting 5 happened", "primary"),
        Choice("No-show: resume", "card meeting 5 no show"),
        Choice("Stay paused", "card meeting 5 keep"),
    ),
)
ADA = row(
    "Ada Winter",
    "ada@lindenhof.example",
    "out of office, paused 14 days ago, goes on today at 09:00 · step 2 of 4",
    12,
)
BEN_KRAFT = row(
    "Ben Kraft",
    "ben@werk.example",
    "paused by Ben Okafor 5 days ago, goes on today at 09:00 · step 3 of 4",
    13,
)
EVA = row("Eva Lang", "eva@seeblick.example", "answered 6 days ago · step 2 of 4", 14)
TOM = row(
    "Tom Reh", "tom@talhof.example", "paused by Ana Ruiz (budget next year) 23 days ago · step 1 of 4", 15
)

MORNING = DigestCard(
    DAY,
    summary=(
        "1 after a meeting",
        "1 uncertain",
        "2 failed",
        "2 due back today",
        "1 waiting for our answer",
        "1 paused for more than 14 days",
    ),
    groups=(
        DigestGroup("📅 Meetings that are over: how did they go? (1)", (_MEETING,)),
        DigestGroup("❓ Did it leave? Somebody has to say (1)", (_UNCERTAIN,)),
        DigestGroup("⚠️ A step failed (2)", (_FAILED, _UNWRITTEN)),
        DigestGroup(
            "⏰ Due back today (2)", (ADA, BEN_KRAFT), (Choice("Resume all due", "card digest 9 resume due"),)
        ),
        DigestGroup("💬 Waiting for an answer from us (1)", (EVA,)),
        DigestGroup("💤 Paused for more than 14 days: stop them? (1)", (TOM,)),
    ),
)
_KIM = row("Kim Adler", "kim@bergweg.example", "answered 2 days ago · step 2 of 4", 16)
_REPLY = Choice("Reply…", style="primary", form=("reply", 7, 0))
OTHERS = DigestCard(
    DAY,
    summary=("2 due back tomorrow", "1 waiting for our answer", "1 without an end date"),
    groups=(
        DigestGroup(
            "🌅 Due back tomorrow (2)",
            tuple(
                replace(one, detail=one.detail.replace("today at", "Wednesday 16 June at"))
                for one in (ADA, BEN_KRAFT)
            ),
        ),
        DigestGroup(
            "💬 Waiting for an answer from us (1)",
            (
                replace(_KIM, choices=(_REPLY, replace(_KIM.choices[0], style=None), *_KIM.choices[1:])),
                replace(EVA, choices=(), verdict="Ana Ruiz answered it at 08:44."),
            ),
        ),
        DigestGroup(
            "⏸️ Paused without an end date (1)",
            (replace(TOM, detail="paused by Ana Ruiz (what would it cost?) 5 days ago · step 1 of 4"),),
        ),
    ),
    progress="1 of 5 done",
)
MANY = DigestCard(
    DAY,
    summary=("240 waiting for our answer",),
    groups=(
        DigestGroup(
            "💬 Waiting for an answer from us (240)",
            tuple(
                row(
                    f"Lead {number}",
                    f"lead{number}@seeblick.example",
                    "answered 6 days ago · step 2 of 4",
                    number,
                )
                for number in range(1, 13)
            ),
        ),
    ),
    more=Choice("228 more", "card digest 9 more 12"),
)
_BACKLOG = Row(
    "40 steps wait for one answer",
    "None has left since Friday 11 June 2027, 16:20 (Europe/Berlin); they are let go together, not one by one.",
    choices=(
        Choice("Spread", "card backlog 8 spread", "primary", "Spread 40 steps over 2 working days?"),
        Choice("Shift all", "card backlog 8 shift all", confirm="Move the dates of all 40 steps?"),
        Choice("Drop", "card backlog 8 drop", "danger", "Leave 40 steps out for good?"),
    ),
)
CHANNEL = DigestCard(
    DAY,
    summary=("3 due back today", "9 waiting for our answer", "40 held back in a backlog"),
    groups=(
        DigestGroup("⏳ Held back in a backlog (40)", (_BACKLOG,)),
        DigestGroup("💬 Waiting for an answer from us · without an owner (1)", (EVA,)),
    ),
    owners=(
        "Ana Ruiz: 7 (3 due back today and 4 waiting for our answer)",
        "Ben Okafor: 4 (4 waiting for our answer)",
        "Mira Sand: all done (2 held back in a backlog)",
    ),
    progress="5 of 17 done",
)
