"""The doctor names what is wrong and only that: Slack's tokens and scopes, the clock, Redis, what the DNS says of senders."""

import socketserver
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dns.message
import dns.rrset
import pytest
from dns.rcode import NXDOMAIN
from dns.resolver import Resolver

from core.db import Database
from core.migrate import migrate
from core.models import Mailbox
from core.settings import Settings
from fermata import manifest, wiring
from fermata.doctor import findings
from sandbox.slack import Workspace, running
from tests.services import free_port

SCOPES = tuple(manifest.read()["oauth_config"]["scopes"]["bot"])
GOOD = {
    "good.test.": "v=spf1 include:_spf.provider.test ~all",
    "_dmarc.good.test.": "v=DMARC1; p=none",
    "selector1._domainkey.good.test.": "v=DKIM1; k=rsa; p=AAAA",
}


@contextmanager
def name_server(texts):
    """A real name server on loopback that knows these TXT records and nothing else."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            data, door = self.request
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text()
            answer = dns.message.make_response(query)
            for text in [t for t in texts.get(name, "").split("|") if t]:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
            if name not in texts:
                answer.set_rcode(NXDOMAIN)
            door.sendto(answer.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield asking(server.server_address[1])
        server.shutdown()


def asking(port):
    resolver = Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    return resolver


@pytest.fixture
def installation(tmp_path):
    """An installation with an emulated Slack; gives what the doctor finds when its settings are these."""
    db = Database(f"sqlite:///{tmp_path / 'fermata.db'}")
    migrate(db)
    workspace = Workspace(now=lambda: datetime.now(UTC))
    workspace.scopes = SCOPES
    with running(workspace) as url:

        def found(*, texts=GOOD, **more):
            usual = {
                "slack_api_url": f"{url}/api/",
                "bot_token": workspace.bot_token,
                "app_token": workspace.app_token,
            }
            settings = Settings(
                home=tmp_path / "home", channel="C1", base_url="https://f.test", **usual | more
            )
            with name_server(texts) as resolver:
                return list(findings(db, settings, resolver=resolver))

        found.db, found.workspace = db, workspace
        yield found
    db.close()


def faults(found):
    return {finding.what: finding.words for finding in found if finding.is_fault}


def add_mailbox(db, address):
    with db.write() as session:
        session.add(Mailbox(address=address, smtp_host="127.0.0.1", smtp_port=free_port(), smtp_security="none",
                            created_at=datetime.now(UTC)))  # fmt: skip


def test_nothing_is_wrong_but_the_missing_mailbox(installation):
    found = installation()
    assert list(faults(found)) == ["mailboxes"]
    words = [finding.words for finding in found]
    assert {"Socket Mode connects", "every scope of the manifest is granted", "agrees with Slack's"} <= set(
        words
    )
    assert words[0].startswith("Fermata 0.")
    assert "sqlite 3." in words[0]


def test_a_scope_that_was_never_granted_is_named(installation):
    installation.workspace.scopes = tuple(scope for scope in SCOPES if scope != "users:read")
    assert faults(installation())["Slack"] == (
        "The app lacks users:read: paste manifest.yml again, then reinstall the app."
    )


@pytest.mark.parametrize("wrong", [{"bot_token": "xoxb-wrong"}, {"app_token": "xapp-wrong"}])
def test_a_wrong_token_is_named(installation, wrong):
    assert faults(installation(**wrong))["Slack"].startswith("invalid_auth: check SLACK_BOT_TOKEN")


def test_a_slack_that_cannot_be_reached(installation):
    found = installation(slack_api_url=f"http://127.0.0.1:{free_port()}/api/")
    assert faults(found)["Slack"].startswith("It cannot be reached")


def test_a_clock_that_is_off(installation, monkeypatch):
    monkeypatch.setattr(wiring, "now", lambda: datetime.now(UTC) + timedelta(minutes=7))
    assert faults(installation())["clock"].startswith("This machine's clock is 4")


def test_a_redis_that_is_away_and_one_that_answers(installation, redis_url):
    assert "does not answer" in faults(installation(redis_url=f"redis://127.0.0.1:{free_port()}"))["Redis"]
    assert "Redis" not in faults(installation(redis_url=redis_url))


def test_a_mailbox_that_cannot_be_reached(installation):
    add_mailbox(installation.db, "ana@good.test")
    assert faults(installation())["ana@good.test"].startswith("It cannot send")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({}, ["no SPF record", "no DMARC record"]),
        (GOOD | {"good.test.": "v=spf1 -all|v=spf1 ~all"}, ["2 SPF records"]),
        (GOOD | {"_dmarc.good.test.": "other"}, ["no DMARC record"]),
        (GOOD, []),
    ],
)
def test_what_the_dns_says_of_a_sender(installation, texts, words):
    add_mailbox(installation.db, "ana@good.test")
    said = [f.words for f in installation(texts=texts) if f.is_fault and f.what == "good.test"]
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))


def test_dkim_is_found_under_a_usual_name(installation):
    add_mailbox(installation.db, "ana@good.test")
    assert "DKIM is published (selector1)" in [f.words for f in installation()]
    without = {name: text for name, text in GOOD.items() if "domainkey" not in name}
    assert any("no DKIM key under the usual names" in f.words for f in installation(texts=without))


def test_a_dns_that_is_away_is_no_fault(installation, tmp_path):
    add_mailbox(installation.db, "ana@good.test")
    settings = Settings(home=tmp_path / "home")
    found = list(findings(installation.db, settings, resolver=asking(free_port())))
    assert [f.what for f in found][-1] == "DNS"
    assert not found[-1].is_fault
