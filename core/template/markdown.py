"""One Markdown body as readable plain text and as clean HTML, with its merge tags kept whole.

The caller has replaced each Liquid construct by a *mark* (`Marks`): lower-case letters and digits, a
word to Markdown, to a URL and to the sanitiser alike. What comes back still holds the marks, but each
now says by its letter how a value must be written at that place:

    x   plainly (the HTML part escapes it)        p   as a piece of a web address
    u   as the beginning of an address            m   as a piece of a mailto address
    c   a control tag such as {% if %}, which writes nothing itself

So Markdown runs once per step, never per lead, and a lead's value cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from itertools import count

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from core.words import listed

TAGS = frozenset(
    "a blockquote br code em h1 h2 h3 h4 h5 h6 hr img li ol p pre strong ul".split()  # noqa: SIM905
)
VOID_TAGS = frozenset({"br", "hr", "img"})
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
OPENING = frozenset({"if", "unless", "case"})
CLOSING = frozenset({"endif", "endunless", "endcase"})

_SCHEME = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_BRACKETED = r"\([^\s<>\"()]*\)"
_BARE_LINK = re.compile(
    rf"https?://(?:[^\s<>\"()]|{_BRACKETED})*(?:[^\s<>\"().,;:!?'\[\]]|{_BRACKETED})", re.IGNORECASE
)
_HTML_NAME = re.compile(r"</?\s*([a-z0-9-]*)", re.IGNORECASE)
_HIDDEN = frozenset({"script", "style", "iframe", "object", "template", "title", "textarea", "noscript"})
# Exactly what nh3 writes: attributes in double quotes, "<" and ">" escaped everywhere else.
_ELEMENT = r'<(?P<close>/?)(?P<name>[a-z0-9]+)(?P<attributes>(?: [a-z]+="[^"]*")*)>'
_ADDRESS = re.compile(r' (?P<attribute>[a-z]+)="(?P<value>[^"]*)"')
# mdurl makes its tables at the first use: two threads that come at once find them half made, and a step is not written.
for _make in (normalizeLink, normalizeLinkText):
    _make("https://fermata.example/%20")


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002 - markdown-it's name
        """Every address is a link to the parser; `_check_links` refuses the bad ones by name."""
        return True


class MarkdownFault(ValueError):
    """A body that cannot be turned into a message; `line` counts from 1, None where unknown."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Marks:
    """How the constructs of one body are written while Markdown works on it."""

    prefix: str

    @classmethod
    def absent_from(cls, text: str) -> Marks:
        """Marks that cannot be confused with anything in `text`."""
        lowered = text.lower()
        return cls(next(prefix for n in count() if (prefix := f"fmt{n}q") not in lowered))

    def write(self, number: int, *, control: bool) -> str:
        return f"{self.prefix}{'c' if control else 'x'}{number}z"

    @property
    def any(self) -> str:
        """Pattern of a mark, with groups `kind` and `number`."""
        return rf"{self.prefix}(?P<kind>[xupmc])(?P<number>\d+)z"

    @property
    def controls(self) -> str:
        """Pattern of nothing but control tags."""
        return rf"\s*(?:{self.prefix}c\d+z\s*)+"

    def in_address(self, address: str) -> str:
        """`address` with each of its marks told its place."""

        def placed(match: re.Match[str]) -> str:
            if match["kind"] == "c":
                raise MarkdownFault("A link cannot hold {% … %}; put it around the whole link.")
            rest = "m" if address.lower().startswith("mailto:") else "p"
            kind = "u" if match.start() == 0 else rest
            return f"{self.prefix}{kind}{match['number']}z"

        return re.sub(self.any, placed, address)


@dataclass(frozen=True)
class Document:
    """The two parts of a body, marks still in place, and what was left out of them."""

    text: str
    html: str
    removed: tuple[str, ...]  # raw HTML that is not sent, as it was written


Linked = Callable[[str], str]


def convert(body: str, marks: Marks, controls: dict[int, str], linked: Linked | None = None) -> Document:
    """Return both parts of `body`; `controls` names the control tags by the number of their mark.

    `linked` gives what stands in a link's place, "" for the link itself; with it a bare address is a link as well, as mail programs make it one.
    Raises `MarkdownFault` for a link without scheme and for control tags that tear an element apart.
    """
    lines, origin = _apart(body.split("\n"), re.compile(marks.controls))
    parser = _Parser("commonmark", {"html": True, "breaks": True}).disable("html_block")
    tokens = parser.parse("\n".join(lines))
    removed: list[str] = []
    unfit: list[tuple[str, int | None]] = []
    for token in tokens:
        if token.children:
            token.children = list(_without_html(token.children, removed))
            if linked:
                token.children = list(_with_bare_links(token.children, marks))
            unfit += _unfit_links(token, marks, origin)
    if unfit:
        shown = listed(dict.fromkeys(f'"{link}"' for link, _ in unfit))
        noun = "link" if len(unfit) == 1 else "links"
        raise MarkdownFault(f"the {noun} {shown} must begin with https://, http:// or mailto:.", unfit[0][1])
    html: str = parser.renderer.render(tokens, parser.options, {})
    return Document(
        text=_Plain(marks, linked).block(SyntaxTreeNode(tokens)),
        html=_woven(_sanitised(html, marks), marks, controls, linked),
        removed=tuple(removed),
    )


def as_html(text: str) -> str:
    """Give what a person typed as clean HTML: Markdown is formatted, everything else, HTML too, stands as it is."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return _sanitised(parser.render(text), Marks.absent_from(text))


def _apart(lines: list[str], controls: re.Pattern[str]) -> tuple[list[str], list[int]]:
    """Lines of only control tags become paragraphs of their own; with each line's old number."""
    apart: list[str] = []
    origin: list[int] = []
    for number, line in enumerate(lines, start=1):
        group = ["", line, ""] if controls.fullmatch(line) else [line]
        apart += group
        origin += [number] * len(group)
    return apart, origin


def _without_html(tokens: Iterable[Token], removed: list[str]) -> Iterable[Token]:
    """`tokens` without raw HTML; what a script or a frame holds goes with it, <br> breaks the line."""
    hidden = ""
    for token in tokens:
        if token.type != "html_inline":
            if not hidden:
                yield token
            continue
        match = _HTML_NAME.match(token.content)
        name = match[1].lower() if match else ""
        if name == "br" and not hidden:
            yield Token("hardbreak", "br", 0)
            continue
        removed.append(token.content)
        if hidden:
            hidden = "" if name == hidden and token.content.startswith("</") else hidden
        elif name in _HIDDEN and not token.content.startswith("</"):
            hidden = name


def _with_bare_links(tokens: Iterable[Token], marks: Marks) -> Iterable[Token]:
    """`tokens` with the web addresses that stand in plain text made links."""
    depth = 0
    for token in tokens:
        depth += token.nesting if token.type.startswith("link_") else 0
        if token.type != "text" or depth:
            yield token
            continue
        end = 0
        for match in _BARE_LINK.finditer(
            re.sub(rf"{marks.prefix}c\d+z", lambda m: " " * len(m[0]), token.content)
        ):
            yield Token("text", "", 0, content=token.content[end : match.start()])
            yield Token("link_open", "a", 1, attrs={"href": normalizeLink(match[0])})
            yield Token("text", "", 0, content=match[0])
            yield Token("link_close", "a", -1)
            end = match.end()
        yield Token("text", "", 0, content=token.content[end:])


def _unfit_links(inline: Token, marks: Marks, origin: list[int]) -> Iterator[tuple[str, int | None]]:
    """Give the links without a scheme, and their line."""
    line = origin[min(inline.map[0], len(origin) - 1)] if inline.map else None
    for token in inline.children or ():
        address = token.attrs.get("href", token.attrs.get("src"))
        if not isinstance(address, str):
            continue
        if not _SCHEME.match(address) and not re.match(marks.any, address):
            yield re.sub(marks.any, "{{ … }}", address)[:80], line


def _sanitised(html: str, marks: Marks) -> str:
    html = re.sub(rf"<p>({marks.controls})</p>", r"\1", html)
    clean = nh3.clean(html, tags=set(TAGS), attributes=ATTRIBUTES, url_schemes=set(SCHEMES), link_rel=None)
    return clean.replace("<p></p>\n", "").strip()


def _woven(html: str, marks: Marks, controls: dict[int, str], linked: Linked | None) -> str:
    """`html` with the marks in addresses told their place; control tags must stand around whole elements.

    A branch that is left out then never leaves an element open.
    """
    opened: list[str] = []
    branches: list[list[str]] = []
    pattern = re.compile(rf"{_ELEMENT}|{marks.any}")

    def visit(match: re.Match[str]) -> str:
        if match["name"] is None:
            if match["kind"] == "c":
                _step(controls[int(match["number"])], opened, branches)
            return match[0]
        if match["close"]:
            opened.pop()
            if branches and len(opened) < len(branches[-1]):
                raise MarkdownFault(_TORN)
        elif match["name"] not in VOID_TAGS:
            opened.append(match["name"])
        return f"<{match['close']}{match['name']}{_placed(match['attributes'], marks, linked)}>"

    return pattern.sub(visit, html)


_TORN = "Put {% … %} and its end around whole paragraphs or lines, or inside one; here they cross formatting."


def _step(tag: str, opened: list[str], branches: list[list[str]]) -> None:
    if tag in OPENING:
        branches.append(list(opened))
    elif not branches or opened != branches[-1]:
        raise MarkdownFault(_TORN)
    elif tag in CLOSING:
        branches.pop()


def _placed(attributes: str, marks: Marks, linked: Linked | None) -> str:
    def visit(match: re.Match[str]) -> str:
        value = match["value"]
        if match["attribute"] == "href" and linked and (instead := linked(unescape(value))):
            value = instead
        elif match["attribute"] in {"href", "src"}:
            value = marks.in_address(value)
        elif re.search(rf"{marks.prefix}c\d", value):
            raise MarkdownFault("A link's title or a picture's text cannot hold {% … %}.")
        return f' {match["attribute"]}="{value}"'

    return _ADDRESS.sub(visit, attributes)


class _Plain:
    """Writes the parsed Markdown as the plain text a person would have typed."""

    def __init__(self, marks: Marks, linked: Linked | None) -> None:
        self._marks = marks
        self._linked = linked or (lambda _: "")
        self._controls = re.compile(marks.controls)

    def block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "inline":
                return self._inline(node.children)
            case "bullet_list" | "ordered_list":
                return self._items(node)
            case "list_item":
                return self._stacked(node.children, "\n")
            case "blockquote":
                return "\n".join(f"> {line}".rstrip() for line in self._stacked(node.children).split("\n"))
            case "fence" | "code_block":
                return node.content.rstrip("\n")
            case "hr":
                return "-----"
            case "root":
                return self._stacked(node.children)
            case _:  # paragraph, heading
                return "".join(map(self.block, node.children))

    def _stacked(self, nodes: Iterable[SyntaxTreeNode], gap: str = "\n\n") -> str:
        """Blocks one below the other; the gap belongs to its block, so a branch left out leaves none."""
        stacked = ""
        for node in nodes:
            text = self.block(node)
            if text.strip():
                stacked += text.strip() if self._controls.fullmatch(text) else text + gap
        return stacked.removesuffix(gap)

    def _items(self, node: SyntaxTreeNode) -> str:
        first = node.attrs.get("start", 1)
        lines = []
        for number, item in enumerate(node.children, start=int(first)):
            bullet = "- " if node.type == "bullet_list" else f"{number}. "
            lines.append(bullet + self.block(item).replace("\n", "\n" + " " * len(bullet)))
        return "\n".join(lines)

    def _inline(self, nodes: Iterable[SyntaxTreeNode]) -> str:
        return "".join(self._span(node) for node in nodes)

    def _span(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "text" | "code_inline":
                return node.content
            case "softbreak" | "hardbreak":
                return "\n"
            case "link":
                return self._link(self._inline(node.children), str(node.attrs["href"]))
            case _:  # strong, em; a picture's children are its text
                return self._inline(node.children)

    def _link(self, label: str, address: str) -> str:
        shown = self._linked(address) or self._marks.in_address(address).removeprefix("mailto:")
        if not label.strip() or label in {address, address.removeprefix("mailto:")}:
            return shown
        return f"{label} ({shown})"
