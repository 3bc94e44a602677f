"""What a judged message does: the sequence's rule is applied, what was in doubt is settled, the card is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import cards, conversations, goals, meetings, outgoing
from core.awaited import news
from core.errors import Refused
from core.goals import GoalEvent
from core.inbound import Findings, Invitation, Kind
from core.inbox.matching import PROVEN, Match
from core.lifecycle import Source, Verdict
from core.meetings import MeetingNews
from core.models import Delivery, DeliveryState, Enrollment, Mailbox, Message
from core.people import SYSTEM
from core.plans import planned
from core.reactions import Happened, Reacted, react
from core.schedule import Delay, Unit
from core.sequence_file.spec import Act, Reaction
from core.verbs.steps import settle

REASON_CHARS = 120
HOLD = Reaction(do=Act.PAUSE)
# A mailbox that is full today may take mail the day after tomorrow; what bounced is not sent again by itself (G2).
SOFT_BOUNCE = Reaction(do=Act.PAUSE, until=Delay(2, Unit.DAYS))
SOFT_AGAIN_WITHIN = timedelta(days=30)
BOOKING = frozenset({"request", "publish"})
ANSWERS = {"accepted": "booked", "tentative": "booked", "declined": "declined"}
ASKED_BY_MAIL = "asked by mail to get no more"
COMPLAINED = "reported our mail as spam"


def act(session: Session, row_id: int, findings: Findings, match: Match, *, now: datetime) -> str:
    """Do what one new message causes and give the sentence that says so; its row is kept already."""
    message = session.get_one(Message, row_id)
    outgoing.tell_one(
        session,
        outgoing.CAME_BACK.get(findings.kind),
        lead_id=message.lead_id,
        now=now,
        actor=message.sender,
        reason=_quoted(findings.text or message.subject),
        enrollment_id=message.enrollment_id,
    )
    reacted = _react(session, message, findings, match, now)
    message.outcome, message.batch_id = reacted.sentence, reacted.batch_id
    session.add(message)
    news(session, [message.lead_id])
    if findings.kind is Kind.REPLY:
        tell_goals(session, message, is_certain=message.matched_by in PROVEN, now=now)
    if is_shown(findings):
        show_review(session, message, now=now)
    return reacted.sentence


def tell_goals(session: Session, message: Message, *, is_certain: bool, now: datetime) -> None:
    """Let the goals see that a lead has answered."""
    event = GoalEvent(
        goals.Kind.REPLY, "", (message.lead_id,), f"message:{message.id}", is_certain=is_certain
    )
    goals.meet(session, event, now=now)


def _react(session: Session, message: Message, findings: Findings, match: Match, now: datetime) -> Reacted:
    if findings.kind is Kind.CALENDAR and findings.invitation is not None:
        return Reacted(None, _invited(session, message, findings.invitation, match, now))
    happened = happening(session, message, findings, now=now)
    if happened is None:
        return Reacted(None, _NOTHING.get(findings.kind, "Nothing was changed."))
    return react(session, happened, now=now)


_NOTHING = {
    Kind.AUTOMATIC: "An automatic answer that changes nothing.",
    Kind.BOUNCE: "The server is still trying to deliver it; nothing was changed.",
}


def happening(
    session: Session, message: Message, findings: Findings, *, now: datetime, is_certain: bool = False
) -> Happened | None:
    """Give what the message means for the rules, None for nothing. `is_certain`: a named person says so."""
    is_proven = is_certain or message.matched_by in PROVEN
    base = Happened(
        event="reply",
        lead_id=message.lead_id,
        enrollment_id=message.enrollment_id,
        source=Source.REPLY,
        reason=_quoted(findings.text or message.subject),
        instead=None if is_proven else HOLD,
    )
    match findings.kind:
        case Kind.REPLY | Kind.CALENDAR:
            return base
        case Kind.AUTOMATIC:
            # Whoever has left, or wants something of us first, gets no next step before somebody has looked.
            return replace(base, instead=HOLD) if findings.cause or findings.contacts else None
        case Kind.OUT_OF_OFFICE:
            return replace(
                base,
                event="out_of_office",
                source=Source.OUT_OF_OFFICE,
                reason=_quoted(findings.back.evidence or findings.text or message.subject),
                back_on=findings.back.on,
                is_open_ended=bool(findings.back.question),
            )
        case Kind.UNSUBSCRIBE:
            return replace(base, event="unsubscribe", reason=ASKED_BY_MAIL, suppress=ASKED_BY_MAIL)
        case Kind.COMPLAINT if findings.complaint and message.matched_by != "thread" and not is_certain:
            return replace(base, event="complaint", reason=COMPLAINED, instead=HOLD)
        case Kind.COMPLAINT:
            return replace(base, event="complaint", reason=COMPLAINED, suppress=COMPLAINED)
        case Kind.BOUNCE:
            return _bounced(session, message, findings, base, now=now, is_certain=is_certain)


def _bounced(
    session: Session, message: Message, findings: Findings, base: Happened, *, now: datetime, is_certain: bool
) -> Happened | None:
    bounce = findings.bounce
    if bounce is not None and bounce.is_delay and not is_certain:
        return None
    said = (bounce.diagnostic if bounce else "") or findings.text or message.subject
    happened = replace(base, event="bounce", source=Source.BOUNCE, reason=_quoted(said))
    if is_certain or (bounce is not None and bounce.is_hard and message.matched_by == "thread"):
        return replace(happened, suppress=f"bounced: {said[:REASON_CHARS]}".strip())
    if bounce is not None and not bounce.is_hard and not _bounced_before(session, message, now):
        return replace(happened, instead=SOFT_BOUNCE)
    return replace(happened, instead=HOLD)


def _bounced_before(session: Session, message: Message, now: datetime) -> bool:
    query = select(Message.id).where(
        Message.lead_id == message.lead_id,
        Message.kind == Kind.BOUNCE.value,
        Message.id != message.id,
        col(Message.came_at) > now - SOFT_AGAIN_WITHIN,
    )
    return session.exec(query).first() is not None


def _quoted(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words[:REASON_CHARS]}{'…' if len(words) > REASON_CHARS else ''}”" if words else ""


def _invited(session: Session, message: Message, invitation: Invitation, match: Match, now: datetime) -> str:
    """Tell the meetings what a calendar message says, if it is between us and this lead."""
    ours = set(session.exec(select(Mailbox.address)))
    people = {invitation.organizer, *invitation.attendees, message.sender}
    if not people & {match.email, message.sender} - ours or not people & ours:
        return "A calendar message about other people; nothing was changed."
    state = _state(invitation)
    if state is None:
        return "A calendar message that books nothing; nothing was changed."
    news = MeetingNews(
        key=f"calendar:{invitation.uid}",
        source="calendar",
        state=state,
        number=invitation.number,
        changed_at=invitation.stamped_at or message.came_at,
        starts_at=invitation.starts_at,
        ends_at=invitation.ends_at,
        title=invitation.title,
    )
    return meetings.note(session, message.lead_id, message.enrollment_id, news, now=now)


def _state(invitation: Invitation) -> str | None:
    if invitation.method in BOOKING:
        return "booked"
    if invitation.method == "reply":
        return ANSWERS.get(invitation.answer or "")
    return "cancelled" if invitation.method == "cancel" else None


def is_shown(findings: Findings) -> bool:
    """Say whether somebody should see it: not what changes nothing, nor a meeting, which has a card of its own."""
    match findings.kind:
        case Kind.AUTOMATIC:
            return bool(findings.cause or findings.contacts)
        case Kind.BOUNCE:
            return findings.bounce is None or not findings.bounce.is_delay
        case Kind.CALENDAR:
            return findings.invitation is None
        case _:
            return True


def review_key(message: Message) -> str:
    """Give the key of the one live card of a conversation."""
    return conversations.card_key(message.lead_id, message.enrollment_id)


def show_review(session: Session, message: Message, *, now: datetime) -> None:
    """Want the conversation's card, and in its thread a line for each further message.

    Of automatic messages in a row only the first gets a line: a mail loop must not flood a channel.
    """
    before = session.exec(
        select(Message)
        .where(
            Message.lead_id == message.lead_id,
            col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
            col(Message.id) < (message.id or 0),
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    ).first()
    channel = cards.channel_of(session, _channel(session, message))
    lead_id, about = message.lead_id, message.id
    card = cards.show(session, review_key(message), channel=channel, lead_id=lead_id, about_id=about, now=now)
    is_more = before is not None and (before.kind != message.kind or message.kind == Kind.REPLY)
    if is_more:
        cards.show(
            session, f"note:{about}", channel=channel, lead_id=lead_id, about_id=about, parent_id=card.id, now=now
        )  # fmt: skip


def _channel(session: Session, message: Message) -> str | None:
    run = session.get(Enrollment, message.enrollment_id) if message.enrollment_id else None
    return planned(session, [run.sequence_id])[run.sequence_id].spec.channel if run else None


def settle_by_evidence(session: Session, delivery_id: int | None, *, now: datetime) -> None:
    """Write down that an uncertain mail has left: something came back that bears its Message-ID (DESIGN G2)."""
    delivery = session.get(Delivery, delivery_id) if delivery_id else None
    if delivery is None or delivery.state != DeliveryState.UNCERTAIN or not delivery.is_open_question:
        return
    try:
        settle(session, delivery.id or 0, Verdict.LEFT, actor=SYSTEM, now=now)
    except Refused:
        return  # somebody was faster


def stored(findings: Findings) -> dict[str, Any]:
    """Give what of the findings is kept with the message, for its card and for a correction."""
    bounce, back = findings.bounce, findings.back
    kept: Mapping[str, Any] = {
        "evidence": [[one.where, one.text] for one in findings.evidence],
        "language": findings.language,
        "cause": findings.cause,
        "contacts": list(findings.contacts),
        "question": back.question,
        "back_on": back.on.isoformat() if back.on else None,
        "options": [day.isoformat() for day in back.options],
        "back_evidence": back.evidence,
        "status": bounce.status if bounce else None,
        "diagnostic": bounce.diagnostic if bounce else "",
        "is_hard": bounce.is_hard if bounce else None,
        "is_delay": bounce.is_delay if bounce else None,
    }
    return {name: value for name, value in kept.items() if value not in (None, "", [])}
