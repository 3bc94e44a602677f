"""CSV files of leads: one table per rule, then what must hold for any bytes at all."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import lead_file
from core.errors import Refused
from core.lead_file import LeadRow, Row, read, safe_cell, write_errors

SAMPLE = Path(__file__).parents[2] / "sandbox" / "samples" / "leads.csv"


def rows_of(text: str, encoding: str = "utf-8") -> list[Row]:
    return list(read(text.encode(encoding)))


def lead_of(text: str) -> LeadRow:
    (row,) = rows_of(text)
    assert row.fault is None, row.fault
    assert row.lead is not None
    return row.lead


def fault_of(text: str) -> str:
    *_, row = rows_of(text)
    assert row.lead is None
    assert row.fault
    return row.fault


def test_the_sample_holds_twelve_leads() -> None:
    file = read(SAMPLE.read_bytes())
    leads = [row.lead for row in file]
    assert file.total == 12
    assert len({lead.email for lead in leads if lead}) == 12
    assert all(lead.zone and lead.owner and lead.company for lead in leads)
    assert all(lead.email.endswith((".example", ".test")) for lead in leads)


# The file as a whole (bad inputs 63-70, 83) -----------------------------------------------------------------------


@pytest.mark.row(63, 64, 68, 83)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no rows"),
        (b"\n \n\r\n", "no rows"),
        (b"\xef\xbb\xbf", "no rows"),
        (b"email,name\n", "no rows"),
        (b"email,name\n,\n  ,\n", "no rows"),
        (b'email,name\na@x.test,Ada\nb@x.test,"Ben\nc@x.test,Chi\n', "Line 3: A quote opens here"),
        (b'email,name\na@x.test,"Ada"x\n', "Line 2: A quote stands in the middle"),
        (b'email,name\na@x.test,"' + b"a" * 140_000, "Line 2: A cell is too long"),
        (b'email,"name\na@x.test,Ada\n', "Line 1: A quote opens here"),
        (b"PK\x03\x04rest", "zip or Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"name,company\nAda,Acme\n", "No column holds the address"),
        (b"a@x.test,Ada\nb@x.test,Ben\n", "first line must name the columns"),
        (b"email,mail\na@x.test,b@x.test\n", 'The columns "email" and "mail" both mean email'),
        (b"email,Seats,seats\na@x.test,1,2\n", "both mean seats"),
        (("email" + ",x" * 300).encode(), "301 columns"),
        ("email\na@x.test\n".encode("utf-16") + b"\0", "Line 3 is not UTF-16"),
        (
            b"\xef\xbb\xbfemail\na@x.test\n" + b"b@x.test\n" * 3000 + b"\xff@x.test\n",
            "Line 3003 is not UTF-8-SIG",
        ),
    ],
)
def test_file_that_cannot_be_trusted_is_refused_whole(data: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        read(data)


@pytest.mark.row(70)
def test_too_many_rows_or_bytes_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (lead_file.MOST_ROWS, lead_file.LARGEST_BYTES) == (200_000, 50 * 1024 * 1024)
    with pytest.raises(Refused, match="larger than 50 MB"):
        read(bytes(50 * 1024 * 1024 + 1))
    monkeypatch.setattr(lead_file, "MOST_ROWS", 2)
    assert read(b"email\na@x.test\nb@x.test\n").total == 2
    with pytest.raises(Refused, match="more than 2 rows"):
        read(b"email\na@x.test\nb@x.test\nc@x.test\n")


@pytest.mark.row(66)
@pytest.mark.parametrize(
    ("encoding", "named", "is_noted"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8-sig", False),
        ("utf-16", "utf-16", False),
        ("utf-16-le", "utf-16-le", False),
        ("utf-16-be", "utf-16-be", False),
        ("latin-1", "cp1252", True),
        ("cp1252", "cp1252", True),
    ],
)
def test_encoding_is_detected_and_a_guess_is_said(encoding: str, named: str, is_noted: bool) -> None:
    file = read("email,name\nz@x.test,Zoë Müller\n".encode(encoding))
    (row,) = file
    assert row.lead is not None
    assert row.lead.name == "Zoë Müller"
    assert file.encoding == named
    assert any("Latin-1" in note for note in file.notes) is is_noted


def test_bytes_without_a_meaning_in_windows_are_read_as_latin_1() -> None:
    assert read(b"email,company\na@x.test,\xe9\x81\n").encoding == "latin-1"


@pytest.mark.row(67)
@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_delimiter_is_detected_and_shown(delimiter: str, name: str) -> None:
    file = read(
        f'email{delimiter}"name, or; so"{delimiter}company\na@x.test{delimiter}A{delimiter}B, C; D'.encode()
    )
    if delimiter == "\t":
        (row,) = file
        assert row.lead is not None
        assert row.lead.company == "B, C; D"
    assert file.delimiter == delimiter
    assert len(file.columns) == 3
    assert any(name in note for note in file.notes)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(end: str) -> None:
    assert [row.line for row in rows_of(f"email{end}a@x.test{end}{end}b@x.test")] == [2, 4]


# The columns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("E-Mail", "email"),
        (" mail ", "email"),
        ("Email Address", "email"),
        ("First Name", "first_name"),
        ("firstname", "first_name"),
        ("Given name", "first_name"),
        ("Surname", "last_name"),
        ("Full name", "name"),
        ("Organisation", "company"),
        ("organization", "company"),
        ("Domain", "domain"),
        ("Time zone", "zone"),
        ("Timezone", "zone"),
        ("Stage", "stage"),
        ("Tags", "tags"),
        ("Owner", "owner"),
        ("Straße / Nr.", "strasse_nr"),
        ("Größe", "grosse"),
        ("2nd phone", "n_2nd_phone"),
        ("fault", ""),
        ("公司", ""),
    ],
)
def test_header_becomes_field(header: str, field: str) -> None:
    other = "x" if field == "email" else "email"
    assert read(f"{header},{other}\na@x.test,a@x.test\n".encode()).columns[0] == field


def test_column_without_name_is_not_read_and_said() -> None:
    file = read(b"email,,seats\na@x.test,secret,3\n")
    (row,) = file
    assert row.lead is not None
    assert row.lead.custom == {"seats": "3"}
    assert "Column 2 has no name in plain letters and is not read." in file.notes


def test_row_becomes_a_whole_lead() -> None:
    text = (
        "E-mail;First name;Last name;Company;Zone;Stage;Tags;Owner;Seats;Note\n"
        'Ada@Lindenhof.Example;Ada;Winter;Lindenhof;Europe/Berlin;new;"venue; spring|vip;venue";U0ANA;320;\n'
    )
    assert lead_of(text) == LeadRow(
        email="ada@lindenhof.example",
        first_name="Ada",
        last_name="Winter",
        name="Ada Winter",
        company="Lindenhof",
        domain="lindenhof.example",
        zone="Europe/Berlin",
        stage="new",
        tags=("venue", "spring", "vip"),
        owner="U0ANA",
        custom={"seats": "320"},
    )


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("email,domain\na@x.test,Acme.Example\n", "acme.example"),
        ("email\na@x.test\n", "x.test"),
        ("email\na@gmail.com\n", ""),  # strangers share it: no company
    ],
)
def test_domain_is_the_named_one_else_that_of_the_address(text: str, domain: str) -> None:
    assert lead_of(text).domain == domain


def test_short_row_leaves_the_rest_empty() -> None:
    lead = lead_of("email,name,zone,owner\na@x.test\n")
    assert (lead.name, lead.zone, lead.owner) == ("", None, None)


# The rows (bad inputs 71-84) --------------------------------------------------------------------------------------


@pytest.mark.row(71, 76)
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("email,name\na@x.test,Ada,extra\n", "The row has 3 cells, but there are 2 columns."),
        ("email,name\n,Ada\n", "The row has no address."),
        ('email,name\na@x.test,"A\r\nBcc: v@x"\n', "The cell name holds a line break or control character."),
        ('email,company\na@x.test,"A\u2028B"\n', "The cell company holds a line break or control character."),
        ("email,name\na@x.test,A\0B\n", "The cell name holds a line break or control character."),
        ("email,seats\na@x.test,\x1b[31m\n", "The cell seats holds a control character."),
        ("email,zone\na@x.test,Europe/Berlni\n", "There is no time zone"),
        ("email,domain\na@x.test,acme\n", "no domain"),
        (f"email,name\na@x.test,{'a' * 201}\n", "The cell name has 201 characters; 200 are the most."),
        (f"email,note\na@x.test,{'a' * 10_001}\n", "10001 characters"),
    ],
)
def test_bad_row_is_refused_by_itself(text: str, fault: str) -> None:
    assert fault in fault_of(text)


@pytest.mark.row(78, 79, 80, 82)
@pytest.mark.parametrize(
    "address",
    [
        "a@x",
        "a..b@x.test",
        ".a@x.test",
        "a@[127.0.0.1]",
        '"""a b""@x.test"',
        '"a@x.test, b@x.test"',
        "a@x.test; b@x.test",
        "alice@ok.test)bob@evil.test",
        "postmaster@x.test",
        "abuse@x.test",
        "Ada <a@x.test>",
        "ada",
    ],
)
def test_address_against_the_policy_is_refused(address: str) -> None:
    assert fault_of(f"email,name\nfine@x.test,Ada\n{address},Ben\n")


@pytest.mark.row(72)
@pytest.mark.parametrize(
    "again",
    ["a@x.test", "A@X.Test", "  a@x.test ", "a@x.test\u200b"],
    ids=["same", "case", "blanks", "invisible"],
)
def test_address_twice_keeps_the_first_and_says_so(again: str) -> None:
    first, second = rows_of(f"email,name\na@x.test,Ada\n{again},Ada\n")
    assert first.lead is not None
    assert second.fault == "The address a@x.test stands in line 2 already."


@pytest.mark.row(72)
def test_international_domain_twice_is_one_address() -> None:
    first, second = rows_of("email\na@bücher.example\na@xn--bcher-kva.example\n")
    assert first.lead is not None
    assert second.fault


def test_address_of_a_refused_row_is_free_for_the_next() -> None:
    first, second = rows_of("email,zone\na@x.test,Nowhere\na@x.test,UTC\n")
    assert first.fault
    assert second.lead is not None


@pytest.mark.row(75, 84)
@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "{{7*7}}", "{% if %}", "O'Connor", "'quoted'"],
)
def test_what_looks_like_code_is_stored_as_text(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow(["a@x.test", text.strip(), text])
    lead = lead_of("email,company,note\n" + out.getvalue())
    assert lead.company == text.strip()
    assert lead.custom == {"note": text}


@pytest.mark.row(75)
@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM", "'@SUM"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("Ada", "Ada"),
        ("", ""),
    ],
)
def test_export_makes_no_formula(text: str, safe: str) -> None:
    assert safe_cell(text) == safe


def test_rows_can_be_gone_through_again_with_the_same_verdicts() -> None:
    file = read(b"email\na@x.test\na@x.test\nbad\n")
    assert list(file) == list(file)


def test_caller_refuses_a_row_with_its_own_reason() -> None:
    (row,) = rows_of("email\na@x.test\n")
    assert row.refused("It is suppressed.") == Row(2, None, "It is suppressed.", ("a@x.test",))


# The error file ---------------------------------------------------------------------------------------------------


def test_error_file_holds_refused_rows_with_their_fault() -> None:
    file = read(b"email,phone\na@x.test,+49\nbad,=1\nc@x.test,1,2\n")
    out = io.StringIO(newline="")
    assert write_errors(file, out, header=file.header) == 2
    table = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert table[0] == ["fault", "email", "phone"]
    assert table[1][1:] == ["bad", "'=1"]
    assert "no e-mail address" in table[1][0]
    assert table[2][1:] == ["c@x.test", "1", "2"]


def test_mended_error_file_is_read_like_the_first_one() -> None:
    file = read(b"email,phone\nbad,+49\n")
    out = io.StringIO(newline="")
    write_errors(file, out, header=file.header)
    lead = lead_of(out.getvalue().replace("bad", "b@x.test").replace("“b@x.test”", "bad"))
    assert (lead.email, lead.custom) == ("b@x.test", {"phone": "+49"})


# Whatever comes ---------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        b"email",
        b"name",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b'"',
        b"a@x.test",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"=",
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map(b"".join)))
@example(b"\xff\xfe\x00\xd8")
@example(b"\xfe\xff")
@example(b"\0e\0m\0a\0i\0l\0\n\0x")
def test_no_bytes_raise_anything_but_refused(data: bytes) -> None:
    for text in (data, b"email,name\na@x.test," + data):
        try:
            file = read(text)
        except Refused:
            continue
        rows = list(file)
        assert len(rows) == file.total
        assert all((row.lead is None) is (row.fault is not None) for row in rows)
        write_errors(rows, io.StringIO(newline=""), header=file.header)


@given(st.text(max_size=60))
def test_no_cell_reaches_a_lead_with_a_line_break(name: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["a@x.test", name])
    try:
        (row,) = read(("email,name\n" + out.getvalue()).encode(errors="replace"))
    except Refused:
        return
    assert row.lead is None or not any(char in row.lead.name for char in "\r\n\0\x85\u2028\u2029")
