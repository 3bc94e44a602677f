"""The statements for very many rows say exactly what `decide` says, row by row (DESIGN §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as events
from sqlalchemy import insert, select
from sqlmodel import Session

from core import acts, bulk, commands
from core.acts import DELIVERIES, ENROLLMENTS, HOLDS, JOURNAL, LEADS, apply, load, open_batch
from core.answers import Answer
from core.cards import CARDS
from core.lifecycle import Event, Hold, Pause, Plan, Policy, Resume, Skip, Source, Status, Stop
from core.models import Batch, DeliveryState, Step
from core.models import Sequence as Sequence_
from core.snapshots import from_snapshot
from tests.world import ANA, DAY, PLAIN, START, World, make

NOW = START.replace(microsecond=250_001)
SOON = NOW + timedelta(days=3, microseconds=999_999 - 250_001)  # a fraction that SQLite's own clock rounds up
LATER = NOW + 20 * DAY
OF_BATCH, OF_OTHER = "of the batch", "of another"
WINDOWED = PLAIN.replace("Spring", "Windowed").replace(
    "lead_zone: false", "lead_zone: true\nresume: keep"
) + ("window: {days: Mon-Fri, from: '09:00', to: '17:00'}\n")
SEQUENCES, STEPS = Sequence_.__table__, Step.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Placed:
    """An open hold."""

    source: Source = Source.PERSON
    author: str = ANA.id
    until: datetime | None = None
    batch: str | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of row. `deliveries`: the state of that of each step, from the current one on."""

    status: Status
    has_started: bool = True
    due_at: datetime | None = SOON
    remaining: timedelta | None = None
    holds: tuple[Placed, ...] = ()
    deliveries: tuple[DeliveryState, ...] = ()
    zone: str | None = None
    sequence: str = "Spring"
    has_card: bool = True
    awaits_since: datetime | None = None


MINE, BENS, DATED = Placed(), Placed(author="U0BEN"), Placed(until=LATER)
KEPT = Placed(until=LATER, policy=Policy.KEEP)
HELD: tuple[tuple[Placed, ...], ...] = (
    (), (MINE,), (DATED,), (KEPT,), (BENS,), (MINE, BENS), (Placed(batch=OF_BATCH),), (Placed(batch=OF_OTHER),),
    (Placed(batch=OF_BATCH), replace(BENS, batch=OF_OTHER)),
    *((Placed(source, "system"),) for source in Source if source is not Source.PERSON),
    (Placed(Source.OUT_OF_OFFICE, "system", LATER), MINE), (Placed(Source.UNCERTAIN, "system", batch=OF_OTHER), Placed(batch=OF_BATCH)),
)  # fmt: skip
UNDER_WAY: tuple[tuple[DeliveryState, ...], ...] = ((), *((state,) for state in DeliveryState))
EVERY_KIND = [
    *(Kind(status, has_started, due_at, deliveries=deliveries)
      for status, has_started, due_at, deliveries in product(
          [status for status in Status if status is not Status.PAUSED], (False, True), (None, NOW - DAY, NOW, SOON),
          UNDER_WAY)),
    *(Kind(Status.PAUSED, has_started, due_at, remaining, holds, deliveries)
      for holds, has_started, (due_at, remaining), deliveries in product(
          HELD, (False, True), ((None, None), (SOON, None), (SOON, 2 * DAY), (NOW - DAY, timedelta(0))),
          ((), (DeliveryState.OPEN,), (DeliveryState.SENDING,), (DeliveryState.CLAIMED, DeliveryState.READY)))),
    *(Kind(status, True, SOON, remaining, holds, (), zone, sequence, has_card=False)
      for (status, remaining, holds), zone, sequence in product(
          ((Status.PENDING, None, ()), (Status.PAUSED, 3 * DAY, (MINE,))),
          (None, "America/New_York", "Asia/Kolkata"), ("Spring", "Windowed"))),
    *(Kind(status, True, due_at, remaining, holds, sequence="Windowed", awaits_since=NOW - 2 * DAY)
      for (status, remaining, holds), due_at in product(
          ((Status.IN_PROGRESS, None, ()), (Status.PAUSED, 3 * DAY, (MINE,)), (Status.PAUSED, 3 * DAY, (MINE, BENS))),
          (NOW - DAY, SOON))),
]  # fmt: skip


def mine(batch: int, until: datetime | None = None) -> Hold:
    return Hold(Source.PERSON, "because", ANA.id, NOW, until, batch)


def by_zone(plan: Plan) -> datetime:
    """An end that is another one in each zone."""
    return LATER + timedelta(hours=len(plan.calendar.zone))


# An event for a plan, of the act's own batch and of the earlier one that some holds are of.
EVENTS: dict[str, Callable[[Plan, int, int], Event]] = {
    "pause": lambda _, own, __: Pause(mine(own)),
    "pause all": lambda _, own, __: Pause(mine(own), is_wide=True),
    "pause all until": lambda plan, own, _: Pause(mine(own, by_zone(plan)), is_wide=True),
    "pause until": lambda _, own, __: Pause(mine(own, LATER)),
    "pause until, then keep": lambda _, own, __: Pause(replace(mine(own, LATER), policy=Policy.KEEP)),
    "pause without a reason": lambda _, own, __: Pause(replace(mine(own), reason="")),
    "pause until without a reason": lambda _, own, __: Pause(replace(mine(own, LATER), reason="")),
    "pause for the same reason": lambda _, own, __: Pause(replace(mine(own), reason="then")),
    "reply": lambda _, own, __: Pause(Hold(Source.REPLY, "", "system", NOW, None, own), is_wide=True),
    "resume": lambda *_: Resume(),
    "resume freeze": lambda *_: Resume(Policy.FREEZE),
    "resume keep": lambda *_: Resume(Policy.KEEP),
    "resume at": lambda *_: Resume(Policy.AT, SOON),
    "resume at once": lambda *_: Resume(Policy.AT, NOW - DAY),
    "resume batch": lambda _, __, earlier: Resume(batch_id=earlier),
    "stop": lambda *_: Stop(),
    "skip": lambda *_: Skip(),
}


@pytest.fixture
def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two sequences: one without a window, one with a window in the lead's zone and another policy."""
    monkeypatch.setattr(
        acts, "MOST_ANNOUNCED", -1
    )  # as of very many, whose ends are not announced lead by lead
    world = make(database_url, PLAIN)
    world.add(WINDOWED)
    return world


class Twins:
    """The same rows twice, so that one half can go through the statements and the other through `decide`."""

    def __init__(self, session: Session, kinds: Sequence[Kind]) -> None:
        self.session = session
        self.batches = {
            which: open_batch(session, which, actor=ANA, now=NOW - DAY) for which in (OF_BATCH, OF_OTHER)
        }
        self.sequences = dict(session.execute(select(SEQUENCES.c.name, SEQUENCES.c.id)).all())
        self.steps = {
            id_: list(session.execute(select(STEPS.c.id).where(STEPS.c.sequence_id == id_).order_by(STEPS.c.position)).scalars())
            for id_ in self.sequences.values()
        }  # fmt: skip
        self.halves = [self._half(kinds, 1), self._half(kinds, 1 + len(kinds))]

    def _half(self, kinds: Sequence[Kind], first: int) -> range:
        ids = range(first, first + len(kinds))
        rows = list(zip(ids, kinds, strict=True))
        self._insert(LEADS, [{"id": i, "email": f"lead{i - first}@half{first}.test", "zone": kind.zone, "custom": {},
                              "created_at": NOW, "first_name": "", "last_name": "", "name": "", "company": "",
                              "domain": "", "stage": ""} for i, kind in rows])  # fmt: skip
        self._insert(ENROLLMENTS, [{"id": i, "lead_id": i, **self._enrollment(kind)} for i, kind in rows])
        self._insert(
            HOLDS, [{"enrollment_id": i, **self._hold(placed)} for i, kind in rows for placed in kind.holds]
        )
        self._insert(DELIVERIES, [delivery for i, kind in rows for delivery in self._deliveries(i, kind)])
        self._insert(CARDS, [{"key": f"lead:{i}", "kind": "lead", "channel": "C0", "lead_id": i, "wanted": 1,
                              "drawn": 1, "tries": 0, "created_at": NOW} for i, kind in rows if kind.has_card])  # fmt: skip
        return ids

    def _insert(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.session.execute(insert(table), rows)

    def _enrollment(self, kind: Kind) -> dict[str, Any]:
        waits = kind.due_at if kind.status is not Status.PAUSED else None
        return {"sequence_id": self.sequences[kind.sequence], "run": 1, "status": kind.status.value, "position": 1,
                "attempt": 0, "due_at": kind.due_at, "send_at": waits, "wake_at": waits, "remaining": kind.remaining,
                "mailbox_id": 1, "has_started": kind.has_started, "version": 5, "enrolled_at": NOW - 9 * DAY,
                "awaits_since": kind.awaits_since, "ended_at": NOW - DAY, "end_reason": "over"}  # fmt: skip

    def _hold(self, placed: Placed) -> dict[str, Any]:
        batch = self.batches[placed.batch] if placed.batch else None
        return {"source": placed.source.value, "reason": "then", "author": placed.author, "placed_at": NOW - DAY,
                "until": placed.until, "policy": placed.policy, "batch_id": batch, "released_at": None,
                "announce_at": placed.until and placed.until - DAY}  # fmt: skip

    def _deliveries(self, i: int, kind: Kind) -> list[dict[str, Any]]:
        steps = self.steps[self.sequences[kind.sequence]]
        return [{"enrollment_id": i, "step_id": steps[1 + n], "attempt": 0, "kind": "email", "state": state.value,
                 "subject": "", "fence": 3, "tries": 0, "lease_until": NOW + DAY, "created_at": NOW}
                for n, state in enumerate(kind.deliveries)]  # fmt: skip

    def outcome(self, half: int, batch: int, refusals: Sequence[str]) -> dict[str, Any]:
        """All that one half of the database says now, without the numbers in which the halves must differ."""
        ids = self.halves[half]
        own = {batch: "own", **{id_: which for which, id_ in self.batches.items()}}

        def told(table: Any, column: Any, *left_out: str) -> list[dict[str, Any]]:
            query = select(table).where(column.in_(list(ids))).order_by(column, table.c.id)
            rows = [dict(row) for row in self.session.execute(query).mappings()]
            for row in rows:
                row["of"] = row[column.name] - ids[0]
                if "batch_id" in row:
                    row["batch_id"] = own.get(row["batch_id"], row["batch_id"])
            return [{name: value for name, value in row.items() if name not in {"id", "key", column.name, *left_out}}
                    for row in rows]  # fmt: skip

        lines = told(JOURNAL, JOURNAL.c.enrollment_id, "lead_id")
        for line in lines:
            before = from_snapshot("", line["before"])
            line["before"] = replace(before, holds=tuple(
                replace(hold, id=n, batch_id=own.get(hold.batch_id or 0, hold.batch_id)) for n, hold in enumerate(before.holds)))  # type: ignore[arg-type]  # fmt: skip
        return {
            "enrollments": told(ENROLLMENTS, ENROLLMENTS.c.id, "lead_id"),
            "holds": told(HOLDS, HOLDS.c.enrollment_id),
            "deliveries": told(DELIVERIES, DELIVERIES.c.enrollment_id),
            "journal": lines,
            "cards": [card["wanted"] > card["drawn"] for card in told(CARDS, CARDS.c.lead_id)],
            "refusals": [refusal.replace(f"@half{ids[0]}.test", "") for refusal in refusals],
            "size": self.session.execute(select(Batch.size).where(Batch.id == batch)).scalar_one(),  # type: ignore[arg-type, call-overload]
        }


def compare(world: World, kinds: Sequence[Kind], event: str) -> int:
    """Do it to both halves, compare all they left, take it back; gives how many the statements took on."""
    with world.db.write() as session:
        twins = Twins(session, kinds)
        own = [open_batch(session, "act", actor=ANA, now=NOW) for _ in range(2)]
        asked = [
            lambda plan, batch=batch: EVENTS[event](plan, batch, twins.batches[OF_BATCH]) for batch in own
        ]
        acted = bulk.apply_alike(session, twins.halves[0], asked[0], bulk.Act("act", ANA, NOW, "why", own[0]))
        changed = apply(
            session, twins.halves[1], lambda row: asked[1](row.sequence.plan(row.zone)), verb="act", actor=ANA,
            now=NOW, reason="why", batch_id=own[1],
        )  # fmt: skip
        session.expire_all()
        by_statement = twins.outcome(0, own[0], acted.others.refusals)
        by_decide = twins.outcome(1, own[1], changed.refusals)
        for part, expected in by_decide.items():
            assert by_statement[part] == expected, part
        assert acted.lead_ids == {i: i for i in acted.lead_ids}
        session.rollback()
    return len(acted.lead_ids)


def test_what_a_hold_takes_the_place_of_is_looked_up_once_for_all(world: World) -> None:
    """Row by row it was looked for among the holds that were just being added, ever more of them."""
    said: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("INSERT INTO hold") and "FROM acting" in statement:
            word = "EXPLAIN QUERY PLAN" if world.db.is_sqlite else "EXPLAIN"
            cursor.execute(f"{word} {statement}", parameters)
            said.extend(str(line) for line in cursor.fetchall())

    events.listen(world.db.engine, "before_cursor_execute", explain)
    compare(world, [Kind(Status.PENDING), Kind(Status.PAUSED, True, SOON, 2 * DAY, (DATED,))], "pause all")
    assert said
    assert not [line for line in said if "SubPlan" in line or "CORRELATED" in line], said


@pytest.mark.parametrize("event", EVENTS)
def test_every_kind_of_row_becomes_what_decide_says(world: World, event: str) -> None:
    taken_on = compare(world, EVERY_KIND, event)

    assert (taken_on > 0) == (event not in {"reply", "skip"})


instants = st.timedeltas(-30 * DAY, 90 * DAY).map(lambda span: NOW + span)
rests = st.timedeltas(timedelta(0), 90 * DAY)
held = st.builds(
    Placed, st.sampled_from(Source), st.sampled_from([ANA.id, "U0BEN"]), st.sampled_from([None, LATER]),
    st.sampled_from([None, OF_BATCH, OF_OTHER]),
)  # fmt: skip
awake = st.builds(
    Kind, st.sampled_from([status for status in Status if status is not Status.PAUSED]), st.booleans(), st.none() | instants,
    st.none(), st.just(()), st.lists(st.sampled_from(DeliveryState), max_size=2).map(tuple),
    st.sampled_from([None, "Europe/Berlin", "America/New_York", "Asia/Kolkata"]), st.sampled_from(["Spring", "Windowed"]), st.booleans(),
)  # fmt: skip
asleep = st.builds(
    lambda kind, rest, holds: replace(kind, status=Status.PAUSED, remaining=rest, holds=tuple(holds)),
    awake, st.none() | rests, st.lists(held, max_size=3),
)  # fmt: skip


@given(kinds=st.lists(awake | asleep, min_size=1, max_size=8), event=st.sampled_from(sorted(EVENTS)))
def test_any_rows_become_what_decide_says(world: World, kinds: list[Kind], event: str) -> None:
    compare(world, kinds, event)


RUNS = Kind(Status.PENDING)
RESTS = Kind(Status.PAUSED, remaining=2 * DAY, holds=(Placed(batch=OF_BATCH), Placed(Source.MEETING, "system", LATER, OF_BATCH)))  # fmt: skip
PLAIN_CASES = {
    "pause": [RUNS, replace(RUNS, status=Status.IN_PROGRESS), replace(RESTS, holds=(BENS,)), replace(RESTS, holds=(DATED,))],
    "pause all until": [RUNS, replace(RUNS, has_started=False), RESTS],
    "resume": [RESTS, replace(RESTS, deliveries=(DeliveryState.OPEN,)), replace(RESTS, zone="Asia/Kolkata")],
    "resume batch": [RESTS],
    "stop": [RUNS, RESTS, replace(RUNS, status=Status.SKIPPED), replace(RUNS, status=Status.IN_PROGRESS)],
}  # fmt: skip


@pytest.mark.parametrize("event", PLAIN_CASES)
def test_the_common_rows_are_left_to_the_statements(world: World, event: str) -> None:
    assert compare(world, PLAIN_CASES[event], event) == len(PLAIN_CASES[event])


LEADS_OF_ACME = [f"lead{number:02}@acme.test" for number in range(12)]


@pytest.fixture
def acme(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Twelve leads between two steps, which already count as very many."""
    monkeypatch.setattr(bulk, "MANY", 2)
    world.enrol(*LEADS_OF_ACME[:6], zone="America/New_York")
    world.enrol(*LEADS_OF_ACME[6:])
    world.tick()
    return world.later(days=1, minutes=1)


def confirmed(world: World, text: str) -> Answer:
    """The answer to a command that touches so many that it asks first."""
    return commands.confirm(world.desk, world.say(text).choices[0].proposal or "", actor=ANA, now=world.now)


def states(world: World) -> list[dict[str, Any]]:
    """Everything about the leads that an undo must bring back."""
    with world.db.read() as session:
        ids = [world.enrollment(email).id or 0 for email in LEADS_OF_ACME]
        return [
            {
                **vars(row.state),
                "holds": [replace(hold, id=None) for hold in row.state.holds],
                "send_at": row.send_at,
            }
            for row in load(session, ids)
        ]


def test_many_are_counted_in_the_answer(acme: World) -> None:
    assert confirmed(acme, "pause @acme.test").title == "Paused 12 leads (12 enrollments)."
    assert confirmed(acme, "resume @acme.test").title == "Resumed 12 leads (12 enrollments)."
    assert confirmed(acme, "stop @acme.test").title == "Stopped 12 leads (12 enrollments)."


def test_who_could_not_be_changed_is_named(acme: World) -> None:
    question = acme.say("pause @acme.test")
    acme.say(f"stop {LEADS_OF_ACME[0]}")

    answer = commands.confirm(acme.desk, question.choices[0].proposal or "", actor=ANA, now=acme.now)

    assert answer.title == "Paused 11 leads (11 enrollments)."
    assert answer.lines == (
        f"{LEADS_OF_ACME[0]} in Spring is stopped and sends nothing. Use `start` for a new run.",
    )


@pytest.mark.parametrize(
    "text", ["pause @acme.test until June 15", "resume @acme.test keep", "stop @acme.test"]
)
def test_an_undo_brings_back_what_the_statements_changed(acme: World, text: str) -> None:
    acme.say(f"pause {LEADS_OF_ACME[0]} because she asked")
    if text.startswith("resume"):
        confirmed(acme, "pause @acme.test until July 1")
        acme.later(hours=5)
    before = states(acme)
    batch = confirmed(acme, text).batch_id
    assert states(acme) != before
    acme.later(hours=3)

    confirmed(acme, f"undo {batch}")

    assert states(acme) == before


def test_each_countdown_goes_on_where_it_stood(acme: World) -> None:
    confirmed(acme, "pause @acme.test")
    frozen = [state["remaining"] for state in states(acme)]
    acme.later(days=9, seconds=7)

    confirmed(acme, "resume @acme.test")

    assert [state["due_at"] - acme.now for state in states(acme)] == frozen
    assert {email for _, email, _ in acme.run_until(acme.now + 3 * DAY)} == set(LEADS_OF_ACME)


def test_no_claim_survives_a_pause_of_many_and_what_had_begun_is_named(acme: World) -> None:
    acme.later(days=3)
    claims = acme.claims()
    begun, claimed = claims[0], claims[1:]
    acme.begin([begun])
    acme.wait_seconds = 0

    answer = confirmed(acme, "pause @acme.test")

    assert acme.begin(claimed) == set()
    assert [line for line in answer.lines if "had begun leaving" in line] == list(answer.lines)
    assert begun.lead.email in answer.lines[0]
    assert {delivery.state for email in LEADS_OF_ACME for delivery in acme.deliveries(email)} == {
        "sent",
        "ready",
        "sending",
    }
