"""Whom a message concerns: by the mail it answers, else by its sender, else, with a question, by subject or company."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from core.address import domain_of, is_free_mail
from core.chunks import chunks
from core.conversations import answered
from core.inbound import Envelope
from core.lifecycle import LIVE
from core.models import Delivery, DeliveryState, Enrollment, Lead, Mailbox

IDS_AT_ONCE = 500
PROVEN = frozenset({"thread", "address"})


@dataclass(frozen=True)
class Match:
    """The lead that a message concerns. `how`: thread, address, subject or company; the last two are a question.

    `enrollment_id`: the run whose mail it answers, or the one mailed last; None: none was.
    """

    how: str
    lead_id: int
    email: str
    enrollment_id: int | None = None
    delivery_id: int | None = None


@dataclass
class Directory:
    """What some messages may refer to, read with a handful of queries for all of them."""

    ours: frozenset[str]
    by_message_id: dict[str, Match] = field(default_factory=dict)
    by_address: dict[str, Match] = field(default_factory=dict)
    by_domain: dict[str, Match] = field(default_factory=dict)
    by_subject: dict[str, Match] = field(default_factory=dict)

    def is_own(self, envelope: Envelope) -> bool:
        """Say whether we wrote it: a copy of our own mail, or one of a colleague's from a mailbox of ours."""
        return envelope.message_id in self.by_message_id or any(one in self.ours for one in envelope.senders)

    def by_ids(self, message_ids: Iterable[str]) -> Match | None:
        """Give the match by the first of these Message-IDs that is ours."""
        return next((self.by_message_id[i] for i in message_ids if i in self.by_message_id), None)

    def match(self, envelope: Envelope) -> Match | None:
        """Give whom a message concerns, None for nobody we write to."""
        if found := self.by_ids(envelope.answers):
            return found
        senders = envelope.senders
        if found := next((self.by_address[one] for one in senders if one in self.by_address), None):
            return found
        if found := self.by_subject.get(answered(envelope.subject)):
            return found
        return next((self.by_domain[d] for d in map(domain_of, senders) if d in self.by_domain), None)


def directory(
    session: Session,
    envelopes: Sequence[Envelope],
    *,
    mailbox_id: int | None,
    message_ids: Iterable[str] = (),
    addresses: Iterable[str] = (),
) -> Directory:
    """Give what these messages may refer to; `message_ids` and `addresses` were found inside of them."""
    found = Directory(frozenset(session.exec(select(Mailbox.address))))
    ids = {i for e in envelopes for i in (*e.answers, e.message_id) if i} | set(message_ids)
    _read_deliveries(session, found, ids)
    senders = {one for e in envelopes for one in e.senders} - found.ours
    _read_leads(session, found, senders | set(addresses), mailbox_id)
    known = {match.email for match in found.by_address.values()}
    strangers = senders - known
    domains = {d for d in map(domain_of, strangers) if d and not is_free_mail(d)}
    _read_domains(session, found, domains, mailbox_id)
    subjects = {s for e in envelopes if (s := answered(e.subject)) and not known.intersection(e.senders)}
    _read_subjects(session, found, subjects, mailbox_id)
    return found


def _read_deliveries(session: Session, found: Directory, message_ids: Collection[str]) -> None:
    for chunk in chunks(message_ids, IDS_AT_ONCE):
        rows = session.exec(
            select(Delivery.message_id, Delivery.id, Delivery.enrollment_id, Lead)
            .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
            .join(Lead, col(Lead.id) == Enrollment.lead_id)
            .where(col(Delivery.message_id).in_(chunk))
        )
        for message_id, delivery_id, enrollment_id, lead in rows:
            match = Match("thread", lead.id or 0, lead.email, enrollment_id, delivery_id)
            found.by_message_id[str(message_id)] = match


def _read_leads(
    session: Session, found: Directory, addresses: Collection[str], mailbox_id: int | None
) -> None:
    for chunk in chunks(addresses, IDS_AT_ONCE):
        leads = session.exec(select(Lead.id, Lead.email).where(col(Lead.email).in_(chunk))).all()
        runs = _latest_runs(session, [lead_id for lead_id, _ in leads if lead_id], mailbox_id)
        for lead_id, email in leads:
            found.by_address[email] = Match("address", lead_id or 0, email, runs.get(lead_id or 0))


def _latest_runs(session: Session, lead_ids: list[int], mailbox_id: int | None) -> dict[int, int]:
    """Give by lead the run that was mailed last, rather from this mailbox than from another, rather live than ended."""
    rows = session.exec(
        select(Enrollment, func.max(Delivery.sending_at))
        .outerjoin(Delivery, col(Delivery.enrollment_id) == col(Enrollment.id))
        .where(col(Enrollment.lead_id).in_(lead_ids))
        .group_by(col(Enrollment.id))
    )

    def rank(row: tuple[Enrollment, datetime | None]) -> tuple[object, ...]:
        run, mailed_at = row
        return (mailed_at is not None and run.mailbox_id == mailbox_id, mailed_at or run.enrolled_at,
                run.status in LIVE, run.id)  # fmt: skip

    return {run.lead_id: run.id or 0 for run, _ in sorted(rows, key=rank)}  # the last one of each wins


def _read_domains(
    session: Session, found: Directory, domains: Collection[str], mailbox_id: int | None
) -> None:
    """Read, by company, the lead that was mailed last from this mailbox."""
    for domain, lead_id, email, enrollment_id, _ in _mailed(
        session, col(Lead.domain).in_(domains), mailbox_id
    ):
        found.by_domain[domain] = Match("company", lead_id, email, enrollment_id)


def _read_subjects(
    session: Session, found: Directory, subjects: Collection[str], mailbox_id: int | None
) -> None:
    """Read, by subject, the one lead that got a mail with it; two leads with one subject are no match."""
    many: set[str] = set()
    for _, lead_id, email, enrollment_id, subject in _mailed(
        session, col(Delivery.subject).in_(subjects), mailbox_id
    ):
        before = found.by_subject.get(subject)
        if before is not None and before.lead_id != lead_id:
            many.add(subject)
        found.by_subject[subject] = Match("subject", lead_id, email, enrollment_id)
    for subject in many:
        del found.by_subject[subject]


def _mailed(
    session: Session, which: ColumnElement[bool], mailbox_id: int | None
) -> Iterator[tuple[str, int, str, int, str]]:
    """Give (domain, lead, address, run, subject) of mails that left this mailbox, oldest first; None: any."""
    query = (
        select(Lead, Delivery.enrollment_id, Delivery.subject)
        .join(Enrollment, col(Enrollment.lead_id) == col(Lead.id))
        .join(Delivery, col(Delivery.enrollment_id) == col(Enrollment.id))
        .where(which, col(Delivery.state).in_([DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value]))
        .order_by(col(Delivery.sending_at), col(Delivery.id))
    )
    if mailbox_id is not None:
        query = query.where(Delivery.mailbox_id == mailbox_id)
    for lead, enrollment_id, subject in session.exec(query):
        yield lead.domain, lead.id or 0, lead.email, enrollment_id, subject
