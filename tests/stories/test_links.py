"""A lead clicks a link of a mail: what the sequence's rule says happens, and what a scanner does changes nothing."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.stories.conftest import SPRING

ADA, BEA = "ada@x.test", "bea@x.test"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PAGE = "https://northwind.example/season"
LINKS = (
    SPRING.replace("sequence: Spring", "sequence: Links")
    .replace("tag: in-spring", "track: {clicks: true, opens: true}\non:\n  click: RULE")
    .replace(
        "is this a good week?", f"see [the season]({PAGE}) or [the hall](https://northwind.example/hall)."
    )
)


class Reader:
    """A lead, or what stands before their mailbox, with the last mail they got."""

    def __init__(self, stage, email: str) -> None:
        self.html = stage._mail(email)[-1]["html"]
        self.text = stage._mail(email)[-1]["text"]

    def links(self) -> list[str]:
        return re.findall(r'href="(http[^"]*/c/[^"]*)"', self.html)

    def fetches(self, url: str, method: str = "GET", agent: str = CHROME) -> httpx.Response:
        return httpx.request(method, url, headers={"user-agent": agent}, timeout=20)

    def picture(self) -> str:
        return re.findall(r'src="([^"]*/o/[^"]*)"', self.html)[0]


@pytest.fixture
def url(database_url: str) -> str:
    """These stories are told on both databases."""
    return database_url


def mailed(world, clock, rule: str, *emails: str) -> list[Reader]:
    """The leads have got step 1, half an hour ago."""
    world.publishes(LINKS.replace("RULE", rule))
    world.enrols(*emails, into="Links")
    clock.settle()
    readers = [Reader(world, email) for email in emails]
    clock.jump(minutes=30)
    return readers


def test_a_click_pauses_its_lead_and_nobody_else(world, clock, ana):
    ada, _ = mailed(world, clock, "{do: pause, scope: sequence, until: 5 days}", ADA, BEA)
    answer = ada.fetches(ada.links()[0])
    assert (answer.status_code, answer.headers["location"]) == (302, PAGE)
    assert PAGE not in ada.html + ada.text
    clock.advance(seconds=6)
    assert (world.status(ADA, "Links"), world.status(BEA, "Links")) == ("paused", "pending")
    told = ana.types(f"/sequence why {ADA}")
    assert "Paused by a click since" in told
    assert f"The lead clicked {PAGE} in step 1 of Links." in ana.types(f"/sequence history {ADA}")
    clock.advance(days=3)
    assert len(world.mail_to(ADA)) == 1
    assert len(world.mail_to(BEA)) == 2
    clock.advance(days=9)
    assert len(world.mail_to(ADA)) > 1  # the hold ended by its date


@pytest.mark.parametrize(("rule", "becomes"), [("continue", "pending"), ("stop", "stopped")])
def test_the_sequence_says_what_a_click_does(world, clock, rule, becomes):
    (ada,) = mailed(world, clock, rule, ADA)
    ada.fetches(ada.links()[0])
    clock.advance(seconds=6)
    assert world.status(ADA, "Links") == becomes


def test_a_scanner_changes_nothing(world, clock, ana):
    world.publishes(LINKS.replace("RULE", "stop"))
    world.enrols(ADA, BEA, into="Links")
    clock.settle()
    ada, bea = Reader(world, ADA), Reader(world, BEA)
    for url in ada.links():  # while the mail is taken in
        assert ada.fetches(url).status_code in {200, 302}
    ada.fetches(ada.picture())
    clock.jump(hours=1)
    for method, agent in (("HEAD", CHROME), ("GET", "BarracudaCentral"), ("GET", "")):
        bea.fetches(bea.links()[0], method, agent)
    clock.advance(minutes=2)
    for url in bea.links():  # all at once, as no person does
        bea.fetches(url)
    clock.advance(days=3)
    assert (world.status(ADA, "Links"), world.status(BEA, "Links")) == ("pending", "pending")
    assert (len(world.mail_to(ADA)), len(world.mail_to(BEA))) == (2, 2)
    assert "clicked" not in ana.types(f"/sequence history {BEA}")


def test_an_opening_is_told_and_changes_nothing(world, clock, ana):
    (ada,) = mailed(world, clock, "stop", ADA)
    assert ada.fetches(ada.picture()).headers["content-type"] == "image/gif"
    clock.advance(seconds=6)
    assert world.status(ADA, "Links") == "pending"
    assert "The lead opened step 1 of Links." in ana.types(f"/sequence history {ADA}")


def test_whoever_unsubscribes_does_so_untracked(world, clock):
    (ada,) = mailed(world, clock, "continue", ADA)
    link = world.link_in_mail_to(ADA)
    assert "/u/" in link
    assert ada.fetches(link).status_code == 200
    assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=20).status_code == 200
    assert world.status(ADA, "Links") == "stopped"


def test_somebody_at_the_page_reads_before_they_click(world, clock):
    world.publishes(LINKS.replace("RULE", "stop"))
    world.enrols(ADA, into="Links")
    clock.settle()
    ada, before = Reader(world, ADA), clock.now
    headers = {"user-agent": CHROME, "sec-fetch-mode": "navigate"}
    answer = httpx.get(ada.links()[0], headers=headers, timeout=20)
    assert (answer.status_code, PAGE in answer.text) == (200, True)
    assert (clock.now - before).total_seconds() >= 60
    clock.advance(seconds=6)
    assert world.status(ADA, "Links") == "stopped"
