"""Any order of acts against a small model of its own: what people see must not depend on how they got there."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.errors import Refused
from core.lifecycle import (
    Awaited,
    Began,
    Branched,
    CancelStep,
    Done,
    Effect,
    Failed,
    Hold,
    HoldsEnded,
    NeverLeft,
    Pause,
    Policy,
    ResendStep,
    Restore,
    Resume,
    Settle,
    Skip,
    Source,
    Start,
    Status,
    Stop,
    Uncertain,
    Unskip,
    Verdict,
    begin,
    decide,
)  # fmt: skip
from tests.core.test_lifecycle import ALWAYS, DAY, NOW, check  # noqa: F401 - one plan for both
from tests.core.test_lifecycle import FORKED as PLAN

STEPS, DELAY, WITHIN = 3, 4 * DAY, 3 * DAY
FORK = 1  # the step that is a condition
PEOPLE = ("U1", "U2")


class Lifecycle(RuleBasedStateMachine):
    """`holds` maps whom or what to (until, batch); `rest` is the frozen countdown, None while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.next_id = NOW, 1
        self.new_run()

    def new_run(self):
        self.real = begin("ada", now=self.now, plan=PLAN)
        self.ended, self.skipped, self.wire, self.started, self.awaits = None, False, False, False, False
        self.position, self.due, self.rest, self.holds = 0, self.now, None, {}
        self.handed = set()  # (step, attempt) that may have left: never twice (G2)

    def expect(self, event, is_allowed):
        """Do it, and see that it is allowed just when the model says so."""
        if not is_allowed:
            with pytest.raises(Refused, match=r"\.$"):
                decide(self.real, event, now=self.now, plan=PLAN)
            return None
        after, effects = decide(self.real, event, now=self.now, plan=PLAN)
        # Holds get their ids when they are stored.
        holds = []
        for hold in after.holds:
            if hold.id is None:
                self.next_id += 1
            holds.append(hold if hold.id is not None else Hold(hold.source, hold.reason, hold.author, hold.placed_at,
                                                               hold.until, hold.batch_id, self.next_id))  # fmt: skip
        object.__setattr__(after, "holds", tuple(holds))
        self.real = after
        return effects

    def freeze(self):
        if self.rest is None:
            self.rest = max(self.due - self.now, timedelta(0))

    def wake(self, policy=Policy.FREEZE, at=None, since=None):
        if self.holds:
            return
        since = since or self.now
        if policy is Policy.FREEZE:
            self.due = since + self.rest
        elif policy is Policy.KEEP:
            self.due = max(self.due, since)
        else:
            self.due = max(at, since)
        self.rest = None

    def advance(self, at):
        self.position, self.awaits = self.position + 1, False
        if self.position == STEPS:
            self.ended, self.holds, self.rest = Status.COMPLETED, {}, None
        elif self.ended is None:
            self.due = at + DELAY
            if self.holds:
                self.rest = DELAY

    @property
    def is_live(self):
        return self.ended is None and not self.skipped

    @property
    def doubt(self):
        return "uncertain" in self.holds

    @rule(hours=st.integers(1, 80))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(
        who=st.sampled_from(PEOPLE),
        days=st.sampled_from([None, 1, 6]),
        is_wide=st.booleans(),
        batch=st.integers(1, 3),
    )
    def pause(self, who, days, is_wide, batch):
        until = days and self.now + days * DAY
        is_new = not self.started and not self.holds and not self.wire
        same = self.holds.get(who, ("",))[0] == until if who in self.holds else False
        allowed = self.is_live and (is_wide or not is_new) and not same
        hold = Hold(Source.PERSON, "", who, self.now, until, batch)
        if self.expect(Pause(hold, is_wide=is_wide), allowed) is not None:
            self.freeze()
            self.holds.pop(who, None)
            self.holds[who] = (until, batch)

    @rule(source=st.sampled_from([Source.REPLY, Source.MEETING]))
    def event_pauses(self, source):
        allowed = self.is_live and source not in self.holds
        if self.expect(Pause(Hold(source, "", "system", self.now)), allowed) is not None:
            self.freeze()
            self.holds[source] = (None, None)

    @rule(policy=st.sampled_from(Policy), days=st.integers(0, 9), batch=st.sampled_from([None, 1, 2, 3]))
    def resume(self, policy, days, batch):
        gone = [key for key, (_, of) in self.holds.items() if batch in (None, of)]
        allowed = bool(gone) and self.is_live and "uncertain" not in gone
        at = self.now + days * DAY
        if self.expect(Resume(policy, at=at, batch_id=batch), allowed) is not None:
            for key in gone:
                del self.holds[key]
            self.wake(policy, at)

    @rule()
    def dates_come(self):
        ids = frozenset(hold.id for hold in self.real.holds if hold.until and hold.until <= self.now)
        gone = {key: until for key, (until, _) in self.holds.items() if until and until <= self.now}
        assert len(ids) == len(gone)
        self.expect(HoldsEnded(ids), True)
        for key in gone:
            del self.holds[key]
        if gone:
            self.wake(since=max(gone.values()))

    @rule()
    def skip(self):
        if self.expect(Skip(), self.is_live and not self.started and not self.wire) is not None:
            self.skipped, self.holds, self.rest = True, {}, None

    @rule()
    def unskip(self):
        if self.expect(Unskip(), self.skipped and self.ended is None) is not None:
            self.skipped, self.due = False, max(self.due, self.now)

    @rule()
    def stop(self):
        effects = self.expect(Stop(), self.ended is None)
        if effects is not None:
            assert effects == (Effect.DROP,)
            self.ended, self.holds, self.rest, self.skipped = Status.STOPPED, {}, None, False
            self.awaits = False

    @rule()
    def start(self):
        if self.expect(Start(), self.ended is not None) is not None:
            self.new_run()

    @rule()
    def cancel(self):
        allowed = self.is_live and not self.wire and not self.doubt
        if self.expect(CancelStep(), allowed) is not None:
            self.advance(self.now if self.awaits else self.due)

    @rule()
    def resend(self):
        is_free = not self.holds and not self.wire and not self.awaits
        allowed = self.ended is not Status.STOPPED and not self.skipped and is_free
        attempt = 1 + max((number for _, number in self.handed), default=0)
        if self.expect(ResendStep(attempt), allowed and self.position > 0) is not None:
            self.ended, self.position, self.due = None, self.position - 1, self.now

    @rule()
    def begins(self):
        before = (self.real.position, self.real.attempt)
        if self.is_live and self.position == FORK:
            return  # its sender never begins a condition
        allowed = self.is_live and not self.holds and not self.wire
        if self.expect(Began(), allowed) is not None:
            assert before not in self.handed, "a step passed the gate twice"
            self.handed.add(before)
            self.wire = True

    @rule()
    def condition_comes(self):
        if self.is_live and self.position != FORK:
            return
        allowed = self.is_live and not self.holds and not self.wire and not self.awaits
        if self.expect(Awaited(self.now), allowed) is not None:
            self.awaits = self.started = True
            self.due += WITHIN

    @rule(ends=st.booleans())
    def branches(self, ends):
        allowed = self.is_live and self.awaits and not self.holds
        if self.expect(Branched(None if ends else FORK + 1, self.now), allowed) is not None:
            self.advance(self.now)
            if ends:
                self.ended, self.position = Status.COMPLETED, STEPS

    @rule(fate=st.sampled_from(["left", "never", "refused", "unknown"]))
    def ends(self, fate):
        if not self.wire:
            return
        event = {"left": Done(self.now), "never": NeverLeft(self.now + DAY), "refused": Failed("550"),
                 "unknown": Uncertain("lost")}[fate]  # fmt: skip
        was_stopped = self.ended is not None
        self.expect(event, True)
        self.wire = False
        if fate == "never":
            self.handed.discard((self.real.position, self.real.attempt))
        if was_stopped:
            self.position += fate == "left"
            return
        if fate == "left":
            self.started = True
            self.advance(self.now)
        elif fate == "never":
            self.due = self.due if self.holds else self.now + DAY
        else:
            self.started = True
            self.freeze()
            self.holds["uncertain" if fate == "unknown" else "failed"] = (None, None)

    @rule(verdict=st.sampled_from(Verdict))
    def settle(self, verdict):
        if not self.doubt:
            self.expect(Settle(verdict, self.now), verdict is not Verdict.AGAIN)
            return
        self.expect(Settle(verdict, self.now), True)
        del self.holds["uncertain"]
        if verdict is Verdict.AGAIN:
            self.due, self.rest = self.now, timedelta(0)
        else:
            self.advance(self.now)
        if not self.holds:
            self.rest, self.due = None, max(self.due, self.now)

    @rule()
    def undo(self):
        """What a pause did is taken back exactly."""
        before = self.real
        if before.status is not Status.PENDING:
            return
        paused, _ = decide(before, Pause(Hold(Source.REPLY, "", "system", self.now)), now=self.now, plan=PLAN)
        assert decide(paused, Restore(before), now=self.now, plan=PLAN)[0] == before

    @invariant()
    def they_agree(self):
        real = self.real
        expected = self.ended
        if expected is None:
            expected = Status.SKIPPED if self.skipped else Status.PAUSED if self.holds else None
        is_under_way = self.wire or self.awaits
        expected = expected or (Status.IN_PROGRESS if is_under_way else Status.PENDING)
        assert (real.awaits_since is not None) is self.awaits
        assert real.status is expected
        assert (real.position, len(real.holds), real.is_sending) == (
            self.position,
            len(self.holds),
            self.wire,
        )
        check(real)
        if real.status is Status.PAUSED:
            assert real.remaining == self.rest
        elif self.is_live:
            assert real.due_at == self.due


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
