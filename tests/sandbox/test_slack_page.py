"""The try-out page: its routes, its live updates, its tour, and one walk through it in Chromium."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import SLACK_API, Info, create_app
from sandbox.mailbox import MailStore
from sandbox.slack import Workspace, serving
from tests.sandbox import bolt_app

START = datetime(2027, 6, 1, 7, tzinfo=UTC)
LEAD = "ada@lindenhof.example"
MAIL = (
    b"From: Ana <ana@northwind.example>\r\nTo: Ada <ada@lindenhof.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Ada\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>Ada</b></p><script>top.hacked = 1</script>\r\n--b--\r\n"
)


class Clock:
    """Time that moves when told; one event is always an hour away."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    async def advance(self, by: timedelta) -> None:
        await asyncio.sleep(0.05)
        self.at += by

    async def to_next_event(self) -> None:
        await self.advance(timedelta(hours=1))

    def next_event(self) -> tuple[datetime, str]:
        return self.at + timedelta(hours=1), "a follow-up to Ada"


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.workspace = Workspace(now=self.clock.now)
        self.mail = MailStore(now=self.clock.now)
        info = Info(lead=LEAD, until="July 15", summary=lambda: "12 leads")
        self.app = create_app(workspace=self.workspace, mail=self.mail, clock=self.clock, info=info)
        self.url = ""

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}/sandbox/{path}", trust_env=False).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = httpx.post(f"{self.url}/sandbox/{path}", json=body, trust_env=False)
        assert answer.status_code == status, answer.text
        return answer.json()

    def done(self) -> list[bool]:
        return [step["done"] for step in self.get("status")["tour"]]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with serving(made.app) as url:
        made.url = made.workspace.base_url = url
        app, _ = bolt_app.build(made.workspace, url, SLACK_API)
        handler = bolt_app.connect(app, made.workspace)
        yield made
        bolt_app.hang_up(handler, made.workspace)


def test_what_is_typed_and_clicked_reaches_the_app(world: World) -> None:
    assert world.post("type", {"user": "U0ANA", "channel": "C0OUTBOUND", "text": "/sequence card"})["ok"]
    card = world.workspace.person("Ana").wait_for_text("runs")
    click = {"user": "U0ANA", "target": card.ts, "action_id": "pause", "label": "Pause"}
    assert world.post("click", click)["ok"]
    world.workspace.person("Ana").wait_for_text("Paused by")
    shown = world.get("slack?user=U0ANA")
    assert [m["ephemeral"] for m in shown["messages"]["C0OUTBOUND"]] == [False, True]
    assert len(world.get("slack?user=ben")["messages"]["C0OUTBOUND"]) == 1


def test_a_button_that_is_gone_is_a_sentence(world: World) -> None:
    said = world.post("click", {"user": "U0ANA", "target": "1.1", "action_id": "pause"}, 409)["said"]
    assert said == "Ana Ruiz sees no message 1.1."


def test_modal_goes_through_the_page(world: World) -> None:
    ana = world.workspace.person("Ana")
    ana.type("#outbound", "/sequence card")
    ana.click(ana.wait_for_text("runs"), "Form")
    world.workspace.wait_for(lambda: ana.modal)
    assert not world.post("submit", {"user": "U0ANA", "values": {"why": "no"}})["ok"]
    assert world.get("slack?user=ana")["modal"]["errors"] == {"why": "Say a little more."}
    assert world.post("submit", {"user": "U0ANA", "values": {"why": "holiday", "when": "2027-07-01"}})["ok"]
    assert world.get("slack?user=ana")["modal"] is None


def test_mail_is_shown_as_it_went(world: World) -> None:
    world.mail.keep(MAIL, (LEAD,))
    (mail,) = world.get("mail")["messages"]
    assert (mail["to"], mail["subject"], mail["text"].strip()) == (LEAD, "Grüße", "Hello Ada")
    assert mail["headers"].startswith("From: Ana")


def test_the_tour_ticks_itself(world: World) -> None:
    assert world.done() == [False] * 6
    world.post("mail-opened", {})
    world.post(
        "type", {"user": "U0ANA", "channel": "C0OUTBOUND", "text": f"/sequence pause {LEAD} until July 15"}
    )
    world.post("clock/advance", {"seconds": 3600})
    assert world.done() == [True, True, False, False, False, False]
    world.mail.keep(MAIL, ("chloe@petittheatre.example",))
    world.post("clock/advance", {"seconds": 10 * 86_400})
    assert world.done()[2]
    assert world.get("status")["tour"][2]["told"] == f"Ten days, and nothing left for {LEAD}."
    world.post("type", {"user": "U0ANA", "channel": "C0OUTBOUND", "text": f"/sequence why {LEAD}"})
    assert world.done() == [True, True, True, False, True, False]


def test_a_paused_sequence_is_no_held_lead(world: World) -> None:
    world.post("type", {"user": "U0ANA", "channel": "C0OUTBOUND", "text": "/sequence pause sequence Spring"})
    assert not world.done()[1]


def test_mail_to_the_held_lead_leaves_the_step_open(world: World) -> None:
    world.post("type", {"user": "U0ANA", "channel": "C0OUTBOUND", "text": f"/sequence pause {LEAD}"})
    world.post("clock/next", {})
    world.mail.keep(MAIL, (LEAD,))
    world.post("clock/advance", {"seconds": 10 * 86_400})
    assert not world.done()[2]


def test_changes_are_told_live(world: World) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{world.url}/sandbox/events", timeout=5) as stream:
        assert stream.readline() == b"retry: 1000\n"
        world.mail.keep(MAIL, (LEAD,))
        assert [stream.readline() for _ in range(3)][1:] == [b"event: change\n", b"data: mail\n"]


def test_the_page_loads_nothing_from_elsewhere(world: World) -> None:
    index = httpx.get(world.url, trust_env=False)
    assert "default-src 'self'" in index.headers["content-security-policy"]
    for name in (
        "style.css",
        "main.js",
        "talk.js",
        "blocks.js",
        "mrkdwn.js",
        "mail.js",
        "lead.js",
        "flow.js",
        "dom.js",
    ):
        text = httpx.get(f"{world.url}/page/{name}", trust_env=False).raise_for_status().text
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in text
    assert json.loads((httpx.get(f"{world.url}/page/tour.json", trust_env=False)).text)["steps"]


@pytest.mark.browser
def test_a_walk_in_chromium(world: World, chromium: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    world.mail.keep(MAIL, (LEAD,))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1024, "height": 700})
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(world.url)
        expect(page.locator("#summary")).to_contain_text("12 leads")
        assert page.evaluate("document.documentElement.scrollWidth") == 1024

        page.get_by_role("button", name=LEAD).click()
        expect(page.frame_locator(".reader iframe").locator("b")).to_have_text("Ada")
        assert page.evaluate("window.hacked") is None

        page.keyboard.press("/")
        page.keyboard.type("sequence card")
        page.keyboard.press("Enter")
        page.locator(".message").get_by_role("button", name="Pause").click()
        expect(page.locator(".message").first).to_contain_text("is paused")
        expect(page.locator(".mine-only")).to_contain_text("Paused by @Ana Ruiz")

        page.get_by_role("button", name="Form").click()
        page.get_by_label("Because").fill("no")
        page.get_by_role("button", name="Hold", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="Say a little more.")).to_be_visible()
        page.get_by_label("Because").fill("on holiday")
        page.keyboard.press("Enter")
        expect(page.locator("#modal")).not_to_be_visible()

        page.locator("#days10").click()
        expect(page.locator("#now")).to_contain_text("11 Jun 2027")
        page.get_by_label("You are").select_option("U0BEN")
        expect(page.locator(".mine-only")).to_have_count(0)
        page.get_by_role("button", name="Home").click()
        expect(page.locator("#messages")).to_contain_text("Your leads")
        page.get_by_label("You are").select_option("U0MIRA")
        expect(page.locator("#messages")).to_contain_text("Your leads")
        assert world.workspace.home("Mira") is not None
        browser.close()
    assert troubles == []
