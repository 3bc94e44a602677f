"""What people see in the channel: a frozen view in, one Slack message out. Pure; posting and redrawing use the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

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
from bot.text import JSON, instant, sentence, words
from core.answers import (
    CardView,
    EnrollmentView,
    LeadCard,
    NoticeCard,
    ReviewCard,
    TaskCard,
    TimelineEntry,
    UncertainCard,
)
from core.dates import say
from core.lifecycle import RUNNING, Status, Verdict

SEQUENCES_SHOWN = 5
REASONS_SHOWN = 4
TIMELINE_SHOWN = 6
NOTICE_LINES_SHOWN = 20
TAGS_SHOWN = 5
BODY_CHARS = 1_500

_STATUS_WORDS = {
    Status.SKIPPED: "⏭️ Skipped",
    Status.PENDING: "⏳ Pending",
    Status.IN_PROGRESS: "📤 In progress",
    Status.PAUSED: "⏸️ Paused",
    Status.STOPPED: "⏹️ Stopped",
    Status.COMPLETED: "✅ Completed",
}


def card(view: CardView) -> JSON:
    """Give the message that shows a card's view."""
    match view:
        case LeadCard():
            return lead_card(view)
        case UncertainCard():
            return uncertain_card(view)
        case TaskCard():
            return task_card(view)
        case NoticeCard():
            return notice_card(view)
        case ReviewCard(heading=heading, outcome=outcome):
            return notice_card(NoticeCard(heading, (outcome,)))


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
        blocks += [divider(), _state(view, enrollment), *_controls(view, enrollment)]
    if len(view.enrollments) > sequences:
        rest = len(view.enrollments) - sequences
        blocks += actions(button(f"{rest} more", codec.Say(f"status {view.email}"), "more"))
    if view.timeline and entries:
        blocks += [divider(), _timeline(view.timeline[:entries], view.zone)]
    return blocks


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


def status_words(status: str) -> str:
    """Give a status in words, with its sign."""
    return _STATUS_WORDS[Status(status)] if status in set(Status) else status


def _state(view: LeadCard, e: EnrollmentView) -> JSON:
    run = f" · run {e.run}" if e.run > 1 else ""
    lines = [[words(status_words(e.status), bold=True), words(f"  ·  {e.sequence}", 100, bold=True)]]
    lines[0].append(words(f"  ·  {place(e)}{run}"))
    lines += _next(e, view.zone)
    if e.end_reason:
        lines.append([words(e.end_reason, italic=True)])
    more = len(e.reasons) - REASONS_SHOWN
    reasons = [sentence(reason) for reason in e.reasons[:REASONS_SHOWN]]
    return rich(*lines, bullets=[*reasons, *([[words(f"and {more} more reasons")]] if more > 0 else [])])


def place(e: EnrollmentView) -> str:
    """Give where in the sequence it stands: "step 2 of 5"."""
    match e.status:
        case Status.COMPLETED:
            return f"all {e.steps} steps done"
        case Status.STOPPED:
            return f"after {e.position} of {e.steps} steps"
        case Status.SKIPPED:
            return f"never started, {e.steps} steps"
        case _:
            return f"step {min(e.position + 1, e.steps)} of {e.steps}"


def _next(e: EnrollmentView, zone: str | None) -> Iterator[list[JSON]]:
    """Give what comes next, and under it when and from whom."""
    if e.is_under_way:
        yield [words(f"Step {e.position + 1} is being handed over right now.")]
        return
    if e.next_step:
        yield [words("Next: "), words(f"“{one_line(e.next_step)}”", bold=True)]
    if e.next_step and e.next_at:
        yield [*_when(e.next_at, zone), *([words(f"  ·  from {e.mailbox}")] if e.mailbox else [])]


def _when(moment: datetime, zone: str | None) -> list[JSON]:
    """Give a moment in the lead's zone, where that is known, and in the reader's own."""
    if zone is None:
        return [instant(moment, None, with_weekday=True)]
    return [words(say(moment, zone)), words("  ·  for you "), instant(moment, zone)]


def _timeline(entries: Sequence[TimelineEntry], zone: str | None) -> JSON:
    bullets = [[instant(entry.at, zone), words("  "), words(entry.text, 200)] for entry in entries]
    return rich([words("Latest", bold=True)], bullets=bullets)


def _controls(view: LeadCard, e: EnrollmentView) -> list[JSON]:
    return actions(*_buttons(view, e), overflow(_menu(view, e), f"menu:{e.id}"))


def _buttons(view: LeadCard, e: EnrollmentView) -> Iterator[JSON | None]:
    who = f"{one_line(_name(view), 60)} in {one_line(e.sequence, 60)}"

    def press(label: str, verb: str, style: str | None = None, confirm: JSON | None = None) -> JSON | None:
        intent = codec.Click(verb, e.id, e.version)
        return button(label, intent, f"click:{verb}:{e.id}", style=style, confirm=confirm)

    stop = confirmation(
        "Stop for good?",
        f"{who} gets no more mail from this sequence. It cannot be resumed; starting again begins at step 1.",
        "Stop",
        is_danger=True,
    )
    match e.status:
        case Status.PENDING | Status.IN_PROGRESS if e.has_started or e.is_under_way:
            yield press("⏸️ Pause", "pause")
            yield press("Stop", "stop", "danger", stop)
        case Status.PENDING | Status.IN_PROGRESS:
            yield press("⏭️ Skip this lead", "skip")
            yield press("Stop", "stop", "danger", stop)
        case Status.PAUSED:
            yield press("▶️ Resume", "resume", "primary")
            yield press("Stop", "stop", "danger", stop)
        case Status.SKIPPED:
            yield press("Let it start", "unskip", "primary")
        case Status.STOPPED | Status.COMPLETED:
            again = confirmation("Start again?", f"{who} begins a new run at step 1.", "Start again")
            yield press("Start again", "start", confirm=again)


def _menu(view: LeadCard, e: EnrollmentView) -> Iterator[tuple[str, codec.Intent]]:
    if e.status == Status.PAUSED:
        yield "Resume on a date…", codec.OpenForm("resume", e.id, e.version)
        yield "Resume, keep the original date", codec.Keep(e.id, e.version)
    if e.status in RUNNING and e.has_started:
        yield "Pause until a date…", codec.OpenForm("pause", e.id, e.version)
    if e.status in {Status.PENDING, Status.PAUSED}:
        yield "Skip this step", codec.Click("cancel", e.id, e.version)
    if e.status in {Status.PENDING, Status.COMPLETED} and e.position > 0:
        yield "Resend the last step", codec.Click("resend", e.id, e.version)
    if e.status in RUNNING or e.status == Status.PAUSED:
        yield "Stop, with a reason…", codec.OpenForm("stop", e.id, e.version)
    yield "History", codec.Say(f"history {view.email}")


def _lead_fallback(view: LeadCard) -> str:
    states = [
        f"{e.sequence}: {e.status.replace('_', ' ')}, {place(e)}" for e in view.enrollments[:SEQUENCES_SHOWN]
    ]
    return "\n".join([f"{_name(view)} ({view.email})", *states])


def uncertain_card(view: UncertainCard) -> JSON:
    """Give a delivery of which nobody knows whether it left, and the three answers; once settled, who said what."""
    title = f"Did step {view.step} reach {view.lead}?"
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
    blocks.append(context("Until somebody says, nothing more is sent to this lead in this sequence."))
    return message(f"{title} Somebody has to say.", blocks + actions(*_verdicts(view)))


def _verdicts(view: UncertainCard) -> Iterator[JSON | None]:
    subject = one_line(view.subject, 80)
    asked = {
        Verdict.LEFT: ("It left", "primary", f"“{subject}” counts as sent, and the sequence goes on."),
        Verdict.AGAIN: (
            "Send again",
            None,
            f"“{subject}” is sent once more. If it had left, the lead gets it twice.",
        ),
        Verdict.DROP: (
            "Drop it",
            "danger",
            f"“{subject}” is not sent, and the sequence goes on with the next step.",
        ),
    }
    for verdict, (label, style, consequence) in asked.items():
        dialog = confirmation(f"{label}?", consequence, label, is_danger=verdict is not Verdict.LEFT)
        intent = codec.Settle(verdict, view.delivery_id)
        yield button(label, intent, f"settle:{verdict}", style=style, confirm=dialog)


def task_card(view: TaskCard) -> JSON:
    """Give a task for a person; its buttons stand only while it is open."""
    state = {
        "open": "To do",
        "hidden": "Waiting: the lead is paused",
        "done": "✅ Done",
        "skipped": "⏭️ Skipped",
    }
    blocks = [header(f"📋 {view.title}"), context(view.lead, view.sequence, *_owned(view))]
    if view.body and view.state == "open":
        lines = [[words(line)] for line in view.body[:BODY_CHARS].splitlines() if line.strip()]
        blocks += [rich(*lines)] if lines else []
    blocks.append(rich([words(state.get(view.state, view.state), bold=True)]))
    if view.state == "open":
        done, skip = (
            codec.Click(verb, view.enrollment_id, view.version) for verb in ("task_done", "task_skip")
        )
        blocks += actions(
            button("Done", done, "click:task_done", style="primary"), button("Skip", skip, "click:task_skip")
        )
    return message(f"Task for {view.lead}: {view.title} ({state.get(view.state, view.state)})", blocks)


def _owned(view: TaskCard) -> Iterator[str]:
    if view.owner:
        yield f"for {view.owner}"


def notice_card(view: NoticeCard) -> JSON:
    """Give a plain notice."""
    bullets = [sentence(line) for line in view.lines[:NOTICE_LINES_SHOWN]]
    return message(
        "\n".join([view.title, *view.lines]), [rich([words(view.title, bold=True)], bullets=bullets)]
    )
