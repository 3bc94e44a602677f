"""Every language's away messages, other automatic answers, answers of people and wishes for no more mail."""

from __future__ import annotations

import pytest

from core.inbound import Kind, judge
from tests.core.inbound.mail import EXCHANGE, RECEIVED, SIEVE, letter
from tests.core.inbound.samples import SAMPLES

HEADERS = {"text": {}, "sieve": SIEVE, "exchange": EXCHANGE}
ROWS = [
    pytest.param(*row, id=f"{language}-{number}") for language, rows in SAMPLES.items() for number, row in enumerate(rows)
]


@pytest.mark.parametrize(("kind", "form", "subject", "body"), ROWS)
def test_sample_gets_its_kind(kind, form, subject, body):
    found = judge(letter(body, subject=subject, headers=HEADERS[form]), received=RECEIVED)

    assert (found.kind, found.evidence) == (kind, found.evidence)
    assert found.evidence or kind is Kind.REPLY
