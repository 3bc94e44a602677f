"""schemathesis makes up requests from the OpenAPI description: nothing it finds may break it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from core import api_tokens
from tests.web.conftest import LEADS, OFFICE
from tests.world import ANA, PLAIN, START, make
from web.app import create_app

load_all_checks()
WANTED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)
EXAMPLES = 15  # of each operation; `make thorough` finds more with more
KNOWN = {"email": [*LEADS, "lea@x.test\x00", "x"], "name": ["Spring", "spring", "None", "\x00"]}


@pytest.fixture
def told(sqlite_url):
    """The description, the application, and a token that may do everything."""
    world = make(sqlite_url, PLAIN, *LEADS, now=START)
    with world.db.write() as session:
        token = api_tokens.add(session, "robot", [*api_tokens.Scope], actor=ANA, now=START)
    app = create_app(db=world.db, office=OFFICE, clock=lambda: world.now, slack=None, ready=list)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    yield schema, {"Authorization": f"Bearer {token}"}
    world.db.close()


def operations(schema):
    found = [result.ok() for result in schema.get_all_operations()]
    assert len(found) >= 16
    return found


@pytest.mark.parametrize("mode", [*GenerationMode], ids=lambda mode: mode.value)
def test_every_answer_to_made_up_requests_is_as_described(told, mode):
    schema, headers = told
    for operation in operations(schema):

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
            deadline=None,
            database=None,
            derandomize=True,
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def run(case, data):
            # Mostly of leads and sequences that there are, or nothing but 404 would be seen.
            for name, known in KNOWN.items():
                if name in (case.path_parameters or {}) and data.draw(st.integers(0, 3)):
                    case.path_parameters[name] = data.draw(st.sampled_from(known))
            case.call_and_validate(headers=headers, checks=WANTED)

        run()
