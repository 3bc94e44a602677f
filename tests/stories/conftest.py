"""A sandbox for each story, and the people in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.stage import Backstage, Clock, Someone, Stage, Team

# Tuesday 1 June 2027, 10:00 in Berlin: step 1 leaves. Step 2 follows after two days, step 3 after four more.
SPRING = """
sequence: Spring
zone: Europe/Berlin
window: {days: Mon-Fri, from: "09:00", to: "17:00"}
tag: in-spring
steps:
  - id: intro
    subject: "{{ first_name }}, a question"
    body: "Hi {{ first_name }}, is this a good week?"
  - id: nudge
    delay: 2 days
    subject: "{{ first_name }}, did it reach you?"
    body: "Hi {{ first_name }}, did it arrive?"
  - id: close
    delay: 4 days
    subject: "{{ first_name }}, a last word"
    body: "Goodbye {{ first_name }}."
"""


@pytest.fixture(scope="session")
def backstage() -> Iterator[Backstage]:
    """The loop in which every sandbox runs."""
    made = Backstage()
    yield made
    made.close()


@pytest.fixture
def url(sqlite_url: str) -> str:
    """SQLite, unless a story asks for both databases."""
    return sqlite_url


@pytest.fixture
def world(backstage: Backstage, tmp_path: Path, url: str) -> Iterator[Stage]:
    """A running sandbox with one sequence, Spring, and nobody in it."""
    with Stage(backstage, tmp_path, url).playing() as stage:
        stage.publishes(SPRING)
        yield stage


@pytest.fixture
def ana(world: Stage) -> Someone:
    return Someone(world, "ana")


@pytest.fixture
def ben(world: Stage) -> Someone:
    return Someone(world, "ben")


@pytest.fixture
def gus(world: Stage) -> Someone:
    """A guest."""
    return Someone(world, "gus")


@pytest.fixture
def team(world: Stage) -> Team:
    return Team(world)


@pytest.fixture
def clock(world: Stage) -> Clock:
    return Clock(world)


@pytest.fixture
def mail_to(world: Stage):
    return world.mail_to


@pytest.fixture
def dates_of_mail_to(world: Stage):
    return world.dates_of_mail_to
