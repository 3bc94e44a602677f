"""What a watchdog is told."""

from __future__ import annotations

import httpx

from core.db import Database
from core.models import Mailbox
from sandbox.slack import serving
from tests.web.conftest import OFFICE
from web.app import create_app


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


def test_metrics_count_what_waits(both):
    before = figures(both)
    assert before["fermata_due"] == 2
    assert before['fermata_enrollments{status="pending"}'] == 2
    assert before['fermata_enrollments{status="paused"}'] == 0
    both.world.later(minutes=10)
    assert figures(both)["fermata_oldest_due_seconds"] == 600
    both.world.say("skip max@x.test in Spring")
    both.world.tick()
    after = figures(both)
    assert after['fermata_deliveries{state="sent"}'] == 1
    assert after['fermata_enrollments{status="skipped"}'] == 1
    assert after["fermata_due"] == after["fermata_oldest_due_seconds"] == 0
    assert after["fermata_cards_waiting"] == len(
        [card for card in both.world.cards() if card.wanted > card.drawn]
    )


def test_metrics_tell_of_mailboxes_hooks_and_the_halt(both):
    before = figures(both)
    assert before["fermata_halted"] == before["fermata_mailboxes_unread"] == 0
    both.world.tick()
    both.world.say("halt")
    both.world.change(Mailbox, unread_because="the password is refused")
    after = figures(both)
    assert after['fermata_mailbox_deliveries_today{mailbox="ana@sales.example",state="sent"}'] == 2
    assert after['fermata_mailbox_deliveries_today{mailbox="ana@sales.example",state="failed"}'] == 0
    assert after["fermata_halted"] == after["fermata_mailboxes_unread"] == 1
    assert after["fermata_hook_events_waiting"] == 0
    both.world.later(days=1)
    assert figures(both)['fermata_mailbox_deliveries_today{mailbox="ana@sales.example",state="sent"}'] == 0
