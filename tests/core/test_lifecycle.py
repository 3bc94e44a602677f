"""Every status × every event: what becomes of it, or the sentence that refuses it (DESIGN §2)."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from core.errors import Refused
from core.lifecycle import (
    Awaited,
    Began,
    Branched,
    CancelStep,
    Done,
    Effect,
    Enrollment,
    Failed,
    Finished,
    Hold,
    HoldsEnded,
    NeverLeft,
    Pause,
    Plan,
    PlannedStep,
    Policy,
    ResendStep,
    Restore,
    Resume,
    Settle,
    Skip,
    Snoozed,
    Source,
    Start,
    Status,
    StepKind,
    StepsChanged,
    Stop,
    Uncertain,
    Unskip,
    Verdict,
    begin,
    decide,
)  # fmt: skip
from core.schedule import Calendar, Delay, Unit, Window

NOW = datetime(2027, 6, 15, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ALWAYS = Calendar(None, "UTC", None)
WEEKDAYS = Calendar(Window(time(9), time(17), frozenset(range(5))), "UTC", None)
PLAN = Plan(tuple(PlannedStep(StepKind.EMAIL, Delay(n and 4, Unit.DAYS)) for n in range(3)), ALWAYS)
# The same with a condition as its second step.
FORKED = replace(PLAN, steps=(PLAN.steps[0], replace(PLAN.steps[1], kind=StepKind.CONDITION, within=Delay(3, Unit.DAYS)),
                              PLAN.steps[2]))  # fmt: skip
MINE = Hold(Source.PERSON, "", "U1", NOW - DAY, id=1)
OTHERS = Hold(Source.PERSON, "", "U2", NOW - DAY, batch_id=7, id=2)
DOUBT = Hold(Source.UNCERTAIN, "", "system", NOW - DAY, id=3)
FAILURE = Hold(Source.FAILED, "", "system", NOW - DAY, id=4)
NEW = Hold(Source.PERSON, "", "U9", NOW)

_RUNNING = Enrollment("ada in Spring", Status.PENDING, position=1, due_at=NOW + 2 * DAY, has_started=True)
_PAUSED = replace(_RUNNING, status=Status.PAUSED, remaining=2 * DAY, holds=(MINE,))
STATES = {
    "new": replace(_RUNNING, position=0, has_started=False),
    "pending": _RUNNING,
    "sending": replace(_RUNNING, status=Status.IN_PROGRESS, is_sending=True),
    "first sending": replace(
        _RUNNING, status=Status.IN_PROGRESS, is_sending=True, position=0, has_started=False
    ),
    "task": replace(_RUNNING, status=Status.IN_PROGRESS, has_open_task=True),
    "awaiting": replace(_RUNNING, status=Status.IN_PROGRESS, awaits_since=NOW - DAY),
    "paused": _PAUSED,
    "paused await": replace(_PAUSED, awaits_since=NOW - DAY),
    "paused sending": replace(_PAUSED, is_sending=True),
    "paused new": replace(_PAUSED, position=0, has_started=False),
    "uncertain": replace(_PAUSED, holds=(DOUBT,)),
    "skipped": replace(_RUNNING, status=Status.SKIPPED, position=0, has_started=False),
    "stopped": replace(_RUNNING, status=Status.STOPPED, due_at=None),
    "completed": replace(_RUNNING, status=Status.COMPLETED, due_at=None, position=3),
}
EVENTS = {
    "start": Start(),
    "pause": Pause(NEW),
    "pause all": Pause(NEW, is_wide=True),
    "reply": Pause(Hold(Source.REPLY, "", "system", NOW)),
    "resume": Resume(),
    "skip": Skip(),
    "unskip": Unskip(),
    "stop": Stop(),
    "cancel": CancelStep(),
    "resend": ResendStep(attempt=5),
    "snooze": Snoozed(),
    "settle left": Settle(Verdict.LEFT, NOW - HOUR),
    "settle again": Settle(Verdict.AGAIN, NOW - HOUR),
    "settle drop": Settle(Verdict.DROP, NOW - HOUR),
    "restore": Restore(_RUNNING),
    "holds ended": HoldsEnded(frozenset({1})),
    "began": Began(),
    "task began": Began(is_task=True),
    "done": Done(NOW - HOUR),
    "awaited": Awaited(NOW - DAY),
    "branched": Branched(2, NOW),
    "branched end": Branched(None, NOW),
    "finished": Finished(),
    "never left": NeverLeft(NOW + HOUR),
    "failed": Failed("550"),
    "uncertain": Uncertain("lost"),
    "steps changed": StepsChanged(2, replace(NEW, source=Source.NEW_STEP)),
}
# A word is the status it becomes, "=" nothing changes, a sentence in brackets refuses.
TABLE = """
              | new           | pending       | sending       | first sending | task          | awaiting      | paused        | paused await  | paused sending | paused new    | uncertain     | skipped       | stopped       | completed
start         | (already run  | (already run  | (already run  | (already run  | (already run  | (already run  | (is paused    | (is paused    | (is paused     | (is paused    | (is paused    | (is skipped   | =             | =
pause         | (not started  | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused         | paused        | paused        | (is skipped   | (is stopped   | (completed
pause all     | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused         | paused        | paused        | (is skipped   | (is stopped   | (completed
reply         | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused         | paused        | paused        | (is skipped   | (is stopped   | (completed
resume        | (not paused   | (not paused   | (not paused   | (not paused   | (not paused   | (not paused   | pending       | in_progress   | in_progress    | pending       | (may or may   | (not paused   | (for good     | (completed
skip          | skipped       | (already sta  | (already sta  | (right now    | (already sta  | (already sta  | (already sta  | (already sta  | (already sta   | skipped       | (already sta  | (already ski  | (already sta  | (already sta
unskip        | (not skipped  | (not skipped  | (not skipped  | (not skipped  | (not skipped  | (not skipped  | (not skipped  | (not skipped  | (not skipped   | (not skipp    | (not skipped  | pending       | (not skipped  | (not skipped
stop          | stopped       | stopped       | stopped       | stopped       | stopped       | stopped       | stopped       | stopped       | stopped        | stopped       | stopped       | stopped       | (already sto  | (completed
cancel        | pending       | pending       | (right now    | (right now    | pending       | pending       | paused        | paused        | (right now     | paused        | (may have le  | (no step to   | (no step to   | (no step to
resend        | (No step of   | pending       | (only while   | (only while   | (only while   | (only while   | (only while   | (only while   | (only while    | (only whil    | (only while   | (only while   | (only while   | pending
snooze        | (no open task | (no open task | (no open task | (no open task | =             | (no open task | (no open task | (no open task | (no open task  | (no open task | (no open task | (no open task | (no open task | (no open task
settle left   | =             | =             | =             | =             | =             | =             | =             | =             | =              | =             | pending       | =             | =             | =
settle again  | (nothing is   | (nothing is   | (nothing is   | (nothing is   | (nothing is   | (nothing is   | (nothing is   | (nothing is   | (nothing is    | (nothing i    | pending       | (nothing is   | (nothing is   | (nothing is
settle drop   | =             | =             | =             | =             | =             | =             | =             | =             | =              | =             | pending       | =             | =             | =
restore       | pending       | pending       | (right now    | (right now    | pending       | pending       | pending       | pending       | (right now     | pending       | pending       | pending       | pending       | pending
holds ended   | =             | =             | =             | =             | =             | =             | pending       | in_progress   | in_progress    | pending       | =             | =             | =             | =
began         | in_progress   | in_progress   | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may   | (nothing m    | (nothing may  | (nothing may  | (nothing may  | (nothing may
task began    | in_progress   | in_progress   | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may  | (nothing may   | (nothing m    | (nothing may  | (nothing may  | (nothing may  | (nothing may
never left    | pending       | pending       | pending       | pending       | pending       | in_progress | paused        | paused        | paused         | paused        | paused        | skipped       | stopped       | completed
failed        | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused         | paused        | paused        | paused        | stopped       | completed
uncertain     | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused        | paused         | paused        | paused        | paused        | stopped       | completed
done          | pending       | pending       | pending       | pending       | pending       | -             | paused        | -             | paused         | paused        | paused        | -             | stopped       | -
steps changed | pending       | pending       | in_progress   | in_progress   | in_progress   | pending       | paused        | paused        | paused         | paused        | paused        | skipped       | stopped       | paused
awaited       | in_progress   | in_progress   | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no  | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no
branched      | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no | pending       | (waits for no | (waits for no | (waits for no  | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no
branched end  | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no | completed     | (waits for no | (waits for no | (waits for no  | (waits for no | (waits for no | (waits for no | (waits for no | (waits for no
finished      | completed     | completed     | (not reached  | (not reached  | (not reached  | (not reached  | (not reached  | (not reached  | (not reached   | (not reached  | (not reached  | (not reached  | (not reached  | (not reached
"""


def cells():
    head, *lines = TABLE.strip("\n").splitlines()
    columns = [cell.strip() for cell in head.split("|")[1:]]
    for line in lines:
        event, *row = (cell.strip() for cell in line.split("|"))
        yield from ((event, state, wanted) for state, wanted in zip(columns, row, strict=True))


@pytest.mark.parametrize(
    ("policies", "at", "rest"),
    [
        ((None,), 3, 2),  # the sequence's own way: freeze
        ((Policy.FREEZE,), 3, 2),
        ((Policy.KEEP,), 1, 1),  # the date first planned is two days off
        ((Policy.KEEP,), 3, 0),
        ((Policy.AT,), 3, 0),
        ((Policy.KEEP, Policy.FREEZE), 3, 2),  # both end in the same moment: the later date
        ((Policy.FREEZE, Policy.AT), 3, 2),
    ],
)
def test_holds_that_end_say_how_the_countdown_goes_on(policies, at, rest):
    ends_at = NOW + at * DAY
    holds = tuple(
        replace(MINE, id=number, author=f"U{number}", until=ends_at, policy=policy)
        for number, policy in enumerate(policies)
    )
    e, _ = decide(
        replace(_PAUSED, holds=holds), HoldsEnded(frozenset(range(len(holds)))), now=ends_at + HOUR, plan=PLAN
    )
    assert (e.status, e.due_at) == (Status.PENDING, ends_at + rest * DAY)


def test_of_holds_released_together_the_one_that_ended_last_decides():
    early = replace(MINE, until=NOW + DAY, policy=Policy.FREEZE)
    late = replace(OTHERS, until=NOW + 3 * DAY, policy=Policy.AT)
    ended = HoldsEnded(frozenset({1, 2}))
    e, _ = decide(replace(_PAUSED, holds=(early, late)), ended, now=NOW + 9 * DAY, plan=PLAN)
    assert e.due_at == NOW + 3 * DAY


def test_the_table_is_whole():
    assert {(event, state) for event, state, _ in cells()} == {(e, s) for e in EVENTS for s in STATES}


@pytest.mark.parametrize(("event", "state", "wanted"), [cell for cell in cells() if cell[2] != "-"])
def test_cell(event, state, wanted):
    before = STATES[state]
    if wanted.startswith("("):
        with pytest.raises(Refused) as refused:
            decide(before, EVENTS[event], now=NOW, plan=FORKED)
        sentence = str(refused.value)
        assert wanted[1:].lower() in sentence.lower()
        assert before.label in sentence
        return
    after, effects = decide(before, EVENTS[event], now=NOW, plan=FORKED)
    if wanted == "=":
        assert after == before
    else:
        assert after.status == wanted
    check(after)
    if after.status is not Status.IN_PROGRESS and before.status is Status.PENDING and event != "began":
        assert effects or after.status is Status.PENDING or event in {"failed", "uncertain", "finished"}


def check(e: Enrollment) -> None:
    """What is true of every enrollment at every moment."""
    assert bool(e.holds) == (e.status is Status.PAUSED)
    if e.status in {Status.STOPPED, Status.COMPLETED}:
        assert e.due_at is None
    if e.status in {Status.PENDING, Status.STOPPED, Status.COMPLETED, Status.SKIPPED}:
        assert e.remaining is None
    if e.status is Status.PAUSED:
        assert e.remaining is None or e.remaining >= timedelta(0)
    assert e.awaits_since is None or e.status in {Status.IN_PROGRESS, Status.PAUSED}


# DESIGN's worked examples


def paused(delay_days, on_day, plan=PLAN):
    start = NOW
    e = replace(_RUNNING, due_at=start + delay_days * DAY)
    e, _ = decide(e, Pause(NEW), now=start + on_day * DAY, plan=plan)
    return e


def test_freeze_keeps_what_remained():
    e, _ = decide(paused(4, 2), Resume(), now=NOW + 30 * DAY, plan=PLAN)
    assert e.due_at == NOW + 32 * DAY


def test_keep_sends_on_the_day_first_planned():
    e, _ = decide(paused(5, 2), Resume(Policy.KEEP), now=NOW + 2 * DAY, plan=PLAN)
    assert e.due_at == NOW + 5 * DAY


def test_keep_sends_as_soon_as_possible_when_that_day_is_over():
    e, _ = decide(paused(5, 2), Resume(Policy.KEEP), now=NOW + 7 * DAY, plan=PLAN)
    assert e.due_at == NOW + 7 * DAY


def test_at_never_means_the_past():
    e, _ = decide(paused(5, 2), Resume(Policy.AT, at=NOW), now=NOW + 7 * DAY, plan=PLAN)
    assert e.due_at == NOW + 7 * DAY


def test_a_sequence_may_keep_by_itself():
    plan = replace(PLAN, resume=Policy.KEEP)
    e, _ = decide(paused(5, 2), Resume(), now=NOW + 3 * DAY, plan=plan)
    assert e.due_at == NOW + 5 * DAY


# Holds nest


def test_a_dated_hold_releases_only_itself():
    e = replace(_PAUSED, holds=(MINE, replace(OTHERS, until=NOW)))
    e, _ = decide(e, HoldsEnded(frozenset({2})), now=NOW, plan=PLAN)
    assert (e.status, e.holds, e.remaining) == (Status.PAUSED, (MINE,), 2 * DAY)
    e, _ = decide(e, Resume(), now=NOW, plan=PLAN)
    assert (e.status, e.holds) == (Status.PENDING, ())


def test_a_late_release_counts_from_the_promised_date():
    e = replace(_PAUSED, holds=(replace(MINE, until=NOW - DAY),))
    e, _ = decide(e, HoldsEnded(frozenset({1})), now=NOW, plan=PLAN)
    assert e.due_at == NOW - DAY + 2 * DAY


def test_a_batch_wakes_only_what_it_put_to_sleep():
    e = replace(_PAUSED, holds=(MINE, OTHERS))
    e, _ = decide(e, Resume(batch_id=7), now=NOW, plan=PLAN)
    assert e.holds == (MINE,)
    with pytest.raises(Refused, match="no hold of that batch"):
        decide(e, Resume(batch_id=7), now=NOW, plan=PLAN)


def test_pausing_again_moves_ones_own_date_only():
    e = replace(_PAUSED, holds=(MINE, OTHERS))
    again = replace(MINE, until=NOW + DAY, id=None)
    e, _ = decide(e, Pause(again), now=NOW, plan=PLAN)
    assert e.holds == (OTHERS, again)
    with pytest.raises(Refused, match="already paused like this"):
        decide(e, Pause(again), now=NOW, plan=PLAN)


@pytest.mark.parametrize(("said", "until", "kept"), [
    ("visa trouble", None, "visa trouble"), ("", NOW + DAY, "on leave"), ("visa trouble", NOW + DAY, "visa trouble"),
])  # fmt: skip
def test_pausing_again_says_why_anew_or_leaves_the_reason(said, until, kept):
    e = replace(_PAUSED, holds=(replace(MINE, reason="on leave"), OTHERS))
    e, _ = decide(e, Pause(replace(MINE, reason=said, until=until, id=None)), now=NOW, plan=PLAN)
    assert [(hold.reason, hold.until) for hold in e.holds] == [(OTHERS.reason, OTHERS.until), (kept, until)]


@pytest.mark.parametrize("said", ["", "on leave"])
def test_pausing_again_for_the_same_reason_changes_nothing(said):
    e = replace(_PAUSED, holds=(replace(MINE, reason="on leave"),))
    with pytest.raises(Refused, match="already paused like this"):
        decide(e, Pause(replace(MINE, reason=said)), now=NOW, plan=PLAN)


def test_a_person_cannot_resume_over_doubt():
    e = replace(_PAUSED, holds=(MINE, DOUBT))
    with pytest.raises(Refused, match="It left"):
        decide(e, Resume(), now=NOW, plan=PLAN)


# Effects


@pytest.mark.parametrize(("event", "effects"), [
    ("pause", (Effect.WITHDRAW,)), ("stop", (Effect.DROP,)), ("cancel", (Effect.DROP, Effect.SKIP_STEP)),
    ("resend", (Effect.WITHDRAW,)), ("never left", (Effect.WITHDRAW,)), ("done", ()), ("began", ()),
])  # fmt: skip
def test_effects_on_deliveries(event, effects):
    assert decide(_RUNNING, EVENTS[event], now=NOW, plan=PLAN)[1] == effects


def test_a_new_run_begins_with_a_new_enrollment():
    for state in ("stopped", "completed"):
        assert decide(STATES[state], Start(), now=NOW, plan=PLAN)[1] == (Effect.BEGIN_RUN,)


def test_what_never_left_a_stopped_lead_is_dropped():
    assert decide(STATES["stopped"], NeverLeft(NOW), now=NOW, plan=PLAN)[1] == (Effect.DROP,)


# Steps


def test_each_step_waits_its_delay_after_the_one_before():
    e = begin("ada", now=NOW, plan=PLAN)
    assert (e.status, e.due_at) == (Status.PENDING, NOW)
    for number in range(3):
        e, _ = decide(e, Began(), now=NOW, plan=PLAN)
        e, _ = decide(e, Done(NOW), now=NOW + HOUR, plan=PLAN)
        assert e.position == number + 1
        if number < 2:
            assert e.due_at == NOW + 4 * DAY
    assert e.status is Status.COMPLETED


def test_a_cancelled_step_moves_the_next_by_its_own_delay():
    e, _ = decide(_RUNNING, CancelStep(), now=NOW, plan=PLAN)
    assert (e.position, e.due_at) == (2, _RUNNING.due_at + 4 * DAY)


def test_after_a_cancelled_step_the_next_counts_from_when_that_would_have_left():
    """A countdown that ends on a Saturday ends in a mail on Monday; a day later is Tuesday."""
    saturday = datetime(2027, 6, 19, 12, tzinfo=UTC)
    e, _ = decide(
        replace(_RUNNING, due_at=saturday), CancelStep(), now=NOW, plan=replace(PLAN, calendar=WEEKDAYS)
    )
    assert e.due_at == datetime(2027, 6, 21, 9, tzinfo=UTC) + 4 * DAY


def test_a_failed_step_is_tried_under_a_new_number():
    e, _ = decide(STATES["sending"], Failed("550"), now=NOW, plan=PLAN)
    e, _ = decide(e, Resume(), now=NOW, plan=PLAN)
    assert (e.position, e.attempt) == (1, 1)


@pytest.mark.parametrize(("verdict", "position", "attempt", "due"), [
    (Verdict.LEFT, 2, 0, NOW - HOUR + 4 * DAY), (Verdict.DROP, 2, 0, NOW + 4 * DAY), (Verdict.AGAIN, 1, 1, NOW),
])  # fmt: skip
def test_settling(verdict, position, attempt, due):
    e, _ = decide(STATES["uncertain"], Settle(verdict, NOW - HOUR), now=NOW, plan=PLAN)
    assert (e.position, e.attempt, e.due_at) == (position, attempt, due)


def test_settling_a_step_that_an_edit_took_out_moves_nobody():
    for verdict in (Verdict.LEFT, Verdict.DROP):
        e, _ = decide(STATES["uncertain"], Settle(verdict, NOW, is_current=False), now=NOW, plan=PLAN)
        assert (e.status, e.position) == (Status.PENDING, 1)
    with pytest.raises(Refused, match="moved on"):
        decide(STATES["uncertain"], Settle(Verdict.AGAIN, NOW, is_current=False), now=NOW, plan=PLAN)


def test_no_undo_puts_a_lead_behind_the_last_step():
    with pytest.raises(Refused, match="no longer there"):
        decide(STATES["stopped"], Restore(replace(_RUNNING, position=3)), now=NOW, plan=PLAN)


def test_an_edit_that_leaves_no_step_completes_the_lead():
    e, _ = decide(_RUNNING, StepsChanged(3, NEW), now=NOW, plan=PLAN)
    assert e.status is Status.COMPLETED


def test_a_new_last_step_holds_who_had_finished():
    e, _ = decide(STATES["completed"], StepsChanged(2, NEW), now=NOW, plan=PLAN)
    assert (e.status, e.holds, e.position) == (Status.PAUSED, (NEW,), 2)


def test_a_sequence_without_steps_refuses():
    with pytest.raises(Refused, match="no steps yet"):
        begin("ada", now=NOW, plan=Plan((), ALWAYS))


# Conditions


def test_the_wait_counts_from_the_planned_date_however_late_it_is_noticed():
    e, _ = decide(replace(_RUNNING, due_at=NOW - HOUR), Awaited(NOW - DAY), now=NOW, plan=FORKED)
    assert (e.due_at, e.awaits_since, e.has_started) == (NOW - HOUR + 3 * DAY, NOW - DAY, True)


@pytest.mark.parametrize("position", [2, None, 3])
def test_a_branch_leads_to_a_step_or_to_the_end(position):
    e, _ = decide(STATES["awaiting"], Branched(position, NOW - HOUR), now=NOW, plan=FORKED)
    at_step = (Status.PENDING, 2, NOW - HOUR + 4 * DAY, None)
    assert (e.status, e.position, e.due_at, e.awaits_since) == (
        at_step if position == 2 else (Status.COMPLETED, 3, None, None)
    )


def test_a_pause_keeps_the_rest_of_the_wait_and_what_it_is_for():
    e, _ = decide(STATES["awaiting"], Pause(NEW), now=NOW, plan=FORKED)
    assert (e.remaining, e.awaits_since) == (2 * DAY, NOW - DAY)
    e, _ = decide(e, Resume(), now=NOW + 9 * DAY, plan=FORKED)
    assert (e.status, e.due_at, e.awaits_since) == (Status.IN_PROGRESS, NOW + 11 * DAY, NOW - DAY)


def test_a_cancelled_condition_that_is_awaited_ends_now():
    e, _ = decide(STATES["awaiting"], CancelStep(), now=NOW, plan=FORKED)
    assert (e.position, e.due_at, e.awaits_since) == (2, NOW + 4 * DAY, None)


def test_an_edit_keeps_the_wait_only_at_a_condition():
    e, _ = decide(STATES["awaiting"], StepsChanged(1, NEW), now=NOW, plan=FORKED)
    assert (e.status, e.awaits_since) == (Status.IN_PROGRESS, NOW - DAY)
    e, _ = decide(STATES["awaiting"], StepsChanged(1, NEW), now=NOW, plan=PLAN)
    assert (e.status, e.awaits_since, e.due_at) == (Status.PENDING, None, _RUNNING.due_at)


def test_an_undo_brings_a_wait_back_only_to_a_condition():
    before = STATES["awaiting"]
    assert decide(STATES["paused await"], Restore(before), now=NOW, plan=FORKED)[0] == before
    e, _ = decide(STATES["paused await"], Restore(before), now=NOW, plan=PLAN)
    assert (e.status, e.awaits_since) == (Status.PENDING, None)


def test_a_resend_may_go_back_over_what_a_branch_left_out():
    e, _ = decide(replace(_RUNNING, position=2), ResendStep(1, position=0), now=NOW, plan=FORKED)
    assert (e.position, e.attempt) == (0, 1)


def test_a_window_of_weekdays_counts_business_days():
    plan = Plan(
        (
            PlannedStep(StepKind.EMAIL, Delay(0, Unit.DAYS)),
            PlannedStep(StepKind.EMAIL, Delay(2, Unit.BUSINESS_DAYS)),
        ),
        WEEKDAYS,
    )
    friday = NOW + 3 * DAY
    e, _ = decide(begin("ada", now=friday, plan=plan), Done(friday), now=friday, plan=plan)
    assert e.due_at == friday + 4 * DAY
