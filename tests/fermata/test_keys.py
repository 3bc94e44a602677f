"""`fermata token`, `fermata hook` and `fermata rotate-secrets` from outside."""

import pytest

from tests.fermata.test_cli import Shell
from tests.fermata.warm import Warm
from tests.services import ROOT

OLD, NEW = "an-old-key-of-thirty-two-letters", "a-new-key-of-thirty-two-letters!"


@pytest.fixture(scope="module")
def fermata():
    """The program, loaded once."""
    warm = Warm(ROOT)
    yield warm
    warm.close()


def test_token_is_made_listed_and_revoked(fermata, tmp_path):
    shell = Shell(fermata, tmp_path / "home", {})
    token = shell.does("token", "add", "crm", "--scopes", "read,act").strip()
    assert token.startswith("fmt_")
    listed = shell.does("token", "list")
    assert "read,act" in listed
    assert token not in listed
    assert "revoked" in shell.does("token", "revoke", "crm")
    assert shell.does("token", "list") == ""
    assert "There is no scope" in shell.refuses("token", "add", "crm", "--scopes", "steal")
    assert token not in shell.does("audit", "--json")


def test_hook_is_added_tested_and_turned_off_and_its_secret_outlives_a_new_key(fermata, tmp_path):
    shell = Shell(fermata, tmp_path / "home", {"FERMATA_SECRET_KEY": OLD})
    secret = shell.does("hook", "add", "https://crm.example/f", "--events", "sent,replied").split()[-1]
    assert secret.startswith("whs_")
    shell.does("hook", "test", "1")
    assert "sent,replied  1 waiting, 0 given up" in shell.does("hook", "list")
    assert "https://" in shell.refuses("hook", "add", "http://crm.example/f")
    new = Shell(fermata, tmp_path / "home", {"FERMATA_SECRET_KEY": NEW})
    assert "FERMATA_SECRET_KEY_OLD" in new.refuses("rotate-secrets")
    both = Shell(fermata, tmp_path / "home", {"FERMATA_SECRET_KEY": NEW, "FERMATA_SECRET_KEY_OLD": OLD})
    assert "1 of 1 encrypted anew" in both.does("rotate-secrets")
    assert "0 of 1 encrypted anew" in new.does("rotate-secrets")
    assert "is off" in shell.does("hook", "off", "1")
    assert shell.does("hook", "list") == ""
