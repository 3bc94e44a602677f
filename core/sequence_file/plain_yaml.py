"""A strict, small YAML: every value is text, true, false or nothing, and every fault knows its line.

YAML 1.1 reads `on:` as true, `NO` (Norway) as false, `17:00` as 1020 and `2027-06-15` as a date. Nobody who
writes a sequence means that, so plain words stay words here; only `true`, `false` and empty have a meaning.
What a sequence never needs is refused: aliases (they can grow without end), tags (they can build objects),
several documents, deep nesting, the same key twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 8
MOST_VALUES = 5_000
LARGEST_BYTES = 256 * 1024

Path = tuple[str | int, ...]
Value = str | bool | None | list["Value"] | dict[str, "Value"]

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
# YAML calls these line breaks too, and turns them into "\n" inside a literal block.
_LITERAL = re.compile(
    r"[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffe]*"
)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_FOLDED = re.compile(
    r"[\x85\u2028\u2029]"
)  # line breaks to YAML, of which one becomes a space unless it is escaped


@dataclass(frozen=True)
class Document:
    """What a text holds: the data, the line of every value by its path, and faults that hid nothing else."""

    data: Value
    lines: dict[Path, int]
    faults: list[str]

    def line_of(self, path: Path) -> int:
        """Give the line of the value at `path`, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Document:
    """Give what the text holds; raises Refused, naming the line, for what cannot be read at all."""
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise Refused(f"The file is larger than {LARGEST_BYTES // 1024} KB; split it into smaller sequences.")
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"Line {line}: This is not readable as YAML ({error.problem}).") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # PyYAML lets ValueError and OverflowError out for escapes such as "\UFFFFFFFF".
        raise Refused("The text has characters that YAML does not allow; save it as plain UTF-8.") from None


def write(data: dict[str, Any]) -> str:
    """Give the text of which `read` makes the same data: keys in their order, long text as literal blocks."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6
    )
    return text


@dataclass
class _Reader:
    """Builds data out of parse events, which, unlike PyYAML's nodes, cost nothing to refuse early."""

    events: Iterator[Any]
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    count: int = 0

    def document(self) -> Document:
        data: Value = None
        next(self.events)  # the stream's start
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            data = self.value(next(self.events), ())
            next(self.events)  # the document's end
            if isinstance(more := next(self.events), yaml.DocumentStartEvent):
                raise Refused(
                    f"Line {_line(more)}: A second document begins; give each sequence its own file."
                )
        return Document(data, self.lines, self.faults)

    def value(self, event: Any, path: Path) -> Value:
        if isinstance(event, yaml.AliasEvent):
            raise Refused(f"Line {_line(event)}: *{event.anchor} repeats another value; write it out.")
        if event.tag not in {None, "!"}:
            raise Refused(
                f"Line {_line(event)}: The tag {event.tag[:60]} is not allowed; write a plain value."
            )
        if len(path) > DEEPEST:
            raise Refused(f"Line {_line(event)}: This is nested too deeply.")
        self.count += 1
        if self.count > MOST_VALUES:
            raise Refused(f"Line {_line(event)}: The file has more than {MOST_VALUES:,} values; split it.")
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        text: str = event.value
        if _UNSTORABLE.search(text):
            raise Refused(f"Line {_line(event)}: This holds a control or broken character; take it out.")
        is_plain = event.style is None and event.tag is None
        return _WORDS.get(text.lower(), text) if is_plain else text

    def mapping(self, path: Path) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise Refused(f"Line {_line(event)}: A key must be a single word.")
            key: str = event.value
            is_new = key not in found
            # The line of a value is that of its key: a literal block begins one line further down.
            self.lines.setdefault((*path, key), _line(event))
            value = self.value(next(self.events), (*path, key))
            if is_new:
                found[key] = value
            else:
                self.faults.append(f'Line {_line(event)}: The key "{key[:60]}" stands here twice; keep one.')
        return found

    def sequence(self, path: Path) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.value(event, (*path, len(found))))
        return found


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


class _Dumper(yaml.SafeDumper):
    """Writes what other YAML 1.1 readers understand alike, but for the key `on`, which stays bare."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        return super().increase_indent(flow, False)  # lists stand indented under their key

    def analyze_scalar(self, scalar: str) -> Any:
        # PyYAML gives up the literal block for a space at a line's end, which Markdown uses as a line break.
        analysis = super().analyze_scalar(scalar)
        if analysis.multiline:
            analysis.allow_block = _LITERAL.fullmatch(scalar) is not None
        return analysis


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else '"' if _CLOCK.fullmatch(text) or _FOLDED.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.yaml_implicit_resolvers = {
    first: rules
    for first, rules in yaml.SafeDumper.yaml_implicit_resolvers.items()
    if first not in {"o", "O"}
}
