"""Recognisable secrets in every setting that takes one: through sending, failing and exporting none is ever seen again."""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime

import httpx
import pytest

from core.settings import Settings
from sandbox.sink import Sink
from sandbox.slack import Workspace, running
from sandbox.smtp_session import Offer
from tests.fermata.test_cli import SPRING, Shell, _wait
from tests.fermata.warm import Warm
from tests.services import ROOT, free_port
from tests.stories.stage import Backstage

ANA, BEN = "ana@northwind.test", "ben@northwind.test"
CANARIES = {
    "SLACK_BOT_TOKEN": "xoxb-canary-0a1b2c3d4e5f",
    "SLACK_APP_TOKEN": "xapp-canary-1a1b2c3d4e5f",
    "SLACK_SIGNING_SECRET": "canary-signing-2a1b2c3d4e5f",
    "FERMATA_SECRET_KEY": "canary-key-3a1b2c3d4e5f-0123456789abcdef",
    "FERMATA_SECRET_KEY_OLD": "canary-old-4a1b2c3d4e5f-0123456789abcdef",
    "FERMATA_HOOKS_SECRET": "canary-hooks-5a1b2c3d4e5f",
    "FERMATA_CALENDLY_SECRET": "canary-calendly-6a1b2c3d4e5f",
    "FERMATA_CAL_SECRET": "canary-cal-7a1b2c3d4e5f",
    "FERMATA_MAILGUN_SECRET": "canary-mailgun-8a1b2c3d4e5f",
    "FERMATA_GOOGLE_CLIENT_SECRET": "canary-google-9a1b2c3d4e5f",
    "FERMATA_MICROSOFT_CLIENT_SECRET": "canary-microsoft-aa1b2c3d4e5f",
    "ANA_PASSWORD": "canary-smtp-ba1b2c3d4e5f",
    "BEN_REFRESH": "canary-refresh-ca1b2c3d4e5f",
}
REDIS_PASSWORD = "canary-redis-da1b2c3d4e5f"


def test_every_setting_that_is_a_secret_has_its_canary():
    secret = {f.validation_alias for f in Settings.model_fields.values() if "SecretStr" in str(f.annotation)}
    assert secret <= set(CANARIES)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Everything that was written or shown, by where; and what proves that the secrets were in use."""
    folder = tmp_path_factory.mktemp("canaries")
    backstage, sink = Backstage(), Sink(offer=Offer(users={"ana": "another"}))
    backstage.do(sink.__aenter__())
    names = {"bot_token": CANARIES["SLACK_BOT_TOKEN"], "app_token": CANARIES["SLACK_APP_TOKEN"]}
    workspace = Workspace(now=lambda: datetime.now(UTC), **names)
    try:
        with running(workspace) as url, closing(Warm(ROOT)) as warm:
            settings = {"SLACK_API_URL": f"{url}/api/", "FERMATA_BASE_URL": "https://f.test", "FERMATA_PORT": str(free_port()),
                        "FERMATA_CHANNEL": "C0OUTBOUND", "FERMATA_TICK_SECONDS": "0.2",
                        "FERMATA_GOOGLE_CLIENT_ID": "g", "FERMATA_MICROSOFT_CLIENT_ID": "m",
                        "FERMATA_REDIS_URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{free_port()}/0"}  # fmt: skip
            shell = Shell(warm, folder / "home", settings | CANARIES)
            yield everything(shell, sink, workspace, folder)
    finally:
        backstage.do(sink.__aexit__())
        backstage.close()


def everything(shell, sink, workspace, folder) -> dict[str, str]:
    found, tokens = {}, {}
    for name, words in begins(shell, sink, folder).items():
        done = shell(*words)
        found[name] = done.out + done.err
    tokens["api"] = shell.does("token", "add", "crm", "--scopes", "read").strip()
    tokens["hook"] = shell.does("hook", "add", "https://crm.example/f").split()[-1]
    with (folder / "log").open("w") as log:
        served = subprocess.Popen(
            [sys.executable, "-m", "fermata", "run"], env=shell.environment(), stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{shell.more['FERMATA_PORT']}") as http:
            found |= served_pages(http, workspace, tokens["api"])
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
    finally:
        served.kill()
    found["log"] = (folder / "log").read_text()
    found["slack"] = json.dumps([call.args for call in workspace.calls], default=str)
    for words in ENDS:
        done = shell(*words)
        found[" ".join(words)] = done.out + done.err
    with closing(sqlite3.connect(shell.home / "fermata.db")) as connection:
        found["database"] = "\n".join(connection.iterdump())
    for path in (path for path in shell.home.rglob("*") if path.is_file()):
        found[path.name] = path.read_bytes().decode("latin-1")
    found["token"], found["hook secret"] = tokens["api"], tokens["hook"]
    found["smtp"] = b"\n".join(sink.commands).decode("latin-1")
    return found


def begins(shell, sink, folder) -> dict[str, list[str]]:
    (folder / "spring.yaml").write_text(SPRING)
    (folder / "leads.csv").write_text("email,first_name\nada@x.test,Ada\nno address,Bo\n")
    place = ["--smtp", f"127.0.0.1:{sink.port}", "--security", "none"]
    return {
        "add": ["mailbox", "add", ANA, *place, "--user", "ana", "--password-env", "ANA_PASSWORD"],
        "wrong password": ["mailbox", "test", ANA],
        "refused TLS": ["mailbox", "add", BEN, *place[:2], "--security", "starttls", "--password-env", "ANA_PASSWORD"],
        "no TLS": ["mailbox", "test", BEN],
        "oauth": ["mailbox", "add", "cy@northwind.test", *place, "--auth", "google", "--password-env", "BEN_REFRESH"],
        "apply": ["apply", str(folder / "spring.yaml"), "--publish"],
        "import": ["leads", "import", str(folder / "leads.csv"), "--into", "Spring"],
    }  # fmt: skip


ENDS = (
    *(["doctor", "--no-dns"], ["mailbox", "list"], ["audit", "--json"], ["ledger", "--json"], ["export", "Spring"]),
    *(["log"], ["stats"], ["token", "list"], ["hook", "list"], ["hook", "test", "1"], ["rotate-secrets"]),
    *(["say", "mailboxes"], ["say", "hooks"], ["say", "token"], ["say", "why ada@x.test"], ["preview", "Spring", "ada@x.test"]),
)  # fmt: skip


def served_pages(http, workspace, token: str) -> dict[str, str]:
    def get(path: str, **headers: str) -> str:
        with suppress(httpx.TransportError):
            answer = http.get(path, headers=headers)
            return f"{answer.status_code} {dict(answer.headers)} {answer.text}"
        return ""

    _wait(lambda: get("/healthz").startswith("200"))
    ana = workspace.person("Ana")
    for text in ("mailboxes", "why ada@x.test", "hooks", "token", "log", "settings", "puase"):
        before = len(ana.ephemerals())
        ana.type("#outbound", f"/sequence {text}")
        _wait(lambda before=before: len(ana.ephemerals()) > before)
    for method in ("chat.postMessage", "chat.postEphemeral", "views.publish", "users.info"):
        workspace.fail_next(method, times=2, status=500)
    ana.open_home()
    ana.type("#outbound", "/sequence mailboxes")
    _wait(lambda: [call for call in workspace.calls if call.status == 500])
    paths = (
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/openapi.json",
        "/api/docs",
        "/nope",
        "/u/x",
        "/hooks/event",
        "/api/leads",
    )
    found = {path: get(path) for path in paths}
    found["api"] = get("/api/leads", authorization=f"Bearer {token}")
    for door in ("event", "mime", "calendly", "cal", "mailgun", "sendgrid"):
        answer = http.post(f"/hooks/{door}", content=b"{", headers={"authorization": "Bearer nobody"})
        assert answer.status_code < 500
        found[f"door {door}"] = answer.text + str(answer.headers)
    return found


def test_the_secrets_were_in_use(seen):
    login = base64.b64encode(f"\0ana\0{CANARIES['ANA_PASSWORD']}".encode()).decode()
    assert login in seen["smtp"]
    assert "mailboxes" in seen["/metrics"] or "fermata" in seen["/metrics"]
    assert "535" in seen["wrong password"] + seen["log"] + seen["slack"]
    assert "STARTTLS" in seen["no TLS"]
    assert seen["api"].startswith("200")
    assert "openapi" in seen["/api/openapi.json"]


def test_no_secret_is_seen_again(seen):
    own = {"smtp", "token", "hook secret"}
    canaries = [*CANARIES.values(), REDIS_PASSWORD, seen["token"], seen["hook secret"]]
    canaries += [base64.b64encode(word.encode()).decode().rstrip("=") for word in canaries]
    for where, text in seen.items():
        if where not in own:
            assert [canary for canary in canaries if canary in text] == [], where
