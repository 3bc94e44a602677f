r"""How the mail sink is told to misbehave: `PHASE[#N][@LOCAL]:ACTION`.

    dot:451 4.3.0 try later       say this instead of the usual answer ("\n" separates lines)
    mail#2:drop                   close the connection at the second MAIL
    rcpt@no-such-user:550 5.1.1   only for recipients with this local part
    after:hang                    the message is accepted, the answer never comes

Actions: hang, drop, cut (half an answer, then close), split (one byte per packet), delay=SECONDS,
anything else is the answer itself. An answer of class 4 or 5 replaces what the command does; any other
answer only changes the words. A 421 closes the connection after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    """Where in the dialogue the sink can be told to misbehave, in its order."""

    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # while content arrives, before the final dot has been looked at
    DOT = "dot"  # the content is complete and not yet accepted
    AFTER = "after"  # accepted, kept and logged; only the answer is missing
    RSET = "rset"
    NOOP = "noop"
    QUIT = "quit"


class Moment(NamedTuple):
    """One point of one dialogue; `recipient` is "" before the first RCPT."""

    phase: Phase
    connection: int
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of the usual answer; hang and drop come before everything but the delay."""

    reply: str | None = None
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    cut: bool = False
    split: bool = False
    at_bytes: int = 1  # of content, for BODY

    @property
    def refuses(self) -> bool:
        """Say whether the command has no effect."""
        return self.reply is not None and self.reply[:1] in {"4", "5"}


Script = Callable[[Moment], Fault | None]

# Local parts that get into trouble wherever this table is switched on.
TROUBLED = (
    "rcpt@temp-fail:451 4.2.0 Mailbox busy, try again later",
    "rcpt@no-such-user:550 5.1.1 No such user here",
    "rcpt@mailbox-full:452 4.2.2 Mailbox full",
    "dot@spam:554 5.7.1 Message refused as spam",
    "dot@greylisted:451 4.7.1 Greylisted, come back in a minute",
    "after@lost-answer:drop",
)

_SPEC = re.compile(r"(?P<phase>[a-z]+)(?:#(?P<nth>\d+))?(?:@(?P<local>[^:]+))?:(?P<action>.+)", re.DOTALL)


class Faults:
    """A script made of written faults; the first that fits acts, `#N` counts from 1 over all connections."""

    def __init__(self, *specs: str) -> None:
        self._rules: dict[Phase, list[tuple[int | None, str | None, Fault]]] = {}
        self._seen: Counter[tuple[Phase, str | None]] = Counter()
        for spec in specs:
            self._add(spec)

    def _add(self, spec: str) -> None:
        found = _SPEC.fullmatch(spec)
        if found is None or found["phase"] not in set(Phase):
            raise ValueError(
                f"{spec!r} is no fault; write PHASE[#N][@LOCAL]:ACTION, PHASE one of {', '.join(Phase)}"
            )
        nth = int(found["nth"]) if found["nth"] else None
        rules = self._rules.setdefault(Phase(found["phase"]), [])
        rules.append((nth, found["local"], _fault(found["action"])))

    def __call__(self, moment: Moment) -> Fault | None:
        """Give the fault for this moment, None where nothing is to go wrong."""
        rules = self._rules.get(moment.phase)
        if rules is None:
            return None
        local_part = moment.recipient.partition("@")[0]
        for local in {local for _, local, _ in rules if local in {None, local_part}}:
            self._seen[moment.phase, local] += 1
        for nth, local, fault in rules:
            if local in {None, local_part} and nth in {None, self._seen[moment.phase, local]}:
                return fault
        return None


def _fault(action: str) -> Fault:
    match action.partition("="):
        case ("hang", _, _):
            return Fault(hang=True)
        case ("drop", _, _):
            return Fault(drop=True)
        case ("cut", _, _):
            return Fault(cut=True)
        case ("split", _, _):
            return Fault(split=True)
        case ("delay", "=", seconds):
            return Fault(delay=float(seconds))
    return Fault(reply=action.replace("\\n", "\n"))
