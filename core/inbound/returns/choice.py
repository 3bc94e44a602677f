"""Choose among what an away message claims, or say what has to be asked."""

from __future__ import annotations

from datetime import date
from typing import Final

from core.dates.words import MONTH_NAMES
from core.inbound.returns.roles import BACK, Claim
from core.inbound.words import Return

FARTHEST_DAYS: Final = 100
MOST_OPTIONS: Final = 5


def choose(claims: list[Claim], *, today: date) -> Return:
    """Give the day that the best claims agree on, a question where they do not, Return() without any."""
    if not claims:
        return Return()
    best = min(claim.rank for claim in claims)
    kept = [claim for claim in claims if claim.rank == best]
    if best != BACK:
        kept = _running(kept, today)
    kept = _without_weekdays(kept)
    days = _agreed(kept)
    evidence = kept[0].evidence
    if len(days) > 1:
        return _asked(kept, days, evidence, today)
    return _checked(days[0], evidence, today)


def _running(claims: list[Claim], today: date) -> list[Claim]:
    """Keep the absences that run today where several are announced."""
    running = [claim for claim in claims if claim.began and claim.began <= today <= claim.days[-1]]
    begun = {claim.days for claim in claims if claim.began}
    return running if running and len(begun) > 1 else claims


def _without_weekdays(claims: list[Claim]) -> list[Claim]:
    """Leave out "Monday" where a date that is one is named as well."""
    dated = {day.weekday() for claim in claims if not claim.is_weekday for day in (claim.stated, *claim.days)}
    return [claim for claim in claims if not claim.is_weekday or claim.stated.weekday() not in dated]


def _agreed(claims: list[Claim]) -> tuple[date, ...]:
    """Give the days that are left once a clear date has settled the doubtful ones.

    The same day named as "until X" and as the end of a range is the range's.
    """
    clear = {claim.days[0] for claim in claims if len(claim.days) == 1}
    after = {claim.stated for claim in claims if claim.is_after}
    days: set[date] = set()
    for claim in claims:
        if not claim.is_after and claim.stated in after:
            continue
        settled = [day for day in claim.days if day in clear]
        days.update(settled or claim.days)
    return tuple(sorted(days))


def _checked(day: date, evidence: str, today: date) -> Return:
    if day < today:
        return Return(None, f"The day named, {_said(day)}, is past: choose when to go on.", (day,), evidence)
    if (day - today).days > FARTHEST_DAYS:
        question = f"The day named, {_said(day)}, is more than {FARTHEST_DAYS} days off: is it right?"
        return Return(None, question, (day,), evidence)
    return Return(day, evidence=evidence)


def _asked(claims: list[Claim], days: tuple[date, ...], evidence: str, today: date) -> Return:
    options = tuple(day for day in days if day >= today)[:MOST_OPTIONS] or days[:MOST_OPTIONS]
    named = [_said(day, with_year=day.year != today.year) for day in days[:MOST_OPTIONS]]
    listed = f"{', '.join(named[:-1])} and {named[-1]}"
    if len(claims) == 1 or len({claim.days for claim in claims}) == 1:
        question = f"The date can be read as {' or '.join(named)}."
    else:
        question = f"{'Two' if len(days) == 2 else 'Several'} dates are named: {listed}."
    return Return(None, question, options, evidence)


def _said(day: date, *, with_year: bool = True) -> str:
    return f"{day.day} {MONTH_NAMES[day.month - 1]}" + (f" {day.year}" if with_year else "")
