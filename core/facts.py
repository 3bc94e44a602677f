"""What counts as what, in SQL: one definition of a mail, an open, a click, an answer and a meeting, for every figure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, func, literal, or_
from sqlalchemy import select as sql

from core.acts import DELIVERIES
from core.cards import CARDS
from core.inbound import Kind
from core.lifecycle import StepKind
from core.meetings import State
from core.models import DeliveryState, Message, Visit
from core.visits import CLICK, OPEN
from core.worklist import MEETINGS

MESSAGES: Table = Message.__table__  # type: ignore[attr-defined]
VISITS: Table = Visit.__table__  # type: ignore[attr-defined]
CALLED_OFF = (State.DECLINED.value, State.CANCELLED.value, State.MOVED.value)

# A mail of a step; what a person answers a lead is another channel.
IS_MAIL = DELIVERIES.c.kind == StepKind.EMAIL.value
HAS_LEFT = IS_MAIL & (DELIVERIES.c.state == DeliveryState.SENT.value)
# A visit is a person's once it is settled and nothing took it for a scanner's.
IS_GENUINE = (VISITS.c.suspect == "") & VISITS.c.settled_at.is_not(None)
IS_CLICK = IS_GENUINE & (VISITS.c.kind == CLICK)
IS_OPEN = IS_GENUINE & or_(VISITS.c.kind == OPEN, VISITS.c.kind == CLICK)  # whoever has clicked has opened
IS_ANSWER = MESSAGES.c.kind == Kind.REPLY.value
# A server that goes on trying has not refused yet; what a person called a bounce is one.
IS_BOUNCE = (MESSAGES.c.kind == Kind.BOUNCE.value) & or_(
    MESSAGES.c.corrected_by.is_not(None),
    ~func.coalesce(Message.findings["is_delay"].as_boolean(), literal(value=False)),
)
IS_MEETING = MEETINGS.c.state.not_in(CALLED_OFF)
# When a delivery counts: when it was settled, or, while it is not, when it was made.
DATED = func.coalesce(DELIVERIES.c.settled_at, DELIVERIES.c.created_at)


def meetings() -> Select[Any]:
    """Give the meetings that stand, each with its enrollment and when it was first heard of.

    A meeting does not keep that moment; its first card does. One told of twice has one card.
    """
    first = (
        sql(CARDS.c.about_id, func.min(CARDS.c.created_at).label("at"))
        .where(CARDS.c.kind == "meeting")
        .group_by(CARDS.c.about_id)
        .subquery()
    )
    return (
        sql(MEETINGS.c.enrollment_id, first.c.at)
        .join_from(MEETINGS, first, first.c.about_id == MEETINGS.c.id)
        .where(IS_MEETING)
    )
