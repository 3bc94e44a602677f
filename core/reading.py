"""Reading mailboxes, as the database knows it: who reads which, how far, when last, and who must be told that nobody can.

One process reads a mailbox at a time, under a lease. That only saves work: what two have read acts once all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, text, update
from sqlmodel import Session, col, func, select

from core import cards, postbox
from core.db import Database
from core.journal import note
from core.mailboxes import unread_before
from core.models import (
    WORKSPACE_ID,
    Card,
    Enrollment,
    Folder,
    Mailbox,
    Sequence,
    SequenceStatus,
    Workspace,
)
from core.people import SYSTEM

LEASE = timedelta(seconds=60)
DOWN_FOR = timedelta(minutes=5)  # a server that is restarted is nobody's business
NOBODY = "no worker is reading it"


def readable(db: Database) -> list[Mailbox]:
    """Give the mailboxes that have something to read."""
    with db.read() as session:
        query = select(Mailbox).where(col(Mailbox.imap_host).is_not(None)).order_by(col(Mailbox.id))
        return list(session.exec(query))


# How far


def marks(db: Database, mailbox_id: int) -> dict[str, Folder]:
    """Give by name how far each folder of a mailbox has been read; core.inbox.receive moves them on."""
    with db.read() as session:
        found = session.exec(select(Folder).where(Folder.mailbox_id == mailbox_id))
        return {folder.name: folder for folder in found}


def forget(session: Session, mailbox_id: int, names: Collection[str] | None = None) -> None:
    """Drop the marks of folders that are no longer read, None: of all; what is found there again is read anew."""
    query = delete(Folder).where(col(Folder.mailbox_id) == mailbox_id)
    session.execute(query if names is None else query.where(col(Folder.name).in_(names)))


# By whom


def take(db: Database, mailbox_id: int, reader: str, *, now: datetime, lease: timedelta = LEASE) -> bool:
    """Say whether this reader has the mailbox until `now` + `lease`; asking again renews it."""
    free = or_(
        col(Mailbox.reader).is_(None),
        col(Mailbox.reader) == reader,
        col(Mailbox.reader_until).is_(None),
        col(Mailbox.reader_until) <= now,
    )
    query = update(Mailbox).where(col(Mailbox.id) == mailbox_id, col(Mailbox.imap_host).is_not(None), free)
    with db.write() as session:
        done = session.connection().execute(query.values(reader=reader, reader_until=now + lease))
        return done.rowcount == 1


def leave(db: Database, mailbox_id: int, reader: str) -> None:
    """Let the next reader have it at once."""
    query = update(Mailbox).where(col(Mailbox.id) == mailbox_id, col(Mailbox.reader) == reader)
    with db.write() as session:
        session.execute(query.values(reader=None, reader_until=None))


# When last


def was_read(db: Database, mailbox_id: int, *, at: datetime, now: datetime) -> None:
    """Record that whatever came before `at` has been taken in."""
    with db.write() as session:
        mailbox = _locked(session, mailbox_id)
        if mailbox is None:
            return
        mailbox.read_at = max(at, mailbox.read_at or at)
        if mailbox.unread_because is not None:
            mailbox.unread_because = None
            note(session, "mailbox read", actor=SYSTEM, now=now, reason=mailbox.address)
            postbox.touch(session, mailbox_id)
        session.add(mailbox)


def could_not_read(db: Database, mailbox_id: int, because: str, *, now: datetime) -> None:
    """Record why a mailbox cannot be read."""
    with db.write() as session:
        mailbox = _locked(session, mailbox_id)
        if mailbox is not None:
            _is_unread(session, mailbox, because, now)


def _is_unread(session: Session, mailbox: Mailbox, because: str, now: datetime) -> None:
    if mailbox.unread_because is None:
        note(session, "mailbox unread", actor=SYSTEM, now=now, reason=f"{mailbox.address}: {because}")
    if mailbox.unread_because != because:
        mailbox.unread_because = because
        session.add(mailbox)
        postbox.redraw(session, mailbox.id or 0)


def _locked(session: Session, mailbox_id: int) -> Mailbox | None:
    return session.exec(select(Mailbox).where(Mailbox.id == mailbox_id).with_for_update()).first()


# Who must be told


def waiting(session: Session, mailbox_id: int, *, now: datetime, is_follow_up: bool) -> int:
    """Give how many steps of a mailbox are due, or only those that follow a mail."""
    query = select(func.count(col(Enrollment.id))).join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    return session.exec(
        query.where(Enrollment.mailbox_id == mailbox_id, *_due(now, is_follow_up=is_follow_up))
    ).one()


def watch(db: Database, *, now: datetime, busy: Iterable[int] = ()) -> list[int]:
    """Want one card for each mailbox that keeps due steps waiting, and give their ids: unread too long, or down.

    `busy` are mailboxes that are being read right now, such as those with a long backlog.
    """
    with db.read() as session:
        found = _in_trouble(session, now, frozenset(busy))
    told = []
    for mailbox_id in found:
        with db.write() as session:
            mailbox = _locked(session, mailbox_id)
            if mailbox is not None and _tell(session, mailbox, now):
                told.append(mailbox_id)
    return told


def _in_trouble(session: Session, now: datetime, busy: frozenset[int]) -> list[int]:
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    since = unread_before(workspace.read_within_seconds, now)
    unread = and_(
        col(Mailbox.imap_host).is_not(None),
        or_(col(Mailbox.read_at).is_(None), col(Mailbox.read_at) < since),
        col(Mailbox.created_at) < since,
        or_(
            col(Mailbox.unread_because).is_not(None),
            and_(
                col(Mailbox.id).not_in(busy),
                or_(col(Mailbox.reader_until).is_(None), col(Mailbox.reader_until) < now),
            ),
        ),
        _has_due(now, is_follow_up=True),
    )
    down = and_(col(Mailbox.down_at) <= now - DOWN_FOR, _has_due(now, is_follow_up=False))
    query = select(Mailbox.id).where(or_(unread, down)).order_by(col(Mailbox.id))
    return [mailbox_id for mailbox_id in session.exec(query) if mailbox_id is not None]


def _has_due(now: datetime, *, is_follow_up: bool) -> ColumnElement[bool]:
    query = select(Enrollment.id).join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    where = (col(Enrollment.mailbox_id) == col(Mailbox.id), *_due(now, is_follow_up=is_follow_up))
    return query.where(*where).exists()


def _due(now: datetime, *, is_follow_up: bool) -> tuple[ColumnElement[bool], ...]:
    # 'pending' as a literal, for the partial index; send_at, since what waits may have been told to look later.
    pending: ColumnElement[bool] = text("enrollment.status = 'pending'")  # type: ignore[assignment]
    published = col(Sequence.status) == SequenceStatus.PUBLISHED.value
    started = (col(Enrollment.has_started).is_(True),) if is_follow_up else ()
    return pending, col(Enrollment.send_at) <= now, published, *started


def _tell(session: Session, mailbox: Mailbox, now: datetime) -> bool:
    """Want the mailbox's card, once for each trouble; an old one stays as it ended, and a new message is posted."""
    begins = [mailbox.down_at] if mailbox.down_at else []
    if mailbox.imap_host:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        if mailbox.read_at is None or mailbox.read_at < unread_before(workspace.read_within_seconds, now):
            begins.append(mailbox.read_at or mailbox.created_at)
            if mailbox.unread_because is None:
                _is_unread(session, mailbox, NOBODY, now)
    if not begins:
        return False
    key = postbox.card_key(mailbox.id or 0)
    card = session.exec(select(Card).where(Card.key == key)).first()
    if card is not None:
        if card.created_at >= min(begins) or card.wanted > card.drawn:
            return False
        card.ts, card.created_at = None, now
    postbox.touch(session, mailbox.id or 0)
    cards.show(session, key, channel=cards.channel_of(session, None), about_id=mailbox.id, now=now)
    return True
