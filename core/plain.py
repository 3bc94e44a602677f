"""What people type, made safe to read and safe to show: invisible, control and look-alike characters.

Pasted text brings no-break spaces, zero-width characters, marks that reverse the order of letters, and
full-width or Arabic-Indic digits. `plain` takes them out for reading; `shown` makes them visible in an echo.
"""

from __future__ import annotations

import unicodedata

LONGEST_ECHO_CHARS = 40
# Cf: zero-width and direction marks. Cc: control characters. Cs: halves of a surrogate pair. Zl and Zp are
# line separators. None of them is ever meant, and the last four cannot be stored or sent in a header.
INVISIBLE = "Cf"
FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """Give the text without invisible characters, every run of white space as one space, in NFC."""
    kept = "".join(char for char in text if unicodedata.category(char) != INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", kept).split())


def is_forbidden(text: str) -> bool:
    """Say whether control characters, line separators or broken characters are in the text."""
    return any(unicodedata.category(char) in FORBIDDEN for char in text)


def shown(text: str, longest: int = LONGEST_ECHO_CHARS) -> str:
    """Give the text fit for an echo: short, with everything unseen written out as its code point."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(_visible(char) for char in cut)


def ascii_digits(text: str) -> str:
    """Give the text with the decimal digits of every script, such as ١٥, as ASCII digits."""
    return "".join(str(unicodedata.decimal(char, "")) or char for char in text)


def _visible(char: str) -> str:
    if char == " " or char.isprintable():
        return char
    return f"\\u{ord(char):04x}"
