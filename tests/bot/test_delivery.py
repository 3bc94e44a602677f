"""A posted card is never lost, posted twice, or drawn older than it was (DESIGN G6)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.delivery import LEASE, deliver
from core import cards
from core.commands import Desk
from core.models import Card, Lead
from tests.bot.samples import NOW
from tests.bot.world import furnish

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def desk(database):
    furnish(database)
    return Desk(database)


@pytest.fixture
def ada(database, desk):
    with database.write() as session:
        lead_id = session.exec(select(Lead.id).where(Lead.email == "ada@engines.example")).one()
        cards.show_lead(session, lead_id=lead_id, channel="C0OUTBOUND", now=NOW)
    return lead_id


def touch(database, lead_id):
    with database.write() as session:
        cards.touch(session, lead_ids=[lead_id])


def only_card(database):
    with database.read() as session:
        return session.exec(select(Card)).one()


def messages(slack):
    return [m for m in slack.messages("#outbound") if m.text.startswith("Ada Lovelace")]


def test_card_is_posted_once_and_then_redrawn(desk, database, client, slack, ada):
    assert deliver(desk, client, now=NOW) == 1
    assert deliver(desk, client, now=NOW) == 0
    touch(database, ada)
    assert deliver(desk, client, now=NOW) == 1
    assert len(messages(slack)) == 1
    assert messages(slack)[0].revision == 1


def test_nothing_wanted_draws_nothing(desk, client, slack):
    assert deliver(desk, client, now=NOW) == 0
    assert slack.calls == []


def test_rate_limit_waits_as_long_as_slack_says(desk, database, client, slack, ada):
    slack.fail_next("chat.postMessage", status=429, retry_after=30)
    assert deliver(desk, client, now=NOW) == 0
    assert only_card(database).fault == "ratelimited"
    assert deliver(desk, client, now=NOW + timedelta(seconds=29)) == 0
    assert deliver(desk, client, now=NOW + timedelta(seconds=30)) == 1
    assert only_card(database).fault is None


def test_deleted_message_is_posted_anew(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    slack.state.delete(slack.state.message("C0OUTBOUND", only_card(database).ts))
    touch(database, ada)
    assert deliver(desk, client, now=NOW) == 1
    assert len(messages(slack)) == 1


@pytest.mark.parametrize("channel", ["C0GONE", "shut", "elsewhere"])
def test_shut_channel_is_recorded_and_tried_each_hour(desk, database, client, slack, ada, channel):
    slack.add_channel("shut", archived=True, channel_id="shut")
    slack.add_channel("elsewhere", {"U0ANA"}, channel_id="elsewhere")
    with database.write() as session:
        session.exec(select(Card)).one().channel = channel
    assert deliver(desk, client, now=NOW) == 0
    assert only_card(database).fault in {"channel_not_found", "is_archived", "not_in_channel"}
    before = len(slack.calls)
    assert deliver(desk, client, now=NOW + timedelta(minutes=59)) == 0
    assert len(slack.calls) == before
    slack.add_channel("again", channel_id=channel)
    assert deliver(desk, client, now=NOW + timedelta(hours=1)) == 1


def test_broken_slack_is_tried_less_and_less_often(desk, database, client, slack, ada):
    slack.fail_next("chat.postMessage", times=3)
    now, waits = NOW, []
    for _ in range(3):
        assert deliver(desk, client, now=now) == 0
        waits.append((only_card(database).retry_at - now).total_seconds())
        now = only_card(database).retry_at
    assert waits == [1, 2, 4]
    assert deliver(desk, client, now=now) == 1


def test_fault_of_one_card_keeps_none_other_back(desk, database, client, slack, ada):
    with database.write() as session:
        session.exec(select(Card)).one().channel = "C0GONE"
        grace = session.exec(select(Lead.id).where(Lead.email == "grace@engines.example")).one()
        cards.show_lead(session, lead_id=grace, channel="C0OUTBOUND", now=NOW)
    assert deliver(desk, client, now=NOW) == 1


def test_change_while_drawing_is_drawn_next(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    touch(database, ada)
    wanted = only_card(database).wanted
    with database.write() as session:
        cards.drawn(session, only_card(database).id, wanted=wanted - 1, ts=only_card(database).ts)
    assert deliver(desk, client, now=NOW) == 1
    assert only_card(database).drawn == wanted


def test_two_bots_post_a_card_once(desk, database, client, slack, ada):
    slack.fail_next("chat.postMessage", status=429, retry_after=1, delay_seconds=0.2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: deliver(desk, client, now=NOW), range(4)))
    assert len(slack.calls_of("chat.postMessage")) == 1


def test_bot_that_died_while_drawing_is_stood_in_for(desk, database, client, slack, ada):
    with database.write() as session:
        session.exec(select(Card)).one().retry_at = NOW + LEASE
    assert deliver(desk, client, now=NOW) == 0
    assert deliver(desk, client, now=NOW + LEASE) == 1


def test_unknown_kind_of_fault_is_recorded_by_name(desk, database, slack, ada):
    from slack_sdk import WebClient

    nowhere = WebClient(token="xoxb-1", base_url="http://127.0.0.1:9/api/", retry_handlers=[])
    assert deliver(desk, nowhere, now=NOW) == 0
    assert only_card(database).fault == "URLError"


def test_bot_that_stops_begins_no_further_card(desk, database, client, slack, ada):
    assert deliver(desk, client, now=NOW, is_over=lambda: True) == 0
    assert slack.calls_of("chat.postMessage") == []
    assert deliver(desk, client, now=NOW) == 1
