"""The lines of the list of paused leads: who, why and since when, what can be done, and what has been done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from core.acts import Loaded, load
from core.answers import Choice, Row
from core.conversations import ANSWERABLE, stamp
from core.dates import say_day
from core.grammar import to_text
from core.grammar.commands import Press, Settle
from core.lifecycle import Hold, Source
from core.meetings import ANSWERED
from core.missing import as_it_is, missing
from core.models import Delivery, DeliveryState, Journal, Lead, Meeting, Message
from core.names import names
from core.people import SYSTEM
from core.schedule import local
from core.views.forecast import hold_ends_at
from core.views.timeline import SENDER_VERBS, act_words
from core.words import clock, counted, short
from core.worklist import Group, Item, Worklist

ROW_KIND = "paused"  # the word of a row's commands: `card paused 12 resume seen 7`
LATER = "one week later"
ANSWERING_VERBS = ("reply", "settle again")  # core.replies
WHY_CHARS = 160
NAME_CHARS = 60
_WHY = {
    Source.PERSON: "paused by {author}",
    Source.REPLY: "answered",
    Source.OUT_OF_OFFICE: "out of office, paused",
    Source.MEETING: "a meeting is booked, paused",
    Source.CLICK: "clicked, paused",
    Source.BOUNCE: "its mail bounced",
    Source.BACKLOG: "held back in a backlog",
    Source.FAILED: "step {step} failed",
    Source.UNCERTAIN: "step {step} may or may not have left",
    Source.NEW_STEP: "a step was added",
    Source.MISSING_VALUE: "step {step} cannot be written",
    Source.AWAY: "{author} was away, paused",
}
_SHOWN_FIRST = {
    Group.UNCERTAIN: frozenset({Source.UNCERTAIN}),
    Group.FAILED: frozenset({Source.FAILED, Source.MISSING_VALUE}),
    Group.REPLY: frozenset({Source.REPLY}),
}


@dataclass(frozen=True)
class _Known:
    """What the lines of one page need, read together."""

    leads: dict[int, Lead]
    enrollments: dict[int, Loaded]
    meetings: dict[int, Meeting]
    replies: dict[int, Message]  # lead → what they wrote last
    uncertain: dict[int, int]  # enrollment → delivery
    done: dict[tuple[int, int], Journal]  # (enrollment, meeting) → the last act on it
    called: dict[str, str]


def rows(
    session: Session, items: Sequence[Item], shown: Worklist, *, now: datetime, page: str = ""
) -> list[Row]:
    """Give the lines of a page, with a handful of statements. `page`: where an answer to one of them leads back to."""
    known = _known(session, items, shown)
    return [_row(item, known, shown, now, page) for item in items]


def _known(session: Session, items: Sequence[Item], shown: Worklist) -> _Known:
    ids = [item.enrollment_id for item in items if item.enrollment_id]
    enrollments = {row.id: row for row in load(session, ids)} if ids else {}
    meeting_ids = [item.meeting_id for item in items if item.meeting_id]
    meetings = {m.id or 0: m for m in session.exec(select(Meeting).where(col(Meeting.id).in_(meeting_ids)))}
    leads = {
        lead.id or 0: lead
        for lead in session.exec(select(Lead).where(col(Lead.id).in_({item.lead_id for item in items})))
    }
    done = _done(session, items, meetings, shown.at)
    authors = [hold.author for row in enrollments.values() for hold in row.state.holds]
    owners = [lead.owner for lead in leads.values()]
    called = names(session, [*authors, *owners, *(line.actor for line in done.values())])
    asked = [item.enrollment_id for item in items if item.group is Group.UNCERTAIN and item.is_open]
    waiting = {item.lead_id for item in items if item.group is Group.REPLY and item.is_open}
    return _Known(
        leads, enrollments, meetings, _replies(session, waiting), _uncertain(session, asked), done, called
    )


def _replies(session: Session, lead_ids: set[int]) -> dict[int, Message]:
    if not lead_ids:
        return {}
    query = select(Message).where(col(Message.lead_id).in_(lead_ids), col(Message.kind).in_(ANSWERABLE))
    return {one.lead_id or 0: one for one in session.exec(query.order_by(col(Message.id)))}


def _uncertain(session: Session, ids: Sequence[int]) -> dict[int, int]:
    if not ids:
        return {}
    query = select(Delivery.enrollment_id, Delivery.id).where(
        col(Delivery.enrollment_id).in_(ids),
        Delivery.state == DeliveryState.UNCERTAIN.value,
        col(Delivery.settled_at).is_(None),
        col(Delivery.reply_id).is_(None),
    )
    return {enrollment_id: delivery_id or 0 for enrollment_id, delivery_id in session.exec(query)}


def _done(
    session: Session, items: Sequence[Item], meetings: dict[int, Meeting], at: datetime
) -> dict[tuple[int, int], Journal]:
    """Give the last act since the list was made on whatever of it is done."""
    found: dict[tuple[int, int], Journal] = {}
    if ids := [item.enrollment_id for item in items if item.enrollment_id and not item.is_open]:
        last = (
            select(func.max(Journal.id))
            .where(
                col(Journal.enrollment_id).in_(ids), Journal.at >= at, col(Journal.verb).not_in(SENDER_VERBS)
            )
            .group_by(col(Journal.enrollment_id))
        )
        lead_ids = {item.lead_id for item in items}  # their index finds the lines
        last = last.where(col(Journal.lead_id).in_(lead_ids))
        for line in session.exec(select(Journal).where(col(Journal.id).in_(last))):
            found[line.enrollment_id or 0, 0] = line
    answers = _answers(
        session, {item.lead_id for item in items if item.group is Group.REPLY and not item.is_open}, at
    )
    for item in items:
        known, reply = found.get((item.enrollment_id, 0)), answers.get(item.lead_id)
        # What the lead or time has done since is no answer of ours.
        if (
            item.group is Group.REPLY
            and not item.is_open
            and reply
            and (not known or known.actor == SYSTEM.id)
        ):
            found[item.enrollment_id, 0] = reply
        if item.meeting_id and not item.is_open and (meeting := meetings.get(item.meeting_id)):
            query = select(Journal).where(
                Journal.lead_id == meeting.lead_id, Journal.verb == ANSWERED, Journal.batch_id == meeting.batch_id
            )  # fmt: skip
            answer = session.exec(query.order_by(col(Journal.id).desc())).first()
            found |= {(0, item.meeting_id): answer} if answer else {}
    return found


def _answers(session: Session, lead_ids: set[int], at: datetime) -> dict[int, Journal]:
    """Give the last answer to each of these leads since the list was made; it stands in one of their runs alone."""
    if not lead_ids:
        return {}
    query = select(Journal).where(
        col(Journal.lead_id).in_(lead_ids), Journal.at >= at, col(Journal.verb).in_(ANSWERING_VERBS)
    )
    return {line.lead_id or 0: line for line in session.exec(query.order_by(col(Journal.id)))}


def _row(item: Item, known: _Known, shown: Worklist, now: datetime, page: str) -> Row:
    lead = known.leads[item.lead_id]
    row, meeting = known.enrollments.get(item.enrollment_id), known.meetings.get(item.meeting_id)
    title = person(lead) + (f" · {row.sequence.name}" if row else "")
    if lead.owner and lead.owner in shown.scope.covering:
        title += f" · for {known.called[lead.owner]}"
    if not item.is_open:
        line = known.done.get((item.enrollment_id, item.meeting_id))
        return Row(title, "", verdict=_verdict(line, row, known, shown, now))
    if row is None:
        choices = tuple(_about_meeting(item.meeting_id))
        what = f" “{meeting.title[:NAME_CHARS]}”" if meeting and meeting.title else ""
        return Row(title, f"the meeting{what} was over {_ago(item.since, shown.zone, now)}", choices=choices)
    hold = _shown_hold(item.group, row.state.holds)
    detail = _detail(as_it_is(hold, row, lead), row, known, shown, now) if hold else ""
    return Row(title, detail, row.id, tuple(_choices(item, row, known, page)))


def person(lead: Lead) -> str:
    """Give a lead by name and address."""
    name = f"{lead.name[:NAME_CHARS]} " if lead.name else ""
    return f"{name}({lead.email})" if name else lead.email


def _shown_hold(group: Group, holds: tuple[Hold, ...]) -> Hold | None:
    """Give the hold that put it into its group, else the oldest."""
    sources = _SHOWN_FIRST.get(group, frozenset(Source))
    is_endless = group is Group.ENDLESS
    fits = (hold for hold in holds if hold.source in sources and not (is_endless and hold.until))
    return next(fits, next(iter(holds), None))


def _detail(hold: Hold, row: Loaded, known: _Known, shown: Worklist, now: datetime) -> str:
    why = _WHY[hold.source].format(author=known.called[hold.author], step=row.state.position + 1)
    has_reason = hold.reason and hold.source in {Source.PERSON, Source.FAILED, Source.MISSING_VALUE}
    because = f" ({short(hold.reason.rstrip('.'), WHY_CHARS)})" if has_reason else ""
    ends_at = hold_ends_at(row.state)
    until = f", goes on {_on(ends_at, shown.zone, now)}" if ends_at else ""
    step = f" · step {min(row.state.position + 1, len(row.sequence.steps))} of {len(row.sequence.steps)}"
    return f"{why}{because} {_ago(hold.placed_at, shown.zone, now)}{until}{'' if 'step {' in _WHY[hold.source] else step}"


def _ago(moment: datetime, zone: str, now: datetime) -> str:
    """Give "today", "yesterday", "7 days ago"."""
    days = (local(now, zone).date() - local(moment, zone).date()).days
    return {0: "today", 1: "yesterday"}.get(days, f"{counted(days, 'day')} ago")


def _on(moment: datetime, zone: str, now: datetime) -> str:
    """Give "today at 09:00", "Wednesday 16 June at 09:00"."""
    here = local(moment, zone)
    is_today = here.date() == local(now, zone).date()
    return f"{'today' if is_today else plain_day(here)} at {here:%H:%M}"


def plain_day(here: datetime) -> str:
    """Give a local day without its year."""
    return say_day(here.date()).rpartition(" ")[0]


def moved_words(line: Journal, who: str, row: Loaded | None, zone: str) -> str:
    """Give who did what; of a pause that was made a week longer when it ends now."""
    ends_at = hold_ends_at(row.state) if row and line.verb == "pause" and line.reason == LATER else None
    if ends_at is None:
        return act_words(line, who)
    return f"{who} moved its end (now {plain_day(local(ends_at, zone))})"


def _verdict(line: Journal | None, row: Loaded | None, known: _Known, shown: Worklist, now: datetime) -> str:
    if line is None:
        return "It has changed."
    who = known.called[line.actor]
    done = f"{who} said: {line.reason}" if line.verb == ANSWERED else moved_words(line, who, row, shown.zone)
    return f"{done} at {clock(line.at, shown.zone, now, is_exact=False)}."


def _choices(item: Item, row: Loaded, known: _Known, page: str) -> Iterator[Choice]:
    def press(answer: str) -> str:
        return row_command(row.id, answer, row.version, page)

    stop = Choice("Stop", press("stop"), "danger", confirm=f"Stop {row.state.label[:100]} for good?")
    if item.group is Group.BACKLOG:  # its card lets it go, together with all others
        yield stop
        return
    if item.group is Group.UNCERTAIN:
        if delivery := known.uncertain.get(row.id):
            yield from _about_delivery(delivery)
        yield stop
        return
    if item.group is Group.FAILED:
        lacks = any(hold.source is Source.MISSING_VALUE for hold in row.state.holds)
        still = lacks and bool(missing(row, known.leads[row.lead_id]))
        if lacks:
            yield Choice("Edit lead…", style="primary" if still else None, form=("edit_lead", row.lead_id, 0))
        yield Choice("Try again", press("resume"), None if still else "primary")
        yield Choice("Leave the step out", press("cancel"))
        yield stop
        return
    reply = known.replies.get(row.lead_id) if item.group is Group.REPLY else None
    if reply is not None:
        yield Choice("Reply…", style="primary", form=("reply", reply.id or 0, stamp(reply)))
    yield Choice("Resume", press("resume"), None if reply else "primary")
    yield Choice("Resume on a date…", form=("resume", row.id, row.version))
    yield Choice("+1 week", press(LATER))
    yield stop


def row_command(enrollment_id: int, answer: str, version: int, page: str = "") -> str:
    """Give the command behind a button of a line; `version` is what the line showed."""
    back = f" from {page}" if page else ""
    return to_text(Press(ROW_KIND, str(enrollment_id), f"{answer} seen {version}{back}"))


def _about_delivery(delivery: int) -> Iterator[Choice]:
    yield Choice("It left", to_text(Settle("left", str(delivery))), "primary")
    again = "If it had left, the lead gets it twice."
    yield Choice("Send again", to_text(Settle("again", str(delivery))), confirm=again)
    yield Choice("Drop it", to_text(Settle("drop", str(delivery))))


def _about_meeting(meeting_id: int) -> Iterator[Choice]:
    command = f"card meeting {meeting_id}"
    yield Choice("It took place: stop", f"{command} happened", "primary")
    yield Choice("No-show: resume", f"{command} no show")
    yield Choice("Stay paused", f"{command} keep")
