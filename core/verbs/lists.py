"""Lists and figures: paused leads, leads, sequences, the log, statistics, mailboxes."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, true, tuple_
from sqlmodel import Session, col, func, select

from core import guarding, newsteps
from core import sequences as library
from core.acts import Loaded, load
from core.answers import Answer, Choice, Row
from core.current import current_run
from core.dates.past import ago
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import EVERYWHERE, Who
from core.guard import Rates
from core.guarding import Guarded
from core.lifecycle import LIVE, Status
from core.mailboxes import cap_on, day_of, handed_on
from core.missing import as_it_is
from core.models import LARGEST_ID, Enrollment, Hold, Lead, Mailbox, Sequence, Step
from core.names import names
from core.people import Actor
from core.stamps import place, placed
from core.verbs.acting import next_step
from core.verbs.building import choices_of, has_edits
from core.verbs.choosing import condition_of, describe
from core.verbs.whens import zone_of
from core.views import guard, new_step
from core.views.mailbox_words import state
from core.views.why import hold_words
from core.words import counted

ROWS_SHOWN = 15


def paused(session: Session, order: orders.Paused, *, actor: Actor, now: datetime) -> Answer:
    """Give the held leads, those held longest first, each with its reasons and its buttons."""
    zone, _ = zone_of(session, actor)
    since = func.min(Hold.placed_at)
    query = (
        select(since.label("since"), Enrollment.id)
        .join(Hold, (col(Hold.enrollment_id) == Enrollment.id) & col(Hold.released_at).is_(None))
        .where(Enrollment.status == Status.PAUSED.value, *_in(session, order.sequence))
        .group_by(col(Enrollment.id))
    )
    if order.who:
        query = query.join(Lead).where(condition_of(session, order.who, actor=actor))
    if order.older_than:
        query = query.having(since <= ago(order.older_than, now=now, zone=zone))
    held = query.subquery().c
    # By what stands on it, not by number: whoever was resumed since the page before moves nobody past the reader.
    left = tuple_(held.since, held.id) > placed(order.after) if order.after else true()
    page = session.exec(
        select(held.since, held.id).where(left).order_by(held.since, held.id).limit(ROWS_SHOWN)
    ).all()
    count = session.exec(select(func.count(held.id))).one()
    remaining = session.exec(select(func.count(held.id)).where(left)).one() if order.after else count
    whose = f" {describe(order.who)}" if order.who and not order.who.everyone else ""
    where = f" in {order.sequence}" if order.sequence not in (None, EVERYWHERE) else ""
    older = f" for longer than {order.older_than}" if order.older_than else ""
    if not page:
        more = " more" if order.after else ""
        return Answer(f"No{more} lead{whose} is paused{where}{older}.")
    loaded = {row.id: row for row in load(session, [number for _, number in page])}
    rows = tuple(_paused_row(session, loaded[number], zone=zone) for _, number in page)
    first, whose = count - remaining, "" if order.who and order.who.addresses else whose
    cut = f" These are {first + 1:,} to {first + len(page):,}." if count > len(page) else ""
    following = to_text(replace(order, after=place(*page[-1])))
    return Answer(
        f"{counted(count, 'lead')}{whose} paused{where}{older}, the longest first.{cut}",
        rows=rows,
        more=Choice("More", following) if remaining > len(page) else None,
    )


def _paused_row(session: Session, row: Loaded, *, zone: str) -> Row:
    called = names(session, [hold.author for hold in row.state.holds])
    lead = session.get_one(Lead, row.lead_id)
    holds = [as_it_is(hold, row, lead) for hold in row.state.holds]
    words = " ".join(hold_words(hold, called[hold.author], row.state.position, zone) for hold in holds)
    who, name = Who(addresses=(lead.email,)), row.sequence.name
    choices = (
        Choice("Resume", to_text(orders.Resume(who, name))),
        Choice(
            "Stop",
            to_text(orders.Stop(who, name)),
            style="danger",
            confirm=f"Stop {row.state.label} for good?",
        ),
    )
    return Row(row.state.label, words, row.id, choices)


def leads(session: Session, order: orders.List, *, actor: Actor, now: datetime) -> Answer:
    """Give leads in sequences, by their address, with their status and next step."""
    zone, _ = zone_of(session, actor)
    conditions = [current_run(), *_in(session, order.sequence)]
    if order.status:
        conditions.append(col(Enrollment.status) == order.status)
    if order.who:
        meant = select(Lead.id).where(condition_of(session, order.who, actor=actor))
        conditions.append(col(Enrollment.lead_id).in_(meant))
    query = select(Enrollment.id).join(Lead, col(Lead.id) == Enrollment.lead_id).where(*conditions)
    left = tuple_(Lead.email, Enrollment.id) > _line(session, order.after) if order.after else true()
    page = session.exec(
        query.where(left).order_by(col(Lead.email), col(Enrollment.id)).limit(ROWS_SHOWN)
    ).all()
    count = session.exec(select(func.count()).select_from(Enrollment).where(*conditions)).one()
    remaining = count
    if order.after:
        remaining = session.exec(select(func.count()).select_from(query.where(left).subquery())).one()
    loaded = {row.id: row for row in load(session, [i for i in page if i is not None])}
    rows = []
    for i in page:
        row = loaded[i or 0]
        lead = session.get_one(Lead, row.lead_id)
        status = row.state.status.value.replace("_", " ")
        rows.append(
            Row(row.state.label, f"{status}. {next_step(row, row.state, lead, zone=zone, now=now)}", row.id)
        )
    whose = f" {describe(order.who)}" if order.who and not order.who.everyone else ""
    where = f" in {order.sequence}" if order.sequence not in (None, EVERYWHERE) else ""
    status = f" {order.status.replace('_', ' ')}" if order.status else ""
    first = count - remaining
    cut = f" These are {first + 1:,} to {first + len(page):,}." if count > len(page) and page else ""
    lines, choices = new_step.asked(newsteps.waiting(session, *conditions))
    return Answer(
        f"{counted(count, 'lead')}{whose}{status}{where}.{cut}",
        lines,
        choices,
        rows=tuple(rows),
        more=Choice("More", to_text(replace(order, after=str(page[-1])))) if remaining > len(page) else None,
    )


def _line(session: Session, after: str) -> tuple[str, int]:
    """Give the place of an enrollment on the list of leads; raises Refused where it is no longer here."""
    number = min(int(after), LARGEST_ID)
    query = (
        select(Lead.email).join(Enrollment, col(Enrollment.lead_id) == Lead.id).where(Enrollment.id == number)
    )
    email = session.exec(query).first()
    if email is None:
        raise Refused("The lead on that line is no longer here; say `list` again.")
    return email, number


def _in(session: Session, name: str | None) -> list[ColumnElement[bool]]:
    if name is None or name == EVERYWHERE:
        return []
    return [col(Enrollment.sequence_id) == library.find(session, name).id]


def sequences(session: Session, order: orders.Sequences, *, actor: Actor, now: datetime) -> Answer:
    """Give every sequence with its status, its steps and its leads by status."""
    del order, actor, now
    steps = dict(session.exec(
        select(Step.sequence_id, func.count()).where(col(Step.position).is_not(None)).group_by(col(Step.sequence_id))
    ).all())  # fmt: skip
    counts: dict[int, dict[str, int]] = {}
    grouped = select(Enrollment.sequence_id, Enrollment.status, func.count()).where(current_run())
    for sequence_id, status, count in session.exec(
        grouped.group_by(col(Enrollment.sequence_id), col(Enrollment.status))
    ):
        counts.setdefault(sequence_id, {})[status] = count
    found = session.exec(select(Sequence).order_by(Sequence.name)).all()
    rows = tuple(
        Row(
            row.name,
            f"{row.status}{', edited' if has_edits(row) else ''}, {counted(steps.get(row.id or 0, 0), 'step')}, {_by_status(counts.get(row.id or 0, {}))}",
            choices=choices_of(row),
        )
        for row in found
    )
    new = (Choice("New sequence", to_text(orders.New())),)
    if not rows:
        return Answer(
            "There is no sequence yet. Make one with `new`, or with `fermata apply FILE.yaml`.", choices=new
        )
    return Answer(f"{counted(len(rows), 'sequence')}.", rows=rows, choices=new)


def _by_status(counts: dict[str, int]) -> str:
    words = [f"{counts[status]:,} {status.replace('_', ' ')}" for status in Status if counts.get(status)]
    return ", ".join(words) or "no leads"


def mailboxes(session: Session, order: orders.Mailboxes, *, actor: Actor, now: datetime) -> Answer:
    """Give every mailbox with what it may still send today, and whether it works."""
    del order
    zone, _ = zone_of(session, actor)
    found: Many[Mailbox] = session.exec(select(Mailbox).order_by(Mailbox.address)).all()
    if not found:
        return Answer("There is no mailbox yet. Add one with `fermata mailbox add`.")
    came_back = guarding.rates(session, Guarded.MAILBOX, now=now)
    rows = tuple(
        Row(
            box.address,
            _mailbox(session, box, came_back.get(box.id or 0), now=now, zone=zone),
            choices=_release(session, box),
        )
        for box in found
    )
    return Answer(f"{counted(len(found), 'sender')}.", rows=rows)


def _release(session: Session, box: Mailbox) -> tuple[Choice, ...]:
    """Give the button of a held mailbox's card."""
    card = guarding.newest_card(session, Guarded.MAILBOX, box.id or 0) if box.guarded_at else None
    return guard.card(session, card, now=card.created_at).choices if card else ()


def _mailbox(session: Session, box: Mailbox, rates: Rates | None, *, now: datetime, zone: str) -> str:
    day = day_of(box, now)
    live = select(func.count()).select_from(Enrollment).where(
        Enrollment.mailbox_id == box.id, col(Enrollment.status).in_(LIVE)
    )  # fmt: skip
    handed, cap = handed_on(session, box, day), cap_on(box, day)
    said = state(box, handed, cap, zone=zone, now=now, rates=rates)
    return f"{said} · {counted(session.exec(live).one(), 'live lead')}"
