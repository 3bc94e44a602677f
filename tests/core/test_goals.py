"""Goals: each event starts and stops what its goal says, once; what is in doubt stops and never starts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from core import goals, hooks, lead_file, leads, meetings
from core.acts import tried
from core.answers import NoticeCard
from core.commands import edit_lead
from core.erasing import erase
from core.errors import Refused
from core.goal_file import load
from core.goals import GoalEvent, Kind, library
from core.goals.acting import MOST_IN_A_CHAIN
from core.hooks import events
from core.lead_file import LeadRow
from core.meetings import MeetingNews
from core.models import Batch, Goal, GoalMet, Journal, Lead, LeadTag, Sequence
from core.people import SYSTEM
from core.verbs.editing import sheet
from core.views import view
from tests.world import ANA, BEN, PLAIN, World, make

ADA, BOB, EVE = "ada@acme.test", "bob@acme.test", "eve@elsewhere.test"


def named(name: str, more: str = "") -> str:
    return PLAIN.replace("sequence: Spring", f"sequence: {name}").replace("steps:", f"{more}\nsteps:", 1)


@pytest.fixture
def world(database_url: str) -> World:
    """Ada and Bob have had the first mail of Spring; Onboarding waits for whoever reaches a goal."""
    world = make(database_url, named("Spring", "tag: in-spring"), ADA, BOB)
    world.add(named("Onboarding", "tag: in-onboarding"))
    world.tick()
    return world


def goal(world: World, when: str, rest: str = "start: Onboarding\nstop: others", name: str = "Won") -> None:
    with world.db.write() as session:
        library.save(session, load(f"goal: {name}\nwhen: {when}\n{rest}\n"), actor=ANA, now=world.now)


def states(world: World, email: str = ADA) -> tuple[str, str | None]:
    run = world.enrollment(email, "Onboarding")
    return world.status(email), run.status if run else None


def met(world: World) -> list[GoalMet]:
    with world.read() as session:
        return list(session.exec(select(GoalMet).order_by(col(GoalMet.id))))


def tags(world: World, email: str = ADA) -> set[str]:
    with world.read() as session:
        return set(session.exec(select(LeadTag.tag).where(LeadTag.lead_id == world.lead_id(email))))


def notices(world: World) -> list[NoticeCard]:
    with world.read() as session:
        shown = [view(session, card, now=world.now) for card in world.cards() if card.kind == "goal"]
    assert all(isinstance(one, NoticeCard) for one in shown)
    return shown  # type: ignore[return-value]


def told(world: World, key: str = "e1", **event: object) -> str:
    read = events.read({"id": key, "email": ADA, **event}, now=world.now)
    return hooks.take_in(world.db, key, read, now=world.now)


def news(world: World, state: str, **fields: object) -> None:
    usual = {"starts_at": world.now + timedelta(days=2), "ends_at": world.now + timedelta(days=2, hours=1)}
    given = {
        "key": "calendar:1",
        "source": "calendar",
        "number": 0,
        "changed_at": world.now,
        **usual,
        **fields,
    }
    with world.db.write() as session:
        meetings.note(session, world.lead_id(ADA), None, MeetingNews(state=state, **given), now=world.now)  # type: ignore[arg-type]


def meet(world: World, kind: Kind, value: str = "", **fields: object) -> None:
    with world.db.write() as session:
        event = GoalEvent(kind, value, (world.lead_id(ADA),), **fields)  # type: ignore[arg-type]
        goals.meet(session, event, now=world.now)


def does_tag(world: World) -> None:
    world.say(f"tag {ADA} won")


def does_edit_tags(world: World) -> None:
    edit(world, "tags", "in-spring; Won")


def does_edit_stage(world: World) -> None:
    edit(world, "stage", "won")


def edit(world: World, field: str, text: str) -> None:
    with world.read() as session:
        seen = sheet(session, world.lead_id(ADA)).marks
    edit_lead(world.desk, world.lead_id(ADA), {field: text}, seen, actor=ANA, now=world.now)


def does_qualify(world: World) -> None:
    world.say(f"qualify {ADA}")


def does_import(world: World) -> None:
    rows = list(lead_file.read(f"email,stage,tags\n{ADA},won,won\n".encode()))
    leads.import_batch(world.db, rows, into=None, actor=ANA, now=world.now)


def does_note(world: World) -> None:
    world.say(f"note {ADA} she has WON the prize, because of June")


def does_form(world: World) -> None:
    assert told(world, type="form", name="Contact us") == "done"


def does_event(world: World) -> None:
    assert told(world, type="goal", name="trial_started") == "done"


def does_click(world: World) -> None:
    assert told(world, type="click", url="https://fermata.example/Pricing?x=1") == "done"


def does_reply(world: World) -> None:
    assert told(world, type="reply") == "done"


def does_book(world: World) -> None:
    news(world, "booked")


def does_meet(world: World) -> None:
    news(world, "booked")
    news(world, "happened", number=1)


def does_not_come(world: World) -> None:
    news(world, "booked")
    news(world, "no_show", number=1)


EVENTS = [
    ("{tag: won}", does_tag),
    ("{tag: won}", does_edit_tags),
    ("{tag: won}", does_import),
    ("{stage: Won}", does_import),
    ("{stage: won}", does_edit_stage),
    ("{stage: qualified}", does_qualify),
    ("{note: won the prize}", does_note),
    ("{form: contact us}", does_form),
    ("{event: trial_started}", does_event),
    ("{click: /pricing}", does_click),
    ("{reply: true}", does_reply),
    ("{meeting: booked}", does_book),
    ("{meeting: happened}", does_meet),
    ("{meeting: no_show}", does_not_come),
]


@pytest.mark.parametrize(("when", "happens"), EVENTS)
def test_event_starts_and_stops_what_the_goal_says(world: World, when: str, happens) -> None:  # type: ignore[no-untyped-def]
    goal(world, when)
    happens(world)

    assert states(world) == ("stopped", "pending")
    assert states(world, BOB) == ("pending", None)
    assert len(met(world)) == 1


@pytest.mark.parametrize(("when", "happens"), EVENTS)
def test_event_of_a_goal_that_is_off_does_nothing(world: World, when: str, happens) -> None:  # type: ignore[no-untyped-def]
    goal(world, when)
    goal(world, "{tag: never}", name="Other")
    world.say("goal off Won")
    if happens not in (does_form, does_event):  # for which nobody waits
        happens(world)

    assert states(world)[1] is None
    assert met(world) == []


def test_answer_of_a_tag_says_what_the_goal_did_and_offers_to_undo_it(world: World) -> None:
    goal(world, "{tag: won}")
    said = world.say(f"tag {ADA} won")

    assert "The goal Won was met: stopped in Spring; started in Onboarding." in said.lines
    [undo] = [choice for choice in said.choices if choice.label == "Undo the goal"]
    world.say(undo.command)
    assert states(world) == ("pending", "stopped")
    assert tags(world) == {"won", "in-spring"}


def test_undo_of_the_undo_starts_again_with_its_tags(world: World) -> None:
    goal(world, "{tag: won}")
    batch = met_batch(world)
    undone = world.say(f"undo {batch}")
    world.say(f"undo {undone.batch_id}")

    assert states(world) == ("stopped", "pending")
    assert tags(world) == {"won", "in-onboarding"}


def met_batch(world: World) -> int:
    world.say(f"tag {ADA} won")
    return met(world)[0].batch_id or 0


def test_why_and_history_name_the_goal(world: World) -> None:
    goal(world, "{tag: won}", "stop: all")
    world.say(f"tag {ADA} won")

    assert world.enrollment(ADA).end_reason == "goal Won"
    assert "It was stopped by the goal Won on" in world.say(f"why {ADA}").as_text()
    history = world.say(f"history {ADA}").as_text()
    assert "The goal Won stopped it in Spring (pending → stopped)." in history
    with world.read() as session:
        assert session.exec(select(Journal.actor).where(Journal.became == "stopped")).one() == "goal:Won"


def test_what_is_put_back_meets_no_goal(world: World) -> None:
    world.change(Lead, stage="won")
    world.say(f"qualify {ADA}")
    goal(world, "{stage: won}")
    world.say("undo")

    assert states(world) == ("pending", None)


class TestOnce:
    def test_event_that_comes_again_does_nothing(self, world: World) -> None:
        goal(world, "{form: Contact}")
        assert told(world, type="form", name="Contact") == "done"
        world.say(f"stop {ADA} in Onboarding")

        assert told(world, type="form", name="Contact") == "seen before"
        meet(world, Kind.FORM, "Contact", key="e1")
        assert states(world) == ("stopped", "stopped")
        assert len(met(world)) == 1

    def test_new_event_starts_whoever_is_not_in_it_again(self, world: World) -> None:
        goal(world, "{form: Contact}")
        told(world, type="form", name="Contact")
        world.say(f"stop {ADA} in Onboarding")
        told(world, "e2", type="form", name="Contact")

        run = world.enrollment(ADA, "Onboarding")
        assert (run.run, run.status, run.position) == (2, "pending", 0)

    def test_whoever_is_in_it_stays_where_they_are(self, world: World) -> None:
        goal(world, "{form: Contact}")
        told(world, type="form", name="Contact")
        world.tick()
        told(world, "e2", type="form", name="Contact")

        run = world.enrollment(ADA, "Onboarding")
        assert (run.run, run.position) == (1, 1)
        assert met(world)[1].outcome == "was in Onboarding already"
        assert notices(world) == []

    def test_again_false_leaves_whoever_was_there_before(self, world: World) -> None:
        goal(world, "{form: Contact}", "start: Onboarding\nagain: false")
        told(world, type="form", name="Contact")
        world.say(f"stop {ADA} in Onboarding")
        told(world, "e2", type="form", name="Contact")

        assert world.status(ADA, "Onboarding") == "stopped"
        assert met(world)[1].outcome == "was in Onboarding before"

    def test_meeting_told_by_two_sources_or_moved_is_one(self, world: World) -> None:
        goal(world, "{meeting: booked}")
        at = {"starts_at": world.now + timedelta(days=2), "ends_at": world.now + timedelta(days=2, hours=1)}
        news(world, "booked", **at)
        news(world, "booked", key="calendly:1", source="calendly", **at)
        later = {name: moment + timedelta(days=1) for name, moment in at.items()}
        news(world, "booked", key="calendly:2", source="calendly", number=1, instead_of="calendly:1", **later)
        news(world, "booked", number=1, **later)

        assert len(met(world)) == 1

    def test_two_workers_with_one_event_act_once(self, world: World) -> None:
        goal(world, "{form: Contact}")
        event = GoalEvent(Kind.FORM, "Contact", (world.lead_id(ADA), world.lead_id(BOB)), "one")
        act = lambda _: tried(world.db, lambda session: goals.meet(session, event, now=world.now))  # noqa: E731
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(act, range(8)))

        assert len(met(world)) == 2
        assert (states(world), states(world, BOB)) == (("stopped", "pending"), ("stopped", "pending"))
        with world.read() as session:
            started = session.exec(
                select(Journal).where(Journal.verb == "start", Journal.actor == "goal:Won")
            )
            assert len(started.all()) == 2

    def test_act_that_fails_meets_no_goal(self, world: World) -> None:
        goal(world, "{tag: won}")

        def act(session: Session) -> None:
            leads.add_tags(session, [(world.lead_id(ADA), "won")], now=world.now)
            raise Refused("No.")

        with pytest.raises(Refused):
            tried(world.db, act)

        assert met(world) == []


class TestNotStarted:
    def test_doubt_stops_and_never_starts(self, world: World) -> None:
        goal(world, "{reply: true}")
        meet(world, Kind.REPLY, key="m1", is_certain=False)

        assert states(world) == ("stopped", None)
        [card] = notices(world)
        assert card.title == f"{ADA} met the goal Won, but was not started in Onboarding"
        assert "not certain" in card.lines[0]
        assert "Stopped in Spring all the same." in card.facts
        [start] = card.choices
        world.say(start.command)
        [card] = notices(world)
        assert (card.verdict, card.choices) == ("It is in Onboarding now.", ())

    def test_certainty_that_comes_later_starts(self, world: World) -> None:
        goal(world, "{reply: true}")
        meet(world, Kind.REPLY, key="m1", is_certain=False)
        meet(world, Kind.REPLY, key="m1")

        assert states(world) == ("stopped", "pending")

    def test_doubt_after_certainty_does_nothing(self, world: World) -> None:
        goal(world, "{reply: true}", "start: Onboarding\nstop: [Spring]")
        meet(world, Kind.REPLY, key="m1")
        world.say(f"start {ADA} in Spring")
        meet(world, Kind.REPLY, key="m1", is_certain=False)

        assert states(world) == ("pending", "pending")

    def test_paused_sequence_takes_nobody_and_says_so(self, world: World) -> None:
        goal(world, "{tag: won}")
        world.say("pause sequence Onboarding")
        said = world.say(f"tag {ADA} {BOB} won")

        assert states(world) == ("stopped", None)
        assert "not started in Onboarding: Onboarding is paused" in said.lines[0]
        [card] = notices(world)
        assert card.title == "2 leads met the goal Won, but were not started in Onboarding"

    def test_suppressed_lead_is_stopped_and_gets_no_button(self, world: World) -> None:
        goal(world, "{tag: won}")
        with world.db.write() as session:
            leads.suppress(session, ADA, reason="asked", actor=ANA, now=world.now)
        world.say(f"tag {ADA} won")

        assert states(world) == ("stopped", None)
        [card] = notices(world)
        assert (card.lines, card.choices) == (("The address is suppressed and gets no mail.",), ())

    def test_hold_elsewhere_stays(self, world: World) -> None:
        goal(world, "{tag: won}", "start: Onboarding")
        world.say(f"pause {ADA} in Spring")
        world.say(f"tag {ADA} won")

        assert states(world) == ("paused", "pending")

    def test_erased_person_is_not_named_any_more(self, world: World) -> None:
        goal(world, "{reply: true}")
        meet(world, Kind.REPLY, key="m1", is_certain=False)
        with world.db.write() as session:
            erase(session, world.lead_id(ADA), actor=ANA, now=world.now)

        assert [one.outcome for one in met(world)] == [""]
        assert notices(world)[0].title == "That goal is no longer here."


class TestWho:
    def test_in_only_those_who_are_or_were_in_a_sequence(self, world: World) -> None:
        world.enrol(EVE, sequence="Onboarding")
        world.say(f"stop {EVE}")
        world.say(f"stop {BOB}")
        goal(world, "{tag: won}", "in: [Spring]\nstart: Onboarding")
        world.say(f"tag {ADA} {BOB} {EVE} won")

        assert (states(world)[1], states(world, BOB)[1]) == ("pending", "pending")
        assert world.status(EVE, "Onboarding") == "stopped"

    def test_stop_of_named_sequences_leaves_the_others(self, world: World) -> None:
        world.add(named("Autumn"))
        world.enrol(ADA, sequence="Autumn")
        goal(world, "{tag: won}", "stop: [Spring]")
        world.say(f"tag {ADA} won")

        assert (world.status(ADA), world.status(ADA, "Autumn")) == ("stopped", "pending")

    def test_new_lead_that_the_rule_is_about_is_enrolled(self, world: World) -> None:
        goal(world, '{new_lead: "stage:demo -in:Spring"}', "start: Onboarding")
        file = f"email,stage\nnew@x.test,Demo\nother@x.test,lost\n{ADA},demo\n".encode()
        done = leads.import_batch(world.db, list(lead_file.read(file)), into=None, actor=ANA, now=world.now)

        assert done.counts["met the goal Won"] == 1
        assert world.status("new@x.test", "Onboarding") == "pending"
        assert states(world) == ("pending", None)

    def test_new_lead_of_a_file_that_goes_into_a_sequence_counts_as_in_it(self, world: World) -> None:
        goal(world, '{new_lead: "stage:demo -in:Spring"}', "start: Onboarding")
        rows = list(lead_file.read(b"email,stage\nnew@x.test,demo\n"))
        leads.import_batch(world.db, rows, into="Spring", actor=ANA, now=world.now)

        assert met(world) == []

    def test_stranger_becomes_a_lead_only_where_the_sender_and_a_goal_say_so(self, world: World) -> None:
        goal(world, "{form: Contact}", "start: Onboarding")
        goal(world, "{form: Bye}", "stop: all", name="Bye")
        form = {"type": "form", "email": "new@x.test"}

        assert told(world, "1", **form, name="Contact") == "unknown address"
        assert told(world, "2", **form, name="Bye", create=True) == "unknown address"
        assert told(world, "3", **form, name="Other", create=True) == "ignored"
        assert told(world, "4", **form, name="Contact", create=True, first_name="Nora", company="X") == "done"
        assert told(world, "4", **form, name="Contact", create=True) == "seen before"

        assert world.status("new@x.test", "Onboarding") == "pending"
        with world.read() as session:
            lead = session.exec(select(Lead).where(Lead.email == "new@x.test")).one()
        assert (lead.first_name, lead.company, lead.domain) == ("Nora", "X", "x.test")

    def test_suppressed_stranger_stays_unknown(self, world: World) -> None:
        goal(world, "{form: Contact}", "start: Onboarding")
        with world.db.write() as session:
            leads.suppress(session, "new@x.test", reason="asked", actor=ANA, now=world.now)

        said = told(world, type="form", name="Contact", email="new@x.test", create=True)
        assert said == "unknown address"

    def test_goal_event_without_a_name_still_stops_everything(self, world: World) -> None:
        assert told(world, type="goal") == "done"
        assert states(world) == ("stopped", None)

    @pytest.mark.parametrize("name", ["", 5, None, "x" * 400, "a\nb"])
    def test_name_that_is_none_is_refused(self, world: World, name: object) -> None:
        with pytest.raises(Refused):
            told(world, type="form", name=name)


class TestChains:
    def test_two_goals_that_call_each_other_end(self, world: World) -> None:
        world.add(named("A", "tag: a"))
        world.add(named("B", "tag: b"))
        goal(world, "{tag: a}", "start: B\nstop: [A]", name="To B")
        goal(world, "{tag: b}", "start: A\nstop: [B]", name="To A")
        world.say(f"tag {ADA} a")

        # A puts no new tag, since the lead has it: the first goal's own event.
        assert [one.outcome for one in met(world)] == ["started in B", "stopped in B; started in A"]
        assert (world.status(ADA, "A"), world.status(ADA, "B")) == ("pending", "stopped")

    def test_chain_ends_after_so_many_goals_and_says_so(self, world: World) -> None:
        for n in range(MOST_IN_A_CHAIN + 2):
            world.add(named(f"S{n}", f"tag: t{n}"))
        for n in range(1, MOST_IN_A_CHAIN + 2):
            goal(world, f"{{tag: t{n - 1}}}", f"start: S{n}", name=f"G{n}")
        world.enrol(EVE, sequence="S0")

        outcomes = [one.outcome for one in met(world)]
        assert outcomes[:-1] == [f"started in S{n}" for n in range(1, MOST_IN_A_CHAIN + 1)]
        assert outcomes[-1].startswith(f"not started in S{MOST_IN_A_CHAIN + 1}: More than 5 goals")
        assert len(notices(world)) == 1


class TestPath:
    def test_start_takes_off_the_tag_of_the_path_before_and_undo_puts_it_back(self, world: World) -> None:
        world.add(named("One", "tag: one\npath: Trial"))
        world.add(named("Two", "tag: two\npath: trial"))
        world.say(f"start {ADA} in One")
        assert tags(world) == {"in-spring", "one"}

        world.say(f"start {ADA} in Two")
        assert tags(world) == {"in-spring", "two"}
        assert "Ana took off the tag “one” at the start of Two." in world.say(f"history {ADA}").as_text()
        world.say("undo")
        assert tags(world) == {"in-spring", "one"}

    def test_import_moves_the_tags_too(self, world: World) -> None:
        world.add(named("One", "tag: one\npath: Trial"))
        world.add(named("Two", "tag: two\npath: Trial"))
        rows = list(lead_file.read(f"email\n{ADA}\n{EVE}\n".encode()))
        for name in ("One", "Two"):
            leads.import_batch(world.db, rows, into=name, actor=ANA, now=world.now)

        assert (tags(world), tags(world, EVE)) == ({"in-spring", "two"}, {"two"})

    def test_other_paths_and_sequences_without_one_keep_their_tags(self, world: World) -> None:
        world.add(named("One", "tag: one\npath: Trial"))
        world.add(named("Else", "tag: else\npath: Other"))
        for name in ("One", "Else", "Onboarding"):
            world.say(f"start {ADA} in {name}")

        assert tags(world) == {"in-spring", "one", "else", "in-onboarding"}

    def test_goal_that_leads_on_takes_off_the_tag_of_what_it_stops(self, world: World) -> None:
        goal(world, "{tag: won}")
        world.say(f"tag {ADA} won")

        assert tags(world) == {"won", "in-onboarding"}


def rename(world: World, name: str, new: str) -> None:
    with world.db.write() as session:
        row = session.exec(select(Sequence).where(Sequence.name == name)).one()
        row.name, row.key = new, new.casefold()
        session.add(row)


class TestLibrary:
    @pytest.mark.parametrize(
        ("rest", "sentence"),
        [
            ("start: Nowhere", "There is no sequence called “Nowhere”"),
            ("stop: [Sprnig]", "Did you mean Spring"),
            ("start: Draft", "which is a draft; publish it first"),
            ("in: [Nowhere]\nstop: all", "There is no sequence called"),
        ],
    )
    def test_goal_that_names_what_is_not_there_is_refused(
        self, world: World, rest: str, sentence: str
    ) -> None:
        world.add(named("Draft"), publish=False)
        with pytest.raises(Refused, match=sentence):
            goal(world, "{tag: x}", rest)

    def test_goals_are_listed_with_how_often_they_were_met(self, world: World) -> None:
        assert "no goal yet" in world.say("goals").title
        goal(world, "{tag: won}")
        world.say(f"tag {ADA} {BOB} won")

        said = world.say("goals")
        [row] = said.rows
        assert row.detail == (
            "A tag “won” starts Onboarding and stops every other sequence. Met by 2 leads in the last 30 days."
        )
        assert [choice.command for choice in row.choices] == ['goal off "Won"']
        assert "Met by 0 leads" in world.later(days=31).say("goals").rows[0].detail

    def test_sequence_that_is_gone_breaks_nothing_and_is_named_in_the_list(self, world: World) -> None:
        goal(world, "{tag: won}", "in: [Spring]\nstart: Onboarding\nstop: others")
        goal(world, '{new_lead: "-in:Onboarding tag:x"}', "stop: [Onboarding]", name="Rule")
        rename(world, "Onboarding", "Renamed")
        said = world.say(f"tag {ADA} won")

        assert world.status(ADA) == "stopped"
        assert "not started in Onboarding: There is no sequence called “Onboarding”" in said.lines[0]
        assert len(notices(world)) == 1
        assert all(
            "There is no sequence called “Onboarding”" in row.detail for row in world.say("goals").rows
        )
        world.enrol(EVE)
        assert len(met(world)) == 1

    def test_goal_is_turned_off_and_on(self, world: World) -> None:
        goal(world, "{tag: won}")
        assert "is off" in world.say("goal off won").title
        assert world.say("goal off Won", BEN).is_refusal
        assert "Off." in world.say("goals").rows[0].detail
        goal(world, "{tag: win}")  # a changed file turns nothing on
        with world.read() as session:
            assert session.exec(select(Goal.is_off)).one()
        assert "is on" in world.say("goal on Won").title
        assert "Did you mean Won" in world.say("goal on Wno").title


def test_note_of_many_asks_first(world: World) -> None:
    world.enrol(*(f"l{n}@many.test" for n in range(12)))
    said = world.say("note @many.test call them because of June")
    assert said.title.startswith("Write this note on 12 leads")
    assert world.journal("note") == []


def test_note_stands_in_the_history(world: World) -> None:
    said = world.say(f"note {ADA} wants 40 seats because of June")
    assert said.title == f"Noted on {ADA}."
    assert "Ana noted: wants 40 seats because of June." in world.say(f"history {ADA}").as_text()


def test_many_new_leads_are_enrolled_by_a_rule(world: World) -> None:
    goal(world, '{new_lead: "stage:demo"}', "start: Onboarding")
    rows = [LeadRow(email=f"l{n}@many.test", stage="demo") for n in range(2_100)]
    with world.db.write() as session:
        leads.save(session, rows, actor=SYSTEM, now=world.now)

    assert len(met(world)) == 2_100
    assert world.status("l2099@many.test", "Onboarding") == "pending"
    with world.read() as session:
        sizes = session.exec(select(Batch.size).where(Batch.actor == "goal:Won"))
        assert sorted(sizes, reverse=True) == [1000, 1000, 100]
