"""The weekly report in Slack: its picture is uploaded once and shown, and nothing about it can lose the report."""

from datetime import timedelta

import pytest
from sqlmodel import select

from bot import charts
from bot.cards import card as drawing
from core import weekly
from core.answers import WeeklyCard
from core.models import Card, Lead
from sandbox.slack.blocks import check_message
from sandbox.specimens.weekly import HUGE, QUIET, USUAL, reports
from tests.bot.samples import NOW

UPLOADING = ("files.getUploadURLExternal", "files.completeUploadExternal")


@pytest.fixture
def report(world):
    """Ana asked for the report; both her leads are paused."""
    with world.database.write() as session:
        for lead in session.exec(select(Lead)):
            lead.owner = world.ana.id
            session.add(lead)
    world.ana.type("#outbound", "/sequence pause ada@engines.example")
    world.until(lambda: world.enrollment().status == "paused")
    world.ana.type("#outbound", "/sequence digest weekly for #outbound")
    world.until(lambda: "every Monday" in said(world))
    settled(world)
    world.clock.now = NOW + timedelta(days=7)
    assert weekly.weekly_due(world.database, now=world.clock.now) == 1
    return world


def settled(world):
    """Draw everything that is due, whatever the pace."""
    while world.draw():
        world.clock.now += timedelta(seconds=2)


def said(world) -> str:
    return "\n".join(message.all_text() for message in world.ana.ephemerals())


def posted(world):
    return [m for m in world.slack.messages("#outbound") if "The week from" in m.text]


def only_card(world) -> Card:
    with world.database.read() as session:
        return session.exec(select(Card).where(Card.kind == "weekly")).one()


def images(message) -> list[dict]:
    return [block for block in message.blocks if block["type"] == "image"]


def test_report_stands_in_the_channel_with_its_picture(report):
    settled(report)
    (message,) = posted(report)
    (image,) = images(message)
    file = report.slack.state.files.by_id[image["slack_file"]["id"]]
    assert only_card(report).file_id == file.id
    assert file.kind == "image/png"
    assert file.is_complete
    assert file.title.startswith("The week from")
    assert "Paused by week: 0, 0, 0, 0, 0, 0, 0, 1." in image["alt_text"] == file.alt_text
    assert "1 paused" in message.all_text()
    assert "1 lead paused now" in message.all_text()


def test_redraw_uploads_no_second_picture(report):
    settled(report)
    (message,) = posted(report)
    before = images(message)
    report.ana.click(message, "Stop")
    report.until(lambda: report.enrollment().status == "stopped")
    settled(report)
    (message,) = posted(report)
    assert message.revision == 1
    assert "Ana Ruiz stopped it" in message.all_text()
    assert [one["slack_file"] for one in images(message)] == [one["slack_file"] for one in before]
    assert len(report.slack.calls_of("files.getUploadURLExternal")) == 1


def test_new_file_that_takes_a_moment_is_waited_for(report):
    report.slack.state.files.slow_shows = 2
    for _ in range(2):
        assert report.draw() == 0
        assert only_card(report).fault == "invalid_blocks"
        report.clock.now = only_card(report).retry_at
    assert report.draw() == 1
    assert images(posted(report)[0])
    assert len(report.slack.calls_of("files.getUploadURLExternal")) == 1


def test_file_that_never_becomes_ready_leaves_its_numbers(report):
    report.slack.state.files.slow_shows = 1_000
    began = report.clock.now
    while not posted(report):
        report.draw()
        report.clock.now += timedelta(seconds=1)
    assert report.clock.now - began < timedelta(minutes=1)
    assert images(posted(report)[0]) == []
    assert "Paused by week: 0, 0, 0, 0, 0, 0, 0, 1." in posted(report)[0].all_text()


@pytest.mark.parametrize("method", UPLOADING)
def test_slack_that_is_away_for_a_moment_costs_no_picture(report, method):
    report.slack.fail_next(method)
    assert report.draw() == 0
    assert posted(report) == []
    report.clock.now = only_card(report).retry_at
    assert report.draw() == 1
    assert images(posted(report)[0])


def test_rate_limit_of_uploads_waits_as_slack_says(report):
    report.slack.fail_next("files.getUploadURLExternal", status=429, retry_after=20)
    assert report.draw() == 0
    assert only_card(report).retry_at == report.clock.now + timedelta(seconds=20)


def test_app_without_the_scope_posts_without_the_picture(report, monkeypatch):
    from sandbox.slack.errors import SlackError
    from sandbox.slack.webapi import METHODS

    def refuse(_api, _args):
        raise SlackError("missing_scope")

    monkeypatch.setitem(METHODS, "files.getUploadURLExternal", refuse)
    settled(report)
    assert images(posted(report)[0]) == []
    assert "1 lead paused now" in posted(report)[0].all_text()


def test_picture_that_cannot_be_drawn_keeps_no_report_back(report, monkeypatch):
    def broken(_chart):
        raise RuntimeError("no fonts")

    monkeypatch.setattr(charts, "weekly", broken)
    settled(report)
    assert images(posted(report)[0]) == []


@pytest.mark.parametrize(("name", "view"), list(reports()))
def test_every_state_keeps_slacks_rules(name, view):
    assert isinstance(view, WeeklyCard)
    assert check_message(drawing(view)) == [], name


def test_figures_stand_beside_the_week_before():
    (section,) = [block for block in drawing(USUAL)["blocks"] if block["type"] == "section"]
    texts = [field["text"] for field in section["fields"]]
    assert texts[:3] == [
        "*19 paused*\n3 more than the week before",
        "*14 resumed*\n5 more than the week before\n8 by people and 6 by their date",
        "*3 stopped*\nas in the week before",
    ]
    assert texts[5] == "*212 sent*\n28 fewer than the week before"


def test_notification_says_the_week_in_words():
    assert drawing(QUIET)["text"].splitlines()[:2] == [
        "📊 The week from Monday 7 June to Sunday 13 June 2027",
        "0 paused (0 the week before)",
    ]
    assert "and 312 more" in str(drawing(HUGE)["blocks"])
