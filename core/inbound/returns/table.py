"""A language's words from its table, as compiled patterns. The tables' form: tables/README.md."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from core.inbound.returns.folding import fold, pattern

FOLDER: Final = Path(__file__).parent / "tables"
LANGUAGES: Final = tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))
NEVER: Final = r"(?!)"
NO_WORD: Final = r"(?!\w)"
CLOCK: Final = r"\d{1,2}(?:[:.]\d\d)?\s*(?:uhr|h|hrs?|am|pm|a\.m\.?|p\.m\.?)|\d{1,2}[:h]\d\d"


@dataclass(frozen=True, slots=True)
class Table:
    """The patterns of one language. `spots`: by kind of date, in the order in which they are tried."""

    language: str
    order: str
    hints: re.Pattern[str]
    spots: tuple[tuple[str, re.Pattern[str]], ...]
    ends_with: tuple[tuple[str, re.Pattern[str]], ...]
    begins_with: tuple[tuple[str, re.Pattern[str]], ...]
    filler_at_end: re.Pattern[str]
    between: re.Pattern[str]
    both: re.Pattern[str]
    day_before: re.Pattern[str]
    day_after: re.Pattern[str]
    returning: re.Pattern[str]
    answering: re.Pattern[str]
    absent: re.Pattern[str]
    breaks: re.Pattern[str]
    other: re.Pattern[str]
    every: re.Pattern[str]
    lasting: re.Pattern[str]
    within: re.Pattern[str]
    months: tuple[re.Pattern[str], ...]
    weekdays: tuple[re.Pattern[str], ...]
    units: tuple[tuple[str, re.Pattern[str]], ...]
    numbers: dict[str, int]


@cache
def table(language: str) -> Table:
    """Give the table of one of LANGUAGES; the first call compiles it, which takes some 20 ms."""
    words = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return _Compiler(language, words).table()


class _Compiler:
    """Turns the lists of one table into patterns."""

    def __init__(self, language: str, words: dict[str, Any]) -> None:
        self.language, self.words = language, words
        self.joined = bool(words.get("joined"))
        self.head = "" if words.get("joined") == "all" else r"(?<!\w)"
        self.tail = "" if self.joined else NO_WORD
        self.month = self._any(name for names in words["months"] for name in names)
        self.weekday = self._any(name for names in words["weekdays"] for name in names)
        self.weekday_alone = self._any(
            name for names in words["weekdays"] for name in names if self._stands_alone(name)
        )
        self.ending = rf"(?:{self.any_of('day_ending')})?"
        self.of = rf"(?:(?:{self.any_of('of')})(?!\w)\s*)?"
        self.filler = self.any_of("fillers")
        self.unit = "|".join(self.any_of(unit) for unit in ("days", "weeks", "months_long"))
        self.number = r"\d{1,3}" + "".join(
            "|" + re.escape(fold(word)) for word in self._long_first(words.get("numbers", {}))
        )

    def table(self) -> Table:
        return Table(
            language=self.language,
            order=self.words["order"],
            hints=re.compile(self._hints()),
            spots=tuple((kind, re.compile(text)) for kind, text in self._spots()),
            ends_with=tuple((cue, self._at_end(cue)) for cue in ("through", "until", "after", "start")),
            begins_with=tuple(
                (cue, re.compile(rf"['\s,(-]{{0,3}}(?:{self.any_of(f'{cue}_after')}){self.tail}"))
                for cue in ("through", "until", "start")
            ),
            filler_at_end=re.compile(rf"(?:{self.head}(?:{self.filler})|(?<![\w:.])(?:{CLOCK}))$"),
            between=self._between("to"),
            both=self._between("and"),
            day_before=re.compile(
                rf"(?<![\d:./,])(?P<day>\d{{1,2}}){self.ending}\.?\s*(?:(?:-|~|/)|{self.head}(?:{self.any_of('to')}|{self.any_of('and')})|"
                rf"(?:{self.any_of('start_after')}))\s*(?:(?:{self.filler}|{self.weekday}){self.tail}[,.]?\s*){{0,2}}$"
            ),
            day_after=self._day_after(),
            returning=self._cue("return"),
            answering=self._cue("answer"),
            absent=self._cue("absent"),
            breaks=re.compile(rf"[;!?\n]|(?<!\w)(?:{self.any_of('breaks')})(?!\w)"),
            other=self._cue("other"),
            every=re.compile(rf"(?:{self.any_of('every')})\s*$"),
            lasting=self._at_end("for"),
            within=self._at_end("in"),
            months=tuple(re.compile(self._any(names)) for names in self.words["months"]),
            weekdays=tuple(re.compile(self._any(names)) for names in self.words["weekdays"]),
            units=tuple((unit, re.compile(self.any_of(unit))) for unit in ("days", "weeks", "months_long")),
            numbers={fold(word): number for word, number in self.words.get("numbers", {}).items()},
        )

    def _stands_alone(self, weekday: str) -> bool:
        """Say whether a weekday's name may stand without a date: "sun" and "do" are mostly other words."""
        return len(weekday) > 3 or bool(self.joined) or weekday in self.words.get("short_weekdays", ())

    def any_of(self, key: str) -> str:
        """Give the alternatives of one list, NEVER where the table has none."""
        return self._any(self.words.get(key, ()))

    def _any(self, phrases: Any) -> str:
        return "|".join(pattern(phrase) for phrase in self._long_first(phrases)) or NEVER

    @staticmethod
    def _long_first(phrases: Any) -> list[str]:
        return sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))

    def _cue(self, key: str) -> re.Pattern[str]:
        return re.compile(rf"{self.head}(?:{self.any_of(key)}){self.head and NO_WORD}")

    def _at_end(self, key: str) -> re.Pattern[str]:
        return re.compile(rf"{self.head}(?:{self.any_of(key)})$")

    def _hints(self) -> str:
        words = "|".join(self.any_of(key) for key in ("today", "tomorrow", "in_two_days"))
        return rf"\d|{self.head}(?:{self.weekday_alone}|{words}|(?:{self.number})\s+(?:\w+\s+)?(?:{self.unit})){self.tail}"

    def _between(self, key: str) -> re.Pattern[str]:
        """Nothing but "to" (or "and") between two dates, with a clock time, a weekday and fillers allowed."""
        fillers = rf"(?:(?:{self.filler}|{self.weekday}){self.tail}[,.]?\s*){{0,3}}"
        clock = rf"\.?(?:[,(]?\s*(?:{self.filler})?\s*(?:{CLOCK})\)?)?(?:\s?\([^()\d]{{1,4}}\))?"
        signs = r"(?:-+|~|->|>)\s*|" if key == "to" else ""
        words = rf"{signs}{self.head}(?:{self.any_of(key)}){NO_WORD if self.head else ''}\s*"
        return re.compile(
            rf"{clock}[\s,)]*(?:(?:{self.any_of('start_after')})[\s,]*|{words}){{1,2}}{fillers}(?:(?:{CLOCK})\s*)?"
        )

    def _day_after(self) -> re.Pattern[str]:
        """The number that ends "June 8-19" or "June 8, 9 and 10", as it follows "June 8"."""
        listed = rf"(?:,\s?\d{{1,2}}{self.ending}(?=\s?,|\s))*,?"
        joint = rf"(?:-|~)|(?P<and>(?:{self.any_of('and')}){NO_WORD})|(?:{self.any_of('to')}){NO_WORD}|(?:{self.any_of('start_after')})"
        fillers = rf"(?:(?:{self.filler}|{self.weekday}){self.tail}\s*){{0,2}}"
        day = rf"(?P<day>\d{{1,2}})(?:{self.any_of('day_ending')}|日|号|일)?(?![/.]\d)"
        no_time = rf"(?!h|\s*(?:{self.unit}){self.tail}){self._no_time(self.month)}"
        return re.compile(rf"{listed}\s?(?:{joint})\s*{fillers}{day}{no_time}")

    def _spots(self) -> list[tuple[str, str]]:
        """Give the patterns of dates, those first that must not be mistaken for a part of another."""
        today, later, tomorrow = (self.any_of(key) for key in ("today", "in_two_days", "tomorrow"))
        return [
            *self._written_out(),
            ("numeric", self._numeric()),
            ("week", self._week()),
            ("span", self._span()),
            ("weekday", self._weekday()),
            ("today", rf"{self.head}(?:{today}){self.tail}"),
            ("in_two_days", rf"{self.head}(?:{later}){self.tail}"),
            ("tomorrow", rf"{self.head}(?:{tomorrow}){self.tail}"),
            ("bare", self._bare()),
        ]

    def _written_out(self) -> list[tuple[str, str]]:
        """Dates whose order is certain: 6月5日, 2027-06-05, 5 June, June 5."""
        head, tail, ending, month = self.head, self.tail, self.ending, self.month
        weekday, later = self._beside(), rf"(?:\s*[,(]\s*(?P<weekday_after>{self.weekday}){tail})?"
        year = r"(?P<year>(?:19|20)\d\d(?!\d)|'\d\d(?!\d)|(?<=-)\d\d(?![\d:.]))"
        filler = rf"(?:(?:{self.filler}){tail}\s*)?"
        signs = r"(?:(?P<year>20\d\d)\s*[年년]\s*)?(?<!\d)(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日号號일]"
        iso = r"(?<![\d.])(?P<year>20\d\d)(?P<mark>[-/]|\.\s?)(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)\.?"
        year_first = (
            rf"{head}(?P<year>20\d\d)\.?\s+(?P<month>{month}){tail}\.?\s*(?P<day>\d{{1,2}}){ending}(?!\d)"
        )
        day = rf"(?<![\d.:/])(?P<day>\d{{1,2}}){ending}\.?[\s-]*"
        day_first = rf"{weekday}{day}{self.of}(?P<month>{month}){tail}\.?(?:[,\s-]*{self.of}{year})?{later}"
        day = rf"(?P<day>\d{{1,2}})(?!\d){ending}{self._no_time(self.month)}"
        month_first = rf"{weekday}{head}(?P<month>{month}){tail}\.?[\s-]*{filler}{day}(?:,?\s*{year})?{later}"
        return [
            ("signs", signs),
            ("iso", iso),
            ("year_first", year_first),
            ("day_first", day_first),
            ("month_first", month_first),
        ]

    def _beside(self) -> str:
        """The weekday of "Monday, the 5 June"."""
        fillers = rf"(?:(?:{self.filler}){self.tail}\s*){{0,2}}"
        inflected = r"\w{0,6}" if self.joined else NO_WORD
        return rf"(?:{self.head}(?P<weekday>{self.weekday}){inflected}\.?[,(]?\s*{fillers})?"

    def _no_time(self, month: str = NEVER) -> str:
        """No clock time, length or percentage, and no part of another date."""
        return rf"(?!\d|[:h]\d|\s*(?:uhr|h|am|pm|a\.m|p\.m)\b|\s*(?:%|{self.unit}|{month}){self.tail})"

    def _numeric(self) -> str:
        digits = r"(?<![\d/.:,])(?P<one>\d{1,2})(?P<mark>\s?/\s?|\.\s?|-)(?P<two>\d{1,2})"
        year = r"(?:(?P=mark)(?P<year>(?:19|20)\d\d|\d\d)|\.\s?(?P<year_after>20\d\d)|\.)?"
        return rf"{self._beside()}{digits}{year}(?!/\d|\.\d){self._no_time()}"

    def _week(self) -> str:
        """KW 38, weeks 38-39, Monday week 38, 38. hét."""
        before, after = self.any_of("week"), self.any_of("week_after")
        last = rf"(?:\s*(?:-|/|{self.any_of('to')}|{self.any_of('and')})\s*(?:(?:{before})\.?\s*)?(?P<last>\d{{1,2}}))?"
        number = rf"\.?\s*(?P<week>\d{{1,2}}){last}(?!\d|[/.:]\d)"
        return rf"{self._beside()}{self.head}(?:(?:{before}){number}|(?P<week_before>\d{{1,2}})\.?\s*(?:{after}){self.tail})"

    def _span(self) -> str:
        workdays = rf"(?:(?P<workdays>{self.any_of('workdays')})[\s-]*)?"
        return rf"{self.head}(?P<count>{self.number})\.?[\s-]*{workdays}(?P<unit>{self.unit}){self.tail}"

    def _weekday(self) -> str:
        """Monday, next Monday, Monday next week, Monday the 15th."""
        fillers = rf"(?:(?:{self.filler}){self.tail}\s*)"
        before = rf"(?:{self.head}(?P<next_week>{self.any_of('next_week')})\s+{fillers}?)?"
        before += rf"(?:{self.head}(?:{self.any_of('next')})\s+)?"
        name = rf"{self.head}(?P<weekday>{self.weekday_alone}){self.tail}"
        name += rf"(?:\s+(?:{self.any_of('next_after')}){NO_WORD})?"
        day = rf"(?P<day>\d{{1,2}})(?:{self.any_of('day_ending')}|\.)?{self._no_time(self.month)}(?![./-]\d)"
        after = rf"(?P<next_week_after>,?\s+(?:{self.filler}\s+)?(?:{self.any_of('next_week')}){NO_WORD})?"
        return rf"{before}{name}(?:[.,]?\s*{fillers}{{0,2}}{day})?{after}"

    def _bare(self) -> str:
        """The number of a day alone: "bis zum 15.", "the 15th"."""
        after = (
            rf"{self.head}(?:{self.any_of('bare_after')})\s*(?<![\d.:/,])(?P<day>\d{{1,2}}){self.ending}\.?"
        )
        ordinal = rf"(?<![\w.:/,])(?P<ordinal>\d{{1,2}})(?:{self.any_of('bare_ending')})"
        return rf"(?:{after}|{ordinal}){self._no_time(self.month)}(?![./,:-]\d)(?!\s*-\s*\d|[^\W_])"
