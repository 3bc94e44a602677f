"""The figures of a sequence, or of all, as people see them: sentences, a table, a picture, and the lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core import funnel, grammar, plain
from core import sequences as library
from core.answers import Choice, FunnelChart, StatsCard, Table
from core.dates import say_day
from core.dates.past import read_past
from core.dates.words import MONTH_NAMES
from core.errors import Refused
from core.figures import Weeks
from core.funnel import FATES, WHOLE, Asked, By, Counts, Figure, Found
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import WORKSPACE_ID, Card, Enrollment, Mailbox, Member, Sequence, Step, Workspace
from core.plans import planned
from core.schedule import DAY, local
from core.words import counted

KIND = "stats"
GONE = "These figures are no longer here; `stats` shows what they are now."
NOTHING = "Nobody is in a sequence yet, so there are no figures. `enrol stage:demo in Spring` begins."
MOST_WEEKS, WEEKS_DRAWN = 53, 10
NAME_CHARS = 26
_PERCENT = (Figure.OPENED, Figure.CLICKED, Figure.INTERACTIONS, Figure.ANSWERED)
_COLUMNS = {
    By.CHANNEL: (Figure.PLANNED, *FATES),
    By.STEP: (Figure.SENT, Figure.OPENED, Figure.CLICKED, Figure.ANSWERED, *FATES[1:]),
}
_COLUMNS[By.VARIANT] = _COLUMNS[By.STEP]
_OF_PEOPLE = (
    Figure.CONTACTED,
    Figure.OPENED,
    Figure.INTERACTIONS,
    Figure.ANSWERED,
    Figure.INTERRUPTED,
    *FATES[:3],
)
_ALWAYS = {Figure.CONTACTED, Figure.SENT, Figure.ANSWERED, Figure.PLANNED}
_CHANNELS = {"email": "mails of steps", "task": "tasks", "reply": "answers to leads"}
_NO_KEY = {By.STEP: "before any mail", By.VARIANT: "before any mail", By.SENDER: "no mailbox yet"}


@dataclass(frozen=True)
class Shown:
    """Figures that were asked for, with all that says what they are. `opens`, `clicks`: whether these are counted."""

    order: orders.Stats
    asked: Asked
    name: str
    zone: str
    now: datetime
    whole: Counts
    opens: bool
    clicks: bool

    def text(self, counts: Counts, figure: Figure) -> str:
        """Give a figure for a table."""
        return f"{counts[figure]:,}" if self.is_counted(figure) or counts[figure] else "–"

    def is_counted(self, figure: Figure) -> bool:
        """Say whether a figure can be known: opens and clicks only where a sequence tracks them."""
        return {Figure.OPENED: self.opens, Figure.CLICKED: self.clicks}.get(figure, True)

    @property
    def range(self) -> str:
        """Give the range in words, " since …" and " until …", "" for all time."""
        since, until = self.asked.since, self.asked.until
        begins = f" since {say_day(local(since, self.zone).date())}" if since else ""
        return begins + (f" until {say_day(local(until - DAY / 2, self.zone).date())}" if until else "")


def shown(session: Session, order: orders.Stats, *, zone: str, now: datetime) -> Shown:
    """Count what was asked for; raises Refused for a sequence or a date that there is not."""
    sequence = library.find(session, order.sequence) if order.sequence else None
    since = read_past(order.since, now=now, zone=zone) if order.since else None
    until = read_past(order.until, now=now, zone=zone, is_end=True) if order.until else None
    if since and until and since >= until:
        raise Refused("The range ends before it begins; turn the two days round.")
    mailbox_id = _sender(session, order.sender) if order.sender else None
    asked = Asked(sequence.id if sequence else None, since, until, mailbox_id=mailbox_id)
    whole = funnel.count(session, asked)[WHOLE]
    ids = [sequence.id or 0] if sequence else [found or 0 for found in session.exec(select(Sequence.id))]
    tracks = [one.spec.track for one in planned(session, ids).values()]
    opens, clicks = any(one.opens for one in tracks), any(one.clicks for one in tracks)
    name = sequence.name if sequence else "all sequences"
    return Shown(
        order,
        asked,
        name,
        zone,
        now,
        whole,
        opens or bool(whole[Figure.OPENED]),
        clicks or bool(whole[Figure.CLICKED]),
    )


def _sender(session: Session, address: str) -> int | None:
    query = select(Mailbox.id).where(func.lower(Mailbox.address) == address.strip().lower())
    if (found := session.exec(query).first()) is None:
        raise Refused(f"There is no sender “{plain.shown(address)}”; `mailboxes` lists them.")
    return found


def title(one: Shown) -> str:
    """Give what figures these are."""
    by = f" by {one.order.by}" if one.order.by else ""
    sender = f" from {one.order.sender}" if one.order.sender else ""
    return f"Figures of {one.name}{by}{sender}{one.range}"


def lines(session: Session, one: Shown) -> tuple[str, ...]:
    """Give the funnel, why leads left it, and the mails, a sentence each."""
    whole = one.whole
    way = [f"Contacted: {whole[Figure.CONTACTED]:,}."]
    for figure in _PERCENT:
        number = f"{whole[figure]:,}{_share(whole, figure)}" if one.is_counted(figure) else "not tracked"
        way.append(f"{figure.capitalize()}: {number}.")
    reasons = ", ".join(f"{number:,} {why}" for why, number in funnel.reasons(session, one.asked))
    ended = f"Interrupted: {whole[Figure.INTERRUPTED]:,}{f' ({reasons})' if reasons else ''}."
    kept = [
        f"{whole[figure]:,} {figure}"
        for figure in (Figure.ACTIVE, Figure.PAUSED, Figure.LEFT_OUT)
        if whole[figure]
    ]
    mails = ", ".join(f"{whole[fate]:,} {fate}" for fate in FATES if whole[fate]) or "none yet"
    return (
        " ".join(way),
        f"{ended} Completed: {whole[Figure.COMPLETED]:,}. Now: {', '.join(kept) or 'nobody is in it'}.",
        f"Mails: {mails}.",
    )


def _share(counts: Counts, figure: Figure) -> str:
    contacted = counts[Figure.CONTACTED]
    return f" ({round(100 * counts[figure] / contacted)} %)" if contacted and counts[figure] else ""


def table(session: Session, one: Shown, by: By) -> Table:
    """Give the figures in columns, the heads first; a column without any number is left out."""
    found = _found(session, one, by)
    names = _names(session, one, by, found)
    columns = [
        figure
        for figure in _COLUMNS.get(by, _OF_PEOPLE)
        if figure in _ALWAYS or any(counts[figure] for counts in found.values())
    ]
    if not names:
        return ()
    rows = [(name, *(one.text(found[key], figure) for figure in columns)) for key, name in names]
    return ((by.value, *(figure.value for figure in columns)), *rows)


def file_rows(session: Session, one: Shown, by: By) -> Iterator[list[str]]:
    """Give the lines of a file, its heads first: every figure, empty where it is not tracked."""
    found = _found(session, one, by)
    yield [by.value or "of", *(figure.value for figure in Figure)]
    names = _names(session, one, by, found) if by is not By.NOTHING else [(WHOLE, one.name)]
    for key, name in names:
        counts = found[key]
        yield [
            name,
            *(str(counts[figure]) if one.is_counted(figure) or counts[figure] else "" for figure in Figure),
        ]


def _found(session: Session, one: Shown, by: By) -> Found:
    return funnel.count(session, one.asked, by, weeks=_weeks(session, one) if by is By.WEEK else None)


def _weeks(session: Session, one: Shown, most: int = MOST_WEEKS) -> Weeks:
    """Give the weeks from Monday to Sunday of the range; what was before the first of the last year counts as it."""
    conditions = [Enrollment.sequence_id == one.asked.sequence_id] if one.asked.sequence_id else []
    begun: datetime | None = session.exec(select(func.min(Enrollment.enrolled_at)).where(*conditions)).one()
    first = one.asked.since or begun or one.now
    end = _monday(one.asked.until - DAY / 2 if one.asked.until else one.now, one.zone, after=7)
    number = (end - _monday(first, one.zone)).days // 7
    return Weeks(end, one.zone, min(max(number, 1), most))


def _monday(moment: datetime, zone: str, after: int = 0) -> date:
    day = local(moment, zone).date()
    return day + (after - day.weekday()) * DAY


def _names(session: Session, one: Shown, by: By, found: Found) -> list[tuple[funnel.Key, str]]:
    """Give the keys in the order in which they are shown, each with its name."""
    named: dict[funnel.Key, tuple[Any, str]]
    match by:
        case By.WEEK:
            weeks = _weeks(session, one)
            return [(key, _day(weeks.first_day(key[0]))) for key in sorted(found)]
        case By.CHANNEL:
            named = {
                key: (
                    list(_CHANNELS).index(key[0]) if key[0] in _CHANNELS else 9,
                    _CHANNELS.get(key[0], f"{key[0]}s"),
                )
                for key in found
            }
        case By.SENDER:
            of = {box.id: box.address for box in session.exec(select(Mailbox))}
            named = {key: (key[0] is None, of.get(key[0], _NO_KEY[by])) for key in found}
        case By.SEQUENCE:
            of = {row.id: row.name for row in session.exec(select(Sequence))}
            named = {key: (-found[key][Figure.CONTACTED], of.get(key[0], "")) for key in found}
        case _:
            named = _steps(session, one, by, found)
    return [(key, name) for key, (_, name) in sorted(named.items(), key=lambda item: item[1])]


def _steps(session: Session, one: Shown, by: By, found: Found) -> dict[funnel.Key, tuple[Any, str]]:
    """Give the steps in their order, of all sequences after the sequence's name; removed ones come last."""
    query = select(Step, Sequence.name).join(Sequence, col(Sequence.id) == Step.sequence_id)
    steps = {
        step.id: (step, name)
        for step, name in session.exec(query.where(col(Step.id).in_([key[0] for key in found])))
    }
    named: dict[funnel.Key, tuple[Any, str]] = {}
    for key in found:
        if key[0] not in steps:
            named[key] = (("\U0010ffff", 0, "", ""), _NO_KEY[By.STEP])
            continue
        step, name = steps[key[0]]
        place = f"{step.position + 1}." if step.position is not None else "removed:"
        of = "" if one.asked.sequence_id else f"{name} "
        version = f" ({key[1] or 'one version'})" if by is By.VARIANT else ""
        order = (name, 999 if step.position is None else step.position, step.key, key[1] or "")
        named[key] = (order, f"{of}{place} {step.key}{version}")
    return named


def _day(day: date) -> str:
    return f"{day.day} {MONTH_NAMES[day.month - 1][:3]} {day.year}"


def choices(one: Shown) -> tuple[Choice, ...]:
    """Give the other ways to look at them, and the file."""
    wanted: list[tuple[str, orders.Broken]] = [
        ("By step", "step"), ("By sender", "sender"), ("By week", "week"), ("By channel", "channel"),
    ]  # fmt: skip
    ways = [
        Choice(label, to_text(replace(one.order, by=by)))
        for label, by in wanted
        if by not in {one.order.by, one.order.sender and "sender"}
    ]
    return (*ways, Choice("CSV", to_text(replace(one.order, csv=True))))


def chart(session: Session, one: Shown) -> FunnelChart:
    """Give the numbers of the picture: the funnel, and the answers of the last weeks."""
    weeks = _weeks(session, one, WEEKS_DRAWN)
    asked = replace(one.asked, since=max(filter(None, [one.asked.since, weeks.edges[0]])))
    found = funnel.count(session, asked, By.WEEK, weeks=weeks, only=[Figure.ANSWERED])
    answers = tuple(found.get((week, None), Counts())[Figure.ANSWERED] for week in range(weeks.number))
    days = (weeks.first_day(week) for week in range(weeks.number))
    return FunnelChart(
        tuple((figure.value, one.whole[figure] if one.is_counted(figure) else None)
              for figure in (Figure.CONTACTED, Figure.OPENED, Figure.INTERACTIONS, Figure.ANSWERED, Figure.INTERRUPTED)),
        tuple(f"{day.day} {MONTH_NAMES[day.month - 1][:3]}" for day in days),
        answers,
    )  # fmt: skip


def is_empty(one: Shown) -> bool:
    """Say whether there is nothing to show."""
    return not any(one.whole.values())


def key_of(order: orders.Stats, person: str, unique: str) -> str:
    """Give the key of a new card: it keeps what was asked by whom."""
    return f"{KIND}:{unique}:{person}:{to_text(order)}"


def card(session: Session, card: Card, *, now: datetime) -> StatsCard:
    """Give the figures as they were asked for; of a range such as "last 4 weeks" as it was then."""
    del now
    _, _, person, text = card.key.split(":", 3)
    member = session.get(Member, person)
    zone = member.zone if member else session.get_one(Workspace, WORKSPACE_ID).zone
    try:
        order = grammar.parse(text)
        assert isinstance(order, orders.Stats)
        one = shown(session, order, zone=zone, now=card.created_at)
    except Refused:
        return StatsCard(GONE)
    by = By(order.by or (By.STEP if order.sequence else By.SEQUENCE))
    return StatsCard(
        title(one),
        lines(session, one),
        table(session, one, by),
        chart(session, one),
        card.file_id,
        choices(one),
    )


def empty(one: Shown) -> str:
    """Give the sentence that stands instead of figures."""
    if one.range:
        return f"Nothing happened in {one.name}{one.range}. Leave the range out to see all of it."
    return (
        NOTHING
        if one.asked.sequence_id is None
        else f"Nobody has been in {one.name} yet, so there are no figures."
    )


def said(found: Table) -> str:
    """Give how many lines a table has."""
    return counted(max(len(found) - 1, 0), "line")
