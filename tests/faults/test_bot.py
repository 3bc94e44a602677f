"""kill -9 of the bot at its commits, while somebody types and clicks and a worker sends (G1, G5)."""

import itertools
import signal
import time
from contextlib import closing
from functools import partial

import pytest
from sqlalchemy import update
from sqlmodel import select

from core.models import Enrollment, Journal
from sandbox.slack import Workspace, running
from tests import mailroom
from tests.faults.harness import THOROUGH, room_of, sink_process, taken, wait_for, worker
from tests.faults.sabotage import die_at_commit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800 if THOROUGH else 180)]

# A start, then for each act what came in, what was done, and its cards drawn.
COMMITS = range(1, 25) if THOROUGH else (2, 9)
UNDO = "↩️ Undo"


class Ana:
    """Somebody who pauses one lead after the other, and takes back each second pause."""

    def __init__(self, slack, last_lead):
        self.person, self.numbers = slack.person("ana"), iter(range(last_lead, 0, -1))
        self.leads, self.turn = [], 0

    def act(self):
        """Type or click once, and give what tells that it was answered; None: the bot was not there."""
        self.turn += 1
        paused = (
            next((m for m in self.answers() if "Paused" in m.all_text()), None)
            if self.turn % 2 == 0
            else None
        )
        if paused is None:
            self.leads.append(f"lead{next(self.numbers)}@b.test")
        before = self.said()
        said = (
            self.person.click(paused, UNDO)
            if paused
            else self.person.type("outbound", f"/sequence pause {self.leads[-1]}")
        )
        return (lambda: self.said() != before) if said.ok else None

    def answers(self):
        """Give the answers about her newest lead."""
        return [m for m in self.person.ephemerals() if self.leads and self.leads[-1] in m.all_text()]

    def said(self):
        """Give their words."""
        return [m.all_text() for m in self.answers()]

    def pauses(self, lead):
        """Pause a lead for good, whatever became of it before, and give when that was answered (monotonic seconds)."""
        before = len(self.person.ephemerals())
        assert self.person.type("outbound", f"/sequence pause {lead}").ok
        wait_for(lambda: any(lead in m.all_text() for m in self.person.ephemerals()[before:]))
        return time.monotonic()


def acts_of(room):
    """What was done to each enrollment, in order, as the journal has it."""
    with room.db.read() as session:
        people = select(Journal).where(Journal.verb.in_(["pause", "undo"])).order_by(Journal.id)
        rows = session.exec(people).all()
    done = {}
    for row in rows:
        done.setdefault(row.enrollment_id, []).append(row.verb)
    return done


def test_a_bot_killed_at_its_commits_does_each_act_once(database_url, tmp_path, record_property):
    slack, log, kills = Workspace(now=mailroom.real_now, trigger_seconds=60), tmp_path / "mail.jsonl", 0
    with running(slack) as url, sink_process(log, "data:delay=0.3") as sink:
        known = {
            "SLACK_API_URL": f"{url}/api/", "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            "FERMATA_CHANNEL": "C0OUTBOUND",
        }  # fmt: skip
        bot = partial(worker, database_url, tmp_path, role="bot", **known)
        room = room_of(database_url, sink.port, 100 * len(COMMITS), connections=1)
        with closing(room.db), worker(database_url, tmp_path):
            with room.db.write() as session:  # else a pause would ask for `skip` instead
                session.execute(update(Enrollment).values(has_started=True))
            ana = Ana(slack, len(room.ids) - 1)
            for nth, when in itertools.product(COMMITS, ("before", "after")):
                with bot(sabotage=partial(die_at_commit, nth, when)) as process:
                    while process.is_alive():
                        if slack.delivery.wait_until_reachable(0.2) and (is_answered := ana.act()):
                            wait_for(lambda: not process.is_alive() or is_answered())
                    kills += process.exitcode == -signal.SIGKILL
            assert kills == 2 * len(COMMITS)
            with bot():
                slack.delivery.wait_until_reachable(60)
                answered = {lead: ana.pauses(lead) for lead in dict.fromkeys(ana.leads)}
                done = acts_of(room).values()
                assert not [acts for acts in done if doubled(acts)]
                assert any("undo" in acts for acts in done)
                before = len(taken(log))
                wait_for(lambda: len(taken(log)) > before + 20)
                ana.person.type("outbound", "/sequence pause sequence Spring")
            late = [m for m in taken(log) if m.monotonic > answered.get(m.recipients[0], float("inf"))]
            assert late == []
            wait_for(lambda: "in_progress" not in {row.status for row in room.rows()})
            mailroom.check_books(room.db, taken(log))
    words = f"the bot killed {kills} times, at its commits, while {ana.turn} commands and clicks came"
    dialect = room.db.engine.dialect.name
    record_property("proof", f"G1, G5 [{dialect}]: {words}: each done once, 0 mails after an answered pause")


def doubled(acts):
    """Whether something was done twice in a row."""
    return any(first == second for first, second in itertools.pairwise(acts))
