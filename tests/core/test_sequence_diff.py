"""What publishing an edited sequence says: each change with whom it affects."""

import pytest

from core.sequence_diff import Crowd, Diff, sentences
from core.sequence_file import dump, load

THREE = """
sequence: Spring
steps:
  - {id: a, subject: A, body: Hi}
  - {id: b, delay: 2 days, subject: B, body: Hi}
  - {id: c, delay: 4 days, subject: C, body: Bye}
"""
D = "  - {id: d, delay: 1 day, subject: D, body: More}\n"
X = "  - {id: x, delay: 1 day, subject: X, body: Between}\n"
B, C = (line + "\n" for line in THREE.splitlines()[4:6])
# 5 wait for the first step, 10 for the second, 3 for the last; 12 have finished.
CROWD = Crowd({0: 5, 1: 10, 2: 3}, 12)


def said(after: str, crowd: Crowd = CROWD, before: str = THREE) -> tuple[str, ...]:
    return sentences(Diff(load(before), load(after)), crowd)


@pytest.mark.parametrize(
    ("after", "crowd", "sentence"),
    [
        (THREE.replace("subject: B", "subject: Bee"), CROWD,
         "Step 2 (b) is rewritten: 15 leads get the new one; 15 leads are past it."),
        (THREE.replace("subject: A", "subject: Ay"), Crowd({0: 1}),
         "Step 1 (a) is rewritten: 1 lead gets the new one; nobody is past it."),
        (THREE.replace("2 days", "5 days"), CROWD,
         ("Step 2 (b) comes after 5 days instead of after 2 days: 10 leads wait for it already and keep their dates; "
          "5 leads come to it later.")),
        (THREE.replace(B, ""), CROWD,
         "Step 2 (b) is removed: 10 leads were waiting for it, and go on with step 2 (c)."),
        (THREE.replace(C, ""), CROWD,
         "Step 3 (c) is removed: 3 leads were waiting for it, and have finished with that."),
        (THREE.replace(C, ""), Crowd({0: 1}), "Step 3 (c) is removed: nobody was waiting for it."),
        (THREE.replace(B, X + B), CROWD, "Step 2 (x) is new: 5 leads get it; 25 leads are past its place."),
        (THREE.replace(C, C + D), Crowd({2: 1}), "Step 4 (d) is new: 1 lead gets it."),
    ],
)  # fmt: skip
def test_one_change_is_one_sentence(after, crowd, sentence):
    assert [line for line in said(after, crowd) if "→" not in line] == [sentence]


UNNAMED = """
sequence: Spring
steps:
  - {subject: First, body: Hi}
  - {delay: 1 day, subject: Second, body: Hi}
  - {delay: 4 days, subject: "Still thinking?", body: Hi}
  - {delay: 4 days, thread: true, body: "One more thing\\nthat matters"}
"""


def test_step_whose_id_nobody_chose_is_called_by_how_it_begins():
    built = dump(load(UNNAMED))
    becomes = load(built).model_copy(
        update={"steps": tuple(step for step in load(built).steps if step.id != "step-2")}
    )
    assert sentences(Diff(load(built), becomes), Crowd({1: 1})) == (
        "Step 2 “Second” is removed: 1 lead was waiting for it, and goes on with step 2 “Still thinking?”.",
    )
    becomes = load(built).model_copy(update={"steps": load(built).steps[:3]})
    [line] = sentences(Diff(load(built), becomes), Crowd())
    assert line == "Step 4 “One more thing” is removed: nobody was waiting for it."


LONG = "One two three. " * 40
LETTER = "Hi,\n\nfirst point\nsecond point\n\nBye"


@pytest.mark.parametrize(
    ("was", "becomes", "lines"),
    [
        ("subject: B, body: Hi", "subject: Bee, body: Hi", ["Subject: “B” → “Bee”"]),
        ("subject: B, body: Hi", "subject: B, body: Hello", ["Body: “Hi” → “Hello”"]),
        (
            "subject: B, body: Hi",
            "thread: true, body: Hi",
            ["Thread: “no” → “yes”", "Subject: “B” → nothing"],
        ),
        (
            f"body: {LETTER!a}".replace("'", '"'),
            f"body: {LETTER!a}".replace("'", '"').replace("second", "2nd").replace("Bye", "Yours\\nAda"),
            ["Body:", "− second point", "+ 2nd point", "− Bye", "+ Yours", "+ Ada"],
        ),
        (
            f"body: {LONG}end",
            f"body: {LONG}stop",
            [
                "Body:",
                "− …two three. One two three. One two three. One two three. end",
                "+ …two three. One two three. One two three. One two three. stop",
            ],
        ),
        (
            "variants: [{name: A, subject: B, body: Hi}, {name: B, subject: C, body: Hi}]",
            "variants: [{name: A, subject: B, body: Hi}, {name: B, subject: D, body: Hi, weight: 3}]",
            ["Version B weight: “1” → “3”", "Version B subject: “C” → “D”"],
        ),
    ],
)
def test_a_rewritten_step_shows_its_old_and_its_new_text(was, becomes, lines):
    texts = [THREE.replace("subject: B, body: Hi", text) for text in (was, becomes)]
    assert list(said(texts[1], before=texts[0])[1:]) == lines


def test_of_a_letter_written_anew_only_the_beginning_is_shown():
    texts = [THREE.replace("subject: C, body: Bye", f'subject: C, body: "{letter}"') for letter in
             ("\\n".join(f"old {n}" for n in range(20)), "\\n".join(f"new {n}" for n in range(20)))]  # fmt: skip
    assert said(texts[1], before=texts[0])[-1] == "… and 32 more changed lines."


def test_new_last_step_holds_those_who_had_finished():
    assert said(THREE + D) == (
        "Step 4 (d) is new: 18 leads get it.",
        (
            "12 leads had finished before step 4 (d) was added: held as “new step, not scheduled” until somebody "
            "chooses to send it or to leave them finished."
        ),
    )


def test_settings_are_named_and_so_is_that_dates_move():
    window = 'sequence: Spring\nwindow: {from: "09:00", to: "17:00"}'
    words = said(THREE.replace("sequence: Spring", window))
    assert "Window from: none → 09:00." in words
    assert words[-1] == "The dates of all waiting leads are reckoned anew with these hours."
    assert said(THREE.replace("sequence: Spring", "sequence: Spring\ntag: warm")) == ("Tag: none → warm.",)


def test_another_order_is_said_and_the_same_says_nothing():
    other = THREE.replace(B + C, C + B)
    assert said(other)[-1].startswith("The steps stand in another order")
    assert said(THREE) == ()
    assert Diff(load(THREE), load(THREE)).is_nothing


@pytest.mark.parametrize(
    ("after", "places", "keeps"),
    [
        (THREE, [0, 1, 2, 3], [True] * 4),
        (THREE.replace(B, ""), [0, 1, 1, 2], [True, False, True, True]),
        (THREE.replace(C, ""), [0, 1, 2, 2], [True, True, False, True]),
        (THREE.replace(B, X + B), [0, 2, 3, 4], [True] * 4),
        (THREE + D, [0, 1, 2, 3], [True, True, True, False]),
        (THREE.replace(B + C, D), [0, 1, 1, 1], [True, False, False, False]),
    ],
)
def test_where_leads_stand_afterwards(after, places, keeps):
    diff = Diff(load(THREE), load(after))
    assert [diff.position(n) for n in range(4)] == places
    assert [diff.keeps_step(n) for n in range(4)] == keeps
