"""Every fault of an SMTP server at every phase, met by many leads at random; then it heals, and the books are compared.

The servers that misbehave here break connections, rules and time-outs. One lie is left out, since nobody can see through
it: an answer 4xx or 5xx to a mail that the server keeps all the same (RFC 5321 §4.2.5 gives such a mail to the client).
"""

import asyncio
import os
import random
from contextlib import closing
from datetime import timedelta

import pytest

from core import handover
from core.db import Database
from core.models import Workspace
from sandbox.faults import Fault, Phase
from sandbox.sink import Sink
from tests import mailroom
from tests.faults.harness import THOROUGH, is_settled, proof
from tests.services import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if THOROUGH else 90)]

KINDS = {
    "4xx": Fault(reply="451 4.3.0 Try later"),
    "5xx": Fault(reply="554 5.7.1 No"),
    "421": Fault(reply="421 4.3.2 Closing"),
    "hang": Fault(hang=True),
    "drop": Fault(drop=True),
    "cut": Fault(cut=True),
    "split": Fault(split=True),
    "slow": Fault(delay=0.02),
    "garbage": Fault(reply="\x00\xff% What?"),
    "endless": Fault(reply="250-more\n" * 10_000 + "250 done"),
    "twice": Fault(reply="250 2.0.0 Ok\n250 2.0.0 Ok"),
    "out of place": Fault(reply="354 Go on"),
    "not yet": Fault(reply="150 Wait"),
}
OF_CONNECTIONS = (Phase.BANNER, Phase.EHLO, Phase.MAIL, Phase.RSET, Phase.QUIT)
RARE = (Phase.RSET, Phase.QUIT)
OF_LEADS = (Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT, Phase.AFTER)
UNDETECTABLE = {(Phase.AFTER, kind) for kind in ("4xx", "5xx", "421")}
TIMEOUT_SECONDS = 0.25
CONNECTIONS = 3
LEADS = 1_500 if THOROUGH else 80
SEEDS = [1, 2, 3, 4] if THOROUGH else [1]


class Mischief:
    """What the sink does: each lead meets the fault it drew, connections meet all of theirs, one in a while."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        cells = [(phase, kind) for phase in OF_LEADS for kind in KINDS if (phase, kind) not in UNDETECTABLE]
        self.of_leads = dict(enumerate(cells * (LEADS // len(cells) // 2 + 1)))
        order = list(range(LEADS))
        self.random.shuffle(order)
        self.of_leads = {
            f"lead{order[number]}": cell for number, cell in self.of_leads.items() if number < LEADS
        }
        self.of_connections = {phase: self.random.sample(list(KINDS), len(KINDS)) for phase in OF_CONNECTIONS}
        self.met = 0

    def __call__(self, moment):
        kind = None
        if kinds := self.of_connections.get(moment.phase):
            kind = kinds.pop() if moment.phase in RARE or self.random.random() < 0.3 else None
        elif moment.recipient:
            lead = moment.recipient.partition("@")[0]
            if self.of_leads.get(lead, ("", ""))[0] == moment.phase:
                kind = self.of_leads.pop(lead)[1]
        self.met += kind is not None
        return KINDS[kind] if kind else None

    @property
    def is_over(self):
        """Say whether all were met; only as many RSETs as refusals are ever heard."""
        return not self.of_leads and not any(
            kinds for phase, kinds in self.of_connections.items() if phase is not Phase.RSET
        )


class Clock:
    def __init__(self):
        self.now = mailroom.NOW

    def __call__(self):
        return self.now


async def send_until(room, clock, is_over, rounds=400):
    """Send and let time pass, until it is over; the clock moves past every lease and the first retries."""
    for _ in range(rounds):
        async with mailroom.post(room.db, clock=clock, timeout_seconds=TIMEOUT_SECONDS) as opened:
            await opened.drain(room.mailbox_id)
        clock.now += timedelta(minutes=31)
        await asyncio.to_thread(handover.reap, room.db, now=clock.now)
        if is_over():
            return
    raise AssertionError("it never came to an end")


async def misbehave_then_heal(url, seed):
    mischief, clock, port = Mischief(seed), Clock(), free_port()
    room = mailroom.make(
        Database(url), LEADS, text=mailroom.spec_text(steps=1), port=port, connections=CONNECTIONS
    )
    with closing(room.db):
        # Nobody is to stop the mailbox for its many refusals: this is about what leaves it.
        room.change(Workspace, 1, bounce_limit=100)
        await send_until(room, clock, lambda: True)  # nobody listens yet
        assert set(room.states()) == {"ready"}
        async with Sink(script=mischief, port=port) as sink:
            for more in range(100):  # who is left to meet it
                await send_until(room, clock, lambda: mischief.is_over or is_settled(room))
                if mischief.is_over:
                    break
                ids = mailroom.add_leads(room.db, 9, prefix=f"more{more}-", now=clock.now)
                room.ids += mailroom.enrol(room.db, ids, room.sequence_id, now=clock.now)
            assert mischief.is_over
            sink.script = None
            await send_until(room, clock, lambda: is_settled(room))
            return proof("G2, G3", f"SMTP: {mischief.met} faults, seed {seed}", room, sink)


@pytest.mark.parametrize(
    "seed", SEEDS if "FERMATA_SEED" not in os.environ else [int(os.environ["FERMATA_SEED"])]
)
def test_many_leads_meet_every_fault_at_every_phase(database_url, seed, record_property):
    print(f"seed {seed}; again with FERMATA_SEED={seed}")
    record_property("proof", asyncio.run(misbehave_then_heal(database_url, seed)))
