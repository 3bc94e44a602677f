"""A person's App Home: their paused leads, what leaves today, their sequences, the mailboxes. Who owns no lead sees everybody's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlmodel import Session, col, func, select

from core import absences, owners, tasks
from core.acts import load
from core.answers import Choice, DigestGroup, HomeSection, HomeView, Row
from core.dates import say
from core.filters import Term
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import Who
from core.lifecycle import LIVE, Status
from core.models import (
    WORKSPACE_ID,
    Batch,
    Card,
    Enrollment,
    Journal,
    Lead,
    Member,
    SequenceStatus,
    Workspace,
)
from core.models import Sequence as SequenceRow
from core.names import name_of, names
from core.schedule import local
from core.stamps import stamp
from core.views import backlog
from core.views.digest import name_of as name_of_group
from core.views.digest_rows import moved_words, person, rows
from core.views.home_figures import LATER, Funnel, Sender, Today, funnels, paused, senders, today
from core.views.mailbox_words import state
from core.views.tasks import rows as task_rows
from core.views.timeline import act_words
from core.views.titles import title_of
from core.views.why import halted_words
from core.words import clock, counted, listed
from core.worklist import Group, Scope, Worklist

EACH = 4  # lines of a group of paused leads
COVERED_SHOWN = 3  # people for whom somebody stands in
NEXT_SHOWN, SEQUENCES_SHOWN, MAILBOXES_SHOWN = 4, 6, 6
OWNERS_NAMED = 3
JUST_NOW = timedelta(minutes=15)
_TAKES_BACK = ("undo", "redo")
PRESSED = "home"  # the word of a sequence's buttons: `card home 3 resume seen 1623741660000000`
NOT_A_MEMBER = "Only full members of this workspace can use Fermata, so there is nothing to see here for guests and people of other workspaces."
_IMPORT = "Bring leads in with `fermata leads import FILE.csv`, or press Enrol… above."


def card(session: Session, card: Card, *, now: datetime) -> HomeView:
    """Give a Home as it is now; to anybody but a full member no data of leads."""
    member = session.get(Member, card.channel)
    if member is None or member.is_guest or member.is_deleted or member.is_bot:
        return HomeView(NOT_A_MEMBER)
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    zone = member.zone or workspace.zone
    own = session.exec(select(func.count()).select_from(Lead).where(Lead.owner == member.id)).one()
    covered = sorted(p for p, by in owners.standing_in(session, now=now).items() if by == member.id)
    scope = Scope(member.id, covering=tuple(covered)) if own or covered else Scope()
    my = "My" if own or covered else "All"
    held = _Held(session, Worklist(now, zone, scope), now=now)
    day = today(session, scope, zone=zone, now=now, few=NEXT_SHOWN)
    count, boxes = senders(session, now=now, most=MAILBOXES_SHOWN)
    halted, waiting = halted_words(session, workspace, zone), held.sizes.get(Group.REPLY, 0)
    due = sum(day.due.values())
    to_do = tasks.to_do(session, member.id, now=now)
    done, undo = _last_act(session, member.id, zone=zone, now=now)
    return HomeView(
        "All sending is halted" if halted else _still(due, to_do),
        summary=(
            counted(own, "lead") + " of yours" if own or covered else "Everybody's leads, since you own none",
            f"{sum(day.sent.values()):,} sent today",
            *([f"{paused_:,} paused"] if (paused_ := held.size(but=Group.REPLY)) else []),
            *([f"{waiting:,} waiting for our answer"] if waiting else []),
        ),
        notices=tuple(filter(None, [halted, *_trouble(boxes)])),
        choices=tuple(_first(has_list=any(place != LATER for place in held.sizes))),
        done=done,
        undo=undo,
        sections=(
            *_away(session, member.id, zone),
            *_covering(session, covered, zone),
            *_tasks(session, member.id, to_do, zone=zone, now=now),
            held.section(f"⏸️ {my} paused leads", but=Group.REPLY, empty=_NOBODY_ELSE if waiting else _NOBODY_PAUSED),
            held.section("💬 Waiting for an answer", only=Group.REPLY, empty="Nobody waits for an answer from us."),
            _today(session, day, zone=zone, now=now),
            _sequences(session, funnels(session, scope), my),
            _mailboxes(count, boxes, zone=zone, now=now),
        ),
    )  # fmt: skip


_NOBODY_PAUSED = (
    "None is paused. `pause lead@example.com until June 15` holds somebody, and so does the button above."
)

_NOBODY_ELSE = "None but those below, who wait for an answer."


def _still(due: int, to_do: int) -> str:
    """Give what is left of the day: steps that leave, and tasks that wait for the person."""
    left = [f"{counted(due, 'step')} still to come today"] if due else []
    if to_do:
        left.append(f"{counted(to_do, 'task')} for you")
    return ", ".join(left) or "Nothing more is due today"


def _tasks(session: Session, person: str, to_do: int, *, zone: str, now: datetime) -> Iterator[HomeSection]:
    """Give the first of the tasks that wait for the person, with the buttons of their list; `to_do`: how many now."""
    found = tasks.of_person(session, person, now=now, limit=EACH)
    if not found:
        return
    count = tasks.waiting(session, person, now=now)
    more = (Choice(f"Show all {count:,}", "tasks"),) if count > len(found) else ()
    lines = task_rows(session, found, zone=zone)
    put_off = f", {count - to_do:,} put off" if count > to_do else ""
    yield HomeSection(f"✍️ My tasks ({count:,}{put_off})", (DigestGroup("", lines),), choices=more)


def _away(session: Session, person: str, zone: str) -> Iterator[HomeSection]:
    """Say that the person is away, who has their leads meanwhile, and let them come back."""
    if (row := absences.current(session, person)) is None:
        return
    theirs = "your leads wait for you." if row.cover is None else (
        f"{name_of(session, row.cover)} gets the cards, questions and reminders of your leads; they stay yours."
    )  # fmt: skip
    note = f"Until {say(row.until, zone)}: {theirs}"
    yield HomeSection("🏖️ You are away", note=note, choices=(Choice("I am back", "back"),))


def _covering(session: Session, covered: Sequence[str], zone: str) -> Iterator[HomeSection]:
    """Say for whom the person stands in until when, and lead to those leads."""
    for absent in covered[:COVERED_SHOWN]:
        name, row = name_of(session, absent), absences.current(session, absent)
        until = f"Until {say(row.until, zone)}: " if row else ""
        whose = (col(Lead.owner) == absent,)
        count = session.exec(select(func.count()).select_from(Lead).where(*whose)).one()
        held = select(func.count(func.distinct(Enrollment.lead_id))).join(
            Lead, col(Lead.id) == Enrollment.lead_id
        )
        waiting = session.exec(held.where(*whose, Enrollment.status == Status.PAUSED.value)).one()
        note = (
            f"{until}{counted(count, 'lead')} of {name}'s {'is' if count == 1 else 'are'} with you, {waiting:,} of them "
            f"paused; on your lists they bear “for {name}”."
        )
        theirs = to_text(orders.Paused(who=Who(filter=(Term("owner", absent),))))
        choices = (Choice(f"Show all paused of {name}", theirs),) if waiting else ()
        yield HomeSection(f"🧢 You cover for {name}", note=note, choices=choices)
    if (more := len(covered) - COVERED_SHOWN) > 0:
        yield HomeSection(f"🧢 You cover for {counted(more, 'colleague')} more")


def _first(*, has_list: bool) -> Iterator[Choice]:
    yield Choice("Pause a lead…", form=("pause_lead", 0, 0), style="primary")
    yield Choice("Enrol…", form=("enrol", 0, 0))
    if has_list:
        yield Choice("Digest now", "digest now")


def _last_act(session: Session, person_id: str, *, zone: str, now: datetime) -> tuple[str, Choice | None]:
    """Give what the person did a moment ago, and the button that takes it back."""
    query = select(Batch).where(Batch.actor == person_id).order_by(col(Batch.id).desc()).limit(1)
    batch = session.exec(query).first()
    since = max(batch.at, now - JUST_NOW) if batch else now - JUST_NOW
    if latest := _last_act_on_a_sequence(session, person_id, since, zone=zone, now=now):
        return latest
    if batch is None or batch.undone_at or not batch.size or batch.at < now - JUST_NOW:
        return "", None
    line, email, name = session.exec(
        select(Journal, Lead.email, SequenceRow.name)
        .join(Lead, col(Lead.id) == Journal.lead_id)
        .outerjoin(SequenceRow, col(SequenceRow.id) == Journal.sequence_id)
        .where(Journal.batch_id == batch.id)
        .order_by(col(Journal.enrollment_id).is_(None), col(Journal.id))
        .limit(1)
    ).first() or (None, "", "")
    if line is None:
        return "", None
    undo = Choice("↩️ Undo", f"undo {batch.id}") if batch.verb != "undo" else None
    # A batch also counts what it asked and noted; what it did to leads is in the journal.
    alike = (Journal.batch_id == batch.id, Journal.verb == line.verb)
    count = session.exec(select(func.count(func.distinct(Journal.lead_id))).where(*alike)).one()
    whom = f"{email}{f' in {name}' if name else ''}" if count == 1 else counted(count, "lead")
    undone = _taken_back(session, batch)
    if count == 1:
        done = undone or _one_act(session, line, zone)
    else:
        done = (undone or act_words(line, "you")).replace(" it", " them", 1)
    return f"{whom}: {done} at {clock(batch.at, zone, now)}.", undo


def _taken_back(session: Session, batch: Batch) -> str:
    """Give what an undo took back, in the words in which it was told itself; "" of what is no undo."""
    query = (
        select(Journal, Batch.verb)
        .join(Batch, col(Batch.id) == Journal.batch_id)
        .where(Batch.undone_at == batch.at, Batch.undone_by == batch.actor, Batch.id != batch.id)
        .order_by(col(Journal.enrollment_id).is_(None), col(Journal.id))
    )
    found = session.exec(query.limit(1)).first() if batch.verb in _TAKES_BACK else None
    if found is None:
        return ""
    line, verb = found
    if verb in _TAKES_BACK:
        return "you took back an undo"
    who = "you" if line.actor == batch.actor else name_of(session, line.actor)
    return f"you took back that {act_words(line, who)}"


def _one_act(session: Session, line: Journal, zone: str) -> str:
    row = next(iter(load(session, [line.enrollment_id])), None) if line.enrollment_id else None
    return moved_words(line, "you", row, zone)


def _last_act_on_a_sequence(
    session: Session, person_id: str, since: datetime, *, zone: str, now: datetime
) -> tuple[str, Choice | None] | None:
    """Give the same of a sequence that the person changed after `since`; None: of none."""
    query = select(SequenceRow).where(
        SequenceRow.changed_by == person_id, col(SequenceRow.changed_at) > since
    )
    row = session.exec(query.order_by(col(SequenceRow.changed_at).desc()).limit(1)).first()
    if row is None:
        return None
    acts = select(Journal).where(
        Journal.sequence_id == row.id, Journal.at == row.changed_at, col(Journal.verb).endswith(" sequence")
    )
    line = session.exec(acts.order_by(col(Journal.id).desc()).limit(1)).first()
    if line is None:
        return None
    whose = _running(session, [row.id or 0]).get(row.id or 0, "")
    back = next(turns(row.id or 0, row.name, row.status, row.changed_at, whose), None)
    return f"{row.name}: {act_words(line, 'you')} it at {clock(row.changed_at, zone, now)}.", back


def _trouble(boxes: Sequence[Sender]) -> Iterator[str]:
    if down := [one.mailbox.address for one in boxes if one.mailbox.down_at]:
        yield (
            f"{down[0]} cannot send, so its mail waits."
            if len(down) == 1
            else f"{len(down)} mailboxes cannot send, so their mail waits."
        )
    for held in (one.mailbox for one in boxes if one.mailbox.guarded_at):
        yield f"{held.address} is held: {held.guarded_because}; its card says how it goes on."


class _Held:
    """The paused leads, in the groups and with the lines of the daily digest."""

    def __init__(self, session: Session, shown: Worklist, *, now: datetime) -> None:
        self._shown = shown
        self.sizes, items = paused(session, shown, each=EACH)
        lines = rows(session, [item for _, item in items], shown, now=now)
        self._groups = [
            (place, tuple(line for _, line in members))
            for place, members in groupby(zip(items, lines, strict=True), key=lambda pair: pair[0][0])
        ]
        if Group.BACKLOG in self.sizes:
            waiting = tuple(backlog.lines(session, zone=shown.zone, now=now))
            self._groups.insert(0, (int(Group.BACKLOG), waiting))

    def size(self, *, only: int | None = None, but: int | None = None) -> int:
        """Give how many there are in all groups but one, or in one group alone."""
        return sum(size for place, size in self.sizes.items() if place != but and only in (None, place))

    def section(
        self, name: str, *, empty: str, only: int | None = None, but: int | None = None
    ) -> HomeSection:
        """Give the groups but one, or one group alone, which then needs no name of its own."""
        groups = tuple(
            DigestGroup("" if only is not None else self._heading(place), lines)
            for place, lines in self._groups
            if (only is None or place == only) and place != but
        )
        size = self.size(only=only, but=but)
        is_cut = size > sum(len(group.rows) for group in groups)
        more = (self._all(size if only is not None else None),) if is_cut else ()
        title_ = f"{name} ({size:,})" if size else name
        return HomeSection(title_, groups, "" if groups else empty, choices=more)

    def _all(self, size: int | None) -> Choice:
        """Give the button for the whole of one group, which the digest lists; None: of all, also what is far from due."""
        is_own = self._shown.scope.owner is not None
        if size is not None:
            return Choice(f"Show all {size:,}", "digest now" if is_own else "paused")
        return Choice("Show all paused", to_text(orders.Paused(who=Who(mine=True) if is_own else None)))

    def _heading(self, place: int) -> str:
        name = "🗓️ Due back later" if place == LATER else name_of_group(Group(place), self._shown)
        return f"{name} ({self.sizes[place]:,})"


def _today(session: Session, day: Today, *, zone: str, now: datetime) -> HomeSection:
    names = sorted({*day.sent, *day.due}, key=lambda name: (-day.due.get(name, 0), name))[:SEQUENCES_SHOWN]
    by_sequence = [
        f"{name}: {day.sent.get(name, 0):,} sent, {day.due.get(name, 0):,} to come" for name in names
    ]
    loaded = {row.id: row for row in load(session, day.next)}
    lead_ids = {row.lead_id for row in loaded.values()}
    leads = {lead.id: lead for lead in session.exec(select(Lead).where(col(Lead.id).in_(lead_ids)))}
    lines = []
    for row in (loaded[number] for number in day.next):
        lead, state = leads[row.lead_id], row.state
        moment = max(row.send_at or now, now)
        step = f"step {state.position + 1} “{title_of(row, state.position, lead)}”"
        pause = to_text(orders.Pause(Who(addresses=(lead.email,)), row.sequence.name))
        when = f"{local(moment, zone):%H:%M}" if moment > now else "now"
        lines.append(
            Row(
                f"{when} · {person(lead)}",
                f"{step} of {row.sequence.name}",
                row.id,
                (Choice("Pause", pause),),
            )
        )
    note = "" if names else f"Nothing leaves today, and nothing has. {_IMPORT}"
    groups = (DigestGroup("", tuple(lines)),) if lines else ()
    return HomeSection("📤 Today", groups, note, facts=tuple(by_sequence))


def _sequences(session: Session, found: Sequence[Funnel], my: str) -> HomeSection:
    running = _running(session, [one.id for one in found[:SEQUENCES_SHOWN]])
    lines = tuple(
        Row(one.name, _funnel(one), None, tuple(_about(one, running.get(one.id, ""))))
        for one in found[:SEQUENCES_SHOWN]
    )
    empty = "There is no sequence yet: `/sequence new` makes one."
    more = (Choice(f"Show all {len(found):,}", "sequences"),) if len(found) > len(lines) else ()
    name = f"🎼 {my} sequences" + (f" ({len(found):,})" if found else "")
    return HomeSection(name, (DigestGroup("", lines),) if lines else (), "" if lines else empty, choices=more)


def _funnel(one: Funnel) -> str:
    way = [
        f"{one.contacted:,} contacted",
        f"{one.answered:,} answered",
        f"{one.interrupted:,} interrupted",
        f"{one.completed:,} completed",
    ]
    return f"{one.status} · {' → '.join(way)} · {one.active:,} active, {one.paused:,} paused"


def _running(session: Session, sequence_ids: Sequence[int]) -> dict[int, str]:
    """Give how many leads of whom are under way in each of these sequences, such as "3 leads of Ana and Ben"."""
    live = (col(Enrollment.sequence_id).in_(sequence_ids), col(Enrollment.status).in_(LIVE))
    query = (
        select(Enrollment.sequence_id, Lead.owner, func.count())
        .join(Lead, col(Lead.id) == Enrollment.lead_id)
        .where(*live)
        .group_by(col(Enrollment.sequence_id), col(Lead.owner))
    )
    found = session.exec(query).all()
    called = names(session, [owner for _, owner, _ in found if owner])
    said = {}
    for number in sequence_ids:
        of_owner = sorted(
            (-count, called[owner] if owner else "nobody") for one, owner, count in found if one == number
        )
        whose = [name for _, name in of_owner]
        more = [f"{counted(len(whose) - OWNERS_NAMED, 'other')}"] if len(whose) > OWNERS_NAMED else []
        if whose:
            said[number] = (
                f"{counted(-sum(count for count, _ in of_owner), 'lead')} of {listed([*whose[:OWNERS_NAMED], *more])}"
            )
    return said


def _about(one: Funnel, whose: str) -> Iterator[Choice]:
    """Give a sequence's buttons."""
    yield from turns(one.id, one.name, one.status, one.changed_at, whose)
    yield Choice("List", to_text(orders.List(one.name)))


def turns(number: int, name: str, status: str, changed_at: datetime, whose: str = "") -> Iterator[Choice]:
    """Give the button that pauses a sequence, or resumes it as it was shown, so that an old one never starts mail."""
    command = f"card {PRESSED} {number}"
    if status == SequenceStatus.PUBLISHED:
        pause = f"No more mail of {name[:100]} leaves{f', for {whose}' if whose else ''}, until somebody resumes it."
        yield Choice("Pause sequence", f"{command} pause", confirm=pause)
    if status == SequenceStatus.PAUSED:
        resume = f"Mail of {name[:100]} leaves again, within its windows and caps."
        yield Choice("Resume sequence", f"{command} resume seen {stamp(changed_at)}", "primary", resume)


def _mailboxes(count: int, boxes: Sequence[Sender], *, zone: str, now: datetime) -> HomeSection:
    lines = tuple(
        Row(one.mailbox.address, state(one.mailbox, one.handed, one.cap, zone=zone, now=now)) for one in boxes
    )
    empty = "There is no mailbox yet, so nothing can be sent. Add one with `fermata mailbox add`."
    more = (Choice(f"Show all {count:,}", "mailboxes"),) if count > len(lines) else ()
    name = "📮 Mailboxes" + (f" ({count:,})" if count else "")
    return HomeSection(name, (DigestGroup("", lines),) if lines else (), "" if lines else empty, choices=more)
