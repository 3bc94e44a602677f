"""What a lead still lacks for its next mail to be written, and what a hold for that says once it is there."""

from __future__ import annotations

from dataclasses import replace

from core import variants
from core.acts import Loaded
from core.errors import Refused
from core.lifecycle import Hold, Source
from core.merging import compiled, values_of
from core.mime import Sender
from core.models import Lead
from core.template import MissingValue, render

FILLED = "what was missing is filled in now; “Try again” or “Resume” sends it"
_NOBODY_KNOWN = Sender("-", "-")


def missing(row: Loaded, lead: Lead) -> str:
    """Give the merge tag that is still empty in the next step, "" for none."""
    if row.state.position >= len(row.sequence.steps):
        return ""
    step = row.sequence.steps[row.state.position]
    step = variants.version(step, variants.chosen(step, row.id))
    try:
        render(
            compiled(step.subject or "-", step.body or "-"),
            values_of(lead, _NOBODY_KNOWN, row.sequence.name, "-"),
        )
    except MissingValue as missing:
        return missing.tag
    except Refused:
        return ""
    return ""


def as_it_is(hold: Hold, row: Loaded, lead: Lead) -> Hold:
    """Give a hold with the reason that it has now: what was missing when it was placed may have been filled in since."""
    is_filled = hold.source is Source.MISSING_VALUE and not missing(row, lead)
    return replace(hold, reason=FILLED) if is_filled else hold
