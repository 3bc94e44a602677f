"""Where the stories play: the sandbox in this process, told in the words of the people in it.

Nothing is replaced: Slack's protocol over a socket, the real bot and sender, a database, an SMTP server. Only the
clock is the sandbox's, so that ten days pass in a moment; on the way every event happens at its time.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path

from sqlmodel import col, select

from core import commands, leads, sequence_file, sequences
from core.lead_file.row import LeadRow
from core.models import Card, Enrollment, Lead, Mailbox, Sequence
from core.people import Actor
from core.schedule import local
from fermata import tryout
from sandbox.slack.forms import NotOnScreenError, controls, find
from sandbox.slack.state import BOT_USER, Message
from tests.services import free_port

BERLIN = "Europe/Berlin"
# A Tuesday, 10:00 in Berlin.
BEGINS = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)
OUTBOUND = "#outbound"
MAILBOX = "ana@northwind.example"
SETTLING = Actor("cli:setup", "setup", BERLIN)
PATIENCE_SECONDS = 8.0
SIGNS = re.compile(r"^[^\w]+")


class Backstage:
    """An event loop in a thread of its own, so that stories are told in plain sequence."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, coroutine, timeout: float = 60):
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Clock:
    """The sandbox's clock, moved by the story."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def now(self) -> datetime:
        return self._stage.made.clock.now()

    def advance(self, **span: float) -> None:
        """Let time pass, `days=10` or `hours=2`; everything that falls due on the way happens."""
        self._stage.backstage.do(self._stage.made.clock.advance(timedelta(**span)))

    def settle(self) -> None:
        """Let everything that is due now happen."""
        self._stage.backstage.do(self._stage.made.clock.settle())

    def jump(self, **span: float) -> None:
        """Let time pass while the sender is away: nothing happens on the way."""
        self._stage.made.clock._set(self.now + timedelta(**span))

    def until(self, day: str, at: str = "10:00") -> None:
        """Let time pass until a day of June 2027 or later, as `"2027-06-15"`, in Berlin."""
        hour, minute = map(int, at.split(":"))
        wanted = datetime.fromisoformat(day).replace(hour=hour, minute=minute)
        here = local(self.now, BERLIN).replace(tzinfo=None)
        self.advance(seconds=(wanted - here).total_seconds())


class Someone:
    """A person at their Slack window."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._at = stage, stage.made.workspace.person(name)
        self.name = name

    def types(self, text: str, channel: str = OUTBOUND) -> str:
        """Type it, and give the answer."""
        return self._answer_to(lambda: self._at.type(channel, text), channel)

    def clicks(self, label: str, *, on: str = "", in_: str = "", card: Message | None = None) -> str:
        """Press a button, or choose from a menu, and give the answer.

        The newest message that offers it is meant; `on` and `in_` are words that it must say. `card` is a message
        kept from earlier, clicked as it looked then.
        """
        shown = card or self._offering(label, (on, in_))
        return self._answer_to(lambda: self._press(shown, label))

    def declines(self, label: str, *, on: str = "") -> None:
        """Press a button and say no to its confirmation."""
        shown = self._offering(label, (on,))
        self._at.click(shown, _called(shown, label) or label, confirm=False)

    def opens(self, label: str, *, on: str = "") -> str:
        """Choose something that opens a form, and give what the form says."""
        shown = self._offering(label, (on,))
        self._press(shown, label)
        return self._stage.made.workspace.wait_for(lambda: self._at.modal, PATIENCE_SECONDS).all_text()

    def fills_in(self, **fields: str) -> str:
        """Fill the form in and submit it: `until="June 15"`, and give the answer."""
        values = {name.replace("_", " ").capitalize(): value for name, value in fields.items()}
        return self._answer_to(lambda: self._at.submit(values))

    def sees(self, *words: str, channel: str = OUTBOUND) -> str:
        """Wait until a message that this person sees says all of these words, and give it."""
        return self._stage.seen(lambda: self._at.messages(channel), words)

    def answers(self) -> list[str]:
        """What only this person was told."""
        return [reading(message) for message in self._at.ephemerals()]

    def sees_no_button(self, label: str, *, on: str) -> bool:
        """Whether the newest message about `on` lacks this button."""
        newest = next(m for m in reversed(self._at.messages(OUTBOUND)) if on in reading(m))
        return _called(newest, label) is None

    def _press(self, shown: Message, label: str) -> None:
        said = self._at.click(shown, _called(shown, label) or label)
        assert said.ok, said

    def _offering(self, label: str, words: tuple[str, ...]) -> Message:
        def look() -> Message | None:
            shown = reversed(self._at.messages(OUTBOUND))
            return next(
                (m for m in shown if _called(m, label) and all(word in reading(m) for word in words)), None
            )

        return self._stage.made.workspace.wait_for(look, PATIENCE_SECONDS)

    def _answer_to(self, act: Callable[[], object], channel: str = OUTBOUND) -> str:
        """Do it and wait for what Fermata says: a new answer, or one that replaced its question."""
        before = {(m.ts, m.revision) for m in self._at.messages(channel)}
        act()

        def look() -> Message | None:
            fresh = [m for m in self._at.messages(channel) if (m.ts, m.revision) not in before]
            return next((m for m in fresh if m.user != self._at.id and not self._stage.is_card(m)), None)

        return reading(self._stage.made.workspace.wait_for(look, PATIENCE_SECONDS))


def _called(message: Message, label: str) -> str | None:
    """The full label of a control, given without its sign."""
    wanted = label.casefold()
    for control in controls(message.blocks):
        names = [*control.labels(), *(option["text"]["text"] for option in control.options())]
        for name in names:
            if wanted in (name.casefold(), SIGNS.sub("", name).casefold()):
                return name
    return None


async def _nothing() -> None:
    """What falls due while no sender runs."""


class Team:
    """What everybody sees in #outbound."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def sees(self, *words: str) -> str:
        """Wait until a message in the channel says all of these words, and give it."""
        return self._stage.seen(lambda: self._stage.made.workspace.messages(OUTBOUND), words)

    def card(self, email: str, channel: str = OUTBOUND) -> Message:
        """The lead's card as it stands now."""
        look = self._stage.made.workspace.messages
        return self._stage.made.workspace.wait_for(
            lambda: next((m for m in reversed(look(channel)) if f"✉️ {email}" in reading(m)), None),
            PATIENCE_SECONDS,
        )

    def cards(self, email: str, channel: str = OUTBOUND) -> list[str]:
        """Every card of the lead in a channel."""
        shown = self._stage.made.workspace.messages(channel)
        return [reading(m) for m in shown if f"✉️ {email}" in reading(m)]


class Direct:
    """Somebody's direct messages with Fermata."""

    def __init__(self, stage: Stage, someone: Someone) -> None:
        self._stage, self._someone = stage, someone
        self.id = stage.made.workspace.state.direct(someone._at.id).id

    def messages(self) -> list[Message]:
        """What stands there, with what only this person sees."""
        return self._someone._at.messages(self.id)

    def sees(self, *words: str) -> str:
        """Wait until a message says all of these words, and give it."""
        return self._someone.sees(*words, channel=self.id)

    def clicks(self, label: str, *, line: str = "") -> None:
        """Press a button of the newest message that has it; `line` is the line under which it stands."""

        def look() -> tuple[Message, str] | None:
            for message in reversed(self.messages()):
                if name := _under(message, label, line):
                    return message, name
            return None

        shown, name = self._stage.made.workspace.wait_for(look, PATIENCE_SECONDS)
        said = self._someone._at.click(shown, name)
        assert said.ok, said

    def opens(self, label: str, *, line: str) -> None:
        """Press a button that opens a form."""
        self.clicks(label, line=line)
        self._stage.made.workspace.wait_for(lambda: self._someone._at.modal, PATIENCE_SECONDS)

    def fills_in(self, **fields: str) -> None:
        """Fill that form in and submit it."""
        self._someone._at.submit({name.capitalize(): value for name, value in fields.items()})


def _under(message: Message, label: str, line: str) -> str | None:
    """The action id of the button that stands in the first row under a line."""
    blocks = message.blocks
    begins = next((number for number, block in enumerate(blocks) if line in "\n".join(_lines([block]))), None)
    below = [] if begins is None else blocks[begins:] if not line else blocks[begins + 1 : begins + 2]
    found = (control for control in controls(below) if label in control.labels())
    return next((str(control.element["action_id"]) for control in found), None)


class Correspondent:
    """A lead at their own mail program: whatever they do is about the last mail that they got, and is read at once."""

    def __init__(self, stage: Stage, email: str) -> None:
        self._stage, self.email = stage, email

    def answers(self, text: str, **more: object) -> None:
        self._does("answer", text, **more)

    def is_away(self, words: str = "", **more: object) -> None:
        self._does("away", words=words, **more)

    def bounces(self, *, is_hard: bool) -> None:
        self._does("bounce", is_hard=is_hard)

    def complains(self) -> None:
        self._does("complain")

    def wants_no_more(self, language: str = "en") -> None:
        self._does("unsubscribe", language=language)

    def books(self, at: datetime) -> None:
        self._does("book", at)

    def moves_it(self, at: datetime) -> None:
        self._does("move", at)

    def calls_it_off(self) -> None:
        self._does("call_off")

    def _does(self, act: str, *values: object, **more: object) -> None:
        leads = self._stage.made.leads
        getattr(leads, act)(leads.last_mail(self.email), *values, **more)
        self._stage.backstage.do(self._stage.made.clock.settle())


class Stage:
    """One sandbox and the people in it."""

    def __init__(self, backstage: Backstage, home: Path, database_url: str = "") -> None:
        self.backstage, self._home, self._url = backstage, home, database_url
        self._all, self._bot, self._sender = AsyncExitStack(), AsyncExitStack(), AsyncExitStack()

    @contextmanager
    def playing(self) -> Iterator[Stage]:
        """Raise the curtain, until the end of the block."""
        settings = tryout.settings_for(free_port(), self._home, database_url=self._url)
        self.made = self.backstage.do(self._all.enter_async_context(tryout.world(settings, begins=BEGINS)))
        self.backstage.do(self._all.enter_async_context(tryout.showing(self.made)))
        try:
            self.start_bot()
            self.start_sender()
            self._add_mailbox()
            yield self
        finally:
            self.stop_bot()
            self.stop_sender()
            self.backstage.do(self._all.aclose())

    # The parts that can fall over
    def start_bot(self) -> None:
        self.backstage.do(self._bot.enter_async_context(tryout.talking(self.made)))

    def stop_bot(self) -> None:
        self.backstage.do(self._bot.aclose())

    def start_sender(self) -> None:
        self.made.clock.work, self.made.clock.read = self.made.engine.settle, self.made.reader.read_all
        self.backstage.do(self._sender.enter_async_context(tryout.sending(self.made)))

    def stop_sender(self) -> None:
        self.backstage.do(self._sender.aclose())
        self.made.clock.work = self.made.clock.read = _nothing

    # What there is before a story begins
    def _add_mailbox(self) -> None:
        with self.made.desk.db.write() as session:
            session.add(
                Mailbox(
                    address=MAILBOX,
                    name="Ana Ruiz",
                    smtp_host="127.0.0.1",
                    smtp_port=self.made.sink.port,
                    smtp_security="none",
                    imap_host="127.0.0.1",
                    imap_port=self.made.imap.port,
                    zone=BERLIN,
                    created_at=self.made.clock.now(),
                )
            )

    def writes(self, text: str) -> tuple[str, ...]:
        """Apply a sequence file, and give what changed."""
        with self.made.desk.db.write() as session:
            spec = sequence_file.load(text)
            return sequences.save(session, spec, actor=SETTLING, now=self.made.clock.now()).differences

    def publishes(self, text: str) -> None:
        """Apply a sequence file and publish it."""
        self.writes(text)
        with self.made.desk.db.write() as session:
            row = sequences.find(session, sequence_file.load(text).name)
            sequences.turn(session, row.id, "publish", actor=SETTLING, now=self.made.clock.now())

    def enrols(self, *emails: str, into: str = "Spring", **fields: object) -> None:
        """Save leads and enrol them; the local part is the first name."""
        rows = [
            LeadRow(**{
                "email": email, "first_name": email.partition("@")[0].capitalize(), "domain": email.partition("@")[2],
                **fields,
            })
            for email in emails
        ]  # fmt: skip
        with self.made.desk.db.write() as session:
            now = self.made.clock.now()
            ids = [lead_id for lead_id, _ in leads.save(session, rows, actor=SETTLING, now=now).values()]
            found = sequences.find(session, into)
            leads.enrol(session, ids, found.id, actor=SETTLING, now=now)

    def says(self, text: str, user: str = "cli:mira") -> str:
        """What `fermata say` does and answers, beside Slack."""
        actor = Actor(user, user.removeprefix("cli:"))
        return commands.run(self.made.desk, text, actor=actor, now=self.made.clock.now()).as_text()

    # What can be looked at
    def mail_to(self, email: str) -> list[str]:
        """The subjects of what a lead got, in order."""
        return [mail["subject"] for mail in self._mail(email)]

    def dates_of_mail_to(self, email: str) -> list[str]:
        """When a lead got mail, in Berlin: "Tue 1 Jun 10:00"."""
        return [_date(datetime.fromisoformat(mail["date"])) for mail in self._mail(email)]

    def link_in_mail_to(self, email: str) -> str:
        """The unsubscribe link of the last mail."""
        return message_from_string(self._mail(email)[-1]["headers"])["List-Unsubscribe"].strip("<>")

    def _mail(self, email: str) -> list[dict]:
        return [mail for mail in self.made.mail.messages() if mail["to"] == email]

    def lead(self, email: str) -> Correspondent:
        """The lead as a person who writes back."""
        return Correspondent(self, email)

    def status(self, email: str, into: str = "Spring") -> str:
        """The status that lists show."""
        return self.enrollment(email, into).status

    def enrollment(self, email: str, into: str = "Spring") -> Enrollment:
        """The latest run as the database has it."""
        with self.made.desk.db.read() as session:
            query = (
                select(Enrollment)
                .join(Lead, col(Lead.id) == Enrollment.lead_id)
                .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
                .where(Lead.email == email, Sequence.name == into)
                .order_by(col(Enrollment.run).desc())
            )
            return session.exec(query).first()

    def is_card(self, message: Message) -> bool:
        """Whether a message is a card, rather than an answer."""
        if message.ephemeral_to is not None:
            return False
        with self.made.desk.db.read() as session:
            known = session.exec(select(Card.ts)).all()
            return (
                message.ts in known
                or message.text.startswith(("Task for", "Did step", "⏸️ Paused leads", "⛔ All sending"))
                or "✉️" in reading(message)
            )

    def seen(self, look: Callable[[], list[Message]], words: tuple[str, ...]) -> str:
        """Wait until one of these messages says all of these words."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            shown = [reading(m) for m in look() if m.user == BOT_USER]
            for text in reversed(shown):
                if all(word in text for word in words):
                    return text
            if time.monotonic() > ends:
                raise AssertionError(f"Nobody sees {words}. What is shown:\n\n" + "\n\n".join(shown[-4:]))
            time.sleep(0.03)


def _date(moment: datetime) -> str:
    here = local(moment, BERLIN)
    return f"{here:%a} {here.day} {here:%b %H:%M}"


def reading(message: Message) -> str:
    """A message as a person reads it: a line for each line, `[Button]`, dates by their fallback."""
    lines = "\n".join(_lines(message.blocks)) if message.blocks else message.text
    return re.sub(r"[ \u00a0]+", " ", lines)


def _lines(blocks: list[dict]) -> Iterator[str]:
    for block in blocks:
        match block["type"]:
            case "header" | "section":
                button = f" {_button(block['accessory'])}" if "accessory" in block else ""
                yield block["text"]["text"] + button
            case "context":
                yield " ".join(element["text"] for element in block["elements"])
            case "rich_text":
                yield from (_rich(part) for part in block["elements"])
            case "actions":
                yield " ".join(_button(element) for element in block["elements"])


def _rich(node: dict) -> str:
    if node["type"] == "rich_text_list":
        return "\n".join(f"• {_rich(item)}" for item in node["elements"])
    return "".join(_piece(piece) for piece in node["elements"])


def _piece(piece: dict) -> str:
    text = piece.get("text") or piece.get("fallback", "")
    return f"`{text}`" if piece.get("style", {}).get("code") else text


def _button(element: dict) -> str:
    if element["type"] == "overflow":
        return "".join(f"[{option['text']['text']}]" for option in element["options"])
    return f"[{element['text']['text']}]"


__all__ = ["NotOnScreenError", "Stage", "find", "reading"]
