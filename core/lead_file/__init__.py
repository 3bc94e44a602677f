"""Leads as CSV files: `read` opens one, its rows come one by one, each a lead or the reason why it is none.

`read` goes through the whole file once before it gives anything: a wrong encoding, a quote that never closes or
too many rows refuse the file, so that no half of it is ever imported. The rows are then read again as they are
asked for, in bounded memory. What the database knows of a lead (suppressed, there already) is judged by the
caller, with `Row.refused`. The format stands in docs/leads.md.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from core.errors import Refused
from core.lead_file.row import KNOWN_COLUMNS, LeadRow, Row, lead_of, safe_cell
from core.plain import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["LeadFile", "LeadRow", "Row", "read", "safe_cell", "write_errors"]

LARGEST_BYTES = 50 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200

FAULT_COLUMN = "fault"
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}

_FOREIGN = {
    b"PK\x03\x04": "a zip or Excel file",
    b"PK\x05\x06": "a zip file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
}


@dataclass(frozen=True)
class LeadFile:
    """A file that can be read to its end. `columns`: what each becomes, "" for one that is not read."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    columns: tuple[str, ...]
    total: int
    notes: tuple[str, ...]
    _data: bytes = field(repr=False)

    def __iter__(self) -> Iterator[Row]:
        """Give every row with its verdict, in order; of an address that comes twice the first is kept."""
        first_lines: dict[str, int] = {}
        for line, cells in _records(self._data, self.encoding, self.delimiter, after_header=True):
            row = self._judged(line, cells)
            if row.lead is not None:
                earlier = first_lines.setdefault(row.lead.email, line)
                if earlier != line:
                    row = row.refused(f"The address {row.lead.email} stands in line {earlier} already.")
            yield row

    def _judged(self, line: int, cells: tuple[str, ...]) -> Row:
        try:
            return Row(line, lead_of(self.columns, cells), None, cells)
        except Refused as refusal:
            return Row(line, None, str(refusal), cells)


def read(data: bytes, *, known_columns: Mapping[str, str] = KNOWN_COLUMNS) -> LeadFile:
    """Give the file, ready to be gone through; raises Refused for one that cannot be trusted as a whole.

    known_columns: header in snake_case → field of LeadRow.
    """
    if len(data) > LARGEST_BYTES:
        raise Refused(f"The file is larger than {LARGEST_BYTES // 1024**2} MB; split it.")
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            raise Refused(f"This is {what}; save the table as CSV.")
    encoding, notes = _encoding(data)
    delimiter, header = _header(data, encoding, known_columns)
    columns, more_notes = _columns(header, known_columns)
    total = _counted(_records(data, encoding, delimiter, after_header=True))
    notes = [*notes, f"The columns are separated by {DELIMITERS[delimiter]}s.", *more_notes]
    return LeadFile(encoding, delimiter, header, columns, total, tuple(notes), data)


def write_errors(rows: Iterable[Row], out: TextIO, *, header: Sequence[str]) -> int:
    """Write the refused rows, each with its fault before its cells as they stood, and give their number.

    The file can be mended and imported again: `read` takes the quote of `safe_cell` off and skips `fault`.
    """
    writer = csv.writer(out)
    writer.writerow([FAULT_COLUMN, *map(safe_cell, header)])
    count = 0
    for row in rows:
        if row.fault is not None:
            writer.writerow(map(safe_cell, [row.fault, *row.cells]))
            count += 1
    return count


# The file as a whole ----------------------------------------------------------------------------------------------


def _encoding(data: bytes) -> tuple[str, list[str]]:
    """Give how the bytes are to be read, and what is worth saying about it."""
    if data.startswith(BOM_UTF8):
        return "utf-8-sig", []
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16", []
    if data[1:2] == b"\0" or data[:1] == b"\0":
        return ("utf-16-be" if data[:1] == b"\0" else "utf-16-le"), []
    if _decodes(data, "utf-8"):
        return "utf-8", []
    # What Excel writes west of the Oder; five bytes have no meaning in it, while Latin-1 takes every byte.
    western = "cp1252" if _decodes(data, "cp1252") else "latin-1"
    return western, [
        "The file is not UTF-8; it was read as Latin-1 (Windows), so look at the accented letters."
    ]


def _decodes(data: bytes, encoding: str) -> bool:
    decoder = getincrementaldecoder(encoding)()
    chunk = 1 << 20
    try:
        for start in range(0, len(data), chunk):
            decoder.decode(data[start : start + chunk], final=start + chunk >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _records(
    data: bytes, encoding: str, delimiter: str, *, after_header: bool = False
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give (line it begins in, cells) of every record that is not blank; raises Refused with the line."""
    with TextIOWrapper(BytesIO(data), encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        is_header = after_header
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except UnicodeError:
                raise Refused(_undecodable(data, encoding)) from None
            except csv.Error as error:
                raise Refused(_broken(line, str(error))) from None
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            if is_header:
                is_header = False
                continue
            yield line, tuple(cells)


def _counted(records: Iterable[object]) -> int:
    """Give their number, having gone through all of them; raises Refused for none or too many."""
    count = 0
    for _ in records:
        count += 1
        if count > MOST_ROWS:
            raise Refused(f"The file has more than {MOST_ROWS:,} rows; split it.")
    if not count:
        raise Refused("The file has no rows.")
    return count


def _undecodable(data: bytes, encoding: str) -> str:
    """Say in which line the bytes stop making sense; the reader itself only knows it to some kilobytes."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="ignore")
        line = max(before.count("\n"), before.count("\r")) + 1
        return f"Line {line} is not {encoding.upper()}; save the file as UTF-8."
    return "The file cannot be decoded; save it as UTF-8."


def _broken(line: int, error: str) -> str:
    if "field larger" in error:
        return f"Line {line}: A cell is too long; is a quote missing that would close it?"
    if "unexpected end" in error:
        return f"Line {line}: A quote opens here and never closes; close it, or double it."
    return f'Line {line}: A quote stands in the middle of a cell; write it twice ("") inside a quoted cell.'


# The header -------------------------------------------------------------------------------------------------------


def _header(data: bytes, encoding: str, known: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Give the delimiter and the header's cells: the delimiter that shows an address column and most columns."""
    found: dict[str, tuple[str, ...]] = {}
    refusal: Refused | None = None
    for delimiter in DELIMITERS:
        try:
            _, found[delimiter] = next(_records(data, encoding, delimiter), (0, ()))
        except Refused as fault:
            refusal = fault

    def fitness(delimiter: str) -> tuple[bool, int]:
        cells = found[delimiter]
        return any(known.get(_snake(cell)) == "email" for cell in cells), len(cells)

    best = max(found, key=fitness, default=None)
    # A broken quote may be what hides the address column under the right delimiter.
    if refusal is not None and (best is None or not fitness(best)[0]):
        raise refusal
    if best is None or not found[best]:
        raise Refused("The file has no rows.")
    return best, found[best]


def _columns(header: tuple[str, ...], known: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """Give what each column becomes, "" for one that is not read, and what is worth saying about it."""
    if len(header) > MOST_COLUMNS:
        raise Refused(f"The file has {len(header)} columns; {MOST_COLUMNS} are the most.")
    notes = []
    columns: list[str] = []
    for number, cell in enumerate(header, start=1):
        snake = _snake(cell)
        column = "" if snake == FAULT_COLUMN else known.get(snake, snake)
        if column and column in columns:
            earlier = header[columns.index(column)]
            raise Refused(
                f'The columns "{shown(earlier)}" and "{shown(cell)}" both mean {column}; take one of them out.'
            )
        if not snake:
            notes.append(f"Column {number} has no name in plain letters and is not read.")
        columns.append(column)
    if "email" not in columns:
        raise Refused("No column holds the address; the first line must name the columns, one of them email.")
    return tuple(columns), notes


def _snake(header: str) -> str:
    """Give a header as the name of a merge tag: "Straße / Nr." → strasse_nr; "" where nothing is left of it."""
    letters = unicodedata.normalize("NFKD", header.casefold())
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    name = re.sub(r"[^a-z0-9]+", "_", plain)[:64].strip("_")
    return f"n_{name}" if name[:1].isdigit() else name
