"""Who reads a mailbox, when it was last read, and the one card of a mailbox that nobody can read."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core import cards, handover, postbox, reading
from core.answers import NoticeCard
from core.models import Card, Folder, Journal, Mailbox
from core.views import view
from tests import mailroom
from tests.mailroom import DAY, NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def room(database):
    """A mailbox that is read, with one lead whose follow-up is due since a day later."""
    room = mailroom.make(database, 1, imap_host="127.0.0.1", imap_port=1, imap_security="none")
    mailroom.hand_over(room)
    with database.write() as session:
        reading.forget(session, room.mailbox_id)
    reading.was_read(database, room.mailbox_id, at=NOW, now=NOW)
    return room


def box(room) -> Mailbox:
    return postbox.get(room.db, room.mailbox_id)


def shown(room, now) -> NoticeCard:
    """What the card shows; then it counts as drawn."""
    with room.db.write() as session:
        card = session.exec(select(Card).where(Card.kind == "mailbox")).one()
        found = view(session, card, now=now)
        cards.drawn(session, card.id, wanted=card.wanted, ts=card.ts or "1")
        return found


def wants_drawing(room) -> bool:
    [card] = room.cards("mailbox")
    return card.wanted > card.drawn


# The lease


def test_only_one_reader_has_a_mailbox(room):
    def take(who, now):
        return reading.take(room.db, room.mailbox_id, who, now=now)

    assert [take("one", NOW), take("two", NOW), take("one", NOW + MINUTE / 2)] == [True, False, True]
    assert not take("two", NOW + MINUTE)  # it was renewed
    assert take("two", NOW + 2 * MINUTE)
    assert not take("one", NOW + 2 * MINUTE)
    reading.leave(room.db, room.mailbox_id, "one")  # it is not its own any more
    assert not take("one", NOW + 2 * MINUTE)
    reading.leave(room.db, room.mailbox_id, "two")
    assert take("one", NOW + 2 * MINUTE)


def test_a_mailbox_without_imap_has_no_reader(room):
    room.change(Mailbox, room.mailbox_id, imap_host=None)
    assert not reading.take(room.db, room.mailbox_id, "one", now=NOW)
    assert reading.readable(room.db) == []


# When last


def test_what_was_read_is_never_earlier_than_before(room):
    reading.was_read(room.db, room.mailbox_id, at=NOW - MINUTE, now=NOW)
    assert box(room).read_at == NOW


def test_a_fault_is_told_once_and_its_end_too(room):
    for now in (NOW, NOW + MINUTE):
        reading.could_not_read(room.db, room.mailbox_id, "Nothing answers.", now=now)
    assert box(room).unread_because == "Nothing answers."
    for now in (NOW + 2 * MINUTE, NOW + 3 * MINUTE):
        reading.was_read(room.db, room.mailbox_id, at=now, now=now)
    assert box(room).unread_because is None
    with room.db.read() as session:
        told = [(line.verb, line.reason) for line in session.exec(select(Journal)) if "mailbox" in line.verb]
    assert told == [("mailbox unread", "us@a.test: Nothing answers."), ("mailbox read", "us@a.test")]


def test_a_mailbox_that_is_no_more_harms_nothing(database):
    reading.was_read(database, 7, at=NOW, now=NOW)
    reading.could_not_read(database, 7, "x", now=NOW)
    assert not reading.take(database, 7, "one", now=NOW)


def test_marks_are_forgotten_by_name_or_all(room):
    with room.db.write() as session:
        for name in ("INBOX", "Junk", "Sent"):
            session.add(Folder(mailbox_id=room.mailbox_id, name=name, uidvalidity=1, last_uid=5))
    with room.db.write() as session:
        reading.forget(session, room.mailbox_id, ["Junk"])
    assert sorted(reading.marks(room.db, room.mailbox_id)) == ["INBOX", "Sent"]
    with room.db.write() as session:
        reading.forget(session, room.mailbox_id)
    assert reading.marks(room.db, room.mailbox_id) == {}


# Who must be told


def unread(room, now=NOW + DAY):
    reading.could_not_read(room.db, room.mailbox_id, "Nothing answers at imap.a.test:993.", now=now)
    return reading.watch(room.db, now=now)


def test_an_unread_mailbox_with_a_follow_up_due_gets_one_card(room):
    assert unread(room) == [room.mailbox_id]
    assert unread(room, NOW + DAY + MINUTE) == []
    [card] = room.cards("mailbox")
    assert (card.key, card.about_id) == (f"mailbox:{room.mailbox_id}", room.mailbox_id)
    notice = shown(room, NOW + DAY)
    assert notice.title == "us@a.test cannot be read, so its follow-ups wait."
    assert "Nothing answers at imap.a.test:993." in notice.lines[0]
    assert notice.lines[1].startswith("1 follow-up is due and will leave by themselves")
    assert notice.verdict is None
    assert handover.claim(room.db, room.mailbox_id, now=NOW + DAY) == []


def test_a_mailbox_that_is_read_again_says_so_and_its_mail_leaves(room):
    unread(room)
    shown(room, NOW + DAY)
    later = NOW + DAY + MINUTE
    reading.was_read(room.db, room.mailbox_id, at=later, now=later)
    assert wants_drawing(room)
    notice = shown(room, later)
    assert notice.title == "us@a.test works again."
    assert notice.verdict.startswith("What had waited goes on by itself.")
    assert len(handover.claim(room.db, room.mailbox_id, now=later)) == 1


def test_the_next_trouble_is_a_new_message(room):
    unread(room)
    shown(room, NOW + DAY)
    again = NOW + DAY + MINUTE
    reading.was_read(room.db, room.mailbox_id, at=again, now=again)
    much_later = NOW + 2 * DAY
    reading.could_not_read(room.db, room.mailbox_id, "Nothing answers.", now=much_later)
    assert reading.watch(room.db, now=much_later) == []  # its last word is not on the screen yet
    shown(room, again)
    assert reading.watch(room.db, now=much_later) == [room.mailbox_id]
    [card] = room.cards("mailbox")
    assert card.ts is None


@pytest.mark.parametrize("why", ["nothing due", "read lately", "not read at all", "no limit reached"])
def test_nobody_is_bothered_without_need(room, why):
    now = NOW + DAY
    match why:
        case "nothing due":
            now = NOW + timedelta(hours=12)
        case "read lately":
            reading.was_read(room.db, room.mailbox_id, at=now - 9 * MINUTE, now=now)
        case "not read at all":
            room.change(Mailbox, room.mailbox_id, imap_host=None)
        case "no limit reached":
            room.change(Mailbox, room.mailbox_id, read_at=None, created_at=now - 9 * MINUTE)
    assert unread(room, now) == []
    assert room.cards("mailbox") == []


def test_a_long_backlog_is_no_trouble(room):
    assert reading.watch(room.db, now=NOW + DAY, busy=[room.mailbox_id]) == []
    reading.take(room.db, room.mailbox_id, "elsewhere", now=NOW + DAY)
    assert reading.watch(room.db, now=NOW + DAY) == []


def test_a_mailbox_that_no_worker_reads_is_named(room):
    assert reading.watch(room.db, now=NOW + DAY) == [room.mailbox_id]
    assert box(room).unread_because == reading.NOBODY
    assert "no worker is reading it." in shown(room, NOW + DAY).lines[0]


def test_a_mailbox_that_cannot_send_gets_a_card_too(room):
    now = NOW + DAY
    reading.was_read(room.db, room.mailbox_id, at=now, now=now)
    postbox.went_down(room.db, room.mailbox_id, "It refused the password.", is_lasting=True, now=now)
    assert reading.watch(room.db, now=now + MINUTE) == []  # a server that is restarted is nobody's business
    reading.was_read(room.db, room.mailbox_id, at=now + 6 * MINUTE, now=now + 6 * MINUTE)
    assert reading.watch(room.db, now=now + 6 * MINUTE) == [room.mailbox_id]
    notice = shown(room, now + 6 * MINUTE)
    assert notice.title == "us@a.test cannot send, so its mail waits."
    assert "It refused the password." in notice.lines[0]
    postbox.came_up(room.db, room.mailbox_id, now=now + 7 * MINUTE)
    assert wants_drawing(room)
    assert shown(room, now + 7 * MINUTE).title == "us@a.test works again."
