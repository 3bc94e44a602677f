"""One enrollment as cards show it: how it stands, what comes next, and the buttons that change it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot import codec
from bot.blocks import actions, button, confirmation, one_line, overflow, rich
from bot.text import JSON, instant, sentence, words
from core.answers import EnrollmentView, LeadCard
from core.dates import say
from core.lifecycle import RUNNING, Status
from core.words import counted

REASONS_SHOWN = 4

_STATUS_WORDS = {
    Status.SKIPPED: "⏭️ Skipped",
    Status.PENDING: "⏳ Pending",
    Status.IN_PROGRESS: "📤 In progress",
    Status.PAUSED: "⏸️ Paused",
    Status.STOPPED: "⏹️ Stopped",
    Status.COMPLETED: "✅ Completed",
}


def status_words(status: str) -> str:
    """Give a status in words, with its sign."""
    return _STATUS_WORDS[Status(status)] if status in set(Status) else status


def run_state(view: LeadCard, e: EnrollmentView, *, reasons: int = REASONS_SHOWN) -> JSON:
    """Give how it stands, what comes next, and why nothing leaves now; `reasons` 0: without that."""
    run = f" · run {e.run}" if e.run > 1 else ""
    lines = [[words(status_words(e.status), bold=True), words(f"  ·  {e.sequence}", 100, bold=True)]]
    lines[0].append(words(f"  ·  {place(e)}{run}"))
    lines += _next(e, view.zone)
    lines += [[words(e.engagement)]] if e.engagement else []
    told = any(e.end_reason in reason for reason in e.reasons[:reasons]) if e.end_reason else True
    if e.end_reason and e.end_reason != e.status and not told:
        lines.append([words(e.end_reason, italic=True)])
    bullets = [sentence(reason) for reason in e.reasons[:reasons]]
    more = len(e.reasons) - len(bullets)
    unseen = [[words(f"and {counted(more, 'more reason')}")]] if bullets and more else []
    return rich(*lines, bullets=[*bullets, *unseen])


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


def run_controls(view: LeadCard, e: EnrollmentView) -> list[JSON]:
    """Give the buttons that fit its status, each with the version that the card shows."""
    return actions(*_buttons(view, e), overflow(_menu(view, e), f"menu:{e.id}"))


def _buttons(view: LeadCard, e: EnrollmentView) -> Iterator[JSON | None]:
    who = f"{one_line(view.name or view.email, 60)} in {one_line(e.sequence, 60)}"

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
        case Status.STOPPED | Status.COMPLETED if not view.suppressed:
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
    if e.status in {Status.PENDING, Status.COMPLETED} and e.position > 0 and not view.suppressed:
        yield "Resend the last step", codec.Click("resend", e.id, e.version)
    if e.status in RUNNING or e.status == Status.PAUSED:
        yield "Stop, with a reason…", codec.OpenForm("stop", e.id, e.version)
    yield "History", codec.Say(f"history {view.email}")
