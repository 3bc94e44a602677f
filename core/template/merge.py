"""The part of Liquid an author may write: known merge tags, a few filters, {% if %}, {% unless %}, {% case %}.

No loops, includes, assignments or dates: a template cannot run long, read a file or look at the clock.
`core.template` is the way in; this module checks one piece of Liquid, compiles it and fills it.

python-liquid parses everything and runs the control tags with what they hold. The text and merge tags
around them are split once and joined per lead, several times as fast; a property test holds the two equal.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO, cast
from urllib.parse import quote

from liquid import BoundTemplate, Environment, RenderContext, Undefined
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path, StringLiteral
from liquid.builtin.expressions.primitive import Literal
from liquid.builtin.tags import case_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.token import Token

from core.errors import Refused

RENDERED_CHARS = 500_000
OUTPUT_OCTETS = 4 * RENDERED_CHARS

LEAD = ("first_name", "last_name", "name", "email", "company", "domain", "stage")
OTHER = (("sender", "name"), ("sender", "address"), ("sequence", "name"), ("unsubscribe_url",))

Keys = tuple[str, ...]

# What a lead's field may hold where a link begins: no user part, which would disguise the host.
_LINK = re.compile(r"https?://[^\s\\/?#@]+(?:[/?#]\S*)?|mailto:[^\s?]+@[^\s?]+", re.IGNORECASE)
_LINK_CHARS = ":/?#[]@!$&'()*+,;=%"
# What nothing has to be written differently in, told apart sooner than it is written.
_PLAIN_LINK = re.compile(r"[\w.~:/?#@!$&'()*+,;=%\[\]-]*", re.ASCII)
_SPACED = str.maketrans("_.", "  ")
_SPECIAL = re.compile(r"[&<>\"']")


class TemplateFault(Refused):
    """A template that cannot be used; `line` counts from 1, None where the sentence names the place."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


class MissingValue(Refused):
    """A merge tag without a value and without a default; the lead waits. `name`: the tag as people say it."""

    def __init__(self, tag: str) -> None:
        self.tag, self.name = tag, tag.removeprefix("lead.").removeprefix("custom.").translate(_SPACED)
        super().__init__(f"The {self.name} is missing; edit the lead, or give the template a default.")


def is_visible(text: str) -> bool:
    """Whether a reader would see anything: spaces, controls and zero-width characters do not count."""
    if text.isprintable():
        return bool(text) and not text.isspace()
    return any(char.isprintable() and not char.isspace() for char in text)


def known_names(fields: frozenset[str]) -> dict[Keys, Keys]:
    """Each name an author may write, with where its value stands; a lead's own fields have short forms."""
    names: dict[Keys, Keys] = {("lead", name): ("lead", name) for name in LEAD}
    names |= {("lead", "custom", name): ("lead", "custom", name) for name in sorted(fields)}
    names |= {keys: keys for keys in OTHER}
    names |= {(name,): ("lead", name) for name in LEAD}
    return names


# --- filters: text in, text out; a missing value passes through, so that a later default still helps


def _default(value: object, fallback: object) -> object:
    return fallback if isinstance(value, Undefined) else value


def _on_text(change: Callable[..., str]) -> Callable[..., object]:
    def run(value: object, *arguments: object) -> object:
        return value if isinstance(value, Undefined) else change(str(value), *arguments)

    return run


def _truncate(text: str, chars: int = 50, end: str = "...") -> str:
    return text if len(text) <= chars else text[: max(chars - len(end), 0)] + end


FILTERS: dict[str, Callable[..., object]] = {
    "default": _default,
    "capitalize": _on_text(str.capitalize),
    "upcase": _on_text(str.upper),
    "downcase": _on_text(str.lower),
    "strip": _on_text(str.strip),
    "truncate": _on_text(_truncate),
    "first": _on_text(lambda text: text.split()[0] if text.split() else ""),  # the first word
    "last": _on_text(lambda text: text.split()[-1] if text.split() else ""),
    "escape": _on_text(str),  # every value is escaped for its part anyway
}


# --- how a value is written at its place


@dataclass(frozen=True, slots=True)
class Place:
    """Where a merge tag stands: its name for messages, `kind` as in `core.template.markdown`, and the part."""

    tag: str
    kind: str = "x"
    in_html: bool = False

    def write(self, value: object) -> str:
        """Return `value` so that it stays a value here; `MissingValue` if there is nothing to see."""
        # A text first: whether something is an Undefined, which is an abstract class, takes as long as all the rest.
        text = value if type(value) is str else "" if isinstance(value, Undefined) else str(value)
        if not is_visible(text):
            raise MissingValue(self.tag)
        if self.kind != "x":
            text = self._in_address(text)
        return html.escape(text) if self.in_html and _SPECIAL.search(text) else text

    def _in_address(self, text: str) -> str:
        if self.kind != "u":
            return quote(text, safe="@" if self.kind == "m" else "", errors="replace")
        if not _LINK.fullmatch(text):
            raise Refused(f"{self.tag} is used as a link, so it must begin with https:// or http://.")
        return text if _PLAIN_LINK.fullmatch(text) else quote(text, safe=_LINK_CHARS, errors="replace")


class Merge(output.OutputNode):
    """{{ … }} as python-liquid runs it, written according to its `place`."""

    __slots__ = ("place",)

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        self.place = Place("")

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(self.place.write(self.expression.evaluate(context)))


class _MergeTag(output.Output):
    node_class = Merge


class OrEmpty(Expression):
    """A path in a comparison: a missing value equals "" and blank there."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        super().__init__(path.token)
        self.path = path

    def evaluate(self, context: RenderContext) -> object:
        value = self.path.evaluate(context)
        return "" if isinstance(value, Undefined) else value

    def children(self) -> list[Expression]:
        return [self.path]


class _MailEnvironment(Environment):
    loop_iteration_limit = 1
    output_stream_limit = OUTPUT_OCTETS
    local_namespace_limit = 1
    context_depth_limit = 10
    block_nesting_limit = 10

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        del extra
        for tag in (content.Literal, _MergeTag, illegal.Illegal):
            self.add_tag(tag)
        for control in (if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag):
            self.add_tag(control)
        for name, function in FILTERS.items():
            self.add_filter(name, function)


ENVIRONMENT = _MailEnvironment()


# --- one piece of Liquid


@dataclass(frozen=True, slots=True)
class Slot:
    """A merge tag of a piece without control tags: where the value is, its filters, how it is written."""

    keys: Keys
    steps: tuple[tuple[Callable[..., object], tuple[object, ...]], ...]
    place: Place

    def fill(self, found: Mapping[Keys, str | None]) -> str:
        value: object = found[self.keys]
        if value is None:
            value = _MISSING
        for function, arguments in self.steps:
            value = function(value, *arguments)
        return self.place.write(value)


_MISSING = Undefined("")


@dataclass(frozen=True, slots=True)
class Piece:
    """A compiled subject, text or HTML part; of its `parts` only control tags need Liquid to run."""

    bound: BoundTemplate
    parts: tuple[str | Slot | Node, ...]
    keys: frozenset[Keys]

    def fill(self, found: Mapping[Keys, str | None]) -> str:
        """The piece with the values `found`; None stands for a missing one."""
        filled: list[str] = []
        context: RenderContext | None = None
        for part in self.parts:
            if isinstance(part, str):
                filled.append(part)
            elif isinstance(part, Slot):
                filled.append(part.fill(found))
            else:
                context = context or RenderContext(self.bound, globals=_nested(found))
                filled.append(_run(part, context))
        return "".join(filled)

    def fill_by_liquid(self, found: Mapping[Keys, str | None]) -> str:
        """The same, all of it through python-liquid."""
        return self.bound.render(_nested(found))


def _run(node: Node, context: RenderContext) -> str:
    buffer = LimitedStringIO(limit=OUTPUT_OCTETS)
    try:
        node.render(context, buffer)
    except LiquidError as error:
        raise Refused(f"The template cannot be filled for this lead: {error.message}.") from error
    return buffer.getvalue()


def _nested(found: Mapping[Keys, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for keys, value in found.items():
        if value is not None:
            *parents, last = keys
            inner = values
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
    return values


def split(nodes: list[Node]) -> tuple[str | Slot | Node, ...]:
    """`nodes` with plain text and merge tags taken out of Liquid's hands."""
    return tuple(
        node.text
        if isinstance(node, content.ContentNode)
        else _slot(node)
        if isinstance(node, Merge)
        else node
        for node in nodes
    )


def _slot(node: Merge) -> str | Slot | Node:
    """`node` without Liquid, or itself where a filter takes another merge tag."""
    expression = node.expression
    if not isinstance(expression, FilteredExpression):
        return node
    if isinstance(expression.left, StringLiteral):
        return node.place.write(expression.left.value)
    steps = []
    for step in expression.filters or ():
        values = [argument.value for argument in step.args]
        if any(isinstance(value, Path) for value in values):
            return node
        steps.append((FILTERS[step.name], tuple(cast("Literal[Any]", value).value for value in values)))
    return Slot(path_keys(cast("Path", expression.left)), tuple(steps), node.place)


def path_keys(path: Path) -> Keys:
    return tuple(str(segment) for segment in path.path)
