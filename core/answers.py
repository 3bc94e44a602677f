"""What Fermata says back, before it is drawn: the same for Slack, the command line and the tests.

Everything is plain text. Whoever draws it must keep it plain: lead data can say anything (DESIGN G10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Choice:
    """A button under an answer; clicking it runs `command` (slash grammar) as the person who clicks.

    `proposal` names the stored proposal it confirms; `confirm` is asked before, None: at once, and `verb` says what is done
    then, where the label does not. `form`: opens this form instead, about this enrollment in the version that was shown.
    """

    label: str
    command: str = ""
    style: str | None = None  # "primary", "danger" or None
    confirm: str | None = None
    proposal: str | None = None
    form: tuple[str, int, int] | None = None
    verb: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a list about an enrollment, with its buttons; `verdict`: it is done, and who did what."""

    title: str
    detail: str
    enrollment_id: int | None = None
    choices: tuple[Choice, ...] = ()
    verdict: str = ""


Table = tuple[tuple[str, ...], ...]  # its rows, the heads first


def in_columns(table: Table) -> list[str]:
    """Give a table as lines of equal width: what it is about on the left, numbers on the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


@dataclass(frozen=True)
class Answer:
    """`title` is one sentence; `lines` say more, one fact each.

    `card_leads`: leads whose card should stand in the channel. `batch_id`: what Undo would undo. `is_public`: shown to
    everybody in the channel rather than to the asker alone. `is_refusal`: nothing was changed. `has_begun`: it names mail that
    had begun to leave. `opens`: where forms can be shown this one is, with its two numbers; elsewhere the title says what to
    do instead. `cards`: keys of new cards for the direct messages of whoever asked. `file`: the command whose lines come
    there as a file. `channel`: the id of one that the sentences name as "#C…"; Slack shows its name there.
    """

    title: str
    lines: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    rows: tuple[Row, ...] = ()
    more: Choice | None = None  # the next page
    card_leads: tuple[int, ...] = ()
    batch_id: int | None = None
    is_public: bool = False
    is_refusal: bool = False
    has_begun: bool = False
    opens: tuple[str, int, int] | None = None
    opens_about: str = ""  # what that form already knows
    table: Table = ()
    cards: tuple[str, ...] = ()
    file: str = ""
    channel: str = ""

    def as_text(self) -> str:
        """Give the whole answer as plain text, for a terminal and for Slack's fallback text."""
        rows = [f"{row.title}: {row.detail}" for row in self.rows]
        return "\n".join([self.title, *self.lines, *rows, *in_columns(self.table)])


@dataclass(frozen=True)
class EnrollmentView:
    """One enrollment as a card shows it. `next_at` None: nothing is due. `reasons`: why nothing leaves, strongest first."""

    id: int
    version: int
    sequence: str
    run: int
    status: str  # words of core.lifecycle.Status
    position: int
    steps: int
    next_step: str | None  # the subject, or the task's title
    next_at: datetime | None
    is_under_way: bool = False  # a hand-over has begun and is not yet settled
    reasons: tuple[str, ...] = ()
    has_started: bool = False
    mailbox: str | None = None
    end_reason: str | None = None
    engagement: str = ""  # mails sent, opened and clicked in, and answers, in words


@dataclass(frozen=True)
class TimelineEntry:
    """One thing that happened."""

    at: datetime
    text: str


@dataclass(frozen=True)
class LeadCard:
    """Everything the lead card shows; `zone` is the lead's, else None. `is_erased`: the person is no longer here."""

    lead_id: int
    email: str
    name: str
    company: str = ""
    stage: str = ""
    owner: str | None = None
    zone: str | None = None
    tags: tuple[str, ...] = ()
    enrollments: tuple[EnrollmentView, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    suppressed: str | None = None
    halted: str | None = None
    is_erased: bool = False


@dataclass(frozen=True)
class UncertainCard:
    """A delivery of which nobody knows whether it left. `verdict` None: still waiting for a person. `step` 0: an answer."""

    delivery_id: int
    lead: str
    sequence: str
    step: int
    subject: str
    began_at: datetime
    reason: str
    verdict: str | None = None


@dataclass(frozen=True)
class TaskCard:
    """A task waiting for its person. `state`: open, snoozed, hidden (the lead is paused), done, skipped, or stopped with the lead.

    `said`: until when it is put off, or who did what and what came of it.
    """

    delivery_id: int
    enrollment_id: int
    lead: str
    sequence: str
    title: str
    body: str
    state: str
    owner: str | None = None
    version: int = 0  # the enrollment's, which its buttons carry
    said: str = ""


@dataclass(frozen=True)
class NoticeCard:
    """A notice that stays, or a question with its answers: a mailbox is unread, a meeting is over, a hold will end.

    `icon` is one emoji. `quote`: what somebody wrote. `owner`: the Slack id of whom it is for, called when it is posted;
    a redraw shows `owner_name` instead, "" for nobody. `facts` stand small below. `verdict`: what was answered, and by
    whom; it then asks no more; `verdict_icon` before it. `is_for_admins`: an admin is called, where one is named.
    """

    title: str
    lines: tuple[str, ...] = ()
    icon: str = ""
    quote: str = ""
    owner: str | None = None
    owner_name: str = ""
    facts: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    verdict: str | None = None
    verdict_icon: str = "✅"
    is_for_admins: bool = False


@dataclass(frozen=True)
class ReviewCard:
    """What came back from a lead, what the rule made of it, and what can be done about it.

    `heading` is one sentence ("Ada Lovelace replied"). `notes`: what is unusual, such as another sender. `outcome`: what the
    rule did and until when. `question`: what is in doubt, and `choices` its answers and offers. `evidence`: where and what
    it was judged by. `corrections`: buttons that judge it anew; with `away_label` not "" also one that asks for a date.
    `answered`: who has answered it, one sentence each. `stamp`: what a correction must know to be up to date. `more`: what else can be said, behind a menu. `owner`: a Slack
    id, called when the card is posted. `verdict`: who corrected it, to what and when.
    """

    message_id: int
    lead: LeadCard
    heading: str
    icon: str
    subject: str
    quote: str
    came_at: datetime
    outcome: str
    notes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    question: str = ""
    facts: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    corrections: tuple[Choice, ...] = ()
    away_label: str = ""
    stamp: int = 0
    more: tuple[Choice, ...] = ()
    owner: str | None = None
    more_messages: int = 0
    verdict: str | None = None
    answered: tuple[str, ...] = ()


@dataclass(frozen=True)
class DigestGroup:
    """Lines of one kind on the list of paused leads; `choices` are about all of them."""

    title: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class DigestCard:
    """The day's list of paused leads, to be worked off. `summary`: how much of what. `owners`: who has how much.

    `progress`: how much is done. `more`: the next page. `verdict`: that all is done, or where the rest stands.
    """

    title: str
    summary: tuple[str, ...] = ()
    groups: tuple[DigestGroup, ...] = ()
    owners: tuple[str, ...] = ()
    progress: str = ""
    more: Choice | None = None
    is_done: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class Compared:
    """A figure of a week beside that of the week before; `detail` says what it is made of."""

    name: str
    now: int
    before: int
    detail: str = ""


@dataclass(frozen=True)
class Chart:
    """The numbers of the weekly picture: bars by name, a number for each week, and how many leads are paused how long."""

    weeks: tuple[str, ...]
    bars: tuple[tuple[str, tuple[int, ...]], ...]
    ages: tuple[tuple[str, int], ...]

    @property
    def as_text(self) -> str:
        """Give the numbers in words, for whoever does not see the picture."""
        lines = [f"{name} by week: {', '.join(f'{n:,}' for n in numbers)}." for name, numbers in self.bars]
        ages = ", ".join(f"{number:,} for {age}" for age, number in self.ages)
        return f"Weeks from {self.weeks[0]} to {self.weeks[-1]}. {' '.join(lines)} Paused now: {ages}."


@dataclass(frozen=True)
class WeeklyCard:
    """The week's figures beside the week before. `paused`: how many are paused now, and for how long, one sentence.

    `owners`: a line each. `oldest`: who has been paused for longest, with buttons. `file_id`: the chart's picture in Slack,
    None where there is none (yet). `note`: when it comes.
    """

    title: str
    figures: tuple[Compared, ...] = ()
    paused: str = ""
    owners: tuple[str, ...] = ()
    oldest: tuple[Row, ...] = ()
    chart: Chart | None = None
    file_id: str | None = None
    note: str = ""


@dataclass(frozen=True)
class FunnelChart:
    """The numbers of the picture of figures: a bar each, None where it is not tracked, and the answers of each week."""

    funnel: tuple[tuple[str, int | None], ...]
    weeks: tuple[str, ...]
    answers: tuple[int, ...]

    @property
    def as_text(self) -> str:
        """Give the numbers in words, for whoever does not see the picture."""
        bars = ", ".join(
            f"{name} {'not tracked' if number is None else f'{number:,}'}" for name, number in self.funnel
        )
        weeks = f"Answers by week, from {self.weeks[0]} to {self.weeks[-1]}"
        return f"Funnel: {bars}. {weeks}: {', '.join(f'{number:,}' for number in self.answers)}."


@dataclass(frozen=True)
class ForecastChart:
    """The numbers of the picture of the days to come: of each mailbox, by day, what leaves, its cap, and what waits."""

    days: tuple[str, ...]
    boxes: tuple[tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...]

    @property
    def as_text(self) -> str:
        """Give the numbers in words, for whoever does not see the picture."""
        boxes = [f"{name}: {', '.join(f'{count:,}' for count in sent)}." for name, sent, _, _ in self.boxes]
        return f"Mails by day, from {self.days[0]} to {self.days[-1]}. {' '.join(boxes)}"


@dataclass(frozen=True)
class PathDot:
    """A step on the picture of a lead's path, when it leaves in the lead's own zone; `was`: it has left.

    A condition waits until `until`, and leads to one of its `branches`: if it comes true, else. `only_if`: the number of the
    condition that has to come true before, and then `at` is the latest date; 0: none has to.
    """

    number: int
    title: str
    at: datetime
    was: bool = False
    until: datetime | None = None
    branches: tuple[str, ...] = ()
    only_if: int = 0

    @property
    def when(self) -> str:
        """Say when it left, or comes."""
        at = day_and_time(self.at)
        if self.was:
            return f"left {at}"
        return f"only if step {self.only_if} comes true, by {at}" if self.only_if else at


@dataclass(frozen=True)
class PathChart:
    """What the picture of one lead's path shows, all in the lead's zone. `closed`: days on which nothing leaves, and why.

    `held`: of a lead that is held, until when; "" of one that is not. `held_until` None: until a person ends it.
    """

    now: datetime
    dots: tuple[PathDot, ...]
    closed: tuple[tuple[date, str], ...] = ()
    held: str = ""
    held_until: datetime | None = None

    @property
    def as_text(self) -> str:
        """Give the same in words, for whoever does not see the picture."""
        said = [f"Now it is {day_and_time(self.now)}.", *([f"{self.held}."] if self.held else [])]
        for dot in self.dots:
            ways = ", if so {}, else {}".format(*dot.branches) if dot.branches else ""
            said.append(f"{dot.number}. {dot.title}: {dot.when}{ways}.")
        holidays = [f"{why} {day:%a} {day.day} {day:%b}" for day, why in self.closed if why]
        return " ".join([*said, *([f"Holidays: {', '.join(holidays)}."] if holidays else [])])


def day_and_time(at: datetime) -> str:
    """Give a moment short: Mon 7 Jun, 09:00."""
    return f"{at:%a} {at.day} {at:%b}, {at:%H:%M}"


@dataclass(frozen=True)
class StatsCard:
    """Figures of a sequence, or of all, as they were asked for. `file_id`: the picture's in Slack, None where there is none."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table = ()
    chart: FunnelChart | ForecastChart | PathChart | None = None
    file_id: str | None = None
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class HomeSection:
    """A part of an App Home: `facts`, lines in groups (one may have no title), or a `note` that says what to do instead."""

    title: str
    groups: tuple[DigestGroup, ...] = ()
    note: str = ""
    facts: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class HomeView:
    """A person's App Home. `summary`: how much of what. `notices`: why nothing leaves. `done`: what the person did last."""

    title: str
    summary: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    done: str = ""
    undo: Choice | None = None
    sections: tuple[HomeSection, ...] = ()


CardView = (
    LeadCard
    | UncertainCard
    | TaskCard
    | NoticeCard
    | ReviewCard
    | DigestCard
    | HomeView
    | WeeklyCard
    | StatsCard
)
