"""The sender's own words: without what is quoted, without the signature, and without what HTML hides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from functools import cache
from html import unescape
from typing import Final

from core.inbound import message
from core.inbound.phrases import fold, words

MOST_CHARS: Final = 20_000
MOST_LINES: Final = 800
LONGEST_ATTRIBUTION_CHARS: Final = 300
LONGEST_MARK_CHARS: Final = 200
MOST_SIGNATURE_LINES: Final = 15
LONGEST_CLOSING_CHARS: Final = 45

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)|<!--|<[!?]")
LONG_NUMBER = re.compile(r"&#x?[0-9a-fA-F]{8,};?")  # no character; Python refuses to read the longest
LINES = frozenset(
    {
        "address", "article", "br", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5",
        "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul",
    }
)  # fmt: skip
UNREAD = frozenset({"head", "noscript", "object", "script", "style", "svg", "template", "title"})
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|max-height\s*:\s*0(?![.\d])"
    r"|opacity\s*:\s*0(?![.\d])|mso-hide\s*:\s*all|\shidden(?:[\s=/>]|$)"
)
# Where Outlook on the web and others begin what they quote.
QUOTE_BEGINS = re.compile(r"divrplyfwdmsg|appendonsend|outlookmessageheader|mail-editor-reference-message")
SEPARATOR: Final = "-----Original Message-----"

QUOTED = re.compile(r"\s{0,3}[>＞]")
DASHED = re.compile(r"\s*[-_=*]{2,}\s*([^-_=*].{2,70}?)\s*[-_=*:]{2,}\s*$")
HEADER_LINE = re.compile(r"[\s>*_|]*([^:：\d]{1,20}?)[\s*_]*[:：]")
RULE = re.compile(r"\s*_{10,}\s*$")
WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}|@")
SIGNED = re.compile(r"\s*(?:--|—|–)\s*$")
LIST_FOOTER = re.compile(
    r"mailing list|https?://\S*(?:listinfo|mailman|groups)|unsubscribe|_{10,}|list archive"
)
ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Own:
    """`words`: without signature. `whole`: with what follows the closing. `has_quote`: something was quoted below."""

    words: str
    whole: str
    has_quote: bool


def body(root: Message) -> tuple[str, bool]:
    """Give the text of a message, and whether one was there: the plain part, else the HTML part as text."""
    plain, html = _bodies(root)
    from_plain = _tidy(message.text_of(plain)) if plain is not None else ""
    if html is not None and (not from_plain.strip() or _is_placeholder(from_plain)):
        from_html = from_markup(message.text_of(html))
        if from_html.strip() or not from_plain.strip():
            return from_html, True
    return from_plain, plain is not None or html is not None


def own(text: str) -> Own:
    """Give what the sender wrote in a text: quotes, attribution lines and forwarded mail cut, signature apart."""
    lines = text[:MOST_CHARS].splitlines()[:MOST_LINES]
    kept, has_quote = _unquoted(lines)
    kept = _unsigned(kept)
    whole = "\n".join(kept).strip()
    return Own("\n".join(_before_closing(kept)).strip(), whole, has_quote)


def from_markup(html: str) -> str:
    """Give the text of HTML, in time that grows with its length only; what is not shown to a reader is left out."""
    out: list[str] = []
    at, skipped, depth = 0, "", 0
    html = html[: message.MOST_TEXT_BYTES]
    while match := TAG.search(html, at):
        if not skipped:
            out.append(_shown(html[at : match.start()]))
        if match[0] == "<!--":
            end = html.find("-->", match.end())
            at = len(html) if end < 0 else end + 3
            continue
        end = html.find(">", match.end())
        at = len(html) if end < 0 else end + 1
        name = (match[2] or "").lower()
        if skipped:
            depth += (name == skipped) * (-1 if match[1] else 1)
            skipped = skipped if depth else ""
            continue
        attributes = html[match.end() : min(at, match.end() + 2_000)].lower()
        if (
            not match[1]
            and name not in VOID
            and (name in UNREAD or name == "blockquote" or HIDDEN.search(attributes))
        ):
            skipped, depth = name, 1
            out.append("\n> \n" if name == "blockquote" else "")
        elif name and QUOTE_BEGINS.search(attributes):
            out.append(f"\n{SEPARATOR}\n")
        else:
            out.append(_break(name, is_end=bool(match[1])))
    if not skipped:
        out.append(_shown(html[at:]))
    return _tidy(unescape(LONG_NUMBER.sub("", "".join(out))))


def _break(name: str, *, is_end: bool) -> str:
    if name in {"p", "table", "ul", "ol", "h1", "h2", "h3"}:
        return "\n\n" if is_end or name != "p" else "\n"
    if name in {"td", "th"}:
        return " "
    return "\n" if name in LINES else ""


def _shown(piece: str) -> str:
    return re.sub(r"\s+", " ", piece)


def _bodies(root: Message) -> tuple[Message | None, Message | None]:
    plain = html = None
    for part in message.parts(root):
        if part.is_multipart() or part.get_content_disposition() == "attachment" or part.get_filename():
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and (plain is None or not plain.get_payload()):
            plain = part
        elif kind == "text/html" and html is None:
            html = part
    return plain, html


def _is_placeholder(text: str) -> bool:
    return len(text) < 400 and bool(
        re.search(
            r"(?i)html[- ](?:capable|enabled|compatible|version|format)|support html|view (?:it|this) (?:e-?mail )?(?:in|as) html",
            text,
        )
    )


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\0", "")
    text = re.sub("[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e]", "", text)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip(" \t") for line in text.split("\n")))


def _unquoted(lines: list[str]) -> tuple[list[str], bool]:
    """Give the lines without quotes, and whether there was one; what stands between quotes is kept."""
    kept: list[str] = []
    has_quote = False
    at = 0
    while at < len(lines):
        if QUOTED.match(lines[at]):
            has_quote = True
            at += 1
        elif _is_separator(lines, at):
            return kept, True
        elif span := _attribution(lines, at):
            has_quote = True
            at += span
            rest = next((line for line in lines[at:] if line.strip()), "")
            if not QUOTED.match(rest):
                return kept, True
        else:
            kept.append(lines[at])
            at += 1
    return kept, has_quote


def _is_separator(lines: list[str], at: int) -> bool:
    """Say whether mail that is quoted or forwarded whole begins at this line."""
    line = lines[at]
    if RULE.match(line):
        following = " ".join(lines[at + 1 : at + 4])
        return bool(LIST_FOOTER.search(fold(following))) or any(
            _is_header_block(lines, below) for below in range(at + 1, min(at + 3, len(lines)))
        )
    marked = DASHED.match(line) if len(line) < LONGEST_MARK_CHARS else None
    if marked:
        return any(word in fold(marked[1]) for word in words("original"))
    folded = fold(line) if len(line) < 80 else ""
    if folded.rstrip(":") in words("original") or folded.startswith("begin forwarded message"):
        return True
    return _is_header_block(lines, at)


def _is_header_block(lines: list[str], at: int) -> bool:
    """Say whether these lines are the From, Sent, To and Subject that Outlook and Notes put above a quote."""
    first = _header_kind(lines[at])
    if not first:
        return False
    kinds = {first} | {_header_kind(line) for line in lines[at + 1 : at + 7]}
    kinds.discard("")
    return len(kinds) >= 3 and bool(kinds & {"from", "sent"})


def _header_kind(line: str) -> str:
    match = HEADER_LINE.match(line[:60])
    if not match:
        return ""
    word = fold(match[1])
    return next((kind for kind in ("from", "sent", "to", "subject") if word in words(f"header_{kind}")), "")


def _attribution(lines: list[str], at: int) -> int:
    """Give how many lines from here say who wrote what follows, 0 where they do not."""
    joined = ""
    for span in range(1, 4):
        if at + span > len(lines) or QUOTED.match(lines[at + span - 1]):
            return 0
        line = lines[at + span - 1].strip()
        joined = f"{joined} {line}".strip()
        if not line or len(joined) > LONGEST_ATTRIBUTION_CHARS:
            return 0
        if joined.endswith((":", "：", ":-", ">")) or QUOTED.match(
            lines[at + span] if at + span < len(lines) else ""
        ):
            return span if _says_who(joined) else 0
    return 0


def _says_who(line: str) -> bool:
    if not WHEN.search(line):
        return False
    folded = fold(line)
    has_word = any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) for word in words("wrote") if word in folded
    )
    has_address = bool(ADDRESS.search(line)) and bool(re.search(r"\d{1,2}[:.]\d{2}", line))
    return (has_word and line.endswith((":", "：", ":-"))) or (has_address and line.endswith((":", "：")))


def _unsigned(lines: list[str]) -> list[str]:
    """Give the lines above a signature mark, without lines that programs add ("Sent from my …")."""
    for at, line in enumerate(lines):
        rest = [below for below in lines[at + 1 :] if below.strip()]
        if (
            SIGNED.match(line)
            and at
            and len(rest) <= MOST_SIGNATURE_LINES
            and any(above.strip() for above in lines[:at])
        ):
            lines = lines[:at]
            break
    return [line for line in lines if not _is_added(line)]


def _is_added(line: str) -> bool:
    folded = fold(line) if 0 < len(line) < 120 else ""
    return bool(folded) and folded.startswith(tuple(words("sent_from"))) and len(folded.split()) <= 12


def _before_closing(lines: list[str]) -> list[str]:
    """Give the lines above "Best regards" and the name; a post scriptum is the sender's own and stays."""
    last = len(lines)
    for at in range(len(lines) - 1, max(-1, len(lines) - MOST_SIGNATURE_LINES - 3), -1):
        if _is_closing(lines[at]) and any(line.strip() for line in lines[:at]):
            last = at
    below = lines[last:]
    if any(len(line) > 200 for line in below):
        return lines
    scripts = [line for line in below if re.match(r"\s*p\.?\s?s\b", line, re.IGNORECASE)]
    return [*lines[:last], *scripts]


def _is_closing(line: str) -> bool:
    folded = fold(line)
    if not 0 < len(folded) <= LONGEST_CLOSING_CHARS:
        return False
    bare = folded.strip(" ,.!;:-。、")
    return bare in words("closings") or bare.startswith(_closing_starts())


@cache
def _closing_starts() -> tuple[str, ...]:
    """Give how a closing and a name on one line begin; short ones, such as "best", open sentences too."""
    long = [closing for closing in words("closings") if len(closing) > 4]
    return tuple(closing + mark for closing in long for mark in (",", " from", " -"))
