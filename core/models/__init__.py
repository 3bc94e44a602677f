"""The tables. They hold what is true; Redis and Slack only show it or speed it up.

SQLModel tables do not validate: values are checked at the edges (grammar, sequence_file, lead_file, settings).
Status words are plain strings of the enums in core/lifecycle and of DeliveryState.
"""

from core.models.answers import Link, Meeting, Message, Reply, Visit
from core.models.base import LARGEST_ID
from core.models.leads import Lead, LeadTag, Suppression
from core.models.mailboxes import Folder, Mailbox, MailboxDay
from core.models.runs import Batch, Delivery, DeliveryState, Enrollment, Hold, Journal
from core.models.sequences import Goal, GoalMet, Sequence, SequenceStatus, Step
from core.models.slack import Card, Digest, Proposal, Seen, Trial
from core.models.systems import ApiCall, ApiToken, Hook, HookEvent
from core.models.team import WORKSPACE_ID, Absence, Collision, Member, Reminder, Workspace

__all__ = [
    "LARGEST_ID",
    "WORKSPACE_ID",
    "Absence",
    "ApiCall",
    "ApiToken",
    "Batch",
    "Card",
    "Collision",
    "Delivery",
    "DeliveryState",
    "Digest",
    "Enrollment",
    "Folder",
    "Goal",
    "GoalMet",
    "Hold",
    "Hook",
    "HookEvent",
    "Journal",
    "Lead",
    "LeadTag",
    "Link",
    "Mailbox",
    "MailboxDay",
    "Meeting",
    "Member",
    "Message",
    "Proposal",
    "Reminder",
    "Reply",
    "Seen",
    "Sequence",
    "SequenceStatus",
    "Step",
    "Suppression",
    "Trial",
    "Visit",
    "Workspace",
]
