"""What the emulator answers when a call is refused, in Slack's words."""

from __future__ import annotations

from collections.abc import Sequence


class SlackError(Exception):
    """One refused Web API call: `error` as Slack names it, `messages` for `response_metadata`."""

    def __init__(self, error: str, *, messages: Sequence[str] = ()) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = list(messages)

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {"ok": False, "error": self.error}
        if self.messages:
            answer["response_metadata"] = {"messages": self.messages}
        return answer
