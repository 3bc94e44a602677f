"""The commands of compose.yaml: mail leaves, a pause in Slack holds it, and every process is replaced while mail leaves."""

import json
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime

import pytest

from sandbox.slack import Workspace, running
from tests import mailroom
from tests.deployment.stack import COMPOSE, Stack, filled
from tests.faults.harness import room_of, sink_process, taken, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEADS = 4000  # more than can leave meanwhile


@pytest.fixture
def slack():
    workspace = Workspace(now=lambda: datetime.now(UTC))
    with running(workspace) as url:
        workspace.url = url
        yield workspace


@pytest.fixture
def stack(tmp_path, postgres, redis_url, slack):
    made = Stack(
        tmp_path,
        database=postgres.create("deployed"),
        redis=redis_url,
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
        SLACK_API_URL=f"{slack.url}/api/",
        FERMATA_CHANNEL="C0OUTBOUND",
        FERMATA_TICK_SECONDS="0.2",
    )
    yield made
    made.close()
    postgres.drop("deployed")


def test_a_rolling_restart_while_mail_leaves_loses_nothing_and_sends_nothing_twice(stack, slack, tmp_path):
    migrate = stack.start("migrate").process
    migrate.join(60)
    assert migrate.exitcode == 0
    log = tmp_path / "mail.jsonl"
    with sink_process(log, "dot:delay=0.05") as sink:
        room = room_of(stack.database, sink.port, LEADS, connections=2)
        with closing(room.db):
            workers = int(filled(COMPOSE["services"]["worker"]["deploy"]["replicas"], stack.values))
            parts = [stack.start(service) for service in ["worker"] * workers + ["bot", "web"]]
            stack.is_up(*parts)
            wait_for(lambda: len(taken(log)) > 20)

            ana = slack.person("Ana")
            before = paused(ana, log)
            parts[2] = replaced(stack, parts[2])  # the bot: coming back starts nothing
            assert len(taken(log)) == before
            ana.type("outbound", "/sequence resume sequence Spring")
            wait_for(lambda: len(taken(log)) > before)

            for number, part in enumerate(parts):
                since = len(taken(log))
                parts[number] = replaced(stack, part)
                assert len(taken(log)) > since, "sending stood still meanwhile"
            sent = paused(ana, log)
            assert sent < LEADS, "everything had left before the restart was over"
            mailroom.check_books(room.db, taken(log))
            assert Counter(row.status for row in room.rows()) == {"completed": sent, "pending": LEADS - sent}
            assert set(room.states()) <= {"sent", "claimed", "ready"}
            copies = Counter(message.recipients[0] for message in taken(log))
            assert (len(copies), set(copies.values())) == (sent, {1})
            ana.type("outbound", "/sequence status lead7@b.test")
            assert ana.wait_for_text("lead7@b.test")
            figures = parts[-1].answers("/metrics")
            assert f'fermata_handed_total{{mailbox="us@a.test"}} {sent}\n' in figures
            assert "fermata_tick_age_seconds" in parts[0].answers("/metrics")
            for part in parts:
                part.stops()
    check_logs(stack)


def paused(ana, log):
    """How much had left when the pause was answered."""
    answers = len([one for one in ana.messages() if "Spring is paused" in one.all_text()])
    ana.type("outbound", "/sequence pause sequence Spring")
    wait_for(lambda: len([one for one in ana.messages() if "Spring is paused" in one.all_text()]) > answers)
    return len(taken(log))


def replaced(stack, part):
    """One container less, then one more: what `docker compose up --no-deps SERVICE` does."""
    part.stops()
    fresh = stack.start(part.service)
    stack.is_up(fresh)
    return fresh


def check_logs(stack):
    """One JSON object a line with the fields that docs/operations.md names, and no secret in it."""
    for one in stack.running:
        text = one.log.read_text()
        lines = [json.loads(line) for line in text.splitlines() if not line.startswith("The database is")]
        assert all({"at", "level", "role", "logger", "message"} <= set(line) for line in lines)
        assert {line["role"] for line in lines} <= {one.service}
        assert not [line for line in lines if "trace" in line]
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "FERMATA_SECRET_KEY", "POSTGRES_PASSWORD"):
            assert stack.values[name] not in text
