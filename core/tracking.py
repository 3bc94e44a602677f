"""Links of a mail that tell who followed them: each is a random token, and a row that says where it leads.

Nothing in a token can be made up or read, and nothing of a request decides where a visitor goes. A mail whose sequence
tracks nothing is written as if this module did not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Table, insert
from sqlmodel import col, select

from core.db import Database
from core.handover import Claimed, Hand
from core.models import Link
from core.scanners import HIDDEN, PICTURE
from core.template import Rendered, Template, addresses, link_keys, render

TOKEN_BYTES = 16
LINKS: Table = Link.__table__  # type: ignore[attr-defined]

Known = Mapping[tuple[int, int, str], str]  # the token by delivery, place and URL


@dataclass(frozen=True, slots=True)
class NewLink:
    """A row to be: it must be there before its mail leaves."""

    token: str
    delivery_id: int
    url: str
    place: int


def known(db: Database, hands: Iterable[Hand]) -> Known:
    """Give the tokens of those that were written before, so that a mail tried again keeps its links."""
    again = [
        hand.delivery_id for hand in hands if isinstance(hand, Claimed) and hand.fence > 1 and hand.is_tracked
    ]
    if not again:
        return {}
    query = select(Link.delivery_id, Link.place, Link.url, Link.token).where(col(Link.delivery_id).in_(again))
    with db.read() as session:
        return {(delivery_id, place, url): token for delivery_id, place, url, token in session.exec(query)}


def keep(db: Database, links: Iterable[NewLink], *, now: datetime) -> None:
    """Write the rows of a whole batch."""
    if rows := [{**asdict(link), "made_at": now} for link in links]:
        with db.write() as session:
            session.connection().execute(insert(LINKS), rows)


def rendered(
    claimed: Claimed, template: Template, values: Mapping[str, Any], *, base_url: str, known: Known
) -> tuple[Rendered, tuple[NewLink, ...]]:
    """Give a tracked message and the rows it needs; raises as `render` does."""
    track, made = claimed.track, list[NewLink]()

    def token(place: int, url: str = "") -> str:
        if found := known.get((claimed.delivery_id, place, url)):
            return found
        made.append(NewLink(token_urlsafe(TOKEN_BYTES), claimed.delivery_id, url, place))
        return made[-1].token

    leading = {}
    for place, url in enumerate(addresses(template, values), start=1):
        is_web = url is not None and url[:4].lower() == "http"
        leading[link_keys(place)[1]] = f"{base_url}/c/{token(place, url or '')}" if is_web else url
    message = render(template, {**values, "link": leading})
    made = [link for link in made if link.token in message.html]  # a branch may have been left out
    end = ""
    if f'"{base_url}/c/' in message.html:
        end += _HIDDEN.format(f"{base_url}/c/{token(HIDDEN)}")
    if track.opens:
        end += _PICTURE.format(f"{base_url}/o/{token(PICTURE)}.gif")
    return replace(message, html=message.html + end), tuple(made)


# Nobody can see, hear or reach it; what follows it follows everything.
_HIDDEN = '<a href="{}" style="display:none" aria-hidden="true" tabindex="-1"></a>\n'
_PICTURE = '<img src="{}" width="1" height="1" alt="" style="border:0">\n'
