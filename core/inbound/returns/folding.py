"""Text made comparable: lower case, no accents, one kind of dash, apostrophe and digit.

Away messages are typed with and without accents ("zurück", "zurueck", "zuruck"), so both the message and the
phrases of the tables are folded before they are compared.
"""

from __future__ import annotations

import unicodedata

_LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "ё": "е",
}
_MARKS = (
    dict.fromkeys("’‘‛´`ʼ＇", "'")
    | dict.fromkeys("–—‐‑‒−―", "-")
    | dict.fromkeys("〜～∼", "~")
    | dict.fromkeys("“”„«»″", '"')
)
_GAP = r"[^.!?;\n\d]{0,30}?"
_SPELLED = {"ü": "ue?", "ö": "oe?", "ä": "ae?", "ø": "oe?", "å": "aa?"}


def _base_letters() -> dict[int, str | None]:
    folds: dict[int, str | None] = {ord(char): text for char, text in (_LETTERS | _MARKS).items()}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii() and code not in folds:
            folds[code] = base
    invisible = (0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x300, 0x370))
    return folds | dict.fromkeys(invisible)


_FOLDS = _base_letters()


def fold(text: str) -> str:
    """Give the text in lower case without accents; line breaks stay."""
    return unicodedata.normalize("NFKC", text).lower().translate(_FOLDS)


def pattern(phrase: str) -> str:
    """Give the regular expression of a phrase as the tables write it.

    A space is any white space, `*` the rest of a word, `…` up to 30 characters of the same clause. Groups,
    `|`, `?` and look-aheads mean what they mean in Python. "ü" also finds "ue", "å" also "aa".
    """
    text = phrase.lower()
    for letter, spelled in _SPELLED.items():
        text = text.replace(letter, spelled)
    text = (
        fold(text.replace(" … ", "\1").replace("…", "\0"))
        .replace(".", r"\.")
        .replace("*", r"\w*")
        .replace(" ", r"\s+")
    )
    return text.replace("\1", rf"\s+(?:{_GAP}\s)?").replace("\0", _GAP)
