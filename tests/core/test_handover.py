"""Claim, point of no return, record, reap: what each lets through and what it must not, on both databases."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from core import handover, sequences
from core.acts import load
from core.errors import Refused
from core.handover import Fate, Report
from core.lifecycle import (
    Began,
    CancelStep,
    Pause,
    Resume,
    Skip,
    Status,
    Stop,
    decide,
)  # fmt: skip
from core.models import Enrollment, Mailbox, MailboxDay, Workspace
from tests.mailroom import (
    ADA,
    DAY,
    LEASE,
    NOW,
    Mailroom,
    act,
    add_leads,
    add_mailbox,
    add_sequence,
    begin,
    claim,
    enrol,
    hand_over,
    hold,
    make,
    record,
    spec_text,
    suppress_quietly,
)  # fmt: skip

SECOND = timedelta(seconds=1)
WINDOW = "window:\n  from: 09:00\n  to: 17:00\nlead_zone: false"


# What may pass the gate


def test_a_step_goes_over_once(database):
    room = make(database, 3)
    assert len(hand_over(room)) == 3
    assert claim(room) == []
    row = room.row()
    assert (row.status, row.position, row.has_started, row.due_at) == ("pending", 1, True, NOW + DAY)
    assert room.states() == {"sent": 3}
    assert len(hand_over(room, now=NOW + DAY)) == 3
    assert room.row().status == "completed"
    assert room.states() == {"sent": 6}


def test_a_lead_behind_the_last_step_completes_and_does_not_stop_its_mailbox(database):
    room = make(database, 2)
    room.change(Enrollment, room.row().id, position=99)
    assert len(claim(room)) == 1
    assert [row.status for row in room.rows()] == ["completed", "pending"]


def _halt(room):
    room.change(Workspace, 1, halted_at=NOW)


def _pause_sequence(room):
    with room.db.write() as session:
        sequences.turn(session, room.sequence_id, "pause", actor=ADA, now=NOW)


def _suppress(room):
    suppress_quietly(room.db, "lead0@b.test")


def _use_up_cap(room):
    room.change(Mailbox, room.mailbox_id, cap_per_day=0)


def _hand_over_elsewhere(room):
    room.change(Mailbox, room.mailbox_id, min_gap_seconds=60, last_handed_at=NOW - SECOND)


BARRIERS = {
    "halted": _halt,
    "sequence paused": _pause_sequence,
    "suppressed": _suppress,
    "cap": _use_up_cap,
    "gap": _hand_over_elsewhere,
    "paused": lambda room: act(room, Pause(hold(), is_wide=True)),
    "stopped": lambda room: act(room, Stop()),
    "skipped": lambda room: act(room, Skip()),
    "step cancelled": lambda room: act(room, CancelStep()),
}


@pytest.mark.parametrize("barrier", BARRIERS)
def test_what_comes_between_claim_and_gate_holds_the_mail(database, barrier):
    room = make(database)
    claims = claim(room)
    BARRIERS[barrier](room)
    assert begin(room, claims) == set()
    assert "sending" not in room.states()


@pytest.mark.parametrize("barrier", BARRIERS)
def test_nothing_is_claimed_behind_a_barrier(database, barrier):
    room = make(database)
    BARRIERS[barrier](room)
    assert [one for one in claim(room) if one.step.key == "s0"] == []


def test_what_closes_between_claim_and_gate_holds_the_mail(database):
    room = make(database, text=spec_text(more=WINDOW))
    closes = NOW.replace(hour=17)
    claims = claim(room, now=closes - SECOND)
    assert len(claims) == 1
    assert begin(room, claims, now=closes) == set()
    handover.reap(database, now=closes + LEASE)
    assert claim(room, now=closes + LEASE) == []
    assert room.row().wake_at == NOW.replace(hour=9) + DAY


def test_a_lead_outside_the_window_waits_for_the_next_opening(database):
    room = make(database, text=spec_text(more=WINDOW))
    assert claim(room, now=NOW.replace(hour=20)) == []
    assert room.row().wake_at == NOW.replace(hour=9) + DAY


# Fences and leases


def test_an_expired_lease_passes_no_gate(database):
    room = make(database)
    claims = claim(room)
    assert begin(room, claims, now=NOW + LEASE) == set()


def test_a_second_claim_voids_the_first(database):
    room = make(database)
    old = claim(room)
    later = NOW + LEASE + SECOND
    new = claim(room, now=later)
    assert [one.delivery_id for one in new] == [one.delivery_id for one in old]
    assert begin(room, old, now=later) == set()
    assert len(begin(room, new, now=later)) == 1
    record(room, old, Fate.RETRY, now=later)
    assert room.states() == {"sending": 1}
    record(room, new, now=later)
    assert room.states() == {"sent": 1}


def test_pausing_and_resuming_voids_a_claim(database):
    room = make(database)
    old = claim(room)
    act(room, Pause(hold(), is_wide=True))
    act(room, Resume())
    assert begin(room, old) == set()
    record(room, old, Fate.REFUSED, code=550)
    assert room.row().status == "pending"
    assert len(hand_over(room)) == 1


@pytest.mark.parametrize("fate", Fate)
def test_a_stale_fence_changes_nothing(database, fate):
    room = make(database)
    claims = claim(room)
    begin(room, claims)
    handover.record(database, [Report(claims[0].delivery_id, claims[0].fence + 1, fate, NOW)], now=NOW)
    assert room.states() == {"sending": 1}


@pytest.mark.parametrize("fate", Fate)
def test_the_same_result_twice_acts_once(database, fate):
    room = make(database, text=spec_text(steps=3))
    claims = claim(room)
    begin(room, claims)
    record(room, claims, fate)
    before = room.row()
    record(room, claims, fate)
    assert room.row() == before


def test_results_before_the_gate_count_only_where_nothing_can_have_left(database):
    room = make(database)
    claims = claim(room)
    record(room, claims, Fate.SENT)
    record(room, claims, Fate.UNKNOWN)
    assert room.states() == {"claimed": 1}
    record(room, claims, Fate.REFUSED, code=550, answer="no such user")
    assert room.states() == {"failed": 1}
    assert [one.source for one in room.holds()] == ["failed"]


def test_released_claims_can_be_claimed_at_once(database):
    room = make(database, 3)
    claims = claim(room)
    act(room, Stop(), ids=room.ids[:1])
    handover.release(database, claims, now=NOW)
    assert room.states() == {"ready": 2, "skipped": 1}
    assert len(claim(room)) == 2


# Caps, gaps, ramp-up


def test_the_cap_holds_over_several_claimers_and_ends_at_midnight_of_the_mailbox(database):
    room = make(database, 10, cap_per_day=4, zone="America/New_York")
    first, second = claim(room, limit=3), claim(room, limit=3)
    assert (len(first), len(second)) == (3, 3)
    assert len(begin(room, [*first, *second])) == 4
    assert claim(room) == []
    midnight = NOW.replace(hour=4) + DAY  # New York
    assert {
        row.wake_at for row in room.rows() if row.id not in {c.enrollment_id for c in [*first, *second]}
    } == {midnight}
    assert len(claim(room, now=midnight)) == 4


def test_a_gap_lets_one_through_at_a_time(database):
    room = make(database, 3, min_gap_seconds=60)
    claims = claim(room)
    assert len(claims) == len(begin(room, claims)) == 1
    assert claim(room, now=NOW + 59 * SECOND) == []
    assert len(claim(room, now=NOW + 60 * SECOND)) == 1


def test_two_claimers_share_one_gap(database):
    room = make(database, 2, min_gap_seconds=60)
    claims = [*claim(room), *claim(room, now=NOW + SECOND)]
    assert len(claims) == 2
    assert len(begin(room, claims, now=NOW + SECOND)) == 1


def test_the_cap_grows_with_the_days(database):
    # Fewer than a backlog: nobody looks between the days.
    room = make(database, 19, ramp_from=2, ramp_step=3, cap_per_day=6)
    assert [len(sent_some(room, day)) for day in range(4)] == [2, 5, 6, 6]


def sent_some(room, day):
    now = NOW + day * DAY
    claims = [one for one in claim(room, now=now) if one.step.key == "s0"]
    return begin(room, claims, now=now)


def test_what_began_counts_even_if_it_never_left(database):
    room = make(database, 2, cap_per_day=1)
    claims = claim(room)
    begin(room, claims)
    record(room, claims, Fate.RETRY)
    assert claim(room) == []
    with database.read() as session:
        assert session.exec(select(MailboxDay.handed)).one() == 1


# The set-based statement against the state machine


@pytest.mark.slow
@given(st.sampled_from(Status), st.booleans(), st.integers(0, 1))
def test_the_gate_agrees_with_the_state_machine(database, status, has_started, fence_off):
    room = _agreement(database)
    claims = claim(room)
    room.change(Enrollment, room.ids[0], status=status.value, has_started=has_started)
    with database.read() as session:
        (row,) = load(session, room.ids)
        try:
            expected, effects = decide(row.state, Began(), now=NOW, plan=row.sequence.plan(None))
        except Refused:
            expected, effects = row.state, ()
    passed = handover.begin(database, [(one.delivery_id, one.fence + fence_off) for one in claims], now=NOW)
    assert effects == ()
    assert bool(passed) == (status is Status.PENDING and not fence_off)
    if not fence_off:
        with database.read() as session:
            (after,) = load(session, room.ids)
        assert after.state == expected
        assert after.version == row.version + bool(passed)


def _agreement(database):
    count = _agreement.count = getattr(_agreement, "count", 0) + 1
    mailbox_id = add_mailbox(database, f"m{count}@a.test")
    sequence_id = add_sequence(database, spec_text(name=f"S{count}", more=f"mailboxes: [m{count}@a.test]"))
    lead_ids = add_leads(database, 1, prefix=f"x{count}-")
    return Mailroom(database, mailbox_id, sequence_id, lead_ids, enrol(database, lead_ids, sequence_id))
