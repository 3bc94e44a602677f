"""The tour: texts from a data file, and each step ticks itself when it is done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

JSON = dict[str, Any]
TEXTS = Path(__file__).parent / "page" / "tour.json"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


class Tour:
    """Progress through the steps. It is told what a person does; `mail` lets it see who got what.

    `words` fill `{lead}` and `{until}` in the texts. `{held}` is the lead paused in the tour.
    """

    def __init__(
        self,
        *,
        words: dict[str, str],
        now: Callable[[], datetime],
        mail: Callable[[], list[JSON]],
        texts: Path = TEXTS,
    ) -> None:
        data = json.loads(texts.read_text(encoding="utf-8"))
        self.examples: list[list[str]] = data["examples"]
        self._steps: list[JSON] = data["steps"]
        self._words = {"lead": "lead@example.com", "until": "Friday"} | words
        self._now, self._mail = now, mail
        self._done: set[str] = set()
        self._since: dict[str, datetime] = {}
        self._held = ""

    def as_json(self) -> list[JSON]:
        """Every step with its texts filled in and whether it is done."""
        words = self._words | {"held": self._held or self._words["lead"]}
        return [
            {key: _filled(value, words) for key, value in step.items() if key != "done"}
            | {"done": step["id"] in self._done}
            for step in self._steps
        ]

    def mail_opened(self) -> None:
        self._tick("mail_opened")

    def answered(self) -> None:
        """Ticks when somebody did something as a lead."""
        self._tick("answered")

    def command(self, text: str) -> None:
        for step in self._tick("command", text):
            if step["id"] == "pause":
                self._hold(text)

    def click(self, label: str) -> None:
        self._tick("click", label)

    def time_passed(self) -> None:
        """Ticks the silence when enough days passed since the hold and nothing left for that lead."""
        for step in self._steps:
            rule = step["done"]
            since = self._since.get(rule.get("after", ""))
            if rule["kind"] != "silence" or since is None or step["id"] in self._done:
                continue
            if self._now() - since >= timedelta(days=rule["days"]) and not self._mailed_since(since):
                self._finish(step)

    def _hold(self, text: str) -> None:
        found = _EMAIL.search(text)
        if found and "silence" not in self._done:  # a second hold before the wait starts the wait again
            self._held, self._since["pause"] = found[0], self._now()

    def _mailed_since(self, since: datetime) -> bool:
        wanted = self._held.casefold()
        return any(
            wanted in m["to"].casefold() and datetime.fromisoformat(m["date"]) > since for m in self._mail()
        )

    def _tick(self, kind: str, text: str = "") -> list[JSON]:
        ticked = []
        for step in self._steps:
            rule = step["done"]
            if rule["kind"] == kind and re.search(rule.get("like", ""), text, re.IGNORECASE):
                self._finish(step)
                ticked.append(step)
        return ticked

    def _finish(self, step: JSON) -> None:
        self._done.add(step["id"])
        self._since.setdefault(step["id"], self._now())


def _filled(value: Any, words: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), value)
