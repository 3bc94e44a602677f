"""The daily digest: who gets the list of paused leads when. Never twice a day, never empty, late rather than lost.

Every owner gets their own, at 8:30 on their working days and their clock; the workspace's channel gets what nobody owns,
and how much everybody has. A row per reader keeps the day on which it was last due, so that two workers agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import uuid4

from sqlalchemy import Table, or_, update
from sqlmodel import Session, col, select

from core import cards
from core import owners as whose
from core.db import Database, upsert
from core.lifecycle import Status
from core.models import WORKSPACE_ID, Digest, Enrollment, Lead, Member, Workspace
from core.names import SLACK_ID, slack_ids_in
from core.schedule import MONDAY_TO_FRIDAY, at_local, local
from core.worklist import Group, Scope, Worklist, left, working_day_after

KIND = "digest"
USUAL_TIME = "08:30"
# A reader whose zone the bot has not yet learned is waited for, lest their list come in the middle of their night.
WAITED_FOR = timedelta(hours=12)
DIGESTS: Table = Digest.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Reader:
    """Somebody, or a channel, that gets a digest. `row` None: it has not been due yet.

    `is_met` False: Slack has not yet said who that is, and `zone` is the workspace's.
    """

    place: str
    zone: str
    is_channel: bool
    row: Digest | None = None
    is_met: bool = True

    @property
    def clock(self) -> time:
        """Give the time of day at which it comes."""
        return time.fromisoformat((self.row and self.row.at) or USUAL_TIME)

    def moment(self, day: date) -> datetime:
        """Give when it comes on a day."""
        return at_local(day, self.clock, self.zone) + (timedelta(0) if self.is_met else WAITED_FOR)

    def next_moment(self, now: datetime) -> datetime:
        """Give when it comes next; in the past where today's is late."""
        today = local(now, self.zone).date()
        had_today = self.row is not None and self.row.day is not None and self.row.day >= today.isoformat()
        is_working_day = today.weekday() in MONDAY_TO_FRIDAY
        return self.moment(today if is_working_day and not had_today else working_day_after(today))


def digest_due(db: Database, *, now: datetime) -> int:
    """Give how many digests were wanted, for readers whose time has come and for whom there is something to do."""
    with db.read() as session:
        everybody = readers(session, now=now)
        due = [reader for reader in everybody if reader.row is None or reader.next_moment(now) <= now]
    made = 0
    for reader in due:
        with db.write() as session:
            made += _come(session, reader, now=now)
    return made


def readers(session: Session, *, now: datetime) -> Iterator[Reader]:
    """Give everybody who gets one now: the owners of leads that Slack knows, the workspace's channel, whoever was named.

    Whoever is away gets none; their cover's has their leads too.
    """
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    rows = {row.place: row for row in session.exec(select(Digest))}
    known, away = owners(session), whose.away(session, now=now)
    covers = set(whose.standing_in(session, now=now).values()) - set(known)
    for place, zone in (known | {cover: _zone(session, cover) for cover in sorted(covers)}).items():
        row = rows.get(place)
        if place not in away and (row is None or not row.is_off):
            yield _person(place, zone, row, workspace)
    named = {row.place for row in rows.values() if row.is_channel and row.at}
    for place in sorted(named | {workspace.channel} - {""}):
        row = rows.get(place)
        if row is None or not row.is_off:
            yield Reader(place, workspace.zone, is_channel=True, row=row)


def _person(place: str, zone: str | None, row: Digest | None, workspace: Workspace) -> Reader:
    return Reader(place, zone or workspace.zone, is_channel=False, row=row, is_met=zone is not None)


def owners(session: Session) -> dict[str, str | None]:
    """Give the zone of every owner who can be written to, "" where Slack knows none, None where they were not met yet."""
    found = [owner for (owner,) in session.execute(slack_ids_in(col(Lead.owner))) if owner]
    members = {member.id: member for member in session.exec(select(Member).where(col(Member.id).in_(found)))}
    gone = {member.id for member in members.values() if member.is_deleted or member.is_bot}
    return {
        owner: members[owner].zone if owner in members else None
        for owner in found
        if SLACK_ID.fullmatch(owner) and owner not in gone
    }


def reader_of(session: Session, row: Digest) -> Reader:
    """Give whose list this is, with their zone."""
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    if row.is_channel:
        return Reader(row.place, workspace.zone, is_channel=True, row=row)
    return _person(row.place, _zone(session, row.place), row, workspace)


def worklist(session: Session, reader: Reader, *, at: datetime) -> Worklist:
    """Give what a reader's list shows, line by line: their own leads, or those of nobody who gets a list."""
    scope = Scope(nobody_but=tuple(owners(session))) if reader.is_channel else _own(session, reader, at)
    return Worklist(at, reader.zone, scope)


def _own(session: Session, reader: Reader, at: datetime) -> Scope:
    """Give the leads of a reader and of those for whom they stood in at that moment."""
    covered = whose.standing_in(session, now=at).items()
    return Scope(reader.place, covering=tuple(sorted(person for person, by in covered if by == reader.place)))


def _zone(session: Session, person: str) -> str | None:
    member = session.get(Member, person)
    return member.zone if member else None


def anything(session: Session, reader: Reader, *, at: datetime) -> int:
    """Give how much there is to do for a reader; for a channel, for everybody. Whatever waits in a backlog is one thing."""
    whole = Worklist(at, reader.zone, Scope() if reader.is_channel else _own(session, reader, at))
    counts = whole.counts(session)
    return left(counts) + (left(counts, Group.BACKLOG) > 0)


def _come(session: Session, reader: Reader, *, now: datetime) -> bool:
    """Want today's list, unless it has come, or there is nothing to do; either way today is over for this reader."""
    row = row_of(session, reader.place, is_channel=reader.is_channel)
    today = local(now, reader.zone).date().isoformat()
    is_new = reader.row is None
    if is_new and now < replace(reader, is_met=True).moment(date.fromisoformat(today)):
        return False
    claim = update(DIGESTS).where(DIGESTS.c.id == row.id, or_(DIGESTS.c.day.is_(None), DIGESTS.c.day < today))
    if not session.connection().execute(claim.values(day=today)).rowcount:
        return False
    # Whoever comes to own a lead in the afternoon is not called at once: the first list is tomorrow's.
    if is_new or not anything(session, reader, at=now):
        return False
    session.refresh(row)
    show(session, row, f"{KIND}:{reader.place}:{today}", now=now)
    return True


def row_of(session: Session, place: str, *, is_channel: bool) -> Digest:
    """Give a reader's row, made where there is none."""
    values = {"place": place, "is_channel": is_channel, "is_off": False}
    place_row = upsert(session, DIGESTS).values(**values).on_conflict_do_nothing()
    session.connection().execute(place_row)
    return session.exec(select(Digest).where(Digest.place == place)).one()


def show(session: Session, row: Digest, key: str, *, now: datetime) -> None:
    """Want a list; the one before it then says that it is no longer the newest."""
    before = row.card_id
    row.card_id = cards.show(session, key, channel=row.place, about_id=row.id, now=now).id
    session.add(row)
    session.flush()
    if before is not None:
        cards.supersede(session, before, now=now)


def asked_key(row: Digest, day: date, *, kind: str = KIND) -> str:
    """Give the key of a list that somebody asked for; there may be many a day."""
    return f"{kind}:{row.place}:{day.isoformat()}:{uuid4().hex}"


def next_digest(session: Session, *, now: datetime) -> datetime | None:
    """Give when the next digest is due that can have something to tell; None: none is."""
    held = select(Lead.owner).join(Enrollment).where(Enrollment.status == Status.PAUSED.value).distinct()
    paused = set(session.exec(held))
    paused |= {by for person, by in whose.standing_in(session, now=now).items() if person in paused}
    moments = [
        reader.next_moment(now)
        for reader in readers(session, now=now)
        if reader.row is not None and (reader.place in paused or (reader.is_channel and paused))
    ]
    return min(moments, default=None)
