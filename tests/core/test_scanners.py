"""Who is taken for a program: one table of requests, one of what visits to the same mail say of each other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.scanners import HIDDEN, PICTURE, Visited, at_once, suspect
from tests.world import START

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
GOOGLES_CHECKER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
BING = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b"


@pytest.mark.parametrize(
    ("agent", "click", "picture"),
    [
        (CHROME, "", ""),
        (IPHONE, "", ""),
        (
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
            "",
            "",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0", "", ""),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", "", ""),
        ("", "agent", "agent"),
        ("   ", "agent", "agent"),
        ("Mozilla/5.0", "agent", "proxy"),
        (GOOGLES_CHECKER, "agent", "agent"),
        (GMAIL, "proxy", "proxy"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "proxy", "proxy"),
        (BING, "agent", "agent"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "agent", "agent"),
        ("BarracudaCentral", "agent", "agent"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "agent", "agent"),
        ("python-requests/2.32.3", "agent", "agent"),
        ("curl/8.9.1", "agent", "agent"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0",
            "agent",
            "agent",
        ),
    ],
)
def test_an_agent_gives_itself_away(agent: str, click: str, picture: str) -> None:
    assert at_once("GET", {"user-agent": agent}, is_picture=False) == click
    assert at_once("GET", {"user-agent": agent}, is_picture=True) == picture


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("HEAD", {}, "head"),
        ("GET", {"purpose": "prefetch"}, "prefetch"),
        ("GET", {"sec-purpose": "prefetch;prerender"}, "prefetch"),
        ("GET", {"x-moz": "prefetch"}, "prefetch"),
        ("GET", {"x-purpose": "preview"}, "prefetch"),
        ("GET", {"sec-fetch-mode": "navigate"}, ""),
    ],
)
def test_a_request_gives_itself_away(method: str, headers: dict[str, str], reason: str) -> None:
    assert at_once(method, {"user-agent": CHROME, **headers}, is_picture=False) == reason


def visited(seconds: float, place: int = 1, suspicion: str = "") -> Visited:
    """A visit so long after the send."""
    return Visited(place, START + timedelta(seconds=seconds), suspicion)


@pytest.mark.parametrize(
    ("visit", "others", "reason"),
    [
        # alone
        (visited(600), [], ""),
        (visited(10), [], ""),
        (visited(9.9), [], "too soon"),
        (visited(0), [], "too soon"),
        (visited(-3), [], "too soon"),
        (visited(600, suspicion="head"), [], "head"),
        (visited(600, HIDDEN), [], "hidden link"),
        (visited(600, PICTURE), [], ""),
        (visited(3, PICTURE), [], "too soon"),
        # several links at once, whichever came first
        (visited(600), [visited(602, 2)], "several at once"),
        (visited(602, 2), [visited(600)], "several at once"),
        (visited(600), [visited(602.1, 2)], ""),
        (visited(600), [visited(600.5, 1)], ""),  # a double click
        (visited(600), [visited(599, PICTURE)], ""),  # the mail was opened for it
        (visited(600, PICTURE), [visited(601)], ""),
        (visited(600), [visited(600.5, 2, "agent")], "several at once"),
        # the link that nobody sees
        (visited(600), [visited(660, HIDDEN)], "hidden link"),
        (visited(600), [visited(540, HIDDEN)], "hidden link"),
        (visited(600), [visited(661, HIDDEN)], ""),
        (visited(600, PICTURE), [visited(601, HIDDEN)], "hidden link"),
    ],
)  # fmt: skip
def test_visits_to_one_mail_say_what_each_other_are(
    visit: Visited, others: list[Visited], reason: str
) -> None:
    assert suspect(visit, [visit, *others], sent_at=START) == reason


def test_a_mail_that_never_left_was_read_by_nobody() -> None:
    assert suspect(visited(600), [visited(600)], sent_at=None) == "too soon"
