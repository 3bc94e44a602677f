"""Who may act, asked of an emulated Slack: full members, within what the settings name; when in doubt, stopping only."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from sqlmodel import select

from bot import members as people
from bot.members import Bot, Members
from bot.rights import Need
from core.db import Database
from core.errors import Refused
from core.models import Journal, Lead, Member, Workspace
from core.names import names
from sandbox.slack.state import BOT_USER, User
from tests.bot.samples import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def database(sqlite_url):
    """One kind of database: what differs between them is tested in `test_first_contact_twice_at_once`."""
    with closing(Database(sqlite_url)) as opened:
        yield opened


@pytest.fixture
def admit(database, client):
    def admit(user, need=Need.ACTS, *, now=NOW, known=None, **settings):
        return (known or Members(database, client, **settings)).admit(user, need, now=now)

    return admit


def refusals(database):
    with database.read() as session:
        return [
            (row.actor, row.reason) for row in session.exec(select(Journal).where(Journal.verb == "refused"))
        ]


def test_full_member_acts_in_their_own_zone(admit, database):
    actor = admit("U0ANA")
    assert (actor.id, actor.name, actor.zone) == ("U0ANA", "Ana Ruiz", "Europe/Berlin")
    assert refusals(database) == []


@pytest.mark.parametrize(
    "user",
    [
        User("U1", "multi", "Multi", is_restricted=True),
        User("U1", "gone", "Gone", deleted=True),
        User("U1", "far", "Far Away", team_id="T0OTHER"),
    ],
    ids=["guest", "deactivated", "stranger"],
)
def test_outsider_is_refused_and_journalled(admit, database, slack, user):
    slack.add_user(user)
    for need in Need:
        with pytest.raises(Refused) as refused:
            admit("U1", need)
        assert str(refused.value) == people.NOT_A_MEMBER
    assert refusals(database) == [("U1", people.NOT_A_MEMBER)] * len(Need)


def test_single_channel_guest_is_refused():
    assert people._is_guest({"is_ultra_restricted": True})


def test_unknown_user_is_refused(admit):
    with pytest.raises(Refused, match="full members"):
        admit("U0NOBODY", Need.STOPS_MAIL)


def test_bot_is_ignored(admit, database):
    with pytest.raises(Bot):
        admit(BOT_USER)
    assert refusals(database) == []


def test_member_is_asked_for_once_an_hour(admit, slack, database, client):
    known = Members(database, client)
    for minutes in (0, 20, 59):
        admit("U0ANA", known=known, now=NOW + timedelta(minutes=minutes))
    assert len(slack.calls_of("users.info")) == 1
    admit("U0ANA", known=known, now=NOW + HOUR)
    assert len(slack.calls_of("users.info")) == 2
    assert len(slack.calls_of("auth.test")) == 1


def test_clock_set_back_asks_again(admit, slack):
    admit("U0ANA")
    admit("U0ANA", now=NOW - 2 * HOUR)
    assert len(slack.calls_of("users.info")) == 2


def test_demotion_counts_at_once(admit, database, client, slack):
    known = Members(database, client)
    admit("U0ANA", known=known)
    slack.fail_next("users.info", times=9)
    known.changed({"id": "U0ANA", "is_restricted": True})
    with pytest.raises(Refused):
        admit("U0ANA", Need.STOPS_MAIL, known=known)


def test_promotion_is_asked_for(admit, database, client, slack):
    known = Members(database, client)
    with pytest.raises(Refused):
        admit("U0GUS", known=known)
    slack.state.users["U0GUS"].is_restricted = False
    known.changed({"id": "U0GUS"})
    assert admit("U0GUS", known=known).name == "Gus Guest"


def test_change_of_somebody_unknown_is_not_kept(database, client):
    Members(database, client).changed({"id": "U9", "is_restricted": True})
    with database.read() as session:
        assert session.get(Member, "U9") is None


def test_silent_slack_lets_a_known_member_only_stop(admit, slack):
    admit("U0ANA")
    later = NOW + 2 * HOUR
    slack.fail_next("users.info", times=99)
    assert admit("U0ANA", Need.STOPS_MAIL, now=later).id == "U0ANA"
    for need in (Need.ACTS, Need.IS_FOR_ADMINS):
        with pytest.raises(Refused) as refused:
            admit("U0ANA", need, now=later)
        assert str(refused.value) == people.SLACK_IS_SILENT


def test_silent_slack_lets_nobody_unknown_act(admit, slack):
    slack.fail_next("users.info", times=99)
    with pytest.raises(Refused, match="could not confirm"):
        admit("U0ANA", Need.STOPS_MAIL)


def test_unreachable_slack_is_silent(database):
    from slack_sdk import WebClient

    nowhere = WebClient(token="xoxb-1", base_url="http://127.0.0.1:9/api/", retry_handlers=[])
    with pytest.raises(Refused, match="could not confirm"):
        Members(database, nowhere).admit("U0ANA", Need.STOPS_MAIL, now=NOW)


def test_operators_restrict(admit):
    assert admit("U0ANA", operators=["U0ANA"]).id == "U0ANA"
    with pytest.raises(Refused) as refused:
        admit("U0BEN", Need.STOPS_MAIL, operators=["U0ANA"])
    assert str(refused.value) == f"{people.NOT_AN_OPERATOR} Ask whoever runs it."


def test_admins_are_operators(admit):
    assert admit("U0MIRA", operators=["U0ANA"], admins=["U0MIRA"]).id == "U0MIRA"


def test_admins_alone_restrict_only_what_touches_everybody(admit):
    assert admit("U0ANA", Need.ACTS, admins=["U0MIRA"]).id == "U0ANA"
    assert admit("U0MIRA", Need.IS_FOR_ADMINS, admins=["U0MIRA"]).id == "U0MIRA"
    with pytest.raises(Refused) as refused:
        admit("U0ANA", Need.IS_FOR_ADMINS, admins=["U0MIRA"])
    assert str(refused.value) == f"{people.NOT_AN_ADMIN} Ask Mira Lind."


def test_group_restricts_and_is_asked_for_once_an_hour(admit, slack, database, client):
    slack.state.usergroups["S0SALES"] = ["U0ANA"]
    known = Members(database, client, operators=["S0SALES"])
    admit("U0ANA", known=known)
    with pytest.raises(Refused):
        admit("U0BEN", known=known)
    assert len(slack.calls_of("usergroups.users.list")) == 1
    admit("U0ANA", known=known, now=NOW + HOUR)
    assert len(slack.calls_of("usergroups.users.list")) == 2


def test_who_left_a_group_is_known_once_slack_says_so(admit, slack, database, client):
    slack.regroup("S0SALES", ["U0ANA"])
    known = Members(database, client, operators=["S0SALES"])
    admit("U0ANA", known=known)
    slack.regroup("S0SALES", ["U0BEN"])
    known.regrouped("S0SALES")
    assert admit("U0BEN", known=known).id == "U0BEN"
    with pytest.raises(Refused):
        admit("U0ANA", known=known)


def test_unknown_group_has_nobody(admit):
    with pytest.raises(Refused):
        admit("U0ANA", operators=["S0NONE"])


def test_silent_slack_on_groups_keeps_nobody_from_stopping(admit, slack):
    slack.fail_next("usergroups.users.list", times=99)
    assert admit("U0ANA", Need.STOPS_MAIL, operators=["S0SALES"]).id == "U0ANA"
    with pytest.raises(Refused) as refused:
        admit("U0ANA", operators=["S0SALES"])
    assert str(refused.value) == people.SLACK_IS_SILENT


@pytest.mark.parametrize("tz", ["", "Mars/Olympus", "../etc"])
def test_member_without_a_zone_gets_the_workspaces(database, client, slack, tz, monkeypatch):
    with database.write() as session:
        session.merge(Workspace(id=1, zone="Asia/Tokyo"))
    monkeypatch.setattr(
        User, "as_json", lambda user, now: {"id": user.id, "team_id": user.team_id, "tz": tz, "name": "x"}
    )
    known = Members(database, client)
    assert known.admit("U0ANA", Need.ACTS, now=NOW).zone == ""
    assert known.zone("U0ANA") == "Asia/Tokyo"


def test_zone_is_known_without_asking_slack(admit, database, client, slack):
    admit("U0ANA")
    before = len(slack.calls)
    assert Members(database, client).zone("U0ANA") == "Europe/Berlin"
    assert Members(database, client).zone("U0NOBODY") == "UTC"
    assert len(slack.calls) == before


def test_hostile_name_is_kept_plain(admit, slack):
    slack.state.users["U0ANA"].real_name = "\u202e" + "x" * 300
    assert admit("U0ANA").name.startswith("\\u202ex")
    assert len(admit("U0ANA").name) <= people.NAME_CHARS


def test_first_contact_twice_at_once(database_url, client):
    with closing(Database(database_url)) as both, ThreadPoolExecutor(8) as pool:
        known = Members(both, client)
        admitted = list(pool.map(lambda _: known.admit("U0ANA", Need.ACTS, now=NOW), range(8)))
        assert {actor.id for actor in admitted} == {"U0ANA"}


@pytest.fixture
def owners(database):
    """Leads with these owners, and the names that are known."""

    def own(*ids):
        with database.write() as session:
            session.add_all(Lead(email=f"{id}@acme.test", owner=id, created_at=NOW) for id in ids)
        return lambda: names_of(database, ids)

    return own


def names_of(database, ids):
    with database.read() as session:
        return list(names(session, ids).values())


def test_owner_who_has_never_spoken_is_met_once(database, client, slack, owners):
    named = owners("U0BEN")
    known = Members(database, client)
    for minutes in (0, 1, 300):
        known.meet(now=NOW + timedelta(minutes=minutes))
    assert named() == ["Ben Okafor"]
    assert len(slack.calls_of("users.info")) == 1


def test_guest_who_is_met_still_may_not_act(database, client, owners, admit):
    owners("U0GUS")
    known = Members(database, client)
    known.meet(now=NOW)
    with pytest.raises(Refused):
        admit("U0GUS", known=known)


def test_owner_whom_slack_does_not_know_stays_an_id_and_is_asked_for_once_an_hour(
    database, client, slack, owners
):
    named = owners("U0GONE")
    known = Members(database, client)
    for minutes in (0, 1, 59):
        known.meet(now=NOW + timedelta(minutes=minutes))
    assert named() == ["U0GONE"]
    assert len(slack.calls_of("users.info")) == 1
    known.meet(now=NOW + HOUR)
    assert len(slack.calls_of("users.info")) == 2


def test_silent_slack_is_left_alone_for_a_minute(database, client, slack, owners):
    named = owners("U0ANA", "U0BEN")
    known = Members(database, client)
    slack.fail_next("users.info")
    known.meet(now=NOW)
    known.meet(now=NOW + timedelta(seconds=59))
    assert len(slack.calls_of("users.info")) == 1
    known.meet(now=NOW + timedelta(minutes=1))
    assert sorted(named()) == ["Ana Ruiz", "Ben Okafor"]


def test_slow_slack_is_not_waited_for(database, client, slack, owners):
    named = owners("U0BEN")
    slack.fail_next("users.info", delay_seconds=people.NAMES_SECONDS + 3)
    began = time.monotonic()
    Members(database, client).meet(now=NOW)
    assert time.monotonic() - began < people.NAMES_SECONDS + 2
    assert named() == ["U0BEN"]


def test_display_name_does_not_hide_who_it_was():
    user = {"id": "U1", "real_name": "Ben Okafor", "profile": {"display_name": "Ana Ruiz"}}
    assert people._name(user) == "Ben Okafor"
