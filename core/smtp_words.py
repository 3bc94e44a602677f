"""A server's refusal in words, and what to do about it. Pure.

The enhanced status codes are RFC 3463's and those registered since (RFC 5248): class, subject, detail. The class says only
whether it may pass, so the table goes by the other two; servers that give none are read by their plain code (RFC 5321).
"""

from __future__ import annotations

import re

ENHANCED = re.compile(r"(?<![\d.])[245]\.(\d{1,3})\.(\d{1,3})(?![\d.])")
PLAIN = re.compile(r"(?<!\d)([245]\d\d)(?!\d)")

_STOP = "stop the lead, or correct the address and try again"
_LATER = "try again later"
_ADMIN = "ask whoever runs the mailbox"
_SHORTER = "make the mail smaller, then try again"

_BY_DETAIL = {
    "1.0": ("something is wrong with the address", _STOP),
    "1.1": ("the address does not exist", _STOP),
    "1.2": ("the address's domain does not exist or takes no mail", _STOP),
    "1.3": ("the address is not written as an address", _STOP),
    "1.4": ("the address may mean several people there", _STOP),
    "1.6": ("the person has moved and left no new address", _STOP),
    "1.7": ("our own address is not accepted as a sender", _ADMIN),
    "1.8": ("the domain of our own address is not known there", _ADMIN),
    "1.10": ("the address's domain takes no mail at all", _STOP),
    "2.0": ("something is wrong with the person's mailbox", _LATER),
    "2.1": ("the person's mailbox is switched off", "try again in some days, or stop the lead"),
    "2.2": ("the person's mailbox is full", "try again in some days"),
    "2.3": ("the mail is larger than the person's mailbox takes", _SHORTER),
    "2.4": ("the address is a mailing list that does not work", _STOP),
    "3.0": ("the server there has trouble of its own", _LATER),
    "3.1": ("the server there is full", _LATER),
    "3.2": ("the server there takes no mail at the moment", _LATER),
    "3.4": ("the mail is larger than the server takes", _SHORTER),
    "4.0": ("the way to the server there is disturbed", _LATER),
    "4.1": ("the server there does not answer", _LATER),
    "4.2": ("the connection broke", _LATER),
    "4.3": ("the way to the server there could not be looked up", _LATER),
    "4.4": ("there is no way to the address's domain", _STOP),
    "4.5": ("the server there has too much to do", _LATER),
    "4.6": ("the mail went round in circles", _ADMIN),
    "4.7": ("the mail waited for too long", _LATER),
    "5.3": ("that was too many recipients at once", _LATER),
    "6.0": ("the mail's content is not accepted", "look at its text and links, then try again"),
    "7.0": ("a rule there forbids it", "look at the server's words, and at the mail's text and links"),
    "7.1": ("a rule there refuses mail from us", "look at the server's words; often it is taken for spam"),
    "7.8": ("the mailbox's user name or password is wrong", f"{_ADMIN}; `mailboxes` shows it"),
    "7.9": ("the way we log in is too weak for the server", _ADMIN),
    "7.20": ("no DKIM signature of ours was good", f"{_ADMIN}; `fermata doctor` looks at DKIM"),
    "7.21": ("no DKIM signature of ours was accepted", f"{_ADMIN}; `fermata doctor` looks at DKIM"),
    "7.23": ("SPF does not let us send for our domain", f"{_ADMIN}; `fermata doctor` looks at SPF"),
    "7.24": ("SPF of our domain could not be checked", f"{_ADMIN}; `fermata doctor` looks at SPF"),
    "7.25": ("our server has no name of its own (reverse DNS)", _ADMIN),
    "7.26": ("neither SPF nor DKIM speaks for us (DMARC)", f"{_ADMIN}; `fermata doctor` looks at DMARC"),
    "7.27": ("our own domain takes no mail, so it may send none", _ADMIN),
    "7.28": ("we sent too much at once", "lower the mailbox's cap, then try again later"),
}  # fmt: skip
_BY_SUBJECT = {
    "1": ("something is wrong with an address", _STOP),
    "2": ("something is wrong with the person's mailbox", _LATER),
    "3": ("the server there has trouble of its own", _LATER),
    "4": ("the way to the server there is disturbed", _LATER),
    "5": ("the server did not understand us", _ADMIN),
    "6": ("the mail's content is not accepted", "look at its text and links, then try again"),
    "7": ("a rule there forbids it", "look at the server's words, and at the mail's text and links"),
}
_BY_CODE = {
    "421": ("the server closed, it is too busy or does not want us", _LATER),
    "450": ("the person's mailbox cannot be reached at the moment", _LATER),
    "451": ("the server had trouble, or wants us to come again", _LATER),
    "452": ("the server is full", _LATER),
    "530": ("the mailbox must log in first", _ADMIN),
    "535": _BY_DETAIL["7.8"],
    "550": ("the address does not exist, or a rule there forbids it", "look at the server's words"),
    "551": ("the person is not at this address", _STOP),
    "552": ("the person's mailbox is full, or the mail too large", _LATER),
    "553": _BY_DETAIL["1.3"],
    "554": ("the server refuses the mail", "look at the server's words; often it is taken for spam"),
}


def explained(answer: str) -> tuple[str, str]:
    """Give what a server's answer means, and what to do; both "" where its codes say nothing."""
    if found := ENHANCED.search(answer):
        subject, detail = (str(int(part)) for part in found.groups())
        known = _BY_DETAIL.get(f"{subject}.{detail}") or _BY_SUBJECT.get(subject)
        if known:
            return known
    code = PLAIN.search(answer)
    return _BY_CODE.get(code[1], ("", "")) if code else ("", "")
