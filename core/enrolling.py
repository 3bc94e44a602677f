"""Who would be enrolled in a sequence, and who not and why: shown before anybody is, and decided by the same rule.

`judge` is that rule; `core.leads.enrol` asks it again under the locks, so that what changed meanwhile still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import case, null, or_
from sqlmodel import Session, col, func, select

from core import collisions, lifecycle
from core.address import key_of
from core.chunks import chunks
from core.current import never_was
from core.dates import say, say_day
from core.errors import Refused
from core.lead_file import LeadRow
from core.lifecycle import LIVE, Pause, Source, Status
from core.mailboxes import rotation
from core.models import Enrollment, Hold, Journal, Lead, SequenceStatus, Suppression
from core.models import Sequence as SequenceRow
from core.models.leads import QUALIFIED
from core.people import SYSTEM, Actor
from core.plans import PlannedSequence, planned
from core.schedule import local
from core.sql import spelling
from core.words import listed

_WAY_BACK = {
    SequenceStatus.PAUSED.value: ("resume", "Resume it"),
    SequenceStatus.ARCHIVED.value: ("restore", "Bring it back"),
}


class Why(StrEnum):
    """Why a lead is not enrolled."""

    SUPPRESSED = "suppressed"
    THERE = "there"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Person:
    """One lead of a preview. `lead_id` None: of a file, not known yet. `line`: where it stands in the file.

    why: more about the reason, such as the status in the sequence.
    """

    email: str
    name: str = ""
    lead_id: int | None = None
    line: int = 0
    why: str = ""

    @property
    def number(self) -> int:
        """Give the lead's id, or a number below 0 for one that is not known yet."""
        return self.lead_id or -self.line


@dataclass(frozen=True)
class Preview:
    """What enrolling would do. `asked`: by the name of a colleague, the leads that are theirs, who is asked first.

    held: of those enrolled, by what is missing, whose first mail cannot be written yet (`core.unwritten`). `elsewhere`: of
    those enrolled, who is paused in another sequence, which does not hold them here. `away`: who is out of office, which
    does. `qualified`: who is marked qualified. `unasked`: by colleague, whose leads of theirs are enrolled without a question,
    since no person of the workspace enrols them.
    """

    sequence_id: int
    sequence: str
    enrolled: tuple[Person, ...]
    skipped: Mapping[Why, tuple[Person, ...]] = field(default_factory=dict)
    asked: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    held: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    elsewhere: tuple[Person, ...] = ()
    away: tuple[Person, ...] = ()
    unasked: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    qualified: tuple[Person, ...] = ()

    @property
    def wanted(self) -> list[Person]:
        """Give the leads to enrol, and those about whom a colleague is asked."""
        return [*self.enrolled, *(one for those in self.asked.values() for one in those)]

    @property
    def lead_ids(self) -> list[int]:
        """Give those of them that are known already."""
        return [one.lead_id for one in self.wanted if one.lead_id is not None]

    @property
    def remembered(self) -> list[int]:
        """Give the same for a proposal: a number below 0 is a lead that was shown as left out, and stays so."""
        left_out = (one.lead_id for those in self.skipped.values() for one in those)
        return [*self.lead_ids, *(-lead_id for lead_id in left_out if lead_id is not None)]


def judge(status: str | None, *, is_barred: bool, is_again: bool = False) -> Why | None:
    """Say why a lead is not enrolled, None where it is. `status`: in this sequence; is_again: a new run is meant."""
    if is_barred:
        return Why.SUPPRESSED
    if status in LIVE:
        return Why.THERE
    return Why.BEFORE if status is not None and not is_again else None


def sentence(why: Why, email: str, sequence: str, status: str | None) -> str:
    """Give the refusal of one lead."""
    match why:
        case Why.SUPPRESSED:
            return f"{email} is suppressed and gets no mail."
        case Why.THERE:
            return f"{email} is in {sequence} already ({status}); nothing was changed."
        case Why.BEFORE:
            return f"{email} has been in {sequence} before ({status}). Use `start` for a new run."


def accepting(session: Session, sequence_id: int) -> PlannedSequence:
    """Give a sequence that takes leads; raises Refused for one that does not."""
    sequence = planned(session, [sequence_id])[sequence_id]
    if sequence.status != SequenceStatus.PUBLISHED:
        verb, way = _WAY_BACK.get(sequence.status, ("publish", "Publish it"))
        msg = (
            f"{sequence.name} is {sequence.status}, so nobody can be enrolled. "
            f"{way} first: `{verb} sequence {sequence.name}`."
        )
        raise Refused(msg)
    return sequence


def no_mailbox(sequence: str) -> Refused:
    """Give the refusal of a sequence that nobody could send."""
    return Refused(f"{sequence} has no mailbox to send from. Add one with `fermata mailbox add`.")


def history(session: Session, lead_ids: Iterable[int], sequence_id: int) -> dict[int, tuple[int, str | None]]:
    """Give by lead the number of the latest run in this sequence, and the status of the live one or else of that.

    The status is None where that run was taken back by an undo before anything of it was handed over.
    """
    rows = session.exec(
        select(Enrollment.lead_id, Enrollment.run, case((never_was(), null()), else_=Enrollment.status))
        .where(
            col(Enrollment.lead_id).in_(spelling(session).these(lead_ids)),
            Enrollment.sequence_id == sequence_id,
        )
        .order_by(col(Enrollment.run))
    )
    found: dict[int, tuple[int, str | None]] = {}
    for lead_id, run, status in rows:
        before = found.get(lead_id)
        found[lead_id] = (run, before[1] if before and (before[1] in LIVE or status is None) else status)
    return found


def suppressed(session: Session, emails: Iterable[str]) -> set[str]:
    """Give those of the addresses that get no mail."""
    by_key = {
        key: email for email in emails for key in (email, key_of(email))
    }  # of the erased only a hash is kept
    found: set[str] = set()
    for chunk in chunks(by_key):
        keys = session.exec(select(Suppression.email).where(col(Suppression.email).in_(chunk)))
        found |= {by_key[key] for key in keys}
    return found


def preview(
    session: Session, lead_ids: Iterable[int], sequence_id: int, *, actor: Actor, now: datetime
) -> Preview:
    """Give what enrolling these leads would do."""
    these = spelling(session).these(set(lead_ids))
    rows = session.exec(
        select(Lead.email, Lead.name, Lead.id).where(col(Lead.id).in_(these)).order_by(Lead.email)
    )
    people = [Person(email, name, lead_id) for email, name, lead_id in rows]
    return _sorted(session, people, sequence_id, {}, actor=actor, now=now)


def preview_rows(
    session: Session, rows: Sequence[tuple[int, LeadRow]], sequence_id: int, *, actor: Actor, now: datetime
) -> Preview:
    """Give what enrolling the rows of a file would do, each with its line; nothing of them is saved yet."""
    known: dict[str, int | None] = {}
    for chunk in chunks((row.email for _, row in rows)):
        known |= dict(session.exec(select(Lead.email, Lead.id).where(col(Lead.email).in_(chunk))).all())
    people = [Person(row.email, row.name, known.get(row.email), line) for line, row in rows]
    unsaved = {one.number: (row.owner, row.domain) for one, (_, row) in zip(people, rows, strict=True)}
    return _sorted(session, people, sequence_id, unsaved, actor=actor, now=now)


def _sorted(
    session: Session,
    people: Sequence[Person],
    sequence_id: int,
    unsaved: Mapping[int, tuple[str | None, str]],
    *,
    actor: Actor,
    now: datetime,
) -> Preview:
    sequence = accepting(session, sequence_id)
    ids = [one.lead_id for one in people if one.lead_id is not None]
    runs = history(session, ids, sequence_id)
    barred = suppressed(session, (one.email for one in people))
    is_asking = collisions.is_asking(actor)
    clashes = collisions.find(session, ids, actor=actor, now=now, unsaved=unsaved)
    enrolled: list[Person] = []
    skipped: dict[Why, list[Person]] = {why: [] for why in Why}
    asked: dict[str, list[Person]] = {}
    unasked: dict[str, list[Person]] = {}
    for one in people:
        status = runs[one.lead_id][1] if one.lead_id in runs else None
        if why := judge(status, is_barred=one.email in barred):
            skipped[why].append(_because(one, (status or "").replace("_", " ")))
        elif (clash := clashes.get(one.number)) and is_asking:
            asked.setdefault(clash.name, []).append(_because(one, clash.why))
        else:
            enrolled.append(one)
            if clash:
                unasked.setdefault(clash.name, []).append(_because(one, clash.why))
    if enrolled and next(rotation(session, sequence.spec.mailboxes), None) is None:
        raise no_mailbox(sequence.name)
    zone = collisions.zone_of(session, actor.id)
    absent = away_people(session, [one.lead_id for one in enrolled if one.lead_id], zone, now=now)
    here = [one for one in enrolled if one.lead_id not in {other.lead_id for other in absent}]
    return Preview(
        sequence_id,
        sequence.name,
        tuple(enrolled),
        {why: tuple(those) for why, those in skipped.items() if those},
        {name: tuple(those) for name, those in sorted(asked.items())},
        unasked={name: tuple(those) for name, those in sorted(unasked.items())},
        elsewhere=tuple(_paused(session, here, zone)),
        away=absent,
        qualified=qualified(session, [one.lead_id for one in enrolled if one.lead_id], zone),
    )


def away(session: Session, lead_ids: Iterable[int], *, now: datetime) -> dict[int, Hold]:
    """Give by lead the hold for being out of office: a fact about the person, which holds them in a new sequence as well.

    Of several the one that ends last, before all one that has no end.
    """
    query = (
        select(Enrollment.lead_id, Hold)
        .join(Hold, col(Hold.enrollment_id) == Enrollment.id)
        .where(
            spelling(session).among(Enrollment.lead_id, lead_ids),
            Hold.source == Source.OUT_OF_OFFICE.value,
            col(Hold.released_at).is_(None),
            or_(col(Hold.until).is_(None), col(Hold.until) > now),
        )
        .order_by(col(Hold.until).is_(None), col(Hold.until), col(Hold.id))
    )
    return dict(session.exec(query).all())


def pause_away(note: Hold, *, now: datetime, batch_id: int | None = None) -> Pause:
    """Give what this hold for being out of office does to a new run: what the note would do, had it come now."""
    return Pause(
        lifecycle.Hold(Source.OUT_OF_OFFICE, note.reason, SYSTEM.id, now, note.until, batch_id), is_wide=True
    )


def away_people(session: Session, lead_ids: Iterable[int], zone: str, *, now: datetime) -> tuple[Person, ...]:
    """Give those of the leads who are out of office, each with until when, in this zone."""
    absent = away(session, lead_ids, now=now)
    query = select(Lead.email, Lead.name, Lead.id).where(spelling(session).among(Lead.id, absent))
    return tuple(
        Person(email, name, lead_id, why=f"until {_end(absent[lead_id or 0].until, zone)}")
        for email, name, lead_id in session.exec(query.order_by(Lead.email))
    )


def _end(until: datetime | None, zone: str) -> str:
    return say(until, zone) if until else "somebody resumes"


def _paused(session: Session, people: Sequence[Person], zone: str) -> Iterator[Person]:
    """Give those who are paused in a sequence, each with where, why and until when, in this zone."""
    mine = spelling(session).among(Enrollment.lead_id, [one.lead_id for one in people if one.lead_id])
    query = (
        select(Enrollment.lead_id, SequenceRow.name, Hold.source, Hold.until)
        .join(SequenceRow, col(SequenceRow.id) == Enrollment.sequence_id)
        .join(Hold, col(Hold.enrollment_id) == Enrollment.id)
        .where(mine, Enrollment.status == Status.PAUSED.value, col(Hold.released_at).is_(None))
        .order_by(SequenceRow.name, col(Hold.id))
    )
    places: dict[int, dict[str, list[tuple[str, datetime | None]]]] = {}
    for lead_id, name, source, until in session.exec(query):
        places.setdefault(lead_id, {}).setdefault(name, []).append((source, until))
    for one in people:
        if held := places.get(one.lead_id or 0):
            yield _because(one, listed(_held(name, holds, zone) for name, holds in held.items()))


def qualified(session: Session, lead_ids: Iterable[int], zone: str) -> tuple[Person, ...]:
    """Give those whom somebody has marked as qualified, each with the day, in this zone."""
    rows = session.exec(
        select(Lead.email, Lead.name, Lead.id, func.max(Journal.at))
        .join(Journal, col(Journal.lead_id) == col(Lead.id))
        .where(spelling(session).among(Lead.id, lead_ids), Lead.stage == QUALIFIED, Journal.verb == "qualify")
        .group_by(Lead.email, Lead.name, col(Lead.id))
        .order_by(Lead.email)
    )
    return tuple(
        Person(email, name, lead_id, why=f"on {say_day(local(at, zone).date())}")
        for email, name, lead_id, at in rows
    )


def _held(name: str, holds: Sequence[tuple[str, datetime | None]], zone: str) -> str:
    ends = [until for _, until in holds if until is not None]
    return f"paused in {name} until {_end(max(ends) if len(ends) == len(holds) else None, zone)}"


def _because(one: Person, why: str) -> Person:
    return Person(one.email, one.name, one.lead_id, one.line, why)
