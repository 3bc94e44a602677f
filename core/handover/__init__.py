"""The hand-over protocol (DESIGN §4): claim a batch, pass the point of no return, record what became of it.

    ready ─claim→ claimed ─begin→ sending ─record→ sent | failed | uncertain
                     │               └── never left → ready
                     └── paused → ready; stopped → skipped

`claim` leases rows to one worker. `begin` is the point of no return: it locks workspace, lead, sequence, mailbox and
enrollment, in this order, and lets a message go only where fence, state, suppression, cap and gap all allow it. `replies`: what is different for an answer
that a person wrote: it goes before any step, waits for neither pause, window, cap nor gap, and changes no enrollment.
"""

from core.handover.claim import claim, mailboxes_due
from core.handover.gate import begin
from core.handover.record import hold_back, reap, record, release
from core.handover.words import BATCH, LEASE, RETRY_AFTER, Claimed, ClaimedReply, Fate, Hand, Report

__all__ = [
    "BATCH", "LEASE", "RETRY_AFTER", "Claimed", "ClaimedReply", "Fate", "Hand", "Report",
    "begin", "claim", "hold_back", "mailboxes_due", "reap", "record", "release",
]  # fmt: skip
