"""The unsubscribe link (bad inputs 168 and 174 to 180; RFC 8058)."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import delete, select

from core.models import Lead, Suppression
from core.tokens import sign
from tests.web.conftest import OFFICE
from tests.world import START

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LEA = "lea@x.test"


def suppressed(site):
    with site.world.db.read() as session:
        return [(row.email, row.reason, row.at) for row in session.exec(select(Suppression))]


@pytest.mark.row(175)
def test_looking_changes_nothing(site):
    for method in ("GET", "HEAD"):
        answer = site.http.request(method, site.link(LEA))
        assert answer.status_code == 200
    page = site.http.get(site.link(LEA)).text
    assert page.count("<button") == 1
    assert "l•••@x.test" in page
    assert LEA not in page
    assert suppressed(site) == []
    assert site.world.status(LEA) == "pending"


def test_one_click_stops_the_lead_everywhere_before_it_answers(both):
    answer = both.http.post(both.link(LEA), data=ONE_CLICK)
    assert answer.status_code == 200
    assert suppressed(both) == [(LEA, "unsubscribed with the button of their mail program", START)]
    assert both.world.status(LEA) == "stopped"
    assert both.world.status("max@x.test") == "pending"
    assert [email for email, _ in both.world.tick()] == ["max@x.test"]
    assert [row.actor for row in both.world.journal("suppress", "stop")] == ["system", "system"]


def test_claimed_mail_does_not_leave_after_the_answer(both):
    claims = [claim for claim in both.world.claims() if claim.lead.email == LEA]
    assert len(claims) == 1
    assert both.http.post(both.link(LEA), data=ONE_CLICK).status_code == 200
    assert both.world.begin(claims) == set()


def test_one_click_comes_as_multipart_too(site):
    answer = site.http.post(site.link(LEA), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert len(suppressed(site)) == 1


def test_button_of_the_page_unsubscribes_and_says_so(site):
    answer = site.http.post(site.link(LEA), data={"confirm": "yes"})
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert "<form" not in answer.text
    assert suppressed(site)[0][1] == "unsubscribed with the link in a mail"
    # Opened again later, it says how things stand.
    assert "You are unsubscribed" in site.http.get(site.link(LEA)).text


@pytest.mark.row(174)
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", None),
        (b"List-Unsubscribe=Two-Click", "application/x-www-form-urlencoded"),
        (b"confirm=no", "application/x-www-form-urlencoded"),
        (b'{"List-Unsubscribe":"One-Click"}', "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"a=1&" * 100, "application/x-www-form-urlencoded"),
    ],
)
def test_other_posts_get_the_page_that_asks(site, content, kind):
    headers = {"content-type": kind} if kind else {}
    answer = site.http.post(site.link(LEA), content=content, headers=headers)
    assert answer.status_code == 200
    assert "<button" in answer.text
    assert suppressed(site) == []


def test_oversized_post_is_refused(site):
    assert site.http.post(site.link(LEA), content=b"x" * 20_000).status_code == 413


@pytest.mark.row(176)
@pytest.mark.slow
def test_a_thousand_posts_make_one_row(both):
    link = both.link(LEA)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: both.http.post(link, data=ONE_CLICK).status_code, range(1000)))
    assert set(statuses) == {200}
    assert len(suppressed(both)) == 1
    assert len(both.world.journal("suppress")) == 1


@pytest.mark.row(176)
def test_two_posts_make_one_row(both):
    statuses = [both.http.post(both.link(LEA), data=ONE_CLICK).status_code for _ in range(2)]
    assert (statuses, len(suppressed(both))) == ([200, 200], 1)


@pytest.mark.row(166, 167, 179)
def test_forged_links_all_get_the_same_calm_page(site):
    good = site.link(LEA).removeprefix("/u/")
    flipped = ("A" if good[0] != "A" else "B") + good[1:]
    tokens = [flipped, good[:-1], good + "A", good + "=", "x", "a" * 9000, "%00", good + "%00", "..%2f..%2fetc", "%ff%fe",
              "%E2%80%AE", good + "/", good + "%2F", "a/b/c", sign(OFFICE.key, "click", 1), sign(b"x" * 32, "unsubscribe", 1),
              " ", good.upper()]  # fmt: skip
    answers = [site.http.get(f"/u/{token}") for token in tokens]
    posts = [site.http.post(f"/u/{token}", data=ONE_CLICK) for token in tokens]
    assert {answer.status_code for answer in answers + posts} == {404}
    assert len({answer.text for answer in answers + posts}) == 1
    assert "This link does not work" in answers[0].text
    assert suppressed(site) == []


@pytest.mark.row(168)
def test_other_parameters_are_ignored(site):
    answer = site.http.get(site.link(LEA) + "?url=https://evil.test&confirm=yes")
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert suppressed(site) == []


@pytest.mark.row(178)
def test_erased_lead_gets_a_kind_answer(site):
    with site.world.db.write() as session:
        lead = Lead(email="gone@x.test", created_at=START)
        session.add(lead)
        session.flush()
        link = f"/u/{sign(OFFICE.key, 'unsubscribe', lead.id)}"
        session.exec(delete(Lead).where(Lead.id == lead.id))
    answers = [
        site.http.get(link),
        site.http.post(link, data=ONE_CLICK),
        site.http.post(link, data=ONE_CLICK),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all("You are unsubscribed" in answer.text for answer in answers)


def test_every_answer_forbids_caching_referrers_frames_and_cookies(site):
    for path in (site.link(LEA), "/u/x", "/healthz", "/nothing"):
        headers = site.http.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        assert "location" not in headers


def test_address_cannot_write_html(site):
    with site.world.db.write() as session:
        lead = Lead(email='<b>"@x.test<script>', created_at=START)
        session.add(lead)
        session.flush()
        lead_id = lead.id
    page = site.http.get(f"/u/{sign(OFFICE.key, 'unsubscribe', lead_id)}").text
    assert "<script" not in page
    assert "&lt;•••@x.test&lt;script&gt;" in page


def test_nothing_saved_is_never_said_to_be_done(site, caplog):
    with site.world.db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE suppression RENAME TO elsewhere")
    answers = [site.http.get(site.link(LEA)), site.http.post(site.link(LEA), data=ONE_CLICK)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "try again" in answers[1].text
    assert LEA not in caplog.text


def exchange(site, request: bytes) -> bytes:
    with socket.create_connection(site.http.base_url.netloc.decode().split(":"), timeout=5) as wire:
        wire.sendall(request)
        return wire.recv(65_536)


@pytest.mark.row(179)
@pytest.mark.parametrize(
    "path", [b"/u/" + b"a" * 100_000, b"/u/\x00", b"/u/\xff\xfe", b"/u/%", b"/u/%zz", b"//u//x", b"/u/../../x", b"*", b"/u/" + b"%00" * 3000]
)  # fmt: skip
def test_raw_paths_never_break_it(site, path):
    status = exchange(site, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").split(
        b" "
    )[1]
    assert status in {b"404", b"400", b"414"}
    assert site.http.get("/healthz").status_code == 200


@settings(max_examples=60)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data; boundary=",
         "multipart/form-data; boundary=b; charset=nonsense", "multipart/form-data", "text/plain"]
    ),
    is_part=st.booleans(),
)  # fmt: skip
def test_no_body_makes_it_fail(site, body, kind, is_part):
    if is_part:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="' + body + b'"\r\n\r\n' + body + b"\r\n--b--\r\n"
        )
    assert site.http.post(site.link(LEA), content=body, headers={"content-type": kind}).status_code == 200


def test_waiting_for_a_hand_over_is_not_needed_to_answer(site):
    site.world.begin(site.world.claims())
    began = time.monotonic()
    assert site.http.post(site.link(LEA), data=ONE_CLICK).status_code == 200
    assert time.monotonic() - began < 2
    assert len(suppressed(site)) == 1


@pytest.mark.browser
def test_button_works_in_a_browser_under_the_policy(site, chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 700})
        blocked = []
        page.on("console", lambda message: blocked.append(message.text))
        page.goto(site.url + site.link(LEA))
        button = page.get_by_role("button", name="Unsubscribe")
        assert button.bounding_box()["height"] >= 48  # the style is in force, and a thumb can hit it
        button.click()
        page.get_by_role("heading", name="You are unsubscribed").wait_for()
        browser.close()
    assert [words for words in blocked if "Content Security Policy" in words] == []
    assert len(suppressed(site)) == 1
