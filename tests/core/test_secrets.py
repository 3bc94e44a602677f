"""Secrets at rest, and tokens that are kept as hashes."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core import api_tokens
from core.errors import Refused
from core.models import ApiToken, Hook
from core.outgoing import book
from core.secrets import Vault
from tests.world import ANA, PLAIN, make

OLD, NEW = b"an-old-key-of-thirty-two-letters", b"a-new-key-of-thirty-two-letters!"
URL = "https://crm.example/hooks"


@pytest.fixture
def world(database_url):
    return make(database_url, PLAIN)


@pytest.mark.row(200)
def test_locked_secret_is_read_with_its_key_alone():
    locked = Vault(OLD).lock("whs_secret")
    assert "secret" not in locked
    assert Vault(OLD).unlock(locked) == Vault(NEW, OLD).unlock(locked) == "whs_secret"
    assert Vault(OLD).lock("whs_secret") != locked
    with pytest.raises(Refused, match="FERMATA_SECRET_KEY_OLD"):
        Vault(NEW).unlock(locked)
    with pytest.raises(Refused):
        Vault(OLD).unlock(locked[:-4])


def test_rotation_encrypts_anew_what_the_old_key_did_and_nothing_else(world):
    with world.db.write() as session:
        _, first = book.add(session, Vault(OLD), URL, ["sent"], actor=ANA, now=world.now)
        book.add(session, Vault(NEW), f"{URL}/2", ["sent"], actor=ANA, now=world.now)
    with pytest.raises(Refused), world.db.write() as session:
        book.rotate(session, Vault(NEW))
    with world.db.write() as session:
        assert book.rotate(session, Vault(NEW, OLD)) == (1, 2)
        assert book.rotate(session, Vault(NEW, OLD)) == (0, 2)
    with world.read() as session:
        assert Vault(NEW).unlock(session.get_one(Hook, 1).secret) == first


def test_hook_secret_stands_nowhere_in_the_database(world):
    with world.db.write() as session:
        hook, secret = book.add(session, Vault(OLD), URL, [], actor=ANA, now=world.now)
    assert secret not in str(hook.model_dump())
    assert [secret in line.reason for line in world.journal("add hook")] == [False]


@pytest.mark.parametrize("url", [
    "http://crm.example/", "https://user:pw@crm.example/", "ftp://crm.example", "https://", "crm.example/x", "",
    "https://crm.example/#a", "https://crm.example:99999/", "https://[::1/", "https://crm.exa mple/", "https://crm.example/\n",
    "http://169.254.169.254/", "http://10.0.0.1/",
])  # fmt: skip
def test_address_that_is_no_public_https_is_refused(url):
    with pytest.raises(Refused):
        book.check_url(url)


def test_token_says_once_what_it_is_and_opens_until_it_is_revoked(world):
    said = world.say("token add crm read act")
    token = said.title.rpartition(" ")[2]
    assert token.startswith("fmt_")
    assert not said.is_public
    with world.read() as session:
        assert token not in str([row.model_dump() for row in session.exec(select(ApiToken))])
    assert all(token not in line.reason for line in world.journal("add token"))
    found = api_tokens.bearer(world.db, token, now=world.now)
    assert (found.name, found.scopes) == ("crm", {"read", "act"})
    assert api_tokens.bearer(world.db, token[:-1], now=world.now) is None
    assert [row.title for row in world.say("token list").rows] == ["crm"]
    assert world.say("token add crm read").is_refusal
    assert world.say("token add other steal").is_refusal
    assert world.say("token add x/y read").is_refusal
    assert not world.say("token revoke CRM").is_refusal
    assert api_tokens.bearer(world.db, token, now=world.now) is None
    assert world.say("token revoke crm").is_refusal
    assert world.say("token").title.startswith("There is no token")
    assert "fermata hook add" in world.say("hooks").title
