"""What a team does with its sequences without leaving Slack: build, try, enrol, look ahead, qualify, connect, erase."""

from __future__ import annotations

import httpx
import pytest

from tests.stories.stage import Direct

ADA, BEA, CAT = "ada@x.test", "bea@x.test", "cat@y.test"
AUTUMN = """
sequence: Autumn
zone: Europe/Berlin
steps:
  - id: leaves
    subject: "{{ first_name }}, the leaves fall"
    body: "Shall we? Reply STOP to opt out."
"""


@pytest.fixture
def dm(world, ana):
    return Direct(world, ana)


def fields(ana, **typed):
    """Fill in what is named by its label in the form, e.g. `Text=…`, and submit."""
    return ana._answer_to(lambda: ana._at.submit(typed))


def test_a_sequence_is_built_in_a_form_published_and_sends(world, ana, clock, mail_to):
    ana._at.type("#outbound", "/sequence new Autumn")
    world.made.workspace.wait_for(lambda: ana._at.modal, 8)
    said = fields(
        ana,
        Name="Autumn",
        Subject="{{ first_name }}, the leaves fall",
        Text="Shall we? Reply STOP to opt out.",
    )
    assert "Autumn is saved as a draft with 1 step." in said
    assert "Autumn is published" in ana.clicks("Publish", on="Autumn is saved as a draft")
    world.enrols(ADA, into="Autumn")
    clock.advance(hours=1)
    assert mail_to(ADA) == ["Ada, the leaves fall"]


def test_a_test_of_a_step_comes_to_oneself_and_no_lead_gets_it(world, ana, dm, clock, mail_to):
    world.enrols(ADA)
    ana.types(f"/sequence preview sequence Spring for {ADA}")
    ana.opens("Send me a test…")
    assert "is on its way to ana@northwind.example" in fields(
        ana, **{"To which address": "ana@northwind.example"}
    )
    clock.settle()
    dm.sees("has left for ana@northwind.example")
    assert [m["subject"] for m in world.made.mail.messages() if "[Test]" in m["subject"]] == [
        "[Test] Ada, a question"
    ]


def test_the_next_two_weeks_are_looked_at_beforehand(world, ana, dm, clock):
    world.enrols(ADA, BEA, CAT)
    said = ana.types("/sequence forecast")
    assert "The next 14 days: 9 mails." in said
    assert "Wed 9 0 200 0" in said
    clock.settle()
    dm.sees("The next 14 days")


def test_leads_of_a_condition_are_enrolled_after_a_look_at_who_is_left_out(world, ana, clock, mail_to):
    world.publishes(AUTUMN)
    world.enrols(ADA, stage="demo")
    world.enrols(BEA, CAT, into="Autumn", stage="demo")
    assert "Enrolled ada@x.test in Autumn." in ana.types("/sequence enrol stage:demo -in:Autumn in Autumn")
    assert "Nobody would be enrolled in Spring" in ana.types(f"/sequence enrol {ADA} in Spring")
    ana.types("/sequence enrol stage:demo in Spring")
    clock.advance(hours=1)
    assert [mail_to(lead)[0] for lead in (ADA, BEA)] == ["Ada, a question", "Bea, the leaves fall"]


def test_leads_of_a_file_are_enrolled_in_a_form(world, ana, clock, mail_to):
    ana._at.type("#outbound", "/sequence enrol in Spring")
    look = world.made.workspace.wait_for
    look(lambda: ana._at.modal, 8)
    file = ana._at.upload("leads.csv", b"email,first name\nann@new.example,Ann\nnobody,\n")
    ana._at.submit({"From a CSV file": [file]})
    look(lambda: (v := ana._at.modal) and "1 lead will be enrolled in Spring" in v.all_text(), 8)
    said = fields(ana)
    assert "Enrolled 1 lead of the file in Spring." in said
    assert "Line 3: “nobody” is no e-mail address" in said
    clock.advance(hours=1)
    assert mail_to("ann@new.example") == ["Ann, a question"]


def test_a_qualified_company_is_asked_about_and_stops(world, ana, clock, mail_to):
    world.enrols(ADA, BEA, CAT)
    assert "Mark 2 leads as qualified and stop 2 enrollments?" in ana.types("/sequence qualify @x.test")
    ana.clicks("Mark 2 leads as qualified and stop 2 enrollments")
    assert [world.status(lead) for lead in (ADA, BEA, CAT)] == ["stopped", "stopped", "pending"]
    assert "as not qualified" in ana.types(f"/sequence unqualify {CAT}")
    assert world.status(CAT) == "stopped"
    clock.advance(days=10)
    assert [mail_to(lead) for lead in (ADA, BEA, CAT)] == [[], [], []]


def test_mailboxes_say_what_they_send_and_how_they_warm_up(world, ana):
    said = ana.types("/sequence mailboxes")
    assert "ana@northwind.example" in said
    assert "of 200 today" in said


def test_another_system_gets_a_token_enrols_pauses_and_is_shut_out(world, ana, dm, clock, mail_to):
    ana.types("/sequence token add crm read act enrol", channel=dm.id)
    token = next(word for word in dm.sees("The token crm may").split() if word.startswith("fmt_"))
    with httpx.Client(
        base_url=f"{world.made.settings.base_url}/api", headers={"Authorization": f"Bearer {token}"}
    ) as crm:
        made = crm.put(f"/leads/{ADA}", json={"first_name": "Ada"})
        assert made.status_code == 201
        enrol = {"json": {"sequence": "Spring", "leads": [ADA]}, "headers": {"Idempotency-Key": "one"}}
        first, again = crm.post("/enrol", **enrol), crm.post("/enrol", **enrol)
        assert first.status_code == 200
        assert first.json() == again.json()
        clock.advance(hours=1)
        assert crm.post(f"/leads/{ADA}/pause", json={"until": "2 weeks"}).status_code == 200
        clock.advance(days=7)
        assert mail_to(ADA) == ["Ada, a question"]
        assert "paused" in ana.types(f"/sequence why {ADA}").lower()
        ana.types("/sequence token revoke crm", channel=dm.id)
        assert crm.get(f"/leads/{ADA}").status_code == 401


def test_whoever_watches_it_sees_what_left(world, clock):
    world.enrols(ADA)
    clock.advance(hours=1)
    with httpx.Client(base_url=world.made.settings.base_url) as watcher:
        assert watcher.get("/healthz").text == "alive\n"
        assert watcher.get("/readyz").json() == {"ready": True, "because": []}
        assert 'fermata_handed_total{mailbox="ana@northwind.example"} 1\n' in watcher.get("/metrics").text


def test_somebody_who_asks_is_forgotten_but_never_mailed_again(world, ana, clock, mail_to):
    world.enrols(ADA)
    clock.advance(hours=1)
    assert "Nobody can undo it." in ana.types(f"/sequence erase {ADA}")
    assert "erased" in ana.clicks("Erase ada@x.test for good")
    clock.advance(days=10)
    assert mail_to(ADA) == ["Ada, a question"]
    assert ADA not in ana.types("/sequence list")
