"""The question to a colleague: asked once, answered in time or not at all; until then nobody is enrolled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, text
from sqlmodel import Session, col, func, select

from core import cards
from core.acts import JOURNAL
from core.collisions.rule import Clash, find
from core.dates import say
from core.db import Database
from core.models import WORKSPACE_ID, Batch, Collision, Journal, Lead, Member, Workspace
from core.names import SLACK_ID, name_of
from core.people import SYSTEM, Actor
from core.schedule import Calendar, Delay, Unit, due_after
from core.sql import spelling
from core.words import counted, some

KIND = "collision"
TIME_TO_ANSWER = Delay(3, Unit.BUSINESS_DAYS)
_OPEN = text("collision.state = 'open'")  # as a literal, for the partial index


class State(StrEnum):
    """What became of a question; EXPIRED counts as declined."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    HANDED_OVER = "handed_over"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


LET_IN = frozenset({State.ACCEPTED, State.HANDED_OVER})


@dataclass(frozen=True)
class HeldBack:
    """The leads that are not enrolled yet, and what the person who wanted it is told.

    asked: about how many of them somebody was asked now; the others wait for the answer to an earlier question.
    """

    lead_ids: frozenset[int] = frozenset()
    lines: tuple[str, ...] = ()
    asked: int = 0


def hold_back(
    session: Session,
    lead_ids: Iterable[int],
    sequence_id: int,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
    agreed: str = "",
) -> HeldBack:
    """Ask the colleagues of these leads, which are locked, and give those that must wait; `agreed`: who has said yes.

    Where nobody can be told the answer, as in a terminal, nobody is asked: the leads are named and go ahead.
    """
    clashes = find(session, lead_ids, actor=actor, now=now)
    waiting = [clash for clash in clashes.values() if not clash.may_answer(agreed)]
    if not is_asking(actor):
        return HeldBack(lines=tuple(f"{line}; nobody was asked." for line in summary(waiting)))
    if not waiting:
        return HeldBack()
    return _ask(session, waiting, sequence_id, actor=actor, now=now, batch_id=batch_id)


def is_asking(actor: Actor) -> bool:
    """Say whether colleagues are asked before this one enrolls their leads: somebody in Slack, who gets the answer there."""
    return SLACK_ID.fullmatch(actor.id) is not None


def foreseen(session: Session, lead_ids: Iterable[int], *, actor: Actor, now: datetime) -> tuple[str, ...]:
    """Give what somebody should know before they enroll these leads: who works some of them, and is asked first."""
    clashes = find(session, lead_ids, actor=actor, now=now).values()
    return tuple(f"{line}{' and is asked first' if is_asking(actor) else ''}." for line in summary(clashes))


def summary(clashes: Iterable[Clash]) -> list[str]:
    """Give a clause for each colleague: how many leads are theirs or of companies they work."""
    count = Counter(clash.name for clash in clashes)
    return [
        f"{name} works {counted(number, 'lead')} of these or their company" for name, number in count.items()
    ]


def _ask(
    session: Session,
    clashes: Sequence[Clash],
    sequence_id: int,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> HeldBack:
    """Ask each colleague once about all of their leads; about a lead that waits for an answer nobody is asked again."""
    mine = select(Collision).where(Collision.asker == actor.id, Collision.sequence_id == sequence_id)
    still_open = session.exec(mine.where(_OPEN, Collision.expires_at > now)).all()
    asked = {lead_id: row for row in still_open for lead_id in row.lead_ids}
    groups: dict[int | str, list[Clash]] = {}
    for clash in clashes:
        row = asked.get(clash.lead_id)
        groups.setdefault((row and row.id) or clash.asked, []).append(clash)
    lines, new = [], 0
    for key, group in groups.items():
        before = asked.get(group[0].lead_id) if isinstance(key, int) else None
        row = before or _asked_now(session, group, sequence_id, actor=actor, now=now, batch_id=batch_id)
        new += 0 if before else len(group)
        until = say(row.expires_at, zone_of(session, actor.id))
        who, what = name_of(session, row.colleague), emails(session, [clash.lead_id for clash in group])
        waits = f"{counted(len(group), 'lead')} {'waits' if len(group) == 1 else 'wait'} for {who}'s yes until {until}: {what}."
        lines.append(f"{waits} {who} was asked before and is not asked again." if before else waits)
    return HeldBack(frozenset(clash.lead_id for clash in clashes), tuple(lines), new)


def _asked_now(
    session: Session, clashes: list[Clash], sequence_id: int, *, actor: Actor, now: datetime, batch_id: int
) -> Collision:
    asked = clashes[0].asked
    calendar = Calendar(None, zone_of(session, asked), None)
    row = Collision(
        asker=actor.id,
        colleague=asked,
        sequence_id=sequence_id,
        lead_ids=[clash.lead_id for clash in clashes],
        why="; ".join(summary(clashes)),
        created_at=now,
        expires_at=due_after(now, TIME_TO_ANSWER, calendar),
    )
    session.add(row)
    session.flush()
    reasons = {clash.lead_id: clash.why for clash in clashes}
    _journal(session, row, reasons, actor=actor, now=now, batch_id=batch_id)
    draw(session, row, now=now)
    return row


def asked_by(session: Session, batch: Batch, lines: Iterable[Journal]) -> list[Collision]:
    """Give the questions that one act, whose lines these are, asked."""
    about = {(line.sequence_id, line.lead_id) for line in lines if line.verb == f"{KIND} {State.OPEN}"}
    then = select(Collision).where(Collision.asker == batch.actor, Collision.created_at == batch.at)
    rows = session.exec(then.order_by(col(Collision.id))).all() if about else ()
    return [row for row in rows if (row.sequence_id, row.lead_ids[0]) in about]


def draw(session: Session, row: Collision, *, now: datetime) -> None:
    """Want the cards of both: the question, and where the asker sees what becomes of it."""
    for person in (row.colleague, row.asker):
        cards.show(session, f"{KIND}:{row.id}:{person}", channel=person, about_id=row.id, now=now)


def retold(session: Session, batch: Batch, *, now: datetime) -> None:
    """Have whoever saw what this act let in see that it was undone; the asker is told in a message of its own."""
    let_in = Collision.batch_id == batch.id, col(Collision.state).in_(LET_IN)
    for row in session.exec(select(Collision).where(*let_in)).all():
        draw(session, row, now=now)
        if batch.undone_by != row.asker:
            key = f"{KIND}:{row.id}:news:{batch.id}"
            cards.show(session, key, channel=row.asker, about_id=row.id, now=now)


def zone_of(session: Session, person: str) -> str:
    """Give the zone in which somebody reads dates, the workspace's where theirs is not known."""
    member = session.get(Member, person)
    return (member.zone if member else "") or session.get_one(Workspace, WORKSPACE_ID).zone


def emails(session: Session, lead_ids: list[int]) -> str:
    """Give the addresses of leads, the first few of many."""
    query = select(Lead.email).where(col(Lead.id).in_(spelling(session).these(lead_ids)))
    return some(session.exec(query.order_by(col(Lead.id))).all())


def _journal(
    session: Session,
    row: Collision,
    reasons: Mapping[int, str],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None,
) -> None:
    common = {"at": now, "actor": actor.id, "verb": f"{KIND} {row.state}", "sequence_id": row.sequence_id}
    lines = [
        {**common, "lead_id": i, "batch_id": batch_id, "reason": reason} for i, reason in reasons.items()
    ]
    session.execute(insert(JOURNAL), lines)


# Settling


def settle(
    session: Session,
    row: Collision,
    state: State,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None = None,
) -> None:
    """Close a question, which is locked; the asker is told in a message of its own, unless it was they who closed it."""
    row.state, row.settled_at, row.settled_by, row.batch_id = state.value, now, actor.id, batch_id
    session.add(row)
    session.flush()
    _journal(session, row, dict.fromkeys(row.lead_ids, ""), actor=actor, now=now, batch_id=batch_id)
    draw(session, row, now=now)
    if actor.id != row.asker:
        cards.show(session, f"{KIND}:{row.id}:news", channel=row.asker, about_id=row.id, now=now)


def expire_due(db: Database, *, now: datetime, limit: int = 200) -> int:
    """Give how many questions were closed because nobody answered them in time."""
    due = select(Collision).where(_OPEN, Collision.expires_at <= now).order_by(col(Collision.id)).limit(limit)
    with db.read() as session:
        if session.exec(due).first() is None:
            return 0
    with db.write() as session:
        # Of two workers the second waits here, and then finds them closed.
        rows = session.exec(due.with_for_update()).all()
        for row in rows:
            settle(session, row, State.EXPIRED, actor=SYSTEM, now=now)
        return len(rows)


def next_expiry(session: Session) -> datetime | None:
    """Give when the next question ends unanswered."""
    return session.exec(select(func.min(Collision.expires_at)).where(_OPEN)).one()
