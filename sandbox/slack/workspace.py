"""One Slack workspace in memory: its Web API, its ways to the app, and its people."""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sandbox.slack import limits, payloads
from sandbox.slack.delivery import NOBODY_LISTENS, Delivery, Envelope, Reply, SocketHub
from sandbox.slack.errors import SlackError
from sandbox.slack.people import Outcome, Person, Target
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.state import BOT_USER, JSON, SLACKBOT, Channel, Execution, Message, State, User, View
from sandbox.slack.uploads import Uploads
from sandbox.slack.webapi import METHODS, RateLimitedError, WebApi
from sandbox.slack.webviews import Views

T = TypeVar("T")

ANA = User("U0ANA", "ana", "Ana Ruiz", "Europe/Berlin", "ana@northwind.example", "Sales")
BEN = User("U0BEN", "ben", "Ben Okafor", "America/New_York", "ben@northwind.example", "Sales")
MIRA = User(
    "U0MIRA",
    "mira",
    "Mira Lind",
    "Europe/Stockholm",
    "mira@northwind.example",
    "Head of sales",
    is_admin=True,
)
GUS = User("U0GUS", "gus", "Gus Guest", "Europe/Lisbon", "gus@elsewhere.example", "Guest", is_restricted=True)
TEAM = (ANA, BEN, MIRA, GUS)


@dataclass(frozen=True)
class Command:
    """A slash command as the manifest declares it."""

    command: str = "/sequence"
    description: str = "Hold, resume and stop email sequences"
    usage_hint: str = "pause lead@example.com until June 15"
    should_escape: bool = True


@dataclass(frozen=True)
class Call:
    """One Web API call the app made, with the answer it got (`status` 200 unless a fault was set)."""

    method: str
    args: JSON
    answer: JSON
    status: int = 200


@dataclass(frozen=True)
class Answer:
    """What an HTTP front sends back."""

    body: JSON
    status: int = 200
    retry_after: int | None = None
    delay_seconds: float = 0.0


@dataclass
class _Fault:
    status: int
    times: int
    retry_after: int
    delay_seconds: float
    after: bool


class Workspace:
    """The whole emulator. Thread-safe; nothing in it runs by itself except event retries.

    `now` dates messages and signatures. `delivery` is Socket Mode (`hub`) unless set otherwise.
    `posts_per_second` switches Slack's per-channel rate limit on.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        team_name: str = "Northwind",
        users: Sequence[User] = TEAM,
        bot_name: str = "fermata",
        bot_token: str = "xoxb-sandbox",  # noqa: S107  opens nothing but this sandbox
        app_token: str = "xapp-sandbox",  # noqa: S107
        commands: Sequence[Command] = (Command(),),
        functions: Mapping[str, JSON] | None = None,
        base_url: str = "",
        posts_per_second: float | None = None,
        ack_seconds: float = limits.ACK_SECONDS,
        trigger_seconds: float = limits.TRIGGER_SECONDS,
        event_retry_delays: Sequence[float] = limits.EVENT_RETRY_DELAYS_SECONDS,
    ) -> None:
        self.state = State(now)
        self.team_name, self.bot_token, self.app_token = team_name, bot_token, app_token
        self.commands = {c.command: c for c in commands}
        self.functions = dict(functions or {})
        self.base_url = base_url
        self.scopes: tuple[str, ...] = ()  # what the app was granted, told with every answer; (): not told
        self.has_home = True  # the Home tab is switched on in the app's settings
        self.posts_per_second = posts_per_second
        self.trigger_seconds = trigger_seconds
        self.event_retry_delays = tuple(event_retry_delays)
        self.hub = SocketHub(ack_seconds=ack_seconds)
        self.delivery: Delivery = self.hub
        self.calls: list[Call] = []
        self.sent: list[Envelope] = []
        self.views = Views(self)
        self.api = WebApi(self)
        self.response_urls = ResponseUrls(self)
        self.uploads = Uploads()
        self._faults: dict[str, list[_Fault]] = {}
        self._closing = threading.Event()
        self._furnish(users, bot_name)

    def _furnish(self, users: Sequence[User], bot_name: str) -> None:
        self.state.users = {u.id: copy.copy(u) for u in users}
        self.state.users[BOT_USER] = User(BOT_USER, bot_name, bot_name.title(), is_bot=True)
        everyone = set(self.state.users)
        self.add_channel(
            "outbound", everyone, topic="Every sequence, and who holds it", channel_id="C0OUTBOUND"
        )
        self.add_channel("general", everyone, topic="The whole team", channel_id="C0GENERAL")
        self.state.usergroups["S0SALES"] = [u.id for u in users if not u.is_restricted]

    def add_channel(
        self,
        name: str,
        members: set[str] | None = None,
        *,
        topic: str = "",
        channel_id: str = "",
        archived: bool = False,
    ) -> Channel:
        """A new channel; without `members` everybody and the bot are in it."""
        inside = set(self.state.users) if members is None else set(members)
        channel = Channel(channel_id or self.state.new_id("C"), name, inside, topic, is_archived=archived)
        self.state.channels[channel.id] = channel
        return channel

    def add_user(self, user: User, *, join: Sequence[str] = ("outbound", "general")) -> User:
        """A further member, for example a stranger (`team_id` of another team)."""
        self.state.users[user.id] = user
        for name in join:
            if (channel := self.state.channel(name)) is not None:
                channel.members.add(user.id)
        return user

    def close(self) -> None:
        """Stop retrying events."""
        self._closing.set()

    # The app's side: the Web API
    def call(self, method: str, args: JSON, token: str | None) -> Answer:
        """One Web API call, recorded in `calls`."""
        fault = self._take_fault(method)
        if fault is not None and not fault.after:
            answer = Answer(_fault_body(fault), fault.status, _retry_after(fault), fault.delay_seconds)
        else:
            answer = self._answer(method, args, token)
            if fault is not None:
                answer = Answer(_fault_body(fault), fault.status, _retry_after(fault), fault.delay_seconds)
        with self.state.lock:
            self.calls.append(Call(method, args, answer.body, answer.status))
            self.state.condition.notify_all()
        return answer

    def _answer(self, method: str, args: JSON, token: str | None) -> Answer:
        try:
            self._authenticate(method, token or args.get("token"))
            return Answer({"ok": True} | self._method(method)(args))
        except RateLimitedError as limited:
            return Answer(limited.as_json(), 429, limited.retry_after)
        except SlackError as refused:
            return Answer(refused.as_json())

    def _authenticate(self, method: str, token: str | None) -> None:
        if not token:
            raise SlackError("not_authed")
        if token in {run.token for run in self.state.executions.values()}:
            return  # a step's own token does what the bot's does
        if token not in (self.bot_token, self.app_token):
            raise SlackError("invalid_auth")
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != wanted and method in self._method_names():
            raise SlackError("not_allowed_token_type")

    def _method_names(self) -> set[str]:
        return set(METHODS) | {"views.open", "views.push", "views.update", "views.publish"}

    def _method(self, name: str) -> Callable[[JSON], JSON]:
        if name in METHODS:
            return lambda args: METHODS[name](self.api, args)
        if name in self._method_names():
            return getattr(self.views, name.replace(".", "_"))  # type: ignore[no-any-return]
        raise SlackError("unknown_method")

    def fail_next(
        self,
        method: str,
        *,
        times: int = 1,
        status: int = 500,
        retry_after: int = 1,
        delay_seconds: float = 0.0,
        after: bool = False,
    ) -> None:
        """The next `times` calls of `method` are answered with `status` (429, 500, …).

        `delay_seconds` beyond the client's patience makes a timeout. `after` lets the call act
        first, so that only its answer is lost.
        """
        self._faults.setdefault(method, []).append(_Fault(status, times, retry_after, delay_seconds, after))

    def _take_fault(self, method: str) -> _Fault | None:
        with self.state.lock:
            waiting = self._faults.get(method) or []
            if not waiting:
                return None
            waiting[0].times -= 1
            return waiting.pop(0) if waiting[0].times <= 0 else waiting[0]

    def calls_of(self, method: str) -> list[Call]:
        return [c for c in list(self.calls) if c.method == method]

    # The app's side: what Slack sends it
    def send(self, envelope: Envelope) -> Reply:
        """Deliver once and wait for the acknowledgement; recorded in `sent`."""
        with self.state.lock:
            self.sent.append(envelope)
        return self.delivery.deliver(envelope)

    def replay(self, index: int = -1) -> Reply:
        """Deliver something sent before once more, byte for byte, as a network may."""
        return self.delivery.deliver(self.sent[index])

    def send_event(self, event: JSON) -> Reply:
        """Deliver an event; when it is not acknowledged, retry in the background as Slack does."""
        envelope = Envelope("events_api", payloads.event(event=event, now=self.state.now()))
        reply = self.send(envelope)
        if reply.error is not None:
            reason = "http_timeout" if reply.error != NOBODY_LISTENS else "connection_failed"
            threading.Thread(target=self._retry, args=(envelope, reason), daemon=True).start()
        return reply

    def regroup(self, group_id: str, users: Sequence[str]) -> None:
        """Let exactly these people be in a user group; the app hears of it where that changed anything."""
        with self.state.lock:
            before = self.state.usergroups.get(group_id, [])
            self.state.usergroups[group_id] = list(users)
        added = [user for user in users if user not in before]
        removed = [user for user in before if user not in users]
        if added or removed:
            self.state.changed()
            self.send_event(
                payloads.regrouped(group_id=group_id, added=added, removed=removed, now=self.state.now())
            )

    def run_step(self, callback_id: str, inputs: JSON) -> Execution:
        """Let a workflow come to a custom step, which the manifest declares as one of `functions`."""
        declared = self.functions.get(callback_id, {})
        execution = Execution(self.state.new_id("Fx"), f"xwfp-{secrets.token_hex(8)}", declared)
        with self.state.lock:
            self.state.executions[execution.id] = execution
        event = payloads.function_executed(
            execution=execution,
            callback_id=callback_id,
            inputs=inputs,
            workflow_id=self.state.new_id("Wx"),
            now=self.state.now(),
        )
        self.send_event(event)
        return execution

    def _retry(self, envelope: Envelope, reason: str) -> None:
        for attempt, delay in enumerate(self.event_retry_delays, start=1):
            if self._closing.wait(delay):
                return
            self.delivery.wait_until_reachable(max(delay, 1.0))
            again = Envelope(envelope.kind, envelope.payload, attempt, reason)
            if self.send(again).error is None:
                return

    # The human side
    def person(self, name: str) -> Person:
        """A person by id, handle or (first) name, ready to type and click."""
        wanted = name.casefold()
        for user in self.state.users.values():
            if wanted in (
                user.id.casefold(),
                user.name,
                user.real_name.casefold(),
                user.real_name.split()[0].casefold(),
            ):
                return Person(self, user)
        raise LookupError(f"Nobody here is called {name!r}.")

    def type(self, user: str, channel: str, text: str) -> Outcome:
        return self.person(user).type(channel, text)

    def click(self, user: str, target: Target, name: str, option: Any = None, **more: Any) -> Outcome:
        return self.person(user).click(target, name, option, **more)

    def submit(self, user: str, values: JSON | None = None) -> Outcome:
        return self.person(user).submit(values)

    def close_modal(self, user: str) -> Outcome:
        return self.person(user).close()

    def open_home(self, user: str) -> Outcome:
        return self.person(user).open_home()

    def messages(self, channel: str, *, user: str | None = None) -> list[Message]:
        """Copies of what a channel shows, oldest first; with `user` also what only that person sees."""
        found = self.state.channel(channel)
        if found is None:
            raise LookupError(f"There is no channel {channel!r}.")
        with self.state.lock:
            shown = [
                m
                for m in self.state.messages
                if m.channel == found.id and not m.deleted
                if m.ephemeral_to is None or m.ephemeral_to == user
            ]
            return copy.deepcopy(shown)

    def ephemerals(self, user: str) -> list[Message]:
        """Copies of everything only that person sees, oldest first."""
        user_id = self.person(user).id
        with self.state.lock:
            return [
                copy.deepcopy(m) for m in self.state.messages if m.ephemeral_to == user_id and not m.deleted
            ]

    def modal(self, user: str) -> View | None:
        """The modal on top of a person's stack."""
        stack = self.state.modals.get(self.person(user).id)
        return copy.deepcopy(stack[-1]) if stack else None

    def home(self, user: str) -> View | None:
        return copy.deepcopy(self.state.homes.get(self.person(user).id))

    def wait_for(self, predicate: Callable[[], T | None], timeout: float = 20.0) -> T:
        """The first truthy result of `predicate`, looked at again after every change.

        Raises AssertionError with the newest messages when `timeout` seconds pass.
        """
        deadline = time.monotonic() + timeout
        with self.state.lock:
            while not (result := predicate()):
                left = deadline - time.monotonic()
                if left <= 0:
                    shown = "\n".join(f"  {m.user}: {m.all_text()[:200]}" for m in self.state.messages[-5:])
                    raise AssertionError(f"Still waiting after {timeout} s. The newest messages:\n{shown}")
                self.state.condition.wait(min(left, 0.25))
            return result

    def slackbot(self, user: str, channel: str, text: str) -> Message:
        """A note from Slack itself, seen by one person."""
        return self.state.post(channel, SLACKBOT, text, ephemeral_to=user)


def _fault_body(fault: _Fault) -> JSON:
    return {"ok": False, "error": "ratelimited" if fault.status == 429 else "internal_error"}


def _retry_after(fault: _Fault) -> int | None:
    return fault.retry_after if fault.status == 429 else None
