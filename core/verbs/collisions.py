"""What a colleague answers who was asked about leads of theirs: accept, decline, hand over; or the asker: withdraw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from core import owners
from core.acts import open_batch
from core.answers import Answer
from core.collisions import KIND, LET_IN, State, draw, emails, find, settle
from core.errors import Refused
from core.grammar.commands import Press
from core.models import LARGEST_ID, Batch, Collision, Journal, Member
from core.names import name_of
from core.people import SYSTEM, Actor
from core.plain import shown
from core.verbs import runs
from core.verbs.choosing import lock_leads
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.views.collision import verdict

ANSWERS = {
    "accept": State.ACCEPTED,
    "decline": State.DECLINED,
    "hand over": State.HANDED_OVER,
    "withdraw": State.WITHDRAWN,
}
CLOSING = frozenset({State.DECLINED, State.WITHDRAWN})
GONE = "That question is no longer here."


def press(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do what was answered, once and in time; whoever comes later is told who was first."""
    if order.answer not in ANSWERS or order.until is not None:
        raise Refused(
            f"“{shown(order.answer)}” is no answer here; say accept, decline, hand over or withdraw."
        )
    row = _locked(session, order.number)
    state = _meant(session, row, ANSWERS[order.answer], actor=actor, now=now)
    if row.state == State.OPEN and now >= row.expires_at:
        settle(session, row, State.EXPIRED, actor=SYSTEM, now=now)
    if row.state != State.OPEN:
        draw(session, row, now=now)
        zone, _ = zone_of(session, actor)
        return Outcome(Answer(f"{verdict(session, row, zone=zone)} Nothing was changed.", is_refusal=True))
    if state in CLOSING:
        settle(session, row, state, actor=actor, now=now)
        done = "Withdrawn" if state is State.WITHDRAWN else "Declined"
        return Outcome(Answer(f"{done}: nobody was enrolled."))
    return _let_in(session, row, state, actor=actor, now=now)


def _locked(session: Session, number: str) -> Collision:
    """Give the question, its leads locked first, as everything else does."""
    row_id = int(number) if number.isdecimal() else 0
    row = session.get(Collision, row_id) if 0 < row_id <= LARGEST_ID else None
    if row is None:
        raise Refused(GONE)
    lock_leads(session, row.lead_ids)
    return _again(session, row)


def _again(session: Session, row: Collision) -> Collision:
    """Give the same question locked, as it stands now."""
    query = select(Collision).where(Collision.id == row.id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def _meant(session: Session, row: Collision, state: State, *, actor: Actor, now: datetime) -> State:
    """Give what the answer means from this person; raises Refused from whom it does not count."""
    if actor.id in {row.colleague, owners.stands_for(session, row.colleague, now=now)}:
        return State.DECLINED if state is State.WITHDRAWN else state
    if actor.id == row.asker and state in CLOSING:
        return State.WITHDRAWN
    raise Refused(
        f"{name_of(session, row.colleague)} was asked, so only they can answer; nothing was changed."
    )


def _let_in(session: Session, row: Collision, state: State, *, actor: Actor, now: datetime) -> Outcome:
    """Enroll what can still be enrolled, as the asker's act; of a lead that is another's by now, that one is asked."""
    asker = _asker(session, row)
    batch_id, moved = open_batch(session, "start", actor=asker, now=now), list[int]()
    if state is State.HANDED_OVER:
        clashes = find(session, row.lead_ids, actor=asker, now=now)
        given = [i for i in row.lead_ids if i not in clashes or clashes[i].may_answer(row.colleague)]
        moved = owners.give(session, given, asker.id, actor=actor, now=now, batch_id=batch_id)
    settle(session, row, state, actor=actor, now=now, batch_id=batch_id)
    outcome = runs.start_these(
        session,
        row.lead_ids,
        row.sequence_id,
        actor=replace(asker, zone=actor.zone),  # whose answer it is
        now=now,
        is_restart=False,
        agreed=row.colleague,
        batch_id=batch_id,
    )
    done = "Handed over" if state is State.HANDED_OVER else "Accepted"
    answer = replace(
        outcome.answer,
        title=f"{done}; {outcome.answer.title[:1].lower()}{outcome.answer.title[1:]}",
        card_leads=(),
        batch_id=batch_id if moved else outcome.answer.batch_id,
    )
    return replace(outcome, answer=answer)


def _asker(session: Session, row: Collision) -> Actor:
    member = session.get(Member, row.asker)
    if member is None or member.is_deleted or member.is_guest:
        raise Refused(f"{name_of(session, row.asker)} is no longer here, so nobody is enrolled; decline it.")
    return Actor(member.id, member.name, member.zone)


def take_back(
    session: Session, asked: Iterable[Collision], *, actor: Actor, now: datetime, batch_id: int
) -> tuple[list[str], list[str]]:
    """Close what an act asked, its leads locked: what is taken back, and what a colleague has let in before, in sentences."""
    done, left = list[str](), list[str]()
    zone, _ = zone_of(session, actor)
    for row in [_again(session, one) for one in asked]:
        about, who = emails(session, row.lead_ids), name_of(session, row.colleague)
        if row.state == State.OPEN and now < row.expires_at:
            settle(session, row, State.WITHDRAWN, actor=actor, now=now, batch_id=batch_id)
            done.append(f"The question to {who} is taken back, and nobody of these is enrolled: {about}.")
        elif row.state in LET_IN:
            undo = f"`undo {row.batch_id}` takes that back."
            left.append(f"{about}: {verdict(session, row, zone=zone)} {undo}")
    return done, left


def standing(session: Session, batch: Batch, *, actor: Actor, now: datetime) -> list[str]:
    """Name what the person of an act asked earlier and still waits for, about the sequences of the act."""
    began = Journal.batch_id == batch.id, col(Journal.verb).in_(["start", f"{KIND} {State.OPEN}"])
    still_open = select(Collision).where(
        Collision.asker == batch.actor,
        Collision.state == State.OPEN.value,
        Collision.expires_at > now,
        col(Collision.sequence_id).in_(select(Journal.sequence_id).where(*began)),
    )
    asker = "" if actor.id == batch.actor else f" by {name_of(session, batch.actor)}"
    return [
        f"{name_of(session, row.colleague)} was asked earlier and may still say yes about {emails(session, row.lead_ids)}: "
        f"`card {KIND} {row.id} withdraw`{asker} takes that back."
        for row in session.exec(still_open.order_by(col(Collision.id)))
    ]
