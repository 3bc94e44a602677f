"""What a click means comes back as it was sent; whatever else comes is refused with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import codec
from bot.codec import Click, Confirm, Form, Keep, OpenForm, Say, Settle, Undo
from core.errors import Refused
from core.lifecycle import Verdict

IDS = st.integers(0, codec.LARGEST_ID)
INTENTS = st.one_of(
    st.builds(Click, st.sampled_from(sorted(codec.VERBS)), IDS, IDS),
    st.builds(Keep, IDS, IDS),
    st.builds(OpenForm, st.sampled_from(sorted(codec.FORMS)), IDS, IDS),
    st.builds(Say, st.text(min_size=1, max_size=1_990)),
    st.builds(Confirm, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)),
    st.builds(Undo, IDS),
    st.builds(Settle, st.sampled_from(sorted(Verdict)), IDS),
)


@given(INTENTS)
def test_value_comes_back(intent):
    value = codec.value(intent)
    assert value is not None
    assert len(value) <= codec.BUTTON_VALUE_CHARS
    assert codec.read_value(value) == intent


@given(INTENTS)
def test_action_comes_back_from_a_button_and_a_menu(intent):
    value = codec.value(intent)
    assert codec.read_action({"value": value}) == intent
    assert codec.read_action({"selected_option": {"value": value}}) == intent


@pytest.mark.parametrize("longest", [codec.BUTTON_VALUE_CHARS, codec.OPTION_VALUE_CHARS])
def test_value_too_long_is_none(longest):
    assert codec.value(Say("x" * (longest - 4)), longest=longest) is not None
    assert codec.value(Say("x" * (longest - 3)), longest=longest) is None


@given(
    st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()))
)
def test_anything_else_is_refused_with_a_sentence(junk):
    for read in (codec.read_value, codec.read_action, codec.read_metadata):
        assert _refusal(read, junk) in {codec.OLD_BUTTON, codec.OLD_FORM, None}


def _refusal(read, junk):
    try:
        read(junk)
    except Refused as refused:
        return str(refused)
    return None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "click",
        "click pause",
        "click pause 1",
        "click pause 1 2 3",
        "click destroy 1 2",
        "click pause -1 2",
        "click pause ١ 2",
        f"click pause {2**63} 1",
        "click pause 1 2\n",
        "keep 1",
        "form resume 1",
        "form away 31",
        "away 31 0",
        "say ",
        "confirm a/b",
        "undo all",
        "settle maybe 3",
        "say " + "x" * 2_000,
    ],
)
def test_undecodable_value_is_refused(value):
    with pytest.raises(Refused) as refused:
        codec.read_value(value)
    assert str(refused.value) == codec.OLD_BUTTON


@given(
    st.builds(
        Form, st.sampled_from(sorted(codec.FORMS)), IDS, IDS, st.text(max_size=60), st.text(max_size=200)
    )
)
def test_metadata_comes_back(form):
    text = codec.metadata(form)
    assert len(text) <= codec.METADATA_CHARS
    assert codec.read_metadata(text) == form


def test_form_about_a_message_comes_back():
    intent = OpenForm(codec.AWAY, 31, 1_811_847_000_000)
    assert codec.value(intent) == "form away 31 1811847000000"
    assert codec.read_value("form away 31 1811847000000") == intent


def test_metadata_without_room_forgets_the_way_back():
    form = Form("pause", 12, 7, "C1", "https://hooks.slack.com/" + "x" * 3_000)
    assert codec.read_metadata(codec.metadata(form)) == Form("pause", 12, 7)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "not JSON",
        "[]",
        "null",
        "{}",
        "x" * 3_001,
        "[" * 2_999,
        json.dumps({"form": "pause", "enrollment_id": "12", "version": 7, "channel": "", "response_url": ""}),
        json.dumps({"form": "pause", "enrollment_id": True, "version": 7, "channel": "", "response_url": ""}),
        json.dumps({"form": "pause", "enrollment_id": -1, "version": 7, "channel": "", "response_url": ""}),
        json.dumps({"form": "erase", "enrollment_id": 12, "version": 7, "channel": "", "response_url": ""}),
        json.dumps({"form": "pause", "enrollment_id": 12, "version": 7, "channel": [], "response_url": ""}),
        json.dumps({"form": ["pause"], "enrollment_id": 1, "version": 7, "channel": "", "response_url": ""}),
    ],
)
def test_undecodable_metadata_is_refused(metadata):
    with pytest.raises(Refused) as refused:
        codec.read_metadata(metadata)
    assert str(refused.value) == codec.OLD_FORM


def test_action_id_stays_within_bounds():
    assert len(codec.action_id("x" * 500)) == codec.ACTION_ID_CHARS
    assert codec.action_id("click", 12).startswith(codec.PREFIX)
