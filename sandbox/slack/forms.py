"""Elements a person can act on: finding one by its label, and what choosing a value sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.slack.state import JSON, elements_of

# element type → the key of its value in `actions` and `state`
VALUE_KEYS = {
    "button": "value",
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "overflow": "selected_option",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "file_input": "files",
}
_INITIAL_KEYS = {
    "value": "initial_value",
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_users": "initial_users",
    "selected_conversation": "initial_conversation",
    "selected_conversations": "initial_conversations",
    "selected_channel": "initial_channel",
    "selected_channels": "initial_channels",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
}
_STATELESS = {"button", "overflow"}


class NotOnScreenError(LookupError):
    """Nothing a person could click carries that name."""


@dataclass(frozen=True)
class Control:
    """One element with the block it stands in."""

    block: JSON
    element: JSON

    @property
    def kind(self) -> str:
        return str(self.element["type"])

    @property
    def key(self) -> str:
        return VALUE_KEYS[self.kind]

    def labels(self) -> list[str]:
        """What a person would call it: its text, its field's label, its placeholder."""
        texts = [self.element.get("text"), self.block.get("label"), self.element.get("placeholder")]
        return [str(t["text"]) for t in texts if isinstance(t, dict)]

    def options(self) -> list[JSON]:
        groups = self.element.get("option_groups") or []
        return list(self.element.get("options") or []) + [o for g in groups for o in g.get("options", [])]

    def option(self, wanted: str) -> JSON:
        """The option with that value or text."""
        found = [o for o in self.options() if wanted == o.get("value")] or [
            o for o in self.options() if o["text"]["text"].casefold() == wanted.casefold()
        ]
        if not found:
            raise NotOnScreenError(
                f"No option {wanted!r}; there are {[o['text']['text'] for o in self.options()]}."
            )
        return found[0]

    def chosen(self, value: Any) -> JSON:
        """`{type, <value key>: …}` for a value as a person gives it; options by value or text."""
        if value is not None and self.kind.startswith(("external", "multi_external")):
            found = [
                o
                if isinstance(o, dict)
                else {"text": {"type": "plain_text", "text": str(o)}, "value": str(o)}
                for o in (value if isinstance(value, list) else [value])
            ]
            value = found if self.key == "selected_options" else found[0]
        elif self.key == "selected_option" and value is not None:
            value = self.option(str(value))
        elif self.key == "selected_options":
            value = [self.option(str(v)) for v in (value or [])]
        elif self.key == "value" and value == "":
            value = None
        return {"type": self.kind, self.key: value}

    def initial(self) -> JSON:
        default: Any = [] if self.key.endswith("s") and self.key != "value" else None
        return {"type": self.kind, self.key: self.element.get(_INITIAL_KEYS.get(self.key, ""), default)}

    def is_empty(self, state: JSON) -> bool:
        return state.get(self.key) in (None, "", [])


def controls(blocks: list[JSON]) -> Iterator[Control]:
    for block in blocks:
        for element in elements_of(block):
            if element.get("type") in VALUE_KEYS:
                yield Control(block, element)


def find(blocks: list[JSON], name: str, block_id: str | None = None) -> tuple[Control, str | None]:
    """The control called `name` (action id, else label, else an overflow option's text).

    The second value is the option's value when `name` named an option.
    """
    everything = [c for c in controls(blocks) if block_id in (None, c.block.get("block_id"))]
    for control in everything:
        if control.element.get("action_id") == name:
            return control, None
    wanted = name.casefold()
    for control in everything:
        if any(label.casefold() == wanted for label in control.labels()):
            return control, None
    for control in everything:
        for option in control.options():
            if option["text"]["text"].casefold() == wanted:
                return control, str(option["value"])
    seen = [label for c in everything for label in [*c.labels(), *(o["text"]["text"] for o in c.options())]]
    raise NotOnScreenError(f"Nothing to click is called {name!r}; there are {seen}.")


def full_state(blocks: list[JSON], known: JSON) -> JSON:
    """`state.values`: every stateful control with what was chosen, else its initial value."""
    values: JSON = {}
    for control in controls(blocks):
        if control.kind not in _STATELESS:
            block_id, action_id = str(control.block["block_id"]), str(control.element["action_id"])
            was = known.get(block_id, {}).get(action_id)
            values.setdefault(block_id, {})[action_id] = was or control.initial()
    return values


def action(control: Control, value: Any, at: str) -> JSON:
    """One entry of `actions` for a click on a button or a choice in a menu."""
    element = control.element
    sent: JSON = {"action_id": element["action_id"], "block_id": control.block["block_id"], "action_ts": at}
    if control.kind == "button":
        sent |= {"type": "button", "text": element["text"]}
        sent |= {key: element[key] for key in ("value", "style", "url") if key in element}
        return sent
    if "placeholder" in element:
        sent["placeholder"] = element["placeholder"]
    return sent | control.chosen(value)
