"""What is measured, each in a process of its own: `python -m benchmarks.contenders NAME …`; prints one JSON line."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import aiosmtplib
import psutil
from sqlalchemy import text, update
from sqlmodel import col, select

from benchmarks.terms import WARM_LEADS
from core.db import Database
from core.handover import Claimed
from core.letters import Letter, write
from core.mime import Sender
from core.models import Delivery, Enrollment, Lead, Step
from core.people import Actor

TARGET = "measured1@company1.example"
SENDER = "ana@sales.example"
HOUR = timedelta(hours=1)
CLAIMED = (
    select(Lead.email)
    .join(Enrollment, col(Enrollment.lead_id) == Lead.id)
    .join(Delivery, col(Delivery.enrollment_id) == Enrollment.id)
    .where(text("delivery.state = 'claimed'"))
)


async def measured(work: Callable[[], Awaitable[int]]) -> None:
    """Run it and print messages, wall time, CPU of this process, and its size at the end."""
    started, cpu = time.perf_counter(), time.process_time()
    messages = await work()
    figures = {
        "messages": messages,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "rss_mb": psutil.Process().memory_info().rss / 2**20,
    }
    print(json.dumps(figures))


def sample() -> Letter:
    """A letter as the pipeline writes it."""
    from benchmarks.bench_mime import BODY
    from benchmarks.terms import NOW, OFFICE

    step = Step(
        sequence_id=1, key="intro", kind="email", subject="A question about {{ lead.company }}", body=BODY
    )
    lead = Lead(id=1, email=TARGET, first_name="Ada1", company="Acme 1", created_at=NOW)
    return write(
        Claimed(1, 1, 1, "<1@sales.example>", step, "Measured", lead), Sender(SENDER, "Ana"), OFFICE, now=NOW
    )


async def raw(port: str, count: str, connections: str) -> None:
    """The yardstick: aiosmtplib on reused connections, bytes made before, no database."""
    content = sample().content

    async def send(times: int) -> int:
        left = iter(range(times))
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(one(client, left))
        return times

    async def one(client: aiosmtplib.SMTP, left: Any) -> None:
        for _ in left:
            await client.sendmail(SENDER, [TARGET], content)

    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=int(port), use_tls=False, start_tls=False)
        for _ in range(int(connections))
    ]
    for client in clients:
        await client.connect()
    await send(WARM_LEADS)
    await measured(lambda: send(int(count)))
    for client in clients:
        client.close()


async def lines(port: str, count: str, connections: str) -> None:
    """Our own connections alone: no database, no gate, bytes made before."""
    from jobs.smtp import Line, Outgoing, Result, Server

    content = sample().content

    async def send(times: int) -> int:
        left = iter([Outgoing(number, SENDER, TARGET, content) for number in range(times)])

        async def source() -> Outgoing | None:
            return next(left, None)

        async def gate(_: Outgoing) -> bool:
            return True

        def report(_: Outgoing, result: Result) -> None:
            assert result.fate == "sent", result

        await asyncio.gather(*(line.run(source, gate, report) for line in used))
        return times

    used = [Line(Server("127.0.0.1", int(port), "none")) for _ in range(int(connections))]
    await send(WARM_LEADS)
    await measured(lambda: send(int(count)))
    await asyncio.gather(*(line.close() for line in used))


async def pipeline(url: str) -> None:
    """Everything: claim, write, gate, SMTP, record, until nothing is due."""
    from benchmarks.terms import MEASURED, OFFICE, WARM, Clock
    from jobs.sender import Desk, Post

    with closing(Database(url)) as db:
        post = Post(Desk(db, OFFICE, Clock(), lambda _: None))
        await post.drain(WARM)
        await measured(lambda: post.drain(MEASURED))
        post.stop()
        await post.close_idle()


async def worker(url: str, begin: str, mailboxes: str) -> None:
    """One of several workers: begins with the others, and drains these mailboxes, until nothing is due in them."""
    from benchmarks.terms import OFFICE, WARM, Clock
    from jobs.sender import Desk, Post

    with closing(Database(url)) as db:
        post = Post(Desk(db, OFFICE, Clock(), lambda _: None))
        await post.drain(WARM)
        await asyncio.sleep(float(begin) - time.monotonic())
        began = time.monotonic()
        sent = await asyncio.gather(*(post.drain(int(number)) for number in mailboxes.split(",")))
        ended = time.monotonic()
        post.stop()
        await post.close_idle()
    print(json.dumps({"messages": sum(sent), "began": began, "ended": ended}))


async def tick(url: str) -> None:
    """One sweep of the engine: first with nothing due in the mailboxes that are looked at, then with what is due."""
    from benchmarks.machine import middle
    from benchmarks.terms import MEASURED, OFFICE, WARM, Clock
    from core.models import Mailbox
    from jobs.engine import Engine
    from jobs.sender import Desk, Post

    with closing(Database(url)) as db:
        clock = Clock()
        post = Post(Desk(db, OFFICE, clock, lambda _: None))
        engine = Engine(db, post, clock=clock, tick_seconds=1, redis_url="")
        await post.drain(WARM)
        with db.write() as session:  # a mailbox that waits for its next try has nothing to send
            session.execute(
                update(Mailbox).where(col(Mailbox.id) == MEASURED).values(retry_at=clock() + HOUR)
            )
        await engine.tick()
        sweeps = [await timed(engine.tick) for _ in range(15)]
        with db.write() as session:
            session.execute(update(Mailbox).values(retry_at=None))
        mails = await timed(engine.settle)
        post.stop()
        await post.close_idle()
    print(json.dumps({"sweep": middle(sweeps), "mails": mails}))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Give the milliseconds that it takes."""
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


async def endurance(url: str, seconds: str) -> None:
    """Hand over the same leads' first step again and again, each time as a new attempt, for so many seconds."""
    from benchmarks.terms import MEASURED, OFFICE, WARM, Clock
    from jobs.sender import Desk, Post

    with closing(Database(url)) as db:
        clock = Clock()
        post = Post(Desk(db, OFFICE, clock, lambda _: None))
        await post.drain(WARM)
        until, steps, sizes = time.monotonic() + float(seconds), 0, []
        attempts = count(1)  # of a number that was sent before nothing is sent again
        while time.monotonic() < until:
            steps += await post.drain(MEASURED)
            sizes.append((steps, psutil.Process().memory_info().rss / 2**20))
            with db.write() as session:
                again = {
                    "status": "pending",
                    "position": 0,
                    "attempt": next(attempts),
                    "wake_at": clock(),
                }
                session.execute(
                    update(Enrollment).where(col(Enrollment.mailbox_id) == MEASURED).values(again)
                )
        post.stop()
        await post.close_idle()
    print(json.dumps({"sizes": sizes}))


async def plain(url: str, redis_url: str, port: str, count: str, poll_delay: str) -> None:
    """The plain design: one deferred arq job per step; a MIME tree, a connection and a commit per lead."""
    from arq import Worker, create_pool, func
    from arq.connections import RedisSettings
    from sqlmodel import Session

    from benchmarks.simple import commit, load
    from benchmarks.terms import MEASURED

    with closing(Database(url)) as db:

        async def send_step(context: dict[str, Any], enrollment_id: int) -> None:
            loaded = await asyncio.to_thread(load, db, enrollment_id)
            if loaded is None:
                return
            lead, step, content = loaded
            await aiosmtplib.send(
                content,
                sender=SENDER,
                recipients=[lead.email],
                hostname="127.0.0.1",
                port=int(port),
                start_tls=False,
            )
            await asyncio.to_thread(commit, db, enrollment_id, step.id or 0)
            await context["redis"].enqueue_job("send_step", enrollment_id, _defer_by=4 * 24 * 3600)
            sent.append(enrollment_id)
            if len(sent) == len(ids):
                done.set()

        sent: list[int] = []
        done = asyncio.Event()
        with Session(db.engine) as session:
            due = select(Enrollment.id).where(Enrollment.mailbox_id == MEASURED).order_by(col(Enrollment.id))
            ids = session.exec(due.limit(int(count))).all()
        settings = RedisSettings.from_dsn(redis_url)
        queue = await create_pool(settings)
        for enrollment_id in ids:
            await queue.enqueue_job("send_step", enrollment_id, _defer_by=0.001)

        async def work() -> int:
            running.append(asyncio.create_task(worker.async_run()))
            await done.wait()
            return len(sent)

        running: list[asyncio.Task[None]] = []
        worker = Worker(
            functions=[func(send_step, name="send_step")],
            redis_settings=settings,
            handle_signals=False,
            poll_delay=float(poll_delay),
        )
        await measured(work)
        running[0].cancel()
        await asyncio.gather(*running, *worker.tasks.values(), return_exceptions=True)
        await queue.aclose()


async def pause(url: str) -> None:
    """Pauses of single leads: first with nothing else going on, then of claimed leads beside a drain."""
    from benchmarks.terms import MEASURED, OFFICE, WARM, Clock
    from core import commands
    from jobs.sender import Desk, Post

    with closing(Database(url)) as db:
        clock = Clock()
        pauses = _Pauser(commands.run, commands.Desk(db), clock)
        idle = [
            pauses.one(f"warm{number}@company{number}.example")["seconds"]
            for number in range(WARM_LEADS // 2)
        ]
        post = Post(Desk(db, OFFICE, clock, lambda _: None))
        await post.drain(WARM)
        started = time.perf_counter()
        sending = asyncio.create_task(post.drain(MEASURED))
        busy = await asyncio.to_thread(pauses.while_claimed, sending)
        messages = await sending
        seconds = time.perf_counter() - started
        post.stop()
        await post.close_idle()
    print(json.dumps({"idle": idle[10:], "busy": busy, "messages": messages, "seconds": seconds}))


async def bot(url: str, how: str, slack: str, part: str) -> None:
    """Bot and worker as `fermata run` has them, or with `part` "bot" or "worker" one of them; ends with its input.

    Prints where the bot is reached as soon as it is, and what was sent in the end.
    """
    from contextlib import AsyncExitStack

    from benchmarks.terms import MEASURED, OFFICE, SIGNING_SECRET, Clock
    from core.commands import Desk as Commands
    from core.settings import Settings
    from fermata import serving
    from fermata.cli import GIVING_WAY
    from jobs.sender import Desk, Post
    from tests.services import free_port
    from web.app import create_app

    is_http, port, clock = how == "http", free_port(), Clock()
    settings = Settings.model_validate(
        {"SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "" if is_http else "xapp-sandbox",
         "SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_API_URL": f"{slack}/api/"}
    )  # fmt: skip
    if part == "worker" and not url.startswith("sqlite"):
        os.nice(GIVING_WAY)
    with closing(Database(url)) as db:
        post = Post(Desk(db, OFFICE, clock, lambda _: None))
        async with AsyncExitStack() as parts:
            if part != "worker":
                talking = serving.talking(settings, Commands(db), is_guarded=is_http, clock=clock)
                app = await parts.enter_async_context(talking)
                gate = serving.make_gate(settings, app) if is_http else None
                page = create_app(db=db, office=OFFICE, clock=clock, slack=gate, ready=list)
                await parts.enter_async_context(serving.listening(page, "127.0.0.1", port))
            print(f"http://127.0.0.1:{port}/slack/events", flush=True)
            started = time.perf_counter()
            sending = asyncio.create_task(post.drain(MEASURED)) if part != "bot" else None
            await asyncio.to_thread(sys.stdin.readline)
            seconds, is_sending = time.perf_counter() - started, bool(sending and not sending.done())
            post.stop()
            messages = await sending if sending else 0
            await post.close_idle()
    print(json.dumps({"messages": messages, "seconds": seconds, "is_sending": is_sending}))


class _Pauser:
    """Somebody in Slack who pauses one lead after the other."""

    def __init__(self, run: Any, desk: Any, clock: Any) -> None:
        self._run, self._desk, self._clock = run, desk, clock
        self._random = random.Random(1)

    def one(self, email: str) -> dict[str, Any]:
        started = time.monotonic()
        answer = self._run(self._desk, f"pause {email}", actor=Actor("U0ANA", "Ana"), now=self._clock())
        answered = time.monotonic()
        named = any("had begun leaving" in line and email in line for line in answer.lines)
        return {"email": email, "seconds": answered - started, "answered": answered, "named": named,
                "answer": answer.title, "is_refusal": answer.is_refusal}  # fmt: skip

    def while_claimed(self, sending: asyncio.Task[int]) -> list[dict[str, Any]]:
        """Pause leads whose step is claimed right now, until the drain ends."""
        found = []
        while not sending.done():
            with self._desk.db.read() as session:
                emails = session.exec(CLAIMED).all()
            if emails:
                found.append(self.one(self._random.choice(emails)))
        return found


if __name__ == "__main__":
    contenders = (raw, lines, pipeline, worker, tick, endurance, plain, pause, bot)
    asyncio.run({one.__name__: one for one in contenders}[sys.argv[1]](*sys.argv[2:]))
