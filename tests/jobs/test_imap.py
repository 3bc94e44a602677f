"""One connection to a real Dovecot: logging in, folders, bounded fetching, and every fault in one sentence."""

import select
import socket
import ssl
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from jobs import imap, smtp_login
from jobs.imap import INBOX, MOST_BYTES, FolderGone, Place
from jobs.oauth import Tokens
from jobs.smtp_login import MailboxDown, Server
from tests.jobs import tokens as endpoints
from tests.services import running_dovecot

HELLO = b"From: lead@b.test\r\nMessage-ID: <1@b.test>\r\nSubject: Re: Hello\r\n\r\nThanks!\r\n"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()


@pytest.fixture
def address():
    """A mailbox of its own."""
    return f"{uuid.uuid4().hex}@x.test"


def server_of(dovecot, address, password=None, **more):
    port = more.pop("port", dovecot.port)
    return Server("127.0.0.1", port, more.pop("security", "none"), address, password or dovecot.PASSWORD,
                  more.pop("timeout", 10), **more)  # fmt: skip


@contextmanager
def connected(server):
    connection = imap.connect(server)
    try:
        yield connection
    finally:
        connection.close()


def refusal(server):
    """The sentence with which connecting is refused."""
    with pytest.raises(MailboxDown) as down:
        imap.connect(server).close()
    assert str(down.value).endswith(".")
    assert str(down.value).isprintable()
    return down.value


def all_of(connection, uids, **more):
    return [one for group in connection.fetch(uids, **more) for one in group]


# Folders and messages


def test_the_folders_are_found_by_their_use(dovecot, address):
    with connected(server_of(dovecot, address)) as connection:
        assert connection.places() == [Place(INBOX, "inbox"), Place("Junk", "junk"), Place("Sent", "sent")]
        assert connection.has_idle


def test_a_message_is_given_whole_and_stays_unseen(dovecot, address):
    at = datetime(2027, 5, 31, 10, tzinfo=UTC)
    dovecot.deliver(address, HELLO, at=at.timestamp())
    with connected(server_of(dovecot, address)) as connection:
        state = connection.open(INBOX)
        assert state.next_uid == 2
        [message] = all_of(connection, [1])
    assert (message.uid, message.content, message.came_at, message.is_cut) == (1, HELLO, at, False)
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert connection._client.search("UNSEEN") == [1]


def test_only_what_is_above_the_mark_is_given(dovecot, address):
    dovecot.deliver(address, HELLO, HELLO, HELLO)
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert connection.after(0) == [1, 2, 3]
        assert connection.after(2) == [3]
        assert connection.after(3) == connection.after(4_000_000_000) == []


def test_only_what_came_since_a_day_is_given(dovecot, address):
    dovecot.deliver(address, HELLO, at=(datetime.now(UTC) - timedelta(days=5)).timestamp())
    dovecot.deliver(address, HELLO)
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert connection.since(YESTERDAY) == [2]


def test_a_message_that_is_gone_is_left_out(dovecot, address):
    dovecot.deliver(address, HELLO)
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert [one.uid for one in all_of(connection, [1, 2, 3])] == [1]


def test_of_a_message_of_50_mb_only_the_beginning_is_read(dovecot, address):
    dovecot.deliver(address, HELLO + b"x" * 78 * 1024 + (b"y" * 76 + b"\r\n") * (50 * 1024 * 1024 // 78))
    with connected(server_of(dovecot, address, timeout=30)) as connection:
        connection.open(INBOX)
        before = _received(connection)
        [message] = all_of(connection, [1])
        assert _received(connection) - before < 2 * MOST_BYTES
    assert message.is_cut
    assert len(message.content) == MOST_BYTES
    assert message.content.startswith(HELLO)


def _received(connection) -> int:
    """How many bytes have come over this connection."""
    info = connection._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int.from_bytes(info[128:136], "little")  # tcpi_bytes_received


def test_many_big_messages_come_in_bounded_groups(dovecot, address):
    dovecot.deliver(address, *[HELLO + b"z" * MOST_BYTES] * 20)
    with connected(server_of(dovecot, address, timeout=30)) as connection:
        connection.open(INBOX)
        sizes = [sum(len(one.content) for one in group) for group in connection.fetch(range(1, 21))]
    assert len(sizes) == 2
    assert max(sizes) <= imap.BATCH_BYTES


def test_of_sent_mail_only_headers_are_read(dovecot, address):
    dovecot.deliver(address, HELLO, folder="Sent")
    with connected(server_of(dovecot, address)) as connection:
        connection.open("Sent")
        [message] = all_of(connection, [1], headers_only=True)
    assert message.is_cut
    assert message.content == HELLO.replace(b"Thanks!\r\n", b"")


HOSTILE = (
    b'From: lead@b.test\r\nMessage-ID: <"x" \\ \r\n {5}\r\n LOGOUT* OK>\r\nReferences: <a\r\n b) UID STORE 1 +FLAGS'
    b" (\\Deleted)>\r\nSubject: * BYE {999999}\r\n\r\nA1 OK\r\n* 9 EXISTS\r\n"
)


def test_what_a_message_says_is_never_a_command(dovecot, address):
    dovecot.deliver(address, HOSTILE, HELLO)
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert [one.content for one in all_of(connection, [1, 2])] == [HOSTILE, HELLO]
        assert [one.uid for one in all_of(connection, [1, 2], headers_only=True)] == [1, 2]
        assert connection.open(INBOX).next_uid == 3


@pytest.mark.parametrize("name", ["Nowhere", 'x" (\\', "Entwürfe", "a&b"])
def test_a_folder_that_is_gone_is_a_sentence(dovecot, address, name):
    with connected(server_of(dovecot, address)) as connection:
        for look in (connection.open, connection.look):
            with pytest.raises(
                FolderGone, match=r"^The folder .* cannot be opened on 127\.0\.0\.1:\d+: .*\.$"
            ):
                look(name)
        assert connection.open(INBOX).next_uid == 1  # the connection is good for more


def test_folders_with_odd_names_are_read(dovecot, address):
    with connected(server_of(dovecot, address)) as connection:
        connection._client.create_folder('Entwürfe "&" mehr')
        assert connection.open('Entwürfe "&" mehr').next_uid == 1


@pytest.mark.parametrize(
    ("places", "known", "gone"),
    [
        (["INBOX", "Junk"], ["INBOX", "Junk"], []),
        (["INBOX", "Junk"], ["INBOX"], []),
        (["INBOX"], ["INBOX", "Junk"], ["Junk"]),
        (["INBOX", "Spam"], ["INBOX", "Junk"], []),  # renamed
        (["INBOX", "Spam"], ["INBOX", "Junk", "Sent"], ["Junk", "Sent"]),
    ],
)
def test_a_renamed_folder_is_not_gone(places, known, gone):
    assert imap.missing([Place(name, "junk") for name in places], known) == gone


# Waiting


def test_idle_tells_of_new_mail(dovecot, address):
    with connected(server_of(dovecot, address)) as connection:
        connection.open(INBOX)
        assert not connection.idle()
        dovecot.deliver(address, HELLO)
        assert select.select([connection.fileno()], [], [], 5)[0]
        connection.done()
        assert connection.open(INBOX).next_uid == 2


def test_mail_that_was_told_with_the_consent_to_idle_is_not_overheard():
    """Both lie in one packet, so no descriptor becomes readable for the second."""
    answers = {
        b"IDLE": b"+ idling\r\n* 1 EXISTS\r\n",
        b"DONE": b"%s OK done\r\n",
    }
    with _puppet(answers) as port, connected(Server("localhost", port, "none", "us", "pw", 5)) as connection:
        assert connection.idle()
        connection.done()


def test_mail_that_was_told_before_the_consent_is_not_overheard():
    answers = {b"IDLE": b"* 1 EXISTS\r\n+ idling\r\n", b"DONE": b"%s OK done\r\n"}
    with _puppet(answers) as port, connected(Server("localhost", port, "none", "us", "pw", 5)) as connection:
        assert connection.idle()
        connection.done()


# Faults


def test_a_wrong_password_is_a_sentence(dovecot, address):
    down = refusal(server_of(dovecot, address, "wrong"))
    assert "refused the user name or the password" in str(down)
    assert down.lasting


@pytest.mark.parametrize("password", ["a\r\nb LOGOUT", "a\0b"])
def test_a_password_that_could_be_a_command_is_never_sent(dovecot, address, password):
    assert "characters that no server takes" in str(refusal(server_of(dovecot, address, password)))


def test_a_password_of_any_letters_lets_in(dovecot):
    with connected(server_of(dovecot, dovecot.ODD, dovecot.ODD_PASSWORD)) as connection:
        assert connection.places()


def test_nothing_there_is_a_sentence(dovecot):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert str(refusal(server_of(dovecot, "a", port=port))) == f"Nothing answers at 127.0.0.1:{port}."


def test_a_silent_server_is_a_sentence(dovecot):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        down = refusal(server_of(dovecot, "a", port=port, timeout=0.3))
    assert "did not answer within 0.3 seconds" in str(down)
    assert not down.lasting


def test_a_server_of_another_kind_is_a_sentence():
    with _puppet({}, greeting=b"220 ESMTP ready\r\n") as port:
        assert str(refusal(Server("localhost", port, "none", "us", "pw", 5)))


@pytest.mark.parametrize(
    ("answer", "words", "is_lasting"),
    [
        (b"%s NO [ALERT] Application-specific password required\r\n", "make one in the account's security settings", True),
        (b"%s NO AUTHENTICATE failed: Basic authentication is disabled.\r\n", "use OAuth2", True),
        (b"%s NO [UNAVAILABLE] Temporary authentication failure\r\n", "turned the login away", False),
        (b"* BYE overloaded\r\n", "was lost while logging in", False),
    ],
)  # fmt: skip
def test_what_a_refused_login_says_helps(answer, words, is_lasting):
    with _puppet({b"LOGIN": answer}) as port:
        down = refusal(Server("localhost", port, "none", "us", "pw", 5))
    assert words in str(down)
    assert down.lasting is is_lasting


def test_a_cut_connection_fails_at_once():
    with (
        _puppet({b"EXAMINE": b""}) as port,
        connected(Server("localhost", port, "none", "us", "pw", 30)) as waiting,
    ):
        threading.Timer(0.1, waiting.break_off).start()
        started = time.monotonic()
        with pytest.raises(MailboxDown, match=r"was lost while opening a folder\.$"):
            waiting.open(INBOX)
        assert time.monotonic() - started < 2


@contextmanager
def _puppet(answers, greeting=b"* OK [CAPABILITY IMAP4rev1 IDLE] here\r\n"):
    """A server that answers commands as told, and every other with OK."""

    def serve(door):
        client, _ = door.accept()
        with client, client.makefile("rwb") as lines:
            lines.write(greeting)
            lines.flush()
            tag = b""
            for line in lines:
                words = line.split()
                word = words[0] if words[0] == b"DONE" else words[1]
                tag = tag if word == b"DONE" else words[0]
                usual = (
                    b"* CAPABILITY IMAP4rev1 IDLE\r\n%s OK done\r\n"
                    if word == b"CAPABILITY"
                    else b"%s OK done\r\n"
                )
                answer = answers.get(word, usual)
                lines.write(answer % tag if b"%s" in answer else answer)
                lines.flush()
                if answer.startswith(b"* BYE"):
                    return

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=serve, args=(door,), daemon=True)
        thread.start()
        yield door.getsockname()[1]
        thread.join(5)


# Encryption and access tokens


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def endpoint():
    with endpoints.running() as running:
        yield running


@pytest.fixture(scope="module")
def closed_shop(authority, endpoint):
    """A server with a certificate for 127.0.0.1, where access tokens let in as well."""
    issued = authority.issue_cert("127.0.0.1")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    with running_dovecot(
        certificate=(chain, issued.private_key_pem.bytes()), introspection=f"{endpoint.url}/introspect?token="
    ) as server:
        yield server


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path):
    """The test's authority as the only one, the way an operator would name their own."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    smtp_login.tls_context.cache_clear()
    yield
    smtp_login.tls_context.cache_clear()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_mailbox_is_read(closed_shop, trusted, security):
    port = closed_shop.tls_port if security == "tls" else closed_shop.port
    server = server_of(closed_shop, "ana@x.test", port=port, security=security)
    with connected(server) as connection:
        assert isinstance(connection._client.socket(), ssl.SSLSocket)
        connection.open(INBOX)
        assert not connection.idle()
        connection.done()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(closed_shop, security):
    port = closed_shop.tls_port if security == "tls" else closed_shop.port
    down = refusal(server_of(closed_shop, "ana@x.test", port=port, security=security))
    assert "certificate" in str(down)
    assert down.lasting


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_for_another_name_is_refused(closed_shop, trusted, security):
    port = closed_shop.tls_port if security == "tls" else closed_shop.port
    down = refusal(Server("localhost", port, security, "ana@x.test", closed_shop.PASSWORD, 10))
    assert "certificate" in str(down)


def test_no_password_goes_out_where_starttls_is_missing(dovecot, address, trusted):
    down = refusal(server_of(dovecot, address, security="starttls"))
    assert "does not offer STARTTLS" in str(down)
    assert down.lasting


def test_tls_towards_a_plain_port_is_a_sentence(dovecot, address):
    assert "does not speak TLS" in str(refusal(server_of(dovecot, address, security="tls")))


def bearer(endpoint):
    return Tokens({"google": endpoint.provider()}, clock=lambda: datetime.now(UTC)).of("google", "refresh")


def test_an_access_token_lets_in(closed_shop, endpoint, trusted):
    server = server_of(closed_shop, "ana@x.test", security="starttls", token=bearer(endpoint))
    with connected(server) as connection:
        assert connection.places()


def test_an_access_token_that_is_refused_is_a_sentence_and_asked_for_anew(closed_shop, endpoint, trusted):
    endpoint.answer = (200, {"access_token": "bad-token", "expires_in": 3600})
    token = bearer(endpoint)
    down = refusal(server_of(closed_shop, "ana@x.test", security="starttls", token=token))
    assert "refused the access token" in str(down)
    assert "bad-token" not in str(down)
    endpoint.answer = (200, {"access_token": "good-token", "expires_in": 3600})
    with connected(server_of(closed_shop, "ana@x.test", security="starttls", token=token)) as connection:
        assert connection.places()


def test_a_server_without_access_tokens_says_so(dovecot, endpoint):
    down = refusal(server_of(dovecot, "ana@x.test", token=bearer(endpoint)))
    assert "offers no login with an access token (XOAUTH2)" in str(down)
