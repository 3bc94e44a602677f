"""The form that enrols leads: who by search, condition or file; then who exactly, and who not and why; then the act.

The second view stands on the first and remembers a stored proposal: what is enrolled is what was shown there, less whoever
cannot be any more. Of a file nothing is saved before that: it is read once more and must still be the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from sqlmodel import Session, col, select

from bot.blocks import VIEW_TITLE_CHARS, context, rich, section
from bot.codec import OLD_FORM, Form
from bot.downloads import download
from bot.forms.fields import (
    LEADS,
    SEQUENCES,
    Wrong,
    all_chosen_in,
    chosen_in,
    files_in,
    halt_line,
    input_,
    modal,
    option,
    value_of,
)
from bot.forms.kinds import Kind, Opened, Shows
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, plain, sentence, unmarked, words
from core import commands, enrolling, grammar, lead_file, unwritten
from core.answers import Answer
from core.enrolling import Person, Preview
from core.errors import Refused
from core.filters import EXAMPLE
from core.grammar.commands import Who
from core.grammar.words import LONGEST_TEXT_CHARS
from core.lead_file import LeadFile, Row
from core.models import LARGEST_ID, Lead, Sequence
from core.people import Actor
from core.verbs import choosing, enrols
from core.verbs.groups import groups
from core.views import why
from core.words import counted

FILTER, FILE = "filter", "file"
SHOWN = 1  # `Form.version` of the second view
ONE_WAY = "Name the leads in one way: by search, by a condition, or by a file."
PEOPLE_SHOWN = 12
ROWS_SHOWN = 6
WAITING = "Reading, one moment: who is enrolled stands here as soon as it is known."
OWN = "Whoever of these belongs to nobody becomes yours."
INSTEAD = "enrol stage:demo in Spring"


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    with front.desk.db.read() as session:
        row = session.get(Sequence, form.enrollment_id) if form.enrollment_id else None
    return Opened(first_view(form, row), INSTEAD)


def first_view(form: Form, sequence: Sequence | None = None) -> JSON:
    """Give the view that asks where and who."""
    where: JSON = {
        "type": "external_select",
        "min_query_length": 0,
        "placeholder": plain("Search sequences", 150),
    }
    if sequence is not None:
        where["initial_option"] = option(sequence.name, str(sequence.id), sequence.status)
    leads: JSON = {
        "type": "multi_external_select",
        "min_query_length": 0,
        "placeholder": plain("Search by name, address or company", 150),
    }
    condition: JSON = {
        "type": "plain_text_input",
        "max_length": LONGEST_TEXT_CHARS,
        "placeholder": plain(EXAMPLE, 150),
    }
    file: JSON = {"type": "file_input", "filetypes": ["csv"], "max_files": 1}
    return modal(
        form,
        "Enrol leads",
        "Preview",
        [
            input_(SEQUENCES, "Sequence", where),
            section(
                "Who? Choose one of three ways; the next step shows who is enrolled and who is left out."
            ),
            input_(LEADS, "Search", leads, is_optional=True),
            input_(
                FILTER,
                "By condition",
                condition,
                hint="tag:T, stage:S, owner:me, company:acme.com, in:SEQUENCE; a minus before one turns it round. "
                "Addresses and @company.com work too.",
                is_optional=True,
            ),
            input_(
                FILE,
                "From a CSV file",
                file,
                hint="Up to 10 MB; the first line names the columns, one of them email. Nothing is saved before you confirm.",
                is_optional=True,
            ),
        ],
    )


def _read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need] | Shows:
    if form.version == SHOWN:
        return _confirmed(front, form), Need.ACTS
    sequence_id = _id(chosen_in(state, SEQUENCES))
    condition, files = value_of(state, FILTER).strip(), files_in(state, FILE)
    ids = [_id(value) for value in all_chosen_in(state, LEADS)]
    given = [name for name, there in ((LEADS, ids), (FILTER, condition), (FILE, files)) if there]
    errors = {} if sequence_id else {SEQUENCES: "Choose the sequence."}
    if len(given) != 1:
        errors[given[1] if given else LEADS] = ONE_WAY
    if errors:
        raise Wrong(errors)
    if files:
        url = str(files[0].get("url_private_download") or files[0].get("url_private") or "")
        name = str(files[0].get("name") or "")
        make = lambda actor, now: _look_at_file(front, form, sequence_id, url, name, actor, now)  # noqa: E731
        return Shows(make, Need.ACTS, WAITING)
    who = _who(condition) if condition else None
    need = Need.IS_FOR_ADMINS if who and who.everyone else Need.ACTS
    return Shows(lambda actor, now: _look(front, form, sequence_id, who or ids, actor, now), need, WAITING)


def _id(value: str) -> int:
    return int(value) if value.isdecimal() and int(value) <= LARGEST_ID else 0


def _who(condition: str) -> Who:
    try:
        return grammar.who(condition)
    except Refused as refused:
        _at(FILTER, refused)


def _at(name: str, refused: Refused) -> NoReturn:
    raise Wrong({name: clean(str(refused), 300)}) from None


def _look(
    front: Front, form: Form, sequence_id: int, meant: Who | Many[int], actor: Actor, now: datetime
) -> JSON:
    """Give the second view for leads that are known."""
    with front.desk.db.write() as session:
        _accepting(session, sequence_id)
        if isinstance(meant, Who):
            try:
                ids = choosing.lead_ids(session, meant, actor=actor)
            except Refused as refused:
                _at(FILTER, refused)
        else:
            ids = [i for i in session.exec(select(Lead.id).where(col(Lead.id).in_(meant))) if i is not None]
            if not ids:
                raise Wrong({LEADS: "Those leads are no longer here; search again."})
        shown = enrolling.preview(session, ids, sequence_id, actor=actor, now=now)
        shown = unwritten.foreseen(session, shown, now=now)
        proposal = enrols.keep(session, shown, actor=actor, now=now)
        halted = why.halt(session, actor.zone)
    return second_view(_remembering(form, sequence_id, proposal), shown, halted=halted)


def _look_at_file(
    front: Front, form: Form, sequence_id: int, url: str, name: str, actor: Actor, now: datetime
) -> JSON:
    """Give the second view for the rows of a file, of which nothing is saved yet."""
    with front.desk.db.read() as session:
        _accepting(session, sequence_id)
    try:
        data = download(front.client, url)
        file = lead_file.read(data)
    except Refused as refused:
        _at(FILE, refused)
    rows, refused_rows = [], []
    for row in file:
        if row.lead is not None:
            rows.append((row.line, row.lead))
        else:
            refused_rows.append(row)
    digest = hashlib.sha256(data).hexdigest()
    with front.desk.db.write() as session:
        shown = enrolling.preview_rows(session, rows, sequence_id, actor=actor, now=now)
        shown = unwritten.foreseen(session, shown, dict(rows), now=now)
        proposal = enrols.keep(session, shown, of_file=digest, actor=actor, now=now)
        halted = why.halt(session, actor.zone)
    remembered = _remembering(form, sequence_id, proposal, url, digest)
    return second_view(remembered, shown, name=name, file=file, refused=refused_rows, halted=halted)


def _accepting(session: Session, sequence_id: int) -> None:
    """Raise Wrong, at its field, for a sequence that takes no leads."""
    if session.get(Sequence, sequence_id) is None:
        raise Wrong({SEQUENCES: "That sequence is no longer here; choose another."})
    try:
        enrolling.accepting(session, sequence_id)
    except Refused as refused:
        _at(SEQUENCES, refused)


def _remembering(form: Form, sequence_id: int, proposal: str, *file: str) -> Form:
    return replace(form, enrollment_id=sequence_id, version=SHOWN, about=json.dumps([proposal, *file]))


def second_view(
    form: Form,
    shown: Preview,
    *,
    name: str = "",
    file: LeadFile | None = None,
    refused: Many[Row] = (),
    halted: str | None = None,
) -> JSON:
    """Give the view that shows who is enrolled and who not and why; its button does it for exactly those."""
    count = len(shown.enrolled)
    title = (
        f"{counted(count, 'lead')} will be enrolled in {shown.sequence}"
        if count
        else f"Nobody will be enrolled in {shown.sequence} at once"
    )
    blocks = [
        *halt_line(halted),
        rich(
            [words(f"✅ {title}" if count else title, 300, bold=True)],
            bullets=_people(shown.enrolled, PEOPLE_SHOWN),
        ),
    ]
    for heading, people in groups(shown):
        blocks.append(rich(sentence(heading, 300, bold=True), bullets=_people(people, ROWS_SHOWN)))
    if refused:
        heading = f"Rows that make no lead ({len(refused):,})"
        blocks.append(rich([words(heading, 300, bold=True)], bullets=_rows(refused)))
    if file is not None:
        blocks.append(context(f"{name}: {counted(file.total, 'row')}", *file.notes, OWN))
    label = f"Enrol {counted(count, 'lead')}" if count else "Ask first"
    view = modal(form, "Enrol leads", label, blocks) | {"close": plain("Back", VIEW_TITLE_CHARS)}
    if not shown.wanted:
        del view["submit"]
    return view


def _people(people: Many[Person], most: int) -> Iterable[list[JSON]]:
    for one in people[:most]:
        who = f"{one.name} · {one.email}" if one.name else one.email
        where = [words(f"line {one.line}: ", 20)] if one.line else []
        yield [*where, words(who, 200), *([words(f"  {one.why}", 120, italic=True)] if one.why else [])]
    if more := people[most:]:
        yield [words(f"and {len(more):,} more", 100)]


def _rows(rows: Many[Row]) -> Iterable[list[JSON]]:
    for row in rows[:ROWS_SHOWN]:
        yield [words(f"line {row.line}: ", 20), words(unmarked(row.fault or ""), 200)]
    if more := rows[ROWS_SHOWN:]:
        yield [words(f"and {len(more):,} more", 100)]


def _confirmed(front: Front, form: Form) -> Act:
    """Give the act of the second view."""
    try:
        proposal, *file = json.loads(form.about)
    except (ValueError, TypeError):
        raise Refused(OLD_FORM) from None
    if not file:
        return lambda actor, now: commands.confirm(front.desk, proposal, actor=actor, now=now)
    url, digest = file

    def act(actor: Actor, now: datetime) -> Answer:
        data = download(front.client, url)
        if hashlib.sha256(data).hexdigest() != digest:
            raise Refused("That file has changed since it was shown; look at it again first.")
        return enrols.enrol_file(
            front.desk.db, lead_file.read(data), digest, proposal, form.enrollment_id, actor=actor, now=now
        )

    return act


KIND = Kind(opened=_opened, read=_read)
