"""The leads as correspondents: what they do with a mail becomes a real message in the rep's mailbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import uuid4

from core.errors import Refused
from sandbox import letters
from sandbox.calendar import Appointment, Itip
from sandbox.inboxes import Inboxes, Kept
from sandbox.letters import Got
from sandbox.mailbox import JSON, MailStore, shown

LENGTH = timedelta(minutes=30)
COLLEAGUE = "Robin Vale"
MESSAGES_SHOWN = 200


class Leads:
    """Acts for the lead who got a mail, by the mail's id on the page. Each act puts one message into an inbox."""

    def __init__(self, mail: MailStore, inboxes: Inboxes, *, now: Callable[[], datetime]) -> None:
        self._mail, self._inboxes, self._now = mail, inboxes, now
        self._appointments: dict[str, Appointment] = {}  # by the lead's address

    def answer(self, mail_id: str, text: str, *, is_colleague: bool = False) -> None:
        """Answer with these words, or let a colleague answer from their own address."""
        got = self._mail.got(mail_id)
        sender = (COLLEAGUE, f"robin.vale@{got.domain}") if is_colleague else None
        self._send(got, letters.answer(got, text, at=self._now(), sender=sender))

    def away(
        self,
        mail_id: str,
        *,
        back_on: date | None = None,
        language: str = "en",
        system: str = "exchange",
        words: str = "",
    ) -> None:
        """Let the lead's mail system say that they are away."""
        got = self._mail.got(mail_id)
        raw = letters.away(
            got, at=self._now(), back_on=back_on, language=language, system=system, words=words
        )
        self._send(got, raw)

    def bounce(self, mail_id: str, *, is_hard: bool) -> None:
        """Let the mail come back: the address does not exist, or its mailbox is full."""
        got = self._mail.got(mail_id)
        self._send(got, letters.bounce(got, at=self._now(), is_hard=is_hard))

    def complain(self, mail_id: str) -> None:
        """Press *this is spam*."""
        got = self._mail.got(mail_id)
        self._send(got, letters.complaint(got, at=self._now()))

    def unsubscribe(self, mail_id: str, *, language: str = "en") -> None:
        """Ask in words for no more mail."""
        got = self._mail.got(mail_id)
        self._send(got, letters.wish(got, at=self._now(), language=language))

    def last_mail(self, address: str) -> str:
        """Give the id of the last mail to a lead; raises LookupError where there is none."""
        return self._mail.newest_to(address)

    def rep_of(self, mail_id: str) -> str:
        """Give the address of the rep who wrote a mail."""
        return self._mail.got(mail_id).mailbox[1]

    def inbox(self) -> list[JSON]:
        """Give what came back to the reps, newest first, as the page shows it."""
        kept = [
            (address, one) for address in self._inboxes.addresses() for one in self._inboxes.messages(address)
        ]
        newest = sorted(kept, key=lambda pair: pair[1].at, reverse=True)[:MESSAGES_SHOWN]
        return [_shown(one, address) for address, one in newest]

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) after every message to a rep; the result ends it."""
        return self._inboxes.subscribe(listener)

    def appointments(self) -> dict[str, dict[str, str]]:
        """Give what stands in the leads' calendars, by address: when, and whose invitation it is."""
        return {
            address: {"at": one.starts_at.isoformat(), "by": "rep" if one.method is Itip.REPLY else "lead"}
            for address, one in self._appointments.items()
        }

    def book(self, mail_id: str, starts_at: datetime) -> None:
        """Invite the rep to a meeting."""
        self._tell(mail_id, self._new(self._mail.got(mail_id), starts_at))

    def accept(self, mail_id: str, starts_at: datetime) -> None:
        """Accept an invitation that the rep had sent by hand."""
        made = self._new(self._mail.got(mail_id), starts_at)
        self._tell(mail_id, replace(made, method=Itip.REPLY, answer="ACCEPTED"))

    def move(self, mail_id: str, starts_at: datetime) -> None:
        """Put the meeting that the lead had booked at another time."""
        was = self._known(mail_id)
        if was.method is Itip.REPLY:
            raise Refused("The rep invited to this meeting; the lead can call it off, or book another.")
        self._tell(
            mail_id,
            replace(
                was, starts_at=starts_at, ends_at=starts_at + LENGTH, number=was.number + 1, answer="moved"
            ),
        )

    def call_off(self, mail_id: str) -> None:
        """Cancel the meeting, or take back the acceptance."""
        was = self._known(mail_id)
        news = (
            replace(was, answer="DECLINED")
            if was.method is Itip.REPLY
            else replace(was, method=Itip.CANCEL, number=was.number + 1, answer="")
        )
        self._tell(mail_id, news)

    def _known(self, mail_id: str) -> Appointment:
        found = self._appointments.get(self._mail.got(mail_id).recipient)
        if found is None:
            raise Refused("There is no meeting with this lead yet; book one first.")
        return found

    def _new(self, got: Got, starts_at: datetime) -> Appointment:
        title = f"{got.lead[0]} and {got.mailbox[0] or got.mailbox[1]}"
        return Appointment(f"{uuid4().hex}@{got.domain}", starts_at, starts_at + LENGTH, title)

    def _tell(self, mail_id: str, news: Appointment) -> None:
        got = self._mail.got(mail_id)
        is_over = news.method is Itip.CANCEL or news.answer == "DECLINED"
        if is_over:
            self._appointments.pop(got.recipient, None)
        else:
            self._appointments[got.recipient] = news
        self._send(got, letters.meeting(got, news, at=self._now()))

    def _send(self, got: Got, raw: bytes) -> None:
        self._inboxes.deliver(got.mailbox[1], raw, self._now())


@lru_cache(maxsize=2 * MESSAGES_SHOWN)
def _shown(kept: Kept, address: str) -> JSON:
    return shown(kept.content, number=kept.uid, recipients=(address,), at=kept.at) | {
        "id": f"in{address}{kept.uid}"
    }
