"""Who may import whom, who may read the clock and the environment: read from the syntax trees."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import ROOT

PACKAGES = ("core", "bot", "jobs", "web", "sandbox", "fermata")

# What each package must not import; the sandbox and the command line wire things and may import all but the CLI.
FORBIDDEN = {
    "core": {"bot", "jobs", "web", "sandbox", "fermata", "slack_bolt", "slack_sdk", "arq", "redis", "aiosmtplib",
             "fastapi", "starlette", "uvicorn", "httpx", "typer"},
    "bot": {"jobs", "web", "sandbox", "fermata", "arq", "redis", "aiosmtplib", "fastapi"},
    "jobs": {"bot", "web", "sandbox", "fermata", "slack_bolt", "fastapi"},
    "web": {"bot", "jobs", "sandbox", "fermata", "arq", "aiosmtplib"},
    "sandbox": {"fermata"},
    "fermata": set(),
}  # fmt: skip
PURE = {
    "lifecycle",
    "schedule",
    "dates",
    "grammar",
    "template",
    "mime",
    "sequence_file",
    "lead_file",
    "address",
}
DATABASE = {"sqlalchemy", "sqlmodel", "alembic", "psycopg", "sqlite3"}
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.localtime",
    "time.gmtime",
}  # fmt: skip
ENVIRONMENT = {"os.environ", "os.getenv", "os.putenv", "os.environb"}


def is_composition_root(path: Path) -> bool:
    """True where packages are wired together and the clock and the environment are read."""
    return path.name == "__main__.py" or path.parts[0] == "fermata"


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[int, str]]:
    """Each imported module's full name with its line; relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join(path.parent.parts[: len(path.parent.parts) - node.level + 1]) if node.level else ""
            )
            yield node.lineno, ".".join(part for part in (base, node.module) if part)


def import_problems(tree: ast.AST, path: Path) -> Iterator[str]:
    """The import rule's breaches in one file."""
    package = path.parts[0]
    for line, name in imports(tree, path):
        top = name.split(".")[0]
        if top in FORBIDDEN[package] and not is_composition_root(path):
            yield f"{path}:{line} {package} imports {name}"
        if package == "core" and {path.stem, path.parent.name} & PURE and top in DATABASE:
            yield f"{path}:{line} is pure and imports {name}"
        if top == "dateparser" and not is_date_reader(path):
            yield f"{path}:{line} only core/dates reads dates with dateparser"


def is_date_reader(path: Path) -> bool:
    """True for the one wrapper around dateparser."""
    return path.parent == Path("core/dates")


def names(tree: ast.AST) -> dict[str, str]:
    """What each imported name of a file stands for: `dt` → `datetime`, `now_` → `time.time`."""
    meaning: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meaning |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            meaning |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return meaning


def dotted(node: ast.AST, meaning: dict[str, str]) -> str | None:
    """The full name that an expression `a.b.c` or `a` refers to."""
    if isinstance(node, ast.Name):
        return meaning.get(node.id)
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, meaning)
        return f"{base}.{node.attr}" if base else None
    return None


def program_nodes(tree: ast.Module) -> set[ast.AST]:
    """What stands in `main()`: the sandbox has programs of their own, each a composition root."""
    mains = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    return {node for main in mains for node in ast.walk(main)}


def ambient_problems(tree: ast.Module, path: Path) -> Iterator[str]:
    """Clocks and environment read where `now` and settings should be arguments."""
    if is_composition_root(path):
        return
    meaning = names(tree)
    excused = program_nodes(tree) if path.parts[0] == "sandbox" else set()
    for node in ast.walk(tree):
        full = (
            dotted(node, meaning)
            if isinstance(node, ast.Name | ast.Attribute) and node not in excused
            else None
        )
        if full is None:
            continue
        short = full.removeprefix("datetime.") if full.count(".") > 1 else full
        if short in CLOCKS:
            yield f"{path}:{node.lineno} reads the clock: {short}"
        if full in ENVIRONMENT:
            yield f"{path}:{node.lineno} reads the environment: {full}"


def problems(source: str, path: str) -> list[str]:
    """Every breach in one source text that stands at `path`."""
    tree = ast.parse(source)
    return [*import_problems(tree, Path(path)), *ambient_problems(tree, Path(path))]


def sources() -> list[Path]:
    """Every Python file of the packages, relative to the checkout."""
    return sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_keeps_the_rules(package):
    files = [path for path in sources() if path.parts[0] == package]
    assert files
    assert [problem for path in files for problem in problems((ROOT / path).read_text(), str(path))] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/models/leads.py", "import slack_sdk"),
        ("core/models/leads.py", "from bot.cards import card"),
        ("core/verbs/pause.py", "from ...bot import cards"),
        ("core/models/leads.py", "def lazily():\n    from jobs import sender"),
        ("bot/cards.py", "from jobs.sender import send"),
        ("jobs/sender.py", "import web.app"),
        ("web/app.py", "from fermata import cli"),
        ("sandbox/world.py", "from fermata.cli import main"),
        ("core/schedule.py", "from sqlmodel import Session"),
        ("core/lifecycle/words.py", "import sqlalchemy as sa"),
        ("bot/text.py", "import dateparser"),
        ("core/verbs/pause.py", "from datetime import datetime\nnow = datetime.now()"),
        ("jobs/sender.py", "import datetime as dt\nnow = dt.datetime.now(dt.UTC)"),
        ("jobs/sender.py", "from datetime import datetime as D\nnow = D.utcnow()"),
        ("core/journal.py", "from datetime import datetime\nfrom dataclasses import field\nx = field(default_factory=datetime.now)"),
        ("bot/app.py", "import time\nnow = time.time()"),
        ("bot/app.py", "from time import time\nnow = time()"),
        ("web/app.py", "from datetime import date\nday = date.today()"),
        ("core/settings.py", "import os\nx = os.environ['A']"),
        ("core/settings.py", "from os import getenv\nx = getenv('A')"),
        ("sandbox/sink.py", "import time\ndef serve():\n    return time.time()"),
        ("core/clock.py", "import time\ndef main():\n    return time.time()"),
        ("sandbox/world.py", "from os import environ\nx = environ.get('A')"),
    ],
)  # fmt: skip
def test_breach_is_found(path, source):
    assert len(problems(source, path)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "fermata/cli.py",
            "import os\nfrom datetime import UTC, datetime\nx = os.environ, datetime.now(UTC)",
        ),
        ("jobs/__main__.py", "from bot.app import build\nimport time\nx = time.time()"),
        ("jobs/sender.py", "import time\nfrom core.handover import claim\nx = time.monotonic()"),
        ("sandbox/sink.py", "import time\ndef main():\n    serve(clock=lambda: time.time())"),
        ("core/dates/__init__.py", "import dateparser"),
        ("core/models/leads.py", "import sqlmodel\nfrom datetime import datetime\nx: datetime"),
        ("core/verbs/pause.py", "from .. import models"),
    ],
)
def test_what_is_allowed_passes(path, source):
    assert problems(source, path) == []


HOME_PATH = re.compile(r"(?<![\w.])/(?:home|Users)/[a-z][\w-]*/|(?<![\w./])/root/")


def test_home_path_is_found():
    assert all(HOME_PATH.search(f"x = '/{folder}/file'") for folder in ("home/ann", "Users/ann", "root"))


def test_no_file_names_a_folder_of_someones_machine():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if (
            not path.is_file()
            or path.suffix in {".png", ".gif", ".ico", ".woff2"}
            or name == "tests/test_architecture.py"
        ):
            continue
        found += [f"{name}: {match[0]}" for match in HOME_PATH.finditer(path.read_text(errors="replace"))]
    assert found == []
