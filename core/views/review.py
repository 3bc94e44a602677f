"""What came back from a lead, as its review card shows it: the newest message of a conversation, and how it was judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from core import owners
from core.address import is_free_mail
from core.answers import Choice, LeadCard, NoticeCard, ReviewCard
from core.conversations import ANSWERABLE, stamp
from core.dates import say, say_day
from core.grammar import to_text
from core.grammar.commands import Press, Qualify, Who
from core.inbound.words import Kind
from core.lifecycle import Status
from core.models import WORKSPACE_ID, Card, Lead, Member, Message, Suppression, Workspace
from core.models.leads import NOT_QUALIFIED, QUALIFIED
from core.names import SLACK_ID, name_of
from core.views.answering import answers
from core.views.lead import lead_card
from core.views.review_words import (
    ANSWER_OF,
    CONFIRM,
    HEADINGS,
    ICONS,
    INSTEAD,
    KIND_WORDS,
    NOT_ABOUT_THEM,
)
from core.words import listed

MOST_CONTACTS = 5
DAY = timedelta(days=1)
GONE = "This card's lead is no longer here."
# Matched without proof: a person is asked whether it is about this lead at all.
DOUBTFUL = frozenset({"subject", "company"})


def card(session: Session, card: Card, *, now: datetime) -> ReviewCard | NoticeCard:
    """Give the newest message of a conversation, with what its lead's runs do now."""
    message = session.get(Message, card.about_id) if card.about_id else None
    lead = session.get(Lead, message.lead_id) if message else None
    if message is None or lead is None:
        return NoticeCard(GONE)
    kind, found = Kind(message.kind), message.findings
    shown = _about(lead_card(session, lead.id, now=now), message)
    buttons, menu = INSTEAD[kind]
    given = answers(session, message)
    return ReviewCard(
        message_id=message.id or 0,
        lead=shown,
        heading=heading(message, lead),
        icon=ICONS[kind],
        subject=message.subject,
        quote=message.text,
        came_at=message.came_at,
        outcome=_outcome(message, shown),
        notes=tuple(_notes(session, message, lead)),
        evidence=tuple(_evidence(found)),
        question=_question(message, lead),
        facts=tuple(_facts(found)) if kind is Kind.BOUNCE else (),
        answered=given,
        choices=(
            *_reply(message, shown, is_first=not given),
            *_answers(message, lead),
            *_offers(session, message, lead),
        ),
        corrections=_choices(message, lead, buttons),
        away_label="Out until…" if kind is Kind.OUT_OF_OFFICE else "Out of office until…",
        stamp=stamp(message),
        more=(*_qualifying(lead), *_choices(message, lead, menu)),
        owner=owner_id(session, lead, now=now),
        more_messages=_earlier(session, message),
        verdict=verdict(session, message),
    )


def _outcome(message: Message, shown: LeadCard) -> str:
    """Give what the message led to, marked as past where it paused a lead who is not paused any more."""
    is_over = message.outcome.startswith("Paused") and all(
        run.status != Status.PAUSED for run in shown.enrollments
    )
    return f"At first: {message.outcome[:1].lower()}{message.outcome[1:]}" if is_over else message.outcome


def heading(message: Message, lead: Lead) -> str:
    """Give in one sentence what came back, and from whom where that is not the lead."""
    kind, name = Kind(message.kind), lead.name or lead.email
    if message.matched_by in DOUBTFUL and message.corrected_at is None:
        return f"{message.sender_name or message.sender} wrote, perhaps about {name}"
    if kind is Kind.REPLY and _is_other(message, lead):
        return f"{message.sender_name or message.sender} answered a mail to {name}"
    return HEADINGS[kind].format(name=name)


def owner_id(session: Session, lead: Lead, *, now: datetime) -> str | None:
    """Give the Slack id of the lead's owner, or of their cover; None where it is none or they have left."""
    owner = owners.stands_for(session, lead.owner, now=now)
    if not owner or not SLACK_ID.fullmatch(owner):
        return None
    member = session.get(Member, owner)
    return None if member and member.is_deleted else owner


def verdict(session: Session, message: Message) -> str | None:
    """Give who corrected the message, to what and when; None where nobody has."""
    if message.corrected_by is None or message.corrected_at is None:
        return None
    who = name_of(session, message.corrected_by)
    is_what, was = KIND_WORDS[Kind(message.kind)], KIND_WORDS[Kind(message.judged_kind)]
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    at_first = f"; at first it was judged {was}" if is_what != was else ""
    return f"{who} said that it is {is_what}, on {say(message.corrected_at, workspace.zone)}{at_first}."


def offered(message: Message, lead: Lead) -> tuple[str, ...]:
    """Give the addresses that may become leads: those that it names, then its sender. `contact N` counts from 1."""
    named = [str(address) for address in message.findings.get("contacts", ())][:MOST_CONTACTS]
    return tuple(dict.fromkeys([*named, *([message.sender] if _is_other(message, lead) else [])]))


def answer(message_id: int, words: str, *, stamp: int, until: str | None = None) -> Press:
    """Give the command behind a button of a card; `stamp` is what the card showed."""
    return Press("review", str(message_id), f"{words} seen {stamp}", until)


def _about(shown: LeadCard, message: Message) -> LeadCard:
    """Give the lead with the run first whose mail it answers."""
    runs = sorted(shown.enrollments, key=lambda run: run.id != message.enrollment_id)
    return replace(shown, enrollments=tuple(runs))


def _is_other(message: Message, lead: Lead) -> bool:
    is_report = Kind(message.judged_kind) in {Kind.BOUNCE, Kind.COMPLAINT}
    return bool(message.sender) and message.sender != lead.email and not is_report


def _notes(session: Session, message: Message, lead: Lead) -> Iterator[str]:
    if _is_other(message, lead):
        name = f"{message.sender_name} ({message.sender})" if message.sender_name else message.sender
        yield f"It came from {name}, not from {lead.email}."
    known = session.exec(select(Lead.email).where(col(Lead.email).in_(offered(message, lead)))).all()
    if known:
        yield f"{listed(known)} {'is a lead' if len(known) == 1 else 'are leads'} already."


def _evidence(found: dict[str, Any]) -> Iterator[str]:
    """Give what it was judged by: a header with its name, or the words quoted."""
    evidence = found.get("evidence", ())
    for where, text in evidence:
        has_name = text.casefold().startswith(where.casefold())
        yield f"“{text}”" if where in {"text", "part"} else text if has_name else f"{where}: {text}"
    said = found.get("back_evidence")
    if said and all(text != said for _, text in evidence):
        yield f"the date from “{said}”"


def _facts(found: dict[str, Any]) -> Iterator[str]:
    yield "Permanent" if found.get("is_hard") else "For the time being"
    yield from (str(found[name]) for name in ("status", "diagnostic") if found.get(name))


def _question(message: Message, lead: Lead) -> str:
    """Give what a person should say, "" where nothing is in doubt or somebody has said it."""
    if message.corrected_at is not None:
        return ""
    asked = [str(message.findings.get("cause", ""))]
    if message.kind == Kind.OUT_OF_OFFICE:
        asked.append(str(message.findings.get("question", "")))
    if message.matched_by in DOUBTFUL:
        asked.append(f"{message.sender} is not known: is this about {lead.name or lead.email}?")
    return " ".join(filter(None, asked))


def _reply(message: Message, shown: LeadCard, *, is_first: bool) -> Iterator[Choice]:
    is_asked = (
        message.matched_by in DOUBTFUL and message.corrected_at is None
    )  # first: is it about them at all?
    if Kind(message.kind) in ANSWERABLE and not is_asked and shown.enrollments and not shown.suppressed:
        label = "Reply…" if is_first else "Reply again…"
        form = ("reply", message.id or 0, stamp(message))
        yield Choice(label, style="primary" if is_first else None, form=form)


def _answers(message: Message, lead: Lead) -> Iterator[Choice]:
    if message.corrected_at is not None:
        return
    if message.kind == Kind.OUT_OF_OFFICE and message.findings.get("question"):
        for option in message.findings.get("options", ()):
            back_on = date.fromisoformat(option)
            yield _choice(message, lead, f"Back on {say_day(back_on)}", "away", last_day=back_on - DAY)
    if message.matched_by in DOUBTFUL:
        back = message.findings.get("back_on") if message.kind == Kind.OUT_OF_OFFICE else None
        last_day = date.fromisoformat(back) - DAY if back else None
        yield _choice(message, lead, "Yes, it is", ANSWER_OF[Kind(message.kind)], last_day=last_day)
        yield _choice(message, lead, "No", NOT_ABOUT_THEM)


def _offers(session: Session, message: Message, lead: Lead) -> Iterator[Choice]:
    """Give a button for each address that is neither a lead nor suppressed; nobody is enrolled by it."""
    addresses = offered(message, lead)
    known = set(session.exec(select(Lead.email).where(col(Lead.email).in_(addresses))))
    known |= set(session.exec(select(Suppression.email).where(col(Suppression.email).in_(addresses))))
    for number, address in enumerate(addresses, 1):
        if address not in known:
            words = to_text(Press("review", str(message.id), f"contact {number}"))
            yield Choice(f"Add {address} as a lead", words)


def _choices(message: Message, lead: Lead, offers: Sequence[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(_choice(message, lead, label, words) for label, words in offers)


def _choice(message: Message, lead: Lead, label: str, words: str, *, last_day: date | None = None) -> Choice:
    until = last_day.isoformat() if last_day else None
    order = answer(message.id or 0, words, stamp=stamp(message), until=until)
    verb, asked = CONFIRM.get(words, ("", ""))
    return Choice(label, to_text(order), confirm=asked.format(email=lead.email) or None, verb=verb)


def _qualifying(lead: Lead) -> Iterator[Choice]:
    who = Who(addresses=(lead.email,))
    if lead.stage != QUALIFIED:
        yield Choice("Mark qualified", to_text(Qualify("qualify", who)))
    if lead.domain and not is_free_mail(lead.domain):
        yield Choice("Qualified: whole company", to_text(Qualify("qualify", who, whole_company=True)))
    if lead.stage != NOT_QUALIFIED:
        yield Choice("Not qualified", to_text(Qualify("unqualify", who)))


def _earlier(session: Session, message: Message) -> int:
    query = select(func.count()).where(
        Message.lead_id == message.lead_id,
        col(Message.enrollment_id).is_not_distinct_from(message.enrollment_id),
        Message.id != message.id,
    )
    return session.exec(query).one()
