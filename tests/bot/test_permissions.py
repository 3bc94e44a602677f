"""Who may give which command, and to whose leads: every command of the grammar × every role × one's own or another's lead."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

import pytest
from sqlmodel import select

from bot.members import NOT_A_MEMBER, NOT_AN_ADMIN, NOT_AN_OPERATOR, ONLY_LOOKS, SLACK_IS_SILENT, Bot, Members
from bot.rights import Need, of_command
from core import commands, owners
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import parse
from core.models import Absence, Journal, Lead, LeadTag
from core.people import Actor
from sandbox.slack.state import User
from tests.bot.samples import NOW
from tests.world import PLAIN, make

ADMIN, OPERATOR, VIEWER, MEMBER = "U0MIRA", "U0BEN", "U0VIC", "U0ANA"
MINE, THEIRS = "mine@acme.test", "theirs@beta.test"  # of whoever acts, of Ben's colleague Cleo


@dataclass(frozen=True)
class Row:
    """A command, what it needs, and whether a lead of a colleague's is refused where only owners may act."""

    text: str
    need: Need
    is_for_owners: bool = False


S, A, R, X = Need.STOPS_MAIL, Need.ACTS, Need.READS, Need.IS_FOR_ADMINS
ROWS: dict[type, tuple[Row, ...]] = {
    orders.Pause: (Row("pause {lead}", S), Row("pause everyone", X)),
    orders.Resume: (Row("resume {lead}", A, True), Row("resume everyone", X)),
    orders.Stop: (Row("stop {lead}", S), Row("stop everyone", X)),
    orders.Skip: (Row("skip {lead} in Autumn", S),),
    orders.Unskip: (Row("unskip {lead} in Winter", A, True),),
    orders.Start: (Row("start {lead} in Summer", A),),  # a colleague is asked, whatever the setting
    orders.Restart: (Row("restart {lead} in Spring", A, True),),
    orders.Enrol: (Row("enrol", A),),
    orders.Show: (Row("why {lead}", R), Row("status everyone", R)),
    orders.Paused: (Row("paused", R),),
    orders.List: (Row("list", R),),
    orders.Sequences: (Row("sequences", R),),
    orders.Log: (Row("log", R),),
    orders.Stats: (Row("stats", R),),
    orders.Forecast: (Row("forecast", R),),
    orders.SequenceVerb: (
        Row("pause sequence Spring", S),
        Row("resume sequence Spring", A),
        Row("archive sequence Spring", X),
        Row("publish sequence Spring", X),
        Row("edit sequence Spring", X),
        Row("preview sequence Spring", R),
    ),
    orders.Edit: (Row("edit {lead}", A),),  # opens a form; what it saves is tested below
    orders.Halt: (Row("halt", S),),
    orders.Unhalt: (Row("unhalt", X),),
    orders.StepVerb: (
        Row("cancel step {lead} in Spring", A, True),
        Row("resend step {lead} in Autumn", A, True),
    ),
    orders.Owner: (Row("owner {lead} nobody", A, True), Row("owner everyone me", X)),
    orders.Remind: (Row("remind {lead} on June 15", R),),
    orders.Reminders: (Row("reminders", R),),
    orders.Qualify: (Row("qualify {lead}", A),),  # it only stops
    orders.Tag: (Row("tag {lead} hot", A, True), Row("untag {lead} cold", A, True)),
    orders.Note: (Row("note {lead} wants 40 seats", A, True),),
    orders.Goals: (Row("goals", R),),
    orders.GoalVerb: (Row("goal off Demo booked", X), Row("goal on Demo booked", X)),
    orders.New: (Row("new", X), Row("new sequence Summer", X)),
    orders.Tasks: (Row("tasks", R),),
    orders.Erase: (Row("erase {lead}", X),),
    orders.Away: (Row("away until Friday", S),),
    orders.Back: (Row("back", A),),
    orders.Digest: (Row("digest at 9:15", R), Row("digest off for #C0SALES", A)),
    orders.Mailboxes: (Row("mailboxes", R),),
    orders.Settle: (Row("settle 4711 again", A),),
    orders.Press: (
        Row("card reminder 1 done", R),
        Row("card review 1 unsubscribe", S),
        Row("card review 1 reply", A),
        Row("card guard 1 release", X),
        Row("card paused 1 stop seen 1", S),
        Row("card paused 1 resume seen 1", A),
    ),
    orders.Token: (Row("token add crm read", X), Row("token", X)),
    orders.Hooks: (Row("hooks", X),),
    orders.Undo: (Row("undo", A),),
    orders.Help: (Row("help", R),),
}
EVERY = [row for rows in ROWS.values() for row in rows]


def test_every_command_has_its_row():
    assert set(ROWS) == set(get_args(orders.Command)), (
        "say who may give the new command, here and in bot/rights.py"
    )
    for kind, rows in ROWS.items():
        assert {type(parse(row.text.format(lead=MINE))) for row in rows} == {kind}


@pytest.fixture
def members(sqlite_url, client, slack):
    """Mira is an admin, Ben an operator, Vic only looks, Ana is nobody in particular; a guest, a stranger and a bot."""
    world = make(sqlite_url, PLAIN, now=NOW)
    for user in (
        User(VIEWER, "vic", "Vic Moss"),
        User("U0GUEST", "gus", "Gus", is_restricted=True),
        User("U0FAR", "far", "Far Away", team_id="T0OTHER"),
        User("U0BOT", "robot", "Robot", is_bot=True),
    ):
        slack.add_user(user)
    slack.state.usergroups["S0ADMINS"] = [ADMIN]

    def made(**settings):
        return Members(world.db, client, **settings)

    return world, made


def may(known: Members, user: str, need: Need) -> str:
    try:
        known.admit(user, need, now=NOW)
    except Bot:
        return "bot"
    except Refused as refused:
        return str(refused)
    return ""


def test_the_matrix_of_roles(members):
    _, made = members
    known = made(admins=["S0ADMINS"], operators=[OPERATOR], viewers=[VIEWER])
    everybody = (ADMIN, OPERATOR, VIEWER, MEMBER, "U0GUEST", "U0FAR", "U0BOT")
    needs = {row.text: of_command(row.text.format(lead=MINE)) for row in EVERY}
    assert needs == {row.text: row.need for row in EVERY}

    for text, need in needs.items():
        assert {user: may(known, user, need) for user in everybody} == {
            ADMIN: "",
            OPERATOR: f"{NOT_AN_ADMIN} Ask Mira Lind." if need is X else "",
            VIEWER: "" if need is R else f"{ONLY_LOOKS} Ask Ben and Mira Lind.",
            MEMBER: f"{NOT_AN_OPERATOR} Ask Mira Lind.",
            "U0GUEST": NOT_A_MEMBER,
            "U0FAR": NOT_A_MEMBER,
            "U0BOT": "bot",
        }, text


def test_without_operators_every_full_member_acts_but_viewers_look(members):
    _, made = members
    known = made(viewers=[VIEWER])

    for row in EVERY:
        assert may(known, MEMBER, row.need) == "", row.text
        assert bool(may(known, VIEWER, row.need)) is (row.need is not R), row.text


class TestViewers:
    def test_whoever_is_named_twice_may_act(self, members):
        _, made = members
        assert may(made(viewers=[MEMBER], operators=[MEMBER]), MEMBER, A) == ""

    def test_a_group_nobody_can_look_into_keeps_nobody_from_stopping(self, members, slack):
        _, made = members
        known = made(viewers=["S0LOOK"])
        slack.fail_next("usergroups.users.list", times=99)

        assert (may(known, MEMBER, R), may(known, MEMBER, S)) == ("", "")
        assert may(known, MEMBER, A) == SLACK_IS_SILENT

    def test_a_refusal_is_in_the_journal(self, members):
        world, made = members
        may(made(viewers=[VIEWER]), VIEWER, S)

        with world.db.read() as session:
            [line] = session.exec(select(Journal).where(Journal.verb == "refused")).all()
        assert (line.actor, line.reason) == (VIEWER, f"{ONLY_LOOKS} Ask whoever runs it.")


@pytest.fixture
def owned(members):
    """One lead is whoever's, one Cleo's, both the same: paused in Spring, unstarted in Autumn, skipped in Winter."""
    world, made = members
    for name in ("Autumn", "Winter", "Summer"):
        world.add(PLAIN.replace("sequence: Spring", f"sequence: {name}"))
    furnish(world, [MINE], [THEIRS])
    known = made(admins=[ADMIN], who_may_act="owner")

    def say(user: str, text: str):
        return commands.run(world.desk, text, actor=known.admit(user, R, now=NOW), now=NOW)

    return world, say


def furnish(world, mine: list[str], theirs: list[str]) -> None:
    world.enrol(*mine, owner=OPERATOR)
    world.enrol(*theirs, owner="U0CLEO")
    world.tick()
    for name in ("Autumn", "Winter"):
        world.enrol(*mine, *theirs, sequence=name)
    cli = Actor("cli:setup", "setup")
    for email in (*mine, *theirs):
        world.say(f"pause {email} in Spring", cli)
        world.say(f"skip {email} in Winter", cli)
        world.say(f"tag {email} cold", cli)


def is_kept_off(answer) -> bool:
    return any("belongs to" in line or "belong to" in line for line in (answer.title, *answer.lines))


def test_the_matrix_of_owners(owned):
    world, say = owned
    rows = {number: row for number, row in enumerate(EVERY) if "{lead}" in row.text}
    furnish(world, [f"mine@acme{n}.test" for n in rows], [f"theirs@beta{n}.test" for n in rows])

    for number, row in rows.items():
        mine, theirs = (row.text.format(lead=f"{who}{number}.test") for who in ("mine@acme", "theirs@beta"))
        assert not is_kept_off(say(OPERATOR, mine)), row.text
        assert is_kept_off(say(OPERATOR, theirs)) is row.is_for_owners, row.text
        assert not is_kept_off(say(ADMIN, theirs)), row.text


class TestWhereOnlyOwnersMayAct:
    @pytest.mark.row(15)
    def test_a_refusal_names_whom_to_ask_changes_nothing_and_is_in_the_journal(self, owned):
        world, say = owned

        answer = say(OPERATOR, f"resume {THEIRS} in Spring")

        assert (answer.is_refusal, answer.title) == (
            True,
            f"{THEIRS} belongs to U0CLEO; ask U0CLEO, or an admin.",
        )
        assert world.status(THEIRS) == "paused"
        [line] = world.journal("refused")
        assert (line.actor, line.reason) == (OPERATOR, answer.title)

    def test_a_group_acts_on_ones_own_and_names_the_others(self, owned):
        world, say = owned
        world.say(f"tag {MINE} {THEIRS} team")

        answer = say(OPERATOR, f"resume {MINE} {THEIRS} in Spring")

        assert answer.title == f"Resumed {MINE} in Spring."
        assert f"{THEIRS} belongs to U0CLEO; ask U0CLEO, or an admin." in answer.lines
        assert (world.status(MINE), world.status(THEIRS)) == ("pending", "paused")

    def test_several_owners_are_counted(self, owned):
        world, say = owned
        world.enrol("b@beta.test", "c@beta.test", owner="U0BEA")
        world.enrol("d@beta.test", owner="U0CLEO")

        answer = say(OPERATOR, f"tag {THEIRS} b@beta.test c@beta.test d@beta.test hot")

        assert answer.title == (
            "4 leads belong to U0BEA (2) and U0CLEO (2); ask U0BEA or U0CLEO, or an admin. Nothing was changed."
        )
        with world.db.read() as session:
            assert session.exec(select(LeadTag).where(LeadTag.tag == "hot")).all() == []

    def test_very_many_at_once_leave_a_colleagues_alone(self, owned):
        world, say = owned
        many = [f"l{number}@many.test" for number in range(520)]
        world.enrol(*many[:510], owner=OPERATOR)
        world.enrol(*many[510:], owner="U0CLEO")
        proposal = world.say("pause @many.test", Actor("cli:setup", "setup")).choices[0].proposal
        commands.confirm(world.desk, proposal, actor=Actor("cli:setup", "setup"), now=NOW)
        asked = say(OPERATOR, "resume @many.test")

        bound = Actor(OPERATOR, "Ben", is_bound=True)
        answer = commands.confirm(world.desk, asked.choices[0].proposal, actor=bound, now=NOW)

        assert answer.title.startswith("Resumed 510 leads")
        assert "10 leads belong to U0CLEO; ask U0CLEO, or an admin." in answer.lines
        assert [world.status(email) for email in (many[0], many[519])] == ["pending", "paused"]

    def test_whoever_covers_acts_for_the_absent_owner_and_is_named_to_others(self, owned):
        world, say = owned
        with world.db.write() as session:
            session.add(Absence(person="U0CLEO", cover=OPERATOR, until=NOW.replace(year=2028), created_at=NOW,
                                created_by="U0CLEO"))  # fmt: skip

        refused = say(MEMBER, f"resume {THEIRS} in Spring")
        assert refused.title == f"{THEIRS} belongs to U0CLEO; ask Ben, who covers for U0CLEO, or an admin."
        assert not say(OPERATOR, f"resume {THEIRS} in Spring").is_refusal

    def test_a_lead_that_is_nobodys_is_everybodys(self, owned):
        world, say = owned
        with world.db.write() as session:
            owners.give(session, [world.lead_id(THEIRS)], None, actor=Actor("cli:x", "x"), now=NOW)

        assert not say(OPERATOR, f"resume {THEIRS} in Spring").is_refusal

    def test_a_button_asks_the_same(self, owned):
        world, _ = owned
        bound = Actor(OPERATOR, "Ben", is_bound=True)

        assert is_kept_off(world.click("resume", THEIRS, actor=bound))
        assert not is_kept_off(world.click("stop", THEIRS, actor=bound))

    def test_ones_own_act_may_be_taken_back_but_not_anothers(self, owned):
        world, say = owned
        stopped = say(OPERATOR, f"stop {THEIRS} in Spring")
        others = say(ADMIN, f"pause {THEIRS} in Autumn everywhere")
        bound = Actor(OPERATOR, "Ben", is_bound=True)

        assert not commands.undo(world.desk, stopped.batch_id, actor=bound, now=NOW).is_refusal
        assert world.status(THEIRS) == "paused"
        if others.batch_id:
            assert is_kept_off(commands.undo(world.desk, others.batch_id, actor=bound, now=NOW))

    def test_a_form_about_a_lead_saves_nothing_of_a_colleagues(self, owned):
        world, _ = owned
        bound = Actor(OPERATOR, "Ben", is_bound=True)

        said = commands.edit_lead(
            world.desk, world.lead_id(THEIRS), {"company": "Mine"}, {}, actor=bound, now=NOW
        )

        assert is_kept_off(said)
        with world.db.read() as session, suppress(AttributeError):
            assert session.exec(select(Lead.company).where(Lead.email == THEIRS)).one() == ""
