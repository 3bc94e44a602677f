"""Every card is within Slack's rules, shows what it should, offers what fits, and keeps outside text plain."""

import json

import pytest

from bot import codec
from bot.answers import answer
from bot.cards import card
from bot.text import escaped
from core.lifecycle import Status
from sandbox.slack.blocks import check_message
from tests.bot import samples
from tests.bot.samples import HOSTILE, NOW, enrollment, hostile_lead, lead, notice, task, uncertain

ALL = [
    lead(),
    *(lead(enrollment(status)) for status in Status),
    *(lead(enrollment(status, has_started=False, position=0)) for status in Status),
    lead(enrollment(is_under_way=True, status=Status.IN_PROGRESS)),
    lead(*(enrollment(id=n) for n in range(40))),
    lead(name="", company="", stage="", owner=None, zone=None, tags=(), timeline=(), enrollments=()),
    lead(is_erased=True),
    hostile_lead(),
    hostile_lead(40),
    uncertain(),
    uncertain(verdict="It left, says Ana Ruiz."),
    uncertain(lead=HOSTILE * 20, sequence=HOSTILE * 20, subject=HOSTILE * 20, reason=HOSTILE * 20),
    *(task(state=state) for state in ("open", "hidden", "done", "skipped")),
    task(title=HOSTILE * 20, body=HOSTILE * 200, lead=HOSTILE * 20, sequence=HOSTILE * 20),
    task(body=""),
    notice(),
    notice(title=HOSTILE * 20, lines=(HOSTILE * 20,) * 50),
]


def walk(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def objects(message, kind):
    return [node for node in walk(message["blocks"]) if isinstance(node, dict) and node.get("type") == kind]


def texts(message):
    return [
        node["text"]
        for node in walk(message["blocks"])
        if isinstance(node, dict) and isinstance(node.get("text"), str)
    ]


def labels(message):
    pressed = [button["text"]["text"] for button in objects(message, "button")]
    return pressed + [
        option["text"]["text"] for menu in objects(message, "overflow") for option in menu["options"]
    ]


@pytest.mark.parametrize("view", ALL, ids=range(len(ALL)))
def test_card_keeps_slacks_rules(view):
    assert check_message(card(view)) == []


@pytest.mark.parametrize("shown", list(samples.answers()), ids=range(len(list(samples.answers()))))
def test_answer_keeps_slacks_rules(shown):
    assert check_message(answer(shown)) == []


@pytest.mark.parametrize(
    "view", [*ALL, *samples.answers()], ids=range(len(ALL) + len(list(samples.answers())))
)
def test_outside_text_stays_plain(view):
    message = card(view) if view in ALL else answer(view)
    assert not objects(message, "mrkdwn")
    assert not any(
        objects(message, kind) for kind in ("user", "usergroup", "broadcast", "link", "channel", "emoji")
    )
    assert "<" not in message["text"]
    assert ">" not in message["text"]
    for text in [*texts(message), message["text"]]:
        assert "\u202e" not in text
        assert "\u200b" not in text


def test_hidden_characters_are_shown():
    assert any("\\u202eabc\\u200b" in text for text in texts(card(hostile_lead())))


def test_fallback_neither_mentions_nor_formats():
    text = escaped("<!channel> *bold* _it_ ~no~ `code` & <@U1>")
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    assert " &amp; " in text
    for char in "*_~`":
        assert all(text[at - 1] == "\u2060" for at, found in enumerate(text) if found == char)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            enrollment(),
            ["⏸️ Pause", "Stop", "Pause until a date…", "Skip this step", "Resend the last step", "Stop, with a reason…", "History"],
        ),
        (enrollment(has_started=False, position=0), ["⏭️ Skip this lead", "Stop", "Skip this step", "Stop, with a reason…", "History"]),
        (
            enrollment(Status.PAUSED),
            ["▶️ Resume", "Stop", "Resume on a date…", "Resume, keep the original date", "Skip this step", "Stop, with a reason…", "History"],
        ),
        (enrollment(Status.IN_PROGRESS), ["⏸️ Pause", "Stop", "Pause until a date…", "Stop, with a reason…", "History"]),
        (enrollment(Status.SKIPPED), ["Let it start", "History"]),
        (enrollment(Status.STOPPED), ["Start again", "History"]),
        (enrollment(Status.COMPLETED, position=5), ["Start again", "Resend the last step", "History"]),
    ],
)  # fmt: skip
def test_card_offers_what_fits_the_status(shown, expected):
    of_the_lead = ["Edit lead…", "Why is nothing sent now?"]
    offered = labels(card(lead(shown)))
    assert [label for label in offered if label not in of_the_lead] == expected
    assert [label for label in offered if label in of_the_lead] == of_the_lead


def test_suppressed_lead_is_offered_no_mail():
    ended = enrollment(Status.STOPPED)
    assert "Start again" in labels(card(lead(ended)))
    assert "Start again" not in labels(card(lead(ended, suppressed="This address gets no mail.")))


@pytest.mark.parametrize("view", [lead(enrollment(status)) for status in Status])
def test_every_button_can_be_read(view):
    message = card(view)
    for element in objects(message, "button"):
        codec.read_action(element)
    for menu in objects(message, "overflow"):
        for option in menu["options"]:
            codec.read_action({"selected_option": option})


def test_lead_card_says_what_matters():
    shown = "\n".join(texts(card(lead(enrollment(Status.PAUSED, reasons=("Paused by Ana until 15 June",))))))
    for words in (
        "Ada Lovelace · Analytical Engines",
        "ada@engines.example",
        "⏸️ Paused",
        "Spring outreach",
        "step 2 of 5",
        "“Re: pricing for Analytical Engines”",
        "Thursday 3 June 2027, 10:30 (Europe/London)",
        "Paused by Ana until 15 June",
        "Step 1 “A question” left",
    ):
        assert words in shown


def test_times_follow_the_reader():
    dates = objects(card(lead()), "date")
    assert dates[0]["timestamp"] == int(NOW.timestamp()) + 2 * 86_400
    assert dates[0]["fallback"] == "Thursday 3 June 2027, 10:30 (Europe/London)"


def test_stop_asks_before():
    stop = next(b for b in objects(card(lead()), "button") if b["text"]["text"] == "Stop")
    assert stop["style"] == "danger"
    assert "cannot be resumed" in stop["confirm"]["text"]["text"]


def test_erased_lead_shows_nothing_of_them():
    message = card(lead(is_erased=True))
    assert "no longer here" in message["text"]
    assert "Ada" not in json.dumps(message)


def test_uncertain_card_asks_with_consequences():
    message = card(uncertain())
    assert labels(message) == ["It left", "Send again", "Drop it"]
    assert all(button["confirm"] for button in objects(message, "button"))


def test_settled_uncertain_card_cannot_be_pressed():
    assert labels(card(uncertain(verdict="It left, says Ana Ruiz."))) == []


def test_answer_offers_undo_unless_refused():
    paused, refused = (
        samples.Answer("Paused.", batch_id=41),
        samples.Answer("No.", batch_id=41, is_refusal=True),
    )
    assert labels(answer(paused)) == ["↩️ Undo"]
    assert labels(answer(refused)) == []


def test_long_list_says_what_is_missing():
    message = answer(samples.Answer("All.", rows=(samples.Row("Ada", "paused"),) * 40))
    assert any("25 more lines are not shown" in text for text in texts(message))
