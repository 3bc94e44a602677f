"""What runs all the time: the sweep over the database, and arq's worker beside it, supervised.

Every tick the sweep releases holds whose date has come, settles hand-overs whose worker is gone, and asks for one job
per mailbox with something due. When Redis is away, or nobody takes the job, the sweep drains the mailbox itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from core import collisions, handover
from core.absences import return_due
from core.announcements import announce_due
from core.conditions import conditions_due
from core.db import Database
from core.digests import digest_due
from core.guarding import judge
from core.meetings import ask_about_ended
from core.releases import release_due
from core.reminders import remind_due
from core.tasks import tasks_due
from core.visits import settle_due
from core.weekly import weekly_due
from jobs.queue import QUEUE, from_json, open_queue, to_json
from jobs.sender import Post

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.1
MOST_JOBS = 50
LONGEST_JOB_SECONDS = 3600
PATIENCE_SECONDS = 10  # a mailbox asked for and still due after this is drained without the queue
LONGEST_BACK_OFF_SECONDS = 30
JUDGED_EVERY = timedelta(minutes=1)
STOP_SECONDS = 90  # longer than an SMTP server may take over one message


class Engine:
    """The sending half of a process: `run` until `stop`."""

    def __init__(
        self,
        db: Database,
        post: Post,
        *,
        clock: Callable[[], datetime],
        tick_seconds: float,
        redis_url: str | None = None,
        also: tuple[Callable[[], Awaitable[object]], ...] = (),
    ) -> None:
        """`also`: what else a tick does, such as drawing cards; a failure of one keeps the others running."""
        self._db = db
        self._post = post
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._redis_url = redis_url
        self._also = also
        self._queue: ArqRedis | None = None
        self._asked: dict[int, float] = {}
        self._direct: set[asyncio.Task[object]] = set()
        self._stopping = asyncio.Event()
        self._judged_at: datetime | None = None
        self.made_at = clock()
        self.last_tick: datetime | None = None

    async def run(self) -> None:
        """Work until `stop`; then finish what has begun and come back."""
        worker = asyncio.create_task(self._supervise())
        try:
            while not self._stopping.is_set():
                await self.tick()
                await _wait(self._stopping, self._tick_seconds)
        finally:
            self.stop()
            await asyncio.gather(worker, return_exceptions=True)
            if self._direct:
                await asyncio.wait(self._direct, timeout=STOP_SECONDS)
            await self._post.close_idle()

    def stop(self) -> None:
        """Begin no further hand-over."""
        self._post.stop()
        self._stopping.set()

    async def tick(self) -> None:
        """Sweep once over everything that is due."""
        now = self._clock()
        steps: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: asyncio.to_thread(release_due, self._db, now=now),
            lambda: asyncio.to_thread(conditions_due, self._db, now=now),
            lambda: asyncio.to_thread(announce_due, self._db, now=now),
            lambda: asyncio.to_thread(ask_about_ended, self._db, now=now),
            lambda: asyncio.to_thread(settle_due, self._db, now=now),
            lambda: asyncio.to_thread(collisions.expire_due, self._db, now=now),
            lambda: asyncio.to_thread(digest_due, self._db, now=now),
            lambda: asyncio.to_thread(remind_due, self._db, now=now),
            lambda: asyncio.to_thread(tasks_due, self._db, now=now),
            lambda: asyncio.to_thread(return_due, self._db, now=now),
            lambda: asyncio.to_thread(weekly_due, self._db, now=now),
            lambda: asyncio.to_thread(handover.reap, self._db, now=now),
            lambda: self._guard(now),
            lambda: self._wake_mailboxes(now),
            *self._also,
        )
        for step in steps:
            try:
                await step()
            except Exception:  # the next tick tries again; a sweep must not end
                LOG.exception("a part of the sweep failed")
        self.last_tick = now

    async def _guard(self, now: datetime) -> None:
        """Judge all mailboxes and sequences once a minute, beside what is judged as it comes back."""
        if self._judged_at is None or not timedelta(0) <= now - self._judged_at < JUDGED_EVERY:
            await asyncio.to_thread(judge, self._db, now=now)
            self._judged_at = now

    async def settle(self) -> None:
        """Sweep until nothing is due and no hand-over is under way, or until `stop` (the sandbox's clock waits for it)."""
        while not self._stopping.is_set():
            await self.tick()
            due = await asyncio.to_thread(self._due, self._clock())
            if not due and not self._post.is_busy:
                return
            for mailbox_id in due:
                await self._post.drain(mailbox_id)
            await asyncio.sleep(0)

    def _due(self, now: datetime) -> list[int]:
        with self._db.read() as session:
            return handover.mailboxes_due(session, now=now)

    async def _wake_mailboxes(self, now: datetime) -> None:
        due = await asyncio.to_thread(self._due, now)
        moment = asyncio.get_running_loop().time()
        self._asked = {mailbox_id: at for mailbox_id, at in self._asked.items() if mailbox_id in due}
        is_away = False  # a Redis that is frozen costs its time-out once a round, not once a mailbox
        for mailbox_id in due:
            asked_at = self._asked.setdefault(mailbox_id, moment)
            if self._post.is_draining(mailbox_id):
                continue
            is_late = moment - asked_at > PATIENCE_SECONDS
            is_away = is_away or (not is_late and not await self._enqueue(mailbox_id))
            if is_late or is_away:
                task: asyncio.Task[object] = asyncio.create_task(self._post.drain(mailbox_id))
                self._direct.add(task)
                task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._direct.discard(task)
        if not task.cancelled() and (error := task.exception()):
            LOG.error("a drain failed", exc_info=error)

    async def _enqueue(self, mailbox_id: int) -> bool:
        """Ask arq to drain a mailbox; False: Redis does not answer."""
        if self._queue is None:
            return False
        try:
            # No job id: arq would refuse the same one for an hour. It expires, since the next tick asks again. No time-out
            # of ours: the queue's connections have their own, and redis-py leaks a pipeline that is cancelled.
            await self._queue.enqueue_job("drain", mailbox_id, _expires=max(2 * self._tick_seconds, 1))
        except (RedisError, OSError):
            return False
        return True

    async def _supervise(self) -> None:
        """Keep an arq worker running; it ends whenever Redis does."""
        back_off = 1.0
        while not self._stopping.is_set():
            queue = self._queue = open_queue(self._redis_url)
            worker = self._worker(queue)
            started = asyncio.get_running_loop().time()
            try:
                await self._run_until_stop(worker)
            except (RedisError, OSError) as error:
                LOG.warning("the queue is away, the sweep goes on without it: %s", type(error).__name__)
            except Exception:  # whatever somebody put into Redis, the next worker starts afresh
                LOG.exception("the queue's worker broke, the sweep goes on without it")
            finally:
                self._queue = None
                await _close(worker, queue)
            if asyncio.get_running_loop().time() - started > LONGEST_BACK_OFF_SECONDS:
                back_off = 1.0
            await _wait(self._stopping, back_off)
            back_off = min(back_off * 2, LONGEST_BACK_OFF_SECONDS)

    async def _run_until_stop(self, worker: Worker) -> None:
        running = asyncio.create_task(worker.async_run())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        while not running.done():  # once is not enough: redis-py can swallow it, and arq would go on for ever
            running.cancel()
            await asyncio.wait({running}, timeout=POLL_SECONDS)
        if not running.cancelled():
            running.result()

    def _worker(self, queue: ArqRedis) -> Worker:
        return Worker(
            [
                func(
                    cast("WorkerCoroutine", self._drain),
                    name="drain",
                    keep_result=0,
                    timeout=LONGEST_JOB_SECONDS,
                    max_tries=1,
                )
            ],
            queue_name=QUEUE,
            redis_pool=queue,
            handle_signals=False,
            job_completion_wait=STOP_SECONDS,
            max_jobs=MOST_JOBS,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            allow_abort_jobs=False,
            poll_delay=POLL_SECONDS,
            job_serializer=to_json,
            job_deserializer=from_json,
            log_results=False,
        )

    async def _drain(self, _ctx: object, mailbox_id: int) -> None:
        # The argument came through Redis: only a number is believed, and the database decides what it means.
        if isinstance(mailbox_id, int):
            await self._post.drain(mailbox_id)


async def _close(worker: Worker, queue: ArqRedis) -> None:
    """Let the jobs in hand end, then close; a Redis that is gone cannot stop that."""
    if worker.tasks:
        await asyncio.wait(worker.tasks.values(), timeout=STOP_SECONDS)
    try:
        await worker.close()
    except (RedisError, OSError, asyncio.CancelledError):
        LOG.info("the queue was gone before it could be closed")
        with suppress(RedisError, OSError):  # arq stops at the first failure and leaves its connections open
            await queue.aclose(close_connection_pool=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
