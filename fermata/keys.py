"""`fermata token …`, `fermata hook …` and `fermata rotate-secrets`: what opens doors, and what is told outside."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from core import api_tokens
from core.outgoing import book
from core.people import Actor
from core.settings import read_settings
from fermata import wiring
from fermata.mailboxes import line

tokens_app = typer.Typer(no_args_is_help=True, help="The keys to the API.")
hooks_app = typer.Typer(no_args_is_help=True, help="The addresses that are told what happens.")


def _actor() -> Actor:
    user = getpass.getuser()
    return Actor(f"cli:{user}", user)


def _split(words: str) -> list[str]:
    return words.replace(",", " ").split()


@tokens_app.command("add")
def add_token(
    name: str,
    scopes: Annotated[str, typer.Option(help="Of read, act, enrol and admin, with commas.")] = "read",
) -> None:
    """Make a token and write it to standard output, this once."""
    with wiring.opened() as db, db.write() as session:
        token = api_tokens.add(session, name, _split(scopes), actor=_actor(), now=wiring.now())
    sys.stdout.write(f"{token}\n")


@tokens_app.command("list")
def list_tokens() -> None:
    """List the tokens, their scopes and when each was last used."""
    with wiring.opened() as db, db.read() as session:
        for token in api_tokens.living(session):
            used = f"last used {token.used_at:%Y-%m-%d %H:%M} UTC" if token.used_at else "never used"
            line(token.name, f"{','.join(token.scopes)}  {used}  by {token.created_by}")


@tokens_app.command("revoke")
def revoke_token(name: str) -> None:
    """Let a token open nothing any more."""
    with wiring.opened() as db, db.write() as session:
        api_tokens.revoke(session, name, actor=_actor(), now=wiring.now())
    line(name, "revoked")


@hooks_app.command("add")
def add_hook(
    url: str, events: Annotated[str, typer.Option(help="Which, with commas; default all of them.")] = ""
) -> None:
    """Tell an address what happens, and show the secret that it can check that with, this once."""
    vault = wiring.make_vault(read_settings())
    with wiring.opened() as db, db.write() as session:
        hook, secret = book.add(session, vault, url, _split(events), actor=_actor(), now=wiring.now())
    line(f"hook {hook.id}", f"on; its secret, shown this once: {secret}")


@hooks_app.command("list")
def list_hooks() -> None:
    """List the hooks that are on, and what waits for each."""
    with wiring.opened() as db, db.read() as session:
        for hook, waits, lost in book.standing(session):
            line(f"{hook.id}", f"{hook.url}  {','.join(hook.events)}  {waits:,} waiting, {lost:,} given up")


@hooks_app.command("off")
def turn_hook_off(number: int) -> None:
    """Tell a hook nothing any more, nor what waits for it."""
    with wiring.opened() as db, db.write() as session:
        hook = book.off(session, number, actor=_actor(), now=wiring.now())
    line(f"{number}", f"{hook.url} is off")


@hooks_app.command("test")
def test_hook(number: int) -> None:
    """Have a hook told of a test, by the worker that runs."""
    with wiring.opened() as db, db.write() as session:
        book.test(session, number, actor=_actor(), now=wiring.now())
    line(f"{number}", "a running worker tells it now; `fermata hook list` shows whether it waits")


def rotate_secrets() -> None:
    """Encrypt every stored secret with FERMATA_SECRET_KEY, where one of FERMATA_SECRET_KEY_OLD did it before."""
    vault = wiring.make_vault(read_settings())
    with wiring.opened() as db, db.write() as session:
        changed, total = book.rotate(session, vault)
    line("secrets", f"{changed} of {total} encrypted anew")
