"""The list of paused leads: when it comes (`digest at 8:30`), and what its buttons do (`card digest …`, `card paused …`)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time

from sqlmodel import Session, col, or_, select

from core import cards, dates, digests, fallen, weekly
from core.acts import load
from core.answers import Answer
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar.commands import Press, Who
from core.grammar.readers import CHANNEL_ID
from core.lifecycle import Source
from core.models import LARGEST_ID, WORKSPACE_ID, Card, Digest, Enrollment, Workspace
from core.names import SLACK_ID
from core.people import Actor
from core.schedule import local
from core.verbs import clicks, proposals
from core.verbs.choosing import by_ids, lock_leads
from core.verbs.outcome import Instead, Outcome
from core.verbs.returns import a_week_longer
from core.verbs.whens import zone_of
from core.views import digest as view
from core.views.digest_rows import LATER, rows
from core.words import counted
from core.worklist import Group, Worklist, left, total

NOTHING = "Nothing is to be done: no paused lead is due, waits for an answer or is forgotten."
ROW = re.compile(rf"(resume|stop|cancel|{LATER}) seen ([0-9]{{1,9}})(?: from ([0-9]{{1,9}}) ([0-9]{{1,9}}))?")
MORE = re.compile(r"more ([0-9]{1,9})")
NO_ANSWER = "That is no answer to the list of paused leads; press one of its buttons."
_IN_DIRECT = "our direct messages"


def digest(session: Session, order: orders.Digest, *, actor: Actor, now: datetime) -> Outcome:
    """Show the list now, or settle when it comes by itself."""
    if order.channel is None and not SLACK_ID.fullmatch(actor.id):
        if order.when == "now":
            return Outcome(_everything(session, actor=actor, now=now))
        raise Refused("Say for which channel, for example: `digest at 8:30 for #sales`.")
    row = row_for(session, order, actor=actor)
    where, trouble = where_of(row), tuple(filter(None, [fallen.trouble(session, row)]))
    if order.when == "now":
        said = _now(session, row, where, now=now)
        return Outcome(replace(said, lines=(*said.lines, *trouble), channel=channel_of(row)))
    if order.when == "off":
        if not is_on(session, row):
            nothing = f"No digest comes in {where}, so there is nothing to turn off."
            raise Instead(nothing, channel=channel_of(row))
        row.is_off = True
        session.add(row)
        again = f"`digest on`{for_(row)} brings it back at {row.at or digests.USUAL_TIME}."
        return Outcome(Answer(f"The digest in {where} is off. {again}", channel=channel_of(row)))
    reader = digests.reader_of(session, row)
    if order.when != "on":
        row.at = f"{clock_of(order.when):%H:%M}"
    row.at, row.is_off = row.at or digests.USUAL_TIME, False
    today = local(now, reader.zone).date()
    if reader.moment(today) <= now and (row.day is None or row.day < today.isoformat()):
        row.day = today.isoformat()  # it begins with the next one, not with one that is late
    session.add(row)
    session.flush()
    comes = say(reader.next_moment(now), reader.zone)
    return Outcome(
        Answer(f"The digest comes in {where} at {row.at} from Monday to Friday; the next one on {comes}.",
               ("On a day without anything to do none comes.", *trouble), channel=channel_of(row))
    )  # fmt: skip


def is_on(session: Session, row: Digest) -> bool:
    """Say whether one comes there by itself: for a person, for the workspace's channel, or where one was named."""
    usual = not row.is_channel or row.place == session.get_one(Workspace, WORKSPACE_ID).channel
    return not row.is_off and (usual or row.at is not None)


def row_for(session: Session, order: orders.Digest, *, actor: Actor) -> Digest:
    """Give the row that a command is about; raises Refused for a channel that nobody here knows.

    Who names a channel hears where nothing can be posted to it.
    """
    if order.channel is None:
        return digests.row_of(session, actor.id, is_channel=False)
    row = digests.row_of(session, _place(session, order.channel), is_channel=True)
    if SLACK_ID.fullmatch(actor.id):
        row.asked_by = actor.id
    return row


def _place(session: Session, channel: str) -> str:
    """Give the one place of a channel: its id, or the name that the settings gave it.

    Slack gives the id of every channel that whoever types can see; what comes as a name is none of them.
    """
    if CHANNEL_ID.fullmatch(channel):
        # One that was set by its name is known by its id once a list stands there.
        known = select(Digest.place).outerjoin(Card, col(Card.id) == col(Digest.card_id))
        is_it = or_(col(Digest.place) == channel, col(Card.channel) == channel)
        known = known.where(col(Digest.is_channel), is_it).order_by(col(Digest.is_off), col(Digest.id))
        return session.exec(known).first() or channel
    named = {session.get_one(Workspace, WORKSPACE_ID).channel}
    named |= set(session.exec(select(Digest.place).where(col(Digest.is_channel))))
    for place in named:
        if place.removeprefix("#").lower() == channel.lower():
            return place
    raise Refused(
        f"Slack shows no channel #{channel} here: pick it from what Slack offers while you type its name."
    )


def where_of(row: Digest) -> str:
    """Give where it comes, for a sentence after "in"; `channel_of` lets Slack show a channel's name."""
    return f"#{row.place.removeprefix('#')}" if row.is_channel else _IN_DIRECT


def for_(row: Digest) -> str:
    """Give what a command for a channel ends with, "" for one's own."""
    return f" for {where_of(row)}" if row.is_channel else ""


def channel_of(row: Digest) -> str:
    """Give the id of the channel that its sentences name, "" for none."""
    return row.place if row.is_channel and CHANNEL_ID.fullmatch(row.place) else ""


def clock_of(phrase: str, command: str = "digest") -> time:
    """Give the one time of day that is meant; raises Refused where a person must say it more exactly."""
    times = dates.read_clock(phrase)
    if len(times) > 1:
        raise Refused(
            f"Morning or evening? Write it as `{command} at {times[0]:%H:%M}` or {times[-1]:%H:%M}."
        )
    return times[0]


def _now(session: Session, row: Digest, where: str, *, now: datetime) -> Answer:
    reader = digests.reader_of(session, row)
    count = digests.anything(session, reader, at=now)
    if not count:
        return Answer(NOTHING)
    digests.show(session, row, digests.asked_key(row, local(now, reader.zone).date()), now=now)
    return Answer(f"{counted(count, 'line')} to work off: the list comes in {where}.")


def _everything(session: Session, *, actor: Actor, now: datetime) -> Answer:
    """Give the beginning of everybody's list to somebody who is not in Slack."""
    zone, _ = zone_of(session, actor)
    shown = Worklist(now, zone)
    counts = shown.counts(session)
    waiting = [line for group in view.backlogged(session, counts, shown, now=now) for line in group.rows]
    if not (count := left(counts) + len(waiting)):
        return Answer(NOTHING)
    lines = rows(session, view.page(session, shown, counts, offset=0), shown, now=now)
    return Answer(f"{counted(count, 'line')} to work off, the first are:", rows=(*waiting, *lines))


def press(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Show another page, or ask whether a whole group is resumed or stopped."""
    card, shown = _list(session, order.number)
    if found := MORE.fullmatch(order.answer):
        return Outcome(_page(session, card, shown, int(found[1]), now=now))
    if order.answer == "resume due":
        return _for_all(session, shown, Group.TODAY, orders.Resume(Who(mine=True)), "Resume", actor, now)
    if order.answer == "stop long":
        return _for_all(session, shown, Group.LONG, orders.Stop(Who(mine=True)), "Stop for good", actor, now)
    raise Refused(NO_ANSWER)


def _list(session: Session, number: str) -> tuple[Card, Worklist]:
    card = session.get(Card, _id(number))
    row = session.get(Digest, card.about_id) if card and card.kind == digests.KIND else None
    if card is None or row is None:
        raise Refused(view.GONE)
    return card, digests.worklist(session, digests.reader_of(session, row), at=card.created_at)


def _id(number: str) -> int:
    if not number.isdecimal() or int(number) > LARGEST_ID:
        raise Refused(view.GONE)
    return int(number)


def _page(session: Session, card: Card, shown: Worklist, offset: int, *, now: datetime) -> Answer:
    counts = shown.counts(session)
    items = view.page(session, shown, counts, offset=offset)
    if not items:
        raise Refused("There are no more lines on this list.")
    lines = rows(session, items, shown, now=now, page=f"{card.id} {offset}")
    title = f"Lines {offset + 1:,} to {offset + len(items):,} of {total(counts):,}, {left(counts):,} to do."
    return Answer(
        title, rows=tuple(lines), more=view.more(card.id or 0, offset, items, counts)
    )  # fmt: skip


def _for_all(
    session: Session,
    shown: Worklist,
    group: Group,
    order: orders.Resume | orders.Stop,
    what: str,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Ask first, with exactly what is still to do: whoever is done already is left alone."""
    places = by_ids(session, shown.open_in(session, group))
    if not places:
        raise Refused("All of these are done already; nothing was changed.")
    return proposals.propose(session, order, what, places, actor=actor, now=now)


def press_row(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Do what a line's button says, unless somebody was faster; Stop acts in any case (DESIGN G5)."""
    found = ROW.fullmatch(order.answer)
    if found is None:
        raise Refused(NO_ANSWER)
    enrollment_id, version = _id(order.number), int(found[2])
    if found[1] == LATER:
        outcome = _later(session, enrollment_id, version, actor=actor, now=now)
    else:
        outcome = clicks.click(
            session, found[1], enrollment_id=enrollment_id, version=version, actor=actor, now=now
        )
    if found[3] is None:
        return outcome
    card = session.get(Card, _id(found[3]))
    if card is not None and card.kind == weekly.KIND:  # its line was pressed on the report itself
        cards.touch_one(session, card)
        return outcome
    if card is None or card.kind != digests.KIND:
        return outcome
    session.flush()
    answer = _page(session, *_list(session, found[3]), int(found[4]), now=now)
    return replace(outcome, answer=replace(outcome.answer, rows=answer.rows, more=answer.more))


def _later(session: Session, enrollment_id: int, version: int, *, actor: Actor, now: datetime) -> Outcome:
    """Hold it until a week after its end, or, where it has none, for a week from now: now it is this person's hold."""
    row = session.get(Enrollment, enrollment_id)
    if row is None or not lock_leads(session, [row.lead_id]):
        raise Refused(clicks.GONE)
    cards.touch_digests(session, lead_ids=[row.lead_id])
    (loaded,) = load(session, [enrollment_id])
    if loaded.version != version:
        sentence = clicks.overtaken(session, enrollment_id, version, actor=actor, now=now)
        return Outcome(Answer(sentence, is_refusal=True))
    sources = {hold.source for hold in loaded.state.holds}
    if not sources:
        raise Refused(f"{loaded.state.label} is not paused; nothing was changed.")
    if sources & {Source.UNCERTAIN, Source.FAILED, Source.MISSING_VALUE}:
        raise Refused(
            f"A step of {loaded.state.label} is not settled yet; waiting would not help. Settle it."
        )
    outcome = a_week_longer(session, {enrollment_id: loaded.state.holds}, actor=actor, now=now)
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))
