"""The figures and the log as Ana sees them in Slack: while leads answer and servers refuse, with picture and file."""

import csv
import io

import pytest

from core import funnel, ledger
from core.funnel import WHOLE, Asked, Figure
from sandbox.faults import Faults
from tests.stories.stage import Direct

LEADS = ("ann@x.test", "bob@x.test", "cat@y.test", "gone@y.test")


@pytest.fixture
def url(database_url):
    """On both databases."""
    return database_url


@pytest.fixture
def leads(world, team, clock):
    """Three have had the first mail, and Ann has answered; of the fourth nobody knows there."""
    world.made.sink.script = Faults("rcpt@gone:550 5.1.1 No such user here")
    world.enrols(*LEADS)
    clock.advance(hours=1)
    world.lead("ann@x.test").answers("Yes, tell me more.")
    team.sees("Yes, tell me more.")
    return LEADS


def files(world) -> list:
    return [one for one in world.made.workspace.state.files.by_id.values() if one.is_complete]


def test_stats_tell_the_funnel_and_its_picture_comes_directly(leads, world, ana):
    said = ana.types("/sequence stats Spring")
    assert "Contacted: 3. Opened: not tracked." in said
    assert "Answered: 1 (33 %)." in said
    assert "Mails: 3 sent, 1 failed." in said
    assert "1. intro" in said
    shown = Direct(world, ana).sees("Figures of Spring", "Contacted: 3.")
    assert "Mails: 3 sent, 1 failed." in shown
    (picture,) = files(world)
    assert picture.kind == "image/png"
    assert "Funnel: contacted 3, opened not tracked, interactions 1, answered 1" in picture.alt_text
    assert "ana@northwind.example" in ana.clicks("By sender", on="Figures of Spring")


def test_figures_are_those_of_the_ledger_after_two_weeks(leads, world, clock, mail_to):
    clock.advance(days=14)
    with world.made.desk.db.read() as session:
        lines = [one for one in ledger.ledger(session) if one["kind"] == "email"]
        whole = funnel.count(session, Asked())[WHOLE]
    left = [subject for lead in LEADS for subject in mail_to(lead)]
    assert whole[Figure.SENT] == sum(one["state"] == "sent" for one in lines) == len(left) == 7
    assert whole[Figure.PLANNED] == len(lines)
    assert whole[Figure.CONTACTED] == len({one["lead"] for one in lines if one["state"] == "sent"}) == 3
    assert whole[Figure.ANSWERED] == 1


def test_log_tells_a_failure_in_words_and_its_button_acts(leads, world, ana, clock):
    said = ana.types("/sequence log Spring failed")
    assert "gone@y.test" in said
    assert "the address does not exist; stop the lead" in said
    assert "Stopped gone@y.test" in ana.clicks("Stop", on="the address does not exist")
    assert world.status("gone@y.test") == "stopped"
    assert "ann@x.test" in ana.types("/sequence log answers")
    assert "Yes, tell me more." in ana.types("/sequence log answers")


def test_a_file_comes_as_a_direct_message(leads, world, ana):
    said = ana.types("/sequence log csv")
    assert "4 lines: the file is in our direct messages." in said
    (file,) = files(world)
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert sorted(row["lead"] for row in rows) == sorted(LEADS)
    assert [row["server"] for row in rows if row["lead"] == "gone@y.test"] == ["5.1.1 No such user here"]
    assert "4 lines." in Direct(world, ana).sees("The log.")


def test_a_file_that_slack_does_not_take_is_said_so(leads, world, ana):
    world.made.workspace.fail_next("files.completeUploadExternal")
    assert "The file could not be brought to Slack" in ana.types("/sequence stats csv")
