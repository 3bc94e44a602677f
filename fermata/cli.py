"""The `fermata` command. Exit codes: 0 done, 1 refused (one sentence on stderr), 2 wrong usage."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.exc import OperationalError
from typer.exceptions import TyperException

from core import commands, goal_file, lead_file, leads, ledger, publishing, sequence_file, sequences
from core import preview as previews
from core.address import spelled
from core.chunks import chunks
from core.dates import say as say_moment
from core.errors import Refused
from core.goals import library
from core.models import Sequence
from core.people import Actor
from core.settings import read_settings
from core.words import capital, counted
from fermata import figures, keys, wiring
from fermata.mailboxes import app as mailboxes_app
from fermata.mailboxes import line

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
leads_app = typer.Typer(no_args_is_help=True, help="The people who get mail.")
app.add_typer(mailboxes_app, name="mailbox")
app.add_typer(leads_app, name="leads")
app.add_typer(keys.tokens_app, name="token")
app.add_typer(keys.hooks_app, name="hook")
app.command("rotate-secrets")(keys.rotate_secrets)

IMPORT_ROWS = 500
TOLD_SHOWN = 20  # sentences about single leads of an import
GIVING_WAY = 5  # added to the niceness of a process that only sends


def main() -> None:
    """Run the command; a refusal is one sentence on stderr and exit code 1, a command that cannot be read one and 2."""
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        _refuse(error.format_message().rstrip("\n"), error.exit_code)
    except Refused as refused:
        _refuse(str(refused))
    except OperationalError as error:
        _refuse(f"The database cannot be used: {str(error.orig).strip().splitlines()[0].rstrip('.')}.")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _refuse(f"{where}{error.strerror or error}.")


def _refuse(sentence: str, code: int = 1) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(code)


def _cli_actor() -> Actor:
    user = getpass.getuser()
    return Actor(f"cli:{user}", user)


# Running


@app.command()
def run() -> None:
    """Run everything in one process: bot, sender and web."""
    _serve(bot=True, worker=True, web=True)


@app.command()
def bot() -> None:
    """Run the Slack bot alone, and draw its cards."""
    _serve(bot=True)


@app.command()
def worker() -> None:
    """Run the sender alone; it gives way to what answers people on the same machine."""
    if not read_settings().database.startswith("sqlite"):  # there everybody would wait for what it has locked
        os.nice(GIVING_WAY)
    _serve(worker=True)


@app.command()
def web() -> None:
    """Run the web server alone: unsubscribe links, Slack over HTTP, health."""
    _serve(web=True)


def _serve(*, bot: bool = False, worker: bool = False, web: bool = False) -> None:
    # Imported here: the servers' libraries take longer to load than most commands take to run.
    from fermata import serving

    asyncio.run(serving.serve(read_settings(), bot=bot, worker=worker, web=web))


@app.command()
def sandbox(port: Annotated[int, typer.Option(help="Where the page is served.")] = 8300) -> None:
    """Try Fermata out: a Slack window and a mail world on this machine, no accounts."""
    # Imported here, since the sandbox needs parts that an installation does without.
    from fermata.tryout import main as run_sandbox

    run_sandbox(port)


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    with wiring.opened() as db:
        sys.stdout.write(f"The database is up to date ({db.engine.dialect.name}).\n")


@app.command()
def doctor(
    dns: Annotated[bool, typer.Option(help="Ask the DNS for the senders' SPF, DKIM and DMARC.")] = True,
) -> None:
    """Check settings, Slack, mailboxes and DNS, and say what is wrong in words."""
    from fermata.doctor import findings

    is_well = True
    with wiring.opened() as db:
        for finding in findings(db, read_settings(), has_dns=dns):
            line(f"fault: {finding.what}" if finding.is_fault else finding.what, finding.words)
            is_well &= not finding.is_fault
    if not is_well:
        raise typer.Exit(1)
    line("all", "good")


# Sequences and leads


@app.command()
def apply(
    paths: Annotated[list[Path], typer.Argument(help="YAML files, or folders of them.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish what is good.")] = False,
) -> None:
    """Write sequences and goals from YAML files; all of them, or none when one is faulty."""
    texts = [(path.name, _text(path)) for path in _yaml_files(paths)]
    specs = [sequence_file.load(text, name=name) for name, text in texts if not goal_file.is_goal(text)]
    aims = [goal_file.load(text, name=name) for name, text in texts if goal_file.is_goal(text)]
    with wiring.opened() as db, db.write() as session:
        for spec in specs:
            saved = sequences.save(session, spec, actor=_cli_actor(), now=wiring.now())
            line(spec.name, ", ".join(saved.differences) or "unchanged")
            for note in previews.taken_out(spec):
                line(spec.name, note)
            row = session.get_one(Sequence, saved.sequence_id)
            if publish and row.status != "published":
                for change in publishing.changes(session, row):
                    line(spec.name, change)
                said = sequences.turn(session, row.id or 0, "publish", actor=_cli_actor(), now=wiring.now())
                line(spec.name, said.removeprefix(f"{row.name} is "))
            elif faults := publishing.faults(session, spec, now=wiring.now()):
                line(spec.name, f"cannot be published yet: {' '.join(faults)}")
        for aim in aims:  # last, since they name sequences
            line(aim.name, f"goal, {library.save(session, aim, actor=_cli_actor(), now=wiring.now())}")


def _yaml_files(paths: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
        elif path.is_file():
            found.append(path)
        else:
            msg = f"There is no file {path}."
            raise Refused(msg)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{path} is not UTF-8 text; save it as UTF-8."
        raise Refused(msg) from None


@app.command()
def export(
    sequence: Annotated[str, typer.Argument(help="The sequence.")] = "",
    published: Annotated[bool, typer.Option("--published", help="As it was published last.")] = False,
    goal: Annotated[str, typer.Option(help="A goal instead.")] = "",
) -> None:
    """Write a sequence as YAML to standard output, with every edit, or as it was published last; or a goal."""
    if bool(sequence) is bool(goal):
        raise Refused("Name one sequence, or one goal with --goal.")
    with wiring.opened() as db, db.read() as session:
        if goal:
            sys.stdout.write(library.find(session, goal).spec)
            return
        row = sequences.find(session, sequence)
        sys.stdout.write((row.published_spec if published else None) or row.spec)


@app.command()
def preview(sequence: str, lead: str) -> None:
    """Show every mail of a sequence as this lead would get it, with its date."""
    settings = read_settings()
    with wiring.opened() as db, db.read() as session:
        row, who, path = previews.preview(
            session, sequence, spelled(lead), office=wiring.make_office(settings), now=wiring.now()
        )
    if path.nothing:
        line("Nothing will be sent", path.nothing)
    line(f"{row.name} ({row.status})", f"what {who.email} would get, starting now")
    for step in path.steps:
        only_if = f", only if step {step.only_if} comes true" if step.only_if else ""
        told = ", ".join(filter(None, (say_moment(step.at, path.zone), step.variant, step.ways)))
        sys.stdout.write(f"\n{step.number}. {step.kind}{only_if}, {told}\n   {step.subject}\n")
        body = "\n\n".join(filter(None, (capital(step.wrong), step.text)))
        sys.stdout.write(
            "\n" + "".join(f"   {line}\n" if line else "\n" for line in body.strip().splitlines())
        )


@leads_app.command("import")
def leads_import(
    file: Path,
    into: Annotated[str, typer.Option(help="The sequence to enrol them in.")] = "",
    errors: Annotated[
        Path | None, typer.Option(help="Where refused rows go; default FILE.errors.csv.")
    ] = None,
) -> None:
    """Import leads from CSV; refused rows go to an error file with their reason."""
    if not file.is_file():
        msg = f"There is no file {file}."
        raise Refused(msg)
    source = lead_file.read(file.read_bytes())
    for note in source.notes:
        line("note", note)
    refused: list[lead_file.Row] = []
    told: list[str] = []
    counts: dict[str, int] = {}
    with wiring.opened() as db, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Importing", total=source.total)
        for batch in chunks(source, IMPORT_ROWS):
            done = leads.import_batch(db, batch, into=into or None, actor=_cli_actor(), now=wiring.now())
            refused += done.refused
            told += done.told
            for what, count in done.counts.items():
                counts[what] = counts.get(what, 0) + count
            progress.advance(task, len(batch))
    for what, count in sorted(counts.items()):
        if count:
            line(what, f"{count:,}")
    for sentence in told[:TOLD_SHOWN]:
        line("note", sentence)
    if (more := len(told) - TOLD_SHOWN) > 0:
        line("note", f"and {counted(more, 'more lead')}; `fermata say 'list in {into}'` shows who is in it")
    if refused:
        target = errors or file.with_suffix(".errors.csv")
        with target.open("w", newline="", encoding="utf-8") as out:
            lead_file.write_errors(refused, out, header=source.header)
        line("refused", f"{len(refused)}, each with its reason in {target}")


# Talking to it


@app.command()
def say(text: str, as_: Annotated[str, typer.Option("--as", help="Who says it.")] = "") -> None:
    """Say what one would type after /sequence in Slack."""
    actor = Actor(as_, as_) if as_ else _cli_actor()
    with wiring.opened() as db:
        answer = commands.run(wiring.make_desk(read_settings(), db), text, actor=actor, now=wiring.now())
    _show(answer)


figures.register(app, actor=_cli_actor, say=say)


def _show(answer: Any) -> None:
    if answer.is_refusal:
        raise Refused(answer.as_text())
    sys.stdout.write(answer.as_text() + "\n")
    for choice in answer.choices:
        if choice.command:
            sys.stdout.write(f"  → {choice.label}: fermata say {shlex.quote(choice.command)}\n")
        elif choice.proposal:
            sys.stdout.write(f"  → {choice.label}: fermata confirm {choice.proposal}\n")


@app.command()
def inbound(
    file: Path,
    mailbox: Annotated[
        str, typer.Option(help="The mailbox it came to; default the one it is addressed to.")
    ] = "",
) -> None:
    """Take in a message from a file, as if a mailbox had received it now."""
    from fermata import inbound as reading

    with wiring.opened() as db:
        sys.stdout.write(reading.said(reading.take_in(db, file, mailbox)) + "\n")


@app.command()
def confirm(proposal: str, as_: Annotated[str, typer.Option("--as", help="Who confirms.")] = "") -> None:
    """Confirm what a command asked before acting."""
    actor = Actor(as_, as_) if as_ else _cli_actor()
    with wiring.opened() as db:
        _show(
            commands.confirm(wiring.make_desk(read_settings(), db), proposal, actor=actor, now=wiring.now())
        )


@app.command("ledger")
def show_ledger(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Write one line per delivery."""
    _write_lines(ledger.ledger, as_json=as_json)


@app.command()
def audit(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Write one line per entry of the journal."""
    _write_lines(ledger.audit, as_json=as_json)


def _write_lines(lines: Callable[[Any], Iterator[dict[str, Any]]], *, as_json: bool) -> None:
    with wiring.opened() as db, db.read() as session:
        for line in lines(session):
            sys.stdout.write(
                json.dumps(line)
                if as_json
                else "  ".join(str(value) for value in line.values() if value is not None)
            )
            sys.stdout.write("\n")
