"""The examples of docs/api.md and docs/hooks.md, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess

from core.outgoing import EVENTS
from tests.services import ROOT
from tests.web.test_api import token


def test_every_curl_of_the_docs_works(site):
    [script] = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    calls = [call for call in script.split("\n\n") if call.strip()]
    assert len(calls) == 8
    environment = {"URL": site.url, "TOKEN": token(site), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    for call in calls:
        done = subprocess.run(
            ["sh", "-c", call], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (call, done.stdout, done.stderr)
        assert isinstance(json.loads(done.stdout), dict)
        if "/enrol" in call:
            site.world.tick()  # what never started cannot be resumed
    assert site.world.status("ada@lindenhof.example") == "stopped"


def test_every_call_and_every_event_stands_in_the_docs(site):
    api, hooks = (ROOT / "docs/api.md").read_text(), (ROOT / "docs/hooks.md").read_text()
    for path in site.http.get("/api/openapi.json").json()["paths"]:
        word = path.replace("{email}", "EMAIL").replace("{name}", "NAME").replace("/NAME/resume", "…/resume")
        assert word in api or f"…/{word.rpartition('/')[2]}" in api, path
    assert [event for event in EVENTS if f"`{event}`" not in hooks] == []
