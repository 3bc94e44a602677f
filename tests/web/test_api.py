"""The API as another system uses it: over HTTP, with a token."""

from __future__ import annotations

import threading

import httpx
import pytest
from sqlmodel import select

from core import api_tokens, erasing
from core.models import ApiCall, ApiToken, Collision
from tests.world import ANA, BEN, PLAIN


def token(site, *scopes, name="crm"):
    with site.world.db.write() as session:
        return api_tokens.add(session, name, scopes or [*api_tokens.Scope], actor=ANA, now=site.world.now)


class Client:
    """A system with a token."""

    def __init__(self, site, *scopes, name="crm"):
        self.site, self.token = site, token(site, *scopes, name=name)

    def ask(self, method, path, status=200, *, key=None, **kwargs):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        headers |= {"idempotency-key": key} if key else {}
        answer = self.site.http.request(method, f"/api{path}", headers=headers, **kwargs)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path, status=200, **params):
        return self.ask("GET", path, status, params=params)

    def post(self, path, status=200, *, key=None, **body):
        return self.ask("POST", path, status, key=key, json=body)

    def put(self, path, status=200, *, key=None, **body):
        return self.ask("PUT", path, status, key=key, json=body)


@pytest.fixture
def crm(both):
    return Client(both)


def test_token_is_needed_known_unrevoked_and_of_the_scope(both):
    url = "/api/leads"
    assert both.http.get(url).status_code == 401
    for bad in ("Bearer fmt_unknown", "Bearer x", "Basic Zm9v", "Bearer fmt_\u00fc".encode()):
        answer = both.http.get(url, headers={"authorization": bad})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    reader = Client(both, "read", name="reader")
    assert len(reader.get("/leads")["leads"]) == 2
    assert "scope act" in reader.post("/leads/lea@x.test/pause", 403)["refused"]
    assert both.world.status("lea@x.test") == "pending"
    with both.world.db.write() as session:
        api_tokens.revoke(session, "reader", actor=ANA, now=both.world.now)
    reader.get("/leads", 401)
    assert [line.reason for line in both.world.journal("add token", "revoke token")] == [
        "reader: read",
        "reader",
    ]


def test_token_is_kept_as_a_hash_and_its_use_once_a_minute(both):
    crm = Client(both)
    with both.world.read() as session:
        row = session.exec(select(ApiToken)).one()
        assert crm.token not in str(row.model_dump())
        assert row.used_at is None
    crm.get("/sequences")
    first = both.world.now
    both.world.later(seconds=59)
    crm.get("/sequences")
    with both.world.read() as session:
        assert session.exec(select(ApiToken)).one().used_at == first


def test_lead_is_paused_resumed_and_stopped_as_a_command_would(both, crm):
    both.world.tick()
    done = crm.post("/leads/lea@x.test/pause", until="2027-06-15T09:00:00Z", reason="on holiday")
    assert done["done"].startswith("Paused lea@x.test")
    assert done["batch"]
    assert [
        (hold.author, hold.reason, f"{hold.until:%d %H:%M}") for hold in both.world.holds("lea@x.test")
    ] == [("api:crm", "on holiday", "15 09:00")]
    shown = crm.get("/leads/LEA@x.test")
    assert [(run["status"], run["step"], run["steps"]) for run in shown["enrollments"]] == [("paused", 2, 3)]
    assert shown["enrollments"][0]["next_at"] is None or shown["enrollments"][0]["next_at"].endswith("Z")
    crm.post("/leads/lea@x.test/resume", policy="keep")
    assert both.world.status("lea@x.test") == "pending"
    crm.post("/leads/lea@x.test/stop", sequence="Spring")
    assert both.world.status("lea@x.test") == "stopped"
    refused = crm.post("/leads/lea@x.test/resume", 409)
    assert "lea@x.test" in refused["refused"]
    assert both.world.status("max@x.test") == "pending"


def test_lead_is_skipped_and_let_start_before_its_first_step(crm):
    world = crm.site.world
    assert "Use `skip`" in crm.post("/leads/lea@x.test/pause", 409)["refused"]
    did = crm.post("/leads/lea@x.test/skip", sequence="Spring")
    assert did["done"] == "Skipped lea@x.test in Spring."
    assert (did["batch"] is not None, world.status("lea@x.test")) == (True, "skipped")
    crm.post("/leads/lea@x.test/unskip", sequence="Spring")
    assert world.status("lea@x.test") == "pending"
    world.tick()
    crm.post("/leads/lea@x.test/skip", 409, sequence="Spring")
    crm.post("/leads/lea@x.test/skip", 422)


def test_what_is_not_there_and_what_is_not_understood_is_said(crm):
    assert crm.get("/leads/noone@x.test", 404)["refused"] == "There is no lead noone@x.test."
    crm.post("/leads/noone@x.test/stop", 404)
    crm.get("/sequences/None", 404)
    crm.post("/sequences/%00/pause", 404)
    assert crm.get("/nothing", 404) == {"refused": "There is nothing at this address.", "fields": []}
    crm.get("/leads/a%0Ab@x.test", 404)
    assert crm.post("/leads/lea@x.test/pause", 422, untill="friday")["fields"][0]["field"] == "untill"
    crm.post("/leads/lea@x.test/pause", 409, until="yesterday")
    crm.post("/leads/lea@x.test/pause", 422, reason="a\u0000b")
    crm.get("/leads", 422, filter="colour:red")
    crm.get("/events", 422, after=2**31)
    for body in (b'{"until": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b'{"reason": "\\ud800"}', b"{"):
        assert set(crm.ask("POST", "/leads/lea@x.test/pause", 422, content=body)) == {"refused", "fields"}
    assert crm.site.world.status("lea@x.test") == "pending"


def test_lead_is_made_and_changed_by_the_rules_of_a_file(crm):
    made = crm.put("/leads/New.Lead@Acme.test", 201, first_name="Nia", tags=["eu"], custom={"plan": "pro"})
    assert (made["email"], made["domain"], made["tags"], made["custom"]) == (
        "new.lead@acme.test", "acme.test", ["eu"], {"plan": "pro"},
    )  # fmt: skip
    changed = crm.put("/leads/new.lead@acme.test", 200, company="Acme", first_name="")
    assert (changed["company"], changed["first_name"]) == ("Acme", "Nia")
    crm.put("/leads/no-address", 422)
    crm.put("/leads/x@acme.test", 422, zone="Mars/Base")
    crm.put("/leads/x@acme.test", 422, custom={"stage": "demo"})
    crm.site.world.say("erase max@x.test")
    tagged = crm.post("/leads/new.lead@acme.test/tags", add=["hot", "eu"], remove=["cold", "eu"])
    assert tagged["tags"] == ["hot"]


@pytest.mark.parametrize(
    ("first", "then", "name"),
    [
        ({"first_name": "Ada", "last_name": "Winter"}, {"first_name": "Ada"}, "Ada Winter"),
        ({"first_name": "Ada", "last_name": "Winter"}, {"first_name": "Ida"}, "Ida Winter"),
        ({"last_name": "Winter"}, {"first_name": "Ada"}, "Ada Winter"),
        ({"name": "Dr. Ada Winter"}, {"first_name": "Ada", "last_name": "Winter"}, "Dr. Ada Winter"),
        ({"first_name": "Ada"}, {"first_name": "Ada", "name": "Ada W."}, "Ada W."),
    ],
)
def test_whole_name_is_made_of_what_is_known_after_a_change(crm, first, then, name):
    crm.put("/leads/ada@acme.test", 201, **first)
    assert crm.put("/leads/ada@acme.test", **then)["name"] == name
    assert crm.put("/leads/ada@acme.test", company="Acme")["name"] == name


def test_pages_of_leads_hold_each_lead_once(crm):
    for number in range(7):
        crm.put(f"/leads/p{number}@acme.test", 201, tags=["eu"])
    found, cursor = [], ""
    while True:
        page = crm.get("/leads", filter="tag:eu", limit=3, cursor=cursor)
        found += [lead["email"] for lead in page["leads"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert found == [f"p{number}@acme.test" for number in range(7)]


def test_enrolling_names_exactly_whom_and_counts_who_is_left_out(crm):
    emails = [f"p{number}@acme.test" for number in range(30)]
    for email in emails:
        crm.put(f"/leads/{email}", 201, stage="demo")
    shown = crm.post("/enrol", sequence="Spring", filter="stage:demo", preview=True)
    assert (shown["enrolled"], shown["left_out"]) == (30, {})
    crm.post("/enrol", 422, sequence="Spring", leads=emails, filter="stage:demo")
    done = crm.post("/enrol", sequence="spring", leads=[*emails, "lea@x.test"])
    assert (done["enrolled"], done["left_out"]) == (30, {"there": 1})
    assert crm.get("/sequences/Spring")["enrollments"] == {"pending": 32}
    again = crm.post("/enrol", sequence="Spring", leads=emails)
    assert (again["enrolled"], again["batch"], again["left_out"]) == (0, None, {"there": 30})
    assert again["done"] == "All are in Spring already; nothing was changed."
    assert [one["email"] for one in again["left_out_leads"]] == sorted(emails)
    once_more = crm.post("/enrol", sequence="Spring", leads=emails, again=True)
    assert (once_more["enrolled"], once_more["left_out"]) == (0, {"there": 30})
    crm.post("/enrol", 404, sequence="Spring", leads=["noone@acme.test"])
    crm.post("/leads/p1@acme.test/stop")
    crm.post("/enrol", 409, sequence="Spring", leads=["p1@acme.test"])
    assert crm.post("/enrol", sequence="Spring", leads=["p1@acme.test"], again=True)["enrolled"] == 1
    assert crm.site.world.enrollment("p1@acme.test").run == 2


def test_enrolling_tells_of_each_address_that_is_left_out(crm):
    world = crm.site.world
    crm.put("/leads/new@acme.test", 201)
    crm.put("/leads/gone@acme.test", 201)
    world.say("enrol gone@acme.test in Spring")
    world.say("stop gone@acme.test")
    asked = [
        "new@acme.test",
        "Nils@acme.test",
        "no address",
        "gone@acme.test",
        "lea@x.test",
        "NEW@acme.test",
        "nobody@acme.test",
    ]
    told = [
        ("lea@x.test", "there", "lea@x.test is in Spring already (pending); nothing was changed."),
        ("gone@acme.test", "before", "gone@acme.test has been in Spring before (stopped). Use `start` for a new run."),
        ("no address", "unknown", "“no address” has blanks or hidden characters inside; type the address anew."),
        ("Nils@acme.test", "unknown", "There is no lead nils@acme.test."),
        ("nobody@acme.test", "unknown", "There is no lead nobody@acme.test."),
    ]  # fmt: skip
    for preview in (True, False):
        said = crm.post("/enrol", sequence="Spring", leads=asked, preview=preview)
        assert said["enrolled"] == 1
        assert said["left_out"] == {"there": 1, "before": 1, "unknown": 3}
        assert [tuple(one.values()) for one in said["left_out_leads"]] == told
    again = crm.post("/enrol", sequence="Spring", leads=asked, again=True)
    assert (again["enrolled"], again["left_out"]) == (1, {"there": 2, "unknown": 3})
    crm.post("/enrol", 404, sequence="Spring", leads=["no address", "nils@acme.test"])
    crm.post("/enrol", 409, sequence="Spring", leads=["lea@x.test", "nils@acme.test"])


def test_enrolling_reports_whom_a_colleague_works_and_asks_nobody(crm):
    world = crm.site.world
    for email, owner in (("eve@acme.test", BEN.id), ("dan@dan.test", None), ("fay@acme.test", None)):
        crm.put(f"/leads/{email}", 201, **({"owner": owner} if owner else {}))
    world.add(PLAIN.replace("Spring", "Autumn"))
    bens = {"email": "eve@acme.test", "owner": BEN.id, "sequence": None, "why": "is Ben's lead"}
    asked = {"sequence": "Spring", "leads": ["eve@acme.test", "dan@dan.test"]}
    assert crm.post("/enrol", **asked, preview=True)["collisions"] == [bens]
    done = crm.post("/enrol", **asked)
    assert (done["enrolled"], done["collisions"]) == (2, [bens])
    assert world.status("eve@acme.test") == "pending"
    with world.read() as session:
        assert session.exec(select(Collision)).all() == []

    world.say("start dan@dan.test in Autumn", BEN)
    world.say("stop dan@dan.test in Spring", BEN)
    emails = ["fay@acme.test", "dan@dan.test"]
    done = crm.post("/enrol", sequence="Spring", leads=emails, again=True)
    assert {one["email"]: (one["owner"], one["sequence"], one["why"]) for one in done["collisions"]} == {
        "dan@dan.test": (BEN.id, "Autumn", "was put into Autumn by Ben"),
        "fay@acme.test": (BEN.id, None, "is of the same company as eve@acme.test, Ben's lead"),
    }


def test_idempotency_key_acts_once_and_gives_the_first_answer_again(crm):
    crm.site.world.tick()
    first = crm.post("/leads/lea@x.test/pause", key="k1", reason="one")
    again = crm.post("/leads/lea@x.test/pause", key="k1", reason="one")
    assert first == again
    assert len(crm.site.world.journal("pause")) == 1
    crm.post("/leads/lea@x.test/pause", 422, key="k1", reason="two")
    Client(crm.site, name="other").post("/leads/max@x.test/pause", key="k1")
    crm.post("/leads/lea@x.test/stop", 422, key="x" * 201)
    # a refused call changed nothing, so its key is free
    crm.site.world.say("stop max@x.test")
    crm.post("/leads/max@x.test/resume", 409, key="k2")
    crm.post("/enrol", key="k2", sequence="Spring", leads=["max@x.test"], again=True)


def test_idempotency_key_of_a_call_without_an_answer_is_not_repeated(crm):
    crm.post("/leads/lea@x.test/stop", key="cut")
    crm.site.world.change(ApiCall, status=None, answer=None)
    assert "no answer yet" in crm.post("/leads/lea@x.test/stop", 409, key="cut")["refused"]


def test_the_same_key_at_the_same_moment_acts_once(crm):
    crm.site.world.tick()
    statuses = []

    def call():
        with httpx.Client(base_url=crm.site.url, timeout=20) as http:
            headers = {"authorization": f"Bearer {crm.token}", "idempotency-key": "both"}
            statuses.append(http.post("/api/leads/lea@x.test/pause", headers=headers, json={}).status_code)

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert len(crm.site.world.journal("pause")) == 1


def test_sequence_and_all_sending_are_stopped_by_act_and_let_go_by_admin(both):
    crm = Client(both, "act", "read")
    assert "paused" in crm.post("/sequences/Spring/pause")["done"].lower()
    assert both.world.tick() == []
    crm.post("/sequences/Spring/resume")
    crm.post("/halt", reason="wrong prices")
    assert both.world.tick() == []
    crm.post("/halt", 409)
    crm.post("/unhalt", 403)
    Client(both, "admin", name="boss").post("/unhalt")
    assert len(both.world.tick()) == 2


def test_events_and_deliveries_are_read_after_a_cursor(crm):
    crm.site.world.tick()
    first = crm.get("/events", limit=2)
    assert len(first["events"]) == 2
    assert all(line["at"].endswith("Z") for line in first["events"])
    rest = crm.get("/events", after=first["next"], limit=500)
    ids = [line["id"] for line in (*first["events"], *rest["events"])]
    assert ids == sorted(set(ids))
    assert {"start", "send"} <= {line["verb"] for line in rest["events"]}
    assert crm.get("/events", after=rest["next"]) == {"events": [], "next": rest["next"]}
    found = crm.get("/deliveries")["deliveries"]
    assert [(one["lead"], one["state"], one["step"]) for one in found] == [
        ("lea@x.test", "sent", "intro"), ("max@x.test", "sent", "intro"),
    ]  # fmt: skip


def test_openapi_is_public_and_shows_no_ui(both):
    api = both.http.get("/api/openapi.json").json()
    assert api["paths"].keys() >= {"/leads/{email}/pause", "/enrol", "/events"}
    assert both.http.get("/api/docs").status_code == both.http.get("/openapi.json").status_code == 404


def test_answers_kept_for_a_key_forget_an_erased_person(crm):
    crm.post("/leads/lea@x.test/stop", key="k")
    with crm.site.world.db.write() as session:
        erasing.erase(session, crm.site.world.lead_id("lea@x.test"), actor=ANA, now=crm.site.world.now)
    assert crm.post("/leads/lea@x.test/stop", key="k") == {}
    with crm.site.world.read() as session:
        assert session.exec(select(ApiCall)).one().answer is None
    crm.get("/leads/lea@x.test", 404)
    assert [lead["email"] for lead in crm.get("/leads")["leads"]] == ["max@x.test"]
