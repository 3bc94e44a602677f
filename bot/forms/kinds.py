"""What every form is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.codec import Form
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON
from core.people import Actor


@dataclass(frozen=True)
class Opened:
    """A modal, and the command that does the same, without its slash: said where Slack would not open it any more."""

    view: JSON
    instead: str


class Anew(Exception):
    """Something was said since the form was opened: it is shown anew, with what was typed, and does nothing yet."""

    def __init__(self, view: JSON) -> None:
        super().__init__("the form is shown anew")
        self.view = view


@dataclass(frozen=True)
class Shows:
    """What a filled-in form leads to where that is no act yet: another view on top of it.

    make: gives that view; raises `bot.forms.fields.Wrong` like `Kind.read`. It may take longer than Slack waits: then a
    view that says `waiting` stands there until it is made.
    """

    make: Callable[[Actor, datetime], JSON]
    need: Need
    waiting: str


@dataclass(frozen=True)
class Kind:
    """One form.

    opened: gives it; raises Refused where there is nothing to fill in.
    read: gives what the filled-in form does and what that needs of the person, or what it `Shows` before; raises `bot.forms.fields.Wrong` with a sentence
    for every field that cannot be read, and `Anew` where there is more to see first. Its arguments: the front desk, the form, the view's `state`, the user's id, now,
    the zone the person's dates are read in.
    changed: gives the form anew after an input with `dispatch_action` changed, None to leave it; None: it never changes.
    Its arguments: the front desk, the form, the whole view as it stands (with the value of the button as "pressed"), the
    person, now.
    need: of opening it.
    """

    opened: Callable[[Front, Form, Actor, datetime], Opened]
    read: Callable[[Front, Form, object, str, datetime, str], tuple[Act, Need] | Shows]
    changed: Callable[[Front, Form, JSON, Actor, datetime], JSON | None] | None = None
    need: Need = Need.ACTS
