"""Mails whose links are counted, written and sent in a small world, and visits to them."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from core import letters, tracking, visits
from core.letters import Office
from core.mime import Sender
from core.models import Delivery, Enrollment, Lead, Link, Visit
from tests.world import World

OFFICE = Office("https://mail.example", b"k" * 32)
ANA_SENDS = Sender("ana@sales.example", "Ana")
ADA, BEA = "ada@x.test", "bea@x.test"
PAGE, PRICES = "https://northwind.example/page?a=1&b=2", "https://northwind.example/prices/X"
TRACKED = """
sequence: Spring
zone: Europe/Berlin
lead_zone: false
track: {clicks: true, opens: true}
on:
  click: RULE
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: |
      Hi {{ first_name }}, look at [our page](https://northwind.example/page?a=1&b=2), or at
      https://northwind.example/prices/{{ domain | truncate: 1, "" | upcase }}.

      Or [write](mailto:ana@sales.example), or [opt out]({{ unsubscribe_url }}).
  - id: nudge
    delay: 4 days
    subject: Did it reach you?
    body: Hi {{ first_name }}, [our page](https://northwind.example/page?a=1&b=2).
"""


def with_rule(rule: str = "continue") -> str:
    return TRACKED.replace("RULE", rule)


def send(world: World) -> list[str]:
    """Write and hand over what is due, as the sender does, and give the messages."""
    claims = world.claims()
    known = tracking.known(world.db, claims)
    written = [letters.write(claim, ANA_SENDS, OFFICE, now=world.now, known=known) for claim in claims]
    tracking.keep(world.db, (link for letter in written for link in letter.links), now=world.now)
    world.hand_over(claims)
    return [letter.content.decode() for letter in written]


def link(world: World, place: int = 1, email: str = ADA, step: int = 0) -> Link:
    """A link of a mail that the lead got; 0 is its picture, -1 what nobody sees."""
    with world.db.read() as session:
        query = (
            select(Link)
            .join(Delivery, col(Delivery.id) == Link.delivery_id)
            .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
            .join(Lead, col(Lead.id) == Enrollment.lead_id)
            .where(Lead.email == email, Link.place == place)
            .order_by(col(Link.id))
        )
        return session.exec(query).all()[step]


def visit(
    world: World, place: int = 1, *, email: str = ADA, suspect: str = "", after: float = 0, step: int = 0
) -> None:
    """Fetch a link so many seconds later than now; nobody has judged it yet."""
    at = world.now + timedelta(seconds=after)
    visits.record(world.db, link(world, place, email, step), suspect=suspect, agent="a browser", now=at)


def judged(world: World) -> list[tuple[int, str]]:
    """Every visit with what is held against it."""
    with world.db.read() as session:
        query = select(Link.place, Visit.suspect).join(Visit, col(Visit.link_id) == Link.id)
        return [(place, suspect) for place, suspect in session.exec(query.order_by(col(Visit.id)))]
