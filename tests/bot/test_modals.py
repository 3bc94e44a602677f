"""The forms keep Slack's rules, remember what they act on, and say at the field what they cannot read."""

from datetime import UTC, datetime

import pytest

from bot import codec, modals
from bot.codec import Form
from bot.modals import CLOCK, REASON, WHEN, Wrong
from sandbox.slack.blocks import check_view
from tests.bot.samples import HOSTILE, NOW

BERLIN = "Europe/Berlin"
PAUSE, RESUME, STOP, AWAY = (
    Form(name, 12, 7, "C1", "https://hooks.slack.com/x") for name in ("pause", "resume", "stop", "away")
)


def state(**fields):
    values = {}
    for name, value in fields.items():
        key = {"when": "value", "day": "selected_date", "clock": "selected_time", "reason": "value"}[name]
        block = WHEN if name == "day" else name
        values[block] = {codec.action_id(block): {"type": "any", key: value}}
    return {"values": values}


def read(form, **fields):
    return modals.filled(form, state(**fields), now=NOW, zone=BERLIN)


def wrong(form, **fields):
    with pytest.raises(Wrong) as refused:
        read(form, **fields)
    return refused.value.errors


@pytest.mark.parametrize("form", [PAUSE, RESUME, STOP, AWAY])
@pytest.mark.parametrize("about", ["Ada Lovelace in Spring", HOSTILE * 20, ""])
def test_modal_keeps_slacks_rules(form, about):
    view = modals.view(form, about=about, now=NOW, zone=BERLIN)
    assert check_view(view) == []
    assert codec.read_metadata(view["private_metadata"]) == form
    assert view["callback_id"] == codec.callback_id(form.form)


@pytest.mark.parametrize("sentence", [codec.OLD_FORM, HOSTILE * 20])
def test_refusal_modal_keeps_slacks_rules(sentence):
    assert check_view(modals.refusal(sentence)) == []


def test_pause_reads_a_phrase_and_a_reason():
    filled = read(PAUSE, when="June 15", reason="  on holiday ")
    assert filled.when.at == datetime(2027, 6, 15, 22, tzinfo=UTC)  # the end of that day in Berlin
    assert filled.reason == "on holiday"


def test_pause_without_a_date_has_none():
    assert read(PAUSE, when="  ").when is None
    assert read(PAUSE).when is None
    assert modals.filled(PAUSE, None, now=NOW, zone=BERLIN).when is None


def test_resume_reads_the_pickers():
    assert read(RESUME, day="2027-06-15", clock="14:30").when.at == datetime(2027, 6, 15, 12, 30, tzinfo=UTC)
    assert read(RESUME, day="2027-06-15").when.at == datetime(2027, 6, 14, 22, tzinfo=UTC)


def test_day_written_in_full_may_be_far_off():
    assert read(PAUSE, when="2027-12-24").when.at == datetime(2027, 12, 24, 23, tzinfo=UTC)
    assert read(RESUME, day="2027-12-24").when.at == datetime(2027, 12, 23, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "when", ["yesterday", "2026", "9/8", "never", "tomorrow\x00", "1 " * 3_000, "December 24"]
)
def test_unreadable_date_is_said_at_its_field(when):
    errors = wrong(PAUSE, when=when, reason="why")
    assert list(errors) == [WHEN]
    assert len(errors[WHEN]) <= 300


def test_ambiguous_date_names_the_choices():
    assert "Friday 6 August 2027" not in (said := wrong(PAUSE, when="9/8")[WHEN])
    assert "9 August 2027" in said
    assert "8 September 2027" in said


def test_resume_needs_a_day_that_is_not_past():
    assert WHEN in wrong(RESUME, clock="14:30")
    assert WHEN in wrong(RESUME, day="2027-05-01")
    assert WHEN in wrong(RESUME, day="not a day")


def test_away_reads_the_last_day_whole():
    filled = read(AWAY, day="2027-06-30")
    assert (filled.when.day.isoformat(), filled.when.has_time) == ("2027-06-30", False)
    assert filled.when.at == datetime(2027, 6, 30, 22, tzinfo=UTC)  # the end of that day in Berlin
    assert filled.reason == ""


@pytest.mark.parametrize("day", [None, "", "2027-05-01", "soon"])
def test_away_needs_a_day_that_is_not_past(day):
    assert WHEN in wrong(AWAY, day=day)


def test_reason_too_long_is_said_at_its_field():
    assert "3,001" in wrong(STOP, reason="x" * 3_001)[REASON]
    assert REASON in wrong(STOP, reason="a\x00b")


def test_every_fault_is_said_at_once():
    assert set(wrong(PAUSE, when="never", reason="x" * 3_001)) == {WHEN, REASON}


def test_resume_ignores_a_time_of_the_wrong_kind():
    assert read(RESUME, day="2027-06-15", clock=None).when.at == datetime(2027, 6, 14, 22, tzinfo=UTC)
    assert CLOCK
