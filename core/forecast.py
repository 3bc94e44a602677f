"""What would leave in the next days if nothing happened: no answers, no bounces, nobody who acts. Pure.

The rules are the sender's own (core.schedule, core.mailboxes.cap_on, lifecycle's countdowns), worked through in memory,
mailbox by mailbox: a step leaves at the first moment at which its countdown, its window, the cap of the mailbox's day and
its gap all allow it; the oldest goes first. A task is never done here, a condition never comes true, and a jump leads on to
the other sequence, where the lead may begin there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush

from core.forks import AGAIN_AFTER
from core.lifecycle import Plan, StepKind
from core.mailboxes import cap_on, day_of
from core.models import Mailbox
from core.schedule import DAY, Calendar, at_local, due_after, send_at

DAYS = 14
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NEWER = 10**10  # added to a lead's number as it begins anew: the sender takes first who began earlier


@dataclass(frozen=True, eq=False)
class Way:
    """A sequence as leads of one calendar go through it. `mailbox_id`: from which; None: whichever is looked at.

    `otherwise`: by position, where those conditions lead that do not come true; a position behind the last step is the end.
    `jumps`: by position, the ways through the other sequence, one for each mailbox that takes turns there; none: the lead
    is held.
    """

    plan: Plan
    otherwise: Mapping[int, int] = field(default_factory=dict)
    sequence_id: int = 0
    mailbox_id: int | None = None
    jumps: dict[int, tuple[Way, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A lead in a sequence: the next step and when its countdown ends. `awaits`: it waits for a condition until then.

    `begun`: by sequence that a jump can lead to, when it began there last; None: nothing starts it there by itself.
    """

    id: int
    position: int
    due_at: datetime
    way: Way
    awaits: bool = False
    wake_at: datetime | None = None  # when the sender looks again, where that is later
    begun: Mapping[int, datetime | None] = field(default_factory=dict)

    def jumped(self, position: int, at: datetime) -> Standing | None:
        """Give where it stands after a jump, by the rule of core.forks; None: it is held there."""
        ways = self.way.jumps.get(position, ())
        if not ways:
            return None
        way = ways[self.id % len(ways)]
        last = self.begun.get(way.sequence_id, LONG_AGO)
        if last is None or at - last < AGAIN_AFTER:
            return None
        due = due_after(at, way.plan.steps[0].delay, way.plan.calendar)
        return Standing(self.id + NEWER, 0, due, way, begun={**self.begun, way.sequence_id: at})


@dataclass(frozen=True)
class Outlook:
    """A mailbox day by day, on its own calendar: how much leaves, how much may, and how much is due and waits over night."""

    address: str
    days: tuple[date, ...]
    sent: tuple[int, ...]
    caps: tuple[int, ...]
    waiting: tuple[int, ...]
    gone: tuple[Standing, ...] = ()  # whom a jump has led to another mailbox


def outlook(
    mailbox: Mailbox, leads: Iterable[Standing], *, handed: int, now: datetime, days: int = DAYS
) -> Outlook:
    """Give what leaves a mailbox from now until the end of its last day; `handed`: of today's cap."""
    work = _Work(mailbox, handed, now, days)
    for lead in leads:
        work.take(lead, now)
    work.run()
    counts = (tuple(work.sent), tuple(work.caps), tuple(work.waiting))
    return Outlook(mailbox.address, work.dates, *counts, tuple(work.gone))


@dataclass(frozen=True, order=True)
class _Item:
    """A mail to come. `at`: when the sender looks at it; `possible`: when its window first allows it."""

    key: tuple[object, ...]
    at: datetime = field(compare=False)
    possible: datetime = field(compare=False)
    lead: Standing = field(compare=False)

    @property
    def id(self) -> int:
        """Give the lead's number."""
        return self.lead.id


@dataclass
class _Line:
    """Leads of one calendar: those that are due, by number, and those to come, by date. `turn`: when it is looked at."""

    number: int
    calendar: Calendar
    ready: list[_Item] = field(default_factory=list)
    coming: list[_Item] = field(default_factory=list)
    turn: tuple[datetime, int] | None = None


class _Work:
    """One mailbox at work. Leads of one calendar wait in one line, so that what keeps the first keeps the others too."""

    def __init__(self, mailbox: Mailbox, handed: int, now: datetime, days: int) -> None:
        self._box, self._now = mailbox, now
        first = day_of(mailbox, now)
        self.dates = tuple(first + number * DAY for number in range(days))
        self._midnights = [
            at_local(day, time.min, mailbox.zone).astimezone(UTC) for day in (*self.dates, first + days * DAY)
        ]
        self.caps = self._caps(mailbox.first_day)
        self.sent, self.waiting = [0] * days, [0] * days
        self._spent = [handed, *[0] * (days - 1)]
        self._gap = timedelta(seconds=mailbox.min_gap_seconds or 0)
        self._last = mailbox.last_handed_at
        self._moment = now
        self._lines: dict[Calendar, _Line] = {}
        self._turns: list[tuple[datetime, int, int, _Line]] = []
        self.gone: list[Standing] = []

    def _caps(self, first_day: str | None) -> list[int]:
        box = Mailbox.model_construct(
            cap_per_day=self._box.cap_per_day, ramp_from=self._box.ramp_from, ramp_step=self._box.ramp_step,
            first_day=first_day,
        )  # fmt: skip
        return [cap_on(box, day) for day in self.dates]

    def take(self, lead: Standing, moment: datetime) -> None:
        """Put a lead into its line, past all that is no mail; one whose way ends here is left out."""
        position, due, awaits = lead.position, lead.due_at, lead.awaits
        steps, calendar = lead.way.plan.steps, lead.way.plan.calendar
        while position < len(steps) and due < self._midnights[-1]:
            step = steps[position]
            if step.kind is StepKind.EMAIL:
                possible = send_at(max(due, moment), calendar)
                at = max(possible, lead.wake_at or possible)
                left = Standing(lead.id, position, due, lead.way, begun=lead.begun)
                self._put(calendar, _Item((at, lead.id), at, possible, left))
                return
            if step.kind is StepKind.JUMP:
                self._jump(lead, position, send_at(max(due, moment), calendar))
                return
            if step.kind is not StepKind.CONDITION:
                return
            ends = (
                due if awaits else due_after(due, step.within, calendar)
            )  # from the planned date, as lifecycle has it
            position, awaits = lead.way.otherwise.get(position, position + 1), False
            if position < len(steps):
                due = due_after(ends, steps[position].delay, calendar)

    def _jump(self, lead: Standing, position: int, at: datetime) -> None:
        there = lead.jumped(position, at)
        if there is not None and there.way.mailbox_id in {None, self._box.id}:
            self.take(there, at)
        elif there is not None:
            self.gone.append(there)

    def _put(self, calendar: Calendar, item: _Item) -> None:
        line = self._lines.setdefault(calendar, _Line(len(self._lines), calendar))
        heappush(line.coming, item)
        self._stand(line, max(self._moment, line.coming[0].at))

    def _stand(self, line: _Line, at: datetime) -> None:
        """Let a line have its next turn no later than now planned, and no earlier than `at`."""
        who = line.ready[0].id if line.ready else line.coming[0].id
        if line.turn is None or (at, who) < line.turn or line.turn[0] < self._moment:
            line.turn = (at, who)
            heappush(self._turns, (at, who, line.number, line))

    def run(self) -> None:
        """Let leave what may, until the last midnight.

        Of all that is due the sender takes the lowest number first, since what has waited for cap or gap wakes together.
        """
        while self._turns:
            at, who, _, line = heappop(self._turns)
            if line.turn != (at, who):
                continue  # it got an earlier turn
            line.turn, self._moment = None, max(at, self._moment)
            while line.coming and line.coming[0].at <= at:
                item = heappop(line.coming)
                heappush(line.ready, replace(item, key=(item.id,)))
            if not line.ready:
                if line.coming:
                    self._stand(line, line.coming[0].at)
                continue
            moment = self._free(send_at(at, line.calendar), line.calendar)
            if moment >= self._midnights[-1]:
                continue  # and so is everything behind it
            if moment > at or line.ready[0].id != who:
                self._stand(line, moment)
                continue
            item = heappop(line.ready)
            if line.ready or line.coming:
                self._stand(line, at if line.ready else line.coming[0].at)
            self._leaves(item, moment)
        for line in self._lines.values():
            for item in (*line.ready, *line.coming):
                self._waits(item.possible, len(self.dates))

    def _free(self, moment: datetime, calendar: Calendar) -> datetime:
        """Give the first moment from this one on at which window, gap and cap allow a mail."""
        while moment < self._midnights[-1]:
            if self._last is not None and self._gap:
                moment = max(moment, self._last + self._gap)
            day = self._day(moment)
            if day >= len(self.dates):
                return moment
            if self._spent[day] >= self.caps[day]:
                moment = max(moment, self._midnights[day + 1])
            later = send_at(moment, calendar)
            if (
                later == moment
                and (day := self._day(moment)) < len(self.dates)
                and self._spent[day] < self.caps[day]
            ):
                return moment
            moment = later
        return moment

    def _leaves(self, item: _Item, moment: datetime) -> None:
        lead, day = item.lead, self._day(moment)
        if self._box.first_day is None and not any(self._spent):
            self.caps = self._caps(self.dates[day].isoformat())
        self.sent[day] += 1
        self._spent[day] += 1
        self._last = moment
        self._waits(item.possible, day)
        plan, position = lead.way.plan, lead.position + 1
        if position < len(plan.steps):
            due = due_after(moment, plan.steps[position].delay, plan.calendar)
            self.take(Standing(lead.id, position, due, lead.way, begun=lead.begun), moment)

    def _waits(self, possible: datetime, until: int) -> None:
        """Count it on each day at whose end it waits, before the day on which it leaves."""
        for day in range(self._day(possible), until):
            self.waiting[day] += 1

    def _day(self, moment: datetime) -> int:
        """Give which of the days it is; their number: later than the last."""
        low = min(max((moment - self._now).days - 1, 0), len(self.dates))
        while low < len(self.dates) and moment >= self._midnights[low + 1]:
            low += 1
        return low


def sentences(found: Sequence[Outlook], *, most: int = 5) -> list[str]:
    """Say of each mailbox on which day the cap or the gap first keeps mails waiting, and of how many."""
    said = []
    for one in found:
        day = next((number for number, count in enumerate(one.waiting) if count), None)
        if day is None:
            continue
        count = one.waiting[day]
        mails = "1 mail waits" if count == 1 else f"{count:,} mails wait"
        if day + 1 < len(one.days):
            mails += f" until {one.days[day + 1]:%A}"
        said.append(f"{one.days[day]:%A %-d %B} is over the cap or gap of {one.address}: {mails}.")
    return said[:most]
