"""`erase lead@x.com`: forgets one person for good, after it was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from core import erasing
from core.answers import Answer
from core.errors import Refused
from core.grammar import commands as orders
from core.models import Delivery, Enrollment, Message
from core.people import Actor
from core.verbs import proposals
from core.verbs.choosing import lead_ids, lock_leads
from core.verbs.outcome import Outcome
from core.words import counted


def erase(
    session: Session, order: orders.Erase, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Ask first, saying what there is of this person; then erase them."""
    [lead_id] = only or lead_ids(session, order.who, actor=actor)
    [email] = order.who.addresses
    if only is None:
        title = f"Erase {email} for good? Nobody can undo it."
        return proposals.ask(session, order, title, _known(session, lead_id), [lead_id], actor=actor, now=now)
    if not lock_leads(session, [lead_id]):
        raise Refused(f"{email} is no longer here; nothing was changed.")
    erasing.erase(session, lead_id, actor=actor, now=now)
    kept = (
        "Kept are the numbers of what was sent, and a hash of the address, so that it is never mailed again."
    )
    where = "What was quoted in Slack outside of its cards, in mailboxes and in backups is not reached."
    return Outcome(Answer(f"{email} was erased.", (kept, where)))


def _known(session: Session, lead_id: int) -> tuple[str, ...]:
    runs = select(Enrollment.id).where(Enrollment.lead_id == lead_id)
    mails = session.exec(
        select(func.count()).select_from(Delivery).where(col(Delivery.enrollment_id).in_(runs))
    ).one()
    answers = session.exec(select(func.count()).select_from(Message).where(Message.lead_id == lead_id)).one()
    texts, subjects = counted(answers, "message"), counted(mails, "step")
    return (
        f"Forgotten: name, company and fields, the text of {texts} from them, the subjects of {subjects}, every reason.",
        "Every sequence of theirs is stopped, and the address gets no mail any more.",
    )
