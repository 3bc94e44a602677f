"""Whom a message concerns, from its headers alone: cheap, bounded, and safe to compare and to store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from email.utils import getaddresses
from typing import Final

from core.address import LOCAL, LONGEST_ADDRESS_CHARS, LONGEST_LOCAL_CHARS, normalise_domain
from core.errors import Refused
from core.inbound import automatic, message
from core.inbound.words import Envelope

MOST_IDS: Final = 50
MOST_ADDRESSES: Final = 50
LONGEST_LIST_CHARS: Final = 4_000
LONGEST_NAME_CHARS: Final = 100
LONGEST_SUBJECT_CHARS: Final = 500
# No blank, quote, backslash or control character: an id is stored and compared, and may reach a log.
MESSAGE_ID = re.compile(r"<[!#-;=?-\[\]-~]{1,300}>")
ADDRESS_IN_TEXT = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}", re.ASCII)
REPORT_SENDER = re.compile(
    r"mailer-?daemon|post_?master|no-?reply|do-?not-?reply|mail delivery|mdaemon|mailadmin|mail administrator|delivery subsystem"
    r"|email?feedback|feedback|fbl|abuse|staff@hotmail|complaint|microsoftexchange|arf|symantec"
)
REPORT_SUBJECT = re.compile(
    r"undeliver|deliver|returned? (mail|to sender)|failure|rejected|not be sent|bounce|complaint|feedback report"
    r"|non remis|unzustellbar|mail system error|nondelivery|non-delivery|unreachable|warning|problem"
)
REPORT_HEADERS = ("X-Failed-Recipients", "X-HmXmrOriginalRecipient")


def envelope(raw: bytes) -> Envelope:
    """Give what the headers say of a message: its ids, senders, recipients and subject. Never raises."""
    return of(message.headers_of(raw[: message.MOST_HEADER_BYTES + 4]))


def of(headers: Message) -> Envelope:
    """Give the same for headers that were parsed already."""
    froms = _values(headers, "From")
    people = [person for value in froms for person in addresses(value)]
    own = ids(_values(headers, "Message-ID")[:1])
    return Envelope(
        message_id=own[0] if own else None,
        answers=_answers(headers),
        senders=tuple(dict.fromkeys(address for _, address in people)),
        sender_name=people[0][0][:LONGEST_NAME_CHARS] if people else "",
        recipients=_recipients(headers),
        subject=message.header(headers, "Subject")[:LONGEST_SUBJECT_CHARS],
        may_be_report=_may_be_report(headers, froms),
        cause=_cause(froms, people),
        is_bulk=automatic.is_list(headers) or automatic.is_bulk(headers),
    )


def ids(values: Iterable[str]) -> list[str]:
    """Give the Message-IDs in these headers, in their order, each once."""
    found = (match for value in values for match in MESSAGE_ID.findall(value[-LONGEST_LIST_CHARS * 4 :]))
    return list(dict.fromkeys(found))[-MOST_IDS:]


def addresses(value: str) -> list[tuple[str, str]]:
    """Give the (name, normalised address) pairs of an address header; what is no plain address is left out."""
    line = message.readable(value)[:LONGEST_LIST_CHARS]
    if line.count("(") > 10:  # the library reads nested comments by recursion
        line = line.replace("(", " ").replace(")", " ")
    pairs = getaddresses([line])
    if not any("@" in address for _, address in pairs):
        pairs = [("", found) for found in re.findall(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+", line)]
    spelled = [(name, spelling(address)) for name, address in pairs[:MOST_ADDRESSES]]
    return [(name, address) for name, address in spelled if address]


def spelling(text: str) -> str:
    """Give an address as leads' addresses are kept, machines' and roles' too; "" for what is not plainly one."""
    local, at, domain = text.strip().rpartition("@")
    local = local.lower()
    if not at or not LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL_CHARS:
        return ""
    try:
        address = f"{local}@{normalise_domain(domain)}"
    except Refused:
        return ""
    return address if len(address) <= LONGEST_ADDRESS_CHARS else ""


def _answers(headers: Message) -> tuple[str, ...]:
    """Give whom the message answers: In-Reply-To first, then References from the newest."""
    direct = ids(_values(headers, "In-Reply-To"))
    older = ids(_values(headers, "References"))[::-1]
    return tuple(dict.fromkeys(direct + older))[:MOST_IDS]


def _recipients(headers: Message) -> tuple[str, ...]:
    values = [
        value for name in ("To", "Cc", "Delivered-To", "X-Original-To") for value in _values(headers, name)
    ]
    found = (address for value in values[:20] for _, address in addresses(value))
    return tuple(dict.fromkeys(found))[:MOST_ADDRESSES]


def _may_be_report(headers: Message, froms: list[str]) -> bool:
    """Say whether the body may be a delivery report or complaint; generous, for it only decides what is looked up."""
    if headers.get_content_type() in {
        "multipart/report",
        "message/delivery-status",
        "message/feedback-report",
    }:
        return True
    if any(name in headers for name in REPORT_HEADERS):
        return True
    if any(value.strip() == "<>" for value in _values(headers, "Return-Path")):
        return True
    is_sender = any(REPORT_SENDER.search(value.lower()) for value in froms)
    return is_sender or bool(REPORT_SUBJECT.search(message.header(headers, "Subject").lower()))


def _cause(froms: list[str], people: list[tuple[str, str]]) -> str:
    if len(froms) > 1:
        return "The message has two From lines; look who wrote it before you act on it."
    if len({address for _, address in people}) > 1:
        return "The message names several senders; look who wrote it before you act on it."
    if not people:
        return "The message names no sender that can be read; look at it in the mailbox."
    return ""


def _values(headers: Message, name: str) -> list[str]:
    return [value[: LONGEST_LIST_CHARS * 8] for value in message.raw_values(headers, name)[:20]]
