"""Templates of a step: Liquid merge tags in a subject and a Markdown body, compiled once, filled per lead.

One body gives both parts: Markdown runs once, when the step is compiled (`core.template.markdown`); a lead's
value is put in afterwards (`core.template.merge`) and is therefore always literal: no markup, no Liquid.

A merge tag without a value and without a default raises `MissingValue`: the lead is held rather than
sent "Hi ,". A test such as {% if lead.company %} is false for a missing value and raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Refused
from core.mime import header_value
from core.template.check import Construct, compile_piece, constructs, fault
from core.template.markdown import MarkdownFault, Marks, convert
from core.template.merge import (
    RENDERED_CHARS,
    Keys,
    MissingValue,
    Piece,
    TemplateFault,
    is_visible,
    known_names,
)

__all__ = [
    "MissingValue",
    "Rendered",
    "Template",
    "TemplateFault",
    "addresses",
    "compile_step",
    "link_keys",
    "render",
    "tags",
]

SUBJECT_CHARS = 200  # as written
RENDERED_SUBJECT_CHARS = 998  # as sent
BODY_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Template:
    """A step's compiled subject and body; `notes` are sentences for the author's preview."""

    subject: Piece
    text: Piece
    html: Piece
    keys: tuple[Keys, ...]
    notes: tuple[str, ...]
    links: tuple[Piece, ...] = ()  # of a tracked one: where its links lead, in the order of their numbers


@dataclass(frozen=True, slots=True)
class Rendered:
    """One lead's message: a subject fit for a header, lines ending in LF."""

    subject: str
    text: str
    html: str


def compile_step(subject: str, body: str, *, fields: frozenset[str], is_tracked: bool = False) -> Template:
    """Return the step's template; `fields` names the leads' custom fields.

    Of a tracked one each web link but that for unsubscribing is a merge tag of its own, `link.n1`, `link.n2` …

    Raises `TemplateFault` with a sentence, and the line where there is one, for an unknown merge tag, an
    unclosed one, anything of Liquid but the allowed part, a link that is none, and what is too long.
    """
    names = known_names(fields)
    compiled_subject = _compile_subject(subject, names)
    body = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", body).replace("\x00", "")
    if not is_visible(body):
        raise fault("body", None, "it is empty; write what the email should say.")
    if len(body) > BODY_CHARS:
        raise fault("body", None, f"it has {len(body)} characters; {BODY_CHARS} are the most.")
    found = constructs(body, "body")
    faults: list[TemplateFault] = []  # named by the author's own lines
    try:
        compile_piece(body, names=names, where="body")
    except TemplateFault as problem:
        faults.append(problem)
    marks = Marks.absent_from(body)
    marked, controls = _marked(body, found, marks), {n: item.control for n, item in enumerate(found)}
    links = _Links(found, marks)
    try:
        document = convert(marked, marks, controls, links.tag if is_tracked else None)
    except MarkdownFault as problem:
        raise _joined([*faults, fault("body", problem.line, str(problem))]) from problem
    if faults:
        raise _joined(faults)
    addresses = tuple(
        _piece(marks.in_address(address), marks, found, names, in_html=False) for address in links.addresses
    )
    names |= {keys: keys for keys in map(link_keys, range(1, len(addresses) + 1))}
    text = _piece(document.text, marks, found, names, in_html=False)
    html = _piece(document.html, marks, found, names, in_html=True)
    keys = frozenset[Keys]().union(*(piece.keys for piece in (compiled_subject, text, html, *addresses)))
    removed = (_restored(item, marks, found)[0] for item in document.removed)
    notes = tuple(f"HTML is not sent, so this was taken out: {item}" for item in removed)
    return Template(compiled_subject, text, html, tuple(sorted(keys)), notes, addresses)


def _joined(faults: list[TemplateFault]) -> TemplateFault:
    return TemplateFault(" ".join(map(str, faults)), faults[0].line)


class _Links:
    """The web links of one body, each distinct one with its number, from 1."""

    def __init__(self, found: list[Construct], marks: Marks) -> None:
        self._found, self._marks = found, marks
        self._written: dict[str, str] = {}

    @property
    def addresses(self) -> list[str]:
        """Where they lead, marks still in place."""
        return list(self._written)

    def tag(self, address: str) -> str:
        """The mark of the merge tag that stands in a link's place; "" where it is not tracked."""
        if address.lower().startswith("mailto:") or self._unsubscribes(address):
            return ""
        if address not in self._written:
            number = len(self._found)
            tag = ".".join(link_keys(len(self._written) + 1))
            self._found.append(Construct(0, f"{{{{ {tag} }}}}", ""))
            self._written[address] = self._marks.write(number, control=False)
        return self._written[address]

    def _unsubscribes(self, address: str) -> bool:
        marks = re.finditer(self._marks.any, address)
        return any("unsubscribe_url" in self._found[int(mark["number"])].text for mark in marks)


def link_keys(number: int) -> Keys:
    """Where the values of a tracked template hold what stands in place of its link of this number."""
    return ("link", f"n{number}")


def addresses(template: Template, values: Mapping[str, Any]) -> list[str | None]:
    """Return where the links of a tracked template lead for `values`.

    None: a value for it is missing. It may stand in a branch that is left out.
    """
    found = {keys: _value(values, keys) for keys in template.keys}
    return [_filled(piece, found) for piece in template.links]


def _filled(piece: Piece, found: Mapping[Keys, str | None]) -> str | None:
    try:
        return piece.fill(found)
    except Refused:
        return None


def render(template: Template, values: Mapping[str, Any]) -> Rendered:
    """Return the message for `values`: lead (with custom), sender, sequence and unsubscribe_url, nested.

    Raises `MissingValue`, or `Refused` where a value cannot stand in its place (a line break in the
    subject, a link that is none) or the message grows too long.
    """
    found = {keys: _value(values, keys) for keys in template.keys}
    subject = header_value(template.subject.fill(found).strip())
    if not subject or len(subject) > RENDERED_SUBJECT_CHARS:
        raise Refused(f"The subject must have 1 to {RENDERED_SUBJECT_CHARS} characters for this lead.")
    text = template.text.fill(found).strip()
    html = template.html.fill(found).strip()
    if not text:
        raise Refused("The body is empty for this lead.")
    if len(text) > RENDERED_CHARS or len(html) > RENDERED_CHARS:
        raise Refused(f"The body is longer than {RENDERED_CHARS} characters for this lead.")
    return Rendered(subject, text + "\n", html + "\n")


def tags(template: Template) -> tuple[str, ...]:
    """The merge tags a template uses, in full form and in order of the alphabet."""
    return tuple(".".join(keys) for keys in template.keys)


def _compile_subject(subject: str, names: Mapping[Keys, Keys]) -> Piece:
    if not is_visible(subject):
        raise fault("subject", None, "it is empty; write one.")
    if len(subject) > SUBJECT_CHARS:
        raise fault("subject", None, f"it has {len(subject)} characters; {SUBJECT_CHARS} are the most.")
    try:
        header_value(subject)
    except Refused as problem:
        raise fault("subject", 1, str(problem)) from problem
    constructs(subject, "subject")
    return compile_piece(subject, names=names, where="subject")


def _value(values: Any, keys: Keys) -> str | None:
    """The value at `keys` as text, None if there is nothing to see."""
    try:
        for key in keys:
            values = values[key]
    except (KeyError, TypeError):
        return None
    if values is None:
        return None
    text = str(values).replace("\r\n", "\n").replace("\r", "\n").strip()  # as Liquid writes it in a branch
    return text if is_visible(text) else None


def _marked(body: str, found: list[Construct], marks: Marks) -> str:
    """`body` with a mark in place of each construct."""
    parts = []
    position = 0
    for number, item in enumerate(found):
        parts += [body[position : item.start], marks.write(number, control=bool(item.control))]
        position = item.start + len(item.text)
    return "".join([*parts, body[position:]])


def _piece(
    marked: str, marks: Marks, found: list[Construct], names: Mapping[Keys, Keys], *, in_html: bool
) -> Piece:
    source, kinds = _restored(marked, marks, found)
    return compile_piece(source, names=names, where="body", kinds=kinds, in_html=in_html)


def _restored(marked: str, marks: Marks, found: list[Construct]) -> tuple[str, dict[int, str]]:
    """`marked` as Liquid again, and the kind of place each construct's offset has."""
    source = ""
    kinds: dict[int, str] = {}
    position = 0
    for match in re.finditer(marks.any, marked):
        source += _literal(marked[position : match.start()])
        kinds[len(source)] = match["kind"]
        source += found[int(match["number"])].text
        position = match.end()
    return source + _literal(marked[position:]), kinds


def _literal(text: str) -> str:
    r"""`text` so that Liquid finds nothing in it: Markdown's \{\{ means two braces."""
    return re.sub(r"\{\{|\{%|\{\Z", lambda braces: f'{{{{ "{braces[0]}" }}}}', text)
