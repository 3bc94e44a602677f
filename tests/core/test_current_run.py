"""Whoever names a lead means its live run, also where a later one has ended; and proof against a person's word."""

import threading

from core import commands, handover, sequence_file, sequences
from core.handover import Fate
from core.models import Enrollment
from tests.mailroom import ADA, NOW, hand_over, make, record, sending, spec_text


def say(room, text):
    return commands.run(commands.Desk(room.db), text, actor=ADA, now=NOW)


def test_after_an_undone_restart_pause_means_the_run_that_goes_on(database):
    room = make(database, text=spec_text(steps=3))
    hand_over(room)
    assert not say(room, "restart lead0@b.test in Spring").is_refusal
    assert not say(room, "undo").is_refusal
    first, second = room.rows()
    assert (first.status, second.status) == ("pending", "stopped")
    assert "already" in say(room, "start lead0@b.test in Spring").as_text()
    answer = say(room, "pause lead0@b.test in Spring")
    assert not answer.is_refusal, answer
    assert [row.status for row in room.rows()] == ["paused", "stopped"]


def test_an_edit_moves_the_run_that_goes_on(database):
    room = make(database, text=spec_text(steps=3))
    hand_over(room)
    say(room, "restart lead0@b.test in Spring")
    say(room, "undo")
    say(room, "pause sequence Spring")
    room.change(Enrollment, room.ids[0], wake_at=NOW)
    with database.write() as session:
        saved = sequences.save(session, sequence_file.load(spec_text(steps=1)), actor=ADA, now=NOW)
        sequences.turn(session, saved.sequence_id, "publish", actor=ADA, now=NOW)
    assert room.row().status == "completed"
    assert handover.claim(database, room.mailbox_id, now=NOW) == []


def test_a_persons_word_and_the_proof_at_once_leave_one_truth(database):
    room = make(database, 20, text=spec_text(steps=3))
    claims = sending(room)
    record(room, claims, Fate.UNKNOWN)
    answers = []
    for one in claims:
        gate = threading.Barrier(2)

        def drop(delivery_id=one.delivery_id, gate=gate):
            gate.wait()
            desk = commands.Desk(database)
            answers.append(commands.settle(desk, delivery_id=delivery_id, verdict="drop", actor=ADA, now=NOW))

        def prove(one=one, gate=gate):
            gate.wait()
            record(room, [one])

        threads = [threading.Thread(target=act) for act in (drop, prove)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 20
    # Whoever came first: proof outlives a word, and the lead moves on once.
    assert room.states() == {"sent": 20}
    assert {row.position for row in room.rows()} == {1}
    assert {row.status for row in room.rows()} == {"pending"}
