"""A person's App Home: what stands on it, whose leads, and when it is drawn anew."""

from datetime import UTC, datetime, timedelta

import pytest

from core import cards, homes, postbox, views
from core.models import Card, Mailbox, Member, Message
from core.people import Actor
from tests.core.test_commands_clicks import TASK
from tests.world import ANA, BEN, PLAIN, World, make

ADA, EVE, IDA = "ada@x.test", "eve@x.test", "ida@x.test"
CAY = Actor("U0CAY", "Cay", "Europe/Berlin")


def world_with(url, *emails, **fields) -> World:
    """Leads of Ana's who have had the first mail, on Tuesday 1 June 2027 at 10:00 in Berlin; Cay owns nobody."""
    world = make(url, PLAIN, *(emails or (ADA,)), **({"owner": ANA.id} | fields))
    world.tick()
    with world.db.write() as session:
        session.add(Member(id=CAY.id, name=CAY.name, zone=CAY.zone, seen_at=world.now))
    return world.later(minutes=5)


def open_home(world: World, who: Actor = ANA) -> Card:
    with world.db.write() as session:
        homes.opened(session, who.id, now=world.now)
    return card(world, who)


def card(world: World, who: Actor = ANA) -> Card:
    (found,) = [one for one in world.cards() if one.key == homes.key(who.id)]
    return found


def shown(world: World, who: Actor = ANA):
    with world.read() as session:
        return views.view(session, Card(kind="home", channel=who.id), now=world.now)


def part(view, word: str):
    (found,) = [one for one in view.sections if word in one.title]
    return found


def lines(section):
    return [(row.title, row.detail) for group in section.groups for row in group.rows]


def press(world: World, section, label: str, actor: Actor = ANA):
    """Press the first button of this name."""
    rows = [row for group in section.groups for row in group.rows]
    choice = next(choice for row in rows for choice in row.choices if choice.label == label)
    return world.say(choice.command, actor)


# What stands on it


def test_paused_leads_stand_in_the_groups_of_the_digest_with_its_buttons(database_url):
    world = world_with(database_url, ADA, EVE, IDA)
    world.say(f"pause {ADA} until June 1 at 17:00")
    world.say(f"pause {EVE} until June 30")
    world.say(f"pause {IDA} because on holiday")
    section = part(shown(world), "paused")
    assert section.title == "⏸️ My paused leads (3)"
    assert [group.title for group in section.groups] == [
        "⏰ Due back today (1)",
        "⏸️ Paused without an end date (1)",
        "🗓️ Due back later (1)",
    ]
    assert [row.title for group in section.groups for row in group.rows] == [
        f"{email} · Spring" for email in (ADA, IDA, EVE)
    ]
    labels = {tuple(choice.label for choice in row.choices) for group in section.groups for row in group.rows}
    assert labels == {("Resume", "Resume on a date…", "+1 week", "Stop")}
    assert press(world, section, "Resume").title.startswith(f"Resumed {ADA}")
    assert part(shown(world.later(seconds=1)), "paused").title == "⏸️ My paused leads (2)"


def test_more_than_fit_are_listed_by_a_button_which_is_about_the_readers_own_leads(database_url):
    emails = [f"lead{number}@x.test" for number in range(6)]
    world = world_with(database_url, *emails)
    world.enrol(ADA, owner=BEN.id)
    world.tick()
    world.say(f"pause {' '.join(emails)} until June 30")
    world.say(f"pause {ADA}", BEN)
    for who, listed in ((ANA, 6), (CAY, 7)):
        (more,) = part(shown(world, who), "paused").choices
        assert more.label == "Show all paused"
        assert len(world.say(more.command, who).rows) == listed


def test_a_button_of_an_old_home_resumes_nobody(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    old = part(shown(world), "paused")
    world.say(f"resume {ADA}", BEN)
    world.say(f"pause {ADA} because she asked", BEN)
    assert press(world, old, "Resume").is_refusal
    assert world.status(ADA) == "paused"
    assert not press(world, old, "Stop").is_refusal


def test_whoever_waits_for_an_answer_stands_apart(database_url):
    world = world_with(database_url)
    assert part(shown(world), "Waiting").note == "Nobody waits for an answer from us."
    with world.db.write() as session:
        session.add(
            Message(key="1", lead_id=world.lead_id(ADA), enrollment_id=world.enrollment(ADA).id, came_at=world.now,
                    matched_by="thread", sender=ADA, kind="reply", judged_kind="reply")
        )  # fmt: skip
    from core.acts import apply, open_batch
    from core.lifecycle import Hold, Pause, Source
    from core.people import SYSTEM

    with world.db.write() as session:
        batch = open_batch(session, "hold", actor=SYSTEM, now=world.now)
        hold = Hold(Source.REPLY, "", SYSTEM.id, world.now, None, batch)
        apply(session, [world.enrollment(ADA).id], lambda _: Pause(hold, is_wide=True), verb="hold", actor=SYSTEM,
              now=world.now, batch_id=batch)  # fmt: skip
    view = shown(world)
    assert part(view, "Waiting").title == "💬 Waiting for an answer (1)"
    assert part(view, "paused").groups == ()
    assert "1 waiting for our answer" in view.summary
    assert not [fact for fact in view.summary if fact.endswith(" paused")], "they stand under another name"
    assert part(view, "paused").note == "None but those below, who wait for an answer."
    assert lines(part(view, "sequences"))[0][1] == (
        "published · 1 contacted → 1 answered → 0 interrupted → 0 completed · 0 active, 1 paused"
    )


def test_today_tells_what_left_what_is_to_come_and_the_next_few(database_url):
    world = world_with(database_url, ADA, EVE)
    assert shown(world).title == "Nothing more is due today"
    assert part(shown(world), "Today").facts == ("Spring: 2 sent, 0 to come",)
    world.now = datetime(2027, 6, 7, 5, 0, tzinfo=UTC)
    view = shown(world)
    assert view.title == "2 steps still to come today"
    assert part(view, "Today").facts == ("Spring: 0 sent, 2 to come",)
    title, detail = lines(part(view, "Today"))[0]
    assert title.endswith(f" · {ADA}")
    assert title[:5] >= "09:00"
    assert detail == "step 2 “Did it reach you, Ada?” of Spring"
    assert not press(world, part(view, "Today"), "Pause").is_refusal
    assert world.status(ADA) == "paused"


def test_my_open_tasks_stand_first_with_their_buttons_until_they_are_done(database_url):
    world = make(database_url, TASK)
    world.enrol(ADA, owner=ANA.id)
    world.enrol(EVE, owner=BEN.id)
    world.enrol(IDA, owner=ANA.id)
    world.tick()
    view = shown(world.later(minutes=1))
    assert view.title == "2 tasks for you"
    section = part(view, "tasks")
    assert section is view.sections[0]
    assert (section.title, section.choices) == ("✍️ My tasks (2)", ())
    assert lines(section)[0] == (
        "Call Ada",
        f"{ADA}, Spring, since Tuesday 1 June 2027, 10:00 (Europe/Berlin)",
    )
    before = open_home(world)
    assert press(world, section, "Tomorrow").title.startswith(f"The task of {ADA} in Spring comes back on")
    assert card(world).wanted > before.wanted
    assert part(shown(world), "tasks").title == "✍️ My tasks (2, 1 put off)"
    assert (shown(world).title, [title for title, _ in lines(part(shown(world), "tasks"))]) == (
        "1 task for you",
        ["Call Ida", "Call Ada"],
    )
    press(world, part(shown(world), "tasks"), "Done")
    world.click("task_skip", ADA)
    assert [one.title for one in shown(world).sections if "tasks" in one.title] == []
    assert "task" not in shown(world).title
    assert [one.title for one in shown(world, CAY).sections if "tasks" in one.title] == []


def test_many_tasks_are_listed_by_a_button(database_url):
    world = make(database_url, TASK)
    world.enrol(*(f"lead{number}@x.test" for number in range(6)), owner=ANA.id)
    world.tick()
    section = part(shown(world), "tasks")
    assert (section.title, len(lines(section))) == ("✍️ My tasks (6)", 4)
    assert [choice.label for choice in section.choices] == ["Show all 6"]
    assert world.say(section.choices[0].command).title.startswith("6 tasks for you")


def test_a_mail_of_yesterday_is_not_of_today_in_the_readers_zone(database_url):
    world = world_with(database_url, owner=BEN.id)
    world.now = datetime(2027, 6, 2, 3, 0, tzinfo=UTC)  # still Tuesday in New York
    assert part(shown(world, BEN), "Today").facts == ("Spring: 1 sent, 0 to come",)
    world.now = datetime(2027, 6, 2, 4, 0, tzinfo=UTC)
    assert part(shown(world, BEN), "Today").note.startswith("Nothing leaves today")


def test_funnel_counts_every_run_of_a_lead(database_url):
    world = world_with(database_url, ADA, EVE, IDA)
    world.say(f"stop {EVE}")
    world.say(f"restart {ADA} in Spring")
    assert lines(part(shown(world), "sequences")) == [
        ("Spring", "published · 3 contacted → 0 answered → 2 interrupted → 0 completed · 2 active, 0 paused")
    ]


def test_a_sequence_is_paused_and_resumed_from_a_home_but_never_from_an_old_one(database_url):
    world = world_with(database_url)
    assert press(world, part(shown(world), "sequences"), "Pause sequence").title.startswith(
        "Spring is paused"
    )
    old = part(shown(world), "sequences")
    world.later(minutes=1).say("resume sequence Spring", BEN)
    world.later(minutes=1).say("pause sequence Spring", BEN)
    said = press(world, old, "Resume sequence")
    assert said.is_refusal
    assert said.title.startswith("Ben changed Spring at 10:07:00")
    assert not press(world, part(shown(world), "sequences"), "Resume sequence").is_refusal


def test_mailboxes_tell_their_state_and_todays_share_of_the_cap(database_url):
    world = world_with(database_url, ADA, EVE)
    world.change(
        Mailbox, imap_host="127.0.0.1", read_at=world.now, ramp_from=20, ramp_step=5, cap_per_day=100
    )
    assert lines(part(shown(world), "Mailboxes")) == [
        (
            "ana@sales.example",
            "works · 2 of 20 today (ramp-up day 1, 100 from June 17) · last read at 10:05:00",
        )
    ]
    postbox.went_down(world.db, 1, "connection refused", is_lasting=False, now=world.now)
    view = shown(world)
    assert view.notices == ("ana@sales.example cannot send, so its mail waits.",)
    assert lines(part(view, "Mailboxes"))[0][1].startswith(
        "cannot send since 10:05:00: connection refused · 2 of 20"
    )


def test_a_halt_stands_at_the_top_with_who_and_why(database_url):
    world = world_with(database_url)
    world.say("halt because the list was wrong", BEN)
    view = shown(world)
    assert view.title == "All sending is halted"
    assert view.notices[0].startswith("All sending was halted by Ben on")
    assert "the list was wrong" in view.notices[0]


def test_the_last_act_is_told_with_its_undo(database_url):
    world = world_with(database_url)
    view = shown(world)
    assert (view.done, view.undo.label) == ("Spring: you published it at 10:00:00.", "Pause sequence")
    world.say(f"pause {ADA}")
    view = shown(world)
    assert view.done == f"{ADA} in Spring: you paused it at 10:05:00."
    assert not world.say(view.undo.command).is_refusal
    assert world.status(ADA) == "pending"
    assert (shown(world).done, shown(world).undo) == (
        f"{ADA} in Spring: you took back that you paused it at 10:05:00.",
        None,
    )
    world.say(f"pause {ADA}")
    assert shown(world.later(minutes=16)).done == ""


def test_an_undo_is_told_as_what_it_took_back(database_url):
    world = world_with(database_url)
    world.later(seconds=1).say(f"owner {ADA} <@{BEN.id}>")
    assert not world.later(seconds=1).say("undo").is_refusal
    assert shown(world).done == f"{ADA}: you took back that you changed the owner at 10:05:02."
    world.later(seconds=1).say(f"remind {ADA} on June 10")
    world.later(seconds=1).say(f"pause {ADA}")
    took = world.later(seconds=1).say("undo")
    assert not world.later(seconds=1).say(f"undo {took.batch_id}").is_refusal
    assert shown(world).done == f"{ADA} in Spring: you took back an undo at 10:05:06."


def test_a_task_that_was_taken_back_is_told_without_quotes_in_quotes(database_url):
    world = make(database_url, TASK)
    world.enrol(ADA, owner=ANA.id)
    world.tick()
    world.later(seconds=1).click("task_done", ADA)
    world.later(seconds=1).say("undo")
    assert shown(world).done == f"{ADA} in Spring: you took back that you did the task at 10:00:02."


def test_a_saved_edit_is_told_as_that(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.say("pause sequence Spring")
    world.later(seconds=1).add(PLAIN.replace("Last word", "The last word"), publish=False)
    assert "(you saved the sequence at 10:05:01)" in world.say("undo").title


def test_an_act_on_a_sequence_and_on_many_is_told_too(database_url):
    world = world_with(database_url, EVE)
    world.enrol(IDA, owner=BEN.id)
    (pause,) = [
        one for one in part(shown(world), "sequences").groups[0].rows[0].choices if "Pause" in one.label
    ]
    assert pause.confirm.startswith("No more mail of Spring leaves, for 2 leads of Ana and Ben")
    assert not world.later(seconds=5).say(pause.command).is_refusal
    view = shown(world)
    assert view.done == "Spring: you paused it at 10:05:05."
    assert not world.later(seconds=5).say(view.undo.command).is_refusal
    assert shown(world).done == "Spring: you resumed it at 10:05:10."
    world.later(seconds=5).say(f"pause {EVE} {IDA}")
    assert shown(world).done.startswith("2 leads: you paused them at")
    world.say(f"resume {EVE} {IDA}")
    world.later(minutes=1).say("away until Friday")
    assert shown(world).done.startswith(
        f"{EVE} in Spring: you noted an absence at"
    )  # which is no lead itself


def test_whoever_owns_no_lead_sees_everybodys(database_url):
    world = world_with(database_url)
    world.enrol(EVE, owner=BEN.id)
    world.say(f"pause {ADA}")
    view = shown(world, CAY)
    assert view.summary[0] == "Everybody's leads, since you own none"
    assert part(view, "paused").title == "⏸️ All paused leads (1)"
    assert part(shown(world, BEN), "paused").groups == ()


def test_a_new_workspace_says_what_to_do_next(database_url):
    world = make(database_url)
    world.say("archive sequence Spring")
    view = shown(world)
    assert part(view, "Today").note.endswith("press Enrol… above.")
    assert "pause lead@example.com until June 15" in part(view, "paused").note
    assert [choice.label for choice in view.choices] == ["Pause a lead…", "Enrol…"]


@pytest.mark.parametrize("what", ["is_guest", "is_deleted", "is_bot"])
def test_nobody_but_members_sees_anything(database_url, what):
    world = world_with(database_url)
    with world.db.write() as session:
        setattr(session.get_one(Member, ANA.id), what, True)
    for who in (ANA, Actor("U0XXX", "nobody", "UTC")):
        view = shown(world, who)
        assert (view.summary, view.sections, view.choices) == ((), (), ())
        assert view.title.startswith("Only full members")


# When it is drawn


def wants(world: World, who: Actor) -> int:
    return card(world, who).wanted


@pytest.fixture
def world(database_url):
    """Ada is Ana's, Eve is Ben's, and three people have opened their Homes."""
    made = world_with(database_url)
    made.enrol(EVE, owner=BEN.id)
    for who in (ANA, BEN, CAY):
        open_home(made, who)
    return made


def changed(world, act) -> set[str]:
    """Whose Homes want to be drawn after an act."""
    before = {who.name: wants(world, who) for who in (ANA, BEN, CAY)}
    act()
    return {who.name for who in (ANA, BEN, CAY) if wants(world, who) > before[who.name]}


def test_an_act_concerns_the_owner_and_who_sees_everything(world):
    assert changed(world, lambda: world.say(f"pause {ADA}", BEN)) == {"Ana", "Cay"}


def test_a_mail_that_leaves_does(world):
    world.later(hours=24)
    assert changed(world, world.tick) == {"Ben", "Cay"}


@pytest.mark.parametrize("words", ["pause sequence Spring", "halt"])
def test_what_concerns_everybody_does_so(world, words):
    assert changed(world, lambda: world.say(words)) == {"Ana", "Ben", "Cay"}


def test_a_mailbox_that_fails_concerns_everybody(world):
    down = lambda: postbox.went_down(world.db, 1, "refused", is_lasting=False, now=world.now)  # noqa: E731
    assert changed(world, down) == {"Ana", "Ben", "Cay"}


def test_what_is_refused_draws_nothing(world):
    assert changed(world, lambda: world.say(f"resume {ADA}")) == set()


def test_one_transaction_wishes_once_however_many_leads(world):
    world.enrol(*[f"lead{n}@x.test" for n in range(30)], owner=ANA.id)
    before = wants(world, ANA)
    with world.db.write() as session:
        for n in range(30):
            homes.touch(session, lead_ids=[world.lead_id(f"lead{n}@x.test")])
    assert wants(world, ANA) == before + 1


def test_opening_twice_keeps_one_card_and_old_ones_are_let_go(world):
    world.later(hours=23)
    open_home(world)
    assert len([one for one in world.cards() if one.kind == "home"]) == 3
    world.later(hours=2)
    open_home(world)
    assert [one.channel for one in world.cards() if one.kind == "home"] == [ANA.id]


def test_an_owner_who_gives_a_lead_away_loses_it_on_the_home_too(world):
    assert changed(world, lambda: world.say(f"owner {ADA} <@{BEN.id}|ben>")) == {"Ana", "Ben", "Cay"}
    assert shown(world).summary[0] == "Everybody's leads, since you own none"


def test_drawing_waits_for_no_act_that_holds_a_card(postgresql_url):
    world = world_with(postgresql_url)
    mine, other = open_home(world), open_home(world, BEN)
    with world.db.write() as act:
        homes.touch_person(act, BEN.id, now=world.now)
        with world.db.write() as drawing:
            taken = cards.claim(drawing, [mine.id, other.id], now=world.now, lease=timedelta(minutes=1))
            assert [one.id for one in taken] == [mine.id]


def test_very_many_leads_concern_everybody(world, monkeypatch):
    monkeypatch.setattr(homes, "IDS_AT_ONCE", 1)
    world.enrol(IDA, owner=ANA.id)
    world.later(hours=30)
    with world.db.write() as session:
        homes.touch(session, lead_ids=[world.lead_id(ADA), world.lead_id(IDA)])
    assert wants(world, BEN) >= 2
