"""Mails with counted links: what is replaced, what never is, and what is kept of it."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_string, policy

import pytest
from sqlmodel import select

from core import letters, tracking
from core.letters import Office
from core.models import Link
from core.template import MissingValue, compile_step, link_keys, render
from core.template import addresses as lead_to
from tests.tracked import ADA, ANA_SENDS, BEA, OFFICE, PAGE, PRICES, link, send, with_rule
from tests.world import make

TOKEN = r"[A-Za-z0-9_-]{22}"


def parts(message: str) -> tuple[str, str]:
    parsed = message_from_string(message, policy=policy.default)
    return tuple(parsed.get_body((kind,)).get_content() for kind in ("plain", "html"))


def rows(world) -> list[tuple[int, str]]:
    with world.db.read() as session:
        return [(row.place, row.url) for row in session.exec(select(Link).order_by(Link.id))]


def test_links_of_both_parts_lead_by_way_of_us(database_url):
    world = make(database_url, with_rule(), ADA, BEA)
    ada, bea = (parts(message) for message in send(world))
    page, prices = link(world, 1), link(world, 2)
    assert (page.url, prices.url) == (PAGE, PRICES)
    text, html = ada
    for token in (page.token, prices.token):
        assert text.count(f"https://mail.example/c/{token}") == 1
        assert html.count(f'<a href="https://mail.example/c/{token}">') == 1
    assert PAGE not in text + html
    assert "northwind.example" not in text
    assert f"https://mail.example/o/{link(world, 0).token}.gif" in html
    ours = rf"/[co]/({TOKEN})"
    assert not set(re.findall(ours, ada[1])) & set(re.findall(ours, bea[1]))
    assert len(rows(world)) == 8
    assert world.status(ADA) == "pending"


def test_what_is_never_replaced(sqlite_url):
    world = make(sqlite_url, with_rule(), ADA)
    text, html = parts(send(world)[0])
    opt_out = OFFICE.unsubscribe_url(world.lead_id(ADA))
    assert f'<a href="{opt_out}">opt out</a>' in html
    assert f"opt out ({opt_out})" in text
    assert '<a href="mailto:ana@sales.example">write</a>' in html


def test_the_hidden_link_is_hidden_from_everybody(sqlite_url):
    world = make(sqlite_url, with_rule(), ADA)
    text, html = parts(send(world)[0])
    hidden = link(world, -1).token
    (anchor,) = re.findall(rf"<a [^>]*{hidden}[^>]*>(.*?)</a>", html)
    assert anchor == ""
    assert re.search(rf'<a href="[^"]*{hidden}" style="display:none" aria-hidden="true" tabindex="-1">', html)
    assert hidden not in text


def test_a_mail_without_links_hides_none(sqlite_url):
    world = make(sqlite_url, with_rule(), ADA)
    (claim,) = world.claims()
    claim.step.body = "Hi, [write](mailto:ana@sales.example)."
    letter = letters.write(claim, ANA_SENDS, OFFICE, now=world.now)
    assert [made.place for made in letter.links] == [0]
    assert b"display:none" not in letter.content


@pytest.mark.parametrize(
    ("track", "places"), [("{clicks: true}", [1, 2, -1]), ("{opens: true}", [0]), ("{}", [])]
)
def test_only_what_was_asked_for_is_counted(sqlite_url, track, places):
    world = make(sqlite_url, with_rule().replace("{clicks: true, opens: true}", track), ADA)
    text, html = parts(send(world)[0])
    assert [place for place, _ in rows(world)] == places
    assert (PAGE in text) == (1 not in places)
    assert ("<img" in html) == (0 in places)


def test_a_mail_without_an_address_of_ours_is_written_plainly(sqlite_url):
    world = make(sqlite_url, with_rule().replace(", or [opt out]({{ unsubscribe_url }})", ""), ADA)
    (claim,) = world.claims()
    letter = letters.write(claim, ANA_SENDS, Office("", b"k" * 32), now=world.now)
    assert letter.links == ()
    assert b"northwind.example/page" in letter.content


def test_a_mail_tried_again_keeps_its_links(database_url):
    world = make(database_url, with_rule(), ADA)
    first = [letters.write(claim, ANA_SENDS, OFFICE, now=world.now) for claim in world.claims()]
    tracking.keep(world.db, first[0].links, now=world.now)
    world.later(minutes=10)  # its worker is gone
    (again,) = send(world)
    assert len(rows(world)) == 4
    assert link(world, 1).token in again


def test_a_link_rewritten_before_the_second_try_gets_a_row_of_its_own(sqlite_url):
    world = make(sqlite_url, with_rule(), ADA)
    first = [letters.write(claim, ANA_SENDS, OFFICE, now=world.now) for claim in world.claims()]
    tracking.keep(world.db, first[0].links, now=world.now)
    world.later(minutes=10)
    (claim,) = world.claims()
    step = claim.step
    step.body = step.body.replace("/page", "/new")
    written = letters.write(claim, ANA_SENDS, OFFICE, now=world.now, known=tracking.known(world.db, [claim]))
    assert [(made.place, made.url) for made in written.links] == [(1, PAGE.replace("/page", "/new"))]


VALUES = {
    "lead": {"first_name": "Ada", "company": "A&B Co", "custom": {"site": "https://s.example/ü", "mail": "mailto:a@b.test"}},
    "unsubscribe_url": "https://mail.example/u/1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("[x](https://a.example/?who={{ company }}&b=1)", ["https://a.example/?who=A%26B%20Co&b=1"]),
        ("<https://a.example> and [again](https://a.example)", ["https://a.example"]),
        ("See https://a.example/x_y_z?a=1&b=2, please.", ["https://a.example/x_y_z?a=1&b=2"]),
        ("(https://a.example/w_(x))", ["https://a.example/w_(x)"]),
        ("Is it https://a.example?", ["https://a.example"]),
        ("**https://a.example**", ["https://a.example"]),
        ("https://{{ first_name }}.example/x", ["https://Ada.example/x"]),
        ("`https://a.example`", []),
        ("![x](https://a.example/x.png)", []),
        ("[![x](https://a.example/x.png)](https://b.example)", ["https://b.example"]),
        ("[x](mailto:a@b.test)", []),
        ("[x]({{ unsubscribe_url }})", []),
        ("[x]({{ unsubscribe_url }}) [y](https://a.example)", ["https://a.example"]),
        ("[x]({{ lead.custom.site }})", ["https://s.example/%C3%BC"]),
        ("[x]({{ lead.custom.mail }})", ["mailto:a@b.test"]),
        ("{% if lead.custom.none %}[x]({{ lead.custom.none }}){% endif %} y", [None]),
        ("{{ lead.custom.site }}", []),  # what a lead's field says is text, never a link of ours
        ("[x](HTTPS://a.example)", ["HTTPS://a.example"]),
    ],
)
def test_what_counts_as_a_link(body: str, found: list[str | None]) -> None:
    fields = frozenset({"site", "mail", "none"})
    template = compile_step("s", body, fields=fields, is_tracked=True)
    assert lead_to(template, VALUES) == found
    ours = {link_keys(number)[1]: f"https://m.example/c/{number}" for number in range(1, len(found) + 1)}
    made = render(template, {**VALUES, "link": ours})
    for number, url in enumerate(found, start=1):
        assert (made.html.count(f'"https://m.example/c/{number}"') >= 1) == (url is not None)


def test_an_author_cannot_name_our_links() -> None:
    with pytest.raises(Exception, match=r"link\.n1"):
        compile_step("s", "[x](https://a.example) {{ link.n1 }}", fields=frozenset(), is_tracked=True)


def test_a_missing_value_of_a_link_is_named_as_ever(sqlite_url):
    world = make(sqlite_url, with_rule(), ADA)
    (claim,) = world.claims()
    claim.step.body = "[x](https://a.example/{{ lead.custom.code }})"
    with pytest.raises(MissingValue, match=r"The code is missing"):
        letters.write(replace(claim), ANA_SENDS, OFFICE, now=world.now)
