"""`fermata stats` and `fermata log` from outside: words on the screen, every line in a file, one sentence for a mistake."""

import csv
import io

import pytest
from typer.testing import CliRunner

from fermata.cli import app
from tests.world import PLAIN, make

ADA, EVE = "ada@x.test", "eve@x.test"


@pytest.fixture
def run(database_url, monkeypatch, tmp_path):
    """Two leads have had the first mail."""
    world = make(database_url, PLAIN, ADA, EVE)
    world.tick()
    monkeypatch.setenv("FERMATA_DATABASE_URL", database_url)
    monkeypatch.setenv("FERMATA_HOME", str(tmp_path))
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)


def test_figures_are_shown_and_written(run, tmp_path):
    said = run("stats", "Spring", "--by", "step").stdout
    assert "1. intro     2" in said
    file = tmp_path / "stats.csv"
    assert "1 line" in run("stats", "--by", "sender", "--csv", str(file)).stdout
    (row,) = csv.DictReader(io.StringIO(file.read_text("utf-8")))
    assert (row["sender"], row["contacted"], row["sent"], row["opened"]) == (
        "ana@sales.example",
        "2",
        "2",
        "",
    )


def test_the_log_is_shown_and_written_to_standard_output(run):
    assert (
        f"{ADA}: step 1 of Spring, from ana@sales.example: sent."
        in run("log", "sent", "--in", "Spring").stdout
    )
    rows = list(csv.DictReader(io.StringIO(run("log", "--csv", "-").stdout)))
    assert [row["lead"] for row in rows] == [EVE, ADA]
