"""What a message that came back is, and why: raw bytes and the time of receipt in, findings out. Pure.

`judge` tries, in this order, which decides most errors: complaint, delivery report, calendar, automatic (away
or other), a wish for no more mail; what is left is an answer of a person. It never raises and stays within
the bounds of `message`, whatever the bytes are. `envelope` reads the headers alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from email.message import Message
from typing import Final

from core.inbound import automatic, bounces, calendars, languages, message, optouts, returns
from core.inbound import text as texts
from core.inbound.envelope import ADDRESS_IN_TEXT, envelope, of, spelling
from core.inbound.reading import Sentence, read
from core.inbound.words import Bounce, Complaint, Envelope, Evidence, Findings, Invitation, Kind, Return

__all__ = [
    "Bounce",
    "Complaint",
    "Envelope",
    "Evidence",
    "Findings",
    "Invitation",
    "Kind",
    "Return",
    "envelope",
    "judge",
]

LONGEST_TEXT_CHARS: Final = 4_000
MOST_CONTACTS: Final = 5
MOST_BRIEF_BYTES: Final = 60_000
MOST_CALENDAR_BYTES: Final = 200_000
METHODS: Final = frozenset(
    {"request", "reply", "cancel", "counter", "declinecounter", "add", "refresh", "publish"}
)
# Tops of domains whose speakers write the month first, and those who write it after the day.
MONTH_FIRST: Final = frozenset({"us", "mil", "gov", "edu"})

RECEIPT: Final = "message/disposition-notification"  # RFC 8098: it was read, nobody wrote
TOO_LARGE: Final = (
    "The message is too large or too deeply nested to be read whole; look at it in the mailbox."
)
LEFT: Final = "They no longer work there, it says; decide who should get this mail."

log = logging.getLogger(__name__)


def judge(raw: bytes, *, received: datetime, zone: str = "UTC") -> Findings:
    """Give what a message is, with the evidence for it, and what can be read from it.

    received: aware; dates without a year are counted from it, in `zone`'s calendar. Never raises: a message that
    cannot be read is a reply whose `cause` says so, for a person loses less by looking than by an error.
    """
    try:
        return _judge(raw, received=received, zone=zone)
    except Exception:  # the last line of defence against foreign bytes
        log.exception("inbound_judge_failed")
        return Findings(Kind.REPLY, cause="The message could not be read; look at it in the mailbox.")


def _judge(raw: bytes, *, received: datetime, zone: str) -> Findings:
    tree = message.tree(raw)
    heads = of(tree.root)
    told, has_body = texts.body(tree.root)
    cause = heads.cause or _cause(tree, has_body=has_body)
    brief = tree.root if len(raw) <= MOST_BRIEF_BYTES else message.tree(raw[:MOST_BRIEF_BYTES]).root
    report = _report(tree.root, heads, told, brief)
    if report:
        return _with_cause(report, heads.cause)
    if found := _calendar(tree.root, zone):
        return _with_cause(found, heads.cause)
    own = texts.own(told)
    sentences = read(own.words)
    findings = _written(tree.root, heads, own, sentences, received=received, zone=zone)
    return _with_cause(findings, cause or (_unread(tree.root) if findings.kind is Kind.REPLY else ""))


def _report(root: Message, heads: Envelope, told: str, brief: Message) -> Findings | None:
    """Give a complaint or a delivery report; one of a delivery that succeeded is only an automatic message."""
    if found := bounces.complaint(root, heads):
        evidence, named = (found.evidence,), found.complaint
        return Findings(Kind.COMPLAINT, evidence, _shown(told), complaint=named, about=found.about)
    if bounces.is_authentication_report(root):
        return Findings(Kind.AUTOMATIC, (Evidence("part", "message/feedback-report"),), _shown(told))
    if any(part.get_content_type() == RECEIPT for part in message.parts(root)):
        return Findings(Kind.AUTOMATIC, (Evidence("part", RECEIPT),), _shown(told))
    found = bounces.find(root, heads, told, brief=brief)
    if found is None:
        return None
    kind = Kind.BOUNCE if found.bounce else Kind.AUTOMATIC
    return Findings(kind, (found.evidence,), _shown(told), bounce=found.bounce, about=found.about)


def _calendar(root: Message, zone: str) -> Findings | None:
    """Give an invitation, an answer to one or its end: a text/calendar part with a METHOD, no file attached to a letter."""
    shown = {id(part) for holder in message.parts(root) for part in _alternatives(holder)}
    for part in message.parts(root):
        is_attached = part.get_content_disposition() == "attachment" and id(part) not in shown
        if part.get_content_type() != "text/calendar" or is_attached:
            continue
        body = message.content(part)
        method = _method(part, body)
        if method:
            invitation = calendars.read(body[:MOST_CALENDAR_BYTES], zone=zone)
            is_cut = len(body) >= MOST_CALENDAR_BYTES and invitation is not None
            if is_cut and invitation and not (invitation.organizer and invitation.attendees):
                invitation = None  # who meets was not read: a person must look
            plain = texts.body(root)[0]
            return Findings(
                Kind.CALENDAR,
                (Evidence("part", f"text/calendar; method={method.upper()}"),),
                _shown(texts.own(plain).whole),
                invitation=invitation,
                cause=TOO_LARGE if is_cut and invitation is None else "",
            )
    return None


def _alternatives(holder: Message) -> list[Message]:
    """Give the parts of a multipart/alternative: each of them is the message, whatever it is called."""
    payload = holder.get_payload()
    is_one = holder.get_content_type() == "multipart/alternative" and isinstance(payload, list)
    return [part for part in payload if isinstance(part, Message)] if is_one else []


def _method(part: Message, body: bytes) -> str:
    stated = part.get_param("method")
    method = stated.lower() if isinstance(stated, str) else ""
    if method not in METHODS:
        rows = (row for row in body[:4_000].upper().splitlines() if row.startswith(b"METHOD:"))
        method = next(rows, b"").decode("ascii", "replace").partition(":")[2].strip().lower()
    return method if method in METHODS else ""


def _written(
    root: Message,
    heads: Envelope,
    own: texts.Own,
    sentences: tuple[Sentence, ...],
    *,
    received: datetime,
    zone: str,
) -> Findings:
    """Give an automatic message, a wish for no more mail or an answer, by headers, subject and own text."""
    shown = _shown(own.words or own.whole)
    signs = _machine(root, heads.subject, own, sentences)
    if not signs:
        wish = optouts.find(heads.subject, sentences)
        kind = Kind.UNSUBSCRIBE if wish else Kind.REPLY
        return Findings(kind, (wish,) if wish else (), shown, language=_language(own.words, heads.subject))
    whole = read(own.whole) if own.whole != own.words else sentences
    kind, why = automatic.away_or_other(heads.subject, root, whole)
    language = _language(own.whole, heads.subject)
    back = Return()
    if kind is Kind.OUT_OF_OFFICE or why is None:
        headers = {name.lower(): message.readable(str(value)) for name, value in list(root.raw_items())[:200]}
        back = returns.find(
            own.whole, subject=heads.subject, headers=headers, language=language,
            received=received, zone=zone, order_hint=_order(heads.senders),
        )  # fmt: skip
    if kind is Kind.AUTOMATIC and (back.on or back.options):  # it names a day back: somebody is away
        kind, why = Kind.OUT_OF_OFFICE, Evidence("text", back.evidence[:200])
    evidence = tuple(dict.fromkeys((*signs, why) if why else signs))
    # Whoever has left is not to be resumed by a date or a default: a person decides who is written to.
    cause = LEFT if kind is Kind.AUTOMATIC and any("gone" in sentence.says for sentence in whole) else ""
    return Findings(kind, evidence, shown, language, back, contacts=_contacts(own.whole, heads), cause=cause)


def _machine(
    root: Message, subject: str, own: texts.Own, sentences: tuple[Sentence, ...]
) -> tuple[Evidence, ...]:
    """Give the signs that a machine wrote the message, none where a person did or may have."""
    sign = automatic.of_headers(root) or automatic.of_subject(subject, sentences)
    if sign is None and not automatic.is_denied(root):
        sign = automatic.of_text(
            sentences,
            has_quote=own.has_quote,
            is_list=automatic.is_list(root),
            has_hint=automatic.has_hint(root),
        )
    return (sign,) if sign else ()


def _contacts(text: str, heads: Envelope) -> tuple[str, ...]:
    known = {*heads.senders, *heads.recipients}
    found = (spelling(match[0].rstrip(".")) for match in ADDRESS_IN_TEXT.finditer(text[:LONGEST_TEXT_CHARS]))
    return tuple(dict.fromkeys(address for address in found if address and address not in known))[
        :MOST_CONTACTS
    ]


def _order(senders: Iterable[str]) -> str | None:
    top = next(iter(senders), "").rpartition(".")[2]
    return (
        ("mdy" if top in MONTH_FIRST else "dmy" if len(top) == 2 and top != "ca" else None) if top else None
    )


def _language(text: str, subject: str) -> str | None:
    return languages.guess(text) if text else languages.guess(subject)


def _unread(root: Message) -> str:
    """Give why the body was not read: enciphered, or not there."""
    kinds = {part.get_content_type() for part in message.parts(root)}
    enciphered = {"multipart/encrypted", "application/pgp-encrypted"}
    smime = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
    if kinds & enciphered or (kinds & smime and not kinds & {"text/plain", "text/html"}):
        return "The message is encrypted, so its text was not read; open it in the mailbox."
    return ""


def _cause(tree: message.Tree, *, has_body: bool) -> str:
    if tree.has_lost_text or (tree.is_cut and not has_body):
        return TOO_LARGE
    return ""


def _with_cause(findings: Findings, cause: str) -> Findings:
    if not cause and findings.kind is Kind.REPLY and not findings.text.strip():
        cause = "The message has no text of its own; look at it in the mailbox."
    return replace(findings, cause=cause) if cause else findings


def _shown(text: str) -> str:
    return text.strip()[:LONGEST_TEXT_CHARS]
