"""What Prometheus is told: counts from the database, each from an index that holds only what is open.

A scrape costs the same at a thousand and at a million enrollments: nothing here looks at what is over and done, and what
could be many is counted up to MOST.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, func, select

from core import cards
from core.lifecycle import Source
from core.mailboxes import cap_on, day_of, free_at, handed_on, is_free, is_read, unread_before
from core.models import (
    WORKSPACE_ID,
    Card,
    Delivery,
    Enrollment,
    Hold,
    HookEvent,
    Mailbox,
    MailboxDay,
    Sequence,
    SequenceStatus,
    Workspace,
)

MOST = 100_000
MOST_JOINED = 10_000

Sample = tuple[str, float]


def figure(name: str, help_text: str, samples: Iterable[Sample], kind: str = "gauge") -> str:
    """Give one metric in Prometheus' text format."""
    head = f"# HELP fermata_{name} {help_text}\n# TYPE fermata_{name} {kind}\n"
    return head + "".join(f"fermata_{name}{labels} {value:.15g}\n" for labels, value in samples)


def labels(**named: str) -> str:
    """Give labels as they stand behind a metric's name; an address may hold a quotation mark."""
    escaped = {name: value.replace("\\", r"\\").replace('"', r"\"") for name, value in named.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"


def measure(session: Session, *, now: datetime) -> str:
    """Give all that the database tells."""
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    boxes = session.exec(select(Mailbox).order_by(col(Mailbox.id))).all()
    one = [
        ("halted", "1 while all sending is halted.", bool(workspace.halted_at)),
        ("cards_waiting", "Slack cards that are to be posted or redrawn.", _count(session, Card, _WAITS)),
        ("oldest_card_seconds", "How long the first card not yet posted waits.", _card_waits(session, now)),
        ("hook_events_waiting", "Events that hooks are to be told.", _count(session, HookEvent, _UNTOLD)),
        (
            "uncertain",
            "Deliveries of which a person must say whether they left.",
            _count(session, Delivery, _UNSURE),
        ),
        ("database_bytes", "Size of the database.", _database_bytes(session)),
    ]
    figures = [figure(name, words, [("", float(value))]) for name, words, value in one]
    if workspace.beat:
        age = now.timestamp() - workspace.beat
        figures.append(
            figure("sender_mark_age_seconds", "Since a sender left its mark; every 30 s.", [("", age)])
        )
    figures += [
        figure("cards_kept_back", "Slack cards that wait for Slack itself, by fault.", _faults(session)),
        figure("under_way", "Deliveries that a worker has in hand, by state.", _under_way(session)),
        figure("holds", "Open holds by what placed them; 100,000 stands for more.", _holds(session)),
        figure("sequences", "Sequences by status.", _sequences(session)),
        *_of_mailboxes(session, boxes, workspace, now),
    ]  # fmt: skip
    return "".join(figures)


# 'pending' and the like stand as literals: a bound parameter would miss the partial index on PostgreSQL.
_PENDING: Any = text("enrollment.status = 'pending'")
_WAITS: Any = text("wanted > drawn")
_UNTOLD: Any = text("told_at IS NULL AND given_up_at IS NULL")
# Of an index over several states SQLite must be told that this one is among them.
_WRONG = "state IN ('failed','uncertain','skipped')"
_UNSURE: Any = text(f"{_WRONG} AND state = 'uncertain' AND settled_at IS NULL")
_FAILED: Any = text(f"{_WRONG} AND state = 'failed'")


def _count(session: Session, table: Any, condition: ColumnElement[bool]) -> int:
    some = select(table.id).where(condition).limit(MOST).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def _card_waits(session: Session, now: datetime) -> float:
    waits = select(Card.created_at).where(_WAITS, col(Card.ts).is_(None), col(Card.kind) != "home")
    first = session.exec(waits.order_by(col(Card.created_at)).limit(1)).first()
    return max((now - first).total_seconds(), 0) if first else 0


def _database_bytes(session: Session) -> int:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    asked = pages if is_sqlite else "SELECT pg_database_size(current_database())"
    return int(session.connection().execute(text(asked)).scalar_one())


def _faults(session: Session) -> list[Sample]:
    """Give the cards by fault; with none, one figure of 0."""
    found = cards.troubles(session)
    return [(labels(fault=fault), number) for fault, number in found.items()] or [("", 0)]


def _under_way(session: Session) -> list[Sample]:
    is_open: Any = text("state IN ('claimed','sending')")
    found = dict(
        session.exec(select(Delivery.state, func.count()).where(is_open).group_by(Delivery.state)).all()
    )
    return [(labels(state=state), found.get(state, 0)) for state in ("claimed", "sending")]


def _holds(session: Session) -> list[Sample]:
    some = select(Hold.source).where(text("released_at IS NULL")).limit(MOST).subquery()
    found = dict(session.exec(select(some.c.source, func.count()).group_by(some.c.source)).all())
    return [(labels(source=source), found.get(source, 0)) for source in map(str, Source)]


def _sequences(session: Session) -> list[Sample]:
    found = dict(session.exec(select(Sequence.status, func.count()).group_by(Sequence.status)).all())
    return [(labels(status=status), found.get(status, 0)) for status in map(str, SequenceStatus)]


# Mailboxes


def _of_mailboxes(
    session: Session, boxes: Iterable[Mailbox], workspace: Workspace, now: datetime
) -> list[str]:
    """Give what is told of each mailbox."""
    states = ("guarded", "down", "unread")
    ever = dict(
        session.exec(
            select(MailboxDay.mailbox_id, func.sum(MailboxDay.handed)).group_by(col(MailboxDay.mailbox_id))
        ).all()
    )
    failed = _failed(session)
    samples: dict[str, list[Sample]] = {name: [] for name, _, _ in _MAILBOX_FIGURES}
    for box in boxes:
        own, day = labels(mailbox=box.address), day_of(box, now)
        samples["handed_total"].append((own, ever.get(box.id or 0, 0)))
        samples["handed_today"].append((own, handed_on(session, box, day)))
        samples["cap_today"].append((own, cap_on(box, day)))
        samples["failed_total"].append((own, failed.get(box.id or 0, 0)))
        samples["due"].append((own, _due(session, box, now)))
        samples["late_seconds"].append((own, _late(session, box, workspace, now)))
        why = (box.guarded_at, box.down_at, box.unread_because)
        samples["mailbox_is"] += [
            (labels(mailbox=box.address, what=what), bool(reason))
            for what, reason in zip(states, why, strict=True)
        ]
        if box.imap_host:
            read_at = box.read_at or box.created_at
            samples["mailbox_read_age_seconds"].append((own, (now - read_at).total_seconds()))
    return [figure(name, words, samples[name], kind) for name, kind, words in _MAILBOX_FIGURES]


_MAILBOX_FIGURES = (
    ("handed_total", "counter", "Mails that were handed over, or begun to be."),
    ("handed_today", "gauge", "The same of the mailbox's own day, as its cap counts them."),
    ("cap_today", "gauge", "Most mails of that day, ramp-up included."),
    ("failed_total", "counter", "Deliveries that failed; 100,000 stands for more."),
    ("due", "gauge", "Steps whose time has come, whatever holds them; 100,000 stands for more."),
    ("late_seconds", "gauge", "How long the first step has been due that nothing holds back: no halt, cap, window, guard."),
    ("mailbox_is", "gauge", "1 while the mailbox is guarded, down or unread."),
    ("mailbox_read_age_seconds", "gauge", "Since everything in the mailbox was last read."),
)  # fmt: skip


def _failed(session: Session) -> dict[int | None, int]:
    """Give the failed deliveries by mailbox."""
    some = select(Delivery.mailbox_id).where(_FAILED).limit(MOST).subquery()
    query = select(some.c.mailbox_id, func.count()).group_by(some.c.mailbox_id)
    return dict(session.exec(query).all())


def _due(session: Session, box: Mailbox, now: datetime) -> int:
    mine = (_PENDING, col(Enrollment.mailbox_id) == box.id, col(Enrollment.wake_at) <= now)
    some = select(Enrollment.wake_at).where(*mine).limit(MOST).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def _late(session: Session, box: Mailbox, workspace: Workspace, now: datetime) -> float:
    """Give for how long something could have left and did not; 0 while there is a reason that somebody knows of."""
    if workspace.halted_at or not is_free(box, now) or free_at(session, box, now) > now:
        return 0
    mine = [_PENDING, col(Enrollment.mailbox_id) == box.id, col(Enrollment.wake_at) <= now]
    if not is_read(box, unread_before(workspace.read_within_seconds, now)):
        mine.append(col(Enrollment.has_started).is_(False))
    some = select(Enrollment.sequence_id, Enrollment.wake_at).where(*mine)
    first = some.order_by(col(Enrollment.wake_at)).limit(MOST_JOINED).subquery()
    query = select(func.min(first.c.wake_at)).join(Sequence, col(Sequence.id) == first.c.sequence_id)
    since = session.exec(query.where(Sequence.status == SequenceStatus.PUBLISHED.value)).one()
    return max((now - since).total_seconds(), 0) if since else 0
