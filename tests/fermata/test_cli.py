"""The command line from outside: real processes in a home of their own, a real SMTP server, nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import lineage
from core.db import Database
from core.models import WORKSPACE_ID
from core.models import Workspace as WorkspaceRow
from sandbox.sink import Sink
from sandbox.slack import Workspace, running
from tests.fermata.warm import Warm
from tests.services import ROOT
from tests.stories.stage import Backstage

MAILBOX = "ana@northwind.test"
SPRING = """
sequence: Spring
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: "Hi {{ first_name }}, answer STOP to opt out."
  - id: nudge
    delay: 4 days
    thread: true
    body: "Did it arrive? Answer STOP to opt out."
"""
LEADS = """email,first_name,company,zone
ada@x.test,Ada,Engines,Europe/London
bob@x.test,Bob,Engines,
not an address,Cy,Engines,
ada@X.test,Ada again,Engines,
dan@y.test,Dan,Wires,Mars/Olympus
"""


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """A terminal with its own FERMATA_HOME."""

    fermata: Warm
    home: Path
    more: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("FERMATA_", "SLACK_"))
        }
        return kept | {"FERMATA_HOME": str(self.home), "PYTHONPATH": str(ROOT)} | self.more

    def __call__(self, *words: str, **environment: str) -> Done:
        done = Done(
            *self.fermata.run([*words], environment=self.environment() | environment, folder=self.home.parent)
        )
        assert "Traceback" not in done.err, done.err
        return done

    def refuses(self, *words: str, **environment: str) -> str:
        """The one sentence of a refusal."""
        done = self(*words, **environment)
        assert (done.code, done.out) == (1, ""), done
        assert done.err.count("\n") == 1
        return done.err.strip()

    def does(self, *words: str, **environment: str) -> str:
        done = self(*words, **environment)
        assert (done.code, done.err.strip()) == (0, ""), done
        return done.out


@pytest.fixture(scope="module")
def fermata():
    """The program, loaded once."""
    warm = Warm(ROOT)
    yield warm
    warm.close()


@pytest.fixture
def shell(fermata, tmp_path):
    """A terminal in an empty home."""
    return Shell(fermata, tmp_path / "home")


@pytest.fixture(scope="module")
def sink():
    """A real SMTP server."""
    backstage, server = Backstage(), Sink()
    backstage.do(server.__aenter__())
    yield server
    backstage.do(server.__aexit__())
    backstage.close()


@dataclass
class Shop:
    """A home in which everything was set up by commands, and what they said."""

    shell: Shell
    said: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory, sink, fermata):
    folder = tmp_path_factory.mktemp("shop")
    shell, said = Shell(fermata, folder / "home"), {}
    (folder / "spring.yaml").write_text(SPRING, "utf-8")
    (folder / "leads.csv").write_text(LEADS, "utf-8")
    smtp = f"127.0.0.1:{sink.port}"
    said["add"] = shell.does("mailbox", "add", MAILBOX, "--smtp", smtp, "--security", "none", "--cap", "50")
    said["test"] = shell.does("mailbox", "test", MAILBOX)
    said["draft"] = shell.does("apply", str(folder / "spring.yaml"))
    said["publish"] = shell.does("apply", str(folder), "--publish")
    said["import"] = shell.does("leads", "import", str(folder / "leads.csv"), "--into", "spring")
    return Shop(shell, said, folder)


# Mailboxes


def test_a_mailbox_is_added_tested_and_listed(shop, sink):
    where = f"127.0.0.1:{sink.port}"
    assert shop.said["add"] == f"{MAILBOX}: sends at most 50 a day over {where} (none)\n"
    assert shop.said["test"] == f"{MAILBOX}: connected and logged in\n"
    assert (
        shop.shell.does("mailbox", "list")
        == f"{MAILBOX}: {where} none, cap 50 a day, up, answers are not read\n"
    )


def test_a_mailbox_without_encryption_elsewhere_is_refused(shop):
    said = shop.shell.refuses(
        "mailbox", "add", "a@b.test", "--smtp", "smtp.example.com:25", "--security", "none"
    )
    assert said.startswith("Security none is for a server on this machine only")


def test_a_mailbox_that_nobody_could_answer_is_refused(shop):
    said = shop.shell.refuses(
        "mailbox", "add", "noreply@b.test", "--smtp", "127.0.0.1:25", "--security", "none"
    )
    assert said.startswith("noreply@b.test belongs to a machine or a role; leads answer to the sender")


def test_a_mailbox_without_its_password_says_which_variable_is_missing(shell, sink):
    smtp = f"127.0.0.1:{sink.port}"
    shell.does("mailbox", "add", "b@b.test", "--smtp", smtp, "--security", "none", "--user", "b",
               "--password-env", "B_PASSWORD")  # fmt: skip
    assert "B_PASSWORD is not set" in shell.refuses("mailbox", "test", "b@b.test")


# Sequences


def test_sequences_are_applied_and_published(shop):
    assert shop.said["draft"] == "Spring: new\n"
    assert shop.said["publish"].splitlines() == [
        "Spring: unchanged",
        "Spring: published: it sends, and it accepts leads.",
    ]


def test_every_fault_of_a_file_is_named_and_nothing_is_written(shop, tmp_path):
    (tmp_path / "a.yaml").write_text(SPRING.replace("Spring", "Good"), "utf-8")
    (tmp_path / "b.yaml").write_text(
        SPRING.replace("subject", "subjekt").replace("4 days", "four days"), "utf-8"
    )
    done = shop.shell("apply", str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert "Line 5, step intro" in done.err
    assert 'did you mean "subject"' in done.err
    assert "four days" in done.err
    assert "Good" not in shop.shell.does("say", "sequences")


def test_a_published_sequence_is_protected(shop, tmp_path):
    (tmp_path / "spring.yaml").write_text(SPRING.replace("a question", "a new question"), "utf-8")
    said = shop.shell.refuses("apply", str(tmp_path / "spring.yaml"))
    assert "Spring is published and protected from edits. Pause it first" in said


def test_export_gives_a_file_that_changes_nothing(shop, tmp_path):
    (tmp_path / "back.yaml").write_text(shop.shell.does("export", "SPRING"), "utf-8")
    assert shop.shell.does("apply", str(tmp_path / "back.yaml")) == "Spring: unchanged\n"


def test_a_command_in_a_bare_shell_leaves_the_settings_of_the_service_alone(shell):
    served = {
        "FERMATA_BASE_URL": "https://mail.example",
        "FERMATA_BOUNCE_LIMIT": "2",
        "FERMATA_ZONE": "Europe/Berlin",
    }

    def kept():
        with closing(Database(f"sqlite:///{shell.home / 'fermata.db'}")) as db, db.read() as session:
            row = session.get_one(WorkspaceRow, WORKSPACE_ID)
            return row.has_links, row.bounce_limit, row.zone

    shell.does("ledger", "--json", **served)
    assert kept() == (True, 2, "Europe/Berlin")
    with closing(Database(f"sqlite:///{shell.home / 'fermata.db'}")) as db:
        lineage.beat(db, now=datetime.now(UTC))  # as a sender leaves it
    shell.does("ledger", "--json")
    assert kept() == (True, 2, "Europe/Berlin")
    shell.does("ledger", "--json", FERMATA_BOUNCE_LIMIT="3")
    assert kept() == (True, 3, "Europe/Berlin")


def test_goals_are_applied_listed_and_exported(shop, tmp_path):
    (tmp_path / "customer.yaml").write_text(
        "goal: Customer\nwhen: {tag: customer}\nstop: [Spring]\n", "utf-8"
    )
    assert shop.shell.does("apply", str(tmp_path)) == "Customer: goal, new\n"
    (tmp_path / "customer.yaml").write_text(shop.shell.does("export", "--goal", "customer"), "utf-8")
    assert shop.shell.does("apply", str(tmp_path)) == "Customer: goal, unchanged\n"
    assert "Customer: A tag “customer” stops Spring." in shop.shell.does("say", "goals")
    assert "Name one sequence" in shop.shell.refuses("export")
    (tmp_path / "customer.yaml").write_text(
        "goal: Customer\nwhen: {tag: customer}\nstop: [Sprnig]\n", "utf-8"
    )
    assert "There is no sequence called “Sprnig”" in shop.shell.refuses("apply", str(tmp_path))


def test_preview_shows_each_mail_with_its_date(shop):
    said = shop.shell.does("preview", "spring", "ADA@x.test")
    assert said.startswith("Spring (published): what ada@x.test would get, starting now\n")
    assert "Ada, a question\n\n   Hi Ada, answer STOP to opt out." in said
    assert "2. email, " in said
    assert "(Europe/London)" in said


# Leads


def test_leads_are_imported_with_a_reason_for_each_refused_row(shop):
    said = shop.said["import"]
    assert "new leads: 2\n" in said
    assert "enrolled: 2\n" in said
    assert f"refused: 3, each with its reason in {shop.folder / 'leads.errors.csv'}\n" in said
    errors = (shop.folder / "leads.errors.csv").read_text("utf-8").splitlines()
    assert errors[0] == "fault,email,first_name,company,zone"
    assert "not an address" in errors[1]
    assert "Ada again" in errors[2]
    assert "Mars/Olympus" in errors[3]


@pytest.mark.row(86)
def test_the_same_file_again_adds_nothing(shop):
    said = shop.shell.does("leads", "import", str(shop.folder / "leads.csv"), "--into", "spring")
    assert "same leads: 2\n" in said
    assert "enrolled" not in said
    assert "note: ada@x.test is in Spring already (pending); nothing was changed.\n" in said


def test_import_shows_how_far_it_is_where_somebody_watches(shell, tmp_path):
    (tmp_path / "many.csv").write_text("email\n" + "".join(f"lead{n}@z.test\n" for n in range(1200)), "utf-8")
    done = shell(
        "leads", "import", str(tmp_path / "many.csv"), FORCE_COLOR="1", TERM="xterm", TTY_COMPATIBLE="1"
    )
    assert "new leads: 1,200" in done.out
    assert "Importing" in done.err


def test_a_file_that_is_not_there_is_a_sentence(shop):
    assert shop.shell.refuses("leads", "import", "nowhere.csv") == "There is no file nowhere.csv."


# Talking to it


def test_say_speaks_the_slash_grammar_as_somebody(shop):
    assert "ada@x.test is pending in Spring." in shop.shell.does("say", "status ada@x.test")
    said = shop.shell.does("say", "skip bob@x.test in spring", "--as", "U0MIRA")
    assert said.startswith("Skipped bob@x.test in Spring.")
    shop.shell.does("say", "unskip bob@x.test in Spring")
    journal = [json.loads(line) for line in shop.shell.does("audit", "--json").splitlines()]
    skipped = next(line for line in journal if line["verb"] == "skip")
    assert (skipped["actor"], skipped["lead"], skipped["was"], skipped["became"]) == (
        "U0MIRA", "bob@x.test", "pending", "skipped",
    )  # fmt: skip


def test_a_question_prints_the_commands_that_answer_it(shop):
    said = shop.shell.does("say", "stop everyone")
    assert "Stop for good 2 leads (2 enrollments)?" in said
    confirm = next(line for line in said.splitlines() if "→ Cancel: " in line).partition(": ")[2]
    assert confirm.startswith("fermata say 'cancel proposal ")
    cancel = confirm.removeprefix("fermata say ").strip("'")
    assert shop.shell.does("say", cancel) == "Cancelled; nothing was changed.\n"


def test_exit_codes(shop):
    assert shop.shell("say", "puase ada@x.test").code == 1
    assert shop.shell("say").code == 2
    assert (unknown := shop.shell("ledgr")).code == 2
    assert unknown.err == "No such command 'ledgr'. Did you mean 'ledger', 'leads'?\n"
    assert shop.shell("pause").code == 2
    assert shop.shell("mailbox", "add", MAILBOX).code == 2


def test_a_misspelled_command_gets_the_nearest(shop):
    said = shop.shell.refuses("say", "puase ada@x.test")
    assert (
        said
        == "“puase” is no command; the nearest is `pause`. For example: `pause lead@x.com until June 15`."
    )


# The whole installation


def test_migrate_twice_is_once(shell):
    assert shell.does("migrate") == shell.does("migrate") == "The database is up to date (sqlite).\n"


@pytest.mark.postgres
def test_migrate_on_postgresql(shell, postgres):
    postgres.create("from_the_cli")
    shell.more["FERMATA_DATABASE_URL"] = postgres.url("from_the_cli")
    assert shell.does("migrate") == "The database is up to date (postgresql).\n"


def test_doctor_names_what_is_missing(shop):
    done = shop.shell("doctor", "--no-dns")
    assert done.code == 1
    assert "fault: Slack: SLACK_BOT_TOKEN is not set, so there is no bot.\n" in done.out
    workspace = Workspace(now=lambda: datetime.now(UTC))
    with running(workspace) as url:
        ready = {"SLACK_BOT_TOKEN": workspace.bot_token, "SLACK_APP_TOKEN": workspace.app_token,
                 "SLACK_API_URL": f"{url}/api/", "FERMATA_BASE_URL": "https://f.test", "FERMATA_CHANNEL": "C1"}  # fmt: skip
        assert shop.shell.does("doctor", "--no-dns", **ready).endswith("all: good\n")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FERMATA_ZONE", "Europe/Berlni", "FERMATA_ZONE: There is no time zone"),
        ("FERMATA_PORT", "many", "FERMATA_PORT: "),
        ("FERMATA_DATABASE_URL", "mysql://x", "FERMATA_DATABASE_URL must begin with"),
        ("FERMATA_SECRET_KEY", "short", "FERMATA_SECRET_KEY must have at least"),
        ("FERMATA_DATABASE_URL", "postgresql://x@127.0.0.1:1/x", "The database cannot be used: "),
    ],
)
def test_a_faulty_setting_is_named(shell, name, value, words):
    assert words in shell.refuses("preview", "Spring", "a@b.test", **{name: value})


def test_the_bot_without_a_token_says_where_to_find_one(shell):
    said = shell.refuses("bot")
    assert said.startswith("SLACK_BOT_TOKEN is not set")


@pytest.mark.parametrize("words", [["sandbox", "--port"], ["web"]])
def test_a_port_that_is_taken_is_a_sentence(shell, sink, words):
    port = str(sink.port)
    said = shell.refuses(*words, *([port] if len(words) > 1 else []), FERMATA_PORT=port)
    assert said.startswith(
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use); choose another"
    )


@pytest.mark.parametrize("stop_with", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_sends_for_real_and_ends_when_told(shell, tmp_path, sink, stop_with):
    shell.more |= {"FERMATA_TICK_SECONDS": "0.2", "FERMATA_BASE_URL": "https://fermata.test"}
    (tmp_path / "spring.yaml").write_text(SPRING, "utf-8")
    address = f"lead-{stop_with.name.lower()}@z.test"
    (tmp_path / "leads.csv").write_text(f"email,first_name\n{address},Lea\n", "utf-8")
    smtp = f"127.0.0.1:{sink.port}"
    shell.does("mailbox", "add", MAILBOX, "--smtp", smtp, "--security", "none")
    shell.does("apply", str(tmp_path / "spring.yaml"), "--publish")
    shell.does("leads", "import", str(tmp_path / "leads.csv"), "--into", "Spring")
    worker = subprocess.Popen(
        [sys.executable, "-m", "fermata", "worker"],
        env=shell.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        (message,) = _wait(lambda: [m for m in sink.accepted if m.recipients == (address,)])
        worker.send_signal(stop_with)
        _, told = worker.communicate(timeout=20)
    finally:
        worker.kill()
    assert worker.returncode == 0, told
    assert address not in told, "addresses have no place in a log"
    assert b"List-Unsubscribe: <https://fermata.test/u/" in message.message
    (line,) = [json.loads(line) for line in shell.does("ledger", "--json").splitlines()]
    assert (line["state"], line["lead"], line["sequence"], line["run"]) == ("sent", address, "Spring", 1)
    assert line["message_id"].encode() in message.message


def _wait(look, seconds=60.0):
    ends = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.05)
    return found
