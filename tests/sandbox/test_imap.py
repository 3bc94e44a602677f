"""The reps' mailboxes as clients of two libraries meet them."""

import asyncio
import imaplib
import threading
import time
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from sandbox.imap import Imap
from sandbox.inboxes import INBOX, Inboxes

ANA = "ana@northwind.example"
AT = datetime(2027, 6, 15, 10, 0, tzinfo=UTC)
LETTER = b"From: lead@b.test\r\nTo: ana@northwind.example\r\nSubject: one,\r\n two\r\nMessage-ID: <a@b>\r\n\r\nThanks\r\n"


@pytest.fixture
def loop():
    """A running loop in a thread of its own: both libraries block."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def imap(loop):
    made = Imap(Inboxes())
    asyncio.run_coroutine_threadsafe(made.__aenter__(), loop).result(5)
    yield made
    asyncio.run_coroutine_threadsafe(made.__aexit__(), loop).result(5)


@pytest.fixture
def inboxes(imap):
    return imap.inboxes


@pytest.fixture
def client(imap):
    with IMAPClient("127.0.0.1", imap.port, ssl=False, timeout=5) as made:
        made.login(ANA, 'a "quoted" \\ password')
        yield made


def test_a_delivered_message_is_found_and_fetched_as_it_came(client, inboxes):
    inboxes.deliver(ANA, b"older", AT)
    uid = inboxes.deliver(ANA, LETTER, AT)
    told = client.select_folder(INBOX, readonly=True)
    assert (told[b"EXISTS"], told[b"UIDVALIDITY"], told[b"UIDNEXT"]) == (2, 1, 3)
    assert client.search(["UID", "2:*"]) == [uid]
    found = client.fetch([uid], ["BODY.PEEK[]", "RFC822.SIZE", "INTERNALDATE", "FLAGS"])[uid]
    assert found[b"BODY[]"] == LETTER
    assert found[b"RFC822.SIZE"] == len(LETTER)
    assert found[b"INTERNALDATE"].astimezone(UTC) == AT
    assert found[b"FLAGS"] == ()


def test_only_the_part_asked_for_is_given(client, inboxes):
    uid = inboxes.deliver(ANA, LETTER, AT)
    client.select_folder(INBOX)
    asked = ["BODY.PEEK[]<0.10>", "BODY.PEEK[HEADER.FIELDS (SUBJECT X-NONE)]", "BODY.PEEK[TEXT]"]
    found = client.fetch([uid], asked)[uid]
    assert found[b"BODY[]<0>"] == LETTER[:10]
    assert found[b"BODY[HEADER.FIELDS (SUBJECT X-NONE)]"] == b"Subject: one,\r\n two\r\n\r\n"
    assert found[b"BODY[TEXT]"] == b"Thanks\r\n"


def test_the_last_message_is_always_part_of_an_open_range(client, inboxes):
    inboxes.deliver(ANA, LETTER, AT)
    client.select_folder(INBOX)
    assert client.search(["UID", "50:*"]) == [1]
    assert client.search(["SINCE", AT.date()]) == [1]
    assert client.search(["SINCE", AT.replace(day=16).date()]) == []


def test_sent_is_found_by_its_role(client, inboxes):
    inboxes.put_sent(ANA, LETTER, AT)
    sent = client.find_special_folder(b"\\Sent")
    assert sent == "Sent"
    assert client.folder_status(sent, ["MESSAGES", "UIDVALIDITY"])[b"MESSAGES"] == 1
    client.select_folder(sent)
    assert client.search() == [1]


def test_a_message_delivered_during_idle_is_told_at_once(client, inboxes):
    client.select_folder(INBOX)
    client.idle()
    threading.Timer(0.05, inboxes.deliver, (ANA, LETTER, AT)).start()
    began = time.monotonic()
    told = client.idle_check(timeout=5)
    assert told == [(1, b"EXISTS")]
    assert time.monotonic() - began < 1
    client.idle_done()
    assert client.search() == [1]


def test_renumbering_shows_in_uidvalidity_only(client, inboxes):
    for _ in range(3):
        inboxes.deliver(ANA, LETTER, AT)
    before = client.select_folder(INBOX)[b"UIDVALIDITY"]
    inboxes.renumber(ANA)
    assert client.select_folder(INBOX)[b"UIDVALIDITY"] == before + 1
    assert client.search() == [1, 2, 3]


def test_mailboxes_do_not_see_each_other(client, inboxes):
    inboxes.deliver("ben@northwind.example", LETTER, AT)
    assert client.select_folder(INBOX)[b"EXISTS"] == 0


def test_a_refused_login_is_told_why(imap):
    imap.refuses = "application password needed"
    with (
        IMAPClient("127.0.0.1", imap.port, ssl=False, timeout=5) as client,
        pytest.raises(LoginError, match="application password"),
    ):
        client.login(ANA, "x")


def test_what_it_does_not_know_is_refused_and_nothing_breaks(client, inboxes):
    inboxes.deliver(ANA, LETTER, AT)
    with pytest.raises(Exception, match="no such folder"):
        client.select_folder("Archive")
    client.select_folder(INBOX)
    with pytest.raises(Exception, match="does not search"):
        client.search(["BODY", "thanks"])
    assert client.search() == [1]
    client.noop()


def test_a_server_that_goes_is_noticed_and_found_again(imap, client, loop, inboxes):
    client.select_folder(INBOX)
    loop.call_soon_threadsafe(imap.drop)
    time.sleep(0.1)
    with pytest.raises((OSError, imaplib.IMAP4.abort)):
        client.noop()
    with IMAPClient("127.0.0.1", imap.port, ssl=False, timeout=5) as again:
        again.login(ANA, "x")
        assert again.select_folder(INBOX)[b"EXISTS"] == 0


def test_imaplib_reads_it_too(imap, inboxes):
    inboxes.deliver(ANA, LETTER, AT)
    with imaplib.IMAP4("127.0.0.1", imap.port, timeout=5) as client:
        client.login(ANA, "x")
        assert client.select("INBOX", readonly=True) == ("OK", [b"1"])
        assert client.uid("SEARCH", "UID 1:*") == ("OK", [b"1"])
        assert client.uid("FETCH", "1", "(BODY.PEEK[])")[1][0][1] == LETTER
        client.unselect()
