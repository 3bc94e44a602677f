"""Which Liquid an author may write, checked when a step is compiled; faults name the place and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from liquid import RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Nil, Path, StringLiteral
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, IntegerLiteral
from liquid.builtin.tags import case_tag
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.token import Token

from core.template.markdown import CLOSING, OPENING
from core.template.merge import (
    ENVIRONMENT,
    FILTERS,
    LEAD,
    Keys,
    Merge,
    OrEmpty,
    Piece,
    Place,
    TemplateFault,
    is_visible,
    path_keys,
    split,
)

CONSTRUCT_CHARS = 1_000
CONSTRUCTS = 1_000
TRUNCATE_CHARS = 1_000
CONTROL = ("if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase")

_OPENING = re.compile(r"\{\{|\{%")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_NAME = re.compile(r"-?\s*(#|\w*)")
_KNOWN = "known are"


@dataclass(frozen=True, slots=True)
class Construct:
    """One {{ … }} or {% … %} as it was written; `control` is the tag's name, empty for a merge tag."""

    start: int
    text: str
    control: str


def constructs(source: str, where: str) -> list[Construct]:
    """Every {{ … }} and {% … %} of `source`, each on one line and closed; else `TemplateFault`."""
    found: list[Construct] = []
    unended: list[tuple[int, str]] = []
    position = 0
    while opening := _OPENING.search(source, position):
        line = source.count("\n", 0, opening.start()) + 1
        _refuse_stray(source, position, opening.start(), where)
        sign = opening[0]
        closing = "}}" if sign == "{{" else "%}"
        end = source.find(closing, opening.end())
        inner = source[opening.end() : end]
        if end < 0 or "\n" in inner or _OPENING.search(_QUOTED.sub("", inner)):
            raise fault(where, line, f'"{sign}" is not closed; add "{closing}" on the same line.')
        if (
            not inner.strip("- ")
            or inner.startswith("{")
            or len(inner) > CONSTRUCT_CHARS
            or len(found) >= CONSTRUCTS
        ):
            raise fault(where, line, f'"{sign}{inner[:40]}" cannot be read; write e.g. {{{{ first_name }}}}.')
        control = _NAME.match(inner)[1] if sign == "{%" else ""  # type: ignore[index]
        if sign == "{%" and control not in CONTROL:
            raise fault(where, line, f"{{% {control} %}} is not available in emails; use if, unless or case.")
        position = end + 2
        found.append(Construct(opening.start(), source[opening.start() : position], control))
        if control in OPENING:
            unended.append((line, control))
        elif control in CLOSING and unended:
            unended.pop()
    _refuse_stray(source, position, len(source), where)
    if unended:
        line, control = unended[-1]
        raise fault(where, line, f"{{% {control} %}} has no {{% end{control} %}}.")
    return found


def _refuse_stray(source: str, start: int, end: int, where: str) -> None:
    for sign, opening in (("}}", "{{"), ("%}", "{%")):
        if (stray := source.find(sign, start, end)) >= 0:
            line = source.count("\n", 0, stray) + 1
            raise fault(where, line, f'"{sign}" has no "{opening}" in front of it.')


def fault(where: str, line: int | None, sentence: str) -> TemplateFault:
    """A `TemplateFault` that begins with its place."""
    place = where.capitalize() if line is None or where == "subject" else f"Line {line} of the {where}"
    return TemplateFault(f"{place}: {sentence}", line)


def compile_piece(
    source: str,
    *,
    names: Mapping[Keys, Keys],
    where: str,
    kinds: Mapping[int, str] | None = None,
    in_html: bool = False,
) -> Piece:
    """Return `source` checked and compiled; `kinds` says how the merge tag at an offset is written."""
    try:
        bound = ENVIRONMENT.from_string(source)
    except LiquidError as error:
        line = _line(source, error.token)
        raise fault(where, line, f"the merge tag cannot be read: {error.message}.") from error
    check = _Check(source, names, where, kinds or {}, in_html=in_html)
    check.nodes(bound.nodes, RenderContext(bound))
    if check.faults:
        raise TemplateFault(" ".join(dict.fromkeys(map(str, check.faults))), check.faults[0].line)
    return Piece(bound, split(bound.nodes), frozenset(check.used))


def _line(source: str, token: Token | None) -> int | None:
    if token is None or token.start_index < 0:
        return None
    return source.count("\n", 0, token.start_index) + 1


class _Check:
    """Walks a parsed piece, collects what is not in the allowed part, and settles names and places."""

    def __init__(
        self, source: str, names: Mapping[Keys, Keys], where: str, kinds: Mapping[int, str], *, in_html: bool
    ) -> None:
        self._source, self._names, self._where = source, names, where
        self._kinds, self._in_html = kinds, in_html
        self.used: set[Keys] = set()
        self.faults: list[TemplateFault] = []

    def nodes(self, nodes: Iterable[Node], context: RenderContext) -> None:
        for node in nodes:
            try:
                self._node(node)
            except TemplateFault as problem:
                self.faults.append(problem)
            self.nodes(node.children(context), context)

    def _node(self, node: Node) -> None:
        if isinstance(node, Merge):
            self._merge(node)
        elif isinstance(node, case_tag.CaseNode):
            self._operand(node.expression)
        elif isinstance(node, case_tag.MultiExpressionBlockNode):
            for choice in node.expression.children():
                self._operand(choice)
        else:
            for expression in node.expressions():
                self._condition(expression)

    def _merge(self, node: Merge) -> None:
        expression = node.expression
        if not isinstance(expression, FilteredExpression):
            raise self._fault(expression, "this cannot stand in {{ … }}.")
        left = expression.left
        if isinstance(left, Path):
            self._path(left)
        elif not isinstance(left, StringLiteral):
            raise self._fault(left, "{{ … }} must begin with a field such as first_name.")
        for step in expression.filters or ():
            self._filter(step)
        tag = ".".join(path_keys(left)) if isinstance(left, Path) else "The merge tag"
        node.place = Place(tag, self._kinds.get(node.token.start_index, "x"), self._in_html)
        if node.place.kind == "u" and not tag.startswith(("lead.custom.", "unsubscribe_url")):
            raise self._fault(left, f"a link cannot begin with {{{{ {tag} }}}}; write https:// before it.")
        if isinstance(left, StringLiteral) and (expression.filters or not is_visible(left.value)):
            raise self._fault(left, "a text in {{ … }} must not be empty and takes no filter.")

    def _filter(self, step: Filter) -> None:
        if step.name not in FILTERS:
            raise self._fault(step, f'the filter "{step.name}" is not available; use {", ".join(FILTERS)}.')
        if any(isinstance(argument, KeywordArgument) for argument in step.args):
            raise self._fault(step, f"{step.name} takes no named value.")
        arguments = [argument.value for argument in step.args]
        match step.name, arguments:
            case "default", [StringLiteral(value=text)]:
                if not text.strip():
                    raise self._fault(
                        step,
                        'an empty default would send "Hi ,"; put {% if … %} around what may be left out.',
                    )
            case "default", [Path() as path]:
                self._path(path)
            case "truncate", [IntegerLiteral(value=chars)] | [IntegerLiteral(value=chars), StringLiteral()]:
                if not 1 <= chars <= TRUNCATE_CHARS:
                    raise self._fault(step, f"truncate takes a length from 1 to {TRUNCATE_CHARS}.")
            case ("default", _) | ("truncate", [_, *_]):
                raise self._fault(
                    step, f'{step.name} needs a value such as {{{{ name | default: "there" }}}}.'
                )
            case _, [_, *_]:
                raise self._fault(step, f"{step.name} takes no value.")

    def _condition(self, expression: Expression) -> None:
        match expression:
            case BooleanExpression():
                self._condition(expression.expression)
            case LogicalAndExpression() | LogicalOrExpression():
                self._condition(expression.left)
                self._condition(expression.right)
            case EqExpression() | NeExpression():
                expression.left = self._operand(expression.left)
                expression.right = self._operand(expression.right)
            case ContainsExpression():
                self._operand(expression.left)
                self._operand(expression.right)
            case Path():
                self._path(expression)
            case _:
                raise self._fault(expression, "conditions can use a field, ==, != , contains, and, or.")

    def _operand(self, expression: Expression) -> Expression:
        match expression:
            case Path():
                self._path(expression)
                return OrEmpty(expression)
            case Nil():
                return Blank(expression.token)
            case StringLiteral() | Blank() | Empty():
                return expression
            case _:
                raise self._fault(expression, 'compare a field with a text in quotes, such as "customer".')

    def _path(self, path: Path) -> None:
        if not all(isinstance(segment, str) for segment in path.path):
            raise self._fault(path, f"{{{{ {path} }}}} is not known; write a field such as first_name.")
        if (keys := self._names.get(path_keys(path))) is None:
            self.faults.append(self._fault(path, self._unknown(".".join(path_keys(path)))))
            return  # so that the next one is named as well
        path.path = list(keys)
        self.used.add(keys)

    def _unknown(self, written: str) -> str:
        names = [".".join(keys) for keys in self._names]
        if near := get_close_matches(written.lower(), names, n=1):
            return f"{{{{ {written} }}}} is not known; did you mean {near[0]}?"
        if any(_KNOWN in str(problem) for problem in self.faults):  # once is enough
            return f"{{{{ {written} }}}} is not known."
        return f"{{{{ {written} }}}} is not known; {_KNOWN} {', '.join(names[: -len(LEAD)])}."

    def _fault(self, at: Expression | Filter, sentence: str) -> TemplateFault:
        return fault(self._where, _line(self._source, at.token), sentence)
