"""Who may do what, typed in Slack: every command of the grammar by everybody it is not for; none of them changes a thing.

What each command needs, and that a new one says it, is the table of tests/bot/test_permissions.py; here it meets the bot.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from slack_sdk import WebClient
from sqlmodel import update

from bot.members import NOT_A_MEMBER, NOT_AN_ADMIN, NOT_AN_OPERATOR, ONLY_LOOKS
from bot.rights import Need
from core.db import Database
from core.models import Lead
from sandbox.slack.state import User
from tests.bad_inputs.rows import assert_refusal, typed, untouched
from tests.bot.test_permissions import EVERY, Row
from tests.bot.world import World, connected, furnish

ADA = "ada@engines.example"
PEOPLE = {
    "admin": User("U0ADA", "adm", "Adm In"),
    "operator": User("U0OPA", "opa", "Ope Rator"),
    "viewer": User("U0VIC", "vic", "Vic Moss"),
    "member": User("U0MEM", "mem", "Mem Ber"),
    "guest": User("U0MULTI", "multi", "Multi", is_restricted=True),
    "another workspace": User("U0FAR", "far", "Far Away", team_id="T0OTHER"),
    "deactivated": User("U0GONE", "gone", "Gone", deleted=True),
}
ADMINS, OPERATORS = Need.IS_FOR_ADMINS, Need.ACTS
# By role: the refusal, and of which needs.
KEPT_OUT = {
    "operator": (NOT_AN_ADMIN, {ADMINS}),
    "viewer": (ONLY_LOOKS, {Need.STOPS_MAIL, OPERATORS, ADMINS}),
    "member": (NOT_AN_OPERATOR, set(Need)),
    "guest": (NOT_A_MEMBER, set(Need)),
    "another workspace": (NOT_A_MEMBER, set(Need)),
    "deactivated": (NOT_A_MEMBER, set(Need)),
}


@pytest.fixture
def office(sqlite_url, slack, clock, client: WebClient):
    """Ada is a colleague's; one admin, one operator who is bound to their own leads, one who only looks."""
    for user in PEOPLE.values():
        slack.add_user(user)
    with closing(Database(sqlite_url)) as database:
        furnish(database)
        with database.write() as session:
            session.execute(update(Lead).values(owner="U0ANA"))
        rights = {"admins": ["U0ADA"], "operators": ["U0OPA"], "viewers": ["U0VIC"], "who_may_act": "owner"}
        with connected(World(database, slack, clock, client, **rights)) as made:
            yield made


def said(world, role: str, row: Row) -> str:
    """Give what somebody of this role is told who types the command."""
    text = row.text.format(lead=ADA).replace("Autumn", "Spring").replace("Winter", "Spring")
    return typed(world, text, who=world.slack.person(PEOPLE[role].name))


@pytest.mark.row(15, 16, 20)
@pytest.mark.parametrize("role", KEPT_OUT)
def test_whoever_may_not_is_told_so_and_nothing_changes(office, caplog, role):
    sentence, needs = KEPT_OUT[role]
    rows = [row for row in EVERY if row.need in needs]
    assert rows
    with untouched(office.database, caplog):
        for row in rows:
            answer = said(office, role, row)
            assert_refusal(answer)
            assert answer.startswith(f"⚠️ {sentence}"), (row.text, answer)
    refusals = office.journal("refused")
    assert [(line.actor, line.reason.startswith(sentence)) for line in refusals] == [
        (PEOPLE[role].id, True)
    ] * len(rows)


@pytest.mark.row(15)
def test_a_colleagues_lead_is_nobody_elses_to_set_going(office, caplog):
    rows = [row for row in EVERY if row.is_for_owners]
    assert len(rows) >= 8
    with untouched(office.database, caplog):
        for row in rows:
            answer = said(office, "operator", row)
            assert_refusal(answer)
            assert "belongs to" in answer, (row.text, answer)
            assert ", or an admin" in answer
    assert {line.actor for line in office.journal("refused")} == {"U0OPA"}


def test_whoever_may_look_is_not_kept_from_it(office):
    sentences = (ONLY_LOOKS, NOT_AN_OPERATOR, NOT_AN_ADMIN, NOT_A_MEMBER)
    for row in EVERY:
        if row.need is Need.READS and not row.text.startswith(("remind ", "digest ", "enrol")):
            assert not any(sentence in said(office, "viewer", row) for sentence in sentences), row.text


def test_a_bot_is_ignored_whatever_it_types(office, caplog):
    caplog.set_level("INFO", "fermata.bot")
    robot = User("U0ROBOT", "robot", "Robot", is_bot=True)
    office.slack.add_user(robot)
    with untouched(office.database, caplog):
        for number, row in enumerate(EVERY, 1):
            office.slack.person("robot").type("#outbound", f"/sequence {row.text.format(lead=ADA)}")
            office.until(lambda number=number: caplog.text.count("bot_ignored user=U0ROBOT") == number)
    assert office.slack.person("robot").ephemerals() == []
