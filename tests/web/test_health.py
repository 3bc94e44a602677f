"""What a watchdog is told."""

from __future__ import annotations

import httpx

from core.db import Database
from core.models import Mailbox
from sandbox.slack import serving
from tests.web.conftest import OFFICE
from web import health
from web.app import create_app
from web.metrics import labels


def figures(site):
    answer = site.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_alive_and_ready(both):
    assert both.http.get("/healthz").status_code == 200
    assert both.http.get("/readyz").json() == {"ready": True, "because": []}


def test_what_is_not_ready_is_said(site):
    site.faults.append("The sender made its last round 90 seconds ago.")
    answer = site.http.get("/readyz")
    assert (answer.status_code, answer.json()["because"]) == (503, site.faults)
    assert site.http.get("/healthz").status_code == 200


def test_database_that_is_gone_is_said_without_its_address():
    db = Database("postgresql://user:password@127.0.0.1:9/none")
    app = create_app(db=db, office=OFFICE, clock=lambda: None, slack=None, ready=list)
    with serving(app) as url, httpx.Client(base_url=url) as http:
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()["because"]) == (503, ["The database cannot be reached."])
        assert http.get("/metrics").status_code == 503
        assert http.get("/healthz").status_code == 200
        assert http.post("/slack/events").status_code == 404
        assert http.get("/docs").status_code == http.get("/openapi.json").status_code == 404
    db.close()


BOX = 'mailbox="ana@sales.example"'


def test_metrics_count_what_waits(both):
    before = figures(both)
    assert before[f"fermata_due{{{BOX}}}"] == 2
    assert before["fermata_uncertain"] == before['fermata_under_way{state="claimed"}'] == 0
    both.world.later(minutes=10)
    assert figures(both)[f"fermata_late_seconds{{{BOX}}}"] == 600
    both.world.say("halt")
    assert figures(both)[f"fermata_late_seconds{{{BOX}}}"] == 0
    assert figures(both)[f"fermata_due{{{BOX}}}"] == 2
    both.world.say("unhalt")
    both.world.say("skip max@x.test in Spring")
    both.world.tick()
    after = figures(both)
    assert after[f"fermata_handed_total{{{BOX}}}"] == after[f"fermata_handed_today{{{BOX}}}"] == 1
    assert after[f"fermata_due{{{BOX}}}"] == after[f"fermata_late_seconds{{{BOX}}}"] == 0
    assert after["fermata_database_bytes"] > 10_000
    assert after["fermata_cards_waiting"] == len(
        [card for card in both.world.cards() if card.wanted > card.drawn]
    )


def test_metrics_tell_of_mailboxes_holds_and_the_halt(both):
    before = figures(both)
    assert before["fermata_halted"] == before[f'fermata_mailbox_is{{{BOX},what="unread"}}'] == 0
    both.world.tick()
    both.world.say("pause lea@x.test")
    both.world.say("halt")
    both.world.change(Mailbox, unread_because="the password is refused", guarded_at=both.world.now)
    after = figures(both)
    assert after[f"fermata_handed_today{{{BOX}}}"] == 2
    assert after[f"fermata_cap_today{{{BOX}}}"] == 10_000
    assert after["fermata_halted"] == after[f'fermata_mailbox_is{{{BOX},what="unread"}}'] == 1
    assert after[f'fermata_mailbox_is{{{BOX},what="guarded"}}'] == 1
    assert after[f'fermata_mailbox_is{{{BOX},what="down"}}'] == 0
    assert after['fermata_holds{source="person"}'] == 1
    assert after["fermata_hook_events_waiting"] == 0
    both.world.later(days=1)
    assert figures(both)[f"fermata_handed_today{{{BOX}}}"] == 0
    assert figures(both)[f"fermata_handed_total{{{BOX}}}"] == 2


def test_a_sequence_on_hold_is_due_and_not_late(both):
    both.world.later(minutes=10)
    both.world.say("pause sequence Spring")
    found = figures(both)
    assert (found[f"fermata_due{{{BOX}}}"], found[f"fermata_late_seconds{{{BOX}}}"]) == (2, 0)


def test_a_quotation_mark_in_an_address_breaks_no_line():
    assert labels(mailbox='"a\\"@x.test') == '{mailbox="\\"a\\\\\\"@x.test"}'


def test_a_process_without_pages_answers_for_its_health_alone(site):
    app = health.alone(site.world.db, ready=lambda: ["It rests."], figures=lambda: "fermata_x 1\n")
    with serving(app) as url, httpx.Client(base_url=url) as http:
        assert http.get("/healthz").status_code == 200
        assert http.get("/readyz").json()["because"] == ["It rests."]
        assert http.get("/metrics").text == "fermata_x 1\n"
        assert http.get("/api/leads").status_code == http.get("/u/x").status_code == 404
