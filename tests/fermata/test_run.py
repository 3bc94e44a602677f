"""`fermata run` as its own process against a Slack workspace, over Socket Mode and over signed HTTP."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from sandbox.slack import SignedHttp, Workspace, running
from tests.services import ROOT, free_port

SECRET = "a-secret-of-this-test-only"
START_SECONDS = 80


def reachable(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def fermata_run(environment, port):
    """The process, up and ready; it must end by itself, and in order, on SIGTERM."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("FERMATA_", "SLACK_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "fermata", "run"],
        cwd=ROOT,
        env=known | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        ends = time.monotonic() + START_SECONDS
        while not reachable(f"http://127.0.0.1:{port}/readyz"):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < ends, "it did not become ready"
            time.sleep(0.1)
        yield process
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=START_SECONDS)
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
    finally:
        process.kill()


@pytest.fixture(params=["socket", "http"])
def workspace_and_process(request, tmp_path):
    port = free_port()
    workspace = Workspace(now=lambda: datetime.now(UTC))
    with running(workspace) as url:
        environment = {
            "FERMATA_HOME": str(tmp_path),
            "FERMATA_PORT": str(port),
            "FERMATA_CHANNEL": "C0OUTBOUND",
            "SLACK_API_URL": f"{url}/api/",
            "SLACK_BOT_TOKEN": workspace.bot_token,
        }
        if request.param == "socket":
            environment["SLACK_APP_TOKEN"] = workspace.app_token
        else:
            environment["SLACK_SIGNING_SECRET"] = SECRET
            workspace.delivery = SignedHttp(
                f"http://127.0.0.1:{port}/slack/events", SECRET, now=lambda: datetime.now(UTC)
            )
        with fermata_run(environment, port) as process:
            yield workspace, process, port


def test_a_command_is_answered_and_sigterm_ends_it(workspace_and_process):
    workspace, _, port = workspace_and_process
    ana = workspace.person("Ana")
    assert ana.type("outbound", "/sequence sequences").ok
    assert ana.wait_for_text("no sequence")
    assert ana.type("outbound", "/sequence puase ada@x.test").ok
    assert ana.wait_for_text("pause")
    assert reachable(f"http://127.0.0.1:{port}/healthz")


def test_a_guest_is_refused_politely(workspace_and_process):
    workspace, _, _ = workspace_and_process
    gus = workspace.person("Gus")
    assert gus.type("outbound", "/sequence halt").ok
    assert gus.wait_for_text("uest")
    assert not any(
        "halted" in message.all_text().lower() for message in workspace.person("Ana").messages("outbound")
    )
