"""What the rows of bad inputs have in common: what must not change, and what nobody must see."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import SQLModel, text

from core.db import Database
from sandbox.slack import Person
from tests.bot.world import World

# What is written about an attempt, whatever becomes of it.
TRACES = {"card", "journal", "member", "seen"}
LONGEST_REFUSAL = 600


def state(database: Database, *, but: frozenset[str] | set[str] = frozenset()) -> dict[str, list[str]]:
    """Give all that a person could change: every row of every table but those of mere traces and those in `but`."""
    with database.read() as session:
        return {
            name: sorted(repr(tuple(row)) for row in session.execute(text(f'SELECT * FROM "{name}"')))
            for name in SQLModel.metadata.tables
            if name not in TRACES | but
        }


@contextmanager
def untouched(
    database: Database, caplog: pytest.LogCaptureFixture, *, but: frozenset[str] | set[str] = frozenset()
) -> Iterator[None]:
    """Fail if what is done meanwhile changes anything, or leaves a fault in the log."""
    before = state(database, but=but)
    assert any(before.values()), "an empty database proves nothing"
    caplog.clear()
    yield
    after = state(database, but=but)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    assert_no_fault(caplog)


def assert_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """Fail if the log has an error or a trace."""
    faults = [
        r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR or "Traceback" in r.getMessage()
    ]
    assert [record.getMessage() for record in faults] == []


def assert_refusal(words: str) -> None:
    """Fail unless it is a refusal fit for a person: marked as one, plain, short."""
    assert words.startswith("⚠️"), words
    assert "Traceback" not in words
    assert "Something went wrong" not in words
    assert len(words) <= LONGEST_REFUSAL, words


def typed(world: World, text: str, *, who: Person | None = None) -> str:
    """Give all that a person sees who types a slash command, and fail where others see it too."""
    who = who or world.ana
    before = len(who.ephemerals())
    everybody = len(world.slack.state.messages)
    who.type("#outbound", f"/sequence {text}")
    world.until(lambda: len(who.ephemerals()) > before)
    assert [m.ephemeral_to for m in world.slack.state.messages[everybody:]] == [who.id]
    return who.ephemerals()[-1].all_text().replace("\n", "")
