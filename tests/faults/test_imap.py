"""A mailbox whose connection is cut, or stands still, anywhere in the dialogue while answers come (G5)."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlmodel import select

from core.db import Database
from core.migrate import migrate
from core.models import Hold, Suppression
from tests.faults.harness import THOROUGH
from tests.faults.proxy import Dropping, opened
from tests.faults.test_surroundings import SEED
from tests.jobs.test_reader import answer, place_on

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ANSWERS = 600 if THOROUGH else 48
WAVE = 24  # answers come in between; two readers read each at once, as often as it takes
LONG = "We have looked at it together, and here is what everybody thinks about it. " * 400
TEXTS = ("Thanks, let me think.", f"Please unsubscribe me.\n\n{LONG}", f"Thanks.\n\n{LONG}")


def letters():
    return [answer(number, TEXTS[number % len(TEXTS)], key=f"cut-{number}") for number in range(ANSWERS)]


def ends(place):
    """How each lead stands, who gets nothing any more, and what the journal says was done."""
    with place.db.read() as session:
        barred = sorted(session.exec(select(Suppression.email)))
        holds = Counter(session.exec(select(Hold.enrollment_id, Hold.source)))
    done = Counter(place.verbs("pause", "stop", "unsubscribe", "suppress"))
    return [row.status for row in place.room.rows()], barred, holds, done


def test_the_connection_is_cut_or_stands_still_anywhere(dovecot, database, tmp_path, record_property):
    dice = random.Random(SEED)
    with (
        closing(Database(f"sqlite:///{tmp_path / 'orderly.db'}")) as plain,
        opened(Dropping(dovecot.port, dice, most_bytes=2 * WAVE * len(LONG))) as door,
    ):
        migrate(plain)
        orderly = place_on(dovecot, plain, ANSWERS + 5)
        place = place_on(dovecot, database, ANSWERS + 5, port=door.port)
        orderly.deliver(*letters())
        orderly.read()
        every = letters()
        with ThreadPoolExecutor(2) as readers:
            for begin in range(0, ANSWERS, WAVE):
                place.deliver(*every[begin : begin + WAVE])
                for _ in range(8):
                    list(readers.map(lambda _: place.read(patience=0.5), range(2)))
        door.is_whole = True
        place.read()
        assert ends(place) == ends(orderly)
        assert Counter(ends(place)[0]) == {"pending": 5, "paused": ANSWERS * 2 // 3, "stopped": ANSWERS // 3}
        assert door.cuts > ANSWERS // 8
        assert door.stalls
        record_property(
            "proof",
            f"G5 [{database.engine.dialect.name}]: IMAP cut {door.cuts} times and standing still {door.stalls} times anywhere in the "
            f"dialogue, two readers: {ANSWERS} answers each acted on once, as in the orderly run (seed {SEED})",
        )
