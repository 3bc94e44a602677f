"""What a pause, a resume or a stop would do to a lead, before it is done: the dates by the real rules, nothing written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core.acts import Loaded, load
from core.current import current_run
from core.erasing import is_erased
from core.errors import Refused
from core.lifecycle import LIVE, Enrollment, Hold, Policy, Source, Status
from core.models import LARGEST_ID, Lead
from core.models import Enrollment as EnrollmentRow
from core.people import Actor
from core.verbs.whens import Read
from core.views.forecast import hold_ends_at, if_paused, if_resumed, next_at
from core.views.titles import title_of

GONE = "That lead is no longer here."


@dataclass(frozen=True)
class Outlook:
    """What would become of one lead in one sequence.

    `step`: the next one in words. `planned`: when it leaves as things stand. `ends_at`: when the pause would end. `dates`:
    when the step would leave, by policy; None: not by itself. `on`: the same on the day named. `own`: the sequence's own
    way. `zone`: the lead's, "" where it plays no part. `because`: why there are no dates.
    """

    sequence: str
    step: str
    planned: datetime | None
    own: Policy
    zone: str = ""
    ends_at: datetime | None = None
    dates: Mapping[Policy, datetime | None] | None = None
    on: datetime | None = None
    because: str = ""


@dataclass(frozen=True)
class Standing:
    """A lead with the sequences it is in, the running and paused ones first."""

    lead: Lead
    rows: tuple[Loaded, ...]

    def row(self, enrollment_id: int) -> Loaded:
        """Give one of them; raises Refused for one that is not there any more."""
        for row in self.rows:
            if row.id == enrollment_id:
                return row
        raise Refused(GONE)

    def within(self, statuses: Iterable[Status]) -> list[Loaded]:
        """Give those of these statuses."""
        wanted = set(statuses)
        return [row for row in self.rows if row.state.status in wanted]


def standing(session: Session, *, lead_id: int = 0, enrollment_id: int = 0, email: str = "") -> Standing:
    """Give a lead, by its own number, by an enrollment's or by its address; raises Refused where there is none."""
    query = select(Lead)
    if enrollment_id:
        query = query.join(EnrollmentRow, col(EnrollmentRow.lead_id) == Lead.id)
        query = query.where(EnrollmentRow.id == min(enrollment_id, LARGEST_ID))
    elif lead_id:
        query = query.where(Lead.id == min(lead_id, LARGEST_ID))
    else:
        query = query.where(Lead.email == email)
    lead = session.exec(query).first()
    if lead is None or is_erased(lead):
        raise Refused(GONE)
    ids = session.exec(select(EnrollmentRow.id).where(EnrollmentRow.lead_id == lead.id, current_run()))
    rows = load(session, [number for number in ids if number is not None])
    kept = sorted(rows, key=lambda row: (row.state.status not in LIVE, row.sequence.name))
    return Standing(lead, tuple(kept))


def pausing(row: Loaded, lead: Lead, until: Read | None, *, actor: Actor, now: datetime) -> Outlook:
    """Give what a pause by this person would do; `until` None: it ends when somebody resumes."""
    if until is None:
        return _outlook(row, lead, now)
    plan = row.sequence.plan(row.zone)
    hold = Hold(Source.PERSON, "", actor.id, now, until.hold_end(plan))
    try:
        dates = if_paused(row.state, plan, hold, now=now)
    except Refused as refused:
        return _outlook(row, lead, now, because=str(refused))
    others = "" if any(dates.values()) else _no_date(row.state, hold)
    return _outlook(row, lead, now, ends_at=hold.until, dates=dates, because=others)


def resuming(row: Loaded, lead: Lead, on: Read | None, *, now: datetime) -> Outlook:
    """Give what a resume would do now, by each policy, and on the day named."""
    plan = row.sequence.plan(row.zone)
    try:
        dates = if_resumed(row.state, plan, now=now)
        at = if_resumed(row.state, plan, now=now, at=on.moment(plan, now))[Policy.AT] if on else None
    except Refused as refused:
        return _outlook(row, lead, now, because=str(refused))
    because = "" if any(dates.values()) else _no_date(row.state, None)
    return _outlook(row, lead, now, dates=dates, on=at, because=because)


def steps_left(row: Loaded) -> int:
    """Give how many steps a stop would cancel."""
    return max(len(row.sequence.steps) - row.state.position, 0)


def _outlook(
    row: Loaded,
    lead: Lead,
    now: datetime,
    *,
    ends_at: datetime | None = None,
    dates: Mapping[Policy, datetime | None] | None = None,
    on: datetime | None = None,
    because: str = "",
) -> Outlook:
    plan = row.sequence.plan(row.zone)
    steps = row.sequence.steps
    number = row.state.position
    step = f"Step {number + 1} “{title_of(row, number, lead)}”" if number < len(steps) else ""
    zone = plan.calendar.zone if row.zone == plan.calendar.zone else ""
    return Outlook(
        row.sequence.name,
        step,
        next_at(row.state, plan, now=now),
        plan.resume,
        zone,
        ends_at,
        dates if dates and any(dates.values()) else None,
        on,
        because,
    )


def _no_date(state: Enrollment, hold: Hold | None) -> str:
    """Say why no date can be given of a step that would go on."""
    if state.has_open_task:
        return "It is a task that is open: it comes back for its person, without a date."
    if state.awaits_since is not None:
        return "It waits for a condition, which decides what comes next."
    if state.is_sending or state.status is Status.IN_PROGRESS:
        return "It is being handed over right now."
    if hold is not None and hold_ends_at(state) is None:
        return "Another hold has no end, so it goes on only after somebody resumes."
    return "No date can be given for it."
