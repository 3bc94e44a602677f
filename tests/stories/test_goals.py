"""Campaign goals: sequences start and stop by themselves as leads move along the path, and tags say where they are."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import httpx
import pytest

from core import goal_file, lead_file, leads
from core.goals import library
from fermata.tryout import HOOKS_SECRET
from tests.stories.conftest import SPRING
from tests.stories.stage import SETTLING

ADA, BEA = "ada@x.test", "bea@x.test"
TRIAL = SPRING.replace("sequence: Spring", "sequence: Trial").replace("in-spring", "in-trial")
CUSTOMER = "goal: Customer\nwhen: {tag: customer}\nstart: Trial\nstop: others\n"


@pytest.fixture
def url(database_url: str) -> str:
    """Both databases."""
    return database_url


def aims(world, text: str) -> None:
    with world.made.desk.db.write() as session:
        library.save(session, goal_file.load(text), actor=SETTLING, now=world.made.clock.now())


def posts(world, *, signed: bool = True, **event: object) -> httpx.Response:
    body = json.dumps(event).encode()
    stamp = str(int(time.time()))
    secret = HOOKS_SECRET if signed else "somebody-else's-secret"
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return httpx.post(
        f"{world.made.settings.base_url}/hooks/event",
        content=body,
        headers={"fermata-signature": f"t={stamp},v1={mark}"},
        timeout=20,
    )


def test_the_tag_goes_when_the_next_sequence_of_the_path_starts(world, ana, team, clock):
    world.publishes(
        SPRING.replace("sequence: Spring", "sequence: One\npath: Sales").replace("in-spring", "in-one")
    )
    world.publishes(
        SPRING.replace("sequence: Spring", "sequence: Two\npath: Sales").replace("in-spring", "in-two")
    )
    world.enrols(ADA, into="One")
    assert ADA in ana.types("/sequence status tag:in-one")
    ana.types(f"/sequence start {ADA} in Two")
    assert "There is no lead tagged “in-one”" in ana.types("/sequence status tag:in-one")
    assert ADA in ana.types("/sequence status tag:in-two")
    assert "took off the tag “in-one” at the start of Two" in ana.types(f"/sequence history {ADA}")


def test_a_form_starts_a_stopped_lead_again_from_the_first_step(world, ana, team, clock, mail_to):
    aims(world, "goal: Asked\nwhen: {form: Contact}\nstart: Spring\n")
    world.enrols(ADA)
    clock.advance(hours=1)
    ana.types(f"/sequence stop {ADA} because asked on the phone")

    form = {"id": "form-1", "type": "form", "name": "Contact", "email": ADA}
    assert posts(world, signed=False, **form).status_code == 401
    assert world.status(ADA) == "stopped"
    assert posts(world, **form).json() == {"result": "done"}
    assert posts(world, **form).json() == {"result": "seen before"}

    assert world.enrollment(ADA).run == 2
    clock.advance(hours=1)
    assert mail_to(ADA) == ["Ada, a question", "Ada, a question"]
    assert "The goal Asked started it in Spring" in ana.types(f"/sequence history {ADA}")


def test_a_lead_who_is_in_it_goes_on_where_they_are(world, ana, clock, mail_to):
    aims(world, "goal: Asked\nwhen: {form: Contact}\nstart: Spring\n")
    world.enrols(ADA)
    clock.advance(hours=1)
    posts(world, id="form-1", type="form", name="Contact", email=ADA)
    clock.advance(days=2, hours=1)
    assert mail_to(ADA) == ["Ada, a question", "Ada, did it reach you?"]


def test_a_note_a_tag_and_a_stage_each_lead_on(world, ana, clock):
    world.publishes(TRIAL)
    for name, when in (
        ("Noted", "{note: wants a trial}"),
        ("Tagged", "{tag: hot}"),
        ("Staged", "{stage: qualified}"),
    ):
        aims(world, f"goal: {name}\nwhen: {when}\nstart: Trial\nstop: [Spring]\n")
    people = {
        "a@x.test": "note a@x.test he wants a trial",
        "b@x.test": "tag b@x.test hot",
        "c@x.test": "qualify c@x.test",
    }
    world.enrols(*people)
    for said in people.values():
        ana.types(f"/sequence {said}")
    assert {world.status(email) for email in people} == {"stopped"}
    assert {world.status(email, "Trial") for email in people} == {"pending"}


def test_the_answer_says_what_the_goal_did_and_undoes_it(world, ana, team):
    world.publishes(TRIAL)
    aims(world, CUSTOMER)
    world.enrols(ADA)
    said = ana.types(f"/sequence tag {ADA} customer")
    assert "The goal Customer was met: stopped in Spring; started in Trial." in said
    assert "The goal Customer stopped it in Spring" in ana.types(f"/sequence history {ADA}")
    ana.clicks("Undo the goal")
    assert (world.status(ADA), world.status(ADA, "Trial")) == ("pending", "stopped")


def test_a_met_goal_that_cannot_start_stops_all_the_same_and_says_so(world, ana, team):
    world.publishes(TRIAL)
    aims(world, CUSTOMER)
    world.enrols(ADA)
    ana.types("/sequence pause sequence Trial")
    ana.types(f"/sequence tag {ADA} customer")
    assert world.status(ADA) == "stopped"
    assert "Trial is paused" in team.sees("met the goal Customer, but was not started in Trial")
    ana.types("/sequence resume sequence Trial")
    ana.clicks("Start now", on="met the goal Customer")
    assert world.status(ADA, "Trial") == "pending"
    assert "It is in Trial now." in team.sees("met the goal Customer", "It is in Trial now.")


def test_every_new_lead_of_a_stage_is_enrolled_when_it_is_created(world, ana, clock, mail_to):
    aims(world, 'goal: New\nwhen: {new_lead: "stage:new"}\nstart: Spring\n')
    rows = list(lead_file.read(f"email,first_name,stage\n{ADA},Ada,new\n{BEA},Bea,lost\n".encode()))
    for _ in range(2):
        leads.import_batch(world.made.desk.db, rows, into=None, actor=SETTLING, now=world.made.clock.now())
    clock.advance(hours=1)
    assert (mail_to(ADA), mail_to(BEA)) == (["Ada, a question"], [])


def test_goals_are_turned_off_from_their_list(world, ana):
    world.publishes(TRIAL)
    aims(world, CUSTOMER)
    world.enrols(ADA)
    assert "A tag “customer” starts Trial and stops every other sequence." in ana.types("/sequence goals")
    ana.clicks("Turn off")
    ana.types(f"/sequence tag {ADA} customer")
    assert world.status(ADA) == "pending"
