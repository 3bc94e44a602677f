"""`fermata mailbox` from outside: real servers, and every fault in one sentence."""

import asyncio
import socket
import sys

import pytest

from sandbox.sink import Sink
from tests.fermata.test_cli import Shell
from tests.fermata.warm import Warm
from tests.services import ROOT, running_dovecot
from tests.stories.stage import Backstage

ANA = "ana@northwind.test"


@pytest.fixture(scope="module")
def fermata():
    """The program, loaded once."""
    warm = Warm(ROOT)
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def smtp():
    """HOST:PORT of a real SMTP server."""
    backstage, server = Backstage(), Sink()
    backstage.do(server.__aenter__())
    yield f"127.0.0.1:{server.port}"
    backstage.do(server.__aexit__())
    backstage.close()


@pytest.fixture
def shell(fermata, tmp_path, dovecot):
    """A terminal in an empty home, where the mailbox's password is set."""
    return Shell(fermata, tmp_path / "home", {"ANA_PASSWORD": dovecot.PASSWORD})


def add(shell, smtp, imap, *words) -> str:
    return shell.does("mailbox", "add", ANA, "--smtp", smtp, "--imap", imap, "--security", "none",
                      "--password-env", "ANA_PASSWORD", *words)  # fmt: skip


def test_a_mailbox_is_added_tested_and_listed(shell, smtp, dovecot):
    imap = f"127.0.0.1:{dovecot.port}"
    assert add(shell, smtp, imap) == (
        f"{ANA}: sends at most 200 a day over {smtp} (none), is read over {imap} (none)\n"
    )
    assert shell.does("mailbox", "test", ANA) == (
        f"{ANA}: connected and logged in\n{ANA}: reads INBOX, Junk, Sent; new mail is noticed at once\n"
    )
    assert shell.does("mailbox", "list") == f"{ANA}: {smtp} none, cap 200 a day, up, not yet read\n"
    assert "not read yet" in shell.does("say", "mailboxes")


def test_a_server_without_idle_is_named(shell, smtp):
    with running_dovecot(
        more="imap_capability = IMAP4rev1 LITERAL+ SPECIAL-USE NAMESPACE UNSELECT\n"
    ) as server:
        add(shell, smtp, f"127.0.0.1:{server.port}")
        said = shell.does("mailbox", "test", ANA, FERMATA_POLL_SECONDS="15")
    assert "the server offers no IDLE, so it is asked every 15 seconds" in said


def test_every_fault_is_one_sentence(shell, smtp, dovecot):
    with socket.create_server(("127.0.0.1", 0)) as door:
        closed = f"127.0.0.1:{door.getsockname()[1]}"
    add(shell, closed, closed)
    said = shell.refuses("mailbox", "test", ANA)
    assert (
        said
        == f"It cannot send: Nothing answers at {closed}. It cannot be read: Nothing answers at {closed}."
    )
    add(shell, smtp, f"127.0.0.1:{dovecot.port}")
    said = shell.refuses("mailbox", "test", ANA, ANA_PASSWORD="wrong")
    assert said.startswith("It cannot be read: ")
    assert "refused the user name or the password" in said
    assert "wrong" not in said
    said = shell.refuses("mailbox", "test", ANA, ANA_PASSWORD="")
    assert said == "The variable ANA_PASSWORD is not set, so there is no password."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--auth", "kerberos"], "Auth is password, google or microsoft"),
        (["--auth", "google"], "A Google mailbox needs --password-env"),
        (["--smtp", "127.0.0.1:25", "--imap", "imap.example.com:1430", "--security", "none"], "Security none is for"),
        (["--smtp", "127.0.0.1:25", "--security", "none", "--imap", "imap.example.com"], "is not HOST:PORT"),
        (["--smtp", "127.0.0.1:25", "--security", "none", "--imap", "x.test:993", "--imap-security", "ssl"],
         "Security is tls, starttls or none"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(shell, words, said):
    assert said in shell.refuses("mailbox", "add", ANA, *words)


@pytest.mark.parametrize(
    ("auth", "words", "hosts"),
    [
        ("google", ["--password-env", "ANA_REFRESH"], ("smtp.gmail.com:587", "imap.gmail.com:993")),
        ("microsoft", [], ("smtp.office365.com:587", "outlook.office365.com:993")),
    ],
)
def test_the_servers_of_google_and_microsoft_are_known(shell, auth, words, hosts):
    said = shell.does("mailbox", "add", ANA, "--auth", auth, *words)
    assert said == (
        f"{ANA}: sends at most 200 a day over {hosts[0]} (starttls), is read over {hosts[1]} (tls)\n"
    )


def test_where_it_sends_must_be_said(shell):
    assert shell("mailbox", "add", ANA).code == 2


def test_an_application_that_is_not_set_up_is_named(shell, smtp, dovecot):
    shell.more["ANA_REFRESH"] = "refresh"
    shell.does("mailbox", "add", ANA, "--smtp", smtp, "--imap", f"127.0.0.1:{dovecot.port}", "--security", "none",
               "--auth", "google", "--password-env", "ANA_REFRESH")  # fmt: skip
    said = shell.refuses("mailbox", "test", ANA)
    assert "XOAUTH2" in said or "Set FERMATA_GOOGLE_CLIENT_ID" in said
    assert "It cannot be read: Set FERMATA_GOOGLE_CLIENT_ID and FERMATA_GOOGLE_CLIENT_SECRET" in said


def test_a_worker_reads_what_it_is_told_to(shell, smtp, dovecot, tmp_path):
    from tests.fermata.test_cli import SPRING
    from tests.jobs.test_reader import answer

    add(shell, smtp, f"127.0.0.1:{dovecot.port}")
    (tmp_path / "spring.yaml").write_text(SPRING, "utf-8")
    (tmp_path / "leads.csv").write_text("email,first_name\nlead0@b.test,Lea\n", "utf-8")
    shell.does("apply", str(tmp_path / "spring.yaml"), "--publish")
    shell.does("leads", "import", str(tmp_path / "leads.csv"), "--into", "Spring")
    dovecot.deliver(ANA, answer(0))
    asyncio.run(_work(shell))
    assert ", last read 20" in shell.does("mailbox", "list")
    assert "“Thanks!”" in shell.does("say", "why lead0@b.test")


async def _work(shell) -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fermata", "worker", env=shell.environment(), stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(80):
            while "“Thanks!”" not in await asyncio.to_thread(shell.does, "say", "why lead0@b.test"):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    finally:
        worker.terminate()
        _, said = await asyncio.wait_for(worker.communicate(), 20)
        assert b"Traceback" not in said, said.decode()
