"""Review cards and notices keep Slack's rules, say what was judged and done, and keep what outsiders wrote plain."""

import json

import pytest

from bot import codec
from bot.blocks import QUOTE_LINES
from bot.cards import card
from core.answers import Choice
from core.lifecycle import Status
from sandbox.slack.blocks import check_message
from tests.bot.samples import HOSTILE, NOW, enrollment, hostile_review, lead, notice, review
from tests.bot.test_cards import labels, objects, texts

HAPPENED = Choice("It happened", "card meeting 5 happened", style="primary")
NOTICES = [
    notice(),
    notice(
        icon="📅", owner="U0ANA", owner_name="Ana Ruiz", facts=("booked with Calendly",), choices=(HAPPENED,)
    ),
    notice(quote="Thanks!\nSee you", lines=("Paused in Spring.",), verdict="Ana Ruiz said that it happened."),
    notice(quote=HOSTILE * 20, lines=(HOSTILE * 20,) * 50, facts=(HOSTILE * 20,) * 9, verdict=HOSTILE * 20),
    notice(title=HOSTILE, icon=HOSTILE, owner=HOSTILE, owner_name=HOSTILE, choices=(HAPPENED,) * 30),
]
REVIEWS = [
    review(),
    review(
        question="Is it 6 July or 7 June?",
        choices=(Choice("Back on Monday 7 June 2027", "card review 31 away"),),
    ),
    review(verdict="Ana Ruiz said that it is an answer.", choices=(), more_messages=1),
    review(quote="", subject="", evidence=(), corrections=(), away_label="", more=(), choices=(), owner=None),
    review(lead=lead(enrollments=(), timeline=())),
    *(review(lead=lead(enrollment(status))) for status in Status),
    review(lead=lead(*(enrollment(id=n) for n in range(40)))),
    hostile_review(),
    hostile_review(40),
]
ALL = [*REVIEWS, *NOTICES]


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("view", ALL, ids=range(len(ALL)))
def test_card_keeps_slacks_rules(view, is_new):
    message = card(view, is_new=is_new)
    assert check_message(message) == []
    assert message["text"].strip()


@pytest.mark.parametrize("view", ALL, ids=range(len(ALL)))
def test_what_outsiders_wrote_stays_plain(view):
    message = card(view)
    assert not objects(message, "mrkdwn")
    for kind in ("usergroup", "broadcast", "link", "channel", "emoji"):
        assert not objects(message, kind)
    assert [person["user_id"] for person in objects(message, "user")] in ([], ["U0ANA"])
    assert "<" not in message["text"]
    for text in [*texts(message), message["text"]]:
        assert "\u202e" not in text
        assert "\u200b" not in text


@pytest.mark.parametrize("view", REVIEWS[:3])
def test_every_button_can_be_read(view):
    message = card(view)
    for element in objects(message, "button"):
        codec.read_action(element)
    for menu in objects(message, "overflow"):
        for option in menu["options"]:
            codec.read_action({"selected_option": option})


def test_owner_is_called_by_the_post_and_only_named_by_a_redraw():
    new, redrawn = card(review()), card(review(), is_new=False)
    assert objects(new, "user") == [{"type": "user", "user_id": "U0ANA"}]
    assert not objects(redrawn, "user")
    assert "For Ana Ruiz" in texts(redrawn)


@pytest.mark.parametrize("owner", ["", "ana", "U0", "<!channel>", "U0ANA|here", None])
def test_owner_that_is_no_slack_id_is_only_named(owner):
    message = card(review(owner=owner))
    assert not objects(message, "user")
    assert "For Ana Ruiz" in texts(message)


def test_quote_keeps_its_lines_and_is_cut_visibly():
    [quoted] = objects(card(review(quote="One\n\n\n\nTwo <@U1>\n" + "more\n" * 40)), "rich_text_quote")
    shown = "".join(piece["text"] for piece in quoted["elements"])
    assert shown.startswith("One\n\nTwo <@U1>\nmore")
    assert shown.endswith("\n…")
    assert shown.count("\n") == QUOTE_LINES


def test_card_says_what_came_what_was_done_and_what_comes_next():
    shown = "\n".join(texts(card(review())))
    for words in (
        "🌴 Ada Lovelace is out of office",
        "“Automatic reply: A question”",
        "I am out of office until 15 June.",
        "Paused in Spring outreach until Thursday 17 June 2027, 09:00 (Europe/London).",
        "⏸️ Paused",
        "“Re: pricing for Analytical Engines”",
        "Judged by Auto-Submitted: auto-replied",
    ):
        assert words in shown


def test_card_offers_the_leads_buttons_and_the_corrections():
    assert labels(card(review())) == [
        "Add bob@engines.example as a lead",
        "▶️ Resume", "Stop",
        "Not an out-of-office: an answer", "Automatic, ignore", "Out until…",
        "Resume on a date…", "Resume, keep the original date", "Skip this step", "Stop, with a reason…", "History",
        "Mark qualified", "Qualified: whole company", "Not about this lead",
    ]  # fmt: skip


def test_out_until_opens_its_form_with_the_stamp():
    buttons = objects(card(review(stamp=7)), "button")
    [asks] = [button for button in buttons if button["text"]["text"] == "Out until…"]
    assert codec.read_action(asks) == codec.OpenForm("away", 31, 7)


def test_earlier_messages_are_counted():
    assert "1 earlier message in this conversation" in texts(card(review(more_messages=1)))
    assert "3 earlier messages in this conversation" in texts(card(review(more_messages=3)))


def test_verdict_stands_before_what_was_done():
    shown = texts(card(review(verdict="Ana Ruiz said that it is an answer.")))
    assert shown.index("Ana Ruiz said that it is an answer.") < shown.index(review().outcome)


def test_fallback_says_who_and_what():
    text = card(review())["text"]
    assert text.startswith("Ada Lovelace is out of office\nThank you for your message.")
    assert "Paused in Spring outreach" in text


def test_settled_notice_asks_no_more():
    asked = notice(choices=(HAPPENED,))
    assert labels(card(asked)) == ["It happened"]
    settled = card(notice(choices=(HAPPENED,), verdict="Ana Ruiz said that it happened."))
    assert labels(settled) == []
    assert "Ana Ruiz said that it happened." in json.dumps(settled)


def test_moments_follow_the_reader():
    first = objects(card(review()), "date")[0]
    assert first["timestamp"] == int(NOW.timestamp())
