"""docs/operations.md rehearsed: a backup while mail leaves, a restore into a new place, and nothing leaves twice."""

import shutil
import subprocess
from collections import Counter
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from sqlite3 import connect as connect_sqlite

import pytest
from sqlalchemy import make_url
from sqlmodel import select

from core.commands import Desk, run
from core.db import Database
from core.models import WORKSPACE_ID, Delivery, Enrollment, Lead, Workspace
from sandbox.slack import Workspace as Slack
from sandbox.slack import running
from tests import mailroom
from tests.deployment.stack import FORKS, be
from tests.faults.harness import is_settled, room_of, sink_process, taken, wait_for, worker
from tests.services import postgres_bin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LEADS = 150


@pytest.fixture
def doctor_settings():
    """What `fermata doctor` wants to find around it."""
    slack = Slack(now=lambda: datetime.now(UTC))
    with running(slack) as url:
        yield {
            "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "SLACK_API_URL": f"{url}/api/",
            "FERMATA_CHANNEL": "C0OUTBOUND", "FERMATA_BASE_URL": "https://fermata.test", "FERMATA_SECRET_KEY": "k" * 40,
        }  # fmt: skip


def back_up(url, target):
    """The two commands of docs/operations.md."""
    if url.startswith("sqlite"):
        with closing(connect_sqlite(make_url(url).database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    else:
        plain = url.replace("+psycopg", "")
        subprocess.run([postgres_bin() / "pg_dump", "--format=custom", f"--file={target}", plain], check=True)


@contextmanager
def restored(url, backup, tmp_path, request):
    if url.startswith("sqlite"):
        shutil.copy(backup, tmp_path / "restored.db")
        yield f"sqlite:///{tmp_path / 'restored.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    fresh = postgres.create("restored")
    plain = fresh.replace("+psycopg", "")
    subprocess.run([postgres_bin() / "pg_restore", "--no-owner", f"--dbname={plain}", backup], check=True)
    yield fresh
    postgres.drop("restored")


def test_a_backup_made_while_mail_leaves_goes_on_elsewhere(database_url, tmp_path, request, doctor_settings):
    log, backup = tmp_path / "mail.jsonl", tmp_path / "backup"
    with sink_process(log, "dot:delay=0.02") as sink:
        lost = room_of(database_url, sink.port, LEADS, connections=2)
        with closing(lost.db):
            with worker(database_url, tmp_path) as process:
                wait_for(lambda: len(taken(log)) > 10)
                back_up(database_url, backup)
                since = len(taken(log))
                wait_for(lambda: len(taken(log)) > since + 5)
                process.terminate()
                process.join(30)
            left = [row for row in lost.deliveries() if row.state == "sent"]
            emails = addresses(lost.db, left)
        with restored(database_url, backup, tmp_path, request) as url, closing(Database(url)) as db:
            assert doctor(url, tmp_path, doctor_settings) == 0
            before = len(taken(log))
            assert 0 < before < LEADS
            with worker(url, tmp_path):
                wait_for(lambda: halted(db) and not under_way(db))
                assert "older than what was sent from here last" in halted(db)
                assert len(taken(log)) == before
                known = set(addresses(db, mailroom.deliveries(db), "sent", "uncertain"))
                desk = Desk(db)
                for email in set(emails) - known:  # what left since: the ledger of the database that was lost
                    answer = run(
                        desk, f"stop {email} because it left", actor=mailroom.ADA, now=mailroom.real_now()
                    )
                    assert not answer.is_refusal, answer.as_text()
                assert len(taken(log)) == before
                run(desk, "unhalt", actor=mailroom.ADA, now=mailroom.real_now())
                wait_for(lambda: is_settled(mailroom.Mailroom(db, 0, 0, [], [])))
            copies = Counter(message.recipients[0] for message in taken(log))
            assert (len(copies), set(copies.values())) == (LEADS, {1})


def addresses(db, deliveries, *states):
    ids = {row.enrollment_id for row in deliveries if not states or row.state in states}
    with db.read() as session:
        rows = session.exec(select(Enrollment.id, Lead.email).join(Lead, Lead.id == Enrollment.lead_id)).all()
    return [email for number, email in rows if number in ids]


def doctor(url, home, settings):
    """Run `fermata doctor` in a home of its own."""
    (folder := home / "doctor").mkdir()
    environment = {**settings, "FERMATA_HOME": str(folder), "FERMATA_DATABASE_URL": url}
    process = FORKS.Process(
        target=be, args=(["fermata", "doctor", "--no-dns"], environment, str(folder / "log"))
    )
    process.start()
    process.join(60)
    print((folder / "log").read_text())
    return process.exitcode


def halted(db):
    with db.read() as session:
        return session.get_one(Workspace, WORKSPACE_ID).halted_because or ""


def under_way(db):
    with db.read() as session:
        return session.exec(select(Delivery.id).where(Delivery.state.in_(["claimed", "sending"]))).first()
