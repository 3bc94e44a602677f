"""The one policy on e-mail addresses: how two spellings are found to be one lead, and what is refused.

An address is plain `name@domain.tld`, in lower case, with an international domain in its ASCII form. What
mail systems read differently is refused rather than repaired: quoted names, comments, address literals, two
addresses in one. A parser that is generous there sends a lead's mail to somebody else
(`alice@ok.test)bob@evil.test` is alice to one library and bob to the next).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna

from core.errors import Refused
from core.plain import INVISIBLE, is_forbidden, shown

LONGEST_ADDRESS_CHARS = 254
LONGEST_LOCAL_CHARS = 64
LONGEST_DOMAIN_CHARS = 253

LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Mailboxes that run a domain or are read by machines (RFC 2142 §5 and its like), never by a prospect.
# info@ and sales@ are missing on purpose: small companies answer there.
ROLES: Final = frozenset(
    {
        "abuse", "bounce", "bounces", "daemon", "dmarc", "do-not-reply", "donotreply", "hostmaster", "mailer-daemon",
        "mailerdaemon", "no-reply", "nobody", "noc", "noreply", "postmaster", "root", "security", "spam",
        "unsubscribe", "usenet", "uucp", "webmaster",
    }
)  # fmt: skip
# Where many strangers share one domain: a company hold or a stop of "everyone there" makes no sense.
FREE_MAIL: Final = frozenset(
    {
        "126.com", "163.com", "aim.com", "aol.com", "arcor.de", "att.net", "bigpond.com", "bluewin.ch",
        "bol.com.br", "btinternet.com", "comcast.net", "cox.net", "duck.com", "email.com", "fastmail.com",
        "foxmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net",
        "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr",
        "hotmail.it", "hushmail.com", "icloud.com", "inbox.com", "inbox.ru", "interia.pl", "laposte.net",
        "libero.it", "list.ru", "live.co.uk", "live.com", "live.de", "live.fr", "live.nl", "mac.com", "mail.com",
        "mail.ru", "me.com", "msn.com", "naver.com", "o2.pl", "onet.pl", "orange.fr", "outlook.com", "outlook.de",
        "outlook.fr", "pm.me", "posteo.de", "proton.me", "protonmail.com", "qq.com", "rediffmail.com",
        "rocketmail.com", "seznam.cz", "sfr.fr", "sina.com", "sky.com", "t-online.de", "terra.com.br",
        "tiscali.it", "tuta.com", "tutanota.com", "uol.com.br", "verizon.net", "virgilio.it", "wanadoo.fr",
        "web.de", "wp.pl", "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.au",
        "yahoo.com.br", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru", "ymail.com",
        "zoho.com",
    }
)  # fmt: skip


def normalise(text: str) -> str:
    """Give the one spelling of an address that Fermata keeps; raises Refused for what is not plainly one."""
    if text.count("@") > 1 or re.search(r"[,;]", text):
        raise Refused(f"“{shown(text.strip())}” is not one address; give each one by itself.")
    address = _trimmed(text)
    local, at, domain = address.partition("@")
    if not at:
        raise Refused(f"“{shown(address)}” is no e-mail address; write one such as lead@example.com.")
    local = local.lower()
    if not local.isascii():
        raise Refused(f"“{shown(address)}” has letters before the @ that mail does not carry everywhere.")
    if not LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL_CHARS:
        raise Refused(f"“{shown(address)}” is no plain address; write one such as lead@example.com.")
    normal = f"{local}@{normalise_domain(domain)}"
    if len(normal) > LONGEST_ADDRESS_CHARS:
        raise Refused(f"“{shown(address)}” is longer than an address can be; check it.")
    if is_role(normal):
        raise Refused(
            f"{shown(normal)} belongs to a machine or a role, not to a person; choose somebody there."
        )
    return normal


@lru_cache(maxsize=4096)
def normalise_domain(text: str) -> str:
    """Give a domain in lower-case ASCII; raises Refused for what can receive no mail from us."""
    domain = _trimmed(text).lower()
    if len(domain) > LONGEST_DOMAIN_CHARS:  # before idna, whose cost grows faster than the length
        raise _no_domain(text)
    if not domain.isascii() or "xn--" in domain:
        try:
            # The stdlib codec is IDNA 2003, which turns straße.de into another company's strasse.de.
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise _no_domain(text) from None
    labels = domain.split(".")
    is_valid = len(domain) <= LONGEST_DOMAIN_CHARS and all(LABEL.fullmatch(label) for label in labels)
    if not is_valid or len(labels) < 2 or labels[-1].isdigit():
        raise _no_domain(text)
    return domain


def domain_of(address: str) -> str:
    """Give the domain of a normalised address."""
    return address.rpartition("@")[2]


def is_free_mail(domain: str) -> bool:
    """Say whether a domain gives mailboxes to anybody, so that its addresses share no company."""
    return domain.lower() in FREE_MAIL


def is_role(address: str) -> bool:
    """Say whether an address belongs to a machine or an office of a domain, as postmaster@ and abuse@ do."""
    local = address.rpartition("@")[0].lower()
    return local.partition("+")[0] in ROLES


def _trimmed(text: str) -> str:
    """Give the text without blanks around it, in one Unicode spelling; raises Refused for hidden characters."""
    if is_forbidden(text):
        raise Refused(f"“{shown(text)}” holds a line break or control character; type the address anew.")
    blanks = {char for char in text if char.isspace() or unicodedata.category(char) == INVISIBLE}
    address = unicodedata.normalize("NFKC", text.strip("".join(blanks)))
    if any(char.isspace() or unicodedata.category(char) == INVISIBLE for char in address):
        raise Refused(f"“{shown(address)}” has blanks or hidden characters inside; type the address anew.")
    return address


def _no_domain(text: str) -> Refused:
    return Refused(f"“{shown(text)}” is no domain that mail can go to; write one such as example.com.")
