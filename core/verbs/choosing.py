"""WHO in SEQ → enrollments: who is meant, locked, and whether it is so many that a person must confirm first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, and_, col, func, select

from core import filters, sequences
from core.address import is_free_mail
from core.chunks import chunks
from core.current import current_run, never_was
from core.errors import Refused
from core.filters import Term
from core.filters_sql import condition
from core.garbage import uncollected
from core.grammar.commands import EVERYWHERE, Who
from core.lifecycle import LIVE, Status
from core.models import Enrollment, Lead
from core.models import Sequence as SequenceRow
from core.people import SYSTEM, Actor
from core.sql import spelling
from core.words import listed

LEADS_WITHOUT_ASKING = 10
# Calling the enum itself takes a while for a hundred thousand.
_STATUS = {status.value: status for status in Status}


class Place(NamedTuple):
    """One lead in one sequence: the latest run of it."""

    id: int
    lead_id: int
    email: str
    owner: str | None
    sequence: str
    status: Status
    has_started: bool

    @property
    def is_running(self) -> bool:
        """Say whether it has begun and goes on by itself."""
        return self.status is Status.IN_PROGRESS or (self.status is Status.PENDING and self.has_started)


@dataclass(frozen=True)
class Chosen:
    """The enrollments that are meant. `is_many`: they are not locked, and somebody must confirm first.

    `single`: the address, where exactly one lead was named.
    """

    places: tuple[Place, ...]
    is_many: bool = False
    single: str | None = None
    is_confirmed: bool = False

    @property
    def ids(self) -> list[int]:
        """Give the enrollments."""
        return [place.id for place in self.places]

    def within(self, statuses: Iterable[Status]) -> list[Place]:
        """Give the places of these statuses."""
        wanted = set(statuses)
        return [place for place in self.places if place.status in wanted]

    def fitting(self, statuses: Iterable[Status]) -> list[Place]:
        """Give what an act is about: the places of these statuses, and all of a lead that has none, to be refused.

        Of what somebody confirmed, everything: what no longer fits is refused by name.
        """
        fit = self.within(statuses)
        leads = {place.lead_id for place in fit}
        return [p for p in self.places if self.is_confirmed or p in fit or p.lead_id not in leads]


def choose(
    session: Session,
    who: Who,
    sequence: str | None,
    statuses: frozenset[Status],
    *,
    actor: Actor,
    only: Sequence[int] | None = None,
) -> Chosen:
    """Give the places of the leads, their leads locked; `only` names exact enrollments that were confirmed before.

    A named lead is given with every status, so that a refusal can say what is; of a group only `statuses` count.
    Raises Refused for an unknown lead, an unknown sequence, or a group in which nobody qualifies.
    """
    if only is not None:
        return _confirmed(session, only)
    sequence_id = None if sequence in (None, EVERYWHERE) else sequences.find(session, sequence or "").id
    found = _places(session, who, sequence_id, None if who.addresses else statuses, actor)
    lead_ids = {place.lead_id for place in found}
    if asks_first(who, len(lead_ids)):
        places = tuple(place for place in found if place.status in statuses)
        if not places:
            raise Refused(_nobody(who, sequence, statuses))
        return Chosen(places, is_many=True)
    lock_leads(session, lead_ids)
    # Read again under the lock: what is decided on must be what is there.
    places = tuple(_places(session, who, sequence_id, None if who.addresses else statuses, actor))
    if not places:
        raise Refused(_nobody(who, sequence, statuses))
    return Chosen(places, single=who.addresses[0] if len(who.addresses) == 1 else None)


def domains_of(who: Who) -> tuple[str, ...]:
    """Give the domain of the company that is meant; of other leads none."""
    if who.company:
        return (who.company,)
    return tuple(term.value.lower() for term in who.filter if term.key == "company" and not term.is_not)


def asks_first(who: Who, leads: int) -> bool:
    """Say whether a person must see these leads and confirm: everyone, many, or several of a whole company."""
    return who.everyone or leads > LEADS_WITHOUT_ASKING or (leads > 1 and bool(domains_of(who)))


def _confirmed(session: Session, only: Sequence[int]) -> Chosen:
    these = spelling(session).listed(only)
    of_leads = select(Enrollment.lead_id).join(these, these.c.value == col(Enrollment.id))
    # As in `lock_leads`, but without reading the leads, of which there may be very many.
    query = select(Lead.id).where(col(Lead.id).in_(of_leads)).order_by(col(Lead.id))
    locked = query.with_for_update(key_share=True).subquery()
    session.exec(select(func.count()).select_from(locked)).one()
    return Chosen(tuple(by_ids(session, only)), is_confirmed=True)


def by_ids(session: Session, enrollment_ids: Iterable[int], *, with_undone: bool = False) -> list[Place]:
    """Give exactly these enrollments, as far as they are still their leads' latest runs; or never were, and may be again."""
    return _read(session, among=enrollment_ids, with_undone=with_undone)


def live_places(session: Session, lead_ids: Iterable[int]) -> list[Place]:
    """Give where these leads are and have not ended."""
    mine = col(Enrollment.lead_id).in_(spelling(session).these(lead_ids))
    return _read(session, mine, col(Enrollment.status).in_(sorted(LIVE)))


def lock_leads(session: Session, lead_ids: Iterable[int]) -> list[Lead]:
    """Lock leads in the order of their ids and give them: from here on no other verb changes them.

    FOR NO KEY UPDATE excludes the point of no return, yet lets the sender write its journal, which refers to leads.
    """
    leads: list[Lead] = []
    for chunk in chunks(sorted(set(lead_ids))):
        query = (
            select(Lead).where(col(Lead.id).in_(chunk)).order_by(col(Lead.id)).with_for_update(key_share=True)
        )
        leads += session.exec(query.execution_options(populate_existing=True))
    return leads


def condition_of(session: Session, who: Who, *, actor: Actor) -> ColumnElement[bool]:
    """Give the condition on Lead; raises Refused for an address or a sequence that there is not."""
    return _condition(session, who, actor)


def lead_ids(session: Session, who: Who, *, actor: Actor) -> list[int]:
    """Give the leads, in order; raises Refused for an unknown one, or for a group without anybody."""
    found = session.exec(select(Lead.id).where(_condition(session, who, actor)).order_by(col(Lead.id))).all()
    ids = [lead_id for lead_id in found if lead_id is not None]
    if not ids:
        raise Refused(f"There is no lead {describe(who)}".strip() + ".")
    return ids


def matching(session: Session, who: Who, lead_ids: Iterable[int]) -> list[int]:
    """Give those of these leads that are meant, in order; nobody asks, so nothing is of anybody's own."""
    among = col(Lead.id).in_(spelling(session).these(lead_ids))
    found = session.exec(
        select(Lead.id).where(among, _condition(session, who, SYSTEM)).order_by(col(Lead.id))
    )
    return [lead_id for lead_id in found if lead_id is not None]


def _places(
    session: Session, who: Who, sequence_id: int | None, statuses: frozenset[Status] | None, actor: Actor
) -> list[Place]:
    conditions = [_condition(session, who, actor)]
    if sequence_id is not None:
        conditions.append(col(Enrollment.sequence_id) == sequence_id)
    if statuses is not None:
        conditions.append(col(Enrollment.status).in_(sorted(statuses)))
    return _read(session, *conditions)


def _read(
    session: Session,
    *conditions: ColumnElement[bool],
    among: Iterable[int] | None = None,
    with_undone: bool = False,
) -> list[Place]:
    # Columns, not objects: of a hundred thousand those take seconds.
    query = (
        select_columns(
            col(Enrollment.id),
            col(Enrollment.lead_id),
            col(Lead.email),
            col(Lead.owner),
            col(SequenceRow.name),
            col(Enrollment.status),
            col(Enrollment.has_started),
        )
        .join(Lead, col(Lead.id) == col(Enrollment.lead_id))
        .join(SequenceRow, col(SequenceRow.id) == col(Enrollment.sequence_id))
        .where(or_(current_run(), never_was()) if with_undone else current_run(), *conditions)
        .order_by(col(Lead.email), col(SequenceRow.name))
    )
    if among is not None:
        these = spelling(session).listed(among)
        query = query.join(these, these.c.value == col(Enrollment.id))
    session.flush()  # past the session, which would take each row into its hands twice
    with uncollected():
        rows = session.connection().execute(query).all()
        return [
            Place(row_id or 0, lead_id, email, owner, sequence, _STATUS[status], has_started)
            for row_id, lead_id, email, owner, sequence, status, has_started in rows
        ]


def _condition(session: Session, who: Who, actor: Actor) -> ColumnElement[bool]:
    if who.addresses:
        known = set(session.exec(select(Lead.email).where(col(Lead.email).in_(who.addresses))))
        unknown = [address for address in who.addresses if address not in known]
        if unknown:
            raise Refused(f"There is no lead {listed(unknown, 'or')}; nothing was changed.")
        return col(Lead.email).in_(who.addresses)
    if who.company:
        if is_free_mail(who.company):
            raise Refused(
                f"@{who.company} is shared by strangers, not a company; name the addresses instead."
            )
        return col(Lead.domain) == who.company
    if terms := _terms(who):
        return and_(*(condition(session, term, actor=actor) for term in terms))
    if who.mine:
        return col(Lead.owner) == actor.id
    return col(Lead.id).is_not(None)


def _terms(who: Who) -> tuple[Term, ...]:
    """Give the conditions, of which a tag or a stage alone is one."""
    if who.tag:
        return (Term("tag", who.tag),)
    return (Term("stage", who.stage),) if who.stage else who.filter


def describe(who: Who) -> str:
    """Give the leads in words: "tagged “hot”", "at acme.com", "of yours"."""
    if who.addresses:
        return listed(who.addresses)
    if who.company:
        return f"at {who.company}"
    if terms := _terms(who):
        return filters.describe(terms)
    return "of yours" if who.mine else ""


def _nobody(who: Who, sequence: str | None, statuses: frozenset[Status]) -> str:
    where = f" in {sequence}" if sequence not in (None, EVERYWHERE) else ""
    if len(who.addresses) == 1:
        return f"{who.addresses[0]} is not{where or ' in any sequence'}; nothing was changed."
    words = listed((status.replace("_", " ") for status in sorted(statuses)), "or")
    return f"{' '.join(f'No lead {describe(who)}'.split())} is {words}{where}; nothing was changed."
