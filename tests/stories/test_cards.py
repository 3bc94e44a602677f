"""Cards and answers between several people: redrawn everywhere, acted on once, never to start mail when stale."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from core.grammar import COMMANDS
from core.models import Journal, Mailbox
from sandbox.faults import Faults
from sandbox.slack.delivery import NOBODY_LISTENS

LEAD = "lead@x.test"
CROWD = tuple(f"lead{number}@crowd.test" for number in range(12))


@pytest.fixture
def lead(world, clock):
    """A lead who has had the first mail."""
    world.enrols(LEAD)
    clock.advance(hours=1)
    return LEAD


@pytest.fixture
def crowd(world, clock):
    """Twelve leads of one company, each has had the first mail."""
    world.enrols(*CROWD)
    clock.advance(hours=1)
    return CROWD


def acts(world, verb):
    """How often the journal has this verb."""
    with world.made.desk.db.read() as session:
        return len(session.exec(select(Journal).where(Journal.verb == verb)).all())


# Redrawn everywhere


@pytest.mark.parametrize("way", ["command", "click", "terminal"])
def test_a_card_is_redrawn_wherever_it_stands_whoever_acts_from_wherever(lead, world, ana, ben, team, way):
    ana.types(f"/sequence status {lead}")
    ben.types(f"/sequence status {lead}", channel="#general")
    ben.sees("✉️ lead@x.test", "⏳ Pending", channel="#general")
    match way:
        case "command":
            ben.types(f"/sequence pause {lead} because on leave", channel="#general")
            who = "Ben"
        case "click":
            ana.clicks("Pause", on="✉️ lead@x.test")
            who = "Ana"
        case "terminal":
            world.says(f"pause {lead}", user="cli:mira")
            who = "mira"
    team.sees("✉️ lead@x.test", "⏸️ Paused", f"Paused by {who}")
    ben.sees("✉️ lead@x.test", "⏸️ Paused", f"Paused by {who}", channel="#general")
    assert not any("⏳ Pending" in card for card in team.cards(lead) + team.cards(lead, "#general"))


def test_a_card_is_redrawn_when_a_mail_leaves_and_when_a_hold_ends(lead, ana, team, clock):
    ana.types(f"/sequence status {lead}")
    clock.advance(days=2)
    team.sees("⏳ Pending · Spring · step 3 of 3", "“Lead, did it reach you?” (step 2 of Spring) was sent")
    ana.types(f"/sequence pause {lead} for 3 days")
    team.sees("⏸️ Paused · Spring")
    clock.advance(days=5)
    team.sees("⏳ Pending · Spring · step 3 of 3")
    clock.advance(days=10)
    team.sees("✅ Completed · Spring · all 3 steps done")


def test_a_redraw_that_slack_refuses_is_made_later(lead, world, ana, team):
    ana.types(f"/sequence status {lead}")
    team.card(lead)
    world.made.workspace.fail_next("chat.update", times=2, status=500)
    world.says(f"pause {lead}")
    team.sees("✉️ lead@x.test", "⏸️ Paused")


# Two people, stale cards


def test_the_second_to_click_is_told_who_acted(lead, world, ana, ben, team):
    ana.types(f"/sequence pause {lead}")
    team.sees("⏸️ Paused · Spring")
    card = team.card(lead)
    ana.clicks("Resume", card=card)
    said = ben.clicks("Resume", card=card)
    assert "Ana Ruiz resumed it" in said
    assert "the card is up to date now" in said
    assert acts(world, "resume") == 1


def test_a_stale_resume_does_nothing_but_redraw(lead, world, ana, ben, team, clock, mail_to):
    ana.types(f"/sequence pause {lead}")
    team.sees("⏸️ Paused · Spring")
    stale = team.card(lead)
    ana.types(f"/sequence resume {lead}")
    ana.types(f"/sequence pause {lead} because he asked for it himself")
    assert "up to date now" in ben.clicks("Resume", card=stale)
    clock.advance(days=30)
    assert (world.status(lead), mail_to(lead)) == ("paused", ["Lead, a question"])


def test_a_stale_pause_still_acts(lead, world, ana, ben, team, clock, mail_to):
    ana.types(f"/sequence status {lead}")
    stale = team.card(lead)
    clock.advance(days=2)
    assert "Paused lead@x.test in Spring." in ben.clicks("Pause", card=stale)
    clock.advance(days=30)
    assert len(mail_to(lead)) == 2


def test_a_stale_stop_still_acts(lead, world, ana, ben, team):
    ana.types(f"/sequence status {lead}")
    stale = team.card(lead)
    ana.types(f"/sequence pause {lead}")
    assert "Stopped lead@x.test in Spring." in ben.clicks("Stop", card=stale)
    assert world.status(lead) == "stopped"


def test_two_click_at_once_and_one_acts(lead, world, ana, ben, team):
    ana.types(f"/sequence pause {lead}")
    team.sees("⏸️ Paused · Spring")
    card = team.card(lead)
    with ThreadPoolExecutor(2) as both:
        said = list(both.map(lambda who: who.clicks("Resume", card=card), (ana, ben)))
    assert sorted("Resumed" in answer for answer in said) == [False, True]
    assert acts(world, "resume") == 1


def test_stop_asks_first(lead, world, ana):
    ana.types(f"/sequence status {lead}")
    ana.declines("Stop", on="✉️ lead@x.test")
    assert world.status(lead) == "pending"


# Undo


def test_undo_takes_a_pause_back(lead, world, ana, team, clock, dates_of_mail_to):
    assert "[↩️ Undo]" in ana.types(f"/sequence pause {lead}")
    assert "Undid `pause`" in ana.clicks("Undo")
    team.sees("⏳ Pending · Spring")
    clock.advance(days=3)
    assert dates_of_mail_to(lead) == ["Tue 1 Jun 10:00", "Thu 3 Jun 10:00"]


def test_undo_after_somebody_else_acted_leaves_it_and_says_so(lead, world, ana, ben, team):
    ana.types(f"/sequence pause {lead}")
    ben.types(f"/sequence stop {lead}")
    assert "Ben Okafor stopped it" in ana.clicks("Undo")
    assert world.status(lead) == "stopped"


def test_undo_of_a_stop_brings_the_run_back(lead, world, ana, clock, mail_to):
    ana.types(f"/sequence stop {lead}")
    ana.types("/sequence undo")
    clock.advance(days=3)
    assert len(mail_to(lead)) == 2


# Many at once


def test_more_than_ten_are_shown_first(crowd, world, ana, clock):
    question = ana.types("/sequence pause @crowd.test until June 15")
    assert "Pause until Tuesday 15 June 2027 (Europe/Berlin), 12 leads (12 enrollments)?" in question
    assert "Sequences: Spring (12)" in question
    assert "Owners: nobody (12)" in question
    assert "[Pause until Tuesday 15 June 2027] [Cancel]" in question
    assert {world.status(lead) for lead in crowd} == {"pending"}
    assert "Paused 12 leads (12 enrollments) until Tuesday 15 June 2027" in ana.clicks(
        "Pause until Tuesday 15 June 2027"
    )
    assert {world.status(lead) for lead in crowd} == {"paused"}


def test_a_question_cancelled_or_left_alone_does_nothing(crowd, world, ana, clock):
    ana.types("/sequence pause @crowd.test")
    assert "Cancelled; nothing was changed." in ana.clicks("Cancel")
    ana.types("/sequence stop @crowd.test")
    clock.advance(minutes=20)
    assert "too old" in ana.clicks("Stop for good 12 leads")
    assert {world.status(lead) for lead in crowd} == {"pending"}


def test_ambiguous_dates_are_asked_about(lead, world, ana):
    question = ana.types(f"/sequence pause {lead} until 9/8")
    assert "[Wednesday 8 September 2027]" in question
    assert "until Monday 9 August 2027" in ana.clicks("Monday 9 August 2027")
    assert world.status(lead) == "paused"


# Nobody knows whether it left


@pytest.fixture
def uncertain(world, clock, team):
    """A lead whose first mail the server took without saying so."""
    world.made.sink.script = Faults("after#1:drop")
    world.enrols(LEAD)
    clock.settle()
    card = team.sees("❓ Did step 1 reach lead@x.test?")
    assert "“Lead, a question” of Spring" in card
    assert "[It left] [Send again] [Drop it]" in card
    return LEAD


def test_an_uncertain_mail_waits_for_a_person(uncertain, world, ana, clock, mail_to):
    clock.advance(days=10)
    assert mail_to(uncertain) == ["Lead, a question"]
    assert "First say on its card" in ana.types(f"/sequence resume {uncertain}")


@pytest.mark.parametrize(
    ("verdict", "subjects"),
    [
        ("It left", ["Lead, a question", "Lead, did it reach you?"]),
        ("Send again", ["Lead, a question", "Lead, a question", "Lead, did it reach you?"]),
        ("Drop it", ["Lead, a question", "Lead, did it reach you?"]),
    ],
)
def test_what_a_person_says_of_it_counts(uncertain, ana, ben, team, clock, mail_to, verdict, subjects):
    card = next(m for m in ana._at.messages("#outbound") if m.text.startswith("Did step"))
    ana.clicks(verdict, card=card)
    assert "Ana Ruiz" in team.sees("❓ Did step 1 reach lead@x.test?", "✅")
    assert "settled this" in ben.clicks("Send again", card=card)
    clock.advance(days=3)
    assert mail_to(uncertain) == subjects


# Everything at once


def test_all_sending_is_halted_and_goes_on(lead, ana, ben, team, clock, dates_of_mail_to):
    ana.types(f"/sequence status {lead}")
    assert "All sending is halted." in ben.types("/sequence halt because wrong prices")
    assert "by Ben" in team.sees("✉️ lead@x.test", "⛔ All sending was halted", "wrong prices")
    team.sees("⛔ All sending is halted", "Ben Okafor halted it on", "wrong prices")
    clock.advance(days=7)
    assert dates_of_mail_to(lead) == ["Tue 1 Jun 10:00"]
    ben.types("/sequence unhalt")
    team.sees("⛔ All sending was halted", "Ben Okafor ended it on")
    team.sees("▶️ Sending goes on")
    clock.advance(hours=1)
    assert dates_of_mail_to(lead)[1:] == ["Tue 8 Jun 11:00"]


# Who may not


def test_a_guest_is_refused_politely_and_alone(lead, world, ana, gus, team):
    said = gus.types(f"/sequence pause {lead}")
    assert "Only full members of this workspace" in said
    ana.types(f"/sequence status {lead}")
    assert "Only full members" in gus.clicks("Pause", on="✉️ lead@x.test")
    assert world.status(lead) == "pending"
    assert not any(
        "Only full members" in message.text for message in world.made.workspace.messages("#outbound")
    )
    assert "Only full members" not in "".join(ana.answers())


def test_what_is_not_understood_gets_the_nearest_command(lead, ana):
    said = ana.types(f"/sequence puase {lead}")
    assert "pause" in said
    assert "Traceback" not in said


def test_the_log_says_who_did_what_to_whom(lead, world, ana, ben):
    world.enrols("other@x.test")
    ana.types(f"/sequence pause {lead} because asked for it")
    ben.types("/sequence stop other@x.test")
    said = ana.types("/sequence log acts")
    assert "lead@x.test: Ana Ruiz paused it in Spring (pending → paused): asked for it." in said
    assert "other@x.test: Ben Okafor stopped it in Spring (pending → stopped)." in said


def test_help_lists_every_command(ana):
    said = ana.types("/sequence help")
    assert all(f"`{entry.usage}`: {entry.does}" in said for entry in COMMANDS)
    assert "more lines" not in said


# Again and again


def test_a_click_that_slack_delivers_again_acts_once(lead, world, ana, team):
    ana.types(f"/sequence status {lead}")
    ana.clicks("Pause", on="✉️ lead@x.test")
    for _ in range(2):
        world.made.workspace.replay()
    world.made.workspace.wait_for(lambda: len(ana.answers()) == 4, 5)
    assert acts(world, "pause") == 1


def test_a_resume_delivered_again_after_a_new_pause_resumes_nothing(lead, world, ana, ben, clock, mail_to):
    ana.types(f"/sequence pause {lead}")
    ana.types(f"/sequence resume {lead}")
    late = len(world.made.workspace.sent) - 1
    ben.types(f"/sequence pause {lead}")
    world.made.workspace.replay(late)
    clock.advance(days=30)
    assert (world.status(lead), mail_to(lead)) == ("paused", ["Lead, a question"])


# What falls over


def test_the_bot_starts_anew_in_mid_story(lead, world, ana, ben, team, clock, mail_to):
    ana.types(f"/sequence status {lead}")
    team.card(lead)
    world.stop_bot()
    assert ana._at.type("#outbound", f"/sequence pause {lead}").error == NOBODY_LISTENS
    world.says(f"pause {lead}")  # a terminal still can
    world.start_bot()
    team.sees("✉️ lead@x.test", "⏸️ Paused · Spring")  # drawn by the new bot
    ben.clicks("Resume", on="✉️ lead@x.test")
    clock.advance(days=3)
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?"]


def test_the_sender_starts_anew_after_two_days_away(lead, world, ana, clock, mail_to):
    world.enrols("held@x.test")
    clock.advance(minutes=1)
    world.stop_sender()
    ana.types("/sequence pause held@x.test")
    clock.jump(days=2, hours=1)
    assert mail_to(lead) == ["Lead, a question"]
    world.start_sender()
    clock.settle()
    assert mail_to(lead) == ["Lead, a question", "Lead, did it reach you?"]
    assert mail_to("held@x.test") == ["Held, a question"]
    world.stop_sender()
    world.start_sender()
    clock.settle()
    assert len(mail_to(lead)) == 2


def test_everything_starts_anew_while_a_crowd_is_being_sent_to(world, ana, clock, mail_to):
    world.enrols(*CROWD)
    for _ in range(3):
        world.stop_sender()
        world.start_sender()
    clock.settle()
    assert [mail_to(lead) for lead in CROWD] == [[f"Lead{n}, a question"] for n in range(12)]


def test_a_mailbox_at_its_cap_sends_the_rest_on_the_following_days(world, ana, clock, dates_of_mail_to):
    with world.made.desk.db.write() as session:
        session.get_one(Mailbox, 1).cap_per_day = 5
    world.enrols(*CROWD)
    clock.advance(hours=1)
    assert "has reached its cap of 5 a day" in ana.types(f"/sequence why {CROWD[-1]}")
    clock.until("2027-06-02", at="16:00")
    days = [dates_of_mail_to(lead)[0][:9] for lead in CROWD if dates_of_mail_to(lead)]
    assert (days.count("Tue 1 Jun"), days.count("Wed 2 Jun")) == (5, 5)
