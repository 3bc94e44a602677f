"""Stop commands aimed at the very moment their mail is claimed, at the gate, or on the wire.

The sink says how far each dialogue is, so a command starts while its own lead's mail is exactly there. What counts is
one thing: no acceptance by the sink after the answer came back, unless the answer names that mail (DESIGN G1).
"""

import asyncio
import os
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import select

from core import commands, leads
from core.db import Database
from core.models import Enrollment
from core.people import SYSTEM
from core.verbs.handovers import await_handovers, begun
from sandbox.faults import Fault, Moment, Phase
from sandbox.sink import Sink
from tests import mailroom
from tests.mailroom import ADA, real_now

RACES = 20_000 if os.environ.get("FERMATA_THOROUGH") else 2_000
COMMANDERS = 4
POSTS = 3
MAILBOXES = 2
CONNECTIONS = 1
AHEAD = 10 * MAILBOXES  # so many leads later a mail is claimed, and not yet on the wire
AIMS = ("claimed", Phase.RCPT, Phase.DATA, Phase.DOT, Phase.AFTER)
LEAD = re.compile(r"lead(\d+)@b\.test")


@dataclass
class Race:
    """One command: whom it stops, when it was asked, when and how it was answered (monotonic seconds)."""

    lead: int
    aim: str
    verb: str
    started: float
    answered: float = 0.0
    answer: str = ""
    is_refusal: bool = False


@dataclass
class Outcome:
    """What a run of races gave; `late` are (race, seconds after its answer) of unnamed acceptances."""

    races: list[Race]
    late: list[tuple[Race, float]]
    accepted: list
    waited: int

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the answers stayed below."""
        times = sorted(race.answered - race.started for race in self.races)
        return 1000 * times[min(int(share * len(times)), len(times) - 1)]

    def __str__(self) -> str:
        return (
            f"{len(self.races)} races, {len(self.late)} late, {self.waited} hand-overs named, "
            f"p50 {self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms"
        )


class Arena:
    """Leads that are all due, senders that drain them together, and commanders who aim at them."""

    def __init__(self, url: str, leads_count: int, *, races: int = RACES, seed: int = 1) -> None:
        self.url = url
        self.db = Database(url)
        self.wanted = races
        self.races: list[Race] = []
        self.random = random.Random(seed)
        self.plan = [self.random.choice(AIMS) for _ in range(leads_count)]
        self.verbs = [self.random.choice(("pause", "stop", "suppress")) for _ in range(leads_count)]
        self.busy = 0
        self.aimed: set[int] = set()
        self.pool = ThreadPoolExecutor(COMMANDERS)
        self.running: set[asyncio.Future] = set()
        self.mailboxes: list[int] = []
        self.count = leads_count
        self.shared = POSTS

    def set_up(self, port: int) -> None:
        self.mailboxes = [
            mailroom.add_mailbox(self.db, f"us{n}@a.test", port=port, now=real_now(), connections=CONNECTIONS)
            for n in range(MAILBOXES)
        ]
        sequence = mailroom.add_sequence(self.db, mailroom.spec_text(steps=1), now=real_now())
        ids = mailroom.add_leads(self.db, self.count, now=real_now())
        mailroom.enrol(self.db, ids, sequence, now=real_now())
        with self.db.write() as session:  # else a pause would ask for `skip` instead
            session.execute(update(Enrollment).values(has_started=True))

    # Aiming

    def script(self, moment: Moment) -> Fault | None:
        """Called by the sink at each phase of each dialogue."""
        if moment.phase is Phase.MAIL:
            return Fault(delay=0.05) if self.busy >= COMMANDERS else None  # wait until somebody can aim again
        found = LEAD.match(moment.recipient)
        if found is None:
            return None
        lead = int(found[1])
        if moment.phase is Phase.RCPT and lead + AHEAD < self.count and self.plan[lead + AHEAD] == "claimed":
            self.fire(lead + AHEAD)
        if self.plan[lead] == moment.phase and self.fire(lead):
            return Fault(delay=self.random.uniform(0, 0.012))  # the command and the mail set off together
        return None

    def fire(self, lead: int) -> bool:
        if self.busy >= COMMANDERS or len(self.races) >= self.wanted or lead in self.aimed:
            return False
        self.aimed.add(lead)
        self.busy += 1
        race = Race(lead, str(self.plan[lead]), self.verbs[lead], time.monotonic())
        self.races.append(race)
        future = asyncio.get_running_loop().run_in_executor(self.pool, self.command, race)
        self.running.add(future)
        future.add_done_callback(self._ended)
        return True

    def _ended(self, future: asyncio.Future) -> None:
        self.busy -= 1
        if future.exception() is None:
            self.running.discard(future)

    def command(self, race: Race) -> None:
        email = f"lead{race.lead}@b.test"
        race.started = time.monotonic()
        if race.verb == "suppress":
            race.answer = suppress(self.db, email)
        else:
            answer = commands.run(
                commands.Desk(self.db, wait_seconds=20),
                f"{race.verb} {email} in Spring",
                actor=ADA,
                now=real_now(),
            )
            race.answer, race.is_refusal = answer.as_text(), answer.is_refusal
        race.answered = time.monotonic()

    # Running

    async def run(self, make_post=None) -> Outcome:
        async with Sink(script=self.script) as sink, AsyncExitStack() as stack:
            await asyncio.to_thread(self.set_up, sink.port)
            drains, posts = [], []
            for number in range(POSTS):
                # The last has its own connections to the database, as another process has.
                db = self.db if number < self.shared else stack.enter_context(closing(Database(self.url)))
                if make_post is None:
                    post = await stack.enter_async_context(mailroom.post(db))
                else:
                    post = make_post(db)
                posts.append(post)
                drains += [self.drain(post, mailbox_id) for mailbox_id in self.mailboxes]
            enough = asyncio.create_task(self.stop_when_done(posts))
            await asyncio.gather(*drains)
            enough.cancel()
            if self.running:
                await asyncio.gather(*self.running)
            await asyncio.sleep(0.05)
            return self.judge(sink.accepted)

    async def stop_when_done(self, posts) -> None:
        await mailroom.until(lambda: len(self.races) >= self.wanted and not self.busy, 500)
        await asyncio.sleep(0.3)  # long enough for what should not leave
        for post in posts:
            post.stop()

    async def run_stops(self, stop: str, go: str, rounds: int) -> Outcome:
        """Stop and start everything at once, again and again, while several senders drain."""
        async with Sink() as sink, AsyncExitStack() as stack:
            await asyncio.to_thread(self.set_up, sink.port)
            posts = [await stack.enter_async_context(mailroom.post(self.db)) for _ in range(POSTS)]
            drains = [
                asyncio.create_task(self.keep_draining(post, mailbox_id))
                for post in posts
                for mailbox_id in self.mailboxes
            ]
            late = []
            for _ in range(rounds):
                await asyncio.sleep(self.random.uniform(0.005, 0.03))
                race = await asyncio.to_thread(self.say, stop)
                await asyncio.sleep(0.02)
                ends = time.monotonic()
                self.races.append(race)
                late += [
                    (race, message.monotonic - race.answered)
                    for message in sink.accepted
                    if race.answered < message.monotonic < ends
                    and f"{message.recipients[0]} in Spring had begun leaving" not in race.answer
                ]
                assert not (await asyncio.to_thread(self.say, go)).is_refusal
            for post in posts:
                post.stop()
            await asyncio.gather(*drains)
            waited = sum(race.answer.count("had begun leaving") for race in self.races)
            return Outcome(self.races, late, sink.accepted, waited)

    def say(self, text: str) -> Race:
        started = time.monotonic()
        answer = commands.run(commands.Desk(self.db, wait_seconds=20), text, actor=ADA, now=real_now())
        return Race(0, "any", text, started, time.monotonic(), answer.as_text(), answer.is_refusal)

    async def keep_draining(self, post, mailbox_id: int) -> None:
        while not post._stopping:
            await post.drain(mailbox_id)
            await asyncio.sleep(0.002)

    async def drain(self, post, mailbox_id: int) -> None:
        quiet = 0
        while quiet < 3:
            quiet = 0 if await post.drain(mailbox_id) else quiet + 1
            await asyncio.sleep(0.01)

    def judge(self, accepted) -> Outcome:
        at = {}
        for message in accepted:
            at.setdefault(message.recipients[0], []).append(message.monotonic)
        late, waited = [], 0
        for race in self.races:
            email = f"lead{race.lead}@b.test"
            is_named = f"{email} in Spring had begun leaving" in race.answer
            waited += is_named
            moments = [moment - race.answered for moment in at.get(email, ()) if moment > race.answered]
            if moments and not is_named and not race.is_refusal:
                late.append((race, max(moments)))
        return Outcome(self.races, late, accepted, waited)

    def close(self) -> None:
        self.pool.shutdown()
        self.db.close()


def suppress(db: Database, email: str) -> str:
    """Suppress an address and wait for what had begun, as every answer does."""
    now = real_now()
    with db.write() as session:
        leads.suppress(session, email, reason="asked", actor=SYSTEM, now=now)
        lead = leads.Lead
        query = select(Enrollment.id).join(lead, lead.id == Enrollment.lead_id).where(lead.email == email)
        hands = begun(session, list(session.exec(query)))
    return " ".join(await_handovers(db, hands, zone="UTC", now=now, wait_seconds=20))
