"""What the dates of a sentence are for: the first day back, the last day away, the start, or nothing of ours.

A date counts only within reach of a word that says so ("back on", "until", "bis einschließlich"); every other
date of the message, of an event, an office hour or a signature, is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from core.inbound.returns.sentences import Sentence
from core.inbound.returns.spots import DAY, Reader, Spot, days_later
from core.inbound.returns.table import Table

REACH_CHARS: Final = 60
TAIL_CHARS: Final = 48
DAY_OFF_CHARS: Final = 20
# Some switch their message on a few days before they leave.
EVE: Final = 3 * DAY
MOST_FILLERS: Final = 8
# How sure a statement is, best first: "back on", the end of an absence, an end with no word of absence near.
BACK, END, WEAK = 1, 2, 3


_APPOSED: Final = re.compile(r"[\s,:=]*[(=][\s=]*(?:i\.?e\.?,?|d\.?h\.?)?\s*")


@dataclass(frozen=True, slots=True)
class Claim:
    """A day of return that a sentence states. `days`: what it may be; `stated`: the day named, before "the day after".

    `is_weekday`: only a weekday was named. `began`: the first day away, where a range names it.
    """

    days: tuple[date, ...]
    rank: int
    evidence: str
    stated: date
    is_weekday: bool = False
    is_after: bool = False
    began: date | None = None


def claims(sentence: Sentence, reader: Reader, *, is_away: bool) -> list[Claim]:
    """Give what the sentence claims. `is_away`: the subject or the sentence before speaks of an absence."""
    table, text = reader.table, sentence.folded
    if not table.hints.search(text):
        return []
    spots = reader.spots(text)
    if not spots:
        return []
    return list(
        _Reading(sentence, reader, spots, is_away=is_away or bool(table.absent.search(text))).claims()
    )


class _Reading:
    """One sentence with its spots."""

    def __init__(self, sentence: Sentence, reader: Reader, spots: list[Spot], *, is_away: bool) -> None:
        self.sentence, self.text, self.reader = sentence, sentence.folded, reader
        self.table: Table = reader.table
        self.spots, self.is_away = spots, is_away
        self.absences = [found.span() for found in self.table.absent.finditer(self.text)]
        self.is_other = not self.absences and bool(self.table.other.search(self.text))
        self.returns = self._present(self.table.returning)
        self.answers = [found.span() for found in self.table.answering.finditer(self.text)]
        self.began: date | None = None

    def claims(self) -> list[Claim]:
        found: list[Claim] = []
        before: Claim | None = None
        for index, spot in enumerate(self.spots):
            claim = self._same(before, index, spot) or self._claim(index, spot)
            if claim:
                found.append(claim)
            before = claim
        return found

    def _same(self, before: Claim | None, index: int, spot: Spot) -> Claim | None:
        """Read "back on 7/6 (6 July)": a date right behind another says the same once more."""
        if (
            not before
            or not spot.days
            or not _APPOSED.fullmatch(self.text[self.spots[index - 1].end : spot.start])
        ):
            return None
        return self._made(spot, before.rank, plus=int(before.is_after), began=before.began)

    def _present(self, cues: re.Pattern[str]) -> list[tuple[int, int]]:
        """Give where the words of a return are, without those inside "not in the office"."""
        spans = [found.span() for found in cues.finditer(self.text)]
        return [
            (begin, end)
            for begin, end in spans
            if not any(one < end and begin < two for one, two in self.absences)
        ]

    def _claim(self, index: int, spot: Spot) -> Claim | None:
        left = self.text[self.spots[index - 1].end if index else 0 : spot.start]
        following = self.spots[index + 1].start if index + 1 < len(self.spots) else len(self.text)
        right = self.text[spot.end : following]
        if spot.kind == "span":
            return self._of_span(index, spot, left)
        if not spot.days or self.table.every.search(left[-TAIL_CHARS:]):
            return None
        if spot.kind == "week" and spot.count > 1 and self.is_away:
            return self._made(spot, END, plus=1)
        starts = self._range_starts(index, spot, left)
        if starts:
            return self._ranged(spot, starts)
        cue = self._cue(left, right)
        if self._begins_range(index, spot):
            self.began = spot.days[0]
            return None
        if cue not in ("until", "through") and (claim := self._extended(index, spot, right)):
            return claim
        returning = self._is_near(self.returns, index, spot)
        if cue == "through":
            return self._made(spot, END, plus=1)
        if cue == "until" and spot.kind == "week":
            return self._made(spot, END, plus=1)
        if cue == "until":
            return self._made(spot, BACK if self._is_return_until(spot) else END)
        if cue == "after" and (returning or self._is_near(self.answers, index, spot)):
            return self._made(spot, BACK if returning else WEAK, plus=1)
        if returning:
            return self._made(spot, BACK)
        if self._is_near(self.answers, index, spot) and (cue != "start" or spot.days[0] >= self.reader.today):
            return self._made(spot, WEAK)
        if cue == "start":
            self.began = spot.days[0]
            return None
        return self._of_day_off(spot)

    def _made(self, spot: Spot, rank: int, *, plus: int = 0, began: date | None = None) -> Claim | None:
        if self.is_other and rank != BACK:
            return None
        if spot.kind == "week" and plus:
            plus = 7
        rank = WEAK if rank == END and not self.is_away else rank
        days = tuple(day + plus * DAY for day in spot.days)
        return Claim(
            days,
            rank,
            self.sentence.evidence,
            spot.days[0],
            spot.kind == "weekday",
            plus > 0,
            began or self.began,
        )

    def _range_starts(self, index: int, spot: Spot, left: str) -> tuple[date, ...]:
        """Give what the first day may be where this spot ends a range: "A to B", "8 to 19 June"; else nothing."""
        previous = self.spots[index - 1] if index else None
        if previous and previous.days and previous.kind != "span":
            is_list = previous.kind != "weekday" and self._is_list(index, spot)
            if self.table.between.fullmatch(left) or (is_list and self.table.both.fullmatch(left)):
                if previous.kind != "bare":
                    return previous.days
                return tuple(_back_to(day, previous.days[0].day) for day in spot.days)
        number = self.table.day_before.search(left[-TAIL_CHARS:]) if spot.kind != "weekday" else None
        if number and int(number["day"]) <= 31:
            return tuple(_back_to(day, int(number["day"])) for day in spot.days)
        return ()

    def _extended(self, index: int, spot: Spot, right: str) -> Claim | None:
        """Read the end of "June 8-19", "June 8, 9 and 10": the day after it is the first day back."""
        number = self.table.day_after.match(right) if spot.kind in ("day", "bare") else None
        if not number or (number["and"] and not self._is_list(index, spot)):
            return None
        first = spot.days[0]
        ends = self.reader.bare(int(number["day"]), first)
        return self._ranged(Spot(spot.start, spot.end, spot.kind, ends), (first,)) if ends else None

    def _is_list(self, index: int, spot: Spot) -> bool:
        """Say whether "and" joins days of absence, and not an absence and a return."""
        return bool(self.absences) and not self._is_near(self.returns, index, spot)

    def _ranged(self, spot: Spot, starts: tuple[date, ...]) -> Claim | None:
        began, today = min(starts), self.reader.today
        pairs = [(one, two) for one in starts for two in spot.days if one <= two]
        running = any(one - EVE <= today <= two + DAY for one, two in pairs)
        if not self.absences and not (running and spot.kind == "day"):
            return None
        if spot.kind == "weekday" and re.search(r"\d[:.h]\d\d", self.text):
            return None  # office hours
        return self._made(spot, END, plus=1, began=began)

    def _begins_range(self, index: int, spot: Spot) -> bool:
        if index + 1 == len(self.spots):
            return False
        following = self.spots[index + 1]
        return following.kind != "span" and bool(
            self.table.between.fullmatch(self.text[spot.end : following.start])
        )

    def _cue(self, left: str, right: str) -> str:
        """Give the word right before or right after a date: "through", "until", "after", "start" or ""."""
        found = self._word_after(right)
        if found == "through":
            return found
        tail = left[-TAIL_CHARS:]
        for _ in range(MOST_FILLERS):
            tail = tail.rstrip(" ,:(['\"*_\n\t")
            for cue, pattern in self.table.ends_with:
                if pattern.search(tail):
                    return cue
            filler = self.table.filler_at_end.search(tail)
            if not filler:
                break
            tail = tail[: filler.start()]
        return found

    def _word_after(self, right: str) -> str:
        return next((cue for cue, pattern in self.table.begins_with if pattern.match(right)), "")

    def _is_near(self, cues: list[tuple[int, int]], index: int, spot: Spot) -> bool:
        """Say whether one of the cues reaches this date: from before it, or from behind it in the same clause."""
        start = self.spots[index - 1].end if index else 0
        for begin, end in cues:
            if start <= begin and end <= spot.start + 1:
                gap = self.text[end : spot.start]
                if len(gap) <= REACH_CHARS and not re.search(r"[;!?]|\n.*\n", gap):
                    return True
        following = self.spots[index + 1].start if index + 1 < len(self.spots) else len(self.text)
        for begin, end in cues:
            if spot.end <= begin + 1 and end <= following:
                gap = self.text[spot.end : begin]
                if len(gap) <= REACH_CHARS and not self.table.breaks.search(gap):
                    return not self._belongs_to_next(index, end)
        return False

    def _belongs_to_next(self, index: int, cue_end: int) -> bool:
        """Say whether a word behind this date stands right before the next: "on 5 June, back on 8 June"."""
        if index + 1 == len(self.spots):
            return False
        gap = self.text[cue_end : self.spots[index + 1].start]
        return len(gap) <= REACH_CHARS // 3 and "," not in gap and self._cue(gap, "") in ("", "start")

    def _is_return_until(self, spot: Spot) -> bool:
        """Say whether a word of a return leads to the date, as in "will not return until 5 June"."""
        gaps = (self.text[end : spot.start] for _, end in self.returns if end <= spot.start)
        return any(
            len(gap) <= REACH_CHARS // 2 and "," not in gap and not self.table.breaks.search(gap)
            for gap in gaps
        )

    def _of_span(self, index: int, spot: Spot, left: str) -> Claim | None:
        tail = left[-TAIL_CHARS:].rstrip()
        start = self.began or self.reader.today
        if self.table.within.search(tail) and self._is_near(self.returns, index, spot):
            day = days_later(self.reader.today, spot)
            return Claim((day,), BACK, self.sentence.evidence, day)
        if self.table.lasting.search(tail) and self.absences:
            day = days_later(start, spot)
            return Claim((day,), END, self.sentence.evidence, day, began=self.began)
        return None

    def _of_day_off(self, spot: Spot) -> Claim | None:
        """Read "I am out of the office today": back the day after."""
        if spot.kind not in ("day", "week"):
            return None
        gaps = [self.text[end : spot.start] for _, end in self.absences if end <= spot.start + 1]
        gaps += [self.text[spot.end : begin] for begin, _ in self.absences if begin >= spot.end - 1]
        if any(len(gap) <= DAY_OFF_CHARS and not self.table.breaks.search(gap) for gap in gaps):
            return self._made(spot, WEAK, plus=1)
        return None


def _back_to(day: date, number: int) -> date:
    """Give the latest day with this number before `day`: the 28 of "28 - 3 June"; `day` where there is none."""
    for back in range(1, 32):
        if (day - back * DAY).day == number:
            return day - back * DAY
    return day
