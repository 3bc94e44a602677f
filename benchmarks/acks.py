"""How soon Slack's clicks and commands are acknowledged and answered, 20 a second, while the worker sends."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.ground import ROOT, sink, stores
from benchmarks.machine import percentile, table
from benchmarks.people import RATE

COUNT = 400
LEADS_A_SECOND = 1_500  # more than the worker sends, so that it sends all the time
GOAL_MS = 300


def main(options: argparse.Namespace) -> None:
    """Print milliseconds to the acknowledgement and to the answer, over both ways in, in one process and in two."""
    count = options.count or COUNT
    rows = [
        ("", "ack p50 ms", "p99", "max", "answer p50 ms", "p99", "beside mails/s", "acts", "not answered")
    ]
    with sink() as server, stores(options.databases) as made:
        for store in made:
            store.template(LEADS_A_SECOND * (count // RATE + 5), connections=options.connections)
            for how in ("socket", "http"):
                for parts in (("both",), ("bot", "worker"), ("bot",)):
                    with store.copy(server) as url:
                        rows.append((f"{store.kind}, {how}, {NAMES[parts]}", *_row(url, how, parts, count)))
    print(table(rows))
    print(
        f"Goal: ack p99 < {GOAL_MS} ms at {RATE} a second. Load at the end: {os.getloadavg()[0]:.1f}. Slack is emulated"
    )
    print(
        "in a process of its own, which types and clicks; its share of the two cores is part of what is measured."
    )


NAMES = {("both",): "one process", ("bot", "worker"): "bot and worker apart", ("bot",): "nothing sent"}


def _row(url: str, how: str, parts: tuple[str, ...], count: int) -> tuple[str, ...]:
    with ExitStack() as stack:
        people = stack.enter_context(_running("benchmarks.people", how, str(count)))
        slack = _line(people)
        bots = [
            stack.enter_context(_running("benchmarks.contenders", "bot", url, how, slack, part))
            for part in parts
        ]
        address, *_ = map(_line, bots)
        _say(people, f"go{address}")
        told = json.loads(_line(people))
        sent: list[dict[str, Any]] = []
        for bot in bots:
            _say(bot, "")
            sent.append(json.loads(_line(bot)))
    if told["faults"]:
        print(f"NOT ACKNOWLEDGED: {told['faults'][:3]} and so on, {len(told['faults'])} in all.")
    worker = sent[-1]
    rate = f"{worker['messages'] / worker['seconds']:,.0f}" if worker["messages"] else "–"
    if worker["messages"] and not worker["is_sending"]:
        rate += " (ran dry)"
    acks, answers = told["acks"], told["answers"]
    return (*_ms(acks, 0.5, 0.99, 1), *_ms(answers, 0.5, 0.99), rate, str(len(acks)), str(told["unanswered"]))


def _ms(seconds: list[float], *shares: float) -> tuple[str, ...]:
    return tuple(f"{percentile(seconds, share) * 1000:.0f}" for share in shares)


@contextmanager
def _running(*program: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", *program]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"{process.args} ended without a word.")
    return line


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
