"""compose.yaml and Dockerfile as data, and their processes on this machine: without Docker, but with the very commands."""

import json
import multiprocessing
import os
import re
import shlex
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

import fermata.doctor
import fermata.serving  # noqa: F401  (loaded once, for every process that is forked from here)
from fermata.cli import main
from tests.faults.harness import wait_for
from tests.services import ROOT, free_port

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("migrate", "worker", "bot", "web")
CONTAINER_PORT = 8300
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def dotenv() -> dict[str, str]:
    lines = (ROOT / "docs/example.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text: str, values: dict[str, str]) -> str:
    """A value as compose writes it out: `${NAME}`, `${NAME:-default}`, `${NAME:?what is missing}`."""

    def value(found):
        name, kind, rest = found["name"], found["kind"], found["rest"]
        given = values.get(name, "")
        assert given or kind == ":-", f"{name} is needed: {rest}"
        return given or rest

    return re.sub(r"\$\{(?P<name>\w+)(?P<kind>:-|:\?)?(?P<rest>[^}]*)\}", value, str(text))


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile's last stage."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines[last:])]


def instruction(name: str) -> str:
    return next(rest for word, rest in instructions() if word == name)


def image_environment() -> dict[str, str]:
    words = [word for name, rest in instructions() if name == "ENV" for word in shlex.split(rest)]
    return dict(word.split("=", 1) for word in words)


def command(service: str) -> list[str]:
    return [*json.loads(instruction("ENTRYPOINT")), *COMPOSE["services"][service]["command"]]


def be(words, environment, log):
    os.environ.clear()
    os.environ.update(environment)
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    assert words[0] == "fermata"
    sys.argv = words
    main()


@dataclass
class Running:
    """One container of a service, as a process."""

    service: str
    port: int
    process: multiprocessing.Process
    log: Path

    def answers(self, path="/readyz"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=4) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            assert self.process.exitcode is None, self.log.read_text()[-2000:]
            return ""

    def stops(self):
        """SIGTERM, as `docker stop` says it; it must end by itself, and in order."""
        self.process.terminate()
        self.process.join(60)
        assert self.process.exitcode == 0, self.log.read_text()[-2000:]


class Stack:
    """What `docker compose up` would start, on ports of this machine."""

    def __init__(self, folder: Path, *, database: str, redis: str, **more: str) -> None:
        self.folder, self.database, self.redis = folder, database, redis
        self.values = {**dotenv(), "POSTGRES_PASSWORD": "p" * 40, "FERMATA_SECRET_KEY": "s" * 40, **more}
        self.running: list[Running] = []

    def environment(self, service: str) -> dict[str, str]:
        given = {
            name: filled(text, self.values)
            for name, text in COMPOSE["services"][service]["environment"].items()
        }
        assert given["FERMATA_DATABASE_URL"] == f"postgresql://fermata:{'p' * 40}@postgres/fermata"
        found = {**image_environment(), **self.values, **given}
        # What the network and the volumes of compose do.
        return found | {
            "PATH": os.environ["PATH"], "FERMATA_DATABASE_URL": self.database, "FERMATA_REDIS_URL": self.redis,
            "FERMATA_HOME": str(self.folder / "home"), "MPLCONFIGDIR": str(self.folder / "home/matplotlib"),
            "FERMATA_HOST": "127.0.0.1",
        }  # fmt: skip

    def start(self, service: str) -> Running:
        port, log = free_port(), self.folder / f"{service}{len(self.running)}.log"
        environment = self.environment(service)
        for name in ("FERMATA_PORT", "FERMATA_HEALTH_PORT"):
            assert environment[name] == str(CONTAINER_PORT)
            environment[name] = str(port)
        process = FORKS.Process(target=be, args=(command(service), environment, str(log)))
        process.start()
        self.running.append(made := Running(service, port, process, log))
        return made

    def is_up(self, *those: Running) -> None:
        for one in those:
            wait_for(one.answers)

    def close(self) -> None:
        for one in self.running:
            with suppress(ValueError):
                one.process.kill()
                one.process.join()
