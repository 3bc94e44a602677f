"""What becomes of a step under way: what is said meanwhile, results, workers that are gone, later proof."""

from datetime import timedelta

import pytest

from core import handover, sequence_file, sequences
from core.acts import load
from core.handover import Fate
from core.lifecycle import CancelStep, Pause, Policy, Resume, Settle, Skip, Stop, Verdict
from core.models import Enrollment
from tests.mailroom import (
    ADA,
    BOB,
    DAY,
    LEASE,
    NOW,
    act,
    begin,
    claim,
    hand_over,
    hold,
    make,
    record,
    report,
    sending,
    spec_text,
)  # fmt: skip

SECOND = timedelta(seconds=1)

# What was said while a step was being handed over


def test_a_pause_during_the_hand_over_keeps_the_full_delay_of_the_next_step(database):
    room = make(database)
    claims = sending(room)
    act(room, Pause(hold(), is_wide=True))
    record(room, claims)
    row = room.row()
    assert (row.status, row.position, row.remaining) == ("paused", 1, DAY)


def test_a_resume_during_the_hand_over_waits_for_its_end(database):
    room = make(database)
    claims = sending(room)
    act(room, Pause(hold(), is_wide=True))
    act(room, Resume())
    assert room.row().status == "in_progress"
    assert claim(room, now=NOW + SECOND) == []
    record(room, claims)
    assert (room.row().status, room.row().position) == ("pending", 1)


@pytest.mark.parametrize("event", [CancelStep(), Skip()], ids=["cancel", "skip"])
def test_a_step_being_handed_over_is_not_left_out(database, event):
    room = make(database, text=spec_text(steps=3))
    claims = sending(room)
    act(room, Pause(hold(), is_wide=True))
    done = act(room, event)
    assert "being handed over right now" in done.refusals[0]
    record(room, claims)
    assert (room.row().position, room.row().status) == (1, "paused")


def test_a_stopped_lead_stays_stopped_whatever_becomes_of_the_hand_over(database):
    room = make(database, 4)
    claims = sending(room)
    act(room, Stop())
    for one, fate in zip(claims, Fate, strict=True):
        handover.record(database, [report(one, fate)], now=NOW)
    assert {row.status for row in room.rows()} == {"stopped"}
    assert room.states() == {"sent": 1, "failed": 1, "ready": 1, "uncertain": 1}
    assert claim(room, now=NOW + DAY) == []


def test_a_step_taken_out_while_it_is_sent_costs_the_lead_no_other(database):
    room = make(database, text=spec_text(steps=3))
    claims = sending(room)
    with database.write() as session:
        sequences.turn(session, room.sequence_id, "pause", actor=ADA, now=NOW)
    _apply_file(room, without="s0")
    record(room, claims)
    assert room.states() == {"sent": 1}
    with database.read() as session:
        (row,) = load(session, room.ids)
        assert row.sequence.steps[row.state.position].key == "s1"


def _apply_file(room, *, without):
    text = spec_text(steps=3)
    head, *steps = text.split("  - id: ")
    kept = [part for part in steps if not part.startswith(without)]
    with room.db.write() as session:
        sequences.save(session, sequence_file.load("  - id: ".join([head, *kept])), actor=ADA, now=NOW)


# Uncertain


def test_a_hand_over_whose_worker_is_gone_is_uncertain_and_waits(database):
    room = make(database, 2)
    claims = claim(room)
    begin(room, claims[:1])
    gone = NOW + LEASE + SECOND
    assert handover.reap(database, now=gone) == 1
    assert room.states() == {"uncertain": 1, "ready": 1}
    assert room.row().status == "paused"
    assert [one.source for one in room.holds()] == ["uncertain"]
    assert len(room.cards("uncertain")) == 1
    assert "may or may not have left" in act(room, Resume(), ids=room.ids[:1]).refusals[0]
    assert "may have left" in act(room, CancelStep(), ids=room.ids[:1]).refusals[0]
    assert handover.reap(database, now=gone) == 0
    assert {one.enrollment_id for one in claim(room, now=gone + DAY)} == {room.ids[1]}


def test_later_proof_settles_an_uncertain_one_but_nothing_else_does(database):
    room = make(database)
    claims = sending(room)
    handover.reap(database, now=NOW + LEASE + SECOND)
    later = NOW + LEASE + 2 * SECOND
    for fate in (Fate.RETRY, Fate.REFUSED, Fate.UNKNOWN):
        record(room, claims, fate, now=later)
        assert room.states() == {"uncertain": 1}
    record(room, claims, now=later)
    assert room.states() == {"sent": 1}
    row = room.row()
    assert (row.status, row.position, row.due_at) == ("pending", 1, NOW + DAY)
    assert room.holds() == []


def test_proof_releases_only_its_own_hold(database):
    room = make(database)
    claims = sending(room)
    act(room, Pause(hold(), is_wide=True))
    record(room, claims, Fate.UNKNOWN)
    assert [one.source for one in room.holds()] == ["person", "uncertain"]
    record(room, claims)
    assert (room.row().status, room.row().position) == ("paused", 1)
    assert [one.source for one in room.holds()] == ["person"]


def test_again_is_a_new_delivery_and_the_old_one_stays_as_it_was(database):
    room = make(database)
    claims = sending(room)
    record(room, claims, Fate.UNKNOWN)
    act(room, Settle(Verdict.AGAIN, NOW), actor=BOB)
    again = claim(room)
    assert [one.delivery_id for one in again] != [one.delivery_id for one in claims]
    assert again[0].message_id != claims[0].message_id


def test_retries_end_and_the_lead_is_held(database):
    room, now = make(database), NOW
    for _ in handover.RETRY_AFTER:
        record(room, sending(room, now=now), Fate.RETRY, now=now, code=451)
        assert room.row().status == "pending"
        now = room.row().wake_at
    record(room, sending(room, now=now), Fate.RETRY, now=now, code=451)
    assert room.states() == {"failed": 1}
    assert [one.source for one in room.holds()] == ["failed"]
    act(room, Resume(), now=now)
    assert len(hand_over(room, now=now)) == 1
    assert room.states() == {"failed": 1, "sent": 1}


def test_a_step_that_cannot_be_claimed_is_not_silently_stuck(database):
    """Its number is taken by a settled delivery: the lead is held, with the reason, until a person resumes."""
    room = make(database)
    hand_over(room)
    room.change(Enrollment, room.ids[0], position=0, wake_at=NOW)
    assert claim(room) == []
    assert [one.source for one in room.holds()] == ["failed"]
    act(room, Resume(Policy.AT, at=NOW))
    assert len(hand_over(room)) == 1
