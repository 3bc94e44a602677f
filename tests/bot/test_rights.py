"""What each command needs of the person who gives it."""

import pytest

from bot.codec import Click, Confirm, Keep, OpenForm, Say, Settle, Undo
from bot.rights import Need, of_command, of_intent


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("", Need.READS),
        ("help", Need.READS),
        ("puase ada@x.test", Need.READS),
        ("pause ada@x.test until June 15", Need.STOPS_MAIL),
        ("pause @x.test", Need.STOPS_MAIL),
        ("stop <mailto:ada@x.test|ada@x.test>", Need.STOPS_MAIL),
        ("skip ada@x.test in Spring", Need.STOPS_MAIL),
        ("status ada@x.test", Need.READS),
        ("why everyone", Need.READS),
        ("halt", Need.STOPS_MAIL),
        ("pause sequence Spring", Need.STOPS_MAIL),
        ("resume ada@x.test", Need.ACTS),
        ("start ada@x.test in Spring", Need.ACTS),
        ("resend step ada@x.test", Need.ACTS),
        ("undo", Need.ACTS),
        ("resume sequence Spring", Need.ACTS),
        ("pause everyone", Need.IS_FOR_ADMINS),
        ("pause all", Need.IS_FOR_ADMINS),
        ("resume everyone in Spring", Need.IS_FOR_ADMINS),
        ("unhalt", Need.IS_FOR_ADMINS),
        ("publish sequence Spring", Need.IS_FOR_ADMINS),
        ("archive sequence Spring", Need.IS_FOR_ADMINS),
        ("card review 12 unsubscribe seen 0", Need.STOPS_MAIL),
        ('card review 12 "bounce seen 0"', Need.STOPS_MAIL),
        ("card review 12 reply seen 0", Need.ACTS),
        ("card review 12 away until June 15", Need.ACTS),
        ("card review 12 automatic", Need.ACTS),
        ("card review 12 not about them", Need.ACTS),
        ("card review 12 contact 1", Need.ACTS),
        ("digest at 9:15", Need.READS),
        ("digest off for #sales", Need.ACTS),
        ("card digest 9 more 12", Need.READS),
        ("card digest 9 resume due", Need.ACTS),
        ("card paused 12 stop seen 3", Need.STOPS_MAIL),
        ("card paused 12 one week later seen 3", Need.ACTS),
        ("qualify ada@x.test company", Need.ACTS),
        ("note ada@x.test wants a quote", Need.ACTS),
        ("goals", Need.READS),
        ("goal off Demo booked", Need.IS_FOR_ADMINS),
        ("qualify everyone", Need.IS_FOR_ADMINS),
    ],
)
def test_command_needs(text, need):
    assert of_command(text) is need


@pytest.mark.parametrize(
    ("intent", "need"),
    [
        (Click("pause", 1, 1), Need.STOPS_MAIL),
        (Click("stop", 1, 1), Need.STOPS_MAIL),
        (Click("resume", 1, 1), Need.ACTS),
        (Click("start", 1, 1), Need.ACTS),
        (Keep(1, 1), Need.ACTS),
        (OpenForm("pause", 1, 1), Need.STOPS_MAIL),
        (OpenForm("resume", 1, 1), Need.ACTS),
        (OpenForm("away", 1, 1), Need.ACTS),
        (Say("unhalt"), Need.IS_FOR_ADMINS),
        (Say("pause ada@x.test"), Need.STOPS_MAIL),
        (Confirm("p_1"), Need.ACTS),
        (Undo(1), Need.ACTS),
        (Settle("again", 1), Need.ACTS),
    ],
)
def test_click_needs(intent, need):
    assert of_intent(intent) is need
