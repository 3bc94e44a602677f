"""The rule of the guard: when too much of what a mailbox or a sequence sent bounced, or was reported as spam. Pure.

Servers judge a sender by these shares, and whoever passes them is soon read by nobody. So sending stops until a person
has looked. Counted are the mails of the last week, and what came back for these very mails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Limits:
    """Past which share, in per cent, it is held, and from how many mails on."""

    bounces: float = 5
    complaints: float = 0.1
    mails: int = 50


@dataclass(frozen=True)
class Rates:
    """How many mails of the window left or were refused, and how many of them bounced for good, or were reported.

    `last_at`: when the last one left, be it before the window that counts.
    """

    mails: int = 0
    bounced: int = 0
    complained: int = 0
    last_at: datetime | None = None

    @property
    def bounces(self) -> float:
        """Give the share of bounces in per cent."""
        return _share(self.bounced, self.mails)

    @property
    def complaints(self) -> float:
        """Give the share of complaints in per cent."""
        return _share(self.complained, self.mails)


def verdict(rates: Rates, limits: Limits) -> str:
    """Give why it must be held, a clause; "" where it may go on.

    >>> verdict(Rates(82, 6), Limits())
    '6 of 82 mails of the last 7 days bounced (7.3 %; the limit is 5 %)'
    """
    if rates.mails < limits.mails:
        return ""
    found = [
        (rates.bounced, rates.bounces, limits.bounces, "bounced"),
        (rates.complained, rates.complaints, limits.complaints, "were reported as spam"),
    ]
    said = [
        f"{count:,} of {rates.mails:,} mails of the last {WINDOW.days} days {what} ({share:.2g} %; the limit is {limit:g} %)"
        for count, share, limit, what in found
        if share > limit
    ]
    return ", and ".join(said)


def in_words(rates: Rates) -> str:
    """Give the rates for a list: "82 mails in 7 days: 7.3 % bounced, 0 % complained"."""
    if not rates.mails:
        return ""
    return f"of {rates.mails:,} in {WINDOW.days} days {rates.bounces:.2g} % bounced, {rates.complaints:.2g} % complained"


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
