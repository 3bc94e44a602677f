"""The one policy on e-mail addresses: how two spellings are found to be one lead, and what is refused.

An address is plain `name@domain.tld`, in lower case, with an international domain in its ASCII form. What
mail systems read differently is refused rather than repaired: quoted names, comments, address literals, two
addresses in one. A parser that is generous there sends a lead's mail to somebody else
(`alice@ok.test)bob@evil.test` is alice to one library and bob to the next).
"""

from __future__ import annotations

import hashlib
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
        "126.com", "139.com", "163.com", "189.cn", "21cn.com", "abv.bg", "aim.com", "alice.it",
        "aliceadsl.fr", "aol.com", "aon.at", "arcor.de", "att.net", "azet.sk", "bbox.fr", "bellsouth.net",
        "bigpond.com", "bk.ru", "bluewin.ch", "blueyonder.co.uk", "bol.com.br", "btinternet.com",
        "centrum.cz", "centrum.sk", "charter.net", "chello.at", "citromail.hu", "club-internet.fr",
        "comcast.net", "comhem.se", "cox.net", "daum.net", "disroot.org", "docomo.ne.jp", "duck.com",
        "earthlink.net", "email.com", "email.cz", "email.de", "email.it", "ezweb.ne.jp", "fastmail.com",
        "fastmail.fm", "foxmail.com", "free.fr", "freemail.hu", "freenet.de", "gazeta.pl", "gmail.com",
        "gmx.at", "gmx.ch", "gmx.co.uk", "gmx.com", "gmx.de", "gmx.eu", "gmx.info", "gmx.li", "gmx.net",
        "gmx.us", "googlemail.com", "hanmail.net", "hetnet.nl", "hey.com", "hispeed.ch", "home.nl",
        "hotmail.be", "hotmail.ca", "hotmail.ch", "hotmail.co.jp", "hotmail.co.uk", "hotmail.com",
        "hotmail.com.ar", "hotmail.com.br", "hotmail.de", "hotmail.dk", "hotmail.es", "hotmail.fr",
        "hotmail.it", "hotmail.nl", "hotmail.no", "hotmail.se", "hushmail.com", "i.ua", "icloud.com",
        "ig.com.br", "inbox.com", "inbox.lv", "inbox.ru", "interia.pl", "internet.ru", "inwind.it", "iol.it",
        "juno.com", "keemail.me", "kpnmail.nl", "laposte.net", "libero.it", "list.ru", "live.at", "live.be",
        "live.ca", "live.co.uk", "live.com", "live.com.au", "live.com.mx", "live.de", "live.dk", "live.fr",
        "live.it", "live.nl", "live.no", "live.se", "luukku.com", "mac.com", "mail.com", "mail.de", "mail.dk",
        "mail.ru", "mailbox.org", "mailfence.com", "mailinator.com", "me.com", "meta.ua", "msn.com",
        "nate.com", "naver.com", "neuf.fr", "nifty.com", "ntlworld.com", "o2.pl", "onet.pl", "online.de",
        "online.no", "op.pl", "optonline.net", "optusnet.com.au", "orange.fr", "outlook.at", "outlook.be",
        "outlook.com", "outlook.com.au", "outlook.com.br", "outlook.de", "outlook.dk", "outlook.es",
        "outlook.fr", "outlook.ie", "outlook.in", "outlook.it", "outlook.jp", "outlook.pt", "planet.nl",
        "pm.me", "post.cz", "posteo.de", "posteo.net", "proton.me", "protonmail.ch", "protonmail.com",
        "qq.com", "r7.com", "rambler.ru", "rediffmail.com", "riseup.net", "rocketmail.com", "runbox.com",
        "sapo.pt", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.cn", "sina.com", "sky.com",
        "skynet.be", "startmail.com", "sympatico.ca", "t-online.de", "talktalk.net", "telenet.be",
        "terra.com.br", "tin.it", "tiscali.it", "tuta.com", "tuta.io", "tutamail.com", "tutanota.com",
        "tutanota.de", "ukr.net", "uol.com.br", "usa.com", "verizon.net", "virgilio.it", "virginmedia.com",
        "volny.cz", "vp.pl", "walla.co.il", "walla.com", "wanadoo.fr", "web.de", "windowslive.com", "wp.pl",
        "xs4all.nl", "xtra.co.nz", "ya.ru", "yahoo.ca", "yahoo.co.id", "yahoo.co.in", "yahoo.co.jp",
        "yahoo.co.nz", "yahoo.co.uk", "yahoo.co.za", "yahoo.com", "yahoo.com.ar", "yahoo.com.au",
        "yahoo.com.br", "yahoo.com.hk", "yahoo.com.mx", "yahoo.com.ph", "yahoo.com.sg", "yahoo.com.tr",
        "yahoo.com.tw", "yahoo.com.vn", "yahoo.de", "yahoo.dk", "yahoo.es", "yahoo.fr", "yahoo.gr",
        "yahoo.ie", "yahoo.in", "yahoo.it", "yahoo.no", "yahoo.pl", "yahoo.se", "yandex.by", "yandex.com",
        "yandex.kz", "yandex.ru", "yandex.ua", "yeah.net", "ymail.com", "ziggo.nl", "zoho.com",
        "zohomail.com", "zohomail.eu", "zoznam.sk",
    }
)  # fmt: skip


def normalise(text: str) -> str:
    """Give the one spelling of an address that a lead may have; raises Refused for what is not plainly one."""
    normal = spelled(text)
    if is_role(normal):
        raise Refused(
            f"{shown(normal)} belongs to a machine or a role, not to a person; choose somebody there."
        )
    return normal


def spelled(text: str) -> str:
    """Give the one spelling of an address that Fermata keeps, whoever has it; raises Refused as `normalise` does."""
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
    """Say whether a domain, or the one it is below, gives mailboxes to anybody: its addresses share no company."""
    labels = domain.lower().split(".")
    return any(".".join(labels[start:]) in FREE_MAIL for start in range(len(labels) - 1))


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


def key_of(email: str) -> str:
    """Give what is kept of the address of a person who was erased: enough to know it again, no more."""
    return f"sha256:{hashlib.sha256(email.encode()).hexdigest()}"
