"""What the card of a hook shows: that it was turned off, or that events could not be told."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlmodel import Session, col, func, select

from core.answers import NoticeCard
from core.models import Card, Hook, HookEvent
from core.words import counted, ended

ICON = "📡"


def card(session: Session, card: Card) -> NoticeCard:
    """Give how a hook is."""
    hook = session.get(Hook, card.about_id) if card.about_id else None
    if hook is None:
        return NoticeCard("This card's hook is no longer here.")
    host = urlsplit(hook.url).hostname or hook.url
    given_up = (col(HookEvent.hook_id) == hook.id, col(HookEvent.given_up_at).is_not(None))
    lost = session.exec(select(func.count()).select_from(HookEvent).where(*given_up)).one()
    last = session.exec(
        select(HookEvent.fault).where(*given_up).order_by(col(HookEvent.id).desc()).limit(1)
    ).first()
    why = (
        ended(
            f"{counted(lost, 'event')} {'was' if lost == 1 else 'were'} given up; the last one because: {last}"
        ),
    )
    facts = (f"`fermata hook list` shows it; it is number {hook.id}.",)
    if hook.off_at is not None:
        title = ended(f"{host} is told nothing any more: {hook.off_because}")
        return NoticeCard(title, lines=why if lost else (), icon=ICON, facts=facts)
    title = f"{host} has not taken what Fermata told it."
    return NoticeCard(title, lines=(*why, "Later events are still told."), icon=ICON, facts=facts)
