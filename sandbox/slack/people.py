"""What a person does: type, click, fill in, close, look. The page and the tests use the same hands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.slack import payloads, uploads
from sandbox.slack.delivery import NOBODY_LISTENS, Envelope, Reply
from sandbox.slack.errors import SlackError
from sandbox.slack.forms import Control, NotOnScreenError, action, controls, find, full_state
from sandbox.slack.state import BOT_USER, JSON, Channel, Message, User, View
from sandbox.slack.webviews import checked

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Target = Message | View | str
_EMAIL = re.compile(r"(?<![<|:\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MENTION = re.compile(r"(?<![\w<.@])@([A-Za-z][\w.-]*)")
_CHANNEL = re.compile(r"(?<![\w<])#([a-z][\w-]*)")
_TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(frozen=True)
class Outcome:
    """What the person saw at once. `error` is Slack's word when the app did not answer properly."""

    ok: bool = True
    error: str = ""
    message: Message | None = None


class Person:
    """One member at their screen."""

    def __init__(self, workspace: Workspace, user: User) -> None:
        self.workspace, self.state, self.user = workspace, workspace.state, user
        self.id = user.id

    # Looking
    def messages(self, channel: str = "#outbound") -> list[Message]:
        return self.workspace.messages(channel, user=self.id)

    def ephemerals(self) -> list[Message]:
        return self.workspace.ephemerals(self.id)

    @property
    def modal(self) -> View | None:
        return self.workspace.modal(self.id)

    @property
    def home(self) -> View | None:
        return self.workspace.home(self.id)

    def wait_for_text(self, text: str, channel: str = "#outbound", timeout: float = 20.0) -> Message:
        """The newest message this person sees in the channel that contains `text` (any case)."""
        wanted = text.casefold()

        def look() -> Message | None:
            shown = reversed(self.messages(channel))
            return next((m for m in shown if wanted in (m.all_text() + "\n" + m.text).casefold()), None)

        return self.workspace.wait_for(look, timeout)

    # Typing
    def type(self, channel: str, text: str) -> Outcome:
        """Send a line: a slash command to the app, anything else as a message."""
        place = self._place(channel)
        if not text.startswith("/"):
            return self._say(place, text)
        name, _, rest = text.partition(" ")
        known = self.workspace.commands.get(name)
        if known is None:
            note = f"`{name}` is not a valid command. Try one of {', '.join(self.workspace.commands)}."
            return Outcome(False, "not_a_command", self.workspace.slackbot(self.id, place.id, note))
        link = self.workspace.response_urls.new("commands", self.id, place.id)
        payload = payloads.command(
            user=self.user,
            channel=place,
            name=name,
            text=self._escaped(rest.strip(), escape=known.should_escape),
            trigger_id=self.workspace.views.new_trigger(self.id),
            response_url=link,
        )
        reply = self.workspace.send(Envelope("slash_commands", payload))
        return self._after_command(name, place, link, reply)

    def _after_command(self, name: str, place: Channel, link: str, reply: Reply) -> Outcome:
        if reply.error is not None:
            note = f'{name} failed with the error "{reply.error}"'
            return Outcome(False, reply.error, self.workspace.slackbot(self.id, place.id, note))
        body = {"text": reply.payload} if isinstance(reply.payload, str) else reply.payload
        if isinstance(body, dict) and (body.get("text") or body.get("blocks")):
            try:
                self.workspace.response_urls.answer(link, body)
            except SlackError as refused:
                note = f'{name} failed with the error "{refused.error}"'
                return Outcome(False, refused.error, self.workspace.slackbot(self.id, place.id, note))
        return Outcome()

    def _say(self, place: Channel, text: str) -> Outcome:
        message = self.state.post(place.id, self.id, self._escaped(text, escape=True))
        event = {
            "type": "message",
            "user": self.id,
            "text": message.text,
            "ts": message.ts,
            "event_ts": message.ts,
            "channel": place.id,
            "channel_type": "im" if place.im_user else "channel",
            "team": self.user.team_id,
        }
        if place.im_user is not None:
            self.workspace.send_event(event)
        elif f"<@{BOT_USER}>" in message.text:
            self.workspace.send_event(
                {k: v for k, v in event.items() if k != "channel_type"} | {"type": "app_mention"}
            )
        return Outcome(message=message)

    def _escaped(self, text: str, *, escape: bool) -> str:
        """As Slack hands text over: entities always, names and addresses as `<…>` when asked for."""
        plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if not escape:
            return plain
        plain = _EMAIL.sub(lambda m: f"<mailto:{m[0]}|{m[0]}>", plain)
        plain = _MENTION.sub(self._mention, plain)
        return _CHANNEL.sub(self._channel_link, plain)

    def _mention(self, match: re.Match[str]) -> str:
        wanted = match[1].casefold()
        for user in self.state.users.values():
            if wanted in (user.name, user.real_name.split()[0].casefold()):
                return f"<@{user.id}>" if user.id == BOT_USER else f"<@{user.id}|{user.name}>"
        return match[0]

    def _channel_link(self, match: re.Match[str]) -> str:
        channel = self.state.channel(match[1])
        return f"<#{channel.id}|{channel.name}>" if channel else match[0]

    # Clicking
    def click(
        self,
        target: Target,
        name: str,
        option: Any = None,
        *,
        block_id: str | None = None,
        confirm: bool = True,
        typed: JSON | None = None,
    ) -> Outcome:
        """Press or choose the control called `name` in a message (or its ts), `"modal"` or `"home"`.

        A Message taken earlier is clicked as it looked then, as in a window that did not redraw.
        `option`: an option's value or text, a user id, `YYYY-MM-DD`, `HH:MM`, a list for multi-selects.
        `typed`: what stands in the other fields of a modal, as for `submit`; it goes along with the click.
        `confirm=False` turns a confirmation dialog down, so nothing is sent.
        """
        shown = self._target(target)
        blocks = shown.payload.get("blocks", []) if isinstance(shown, View) else shown.blocks
        control, implied = find(blocks, name, block_id)
        if "confirm" in control.element and not confirm:
            return Outcome()
        value = implied if option is None else option
        if control.kind == "overflow" and value is None:
            raise NotOnScreenError(f"Say which of {[o['text']['text'] for o in control.options()]}.")
        if isinstance(shown, View):
            for field, filled in (typed or {}).items():
                self._fill(shown, blocks, field, filled)
            return self._click_view(shown, control, value)
        return self._click_message(shown, control, value)

    def _click_message(self, message: Message, control: Control, value: Any) -> Outcome:
        current = self.state.message(message.channel, message.ts) or message
        place = self.state.channels[message.channel]
        sent = action(control, value, self.state.new_ts())
        chosen = current.state.setdefault(self.id, {})
        _remember(chosen, control, sent)
        payload = payloads.message_actions(
            user=self.user,
            channel=place,
            message=message,
            action=sent,
            state=full_state(message.blocks, chosen),
            trigger_id=self.workspace.views.new_trigger(self.id),
            response_url=self.workspace.response_urls.new("actions", self.id, place.id, current),
        )
        return _outcome(self.workspace.send(Envelope("interactive", payload)))

    def _click_view(self, shown: View, control: Control, value: Any) -> Outcome:
        view = self.state.view(shown.id) or shown
        sent = action(control, value, self.state.new_ts())
        _remember(view.state, control, sent)
        if control.block.get("type") == "input" and not control.block.get("dispatch_action"):
            return Outcome()
        view.state = full_state(view.payload.get("blocks", []), view.state)
        trigger = self.workspace.views.new_trigger(self.id)
        payload = payloads.view_actions(user=self.user, view=view, action=sent, trigger_id=trigger)
        return _outcome(self.workspace.send(Envelope("interactive", payload)))

    def suggestions(self, target: Target, name: str, typed: str) -> list[JSON]:
        """The options an external select offers for what was typed."""
        shown = self._target(target)
        is_view = isinstance(shown, View)
        blocks = shown.payload.get("blocks", []) if isinstance(shown, View) else shown.blocks
        control, _ = find(blocks, name)
        container: JSON = {"view": shown.as_json()} if is_view else {"message": shown.as_json()}
        payload = payloads.suggestion(
            user=self.user,
            container=container,
            action_id=control.element["action_id"],
            block_id=control.block["block_id"],
            value=typed,
        )
        body = self.workspace.send(Envelope("interactive", payload)).payload or {}
        groups = body.get("option_groups") or []
        return list(body.get("options") or []) + [o for g in groups for o in g["options"]]

    def react(self, target: Target, name: str) -> Outcome:
        """Put a reaction on a message that everybody sees; a second time Slack does nothing."""
        return self._react(target, name, "reaction_added")

    def unreact(self, target: Target, name: str) -> Outcome:
        """Take one's reaction away."""
        return self._react(target, name, "reaction_removed")

    def toggle(self, target: Target, name: str) -> Outcome:
        """Put a reaction on a message, or take one's own away, as a click on it does."""
        shown = self._target(target)
        has_it = isinstance(shown, Message) and (self.id, name) in shown.reacted
        return (self.unreact if has_it else self.react)(target, name)

    def _react(self, target: Target, name: str, kind: str) -> Outcome:
        shown = self._target(target)
        message = None if isinstance(shown, View) else self.state.message(shown.channel, shown.ts)
        if message is None or message.ephemeral_to is not None:
            raise NotOnScreenError("A reaction needs a message that everybody sees.")
        with self.state.lock:
            is_new = ((self.id, name) in message.reacted) != (kind == "reaction_added")
            if not is_new:
                return Outcome()
            (message.reacted.add if kind == "reaction_added" else message.reacted.discard)((self.id, name))
            others = any(one == name for _, one in message.reacted)
            kept = [one for one in message.reactions if one != name]
            message.reactions = [*kept, name] if others else kept
        self.state.changed()
        ts = self.state.new_ts()
        sent = payloads.reaction(kind=kind, user=self.user, message=message, name=name, ts=ts)
        return _outcome(self.workspace.send_event(sent))

    def use_message_shortcut(self, target: Target, callback_id: str) -> Outcome:
        message = self._target(target)
        if isinstance(message, View):
            raise NotOnScreenError("A message shortcut needs a message.")
        place = self.state.channels[message.channel]
        payload = payloads.message_shortcut(
            user=self.user,
            channel=place,
            message=message,
            callback_id=callback_id,
            now=self.state.now(),
            trigger_id=self.workspace.views.new_trigger(self.id),
            response_url=self.workspace.response_urls.new("app", self.id, place.id),
        )
        return _outcome(self.workspace.send(Envelope("interactive", payload)))

    def use_shortcut(self, callback_id: str) -> Outcome:
        trigger = self.workspace.views.new_trigger(self.id)
        payload = payloads.global_shortcut(
            user=self.user, callback_id=callback_id, now=self.state.now(), trigger_id=trigger
        )
        return _outcome(self.workspace.send(Envelope("interactive", payload)))

    # Modals
    def upload(self, name: str, content: bytes) -> str:
        """Choose a file for a modal's file input; gives its id, to be submitted as `[id]`."""
        if len(content) > uploads.LARGEST_BYTES:
            raise SlackError("file_too_large")
        place = self.workspace.base_url
        made = self.workspace.uploads.add(
            self.state.new_id("F"), name, self.id, content, now=self.state.now(), base_url=place
        )
        return made.id

    def submit(self, values: JSON | None = None) -> Outcome:
        """Fill the top modal in (by action id, block id or label) and press its submit button."""
        view = self._top()
        blocks = view.payload.get("blocks", [])
        for name, value in (values or {}).items():
            self._fill(view, blocks, name, value)
        view.state = full_state(blocks, view.state)
        view.errors, view.trouble = _missing(view), ""
        if view.errors:
            self.state.changed()
            return Outcome(False, "missing_input")
        trigger = self.workspace.views.new_trigger(self.id)
        payload = payloads.view_submission(user=self.user, view=view, trigger_id=trigger)
        return self._after_submit(view, self.workspace.send(Envelope("interactive", payload)))

    def _fill(self, view: View, blocks: list[JSON], name: str, value: Any) -> None:
        named = [c for c in controls(blocks) if c.block.get("block_id") == name]
        control = named[0] if named else find(blocks, name)[0]
        if control.kind == "file_input":
            files = self.workspace.uploads.by_id
            value = [files[file_id].as_json() for file_id in value or []]
        _remember(view.state, control, control.chosen(value))

    def _after_submit(self, view: View, reply: Reply) -> Outcome:
        if reply.error is not None:
            view.trouble = _TROUBLE
            self.state.changed()
            return Outcome(False, reply.error)
        body = reply.payload if isinstance(reply.payload, dict) else {}
        stack = self.state.modals.get(self.id, [])
        try:
            match body.get("response_action"):
                case "errors":
                    return self._show_errors(view, body.get("errors") or {})
                case "update":
                    self.workspace.views.replace(view, checked(body, "modal"))
                case "push":
                    self.workspace.views.push(self.id, checked(body, "modal"))
                case "clear":
                    stack.clear()
                case _ if view in stack:
                    stack.remove(view)
        except SlackError as refused:
            view.trouble = _TROUBLE
            self.state.changed()
            return Outcome(False, f"{refused.error}: {'; '.join(refused.messages)}")
        self.state.changed()
        return Outcome()

    def _show_errors(self, view: View, errors: dict[str, str]) -> Outcome:
        inputs = {b["block_id"] for b in view.payload["blocks"] if b["type"] == "input"}
        if not errors or not set(errors) <= inputs:  # Slack: "We had some trouble connecting"
            view.trouble = _TROUBLE
            self.state.changed()
            return Outcome(False, "invalid_errors")
        view.errors = dict(errors)
        self.state.changed()
        return Outcome(False, "; ".join(errors.values()))

    def close(self, *, clear: bool = False) -> Outcome:
        """Close the top modal, or with `clear` the whole stack; the app hears of it when it asked to."""
        view = self._top()
        stack = self.state.modals[self.id]
        gone = list(stack) if clear or view.payload.get("clear_on_close") else [view]
        for closed in gone:
            stack.remove(closed)
        self.state.changed()
        outcome = Outcome()
        for closed in gone:
            if closed.payload.get("notify_on_close"):
                payload = payloads.view_closed(user=self.user, view=closed, is_cleared=len(gone) > 1)
                outcome = _outcome(self.workspace.send(Envelope("interactive", payload)))
        return outcome

    # Home
    def open_home(self) -> Outcome:
        home = self.state.homes.get(self.id)
        event: JSON = {
            "type": "app_home_opened",
            "user": self.id,
            "channel": self.state.direct(self.id).id,
            "tab": "home",
            "event_ts": self.state.new_ts(),
        }
        if home is not None:
            event["view"] = home.as_json()
        return _outcome(self.workspace.send_event(event))

    # Pieces
    def _place(self, channel: str) -> Channel:
        found = self.state.direct(self.id) if channel in ("dm", BOT_USER) else self.state.channel(channel)
        if found is None or self.id not in found.members:
            raise NotOnScreenError(f"{self.user.real_name} sees no channel {channel!r}.")
        return found

    def _top(self) -> View:
        stack = self.state.modals.get(self.id)
        if not stack:
            raise NotOnScreenError(f"{self.user.real_name} has no modal open.")
        return stack[-1]

    def _target(self, target: Target) -> Message | View:
        if isinstance(target, (Message, View)):
            return target
        if target == "modal":
            return self._top()
        if target == "home":
            home = self.state.homes.get(self.id)
            if home is None:
                raise NotOnScreenError(f"{self.user.real_name}'s Home tab is empty.")
            return home
        for message in self.state.messages:
            if message.ts == target and not message.deleted and message.ephemeral_to in (None, self.id):
                return message
        raise NotOnScreenError(f"{self.user.real_name} sees no message {target}.")


def _remember(values: JSON, control: Control, sent: JSON) -> None:
    if control.kind not in ("button", "overflow"):
        place = values.setdefault(control.block["block_id"], {})
        place[control.element["action_id"]] = {"type": control.kind, control.key: sent.get(control.key)}


def _missing(view: View) -> dict[str, str]:
    """Slack's own complaint for required inputs left empty, before the app hears of anything."""
    missing = {}
    for control in controls(view.payload.get("blocks", [])):
        block_id = str(control.block["block_id"])
        if control.block.get("type") != "input" or control.block.get("optional"):
            continue
        if control.is_empty(view.state.get(block_id, {}).get(control.element["action_id"], {})):
            missing[block_id] = "Please complete this required field."
    return missing


def _outcome(reply: Reply) -> Outcome:
    if reply.error is None:
        return Outcome()
    return Outcome(False, "app_did_not_answer" if reply.error == NOBODY_LISTENS else reply.error)
