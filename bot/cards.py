"""What people see in the channel: a frozen view in, one Slack message out. Pure; posting and redrawing use the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import codec
from bot.blocks import (
    actions,
    button,
    confirmation,
    context,
    divider,
    fitting,
    header,
    message,
    one_line,
    overflow,
    rich,
    section,
)
from bot.digest_cards import digest_card
from bot.home_cards import home
from bot.review_cards import notice_card, review_card
from bot.runs import place, run_controls, run_state
from bot.stats_cards import stats_card
from bot.text import JSON, instant, sentence, words
from bot.weekly_cards import weekly_card
from core.answers import (
    CardView,
    DigestCard,
    HomeView,
    LeadCard,
    NoticeCard,
    ReviewCard,
    StatsCard,
    TaskCard,
    TimelineEntry,
    UncertainCard,
    WeeklyCard,
)
from core.lifecycle import Verdict

SEQUENCES_SHOWN = 5
TIMELINE_SHOWN = 6
TAGS_SHOWN = 5
BODY_CHARS = 1_500


def card(view: CardView, *, is_new: bool = True) -> JSON:
    """Give the message that shows a card's view; only a new one calls its owner, a redraw names them."""
    match view:
        case LeadCard():
            return lead_card(view)
        case UncertainCard():
            return uncertain_card(view)
        case TaskCard():
            return task_card(view)
        case NoticeCard():
            return notice_card(view, is_new=is_new)
        case ReviewCard():
            return review_card(view, is_new=is_new)
        case DigestCard():
            return digest_card(view)
        case HomeView():
            return home(view)
        case WeeklyCard():
            return weekly_card(view)
        case StatsCard():
            return stats_card(view)


def lead_card(view: LeadCard) -> JSON:
    """Give one lead: what becomes of them in each sequence, why, and what can be done about it."""
    if view.is_erased:
        gone = "This person is no longer here: their data was erased."
        return message(gone, [section(gone)])
    sizes = ((SEQUENCES_SHOWN, TIMELINE_SHOWN), (SEQUENCES_SHOWN, 3), (3, 2), (1, 0))
    drafts = (_lead_blocks(view, sequences, entries) for sequences, entries in sizes)
    return message(_lead_fallback(view), fitting(drafts))


def _lead_blocks(view: LeadCard, sequences: int, entries: int) -> list[JSON]:
    blocks = [header(" · ".join(filter(None, (_name(view), view.company)))), context(*_facts(view))]
    blocks += [
        rich([words("⛔ "), *sentence(text, bold=True)]) for text in (view.suppressed, view.halted) if text
    ]
    if not view.enrollments:
        blocks.append(section("Not in any sequence."))
    for enrollment in view.enrollments[:sequences]:
        blocks += [divider(), run_state(view, enrollment), *run_controls(view, enrollment)]
    if len(view.enrollments) > sequences:
        rest = len(view.enrollments) - sequences
        blocks += actions(button(f"{rest} more", codec.Say(f"status {view.email}"), "more"))
    if view.timeline and entries:
        blocks += [divider(), _timeline(view.timeline[:entries], view.zone)]
    edit = button("Edit lead…", codec.OpenForm("edit_lead", view.lead_id, 0), "edit")
    return blocks + actions(edit, button("Why is nothing sent now?", codec.Say(f"why {view.email}"), "why"))


def _name(view: LeadCard) -> str:
    return view.name or view.email


def _facts(view: LeadCard) -> Iterator[str]:
    yield f"✉️ {view.email}"
    if view.stage:
        yield view.stage
    if view.owner:
        yield f"owner {view.owner}"
    yield from (f"#{tag}" for tag in view.tags[:TAGS_SHOWN])
    if view.zone:
        yield view.zone


def _timeline(entries: Sequence[TimelineEntry], zone: str | None) -> JSON:
    bullets = [[instant(entry.at, zone), words("  "), words(entry.text, 200)] for entry in entries]
    return rich([words("Latest", bold=True)], bullets=bullets)


def _lead_fallback(view: LeadCard) -> str:
    states = [
        f"{e.sequence}: {e.status.replace('_', ' ')}, {place(e)}" for e in view.enrollments[:SEQUENCES_SHOWN]
    ]
    return "\n".join([f"{_name(view)} ({view.email})", *states])


def uncertain_card(view: UncertainCard) -> JSON:
    """Give a delivery of which nobody knows whether it left, and the three answers; once settled, who said what."""
    title = f"Did step {view.step} reach {view.lead}?" if view.step else f"Did the answer reach {view.lead}?"
    blocks = [
        header(f"❓ {title}"),
        rich(
            [
                words("“"),
                words(view.subject, 150, bold=True),
                words("” of "),
                words(view.sequence, 100, bold=True),
            ],
            [
                words("The hand-over began "),
                instant(view.began_at, None),
                words(" and its end is not known."),
            ],
            [words(view.reason, italic=True)],
        ),
    ]
    if view.verdict is not None:
        return message(
            f"{title} {view.verdict}", [*blocks, rich([words("✅ "), words(view.verdict, bold=True)])]
        )
    if view.step:
        blocks.append(context("Until somebody says, nothing more is sent to this lead in this sequence."))
    return message(f"{title} Somebody has to say.", blocks + actions(*_verdicts(view)))


def _verdicts(view: UncertainCard) -> Iterator[JSON | None]:
    subject = one_line(view.subject, 80)
    then, skips = (", and the sequence goes on", " with the next step") if view.step else ("", "")
    asked = {
        Verdict.LEFT: ("It left", "primary", f"“{subject}” counts as sent{then}."),
        Verdict.AGAIN: (
            "Send again",
            None,
            f"“{subject}” is sent once more. If it had left, the lead gets it twice.",
        ),
        Verdict.DROP: (
            "Drop it",
            "danger",
            f"“{subject}” is not sent again{then}{skips}.",
        ),
    }
    for verdict, (label, style, consequence) in asked.items():
        verb = "Count as sent" if verdict is Verdict.LEFT else label
        dialog = confirmation(f"{verb}?", consequence, verb, is_danger=verdict is not Verdict.LEFT)
        intent = codec.Settle(verdict, view.delivery_id)
        yield button(label, intent, f"settle:{verdict}", style=style, confirm=dialog)


def task_card(view: TaskCard) -> JSON:
    """Give a task for a person; its buttons stand only while it is open."""
    state = _TASK_STATES.get(view.state, view.state)
    if view.said:
        state += view.said.join((" " if view.said.startswith(("by ", "until ")) else ": ", ""))
    blocks = [header(f"📋 {view.title}"), context(view.lead, view.sequence, *_owned(view))]
    if view.body and view.state == "open":
        lines = [[words(line)] for line in view.body[:BODY_CHARS].splitlines() if line.strip()]
        blocks += [rich(*lines)] if lines else []
    blocks.append(rich([words(state, 1_200, bold=True)]))
    if view.state in {"open", "snoozed"}:
        blocks += _task_buttons(view)
    return message(f"Task for {view.lead}: {view.title} ({state})", blocks)


_TASK_STATES = {
    "open": "To do",
    "snoozed": "💤 Put off",
    "hidden": "Waiting: the lead is paused",
    "done": "✅ Done",
    "skipped": "⏭️ Skipped",
    "stopped": "⏹️ Closed: the lead was stopped",
}


def _task_buttons(view: TaskCard) -> list[JSON]:
    about = (view.enrollment_id, view.version)
    more: list[tuple[str, codec.Intent]] = [
        ("Snooze until a date…", codec.OpenForm("snooze", *about)),
        ("Done, with a note…", codec.OpenForm("task_done", *about)),
    ]
    return actions(
        button("Done", codec.Click("task_done", *about), "click:task_done", style="primary"),
        button("Skip", codec.Click("task_skip", *about), "click:task_skip"),
        button("Tomorrow", codec.Click("task_tomorrow", *about), "click:task_tomorrow"),
        button("+1 week", codec.Click("task_week", *about), "click:task_week"),
        overflow(more, "task"),
    )


def _owned(view: TaskCard) -> Iterator[str]:
    if view.owner:
        yield f"for {view.owner}"
