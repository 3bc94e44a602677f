"""`fermata sandbox` as a stranger meets it: one command, one page, five steps, in headless Chromium."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from tests.services import CHROMIUM_FLAGS, ROOT, free_port

pytestmark = pytest.mark.browser

LEAD = "ada@lindenhof.example"
FIRST_MAIL_SECONDS = 60
MOVING_MS = 60_000  # ten days of everybody's mail


@pytest.fixture
def sandbox(tmp_path) -> Iterator[str]:
    """The address of a sandbox that was started by its command, with mail on the page within a minute."""
    url, began = f"http://127.0.0.1:{(port := free_port())}", time.monotonic()
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "fermata", "sandbox", "--port", str(port)], cwd=ROOT, stdout=log, stderr=log
    )
    try:
        while not _mails(url):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() - began < FIRST_MAIL_SECONDS, "no mail within a minute"
            time.sleep(0.1)
        yield url
        process.terminate()
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
        log.close()
    assert (tmp_path / "log").read_text().count("\n") == 2, "it says more than two lines"


def _mails(url: str) -> list[dict]:
    try:
        return httpx.get(f"{url}/sandbox/mail", trust_env=False, timeout=2).json()["messages"]
    except (httpx.HTTPError, ValueError):
        return []


@pytest.fixture
def page(sandbox: str, chromium: Path):
    """The page, which must not throw."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(CHROMIUM_FLAGS))
        shown = browser.new_page(viewport={"width": 1280, "height": 800})
        shown.set_default_timeout(15_000)
        troubles: list[str] = []
        shown.on("pageerror", lambda error: troubles.append(str(error)))
        shown.goto(sandbox)
        yield shown
        browser.close()
        assert troubles == []


def types(page, text: str) -> None:
    """Type into the composer, letter by letter, and send."""
    page.get_by_role("combobox", name="Message").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def mails_to_lead(page, sandbox: str) -> int:
    return len([mail for mail in _mails(sandbox) if mail["to"] == LEAD])


def test_the_tour(page, sandbox):
    from playwright.sync_api import expect

    card = page.locator(".message").filter(has_text=f"✉️ {LEAD}").last
    steps = page.locator("#steps li.done")

    page.locator("#mails").get_by_role("button", name=re.compile(LEAD)).first.click()
    expect(page.frame_locator(".reader iframe").locator("body")).to_contain_text("Ada")
    expect(steps).to_have_count(1)

    asked = page.locator("#step-text code").inner_text()
    assert asked.startswith(f"/sequence pause {LEAD} until ")
    types(page, asked)
    expect(card).to_contain_text("Paused · Spring outreach")
    expect(page.locator(".mine-only").last).to_contain_text(f"Paused {LEAD} in Spring outreach until")
    expect(steps).to_have_count(2)

    before, everybody = mails_to_lead(page, sandbox), len(_mails(sandbox))
    page.locator("#days10").click()
    expect(steps).to_have_count(3, timeout=MOVING_MS)
    assert mails_to_lead(page, sandbox) == before
    assert len(_mails(sandbox)) > everybody

    card.get_by_role("button", name="Resume").click()
    expect(card).to_contain_text("Pending · Spring outreach")
    expect(page.locator(".mine-only").last).to_contain_text("the countdown goes on where it stood")
    expect(steps).to_have_count(4)
    page.locator("#days10").click()
    expect(page.locator("#mail-count")).to_be_visible()
    _until(lambda: mails_to_lead(page, sandbox) > before)

    types(page, f"/sequence why {LEAD}")
    expect(steps).to_have_count(5)
    expect(page.locator(".mine-only").last).to_contain_text(LEAD)


def test_what_a_stranger_tries_next(page, sandbox):
    """Help, a typing error, another person, a form, a list with buttons, and the page read anew."""
    from playwright.sync_api import expect

    last = page.locator(".mine-only").last
    types(page, "/sequence help")
    expect(last).to_contain_text("What you can say")
    types(page, "/sequence puase dai@harbourhall.example")
    expect(last).to_contain_text("the nearest is pause")
    types(page, "/sequence paused")
    expect(last).to_contain_text("dai@harbourhall.example in Spring outreach")
    page.get_by_label("You are").select_option("U0BEN")
    expect(page.locator(".mine-only")).to_have_count(0)
    card = page.locator(".message").filter(has_text="✉️ dai@harbourhall.example").last
    card.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Resume on a date…").click()
    expect(page.locator("#modal")).to_contain_text("Dai Rees in Spring outreach")
    day = _picks_another_day(page)
    page.locator("#modal").get_by_role("button", name="Resume", exact=True).click()
    expect(card).to_contain_text("Pending · Spring outreach")
    expect(card).to_contain_text(f"{day.day} {day:%B %Y}, 16:30 (Europe/London)")
    card.get_by_role("button", name="Stop").click()
    expect(page.locator("#confirm")).to_contain_text("Stop for good?")
    page.locator("#confirm").get_by_role("button", name="Stop").click()
    expect(card).to_contain_text("Stopped · Spring outreach")
    page.reload()
    expect(card).to_contain_text("Stopped · Spring outreach")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _picks_another_day(page) -> date:
    """Pick a day and type a time in the form that resumes; its table of dates follows both."""
    from playwright.sync_api import expect

    dates, day = page.locator("#modal pre"), page.locator("#f-when")
    meant = date.fromisoformat(day.input_value()) + timedelta(days=21)
    shown = f"{meant:%a} {meant.day} {meant:%b %Y}"
    expect(dates).not_to_contain_text(shown)
    day.fill(meant.isoformat())
    expect(dates).to_contain_text(shown)
    expect(dates).not_to_contain_text("11:30")
    page.locator("#f-clock").press_sequentially("1130AM")
    page.locator("#f-clock").blur()
    expect(dates).to_contain_text(f"{shown}, 11:30")
    lines = dates.evaluate(
        "node => node.getBoundingClientRect().height / parseFloat(getComputedStyle(node).lineHeight)"
    )
    assert lines < 6, "five lines and its margins: none of them is broken"
    return meant


def test_what_a_lead_does_comes_back(page, sandbox):
    """The page opens with what came back in its six days; then a lead answers, is away, meets, complains."""
    from playwright.sync_api import expect

    def card(words: str):
        return page.locator(".message:not(.threaded)").filter(has_text=words).last

    for words in ("Grace Okafor bounced", "Hiro Sato is out of office", "Inês Duarte replied"):
        expect(card(words)).to_be_visible()
    expect(page.locator("#inbox-count")).to_have_text("3")

    page.locator("#mails").get_by_role("button", name=re.compile(LEAD)).first.click()
    page.get_by_role("button", name="Answer…", exact=True).click()
    page.get_by_label("In their words").fill("Thanks, Tuesday suits me. <b>Ada</b>")
    page.locator("#letter").get_by_role("button", name="Send").click()
    expect(card("Ada Winter replied")).to_contain_text("Thanks, Tuesday suits me. <b>Ada</b>")
    expect(card("Ada Winter replied")).to_contain_text("Paused in Spring outreach until somebody resumes.")
    expect(page.locator("#inbox-count")).to_have_text("1 new")
    expect(page.locator("#steps li.done")).to_have_count(2)

    page.locator("#mails").get_by_role("button", name=re.compile("elif@")).first.click()
    page.get_by_role("button", name="Away…").click()
    page.get_by_label("Language").select_option("de")
    page.locator("#letter").get_by_role("button", name="Send").click()
    expect(card("Elif Aydın is out of office")).to_contain_text("wieder erreichbar")

    page.get_by_role("button", name="Meeting…").click()
    page.locator("#letter").get_by_role("button", name="Send").click()
    expect(card("Elif Aydın booked a meeting")).to_be_visible()
    page.get_by_role("button", name="Meeting…").click()
    page.get_by_label("Call the meeting off").check()
    page.locator("#letter").get_by_role("button", name="Send").click()
    expect(card("The meeting with Elif Aydın was cancelled")).to_be_visible()

    page.get_by_role("button", name="More ▾").click()
    page.get_by_role("menuitem", name="Report as spam").click()
    expect(card("Elif Aydın reported our mail as spam")).to_be_visible()

    page.get_by_role("tab", name="Inbox").click()
    expect(page.locator("#mails li")).to_have_count(8)
    page.locator("#mails button").first.click()
    expect(page.locator("#reader")).to_contain_text("email abuse report")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_workflow_runs_each_step(page, sandbox):
    """A step of Workflow Builder: its inputs as the manifest has them, what it gives, and why it fails."""
    from playwright.sync_api import expect

    def opens(step: str) -> None:
        page.get_by_role("button", name="Workflow step").click()
        page.get_by_role("menuitem", name=step).click()

    form = page.locator("#letter")
    opens("Pause a lead")
    expect(form).to_contain_text("The e-mail address of one lead")
    expect(form.get_by_label("Who runs the workflow")).to_have_value("U0ANA")
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("status")).to_be_empty()  # a required input is missing, so nothing ran
    form.get_by_label("Lead", exact=True).fill(LEAD)
    form.get_by_label("Until").fill("yesterday")
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("status")).to_contain_text("The step failed")
    expect(form.get_by_role("status")).to_contain_text("has passed")
    form.get_by_label("Until").fill("")
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("status")).to_contain_text(f"Paused {LEAD} in Spring outreach")
    expect(form.get_by_role("status")).to_contain_text("paused in Spring outreach")
    form.get_by_role("button", name="Close").click()
    opens("Enrol a lead")
    form.get_by_label("Lead", exact=True).fill("noor@newhall.example")
    form.get_by_label("Sequence").fill("Spring outreach")
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("status")).to_contain_text("pending in Spring outreach")
    form.get_by_role("button", name="Close").click()
    opens("Stop a lead")
    form.get_by_label("Lead", exact=True).fill("noor@newhall.example")
    form.get_by_label("Who runs the workflow").select_option("")  # a step that names nobody may stop mail
    form.get_by_role("button", name="Run").click()
    expect(form.get_by_role("status")).to_contain_text("stopped in Spring outreach")


def test_what_somebody_may_do_goes_by_their_user_group(page, sandbox):
    from playwright.sync_api import expect

    group, last = page.get_by_label("User group"), page.locator(".mine-only").last
    expect(page.locator("#role-note")).to_have_text("May do everything here.")
    group.select_option("S0VIEWERS")
    expect(page.locator("#role-note")).to_have_text("Looks at everything and changes nothing.")
    types(page, f"/sequence pause {LEAD}")
    expect(last).to_contain_text("You may look at everything here and change nothing")
    types(page, "/sequence list")
    expect(last).to_contain_text("12 leads")
    page.get_by_role("button", name="Home").click()
    expect(page.locator("#messages")).to_contain_text("Mailboxes")
    page.get_by_role("button", name="# outbound").click()
    group.select_option("S0OPERATORS")
    types(page, "/sequence archive sequence Spring outreach")
    expect(last).to_contain_text("That needs an admin of Fermata (FERMATA_ADMINS). Ask Ben Okafor")
    group.select_option("")
    types(page, "/sequence list")
    expect(last).to_contain_text("You are not among the people who may use Fermata here")
    group.select_option("S0ADMINS")
    types(page, f"/sequence pause {LEAD}")
    expect(last).to_contain_text(f"Paused {LEAD} in Spring outreach")


def test_it_ends_at_once_while_days_pass(sandbox):
    """Its fixture sees it end within seconds, and without a complaint."""
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{sandbox}/sandbox/clock/advance", json={"seconds": 30 * 86_400}, trust_env=False, timeout=1
        )


def _until(condition, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.1)
