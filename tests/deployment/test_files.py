"""compose.yaml and Dockerfile against the code: there is no Docker here, so everything that can be read is."""

import json
import re
import shlex
import subprocess
import sys
import zipfile

import pytest
from typer.main import get_command

from core.settings import Settings
from fermata.cli import app
from jobs.engine import STOP_SECONDS
from tests.deployment.stack import (
    COMPOSE,
    CONTAINER_PORT,
    OURS,
    command,
    dotenv,
    filled,
    image_environment,
    instruction,
)
from tests.services import ROOT
from web import health

SERVICES = COMPOSE["services"]
VARIABLES = {field.validation_alias for field in Settings.model_fields.values()}
# Of the shell, of compose.yaml itself, of libraries; and one for each mailbox, which its row names.
OTHERS = {
    "PATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "MPLCONFIGDIR",
    "POSTGRES_PASSWORD",
    "WORKERS",
    "BOTS",
}
MAILBOXES = {"SALES_PASSWORD"}
FILLED = {"POSTGRES_PASSWORD": "p", "FERMATA_SECRET_KEY": "s"}


def seconds(text):
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("service", OURS)
def test_commands_exist(service):
    program, role = command(service)
    assert f"{program} = " in (ROOT / "pyproject.toml").read_text()
    assert role in get_command(app).commands


def test_every_part_is_there_and_waits_for_what_it_needs():
    assert set(SERVICES) == {*OURS, "postgres", "redis"}
    for name in ("worker", "bot", "web"):
        conditions = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "migrate": "service_completed_successfully", "postgres": "service_healthy", "redis": "service_healthy",
        }  # fmt: skip
    assert SERVICES["migrate"]["restart"] == "no"
    assert int(filled(SERVICES["worker"]["deploy"]["replicas"], dotenv())) > 1
    assert all("healthcheck" in service for service in SERVICES.values())


def test_every_variable_is_one_that_is_read():
    known = VARIABLES | OTHERS | MAILBOXES
    named = set(dotenv()) | set(image_environment())
    for service in OURS:
        named |= set(SERVICES[service]["environment"])
    assert named <= known
    text = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= set(dotenv()) | {"PUBLISHED_PORT"}


def test_settings_of_the_image_and_of_the_example_are_accepted():
    given = {
        name: value for name, value in (image_environment() | dotenv() | FILLED).items() if name in VARIABLES
    }
    settings = Settings.model_validate({name: value for name, value in given.items() if value})
    assert (settings.port, settings.health_port, settings.log) == (CONTAINER_PORT, CONTAINER_PORT, "json")
    assert settings.host == "0.0.0.0"  # another address is closed to the other containers


def test_nothing_runs_as_root_or_writes_where_it_should_not():
    assert instruction("USER") == "fermata"
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name in OURS or service["user"] not in {"root", "0"}
        assert "privileged" not in service
    home = image_environment()["FERMATA_HOME"]
    assert instruction("VOLUME") == instruction("WORKDIR") == home
    assert image_environment()["MPLCONFIGDIR"].startswith(home)
    for name in OURS:
        mounts = dict(volume.split(":") for volume in SERVICES[name]["volumes"])
        assert set(mounts) <= set(COMPOSE["volumes"])
        assert mounts == {"home": home}


def test_only_web_is_reachable_and_only_from_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${PUBLISHED_PORT:-8300}:8300"]}
    assert instruction("EXPOSE") == str(CONTAINER_PORT)


def test_health_is_asked_where_it_is_answered():
    asked = [SERVICES[name]["healthcheck"]["test"] for name in ("worker", "bot", "web")]
    asked.append(["CMD", *json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])])
    answered = {route.path for route in health.routes(None, None, list).routes}
    for how, program, option, code in asked:
        assert (how, program, option) == ("CMD", "python", "-c")
        compile(code, "healthcheck", "exec")
        port, path = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", code).groups()
        assert (int(port), path in answered) == (CONTAINER_PORT, True)


def test_sigterm_has_time_to_end_what_has_begun():
    longest = max(Settings().smtp_timeout_seconds, STOP_SECONDS)
    for name in OURS:
        assert seconds(SERVICES[name]["stop_grace_period"]) > longest
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_no_secret_stands_in_a_committed_file():
    assert [name for name in dotenv() if dotenv()[name]] == ["FERMATA_ZONE", "WORKERS", "BOTS"]
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == ".*"
    environment = {**SERVICES["postgres"]["environment"], **SERVICES["web"]["environment"]}
    words = [value for name, value in environment.items() if "PASSWORD" in name or "SECRET" in name]
    assert all(word.startswith("${") for word in words)


def test_structure_is_what_compose_knows():
    """The words of the Compose Specification that we use, by hand; `docker compose config` says the rest."""
    known = {"image", "build", "env_file", "environment", "volumes", "tmpfs", "read_only", "cap_drop", "security_opt",
             "restart", "stop_grace_period", "healthcheck", "depends_on", "command", "deploy", "ports", "user",
             "shm_size", "cpu_shares"}  # fmt: skip
    assert set(COMPOSE) == {"name", "x-fermata", "services", "volumes"}
    for service in SERVICES.values():
        assert set(service) <= known
        assert set(service["healthcheck"]) <= {
            "test",
            "interval",
            "timeout",
            "retries",
            "start_period",
            "disable",
        }
        assert all(isinstance(value, str) for value in service.get("environment", {}).values())
        assert service["restart"] in {"no", "unless-stopped"}


def test_the_image_is_built_from_what_is_sent_to_it(tmp_path):
    """What the Dockerfile's first stage does: copy all that .dockerignore leaves, and install it without the network."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("!")]
    kept = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    folder = tmp_path / "src"
    for name in kept:
        top = name.split("/")[0]
        if name and not top.startswith(".") and top not in ignored and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    copied = [rest.split()[0] for word, rest in stages() if word == "COPY" and not rest.startswith("--from")]
    assert all((folder / name).exists() for name in copied)
    [install] = [rest for word, rest in stages() if word == "RUN" and "--no-deps" in rest]
    options = [word for word in shlex.split(install) if word.startswith("--")]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *options, "-w", tmp_path, "."], cwd=folder, check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"fermata/cli.py", "fermata/manifest.yml", "core/migrations/env.py", "web/metrics.py"} <= names
    assert {name for name in names if name.startswith("core/migrations/versions/0")}
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def stages():
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.splitlines())]
