"""A published sequence is edited: what is asked, when leads move, and what becomes of those who had finished."""

import pytest
from sqlmodel import select

from core import commands, publishing, sequences
from core.models import Sequence, Step
from core.sequence_file import dump, load
from core.views import view
from tests.world import ANA, BEN, PLAIN, make

ADA, BOB, CAT = "ada@x.test", "bob@y.test", "cat@z.test"
MORE = "  - id: more\n    delay: 1 day\n    subject: More\n    body: Reply STOP to opt out.\n"
NO_NUDGE = PLAIN.replace(PLAIN[PLAIN.index("  - id: nudge") : PLAIN.index("  - id: close")], "")


@pytest.fixture
def world(database_url):
    """Ada has finished, Bob waits for the second step, Cat for the first."""
    world = make(database_url, PLAIN, ADA)
    for days in (0, 4, 3):
        world.later(days=days).tick()
    world.enrol(BOB)
    world.tick()
    world.enrol(CAT)
    return world


def edit(world, text):
    world.say("pause sequence Spring")
    with world.db.write() as session:
        return sequences.save(session, load(text), actor=ANA, now=world.now)


def publish(world, text=None, actor=ANA):
    if text:
        edit(world, text)
    asked = world.say("publish sequence Spring", actor)
    return commands.confirm(world.desk, asked.choices[0].proposal, actor=actor, now=world.now)


def row(world):
    with world.read() as session:
        return sequences.find(session, "Spring")


def place(world, email):
    found = world.enrollment(email)
    return found.status, found.position


@pytest.mark.row(210)
def test_edit_moves_nobody_before_it_is_published(world):
    before = [place(world, email) for email in (ADA, BOB, CAT)]
    edit(world, NO_NUDGE + MORE)
    assert [place(world, email) for email in (ADA, BOB, CAT)] == before
    edit(world, PLAIN)
    assert (
        world.say("publish sequence Spring").title == "Spring is published: it sends, and it accepts leads."
    )
    assert [place(world, email) for email in (ADA, BOB, CAT)] == before


@pytest.mark.row(210)
@pytest.mark.parametrize("verb", ["publish", "resume"])
def test_edited_one_is_asked_about_first(world, verb):
    edit(world, NO_NUDGE.replace("Last word", "The last word") + MORE)
    asked = world.say(f"{verb} sequence Spring")
    assert asked.title == "Publish Spring as it was edited?"
    assert asked.lines[:5] == (
        "Step 2 (close) is rewritten: 2 leads get the new one; 1 lead is past it.",
        "Subject: “Last word” → “The last word”",
        "Step 2 (nudge) is removed: 1 lead was waiting for it, and goes on with step 2 (close).",
        "Step 3 (more) is new: 2 leads get it.",
        ("1 lead had finished before step 3 (more) was added: held as “new step, not scheduled” until somebody chooses "
         "to send it or to leave them finished."),
    )  # fmt: skip
    assert [one.label for one in asked.choices] == ["Publish", "Cancel", "Discard the edits"]
    assert row(world).status == "paused"


def test_published_edit_moves_each_lead_to_its_place(world):
    publish(world, NO_NUDGE + MORE)
    assert row(world).published_spec == row(world).spec == dump(load(NO_NUDGE + MORE))
    assert place(world, ADA) == ("paused", 2)
    assert place(world, BOB) == ("pending", 1)
    assert place(world, CAT) == ("pending", 0)
    world.later(days=4)
    assert (BOB, "close") in world.tick()


def test_second_confirmation_and_a_stale_one_do_nothing(world):
    edit(world, NO_NUDGE)
    first, second = world.say("publish sequence Spring"), world.say("publish sequence Spring", BEN)
    with world.db.write() as session:
        sequences.save(session, load(NO_NUDGE + MORE), actor=BEN, now=world.later(minutes=1).now)
    said = commands.confirm(world.desk, first.choices[0].proposal, actor=ANA, now=world.now)
    assert said.is_refusal
    assert "Ben changed Spring" in said.title
    publish(world)
    said = commands.confirm(world.desk, second.choices[0].proposal, actor=BEN, now=world.now)
    assert said.is_refusal
    assert world.say(second.choices[2].command, BEN).is_refusal


def test_discarded_edits_leave_it_as_it_was(world):
    edit(world, NO_NUDGE)
    asked = world.say("publish sequence Spring")
    said = world.say(asked.choices[2].command)
    assert said.title == "Spring is as it was published last, and paused."
    assert row(world).spec == dump(load(PLAIN))
    assert world.say("resume sequence Spring").title.startswith("Spring is published")


def test_open_task_of_a_removed_step_is_left_out(database_url):
    task = "  - id: call\n    kind: task\n    delay: 1 day\n    title: Call\n"
    world = make(database_url, PLAIN + task, ADA)
    for days in (0, 4, 3, 1):
        world.later(days=days).tick()
    assert world.status(ADA) == "in_progress"
    publish(world, PLAIN + MORE)
    assert place(world, ADA) == ("pending", 3)
    assert {one.state for one in world.deliveries(ADA) if one.kind == "task"} == {"skipped"}
    world.later(days=1)
    assert world.tick() == [(ADA, "more")]


def test_step_that_was_resent_is_not_sent_twice_when_its_number_changes(world):
    world.say(f"resend step {BOB}")
    world.tick()
    world.say(f"resend step {BOB}")
    attempt = world.enrollment(BOB).attempt
    assert attempt > 1
    first = PLAIN.replace(
        "  - id: intro", "  - id: before\n    subject: B\n    body: STOP\n  - id: intro\n    delay: 0 days"
    )
    publish(world, first)
    assert (world.enrollment(BOB).position, world.enrollment(BOB).attempt) == (1, attempt)
    assert (BOB, "intro") in world.tick()


class TestNewLastStep:
    """Leads that had finished wait until somebody chooses."""

    @pytest.fixture
    def asked(self, world):
        publish(world, PLAIN + MORE)
        return world

    def card(self, world):
        (card,) = [one for one in world.cards() if one.kind == publishing.CARD]
        with world.read() as session:
            return view(session, card, now=world.now)

    def test_card_asks(self, asked):
        card = self.card(asked)
        assert card.title == "1 lead had finished Spring before step 4 was added"
        assert [one.label for one in card.choices] == ["Send it to them", "Leave them finished", "List"]
        assert asked.later(days=30).tick() != []
        assert place(asked, ADA) == ("paused", 3)
        assert "not scheduled" in asked.say(f"why {ADA}").as_text()

    @pytest.mark.parametrize("text", [f"status {ADA}", "list in Spring", "list in Spring paused"])
    def test_lists_and_status_name_them_with_both_answers(self, asked, text):
        said = asked.say(text)
        assert (
            "1 lead had finished Spring before step 4 was added: not scheduled until somebody chooses."
            in said.lines
        )
        assert said.choices == self.card(asked).choices[:2]
        assert (
            "Next: step 4 “More”, new and not scheduled: sent only once somebody chooses." in said.as_text()
        )
        asked.say(said.choices[1].command)
        assert asked.say(text).choices == ()

    def test_resuming_everyone_says_who_would_get_it(self, asked):
        asked.say(f"pause {BOB}")
        question = asked.say("resume everyone in Spring")
        assert question.title == (
            "1 lead had finished Spring before step 4 was added; resumed, they get it. Resume 2 leads (2 enrollments)?"
        )
        assert question.choices[0].label == "Resume 2 leads"
        commands.confirm(asked.desk, question.choices[0].proposal, actor=ANA, now=asked.now)
        asked.say(f"pause {BOB}")
        assert asked.say("resume everyone in Spring").title == "Resume 1 lead (1 enrollment)?"

    def test_sent_on_once_and_taken_back(self, asked):
        send = self.card(asked).choices[0].command
        said = asked.say(send)
        assert said.title == f"Step 4 is planned for {ADA} in Spring."
        assert place(asked, ADA) == ("pending", 3)
        assert self.card(asked).verdict.startswith("Ana chose on")
        again = asked.say(send, BEN)
        assert again.is_refusal
        assert "Ana chose" in again.title
        undone = commands.undo(asked.desk, said.batch_id, actor=ANA, now=asked.now)
        assert undone.title == f"Undid sending the new step: {ADA} in Spring."
        assert place(asked, ADA) == ("paused", 3)
        asked.say(self.card(asked).choices[0].command)
        assert (ADA, "more") in asked.later(days=1).tick()
        assert place(asked, ADA)[0] == "completed"

    def test_left_finished_for_good(self, asked):
        asked.say(self.card(asked).choices[1].command)
        assert place(asked, ADA) == ("completed", 4)
        publish(asked, (PLAIN + MORE).replace("Last word", "The very last word"))
        assert place(asked, ADA) == ("completed", 4)
        assert ADA not in {email for email, _ in asked.later(days=60).tick()}


def test_the_answer_offers_the_way_back_which_resumes_nothing_once_it_is_stale(world):
    paused = world.say("pause sequence Spring").choices[0]
    assert paused.label == "Resume sequence"
    resumed = world.later(minutes=1).say(paused.command, BEN).choices[0]
    assert resumed.label == "Pause sequence"
    world.later(minutes=1).say(resumed.command)

    stale = world.later(minutes=1).say(paused.command)

    assert stale.title == (
        "Ana changed Spring at 10:02:00, so nothing was resumed; `sequences` shows how it is now."
    )
    assert "paused" in world.say("sequences").as_text()
    world.say("resume sequence Spring")
    assert world.say(resumed.command, BEN).title.startswith("Spring is paused")  # which stops mail
    assert not world.sure("archive sequence Spring").choices


def test_archived_one_sends_nothing_and_comes_back_paused_with_everyone_in_place(world):
    before = [place(world, email) for email in (ADA, BOB, CAT)]
    assert "`restore sequence Spring` brings it back, paused" in world.sure("archive sequence Spring").title
    assert world.say("publish sequence Spring").title == (
        "Spring is archived, so it cannot be published. Bring it back first: `restore sequence Spring`."
    )
    assert world.later(days=30).tick() == []
    said = world.say(f"why {BOB}").as_text()
    assert "was archived by Ana" in said
    assert "`restore sequence Spring` brings it back" in said
    assert "Bring it back first: `restore sequence Spring`" in world.say(f"start {ADA} in Spring").as_text()
    assert "paused" in world.say("restore sequence Spring").title
    assert (
        world.say("restore sequence Spring").title
        == "Spring is paused, so it cannot be restored."  # said twice it starts nothing
    )
    assert world.tick() == []
    assert [place(world, email) for email in (ADA, BOB, CAT)] == before
    world.say("resume sequence Spring")
    assert sorted(world.tick()) == [(BOB, "nudge"), (CAT, "intro")]


def test_archiving_asks_where_leads_are_in_it_and_not_where_nobody_is(world):
    asked = world.say("archive sequence Spring")
    assert asked.title == "Archive Spring?"
    assert asked.lines[:2] == (
        "2 leads are in it: everything scheduled in it is paused.",
        "`restore sequence Spring` brings it back, paused.",
    )
    assert [choice.label for choice in asked.choices] == ["Archive Spring", "Cancel"]
    for email in (BOB, CAT):
        world.say(f"stop {email} in Spring")
    assert world.say("archive sequence Spring").title.startswith("Spring is archived")


def test_archiving_asked_before_a_change_does_nothing(world):
    asked = world.say("archive sequence Spring")
    world.later(minutes=1).say("pause sequence Spring", BEN)
    said = commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    assert said.title.startswith("Ben changed Spring at")


def test_archived_backlog_waits_for_a_person(database_url):
    emails = [f"l{n}@x.test" for n in range(25)]
    world = make(database_url, PLAIN, *emails)
    world.sure("archive sequence Spring")
    world.later(days=30)
    world.say("restore sequence Spring")
    world.say("resume sequence Spring")
    assert world.tick() == []
    assert {world.status(email) for email in emails} == {"paused"}
    assert [one.kind for one in world.cards() if one.kind == "backlog"] == ["backlog"]


@pytest.mark.parametrize(
    ("verb", "was"), [("publish", "published"), ("resume", "published"), ("archive", "archived")]
)
def test_what_it_is_already_is_said(world, verb, was):
    if was == "archived":
        world.sure("archive sequence Spring")
    assert world.say(f"{verb} sequence Spring").title == f"Spring is already {was}; nothing was changed."


def test_edited_draft_is_not_deleted_by_an_old_question(world):
    autumn = PLAIN.replace("Spring", "Autumn")
    world.add(autumn, publish=False)
    asked = world.say("delete sequence Autumn")
    with world.db.write() as session:
        sequences.save(session, load(autumn + MORE), actor=BEN, now=world.later(minutes=1).now)
    said = commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    assert "Ben changed Autumn" in said.title


def test_only_drafts_that_never_ran_are_deleted(world):
    assert "has a history" in world.say("delete sequence Spring").title
    world.add(PLAIN.replace("Spring", "Autumn"), publish=False)
    asked = world.say("delete sequence Autumn")
    assert asked.title == "Delete the draft Autumn for good? Nobody can undo it."
    assert [choice.label for choice in asked.choices] == ["Delete the draft Autumn for good", "Cancel"]
    with world.read() as session:
        assert len(session.exec(select(Sequence)).all()) == 2
    said = commands.confirm(world.desk, asked.choices[0].proposal, actor=ANA, now=world.now)
    assert said.title == "The draft Autumn is deleted."
    assert commands.confirm(world.desk, asked.choices[0].proposal, actor=BEN, now=world.now).is_refusal
    with world.read() as session:
        assert [one.name for one in session.exec(select(Sequence))] == ["Spring"]
        assert len(session.exec(select(Step)).all()) == 3
    assert [line.reason for line in world.journal("delete sequence")] == ["Autumn"]
    assert world.add(PLAIN.replace("Spring", "Autumn"), publish=False)
