"""What comes back, taken in: matched to its lead, judged, kept, acted upon, and shown; once, however often it arrives.

`receive` is the one way in, for the IMAP reader, the webhook and the command line alike; what a mail service tells of a
mail joins it in `receive_reports`. Messages that concern no lead leave no trace, but that the guard counts complaints; what came by a list or to many is an answer only where it names a mail of ours. What is matched without proof (by subject or by company) holds mail and asks, and does no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Table
from sqlmodel import Session, col, select

from core import guarding
from core.acts import tried
from core.db import Database, upsert
from core.errors import Refused
from core.inbound import Complaint, Envelope, Findings, Kind, envelope, judge
from core.inbox.acting import act, settle_by_evidence, stored
from core.inbox.correcting import correct
from core.inbox.matching import Directory, Match, directory
from core.models import Folder, Mailbox, Message
from core.verbs.choosing import lock_leads

__all__ = [
    "MOST_BYTES",
    "FolderMark",
    "Match",
    "Raw",
    "Received",
    "Report",
    "correct",
    "receive",
    "receive_content",
    "receive_reports",
]

MESSAGES: Table = Message.__table__  # type: ignore[attr-defined]
FOLDERS: Table = Folder.__table__  # type: ignore[attr-defined]
MOST_BYTES = 2_000_000  # as much as is looked at of a message that did not come from a mailbox
BODY_BYTES_IN_KEY = (
    32_768  # less than is read of the largest message, so that a message cut short is known again
)
SUBJECT_CHARS = 300


@dataclass(frozen=True)
class Raw:
    """A message as it came: `came_at` is when the server took it, `is_cut` that only its beginning was read."""

    content: bytes
    came_at: datetime
    is_cut: bool = False


@dataclass(frozen=True)
class FolderMark:
    """How far a folder has then been read."""

    name: str
    uidvalidity: int
    last_uid: int


@dataclass(frozen=True)
class Received:
    """What became of one message. `kind` None: it concerns no lead. `is_new` False: it had been taken in before."""

    kind: str | None
    lead: str | None = None
    message_id: int | None = None  # of the row
    outcome: str = ""
    is_new: bool = True
    delivery_id: int | None = None


@dataclass(frozen=True)
class Report:
    """What a mail service tells of a mail. `findings` None: only that it left. `key` makes it the same when it comes again.

    `message_id`: the mail's; "" where it is not told, and then `email` says whom it may concern.
    """

    key: str
    message_id: str
    email: str
    findings: Findings | None = None


@dataclass(frozen=True)
class _Judged:
    raw: Raw
    envelope: Envelope
    key: str
    findings: Findings | None  # None: our own mail, or nobody's
    match: Match | None


OWN = "own"
NO_ENVELOPE = Envelope(None, (), (), "", (), "", may_be_report=True)
_JUDGED_KINDS = frozenset({Kind.BOUNCE, Kind.COMPLAINT})
CUT = "The message is very large, so only its beginning was read; look at it in the mailbox."


def receive(
    db: Database,
    raws: Sequence[Raw],
    *,
    mailbox_id: int | None,
    now: datetime,
    folder: FolderMark | None = None,
) -> list[Received]:
    """Give what became of each message; everything it causes is one transaction, with the folder's mark in it.

    Judging comes before it, so that no lock is held meanwhile. `mailbox_id` None: it came by another way.
    """
    return _received(db, _judged(db, raws, mailbox_id), mailbox_id=mailbox_id, now=now, folder=folder)


def receive_reports(db: Database, reports: Sequence[Report], *, now: datetime) -> list[Received]:
    """Give what became of each report: it does what a bounce or a complaint does that was read from a mailbox."""
    with db.read() as session:
        known = directory(
            session,
            [],
            mailbox_id=None,
            message_ids={one.message_id for one in reports},
            addresses={one.email for one in reports if not one.message_id and one.findings},
        )
    judged = [
        _Judged(
            Raw(b"", now),
            NO_ENVELOPE,
            hashlib.sha256(one.key.encode()).hexdigest(),
            one.findings,
            known.by_message_id.get(one.message_id) if one.message_id else known.by_address.get(one.email),
        )
        for one in reports
    ]
    return _received(db, judged, mailbox_id=None, now=now)


def _received(
    db: Database,
    judged: Sequence[_Judged],
    *,
    mailbox_id: int | None,
    now: datetime,
    folder: FolderMark | None = None,
) -> list[Received]:
    def take_in(session: Session) -> list[Received]:
        lock_leads(session, {one.match.lead_id for one in judged if one.match})
        done = [_take_in(session, one, mailbox_id, now) for one in judged]
        if folder is not None and mailbox_id is not None:
            _mark(session, mailbox_id, folder)
        return done

    done = tried(db, take_in)
    if came := [
        one.message_id for one in done if one.is_new and one.message_id and one.kind in _JUDGED_KINDS
    ]:
        with db.read() as session:
            about = session.exec(select(Message.delivery_id).where(col(Message.id).in_(came)))
            deliveries = [delivery_id for delivery_id in about if delivery_id]
        guarding.judge(db, now=now, deliveries=deliveries)
    return done


def receive_content(db: Database, content: bytes, *, mailbox: str = "", now: datetime) -> Received:
    """Give what became of one message that came by another way than a mailbox: by the hook, or in a file.

    `mailbox`: its address, "" for the one that it is addressed to. Raises Refused where there is none of that address.
    """
    raw = Raw(content[:MOST_BYTES], now, is_cut=len(content) > MOST_BYTES)
    with db.read() as session:
        known = dict(session.exec(select(Mailbox.address, Mailbox.id)).all())
    if mailbox and mailbox not in known:
        raise Refused(f"{mailbox} is no mailbox here; `fermata mailbox list` shows them.")
    candidates = [mailbox] if mailbox else envelope(raw.content).recipients
    mailbox_id = next((known[one] for one in candidates if one in known), None)
    [received] = receive(db, [raw], mailbox_id=mailbox_id, now=now)
    return received


def _judged(db: Database, raws: Sequence[Raw], mailbox_id: int | None) -> list[_Judged]:
    envelopes = [envelope(raw.content) for raw in raws]
    # A report names the mail it is about inside; anything else is judged only if it concerns somebody.
    reports = {
        n: judge(raws[n].content, received=raws[n].came_at)
        for n, head in enumerate(envelopes)
        if head.may_be_report
    }
    bounces = [found.bounce for found in reports.values() if found.bounce]
    inside = {i for found in reports.values() for i in found.about} | {b.message_id or "" for b in bounces}
    whom = {found.recipient or "" for found in bounces}
    whom |= {found.complaint.recipient or "" for found in reports.values() if found.complaint}
    with db.read() as session:
        known = directory(session, envelopes, mailbox_id=mailbox_id, message_ids=inside, addresses=whom)
    return [
        _concerned(raw, head, reports.get(n), known)
        for n, (raw, head) in enumerate(zip(raws, envelopes, strict=True))
    ]


def _concerned(raw: Raw, head: Envelope, report: Findings | None, known: Directory) -> _Judged:
    key = _key(raw.content, head)
    if head.message_id in known.by_message_id or (report is None and known.is_own(head)):
        return _Judged(raw, head, key, None, known.by_message_id.get(head.message_id or ""))
    if report is not None and report.kind in {Kind.BOUNCE, Kind.COMPLAINT}:
        return _Judged(raw, head, key, report, _reported(report, head, known))
    match = known.match(head)
    if match is None:
        return _Judged(raw, head, key, None, None)
    findings = report or judge(raw.content, received=raw.came_at)
    if findings.kind is Kind.REPLY and head.is_bulk and match.how != "thread":
        return _Judged(raw, head, key, replace(findings, kind=Kind.AUTOMATIC, cause=""), match)
    if raw.is_cut and not findings.cause:
        findings = replace(findings, cause=CUT)
    return _Judged(raw, head, key, findings, match)


def _reported(report: Findings, head: Envelope, known: Directory) -> Match | None:
    """Give the lead whose mail a bounce or a complaint is about; a mail that we never sent is nobody's.

    Only a report that quotes no Message-ID at all is believed by its address, and proves nothing then.
    """
    bounce, told = report.bounce, report.bounce or report.complaint
    named = [i for i in (bounce.message_id if bounce else None, *report.about) if i]
    if found := known.by_ids([*named, *head.answers]):
        return found
    if named:
        return None
    return known.by_address.get(told.recipient or "") if told else None


def _key(content: bytes, head: Envelope) -> str:
    """Give what tells one message from another: its Message-ID and its content, not the path that it took."""
    _, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    what = (head.message_id or "", head.subject if head.message_id is None else "", *head.senders[:1])
    digest = hashlib.sha256("\n".join(what).encode(errors="replace"))
    digest.update(body[:BODY_BYTES_IN_KEY].strip())
    return digest.hexdigest()


def _take_in(session: Session, one: _Judged, mailbox_id: int | None, now: datetime) -> Received:
    if one.findings and one.findings.complaint and not (one.match and one.match.delivery_id):
        _count(session, one, one.findings.complaint, mailbox_id, now)
    if one.match is None:
        return Received(None)
    email, delivery_id = one.match.email, one.match.delivery_id
    settle_by_evidence(session, delivery_id, now=now)
    if one.findings is None:  # our own mail, seen in a mailbox: the proof that it left
        return Received(OWN, email, delivery_id=delivery_id)
    kind, message_id = one.findings.kind, _keep(session, one, one.findings, one.match, mailbox_id, now)
    if message_id is None:
        return Received(kind, email, is_new=False, delivery_id=delivery_id)
    outcome = act(session, message_id, one.findings, one.match, now=now)
    return Received(kind, email, message_id, outcome, delivery_id=delivery_id)


def _count(
    session: Session, one: _Judged, complaint: Complaint, mailbox_id: int | None, now: datetime
) -> None:
    """Let the guard count a complaint that names no mail of ours: for the mailbox it names, else for the one that got it."""
    if complaint.senders:
        named = col(Mailbox.address).in_(complaint.senders)
        mailbox_id = session.exec(select(Mailbox.id).where(named).order_by(Mailbox.address)).first()
    if mailbox_id is not None:
        came_at = min(one.raw.came_at, now)
        guarding.count_complaint(session, mailbox_id, one.key, complaint.recipient or "", came_at=came_at)


def _keep(
    session: Session, one: _Judged, findings: Findings, match: Match, mailbox_id: int | None, now: datetime
) -> int | None:
    """Give the id of the message's new row, None where it has one already."""
    head = one.envelope
    place = upsert(session, MESSAGES).values(
        key=one.key,
        message_id=head.message_id,
        mailbox_id=mailbox_id,
        lead_id=match.lead_id,
        enrollment_id=match.enrollment_id,
        delivery_id=match.delivery_id,
        came_at=min(one.raw.came_at, now),
        matched_by=match.how,
        sender=head.senders[0] if head.senders else "",
        sender_name=head.sender_name,
        subject=head.subject[:SUBJECT_CHARS],
        text=findings.text,
        kind=findings.kind.value,
        judged_kind=findings.kind.value,
        findings=stored(findings),
        outcome="",
    )
    found = session.connection().execute(place.on_conflict_do_nothing().returning(MESSAGES.c.id)).first()
    return found[0] if found else None


def _mark(session: Session, mailbox_id: int, folder: FolderMark) -> None:
    values = {"uidvalidity": folder.uidvalidity, "last_uid": folder.last_uid}
    place = upsert(session, FOLDERS).values(mailbox_id=mailbox_id, name=folder.name, **values)
    # Two that read the same folder may commit in any order; the mark never goes back within one UIDVALIDITY.
    is_further = (FOLDERS.c.uidvalidity != folder.uidvalidity) | (FOLDERS.c.last_uid < folder.last_uid)
    session.connection().execute(
        place.on_conflict_do_update(index_elements=["mailbox_id", "name"], set_=values, where=is_further)
    )
