"""Cal.com's webhooks: booked, moved, cancelled, over, not come. Pure.

Nothing in a request proves when it was sent. What says to be older than a day, or does not say it, may be a replay: it
may hold mail and ends no hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.hooks.words import Told, What, addresses, identity, moment, part, people, title, word
from core.meetings import MeetingNews, State

SOURCE = "cal"
FRESH = timedelta(hours=24)
BOOKINGS = {
    "BOOKING_CREATED": State.BOOKED,
    "BOOKING_REQUESTED": State.BOOKED,  # the host must still agree; until then nobody should mail
    "BOOKING_RESCHEDULED": State.BOOKED,
    "MEETING_ENDED": State.BOOKED,  # its hour is over, whether anybody came or not: that is asked
    "BOOKING_CANCELLED": State.CANCELLED,
    "BOOKING_REJECTED": State.CANCELLED,
}
NO_SHOWS = frozenset({"BOOKING_NO_SHOW_UPDATED", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"})


def read(body: Mapping[str, Any], *, now: datetime) -> list[Told]:
    """Give what an event says; nothing for kinds that we do not act on. Raises Refused for one without its ids."""
    event = word(body, "triggerEvent")
    payload = part(body, "payload") or body  # MEETING_ENDED comes without the envelope
    if event in NO_SHOWS:
        return _no_show(event, body, payload, now)
    state = BOOKINGS.get(event)
    if state is None:
        return []
    uid, old = identity(payload, "uid"), word(payload, "rescheduleUid")
    news = _news(
        f"{SOURCE}:{uid}",
        state,
        body,
        payload,
        now,
        instead_of=f"{SOURCE}:{old}" if event == "BOOKING_RESCHEDULED" and old not in {"", uid} else "",
        is_proven=event != "MEETING_ENDED",
    )
    booker = part(part(payload, "responses"), "email").get("value")
    emails = addresses([*(one.get("email") for one in people(payload, "attendees")), booker])
    return [Told(What.MEETING, emails, news)] if emails else []


def _no_show(event: str, body: Mapping[str, Any], payload: Mapping[str, Any], now: datetime) -> list[Told]:
    attendees = people(payload, "attendees")
    if event == "BOOKING_NO_SHOW_UPDATED":
        attendees = [one for one in attendees if one.get("noShow") is True]
    elif len(attendees) != 1:  # it does not say which of them
        return []
    news = _news(f"{SOURCE}:{identity(payload, 'bookingUid')}", State.NO_SHOW, body, payload, now)
    emails = addresses(one.get("email") for one in attendees)
    return [Told(What.MEETING, emails, news)] if emails else []


def _news(
    key: str,
    state: State,
    body: Mapping[str, Any],
    payload: Mapping[str, Any],
    now: datetime,
    *,
    instead_of: str = "",
    is_proven: bool = True,
) -> MeetingNews:
    said_at = moment(body, "createdAt")
    return MeetingNews(
        key=key,
        source=SOURCE,
        state=state,
        number=0,
        changed_at=said_at or now,
        starts_at=moment(payload, "startTime"),
        ends_at=moment(payload, "endTime"),
        title=title(payload, "title") or title(payload, "eventTitle"),
        instead_of=instead_of,
        may_release=is_proven and said_at is not None and abs(now - said_at) <= FRESH,
    )
