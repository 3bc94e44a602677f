"""People in an emulated Slack, in a process of their own: `python -m benchmarks.people HOW COUNT`; HOW is socket or http.

They type and click RATE times a second whether or not they are answered. A line with the address comes first; then the
line `go`, for HTTP with the bot's own address, is read, and one line of JSON printed: seconds to each acknowledgement and
answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.terms import SIGNING_SECRET, WARM_LEADS, Clock
from sandbox.slack import Workspace, running
from sandbox.slack.delivery import SignedHttp
from sandbox.slack.people import Outcome
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.state import JSON, Message

RATE = 20  # a second
THREADS = 60  # each waits for one acknowledgement, at most three seconds
PATIENCE_SECONDS = 20
WARM = 20
UNDO = "↩️ Undo"


class Timed(ResponseUrls):
    """Notes how long each answer took."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.begun: dict[str, float] = {}
        self.seconds_to: dict[str, float] = {}

    def new(self, kind: str, user: str, channel: str, target: Message | None = None) -> str:
        link = super().new(kind, user, channel, target)
        self.begun[link] = time.perf_counter()
        return link

    def use(self, key: str, body: JSON) -> tuple[int, JSON | str]:
        for kind in ("commands", "actions"):
            link = f"{self.workspace.base_url}/{kind}/{key}"
            if link in self.begun:
                self.seconds_to.setdefault(link, time.perf_counter() - self.begun[link])
        return super().use(key, body)


class People:
    """Ana types commands and takes back what she did, by the buttons under the answers."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.ana = workspace, workspace.person("ana")
        self.clicked: deque[str] = deque(maxlen=2_000)
        self.acks: list[float] = []
        self.faults: list[str] = []

    def act(self, number: int) -> None:
        """Type with the even numbers, click with the odd ones."""
        begun = time.perf_counter()
        said = self._click(number) if number % 2 else self._pause(number // 2)
        self.acks.append(time.perf_counter() - begun)
        if not said.ok:
            self.faults.append(said.error)

    def _pause(self, lead: int) -> Outcome:
        return self.ana.type("#outbound", f"/sequence pause warm{lead}@company{lead}.example")

    def _click(self, number: int) -> Outcome:
        with self.workspace.state.lock:
            shown = [m for m in self.workspace.state.messages if m.ephemeral_to == self.ana.id and m.blocks]
            old = next((m for m in shown if m.ts not in self.clicked and UNDO in m.all_text()), None)
            if old is not None:
                self.clicked.append(old.ts)
        if old is None:  # not answered yet; one lead for all such would have them wait for each other
            return self._pause(WARM_LEADS - 1 - number // 2)
        return self.ana.click(old, UNDO)


def main(how: str, count: str) -> None:
    """Serve the workspace and let its people act once they are told to."""
    clock = Clock()
    workspace = Workspace(now=clock)
    with running(workspace) as url:
        print(url, flush=True)
        address = sys.stdin.readline().removeprefix("go").strip()
        if how == "http":
            workspace.delivery = SignedHttp(address, SIGNING_SECRET, now=clock)
        else:
            workspace.delivery.wait_until_reachable(PATIENCE_SECONDS)
        print(json.dumps(measure(workspace, int(count))), flush=True)


def measure(workspace: Workspace, count: int) -> dict[str, Any]:
    """Give what it took; a few first ones, which open connections and ask who Ana is, do not count."""
    people = People(workspace)
    for number in range(WARM):
        people.act(2 * number)
    timed = workspace.response_urls = Timed(workspace)
    people.acks.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        acts = []
        for number in range(count):
            time.sleep(max(started + number / RATE - time.perf_counter(), 0))
            acts.append(pool.submit(people.act, 2 * WARM + number))
        for act in acts:
            act.result()
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while len(timed.seconds_to) < len(timed.begun) and time.perf_counter() < deadline:
        time.sleep(0.05)
    return {
        "acks": people.acks,
        "answers": list(timed.seconds_to.values()),
        "unanswered": len(timed.begun) - len(timed.seconds_to),
        "faults": people.faults,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
