"""Calendly's webhooks (v2 payloads): an invitee booked, cancelled, moved, or did not come. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.hooks.words import Told, What, addresses, identity, moment, part, title, word
from core.meetings import MeetingNews, State

SOURCE = "calendly"
STATES = {
    "invitee.created": State.BOOKED,
    "invitee.canceled": State.CANCELLED,
    "invitee_no_show.created": State.NO_SHOW,
}


def read(body: Mapping[str, Any], *, now: datetime) -> list[Told]:
    """Give what an event says; nothing for kinds that we do not act on. Raises Refused for one without its ids.

    Who moves a meeting is a new invitee that names the old one, while the old one is cancelled as `rescheduled`: the
    first says it all, so the second says nothing.
    """
    state = STATES.get(word(body, "event"))
    payload = part(body, "payload")
    if state is None or (state is State.CANCELLED and payload.get("rescheduled") is True):
        return []
    meeting = part(payload, "scheduled_event")
    # A no-show may be an object of its own, which names its invitee.
    name = "invitee" if state is State.NO_SHOW and word(payload, "invitee") else "uri"
    old = word(payload, "old_invitee")
    news = MeetingNews(
        key=f"{SOURCE}:{identity(payload, name)}",
        source=SOURCE,
        state=state,
        number=0,
        changed_at=moment(body, "created_at") or now,
        starts_at=moment(meeting, "start_time"),
        ends_at=moment(meeting, "end_time"),
        title=title(meeting, "name"),
        instead_of=f"{SOURCE}:{old}" if old and state is State.BOOKED else "",
    )
    return [Told(What.MEETING, addresses([payload.get("email")]), news)]
