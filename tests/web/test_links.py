"""Links of mails over HTTP (bad inputs 166 to 182): no open redirect, nothing of a visitor kept, nothing changed by looking."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core.models import Link, Visit
from core.visits import settle_due
from tests.tracked import ADA, BEA, PAGE, PRICES, judged, link, send, with_rule
from web.links import GIF

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PERSON = {"user-agent": CHROME}
NO_SUCH = "A" * 22


@pytest.fixture
def mailed(both):
    """Ada and Bea got a mail an hour ago."""
    both.world.add(with_rule().replace("sequence: Spring", "sequence: Links"))
    both.world.enrol(ADA, BEA, sequence="Links")
    send(both.world)
    both.world.later(hours=1)
    return both


@pytest.fixture
def sent(site):
    """The same where the database does not matter."""
    site.world.add(with_rule().replace("sequence: Spring", "sequence: Links"))
    site.world.enrol(ADA, BEA, sequence="Links")
    send(site.world)
    site.world.later(hours=1)
    return site


def visits(site) -> list[Visit]:
    with site.world.db.read() as session:
        return list(session.exec(select(Visit).order_by(Visit.id)))


def test_a_click_leads_to_where_its_row_says(mailed):
    answer = mailed.http.get(f"/c/{link(mailed.world).token}", headers=PERSON)
    assert (answer.status_code, answer.headers["location"], answer.content) == (302, PAGE, b"")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    (visit,) = visits(mailed)
    assert (visit.kind, visit.at, visit.agent, visit.suspect) == ("click", mailed.world.now, CHROME, "")
    assert visit.settled_at is None
    assert mailed.world.status(ADA, "Links") == "pending"


def test_each_lead_has_links_of_their_own(sent):
    ada, bea = (link(sent.world, 2, email) for email in (ADA, BEA))
    assert ada.token != bea.token
    assert ada.delivery_id != bea.delivery_id
    assert sent.http.get(f"/c/{bea.token}").headers["location"] == PRICES


@pytest.mark.row(171)
def test_head_leads_on_and_counts_for_nobody(sent):
    answer = sent.http.head(f"/c/{link(sent.world).token}", headers=PERSON)
    assert (answer.status_code, answer.headers["location"]) == (302, PAGE)
    assert judged(sent.world) == [(1, "head")]


@pytest.mark.row(172)
def test_a_visit_seconds_after_the_send_is_a_scanners(sent):
    sent.world.now -= timedelta(hours=1, seconds=-5)
    sent.http.get(f"/c/{link(sent.world).token}", headers=PERSON)
    settle_due(sent.world.db, now=sent.world.later(seconds=10).now)
    assert judged(sent.world) == [(1, "too soon")]


@pytest.mark.row(168)
@pytest.mark.parametrize(
    "query",
    [
        "?url=https://evil.test",
        "?to=//evil.test",
        "?https://evil.test",
        "#https://evil.test",
        "?next=/x&url=http://e",
    ],
)
def test_nothing_of_a_request_decides_where_it_leads(sent, query):
    headers = {**PERSON, "referer": "https://evil.test", "host": "evil.test", "x-forwarded-host": "evil.test"}
    answer = sent.http.get(f"/c/{link(sent.world).token}{query}", headers=headers)
    assert answer.headers["location"] == PAGE


@pytest.mark.row(180)
def test_neither_referrer_nor_cookies_nor_address_are_kept(sent):
    headers = {
        **PERSON,
        "referer": "https://mail.test/inbox/7",
        "cookie": "who=ada",
        "x-forwarded-for": "203.0.113.7",
    }
    answer = sent.http.get(f"/c/{link(sent.world).token}", headers=headers)
    assert "set-cookie" not in answer.headers
    kept = str(visits(sent)[0].model_dump())
    assert not any(word in kept for word in ("inbox", "who=", "203.0.113", "127.0.0.1"))


def _flipped(token: str) -> str:
    return ("A" if token[0] != "A" else "B") + token[1:]


@pytest.mark.row(166, 167, 179)
@pytest.mark.parametrize(
    "spoil",
    [
        _flipped, str.swapcase, lambda token: token[:-1], lambda token: token + "A", lambda token: token + "=",
        lambda token: token + "/", lambda token: token + "%2F", lambda token: token + "%00", lambda token: "%20" + token,
        lambda token: token + ".gif", lambda _: NO_SUCH, lambda _: "abc", lambda _: "", lambda _: "%20%20",
        lambda _: "%D9%A1%D9%A2%D9%A3", lambda _: "1" * 5000, lambda _: "a" * 8192, lambda _: "..%2f..%2fetc%2fpasswd",
        lambda _: "%2e%2e/%2e%2e/x", lambda _: "%00", lambda _: "%ff%fe", lambda _: "https://evil.test",
        lambda _: "%E2%80%AE", lambda _: "//evil.test", lambda _: "1",
    ],
)  # fmt: skip
def test_a_token_that_is_not_ours_gets_one_calm_page(sent, spoil):
    unknown = sent.http.get(f"/c/{NO_SUCH}", headers=PERSON)
    answer = sent.http.get(f"/c/{spoil(link(sent.world).token)}", headers=PERSON)
    assert (answer.status_code, answer.text) == (404, unknown.text)
    assert "location" not in answer.headers
    assert "This link does not work" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert visits(sent) == []


@settings(max_examples=40)
@given(token=st.binary(max_size=60))
def test_no_path_breaks_it(site, token):
    path = quote_from_bytes(token, safe="")
    assert site.http.get(f"/c/{path}").status_code == 404
    assert site.http.get(f"/o/{path}").status_code == 404


@pytest.mark.row(170)
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://169.254.169.254/latest/meta-data", 302),  # allowed as a link: a browser goes there, never we
        ("https://a.example/ü?q=ä b", 302),
        ("HTTPS://a.example", 302),
        ("javascript:alert(1)", 404),
        ("data:text/html,x", 404),
        ("//evil.test", 404),
        ("ftp://a.example", 404),
        ("https://", 404),
        ("http://[broken", 404),
        ("", 404),  # its lead was erased
    ],
)
def test_only_web_addresses_are_led_to(sent, url, status):
    sent.world.change(Link, url=url)
    answer = sent.http.get(f"/c/{link(sent.world).token}", headers=PERSON)
    assert answer.status_code == status
    assert ("location" in answer.headers) == (status == 302)
    assert answer.headers.get("location", "").isascii()


def test_no_line_break_reaches_a_header(sent):
    sent.world.change(Link, url="https://a.example/\r\nset-cookie: x=1")
    answer = sent.http.get(f"/c/{link(sent.world).token}", headers=PERSON)
    assert answer.headers["location"] == "https://a.example/%0D%0Aset-cookie:%20x=1"
    assert "set-cookie" not in answer.headers


def test_the_link_that_nobody_sees_answers_and_tells(sent):
    answer = sent.http.get(f"/c/{link(sent.world, -1).token}", headers=PERSON)
    assert answer.status_code == 200
    assert "Nothing to see here" in answer.text
    assert [visit.kind for visit in visits(sent)] == ["click"]


def test_a_picture_is_no_link_and_a_link_no_picture(sent):
    assert sent.http.get(f"/c/{link(sent.world, 0).token}", headers=PERSON).status_code == 404
    assert sent.http.get(f"/o/{link(sent.world, 1).token}.gif", headers=PERSON).content == GIF
    assert visits(sent) == []


def test_the_picture_is_the_same_for_every_token(mailed):
    answers = [
        mailed.http.get(f"/o/{token}.gif", headers=PERSON)
        for token in (link(mailed.world, 0).token, NO_SUCH, "abc")
    ]
    assert {(one.status_code, one.content, one.headers["content-type"]) for one in answers} == {
        (200, GIF, "image/gif")
    }
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}
    assert (len(GIF), GIF[:6]) == (43, b"GIF89a")
    assert [visit.kind for visit in visits(mailed)] == ["open"]


@pytest.mark.parametrize(
    "name", ["", "abc", "..%2fx.gif", "a/b.gif", "%00.gif", "a" * 8192 + ".gif", "x.gif/", "x.png"]
)
def test_what_is_no_picture_is_not_found(sent, name):
    assert sent.http.get(f"/o/{name}").status_code == 404


@pytest.mark.row(182)
@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("Mozilla/5.0", "proxy"),  # Apple's relay
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "proxy",
        ),
        (CHROME, ""),
    ],
)
def test_an_image_proxy_is_told_from_a_person(sent, agent, reason):
    sent.http.get(f"/o/{link(sent.world, 0).token}.gif", headers={"user-agent": agent})
    assert judged(sent.world) == [(0, reason)]


def test_a_long_or_odd_agent_is_cut(mailed):
    mailed.http.get(f"/c/{link(mailed.world).token}", headers={"user-agent": ("Ünï" * 1000).encode()})
    assert len(visits(mailed)[0].agent) == 300


def test_other_methods_are_refused(sent):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert sent.http.request(method, f"/c/{link(sent.world).token}").status_code == 405
    assert visits(sent) == []


def test_a_visitor_goes_on_where_nothing_can_be_written(sent, caplog):
    token, picture = link(sent.world).token, link(sent.world, 0).token
    with sent.world.db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE visit RENAME TO visit_away")
    answer = sent.http.get(f"/c/{token}", headers=PERSON)
    assert (answer.status_code, answer.headers["location"]) == (302, PAGE)
    assert sent.http.get(f"/o/{picture}.gif", headers=PERSON).content == GIF
    assert caplog.messages == ["visit_lost error=OperationalError"] * 2


def test_without_a_database_a_click_is_asked_to_come_again(sent, caplog):
    token, picture = link(sent.world).token, link(sent.world, 0).token
    with sent.world.db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE link RENAME TO link_away")
    answer = sent.http.get(f"/c/{token}", headers=PERSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "Please try again in a minute" in answer.text
    assert sent.http.get(f"/o/{picture}.gif", headers=PERSON).content == GIF
    assert token not in caplog.text
