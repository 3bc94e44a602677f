"""Settings, keys, files and databases that are wrong (rows 199 to 212): refused at the start, in a sentence."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from core import place, sequences
from core.errors import Refused
from core.models import Mailbox
from core.outgoing import book
from core.secrets import Vault
from core.sequence_file import load
from core.settings import read_settings
from fermata import wiring
from tests.bad_inputs.rows import state, untouched
from tests.bot.samples import NOW
from tests.fermata.test_cli import SPRING, Shell
from tests.fermata.warm import Warm
from tests.services import ROOT
from tests.world import ANA as EDITOR
from tests.world import PLAIN, make

OLD, NEW = "an-old-key-of-thirty-two-letters", "a-new-key-of-thirty-two-letters!"
ANA = "ana@northwind.test"


@pytest.fixture(scope="module")
def fermata():
    """The program, loaded once."""
    with closing(Warm(ROOT)) as warm:
        yield warm


@pytest.fixture(scope="module")
def shell(fermata, tmp_path_factory):
    """A terminal in a home whose database is there."""
    made = Shell(fermata, tmp_path_factory.mktemp("shell") / "home", {})
    made.does("migrate")
    return made


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home of this process."""
    monkeypatch.setenv("FERMATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def kept(shell) -> list[str]:
    """Give everything that the database holds."""
    with closing(sqlite3.connect(shell.home / "fermata.db")) as connection:
        return list(connection.iterdump())


def add(shell, *words: str):
    return shell("mailbox", "add", ANA, "--smtp", "127.0.0.1:25", "--security", "none", *words)


@pytest.mark.row(199)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_key_that_others_can_read_is_refused(home, mode):
    home.mkdir()
    (home / "secret.key").write_text(OLD)
    (home / "secret.key").chmod(mode)
    for make_it in (wiring.make_vault, wiring.make_office):
        with pytest.raises(
            Refused, match="secret.key in FERMATA_HOME can be read by others; run `chmod 600` on it"
        ):
            make_it(read_settings())


@pytest.mark.row(199)
def test_command_that_needs_such_a_key_changes_nothing(shell):
    key = shell.home / "secret.key"
    key.write_text(OLD)
    key.chmod(0o644)
    before = kept(shell)
    assert "run `chmod 600` on it" in shell.refuses("hook", "add", "https://crm.example/f")
    assert kept(shell) == before
    key.unlink()


@pytest.mark.row(200)
@pytest.mark.parametrize("now_is", ["", NEW], ids=["missing", "another"])
def test_sender_does_not_start_without_the_key_that_locked_its_secrets(home, monkeypatch, now_is):
    with closing(wiring.open_database(read_settings())) as db:
        with db.write() as session:
            _, secret = book.add(
                session, Vault(OLD.encode()), "https://crm.example/f", [], actor=EDITOR, now=NOW
            )
        before = state(db)
        monkeypatch.setenv("FERMATA_SECRET_KEY", now_is)
        with pytest.raises(Refused, match="encrypted with another FERMATA_SECRET_KEY; name that one in"):
            wiring.make_engine(read_settings(), db)
        assert state(db) == before
        assert secret not in str(before)
        monkeypatch.setenv("FERMATA_SECRET_KEY", OLD)
        wiring.make_engine(read_settings(), db)


@pytest.mark.row(200)
@pytest.mark.parametrize("name", ["FERMATA_SECRET_KEY", "FERMATA_SECRET_KEY_OLD"])
def test_key_that_is_too_short_is_refused(home, monkeypatch, name):
    monkeypatch.setenv(name, "short")
    with pytest.raises(Refused, match=rf"{name} .*32 characters"):
        wiring.make_vault(read_settings())


@pytest.mark.row(204)
@pytest.mark.parametrize(
    "url",
    [
        *("http://f.test", "https://f.test/path", "ftp://f.test", "f.test", "https://", "https:///x"),
        *("https://f.test?x=1", "https://f.test#x", "https://user:pw@f.test", "javascript:alert(1)"),
    ],
)
def test_base_url_that_could_not_be_ours_is_refused(monkeypatch, url):
    monkeypatch.setenv("FERMATA_BASE_URL", url)
    with pytest.raises(Refused, match=r"^FERMATA_BASE_URL: must be the public address of this server"):
        read_settings()


@pytest.mark.row(204)
@pytest.mark.parametrize(
    ("url", "fixed"),
    [
        ("https://f.test/", "https://f.test"),
        ("https://f.test:8443", "https://f.test:8443"),
        ("http://127.0.0.1:8300/", "http://127.0.0.1:8300"),
        ("", ""),
    ],
)
def test_base_url_loses_its_slash(monkeypatch, url, fixed):
    monkeypatch.setenv("FERMATA_BASE_URL", url)
    assert read_settings().base_url == fixed


@pytest.mark.row(206, 207)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sequence: !!python/object/apply:os.system [touch HERE]\n", "python/object/apply:os.system"),
        (SPRING + "owner: !!python/name:os.system\n", "python/name:os.system"),
        (SPRING + 'window: {days: Mon-Fri, from: "18:00", to: "09:00"}\n', "The window closes at 09:00"),
        (SPRING + 'window: {days: [], from: "09:00", to: "17:00"}\n', "The window has no weekdays"),
    ],
)
def test_file_of_a_sequence_that_cannot_be_is_refused(shell, text, sentence):
    (shell.home / "bad.yaml").write_text(text.replace("HERE", str(shell.home / "touched")))
    before = kept(shell)
    assert sentence in shell("apply", str(shell.home / "bad.yaml")).err
    assert kept(shell) == before
    assert not (shell.home / "touched").exists()


@pytest.mark.row(208)
def test_cap_below_nothing_is_refused(shell):
    before = kept(shell)
    done = add(shell, "--cap", "-1")
    assert done.code == 2
    assert "greater than or equal to 0" in done.err
    assert kept(shell) == before


@pytest.mark.row(208)
def test_cap_of_nothing_sends_nothing_and_says_so(shell, sqlite_url):
    assert "a cap of 0: it sends nothing" in add(shell, "--cap", "0").out
    world = make(sqlite_url, PLAIN, "ada@acme.test", now=NOW)
    world.change(Mailbox, cap_per_day=0)
    for _ in range(3):
        assert world.tick() == []
        world.later(days=1)
    said = world.say("why ada@acme.test").as_text()
    assert "has a cap of 0 a day: it sends nothing until that is raised." in said
    assert "it is free on" not in said


@pytest.mark.row(211)
def test_database_of_a_newer_fermata_starts_nothing(shell, home):
    shell.does("migrate", FERMATA_HOME=str(home))
    with closing(sqlite3.connect(home / "fermata.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        before = list(connection.iterdump())
    for words in (["worker"], ["say", "pause everyone"]):
        assert shell.refuses(*words, FERMATA_HOME=str(home)).startswith(
            "This database was written by a newer Fermata."
        )
    with closing(sqlite3.connect(home / "fermata.db")) as connection:
        assert list(connection.iterdump()) == before


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:50 / /srv rw,relatime shared:2 - {kind} nas:/export rw,vers=4.2
31 30 8:2 / /srv/disk rw,relatime - xfs /dev/sdb rw
32 22 0:51 / /with\\040blank rw - {kind} nas:/b rw
33 22 0:52 / /odd
"""


class TestSqliteOverTheNetwork:
    @pytest.mark.row(212)
    @pytest.mark.parametrize(
        "kind", ["nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.sshfs", "fuse.glusterfs", "lustre"]
    )
    def test_kind_of_the_nearest_mount_counts(self, kind, tmp_path):
        mounts = MOUNTS.format(kind=kind)
        for path in ("/srv/fermata.db", "/srv/home/deep/fermata.db", "/with blank/fermata.db"):
            with pytest.raises(Refused, match=re.escape(f"network file system ({kind})")):
                place.check(type(tmp_path)(path), mounts)
        for path in ("/fermata.db", "/srv/disk/fermata.db", "/srvother/fermata.db"):
            place.check(type(tmp_path)(path), mounts)

    @pytest.mark.row(212)
    def test_nothing_starts_on_it(self, home, tmp_path, monkeypatch):
        wiring.open_database(read_settings()).close()
        monkeypatch.setattr(place, "MOUNTS", tmp_path / "mounts")
        (tmp_path / "mounts").write_text(
            f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {tmp_path} rw - nfs4 nas:/a rw\n"
        )
        with pytest.raises(Refused, match="use PostgreSQL"):
            wiring.open_database(read_settings())


@pytest.mark.row(210)
def test_sequence_that_is_edited_under_running_leads_leaves_them_theirs(sqlite_url, caplog):
    world = make(sqlite_url, PLAIN, "ada@acme.test", now=NOW)
    world.tick()
    world.say("pause sequence Spring")
    before = state(world.db)["enrollment"]
    with world.db.write() as session:
        sequences.save(session, load(PLAIN.replace("4 days", "9 days")), actor=EDITOR, now=NOW)
    with untouched(world.db, caplog, but={"proposal"}):
        asked = world.say("publish sequence Spring")
        assert asked.title == "Publish Spring as it was edited?"
    assert state(world.db)["enrollment"] == before
