"""The heads-up before a hold ends: when it comes, to whom, what it says, and what its three answers do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core import announcements, commands, digests, releases, views
from core.acts import MOST_ANNOUNCED, apply, open_batch
from core.lifecycle import Hold, Pause, Source
from core.models import Card
from core.people import SYSTEM
from tests.world import ANA, BEN, DAY, PLAIN, World, make

ADA = "ada@x.test"
WORKDAYS = PLAIN.replace(
    "lead_zone: false", 'lead_zone: true\nwindow: {days: Mon-Fri, from: "09:00", to: "17:00"}\nholidays: DE'
)
SUMMER = WORKDAYS.replace("Spring", "Summer")
TUESDAY_15 = datetime(2027, 6, 15, 7, 0, tzinfo=UTC)  # 9:00 in Berlin


def world_with(url, text=WORKDAYS, *emails, **fields) -> World:
    """A world in which everybody has had the first mail, on Tuesday 1 June 2027 at 10:00 in Berlin."""
    world = make(url, text, *(emails or (ADA,)), **({"owner": ANA.id} | fields))
    world.tick()
    return world


def announce(world: World, at: datetime | None = None) -> int:
    world.now = at or world.now
    return announcements.announce_due(world.db, now=world.now)


def cards(world: World) -> list[Card]:
    return [card for card in world.cards() if card.kind == "return"]


def shown(world: World, card: Card | None = None):
    with world.read() as session:
        return views.view(session, card or cards(world)[-1], now=world.now)


def press(world: World, answer: str, actor=ANA, card: Card | None = None):
    return world.say(f"card return {(card or cards(world)[-1]).about_id} {answer}", actor)


def hold_wide(world: World, *emails: str, until: datetime) -> int:
    """An automatic hold of every sequence of these leads, under one batch."""
    with world.db.write() as session:
        batch_id = open_batch(session, "out of office", actor=SYSTEM, now=world.now)
        hold = Hold(Source.OUT_OF_OFFICE, "back soon", SYSTEM.id, world.now, until, batch_id)
        ids = [world.enrollment(email, name).id for email in emails for name in _sequences(world)]
        apply(
            session, ids, lambda _: Pause(hold, is_wide=True), verb="pause", actor=SYSTEM, now=world.now,
            batch_id=batch_id,
        )  # fmt: skip
        return batch_id


def _sequences(world: World) -> list[str]:
    return [row.title.split(":")[0] for row in world.say("sequences").rows]


# When, to whom, what


def test_who_has_it_on_the_list_of_that_morning_is_not_told_twice(database_url):
    world = world_with(database_url)
    digests.digest_due(world.db, now=world.now)  # the first look at the owners
    world.say(f"pause {ADA} until June 15")
    world.now = TUESDAY_15 - timedelta(minutes=30)
    assert digests.digest_due(world.db, now=world.now) == 2
    assert announce(world, TUESDAY_15) == 0


def test_the_owner_is_told_the_working_morning_before(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA} until June 15")  # back on Wednesday 16 June
    assert world.holds(ADA)[0].announce_at == TUESDAY_15
    assert announce(world, TUESDAY_15 - timedelta(seconds=1)) == 0
    assert announce(world, TUESDAY_15) == 1
    assert [card.channel for card in cards(world)] == [ANA.id]
    view = shown(world)
    assert view.title == f"The pause of {ADA} ends on Wednesday 16 June 2027, 09:00 (Europe/Berlin)"
    assert view.lines == (
        "Spring: step 2 “Did it reach you, Ada?” leaves on Monday 21 June 2027, 09:00 (Europe/Berlin).",
    )
    assert view.owner == ANA.id
    assert [choice.label for choice in view.choices] == ["As planned", "+1 week", "Stop"]
    assert announce(world) == 0


def test_the_mail_is_dated_in_the_zone_of_the_lead(database_url):
    world = world_with(database_url, WORKDAYS, ADA, zone="America/New_York")
    world.later(hours=6).tick()
    world.say(f"pause {ADA} until June 15")
    assert announce(world, TUESDAY_15) == 1  # the team's morning, not the lead's
    assert "(America/New_York)" in shown(world).lines[0]


def test_nobodys_lead_is_announced_in_the_channel_of_the_sequence(database_url):
    text = WORKDAYS.replace("holidays: DE", "holidays: DE\nchannel: C0SPRING")
    world = world_with(database_url, text, owner=None)
    world.say(f"pause {ADA} until June 15")
    announce(world, TUESDAY_15)
    assert cards(world)[0].channel == "C0SPRING"


@pytest.mark.parametrize(
    ("until", "announced"),
    [
        ("June 3", "2027-06-03 07:00"),  # back on Friday
        ("June 4", "2027-06-04 07:00"),  # Friday; back on Monday
        ("June 6", "2027-06-04 07:00"),  # a Sunday
        ("2027-06-14 15:00", "2027-06-11 07:00"),
        ("2027-10-03", "2027-10-01 07:00"),  # the Day of German Unity is a Sunday, back on Monday
        ("2027-05-17", None),
        ("June 2", "2027-06-02 07:00"),
        ("June 1", None),  # back tomorrow: today has begun
        ("2027-06-02 12:00", None),
    ],
)
def test_the_moment_of_the_heads_up(database_url, until, announced):
    world = world_with(database_url)
    if world.say(f"pause {ADA} until {until}").is_refusal:
        assert announced is None
        return
    at = world.holds(ADA)[0].announce_at
    assert at == (datetime.fromisoformat(f"{announced}+00:00") if announced else None)


def test_a_hold_without_an_end_is_not_announced(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA}")
    assert world.holds(ADA)[0].announce_at is None


def test_an_outage_makes_the_heads_up_late_but_never_later_than_the_return(database_url):
    world = world_with(database_url, WORKDAYS, ADA, "ben@x.test")
    world.say(f"pause {ADA} until June 15")
    world.say("pause ben@x.test until June 14")
    assert announce(world, TUESDAY_15 + timedelta(hours=20)) == 1
    assert f"The pause of {ADA} ends" in shown(world).title


def test_one_card_for_a_lead_and_day_in_several_sequences(database_url):
    world = world_with(database_url)
    world.add(SUMMER)
    world.enrol(ADA, sequence="Summer")
    hold_wide(world, ADA, until=TUESDAY_15 + DAY)
    assert announce(world, TUESDAY_15) == 1
    assert len(cards(world)) == 1
    assert [line.split(":")[0] for line in shown(world).lines] == ["Spring", "Summer"]


def test_a_large_act_is_not_announced_lead_by_lead(database_url):
    few = [f"few{number}@x.test" for number in range(MOST_ANNOUNCED)]
    many = [f"many{number}@x.test" for number in range(MOST_ANNOUNCED + 1)]
    world = world_with(database_url, WORKDAYS, *few, *many)
    hold_wide(world, *few, until=TUESDAY_15 + DAY)
    hold_wide(world, *many, until=TUESDAY_15 + DAY)
    assert announce(world, TUESDAY_15) == len(few)
    assert {world.holds(email)[0].announce_at for email in few + many} == {None}


def test_a_hold_that_another_one_outlives_is_not_announced(database_url):
    world = world_with(database_url)
    hold_wide(world, ADA, until=TUESDAY_15 + DAY)
    world.say(f"pause {ADA}", BEN)
    assert announce(world, TUESDAY_15) == 0


def test_the_clock_of_the_sandbox_stops_for_it(database_url):
    world = world_with(database_url)
    world.say(f"pause {ADA} until June 15")
    with world.read() as session:
        assert releases.next_event(session, now=world.now) == (TUESDAY_15, "a heads-up is due")
    announce(world, TUESDAY_15)
    with world.read() as session:
        assert releases.next_event(session, now=world.now) == (TUESDAY_15 + DAY, "a hold ends")


def test_many_sweeps_at_once_make_one_card_each(database_url):
    emails = [f"lead{number}@x.test" for number in range(8)]
    world = world_with(database_url, WORKDAYS, *emails)
    hold_wide(world, *emails, until=TUESDAY_15 + DAY)
    world.now = TUESDAY_15
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: announce(world), range(4)))
    assert sum(made) == len(emails) == len(cards(world))


# The answers


@pytest.fixture
def world(database_url):
    """Ada is held until Wednesday 16 June; her owner has just been told."""
    made = world_with(database_url)
    made.say(f"pause {ADA} until June 15")
    announce(made, TUESDAY_15)
    return made


def test_as_planned_changes_nothing_and_asks_no_more(world):
    before = world.enrollment(ADA)
    said = press(world, "as planned")
    assert (
        said.title == f"As planned: the pause of {ADA} ends on Wednesday 16 June 2027, 09:00 (Europe/Berlin)."
    )
    assert world.enrollment(ADA) == before
    view = shown(world)
    assert view.choices == ()
    assert view.verdict == "Ana answered on Tuesday 15 June 2027, 09:00 (Europe/Berlin): as planned."


def test_one_week_later_holds_it_a_week_more_and_announces_that(world):
    said = press(world, "one week later", BEN)
    assert said.title == f"Paused {ADA} in Spring for one week more."
    (hold,) = world.holds(ADA)
    assert (hold.until, hold.author, hold.announce_at) == (
        TUESDAY_15 + 8 * DAY,
        BEN.id,
        TUESDAY_15 + 7 * DAY,
    )
    assert "one week later" in shown(world).verdict
    assert world.later(days=5).tick() == []
    assert announce(world, TUESDAY_15 + 7 * DAY) == 1
    assert len(cards(world)) == 2


def test_stop_ends_it_for_good(world):
    press(world, "stop")
    assert world.status(ADA) == "stopped"
    assert "Ana answered" in shown(world).verdict


def test_one_answer_is_for_every_sequence_of_the_card(database_url):
    world = world_with(database_url)
    world.add(SUMMER)
    world.enrol(ADA, sequence="Summer")
    hold_wide(world, ADA, until=TUESDAY_15 + DAY)
    announce(world, TUESDAY_15)
    press(world, "one week later")
    assert [world.holds(ADA, name)[0].until for name in ("Spring", "Summer")] == [TUESDAY_15 + 8 * DAY] * 2
    assert [len(world.holds(ADA, name)) for name in ("Spring", "Summer")] == [1, 1]


@pytest.mark.parametrize("first", ["as planned", "one week later", "stop"])
def test_the_second_one_to_answer_is_told_who_was_first(world, first):
    press(world, first)
    before = world.enrollment(ADA)
    said = press(world, "one week later" if first == "as planned" else "as planned", BEN)
    assert said.is_refusal
    assert said.title.startswith("Ana answered on")
    assert said.title.endswith("Nothing was changed.")
    assert world.enrollment(ADA) == before


def test_two_who_answer_at_once_act_once(world):
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda who: press(world, "one week later", who), (ANA, BEN)))
    assert sorted(answer.is_refusal for answer in answers) == [False, True]
    assert [hold.until for hold in world.holds(ADA)] == [TUESDAY_15 + 8 * DAY]


def test_stop_from_an_old_card_still_acts(world):
    press(world, "as planned")
    world.now = TUESDAY_15 + DAY
    world.tick()
    assert world.status(ADA) == "pending"
    press(world, "stop", BEN)
    assert world.status(ADA) == "stopped"


def test_undo_of_one_week_later_asks_again(world):
    said = press(world, "one week later")
    commands.undo(world.desk, said.batch_id, actor=ANA, now=world.now)
    assert [hold.until for hold in world.holds(ADA)] == [TUESDAY_15 + DAY]
    assert announce(world) == 1
    assert shown(world).choices


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (f"resume {ADA}", "Ben changed that on"),
        (f"stop {ADA}", "Ben changed that on"),
        (f"pause {ADA}", "Another hold keeps it paused now."),
    ],
)
def test_a_hold_that_changed_meanwhile_asks_no_more(world, meanwhile, words):
    wanted = cards(world)[0].wanted
    world.say(meanwhile, BEN)
    assert cards(world)[0].wanted > wanted
    view = shown(world)
    assert words in view.verdict
    assert view.choices == ()
    assert press(world, "as planned").is_refusal


def test_a_hold_that_ended_says_so(world):
    world.now = TUESDAY_15 + DAY
    world.tick()
    assert (
        shown(world).verdict == "The hold ended on Wednesday 16 June 2027, 09:00 (Europe/Berlin), as planned."
    )


@pytest.mark.parametrize(
    "text", ["card return 999 stop", "card return 1 perhaps", f"card return {'9' * 30} stop"]
)
def test_an_answer_that_means_nothing_is_refused_in_words(world, text):
    assert world.say(text).is_refusal
    assert world.status(ADA) == "paused"


def test_a_person_who_is_erased_leaves_a_card_that_says_so(world):
    card = cards(world)[0]
    card.lead_id = None
    with world.read() as session:
        assert "no longer here" in views.view(session, card, now=world.now).title
