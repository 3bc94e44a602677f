"""Goals as files: what they can say, and each fault as a sentence with its line."""

from __future__ import annotations

import pytest

from core.goal_file import describe, dump, is_goal, load
from core.sequence_file import SpecFault

DEMO = """\
# A comment first.
goal: Demo booked
when: {meeting: booked}
in: [Spring]
start: Onboarding
stop: [Spring]
"""


def goal(when: str = "{tag: customer}", rest: str = "start: Onboarding") -> str:
    return f"goal: G\nwhen: {when}\n{rest}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DEMO, "A booked meeting on leads of Spring starts Onboarding and stops Spring."),
        (goal(), "A tag “customer” starts Onboarding."),
        (goal("{stage: won}", "stop: all"), "A stage “won” stops every sequence."),
        (goal("{note:  wants  a quote}", "stop: others\nstart: B"),
         "A note “wants a quote” starts B and stops every other sequence."),
        (goal("{form: Contact}", "start: B\nagain: false"), "A form “Contact” starts B, once."),
        (goal("{click: /pricing}", "stop: Spring"), "A click on “/pricing” stops Spring."),
        (goal("{event: trial_started}"), "An event “trial_started” starts Onboarding."),
        (goal("{reply: true}"), "An answer starts Onboarding."),
        (goal('{meeting: no_show}'), "A no-show starts Onboarding."),
        (goal('{new_lead: "stage:demo -in:Spring"}'),
         "A new lead (in stage “demo”, never in Spring) starts Onboarding."),
        (goal("{new_lead: everyone}"), "A new lead (everyone) starts Onboarding."),
    ],
)  # fmt: skip
def test_a_goal_is_read_said_and_written_back_equal(text: str, words: str) -> None:
    spec = load(text)

    assert is_goal(text)
    assert describe(spec) == words
    assert load(dump(spec)) == spec
    assert dump(load(dump(spec))) == dump(spec)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (goal("{tag: }"), "Line 2, when: Say which tag, as text."),
        (goal("{tag: a, stage: b}"), "Line 2, when: Name one event"),
        (goal("customer"), "Line 2, when: Name one event"),
        (goal("{opened: true}"), 'Line 2, when: There is no event "opened"; there are tag, stage,'),
        (goal("{meeting: lost}"), '"lost" is not possible here; use booked, happened or no_show.'),
        (goal("{reply: false}"), "Write `reply: true`"),
        (goal('{new_lead: "-in:Spring"}'), "Say also who is meant"),
        (goal("{new_lead: mine}"), "Nobody asks here"),
        (goal('{new_lead: "stage:demo owner:me"}'), "Nobody asks here"),
        (goal("{new_lead: ada@acme.test}"), "Name a kind of leads"),
        (goal(rest=""), "The goal does nothing yet"),
        (goal(rest="start: B\nstop: all"), "It would stop what it starts; write `stop: others`."),
        (goal(rest="start: B\nstop: [A, b]"), "B cannot be both started and stopped"),
        (goal(rest="stop: []"), "This list has no entries"),
        (goal(rest="start: [B]"), "Line 3, start: This must be text."),
        (goal(rest="start: B\nagain: maybe"), "Line 4, again: This must be true or false."),
        (
            goal(rest="start: B\nstpo: A"),
            'There is no key "stpo" here; the keys are goal, when, in, start, stop',
        ),
        ("goal: G\nstart: B\n", 'The key "when" is missing.'),
        ("- goal", "This holds no goal"),
        ("goal: *x\n", "repeats another value"),
    ],
)
def test_a_fault_is_a_sentence(text: str, fault: str) -> None:
    with pytest.raises(SpecFault) as fault_:
        load(text, name="g.yaml")
    assert fault in str(fault_.value)


def test_every_fault_is_said_at_once() -> None:
    with pytest.raises(SpecFault) as fault:
        load("goal: G\nwhen: {meeting: lost}\nagain: maybe\nfoo: 1\n")
    assert len(fault.value.faults) == 3


@pytest.mark.parametrize(
    "text", ["sequence: goal\nsteps: []\n", "steps:\n  - goal: x\n", "", "# goal: x\nsequence: A\n"]
)
def test_what_does_not_begin_with_goal_is_no_goal(text: str) -> None:
    assert not is_goal(text)
