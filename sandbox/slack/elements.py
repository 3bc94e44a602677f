"""Checks of Block Kit elements and composition objects. Each yields sentences in Slack's manner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sandbox.slack import limits

JSON = dict[str, Any]
Faults = Iterator[str]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
STYLES = ("primary", "danger")


def fault(sentence: str, at: str) -> str:
    return f"{sentence} [json-pointer:{at}]"


def string(value: Any, at: str, longest: int, *, optional: bool = False, empty: bool = False) -> Faults:
    """A string of 1 to `longest` characters."""
    if value is None and optional:
        return
    if value is None:
        yield fault("missing required field", at)
    elif not isinstance(value, str):
        yield fault("must be a string", at)
    elif not value and not empty:
        yield fault("must be more than 0 characters", at)
    elif len(value) > longest:
        yield fault(f"must be less than {longest + 1} characters", at)


def text(
    value: Any,
    at: str,
    longest: int,
    *,
    kinds: Sequence[str] = ("plain_text", "mrkdwn"),
    optional: bool = False,
) -> Faults:
    """A text object of one of the `kinds`."""
    if value is None and optional:
        return
    if not isinstance(value, dict):
        yield fault("missing required field" if value is None else "must be a text object", at)
        return
    kind = value.get("type")
    if kind not in kinds:
        yield fault(f"must be one of {', '.join(kinds)}, not {kind!r}", f"{at}/type")
    yield from string(value.get("text"), f"{at}/text", longest)
    allowed = {"type", "text", "emoji"} if kind == "plain_text" else {"type", "text", "verbatim"}
    yield from strangers(value, allowed, at)


def plain(value: Any, at: str, longest: int, *, optional: bool = False) -> Faults:
    yield from text(value, at, longest, kinds=("plain_text",), optional=optional)


def strangers(value: JSON, allowed: set[str], at: str) -> Faults:
    for key in value:
        if key not in allowed:
            yield fault(f"invalid additional property: {key}", at)


def items(value: Any, at: str, most: int, *, least: int = 1) -> Faults:
    """A list of `least` to `most` entries."""
    if not isinstance(value, list):
        yield fault("missing required field" if value is None else "must be an array", at)
    elif len(value) < least:
        yield fault(f"no fewer than {least} items allowed", at)
    elif len(value) > most:
        yield fault(f"no more than {most} items allowed", at)


def confirm(value: Any, at: str) -> Faults:
    if value is None:
        return
    if not isinstance(value, dict):
        yield fault("must be a confirmation dialog object", at)
        return
    yield from plain(value.get("title"), f"{at}/title", limits.CONFIRM_TITLE_CHARS)
    yield from text(value.get("text"), f"{at}/text", limits.CONFIRM_TEXT_CHARS)
    yield from plain(value.get("confirm"), f"{at}/confirm", limits.CONFIRM_BUTTON_CHARS)
    yield from plain(value.get("deny"), f"{at}/deny", limits.CONFIRM_BUTTON_CHARS)
    if value.get("style") not in (None, *STYLES):
        yield fault("must be one of primary, danger", f"{at}/style")
    yield from strangers(value, {"title", "text", "confirm", "deny", "style"}, at)


def options(value: Any, at: str, most: int, *, markdown: bool = False, overflow: bool = False) -> Faults:
    yield from items(value, at, most)
    if not isinstance(value, list):
        return
    kinds = ("plain_text", "mrkdwn") if markdown else ("plain_text",)
    for index, option in enumerate(value):
        here = f"{at}/{index}"
        if not isinstance(option, dict):
            yield fault("must be an option object", here)
            continue
        yield from text(option.get("text"), f"{here}/text", limits.OPTION_TEXT_CHARS, kinds=kinds)
        yield from string(option.get("value"), f"{here}/value", limits.OPTION_VALUE_CHARS)
        yield from text(
            option.get("description"),
            f"{here}/description",
            limits.OPTION_TEXT_CHARS,
            kinds=kinds,
            optional=True,
        )
        if overflow:
            yield from string(option.get("url"), f"{here}/url", limits.URL_CHARS, optional=True)
        yield from strangers(
            option, {"text", "value", "description"} | ({"url"} if overflow else set()), here
        )
    values = [o.get("value") for o in value if isinstance(o, dict)]
    if len(values) != len(set(map(str, values))):
        yield fault("option values must be unique", at)


def _choices(element: JSON, at: str) -> Faults:
    groups = element.get("option_groups")
    if groups is None:
        yield from options(element.get("options"), f"{at}/options", limits.SELECT_OPTIONS_MAX)
        return
    if element.get("options") is not None:
        yield fault("options and option_groups exclude each other", at)
    yield from items(groups, f"{at}/option_groups", limits.OPTION_GROUPS_MAX)
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        here = f"{at}/option_groups/{index}"
        yield from plain(group.get("label"), f"{here}/label", limits.OPTION_TEXT_CHARS)
        yield from options(group.get("options"), f"{here}/options", limits.SELECT_OPTIONS_MAX)


def _initial(element: JSON, at: str) -> Faults:
    """The initial option(s) must be among the options, word for word."""
    offered = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        offered += group.get("options") or []
    first = element.get("initial_option")
    chosen = element.get("initial_options")
    if chosen is not None and not chosen:
        yield fault("no fewer than 1 items allowed", f"{at}/initial_options")
    for option in [first] if first is not None else chosen or []:
        if option not in offered:
            yield fault("initial option must be one of the options", at)


def _button(element: JSON, at: str) -> Faults:
    yield from plain(element.get("text"), f"{at}/text", limits.BUTTON_TEXT_CHARS)
    yield from string(
        element.get("value"), f"{at}/value", limits.BUTTON_VALUE_CHARS, optional=True, empty=True
    )
    yield from string(element.get("url"), f"{at}/url", limits.URL_CHARS, optional=True)
    yield from string(
        element.get("accessibility_label"),
        f"{at}/accessibility_label",
        limits.BUTTON_TEXT_CHARS,
        optional=True,
    )
    if element.get("style") not in (None, *STYLES):
        yield fault("must be one of primary, danger", f"{at}/style")


def _overflow(element: JSON, at: str) -> Faults:
    yield from options(element.get("options"), f"{at}/options", limits.OVERFLOW_OPTIONS_MAX, overflow=True)


def _static_select(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    yield from _choices(element, at)
    yield from _initial(element, at)
    yield from _most(element, at)


def _open_select(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    yield from _most(element, at)


def _most(element: JSON, at: str) -> Faults:
    most = element.get("max_selected_items")
    if most is not None and (not isinstance(most, int) or most < 1):
        yield fault("must be at least 1", f"{at}/max_selected_items")


def _choice_list(element: JSON, at: str) -> Faults:
    yield from options(element.get("options"), f"{at}/options", limits.CHOICE_OPTIONS_MAX, markdown=True)
    yield from _initial(element, at)


def _placeholder(element: JSON, at: str) -> Faults:
    yield from plain(element.get("placeholder"), f"{at}/placeholder", limits.PLACEHOLDER_CHARS, optional=True)


def _datepicker(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    if "initial_date" in element and not _DATE.fullmatch(str(element["initial_date"])):
        yield fault("must be a date as YYYY-MM-DD", f"{at}/initial_date")


def _timepicker(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    if "initial_time" in element and not _TIME.fullmatch(str(element["initial_time"])):
        yield fault("must be a time as HH:mm", f"{at}/initial_time")


def _datetimepicker(element: JSON, at: str) -> Faults:
    first = element.get("initial_date_time")
    if first is not None and (not isinstance(first, int) or len(str(first)) != 10):
        yield fault("must be a UNIX time of 10 digits", f"{at}/initial_date_time")


def _text_input(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    longest = element.get("max_length", limits.TEXT_INPUT_CHARS)
    shortest = element.get("min_length", 0)
    if not isinstance(longest, int) or not 1 <= longest <= limits.TEXT_INPUT_CHARS:
        yield fault(f"must be between 1 and {limits.TEXT_INPUT_CHARS}", f"{at}/max_length")
    elif not isinstance(shortest, int) or not 0 <= shortest <= longest:
        yield fault("must be between 0 and max_length", f"{at}/min_length")
    yield from string(
        element.get("initial_value"),
        f"{at}/initial_value",
        limits.TEXT_INPUT_CHARS,
        optional=True,
        empty=True,
    )


def _file(element: JSON, at: str) -> Faults:
    kinds, most = element.get("filetypes"), element.get("max_files", limits.FILES_MAX)
    if kinds is not None and not (isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)):
        yield fault("must be an array of strings", f"{at}/filetypes")
    if not isinstance(most, int) or not 1 <= most <= limits.FILES_MAX:
        yield fault(f"must be between 1 and {limits.FILES_MAX}", f"{at}/max_files")


def _number(element: JSON, at: str) -> Faults:
    yield from _placeholder(element, at)
    if not isinstance(element.get("is_decimal_allowed"), bool):
        yield fault("missing required field", f"{at}/is_decimal_allowed")


_SELECT = {"placeholder", "confirm", "focus_on_load"}
_MULTI = _SELECT | {"max_selected_items"}
_CONVERSATIONS = {"default_to_current_conversation", "filter", "response_url_enabled"}
_INPUT = {"placeholder", "initial_value", "dispatch_action_config", "focus_on_load"}
_OPTIONS = {"options", "option_groups"}

# type → (its own checks, the properties it may carry beside type and action_id)
ELEMENTS: dict[str, tuple[Callable[[JSON, str], Faults], set[str]]] = {
    "button": (_button, {"text", "url", "value", "style", "confirm", "accessibility_label"}),
    "overflow": (_overflow, {"options", "confirm"}),
    "static_select": (_static_select, _SELECT | _OPTIONS | {"initial_option"}),
    "multi_static_select": (_static_select, _MULTI | _OPTIONS | {"initial_options"}),
    "external_select": (_open_select, _SELECT | {"initial_option", "min_query_length"}),
    "multi_external_select": (_open_select, _MULTI | {"initial_options", "min_query_length"}),
    "users_select": (_open_select, _SELECT | {"initial_user"}),
    "multi_users_select": (_open_select, _MULTI | {"initial_users"}),
    "conversations_select": (_open_select, _SELECT | _CONVERSATIONS | {"initial_conversation"}),
    "multi_conversations_select": (
        _open_select,
        _MULTI | {"initial_conversations", "default_to_current_conversation", "filter"},
    ),
    "channels_select": (_open_select, _SELECT | {"initial_channel", "response_url_enabled"}),
    "multi_channels_select": (_open_select, _MULTI | {"initial_channels"}),
    "datepicker": (_datepicker, _SELECT | {"initial_date"}),
    "timepicker": (_timepicker, _SELECT | {"initial_time", "timezone"}),
    "datetimepicker": (_datetimepicker, {"initial_date_time", "confirm", "focus_on_load"}),
    "checkboxes": (_choice_list, {"options", "initial_options", "confirm", "focus_on_load"}),
    "radio_buttons": (_choice_list, {"options", "initial_option", "confirm", "focus_on_load"}),
    "plain_text_input": (_text_input, _INPUT | {"multiline", "min_length", "max_length"}),
    "email_text_input": (_text_input, _INPUT),
    "url_text_input": (_text_input, _INPUT),
    "file_input": (_file, {"filetypes", "max_files"}),
    "number_input": (_number, _INPUT | {"is_decimal_allowed", "min_value", "max_value"}),
}

_TYPED = {"plain_text_input", "email_text_input", "url_text_input", "number_input"}
IN_INPUT = set(ELEMENTS) - {"button", "overflow"}
IN_ACTIONS = set(ELEMENTS) - _TYPED - {"file_input"}
IN_SECTION = (IN_ACTIONS - {"datetimepicker"}) | {"image"}


def interactive(element: Any, at: str, allowed: set[str]) -> Faults:
    """One interactive element of an allowed kind."""
    if not isinstance(element, dict):
        yield fault("must be an element object", at)
        return
    kind = element.get("type")
    if kind not in allowed:
        yield fault(f"unsupported type: {kind}", f"{at}/type")
        return
    checks, properties = ELEMENTS[str(kind)]
    yield from string(element.get("action_id"), f"{at}/action_id", limits.ACTION_ID_CHARS, optional=True)
    yield from confirm(element.get("confirm"), f"{at}/confirm")
    yield from checks(element, at)
    yield from strangers(element, properties | {"type", "action_id"}, at)
