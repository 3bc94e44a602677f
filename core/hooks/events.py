"""Events of your own systems, in a form that docs/hooks.md describes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.address import domain_of, is_free_mail
from core.errors import Refused
from core.hooks.words import Told, What, addresses, identity, moment, part, title, word
from core.lead_file import LeadRow
from core.lead_file.row import full_name
from core.meetings import MeetingNews, State
from core.words import listed

SOURCE = "event"
LARGEST_NUMBER = 10**9
STATES = {
    "booked": State.BOOKED,
    "moved": State.BOOKED,
    "cancelled": State.CANCELLED,
    "declined": State.DECLINED,
    "happened": State.HAPPENED,
    "no_show": State.NO_SHOW,
}


def read(body: Mapping[str, Any], *, now: datetime) -> list[Told]:
    """Give what an event says; nothing for a type that we do not know. Raises Refused for one that is incomplete."""
    event_id = identity(body, "id")
    what = word(body, "type")
    if what not in set(What):
        return []
    emails = addresses([body.get("email")])
    if not emails:
        raise Refused("The event has no usable `email`; write one plain address.")
    match what:
        case What.GOAL | What.FORM:
            name = identity(body, "name") if what == What.FORM or "name" in body else ""
            return [Told(What(what), emails, name=name, new=_new(body, emails[0]))]
        case What.CLICK:
            return [Told(What.CLICK, emails, name=word(body, "url"))]
        case What.MEETING:
            pass
        case _:
            return [Told(What(what), emails)]
    return [Told(What.MEETING, emails, _news(event_id, body, part(body, "meeting"), now))]


def _new(body: Mapping[str, Any], email: str) -> LeadRow | None:
    """Give who becomes a lead where the sender says `create`: the address, and what else of a person is told."""
    if body.get("create") is not True:
        return None
    first, last, company = (title(body, name) for name in ("first_name", "last_name", "company"))
    domain = domain_of(email)
    return LeadRow(
        email, first, last, full_name(first, last), company, "" if is_free_mail(domain) else domain
    )


def _news(event_id: str, body: Mapping[str, Any], meeting: Mapping[str, Any], now: datetime) -> MeetingNews:
    state = STATES.get(word(meeting, "state"))
    if state is None:
        raise Refused(f"The meeting has no known `state`; it is one of {listed(STATES, 'or')}.")
    number = meeting.get("number", 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < LARGEST_NUMBER:
        raise Refused("The meeting's `number` must be a whole number that rises with each change.")
    return MeetingNews(
        key=f"{SOURCE}:{identity(meeting, 'id') if 'id' in meeting else event_id}",
        source=SOURCE,
        state=state,
        number=number,
        changed_at=_moment(body, "at") or now,
        starts_at=_moment(meeting, "starts_at"),
        ends_at=_moment(meeting, "ends_at"),
        title=title(meeting, "title"),
    )


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    """Give an instant, None where none is given; raises Refused for what is none, since its sender can mend it."""
    if body.get(name) is None:
        return None
    read_ = moment(body, name)
    if read_ is None:
        raise Refused(f"`{name}` must be an instant with its zone, such as 2027-06-10T14:00:00+02:00.")
    return read_
