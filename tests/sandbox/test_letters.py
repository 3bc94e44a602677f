"""What leads send back, checked with other people's parsers rather than our own."""

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from flufl.bounce import all_failures

from core.errors import Refused
from sandbox import letters
from sandbox.inboxes import Inboxes
from sandbox.leads import Leads
from sandbox.letters import Got
from sandbox.mailbox import MailStore

AT = datetime(2027, 6, 1, 8, 0, tzinfo=UTC)
ANA = "ana@northwind.example"
SENT = (
    "From: Ana Ruiz <ana@northwind.example>\r\nTo: =?utf-8?q?Zo=C3=AB_Berg?= <zoe@lead.example>\r\n"
    "Subject: =?utf-8?q?A_question_about_Caf=C3=A9_Zo=C3=AB?=\r\nDate: Tue, 01 Jun 2027 07:00:00 +0000\r\n"
    "Message-ID: <2@northwind.example>\r\nReferences: <1@northwind.example>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    "Hi Zoë,\r\n\r\nis this a good week?\r\n\r\nAna\r\n"
).encode()
GOT = Got(SENT, "zoe@lead.example")


def parsed(raw: bytes):
    assert b"\n" not in raw.replace(b"\r\n", b""), "a line ends in a bare LF"
    made = message_from_bytes(raw, policy=SMTP)
    assert not [defect for part in made.walk() for defect in part.defects]
    for name in ("From", "To", "Date", "Message-ID", "Subject"):
        assert len(made.get_all(name)) == 1, name
    return made


def text_of(made) -> str:
    return made.get_body(preferencelist=("plain",)).get_content().replace("\r\n", "\n")


def test_an_answer_continues_the_conversation_and_quotes_it():
    made = parsed(letters.answer(GOT, "Thanks, next week is fine.", at=AT))
    assert made["In-Reply-To"] == "<2@northwind.example>"
    assert made["References"] == "<1@northwind.example> <2@northwind.example>"
    assert made["Subject"] == "Re: A question about Café Zoë"
    assert made["From"] == "Zoë Berg <zoe@lead.example>"
    assert made["To"] == "Ana Ruiz <ana@northwind.example>"
    text = text_of(made)
    assert text.startswith("Thanks, next week is fine.\n\nOn Tue, Jun 1, 2027 at 07:00, Ana Ruiz")
    assert "> Hi Zoë,\n>\n> is this a good week?" in text


def test_an_answer_to_an_answer_has_one_re():
    again = Got(SENT.replace(b"Subject: =", b"Subject: Re: ="), GOT.recipient)
    assert parsed(letters.answer(again, "Yes", at=AT))["Subject"] == "Re: A question about Café Zoë"


def test_what_a_lead_types_stays_text_in_html():
    made = parsed(letters.answer(GOT, "<script>alert(1)</script> & more", at=AT))
    assert "&lt;script&gt;" in made.get_body(preferencelist=("html",)).get_content()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "will be back on Tuesday, June 15, 2027."),
        ("de", "ab Dienstag, dem 15. Juni 2027, wieder erreichbar."),
        ("fr", "serai de retour le mardi 15 juin 2027."),
    ],
)
def test_an_away_message_names_the_day_in_its_language(language, said):
    made = parsed(letters.away(GOT, at=AT, back_on=date(2027, 6, 15), language=language))
    assert said in " ".join(text_of(made).split())


@pytest.mark.parametrize(
    ("system", "header"),
    [
        ("exchange", ("X-Auto-Response-Suppress", "All")),
        ("gmail", ("Auto-Submitted", "auto-replied")),
        ("plain", ("Auto-Submitted", None)),
    ],
)
def test_an_away_message_has_its_systems_headers(system, header):
    made = parsed(letters.away(GOT, at=AT, back_on=None, system=system))
    assert made[header[0]] == header[1]
    assert made["In-Reply-To"] == "<2@northwind.example>"


def test_an_away_message_may_be_in_the_persons_own_words():
    made = parsed(letters.away(GOT, at=AT, back_on=None, words="Out until June 15"))
    assert text_of(made) == "Out until June 15\n"


@pytest.mark.parametrize(("is_hard", "status"), [(True, "5.1.1"), (False, "4.2.2")])
def test_a_bounce_is_read_by_flufl(is_hard, status):
    raw = letters.bounce(GOT, at=AT, is_hard=is_hard)
    made = parsed(raw)
    assert made["To"] == ANA
    assert (made.get_content_type(), made.get_param("report-type")) == ("multipart/report", "delivery-status")
    assert all_failures(made) == (set(), {b"zoe@lead.example"})  # flufl calls temporary what is only delayed
    assert f"Status: {status}\r\n".encode() in raw
    returned = list(made.iter_parts())[2]
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <2@northwind.example>" in returned.get_content()


def test_a_complaint_carries_the_whole_mail():
    made = parsed(letters.complaint(GOT, at=AT))
    assert made.get_param("report-type") == "feedback-report"
    _, report, original = made.iter_parts()
    assert b"Feedback-Type: abuse" in report.as_bytes()
    assert original.get_content()["Message-ID"] == "<2@northwind.example>"


@pytest.fixture
def inboxes():
    return Inboxes()


@pytest.fixture
def leads(inboxes):
    mail = MailStore(now=lambda: AT)
    mail.keep(SENT, ("zoe@lead.example",))
    return Leads(mail, inboxes, now=lambda: AT)


def events(inboxes) -> list[dict[str, str]]:
    found = []
    for kept in inboxes.messages(ANA):
        part = parsed(kept.content).get_body(preferencelist=("calendar",))
        lines = part.get_content().replace("\r\n ", "").splitlines()
        found.append({line.partition(":")[0].partition(";")[0]: line.partition(":")[2] for line in lines})
        assert part.get_param("method") == found[-1]["METHOD"]
    return found


def test_a_meeting_is_booked_moved_and_called_off(leads, inboxes):
    leads.book("1", AT + timedelta(days=2))
    leads.move("1", AT + timedelta(days=3))
    assert leads.appointments()["zoe@lead.example"]["at"] == (AT + timedelta(days=3)).isoformat()
    leads.call_off("1")
    found = events(inboxes)
    assert [(e["METHOD"], e["SEQUENCE"], e["DTSTART"]) for e in found] == [
        ("REQUEST", "0", "20270603T080000Z"),
        ("REQUEST", "1", "20270604T080000Z"),
        ("CANCEL", "2", "20270604T080000Z"),
    ]
    assert len({e["UID"] for e in found}) == 1
    assert {e["ORGANIZER"] for e in found} == {"mailto:zoe@lead.example"}
    with pytest.raises(Refused, match="book one first"):
        leads.call_off("1")


def test_an_accepted_invitation_is_the_reps(leads, inboxes):
    leads.accept("1", AT + timedelta(days=2))
    with pytest.raises(Refused, match="The rep invited"):
        leads.move("1", AT)
    leads.call_off("1")
    accepted, declined = events(inboxes)
    assert accepted["METHOD"] == declined["METHOD"] == "REPLY"
    assert accepted["ORGANIZER"] == f"mailto:{ANA}"
    assert accepted["UID"] == declined["UID"]


def test_a_colleague_answers_from_another_address(leads, inboxes):
    leads.answer("1", "Zoë passed this on to me.", is_colleague=True)
    made = parsed(inboxes.messages(ANA)[0].content)
    assert made["From"] == "Robin Vale <robin.vale@lead.example>"
    assert made["In-Reply-To"] == "<2@northwind.example>"


def test_a_mail_that_is_not_there_is_told(leads):
    with pytest.raises(LookupError, match="not here any more"):
        leads.complain("7")
