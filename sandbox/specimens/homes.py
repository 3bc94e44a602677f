"""A person's App Home: full, of a new person, halted, of a guest, and with more than fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import CardView, Choice, DigestGroup, HomeSection, HomeView, Row
from sandbox.specimens.digests import ADA, BEN_KRAFT, EVA, TOM, row
from sandbox.specimens.leads import HOSTILE

NOTHING = "Only full members of this workspace can use Fermata; guests and people of other workspaces cannot."
PAUSE, ENROL = (
    Choice("Pause a lead…", form=("pause_lead", 0, 0), style="primary"),
    Choice("Enrol…", form=("enrol", 0, 0)),
)


def homes() -> Iterator[tuple[str, CardView]]:
    """Give a Home in every state."""
    yield "home: a working day", FULL
    yield "home: of somebody new", EMPTY
    yield "home: halted, and a mailbox is down", HALTED
    yield "home: very many", MANY
    yield "home: a guest's", HomeView(NOTHING)
    yield "home: somebody away, and covered for", COVERING
    yield "home: names that try to break out", HOSTILE_HOME


def _next(when: str, name: str, email: str) -> Row:
    pause = Choice("Pause", f'pause {email} in "Spring outreach"')
    return Row(f"{when} · {name} ({email})", "step 2 “Did it reach you?” of Spring outreach", 30, (pause,))


def _sequence(name: str, detail: str, *first: Choice) -> Row:
    return Row(name, detail, None, (*first, Choice("List", f'list in "{name}"')))


def _running(name: str, numbers: str, number: int) -> Row:
    return _sequence(name, f"published · {numbers}", Choice("Pause sequence", f"card home {number} pause"))


_STOPPED = _sequence(
    "Autumn webinar",
    "paused · 310 contacted → 41 answered → 12 stopped → 203 completed · 88 active, 7 paused",
    Choice(
        "Resume sequence",
        "card home 4 resume seen 1623741660000000",
        "primary",
        "Mail of Autumn webinar leaves again.",
    ),
)
_SPRING = _running(
    "Spring outreach",
    "1,240 contacted → 210 answered → 35 stopped → 600 completed · 380 active, 15 paused",
    3,
)
_BOXES = (
    Row("ana@northwind.example", "works · 42 of 200 today · last read at 09:28:10"),
    Row(
        "ben@northwind.example",
        "works · 20 of 20 today (ramp-up day 1, 150 from June 27) · last read at 09:28:12",
    ),
)


def _task(number: int, what: str, detail: str) -> Row:
    words = ("Done", "Skip", "Tomorrow")
    return Row(what, detail, choices=tuple(Choice(one, f"card task {number} {one.lower()}") for one in words))


_TASKS = HomeSection(
    "✍️ My tasks (2)",
    (
        DigestGroup(
            "",
            (
                _task(
                    7,
                    "Call Mia",
                    "mia@talhof.example, Spring outreach, since Monday 14 June 2027, 09:05 (Europe/Berlin)",
                ),
                _task(
                    9,
                    "Send the brochure",
                    "jon@werk.example, Spring outreach, put off until Thursday 17 June 2027, 08:30 (Europe/Berlin)",
                ),
            ),
        ),
    ),
)
FULL = HomeView(
    "14 steps still to come today, 1 task for you",
    summary=("120 leads of yours", "3 sent today", "4 paused", "1 waiting for our answer"),
    choices=(PAUSE, ENROL, Choice("Digest now", "digest now")),
    done="ada@lindenhof.example in Spring outreach: you paused it at 09:27:41.",
    undo=Choice("↩️ Undo", "undo 41"),
    sections=(
        _TASKS,
        HomeSection(
            "⏸️ My paused leads (3)",
            (
                DigestGroup("⏰ Due back today (2)", (ADA, BEN_KRAFT)),
                DigestGroup("💤 Paused for more than 14 days: stop them? (1)", (TOM,)),
            ),
        ),
        HomeSection("💬 Waiting for an answer (1)", (DigestGroup("", (EVA,)),)),
        HomeSection(
            "📤 Today",
            (DigestGroup("", (_next("09:40", "Mia Frost", "mia@talhof.example"), _next("10:05", "Jon Adler", "jon@werk.example"))),),
            facts=("Spring outreach: 3 sent, 12 to come", "Autumn webinar: 0 sent, 2 to come"),
        ),
        HomeSection("🎼 My sequences (2)", (DigestGroup("", (_SPRING, _STOPPED)),)),
        HomeSection("📮 Mailboxes (2)", (DigestGroup("", _BOXES),)),
    ),
)  # fmt: skip
EMPTY = HomeView(
    "Nothing more is due today",
    summary=("Everybody's leads, since you own none", "0 sent today", "0 paused", "0 waiting for our answer"),
    choices=(PAUSE, ENROL),
    sections=(
        HomeSection(
            "⏸️ All paused leads",
            note="None is paused. `pause lead@example.com until June 15` holds somebody, and so does the button above.",
        ),
        HomeSection("💬 Waiting for an answer", note="Nobody waits for an answer from us."),
        HomeSection(
            "📤 Today",
            note="Nothing leaves today, and nothing has. Bring leads in with `fermata leads import FILE.csv`, or press Enrol… above.",
        ),
        HomeSection("🎼 All sequences", note="There is no sequence yet: `/sequence new` makes one."),
        HomeSection(
            "📮 Mailboxes",
            note="There is no mailbox yet, so nothing can be sent. Add one with `fermata mailbox add`.",
        ),
    ),
)
HALTED = replace(
    FULL,
    title="All sending is halted",
    notices=(
        "All sending was halted by Ben Okafor on Tuesday 15 June 2027, 09:12: the wrong list went in; `unhalt` ends that.",
        "ana@northwind.example cannot send, so its mail waits.",
    ),
    done="",
    undo=None,
    sections=(
        *FULL.sections[:5],
        HomeSection(
            "📮 Mailboxes (2)",
            (
                DigestGroup(
                    "",
                    (
                        Row(
                            "ana@northwind.example",
                            "cannot send since 09:14:02: connection refused · 42 of 200 today · last read at 09:13:58",
                        ),
                        _BOXES[1],
                    ),
                ),
            ),
        ),
    ),
)


def _many(title: str) -> DigestGroup:
    detail = "paused by Ana Ruiz 6 days ago · step 2 of 4"
    return DigestGroup(
        f"{title} (2,400)",
        tuple(row(f"Lead {n}", f"lead{n}@seeblick.example", detail, n) for n in range(1, 5)),
    )


_GROUPS = ("❓ Did it leave? Somebody has to say", "⚠️ A step failed", "⏰ Due back today", "🌅 Due back tomorrow",
           "⏸️ Paused without an end date", "💤 Paused for more than 14 days: stop them?", "🗓️ Due back later")  # fmt: skip
MANY = replace(
    FULL,
    title="12,400 steps still to come today, 310 tasks for you",
    summary=("100,000 leads of yours", "9,310 sent today", "19,200 paused", "2,400 waiting for our answer"),
    sections=(
        HomeSection(
            "✍️ My tasks (310)",
            (DigestGroup("", tuple(_task(n, "Call them", f"lead{n}@seeblick.example, Spring, since Monday 14 June 2027, 09:05 (Europe/Berlin)") for n in range(4))),),
            choices=(Choice("Show all 310", "tasks"),),
        ),
        HomeSection(
            "⏸️ My paused leads (16,800)",
            tuple(map(_many, _GROUPS)),
            choices=(Choice("Show all paused", "paused mine"),),
        ),
        HomeSection(
            "💬 Waiting for an answer (2,400)",
            (replace(_many(""), title=""),),
            choices=(Choice("Show all 2,400", "digest now"),),
        ),
        replace(
            FULL.sections[3],
            groups=(DigestGroup("", tuple(_next(f"10:0{n}", f"Lead {n}", f"lead{n}@seeblick.example") for n in range(4))),),
            facts=tuple(f"Sequence {n}: 310 sent, {2_000 + n:,} to come" for n in range(6)),
        ),
        HomeSection(
            "🎼 My sequences (31)",
            (DigestGroup("", tuple(_running(f"Sequence {n}", "4,000 contacted → 310 answered → 95 stopped → 1,600 completed · 2,210 active, 95 paused", n) for n in range(6))),),
            choices=(Choice("Show all 31", "sequences"),),
        ),
        HomeSection(
            "📮 Mailboxes (40)",
            (DigestGroup("", tuple(replace(_BOXES[0], title=f"sales{n}@northwind.example") for n in range(6))),),
            choices=(Choice("Show all 40", "mailboxes"),),
        ),
    ),
)  # fmt: skip
HOSTILE_HOME = replace(
    FULL,
    notices=(HOSTILE,),
    done=HOSTILE,
    sections=(
        HomeSection(
            HOSTILE,
            (DigestGroup("", (Row(HOSTILE, HOSTILE, None, (PAUSE,)), Row(HOSTILE, HOSTILE))),),
            HOSTILE,
        ),
    ),
)
COVERING = replace(
    FULL,
    sections=(
        HomeSection(
            "🏖️ You are away",
            note="Until Monday 21 June 2027, 09:00 (Europe/Berlin): Ben Okafor gets the cards, questions and reminders of your leads; they stay yours.",
            choices=(Choice("I am back", "back"),),
        ),
        HomeSection(
            "🧢 You cover for Mira Sand",
            note="Until Wednesday 16 June 2027, 09:00 (Europe/Berlin): 12 leads of Mira Sand's are with you, 3 of them "
            "paused; on your lists they bear “for Mira Sand”.",
            choices=(Choice("Show all paused of Mira Sand", 'paused owner:"U0MIRA"'),),
        ),
        *FULL.sections,
    ),
)
