"""The forms that pause: behind a card's menu, where the lead is known, and behind the shortcuts, where it is named.

Both are drawn anew once a date can be read, with the dates that each way of going on would lead to. Both mean a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import cast

from sqlmodel import Session, col, func, or_, select

from bot import codec
from bot.blocks import actions, rich, section
from bot.codec import Form
from bot.forms.dates import MOST_SHOWN, PAUSE_MEANS, POLICIES, policy_options, side_by_side
from bot.forms.fields import (
    LEAD,
    REASON,
    SEQUENCE,
    WHEN,
    Wrong,
    chosen_in,
    field_id,
    halt_line,
    input_,
    modal,
    one_line,
    option,
    read_when,
    reason_input,
    said_why,
    sentence,
    until_input,
    value_of,
)
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.modals import DATES
from bot.rights import Need, of_command
from bot.text import JSON, clean, plain, unmarked, words
from core import commands, conversations, lifecycle, sequences
from core.acts import Loaded
from core.address import spelled
from core.dates import When, read, say_day
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import EVERYWHERE, Pause, Policy, Who
from core.lifecycle import RUNNING, Status
from core.models import Lead
from core.people import Actor
from core.sequence_file.words import LONGEST_NAME_CHARS
from core.verbs.leads import suppressed_words
from core.verbs.whens import exact, meant
from core.views import why
from core.views.outlook import Outlook, Standing, pausing, standing
from core.words import listed

QUICK, PLACE, POLICY, LOOK = "quick", "place", "policy", "look"
HELD = RUNNING | {Status.PAUSED}
# How long a pause often is; each covers its last day whole.
SPANS = {
    "1 day": "Through tomorrow",
    "1 week": "1 week",
    "2 weeks": "2 weeks",
    "1 month": "1 month",
    "3 months": "3 months",
}
LEAD_CHARS = 254
MOST_MATCHES = 5


@dataclass
class Filled:
    """What stands in the form so far; `errors` by field."""

    standing: Standing | None = None
    place: Loaded | None = None
    sequence: str | None = None
    when: When | None = None
    then: Policy | None = None
    reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def _opened(front: Front, form: Form, actor: Actor, now: datetime) -> Opened:
    view = _drawn(front, form, None, actor, now)
    if form.form == codec.PAUSE_LEAD:
        return Opened(view, f"pause {form.about.partition(' ')[0] or 'LEAD'} until June 15")
    with front.desk.db.read() as session:
        known = standing(session, enrollment_id=form.enrollment_id)
        sequence = known.row(form.enrollment_id).sequence.name
    return Opened(view, f'pause {known.lead.email} in "{sequence}" until June 15')


def _changed(front: Front, form: Form, view: JSON, actor: Actor, now: datetime) -> JSON | None:
    return _drawn(front, form, view.get("state"), actor, now)


def _drawn(front: Front, form: Form, state: object, actor: Actor, now: datetime) -> JSON:
    """Give the form; `state` None: as it is opened."""
    zone = actor.zone
    with front.desk.db.read() as session:
        filled = _filled(session, form, state, now=now, zone=zone)
        known = filled.standing
        until = meant(session, filled.when, actor=actor) if filled.when else None
        looks = (
            [pausing(row, known.lead, until, actor=actor, now=now) for row in _meant(filled)] if known else []
        )
        halted = why.halt(session, zone)
    is_card = form.form != codec.PAUSE_LEAD
    blocks = halt_line(halted)
    blocks += _about(filled) if is_card else [_lead_input(form.about.split())]
    blocks += _places(filled, is_card=is_card, is_typed=bool(value_of(state, SEQUENCE).strip()))
    is_dated = bool(value_of(state, WHEN).strip())
    blocks += [_quick_input(now, zone, is_dated=is_dated), until_input(zone, is_live=True)]
    blocks += actions(_look_button())
    blocks += _preview(filled, looks, zone=zone, is_drawn_anew=state is not None)
    blocks += [_policy_input(), reason_input()]
    return modal(form, "Pause until…" if is_card else "Pause a lead", "Pause", blocks)


def _filled(session: Session, form: Form, state: object, *, now: datetime, zone: str) -> Filled:
    """Give what can be read of the form, and a sentence for every field that cannot."""
    filled = Filled()
    if form.form == codec.PAUSE_LEAD:
        try:
            filled.standing = _named(session, form, state)
        except Refused as refused:
            filled.errors[LEAD] = clean(str(refused), 300)
    else:
        filled.standing = standing(session, enrollment_id=form.enrollment_id)
    if filled.standing:
        filled.place, filled.sequence = _place(filled.standing, form, state)
    try:
        if named := one_line(state, SEQUENCE, longest=LONGEST_NAME_CHARS, what="name"):
            filled.sequence = sequences.find(session, named).name
    except Refused as refused:
        filled.errors[SEQUENCE] = clean(str(refused), 300)
    try:
        filled.when = _when(state, now=now, zone=zone)
    except Refused as refused:
        filled.errors[WHEN] = sentence(refused, zone)
    try:
        filled.reason = said_why(state)
    except Refused as refused:
        filled.errors[REASON] = str(refused)
    word = chosen_in(state, POLICY)
    if filled.when is not None and word in POLICIES:
        filled.then = cast("Policy", word)
    return filled


def _named(session: Session, form: Form, state: object) -> Standing | None:
    """Give the lead that is named; None while the field is empty. Raises Refused for one that there is not."""
    typed = one_line(state, LEAD, longest=LEAD_CHARS, what="name of a lead") or chosen_in(state, LEAD)
    named = form.about.split()
    if not typed and state is None and len(named) == 1:
        typed = named[0]
    return standing(session, lead_id=find_lead(session, typed)) if typed else None


def find_lead(session: Session, typed: str) -> int:
    """Give the lead of an address, or the only one of a name; raises Refused with those that may be meant."""
    if "@" in typed:
        email = spelled(typed)
        if found := session.exec(select(Lead.id).where(Lead.email == email)).first():
            return found
        local, _, domain = email.partition("@")
        near = session.exec(
            select(Lead.email)
            .where(or_(Lead.domain == domain, col(Lead.email).startswith(f"{local}@")))
            .limit(200)
        ).all()
        closest = get_close_matches(email, near, n=1, cutoff=0.75)
        hint = f" Did you mean {closest[0]}?" if closest else ""
        raise Refused(f"There is no lead {email}.{hint}")
    said = func.lower(col(Lead.name)).contains(typed.lower(), autoescape=True)
    found_rows = session.exec(
        select(Lead.id, Lead.email).where(said).order_by(col(Lead.email)).limit(MOST_MATCHES + 1)
    ).all()
    if len(found_rows) == 1 and found_rows[0][0]:
        return found_rows[0][0]
    if not found_rows:
        raise Refused(f"There is no lead called “{typed}”. Give the address.")
    more = " and more" if len(found_rows) > MOST_MATCHES else ""
    raise Refused(
        f"Several are called so: {listed(email for _, email in found_rows[:MOST_MATCHES])}{more}. Give one address."
    )


def _place(known: Standing, form: Form, state: object) -> tuple[Loaded | None, str | None]:
    """Give the one place that is meant and the sequence to name: EVERYWHERE for all, None where nothing was said."""
    word = chosen_in(state, _place_name(known))
    if word == EVERYWHERE:
        return None, EVERYWHERE
    if word.isdecimal():
        row = known.row(int(word))
    elif form.form == codec.PAUSE_LEAD:
        return None, None
    else:
        row = known.row(form.enrollment_id)
    return row, row.sequence.name


def _place_name(known: Standing) -> str:
    """Give the name of the field; each lead has its own, so that none is taken for another's."""
    return f"{PLACE}_{known.lead.id}"


def _meant(filled: Filled) -> list[Loaded]:
    """Give the rows whose dates are shown."""
    if filled.standing is None:
        return []
    if filled.place:
        return [filled.place]
    rows = filled.standing.within(HELD)
    if filled.sequence not in (None, EVERYWHERE):
        rows = [row for row in rows if row.sequence.name == filled.sequence]
    return rows[:MOST_SHOWN]


def _when(state: object, *, now: datetime, zone: str) -> When | None:
    phrase, quick = value_of(state, WHEN), chosen_in(state, QUICK)
    typed = read_when(phrase, "until", now=now, zone=zone) if phrase.strip() else None
    picked = read_when(quick, "until", now=now, zone=zone) if quick else None
    if typed and picked and typed.at != picked.at:
        raise Refused(
            f"Above you chose through {say_day(picked.day)}, and here another day; clear one of the two."
        )
    return typed or picked


def _about(filled: Filled) -> list[JSON]:
    assert filled.standing is not None
    lead = filled.standing.lead
    where = f" in {filled.place.sequence.name}" if filled.place else ""
    return [rich([words(f"{lead.name or lead.email}{where}", 300, bold=True)])]


def _lead_input(addresses: Sequence[str]) -> JSON:
    if len(addresses) > 1:
        options = [option(a, a) for a in addresses if len(a) <= codec.OPTION_VALUE_CHARS]
        return input_(LEAD, "Lead", {"type": "static_select", "options": options}, is_live=True)
    element: JSON = {
        "type": "plain_text_input",
        "max_length": LEAD_CHARS,
        "placeholder": plain("lead@example.com, or a name", 150),
    }
    if addresses:
        element["initial_value"] = addresses[0]
    return input_(LEAD, "Lead", element, is_live=True)


def _places(filled: Filled, *, is_card: bool, is_typed: bool) -> list[JSON]:
    """Give the choice of sequences where there is one; where the lead is not known yet a name may be typed, and stays."""
    rows = filled.standing.within(HELD) if filled.standing else []
    if filled.standing and len(rows) > 1:
        options = [option(row.sequence.name, str(row.id)) for row in rows[:90]]
        options.append(option("Everywhere", EVERYWHERE))
        element: JSON = {"type": "static_select", "options": options}
        if is_card and filled.place:
            element["initial_option"] = next(o for o in options if o["value"] == str(filled.place.id))
        return [input_(_place_name(filled.standing), "In", element, is_optional=True, is_live=True)]
    if is_card or (rows and not is_typed):
        return []
    hint = "Leave it empty for the one in which the lead is running; of several you are asked which."
    return [
        input_(
            SEQUENCE,
            "Sequence",
            {"type": "plain_text_input", "max_length": LONGEST_NAME_CHARS},
            hint=hint,
            is_optional=True,
        )
    ]


def _quick_input(now: datetime, zone: str, *, is_dated: bool) -> JSON:
    """Give the choice of spans; `is_dated`: a date is named below it."""
    options = []
    for span, label in SPANS.items():
        day = read(span, kind="for", now=now, zone=zone, confirmed=True).day
        options.append(
            option(
                f"{label}: through {say_day(day)}" if label == span else f"{label}: {say_day(day)}",
                day.isoformat(),
            )
        )
    element: JSON = {
        "type": "static_select",
        "options": options,
        "placeholder": plain("On the date below" if is_dated else "Until somebody resumes it", 150),
    }
    return input_(QUICK, "How long", element, is_optional=True, is_live=True)


def _look_button() -> JSON:
    return {
        "type": "button",
        "action_id": field_id(LOOK, is_live=True),
        "text": plain("Show the dates", 75),
        "value": LOOK,
    }


def _policy_input() -> JSON:
    element: JSON = {"type": "radio_buttons", "options": policy_options(PAUSE_MEANS)}
    hint = "Counts where the pause ends by a date. Left open, the sequence goes on in its own way."
    return input_(POLICY, "When it ends", element, hint=hint, is_optional=True)


def _preview(filled: Filled, looks: Sequence[Outlook], *, zone: str, is_drawn_anew: bool) -> list[JSON]:
    """Give the dates; of what cannot be read yet, once something was filled in, what is wrong."""
    faults = list(filled.errors.values()) if is_drawn_anew else []
    if faults:
        return [rich([words("⚠️ "), words(unmarked(" ".join(faults)), 600)])]
    if filled.standing and not looks:
        return [section("This lead is not running in any sequence that could be paused.")]
    blocks = [block for look in looks for block in side_by_side(look, zone=zone)]
    return [blocks[0] | {"block_id": DATES}, *blocks[1:]] if blocks and filled.when else blocks


def _refusal(session: Session, filled: Filled, now: datetime) -> str:
    """Give why nothing of the lead could be paused as it stands, "" where something may be."""
    assert filled.standing is not None
    lead, rows = filled.standing.lead, filled.standing.rows
    if filled.sequence not in (None, EVERYWHERE):
        rows = tuple(row for row in rows if row.sequence.name == filled.sequence)
        if not rows:
            return f"{lead.email} is not in {filled.sequence}."
    if not rows:
        return f"{lead.email} is in no sequence, so there is nothing to pause."
    if any(row.state.status in HELD for row in rows):
        return ""
    if conversations.suppressed_of(session, [lead.email]):
        return suppressed_words(lead.email)
    hold = lifecycle.Hold(lifecycle.Source.PERSON, "", "", now, None)
    try:
        lifecycle.decide(
            rows[0].state, lifecycle.Pause(hold), now=now, plan=rows[0].sequence.plan(rows[0].zone)
        )
    except Refused as refused:
        return str(refused)
    return ""


def _read(
    front: Front, form: Form, state: object, user_id: str, now: datetime, zone: str
) -> tuple[Act, Need]:
    with front.desk.db.read() as session:
        filled = _filled(session, form, state, now=now, zone=zone)
        is_unreadable = list(filled.errors) == [WHEN]
        if filled.standing and not filled.errors and (refusal := _refusal(session, filled, now)):
            filled.errors[LEAD if form.form == codec.PAUSE_LEAD else WHEN] = refusal
    if filled.standing is None and LEAD not in filled.errors:
        filled.errors[LEAD] = "Say which lead, by the address."
    if is_unreadable and filled.standing:
        anew = _drawn(front, form, state, Actor(user_id, user_id, zone), now)
        raise Wrong(filled.errors, anew=anew)
    if filled.errors or filled.standing is None:
        raise Wrong(filled.errors)
    text = to_text(
        Pause(
            Who(addresses=(filled.standing.lead.email,)),
            filled.sequence,
            until=exact(filled.when) if filled.when else None,
            because=filled.reason or None,
            then=filled.then,
        )
    )
    return lambda actor, now: commands.run(front.desk, text, actor=actor, now=now), of_command(text)


PAUSE = Kind(_opened, _read, _changed, Need.STOPS_MAIL)
