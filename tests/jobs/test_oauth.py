"""Access tokens from a real endpoint on loopback: kept until they end, and every refusal in words."""

import asyncio
import base64
import socket
from datetime import UTC, datetime, timedelta

import pytest

from jobs import oauth
from jobs.oauth import Tokens
from jobs.smtp_login import MailboxDown, Server, log_in
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


# Handing over mail with an access token


async def _smtp(good, offers="XOAUTH2 PLAIN"):
    """A server that lets in who brings the good token, and tells others the way Google does (RFC 4954, XOAUTH2)."""
    heard = []

    async def serve(reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            heard.append(line)
            match line.split()[:1]:
                case [b"EHLO"]:
                    writer.write(b"250-here\r\n250 AUTH " + offers.encode() + b"\r\n")
                case [b"AUTH"]:
                    said = base64.b64decode(line.split()[2])
                    is_good = said == b"user=ana@x.test\x01auth=Bearer " + good + b"\x01\x01"
                    writer.write(b"235 in\r\n" if is_good else b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n")
                case []:
                    writer.write(b"535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 Learn more\r\n")
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0), heard


def _log_in(token, **more):
    async def story():
        server, heard = await _smtp(**{"good": b"good-token", **more})
        async with server:
            port = server.sockets[0].getsockname()[1]
            try:
                welcome = await log_in(
                    Server("127.0.0.1", port, "none", "ana@x.test", timeout=5, token=token)
                )
                welcome.wire.break_off("done")
            finally:
                await asyncio.sleep(0.01)
        return heard

    return asyncio.run(story())


def test_mail_is_handed_over_with_an_access_token(endpoint, clock):
    bearer = Tokens({"google": endpoint.provider()}, clock=clock).of("google", "refresh")
    assert [line.split()[0] for line in _log_in(bearer)] == [b"EHLO", b"AUTH"]


def test_an_access_token_that_smtp_refuses_is_a_sentence_and_asked_for_anew(endpoint, clock):
    bearer = Tokens({"google": endpoint.provider()}, clock=clock).of("google", "refresh")
    with pytest.raises(MailboxDown, match="refused the access token: 535") as down:
        _log_in(bearer, good=b"another")
    assert down.value.lasting
    assert "good-token" not in str(down.value)
    bearer()
    assert len(endpoint.asked) == 2


def test_an_smtp_server_without_access_tokens_says_so(endpoint, clock):
    bearer = Tokens({"google": endpoint.provider()}, clock=clock).of("google", "refresh")
    with pytest.raises(MailboxDown, match=r"offers no login with an access token \(XOAUTH2\)"):
        _log_in(bearer, offers="PLAIN")
    assert endpoint.asked == []


def test_a_token_that_cannot_be_had_keeps_the_mailbox_from_sending(endpoint, clock):
    endpoint.answer = (400, {"error": "invalid_grant"})
    bearer = Tokens({"google": endpoint.provider()}, clock=clock).of("google", "refresh")
    with pytest.raises(MailboxDown, match="the permission has ended"):
        _log_in(bearer)
