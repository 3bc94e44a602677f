"""The list of paused leads keeps Slack's rules at its fullest, and shows what is done and what is not."""

import pytest

from bot import codec
from bot.answers import answer
from bot.blocks import fits
from bot.cards import card
from core.answers import Answer, Choice, DigestCard, DigestGroup, Row
from core.views.digest import OWNERS_SHOWN, ROWS_SHOWN
from core.worklist import Group
from sandbox.slack.blocks import check_message
from sandbox.specimens.digests import digests
from tests.bot.samples import HOSTILE
from tests.bot.test_cards import labels, objects, texts

SPECIMENS = dict(digests())


def fullest(text="a text of ours", length=1):
    """As many lines, groups and owners as there can be, each with its buttons."""
    text *= length
    pressed = (
        Choice("Resume", "card paused 12 resume seen 3", "primary"),
        Choice("Resume on a date…", form=("resume", 12, 3)),
        Choice("+1 week", "card paused 12 one week later seen 3"),
        Choice("Stop", "card paused 12 stop seen 3", "danger", confirm=f"Stop {text[:100]} for good?"),
    )
    row = Row(text, text, 12, pressed)
    shared, rest = (Choice("Resume all due", "card digest 9 resume due"),), ROWS_SHOWN - len(Group) + 1
    groups = [DigestGroup(text[:80], (row,), shared) for _ in range(len(Group) - 1)]
    return DigestCard(
        text[:60], (text[:40],) * len(Group), (*groups, DigestGroup(text[:80], (row,) * rest, shared)),
        (text,) * (OWNERS_SHOWN + 1), "1 of 9 done", Choice("9,988 more", "card digest 9 more 12"), text[:80],
    )  # fmt: skip


@pytest.mark.parametrize("view", [*SPECIMENS.values(), fullest(), fullest(HOSTILE), fullest(HOSTILE, 40)])
def test_list_keeps_slacks_rules(view):
    message = card(view)
    assert check_message(message) == []
    assert fits(message["blocks"])
    assert message["text"].strip()
    for element in objects(message, "button"):
        codec.read_action(element)


def test_what_outsiders_wrote_stays_plain():
    message = card(fullest(HOSTILE, 3))
    for kind in ("mrkdwn", "usergroup", "broadcast", "link", "channel", "user", "emoji"):
        assert not objects(message, kind)
    for text in [*texts(message), message["text"]]:
        assert "\u202e" not in text


def test_line_that_is_done_has_no_buttons_and_says_who_did_what():
    open_, done = (card(SPECIMENS[f"digest: {state}"]) for state in ("in the morning", "half worked off"))
    assert labels(open_).count("Resume") == 4
    assert labels(done).count("Resume") == 2
    assert "Resume all due" in labels(open_)
    assert "Resume all due" not in labels(done)
    assert "  Ana Ruiz resumed it at 08:41." in texts(done)


def test_all_done_stands_last_and_offers_nothing():
    message = card(SPECIMENS["digest: all done"])
    assert labels(message) == []
    assert texts({"blocks": message["blocks"][-1:]})[-1] == "All done: 8 of 8."


def test_on_a_date_opens_the_form():
    (asks, *_) = [b for b in objects(card(fullest()), "button") if b["text"]["text"] == "Resume on a date…"]
    assert codec.read_action(asks) == codec.OpenForm("resume", 12, 3)


@pytest.mark.parametrize("length", [1, 3])
def test_further_page_is_an_answer_with_the_same_buttons(length):
    group = fullest(HOSTILE * length).groups[-1]
    done = Row("Ada", "", verdict="Ana resumed it.")
    message = answer(
        Answer("Lines 13 to 18", rows=(*group.rows, done), more=Choice("3 more", "card digest 9 more 18"))
    )
    assert check_message(message) == []
    assert "3 more" in labels(message)
    assert "  Ana resumed it." in texts(message)


def test_page_on_which_all_is_done_says_so():
    message = answer(Answer("Lines 13 to 13", rows=(Row("Ada", "", verdict="Ana resumed it."),)))
    assert "  Ana resumed it." in texts(message)
