"""Answering a lead from the card: what they wrote stands above, the thread below it, and only the form's button sends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot import codec
from bot.blocks import context, divider, quote, rich
from bot.codec import Form
from bot.forms.fields import Wrong, halt_line, input_, modal, value_of
from bot.forms.kinds import Anew, Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, instant, sentence, words
from core import replies
from core.answers import Answer
from core.chunks import chunks
from core.conversations import Seen, answered
from core.errors import Refused
from core.people import Actor
from core.replies import MOST_CHARS, checked
from core.views.answering import Draft, draft

TEXT = "text"
QUOTE_CHARS = 2_000
EARLIER_CHARS, EARLIER_LINES = 600, 9  # of each mail before
LINE_CHARS = 450  # of what is handed back when it could not be sent
HINT = "Plain text, or Markdown. What they wrote is quoted below it. Nothing leaves before you press Send."
CHANGED = "More was said since you opened this form. Look at it; what you typed is still here."
STOPPED = "The lead was stopped since you opened this form. What you typed is still here; Send it only if it should leave all the same."


def view(form: Form, shown: Draft, *, zone: str, typed: str = "", changed: str = "") -> JSON:
    """Give the form; `typed` is what stands in its field, `changed` what has happened since it was opened."""
    element: JSON = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": MOST_CHARS,
        "focus_on_load": True,
    }
    begun = typed or shown.unsent
    field = input_(TEXT, "Your answer", element | ({"initial_value": begun} if begun else {}), hint=HINT)
    return modal(form, "Reply", "Send", [*_blocks(shown, zone=zone, changed=changed), field, *_after(shown)])


def _blocks(shown: Draft, *, zone: str, changed: str) -> Iterator[JSON]:
    if changed:
        yield rich([words("⚠️ "), *sentence(changed, bold=True)])
    yield from halt_line(shown.halted)
    if shown.stops:
        yield rich(*([words("⏹️ "), *sentence(one, 400)] for one in shown.stops[:4]))
    if shown.earlier:
        yield rich([words("Before", bold=True)])
    about_before = ""
    for one in shown.earlier:
        about = answered(one.subject) or one.subject
        named = [words(f"  “{one.subject}”", 150)] if about != about_before else []
        about_before = about
        yield rich([words(one.who, 80, bold=True), *named, words("  ·  "), instant(one.at, zone)])
        if one.text.strip():
            yield quote(one.text, longest=EARLIER_CHARS, lines=EARLIER_LINES)
        if one.note:
            yield context(one.note)
    if shown.earlier:
        yield divider()
    named = [words(f"  “{shown.subject}”", 150)] if shown.subject else []
    yield rich([words(shown.heading, 100, bold=True), *named, words("  ·  "), instant(shown.came_at, zone)])
    if shown.quote.strip():
        yield quote(shown.quote, longest=QUOTE_CHARS)
    if shown.notes:
        yield rich(*([*sentence(note, 400)] for note in shown.notes))
    if shown.unsent:
        yield rich([words("↩️ "), *sentence("Your text begins with the answer that was not sent.")])
    yield context(shown.route)
    yield divider()


def _after(shown: Draft) -> Iterator[JSON]:
    if shown.afterwards:
        yield context("Afterwards", *shown.afterwards[:4])


def _opened(front: Front, form: Form, actor: Actor, now: datetime) -> Opened:
    with front.desk.db.read() as session:
        shown = draft(session, form.enrollment_id, now=now, zone=actor.zone)
    remembered = _remembering(form, shown.seen, token=secrets.token_hex(8))
    return Opened(view(remembered, shown, zone=actor.zone), f"status {shown.lead}")


def _remembering(form: Form, seen: Seen, *, token: str) -> Form:
    """Give the form with what it showed; `token` is the same however often it is drawn and pressed."""
    return replace(
        form,
        enrollment_id=seen.message_id,
        version=seen.stamp,
        about=f"{token} {seen.reply_id} {seen.stopped}",
    )


def _read(
    front: Front, form: Form, state: object, _user_id: str, now: datetime, zone: str
) -> tuple[Act, Need]:
    token, *numbers = form.about.split(" ")
    if not token or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise Refused(codec.OLD_FORM)
    typed = value_of(state, TEXT)
    saw = Seen(form.enrollment_id, form.version, *map(int, numbers))
    key = f"form:{token}"
    try:
        text = checked(typed)
        with front.desk.db.read() as session:
            shown = draft(session, form.enrollment_id, now=now, zone=zone)
            is_sent = replies.is_written(session, key)
    except Refused as refused:
        raise Wrong({TEXT: str(refused)}) from refused
    if shown.seen != saw and not is_sent:
        remembered = _remembering(form, shown.seen, token=token)
        changed = STOPPED if shown.seen == replace(saw, stopped=shown.seen.stopped) else CHANGED
        raise Anew(view(remembered, shown, zone=zone, typed=typed, changed=changed))
    return lambda actor, now: _send(front, saw, text, key, actor=actor, now=now), Need.ACTS


def _send(front: Front, saw: Seen, text: str, key: str, *, actor: Actor, now: datetime) -> Answer:
    """Have it sent; what could not be is handed back, so that nothing typed is lost."""
    try:
        with front.desk.db.write() as session:
            return replies.write(session, saw.message_id, text, key=key, actor=actor, now=now, saw=saw)
    except Refused as refused:
        kept = ("".join(piece) for piece in chunks(text, LINE_CHARS))
        return Answer(str(refused), ("What you wrote:", *kept), is_refusal=True)


KIND = Kind(opened=_opened, read=_read)
