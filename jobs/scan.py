"""One look through a mailbox: what is new in each of its folders goes to core.inbox in batches, which moves the marks.

    never read, or UIDVALIDITY changed   everything since a day before the mailbox was added
    read before                          everything above the mark
    sent mail, never read                nothing: only what leaves from now on settles anything

A batch that was taken in twice does nothing the second time, so a scan may be broken off and begun anew anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from core import reading
from core.chunks import chunks
from core.db import Database
from core.inbox import FolderMark, Raw, receive
from core.models import Folder, Mailbox
from jobs.imap import INBOX, Connection, Fetched, FolderGone, Place, State, gone_words, missing

LOG = logging.getLogger(__name__)
BATCH = 100
BEFORE_IT_WAS_ADDED = timedelta(days=1)


@dataclass
class Scan:
    """`go_on` is asked before each batch, and raises where this process should read no further."""

    db: Database
    mailbox: Mailbox
    connection: Connection
    clock: Callable[[], datetime]
    go_on: Callable[[], None] = lambda: None
    taken: int = 0

    def run(self) -> int:
        """Take in whatever is new, record that all was read, and give how many messages were looked at."""
        began = self.clock()
        self._inbox()
        if self._others():
            self._inbox()  # it must be the open one again, for IDLE; and mail may have come meanwhile
        reading.was_read(self.db, self._id, at=began, now=self.clock())
        return self.taken

    @property
    def _id(self) -> int:
        return self.mailbox.id or 0

    def _inbox(self) -> None:
        mark = reading.marks(self.db, self._id).get(INBOX)
        self._read(Place(INBOX, "inbox"), self.connection.open(INBOX), mark)

    def _others(self) -> bool:
        """Read the folders for junk and sent mail; say whether any had to be opened."""
        marks = reading.marks(self.db, self._id)
        places = self.connection.places()
        self._notice_gone(places, marks)
        was_opened = False
        for place in places:
            if place.role != "inbox":
                was_opened |= self._other(place, marks.get(place.name))
        return was_opened

    def _other(self, place: Place, mark: Folder | None) -> bool:
        state = self.connection.look(place.name)
        if mark is None and place.role == "sent":
            self._take_in([], place, state, state.next_uid - 1)
            return False
        if not _has_news(state, mark):
            return False
        self._read(place, self.connection.open(place.name), mark)
        return True

    def _notice_gone(self, places: Sequence[Place], marks: dict[str, Folder]) -> None:
        """Raise FolderGone where a folder that was read is there no more; one that was renamed is read anew."""
        if gone := missing(places, marks):
            raise FolderGone(gone_words(gone, self.mailbox.address))
        left = set(marks).difference(place.name for place in places)
        if not left:
            return
        with self.db.write() as session:
            reading.forget(session, self._id, left)

    def _read(self, place: Place, state: State, mark: Folder | None) -> None:
        if not _has_news(state, mark):
            return
        if mark is None or mark.uidvalidity != state.uidvalidity:
            uids = self.connection.since((self.mailbox.created_at - BEFORE_IT_WAS_ADDED).date())
        else:
            uids = self.connection.after(mark.last_uid)
        for batch in chunks(uids, BATCH):
            self.go_on()
            for messages in self.connection.fetch(batch, headers_only=place.role == "sent"):
                if messages:
                    self._take_in(messages, place, state, messages[-1].uid)
        last = max(uids[-1] if uids else 0, state.next_uid - 1)
        self._take_in([], place, state, last)

    def _take_in(self, messages: Sequence[Fetched], place: Place, state: State, last_uid: int) -> None:
        mark = FolderMark(place.name, state.uidvalidity, last_uid)
        try:
            self._receive([_raw(one) for one in messages], mark)
        except DBAPIError:
            raise
        except Exception:
            if not messages:
                raise
            LOG.exception("a batch of messages could not be taken in, trying each alone")
            self._one_by_one(messages, mark)
        self.taken += len(messages)

    def _one_by_one(self, messages: Sequence[Fetched], mark: FolderMark) -> None:
        """Take in each message alone; of one that cannot be judged at least the headers, which tell whom to hold."""
        for one in messages:
            alone = FolderMark(mark.name, mark.uidvalidity, one.uid)
            try:
                self._receive([_raw(one)], alone)
            except DBAPIError:
                raise
            except Exception:
                LOG.exception("message %d could not be taken in, only its headers are", one.uid)
                self._receive([_headers(one)], alone)

    def _receive(self, raws: Sequence[Raw], mark: FolderMark) -> None:
        receive(self.db, raws, mailbox_id=self._id, now=self.clock(), folder=mark)


def _has_news(state: State, mark: Folder | None) -> bool:
    return mark is None or mark.uidvalidity != state.uidvalidity or state.next_uid > mark.last_uid + 1


def _raw(one: Fetched) -> Raw:
    return Raw(one.content, one.came_at, one.is_cut)


def _headers(one: Fetched) -> Raw:
    head, gap, _ = one.content.replace(b"\r\n", b"\n").partition(b"\n\n")
    return Raw(head + gap, one.came_at, is_cut=True)
