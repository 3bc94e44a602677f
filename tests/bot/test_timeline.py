"""The picture of a lead's path: a dot for each step where its date is, in the picture, in its words, and in Slack."""

from datetime import timedelta

import pytest
from sqlmodel import select

from bot import charts
from core.erasing import erase
from core.models import Lead
from core.views import path as view
from sandbox.specimens.preview import HELD, LONG, ON_THE_WAY, PATHS
from tests.bot.test_charts import size_of
from tests.bot.world import SOMEBODY


def texts(chart):
    return [text.get_text() for text in charts.path_figure(chart).axes[0].texts]


@pytest.mark.parametrize("chart", PATHS.values(), ids=PATHS)
def test_every_state_draws_as_wide_as_slack_shows_it(chart):
    width, height = size_of(charts.drawn(chart))
    assert width == charts.PIXELS[0]
    assert 620 <= height <= 1440


def test_dots_stand_at_their_days_and_both_ways_have_a_row():
    [axes] = charts.path_figure(ON_THE_WAY).axes
    dots = [line for line in axes.lines if line.get_marker() in {"o", "D"}]
    wanted = [(dot.at.replace(tzinfo=None) - ON_THE_WAY.dots[0].at.replace(tzinfo=None)).total_seconds() / 86_400
              for dot in ON_THE_WAY.dots]  # fmt: skip
    assert [dot.get_xdata()[0] - dots[0].get_xdata()[0] for dot in dots] == pytest.approx(wanted)
    assert len({dot.get_ydata()[0] for dot in axes.lines}) >= 7
    said = texts(ON_THE_WAY)
    assert {"if so: step 5 (call)", "else: step 4 (close)", "left Mon 10 May, 10:00", "now"} <= set(said)
    assert {"5. Call Ada", "only if step 3 comes true, by Tue 25 May, 09:00"} <= set(said)
    assert [dot.get_markerfacecolor() == "#ffffff" for dot in dots] == [False] * 4 + [True]


def test_hold_is_a_bar_until_its_end_and_many_steps_are_counted():
    [axes] = charts.path_figure(HELD).axes
    [bar] = axes.containers[0]
    assert bar.get_width() == pytest.approx((HELD.held_until - HELD.now) / timedelta(days=1))
    assert "Held until Tue 15 Jun" in texts(HELD)
    assert "and 3 more" in texts(LONG)


def test_the_words_say_all_that_the_picture_shows():
    said = ON_THE_WAY.as_text
    assert "Now it is Wed 12 May, 11:00." in said
    assert "1. Ada, a question about the Lindenhof season: left Mon 10 May, 10:00." in said
    assert "Tue 18 May, 09:00, if so step 5 (call), else step 4 (close)." in said
    assert "5. Call Ada: only if step 3 comes true, by Tue 25 May, 09:00." in said
    assert "Holidays: Whit Monday Mon 17 May." in said
    assert HELD.as_text.startswith("Now it is Wed 12 May, 11:00. Held until Tue 15 Jun.")


def test_picture_comes_in_a_direct_message_and_goes_with_the_lead(world):
    direct = world.slack.state.direct(world.ana.id).id
    world.ana.type("#outbound", "/sequence preview sequence Spring for ada@engines.example")
    world.ana.wait_for_text("The picture comes in our direct messages.")
    world.draw()
    shown = world.ana.wait_for_text("Spring for ada@engines.example", direct)
    [image] = [block for block in shown.blocks if block["type"] == "image"]
    assert "2. Re: Ada, a question: " in image["alt_text"]

    with world.database.write() as session:
        lead = session.exec(select(Lead).where(Lead.email == "ada@engines.example")).one()
        erase(session, lead.id, actor=SOMEBODY, now=world.clock())
    world.draw()
    gone = world.ana.wait_for_text(view.GONE, direct)
    assert not [block for block in gone.blocks if block["type"] == "image"]
    assert "ada" not in gone.all_text()
