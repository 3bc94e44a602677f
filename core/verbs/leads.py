"""What people do to leads on their way: pause, resume, stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from core import newsteps
from core.acts import Change, open_batch
from core.answers import Choice
from core.conversations import suppressed_of
from core.dates import say
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import EVERYWHERE, Who
from core.lifecycle import LIVE, RUNNING, Event, Hold, Pause, Plan, Policy, Resume, Source, Status, Stop
from core.models import Lead
from core.names import names
from core.people import Actor
from core.schedule import closed_because, send_at
from core.verbs import proposals
from core.verbs.acting import answered, is_leaving, perform_alike, says_frozen, says_next, says_wake
from core.verbs.choosing import Chosen, Place, choose
from core.verbs.outcome import Instead, Outcome
from core.verbs.whens import Read, exact, read, zone_of
from core.views.forecast import hold_ends_at
from core.views.new_step import headline
from core.views.why import POLICY_WORDS, hold_words
from core.words import listed, remains

HELD = RUNNING | {Status.PAUSED}
ONLY_PAUSED = frozenset({Status.PAUSED})
Ids = Sequence[int] | None


def suppressed_words(email: str) -> str:
    """Give the refusal to pause somebody whom no mail reaches any more; a new run is no way out for them."""
    return f"{email} is suppressed and gets no mail, so there is nothing to pause."


def policy_of(word: str | None) -> Policy | None:
    """Give the policy of the grammar's word: freeze, keep or now."""
    return None if word is None else Policy.AT if word == "now" else Policy(word)


def pause(session: Session, order: orders.Pause, *, actor: Actor, now: datetime, only: Ids = None) -> Outcome:
    """Hold leads where they stand; two running sequences of one lead are asked about first."""
    until = _until(session, order, actor=actor, now=now)
    order = replace(order, until=exact(until.when) if until else None, span=None)
    chosen = choose(session, order.who, order.sequence, HELD, actor=actor, only=only)
    if chosen.single and not chosen.within(HELD) and suppressed_of(session, [chosen.single]):
        raise Refused(suppressed_words(chosen.single))
    suffix = f"until {until.words}" if until else ""
    if chosen.is_many:
        what = " ".join(part for part in ("Pause", suffix + "," if suffix else "") if part)
        return proposals.propose(session, order, what, chosen.places, actor=actor, now=now)
    places, is_wide = _to_pause(chosen, order)
    return pause_these(
        session, [place.id for place in places], actor=actor, now=now, until=until, because=order.because or "",
        is_wide=is_wide, then=order.then,
    )  # fmt: skip


def _to_pause(chosen: Chosen, order: orders.Pause) -> tuple[Sequence[Place], bool]:
    """Give what a pause is about, and whether it also holds what has not started."""
    held = chosen.within(HELD)
    if chosen.single is None:
        return chosen.fitting(HELD), True
    if not held and (skipped := chosen.within({Status.SKIPPED})):
        raise unskip_instead(skipped)
    if order.sequence is None:
        running = [place for place in held if place.is_running]
        if len(running) > 1:
            raise _which("pause", chosen.single, running, order)
    started = [place for place in held if place.is_running or place.status is Status.PAUSED]
    if not started and held:
        raise skip_instead(held)
    is_wide = order.sequence in (None, EVERYWHERE) and len(held) > 1
    return chosen.fitting(HELD), is_wide


def _which(verb: str, email: str, places: Sequence[Place], order: orders.Pause | orders.Resume) -> Instead:
    """Give the question which sequence is meant, with a button for each and one for all."""
    each = [Choice(place.sequence, to_text(replace(order, sequence=place.sequence))) for place in places]
    whole = Choice("All of them", to_text(replace(order, sequence=EVERYWHERE)))
    state = "paused" if verb == "resume" else "running"
    names_ = listed(place.sequence for place in places)
    return Instead(
        f"{email} is {state} in {names_}. Which do you want to {verb}?", *each, whole
    ).as_question()


def skip_instead(places: Sequence[Place]) -> Instead:
    """Give the refusal to pause what never started, with what would do instead."""
    where = listed(place.sequence for place in places)
    return Instead(
        f"{places[0].email} has not started in {where} yet, so there is nothing to pause. "
        "Use `skip` if it should never start.",
        *_in_each(places, orders.Skip, "Skip instead"),
    )


def unskip_instead(places: Sequence[Place]) -> Instead:
    """Give the refusal to pause or resume what is skipped, with what lets it start."""
    where = listed(place.sequence for place in places)
    return Instead(
        f"{places[0].email} in {where} is skipped and sends nothing. Use `unskip` to let it start.",
        *_in_each(places, orders.Unskip, "Let it start"),
    )


def _in_each(
    places: Sequence[Place], order: type[orders.Skip | orders.Unskip], label: str
) -> Iterator[Choice]:
    for place in places:
        where = f" in {place.sequence}" if len(places) > 1 else ""
        yield Choice(f"{label}{where}", to_text(order(Who(addresses=(place.email,)), place.sequence)))


def pause_these(
    session: Session,
    ids: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
    until: Read | None = None,
    because: str = "",
    is_wide: bool = False,
    then: str | None = None,
) -> Outcome:
    """Pause these enrollments, whose leads are locked. `then`: freeze, keep or now, at the end of the pause."""
    zone, _ = zone_of(session, actor)
    policy = policy_of(then) if until else None
    batch_id = open_batch(session, "pause", actor=actor, now=now)

    def event(plan: Plan) -> Event:
        ends_at = until.hold_end(plan) if until else None
        return Pause(
            Hold(Source.PERSON, because, actor.id, now, ends_at, batch_id, policy=policy), is_wide=is_wide
        )

    ending = f"then {POLICY_WORDS[policy]}" if policy else ""
    reason = "; ".join(part for part in (until and f"until {until.words}", ending, because) if part)
    done = perform_alike(
        session, ids, event, verb="pause", actor=actor, now=now, reason=reason, batch_id=batch_id
    )
    called = names(session, [hold.author for change in done.changes for hold in change.after.holds])

    def says(change: Change, lead: Lead) -> list[str]:
        wake, ends_at = says_wake(change.after, zone=zone), hold_ends_at(change.after)
        if is_leaving(change):
            lines = [wake, f"Nothing after it leaves until {'then' if ends_at else 'somebody resumes'}."]
        else:
            # Of several holds the one that ends last says how it goes on.
            is_last = ending and ends_at == change.after.holds[-1].until
            after = f"{ending[0].upper()}{ending[1:]}." if is_last else says_frozen(change.after)
            lines = [wake, after, says_next(change, lead, zone=zone, now=now)]
        return [line for line in (*_held_before(change, called, zone), *lines) if line]

    notes = until.notes if until else ()
    return answered(
        session, done, "Paused", says, suffix=f"until {until.words}" if until else "", notes=notes
    )


def _held_before(change: Change, called: Mapping[str, str], zone: str) -> Iterator[str]:
    """Say which holds a new one adds to; and that all must end, unless the moment when it wakes says so."""
    others = change.after.holds[:-1]
    for hold in others:
        words = hold_words(hold, called[hold.author], change.after.position, zone)
        yield f"Held before as well: {words[0].lower()}{words[1:]}"
    if others and not says_wake(change.after, zone=zone):
        yield f"It goes on only once {'both' if len(others) == 1 else 'all'} holds have ended."


def _until(session: Session, order: orders.Pause, *, actor: Actor, now: datetime) -> Read | None:
    if order.until:
        again = lambda phrase: replace(order, until=phrase)  # noqa: E731
        return read(session, order.until, "until", again, actor=actor, now=now)
    if order.span:
        again = lambda phrase: replace(order, until=phrase, span=None)  # noqa: E731
        return read(session, order.span, "for", again, actor=actor, now=now)
    return None


def resume(
    session: Session, order: orders.Resume, *, actor: Actor, now: datetime, only: Ids = None
) -> Outcome:
    """Let held leads go on, by the policy named, else by each sequence's own."""
    on = None
    if order.on:
        again = lambda phrase: replace(order, on=phrase)  # noqa: E731
        on = read(session, order.on, "on", again, actor=actor, now=now)
        order = replace(order, on=exact(on.when))
    chosen = choose(session, order.who, order.sequence, ONLY_PAUSED, actor=actor, only=only)
    if chosen.is_many:
        added = newsteps.among(session, chosen.ids)
        told = " ".join(f"{headline(one)}; resumed, they get it." for one in added)
        return proposals.propose(session, order, "Resume", chosen.places, actor=actor, now=now, lead_in=told)
    paused = chosen.within(ONLY_PAUSED)
    if chosen.single and not chosen.within(HELD) and (skipped := chosen.within({Status.SKIPPED})):
        raise unskip_instead(skipped)
    if chosen.single and order.sequence is None and len(paused) > 1:
        raise _which("resume", chosen.single, paused, order)
    ids = [place.id for place in chosen.fitting(ONLY_PAUSED)]
    return resume_these(session, ids, actor=actor, now=now, policy=order.policy, on=on)


def resume_these(
    session: Session,
    ids: Sequence[int],
    *,
    actor: Actor,
    now: datetime,
    policy: str | None = None,
    on: Read | None = None,
) -> Outcome:
    """Resume these enrollments, whose leads are locked. `policy`: freeze, keep, now, or None with or without `on`."""
    zone, _ = zone_of(session, actor)

    def event(plan: Plan) -> Event:
        if on is not None:
            return Resume(Policy.AT, on.moment(plan, now))
        if policy == "now":
            return Resume(Policy.AT, now)
        return Resume(policy_of(policy))

    words = f"on {on.words}" if on else policy or ""
    done = perform_alike(session, ids, event, verb="resume", actor=actor, now=now, reason=words)
    called = names(session, [hold.author for change in done.changes for hold in change.before.holds])

    def says(change: Change, lead: Lead) -> list[str]:
        plan = change.row.sequence.plan(change.row.zone)
        lines = [_policy_used(change, policy, plan.resume, on)]
        lines.append(says_next(change, lead, zone=zone, now=now))
        if len(change.before.holds) > 1:
            lines.append(f"Released: {listed(_hold(hold, called, zone) for hold in change.before.holds)}.")
        return lines

    return answered(session, done, "Resumed", says, notes=on.notes if on else ())


def _policy_used(change: Change, policy: str | None, own: Policy, on: Read | None) -> str:
    if on is not None:
        return f"The date you named counts: {on.words}.{_moved(change)}"
    if policy == "now":
        return "As soon as the window allows."
    used = policy or own.value
    whose = "" if policy else ", the sequence's own way"
    if used == Policy.KEEP:
        return f"Policy keep{whose}: the date first planned stands."
    left = change.before.remaining
    rest = f" {remains(left)}." if left else ""
    return f"Policy freeze{whose}: the countdown goes on where it stood.{rest}"


def _moved(change: Change) -> str:
    """Say that the day named is none on which mail leaves, and which day counts instead."""
    calendar = change.row.sequence.plan(change.row.zone).calendar
    due = change.after.due_at
    closed = closed_because(due, calendar) if due else None
    kind, _, what = (closed or "").partition(": ")
    if due is None or not what:
        return ""
    why = f"a public holiday ({what})" if kind == "holiday" else f"a {what}, outside the window"
    return f" That is {why}, so it is {say(send_at(due, calendar), calendar.zone)}."


def _hold(hold: Hold, called: dict[str, str], zone: str) -> str:
    until = f" until {say(hold.until, zone)}" if hold.until else ""
    because = f" ({hold.reason})" if hold.reason else ""
    return f"the hold by {called[hold.author]}{until}{because}"


def stop(session: Session, order: orders.Stop, *, actor: Actor, now: datetime, only: Ids = None) -> Outcome:
    """End leads' runs for good, everywhere unless a sequence is named."""
    chosen = choose(session, order.who, order.sequence, LIVE, actor=actor, only=only)
    if chosen.is_many:
        return proposals.propose(session, order, "Stop for good", chosen.places, actor=actor, now=now)
    ids = [place.id for place in chosen.fitting(LIVE)]
    return stop_these(session, ids, actor=actor, now=now, because=order.because or "")


def stop_these(
    session: Session, ids: Sequence[int], *, actor: Actor, now: datetime, because: str = ""
) -> Outcome:
    """Stop these enrollments, whose leads are locked."""
    done = perform_alike(session, ids, lambda _: Stop(), verb="stop", actor=actor, now=now, reason=because)
    ending = "Nothing more is sent. `start` would begin a new run from step 1."
    return answered(session, done, "Stopped", lambda _change, _lead: [ending])
