"""Goals as YAML files: `load` reads one, `dump` writes it back, `describe` says it in a sentence. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core import filters
from core.errors import Refused
from core.goal_file.spec import GoalSpec, Kind, When, Widely
from core.plain import shown
from core.sequence_file import SpecFault, plain_yaml
from core.sequence_file.plain_yaml import Document
from core.words import listed

__all__ = ["GoalSpec", "Kind", "When", "Widely", "describe", "dump", "is_goal", "load", "parsed"]

_FIRST_KEY = re.compile(r"\ufeff?(?:\s*#[^\n]*\n|\s*\n|---[^\n]*\n)*\s*[\"']?goal[\"']?\s*:")
_SENTENCES = {
    "string_type": "This must be text.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "tuple_type": "This must be a list of names, such as [Spring].",
    "model_type": "This must name an event, such as {tag: customer}.",
}


def is_goal(text: str) -> bool:
    """Say whether a YAML text begins as a goal rather than a sequence."""
    return bool(_FIRST_KEY.match(text))


def load(text: str, *, name: str = "<file>") -> GoalSpec:
    """Give the goal that a YAML text describes; raises SpecFault with every fault in it."""
    try:
        document = plain_yaml.read(text)
    except Refused as refusal:
        raise SpecFault(name, [str(refusal)]) from None
    if not isinstance(document.data, dict):
        raise SpecFault(name, ['This holds no goal; begin with "goal: NAME" and "when:".'])
    try:
        spec = GoalSpec.model_validate(document.data)
    except ValidationError as error:
        found = [_sentence(document, fault) for fault in error.errors(include_url=False)]
        raise SpecFault(name, dict.fromkeys([*document.faults, *found])) from None
    if document.faults:
        raise SpecFault(name, document.faults)
    return spec


def dump(spec: GoalSpec) -> str:
    """Give the canonical YAML of a goal; `load` gives it back equal."""
    return plain_yaml.write(spec.model_dump(mode="json", by_alias=True, exclude_none=True))


@lru_cache(maxsize=256)
def parsed(spec: str) -> GoalSpec:
    """Give the goal written in canonical YAML; each text is read once a process."""
    return load(spec)


def describe(spec: GoalSpec) -> str:
    """Give what a goal waits for and does: "A tag “customer” on leads of Spring starts Onboarding and stops Spring."."""
    within = f" on leads of {listed(spec.within, 'or')}" if spec.within else ""
    acts = [f"starts {spec.start}"] if spec.start else []
    if spec.stop is not None:
        widely = {Widely.OTHERS: "every other sequence", Widely.ALL: "every sequence"}
        acts.append(f"stops {widely[spec.stop] if isinstance(spec.stop, Widely) else listed(spec.stop)}")
    once = "" if spec.again or not spec.start else ", once"
    return f"{_event(spec.when)}{within} {listed(acts)}{once}."


def _event(when: When) -> str:
    value = f"“{when.value}”"
    match when.kind:
        case Kind.REPLY:
            return "An answer"
        case Kind.MEETING:
            return {"booked": "A booked meeting", "happened": "A meeting that took place"}.get(
                when.value, "A no-show"
            )
        case Kind.CLICK:
            return f"A click on {value}"
        case Kind.NEW_LEAD:
            return f"A new lead ({filters.describe(when.who.filter) or when.value})"
        case kind:
            return f"{'An' if kind is Kind.EVENT else 'A'} {kind.value} {value}"


def _sentence(document: Document, fault: ErrorDetails) -> str:
    """Give one of pydantic's faults as a sentence with its line and its key."""
    path = tuple(part for part in fault["loc"] if not (isinstance(part, str) and "[" in part))
    where = ", ".join([f"Line {document.line_of(path)}", *([str(path[0])] if path else [])])
    match fault["type"]:
        case "value_error":
            return f"{where}: {fault['ctx']['error']}"
        case "missing":
            return f'Line {document.line_of(path)}: The key "{path[-1]}" is missing.'
        case "extra_forbidden":
            return f'{where}: There is no key "{shown(str(path[-1]))}" here; the keys are {", ".join(_keys(GoalSpec))}.'
        case kind:
            return f"{where}: {_SENTENCES.get(kind, 'This cannot be meant here.')}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
