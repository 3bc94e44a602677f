"""Sequences as YAML: one table per rule, then what must hold for any text and any sequence."""

from __future__ import annotations

import time as clock
from datetime import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Refused
from core.lifecycle import Policy
from core.schedule import MONDAY_TO_FRIDAY, Calendar, Delay, Unit, Window
from core.sequence_file import SpecFault, check, dump, load
from core.sequence_file.spec import Act, Reaction, Scope, SequenceSpec
from core.sequence_file.words import read_days, read_delay, say_days, say_delay

SAMPLE = Path(__file__).parents[2] / "sandbox" / "samples" / "spring.yaml"
MANUAL = Path(__file__).parents[2] / "docs" / "sequences.md"

SHORT = "sequence: Short\nsteps:\n  - subject: Hello\n    body: Hi there\n"


def with_setting(line: str) -> str:
    return f"{line}\n{SHORT}"


def with_step(step: str) -> str:
    lines = "".join(f"    {line}\n" for line in step.splitlines())
    return f"{SHORT}  -{lines[3:]}"


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(SpecFault) as refused:
        load(text)
    return refused.value.faults


def only_fault_of(text: str) -> str:
    (fault,) = faults_of(text)
    return fault


# What a file says -------------------------------------------------------------------------------------------------


def test_sample_is_read_and_may_be_published() -> None:
    spec = load(SAMPLE.read_text(encoding="utf-8"))
    assert (spec.name, [step.id for step in spec.steps]) == (
        "Spring outreach",
        ["intro", "nudge", "example", "call", "close"],
    )
    assert spec.calendar == Calendar(Window(time(9), time(17), MONDAY_TO_FRIDAY), "Europe/Berlin", "DE")
    assert check(spec, mailboxes={"ana@sales.example"}, fields=frozenset()) == []


def test_every_example_of_the_manual_is_read() -> None:
    blocks = [block.split("```")[0] for block in MANUAL.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    wholes = [block for block in blocks if block.startswith("sequence:")]
    assert wholes
    for block in wholes:
        assert load(dump(load(block))) == load(block)


def test_what_is_left_out_has_a_meaning() -> None:
    spec = load(SHORT)
    assert spec.calendar == Calendar(None, "UTC", None)
    assert spec.lead_zone
    assert spec.mailboxes is None
    assert spec.resume is Policy.FREEZE
    assert spec.grace == Delay(1, Unit.BUSINESS_DAYS)
    assert (spec.channel, spec.tag) == (None, None)
    assert (spec.steps[0].id, spec.steps[0].kind, spec.steps[0].delay) == (
        "step-1",
        "email",
        Delay(0, Unit.DAYS),
    )
    assert spec.on.reply == Reaction(do=Act.PAUSE, scope=Scope.LEAD)
    assert spec.on.out_of_office == Reaction(do=Act.PAUSE, scope=Scope.LEAD, until="return")


@pytest.mark.parametrize("word", ["on", '"on"', "'on'"])
def test_key_on_is_a_word(word: str) -> None:
    assert load(with_setting(f"{word}: {{reply: stop}}")).on.reply.do is Act.STOP


@pytest.mark.parametrize(("opens", "closes"), [("09:00", "17:00"), ('"09:00"', '"17:00"'), ("9:00", "17:00")])
def test_clock_is_no_number(opens: str, closes: str) -> None:
    window = load(with_setting(f"window: {{days: Mon-Fri, from: {opens}, to: {closes}}}")).window
    assert window is not None
    assert window.window == Window(time(9), time(17), MONDAY_TO_FRIDAY)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("holidays: NO", "holidays", "NO"),  # Norway, which YAML 1.1 takes for false
        ("holidays: de", "holidays", "DE"),
        ("holidays: none", "holidays", None),
        ("holidays:", "holidays", None),
        ("tag: 2027-06-15", "tag", "2027-06-15"),
        ("tag: 0123", "tag", "0123"),
        ("tag: yes", "tag", "yes"),
        ("lead_zone: false", "lead_zone", False),
        ("lead_zone: no", "lead_zone", False),
        ("resume: keep", "resume", Policy.KEEP),
        ("grace: 2 weeks", "grace", Delay(14, Unit.DAYS)),
        ("mailboxes: [Ana@Sales.Example]", "mailboxes", ("ana@sales.example",)),
        ('channel: "#outbound"', "channel", "#outbound"),
        ("channel: C0123ABCD", "channel", "C0123ABCD"),
    ],
)
def test_setting_is_read(line: str, key: str, value: object) -> None:
    assert getattr(load(with_setting(line)), key) == value


@pytest.mark.parametrize(
    ("phrase", "delay", "said"),
    [
        ("0 days", Delay(0, Unit.DAYS), "0 days"),
        ("1 day", Delay(1, Unit.DAYS), "1 day"),
        ("3 Days", Delay(3, Unit.DAYS), "3 days"),
        ("2 business days", Delay(2, Unit.BUSINESS_DAYS), "2 business days"),
        ("1 business  day", Delay(1, Unit.BUSINESS_DAYS), "1 business day"),
        ("4 hours", Delay(4, Unit.HOURS), "4 hours"),
        ("30 min", Delay(30, Unit.MINUTES), "30 minutes"),
        ("2 weeks", Delay(14, Unit.DAYS), "14 days"),
    ],
)
def test_delay_is_read_and_said(phrase: str, delay: Delay, said: str) -> None:
    assert read_delay(phrase) == delay
    assert say_delay(delay) == said


@pytest.mark.parametrize(
    "phrase", ["", "3", "days", "-1 days", "1.5 days", "3 lightyears", "٣ days", "4000 days", None, 3]
)
def test_delay_that_cannot_be_meant_is_no_delay(phrase: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_delay(phrase)


@pytest.mark.parametrize(
    ("phrase", "days", "said"),
    [
        ("Mon-Fri", {0, 1, 2, 3, 4}, "Mon-Fri"),
        ("monday – friday", {0, 1, 2, 3, 4}, "Mon-Fri"),
        ("Mon,Wed,Fri", {0, 2, 4}, "Mon,Wed,Fri"),
        ("Tu, Th", {1, 3}, "Tue,Thu"),
        ("Mon-Wed,Sat", {0, 1, 2, 5}, "Mon-Wed,Sat"),
        ("Sat-Mon", {5, 6, 0}, "Mon,Sat,Sun"),
        ("Sun", {6}, "Sun"),
    ],
)
def test_days_are_read_and_said(phrase: str, days: set[int], said: str) -> None:
    assert read_days(phrase) == days
    assert say_days(days) == said


@pytest.mark.parametrize(
    ("line", "event", "reaction"),
    [
        ("reply: stop", "reply", Reaction(do=Act.STOP)),
        ("reply: {do: pause, until: 14 days}", "reply", Reaction(do=Act.PAUSE, until=Delay(14, Unit.DAYS))),
        ("out_of_office: {do: pause, scope: sequence}", "out_of_office",
         Reaction(do=Act.PAUSE, scope=Scope.SEQUENCE, until="return")),
        ("out_of_office: continue", "out_of_office", Reaction(do=Act.CONTINUE)),
        ("meeting: {do: stop, scope: company}", "meeting", Reaction(do=Act.STOP, scope=Scope.COMPANY)),
        ("click: pause", "click", Reaction(do=Act.PAUSE, scope=Scope.SEQUENCE)),
    ],
)  # fmt: skip
def test_reaction_is_a_word_or_a_block(line: str, event: str, reaction: Reaction) -> None:
    spec = load(with_setting(f"on: {{{line}}}"))
    assert getattr(spec.on, event) == reaction
    assert load(dump(spec)) == spec


# What a file says wrongly -----------------------------------------------------------------------------------------


@pytest.mark.row(207)
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("zoen: UTC", 'Line 1: There is no key "zoen" here; did you mean "zone"?'),
        ("zone: Europe/Berlni", "Line 1, zone: There is no time zone"),
        ("holidays: XX", "Line 1, holidays: There are no public holidays"),
        ("lead_zone: maybe", "Line 1, lead_zone: This must be true or false."),
        ("resume: at", 'Line 1, resume: "at" is not possible here; use freeze or keep.'),
        ("grace: 1 fortnight", 'Line 1, grace: "1 fortnight" is no delay; write a number and a unit'),
        ("channel: outbound", 'Line 1, channel: "outbound" is no Slack channel'),
        ("channel: '#a b'", 'Line 1, channel: "#a b" is no Slack channel'),
        ("tag: ''", "Line 1, tag: This is empty"),
        ('tag: "a\\nb"', "Line 1, tag: This has a line break"),
        (f"tag: {'a' * 121}", "Line 1, tag: This has 121 characters; 120 is the most."),
        ("mailboxes: ana@sales.example", "Line 1, mailboxes: This must be a list"),
        ("mailboxes: []", "Line 1, mailboxes: This list has no entries"),
        ("mailboxes: [ana]", "Line 1, mailboxes: “ana” is no e-mail address"),
        ("mailboxes: [a@x.test, A@x.test]", "Line 1, mailboxes: a@x.test stands here twice"),
        ('window: {days: Mon-Fri, from: "18:00", to: "09:00"}', "Line 1, window: The window closes at 09:00"),
        ('window: {days: Mon-Fri, from: "09:00", to: "09:00"}', "Line 1, window: The window closes at 09:00"),
        ('window: {days: [], from: "09:00", to: "17:00"}', "Line 1, window: The window has no weekdays"),
        ('window: {days: "", from: "09:00", to: "17:00"}', "Line 1, window.days: \"\" is no weekday"),
        ('window: {days: Fry, from: "09:00", to: "17:00"}', "Line 1, window.days: \"Fry\" is no weekday"),
        ('window: {days: Mon-Wed-Fri, from: "09:00", to: "17:00"}', "Line 1, window.days"),
        ('window: {from: "09:00", to: "24:00"}', "Line 1, window.to: \"24:00\" is no time of day"),
        ('window: {from: "09:00"}', 'Line 1, window: The key "to" is missing.'),
        ('window: {form: "09:00", from: "09:00", to: "17:00"}', 'did you mean "from"?'),
        ("window: always", "Line 1, window: This must be a block of keys"),
        ("on: {replly: pause}", 'Line 1, on: There is no key "replly" here; did you mean "reply"?'),
        ("on: {reply: pauze}", 'Line 1, on.reply.do: "pauze" is not possible here'),
        ("on: {reply: {do: pause, sope: lead}}", 'Line 1, on.reply: There is no key "sope" here; did you mean "scope"?'),
        ("on: {reply: {do: stop, until: 3 days}}", "Line 1, on.reply: Only a pause can have an until"),
        ("on: {reply: {do: pause, until: return}}", "Line 1, on.reply: Only an out-of-office names a return"),
        ("on: {unsubscribe: continue}", "Line 1, on.unsubscribe: The unsubscribe of a lead always stops"),
        ("on: {complaint: pause}", "Line 1, on.complaint: The complaint of a lead always stops"),
        ("on: {bounce: continue}", "Line 1, on.bounce: A bounce cannot continue"),
        ("zone: UTC\nzone: UTC", 'Line 2: The key "zone" stands here twice; keep one.'),
    ],
)  # fmt: skip
def test_wrong_setting_gets_a_sentence(line: str, sentence: str) -> None:
    assert sentence in only_fault_of(with_setting(line))


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("subject: Hi\nbody: Hi", 'Line 5, step 2: The key "delay" is missing.'),
        ("id: two\ndelay: 1 day\nsubjekt: Hi", 'Line 7, step two: There is no key "subjekt" here; did you mean "subject"?'),
        ("id: two\ndelay: 3", 'Line 6, step two, delay: "3" is no delay'),
        ("id: two\ndelay: 1 day\nbody: [a]", "Line 7, step two, body: This must be text."),
        ("id: two\ndelay: 1 day\nthread: maybe", "Line 7, step two, thread: This must be true or false."),
        ("id: Two!\ndelay: 1 day", 'Line 5, step Two!, id: "Two!" is no step id'),
        ("id: step-1\ndelay: 1 day", 'Line 2, steps: Two steps have the id "step-1"'),
        ("kind: call\ndelay: 1 day", "Line 5, step 2: A step is of the kind email, task, condition, stop or jump."),
        ("kind: task\ndelay: 1 day", 'Line 5, step 2: The key "title" is missing.'),
        ("kind: task\ndelay: 1 day\ntitle: Call\nsubject: Hi", 'Line 8, step 2: There is no key "subject" here'),
        ("kind: condition\ndelay: 1 day\nwhen: slept", 'Line 7, step 2, when: "slept" is not possible here'),
        ("kind: condition\ndelay: 1 day\nwhen: clicked\nthen: step-1", 'leads to "step-1", which is no later step'),
    ],
)  # fmt: skip
def test_wrong_step_gets_a_sentence_with_its_name(step: str, sentence: str) -> None:
    assert sentence in only_fault_of(with_step(step))


def test_all_faults_are_said_at_once() -> None:
    faults = faults_of(
        "zoen: UTC\nsequence: A\nsequence: B\nsteps:\n"
        "  - id: one\n    delay: soon\n  - id: one\n    delay: 1 day\n    body: [a]\n  - just text\n"
    )
    assert len(faults) == 6
    for part in (
        '"zoen"',
        '"sequence" stands here twice',
        "step one, delay",
        "step one, body",
        'the id "one"',
        "Line 10, step 3: This must be a block of keys",
    ):
        assert any(part in fault for fault in faults), part


def test_faults_name_the_file_and_long_lists_are_cut() -> None:
    with pytest.raises(SpecFault, match=r"^spring\.yaml: Line 1") as refused:
        load(with_setting("zoen: UTC"), name="spring.yaml")
    assert "\n" not in str(refused.value)
    with pytest.raises(SpecFault, match=r"x has 50 faults\.") as refused:
        load("sequence: A\nsteps:\n" + "  - delay: soon\n" * 50, name="x")
    assert str(refused.value).endswith("- … and 30 more.")


@pytest.mark.row(206)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "This holds no sequence"),
        ("# nothing\n", "This holds no sequence"),
        ("- a\n- b\n", "This holds no sequence"),
        ("just text", "This holds no sequence"),
        ("sequence: [", "Line 1: This is not readable as YAML"),
        ("sequence: A\nsteps:\n\t- a\n", "Line 3: This is not readable as YAML"),
        ("sequence: !!python/object/apply:os.system [ls]", "Line 1: The tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("sequence: !x A", "Line 1: The tag !x is not allowed"),
        ("a: &a [x]\nb: [*a, *a]", "Line 2: *a repeats another value"),
        ("? [a]\n: b\n", "Line 1: A key must be a single word."),
        ("a: b\n---\nc: d\n", "Line 2: A second document begins"),
        ("[" * 200_000, "nested too deeply"),
        ("- " * 1000, "nested too deeply"),
        ("{" + "a," * 130_000 + "}", "more than 5,000 values"),
        ("a: " + "x" * 262_144, "larger than 256 KB"),
        ('sequence: "\\0"', "Line 1: This holds a control or broken character"),
        ('sequence: "\\ud800"', "Line 1: This holds a control or broken character"),
        ('sequence: "\\UFFFFFFFF"', "characters that YAML does not allow"),
        ("sequence: \x07", "characters that YAML does not allow"),
        ("sequence: A\nsteps: []", "Line 2, steps: This list has no entries"),
        ("sequence: A\nsteps: none", "Line 2, steps: This must be a list"),
        ("sequence: A", 'The key "steps" is missing.'),
        ("sequence: A\nsteps:\n" + "  - {}\n" * 101, "This list has 101 entries; give it 1 to 100."),
    ],
)  # fmt: skip
def test_unreadable_text_is_refused(text: str, sentence: str) -> None:
    assert any(sentence in fault for fault in faults_of(text))


def test_alias_bomb_costs_nothing() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    began = clock.monotonic()
    assert "repeats another value" in only_fault_of(bomb)
    assert clock.monotonic() - began < 1


# What is written back ---------------------------------------------------------------------------------------------


def test_dump_writes_every_setting_in_one_order() -> None:
    spec = load(
        with_setting(
            'window: {to: "17:00", from: "09:00"}\non: {click: {do: pause, until: 2 days}}\nholidays: "NO"'
        ).replace("body: Hi there", 'body: "Hi there,  \\n\\n  Ana\\n"')
    )
    assert dump(spec) == (
        "sequence: Short\nzone: UTC\n"
        'window:\n  days: Mon-Fri\n  from: "09:00"\n  to: "17:00"\n'
        "holidays: 'NO'\nlead_zone: true\nresume: freeze\ngrace: 1 business day\n"
        "on:\n  reply: pause\n  out_of_office: pause\n  bounce: stop\n  meeting: pause\n"
        "  click:\n    do: pause\n    scope: sequence\n    until: 2 days\n"
        "  unsubscribe: stop\n  complaint: stop\n"
        "track:\n  clicks: false\n  opens: false\n"
        "steps:\n  - id: step-1\n    delay: 0 days\n    kind: email\n    thread: false\n"
        "    subject: Hello\n    body: |\n      Hi there,  \n\n        Ana\n"
    )


def test_dump_is_read_alike_by_a_plain_yaml_reader() -> None:
    plain = yaml.safe_load(dump(load(SAMPLE.read_text(encoding="utf-8"))))
    assert plain["window"] == {"days": "Mon-Fri", "from": "09:00", "to": "17:00"}
    assert True in plain  # `on`, the one word that YAML 1.1 turns


def test_checksum_is_of_the_meaning_and_body_hash_of_the_text() -> None:
    spec = load(SHORT)
    same = load("# a remark\nsteps: [{body: Hi there, subject: Hello, id: step-1}]\nsequence: 'Short'\n")
    later = load(SHORT.replace("- subject", "- delay: 2 days\n    subject"))
    other = load(SHORT.replace("Hi there", "Hi you"))
    assert spec == same
    assert spec.checksum == same.checksum != later.checksum
    assert spec.steps[0].body_hash == later.steps[0].body_hash != other.steps[0].body_hash
    assert hash(spec) == hash(same)


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n\r :#|-'\" {}")
)
NAMES = TEXTS.map(lambda text: " ".join(text.split()) or "x").map(lambda text: text[:100].strip())
DELAYS = st.builds(
    lambda amount, unit: say_delay(Delay(amount, unit)), st.integers(0, 900), st.sampled_from(Unit)
)
EMAILS = st.fixed_dictionaries({"delay": DELAYS, "subject": TEXTS, "body": TEXTS, "thread": st.booleans()})
TASKS = st.fixed_dictionaries({"delay": DELAYS, "kind": st.just("task"), "title": NAMES, "note": TEXTS})
WORDS = NAMES.filter(bool)
ASKED = st.sampled_from(["opened", "clicked", "replied", "booked"]) | st.one_of(
    st.fixed_dictionaries({"tag": WORDS}),
    st.fixed_dictionaries({"stage": WORDS}),
    st.fixed_dictionaries({"field": st.dictionaries(WORDS, WORDS, min_size=1, max_size=1)}),
)
FORKS = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("condition"), "when": ASKED},
        optional={"delay": DELAYS, "within": DELAYS, "then": st.just("stop"), "otherwise": st.just("next")},
    ),
    st.fixed_dictionaries({"kind": st.just("stop")}, optional={"delay": DELAYS, "because": NAMES}),
    st.fixed_dictionaries({"kind": st.just("jump"), "to": NAMES}, optional={"delay": DELAYS}),
)
VERSIONS = st.fixed_dictionaries(
    {
        "delay": DELAYS,
        "variants": st.tuples(TEXTS, TEXTS).map(
            lambda texts: [
                {"name": name, "weight": "2", "subject": text, "body": text}
                for name, text in zip("AB", texts, strict=True)
            ]
        ),
    }
)
WINDOWS = st.fixed_dictionaries(
    {
        "days": st.sets(st.integers(0, 6), min_size=1).map(say_days),
        "from": st.integers(0, 11).map(lambda hour: f"{hour}:00"),
        "to": st.integers(12, 23).map(lambda hour: f"{hour}:59"),
    }
)
REACTIONS = st.fixed_dictionaries(
    {"do": st.just("pause"), "scope": st.sampled_from(Scope).map(str)}, optional={"until": DELAYS}
)
SPECS = st.fixed_dictionaries(
    {"sequence": NAMES, "steps": st.lists(EMAILS | TASKS | FORKS | VERSIONS, min_size=1, max_size=4)},
    optional={
        "zone": st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]),
        "window": WINDOWS,
        "holidays": st.sampled_from(["DE", "NO", "none"]),
        "lead_zone": st.booleans(),
        "mailboxes": st.just(["a@x.test", "b@x.test"]),
        "resume": st.sampled_from(["freeze", "keep"]),
        "grace": DELAYS,
        "on": st.fixed_dictionaries(
            {}, optional={"reply": REACTIONS, "click": REACTIONS, "out_of_office": REACTIONS}
        ),
        "tag": NAMES,
    },
)


@given(SPECS)
def test_dump_and_load_give_the_same_sequence(data: dict[str, object]) -> None:
    try:
        spec = SequenceSpec.model_validate(data)
    except ValueError:  # a name of line separators only
        return
    assert load(dump(spec)) == spec
    assert dump(load(dump(spec))) == dump(spec)


@pytest.mark.parametrize(
    "body",
    [" ", "\n", "\n\n", " \n x", "x\n ", "x \n", "\n x", "a\n   \nb", "\ta\n\tb", "a\r\nb", "a\x85b", "a\u2029b", "a\u2028b\nc", "a\x85\nb",
     "---\nb", "a: b\n- c\n", "# x\n", "x\n\n\n", "\ufeffa\nb", "😀\nb", "on", "~", "true", "1e3", "17:00"],
)  # fmt: skip
def test_every_body_comes_back_as_it_was(body: str) -> None:
    spec = SequenceSpec.model_validate({"sequence": "A", "steps": [{"subject": "S", "body": body}]})
    assert load(dump(spec)) == spec


@given(st.text(max_size=200) | st.lists(st.sampled_from([
    "sequence: A\n", "steps:\n", "  - ", "body: |\n", "on: ", "{", "}", "[", "]", "&a ", "*a", "!!x ", "? ", ": ", "'", '"',
    "\\U", "%YAML 9", "---\n", "- ", "\t", "delay: ", "window: ", "null", "kind: task\n", "@", "`", "<<: ", "|2\n",
])).map("".join))  # fmt: skip
@example("%YAML 1.1.1\n---\na")
@example("%TAG ! x\n--- !<%ff> a")
@example("&" + "a" * 100)
def test_no_text_raises_anything_but_refused(text: str) -> None:
    for start in ("", "sequence: A\n", "sequence: A\nsteps:\n  - "):
        try:
            spec = load(start + text)
        except Refused:
            continue
        assert load(dump(spec)) == spec


# What keeps it from publishing ------------------------------------------------------------------------------------


def faults_in(step: str, first: str = SHORT, **given: bool) -> list[str]:
    text = first + "".join(
        f"{'  - ' if n == 0 else '    '}{line}\n" for n, line in enumerate(step.splitlines())
    )
    return check(load(text), mailboxes={"ana@sales.example"}, fields=frozenset({"seats"}), **given)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("id: two\ndelay: 1 day\nsubject: Hi", "Step two: "),
        ("id: two\ndelay: 1 day\nbody: Hi", "Step two: "),
        ("id: two\ndelay: 1 day\nsubject: Hi\nbody: '  '", "Step two: "),
        ("delay: 1 day\nsubject: Hi\nbody: Hi {{ first_nmae }}", "first_nmae"),
        ("delay: 1 day\nsubject: Hi {{ nobody\nbody: Hi", "Step 2: "),
        ("delay: 1 day\nkind: task\ntitle: Call {{ first_nmae }}", "first_nmae"),
        ("delay: 1 day\nkind: task\ntitle: Call\nnote: '{{ first_nmae }}'", "first_nmae"),
        (
            "delay: 1 day\nkind: condition\nwhen: clicked",
            "Step 2: It needs clicks to be tracked; add `track: {clicks: true}`.",
        ),
        ("delay: 1 day\nsubject: Hi\nbody: '[x](javascript:alert)'", "javascript:alert"),
        ("delay: 1 day\nsubject: Hi\nbody: '[x](www.acme.example)'", "www.acme.example"),
        ("delay: 1 day\nsubject: Hi\nbody: see https:///page", 'The link "https:///page" names no host'),
        ("delay: 1 day\nsubject: Hi\nbody: see https://x.test:99999/", "names no host"),
    ],
)
def test_faulty_step_keeps_from_publishing(step: str, sentence: str) -> None:
    faults = faults_in(step)
    assert faults
    assert all(fault.startswith(("Step two: ", "Step 2: ")) for fault in faults)
    assert any(sentence in fault for fault in faults)


@pytest.mark.parametrize(
    "step",
    [
        "delay: 1 day\nthread: true\nbody: Hi {{ first_name }}",
        "delay: 1 day\nsubject: Hi\nbody: You have {{ lead.custom.seats }} seats",
        "delay: 1 day\nkind: task\ntitle: Call {{ first_name }}",
        "delay: 1 day\nsubject: Hi\nbody: '[x](https://acme.example/{{ lead.custom.seats }}) or http://10.0.0.1/ or <https://y.test>'",
        "delay: 1 day\nsubject: Hi\nbody: 'https://{{ domain }}/x and [mail](mailto:a@x.test)'",
    ],
)
def test_sound_step_may_be_published(step: str) -> None:
    assert faults_in(step) == []


def test_both_texts_of_a_step_are_looked_at() -> None:
    faults = faults_in("delay: 1 day\nsubject: '{{ a }}'\nbody: '{{ b }}'")
    assert len(faults) == 2


def test_first_email_cannot_continue_a_conversation() -> None:
    spec = load(
        "sequence: A\nsteps:\n  - {kind: task, title: Look}\n  - {delay: 1 day, thread: true, body: Hi}\n"
    )
    (fault,) = check(spec, mailboxes=None, fields=frozenset())
    assert fault.startswith("Step 2: It continues a conversation, but no email comes before it")


def test_senders_must_be_connected() -> None:
    named = load(with_setting("mailboxes: [ana@sales.example, ben@sales.example]"))
    (fault,) = check(named, mailboxes={"ana@sales.example"}, fields=frozenset())
    assert fault.startswith("The mailbox ben@sales.example is not connected")
    assert check(named, mailboxes=None, fields=frozenset()) == []
    (fault,) = check(load(SHORT), mailboxes=set(), fields=frozenset())
    assert fault.startswith("No mailbox is connected")


@pytest.mark.parametrize(
    ("body", "is_possible"),
    [
        ("Hi", False),
        ("Hi. {{ unsubscribe_url }}", False),
        ("Answer STOP and I will not write again.", True),
        ("Tell me to unsubscribe you.", True),
    ],
)
def test_without_a_link_the_body_must_say_how_to_opt_out(body: str, is_possible: bool) -> None:
    spec = load(SHORT.replace("Hi there", body))
    assert check(spec, mailboxes=None, fields=frozenset(), unsubscribe_link=True) == []
    faults = check(spec, mailboxes=None, fields=frozenset(), unsubscribe_link=False)
    assert bool(faults) is not is_possible
    assert all("Nobody could unsubscribe" in fault for fault in faults)


def test_tracking_needs_an_address_of_ours() -> None:
    text = "sequence: A\ntrack: {opens: true}\nsteps:\n  - subject: x\n    body: Write STOP to opt out.\n"
    spec = load(text)
    assert (spec.track.clicks, spec.track.opens) == (False, True)
    assert load(dump(spec)) == spec
    assert check(spec, mailboxes=None, fields=frozenset()) == []
    assert check(spec, mailboxes=None, fields=frozenset(), unsubscribe_link=False) == [
        "Clicks and opens cannot be counted without an address of ours; set FERMATA_BASE_URL, or take track out."
    ]


@pytest.mark.parametrize(
    ("track", "fault"),
    [
        ("{clics: true}", 'Line 2, track: There is no key "clics" here; did you mean "clicks"?'),
        ("{opens: maybe}", "Line 2, track.opens: This must be true or false."),
        ("all", 'Line 2, track: This must be a block of keys, such as "key: value".'),
    ],
)
def test_tracking_written_wrongly_is_named(track: str, fault: str) -> None:
    with pytest.raises(SpecFault) as faulty:
        load(f"sequence: A\ntrack: {track}\nsteps:\n  - subject: x\n    body: y\n")
    assert fault in faulty.value.faults
