"""The notice that a goal was met by leads who were not started, and why."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core import goal_file
from core.answers import Choice, NoticeCard
from core.goals import library
from core.goals.acting import NOT_STARTED, SUPPRESSED
from core.grammar import to_text
from core.grammar.commands import Start, Who
from core.lifecycle import LIVE
from core.models import Card, Enrollment, Goal, GoalMet, Lead
from core.verbs.choosing import LEADS_WITHOUT_ASKING
from core.words import counted, some

ICON = "🎯"
GONE = "That goal is no longer here."
MOST_READ = 1000  # as many as one act of a goal is about


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give whom a goal could not start, why, and the button that starts them after all."""
    del now
    first = session.get(GoalMet, card.about_id) if card.about_id else None
    goal = session.get(Goal, first.goal_id) if first else None
    spec = goal_file.parsed(goal.spec) if goal else None
    if first is None or spec is None or spec.start is None:
        return NoticeCard(GONE, icon=ICON)
    found = session.exec(
        select(GoalMet, Lead.email)
        .join(Lead, col(Lead.id) == GoalMet.lead_id)
        .where(
            GoalMet.goal_id == first.goal_id,
            GoalMet.batch_id == first.batch_id,
            col(GoalMet.outcome).contains(NOT_STARTED),
        )
        .order_by(col(Lead.email))
        .limit(MOST_READ)
    ).all()
    if not found:  # what was said of an erased person is no longer here either
        return NoticeCard(GONE, icon=ICON)
    emails = [email for _, email in found]
    choices, verdict = _answer(session, spec.start, [(met, email) for met, email in found])
    which = emails[0] if len(emails) == 1 else counted(len(emails), "lead")
    return NoticeCard(
        f"{which} met the goal {spec.name}, but {'was' if len(emails) == 1 else 'were'} not started in {spec.start}",
        tuple(dict.fromkeys(met.outcome.partition(NOT_STARTED)[2].partition(": ")[2] for met, _ in found)),
        ICON,
        facts=(some(emails), *_stopped(found[0][0])),
        choices=choices,
        verdict=verdict,
    )


def _stopped(met: GoalMet) -> tuple[str, ...]:
    before = met.outcome.partition(NOT_STARTED)[0].rstrip("; ")
    return (f"{before[0].upper()}{before[1:]} all the same.",) if before else ()


def _answer(
    session: Session, name: str, found: list[tuple[GoalMet, str]]
) -> tuple[tuple[Choice, ...], str | None]:
    """Give the button that starts them, or the verdict once they are in the sequence after all."""
    wanted = {met.lead_id: email for met, email in found if SUPPRESSED not in met.outcome}
    places = select(Enrollment.lead_id).where(
        col(Enrollment.lead_id).in_(list(wanted)),
        col(Enrollment.sequence_id).in_(library.ids_of(session, [name])),
        col(Enrollment.status).in_(LIVE),
    )
    left = sorted(wanted[lead_id] for lead_id in wanted.keys() - set(session.exec(places)))
    if wanted and not left:
        return (), f"{'It is' if len(wanted) == 1 else 'They are'} in {name} now."
    if not 0 < len(left) <= LEADS_WITHOUT_ASKING:
        return (), None
    return (Choice("Start now", to_text(Start(Who(addresses=tuple(left)), name)), "primary"),), None
