"""App Home in Slack: opened, published anew when others act, pressed; nobody but members sees a lead."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from bot import home_cards
from bot.delivery import LEASE, deliver
from core import homes
from core.answers import Answer, Choice
from core.cards import PACE
from core.models import Card, Lead
from sandbox.slack.blocks import check_view
from sandbox.slack.state import User
from tests.bot.samples import NOW

ADA = "ada@engines.example"


@pytest.fixture(autouse=True)
def owned(world):
    """Both leads are Ana's."""
    with world.database.write() as session:
        for lead in session.exec(select(Lead)):
            lead.owner = world.ana.id
    return world


def words(person) -> str:
    return json.dumps(person.home.payload, ensure_ascii=False) if person.home else ""


def opened(world, person):
    """Open a Home and draw it."""
    assert person.open_home().ok
    world.until(lambda: home_row(world, person))
    world.draw()
    return person.home


def direct(world, person):
    """Give what stands in a person's direct messages with the app."""
    return world.slack.messages(world.slack.state.direct(person.id).id)


def home_row(world, person):
    with world.database.read() as session:
        return session.exec(select(Card).where(Card.key == homes.key(person.id))).first()


def until_says(world, person, wanted: str):
    def look():
        world.draw()
        return wanted in words(person)

    world.until(look)


def test_opening_it_shows_the_persons_work(world):
    view = opened(world, world.ana)
    assert check_view({"type": "home", "blocks": view.payload["blocks"]}) == []
    for part in (
        "2 leads of yours",
        "My paused leads",
        "Today",
        "Spring",
        "0 contacted",  # both have begun, but no mail of theirs is on record
        "2 active",
        "ana@northwind.example",
    ):
        assert part in words(world.ana)
    assert home_row(world, world.ana).ts == view.hash


def test_the_messages_tab_draws_no_home(world):
    world.slack.send_event(
        {"type": "app_home_opened", "user": world.ana.id, "tab": "messages", "channel": "D1"}
    )
    world.ana.type("#outbound", "/sequence help")
    world.ana.wait_for_text("What you can say")
    assert home_row(world, world.ana) is None


def test_what_another_does_by_command_stands_on_it(world):
    opened(world, world.ana)
    world.ben.type("#outbound", f"/sequence pause {ADA} until June 30")
    until_says(world, world.ana, "My paused leads (1)")
    assert "paused by Ben" in words(world.ana)


def test_a_press_acts_and_is_told_on_the_home_alone(world):
    world.ana.type("#outbound", f"/sequence pause {ADA}")
    world.ana.wait_for_text("Paused")
    opened(world, world.ana)
    before = len(direct(world, world.ana))
    world.ana.click("home", "Resume")
    until_says(world, world.ana, "you resumed it at")
    assert world.enrollment().status == "pending"
    assert len(direct(world, world.ana)) == before
    world.ana.click("home", "↩️ Undo")
    world.until(lambda: world.enrollment().status == "paused")


def test_an_old_home_resumes_nobody_and_says_who_was_faster(world):
    world.ana.type("#outbound", f"/sequence pause {ADA}")
    world.ana.wait_for_text("Paused")
    old = opened(world, world.ana)
    for verb, status in (("resume", "pending"), ("pause", "paused")):
        world.ben.type("#outbound", f"/sequence {verb} {ADA}")
        world.until(lambda status=status: world.enrollment().status == status)
    world.ana.click(old, "Resume")
    world.until(lambda: "Ben Okafor paused it" in "".join(m.all_text() for m in direct(world, world.ana)))
    assert world.enrollment().status == "paused"


def test_a_form_of_the_home_answers_on_the_home(world):
    opened(world, world.ana)
    world.ana.click("home", "Pause a lead…")
    world.until(lambda: world.ana.modal)
    before = len(direct(world, world.ana))
    assert world.ana.submit({"Lead": ADA}).ok
    until_says(world, world.ana, f"{ADA} in Spring: you paused it")
    assert len(direct(world, world.ana)) == before
    assert world.slack.messages("#outbound") == []


def test_a_list_that_was_asked_for_comes_directly(world):
    opened(world, world.ana)
    world.ana.click("home", "List")
    world.until(lambda: "2 leads in Spring" in "".join(m.all_text() for m in direct(world, world.ana)))


@pytest.mark.parametrize("who", ["gus", "sam"])
def test_guests_and_strangers_read_why_and_no_leads(world, who):
    if who == "sam":
        world.slack.add_user(User("U0SAM", "sam", "Sam Stranger", team_id="T0OTHER"))
    person = world.slack.person(who)
    person.open_home()
    world.until(lambda: person.home)
    assert "Only full members of this workspace" in words(person)
    assert ADA not in words(person)
    assert "actions" not in words(person)
    assert home_row(world, person) is None


def test_who_becomes_a_guest_sees_nothing_any_more(world):
    opened(world, world.ana)
    user = world.slack.state.users[world.ana.id]
    user.is_restricted = True
    world.slack.send_event({"type": "user_change", "user": user.as_json(NOW)})
    until_says(world, world.ana, "Only full members")
    assert "Spring" not in words(world.ana)


def test_a_home_that_somebody_else_published_is_drawn_from_the_newest_state(world):
    opened(world, world.ana)
    stolen = {"type": "home", "blocks": [{"type": "divider"}]}
    world.client.views_publish(user_id=world.ana.id, view=stolen)
    world.ben.type("#outbound", f"/sequence pause {ADA}")
    world.ben.wait_for_text("Paused")
    world.draw()
    assert home_row(world, world.ana).fault == "hash_conflict"
    assert world.ana.home.payload["blocks"][0]["type"] == "divider"
    until_says(world, world.ana, "My paused leads (1)")
    assert home_row(world, world.ana).ts == world.ana.home.hash
    assert home_row(world, world.ana).fault is None


def test_two_bots_publish_once_and_a_dead_one_is_stood_in_for(world):
    world.ana.open_home()
    world.until(lambda: home_row(world, world.ana))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: world.draw(), range(4)))
    assert len(world.slack.calls_of("views.publish")) == 1
    with world.database.write() as session:
        row = session.exec(select(Card).where(Card.kind == homes.KIND)).one()
        row.wanted, row.retry_at = row.wanted + 1, NOW + LEASE
    assert world.draw() == 0
    world.clock.now += LEASE
    assert world.draw() == 1


def test_changes_by_others_are_gathered_and_the_persons_own_are_not(world):
    opened(world, world.ana)

    def touch():
        with world.database.write() as session:
            homes.touch_all(session)

    def draw():
        return deliver(world.desk, world.client, now=world.clock(), pace=PACE)

    world.clock.now += timedelta(minutes=1)
    touch()
    assert draw() == 1
    world.clock.now += homes.PACE / 2
    touch()
    assert draw() == 0
    with world.database.write() as session:
        homes.opened(session, world.ana.id, now=world.clock())
    assert draw() == 1
    touch()
    world.clock.now += homes.PACE
    assert draw() == 1


@pytest.mark.parametrize("error", ["not_enabled", "user_not_found"])
def test_a_home_that_nobody_can_see_is_not_tried_for_ever(world, error):
    opened(world, world.ana)
    world.slack.state.users.pop(world.ana.id) if error == "user_not_found" else setattr(
        world.slack, "has_home", False
    )
    with world.database.write() as session:
        homes.touch_all(session)
    world.draw()
    calls = len(world.slack.calls_of("views.publish"))
    assert world.draw() == 0
    assert len(world.slack.calls_of("views.publish")) == calls
    assert home_row(world, world.ana).fault is None


@pytest.mark.parametrize(
    ("said", "is_shown"),
    [
        (Answer("Paused."), True),
        (Answer("Paused.", ("It wakes on Monday.",), batch_id=4), True),
        (Answer("No.", is_refusal=True), False),
        (Answer("Paused.", has_begun=True), False),
        (Answer("Which?", choices=(Choice("This", "help"),)), False),
        (
            Answer("Spring is paused.", choices=(Choice("Resume sequence", "card home 1 resume seen 2"),)),
            True,
        ),
    ],
)
def test_what_a_home_tells_by_itself_is_not_said_again(said, is_shown):
    from bot.front import shows_on_home

    assert shows_on_home(said) is is_shown


def test_no_home_is_larger_than_slack_takes():
    from sandbox.specimens.homes import MANY

    view = home_cards.home(MANY)
    assert check_view(view) == []
    assert len(view["blocks"]) <= home_cards.VIEW_BLOCKS
