"""A posted card is never lost, posted twice, or drawn older than it was (DESIGN G6)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlmodel import select

from bot.delivery import LEASE, deliver
from core import cards, commands
from core.commands import Desk
from core.models import Card, Journal, Lead, Member
from core.people import Actor
from tests.bot.samples import NOW
from tests.bot.world import furnish

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
OUTAGE = {"status": 503, "times": 10_000}


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
    assert deliver(desk, client, now=NOW + SECOND) == 1
    assert len(messages(slack)) == 1
    assert messages(slack)[0].revision == 1


def test_notice_that_says_the_same_is_not_drawn_again(desk, database, client, slack, ada):
    with database.write() as session:
        notice = cards.show(session, "meeting:77", channel="C0OUTBOUND", lead_id=ada, about_id=77, now=NOW)
        number = notice.id
    play(desk, client, seconds=3)
    touch(database, ada)
    play(desk, client, start=NOW + 5 * SECOND, seconds=3)
    with database.read() as session:
        card = session.get(Card, number)
        assert card.wanted == card.drawn == 2
        assert slack.state.message("C0OUTBOUND", card.ts).revision == 0


def test_nothing_wanted_draws_nothing(desk, client, slack):
    assert deliver(desk, client, now=NOW) == 0
    assert slack.calls == []


def test_rate_limit_waits_as_long_as_slack_says(desk, database, client, slack, ada):
    slack.fail_next("chat.postMessage", status=429, retry_after=30)
    assert deliver(desk, client, now=NOW) == 0
    assert only_card(database).fault == "ratelimited:chat.postMessage"
    assert deliver(desk, client, now=NOW + timedelta(seconds=29)) == 0
    assert deliver(desk, client, now=NOW + timedelta(seconds=30)) == 1
    assert only_card(database).fault is None


def test_deleted_message_is_posted_anew(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    slack.state.delete(slack.state.message("C0OUTBOUND", only_card(database).ts))
    touch(database, ada)
    assert deliver(desk, client, now=NOW + SECOND) == 1
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
    assert deliver(desk, client, now=NOW + SECOND) == 1
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
    assert only_card(database).fault == "away:URLError"


def test_bot_that_stops_begins_no_further_card(desk, database, client, slack, ada):
    assert deliver(desk, client, now=NOW, is_over=lambda: True) == 0
    assert slack.calls_of("chat.postMessage") == []
    assert deliver(desk, client, now=NOW + SECOND) == 1


# At most one a second and channel


def wish(database, *channels, parent=None, start=0):
    """Want a notice in each of these channels; gives the cards' ids."""
    with database.write() as session:
        return [
            cards.show(session, f"mailbox:{start + number}", channel=channel, now=NOW + number * MOMENT,
                       about_id=1, parent_id=parent).id
            for number, channel in enumerate(channels)
        ]  # fmt: skip


def play(desk, client, *, start=NOW, seconds, step=0.25, **more):
    """Let bots draw for so long, and give at which second each card was drawn."""
    moments = [start + timedelta(seconds=step * number) for number in range(int(seconds / step))]
    return [
        (now - start).total_seconds()
        for now in moments
        for _ in range(deliver(desk, client, now=now, **more))
    ]


def kept(database, card_id):
    with database.read() as session:
        return session.get(Card, card_id)


MOMENT = timedelta(milliseconds=1)


def test_burst_of_changes_draws_a_few_times_and_ends_with_the_newest(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    drawn = 0
    for number in range(500):  # within ten seconds
        touch(database, ada)
        drawn += deliver(desk, client, now=NOW + SECOND + number * timedelta(milliseconds=20))
    assert 9 <= drawn <= 11
    drawn += deliver(desk, client, now=NOW + 12 * SECOND)
    assert only_card(database).drawn == only_card(database).wanted
    assert messages(slack)[0].revision == drawn


def test_one_channel_gets_one_card_a_second_and_others_are_not_held_up(desk, database, client, slack):
    slack.add_channel("sales", channel_id="C0SALES")
    wish(database, *["C0OUTBOUND"] * 4, "C0SALES")
    assert play(desk, client, seconds=3.5) == [0, 0, 1, 2, 3]


def test_two_bots_keep_the_pace_of_one(desk, database, client, slack):
    wish(database, *["C0OUTBOUND"] * 6)
    with ThreadPoolExecutor(4) as pool:
        for second in range(6):
            now = NOW + second * SECOND
            assert sum(pool.map(lambda _: deliver(desk, client, now=now), range(4))) == 1  # noqa: B023 - within the round


def test_posts_to_a_person_keep_the_pace_too(desk, database, client, slack):
    wish(database, *["U0ANA"] * 4)
    assert play(desk, client, seconds=3.5) == [0, 1, 2, 3]


def test_card_that_changes_all_the_time_starves_no_other(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    [other] = wish(database, "C0OUTBOUND")
    for second in range(1, 4):
        touch(database, ada)
        deliver(desk, client, now=NOW + second * SECOND)
    assert kept(database, other).ts


def test_clock_that_was_set_back_holds_nothing_up(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW + HOUR)
    touch(database, ada)
    assert deliver(desk, client, now=NOW) == 1


# Slack says wait, or nothing at all


def test_rate_limit_of_posts_holds_posts_alone(desk, database, client, slack, ada):
    slack.add_channel("sales", channel_id="C0SALES")
    slack.add_channel("more", channel_id="C0MORE")
    deliver(desk, client, now=NOW)
    wish(database, "C0SALES", "C0MORE")
    slack.fail_next("chat.postMessage", status=429, retry_after=30)
    deliver(desk, client, now=NOW + SECOND)
    touch(database, ada)
    assert deliver(desk, client, now=NOW + 3 * SECOND) == 1, "the redraw goes on"
    assert messages(slack)[0].revision == 1
    assert play(desk, client, start=NOW + 4 * SECOND, seconds=26, step=1) == []
    assert len(slack.calls_of("chat.postMessage")) == 2, "the first card, and the one that was refused"
    assert deliver(desk, client, now=NOW + 31 * SECOND) == 2


def test_an_hour_without_slack_loses_nothing_and_keeps_the_order(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    slack.fail_next("chat.postMessage", **OUTAGE)
    slack.fail_next("chat.update", **OUTAGE)
    [head] = wish(database, "C0OUTBOUND")
    thread = wish(database, *["C0OUTBOUND"] * 5, parent=head, start=1)
    before = len(slack.calls)
    for minute in range(60):
        touch(database, ada)
        play(desk, client, start=NOW + SECOND + minute * 60 * SECOND, seconds=60, step=10)
    assert len(slack.calls) - before <= 70, "one card asks once a minute"
    slack._faults.clear()

    back = play(desk, client, start=NOW + HOUR + 60 * SECOND, seconds=12)
    assert len(back) == 7
    assert all(later - earlier >= 1 for earlier, later in pairwise(back)), "no herd"
    stamps = [kept(database, card_id).ts for card_id in (head, *thread)]
    assert stamps == sorted(stamps)
    assert len(messages(slack)) == 1
    with database.read() as session:
        assert all(card.drawn == card.wanted for card in session.exec(select(Card)))


def test_message_whose_answer_was_lost_is_in_the_end_on_the_screen(desk, database, client, slack, ada):
    slack.fail_next("chat.postMessage", status=500, after=True)
    assert deliver(desk, client, now=NOW) == 0
    assert deliver(desk, client, now=NOW + SECOND) == 1
    assert only_card(database).ts == messages(slack)[-1].ts


def test_revoked_token_is_logged_once_and_not_hammered(desk, database, slack, ada, caplog):
    from slack_sdk import WebClient

    wish(database, "C0SALES", "C0MORE")
    revoked = WebClient(token="xoxb-old", base_url=f"{slack.base_url}/api/", retry_handlers=[])
    assert play(desk, revoked, seconds=3000, step=15) == []
    assert len(slack.calls_of("chat.postMessage")) == 10, "one card asks, every five minutes"
    assert [one.message for one in caplog.records if "slack_refuses_token" in one.message] == [
        "slack_refuses_token fault=token:invalid_auth: set a new SLACK_BOT_TOKEN and start again"
    ]
    with database.read() as session:
        assert cards.troubles(session) == {"token:invalid_auth": 1}


# A channel that takes none


@pytest.fixture
def shut(slack, desk, database, ada):
    """Ada's card is to stand in a channel that the bot has been removed from; Ada is Ana's."""
    slack.add_channel("shut", {"U0ANA"}, channel_id="C0SHUT")
    with database.write() as session:
        session.exec(select(Card)).one().channel = "C0SHUT"
        session.get(Lead, ada).owner = "U0ANA"
    return slack


def direct(slack, user="U0ANA"):
    return slack.messages(slack.state.direct(user).id)


def test_card_without_its_channel_falls_to_the_owner_and_says_so(desk, database, client, shut, ada):
    assert deliver(desk, client, now=NOW) == 0
    assert deliver(desk, client, now=NOW + SECOND) == 1
    [message] = direct(shut)
    said = "This would stand in <#C0SHUT>, but Fermata cannot post there"
    assert said in message.all_text()
    assert message.text.startswith("Ada Lovelace")
    card = only_card(database)
    assert (card.meant_for, card.channel, card.ts) == ("C0SHUT", shut.state.direct("U0ANA").id, message.ts)

    touch(database, ada)
    shut.state.channels["C0SHUT"].members.add("U0BOT")
    assert deliver(desk, client, now=NOW + 2 * SECOND) == 1
    [redrawn] = direct(shut)
    assert redrawn.revision == 1
    assert said in redrawn.all_text(), "the fallen one stays where it is"
    with database.write() as session:
        cards.show_lead(session, lead_id=ada, channel="C0SHUT", now=NOW + 3 * SECOND)
    play(desk, client, start=NOW + 4 * SECOND, seconds=3)
    assert len(shut.messages("shut")) == 1, "new ones go to the channel again"


@pytest.mark.parametrize("text", ["digest now for #C0NOSUCH", "digest weekly now for #C0NOSUCH"])
def test_list_for_a_channel_that_is_not_there_falls_to_who_asked_for_it(
    desk, database, client, slack, ada, text
):
    ana = Actor("U0ANA", "Ana Ruiz")
    commands.run(desk, "pause ada@engines.example", actor=ana, now=NOW)
    assert not commands.run(desk, text, actor=ana, now=NOW).is_refusal
    play(desk, client, seconds=3, admin="U0MIRA")
    [message] = [m for m in direct(slack) if "This would stand in <#C0NOSUCH>" in m.all_text()]
    assert "check its name, or invite it" in message.all_text()
    assert direct(slack, "U0MIRA") == []
    again = commands.run(desk, text, actor=ana, now=NOW + 4 * SECOND)
    assert "The last one could not be posted there" in " ".join(again.lines)


@pytest.mark.parametrize(("owner", "acted", "admin", "gets"), [
    ("U0ANA", "U0BEN", "U0MIRA", "U0ANA"), ("", "U0BEN", "U0MIRA", "U0BEN"),
    ("", "cli:setup", "U0MIRA", "U0MIRA"), ("U0GONE", "system", "U0MIRA", "U0MIRA"),
])  # fmt: skip
def test_fallen_card_goes_to_the_next_who_can_help(
    desk, database, client, shut, ada, owner, acted, admin, gets
):
    with database.write() as session:
        session.add(Member(id="U0GONE", name="Gone", is_deleted=True, seen_at=NOW))
        session.get(Lead, ada).owner = owner or None
        session.add(Journal(at=NOW, actor=acted, verb="pause", lead_id=ada))
    assert play(desk, client, seconds=3, admin=admin) != []
    assert len(direct(shut, gets)) == 1


def test_person_who_cannot_be_written_to_is_tried_each_hour(desk, database, client, shut, ada):
    with database.write() as session:
        session.get(Lead, ada).owner = "U0NOBODY"
    assert play(desk, client, seconds=7200, step=60) == []
    assert len(shut.calls_of("chat.postMessage")) == 3, "the channel once, the person every hour"


def test_further_ones_than_twenty_are_counted_in_one_notice(desk, database, client, shut, ada):
    for _ in range(24):
        with database.write() as session:
            cards.show_lead(session, lead_id=ada, channel="C0SHUT", now=NOW)
    play(desk, client, seconds=70)
    notices = [m for m in direct(shut) if "for a channel that takes none" in m.text]
    assert len(direct(shut)) == 21
    assert [m.text.startswith("📭 5 more cards wait") for m in notices] == [True]

    shut.state.channels["C0SHUT"].members.add("U0BOT")
    play(desk, client, start=NOW + HOUR + 70 * SECOND, seconds=20)
    assert len(shut.messages("shut")) == 5
    assert "They have been posted." in next(m for m in direct(shut) if m.ts == notices[0].ts).text


def test_redraw_in_a_shut_channel_stays_and_is_tried_each_hour(desk, database, client, slack, ada):
    deliver(desk, client, now=NOW)
    with database.write() as session:
        session.get(Lead, ada).owner = "U0ANA"
    slack.state.channels["C0OUTBOUND"].is_archived = True
    touch(database, ada)
    assert deliver(desk, client, now=NOW + SECOND) == 0
    assert direct(slack) == []
