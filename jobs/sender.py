"""Draining a mailbox: claim in batches, hand over on a few kept connections, record in groups.

One drain works until nothing of its mailbox is due. The next batch is claimed and written while this one is on the
wire; messages that reach the point of no return together share one commit, and so do their results.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy.exc import OperationalError

from core import guarding, handover, letters, postbox, tracking
from core.db import Database
from core.errors import Refused
from core.handover import BATCH, Hand, Report
from core.letters import Letter, Office
from core.mime import Sender
from core.models import Mailbox
from core.reading import waiting
from jobs.groups import Groups
from jobs.oauth import Tokens
from jobs.servers import smtp_server
from jobs.smtp import Fate, Line, MailboxDown, Outgoing, Result, Server

LOG = logging.getLogger(__name__)
LOW = BATCH // 2
# So long a connection waits at the gate for the others; else they would pass it in halves, at twice the commits.
GATE_LINGER_SECONDS = 0.002
# A pause waits so much longer for its answer, and the results of some 50 mails share a transaction.
RESULTS_LINGER_SECONDS = 0.02
JUDGED_EVERY_SECONDS = 1
RECORD_AGAIN_AFTER_SECONDS = (0.2, 1, 3, 9)
FATES = {
    Fate.SENT: handover.Fate.SENT,
    Fate.REFUSED: handover.Fate.REFUSED,
    Fate.RETRY: handover.Fate.RETRY,
    Fate.UNKNOWN: handover.Fate.UNKNOWN,
}


@dataclass(frozen=True)
class Desk:
    """What sending needs from outside: the database, the clock, and the passwords by variable name."""

    db: Database
    office: Office
    clock: Callable[[], datetime]
    password: Callable[[str], str | None]
    lease: timedelta = handover.LEASE
    timeout_seconds: float = 60
    tokens: Tokens | None = None  # for mailboxes that log in with access tokens
    # Reads a mailbox once more before follow-ups leave it: an answer that lies there already stops its step.
    look: Callable[[int], Awaitable[None]] | None = None


class Post:
    """The sending side of one process; it keeps connections open between drains."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lines: dict[int, tuple[Server, list[Line]]] = {}
        self._rounds: dict[int, Round | None] = {}
        self._stopping = False

    async def drain(self, mailbox_id: int) -> int:
        """Hand over what is due of a mailbox and give how many messages left; 0 where a drain is under way."""
        if mailbox_id in self._rounds or self._stopping:
            return 0
        self._rounds[mailbox_id] = None  # taken, before the first await
        try:
            mailbox = await asyncio.to_thread(postbox.get, self._desk.db, mailbox_id)
            await self._look(mailbox_id)
            # Asked after the last await: until there is a round, `stop` finds none.
            if mailbox is None or self._stopping:
                return 0
            self._rounds[mailbox_id] = work = Round(self._desk, mailbox)
            return await work.run(self._lines_of(mailbox))
        finally:
            del self._rounds[mailbox_id]

    async def _look(self, mailbox_id: int) -> None:
        look = None if self._stopping else self._desk.look
        if look is not None and await asyncio.to_thread(self._has_follow_ups, mailbox_id):
            await look(mailbox_id)

    def _has_follow_ups(self, mailbox_id: int) -> bool:
        with self._desk.db.read() as session:
            return waiting(session, mailbox_id, now=self._desk.clock(), is_follow_up=True) > 0

    @property
    def is_busy(self) -> bool:
        """Say whether any mailbox is being drained here."""
        return bool(self._rounds)

    def is_draining(self, mailbox_id: int) -> bool:
        """Say whether this mailbox is being drained here."""
        return mailbox_id in self._rounds

    def _lines_of(self, mailbox: Mailbox) -> list[Line]:
        desk = self._desk
        server = smtp_server(mailbox, desk.password, desk.tokens, desk.timeout_seconds)
        known, lines = self._lines.get(mailbox.id or 0, (server, []))
        if known != server:
            lines = []
        lines += [Line(server) for _ in range(mailbox.connections - len(lines))]
        self._lines[mailbox.id or 0] = (server, lines)
        return lines

    def stop(self) -> None:
        """Take no further message; what has begun is finished."""
        self._stopping = True
        for work in self._rounds.values():
            if work is not None:
                work.stop()

    async def close_idle(self) -> None:
        """Close the connections of mailboxes that send nothing right now."""
        for mailbox_id in [known for known in self._lines if known not in self._rounds]:
            _, lines = self._lines.pop(mailbox_id)
            await asyncio.gather(*(line.close() for line in lines))


class Round:
    """One drain of one mailbox."""

    def __init__(self, desk: Desk, mailbox: Mailbox) -> None:
        self._desk = desk
        self._mailbox = mailbox
        self._sender = Sender(mailbox.address, mailbox.name)
        self._ready: deque[tuple[datetime, Outgoing]] = deque()  # each with the end of its lease
        self._letters: dict[int, Letter] = {}
        self._asked: set[int] = set()
        self._numbers = (
            count()
        )  # no delivery's id: paused and resumed at once, one may be here under two fences
        self._stopped = False
        self._fetching: asyncio.Task[None] | None = None
        self._ended = False
        self._unsent: list[Hand] = []
        self._gate: Groups[tuple[int, int], bool] = Groups(
            self._begin, most=mailbox.connections, linger_seconds=GATE_LINGER_SECONDS
        )
        self._results: Groups[Report, None] = Groups(self._record, linger_seconds=RESULTS_LINGER_SECONDS)
        self._retry_at: datetime | None = None  # when the mailbox turned out to be down
        self._left = 0
        self._refused: list[int] = []
        self._judged_at = 0.0

    def stop(self) -> None:
        """Take no further message; what is not in hand goes back."""
        self._ended = self._stopped = True
        self._put_back()

    async def run(self, lines: list[Line]) -> int:
        """Work until nothing is due, and give how many messages left; whatever happens, every claim is accounted for."""
        try:
            await self._fetch()
            used = lines[: max(1, min(len(lines), len(self._ready)))] if self._ready else []
            ends = await asyncio.gather(
                *(line.run(self._next, self._pass_gate, self._note) for line in used), return_exceptions=True
            )
            await self._judge_lines(ends)
        finally:
            await self._clean_up()
        return self._left

    # Claiming

    async def _next(self) -> Outgoing | None:
        """Give the next message, None when nothing more is due; the batch after is fetched ahead."""
        while True:
            while not self._ready:
                if self._ended:
                    return None
                await self._fetch()
            if len(self._ready) <= LOW and not self._ended and self._fetching is None:
                self._fetching = asyncio.create_task(self._fetch_batch())
            lease_end, outgoing = self._ready.popleft()
            if lease_end > self._desk.clock():
                return outgoing
            # The gate would refuse it, after a dialogue for nothing: a slow server would see little else.
            self._unsent.append(self._letters.pop(outgoing.key).claimed)

    async def _fetch(self) -> None:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_batch())
        await asyncio.shield(self._fetching)

    async def _fetch_batch(self) -> None:
        try:
            lease_end = self._desk.clock() + self._desk.lease
            letters_, held = await asyncio.to_thread(self._claim_and_write)
            if not letters_ and not held:
                self._ended = True
            for letter in letters_:
                number = next(self._numbers)
                self._letters[number] = letter
                outgoing = Outgoing(number, self._mailbox.address, letter.claimed.recipient, letter.content)
                self._ready.append((lease_end, outgoing))
            if self._stopped:
                self._put_back()
        finally:
            self._fetching = None

    def _claim_and_write(self) -> tuple[list[Letter], int]:
        desk, now = self._desk, self._desk.clock()
        written: list[Letter] = []
        held: list[tuple[Hand, str]] = []
        batch = handover.claim(desk.db, self._mailbox.id or 0, now=now, lease=desk.lease)
        known = tracking.known(desk.db, batch)
        for claimed in batch:
            try:
                written.append(letters.write(claimed, self._sender, desk.office, now=now, known=known))
            except Refused as refused:
                held.append((claimed, str(refused)))
        tracking.keep(desk.db, (link for letter in written for link in letter.links), now=now)
        if held:
            handover.hold_back(desk.db, held, now=now)
        return written, len(held)

    # The point of no return

    def _pass_gate(self, outgoing: Outgoing) -> asyncio.Future[bool]:
        self._asked.add(outgoing.key)
        claimed = self._letters[outgoing.key].claimed
        return self._gate.put((claimed.delivery_id, claimed.fence))

    async def _begin(self, hands: list[tuple[int, int]]) -> Callable[[tuple[int, int]], bool]:
        desk = self._desk
        newest = dict(sorted(hands))  # an older fence of the same delivery is void
        allowed = await asyncio.to_thread(
            handover.begin, desk.db, newest.items(), now=desk.clock(), lease=desk.lease
        )
        return {(delivery_id, newest[delivery_id]) for delivery_id in allowed}.__contains__

    # What became of it

    def _note(self, outgoing: Outgoing, result: Result) -> None:
        letter = self._letters.pop(outgoing.key)
        has_been_asked = outgoing.key in self._asked
        self._asked.discard(outgoing.key)
        never_begun = result.fate is Fate.RETRY and result.code is None and not has_been_asked
        if result.fate is Fate.HELD or never_begun:
            self._unsent.append(letter.claimed)
            return
        self._left += result.fate is Fate.SENT
        claimed = letter.claimed
        report = Report(
            claimed.delivery_id,
            claimed.fence,
            FATES[result.fate],
            self._desk.clock(),
            letter.subject,
            result.code,
            result.text,
        )
        self._results.put(report).add_done_callback(_log_failure)

    async def _record(self, reports: list[Report]) -> Callable[[Report], None]:
        """Write results; tried again, since what is lost here makes people look after mails that surely left."""
        for pause in (*RECORD_AGAIN_AFTER_SECONDS, None):
            try:
                await asyncio.to_thread(handover.record, self._desk.db, reports, now=self._desk.clock())
                break
            except OperationalError:
                if pause is None:
                    raise
                LOG.warning("hand-over results could not be recorded, trying again", exc_info=True)
                await asyncio.sleep(pause)
        self._refused += [report.delivery_id for report in reports if report.fate is handover.Fate.REFUSED]
        await self._judge_refused(after_seconds=JUDGED_EVERY_SECONDS)
        return lambda _: None

    async def _judge_refused(self, *, after_seconds: float = 0) -> None:
        """Let the guard look at what was refused, unless it looked so lately: it counts a week of mails."""
        moment = asyncio.get_running_loop().time()
        if not self._refused or moment - self._judged_at < after_seconds:
            return
        refused, self._refused, self._judged_at = self._refused, [], moment
        try:
            await asyncio.to_thread(guarding.judge, self._desk.db, now=self._desk.clock(), deliveries=refused)
        except OperationalError:  # the results are kept, and the sweep judges once a minute
            LOG.warning("refused mails could not be judged", exc_info=True)

    # The end

    def _put_back(self) -> None:
        while self._ready:
            _, outgoing = self._ready.popleft()
            self._unsent.append(self._letters.pop(outgoing.key).claimed)

    async def _judge_lines(self, ends: Iterable[BaseException | None]) -> None:
        """Record whether the mailbox can send: it is down only when no connection worked."""
        found = list(ends)
        for error in found:
            if error is not None and not isinstance(error, MailboxDown):
                raise error
        down = [error for error in found if isinstance(error, MailboxDown)]
        now, mailbox_id = self._desk.clock(), self._mailbox.id or 0
        if down and len(down) == len(found):
            self._retry_at = await asyncio.to_thread(
                postbox.went_down,
                self._desk.db,
                mailbox_id,
                str(down[0]),
                is_lasting=down[0].lasting,
                now=now,
            )
        elif found and self._mailbox.down_at is not None:
            await asyncio.to_thread(postbox.came_up, self._desk.db, mailbox_id, now=now)

    async def _clean_up(self) -> None:
        """Give back what was claimed and not begun, and write every result, before the drain ends."""
        self._ended = True
        if self._fetching is not None:
            await asyncio.wait({self._fetching})
        self._put_back()
        await self._results.finish()
        await self._judge_refused()
        if self._unsent:
            await asyncio.to_thread(
                handover.release, self._desk.db, self._unsent, now=self._desk.clock(), retry_at=self._retry_at
            )


def _log_failure(future: asyncio.Future[None]) -> None:
    # The delivery stays `sending` and becomes `uncertain` when its lease ends: never a second copy.
    if not future.cancelled() and (error := future.exception()):
        LOG.error("hand-over results not recorded", exc_info=error)
