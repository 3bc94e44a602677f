"""The buttons of a sequence on an App Home, and below the answer that says what became of it: `card home …`."""

from __future__ import annotations

import re
from datetime import datetime

from sqlmodel import Session

from core.errors import Refused
from core.grammar.commands import Press, SequenceVerb
from core.models import LARGEST_ID, Sequence
from core.names import name_of
from core.people import Actor
from core.stamps import stamp
from core.verbs.outcome import Outcome
from core.verbs.sequences import change_sequence
from core.verbs.whens import zone_of
from core.words import clock

ASKED = re.compile(r"pause|resume seen ([0-9]{1,19})")
NO_ANSWER = "That is no answer to a sequence; press one of its buttons."
GONE = "That sequence is no longer here."


def press_sequence(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Pause a sequence; or resume it, unless somebody changed it after the button was shown (DESIGN G5)."""
    found = ASKED.fullmatch(order.answer)
    if found is None or not order.number.isdecimal() or int(order.number) > LARGEST_ID:
        raise Refused(NO_ANSWER)
    row = session.get(Sequence, int(order.number), with_for_update={"key_share": True})
    if row is None:
        raise Refused(GONE)
    if found[1] and int(found[1]) != stamp(row.changed_at):
        zone, _ = zone_of(session, actor)
        who, when = name_of(session, row.changed_by), clock(row.changed_at, zone, now)
        raise Refused(
            f"{who} changed {row.name} at {when}, so nothing was resumed; `sequences` shows how it is now."
        )
    verb = SequenceVerb("resume" if found[1] else "pause", row.name)
    return change_sequence(session, verb, actor=actor, now=now)
