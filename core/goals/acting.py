"""What a met goal does: it stops, it starts, in one batch, once for each lead and event; and what kept it from starting.

Whatever keeps a lead from starting does not keep it from being stopped (DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Table, update
from sqlmodel import Session, col, select

from core import cards, leads, sequences
from core.acts import CHUNK, apply, open_batch
from core.chunks import chunks
from core.db import upsert
from core.enrolling import Why
from core.errors import Refused
from core.goal_file.spec import GoalSpec, Widely
from core.goals import ACTOR, GoalEvent, Kind, Settled, Waiting, library
from core.lifecycle import LIVE, Stop
from core.models import Batch, Enrollment, GoalMet, Sequence
from core.people import Actor
from core.plans import parsed
from core.sql import spelling
from core.verbs.choosing import lock_leads, matching
from core.words import counted, ended

METS: Table = GoalMet.__table__  # type: ignore[attr-defined]
CARD = "goal"  # the kind of the notice that somebody was not started
MOST_IN_A_CHAIN = 5  # goals that one event may lead to, one by way of another
NOT_STARTED = "not started in "  # how that part of an outcome begins
TOO_MANY = f"More than {MOST_IN_A_CHAIN} goals led to one another; look which of them should be off."
IN_DOUBT = "It is not certain that this event is genuine and new, and what is in doubt starts nothing."
SUPPRESSED = "The address is suppressed and gets no mail."
_LEFT_ALONE = {Why.THERE: "was in {name} already", Why.BEFORE: "was in {name} before"}


def act(session: Session, waiting: Waiting, *, now: datetime) -> Settled:
    """Let the goals act on every event that waits, and on what they cause themselves."""
    done = Settled()
    goals = library.active(session)
    while waiting.events:
        event = waiting.events.pop(0)
        for goal in goals:
            if not library.is_met(goal.spec, event.kind, event.value):
                continue
            for lead_ids in chunks(_concerned(session, goal.spec, event), CHUNK):
                waiting.cause = event
                try:
                    _Meeting(session, goal, event, now, done).act(lead_ids)
                finally:
                    waiting.cause = None
    return done


def _concerned(session: Session, spec: GoalSpec, event: GoalEvent) -> list[int]:
    """Give the leads that the goal is about."""
    ids = sorted(set(event.lead_ids))
    if spec.when.kind is Kind.NEW_LEAD:
        try:
            ids = matching(session, spec.when.who, ids)
        except Refused:  # the rule names a sequence that was deleted; the list of goals says so
            return []
    if spec.within is not None:
        places = library.ids_of(session, spec.within)
        query = select(Enrollment.lead_id).where(
            col(Enrollment.lead_id).in_(spelling(session).these(ids)),
            col(Enrollment.sequence_id).in_(places),
        )
        ids = sorted(set(session.exec(query)))
    return ids


class _Meeting:
    """One goal, met by one event, for at most CHUNK leads."""

    def __init__(
        self, session: Session, goal: library.Active, event: GoalEvent, now: datetime, done: Settled
    ) -> None:
        self.session, self.goal, self.event, self.now, self.done = session, goal, event, now, done
        self.spec = goal.spec
        self.actor = Actor(f"{ACTOR}{goal.name}", f"the goal {goal.name}")
        self.outcomes: dict[int, list[str]] = {}  # by lead
        self.batch_id = 0

    def act(self, lead_ids: Iterable[int]) -> None:
        """Stop, then start, those of these leads for which this event is new to the goal."""
        locked = [lead.id or 0 for lead in lock_leads(self.session, lead_ids)]
        met = self._place(locked)
        if not met:
            return
        self.outcomes = {lead_id: [] for lead_id in met}
        self.batch_id = open_batch(self.session, "goal", actor=self.actor, now=self.now)
        left = frozenset[int]()
        if self.event.depth < MOST_IN_A_CHAIN:
            left = self._stop()
        missed = self._start(left) if self.spec.start else []
        self._keep(met)
        if missed:
            self._tell(met, missed)

    def _place(self, lead_ids: Collection[int]) -> dict[int, int]:
        """Give by lead the new row of its meeting the goal; of two that come at once the second gets none."""
        known: set[str] = set()
        keys = {lead_id: f"{self.goal.id}:{lead_id}:{self.event.key}" for lead_id in lead_ids}
        if not self.event.is_certain:
            known = set(self.session.exec(select(GoalMet.key).where(col(GoalMet.key).in_(keys.values()))))
        doubt = "" if self.event.is_certain else ":in doubt"
        rows = [
            {"goal_id": self.goal.id, "lead_id": lead_id, "key": key + doubt, "at": self.now, "outcome": ""}
            for lead_id, key in keys.items()
            if key not in known
        ]
        if not rows:
            return {}
        place = upsert(self.session, METS).on_conflict_do_nothing().returning(METS.c.lead_id, METS.c.id)
        found: dict[int, int] = dict(self.session.connection().execute(place, rows).all())
        return found

    def _stop(self) -> frozenset[int]:
        """Stop what the goal stops, and give the sequences that were left."""
        if self.spec.stop is None:
            return frozenset()
        query = select(Enrollment.id).where(
            col(Enrollment.lead_id).in_(list(self.outcomes)), col(Enrollment.status).in_(LIVE)
        )
        if self.spec.stop is Widely.OTHERS and self.spec.start:
            query = query.where(
                col(Enrollment.sequence_id).not_in(library.ids_of(self.session, [self.spec.start]))
            )
        elif not isinstance(self.spec.stop, Widely):
            places = library.ids_of(self.session, self.spec.stop)
            query = query.where(col(Enrollment.sequence_id).in_(places))
        live = [enrollment_id for enrollment_id in self.session.exec(query) if enrollment_id]
        changed = apply(
            self.session, live, lambda _: Stop(), verb="stop", actor=self.actor, now=self.now,
            reason=f"goal {self.goal.name}", batch_id=self.batch_id,
        )  # fmt: skip
        for change in changed.changes:
            self.outcomes[change.row.lead_id].append(f"stopped in {change.row.sequence.name}")
            self.done.stopped.append(change.row.id)
        self.done.lead_ids |= {change.row.lead_id for change in changed.changes}
        return frozenset(change.row.sequence.id for change in changed.changes)

    def _start(self, leaving: frozenset[int]) -> list[int]:
        """Start those who are not in it, and give whom something kept from it that somebody should know."""
        name = self.spec.start or ""
        if self.event.depth >= MOST_IN_A_CHAIN:
            return self._missed(self.outcomes, name, TOO_MANY)
        if not self.event.is_certain:
            return self._missed(self.outcomes, name, IN_DOUBT)
        try:
            row = sequences.find(self.session, name)
            enrolled = leads.enrol(
                self.session, list(self.outcomes), row.id or 0, actor=self.actor, now=self.now,
                batch_id=self.batch_id, is_again=self.spec.again, leaving=leaving,
            )  # fmt: skip
        except Refused as refused:
            return self._missed(self.outcomes, name, str(refused))
        size = Batch.size + len(enrolled.enrollment_ids)
        self.session.execute(update(Batch).where(col(Batch.id) == self.batch_id).values(size=size))
        for lead_id in self.outcomes.keys() - enrolled.left_out.keys():
            self.outcomes[lead_id].append(f"started in {row.name}")
            self.done.lead_ids.add(lead_id)
        for lead_id, why in enrolled.left_out.items():
            if why in _LEFT_ALONE:
                self.outcomes[lead_id].append(_LEFT_ALONE[why].format(name=row.name))
        barred = [lead_id for lead_id, why in enrolled.left_out.items() if why is Why.SUPPRESSED]
        return self._missed(barred, row.name, SUPPRESSED)

    def _missed(self, lead_ids: Iterable[int], name: str, because: str) -> list[int]:
        missed = list(lead_ids)
        for lead_id in missed:
            self.outcomes[lead_id].append(f"{NOT_STARTED}{name}: {because}")
        return missed

    def _keep(self, met: dict[int, int]) -> None:
        """Write what became of each lead, and say it."""
        said: dict[str, list[int]] = {}
        for lead_id, parts in self.outcomes.items():
            said.setdefault("; ".join(parts) or "nothing to do", []).append(lead_id)
        for outcome, lead_ids in said.items():
            rows = METS.c.id.in_([met[lead_id] for lead_id in lead_ids])
            values = {"outcome": outcome, "batch_id": self.batch_id}
            self.session.execute(update(METS).where(rows).values(values))
            leads_ = f" ({counted(len(lead_ids), 'lead')})" if len(self.outcomes) > 1 else ""
            self.done.lines.append(ended(f"The goal {self.goal.name} was met{leads_}: {outcome}"))
        self.done.counts[f"met the goal {self.goal.name}"] = self.done.counts.get(
            f"met the goal {self.goal.name}", 0
        ) + len(met)
        if self.done.lead_ids & self.outcomes.keys():
            self.done.batch_ids.append(self.batch_id)

    def _tell(self, met: dict[int, int], missed: list[int]) -> None:
        """Want one notice about all of these, where the sequence's cards go."""
        key = (self.spec.start or "").casefold()
        text = self.session.exec(select(Sequence.spec).where(Sequence.key == key)).first()
        first = met[missed[0]]
        cards.show(
            self.session, f"{CARD}:{first}", channel=cards.channel_of(self.session, parsed(text).channel if text else None),
            lead_id=missed[0] if len(missed) == 1 else None, about_id=first, now=self.now,
        )  # fmt: skip
