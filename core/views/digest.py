"""The list of paused leads on one day: its lines stay where they are, and each says what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlmodel import Session

from core import digests
from core.answers import Choice, DigestCard, DigestGroup, Row
from core.dates import say_day
from core.models import WORKSPACE_ID, Card, Digest, Workspace
from core.names import names
from core.schedule import DAY
from core.views import backlog
from core.views.digest_rows import rows
from core.views.why import halted_words
from core.words import listed
from core.worklist import Count, Group, Item, Worklist, left, total

ROWS_SHOWN = 12
OWNERS_SHOWN = 20
GONE = "This list is no longer here."
_TITLES = {
    Group.MEETING: "📅 Meetings that are over: how did they go?",
    Group.UNCERTAIN: "❓ Did it leave? Somebody has to say",
    Group.FAILED: "⚠️ A step failed",
    Group.TODAY: "⏰ Due back today",
    Group.REPLY: "💬 Waiting for an answer from us",
    Group.ENDLESS: "⏸️ Paused without an end date",
    Group.LONG: "💤 Paused for more than 14 days: stop them?",
    Group.BACKLOG: "⏳ Held back in a backlog",
}
_SHORT = {
    Group.MEETING: "after a meeting",
    Group.UNCERTAIN: "uncertain",
    Group.FAILED: "failed",
    Group.TODAY: "due back today",
    Group.REPLY: "waiting for our answer",
    Group.ENDLESS: "without an end date",
    Group.LONG: "paused for more than 14 days",
    Group.BACKLOG: "held back in a backlog",
}
# Not for those who are back tomorrow: all at once they would get mail a day early, while they are still away.
_FOR_ALL = {Group.TODAY: ("Resume all due", "resume due"), Group.LONG: ("Stop all of these", "stop long")}


def card(session: Session, card: Card, *, now: datetime) -> DigestCard:
    """Give the list as it stood when it was made, with what has been done since."""
    row = session.get(Digest, card.about_id) if card.about_id else None
    if row is None:
        return DigestCard(GONE, verdict=GONE)
    reader = digests.reader_of(session, row)
    shown = digests.worklist(session, reader, at=card.created_at)
    counts = shown.counts(session)
    everybody = Worklist(shown.at, shown.zone).counts(session) if reader.is_channel else counts
    title = f"Paused leads, {say_day(shown.day).rpartition(' ')[0]}"
    done, whole = total(everybody) - left(everybody), total(everybody)
    is_done = left(everybody) == left(everybody, Group.BACKLOG) == 0
    all_done = (f"All done: {done:,} of {whole:,}." if whole else "All done.") if is_done else ""
    if row.card_id != card.id:
        rest = f"{done:,} of {whole:,} done; what is left stands on the newer list below."
        return DigestCard(title, is_done=is_done, verdict=all_done or rest)
    begins = shown.first_open(session, counts) // ROWS_SHOWN * ROWS_SHOWN if left(counts) else 0
    items = page(session, shown, counts, offset=begins)
    return DigestCard(
        title,
        summary=() if is_done else (*_halted(session, reader.zone), *_summary(everybody, shown)),
        groups=(
            *backlogged(session, everybody, shown, now=now),
            *groups(session, items, shown, counts, card_id=card.id or 0, now=now),
        ),
        owners=_owners(session, everybody, shown) if reader.is_channel else (),
        progress=f"{done:,} of {whole:,} done" if done and not is_done else "",
        more=more(card.id or 0, begins, items, counts),
        is_done=is_done,
        verdict=f"{all_done} The first {ROWS_SHOWN} are shown."
        if is_done and whole > ROWS_SHOWN
        else all_done,
    )


def backlogged(
    session: Session, counts: Sequence[Count], shown: Worklist, *, now: datetime
) -> list[DigestGroup]:
    """Give what waits in backlogs, where any of these leads do: one line for each, with the buttons of its card."""
    if not left(counts, Group.BACKLOG):
        return []
    title = f"{name_of(Group.BACKLOG, shown)} ({left(counts, Group.BACKLOG):,})"
    return [DigestGroup(title, tuple(backlog.lines(session, zone=shown.zone, now=now)))]


def page(
    session: Session, shown: Worklist, counts: Sequence[Count], *, offset: int, limit: int = ROWS_SHOWN
) -> list[Item]:
    """Give one page of it."""
    return shown.page(session, offset=offset, limit=limit, meetings=total(counts, Group.MEETING))


def groups(
    session: Session,
    items: Sequence[Item],
    shown: Worklist,
    counts: Sequence[Count],
    *,
    card_id: int,
    now: datetime,
) -> list[DigestGroup]:
    """Give the lines of a page, by groups."""
    lines = iter(rows(session, items, shown, now=now))
    found = []
    for group, members in groupby(items, key=lambda item: item.group):
        mine: tuple[Row, ...] = tuple(next(lines) for _ in members)
        found.append(DigestGroup(heading(group, shown, counts), mine, _for_all(group, counts, card_id)))
    return found


def heading(group: Group, shown: Worklist, counts: Sequence[Count]) -> str:
    """Give what a group is called, and how many are in it."""
    still = left(counts, group)
    name = name_of(group, shown)
    whose = "" if shown.scope.nobody_but is None else " · without an owner"
    return f"{name}{whose} ({still:,})" if still else f"{name}{whose} (done)"


def name_of(group: Group, shown: Worklist) -> str:
    """Give what a group is called."""
    return _TITLES.get(group) or f"🌅 Due back {_next_day(shown)}"


def more(card_id: int, offset: int, items: Sequence[Item], counts: Sequence[Count]) -> Choice | None:
    """Give the button for what follows these lines, which begin at `offset`; None where nothing else is to be done.

    It counts what is to be done beside these lines.
    """
    rest, following = left(counts) - sum(item.is_open for item in items), offset + len(items)
    if rest <= 0 or following >= total(counts):
        return None
    return Choice(f"{rest:,} more…", f"card digest {card_id} more {following}")


def _halted(session: Session, zone: str) -> list[str]:
    words = halted_words(session, session.get_one(Workspace, WORKSPACE_ID), zone)
    return [words] if words else []


def _next_day(shown: Worklist) -> str:
    return "tomorrow" if shown.next_day == shown.day + DAY else f"by {shown.next_day:%A}"


def _summary(counts: Sequence[Count], shown: Worklist) -> list[str]:
    by_group = {group: left(counts, group) for group in Group}
    return [
        f"{count:,} {_SHORT.get(group) or f'due back {_next_day(shown)}'}"
        for group, count in by_group.items()
        if count
    ]


def _for_all(group: Group, counts: Sequence[Count], card_id: int) -> tuple[Choice, ...]:
    """Give the button for all of a group; it shows them first, and asks."""
    if group not in _FOR_ALL or left(counts, group) < 2:
        return ()
    label, words = _FOR_ALL[group]
    return (Choice(label, f"card digest {card_id} {words}", "danger" if group is Group.LONG else None),)


def _owners(session: Session, counts: Sequence[Count], shown: Worklist) -> tuple[str, ...]:
    """Give who still has how much of what, the most first."""
    known = digests.owners(session)
    by_owner: defaultdict[str, list[Count]] = defaultdict(list)
    for count in counts:
        if count.owner in known:
            by_owner[count.owner].append(count)
    called = names(session, by_owner)
    ordered = sorted(by_owner, key=lambda owner: (-left(by_owner[owner]), called[owner]))
    lines = [f"{called[owner]}: {_owns(by_owner[owner], shown)}" for owner in ordered[:OWNERS_SHOWN]]
    unseen = len(ordered) - OWNERS_SHOWN
    return (*lines, *([f"and {unseen:,} more"] if unseen > 0 else []))


def _owns(counts: Sequence[Count], shown: Worklist) -> str:
    still, what = left(counts), listed(_summary(counts, shown))
    return f"{f'{still:,}' if still else 'all done'}{f' ({what})' if what else ''}"
