"""Sequences as YAML files: `load` reads one, `dump` writes it back, `check` says what keeps it from publishing.

Every fault of a file is collected and said at once, each as one sentence with its line and its step, so that a
file is mended in one go. The format stands in docs/sequences.md.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from core.errors import Refused
from core.plain import shown
from core.sequence_file import graph, plain_yaml
from core.sequence_file.spec import (
    ConditionStep,
    EmailStep,
    Hours,
    JumpStep,
    Reaction,
    Reactions,
    SequenceSpec,
    StopStep,
    TaskStep,
    Track,
    Variant,
    id_faults,
    usual_id,
)
from core.template import compile_step
from core.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic_core import ErrorDetails

    from core.sequence_file.plain_yaml import Document, Path

MOST_FAULTS_SHOWN = 20

_STEPS: dict[str, type[BaseModel]] = {
    "email": EmailStep, "task": TaskStep, "condition": ConditionStep, "stop": StopStep, "jump": JumpStep,
}  # fmt: skip
# What pydantic finds itself; every other fault is a ValueError that already is a sentence.
_SENTENCES = {
    "string_type": "This must be text.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "tuple_type": "This must be a list, each line beginning with a dash.",
}
_BLOCK = 'This must be a block of keys, such as "key: value".'

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_WEB_LINK = re.compile(r"https?://[^\s<>()\[\]\"']*", re.IGNORECASE)
_FINE = "A text without fault"
_NO_WAY_OUT = "Nobody could unsubscribe; set FERMATA_BASE_URL, or say in the body how to opt out."
_NO_WAY_BACK = (
    "Clicks and opens cannot be counted without an address of ours; set FERMATA_BASE_URL, or take track out."
)
_OPT_OUT = re.compile(r"unsubscribe|opt[ -]?out|\bstop\b", re.IGNORECASE)


class SpecFault(Refused):
    """A sequence file with faults; str() lists them all, `faults` holds them one by one."""

    def __init__(self, name: str, faults: Iterable[str]) -> None:
        """Say the first faults of the file `name`, and how many more there are."""
        self.faults = tuple(faults)
        shown_faults = self.faults[:MOST_FAULTS_SHOWN]
        if len(self.faults) == 1:
            text = f"{name}: {self.faults[0]}"
        else:
            more = len(self.faults) - len(shown_faults)
            lines = [f"{name} has {len(self.faults)} faults.", *(f"- {fault}" for fault in shown_faults)]
            text = "\n".join([*lines, f"- … and {more} more."] if more else lines)
        super().__init__(text)


def load(text: str, *, name: str = "<file>") -> SequenceSpec:
    """Give the sequence that a YAML text describes; raises SpecFault with every fault in it."""
    try:
        document = plain_yaml.read(text)
    except Refused as refusal:
        raise SpecFault(name, [str(refusal)]) from None
    if not isinstance(document.data, dict):
        raise SpecFault(name, ['This holds no sequence; begin with "sequence: NAME" and "steps:".'])
    try:
        spec = SequenceSpec.model_validate(document.data)
    except ValidationError as error:
        found = [_sentence(document, fault) for fault in error.errors(include_url=False)]
        raise SpecFault(name, [*document.faults, *found, *_hidden(document, error)]) from None
    if document.faults:
        raise SpecFault(name, document.faults)
    return spec


def dump(spec: SequenceSpec) -> str:
    """Give the canonical YAML of a sequence: every setting written out, in one order; `load` gives it back equal."""
    return plain_yaml.write(spec.model_dump(mode="json", by_alias=True, exclude_none=True))


def check(
    spec: SequenceSpec, *, mailboxes: set[str] | None, fields: frozenset[str], unsubscribe_link: bool = True
) -> list[str]:
    """Say what keeps a sequence from being published, one sentence each; an empty list is a go.

    mailboxes: the addresses that are connected, None to leave senders out of it. fields: the lead's fields that
    merge tags may name. unsubscribe_link: whether mail will carry one (it needs FERMATA_BASE_URL), and so
    whether links can be tracked.
    """
    faults = [] if mailboxes is None else list(_sender_faults(spec, mailboxes))
    if not unsubscribe_link and spec.track != Track():
        faults.append(_NO_WAY_BACK)
    found = step_faults(spec, fields=fields, unsubscribe_link=unsubscribe_link)
    return faults + [f"{label(step_id).capitalize()}: {fault}" for step_id, fault in found]


def step_faults(
    spec: SequenceSpec, *, fields: frozenset[str], unsubscribe_link: bool = True
) -> Iterator[tuple[str, str]]:
    """Give each fault of a step that keeps its sequence from being published, with the step's id; else as `check`."""
    graph_faults = list(graph.faults(spec))
    has_email = False
    for step in spec.steps:
        found: list[str] = []
        if isinstance(step, TaskStep):
            found += _template_faults(step.title, step.note or _FINE, fields)
        elif isinstance(step, EmailStep):
            if step.thread and not has_email:
                found.append("It continues a conversation, but no email comes before it; take thread out.")
            for version in step.variants or (step,):
                which = f"Variant {shown(version.name)}: " if isinstance(version, Variant) else ""
                # Without its own subject a reply takes that of the first email, which was looked at there.
                subject = version.subject or (_FINE if step.thread else "")
                wrong = [*_template_faults(subject, version.body, fields), *_link_faults(version.body)]
                if not unsubscribe_link and not _OPT_OUT.search(_LIQUID.sub("", version.body)):
                    wrong.append(_NO_WAY_OUT)
                found += [f"{which}{fault}" for fault in wrong]
            has_email = True
        found += [fault for step_id, fault in graph_faults if step_id == step.id]
        yield from ((step.id, fault) for fault in found)


# What a file says wrongly ---------------------------------------------------------------------------------------


def _sentence(document: Document, fault: ErrorDetails) -> str:
    """Give one of pydantic's faults as a sentence with its line, its step and its key."""
    path = _path_in_file(fault["loc"])
    around, key = path[:-1], str(path[-1]) if path else ""
    line = document.line_of(path)
    match fault["type"]:
        case "value_error":
            return f"{_where(document, line, path)}: {fault['ctx']['error']}"
        case "missing":
            return f'{_where(document, line, around)}: The key "{key}" is missing.'
        case "extra_forbidden":
            known = _known_keys(document, around)
            nearest = get_close_matches(key, known, n=1)
            hint = f'did you mean "{nearest[0]}"?' if nearest else f"the keys are {', '.join(known)}."
            return f'{_where(document, line, around)}: There is no key "{shown(key)}" here; {hint}'
        case "union_tag_invalid" if isinstance(fault["input"], dict):
            return f"{_where(document, line, path)}: A step is of the kind {listed(_STEPS, 'or')}."
        case kind:
            return f"{_where(document, line, path)}: {_SENTENCES.get(kind, _BLOCK)}"


def _path_in_file(loc: Path) -> Path:
    """Give pydantic's location without the kind of step, which it puts after the step's number."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("steps",) and len(loc) > 2 else loc


def _where(document: Document, line: int, path: Path) -> str:
    keys = path
    parts = [f"Line {line}"]
    if path[:1] == ("steps",) and len(path) > 1:
        parts.append(label(_raw_id(_raw_steps(document)[int(path[1])], int(path[1]))))
        keys = path[2:]
    if keys:
        parts.append(".".join(key for key in keys if isinstance(key, str)))
    return ", ".join(parts)


def _known_keys(document: Document, path: Path) -> list[str]:
    """Give the keys that a block of the file may have."""
    model: type[BaseModel] = SequenceSpec
    if path[:1] == ("window",):
        model = Hours
    elif path[:1] == ("track",):
        model = Track
    elif path[:1] == ("on",):
        model = Reaction if len(path) > 1 else Reactions
    elif path[:1] == ("steps",):
        step = _raw_steps(document)[int(path[1])]
        if path[2:3] == ("variants",):
            return list(Variant.model_fields)
        model = _STEPS[str(step.get("kind", "email")) if isinstance(step, dict) else "email"]
    return [field.alias or name for name, field in model.model_fields.items()]


def _hidden(document: Document, error: ValidationError) -> list[str]:
    """Give the faults between steps that pydantic does not reach while one step is faulty by itself."""
    if not any(fault["loc"][0] == "steps" and len(fault["loc"]) > 1 for fault in error.errors()):
        return []
    return id_faults(_raw_id(step, number) for number, step in enumerate(_raw_steps(document)))


def _raw_steps(document: Document) -> list[Any]:
    steps = document.data.get("steps") if isinstance(document.data, dict) else None
    return steps if isinstance(steps, list) else []


def _raw_id(step: object, number: int) -> str:
    given = step.get("id") if isinstance(step, dict) else None
    return given if isinstance(given, str) else usual_id(number)


def label(step_id: str) -> str:
    """Give a step as a sentence calls it: "step intro", "step 2" of `step-2`."""
    return f"step {shown(step_id.removeprefix('step-'))}"


# What keeps a sequence from being published -----------------------------------------------------------------------


def _sender_faults(spec: SequenceSpec, connected: set[str]) -> Iterator[str]:
    if spec.mailboxes is None and not connected:
        yield "No mailbox is connected; add one with `fermata mailbox add`."
    for address in spec.mailboxes or ():
        if address not in connected:
            yield f"The mailbox {address} is not connected; add it with `fermata mailbox add`, or take it out."


def _template_faults(subject: str, body: str, fields: frozenset[str]) -> Iterator[str]:
    """Say what is wrong with the two texts, each by itself, so that a fault of one does not hide the other's."""
    for pair in ((subject, _FINE), (_FINE, body)):
        try:
            compile_step(*pair, fields=fields)
        except Refused as refusal:
            yield str(refusal)


def _link_faults(body: str) -> Iterator[str]:
    """Say which web links name no host; that a link is one for the web or for mail, the template sees to."""
    for link in _WEB_LINK.findall(_LIQUID.sub("x", body)):
        if not _has_host(link):
            yield f'The link "{shown(link, 60)}" names no host; write it as https://example.com/page.'


def _has_host(link: str) -> bool:
    try:
        parts = urlsplit(link)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False
