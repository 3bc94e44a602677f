"""One row of a lead file: the lead that its cells make, or why they make none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.address import domain_of, is_free_mail, normalise, normalise_domain
from core.errors import Refused
from core.plain import is_forbidden
from core.schedule import Calendar, lead_calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_CELL_CHARS = 200
LONGEST_CUSTOM_CHARS = 10_000

# Every header, in snake_case, that means a field of the lead; any other column becomes a custom field.
KNOWN_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        alias: name
        for name, aliases in {
            "email": "email e_mail mail email_address e_mail_address mail_address work_email",
            "first_name": "first_name firstname first given_name givenname forename",
            "last_name": "last_name lastname last surname family_name familyname",
            "name": "name full_name fullname contact contact_name",
            "company": "company company_name organisation organization account account_name",
            "domain": "domain company_domain",
            "zone": "zone timezone time_zone tz",
            "stage": "stage lead_stage",
            "tags": "tags tag labels",
            "owner": "owner lead_owner contact_owner",
        }.items()
        for alias in aliases.split()
    }
)

_FIELDS = frozenset(KNOWN_COLUMNS.values())
_ANYWHERE = Calendar(None, "UTC", None)
# A spreadsheet reads a cell that begins so as a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as a file tells of it; the address is normalised. `zone`, `owner` None: the file names none."""

    email: str
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    domain: str = ""
    zone: str | None = None
    stage: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row and its verdict: either a lead or a fault. `line` counts from 1; `cells` are as they stood."""

    line: int
    lead: LeadRow | None
    fault: str | None
    cells: tuple[str, ...] = ()

    def refused(self, fault: str) -> Row:
        """Give the same row, refused for this reason."""
        return replace(self, lead=None, fault=fault)


def safe_cell(text: str) -> str:
    """Give the text such that no spreadsheet takes it for a formula: with ' before it where needed."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def lead_of(columns: tuple[str, ...], cells: tuple[str, ...]) -> LeadRow:
    """Give the lead of a row; raises Refused."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise Refused(f"The row has {len(cells)} cells, but there are {len(columns)} columns.")
    values: dict[str, str] = {}
    custom: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column in _FIELDS:
            values[column] = _field(column, _unquoted(cell))
        elif column and cell.strip():
            custom[column] = _custom(column, _unquoted(cell))
    if not values.get("email"):
        raise Refused("The row has no address.")
    email = normalise(values["email"])
    first_name, last_name = values.get("first_name", ""), values.get("last_name", "")
    return LeadRow(
        email=email,
        first_name=first_name,
        last_name=last_name,
        name=values.get("name") or full_name(first_name, last_name),
        company=values.get("company", ""),
        domain=_domain(values.get("domain", ""), email),
        zone=_zone(values.get("zone", "")),
        stage=values.get("stage", ""),
        tags=_tags(values.get("tags", "")),
        owner=values.get("owner") or None,
        custom=custom,
    )


def full_name(first_name: str, last_name: str) -> str:
    """Give the whole name that two halves make."""
    return f"{first_name} {last_name}".strip()


def renamed(name: str, halves: tuple[str, str], halves_now: tuple[str, str]) -> str:
    """Give a whole name after its halves changed: made of them where it was before, else as it is."""
    return full_name(*halves_now) if name in ("", full_name(*halves)) else name


def _unquoted(cell: str) -> str:
    """Take back what `safe_cell` did."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _field(column: str, cell: str) -> str:
    """Give a cell that may end up in a header or on a card; raises Refused for what could break out of it."""
    text = cell.strip(" \t\xa0")
    if is_forbidden(text):
        raise Refused(f"The cell {column} holds a line break or control character.")
    if len(text) > LONGEST_CELL_CHARS:
        raise Refused(f"The cell {column} has {len(text)} characters; {LONGEST_CELL_CHARS} are the most.")
    return text


def _custom(column: str, cell: str) -> str:
    """Give a custom field as it stands: it may have several lines, but no other control characters."""
    if is_forbidden(re.sub(r"[\t\r\n]", "", cell)):
        raise Refused(f"The cell {column} holds a control character.")
    if len(cell) > LONGEST_CUSTOM_CHARS:
        raise Refused(f"The cell {column} has {len(cell)} characters; {LONGEST_CUSTOM_CHARS} are the most.")
    return cell


def _domain(given: str, email: str) -> str:
    """Give the company's domain: the one named, else that of the address unless strangers share it."""
    domain = normalise_domain(given) if given else domain_of(email)
    return domain if given or not is_free_mail(domain) else ""


def _zone(name: str) -> str | None:
    if not name:
        return None
    lead_calendar(_ANYWHERE, name)  # raises Refused for a zone that does not exist
    return name


def _tags(cell: str) -> tuple[str, ...]:
    tags = (tag.strip() for tag in re.split(r"[;|]", cell))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
