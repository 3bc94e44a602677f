"""`fermata mailbox …`: adding mailboxes, listing them, and saying in words what is wrong with one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from sqlmodel import select

from core import reading
from core.address import is_role, spelled
from core.db import Database
from core.errors import Refused
from core.models import Mailbox
from core.settings import Settings, read_settings
from fermata import wiring
from jobs import imap
from jobs.servers import PASSWORD, imap_server, smtp_server
from jobs.smtp_login import MailboxDown, Server, log_in

app = typer.Typer(no_args_is_help=True, help="The mailboxes that send and are read.")

AUTHS = (PASSWORD, "google", "microsoft")
# Where the two are reached, for those who name nothing else.
HOSTS = {
    "google": ("smtp.gmail.com:587", "imap.gmail.com:993"),
    "microsoft": ("smtp.office365.com:587", "outlook.office365.com:993"),
}
IMAP_SECURITY = {993: "tls", 143: "starttls"}


@app.command("add")
def add(
    address: str,
    smtp: Annotated[str, typer.Option(help="HOST:PORT; known for google and microsoft.")] = "",
    imap: Annotated[str, typer.Option(help="HOST:PORT; without it no answer is ever noticed.")] = "",
    auth: Annotated[str, typer.Option(help="password, google or microsoft (OAuth2)")] = PASSWORD,
    security: Annotated[str, typer.Option(help="tls, starttls or none (this machine only)")] = "starttls",
    imap_security: Annotated[
        str, typer.Option(help="The same for IMAP; default tls on port 993, starttls on 143.")
    ] = "",
    user: str = "",
    password_env: Annotated[
        str, typer.Option(help="The variable that holds the password, or the refresh token.")
    ] = "",
    name: Annotated[str, typer.Option(help="The name leads see.")] = "",
    cap: Annotated[int, typer.Option(min=0, help="Most mails a day.")] = 200,
    gap: Annotated[float, typer.Option(min=0, help="Seconds between two mails.")] = 0,
    ramp_from: Annotated[int, typer.Option(min=0, help="The cap of its first day; 0: no ramp-up.")] = 0,
    ramp_step: Annotated[int, typer.Option(min=0, help="How much the cap grows a day.")] = 0,
    zone: str = "UTC",
    connections: Annotated[int, typer.Option(min=1, max=20)] = 4,
) -> None:
    """Add a mailbox, or change the one with this address."""
    address = spelled(address)
    if is_role(address):
        raise Refused(
            f"{address} belongs to a machine or a role; leads answer to the sender, so add a person's mailbox."
        )
    if auth not in AUTHS:
        raise Refused(f"Auth is password, google or microsoft, not {auth!r:.60}.")
    if auth == "google" and not password_env:
        raise Refused("A Google mailbox needs --password-env, the variable with its refresh token.")
    known_smtp, known_imap = HOSTS.get(auth, ("", ""))
    if not (smtp or known_smtp):
        raise typer.BadParameter("Where does it send? Write --smtp HOST:PORT.")
    host, port = _host_port(smtp or known_smtp)
    Server(host, port, security)  # type: ignore[arg-type]  # refuses unknown words, and `none` off this machine
    imap_at = imap or known_imap
    imap_host, imap_port = _host_port(imap_at) if imap_at else (None, None)
    if imap_host and imap_port:
        imap_security = imap_security or IMAP_SECURITY.get(imap_port, security)
        Server(imap_host, imap_port, imap_security)  # type: ignore[arg-type]
    with wiring.opened() as db, db.write() as session:
        row = session.exec(select(Mailbox).where(Mailbox.address == address)).first()
        row = row or Mailbox(
            address=address, smtp_host=host, smtp_port=port, smtp_security=security, created_at=wiring.now()
        )
        if (row.imap_host, row.imap_port, row.username) != (imap_host, imap_port, user or None):
            row.read_at = None
        row.smtp_host, row.smtp_port, row.smtp_security = host, port, security
        row.imap_host, row.imap_port = imap_host, imap_port
        row.imap_security = imap_security if imap_host else None
        row.auth, row.username, row.password_env = auth, user or None, password_env or None
        row.name, row.cap_per_day, row.min_gap_seconds, row.connections = name, cap, gap, connections
        row.ramp_from, row.ramp_step, row.zone = ramp_from or None, ramp_step, zone
        row.down_at = row.down_because = row.retry_at = row.unread_because = None
        session.add(row)
        session.flush()
        reading.forget(
            session, row.id or 0
        )  # read anew from its beginning: what was taken in acts no second time
    sends = (
        "a cap of 0: it sends nothing"
        if cap == 0
        else f"sends at most {cap} a day over {host}:{port} ({security})"
    )
    line(address, f"{sends}, is read over {imap_host}:{imap_port} ({imap_security})" if imap_host else sends)


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
        raise Refused(f"“{text}” is not HOST:PORT; write it like smtp.example.com:587.")
    return host.strip("[]"), int(port)


@app.command("list")
def show() -> None:
    """List the mailboxes with their state, and when each was last read."""
    with wiring.opened() as db, db.read() as session:
        for row in session.exec(select(Mailbox).order_by(Mailbox.address)):
            state = (
                f"down since {row.down_at:%Y-%m-%d %H:%M} UTC: {row.down_because}" if row.down_at else "up"
            )
            line(
                row.address,
                f"{row.smtp_host}:{row.smtp_port} {row.smtp_security}, cap {row.cap_per_day} a day, {state}{_read(row)}",
            )


def _read(row: Mailbox) -> str:
    if row.imap_host is None:
        return ", answers are not read"
    when = f"last read {row.read_at:%Y-%m-%d %H:%M:%S} UTC" if row.read_at else "not yet read"
    return f", {when}" + (f", unread because: {row.unread_because}" if row.unread_because else "")


@app.command("test")
def test(address: str) -> None:
    """Connect and log in, to send and to read, and say what is wrong in words."""
    settings = read_settings()
    with wiring.opened() as db:
        with db.read() as session:
            row = session.exec(select(Mailbox).where(Mailbox.address == spelled(address))).first()
        if row is None:
            raise Refused(f"There is no mailbox {address}.")
        if faults := list(faults_of(db, row, settings)):
            raise Refused(" ".join(faults))
        line(row.address, "connected and logged in")
        if row.imap_host:
            line(row.address, _how_it_is_read(db, row, settings))


def faults_of(db: Database, row: Mailbox, settings: Settings) -> Iterator[str]:
    """Give what keeps a mailbox from sending and from being read, a sentence each."""
    if row.password_env and not os.environ.get(row.password_env):
        yield f"The variable {row.password_env} is not set, so there is no password."
        return
    tokens = wiring.make_tokens(settings)
    try:
        server = smtp_server(row, os.environ.get, tokens, settings.smtp_timeout_seconds)
        asyncio.run(_try_smtp(server))
    except MailboxDown as down:
        yield f"It cannot send: {down}"
    if row.imap_host:
        try:
            _how_it_is_read(db, row, settings)
        except MailboxDown as down:
            yield f"It cannot be read: {down}"


async def _try_smtp(server: Server) -> None:
    welcome = await log_in(server)
    welcome.wire.close()


def _how_it_is_read(db: Database, row: Mailbox, settings: Settings) -> str:
    """Give how it will be read; raises MailboxDown with the reason why it cannot be."""
    tokens = wiring.make_tokens(settings)
    connection = imap.connect(imap_server(row, os.environ.get, tokens, settings.smtp_timeout_seconds))
    try:
        places = connection.places()
        if gone := imap.missing(places, reading.marks(db, row.id or 0)):
            raise imap.FolderGone(imap.gone_words(gone, row.address))
        for place in places:
            connection.open(place.name)
    finally:
        connection.close()
    names = ", ".join(place.name for place in places)
    when = (
        "new mail is noticed at once"
        if connection.has_idle
        else f"the server offers no IDLE, so it is asked every {settings.poll_seconds:g} seconds"
    )
    return f"reads {names}; {when}"


def line(what: str, words: str) -> None:
    """Write one line about something."""
    sys.stdout.write(f"{what}: {words}\n")
