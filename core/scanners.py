"""Telling people from programs: mail gateways, link checkers and image proxies follow links as well, and first.

Pure: what is known of a visit goes in, why it is taken for a program comes out. Doubt counts against the visitor, since
a click may change what a lead gets; docs/links.md says the same to those who read the figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PICTURE, HIDDEN = 0, -1  # places in a mail that are no link of its author's; those count from 1

# Gateways check a mail while they take it. Reports of their clicks name 5 s, 12 s (resend/resend-node#901) and 30 s
# (jdavidbakr/mail-tracker#228); a person may well read a short mail in thirty, but not in ten.
TOO_SOON: Final = timedelta(seconds=10)
BURST: Final = timedelta(seconds=2)  # a person opens one link, looks, and comes back for another
AROUND_HIDDEN: Final = timedelta(seconds=60)

# Parts of a User-Agent that no person's browser has, in lower case.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|scan|slurp|preview|fetch|monitor"  # the usual words; Cubot makes phones
    r"|barracuda|proofpoint|urldefense|mimecast|ironport|ciscosecureemail|tmes|trendmicro|symantec|messagelabs"
    r"|fortimail|fortiguard|sophos|safelinks|zscaler|forcepoint|paloalto"  # mail gateways that name themselves
    r"|curl|wget|python|aiohttp|httpx|go-http-client|okhttp|libwww|java/|apache-httpclient|axios|guzzle|ruby|perl"
    r"|headless|phantomjs|selenium|playwright|puppeteer"
)
# Google's checker (mautic/mautic#10245): an Edge that was never that old, with its own name behind it.
_GOOGLES_CHECKER = "edge/12.246 mozilla/5.0"
_BARE = "mozilla/5.0"  # Apple's relay (Mail Privacy Protection), and some gateways
# matomo-org/device-detector#5359, and the same of others.
_PROXIES = ("googleimageproxy", "yahoomailproxy", "ggpht.com")
# What browsers send with a page that nobody has asked for yet (the Fetch and Speculation Rules standards, and older).
_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")


@dataclass(frozen=True)
class Visited:
    """One visit to a mail's link or picture. `suspect`: what was held against it when it came."""

    place: int
    at: datetime
    suspect: str = ""


def at_once(method: str, headers: Mapping[str, str], *, is_picture: bool) -> str:
    """Say what a request itself gives away, "" for nothing; names of headers in lower case."""
    agent = headers.get("user-agent", "").strip().lower()
    if method == "HEAD":
        return "head"
    if any(re.search("prefetch|preview", headers.get(name, "").lower()) for name in _AHEAD):
        return "prefetch"
    if any(proxy in agent for proxy in _PROXIES) or (is_picture and agent == _BARE):
        return "proxy"
    if agent in {"", _BARE} or _GOOGLES_CHECKER in agent or _PROGRAMS.search(agent):
        return "agent"
    return ""


def suspect(visit: Visited, others: Iterable[Visited], *, sent_at: datetime | None) -> str:
    """Say why a visit is a program's, "" for a person's; `others`: every visit to the same mail, itself included."""
    if visit.suspect:
        return visit.suspect
    if visit.place == HIDDEN:
        return "hidden link"
    if sent_at is None or visit.at < sent_at + TOO_SOON:
        return "too soon"
    others = tuple(others)
    if any(_is_burst(visit, other) for other in others):
        return "several at once"
    if any(other.place == HIDDEN and abs(other.at - visit.at) <= AROUND_HIDDEN for other in others):
        return "hidden link"
    return ""


def _is_burst(visit: Visited, other: Visited) -> bool:
    is_other_link = min(visit.place, other.place) > 0 and visit.place != other.place
    return is_other_link and abs(other.at - visit.at) <= BURST
