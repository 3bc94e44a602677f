"""What came back, and what somebody has to look at: review cards and notices. Pure.

Everything that an outsider wrote stands in plain text or in rich text's own `text` pieces, where it can neither mention,
link nor format; the one mention is the owner's, made from a Slack id of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import codec
from bot.answers import choice_buttons, choice_intent
from bot.blocks import (
    actions,
    button,
    context,
    divider,
    fitting,
    header,
    message,
    overflow,
    person,
    quote,
    rich,
)
from bot.runs import run_controls, run_state
from bot.text import JSON, clipped, instant, sentence, words
from core.answers import Choice, EnrollmentView, NoticeCard, ReviewCard
from core.lifecycle import LIVE
from core.names import SLACK_ID
from core.words import counted

NOTICE_LINES_SHOWN = (20, 10, 4)
EVIDENCE_SHOWN = 4
EVIDENCE_CHARS = 120
CHOICES_SHOWN = 10
CORRECTIONS_SHOWN = 4
SENTENCE_CHARS = 500
FALLBACK_QUOTE_CHARS = 300
# What is given up when a card has too much to tell: (sequences, characters of the quote, answers).
SIZES = ((4, 900, 10), (2, 600, 5), (1, 300, 2))


def review_card(view: ReviewCard, *, is_new: bool = True) -> JSON:
    """Give what came back, what the rule made of it, the way on in every sequence, and the buttons to correct it."""
    said = " ".join(view.quote.split())
    fallback = [
        view.heading,
        clipped(said, FALLBACK_QUOTE_CHARS),
        view.verdict or view.outcome,
        view.question,
    ]
    drafts = (_review_blocks(view, *size, is_new=is_new) for size in SIZES)
    return message("\n".join(filter(None, fallback)), fitting(drafts))


def _review_blocks(view: ReviewCard, runs: int, longest: int, answers: int, *, is_new: bool) -> list[JSON]:
    owner = _owner(view.owner, view.lead.owner or "", is_new=is_new)
    about = [words(f"“{view.subject}”", 150, bold=True)] if view.subject else []
    lines = [_joined(owner, about, [instant(view.came_at, view.lead.zone)])]
    lines += [[words(note, italic=True)] for note in view.notes]
    blocks = [header(f"{view.icon} {view.heading}".strip()), rich(*lines)]
    blocks += [quote(view.quote, longest=longest)] if view.quote.strip() else []
    blocks.append(rich(*_verdicts(view)))
    barred = filter(None, (view.lead.suppressed, view.lead.halted))
    blocks += [rich([words("⛔ "), *sentence(text, bold=True)]) for text in barred]
    blocks += (
        [rich(*([words("✉️ "), *sentence(line, SENTENCE_CHARS)] for line in view.answered))]
        if view.answered
        else []
    )
    blocks += _asked(view.question, view.choices[:answers])
    blocks += _runs(view, runs)
    return [*blocks, divider(), *_judged(view)]


def _verdicts(view: ReviewCard) -> Iterator[list[JSON]]:
    """Give what was done; where a person has corrected it, first who and to what."""
    if view.verdict:
        yield [words("✅ "), *sentence(view.verdict, SENTENCE_CHARS, bold=True)]
    yield sentence(view.outcome, SENTENCE_CHARS, bold=not view.verdict)


def _runs(view: ReviewCard, shown: int) -> Iterator[JSON]:
    """Give each run with its next step and its buttons; those that still live come first."""
    yield from () if view.lead.enrollments else [context("Not in any sequence.")]
    for run in view.lead.enrollments[:shown]:
        yield divider()
        yield run_state(view.lead, run, reasons=_reasons(run))
        yield from run_controls(view.lead, run)
    if (rest := len(view.lead.enrollments) - shown) > 0:
        yield from actions(button(f"{rest} more", codec.Say(f"status {view.lead.email}"), "more"))


def _reasons(run: EnrollmentView) -> int:
    """Give how many reasons to name: of a run that has ended, its end says it all."""
    return 2 if run.status in LIVE else 0


def _judged(view: ReviewCard) -> list[JSON]:
    earlier = (
        [f"{counted(view.more_messages, 'earlier message')} in this conversation"]
        if view.more_messages
        else []
    )
    blocks = [context(*facts)] if (facts := [*view.facts, *earlier]) else []
    if view.evidence:
        shown = [clipped(found, EVIDENCE_CHARS) for found in view.evidence[:EVIDENCE_SHOWN]]
        blocks.append(context(f"Judged by {shown[0]}", *shown[1:]))
    pressed = list(choice_buttons(view.corrections[:CORRECTIONS_SHOWN], "correct"))
    if view.away_label:
        asks = codec.OpenForm(codec.AWAY, view.message_id, view.stamp)
        pressed.append(button(view.away_label, asks, "away"))
    menu = overflow(((choice.label, choice_intent(choice)) for choice in view.more), "more")
    return blocks + actions(*pressed, menu)


def notice_card(view: NoticeCard, *, is_new: bool = True) -> JSON:
    """Give a notice; with answers to press until somebody has, and then who did."""
    said = clipped(" ".join(view.quote.split()), FALLBACK_QUOTE_CHARS)
    fallback = [f"{view.icon} {view.title}".strip(), *view.lines, said, view.verdict]
    drafts = (_notice_blocks(view, lines, is_new=is_new) for lines in NOTICE_LINES_SHOWN)
    return message("\n".join(filter(None, fallback)), fitting(drafts))


def _notice_blocks(view: NoticeCard, shown: int, *, is_new: bool) -> list[JSON]:
    owner = _owner(view.owner, view.owner_name, is_new=is_new)
    title = sentence(f"{view.icon} {view.title}".strip(), SENTENCE_CHARS, bold=True)
    lines = [sentence(line, SENTENCE_CHARS) for line in view.lines[:shown]]
    # One line says what the title does not; several are a list.
    is_list = len(lines) > 1
    blocks = [rich(_joined(title, owner), *([] if is_list else lines), bullets=lines if is_list else [])]
    blocks += [quote(view.quote)] if view.quote.strip() else []
    if view.verdict:
        blocks.append(
            rich([words(f"{view.verdict_icon} "), *sentence(view.verdict, SENTENCE_CHARS, bold=True)])
        )
    else:
        blocks += actions(*choice_buttons(view.choices[:CHOICES_SHOWN], "answer"))
    return blocks + ([context(*view.facts)] if view.facts else [])


def _asked(question: str, choices: Sequence[Choice]) -> list[JSON]:
    asked = [rich([words("❓ "), *sentence(question, SENTENCE_CHARS, bold=True)])] if question else []
    return asked + actions(*choice_buttons(choices, "answer"))


def _owner(user_id: str | None, name: str, *, is_new: bool) -> list[JSON]:
    """Give whom it is for: called by name when it is posted, merely named when it is redrawn."""
    if is_new and user_id and SLACK_ID.fullmatch(user_id):
        return [words("For "), person(user_id)]
    return [words(f"For {name}", 100)] if name else []


def _joined(*groups: Sequence[JSON]) -> list[JSON]:
    """Give groups of pieces as one line, told apart by a dot."""
    line: list[JSON] = []
    for group in filter(None, groups):
        line += [*([words("  ·  ")] if line else []), *group]
    return line
