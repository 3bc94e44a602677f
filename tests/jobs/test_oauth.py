"""Access tokens from a real endpoint on loopback: kept until they end, and every refusal in words."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from jobs import oauth
from jobs.oauth import Tokens
from jobs.smtp_login import MailboxDown
from tests.jobs import tokens as endpoints

NOW = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def _endpoint():
    with endpoints.running() as running:
        yield running


@pytest.fixture
def endpoint(_endpoint):
    """An endpoint that gives a token."""
    _endpoint.asked.clear()
    _endpoint.answer = (200, {"access_token": "good-token", "expires_in": 3600})
    return _endpoint


@pytest.fixture
def clock():
    return Clock()


def test_a_token_is_kept_until_shortly_before_its_end(endpoint, clock):
    tokens = Tokens({"google": endpoint.provider()}, clock=clock)
    assert tokens.access("google", "refresh") == tokens.access("google", "refresh") == "good-token"
    assert endpoint.asked == [
        {
            "client_id": "us",
            "client_secret": "hush",
            "grant_type": "refresh_token",
            "refresh_token": "refresh",
        }
    ]
    clock.now += timedelta(minutes=54)
    tokens.access("google", "refresh")
    assert len(endpoint.asked) == 1
    clock.now += timedelta(minutes=2)
    tokens.access("google", "refresh")
    assert len(endpoint.asked) == 2


def test_each_mailbox_has_its_own_token(endpoint, clock):
    tokens = Tokens({"google": endpoint.provider()}, clock=clock)
    tokens.access("google", "one")
    tokens.access("google", "two")
    assert [form["refresh_token"] for form in endpoint.asked] == ["one", "two"]


def test_a_token_that_a_server_refused_is_fetched_anew(endpoint, clock):
    bearer = Tokens({"google": endpoint.provider()}, clock=clock).of("google", "refresh")
    bearer()
    bearer.forget()
    bearer()
    assert len(endpoint.asked) == 2
    assert "refresh" not in repr(bearer)


def test_a_younger_refresh_token_is_used_from_then_on(endpoint, clock):
    endpoint.answer = (200, {"access_token": "good-token", "expires_in": 60, "refresh_token": "younger"})
    tokens = Tokens({"microsoft": endpoint.provider(scope="mail")}, clock=clock)
    tokens.access("microsoft", "old")
    clock.now += timedelta(minutes=2)
    tokens.access("microsoft", "old")
    assert [form["refresh_token"] for form in endpoint.asked] == ["old", "younger"]
    assert endpoint.asked[0]["scope"] == "mail"


def test_an_application_that_an_administrator_let_in_needs_no_refresh_token(endpoint, clock):
    tokens = Tokens({"microsoft": endpoint.provider(app_scope="all")}, clock=clock)
    assert tokens.access("microsoft", None) == "good-token"
    assert endpoint.asked[0]["grant_type"] == "client_credentials"
    assert endpoint.asked[0]["scope"] == "all"


@pytest.mark.parametrize(
    ("answer", "words", "is_lasting"),
    [
        ((400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}),
         "the permission has ended or was withdrawn; give it again and store the new refresh token", True),
        ((401, {"error": "invalid_client"}), "the client id or the client secret is wrong", True),
        ((400, {"error": "invalid_scope"}), "lacks the permission for IMAP and SMTP", True),
        ((400, {"error": "odd", "error_description": "Something\r\nnew."}), "no access token: Something  new.", False),
        ((503, b"<html>busy</html>"), "it answered 503", False),
        ((200, b"not json"), "gave no usable access token", False),
        ((200, [1]), "gave no usable access token", False),
        ((200, {"access_token": "a b\r\nc"}), "gave no usable access token", False),
        ((200, {"access_token": "x" * 20_000}), "gave no usable access token", False),
    ],
)  # fmt: skip
def test_a_refusal_is_a_sentence(endpoint, clock, answer, words, is_lasting):
    endpoint.answer = answer
    with pytest.raises(MailboxDown) as down:
        Tokens({"google": endpoint.provider()}, clock=clock).access("google", "secret-refresh")
    assert words in str(down.value)
    assert str(down.value).startswith("Google ")
    assert down.value.lasting is is_lasting
    assert "hush" not in str(down.value)
    assert "secret-refresh" not in str(down.value)


@pytest.mark.parametrize("life", [None, "soon", -5, "1e999", 10**30])
def test_an_odd_length_of_life_is_bounded(endpoint, clock, life):
    endpoint.answer = (200, {"access_token": "good-token", "expires_in": life})
    assert Tokens({"google": endpoint.provider()}, clock=clock).access("google", "r") == "good-token"


def test_an_endpoint_that_is_away_is_a_sentence(endpoint, clock):
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
    tokens = Tokens({"google": endpoint.provider(token_url=url)}, clock=clock)
    with pytest.raises(MailboxDown, match=r"Google could not be reached for a token\.") as down:
        tokens.access("google", "r")
    assert not down.value.lasting


def test_missing_settings_are_named(clock):
    tokens = Tokens(
        {"google": oauth.google("", ""), "microsoft": oauth.microsoft("id", "", "common")}, clock=clock
    )
    with pytest.raises(MailboxDown, match="FERMATA_GOOGLE_CLIENT_ID and FERMATA_GOOGLE_CLIENT_SECRET"):
        tokens.access("google", "r")
    with pytest.raises(MailboxDown, match="FERMATA_MICROSOFT_CLIENT_ID"):
        tokens.access("microsoft", "r")


def test_google_gives_nothing_without_a_refresh_token(clock):
    with pytest.raises(MailboxDown, match="--password-env"):
        Tokens({"google": oauth.google("id", "secret")}, clock=clock).access("google", None)
