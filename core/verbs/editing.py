"""What is known about a lead, changed by a person: each field as it was shown, and refused where it changed since."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import case, update
from sqlmodel import Session, col, select

from core import cards, goals, owners, permissions, tagging, undoing
from core.acts import Loaded, open_batch
from core.answers import Answer, Choice
from core.awaited import news
from core.errors import Refused
from core.goals import GoalEvent, Kind
from core.grammar import commands as orders
from core.grammar import to_text
from core.grammar.commands import Who
from core.lead_file.row import LONGEST_CELL_CHARS, renamed
from core.lifecycle import LIVE, Source, Status
from core.merging import compiled
from core.missing import missing
from core.models import Enrollment, Lead, LeadTag, Member
from core.names import SLACK_ID, names
from core.people import Actor
from core.plain import is_forbidden, shown
from core.schedule import Calendar, lead_calendar, send_at
from core.template import tags
from core.undoing import Kept
from core.verbs.choosing import lock_leads
from core.verbs.goals import undo_choices
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.views.outlook import GONE, standing
from core.words import listed

VERB = "edit lead"
FIELDS = {
    "first_name": "First name",
    "last_name": "Last name",
    "company": "Company",
    "zone": "Time zone",
    "stage": "Stage",
    "tags": "Tags",
    "owner": "Owner",
}
CUSTOM = "custom."
MOST_CUSTOM = 10
LONGEST_CUSTOM_CHARS = 3_000  # what a form can show
LONGEST_TAG_CHARS = 200
JOURNAL_CHARS = 200
ELSEWHERE = (
    "The form for {email} opens in Slack. Elsewhere put what changes into a CSV file with its address, "
    "and run `fermata leads import FILE.csv`; an empty cell changes nothing."
)


@dataclass(frozen=True)
class Sheet:
    """A lead as a form shows it: the text of each field by name, and the custom fields that do not fit in it."""

    lead: Lead
    values: Mapping[str, str]
    unseen: tuple[str, ...]
    rows: tuple[Loaded, ...]

    def label(self, name: str) -> str:
        """Give what a field is called."""
        return FIELDS.get(name) or name.removeprefix(CUSTOM)

    @property
    def marks(self) -> dict[str, str]:
        """Give a short mark of each value: whether it is still the one that was shown."""
        return {name: mark(text) for name, text in self.values.items()}


def mark(text: str) -> str:
    """Give a short mark that another text does not have."""
    return sha256(_tidy(text).encode()).hexdigest()[:10]


def opens(session: Session, order: orders.Edit, **_: object) -> Answer:
    """Give the form of the lead, and elsewhere what does the same."""
    email = order.who.addresses[0]
    lead_id = session.exec(select(Lead.id).where(Lead.email == email)).first()
    if lead_id is None:
        raise Refused(f"There is no lead {email}; nothing was changed.")
    return Answer(ELSEWHERE.format(email=email), opens=("edit_lead", lead_id, 0))


def sheet(session: Session, lead_id: int) -> Sheet:
    """Give what is known about a lead; raises Refused where there is none of that number."""
    known = standing(session, lead_id=lead_id) if lead_id else None
    if known is None:
        raise Refused(GONE)
    lead = known.lead
    values = {name: str(getattr(lead, name, None) or "") for name in FIELDS}
    values |= {
        "tags": "; ".join(_tags(session, lead)),
        "owner": lead.owner if lead.owner and _is_person(lead.owner) else "",
    }
    live = [row for row in known.rows if row.state.status in LIVE]
    keys = list(dict.fromkeys([*_needed(live), *lead.custom]))
    fitting = [key for key in keys if len(str(lead.custom.get(key, ""))) <= LONGEST_CUSTOM_CHARS][
        :MOST_CUSTOM
    ]
    values |= {CUSTOM + key: str(lead.custom.get(key, "")) for key in fitting}
    return Sheet(lead, values, tuple(key for key in keys if key not in fitting), tuple(live))


def _tags(session: Session, lead: Lead) -> list[str]:
    query = select(LeadTag.tag).where(LeadTag.lead_id == lead.id)
    return list(session.exec(query.order_by(col(LeadTag.tag))))


def _is_person(owner: str | None) -> bool:
    return bool(owner and SLACK_ID.fullmatch(owner))


def _needed(rows: list[Loaded]) -> Iterator[str]:
    """Give the custom fields that the steps to come name."""
    for row in rows:
        for step in row.sequence.steps[row.state.position :]:
            for tag in tags(compiled(step.subject or "-", step.body or "-")):
                if tag.startswith("lead.custom."):
                    yield tag.removeprefix("lead.custom.")


def faults(
    session: Session, now_is: Sheet, typed: Mapping[str, str], seen: Mapping[str, str]
) -> dict[str, str]:
    """Give a sentence for each field that cannot be saved: what it holds, or what somebody else put there meanwhile."""
    found = {}
    for name in touched(typed, seen):
        was = now_is.values.get(name, "")
        if mark(was) not in (seen[name], mark(typed[name])):
            found[name] = (
                f"This was changed to “{shown(was, longest=80) or 'nothing'}” meanwhile. "
                "Enter that too, or close the form and open it again."
            )
            continue
        try:
            _check(session, name, _tidy(typed[name]))
        except Refused as refused:
            found[name] = str(refused)
    return found


def touched(typed: Mapping[str, str], seen: Mapping[str, str]) -> list[str]:
    """Give the fields that a person changed."""
    return [name for name, text in typed.items() if name in seen and mark(text) != seen[name]]


def _tidy(text: str) -> str:
    """Give a text without spaces around it; of a single line also without doubled ones."""
    return text.strip() if "\n" in text.strip() else " ".join(text.split(" ")).strip()


def _check(session: Session, name: str, text: str) -> None:
    longest = (
        LONGEST_CUSTOM_CHARS if name.startswith(CUSTOM) else 2_000 if name == "tags" else LONGEST_CELL_CHARS
    )
    if len(text) > longest:
        raise Refused(f"That is {len(text):,} characters long; {longest:,} are the most.")
    if is_forbidden(re.sub(r"[\t\r\n]", "", text) if name.startswith(CUSTOM) else text):
        raise Refused("There are control characters or line breaks in it; type it anew.")
    if name == "zone" and text:
        lead_calendar(Calendar(None, "UTC", None), text)
    if name == "tags" and (long := [tag for tag in _split(text) if len(tag) > LONGEST_TAG_CHARS]):
        raise Refused(f"The tag “{shown(long[0])}” is too long; {LONGEST_TAG_CHARS} characters are the most.")
    if name == "owner" and text:
        member = session.get(Member, text)
        if not _is_person(text) or (member and (member.is_bot or member.is_guest or member.is_deleted)):
            raise Refused("Leads are owned by full members of this workspace; choose one.")


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in re.split(r"[;,|]", text) if tag.strip()))


def edit(
    session: Session,
    lead_id: int,
    typed: Mapping[str, str],
    seen: Mapping[str, str],
    *,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Save the fields that a person changed; `seen`: the marks of what the form showed. All are saved, or none."""
    if not lock_leads(session, [lead_id]):
        raise Refused(GONE)
    permissions.check(session, [lead_id], actor=actor, now=now)
    before = sheet(session, lead_id)
    if wrong := faults(session, before, typed, seen):
        said = " ".join(f"{before.label(name)}: {sentence}" for name, sentence in wrong.items())
        raise Refused(f"Nothing was saved. {said}")
    changed = [
        name for name in touched(typed, seen) if mark(typed[name]) != mark(before.values.get(name, ""))
    ]
    if not changed:
        return Outcome(Answer(f"Nothing was changed about {before.lead.email}."))
    batch_id = open_batch(session, VERB, actor=actor, now=now)
    for name in changed:
        _save(session, before, name, _tidy(typed[name]), actor=actor, now=now, batch_id=batch_id)
    session.flush()
    news(session, [lead_id])
    cards.touch(session, lead_ids=[lead_id])
    cards.touch_digests(session, lead_ids=[lead_id])
    met = goals.settle(session, now=now)
    after = sheet(session, lead_id)
    called = names(session, [before.values["owner"], after.values["owner"]])
    lines = []
    for name in changed:
        was, became = (_said(one.values.get(name, ""), called) for one in (before, after))
        lines.append(f"{after.label(name)}: {was} → {became}.")
    title = f"Saved {after.lead.email}: {listed(_label(name) for name in changed)}."
    choices = (*_resumes(after), *undo_choices(met))
    lines += [*met.lines, *_still_missing(after)]
    return Outcome(Answer(title, tuple(lines), choices, batch_id=batch_id), begun(session, met.stopped))


def put_back(session: Session, kept: Kept, *, actor: Actor, now: datetime, batch_id: int) -> list[str]:
    """Give a lead the value back that an edit changed, and say so; raises Refused where it was changed again since."""
    permissions.check(session, [kept.lead_id], actor=actor, now=now)
    now_is = sheet(session, kept.lead_id)
    lead, (name,) = now_is.lead, kept.became.keys() - {"name"}
    if _values(session, lead, name) != kept.became:
        raise Refused(f"The {_label(name)} of {lead.email} was changed again since; nothing was changed.")
    _set(session, now_is, name, kept.was[name])
    lead.name = kept.was.get("name", lead.name)
    _keep(session, lead, name, kept.became, actor=actor, now=now, batch_id=batch_id)
    session.flush()
    news(session, [kept.lead_id])
    cards.touch(session, lead_ids=[kept.lead_id])
    cards.touch_digests(session, lead_ids=[kept.lead_id])
    return [f"The {_label(name)} of {lead.email} is {_said(kept.was[name], {})} again."]


def _said(text: str, called: Mapping[str, str]) -> str:
    return shown(called.get(text, text), longest=80) or "nothing"


def _save(
    session: Session,
    before: Sheet,
    name: str,
    text: str,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> None:
    lead = before.lead
    lead_id = lead.id or 0
    if name == "owner":
        owners.give(session, [lead_id], text or None, actor=actor, now=now, batch_id=batch_id)
        return
    was = _values(session, lead, name)
    halves = lead.first_name, lead.last_name
    _set(session, before, name, text)
    if name in ("first_name", "last_name"):
        lead.name = renamed(lead.name, halves, (lead.first_name, lead.last_name))
    if name == "stage" and text:
        goals.meet(session, GoalEvent(Kind.STAGE, text, (lead_id,)), now=now)
    if name == "tags":
        new = [tag for tag in _split(text) if tag not in _split(was[name])]
        goals.meet_values(session, Kind.TAG, ((lead_id, tag) for tag in new), now=now)
    _keep(session, lead, name, was, actor=actor, now=now, batch_id=batch_id)


def _set(session: Session, before: Sheet, name: str, text: str) -> None:
    """Write a value; what follows from it, as goals, is for the caller."""
    lead = before.lead
    if name == "tags":
        _retag(session, lead.id or 0, _split(before.values[name]), _split(text))
    elif name.startswith(CUSTOM):
        key = name.removeprefix(CUSTOM)
        kept = {other: value for other, value in lead.custom.items() if other != key}
        lead.custom = kept | ({key: text} if text else {})
    else:
        setattr(lead, name, text or (None if name == "zone" else ""))
    session.add(lead)
    if name == "zone":
        _replan(session, before.rows, text or None)


def _values(session: Session, lead: Lead, name: str) -> dict[str, str]:
    """Give the text of a field; with each half of the name the whole, which may be made of both."""
    if name == "tags":
        text = "; ".join(_tags(session, lead))
    elif name.startswith(CUSTOM):
        text = str(lead.custom.get(name.removeprefix(CUSTOM), ""))
    else:
        text = str(getattr(lead, name) or "")
    return {name: text} | ({"name": lead.name} if name in ("first_name", "last_name") else {})


def _keep(
    session: Session,
    lead: Lead,
    name: str,
    was: dict[str, str],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> None:
    """Journal the change of a field as an undo needs it, and as people read it."""
    session.flush()
    became = _values(session, lead, name)
    kept = Kept(VERB, "lead", lead.id or 0, lead.id or 0, was, became)
    said = shown(was[name], longest=JOURNAL_CHARS), shown(became[name], longest=JOURNAL_CHARS)
    undoing.keep(session, kept, actor=actor, now=now, batch_id=batch_id, reason=_label(name), said=said)


def _label(name: str) -> str:
    return FIELDS[name].lower() if name in FIELDS else name.removeprefix(CUSTOM)


def _retag(session: Session, lead_id: int, was: list[str], now_are: list[str]) -> None:
    tagging.take(session, [lead_id], [tag for tag in was if tag not in now_are])
    tagging.put(session, [(lead_id, tag) for tag in now_are])


def _replan(session: Session, rows: tuple[Loaded, ...], zone: str | None) -> None:
    """Move what is planned to the first open moment in the new zone; the countdowns stay."""
    for row in rows:
        if row.state.status is not Status.PENDING or row.state.due_at is None:
            continue
        moment = send_at(row.state.due_at, row.sequence.plan(zone).calendar)
        wake = case(
            (col(Enrollment.wake_at) == col(Enrollment.send_at), moment), else_=col(Enrollment.wake_at)
        )
        session.execute(
            update(Enrollment).where(col(Enrollment.id) == row.id).values(send_at=moment, wake_at=wake)
        )


def _held(now_is: Sheet) -> list[Loaded]:
    """Give where the lead waits since a value was missing."""
    return [row for row in now_is.rows if any(h.source is Source.MISSING_VALUE for h in row.state.holds)]


def _still_missing(now_is: Sheet) -> list[str]:
    return [
        f"{tag} is still empty, so {row.sequence.name} goes on waiting."
        for row in _held(now_is)
        if (tag := missing(row, now_is.lead))
    ]


def _resumes(now_is: Sheet) -> tuple[Choice, ...]:
    """Give the buttons that let go on what waited for a value that is there now."""
    who = Who(addresses=(now_is.lead.email,))
    return tuple(
        Choice(f"Resume in {row.sequence.name}", to_text(orders.Resume(who, row.sequence.name)), "primary")
        for row in _held(now_is)
        if not missing(row, now_is.lead)
    )
