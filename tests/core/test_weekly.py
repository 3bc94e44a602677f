"""The weekly report: when it comes, to whom, and that its figures are those of the tables."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from core import figures, releases, views, weekly
from core.acts import apply, open_batch
from core.figures import Figure, Weeks
from core.handover import Fate
from core.inbound import Bounce, Findings, Kind
from core.inbox.acting import stored
from core.lifecycle import Hold, Pause, Source
from core.meetings import MeetingNews, State, note
from core.models import (
    Batch,
    Card,
    Delivery,
    Digest,
    Enrollment,
    Journal,
    Lead,
    Meeting,
    Member,
    Message,
    Suppression,
)
from core.models import Hold as HoldRow
from core.people import SYSTEM, Actor
from core.schedule import local
from tests.world import ANA, BEN, DAY, PLAIN, World, make

ADA, EVE, IDA, KIM = "ada@x.test", "eve@x.test", "ida@x.test", "kim@x.test"
BERLIN = "Europe/Berlin"
MONDAY = datetime(2027, 6, 7, 7, 0, tzinfo=UTC)  # 9:00 in Berlin
WEEK = timedelta(days=7)


def world_with(url, *emails, **fields) -> World:
    """Everybody has had the first mail on Tuesday 1 June 2027 at 10:00 in Berlin."""
    world = make(url, PLAIN, *(emails or (ADA,)), **({"owner": ANA.id} | fields))
    world.tick()
    return world


def come(world: World, at: datetime | None = None) -> int:
    world.now = at or world.now
    return weekly.weekly_due(world.db, now=world.now)


def reports(world: World) -> list[Card]:
    return [card for card in world.cards() if card.kind == "weekly"]


def shown(world: World, card: Card | None = None):
    with world.read() as session:
        return views.view(session, card or reports(world)[-1], now=world.now)


def compared(view) -> dict[str, tuple[int, int]]:
    return {one.name: (one.now, one.before) for one in view.figures}


# When, to whom


def test_nobody_gets_one_until_somebody_asks(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    assert come(world, MONDAY) == 0


def test_it_comes_on_monday_at_nine_on_the_readers_clock(database_url):
    world = world_with(database_url)
    said = world.say("digest weekly")
    assert said.title == (
        "The weekly report comes in our direct messages every Monday at 09:00; "
        "the next one on Monday 7 June 2027, 09:00 (Europe/Berlin)."
    )
    world.say("digest weekly for <#C0SALES|sales>")
    world.say("digest weekly on Monday at 9am", BEN)
    world.say(f"pause {ADA}")
    assert come(world, MONDAY - timedelta(seconds=1)) == 0
    assert come(world, MONDAY) == 2
    assert come(world, MONDAY + timedelta(hours=6)) == 1  # nine in New York
    assert [card.key for card in reports(world)] == [
        "weekly:U0ANA:2027-06-07", "weekly:C0SALES:2027-06-07", "weekly:U0BEN:2027-06-07",
    ]  # fmt: skip
    assert [card.channel for card in reports(world)] == [ANA.id, "C0SALES", BEN.id]
    assert come(world, MONDAY + DAY) == 0
    assert come(world, MONDAY + WEEK) == 2


@pytest.mark.parametrize(("late", "made"), [(timedelta(hours=5), 1), (timedelta(days=6, hours=14), 1)])
def test_late_within_its_week_and_of_the_days_it_was_meant_for(database_url, late, made):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    assert come(world, MONDAY + late) == made
    assert reports(world)[0].key == "weekly:U0ANA:2027-06-07"
    assert come(world, MONDAY + WEEK) == 1


def test_a_whole_week_away_gives_one_not_two(database_url):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    assert come(world, MONDAY + WEEK + DAY) == 1
    assert reports(world)[0].key == "weekly:U0ANA:2027-06-14"


def test_two_workers_and_a_restart_make_one(database_url):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    world.now = MONDAY
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: come(world), range(8)))
    assert sum(made) == len(reports(world)) == 1


def test_asked_for_after_its_moment_it_begins_next_week(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    said = world.say("digest weekly on Tuesday at 8:00")  # it is Tuesday, ten o'clock
    assert "the next one on Tuesday 8 June 2027, 08:00" in said.title
    assert come(world, MONDAY) == 0
    assert come(world, MONDAY + DAY) == 1


def test_moved_to_a_later_day_it_does_not_come_twice_a_week(database_url):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    come(world, MONDAY)
    assert "on Friday 18 June 2027, 09:00" in world.say("digest weekly on Friday").title
    assert come(world, MONDAY + 5 * DAY) == 0
    assert come(world, MONDAY + WEEK + 4 * DAY) == 1
    assert "every Friday at 16:30" in world.say("digest weekly at 16:30").title


def test_off_is_off_and_leaves_the_daily_list_alone(database_url):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    world.say("digest weekly on Friday at 16:00")
    off = world.say("digest weekly off").title
    assert off.endswith("is off. `digest weekly on Friday at 16:00` brings it back.")
    assert world.say("digest weekly off").title.startswith("No weekly report comes in our direct messages")
    assert come(world, MONDAY) == 0
    world.say("digest weekly")
    world.say("digest off")
    assert come(world, MONDAY + WEEK) == 1
    with world.read() as session:
        assert session.exec(select(Digest)).one().is_off


def test_never_empty(database_url):
    world = make(database_url, PLAIN)
    world.say("digest weekly")
    assert come(world, MONDAY) == 0
    assert world.say("digest weekly now").title.startswith("There is nothing to report")
    assert reports(world) == []


def test_somebody_who_left_gets_none(database_url):
    world = world_with(database_url)
    world.say("digest weekly")
    world.say(f"pause {ADA}")
    world.change(Member, is_deleted=True)
    assert come(world, MONDAY) == 0


def test_now_tells_of_the_seven_days_up_to_last_midnight(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.now = MONDAY + 2 * DAY
    assert (
        world.say("digest weekly now").title
        == "The report of the last seven days comes in our direct messages."
    )
    assert shown(world).title == "The week from Wednesday 2 June to Tuesday 8 June 2027"
    assert compared(shown(world))["paused"] == (0, 1)
    assert shown(world).note == "`digest weekly on Monday` brings this report every week."
    assert come(world) == 0


def test_somebody_without_slack_reads_it_and_names_a_channel(database_url):
    world, kit = world_with(database_url), Actor("cli:kit", "kit", BERLIN)
    world.say(f"pause {ADA}")
    world.now = MONDAY
    said = world.say("digest weekly now", kit)
    assert "paused: 1 (0 the week before)" in said.lines
    assert said.rows[0].title == f"{ADA} · Spring"
    assert "for which channel" in world.say("digest weekly", kit).title
    assert "in #C0SALES" in world.say("digest weekly for #C0SALES", kit).title
    assert "is no time of day" in world.say("digest weekly at noonish").title


def test_the_clock_of_the_sandbox_stops_for_it(database_url):
    world = world_with(database_url)
    world.say(f"stop {ADA}")
    world.say("digest weekly")
    with world.read() as session:
        assert releases.next_event(session, now=world.now) == (MONDAY, "a weekly report is due")


# The figures


def happen(world: World) -> None:
    """Four weeks of everything: pauses, returns, stops, answers, bounces, meetings, wishes, at odd hours."""
    begun = world.now
    people = [ADA, EVE, IDA, KIM]
    for day in range(28):
        world.now = begun + day * DAY + timedelta(hours=(day * 7) % 24)
        email = people[day % 4]
        match day % 6:
            case 0:
                world.say(f"pause {email} for 5 days", BEN)
            case 1:
                world.say(f"pause {email}")
            case 2:
                world.say(f"resume {people[(day - 1) % 4]}", BEN)
            case 3:
                came(world, email, Kind.REPLY if day % 4 else Kind.BOUNCE, is_delay=day % 4 == 0)
            case 4:
                came(world, people[(day + 1) % 4], Kind.BOUNCE)
                with world.db.write() as session:
                    news = MeetingNews(f"cal:{day}", "cal", State.BOOKED, 0, world.now, None, world.now + DAY)
                    note(session, world.lead_id(email), None, news, now=world.now)
            case 5:
                world.say(f"stop {email}", BEN)
                world.say("undo", BEN)  # on some days there is nothing of Ben's to take back
                world.say(f"stop {email}")
                world.say(f"start {email} in Spring")
        world.tick()
    with world.db.write() as session:
        session.add(
            Suppression(email="x@x.test", reason="bounced: no such user", author="system", at=world.now - DAY)
        )
        session.add(
            Suppression(email="y@x.test", reason="asked by mail", author="system", at=world.now - DAY)
        )


def came(world: World, email: str, kind: Kind, *, is_delay: bool = False) -> None:
    lead_id = world.lead_id(email)
    with world.db.write() as session:
        told = Bounce(is_hard=not is_delay, is_delay=is_delay) if kind is Kind.BOUNCE else None
        session.add(
            Message(key=f"{email}{world.now}", lead_id=lead_id, came_at=world.now, matched_by="thread", sender=email,
                    kind=kind.value, judged_kind=kind.value, findings=stored(Findings(kind, bounce=told)))
        )  # fmt: skip


def recount(session, weeks: Weeks) -> dict[Figure, list[int]]:
    """The same figures by the plainest means: every row, one by one."""
    found: dict[Figure, list] = {figure: [set() for _ in range(weeks.number)] for figure in Figure}

    def week(moment: datetime) -> int | None:
        days = (weeks.end - local(moment, weeks.zone).date()).days
        back = (days - 1) // 7
        return weeks.number - 1 - back if 0 <= back < weeks.number and days > 0 else None

    def add(figure: Figure, moment: datetime | None, key: object) -> None:
        if moment is not None and (number := week(moment)) is not None:
            found[figure][number].add(key)

    undone = {batch.id for batch in session.exec(select(Batch)) if batch.undone_at}
    for one in session.exec(select(Journal).where(Journal.enrollment_id != None)):  # noqa: E711
        if one.verb == "undo" or one.batch_id in undone:
            continue
        if one.became == "paused" != one.was:
            add(Figure.PAUSED, one.at, one.id)
        if one.became == "stopped" != one.was:
            add(Figure.STOPPED, one.at, one.id)
        if one.was == "paused" and one.became in {"pending", "in_progress"}:
            how = (
                Figure.BY_DATE
                if one.verb == "release"
                else Figure.BY_RULE
                if one.actor == SYSTEM.id
                else Figure.BY_PEOPLE
            )
            add(how, one.at, one.id)
    for one in session.exec(select(Message)):
        if one.kind == "reply":
            add(Figure.ANSWERED, one.came_at, one.lead_id)
        if one.kind == "bounce" and not one.findings["is_delay"]:
            add(Figure.BOUNCED, one.came_at, one.lead_id)
    for one in session.exec(select(Delivery)):
        if one.kind != "task" and one.state == "sent":
            add(Figure.SENT, one.settled_at, one.id)
    for one in session.exec(select(Suppression)):
        if not one.reason.startswith("bounced"):
            add(Figure.UNSUBSCRIBED, one.at, one.email)
    for one in session.exec(select(Meeting)):
        told = [
            card.created_at
            for card in session.exec(select(Card))
            if card.kind == "meeting" and card.about_id == one.id
        ]
        if told and one.state not in {"declined", "cancelled", "moved"}:
            add(Figure.MEETINGS, min(told), one.id)
    return {figure: [len(keys) for keys in by_week] for figure, by_week in found.items()}


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Pacific/Auckland"])
def test_figures_are_those_of_a_plain_recount(database_url, zone):
    world = world_with(database_url, ADA, EVE, IDA, KIM)
    happen(world)
    with world.read() as session:
        weeks = Weeks(local(world.now, zone).date() + DAY, zone)
        counted = figures.count(session, weeks)
        assert counted == recount(session, weeks)
        used = {figure for figure, numbers in counted.items() if any(numbers)}
        assert used == set(Figure) - {Figure.BY_RULE}
        whole = {figure: sum(numbers) for figure, numbers in counted.items()}
        lines = session.exec(select(Journal).where(Journal.became == "paused")).all()
        assert whole[Figure.PAUSED] == sum(
            one.was != "paused" and one.enrollment_id is not None for one in lines
        )


def test_owners_lines_add_up_to_the_week(database_url):
    world = world_with(database_url, ADA, EVE)
    world.enrol(IDA, owner=BEN.id)
    world.enrol(KIM, owner=None)
    world.tick()
    happen(world)
    with world.read() as session:
        weeks = Weeks(world.now.date() + DAY, BERLIN)
        whole, owners = figures.count(session, weeks), figures.by_owner(session, weeks, at=world.now)
        paused = session.exec(select(Enrollment).where(Enrollment.status == "paused")).all()
    assert set(owners) <= {ANA.id, BEN.id, None}
    assert sum(one.paused for one in owners.values()) == len(paused) == sum(ages_of(world))
    for figure in (Figure.PAUSED, Figure.STOPPED, Figure.ANSWERED, Figure.BOUNCED):
        assert sum(dict(one.week).get(figure, 0) for one in owners.values()) == whole[figure][-1]


def ages_of(world: World) -> list[int]:
    with world.read() as session:
        return figures.ages(session, at=world.now)


@pytest.mark.parametrize(
    ("days", "hours", "age"),
    [(0, 0, 0), (7, 23, 0), (8, 1, 1), (14, 23, 1), (15, 1, 2), (30, 23, 2), (31, 1, 3), (400, 0, 3)],
)
def test_age_counts_whole_days(database_url, days, hours, age):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.now += timedelta(days=days, hours=hours)
    assert [at for at, number in enumerate(ages_of(world)) if number] == [age]


def test_age_begins_with_the_first_of_several_holds(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    world.now += 20 * DAY
    hold = Hold(Source.REPLY, "", SYSTEM.id, world.now, None)
    with world.db.write() as session:
        batch_id = open_batch(session, "hold", actor=SYSTEM, now=world.now)
        apply(session, [world.enrollment(ADA).id], lambda _: Pause(hold, is_wide=True), verb="hold", actor=SYSTEM,
              now=world.now, batch_id=batch_id)  # fmt: skip
    with world.read() as session:
        assert len(session.exec(select(HoldRow)).all()) == 2
    assert ages_of(world) == [0, 0, 1, 0]


def test_a_pause_of_a_sequence_is_no_paused_lead(database_url):
    world = world_with(database_url)
    world.say("pause sequence Spring")
    with world.read() as session:
        assert not figures.count(session, Weeks(date(2027, 6, 7), BERLIN))[Figure.PAUSED][-1]


@pytest.mark.parametrize("act", [f"pause {ADA}", f"stop {ADA}", f"restart {ADA} in Spring"])
def test_an_act_that_was_taken_back_counts_as_nothing(database_url, act):
    world = world_with(database_url)
    world.tick()
    before = week(world)
    assert not world.say(act).is_refusal
    assert week(world) != before
    assert not world.say("undo").is_refusal
    assert week(world) == before


def week(world: World) -> dict[Figure, int]:
    with world.read() as session:
        counted = figures.count(session, Weeks(date(2027, 6, 7), BERLIN))
    return {figure: numbers[-1] for figure, numbers in counted.items()}


# The card


def test_report_tells_of_the_week_its_owners_and_the_oldest(database_url):
    world = world_with(database_url, ADA, EVE)
    world.enrol(IDA, owner=BEN.id)
    world.tick()
    world.say("digest weekly")
    for email in (ADA, EVE, IDA):
        world.say(f"pause {email}")
        world.later(minutes=5)
    came(world, ADA, Kind.REPLY)
    world.say(f"resume {EVE}")
    assert come(world, MONDAY) == 1
    view = shown(world)
    assert view.title == "The week from Monday 31 May to Sunday 6 June 2027"
    assert compared(view) | {"sent": (0, 0)} == {
        "paused": (3, 0), "resumed": (1, 0), "stopped": (0, 0), "answered": (1, 0), "meetings booked": (0, 0),
        "sent": (0, 0), "bounced": (0, 0), "unsubscribed": (0, 0),
    }  # fmt: skip
    assert view.figures[1].detail == "1 by people"
    assert view.paused == "2 leads paused now: 2 for up to 7 days."
    assert view.owners == (
        "Ana: 1 paused now; in the week 2 paused, 1 resumed and 1 answered",
        "Ben: 1 paused now; in the week 1 paused",
    )
    assert [row.title.split(" ")[0] for row in view.oldest] == [ADA, IDA]
    assert [one.label for one in view.oldest[0].choices] == ["Resume", "+1 week", "Stop"]
    assert view.chart.weeks[-1] == "31 May"
    assert dict(view.chart.bars)["Paused"] == (0, 0, 0, 0, 0, 0, 0, 3)
    assert view.note == "Comes every Monday at 09:00. `digest weekly off` ends it."


def test_a_line_of_the_oldest_acts_once_and_only_its_own_card_is_redrawn(database_url):
    world = world_with(database_url, ADA, EVE)
    world.say("digest weekly")
    for email in (ADA, EVE):
        world.say(f"pause {email}")
    come(world, MONDAY)
    stop = next(one for one in shown(world).oldest[0].choices if one.label == "Stop")
    wanted = reports(world)[0].wanted
    assert not world.say(stop.command, BEN).is_refusal
    assert world.status(ADA) == "stopped"
    assert reports(world)[0].wanted == wanted + 1
    view = shown(world)
    assert view.oldest[0].verdict == "Ben stopped it at 09:00."
    assert view.paused == "2 leads paused now: 2 for up to 7 days."  # as it was when the report came
    resume = view.oldest[1].choices[0]
    assert not world.say(resume.command).is_refusal
    again = world.say(resume.command, BEN)
    assert "Ana" in again.title
    assert world.status(EVE) == "pending"


def test_many_owners_are_cut_and_leads_without_one_are_named(database_url):
    emails = [f"lead{number}@x.test" for number in range(13)]
    world = world_with(database_url, *emails)
    with world.db.write() as session:
        for number, lead in enumerate(session.exec(select(Lead))):
            lead.owner = f"cli:rep{number:02}" if number else None
            session.add(lead)
    world.say("pause everyone")
    confirm = world.say("pause everyone").choices[0].proposal
    from core import commands

    commands.confirm(world.desk, confirm, actor=ANA, now=world.now)
    world.say("digest weekly")
    come(world, MONDAY)
    view = shown(world)
    assert len(view.owners) == 11
    assert view.owners[0].startswith("Without an owner: 1 paused now")
    assert view.owners[-1] == "and 3 more"
    assert len(view.oldest) == 5


def test_uncertain_lead_among_the_oldest_is_settled_by_its_own_buttons(database_url):
    world = world_with(database_url)
    world.now += 4 * DAY
    (claim,) = world.claims()
    world.begin([claim])
    world.report(claim, Fate.UNKNOWN, "the connection was lost")
    world.say("digest weekly")
    come(world, MONDAY + WEEK)
    assert [one.label for one in shown(world).oldest[0].choices] == [
        "It left",
        "Send again",
        "Drop it",
        "Stop",
    ]


def test_a_channel_without_a_report_is_named_as_slack_names_it(database_url):
    none = make(database_url).say("digest weekly off for <#C0GENERAL|general>")
    assert (none.is_refusal, none.channel) == (True, "C0GENERAL")
    assert none.title == "No weekly report comes in #C0GENERAL, so there is nothing to turn off."
