"""Every language's away messages, other automatic answers, answers of people and wishes for no more mail."""

from __future__ import annotations

import pytest

from core.inbound import Kind, judge
from tests.core.inbound.mail import EXCHANGE, RECEIVED, SIEVE, letter, quoted
from tests.core.inbound.samples import SAMPLES, TRAPS

HEADERS = {"text": {}, "sieve": SIEVE, "exchange": EXCHANGE}
ROWS = [
    pytest.param(kind, HEADERS[form], subject, body, id=f"{language}-{number}")
    for language, rows in SAMPLES.items()
    for number, (kind, form, subject, body) in enumerate(rows)
]
TRAP_ROWS = [pytest.param(*row, id=f"trap-{number}") for number, row in enumerate(TRAPS)]
PEOPLE = [
    row for row in ROWS + TRAP_ROWS if row.values[0] in {Kind.REPLY, Kind.UNSUBSCRIBE} and row.values[3]
]


def judged(kind, headers, subject, body):
    return judge(letter(body, subject=subject, headers=headers), received=RECEIVED)


@pytest.mark.parametrize(("kind", "headers", "subject", "body"), ROWS + TRAP_ROWS)
def test_sample_gets_its_kind_with_evidence(kind, headers, subject, body):
    found = judged(kind, headers, subject, body)

    assert (found.kind, found.evidence) == (kind, found.evidence)
    assert found.evidence or kind is Kind.REPLY


@pytest.mark.parametrize(("kind", "headers", "subject", "body"), PEOPLE)
def test_our_quoted_mail_changes_no_verdict(kind, headers, subject, body):
    assert judged(kind, headers, subject, quoted(body)).kind is kind


def test_away_message_names_day_contact_and_language():
    body = (
        "Guten Tag, ich bin bis einschließlich 18.09.2026 im Urlaub. "
        "In dringenden Fällen wenden Sie sich an brandt@lumen.example oder mira.holt@lumen.example."
    )
    found = judge(letter(body, headers=EXCHANGE), received=RECEIVED)

    assert found.back.on.isoformat() == "2026-09-19"
    assert found.contacts == ("brandt@lumen.example",)
    assert found.language == "de"


def test_automatic_answer_with_a_day_back_and_no_known_phrase_is_away():
    body = "Dipping my toes into the sea! Back on Monday 21 September."

    assert judge(letter(body, headers=EXCHANGE), received=RECEIVED).kind is Kind.OUT_OF_OFFICE


def test_small_print_below_an_answer_is_not_read():
    body = (
        "Yes, Friday works.\n\nThis message is confidential and for the intended recipient only. If you have "
        "received this in error, delete it. To stop all mail, write to stop@lumen.example and ask to be removed."
    )

    assert judge(letter(body), received=RECEIVED).kind is Kind.REPLY


def test_answer_without_words_of_its_own_asks_for_a_look():
    found = judge(letter(quoted("")), received=RECEIVED)

    assert found.kind is Kind.REPLY
    assert found.cause == "The message has no text of its own; look at it in the mailbox."
