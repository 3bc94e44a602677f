"""views.open, push, update and publish: modals by trigger, Home tabs, hashes that guard both."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.slack import limits
from sandbox.slack.blocks import check_view
from sandbox.slack.errors import SlackError
from sandbox.slack.state import JSON, View
from sandbox.slack.webapi import required, structured

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


@dataclass
class Trigger:
    """Permission to open one modal for one person, for three seconds."""

    user: str
    born: float
    used: bool = False


class Views:
    """The modals and Home tabs of every person."""

    def __init__(self, workspace: Workspace) -> None:
        self.state = workspace.state
        self.workspace = workspace
        self._triggers: dict[str, Trigger] = {}

    def new_trigger(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, time.monotonic())
        return trigger_id

    def spend(self, args: JSON) -> str:
        """The user a trigger stands for; refuses an unknown, a used and an old one."""
        trigger = self._triggers.get(required(args, "trigger_id"))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() - trigger.born > self.workspace.trigger_seconds:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    # The methods
    def views_open(self, args: JSON) -> JSON:
        payload = checked(args, "modal")
        self._refuse_twin(payload)
        user = self.spend(args)
        view = self._new(user, payload)
        self.state.modals[user] = [view]
        self.state.changed()
        return {"view": view.as_json()}

    def views_push(self, args: JSON) -> JSON:
        payload = checked(args, "modal")
        view = self.push(self.spend(args), payload)
        return {"view": view.as_json()}

    def push(self, user: str, payload: JSON) -> View:
        stack = self.state.modals.setdefault(user, [])
        if len(stack) >= limits.VIEW_STACK_MAX:
            raise SlackError("push_limit_reached")
        self._refuse_twin(payload)
        view = self._new(user, payload, below=stack[-1] if stack else None)
        stack.append(view)
        self.state.changed()
        return view

    def views_update(self, args: JSON) -> JSON:
        payload = checked(args, "modal", "home")
        view = self._named(args)
        if view is None:
            raise SlackError("not_found")
        self._refuse_stale(view, args)
        self.replace(view, payload)
        return {"view": view.as_json()}

    def views_publish(self, args: JSON) -> JSON:
        user, payload = required(args, "user_id"), checked(args, "home")
        if not self.workspace.has_home:
            raise SlackError("not_enabled")
        if user not in self.state.users:
            raise SlackError("user_not_found")
        home = self.state.homes.get(user)
        if home is None:
            home = self.state.homes[user] = self._new(user, payload)
            self.state.changed()
        else:
            self._refuse_stale(home, args)
            self.replace(home, payload)
        return {"view": home.as_json()}

    # Pieces
    def replace(self, view: View, payload: JSON) -> None:
        """Show another content in the same place; what was typed stays where ids are the same."""
        filled = payload | {"blocks": self.state.with_ids(payload.get("blocks", []))}
        with self.state.lock:
            view.payload, view.hash = filled, self._hash()
            view.errors, view.trouble = {}, ""
            view.revision += 1
        self.state.changed()

    def _new(self, user: str, payload: JSON, below: View | None = None) -> View:
        filled = payload | {"blocks": self.state.with_ids(payload.get("blocks", []))}
        view_id = self.state.new_id("V")
        return View(
            view_id,
            user,
            filled,
            self._hash(),
            below.root_id if below else view_id,
            below.id if below else None,
        )

    def _hash(self) -> str:
        return f"{self.state.now().timestamp():.0f}.{secrets.token_hex(4)}"

    def _named(self, args: JSON) -> View | None:
        if args.get("view_id"):
            return self.state.view(str(args["view_id"]))
        wanted = required(args, "external_id")
        stacked = [v for stack in self.state.modals.values() for v in stack]
        return next((v for v in stacked if v.payload.get("external_id") == wanted), None)

    def _refuse_stale(self, view: View, args: JSON) -> None:
        if args.get("hash") and args["hash"] != view.hash:
            raise SlackError("hash_conflict")

    def _refuse_twin(self, payload: JSON) -> None:
        wanted = payload.get("external_id")
        stacked = [v for stack in self.state.modals.values() for v in stack]
        if wanted and any(v.payload.get("external_id") == wanted for v in stacked):
            raise SlackError("duplicate_external_id")


def checked(args: JSON, *kinds: str) -> JSON:
    """The view argument after Slack's checks."""
    view: JSON | None = structured(args, "view", dict)
    if view is None:
        raise SlackError("invalid_arguments", messages=["[ERROR] missing required field: view"])
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES_MAX:
        raise SlackError("view_too_large")
    faults = check_view(view)
    if view.get("type") not in kinds:
        faults.append(f"must be a valid view type, one of {', '.join(kinds)} [json-pointer:/view/type]")
    if faults:
        raise SlackError("invalid_arguments", messages=[f"[ERROR] {fault}" for fault in faults])
    return view
