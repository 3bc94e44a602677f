"""What has become of the leads of a sequence, and of its mails. docs/figures.md says it for people.

Of enrollments, each counted once (one lead that ran twice is two, a start taken back none; a range counts what happened
in it):

    enrolled      came into the sequence
    contacted     at least one mail of a step left
    opened        at least one mail was opened or a link in it clicked, by a person as far as that can be told
    clicked       at least one link was clicked, likewise
    interactions  clicked, answered, or booked a meeting
    answered      a person replied (no absence note, no bounce)
    interrupted   ended before the last step; `reasons` says why
    completed     came to the end
    active, paused, left out    how the others stand now, whatever the range: `left out` was skipped before its first step

Of deliveries: planned = sent + failed + uncertain + skipped + open, each dated by when it was settled, or else made. They
are mails of steps; by step also tasks (`sent` is done), by channel everything.

By week an enrollment counts in the week in which it first did so within the range. By sender deliveries count with the
mailbox they left from, enrollments with the one they keep. By step an answer counts after the last mail before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, union_all
from sqlalchemy import select as sql
from sqlmodel import Session

from core.acts import DELIVERIES, ENROLLMENTS, JOURNAL, LEADS
from core.current import never_was
from core.facts import (
    DATED,
    HAS_LEFT,
    IS_ANSWER,
    IS_CLICK,
    IS_MAIL,
    IS_OPEN,
    MESSAGES,
    VISITS,
    meetings,
)
from core.figures import Weeks
from core.lifecycle import Status
from core.models import Batch, DeliveryState
from core.people import SYSTEM
from core.worklist import Scope

BATCHES = Batch.__table__  # type: ignore[attr-defined]
D_, E_, J_ = DELIVERIES.c, ENROLLMENTS.c, JOURNAL.c
Key = tuple[Any, Any]  # what it is broken down by; of a variant, its step and its name
Found = dict[Key, "Counts"]
WHOLE: Key = (0, None)


class Figure(StrEnum):
    """What is counted."""

    ENROLLED = "enrolled"
    CONTACTED = "contacted"
    OPENED = "opened"
    CLICKED = "clicked"
    INTERACTIONS = "interactions"
    ANSWERED = "answered"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT_OUT = "left out"
    PLANNED = "planned"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    OPEN = "open"


Counts = Counter[Figure]


class By(StrEnum):
    """What figures are broken down by; NOTHING: not at all."""

    NOTHING = ""
    SEQUENCE = "sequence"
    STEP = "step"
    SENDER = "sender"
    CHANNEL = "channel"
    WEEK = "week"
    VARIANT = "variant"


_OF_STATUS = {
    Status.STOPPED: Figure.INTERRUPTED,
    Status.COMPLETED: Figure.COMPLETED,
    Status.PENDING: Figure.ACTIVE,
    Status.IN_PROGRESS: Figure.ACTIVE,
    Status.PAUSED: Figure.PAUSED,
    Status.SKIPPED: Figure.LEFT_OUT,
}
_OF_STATE = {
    DeliveryState.SENT: Figure.SENT,
    DeliveryState.FAILED: Figure.FAILED,
    DeliveryState.UNCERTAIN: Figure.UNCERTAIN,
    DeliveryState.SKIPPED: Figure.SKIPPED,
}  # every other state is open
ENDED = (Status.STOPPED.value, Status.COMPLETED.value)
FATES = (Figure.SENT, Figure.FAILED, Figure.UNCERTAIN, Figure.SKIPPED, Figure.OPEN)
_OF_STEPS = (By.STEP, By.VARIANT)


@dataclass(frozen=True)
class Asked:
    """Of what figures are wanted. `sequence_id` None: of all; `since` and `until` bound moments, the last excluded.

    `mailbox_id`: of one sender alone, as By.SENDER counts them; None: of all.
    """

    sequence_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    leads: Scope = field(default_factory=Scope)
    mailbox_id: int | None = None

    def of_enrollments(self, mailbox: ColumnElement[Any] = E_.mailbox_id) -> list[ColumnElement[bool]]:
        """Give the conditions on enrollments, but not those that never were; `mailbox`: the column that tells the sender."""
        conditions = [~never_was()]
        if self.sequence_id is not None:
            conditions.append(E_.sequence_id == self.sequence_id)
        if self.mailbox_id is not None:
            conditions.append(mailbox == self.mailbox_id)
        if of_leads := self.leads.condition():
            conditions.append(E_.lead_id.in_(sql(LEADS.c.id).where(*of_leads)))
        return conditions

    def of_moment(self, moment: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Give the conditions on when something happened."""
        return [
            *([moment >= self.since] if self.since else []),
            *([moment < self.until] if self.until else []),
        ]


def count(
    session: Session,
    asked: Asked,
    by: By = By.NOTHING,
    *,
    weeks: Weeks | None = None,
    only: Collection[Figure] = tuple(Figure),
) -> Found:
    """Give the figures by what they are broken down by; `weeks` are needed for By.WEEK, and earlier ones count as the first."""
    found: Found = {WHOLE: Counts()} if by is By.NOTHING else {}
    for query in _queries(asked, by, weeks, set(only)):
        for key, part, figure, number in session.execute(query):
            if number:
                found.setdefault((key, part), Counts())[Figure(figure)] += number
    for counts in found.values():
        if planned := sum(counts[fate] for fate in FATES):
            counts[Figure.PLANNED] = planned
    return found


def reasons(session: Session, asked: Asked) -> list[tuple[str, int]]:
    """Give why enrollments were interrupted, the most frequent first; their sum is `interrupted`."""
    last = (
        sql(J_.enrollment_id, func.max(J_.id).label("id"))
        .where(J_.became == Status.STOPPED.value, J_.enrollment_id.is_not(None))
        .group_by(J_.enrollment_id)
        .subquery()
    )
    verb, is_ours = BATCHES.c.verb, J_.actor == SYSTEM.id
    is_word = or_(E_.end_reason.contains("unsubscribe"), E_.end_reason.contains("suppressed"))
    why = case(
        *((verb == event, words) for event, words in _EVENTS.items()),
        (and_(is_ours, is_word), "unsubscribed or suppressed"),
        (J_.verb == "restart", "restarted"),
        (is_ours, "by a rule"),
        (J_.actor.is_not(None), "by a person"),
        else_="for a reason that is no longer on record",
    ).label("why")
    query = (
        sql(why, func.count().label("number"))
        .select_from(ENROLLMENTS)
        .outerjoin(last, last.c.enrollment_id == E_.id)
        .outerjoin(JOURNAL, J_.id == last.c.id)
        .outerjoin(BATCHES, BATCHES.c.id == J_.batch_id)
        .where(
            E_.status == Status.STOPPED.value, *asked.of_enrollments(), *asked.of_moment(E_.ended_at)
        )
        .group_by("why")
    )  # fmt: skip
    return sorted(
        ((row.why, row.number) for row in session.execute(query)), key=lambda one: (-one[1], one[0])
    )


# What a batch of a rule is called, and what it says of the lead.
_EVENTS = {
    "reply": "replied",
    "bounce": "bounced",
    "unsubscribe": "unsubscribed",
    "complaint": "complained",
    "meeting": "booked a meeting",
    "click": "clicked",
    "goal": "met a goal",
}


def _queries(asked: Asked, by: By, weeks: Weeks | None, only: set[Figure]) -> Iterator[Select[Any]]:
    """Give statements of four columns: what it is broken down by in two, the figure, and its number."""
    if only & {*FATES, Figure.PLANNED}:
        yield _deliveries(asked, by, weeks)
    if by is By.CHANNEL:
        return
    firsts = {figure: fact for figure, fact in _facts().items() if figure in only}
    if by in _OF_STEPS:
        yield from (_of_step(asked, by, figure) for figure in firsts if figure in _BY_VISIT)
        if Figure.ANSWERED in firsts:
            yield _answered_after(asked, by, firsts[Figure.ANSWERED])
        return
    for figure, fact in firsts.items():
        first = _first(asked, fact)
        yield (
            _grouped(by, E_.mailbox_id, weeks, first.c.at, literal(figure.value))
            .join_from(first, ENROLLMENTS, E_.id == first.c.enrollment_id)
            .where(*asked.of_enrollments())
        )
    if Figure.ENROLLED in only:
        enrolled = _grouped(by, E_.mailbox_id, weeks, E_.enrolled_at, literal(Figure.ENROLLED.value))
        yield enrolled.select_from(ENROLLMENTS).where(
            *asked.of_enrollments(), *asked.of_moment(E_.enrolled_at)
        )
    if only & set(_OF_STATUS.values()):
        yield _statuses(asked, by, weeks)


def _grouped(
    by: By,
    mailbox: ColumnElement[Any],
    weeks: Weeks | None,
    moment: ColumnElement[Any],
    figure: ColumnElement[Any],
    number: ColumnElement[Any] | None = None,
) -> Select[Any]:
    """Give the columns and the grouping of one statement."""
    part: ColumnElement[Any] = null()
    key: ColumnElement[Any] = literal(0)
    match by:
        case By.SEQUENCE:
            key = E_.sequence_id
        case By.SENDER:
            key = mailbox
        case By.CHANNEL:
            key = D_.kind
        case By.STEP:
            key = D_.step_id
        case By.VARIANT:
            key, part = D_.step_id, D_.variant
        case By.WEEK:
            assert weeks is not None
            key = weeks.week_of(moment)
    counted = func.count() if number is None else number
    query = sql(key.label("key"), part.label("part"), figure.label("figure"), counted)
    groups = ["key", *(["part"] if by is By.VARIANT else [])] if by is not By.NOTHING else []
    return query.group_by(*groups, "figure")


def _facts() -> dict[Figure, Select[Any]]:
    """Give what an enrollment did and when, (enrollment_id, at), as often as it did."""
    clicks, opens = (
        sql(D_.enrollment_id, VISITS.c.at).join_from(VISITS, DELIVERIES, D_.id == VISITS.c.delivery_id).where(is_so)
        for is_so in (IS_CLICK, IS_OPEN)
    )  # fmt: skip
    answers = sql(MESSAGES.c.enrollment_id, MESSAGES.c.came_at.label("at")).where(
        IS_ANSWER, MESSAGES.c.enrollment_id.is_not(None)
    )
    met = meetings()
    either = union_all(clicks, answers, met).subquery()
    return {
        Figure.CONTACTED: sql(D_.enrollment_id, D_.settled_at.label("at")).where(HAS_LEFT),
        Figure.OPENED: opens,
        Figure.CLICKED: clicks,
        Figure.INTERACTIONS: sql(either.c.enrollment_id, either.c.at),
        Figure.ANSWERED: answers,
    }


_BY_VISIT = {Figure.OPENED: IS_OPEN, Figure.CLICKED: IS_CLICK}


def _first(asked: Asked, fact: Select[Any]) -> Any:
    """Give when each enrollment did so for the first time within the range."""
    every = fact.subquery()
    query = sql(every.c.enrollment_id, func.min(every.c.at).label("at")).where(*asked.of_moment(every.c.at))
    return query.group_by(every.c.enrollment_id).subquery()


def _deliveries(asked: Asked, by: By, weeks: Weeks | None) -> Select[Any]:
    figure = case(*((D_.state == state.value, name.value) for state, name in _OF_STATE.items()), else_="open")
    kinds = () if by is By.CHANNEL else (D_.step_id.is_not(None),) if by in _OF_STEPS else (IS_MAIL,)
    query = _grouped(by, D_.mailbox_id, weeks, DATED, figure)
    return query.join_from(DELIVERIES, ENROLLMENTS, E_.id == D_.enrollment_id).where(
        *kinds, *asked.of_enrollments(D_.mailbox_id), *asked.of_moment(DATED)
    )


def _statuses(asked: Asked, by: By, weeks: Weeks | None) -> Select[Any]:
    """How enrollments stand; of those that have ended, when."""
    figure = case(*((E_.status == status.value, name.value) for status, name in _OF_STATUS.items()))
    ended = and_(E_.status.in_(ENDED), *asked.of_moment(E_.ended_at))
    of_range = ended if by is By.WEEK else or_(E_.status.not_in(ENDED), ended)
    query = _grouped(by, E_.mailbox_id, weeks, E_.ended_at, figure)
    return query.select_from(ENROLLMENTS).where(of_range, *asked.of_enrollments())


def _of_step(asked: Asked, by: By, figure: Figure) -> Select[Any]:
    """Whose mail of this step was opened, or clicked in."""
    number = func.count(D_.enrollment_id.distinct())
    query = _grouped(by, D_.mailbox_id, None, VISITS.c.at, literal(figure.value), number)
    return (
        query.select_from(VISITS)
        .join(DELIVERIES, D_.id == VISITS.c.delivery_id)
        .join(ENROLLMENTS, E_.id == D_.enrollment_id)
        .where(_BY_VISIT[figure], *asked.of_enrollments(D_.mailbox_id), *asked.of_moment(VISITS.c.at))
    )


def _answered_after(asked: Asked, by: By, fact: Select[Any]) -> Select[Any]:
    """After which step leads first answered: the last mail that had left by then; none: before any mail."""
    first, before = _first(asked, fact), DELIVERIES.alias()
    has_left = (before.c.kind == "email") & (before.c.state == DeliveryState.SENT.value)
    last = (
        sql(func.max(before.c.id))
        .where(before.c.enrollment_id == first.c.enrollment_id, has_left, before.c.settled_at <= first.c.at)
        .scalar_subquery()
    )
    query = _grouped(by, D_.mailbox_id, None, first.c.at, literal(Figure.ANSWERED.value))
    return (
        query.select_from(first)
        .join(ENROLLMENTS, E_.id == first.c.enrollment_id)
        .outerjoin(DELIVERIES, D_.id == last)
        .where(*asked.of_enrollments())
    )
