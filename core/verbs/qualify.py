"""Qualified or not: the person is handed on or given up, so the rest of their sequences stops and their stage says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from core.acts import apply, open_batch
from core.address import is_free_mail
from core.answers import Answer
from core.chunks import chunks
from core.errors import Refused
from core.grammar.commands import Qualify
from core.lifecycle import LIVE, Stop
from core.models import Enrollment, Lead
from core.models.leads import NOT_QUALIFIED, QUALIFIED
from core.people import Actor
from core.verbs import proposals, stages
from core.verbs.choosing import asks_first, by_ids, describe, domains_of, lead_ids, lock_leads
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.words import counted, listed

STAGES = {"qualify": QUALIFIED, "unqualify": NOT_QUALIFIED}


def qualify(
    session: Session, order: Qualify, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Stop leads in every sequence and set their stage, in one batch; `only` names the leads that were confirmed."""
    ids = list(only) if only is not None else _meant(session, order, actor)
    domains = domains_of(order.who)
    if order.whole_company and only is None:
        domains = tuple(sorted({lead.domain for lead in _leads(session, ids)}))
    if only is None and (asks_first(order.who, len(ids)) or (domains and len(ids) > 1)):
        places = by_ids(session, _live(session, ids))
        title = f"Mark {counted(len(ids), 'lead')} as {STAGES[order.verb]} and stop {counted(len(places), 'enrollment')}?"
        lines = proposals.overview(session, places, domains, ids)
        return proposals.ask(session, order, title, lines, ids, actor=actor, now=now)
    locked = lock_leads(session, ids)
    stage, batch_id = STAGES[order.verb], open_batch(session, order.verb, actor=actor, now=now)
    live = _live(session, ids)
    stopped = apply(
        session,
        live,
        lambda _: Stop(),
        verb=order.verb,
        actor=actor,
        now=now,
        reason=stage,
        batch_id=batch_id,
    )
    staged = stages.move(session, locked, stage, verb=order.verb, actor=actor, now=now, batch_id=batch_id)
    if not stopped.changes and not staged:
        raise Refused(_nothing(order, locked))
    where = sorted({change.row.sequence.name for change in stopped.changes})
    done = f" and stopped {'them' if len(locked) > 1 else 'it'} in {listed(where)}" if where else ""
    who = locked[0].email if len(locked) == 1 else counted(len(locked), "lead")
    lines = (
        *stopped.refusals,
        "Nothing more is sent to them." if where else "No sequence of theirs was running.",
    )
    answer = Answer(
        f"Marked {who} as {stage}{done}.",
        lines,
        card_leads=tuple(ids) if len(ids) == 1 else (),
        batch_id=batch_id,
    )
    return Outcome(answer, begun(session, live))


def _meant(session: Session, order: Qualify, actor: Actor) -> list[int]:
    """Give the leads that are named, or everybody of their companies; raises Refused where there is no company."""
    ids = lead_ids(session, order.who, actor=actor)
    if not order.whole_company:
        return ids
    leads = _leads(session, ids)
    strangers = [lead.email for lead in leads if not lead.domain or is_free_mail(lead.domain)]
    if strangers:
        raise Refused(
            f"{listed(strangers[:3])} {'has' if len(strangers) == 1 else 'have'} an address that strangers share, "
            f"not a company's; write `{order.verb}` without `company`."
        )
    domains = sorted({lead.domain for lead in leads})
    found = session.exec(select(Lead.id).where(col(Lead.domain).in_(domains)).order_by(col(Lead.id)))
    return [lead_id for lead_id in found if lead_id is not None]


def _leads(session: Session, ids: Sequence[int]) -> list[Lead]:
    return [
        lead for chunk in chunks(ids) for lead in session.exec(select(Lead).where(col(Lead.id).in_(chunk)))
    ]


def _live(session: Session, ids: Sequence[int]) -> list[int]:
    """Give the runs of these leads that have not ended."""
    found: list[int] = []
    for chunk in chunks(ids):
        query = select(Enrollment.id).where(
            col(Enrollment.lead_id).in_(chunk), col(Enrollment.status).in_(LIVE)
        )
        found += [enrollment_id for enrollment_id in session.exec(query) if enrollment_id is not None]
    return found


def _nothing(order: Qualify, locked: Sequence[Lead]) -> str:
    who = locked[0].email if len(locked) == 1 else f"Every lead {describe(order.who)}".strip()
    return f"{who} is {STAGES[order.verb]} already, and no sequence is running; nothing was changed."
