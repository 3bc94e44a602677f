"""Publishing as people do it: what an edit does to whom is shown and asked first; and leads that had finished wait for an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from core import cards, newsteps, publishing, sequences
from core.acts import Loaded
from core.answers import Answer, Choice
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Press, SequenceVerb
from core.journal import note
from core.lifecycle import LIVE, Event, Policy, Restore, Resume, Status
from core.models import LARGEST_ID, Batch, Card, Delivery, DeliveryState, Enrollment, Sequence, SequenceStatus
from core.names import name_of
from core.people import Actor
from core.plans import parsed
from core.preview import taken_out
from core.stamps import stamp
from core.verbs import proposals
from core.verbs.acting import answered, perform, says_next
from core.verbs.choosing import lock_leads
from core.verbs.handovers import Begun, begun
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.views.home import turns
from core.words import clock, counted

PRESSED = "publish"
STOPPING = frozenset({"pause", "archive"})
ASKED = re.compile(r"(go|discard|archive|delete) seen ([0-9]{1,19})")
GONE = "That sequence is no longer here."
WAY_BACK = "“Discard the edits” takes them back; `fermata export` writes either as a file."


def turn(session: Session, row: Sequence, verb: str, *, actor: Actor, now: datetime) -> Outcome:
    """Publish, pause, resume or archive a sequence.

    Asked first is about one that was edited since it ran last, and before one is put away that leads are in.
    """
    if verb == "archive" and row.status != SequenceStatus.ARCHIVED and (live := _live(session, row)):
        return _ask_to_archive(session, row, live, actor=actor, now=now)
    if verb in {"publish", "resume"} and row.status == SequenceStatus.PAUSED:
        changes = publishing.changes(session, row)
        if changes and not publishing.faults(session, parsed(row.spec), now=now):
            return _question(session, row, changes, actor=actor, now=now)
    return turned(session, row, verb, actor=actor, now=now)


def turned(session: Session, row: Sequence, verb: str, *, actor: Actor, now: datetime) -> Outcome:
    """Do it, and redraw what shows its leads."""
    assert row.id is not None
    said = sequences.turn(session, row.id, verb, actor=actor, now=now)
    of_sequence = select(Enrollment.lead_id).where(Enrollment.sequence_id == row.id)
    shown = session.exec(select(Card.lead_id).where(col(Card.lead_id).in_(of_sequence)))
    cards.touch(session, lead_ids=[lead_id for lead_id in shown if lead_id is not None])
    hands: tuple[Begun, ...] = ()
    if verb in STOPPING:
        sending = (
            select(Delivery.enrollment_id)
            .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
            .where(Enrollment.sequence_id == row.id, Delivery.state == DeliveryState.SENDING.value)
        )
        hands = begun(session, list(session.exec(sending)))
    notes = taken_out(parsed(row.spec)) if row.status == SequenceStatus.PUBLISHED else ()
    back = tuple(turns(row.id, row.name, row.status, row.changed_at))
    return Outcome(Answer(said, notes, back), hands)


def _question(session: Session, row: Sequence, changes: Many[str], *, actor: Actor, now: datetime) -> Outcome:
    seen = stamp(row.changed_at)
    go = to_text(Press(PRESSED, str(row.id), f"go seen {seen}"))
    proposal = proposals.keep(session, go, [row.id or 0], actor=actor, now=now)
    title = f"Publish {row.name} as it was edited?"
    choices = (
        Choice("Publish", proposal=proposal, style="primary"),
        Choice("Cancel", command=f"cancel proposal {proposal}"),
        Choice("Discard the edits", to_text(Press(PRESSED, str(row.id), f"discard seen {seen}")), "danger",
               f"Take back every edit of {row.name[:100]} since it was published last?"),
    )  # fmt: skip
    lines = (
        *changes,
        *taken_out(parsed(row.spec)),
        f"It stays paused until somebody publishes it. {WAY_BACK}",
    )
    return Outcome(Answer(title, lines, choices))


def _live(session: Session, row: Sequence) -> int:
    query = select(func.count()).select_from(Enrollment)
    return session.exec(query.where(Enrollment.sequence_id == row.id, col(Enrollment.status).in_(LIVE))).one()


def _ask_to_archive(session: Session, row: Sequence, live: int, *, actor: Actor, now: datetime) -> Outcome:
    order = Press(PRESSED, str(row.id), f"archive seen {stamp(row.changed_at)}")
    lines = (
        f"{counted(live, 'lead')} {'is' if live == 1 else 'are'} in it: everything scheduled in it is paused.",
        f"`restore sequence {row.name}` brings it back, paused.",
    )
    return proposals.ask(session, order, f"Archive {row.name}?", lines, [row.id or 0], actor=actor, now=now)


def ask_to_delete(session: Session, row: Sequence, *, actor: Actor, now: datetime) -> Outcome:
    """Ask before a draft is deleted, which nobody can undo; raises Refused for a sequence that has a history."""
    sequences.check_never_ran(session, row)
    steps = counted(len(parsed(row.spec).steps), "step")
    order = Press(PRESSED, str(row.id), f"delete seen {stamp(row.changed_at)}")
    question = f"Delete the draft {row.name} for good? Nobody can undo it."
    lines = (f"Its {steps} and settings are gone then; `fermata export` keeps them as a file.",)
    return proposals.ask(session, order, question, lines, [row.id or 0], actor=actor, now=now)


def press(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Publish, put away or delete what was shown, or take the edits back; not where somebody changed it since (DESIGN G5)."""
    found = ASKED.fullmatch(order.answer)
    if found is None or not order.number.isdecimal() or int(order.number) > LARGEST_ID:
        raise Refused("That is no answer to an edited sequence; type `publish sequence SEQ` again.")
    row = session.get(Sequence, int(order.number), with_for_update={"key_share": True})
    if row is None:
        raise Refused(GONE)
    if int(found[2]) != stamp(row.changed_at):
        zone, _ = zone_of(session, actor)
        who, when = name_of(session, row.changed_by), clock(row.changed_at, zone, now)
        raise Refused(
            f"{who} changed {row.name} at {when}, so nothing was done; `publish sequence {row.name}` shows how it is now."
        )
    if found[1] == "delete":
        return Outcome(Answer(sequences.delete_draft(session, row.id or 0, actor=actor, now=now)))
    if found[1] == "archive":
        return turned(session, row, "archive", actor=actor, now=now)
    if found[1] == "go":
        return turned(session, row, "publish", actor=actor, now=now)
    if row.published_spec is not None:
        sequences.save(session, parsed(row.published_spec), actor=actor, now=now)
    publish = Choice("Resume", to_text(SequenceVerb("resume", row.name)), "primary")
    return Outcome(Answer(f"{row.name} is as it was published last, and {row.status}.", choices=(publish,)))


def press_new_step(session: Session, order: Press, *, actor: Actor, now: datetime) -> Outcome:
    """Send a new last step to those who had finished, or leave them finished: all that still wait, in one batch."""
    if order.answer not in _SAID:
        raise Refused("Say what becomes of them: “Send it to them” or “Leave them finished”.")
    batch_id = int(order.number) if order.number.isdecimal() and int(order.number) <= LARGEST_ID else 0
    query = select(Batch).where(Batch.id == batch_id).with_for_update()
    batch = session.exec(query.execution_options(populate_existing=True)).first()
    found = newsteps.get(session, batch) if batch else None
    if batch is None or found is None:
        raise Refused("Those leads are no longer here.")
    lock_leads(session, set(found.lead_ids))
    found = newsteps.get(session, batch) or found
    zone, _ = zone_of(session, actor)
    cards.touch_about(session, newsteps.VERB, [batch_id])
    if not found.ids:
        words = newsteps.settled_words(session, batch_id, zone=zone)
        return Outcome(Answer(f"{words} Nothing was changed.", is_refusal=True))
    is_sent = order.answer == "send"
    done = perform(
        session, found.ids, lambda row: Resume(Policy.FREEZE, batch_id=batch_id) if is_sent else _finished(row),
        verb=f"{newsteps.VERB} {order.answer}", actor=actor, now=now,
    )  # fmt: skip
    leads = counted(len(done.changes), "lead")
    words = f"step {found.step} goes to {leads}" if is_sent else f"{leads} left finished"
    note(
        session, f"{newsteps.VERB} {order.answer}", actor=actor, now=now, batch_id=batch_id, reason=words,
        sequence_id=found.sequence_id,
    )  # fmt: skip
    outcome = answered(
        session,
        done,
        _SAID[order.answer].format(step=found.step),
        lambda change, lead: [says_next(change, lead, zone=zone, now=now)] if is_sent else [],
    )
    return replace(outcome, answer=replace(outcome.answer, card_leads=()))


_SAID = {"send": "Step {step} is planned for", "leave": "Left finished:"}


def _finished(row: Loaded) -> Event:
    """Give the event that lets a lead be as finished as before: it has had all that is for it."""
    end = len(row.sequence.steps)
    return Restore(
        replace(row.state, status=Status.COMPLETED, position=end, attempt=0, due_at=None, remaining=None, holds=())
    )  # fmt: skip
